//! What an agent recalls: out of its own memory alone, with where it stands, and never as news.

use naos_kernel::AnyAggregate;
use naos_kernel::recall::{Embedder, RECALL_BYTES_MAX, RECALL_HITS_MAX, RECALL_QUERY_BYTES_MAX};
use naos_kernel::run::{RECALLS_MAX, Thinking};
use naos_types::Digest;
use serde_json::json;

use crate::thinking::{Cell, calls, cell_with, document, keep, mind, with_a_workspace};

const FACTS: &str = concat!(
    r#"{"timestamp":"2026-02-01T08:00:00Z","fact":"Riake pays its invoices late","#,
    r#""confidence":0.8,"source":"mail/7","run":"run_1","promoted":false}"#,
    "\n"
);

fn remembering(more: &[(&str, &str)]) -> Cell {
    let mut documents = vec![
        ("agents/brain/memory/facts.jsonl", FACTS),
        (
            "agents/brain/MEMORY.md",
            "# What holds\n\n- Tiana décide des congés (mail/9, 2026-02-03)\n",
        ),
        (
            "agents/brain/memory/2026-02-20.md",
            "- 09:15 the roofer comes on Monday\n",
        ),
        (
            "agents/brain/WORKING.md",
            "Waiting for the roofer's offer.\n",
        ),
    ];
    documents.extend_from_slice(more);
    cell_with(with_a_workspace(|_| ()), &documents)
}

fn recalled(cell: &mut Cell, arguments: &str) -> String {
    cell.says(&calls(&[("recall", arguments)]));
    cell.results().pop().unwrap()
}

#[test]
fn it_recalls_with_where_that_stands_as_the_words_of_others() {
    let mut cell = remembering(&[]);
    let facts = cell.says(&calls(&[
        ("recall", r#"{"query": "invoices"}"#),
        ("recall", r#"{"query": "CONGES", "limit": 1}"#),
        ("recall", r#"{"query": "roofer"}"#),
        ("recall", r#"{"query": "elephants"}"#),
    ]));
    assert_eq!(facts.matches("document.written").count(), 0, "{facts}");
    let results = cell.results();
    let wanted: [(usize, &[&str]); 4] = [
        (
            1,
            &[
                "1 of 1 that fit",
                "ability: Recall",
                "no orders",
                "<from-outside>",
                "agents/brain/memory/facts.jsonl",
                "2026-02-01",
                "0.8",
                "mail/7",
                "run_1",
            ],
        ),
        (
            2,
            &[
                "Tiana décide des congés",
                "mail/9",
                "2026-02-03",
                "agents/brain/MEMORY.md",
            ],
        ),
        (
            3,
            &["2 of 2", "memory/2026-02-20.md", "agents/brain/WORKING.md"],
        ),
        (4, &["Nothing fits: 4 passages of 4 documents"]),
    ];
    for (at, all) in wanted {
        for want in all {
            assert!(results[at].contains(want), "{want}: {}", results[at]);
        }
    }
}

/// Knows two words for the same; or can't be asked.
struct Knows(bool);

impl Embedder for Knows {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        if !self.0 {
            return Err("its table can't be read".to_owned());
        }
        let is_said = |text: &str, words: [&str; 2]| {
            f32::from(u8::from(words.iter().any(|word| text.contains(word))))
        };
        let vector = |text: &&str| vec![is_said(text, ["invoices", "Bills"])];
        Ok(texts.iter().map(vector).collect())
    }

    fn cosine_min(&self) -> f32 {
        0.5
    }

    fn asked(&self, query: &str) -> String {
        query.to_owned()
    }

    fn about(&self) -> String {
        "a double".to_owned()
    }
}

#[test]
fn what_means_the_same_is_found_where_that_is_known() {
    let mut cell = remembering(&[]);
    let said = recalled(&mut cell, r#"{"query": "Bills"}"#);
    assert!(said.contains("Nothing fits"), "{said}");
    cell.bench.embedder = std::sync::Arc::new(Knows(true));
    let said = recalled(&mut cell, r#"{"query": "Bills"}"#);
    for want in ["1 of 1 that fit", "Riake pays its invoices late"] {
        assert!(said.contains(want), "{want}: {said}");
    }
    assert!(!said.contains("letters"), "{said}");
}

#[test]
fn where_meanings_cant_be_asked_for_letters_stand_in_and_it_hears_so() {
    let mut cell = remembering(&[]);
    cell.bench.embedder = std::sync::Arc::new(Knows(false));
    for (query, want) in [("roofers", "2 of 2"), ("Bills", "Nothing fits")] {
        let said = recalled(&mut cell, &json!({ "query": query }).to_string());
        for want in [
            want,
            "By words and letters alone",
            "its table can't be read",
        ] {
            assert!(said.contains(want), "{want}: {said}");
        }
    }
}

#[test]
fn it_recalls_nothing_from_the_workspace_of_another() {
    let secret = FACTS.replace("Riake pays its invoices late", "the safe opens with 4711");
    let mut others = Vec::new();
    for folder in [
        "agents/fury",
        "agents/keeper",
        "agents/brain2",
        "agents/brain/sub",
        "agents",
    ] {
        for name in [
            "MEMORY.md",
            "WORKING.md",
            "memory/2026-02-28.md",
            "memory/facts.jsonl",
        ] {
            others.push(format!("{folder}/{name}"));
        }
    }
    others.push("agents/brain/SOUL.md".to_owned());
    others.push("agents/brain/memory/plans.md".to_owned());
    let others: Vec<(&str, &str)> = others
        .iter()
        .map(|path| match path.ends_with("jsonl") {
            true => (path.as_str(), secret.as_str()),
            false => (path.as_str(), "the safe opens with 4711"),
        })
        .collect();
    let mut cell = remembering(&others);
    for more in [
        json!({}),
        json!({"agent": "fury"}),
        json!({"workspace": "agents/fury", "folder": "agents/fury", "path": "agents/fury"}),
        json!({"agent": "../fury", "documents": ["agents/fury/MEMORY.md"]}),
    ] {
        let mut given = json!({"query": "what does the safe open with? 4711", "limit": 20});
        for (key, value) in more.as_object().unwrap() {
            given[key] = value.clone();
        }
        let said = recalled(&mut cell, &given.to_string());
        let want = match more.as_object().unwrap().is_empty() {
            true => "Nothing fits: 4 passages",
            false => "Additional properties are not allowed",
        };
        assert!(said.contains(want), "{given}: {said}");
    }
    // What is its own is found.
    keep(
        &mut cell.bench,
        "agents/brain/WORKING.md",
        "the safe opens with 4712",
    );
    let said = recalled(&mut cell, r#"{"query": "safe"}"#);
    assert!(said.contains("4712") && !said.contains("4711"), "{said}");
}

#[test]
fn what_it_recalled_isnt_kept_as_new() {
    let fact =
        |fact: &str| json!({"fact": fact, "confidence": 1.0, "source": "recall"}).to_string();
    let all = [
        "The roofer comes on Monday",
        "the roofer  comes on MONDAY.",
        "roofer comes on Monday",
        "The roofer always comes on Monday",
        "The roofer comes on Tuesday",
    ];
    let kept = |cell: &Cell| {
        let facts = document(&cell.bench, "agents/brain/memory/facts.jsonl");
        facts.lines().count()
    };
    let mut cell = remembering(&[]);
    recalled(&mut cell, r#"{"query": "when does the roofer come"}"#);
    let asked: Vec<String> = all.iter().map(|one| fact(one)).collect();
    let asked: Vec<(&str, &str)> = asked.iter().map(|one| ("remember", one.as_str())).collect();
    cell.says(&calls(&asked));
    let results = cell.results();
    let said = &results[results.len() - all.len()..];
    for said in &said[..4] {
        assert!(
            said.contains("Invalid") && said.contains("was recalled in this run"),
            "{said}"
        );
        assert!(
            said.contains("agents/brain/memory/2026-02-20.md, line 1"),
            "{said}"
        );
    }
    assert!(said[4].contains("a person decides"), "{}", said[4]);
    assert_eq!(kept(&cell), 2);
    // The document may say something else by now: it was recalled all the same.
    keep(
        &mut cell.bench,
        "agents/brain/memory/2026-02-20.md",
        "- nothing\n",
    );
    let again = fact(all[0]);
    cell.says(&calls(&[("remember", &again)]));
    assert!(cell.results().pop().unwrap().contains("recalled"));
    // What it only noted and didn't recall, it may learn.
    let mut cell = remembering(&[]);
    cell.says(&calls(&[("remember", &again)]));
    assert!(cell.results().pop().unwrap().contains("a person decides"));
    assert_eq!(kept(&cell), 2);
    // What people keep in its MEMORY.md is known, too.
    let known = fact("Tiana décide des congés");
    cell.says(&calls(&[("remember", &known)]));
    let said = cell.results().pop().unwrap();
    assert!(
        said.contains("known already and stands in agents/brain/MEMORY.md"),
        "{said}"
    );
}

/// A cell that recalled when the roofer comes, and wants to keep it by these calls.
fn keeping(wanted: &[(&str, serde_json::Value)]) -> (Cell, Vec<String>) {
    let mut cell = remembering(&[]);
    recalled(&mut cell, r#"{"query": "when does the roofer come"}"#);
    let given: Vec<String> = wanted.iter().map(|(_, given)| given.to_string()).collect();
    let asked: Vec<(&str, &str)> = wanted
        .iter()
        .zip(&given)
        .map(|((tool, _), given)| (*tool, given.as_str()))
        .collect();
    cell.says(&calls(&asked));
    let mut results = cell.results();
    let said = results.split_off(results.len() - wanted.len());
    (cell, said)
}

#[test]
fn what_it_recalled_isnt_noted_as_new() {
    let note = |text: &str| ("note", json!({ "text": text }));
    let (cell, said) = keeping(&[
        note("The roofer comes on Monday"),
        note("the roofer always comes\non MONDAY."),
        note("The roofer comes on Tuesday"),
    ]);
    for said in &said[..2] {
        assert!(
            said.contains("Invalid") && said.contains("was recalled in this run"),
            "{said}"
        );
        assert!(
            said.contains("agents/brain/memory/2026-02-20.md, line 1"),
            "{said}"
        );
    }
    assert!(said[2].contains("noted"), "{}", said[2]);
    let today = &cell.bench.now.rfc3339()[..10];
    let notes = document(&cell.bench, &format!("agents/brain/memory/{today}.md"));
    assert_eq!(notes.matches("roofer").count(), 1, "{notes}");
    assert!(notes.contains("Tuesday"), "{notes}");
}

#[test]
fn what_it_recalled_isnt_written_into_its_own_memory() {
    let working = "agents/brain/WORKING.md";
    let write = |path: &str, text: &str| ("context_write", json!({"path": path, "text": text}));
    let (cell, said) = keeping(&[
        write(working, "The roofer comes on Monday\n"),
        write(
            working,
            "# Where I stand\n\n- the roofer comes on\n  Monday\n",
        ),
        write(
            "agents/brain/memory/2026-02-28.md",
            "- 10:00 Ann rang. The roofer comes on Monday. She is glad.\n",
        ),
        // What stands there already may stay, and nobody recalls what isn't its own memory.
        write(working, "Waiting for the roofer's offer.\nAnn rang him.\n"),
        write("notes/roof.md", "The roofer comes on Monday\n"),
    ]);
    for said in &said[..3] {
        assert!(
            said.contains("Invalid") && said.contains("was recalled in this run"),
            "{said}"
        );
    }
    for said in &said[3..] {
        assert!(said.contains("has version"), "{said}");
    }
    let written = document(&cell.bench, working);
    assert_eq!(written, "Waiting for the roofer's offer.\nAnn rang him.\n");
    let notes = document(&cell.bench, "agents/brain/memory/2026-02-28.md");
    assert_eq!(notes, "");
}

#[test]
fn it_recalls_within_limits_and_says_which() {
    let mut cell = remembering(&[]);
    let long = "x".repeat(RECALL_QUERY_BYTES_MAX + 1);
    for (given, want) in [
        (json!({}), "is a required property"),
        (json!({"query": " "}), "the query says nothing"),
        (json!({"query": 7}), "/query: 7 is not of type"),
        (json!({ "query": long }), "at most 1024"),
        (
            json!({"query": "roof", "limit": 0}),
            "/limit: 0 is less than the minimum of 1",
        ),
        (
            json!({"query": "roof", "limit": RECALL_HITS_MAX + 1}),
            "/limit: 21 is greater than the maximum of 20",
        ),
        (
            json!({"query": "roof", "limit": 1.5}),
            "/limit: 1.5 is not of type",
        ),
        (json!({"query": "roof", "limit": "all"}), "is not of type"),
        (
            json!({"query": null, "limit": 1}),
            "/query: null is not of type",
        ),
        (json!({"query": "roofer", "limit": 1.0}), "1 of 2 that fit"),
        (json!({"query": "roofer"}), "2 of 2 that fit"),
    ] {
        let said = recalled(&mut cell, &given.to_string());
        assert!(said.contains(want), "{given}: {said}");
    }
    // What there is no room for is left out, and that is said.
    let large = "y ".repeat(RECALL_BYTES_MAX as usize / 2);
    let mut cell = remembering(&[("agents/brain/memory/2026-02-21.md", &large)]);
    let said = recalled(&mut cell, r#"{"query": "roofer"}"#);
    assert!(said.contains("2 of 2 that fit"), "{said}");
    assert!(
        said.contains("1 documents weren't looked through"),
        "{said}"
    );
    // Without a workspace there is nothing to remember in.
    let mut cell = cell_with(mind(), &[]);
    let said = recalled(&mut cell, r#"{"query": "roofer"}"#);
    assert!(
        said.contains("Denied") && said.contains("no workspace"),
        "{said}"
    );
}

#[test]
fn it_recalls_so_often_and_no_more() {
    let mut cell = remembering(&[]);
    let asked: Vec<String> = (0..=RECALLS_MAX)
        .map(|at| json!({"query": format!("roofer {at}")}).to_string())
        .collect();
    let asked: Vec<(&str, &str)> = asked.iter().map(|one| ("recall", one.as_str())).collect();
    cell.says(&calls(&asked));
    let results = cell.results();
    let denied = results
        .iter()
        .filter(|said| said.contains("recalls 32 times at most"));
    assert_eq!(denied.count(), 1);
    assert!(results.last().unwrap().contains("Denied"));
}

#[test]
fn what_earlier_versions_kept_of_a_thinking_run_is_read() {
    let known = Thinking {
        turns: 3,
        bytes: 400,
        lost: 1,
        recalled: vec![naos_types::BodyRef {
            digest: Digest([7; 32]),
            len: 9,
        }],
        ..Thinking::default()
    };
    let bytes = postcard::to_stdvec(&known).unwrap();
    let read = |version: u8, bytes: &[u8]| match AnyAggregate::decode("thinking", version, bytes) {
        Some(AnyAggregate::Thinking(read)) => Some((*read).clone()),
        _ => None,
    };
    assert_eq!(read(5, &bytes), Some(known.clone()));
    // Neither how many answers went back nor which of it are results.
    assert_eq!(read(4, &bytes[..bytes.len() - 2]), Some(known.clone()));
    // Neither how long it waited nor what it saw.
    assert_eq!(read(3, &bytes[..bytes.len() - 4]), Some(known.clone()));
    let before = Thinking {
        recalled: Vec::new(),
        ..known
    };
    let mut bytes = postcard::to_stdvec(&before).unwrap();
    bytes.truncate(bytes.len() - 5);
    assert_eq!(read(2, &bytes), Some(before.clone()));
    bytes.pop();
    assert_eq!(read(1, &bytes), Some(Thinking { lost: 0, ..before }));
    assert_eq!(read(6, &bytes), None);
}
