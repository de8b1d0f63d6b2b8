//! How often a program makes its files durable, counted by the kernel's own tracing (`strace`):
//! in runs of their own beside the measured ones, since whoever is watched is slower.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use naos_engine::clock::tick;

/// The calls that are counted.
const CALLS: [&str; 2] = ["fdatasync", "fsync"];
/// How long it may take until it watches, and until it says what it saw.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Watches a process, with all its threads and the children it has and makes.
pub struct Watch {
    strace: Child,
    table: PathBuf,
    /// Holds the table.
    _dir: tempfile::TempDir,
}

fn strace(table: &std::path::Path) -> Command {
    let mut command = Command::new("strace");
    let calls = format!("trace={}", CALLS.join(","));
    command.args(["-f", "-c", "-e", &calls, "-o"]).arg(table);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// The children of a process, theirs too.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        let tasks = std::fs::read_dir(format!("/proc/{parent}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(task.path().join("children"));
            let text = text.unwrap_or_default();
            all.extend(
                text.split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        at += 1;
    }
    all
}

/// Whether somebody watches it.
fn is_watched(pid: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let tracer = text
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|by| by.trim() != "0")
}

impl Watch {
    /// Begins; none where there is no `strace`, or where it may not watch.
    pub fn on(pid: u32) -> Option<Self> {
        let dir = tempfile::tempdir().ok()?;
        let table = dir.path().join("calls");
        let mut command = strace(&table);
        for one in family(pid) {
            command.arg("-p").arg(one.to_string());
        }
        let strace = command.spawn().ok()?;
        let mut watch = Self {
            strace,
            table,
            _dir: dir,
        };
        let until = tick() + PATIENCE;
        while !is_watched(pid) {
            let is_over = !matches!(watch.strace.try_wait(), Ok(None));
            if is_over || tick() > until {
                return None;
            }
            std::thread::park_timeout(PAUSE);
        }
        Some(watch)
    }

    /// Watches this process itself.
    pub fn own() -> Option<Self> {
        Self::on(std::process::id())
    }

    /// How many calls there were since it began.
    pub fn end(mut self) -> Option<f64> {
        let asked = Command::new("kill")
            .args(["-INT", &self.strace.id().to_string()])
            .status();
        asked.ok()?;
        self.strace.wait().ok()?;
        counted(&std::fs::read_to_string(&self.table).ok()?)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.strace.kill(); // one that ended already needs none
        let _ = self.strace.wait();
    }
}

/// Runs a program to its end, and how many calls it made; none where there is no `strace`.
pub fn of(program: &Command) -> Option<(std::process::Output, f64)> {
    let dir = tempfile::tempdir().ok()?;
    let table = dir.path().join("calls");
    let mut command = strace(&table);
    command.arg(program.get_program()).args(program.get_args());
    for (key, value) in program.get_envs() {
        command.env(key, value?);
    }
    if let Some(dir) = program.get_current_dir() {
        command.current_dir(dir);
    }
    let done = command.output().ok()?;
    let calls = counted(&std::fs::read_to_string(&table).ok()?)?;
    Some((done, calls))
}

/// The calls of a table that `strace -c` wrote: the fourth column of the lines that end so. A table
/// without any has no line at all.
fn counted(table: &str) -> Option<f64> {
    let calls = table.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let own = words.last().is_some_and(|last| CALLS.contains(last));
        own.then(|| words.get(3)?.parse::<f64>().ok()).flatten()
    });
    Some(calls.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_the_table() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n\
            ------ ----------- ----------- --------- --------- ----------------\n \
            99.00    0.020000          40       500           fdatasync\n  \
            1.00    0.000100          50         2         1 fsync\n\
            ------ ----------- ----------- --------- --------- ----------------\n\
            100.00    0.020100          40       502         1 total\n";
        assert_eq!(counted(table), Some(502.0));
        assert_eq!(counted(""), Some(0.0));
    }

    #[test]
    fn nobody_is_watched_until_somebody_does() {
        assert!(!is_watched(u32::MAX));
        assert!(Watch::on(u32::MAX).is_none());
        assert_eq!(family(u32::MAX), [u32::MAX]);
    }
}
