//! Events as they are typed, and as the guide says it.

mod project;

use project::Project;
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../../docs/events.md");
const EVENT: &str = include_str!("../../manifest/tests/fixtures/event-email-received.json");

/// The blocks of the guide that begin with these ticks.
fn blocks(kind: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut within = false;
    for line in GUIDE.lines() {
        if let Some(word) = line.strip_prefix("```") {
            within = !within && word == kind;
            if within {
                out.push(String::new());
            }
        } else if within && let Some(block) = out.last_mut() {
            block.push_str(line);
            block.push('\n');
        }
    }
    out
}

/// The words of a command, as a shell takes them.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        out.push(word);
    }
    out
}

#[test]
fn process_the_guide_is_true() {
    let project = Project::new();
    let documents = blocks("yaml");
    assert!(documents.len() >= 3);
    for (at, text) in documents.iter().enumerate() {
        let path = project.path(&format!("guide-{at}.yaml"));
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        project.json(&["apply", "-f", &path, "--strict"]);
    }
    std::fs::write(project.path("event.json"), EVENT).unwrap();
    project.json(&["events", "unsubscribe", "mailer"]); // the guide makes it by a command, too
    let mut typed = 0;
    for line in blocks("").iter().flat_map(|block| block.lines()) {
        let Some(line) = line.strip_prefix("naos ") else {
            continue;
        };
        if line.contains("EVENT") {
            continue; // stands for an id
        }
        let all = words(line);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let ended = project.naos(&all);
        // places in the journal that are made up are nobody's
        let made_up = line.starts_with("events ack") || line.starts_with("events nack");
        let allowed = ended.exit == 0 || (made_up && ended.exit == 1);
        assert!(allowed, "naos {line}: {}\n{}", ended.exit, ended.stderr);
        typed += 1;
    }
    assert!(typed >= 12, "{typed} commands stand in the guide");
    let runs = project.json(&["plan", "list"]);
    let answered = runs["items"].as_array().unwrap().iter();
    let answered: Vec<&Value> = answered.filter(|run| run["name"] == "answer").collect();
    assert_eq!(answered.len(), 1, "{runs}");
    assert_eq!(
        answered[0]["output"],
        "Dear ana, thank you for email.received."
    );
    let made = project.json(&["events", "list", "--type", "email.urgent"]);
    assert_eq!(made["items"].as_array().unwrap().len(), 1, "{made}");
    assert_eq!(made["items"][0]["data"]["from"], "ana", "{made}");
    let listed = project.naos(&["events", "consumers"]).stdout;
    assert!(
        listed.contains("emit email.urgent, email.counted"),
        "{listed}"
    );
}

#[test]
fn process_events_are_taken_and_put_aside() {
    let project = Project::new();
    project.json(&[
        "events",
        "subscribe",
        "mailer",
        "--type",
        "email.*",
        "--attempts",
        "1",
    ]);
    let sent = project.json(&["events", "emit", "email.received", "--data", "{\"n\": 1}"]);
    project.json(&["events", "emit", "weather.data", "--source", "/sensors/1"]);
    let pulled = project.json(&["events", "pull", "mailer", "--max", "5"]);
    let place = pulled["events"][0]["sequence"].as_str().unwrap().to_owned();
    assert_eq!(pulled["events"][0]["data"], json!({"n": 1}));
    for delay in ["86401", "-1", "1e300"] {
        let refused = project.naos(&["events", "nack", "mailer", &place, "--delay", delay]);
        assert_eq!(refused.exit, 2, "{delay}: {}", refused.stderr);
        let most = "a day at the most";
        assert!(refused.stderr.contains(most), "{delay}: {}", refused.stderr);
    }
    let refused = project.naos(&["events", "nack", "mailer", &place, "--delay", "inf"]);
    assert_eq!(refused.exit, 2, "{}", refused.stderr);
    let longest = ["events", "nack", "mailer", &place, "--delay", "86400"];
    let back = project.json(&longest);
    assert_eq!(back["returned"], 1);
    let dead = project.json(&["events", "dead", "list"]);
    assert_eq!(dead["items"][0]["event"], sent["event"]);
    let why = &dead["items"][0]["problem"]["note"];
    assert_eq!(why, "mailer was given it once", "{dead}");
    let event = sent["event"].as_str().unwrap();
    let behind = format!("mailer/{event}");
    let list = ["events", "dead", "list", "--limit", "1"];
    assert_eq!(project.json(&list)["items"][0]["event"], sent["event"]);
    let rest = project.json(&[&list[..], &["--before", behind.as_str()]].concat());
    assert_eq!(rest["items"], json!([]), "it is behind nothing");
    assert_eq!(dead["items"][0]["seq"].to_string(), place, "{dead}");
    for words in [
        &["events", "dead", "drop", "--all", "--consumer", "nope"][..],
        &["events", "dead", "replay", "--all", "--consumer", "nope"],
        &["events", "dead", "list", "--consumer", "nope"],
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, 1, "{words:?}: {}", ended.stdout);
        for said in ["N0121", "there is no consumer nope", "there are: mailer"] {
            assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
        }
    }
    let empty = project.naos(&["events", "dead", "drop", "--all", "--consumer", ""]);
    assert!(
        empty.exit == 2 && empty.stderr.contains("N0101"),
        "{}",
        empty.stderr
    );
    let doctor = project.naos(&["doctor"]);
    let advice = "naos events dead list --consumer mailer";
    assert!(doctor.stdout.contains(advice), "{}", doctor.stdout);
    let status = project.naos(&["status"]);
    let counted = "Dead letters: 1 event was put aside, 1 of mailer (naos events dead list)";
    assert!(status.stdout.contains(counted), "{}", status.stdout);
    let shown = project.json(&["events", "dead", "show", event]);
    assert_eq!(shown["cloudevent"]["data"], json!({"n": 1}));
    let told = project.naos(&["events", "dead", "show", event]);
    let next = format!("naos events dead replay {event} --consumer mailer");
    for line in ["put aside for mailer", "why ", "\"n\": 1", next.as_str()] {
        assert!(told.stdout.contains(line), "{}", told.stdout);
    }
    assert_eq!(
        project.json(&["events", "dead", "replay", "--all"])["done"],
        1
    );
    let again = project.json(&["events", "pull", "mailer", "--ack"]);
    assert_eq!(again["events"][0]["sequence"], place.as_str());
    assert_eq!(project.json(&["events", "dead"])["items"], json!([]));
    let none = ["events", "dead", "drop", "--all", "--consumer", "mailer"];
    assert_eq!(
        project.json(&none)["done"],
        0,
        "nothing is there of one that is"
    );
    assert_eq!(project.json(&["status"])["dead_letters"]["count"], 0);
    let consumers = project.json(&["events", "consumers"]);
    assert_eq!(consumers["items"][0]["done"], 1);
    let orphans = project.json(&["events", "list", "--orphans"]);
    assert_eq!(orphans["items"][0]["source"], "/sensors/1");
    let tail = project.naos(&["events", "tail", "--after", "0", "--type", "*.received"]);
    assert_eq!(tail.exit, 0, "{}", tail.stderr);
    assert!(
        tail.stdout.contains("email.received {\"n\":1}"),
        "{}",
        tail.stdout
    );
    for (words, exit, said) in [
        (&["events", "emit", "no good"][..], 2, "N0102"),
        (&["events", "emit", "a.b", "--data", "{"], 2, "no JSON"),
        (&["events", "subscribe", "mailer"], 1, "N0130"),
        (&["events", "subscribe", "x", "--type", "a b"], 2, "N0105"),
        (&["events", "pull", "nobody"], 1, "N0121"),
        (&["events", "dead", "show", "evt_1"], 1, "N0121"),
        (&["plan", "signal", "plan_1", "go"], 1, "N0121"),
        (
            &["plan", "signal", "plan_1", "go", "--data", "notjson"],
            2,
            "quote a text",
        ),
    ] {
        let ended = project.naos(words);
        assert_eq!(ended.exit, exit, "naos {words:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(said),
            "naos {words:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn process_a_consumer_goes_on_after_a_kill() {
    let project = Project::new();
    let mut up = project.up();
    project.json(&["events", "subscribe", "mailer", "--type", "email.*"]);
    for n in ["1", "2", "3"] {
        project.json(&["events", "emit", "email.received", "--data", n]);
    }
    let first = project.json(&["events", "pull", "mailer", "--ack"]);
    assert_eq!(first["events"][0]["data"], 1);
    up.kill();
    let mut up = project.up();
    let rest = project.json(&["events", "pull", "mailer", "--max", "9", "--ack"]);
    let datas: Vec<&Value> = rest["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["data"])
        .collect();
    assert_eq!(datas, [&json!(2), &json!(3)]);
    up.kill();
    let none = project.json(&["events", "pull", "mailer", "--max", "9"]);
    assert_eq!(none["events"], json!([]));
}

#[test]
fn process_a_whole_event_comes_from_a_file() {
    let project = Project::new();
    std::fs::write(project.path("event.json"), EVENT).unwrap();
    let told = project.json(&["events", "emit", "@event.json", "--correlation", "c-1"]);
    let shown = project.json(&["events", "show", told["event"].as_str().unwrap()]);
    let data = json!({"from": "client@example.com", "subject": "Project Update", "body": "..."});
    for (name, value) in [
        ("type", json!("email.received")),
        ("id", json!("evt_123")),
        ("source", json!("email_driver")),
        ("time", json!("2025-06-15T12:00:00Z")),
        ("userid", json!("user_456")),
        ("correlationid", json!("c-1")),
        ("data", data),
    ] {
        assert_eq!(shown[name], value, "{name} of {shown}");
    }
    let again = project.json(&["events", "emit", "@event.json"]);
    assert_eq!(again["event"], told["event"], "the same source and id");
    std::fs::write(project.path("list.json"), "[1]").unwrap();
    let refused = project.naos(&["events", "emit", "@list.json"]);
    assert_eq!(refused.exit, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("an event is a JSON object"),
        "{}",
        refused.stderr
    );
}

#[test]
fn process_erased_data_of_events_is_said_to_be_erased() {
    let project = Project::new();
    let data = "{\"name\":\"Ann\"}";
    let sent = project.json(&["events", "emit", "client.said", "--data", data]);
    for text in [data, "Nobody said anything."] {
        let words = ["document", "put", "-", "notes/ann.md"];
        let put = project.naos_with(&words, text.as_bytes());
        assert_eq!(put.exit, 0, "{}", put.stderr);
    }
    let words = ["document", "erase", "notes/ann.md", "--everywhere", "--yes"];
    let erased = project.naos(&words);
    assert_eq!(erased.exit, 0, "{}", erased.stderr);
    let tail = ["events", "tail", "--type", "client.said"];
    let told = project.naos(&tail).stdout;
    assert!(told.contains(" client.said [erased]"), "{told}");
    let one = project.json(&["events", "show", sent["event"].as_str().unwrap()]);
    assert_eq!(
        (&one["data"], &one["dataerased"]),
        (&Value::Null, &json!(true)),
        "{one}"
    );
}

/// What stands further back than one answer looks is found all the same.
#[test]
fn process_what_stands_far_back_is_listed() {
    let project = Project::new();
    let far = ["events", "emit", "ew.x", "--correlation", "conv-9"];
    project.json(&far);
    let daemon = project.up();
    let one = |batch: u32, at: u32| {
        json!({
            "specversion": "1.0", "id": format!("{batch}-{at}"), "source": "/s",
            "type": "other.thing",
        })
    };
    for batch in 0..BATCHES {
        let all: Vec<Value> = (0..1_000).map(|at| one(batch, at)).collect();
        published(&daemon, &Value::Array(all).to_string());
    }
    for words in [
        &["events", "list", "--type", "ew.x"][..],
        &["events", "list", "--correlation", "conv-9"],
    ] {
        let listed = project.json(words);
        assert_eq!(listed["items"][0]["type"], "ew.x", "{words:?}: {listed}");
        assert_eq!(listed["next"], Value::Null, "{words:?}: {listed}");
    }
    let tail = project.naos(&["events", "tail", "--type", "ew.x", "--tail", "5"]);
    assert!(tail.stdout.contains(" ew.x"), "{}", tail.stdout);
    let first = project.json(&["audit", "--action", "user.added", "--last", "1"]);
    assert_eq!(first["items"][0]["action"], "user.added", "{first}");
    let none = project.naos(&["events", "list", "--type", "nosuch"]);
    assert!(
        none.stdout.contains("There are no such events."),
        "{}",
        none.stdout
    );
}

/// A thousand events each: more than one answer looks at.
const BATCHES: u32 = 51;

/// Publishes a batch as the owner.
fn published(daemon: &project::Daemon, batch: &str) {
    use std::io::{Read, Write};
    let host = daemon.said["url"].as_str().unwrap();
    let host = host.strip_prefix("http://").unwrap();
    let text = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\
         content-type: application/cloudevents-batch+json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{batch}",
        daemon.token(),
        batch.len(),
    );
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}
