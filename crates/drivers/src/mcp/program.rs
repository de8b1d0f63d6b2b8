//! Programs that are servers: started with nothing of naos's own environment, spoken to on their
//! standard input and output, ended with all that they started.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStdin, ChildStdout, Command};

/// The most bytes of what a program complains about that are kept.
const SAID_BYTES_MAX: usize = 2_048;

/// A program that is to be started.
#[derive(Clone)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its variables; beside them it has `PATH`, `HOME` and `LANG`.
    pub env: Vec<(String, String)>,
    /// Where it starts, and what it has for a home.
    pub home: PathBuf,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("program", &self.command.first())
            .finish_non_exhaustive()
    }
}

/// A program at work; it ends with this.
pub(super) struct Child {
    child: tokio::process::Child,
    group: Option<rustix::process::Pid>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Child {
    /// The end of what it complained about, where it did.
    pub(super) async fn said(&self) -> String {
        tokio::time::sleep(Duration::from_millis(50)).await; // its last words are on their way
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let text = super::short(String::from_utf8_lossy(&said).trim());
        if text.is_empty() {
            text
        } else {
            format!("; it said: {text}")
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // What it started ends with it; one that ended already has no group any more.
        if let Some(group) = self.group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

/// Starts it.
pub(super) fn start(program: &Program) -> Result<(Child, ChildStdout, ChildStdin), String> {
    let Some((first, rest)) = program.command.split_first() else {
        return Err("no program is named".into());
    };
    let mut command = Command::new(first);
    command
        .args(rest)
        .env_clear()
        .current_dir(&program.home)
        .env("HOME", &program.home)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.envs(program.env.iter().map(|(name, value)| (name, value)));
    let mut child = command
        .spawn()
        .map_err(|error| format!("{first} can't be started: {}", super::words::plain(&error)))?;
    let pipes = (child.stdout.take(), child.stdin.take(), child.stderr.take());
    let (Some(output), Some(input), Some(mut errors)) = pipes else {
        return Err(format!("{first} has no standard input and output"));
    };
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    let said: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = Arc::clone(&said);
    // It ends with the program, which this is a part of.
    tokio::runtime::Handle::current().spawn(async move {
        let mut piece = [0; 1_024];
        while let Ok(bytes) = errors.read(&mut piece).await {
            if bytes == 0 {
                break;
            }
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&piece[..bytes]);
            let over = kept.len().saturating_sub(SAID_BYTES_MAX);
            kept.drain(..over);
        }
    });
    Ok((Child { child, group, said }, output, input))
}
