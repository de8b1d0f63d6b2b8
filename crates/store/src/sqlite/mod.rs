//! The store on disk: one log for the node, one SQLite file per tenant, pack files, a key ring.
//!
//! ```text
//! data/log/NNNNNN.db      the commit point: rows of all tenants, sealed
//! data/tenants/<id>.db    journal, records, answers, bodies; filled behind the log
//! data/views/<id>.db      lists and sums; made again from the journal whenever need be
//! data/system.db          where each cell stands, when it wants to be woken
//! data/bodies/NNNNNN.pack bodies above 16 KiB
//! data/keys/              node.key, sign.key, ring.db; nobody else's to read
//! data/lock               whose directory this is
//! ```
//! A commit: stage → one transaction in the log, one sync → publish to [`cell`] → answer. Behind
//! it the [`filler`] writes tenants' files, and lets go of log segments that all files hold; the
//! [`viewer`] folds what is durable into lists and sums.

mod vfs;

pub(crate) mod db;

pub(crate) mod planted;

mod keys;

mod row;

mod node_log;

mod packs;

mod system;

mod tenant_schema;

mod tenant_file;

mod signed_tree;

mod tenant_writer;

mod cell;

mod readers;

mod queue;

mod stage;

mod node;

mod filler;

mod unviewed;

mod viewer;

mod open;

mod tenant;

mod verify;

mod backup;

mod contents;

#[cfg(test)]
mod faults;

#[cfg(test)]
pub(crate) mod tests;

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use naos_types::{Seq, SubjectId, TenantId, Time};

pub use self::backup::{
    BackupError, BackupKeys, Beside, Contents, TenantContents, prove_backup, restore_backup,
};
use self::db::DbError;
pub use self::db::chain as error_chain;
use self::filler::Filler;
use self::node::{Node, locked};
pub use self::open::OpenError;
use self::queue::Stop;
pub use self::tenant::SqliteTenant;
pub use self::tenant_file::StoredCheckpoint;
pub use self::verify::Verified;
use crate::traits::{Append, CommitError, ReadError, Stale, Store, TenantStore, ViewsLag};

/// How many names of contents may wait to be proved.
const NAMES_COUNT_MAX: usize = 4_096;

/// Every schema with its format, for the register.
#[cfg(test)]
pub(crate) fn stored_schemas() -> Vec<(&'static str, u32)> {
    let layouts = [
        &node_log::SEGMENT,
        &tenant_file::TENANT,
        &system::SYSTEM,
        &keys::RING,
        &crate::views::CURSORS,
    ];
    let views = crate::views::VIEWS
        .iter()
        .map(|view| (view.schema, view.version));
    let layouts = layouts.iter().map(|layout| (layout.schema, layout.format));
    layouts.chain(views).collect()
}

/// A data directory, open and owned by this process.
pub struct SqliteStore {
    node: Arc<Node>,
    filler: Mutex<Option<JoinHandle<Result<(), DbError>>>>,
    viewer: Mutex<Option<JoinHandle<()>>>,
    /// Goes last: the next process may come in then.
    lock: Mutex<Option<File>>,
}

fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, OpenError> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread
        .spawn(move || crate::vital(work))
        .map_err(|cause| OpenError::Io {
            what: "a thread".into(),
            cause: Box::new(cause),
        })
}

/// Why a store could not be closed cleanly. Nothing is lost: the next start reads the log.
#[derive(Debug, thiserror::Error)]
#[error("could not bring everything into the tenants' files")]
pub struct CloseError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Why a key could not be destroyed.
#[derive(Debug, thiserror::Error)]
#[error("could not destroy the key of subject {subject:?} of {tenant}")]
pub struct DestroyError {
    tenant: TenantId,
    subject: SubjectId,
    #[source]
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl SqliteStore {
    /// Whether a directory holds data, whatever its state.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        let parts = ["system.db", "log", "tenants", "keys"];
        parts.iter().any(|part| dir.join(part).exists())
    }

    /// Opens a data directory, or makes it; what a crash left in the log is visible at once.
    ///
    /// # Errors
    /// [`OpenError`] says whose fault it is and what to do.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let (node, system, lock) = open::open(dir)?;
        let filler = Filler::new(Arc::clone(&node), system);
        let filler = thread("naos-filler", move || filler.run())?;
        let viewed = Arc::clone(&node);
        let viewer = thread("naos-views", move || viewer::run(&viewed))?;
        Ok(Self {
            node,
            filler: Mutex::new(Some(filler)),
            viewer: Mutex::new(Some(viewer)),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.node.dir
    }

    /// Brings everything into the tenants' files, signs and syncs them, and leaves nothing but
    /// main files. Later calls of anything that writes are errors.
    ///
    /// # Errors
    /// [`CloseError`]; the next start reads from the log what files lack.
    pub fn close(&self) -> Result<(), CloseError> {
        let deferred = match locked(&self.node.log).as_mut() {
            Some(log) => self.node.finish_deferred(log),
            None => Ok(()),
        };
        deferred.map_err(|cause| CloseError(Box::new(cause)))?;
        self.end(Stop::Drained)
    }

    fn end(&self, how: Stop) -> Result<(), CloseError> {
        let Some(filler) = locked(&self.filler).take() else {
            return Ok(());
        };
        self.node.viewer.stop();
        if let Some(viewer) = locked(&self.viewer).take() {
            // Views are made again; whatever became of them, nothing is lost.
            let _views_are_derived = viewer.join();
        }
        self.node.queue.stop(how);
        let done = filler.join();
        // Without its filler the store takes no more.
        let open = locked(&self.node.log).take();
        drop(open);
        locked(&self.node.retired).clear();
        locked(&self.node.next).take();
        self.node.readers.close();
        locked(&self.lock).take();
        let broken = self
            .node
            .alive()
            .map_err(|cause| CloseError(Box::new(cause)));
        match done {
            Ok(done) => done
                .map_err(|cause| CloseError(Box::new(cause)))
                .and(broken),
            Err(_panic) => Err(CloseError("the filling thread panicked".into())),
        }
    }

    /// Stops at once, as a crash would: files keep what they have.
    #[cfg(test)]
    pub(crate) fn crash(&self) {
        let _state_of_a_crash = self.end(Stop::Now);
    }

    /// One tenant, with what only this store has.
    ///
    /// # Errors
    /// [`ReadError`] if its file can't be opened or isn't sound.
    pub fn sqlite_tenant(&self, id: TenantId) -> Result<SqliteTenant, ReadError> {
        let cell = self.node.cell(id)?;
        drop(cell.read()?);
        Ok(SqliteTenant {
            node: Arc::clone(&self.node),
            cell,
        })
    }

    /// Destroys a subject's key: what it sealed is erased, the journal still verifies.
    ///
    /// # Errors
    /// [`DestroyError`] if the key ring can't be written; the key is still there then.
    pub fn destroy(&self, tenant: TenantId, subject: SubjectId) -> Result<(), DestroyError> {
        if subject == SubjectId::TENANT {
            // Rows in the log are sealed with keys of this one: nothing may need them any more.
            self.settle();
        }
        self.node
            .keys
            .destroy(tenant, subject)
            .map_err(|cause| DestroyError {
                tenant,
                subject,
                cause: Box::new(cause),
            })
    }

    /// Hashes a whole journal again and compares it with what was stored and signed.
    ///
    /// # Errors
    /// [`ReadError`] if nothing can be said about the journal at all; what is wrong with its
    /// entries or checkpoints stands in the answer.
    pub fn verify(&self, tenant: TenantId) -> Result<Verified, ReadError> {
        self.settle();
        let cell = self.node.cell(tenant)?;
        let state = cell.read()?;
        let exists = state.exists;
        drop(state);
        if !exists {
            let root = naos_ledger::empty_root();
            let (first_bad, fault) = (None, None);
            return Ok(Verified {
                entries: 0,
                root,
                checkpoints: 0,
                first_bad,
                fault,
            });
        }
        let named = |cause: DbError, path: &Path| cause.reading(&path.display().to_string());
        let keys = &self.node.keys;
        keys.check().map_err(|cause| named(cause, keys.path()))?;
        let content = &self.sqlite_tenant(tenant)?;
        let (sender, names) = sync_channel(NAMES_COUNT_MAX);
        let (verified, contents) = std::thread::scope(|scope| {
            let contents = scope.spawn(move || contents::first_bad(&names, content));
            let verified = verify::verify(&cell.path, tenant, &self.node.signer, Some(sender));
            (verified, contents.join())
        });
        let mut verified = verified.map_err(|cause| named(cause, &cell.path))?;
        // The journal's own fault is the one to look at: names in front of it may follow from it.
        if verified.first_bad.is_none()
            && let Some((seq, fault)) = contents.expect("reading has no way to panic")?
        {
            (verified.first_bad, verified.fault) = (Some(seq), Some(fault));
        }
        if verified.first_bad.is_none() && !planted::journal_alone() {
            verify::pages(&cell.path).map_err(|cause| named(cause, &cell.path))?;
        }
        Ok(verified)
    }

    /// What outsiders check this node's checkpoints with.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.node.signer.vkey()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Err(cause) = self.close() {
            tracing::error!(
                cause = db::chain(&cause),
                "the store was not closed cleanly"
            );
        }
    }
}

impl Store for SqliteStore {
    fn commit(&self, appends: &[Append]) -> Result<Vec<Result<Seq, Stale>>, CommitError> {
        self.node.commit(appends)
    }

    fn writable(&self) -> Result<(), CommitError> {
        self.node.writable()
    }

    fn tenant(&self, id: TenantId) -> Result<Arc<dyn TenantStore>, ReadError> {
        Ok(Arc::new(self.sqlite_tenant(id)?))
    }

    fn tenants(&self) -> Result<Vec<TenantId>, ReadError> {
        let mut ids: Vec<TenantId> = locked(&self.node.standing)
            .iter()
            .filter(|(_, standing)| standing.seq > 0)
            .map(|(id, _)| *id)
            .collect();
        let cells = locked(&self.node.cells);
        ids.extend(
            cells
                .iter()
                .filter(|(_, cell)| cell.lock().seq > 0)
                .map(|(id, _)| *id),
        );
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn due(&self, now: Time) -> Result<Vec<(TenantId, Time)>, ReadError> {
        let wakes = locked(&self.node.wakes);
        let mut due: Vec<_> = wakes
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(id, at)| (*id, *at))
            .collect();
        due.sort_unstable_by_key(|(id, at)| (*at, *id));
        Ok(due)
    }

    fn settle(&self) {
        let _both_at_once = self.node.viewer.hurried();
        self.node.queue.settle();
        self.node.viewer.settle();
    }

    fn lag(&self) -> u64 {
        self.node.queue.lag().max(self.node.viewer.lag().facts)
    }

    fn views_lag(&self) -> ViewsLag {
        self.node.viewer.lag()
    }
}
