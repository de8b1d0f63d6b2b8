//! Cells whose files lag behind the log, in the order in which they fell behind.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::cell::Cell;

/// What may be pending in memory before commits wait for files to catch up.
const LAG_BYTES_MAX: usize = 128 * 1_024 * 1_024;
/// How long the filler waits before it tries a full disk again.
const FULL_RETRY_MS: u64 = 100;
/// How long the filler lets facts gather: one transaction for many costs little more than for one.
const GATHER_MS: u64 = 100;
/// So many facts per waiting cell are enough to begin at once: whoever waits for the files waits
/// for what gathered.
const GATHER_FACTS: u64 = 1_536;

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    /// Enough facts are waiting, or somebody is.
    gathered: Condvar,
    progress: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Arc<Cell>>,
    filling: Option<Arc<Cell>>,
    /// How many cells are left of those that had gathered enough.
    round: usize,
    /// Somebody waits for files to catch up.
    hurry: usize,
    facts: u64,
    bytes: usize,
    /// Something besides filling is to be done.
    chores: bool,
    stop: Option<Stop>,
    /// Files can't be written for now.
    stuck: bool,
    /// Nothing will ever be written again.
    over: bool,
}

/// How the filler ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// When everything is filled in.
    Drained,
    /// At once, as a crash would.
    Now,
}

/// What the filler does next.
pub(crate) enum Job {
    Fill(Arc<Cell>),
    Chores,
    Stop(Stop),
}

/// Why a commit can't be taken.
pub(crate) enum NoRoom {
    Full,
    Over,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More is durable in the log: `cells` are those that weren't queued yet.
    pub(crate) fn push(&self, cells: Vec<Arc<Cell>>, facts: u64, bytes: usize) {
        let mut state = self.lock();
        state.ready.extend(cells);
        state.facts += facts;
        state.bytes += bytes;
        let enough = state.facts >= GATHER_FACTS * state.ready.len() as u64;
        drop(state);
        self.work.notify_one();
        if enough {
            self.gathered.notify_one();
        }
    }

    pub(crate) fn ask_for_chores(&self) {
        self.lock().chores = true;
        self.work.notify_one();
    }

    /// Waits for something to do.
    pub(crate) fn next(&self) -> Job {
        let mut state = self.lock();
        loop {
            if state.stop == Some(Stop::Now) {
                return Job::Stop(Stop::Now);
            }
            if state.round == 0 && !state.ready.is_empty() {
                state = self.gather(state);
                state.round = state.ready.len();
                continue;
            }
            state.round = state.round.saturating_sub(1);
            if let Some(cell) = state.ready.pop_front() {
                state.filling = Some(Arc::clone(&cell));
                return Job::Fill(cell);
            }
            if state.stop.is_some() {
                return Job::Stop(Stop::Drained);
            }
            if std::mem::take(&mut state.chores) {
                return Job::Chores;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits a little while unless enough is there or somebody waits for it.
    fn gather<'q>(&self, state: MutexGuard<'q, State>) -> MutexGuard<'q, State> {
        let pause = Duration::from_millis(GATHER_MS);
        let too_little = |state: &mut State| {
            let enough = state.facts >= GATHER_FACTS * state.ready.len() as u64;
            !enough && state.hurry == 0 && state.stop.is_none()
        };
        let waited = self.gathered.wait_timeout_while(state, pause, too_little);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// A cell was filled in; `again` if more came in the meantime.
    pub(crate) fn filled(&self, facts: u64, bytes: usize, again: Option<Arc<Cell>>) {
        let mut state = self.lock();
        state.filling = None;
        state.stuck = false;
        state.facts = state.facts.saturating_sub(facts);
        state.bytes = state.bytes.saturating_sub(bytes);
        state.ready.extend(again);
        drop(state);
        self.progress.notify_all();
    }

    /// A cell could not be filled in for lack of space: it is tried again a little later.
    pub(crate) fn wait_for_space(&self, cell: Arc<Cell>) {
        let mut state = self.lock();
        state.filling = None;
        state.stuck = true;
        state.ready.push_back(cell);
        self.progress.notify_all();
        if state.stop.is_some() {
            state.stop = Some(Stop::Now); // the log keeps what doesn't fit
            return;
        }
        let pause = Duration::from_millis(FULL_RETRY_MS);
        let _woken = self
            .work
            .wait_timeout(state, pause)
            .unwrap_or_else(PoisonError::into_inner);
    }

    pub(crate) fn stop(&self, how: Stop) {
        self.lock().stop = Some(how);
        self.gathered.notify_all();
        self.work.notify_all();
        self.progress.notify_all();
    }

    /// Nothing will be written any more: nobody shall wait for it.
    pub(crate) fn give_up(&self) {
        let mut state = self.lock();
        (state.over, state.filling) = (true, None);
        state.stop = Some(Stop::Now);
        drop(state);
        self.gathered.notify_all();
        self.work.notify_all();
        self.progress.notify_all();
    }

    /// Waits until little enough is pending.
    pub(crate) fn room(&self) -> Result<(), NoRoom> {
        let mut state = self.lock();
        while state.bytes > LAG_BYTES_MAX {
            if state.over {
                return Err(NoRoom::Over);
            }
            if state.stuck {
                return Err(NoRoom::Full);
            }
            self.gathered.notify_all();
            state = self
                .progress
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Whether so much waits for tenants' files, which have no room, that nothing more is taken.
    pub(crate) fn is_stuck(&self) -> bool {
        let state = self.lock();
        state.stuck && state.bytes > LAG_BYTES_MAX
    }

    /// Waits until files hold all that is durable by now; not for a full disk.
    pub(crate) fn settle(&self) {
        let mut state = self.lock();
        // Only what is there now: under a steady load the queue is never empty.
        let behind = state.filling.iter().chain(&state.ready);
        let mut behind: Vec<_> = behind
            .map(|cell| (Arc::clone(cell), cell.lock().mark()))
            .collect();
        state.hurry += 1;
        self.gathered.notify_all();
        loop {
            behind.retain(|(cell, mark)| !cell.lock().reached(*mark));
            if behind.is_empty() || state.over || state.stuck || state.stop == Some(Stop::Now) {
                break;
            }
            state = self
                .progress
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.hurry -= 1;
    }

    pub(crate) fn lag(&self) -> u64 {
        self.lock().facts
    }
}
