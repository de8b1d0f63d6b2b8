//! Disks that fail on demand: the i-th call under a directory fails, and all after it if wanted.
#![expect(unsafe_code, reason = "SQLite names files by C strings")]

use std::ffi::{CStr, c_char, c_int};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::ffi;

/// What the disk is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Write,
    Sync,
    Truncate,
    Delete,
    /// The index of a write-ahead log grows.
    Index,
}

/// What a failing call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Io,
    Full,
}

/// When calls under one directory fail.
pub(crate) struct Plan {
    calls: AtomicU64,
    /// The call that fails, from 0; far away means never.
    at: AtomicU64,
    fault: Mutex<Fault>,
    /// Whether all later ones fail too.
    stays: AtomicBool,
    fired: AtomicBool,
}

static PLANS: Mutex<Vec<(PathBuf, &'static Plan)>> = Mutex::new(Vec::new());

/// Watches a directory; to be called before files of it are opened. Nothing fails yet.
pub(crate) fn watch(directory: &Path) -> &'static Plan {
    let plan: &'static Plan = Box::leak(Box::new(Plan {
        calls: AtomicU64::new(0),
        at: AtomicU64::new(u64::MAX),
        fault: Mutex::new(Fault::Io),
        stays: AtomicBool::new(false),
        fired: AtomicBool::new(false),
    }));
    let directory = std::fs::canonicalize(directory).unwrap();
    PLANS.lock().unwrap().push((directory, plan));
    plan
}

pub(crate) fn plan_for(name: *const c_char) -> Option<&'static Plan> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite gives names that end in NUL and live during the call.
    let name = unsafe { CStr::from_ptr(name) };
    let path = Path::new(name.to_str().ok()?);
    let plans = PLANS.lock().unwrap();
    plans
        .iter()
        .rev()
        .find(|(directory, _)| path.starts_with(directory))
        .map(|(_, plan)| *plan)
}

impl Plan {
    /// The `at`-th call from now fails.
    pub(crate) fn fail(&self, at: u64, fault: Fault, stays: bool) {
        self.calls.store(0, Ordering::SeqCst);
        *self.fault.lock().unwrap() = fault;
        self.stays.store(stays, Ordering::SeqCst);
        self.fired.store(false, Ordering::SeqCst);
        self.at.store(at, Ordering::SeqCst);
    }

    /// No more faults.
    pub(crate) fn heal(&self) {
        self.at.store(u64::MAX, Ordering::SeqCst);
    }

    pub(crate) fn fired(&self) -> bool {
        self.fired.load(Ordering::SeqCst)
    }
}

/// The error of this call, if it is to fail.
pub(crate) fn next(plan: Option<&Plan>, call: Call) -> Option<c_int> {
    let plan = plan?;
    let at = plan.at.load(Ordering::SeqCst);
    if at == u64::MAX {
        return None;
    }
    let count = plan.calls.fetch_add(1, Ordering::SeqCst);
    let now = count == at || (count > at && plan.stays.load(Ordering::SeqCst));
    if !now {
        return None;
    }
    plan.fired.store(true, Ordering::SeqCst);
    Some(match (call, *plan.fault.lock().unwrap()) {
        (Call::Write | Call::Index, Fault::Full) => ffi::SQLITE_FULL,
        (Call::Write, Fault::Io) => ffi::SQLITE_IOERR_WRITE,
        (Call::Index, Fault::Io) => ffi::SQLITE_IOERR_SHMMAP,
        (Call::Sync, _) => ffi::SQLITE_IOERR_FSYNC,
        (Call::Truncate, _) => ffi::SQLITE_IOERR_TRUNCATE,
        (Call::Delete, _) => ffi::SQLITE_IOERR_DELETE,
    })
}
