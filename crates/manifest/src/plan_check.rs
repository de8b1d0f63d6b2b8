//! Whether a plan's steps fit together, before it is kept.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::spec::{InputSpec, SeenBefore, StepDo, StepSpec};
use naos_types::{Code, Name, Type};

use crate::checks::{Checks, Scope, note};
use crate::diagnostic::{Findings, meant};
use crate::plan::{Placed, Sort};
use crate::result_checks;
use crate::tree::Mark;

/// Names and words that templates and conditions have for something else; `-` is `_` in them.
pub(crate) const TAKEN: &[&str] = &[
    "inputs", "steps", "item", "index", "feedback", "plan", "trigger", "event", "today", "days",
    "loop", "add", "concat", "mul", "range", "true", "false", "none", "null", "in", "not", "and",
    "or", "is", "if", "elif", "else", "for", "set",
];

/// Notes a name that a step can't have: what stands in templates and conditions under it would be
/// hidden. `more` are names of the same kind.
pub(crate) fn untaken(name: &Name, more: &[&str], at: Mark, findings: &mut Findings) {
    let taken = || TAKEN.iter().chain(more.iter());
    if !taken().any(|taken| *taken == name.as_str()) {
        return;
    }
    let all: Vec<&str> = taken().copied().collect();
    let what = format!("a step can't be called {name}: templates and conditions have that name");
    let help = format!("call it something else than {}", all.join(", "));
    findings.push(at, Code::BAD_PLAN, what, Some(help));
}

/// What of a plan is judged.
pub(crate) struct Judged<'j, 't> {
    /// Its steps; of those that couldn't be read, the name.
    pub steps: &'j [Placed<'t>],
    /// Which of them couldn't be read.
    pub unread: &'j BTreeSet<Name>,
    /// Its inputs; none where they couldn't be read.
    pub inputs: Option<&'j [InputSpec]>,
    /// The step whose output is its own.
    pub output: Option<&'j (Name, Mark)>,
    /// Whether the name of each step is known.
    pub named: bool,
}

/// Judges all that can be judged, in one look. What couldn't be read, goes in a circle or comes
/// after either is told once: a step for which it isn't known what is closed before it may name any
/// other.
pub(crate) fn check(judged: &Judged<'_, '_>, checks: &dyn Checks, findings: &mut Findings) {
    let Judged { steps, inputs, .. } = *judged;
    let mut places: BTreeMap<&Name, usize> = BTreeMap::new();
    let mut twice: BTreeSet<&Name> = BTreeSet::new();
    for (index, step) in steps.iter().enumerate() {
        let name = &step.spec.name;
        untaken(name, &[], step.at, findings);
        if places.insert(name, index).is_some() {
            wrong(findings, step.at, format!("two steps are called {name}"));
            twice.insert(name);
        }
    }
    if judged.named {
        references(steps, &places, judged.output, findings);
    }
    if let Some((at, path)) = cycle(steps, &places).filter(|_| twice.is_empty()) {
        wrong(findings, at, format!("the steps go in a circle: {path}"));
    }
    let is_sure = |step: &Placed<'_>| {
        let known = |name: &Name| places.contains_key(name) && !twice.contains(name);
        judged.named
            && !judged.unread.contains(&step.spec.name)
            && !twice.contains(&step.spec.name)
            && step.spec.after.iter().all(known)
    };
    let ancestors = ancestors(steps, &places, is_sure);
    // What a step gives is known once those before it are.
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|index| ancestors[*index].as_ref().map_or(usize::MAX, BTreeSet::len));
    let mut gives: Vec<Type> = steps.iter().map(|it| output_of(it, Type::Any)).collect();
    for index in order {
        let step = &steps[index];
        review(step, judged, &places, findings);
        let named = |i: usize| {
            let name = &steps[i].spec.name;
            let known = !judged.unread.contains(name) && !twice.contains(name);
            let gives = if known { gives[i].clone() } else { Type::Any };
            (name.clone(), gives)
        };
        let before: Vec<(Name, Type)> = match &ancestors[index] {
            Some(before) => before.iter().copied().map(named).collect(),
            None => (0..steps.len())
                .filter(|i| *i != index)
                .map(named)
                .collect(),
        };
        let scope = |fan_out: bool| Scope::Step {
            inputs: inputs.map(<[InputSpec]>::to_vec),
            before: before.clone(),
            fan_out,
            open: !judged.named,
        };
        // the list itself is computed before there is an item
        let (inner, outer) = (scope(step.spec.for_each.is_some()), scope(false));
        let mut made = Type::Any;
        for (sort, source, node) in &step.texts {
            let judged = match sort {
                Sort::Condition => checks.condition(source, &outer),
                Sort::List => checks.list(source, &outer),
                Sort::Expression => checks.expression(source, &inner).map(|kind| made = kind),
                Sort::Template => checks.template(source, &inner),
                Sort::Where => checks.condition(source, &Scope::Wait(Box::new(inner.clone()))),
                Sort::Check | Sort::Schema => {
                    result_checks::judge((*sort, source.as_str()), &inner, checks)
                }
            };
            note(judged, node, findings);
        }
        gives[index] = output_of(step, made);
    }
}

/// The type of what a step gives, where its expression gives `made`. What isn't computed is
/// written: a text, unless it is the JSON of a list or a map.
fn output_of(step: &Placed<'_>, made: Type) -> Type {
    let one = match &step.spec.action {
        StepDo::Compute { .. } => made,
        StepDo::Typed(_) => Type::Any,
        _ => Type::Written,
    };
    match step.spec.for_each {
        Some(_) => Type::List(Box::new(one)),
        None => one,
    }
}

fn wrong(findings: &mut Findings, at: Mark, what: String) {
    findings.push(at, Code::BAD_PLAN, what, None);
}

fn references(
    steps: &[Placed<'_>],
    places: &BTreeMap<&Name, usize>,
    output: Option<&(Name, Mark)>,
    findings: &mut Findings,
) {
    let known: Vec<&str> = steps.iter().map(|step| step.spec.name.as_str()).collect();
    let named = steps
        .iter()
        .flat_map(|step| step.spec.after.iter().zip(&step.after_at))
        .chain(output.map(|(name, at)| (name, at)));
    for (name, at) in named {
        if !places.contains_key(name) {
            let help = Some(meant(name.as_str(), &known));
            findings.push(
                *at,
                Code::BAD_PLAN,
                format!("there is no step `{name}`"),
                help,
            );
        }
    }
}

fn review(
    step: &Placed<'_>,
    judged: &Judged<'_, '_>,
    places: &BTreeMap<&Name, usize>,
    findings: &mut Findings,
) {
    let Some(review) = step.spec.action.review() else {
        return;
    };
    let found = places.get(review.of).map(|i| &judged.steps[*i]);
    let Some(of) = found.filter(|_| !judged.unread.contains(review.of)) else {
        return;
    };
    match &of.spec.action {
        StepDo::Task { agent, .. } => {
            if let Some(by) = review.by.filter(|by| agent.as_ref() == Some(*by)) {
                let what = format!("{by} can't review its own work");
                let help = Some("let another agent review it".into());
                findings.push(step.of_at, Code::OWN_REVIEW, what, help);
            }
        }
        _ => wrong(
            findings,
            step.of_at,
            format!("a review is of a task, and {} is none", review.of),
        ),
    }
}

/// Says which questions are put to a person about what an agent made and no other agent looked at.
/// It is no error: whoever wants that says so.
pub(crate) fn unreviewed(
    steps: &[Placed<'_>],
    undoes: impl Fn(&Name) -> bool,
    findings: &mut Findings,
) {
    if crate::planted::unreviewed_unsaid() {
        return;
    }
    let forward = steps.iter().filter(|step| !undoes(&step.spec.name));
    let all: Vec<&StepSpec> = forward.clone().map(|step| &step.spec).collect();
    for step in forward {
        let asks = step.spec.action.approval();
        if asks.is_none_or(|asked| asked.unreviewed) {
            continue;
        }
        let seen = SeenBefore::of(&all, &step.spec.name);
        let Some(made) = seen.unreviewed.first() else {
            continue;
        };
        let (name, of) = (&step.spec.name, &made.name);
        let what = format!(
            "step {name} asks a person about what step {of} made, and no agent reviews it before"
        );
        let help = format!(
            "put a step with `review: {{of: {of}, by: AGENT}}` between the two, or write \
             `unreviewed: true` in the approval"
        );
        findings.warn(step.at, what, help);
    }
}

/// A circle of dependencies, named, and where one of its steps stands.
fn cycle(steps: &[Placed<'_>], places: &BTreeMap<&Name, usize>) -> Option<(Mark, String)> {
    let after = steps.iter().map(|step| {
        let names = step.spec.after.iter();
        names.filter_map(|name| places.get(name).copied()).collect()
    });
    let circle = circle(&after.collect::<Vec<_>>())?;
    let names: Vec<&str> = circle
        .iter()
        .map(|i| steps[*i].spec.name.as_str())
        .collect();
    Some((steps[circle[0]].at, names.join(" → ")))
}

/// A circle among things of which each waits for others: the way it would run, from the first of
/// them round to it.
pub(crate) fn circle(after: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut waits: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut unlocks: Vec<Vec<usize>> = vec![Vec::new(); after.len()];
    for (index, before) in after.iter().enumerate() {
        for before in before {
            unlocks[*before].push(index);
        }
    }
    let mut free: Vec<usize> = (0..after.len()).filter(|i| waits[*i] == 0).collect();
    while let Some(done) = free.pop() {
        for next in &unlocks[done] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                free.push(*next);
            }
        }
    }
    let mut at = (0..after.len()).find(|i| waits[*i] > 0)?;
    let mut path = Vec::new();
    while !path.contains(&at) {
        path.push(at);
        at = *after[at].iter().find(|before| waits[**before] > 0)?;
    }
    let start = path.iter().position(|i| *i == at)?;
    // each waits for the one after it; people read it the way it would run
    let mut circle: Vec<usize> = path[start..].to_vec();
    circle.reverse();
    let first = circle.iter().position_min();
    circle.rotate_left(first);
    circle.push(circle[0]);
    Some(circle)
}

trait PositionMin {
    fn position_min(self) -> usize;
}

impl<'i, I: Iterator<Item = &'i usize>> PositionMin for I {
    fn position_min(self) -> usize {
        self.enumerate()
            .min_by_key(|(_, value)| **value)
            .map_or(0, |(index, _)| index)
    }
}

/// For each step, those that are closed before it begins, in the order of the file; none where that
/// isn't known: it goes in a circle, isn't sure itself, or comes after one of which this holds.
fn ancestors(
    steps: &[Placed<'_>],
    places: &BTreeMap<&Name, usize>,
    is_sure: impl Fn(&Placed<'_>) -> bool,
) -> Vec<Option<BTreeSet<usize>>> {
    let mut all: Vec<Option<BTreeSet<usize>>> = vec![None; steps.len()];
    let mut open: Vec<usize> = (0..steps.len()).filter(|i| is_sure(&steps[*i])).collect();
    // each round settles at least one step, or none is left that can be
    loop {
        let before = open.len();
        open.retain(|index| {
            let after = steps[*index].spec.after.iter();
            let mut found = BTreeSet::new();
            for before in after.filter_map(|name| places.get(name)) {
                let Some(theirs) = &all[*before] else {
                    return true;
                };
                found.extend(theirs);
                found.insert(*before);
            }
            all[*index] = Some(found);
            false
        });
        if open.is_empty() || open.len() == before {
            return all;
        }
    }
}
