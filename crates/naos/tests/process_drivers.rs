//! Drivers that are built in, and those that say how they work with a model, as a person uses them.

mod project;

use project::Project;
use serde_json::{Value, json};

fn apply(project: &Project, text: &str) -> String {
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    applied.stderr
}

fn driver(project: &Project, called: &str) -> Value {
    let all = project.json(&["driver", "list"]);
    let mut items = all["items"].as_array().unwrap().iter();
    let found = items.find(|one| one["name"] == called);
    found.unwrap_or_else(|| panic!("{all}")).clone()
}

const BUILT_IN: &str = "\
driver: {id: reader, builtin: context.read, grants: {context_read: [Tasks/]}}
---
driver: {id: writer, builtin: context.write, grants: {context_write: [Tasks/]}}
---
driver: {id: people, builtin: notify, capabilities: [notification.urgent]}
";

#[test]
fn process_events_are_answered_by_what_is_built_in() {
    let project = Project::new();
    assert_eq!(apply(&project, BUILT_IN), "");
    let write = r#"{"path": "/Tasks/Active", "content": "two are open"}"#;
    project.json(&["events", "emit", "context.write", "--data", write]);
    let shown = project.naos(&["get", "document", "/Tasks/Active"]);
    assert!(shown.stdout.contains("two are open"), "{}", shown.stdout);
    let read = r#"{"path": "/Tasks/Active"}"#;
    project.json(&["events", "emit", "context.read", "--data", read]);
    let beyond = r#"{"path": "/Salaries/All"}"#;
    project.json(&["events", "emit", "context.read", "--data", beyond]);
    let found = driver(&project, "reader");
    assert_eq!(
        (&found["status"], &found["type"], &found["builtin"]),
        (&json!("ready"), &json!("tool"), &json!("context.read")),
        "{found}"
    );
    assert_eq!(
        (&found["answered"], &found["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(found["problem"]["code"], "N0233", "{found}");
    assert_eq!(found["agent"], Value::Null);
    let urgent = r#"{"title": "Storm", "message": "Stay in."}"#;
    project.json(&["events", "emit", "notification.urgent", "--data", urgent]);
    let inbox = project.json(&["inbox"]);
    let item = &inbox["items"][0];
    assert_eq!(
        (&item["what"], &item["title"]),
        (&json!("notification"), &json!("people")),
        "{inbox}"
    );
    assert!(
        item["text"].as_str().unwrap().contains("Stay in."),
        "{inbox}"
    );
    // It is switched off as all are.
    project.json(&["driver", "disable", "reader"]);
    assert_eq!(driver(&project, "reader")["status"], "disabled");
    project.json(&["events", "emit", "context.read", "--data", read]);
    assert_eq!(driver(&project, "reader")["answered"], 1);
    // What it would do isn't done without it.
    project.json(&["driver", "disable", "people"]);
    let warns = "instruction: {name: i, trigger: {manual: true}, plan: [{id: warn, emit: \
                 {type: notification.urgent, data: {title: Storm, message: Stay in.}}}]}";
    let said = apply(&project, warns);
    assert!(said.contains("naos driver enable people"), "{said}");
    let refused = project.naos(&["instruction", "run", "i"]);
    assert_eq!(refused.exit, 1, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("driver people") && refused.stderr.contains("switched off"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("naos driver enable people")
            && !refused.stderr.contains("create what it names"),
        "{}",
        refused.stderr
    );
    let daily = "type: schedule\nname: daily\nevery: 1d\ninstruction: i\n";
    apply(&project, daily);
    let waits = project.naos(&["schedule", "list"]).stdout;
    assert!(
        waits.contains("is switched off") && !waits.contains("not there yet"),
        "{waits}"
    );
    // What is published for it is kept for it.
    let storm = ["events", "emit", "notification.urgent", "--data", urgent];
    let said = project.naos(&storm);
    assert!(
        said.stderr.contains("naos driver enable people"),
        "{}",
        said.stderr
    );
    let event = said.stdout.trim();
    let shown = project.naos(&["events", "dead", "show", event]).stdout;
    assert!(
        shown.contains("next       naos driver enable people"),
        "{shown}"
    );
    let all = project.naos(&["events", "dead", "replay", "--all"]);
    let said = "0 given again, 3 stay put aside.";
    assert!(all.stdout.contains(said), "{}", all.stdout);
    assert_eq!(all.exit, 1, "what stays is a failure");
    assert!(all.stderr.contains("stays"), "{}", all.stderr);
    project.json(&["driver", "enable", "people"]);
    let again = project.naos(&["events", "dead", "replay", event]);
    assert!(again.stdout.contains("1 given again"), "{}", again.stderr);
    assert_eq!(driver(&project, "people")["answered"], 2);
    let done = project.naos(&["instruction", "run", "i"]);
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let list = project.naos(&["driver", "list"]).stdout;
    assert!(list.contains("built in: notify"), "{list}");
}

#[test]
fn process_what_was_put_aside_is_given_again_in_its_order() {
    let project = Project::new();
    let writer = "driver: {id: writer, builtin: context.write, concurrency: 1, \
                  grants: {context_write: [Tasks/]}}";
    apply(&project, writer);
    project.json(&["driver", "disable", "writer"]);
    for content in ["v1", "v2", "v3", "v4"] {
        let write = json!({"path": "/Tasks/Active", "content": content}).to_string();
        project.json(&["events", "emit", "context.write", "--data", &write]);
    }
    let asked = project.naos(&["events", "dead", "replay"]);
    assert_eq!(asked.exit, 2, "{}", asked.stdout);
    assert!(asked.stderr.contains("--all"), "{}", asked.stderr);
    project.json(&["driver", "enable", "writer"]);
    let given = project.json(&["events", "dead", "replay", "--all"]);
    assert_eq!((&given["done"], &given["kept"]), (&json!(4), &json!(0)));
    let shown = project.naos(&["get", "document", "/Tasks/Active"]);
    assert!(shown.stdout.contains("v4"), "{}", shown.stdout);
}

#[test]
fn process_a_driver_says_how_its_agent_works() {
    let project = Project::new();
    let assistant = "driver:\n  id: assistant\n  type: agent\n  model: any\n  \
                     tools: [context_read, email_send]\n  system_prompt: Help.\n  \
                     grants: {context_read: [Mail/]}\n  capabilities: [email.process]\n";
    let said = apply(&project, assistant);
    assert!(said.contains("there is no tool email_send"), "{said}");
    let agent = project.json(&["get", "agent", "assistant"]);
    assert_eq!(agent["mind"]["prompt"], "Help.", "{agent}");
    let costs = project.json(&["cost", "status", "assistant"]);
    assert_eq!(costs["budgets"][0]["limit_micros"], 1_000_000, "{costs}");
    let found = driver(&project, "assistant");
    assert_eq!(
        (&found["status"], &found["type"]),
        (&json!("ready"), &json!("agent"))
    );
}

#[test]
fn process_what_a_driver_failed_at_is_given_again() {
    let project = Project::new();
    let reader = "driver: {id: reader, builtin: context.read, grants: {context_read: [Mail/]}}";
    apply(&project, reader);
    let read = r#"{"path": "/Tasks/Active"}"#;
    let sent = project.json(&["events", "emit", "context.read", "--data", read]);
    let event = sent["event"].as_str().unwrap();
    let dead = project.naos(&["events", "dead", "list", "--consumer", "driver-reader"]);
    assert!(dead.stdout.contains(event), "{}", dead.stdout);
    let shown = project.naos(&["events", "dead", "show", event]).stdout;
    for said in [
        "the driver can't do what the event asks for",
        "failed     naos get run run_",
        "/Tasks/Active",
        "next       naos events dead replay",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let consumers = project.json(&["events", "consumers"]);
    let own = &consumers["items"][0];
    assert_eq!((&own["done"], &own["dead"]), (&json!(0), &json!(1)));
    let told = project.json(&["events", "list", "--type", "error"]);
    assert_eq!(told["items"][0]["data"]["event"], event, "{told}");
    // It fails again, and is put aside again, until it is mended.
    let again = project.json(&["events", "dead", "replay", event]);
    assert_eq!(again["done"], 1, "{again}");
    assert_eq!(project.json(&["status"])["dead_letters"]["count"], 1);
    apply(&project, &reader.replace("Mail/", "Tasks/"));
    let all = [
        "events",
        "dead",
        "replay",
        "--all",
        "--consumer",
        "driver-reader",
    ];
    assert_eq!(project.json(&all)["done"], 1);
    assert_eq!(project.json(&["status"])["dead_letters"]["count"], 0);
    let found = driver(&project, "reader");
    assert_eq!(
        (&found["answered"], &found["failed"]),
        (&json!(1), &json!(2)),
        "{found}"
    );
}
