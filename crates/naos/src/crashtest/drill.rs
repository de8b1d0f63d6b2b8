//! The backup drill: a backup taken while the machine works, restored into an empty directory,
//! and proved there.

use std::path::Path;
use std::process::Output;

use anyhow::Context;
use serde_json::Value;

use super::machine::Machine;

/// How a drill ended.
#[derive(Debug)]
pub(super) enum Drill {
    /// The restored journal is sound.
    Verified,
    /// This binary has no `backup`.
    NoSuchCommand,
    /// Something is wrong with it.
    Broken(String),
}

/// Takes a backup of the machine's project and restores it below `dir`.
pub(super) fn run(machine: &Machine, dir: &Path) -> anyhow::Result<Drill> {
    if !crate::cli::knows("backup") {
        return Ok(Drill::NoSuchCommand);
    }
    let (file, elsewhere) = (dir.join("backup.naos"), dir.join("restored"));
    let file = file.to_string_lossy();
    let into = elsewhere.to_string_lossy();
    for words in [
        vec!["backup", &file],
        vec!["restore", &file, "--data-dir", &into],
    ] {
        let output = machine
            .command(&words)
            .output()
            .context("could not run the drill")?;
        if !output.status.success() {
            return Ok(Drill::Broken(said(&words, &output)));
        }
    }
    let words = ["audit", "verify", "--json", "--data-dir", &into];
    let output = machine
        .command(&words)
        .output()
        .context("could not run the drill")?;
    let proof: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if output.status.success() && proof["ok"] == true && proof["entries"].as_u64() > Some(0) {
        return Ok(Drill::Verified);
    }
    Ok(Drill::Broken(said(&words, &output)))
}

fn said(words: &[&str], output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    format!(
        "`naos {}` ended with {}: {}",
        words.join(" "),
        output.status,
        text.trim()
    )
}
