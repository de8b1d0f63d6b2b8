//! The door to one tenant's rows.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use naos_types::{BatchId, BodyRef, Sealed, Seq, StagedBody, SubjectId, TenantId};

use super::cell::{Cell, overlay};
use super::db::DbError;
use super::node::{Node, locked};
use super::packs::Place;
use super::tenant_file::{self as file, StoredCheckpoint};
use crate::crypto;
use crate::traits::{CommitError, Entry, Head, InboxRow, ReadError, Record, TenantStore};
use crate::views::{Viewed, Views};

/// One tenant of a [`SqliteStore`](super::SqliteStore).
pub struct SqliteTenant {
    pub(crate) node: Arc<Node>,
    pub(crate) cell: Arc<Cell>,
}

impl SqliteTenant {
    fn named(&self, cause: DbError) -> ReadError {
        cause.reading(&self.cell.path.display().to_string())
    }

    fn ring(&self, cause: DbError) -> ReadError {
        self.node
            .ring_failed(cause)
            .reading(&self.node.keys.path().display().to_string())
    }

    /// Reads from the file; `nothing` while there is none.
    fn file<T>(
        &self,
        exists: bool,
        nothing: T,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, DbError>,
    ) -> Result<T, ReadError> {
        if !exists {
            return Ok(nothing);
        }
        let Cell { id, path, .. } = &*self.cell;
        self.node
            .readers
            .with(*id, path, read)
            .map_err(|cause| self.named(cause))
    }

    /// The id of the last append, to settle whether an ambiguous commit happened.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] if the cell is quarantined.
    pub fn last_batch(&self) -> Result<Option<BatchId>, ReadError> {
        let batch = self.cell.read()?.batch;
        Ok((batch != 0).then_some(BatchId(batch)))
    }

    /// The signed checkpoints of more than `after` entries, smallest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn checkpoints(&self, after: u64) -> Result<Vec<StoredCheckpoint>, ReadError> {
        let exists = self.cell.read()?.exists;
        let id = self.cell.id;
        self.file(exists, Vec::new(), |conn| {
            file::checkpoints(conn, id, Some(after))
        })
    }

    fn packed_body(&self, name: &BodyRef, place: Place) -> Result<Vec<u8>, ReadError> {
        let id = self.cell.id;
        let what = || format!("pack {}, body {} of {id}", place.pack, name.digest);
        let sealed = self
            .node
            .packs
            .read(id, name, place)
            .map_err(|cause| match cause.kind() {
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::NotFound => {
                    ReadError::Damaged { what: what() }
                }
                _ => ReadError::Io {
                    what: what(),
                    cause: Box::new(cause),
                },
            })?;
        sealed.ok_or_else(|| ReadError::Damaged { what: what() })
    }
}

/// Where a body is.
enum BodyAt {
    /// It was taken away.
    Erased,
    /// It is small, and stands beside the facts.
    Here(Vec<u8>),
    /// It is large.
    Packed(Place),
}

impl BodyAt {
    /// One that was taken away is kept empty.
    fn sealed(sealed: Vec<u8>) -> Self {
        if sealed.is_empty() {
            return Self::Erased;
        }
        Self::Here(sealed)
    }

    fn stored(
        conn: &rusqlite::Connection,
        id: TenantId,
        name: &BodyRef,
    ) -> Result<Option<Self>, DbError> {
        if let Some(sealed) = file::body(conn, id, name)? {
            return Ok(Some(Self::sealed(sealed)));
        }
        Ok(file::packed(conn, id, name)?.map(Self::Packed))
    }
}

impl SqliteTenant {
    fn place_of(&self, name: &BodyRef) -> Result<Option<BodyAt>, ReadError> {
        let found = self.places_of(std::slice::from_ref(name))?;
        Ok(found.into_iter().next().flatten())
    }

    /// Where each of them is. Those that stand in the file are read in one transaction: it is the
    /// lock, not the row, that takes time.
    fn places_of(&self, names: &[BodyRef]) -> Result<Vec<Option<BodyAt>>, ReadError> {
        let id = self.cell.id;
        let state = self.cell.read()?;
        let pending = |name: &BodyRef| {
            if state.is_erased(name) {
                return Some(BodyAt::Erased);
            }
            let sealed = state.body(name).map(BodyAt::sealed);
            sealed.or_else(|| state.packed(name).map(BodyAt::Packed))
        };
        let mut found: Vec<Option<BodyAt>> = names.iter().map(pending).collect();
        let exists = state.exists;
        drop(state);
        if found.iter().all(Option::is_some) {
            return Ok(found);
        }
        self.file(exists, (), |conn| {
            let all = (names.len() > 1).then(|| conn.unchecked_transaction());
            let all = all.transpose()?;
            for (name, at) in names.iter().zip(&mut found) {
                if at.is_none() {
                    *at = BodyAt::stored(conn, id, name)?;
                }
            }
            drop(all);
            Ok(())
        })?;
        Ok(found)
    }

    /// What the body says that is there.
    fn opened(&self, name: &BodyRef, at: Option<BodyAt>) -> Result<Option<Vec<u8>>, ReadError> {
        let id = self.cell.id;
        let sealed = match at {
            Some(BodyAt::Erased) => return Err(ReadError::BodyErased(name.digest)),
            Some(BodyAt::Here(sealed)) => sealed,
            Some(BodyAt::Packed(place)) => self.packed_body(name, place)?,
            None => return Ok(None),
        };
        let keys = self
            .node
            .keys
            .tenant(id)
            .map_err(|cause| self.ring(cause))?;
        keys.open_body(id, name, &sealed).map(Some)
    }
}

impl TenantStore for SqliteTenant {
    fn id(&self) -> TenantId {
        self.cell.id
    }

    fn head(&self) -> Result<Head, ReadError> {
        let wake = locked(&self.node.wakes).get(&self.cell.id).copied();
        let state = self.cell.read()?;
        Ok(Head {
            seq: state.seq,
            epoch: state.epoch,
            records_seq: state.records_seq,
            at: state.at,
            wake,
        })
    }

    fn entries(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let state = self.cell.read()?;
        let room = state.seq.saturating_sub(after).min(limit as u64);
        if room == 0 {
            return Ok(Vec::new());
        }
        let (first, last) = (after + 1, after + room);
        let first_pending = state.first_pending();
        let mut pending = Vec::new();
        if last >= first_pending {
            state.pending_entries(first.max(first_pending), last, &mut pending);
        }
        drop(state);
        if first >= first_pending {
            return Ok(pending);
        }
        // Below the first pending one everything stands in the file.
        let mut entries = Vec::with_capacity(room as usize);
        let id = self.cell.id;
        let stored = last.min(first_pending - 1);
        self.file(true, (), |conn| {
            file::entries(conn, id, first, stored, &mut entries)
        })?;
        entries.append(&mut pending);
        Ok(entries)
    }

    fn record(&self, kind: &str, id: &[u8]) -> Result<Option<Record>, ReadError> {
        let state = self.cell.read()?;
        if let Some(record) = state.record(kind, id) {
            return Ok(record.bytes.is_some().then_some(record));
        }
        let exists = state.exists;
        drop(state);
        self.file(exists, None, |conn| {
            file::record(conn, self.cell.id, kind, id)
        })
    }

    fn open_records(&self) -> Result<Vec<Record>, ReadError> {
        let state = self.cell.read()?;
        let (pending, exists) = (state.records(|_| true), state.exists);
        drop(state);
        let stored = self.file(exists, Vec::new(), |conn| {
            file::open_records(conn, self.cell.id)
        })?;
        let rows = overlay(stored, pending).into_values();
        Ok(rows
            .filter(|record| record.open && record.bytes.is_some())
            .collect())
    }

    fn scan(
        &self,
        kind: &str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let from = match after {
            Some(after) if after >= prefix => (after, false),
            _ => (prefix, true),
        };
        let state = self.cell.read()?;
        let pending = state.records(|record| {
            let here = &record.id[..] > from.0 || (from.1 && record.id == from.0);
            record.kind == kind && record.id.starts_with(prefix) && here
        });
        let exists = state.exists;
        drop(state);
        // A pending deletion may take a row away for each pending record.
        let wanted = limit.saturating_add(pending.len());
        let stored = self.file(exists, Vec::new(), |conn| {
            file::scan(conn, self.cell.id, kind, prefix, from, wanted)
        })?;
        let rows = overlay(stored, pending).into_values();
        Ok(rows
            .filter(|record| record.bytes.is_some())
            .take(limit)
            .collect())
    }

    fn scan_back(
        &self,
        kind: &str,
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let state = self.cell.read()?;
        let below = |id: &[u8]| before.is_none_or(|before| id < before);
        let pending = state.records(|record| record.kind == kind && below(&record.id));
        let exists = state.exists;
        drop(state);
        // A pending deletion may take a row away for each pending record.
        let wanted = limit.saturating_add(pending.len());
        let stored = self.file(exists, Vec::new(), |conn| {
            file::scan_back(conn, self.cell.id, kind, before, wanted)
        })?;
        let rows = overlay(stored, pending).into_values().rev();
        Ok(rows
            .filter(|record| record.bytes.is_some())
            .take(limit)
            .collect())
    }

    fn put_records(&self, upto: Seq, records: Vec<Record>) {
        let mut state = self.cell.lock();
        debug_assert!(upto <= state.seq, "records of facts that aren't durable");
        state.put_records(upto, records);
        drop(state);
        self.node.enqueue(&self.cell);
    }

    fn views(&self) -> Option<Arc<Views>> {
        self.node.viewer.find(self.cell.id)
    }

    fn viewed(&self) -> Viewed {
        let state = self.cell.lock();
        state.unviewed.viewed(state.seq)
    }

    fn await_views(&self, seq: Seq, wait: Duration) -> Viewed {
        self.node.viewer.wait(&self.cell, seq, wait)
    }

    fn inbox(&self, source: &str, key: &str) -> Result<Option<InboxRow>, ReadError> {
        let state = self.cell.read()?;
        if let Some(row) = state.answer(source, key) {
            return Ok(Some(row));
        }
        let exists = state.exists;
        drop(state);
        self.file(exists, None, |conn| {
            file::inbox(conn, self.cell.id, source, key)
        })
    }

    fn seal_body(&self, plain: &[u8]) -> Result<StagedBody, ReadError> {
        let keys = self
            .node
            .keys
            .tenant(self.cell.id)
            .map_err(|cause| self.ring(cause))?;
        Ok(keys.seal_body(self.cell.id, crypto::random_nonce(), plain))
    }

    fn put_large(&self, body: &StagedBody) -> Result<(), CommitError> {
        self.node.alive()?;
        let _no_erasure = self
            .node
            .erasing
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let known = self.cell.lock().packed(&body.name);
        if known.is_some() {
            return Ok(());
        }
        let place = self
            .node
            .packs
            .put(self.cell.id, body)
            .map_err(|cause| DbError::from(cause).writing())?;
        self.cell.lock().put_packed(body.name, place);
        self.node.enqueue(&self.cell);
        Ok(())
    }

    fn body(&self, name: &BodyRef) -> Result<Option<Vec<u8>>, ReadError> {
        self.opened(name, self.place_of(name)?)
    }

    fn bodies(&self, names: &[BodyRef]) -> Vec<Result<Option<Vec<u8>>, ReadError>> {
        let Ok(found) = self.places_of(names) else {
            return names.iter().map(|name| self.body(name)).collect(); // one alone may be damaged
        };
        let each = names.iter().zip(found);
        each.map(|(name, at)| self.opened(name, at)).collect()
    }

    fn is_erased(&self, name: &BodyRef) -> Result<bool, ReadError> {
        Ok(matches!(self.place_of(name)?, Some(BodyAt::Erased)))
    }

    fn seal(&self, subject: SubjectId, plain: &[u8]) -> Result<Sealed, ReadError> {
        let id = self.cell.id;
        let key = self
            .node
            .keys
            .key(id, subject)
            .map_err(|cause| self.ring(cause))?;
        Ok(crypto::seal_text(
            &key,
            id,
            subject,
            crypto::random_nonce(),
            plain,
        ))
    }

    fn open(&self, sealed: &Sealed) -> Result<Vec<u8>, ReadError> {
        let id = self.cell.id;
        let key = self
            .node
            .keys
            .key(id, sealed.subject)
            .map_err(|cause| self.ring(cause))?;
        crypto::open_text(&key, id, sealed)
    }
}
