//! The door to one tenant of a [`MemStore`].

use std::borrow::Cow;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use naos_types::{BodyRef, Sealed, Seq, StagedBody, SubjectId, TenantId};

use super::{Cell, Fill, MemStore, write};
use crate::crypto;
use crate::sqlite::db::DbError;
use crate::traits::{CommitError, Entry, Head, InboxRow, ReadError, Record, TenantStore};
use crate::views::{Input, Viewed, Views};

pub(super) struct MemTenant {
    pub(super) id: TenantId,
    pub(super) store: MemStore,
}

impl MemTenant {
    fn with<T>(&self, read: impl FnOnce(&mut Cell) -> T) -> T {
        read(self.store.node().cell(self.id))
    }
}

fn fold(id: TenantId, cell: &mut Cell) -> Result<(), DbError> {
    let views = match &cell.views {
        Some(views) => Arc::clone(views),
        None => Arc::new(Views::in_memory(id)?),
    };
    let known = usize::try_from(cell.viewed).unwrap_or(usize::MAX);
    views.follow(
        cell.entries.iter().skip(known).map(Input::from),
        cell.head.seq,
    )?;
    (cell.views, cell.viewed) = (Some(views), cell.head.seq);
    Ok(())
}

impl TenantStore for MemTenant {
    fn id(&self) -> TenantId {
        self.id
    }

    fn head(&self) -> Result<Head, ReadError> {
        Ok(self.with(|cell| cell.head.clone()))
    }

    fn entries(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, ReadError> {
        Ok(self.with(|cell| {
            let from = usize::try_from(after).unwrap_or(usize::MAX);
            cell.entries
                .iter()
                .skip(from)
                .take(limit)
                .cloned()
                .collect()
        }))
    }

    fn record(&self, kind: &str, id: &[u8]) -> Result<Option<Record>, ReadError> {
        let key = (Cow::Owned(kind.to_owned()), id.to_vec());
        Ok(self.with(|cell| cell.records.get(&key).cloned()))
    }

    fn open_records(&self) -> Result<Vec<Record>, ReadError> {
        Ok(self.with(|cell| cell.records.values().filter(|r| r.open).cloned().collect()))
    }

    fn scan(
        &self,
        kind: &str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let key = |id: &[u8]| (Cow::Owned::<str>(kind.to_owned()), id.to_vec());
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(key(after)),
            _ => Bound::Included(key(prefix)),
        };
        Ok(self.with(|cell| {
            let rows = cell
                .records
                .range((from, Bound::Unbounded))
                .map(|(_, record)| record);
            let within = rows.take_while(|r| r.kind == kind && r.id.starts_with(prefix));
            within.take(limit).cloned().collect()
        }))
    }

    fn scan_back(
        &self,
        kind: &str,
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let first = (Cow::Owned(kind.to_owned()), Vec::new());
        let end = match before {
            Some(before) => (Cow::Owned(kind.to_owned()), before.to_vec()),
            None => (Cow::Owned(format!("{kind}\0")), Vec::new()), // behind every id of the kind
        };
        Ok(self.with(|cell| {
            let rows = cell
                .records
                .range((Bound::Included(first), Bound::Excluded(end)));
            rows.rev()
                .take(limit)
                .map(|(_, record)| record.clone())
                .collect()
        }))
    }

    fn put_records(&self, upto: Seq, records: Vec<Record>) {
        let mut node = self.store.node();
        let cell = node.cell(self.id);
        debug_assert!(
            upto <= cell.head.seq,
            "records of facts that aren't durable"
        );
        write(&mut cell.records, records.clone());
        cell.head.records_seq = upto;
        node.queue
            .push_back((self.id, Fill::Records(upto, records)));
        node.trim();
    }

    fn views(&self) -> Option<Arc<Views>> {
        self.with(|cell| cell.views.clone())
    }

    fn viewed(&self) -> Viewed {
        let seq = self.with(|cell| cell.viewed);
        Viewed {
            seq,
            ..Viewed::default()
        }
    }

    /// Nothing happens behind the caller's back: whoever asks folds.
    fn await_views(&self, _seq: Seq, _wait: Duration) -> Viewed {
        let away = self.with(|cell| fold(self.id, cell).is_err());
        Viewed {
            away,
            ..self.viewed()
        }
    }

    fn inbox(&self, source: &str, key: &str) -> Result<Option<InboxRow>, ReadError> {
        let key = (source.to_owned(), key.to_owned());
        Ok(self.with(|cell| cell.inbox.get(&key).cloned()))
    }

    fn seal_body(&self, plain: &[u8]) -> Result<StagedBody, ReadError> {
        self.store.swallow_poison(self.id);
        let mut node = self.store.node();
        let (keys, nonce) = (node.tenant_keys(self.id)?, node.nonce());
        Ok(keys.seal_body(self.id, nonce, plain))
    }

    fn put_large(&self, body: &StagedBody) -> Result<(), CommitError> {
        if self.store.node().broken {
            return Err(CommitError::SyncFailed("an earlier sync failed".into()));
        }
        if self.store.node().full {
            return Err(CommitError::Full);
        }
        self.with(|cell| cell.put_body(body));
        Ok(())
    }

    fn body(&self, name: &BodyRef) -> Result<Option<Vec<u8>>, ReadError> {
        self.store.swallow_poison(self.id);
        let mut node = self.store.node();
        let Some(sealed) = node.cell(self.id).bodies.get(name).cloned() else {
            return Ok(None);
        };
        if sealed.is_empty() {
            return Err(ReadError::BodyErased(name.digest));
        }
        let keys = node.tenant_keys(self.id)?;
        keys.open_body(self.id, name, &sealed).map(Some)
    }

    fn is_erased(&self, name: &BodyRef) -> Result<bool, ReadError> {
        self.store.swallow_poison(self.id);
        let mut node = self.store.node();
        let found = node.cell(self.id).bodies.get(name);
        Ok(found.is_some_and(|sealed| sealed.is_empty()))
    }

    fn seal(&self, subject: SubjectId, plain: &[u8]) -> Result<Sealed, ReadError> {
        self.store.swallow_poison(self.id);
        let mut node = self.store.node();
        let (key, nonce) = (node.key(self.id, subject)?, node.nonce());
        Ok(crypto::seal_text(&key, self.id, subject, nonce, plain))
    }

    fn open(&self, sealed: &Sealed) -> Result<Vec<u8>, ReadError> {
        let key = self.store.node().key(self.id, sealed.subject)?;
        crypto::open_text(&key, self.id, sealed)
    }
}
