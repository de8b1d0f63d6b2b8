//! `/pools`: agents that share work.

use naos_engine::read::{Lists, PlanFilter};
use naos_kernel::ResourceKey;
use naos_kernel::resource::Resource;
use naos_types::spec::{Kind, POOL_SIZE_MAX, PoolSpec, Spec};
use naos_types::{Code, Name, PlanStatus, Role, command};
use serde::Deserialize;
use serde_json::{Value, json};

use super::flows::{began, runs_of};
use super::{form_key, see};
use crate::api::v1::pools::Now;
use crate::api::v1::resting;
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::pools::{Pool, PoolRow, Pools, TASKS_CHARS_MAX};
use crate::pages::words::PoolState;

/// How many open batches of a pool are counted.
const BATCHES_MAX: usize = 500;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let mut pools = Vec::new();
    for (key, kept) in reader.resources(Kind::Pool, crate::api::v1::NAMES_MAX)? {
        if let Spec::Pool(spec) = &kept.spec {
            pools.push(row(&call, &reader, &key.1, spec)?);
        }
    }
    super::page(&call, &Pools { pools })
}

fn row(call: &Call, reader: &Lists, name: &Name, spec: &PoolSpec) -> Result<PoolRow, Fault> {
    let mut open = Vec::new();
    for status in [PlanStatus::Running, PlanStatus::Held] {
        let fits = PlanFilter {
            status: Some(status),
            name: Some(name.as_str()),
            kind: Some(Kind::Pool),
        };
        open.extend(reader.plans(&fits, None, BATCHES_MAX)?.items);
    }
    let mut working = 0;
    for (id, batch) in &open {
        for (name, step) in batch.steps.iter().filter(|(_, step)| step.fan.is_some()) {
            let all = step.fan.as_ref().map_or(0, |fan| fan.open.len());
            // What waits for an agent that rests is no work.
            working += all.saturating_sub(resting::items(reader, (*id, batch), name, step)?);
        }
    }
    let state = match (spec.draining, open.is_empty()) {
        (true, true) => PoolState::Drained,
        (true, false) => PoolState::Draining,
        (false, true) => PoolState::Ready,
        (false, false) => PoolState::Running,
    };
    let now = Now::of(reader, name, spec)?;
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    Ok(PoolRow {
        name: name.to_string(),
        state,
        agents: spec.agents.iter().map(Name::to_string).collect(),
        size: now.as_ref().map_or(spec.size, |now| now.size).into(),
        why: now.map(|now| now.why),
        least: spec.size_min.unwrap_or(1).into(),
        most: spec.size_max.unwrap_or(POOL_SIZE_MAX).into(),
        auto_scale: spec.auto_scale,
        strategy: word(json!(spec.strategy)),
        merge: word(json!(spec.merge)),
        batches: open.len() as u64,
        working: working as u64,
        key: (call.who()?.role >= Role::Admin).then(form_key),
    })
}

pub(crate) async fn show(call: Call) -> Answered {
    let name = call.name("name")?;
    let reader = call.lists().await?;
    let key = ResourceKey(Kind::Pool, name.clone());
    let kept = reader.find::<Resource>(&key)?;
    let spec = kept.as_ref().and_then(|kept| match &kept.spec {
        Spec::Pool(spec) => Some(spec),
        _ => None,
    });
    let missing = || Fault::new(Code::NOT_FOUND, format!("there is no pool {name}"));
    let spec = spec.ok_or_else(missing)?;
    let runs = runs_of(&call, &reader, &key)?;
    let page = Pool {
        row: row(&call, &reader, &name, spec)?,
        description: spec.description.clone(),
        submit_key: (!spec.draining && !spec.agents.is_empty()).then(form_key),
        runs: runs.rows,
        newer: runs.newer,
        older: runs.older,
    };
    super::page(&call, &page)
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "do")]
    verb: String,
    size: Option<u32>,
    idempotency_key: String,
}

pub(crate) async fn change(mut call: Call) -> Answered {
    let form: Change = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let name = call.name("name")?;
    let command = match (form.verb.as_str(), form.size) {
        ("scale", Some(size)) => command::Pool::Scale { name, size },
        ("drain", _) => command::Pool::Drain { name, on: true },
        ("start", _) => command::Pool::Drain { name, on: false },
        _ => return Err(Fault::new(Code::BAD_REQUEST, "the form doesn't parse")),
    };
    call.ask("", command, Vec::new()).await?;
    Ok(see(&call.path))
}

#[derive(Deserialize)]
struct Submit {
    input: String,
    idempotency_key: String,
}

/// Gives it a batch: a task on each line.
pub(crate) async fn submit(mut call: Call) -> Answered {
    let form: Submit = call.form()?;
    if form.input.chars().count() > TASKS_CHARS_MAX {
        let what = format!("a batch has at most {TASKS_CHARS_MAX} characters here");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    call.keyed(&form.idempotency_key)?;
    let name = call.name("name")?;
    let lines = form.input.lines().map(str::trim_end);
    let tasks: Vec<Value> = lines
        .filter(|line| !line.is_empty())
        .map(Value::from)
        .collect();
    if tasks.is_empty() {
        let what = "there is no task: write one on each line";
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    let most = naos_kernel::FAN_ITEMS_MAX as usize;
    if tasks.len() > most {
        let what = format!("{} tasks, at most {most} at once", tasks.len());
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    let (inputs, body) = call.content(Value::Array(tasks).to_string())?;
    let command = command::Plan::Submit {
        name,
        inputs,
        merge: None,
        quorum: None,
    };
    let (_, reply) = call.ask("", command, vec![body]).await?;
    began(&reply)
}
