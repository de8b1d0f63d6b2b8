//! `naos top`

use std::time::Duration;

use serde_json::Value;

use super::{Context, Ended};
use crate::out::{Out, cell, items};
use crate::session::api;

const PAUSE_MS: u64 = 1_000;

/// Shows how busy each tenant is: queue, what isn't durable yet, what views lack.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos top\n  naos top --once --json")]
pub(crate) struct Top {
    /// Shows it once, instead of again and again.
    #[arg(long)]
    once: bool,
}

pub(crate) fn go(context: &Context, top: &Top) -> Ended {
    let out = &context.out;
    let mut session = context.session()?;
    loop {
        let answer = session.get(api("/top"))?;
        if out.json {
            out.json(&answer);
        } else {
            show(out, &answer);
        }
        if top.once || out.json || !out.terminal {
            return Ok(0);
        }
        session.look_on(Duration::from_millis(PAUSE_MS))?;
    }
}

fn show(out: &Out, answer: &Value) {
    let cells = items(answer);
    let Some(Value::Object(first)) = cells.first() else {
        out.line("Nothing is open.");
        return;
    };
    let head: Vec<&str> = first.keys().map(String::as_str).collect();
    let row = |c: &Value| head.iter().map(|key| cell(&c[*key])).collect();
    out.table(&head, &cells.iter().map(row).collect::<Vec<_>>());
    if let Some(line) = views(answer) {
        out.line(&line);
    }
}

/// How far views are behind; only whoever owns the node is told.
fn views(answer: &Value) -> Option<String> {
    let (facts, ms) = (answer["view_lag"].as_u64()?, &answer["view_lag_ms"]);
    let mut line = format!("views: {facts} facts, {ms} ms behind");
    if let Some(away) = answer["views_away"].as_u64().filter(|away| *away > 0) {
        line += &format!("; {away} being made, their lists come from records");
    }
    Some(line)
}
