//! `/workflows`, `/sagas`, and what people do about their runs.

use std::collections::BTreeSet;

use naos_kernel::ResourceKey;
use naos_kernel::plan::Plan;
use naos_kernel::resource::Resource;
use naos_types::command::{self, Reply};
use naos_types::spec::{Kind, Spec};
use naos_types::{Code, Name, PlanId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::applies::{absent, refused};
use super::plans::begun;
use super::rules::Rules;
use super::shapes;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// What a request's body is called in messages.
pub(super) const LABEL: &str = "the request";

pub(crate) async fn create_workflow(call: Call) -> Answered {
    create(call, Kind::Workflow).await
}

pub(crate) async fn create_saga(call: Call) -> Answered {
    create(call, Kind::Saga).await
}

pub(crate) async fn add_workflow_step(call: Call) -> Answered {
    add_step(call, Kind::Workflow).await
}

pub(crate) async fn add_saga_step(call: Call) -> Answered {
    add_step(call, Kind::Saga).await
}

pub(crate) async fn start_workflow(call: Call) -> Answered {
    start(call, Kind::Workflow).await
}

pub(crate) async fn start_saga(call: Call) -> Answered {
    start(call, Kind::Saga).await
}

/// The body as text: what reads documents reads it, too.
pub(super) fn document(call: &Call) -> Result<&str, Fault> {
    std::str::from_utf8(&call.body)
        .map_err(|_| Fault::new(Code::BAD_REQUEST, "the body is not UTF-8 text"))
}

async fn create(call: Call, kind: Kind) -> Answered {
    let read = naos_manifest::parse_flow(kind, LABEL, document(&call)?);
    let (name, spec) = read.map_err(|found| refused(&found.0))?;
    ok(&made(&call, kind, name, Spec::Flow(spec)).await?)
}

/// Makes a resource, and says so.
pub(super) async fn made(call: &Call, kind: Kind, name: Name, spec: Spec) -> Result<Value, Fault> {
    let command = command::Resource::Create {
        kind,
        name: name.clone(),
        spec,
    };
    let (seq, reply) = call.ask("", command, Vec::new()).await?;
    Ok(json!({"kind": kind, "name": name, "version": version(&reply), "seq": seq}))
}

async fn add_step(call: Call, kind: Kind) -> Answered {
    let name = call.name("name")?;
    let key = ResourceKey(kind, name.clone());
    let found = call.reader()?.find::<Resource>(&key)?;
    let before: Vec<Name> = match found.as_ref().map(|found| &found.spec) {
        Some(Spec::Flow(spec)) => spec.steps.iter().map(|step| step.name.clone()).collect(),
        _ => Vec::new(),
    };
    let text = document(&call)?;
    let read = naos_manifest::parse_flow_step(kind, LABEL, text, &before, &Rules);
    let step = read.map_err(|found| refused(&found.0))?;
    let called = step.name.clone();
    let agents: BTreeSet<&Name> = [&step.agent].into_iter().chain(&step.compensate).collect();
    let warnings = absent(&call.reader()?, agents)?;
    let command = command::Resource::AddStep {
        kind,
        name: name.clone(),
        step,
    };
    let (seq, reply) = call.ask("", command, Vec::new()).await?;
    let version = version(&reply);
    ok(&json!({
        "kind": kind, "name": name, "step": called, "version": version, "warnings": warnings,
        "seq": seq,
    }))
}

pub(super) const fn version(reply: &Reply) -> Option<u64> {
    match reply {
        Reply::Version(version) => Some(*version),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    #[serde(default)]
    input: Value,
    #[serde(default)]
    wait_ms: u64,
}

async fn start(call: Call, of: Kind) -> Answered {
    let name = call.name("name")?;
    let asked: Start = call.json()?;
    let watch = call.desk.app.node.watch(call.who()?.tenant);
    let text = match asked.input {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let (inputs, body) = call.content(text)?;
    let command = command::Plan::Start { of, name, inputs };
    begun(&call, command, body, asked.wait_ms, watch).await
}

pub(crate) async fn resume(call: Call) -> Answered {
    tell(call, |plan| command::Plan::Resume { plan }).await
}

pub(crate) async fn reset(call: Call) -> Answered {
    tell(call, |plan| command::Plan::Reset { plan }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolve {
    /// A step by its name, or its place among the steps, counted from 1.
    step: Option<Value>,
    done: bool,
}

pub(crate) async fn resolve(call: Call) -> Answered {
    let id: PlanId = call.id("id", "plan run")?;
    let plan = call.reader()?.known::<Plan>(&id, "plan run")?;
    let asked: Resolve = call.json()?;
    let step = asked.step.map(|step| named(&plan, &step)).transpose()?;
    let done = asked.done;
    tell(call, |plan| command::Plan::Resolve { plan, step, done }).await
}

/// The step that a name or a number names.
pub(super) fn named(plan: &Plan, step: &Value) -> Result<Name, Fault> {
    let text = match step {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Ok(number) = text.parse::<usize>() {
        let found = number.checked_sub(1).and_then(|at| plan.forward().nth(at));
        return found.map(|spec| spec.name.clone()).ok_or_else(|| {
            let count = plan.forward().count();
            Fault::new(
                Code::NOT_FOUND,
                format!("there are steps 1 to {count}, no {number}"),
            )
        });
    }
    let name = Name::new(&text).map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))?;
    if plan.steps.contains_key(&name) {
        return Ok(name);
    }
    let known: Vec<&str> = plan.forward().map(|spec| spec.name.as_str()).collect();
    let what = format!("there is no step {name}: there are {}", known.join(", "));
    Err(Fault::new(Code::NOT_FOUND, what))
}

pub(super) async fn tell(call: Call, command: impl FnOnce(PlanId) -> command::Plan) -> Answered {
    let id: PlanId = call.id("id", "plan run")?;
    let (seq, _) = call.ask("", command(id), Vec::new()).await?;
    let reader = call.reader()?;
    let plan = reader.known::<Plan>(&id, "plan run")?;
    ok(&shapes::plan(&reader, id, &plan, seq))
}
