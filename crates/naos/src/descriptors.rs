//! What the system limits for this process: how many files and connections it may have open at
//! once, and how large a file may get.

use std::io;

use naos_web::serve::CONNECTIONS_MAX;

/// As many as a daemon asks for: connections, files of tenants, and some room.
const WANTED: u64 = 8_192;
/// What the store opens at most for tenants, three for each file, and everything else beside
/// connections.
const RESERVED: u64 = 1_024;
/// Connections that there are room for wherever naos runs at all.
const CONNECTIONS_MIN: usize = 128;

/// Raises what a process gets unasked to what it may have, and says how many connections that
/// leaves room for.
pub(crate) fn room_for_connections() -> usize {
    match raise() {
        Ok(files) => connections(files),
        Err(error) => {
            tracing::debug!(%error, "the limit on open files stays as it is");
            CONNECTIONS_MIN
        }
    }
}

/// How many files there may be by now.
#[expect(
    unsafe_code,
    reason = "the standard library doesn't know of limits on a process"
)]
fn raise() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: getrlimit(2) writes to the one structure that it is given, which is ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let most = limit.rlim_max.min(WANTED);
    if limit.rlim_cur < most {
        limit.rlim_cur = most;
        // SAFETY: setrlimit(2) only reads the structure that it is given.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

/// Makes a file that may not get larger (`ulimit -f`, RLIMIT_FSIZE) an error of the write, as a
/// full disk is. Unasked, the system ends a process that tries with SIGXFSZ: a daemon would be
/// gone without a word. Programs that this one starts inherit it (signal(7)).
#[expect(
    unsafe_code,
    reason = "the standard library doesn't know of dispositions of signals"
)]
pub(crate) fn refuse_large_files() {
    // SAFETY: ignoring a signal installs no code; nothing else runs yet. It can only fail for a
    // signal that doesn't exist.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

fn connections(files: u64) -> usize {
    let left = usize::try_from(files.saturating_sub(RESERVED)).unwrap_or(usize::MAX);
    left.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_what_tenants_leave() {
        for (files, want) in [
            (0, CONNECTIONS_MIN),
            (1_024, CONNECTIONS_MIN),
            (4_096, 3_072),
            (WANTED, CONNECTIONS_MAX),
            (u64::MAX, CONNECTIONS_MAX),
        ] {
            assert_eq!(connections(files), want, "{files}");
        }
    }

    #[test]
    fn a_daemon_may_have_at_least_what_it_came_with() {
        assert!(room_for_connections() >= CONNECTIONS_MIN);
    }
}
