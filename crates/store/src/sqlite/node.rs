//! All cells of a node over one log: staging, committing, publishing.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use naos_ledger::Signer;
use naos_types::{BodyRef, Seq, TenantId, Time};

use super::cell::Cell;
use super::db::{DbError, Meaning};
use super::keys::Keys;
use super::node_log::{self, Retired, Segment};
use super::packs::Packs;
use super::queue::{NoRoom, Queue};
use super::readers::Readers;
use super::row::Part;
use super::stage::{self, NoShare, Row, Share, Staged, check_ends, note_wake, stale};
use super::system::Standing;
use super::tenant_file;
use super::viewer::Viewer;
use crate::crypto::Key;
use crate::traits::{Append, CommitError, ReadError, Stale};

/// What is written to see whether there is room.
const PROBE: &str = "room.probe";
/// About what a commit needs.
const PROBE_BYTES: usize = 64 << 10;

pub(crate) struct Node {
    pub(crate) dir: PathBuf,
    pub(crate) keys: Keys,
    pub(crate) signer: Signer,
    pub(crate) packs: Packs,
    /// Held while packs are overwritten: whoever puts a content there waits until that is over.
    pub(crate) erasing: RwLock<()>,
    pub(crate) readers: Readers,
    pub(crate) queue: Queue,
    pub(crate) viewer: Viewer,
    /// None once the store is closed.
    pub(crate) log: Mutex<Option<Log>>,
    /// The log's first position of this process: no file holds it when it is first opened.
    pub(crate) first_pos: u64,
    /// Segments that wait for every tenant's file, oldest first.
    pub(crate) retired: Mutex<VecDeque<Retired>>,
    /// The next segment, made ready off the commit path.
    pub(crate) next: Mutex<Option<Segment>>,
    pub(crate) next_number: AtomicU64,
    pub(crate) cells: Mutex<HashMap<TenantId, Arc<Cell>>>,
    /// What each cell's journal must reach at least.
    pub(crate) standing: Mutex<HashMap<TenantId, Standing>>,
    pub(crate) wakes: Mutex<HashMap<TenantId, Time>>,
    /// Why nothing is written any more, once that is so.
    pub(crate) broken: OnceLock<String>,
}

pub(crate) struct Log {
    pub(crate) segment: Segment,
    pub(crate) next_pos: u64,
    /// Planted bug: rows that were acknowledged and not committed.
    deferred: bool,
}

impl Log {
    pub(crate) fn new(segment: Segment, next_pos: u64) -> Self {
        Self {
            segment,
            next_pos,
            deferred: false,
        }
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, thiserror::Error)]
#[error("the store stopped writing ({0}): naos must end and start again")]
struct Broken(String);

#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;

impl Node {
    pub(crate) fn tenant_path(&self, id: TenantId) -> PathBuf {
        self.dir.join("tenants").join(format!("{id}.db"))
    }

    pub(crate) fn views_path(&self, id: TenantId) -> PathBuf {
        self.dir.join("views").join(format!("{id}.db"))
    }

    /// A tenant's cell, read from its file at the first use.
    pub(crate) fn cell(&self, id: TenantId) -> Result<Arc<Cell>, ReadError> {
        if let Some(cell) = locked(&self.cells).get(&id) {
            return Ok(Arc::clone(cell));
        }
        let cell = Arc::new(self.load(id)?);
        let standing = locked(&self.standing).get(&id).copied().unwrap_or_default();
        check_ends(&cell, &standing, self.first_pos)?;
        Ok(Arc::clone(locked(&self.cells).entry(id).or_insert(cell)))
    }

    /// Reads a cell from its file, as far as that goes.
    pub(crate) fn load(&self, id: TenantId) -> Result<Cell, ReadError> {
        let path = self.tenant_path(id);
        let meta = if path.exists() {
            match self
                .readers
                .with(id, &path, |conn| tenant_file::meta(conn, id))
            {
                Ok(meta) => meta,
                // Its making was cut short: nothing was ever filled in.
                Err(DbError::Unfinished) => None,
                Err(cause) => return Err(cause.reading(&path.display().to_string())),
            }
        } else {
            None
        };
        Ok(Cell::new(id, path, meta))
    }

    /// Nothing is written any more, whoever asks.
    pub(crate) fn give_up(&self, why: String) {
        tracing::error!(%why, "the store stops writing");
        let _first_reason_counts = self.broken.set(why);
        self.queue.give_up();
    }

    pub(crate) fn alive(&self) -> Result<(), CommitError> {
        match self.broken.get() {
            None => Ok(()),
            Some(why) => Err(CommitError::SyncFailed(Box::new(Broken(why.clone())))),
        }
    }

    /// Whether there is room for a commit; takes no turn among them.
    pub(crate) fn writable(&self) -> Result<(), CommitError> {
        self.alive()?;
        if self.queue.is_stuck() {
            return Err(CommitError::Full);
        }
        let path = self.dir.join(PROBE);
        let tried = fs::write(&path, [0_u8; PROBE_BYTES]);
        let gone = fs::remove_file(&path);
        tried
            .and(gone)
            .map_err(|cause| DbError::from(cause).writing())
    }

    pub(crate) fn commit(
        &self,
        appends: &[Append],
    ) -> Result<Vec<Result<Seq, Stale>>, CommitError> {
        for append in appends {
            append
                .check()
                .map_err(|bad| CommitError::Io(Box::new(bad)))?;
        }
        let mut log = locked(&self.log);
        self.alive()?;
        let log = log
            .as_mut()
            .ok_or_else(|| CommitError::Io(Box::new(Closed)))?;
        match self.queue.room() {
            Ok(()) => {}
            Err(NoRoom::Full) => return Err(CommitError::Full),
            Err(NoRoom::Over) => return self.alive().map(|()| Vec::new()),
        }
        self.finish_deferred(log)?;
        self.rotate(log).map_err(DbError::writing)?;
        let Staged { results, shares } = self.stage(appends, log.segment.number)?;
        if shares.is_empty() {
            return Ok(results);
        }
        let rows = stage::rows(shares, log.next_pos);
        self.write(log, &rows)?;
        log.next_pos += rows.len() as u64;
        log.segment.rows += rows.len() as u64;
        for (_, row, _) in &rows {
            log.segment.touched.insert(row.head.tenant, row.head.pos);
        }
        self.publish(rows);
        // After the answer is known: the next commit's sync is the cheaper for it.
        log.segment.write_ahead();
        Ok(results)
    }

    /// Sorts out what is stale; the others' shares in order.
    fn stage<'a>(&self, appends: &'a [Append], segment: u64) -> Result<Staged<'a>, CommitError> {
        let mut shares: Vec<Share<'a>> = Vec::new();
        let mut index: HashMap<TenantId, usize> = HashMap::new();
        let mut results = Vec::with_capacity(appends.len());
        for append in appends {
            let at = match index.get(&append.tenant) {
                Some(at) => *at,
                None => match self.share(append.tenant, segment) {
                    Ok(share) => {
                        index.insert(append.tenant, shares.len());
                        shares.push(share);
                        shares.len() - 1
                    }
                    // The owner reads its head next and finds out why; neighbours go on.
                    Err(NoShare::Unusable { found }) => {
                        results.push(Err(stale(append, found)));
                        continue;
                    }
                    Err(NoShare::NoKey(cause)) => return Err(self.ring_failed(cause).writing()),
                },
            };
            let share = &mut shares[at];
            if append.expected != share.seq || append.epoch < share.epoch {
                results.push(Err(stale(append, share.seq)));
                continue;
            }
            (share.seq, share.epoch) = (append.last(), append.epoch);
            share.parts.push(Part::of(append));
            results.push(Ok(share.seq));
        }
        shares.retain(|share| !share.parts.is_empty());
        Ok(Staged { results, shares })
    }

    fn share<'a>(&self, tenant: TenantId, segment: u64) -> Result<Share<'a>, NoShare> {
        let cell = self.cell(tenant).map_err(|cause| {
            tracing::error!(%tenant, %cause, "an append to a cell that can't be read");
            let found = locked(&self.standing)
                .get(&tenant)
                .map_or(0, |standing| standing.seq);
            NoShare::Unusable { found }
        })?;
        let state = cell.lock();
        let (seq, epoch, usable) = (state.seq, state.epoch, state.fault.is_none());
        drop(state);
        if !usable {
            return Err(NoShare::Unusable { found: seq });
        }
        let key = match self.row_key(&cell, segment) {
            Ok(key) => key,
            Err(DbError::Erased(_)) => return Err(NoShare::Unusable { found: seq }),
            Err(cause) => return Err(NoShare::NoKey(cause)),
        };
        Ok(Share {
            cell,
            key,
            first: seq + 1,
            seq,
            epoch,
            parts: Vec::new(),
        })
    }

    fn row_key(&self, cell: &Cell, segment: u64) -> Result<Arc<Key>, DbError> {
        if let Some((number, key)) = &cell.lock().row_key
            && *number == segment
        {
            return Ok(Arc::clone(key));
        }
        let own = self.keys.tenant(cell.id)?;
        let key = Arc::new(node_log::row_key(&own.own, segment));
        cell.lock().row_key = Some((segment, Arc::clone(&key)));
        Ok(key)
    }

    fn rotate(&self, log: &mut Log) -> Result<(), DbError> {
        if !log.segment.is_full() {
            return Ok(());
        }
        let ready = locked(&self.next).take();
        let next = match ready {
            Some(segment) => segment,
            None => self.new_segment()?,
        };
        let full = std::mem::replace(&mut log.segment, next);
        locked(&self.retired).push_back(full.retire());
        self.queue.ask_for_chores();
        Ok(())
    }

    /// Overwrites in packs what facts took away, every copy of it but what was put there since.
    pub(crate) fn overwrite(&self, cell: &Cell, erased: &[BodyRef]) -> Result<(), DbError> {
        if super::planted::packs_keep_the_erased() || super::planted::erased_is_read() {
            return Ok(());
        }
        let _nothing_is_put = self.erasing.write().unwrap_or_else(PoisonError::into_inner);
        let kept: Vec<_> = erased.iter().map(|name| cell.lock().packed(name)).collect();
        let named = erased.iter().copied().zip(kept);
        Ok(self.packs.erase(cell.id, &named.collect::<Vec<_>>())?)
    }

    /// Begins a new segment of the log and lets the ones before go as soon as files hold their
    /// rows: these have what was taken away since. They are overwritten before they are deleted.
    pub(crate) fn shed_log(&self) -> Result<(), DbError> {
        let mut open = locked(&self.log);
        let Some(log) = open.as_mut().filter(|log| !log.deferred) else {
            return Ok(());
        };
        let ready = locked(&self.next).take();
        let mut next = ready.map_or_else(|| self.new_segment(), Ok)?;
        // With no row in the log at all a lost log would look like an empty one.
        next.insert_start(log.next_pos)?;
        log.next_pos += 1;
        let full = std::mem::replace(&mut log.segment, next);
        let mut retired = locked(&self.retired);
        retired.push_back(full.retire());
        for segment in retired.iter_mut() {
            segment.shreds = true;
        }
        Ok(())
    }

    /// Makes a segment under the next number.
    pub(crate) fn new_segment(&self) -> Result<Segment, DbError> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let mut segment = Segment::open(&self.dir.join("log"), number)?;
        segment.write_ahead();
        Ok(segment)
    }

    fn write(&self, log: &mut Log, rows: &[Row]) -> Result<(), CommitError> {
        if let Err(cause) = log
            .segment
            .insert(rows.iter().map(|(_, row, key)| (&**row, &**key)))
        {
            // Nothing of a transaction without its COMMIT is ever read back.
            return match log.segment.rollback() {
                Ok(()) if cause.meaning() == Meaning::SyncFailed => Err(self.in_doubt(cause)),
                Ok(()) => Err(cause.writing()),
                Err(worse) => Err(self.in_doubt(worse)),
            };
        }
        if super::planted::ack_before_sync() {
            log.deferred = true;
            return Ok(());
        }
        self.commit_segment(log)
    }

    fn commit_segment(&self, log: &Log) -> Result<(), CommitError> {
        let Err(cause) = log.segment.commit() else {
            return Ok(());
        };
        let undone = log.segment.rollback();
        // A full disk took less than the whole commit. Any other error leaves open what the disk
        // has by now, and a failed sync must never be tried again.
        match (cause.meaning(), undone) {
            (Meaning::Full, Ok(())) => Err(CommitError::Full),
            _ => Err(self.in_doubt(cause)),
        }
    }

    fn in_doubt(&self, cause: DbError) -> CommitError {
        self.give_up(super::db::chain(&cause));
        CommitError::SyncFailed(Box::new(cause))
    }

    /// A key ring whose sync failed can't be believed any more than a log.
    pub(crate) fn ring_failed(&self, cause: DbError) -> DbError {
        if cause.meaning() == Meaning::SyncFailed {
            self.give_up(super::db::chain(&cause));
        }
        cause
    }

    pub(crate) fn finish_deferred(&self, log: &mut Log) -> Result<(), CommitError> {
        if std::mem::take(&mut log.deferred) {
            self.commit_segment(log)
        } else {
            Ok(())
        }
    }

    /// What is durable becomes visible, and waits to be filled in.
    fn publish(&self, rows: Vec<Row>) {
        let (mut fresh, mut facts, mut bytes) = (Vec::new(), 0, 0);
        let mut unviewed = Vec::new();
        let mut wakes = locked(&self.wakes);
        for (cell, row, _) in rows {
            facts += row.facts();
            bytes += row.plain.len();
            note_wake(&mut wakes, &row);
            let mut state = cell.lock();
            state.push(row);
            let lacks = state.unviewed.has_work();
            if lacks && !std::mem::replace(&mut state.unviewed.queued, true) {
                unviewed.push(Arc::clone(&cell));
            }
            if !std::mem::replace(&mut state.queued, true) {
                drop(state);
                fresh.push(cell);
            }
        }
        drop(wakes);
        self.queue.push(fresh, facts, bytes);
        self.viewer.push(unviewed);
    }

    /// Has a cell filled in that has something besides the journal to write.
    pub(crate) fn enqueue(&self, cell: &Arc<Cell>) {
        let queued = std::mem::replace(&mut cell.lock().queued, true);
        if !queued {
            self.queue.push(vec![Arc::clone(cell)], 0, 0);
        }
    }
}
