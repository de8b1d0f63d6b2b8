//! Connections for reading, at most so many at once: each takes three file descriptors.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use naos_types::TenantId;
use rusqlite::Connection;

use super::db::{self, DbError, Mode};
use super::tenant_file::TENANT;

/// How many files are open for reading at once; with the filler's 200 in all.
pub(crate) const READERS_COUNT_MAX: usize = 120;

pub(crate) type Reader = Arc<Mutex<Connection>>;

#[derive(Default)]
pub(crate) struct Readers(Mutex<Lru>);

#[derive(Default)]
struct Lru {
    turn: u64,
    open: HashMap<TenantId, (u64, Reader)>,
}

impl Readers {
    /// A tenant's connection, opened if need be.
    pub(crate) fn get(&self, tenant: TenantId, path: &Path) -> Result<Reader, DbError> {
        let mut lru = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lru.turn += 1;
        let turn = lru.turn;
        if let Some((last, reader)) = lru.open.get_mut(&tenant) {
            *last = turn;
            return Ok(Arc::clone(reader));
        }
        if lru.open.len() >= READERS_COUNT_MAX {
            let oldest = lru.open.iter().min_by_key(|(_, (last, _))| *last);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                lru.open.remove(&oldest);
            }
        }
        let reader = Arc::new(Mutex::new(db::open(path, &TENANT, Mode::Reader)?));
        lru.open.insert(tenant, (turn, Arc::clone(&reader)));
        Ok(reader)
    }

    /// Reads with a tenant's connection.
    pub(crate) fn with<T>(
        &self,
        tenant: TenantId,
        path: &Path,
        read: impl FnOnce(&Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let reader = self.get(tenant, path)?;
        let conn = reader.lock().unwrap_or_else(PoisonError::into_inner);
        read(&conn)
    }

    pub(crate) fn close(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open
            .clear();
    }
}
