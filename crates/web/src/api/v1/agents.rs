//! `/agents`, `/templates`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use naos_engine::read::{Daily, LOG_LINES_MAX, Reader};
use naos_kernel::agent::Agent;
use naos_kernel::recall;
use naos_types::command::{self, Reply};
use naos_types::spec::{AgentSpec, Kind};
use naos_types::{Code, Digest, Name, Refusal, Seq, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMES_MAX, needed, resting, shapes};
use crate::app::Template;
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;

/// How a day is written: YYYY-MM-DD.
const DAY_CHARS: usize = 10;
/// The template of an agent that names none.
const TEMPLATE: &str = "researcher";

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let mut items = Vec::new();
    for (name, agent) in reader.all::<Agent>(NAMES_MAX)? {
        items.push(json!(shapes::agent(&reader, &name, &agent, call.now)?));
    }
    ok(&json!({"items": items, "next": null}))
}

/// The agent of the path, or that there is none.
pub(crate) fn known(call: &Call, reader: &Reader) -> Result<(Name, std::sync::Arc<Agent>), Fault> {
    let name = call.name("name")?;
    let agent = reader.find::<Agent>(&name)?;
    let missing = || Refusal::new(Code::NO_AGENT, format!("there is no agent {name}"));
    Ok((name.clone(), agent.ok_or_else(missing)?))
}

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.reader()?;
    let (name, agent) = known(&call, &reader)?;
    let mut shown = shapes::agent(&reader, &name, &agent, call.now)?;
    shown.more = Some(shapes::AgentMore::of(&reader, &agent.spec)?);
    ok(&shown)
}

/// How many entries of an agent's state are shown at most.
const STATE_MAX: usize = 10_000;

/// What it keeps for itself; what is no text as base64.
pub(crate) async fn state(call: Call) -> Answered {
    let reader = call.reader()?;
    let (agent, _) = known(&call, &reader)?;
    let shown = |(key, value): (String, Vec<u8>)| {
        let mut item = json!({"key": key, "bytes": value.len()});
        match String::from_utf8(value) {
            Ok(text) => item["text"] = json!(text),
            Err(other) => item["base64"] = json!(STANDARD.encode(other.as_bytes())),
        }
        item
    };
    let kept = reader.state_of(&agent, STATE_MAX)?; // a long read: on a thread of its own
    let items: Vec<Value> = kept.into_iter().map(shown).collect();
    ok(&json!({"agent": agent, "items": items, "next": null}))
}

/// A piece of what an agent did on a day.
pub(crate) struct Logged {
    pub(crate) agent: Name,
    pub(crate) day: Time,
    pub(crate) found: Daily,
}

/// What the agent of the path did on a day; today unless said.
pub(crate) fn logged(call: &Call) -> Result<Logged, Fault> {
    let reader = call.reader()?;
    let (agent, _) = known(call, &reader)?;
    let day = match call.query("day") {
        None | Some("") => call.now,
        Some(text) => {
            let day = Time::parse(text).filter(|_| text.len() == DAY_CHARS);
            day.ok_or_else(|| {
                let what = format!("{text:?} is no day: YYYY-MM-DD, as 2026-10-05");
                Fault::new(Code::BAD_TIME, what)
            })?
        }
    };
    let after = call.number("after", 0, Seq::MAX)?;
    let after = (after > 0).then_some(after);
    let limit = call.rows("limit", LOG_LINES_MAX as u64, LOG_LINES_MAX as u64)?;
    let found = reader.daily(&agent, day, after, limit)?; // a long read: on a thread of its own
    Ok(Logged { agent, day, found })
}

pub(crate) async fn log(call: Call) -> Answered {
    let Logged { agent, day, found } = logged(&call)?;
    let began = call.reader()?.began()?; // before that day there is nothing to ask for
    ok(&json!({
        "agent": agent,
        "day": recall::day(day),
        "began": began.map(recall::day),
        "items": found.lines,
        "next": found.next.map(|seq| seq.to_string()),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    template: Option<String>,
    component: Option<Digest>,
    spec: Option<AgentSpec>,
}

pub(crate) async fn create(call: Call) -> Answered {
    let asked: Create = call.json()?;
    let name = Name::new(&asked.name).map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))?;
    let spec = spec_of(&call, &asked)?;
    if let Some(component) = spec.component {
        let components = std::sync::Arc::clone(call.desk.app.node.components());
        let there = tokio::task::spawn_blocking(move || components.get(component).map(drop));
        let there = there
            .await
            .map_err(|_| Fault::new(Code::INTERNAL, "the component could not be looked at"))?;
        there.map_err(|e| Fault::new(Code::BAD_COMPONENT, e.to_string()))?;
    }
    let create = command::Agent::Create {
        name: name.clone(),
        spec,
    };
    let (seq, reply) = call.ask("", create, Vec::new()).await?;
    let version = match reply {
        Reply::Version(version) => version,
        _ => 1,
    };
    let made = json!({"name": name, "version": version, "seq": seq});
    Ok(json(StatusCode::CREATED, &made))
}

/// What the new agent is: its own words, over those of its template.
fn spec_of(call: &Call, asked: &Create) -> Result<AgentSpec, Fault> {
    let wanted = match (&asked.template, &asked.component, &asked.spec) {
        (None, None, None) => Some(TEMPLATE),
        (template, ..) => template.as_deref(),
    };
    let mut spec = match (wanted, &asked.spec) {
        (Some(name), own) => {
            let Some(template) = call.desk.template(name) else {
                let names: Vec<_> = call
                    .desk
                    .app
                    .templates
                    .iter()
                    .map(|t| t.name.as_str())
                    .collect();
                let refusal = Refusal::new(
                    Code::UNKNOWN_TEMPLATE,
                    format!("there is no template {name}"),
                );
                return Err(refusal
                    .help(format!("there are: {}", names.join(", ")))
                    .into());
            };
            let mut spec = own.clone().unwrap_or_else(|| template.spec.clone());
            spec.template = Some(template.name.clone());
            spec.component = Some(template.component);
            if spec.description.is_empty() {
                spec.description.clone_from(&template.description);
            }
            spec
        }
        (None, own) => own.clone().unwrap_or_default(),
    };
    if let Some(component) = asked.component {
        spec.component = Some(component);
    }
    Ok(spec)
}

pub(crate) async fn delete(call: Call) -> Answered {
    let name = call.name("name")?;
    let warnings = needed::warnings(&call.reader()?, Kind::Agent, &name)?;
    let delete = command::Agent::Delete { name: name.clone() };
    let (seq, _) = call.ask("", delete, Vec::new()).await?;
    ok(&json!({"name": name, "warnings": warnings, "seq": seq}))
}

pub(crate) async fn stop(call: Call) -> Answered {
    let name = call.name("name")?;
    let command = command::Agent::Stop { name: name.clone() };
    turned(&call, command, &name).await
}

pub(crate) async fn start(call: Call) -> Answered {
    let name = call.name("name")?;
    let command = command::Agent::Enable { name: name.clone() };
    turned(&call, command, &name).await
}

/// Lets it look at once at what waits for it.
pub(crate) async fn wake(call: Call) -> Answered {
    let name = call.name("name")?;
    let command = command::Agent::Wake { name: name.clone() };
    turned(&call, command, &name).await
}

async fn turned(call: &Call, command: command::Agent, name: &Name) -> Answered {
    let (seq, reply) = call.ask("", command, Vec::new()).await?;
    // One that nobody stopped may rest all the same, with its supervisor.
    let waits = resting::agent(&call.reader()?, name)?;
    let changed = reply != Reply::Unchanged;
    ok(&json!({"name": name, "changed": changed, "waits": waits, "seq": seq}))
}

fn template(template: &Template) -> Value {
    let Template {
        name,
        description,
        component,
        ..
    } = template;
    json!({"name": name, "description": description, "component": component})
}

pub(crate) async fn templates(call: Call) -> Answered {
    let templates = call.desk.app.templates.iter();
    let items: Vec<Value> = templates.map(template).collect();
    ok(&json!({"items": items, "next": null}))
}
