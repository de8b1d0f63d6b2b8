//! The commit thread: while one commit syncs, the next gathers. No timer.

use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use naos_store::{Append, CommitError};
use naos_types::{Code, Refusal};

use super::Node;
use super::shards::ToShard;
use crate::shard::{APPEND_BYTES_MAX, APPEND_FACTS_MAX, Incoming};

/// Appends of one shard.
pub(super) struct ToCommit {
    pub(super) lane: usize,
    pub(super) appends: Vec<Append>,
}

pub(super) fn start(node: Node, lane: Receiver<ToCommit>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("commit".into())
        .spawn(move || {
            while let Ok(first) = lane.recv() {
                let (lanes, appends) = gather(first, &lane);
                commit(&node, &lanes, &appends);
            }
        })
}

fn size(append: &Append) -> (usize, usize) {
    (
        append.entries.len(),
        append.entries.iter().map(|entry| entry.bytes.len()).sum(),
    )
}

/// All that is queued, up to one commit's size.
fn gather(first: ToCommit, lane: &Receiver<ToCommit>) -> (Vec<usize>, Vec<Append>) {
    let (mut lanes, mut appends) = (Vec::new(), Vec::new());
    let (mut facts, mut bytes) = (0, 0);
    let mut next = Some(first);
    while let Some(group) = next {
        for append in group.appends {
            let (f, b) = size(&append);
            facts += f;
            bytes += b;
            lanes.push(group.lane);
            appends.push(append);
        }
        if facts >= APPEND_FACTS_MAX || bytes >= APPEND_BYTES_MAX {
            break;
        }
        next = lane.try_recv().ok();
    }
    (lanes, appends)
}

fn commit(node: &Node, lanes: &[usize], appends: &[Append]) {
    let tell = |lane: usize, input: Incoming| {
        let _ = node.0.lanes[lane].send(ToShard::Input(input));
    };
    match node.0.store.commit(appends) {
        Ok(results) => {
            for ((lane, append), result) in lanes.iter().zip(appends).zip(results) {
                let input = match result {
                    Ok(seq) => Incoming::Durable {
                        tenant: append.tenant,
                        seq,
                    },
                    Err(stale) => {
                        let why = Refusal::new(Code::BUSY, stale.to_string());
                        dropped(append, why)
                    }
                };
                tell(*lane, input);
            }
        }
        Err(CommitError::SyncFailed(cause)) => {
            tracing::error!(%cause, "could not sync the journal: what is on disk is unknown");
            // Nothing may be acknowledged any more, and nothing tried again in this process.
            std::process::exit(70);
        }
        Err(error) => {
            tracing::error!(%error, "could not write the journal; nothing is acknowledged");
            let code = match &error {
                CommitError::Full => Code::DISK_FULL,
                _ => Code::READ_ONLY,
            };
            for (lane, append) in lanes.iter().zip(appends) {
                tell(
                    *lane,
                    dropped(append, Refusal::new(code, error.to_string())),
                );
            }
        }
    }
}

fn dropped(append: &Append, why: Refusal) -> Incoming {
    Incoming::Dropped {
        tenant: append.tenant,
        batch: append.batch,
        why,
    }
}
