//! `naos doctor cell` as a person uses it. What breaks the cell here is a command too large for
//! one turn: a plan is cancelled that has more under way than one input may have facts.

mod project;

use std::fmt::Write as _;

use project::Project;

/// Two facts for each task that is cancelled are more than one input may give.
const WIDE: usize = 300;
/// How often it is looked whether all of the plan is under way.
const LOOKS_MAX: usize = 5_000;

#[test]
fn process_a_broken_cell_is_shown_and_mended() {
    let project = Project::new();
    let agent = "type: agent\nname: slow\ntemplate: courier\n\
                 retry: {attempts: 3, wait: 1h, max: 2h}\n";
    let mut plan = "type: plan\nname: wide\nsteps:\n".to_owned();
    for at in 0..WIDE {
        let _ = writeln!(
            plan,
            "  - {{name: s{at}, after: [], task: {{agent: slow, input: x}}}}"
        );
    }
    std::fs::write(project.path("slow.yaml"), agent).unwrap();
    std::fs::write(project.path("wide.yaml"), plan).unwrap();
    let mut daemon = project.up();
    for file in ["slow.yaml", "wide.yaml"] {
        let applied = project.naos(&["apply", "-f", file]);
        assert_eq!(applied.exit, 0, "{}", applied.stderr);
    }
    let started = project.json(&["plan", "start", "wide", "--no-wait"]);
    let run = started["run"].as_str().unwrap();
    let all = |_: &usize| project.json(&["status"])["runs"]["running"] == WIDE;
    assert!((0..LOOKS_MAX).any(|at| all(&at)), "not all steps began");
    let cancel = project.naos(&["plan", "cancel", run]);
    assert_eq!(cancel.exit, 1);
    assert!(cancel.stderr.contains("N0170"), "{}", cancel.stderr);
    assert!(cancel.stderr.contains("it is kept"), "{}", cancel.stderr);

    daemon.kill();
    let _again = project.up();
    let cells = project.naos(&["doctor", "cell", "--json"]);
    assert_eq!(cells.exit, 1, "{}", cells.stderr);
    let cells: serde_json::Value = serde_json::from_str(&cells.stdout).unwrap();
    let cell = &cells["items"][0];
    assert_eq!(cell["why"], "one input gave more than 512 facts");
    assert_eq!(
        (&cell["input"]["kind"], &cell["input"]["state"]),
        (&serde_json::json!("command"), &serde_json::json!("kept"))
    );
    let id = cell["tenant"].as_str().unwrap();
    let shown = project.naos(&["doctor", "cell", id]);
    assert!(
        shown.stdout.contains("--skip --reason TEXT"),
        "{}",
        shown.stdout
    );
    let doctor = project.naos(&["doctor"]);
    assert!(
        doctor.stdout.contains("is quarantined"),
        "{}",
        doctor.stdout
    );
    let restored = project.naos(&["doctor", "cell", id, "--restore"]);
    assert!(restored.stderr.contains("N0179"), "{}", restored.stderr);
    let words = ["doctor", "cell", id, "--skip", "--reason", "it may go on"];
    let skipped = project.naos(&words);
    assert_eq!(skipped.exit, 0, "{}", skipped.stderr);
    assert_eq!(project.naos(&["doctor", "cell"]).exit, 0);
    let audit = project.naos(&["audit", "--action", "tenant.skipped"]);
    assert!(audit.stdout.contains("it may go on"), "{}", audit.stdout);
    let stopped = project.naos(&["stop", "slow"]);
    assert_eq!(stopped.exit, 0, "the cell goes on: {}", stopped.stderr);
}

#[test]
fn process_a_cell_that_is_well_is_called_so() {
    let project = Project::new();
    let listed = project.naos(&["doctor", "cell"]);
    assert_eq!(listed.exit, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("No cell is quarantined."));
    let none = project.json(&["doctor", "cell"]);
    assert_eq!(none["items"], serde_json::json!([]));
    let status = project.json(&["status"]);
    let id = status["tenant"].as_str().unwrap();
    let shown = project.naos(&["doctor", "cell", id]);
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("is well"), "{}", shown.stdout);
    assert_eq!(project.json(&["doctor", "cell", id])["quarantined"], false);
}

#[test]
fn process_what_is_not_broken_is_not_mended() {
    let project = Project::new();
    let status = project.json(&["status"]);
    let id = status["tenant"].as_str().unwrap();
    let other = naos_types::TenantId(7).to_string();
    for (words, exit, says) in [
        (vec!["doctor", "cell", id, "--restore"], 1, "N0131"),
        (
            vec!["doctor", "cell", id, "--skip", "--reason", "x"],
            1,
            "N0131",
        ),
        (
            vec!["doctor", "cell", id, "--skip", "--reason", " "],
            2,
            "a reason has 1 to 1000 bytes",
        ),
        (vec!["doctor", "cell", id, "--skip"], 2, "--reason"),
        (vec!["doctor", "cell", "--restore"], 2, "ID"),
        (vec!["doctor", "cell", "nobody"], 1, "N0121"),
        (vec!["doctor", "cell", &other, "--restore"], 1, "N0121"),
    ] {
        let ended = project.naos(&words);
        assert_eq!(ended.exit, exit, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{words:?}: {}", ended.stderr);
    }
    let audit = project.json(&["audit", "--action", "tenant.skipped"]);
    assert_eq!(audit["items"].as_array().map_or(0, Vec::len), 0, "{audit}");
    for code in ["N0178", "N0179", "N0170"] {
        let told = project.naos(&["explain", code]);
        assert_eq!(told.exit, 0, "{}", told.stderr);
    }
}
