//! One thread per shard: it takes what came, steps, and hands on what comes out.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use naos_store::Append;
use naos_types::effect::Effect;
use naos_types::input::{CallEnded, CallOutcome, Input};
use naos_types::{Span, TenantId};

use super::Node;
use super::commits::ToCommit;
use crate::chance::OsDice;
use crate::shard::{CellReport, Envelope, Incoming, Outgoing, Shard, once};

/// How many inputs one step takes.
const INPUTS_PER_STEP_MAX: usize = 1_024;
/// How long a shard waits for input before it looks whether something is due.
const LOOK_MS: u64 = 1_000;

/// How long it waits for the disk in the end, before it looks whether that takes too long.
const LAST_LOOK_MS: u64 = 50;

/// What a shard's thread is told.
pub(super) enum ToShard {
    /// For a cell.
    Input(Incoming),
    /// Say how the open cells are.
    Report(Sender<Vec<(TenantId, CellReport)>>),
    /// End.
    Stop,
}

pub(super) fn start(
    node: Node,
    index: usize,
    lane: Receiver<ToShard>,
    commits: Sender<ToCommit>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(format!("shard-{index}"))
        .spawn(move || {
            let store = std::sync::Arc::clone(&node.0.store);
            let shard = Shard::new(store, Box::<OsDice>::default());
            let shard = shard.with_embedder(std::sync::Arc::clone(&node.0.embedder));
            let shard = shard.with_others(node.0.world.outside().leaves());
            naos_store::vital(|| run(&node, index, shard, &lane, &commits));
        })
}

fn run(
    node: &Node,
    index: usize,
    mut shard: Shard,
    lane: &Receiver<ToShard>,
    commits: &Sender<ToCommit>,
) {
    let mut looked = crate::clock::now();
    while let Some(taken) = take(&shard, lane, || node.0.world.gather()) {
        let Taken {
            mut inputs,
            asked,
            stops,
        } = taken;
        if stops {
            last(node, &mut shard, inputs, (index, lane, commits));
            break;
        }
        let now = crate::clock::now();
        if index == 0 && !node.rests() && (now - looked).0 >= LOOK_MS.cast_signed() {
            looked = now;
            wake_due(node, &mut inputs, now);
        }
        let out = shard.step(now, inputs);
        if !hand_on(node, index, out, commits) {
            break;
        }
        // What came before the question is decided, and let out, by the time of the answer.
        for tell in asked {
            let _ = tell.send(shard.reports());
        }
    }
    shard.flush();
}

/// What came, in order.
#[derive(Default)]
struct Taken {
    inputs: Vec<Incoming>,
    /// Who asked meanwhile how the open cells are.
    asked: Vec<Sender<Vec<(TenantId, CellReport)>>>,
    /// Whether nothing comes behind it: the node stops.
    stops: bool,
}

/// What came; at least waits until something comes or is due. None: nobody is left to send.
fn take(shard: &Shard, lane: &Receiver<ToShard>, gather: impl FnOnce()) -> Option<Taken> {
    let mut taken = Taken::default();
    let wait = if shard.is_busy() {
        0
    } else {
        let due = shard
            .next_due()
            .map_or(i64::MAX, |at| (at - crate::clock::now()).0.max(0));
        due.unsigned_abs().min(LOOK_MS)
    };
    let first = match lane.recv_timeout(Duration::from_millis(wait)) {
        Ok(first) => first,
        Err(RecvTimeoutError::Timeout) => return Some(taken),
        Err(RecvTimeoutError::Disconnected) => return None,
    };
    gather();
    let hasty = naos_kernel::planted::is("ends-before-what-came");
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            ToShard::Input(input) => taken.inputs.push(input),
            ToShard::Report(tell) if hasty => {
                let _ = tell.send(shard.reports());
            }
            ToShard::Report(tell) => taken.asked.push(tell),
            ToShard::Stop if hasty => return None,
            ToShard::Stop => {
                taken.stops = true;
                return Some(taken);
            }
        }
        next = if taken.inputs.len() < INPUTS_PER_STEP_MAX {
            lane.try_recv().ok()
        } else {
            None
        };
    }
    Some(taken)
}

/// The node stops: what came back before is decided and durable, no run asks a model any more, and
/// a call whose intent becomes durable only now is never begun. It says so where the next start
/// would have to take it for lost: it cost nothing.
fn last(
    node: &Node,
    shard: &mut Shard,
    came: Vec<Incoming>,
    (index, lane, commits): (usize, &Receiver<ToShard>, &Sender<ToCommit>),
) {
    let began = crate::clock::tick();
    let came = came.into_iter().map(ToShard::Input).filter_map(heard);
    let mut inputs: Vec<Incoming> = std::iter::once(Incoming::Ending).chain(came).collect();
    loop {
        let mut told = Vec::new();
        for outgoing in shard.step(crate::clock::now(), std::mem::take(&mut inputs)) {
            match outgoing {
                Outgoing::Execute { tenant, order } => {
                    inputs.extend(unbegun(node, tenant, &order.effect));
                }
                other => told.push(other),
            }
        }
        let is_over = began.elapsed() >= super::SETTLES_MAX;
        if !hand_on(node, index, told, commits) || is_over {
            return;
        }
        inputs.extend(lane.try_iter().filter_map(heard));
        if inputs.is_empty() && shard.is_settled() {
            return;
        }
        if inputs.is_empty() && !shard.is_busy() {
            let next = lane.recv_timeout(Duration::from_millis(LAST_LOOK_MS));
            inputs.extend(next.ok().and_then(heard));
        }
    }
}

/// What is still heard when the node stops: what commands and components ask for now is asked for
/// after the next start.
fn heard(message: ToShard) -> Option<Incoming> {
    let ToShard::Input(input) = message else {
        return None;
    };
    let is_heard = match &input {
        Incoming::Durable { .. } | Incoming::Dropped { .. } => true,
        Incoming::For(envelope) => matches!(envelope.input, Input::CallEnded(_)),
        _ => false,
    };
    is_heard.then_some(input)
}

/// What becomes of a call that is never begun.
fn unbegun(node: &Node, tenant: TenantId, effect: &Effect) -> Option<Incoming> {
    let ended = once(effect)?;
    let Effect::Call(call) = effect else {
        return None;
    };
    if !call.asks_model() {
        return None;
    }
    let why = node.seal(tenant, "naos ended before it was asked").ok()?;
    let ended = CallEnded {
        outcome: CallOutcome::Busy(why, Span(0)), // it may be asked again at once
        ..ended
    };
    Some(Incoming::For(Box::new(Envelope {
        tenant,
        input: Input::CallEnded(ended),
        bodies: Vec::new(),
        same: None,
        ticket: None,
        ends: Some(effect.id()),
    })))
}

/// Cells that aren't open and have something to do by now.
fn wake_due(node: &Node, inputs: &mut Vec<Incoming>, now: naos_types::Time) {
    match node.0.store.due(now) {
        Ok(due) => {
            for (tenant, _) in due {
                if node.lane(tenant) == 0 {
                    inputs.push(Incoming::Wake(tenant));
                } else {
                    node.send(tenant, Incoming::Wake(tenant));
                }
            }
        }
        Err(error) => tracing::error!(%error, "could not read what is due"),
    }
}

/// Whether there is still somebody to hand on to.
fn hand_on(node: &Node, index: usize, out: Vec<Outgoing>, commits: &Sender<ToCommit>) -> bool {
    let mut appends: Vec<Append> = Vec::new();
    for outgoing in out {
        match outgoing {
            Outgoing::Commit(append) => appends.push(append),
            Outgoing::Reply {
                ticket,
                seq,
                result,
            } => node.tell(ticket, (seq, result)),
            Outgoing::Execute { tenant, order } => node.0.world.execute(tenant, order),
            Outgoing::Announce { tenant, facts } => {
                node.0.watch.announce(tenant, super::Happened { facts });
            }
            // The store keeps the same time as its wake row; the look at what is due finds it.
            Outgoing::WakeAt { .. } => {}
        }
    }
    appends.is_empty()
        || commits
            .send(ToCommit {
                lane: index,
                appends,
            })
            .is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use naos_store::MemStore;

    use super::*;

    #[test]
    fn what_came_before_a_question_or_the_end_is_taken_with_it() {
        #[cfg(feature = "planted-bugs")]
        naos_kernel::planted::set(&std::env::var("NAOS_PLANTED_BUG").unwrap_or_default());
        let shard = Shard::new(Arc::new(MemStore::new(3)), Box::<OsDice>::default());
        let (lane, end) = channel();
        let (tell, hear) = channel();
        let came = Incoming::Wake(TenantId(7));
        for message in [ToShard::Input(came), ToShard::Report(tell), ToShard::Stop] {
            assert!(lane.send(message).is_ok());
        }
        let taken = take(&shard, &end, || ()).expect("the end comes behind what came");
        assert!(taken.stops);
        assert_eq!(taken.inputs.len(), 1);
        // The answer is given when what came is decided.
        assert_eq!(taken.asked.len(), 1);
        assert!(hear.try_recv().is_err());
    }
}
