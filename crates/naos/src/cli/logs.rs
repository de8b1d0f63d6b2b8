//! `naos logs [NAME]`

use std::time::Duration;

use serde_json::Value;

use super::{Context, Ended, name};
use crate::out::{Out, cell, items};
use crate::session::api;

const POLL_MS: u64 = 500;

/// Shows what agents did. What they log while they run stands on the terminal of `naos up`, and
/// of `naos run --verbose`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos logs reader\n  naos logs reader --tail 100\n  \
    naos logs --follow"
)]
pub(crate) struct Logs {
    /// Which agent; all unless named.
    agent: Option<String>,
    /// Goes on as more happens.
    #[arg(long, short)]
    follow: bool,
    /// So many of the newest entries.
    #[arg(long, value_name = "N", default_value_t = 20)]
    tail: u32,
}

pub(crate) fn go(context: &Context, logs: &Logs) -> Ended {
    let out = &context.out;
    let filter = match &logs.agent {
        Some(agent) => format!("&agent={}", name(agent)?),
        None => String::new(),
    };
    let mut session = context.session()?;
    if let Some(agent) = &logs.agent {
        session.get(api(&format!("/agents/{agent}")))?; // there has to be one
    }
    let rows = session.get(api(&format!("/audit?last={}{filter}", logs.tail)))?;
    let mut seen = show(out, &rows);
    if logs.follow && session.daemon().is_none() {
        out.note("No daemon is up, so nothing more happens: naos up");
    }
    while logs.follow && session.daemon().is_some() {
        session.pause(Duration::from_millis(POLL_MS));
        let rows = session.get(api(&format!("/audit?after={seen}&limit=200{filter}")))?;
        seen = show(out, &rows).max(seen);
    }
    Ok(0)
}

/// Shows entries, and says which was the last.
fn show(out: &Out, rows: &Value) -> u64 {
    let mut seen = 0;
    for row in items(rows) {
        seen = row["seq"].as_u64().unwrap_or(seen);
        if out.json {
            out.json(row);
        } else {
            out.line(cell(&row["line"]));
        }
    }
    seen
}
