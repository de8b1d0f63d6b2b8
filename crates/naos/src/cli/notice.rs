//! `naos notice list|test`

use serde_json::{Value, json};

use super::{Context, Ended};
use crate::out::{cell, items};
use crate::session::{api, part};

/// Shows who was told that something waits for a person, and tries a receiver.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos notice list\n  naos notice list --status given_up\n  \
    naos notice test phone\n\nWho is told stands under `notices:` in nexus.config.yaml; \
    `naos get notices` lists it."
)]
pub(crate) struct Notice {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists notices, newest first.
    List {
        /// Only those with this status: pending, delivered, given_up, withdrawn.
        #[arg(long)]
        status: Option<String>,
    },
    /// Sends one that announces nothing, once, and shows what the receiver said.
    Test {
        /// The notice's name.
        name: String,
    },
}

pub(crate) fn go(context: &Context, notice: &Notice) -> Ended {
    match &notice.what {
        What::List { status } => list(context, status.as_deref()),
        What::Test { name } => test(context, name),
    }
}

fn list(context: &Context, status: Option<&str>) -> Ended {
    const COLUMNS: [&str; 6] = ["raised", "to", "what", "about", "status", "attempts"];
    let query = status
        .map(|status| format!("?status={}", part(status)))
        .unwrap_or_default();
    let mut session = context.session()?;
    let answer = session.get(api(&format!("/notices{query}")))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let row = |item: &Value| {
        let mut row: Vec<String> = COLUMNS.iter().map(|key| cell(&item[*key])).collect();
        row.push(said(item));
        row
    };
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        context.out.say("There are no notices.");
        return Ok(0);
    }
    let head: Vec<&str> = COLUMNS.iter().copied().chain(["said"]).collect();
    context.out.table(&head, &rows);
    Ok(0)
}

fn test(context: &Context, name: &str) -> Ended {
    // The project's files first: a notice that was just written down is tried.
    let mut session = context.fresh_session()?;
    let answer = session.post(api(&format!("/notices/{}/test", part(name))), &json!({}))?;
    drop(session);
    let taken = answer["status"] == "delivered";
    if context.out.json {
        context.out.json(&answer);
    } else if taken {
        context
            .out
            .say(format!("{name} took it: {}", said(&answer)));
    } else {
        context
            .out
            .say(format!("{name} did not take it: {}", said(&answer)));
    }
    Ok(u8::from(!taken))
}

/// What the receiver said, or why there is nothing of it.
fn said(notice: &Value) -> String {
    let problem = &notice["problem"];
    match (&notice["answer"], &problem["said"]) {
        (Value::String(text), _) | (_, Value::String(text)) => text.clone(),
        _ => cell(&problem["note"]),
    }
}
