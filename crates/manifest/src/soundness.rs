//! Whether a plan can end, and whether each of its steps can begin: its runs are played through,
//! with whatever each step can come to. A condition that looks at how steps ended is decided; any
//! other one may be met or not, and is the same wherever it is written the same. Steps that don't
//! depend on each other are played in one order, as their order changes nothing; how a step ended
//! is forgotten where nothing looks at it any more. Above [`STATES_MAX`] nothing is claimed. That
//! people skip steps by hand is left out: it makes more possible than what is written.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use naos_types::spec::{StepDo, StepSpec};
use naos_types::{Code, Name};

use crate::checks::Checks;
use crate::diagnostic::Findings;
use crate::plan::Placed;

/// How many states of a plan's runs are looked at.
const STATES_MAX: usize = 10_000;

/// How a step can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Done,
    Skipped,
    Failed,
}

impl End {
    const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What is known about a plan's runs.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    /// The steps that begin in no run.
    never: Vec<usize>,
    /// The reviews that can only fail where the step that they review was skipped.
    lost: BTreeSet<(usize, usize)>,
    /// Whether any run ends well.
    ends: bool,
}

/// Decides a condition from how steps ended; none where that doesn't say.
type Decide<'d> = &'d dyn Fn(&str, &[(&Name, &'static str)]) -> Option<bool>;

/// Where a run stands, as far as anything still looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    ends: BTreeMap<usize, End>,
    /// What conditions come to that nothing here decides.
    answers: BTreeMap<String, bool>,
    /// Steps that failed the run, and those that wait for them.
    blocked: BTreeSet<usize>,
}

/// What is looked at, and until when.
struct Looks {
    /// The steps in an order in which they can be done.
    order: Vec<usize>,
    /// The steps before each one.
    after: Vec<Vec<usize>>,
    /// The steps that each one looks at.
    at: Vec<Vec<usize>>,
    /// The last place in the order that looks at a step.
    last: Vec<usize>,
    /// How often each condition is written, and the last place that has it.
    texts: BTreeMap<String, (usize, usize)>,
}

/// The step that a review is of.
fn reviewed(step: &StepSpec, places: &BTreeMap<&Name, usize>) -> Option<usize> {
    places.get(step.action.review()?.of).copied()
}

fn looks(steps: &[&StepSpec]) -> Looks {
    let places: BTreeMap<&Name, usize> = steps.iter().map(|step| &step.name).zip(0..).collect();
    let after: Vec<Vec<usize>> = steps
        .iter()
        .map(|step| {
            let names = step.after.iter();
            names.filter_map(|name| places.get(name).copied()).collect()
        })
        .collect();
    let mut order = Vec::with_capacity(steps.len());
    let mut placed = vec![false; steps.len()];
    while order.len() < steps.len() {
        let free = |i: &usize| !placed[*i] && after[*i].iter().all(|before| placed[*before]);
        let Some(next) = (0..steps.len()).find(free) else {
            break; // a circle, which is told on its own
        };
        placed[next] = true;
        order.push(next);
    }
    let called = steps
        .iter()
        .map(|step| step.name.as_str().replace('-', "_"));
    let called: Vec<String> = called.collect();
    let at: Vec<Vec<usize>> = steps
        .iter()
        .map(|step| {
            let mut found: BTreeSet<usize> = reviewed(step, &places).into_iter().collect();
            if let Some(source) = &step.when {
                let named = called.iter().enumerate();
                let named = named.filter(|(_, called)| source.contains(called.as_str()));
                found.extend(named.map(|(index, _)| index));
            }
            found.into_iter().collect()
        })
        .collect();
    let (mut last, mut texts) = (vec![0; steps.len()], BTreeMap::new());
    for (place, index) in order.iter().enumerate() {
        for looked in &at[*index] {
            last[*looked] = place;
        }
        if let Some(source) = &steps[*index].when {
            let found = texts.entry(source.clone()).or_insert((0, 0));
            *found = (found.0 + 1, place);
        }
    }
    Looks {
        order,
        after,
        at,
        last,
        texts,
    }
}

/// Whether a step fails whenever it begins. One that does it for each item of a list doesn't, as
/// there may be none.
fn only_fails(step: &StepSpec) -> bool {
    let is_fail = matches!(&step.action, StepDo::Typed(typed) if typed.only_fails());
    is_fail && step.for_each.is_none()
}

/// Plays all runs through; none where there are too many states.
fn explore(steps: &[&StepSpec], decide: Decide<'_>) -> Option<Known> {
    let looks = looks(steps);
    let places: BTreeMap<&Name, usize> = steps.iter().map(|step| &step.name).zip(0..).collect();
    let mut begins = vec![false; steps.len()];
    let mut lost = BTreeSet::new();
    let mut states = BTreeSet::from([State::default()]);
    let mut seen = 0;
    for (place, index) in looks.order.iter().copied().enumerate() {
        let step = steps[index];
        let mut next = BTreeSet::new();
        let mut put = |mut state: State, end: Option<End>| {
            match end {
                Some(end) => drop(state.ends.insert(index, end)),
                None => drop(state.blocked.insert(index)),
            }
            state.ends.retain(|looked, _| looks.last[*looked] > place);
            state.answers.retain(|text, _| {
                let found = looks.texts.get(text);
                found.is_some_and(|(_, last)| *last > place)
            });
            next.insert(state);
        };
        for state in states {
            seen += 1;
            if seen > STATES_MAX {
                return None;
            }
            if looks.after[index].iter().any(|b| state.blocked.contains(b)) {
                put(state, None);
                continue;
            }
            for (begun, state) in branches(steps, index, &looks, &state, decide) {
                if !begun {
                    put(state, Some(End::Skipped));
                    continue;
                }
                begins[index] = true;
                let of = reviewed(step, &places);
                let nothing = |of: &usize| {
                    steps[*of].for_each.is_some() || state.ends.get(of) == Some(&End::Skipped)
                };
                if let Some(of) = of.filter(nothing) {
                    lost.insert((index, of));
                    put(state, step.optional.then_some(End::Failed));
                    continue;
                }
                if only_fails(step) {
                    put(state, step.optional.then_some(End::Failed));
                    continue;
                }
                if step.optional {
                    put(state.clone(), Some(End::Failed));
                }
                put(state, Some(End::Done));
            }
        }
        states = next;
    }
    let never = looks.order.iter().copied().filter(|index| !begins[*index]);
    Some(Known {
        never: never.collect(),
        lost,
        ends: states.iter().any(|state| state.blocked.is_empty()),
    })
}

/// Whether a step begins in a state: one answer, or both.
fn branches(
    steps: &[&StepSpec],
    index: usize,
    looks: &Looks,
    state: &State,
    decide: Decide<'_>,
) -> Vec<(bool, State)> {
    let Some(source) = &steps[index].when else {
        return vec![(true, state.clone())];
    };
    let at = looks.at[index].iter();
    let known = at.filter_map(|i| Some((&steps[*i].name, state.ends.get(i)?.word())));
    let decided = decide(source, &known.collect::<Vec<_>>());
    if let Some(met) = decided.or_else(|| state.answers.get(source).copied()) {
        return vec![(met, state.clone())];
    }
    let with = |met: bool| {
        let mut state = state.clone();
        if looks.texts.get(source).is_some_and(|(count, _)| *count > 1) {
            state.answers.insert(source.clone(), met);
        }
        (met, state)
    };
    vec![with(true), with(false)]
}

/// Notes what is found about the steps of a plan; `apart` are steps that don't begin with the
/// others.
pub(crate) fn check(
    all: &[Placed<'_>],
    apart: impl Fn(&Name) -> bool,
    checks: &dyn Checks,
    findings: &mut Findings,
) {
    if crate::planted::plans_unplayed() {
        return;
    }
    let placed: Vec<&Placed<'_>> = all.iter().filter(|step| !apart(&step.spec.name)).collect();
    let Some(first) = placed.first().map(|step| step.at) else {
        return;
    };
    let steps: Vec<&StepSpec> = placed.iter().map(|step| &step.spec).collect();
    let decide = |source: &str, ends: &[(&Name, &'static str)]| checks.decide(source, ends);
    let Some(known) = explore(&steps, &decide) else {
        let what = format!(
            "whether each step can start, and the plan can end, is unknown: its runs have more \
             than {STATES_MAX} states"
        );
        findings.warn(first, what, "let fewer conditions look at how steps ended");
        return;
    };
    for index in known.never {
        let what = format!(
            "step {} never starts by itself: its condition isn't met, however the steps before it \
             end",
            steps[index].name
        );
        let help = "change its `when`; a step that may fail and be gone on from is `optional`";
        findings.warn(placed[index].at, what, help);
    }
    for (index, of) in known.lost {
        let (step, of) = (steps[index], steps[of]);
        if of.for_each.is_some() {
            let what = format!(
                "step {} can only fail: {} has many authors and no one result to review",
                step.name, of.name
            );
            findings.push(placed[index].of_at, Code::BAD_PLAN, what, None);
            continue;
        }
        let what = format!(
            "where step {} is skipped, step {} can only fail: there is nothing to review",
            of.name, step.name
        );
        findings.warn(placed[index].at, what, "give both the same `when`");
    }
    if !known.ends && findings.errors.is_empty() {
        let what = "no run of this plan can end well".to_owned();
        // Where it stands in the way, the step is told that ends them all.
        let failing = placed.iter().find(|step| only_fails(&step.spec));
        let help = failing.map(|step| {
            let name = &step.spec.name;
            format!("step {name} ends every run: give its `fail` a `when` that isn't always met")
        });
        let at = failing.map_or(first, |step| step.at);
        findings.push(at, Code::BAD_PLAN, what, help);
    }
}
