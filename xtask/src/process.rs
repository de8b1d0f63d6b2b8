//! Starts other programs, shows what they print, and ends them when their time is over.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context;

/// How a program ended, and all it printed to stdout.
pub struct Finished {
    pub status: ExitStatus,
    pub lines: Vec<String>,
    pub seconds: u64,
}

/// Runs to the end and gives an error unless it succeeded. Its output goes straight through.
pub fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let words = describe(command);
    let status = command
        .status()
        .with_context(|| format!("could not start {words}"))?;
    anyhow::ensure!(
        status.success(),
        "{words} failed ({status}); its output stands above"
    );
    Ok(())
}

/// What a short program prints, trimmed; nothing if it fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Runs for at most `limit`, then kills the program and all that it started.
pub fn within(command: &mut Command, limit: Duration) -> anyhow::Result<Finished> {
    let words = describe(command);
    let started = now();
    let mut child = command
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("could not start {words}"))?;
    let stdout = child.stdout.take().context("the program has no stdout")?;
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut lines = Vec::new();
    loop {
        match receiver.recv_timeout(limit.saturating_sub(started.elapsed())) {
            Ok(line) => {
                println!("{line}");
                lines.push(line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                kill_group(&mut child);
                let seconds = limit.as_secs();
                anyhow::bail!("{words} was ended after {seconds} s; ask for less (--n)");
            }
        }
    }
    let status = child
        .wait()
        .with_context(|| format!("could not wait for {words}"))?;
    // The reader has hung up, so it ends by itself.
    let _ = reader.join();
    Ok(Finished {
        status,
        lines,
        seconds: started.elapsed().as_secs(),
    })
}

fn kill_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    let _ = child.kill();
    let _ = child.wait();
}

#[expect(
    clippy::disallowed_methods,
    reason = "a tool measures real time; nothing here decides"
)]
pub fn now() -> Instant {
    Instant::now()
}

pub fn describe(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let words = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned());
    std::iter::once(program)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The cargo that runs us, so that a toolchain chosen outside stays chosen.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_and_status_are_kept() {
        let done = within(
            &mut shell("echo a; echo b; exit 3"),
            Duration::from_secs(60),
        );
        let done = done.expect("sh runs");
        assert_eq!(done.lines, ["a", "b"]);
        assert_eq!(done.status.code(), Some(3));
    }

    #[test]
    fn a_program_that_goes_on_is_ended() {
        let error = within(
            &mut shell("sleep 600 & sleep 600"),
            Duration::from_millis(50),
        );
        let text = error.err().expect("it was ended").to_string();
        assert!(text.contains("was ended after"), "{text}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = succeed(&mut Command::new("no-such-program-here"));
        let text = error.expect_err("it is missing").to_string();
        assert_eq!(text, "could not start no-such-program-here");
    }

    #[test]
    fn answers_are_trimmed() {
        assert_eq!(answer(&mut shell("echo ' x '")), Some("x".to_owned()));
        assert_eq!(answer(&mut shell("echo x; exit 1")), None);
    }
}
