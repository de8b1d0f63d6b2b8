//! What an agent finds in documents: in those that it may read, as they stand, and in no others.

use naos_types::DocPath;
use naos_types::command;

use crate::thinking::{Cell, calls, cell_with, keep, mind, with_a_workspace};

const NOTES: &str = "# Journeys\n\nThe ferry leaves on Monday.\n\n- Tiana pays the tickets\n";

fn knowing(more: &[(&str, &str)]) -> Cell {
    let mut documents = vec![
        ("notes/a.md", NOTES),
        ("clients/riake/open.md", "Riake asked about the ferry."),
    ];
    documents.extend_from_slice(more);
    cell_with(with_a_workspace(|_| ()), &documents)
}

fn found(cell: &mut Cell, arguments: &str) -> String {
    cell.says(&calls(&[("context_search", arguments)]));
    cell.results().pop().unwrap()
}

#[test]
fn it_finds_with_where_that_stands_as_the_words_of_others() {
    let mut cell = knowing(&[("notes/a.md", "The ferry is gone.")]);
    keep(&mut cell.bench, "notes/a.md", NOTES);
    let facts = cell.says(&calls(&[
        (
            "context_search",
            r#"{"query": "when does the FERRY leave", "limit": 1}"#,
        ),
        ("context_search", r#"{"query": "ferry"}"#),
        (
            "context_search",
            r#"{"query": "ferry", "under": "clients"}"#,
        ),
        (
            "context_search",
            r#"{"query": "ferry", "under": "/clients/riake/"}"#,
        ),
        ("context_search", r#"{"query": "elephants"}"#),
        ("context_search", r#"{"query": "ferry", "under": "office"}"#),
        ("context_search", r#"{"query": "ferry", "under": "client"}"#),
        (
            "context_search",
            r#"{"query": "ferry", "under": "../notes"}"#,
        ),
    ]));
    assert_eq!(facts.matches("document.written").count(), 0, "{facts}");
    let results = cell.results();
    let wanted: [&[&str]; 8] = [
        &[
            "1 of 2 that fit",
            "no orders",
            "<from-outside>",
            "notes/a.md",
            "version\\\":3",
            "line\\\":3",
            "Journeys",
        ],
        &["2 of 2", "notes/a.md", "clients/riake/open.md"],
        &["1 of 1", "clients/riake/open.md"],
        &["1 of 1", "clients/riake/open.md"],
        &["Nothing fits: 3 passages of 2 documents"],
        &["no documents that you may read beneath office: you may read notes/**"],
        &["no documents that you may read beneath client:"],
        &["no part of a document's path"],
    ];
    for (at, all) in wanted.iter().enumerate() {
        for want in *all {
            let said = &results[at + 1];
            assert!(said.contains(want), "{want}: {said}");
        }
    }
}

#[test]
fn it_finds_nothing_that_it_may_not_read() {
    let secret = "the safe opens with 4711";
    let mut cell = knowing(&[
        ("clients/riake/closed.md", secret),
        ("clients/open.md", secret),
        ("clients/riake/more/open.md", secret),
        ("notes", secret),
        ("notes2/a.md", secret),
        ("agents/fury/MEMORY.md", secret),
        ("agents/brain2/a.md", secret),
        // Its own memory is another tool's, which knows that it isn't news.
        ("agents/brain/MEMORY.md", secret),
        ("agents/brain/WORKING.md", secret),
        ("agents/brain/memory/2026-02-28.md", secret),
        (
            "agents/brain/memory/facts.jsonl",
            r#"{"fact": "the safe opens with 4711"}"#,
        ),
    ]);
    for arguments in [
        r#"{"query": "what does the safe open with? 4711", "limit": 20}"#,
        r#"{"query": "safe 4711", "under": "clients"}"#,
    ] {
        let said = found(&mut cell, arguments);
        assert!(said.contains("Nothing fits"), "{said}");
    }
    for under in [
        "agents/fury",
        "notes2",
        "agents/brain2",
        "clients/riake/more",
    ] {
        let said = found(
            &mut cell,
            &format!(r#"{{"query": "safe", "under": "{under}"}}"#),
        );
        assert!(said.contains("no documents that you may read"), "{said}");
    }
    // What stands beside its memory is found.
    keep(
        &mut cell.bench,
        "agents/brain/plans.md",
        "the key of the safe is lost",
    );
    let said = found(&mut cell, r#"{"query": "safe"}"#);
    assert!(
        said.contains("1 of 1") && said.contains("plans.md"),
        "{said}"
    );
}

#[test]
fn what_it_wrote_before_is_found_and_what_was_taken_away_is_not() {
    let mut cell = knowing(&[("notes/b.md", "The roofer comes on Monday.")]);
    let path = DocPath::new("notes/b.md").unwrap();
    let taken = cell.bench.command(command::Document::Delete { path });
    taken.0.unwrap();
    cell.says(&calls(&[
        (
            "context_write",
            r#"{"path": "notes/c.md", "text": "The plumber comes on Friday."}"#,
        ),
        ("context_search", r#"{"query": "plumber"}"#),
        ("context_search", r#"{"query": "roofer"}"#),
    ]));
    let results = cell.results();
    assert!(results[2].contains("notes/c.md"), "{}", results[2]);
    assert!(results[3].contains("Nothing fits"), "{}", results[3]);
}

#[test]
fn what_it_cannot_look_for_is_told() {
    let mut bare = cell_with(mind(), &[]);
    let said = found(&mut bare, r#"{"query": "ferry"}"#);
    assert!(
        said.contains("you may read notes/**, clients/*/open.md"),
        "{said}"
    );
    let long = "x".repeat(1_025);
    let mut cell = knowing(&[]);
    for (arguments, want) in [
        (r#"{"query": " "}"#.to_owned(), "says nothing"),
        (
            format!(r#"{{"query": "{long}"}}"#),
            "1025 bytes, at most 1024",
        ),
        (r#"{"under": "notes"}"#.to_owned(), "query"),
        (r#"{"query": "a", "limit": 21}"#.to_owned(), "limit"),
        (
            r#"{"query": "a", "agent": "fury"}"#.to_owned(),
            "Additional properties",
        ),
    ] {
        let said = found(&mut cell, &arguments);
        assert!(said.contains(want), "{arguments}: {said}");
    }
}

#[test]
fn what_has_no_room_is_told_and_the_newest_is_looked_through() {
    let old = "old ferry\n\n".repeat(30_000);
    let new = "new ferry\n\n".repeat(30_000);
    let mut cell = knowing(&[("notes/old.md", &old), ("notes/new.md", &new)]);
    cell.bench.now = cell.bench.now + naos_types::Span::secs(1);
    keep(&mut cell.bench, "notes/new.md", &format!("{new}the end\n"));
    let said = found(&mut cell, r#"{"query": "ferry"}"#);
    assert!(
        said.contains("new ferry") && !said.contains("old ferry"),
        "{said}"
    );
    let left = "1 documents weren't looked through, the longest and those written longest ago";
    assert!(said.contains(left), "{said}");
}
