//! The whole chain on the agency's real files: researcher and analyzer, planner, writer,
//! reviewer, and the writer again until the reviewer praises.

#[path = "agency/mod.rs"]
mod files_of;

use std::collections::BTreeSet;
use std::fs;

use files_of::{agency, files, material, parsed, run};
use serde_json::{Value, json};

fn review(report: &str, material: &Value) -> Value {
    let sources = files(&["mail", "notes", "invoices", "timesheets"]);
    let input = json!({"report": report, "sources": sources, "analysis": material["analysis"]});
    parsed(&run(reviewer::handle, &input))
}

#[test]
fn the_reviewer_refutes_the_wrong_amount_and_praises_the_mended_report() {
    for language in ["fr", "en"] {
        let mut material = material(language);
        let first = run(writer::handle, &material);
        let refutation = review(&first, &material);
        let evidence = refutation["evidence"].as_array().expect("evidence");
        let codes: Vec<&Value> = evidence.iter().map(|it| &it["code"]).collect();
        assert_eq!(codes, ["contradicted-amount"], "{refutation:#}");
        assert_eq!(
            evidence[0]["cite"],
            "invoices/invoices-issued-2026-08-10.csv:95"
        );
        assert_eq!(evidence[0]["expected"], "4200000.00");
        material["feedback"] = json!(refutation.to_string());
        let second = run(writer::handle, &material);
        let praise = review(&second, &material);
        assert_eq!(praise["verdict"], "praise", "{praise:#}\n{second}");
        let corrected = if language == "fr" {
            "61\u{202f}250\u{202f}000,00"
        } else {
            "61,250,000.00"
        };
        assert!(second.contains(corrected), "{second}");
    }
}

#[test]
fn the_report_is_full_of_citations_that_hold() {
    let material = material("fr");
    let report = run(writer::handle, &material);
    let mut places = BTreeSet::new();
    for line in report.lines().filter(|line| line.starts_with("- ")) {
        let Some((_, cites)) = line.rsplit_once('(') else {
            panic!("no citation: {line}")
        };
        for cite in cites
            .trim_end_matches(')')
            .split(", ")
            .filter(|it| !it.starts_with("skill:"))
        {
            let (file, number) = cite.rsplit_once(':').expect("file:line");
            let text = fs::read(agency().join(file)).expect("the file");
            let number: usize = number.parse().expect("a line");
            let held = text
                .split(|&byte| byte == b'\n')
                .nth(number - 1)
                .expect("the line");
            assert!(
                held.iter().any(|byte| !byte.is_ascii_whitespace()),
                "{cite} is blank"
            );
            places.insert(cite.to_owned());
        }
    }
    assert!(places.len() >= 40, "{} places: {places:?}", places.len());
}

#[test]
fn the_report_shows_no_other_clients_money_and_no_internal_matter() {
    let report = run(writer::handle, &material("fr"));
    for foreign in [
        "Maison Belrive",
        "Hôtel Ambohitsoa",
        "Transports Fasika",
        "alahady, na dia maika",
    ] {
        assert!(!report.contains(foreign), "{foreign} is in {report}");
    }
    assert!(
        report.contains("FS-2026-0341") && report.contains("FS-2026-0358"),
        "{report}"
    );
}

#[test]
fn a_report_that_was_tampered_with_is_refuted() {
    let material = material("en");
    let report = run(writer::handle, &material);
    let tampered = report.replace("99,050,000.00", "98,050,000.00");
    assert_ne!(tampered, report);
    let answer = review(&tampered, &material);
    assert!(
        answer["evidence"].to_string().contains("wrong-total"),
        "{answer:#}"
    );
}
