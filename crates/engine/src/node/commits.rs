//! The commit thread: while one commit syncs, the next gathers. No timer.

use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use naos_store::Append;

use super::Node;
use super::shards::ToShard;
use crate::shard::{APPEND_BYTES_MAX, APPEND_FACTS_MAX, Commits};

/// Appends of one shard.
pub(super) struct ToCommit {
    pub(super) lane: usize,
    pub(super) appends: Vec<Append>,
}

pub(super) fn start(node: Node, lane: Receiver<ToCommit>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("commit".into())
        .spawn(move || {
            naos_store::vital(|| {
                let mut commits = Commits::default();
                while let Ok(first) = lane.recv() {
                    node.0.world.gather();
                    let (lanes, appends) = gather(first, &lane);
                    commit(&node, &mut commits, &lanes, appends);
                }
            });
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

fn commit(node: &Node, commits: &mut Commits, lanes: &[usize], appends: Vec<Append>) {
    let committed = commits.commit(node.0.store.as_ref(), appends);
    if commits.refusing.is_some() || super::lock(&node.0.refusing).is_some() {
        (*super::lock(&node.0.refusing)).clone_from(&commits.refusing);
    }
    match committed {
        Ok(told) => {
            for (lane, input) in lanes.iter().zip(told) {
                let _ = node.0.lanes[*lane].send(ToShard::Input(input));
            }
        }
        Err(failed) => {
            tracing::error!(error = &failed as &dyn std::error::Error, "naos must end");
            // Nothing may be acknowledged any more, and nothing tried again in this process.
            std::process::exit(70);
        }
    }
}
