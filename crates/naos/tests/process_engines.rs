//! Agents whose turns a gateway of OpenClaw does, from the manifest to the answer, against a server
//! that speaks as one does. The real one is asked by `tests/openclaw`.

mod project;

use std::time::Duration;

use naos_modelserver::gateway::{Gateway, Way};
use project::{Daemon, Project};
use serde_json::Value;
use tokio::runtime::Runtime;

const TOKEN: &str = "the-token-of-the-tests";
const OTHER: &str = "the-token-of-the-other-tenant";

struct Office {
    project: Project,
    daemon: Daemon,
    gateway: Gateway,
    runtime: Runtime,
}

impl Office {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let gateway = runtime.block_on(Gateway::start(TOKEN)).unwrap();
        let project = Project::new();
        let daemon = up(&project, &[gateway.port()], &[]);
        Self {
            project,
            daemon,
            gateway,
            runtime,
        }
    }

    fn apply(&self, text: &str) {
        let applied = self
            .project
            .naos_with(&["apply", "-f", "-"], text.as_bytes());
        assert_eq!(applied.exit, 0, "{text}: {}", applied.stderr);
    }

    fn hire(&self, more: &str) {
        let text = manifest(&self.gateway.url(), "NAOS_MODEL_CLAW", more);
        self.apply(&text);
    }

    fn run(&self, more: &[&str]) -> (i32, Value, String) {
        let words = [
            &["run", "jarvis", "--input", "What is due?", "--json"],
            more,
        ]
        .concat();
        let ended = self.project.naos(&words);
        let said = serde_json::from_str(&ended.stdout).unwrap_or_default();
        (ended.exit, said, ended.stderr)
    }

    fn until(&self, fits: impl Fn(&Gateway) -> bool) {
        self.runtime.block_on(self.gateway.until(fits));
    }

    fn finished(&self, run: &str) -> Value {
        let end = naos_engine::clock::tick() + Duration::from_secs(60);
        loop {
            let done = self.project.json(&["get", "run", run]);
            if !["running", "queued"].contains(&done["status"].as_str().unwrap()) {
                return done;
            }
            assert!(naos_engine::clock::tick() < end, "{done}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

fn manifest(url: &str, variable: &str, more: &str) -> String {
    format!(
        "type: model\nname: claw\nprovider: openclaw\nendpoint: {url}\nkey: env:{variable}\n\
         cost_per_call: $0.50\n{more}\n---\n\
         type: agent\nname: jarvis\nengine: claw\nprompt: You help an office.\n\
         budget: {{limit: $5, period: day}}\n"
    )
}

fn up(project: &Project, ports: &[u16], more: &[(&str, &str)]) -> Daemon {
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let ports = ports.join(",");
    let own = [
        ("NAOS_ALLOW_LOOPBACK_PORTS", ports.as_str()),
        ("NAOS_MODEL_CLAW", TOKEN),
    ];
    project.up_with(&[&own[..], more].concat())
}

#[test]
fn process_a_gateway_answers_for_an_agent_and_is_paid() {
    let office = Office::new();
    office.hire("");
    let (exit, done, why) = office.run(&[]);
    assert_eq!(
        (exit, &done["output"]),
        (0, &"What is due?".into()),
        "{why}"
    );
    assert_eq!(
        (&done["tier"], &done["cost_micros"]),
        (&"model".into(), &500_000.into())
    );
    let turns = office.gateway.turns();
    assert_eq!((turns.len(), turns[0].agent.as_str()), (1, "main"));
    assert!(
        turns[0].system.starts_with("You help an office."),
        "{}",
        turns[0].system
    );
    // By what it used, where its tokens have a price.
    office.hire("cost_per_1m_tokens: {input: 1.00, output: 10.00}");
    let (_, done, _) = office.run(&[]);
    assert_eq!(done["cost_micros"], 140 + 70);
    assert_eq!(office.gateway.devices().len(), 1, "one device signs in");
    for words in [
        &["audit", "--last", "200"][..],
        &["logs", "jarvis"],
        &["status", "--json"],
    ] {
        let said = office.project.naos(words);
        assert!(!said.stdout.contains(TOKEN), "a token in {words:?}");
    }
}

#[test]
fn process_a_turn_of_a_gateway_is_asked_once_through_a_kill() {
    let mut office = Office::new();
    office.hire("");
    office.gateway.behaves(Way::Holds);
    let (exit, begun, why) = office.run(&["--no-wait"]);
    assert_eq!(exit, 0, "{why}");
    let run = begun["run"].as_str().unwrap().to_owned();
    office.until(|gateway| gateway.turns().len() == 1);
    office.daemon.kill();
    let before = office.gateway.connections();
    office.daemon = up(&office.project, &[office.gateway.port()], &[]);
    office.until(|gateway| gateway.connections() > before);
    let spent = office.project.json(&["cost", "status"]);
    assert_eq!(
        spent["budgets"][0]["reserved_micros"], 500_000,
        "once: {spent}"
    );
    office.gateway.finish();
    let done = office.finished(&run);
    assert_eq!(
        (&done["status"], &done["output"]),
        (&"completed".into(), &"What is due?".into())
    );
    assert_eq!(done["cost_micros"], 500_000, "the turn is paid once");
    assert_eq!(
        (office.gateway.turns().len(), office.gateway.asked()),
        (1, 1)
    );
}

#[test]
fn process_what_a_gateway_does_wrong_is_said_and_settled() {
    let office = Office::new();
    office.hire("");
    for (way, said, cost) in [
        (Way::Pairing, "openclaw devices approve req-17", 0),
        (Way::Speaks(7), "speaks protocol 7", 0),
        (Way::Page, "no gateway of OpenClaw", 0),
        (Way::Half, "its JSON ends in the middle", 500_000),
        (Way::Fails, "Agent run failed", 500_000),
    ] {
        office.gateway.behaves(way);
        let (exit, done, why) = office.run(&[]);
        assert_eq!(exit, 1, "{way:?}: {why}");
        let run = office
            .project
            .json(&["get", "run", done["run"].as_str().unwrap()]);
        assert!(run.to_string().contains(said), "{way:?}: {run}");
        assert_eq!(run["cost_micros"], cost, "{way:?}: {run}");
    }
    let status = office.project.json(&["cost", "status"]);
    assert_eq!(status["budgets"][0]["reserved_micros"], 0, "{status}");
    assert_eq!(status["budgets"][0]["spent_micros"], 1_000_000, "{status}");
}

#[test]
fn process_an_engine_without_a_price_or_a_grant_is_not_asked() {
    let mut office = Office::new();
    let text = manifest(&office.gateway.url(), "NAOS_MODEL_CLAW", "");
    office.apply(&text.replace("cost_per_call: $0.50\n", ""));
    let (exit, _, why) = office.run(&[]);
    assert_eq!(exit, 3, "{why}");
    assert!(why.contains("cost_per_call in the model claw"), "{why}");
    office.hire("");
    office.daemon.kill();
    office.daemon = up(&office.project, &[], &[]);
    let (exit, _, why) = office.run(&[]);
    assert_eq!(exit, 1, "{why}");
    assert_eq!(office.gateway.connections(), 0, "nobody named its port");
}

#[test]
fn process_each_tenant_has_its_own_gateway_token_and_device() {
    let mut office = Office::new();
    office.hire("");
    let theirs = office.runtime.block_on(Gateway::start(OTHER)).unwrap();
    let made = office.project.json(&["tenant", "create", "riake"]);
    let id = made["tenant"].as_str().unwrap().to_uppercase();
    let variable = format!("NAOS_MODEL_{id}_CLAW");
    office.daemon.kill();
    let ports = [office.gateway.port(), theirs.port()];
    office.daemon = up(&office.project, &ports, &[(&variable, OTHER)]);
    let apply = |text: &str| {
        let words = ["apply", "-f", "-", "--tenant", "riake"];
        office.project.naos_with(&words, text.as_bytes())
    };
    let stolen = apply(&manifest(&office.gateway.url(), "NAOS_MODEL_CLAW", ""));
    assert_ne!(stolen.exit, 0, "another tenant's token");
    let applied = apply(&manifest(&theirs.url(), &variable, ""));
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let words = ["run", "jarvis", "--input", "Theirs?", "--tenant", "riake"];
    let ended = office.project.naos(&words);
    assert_eq!(
        (ended.exit, ended.stdout.trim()),
        (0, "Theirs?"),
        "{}",
        ended.stderr
    );
    let (exit, _, why) = office.run(&[]);
    assert_eq!(exit, 0, "{why}");
    assert_eq!((office.gateway.turns().len(), theirs.turns().len()), (1, 1));
    assert_ne!(office.gateway.devices(), theirs.devices());
}
