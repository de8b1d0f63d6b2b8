//! Notices through the front door, against a receiver on this machine.

mod project;

use std::collections::BTreeSet;
use std::time::Duration;

use project::receiver::receiver;
use project::{Daemon, Project};
use serde_json::Value;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a list is asked for until it says what is awaited.
const LOOKS_MAX: usize = 300;

/// A project with a plan that asks a person, and somebody who is told so.
fn project(port: u16) -> Project {
    let project = Project::new();
    let config = project.path("nexus.config.yaml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "\nnotices:\n  - name: phone\n    webhook: http://127.0.0.1:{port}/naos\n    \
         secret: env:NAOS_HOOK_PHONE\n    title: true\n    \
         retry: {{attempts: 6, wait: 100ms}}\n"
    ));
    std::fs::write(&config, text).unwrap();
    let plan = "type: plan\nname: sign\nsteps:\n  - {name: ask, approval: {title: \"Send it?\", \
                body: the text}}\n";
    std::fs::write(project.path("sign.yaml"), plan).unwrap();
    project
}

fn up(project: &Project, port: u16) -> Daemon {
    let port = port.to_string();
    project.up_with(&[
        ("NAOS_ALLOW_LOOPBACK_PORTS", port.as_str()),
        ("NAOS_HOOK_PHONE", "whsec_c2VjcmV0"),
    ])
}

fn ask(project: &Project) {
    let applied = project.naos(&["apply", "-f", "sign.yaml"]);
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let held = project.naos(&["plan", "start", "sign"]);
    assert_eq!(held.exit, 4, "{}", held.stderr);
}

/// The one notice, when it came to an end.
fn ended(project: &Project) -> Value {
    for _ in 0..LOOKS_MAX {
        let list = project.json(&["notice", "list"]);
        let items = list["items"].as_array().unwrap();
        assert!(items.len() <= 1, "{list}");
        if items.iter().any(|item| item["status"] != "pending") {
            return items[0].clone();
        }
    }
    panic!("the notice never came to an end");
}

#[test]
fn process_a_receiver_that_fails_twice_is_told_once() {
    let (port, came) = receiver();
    let project = project(port);
    let mut daemon = up(&project, port);
    ask(&project);
    let mut keys = BTreeSet::new();
    for answer in ["500 Oh", "", "200 OK"] {
        let request = came.recv_timeout(PATIENCE).unwrap();
        keys.insert(request.header("webhook-id").to_owned());
        assert_eq!(
            request.header("idempotency-key"),
            request.header("webhook-id")
        );
        assert!(request.header("webhook-signature").starts_with("v1,"));
        let data = &request.body["data"];
        assert_eq!(data["what"], "approval.requested");
        assert_eq!(data["title"], "Send it?");
        assert!(data["id"].as_str().unwrap().starts_with("appr_"), "{data}");
        if !answer.is_empty() {
            request.answer(answer);
        }
    }
    assert_eq!(keys.len(), 1, "{keys:?}");
    let notice = ended(&project);
    assert_eq!(
        (&notice["status"], &notice["attempts"]),
        (&"delivered".into(), &3.into())
    );
    assert!(
        notice["answer"].as_str().unwrap().contains("thanks"),
        "{notice}"
    );
    let journal = project.naos(&["audit", "--last", "500", "--json"]);
    assert!(
        !journal.stdout.contains("whsec_"),
        "the secret stands in the journal"
    );
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_a_kill_between_sending_and_its_outcome_repeats_the_key() {
    let (port, came) = receiver();
    let project = project(port);
    let mut daemon = up(&project, port);
    ask(&project);
    let first = came.recv_timeout(PATIENCE).unwrap();
    daemon.kill();
    let key = first.header("webhook-id").to_owned();
    drop(first);
    let mut daemon = up(&project, port);
    let second = came.recv_timeout(PATIENCE).unwrap();
    assert_eq!(second.header("webhook-id"), key);
    second.answer("204 No Content");
    assert_eq!(ended(&project)["status"], "delivered");
    assert_eq!(daemon.interrupt(), 0);
    assert!(came.try_recv().is_err(), "it was sent once more");
}

#[test]
fn process_a_test_prints_the_answer_and_doctor_what_fails() {
    let (port, came) = receiver();
    let project = project(port);
    let mut daemon = up(&project, port);
    let answered = std::thread::spawn(move || {
        let request = came.recv_timeout(PATIENCE).unwrap();
        assert_eq!(request.body["type"], "naos.notice.test");
        request.answer("202 Accepted");
    });
    let tried = project.naos(&["notice", "test", "phone"]);
    assert_eq!(tried.exit, 0, "{}", tried.stderr);
    assert!(
        tried.stdout.contains("answered 202: thanks"),
        "{}",
        tried.stdout
    );
    answered.join().unwrap();
    assert_eq!(daemon.interrupt(), 0);
    // Without its port named, this machine is closed, whoever applied what.
    let tried = project.naos(&["notice", "test", "phone"]);
    assert_eq!(tried.exit, 1, "{}", tried.stdout);
    let doctor = project.naos(&["doctor"]);
    assert_eq!(doctor.exit, 1, "{}", doctor.stdout);
    assert!(
        doctor.stdout.contains("phone was not told"),
        "{}",
        doctor.stdout
    );
}
