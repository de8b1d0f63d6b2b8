//! `naos task list|cancel`

use serde_json::{Value, json};

use super::{Context, Ended};
use crate::out::{cell, items};
use crate::session::{api, part};

/// Shows and cancels tasks.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos task list\n  naos task list --status human_approval\n  \
    naos task cancel task_01jd8…"
)]
pub(crate) struct Task {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists tasks.
    List {
        /// Only those with this status: inbox, in_progress, human_approval, done …
        #[arg(long)]
        status: Option<String>,
    },
    /// Cancels a task and what runs for it.
    Cancel {
        /// Its id.
        task: String,
    },
}

pub(crate) fn go(context: &Context, task: &Task) -> Ended {
    let mut session = context.session()?;
    match &task.what {
        What::List { status } => {
            let query = status
                .as_ref()
                .map(|s| format!("?status={}", part(s)))
                .unwrap_or_default();
            let answer = session.get(api(&format!("/tasks{query}")))?;
            drop(session);
            if context.out.json {
                context.out.json(&answer);
                return Ok(0);
            }
            let row = |item: &Value| {
                ["task", "status", "agent", "title"]
                    .iter()
                    .map(|key| cell(&item[*key]))
                    .collect()
            };
            let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
            if rows.is_empty() {
                context.out.say("There are no tasks.");
            } else {
                context
                    .out
                    .table(&["task", "status", "agent", "title"], &rows);
            }
        }
        What::Cancel { task } => {
            let answer = session.post(api(&format!("/tasks/{}/cancel", part(task))), &json!({}))?;
            drop(session);
            if context.out.json {
                context.out.json(&answer);
            }
            context.out.say(format!("Cancelled {task}."));
        }
    }
    Ok(0)
}
