//! The documents that the specification shows, as they stand.

mod common;

use common::good;
use naos_manifest::{NoChecks, NoFiles, parse_document, parse_event};
use naos_types::spec::{BudgetSpec, Kind, OnExceed, Restart};
use naos_types::{Micros, Period, Span};

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn each_becomes_what_it_is() {
    for (file, expected) in [
        (
            "driver-custom-manifest.json",
            &[(Kind::Driver, "custom-driver-v1")][..],
        ),
        (
            "driver-email-assistant.yaml",
            &[(Kind::Driver, "email-assistant")],
        ),
        (
            "instruction-daily-standup.yaml",
            &[(Kind::Instruction, "daily-standup")],
        ),
        (
            "instruction-morning-email-summary.yaml",
            &[(Kind::Instruction, "morning-email-summary")],
        ),
        (
            "instruction-severe-weather-alert.json",
            &[(Kind::Instruction, "severe-weather-alert")],
        ),
        (
            "models.json",
            &[(Kind::Model, "gpt-4"), (Kind::Model, "claude-3")],
        ),
        ("plan-daily-standup.json", &[(Kind::Plan, "plan-123")]),
        ("policy-cost-limit.json", &[(Kind::Policy, "cost-limit")]),
        (
            "policy-pii-protection.json",
            &[(Kind::Policy, "pii-protection")],
        ),
        ("policy-token-limit.json", &[(Kind::Policy, "token-limit")]),
        (
            "tools.json",
            &[(Kind::Tool, "web-search"), (Kind::Tool, "context-read")],
        ),
        ("ui-task-dashboard.yaml", &[(Kind::Ui, "task-dashboard")]),
        (
            "ui-weather-dashboard.yaml",
            &[(Kind::Ui, "weather-dashboard")],
        ),
        ("ui-weather.json", &[(Kind::Ui, "weather")]),
    ] {
        let applied = parse_document(file, &fixture(file), &NoFiles, &NoChecks);
        let applied = applied.unwrap_or_else(|errors| panic!("{errors}"));
        let found: Vec<(Kind, &str)> = applied
            .kept
            .iter()
            .map(|kept| (kept.kind, kept.name.as_str()))
            .collect();
        assert_eq!(found, expected, "{file}");
        if file.starts_with("policy-") {
            let [told] = &applied.warnings[..] else {
                panic!("{file}: {:?}", applied.warnings)
            };
            assert!(
                told.what.contains("nothing enforces it yet"),
                "{file}: {told}"
            );
            continue;
        }
        // Its mailbox and its calendar are nobody's yet: what it names of them is told.
        if file != "driver-email-assistant.yaml" {
            assert_eq!(applied.warnings, [], "{file}");
        }
    }
}

#[test]
fn no_file_is_forgotten() {
    let dir = format!("{}/tests/fixtures", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(dir).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let text = fixture(&file);
        let found = parse_document(&file, &text, &NoFiles, &NoChecks);
        if file.starts_with("event-") {
            assert!(
                found
                    .unwrap_err()
                    .to_string()
                    .contains("`naos events emit @FILE`")
            );
            assert!(parse_event(&file, &text).is_ok());
        } else {
            assert!(found.is_ok(), "{file}: {found:?}");
        }
    }
}

#[test]
fn budgets_are_cents_a_day() {
    let applied = good(&fixture("cost-budgets.yaml"));
    let expected = BudgetSpec {
        limit: Micros(10_000_000),
        period: Period::Day,
        on_exceed: OnExceed::Pause,
        alert_percent: 80,
    };
    assert_eq!(applied.budgets[0].0.as_str(), "researcher");
    assert_eq!(applied.budgets[0].1, expected);
}

#[test]
fn prices_become_whole_millionths() {
    let applied = good(&fixture("models.json"));
    let claude: serde_json::Value = serde_json::from_str(&applied.kept[1].json).unwrap();
    assert_eq!(claude["input_micros_per_mtok"], 15_000_000);
    assert_eq!(claude["output_micros_per_mtok"], 75_000_000);
    assert_eq!(claude["provider"], "anthropic");
    let gpt: serde_json::Value = serde_json::from_str(&applied.kept[0].json).unwrap();
    assert_eq!(gpt["input_micros_per_mtok"], 30_000_000);
}

#[test]
fn aliases_become_one_spelling() {
    let applied = good(&fixture("supervisor-tree.yaml"));
    let names: Vec<&str> = applied
        .supervisors
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["root-supervisor", "api-supervisor", "worker-supervisor"]
    );
    let worker = &applied.supervisors[2].1;
    assert_eq!((worker.max_restarts, worker.window), (3, Span::secs(60)));
    assert_eq!(worker.strategy, Restart::OneForOne);
    assert_eq!(worker.children[2].as_str(), "processor-3");
}

#[test]
fn events_are_read() {
    let event = parse_event("e.json", &fixture("event-email-received.json")).unwrap();
    assert_eq!(event.kind, "email.received");
    assert_eq!(event.category.as_deref(), Some("input"));
    assert_eq!(event.data["from"], "client@example.com");
    for (text, expected) in [
        ("{}", "e:1:1: `type` is missing"),
        ("", "e:1:1: one event is expected, not 0"),
        (
            "type: a\n---\ntype: b",
            "e:3:1: one event is expected, not 2",
        ),
        (
            "type: a\nkategory: input",
            "e:2:1: unknown key `kategory`; did you mean `category`?",
        ),
    ] {
        assert_eq!(parse_event("e", text).unwrap_err().to_string(), expected);
    }
}
