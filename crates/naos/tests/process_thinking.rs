//! What bounds an agent that works with a model: the form of its answers, and providers that never
//! come to an end, from the manifest to the outcome.

mod project;

use naos_modelserver::Step;
use project::office::Office;
use serde_json::Value;

fn apply(office: &Office, text: &str) {
    let applied = office
        .project
        .naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{text}: {}", applied.stderr);
}

/// A model of a provider, and the agent `clerk` that works with it.
fn hire(office: &Office, (provider, path): (&str, &str), model: &str, more: &str) {
    let url = office.server.url(path);
    apply(
        office,
        &format!(
            "type: model\nname: fast\nprovider: {provider}\nendpoint: {url}\nmodel: '{model}'\n\
             key: env:NAOS_MODEL_TEST\ncapabilities: [text, tools, json]\n\
             cost_per_1m_tokens: {{input: 1.00, output: 10.00}}\n---\n\
             type: agent\nname: clerk\nmodel: fast\nprompt: You help an office.\n{more}"
        ),
    );
}

fn run(office: &Office, agent: &str) -> (i32, Value) {
    let words = ["run", agent, "--input", "What is due?", "--json"];
    let ended = office.project.naos(&words);
    let said = serde_json::from_str(&ended.stdout);
    (
        ended.exit,
        said.unwrap_or_else(|_| panic!("{}", ended.stderr)),
    )
}

const COMPATIBLE: (&str, &str) = ("openai-compatible", "/v1");
const TOTAL: &str = "output_schema:\n  type: object\n  required: [total]\n  \
    additionalProperties: false\n  properties:\n    total: {type: integer}\n";

#[test]
fn process_an_answer_that_does_not_fit_its_schema_goes_back() {
    let script = concat!(
        r#"{"say": "{\"total\": \"not a number\"}"}"#,
        "\n",
        r#"{"say": "{\"total\": 42}"}"#,
    );
    for provider in [
        COMPATIBLE,
        ("anthropic", "/v1"),
        ("gemini", "/v1beta"),
        ("ollama", ""),
    ] {
        let office = Office::with(Step::parse_all(script).unwrap());
        hire(&office, provider, "scripted", TOTAL);
        let (exit, done) = run(&office, "clerk");
        let told = r#"{"total": 42}"#;
        assert_eq!((exit, &done["output"]), (0, &told.into()), "{provider:?}");
        let seen = office.server.seen();
        assert_eq!(seen.len(), 2);
        let (first, last) = (seen[0].body.to_string(), seen[1].body.to_string());
        assert!(first.contains("integer"), "{provider:?} carries it: {first}");
        assert!(last.contains("doesn't fit the form"), "{last}");
        let shown = office
            .project
            .json(&["get", "run", done["run"].as_str().unwrap()]);
        let steps = shown["steps_detail"].as_array().unwrap();
        assert!(
            steps.iter().any(|step| step["ability"] == "unfit"),
            "{shown:#}"
        );
        let again = office
            .project
            .naos(&["replay", done["run"].as_str().unwrap()]);
        assert_eq!(again.exit, 0, "{provider:?}: {}", again.stderr);
    }
}

#[test]
fn process_an_answer_that_never_fits_ends_the_run() {
    let script = "{\"say\": \"{\\\"total\\\": \\\"none\\\"}\"}\n".repeat(4);
    let office = Office::new(&script);
    hire(&office, COMPATIBLE, "scripted", TOTAL);
    let (exit, done) = run(&office, "clerk");
    assert_eq!(exit, 1, "{done}");
    for said in ["N0223", "output_schema", "/total"] {
        assert!(done.to_string().contains(said), "{said}: {done}");
    }
    assert_eq!(office.server.count(), 3, "asked, and asked twice more");
    // What is no schema is said before anything happens.
    let wrong = "type: agent\nname: wrong\nmodel: fast\noutput_schema: {type: nonsense}\n";
    let refused = office
        .project
        .naos_with(&["apply", "-f", "-"], wrong.as_bytes());
    assert_ne!(refused.exit, 0);
    let said = refused.stderr;
    assert!(said.contains("`output_schema` is no JSON Schema"), "{said}");
}

#[test]
fn process_data_that_stays_is_sent_nowhere_else() {
    let office = Office::with(Vec::new());
    let url = office.server.url("/v1");
    let model = |called: &str, leaves: bool| {
        format!(
            "type: model\nname: {called}\nprovider: openai-compatible\nendpoint: {url}\n\
             model: echo\nkey: env:NAOS_MODEL_TEST\ndata_leaves_country: {leaves}\n\
             cost_per_1m_tokens: {{input: 1.00, output: 10.00}}\n"
        )
    };
    apply(&office, &model("abroad", true));
    apply(&office, &model("home", false));
    let listed = office.project.naos(&["get", "models"]);
    for said in ["DATA", "stays", "leaves"] {
        assert!(listed.stdout.contains(said), "{said}: {}", listed.stdout);
    }
    // What names a model abroad is refused when it is applied, with the reason.
    let clerk = |called: &str, more: &str| {
        format!("type: agent\nname: clerk\nmodel: {called}\nprompt: You help.\n{more}")
    };
    let wrong = clerk("abroad", "data: stays\n");
    let refused = office
        .project
        .naos_with(&["apply", "-f", "-"], wrong.as_bytes());
    assert_ne!(refused.exit, 0);
    assert!(
        refused.stderr.contains("leaves the country"),
        "{}",
        refused.stderr
    );
    apply(&office, &clerk("home", "data: stays\n"));
    let (exit, done) = run(&office, "clerk");
    assert_eq!((exit, &done["output"]), (0, &"What is due?".into()));
    let before = office.server.count();
    // The policy of all holds for whoever says nothing.
    apply(&office, &clerk("abroad", ""));
    apply(&office, "policies: {data: stays}\n");
    let ended = office
        .project
        .naos(&["run", "clerk", "--input", "What is due?"]);
    assert_eq!(ended.exit, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("leaves the country"), "{}", ended.stderr);
    let chat = serde_json::json!({
        "model": "clerk", "messages": [{"role": "user", "content": "What is due?"}],
    });
    let said = office.daemon.ask("/v1/chat/completions", &chat);
    assert_eq!(said["error"]["code"], "N0224", "{said}");
    assert_eq!(office.server.count(), before, "nobody was asked");
    let shown = office.project.json(&["get", "agents", "clerk"]);
    assert_eq!(shown["data"], "stays", "{shown:#}");
    // An owner's word for one agent counts before it.
    apply(&office, &clerk("abroad", "data: leaves\n"));
    let (exit, done) = run(&office, "clerk");
    assert_eq!((exit, &done["output"]), (0, &"What is due?".into()));
    let gone = office.project.naos(&["delete", "policy", "data"]);
    assert_eq!(gone.exit, 0, "{}", gone.stderr);
}

#[test]
fn process_what_is_sent_begins_alike_with_each_question() {
    let script = concat!(
        r#"{"call": [{"name": "calculate", "arguments": {"expression": "1 + 1"}}]}"#,
        "\n",
        r#"{"say": "On Friday."}"#,
    );
    for provider in [("anthropic", "/v1"), COMPATIBLE] {
        let office = Office::with(Step::parse_all(script).unwrap());
        hire(&office, provider, "scripted", "tools: [calculate]\n");
        let (exit, done) = run(&office, "clerk");
        assert_eq!((exit, &done["output"]), (0, &"On Friday.".into()), "{done}");
        let seen = office.server.seen();
        let bodies: Vec<&Value> = seen.iter().map(|one| &one.body).collect();
        let [first, second] = bodies[..] else {
            panic!("{bodies:?}")
        };
        assert_eq!(first["system"], second["system"]);
        assert_eq!(first["tools"], second["tools"]);
        let said = |body: &Value| {
            let text = body["messages"].to_string();
            text.replace(r#","cache_control":{"type":"ephemeral"}"#, "")
        };
        let (before, after) = (said(first), said(second));
        let before = before.strip_suffix(']').unwrap();
        assert!(after.starts_with(before), "{before}: {after}");
        if provider.0 == "anthropic" {
            let system = &first["system"];
            assert!(system[0]["cache_control"].is_object(), "{system}");
            assert!(!system[0]["text"].as_str().unwrap().contains(" UTC"));
            assert!(system[1]["cache_control"].is_null(), "{system}");
            assert!(system[1]["text"].as_str().unwrap().ends_with(" UTC."));
            let marks = second["messages"].to_string().matches("cache_control").count();
            assert_eq!(marks, 2, "{second}");
        }
    }
}
