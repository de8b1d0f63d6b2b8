//! One thread per shard: it takes what came, steps, and hands on what comes out.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use naos_store::Append;
use naos_types::TenantId;

use super::Node;
use super::commits::ToCommit;
use crate::chance::OsDice;
use crate::shard::{CellReport, Incoming, Outgoing, Shard};

/// How many inputs one step takes.
const INPUTS_PER_STEP_MAX: usize = 1_024;
/// How long a shard waits for input before it looks whether something is due.
const LOOK_MS: u64 = 1_000;

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
    while let Some(mut inputs) = take(node, &shard, lane) {
        let now = crate::clock::now();
        if index == 0 && !node.rests() && (now - looked).0 >= LOOK_MS.cast_signed() {
            looked = now;
            wake_due(node, &mut inputs, now);
        }
        let out = shard.step(now, inputs);
        if !hand_on(node, index, out, commits) {
            break;
        }
    }
    shard.flush();
}

/// What came; at least waits until something comes or is due. None: the node stops.
fn take(node: &Node, shard: &Shard, lane: &Receiver<ToShard>) -> Option<Vec<Incoming>> {
    let mut inputs = Vec::new();
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
        Err(RecvTimeoutError::Timeout) => return Some(inputs),
        Err(RecvTimeoutError::Disconnected) => return None,
    };
    node.0.world.gather();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            ToShard::Input(input) => inputs.push(input),
            ToShard::Report(tell) => {
                let _ = tell.send(shard.reports());
            }
            ToShard::Stop => return None,
        }
        next = if inputs.len() < INPUTS_PER_STEP_MAX {
            lane.try_recv().ok()
        } else {
            None
        };
    }
    Some(inputs)
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
