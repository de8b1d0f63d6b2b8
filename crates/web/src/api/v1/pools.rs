//! `/pools`: agents that share work.

use naos_engine::read::Reader;
use naos_kernel::plan::Scale;
use naos_types::command;
use naos_types::spec::{Kind, Merge, PoolSpec, Spec};
use naos_types::{Code, Name, Refusal, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::applies::{absent, refused};
use super::flows::{LABEL, document, made, version};
use super::plans::begun;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// The size that a pool has by now, and why, where it scales by itself in steps.
pub(crate) struct Now {
    pub(crate) size: u32,
    since: Time,
    pub(crate) why: String,
}

impl Now {
    /// None where nothing but what it says is its size.
    pub(crate) fn of(
        reader: &Reader,
        name: &Name,
        spec: &PoolSpec,
    ) -> Result<Option<Self>, Refusal> {
        let (Some((scaling, ..)), Some(found)) = (spec.scales(), reader.find::<Scale>(name)?)
        else {
            return Ok(None);
        };
        let each = |hundredths: u32| f64::from(hundredths) / 100.0;
        let (from, to, tasks) = (found.before, found.size, found.tasks);
        let of = match found.batches {
            1 => "a batch".to_owned(),
            batches => format!("{batches} batches"),
        };
        let why = if to > from {
            let up = each(scaling.up);
            format!("grew from {from} to {to}: {tasks} tasks of {of} were more than {up} for each")
        } else {
            let down = each(scaling.down);
            format!("shrank from {from} to {to}: {tasks} tasks were fewer than {down} for each")
        };
        Ok(Some(Self {
            size: to,
            since: found.since,
            why,
        }))
    }

    pub(crate) fn shape(&self) -> Value {
        json!({"size": self.size, "since": self.since.rfc3339(), "why": self.why})
    }
}

pub(crate) async fn create(call: Call) -> Answered {
    let read = naos_manifest::parse_pool(LABEL, document(&call)?);
    let (name, spec) = read.map_err(|found| refused(&found.0))?;
    let warnings = absent(&call.reader()?, &spec.agents)?;
    let mut answer = made(&call, Kind::Pool, name, Spec::Pool(spec)).await?;
    answer["warnings"] = json!(warnings);
    ok(&answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submit {
    tasks: Vec<Value>,
    merge: Option<String>,
    quorum: Option<u32>,
    #[serde(default)]
    wait_ms: u64,
}

pub(crate) async fn submit(call: Call) -> Answered {
    let name = call.name("name")?;
    let asked: Submit = call.json()?;
    let bad = |what: String| Fault::new(Code::BAD_REQUEST, what);
    let merge = asked.merge.as_deref().map(|word| {
        let known = Merge::WORDS.join(", ");
        Merge::parse(word)
            .ok_or_else(|| bad(format!("merge can't be {word:?}: it is one of {known}")))
    });
    let merge = merge.transpose()?;
    let most = naos_kernel::FAN_ITEMS_MAX as usize;
    if asked.tasks.len() > most {
        let what = format!("{} tasks, at most {most} at once", asked.tasks.len());
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    if asked.quorum == Some(0) {
        return Err(bad("a quorum is at least 1".into()));
    }
    let watch = call.desk.app.node.watch(call.who()?.tenant);
    let (inputs, body) = call.content(Value::Array(asked.tasks).to_string())?;
    let command = command::Plan::Submit {
        name,
        inputs,
        merge,
        quorum: asked.quorum,
    };
    begun(&call, command, body, asked.wait_ms, watch).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    agent: Name,
}

pub(crate) async fn add(call: Call) -> Answered {
    let Add { agent } = call.json()?;
    let warnings = absent(&call.reader()?, [&agent])?;
    let mut answer = change(&call, |name| command::Pool::Add { name, agent }).await?;
    answer["warnings"] = json!(warnings);
    ok(&answer)
}

pub(crate) async fn remove(call: Call) -> Answered {
    let Add { agent } = call.json()?;
    ok(&change(&call, |name| command::Pool::Remove { name, agent }).await?)
}

/// What is changed of how a batch is shared; what isn't said stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resize {
    size: Option<u32>,
    min_size: Option<u32>,
    max_size: Option<u32>,
    auto_scale: Option<bool>,
    quorum: Option<u32>,
}

impl Resize {
    const fn only_size(&self) -> bool {
        self.min_size.is_none()
            && self.max_size.is_none()
            && self.auto_scale.is_none()
            && self.quorum.is_none()
    }
}

pub(crate) async fn scale(call: Call) -> Answered {
    let asked: Resize = call.json()?;
    if asked.quorum == Some(0) {
        return Err(Fault::new(Code::BAD_REQUEST, "a quorum is at least 1"));
    }
    let fit = |name| match asked.size {
        Some(size) if asked.only_size() => command::Pool::Scale { name, size },
        size => command::Pool::Fit {
            name,
            size,
            least: asked.min_size,
            most: asked.max_size,
            auto: asked.auto_scale,
            quorum: asked.quorum,
        },
    };
    if asked.size.is_none() && asked.only_size() {
        let what = "say `size`, `min_size`, `max_size`, `auto_scale` or `quorum`";
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    ok(&change(&call, fit).await?)
}

pub(crate) async fn drain(call: Call) -> Answered {
    ok(&change(&call, |name| command::Pool::Drain { name, on: true }).await?)
}

pub(crate) async fn start(call: Call) -> Answered {
    ok(&change(&call, |name| command::Pool::Drain { name, on: false }).await?)
}

async fn change(call: &Call, command: impl FnOnce(Name) -> command::Pool) -> Result<Value, Fault> {
    let name = call.name("name")?;
    let (seq, reply) = call.ask("", command(name.clone()), Vec::new()).await?;
    Ok(json!({"kind": Kind::Pool, "name": name, "version": version(&reply), "seq": seq}))
}
