//! Random histories, and what lists and sums must say after them: computed from all facts at once,
//! the slow and obvious way.

use std::collections::BTreeMap;

use naos_types::fact::run::{Ability, Verdict, World};
use naos_types::fact::{Fact, Problem, budget, message, plan, run, supervisor, task};
use naos_types::spec::{Flow, Kind, PlanSpec};
use naos_types::{
    Actor, BodyRef, Code, DAY_MS, Digest, Grant, MessageId, Micros, Name, PlanId, PlanStatus,
    RunId, RunStatus, Sealed, Seq, Span, SubjectId, TaskId, TaskStatus, Tier, Time,
};

use super::{ModelSpent, PlanFilter, RunFilter, Spent, Views};
use crate::traits::Entry;

const BEGAN: i64 = 20_000 * DAY_MS;
const AGENTS: [&str; 3] = ["ana", "bema", "coder"];
const KINDS: [Kind; 2] = [Kind::Plan, Kind::Saga];

/// A pseudo-random number below `below`.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

fn body() -> BodyRef {
    BodyRef {
        digest: Digest::of(b"x"),
        len: 1,
    }
}

fn sealed() -> Sealed {
    Sealed::from_parts(SubjectId::TENANT, [0; 12], vec![7])
}

fn id(at: i64, number: u128) -> u128 {
    ((at as u128) << 80) | number
}

/// The `number`th run's first fact.
pub(crate) fn started(number: u128, at: i64, agent: &str, tier: Tier, attempt: u32) -> Fact {
    run::Started {
        run: RunId(id(at, number)),
        task: TaskId(id(at, number)),
        agent: Name::new(agent).unwrap(),
        tier,
        component: None,
        input: body(),
        seed: Digest::of(b"s"),
        attempt,
        deadline: Time(at),
        grant: Grant::default(),
        fork: None,
    }
    .into()
}

pub(crate) fn opened(number: u128, at: i64) -> Fact {
    task::Opened {
        task: TaskId(id(at, number)),
        title: sealed(),
        input: body(),
        agent: None,
        parent: None,
        by: Actor::System,
        asks: None,
    }
    .into()
}

pub(crate) fn completed(number: u128, at: i64, agent: &str, cost: u64) -> Fact {
    run::Completed {
        run: RunId(id(at, number)),
        agent: Name::new(agent).unwrap(),
        task: TaskId(id(at, number)),
        tier: Tier::Wasm,
        output: body(),
        cost: Micros(cost),
        fuel: 1,
        took: Span(1),
    }
    .into()
}

/// What happens to a thing that began as number `n` at `at`.
fn about(chance: &mut Chance, n: u128, at: i64, agent: &str) -> Fact {
    let (run, agent) = (RunId(id(at, n)), Name::new(agent).unwrap());
    let task = TaskId(id(at, n));
    let (index, call, by) = (0, 0, Actor::System);
    let problem = Problem::new(Code::INTERNAL, "x");
    match chance.below(22) {
        20 | 21 => budget::Settled {
            agent,
            run,
            amount: Micros(chance.below(9) as u64),
            tier: Tier::Model,
        }
        .into(),
        0 | 1 => completed(n, at, agent.as_str(), chance.below(9) as u64),
        2 => {
            let ability = chance.pick(&[Ability::Ask, Ability::Http]);
            let (request, digest, world) = (body(), Digest::of(b"r"), World::Once);
            run::Called {
                run,
                agent,
                index,
                ability,
                request,
                digest,
                world,
            }
            .into()
        }
        3 => {
            let (answer, attempts) = (body(), 1);
            run::Answered {
                run,
                agent,
                index,
                answer,
                attempts,
            }
            .into()
        }
        4 => {
            let retry_at = chance.pick(&[None, Some(Time(at))]);
            run::Failed {
                run,
                agent,
                problem,
                retry_at,
            }
            .into()
        }
        5 => run::Stopped {
            run,
            agent,
            problem,
            call,
        }
        .into(),
        6 => run::Cancelled { run, agent, by }.into(),
        7 => run::Diverged { run, agent, call }.into(),
        8 => {
            let said = None;
            run::LeftUnknown {
                run,
                agent,
                index,
                said,
            }
            .into()
        }
        9 => {
            let verdict = Verdict::Retry;
            run::Resolved {
                run,
                agent,
                index,
                verdict,
                by,
            }
            .into()
        }
        10 => started(n, at, agent.as_str(), Tier::Wasm, 2),
        11 => {
            let (segment, calls) = (body(), 1);
            run::Recorded {
                run,
                agent,
                segment,
                calls,
            }
            .into()
        }
        12 => task::Routed {
            task,
            tier: Tier::Skill,
            target: agent,
            confidence: 1,
            considered: vec![],
        }
        .into(),
        13 => {
            let status = chance.pick(TaskStatus::ALL);
            task::Moved { task, status }.into()
        }
        14 => {
            let status = chance.pick(&[TaskStatus::Done, TaskStatus::Failed]);
            task::Closed {
                task,
                status,
                output: None,
                problem: None,
            }
            .into()
        }
        17 | 18 => budget::Metered {
            agent,
            run,
            model: Name::new(chance.pick(&["fast", "deep"])).unwrap(),
            answer: chance.pick(&[None, Some(body())]),
            input: chance.below(900) as u64,
            cached: chance.below(9) as u64,
            output: chance.below(90) as u64,
            amount: Micros(chance.below(50) as u64),
            billed: Micros(chance.below(99) as u64),
            repeated: false,
            lost: false,
        }
        .into(),
        16 => supervisor::SetAside {
            supervisor: agent.clone(),
            agent,
            runs: vec![run],
        }
        .into(),
        15 => plan::Resumed {
            plan: PlanId(id(at, n)),
            name: agent,
            by: Actor::System,
        }
        .into(),
        _ => plan::Closed {
            plan: PlanId(id(at, n)),
            name: agent,
            status: chance.pick(&[PlanStatus::Completed, PlanStatus::CompensationFailed]),
            output: None,
            problem: None,
        }
        .into(),
    }
}

fn entry(seq: Seq, at: i64, fact: &Fact) -> Entry {
    Entry {
        seq,
        at: Time(at),
        kind: fact.kind().into(),
        version: fact.version(),
        bytes: fact.encode(),
    }
}

/// Facts as entries, from `first` on.
pub(crate) fn entries(first: Seq, facts: &[Fact]) -> Vec<Entry> {
    let numbered = (first..).zip(facts);
    numbered
        .map(|(seq, fact)| entry(seq, BEGAN + seq as i64, fact))
        .collect()
}

/// Facts about runs, tasks and plans in any order that could be, and some that couldn't.
pub(crate) fn history(chance: &mut Chance, count: usize) -> Vec<Fact> {
    let mut begun: Vec<(u128, i64, &str)> = Vec::new();
    let mut out = Vec::new();
    while out.len() < count {
        let n = out.len() as u128;
        let at = BEGAN + (chance.below(3) as i64) * DAY_MS + n as i64;
        let agent = chance.pick(&AGENTS);
        match chance.below(12) {
            0 => out.push(
                message::Posted {
                    message: MessageId(n),
                    task: None,
                    by: Actor::System,
                    text: sealed(),
                }
                .into(),
            ),
            1 => {
                let name = Name::new(agent).unwrap();
                begun.push((n, at, agent));
                out.push(
                    plan::Started {
                        plan: PlanId(id(at, n)),
                        name,
                        version: 1,
                        spec: std::sync::Arc::new(PlanSpec {
                            description: String::new(),
                            inputs: vec![],
                            steps: vec![],
                            output: None,
                        }),
                        inputs: body(),
                        by: Actor::System,
                        flow: Flow {
                            of: chance.pick(&KINDS),
                            ..Flow::default()
                        },
                    }
                    .into(),
                );
            }
            2..=4 => {
                begun.push((n, at, agent));
                out.push(opened(n, at));
                out.push(started(n, at, agent, chance.pick(Tier::ALL), 1));
            }
            _ => {
                let Some((n, at, agent)) = begun.get(chance.below(begun.len().max(1))).copied()
                else {
                    continue;
                };
                out.push(about(chance, n, at, agent));
            }
        }
    }
    out
}

/// What the facts say.
#[derive(Default)]
pub(crate) struct Naive {
    runs: BTreeMap<RunId, (Name, Tier, RunStatus, Micros)>,
    tasks: BTreeMap<TaskId, TaskStatus>,
    plans: BTreeMap<PlanId, (Name, PlanStatus, Kind)>,
    models: Vec<budget::Metered>,
}

impl Naive {
    pub(crate) fn of(facts: &[Fact]) -> Self {
        let mut all = Self::default();
        for fact in facts {
            match fact {
                Fact::Run(fact) => all.run(fact),
                Fact::Task(fact) => all.task(fact),
                Fact::Budget(budget::Fact::Metered(f)) => all.models.push(f.clone()),
                Fact::Budget(budget::Fact::Settled(f)) => {
                    if let Some(row) = all.runs.get_mut(&f.run) {
                        row.3 = row.3.plus(f.amount);
                    }
                }
                Fact::Supervisor(supervisor::Fact::SetAside(f)) => {
                    for run in &f.runs {
                        all.set(*run, RunStatus::Queued);
                    }
                }
                Fact::Plan(plan::Fact::Started(f)) => {
                    let open = (f.name.clone(), PlanStatus::Running, f.flow.of);
                    all.plans.insert(f.plan, open);
                }
                Fact::Plan(plan::Fact::Closed(f)) => {
                    if let Some(row) = all.plans.get_mut(&f.plan) {
                        row.1 = f.status;
                    }
                }
                Fact::Plan(plan::Fact::Resumed(f)) => {
                    if let Some(row) = all.plans.get_mut(&f.plan) {
                        row.1 = PlanStatus::Running;
                    }
                }
                _ => {}
            }
        }
        all
    }

    fn set(&mut self, run: RunId, status: RunStatus) {
        if let Some(row) = self.runs.get_mut(&run) {
            row.2 = status;
        }
    }

    fn run(&mut self, fact: &run::Fact) {
        match fact {
            run::Fact::Started(f) if f.attempt == 1 => {
                let row = (f.agent.clone(), f.tier, RunStatus::Running, Micros::ZERO);
                self.runs.insert(f.run, row);
                if let Some(task) = self.tasks.get_mut(&f.task).filter(|_| f.fork.is_none()) {
                    *task = TaskStatus::InProgress;
                }
            }
            run::Fact::Completed(f) => self.set(f.run, RunStatus::Completed),
            run::Fact::Called(f) if f.ability == Ability::Ask => self.set(f.run, RunStatus::Held),
            run::Fact::Started(f) => self.set(f.run, RunStatus::Running),
            run::Fact::Answered(f) => self.set(f.run, RunStatus::Running),
            run::Fact::Resolved(f) => self.set(f.run, RunStatus::Running),
            run::Fact::Failed(f) if f.retry_at.is_none() => self.set(f.run, RunStatus::Failed),
            run::Fact::Stopped(f) => self.set(f.run, RunStatus::Failed),
            run::Fact::Cancelled(f) => self.set(f.run, RunStatus::Cancelled),
            run::Fact::Diverged(f) => self.set(f.run, RunStatus::Diverged),
            run::Fact::LeftUnknown(f) => self.set(f.run, RunStatus::Unknown),
            _ => {}
        }
    }

    fn task(&mut self, fact: &task::Fact) {
        let (task, status) = match fact {
            task::Fact::Opened(f)
                if matches!(f.by, Actor::Task(_) | Actor::Message(_) | Actor::Call(..)) =>
            {
                return;
            }
            task::Fact::Opened(f) => {
                self.tasks.insert(f.task, TaskStatus::Inbox);
                return;
            }
            task::Fact::Routed(f) => (f.task, TaskStatus::Assigned),
            task::Fact::Moved(f) => (f.task, f.status),
            task::Fact::Begun(f) => (f.task, TaskStatus::InProgress),
            task::Fact::Handed(f) => (f.task, TaskStatus::Assigned),
            task::Fact::Planned(_) | task::Fact::Made(_) | task::Fact::Followed(_) => return,
            task::Fact::Closed(f) => (f.task, f.status),
        };
        if let Some(row) = self.tasks.get_mut(&task) {
            *row = status;
        }
    }

    fn spent(&self, since: Option<Time>) -> Vec<Spent> {
        let mut sums: BTreeMap<_, (u64, Micros)> = BTreeMap::new();
        for (id, (agent, tier, status, cost)) in &self.runs {
            let began = Time((id.0 >> 80) as i64).day_start();
            if since.is_some_and(|since| began < since.day_start()) {
                continue;
            }
            let key = (since.map(|_| began), agent.clone(), *tier, *status);
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + 1, sum.1.plus(*cost));
        }
        let row = |((day, agent, tier, status), (runs, cost))| Spent {
            day,
            agent,
            tier,
            status,
            runs,
            cost,
        };
        sums.into_iter().map(row).collect()
    }

    fn models(&self, since: Option<Time>) -> Vec<ModelSpent> {
        let of = |run: RunId| Time((run.0 >> 80) as i64).day_start();
        let counts =
            |f: &&budget::Metered| since.is_none_or(|since| of(f.run) >= since.day_start());
        let mut names: Vec<Name> = self
            .models
            .iter()
            .filter(counts)
            .map(|f| f.model.clone())
            .collect();
        names.sort();
        names.dedup();
        let row = |model: Name| {
            let own = || {
                self.models
                    .iter()
                    .filter(counts)
                    .filter(|f| f.model == model)
            };
            let sum = |of: fn(&budget::Metered) -> u64| own().map(of).sum();
            ModelSpent {
                answers: sum(|f| u64::from(f.answer.is_some())),
                failed: sum(|f| u64::from(f.answer.is_none())),
                input: sum(|f| f.input),
                cached: sum(|f| f.cached),
                output: sum(|f| f.output),
                cost: Micros(sum(|f| f.amount.0)),
                incidents: sum(|f| u64::from(f.billed > f.amount)),
                model: model.clone(),
            }
        };
        names.into_iter().map(row).collect()
    }

    /// The views say the same.
    pub(crate) fn check(&self, views: &Views, what: &str) {
        let agents = AGENTS
            .iter()
            .copied()
            .map(Some)
            .chain([None, Some("nobody")]);
        for agent in agents {
            for status in RunStatus::ALL.iter().copied().map(Some).chain([None]) {
                let fits = |row: &(Name, Tier, RunStatus, Micros)| {
                    status.is_none_or(|s| s == row.2) && agent.is_none_or(|a| a == row.0.as_str())
                };
                let ours = self.runs.iter().rev().filter(|(_, row)| fits(row));
                let expected: Vec<RunId> = ours.map(|(id, _)| *id).collect();
                let filter = RunFilter { status, agent };
                assert_eq!(paged(|at| views.runs(&filter, at, 3)), expected, "{what}");
            }
            for status in PlanStatus::ALL.iter().copied().map(Some).chain([None]) {
                for kind in KINDS.iter().copied().map(Some).chain([None]) {
                    let lists = |stands: PlanStatus| match status {
                        None => true,
                        Some(PlanStatus::Held) => stands == PlanStatus::Running,
                        Some(PlanStatus::CompensationFailed) => {
                            matches!(stands, PlanStatus::Running | PlanStatus::CompensationFailed)
                        }
                        Some(status) => status == stands,
                    };
                    let fits = |row: &(Name, PlanStatus, Kind)| {
                        lists(row.1)
                            && agent.is_none_or(|a| a == row.0.as_str())
                            && kind.is_none_or(|kind| kind == row.2)
                    };
                    let ours = self.plans.iter().rev().filter(|(_, row)| fits(row));
                    let expected: Vec<PlanId> = ours.map(|(id, _)| *id).collect();
                    let filter = PlanFilter {
                        status,
                        name: agent,
                        kind,
                    };
                    assert_eq!(paged(|at| views.plans(&filter, at, 3)), expected, "{what}");
                }
            }
        }
        let mut counts: BTreeMap<TaskStatus, u64> = BTreeMap::new();
        for status in self.tasks.values() {
            *counts.entry(*status).or_default() += 1;
        }
        for status in TaskStatus::ALL.iter().copied().map(Some).chain([None]) {
            let ours = self.tasks.iter().rev();
            let ours = ours.filter(|(_, s)| status.is_none_or(|status| status == **s));
            let expected: Vec<TaskId> = ours.map(|(id, _)| *id).collect();
            assert_eq!(paged(|at| views.tasks(status, at, 3)), expected, "{what}");
        }
        let expected: Vec<_> = counts.into_iter().collect();
        assert_eq!(views.task_counts().unwrap(), expected, "{what}");
        let days = (0..4).map(|day| Some(Time(BEGAN + day * DAY_MS)));
        for since in days.chain([None]) {
            assert_eq!(views.models(since).unwrap(), self.models(since), "{what}");
            let mut spent = views.spent(since).unwrap();
            spent.sort();
            assert_eq!(spent, self.spent(since), "{what}");
        }
    }
}

/// All pages of a list.
fn paged<I: Copy>(
    mut page: impl FnMut(Option<I>) -> Result<Vec<I>, crate::traits::ReadError>,
) -> Vec<I> {
    let mut all: Vec<I> = Vec::new();
    loop {
        let next = page(all.last().copied()).unwrap();
        if next.is_empty() {
            return all;
        }
        all.extend(next);
    }
}
