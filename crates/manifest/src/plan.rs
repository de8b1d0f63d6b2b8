//! naos's own plan format.

mod actions;
pub(crate) mod inputs;
mod wait;

use std::collections::BTreeSet;

use naos_types::spec::{
    FanOut, Flow, FlowSpec, InputSpec, Kind, PlanSpec, RetryPolicy, StepDo, StepSpec, UNDO_PREFIX,
    UndoablePlan, WaitFor,
};
use naos_types::{Code, Name, is_identity};

use crate::Applied;
use crate::agent;
use crate::checks::Checks;
use crate::diagnostic::Findings;
use crate::places;
use crate::plan_check;
use crate::reader::{self, Fields};
use crate::soundness;
use crate::tree::{Mark, Node, Value};

/// The most steps of a plan.
pub const STEPS_MAX: usize = 500;
/// The most items of a fan-out that are open at once.
pub const WINDOW_MAX: i64 = 256;
const WINDOW_DEFAULT: u32 = 8;

/// What a text in a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Condition,
    List,
    Expression,
    Template,
    /// A condition over an event that is waited for.
    Where,
    /// What must hold of a result.
    Check,
    /// What a result must fit.
    Schema,
}

/// The expressions and templates of a step, and where they stand.
pub(crate) type Texts<'t> = Vec<(Sort, String, &'t Node)>;

/// A step and where its parts were written.
pub(crate) struct Placed<'t> {
    pub spec: StepSpec,
    pub at: Mark,
    /// Where each of `spec.after` was written.
    pub after_at: Vec<Mark>,
    /// Where it names what it reviews, runs or asks for.
    pub of_at: Mark,
    pub texts: Texts<'t>,
}

/// Reads a plan's keys and keeps what they say.
pub(crate) fn keep(
    name: Name,
    map: &mut Fields<'_>,
    checks: &dyn Checks,
    out: &mut Applied,
    findings: &mut Findings,
) {
    let Some((plan, flow)) = fields(&name, map, checks, findings) else {
        return;
    };
    if flow == Flow::default() {
        out.plans.push((name, plan));
    } else {
        out.undoable.push((name, UndoablePlan { plan, flow }));
    }
}

/// How much of a plan could be read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// Whether all of its inputs.
    pub inputs: bool,
    /// The steps that couldn't be, but their names.
    pub unread: BTreeSet<Name>,
    /// Whether a step couldn't be, nor its name.
    pub unnamed: bool,
}

impl Read {
    /// What stands for a step that couldn't be read, so that others may name it.
    pub fn without<'t>(&mut self, node: &'t Node, keys: &[&str]) -> Option<Placed<'t>> {
        let found = keys.iter().find_map(|key| node.get(key));
        match found.map(|node| &node.value) {
            Some(Value::Text(text)) => self.by_name(text, node),
            _ => {
                self.unnamed = true;
                None
            }
        }
    }

    /// The same, where what it is called is known.
    pub fn by_name<'t>(&mut self, called: &str, node: &'t Node) -> Option<Placed<'t>> {
        let name = Name::slug(called);
        self.unnamed |= name.is_none();
        Some(self.unread(name?, node))
    }

    /// The same, where its name is known.
    fn unread<'t>(&mut self, name: Name, node: &'t Node) -> Placed<'t> {
        self.unread.insert(name.clone());
        let spec = StepSpec {
            name,
            after: Vec::new(),
            when: None,
            action: StepDo::Render {
                template: String::new(),
            },
            for_each: None,
            retry: RetryPolicy::default(),
            timeout: None,
            optional: false,
            key: None,
        };
        Placed {
            spec,
            at: node.at,
            after_at: Vec::new(),
            of_at: node.at,
            texts: Vec::new(),
        }
    }

    /// Whether the steps fit together, as far as they could be read: what couldn't be has been
    /// told, and isn't told again where it is named.
    pub fn judge(
        &self,
        (steps, inputs, output): (&[Placed<'_>], &[InputSpec], Option<&(Name, Mark)>),
        checks: &dyn Checks,
        findings: &mut Findings,
    ) {
        let judged = plan_check::Judged {
            steps,
            unread: &self.unread,
            inputs: self.inputs.then_some(inputs),
            output,
            named: !self.unnamed,
        };
        plan_check::check(&judged, checks, findings);
    }
}

/// Says that what can't come out otherwise isn't tried again.
pub(crate) fn idle_retry(at: Mark, retry: &RetryPolicy, does: &StepDo, findings: &mut Findings) {
    let does = match does {
        StepDo::Compute { .. } => "what is computed",
        StepDo::Render { .. } => "what is rendered",
        StepDo::Document { .. } | StepDo::Read { .. } => "a document's name",
        StepDo::Typed(_) => "what such a step makes",
        _ => return,
    };
    if retry.attempts_max > 1 {
        let what = format!("`retry` does nothing here: {does} fails each time as the first time");
        let help = "leave it out, and let `optional: true` go on without the step";
        findings.warn(at, what, help);
    }
}

fn fields(
    name: &Name,
    map: &mut Fields<'_>,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<(PlanSpec, Flow)> {
    let description = map.text(&["description"], findings).unwrap_or_default();
    let before = findings.errors.len();
    let inputs = map.node(&["inputs"], findings);
    let inputs = inputs.map_or_else(Vec::new, |node| inputs::read(node, findings));
    let mut read = Read {
        inputs: findings.errors.len() == before,
        ..Read::default()
    };
    let output = map.node(&["output"], findings);
    let output = output.and_then(|node| Some((step_name(node, "output", findings)?, node.at)));
    map.skip(&["version", "author"]);
    let mut flow = Flow {
        timeout: reader::timeout(map, 1_000, findings),
        ..Flow::default()
    };
    let items = reader::steps(map, "a plan", STEPS_MAX, findings)?;
    let mut steps: Vec<Placed<'_>> = Vec::with_capacity(items.len());
    let mut undoing = Vec::new();
    for item in items {
        let previous = steps.last().map(|step| step.spec.name.clone());
        let Some((step, undo)) = step(item, previous, &mut read, findings) else {
            steps.extend(read.without(item, &["name", "id"]));
            continue;
        };
        if let Some(undo) = undo {
            let of = step.spec.name.clone();
            flow.undo.insert(undo.spec.name.clone(), of);
            undoing.push(undo);
        }
        steps.push(step);
    }
    for step in &steps {
        for (name, at) in step.spec.after.iter().zip(&step.after_at) {
            if flow.undoes(name) {
                let what = format!("step {} waits for what undoes another", step.spec.name);
                findings.push(*at, Code::BAD_PLAN, what, None);
            }
        }
    }
    steps.append(&mut undoing);
    read.judge((&steps, &inputs, output.as_ref()), checks, findings);
    if findings.errors.len() == before {
        soundness::check(&steps, |name| flow.undoes(name), checks, findings);
        plan_check::unreviewed(&steps, |name| flow.undoes(name), findings);
    }
    places::keep(Kind::Plan, name, &steps, findings);
    let steps = steps.into_iter().map(|step| step.spec).collect();
    let output = output.map(|(name, _)| name);
    let plan = PlanSpec {
        description,
        inputs,
        steps,
        output,
    };
    Some((plan, flow))
}

/// A step's name: `fetch_emails` is the step `fetch-emails`.
pub(crate) fn step_name(node: &Node, key: &str, findings: &mut Findings) -> Option<Name> {
    let text = reader::text(node, key, findings)?;
    reader::name_text(&text.replace('_', "-"), node.at, findings)
}

/// The name of a step that is read; one that is noted as wrong is read on under the nearest one.
pub(crate) fn own_name(node: &Node, key: &str, findings: &mut Findings) -> Option<Name> {
    let text = reader::text(node, key, findings)?;
    name_like(&text, node.at, findings)
}

/// The same of a text.
pub(crate) fn name_like(text: &str, at: Mark, findings: &mut Findings) -> Option<Name> {
    let name = reader::name_text(&text.replace('_', "-"), at, findings);
    name.or_else(|| Name::slug(text))
}

/// A step, and the one that undoes it.
fn step<'t>(
    node: &'t Node,
    previous: Option<Name>,
    read: &mut Read,
    findings: &mut Findings,
) -> Option<(Placed<'t>, Option<Placed<'t>>)> {
    let mut map = Fields::of(node, "a step", findings)?;
    let name_node = map.node(&["name", "id"], findings);
    let name = name_node.and_then(|node| own_name(node, "name", findings));
    if name_node.is_none() {
        findings.error(node.at, "a step has a `name`");
    }
    let is_named = name.is_some();
    // What has no name is looked at all the same.
    let name = match name {
        Some(name) => name,
        None => Name::slug(&format!("unnamed {}", node.at.line))?,
    };
    let at = name_node.map_or(node.at, |node| node.at);
    let mut texts = Vec::new();
    let (after, after_at) = after(&mut map, previous, findings);
    let when = map.node(&["when", "condition", "if"], findings);
    let when = when.and_then(|node| {
        let source = reader::text(node, "when", findings)?;
        texts.push((Sort::Condition, source.clone(), node));
        Some(source)
    });
    let for_each = map.node(&["for_each", "forEach"], findings);
    let for_each = for_each.and_then(|node| fan_out(node, &mut texts, findings));
    let retry_node = map.node(&["retry"], findings);
    let retry = retry_node.map_or_else(RetryPolicy::default, |node| agent::retry(node, findings));
    let timeout = reader::timeout(&mut map, 1, findings);
    let optional = map.bool(&["optional"], findings).unwrap_or_default();
    let mut of_at = node.at;
    let action = actions::read(&mut map, &name, &mut texts, &mut of_at, findings);
    let key = key(&mut map, &mut texts, findings);
    let undo = map.node(&["compensate", "compensation"], findings);
    let undo = undo.and_then(|node| compensation(node, &name, findings));
    map.skip(&["description"]);
    map.finish(findings);
    let Some(action) = action else {
        let mut unread = read.unread(name, node);
        (unread.spec.after, unread.after_at) = (after, after_at);
        (unread.spec.for_each, unread.texts) = (for_each, texts);
        read.unnamed |= !is_named;
        return Some((unread, undo));
    };
    if !is_named {
        read.unnamed = true;
        read.unread.insert(name.clone());
    }
    if let Some(node) = retry_node {
        idle_retry(node.at, &retry, &action, findings);
    }
    if let StepDo::Wait(wait) = &action {
        let timed = matches!(wait, WaitFor::Time { .. } | WaitFor::Until { .. });
        if for_each.is_some() {
            findings.error(node.at, "a step waits once, not for each item of a list");
        } else if timed && timeout.is_some() {
            findings.error(node.at, "a step that waits for a time has no `timeout`");
        }
    }
    let spec = StepSpec {
        name,
        after,
        when,
        action,
        for_each,
        retry,
        timeout,
        optional,
        key: key.as_ref().map(|(key, _)| key.clone()),
    };
    if let Some((_, at)) = key {
        keyed(&spec, undo.is_some(), at, findings);
    }
    let mut placed = Placed {
        spec,
        at,
        after_at,
        of_at,
        texts,
    };
    let of = placed.spec.action.review().map(|review| review.of.clone());
    if let Some(of) = of.filter(|of| !placed.spec.after.contains(of)) {
        placed.spec.after.push(of);
        placed.after_at.push(of_at);
    }
    Some((placed, undo))
}

/// What a step is done under, and where that was written.
pub(crate) fn key<'t>(
    map: &mut Fields<'t>,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<(String, Mark)> {
    let node = map.node(
        &["idempotency_key", "idempotencyKey", "idempotency"],
        findings,
    )?;
    let source = reader::text(node, "idempotency_key", findings)?;
    if source.trim().is_empty() {
        findings.error(node.at, "`idempotency_key` is empty");
        return None;
    }
    texts.push((Sort::Template, source.clone(), node));
    Some((source, node.at))
}

/// Refuses a document that says who an agent is, where its name is written out to its end.
pub(crate) fn no_soul(path: &str, at: Mark, findings: &mut Findings) {
    if is_identity(path) {
        let what = format!("{path} says who an agent is: only people write it, no plan does");
        let help = "let it write another document, which a person takes over with \
                    `naos document put`";
        findings.error_help(at, what, help);
    }
}

/// Says where a key is of no use.
pub(crate) fn keyed(spec: &StepSpec, is_undone: bool, at: Mark, findings: &mut Findings) {
    if let Err(what) = spec.check_key(is_undone) {
        let what = format!("step {} {what}", spec.name);
        findings.push(at, Code::BAD_PLAN, what, None);
    }
}

/// What undoes a step: an agent, or whatever a step can do.
fn compensation<'t>(node: &'t Node, of: &Name, findings: &mut Findings) -> Option<Placed<'t>> {
    let Ok(name) = Name::new(&format!("{UNDO_PREFIX}{of}")) else {
        let what = format!("the name of step {of} is too long for one that can be undone");
        findings.push(node.at, Code::BAD_PLAN, what, None);
        return None;
    };
    let (mut texts, mut of_at, mut timeout) = (Vec::new(), node.at, None);
    let action = if matches!(node.value, Value::Map(_)) {
        let mut map = Fields::of(node, "`compensate`", findings)?;
        timeout = reader::timeout(&mut map, 1, findings);
        let action = actions::read(&mut map, &name, &mut texts, &mut of_at, findings)?;
        map.finish(findings);
        action
    } else {
        StepDo::Task {
            agent: Some(reader::name(node, "compensate", findings)?),
            title: format!("undo {of}"),
            input: None,
        }
    };
    if action.review().is_some() {
        let what = "a review undoes nothing".to_owned();
        findings.push(node.at, Code::BAD_PLAN, what, None);
    }
    let spec = StepSpec {
        name,
        after: vec![of.clone()],
        when: None,
        action,
        for_each: None,
        retry: FlowSpec::undo_retry(),
        timeout,
        optional: false,
        key: None,
    };
    Some(Placed {
        spec,
        at: node.at,
        after_at: vec![node.at],
        of_at,
        texts,
    })
}

pub(crate) fn after(
    map: &mut Fields<'_>,
    previous: Option<Name>,
    findings: &mut Findings,
) -> (Vec<Name>, Vec<Mark>) {
    let names = ["after", "depends_on", "dependsOn", "dependencies"];
    let there = names.iter().any(|name| map.has(name));
    let Some(node) = map.node(&names, findings) else {
        // `after:` with nothing means nothing; without the key it is the step before
        let before = previous.filter(|_| !there);
        let at = map.at;
        return (
            before.clone().into_iter().collect(),
            before.map(|_| at).into_iter().collect(),
        );
    };
    let items = node.items();
    let one = |item: &Node| Some((step_name(item, "after", findings)?, item.at));
    let mut found: Vec<(Name, Mark)> = Vec::new();
    for (name, at) in items.iter().filter_map(one).collect::<Vec<_>>() {
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, at));
        }
    }
    found.into_iter().unzip()
}

fn fan_out<'t>(node: &'t Node, texts: &mut Texts<'t>, findings: &mut Findings) -> Option<FanOut> {
    let plain = |items: String| FanOut {
        items,
        window: WINDOW_DEFAULT,
        partial: false,
    };
    if let Value::Text(items) = &node.value {
        texts.push((Sort::List, items.clone(), node));
        return Some(plain(items.clone()));
    }
    let mut map = Fields::of(node, "`for_each`", findings)?;
    let items = map.node(&["items", "in"], findings);
    let window = map.whole(&["window", "parallel"], (1, WINDOW_MAX), findings);
    let partial = map.bool(&["partial"], findings).unwrap_or_default();
    map.finish(findings);
    let Some(items) = items else {
        findings.error(
            node.at,
            "`items` is missing: the expression that gives the list",
        );
        return None;
    };
    let source = reader::text(items, "items", findings)?;
    texts.push((Sort::List, source.clone(), items));
    let window = window
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(WINDOW_DEFAULT);
    Some(FanOut {
        window,
        partial,
        ..plain(source)
    })
}
