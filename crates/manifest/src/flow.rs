//! Workflows and sagas: steps in a row.

use naos_types::spec::{FlowSpec, FlowStep, Kind, OnError, RetryPolicy, UNDO_PREFIX};
use naos_types::{Code, Name};

use crate::agent;
use crate::checks::{Checks, Scope, note};
use crate::diagnostic::Findings;
use crate::instruction;
use crate::plan::{STEPS_MAX, key, own_name};
use crate::plan_check::untaken;
use crate::reader::{self, Fields};
use crate::tree::{Mark, Node, Value};

const RETRIES_MAX: i64 = 20;

/// A workflow or a saga, and its name.
pub(crate) type FlowDoc = (Kind, Name, FlowSpec);

/// Whether a kind is read here.
pub(crate) const fn is_flow(kind: Kind) -> bool {
    matches!(kind, Kind::Workflow | Kind::Saga)
}

/// A map of them by name, or a list in which each has its `name`.
pub(crate) fn all(
    kind: Kind,
    node: &Node,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Vec<FlowDoc> {
    let entries = reader::entries(kind.plural(), node, findings);
    let read = entries
        .into_iter()
        .filter_map(|(key, node)| one(kind, key, node, checks, findings));
    read.collect()
}

/// One; `key` is its name where it stands in a map.
pub(crate) fn one(
    kind: Kind,
    key: Option<&str>,
    node: &Node,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<FlowDoc> {
    let mut map = Fields::of(node, kind.word(), findings)?;
    map.skip(&["type"]);
    let id = map.text(&["id"], findings);
    let called = map.text(&["name"], findings);
    let Some(text) = key.map(str::to_owned).or(id).or(called) else {
        findings.error(node.at, format!("this {} has no `name`", kind.word()));
        return None;
    };
    let name = reader::own_made_name(&text, node.at, findings);
    let spec = fields(kind, &mut map, checks, findings);
    map.finish(findings);
    Some((kind, name?, spec?))
}

/// One without steps: they come later.
pub(crate) fn begun(kind: Kind, node: &Node, findings: &mut Findings) -> Option<(Name, FlowSpec)> {
    let mut map = Fields::of(node, kind.word(), findings)?;
    let name = map.name(&["name"], findings);
    if name.is_none() && findings.errors.is_empty() {
        findings.error(node.at, format!("this {} has no `name`", kind.word()));
    }
    let spec = head(kind, &mut map, findings);
    map.finish(findings);
    Some((name?, spec))
}

/// What is said beside the steps.
fn head(kind: Kind, map: &mut Fields<'_>, findings: &mut Findings) -> FlowSpec {
    let mut spec = FlowSpec {
        description: map.text(&["description"], findings).unwrap_or_default(),
        timeout: reader::timeout(map, 1_000, findings),
        step_timeout: map.span(&["step_timeout", "stepTimeout"], 1_000, findings),
        ..FlowSpec::default()
    };
    if kind == Kind::Workflow {
        on_error(map, &mut spec, findings);
    }
    spec
}

fn fields(
    kind: Kind,
    map: &mut Fields<'_>,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<FlowSpec> {
    let mut spec = head(kind, map, findings);
    let what = format!("a {}", kind.word());
    let items = reader::steps(map, &what, STEPS_MAX, findings)?;
    let mut before: Vec<Name> = Vec::new();
    for item in items {
        let Some(step) = step(kind, item, &before, checks, findings) else {
            continue;
        };
        before.push(step.name.clone());
        spec.steps.push(step);
    }
    undoing(&spec, items, findings);
    Some(spec)
}

/// What is done about a step that fails and says nothing itself.
fn on_error(map: &mut Fields<'_>, spec: &mut FlowSpec, findings: &mut Findings) {
    let word = map.word(&["on_error", "onError"], OnError::WORDS, findings);
    let on_error = word.and_then(OnError::parse);
    let retries = map.whole(&["retries"], (0, RETRIES_MAX), findings);
    if let Some(delay) = map.span(&["retry_delay", "retryDelay"], 1, findings) {
        spec.retry.wait = delay;
        spec.retry.wait_max = spec.retry.wait_max.max(delay);
    }
    if let Some(retries) = retries {
        spec.retry.attempts_max = attempts(retries);
    }
    let implied = if retries.is_some() {
        OnError::Retry
    } else {
        OnError::Stop
    };
    spec.on_error = on_error.unwrap_or(implied);
    if retries.is_some() && spec.on_error != OnError::Retry {
        let help = "write `on_error: retry`, or leave `retries` out";
        findings.warn(map.at, "`retries` counts for `on_error: retry` only", help);
    }
}

fn attempts(retries: i64) -> u32 {
    u32::try_from(retries + 1).unwrap_or(1)
}

pub(crate) fn step(
    kind: Kind,
    node: &Node,
    before: &[Name],
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<FlowStep> {
    if matches!(node.value, Value::Text(_)) {
        // `steps: [fetch, summarise]`: agents in a row
        let agent = reader::name(node, "steps", findings)?;
        unique(&agent, before, node.at, findings);
        return Some(FlowStep::of(agent.clone(), agent));
    }
    let mut map = Fields::of(node, "a step", findings)?;
    let agent = map.name(&["agent", "action"], findings);
    let named = map.node(&["name", "id"], findings);
    let name = match named {
        Some(named) => own_name(named, "name", findings),
        None => agent.clone(),
    };
    if named.is_none() && agent.is_none() {
        findings.error(node.at, "a step has a `name`");
    }
    let mut step = name.map(|name| {
        unique(&name, before, named.unwrap_or(node).at, findings);
        FlowStep::of(name.clone(), agent.unwrap_or(name))
    });
    let scope = Scope::Flow {
        before: before.to_vec(),
    };
    let input = map.node(&["input"], findings).map(|node| {
        let source = match &node.value {
            Value::Text(text) => text.clone(),
            _ => node.json().to_string(),
        };
        note(checks.template(&source, &scope), node, findings);
        instruction::in_place(&source)
    });
    let when = map.node(&["condition", "when", "if"], findings);
    let when = when.and_then(|node| {
        let source = reader::text(node, "condition", findings)?;
        note(checks.condition(&source, &scope), node, findings);
        Some(source)
    });
    let mut texts = Vec::new();
    let done_under = key(&mut map, &mut texts, findings);
    for (_, source, node) in &texts {
        note(checks.template(source, &scope), node, findings);
    }
    let timeout = reader::timeout(&mut map, 1_000, findings);
    let retry = retry(&mut map, findings);
    let (mut on_error, mut compensate) = (None, None);
    if kind == Kind::Workflow {
        let word = map.word(&["on_error", "onError"], OnError::WORDS, findings);
        on_error = word.and_then(OnError::parse);
    } else {
        compensate = map.name(&["compensate", "compensation"], findings);
    }
    map.skip(&["description"]);
    map.finish(findings);
    if let Some(step) = &mut step {
        (step.input, step.when, step.timeout) = (input, when, timeout);
        (step.retry, step.on_error, step.compensate) = (retry, on_error, compensate);
        step.key = done_under.map(|(source, _)| source);
    }
    step
}

/// `retries: 2` is three attempts; `retry` says more.
fn retry(map: &mut Fields<'_>, findings: &mut Findings) -> Option<RetryPolicy> {
    if map.has("retry") {
        return map
            .node(&["retry"], findings)
            .map(|node| agent::retry(node, findings));
    }
    let retries = map.whole(&["retries"], (0, RETRIES_MAX), findings)?;
    Some(RetryPolicy {
        attempts_max: attempts(retries),
        ..FlowSpec::retry()
    })
}

fn unique(name: &Name, before: &[Name], at: Mark, findings: &mut Findings) {
    untaken(name, &["input"], at, findings);
    if before.contains(name) {
        let what = format!("two steps are called {name}");
        findings.push(at, Code::BAD_PLAN, what, None);
    }
}

/// What undoes a step is a step too, and has a name.
fn undoing(spec: &FlowSpec, items: &[Node], findings: &mut Findings) {
    for step in spec.steps.iter().filter(|step| step.compensate.is_some()) {
        let called = format!("{UNDO_PREFIX}{}", step.name);
        let node = items.iter().find(|item| {
            let name = item.get("name").or_else(|| item.get("id"));
            matches!(name.map(|node| &node.value), Some(Value::Text(text))
                if text.replace('_', "-") == step.name.as_str())
        });
        let at = node.map_or(items[0].at, |node| node.at);
        let what = if spec.steps.iter().any(|other| other.name.as_str() == called) {
            format!(
                "a step can't be called {called}: so is what undoes {}",
                step.name
            )
        } else if Name::new(&called).is_err() {
            format!(
                "the name of step {} is too long for one that can be undone",
                step.name
            )
        } else {
            continue;
        };
        findings.push(at, Code::BAD_PLAN, what, None);
    }
}
