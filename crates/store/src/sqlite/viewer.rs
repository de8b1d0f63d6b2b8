//! The thread that folds what is durable into tenants' views, and what waits for it. Views are
//! derived: whatever fails here costs nobody anything but time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use naos_types::{Seq, TenantId};

use super::cell::Cell;
use super::db::{self, DbError, Meaning};
use super::node::{Node, locked};
use super::row::Content;
use super::tenant::SqliteTenant;
use super::unviewed::Lack;
use crate::traits::{TenantStore, ViewsLag};
use crate::views::{self, Input, Viewed, Views};

/// How many files of views are open at once: each takes three file descriptors.
pub(crate) const VIEWS_COUNT_MAX: usize = 64;
/// How long facts gather: a row that changes often is written once.
const GATHER_MS: u64 = 20;

/// Cells whose views lag behind, in the order in which they fell behind.
#[derive(Default)]
pub(crate) struct Viewer {
    state: Mutex<State>,
    work: Condvar,
    progress: Condvar,
    files: Mutex<Files>,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Arc<Cell>>,
    working: Option<Arc<Cell>>,
    /// How many cells are left of those that had gathered.
    round: usize,
    /// Somebody waits.
    hurry: usize,
    /// Tenants whose views can't be written for now.
    broken: HashSet<TenantId>,
    stop: bool,
}

#[derive(Default)]
struct Files {
    turn: u64,
    open: HashMap<TenantId, (u64, Arc<Views>, Arc<Cell>)>,
}

/// Somebody waits for views.
pub(crate) struct Hurried<'v>(&'v Viewer);

impl Drop for Hurried<'_> {
    fn drop(&mut self) {
        self.0.lock().hurry -= 1;
    }
}

impl Viewer {
    fn lock(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// These have something to be folded in and weren't queued yet.
    pub(crate) fn push(&self, cells: Vec<Arc<Cell>>) {
        if cells.is_empty() {
            return;
        }
        self.lock().ready.extend(cells);
        self.work.notify_all();
    }

    /// The next cell; none at the end.
    fn next(&self) -> Option<Arc<Cell>> {
        let mut state = self.lock();
        state.working = None;
        loop {
            if state.stop {
                return None;
            }
            if state.round == 0 && !state.ready.is_empty() {
                let pause = Duration::from_millis(GATHER_MS);
                let calm = |state: &mut State| state.hurry == 0 && !state.stop;
                let waited = self.work.wait_timeout_while(state, pause, calm);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                state.round = state.ready.len();
                continue;
            }
            state.round = state.round.saturating_sub(1);
            if let Some(cell) = state.ready.pop_front() {
                state.working = Some(Arc::clone(&cell));
                return Some(cell);
            }
            let woken = self.work.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A cell had its turn.
    fn done(&self, cell: Arc<Cell>, again: bool) {
        let mut state = self.lock();
        state.working = None;
        if again {
            state.ready.push_back(cell);
        }
        drop(state);
        self.progress.notify_all();
    }

    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.work.notify_all();
        self.progress.notify_all();
    }

    /// A tenant's views, if their file is open and sound.
    pub(crate) fn find(&self, tenant: TenantId) -> Option<Arc<Views>> {
        let mut files = locked(&self.files);
        files.turn += 1;
        let turn = files.turn;
        let (last, views, _) = files.open.get_mut(&tenant)?;
        *last = turn;
        (!views.is_damaged()).then(|| Arc::clone(views))
    }

    /// Has a cell's views brought up to date and waits until they hold `seq`.
    pub(crate) fn wait(&self, cell: &Arc<Cell>, seq: Seq, wait: Duration) -> Viewed {
        let look = || {
            let state = cell.lock();
            (state.unviewed.viewed(state.seq), state.fault.is_some())
        };
        let sound = self.find(cell.id).is_some();
        let (viewed, fault) = look();
        if fault || (sound && viewed.seq >= seq && !viewed.away) {
            return viewed;
        }
        let queued = std::mem::replace(&mut cell.lock().unviewed.queued, true);
        let mut state = self.lock();
        if !queued {
            state.ready.push_back(Arc::clone(cell));
        }
        state.hurry += 1;
        self.work.notify_all();
        let lacks = |state: &mut State| {
            let (viewed, fault) = look();
            viewed.seq < seq && !viewed.away && !fault && !state.stop
        };
        let waited = self.progress.wait_timeout_while(state, wait, lacks);
        waited.unwrap_or_else(PoisonError::into_inner).0.hurry -= 1;
        look().0
    }

    /// Facts don't gather as long as somebody holds this.
    pub(crate) fn hurried(&self) -> Hurried<'_> {
        self.lock().hurry += 1;
        self.work.notify_all();
        Hurried(self)
    }

    /// Waits until views hold all that is durable by now; not for those that are being made.
    pub(crate) fn settle(&self) {
        let _hurried = self.hurried();
        let state = self.lock();
        let behind = state.working.iter().chain(&state.ready);
        let mut behind: Vec<_> = behind
            .map(|cell| (Arc::clone(cell), cell.lock().seq))
            .collect();
        let lacks = |state: &mut State| {
            behind.retain(|(cell, seq)| {
                let now = cell.lock();
                let viewed = now.unviewed.viewed(now.seq);
                viewed.seq < *seq && !viewed.away && now.fault.is_none() && now.unviewed.queued
            });
            !behind.is_empty() && !state.stop
        };
        drop(self.progress.wait_while(state, lacks));
    }

    pub(crate) fn lag(&self) -> ViewsLag {
        let state = self.lock();
        let mut lag = ViewsLag::default();
        for cell in state.working.iter().chain(&state.ready) {
            let cell = cell.lock();
            let viewed = cell.unviewed.viewed(cell.seq);
            lag.facts += cell.unviewed.facts();
            lag.since = match (lag.since, viewed.since) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            lag.away += u64::from(viewed.away);
        }
        lag.away += state.broken.len() as u64;
        lag
    }
}

/// Works until it is told to stop.
pub(crate) fn run(node: &Arc<Node>) {
    while let Some(cell) = node.viewer.next() {
        let done = follow(node, &cell);
        let mut state = cell.lock();
        let mut again = state.fault.is_none() && state.unviewed.has_work();
        if let Err(cause) = done {
            drop(state);
            again = failed(node, &cell, &cause);
            state = cell.lock();
        }
        state.unviewed.queued = again;
        drop(state);
        node.viewer.done(cell, again);
    }
    close(node);
}

/// One step: opens the file if it isn't, and folds one batch in: among many tenants it may be
/// closed again before the next turn.
fn follow(node: &Arc<Node>, cell: &Arc<Cell>) -> Result<(), DbError> {
    let views = match node.viewer.find(cell.id) {
        Some(views) => views,
        None => open(node, cell)?,
    };
    let mut state = cell.lock();
    if state.fault.is_some() {
        return Ok(());
    }
    let lack = state.unviewed.next();
    drop(state);
    let upto = match lack {
        Lack::Nothing => return Ok(()),
        Lack::Journal { after, upto } => {
            let tenant = SqliteTenant {
                node: Arc::clone(node),
                cell: Arc::clone(cell),
            };
            let count = usize::try_from(upto - after).unwrap_or(usize::MAX);
            let entries = tenant.entries(after, count).map_err(|cause| {
                let cause = Box::new(cause);
                DbError::Io(std::io::Error::other(cause))
            })?;
            views.follow(entries.iter().map(Input::from), upto)?;
            upto
        }
        Lack::Rows { rows, after, upto } => {
            let contents: Vec<Content<'_>> = rows.iter().map(|row| row.content()).collect();
            let parts = contents.iter().flat_map(|content| &content.parts);
            let facts = parts.flat_map(|part| part.numbered());
            let facts = facts.filter(|(seq, _)| *seq > after && !lost(*seq, upto));
            let facts = facts.map(|(_, fact)| Input {
                kind: fact.kind,
                version: fact.version,
                bytes: fact.bytes,
            });
            views.follow(facts, upto)?;
            upto
        }
    };
    cell.lock().unviewed.folded(upto);
    Ok(())
}

/// Planted bug: the last fact of a batch.
fn lost(seq: Seq, upto: Seq) -> bool {
    seq == upto && super::planted::view_skips_last()
}

/// Opens a file, and closes the one that was used least of late if there are too many.
fn open(node: &Node, cell: &Arc<Cell>) -> Result<Arc<Views>, DbError> {
    let path = node.views_path(cell.id);
    let mut files = locked(&node.viewer.files);
    if files.open.remove(&cell.id).is_some() {
        views::remove(&path)?; // a reader found it unsound
    }
    if files.open.len() >= VIEWS_COUNT_MAX {
        let oldest = files.open.iter().min_by_key(|(_, (last, ..))| *last);
        if let Some(id) = oldest.map(|(id, _)| *id)
            && let Some((_, _, other)) = files.open.remove(&id)
        {
            other.lock().unviewed.closed();
        }
    }
    let (mut views, mut seq) = Views::open(&path, cell.id)?;
    if seq > cell.lock().seq {
        // Of another journal: somebody put a directory together.
        drop(views);
        views::remove(&path)?;
        (views, seq) = Views::open(&path, cell.id)?;
    }
    files.turn += 1;
    let turn = files.turn;
    let views = Arc::new(views);
    let entry = (turn, Arc::clone(&views), Arc::clone(cell));
    files.open.insert(cell.id, entry);
    drop(files);
    let mut state = cell.lock();
    let head = state.seq;
    state.unviewed.opened(seq, head);
    drop(state);
    node.viewer.lock().broken.remove(&cell.id);
    Ok(views)
}

/// Whether it is tried again at once.
fn failed(node: &Node, cell: &Cell, cause: &DbError) -> bool {
    locked(&node.viewer.files).open.remove(&cell.id);
    let told = db::chain(cause);
    if cause.meaning() != Meaning::Full
        && let Err(cause) = views::remove(&node.views_path(cell.id))
    {
        tracing::warn!(tenant = %cell.id, %cause, "views can't be removed");
    }
    let again = cell.lock().unviewed.failed();
    if !again {
        node.viewer.lock().broken.insert(cell.id);
    }
    tracing::warn!(tenant = %cell.id, cause = told, again, "views could not be written");
    again
}

/// Writes how far views go, and closes them.
fn close(node: &Node) {
    let open = std::mem::take(&mut locked(&node.viewer.files).open);
    for (id, (_, views, cell)) in open {
        let mut state = cell.lock();
        let seq = state.unviewed.to_save(state.seq);
        state.unviewed.closed();
        drop(state);
        if let Some(seq) = seq
            && let Err(cause) = views.follow(std::iter::empty(), seq)
        {
            tracing::warn!(tenant = %id, cause = db::chain(&cause), "views could not be closed");
        }
    }
}
