//! Schedules: each time that was due has one run, or is told to be missed where its schedule lets
//! it be. Reckoned from the documents and the journal alone, without the rules' own eyes.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::fact::schedule::{Beat, Began, Fact};
use naos_types::fact::{Fact as AnyFact, plan, resource, task};
use naos_types::spec::{Begins, Kind, Missed, Overlap, ScheduleSpec, Spec, Timing, When};
use naos_types::{Code, Name, Span, TenantId, Time, command};

use crate::chance::Chance;
use crate::clients::{START, canary};
use crate::journal::ensure;
use crate::sim::Sim;
use crate::workload::name;

/// The schedules of every tenant that has some.
const NAMES: [&str; 3] = ["tick", "rounds", "once"];
/// So many missed times are more than any simulation has.
const ALL: u32 = 1_000;

/// What the facts of schedules said so far.
#[derive(Default)]
pub(crate) struct Schedules {
    specs: BTreeMap<Name, ScheduleSpec>,
    seen: BTreeMap<Name, Seen>,
    /// What ended of what was begun.
    ended: BTreeSet<String>,
}

struct Seen {
    since: Time,
    /// The time that it waits for.
    waits: Option<Time>,
    /// The last time that had its run, or had none.
    through: Option<Time>,
    fired: u64,
    paused: bool,
    /// What it began last.
    last: Option<Began>,
}

/// The first due time after another, reckoned by counting.
fn due_after(spec: &ScheduleSpec, since: Time, after: Time) -> Option<Time> {
    let at = match &spec.timing.when {
        When::At(at) => (*at > after).then_some(*at),
        When::Every { every, .. } => {
            let mut at = since;
            while at <= after {
                at = at + *every;
            }
            Some(at)
        }
        When::Cron { .. } => None, // none in the workload
    };
    at.filter(|at| spec.timing.until.is_none_or(|until| *at <= until))
}

impl Seen {
    /// Nothing begins beside what may not work beside it.
    fn begins(
        &mut self,
        began: Began,
        ended: &BTreeSet<String>,
        overlap: Overlap,
    ) -> Result<(), String> {
        let last = self.last.replace(began).map(|last| last.to_string());
        let over = last.as_ref().is_none_or(|last| ended.contains(last));
        ensure(over || overlap == Overlap::Allow, || {
            format!("{began} began beside {last:?}")
        })
    }

    /// What a fact says is due next is what the document says.
    fn goes_on(
        &mut self,
        spec: &ScheduleSpec,
        through: Time,
        next: Option<Beat>,
    ) -> Result<(), String> {
        let wanted = due_after(spec, self.since, through);
        let spent = spec
            .count
            .is_some_and(|count| self.fired >= u64::from(count));
        let found = next.map(|next| next.at);
        ensure(found == wanted.filter(|_| !spent), || {
            format!("after {through:?} it waits for {found:?}, not for {wanted:?}")
        })?;
        ensure(self.through.is_none_or(|before| before < through), || {
            format!("{through:?} comes after {:?}", self.through)
        })?;
        (self.through, self.waits) = (Some(through), found);
        Ok(())
    }
}

impl Schedules {
    /// What was begun may have ended, or goes on.
    fn end(&mut self, fact: &AnyFact) {
        match fact {
            AnyFact::Plan(plan::Fact::Closed(f)) => drop(self.ended.insert(f.plan.to_string())),
            AnyFact::Plan(plan::Fact::Resumed(f)) => drop(self.ended.remove(&f.plan.to_string())),
            AnyFact::Task(task::Fact::Closed(f)) => drop(self.ended.insert(f.task.to_string())),
            _ => {}
        }
    }

    pub(crate) fn take(&mut self, fact: &AnyFact, at: Time) -> Result<(), String> {
        let fact = match fact {
            AnyFact::Resource(resource::Fact::Applied(f)) if f.kind == Kind::Schedule => {
                if let Spec::Schedule(spec) = &f.spec {
                    self.specs.insert(f.name.clone(), (**spec).clone());
                }
                return Ok(());
            }
            AnyFact::Schedule(fact) => fact,
            other => {
                self.end(other);
                return Ok(());
            }
        };
        let name = fact.of().1;
        let spec = self
            .specs
            .get(name)
            .ok_or("a schedule that nobody applied")?;
        if let Fact::Set(f) = fact {
            let seen = self.seen.entry(name.clone()).or_insert(Seen {
                since: f.since,
                waits: None,
                through: None,
                fired: 0,
                paused: false,
                last: None,
            });
            // One that waits isn't forgotten when its document changes.
            let next = f.next.map(|next| next.at);
            let kept = seen.waits.is_none() || seen.waits == next;
            seen.waits = next;
            return ensure(kept, || "a time that was due is forgotten".into());
        }
        let ended = &self.ended;
        let seen = self.seen.get_mut(name).ok_or("it never came")?;
        let overlap = spec.starts.overlap();
        if let Fact::Fired(f) = fact {
            seen.begins(f.began, ended, overlap)?;
        }
        match fact {
            Fact::Fired(f) if f.by.is_some() => {
                let next = f.next.map(|next| next.at);
                ensure(next == seen.waits, || "a run out of turn moves it".into())
            }
            Fact::Fired(f) => {
                ensure(seen.waits == Some(f.at), || {
                    format!("{:?} has a run, it waits for {:?}", f.at, seen.waits)
                })?;
                ensure(at >= f.at, || "it began before it was due".into())?;
                seen.fired += 1;
                seen.goes_on(spec, f.at, f.next)
            }
            Fact::Missed(f) => {
                ensure(seen.waits == Some(f.from), || {
                    format!("{:?} is missed, it waits for {:?}", f.from, seen.waits)
                })?;
                let (mut count, mut last) = (1, f.from);
                while last < f.to {
                    last = due_after(spec, seen.since, last).unwrap_or(Time(i64::MAX));
                    count += 1;
                }
                ensure(last == f.to && count == f.count, || {
                    format!("{} from {:?} to {:?} are {count}", f.count, f.from, f.to)
                })?;
                let may = f.problem.is_some() || spec.missed.kept() < ALL;
                ensure(may, || "it catches up with all, and misses one".into())?;
                let late = f.problem.is_some() || (at - f.to).0 >= 2_000;
                ensure(late, || "one that isn't late is missed".into())?;
                seen.goes_on(spec, f.to, f.next)
            }
            Fact::Paused(_) => {
                (seen.paused, seen.waits) = (true, None);
                Ok(())
            }
            Fact::Resumed(f) => {
                seen.paused = false;
                let wanted = due_after(spec, seen.since, at);
                let spent = spec
                    .count
                    .is_some_and(|count| seen.fired >= u64::from(count));
                seen.waits = f.next.map(|next| next.at);
                ensure(seen.waits == wanted.filter(|_| !spent), || {
                    format!("it goes on with {:?}, not with {wanted:?}", seen.waits)
                })
            }
            Fact::Ended(_) => ensure(seen.waits.is_none(), || "it ends while it waits".into()),
            Fact::Removed(_) => {
                self.seen.remove(name);
                Ok(())
            }
            Fact::Set(_) => Ok(()),
            Fact::Waited(f) => {
                let waits = overlap == Overlap::Wait && seen.waits == Some(f.at);
                ensure(waits && seen.last == Some(f.behind), || {
                    format!("{:?} waits for {}", f.at, f.behind)
                })
            }
            Fact::Freed(f) => ensure(seen.waits == Some(f.next.at), || {
                format!("{:?} waited for nothing", f.next)
            }),
        }
    }

    /// What still waits when nothing happens any more.
    pub(crate) fn waiting(&self) -> Option<String> {
        let mut all = self.seen.iter();
        let found = all.find_map(|(name, seen)| Some((name, seen.waits?)))?;
        Some(format!("{} waits for {:?}", found.0, found.1))
    }
}

/// `mark` is what a tenant's words are known by.
fn schedule_spec(chance: &mut Chance, called: &str, mark: &str) -> ScheduleSpec {
    let minutes = |n: u64| Span::secs((n * 60).cast_signed());
    let starts = match called {
        "tick" => Begins::Event {
            topic: "tick.tock".into(),
            data: "{}".into(),
        },
        "rounds" => Begins::Run {
            kind: Kind::Plan,
            name: name("chain"),
            input: format!("{{\"mark\":\"{mark}round\",\"items\":[],\"go\":true}}"),
        },
        _ => Begins::Run {
            kind: Kind::Agent,
            name: name(chance.pick::<&str>(&["worker", "faulty", "nobody"])),
            input: format!("work on {mark}time"),
        },
    };
    let when = match called {
        "once" => When::At(START + minutes(chance.within(1, 300))),
        _ => When::Every {
            every: minutes(match called {
                "tick" => chance.within(3, 40),
                _ => chance.within(20, 90), // a plan is more work than all else
            }),
            from: None,
        },
    };
    let overlap = *chance.pick(&[Overlap::Allow, Overlap::Skip, Overlap::Wait]);
    let jitter = *chance.pick(&[0, 0, 30]);
    ScheduleSpec {
        description: String::new(),
        timing: Timing {
            when,
            until: Some(START + minutes(chance.within(30, 240))),
        },
        count: chance
            .once_in(3)
            .then(|| u32::try_from(chance.within(1, 9)).unwrap_or(1)),
        missed: *chance.pick(&[
            Missed::Skip,
            Missed::Once,
            Missed::CatchUp(3),
            Missed::CatchUp(ALL),
        ]),
        jitter: Span::secs(jitter),
        starts: starts.with(overlap),
        enabled: true,
    }
}

impl Sim {
    /// What a tenant begins with that has schedules.
    pub(crate) fn begin_schedules(&mut self, tenant: TenantId) {
        for called in NAMES {
            let mark = canary(tenant);
            let spec = schedule_spec(&mut self.schedule_chance, called, &mark);
            let (kind, name) = (Kind::Schedule, name(called));
            let spec = Spec::Schedule(Box::new(spec));
            let command = command::Resource::Apply { kind, name, spec };
            self.ask(tenant, command.into(), Vec::new(), None, true, 3);
        }
    }

    /// Somebody does something about one.
    pub(crate) fn issue_schedule(&mut self) {
        if !self.scenarios.schedules || self.schedule_chance.once_in(2) {
            return;
        }
        let at = self.schedule_chance.below(self.tenants.len() as u64);
        let tenant = self.tenants[usize::try_from(at).unwrap_or(0)];
        let called = *self.schedule_chance.pick(&NAMES);
        let (kind, name) = (Kind::Schedule, name(called));
        let command = match self.schedule_chance.below(6) {
            0 => command::Schedule::RunNow { kind, name }.into(),
            1 => {
                // It goes on some time later.
                let resume = command::Schedule::Resume {
                    kind,
                    name: name.clone(),
                };
                let wait = self.schedule_chance.below(1_800_000);
                self.ask(tenant, resume.into(), Vec::new(), None, true, wait);
                command::Schedule::Pause { kind, name }.into()
            }
            2 => command::Schedule::Resume { kind, name }.into(),
            3 if called == "tick" && self.schedule_chance.once_in(2) => {
                command::Resource::Delete { kind, name }.into()
            }
            _ => return,
        };
        self.ask(tenant, command, Vec::new(), None, true, 0);
    }

    /// What the scenarios of schedules meet.
    pub(crate) fn look_at_schedule(&mut self, fact: &AnyFact) {
        let AnyFact::Schedule(fact) = fact else {
            return;
        };
        match fact {
            Fact::Fired(f) if f.by.is_none() => self.report.meet("schedule fired", 1),
            Fact::Missed(f) if f.problem.is_none() => {
                self.report.meet("schedule missed", f.count);
            }
            Fact::Missed(f)
                if f.problem
                    .as_ref()
                    .is_some_and(|p| p.code == Code::STILL_RUNNING) =>
            {
                self.report.meet("schedule skipped a run", 1);
            }
            Fact::Missed(_) => self.report.meet("schedule could not start", 1),
            Fact::Waited(_) => self.report.meet("schedule waited for a run", 1),
            _ => {}
        }
    }

    /// No time is left that was due.
    pub(crate) fn check_schedules(&mut self, tenant: TenantId) {
        let walk = self.walks.get(&tenant);
        if let Some(left) = walk.and_then(|walk| walk.schedules.waiting()) {
            self.violated("each due time is looked at", left);
        }
    }
}
