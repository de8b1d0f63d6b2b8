use serde_json::{Value, json};

use super::*;

const FORM: &str = "# Weekly report — Riake\n\n## Summary\n\n## Decisions\n\nDECISIONS\n\n\
    ## Open questions\n\n\
                    ## Deadlines\n\n## Money\n\nMONEY\n\n## Hours\n\n## Next steps\n";

fn review(decisions: &str, money: &str) -> Value {
    let report = FORM.replace("DECISIONS", decisions).replace("MONEY", money);
    let input = json!({
        "report": report,
        "sources": [
            {"path": "mail/1.eml", "text": "From: a@x.example\nTo: b@x.example\n\
                Subject: Offer\n\nWe decided to keep the blue palette.\n\n\
                The invoice A-9 is 4 200 000 Ar for Riake.\n"},
            {"path": "i.csv", "text": "number,client,net\nA-1,Riake,100000\nA-9,Riake,42000000\n"},
        ],
        "analysis": [{"groups": [{"kind": "invoices", "files": ["i.csv"],
            "scopes": [{"name": "all", "totals": [{"column": "net", "with_duplicates": "42200000",
                "without_duplicates": "42100000"}]}],
            "outliers": [{"column": "net", "value": "42000000", "number": "A-9",
                "party": "Riake", "cite": "i.csv:3"}]}]}],
    });
    serde_json::from_str(&handle(&input.to_string()).expect("an answer")).expect("JSON")
}

fn codes(answer: &Value) -> Vec<&str> {
    let evidence = answer["evidence"].as_array().expect("evidence");
    evidence
        .iter()
        .map(|it| it["code"].as_str().expect("a code"))
        .collect()
}

#[test]
fn the_first_line_of_a_piece_is_not_behind_the_last_one() {
    let report = FORM.replace(
        "DECISIONS",
        "- We decided to keep the blue palette. (long.md:3)",
    );
    let input = json!({"report": report.replace("MONEY", ""), "sources": [
        {"path": "long.md", "text": "and so on\nand on\n", "line": 1},
        {"path": "long.md", "text": "We decided to keep the blue palette.\n", "line": 3}]});
    let answer = handle(&input.to_string()).expect("an answer");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(codes(&answer), Vec::<&str>::new(), "{answer}");
}

#[test]
fn every_rule_is_broken_once() {
    let good = "- We decided to keep the blue palette. — a@x.example (mail/1.eml:5)";
    for (decisions, money, expected) in [
        (good, "", vec![]),
        (
            "- We decided to keep the blue palette.",
            "",
            vec!["missing-citation"],
        ),
        (
            "- We decided to keep the blue palette. (mail/1.eml:99)",
            "",
            vec!["unresolved-citation"],
        ),
        (
            "- We decided to keep the blue palette. (mail/1.eml:6)",
            "",
            vec!["unresolved-citation"],
        ),
        (
            "- We decided to keep the blue palette. (mail/2.eml:1)",
            "",
            vec!["unresolved-citation"],
        ),
        (
            "- Bonjour tout monde (mail/1.eml:1)",
            "",
            vec!["unrelated-citation"],
        ),
        (
            good,
            "- Billed, net: 42,200,000 (i.csv:1)",
            vec!["double-counted", "contradicted-amount"],
        ),
        (
            good,
            "- Billed, net: 42,100,000 (i.csv:1)",
            vec!["contradicted-amount"],
        ),
        (
            good,
            "- Billed, net: 43,000,000 (i.csv:2)",
            vec!["unrelated-citation", "wrong-total", "contradicted-amount"],
        ),
        (
            good,
            "- A-9: 42,000,000 (i.csv:3), the source says 4,200,000 (mail/1.eml:7)",
            vec![],
        ),
        (good, "- Skill totals: 1 (skill:totals)", vec![]),
    ] {
        let answer = review(decisions, money);
        assert_eq!(codes(&answer), expected, "{decisions} {money}\n{answer:#}");
        let verdict = if expected.is_empty() {
            "praise"
        } else {
            "refute"
        };
        assert_eq!(answer["verdict"], verdict);
    }
}

#[test]
fn evidence_says_what_the_source_says_instead() {
    let answer = review("", "- Billed, net: 42,100,000 (i.csv:1)");
    let evidence = &answer["evidence"][0];
    assert_eq!(evidence["cite"], "i.csv:3");
    assert_eq!(evidence["source"], "mail/1.eml:7");
    assert_eq!(evidence["expected"], "4200000");
}

#[test]
fn missing_sections_are_named_and_no_report_is_an_error() {
    let report = json!({"report": "# Report\n\n## Summary\n"}).to_string();
    let answer: Value = serde_json::from_str(&handle(&report).expect("an answer")).expect("JSON");
    assert_eq!(codes(&answer).len(), 6);
    for input in ["", "{}", r#"{"report": "  "}"#] {
        assert!(
            handle(input).expect_err("no report").contains("no report"),
            "{input}"
        );
    }
}

#[test]
fn what_was_not_handed_over_is_counted_and_not_refuted() {
    let good = "We decided to keep the blue palette.";
    for (cite, expected) in [
        ("box.mbox:105", vec![]),
        ("box.mbox:106", vec!["unresolved-citation"]),
        ("box.mbox:5", vec![]),
        ("far.eml:7", vec![]),
        ("none.eml:7", vec!["unresolved-citation"]),
    ] {
        let report = FORM.replace("DECISIONS", &format!("- {good} ({cite})"));
        let piece = format!("From a\nFrom: a@x.example\nTo: b@x.example\n\n{good}\n\n");
        let input = json!({"report": report.replace("MONEY", ""),
            "paths": ["box.mbox", "far.eml"],
            "sources": [{"path": "box.mbox", "text": piece, "line": 101}]});
        let answer = handle(&input.to_string()).expect("an answer");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(codes(&answer), expected, "{cite}: {answer:#}");
        let unread = matches!(cite, "box.mbox:5" | "far.eml:7");
        assert_eq!(
            answer["notes"]
                .to_string()
                .contains("1 citation(s) not checked"),
            unread
        );
    }
}

#[test]
fn somebody_elses_invoice_is_no_matter_of_a_clients_report() {
    for (client, expected) in [("Riake", 1), ("Sahalava", 0), ("", 1)] {
        let report = FORM.replace("DECISIONS", "");
        let report = report.replace("MONEY", "- Billed, net: 42,100,000 (i.csv:1)");
        let input = json!({"report": report, "client": client,
            "sources": [
                {"path": "m.md", "text": "The invoice A-9 is 4 200 000 Ar for Riake.\n"},
                {"path": "i.csv", "text": "number,net\nA-9,42000000\n"}],
            "analysis": [{"groups": [{"kind": "invoices", "scopes": [{"totals": [
                {"column": "net", "without_duplicates": "42100000"}]}],
                "outliers": [{"column": "net", "value": "42000000", "number": "A-9",
                    "party": "Riake", "cite": "i.csv:2"}]}]}]});
        let answer = handle(&input.to_string()).expect("an answer");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(codes(&answer).len(), expected, "{client}: {answer:#}");
    }
}

#[test]
fn what_stands_in_the_cited_line_is_never_refuted_for_being_short() {
    for (note, claim, expected) in [
        ("We agreed on it.", "- We agreed on it. (a.md:1)", 0),
        (
            "We agreed on it.",
            "- 1 decision in the period; the last: « We agreed on it. » (a.md:1)",
            0,
        ),
        (
            "We decided A.",
            "- We decided A. — Soa, 2026-10-09 (a.md:1)",
            0,
        ),
        (
            "We decided A.",
            "- 1 decision in the period; the last: « We decided A. » (a.md:1)",
            0,
        ),
        ("A or B?", "- Answer: A or B? (a.md:1)", 0),
        ("A or B?", "- A or B? → We do A. — Soa (a.md:1)", 0),
        (
            "To do: A.",
            "- **2026-10-09** — To do: A. — Soa (a.md:1)",
            0,
        ),
        ("???", "- ??? (a.md:1)", 0),
        ("We agreed on it.", "- They did so. — Soa (a.md:1)", 1),
        (
            "We agreed on it.",
            "- 1 decision in the period; the last: « Do B. » (a.md:1)",
            1,
        ),
        ("— Soa", "- They did so. — Soa (a.md:1)", 1),
    ] {
        let report = FORM.replace("DECISIONS", claim).replace("MONEY", "");
        let input = json!({"report": report, "sources": [{"path": "a.md", "text": note}]});
        let answer = handle(&input.to_string()).expect("an answer");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(codes(&answer).len(), expected, "{claim}: {answer:#}");
    }
}
