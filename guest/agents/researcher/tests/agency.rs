//! The researcher on the agency's real files, against the truth that was written down for them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

fn agency() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/agency");
    assert!(
        folder.join("expected.json").is_file(),
        "no examples/agency/expected.json"
    );
    folder
}

/// Text as naos hands it over: UTF-8, or Latin-1 where it isn't.
fn text(path: &Path) -> String {
    let bytes = fs::read(path).expect("a readable file");
    String::from_utf8(bytes)
        .unwrap_or_else(|why| why.into_bytes().into_iter().map(char::from).collect())
}

fn answer() -> Value {
    let mut files = Vec::new();
    for folder in ["mail", "notes"] {
        let folder_path = agency().join(folder);
        let mut paths: Vec<PathBuf> = fs::read_dir(folder_path)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        for path in paths {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            files.push(json!({"path": format!("{folder}/{name}"), "text": text(&path)}));
        }
    }
    let input = json!({ "files": files }).to_string();
    let output = researcher::handle(&input).expect("an answer");
    serde_json::from_str(&output).expect("JSON")
}

fn expected() -> Value {
    serde_json::from_str(&text(&agency().join("expected.json"))).expect("JSON")
}

fn squeezed(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    kept.to_lowercase()
}

/// Found when the place is the same, or the text is the same in the same file.
fn same(found: &Value, wanted: &Value) -> bool {
    let file = found["file"] == wanted["file"];
    let line = wanted
        .get("line")
        .is_some_and(|line| *line == found["line"]);
    let text = squeezed(wanted["text"].as_str().unwrap_or_default());
    let ours = squeezed(found["text"].as_str().unwrap_or_default());
    let alike = ours.len() > 8 && (text.contains(&ours) || ours.contains(&text));
    file && (line || wanted.get("line").is_none()) && alike
}

struct Score {
    recall: f64,
    precision: f64,
    missed: Vec<String>,
    extra: Vec<String>,
}

fn score(answer: &Value, expected: &Value, kind: &str, list: &str) -> Score {
    let found = answer[list].as_array().expect("a list");
    let encoded = expected["encoded_facts"].as_array().expect("a list");
    let wanted: Vec<&Value> = expected[list]
        .as_array()
        .expect("a list")
        .iter()
        .chain(encoded.iter().filter(|fact| fact["kind"] == kind))
        .collect();
    assert!(wanted.len() > 50, "the truth is too short to judge by");
    let show = |it: &Value| format!("{}:{} {}", it["file"], it["line"], it["text"]);
    let missed: Vec<String> = wanted
        .iter()
        .filter(|wanted| !found.iter().any(|found| same(found, wanted)))
        .map(|wanted| show(wanted))
        .collect();
    let extra: Vec<String> = found
        .iter()
        .filter(|found| !wanted.iter().any(|wanted| same(found, wanted)))
        .map(show)
        .collect();
    Score {
        recall: 1.0 - missed.len() as f64 / wanted.len() as f64,
        precision: 1.0 - extra.len() as f64 / found.len() as f64,
        missed,
        extra,
    }
}

#[test]
fn what_was_written_is_found_and_little_else() {
    let (answer, expected) = (answer(), expected());
    for (kind, list) in [
        ("decision", "decisions"),
        ("question", "questions"),
        ("deadline", "deadlines"),
    ] {
        let Score {
            recall,
            precision,
            missed,
            extra,
        } = score(&answer, &expected, kind, list);
        println!("{list}: recall {recall:.3}, precision {precision:.3}");
        println!("  missed: {missed:#?}\n  extra: {extra:#?}");
        assert!(
            recall >= 0.95,
            "{list}: recall {recall:.3}, missed {missed:#?}"
        );
        assert!(
            precision >= 0.95,
            "{list}: precision {precision:.3}, extra {extra:#?}"
        );
    }
}

#[test]
fn deadlines_fall_on_the_day_that_was_meant() {
    let (answer, expected) = (answer(), expected());
    let found = answer["deadlines"].as_array().expect("a list");
    let (mut right, mut wrong) = (0, Vec::new());
    let encoded = expected["encoded_facts"].as_array().expect("a list");
    for wanted in expected["deadlines"]
        .as_array()
        .expect("a list")
        .iter()
        .chain(encoded)
    {
        if wanted.get("due").is_none() {
            continue;
        }
        let Some(ours) = found.iter().find(|found| same(found, wanted)) else {
            continue;
        };
        let owner = wanted
            .get("owner")
            .is_none_or(|owner| *owner == ours["who"]);
        if ours["due"] == wanted["due"] && owner {
            right += 1;
        } else {
            wrong.push(ours.clone());
        }
    }
    assert!(
        right >= 70 && wrong.len() <= 2,
        "{right} right, wrong: {wrong:#?}"
    );
}

#[test]
fn every_citation_is_a_line_with_words() {
    let answer = answer();
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for list in ["decisions", "questions", "deadlines"] {
        for finding in answer[list].as_array().expect("a list") {
            let file = finding["file"].as_str().expect("a file").to_owned();
            let line = finding["line"].as_u64().expect("a line") as usize;
            let held = lines.entry(file.clone()).or_insert_with(|| {
                text(&agency().join(&file))
                    .split('\n')
                    .map(str::to_owned)
                    .collect()
            });
            assert!(line >= 1 && line <= held.len(), "{finding}");
            assert!(!held[line - 1].trim().is_empty(), "{finding}");
        }
    }
}

#[test]
fn what_could_not_be_read_is_said() {
    let notes = answer()["notes"].to_string();
    for expected in ["038-newsletter", "070-absence", "not read"] {
        assert!(
            notes.contains(expected),
            "no note about {expected}: {notes}"
        );
    }
}

#[test]
fn questions_that_were_answered_are_marked() {
    let (answer, expected) = (answer(), expected());
    let found = answer["questions"].as_array().expect("a list");
    let (mut right, mut wrong, mut unmarked) = (0, Vec::new(), 0);
    for wanted in expected["questions"].as_array().expect("a list") {
        let Some(ours) = found.iter().find(|found| same(found, wanted)) else {
            continue;
        };
        let Some(settled) = ours["answered_by"].as_str() else {
            unmarked += usize::from(wanted.get("answered_by").is_some());
            continue;
        };
        let file = wanted["answered_by"]["file"].as_str().unwrap_or("nowhere");
        if settled.starts_with(file) {
            right += 1;
        } else {
            wrong.push(ours.clone());
        }
    }
    println!("answered: {right} right, {unmarked} unmarked, wrong: {wrong:#?}");
    assert!(
        right >= 10 && wrong.len() <= 2,
        "{right} right, wrong: {wrong:#?}"
    );
}
