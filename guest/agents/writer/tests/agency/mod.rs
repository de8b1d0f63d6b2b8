//! The agency's real files, and everything up to its report.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// How many files a researcher gets at once.
const BATCH_FILES: usize = 10;

/// Where they are.
pub fn agency() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/agency");
    assert!(
        folder.join("expected.json").is_file(),
        "no examples/agency/expected.json"
    );
    folder
}

/// The files of some folders, as a plan hands them over.
pub fn files(folders: &[&str]) -> Vec<Value> {
    let mut files = Vec::new();
    for folder in folders {
        let mut paths: Vec<PathBuf> = fs::read_dir(agency().join(folder))
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
            let bytes = fs::read(&path).expect("a readable file");
            let text = String::from_utf8(bytes)
                .unwrap_or_else(|why| why.into_bytes().into_iter().map(char::from).collect());
            files.push(json!({"path": format!("{folder}/{name}"), "text": text}));
        }
    }
    files
}

/// An agent's answer.
pub fn run(agent: fn(&str) -> Result<String, String>, input: &Value) -> String {
    agent(&input.to_string()).expect("an answer")
}

/// JSON.
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Everything up to the report, in a language; answers travel as text, as a plan hands them on.
pub fn material(language: &str) -> Value {
    let period = json!({"from": "2026-10-05", "to": "2026-10-09"});
    // A handful at a time, as the plan hands them out.
    let read = |files: &[Value]| {
        let input = json!({"client": "Riake", "files": files});
        run(researcher::handle, &input)
    };
    let (mails, notes) = (files(&["mail"]), files(&["notes"]));
    let batches = mails.chunks(BATCH_FILES).chain(notes.chunks(BATCH_FILES));
    let findings: Vec<String> = batches.map(read).collect();
    let analysis = run(
        analyzer::handle,
        &json!({"client": "Riake", "today": "2026-10-09", "period": period,
            "files": files(&["invoices", "timesheets"])}),
    );
    let mut material = json!({"client": "Riake", "language": language, "period": period,
        "findings": findings, "analysis": [analysis],
        "skills": {"overdue": "2 invoices"}});
    let mut want = material.clone();
    want["want"] = json!("report-layout");
    material["layout"] = json!(run(planner::handle, &want));
    material
}
