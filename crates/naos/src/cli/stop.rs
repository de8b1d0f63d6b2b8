//! `naos stop NAME|--all [--force]` and `naos start NAME`

use clap::ArgGroup;
use naos_types::Code;
use serde_json::{Value, json};

use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::out::{cell, count, items};
use crate::session::{Session, api, part};

/// An agent, or all of them: one of the two is said.
fn one_or_all() -> ArgGroup {
    ArgGroup::new("which").args(["agent", "all"]).required(true)
}

/// Lets an agent take no more work. What it does now it finishes, unless --force ends it.
#[derive(clap::Args)]
#[command(
    group = one_or_all(),
    after_help = "Examples:\n  naos stop reader\n  naos stop reader --force\n  \
    naos stop --all\n\n\
    What a person stopped no supervisor starts again: `naos start` does."
)]
pub(crate) struct Stop {
    /// Which agent.
    agent: Option<String>,
    /// All agents.
    #[arg(long)]
    all: bool,
    /// Cancels at once what it has under way. What waits for it goes on waiting.
    #[arg(long, short)]
    force: bool,
    /// No supervisor starts it again: so it is without this word, too.
    #[arg(long)]
    no_restart: bool,
}

/// Lets an agent take work again.
#[derive(clap::Args)]
#[command(
    group = one_or_all(),
    after_help = "Examples:\n  naos start reader\n  naos start --all"
)]
pub(crate) struct Start {
    /// Which agent.
    agent: Option<String>,
    /// All agents.
    #[arg(long)]
    all: bool,
}

pub(crate) fn stop(context: &Context, stop: &Stop) -> Ended {
    let mut session = context.session()?;
    let names = which(&mut session, stop.agent.as_deref(), "stop")?;
    let answers = turn(&mut session, &names, "stop")?;
    // First none takes anything new, then what they have is cancelled.
    let ended = match stop.force {
        true => end(&mut session, stop.agent.as_deref())?,
        false => Vec::new(),
    };
    drop(session);
    if context.out.json {
        let mut told = json!({"agents": names, "items": answers});
        if stop.force {
            told["cancelled"] = json!(ended);
        }
        context.out.json(&told);
    }
    said(
        context,
        &names,
        &answers,
        ["Stopped", "was stopped already"],
    );
    if stop.force {
        let runs = count(ended.len(), "run", "runs");
        context
            .out
            .say(format!("Cancelled what was under way: {runs}."));
    }
    if stop.no_restart {
        let says = "No supervisor starts what a person stopped: `naos start` does.";
        context.out.say(says);
    }
    Ok(0)
}

/// What a run under way is called; what is queued waits, as it does for any stopped agent.
const UNDER_WAY: [&str; 2] = ["running", "held"];

/// Cancels what an agent has under way, or all of them; the runs that were.
fn end(session: &mut Session, agent: Option<&str>) -> Result<Vec<String>, Fail> {
    let mut ended = Vec::new();
    let whose = agent.map_or(String::new(), |agent| format!("&agent={}", part(agent)));
    for status in UNDER_WAY {
        let page = |more: &[String]| {
            let more: String = more.iter().map(|part| format!("&{part}")).collect();
            session.get(api(&format!("/runs?status={status}{whose}{more}")))
        };
        let found = super::get::pages(Some(u32::MAX), None, page)?;
        for run in items(&found) {
            let id = cell(&run["run"]);
            let cancel = api(&format!("/runs/{}/cancel", part(&id)));
            match session.post(cancel, &json!({})) {
                Ok(_) => ended.push(id),
                // It ended by itself meanwhile.
                Err(fail) if fail.code == Some(Code::WRONG_STATE) => {}
                Err(fail) => return Err(fail),
            }
        }
    }
    Ok(ended)
}

pub(crate) fn start(context: &Context, start: &Start) -> Ended {
    let mut session = context.session()?;
    let names = which(&mut session, start.agent.as_deref(), "start")?;
    let answers = turn(&mut session, &names, "start")?;
    drop(session);
    if context.out.json {
        context
            .out
            .json(&json!({"agents": names, "items": answers}));
    }
    said(context, &names, &answers, ["Started", "takes work already"]);
    for why in answers.iter().filter_map(|answer| answer["waits"].as_str()) {
        context.out.note(why);
    }
    Ok(0)
}

/// The agent that was named, or all that are to be stopped or started.
fn which(session: &mut Session, agent: Option<&str>, verb: &str) -> Result<Vec<String>, Fail> {
    if let Some(agent) = agent {
        return Ok(vec![name(agent)?.to_string()]);
    }
    // One that rests with its supervisor isn't stopped itself.
    let turned = |item: &&Value| {
        let itself = item["status"] == "stopped" && item["stopped_with"].is_null();
        itself != (verb == "stop")
    };
    let all = session.get(api("/agents"))?;
    let found = items(&all).iter().filter(turned);
    Ok(found.map(|item| cell(&item["name"])).collect())
}

fn turn(session: &mut Session, names: &[String], verb: &str) -> Result<Vec<Value>, Fail> {
    let each = names.iter();
    each.map(|agent| session.post(api(&format!("/agents/{agent}/{verb}")), &json!({})))
        .collect()
}

fn said(context: &Context, names: &[String], answers: &[Value], [done, was]: [&str; 2]) {
    for (agent, answer) in names.iter().zip(answers) {
        // One that nobody stopped and that takes no work rests with its supervisor.
        let rests = done == "Started" && answer["waits"].is_string();
        context.out.say(match answer["changed"].as_bool() {
            Some(false) if rests => format!("{agent} wasn't stopped itself."),
            Some(false) => format!("{agent} {was}."),
            _ => format!("{done} {agent}."),
        });
    }
    if names.is_empty() {
        context.out.say("There is nothing to do.");
    }
}
