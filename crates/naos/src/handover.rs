//! Who may have the data next. A command without a daemon has the directory only as long as nobody
//! else wants it: one that merely waits for something gives way to a daemon that starts, or to the
//! very command that brings what it waits for.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use naos_engine::clock;
use tokio::runtime::Runtime;

use crate::out::aside;

/// How long a command waits for the directory. Whoever has it may have to hear answers first that
/// agents asked for ([`crate::session::FINISH_MAX`]), and then lets go of it.
const WAIT_MAX: Duration = Duration::from_secs(70);
/// From when on that is said.
const SAID_AFTER: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(10);

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
