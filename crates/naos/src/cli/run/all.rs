//! `naos run --all`: every agent that takes work, with the same input.

use std::time::Duration;

use naos_engine::clock;
use serde_json::{Value, json};

use super::super::{Context, Ended, begun, exit_of, shown};
use super::{Run, in_json, trust, until_closed, why};
use crate::fail::Fail;
use crate::out::{Out, aside, cell, count, items, money};
use crate::session::{Session, api};

/// What an agent is called that takes no work: another whose last run failed does.
const STOPPED: &str = "stopped";
/// How much of an answer a row of the table shows.
const SHOWN_CHARS: usize = 60;

/// What came of one agent's run, or why there was none.
struct Came {
    agent: String,
    of: Result<Value, Fail>,
}

pub(super) fn go(context: &Context, run: &Run, input: &str) -> Ended {
    let mut session = context.fresh_session()?;
    let agents = takers(&mut session)?;
    if agents.is_empty() {
        context.out.say("No agent takes work.");
    }
    if run.verify_trust {
        trust::verify(&mut session, &agents)?;
    }
    let until = clock::tick() + Duration::from_millis(run.wait_ms());
    let mut all = Vec::new();
    for agent in agents {
        let mut body = json!({"agent": agent, "input": input, "wait_ms": 0});
        if let Some(title) = &run.title {
            body["title"] = json!(title);
        }
        // What one of them refuses keeps none of the others from its work.
        let of = begun::begin(&mut session, begun::RUNS, "/runs", &body);
        all.push(Came { agent, of });
    }
    if !run.no_wait {
        for came in &mut all {
            let left = until.saturating_duration_since(clock::tick());
            if let Ok(started) = &mut came.of {
                let started = std::mem::take(started);
                came.of = until_closed(&mut session, begun::RUNS, started, left);
            }
        }
    }
    let inside = session.daemon().is_none();
    drop(session);
    Ok(show(&context.out, &all, run.no_wait, inside))
}

/// The agents that take work now, by name.
fn takers(session: &mut Session) -> Result<Vec<String>, Fail> {
    let all = session.get(api("/agents"))?;
    let takes = |agent: &&Value| agent["status"] != STOPPED;
    let found = items(&all).iter().filter(takes);
    Ok(found.map(|agent| cell(&agent["name"])).collect())
}

impl Came {
    fn status(&self) -> &str {
        match &self.of {
            Ok(answer) => answer["status"].as_str().unwrap_or_default(),
            Err(_) => "refused",
        }
    }

    /// With which status a command for this one alone would end.
    fn exit(&self, no_wait: bool) -> u8 {
        match (&self.of, self.status()) {
            (Err(fail), _) => fail.exit,
            (_, "running" | "queued") => u8::from(!no_wait),
            (_, status) => exit_of(status),
        }
    }

    fn in_json(&self) -> Value {
        match &self.of {
            Ok(answer) => in_json(answer),
            Err(fail) => json!({
                "run": null, "agent": self.agent, "status": self.status(),
                "problem": {"code": fail.code, "said": fail.what},
            }),
        }
    }

    fn row(&self) -> Vec<String> {
        let (run, said, cost) = match &self.of {
            Ok(answer) => (
                cell(&answer["run"]),
                shown(&answer["output"]),
                money(&answer["cost_micros"]),
            ),
            Err(fail) => (String::new(), fail.what.clone(), String::new()),
        };
        let line = said.lines().next().unwrap_or_default();
        let mut short: String = line.chars().take(SHOWN_CHARS).collect();
        if short.len() < said.trim_end().len() {
            short.push('…');
        }
        vec![self.agent.clone(), self.status().into(), cost, run, short]
    }
}

/// Shows what came of each; 1 where one failed, else 4 where one waits for a person.
fn show(out: &Out, all: &[Came], no_wait: bool, inside: bool) -> u8 {
    let exits = all.iter().map(|came| came.exit(no_wait));
    let failed = exits.clone().filter(|exit| !matches!(exit, 0 | 4)).count();
    let waits = exits.clone().filter(|exit| *exit == 4).count();
    if out.json {
        let each: Vec<Value> = all.iter().map(Came::in_json).collect();
        out.json(&json!({"items": each, "failed": failed, "waiting": waits, "next": null}));
    } else {
        let rows: Vec<_> = all.iter().map(Came::row).collect();
        if !rows.is_empty() {
            out.table(&["agent", "status", "cost", "run", "answer"], &rows);
        }
        for came in all {
            let problem = match &came.of {
                Ok(answer) => why(&answer["problem"]),
                Err(fail) => Some(fail.told()),
            };
            if let Some(problem) = problem {
                aside(format_args!("{}: {problem}", came.agent)); // an error is never kept quiet
            }
        }
    }
    let mut answers = all.iter().filter_map(|came| came.of.as_ref().ok());
    if let Some(open) = answers.find(|answer| begun::is_open(answer)) {
        begun::leave(out, inside, open);
    }
    if failed > 0 {
        let which = count(failed, "agent", "agents");
        out.note(format!(
            "{which} of {} failed, or isn't done yet",
            all.len()
        ));
        return 1;
    }
    if waits > 0 {
        out.note("Some wait for a person: naos approve");
        return 4;
    }
    0
}
