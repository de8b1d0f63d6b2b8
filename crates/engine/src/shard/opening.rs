//! Opening a cell: records, then the tail of the journal; what is outstanding follows from it.

use naos_kernel::{AnyAggregate, Key, Need, Replay, State};
use naos_store::{Record, Store, TenantStore};
use naos_types::effect::{Call, Effect};
use naos_types::fact::Fact;
use naos_types::fact::run::World;
use naos_types::input::{CallEnded, CallOutcome, Input};
use naos_types::{Code, Refusal, TenantId, Time};

use super::cell::{Cell, Queued};
use super::quarantine::Quarantined;
use super::{Envelope, Outgoing};
use crate::refusals::reading as unreadable;

/// How many facts are read at once.
const REPLAY_FACTS: usize = 1_024;

pub(super) fn open(store: &dyn Store, id: TenantId, now: Time) -> Result<Cell, Refusal> {
    let tenant = store.tenant(id).map_err(|e| unreadable(&e))?;
    let head = tenant.head().map_err(|e| unreadable(&e))?;
    let mut cell = Cell::new(id, tenant, head.seq, head.epoch.max(1));
    if let Err(why) = load(&mut cell, head.records_seq) {
        if why.code != Code::INTERNAL {
            return Err(why);
        }
        cell.quarantined = Some(Quarantined::unwritten(why.what));
    } else {
        cell.find_quarantine();
    }
    cell.used = now.0.unsigned_abs();
    Ok(cell)
}

fn load(cell: &mut Cell, records_seq: u64) -> Result<(), Refusal> {
    let store = std::sync::Arc::clone(&cell.store);
    for record in store.open_records().map_err(|e| unreadable(&e))? {
        let key = Key::parse(&record.kind, &record.id).ok_or_else(|| unknown(&record))?;
        put(&mut cell.state, key, Some(&record))?;
    }
    let mut at = records_seq;
    while at < cell.seq {
        let entries = store
            .entries(at, REPLAY_FACTS)
            .map_err(|e| unreadable(&e))?;
        let Some(last) = entries.last() else {
            let what = format!("the journal ends at {at}, its head says {}", cell.seq);
            return Err(Refusal::new(Code::DAMAGED, what));
        };
        at = last.seq;
        for entry in entries {
            if is_forgotten(&entry.kind) {
                continue;
            }
            let fact = Fact::decode(&entry.kind, entry.version, &entry.bytes)
                .map_err(|e| Refusal::new(Code::INTERNAL, e.to_string()))?;
            replay(cell, store.as_ref(), &fact, entry.at)?;
        }
    }
    for (key, aggregate) in cell.state.all() {
        cell.set_alarm(&key, aggregate.due());
    }
    let read = cell.beats.read_on(&cell.state, store.as_ref());
    read.map_err(|e| unreadable(&e))
}

/// Whether a planted bug lets a process that starts forget a fact of this kind.
fn is_forgotten(kind: &str) -> bool {
    let bug = match kind {
        "approval.requested" => "questions-forgotten",
        "event.signalled" => "signals-forgotten",
        "supervisor.child_failed" => "failures-forgotten",
        _ => return false,
    };
    naos_kernel::planted::is(bug)
}

fn replay(cell: &mut Cell, store: &dyn TenantStore, fact: &Fact, at: Time) -> Result<(), Refusal> {
    for _ in 0..super::ROUNDS_MAX {
        match naos_kernel::apply(&cell.state, fact, at) {
            Replay::Changed(changes) => {
                for (key, aggregate) in cell.state.merge(changes) {
                    cell.dirty.insert(key, aggregate);
                }
                return Ok(());
            }
            Replay::Needs(needs) => {
                for need in needs {
                    if let Need::Record(key) = need {
                        fetch(&mut cell.state, store, key)?;
                    }
                }
            }
            Replay::Broken(what) => return Err(Refusal::new(Code::INTERNAL, what)),
        }
    }
    Err(Refusal::new(
        Code::INTERNAL,
        "a fact needs more than it may",
    ))
}

/// Loads one aggregate, or that there is none.
pub(super) fn fetch(state: &mut State, store: &dyn TenantStore, key: Key) -> Result<(), Refusal> {
    let record = store
        .record(key.kind(), &key.id())
        .map_err(|e| unreadable(&e))?;
    put(state, key, record.as_ref())
}

fn put(state: &mut State, key: Key, record: Option<&Record>) -> Result<(), Refusal> {
    let aggregate = match record {
        Some(record) => {
            let bytes = record.bytes.as_deref().unwrap_or_default();
            let decoded = AnyAggregate::decode(&record.kind, record.version, bytes);
            Some(decoded.ok_or_else(|| unknown(record))?)
        }
        None => None,
    };
    state.load(key, aggregate).map_err(|key| {
        Refusal::new(
            Code::DAMAGED,
            format!("a record of another kind stands under {key:?}"),
        )
    })
}

pub(super) fn unknown(record: &Record) -> Refusal {
    let what = format!(
        "a record of kind {} v{} can't be read",
        record.kind, record.version
    );
    Refusal::new(Code::NEWER_FORMAT, what)
}

/// What a model was asked and was at may have to be paid although nobody heard its answer: it isn't
/// asked again as if nothing had been, but counted as lost. Where the key is known there, the same
/// question gives the same answer.
fn is_paid(call: &Call) -> bool {
    let keyed = matches!(call.world, World::Keyed);
    let asked_again = keyed || naos_kernel::planted::is("asked-again-in-silence");
    call.asks_model() && !asked_again
}

/// The loss of a call that can't be repeated.
pub(crate) fn once(effect: &Effect) -> Option<CallEnded> {
    match effect {
        Effect::Call(call) if call.world == World::Once || is_paid(call) => Some(CallEnded {
            by: call.by,
            attempt: call.attempt,
            outcome: CallOutcome::Lost(None),
        }),
        _ => None,
    }
}

impl Cell {
    /// Goes on where the journal ends: the cell's own next steps, and the effects that the state
    /// says are outstanding.
    pub(super) fn begin(&mut self, out: &mut Vec<Outgoing>) {
        if self.quarantined.is_some() {
            return;
        }
        for input in naos_kernel::open_inputs(&self.state) {
            self.returns.push_back(Queued::Own(input));
        }
        if naos_kernel::planted::is("forget-open-effects") {
            return;
        }
        for order in naos_kernel::open_effects(&self.state) {
            if !self.running.insert(order.effect.id()) {
                continue;
            }
            // Nobody knows whether the process that began it got that far, and it may happen at
            // most once: a person decides.
            if let Some(lost) = once(&order.effect) {
                self.returns.push_back(Queued::Envelope(Box::new(Envelope {
                    tenant: self.id,
                    input: Input::CallEnded(lost),
                    bodies: Vec::new(),
                    same: None,
                    ticket: None,
                    ends: Some(order.effect.id()),
                })));
                continue;
            }
            self.execute(order, out);
        }
    }
}
