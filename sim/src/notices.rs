//! Notices: whatever waits for a person is announced in the commit that lets it wait, and under one
//! key however often it is sent.

use std::collections::{BTreeMap, BTreeSet};

use naos_kernel::State;
use naos_types::fact::notice::{self, About};
use naos_types::fact::{Fact, approval, plan, resource, run, supervisor};
use naos_types::spec::Kind;
use naos_types::{Code, Name, NoticeId, TenantId};

use crate::journal::ensure;
use crate::sim::Sim;

/// What a notice's facts said so far.
#[derive(Default)]
pub(crate) struct Seen {
    attempts: u32,
    /// The last attempt failed; the next may begin.
    rests: bool,
    closed: bool,
}

/// What a journal says about notices.
#[derive(Default)]
pub(crate) struct Notices {
    outlets: BTreeSet<Name>,
    pub(crate) seen: BTreeMap<NoticeId, Seen>,
    /// What had to be announced.
    wanted: Vec<NoticeId>,
}

impl Notices {
    /// `state` is what it is after the fact.
    pub(crate) fn take(&mut self, fact: &Fact, state: &State) -> Result<(), String> {
        match fact {
            Fact::Resource(resource::Fact::Applied(f)) if f.kind == Kind::Notice => {
                self.outlets.insert(f.name.clone());
            }
            Fact::Resource(resource::Fact::Deleted(f)) if f.kind == Kind::Notice => {
                self.outlets.remove(&f.name);
            }
            Fact::Approval(approval::Fact::Requested(f)) => {
                self.wants(&About::Approval(f.approval));
            }
            Fact::Run(run::Fact::LeftUnknown(f)) => {
                let key = naos_kernel::Key::Run(f.run);
                if let Some(naos_kernel::AnyAggregate::Run(run)) = state.get(&key) {
                    let before = run.pending.as_ref().map_or(0, |pending| pending.attempts);
                    self.wants(&About::Unknown(f.run, run.attempt, f.index, before));
                }
            }
            Fact::Run(run::Fact::Failed(f)) if f.problem.code == Code::OVERBILLED => {
                self.wants(&About::Overbilled(f.run));
            }
            Fact::Plan(plan::Fact::StepFailed(f)) if f.retry_at.is_none() => {
                let key = naos_kernel::Key::Plan(f.plan);
                if let Some(naos_kernel::AnyAggregate::Plan(plan)) = state.get(&key)
                    && plan.flow.undoes(&f.at.step)
                {
                    let place = plan.spec.steps.iter().position(|s| s.name == f.at.step);
                    let place = place.map_or(0, |at| at as u32 + 1);
                    let attempt = plan.steps.get(&f.at.step).map_or(0, |step| step.attempt);
                    self.wants(&About::NotUndone(f.plan, place, attempt));
                }
            }
            Fact::Supervisor(supervisor::Fact::Failed(f)) if f.parent.is_none() => {
                let key = naos_kernel::Key::Supervisor(f.supervisor.clone());
                if let Some(naos_kernel::AnyAggregate::Supervisor(found)) = state.get(&key) {
                    self.wants(&About::GaveUp(f.supervisor.clone(), found.since));
                }
            }
            Fact::Notice(fact) => return self.notice(fact),
            _ => {}
        }
        Ok(())
    }

    fn wants(&mut self, about: &About) {
        let ids = self.outlets.iter();
        self.wanted
            .extend(ids.filter_map(|to| naos_kernel::notice::id(about, to)));
    }

    fn notice(&mut self, fact: &notice::Fact) -> Result<(), String> {
        let id = match fact {
            notice::Fact::Raised(f) => {
                let before = self.seen.insert(f.notice, Seen::default());
                return ensure(before.is_none(), || format!("{} came twice", f.notice));
            }
            notice::Fact::Tried(f) => f.notice,
            notice::Fact::Repeated(f) => f.notice,
            notice::Fact::Delivered(f) => f.notice,
            notice::Fact::GivenUp(f) => f.notice,
            notice::Fact::Withdrawn(f) => f.notice,
            notice::Fact::Gathered(_) | notice::Fact::Scattered(_) => return Ok(()),
        };
        let seen = self
            .seen
            .get_mut(&id)
            .ok_or_else(|| format!("{id} never came"))?;
        ensure(!seen.closed, || format!("{id} ended before"))?;
        match fact {
            notice::Fact::Tried(f) => {
                ensure(!seen.rests && f.attempt == seen.attempts + 1, || {
                    format!("{id} failed at {} after {}", f.attempt, seen.attempts)
                })?;
                (seen.attempts, seen.rests) = (f.attempt, true);
            }
            notice::Fact::Repeated(f) => {
                ensure(seen.rests && f.attempt == seen.attempts + 1, || {
                    format!("{id} repeats {} after {}", f.attempt, seen.attempts)
                })?;
                seen.rests = false;
            }
            _ => seen.closed = true,
        }
        Ok(())
    }
}

impl Sim {
    /// What waits was announced; nobody was told twice of the same.
    pub(crate) fn check_notices(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let notices = &walk.notices;
        let missed = notices
            .wanted
            .iter()
            .find(|id| !notices.seen.contains_key(id));
        let missed = missed.map(|id| format!("{id} was never raised"));
        let twice = notices.seen.keys().find_map(|id| {
            let prefix = format!("{}/{id}", tenant.0);
            let keys = self.outside.honouring.by_key.range(prefix.clone()..);
            let ours = keys.take_while(|(key, _)| key.starts_with(&prefix));
            let acted: u32 = ours.map(|(_, count)| count.effects).sum();
            (acted > 1).then(|| format!("{id} acted {acted} times"))
        });
        let raised = notices.seen.len() as u64;
        let repeated = notices
            .seen
            .values()
            .filter(|seen| seen.attempts > 0)
            .count() as u64;
        self.report.meet("notice raised", raised);
        self.report.meet("notice repeated", repeated);
        if let Some(wrong) = missed.or(twice) {
            self.violated("what waits is announced once", wrong);
        }
    }
}
