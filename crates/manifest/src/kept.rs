//! Kinds that this version checks, keeps and gives back, and doesn't run yet.

use std::collections::BTreeSet;

use naos_types::spec::{
    DRIVER_FAILURES_MAX, DRIVER_OPEN_MAX, DRIVER_RATE_MAX, InstructionSpec, Kind, ModelSpec,
    PolicySpec, Spec,
};
use naos_types::{Code, Name, Type};
use serde_json::Value as Json;

use crate::checks::{Checks, Scope, note};
use crate::diagnostic::{Findings, meant};
use crate::plan_check;
use crate::reader;
use crate::schedule::{self, ScheduleDoc};
use crate::schema::{self, Key, Shape, keys};
use crate::tree::{Node, Value};
use crate::{dag, driver, instruction, model, policy, server};

const COUNT_MAX: i64 = 1_000_000;

const INSTRUCTION: &[Key] = keys! {
    "type": Shape::Text, "id": Shape::Text, "name": Shape::Text, "description": Shape::Text,
    "author": Shape::Text, "version": Shape::Text, "enabled": Shape::Bool,
    // Without one, and with a bare `manual`, people alone run it.
    "trigger": Shape::Or(&Shape::Words(&["manual"]), &Shape::Object(TRIGGER)),
    "inputs": Shape::Any,
    @need "plan": Shape::List(&Shape::Object(keys! {
        "id" | "name": Shape::Text, "action": Shape::Text, "description": Shape::Text,
        "event": Shape::Object(EVENT_STEP),
        "emit": Shape::Or(&Shape::Text, &Shape::Object(EVENT_STEP)),
        "depends_on" | "dependencies" | "after": Shape::Texts,
        "condition" | "when": Shape::Text, "retry": Shape::Any, "timeout": Shape::Span,
        "idempotency_key" | "idempotencyKey" | "idempotency": Shape::Text,
    })),
};
const TRIGGER: &[Key] = keys! {
    "schedule" | "cron": Shape::Cron, "timezone" | "zone" | "tz": Shape::Text,
    "interval" | "every": Shape::Span, "at": Shape::Text, "from" | "start": Shape::Text,
    "until" | "end": Shape::Text, "count": Shape::Any, "jitter": Shape::Span,
    "missed" | "missed_runs" | "missedRuns": Shape::Any, "overlap": Shape::Text,
    "event": Shape::Text, "webhook": Shape::Any, "manual": Shape::Any,
    "filter" | "condition" | "where": Shape::Text,
    "type": Shape::Words(&["schedule", "event", "webhook", "plan", "manual"]),
    "plan": Shape::Text, "workflow": Shape::Text, "saga": Shape::Text, "pool": Shape::Text,
    "instruction": Shape::Text, "on": Shape::Texts,
};
const EVENT_STEP: &[Key] = keys! {
    @need "type": Shape::Text, "data": Shape::Any, "path": Shape::Text,
};
const POLICY: &[Key] = keys! {
    "type": Shape::Text, "id": Shape::Text, "name": Shape::Text, "description": Shape::Text,
    @need "condition": Shape::Text, @need "action": Shape::Words(POLICY_ACTIONS),
    "notify": Shape::Texts, "applies_to" | "appliesTo": Shape::Texts, "enabled": Shape::Bool,
    "priority": Shape::Whole(-COUNT_MAX, COUNT_MAX),
};
const POLICY_ACTIONS: &[&str] = &[
    "allow",
    "deny",
    "restrict",
    "log",
    "notify",
    "hold",
    "block_expensive_models",
    "restrict_to_cheap_models",
    "block_external_apis",
];
const DRIVER: &[Key] = keys! {
    "id": Shape::Text, "name": Shape::Text, "version": Shape::Text, "author": Shape::Text,
    "description": Shape::Text,
    "type" | "driver_type": Shape::Words(&["agent", "tool", "io", "ui", "driver"]),
    "capabilities": Shape::Texts,
    "concurrency" | "max_concurrent": Shape::Whole(1, DRIVER_OPEN_MAX as i64),
    "rate": Shape::Object(keys! {
        @need "calls": Shape::Whole(1, DRIVER_RATE_MAX as i64), "per": Shape::Span,
    }),
    "breaker": Shape::Object(keys! {
        "failures": Shape::Whole(1, DRIVER_FAILURES_MAX as i64), "pause": Shape::Span,
    }),
    "resource_requirements": Shape::Object(keys! {
        "memory" | "memory_mb": Shape::Any, "timeout" | "timeout_seconds": Shape::Span,
        "max_concurrent": Shape::Whole(1, COUNT_MAX), "requires_gpu": Shape::Bool,
        "environment_vars": Shape::Any,
    }),
    "dependencies": Shape::Any, "config_schema": Shape::Any, "config": Shape::Map(&Shape::Any),
    "enabled": Shape::Bool,
    "endpoint" | "url": Shape::Text, "timeout": Shape::Span, "retry": Shape::Any,
    "emit" | "emits": Shape::Texts,
    "agent": Shape::Name, "builtin" | "built_in" | "builtIn": Shape::Text,
    // What an agent's manifest says, of a driver that works with a model.
    "model": Shape::Any, "models": Shape::Any, "tools": Shape::Texts,
    "system_prompt" | "systemPrompt" | "prompt": Shape::Text,
    "skills": Shape::Any, "context" | "documents": Shape::Any, "grants": Shape::Any,
    "limits": Shape::Any, "cost" | "budget": Shape::Any, "temperature": Shape::Any,
    "turns" | "max_turns" | "maxTurns": Shape::Any,
    "answer_tokens" | "max_tokens" | "maxTokens": Shape::Any,
    "tokens" | "run_tokens": Shape::Any, "context_tokens" | "shown_tokens": Shape::Any,
    "output_schema" | "schema": Shape::Any,
};
const UI: &[Key] = keys! {
    "type": Shape::Text, "id": Shape::Text, "name": Shape::Text, "author": Shape::Text,
    "version": Shape::Text, "description": Shape::Text, "path": Shape::Text, "layout": Shape::Any,
    @need "components": Shape::List(&Shape::Object(keys! {
        "id": Shape::Text, @need "type": Shape::Text, "config": Shape::Any,
        "data_source": Shape::Any, "template": Shape::Text, "subscribe": Shape::Texts,
        "title": Shape::Text,
    })),
    "subscribed_events": Shape::Texts, "actions": Shape::Any, "styles": Shape::Any,
    "scripts": Shape::Any,
};
const TOOL: &[Key] = keys! {
    "type": Shape::Words(&["mcp_server", "native", "stdio", "http", "streamable-http"]),
    "url": Shape::Text, "handler": Shape::Text, "capabilities": Shape::Texts,
    "command": Shape::Text, "args": Shape::Texts, "env": Shape::Any, "description": Shape::Text,
    "enabled": Shape::Bool, "key": Shape::Text, "timeout": Shape::Span, "name": Shape::Text,
};
const DAG_PLAN: &[Key] = keys! {
    "type": Shape::Text, "id": Shape::Text, "name": Shape::Text, "instruction_id": Shape::Text,
    "status": Shape::Text, "description": Shape::Text, "created_at": Shape::Any,
    @need "dag": Shape::Object(keys! {
        @need "nodes": Shape::Map(&Shape::Object(keys! {
            @need "action": Shape::Object(EVENT_STEP), "status": Shape::Text, "output": Shape::Any,
            "dependencies" | "depends_on": Shape::Texts, "condition": Shape::Text,
            "started_at": Shape::Any, "completed_at": Shape::Any, "error": Shape::Any,
            "idempotency_key" | "idempotencyKey" | "idempotency": Shape::Text,
        })),
        "edges": Shape::Any,
    }),
};

/// The keys of a kind; `None` where anything may stand.
const fn keys_of(kind: Kind) -> Option<&'static [Key]> {
    Some(match kind {
        Kind::Instruction => INSTRUCTION,
        Kind::Policy => POLICY,
        Kind::Driver => DRIVER,
        Kind::Ui => UI,
        Kind::Model => model::KEYS,
        Kind::Tool => TOOL,
        Kind::Plan => DAG_PLAN,
        Kind::Agent
        | Kind::Skill
        | Kind::Budget
        | Kind::Lesson
        | Kind::Notice
        | Kind::Pool
        | Kind::Saga
        | Kind::Subscription
        | Kind::Schedule
        | Kind::Supervisor
        | Kind::Webhook
        | Kind::Secret
        | Kind::AgentSkill
        | Kind::Workflow => return None,
    })
}

/// A resource that this version keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// What it says, in one spelling: JSON text.
    pub json: String,
    /// What an instruction does.
    pub instruction: Option<Box<InstructionSpec>>,
    /// What a driver answers.
    pub driver: Option<Spec>,
    /// Who does a driver's work, where its manifest says that, too.
    pub(crate) agent: Option<Box<crate::agent::AgentDoc>>,
    /// The server of tools that it is.
    pub server: Option<std::sync::Arc<naos_types::spec::ServerSpec>>,
    /// How a model is asked.
    pub model: Option<Box<ModelSpec>>,
    /// What holds for all agents.
    pub policy: Option<PolicySpec>,
    /// When it happens by itself.
    pub schedule: Option<ScheduleDoc>,
}

/// Reads one; `key` is the name where it stands in a map.
pub(crate) fn read(
    kind: Kind,
    key: Option<&str>,
    node: &Node,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<Kept> {
    if kind == Kind::Policy && policy::is_of_data(key, node) {
        return policy::read(key, node, findings);
    }
    if kind == Kind::Policy && policy::is_no_word(key, node, findings) {
        return None;
    }
    let mut json = match keys_of(kind) {
        Some(keys) => schema::object(node, kind.word(), keys, findings),
        None => node.json(),
    };
    match kind {
        Kind::Policy => {
            policy::not_in_force(node, findings);
            if let Some(condition) = node.get("condition")
                && let Value::Text(source) = &condition.value
            {
                note(
                    checks.condition(source, &Scope::Policy),
                    condition,
                    findings,
                );
            }
        }
        // One that begins is judged as all plans are.
        Kind::Plan if dag::has_progress(node) => graph(node, checks, findings),
        _ => {}
    }
    let said = |field: &str| json.get(field).and_then(Json::as_str).map(str::to_owned);
    let Some(called) = key
        .map(str::to_owned)
        .or_else(|| said("id"))
        .or_else(|| said("name"))
    else {
        let path = said("path").and_then(|path| Name::slug(&path));
        return named(kind, path, node, &json, findings);
    };
    let mut kept = named(kind, Name::slug(&called), node, &json, findings)?;
    if kind != Kind::Tool {
        reader::made_plain(&called, &kept.name, node.at, findings);
    }
    match kind {
        Kind::Instruction => {
            let read = instruction::read(&kept.name, node, &json, checks, findings);
            kept.instruction = read.map(Box::new);
            kept.schedule = schedule::of_instruction(&kept.name, node, findings);
        }
        Kind::Driver => {
            kept.driver = driver::read(&kept.name, node, &json, findings);
            kept.agent = driver::mind(node, checks, findings).map(Box::new);
        }
        Kind::Model => {
            let read = model::read(&kept.name, &called, node, &mut json, findings);
            kept.json = json.to_string();
            kept.model = read.map(Box::new);
        }
        Kind::Tool => {
            let read = server::read(node, &mut json, findings);
            kept.json = json.to_string();
            kept.server = read.map(std::sync::Arc::new);
            if kept.server.is_some() && called != kept.name.as_str() {
                let what = format!("the server {called:?} is called {} here", kept.name);
                findings.warn(node.at, what, "agents name its tools by that name");
            }
        }
        _ => {}
    }
    Some(kept)
}

fn named(
    kind: Kind,
    name: Option<Name>,
    node: &Node,
    json: &Json,
    findings: &mut Findings,
) -> Option<Kept> {
    let Some(name) = name else {
        findings.error(node.at, format!("this {} has no `name`", kind.word()));
        return None;
    };
    Some(Kept {
        kind,
        name,
        json: json.to_string(),
        instruction: None,
        driver: None,
        agent: None,
        model: None,
        server: None,
        policy: None,
        schedule: None,
    })
}

/// Prices among the costs of a project.
pub(crate) fn model_prices(name: &str, node: &Node, findings: &mut Findings) -> Option<Kept> {
    let mut json = schema::object(node, name, model::PRICE_KEYS, findings);
    model::prices(node, false, &mut json, findings);
    named(Kind::Model, Name::slug(name), node, &json, findings)
}

/// What depends on what among the nodes of a plan that was kept, and their conditions.
fn check_graph(steps: &[(&str, &Node)], checks: &dyn Checks, findings: &mut Findings) {
    let known: Vec<&str> = steps.iter().map(|(name, _)| *name).collect();
    let named: Vec<Vec<usize>> = steps
        .iter()
        .map(|(name, step)| waits_for(name, step, &known, findings))
        .collect();
    if let Some(circle) = plan_check::circle(&named) {
        let path: Vec<&str> = circle.iter().map(|index| known[*index]).collect();
        let what = format!("the steps go in a circle: {}", path.join(" → "));
        findings.push(steps[circle[0]].1.at, Code::BAD_PLAN, what, None);
    }
    for (index, (_, step)) in steps.iter().enumerate() {
        let condition = step.get("condition").or_else(|| step.get("when"));
        let Some(node) = condition else { continue };
        let Value::Text(source) = &node.value else {
            continue;
        };
        let before: Vec<(Name, Type)> = before(&named, index)
            .iter()
            .filter_map(|at| Some((Name::slug(known[*at])?, Type::Any)))
            .collect();
        let scope = Scope::Step {
            inputs: Some(Vec::new()),
            before,
            fan_out: false,
            open: false,
        };
        note(checks.condition(source, &scope), node, findings);
    }
}

/// The steps that one names as those it waits for.
fn waits_for(name: &str, step: &Node, known: &[&str], findings: &mut Findings) -> Vec<usize> {
    let mut keys = ["depends_on", "dependencies", "after"].into_iter();
    let Some(node) = keys.find_map(|key| step.get(key)) else {
        return Vec::new();
    };
    let items = node.items();
    let mut out = Vec::new();
    for item in items {
        let Value::Text(text) = &item.value else {
            continue;
        };
        if text == name {
            let what = format!("the steps go in a circle: {name} → {name}");
            findings.push(item.at, Code::BAD_PLAN, what, None);
        } else if let Some(other) = known.iter().position(|known| known == text) {
            out.push(other);
        } else {
            let help = Some(meant(text, known));
            let what = format!("there is no step `{text}`");
            findings.push(item.at, Code::BAD_PLAN, what, help);
        }
    }
    out
}

/// All that is closed before a step begins; in a circle, all of it.
fn before(after: &[Vec<usize>], step: usize) -> BTreeSet<usize> {
    let (mut out, mut open) = (BTreeSet::new(), after[step].clone());
    while let Some(next) = open.pop() {
        if out.insert(next) {
            open.extend(&after[next]);
        }
    }
    out
}

fn graph(node: &Node, checks: &dyn Checks, findings: &mut Findings) {
    let nodes = node.get("dag").and_then(|dag| dag.get("nodes"));
    let Some(Value::Map(fields)) = nodes.map(|node| &node.value) else {
        return;
    };
    let steps: Vec<(&str, &Node)> = fields
        .iter()
        .map(|field| (field.key.as_str(), &field.node))
        .collect();
    check_graph(&steps, checks, findings);
}

/// The words of a map of these: what `kind: {name: …}` may hold.
pub(crate) fn all(
    kind: Kind,
    node: &Node,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Vec<Kept> {
    let entries = reader::entries(kind.plural(), node, findings);
    let kept = entries
        .into_iter()
        .filter_map(|(key, node)| read(kind, key, node, checks, findings));
    kept.collect()
}

/// A map's key as JSON object, for tests of what a map holds.
pub(crate) fn is_map_of(node: &Node, fits: impl Fn(&Node) -> bool) -> bool {
    match &node.value {
        Value::Map(fields) => !fields.is_empty() && fields.iter().all(|field| fits(&field.node)),
        _ => false,
    }
}
