//! Planted bugs: each must be caught by its test, else the test proves nothing. One build holds
//! all of them; `NAOS_PLANTED_BUG` chooses one while it runs.

mod list;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use anyhow::Context;

use crate::process;
pub use list::{Planted, read};

/// Names the one bug that is awake.
pub const BUG_VARIABLE: &str = "NAOS_PLANTED_BUG";
/// The cargo feature of every crate that has bugs planted.
pub const FEATURE: &str = "planted-bugs";

/// What cargo-nextest answers when a test failed, and when none matched.
const EXIT_TESTS_FAILED: i32 = 100;
const EXIT_NO_TESTS: i32 = 4;

/// Demands that every test of the list passes as the code is, and fails with its bug awake.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let list = read(root)?;
    let packages: BTreeSet<&str> = list.iter().map(|row| row.package.as_str()).collect();
    println!(
        "planted: {} bugs in {} packages",
        list.len(),
        packages.len()
    );

    let all: Vec<String> = list.iter().map(Planted::expression).collect();
    let clean = nextest(root, &packages, &all.join(" or "), None)?;
    anyhow::ensure!(
        clean.status.success(),
        "with no bug awake the tests of xtask/planted.list must pass, and do not:\n{}",
        both(&clean)
    );

    let mut escaped = Vec::new();
    for row in &list {
        let tried = nextest(root, &packages, &row.expression(), Some(&row.bug))?;
        let verdict = match tried.status.code() {
            Some(EXIT_TESTS_FAILED) => "caught",
            Some(0) => "NOT CAUGHT: the test passes with the bug awake",
            Some(EXIT_NO_TESTS) => "NO SUCH TEST",
            _ => anyhow::bail!("{}: the test run broke:\n{}", row.bug, both(&tried)),
        };
        println!(
            "planted: {} by {} {}: {verdict}",
            row.bug, row.package, row.filter
        );
        if verdict != "caught" {
            escaped.push(row.bug.as_str());
        }
    }
    anyhow::ensure!(
        escaped.is_empty(),
        "{} of {} planted bugs are not caught: {}; sharpen their tests",
        escaped.len(),
        list.len(),
        escaped.join(", ")
    );
    println!("planted: all {} caught", list.len());
    Ok(())
}

/// The same packages and features every time, so that all runs share one build.
fn nextest(
    root: &Path,
    packages: &BTreeSet<&str>,
    expression: &str,
    bug: Option<&str>,
) -> anyhow::Result<Output> {
    let mut command = process::cargo();
    command.args([
        "nextest",
        "run",
        "--locked",
        "--no-fail-fast",
        "--color",
        "never",
    ]);
    for package in packages {
        command.args([
            "--package",
            package,
            "--features",
            &format!("{package}/{FEATURE}"),
        ]);
    }
    command.args(["-E", expression]).current_dir(root);
    match bug {
        Some(bug) => command.env(BUG_VARIABLE, bug),
        None => command.env_remove(BUG_VARIABLE),
    };
    command
        .output()
        .context("could not start cargo nextest; ./check tools installs it")
}

fn both(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}
