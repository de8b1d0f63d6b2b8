//! The thread that brings what is durable in the log into tenants' files, and then lets old
//! segments of the log go.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::sync::Arc;

use naos_types::TenantId;

use super::cell::Cell;
use super::db::{self, DbError, Meaning};
use super::node::{Node, locked};
use super::node_log::Retired;
use super::queue::{Job, Stop};
use super::system::{Standing, System};
use super::tenant_writer::TenantWriter;

/// How many files are open for writing at once; with the readers' 200 in all.
pub(crate) const WRITERS_COUNT_MAX: usize = 80;
/// After so many fillings the system file is brought up to date.
const FILLS_PER_NOTE: usize = 64;
/// How often a file is tried that fails for another reason than space or damage.
const TRIES_MAX: u32 = 3;

pub(crate) struct Filler {
    node: Arc<Node>,
    system: System,
    writers: HashMap<TenantId, (u64, TenantWriter)>,
    turn: u64,
    /// Where cells stand that the system file doesn't know yet.
    noted: HashMap<TenantId, Standing>,
    fills: usize,
    /// Cells that were filled since the start: their last entries are signed at the end.
    filled: HashSet<TenantId>,
    tries: HashMap<TenantId, u32>,
    /// Whose write-ahead logs still have what was taken away.
    unshredded: HashSet<TenantId>,
    /// The log's segments have it, too: a new one is to begin.
    sheds: bool,
}

impl Filler {
    pub(crate) fn new(node: Arc<Node>, system: System) -> Self {
        Self {
            node,
            system,
            writers: HashMap::new(),
            turn: 0,
            noted: HashMap::new(),
            fills: 0,
            filled: HashSet::new(),
            tries: HashMap::new(),
            unshredded: HashSet::new(),
            sheds: false,
        }
    }

    /// Works until it is told to stop. An error has stopped the store before.
    pub(crate) fn run(mut self) -> Result<(), DbError> {
        self.note_replayed();
        if let Err(cause) = self.chores() {
            self.failed(&cause);
        }
        loop {
            let done = match self.node.queue.next() {
                Job::Fill(cell) => self.fill(&cell),
                Job::Chores => self.chores(),
                Job::Stop(Stop::Now) => return Ok(()),
                Job::Stop(Stop::Drained) => {
                    return self.close().inspect_err(self_failed);
                }
            };
            if let Err(cause) = done {
                self.failed(&cause);
            }
        }
    }

    /// What a process filled in before it was killed is news to the system file, too.
    fn note_replayed(&mut self) {
        if super::planted::replay_unnoted() {
            return;
        }
        let standing = locked(&self.node.standing).clone();
        for (id, cell) in locked(&self.node.cells).iter() {
            let known = standing.get(id).map_or(0, |standing| standing.pos);
            // Before the cell: whoever commits holds the wakes and then takes the cell.
            let due = locked(&self.node.wakes).get(id).copied();
            let state = cell.lock();
            if state.fault.is_some() || state.file_pos <= known {
                continue;
            }
            let (seq, pos) = (state.file_seq(), state.file_pos);
            self.noted.insert(*id, Standing { seq, pos, due });
        }
    }

    /// Chores that fail are done again later, unless the disk has lost something.
    fn failed(&self, cause: &DbError) {
        if cause.meaning() == Meaning::SyncFailed {
            self.node.give_up(db::chain(cause));
        } else {
            tracing::warn!(
                cause = db::chain(cause),
                "old segments of the log stay for now"
            );
        }
    }

    fn fill(&mut self, cell: &Arc<Cell>) -> Result<(), DbError> {
        let taken = cell.lock().take();
        let erased = taken.batch.erased();
        let overwritten = if erased.is_empty() {
            Ok(())
        } else {
            self.node.overwrite(cell, &erased)
        };
        let done = overwritten.and_then(|()| {
            let (writer, signer) = self.writer(cell)?;
            writer.fill(&taken.batch, signer)?;
            Ok(writer.meta.seq)
        });
        let seq = match done {
            Ok(seq) => seq,
            Err(cause) => {
                self.not_filled(cell, &cause);
                return Ok(());
            }
        };
        self.tries.remove(&cell.id);
        self.filled.insert(cell.id);
        let mut state = cell.lock();
        let (facts, bytes) = state.filled(&taken);
        state.queued = state.has_work();
        let again = state.queued.then(|| Arc::clone(cell));
        let pos = state.file_pos;
        drop(state);
        let due = locked(&self.node.wakes).get(&cell.id).copied();
        self.noted.insert(cell.id, Standing { seq, pos, due });
        // Chores come before the news, so that whoever waits finds them done.
        self.fills += 1;
        if !erased.is_empty() {
            self.unshredded.insert(cell.id);
            self.sheds = true;
        }
        let chores = if self.fills >= FILLS_PER_NOTE || self.shreds() {
            self.chores()
        } else {
            Ok(())
        };
        self.node.queue.filled(facts, bytes, again);
        chores
    }

    fn not_filled(&mut self, cell: &Arc<Cell>, cause: &DbError) {
        self.writers.remove(&cell.id);
        let tries = self.tries.entry(cell.id).or_insert(0);
        *tries += 1;
        match cause.meaning() {
            Meaning::Full => {
                *tries = 0;
                tracing::warn!(path = %cell.path.display(), "the disk is full, filling waits");
                self.node.queue.wait_for_space(Arc::clone(cell));
            }
            Meaning::Damaged => self.quarantine(cell, cause),
            Meaning::Other | Meaning::ReadOnly if *tries < TRIES_MAX => {
                self.node.queue.filled(0, 0, Some(Arc::clone(cell)));
            }
            Meaning::Other | Meaning::ReadOnly | Meaning::SyncFailed => {
                self.node.give_up(db::chain(cause));
            }
        }
    }

    /// This cell stops, its rows stay in the log; the neighbours go on.
    fn quarantine(&self, cell: &Cell, cause: &DbError) {
        let what = format!("{} ({})", cell.path.display(), db::chain(cause));
        tracing::error!(%what, "a cell is quarantined: its file is damaged");
        let mut state = cell.lock();
        state.fault = Some(what);
        state.queued = false;
        let (facts, bytes) = state.pending_facts();
        drop(state);
        self.node.queue.filled(facts, bytes, None);
    }

    fn writer(
        &mut self,
        cell: &Cell,
    ) -> Result<(&mut TenantWriter, &naos_ledger::Signer), DbError> {
        self.turn += 1;
        let turn = self.turn;
        if !self.writers.contains_key(&cell.id) {
            if self.writers.len() >= WRITERS_COUNT_MAX {
                self.evict()?;
            }
            let writer = TenantWriter::open(&cell.path, cell.id, &self.node.signer)?;
            self.writers.insert(cell.id, (turn, writer));
        }
        let (last, writer) = self
            .writers
            .get_mut(&cell.id)
            .expect("it was just put there");
        *last = turn;
        Ok((writer, &self.node.signer))
    }

    fn evict(&mut self) -> Result<(), DbError> {
        let oldest = self.writers.iter().min_by_key(|(_, (last, _))| *last);
        if let Some(id) = oldest.map(|(id, _)| *id)
            && let Some((_, mut writer)) = self.writers.remove(&id)
        {
            // Closed means synced: segments rely on it.
            writer.sync()?;
        }
        Ok(())
    }

    /// Whether something that was taken away still stands in a log.
    fn shreds(&self) -> bool {
        self.sheds
            || !self.unshredded.is_empty()
            || locked(&self.node.retired)
                .front()
                .is_some_and(|one| one.shreds && self.is_filled(one))
    }

    /// Takes away what logs have of contents that no file has any more.
    fn shred(&mut self) -> Result<(), DbError> {
        for id in self.unshredded.clone() {
            let cell = locked(&self.node.cells).get(&id).cloned();
            let done = match cell.filter(|cell| cell.lock().fault.is_none()) {
                Some(cell) => self.writer(&cell)?.0.shred()?,
                None => true,
            };
            if done {
                self.unshredded.remove(&id);
            }
        }
        if self.sheds {
            self.node.shed_log()?;
            self.sheds = false;
        }
        Ok(())
    }

    fn chores(&mut self) -> Result<(), DbError> {
        self.shred()?;
        self.note()?;
        let mut next = locked(&self.node.next);
        if next.is_none() {
            *next = Some(self.node.new_segment()?);
        }
        drop(next);
        while self.release_oldest()? {}
        Ok(())
    }

    fn note(&mut self) -> Result<(), DbError> {
        self.fills = 0;
        if self.noted.is_empty() {
            return Ok(());
        }
        self.system.note(&self.noted)?;
        locked(&self.node.standing).extend(self.noted.drain());
        Ok(())
    }

    /// Deletes the oldest retired segment once every file holds its rows on the disk.
    fn release_oldest(&mut self) -> Result<bool, DbError> {
        // With no row in the log at all a lost log would look like an empty one.
        if locked(&self.node.log)
            .as_ref()
            .is_none_or(|log| log.segment.rows == 0)
        {
            return Ok(false);
        }
        let Some(oldest) = locked(&self.node.retired).pop_front() else {
            return Ok(false);
        };
        if !self.is_filled(&oldest) {
            locked(&self.node.retired).push_front(oldest);
            return Ok(false);
        }
        if let Err(cause) = self.sync(&oldest) {
            locked(&self.node.retired).push_front(oldest);
            return Err(cause);
        }
        oldest.delete()?;
        Ok(true)
    }

    fn is_filled(&self, segment: &Retired) -> bool {
        let cells = locked(&self.node.cells);
        segment.touched.iter().all(|(tenant, pos)| {
            cells.get(tenant).is_some_and(|cell| {
                let state = cell.lock();
                state.fault.is_none() && state.file_pos >= *pos
            })
        })
    }

    fn sync(&mut self, segment: &Retired) -> Result<(), DbError> {
        for tenant in segment.touched.keys() {
            if let Some((_, writer)) = self.writers.get_mut(tenant) {
                writer.sync()?;
            } else if !self.filled.contains(tenant) {
                // Filled in by a process that was killed: nobody synced the file since.
                let cell = locked(&self.node.cells).get(tenant).cloned();
                if let Some(cell) = cell.filter(|cell| cell.path.exists()) {
                    self.writer(&cell)?.0.sync()?;
                    self.filled.insert(*tenant);
                }
            }
        }
        self.note()?;
        self.system.sync()
    }

    /// Everything is filled in: sign, sync, and leave nothing but main files.
    fn close(mut self) -> Result<(), DbError> {
        let filled: Vec<TenantId> = self.filled.iter().copied().collect();
        for id in filled {
            let cell = locked(&self.node.cells).get(&id).cloned();
            let Some(cell) = cell.filter(|cell| cell.lock().fault.is_none()) else {
                continue;
            };
            let (writer, signer) = self.writer(&cell)?;
            writer.sign_rest(signer)?;
        }
        self.note()?;
        self.system.sync()?;
        self.node.readers.close();
        for (_, (_, writer)) in self.writers.drain() {
            writer.close()?;
        }
        self.close_leftovers()?;
        self.close_log()?;
        Ok(())
    }

    /// Files whose last connection left a write-ahead log behind.
    fn close_leftovers(&self) -> Result<(), DbError> {
        for entry in std::fs::read_dir(self.node.dir.join("tenants"))? {
            let path = entry?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let id = name.strip_suffix(".db-wal").and_then(TenantId::parse);
            let Some(id) = id else { continue };
            let cell = locked(&self.node.cells).get(&id).cloned();
            if cell.is_some_and(|cell| cell.lock().fault.is_some()) {
                continue;
            }
            TenantWriter::open(&self.node.tenant_path(id), id, &self.node.signer)?.close()?;
        }
        Ok(())
    }

    fn close_log(mut self) -> Result<(), DbError> {
        // An empty one stays, so that numbers never start again.
        let next = locked(&self.node.next).take();
        next.map_or_else(|| self.node.new_segment(), Ok)?.close()?;
        let mut retired = std::mem::take(&mut *locked(&self.node.retired));
        let last = locked(&self.node.log).take();
        retired.extend(last.map(|log| log.segment.retire()));
        // A quarantined cell's rows stay where they are.
        if retired.iter().all(|segment| self.is_filled(segment)) {
            self.system.mark(true, &self.node.packs.lengths()?)?;
            for segment in retired {
                segment.delete()?;
            }
        }
        self.system.close()
    }
}

fn self_failed(cause: &DbError) {
    tracing::error!(cause = db::chain(cause), "the store was not closed cleanly");
}
