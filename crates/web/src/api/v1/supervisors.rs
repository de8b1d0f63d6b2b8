//! `/supervisors`: who restarts agents that fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::resource::Resource;
use naos_kernel::supervisor::{Forest, Supervisor};
use naos_types::command::{self, Reply};
use naos_types::spec::{Kind, Spec, SupervisorSpec};
use naos_types::{Code, Name, Refusal, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::applies::refused;
use super::flows::{LABEL, document, made};
use super::shapes;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// The longest reason of a drill, in bytes.
const REASON_BYTES_MAX: usize = 2_048;

/// A supervisor and what its resource says.
pub(crate) struct Seen {
    pub(crate) name: Name,
    pub(crate) parent: Option<Name>,
    /// How many supervisors are above it.
    pub(crate) level: usize,
    pub(crate) spec: SupervisorSpec,
    pub(crate) found: Arc<Supervisor>,
}

/// Where a child stands.
pub(crate) enum Standing {
    Agent(Arc<Agent>),
    Supervisor(Arc<Supervisor>),
    Missing,
}

impl Standing {
    pub(crate) fn of(reader: &Reader, name: &Name) -> Result<Self, Refusal> {
        if let Some(found) = reader.find::<Supervisor>(name)? {
            return Ok(Self::Supervisor(found));
        }
        let agent = reader.find::<Agent>(name)?;
        Ok(agent.map_or(Self::Missing, Self::Agent))
    }
}

/// All supervisors, each before those beneath it.
pub(crate) fn all(reader: &Reader) -> Result<Vec<Seen>, Refusal> {
    let forest = reader.find::<Forest>(&())?;
    let parents = forest.map_or_else(BTreeMap::new, |forest| forest.parents.clone());
    let mut beneath: BTreeMap<Option<&Name>, Vec<&Name>> = BTreeMap::new();
    for (name, parent) in &parents {
        beneath.entry(parent.as_ref()).or_default().push(name);
    }
    let mut open: Vec<(&Name, usize)> = Vec::new();
    let roots = beneath.get(&None).into_iter().flatten();
    open.extend(roots.rev().map(|name| (*name, 0)));
    let mut out = Vec::new();
    while let Some((name, level)) = open.pop() {
        let Some(seen) = one(reader, name, &parents, level)? else {
            continue;
        };
        let children = seen.spec.children.iter().rev();
        let own = children.filter(|child| {
            parents
                .get(*child)
                .is_some_and(|p| *p == Some(name.clone()))
        });
        let own: Vec<&Name> = own
            .filter_map(|c| parents.get_key_value(c))
            .map(|(c, _)| c)
            .collect();
        open.extend(own.into_iter().map(|child| (child, level + 1)));
        out.push(seen);
    }
    Ok(out)
}

fn one(
    reader: &Reader,
    name: &Name,
    parents: &BTreeMap<Name, Option<Name>>,
    level: usize,
) -> Result<Option<Seen>, Refusal> {
    let key = ResourceKey(Kind::Supervisor, name.clone());
    let (found, kept) = (
        reader.find::<Supervisor>(name)?,
        reader.find::<Resource>(&key)?,
    );
    let spec = kept.and_then(|kept| match &kept.spec {
        Spec::Supervisor(spec) => Some(spec.clone()),
        _ => None,
    });
    Ok(found.zip(spec).map(|(found, spec)| Seen {
        name: name.clone(),
        parent: parents.get(name).cloned().flatten(),
        level,
        spec,
        found,
    }))
}

fn shape(reader: &Reader, seen: &Seen, now: Time) -> Result<Value, Refusal> {
    let time = |at: Option<Time>| at.map(Time::rfc3339);
    let mut children = Vec::new();
    for child in &seen.found.children {
        let (kind, status) = match Standing::of(reader, &child.name)? {
            Standing::Supervisor(found) => ("supervisor", found.status().word()),
            Standing::Agent(agent) => {
                let (_, none_left) = shapes::purse(reader, &child.name, now)?;
                let status = shapes::agent_status(reader, &child.name, &agent, none_left)?;
                ("agent", status.word())
            }
            Standing::Missing => ("missing", "missing"),
        };
        children.push(json!({
            "name": child.name,
            "kind": kind,
            "status": status,
            "restarts": child.restarts,
            "failures": child.failures,
            "failed": time(child.failed),
            "restart_at": time(child.restart_at),
        }));
    }
    let found = &seen.found;
    Ok(json!({
        "name": seen.name,
        "status": found.status(),
        "since": found.since.rfc3339(),
        "parent": seen.parent,
        "level": seen.level,
        "strategy": seen.spec.strategy,
        "max_restarts": seen.spec.max_restarts,
        "restart_window": seen.spec.window.0 / 1_000,
        "restarts": found.recent(now),
        "restarted": found.restarted,
        "problem": shapes::problem(reader, found.problem.as_ref()),
        "children": children,
    }))
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let mut items = Vec::new();
    for seen in all(&reader)? {
        items.push(shape(&reader, &seen, call.now)?);
    }
    ok(&json!({"items": items, "next": null}))
}

/// One, with all beneath it.
pub(crate) async fn show(call: Call) -> Answered {
    let name = call.name("name")?;
    let reader = call.reader()?;
    let every = all(&reader)?;
    let mut every = every.iter().skip_while(|seen| seen.name != name);
    let Some(top) = every.next() else {
        let what = format!("there is no supervisor {name}");
        return Err(Fault::new(Code::NOT_FOUND, what));
    };
    let mut beneath = Vec::new();
    for seen in every.take_while(|seen| seen.level > top.level) {
        beneath.push(shape(&reader, seen, call.now)?);
    }
    let mut shown = shape(&reader, top, call.now)?;
    shown["beneath"] = json!(beneath);
    ok(&shown)
}

pub(crate) async fn create(call: Call) -> Answered {
    let read = naos_manifest::parse_supervisor(LABEL, document(&call)?);
    let (name, spec) = read.map_err(|found| refused(&found.0))?;
    ok(&made(&call, Kind::Supervisor, name, Spec::Supervisor(spec)).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Child {
    child: Name,
}

pub(crate) async fn add(call: Call) -> Answered {
    let Child { child } = call.json()?;
    tell(call, |name| command::Supervisor::Add { name, child }).await
}

pub(crate) async fn remove(call: Call) -> Answered {
    let Child { child } = call.json()?;
    tell(call, |name| command::Supervisor::Remove { name, child }).await
}

pub(crate) async fn start(call: Call) -> Answered {
    tell(call, |name| command::Supervisor::Start { name }).await
}

pub(crate) async fn stop(call: Call) -> Answered {
    tell(call, |name| command::Supervisor::Stop { name }).await
}

pub(crate) async fn reset(call: Call) -> Answered {
    tell(call, |name| command::Supervisor::Reset { name }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fail {
    reason: String,
}

pub(crate) async fn fail(call: Call) -> Answered {
    let Fail { reason } = call.json()?;
    if reason.trim().is_empty() || reason.len() > REASON_BYTES_MAX {
        let what = format!("a reason has 1 to {REASON_BYTES_MAX} bytes");
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let reason = call.seal(&reason)?;
    tell(call, |name| command::Supervisor::Fail { name, reason }).await
}

async fn tell(call: Call, command: impl FnOnce(Name) -> command::Supervisor) -> Answered {
    let name = call.name("name")?;
    let (seq, reply) = call.ask("", command(name.clone()), Vec::new()).await?;
    let changed = reply != Reply::Unchanged;
    ok(&json!({"kind": Kind::Supervisor, "name": name, "changed": changed, "seq": seq}))
}
