//! What a seed meets beside the workload and its faults. Rolled from a stream of its own, so that
//! a new scenario leaves the seeds without it as they were.

use std::collections::BTreeMap;

use naos_engine::shard::{Envelope, Incoming, NewBody, Outgoing};
use naos_kernel::run::Run;
use naos_kernel::{AnyAggregate, Key};
use naos_store::BODY_INLINE_BYTES_MAX;
use naos_types::effect::Caller;
use naos_types::fact::tenant::{self, Broke};
use naos_types::fact::{Fact, document, notice, run, task};
use naos_types::input::{CallOutcome, Input};
use naos_types::{Code, Kept, StagedBody, TenantId, command};

use crate::chance::Chance;
use crate::clients::Stand;
use crate::events::Event;
use crate::sim::Sim;

/// What may happen, by the name under which it is counted: a run of many seeds in which one of
/// these never happened has proved nothing about it.
pub const NAMES: &[&str] = &[
    "notice raised",
    "notice refused",
    "notice repeated",
    "inbox full",
    "return served while the inbox is full",
    "large body",
    "crash with a large body under way",
    "commit on a full disk",
    "outcome decided anew",
    "cell quarantined",
    "refused by a quarantined cell",
    "quarantine outlives a crash",
    "outcome kept by a quarantined cell",
    "kept input decided again",
    "kept input skipped",
    "saga undone",
    "a step could not be undone",
    "workflow resumed",
    "batch merged",
    "event given",
    "event given again",
    "event put aside",
    "event set something off",
    "circle of events broken",
    "driver given an event",
    "event waited for a driver",
    "driver rested",
    "endpoint asked",
    "endpoint answers later",
    "failure of a driver told",
    "schedule fired",
    "schedule missed",
    "schedule could not start",
    "root supervisor failed",
    "supervisor escalated",
    "child restarted",
    "run set aside",
    "run paused",
    "run went on",
    "step skipped by hand",
    "plan run by a plan",
    "signal taken",
    "signal came early",
    "event ended a wait",
    "wait timed out",
    "time came",
];

/// Which scenarios a seed has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scenarios {
    /// Tenants have somebody outside told of what waits.
    pub(crate) notices: bool,
    /// Many commands come at once into an inbox for few.
    pub(crate) bursts: bool,
    /// Contents are too large for the append that names them.
    pub(crate) large: bool,
    /// The disk is full for a while, every so many milliseconds; 0 is never.
    pub(crate) full_every_ms: u64,
    /// A rule panics, every so many milliseconds; 0 is never.
    pub(crate) poison_every_ms: u64,
    /// Tenants have workflows and sagas.
    pub(crate) flows: bool,
    /// Somebody listens to events.
    pub(crate) bus: bool,
    /// Tenants have a driver.
    pub(crate) drivers: bool,
    /// Tenants have schedules.
    pub(crate) schedules: bool,
    /// Tenants have supervisors.
    pub(crate) watches: bool,
    /// People pause runs and skip steps.
    pub(crate) hands: bool,
    /// Plans wait for events, signals and times.
    pub(crate) waits: bool,
}

/// How many commands wait in an inbox for few.
pub(crate) const FEW: usize = 3;
/// Bytes that make a content too large for the append that names it.
const LARGE_BYTES: usize = 20_000;
/// The longest time that the disk is full, and that a cell is quarantined.
const TROUBLE_MS_MAX: u64 = 60_000;

impl Scenarios {
    pub(crate) fn roll(chance: &mut Chance) -> Self {
        Self {
            notices: chance.once_in(2),
            bursts: chance.once_in(3),
            large: chance.once_in(3),
            full_every_ms: if chance.once_in(3) { 1_500_000 } else { 0 },
            poison_every_ms: if chance.once_in(3) { 900_000 } else { 0 },
            flows: false,     // rolled from a stream of its own
            bus: false,       // likewise
            drivers: false,   // likewise
            schedules: false, // likewise
            watches: false,   // likewise
            hands: false,     // likewise
            waits: false,     // likewise
        }
    }
}

impl Sim {
    /// The first of what comes again and again.
    pub(crate) fn begin_scenarios(&mut self) {
        if self.scenarios.bursts {
            self.limits.inbox_depth_max = FEW;
        }
        self.next_trouble(self.scenarios.full_every_ms, Event::DiskFull(true));
        self.next_trouble(self.scenarios.poison_every_ms, Event::Poison);
    }

    fn next_trouble(&mut self, every_ms: u64, event: Event) {
        if every_ms > 0 && self.faults_on() {
            let wait = self.extra.below(every_ms);
            self.later(wait, event);
        }
    }

    /// A text, made long in some seeds.
    pub(crate) fn text(&mut self, text: String) -> String {
        if self.scenarios.large && self.extra.once_in(3) {
            return format!("{text} {}", "long ".repeat(LARGE_BYTES / 5));
        }
        text
    }

    /// Whether a large content is kept before its command is sent, as a node does it, or by the
    /// shard.
    pub(crate) fn kept_before(&mut self, tenant: TenantId, body: &StagedBody) -> bool {
        if body.sealed.len() <= BODY_INLINE_BYTES_MAX {
            return false;
        }
        self.report.meet("large body", 1);
        self.extra.once_in(2) && self.door(tenant).put_large(body).is_ok()
    }

    /// The space goes, or comes back.
    pub(crate) fn disk(&mut self, full: bool) {
        self.full = full;
        self.store.set_full(full);
        self.trace.say(self.now, || format!("disk full: {full}"));
        if full {
            let wait = self.extra.below(TROUBLE_MS_MAX);
            self.later(wait, Event::DiskFull(false));
        } else {
            self.next_trouble(self.scenarios.full_every_ms, Event::DiskFull(true));
        }
    }

    /// Some tenant's next decision that reads or makes a content panics.
    pub(crate) fn poison(&mut self) {
        let at = self.extra.below(self.tenants.len() as u64);
        self.poisoned = Some(self.tenants[usize::try_from(at).unwrap_or(0)]);
        self.next_trouble(self.scenarios.poison_every_ms, Event::Poison);
    }

    /// One step of the shard, in which the poison works if there is any.
    pub(crate) fn step_shard(&mut self, inputs: Vec<Incoming>) -> Vec<Outgoing> {
        let now = self.wall();
        let Some(tenant) = self.poisoned.filter(|_| self.faults_on()) else {
            return self.shard.step(now, inputs);
        };
        self.store.poison(Some(tenant));
        let out = self.shard.step(now, inputs);
        if !self.store.poison(None) {
            self.poisoned = None;
            self.report.meet("cell quarantined", 1);
            self.trace
                .say(self.now, || format!("poisoned {}", tenant.0));
            let wait = self.extra.below(TROUBLE_MS_MAX);
            self.later(wait, Event::Mend(tenant));
        }
        out
    }

    /// The owner of a quarantined cell has the input tried again, or skips it.
    pub(crate) fn mend(&mut self, tenant: TenantId) {
        let command = if self.extra.once_in(2) {
            command::Tenant::Resume {}.into()
        } else {
            let reason = self.seal(tenant, "it was enough");
            command::Tenant::Skip { reason }.into()
        };
        self.ask(tenant, command, Vec::new(), None, true, 0);
    }

    /// Whether the journal says that the cell is quarantined.
    pub(crate) fn is_quarantined(&self, tenant: TenantId) -> bool {
        let walk = self.walks.get(&tenant);
        walk.is_some_and(|walk| walk.state.get(&Key::Quarantine(())).is_some())
    }

    /// What was skipped is known to its asker; what broke was made to break; and nothing stays
    /// quarantined.
    pub(crate) fn check_quarantines(&mut self, tenant: TenantId) {
        if self.is_quarantined(tenant) {
            return self.violated("nothing stays quarantined", format!("{}", tenant.0));
        }
        let Some(walk) = self.walks.get(&tenant) else {
            return;
        };
        let (mut kept, mut skipped) = (None, Vec::new());
        for (_, _, fact) in &walk.facts {
            match fact {
                Fact::Tenant(tenant::Fact::Quarantined(f)) => kept = f.kept,
                Fact::Tenant(tenant::Fact::Skipped(_)) => skipped.extend(kept.take()),
                _ => {}
            }
        }
        for name in skipped {
            let bytes = self.content(tenant, &name).unwrap_or_default();
            let Ok(kept) = Kept::decode(&bytes) else {
                return self.violated("a kept input can be read", name.digest.to_string());
            };
            let untold = self.clients.asked.iter().find(|asked| {
                let same = asked.same.as_ref().map(|same| &same.key);
                asked.tenant == tenant
                    && same.is_some_and(|key| kept.same.as_ref().is_some_and(|k| k.key == *key))
                    && !matches!(&asked.stand,
                        Stand::Refused(why) if why.code == Code::SKIPPED)
            });
            if let Some(asked) = untold {
                let detail = format!("{}: {:?}", asked.what, asked.stand);
                return self.violated("whoever asked for what was skipped is told", detail);
            }
        }
    }

    /// What reaches the shard in one step: returns beside more commands than an inbox takes.
    pub(crate) fn reaches(&mut self, inputs: &[Incoming]) {
        let mut commands: BTreeMap<TenantId, usize> = BTreeMap::new();
        for input in inputs {
            let Incoming::For(envelope) = input else {
                continue;
            };
            let waiting = commands.entry(envelope.tenant).or_default();
            if matches!(envelope.input, Input::Command { .. }) {
                *waiting += 1;
            } else if *waiting >= self.limits.inbox_depth_max {
                self.report.meet("return served while the inbox is full", 1);
            }
            if envelope.ends.is_some() {
                self.heard_outcome(envelope);
            }
        }
    }

    /// Whether many commands come just before this return.
    pub(crate) fn crowds(&mut self) -> bool {
        self.scenarios.bursts && self.faults_on() && self.extra.once_in(12)
    }

    /// A client sends a large content; sometimes nobody is there any more to hear of it.
    pub(crate) fn sends(&mut self, bodies: &[NewBody]) {
        let large = |body: &NewBody| body.staged.sealed.len() > BODY_INLINE_BYTES_MAX;
        if bodies.iter().any(large) && self.extra.once_in(8) {
            let wait = self.extra.below(12);
            self.later(wait, Event::Die);
        }
    }

    /// An answer reached the shard: nobody may be asked about that call any more.
    fn heard_outcome(&mut self, envelope: &Envelope) {
        if let Input::CallEnded(end) = &envelope.input
            && let (Caller::Run(run, index), CallOutcome::Answered(_)) = (end.by, &end.outcome)
        {
            let report = self.shard.report(envelope.tenant);
            if report.is_some_and(|report| report.quarantined.is_some()) {
                self.report.meet("outcome kept by a quarantined cell", 1);
            }
            // One that comes twice, the second time when the run began anew, answers nothing.
            let state = self.shard.state(envelope.tenant);
            let found = state.and_then(|state| state.get(&Key::Run(run)));
            let waits = |run: &Run| run.pending.as_ref().is_some_and(|p| p.index == index);
            if matches!(found, Some(AnyAggregate::Run(run)) if !waits(&run)) {
                return;
            }
            let place = (envelope.tenant, run, index);
            self.outcomes.insert(place, self.report.crashes);
        }
    }

    /// Facts about calls that were answered in this very process.
    pub(crate) fn check_outcomes(&mut self, tenant: TenantId, fact: &Fact) {
        match fact {
            Fact::Tenant(tenant::Fact::Quarantined(f)) => {
                self.broke.insert(tenant, f.broke.clone());
            }
            Fact::Tenant(tenant::Fact::Resumed(_)) => {
                self.broke.remove(&tenant);
                self.report.meet("kept input decided again", 1);
            }
            Fact::Tenant(tenant::Fact::Skipped(_)) => {
                self.report.meet("kept input skipped", 1);
                if let Some(Broke::CallEnded { by, .. }) = self.broke.remove(&tenant)
                    && let Caller::Run(run, index) = by
                {
                    self.outcomes.remove(&(tenant, run, index)); // its person is asked
                }
            }
            Fact::Run(run::Fact::Resolved(f)) => {
                self.outcomes.remove(&(tenant, f.run, f.index));
            }
            Fact::Run(run::Fact::Started(f)) => {
                self.outcomes
                    .retain(|(of, run, _), _| (*of, *run) != (tenant, f.run));
            }
            Fact::Run(run::Fact::LeftUnknown(f)) => {
                let told = self.outcomes.get(&(tenant, f.run, f.index));
                if told == Some(&self.report.crashes) {
                    let detail = format!("call {} of {}", f.index, f.run);
                    self.violated("no person is asked what was answered", detail);
                }
            }
            _ => {}
        }
    }

    /// What a fact names can be read, as long as the fact stands.
    pub(crate) fn check_bodies(&mut self) {
        for tenant in self.tenants.clone() {
            let Some(walk) = self.walks.get(&tenant) else {
                continue;
            };
            let named = walk.facts.iter().filter_map(|(seq, _, fact)| {
                let body = match fact {
                    Fact::Task(task::Fact::Opened(f)) => f.input,
                    Fact::Document(document::Fact::Written(f)) => f.body,
                    Fact::Run(run::Fact::Completed(f)) => f.output,
                    Fact::Notice(notice::Fact::Raised(f)) => f.request,
                    _ => return None,
                };
                Some((*seq, body))
            });
            let missing = named
                .filter_map(|(seq, body)| Some((seq, self.content(tenant, &body).err()?)))
                .next();
            if let Some((seq, why)) = missing {
                self.violated(
                    "a fact's content is there before it",
                    format!("{seq}: {why}"),
                );
            }
        }
    }
}
