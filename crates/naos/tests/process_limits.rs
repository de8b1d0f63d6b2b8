//! `naos report` where there is much, where an agent fails, and in two languages.

mod project;

use std::fs;
use std::path::Path;

use project::{Ended, naos_in};

const HEAD: &str = "Invoice,Client,Date,Due,Amount,Status\n";
const NOTE: &str = "We decided to stay.\n";

fn put(dir: &Path, name: &str, text: &str) {
    let path = dir.join("ck").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn report(dir: &Path, more: &[&str]) -> Ended {
    let words = ["report", "ck", "--from", "2026-11-20", "--to", "2026-11-26"];
    let words: Vec<&str> = words.iter().chain(more).copied().collect();
    naos_in(dir, &words)
}

fn contains(text: &str, needles: &[&str]) {
    for needle in needles {
        assert!(text.contains(needle), "no {needle:?} in:\n{text}");
    }
}

/// The agency's workforce, with one agent that may hardly do anything.
fn with_a_weak(dir: &Path, agent: &str) {
    let office = include_str!("../../../examples/agency/nexus.config.yaml");
    let template = format!("template: {agent}\n");
    let weak = format!("{template}    limits: {{fuel: 100000}}\n");
    put(dir, "nexus.config.yaml", &office.replace(&template, &weak));
}

#[test]
fn process_very_many_rows_are_counted_and_places_are_named_up_to_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    // All alike under other numbers; all the same; and so many that they fill ten megabytes.
    let alike = |at: usize| format!("A-{at},Riake,2026-11-20,2026-11-23,1200.00,open\n");
    let alike: String = (0..999).map(alike).collect();
    put(dir.path(), "a/alike.csv", &format!("{HEAD}{alike}"));
    let same = "S-1,Soa,2026-11-20,2026-11-23,3.00,open\n".repeat(999);
    put(dir.path(), "b/same.csv", &format!("{HEAD}{same}"));
    let large = |at: usize| format!("L-{at},Client {},2026-11-21,,1.00,paid,x\n", at % 300);
    let large: String = (0..100_000).map(large).collect();
    let pad = "y".repeat(55);
    let large = large.replace(",x\n", &format!(",{pad}\n"));
    assert!(
        large.len() > 9_000_000 && large.len() < 10 << 20,
        "{}",
        large.len()
    );
    let head = "Invoice,Client,Date,Due,Amount,Status,Note\n";
    put(dir.path(), "c/large.csv", &format!("{head}{large}"));
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    contains(&ended.stdout, &["MiB are read: this takes a while"]);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    contains(
        &text,
        &[
            "1,198,800.00",
            "- Duplicate: S-1, 3.00, counted once, 949 more, not listed here (b/same.csv:2, ",
            "1,200.00, 949 more, not listed here (a/alike.csv:2, ",
            "100,000.00",
        ],
    );
    assert!(!text.contains("agent failed"), "{text}");
}

#[test]
fn process_a_table_that_an_agent_fails_on_is_left_out_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    with_a_weak(dir.path(), "analyzer");
    put(
        dir.path(),
        "a.csv",
        &format!("{HEAD}A-1,Riake,2026-11-20,2026-11-23,1.00,open\n"),
    );
    put(dir.path(), "n.md", NOTE);
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let failed = "an agent failed on a.csv: used all of its 100000 units of fuel";
    contains(&format!("{}{}", ended.stdout, ended.stderr), &[failed]);
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    let told = "a.csv (not read: the agent failed on it; divide it or save it anew, and make";
    contains(&text, &["- We decided to stay", told]);
}

#[test]
fn process_a_report_that_cannot_be_made_says_so_with_reason_code_and_status() {
    let dir = tempfile::tempdir().unwrap();
    with_a_weak(dir.path(), "reviewer");
    put(dir.path(), "n.md", NOTE);
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 1, "{}{}", ended.stdout, ended.stderr);
    let reason = "the report could not be made: its step review failed: used all of its 100000";
    contains(&ended.stderr, &[reason, "[N0180]", "raise limits.fuel"]);
    assert!(!ended.stdout.contains("report: "), "{}", ended.stdout);

    // Without a budget nothing is done: that is the reason, and what to do says how to raise it.
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "n.md", NOTE);
    assert_eq!(report(dir.path(), &["--once"]).exit, 4);
    let home = dir.path().join("ck/.naos");
    let ended = naos_in(&home, &["cost", "set", "--global", "--budget", "0"]);
    assert_eq!(ended.exit, 0, "{}", ended.stderr);
    put(dir.path(), "m.md", NOTE);
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 3, "{}{}", ended.stdout, ended.stderr);
    contains(
        &ended.stderr,
        &["nothing left of $0.00", "[N0143]", "`naos cost set`"],
    );
}

#[test]
fn process_files_of_other_kinds_and_too_large_ones_are_named() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "n.md", NOTE);
    put(dir.path(), "data.json", "[{\"a\": 1}]");
    put(dir.path(), "LICENCE", "x");
    let large = "1,2\n".repeat((11 << 20) / 4);
    put(dir.path(), "large.csv", &format!("a,b\n{large}"));
    for name in ["x.csv", "y.csv"] {
        let rows = "text,2\n".repeat((7 << 20) / 7);
        put(dir.path(), name, &format!("a,b\n{rows}"));
    }
    let ended = report(dir.path(), &["--yes"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    let unread = "a kind that isn't read: save it as .md, .txt or .csv";
    let told = [
        format!("data.json ({unread})"),
        format!("LICENCE ({unread})"),
        "large.csv (larger than 10 MiB)".to_owned(),
        "x.csv (not read: with it there is more than the 12 MiB that one report takes".to_owned(),
    ];
    let text = fs::read_to_string(dir.path().join("ck/reports/ck-2026-11-26.md")).unwrap();
    for line in &told {
        contains(&text, &[&format!("+ {line}")]);
        contains(&format!("{}{}", ended.stdout, ended.stderr), &[line]);
    }
}
