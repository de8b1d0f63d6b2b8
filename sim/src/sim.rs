//! One simulation: a shard, its commit thread, the outside, people, and the clock, on one thread.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use naos_engine::shard::{Incoming, Limits, Outgoing, Shard};
use naos_store::{Append, MemStore, Store, TenantStore};
use naos_types::fact::Fact;
use naos_types::fact::tenant::Broke;
use naos_types::{RunId, Seq, Span, TenantId, Time};

use crate::chance::Chance;
use crate::clients::{Clients, START};
use crate::events::{Event, Events};
use crate::execute::Outside;
use crate::faults::Faults;
use crate::journal::Walk;
use crate::node;
use crate::report::Report;
use crate::scenarios::Scenarios;
use crate::trace::Trace;

/// More steps than this and the simulation runs in circles.
const STEPS_MAX: u64 = 60_000;
/// Due alarms may turn out to be for nothing, and what can't be done is tried again each second;
/// but not so often in so many milliseconds.
const NOTHING_MAX: u32 = 50;
const NOTHING_MS: i64 = 5_000;
/// The longest time a simulation may stand for.
const DAYS_MAX: i64 = 6;

/// A shard that keeps next to nothing in memory.
const SMALL: Limits = Limits {
    dirty_max: 3,
    idle_aggregates_max: 4,
    open_cells_max: 1,
    inbox_depth_max: naos_engine::shard::INBOX_DEPTH_MAX,
};

pub(crate) struct Sim {
    pub(crate) limits: Limits,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) scenarios: Scenarios,
    /// The chance of the scenarios.
    pub(crate) extra: Chance,
    /// The chance of workflows and sagas.
    pub(crate) flow_chance: Chance,
    /// The chance of the bus.
    pub(crate) bus_chance: Chance,
    pub(crate) driver_chance: Chance,
    /// What consumers are done with, and say with their next visit.
    pub(crate) ready: BTreeMap<TenantId, Vec<Seq>>,
    /// Acknowledgements that a consumer was told of.
    pub(crate) promised: Vec<(TenantId, Seq)>,
    /// The chance of schedules.
    pub(crate) schedule_chance: Chance,
    /// The chance of supervisors.
    pub(crate) watch_chance: Chance,
    /// The chance of who pauses runs and skips steps.
    pub(crate) hand_chance: Chance,
    /// The chance of who sends what is waited for.
    pub(crate) wait_chance: Chance,
    pub(crate) store: MemStore,
    pub(crate) shard: Shard,
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) now: Time,
    /// What the machine's clock is wrong by.
    pub(crate) offset: Span,
    pub(crate) events: Events,
    pub(crate) to_shard: VecDeque<Incoming>,
    pub(crate) queue: VecDeque<Append>,
    pub(crate) commits: naos_engine::shard::Commits,
    pub(crate) committing: bool,
    pub(crate) told_at: Time,
    pub(crate) clients: Clients,
    pub(crate) outside: Outside,
    pub(crate) walks: BTreeMap<TenantId, Walk>,
    pub(crate) announced: BTreeMap<TenantId, Seq>,
    /// Whether the disk is full.
    pub(crate) full: bool,
    /// Outcomes that shards of earlier processes decided anew.
    pub(crate) given_back: u64,
    /// Whose next decision panics.
    pub(crate) poisoned: Option<TenantId>,
    /// At what a quarantined cell broke, as its journal says.
    pub(crate) broke: BTreeMap<TenantId, Broke>,
    /// Calls whose answer reached the shard, and in which process.
    pub(crate) outcomes: BTreeMap<(TenantId, RunId, u32), u64>,
    pub(crate) looked: BTreeMap<TenantId, Seq>,
    commands_left: u64,
    calm_from: Time,
    /// Since when, and how often.
    woken_for_nothing: (Time, u32),
    pub(crate) trace: Trace,
    pub(crate) report: Report,
}

/// What the streams of workflows and sagas begin with.
const FLOWS: u64 = 0x666c_6f77;
/// What the streams of the bus begin with.
const BUS: u64 = 0x6275_7300;
/// What the streams of drivers begin with.
const DRIVERS: u64 = 0x6472_6976;
/// What the streams of schedules begin with.
const SCHEDULES: u64 = 0x6372_6f6e;
/// What those of supervisors begin with.
const WATCHES: u64 = 0x7761_7463;

/// What those of hands begin with.
const HANDS: u64 = 0x6861_6e64;
/// What those of waits begin with.
const WAITS: u64 = 0x7761_6974;

/// Plays one seed; `spoken` prints what happens.
#[must_use]
pub fn run(seed: u64, spoken: bool) -> Report {
    let mut extra = Chance::new(seed ^ 0x7363_656e);
    let mut scenarios = Scenarios::roll(&mut extra);
    scenarios.flows = Chance::new(seed ^ FLOWS).once_in(2);
    scenarios.bus = Chance::new(seed ^ BUS).once_in(2);
    scenarios.schedules = Chance::new(seed ^ SCHEDULES).once_in(3);
    scenarios.watches = Chance::new(seed ^ WATCHES).once_in(2);
    scenarios.hands = Chance::new(seed ^ HANDS).once_in(2);
    // Seeds with schedules stay as they are: they meet what few others do.
    scenarios.drivers = !scenarios.schedules && Chance::new(seed ^ DRIVERS).once_in(2);
    scenarios.waits = !scenarios.schedules && Chance::new(seed ^ WAITS).once_in(2);
    let mut sim = Sim::new(seed, spoken, scenarios, extra);
    sim.play();
    sim.finish()
}

/// The same without any scenario: what a seed did before there were any.
#[must_use]
pub fn run_plain(seed: u64) -> Report {
    let mut sim = Sim::new(seed, false, Scenarios::default(), Chance::new(0));
    sim.play();
    sim.finish()
}

impl Sim {
    fn new(seed: u64, spoken: bool, scenarios: Scenarios, extra: Chance) -> Self {
        let mut chance = Chance::new(seed ^ 0x6e61_6f73);
        let store = MemStore::new(seed);
        // Small limits make common what is rare in a node: eviction, closing, early records.
        let small = chance.once_in(2);
        let limits = if small { SMALL } else { Limits::default() };
        let shard_chance = chance.fork();
        let shard = node::shard(&store, shard_chance.clone(), limits);
        let tenants: Vec<_> = (1..=chance.within(1, 3))
            .map(|n| TenantId(u128::from(n)))
            .collect();
        let faults = Faults::roll(&mut chance);
        let commands_left = chance.within(6, 24);
        let mut sim = Self {
            limits,
            faults,
            scenarios,
            extra,
            flow_chance: Chance::new(seed ^ FLOWS.rotate_left(16)),
            bus_chance: Chance::new(seed ^ BUS.rotate_left(16)),
            driver_chance: Chance::new(seed ^ DRIVERS.rotate_left(16)),
            ready: BTreeMap::new(),
            promised: Vec::new(),
            schedule_chance: Chance::new(seed ^ SCHEDULES.rotate_left(16)),
            watch_chance: Chance::new(seed ^ WATCHES.rotate_left(16)),
            hand_chance: Chance::new(seed ^ HANDS.rotate_left(16)),
            wait_chance: Chance::new(seed ^ WAITS.rotate_left(16)),
            store,
            shard,
            commands_left,
            now: START,
            offset: Span(0),
            events: Events::default(),
            to_shard: VecDeque::new(),
            queue: VecDeque::new(),
            commits: naos_engine::shard::Commits::default(),
            committing: false,
            told_at: START,
            clients: Clients::default(),
            outside: Outside::default(),
            walks: tenants
                .iter()
                .map(|tenant| (*tenant, Walk::new(*tenant)))
                .collect(),
            announced: BTreeMap::new(),
            full: false,
            given_back: 0,
            poisoned: None,
            broke: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            looked: BTreeMap::new(),
            calm_from: Time(i64::MAX),
            woken_for_nothing: (START, 0),
            trace: Trace::new(spoken),
            report: Report {
                seed,
                ..Report::default()
            },
            chance,
            tenants,
        };
        sim.begin_scenarios();
        sim.shard = node::shard(&sim.store, shard_chance, sim.limits);
        for tenant in sim.tenants.clone() {
            sim.begin(tenant);
        }
        sim.later(1_000, Event::Issue);
        if faults.crash_every_ms > 0 {
            let wait = sim.chance.below(faults.crash_every_ms);
            sim.later(wait, Event::Crash);
        }
        if faults.skew {
            let wait = sim.chance.below(3_600_000);
            sim.later(wait, Event::Skew);
        }
        sim
    }

    /// Something happens after so many milliseconds.
    pub(crate) fn later(&mut self, after_ms: u64, event: Event) {
        self.events
            .push(self.now + Span(after_ms.cast_signed()), event);
    }

    pub(crate) fn door(&self, tenant: TenantId) -> Arc<dyn TenantStore> {
        self.store
            .tenant(tenant)
            .expect("the memory store always opens")
    }

    /// Notes that a check failed; the first one ends the simulation.
    pub(crate) fn violated(&mut self, check: &str, detail: String) {
        self.trace
            .say(self.now, || format!("VIOLATED {check}: {detail}"));
        self.report.violations.push(format!("{check}: {detail}"));
    }

    pub(crate) fn faults_on(&self) -> bool {
        self.now < self.calm_from
    }

    /// What the machine's clock says.
    pub(crate) fn wall(&self) -> Time {
        self.now + self.offset
    }

    fn play(&mut self) {
        while self.report.violations.is_empty() {
            while let Some(event) = self.events.pop(self.now) {
                self.happen(event);
            }
            let due = self.shard.next_due().map(|at| at + Span(-self.offset.0));
            let busy = !self.to_shard.is_empty() || self.shard.is_busy();
            if busy || due.is_some_and(|at| at <= self.now) {
                self.step();
                self.now = self.now + Span(self.chance.below(3).cast_signed());
                continue;
            }
            let next = [due, self.events.next_at()].into_iter().flatten().min();
            match next {
                Some(at) => self.now = at.max(self.now),
                None => break,
            }
            if (self.now - START).0 > DAYS_MAX * 86_400_000 {
                self.violated(
                    "comes to rest",
                    format!("still at work after {DAYS_MAX} days"),
                );
            }
        }
    }

    fn step(&mut self) {
        self.report.steps += 1;
        if self.report.steps > STEPS_MAX {
            return self.violated("comes to rest", format!("{STEPS_MAX} steps"));
        }
        let waiting = self.to_shard.len() as u64;
        let some = waiting > 1 && self.chance.once_in(3);
        let count = if some {
            self.chance.within(1, waiting)
        } else {
            waiting
        };
        let inputs: Vec<_> = self
            .to_shard
            .drain(..usize::try_from(count).unwrap_or(0))
            .collect();
        self.reaches(&inputs);
        let asked = !inputs.is_empty() || self.shard.is_busy();
        let out = self.step_shard(inputs);
        self.wakes_for_something(asked || !out.is_empty());
        if self.dies_here() {
            return self.crash();
        }
        for outgoing in out {
            self.take_out(outgoing);
            if self.dies_here() {
                return self.crash();
            }
        }
        if self.report.steps.is_multiple_of(64) {
            self.check_states();
        }
    }

    /// A shard says when it has something to do, and not again and again while it can't do it.
    fn wakes_for_something(&mut self, something: bool) {
        let (since, times) = self.woken_for_nothing;
        let is_over = something || (self.now - since).0 > NOTHING_MS;
        self.woken_for_nothing = if is_over {
            (self.now, 0)
        } else {
            (since, times + 1)
        };
        if times > NOTHING_MAX && !is_over {
            let detail = format!("woken {times} times in {NOTHING_MS} ms");
            self.violated("a shard sleeps while it can do nothing", detail);
        }
    }

    fn dies_here(&mut self) -> bool {
        self.faults_on() && self.chance.once_in(self.faults.crash_in_step)
    }

    fn take_out(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Commit(append) => {
                self.trace.bytes(&append.batch.0.to_be_bytes());
                for entry in &append.entries {
                    self.trace.bytes(&entry.bytes);
                }
                self.queue.push_back(append);
                self.commit_later();
            }
            Outgoing::Reply {
                ticket,
                seq,
                result,
            } => {
                self.trace.number(ticket);
                self.trace
                    .bytes(&postcard::to_stdvec(&result).unwrap_or_default());
                self.trace
                    .say(self.now, || format!("reply {ticket} seq {seq} {result:?}"));
                self.answered(ticket, seq, result);
            }
            Outgoing::Execute { tenant, order } => {
                self.trace
                    .bytes(format!("{:?}", order.effect.id()).as_bytes());
                self.trace
                    .say(self.now, || format!("execute {:?}", order.effect.id()));
                self.execute(tenant, order);
            }
            Outgoing::Announce { tenant, facts } => self.announced(tenant, &facts),
            Outgoing::WakeAt { tenant, at } => {
                let at = (at + Span(-self.offset.0)).max(self.now);
                self.events.push(at, Event::Wake(tenant));
            }
        }
    }

    fn announced(&mut self, tenant: TenantId, facts: &[(Seq, Time, Fact)]) {
        let durable = self.door(tenant).head().map_or(0, |head| head.seq);
        for (seq, _, fact) in facts {
            self.trace.say(self.now, || {
                format!("fact {} {seq} {} {}", tenant.0, fact.kind(), {
                    format!("{fact:?}").chars().take(170).collect::<String>()
                })
            });
            self.check_outcomes(tenant, fact);
            self.look_at_schedule(fact);
            let before = self.announced.insert(tenant, *seq);
            if before.is_some_and(|before| before + 1 != *seq) {
                self.violated(
                    "facts are announced in order",
                    format!("{seq} after {before:?}"),
                );
            }
            if *seq > durable {
                self.violated("announced before durable", format!("{seq} of {durable}"));
            }
        }
        let wait = self.chance.below(600_000);
        self.later(wait, Event::Look(tenant));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Issue => {
                self.commands_left -= 1;
                self.issue();
                self.issue_flow();
                self.issue_schedule();
                self.issue_drill();
                self.issue_outer();
                self.issue_wait();
                if self.scenarios.bursts && self.extra.once_in(3) {
                    let at = self.extra.below(self.tenants.len() as u64);
                    self.burst(self.tenants[usize::try_from(at).unwrap_or(0)]);
                }
                if self.commands_left == 0 {
                    self.calm_from = self.now + Span::secs(900);
                } else {
                    let pause = *self.chance.pick(&[0, 5, 500, 60_000, 1_200_000]);
                    let wait = self.chance.within(0, pause);
                    self.later(wait, Event::Issue);
                }
            }
            Event::Send(index) => self.send(index),
            Event::GiveUp(ticket) => self.give_up(ticket),
            Event::Commit => self.commit(),
            Event::Told(inputs) => self.to_shard.extend(inputs),
            Event::Guest(tenant, run) => self.guest_goes_on(tenant, run),
            Event::Suspend(tenant, run, index) => self.guest_waited(tenant, run, index),
            Event::Arrive(tenant, call, sender) => self.arrive(tenant, *call, sender),
            Event::Back(envelope) if self.crowds() => {
                self.burst(envelope.tenant);
                self.later(0, Event::BackLate(envelope));
            }
            Event::Back(envelope) | Event::BackLate(envelope) => {
                self.trace
                    .say(self.now, || format!("back {:?}", envelope.ends));
                self.to_shard.push_back(Incoming::For(envelope));
            }
            Event::Look(tenant) => self.look(tenant),
            Event::Wake(tenant) => self.to_shard.push_back(Incoming::Wake(tenant)),
            Event::Crash => {
                if self.faults_on() {
                    self.crash();
                    let wait = self.chance.below(self.faults.crash_every_ms);
                    self.later(wait, Event::Crash);
                }
            }
            Event::Skew => {
                if self.faults_on() {
                    let jump = *self.chance.pick(&[-600_000, -1_000, 30_000, 7_200_000]);
                    self.offset = Span((self.offset.0 + jump).clamp(-3_600_000, 14_400_000));
                    let wait = self.chance.below(3_600_000);
                    self.later(wait, Event::Skew);
                }
            }
            Event::DiskFull(full) => self.disk(full),
            Event::Poison => self.poison(),
            Event::Die => {
                if self.faults_on() {
                    self.crash();
                }
            }
            Event::Mend(tenant) => self.mend(tenant),
            Event::Visit(tenant, left) => self.visit(tenant, left),
            Event::Use(tenant, left) => self.use_driver(tenant, left),
            Event::Enquire(tenant, left) => self.enquire(tenant, left),
            Event::Fill => {
                let some = self.chance.below(8);
                self.store.fill(usize::try_from(some).unwrap_or(0));
            }
        }
    }

    fn finish(mut self) -> Report {
        if self.report.violations.is_empty() {
            self.check_end();
        }
        for tenant in self.tenants.clone() {
            let entries = self.door(tenant).entries(0, usize::MAX).unwrap_or_default();
            self.report.facts += entries.len() as u64;
            for entry in entries {
                self.trace.bytes(&entry.bytes);
                *self
                    .report
                    .kinds
                    .entry(entry.kind.into_owned())
                    .or_default() += 1;
            }
        }
        self.report.meet(
            "outcome decided anew",
            self.given_back + self.shard.given_back(),
        );
        self.report.hash = self.trace.value();
        self.report.simulated_ms = (self.now - START).0.unsigned_abs();
        self.report.commands = self.clients.asked.len() as u64;
        self.report.requests = self.outside.requests();
        self.report
    }
}
