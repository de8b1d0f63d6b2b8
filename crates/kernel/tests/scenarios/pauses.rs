//! A pause goes down to the runs within, and a resume too: three levels against their model.

use std::sync::Arc;

use naos_kernel::plan::Plan;
use naos_kernel::{AnyAggregate, Key};
use naos_types::command::{self, Reply};
use naos_types::fact::{Fact, plan as facts};
use naos_types::spec::{FanOut, FlowSpec, FlowStep, Kind, PlanSpec, StepDo};
use naos_types::{Code, PlanId, PlanStatus};
use proptest::prelude::*;

use crate::bench::Bench;
use crate::plans::{plan, step, task};
use crate::script::{apply_flow, apply_plan, name, play_in};

fn run(of: Kind, inner: &str) -> StepDo {
    StepDo::Plan {
        of,
        name: name(inner),
        input: Some("{}".into()),
    }
}

fn say() -> StepDo {
    StepDo::Render {
        template: "said".into(),
    }
}

/// Runs another one, and says so.
fn above(inner: &str) -> PlanSpec {
    plan(vec![
        step("sub", &[], run(Kind::Plan, inner)),
        step("end", &["sub"], say()),
    ])
}

/// A cell in which `top` runs `middle`, which runs `low`, which has work for an agent.
fn three() -> (Bench, [PlanId; 3]) {
    let mut bench = Bench::new();
    let low = plan(vec![
        step("work", &[], task("worker", "red")),
        step("end", &["work"], say()),
    ]);
    for (called, spec) in [
        ("low", low),
        ("middle", above("low")),
        ("top", above("middle")),
    ] {
        apply_plan(&mut bench, called, &spec)
            .0
            .expect("it is sound");
    }
    play_in(&mut bench, "agent worker 1c; start top");
    let begun = |(_, fact): &(_, Fact)| match fact {
        Fact::Plan(facts::Fact::Started(f)) => Some(f.plan),
        _ => None,
    };
    let begun: Vec<PlanId> = bench.facts.iter().filter_map(begun).collect();
    (bench, begun.try_into().expect("three runs"))
}

fn found(bench: &Bench, id: PlanId) -> Arc<Plan> {
    match bench.state.get(&Key::Plan(id)) {
        Some(AnyAggregate::Plan(plan)) => plan,
        other => panic!("{id} is {other:?}"),
    }
}

fn resume(bench: &mut Bench, plan: PlanId) -> Result<Reply, Code> {
    let said = bench.command(command::Plan::Resume { plan }).0;
    said.map_err(|refusal| refusal.code)
}

fn pause(bench: &mut Bench, plan: PlanId) -> Result<Reply, Code> {
    let said = bench.command(command::Plan::Pause { plan }).0;
    said.map_err(|refusal| refusal.code)
}

#[test]
fn what_is_within_rests_and_goes_on_with_it() {
    let (mut bench, [top, middle, low]) = three();
    assert_eq!(pause(&mut bench, top), Ok(Reply::Done));
    assert_eq!(found(&bench, top).paused_with, None);
    assert_eq!(found(&bench, middle).paused_with, Some(top));
    assert_eq!(found(&bench, low).paused_with, Some(middle));
    // What runs ends, and nothing more begins.
    play_in(&mut bench, "finish red 1");
    assert_eq!(found(&bench, low).status(), PlanStatus::Held);
    let (said, _) = bench.command(command::Plan::Resume { plan: low });
    let refused = said.expect_err("it is a step of what rests");
    assert_eq!(refused.code, Code::WRONG_STATE);
    assert!(refused.what.contains(&middle.to_string()), "{refused:?}");
    assert_eq!(resume(&mut bench, top), Ok(Reply::Done));
    assert_eq!(found(&bench, top).status(), PlanStatus::Completed);
}

#[test]
fn one_that_was_paused_itself_stays_so() {
    let (mut bench, [top, middle, low]) = three();
    assert_eq!(pause(&mut bench, low), Ok(Reply::Done));
    assert_eq!(pause(&mut bench, top), Ok(Reply::Done));
    assert_eq!(resume(&mut bench, top), Ok(Reply::Done));
    assert!(found(&bench, middle).paused.is_none());
    assert!(found(&bench, low).paused.is_some(), "a person paused it");
    play_in(&mut bench, "finish red 1");
    assert_eq!(found(&bench, top).status(), PlanStatus::Running);
    assert_eq!(resume(&mut bench, low), Ok(Reply::Done));
    assert_eq!(found(&bench, top).status(), PlanStatus::Completed);
}

#[test]
fn each_run_of_a_list_rests_with_it() {
    let mut bench = Bench::new();
    let inner = plan(vec![step("work", &[], task("worker", "red"))]);
    apply_plan(&mut bench, "inner", &inner).0.expect("sound");
    let mut each = step("each", &[], run(Kind::Plan, "inner"));
    each.for_each = Some(FanOut {
        items: "['a', 'b', 'c']".into(),
        window: 2,
        partial: false,
    });
    apply_plan(&mut bench, "p", &plan(vec![each]))
        .0
        .expect("sound");
    play_in(&mut bench, "agent worker 1c; start p");
    let top = bench.plan.expect("it began");
    let rests = |bench: &Bench| {
        let all = bench.state.all().into_iter();
        let with = |(_, one): &(Key, AnyAggregate)| match one {
            AnyAggregate::Plan(plan) => plan.paused_with == Some(top),
            _ => false,
        };
        all.filter(with).count()
    };
    assert_eq!(pause(&mut bench, top), Ok(Reply::Done));
    assert_eq!(rests(&bench), 2);
    assert_eq!(resume(&mut bench, top), Ok(Reply::Done));
    assert_eq!(rests(&bench), 0);
}

#[test]
fn a_saga_within_is_undone_though_what_it_was_a_step_of_rested() {
    let mut bench = Bench::new();
    let saga = FlowSpec {
        steps: vec![
            FlowStep {
                compensate: Some(name("undo")),
                ..FlowStep::of(name("worker"), name("worker"))
            },
            FlowStep::of(name("other"), name("other")),
        ],
        ..FlowSpec::default()
    };
    play_in(&mut bench, "agent worker 1c; agent other 1c; agent undo 1c");
    apply_flow(&mut bench, Kind::Saga, "trip", &saga)
        .0
        .expect("it is sound");
    let outer = plan(vec![step("sub", &[], run(Kind::Saga, "trip"))]);
    apply_plan(&mut bench, "p", &outer).0.expect("it is sound");
    play_in(&mut bench, "start p; finish worker 1");
    let top = bench.plan.expect("it began");
    assert_eq!(pause(&mut bench, top), Ok(Reply::Done));
    // It fails meanwhile, and undoes nothing until it goes on or isn't wanted any more.
    play_in(&mut bench, "fail other");
    assert_eq!(play_in(&mut bench, "show effects"), "nothing");
    let (said, _) = bench.command(command::Plan::Cancel { plan: top });
    assert_eq!(said, Ok(Reply::Done));
    assert_eq!(play_in(&mut bench, "show effects"), "undo attempt 1");
}

/// What people do: to which level, and whether they pause it; or the work ends.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pause(usize),
    Resume(usize),
    Finish,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3_usize).prop_map(Act::Pause),
        4 => (0..3_usize).prop_map(Act::Resume),
        1 => Just(Act::Finish),
    ]
}

/// What it should be: who was paused by a person, and who ended.
#[derive(Default)]
struct Model {
    hand: [bool; 3],
    ended: [bool; 3],
    finished: bool,
}

impl Model {
    fn rests(&self, level: usize) -> bool {
        self.hand[..=level].iter().any(|hand| *hand)
    }

    /// What ends by itself now: the lowest first.
    fn settle(&mut self) {
        let mut below = self.finished;
        for level in (0..3).rev() {
            self.ended[level] |= below && !self.rests(level);
            self.hand[level] &= !self.ended[level];
            below = self.ended[level];
        }
    }

    fn does(&mut self, act: Act) -> Result<Reply, Code> {
        let said = match act {
            Act::Finish => {
                self.finished = true;
                Ok(Reply::Done)
            }
            Act::Pause(at) | Act::Resume(at) if self.ended[at] => Err(Code::WRONG_STATE),
            Act::Pause(at) if self.hand[at] => Ok(Reply::Unchanged),
            Act::Pause(at) => {
                self.hand[at] = true;
                Ok(Reply::Done)
            }
            Act::Resume(at) if self.hand[at] => {
                self.hand[at] = false;
                Ok(Reply::Done)
            }
            Act::Resume(at) if self.rests(at) => Err(Code::WRONG_STATE),
            Act::Resume(_) => Ok(Reply::Unchanged),
        };
        self.settle();
        said
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None, // a planted bug leaves no files behind
        ..ProptestConfig::default()
    })]

    /// Whoever is paused and resumed, in whatever order: runs rest exactly while they or one above
    /// were paused by a person.
    #[test]
    fn pauses_follow_their_model(acts in prop::collection::vec(act(), 1..24)) {
        let (mut bench, levels) = three();
        let mut model = Model::default();
        for act in acts {
            let said = match act {
                Act::Pause(at) => pause(&mut bench, levels[at]),
                Act::Resume(at) => resume(&mut bench, levels[at]),
                Act::Finish if model.finished => continue,
                Act::Finish => {
                    play_in(&mut bench, "finish red 1");
                    Ok(Reply::Done)
                }
            };
            prop_assert_eq!(said, model.does(act), "{:?}", act);
            for (level, id) in levels.iter().enumerate() {
                let plan = found(&bench, *id);
                let rests = model.rests(level) && !model.ended[level];
                prop_assert_eq!(plan.is_closed(), model.ended[level], "{} {:?}", level, act);
                prop_assert_eq!(plan.paused.is_some(), rests, "{} {:?}", level, act);
                let with = rests && !model.hand[level];
                prop_assert_eq!(plan.paused_with.is_some(), with, "{} {:?}", level, act);
            }
        }
    }
}
