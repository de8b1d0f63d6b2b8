use serde_json::{Value, json};

use super::*;

fn input(language: &str, more: Value) -> String {
    let finding = |kind: &str, line: u32, text: &str| {
        json!({"kind": kind, "text": text,
        "file": "m.eml", "line": line, "cite": format!("m.eml:{line}"), "date": "2026-10-07"})
    };
    let mut deadline = finding("deadline", 4, "Send the quote");
    deadline["due"] = json!("2026-10-20");
    let mut whole = json!({
        "client": "Riake", "language": language,
        "period": {"from": "2026-10-05", "to": "2026-10-09"},
        "findings": [{"decisions": [finding("decision", 1, "We keep blue.")],
            "questions": [finding("question", 2, "Who calls?")], "deadlines": [deadline]}],
        "analysis": [{"groups": [{"kind": "invoices", "files": ["i.csv"],
            "scopes": [{"name": "all", "files": ["i.csv"], "totals": [
                {"column": "net", "currency": "MGA",
                "with_duplicates": "1234567.50", "without_duplicates": "1000000.50"}]}],
            "outliers": [{"column": "net", "value": "900000", "currency": "MGA",
                "number": "A-9", "party": "Riake", "median": "10", "cite": "i.csv:9"}]}]}],
    });
    let fields = whole.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    whole.to_string()
}

#[test]
fn both_languages_cite_every_claim() {
    for (language, needles) in [
        (
            "en",
            [
                "# Weekly report — Riake",
                "1,000,000.50 MGA",
                "## Next steps",
            ],
        ),
        (
            "fr",
            [
                "# Rapport hebdomadaire — Riake",
                "1\u{202f}000\u{202f}000,50 MGA",
                "## Prochaines étapes",
            ],
        ),
    ] {
        let report = handle(&input(language, json!({}))).expect("a report");
        for needle in needles {
            assert!(report.contains(needle), "no {needle} in {report}");
        }
        for line in report.lines().filter(|line| line.starts_with("- ")) {
            assert!(
                line.ends_with(')') && line.contains(':'),
                "no citation: {line}"
            );
        }
    }
}

#[test]
fn feedback_mends_what_was_refuted_and_nothing_else() {
    let first = handle(&input("en", json!({}))).expect("a report");
    let refuted = "- Who calls? (m.eml:2)";
    assert!(first.contains(refuted));
    let feedback = json!({"feedback": {"verdict": "refute", "evidence": [
        {"code": "unrelated-citation", "claim": refuted, "cite": "m.eml:2"},
        {"code": "contradicted-amount", "claim": "", "cite": "i.csv:9", "expected": "90000",
            "source": "m.eml:1"},
    ]}});
    let second = handle(&input("en", feedback)).expect("a report");
    assert!(!second.contains(refuted), "{second}");
    assert!(
        second.contains("Corrected total, before tax: 190,000.50 MGA (i.csv:9, m.eml:1)"),
        "{second}"
    );
    let lost: Vec<&str> = first
        .lines()
        .filter(|line| !second.contains(line))
        .collect();
    assert_eq!(lost, [refuted]);
}

#[test]
fn a_layout_chooses_sections_and_items() {
    let layout = json!({"layout": {"sections": [
        {"id": "questions", "items": []}, {"id": "decisions", "items": ["m.eml:1"]},
        {"id": "unknown"}]}});
    let report = handle(&input("en", layout)).expect("a report");
    let headings: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("## "))
        .collect();
    assert_eq!(headings, ["## Open questions", "## Decisions"]);
    assert!(
        report.contains("Nothing found") && report.contains("We keep blue."),
        "{report}"
    );
}

#[test]
fn nothing_to_report_is_an_error() {
    for input in ["", "{}", "hello", r#"{"findings": "x"}"#] {
        assert!(
            handle(input)
                .expect_err("nothing")
                .contains("nothing to report"),
            "{input}"
        );
    }
}
