//! What is still to happen, by time.

use std::collections::BTreeMap;

use naos_engine::shard::{Envelope, Incoming, Ticket};
use naos_types::effect::Call;
use naos_types::{RunId, TenantId, Time};

/// Something that happens at a time.
pub(crate) enum Event {
    /// A client's next command.
    Issue,
    /// A client sends a command.
    Send(usize),
    /// A client waited long enough.
    GiveUp(Ticket),
    /// The commit thread takes what is queued.
    Commit,
    /// The commit thread tells.
    Told(Vec<Incoming>),
    /// A guest goes on.
    Guest(TenantId, RunId),
    /// A guest waited long enough in memory.
    Suspend(TenantId, RunId, u32),
    /// A request reaches its receiver; the number says which process sent it.
    Arrive(TenantId, Box<Call>, u64),
    /// A return reaches the shard.
    Back(Box<Envelope>),
    /// People look at what waits for them.
    Look(TenantId),
    /// A cell asked to be woken.
    Wake(TenantId),
    /// The process dies.
    Crash,
    /// The clock is set.
    Skew,
    /// The tenant files catch up a little.
    Fill,
    /// The disk has no space left, or has some again.
    DiskFull(bool),
    /// A return reaches the shard behind many commands.
    BackLate(Box<Envelope>),
    /// The process dies this once.
    Die,
    /// A rule is about to panic.
    Poison,
    /// The owner mends a quarantined cell.
    Mend(TenantId),
    /// A consumer of events comes by; so many times more.
    Visit(TenantId, u32),
    /// Somebody asks a driver for something; so many times more.
    Use(TenantId, u32),
    /// Somebody asks a driver outside; so many times more.
    Enquire(TenantId, u32),
}

impl Event {
    /// Whether it dies with the process that it belongs to.
    pub(crate) const fn is_inside(&self) -> bool {
        matches!(
            self,
            Self::Commit
                | Self::Told(_)
                | Self::Guest(..)
                | Self::Suspend(..)
                | Self::Back(_)
                | Self::BackLate(_)
                | Self::Wake(_)
        )
    }
}

/// All that is still to happen, in order.
#[derive(Default)]
pub(crate) struct Events {
    queue: BTreeMap<(Time, u64), Event>,
    count: u64,
}

impl Events {
    pub(crate) fn push(&mut self, at: Time, event: Event) {
        self.count += 1;
        self.queue.insert((at, self.count), event);
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// The next event that happens at or before `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<Event> {
        let (at, _) = self.queue.first_key_value()?.0;
        if *at > now {
            return None;
        }
        self.queue.pop_first().map(|(_, event)| event)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Event) -> bool) {
        self.queue.retain(|_, event| keep(event));
    }
}
