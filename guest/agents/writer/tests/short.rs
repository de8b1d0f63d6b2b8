//! Notes of a few words: what is quoted from them is praised, in the decisions and in the summary.

use serde_json::{Value, json};

#[test]
fn short_decisions_are_quoted_and_not_refuted() {
    for text in [
        "We agreed on it.",
        "We decided A.",
        "On a décidé cela.",
        "Decision: A.\n\nWho does it?",
    ] {
        let files = json!([{"path": "a.md", "text": format!("{text}\n")}]);
        let read = json!({"files": files}).to_string();
        let findings = researcher::handle(&read).expect("findings");
        let input = json!({"client": "R", "about": "", "findings": [findings]});
        let report = writer::handle(&input.to_string()).expect("a report");
        assert!(report.contains("(a.md:1)"), "{report}");
        let review = json!({"report": report, "sources": files}).to_string();
        let review = reviewer::handle(&review).expect("a review");
        let review: Value = serde_json::from_str(&review).expect("JSON");
        assert_eq!(review["verdict"], "praise", "{review:#}\n{report}");
    }
}
