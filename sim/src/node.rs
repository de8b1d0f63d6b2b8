//! The process around the shard: its commit thread, and its end.

use std::sync::Arc;

use naos_engine::shard::{Commits, Limits, NewBody, Shard};
use naos_store::{BODY_INLINE_BYTES_MAX, CommitFault, MemStore, Store};
use naos_types::{Span, Time};

use crate::chance::{Chance, SimDice};
use crate::clients::Waiter;
use crate::events::Event;
use crate::sim::Sim;

/// A shard over the store, as a process begins with it.
pub(crate) fn shard(store: &MemStore, chance: Chance, limits: Limits) -> Shard {
    Shard::with_limits(Arc::new(store.clone()), Box::new(SimDice(chance)), limits)
}

impl Sim {
    pub(crate) fn commit_later(&mut self) {
        if !self.committing {
            self.committing = true;
            let wait = self.chance.below(6);
            self.later(wait, Event::Commit);
        }
    }

    /// The commit thread: some of what is queued, with one sync.
    pub(crate) fn commit(&mut self) {
        self.committing = false;
        let count = self.chance.within(1, self.queue.len() as u64);
        let group: Vec<_> = self
            .queue
            .drain(..usize::try_from(count).unwrap_or(0))
            .collect();
        self.report.commits += 1;
        if self.full {
            self.report.meet("commit on a full disk", 1);
        }
        if self.faults_on() && self.chance.once_in(self.faults.commit) {
            self.report.commit_faults += 1;
            let written = self.chance.once_in(2);
            let sync = CommitFault::SyncFailed { written };
            let fault = *self
                .chance
                .pick(&[CommitFault::Full, CommitFault::Io, sync]);
            self.store.fail_next_commit(fault);
        }
        let Ok(told) = self.commits.commit(&self.store.clone(), group) else {
            return self.crash();
        };
        let wait = Span(self.chance.below(8).cast_signed());
        self.told_at = self.told_at.max(self.now + wait);
        self.events.push(self.told_at, Event::Told(told));
        if self.chance.once_in(3) {
            self.later(1, Event::Fill);
        }
        if !self.queue.is_empty() {
            self.commit_later();
        }
    }

    /// The process dies, and another one starts.
    pub(crate) fn crash(&mut self) {
        self.trace.say(self.now, || "CRASH".into());
        self.report.crashes += 1;
        self.check_states();
        let large = |body: &NewBody| body.staged.sealed.len() > BODY_INLINE_BYTES_MAX;
        let under_way = self.clients.waiting.values().filter(|waiter| match waiter {
            Waiter::Client { command } => self.clients.asked[*command].bodies.iter().any(large),
            _ => false,
        });
        let under_way = under_way.count() as u64;
        self.report
            .meet("crash with a large body under way", under_way);
        self.given_back += self.shard.given_back();
        self.store.crash();
        self.check_records();
        let tenants = self.tenants.iter();
        let standing = tenants
            .filter(|tenant| self.is_quarantined(**tenant))
            .count();
        self.report
            .meet("quarantine outlives a crash", standing as u64);
        self.check_bodies();
        self.events.retain(|event| !event.is_inside());
        let mut chance = self.chance.fork();
        self.events
            .retain(|event| !matches!(event, Event::Arrive(..)) || !chance.once_in(2));
        self.to_shard.clear();
        self.queue.clear();
        self.commits = Commits::default();
        self.committing = false;
        self.announced.clear();
        self.outside.live.clear();
        self.shard = shard(&self.store, self.chance.fork(), self.limits);
        for (_, waiter) in std::mem::take(&mut self.clients.waiting) {
            if let Waiter::Client { command } = waiter {
                self.unanswered(command);
            }
        }
        // As a node does it: only cells that have something to do are opened.
        for (tenant, at) in self.store.due(Time(i64::MAX)).unwrap_or_default() {
            let at = (at + Span(-self.offset.0)).max(self.now);
            self.events.push(at, Event::Wake(tenant));
        }
        for tenant in self.tenants.clone() {
            let wait = self.chance.below(60_000);
            self.later(wait, Event::Look(tenant));
        }
    }
}
