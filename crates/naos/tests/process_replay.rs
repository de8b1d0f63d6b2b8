//! Runs once more, from the journal alone: the same, byte for byte.

mod project;

use project::Project;

#[test]
fn process_a_run_is_the_same_once_more() {
    let project = Project::new();
    let mut runs = Vec::new();
    for template in ["echo", "researcher"] {
        let made = project.naos(&["create", "mine", "--template", template]);
        assert_eq!(made.exit, 0, "{}", made.stderr);
        let text = "# Meeting\n\nDecision: we ship on Friday.\nOpen: who writes the invoice?";
        let run = project.json(&["run", "mine", "--input", text]);
        runs.push(run["run"].as_str().unwrap().to_owned());
        assert_eq!(project.naos(&["delete", "agent", "mine"]).exit, 0);
        if template == "echo" {
            // What another template left there isn't taken for its own.
            let over = project.naos(&["create", "mine", "--template", "researcher"]);
            assert_eq!(over.exit, 1, "{}", over.stdout);
            assert!(
                over.stderr.contains("isn't what the template"),
                "{}",
                over.stderr
            );
            let agents = project.json(&["get", "agents"]);
            assert_eq!(
                agents["items"].as_array().map(Vec::len),
                Some(0),
                "{agents}"
            );
        }
        std::fs::remove_dir_all(project.path("agents/mine")).unwrap();
    }
    // What it was made from may be gone: a run pins what it ran.
    for run in &runs {
        let again = project.json(&["replay", run]);
        assert_eq!(again["same"], true, "{again:#}");
        let said = project.naos(&["replay", run]);
        assert!(
            said.stdout.starts_with("The same, byte for byte"),
            "{}",
            said.stdout
        );
    }
    // Looking is no fact.
    let before = project.json(&["status"])["journal"]["seq"].clone();
    project.json(&["replay", &runs[0]]);
    assert_eq!(project.json(&["status"])["journal"]["seq"], before);
}

#[test]
fn process_what_cannot_be_replayed_is_said() {
    let project = Project::new();
    let missing = project.naos(&["replay", "run_00000000000000000000000000"]);
    assert_eq!(missing.exit, 1, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("there is no run"),
        "{}",
        missing.stderr
    );
    let skill = "type: skill\nname: adder\npatterns: [\"add {a} {b}\"]\n\
                 handler: {template: \"{{ a }} and {{ b }}\"}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], skill.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let run = project.json(&["run", "adder", "--input", "add 1 2"]);
    let ruled = project.naos(&["replay", run["run"].as_str().unwrap()]);
    assert_ne!(ruled.exit, 0);
    assert!(ruled.stderr.contains("a rule"), "{}", ruled.stderr);
}
