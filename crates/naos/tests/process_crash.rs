//! The crash test itself, small: the real binary is killed at random moments and keeps its word.
//! With a planted bug awake it must notice.

use std::process::Command;

/// Runs `naos crashtest` and gives its exit status and its report.
fn crashtest(kills: u32, seed: u32) -> (Option<i32>, serde_json::Value, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let output = Command::new(env!("CARGO_BIN_EXE_naos"))
        .args([
            "crashtest",
            "--json",
            "--kills",
            &kills.to_string(),
            "--seed",
            &seed.to_string(),
        ])
        .arg("--dir")
        .arg(dir.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.lines().last().unwrap_or_default();
    let report = serde_json::from_str(last).unwrap_or_else(|_| panic!("no report: {said} {why}"));
    (output.status.code(), report, why)
}

#[test]
fn process_six_kills_break_no_promise() {
    let (exit, report, why) = crashtest(6, 1);
    assert_eq!(
        (exit, &report["failures"]),
        (Some(0), &0.into()),
        "{report} {why}"
    );
    assert_eq!(report["n"], 6, "{report}");
    let count = |name: &str| report["extra"][name].as_u64().unwrap_or_default();
    assert!(
        count("acked") > 0 && count("effects") > 0 && count("plans") > 0,
        "{report}"
    );
    assert!(count("attempts") >= count("effects"), "{report}");
    let (asked, done) = (count("endpoint_attempts"), count("endpoint_effects"));
    assert!(done > 0 && asked >= done, "{report}");
}
