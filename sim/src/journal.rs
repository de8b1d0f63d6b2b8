//! Reads a journal as an outsider: what may follow what, what the money says, and the state that
//! follows from it, folded anew.

use std::collections::{BTreeMap, BTreeSet};

use naos_kernel::{Need, Replay, State};
use naos_store::{Entry, MemStore, Store};
use naos_types::effect::{Call, Caller};
use naos_types::fact::run::Verdict;
use naos_types::fact::{Fact, agent, approval, plan, review, run, supervisor, task};
use naos_types::{Actor, ApprovalId, Name, PlanId, RunId, Seq, StepPath, TaskId, TenantId, Time};

use crate::bus::Bus;
use crate::drivers::Drivers;
use crate::flows::Flows;
use crate::money::Money;
use crate::notices::Notices;
use crate::schedules::Schedules;
use crate::waits::Waits;
use crate::watches::Watches;

/// What a run's facts said so far.
#[derive(Default)]
pub(crate) struct RunSeen {
    attempt: u32,
    /// The attempt ended; another may begin.
    rests: bool,
    pub(crate) closed: bool,
    cancelled: bool,
    /// The call that it waits for.
    pending: Option<u32>,
    /// How often a person let it begin again after it diverged.
    restarts: u32,
    diverged: bool,
    /// It asks an endpoint, which may answer whenever it likes.
    asks: bool,
    /// How often a person said: try it again.
    pub(crate) retries: BTreeMap<u32, u32>,
}

/// One journal as far as it was read.
pub(crate) struct Walk {
    tenant: TenantId,
    pub(crate) seq: Seq,
    at: Time,
    pub(crate) state: State,
    pub(crate) facts: Vec<(Seq, Time, Fact)>,
    pub(crate) tasks: BTreeMap<TaskId, bool>,
    pub(crate) runs: BTreeMap<RunId, RunSeen>,
    pub(crate) plans: BTreeMap<PlanId, bool>,
    /// Those that are paused, and whether it is with the run above only.
    paused: BTreeMap<PlanId, bool>,
    steps: BTreeMap<(PlanId, StepPath), u32>,
    approvals: BTreeMap<ApprovalId, bool>,
    agents: BTreeSet<Name>,
    pub(crate) notices: Notices,
    pub(crate) flows: Flows,
    pub(crate) bus: Bus,
    pub(crate) schedules: Schedules,
    pub(crate) watches: Watches,
    pub(crate) drivers: Drivers,
    pub(crate) waits: Waits,
    pub(crate) money: Money,
    /// The first thing that was wrong.
    pub(crate) wrong: Option<String>,
}

impl Walk {
    pub(crate) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            seq: 0,
            at: Time(0),
            state: State::new(),
            facts: Vec::new(),
            tasks: BTreeMap::new(),
            runs: BTreeMap::new(),
            plans: BTreeMap::new(),
            paused: BTreeMap::new(),
            steps: BTreeMap::new(),
            approvals: BTreeMap::new(),
            agents: BTreeSet::new(),
            notices: Notices::default(),
            flows: Flows::default(),
            bus: Bus::default(),
            schedules: Schedules::default(),
            watches: Watches::default(),
            drivers: Drivers::default(),
            waits: Waits::default(),
            money: Money::default(),
            wrong: None,
        }
    }

    /// Reads on to the end of what is durable.
    pub(crate) fn catch_up(&mut self, store: &MemStore) {
        let Ok(door) = store.tenant(self.tenant) else {
            return;
        };
        for entry in door.entries(self.seq, usize::MAX).unwrap_or_default() {
            if self.wrong.is_none()
                && let Err(why) = self.take(&entry)
            {
                self.wrong = Some(format!("{} seq {}: {why}", entry.kind, entry.seq));
            }
            self.seq = entry.seq;
        }
    }

    /// Whether the journal asks for this call.
    pub(crate) fn catch_up_and_ask(&mut self, store: &MemStore, call: &Call) -> bool {
        self.catch_up(store);
        let asked = match call.by {
            Caller::Run(run, index) => self.runs.get(&run).is_some_and(|run| {
                run.closed || run.pending.is_none_or(|pending| pending >= index)
            }),
            Caller::Notice(notice) => self.notices.seen.contains_key(&notice),
        };
        asked || self.wrong.is_some() // which is told on its own
    }

    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        ensure(entry.seq == self.seq + 1, || {
            format!("a gap after {}", self.seq)
        })?;
        ensure(entry.at >= self.at, || "time runs backwards".into())?;
        self.at = entry.at;
        let fact = Fact::decode(&entry.kind, entry.version, &entry.bytes)
            .map_err(|error| error.to_string())?;
        replay(&mut self.state, &fact, entry.at, &mut |_, _| Ok(()))?;
        self.money.take(&fact, entry.at)?;
        self.notices.take(&fact, &self.state)?;
        self.bus.take(&fact, entry.seq)?;
        self.schedules.take(&fact, entry.at)?;
        self.watches.take(&fact, entry.at, &self.state)?;
        self.drivers.take(&fact, entry.at)?;
        self.waits.take(&fact, entry.at)?;
        match &fact {
            Fact::Agent(fact) => self.agent(fact),
            Fact::Task(fact) => self.task(fact),
            Fact::Run(fact) => self.run(fact),
            Fact::Plan(fact) => self.plan(fact),
            Fact::Approval(fact) => self.approval(fact),
            Fact::Supervisor(supervisor::Fact::SetAside(f)) => self.set_aside(&f.runs),
            Fact::Review(review::Fact::Requested(f)) => ensure(f.author != f.reviewer, || {
                format!("{} reviews their own work", f.author)
            }),
            _ => Ok(()),
        }?;
        self.facts.push((entry.seq, entry.at, fact));
        Ok(())
    }

    fn agent(&mut self, fact: &agent::Fact) -> Result<(), String> {
        match fact {
            agent::Fact::Created(f) => ensure(self.agents.insert(f.name.clone()), || {
                format!("{} came twice", f.name)
            }),
            _ => Ok(()),
        }
    }

    fn task(&mut self, fact: &task::Fact) -> Result<(), String> {
        let id = fact.task();
        if matches!(fact, task::Fact::Opened(_)) {
            let before = self.tasks.insert(id, false);
            return ensure(before.is_none(), || format!("{id} came twice"));
        }
        let closed = self
            .tasks
            .get_mut(&id)
            .ok_or_else(|| format!("{id} never came"))?;
        ensure(!*closed, || format!("{id} was closed before"))?;
        *closed = matches!(fact, task::Fact::Closed(_));
        Ok(())
    }

    fn run(&mut self, fact: &run::Fact) -> Result<(), String> {
        if let run::Fact::Started(f) = fact {
            let seen = self.runs.entry(f.run).or_insert_with(|| RunSeen {
                rests: true,
                ..RunSeen::default()
            });
            let next = seen.rests && !seen.closed && f.attempt == seen.attempt + 1;
            ensure(next, || {
                format!("{} began attempt {} too early", f.run, f.attempt)
            })?;
            (seen.attempt, seen.rests, seen.pending) = (f.attempt, false, None);
            return Ok(());
        }
        let id = run_of(fact);
        let seen = self
            .runs
            .get_mut(&id)
            .ok_or_else(|| format!("{id} never began"))?;
        // Who is cancelled at work may still say what it was at.
        let last_words = seen.cancelled && matches!(fact, run::Fact::Logged(_));
        let spoken = !seen.closed || last_words;
        ensure(spoken, || format!("{id} was closed before"))?;
        match fact {
            run::Fact::Called(f) => {
                ensure(seen.pending.is_none() && !seen.rests, || {
                    format!("{id} calls twice")
                })?;
                seen.pending = Some(f.index);
                seen.asks = f.ability == run::Ability::Endpoint;
            }
            run::Fact::Answered(f) => {
                ensure(seen.pending.take() == Some(f.index), || {
                    format!("{id} got an answer that it didn't wait for")
                })?;
            }
            run::Fact::LeftUnknown(f) => {
                ensure(seen.pending == Some(f.index), || {
                    format!("{id} waits for nothing")
                })?;
            }
            run::Fact::Resolved(_) if std::mem::take(&mut seen.diverged) => seen.restarts += 1,
            run::Fact::Resolved(f) if f.verdict == Verdict::Retry => {
                *seen.retries.entry(f.index).or_default() += 1;
            }
            run::Fact::Completed(_) => {
                ensure(seen.pending.is_none() && (!seen.rests || seen.asks), || {
                    format!("{id} completed while it waited")
                })?;
                seen.closed = true;
            }
            run::Fact::Failed(f) => {
                seen.rests = true;
                seen.pending = None; // an endpoint that took it may answer all the same
                seen.closed = f.retry_at.is_none();
            }
            run::Fact::Cancelled(_) => (seen.closed, seen.cancelled) = (true, true),
            run::Fact::Stopped(_) => seen.closed = true,
            run::Fact::Diverged(_) => (seen.rests, seen.diverged) = (true, true),
            _ => {}
        }
        Ok(())
    }

    /// These begin again once their agent is restarted.
    fn set_aside(&mut self, runs: &[RunId]) -> Result<(), String> {
        for id in runs {
            let seen = self
                .runs
                .get_mut(id)
                .ok_or_else(|| format!("{id} never began"))?;
            ensure(seen.pending.is_none() && !seen.closed, || {
                format!("{id} can't wait: it has a call under way, or is closed")
            })?;
            seen.rests = true;
        }
        Ok(())
    }

    fn plan(&mut self, fact: &plan::Fact) -> Result<(), String> {
        self.flows.take(fact)?;
        let id = fact.plan();
        match fact {
            plan::Fact::Started(_) => {
                let before = self.plans.insert(id, false);
                return ensure(before.is_none(), || format!("{id} came twice"));
            }
            plan::Fact::StepStarted(f) => {
                let attempt = self.steps.entry((f.plan, f.at.clone())).or_default();
                // A fan-out that is expanded anew counts its items anew.
                let next = f.attempt == *attempt + 1 || (f.at.item.is_some() && f.attempt == 1);
                ensure(next, || {
                    format!("{} attempt {} after {attempt}", f.at, f.attempt)
                })?;
                *attempt = f.attempt;
            }
            _ => {}
        }
        let closed = self
            .plans
            .get_mut(&id)
            .ok_or_else(|| format!("{id} never began"))?;
        match fact {
            plan::Fact::Paused(f) => {
                let with = matches!(f.by, Actor::Plan(_));
                let before = self.paused.insert(id, with);
                let fits = before.is_none() || (before == Some(true) && !with);
                ensure(fits, || format!("{id} is paused twice"))?;
            }
            plan::Fact::StepStarted(f) => ensure(!self.paused.contains_key(&id), || {
                format!("{} begins while {id} is paused", f.at)
            })?,
            plan::Fact::Resumed(f) if self.paused.contains_key(&id) => {
                let with = self.paused.remove(&id) == Some(true);
                let above = matches!(f.by, Actor::Plan(_));
                return ensure(with == above, || {
                    format!("{id} was paused by somebody else than {:?}", f.by)
                });
            }
            // Whoever cancels it wants it undone.
            plan::Fact::UndoBegan(f) if f.problem.is_none() => drop(self.paused.remove(&id)),
            plan::Fact::Closed(_) => drop(self.paused.remove(&id)),
            _ => {}
        }
        let resumed = matches!(fact, plan::Fact::Resumed(_));
        ensure(*closed == resumed, || {
            let word = if resumed {
                "is open"
            } else {
                "was closed before"
            };
            format!("{id} {word}")
        })?;
        *closed = matches!(fact, plan::Fact::Closed(_));
        Ok(())
    }

    fn approval(&mut self, fact: &approval::Fact) -> Result<(), String> {
        let id = match fact {
            approval::Fact::Requested(f) => {
                let before = self.approvals.insert(f.approval, false);
                return ensure(before.is_none(), || {
                    format!("{} was asked twice", f.approval)
                });
            }
            approval::Fact::Approved(f) => f.approval,
            approval::Fact::Rejected(f) => f.approval,
            approval::Fact::Expired(f) => f.approval,
            approval::Fact::Withdrawn(f) => f.approval,
            approval::Fact::Delegated(f) => f.approval,
            approval::Fact::Ruled(f) => f.approval,
            approval::Fact::RuleOffered(_)
            | approval::Fact::RuleTaken(_)
            | approval::Fact::RuleEnded(_) => return Ok(()),
        };
        let decided = self
            .approvals
            .get_mut(&id)
            .ok_or_else(|| format!("{id} never came"))?;
        ensure(!*decided, || format!("{id} was decided before"))?;
        *decided = !matches!(
            fact,
            approval::Fact::Delegated(_) | approval::Fact::Ruled(_)
        );
        Ok(())
    }

    /// How often a person said of a call: try it again.
    pub(crate) fn retries(&self, run: RunId, index: u32) -> u32 {
        let retries = self.runs.get(&run).map(|run| &run.retries);
        retries
            .and_then(|retries| retries.get(&index))
            .copied()
            .unwrap_or(0)
    }
}

impl Walk {
    /// How often a person let a run that diverged begin again: its calls are made again too.
    pub(crate) fn restarts(&self, run: RunId) -> u32 {
        self.runs.get(&run).map_or(0, |run| run.restarts)
    }
}

const fn run_of(fact: &run::Fact) -> RunId {
    match fact {
        run::Fact::Started(f) => f.run,
        run::Fact::Recorded(f) => f.run,
        run::Fact::Called(f) => f.run,
        run::Fact::Answered(f) => f.run,
        run::Fact::Completed(f) => f.run,
        run::Fact::Failed(f) => f.run,
        run::Fact::Stopped(f) => f.run,
        run::Fact::Cancelled(f) => f.run,
        run::Fact::Diverged(f) => f.run,
        run::Fact::LeftUnknown(f) => f.run,
        run::Fact::Resolved(f) => f.run,
        run::Fact::Logged(f) => f.run,
    }
}

pub(crate) fn ensure(sound: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if sound { Ok(()) } else { Err(why()) }
}

/// Brings an aggregate that isn't loaded into a state.
pub(crate) type Fetch<'a> = &'a mut dyn FnMut(&mut State, &naos_kernel::Key) -> Result<(), String>;

/// Folds one fact; what isn't loaded is fetched, and absent where that brings nothing.
pub(crate) fn replay(
    state: &mut State,
    fact: &Fact,
    at: Time,
    fetch: Fetch<'_>,
) -> Result<(), String> {
    for _ in 0..64 {
        match naos_kernel::apply(state, fact, at) {
            Replay::Changed(changes) => {
                state.merge(changes);
                return Ok(());
            }
            Replay::Broken(what) => return Err(format!("doesn't fit the state: {what}")),
            Replay::Needs(needs) => {
                for need in needs {
                    let Need::Record(key) = need else {
                        return Err("replay asks for more than records".into());
                    };
                    state
                        .load(key.clone(), None)
                        .map_err(|key| format!("{key:?}"))?;
                    fetch(state, &key)?;
                }
            }
        }
    }
    Err("replay asks for more than it may".into())
}
