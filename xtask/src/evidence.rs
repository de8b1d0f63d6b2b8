//! Evidence: one harness at a stated n, written down with all that is needed to run it again.
//! A number that no harness wrote is not published.

mod bound;
mod build;
mod harnesses;
mod machine;
mod plot;
mod record;
pub mod table;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::{planted, process};
use bound::upper95;
use harnesses::{HARNESSES, Harness};
use record::{Caught, Evidence, Report};

/// All runs of one harness together, planted bugs included; building is not counted.
const SECONDS_MAX: u64 = 40 * 60;
/// A planted bug must be caught within this part of n.
const PLANTED_SHARE: u64 = 10;
/// Where a benchmark finds the program that it starts.
const STARTS_VARIABLE: &str = "NAOS_BENCH_BINARY";

pub fn list() {
    for harness in HARNESSES {
        let (name, n, figure) = (harness.name, harness.n_default, harness.figure);
        println!("{name:<12} n {n:<8} {figure}");
    }
}

/// Runs the harness and writes `evidence/NAME.json`; failures are written down, then an error.
/// From another seed than the first it goes on after what is written there already.
pub fn run(root: &Path, name: &str, n: Option<u64>, from: u64) -> anyhow::Result<()> {
    let harness = harnesses::find(name)?;
    let n = n.unwrap_or(harness.n_default);
    let machine = machine::look(root)?;
    let mut left = Duration::from_secs(SECONDS_MAX);
    anyhow::ensure!(
        from == 0 || harness.takes_seeds(),
        "{name} plays no seeds: leave --from out"
    );
    let before = match from {
        0 => None,
        _ => Some(record::to_go_on(root, name, &machine, from)?),
    };

    // Planted bugs first, so that the build that stays behind is the honest one.
    let planted = if before.is_some() {
        Vec::new() // they were tried at the first seeds
    } else {
        let bugs = bugs_for(root, harness)?;
        catch_bugs(root, harness, n, &bugs, &mut left)?
    };

    let program = build::program(root, harness, false)?;
    let (report, seconds) = measure(root, &program, harness, (n, from), None, left)?;
    anyhow::ensure!(
        report.n > 0 && report.failures <= report.n,
        "{name} reports {} failures in {} tries, which cannot be",
        report.failures,
        report.n
    );
    let evidence = Evidence {
        figure: harness.figure.to_owned(),
        n: report.n,
        failures: report.failures,
        upper95: upper95(report.failures, report.n),
        seed_range: [report.seed_from, report.seed_to],
        commit: machine.commit,
        dirty: machine.dirty,
        host: machine.host,
        kernel: machine.kernel,
        started: machine.started,
        seconds,
        command: match from {
            0 => format!("cargo xtask evidence {name} --n {n}"),
            _ => format!("cargo xtask evidence {name} --n {n} --from {from}"),
        },
        planted,
        extra: report.extra,
    };
    let evidence = match before {
        Some(before) => before.and(evidence),
        None => evidence,
    };
    let path = record::write(root, name, &evidence)?;
    println!("evidence: wrote {path}");
    judge(name, &evidence)
}

/// Failures and escaped bugs are published and are errors.
fn judge(name: &str, evidence: &Evidence) -> anyhow::Result<()> {
    let escaped: Vec<&str> = evidence
        .planted
        .iter()
        .filter(|planted| planted.caught_after_n.is_none())
        .map(|planted| planted.bug.as_str())
        .collect();
    let (failures, n) = (evidence.failures, evidence.n);
    anyhow::ensure!(
        failures == 0,
        "{name}: {failures} failures in {n}; each is a bug report"
    );
    anyhow::ensure!(
        escaped.is_empty(),
        "{name} does not catch {} within n/{PLANTED_SHARE}; its zero proves nothing yet",
        escaped.join(", ")
    );
    Ok(())
}

fn bugs_for(root: &Path, harness: &Harness) -> anyhow::Result<Vec<String>> {
    if !root.join("xtask/planted.list").exists() {
        return Ok(Vec::new());
    }
    let rows = planted::read(root)?;
    let ours = rows
        .into_iter()
        .filter(|row| row.harness.as_deref() == Some(harness.name));
    Ok(ours.map(|row| row.bug).collect())
}

fn catch_bugs(
    root: &Path,
    harness: &Harness,
    n: u64,
    bugs: &[String],
    left: &mut Duration,
) -> anyhow::Result<Vec<Caught>> {
    let mut caught = Vec::new();
    if bugs.is_empty() {
        return Ok(caught);
    }
    let n = (n / PLANTED_SHARE).max(1);
    let program = build::program(root, harness, true)?;
    for bug in bugs {
        println!("evidence: planting {bug}, n {n}");
        let (report, seconds) = measure(root, &program, harness, (n, 0), Some(bug), *left)?;
        *left = left.saturating_sub(Duration::from_secs(seconds));
        let after = report.first_failure.unwrap_or(report.n);
        let caught_after_n = (report.failures > 0).then_some(after);
        caught.push(Caught {
            bug: bug.clone(),
            caught_after_n,
        });
    }
    Ok(caught)
}

/// Runs the built harness once, for n tries from a seed on, and reads its last line.
fn measure(
    root: &Path,
    program: &Path,
    harness: &Harness,
    (n, from): (u64, u64),
    bug: Option<&str>,
    limit: Duration,
) -> anyhow::Result<(Report, u64)> {
    let mut command = Command::new(program);
    command.args(harness.arguments(n, from)).current_dir(root);
    match bug {
        Some(bug) => command.env(planted::BUG_VARIABLE, bug),
        None => command.env_remove(planted::BUG_VARIABLE),
    };
    if let Some(binary) = harness.starts {
        command.env(STARTS_VARIABLE, program.with_file_name(binary));
    }
    let done = process::within(&mut command, limit)?;
    let report = Report::from_output(&done.lines)
        .with_context(|| format!("{} ended with {}", process::describe(&command), done.status))?;
    // A harness that fails and counts no failure broke before it could look.
    anyhow::ensure!(
        done.status.success() || report.failures > 0,
        "{} failed ({}) but reports no failure",
        process::describe(&command),
        done.status
    );
    Ok((report, done.seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(failures: u64, planted: &[(&str, Option<u64>)]) -> Evidence {
        let planted = planted.iter().map(|(bug, after)| Caught {
            bug: (*bug).to_owned(),
            caught_after_n: *after,
        });
        Evidence {
            failures,
            planted: planted.collect(),
            ..record::made_up()
        }
    }

    #[test]
    fn failures_and_escapes_are_errors() {
        assert!(judge("x", &evidence(0, &[("a", Some(3))])).is_ok());
        for (evidence, want) in [
            (
                evidence(2, &[]),
                "x: 2 failures in 100; each is a bug report",
            ),
            (
                evidence(0, &[("a", Some(1)), ("b", None)]),
                "x does not catch b within n/10",
            ),
        ] {
            let error = judge("x", &evidence).expect_err(want).to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }

    fn measure_script(script: &'static [&'static str]) -> anyhow::Result<(Report, u64)> {
        let harness = Harness {
            args: script,
            ..HARNESSES[0]
        };
        let limit = Duration::from_secs(60);
        measure(
            Path::new("."),
            Path::new("sh"),
            &harness,
            (7, 0),
            Some("a-bug"),
            limit,
        )
    }

    #[test]
    fn a_harness_is_run_and_read() {
        let script = &[
            "-c",
            r#"echo "at $NAOS_PLANTED_BUG"; echo '{"n":{n},"failures":0}'"#,
        ];
        let (report, _) = measure_script(script).expect("it reports");
        assert_eq!((report.n, report.failures), (7, 0));
    }

    #[test]
    fn a_broken_harness_is_an_error() {
        for (script, want) in [
            (&["-c", "echo hello"], "ended with"),
            (&["-c", r#"echo '{"n":{n},"failures":0}'; exit 1"#], "sh -c"),
        ] {
            let error = format!("{:#}", measure_script(script).expect_err(want));
            assert!(error.contains(want), "{error}");
        }
        let failing = &["-c", r#"echo '{"n":{n},"failures":1}'; exit 1"#];
        assert_eq!(measure_script(failing).expect("it counts").0.failures, 1);
    }
}
