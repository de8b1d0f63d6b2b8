//! Whether a plan's steps fit together, before it is kept.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::spec::{InputSpec, StepDo};
use naos_types::{Code, Name, Type};

use crate::checks::{Checks, Scope, note};
use crate::diagnostic::{Findings, meant};
use crate::plan::{Placed, Sort};
use crate::tree::Mark;

/// Names that templates and conditions use for something else.
pub(crate) const TAKEN: &[&str] = &[
    "inputs", "steps", "item", "index", "feedback", "plan", "today", "loop",
];

/// Judges all that can be judged, in one look. `whole` says that every step and input was read:
/// else, and where names or the order are wrong, any step may be named anywhere, so that one
/// mistake isn't told as several.
pub(crate) fn check(
    steps: &[Placed<'_>],
    inputs: &[InputSpec],
    output: Option<&(Name, Mark)>,
    whole: bool,
    checks: &dyn Checks,
    findings: &mut Findings,
) {
    let before = findings.errors.len();
    let mut places: BTreeMap<&Name, usize> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        let name = &step.spec.name;
        if TAKEN.contains(&name.as_str()) {
            wrong(findings, step.at, format!("a step can't be called {name}"));
        }
        if places.insert(name, index).is_some() {
            wrong(findings, step.at, format!("two steps are called {name}"));
        }
    }
    let unique = findings.errors.len() == before;
    references(steps, &places, output, findings);
    let circle = cycle(steps, &places);
    if let Some((at, path)) = circle.as_ref().filter(|_| unique) {
        wrong(findings, *at, format!("the steps go in a circle: {path}"));
    }
    let in_order = whole && findings.errors.len() == before;
    let ancestors = match circle {
        None => ancestors(steps, &places),
        Some(_) => vec![BTreeSet::new(); steps.len()],
    };
    // What a step gives is known once those before it are.
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|index| ancestors[*index].len());
    let mut gives = vec![Type::Any; steps.len()];
    for index in order {
        let step = &steps[index];
        review(step, steps, &places, findings);
        let named = |i: &usize| (steps[*i].spec.name.clone(), gives[*i].clone());
        let before: Vec<(Name, Type)> = if in_order {
            ancestors[index].iter().map(named).collect()
        } else {
            let others = (0..steps.len()).filter(|other| *other != index);
            others
                .map(|i| (steps[i].spec.name.clone(), Type::Any))
                .collect()
        };
        let scope = |fan_out: bool| Scope::Step {
            inputs: inputs.to_vec(),
            before: before.clone(),
            fan_out,
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
    steps: &[Placed<'_>],
    places: &BTreeMap<&Name, usize>,
    findings: &mut Findings,
) {
    let StepDo::Review(review) = &step.spec.action else {
        return;
    };
    let Some(of) = places.get(&review.of).map(|index| &steps[*index]) else {
        return;
    };
    match &of.spec.action {
        StepDo::Task { agent, .. } => {
            if agent.as_ref() == Some(&review.by) {
                let what = format!("{} can't review its own work", review.by);
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

/// For each step, those that are closed before it begins, in the order of the file.
fn ancestors(steps: &[Placed<'_>], places: &BTreeMap<&Name, usize>) -> Vec<BTreeSet<usize>> {
    let mut all: Vec<Option<BTreeSet<usize>>> = vec![None; steps.len()];
    let mut open: Vec<usize> = (0..steps.len()).collect();
    // no circle: each round settles at least one step
    while !open.is_empty() {
        open.retain(|index| {
            let after = steps[*index]
                .spec
                .after
                .iter()
                .filter_map(|name| places.get(name));
            let mut found = BTreeSet::new();
            for before in after {
                let Some(theirs) = &all[*before] else {
                    return true;
                };
                found.extend(theirs);
                found.insert(*before);
            }
            all[*index] = Some(found);
            false
        });
    }
    all.into_iter().map(Option::unwrap_or_default).collect()
}
