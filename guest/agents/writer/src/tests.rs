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

#[test]
fn everything_belongs_in_unless_somebody_is_asked_about() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    whole["findings"][0]["decisions"][0]["concerns_client"] = json!(false);
    whole["analysis"][0]["groups"][0]["outliers"][0]["party"] = json!("Sahalava");
    let scopes = &mut whole["analysis"][0]["groups"][0]["scopes"];
    scopes[0]["rows"] = json!(9);
    scopes
        .as_array_mut()
        .expect("a list")
        .push(json!({"name": "client", "rows": 2, "files": [], "totals": []}));
    let named = handle(&whole.to_string()).expect("a report");
    for needle in [
        "## Left out or unreadable\n\n+ 1 finding(s) don't mention Riake\n",
        "+ 7 row(s) of tables don't name Riake\n",
    ] {
        assert!(named.contains(needle), "no {needle} in {named}");
    }
    assert!(!named.contains("We keep blue.") && !named.contains("A-9"));
    whole["about"] = json!("");
    whole["findings"][0]["decisions"][0]["concerns_client"] = Value::Null;
    let all = handle(&whole.to_string()).expect("a report");
    assert!(
        all.contains("We keep blue.") && all.contains("A-9"),
        "{all}"
    );
    assert!(all.contains("# Weekly report — Riake") && !all.contains("Left out"));
}

#[test]
fn what_could_not_be_read_is_listed_once() {
    let mut whole: Value = serde_json::from_str(&input("fr", json!({}))).expect("JSON");
    whole["left_out"] = json!([{"path": "priv", "why": "permission denied"}]);
    whole["findings"][0]["notes"] = json!(["b.eml: not read: not text", "e.txt: empty"]);
    whole["analysis"][0]["notes"] = json!(["e.txt: empty"]);
    let report = handle(&whole.to_string()).expect("a report");
    let listed = "## Laissé de côté ou illisible\n\n+ priv (permission denied)\n\
                  + b.eml: not read: not text\n+ e.txt: empty\n";
    assert!(report.contains(listed), "{report}");
}

#[test]
fn a_skill_that_says_nothing_is_not_mentioned() {
    for (answer, shown) in [
        (json!("  "), false),
        (json!(null), false),
        (json!("none overdue"), true),
    ] {
        let skills = json!({"skills": {"overdue": answer}});
        let report = handle(&input("en", skills)).expect("a report");
        assert_eq!(report.contains("skill:overdue"), shown, "{report}");
    }
}

#[test]
fn quoted_text_steers_no_screen() {
    let mut whole: Value = serde_json::from_str(&input("en", json!({}))).expect("JSON");
    let decision = &mut whole["findings"][0]["decisions"][0];
    decision["text"] = json!("We \u{1b}[31mkeep\u{9b}2J blue\u{202e}.\r\nYes");
    decision["who"] = json!("A\u{0}\u{2066}nna");
    let report = handle(&whole.to_string()).expect("a report");
    assert!(
        report.contains("- We [31mkeep2J blue.  Yes — Anna, 2026-10-07 (m.eml:1)"),
        "{report}"
    );
}
