//! Agents as models: what a caller says of an answer reaches the model, or is refused before a run.

mod project;

use project::office::Office;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/\
    iZk9HQAAAABJRU5ErkJggg==";

/// An office whose clerk works with a scripted model that can do that.
fn office(script: &str, can: &str) -> Office {
    let office = Office::new(script);
    let text = format!(
        "type: model\nname: fast\nprovider: openai-compatible\nendpoint: {}\nmodel: scripted\n\
         key: env:NAOS_MODEL_TEST\ncapabilities: [{can}]\n\
         cost_per_1m_tokens: {{input: 1.00, output: 10.00}}\n---\n\
         type: agent\nname: clerk\nmodel: fast\nprompt: You help an office.\n",
        office.server.url("/v1")
    );
    let applied = office
        .project
        .naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    office
}

fn asked(model: &str, content: Value, more: Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": content}]});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

fn formed(schema: Value) -> Value {
    json!({"response_format": {"type": "json_schema",
        "json_schema": {"name": "sum", "strict": true, "schema": schema}}})
}

fn total() -> Value {
    json!({"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"],
        "additionalProperties": false})
}

#[test]
fn process_an_answer_has_the_form_that_its_caller_asks_for() {
    let says = r#"{"say": "{\"total\": 12}"}"#;
    let words = r#"{"say": "Twelve."}"#;
    let script = [says, says, words, words, words].join("\n");
    let office = office(&script, "text, tools, json");
    let daemon = &office.daemon;
    let done = daemon.ask(CHAT, &asked("clerk", json!("How much?"), formed(total())));
    assert_eq!(done["choices"][0]["message"]["content"], "{\"total\": 12}");
    let seen = office.server.seen();
    let format = &seen[0].body["response_format"];
    assert_eq!(format["type"], "json_schema", "{format}");
    assert_eq!(format["json_schema"]["schema"], total(), "{format}");
    let object = json!({"response_format": {"type": "json_object"}});
    let done = daemon.ask(CHAT, &asked("clerk", json!("Again?"), object));
    assert_eq!(done["choices"][0]["message"]["content"], "{\"total\": 12}");
    // It is carried out once more from the journal.
    let runs = office.project.json(&["get", "runs"]);
    let run = runs["items"][0]["run"].as_str().unwrap();
    let again = office.project.naos(&["replay", run]);
    assert_eq!(again.exit, 0, "{}", again.stderr);
    // Words are no JSON, and no answer.
    let wanted = asked("clerk", json!("And now?"), formed(total()));
    assert_eq!(daemon.post(CHAT, &wanted), "422");
    // What can't be asked for begins no run.
    let made = office
        .project
        .naos(&["create", "echo", "--template", "echo"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let before = office.project.json(&["get", "runs"])["items"].clone();
    for (agent, form, why) in [
        ("echo", formed(total()), "works with no model"),
        ("clerk", formed(json!({"type": 7})), "no JSON Schema"),
        (
            "clerk",
            json!({"response_format": {"type": "grammar"}}),
            "no grammar",
        ),
    ] {
        let wanted = asked(agent, json!("x"), form);
        assert_eq!(daemon.post(CHAT, &wanted), "400", "{wanted}");
        let said = daemon.ask(CHAT, &wanted)["error"]["message"].to_string();
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(office.project.json(&["get", "runs"])["items"], before);
}

#[test]
fn process_an_answer_of_another_form_than_its_caller_asks_for_is_none() {
    let wrong = r#"{"say": "{\"total\": \"twelve\"}"}"#;
    let office = office(&[wrong; 3].join("\n"), "text, tools, json");
    let wanted = asked("clerk", json!("How much?"), formed(total()));
    let said = office.daemon.ask(CHAT, &wanted);
    let message = said["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("/total"), "{said}");
}

#[test]
fn process_pictures_of_a_message_are_shown_to_a_model_that_sees() {
    let picture = |url: String| {
        json!([{"type": "text", "text": "How much is it?"},
            {"type": "image_url", "image_url": {"url": url}}])
    };
    let pixel = format!("data:image/png;base64,{PIXEL}");
    let says = r#"{"say": "12 Ariary."}"#;
    let seeing = office(says, "text, tools, vision");
    let daemon = &seeing.daemon;
    let done = daemon.ask(CHAT, &asked("clerk", picture(pixel.clone()), json!({})));
    assert_eq!(
        done["choices"][0]["message"]["content"], "12 Ariary.",
        "{done}"
    );
    let seen = seeing.server.seen().pop().unwrap().body.to_string();
    assert_eq!(seen.matches(PIXEL).count(), 1, "{seen}");
    assert!(seen.contains("How much is it?\\n(picture 1)"), "{seen}");
    for url in [
        "https://example.org/a.png",
        "data:image/png;base64,aGVsbG8=",
    ] {
        let wanted = asked("clerk", picture(url.to_owned()), json!({}));
        assert_eq!(daemon.post(CHAT, &wanted), "400", "{url}");
    }
    // Whoever can't see is asked nothing.
    let blind = office(says, "text, tools");
    let wanted = asked("clerk", picture(pixel), json!({}));
    let said = blind.daemon.ask(CHAT, &wanted)["error"]["message"].to_string();
    assert!(said.contains("can't see"), "{said}");
    assert!(blind.server.seen().is_empty());
}

#[test]
fn process_a_response_is_a_run_and_a_budget_that_fills_again_is_waited_for() {
    const RESPONSES: &str = "/v1/responses";
    let long = "word ".repeat(2_000);
    let script = json!({ "say": long }).to_string();
    let office = office(
        &format!("{{\"say\": \"12 Ariary.\"}}\n{script}"),
        "text, tools",
    );
    let daemon = &office.daemon;
    let given = json!({"model": "clerk", "instructions": "Be short.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "How much?"}]}]});
    let done = daemon.ask(RESPONSES, &given);
    let text = &done["output"][0]["content"][0]["text"];
    assert_eq!(
        (&done["status"], text),
        (&json!("completed"), &json!("12 Ariary."))
    );
    let id = done["id"].as_str().unwrap().strip_prefix("resp_").unwrap();
    let runs = office.project.json(&["get", "runs"]);
    assert_eq!(runs["items"][0]["run"], id, "{runs}");
    let seen = office.server.seen().pop().unwrap().body.to_string();
    assert!(
        seen.contains("Be short.") && seen.contains("How much?"),
        "{seen}"
    );
    // Nothing is kept of it that another could go on from.
    let more = json!({"model": "clerk", "input": "x", "previous_response_id": done["id"]});
    assert_eq!(daemon.post(RESPONSES, &more), "400");
    // The day has room for this one, and then not for another.
    let words = [
        "cost", "set", "clerk", "--budget", "0.06", "--period", "day",
    ];
    let set = office.project.naos(&words);
    assert_eq!(set.exit, 0, "{}", set.stderr);
    let said = |input: &str| json!({"model": "clerk", "input": input});
    assert_eq!(daemon.post(RESPONSES, &said("All of it?")), "200");
    for (path, body) in [
        (RESPONSES, said("And now?")),
        (CHAT, asked("clerk", json!("And now?"), json!({}))),
    ] {
        assert_eq!(daemon.post(path, &body), "429", "{path}");
        let error = daemon.ask(path, &body)["error"].clone();
        assert_eq!(error["type"], "rate_limit_error", "{error}");
        assert_eq!(error["code"], "N0143", "{error}");
    }
    // Where a day has no room for even one, waiting for the next doesn't help.
    let words = [
        "cost", "set", "clerk", "--budget", "0.01", "--period", "day",
    ];
    let set = office.project.naos(&words);
    assert_eq!(set.exit, 0, "{}", set.stderr);
    for (path, body) in [
        (RESPONSES, said("And now?")),
        (CHAT, asked("clerk", json!("And now?"), json!({}))),
    ] {
        assert_eq!(daemon.post(path, &body), "403", "{path}");
        let error = daemon.ask(path, &body)["error"].clone();
        assert_eq!(error["type"], "permission_error", "{error}");
        assert_eq!(error["code"], "N0227", "{error}");
        let message = error["message"].as_str().unwrap();
        for said in ["$0.01 in all", "may cost $0.0", "`max_tokens`"] {
            assert!(message.contains(said), "{said}: {message}");
        }
    }
    let after = office.project.json(&["get", "runs"]);
    assert_eq!(after["items"].as_array().unwrap().len(), 2, "{after}");
}
