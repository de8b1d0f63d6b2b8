//! Subscriptions that make events of events.

mod common;

use common::{applied, bad, good};

const HEAD: &str = "type: subscription\nname: sort\non: mail.*\n";

fn with(emit: &str) -> String {
    format!("{HEAD}{emit}\n")
}

#[test]
fn one_or_a_list_with_values_that_keep_their_types() {
    for (emit, kinds, data) in [
        ("emit: seen", &["seen"][..], None),
        (
            "emit: {type: far, data: {n: 5, who: \"{{ trigger.data.who }}\", day: today}}",
            &["far"],
            Some("{{ {\"n\": 5, \"who\": (trigger.data.who), \"day\": \"today\"} | tojson }}"),
        ),
        (
            "emit:\n  - seen\n  - {type: far, when: trigger.data.n > 3}",
            &["seen", "far"],
            None,
        ),
    ] {
        let found = good(&with(emit));
        assert!(found.warnings.is_empty(), "{emit}: {:?}", found.warnings);
        let (_, spec) = &found.subscriptions[0];
        let (listens, emits) = (spec.listens().unwrap(), spec.emits());
        assert!(listens.starts.is_none(), "{emit}");
        let made: Vec<&str> = emits.iter().map(|one| one.kind.as_str()).collect();
        assert_eq!(made, kinds, "{emit}");
        let mut last: Vec<&str> = emits.iter().filter_map(|one| one.data.as_deref()).collect();
        assert_eq!(last.pop(), data, "{emit}");
    }
}

#[test]
fn what_is_wrong_says_where() {
    let many = format!("emit: [{}]", vec!["a.b"; 17].join(", "));
    for (emit, said) in [
        (
            "emit: {type: far, dta: 1}",
            "f.yaml:4:19: unknown key `dta`; did you mean `data`?",
        ),
        (
            "emit: {data: {a: 1}}",
            "f.yaml:4:7: `type` is missing: the event's type",
        ),
        (
            "emit: {type: far.*}",
            "f.yaml:4:14: \"far.*\" is no type of an event",
        ),
        (
            "emit: {type: far, when: nosuch > 1}",
            "f.yaml:4:25: unknown name `nosuch`",
        ),
        (
            "emit: {type: far, data: \"{{ nosuch }}\"}",
            "unknown name `nosuch`",
        ),
        ("emit: []", "`emit` is one event or a list of 1 to 16"),
        (many.as_str(), "`emit` is one event or a list of 1 to 16"),
        (
            "start: {plan: p}\nemit: far",
            "f.yaml:5:7: it starts something and emits events",
        ),
    ] {
        let errors = bad("f.yaml", &with(emit));
        assert!(errors.contains(said), "{emit}: {errors}");
    }
}

#[test]
fn a_circle_of_its_own_is_worth_a_warning() {
    let emits = "emit: {type: mail.seen}";
    let found = applied("f.yaml", &with(emits)).expect("it may be meant");
    let said = &found.warnings[0].what;
    assert_eq!(said, "each mail.seen that it emits sets it off again");
    for ends in [
        "emit: {type: mail.seen, when: trigger.data.n < 3}",
        "filter: trigger.data.n < 3\nemit: {type: mail.seen}",
        "emit: {type: seen}",
    ] {
        assert!(good(&with(ends)).warnings.is_empty(), "{ends}");
    }
}

#[test]
fn no_event_writes_keys_of_its_own() {
    let input = |text: &str| with(&format!("start: {{plan: p, input: {text}}}"));
    let safe = "{{ {\"who\": concat(\"\", (trigger.data.who))} | tojson }}";
    for (text, made) in [
        ("'{\"who\": \"{{ trigger.data.who }}\"}'", safe),
        (
            "{who: \"{{ trigger.data.who }}\"}",
            "{{ {\"who\": (trigger.data.who)} | tojson }}",
        ),
        (
            "'{\"n\": {{ trigger.data.n | tojson }}, \"m\": {{ trigger.data.m }}}'",
            "{{ {\"n\": (trigger.data.n), \"m\": (trigger.data.m)} | tojson }}",
        ),
        (
            "'hello {{ trigger.data.who }}'",
            "hello {{ trigger.data.who }}",
        ),
        (
            "'{{ trigger.data.who }} wrote {{ trigger.data.what }}'",
            "{{ trigger.data.who }} wrote {{ trigger.data.what }}",
        ),
    ] {
        let found = good(&input(text));
        let (_, spec) = &found.subscriptions[0];
        let starts = spec.listens().unwrap().starts.clone().unwrap();
        assert_eq!(starts.input.as_deref(), Some(made), "{text}");
    }
    let raw = "'{\"n\": 1, {{ trigger.data.n }}}'";
    for spoilt in [
        input(raw),
        with(&format!("emit: {{type: far, data: {raw}}}")),
    ] {
        let errors = bad("f.yaml", &spoilt);
        assert!(
            errors.contains("an event could write keys of its own"),
            "{errors}"
        );
    }
    let twice = bad(
        "f.yaml",
        &input("'{\"n\": 1, \"n\": {{ trigger.data.n }}}'"),
    );
    assert!(twice.contains("the key \"n\" is there twice"), "{twice}");
    let made = bad("f.yaml", &input("'{\"{{ trigger.data.n }}\": 1}'"));
    assert!(made.contains("is made of an event"), "{made}");
}
