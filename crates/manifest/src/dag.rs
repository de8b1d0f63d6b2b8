//! Plans that are written as a graph: `dag: {nodes: {n1: {action: {type: …}, dependencies: […]}}}`.
//! A node asks a driver, as a step of an instruction does. One that tells how far another run is
//! stays as it was written: it is no plan that begins.

use naos_types::Name;
use naos_types::spec::{Kind, PlanSpec, StepDo, StepSpec};

use crate::checks::Checks;
use crate::diagnostic::Findings;
use crate::instruction::{self, Emits};
use crate::plan::{self, Placed, STEPS_MAX, Sort, Texts};
use crate::reader::{self, Fields};
use crate::tree::{Field, Node, Value};
use crate::{kept, places, soundness};

/// What a plan or a node is that has not begun.
const NOT_BEGUN: &[&str] = &["pending", "ready", "created", "planned", "draft"];
/// What only a node has that began.
const BEGAN: &[&str] = &["output", "started_at", "completed_at", "error"];

/// Whether it tells of a run that is under way or over.
pub(crate) fn has_progress(node: &Node) -> bool {
    let began = |node: &Node| match node.get("status").map(|node| &node.value) {
        Some(Value::Text(word)) => !NOT_BEGUN.contains(&word.as_str()),
        _ => false,
    };
    let there = |node: &Node, key: &str| {
        let found = node.get(key).map(|node| &node.value);
        found.is_some_and(|value| !matches!(value, Value::Null))
    };
    let step = |node: &Node| began(node) || BEGAN.iter().any(|key| there(node, key));
    began(node) || nodes(node).iter().any(|field| step(&field.node))
}

fn nodes(node: &Node) -> &[Field] {
    match node.get("dag").and_then(|dag| dag.get("nodes")) {
        Some(Node {
            value: Value::Map(fields),
            ..
        }) => fields,
        _ => &[],
    }
}

/// Reads one; `key` is the name where it stands in a map.
pub(crate) fn read(
    key: Option<&str>,
    node: &Node,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<(Name, PlanSpec)> {
    let before = findings.errors.len();
    let kept = kept::read(Kind::Plan, key, node, checks, findings)?;
    let nodes = nodes(node);
    if nodes.is_empty() || nodes.len() > STEPS_MAX {
        findings.error(node.at, format!("a plan has 1 to {STEPS_MAX} steps"));
    }
    let mut read = plan::Read {
        inputs: true,
        ..plan::Read::default()
    };
    let mut steps: Vec<Placed<'_>> = Vec::with_capacity(nodes.len());
    for field in nodes {
        let placed = step(field, findings);
        steps.extend(placed.or_else(|| read.by_name(&field.key, &field.node)));
    }
    instruction::need_answers(&mut steps);
    read.judge((&steps, &[], None), checks, findings);
    instruction::carry(&mut steps);
    if findings.errors.len() == before {
        soundness::check(&steps, |_| false, checks, findings);
        instruction::with_nothing(
            &steps,
            "context.write says no `data`: nothing says what is written",
            "write `data: {content: \"…\"}`; what an event said that set the plan off is \
             `{{ trigger.data }}`",
            findings,
        );
    }
    places::keep(Kind::Plan, &kept.name, &steps, findings);
    let description = match node.get("description").map(|node| &node.value) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let plan = PlanSpec {
        description,
        inputs: Vec::new(),
        steps: steps.into_iter().map(|step| step.spec).collect(),
        output: None,
    };
    Some((kept.name, plan))
}

fn step<'t>(field: &'t Field, findings: &mut Findings) -> Option<Placed<'t>> {
    let node = &field.node;
    let name = plan::name_like(&field.key, field.at, findings)?;
    let mut map = Fields::of(node, "a node", findings)?;
    let (after, after_at) = plan::after(&mut map, None, findings);
    let mut texts: Texts<'t> = Vec::new();
    let when = map.node(&["condition"], findings).and_then(|node| {
        let source = reader::text(node, "condition", findings)?;
        texts.push((Sort::Condition, source.clone(), node));
        Some(source)
    });
    let key = plan::key(&mut map, &mut texts, findings);
    let does = Emits::of(map.node(&["action"], findings)?, findings)?;
    let said_at = does.at;
    let action = does.lower(&mut texts, findings)?;
    let asks = matches!(action, StepDo::Ask { .. });
    let spec = StepSpec {
        name,
        after,
        when,
        action,
        for_each: None,
        retry: naos_types::spec::RetryPolicy::default(),
        timeout: asks.then_some(instruction::ANSWER_WAIT),
        optional: false,
        key: key.as_ref().map(|(key, _)| key.clone()),
    };
    if let Some((_, at)) = key {
        plan::keyed(&spec, false, at, findings);
    }
    Some(Placed {
        spec,
        at: field.at,
        after_at,
        of_at: if asks { said_at } else { node.at },
        texts,
    })
}
