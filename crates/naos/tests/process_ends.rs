//! The end of a process that is asked to end: what agents asked a model for is paid, so its answer
//! is kept, and the model isn't asked a second time.

mod project;

use std::time::Duration;

use naos_modelserver::Step;
use project::office::{KEY, Office};
use serde_json::Value;

/// How long what is under way may take.
const WORK_MAX: Duration = Duration::from_secs(60);

fn until(fits: impl Fn() -> bool) {
    let began = naos_engine::clock::tick();
    while !fits() {
        assert!(began.elapsed() < WORK_MAX, "it takes too long");
        std::thread::yield_now();
    }
}

/// The last run of the clerk: how it stands, and what it cost.
fn last(office: &Office) -> (String, u64) {
    let listed = office.project.json(&["get", "runs"]);
    let run = &listed["items"][0];
    let status = run["status"].as_str().unwrap_or_default().to_owned();
    (status, run["cost_micros"].as_u64().unwrap_or_default())
}

#[test]
fn process_what_is_asked_in_the_end_is_heard_and_asked_once() {
    let slow = || Step::behave("slow:40");
    let mut office = Office::with(vec![slow(), slow(), slow()]);
    office.connect();
    let clerk = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let project = &office.project;
    let applied = project.naos_with(&["apply", "-f", "-"], clerk.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let ports = office.server.port().to_string();
    let own = [
        ("NAOS_ALLOW_LOOPBACK_PORTS", ports.as_str()),
        ("NAOS_MODEL_TEST", KEY),
    ];
    // A daemon that is asked to end in the middle of an answer.
    let begun = project.json(&["run", "clerk", "--input", "one", "--no-wait"]);
    assert!(
        begun["run"].is_string() || begun["task"].is_string(),
        "{begun}"
    );
    until(|| office.server.count() == 1);
    assert_eq!(office.daemon.interrupt(), 0);
    let (project, server) = (&office.project, &office.server);
    let again = project.up_with(&own);
    until(|| last(&office).0 == "completed");
    let (_, price) = last(&office);
    assert_eq!(server.count(), 1, "it isn't asked anew");
    drop(again);
    // Short commands without a daemon: what is begun on the way is heard, too.
    let short = |words: &[&str]| -> Value {
        let ended = project::command(project.path("").as_path())
            .envs(own)
            .args(words)
            .arg("--json")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{told}");
        serde_json::from_slice(&ended.stdout).unwrap_or_default()
    };
    short(&["task", "create", "Two", "--to", "clerk", "--text", "two"]);
    for text in ["a", "b"] {
        std::fs::write(project.path("note.md"), text).unwrap();
        short(&["document", "put", "note.md", "note.md"]);
    }
    let up = project.up_with(&own);
    until(|| last(&office).0 == "completed");
    assert_eq!(server.count(), 2, "it is asked once");
    let (_, cost) = last(&office);
    assert!(
        cost > 0 && cost < price * 2,
        "{cost}, and the first {price}"
    );
    drop(up);
}

#[test]
fn process_who_goes_on_with_the_work_of_a_killed_daemon_reaches_what_it_reached() {
    let slow = || Step::behave("slow:40");
    let mut office = Office::with(vec![slow(), slow()]);
    office.connect();
    let clerk = "type: agent\nname: clerk\nmodel: fast\nprompt: You help.\n";
    let applied = office
        .project
        .naos_with(&["apply", "-f", "-"], clerk.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    // It was told of no service of this machine: the daemon was.
    let waiting = project::command(office.project.path("").as_path())
        .env("NAOS_MODEL_TEST", KEY)
        .args(["run", "clerk", "--input", "one", "--timeout", "50"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until(|| office.server.count() == 1);
    office.daemon.kill();
    let ended = waiting.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    assert_eq!(
        office.server.count(),
        2,
        "what was cut off is asked for again"
    );
}
