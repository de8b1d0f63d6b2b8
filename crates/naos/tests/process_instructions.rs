//! Instructions of the seeds as they are written, with drivers of anybody's making.

mod project;

use std::time::Duration;

use project::Project;
use serde_json::{Value, json};

const STANDUP: &str = include_str!("../../manifest/tests/fixtures/instruction-daily-standup.yaml");
const SUMMARY: &str =
    include_str!("../../manifest/tests/fixtures/instruction-morning-email-summary.yaml");
const WEATHER: &str =
    include_str!("../../manifest/tests/fixtures/instruction-severe-weather-alert.json");
const GUIDE: &str = include_str!("../../../docs/instructions.md");
/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn apply(project: &Project, text: &str) {
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{text}\n{}", applied.stderr);
}

/// Blocks of the guide in one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let all = GUIDE.split(&fence).skip(1);
    all.filter_map(|rest| rest.split("```").next()).collect()
}

/// Agents that answer with what they are given stand for mail, calendar, research and chat.
fn drivers(project: &Project) {
    for (name, answers) in [
        ("mail", "[email.fetch, email.summarize]"),
        ("calendar", "[calendar.fetch]"),
        ("desk", "[research.request]"),
        ("chat", "[chat.message]"),
    ] {
        project.json(&["create", name, "--template", "echo", "--no-source"]);
        apply(
            project,
            &format!("driver: {{id: {name}, type: io, capabilities: {answers}}}"),
        );
    }
}

fn step<'v>(answer: &'v Value, name: &str) -> &'v Value {
    let steps = answer["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["name"] == name);
    found.unwrap_or_else(|| panic!("no step {name} in {answer}"))
}

/// What a driver was given: the event.
fn asked(answer: &Value, name: &str) -> Value {
    let output = &step(answer, name)["output"];
    match output {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    }
}

#[test]
fn process_the_standup_runs_as_it_is_written() {
    let project = Project::new();
    apply(&project, STANDUP);
    // Its last step uses an answer that nobody gives yet.
    let refused = project.naos(&["instruction", "run", "daily-standup"]);
    assert_eq!(refused.exit, 1, "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("a driver that answers research.request"),
        "{}",
        refused.stderr
    );
    drivers(&project);
    let answer = project.json(&["instruction", "run", "daily-standup"]);
    assert_eq!(answer["status"], "completed", "{answer}");
    let since = &asked(&answer, "fetch-emails")["data"]["filters"]["since"];
    let days = &asked(&answer, "fetch-calendar")["data"]["range"];
    let date = |day: &Value| day.as_str().is_some_and(|day| day.len() == 10);
    assert!(
        date(since) && date(&days["start"]) && date(&days["end"]),
        "{answer}"
    );
    assert!(since.as_str() < days["start"].as_str(), "{answer}");
    let said = &asked(&answer, "notify-team")["data"];
    assert_eq!(said["channel"], "standup");
    // The message is what the driver before it answered.
    assert_eq!(said["message"]["type"], "research.request", "{answer}");
    let schedules = project.json(&["get", "schedules"]);
    assert_eq!(schedules["items"][0]["name"], "daily-standup");
    // It is the instruction's, and is told so.
    let delete = project.naos(&["schedule", "delete", "daily-standup"]);
    assert_eq!(delete.exit, 1, "{}", delete.stdout);
    for said in [
        "N0121",
        "that of the instruction daily-standup",
        "naos delete instruction daily-standup",
    ] {
        assert!(delete.stderr.contains(said), "{}", delete.stderr);
    }
    assert_eq!(
        project.naos(&["schedule", "pause", "daily-standup"]).exit,
        0
    );
    project.json(&["delete", "instruction", "daily-standup"]);
    assert_eq!(project.json(&["get", "schedules"])["items"], json!([]));
    let delete = project.naos(&["schedule", "delete", "daily-standup"]);
    let said = "there is no schedule daily-standup";
    assert!(delete.stderr.contains(said), "{}", delete.stderr);
}

#[test]
fn process_short_steps_come_one_after_the_other() {
    let project = Project::new();
    apply(&project, SUMMARY);
    drivers(&project);
    let answer = project.json(&["instruction", "run", "morning-email-summary"]);
    assert_eq!(answer["status"], "completed", "{answer}");
    let names: Vec<&str> = answer["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["email-fetch", "email-summarize", "chat-message"]);
    // Each is asked with what the one before it answered.
    let fetched = asked(&answer, "email-fetch");
    let summed = asked(&answer, "email-summarize");
    assert_eq!(summed["data"], fetched, "{answer}");
    let said = &asked(&answer, "chat-message")["data"];
    assert_eq!(said["channel"], "personal", "{answer}");
    assert_eq!(said["message"], summed, "{answer}");
}

#[test]
fn process_a_severe_weather_alert_reaches_people() {
    let project = Project::new();
    apply(&project, WEATHER);
    apply(&project, "driver: {id: people, builtin: notify}");
    let mut daemon = project.up();
    let storm = r#"{"message": "Stay in.", "title": "Storm", "wind": 130}"#;
    let words = ["events", "emit", "weather.severe", "--data", storm];
    assert_eq!(project.naos(&words).exit, 0);
    let run = ended(&project, "severe-weather-alert");
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(
        step(&run, "notification-urgent")["output"],
        "Storm\n\nStay in."
    );
    let kept = project.naos(&["get", "document", "/Alerts/Weather"]);
    assert!(kept.stdout.contains("Stay in."), "{}", kept.stdout);
    let inbox = project.naos(&["inbox"]);
    assert!(inbox.stdout.contains("Storm"), "{}", inbox.stdout);
    assert_eq!(daemon.interrupt(), 0);
}

/// The run of an instruction or a plan, once it ended.
fn ended(project: &Project, called: &str) -> Value {
    let until = naos_engine::clock::tick() + PATIENCE;
    loop {
        let runs = project.json(&["get", "plan-runs"]);
        let items = runs["items"].as_array().unwrap();
        let found = items.iter().find(|run| run["name"] == called);
        if let Some(run) = found.filter(|run| run["status"] != "running") {
            return run.clone();
        }
        assert!(naos_engine::clock::tick() < until, "{runs}");
    }
}

#[test]
fn process_what_is_filled_in_writes_no_keys_of_its_own() {
    let project = Project::new();
    project.json(&["create", "payer", "--template", "echo", "--no-source"]);
    apply(
        &project,
        r#"
type: plan
name: payee
inputs: [{name: who, type: string}, {name: amount, type: integer, default: 1}]
steps: [{name: a, render: "pay {{ inputs.who }} {{ inputs.amount }}"}]
---
type: plan
name: by-step
inputs: [{name: s, type: string}, {name: n, type: integer, default: 7}]
steps:
  - {name: b, plan: payee, inputs: '{"who": "{{ inputs.s }}", "amount": {{ inputs.n }}}'}
---
type: plan
name: by-text
inputs: [{name: s, type: string}]
steps:
  - {name: a, render: '{"who": "{{ inputs.s }}"}'}
  - {name: b, plan: payee}
---
type: plan
name: by-event
inputs: [{name: s, type: string}]
steps:
  - {name: b, emit: {type: pay.it, data: '{"who": "{{ inputs.s }}", "n": 1}'}}
---
type: workflow
name: by-flow
steps:
  - {name: payer, input: {who: "{{ input }}"}}
"#,
    );
    for who in [
        r#"bob", "amount": "1000000"#,
        r#"a"b"#,
        r"a\b",
        "two\nlines",
    ] {
        let given = json!({"s": who}).to_string();
        for (plan, amount) in [("by-step", 7), ("by-text", 1)] {
            let run = project.json(&["plan", "start", plan, "--input", &given]);
            let said = format!("pay {who} {amount}");
            assert_eq!(step(&run, "b")["output"], json!(said), "{plan}: {run}");
        }
        let run = project.json(&["plan", "start", "by-event", "--input", &given]);
        let data = asked(&run, "b");
        assert_eq!(data, json!({"who": who, "n": 1}), "{run}");
        let run = project.json(&["workflow", "run", "by-flow", "--input", who]);
        assert_eq!(asked(&run, "payer"), json!({"who": who}), "{run}");
    }
}

#[test]
fn process_no_instruction_writes_who_an_agent_is() {
    let project = Project::new();
    apply(
        &project,
        "type: instruction\nname: soul\ntrigger: {event: soul.w}\n\
         inputs: [{name: p, type: string}]\nplan:\n  \
         - {id: w, emit: {type: context.write, path: '/{{ inputs.p }}', data: {content: evil}}}\n",
    );
    let words = [
        "instruction",
        "run",
        "soul",
        "--input",
        "p=agents/a/SOUL.md",
    ];
    let refused = project.naos(&words);
    assert_eq!(refused.exit, 1, "{}", refused.stdout);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    for part in ["only people write it", "/agents/a/SOUL.md", "N0141"] {
        assert!(said.contains(part), "{said}");
    }
    let there = project.naos(&["get", "document", "/agents/a/SOUL.md"]);
    assert_eq!(there.exit, 1, "{}", there.stdout);
    let literal = "type: plan\nname: p\nsteps:\n  \
                   - {name: a, document: {path: agents/a/SOUL.md, text: evil}}\n";
    let refused = project.naos_with(&["apply", "-f", "-"], literal.as_bytes());
    assert_eq!(refused.exit, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("only people write it"),
        "{}",
        refused.stderr
    );
}

#[test]
fn process_an_event_sets_an_instruction_off() {
    let project = Project::new();
    apply(&project, WEATHER);
    let mut daemon = project.up();
    let emitted = project.naos(&[
        "events",
        "emit",
        "weather.severe",
        "--data",
        r#"{"place": "Toamasina"}"#,
    ]);
    assert_eq!(emitted.exit, 0, "{}", emitted.stderr);
    let until = naos_engine::clock::tick() + PATIENCE;
    let kept = loop {
        let found = project.naos(&["get", "document", "/Alerts/Weather"]);
        if found.exit == 0 {
            break found.stdout;
        }
        assert!(naos_engine::clock::tick() < until, "{}", found.stderr);
    };
    assert!(kept.contains("Toamasina"), "{kept}");
    // Out of force, nothing sets it off.
    project.json(&["instruction", "disable", "severe-weather-alert"]);
    let consumers = project.json(&["events", "consumers"]);
    assert_eq!(consumers["items"].as_array().map(Vec::len), Some(0));
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_today_is_that_of_the_instructions_zone() {
    let project = Project::new();
    let days = |name: &str, zone: &str| {
        let text = json!({"type": "instruction", "name": name,
            "trigger": {"schedule": "0 9 * * *", "timezone": zone},
            "plan": [{"emit": {"type": "days.tell",
                "data": {"before": "yesterday", "day": "today", "after": "tomorrow"}}}]});
        apply(&project, &text.to_string());
        let shown = || {
            let now = naos_engine::clock::now();
            naos_manifest::calendar::days(zone, now).unwrap()
        };
        let before = shown();
        let answer = project.json(&["instruction", "run", name]);
        assert_eq!(answer["status"], "completed", "{answer}");
        let said = asked(&answer, "days-tell");
        let said = ["before", "day", "after"].map(|key| said[key].as_str().unwrap().to_owned());
        // Midnight may have come in between.
        assert!(said == before || said == shown(), "{name}: {said:?}");
        said
    };
    // Twenty-five hours lie between the first two: they never show the same day, so that one of
    // them at least never shows that of UTC.
    let east = days("east", "Pacific/Kiritimati");
    let west = days("west", "Pacific/Pago_Pago");
    assert!(east[1] > west[1], "{east:?} {west:?}");
    days("home", "Indian/Antananarivo");
}

#[test]
fn process_one_driver_answers_a_type() {
    let project = Project::new();
    project.json(&["create", "a", "--template", "echo", "--no-source"]);
    apply(&project, "driver: {id: a, capabilities: [x.get]}");
    let twice = project.naos_with(
        &["apply", "-f", "-"],
        b"driver: {id: b, agent: a, capabilities: [x.get, y.get]}",
    );
    assert_eq!(twice.exit, 1, "{}", twice.stderr);
    assert!(
        twice.stderr.contains("answered by driver a"),
        "{}",
        twice.stderr
    );
    project.json(&["driver", "disable", "a"]);
    apply(
        &project,
        "driver: {id: b, agent: a, capabilities: [x.get, y.get]}",
    );
    for (bad, named) in [
        (
            "driver: {id: c, capabilities: ['x.*']}",
            "no type of an event",
        ),
        (
            "type: subscription\nname: driver-c\non: x.get",
            "belong to the drivers",
        ),
        (
            "instruction: {name: i, trigger: {manual: true}, \
             plan: [{action: run_code, event: {type: a.b}}]}",
            "emits an event",
        ),
        (
            "instruction: {name: i, trigger: {manual: true}, \
             plan: [{emit: {type: a.b, data: {t: '{{ nobody.output }}'}}}]}",
            "nobody",
        ),
    ] {
        let refused = project.naos_with(&["apply", "-f", "-"], bad.as_bytes());
        assert_eq!(refused.exit, 2, "{bad}: {}", refused.stderr);
        assert!(refused.stderr.contains(named), "{bad}: {}", refused.stderr);
    }
}

#[test]
fn process_the_guide_of_instructions_is_true() {
    let project = Project::new();
    project.json(&["create", "weather", "--template", "echo", "--no-source"]);
    let documents = blocks("yaml");
    assert!(documents.len() >= 3, "{documents:?}");
    for document in documents {
        apply(&project, document);
    }
    let answer = project.json(&[
        "instruction",
        "run",
        "weather-note",
        "--input",
        "place=Toamasina",
    ]);
    assert_eq!(answer["status"], "completed", "{answer}");
    let note = project.naos(&["get", "document", "/Weather/Toamasina"]);
    assert!(
        note.stdout.contains("weather.get"),
        "{}{}",
        note.stdout,
        note.stderr
    );
}

#[test]
fn process_the_example_prepares_a_meeting() {
    const MEETING: &str = include_str!("../../../examples/instructions/meeting-preparation.yaml");
    let project = Project::new();
    apply(&project, MEETING);
    drivers(&project);
    project.json(&["create", "post", "--template", "echo", "--no-source"]);
    apply(
        &project,
        "driver: {id: post, type: io, capabilities: [email.send]}",
    );
    let notes = "We said \"later\" {{ and kept it }}";
    let text = serde_json::json!({
        "type": "instruction", "name": "Note", "trigger": {"manual": true},
        "inputs": [{"name": "path", "type": "string"}, {"name": "text", "type": "string"}],
        "plan": [{"emit": {"type": "context.write", "path": "{{ inputs.path }}",
            "data": "{{ inputs.text }}"}}],
    });
    apply(&project, &text.to_string());
    for (path, text) in [
        ("/Meetings/Q3 Planning", notes),
        ("/Tasks/Active", "- call Ann"),
    ] {
        let (path, text) = (format!("path={path}"), format!("text={text}"));
        let words = [
            "instruction",
            "run",
            "note",
            "--input",
            &path,
            "--input",
            &text,
        ];
        assert_eq!(project.json(&words)["status"], "completed");
    }
    let mut daemon = project.up();
    let event = r#"{"meeting_id": "mtg_123", "title": "Q3 Planning",
        "attendees": ["alice@example.com", "bob@example.com"], "time": "2026-06-15T14:00:00Z"}"#;
    let words = [
        "events",
        "emit",
        "calendar.meeting.upcoming",
        "--data",
        event,
    ];
    assert_eq!(project.naos(&words).exit, 0);
    let run = ended(&project, "meeting-preparation");
    assert_eq!(run["status"], "completed", "{run}");
    let sent = &asked(&run, "send")["data"];
    assert_eq!(
        sent["to"],
        serde_json::json!(["alice@example.com", "bob@example.com"])
    );
    assert_eq!(sent["subject"], "Agenda: Q3 Planning, 2026-06-15T14:00:00Z");
    // The agenda was asked for with everything that was found, letter by letter.
    let agenda = &asked(&run, "prepare-agenda")["data"];
    assert_eq!(agenda["notes"], notes, "{agenda}");
    assert_eq!(agenda["actions"], "- call Ann", "{agenda}");
    assert_eq!(daemon.interrupt(), 0);
}

#[test]
fn process_a_webhooks_secret_is_shown_once() {
    let project = Project::new();
    let text = "type: instruction\nname: on-payment\ntrigger: {webhook: true}\n\
                plan:\n  - emit: {type: payment.seen}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    let line = "on-payment: POST /hooks/main/on-payment, signed with whsec_";
    assert!(applied.stdout.contains(line), "{}", applied.stdout);
    let again = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert!(!again.stdout.contains("whsec_"), "{}", again.stdout);
    let shown = project.json(&["instruction", "webhook", "on-payment"]);
    assert_eq!(shown["address"], "/hooks/main/on-payment");
    assert!(shown.get("secret").is_none(), "{shown}");
    let fresh = project.json(&["instruction", "webhook", "on-payment", "--rotate"]);
    assert!(fresh["secret"].as_str().unwrap().starts_with("whsec_"));
    let list = project.naos(&["instruction", "list"]);
    assert!(list.stdout.contains("by webhook"), "{}", list.stdout);
    let none = project.naos(&["instruction", "webhook", "nothing"]);
    assert_eq!(none.exit, 1, "{}", none.stderr);
}

#[test]
fn process_a_run_is_paused_and_goes_on_without_a_step() {
    let project = Project::new();
    let text = "type: plan\nname: ask\nsteps:\n  - {name: sign, approval: {title: Send it, \
                body: x}}\n  - {name: end, render: done}\n";
    apply(&project, text);
    let started = project.naos(&["plan", "start", "ask", "--no-wait", "--json"]);
    let started: Value = serde_json::from_str(&started.stdout).unwrap();
    let run = started["run"].as_str().unwrap();
    let paused = project.json(&["plan", "pause", run]);
    assert!(paused["paused"].is_string(), "{paused}");
    let shown = project.naos(&["plan", "status", run]);
    assert!(shown.stderr.contains("It is paused"), "{}", shown.stderr);
    assert!(shown.stderr.contains("held, paused"), "{}", shown.stderr);
    let listed = project.naos(&["plan", "list"]);
    assert!(listed.stdout.contains("held, paused"), "{}", listed.stdout);
    let skipped = project.json(&["plan", "skip", run, "sign"]);
    assert_eq!(step(&skipped, "sign")["status"], "skipped", "{skipped}");
    let twice = project.naos(&["plan", "skip", run, "end-of-it"]);
    assert_eq!(twice.exit, 1, "{}", twice.stderr);
    project.json(&["plan", "resume", run]);
    let found = project.json(&["get", "plan-run", run]);
    assert_eq!(found["paused"], Value::Null, "{found}");
}

#[test]
fn process_who_sets_itself_off_is_warned_and_its_storm_ends_by_name() {
    let project = Project::new();
    let twice = "name: twice\ntrigger: {event: go.on}\nplan:\n\
                 - {emit: go.on}\n- {emit: go.on}\n";
    let applied = project.naos_with(&["apply", "-f", "-"], twice.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let warned = "instruction twice may set itself off: twice → twice";
    assert!(applied.stderr.contains(warned), "{}", applied.stderr);
    let mut daemon = project.up();
    project.json(&["events", "emit", "go.on", "--data", "{}"]);
    let until = naos_engine::clock::tick() + PATIENCE;
    let dead = loop {
        let found = project.json(&["events", "dead", "list"]);
        let named = |one: &Value| {
            let text = one.to_string();
            text.contains("led back to where it was 100 times: instruction twice")
        };
        let items = found["items"].as_array().unwrap();
        if items.iter().any(named) {
            break found;
        }
        assert!(naos_engine::clock::tick() < until, "{found}");
    };
    assert!(dead["items"][0]["event"].is_string(), "{dead}");
    // What was to set something off has a place in the journal, too.
    let event = project.json(&["events", "list", "--limit", "500"])["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["event"] == dead["items"][0]["event"])
        .map(|event| event["seq"].clone());
    let seq = &dead["items"][0]["seq"];
    assert!(seq.is_u64(), "{dead}");
    assert!(event.is_none_or(|event| event == *seq), "{dead}");
    // Who writes meanwhile is served, and what is left over is given up at once.
    let off = project.naos(&["instruction", "disable", "twice"]);
    assert_eq!(off.exit, 0, "{}", off.stderr);
    let consumer = dead["items"][0]["consumer"].as_str().unwrap();
    let words = ["events", "dead", "drop", "--all", "--consumer", consumer];
    let dropped = project.naos(&words);
    assert_eq!(dropped.exit, 0, "{}", dropped.stderr);
    assert_eq!(project.naos(&["events", "dead", "drop", "--all"]).exit, 0);
    assert_eq!(daemon.interrupt(), 0);
}
