//! The store on disk under the common contract, and what only a disk can do.

mod disk;

mod erasing;

mod flips;

mod io_faults;

mod losses;

use tempfile::TempDir;

use super::*;
use crate::contract::{Rig, contract_tests};

/// A directory in memory where the system has one: these tests count calls, they don't need
/// their syncs to reach a disk.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

pub(super) struct Disk {
    pub(super) dir: TempDir,
    pub(super) store: Option<SqliteStore>,
}

impl Disk {
    pub(super) fn get(&self) -> &SqliteStore {
        self.store.as_ref().unwrap()
    }
}

impl Rig for Disk {
    fn open() -> Self {
        let dir = scratch();
        let store = Some(SqliteStore::open(dir.path()).unwrap());
        Self { dir, store }
    }
    fn store(&self) -> &dyn Store {
        self.get()
    }
    fn restart(&mut self) {
        self.get().crash();
        self.store = None;
        self.store = Some(SqliteStore::open(self.dir.path()).unwrap());
    }
    fn erase(&self, tenant: TenantId, subject: SubjectId) {
        self.get().destroy(tenant, subject).unwrap();
    }
}

contract_tests!(Disk);
