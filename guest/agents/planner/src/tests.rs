use serde_json::{Value, json};

use super::*;

fn read(input: &str) -> Value {
    serde_json::from_str(&handle(input).expect("an answer")).expect("JSON")
}

#[test]
fn notes_become_dated_steps_in_order_and_open_questions() {
    let notes = "# 2026-10-07\n- [ ] Hery: send the quote — 2026-10-09\n\
        - [ ] Soa: check the list — \
                 2026-10-08\n- [x] Soa: done — 2026-10-08\n- [ ] Tojo: tidy\n\nWho calls wabc?\n";
    let plan = read(&json!({"path": "2026-10-07.md", "text": notes}).to_string());
    let steps = plan["steps"].as_array().expect("steps");
    let show = |step: &Value| {
        format!(
            "{} {} {} {}",
            step["n"], step["owner"], step["due"], step["what"]
        )
    };
    let shown: Vec<String> = steps.iter().map(show).collect();
    assert_eq!(
        shown,
        [
            "1 \"Soa\" \"2026-10-08\" \"check the list\"",
            "2 \"Hery\" \"2026-10-09\" \"send the quote\"",
        ]
    );
    assert_eq!(plan["undated"][0]["owner"], "Tojo");
    assert_eq!(plan["open"][0]["cite"], "2026-10-07.md:7");
    assert_eq!(plan["open"][0]["about"], json!(["calls", "wabc"]));
}

#[test]
fn plain_notes_mention_everybody_who_is_asked_about() {
    let notes = "We decided to ship the XYZ edition on Monday.\nWho calls wabc?\n\
        The report is due on Friday.\n";
    let plan = read(notes);
    assert!(plan["open"].to_string().contains("wabc"), "{plan}");
    assert_eq!(plan["steps"][0]["due"], "Friday");
    assert!(plan["undated"].to_string().contains("XYZ"), "{plan}");
}

#[test]
fn an_instruction_is_followed_in_its_own_order() {
    let plan = read(
        "{\"task\":\"Read the mails, then write the report and send it. \
         Hery: approve it by Friday.\"}",
    );
    let steps = plan["steps"].as_array().expect("steps");
    let shown: Vec<String> = steps
        .iter()
        .map(|step| format!("{} after {}", step["what"], step["after"]))
        .collect();
    assert_eq!(
        shown,
        [
            "\"Read the mails\" after null",
            "\"write the report and send it\" after 1",
            "\"approve it by Friday\" after 2",
        ]
    );
    assert_eq!(
        (&steps[2]["owner"], &steps[2]["due"]),
        (&json!("Hery"), &json!("Friday"))
    );
}

fn findings() -> Value {
    let finding = |kind: &str, line: u32, more: Value| {
        let mut finding = json!({"kind": kind, "text": format!("text {line}"), "file": "m.eml",
            "line": line, "cite": format!("m.eml:{line}"), "date": "2026-10-07"});
        let fields = finding.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        finding
    };
    json!({
        "decisions": [finding("decision", 1, json!({})),
            finding("decision", 2, json!({"concerns_client": false})),
            finding("decision", 3, json!({"date": "2026-08-01"}))],
        "questions": [finding("question", 4, json!({})),
            finding("question", 5, json!({"answered_by": "m.eml:1"}))],
        "deadlines": [finding("deadline", 6, json!({"due": "2026-10-20"})),
            finding("deadline", 7, json!({"due": "2026-10-08"}))],
    })
}

#[test]
fn findings_of_a_researcher_are_planned_as_they_are_or_as_text() {
    for input in [
        findings(),
        json!({"findings": [findings()]}),
        json!({"findings": [findings().to_string()]}),
    ] {
        let plan = read(&input.to_string());
        assert_eq!(plan["steps"][0]["cite"], "m.eml:7", "{input}");
        assert_eq!(plan["open"].as_array().map(Vec::len), Some(1), "{input}");
    }
}

#[test]
fn a_layout_puts_each_finding_where_it_belongs() {
    let input = json!({"want": "report-layout", "client": "Riake", "language": "fr",
        "period": {"from": "2026-10-05", "to": "2026-10-09"}, "findings": [findings()],
        "analysis": [{"groups": [{"outliers": [{"cite": "i.csv:9"}]}]}]});
    let layout = read(&input.to_string());
    assert_eq!(layout["title"], "Rapport hebdomadaire — Riake");
    let show = |section: &Value| {
        format!(
            "{}{}",
            section["id"].as_str().expect("id"),
            section["items"]
        )
    };
    let sections: Vec<String> = layout["sections"]
        .as_array()
        .expect("sections")
        .iter()
        .map(show)
        .collect();
    assert_eq!(
        sections,
        [
            "summary[]",
            "decisions[\"m.eml:1\"]",
            "questions[\"m.eml:4\"]",
            "deadlines[\"m.eml:7\",\"m.eml:6\"]",
            "money[\"i.csv:9\"]",
            "hours[]",
            "next[\"m.eml:6\"]",
        ]
    );
}

#[test]
fn nothing_to_plan_is_said() {
    for input in ["", "{}", "hello"] {
        assert!(
            read(input)["notes"].to_string().contains("nothing to plan"),
            "{input}"
        );
    }
}
