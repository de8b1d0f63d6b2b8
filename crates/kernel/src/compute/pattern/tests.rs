use proptest::prelude::*;

use super::*;

fn found(pattern: &str, text: &str) -> Match {
    skill_match(&[pattern.to_owned()], text)
}

#[test]
fn how_well_a_pattern_fits() {
    for (pattern, text, least, most) in [
        ("overdue invoices", "Overdue invoices?", 10_000, 10_000),
        ("état des factures", "Etat des FACTURES.", 10_000, 10_000),
        (
            "total of *",
            "total of the September invoices",
            10_000,
            10_000,
        ),
        ("what time is it", "What time is it?", 10_000, 10_000),
        (
            "overdue invoices",
            "which invoices are overdue",
            9_500,
            9_500,
        ),
        (
            "overdue invoices",
            "list the invoices of Riake that are overdue",
            8_600,
            9_400,
        ),
        (
            "overdue invoices",
            "which invoice is overdue since a long time and why nobody said so",
            8_500,
            9_000,
        ),
        (
            "overdue invoices",
            "send the invoice to the client",
            6_000,
            7_000,
        ),
        ("total hours per client", "hours of the team", 5_000, 7_000),
        ("overdue invoices", "write a poem about rain", 0, 0),
        ("overdue invoices", "", 0, 0),
        ("", "anything", 0, 0),
        ("*", "anything", 0, 0),
    ] {
        let found = found(pattern, text);
        let fits = (least..=most).contains(&found.confidence);
        assert!(fits, "`{pattern}` in `{text}`: {found:?}");
    }
}

#[test]
fn captures() {
    for (pattern, text, confidence, expected) in [
        (
            "total for {client}",
            "Total for Riake & Co",
            10_000,
            &[("client", "Riake Co")][..],
        ),
        (
            "{who} owes {whom}",
            "Alice owes Bob",
            10_000,
            &[("who", "Alice"), ("whom", "Bob")],
        ),
        (
            "hours of {person} in *",
            "hours of Hery R. in March 2026",
            10_000,
            &[("person", "Hery R")],
        ),
        (
            "invoice {number}",
            "please pay invoice 2026-041",
            8_500,
            &[("number", "2026-041")],
        ),
        ("total for {client}", "total for", 8_500, &[]),
        ("a b", "a b", 10_000, &[]),
    ] {
        let found = found(pattern, text);
        let captures: Vec<(&str, &str)> = found
            .captures
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(captures, expected, "`{pattern}` in `{text}`");
        assert!(found.confidence >= confidence, "{found:?}");
    }
}

#[test]
fn reasons_are_sentences() {
    assert_eq!(found("a b", "A, b").reason, "the task is `a b`");
    let all = found("overdue invoices", "the invoices overdue today");
    assert_eq!(
        all.reason,
        "all words of `overdue invoices` stand in the task"
    );
    let some = found("overdue invoices", "invoices");
    assert_eq!(
        some.reason,
        "1 of 2 words of `overdue invoices` stand in the task"
    );
    assert_eq!(found("overdue invoices", "rain").reason, NONE);
}

#[test]
fn tasks_find_their_agent() {
    let templates = ["researcher", "analyzer", "coder", "planner", "echo"];
    for (text, expected) in [
        ("summarise the open questions in these notes", "researcher"),
        (
            "Résumer les décisions et les questions ouvertes",
            "researcher",
        ),
        (
            "find duplicates and totals in invoices.csv data",
            "analyzer",
        ),
        ("outline this code and list long functions", "coder"),
        ("plan the steps with owner and date", "planner"),
    ] {
        let fit = |name: &str| agent_match("a", Some(name), "", &[], text).confidence;
        let best = templates.iter().max_by_key(|name| fit(name)).unwrap();
        assert_eq!(*best, expected, "{text}");
        assert!(fit(expected) >= 8_000, "{text}: {}", fit(expected));
    }
    let text = "summarise the open questions in these notes";
    let named = agent_match("researcher", None, "", &[], text);
    assert!(named.confidence >= 8_000, "{named:?}");
    let described = "translates letters from French to Malagasy";
    let fit = |text: &str| agent_match("x", None, described, &[], text);
    let translated = fit("translate this letter to Malagasy");
    assert!(translated.confidence >= 8_000, "{translated:?}");
    assert_eq!(fit("bake bread").confidence, 0);
    let patterns = ["weather in {city}".to_owned()];
    let weather = agent_match("x", None, described, &patterns, "Weather in Toamasina");
    assert_eq!(weather.confidence, CERTAIN);
}

#[test]
fn faults() {
    for (pattern, expected) in [
        ("total for {client}", None),
        ("", Some("a pattern has at least one word")),
        ("* {x}", Some("a pattern has at least one word")),
        ("a {x", Some("a capture is written `{name}`")),
        (
            "a {} b",
            Some("{} is no capture: use letters, digits and _"),
        ),
        ("a {x} b {x}", Some("{x} stands twice")),
    ] {
        assert_eq!(fault(pattern).as_deref(), expected, "{pattern}");
    }
    assert!(fault(&"x".repeat(600)).is_some());
}

proptest! {
    #[test]
    fn nothing_panics_and_everything_is_in_bounds(
        pattern in "([a-zé]{1,4}|\\*|\\{[a-z]{0,2}\\}|\\{|\\}| |.){0,20}",
        text in "([a-zé]{1,4}|[.,'-]| |.){0,40}",
    ) {
        let found = found(&pattern, &text);
        let fits = found.confidence == 0 || (PARTIAL_MIN..=PARTIAL_MAX).contains(&found.confidence)
            || (KEYWORD_MIN..=KEYWORD_MAX).contains(&found.confidence)
            || found.confidence == CERTAIN;
        prop_assert!(fits, "{:?}", found);
        let _ = fault(&pattern);
    }

    #[test]
    fn a_pattern_without_signs_fits_itself(text in "[a-z]{1,6}( [a-z]{1,6}){0,5}") {
        prop_assert_eq!(found(&text, &text.to_uppercase()).confidence, CERTAIN);
    }
}
