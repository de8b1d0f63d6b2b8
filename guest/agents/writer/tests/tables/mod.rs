//! From tables to the report that a reviewer praises, as the plan goes.
#![allow(dead_code, reason = "each test binary uses its own part")]

use serde_json::{Value, json};

/// The day up to which is counted.
pub const TODAY: &str = "2026-11-26";
/// So many rounds the plan allows.
const ROUNDS: usize = 3;

fn run(agent: fn(&str) -> Result<String, String>, input: &Value) -> String {
    agent(&input.to_string()).expect("an answer")
}

/// Files as they are handed over.
pub fn files(files: &[(&str, &str)]) -> Value {
    let file = |(path, text): &(&str, &str)| json!({"path": path, "text": text});
    files.iter().map(file).collect()
}

/// What is counted, as JSON.
pub fn counted(tables: &[(&str, &str)], about: &str) -> String {
    let period = json!({"from": "2026-11-20", "to": TODAY});
    let input = json!({"client": about, "today": TODAY, "period": period, "files": files(tables)});
    run(analyzer::handle, &input)
}

/// The report and what its reviewer found, in the first round that is praised or in the last one.
pub fn reviewed(tables: &[(&str, &str)], language: &str, about: &str) -> (String, Value, usize) {
    let analysis = counted(tables, about);
    let mut material = json!({"client": "ck", "about": about, "language": language,
        "period": {"from": "2026-11-20", "to": TODAY}, "analysis": [analysis]});
    let mut round = 1;
    loop {
        let report = run(writer::handle, &material);
        let review = json!({"report": report, "client": about, "analysis": [analysis],
            "sources": files(tables)});
        let answer = run(reviewer::handle, &review);
        let review: Value = serde_json::from_str(&answer).expect("JSON");
        if review["verdict"] == "praise" || round == ROUNDS {
            return (report, review, round);
        }
        material["feedback"] = json!(answer);
        round += 1;
    }
}

/// The report of a folder without a named client, praised at once.
pub fn report(tables: &[(&str, &str)], language: &str) -> String {
    let (report, review, round) = reviewed(tables, language, "");
    assert_eq!(review["verdict"], "praise", "{review:#}\n{report}");
    assert_eq!(round, 1, "{report}");
    report
}

/// Every needle is in the text.
pub fn holds(text: &str, needles: &[&str]) {
    for needle in needles {
        assert!(text.contains(needle), "no {needle:?} in:\n{text}");
    }
}

/// None of them is.
pub fn lacks(text: &str, needles: &[&str]) {
    for needle in needles {
        assert!(!text.contains(needle), "{needle:?} is in:\n{text}");
    }
}
