//! What sets instructions off.

mod common;

use common::{bad, good};
use naos_types::spec::{EventFilter, SubscriptionSpec};

fn with(trigger: &str) -> String {
    format!(
        "type: instruction\nname: beat\ntrigger: {{{trigger}}}\nplan:\n  - emit: {{type: a.b}}\n"
    )
}

fn listens(trigger: &str) -> Option<SubscriptionSpec> {
    let mut applied = good(&with(trigger));
    assert!(
        applied.warnings.is_empty(),
        "{trigger}: {:?}",
        applied.warnings
    );
    let kept = applied.kept.remove(0);
    kept.instruction.expect("it is an instruction").listens
}

fn filter(topics: &[&str], source: &str) -> EventFilter {
    EventFilter {
        topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
        source: Some(source.to_owned()),
        ..EventFilter::default()
    }
}

#[test]
fn a_webhook_or_the_end_of_a_run_sets_one_off() {
    let hook = filter(&["webhook.received"], "/hooks/beat");
    for trigger in [
        "webhook: true",
        "type: webhook",
        "type: webhook, webhook: true",
    ] {
        assert_eq!(listens(trigger).expect(trigger).filter, hook, "{trigger}");
    }
    let condition = listens("webhook: true, filter: trigger.data.urgent == true");
    assert!(condition.expect("a filter").condition.is_some());
    for (trigger, topics, source) in [
        (
            "plan: Weekly Report",
            &["plan.completed"][..],
            "/plans/weekly-report",
        ),
        (
            "type: plan, plan: a, on: failed",
            &["plan.failed"][..],
            "/plans/a",
        ),
        (
            "saga: trip, on: [rolled_back, compensation-failed]",
            &["plan.rolled_back", "plan.compensation_failed"][..],
            "/sagas/trip",
        ),
        (
            "saga: trip, on: compensated",
            &["plan.rolled_back"][..],
            "/sagas/trip",
        ),
        (
            "saga: trip, on: [compensated, rolled_back, failed]",
            &["plan.rolled_back", "plan.failed"][..],
            "/sagas/trip",
        ),
        (
            "instruction: other, on: ended",
            &["plan.*"][..],
            "/instructions/other",
        ),
    ] {
        assert_eq!(
            listens(trigger).expect(trigger).filter,
            filter(topics, source),
            "{trigger}"
        );
    }
    for trigger in ["manual: true", "webhook: false", "schedule: 0 9 * * *"] {
        assert_eq!(listens(trigger), None, "{trigger}");
    }
}

#[test]
fn what_sets_nothing_off_says_so() {
    for (trigger, expected) in [
        (
            "webhook: /weather",
            "f.yaml:3:20: a webhook's address follows from the instruction's name",
        ),
        (
            "webhook: true, event: a.b",
            "f.yaml:3:10: one thing sets an instruction off, not `event` and `webhook`",
        ),
        (
            "schedule: 0 9 * * *, event: a.b",
            "f.yaml:3:10: one thing sets an instruction off, not `schedule` and `event`",
        ),
        (
            "every: 5m, plan: a",
            "f.yaml:3:10: one thing sets an instruction off, not `every` and `plan`",
        ),
        (
            "plan: a, saga: b",
            "f.yaml:3:10: one thing sets an instruction off, not `plan` and `saga`",
        ),
        (
            "plan: a, on: finished",
            "f.yaml:3:24: `on` can't be \"finished\"",
        ),
        (
            "event: a.b, on: failed",
            "f.yaml:3:27: `on` says how a `plan` ends that sets it off",
        ),
        ("plan: a, on: []", "f.yaml:3:24: `on` names no end"),
        (
            "type: weebhook",
            "f.yaml:3:17: `type` can't be \"weebhook\"",
        ),
    ] {
        let found = bad("f.yaml", &with(trigger));
        assert!(found.starts_with(expected), "{trigger}: {found}");
    }
    let found = bad("f.yaml", "type: webhook\nname: x\n");
    assert!(
        found.starts_with("f.yaml:1:1: a webhook belongs to an instruction"),
        "{found}"
    );
}

#[test]
fn who_asks_for_an_event_where_none_sets_it_off_is_told() {
    let warned = |trigger: &str, place: &str| {
        let text = format!(
            "type: instruction\nname: beat\n{trigger}inputs: [{{name: place, default: here}}]\n\
             plan:\n  - emit: {{type: a.b, data: {{at: \"{{{{ {place} }}}}\"}}}}\n"
        );
        let warnings = good(&text).warnings;
        warnings
            .iter()
            .map(|it| it.what.clone())
            .collect::<Vec<_>>()
    };
    for trigger in ["trigger: {type: manual}\n", "trigger: {every: 1d}\n"] {
        let told = warned(trigger, "trigger.data.place");
        assert_eq!(told.len(), 1, "{trigger}: {told:?}");
        assert!(told[0].contains("no event sets this off"), "{told:?}");
        assert_eq!(warned(trigger, "inputs.place"), [""; 0]);
    }
    let event = "trigger: {event: mail.received}\n";
    assert_eq!(warned(event, "trigger.data.place"), [""; 0]);
}

#[test]
fn what_is_kept_is_something() {
    let with = |trigger: &str, data: &str| {
        format!(
            "type: instruction\nname: beat\ntrigger: {{{trigger}}}\nplan:\n  \
             - emit: {{type: context.write, path: /Beat{data}}}\n"
        )
    };
    let what = "f.yaml:5:5: context.write says no `data`, and no event sets this off";
    for trigger in ["every: 1d", "type: manual"] {
        let found = bad("f.yaml", &with(trigger, ""));
        assert!(found.starts_with(what), "{trigger}: {found}");
        good(&with(trigger, ", data: {content: x}"));
        good(&with(trigger, "").replace("plan:", "inputs: [{name: a, default: 1}]\nplan:"));
    }
    for trigger in ["event: a.b", "webhook: true", "plan: other"] {
        good(&with(trigger, ""));
    }
}

#[test]
fn people_alone_run_one_whose_trigger_says_so_or_that_has_none() {
    let said = [
        "trigger: manual\n",
        "trigger: {manual: true}\n",
        "trigger: {type: manual}\n",
        "trigger:\n",
        "",
    ];
    for trigger in said {
        let text =
            format!("type: instruction\nname: beat\n{trigger}plan:\n  - emit: {{type: a.b}}\n");
        let mut applied = good(&text);
        assert_eq!(applied.warnings, [], "{trigger}");
        let kept = applied.kept.remove(0);
        assert_eq!(kept.schedule, None, "{trigger}");
        let spec = kept.instruction.expect("it is an instruction");
        assert_eq!((spec.listens, spec.enabled), (None, true), "{trigger}");
    }
    // A document that says no type is one by its keys.
    let untyped = good("name: beat\ntrigger: manual\nplan:\n  - emit: {type: a.b}\n");
    assert!(untyped.kept[0].instruction.is_some());
    for (trigger, expected) in [
        (
            "webhook",
            "f.yaml:3:10: `trigger` can't be \"webhook\"; known here: manual",
        ),
        (
            "manuel",
            "f.yaml:3:10: `trigger` can't be \"manuel\"; did you mean `manual`?",
        ),
    ] {
        let text =
            format!("type: instruction\nname: beat\ntrigger: {trigger}\nplan:\n  - emit: a.b\n");
        assert_eq!(bad("f.yaml", &text), expected);
    }
}
