//! Words that people know from documents: each is accepted, and does what it says.

mod project;

use std::time::Duration;

use project::office::Office;
use project::{Project, put};
use serde_json::{Value, json};

const ECHOES: &str = "project: x\nagents:\n  a: {template: echo, description: Echoes.}\n  \
    b: {template: echo}\n";

/// The component that the template `echo` is.
const ECHO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/built/echo.wasm");
const PLANNER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../guest/built/planner.wasm"
);

/// One resource of each kind that a document makes.
const ALL: &str = r#"
project: everything
agents:
  a: {template: echo, description: Echoes., cost: {budget: "$10/day"}}
  b: {template: researcher}
  clerk:
    model: fast
    prompt: You answer.
    tools: [calculate, ask]
    grants: {ask: true}
cost: {global: {budget: "$50/day"}}
models:
  fast:
    provider: openai
    model: gpt-5.2-mini
    capabilities: [text, tools]
    cost_per_1k_tokens: {input: 0.00025, output: 0.002}
    data_leaves_country: false
policies: {data: stays}
supervisors:
  s: {strategy: one_for_one, maxRestarts: 3, restartWindow: 60, children: [a]}
sagas:
  g: {steps: [{name: x, agent: a, compensate: a, when: "true", timeout: 5s}], stepTimeout: 60}
workflows:
  w: {steps: [{name: x, agent: a}, b], onError: retry, retries: 2, retryDelay: 1}
pools:
  p: {agent: a, size: 2}
skills:
  - {name: greet, description: hi, handler: {template: hi}, patterns: [hi], costPerCall: 1}
notices:
  - {name: screen, desktop: true}
schedules:
  tick:
    every: 15m
    missed: skip
    event: {type: clock.tick, data: {from: here}}
"#;
const PLAN: &str = "type: plan\nname: greet\ninputs:\n  - {name: who, type: string}\nsteps:\n  \
    - name: say\n    task: {agent: a, title: Say hello, input: 'Hello {{ inputs.who }}'}\n  \
    - name: keep\n    document: {path: 'greetings/{{ inputs.who }}.md'}\n    \
    idempotency_key: 'greet-{{ inputs.who }}'\n";
const INSTRUCTION: &str = "type: instruction\nid: notes\nname: Notes\ntrigger: {webhook: true}\n\
    plan:\n  - emit: {type: standup.prepare}\n";

fn configured(text: &str) -> Project {
    let project = Project::new();
    put(&project.path("nexus.config.yaml"), text);
    project
}

fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().map_or(&[][..], Vec::as_slice)
}

fn until(mut there: impl FnMut() -> bool) {
    let end = naos_engine::clock::tick() + Duration::from_secs(30);
    while !there() {
        assert!(naos_engine::clock::tick() < end, "it never came to that");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn process_all_who_take_work_are_run() {
    let project = configured(ECHOES);
    let all = project.json(&["run", "--all", "--input", "hello"]);
    assert_eq!(all["failed"], 0, "{all:#}");
    let came: Vec<_> = items(&all)
        .iter()
        .map(|run| (run["agent"].as_str(), run["output"].as_str()))
        .collect();
    let each = [(Some("a"), Some("hello")), (Some("b"), Some("hello"))];
    assert_eq!(came, each, "{all:#}");

    assert_eq!(project.naos(&["stop", "b"]).exit, 0);
    let one = project.json(&["run", "--all", "--input", "again"]);
    assert_eq!(
        items(&one).len(),
        1,
        "who is stopped takes no work: {one:#}"
    );
    let told = project.naos(&["run", "--all", "--input", "again"]);
    assert_eq!(told.exit, 0, "{}", told.stderr);
    assert!(told.stdout.contains("completed"), "{}", told.stdout);

    // One that can hardly do anything fails, and the other is run all the same.
    let weak = format!("{ECHOES}  weak: {{template: echo, wasm: {{fuel: 100}}}}\n");
    put(&project.path("nexus.config.yaml"), weak);
    let failed = project.naos(&["run", "--all", "--input", "x", "--json"]);
    assert_eq!(failed.exit, 1, "{}{}", failed.stdout, failed.stderr);
    let failed: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(failed["failed"], 1, "{failed:#}");
    let done = items(&failed)
        .iter()
        .filter(|run| run["status"] == "completed");
    assert_eq!(done.count(), 1, "{failed:#}");

    let both = project.naos(&["run", "a", "--all", "--input", "x"]);
    assert_eq!(both.exit, 2, "{}", both.stderr);
}

#[test]
fn process_stop_by_force_cancels_what_is_under_way() {
    let office = Office::new("");
    let url = office.server.url("/v1");
    let text = format!(
        "type: model\nname: quiet\nprovider: openai-compatible\nendpoint: {url}\nmodel: silent\n\
         key: env:NAOS_MODEL_TEST\ncost_per_1m_tokens: {{input: 1, output: 1}}\n---\n\
         type: agent\nname: clerk\nmodel: quiet\nprompt: You help an office.\n"
    );
    let project = &office.project;
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let begun = project.json(&["run", "clerk", "--input", "What is due?", "--no-wait"]);
    let run = begun["run"].as_str().unwrap();
    until(|| office.server.count() == 1);

    let stopped = project.json(&["stop", "clerk", "--force", "--no-restart"]);
    assert_eq!(stopped["cancelled"], json!([run]), "{stopped:#}");
    assert_eq!(project.json(&["get", "run", run])["status"], "cancelled");
    assert_eq!(
        project.json(&["get", "agent", "clerk"])["status"],
        "stopped"
    );
    let again = project.json(&["stop", "clerk", "--force"]);
    assert_eq!(again["cancelled"], json!([]), "{again:#}");
    let told = project.naos(&["stop", "clerk", "--no-restart"]);
    assert!(told.stdout.contains("No supervisor"), "{}", told.stdout);
}

#[test]
fn process_an_agent_is_made_from_its_entry_in_the_configuration() {
    let project = configured(ECHOES);
    let made = project.json(&["create", "a", "--from-config"]);
    assert_eq!(items(&made)[0]["result"], "created", "{made:#}");
    let agents = project.json(&["list"]);
    assert_eq!(
        items(&agents).len(),
        1,
        "nothing else is applied: {agents:#}"
    );
    assert_eq!(items(&agents)[0]["description"], "Echoes.");
    let again = project.json(&["create", "a", "--from-config"]);
    assert_eq!(items(&again)[0]["result"], "unchanged", "{again:#}");
    let unknown = project.naos(&["create", "c", "--from-config"]);
    assert_eq!(unknown.exit, 1, "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("it names a, b"),
        "{}",
        unknown.stderr
    );
    let both = project.naos(&["create", "a", "--from-config", "--template", "echo"]);
    assert_eq!(both.exit, 2, "{}", both.stderr);
}

#[test]
fn process_what_an_agent_keeps_is_shown() {
    let project = configured(ECHOES);
    project.json(&["run", "a", "--input", "x"]);
    let kept = project.json(&["inspect", "a", "--state"]);
    assert_eq!(kept["counters"]["runs"], 1, "{kept:#}");
    assert_eq!(kept["state"], json!([]), "{kept:#}");
    assert_eq!(kept["documents"], json!([]), "{kept:#}");
    let told = project.naos(&["inspect", "a", "--state"]);
    assert!(told.stdout.contains("1 run, 0 failed"), "{}", told.stdout);
    assert_eq!(project.json(&["inspect", "a"])["runs"], 1);
    assert_eq!(project.naos(&["inspect", "nobody", "--state"]).exit, 1);
    assert_eq!(project.naos(&["inspect", "plan", "x", "--state"]).exit, 2);
}

#[test]
fn process_nothing_is_run_that_nobody_can_vouch_for() {
    let project = configured(ECHOES);
    let words = ["run", "a", "--input", "x", "--verify-trust"];
    assert_eq!(project.json(&words)["output"], "x");
    // A component of one's own is known by its file.
    let own = project.path("agents/mine/agent.wasm");
    put(&own, std::fs::read(ECHO).unwrap());
    let made = project.naos(&["create", "mine", "--source", "agents/mine/agent.wasm"]);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let words = ["run", "mine", "--input", "y", "--verify-trust"];
    assert_eq!(project.json(&words)["output"], "y");
    put(&own, std::fs::read(PLANNER).unwrap());
    for words in [
        &words[..],
        &["run", "--all", "--input", "y", "--verify-trust"],
    ] {
        let refused = project.naos(words);
        assert_eq!(refused.exit, 3, "{}", refused.stderr);
        assert!(
            refused.stderr.contains("nothing was run"),
            "{}",
            refused.stderr
        );
    }
    let runs = project.json(&["get", "runs"]);
    assert_eq!(items(&runs).len(), 2, "{runs:#}");
    let nobody = project.naos(&["run", "--input", "y", "--verify-trust"]);
    assert_eq!(nobody.exit, 2, "{}", nobody.stderr);
}

#[test]
fn process_an_export_is_taken_back_unchanged() {
    let project = configured(ALL);
    for text in [PLAN, INSTRUCTION] {
        let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
        assert_eq!(applied.exit, 0, "{}", applied.stderr);
    }
    let written = project.naos(&["export", "--format", "json", "--output", "all.json"]);
    assert_eq!(written.exit, 0, "{}", written.stderr);
    let first = std::fs::read_to_string(project.path("all.json")).unwrap();
    let exported: Value = serde_json::from_str(&first).unwrap();
    let kinds: Vec<&str> = items(&exported)
        .iter()
        .map(|item| item["kind"].as_str().unwrap())
        .collect();
    for kind in [
        "agent",
        "skill",
        "plan",
        "budget",
        "policy",
        "supervisor",
        "saga",
        "workflow",
        "pool",
        "instruction",
        "schedule",
        "model",
        "notice",
    ] {
        assert!(kinds.contains(&kind), "no {kind}: {kinds:?}");
    }
    assert!(
        !kinds.contains(&"webhook") && !kinds.contains(&"secret"),
        "{kinds:?}"
    );
    let again = project.naos(&["export", "--output", "all.json"]);
    assert_eq!(again.exit, 1, "{}", again.stderr);

    // There and back: all of it is new there, and says the same.
    let other = Project::new();
    put(&other.path("all.json"), &first);
    let tried = other.json(&["import", "all.json", "--dry-run"]);
    let made = other.json(&["import", "all.json", "--format", "json"]);
    for answer in [&tried, &made] {
        let results = items(answer).iter().map(|item| &item["result"]);
        assert!(results.clone().all(|it| it == "created"), "{answer:#}");
        assert_eq!(results.count(), kinds.len());
    }
    let back = other.json(&["export"]);
    assert_eq!(back["items"], exported["items"]);
    for words in [&["import", "all.json"][..], &["apply", "-f", "all.json"]] {
        let same = other.json(words);
        let results = items(&same).iter().map(|item| &item["result"]);
        assert!(results.clone().all(|it| it == "unchanged"), "{same:#}");
    }
    let done = other.json(&["run", "a", "--input", "x"]);
    assert_eq!(done["output"], "x");
    let done = other.json(&["workflow", "run", "w", "--input", "We decided to stay."]);
    assert_eq!(done["status"], "completed", "{done:#}");
}

#[test]
fn process_an_export_that_is_none_changes_nothing() {
    let project = configured("project: x\n");
    let none = "0".repeat(64);
    let agent = json!({"kind": "agent", "name": "x", "spec": {"component": none}});
    let secret = json!({"kind": "webhook", "name": "x", "spec": {"Webhook": {}}});
    for (text, says) in [
        (json!({"naos_export": 2, "items": []}), "form 2"),
        (json!({"naos_export": 1}), "no export"),
        (json!({"naos_export": 1, "items": [agent]}), "isn't here"),
        (json!({"naos_export": 1, "items": [secret]}), "webhook x"),
        (
            json!({"naos_export": 1, "items": [{"kind": "what", "name": "x", "spec": {}}]}),
            "no kind what",
        ),
    ] {
        let text = text.to_string();
        let refused = project.naos_with(&["import", "-"], text.as_bytes());
        assert_eq!(refused.exit, 2, "{text}: {}", refused.stderr);
        assert!(refused.stderr.contains(says), "{text}: {}", refused.stderr);
    }
    let yaml = project.naos_with(&["import", "-", "--format", "json"], b"agents: {}\n");
    assert_eq!(yaml.exit, 2, "{}", yaml.stderr);
    assert_eq!(items(&project.json(&["list"])).len(), 0);
}

#[test]
fn process_the_audit_is_searched_and_written_for_other_programs() {
    let project = configured(ECHOES);
    project.json(&["run", "a", "--input", "x"]);
    let found = project.json(&["audit", "search", "AGENT.CREATED"]);
    assert_eq!(items(&found).len(), 2, "{found:#}");
    let one = project.json(&["audit", "search", "agent.created", "--agent", "a"]);
    assert_eq!(items(&one).len(), 1, "{one:#}");
    let same = project.json(&["audit", "--filter", "agent.created", "--days", "1"]);
    assert_eq!(same["items"], found["items"]);
    let words = [
        "audit",
        "--format",
        "json",
        "--output",
        "audit.json",
        "--days",
        "7",
    ];
    let written = project.naos(&[&words[..], &["--action", "agent.created"]].concat());
    assert_eq!(written.exit, 0, "{}", written.stderr);
    let text = std::fs::read_to_string(project.path("audit.json")).unwrap();
    let text: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text["items"], found["items"]);
    let all = project.naos(&["audit", "export"]);
    let all: Value = serde_json::from_str(&all.stdout).unwrap();
    let first = &items(&all)[0];
    assert_eq!(first["seq"], 1, "all entries: {first}");
    let csv = project.naos(&["audit", "export", "--format", "csv"]).stdout;
    assert!(
        csv.starts_with("seq,time,action,subject,run,line\n"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), items(&all).len() + 1, "{csv}");
    let there = project.naos(&["audit", "export", "--output", "audit.json"]);
    assert_eq!(there.exit, 1, "{}", there.stderr);
}

#[test]
fn process_a_name_that_was_made_plain_is_told() {
    let project = Project::new();
    let text = "type: pool\nname: Müller & Söhne\n---\ntype: pool\nname: Big Team\n";
    let applied = project.naos_with(&["apply", "-f", "-"], text.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let said = "\"Müller & Söhne\" is called muller-sohne here";
    assert!(applied.stderr.contains(said), "{}", applied.stderr);
    assert!(!applied.stderr.contains("big-team"), "{}", applied.stderr);
    assert!(
        applied.stdout.contains("muller-sohne"),
        "{}",
        applied.stdout
    );
}

#[test]
fn process_other_words_for_the_same_are_taken() {
    let project = configured(&format!("{ECHOES}broker: {{preferLocal: true}}\n"));
    assert_eq!(project.json(&["run", "a", "--input", "x"])["output"], "x");
    let people = project.json(&["member", "list"]);
    assert_eq!(project.json(&["user", "list"]), people);
    assert!(project.json(&["user", "create", "Ana"])["token"].is_string());
    let waiting = project.json(&["approve"]);
    for words in [
        &["approval", "list"][..],
        &["approvals"],
        &["approve", "list"],
    ] {
        assert_eq!(project.json(words), waiting, "{words:?}");
    }
    for words in [
        &["approval", "approve", "appr_01jd8000000000000000000000"][..],
        &["approval", "reject", "appr_01jd8000000000000000000000"],
    ] {
        let none = project.naos(words);
        assert!(
            none.exit == 1 && none.stderr.contains("appr_01jd8"),
            "{}",
            none.stderr
        );
    }
    let what = project.naos(&["approve", "perhaps", "appr_01jd8000000000000000000000"]);
    assert_eq!(what.exit, 2, "{}", what.stderr);
    let said = project.json(&["broker", "config"]);
    assert_eq!(said["broker"], json!({"preferLocal": true}));

    let words = ["cost", "set-budget", "a", "--daily", "100", "--monthly"];
    let both = project.naos(&[&words[..], &["3100"]].concat());
    assert_eq!(both.exit, 0, "{}", both.stderr);
    let budget = &project.json(&["get", "budgets"])["items"][0];
    assert_eq!(budget["limit_micros"], 1_000_000, "{budget}");
    let binds = project.naos(&[&words[..], &["3099"]].concat());
    assert!(
        binds.exit == 2 && binds.stderr.contains("one window"),
        "{}",
        binds.stderr
    );

    let gone = project.naos(&["delete", "b"]);
    assert_eq!(gone.exit, 0, "{}", gone.stderr);
    assert_eq!(project.naos(&["get", "agent", "b"]).exit, 1);
    let which = project.naos(&["delete", "agent"]);
    assert_eq!(which.exit, 2, "{}", which.stderr);
}

#[test]
fn process_a_step_of_a_workflow_is_done_once_under_its_key() {
    let steps = "{name: bill, agent: a, idempotency_key: 'bill-{{ input }}'}, \
                 {name: undone, agent: a, idempotencyKey: 'u-{{ input }}', compensate: b}";
    let project = configured(&format!(
        "{ECHOES}workflows:\n  w: {{steps: [{}]}}\nsagas:\n  g: {{steps: [{steps}]}}\n",
        "{name: bill, agent: a, idempotency_key: 'bill-{{ input }}'}"
    ));
    for (kind, name, done) in [("workflow", "w", 1), ("saga", "g", 2)] {
        for _ in 0..2 {
            let run = project.json(&[kind, "run", name, "--input", "7"]);
            assert_eq!(run["status"], "completed", "{run:#}");
        }
        let runs = project.json(&["get", "runs", "--agent", "a"]);
        let before = if kind == "saga" { 1 } else { 0 };
        assert_eq!(items(&runs).len(), before + done, "{kind}: {runs:#}");
    }
    // By command too, and another text is another piece of work.
    for words in [
        &["workflow", "create", "x"][..],
        &[
            "workflow",
            "add-step",
            "x",
            "s",
            "--agent",
            "b",
            "--idempotency-key",
            "{{ input }}",
        ],
    ] {
        let made = project.naos(words);
        assert_eq!(made.exit, 0, "{}", made.stderr);
    }
    for input in ["1", "1", "2"] {
        project.json(&["workflow", "run", "x", "--input", input]);
    }
    let runs = project.json(&["get", "runs", "--agent", "b"]);
    assert_eq!(items(&runs).len(), 2, "{runs:#}");
    let kept = project.json(&["get", "workflow", "x"]);
    let key = &kept["spec"]["steps"][0]["idempotency_key"];
    assert_eq!(*key, "{{ input }}", "{kept:#}");
}
