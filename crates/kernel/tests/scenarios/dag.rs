//! The machine of plans against a naive model of it: after whatever happens, every step stands
//! where the model says, with as many attempts, and what runs is what the model lets run.

use std::collections::BTreeSet;

use naos_types::command::{self, Reply};
use naos_types::spec::{RetryPolicy, StepDo, StepSpec, WaitFor};
use naos_types::{Code, PlanStatus, Span, StepStatus, Time};
use proptest::prelude::*;

use crate::bench::Bench;
use crate::plans::{plan, step, task};
use crate::prove::{at_work, found};
use crate::script::{apply_plan, name, play_in};

/// The most steps of a plan here.
const STEPS_MAX: usize = 7;
/// The pause between two attempts.
const PAUSE: Span = Span::secs(10);

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// An agent's work.
    Work,
    /// What is worked out at once.
    Value,
    /// It waits for a signal.
    Signal,
    /// It waits so many seconds.
    Time(i64),
}

#[derive(Clone, Debug)]
struct Step {
    does: Does,
    /// Places of those before it.
    after: Vec<usize>,
    /// Its condition, if it has one.
    met: Option<bool>,
    optional: bool,
    tries: u32,
    /// The seconds that an attempt may take.
    late: Option<i64>,
}

/// A step that may come after any of those with a lower number.
fn a_step() -> impl Strategy<Value = (Step, u8)> {
    let does = prop_oneof![
        4 => Just(Does::Work),
        2 => Just(Does::Value),
        2 => Just(Does::Signal),
        2 => (1_i64..40).prop_map(Does::Time),
    ];
    let met = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let late = proptest::option::weighted(0.3, 5_i64..60);
    let parts = (does, met, any::<bool>(), 1_u32..4, late, any::<u8>());
    parts.prop_map(|(does, met, optional, tries, late, before)| {
        let late = late.filter(|_| matches!(does, Does::Work | Does::Signal));
        let after = Vec::new();
        let step = Step {
            does,
            after,
            met,
            optional,
            tries,
            late,
        };
        (step, before)
    })
}

/// Steps without a circle; in half of the files those that come first stand last.
fn some_steps() -> impl Strategy<Value = Vec<Step>> {
    let steps = proptest::collection::vec(a_step(), 1..=STEPS_MAX);
    (steps, any::<bool>()).prop_map(|(steps, turned)| {
        let count = steps.len();
        let place = |number: usize| if turned { count - 1 - number } else { number };
        let mut out: Vec<Step> = Vec::with_capacity(count);
        for (number, (mut step, before)) in steps.into_iter().enumerate() {
            let all = (0..number).filter(|other| (before >> other) & 1 == 1);
            step.after = all.map(place).collect();
            out.push(step);
        }
        if turned {
            out.reverse();
        }
        out
    })
}

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Some work that is under way ends well.
    Finish(usize),
    Fail(usize),
    Lose(usize),
    Wait(i64),
    Signal,
    Skip(usize),
    Pause,
    Resume,
    Cancel,
}

fn an_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..STEPS_MAX).prop_map(Act::Finish),
        4 => (0..STEPS_MAX).prop_map(Act::Fail),
        1 => (0..STEPS_MAX).prop_map(Act::Lose),
        5 => (0_i64..30).prop_map(Act::Wait),
        3 => Just(Act::Signal),
        1 => (0..STEPS_MAX).prop_map(Act::Skip),
        1 => Just(Act::Pause),
        3 => Just(Act::Resume),
        1 => Just(Act::Cancel),
    ]
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Pending,
    /// Until when, if there is an end to it.
    Running(Option<Time>),
    /// When it is tried again.
    Waiting(Time),
    Done,
    Failed,
    /// Whether by a person.
    Skipped(bool),
    Cancelled,
}

impl Stands {
    const fn status(self) -> StepStatus {
        match self {
            Self::Pending => StepStatus::Pending,
            Self::Running(_) => StepStatus::Running,
            Self::Waiting(_) => StepStatus::Waiting,
            Self::Done => StepStatus::Done,
            Self::Failed => StepStatus::Failed,
            Self::Skipped(_) => StepStatus::Skipped,
            Self::Cancelled => StepStatus::Cancelled,
        }
    }

    const fn is_closed(self) -> bool {
        !matches!(self, Self::Pending | Self::Running(_) | Self::Waiting(_))
    }

    const fn may_begin_anew(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }
}

/// A run as anybody would reckon it by hand.
#[derive(Clone, Debug)]
struct Model {
    steps: Vec<Step>,
    stands: Vec<Stands>,
    attempts: Vec<u32>,
    /// Attempts that count no more.
    forgiven: Vec<u32>,
    now: Time,
    signals: u32,
    paused: bool,
    ended: Option<PlanStatus>,
}

impl Model {
    fn of(steps: &[Step], now: Time) -> Self {
        let mut model = Self {
            steps: steps.to_vec(),
            stands: vec![Stands::Pending; steps.len()],
            attempts: vec![0; steps.len()],
            forgiven: vec![0; steps.len()],
            now,
            signals: 0,
            paused: false,
            ended: None,
        };
        model.settle();
        model
    }

    fn rests(&self) -> bool {
        self.paused || self.ended.is_some()
    }

    /// Whether nothing is left to do of a step, nor of those before one that a person skipped.
    fn is_over(&self, at: usize) -> bool {
        match self.stands[at] {
            Stands::Skipped(true) => self.steps[at]
                .after
                .iter()
                .all(|before| self.is_over(*before)),
            stands => stands.is_closed(),
        }
    }

    fn may_begin(&self, at: usize) -> bool {
        match self.stands[at] {
            Stands::Pending => self.steps[at]
                .after
                .iter()
                .all(|before| self.is_over(*before)),
            Stands::Waiting(again) => again <= self.now,
            _ => false,
        }
    }

    /// Whatever can begin does, in the order of the file; then it may be at its end.
    fn settle(&mut self) {
        while !self.rests() {
            match (0..self.steps.len()).find(|at| self.may_begin(*at)) {
                Some(at) => self.begin(at),
                None => break,
            }
        }
        if !self.rests() && self.stands.iter().all(|stands| stands.is_closed()) {
            let failed = self.stands.contains(&Stands::Failed);
            self.end(if failed {
                PlanStatus::Partial
            } else {
                PlanStatus::Completed
            });
        }
    }

    fn begin(&mut self, at: usize) {
        let Step {
            does, met, late, ..
        } = self.steps[at];
        if self.stands[at] == Stands::Pending && met == Some(false) {
            self.stands[at] = Stands::Skipped(false);
            return;
        }
        self.attempts[at] += 1;
        let now = self.now;
        let until = |seconds: i64| now + Span::secs(seconds);
        self.stands[at] = match does {
            Does::Value => Stands::Done,
            Does::Signal if self.signals > 0 => {
                self.signals -= 1;
                Stands::Done
            }
            Does::Time(seconds) => Stands::Running(Some(until(seconds))),
            Does::Work | Does::Signal => Stands::Running(late.map(until)),
        };
    }

    fn fails(&mut self, at: usize) {
        if self.attempts[at] - self.forgiven[at] < self.steps[at].tries {
            self.stands[at] = Stands::Waiting(self.now + PAUSE);
            return;
        }
        self.stands[at] = Stands::Failed;
        if !self.steps[at].optional {
            self.end(PlanStatus::Failed);
        }
    }

    fn end(&mut self, status: PlanStatus) {
        self.ended = Some(status);
        self.paused = false;
        self.signals = 0;
        for stands in self.stands.iter_mut().filter(|stands| !stands.is_closed()) {
            *stands = Stands::Cancelled;
        }
    }

    /// When something happens by itself.
    fn due(&self) -> Option<Time> {
        if self.rests() {
            return None;
        }
        let all = self.stands.iter().filter_map(|stands| match stands {
            Stands::Running(until) => *until,
            Stands::Waiting(again) => Some(*again),
            _ => None,
        });
        all.min()
    }

    fn waits(&mut self, span: Span) {
        let until = self.now + span;
        while let Some(due) = self.due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            for at in 0..self.steps.len() {
                let Stands::Running(Some(end)) = self.stands[at] else {
                    continue;
                };
                if end > self.now || self.ended.is_some() {
                    continue;
                }
                match self.steps[at].does {
                    Does::Time(_) => self.stands[at] = Stands::Done,
                    _ => self.fails(at),
                }
            }
            self.settle();
        }
        self.now = until;
    }

    /// What agents are at.
    fn at_work(&self) -> Vec<usize> {
        let works = |at: &usize| {
            self.steps[*at].does == Does::Work && matches!(self.stands[*at], Stands::Running(_))
        };
        (0..self.steps.len()).filter(works).collect()
    }

    fn signal(&mut self) -> Result<Reply, Code> {
        if self.ended.is_some() {
            return Err(Code::WRONG_STATE);
        }
        let takes = |step: &Step| step.does == Does::Signal;
        if !self.steps.iter().any(takes) {
            return Err(Code::NOT_FOUND);
        }
        let waits =
            |at: &usize| takes(&self.steps[*at]) && matches!(self.stands[*at], Stands::Running(_));
        match (0..self.steps.len()).find(waits) {
            Some(at) => self.stands[at] = Stands::Done,
            None => self.signals += 1,
        }
        Ok(Reply::Done)
    }

    fn skip(&mut self, at: usize) -> Result<Reply, Code> {
        match self.stands[at] {
            _ if self.ended.is_some() => return Err(Code::WRONG_STATE),
            Stands::Skipped(_) => return Ok(Reply::Unchanged),
            stands if stands.is_closed() => return Err(Code::WRONG_STATE),
            _ => self.stands[at] = Stands::Skipped(true),
        }
        Ok(Reply::Done)
    }

    fn resume(&mut self) -> Result<Reply, Code> {
        match self.ended {
            None if !self.paused => return Ok(Reply::Unchanged),
            None => self.paused = false,
            Some(PlanStatus::Failed | PlanStatus::Cancelled) => {
                self.ended = None;
                for at in 0..self.steps.len() {
                    if self.stands[at].may_begin_anew() {
                        self.stands[at] = Stands::Pending;
                        self.forgiven[at] = self.attempts[at];
                    }
                }
            }
            Some(_) => return Err(Code::WRONG_STATE),
        }
        Ok(Reply::Done)
    }

    fn pause(&mut self) -> Result<Reply, Code> {
        if self.ended.is_some() {
            return Err(Code::WRONG_STATE);
        }
        let before = std::mem::replace(&mut self.paused, true);
        Ok(if before {
            Reply::Unchanged
        } else {
            Reply::Done
        })
    }

    fn cancel(&mut self) -> Result<Reply, Code> {
        if self.ended.is_some() {
            return Err(Code::WRONG_STATE);
        }
        self.end(PlanStatus::Cancelled);
        Ok(Reply::Done)
    }
}

fn named(at: usize) -> String {
    format!("s{at}")
}

fn spec_of((at, it): (usize, &Step)) -> StepSpec {
    let action = match it.does {
        Does::Work => task(&format!("agent-{at}"), "x"),
        Does::Value => StepDo::Render {
            template: "said".into(),
        },
        Does::Signal => StepDo::Wait(WaitFor::Signal { name: name("go") }),
        Does::Time(seconds) => StepDo::Wait(WaitFor::Time {
            span: Span::secs(seconds),
        }),
    };
    let mut spec = step(&named(at), &[], action);
    spec.after = it
        .after
        .iter()
        .map(|before| name(&named(*before)))
        .collect();
    spec.when = it.met.map(|met| if met { "1 < 2" } else { "2 < 1" }.into());
    spec.optional = it.optional;
    spec.timeout = it.late.map(Span::secs);
    spec.retry = RetryPolicy {
        attempts_max: it.tries,
        wait: PAUSE,
        factor_tenths: 10,
        wait_max: PAUSE,
        jitter_percent: 0,
    };
    spec
}

/// A cell with a run of these steps.
fn begun(steps: &[Step]) -> Bench {
    let mut bench = Bench::new();
    for at in 0..steps.len() {
        play_in(&mut bench, &format!("agent agent-{at} 1c"));
    }
    let spec = plan(steps.iter().enumerate().map(spec_of).collect());
    apply_plan(&mut bench, "p", &spec).0.expect("it is sound");
    play_in(&mut bench, "start p");
    bench
}

/// Does it to both; both say the same.
fn does(bench: &mut Bench, model: &mut Model, act: Act) {
    let id = bench.plan.expect("it began");
    let code = |(said, _): crate::script::Outcome| said.map_err(|refusal| refusal.code);
    let ends = |bench: &mut Bench, model: &Model, which: usize, how: &str| {
        let all = model.at_work();
        let at = *all.get(which % all.len().max(1))?;
        play_in(bench, &format!("{how} agent-{at}"));
        Some(at)
    };
    let (said, wanted) = match act {
        Act::Finish(which) => {
            if let Some(at) = ends(bench, model, which, "finish") {
                model.stands[at] = Stands::Done;
            }
            (Ok(Reply::Done), Ok(Reply::Done))
        }
        Act::Fail(which) | Act::Lose(which) => {
            let how = if matches!(act, Act::Fail(_)) {
                "fail"
            } else {
                "lose"
            };
            if let Some(at) = ends(bench, model, which, how) {
                model.fails(at);
            }
            (Ok(Reply::Done), Ok(Reply::Done))
        }
        Act::Wait(seconds) => {
            bench.wait(Span::secs(seconds));
            model.waits(Span::secs(seconds));
            (Ok(Reply::Done), Ok(Reply::Done))
        }
        Act::Signal => {
            let (name, data) = (name("go"), bench.body(b"{}"));
            let command = command::Event::Signal {
                plan: id,
                name,
                data,
            };
            (code(bench.command(command)), model.signal())
        }
        Act::Skip(which) => {
            let at = which % model.steps.len();
            let step = name(&named(at));
            let command = command::Plan::Skip { plan: id, step };
            (code(bench.command(command)), model.skip(at))
        }
        Act::Pause => (
            code(bench.command(command::Plan::Pause { plan: id })),
            model.pause(),
        ),
        Act::Resume => (
            code(bench.command(command::Plan::Resume { plan: id })),
            model.resume(),
        ),
        Act::Cancel => (
            code(bench.command(command::Plan::Cancel { plan: id })),
            model.cancel(),
        ),
    };
    assert_eq!(said, wanted, "{act:?}");
    model.settle();
    // What came due while it was paused happens now.
    bench.wait(Span(0));
    model.waits(Span(0));
}

fn same(bench: &Bench, model: &Model, act: Option<Act>) {
    let plan = found(bench);
    let stands = |at: usize| {
        let step = plan.steps.get(&name(&named(at))).expect("a step of it");
        (step.status, step.attempt)
    };
    let found: Vec<_> = (0..model.steps.len()).map(stands).collect();
    let wanted = model.stands.iter().map(|stands| stands.status());
    let wanted: Vec<_> = wanted.zip(model.attempts.iter().copied()).collect();
    assert_eq!(found, wanted, "after {act:?}: {model:?}");
    assert_eq!(plan.ended, model.ended, "after {act:?}: {model:?}");
    assert_eq!(plan.paused.is_some(), model.paused, "after {act:?}");
    let work = at_work(bench);
    let work: BTreeSet<String> = work.iter().map(|work| work.agent.to_string()).collect();
    let wanted = model.at_work().into_iter().map(|at| format!("agent-{at}"));
    assert_eq!(work, wanted.collect(), "after {act:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None, // a planted bug leaves no files behind
        ..ProptestConfig::default()
    })]

    /// Whatever its steps are and whatever happens: they stand where the model says.
    #[test]
    fn a_plan_follows_its_model(
        steps in some_steps(),
        acts in proptest::collection::vec(an_act(), 1..30),
    ) {
        let mut bench = begun(&steps);
        let mut model = Model::of(&steps, bench.now);
        same(&bench, &model, None);
        for act in acts {
            does(&mut bench, &mut model, act);
            same(&bench, &model, Some(act));
        }
    }
}
