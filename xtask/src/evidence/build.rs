//! Builds a harness and says where its program is.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;

use super::harnesses::Harness;
use crate::{planted, process};

/// Builds the harness, with or without planted bugs; gives the program's path.
pub fn program(root: &Path, harness: &Harness, with_bugs: bool) -> anyhow::Result<PathBuf> {
    let mut command = process::cargo();
    command.args([
        "build",
        "--locked",
        "--message-format",
        "json-render-diagnostics",
    ]);
    command.args(["--package", harness.package, "--bin", harness.binary]);
    if let Some(package) = harness.starts {
        command.args(["--package", package, "--bin", package]);
    }
    command.args(["--profile", harness.profile]);
    if with_bugs {
        command.args(["--features", planted::FEATURE]);
    }
    command.current_dir(root).stderr(Stdio::inherit());
    let words = process::describe(&command);
    let output = command
        .output()
        .with_context(|| format!("could not start {words}"))?;
    anyhow::ensure!(
        output.status.success(),
        "{words} failed; its output stands above"
    );
    let messages = String::from_utf8_lossy(&output.stdout);
    executable(&messages, harness.binary)
        .with_context(|| format!("{words} built no program named {}", harness.binary))
}

/// The program's path among cargo's JSON messages.
fn executable(messages: &str, binary: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = messages.filter(|message| message["target"]["name"] == binary);
    ours.filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_the_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"naos"},"executable":null}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","target":{"name":"naos"},"executable":"t/naos"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"other"},"executable":"t/other"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(executable(messages, "naos"), Some(PathBuf::from("t/naos")));
        assert_eq!(executable(messages, "none"), None);
    }
}
