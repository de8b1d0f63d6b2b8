//! `/resources`.

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::budget::Budget;
use naos_kernel::resource::Resource;
use naos_types::command;
use naos_types::spec::{Kind, ModelFormat, Spec};
use naos_types::{Code, Name, Refusal, Seq};
use serde_json::{Value, json};

use super::{NAMES_MAX, drivers, needed, pools, shapes};
use crate::app::App;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

fn kind(call: &Call) -> Result<Kind, Fault> {
    let word = call.param("kind");
    Kind::parse(word).ok_or_else(|| {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.plural()).collect();
        Refusal::new(
            Code::NOT_FOUND,
            format!("there is no kind of resource {word}"),
        )
        .help(format!("there are: {}", kinds.join(", ")))
        .into()
    })
}

/// What a resource is called: documents may call it `plan_123` or `Morning Email Summary`, and it
/// became a name. Agents and skills are called what they are.
fn named(call: &Call, kind: Kind) -> Result<Name, Fault> {
    let found = call.name("name");
    if found.is_err() && !matches!(kind, Kind::Agent | Kind::Skill) {
        return Name::slug(call.param("name")).map_or(found, Ok);
    }
    found
}

fn content(spec: &Spec) -> Value {
    match spec {
        Spec::Skill(skill) => json!(skill),
        Spec::Plan(plan) => json!(plan),
        Spec::Undoable(spec) => {
            let mut shown = json!(spec.plan);
            shown["undo"] = json!(spec.flow.undo);
            shown["timeout"] = json!(spec.flow.timeout);
            shown
        }
        Spec::Notice(notice) => json!(notice),
        Spec::Telling(telling) => {
            let mut shown = json!(telling.notice);
            shown["for"] = json!(telling.member);
            shown["urgency"] = json!(telling.urgency);
            shown["digest"] = json!(telling.gather);
            shown
        }
        Spec::Flow(flow) => json!(flow),
        Spec::Pool(pool) => json!(pool),
        Spec::Subscription(spec) => json!(spec),
        Spec::Handler(spec) => {
            let mut shown = json!(spec.listens);
            shown["emit"] = json!(spec.emits);
            shown
        }
        Spec::Instruction(spec) => written(&spec.document, spec.enabled),
        Spec::Driver(spec) => written(&spec.document, spec.enabled),
        Spec::Limited(spec) => written(&spec.driver.document, spec.driver.enabled),
        Spec::Remote(spec) => written(&spec.driver.document, spec.driver.enabled),
        Spec::Native(spec) => written(&spec.driver.document, spec.driver.enabled),
        Spec::Delivered(spec) => {
            let mut shown = json!(spec.subscription);
            shown["deliver"] = json!(spec.deliver);
            shown
        }
        Spec::Schedule(schedule) => json!(schedule),
        Spec::Supervisor(spec) => json!({
            "description": spec.description,
            "strategy": spec.strategy,
            "max_restarts": spec.max_restarts,
            "restart_window": spec.window.0 / 1_000,
            "children": spec.children,
        }),
        Spec::Model(spec) => written(&spec.document, spec.enabled),
        Spec::Engine(spec) => written(&spec.document, spec.enabled),
        Spec::Server(spec) => {
            let mut shown = written(&spec.document, spec.enabled);
            shown["tools"] = json!(spec.tools);
            shown
        }
        Spec::AgentSkill(spec) => json!(**spec),
        Spec::Policy(spec) => json!(**spec),
        Spec::Webhook(_) => json!({"secret": "[sealed]"}),
        Spec::Kept(text) => kept(text),
    }
}

/// A document as it was written, and whether it is in force by now.
pub(crate) fn written(document: &str, enabled: bool) -> Value {
    let mut shown = kept(document);
    if let Value::Object(fields) = &mut shown {
        fields.insert("enabled".into(), enabled.into());
    }
    shown
}

/// A document as it was written.
fn kept(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn shape(app: &App, key: &ResourceKey, resource: &Resource) -> Value {
    let mut out = json!({
        "kind": key.0,
        "name": key.1,
        "version": resource.version,
        "digest": resource.digest,
        "spec": content(&resource.spec),
    });
    if key.0 == Kind::Model {
        out["key"] = json!(key_state(app, &resource.spec));
        // What a list of models is read for.
        let read = ["input_micros_per_mtok", "output_micros_per_mtok"];
        for key in ["provider", "model", "endpoint"].into_iter().chain(read) {
            out[key] = out["spec"][key].clone();
        }
        // What isn't known to stay counts as what leaves.
        let stays = out["spec"]["data_leaves_country"] == false;
        out["data"] = json!(if stays { "stays" } else { "leaves" });
        let spec = &out["spec"];
        let priced = ["output_micros_per_mtok", "cost_per_call_micros"];
        out["state"] = json!(if spec["enabled"] == false {
            "disabled"
        } else if priced.iter().any(|price| !spec[*price].is_null()) {
            "enabled"
        } else if spec["format"] == ModelFormat::OpenClaw.word() {
            "not asked: its price is unknown"
        } else {
            "unpriced: asked by whom `unpriced: allow` lets"
        });
    }
    out
}

/// Whether this process has a model's key, in words that never hold it; none where none is needed.
fn key_state(app: &App, spec: &Spec) -> Option<String> {
    let handle = spec.model()?.key.as_deref()?;
    Some(match (app.lacks_key)(handle) {
        Some(variable) => format!("missing {variable}"),
        None => "ready".to_owned(),
    })
}

/// A pool that scales by itself says which size it has by now, and why.
fn scaled(
    reader: &Reader,
    name: &Name,
    resource: &Resource,
    item: &mut Value,
) -> Result<(), Refusal> {
    if let Spec::Pool(spec) = &resource.spec {
        let now = pools::Now::of(reader, name, spec)?;
        item["scale"] = json!(now.map(|now| now.shape()));
    }
    Ok(())
}

/// A list says how long the files of a skill are, and whoever asks for the skill what they say.
fn sizes(item: &mut Value) {
    if let Value::Object(files) = &mut item["spec"]["files"] {
        for text in files.values_mut() {
            *text = json!(text.as_str().map_or(0, str::len));
        }
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let kind = kind(&call)?;
    let reader = call.reader()?;
    let mut items = Vec::new();
    match kind {
        Kind::Agent => {
            for (name, agent) in reader.all::<Agent>(NAMES_MAX)? {
                items.push(json!(shapes::agent(&reader, &name, &agent, call.now)?));
            }
        }
        Kind::Budget => {
            let budgets = reader.all::<Budget>(NAMES_MAX)?;
            let shaped = budgets
                .iter()
                .filter_map(|(name, b)| shapes::budget(name, b, call.now));
            items.extend(shaped);
        }
        kind => {
            let found = reader.resources(kind, NAMES_MAX)?;
            for (key, resource) in &found {
                let mut item = shape(&call.desk.app, key, resource);
                scaled(&reader, &key.1, resource, &mut item)?;
                items.push(item);
            }
            if kind == Kind::AgentSkill {
                items.iter_mut().for_each(sizes);
            }
        }
    }
    ok(&json!({"items": items, "next": null}))
}

pub(crate) async fn show(call: Call) -> Answered {
    let kind = kind(&call)?;
    if kind == Kind::Budget {
        return budget(&call);
    }
    let name = named(&call, kind)?;
    let reader = call.reader()?;
    let missing = || {
        let what = format!("there is no {} {name}", kind.word());
        Fault::new(Code::NOT_FOUND, what)
    };
    let value = match kind {
        Kind::Agent => {
            let agent = reader.find::<Agent>(&name)?.ok_or_else(missing)?;
            json!(shapes::agent(&reader, &name, &agent, call.now)?)
        }
        kind => {
            let key = ResourceKey(kind, name.clone());
            let resource = reader.find::<Resource>(&key)?.ok_or_else(missing)?;
            let mut shown = shape(&call.desk.app, &key, &resource);
            scaled(&reader, &name, &resource, &mut shown)?;
            shown
        }
    };
    ok(&value)
}

fn budget(call: &Call) -> Answered {
    let whose = call.spender("name")?;
    let found = call.reader()?.find::<Budget>(&whose)?;
    let shaped = found.and_then(|b| shapes::budget(&whose, &b, call.now));
    let missing = || Fault::new(Code::NOT_FOUND, format!("there is no budget {whose}"));
    ok(&shaped.ok_or_else(missing)?)
}

pub(crate) async fn delete(call: Call) -> Answered {
    let kind = kind(&call)?;
    if kind == Kind::Budget {
        let agent = call.spender("name")?;
        let command = command::Budget::Set {
            agent: agent.clone(),
            spec: None,
        };
        let (seq, _) = call.ask("", command, Vec::new()).await?;
        return ok(&json!({"kind": kind, "name": agent, "seq": seq}));
    }
    let name = named(&call, kind)?;
    let warnings = needed::warnings(&call.reader()?, kind, &name)?;
    let (seq, _) = match kind {
        Kind::Agent => {
            let command = command::Agent::Delete { name: name.clone() };
            call.ask("", command, Vec::new()).await?
        }
        kind => {
            let command = command::Resource::Delete {
                kind,
                name: name.clone(),
            };
            call.ask("", command, Vec::new()).await?
        }
    };
    ok(&json!({"kind": kind, "name": name, "warnings": warnings, "seq": seq}))
}

pub(crate) async fn enable_instruction(call: Call) -> Answered {
    enable(call, Kind::Instruction, true).await
}

pub(crate) async fn disable_instruction(call: Call) -> Answered {
    enable(call, Kind::Instruction, false).await
}

pub(crate) async fn enable_tool(call: Call) -> Answered {
    enable(call, Kind::Tool, true).await
}

pub(crate) async fn disable_tool(call: Call) -> Answered {
    enable(call, Kind::Tool, false).await
}

pub(crate) async fn enable_driver(call: Call) -> Answered {
    enable(call, Kind::Driver, true).await
}

pub(crate) async fn disable_driver(call: Call) -> Answered {
    let name = named(&call, Kind::Driver)?;
    let reader = call.reader()?;
    let warnings = needed::switched_off(&reader, &name)?;
    // What waits for it now is put aside behind the command, in turns of its own.
    let waiting = drivers::consumer(&reader, &name)?.map_or(0, |known| known.pending.len());
    let (name, seq) = switch(&call, Kind::Driver, name, false).await?;
    ok(&json!({
        "kind": Kind::Driver, "name": name, "enabled": false, "put_aside": waiting,
        "warnings": warnings, "seq": seq,
    }))
}

async fn enable(call: Call, kind: Kind, on: bool) -> Answered {
    let name = named(&call, kind)?;
    let (name, seq) = switch(&call, kind, name, on).await?;
    ok(&json!({"kind": kind, "name": name, "enabled": on, "seq": seq}))
}

async fn switch(call: &Call, kind: Kind, name: Name, on: bool) -> Result<(Name, Seq), Fault> {
    let enable = command::Resource::Enable {
        kind,
        name: name.clone(),
        on,
    };
    let (seq, _) = call.ask("", enable, Vec::new()).await?;
    Ok((name, seq))
}
