//! One harness for all that has steps, whatever kind it is: each step fails once and for good, its
//! code traps, its fuel runs out, its attempt is lost, and whatever it ends in is told twice; what
//! comes of it is what a table says. Sagas go through it in every combination in `sagas.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use naos_kernel::plan::Plan;
use naos_kernel::{AnyAggregate, Key, open_inputs};
use naos_types::effect::{Effect, Sandbox};
use naos_types::fact::{Fact, plan as facts};
use naos_types::input::{End, Input, RunEnded};
use naos_types::spec::{
    DriverKind, DriverSpec, FanOut, FlowSpec, FlowStep, InstructionSpec, Kind, OnError, PlanSpec,
    PoolSpec, RetryPolicy, Spec, StepDo, StepSpec,
};
use naos_types::{Code, Name, PlanId, PlanStatus, RunId, Span, StepPath, command};

use crate::bench::{Bench, sealed};
use crate::plans::{plan, step, task};
use crate::script::{apply_flow, apply_plan, name, play_in};

/// More looks than any of these runs takes.
const LOOKS_MAX: u32 = 100;
/// How often a step is tried.
const TRIES: u32 = 2;

/// What one attempt comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Does,
    Fails,
    Traps,
    IsLost,
    RunsOut,
}

impl Fate {
    const BAD: [Self; 4] = [Self::Fails, Self::Traps, Self::IsLost, Self::RunsOut];

    fn end(self, bench: &mut Bench, gives: &str) -> End {
        match self {
            Self::Does => End::Completed(bench.body(gives.as_bytes())),
            Self::Fails => End::Failed(sealed("no")),
            Self::Traps => End::Trapped(sealed("unreachable")),
            Self::IsLost => End::Lost,
            Self::RunsOut => End::Stopped {
                limit: Code::LIMIT_FUEL,
                call: 0,
                note: "out of fuel".into(),
            },
        }
    }
}

/// What runs.
pub fn at_work(bench: &Bench) -> Vec<Sandbox> {
    let open = bench.open().into_iter();
    open.map(|effect| match effect {
        Effect::Sandbox(sandbox) => *sandbox,
        other => panic!("no step wishes for {other:?}"),
    })
    .collect()
}

fn known(bench: &Bench, id: PlanId) -> Arc<Plan> {
    match bench.state.get(&Key::Plan(id)) {
        Some(AnyAggregate::Plan(plan)) => plan,
        other => panic!("{id} is {other:?}"),
    }
}

/// The run that was last started.
pub fn found(bench: &Bench) -> Arc<Plan> {
    known(bench, bench.plan.expect("something was started"))
}

/// How work is known: by who does it, or by what it is given.
type Called = fn(&Bench, &Sandbox) -> String;

pub fn by_agent(_: &Bench, work: &Sandbox) -> String {
    work.agent.to_string()
}

fn by_input(bench: &Bench, work: &Sandbox) -> String {
    bench.text(&work.input).trim_matches('"').to_owned()
}

/// How a run is played.
pub struct Play<'p> {
    pub called: Called,
    /// What becomes of a piece of work, and how often it was tried before.
    pub fate: &'p dyn Fn(&str, u32) -> Fate,
    /// What it gives when it is done.
    pub gives: fn(&str) -> &str,
    /// Of what is under way at once, the last in the alphabet ends first.
    pub backwards: bool,
}

/// What was played.
#[derive(Default)]
pub struct Played {
    /// What was tried, in the order in which it ended.
    pub tried: Vec<String>,
    /// What was done.
    pub done: Vec<String>,
    /// Whatever was ever under way, and whether its end was told.
    all: BTreeMap<(RunId, u32), (Sandbox, bool)>,
}

impl Play<'_> {
    /// Lets whatever begins end, until nothing more does. Everything is told twice, and after
    /// everything somebody opens the cell anew.
    pub fn on(&self, bench: &mut Bench, played: &mut Played) -> PlanStatus {
        for _ in 0..LOOKS_MAX {
            let open = at_work(bench).into_iter();
            let mut open: Vec<(String, Sandbox)> = open
                .map(|work| ((self.called)(bench, &work), work))
                .collect();
            open.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (_, work) in &open {
                let place = (work.run, work.attempt);
                played.all.entry(place).or_insert((work.clone(), false));
            }
            let next = if self.backwards {
                open.pop()
            } else {
                open.into_iter().next()
            };
            let Some((called, work)) = next else {
                match found(bench).status() {
                    PlanStatus::Running => play_in(bench, "wait 60s"),
                    ended => return ended,
                };
                continue;
            };
            self.ends(bench, played, called, &work);
        }
        panic!("no end after {LOOKS_MAX} looks: {:?}", played.tried);
    }

    fn ends(&self, bench: &mut Bench, played: &mut Played, called: String, work: &Sandbox) {
        let before = played.tried.iter().filter(|other| **other == called);
        let fate = (self.fate)(&called, before.count() as u32);
        let end = fate.end(bench, (self.gives)(&called));
        played.tried.push(called.clone());
        if fate == Fate::Does {
            played.done.push(called.clone());
        }
        let place = (work.run, work.attempt);
        played.all.insert(place, (work.clone(), true));
        let ended = of(work, end);
        let (reply, facts) = bench.external(Input::RunEnded(ended.clone()));
        assert!(reply.is_ok() && !facts.is_empty(), "{called}: {reply:?}");
        let (_, again) = bench.external(Input::RunEnded(ended));
        assert_eq!(again, [], "{called} was told twice, and happened twice");
        for input in open_inputs(&bench.state) {
            let again = bench.by_itself(input);
            assert_eq!(again, [], "after {called} there was something left to do");
        }
    }
}

impl Played {
    /// What was let go says its last word after all, and nobody listens.
    fn too_late(&self, bench: &mut Bench) {
        for (work, told) in self.all.values() {
            if !told {
                let end = End::Completed(bench.body(b"too late"));
                let (_, facts) = bench.external(Input::RunEnded(of(work, end)));
                assert_eq!(facts, [], "{} was let go", work.agent);
            }
        }
    }
}

fn of(work: &Sandbox, end: End) -> RunEnded {
    RunEnded {
        run: work.run,
        attempt: work.attempt,
        took: Span(5),
        end,
        documents: Vec::new(),
        segment: None,
        log: None,
        fuel: 9,
        writes: Vec::new(),
    }
}

/// What a run's facts say so far, of whatever kind it is.
#[derive(Default)]
struct Seen {
    attempts: BTreeMap<StepPath, u32>,
    done: BTreeSet<StepPath>,
    /// Steps of which nothing more comes.
    closed: BTreeSet<Name>,
    failed: BTreeSet<Name>,
    ended: bool,
}

impl Seen {
    fn begins(&self, plan: &Plan, at: &StepPath) {
        assert!(!self.done.contains(at), "{at} is done, and begins again");
        let spec = plan.known(&at.step).expect("a step of it");
        let early = spec.after.iter().find(|name| !self.closed.contains(*name));
        assert_eq!(early, None, "{at} begins before what comes before it");
    }

    fn take(&mut self, plan: &Plan, fact: &facts::Fact) {
        let resumed = matches!(fact, facts::Fact::Resumed(_));
        assert_eq!(self.ended, resumed, "{fact:?}");
        match fact {
            facts::Fact::StepStarted(f) => {
                self.begins(plan, &f.at);
                let attempt = self.attempts.entry(f.at.clone()).or_default();
                assert_eq!(f.attempt, *attempt + 1, "{}", f.at);
                *attempt = f.attempt;
            }
            facts::Fact::StepDone(f) => {
                self.begins(plan, &f.at);
                self.done.insert(f.at.clone());
                if f.at.item.is_none() {
                    self.closed.insert(f.at.step.clone());
                }
            }
            facts::Fact::StepFailed(f) if f.at.item.is_none() && f.retry_at.is_none() => {
                self.closed.insert(f.at.step.clone());
                self.failed.insert(f.at.step.clone());
            }
            facts::Fact::StepSkipped(f) => drop(self.closed.insert(f.at.step.clone())),
            facts::Fact::Closed(_) => self.ended = true,
            facts::Fact::Resumed(_) => {
                self.ended = false;
                for step in std::mem::take(&mut self.failed) {
                    self.closed.remove(&step);
                }
            }
            _ => {}
        }
    }
}

/// Whatever it is a run of: each step begins after those before it, its attempts are counted, it is
/// done once, and the whole ends once and leaves nothing under way.
fn makes_sense(bench: &Bench) {
    let mut all: BTreeMap<PlanId, Seen> = BTreeMap::new();
    for (_, fact) in &bench.facts {
        let Fact::Plan(fact) = fact else { continue };
        let seen = all.entry(fact.plan()).or_default();
        if !matches!(fact, facts::Fact::Started(_)) {
            seen.take(&known(bench, fact.plan()), fact);
        }
    }
    for (id, seen) in all {
        assert!(seen.ended && known(bench, id).is_closed(), "{id} goes on");
    }
    assert_eq!(bench.open(), [], "it ended, and something goes on");
}

/// What comes of a run, and what isn't done in it.
struct Comes {
    status: &'static str,
    /// What it gives, where that doesn't hang on the order in which things end.
    gives: Option<&'static str>,
    never: &'static [&'static str],
    /// What is undone, in this order.
    undone: &'static [&'static str],
}

const fn comes(status: &'static str, gives: Option<&'static str>) -> Comes {
    let (never, undone): (&[&str], &[&str]) = (&[], &[]);
    Comes {
        status,
        gives,
        never,
        undone,
    }
}

const fn fails(never: &'static [&'static str]) -> Comes {
    Comes {
        never,
        ..comes("failed", None)
    }
}

const fn undoes(never: &'static [&'static str], undone: &'static [&'static str]) -> Comes {
    Comes {
        never,
        undone,
        ..comes("rolled_back", None)
    }
}

/// Something with steps.
struct Case {
    what: &'static str,
    /// Made and started.
    begin: fn() -> Bench,
    called: Called,
    gives: fn(&str) -> &str,
    /// What is done in it, and what comes of it where that fails for good.
    work: Vec<(&'static str, Comes)>,
    /// What comes of it else.
    good: Comes,
    /// Whether it needs all of its work to come to that.
    needs_all: bool,
    /// How often a fate is met before it is for good.
    tries: fn(Fate) -> u32,
    /// Whether it goes on after it failed, and what is done stays done.
    goes_on: bool,
}

fn itself(called: &str) -> &str {
    called
}

fn twice(_: Fate) -> u32 {
    TRIES
}

impl Case {
    fn of(what: &'static str, begin: fn() -> Bench, good: Comes) -> Self {
        Self {
            what,
            begin,
            called: by_agent,
            gives: itself,
            work: Vec::new(),
            good,
            needs_all: true,
            tries: twice,
            goes_on: true,
        }
    }

    fn with(mut self, work: Vec<(&'static str, Comes)>) -> Self {
        self.work = work;
        self
    }

    /// Plays it with a fate that one piece of work meets so often.
    fn check(&self, at: usize, bad: Fate, times: u32, backwards: bool) {
        let (work, for_good) = &self.work[at];
        let case = format!("{}: {work} {bad:?} {times} times, {backwards}", self.what);
        let fate = |called: &str, before: u32| {
            if called == *work && before < times {
                bad
            } else {
                Fate::Does
            }
        };
        let play = |fate: &dyn Fn(&str, u32) -> Fate, bench: &mut Bench, played: &mut Played| {
            let (called, gives) = (self.called, self.gives);
            let status = Play {
                called,
                fate,
                gives,
                backwards,
            }
            .on(bench, played);
            makes_sense(bench);
            status.to_string()
        };
        let (mut bench, mut played) = ((self.begin)(), Played::default());
        let status = play(&fate, &mut bench, &mut played);
        let is_good = times < (self.tries)(bad);
        let wanted = if is_good { &self.good } else { for_good };
        assert_eq!(status, wanted.status, "{case}: {:?}", played.tried);
        if let Some(gives) = wanted.gives {
            let output = found(&bench).output.expect("it gives something");
            assert_eq!(bench.text(&output), gives, "{case}");
        }
        let early = wanted
            .never
            .iter()
            .find(|never| played.tried.iter().any(|t| t == *never));
        assert_eq!(early, None, "{case}: {:?}", played.tried);
        let undone = played.done.iter().filter(|done| done.starts_with("undo-"));
        assert!(undone.eq(wanted.undone), "{case}: {:?}", played.done);
        self.each_once(&played, is_good && self.needs_all, &case);
        played.too_late(&mut bench);
        if status == "failed" && self.goes_on {
            play_in(&mut bench, "goon");
            let status = play(&|_, _| Fate::Does, &mut bench, &mut played);
            assert_eq!(status, self.good.status, "{case}, and it went on");
            self.each_once(&played, self.needs_all, &case);
            played.too_late(&mut bench);
        }
    }

    fn each_once(&self, played: &Played, all: bool, case: &str) {
        for (work, _) in &self.work {
            let count = played.done.iter().filter(|done| done == work).count();
            let right = count == 1 || count == 0 && !all;
            assert!(right, "{case}: {work} is done {count} times");
        }
    }
}

fn retry(attempts_max: u32) -> RetryPolicy {
    RetryPolicy {
        attempts_max,
        wait: Span::secs(1),
        ..RetryPolicy::default()
    }
}

fn agents(words: &str) -> Bench {
    let mut bench = Bench::new();
    for agent in words.split_whitespace() {
        play_in(&mut bench, &format!("agent {agent} 1c"));
    }
    bench
}

fn tried(mut spec: StepSpec) -> StepSpec {
    spec.retry = retry(TRIES);
    spec
}

fn begun(mut bench: Bench, spec: &PlanSpec) -> Bench {
    apply_plan(&mut bench, "p", spec).0.expect("it is sound");
    play_in(&mut bench, "start p");
    bench
}

/// One before two side by side, one after both; the two may fail without harm or not.
fn diamond(optional: bool) -> Bench {
    let mut steps = vec![
        tried(step("last", &["left", "right"], task("last", "x"))),
        tried(step("left", &["first"], task("left", "x"))),
        tried(step("right", &["first"], task("right", "x"))),
        tried(step("first", &[], task("first", "x"))),
    ];
    (steps[1].optional, steps[2].optional) = (optional, optional);
    let mut spec = plan(steps);
    spec.output = Some(name("last"));
    begun(agents("first left right last"), &spec)
}

fn list(partial: bool) -> Bench {
    let mut each = tried(step("each", &[], task("one", "{{ item }}")));
    each.for_each = Some(FanOut {
        items: "['x', 'y', 'z']".into(),
        window: 2,
        partial,
    });
    let end = tried(step("end", &["each"], task("one", "end")));
    begun(agents("one"), &plan(vec![each, end]))
}

fn flow(kind: Kind, on_error: OnError) -> Bench {
    let mut bench = agents("a b c undo-a undo-b");
    let steps = ["a", "b", "c"].map(|agent| FlowStep {
        retry: Some(retry(TRIES)),
        compensate: (kind == Kind::Saga && agent != "c").then(|| name(&format!("undo-{agent}"))),
        ..FlowStep::of(name(agent), name(agent))
    });
    let spec = FlowSpec {
        steps: steps.into(),
        on_error,
        ..FlowSpec::default()
    };
    apply_flow(&mut bench, kind, "it", &spec)
        .0
        .expect("it is sound");
    play_in(&mut bench, &format!("go {} it x", kind.word()));
    bench
}

/// A batch of three tasks for two agents, who try again by themselves.
fn batch(merge: &str) -> Bench {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent one 1c x2; agent two 1c x2");
    let spec = PoolSpec {
        agents: vec![name("one"), name("two")],
        size: 3,
        ..PoolSpec::default()
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Pool,
        name: name("it"),
        spec: Spec::Pool(spec),
    });
    said.expect("it is sound");
    play_in(&mut bench, &format!("submit {merge} [\"x\",\"y\",\"z\"]"));
    bench
}

/// Three questions to drivers, one after the other.
fn instruction() -> Bench {
    let mut bench = agents("a b c");
    for agent in ["a", "b", "c"] {
        let driver = DriverSpec {
            document: "{}".to_owned(),
            kind: DriverKind::Tool,
            agent: name(agent),
            capabilities: vec![format!("ask.{agent}")],
            enabled: true,
        };
        let (said, _) = bench.command(command::Resource::Apply {
            kind: Kind::Driver,
            name: name(&format!("driver-of-{agent}")),
            spec: Spec::Driver(Box::new(driver)),
        });
        said.expect("nobody else answers that");
    }
    let asks = |called: &str, after: &[&str]| {
        let ask = StepDo::Ask {
            kind: format!("ask.{called}"),
            data: None,
            needed: true,
        };
        tried(step(called, after, ask))
    };
    let spec = InstructionSpec {
        document: "{}".to_owned(),
        plan: plan(vec![asks("a", &[]), asks("b", &["a"]), asks("c", &["b"])]),
        zone: "UTC".to_owned(),
        listens: None,
        schedule: None,
        enabled: true,
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Instruction,
        name: name("it"),
        spec: Spec::Instruction(Box::new(spec)),
    });
    said.expect("it is sound");
    play_in(&mut bench, "go instruction it {}");
    bench
}

/// A plan that runs another one, and does something after it.
fn nested() -> Bench {
    let mut bench = agents("a b c");
    let inner = plan(vec![
        tried(step("a", &[], task("a", "x"))),
        tried(step("b", &["a"], task("b", "x"))),
    ]);
    apply_plan(&mut bench, "inner", &inner)
        .0
        .expect("it is sound");
    let sub = StepDo::Plan {
        of: Kind::Plan,
        name: name("inner"),
        input: Some("{}".into()),
    };
    let outer = plan(vec![
        step("sub", &[], sub),
        tried(step("c", &["sub"], task("c", "x"))),
    ]);
    begun(bench, &outer)
}

fn pool(merge: &'static str, begin: fn() -> Bench, good: Comes, bad: [Comes; 3]) -> Case {
    Case {
        called: by_input,
        needs_all: merge == "all",
        // An agent that runs out of fuel does so again.
        tries: |fate| if fate == Fate::RunsOut { 1 } else { TRIES },
        goes_on: false,
        ..Case::of(merge, begin, good).with(["x", "y", "z"].into_iter().zip(bad).collect())
    }
}

fn cases() -> Vec<Case> {
    let done = |gives| comes("completed", Some(gives));
    let partly = |gives| comes("partial", Some(gives));
    let workflow: fn() -> Bench = || flow(Kind::Workflow, OnError::Stop);
    let skipping: fn() -> Bench = || flow(Kind::Workflow, OnError::Skip);
    vec![
        Case::of("plan", || diamond(false), done("last")).with(vec![
            ("first", fails(&["left", "right", "last"])),
            ("left", fails(&["last"])),
            ("right", fails(&["last"])),
            ("last", fails(&[])),
        ]),
        Case::of("optional steps", || diamond(true), done("last")).with(vec![
            ("first", fails(&["left", "right", "last"])),
            ("left", partly("last")),
            ("right", partly("last")),
            ("last", fails(&[])),
        ]),
        Case {
            called: by_input,
            goes_on: false, // its list begins anew
            ..Case::of("list", || list(false), done("end")).with(vec![
                ("x", fails(&["end"])),
                ("y", fails(&["end"])),
                ("z", fails(&["end"])),
            ])
        },
        Case {
            called: by_input,
            goes_on: false,
            ..Case::of("partial list", || list(true), done("end")).with(vec![
                ("x", partly("end")),
                ("y", partly("end")),
                ("z", partly("end")),
                ("end", fails(&[])),
            ])
        },
        Case::of("workflow", workflow, done("c")).with(vec![
            ("a", fails(&["b", "c"])),
            ("b", fails(&["c"])),
            ("c", fails(&[])),
        ]),
        Case::of("workflow that skips", skipping, done("c")).with(vec![
            ("a", partly("c")),
            ("b", partly("c")),
            ("c", partly("b")),
        ]),
        Case::of("saga", || flow(Kind::Saga, OnError::Stop), done("c")).with(vec![
            ("a", undoes(&["b", "c"], &[])),
            ("b", undoes(&["c"], &["undo-a"])),
            ("c", undoes(&[], &["undo-b", "undo-a"])),
        ]),
        Case::of("instruction", instruction, done("c")).with(vec![
            ("a", fails(&["b", "c"])),
            ("b", fails(&["c"])),
            ("c", fails(&[])),
        ]),
        Case {
            goes_on: false, // the step runs the other plan anew
            ..Case::of("plan in a plan", nested, done("c")).with(vec![
                ("a", fails(&["b", "c"])),
                ("b", fails(&["c"])),
                ("c", fails(&[])),
            ])
        },
        pool(
            "all",
            || batch("all"),
            done("[\"x\",\"y\",\"z\"]"),
            [
                partly("[null,\"y\",\"z\"]"),
                partly("[\"x\",null,\"z\"]"),
                partly("[\"x\",\"y\",null]"),
            ],
        ),
        pool(
            "first",
            || batch("first"),
            comes("completed", None),
            [(); 3].map(|()| comes("completed", None)),
        ),
        pool(
            "quorum",
            || batch("quorum/2"),
            comes("completed", None),
            [
                done("[\"y\",\"z\"]"),
                done("[\"x\",\"z\"]"),
                done("[\"x\",\"y\"]"),
            ],
        ),
        pool(
            "quorum of all",
            || batch("quorum/3"),
            done("[\"x\",\"y\",\"z\"]"),
            [(); 3].map(|()| fails(&[])),
        ),
        Case {
            gives: |_| "yes",
            ..pool(
                "majority",
                || batch("majority"),
                done("yes"),
                [done("yes"), done("yes"), done("yes")],
            )
        },
        pool(
            "no majority",
            || batch("majority"),
            fails(&[]),
            [(); 3].map(|()| fails(&[])),
        ),
    ]
}

#[test]
fn every_step_of_every_kind_fails_and_repeats() {
    let mut played = 0;
    for case in cases() {
        for at in 0..case.work.len() {
            for backwards in [false, true] {
                case.check(at, Fate::Fails, 0, backwards);
                for bad in Fate::BAD {
                    case.check(at, bad, 1, backwards);
                    case.check(at, bad, TRIES, backwards);
                    played += 2;
                }
            }
        }
    }
    assert!(played > 600, "{played}");
}
