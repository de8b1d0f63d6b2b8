//! Lists and sums of one tenant, as tables that are folded from its facts behind the journal.
//!
//! Nothing decides by them and nothing is lost with them: a file that is missing, damaged or of
//! another version is made again. They hold ids, names, statuses and amounts; what a row says is
//! read from its record. Many facts are folded in memory and written in one transaction, together
//! with how far it goes.

mod fold;

mod model;

mod plan;

mod run;

mod spending;

mod task;

#[cfg(test)]
pub(crate) mod naive;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use naos_types::{PlanId, RunId, Seq, TaskId, TaskStatus, TenantId, Time};
use rusqlite::{Connection, params};

use self::fold::Fold;
pub(crate) use self::fold::wants;
pub use self::model::ModelSpent;
pub use self::plan::PlanFilter;
pub use self::run::RunFilter;
pub use self::spending::Spent;
use crate::sqlite::db::{self, DbError, Layout, Mode};
use crate::traits::{Entry, ReadError};

/// One view: its tables, and the version of what they hold. Whoever changes how facts are folded
/// raises the version too.
pub(crate) struct View {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) schema: &'static str,
}

/// All of them. They move together, a fact is decoded once for all.
pub(crate) const VIEWS: [&View; 5] = [
    &run::VIEW,
    &task::VIEW,
    &plan::VIEW,
    &spending::VIEW,
    &model::VIEW,
];

/// How far each view of a file goes.
pub(crate) static CURSORS: Layout = Layout {
    name: "views file",
    format: 1,
    schema: "CREATE TABLE cursor(
        view TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        tenant BLOB NOT NULL,
        seq INTEGER NOT NULL
    ) STRICT;",
};

/// So many pages in the write-ahead log are brought into the main file (4 MiB).
const WAL_PAGES_MAX: i32 = 1_024;
/// The cursor is written again after so many facts that no view wants.
pub(crate) const UNWANTED_MAX: u64 = 8_192;

/// One fact on its way into the views.
pub(crate) struct Input<'a> {
    pub(crate) kind: &'a str,
    pub(crate) version: u8,
    pub(crate) bytes: &'a [u8],
}

impl<'a> From<&'a Entry> for Input<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            kind: &entry.kind,
            version: entry.version,
            bytes: &entry.bytes,
        }
    }
}

/// How far the views of a tenant go, and whether they can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Viewed {
    /// They hold all facts up to here.
    pub seq: Seq,
    /// The time of the oldest fact of this process that they still lack.
    pub since: Option<Time>,
    /// They are being made, or can't be written for now: ask records instead.
    pub away: bool,
}

/// The lists and sums of one tenant.
pub struct Views {
    tenant: TenantId,
    conn: Mutex<Connection>,
    wal_pages: Arc<AtomicI32>,
    /// A read found something unsound: the file is to be made again.
    damaged: AtomicBool,
}

fn owner(tenant: TenantId) -> [u8; 16] {
    tenant.0.to_be_bytes()
}

/// The largest id that lies below `before`.
fn below(before: Option<u128>) -> [u8; 16] {
    before
        .map_or(u128::MAX, |id| id.saturating_sub(1))
        .to_be_bytes()
}

fn damaged(table: &'static str, key: &str) -> DbError {
    DbError::Row {
        table,
        key: key.to_owned(),
    }
}

fn make_tables(conn: &Connection, tenant: TenantId) -> Result<(), DbError> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    for view in VIEWS {
        conn.execute_batch(view.schema)?;
        conn.execute(
            "INSERT INTO cursor(view, version, tenant, seq) VALUES(?1, ?2, ?3, 0)",
            params![view.name, view.version, owner(tenant)],
        )?;
    }
    conn.execute_batch("COMMIT")?;
    Ok(())
}

/// How far a file of views goes; none if it isn't one that this naos goes on with.
fn cursor(conn: &Connection, tenant: TenantId) -> Result<Option<Seq>, DbError> {
    let mut select = conn.prepare("SELECT view, version, tenant, seq FROM cursor")?;
    let mut rows = select.query([])?;
    let (mut found, mut seqs) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let (name, version): (String, u32) = (row.get(0)?, row.get(1)?);
        let ours = VIEWS.iter().any(|v| v.name == name && v.version == version);
        if !ours || row.get::<_, Vec<u8>>(2)? != owner(tenant) {
            return Ok(None);
        }
        found += 1;
        seqs.push(db::unsigned(row.get(3)?, "cursor")?);
    }
    seqs.dedup();
    Ok(match seqs[..] {
        [seq] if found == VIEWS.len() => Some(seq),
        _ => None,
    })
}

/// The files that SQLite keeps for one database.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match std::fs::remove_file(PathBuf::from(name)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    Ok(())
}

impl Views {
    fn of(conn: Connection, tenant: TenantId) -> Self {
        Self {
            tenant,
            conn: Mutex::new(conn),
            wal_pages: Arc::default(),
            damaged: AtomicBool::new(false),
        }
    }

    /// Views that end with the process.
    pub(crate) fn in_memory(tenant: TenantId) -> Result<Self, DbError> {
        let conn = Connection::open_in_memory()?;
        conn.execute_batch(CURSORS.schema)?;
        make_tables(&conn, tenant)?;
        Ok(Self::of(conn, tenant))
    }

    /// Opens a file and says how far it goes; one that is of no use here is made again.
    pub(crate) fn open(path: &Path, tenant: TenantId) -> Result<(Self, Seq), DbError> {
        if path.exists() {
            match Self::open_sound(path, tenant) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => tracing::info!(%tenant, "views of another version are made again"),
                Err(cause) if cause.meaning() == db::Meaning::Full => return Err(cause),
                Err(cause) => {
                    let cause = db::chain(&cause);
                    tracing::warn!(%tenant, cause, "views that can't be read are made again");
                }
            }
            remove(path)?;
        }
        Self::open_sound(path, tenant)?.ok_or_else(|| damaged("cursor", "of a new file"))
    }

    fn open_sound(path: &Path, tenant: TenantId) -> Result<Option<(Self, Seq)>, DbError> {
        let new = !path.exists();
        let conn = db::open(path, &CURSORS, Mode::Derived)?;
        if new {
            make_tables(&conn, tenant)?;
        }
        let Some(seq) = cursor(&conn, tenant)? else {
            return Ok(None);
        };
        let views = Self::of(conn, tenant);
        let told = Arc::clone(&views.wal_pages);
        views
            .lock()
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
                told.store(count, Ordering::Relaxed);
                Ok(())
            }))?;
        Ok(Some((views, seq)))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut short is rolled back before the next one begins.
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds facts in and moves the cursor to `upto`: all of it or nothing.
    pub(crate) fn follow<'a>(
        &self,
        facts: impl Iterator<Item = Input<'a>>,
        upto: Seq,
    ) -> Result<(), DbError> {
        let conn = self.lock();
        if !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK")?;
        }
        let done = fold_in(&conn, facts, upto);
        if done.is_err() && !conn.is_autocommit() {
            let _adds_nothing = conn.execute_batch("ROLLBACK");
        }
        done?;
        if self.wal_pages.load(Ordering::Relaxed) >= WAL_PAGES_MAX {
            db::checkpoint(&conn, "PASSIVE")?;
        }
        Ok(())
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    fn read<T>(
        &self,
        what: &str,
        read: impl FnOnce(&Connection) -> Result<T, DbError>,
    ) -> Result<T, ReadError> {
        let done = read(&self.lock());
        done.map_err(|cause| {
            self.damaged.store(true, Ordering::Relaxed);
            cause.reading(&format!("the view {what} of {}", self.tenant))
        })
    }

    /// Runs, newest first, below `before`.
    ///
    /// # Errors
    /// [`ReadError`]: the file is made again, ask the records meanwhile.
    pub fn runs(
        &self,
        filter: &RunFilter<'_>,
        before: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<RunId>, ReadError> {
        self.read("run", |conn| run::list(conn, filter, before, limit))
    }

    /// Tasks, newest first, below `before`.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn tasks(
        &self,
        status: Option<TaskStatus>,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, ReadError> {
        self.read("task", |conn| task::list(conn, status, before, limit))
    }

    /// How many tasks stand where.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn task_counts(&self) -> Result<Vec<(TaskStatus, u64)>, ReadError> {
        self.read("task", task::counts)
    }

    /// Runs of plans, newest first, below `before`.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn plans(
        &self,
        filter: &PlanFilter<'_>,
        before: Option<PlanId>,
        limit: usize,
    ) -> Result<Vec<PlanId>, ReadError> {
        self.read("plan", |conn| plan::list(conn, filter, before, limit))
    }

    /// How often and how much by day, agent, tier and status, for runs that began on the day of
    /// `since` or later; without it the sums over all days.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn spent(&self, since: Option<Time>) -> Result<Vec<Spent>, ReadError> {
        self.read("spending", |conn| spending::since(conn, since))
    }

    /// What each model did in runs that began on the day of `since` or later, by name; without it
    /// in all runs.
    ///
    /// # Errors
    /// As [`Self::runs`].
    pub fn models(&self, since: Option<Time>) -> Result<Vec<ModelSpent>, ReadError> {
        self.read("model", |conn| model::since(conn, since))
    }
}

fn fold_in<'a>(
    conn: &Connection,
    facts: impl Iterator<Item = Input<'a>>,
    upto: Seq,
) -> Result<(), DbError> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut fold = Fold::new(conn);
    for fact in facts {
        fold.add(&fact)?;
    }
    fold.write()?;
    conn.prepare_cached("UPDATE cursor SET seq = ?1")?
        .execute([upto as i64])?;
    conn.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}
