//! Supervisors: nothing is restarted more often than it may be, nobody who failed is forgotten,
//! and who has spent their budget isn't restarted. Read from the journal alone, without the rules'
//! own eyes.

use std::collections::{BTreeMap, BTreeSet};

use naos_kernel::{AnyAggregate, Key, State};
use naos_types::fact::{Fact, agent, resource, supervisor};
use naos_types::spec::{Kind, OnExceed, Restart, Spec, SupervisorSpec};
use naos_types::{
    Name, Sealed, Span, Spender, SubjectId, SupervisorStatus, TenantId, Time, command,
};

use crate::chance::Chance;
use crate::journal::ensure;
use crate::sim::Sim;
use crate::workload::name;

/// The one that watches agents, and the one that watches it.
const LOWER: &str = "boss";
const UPPER: &str = "top";

/// What the facts about supervisors said so far.
#[derive(Default)]
pub(crate) struct Watches(BTreeMap<Name, Seen>);

#[derive(Default)]
struct Seen {
    spec: SupervisorSpec,
    /// When something was restarted, since it began.
    restarts: Vec<Time>,
    /// Who is to be restarted.
    owed: BTreeSet<Name>,
    /// Whether it rests, so that it owes nothing.
    rests: bool,
}

impl Watches {
    /// `state` is what it is after the fact.
    pub(crate) fn take(&mut self, fact: &Fact, at: Time, state: &State) -> Result<(), String> {
        match fact {
            Fact::Resource(resource::Fact::Applied(f)) => {
                if let Spec::Supervisor(spec) = &f.spec {
                    self.0.entry(f.name.clone()).or_default().spec = spec.clone();
                }
                Ok(())
            }
            Fact::Agent(agent::Fact::Restarted(f)) => ensure(!spent(state, &f.name, at), || {
                format!("{} is restarted and has no budget left", f.name)
            }),
            Fact::Supervisor(fact) => self.supervisor(fact, at),
            _ => Ok(()),
        }
    }

    fn supervisor(&mut self, fact: &supervisor::Fact, at: Time) -> Result<(), String> {
        let of = |name: &Name| format!("there is no supervisor {name}");
        match fact {
            supervisor::Fact::ChildFailed(f) => {
                let seen = self
                    .0
                    .get_mut(&f.supervisor)
                    .ok_or_else(|| of(&f.supervisor))?;
                ensure(!seen.rests, || format!("{} rests", f.supervisor))?;
                let window = seen.spec.window.0;
                seen.restarts.retain(|then| at.0 - then.0 < window);
                let most = seen.spec.max_restarts as usize;
                if f.restart_at.is_none() {
                    return ensure(seen.restarts.len() >= most, || {
                        format!("{} gives up after {}", f.supervisor, seen.restarts.len())
                    });
                }
                seen.restarts.push(at);
                ensure(seen.restarts.len() <= most, || {
                    format!("{} restarts more than {most} times", f.supervisor)
                })?;
                let wanted = who(&seen.spec, &f.child);
                ensure(f.restart == wanted, || {
                    format!("{:?} are restarted and not {wanted:?}", f.restart)
                })?;
                seen.owed.extend(wanted);
            }
            supervisor::Fact::ChildRestarted(f) => self.paid(&f.supervisor, &f.child)?,
            supervisor::Fact::ChildLeft(f) => self.paid(&f.supervisor, &f.child)?,
            supervisor::Fact::Failed(f) => self.rests(&f.supervisor),
            supervisor::Fact::Suspended(f) => self.rests(&f.supervisor),
            supervisor::Fact::Stopped(f) => self.rests(&f.supervisor),
            supervisor::Fact::Started(f) => self.begins(&f.supervisor),
            supervisor::Fact::Reset(f) => {
                if self.0.get(&f.supervisor).is_some_and(|seen| seen.rests) {
                    self.begins(&f.supervisor);
                    // A person was faster than the one above.
                    for above in self.0.values_mut() {
                        above.owed.remove(&f.supervisor);
                    }
                } else if let Some(seen) = self.0.get_mut(&f.supervisor) {
                    seen.restarts.clear();
                }
            }
            supervisor::Fact::SetAside(_) => {}
        }
        Ok(())
    }

    fn paid(&mut self, supervisor: &Name, child: &Name) -> Result<(), String> {
        let seen = self.0.get_mut(supervisor);
        let owed = seen.is_some_and(|seen| seen.owed.remove(child));
        ensure(owed, || format!("{child} is restarted and didn't fail"))
    }

    fn rests(&mut self, supervisor: &Name) {
        let seen = self.0.entry(supervisor.clone()).or_default();
        seen.rests = true;
        seen.owed.clear();
    }

    fn begins(&mut self, supervisor: &Name) {
        let seen = self.0.entry(supervisor.clone()).or_default();
        seen.rests = false;
        seen.restarts.clear();
        seen.owed = seen.spec.children.iter().cloned().collect();
    }

    /// Who still waits for a restart though nothing is to happen any more.
    pub(crate) fn forgotten(&self) -> Vec<String> {
        let owing = self.0.iter().filter(|(_, seen)| !seen.owed.is_empty());
        owing
            .map(|(name, seen)| format!("{name} owes {:?} a restart", seen.owed))
            .collect()
    }
}

fn who(spec: &SupervisorSpec, child: &Name) -> Vec<Name> {
    let at = spec.children.iter().position(|name| name == child);
    match (spec.strategy, at) {
        (Restart::OneForAll, _) => spec.children.clone(),
        (Restart::RestForOne, Some(at)) => spec.children[at..].to_vec(),
        _ => vec![child.clone()],
    }
}

fn spent(state: &State, agent: &Name, now: Time) -> bool {
    let of = |whose| match state.get(&Key::Budget(whose)) {
        Some(AnyAggregate::Budget(budget)) => {
            let current = budget.window_at(now) == budget.window;
            budget.spec.as_ref().is_some_and(|spec| {
                spec.on_exceed == OnExceed::Pause && current && budget.spent >= spec.limit
            })
        }
        _ => false,
    };
    of(Spender::Agent(agent.clone())) || of(Spender::All)
}

fn spec(chance: &mut Chance, children: &[&str]) -> Spec {
    Spec::Supervisor(SupervisorSpec {
        strategy: *chance.pick(&[Restart::OneForOne, Restart::OneForAll, Restart::RestForOne]),
        max_restarts: u32::try_from(chance.within(0, 4)).unwrap_or(0),
        window: Span::secs(chance.within(30, 900).cast_signed()),
        children: children.iter().map(|child| name(child)).collect(),
        ..SupervisorSpec::default()
    })
}

impl Sim {
    /// What a tenant begins with that has supervisors.
    pub(crate) fn begin_watches(&mut self, tenant: TenantId) {
        for (called, children) in [
            (UPPER, &[LOWER, "helper"][..]),
            (LOWER, &["worker", "faulty", "reviewer"]),
        ] {
            let spec = spec(&mut self.watch_chance, children);
            let (kind, name) = (Kind::Supervisor, name(called));
            let command = command::Resource::Apply { kind, name, spec };
            self.ask(tenant, command.into(), Vec::new(), None, true, 3);
        }
    }

    /// A drill, now and then.
    pub(crate) fn issue_drill(&mut self) {
        if !self.scenarios.watches || !self.watch_chance.once_in(6) {
            return;
        }
        let at = self.watch_chance.below(self.tenants.len() as u64);
        let tenant = self.tenants[usize::try_from(at).unwrap_or(0)];
        let chosen: &&str = self.watch_chance.pick(&[UPPER, LOWER]);
        let name = name(chosen);
        let command = match self.watch_chance.below(3) {
            0 => command::Supervisor::Stop { name },
            1 => command::Supervisor::Reset { name },
            _ => command::Supervisor::Fail {
                name,
                reason: Sealed::from_parts(SubjectId::TENANT, [0; 12], b"a drill".to_vec()),
            },
        };
        self.ask(tenant, command.into(), Vec::new(), None, true, 0);
    }

    /// What people do about supervisors that rest and wait for them.
    pub(crate) fn look_at_watch(&mut self, tenant: TenantId, fact: &Fact) {
        let Fact::Supervisor(fact) = fact else { return };
        let command = match fact {
            supervisor::Fact::Failed(f) if f.parent.is_none() => {
                self.report.meet("root supervisor failed", 1);
                let name = f.supervisor.clone();
                command::Supervisor::Reset { name }
            }
            supervisor::Fact::Failed(_) => {
                self.report.meet("supervisor escalated", 1);
                return;
            }
            supervisor::Fact::Stopped(f) => {
                let name = f.supervisor.clone();
                command::Supervisor::Start { name }
            }
            supervisor::Fact::ChildRestarted(_) => {
                self.report.meet("child restarted", 1);
                return;
            }
            supervisor::Fact::SetAside(_) => {
                self.report.meet("run set aside", 1);
                return;
            }
            _ => return,
        };
        let wait = self.watch_chance.below(600_000);
        self.ask(tenant, command.into(), Vec::new(), None, true, wait);
    }

    /// At the end nobody is forgotten; who rests does so until a person says otherwise.
    pub(crate) fn check_watches(&mut self, tenant: TenantId) {
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let wrong = walk.watches.forgotten();
        if !wrong.is_empty() {
            self.violated("who failed is restarted", wrong.join(", "));
        }
    }

    /// Whether a run waits for an agent that rests because a person has yet to do something.
    pub(crate) fn rests(state: &State, agent: &Name) -> bool {
        let down = match state.get(&Key::Agent(agent.clone())) {
            Some(AnyAggregate::Agent(agent)) => agent.down,
            _ => false,
        };
        let mut all = state.all().into_iter();
        down && all.any(|(_, any)| match any {
            AnyAggregate::Supervisor(found) => matches!(
                found.status(),
                SupervisorStatus::Failed | SupervisorStatus::Stopped
            ),
            _ => false,
        })
    }
}
