//! `/agents`.

use naos_engine::read::{AUDIT_SCAN_MAX, Activity, AuditFilter, Line, Reader, RunFilter};
use naos_kernel::agent::Agent;
use naos_kernel::recall;
use naos_types::spec::{Data, MindSpec};
use naos_types::{Code, DAY_MS, Grants, Micros, Span, Time};
use serde::Deserialize;

use super::rows;
use crate::api::v1::agents::{Logged, logged};
use crate::api::v1::runs::{begin, title_of};
use crate::api::v1::{NAMES_MAX, shapes};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::agent::{Ability, Agent as AgentPage, Bounds, RUN_INPUT_CHARS_MAX};
use crate::pages::agent_log::{AgentLog, Did};
use crate::pages::agents::Agents;

/// How many of an agent's runs its page shows.
const RUNS_SHOWN: usize = 20;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let mut agents = Vec::new();
    for (name, agent) in reader.all::<Agent>(NAMES_MAX)? {
        agents.push(rows::agent_row(&reader, &name, &agent, call.now)?);
    }
    super::page(&call, &Agents { agents })
}

pub(crate) async fn show(call: Call) -> Answered {
    let name = call.name("name")?;
    let reader = call.lists().await?;
    let agent = reader.find::<Agent>(&name)?;
    let agent =
        agent.ok_or_else(|| Fault::new(Code::NO_AGENT, format!("there is no agent {name}")))?;
    let of = RunFilter {
        status: None,
        agent: Some(name.as_str()),
    };
    let runs = reader.runs(&of, None, RUNS_SHOWN)?;
    let made = AuditFilter {
        action: Some("agent.created".into()),
        who: Some(name.to_string()),
    };
    // The journal's end holds it for a young agent; an old one's page says nothing about it.
    let made = reader.audit_last(None, 1, AUDIT_SCAN_MAX, &made)?.rows;
    let page = AgentPage {
        row: rows::agent_row(&reader, &name, &agent, call.now)?,
        description: agent.spec.description.clone(),
        digest: agent
            .spec
            .component
            .map_or_else(String::new, |d| d.to_string()),
        created_ms: made.first().map_or(0, |row| row.at.0),
        abilities: abilities(&agent.spec.grants),
        bounds: match &agent.spec.mind {
            Some(mind) => Some(bounds(&reader, mind)?),
            None => None,
        },
        runs: runs
            .items
            .iter()
            .map(|(id, run)| rows::run_row(&reader, *id, run, call.now))
            .collect(),
        run_key: (!agent.stopped).then(super::form_key),
    };
    super::page(&call, &page)
}

/// What an agent did on a day.
pub(crate) async fn log(call: Call) -> Answered {
    let Logged { agent, day, found } = logged(&call)?;
    let place = |day: Time| format!("/agents/{agent}/log?day={}", recall::day(day));
    let tomorrow = day.day_start() + Span(DAY_MS);
    let page = AgentLog {
        lines: found.lines.iter().map(did).collect(),
        rest: found.next.map(|seq| format!("{}&after={seq}", place(day))),
        newer: (tomorrow <= call.now).then(|| place(tomorrow)),
        older: Some(place(day.day_start() + Span(-DAY_MS))),
        day: recall::day(day),
        agent: agent.to_string(),
    };
    super::page(&call, &page)
}

fn did(line: &Line) -> Did {
    let (key, text, ok) = match &line.what {
        Activity::RunStarted { attempt, .. } => {
            let text = match attempt {
                1 => String::new(),
                again => format!("({again})"),
            };
            ("did-started", text, true)
        }
        Activity::AttemptFailed { code } => ("did-attempt", code.to_string(), true),
        Activity::RunEnded {
            status,
            cost_micros,
            code,
        } => {
            let why = code.map_or_else(String::new, |code| format!(" {code}"));
            let text = format!("{status}{why}, {}", Micros(*cost_micros));
            ("did-ended", text, true)
        }
        Activity::Note { text, ok } => ("did-note", text.clone(), *ok),
        Activity::Learned { fact, ok, .. } => ("did-learned", fact.clone(), *ok),
        Activity::Tool { name, ok } => ("did-tool", name.clone(), *ok),
        Activity::Asked { whom, text } => ("did-asked", format!("{whom}: {text}"), true),
        Activity::DocumentWritten { path, version } => {
            ("did-document", format!("{path} ({version})"), true)
        }
        Activity::Said { text, .. } => ("did-said", text.clone(), true),
        Activity::HandedOver { to, task } => ("did-handed", format!("{to}: {task}"), true),
    };
    Did {
        at_ms: Time::parse(&line.time).map_or(0, |at| at.0),
        key,
        text,
        failed: !ok,
        run: line.run.map(|run| run.to_string()),
    }
}

fn bounds(reader: &Reader, mind: &MindSpec) -> Result<Bounds, Fault> {
    Ok(Bounds {
        models: mind.models.iter().map(ToString::to_string).collect(),
        stays: shapes::data(reader, mind)? == Data::Stays,
        is_unpriced: mind.unpriced,
        run_micros_max: mind.cost_max.map(rows::micros),
    })
}

fn abilities(grants: &Grants) -> Vec<Ability> {
    let lists = [
        ("context read", &grants.context_read),
        ("context write", &grants.context_write),
        ("http", &grants.http_hosts),
        ("emit", &grants.emit),
    ];
    let flags = [
        ("state", grants.state),
        ("ask", grants.ask),
        ("clock", grants.clock),
        ("random", grants.random),
    ];
    let scoped = lists.into_iter().filter(|(_, scope)| !scope.is_empty());
    let scoped = scoped.map(|(name, scope)| (name, scope.join(", ")));
    let plain = flags.into_iter().filter(|(_, granted)| *granted);
    let plain = plain.map(|(name, _)| (name, String::new()));
    scoped
        .chain(plain)
        .map(|(name, scope)| Ability {
            name: name.to_owned(),
            scope,
        })
        .collect()
}

#[derive(Deserialize)]
struct RunForm {
    #[serde(default)]
    input: String,
    idempotency_key: String,
}

pub(crate) async fn run(mut call: Call) -> Answered {
    let form: RunForm = call.form()?;
    if form.input.chars().count() > RUN_INPUT_CHARS_MAX {
        let what = format!("an input has at most {RUN_INPUT_CHARS_MAX} characters");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    call.keyed(&form.idempotency_key)?;
    let name = call.name("name")?;
    let title = title_of(&form.input);
    let begun = begin(&call, Some(name), &title, form.input).await?;
    Ok(super::see(&format!("/runs/{}", begun.run)))
}
