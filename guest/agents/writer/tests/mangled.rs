//! No agent panics, whatever it is given: every answer is an answer or one clear sentence.

use std::fs;
use std::path::Path;

use serde_json::json;

type Agent = fn(&str) -> Result<String, String>;

const AGENTS: &[(&str, Agent)] = &[
    ("researcher", researcher::handle),
    ("analyzer", analyzer::handle),
    ("coder", coder::handle),
    ("planner", planner::handle),
    ("reviewer", reviewer::handle),
    ("writer", writer::handle),
];

/// One sentence for a person, on one line.
fn check(name: &str, agent: Agent, input: &str) {
    match agent(input) {
        Ok(_) => {}
        Err(why) => assert!(why.len() > 10 && !why.contains('\n'), "{name}: {why:?}"),
    }
}

#[test]
fn cut_and_shuffled_files_are_read_as_far_as_they_go() {
    let agency = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/agency");
    let mut seen = 0;
    for folder in ["mail", "notes", "invoices"] {
        for entry in fs::read_dir(agency.join(folder))
            .expect("examples/agency")
            .step_by(4)
        {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).expect("a readable file");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let name = path.to_string_lossy().into_owned();
            for cut in (1..text.len()).step_by(text.len() / 5 + 1) {
                let Some((head, tail)) = text.split_at_checked(cut) else {
                    continue;
                };
                for mangled in [
                    head.to_owned(),
                    format!("{tail}{head}"),
                    tail.replace('\n', "\r"),
                ] {
                    let file = json!({"path": name, "text": mangled}).to_string();
                    for (name, agent) in AGENTS {
                        check(name, *agent, &file);
                        check(name, *agent, &mangled);
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 250, "only {seen} texts");
}

#[test]
fn odd_inputs_get_an_answer_or_a_sentence() {
    let deep = "[".repeat(100_000);
    let quotes = "\"".repeat(10_001);
    let commas = ",".repeat(100_000);
    let nested = "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(2_000);
    let stops = ". ".repeat(50_000);
    let marks = "> ".repeat(50_000);
    for input in [
        "",
        "\0",
        "\u{feff}",
        "{",
        "{}",
        "[]",
        "null",
        "{\"files\":7}",
        "{\"files\":[null]}",
        "{\"text\":7}",
        "{\"findings\":{\"decisions\":7}}",
        "{\"report\":7,\"sources\":7}",
        "{\"want\":\"report-layout\"}",
        "From ",
        "From \n",
        "From: \n\n",
        ":\n:\n\n",
        "a,b\n\"",
        "\u{202e}\u{200d}é\u{301}",
        "=?utf-8?B?",
        "(a:99999999999999999999)",
        &deep,
        &quotes,
        &commas,
        &nested,
        &stops,
        &marks,
    ] {
        for (name, agent) in AGENTS {
            check(name, *agent, input);
            check(
                name,
                *agent,
                &json!({"path": "x.eml", "text": input}).to_string(),
            );
            check(
                name,
                *agent,
                &json!({"path": "x.csv", "text": input}).to_string(),
            );
            check(
                name,
                *agent,
                &json!({"report": input, "sources": [{"path": "x.eml", "text": input}]})
                    .to_string(),
            );
        }
    }
}

#[test]
fn too_large_an_input_is_refused_by_everybody() {
    let large = "x".repeat(12 * 1024 * 1024 + 1);
    for (name, agent) in AGENTS {
        let refusal = agent(&large).expect_err("too large");
        assert!(refusal.contains("12582912"), "{name}: {refusal}");
    }
}

#[test]
fn json_without_a_text_says_what_is_missing() {
    for agent in [researcher::handle, analyzer::handle, coder::handle] {
        let answer = agent("{\"task\": \"look\"}").expect("an answer");
        assert!(answer.contains("nothing to read"), "{answer}");
    }
}
