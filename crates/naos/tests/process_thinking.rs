//! What bounds an agent that works with a model: the form of its answers, and providers that never
//! come to an end, from the manifest to the outcome.

mod project;

use std::time::Duration;

use naos_modelserver::Step;
use project::office::Office;
use serde_json::Value;

/// The longest that the work of a task takes.
const WORK_MAX: Duration = Duration::from_secs(30);

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
        assert!(
            first.contains("integer"),
            "{provider:?} carries it: {first}"
        );
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
    // What is to be changed is named: the agent's own manifest says nothing.
    for said in ["leaves the country", "`policies: {data: stays}`"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    let again = clerk("abroad", "description: Helps.\n");
    let refused = office
        .project
        .naos_with(&["apply", "-f", "-"], again.as_bytes());
    assert_ne!(refused.exit, 0, "{}", refused.stdout);
    let said = "the policy of all agents says that data stays (`policies: {data: stays}`)";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
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
fn process_what_is_made_of_data_that_stays_is_sent_nowhere_else() {
    let office = Office::with(Vec::new());
    let url = office.server.url("/v1");
    for (called, leaves, more) in [("home", false, "data: stays\n"), ("abroad", true, "")] {
        apply(
            &office,
            &format!(
                "type: model\nname: {called}\nprovider: openai-compatible\nendpoint: {url}\n\
                 model: echo\nkey: env:NAOS_MODEL_TEST\ndata_leaves_country: {leaves}\n\
                 cost_per_1m_tokens: {{input: 1.00, output: 10.00}}\n---\n\
                 type: agent\nname: at-{called}\nmodel: {called}\nprompt: You help.\n{more}"
            ),
        );
    }
    let made = office.project.json(&[
        "task",
        "create",
        "Wages",
        "--to",
        "at-home",
        "--then",
        "at-abroad",
        "--priority",
        "urgent",
    ]);
    let task = made["task"].as_str().unwrap();
    let began = naos_engine::clock::tick();
    let found = loop {
        let found = office.project.json(&["task", "show", task]);
        if found["status"] == "blocked" {
            break found;
        }
        assert!(began.elapsed() < WORK_MAX, "not blocked: {found:#}");
    };
    let said = found["messages"][0]["text"].as_str().unwrap();
    for words in ["N0224", "leaves the country", "at-home worked on"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(found["data"], "stays", "{found:#}");
    assert_eq!(found["stays_from"]["agent"], "at-home", "{found:#}");
    assert_eq!(office.server.count(), 1, "the one abroad was not asked");
    let shown = office.project.naos(&["task", "show", task]).stdout;
    assert!(shown.contains("stays (from at-home, "), "{shown}");
    let runs = office.project.json(&["get", "runs"]);
    let run = runs["items"][0]["run"].as_str().unwrap();
    let run = office.project.json(&["get", "run", run]);
    assert_eq!(run["stays_from"]["agent"], "at-home", "{run:#}");
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
            let marks = second["messages"]
                .to_string()
                .matches("cache_control")
                .count();
            assert_eq!(marks, 2, "{second}");
        }
    }
}

/// How often the journal has an entry of this action.
fn journaled(office: &Office, action: &str) -> usize {
    let words = ["audit", "--last", "200", "--json"];
    let audit = office.project.naos(&words).stdout;
    audit.matches(&format!(r#""action":"{action}""#)).count()
}

/// One more model at the server, which behaves as its name there says.
fn also(office: &Office, called: &str, model: &str) -> String {
    let url = office.server.url("/v1");
    format!(
        "type: model\nname: {called}\nprovider: openai-compatible\nendpoint: {url}\n\
         model: '{model}'\nkey: env:NAOS_MODEL_TEST\n\
         cost_per_1m_tokens: {{input: 1.00, output: 10.00}}\n---\n"
    )
}

/// What the budget of the agent says: spent, set aside.
fn purse(office: &Office) -> (Value, Value) {
    let costs = office.project.json(&["cost", "status"]);
    let budget = &costs["budgets"][0];
    (
        budget["spent_micros"].clone(),
        budget["reserved_micros"].clone(),
    )
}

const PURSE: &str = "budget: {limit: $5, period: day}\n";

#[test]
fn process_a_provider_that_refuses_for_ever_costs_nothing_and_ends_the_run() {
    let office = Office::with(Vec::new());
    hire(&office, COMPATIBLE, "429:1", PURSE);
    let (exit, done) = run(&office, "clerk");
    assert_eq!(exit, 1, "{done}");
    for said in ["N0221", "no model answered", "rate"] {
        assert!(done.to_string().contains(said), "{said}: {done}");
    }
    assert_eq!(
        office.server.count(),
        4,
        "asked again as often as is worth it"
    );
    assert_eq!(done["cost_micros"], 0, "{done}");
    assert_eq!(purse(&office), (0.into(), 0.into()));
    for (action, times) in [
        ("cost.metered", 1),
        ("agent.failed", 1),
        ("agent.called", 1),
    ] {
        assert_eq!(journaled(&office, action), times, "{action}");
    }
    // Who wants to be asked in an hour isn't waited for: the next one is asked at once.
    apply(
        &office,
        &format!(
            "{}{}type: agent\nname: patient\nmodel: [later, calm]\nprompt: You help.\n",
            also(&office, "later", "429:3600"),
            also(&office, "calm", "say:Friday.")
        ),
    );
    let before = office.server.count();
    let (exit, done) = run(&office, "patient");
    assert_eq!((exit, &done["output"]), (0, &"Friday.".into()), "{done}");
    assert_eq!(office.server.count() - before, 2);
}

#[test]
fn process_a_stream_without_end_is_cut_off_and_paid_as_the_worst_case() {
    for provider in [COMPATIBLE, ("anthropic", "/v1"), ("ollama", "")] {
        let office = Office::with(Vec::new());
        hire(&office, provider, "endless", PURSE);
        let (exit, done) = run(&office, "clerk");
        assert_eq!(exit, 1, "{provider:?}: {done}");
        assert!(done.to_string().contains("N0221"), "{provider:?}: {done}");
        assert_eq!(office.server.count(), 1, "nobody pays for it twice");
        // 4,096 tokens at $10 a million may have been written, and the question was read.
        let cost = done["cost_micros"].as_u64().unwrap();
        assert!(cost > 40_960, "{provider:?}: {done}");
        assert_eq!(purse(&office), (cost.into(), 0.into()), "{provider:?}");
        for (action, times) in [("cost.metered", 1), ("agent.failed", 1)] {
            assert_eq!(journaled(&office, action), times, "{provider:?} {action}");
        }
    }
}

#[test]
fn process_a_run_costs_no_more_than_it_may() {
    let office = Office::with(Vec::new());
    let broken = format!(
        "{}{}",
        also(&office, "broken", "cut"),
        also(&office, "calm", "echo")
    );
    let clerk = |cost: &str| {
        format!(
            "{broken}type: agent\nname: clerk\nmodel: [broken, calm]\nprompt: You help.\n\
             limits: {{cost: {cost}}}\n"
        )
    };
    // What broke off is paid as the worst case, more than 4 cents: the next has no room beside it.
    apply(&office, &clerk("0.05 USD"));
    let (exit, done) = run(&office, "clerk");
    assert_eq!(exit, 1, "{done}");
    assert!(done.to_string().contains("N0225"), "{done}");
    let cost = done["cost_micros"].as_u64().unwrap();
    assert!((40_960..=50_000).contains(&cost), "{done}");
    assert_eq!(
        (office.server.count(), journaled(&office, "agent.limited")),
        (1, 1)
    );
    apply(&office, &clerk("$0.10"));
    let (exit, done) = run(&office, "clerk");
    assert_eq!(
        (exit, &done["output"]),
        (0, &"What is due?".into()),
        "{done}"
    );
    // What can't begin within it is refused before anybody is asked.
    let asked = office.server.count();
    apply(&office, &clerk("$0.01"));
    let words = ["run", "clerk", "--input", "What is due?"];
    let refused = office.project.naos(&words);
    assert_eq!(refused.exit, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("limits.cost"), "{}", refused.stderr);
    assert_eq!(office.server.count(), asked);
}
