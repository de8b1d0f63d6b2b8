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

#[test]
fn process_who_is_called_in_a_thread_is_told_outside() {
    let (port, came) = receiver();
    let project = Project::new();
    let config = project.path("nexus.config.yaml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "\nnotices:\n  - name: ana\n    for: ana\n    title: true\n    \
         webhook: http://127.0.0.1:{port}/ana\n    urgency: {{message: muted}}\n"
    ));
    std::fs::write(&config, text).unwrap();
    let _daemon = up(&project, port);
    let token = project.path("ana.token");
    let file = token.to_str().unwrap();
    let add = [
        "member",
        "add",
        "Ana Rabe",
        "--handle",
        "ana",
        "--token-file",
        file,
    ];
    let made = project.json(&add);
    assert_eq!(made["token"], Value::Null, "it stands in the file: {made}");
    let kept = std::fs::read_to_string(&token).unwrap();
    assert!(kept.trim().len() > 20, "{kept}");
    let again = project.naos(&add);
    assert_eq!(again.exit, 1, "the file is there: {}", again.stderr);
    assert_eq!(std::fs::read_to_string(&token).unwrap(), kept);
    let list = project.naos(&["member", "list"]);
    assert!(list.stdout.contains("Ana Rabe"), "{}", list.stdout);

    let task = project.json(&["task", "create", "The flyer", "--to", "@ana"]);
    let task = task["task"].as_str().unwrap();
    let request = came.recv_timeout(PATIENCE).unwrap();
    let event = request.body.clone();
    assert_eq!(event["type"], "naos.task.assigned");
    assert_eq!(event["data"]["title"], "The flyer");
    assert_eq!(event["data"]["path"], format!("/tasks/{task}"));
    request.answer("200 OK");
    for words in ["which paper?", "@ana which paper?"] {
        let said = project.naos(&["task", "say", task, words]);
        assert_eq!(said.exit, 0, "{}", said.stderr);
    }
    let request = came.recv_timeout(PATIENCE).unwrap();
    let event = request.body.clone();
    assert_eq!(
        event["type"], "naos.mention",
        "the first one is muted: {event}"
    );
    request.answer("200 OK");

    // One sentence may give somebody two things to hear of: each is told.
    let body = "to @ana: the thick one";
    let other = project.json(&["task", "create", "The poster"]);
    let other = other["task"].as_str().unwrap();
    let handed = project.naos(&["task", "hand-over", other, "@ana", "--note", body]);
    assert_eq!(handed.exit, 0, "{}", handed.stderr);
    let mut told = Vec::new();
    for _ in 0..2 {
        let request = came.recv_timeout(PATIENCE).unwrap();
        told.push(request.body["type"].as_str().unwrap().to_owned());
        request.answer("200 OK");
    }
    told.sort();
    assert_eq!(told, ["naos.mention", "naos.task.assigned"]);

    // Who runs naos has an inbox of their own.
    let none = project.naos(&["inbox"]);
    assert!(
        none.stdout.contains("Nothing new"),
        "{}{}",
        none.stdout,
        none.stderr
    );
    let all = project.naos(&["inbox", "--all", "--seen"]);
    assert_eq!(all.exit, 0, "{}", all.stderr);
    let told = project.naos(&["standup", "--markdown"]);
    assert!(
        told.stdout.contains("## Ana Rabe"),
        "{}{}",
        told.stdout,
        told.stderr
    );
    assert!(
        told.stdout.contains("**next** The flyer"),
        "{}",
        told.stdout
    );
    let told = project.naos(&["standup", "--hours", "1"]);
    assert!(
        told.stdout.contains("0 done, 0 failed"),
        "{}{}",
        told.stdout,
        told.stderr
    );
    let rules = project.naos(&["rule", "list"]);
    assert_eq!(rules.exit, 0, "{}", rules.stderr);
    let muted = project.json(&["task", "mute", task]);
    assert_eq!(muted["changed"], true);
    let gone = project.naos(&["member", "remove", "@ana"]);
    assert_eq!(gone.exit, 0, "{}", gone.stderr);
}
