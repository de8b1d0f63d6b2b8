//! The backup drill: a backup taken while the machine works, restored into an empty directory,
//! and compared there with what was acknowledged before it began and with the journal that it was
//! taken of. The restored copy is a second machine that goes on with the same work: what strangers
//! see of it counts in the round's checks like everything else.

use std::fs::{self, File};
use std::path::Path;
use std::process::{ExitStatus, Output};
use std::sync::mpsc::Receiver as Pause;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::machine::{Machine, ended_within};

/// How long one command of the drill may take before it counts as stuck.
const COMMAND_WAIT: Duration = Duration::from_secs(120);

/// Entries of the audit log that are compared; a round has fewer.
const ENTRIES_MAX: &str = "1000000";

/// How a drill ended.
#[derive(Debug)]
pub(super) enum Drill {
    /// The restored journal is sound, and has what it must have.
    Verified,
    /// Something is wrong with it.
    Broken(String),
}

/// Takes a backup of the machine's project and restores it beside it. `acked` is the last seq
/// that somebody was told of before.
pub(super) fn run(machine: &Machine, pause: &Pause<()>, acked: u64) -> anyhow::Result<Drill> {
    let dir = machine.dir.as_path();
    let ask = |words: &[&str]| ask(machine, pause, words);
    let (file, elsewhere) = (dir.join("backup.naos"), dir.join("restored"));
    let file = file.to_string_lossy();
    let into = elsewhere.to_string_lossy();
    for words in [
        vec!["backup", &file],
        vec!["backup", "verify", &file],
        vec!["restore", &file, "--data-dir", &into],
    ] {
        let output = ask(&words)?;
        if !output.status.success() {
            return Ok(Drill::Broken(said(&words, &output)));
        }
    }
    let words = ["audit", "verify", "--json", "--data-dir", &into];
    let output = ask(&words)?;
    let proof: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if !output.status.success() || proof["ok"] != true {
        return Ok(Drill::Broken(said(&words, &output)));
    }
    let words = ["audit", "--last", ENTRIES_MAX, "--json"];
    let own = entries(&ask(&words)?);
    let there = entries(&ask(&[&words[..], &["--data-dir", &into]].concat())?);
    Ok(match compare(&own, &there, acked) {
        None => Drill::Verified,
        Some(what) => Drill::Broken(what),
    })
}

/// Runs a command to its end, or to the end of our patience: what is stuck is killed.
pub(super) fn ask(machine: &Machine, pause: &Pause<()>, words: &[&str]) -> anyhow::Result<Output> {
    let [stdout, stderr] = ["drill.out", "drill.err"].map(|name| machine.dir.join(name));
    let mut child = machine
        .command(words)
        .stdout(File::create(&stdout)?)
        .stderr(File::create(&stderr)?)
        .spawn()
        .context("could not run the drill")?;
    let status = ended_within(&mut child, COMMAND_WAIT, pause)?.with_context(|| {
        let (words, seconds) = (words.join(" "), COMMAND_WAIT.as_secs());
        format!("`naos {words}` didn't end within {seconds} s")
    })?;
    output(status, &stdout, &stderr)
}

fn output(status: ExitStatus, stdout: &Path, stderr: &Path) -> anyhow::Result<Output> {
    let (stdout, stderr) = (fs::read(stdout)?, fs::read(stderr)?);
    Ok(Output {
        status,
        stdout,
        stderr,
    })
}

pub(super) fn said(words: &[&str], output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    format!(
        "`naos {}` ended with {}: {}",
        words.join(" "),
        output.status,
        text.trim()
    )
}

/// Action and hash of each entry, from the first on.
fn entries(output: &Output) -> Vec<(String, String)> {
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = answer["items"].as_array().into_iter().flatten();
    rows.map(|row| (text(row, "action"), text(row, "hash")))
        .collect()
}

/// What is wrong with a restored journal: it is the original's up to where it says, and that is
/// not before what was acknowledged.
fn compare(own: &[(String, String)], there: &[(String, String)], acked: u64) -> Option<String> {
    let upto = there
        .iter()
        .position(|(action, _)| action == "tenant.restored");
    let Some(upto) = upto else {
        return Some(format!(
            "{} entries were restored, and none says so",
            there.len()
        ));
    };
    if (upto as u64) < acked {
        return Some(format!(
            "{acked} entries were acknowledged before the backup, it has {upto}"
        ));
    }
    let differ = (0..upto).find(|at| own.get(*at) != there.get(*at));
    differ.map(|at| format!("entry {} of the backup is not the original's", at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_journal_is_a_prefix_with_all_that_was_acknowledged() {
        let journal = |text: &str| -> Vec<(String, String)> {
            let entry = |word: &str| match word {
                "R" => ("tenant.restored".to_owned(), "r".to_owned()),
                word => ("x".to_owned(), word.to_owned()),
            };
            text.split_whitespace().map(entry).collect()
        };
        for (own, there, acked, good) in [
            ("a b c d", "a b R", 2, true),
            ("a b c d", "a b R e f", 1, true),
            ("a b c d", "a b R", 3, false),
            ("a b c d", "a x R", 1, false),
            ("a b", "a b c R", 1, false),
            ("a b", "a b", 1, false),
        ] {
            let found = compare(&journal(own), &journal(there), acked);
            assert_eq!(found.is_none(), good, "{own} / {there}: {found:?}");
        }
    }
}
