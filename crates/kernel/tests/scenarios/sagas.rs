//! Sagas against a reference: every step failed, every outcome told twice, everything that undoes
//! a step failing once, for a round and longer, and each thing a person may do about it.

use naos_types::effect::Sandbox;
use naos_types::fact::{Fact, plan};
use naos_types::spec::{FlowSpec, FlowStep, Kind, RetryPolicy};
use naos_types::{PlanStatus, Span};

use crate::bench::Bench;
use crate::prove::{Fate, Play, Played, at_work, by_agent};
use crate::script::{apply_flow, name, play_in};

/// How many steps each saga has, how often one is tried, and how often in a round what undoes one.
const STEPS: usize = 3;
const TRIES: u32 = 2;
const UNDO_TRIES: u32 = 3;
/// More decisions than any of these sagas takes.
const LOOKS_MAX: u32 = 100;

/// What a person does about a step that can't be undone.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Person {
    Undoes,
    HasItTriedAgain,
    Abandons,
}

/// A step, and how often it and what undoes it fail before they succeed.
#[derive(Clone, Copy, Debug)]
struct Step {
    fails: u32,
    undo_fails: Option<u32>,
}

/// What is done, in order, and how it ends: the whole contract of a saga.
fn reference(steps: &[Step], person: Person) -> (Vec<String>, PlanStatus) {
    let mut done = Vec::new();
    let failed = steps.iter().enumerate().find_map(|(at, step)| {
        let tries = TRIES.min(step.fails + 1);
        done.extend((0..tries).map(|_| format!("do-{at}")));
        (step.fails >= TRIES).then_some(at)
    });
    let Some(failed) = failed else {
        return (done, PlanStatus::Completed);
    };
    for (at, step) in steps[..failed].iter().enumerate().rev() {
        let Some(fails) = step.undo_fails else {
            continue;
        };
        let mut left = fails;
        loop {
            let round = UNDO_TRIES.min(left + 1);
            done.extend((0..round).map(|_| format!("undo-{at}")));
            if left < UNDO_TRIES {
                break;
            }
            left -= UNDO_TRIES;
            match person {
                Person::Undoes => break,
                Person::HasItTriedAgain => {}
                Person::Abandons => return (done, PlanStatus::CompensationFailed),
            }
        }
    }
    (done, PlanStatus::RolledBack)
}

fn saga(steps: &[Step]) -> FlowSpec {
    let retry = RetryPolicy {
        attempts_max: TRIES,
        wait: Span::secs(1),
        ..RetryPolicy::default()
    };
    let step = |(at, step): (usize, &Step)| FlowStep {
        retry: Some(retry.clone()),
        compensate: step.undo_fails.map(|_| name(&format!("undo-{at}"))),
        ..FlowStep::of(name(&format!("step-{at}")), name(&format!("do-{at}")))
    };
    FlowSpec {
        steps: steps.iter().enumerate().map(step).collect(),
        ..FlowSpec::default()
    }
}

/// Plays a saga to its end.
fn play(bench: &mut Bench, steps: &[Step], person: Person) -> (Vec<String>, PlanStatus) {
    let (reply, _) = apply_flow(bench, Kind::Saga, "it", &saga(steps));
    reply.unwrap_or_else(|refusal| panic!("{refusal}"));
    play_in(bench, "go saga it x");
    let fate = |who: &str, before: u32| {
        let (what, at) = who.split_once('-').expect("a verb and a number");
        let step = steps[at.parse::<usize>().expect("a number")];
        let fails = match what {
            "do" => step.fails,
            _ => step.undo_fails.expect("it is undone"),
        };
        if before < fails {
            Fate::Fails
        } else {
            Fate::Does
        }
    };
    let alone = |bench: &Bench, work: &Sandbox| {
        let open = at_work(bench);
        assert_eq!(open.len(), 1, "a saga does one thing at a time: {open:?}");
        by_agent(bench, work)
    };
    let play = Play {
        called: alone,
        fate: &fate,
        gives: |who| who,
        backwards: false,
    };
    let mut played = Played::default();
    for _ in 0..LOOKS_MAX {
        let status = play.on(bench, &mut played);
        match (status, person) {
            (PlanStatus::CompensationFailed, Person::Undoes) => play_in(bench, "undone"),
            (PlanStatus::CompensationFailed, Person::HasItTriedAgain) => play_in(bench, "redo"),
            (ended, _) => return (played.tried, ended),
        };
    }
    panic!("no end after {LOOKS_MAX} decisions: {:?}", played.tried);
}

/// Every choice of how often each of the first `failing` steps and what undoes it fail; the step
/// behind them fails for good, unless there is none.
fn every(failing: usize) -> Vec<Vec<Step>> {
    let undoes = [
        None,
        Some(0),
        Some(1),
        Some(UNDO_TRIES),
        Some(UNDO_TRIES + 1),
    ];
    let mut all = vec![Vec::new()];
    for _ in 0..failing {
        let mut longer = Vec::new();
        for steps in &all {
            for fails in 0..TRIES {
                // Without a failure there is nothing to undo.
                let undoes = if failing == STEPS {
                    &undoes[1..2]
                } else {
                    &undoes[..]
                };
                longer.extend(undoes.iter().map(|undo_fails| {
                    let step = Step {
                        fails,
                        undo_fails: *undo_fails,
                    };
                    [steps.as_slice(), &[step]].concat()
                }));
            }
        }
        all = longer;
    }
    let rest = |fails| Step {
        fails,
        undo_fails: Some(0),
    };
    for steps in &mut all {
        if failing < STEPS {
            steps.push(rest(TRIES));
        }
        steps.resize(STEPS, rest(0));
    }
    all
}

#[test]
fn every_saga_does_and_undoes_what_the_reference_says() {
    let mut agents = Bench::new();
    for at in 0..STEPS {
        play_in(
            &mut agents,
            &format!("agent do-{at} 1c; agent undo-{at} 1c"),
        );
    }
    let mut played = 0;
    for failing in 0..=STEPS {
        for steps in every(failing) {
            let mut people = vec![Person::Undoes];
            let stuck = |step: &Step| step.undo_fails >= Some(UNDO_TRIES);
            if steps[..failing].iter().any(stuck) {
                people.extend([Person::HasItTriedAgain, Person::Abandons]);
            }
            for person in people {
                let mut bench = agents.clone();
                let came = play(&mut bench, &steps, person);
                let case = format!("{steps:?}, who {person:?}");
                assert_eq!(came, reference(&steps, person), "{case}");
                // Whatever is undone is undone once, and nothing is closed twice.
                let closed = bench
                    .facts
                    .iter()
                    .filter(|(_, fact)| matches!(fact, Fact::Plan(plan::Fact::Closed(_))));
                let expected = usize::from(came.1 != PlanStatus::CompensationFailed);
                assert_eq!(closed.count(), expected, "{case}");
                played += 1;
            }
        }
    }
    assert!(played > 200, "{played}");
}
