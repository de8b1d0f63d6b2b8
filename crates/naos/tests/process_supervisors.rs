//! Supervisors as they are typed.

mod project;

use std::time::Duration;

use project::Project;
use serde_json::json;

/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn process_supervisors_are_made_and_watched() {
    let project = Project::new();
    for agent in ["ann", "bob"] {
        project.json(&["create", agent, "--template", "echo"]);
    }
    project.json(&[
        "supervisor",
        "create",
        "boss",
        "--strategy",
        "one-for-all",
        "--max-restarts",
        "2",
        "--window",
        "30s",
        "--child",
        "ann",
    ]);
    project.json(&["supervisor", "add-child", "boss", "bob"]);
    let boss = project.json(&["supervisors", "status", "boss"]);
    assert_eq!(
        (&boss["status"], &boss["strategy"], &boss["restart_window"]),
        (&json!("running"), &json!("one-for-all"), &json!(30))
    );
    let drawn = project.naos(&["supervisor", "status"]);
    assert_eq!(drawn.exit, 0, "{}", drawn.stderr);
    assert!(
        drawn.stdout.contains("├── ann  created"),
        "{}",
        drawn.stdout
    );
    assert!(
        drawn.stdout.contains("└── bob  created"),
        "{}",
        drawn.stdout
    );
    let listed = project.json(&["get", "supervisors"]);
    assert_eq!(listed["items"][0]["name"], "boss");
    project.json(&["supervisor", "stop", "boss"]);
    let waits = project.json(&["run", "ann", "--input", "x", "--no-wait"]);
    assert_eq!(waits["status"], "queued", "{waits}");
    project.json(&["supervisor", "start", "boss"]);
    let run = waits["run"].as_str().unwrap();
    let mut daemon = project.up();
    let until = naos_engine::clock::tick() + PATIENCE;
    let done = loop {
        let found = project.json(&["get", "run", run]);
        if found["status"] == "completed" {
            break found;
        }
        assert!(naos_engine::clock::tick() < until, "{found}");
    };
    assert_eq!(done["output"], "x");
    assert_eq!(daemon.interrupt(), 0);
    project.json(&["supervisor", "fail", "boss", "--reason", "a drill"]);
    let failed = project.json(&["supervisor", "status", "boss"]);
    assert_eq!(
        (&failed["status"], &failed["problem"]["code"]),
        (&json!("failed"), &json!("N0206"))
    );
    for words in [["inbox"], ["approve"], ["status"], ["doctor"]] {
        let told = project.naos(&words);
        let reset = told.stdout.contains("naos supervisor reset boss");
        assert!(reset, "{words:?}: {} {}", told.stdout, told.stderr);
    }
    // Whoever waits for an agent that rests hears what it waits for, once, and waits on.
    let run = ["run", "ann", "--input", "x", "--timeout", "2"];
    let waited = project.naos(&run);
    assert_eq!(waited.exit, 1, "{}", waited.stderr);
    let why = "waits: agent ann rests since supervisor boss failed";
    assert!(waited.stderr.contains(why), "{}", waited.stderr);
    let listed = project.naos(&["task", "list"]).stdout;
    assert!(listed.contains(", waits"), "{listed}");
    let refused = project.naos(&["supervisor", "start", "boss"]);
    assert_eq!(refused.exit, 1);
    assert!(
        refused.stderr.contains("naos supervisor reset boss"),
        "{}",
        refused.stderr
    );
    project.json(&["supervisor", "reset", "boss"]);
    for (words, exit) in [
        (&["supervisor", "create", "boss"][..], 1),
        (&["supervisor", "create", "x", "--strategy", "all"], 2),
        (&["supervisor", "create", "x", "--window", "0"], 2),
        (&["supervisor", "create", "x", "--child", "ann"], 2),
        (&["supervisor", "fail", "boss"], 2),
        (&["supervisor", "start", "nobody"], 1),
        (&["supervisor", "add", "boss", "boss"], 2),
    ] {
        assert_eq!(project.naos(words).exit, exit, "{words:?}");
    }
    project.json(&["supervisor", "delete", "boss"]);
    assert_eq!(project.json(&["supervisor", "list"])["items"], json!([]));
}
