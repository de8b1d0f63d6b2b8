//! `/drivers`: who answers which events, and how they do.

use std::sync::Arc;

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::event::Consumer;
use naos_kernel::resource::{Breaker, Driver, Resource};
use naos_types::spec::{DriverLimits, DriverSpec, Endpoint, Kind, Native, driver_listens};
use naos_types::{Code, Name, Refusal, Time, command};
use serde_json::{Value, json};

use super::lacks::{Lack, lack_of};
use super::resources::written;
use super::{NAMES_MAX, shapes};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// A driver with what there is to know about it.
pub(crate) struct Known {
    pub(crate) name: Name,
    pub(crate) version: u32,
    pub(crate) spec: DriverSpec,
    pub(crate) limits: DriverLimits,
    /// How it is; as if it was never given anything, where that is so.
    pub(crate) driver: Arc<Driver>,
    /// How many events wait for it.
    pub(crate) waiting: usize,
    /// What is missing so that its agent works; nothing where it needs none.
    pub(crate) lacks: Option<Lack>,
    /// Where it is asked, where it isn't an agent.
    pub(crate) endpoint: Option<Endpoint>,
    /// What naos itself does, where it is built in.
    pub(crate) native: Option<Native>,
}

impl Known {
    /// The agent that does its work; none where none does.
    pub(crate) fn agent(&self) -> Option<&Name> {
        let own = self.endpoint.is_some() || self.native.is_some();
        (!own).then_some(&self.spec.agent)
    }

    /// What isn't there so that it is given nothing, or fails at it, in a few words.
    pub(crate) fn waits_for(&self) -> Option<String> {
        self.lacks.as_ref().map(|lack| match lack {
            Lack::Agent => format!("agent {}", self.spec.agent),
            Lack::Model(model) => format!("model {model}"),
        })
    }

    /// Where it stands, in a word.
    pub(crate) fn word(&self, now: Time) -> &'static str {
        if !self.spec.enabled {
            return "disabled";
        }
        // Whether its agent can work changes nothing then; what it has it still answers.
        if self.spec.capabilities.is_empty() && self.driver.open.is_empty() {
            return "empty";
        }
        if self.lacks.is_some() {
            return "waiting";
        }
        match self.driver.breaker(now) {
            Breaker::Open => "resting",
            Breaker::HalfOpen => "tried",
            Breaker::Closed if self.driver.open.is_empty() => "ready",
            Breaker::Closed => "working",
        }
    }
}

/// What waits for a driver.
pub(crate) fn consumer(reader: &Reader, name: &Name) -> Result<Option<Arc<Consumer>>, Refusal> {
    let listens = driver_listens(name);
    listens.map_or(Ok(None), |listens| reader.find::<Consumer>(&listens))
}

fn of(reader: &Reader, name: Name, kept: &Resource) -> Result<Option<Known>, Refusal> {
    let Some((spec, limits)) = kept.spec.driver() else {
        return Ok(None);
    };
    let endpoint = kept.spec.endpoint();
    let consumer = consumer(reader, &name)?;
    Ok(Some(Known {
        driver: reader.find::<Driver>(&name)?.unwrap_or_default(),
        waiting: consumer.map_or(0, |consumer| consumer.pending.len()),
        lacks: match kept.spec.needs_no_agent() {
            true => None,
            false => lack_of(reader, &spec.agent)?,
        },
        endpoint: endpoint.cloned(),
        native: kept.spec.native().map(|native| native.native),
        name,
        version: kept.version,
        spec: spec.clone(),
        limits,
    }))
}

/// All of them, by name.
pub(crate) fn all(reader: &Reader) -> Result<Vec<Known>, Refusal> {
    let mut out = Vec::new();
    for (key, kept) in reader.resources(Kind::Driver, NAMES_MAX)? {
        out.extend(of(reader, key.1, &kept)?);
    }
    Ok(out)
}

/// The one that answers events of this type.
pub(crate) fn answering(reader: &Reader, topic: &str) -> Result<Option<Known>, Refusal> {
    let all = reader.resources(Kind::Driver, NAMES_MAX)?;
    let answers = |kept: &Resource| {
        let driver = kept.spec.driver();
        driver.is_some_and(|(spec, _)| spec.answers().iter().any(|one| one == topic))
    };
    let found = all.into_iter().find(|(_, kept)| answers(kept));
    found.map_or(Ok(None), |(key, kept)| of(reader, key.1, &kept))
}

/// The one of this name.
pub(crate) fn find(reader: &Reader, name: &Name) -> Result<Known, Refusal> {
    let key = ResourceKey(Kind::Driver, name.clone());
    let known = match reader.find::<Resource>(&key)? {
        Some(kept) => of(reader, name.clone(), &kept)?,
        None => None,
    };
    let missing = || {
        let refusal = Refusal::new(Code::NOT_FOUND, format!("there is no driver {name}"));
        refusal.help("`naos driver list` lists those there are")
    };
    known.ok_or_else(missing)
}

fn shape(reader: &Reader, known: &Known, now: Time) -> Value {
    let driver = &known.driver;
    let answer = |answer: &naos_kernel::resource::Answer| {
        json!({
            "at": answer.at.rfc3339(),
            "took_ms": answer.took.0,
            "answered": answer.well,
        })
    };
    let problem = driver.problem.as_ref();
    json!({
        "kind": Kind::Driver,
        "name": known.name,
        "status": known.word(now),
        "enabled": known.spec.enabled,
        "agent": known.agent(),
        "builtin": known.native.map(Native::word),
        "endpoint": known.endpoint.as_ref().map(|endpoint| &endpoint.url),
        "timeout_ms": known.endpoint.as_ref().map(|endpoint| endpoint.timeout.0),
        "attempts": known.endpoint.as_ref().map(|endpoint| endpoint.retry.attempts_max),
        "type": known.spec.kind,
        "capabilities": known.spec.capabilities,
        "concurrency": known.limits.open_max,
        "rate": known.limits.rate.map(|(calls, per)| json!({"calls": calls, "per_ms": per.0})),
        "open": driver.open.len(),
        "waiting": known.waiting,
        "waits_for": known.waits_for(),
        "breaker": driver.breaker(now).word(),
        "resting_until": shapes::time(driver.resting),
        "failures_in_a_row": driver.in_a_row,
        "failures_max": known.limits.failures_max,
        "answered": driver.answered,
        "failed": driver.failed,
        "error_percent": driver.error_percent(),
        "last": driver.last.iter().map(answer).collect::<Vec<_>>(),
        "problem": shapes::problem(reader, problem.map(|(_, problem)| problem)),
        "failed_at": shapes::time(problem.map(|(at, _)| *at)),
        "version": known.version,
        "spec": written(&known.spec.document, known.spec.enabled),
    })
}

/// A driver's document may call it `custom_driver_v1`: it became a name.
pub(crate) fn named(call: &Call) -> Result<Name, Fault> {
    let found = call.name("name");
    match Name::slug(call.param("name")) {
        Some(name) if found.is_err() => Ok(name),
        _ => found,
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let known = all(&reader)?;
    let items = known.iter().map(|known| shape(&reader, known, call.now));
    ok(&json!({"items": items.collect::<Vec<_>>(), "next": null}))
}

pub(crate) async fn show(call: Call) -> Answered {
    let name = named(&call)?;
    let reader = call.reader()?;
    ok(&shape(&reader, &find(&reader, &name)?, call.now))
}

/// Lets one that rests be given events at once.
pub(crate) async fn reset(call: Call) -> Answered {
    let name = named(&call)?;
    let command = command::Resource::ResetDriver { name: name.clone() };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"kind": Kind::Driver, "name": name, "seq": seq}))
}
