//! Whether a plan's steps fit together, whoever sent it.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::spec::{Kind, PlanSpec, StepDo};
use naos_types::{Code, Name};

use super::{STEPS_MAX, wait};
use crate::turn::{Done, Stop};

/// What a step may run.
const NESTED: &[Kind] = &[Kind::Plan, Kind::Workflow, Kind::Saga, Kind::Instruction];

/// Whether a plan's steps fit together; refuses with the reason where they don't.
pub(crate) fn sound(spec: &PlanSpec) -> Done<bool> {
    let refuse = |what: String| Err(Stop::refused(Code::BAD_PLAN, what));
    if spec.steps.is_empty() || spec.steps.len() > STEPS_MAX {
        return refuse(format!("a plan has 1 to {STEPS_MAX} steps"));
    }
    let mut names = BTreeSet::new();
    for step in &spec.steps {
        if !names.insert(&step.name) {
            return refuse(format!("two steps are called {}", step.name));
        }
    }
    for step in &spec.steps {
        if let Some(what) = wait::unsound(step) {
            return refuse(format!("step {} {what}", step.name));
        }
        if let StepDo::Typed(typed) = &step.action
            && let Err(what) = typed.check()
        {
            return refuse(format!("step {} {what}", step.name));
        }
        if let Err(what) = step.check_key(false) {
            return refuse(format!("step {} {what}", step.name));
        }
        if let StepDo::Plan { of, .. } = &step.action
            && !NESTED.contains(of)
        {
            return refuse(format!("step {} can't run a {}", step.name, of.word()));
        }
        let of = step.action.review().map(|review| review.of);
        if let Some(missing) = step
            .after
            .iter()
            .chain(of)
            .find(|name| !names.contains(name))
        {
            return refuse(format!(
                "step {} names a step {missing} that isn't",
                step.name
            ));
        }
    }
    match cycle(spec) {
        Some(path) => refuse(format!("the steps go in a circle: {path}")),
        None => Ok(true),
    }
}

/// A circle of dependencies, named.
fn cycle(spec: &PlanSpec) -> Option<String> {
    let mut open: BTreeMap<&Name, Vec<&Name>> = spec
        .steps
        .iter()
        .map(|step| (&step.name, step.after.iter().collect()))
        .collect();
    loop {
        let free: Vec<&Name> = open
            .iter()
            .filter(|(_, after)| after.is_empty())
            .map(|(name, _)| *name)
            .collect();
        if free.is_empty() {
            break;
        }
        for name in &free {
            open.remove(name);
        }
        for after in open.values_mut() {
            after.retain(|name| !free.contains(name));
        }
    }
    let mut at = *open.keys().next()?;
    let mut path: Vec<&Name> = Vec::new();
    while !path.contains(&at) {
        path.push(at);
        at = open.get(at)?.first()?;
    }
    let start = path.iter().position(|name| *name == at)?;
    path.push(at);
    Some(
        path[start..]
            .iter()
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(" → "),
    )
}
