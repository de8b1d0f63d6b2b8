//! What a commit is made of before it is written: shares of cells, rows of the log.

use std::collections::HashMap;
use std::sync::Arc;

use naos_types::{Seq, TenantId, Time};

use super::cell::Cell;
use super::db::DbError;
use super::row::{Content, Part, Pending, RowHead};
use super::system::Standing;
use crate::crypto::Key;
use crate::traits::{Append, ReadError, Stale};

/// Who takes part with what, and what each append is answered.
pub(crate) struct Staged<'a> {
    pub(crate) results: Vec<Result<Seq, Stale>>,
    pub(crate) shares: Vec<Share<'a>>,
}

/// What one cell adds in this commit.
pub(crate) struct Share<'a> {
    pub(crate) cell: Arc<Cell>,
    pub(crate) key: Arc<Key>,
    pub(crate) first: Seq,
    pub(crate) seq: Seq,
    pub(crate) epoch: u64,
    pub(crate) parts: Vec<Part<'a>>,
}

/// Why a cell takes no part in a commit.
pub(crate) enum NoShare {
    /// Its file is damaged or its key is destroyed: it alone is refused.
    Unusable { found: Seq },
    /// Its key can't be had for now.
    NoKey(DbError),
}

/// A row on its way: whose, what, sealed with which key.
pub(crate) type Row = (Arc<Cell>, Arc<Pending>, Arc<Key>);

pub(crate) fn rows(shares: Vec<Share<'_>>, next_pos: u64) -> Vec<Row> {
    let numbered = (next_pos..).zip(shares);
    let row = |(pos, share)| {
        let Share {
            cell,
            key,
            first,
            seq,
            epoch,
            parts,
        } = share;
        let batch = parts.last().map_or(0, |part: &Part<'_>| part.batch);
        let head = RowHead {
            pos,
            tenant: cell.id,
            first,
            last: seq,
            epoch,
            batch,
        };
        let plain = postcard::to_stdvec(&Content { parts })
            .expect("postcard writes any of our types into memory");
        (cell, Arc::new(Pending { head, plain }), key)
    };
    numbered.map(row).collect()
}

/// The last part's wish counts.
pub(crate) fn note_wake(wakes: &mut HashMap<TenantId, Time>, row: &Pending) {
    match row.content().parts.last().and_then(|part| part.wake) {
        Some(at) => wakes.insert(row.head.tenant, Time(at)),
        None => wakes.remove(&row.head.tenant),
    };
}

pub(crate) fn stale(append: &Append, found: Seq) -> Stale {
    Stale {
        tenant: append.tenant,
        expected: append.expected,
        found,
    }
}

/// Nothing that was known to be there is gone: neither the journal's end nor the log's.
pub(crate) fn check_ends(cell: &Cell, standing: &Standing, next_pos: u64) -> Result<(), ReadError> {
    let state = cell.lock();
    let path = cell.path.display();
    let what = if state.seq < standing.seq {
        format!(
            "{path} (it ends at {}, {} were known)",
            state.seq, standing.seq
        )
    } else if state.file_pos >= next_pos {
        format!(
            "the log (it ends at {}, {path} has {})",
            next_pos - 1,
            state.file_pos
        )
    } else {
        return Ok(());
    };
    Err(ReadError::Damaged { what })
}
