//! `naos stop NAME|--all` and `naos start NAME`

use serde_json::{Value, json};

use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::out::{cell, items};
use crate::session::api;

/// Lets an agent take no more work. What it does now it finishes.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos stop reader\n  naos stop --all")]
pub(crate) struct Stop {
    /// Which agent.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    agent: Option<String>,
    /// All agents.
    #[arg(long)]
    all: bool,
}

/// Lets an agent take work again.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  naos start reader\n  naos start --all")]
pub(crate) struct Start {
    /// Which agent.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    agent: Option<String>,
    /// All agents.
    #[arg(long)]
    all: bool,
}

pub(crate) fn stop(context: &Context, stop: &Stop) -> Ended {
    each(
        context,
        stop.agent.as_deref(),
        "stop",
        ["Stopped", "was stopped already"],
    )
}

pub(crate) fn start(context: &Context, start: &Start) -> Ended {
    each(
        context,
        start.agent.as_deref(),
        "start",
        ["Started", "takes work already"],
    )
}

fn each(context: &Context, agent: Option<&str>, verb: &str, [done, was]: [&str; 2]) -> Ended {
    let agent = agent.map(name).transpose()?;
    let mut session = context.session()?;
    let names: Vec<String> = match agent {
        Some(agent) => vec![agent.to_string()],
        None => {
            // One that rests with its supervisor isn't stopped itself.
            let stopped = |item: &&Value| {
                let itself = item["status"] == "stopped" && item["stopped_with"].is_null();
                itself != (verb == "stop")
            };
            let all = session.get(api("/agents"))?;
            items(&all)
                .iter()
                .filter(stopped)
                .map(|item| cell(&item["name"]))
                .collect()
        }
    };
    let mut answers = Vec::new();
    for agent in &names {
        let answer: Result<Value, Fail> =
            session.post(api(&format!("/agents/{agent}/{verb}")), &json!({}));
        answers.push(answer?);
    }
    drop(session);
    if context.out.json {
        context
            .out
            .json(&json!({"agents": names, "items": answers}));
    }
    for (agent, answer) in names.iter().zip(&answers) {
        context.out.say(match answer["changed"].as_bool() {
            Some(false) => format!("{agent} {was}."),
            _ => format!("{done} {agent}."),
        });
    }
    if names.is_empty() {
        context.out.say("There is nothing to do.");
    }
    Ok(0)
}
