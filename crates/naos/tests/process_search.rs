//! Searching documents: an agent finds what it may read, also what only the disk knows any more and
//! what came with its task; people and other programs find it by the same rules.

mod project;

use std::time::Duration;

use project::office::{Office, call, put, say};
use serde_json::json;

/// How long the agent may take for its task.
const WORK_MAX: Duration = Duration::from_secs(60);

const AGENT: &str = "agents:
  clerk:
    prompt: You look things up.
    model: any
    tools: [context_search, context_write, say]
    grants:
      context_read: [\"office/**\"]
      context_write: [\"office/**\"]
    budget: 1 USD
";

#[test]
fn process_an_agent_and_people_find_what_documents_say() {
    let script = [
        call(&[
            (
                "context_search",
                json!({"query": "what is the retainer of Riake"}),
            ),
            ("context_search", json!({"query": "salary"})),
        ]),
        say("It is 400 a month."),
        call(&[("context_search", json!({"query": "deadline"}))]),
        say("It is Friday."),
    ];
    let office = Office::new(&script.concat());
    office.connect();
    let project = &office.project;
    std::fs::write(project.path("clerk.yaml"), AGENT).unwrap();
    let applied = project.naos(&["apply", "-f", "clerk.yaml"]);
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    put(
        &office,
        "office/clients/riake.md",
        "# Riake\n\nThe retainer is 400 EUR a month.\n",
    );
    put(&office, "people/pay.md", "Her salary is 900 EUR.\n");
    put(&office, "letters/brief.md", "The deadline is Friday.\n");

    let done = project.json(&["run", "clerk", "--input", "What does Riake pay?"]);
    assert_eq!(done["status"], "completed", "{done}");
    let asked = office.server.seen().pop().unwrap().body.to_string();
    for said in [
        "office/clients/riake.md",
        "400 EUR",
        "<from-outside>",
        "Nothing fits",
    ] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    assert!(!asked.contains("900 EUR"), "{asked}");
    let again = project.json(&["replay", done["run"].as_str().unwrap()]);
    assert_eq!(again["same"], true, "{again:#}");

    // What comes with a task was given to whoever does it.
    let made = project.json(&[
        "task",
        "create",
        "When is it due?",
        "--to",
        "clerk",
        "--attach",
        "letters/brief.md",
    ]);
    let task = made["task"].as_str().unwrap();
    let began = naos_engine::clock::tick();
    while project.json(&["task", "show", task])["status"] != "done" {
        assert!(began.elapsed() < WORK_MAX, "not done: {task}");
    }
    let asked = office.server.seen().pop().unwrap().body.to_string();
    assert!(asked.contains("The deadline is Friday."), "{asked}");
    assert!(asked.contains("1 of 1 that fit"), "{asked}");

    let found = project.json(&["document", "search", "retainer", "--prefix", "office/"]);
    let first = &found["items"][0];
    for (key, want) in [
        ("document", json!("office/clients/riake.md")),
        ("heading", json!("Riake")),
        ("line", json!(3)),
        ("version", json!(1)),
    ] {
        assert_eq!(first[key], want, "{key}: {found:#}");
    }
    let shown = project.naos(&["document", "search", "her", "salary"]);
    assert!(shown.stdout.contains("people/pay.md:1"), "{}", shown.stdout);
    let none = project.naos(&["document", "search", "elephants", "--prefix", "office/"]);
    assert!(
        none.stdout
            .contains("Nothing fits: 1 passages of 1 documents"),
        "{}",
        none.stdout
    );
    for (words, said) in [
        (vec!["document", "search", " "], "says nothing"),
        (vec!["document", "search", "x", "--limit", "21"], "1..=20"),
        (vec!["document", "search"], "QUERY"),
    ] {
        let failed = project.naos(&words);
        assert!(
            failed.exit != 0 && failed.stderr.contains(said),
            "{words:?}: {}",
            failed.stderr
        );
    }
}
