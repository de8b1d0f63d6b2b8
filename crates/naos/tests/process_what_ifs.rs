//! What-ifs through the command: what would have been with another model, and what it costs.

mod project;

use project::office::Office;
use project::receiver::receiver;
use serde_json::Value;

const SCRIPT: &str = concat!(
    r#"{"call": [{"name": "context_write", "arguments": "#,
    r#"{"path": "notes/a.md", "text": "due on Friday"}},"#,
    r#"{"name": "calculate", "arguments": {"expression": "40 + 2"}}]}"#,
    "\n",
    r#"{"say": "42 is due.\nOn Friday."}"#,
);
/// What another model says of it.
const OTHER: &str = r#"{"say": "42 is due.\nOn Monday."}"#;

/// An office whose clerk works with the script, and what each model of it is.
fn office(script: &str, ports: &str, more: &str) -> Office {
    let script = naos_modelserver::Step::parse_all(script).unwrap();
    let office = Office::beside(script, ports, &[]);
    let mut text = String::new();
    for (name, model, price) in [
        ("scripted", "scripted", 10),
        ("cheap", "scripted", 1),
        ("quiet", "silent", 1),
    ] {
        let url = office.server.url("/v1");
        text += &format!(
            "type: model\nname: {name}\nprovider: openai-compatible\nendpoint: {url}\n\
             model: {model}\nkey: env:NAOS_MODEL_TEST\n\
             cost_per_1m_tokens: {{input: {price}, output: {price}}}\n---\n"
        );
    }
    text += "type: agent\nname: clerk\nmodel: scripted\nprompt: You help an office.\n\
             tools: [context_write, context_read, calculate, http, ask, emit]\n";
    text += more;
    let applied = office
        .project
        .naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    office
}

const GRANTS: &str = "grants: {context_write: [notes/**], ask: true, emit: ['note.*']}\n";

fn ran(office: &Office) -> Value {
    let done = office
        .project
        .json(&["run", "clerk", "--input", "What is due?"]);
    assert_eq!(done["status"], "completed", "{done}");
    done
}

fn id(run: &Value) -> &str {
    run["run"].as_str().unwrap()
}

fn until(mut there: impl FnMut() -> bool) {
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(60);
    while !there() {
        assert!(naos_engine::clock::tick() < end, "it never comes");
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}

#[test]
fn process_a_what_if_asks_from_its_turn_on_and_pays_for_that_alone() {
    let office = office(&format!("{SCRIPT}\n{OTHER}\n{OTHER}"), "", GRANTS);
    let of = ran(&office);
    let project = &office.project;
    assert_eq!(office.server.count(), 2);
    let tasks = project.json(&["get", "tasks"]);
    let words = ["replay", id(&of), "--from", "2", "--with", "model=cheap"];
    let said = project.naos(&words);
    assert_eq!(said.exit, 0, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout
            .starts_with("  42 is due.\n- On Friday.\n+ On Monday.\n"),
        "{}",
        said.stdout
    );
    assert_eq!(
        office.server.count(),
        3,
        "the turn before isn't asked again"
    );
    let seen = office.server.seen().pop().unwrap().body.to_string();
    for told in ["You help an office.", "notes/a.md has version 1 now", "42"] {
        assert!(seen.contains(told), "{told}: {seen}");
    }
    let found = project.json(&words);
    assert_eq!(found["of"], of["run"]);
    let (one, other) = (&found["original"], &found["what_if"]);
    assert_eq!(one["cost_micros"], of["cost_micros"]);
    let cost = |side: &Value| side["cost_micros"].as_u64().unwrap();
    assert!(cost(other) > 0 && cost(other) * 5 < cost(one), "{found:#}");
    assert_eq!((&one["turns"], &other["turns"]), (&2.into(), &2.into()));
    assert_eq!(found["own_turns"], 1);
    // The money is counted, and the run is one of those that there are.
    let shown = project.json(&["get", "run", other["run"].as_str().unwrap()]);
    assert_eq!(shown["what_if"]["of"], of["run"], "{shown:#}");
    assert_eq!(shown["cost_micros"], other["cost_micros"]);
    let again = project.naos(&["replay", other["run"].as_str().unwrap()]);
    assert_eq!(again.exit, 0, "{}{}", again.stdout, again.stderr);
    assert_eq!(project.json(&["get", "tasks"])["items"], tasks["items"]);
    let audit = project.naos(&["audit", "--last", "100"]);
    assert!(audit.stdout.contains("from turn 2"), "{}", audit.stdout);
    assert_eq!(project.naos(&["audit", "verify"]).exit, 0);
}

#[test]
fn process_nothing_of_a_what_if_reaches_anybody() {
    let (port, outside) = receiver();
    let script = format!(
        "{SCRIPT}\n{{\"call\": [\
         {{\"name\": \"context_write\", \"arguments\": \
         {{\"text\": \"due on Friday\", \"path\": \"notes/a.md\"}}}},\
         {{\"name\": \"context_write\", \"arguments\": \
         {{\"path\": \"notes/b.md\", \"text\": \"x\"}}}},\
         {{\"name\": \"emit\", \"arguments\": {{\"type\": \"note.made\", \"data\": {{}}}}}},\
         {{\"name\": \"ask\", \"arguments\": {{\"question\": \"May I?\"}}}},\
         {{\"name\": \"http\", \"arguments\": \
         {{\"url\": \"http://127.0.0.1:{port}/a\", \"body\": \"x\"}}}},\
         {{\"name\": \"http\", \"arguments\": \
         {{\"url\": \"http://127.0.0.1:{port}/rate\"}}}}]}}\n\
         {{\"say\": \"Nothing is due.\"}}"
    );
    let grants = format!(
        "grants: {{context_write: [notes/**], ask: true, emit: ['note.*'], \
         http: [\"127.0.0.1:{port}\"]}}\n"
    );
    let office = office(&script, &port.to_string(), &grants);
    let of = ran(&office);
    let project = &office.project;
    let before = project.json(&["get", "documents"]);
    let answers = std::thread::spawn(move || {
        let came = outside.recv().unwrap();
        assert!(came.raw.is_empty(), "it only looks");
        came.answer_with("200 OK", "content-type: text/plain\r\n", "4600 ariary");
        outside
    });
    let words = [
        "replay",
        id(&of),
        "--from",
        "1",
        "--with",
        "prompt=You doubt.",
    ];
    let found = project.json(&words);
    assert_eq!(found["what_if"]["output"], "Nothing is due.", "{found:#}");
    let outside = answers.join().unwrap();
    assert!(outside.try_recv().is_err(), "it acted outside");
    let told = office.server.seen().pop().unwrap().body.to_string();
    assert!(told.contains("You doubt.") && !told.contains("You help an office."));
    assert_eq!(told.matches("this is a what-if").count(), 4, "{told}");
    assert!(told.contains("notes/a.md has version 1 now"), "{told}");
    assert!(told.contains("4600 ariary"), "{told}");
    assert_eq!(
        project.json(&["get", "documents"])["items"],
        before["items"]
    );
    let approvals = project.json(&["get", "approvals"]);
    assert_eq!(
        approvals["items"].as_array().map(Vec::len),
        Some(0),
        "{approvals}"
    );
    let audit = project.naos(&["audit", "--last", "200"]).stdout;
    assert!(!audit.contains("event.published"), "{audit}");
}

#[test]
fn process_a_what_if_goes_on_after_a_kill() {
    let mut office = office(SCRIPT, "", GRANTS);
    let of = ran(&office);
    let words = [
        "replay",
        id(&of),
        "--from",
        "2",
        "--with",
        "model=quiet",
        "--no-wait",
    ];
    let begun = office.project.json(&words);
    let run = begun["run"].as_str().unwrap().to_owned();
    until(|| office.server.count() == 3);
    office.daemon.kill();
    let port = office.server.port().to_string();
    office.daemon = office.project.up_with(&[
        ("NAOS_ALLOW_LOOPBACK_PORTS", &port),
        ("NAOS_MODEL_TEST", project::office::KEY),
    ]);
    // It is asked again from its turn on: the answer that was cut off, and no other.
    until(|| office.server.count() == 4);
    let seen = office.server.seen();
    let (first, again) = (&seen[2].body["messages"], &seen[3].body["messages"]);
    assert_eq!(first, again);
    assert!(again.to_string().contains("notes/a.md has version 1 now"));
    let cancelled = office.project.naos(&["run", "cancel", &run]);
    assert_eq!(cancelled.exit, 0, "{}", cancelled.stderr);
    let shown = office.project.json(&["get", "run", &run]);
    assert_eq!(shown["status"], "cancelled", "{shown:#}");
    assert_eq!(shown["what_if"]["from"], 2);
    let original = office.project.json(&["get", "run", id(&of)]);
    assert_eq!(original["status"], "completed");
    assert_eq!(original["what_ifs"][0], run.as_str());
}

#[test]
fn process_what_can_be_no_what_if_is_said_once_and_clearly() {
    let office = office(SCRIPT, "", GRANTS);
    let of = ran(&office);
    let asked = office.server.count();
    let made = office
        .project
        .naos(&["create", "echo", "--template", "echo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let plain = office.project.json(&["run", "echo", "--input", "x"]);
    let missing = "run_00000000000000000000000000";
    for (run, from, with, exit, said) in [
        (missing, "1", "model=cheap", 1, "there is no run"),
        (id(&plain), "1", "model=cheap", 1, "no turns"),
        (id(&of), "3", "model=cheap", 1, "the run has 2"),
        (id(&of), "0", "model=cheap", 1, "the run has 2"),
        (id(&of), "2", "model=nobody", 3, "there is no model nobody"),
        (id(&of), "2", "prompt=", 2, "says nothing"),
        (id(&of), "2", "voice=low", 2, "model=NAME"),
        (id(&of), "two", "model=cheap", 2, "two"),
    ] {
        let words = ["replay", run, "--from", from, "--with", with];
        let ended = office.project.naos(&words);
        assert_eq!(ended.exit, exit, "{with}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(said), "{with}: {}", ended.stderr);
    }
    for words in [
        &["replay", id(&of), "--from", "2"][..],
        &["replay", id(&of), "--with", "model=cheap"],
        &[
            "replay",
            id(&of),
            "--from",
            "1",
            "--with",
            "model=a",
            "--with",
            "model=b",
        ],
    ] {
        let ended = office.project.naos(words);
        assert_eq!(ended.exit, 2, "{words:?}: {}", ended.stderr);
    }
    let long = office.project.path("long.md");
    std::fs::write(&long, "x".repeat(64 * 1_024 + 1)).unwrap();
    let with = format!("prompt=@{}", long.display());
    let words = ["replay", id(&of), "--from", "2", "--with", &with];
    let ended = office.project.naos(&words);
    assert_eq!(ended.exit, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("at most"), "{}", ended.stderr);
    assert_eq!(office.server.count(), asked, "nobody was asked");
}
