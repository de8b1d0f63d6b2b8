//! Who may have the data next. A command without a daemon has the directory only as long as nobody
//! else wants it: one that merely waits for something gives way to a daemon that starts, or to the
//! very command that brings what it waits for.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use naos_engine::clock;
use naos_types::{Span, Time};
use tokio::runtime::Runtime;

use crate::out::aside;

/// How long a command waits for the directory. Whoever has it may have to hear answers first that
/// agents asked for ([`crate::session::FINISH_MAX`]), and then lets go of it.
const WAIT_MAX: Duration = Duration::from_secs(70);
/// From when on that is said.
const SAID_AFTER: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(10);
/// How long it may take until one that gave way waits for the directory again.
const COMES_BACK_MAX: Span = Span(3_000);

/// Says to whoever has a directory that somebody wants it, as long as it lives: a shared lock
/// (flock(2)) of the directory itself, which goes with its process.
struct Wish {
    _shared: Option<File>,
}

impl Wish {
    fn of(data: &Path) -> Self {
        // Without it one waits all the same, only longer.
        let shared = File::open(data).and_then(|dir| dir.lock_shared().map(|()| dir));
        Self {
            _shared: shared.ok(),
        }
    }
}

/// Whether somebody waits for this directory.
pub(crate) fn is_wanted(data: &Path) -> bool {
    if crate::planted::keeps_the_data() {
        return false;
    }
    let Ok(dir) = File::open(data) else {
        return false;
    };
    matches!(dir.try_lock(), Err(TryLockError::WouldBlock))
}

/// From when until when a process had a directory; it has it still where no end is said.
type Had = (Time, Option<Time>);

/// A process that has a directory only until others want it, and when it had it. What began then is
/// its own work; what it lacks something for of the work of others, the key of a model say, it
/// leaves to them as long as one of them waits for the directory.
#[derive(Clone)]
pub(crate) struct Guest {
    data: PathBuf,
    /// From when until when, the last one last; the last one lasts where no end is said.
    had: Arc<Mutex<Vec<Had>>>,
    /// Whether it leaves it to them also where none of them waits.
    only_helps: Arc<AtomicBool>,
    /// Whether it left any.
    left: Arc<AtomicBool>,
}

impl Guest {
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            had: Arc::default(),
            only_helps: Arc::default(),
            left: Arc::default(),
        }
    }

    /// From now on it only carries on what others began.
    pub(crate) fn helps(&self) {
        self.only_helps.store(true, Ordering::Release);
    }

    /// Whether one that only helps left what it lacks something for.
    pub(crate) fn has_left(&self) -> bool {
        self.only_helps.load(Ordering::Acquire) && self.left.load(Ordering::Acquire)
    }

    fn had(&self) -> MutexGuard<'_, Vec<Had>> {
        self.had.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it has the directory.
    pub(crate) fn came(&self) {
        self.had().push((clock::now(), None));
    }

    /// Now it has it no more.
    pub(crate) fn went(&self) {
        if let Some((_, until)) = self.had().last_mut() {
            *until = Some(clock::now());
        }
    }

    /// Whether work that began then, and lacks something here, is left to others.
    pub(crate) fn leaves_to_others(&self, began: Option<Time>) -> bool {
        if crate::planted::takes_what_it_lacks() {
            return false;
        }
        let had = self.had();
        let own = |(from, until): &Had| {
            began.is_some_and(|at| at >= *from && until.is_none_or(|until| at <= until))
        };
        if had.iter().any(own) {
            return false;
        }
        let since = had.last().map_or(Span(0), |(from, _)| clock::now() - *from);
        drop(had);
        let leaves = self.only_helps.load(Ordering::Acquire)
            || since < COMES_BACK_MAX
            || is_wanted(&self.data);
        self.left.fetch_or(leaves, Ordering::AcqRel);
        leaves
    }
}

/// Waiting for a directory that another process has.
pub(crate) struct Queue<'d> {
    data: &'d Path,
    began: Instant,
    wish: Option<Wish>,
    is_said: bool,
}

impl<'d> Queue<'d> {
    pub(crate) fn new(data: &'d Path) -> Self {
        Self {
            data,
            began: clock::tick(),
            wish: None,
            is_said: false,
        }
    }

    /// How long it took so far.
    pub(crate) fn waited(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits for a moment; false when it has been too long.
    pub(crate) fn wait(&mut self, runtime: &Runtime, pid: Option<u32>) -> bool {
        let waited = self.began.elapsed();
        if waited >= WAIT_MAX {
            return false;
        }
        self.wish.get_or_insert_with(|| Wish::of(self.data));
        if waited >= SAID_AFTER && !self.is_said {
            let whose = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            aside(format!(
                "another command has the data{whose}: waiting for it"
            ));
            self.is_said = true;
        }
        runtime.block_on(async { tokio::time::sleep(POLL).await });
        true
    }
}
