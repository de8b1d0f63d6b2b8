//! `data/daemon.json`: where the daemon that owns the directory can be reached.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a daemon says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Daemon {
    pub(crate) pid: u32,
    pub(crate) port: u16,
    /// Where the owner's token is kept.
    pub(crate) token_path: PathBuf,
    /// Services of this machine that agents may reach, as whoever started it named them: a command
    /// that goes on with its work after it does so under the same conditions.
    #[serde(default)]
    pub(crate) loopback_ports: Vec<u16>,
}

fn path(data: &Path) -> PathBuf {
    data.join("daemon.json")
}

impl Daemon {
    /// The daemon that owns this directory now. What a killed one left behind doesn't count: the
    /// directory's lock must be held by the very process that is named, so that the token never
    /// goes to whoever took its port.
    pub(crate) fn of(data: &Path) -> Option<Self> {
        Self::said(data).filter(|daemon| owner(data) == Some(daemon.pid))
    }

    /// What the last one said, if it was killed.
    pub(crate) fn left_behind(data: &Path) -> Option<Self> {
        Self::said(data).filter(|_| owner(data).is_none())
    }

    fn said(data: &Path) -> Option<Self> {
        let text = fs::read(path(data)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether the last one was killed: one that ends takes its word back.
    pub(crate) fn was_killed(data: &Path) -> bool {
        path(data).exists() && owner(data).is_none()
    }

    /// Says it, for this user's eyes only; whole or not at all.
    pub(crate) fn announce(&self, data: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        write_secret(&path(data), &text)
    }

    /// Says that there is none any more.
    pub(crate) fn withdraw(data: &Path) {
        // Left behind it is only noise: the lock decides.
        let _ = fs::remove_file(path(data));
    }
}

/// The process that holds the directory's lock.
pub(crate) fn owner(data: &Path) -> Option<u32> {
    let mut lock = File::open(data.join("lock")).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            lock.read_to_string(&mut text).ok()?;
            text.trim().parse().ok()
        }
        _ => None,
    }
}

/// Writes a file that only its owner may read; whole or not at all.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
