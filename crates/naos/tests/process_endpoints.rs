//! Drivers and subscribers outside, through the front door, against a receiver on this machine.

mod project;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use naos_drivers::webhook::Secret;
use project::receiver::{Came, receiver};
use project::{Daemon, Project};
use serde_json::{Value, json};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn up(project: &Project, port: u16) -> Daemon {
    let port = port.to_string();
    project.up_with(&[("NAOS_ALLOW_LOOPBACK_PORTS", port.as_str())])
}

fn driver(port: u16) -> String {
    format!(
        "driver: {{id: crm, endpoint: \"http://127.0.0.1:{port}/ask\", \
         capabilities: [customer.find], retry: {{attempts: 5, wait: 50ms}}}}\n"
    )
}

/// The secret in a line that shows it this once.
fn secret_in(text: &str) -> String {
    let from = text.find("whsec_").unwrap_or_else(|| panic!("{text}"));
    let rest = &text[from..];
    let end = rest.find(':').unwrap_or(rest.len());
    rest[..end].to_owned()
}

fn next(came: &Receiver<Came>) -> Came {
    came.recv_timeout(PATIENCE).unwrap()
}

/// Whether a request is signed as Standard Webhooks has it.
fn is_signed(request: &Came, secret: &str) -> bool {
    let at: i64 = request.header("webhook-timestamp").parse().unwrap();
    let signed =
        Secret::parse(secret)
            .unwrap()
            .sign(request.header("webhook-id"), at, &request.raw);
    request.header("webhook-signature") == signed
}

/// A signed call of a webhook, and the status that it was answered with.
fn call_back(daemon: &Daemon, address: &str, secret: &str, id: &str, body: &Value) -> String {
    let host = daemon.said["url"].as_str().unwrap();
    let host = host.strip_prefix("http://").unwrap();
    let (body, at) = (body.to_string(), naos_engine::clock::now().0 / 1_000);
    let signature = Secret::parse(secret).unwrap().sign(id, at, body.as_bytes());
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let text = format!(
        "POST {address} HTTP/1.1\r\nhost: {host}\r\nwebhook-id: {id}\r\n\
         webhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// What a command says, once it is as wanted.
fn until(project: &Project, words: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
    let end = naos_engine::clock::tick() + PATIENCE;
    loop {
        let found = project.json(words);
        if wanted(&found["items"][0]) {
            return found["items"][0].clone();
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
    }
}

#[test]
fn process_a_driver_outside_answers_later_and_survives_a_kill() {
    let (port, came) = receiver();
    let project = Project::new();
    let mut daemon = up(&project, port);
    let applied = project.naos_with(&["apply", "-f", "-"], driver(port).as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let secret = secret_in(&applied.stdout);
    assert!(
        applied.stdout.contains("POST /hooks/main/drivers/crm"),
        "{}",
        applied.stdout
    );
    // No agent does its work.
    let listens = project.naos(&["events", "consumers"]).stdout;
    assert!(listens.contains("driver crm"), "{listens}");
    let told = project.json(&["driver", "secret", "crm"]);
    assert_eq!(told["address"], "/hooks/main/drivers/crm", "{told}");
    assert_eq!(told.get("secret"), None, "{told}");
    let data = r#"{"name": "Ada"}"#;
    project.json(&["events", "emit", "customer.find", "--data", data]);
    let first = next(&came);
    assert!(is_signed(&first, &secret), "it isn't signed");
    let key = first.header("webhook-id").to_owned();
    assert_eq!(first.header("idempotency-key"), key);
    assert_eq!(
        (&first.body["type"], &first.body["data"]["name"]),
        (&json!("customer.find"), &json!("Ada")),
        "{}",
        first.body
    );
    first.answer_with("503 Service Unavailable", "retry-after: 0\r\n", "busy");
    let second = next(&came);
    assert_eq!(second.header("webhook-id"), key);
    daemon.kill();
    drop(second);
    let mut daemon = up(&project, port);
    let third = next(&came);
    assert_eq!(third.header("webhook-id"), key, "a crash changes no key");
    third.answer_with("202 Accepted", "", "");
    // From here on nothing is outstanding but its word.
    let address = "/hooks/main/drivers/crm";
    let body = json!({"id": key, "answer": {"city": "Toamasina"}});
    let forged = call_back(&daemon, address, "whsec_Zm9yZ2Vk", "msg_1", &body);
    assert_eq!(forged, "401");
    let taken = call_back(&daemon, address, &secret, "msg_1", &body);
    assert_eq!(taken, "200");
    let again = call_back(&daemon, address, &secret, "msg_1", &body);
    assert_eq!(again, "200", "the same call is answered alike");
    let other = call_back(&daemon, address, &secret, "msg_2", &body);
    assert_eq!(other, "409", "it was answered before");
    let found = until(&project, &["driver", "list"], |one| one["answered"] == 1);
    assert_eq!((&found["failed"], &found["open"]), (&json!(0), &json!(0)));
    let list = project.naos(&["driver", "list"]);
    assert!(
        list.stdout
            .contains(&format!("http://127.0.0.1:{port}/ask")),
        "{}",
        list.stdout
    );
    let rotated = project.naos(&["driver", "secret", "crm", "--rotate"]);
    assert_ne!(secret_in(&rotated.stdout), secret);
    let journal = project.naos(&["audit", "--last", "500", "--json"]);
    assert!(!journal.stdout.contains("whsec_"), "the secret is told");
    assert_eq!(daemon.interrupt(), 0);
    assert!(came.try_recv().is_err(), "it was asked once more");
}

/// A step that is tried again is another event, and the same to whoever does it; what was done
/// under a step's own key isn't asked for again.
#[test]
fn process_a_step_is_asked_for_again_under_the_same_key() {
    let (port, came) = receiver();
    let project = Project::new();
    let mut daemon = up(&project, port);
    let instruction = r#"
type: instruction
id: pay
inputs:
  - {name: id, type: integer}
plan:
  - id: ask
    idempotency_key: "invoice-{{ inputs.id }}"
    retry: {attempts: 3, wait: 50ms}
    emit: {type: customer.find, data: {id: "{{ inputs.id }}"}}
"#;
    let hasty = driver(port).replace("attempts: 5", "attempts: 1");
    let documents = format!("{hasty}---{instruction}");
    let applied = project.naos_with(&["apply", "-f", "-"], documents.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let start = ["instruction", "run", "pay", "--input", "id=7", "--no-wait"];
    project.json(&start);
    let first = next(&came);
    let key = first.header("idempotency-key").to_owned();
    let id = first.header("webhook-id").to_owned();
    first.answer_with("503 Service Unavailable", "", "busy");
    let second = next(&came);
    assert_ne!(second.header("webhook-id"), id);
    assert_eq!(second.header("idempotency-key"), key);
    second.answer_with(
        "200 OK",
        "content-type: application/json\r\n",
        "{\"paid\": true}",
    );
    let ended = project.json(&["instruction", "run", "pay", "--input", "id=7"]);
    let shown = project.json(&["get", "plan-run", ended["run"].as_str().unwrap()]);
    assert_eq!(shown["status"], "completed", "{shown}");
    let step = &shown["steps"][0];
    assert!(step["done_by"].is_string(), "{shown}");
    assert_eq!(step["output"], "{\"paid\": true}", "{shown}");
    let start = ["instruction", "run", "pay", "--input", "id=8", "--no-wait"];
    project.json(&start);
    let other = next(&came);
    assert_ne!(other.header("idempotency-key"), key);
    other.answer_with("200 OK", "content-type: application/json\r\n", "{}");
    assert_eq!(daemon.interrupt(), 0);
    assert!(came.try_recv().is_err(), "it was asked once more");
}

#[test]
fn process_an_answer_of_which_something_would_be_lost_is_none() {
    let (port, came) = receiver();
    let project = Project::new();
    let mut daemon = up(&project, port);
    let applied = project.naos_with(&["apply", "-f", "-"], driver(port).as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    for (answer, why) in [
        ("{\"a\": 1, \"a\": 2}", "the key \"a\" is there twice"),
        ("{\"a\": 18446744073709551616}", "a text keeps its digits"),
    ] {
        project.json(&["events", "emit", "customer.find", "--data", "{}"]);
        next(&came).answer_with("200 OK", "content-type: application/json\r\n", answer);
        let closed = |one: &Value| one["status"] == "failed" || one["status"] == "completed";
        let run = until(&project, &["get", "runs"], closed);
        let said = run["problem"]["said"].as_str().unwrap_or_default();
        assert!(said.contains("it took the event"), "{answer}: {run}");
        assert!(said.contains(why), "{answer}: {run}");
    }
    assert_eq!(daemon.interrupt(), 0);
    assert!(came.try_recv().is_err(), "it was asked once more");
}

#[test]
fn process_an_endpoint_that_hangs_is_given_up_in_its_time() {
    let (port, came) = receiver();
    let project = Project::new();
    let mut daemon = up(&project, port);
    let hasty = driver(port).replace("retry:", "timeout: 300ms, retry:");
    let applied = project.naos_with(&["apply", "-f", "-"], hasty.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    project.json(&["events", "emit", "customer.find", "--data", "{}"]);
    let hangs = next(&came);
    // No request may take longer than 30 s: the second would come then.
    let second = came.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(second.header("webhook-id"), hangs.header("webhook-id"));
    second.answer_with("200 OK", "content-type: application/json\r\n", "{}");
    until(&project, &["driver", "list"], |one| one["answered"] == 1);
    drop(hangs);
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_events_go_to_a_subscriber_until_it_is_gone() {
    let (port, came) = receiver();
    let project = Project::new();
    let url = format!("http://127.0.0.1:{port}/events");
    let made = project.naos(&[
        "events",
        "subscribe",
        "shop",
        "--type",
        "order.*",
        "--deliver",
        &url,
    ]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let secret = secret_in(&made.stdout);
    // Published while nobody delivers: it waits in the journal.
    project.json(&["events", "emit", "order.paid", "--data", "{\"n\": 1}"]);
    let mut daemon = up(&project, port);
    project.json(&["events", "emit", "order.paid", "--data", "{\"n\": 2}"]);
    for n in [1, 2] {
        let event = next(&came);
        assert_eq!(event.body["data"]["n"], n, "{}", event.body);
        assert!(is_signed(&event, &secret), "it isn't signed");
        let kind = event.header("content-type");
        assert!(kind.starts_with("application/cloudevents+json"), "{kind}");
        event.answer("200 OK");
    }
    let words = ["events", "consumers"];
    let found = until(&project, &words, |one| one["done"] == 2);
    assert_eq!(found["in_flight"], 0, "{found}");
    project.json(&["events", "emit", "order.paid", "--data", "{\"n\": 3}"]);
    next(&came).answer("410 Gone");
    until(&project, &words, |one| one["deliver"]["state"] == "paused");
    let shown = project.naos(&words);
    assert!(shown.stdout.contains("answered 410"), "{}", shown.stdout);
    let doctor = project.naos(&["doctor"]);
    assert!(
        doctor.stdout.contains("naos events resume shop"),
        "{}",
        doctor.stdout
    );
    project.json(&["events", "emit", "order.paid", "--data", "{\"n\": 4}"]);
    assert_eq!(project.naos(&["events", "resume", "shop"]).exit, 0);
    let event = next(&came);
    assert_eq!(event.body["data"]["n"], 4, "{}", event.body);
    event.answer("204 No Content");
    until(&project, &words, |one| one["done"] == 3);
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_what_can_be_no_address_is_refused() {
    let project = Project::new();
    for (text, why) in [
        (
            "driver: {id: d, endpoint: \"https://a.example.org/\", agent: a, capabilities: [a.b]}",
            "one of these",
        ),
        (
            "driver: {id: d, endpoint: \"http://a.example.org/\", capabilities: [a.b]}",
            "begins with https://",
        ),
        (
            "subscription: {name: s, on: a.b, deliver: {url: \"ftp://a.example.org/\"}}",
            "https://",
        ),
    ] {
        let refused = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
        assert_eq!(refused.exit, 2, "{text}: {}", refused.stderr);
        assert!(refused.stderr.contains(why), "{text}: {}", refused.stderr);
    }
    for words in [
        ["driver", "secret", "nobody"],
        ["events", "secret", "nobody"],
    ] {
        let refused = project.naos(&words);
        assert_eq!(refused.exit, 1, "{words:?}: {}", refused.stderr);
    }
    for code in ["N0230", "N0231", "N0232"] {
        let told = project.naos(&["explain", code]);
        assert_eq!(told.exit, 0, "{code}: {}", told.stderr);
    }
    // A private address is no address to send to: the event fails, and says why.
    let lan = "driver: {id: lan, endpoint: \"https://10.0.0.7/\", capabilities: [lan.ask]}";
    let applied = project.naos_with(&["apply", "-f", "-"], lan.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let mut daemon = project.up();
    project.json(&["events", "emit", "lan.ask"]);
    let found = until(&project, &["driver", "list"], |one| one["failed"] == 1);
    let said = found["problem"].to_string();
    assert!(said.contains("a private network"), "{found}");
    let errors = project.json(&["events", "list", "--type", "error"]);
    let words = errors["items"][0]["data"]["said"].to_string();
    assert!(words.contains("a private network"), "{errors}");
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_who_waits_for_a_later_answer_hears_that_a_daemon_is_needed() {
    let (port, came) = receiver();
    let project = Project::new();
    let instruction = "type: instruction\nid: find\nplan:\n  \
        - {id: ask, emit: {type: customer.find, data: {name: Ada}}}\n";
    let documents = format!("{}---\n{instruction}", driver(port));
    let applied = project.naos_with(&["apply", "-f", "-"], documents.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let mut command = project::command(&project.path(""));
    let mut waits = command
        .env("NAOS_ALLOW_LOOPBACK_PORTS", port.to_string())
        .args(["instruction", "run", "find"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    next(&came).answer_with("202 Accepted", "", "");
    let mut lines = BufReader::new(waits.stderr.take().unwrap()).lines();
    let told = lines.find_map(|line| line.ok().filter(|line| line.contains("answers later")));
    waits.kill().unwrap();
    waits.wait().unwrap();
    let told = told.expect("it says what it waits for");
    for said in [
        "driver crm took the event",
        "only a running `naos up` hears",
    ] {
        assert!(told.contains(said), "{told}");
    }
}
