//! The child: the real binary, started, killed and stopped by its process id.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver as Pause, RecvTimeoutError};
use std::time::Duration;

use naos_engine::clock::tick;

use crate::daemon::Daemon;

/// How often a child that starts or stops is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// The project that children run in.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) binary: PathBuf,
    pub(super) dir: PathBuf,
    /// Ports on this machine that agents may reach.
    pub(super) ports: Vec<u16>,
}

/// How waiting for a child ended.
#[derive(Debug)]
pub(super) enum Waited {
    /// It answers at this port.
    Ready(u16),
    /// The time was over first.
    TimeOver,
    /// It ended by itself.
    Ended(ExitStatus),
}

impl Machine {
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// What children say on their standard error, all of them in one file.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("daemon.log")
    }

    /// A command of the same binary in the same project.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let mut command = Command::new(&self.binary);
        command
            .args(words)
            .current_dir(&self.dir)
            .env("NAOS_ALLOW_LOOPBACK_PORTS", ports.join(","))
            .env_remove("NAOS_DATA_DIR")
            .env_remove("NEXUS_DB_PATH")
            .env_remove("NAOS_CONFIG")
            .env_remove("NEXUS_CONFIG")
            .stdin(Stdio::null());
        command
    }

    /// Starts a child.
    pub(super) fn start(&self) -> io::Result<Running> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = self
            .command(&["up", "--port", "0"])
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Running {
            child,
            data: self.data(),
        })
    }
}

/// A child that was started and not yet waited for.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    data: PathBuf,
}

impl Running {
    /// Waits until it says where it can be reached, at most `limit`.
    pub(super) fn ready(&mut self, limit: Duration, pause: &Pause<()>) -> io::Result<Waited> {
        let began = tick();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Waited::Ended(status));
            }
            let daemon = Daemon::of(&self.data).filter(|daemon| daemon.pid == self.child.id());
            if let Some(daemon) = daemon {
                return Ok(Waited::Ready(daemon.port));
            }
            if began.elapsed() >= limit {
                return Ok(Waited::TimeOver);
            }
            rest(pause, LOOK);
        }
    }

    /// Lets it run for a while; says if it ended by itself.
    pub(super) fn run_for(
        &mut self,
        span: Duration,
        pause: &Pause<()>,
    ) -> io::Result<Option<ExitStatus>> {
        rest(pause, span);
        self.child.try_wait()
    }

    /// SIGKILL: no chance to say goodbye.
    pub(super) fn kill(mut self) -> io::Result<()> {
        // One that ended in this very moment is no error.
        let _ = self.child.kill();
        self.child.wait().map(drop)
    }

    /// SIGTERM, and how it ended; none if it was still there after `limit`.
    pub(super) fn stop(
        mut self,
        limit: Duration,
        pause: &Pause<()>,
    ) -> io::Result<Option<ExitStatus>> {
        terminate(self.child.id())?;
        ended_within(&mut self.child, limit, pause)
    }
}

/// Whatever goes wrong in the test, no child outlives it. One that was waited for is left alone.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a child ended; none if it was still there after `limit`, and was killed then.
pub(super) fn ended_within(
    child: &mut Child,
    limit: Duration,
    pause: &Pause<()>,
) -> io::Result<Option<ExitStatus>> {
    let began = tick();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= limit {
            // One that ended in this very moment is no error.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        rest(pause, LOOK);
    }
}

/// Waits for a span of time: nobody ever sends on this channel.
pub(super) fn rest(pause: &Pause<()>, span: Duration) {
    match pause.recv_timeout(span) {
        Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
    }
}

/// Asks a process to end.
#[expect(
    unsafe_code,
    reason = "the standard library can only kill; this asks kindly first"
)]
fn terminate(pid: u32) -> io::Result<()> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    // SAFETY: kill(2) reads no memory of ours; the child isn't waited for yet, so the id is its.
    match unsafe { libc::kill(pid, libc::SIGTERM) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lines of a log that no healthy process writes.
pub(super) fn panics(log: &Path) -> io::Result<Vec<String>> {
    let text = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
    let lines = text.lines().filter(|line| line.contains("panicked at"));
    Ok(lines.map(str::to_owned).collect())
}

/// The last lines of a log.
pub(super) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_and_tails_are_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        std::fs::write(&log, "up\nthread 'shard' panicked at src/x.rs:1\nbye\n").expect("a file");
        assert_eq!(panics(&log).expect("it reads").len(), 1);
        assert_eq!(tail(&log, 1), "bye");
        assert_eq!(tail(&dir.path().join("none"), 3), "");
    }

    #[test]
    fn a_child_that_ends_by_itself_is_noticed() {
        let dir = tempfile::tempdir().expect("a directory");
        let (binary, dir_of) = (PathBuf::from("/bin/false"), dir.path().to_owned());
        let machine = Machine {
            binary,
            dir: dir_of,
            ports: vec![1, 2],
        };
        let (_never, pause) = std::sync::mpsc::channel();
        let mut running = machine.start().expect("it starts");
        let waited = running
            .ready(Duration::from_secs(20), &pause)
            .expect("it can be looked at");
        assert!(matches!(waited, Waited::Ended(status) if !status.success()));
    }
}
