//! `naos doctor cell` as a person uses it. What breaks the cell is a bug put in on purpose: no
//! command is known that does.

mod project;

use project::Project;

/// Wakes the poison in a daemon, beside whatever bug this test is to catch.
#[cfg(feature = "planted-bugs")]
fn poisoned() -> String {
    let other = std::env::var("NAOS_PLANTED_BUG").unwrap_or_default();
    format!("poison,{other}")
}

#[cfg(feature = "planted-bugs")]
#[test]
fn process_a_broken_cell_is_shown_and_mended() {
    let project = Project::new();
    let bugs = poisoned();
    let bugs = [("NAOS_PLANTED_BUG", bugs.as_str())];
    let mut daemon = project.up_with(&bugs);
    for agent in ["poison", "slow"] {
        let made = project.naos(&["create", agent, "--template", "echo"]);
        assert_eq!(made.exit, 0, "{}", made.stderr);
    }
    let stop = project.naos(&["stop", "poison"]);
    assert_eq!(stop.exit, 1);
    assert!(stop.stderr.contains("N0170"), "{}", stop.stderr);
    assert!(stop.stderr.contains("it is kept"), "{}", stop.stderr);

    daemon.kill();
    let _again = project.up_with(&bugs);
    let cells = project.naos(&["doctor", "cell", "--json"]);
    assert_eq!(cells.exit, 1, "{}", cells.stderr);
    let cells: serde_json::Value = serde_json::from_str(&cells.stdout).unwrap();
    let cell = &cells["items"][0];
    assert_eq!(cell["why"], "a poisoned command");
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
