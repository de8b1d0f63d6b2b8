//! `/plans`, `/plan-runs`.

use std::sync::Arc;

use http::StatusCode;
use naos_engine::node::Happened;
use naos_engine::read::{Awaited, PlanFilter, settled_plan};
use naos_engine::shard::NewBody;
use naos_kernel::plan::Plan;
use naos_types::command::{self, Reply};
use naos_types::spec::Kind;
use naos_types::{Code, Name, PlanId, PlanStatus};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::Receiver;

use super::flows::{named, tell};
use super::runs::deadline;
use super::{LIMIT, LIMIT_MAX, WAIT_MS_MAX, shapes};
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    #[serde(default)]
    inputs: Map<String, Value>,
    #[serde(default)]
    wait_ms: u64,
}

pub(crate) async fn start(call: Call) -> Answered {
    start_one(call, Kind::Plan).await
}

/// Runs an instruction by hand, whatever its trigger says.
pub(crate) async fn start_instruction(call: Call) -> Answered {
    start_one(call, Kind::Instruction).await
}

async fn start_one(call: Call, of: Kind) -> Answered {
    let name = call.name("name")?;
    let asked: Start = call.json()?;
    let watch = call.desk.app.node.watch(call.who()?.tenant);
    let (inputs, body) = call.content(Value::Object(asked.inputs).to_string())?;
    let command = command::Plan::Start { of, name, inputs };
    begun(&call, command, body, asked.wait_ms, watch).await
}

/// Starts something and waits for its end, at most so long.
pub(super) async fn begun(
    call: &Call,
    command: command::Plan,
    body: NewBody,
    wait_ms: u64,
    watch: Receiver<Arc<Happened>>,
) -> Answered {
    let (seq, reply) = call.ask("", command, vec![body]).await?;
    let Reply::Plan(id) = reply else {
        return Err(Fault::new(Code::INTERNAL, "it was started without an id"));
    };
    let reader = call.reader()?;
    let deadline = deadline(wait_ms);
    let Awaited { value: plan, seq } = settled_plan(&reader, id, seq, watch, deadline).await?;
    let status = if plan.is_closed() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok(json(status, &shapes::plan(&reader, id, &plan, seq)))
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let status = call.one_of("status", PlanStatus::ALL, PlanStatus::said)?;
    let name = call.query("name");
    let before = call.word("before", PlanId::parse)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    let kind = call.word("kind", Kind::parse)?;
    let texts = texts(&call)?;
    let fits = PlanFilter { status, name, kind };
    let listed = reader.plans(&fits, before, limit)?;
    let seq = reader.seq()?;
    let items: Vec<Value> = listed
        .items
        .iter()
        .map(|(id, plan)| shapes::plan_with(&reader, *id, plan, seq, texts))
        .collect();
    ok(&json!({"items": items, "next": listed.next}))
}

/// Whether inputs and outputs are told: they may be long.
fn texts(call: &Call) -> Result<shapes::Texts, Fault> {
    let brief = call.word("brief", |word| word.parse::<bool>().ok())?;
    Ok(match brief {
        Some(true) => shapes::Texts::LeftOut,
        _ => shapes::Texts::Told,
    })
}

pub(crate) async fn show(call: Call) -> Answered {
    let id: PlanId = call.id("id", "plan run")?;
    let reader = call.reader()?;
    let watch = call.desk.app.node.watch(reader.tenant());
    let deadline = deadline(call.number("wait_ms", 0, WAIT_MS_MAX)?);
    let seq = reader.seq()?;
    let Awaited { value: plan, seq } = settled_plan(&reader, id, seq, watch, deadline).await?;
    let texts = texts(&call)?;
    let mut value = shapes::plan_with(&reader, id, &plan, seq, texts);
    if let Value::Object(members) = &mut value
        && texts == shapes::Texts::Told
    {
        members.insert("inputs".into(), shapes::text(&reader, Some(&plan.inputs)));
    }
    ok(&value)
}

pub(crate) async fn cancel(call: Call) -> Answered {
    let plan: PlanId = call.id("id", "plan run")?;
    let (seq, _) = call
        .ask("", command::Plan::Cancel { plan }, Vec::new())
        .await?;
    ok(&json!({"run": plan, "seq": seq}))
}

pub(crate) async fn pause(call: Call) -> Answered {
    tell(call, |plan| command::Plan::Pause { plan }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    /// By its name, or its place among the steps, counted from 1.
    step: Value,
}

/// Goes on without a step that has not ended.
pub(crate) async fn skip(call: Call) -> Answered {
    let id: PlanId = call.id("id", "plan run")?;
    let plan = call.reader()?.known::<Plan>(&id, "plan run")?;
    let Skip { step } = call.json()?;
    let step = named(&plan, &step)?;
    tell(call, |plan| command::Plan::Skip { plan, step }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    name: Name,
    #[serde(default)]
    data: Value,
}

/// Sends a run a signal: a step that waits for it goes on, now or when it gets there.
pub(crate) async fn signal(call: Call) -> Answered {
    let plan: PlanId = call.id("id", "plan run")?;
    let Signal { name, data } = call.json()?;
    let (data, body) = call.content(naos_kernel::value_bytes(&data))?;
    let command = command::Event::Signal { plan, name, data };
    let (seq, _) = call.ask("", command, vec![body]).await?;
    ok(&json!({"run": plan, "seq": seq}))
}
