//! `/costs`, `/budgets`.

use naos_engine::read::{ModelSpent, Reader};
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::budget::Budget;
use naos_kernel::resource::Resource;
use naos_types::command::{self, Reply};
use naos_types::spec::{BudgetSpec, Kind, ModelSpec, OnExceed};
use naos_types::{Code, Micros, Period, Refusal, Spender};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMES_MAX, shapes};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.lists().await?;
    let budgets = reader.all::<Budget>(NAMES_MAX)?;
    let spending = reader.spending_ever()?;
    let mut limits = Vec::new();
    for (whose, budget) in &budgets {
        if let Some(mut shape) = shapes::budget(whose, budget, call.now) {
            shape["exists"] = json!(exists(&reader, whose)?);
            limits.push(shape);
        }
    }
    let mut agents = Vec::new();
    for (whose, budget) in &budgets {
        let Some(name) = whose.agent() else {
            continue; // all together: the sum of the others
        };
        // All of them, whatever became of them: those that were charged for are among them.
        let runs = spending.agents.get(name).map_or(0, |sum| sum.runs);
        agents.push(json!({
            "agent": name,
            "total_micros": budget.total.0,
            "runs": runs,
        }));
    }
    let models = match reader.models(call.now.month_start()) {
        Some(all) => Some(
            all.into_iter()
                .map(|found| Ok(model(is_unpriced(&reader, &found)?, found)))
                .collect::<Result<Vec<_>, Refusal>>()?,
        ),
        None => None,
    };
    ok(&json!({"budgets": limits, "agents": agents, "models": models}))
}

/// Whether what a model did counts no money because nobody knows what it costs.
pub(crate) fn is_unpriced(reader: &Reader, found: &ModelSpent) -> Result<bool, Refusal> {
    let key = ResourceKey(Kind::Model, found.model.clone());
    let kept = reader.find::<Resource>(&key)?;
    let spec = kept.as_ref().and_then(|kept| kept.spec.model());
    Ok(spec.is_some_and(ModelSpec::is_unpriced))
}

/// What one model did since the month began.
fn model(unpriced: bool, found: ModelSpent) -> Value {
    json!({
        "unpriced": unpriced,
        "model": found.model,
        "answers": found.answers,
        "failed": found.failed,
        "input_tokens": found.input,
        "cached_tokens": found.cached,
        "output_tokens": found.output,
        "total_micros": found.cost.0,
        "incidents": found.incidents,
    })
}

/// Whether there is the agent, or the skill; a budget may be there before.
fn exists(reader: &Reader, whose: &Spender) -> Result<bool, Fault> {
    let Some(name) = whose.agent() else {
        return Ok(true);
    };
    let skill = || reader.find::<Resource>(&ResourceKey(Kind::Skill, name.clone()));
    Ok(reader.find::<Agent>(name)?.is_some() || skill()?.is_some())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    limit_micros: u64,
    period: Period,
    #[serde(default)]
    action: OnExceed,
    #[serde(default = "alert_percent")]
    alert_percent: u8,
}

const fn alert_percent() -> u8 {
    80
}

pub(crate) async fn set(call: Call) -> Answered {
    let asked: Set = call.json()?;
    if asked.alert_percent > 100 {
        return Err(Fault::new(
            Code::BAD_REQUEST,
            "alert_percent is at most 100",
        ));
    }
    let spec = BudgetSpec {
        limit: Micros(asked.limit_micros),
        period: asked.period,
        on_exceed: asked.action,
        alert_percent: asked.alert_percent,
    };
    change(&call, Some(spec)).await
}

pub(crate) async fn remove(call: Call) -> Answered {
    change(&call, None).await
}

async fn change(call: &Call, spec: Option<BudgetSpec>) -> Answered {
    let agent = call.spender("agent")?;
    let command = command::Budget::Set {
        agent: agent.clone(),
        spec,
    };
    let (seq, reply) = call.ask("", command, Vec::new()).await?;
    call.desk.app.node.settled(call.who()?.tenant, seq).await?;
    let exists = exists(&call.reader()?, &agent)?;
    let changed = reply != Reply::Unchanged;
    ok(&json!({"agent": agent, "exists": exists, "changed": changed, "seq": seq}))
}

pub(crate) async fn reset(call: Call) -> Answered {
    let agent = call.spender("agent")?;
    let command = command::Budget::Reset {
        agent: agent.clone(),
    };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"agent": agent, "seq": seq}))
}
