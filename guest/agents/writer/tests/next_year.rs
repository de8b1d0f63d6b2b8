//! Late in a year, much is due in the next one, which stands in no table yet.

mod tables;

use serde_json::{Value, json};

#[test]
fn what_is_due_next_year_is_praised_beside_tables_of_this_one() {
    let mail = "From: Ann <a@b.example>\nTo: x@y.example\nSubject: Contract\n\
        Date: Thu, 5 Nov 2026 10:00:00 +0000\nMessage-ID: <s@b.example>\n\n";
    let table = "Invoice,Client,Date,Due,Amount,Status\n\
        F-1,L,2026-10-01,2026-10-31,1000.00,open\n";
    for (said, language) in [
        ("The contract is due on January 8.", "en"),
        ("Il faut signer le contrat avant le 8 janvier.", "fr"),
    ] {
        let mail = format!("{mail}{said}\n");
        let files = [("a.eml", mail.as_str()), ("i.csv", table)];
        let analysis = tables::counted(&files[1..], "");
        let found = researcher::handle(&json!({"files": tables::files(&files[..1])}).to_string());
        let found = [found.expect("findings")];
        let period = json!({"from": "2026-11-01", "to": "2026-11-15"});
        let layout = json!({"want": "report-layout", "findings": found, "period": period});
        let layout = planner::handle(&layout.to_string()).expect("a layout");
        let input = json!({"client": "ck", "about": "", "findings": found, "layout": layout,
            "analysis": [analysis], "period": period, "language": language});
        let report = writer::handle(&input.to_string()).expect("a report");
        tables::holds(&report, &["2027-01-08"]);
        let review = json!({"report": report, "analysis": [analysis],
            "sources": tables::files(&files)});
        let review = reviewer::handle(&review.to_string()).expect("a review");
        let review: Value = serde_json::from_str(&review).expect("JSON");
        assert_eq!(review["verdict"], "praise", "{review:#}\n{report}");
    }
}
