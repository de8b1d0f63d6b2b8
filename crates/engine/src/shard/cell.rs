//! One cell: its state, what waits for it, what is staged and not yet durable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use naos_kernel::recall::{Embedder, Grams};
use naos_kernel::{AnyAggregate, Input, Key, State};
use naos_store::{InboxRow, Record, TenantStore};
use naos_types::effect::EffectId;
use naos_types::{BatchId, Code, Digest, Refusal, Seq, Span, TenantId, Time};

use super::beats::Beats;
use super::left::{Leaves, Left};
use super::parsed::Parsed;
use super::quarantine::Quarantined;
use super::routes::{Routes, RoutesReport};
use super::{Envelope, Limits, Outgoing, SameAs, Ticket};
use naos_types::command::Reply;
use naos_types::fact::Fact;

/// Something that waits in the lane of returns.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most of what waits is an own step, which lies here without an allocation"
)]
pub(super) enum Queued {
    /// An outcome.
    Envelope(Box<Envelope>),
    /// The cell's own next step.
    Own(Input),
}

/// What was decided in one append and leaves when it is durable.
#[derive(Debug, Default)]
pub struct Staged {
    /// The append that carries it; none where nothing had to be written.
    pub batch: Option<BatchId>,
    /// The last seq that must be durable.
    pub seq: Seq,
    /// Whom to tell what, and the seq it relies on: for what is said again, that of the first time.
    pub replies: Vec<(Ticket, Seq, Result<Reply, Refusal>)>,
    /// What to carry out.
    pub orders: Vec<naos_kernel::Order>,
    /// What to announce.
    pub facts: Vec<(Seq, Time, Fact)>,
    /// What changed: none for what was taken away.
    pub changed: BTreeMap<Key, Option<AnyAggregate>>,
    /// The bodies that become readable from the store.
    pub bodies: Vec<Digest>,
    /// Whether the store must have all records before the replies leave.
    pub flush: bool,
    /// The commands it answers.
    pub answered: Vec<(String, String)>,
    /// The outcomes it was decided from: they are decided anew if it is never written.
    pub outcomes: Vec<Envelope>,
}

/// What is known about an open cell.
#[derive(Clone, Debug, Default)]
pub struct CellReport {
    /// The last seq that is decided.
    pub seq: Seq,
    /// The last seq that is durable.
    pub durable: Seq,
    /// How many commands wait.
    pub outside: usize,
    /// How many returns wait.
    pub returns: usize,
    /// How many effects are under way.
    pub running: usize,
    /// How many aggregates are in memory.
    pub aggregates: usize,
    /// Whether it was only read so far: its work waits for whoever asks for more.
    pub asleep: bool,
    /// Why it is quarantined.
    pub quarantined: Option<String>,
    /// What remembering rankings of the broker was good for.
    pub routes: RoutesReport,
    /// How many commands it refused for that since the process began.
    pub refused: u64,
}

impl CellReport {
    /// Whether the end of its node has nothing to wait for here: what came back is decided, and
    /// durable. One that was only read decides nothing before somebody gives it work.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.seq == self.durable && (self.returns == 0 || self.asleep)
    }
}

pub(super) struct Cell {
    pub(super) id: TenantId,
    pub(super) store: Arc<dyn TenantStore>,
    pub(super) state: State,
    pub(super) seq: Seq,
    pub(super) durable: Seq,
    pub(super) epoch: u64,
    pub(super) outside: VecDeque<Envelope>,
    pub(super) returns: VecDeque<Queued>,
    pub(super) staged: VecDeque<Staged>,
    /// Effects that are wished for or under way: none is started twice.
    pub(super) running: BTreeSet<EffectId>,
    /// Contents that are staged and can't be read from the store yet.
    pub(super) fresh: BTreeMap<Digest, Arc<[u8]>>,
    /// Answers that are staged and can't be read from the store yet.
    pub(super) answers: BTreeMap<(String, String), (Digest, Seq, Reply)>,
    /// Durable changes that the store doesn't have as records yet.
    pub(super) dirty: BTreeMap<Key, Option<AnyAggregate>>,
    pub(super) alarms: BTreeSet<(Time, Key)>,
    pub(super) alarm_of: BTreeMap<Key, Time>,
    /// Schedules that wait.
    pub(super) beats: Beats,
    /// Commands wait, and the last step came to none of them.
    pub(super) commands_wait: bool,
    pub(super) quarantined: Option<Quarantined>,
    /// It is only read so far: what it wished for when it was opened, and nobody began.
    pub(super) asleep: Option<Vec<Outgoing>>,
    /// An append failed: nothing is decided before.
    pub(super) rest_until: Option<Time>,
    /// Returns are decided again from then on: the disk is full, say. Commands go on, and hear so.
    pub(super) waits_until: Option<Time>,
    /// The node ends soon: no run asks a model any more.
    pub(super) is_ending: bool,
    /// What is left to other processes, where there may be some.
    pub(super) leaves: Option<Leaves>,
    /// What was left to them, or to the next start.
    pub(super) left: Left,
    pub(super) used: u64,
    pub(super) limits: Limits,
    /// Rankings of the broker that are remembered.
    pub(super) routes: Routes,
    /// Contents that are handed out in parts, while there is work.
    pub(super) parsed: Parsed,
    /// What puts texts into one space.
    pub(super) embedder: Arc<dyn Embedder>,
}

impl Cell {
    pub(super) fn new(id: TenantId, store: Arc<dyn TenantStore>, seq: Seq, epoch: u64) -> Self {
        Self {
            id,
            store,
            state: State::new(),
            seq,
            durable: seq,
            epoch,
            outside: VecDeque::new(),
            returns: VecDeque::new(),
            staged: VecDeque::new(),
            running: BTreeSet::new(),
            fresh: BTreeMap::new(),
            answers: BTreeMap::new(),
            dirty: BTreeMap::new(),
            alarms: BTreeSet::new(),
            alarm_of: BTreeMap::new(),
            beats: Beats::default(),
            commands_wait: false,
            quarantined: None,
            asleep: None,
            rest_until: None,
            waits_until: None,
            is_ending: false,
            leaves: None,
            left: Left::default(),
            used: 0,
            limits: Limits::default(),
            routes: Routes::default(),
            parsed: Parsed::default(),
            embedder: Arc::new(Grams),
        }
    }

    pub(super) fn report(&self) -> CellReport {
        CellReport {
            seq: self.seq,
            durable: self.durable,
            outside: self.outside.len(),
            returns: self.returns.len(),
            running: self.running.len(),
            aggregates: self.state.len(),
            asleep: self.asleep.is_some(),
            quarantined: self.quarantined.as_ref().map(|q| q.why.clone()),
            refused: self.quarantined.as_ref().map_or(0, |q| q.refused),
            routes: self.routes.report,
        }
    }

    pub(super) fn has_work(&self) -> bool {
        let returns = !self.returns.is_empty() && self.waits_until.is_none();
        self.may_decide() && (returns || !self.outside.is_empty())
    }

    /// Whether anything can be decided now, apart from what its owner mends.
    pub(super) const fn may_decide(&self) -> bool {
        self.quarantined.is_none() && self.asleep.is_none()
    }

    /// Lets it go on if it was only read so far.
    pub(super) fn awake(&mut self, out: &mut Vec<Outgoing>) -> bool {
        let held = self.asleep.take();
        let slept = held.is_some();
        out.extend(held.into_iter().flatten());
        slept
    }

    pub(super) const fn is_quarantined(&self) -> bool {
        self.quarantined.is_some()
    }

    /// Whether it is quarantined for a reason that its journal can't tell.
    pub(super) fn is_unwritten(&self) -> bool {
        self.quarantined.as_ref().is_some_and(|q| !q.journaled)
    }

    pub(super) fn has_staged(&self, batch: BatchId) -> bool {
        self.staged.iter().any(|staged| staged.batch == Some(batch))
    }

    /// Whether it can be closed without losing anything.
    pub(super) fn is_idle(&self) -> bool {
        self.quarantined.is_none()
            && !self.has_work()
            && self.returns.is_empty()
            && self.staged.is_empty()
            && self.running.is_empty()
    }

    /// Whether nothing that came back can be decided, and nothing that was is on its way.
    pub(super) fn is_settled(&self) -> bool {
        let can_decide = self.may_decide() && self.rest_until.or(self.waits_until).is_none();
        let came = |queued: &Queued| matches!(queued, Queued::Envelope(_));
        self.staged.is_empty() && !(can_decide && self.returns.iter().any(came))
    }

    pub(super) fn quarantine_refusal(&self) -> Option<Refusal> {
        let why = self.quarantined.as_ref()?;
        let what = format!("this tenant's cell is quarantined: {}", why.why);
        Some(Refusal::new(Code::QUARANTINED, what))
    }

    /// An effect ended while nobody could decide about it: it is wished for again later.
    pub(super) fn keep(&mut self, ends: Option<EffectId>) {
        if let Some(effect) = ends {
            self.running.remove(&effect);
        }
    }

    pub(super) fn next_due(&self) -> Option<Time> {
        if !self.may_decide() {
            return None; // whatever is due waits for its owner, or for the first who asks
        }
        if self.rest_until.is_some() && !naos_kernel::planted::is("wakes-while-it-rests") {
            return self.rest_until; // what is due before isn't decided before
        }
        let alarm = self.alarms.first().map(|(at, _)| *at);
        let own = alarm.into_iter().chain(self.rest_until);
        // Beats that can't be read now are looked for when the cell has waited.
        let beat = self.beats.next_due().filter(|_| self.waits_until.is_none());
        let own = own.chain(beat).chain(self.waits_until);
        own.chain(self.left.until).min()
    }

    /// Whether it rests; a clock that was set back ends that.
    pub(super) fn rests(&self, now: Time) -> bool {
        let left = self.rest_until.map(|until| (until - now).0);
        left.is_some_and(|left| (1..=super::REST_MS).contains(&left))
    }

    /// What can't be decided now is tried again, not all the time.
    pub(super) fn wait_from(&mut self, now: Time) {
        self.waits_until = Some(now + Span(super::WAIT_MS));
    }

    /// A lower bound of when a cell that isn't open must be opened: at once while something is
    /// under way, for after a crash only the journal knows of it; and while it is quarantined, so
    /// that whoever looks after the node sees it.
    pub(super) fn wake(&self) -> Option<Time> {
        let own = self.returns.iter().any(|q| matches!(q, Queued::Own(_)));
        let left = !self.left.is_empty();
        if own || left || !self.running.is_empty() || self.quarantined.is_some() {
            Some(Time(0)) // whatever the clock says by then
        } else {
            self.next_due()
        }
    }

    pub(super) fn is_due(&self, now: Time) -> bool {
        let rested = self.rest_until.is_some() && !self.rests(now);
        let alarm = self.alarms.first().is_some_and(|(at, _)| *at <= now);
        let waited = self.waits_until.is_some_and(|at| at <= now);
        let beat = self.beats.next_due().is_some_and(|at| at <= now);
        let beat = beat && self.waits_until.is_none();
        let left = self.left.until.is_some_and(|at| at <= now);
        let own = (alarm || beat || waited || left) && self.rest_until.is_none();
        self.may_decide() && (rested || own)
    }

    /// Queues what is due; each alarm rings once.
    pub(super) fn queue_due(&mut self, now: Time) {
        self.waits_until = self.waits_until.filter(|at| *at > now);
        while let Some((at, key)) = self.alarms.first().cloned() {
            if at > now {
                return;
            }
            self.alarms.remove(&(at, key.clone()));
            self.alarm_of.remove(&key);
            if naos_kernel::planted::is("double-timer") {
                self.returns.push_back(Queued::Own(Input::Due(key.clone())));
            }
            self.returns.push_back(Queued::Own(Input::Due(key)));
        }
    }

    /// Sets or takes away the alarm of an aggregate.
    pub(super) fn set_alarm(&mut self, key: &Key, due: Option<Time>) {
        if self.alarm_of.get(key).copied() == due {
            return;
        }
        if let Some(before) = self.alarm_of.remove(key) {
            self.alarms.remove(&(before, key.clone()));
        }
        if let Some(at) = due {
            self.alarm_of.insert(key.clone(), at);
            self.alarms.insert((at, key.clone()));
        }
    }

    /// The reply to a command that was carried out before, and the seq it relies on.
    pub(super) fn said_before(&self, same: &SameAs) -> Result<Option<(Seq, Reply)>, Refusal> {
        if naos_kernel::planted::is("skip-idempotency-key") {
            return Ok(None);
        }
        let key = (same.source.clone(), same.key.clone());
        if let Some((request, seq, reply)) = self.answers.get(&key) {
            return same.answered(*request, (*seq, reply.clone())).map(Some);
        }
        same.kept(&*self.store)
    }

    /// Hands durable changes to the store and forgets what nothing will happen to any more.
    pub(super) fn flush(&mut self) {
        if self.dirty.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.dirty)
            .into_iter()
            .map(|(key, aggregate)| Record {
                kind: key.kind().into(),
                id: key.id(),
                version: aggregate.as_ref().map_or(0, AnyAggregate::version),
                seq: self.durable,
                open: aggregate.as_ref().is_some_and(AnyAggregate::is_open),
                bytes: aggregate.as_ref().map(AnyAggregate::encode),
            })
            .collect();
        self.store.put_records(self.durable, records);
        self.forget();
    }

    fn forget(&mut self) {
        if self.state.len() <= self.limits.idle_aggregates_max {
            return;
        }
        let staged = |key: &Key| {
            self.staged
                .iter()
                .any(|staged| staged.changed.contains_key(key))
        };
        let idle: Vec<Key> = self
            .state
            .keys()
            .into_iter()
            .filter(|key| {
                !self
                    .state
                    .get(key)
                    .is_some_and(|aggregate| aggregate.is_open())
            })
            .filter(|key| !staged(key))
            .collect();
        for key in idle {
            self.state.evict(&key);
        }
    }

    pub(super) fn take_waiting(
        &mut self,
    ) -> (VecDeque<Envelope>, VecDeque<Queued>, BTreeSet<EffectId>) {
        (
            std::mem::take(&mut self.outside),
            std::mem::take(&mut self.returns),
            std::mem::take(&mut self.running),
        )
    }

    /// Takes over what waited in the cell that this one replaces. Its own steps follow from the
    /// journal again.
    pub(super) fn adopt(&mut self, outside: VecDeque<Envelope>, returns: VecDeque<Queued>) {
        self.outside = outside;
        let outcomes = returns
            .into_iter()
            .filter(|q| matches!(q, Queued::Envelope(_)));
        self.returns.extend(outcomes);
    }
}

impl SameAs {
    /// What the store keeps of what was answered to it before.
    ///
    /// # Errors
    /// As [`Self::answered`]; a refusal if it can't be read.
    pub(crate) fn kept(&self, store: &dyn TenantStore) -> Result<Option<(Seq, Reply)>, Refusal> {
        let row = store
            .inbox(&self.source, &self.key)
            .map_err(|e| crate::refusals::reading(&e))?;
        let Some(InboxRow { request, reply, .. }) = row else {
            return Ok(None);
        };
        let said = postcard::from_bytes(&reply)
            .map_err(|_| Refusal::new(Code::DAMAGED, "the answer given before can't be read"))?;
        self.answered(request, said).map(Some)
    }

    /// The answer that was given before under its key: to the same request only.
    fn answered(&self, request: Digest, said: (Seq, Reply)) -> Result<(Seq, Reply), Refusal> {
        if request != self.request {
            let what = "the idempotency key was used for another request";
            return Err(Refusal::new(Code::SAME_KEY, what));
        }
        match said {
            (_, Reply::Refused(refusal)) => Err(*refusal),
            said => Ok(said),
        }
    }
}
