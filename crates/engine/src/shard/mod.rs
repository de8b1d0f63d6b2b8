//! A shard owns many cells. It is a plain state machine: inputs and the time go in, wishes come
//! out; no threads, no waiting, no clock, no dice of its own. A node drives it with threads around
//! it, the simulator with made-up time and faults.
//!
//! The output gate: a reply, a refusal, an effect and an announcement leave only when everything
//! they rely on is durable.

mod beats;
mod cell;
mod commits;
mod left;
mod opening;
mod parsed;
mod quarantine;
mod release;
mod restored;
mod rounds;
mod routes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use naos_kernel::recall::{Embedder, Grams};
use naos_kernel::{Order, State};
use naos_store::{Append, Store};
use naos_types::command::Reply;
use naos_types::effect::EffectId;
use naos_types::fact::Fact;
use naos_types::input::Input;
use naos_types::{BatchId, Code, Digest, Refusal, Seq, Span, StagedBody, TenantId, Time};

use crate::refusals::passes;
pub use beats::BEATS_KEPT_MAX;
use cell::Cell;
pub use cell::{CellReport, Staged};
pub use commits::{Commits, SyncFailed};
pub use left::Leaves;
pub(crate) use opening::once;
pub use parsed::PARSED_BYTES_MAX;
pub use restored::{GoesOn, go_on_from_backup};
pub use routes::{ROUTES_MAX, RoutesReport};

/// The most commands from outside that wait in one cell; one more is refused as busy.
pub const INBOX_DEPTH_MAX: usize = 1_024;
/// The most inputs of one cell that are decided before its neighbours get their turn.
pub const TURNS_PER_STEP_MAX: usize = 64;
/// The most facts of one append.
pub const APPEND_FACTS_MAX: usize = 512;
/// The most bytes of one append.
pub const APPEND_BYTES_MAX: usize = 1 << 20;
/// How many rounds of needs one decision may take.
pub const ROUNDS_MAX: usize = 64;
/// How many changed aggregates a cell keeps before it hands them to the store.
pub const DIRTY_MAX: usize = 256;
/// How many aggregates a cell keeps in memory beside those that are open.
pub const IDLE_AGGREGATES_MAX: usize = 2_048;
/// How many cells stay open.
pub const OPEN_CELLS_MAX: usize = 512;
/// How long a cell rests after an append that failed, before it decides anew.
pub const REST_MS: i64 = 250;
/// How long a cell waits that could not be written or read, before it tries again.
pub const WAIT_MS: i64 = 1_000;
/// A forward jump of the clock by more than this holds timers until a second reading agrees.
pub const CLOCK_JUMP_MS_MAX: i64 = 3_600_000;

/// How much a shard keeps in memory; the simulator makes it small, so that what is rare in a node
/// is common there.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// See [`DIRTY_MAX`].
    pub dirty_max: usize,
    /// See [`IDLE_AGGREGATES_MAX`].
    pub idle_aggregates_max: usize,
    /// See [`OPEN_CELLS_MAX`].
    pub open_cells_max: usize,
    /// See [`INBOX_DEPTH_MAX`].
    pub inbox_depth_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dirty_max: DIRTY_MAX,
            idle_aggregates_max: IDLE_AGGREGATES_MAX,
            open_cells_max: OPEN_CELLS_MAX,
            inbox_depth_max: INBOX_DEPTH_MAX,
        }
    }
}

/// Where a shard gets its chance from.
pub trait Dice: Send {
    /// 128 bits that nobody can foretell (or that the simulator's seed decides).
    fn roll(&mut self) -> u128;
}

/// A body on its way in: sealed for the store, plain for the rules of this cell.
#[derive(Clone, Debug)]
pub struct NewBody {
    /// As stored.
    pub staged: StagedBody,
    /// What it says.
    pub plain: Arc<[u8]>,
    /// Whether the store has it already, because it is large.
    pub stored: bool,
}

/// What marks a command as the same one, sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SameAs {
    /// Who sent it.
    pub source: String,
    /// The key they chose.
    pub key: String,
    /// Digest of the request.
    pub request: Digest,
}

/// Who waits for an answer: the shard gives it back with the answer.
pub type Ticket = u64;

/// Something for one cell.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Which cell.
    pub tenant: TenantId,
    /// What.
    pub input: Input,
    /// The bodies that it names.
    pub bodies: Vec<NewBody>,
    /// What marks it as the same one.
    pub same: Option<SameAs>,
    /// Who waits for the answer.
    pub ticket: Option<Ticket>,
    /// The effect whose end this is.
    pub ends: Option<EffectId>,
}

/// What comes into a shard.
#[derive(Debug)]
pub enum Incoming {
    /// For a cell.
    For(Box<Envelope>),
    /// An append is durable.
    Durable {
        /// Whose.
        tenant: TenantId,
        /// Up to where.
        seq: Seq,
    },
    /// An append was not written: it and what was staged after it is void.
    Dropped {
        /// Whose.
        tenant: TenantId,
        /// Which append: one that isn't staged any more was dropped with an earlier one.
        batch: BatchId,
        /// What to tell those who wait.
        why: Refusal,
    },
    /// This cell has something to do by itself.
    Wake(TenantId),
    /// The node ends soon: runs that would ask a model now ask it after the next start.
    Ending,
    /// Answer when everything decided so far is durable and readable from the store.
    Flush {
        /// Whose cell.
        tenant: TenantId,
        /// Whom to answer.
        ticket: Ticket,
        /// Whether a cell that isn't open yet goes on with its work, too: not for whoever only
        /// reads while the node rests.
        begin: bool,
    },
}

/// What comes out of a shard.
#[derive(Debug)]
pub enum Outgoing {
    /// Make this durable.
    Commit(Append),
    /// Tell who waits.
    Reply {
        /// Who.
        ticket: Ticket,
        /// The seq it relies on; durable.
        seq: Seq,
        /// What.
        result: Result<Reply, Refusal>,
    },
    /// Carry this out.
    Execute {
        /// For whom.
        tenant: TenantId,
        /// What.
        order: Order,
    },
    /// These facts are durable.
    Announce {
        /// Whose.
        tenant: TenantId,
        /// Seq, time, fact.
        facts: Vec<(Seq, Time, Fact)>,
    },
    /// The cell wants to be woken then.
    WakeAt {
        /// Which cell.
        tenant: TenantId,
        /// When.
        at: Time,
    },
}

/// Many cells.
pub struct Shard {
    store: Arc<dyn Store>,
    dice: Box<dyn Dice>,
    limits: Limits,
    embedder: Arc<dyn Embedder>,
    /// Cells that are opened don't let runs ask models any more.
    is_ending: bool,
    /// What cells leave to other processes.
    leaves: Option<Leaves>,
    cells: BTreeMap<TenantId, Cell>,
    ready: VecDeque<TenantId>,
    queued: BTreeSet<TenantId>,
    /// The epoch of cells that started again after a failed append: see [`Commits`].
    epochs: BTreeMap<TenantId, u64>,
    /// What owners asked of quarantined cells, until nothing of those is on its way to the journal.
    mending: BTreeMap<TenantId, VecDeque<Envelope>>,
    given_back: u64,
    used: u64,
    last_now: Time,
    out: Vec<Outgoing>,
}

impl Shard {
    /// A shard without open cells.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, dice: Box<dyn Dice>) -> Self {
        Self::with_limits(store, dice, Limits::default())
    }

    /// The same with limits of its own.
    #[must_use]
    pub fn with_limits(store: Arc<dyn Store>, dice: Box<dyn Dice>, limits: Limits) -> Self {
        Self {
            store,
            dice,
            limits,
            embedder: Arc::new(Grams),
            is_ending: false,
            leaves: None,
            cells: BTreeMap::new(),
            ready: VecDeque::new(),
            queued: BTreeSet::new(),
            epochs: BTreeMap::new(),
            mending: BTreeMap::new(),
            given_back: 0,
            used: 0,
            last_now: Time(0),
            out: Vec::new(),
        }
    }

    /// The same where something else than the letters of words puts texts into one space.
    #[must_use]
    pub fn with_embedder(mut self, embedder: Arc<dyn Embedder>) -> Self {
        self.embedder = embedder;
        self
    }

    /// The same where others may have the data next, and do what this process lacks something for.
    #[must_use]
    pub fn with_others(mut self, leaves: Option<Leaves>) -> Self {
        self.leaves = leaves;
        self
    }

    /// Takes inputs and does what can be done now, fairly between cells: each gets at most
    /// [`TURNS_PER_STEP_MAX`] turns. Call again while [`Self::is_busy`].
    pub fn step(&mut self, now: Time, inputs: Vec<Incoming>) -> Vec<Outgoing> {
        let timers = self.timers_hold(now);
        for input in inputs {
            self.take(now, input);
        }
        let woken: Vec<TenantId> = if timers {
            Vec::new()
        } else {
            self.cells
                .iter()
                .filter(|(_, cell)| cell.is_due(now))
                .map(|(id, _)| *id)
                .collect()
        };
        for id in woken {
            self.make_ready(id);
        }
        for _ in 0..self.ready.len() {
            let Some(id) = self.ready.pop_front() else {
                break;
            };
            self.queued.remove(&id);
            self.run_cell(now, id, !timers);
        }
        self.shed();
        std::mem::take(&mut self.out)
    }

    /// Whether there is something to decide right now.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The earliest time at which an open cell has something to do by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.cells.values().filter_map(Cell::next_due).min()
    }

    /// What is known about an open cell, for people who look after the node.
    #[must_use]
    pub fn report(&self, id: TenantId) -> Option<CellReport> {
        self.cells.get(&id).map(Cell::report)
    }

    /// What an open cell knows, what isn't durable yet too: for the simulator and for doctors.
    #[must_use]
    pub fn state(&self, id: TenantId) -> Option<&State> {
        self.cells.get(&id).map(|cell| &cell.state)
    }

    /// How many outcomes were decided in an append that failed, and then decided anew.
    #[must_use]
    pub const fn given_back(&self) -> u64 {
        self.given_back
    }

    /// Reports of all open cells.
    #[must_use]
    pub fn reports(&self) -> Vec<(TenantId, CellReport)> {
        self.cells
            .iter()
            .map(|(id, cell)| (*id, cell.report()))
            .collect()
    }

    /// Whether all that came back is decided, and all that was decided is durable; what rests or
    /// waits for its disk is so, too.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.cells.values().all(Cell::is_settled)
    }

    /// Hands every changed aggregate to the store: before a graceful stop.
    pub fn flush(&mut self) {
        for cell in self.cells.values_mut() {
            cell.flush();
        }
    }

    /// Whether a forward jump of the clock holds timers on this step.
    fn timers_hold(&mut self, now: Time) -> bool {
        let jumped = self.last_now != Time(0) && (now - self.last_now).0 > CLOCK_JUMP_MS_MAX;
        self.last_now = now;
        jumped
    }

    fn make_ready(&mut self, id: TenantId) {
        if self.queued.insert(id) {
            self.ready.push_back(id);
        }
    }

    fn take(&mut self, now: Time, input: Incoming) {
        match input {
            Incoming::For(envelope) => self.receive(now, *envelope),
            Incoming::Durable { tenant, seq } => {
                if let Some(cell) = self.cells.get_mut(&tenant) {
                    cell.durable_up_to(seq, &mut self.out);
                }
                self.mend_if_settled(now, tenant);
            }
            Incoming::Dropped { tenant, batch, why } => {
                if self
                    .cells
                    .get(&tenant)
                    .is_some_and(|cell| cell.has_staged(batch))
                {
                    self.drop_staged(tenant, &why);
                }
                self.mend_if_settled(now, tenant);
            }
            Incoming::Wake(tenant) => {
                if self.open(now, tenant).is_ok() {
                    self.make_ready(tenant);
                }
            }
            Incoming::Ending => {
                self.is_ending = true;
                for cell in self.cells.values_mut() {
                    cell.is_ending = self.is_ending;
                }
            }
            Incoming::Flush {
                tenant,
                ticket,
                begin,
            } => match self.open_for(now, tenant, begin) {
                Ok(()) => {
                    if let Some(cell) = self.cells.get_mut(&tenant) {
                        cell.answer_flushed(ticket, &mut self.out);
                    }
                }
                Err(why) => self.refuse(Some(ticket), 0, why),
            },
        }
    }

    fn receive(&mut self, now: Time, envelope: Envelope) {
        let id = envelope.tenant;
        if let Err(why) = self.open(now, id) {
            return self.refuse(envelope.ticket, 0, why);
        }
        let Some(cell) = self.cells.get_mut(&id) else {
            return;
        };
        if cell.is_quarantined() {
            return self.receive_quarantined(now, envelope);
        }
        let returns = !matches!(envelope.input, Input::Command { .. });
        let commands_only = !naos_kernel::planted::is("full-inbox-drops-returns");
        let depth = self.limits.inbox_depth_max;
        if !(returns && commands_only) && cell.outside.len() >= depth {
            let what = format!("{depth} commands wait for this tenant");
            return self.refuse(envelope.ticket, 0, Refusal::new(Code::BUSY, what));
        }
        if returns {
            cell.returns
                .push_back(cell::Queued::Envelope(Box::new(envelope)));
        } else {
            cell.outside.push_back(envelope);
        }
        self.make_ready(id);
    }

    fn refuse(&mut self, ticket: Option<Ticket>, seq: Seq, why: Refusal) {
        if let Some(ticket) = ticket {
            self.out.push(Outgoing::Reply {
                ticket,
                seq,
                result: Err(why),
            });
        }
    }

    /// Decides up to a quantum of what waits in a cell and stages it in one append.
    fn run_cell(&mut self, now: Time, id: TenantId, timers: bool) {
        self.used += 1;
        let Some(cell) = self.cells.get_mut(&id) else {
            return;
        };
        cell.used = self.used;
        if !cell.may_decide() || cell.rests(now) {
            return; // its end is due as an alarm is, or somebody asks
        }
        cell.rest_until = None;
        if timers {
            cell.queue_due(now);
            cell.queue_beats(now);
            cell.look_at_left(now, &mut self.out);
        }
        cell.run(now, self.dice.as_mut(), &mut self.out);
        let goes_on = cell.has_work();
        if naos_kernel::planted::is("busy-goes-first") && (goes_on || cell.is_due(now)) {
            self.queued.insert(id);
            self.ready.push_front(id);
        } else if goes_on {
            self.make_ready(id);
        }
    }

    /// What was staged on a failed commit never happened: the cell starts again from its journal.
    fn drop_staged(&mut self, id: TenantId, why: &Refusal) {
        let Some(mut cell) = self.cells.remove(&id) else {
            return;
        };
        let back = cell.void(why, &mut self.out);
        self.epochs.insert(id, cell.epoch + 1);
        if cell.is_unwritten() {
            self.cells.insert(id, cell); // its journal doesn't know why it decides nothing
            return;
        }
        self.given_back += back.len() as u64;
        let (outside, mut returns, mut running) = cell.take_waiting();
        running.extend(back.iter().filter_map(|envelope| envelope.ends));
        for envelope in back.into_iter().rev() {
            returns.push_front(cell::Queued::Envelope(Box::new(envelope)));
        }
        match self.open_with(self.last_now, id, running, true) {
            Ok(()) => {
                let rest_until = Some(self.last_now + Span(REST_MS));
                if let Some(cell) = self.cells.get_mut(&id) {
                    cell.rest_until = rest_until;
                    cell.adopt(outside, returns);
                    if passes(why) {
                        cell.wait_from(self.last_now);
                    }
                    self.make_ready(id);
                }
            }
            Err(unread) => {
                for ticket in outside.into_iter().filter_map(|envelope| envelope.ticket) {
                    self.refuse(Some(ticket), 0, unread.clone());
                }
            }
        }
    }

    fn open(&mut self, now: Time, id: TenantId) -> Result<(), Refusal> {
        self.open_for(now, id, true)
    }

    /// Opens a cell; one that needn't `begin` waits for the first who wants something of it.
    fn open_for(&mut self, now: Time, id: TenantId, begin: bool) -> Result<(), Refusal> {
        let begin = begin || naos_kernel::planted::is("reading-begins");
        let Some(cell) = self.cells.get_mut(&id) else {
            return self.open_with(now, id, BTreeSet::new(), begin);
        };
        if begin && cell.awake(&mut self.out) {
            self.make_ready(id);
        }
        Ok(())
    }

    /// Opens a cell; effects that are `running` are under way and aren't begun again.
    fn open_with(
        &mut self,
        now: Time,
        id: TenantId,
        running: BTreeSet<EffectId>,
        begin: bool,
    ) -> Result<(), Refusal> {
        let mut cell = self.opened(now, id)?;
        cell.running = running;
        cell.epoch = cell.epoch.max(self.epochs.get(&id).copied().unwrap_or(0));
        let mut begun = Vec::new();
        cell.begin(&mut begun);
        if begin {
            self.out.append(&mut begun);
        } else {
            cell.asleep = Some(begun);
        }
        self.cells.insert(id, cell);
        self.make_ready(id);
        Ok(())
    }

    /// A cell as it is read, with what this shard gives to each.
    fn opened(&self, now: Time, id: TenantId) -> Result<Cell, Refusal> {
        let mut cell = opening::open(self.store.as_ref(), id, now)?;
        cell.limits = self.limits;
        cell.is_ending = self.is_ending;
        cell.leaves = self.leaves.clone();
        cell.embedder = Arc::clone(&self.embedder);
        Ok(cell)
    }

    /// Closes the cells that were idle longest, beyond those that may stay open.
    fn shed(&mut self) {
        while self.cells.len() > self.limits.open_cells_max {
            let idle = self.cells.iter_mut().filter(|(_, cell)| cell.is_idle());
            let Some(id) = idle.min_by_key(|(_, cell)| cell.used).map(|(id, _)| *id) else {
                return;
            };
            if let Some(mut cell) = self.cells.remove(&id) {
                cell.flush();
                if let Some(at) = cell.next_due() {
                    self.out.push(Outgoing::WakeAt { tenant: id, at });
                }
            }
        }
    }
}
