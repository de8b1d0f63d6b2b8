//! Documents as passages: what was learned line by line, the rest by paragraph and by item of a
//! list.

use std::collections::BTreeSet;

use naos_types::think::{FACTS, memory_line};
use serde_json::Value;

use super::{Document, Hit, RECALL_PASSAGES_MAX};

/// A paragraph that is longer is several passages.
const PASSAGE_BYTES_MAX: usize = 1_200;

impl Hit {
    /// What is looked through: what it says, and what it is about.
    pub(super) fn searched(&self) -> String {
        let about = [self.heading.as_deref(), self.source.as_deref()];
        let mut out = self.text.clone();
        for part in about.into_iter().flatten() {
            out.push('\n');
            out.push_str(part);
        }
        out
    }
}

/// The passages of all documents, in their order. What was learned and stands in `MEMORY.md` too
/// is one passage: the one that says how sure it is.
pub(super) fn of_all(documents: &[Document]) -> Vec<Hit> {
    let mut out = Vec::new();
    let mut kept = BTreeSet::new();
    for document in documents {
        if document.path.ends_with(FACTS) {
            for (hit, line) in learned(document) {
                kept.insert(line);
                out.push(hit);
            }
        } else {
            let lines: Vec<&str> = document.text.lines().collect();
            let said_before =
                |hit: &Hit| kept.contains(lines.get(hit.line - 1).copied().unwrap_or_default());
            let found = paragraphs(document).into_iter();
            out.extend(found.filter(|hit| !said_before(hit)));
        }
    }
    out
}

/// What was learned, each with how it would stand in `MEMORY.md`. A line that is none is no hit.
fn learned(document: &Document) -> Vec<(Hit, String)> {
    let lines = document.text.lines().enumerate().take(RECALL_PASSAGES_MAX);
    let read = lines.filter_map(|(at, line)| {
        let one: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| one[key].as_str().map(str::to_owned);
        let fact = text("fact")?;
        let (source, time) = (text("source"), text("timestamp").unwrap_or_default());
        let line = memory_line(&fact, source.as_deref().unwrap_or_default(), &time);
        let hit = Hit {
            document: document.path.clone(),
            line: at + 1,
            date: time.chars().take(10).collect(),
            confidence: one["confidence"].as_f64(),
            source,
            run: text("run"),
            heading: None,
            text: fact,
        };
        Some((hit, line))
    });
    read.collect()
}

/// What a line says, without the marks of a list.
fn unmarked(line: &str) -> (&str, bool) {
    let line = line.trim();
    for mark in ["- ", "* ", "+ "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return (rest.trim_start(), true);
        }
    }
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    match rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")) {
        Some(rest) if rest.len() + 2 < line.len() => (rest.trim_start(), true),
        _ => (line, false),
    }
}

/// Paragraphs and items of lists, each with its line and the heading above it.
fn paragraphs(document: &Document) -> Vec<Hit> {
    let own_day = document.path.rsplit_once("memory/").and_then(|(_, name)| {
        let day = name.strip_suffix(".md").filter(|day| is_day(day))?;
        Some(day.to_owned())
    });
    let day = own_day.unwrap_or_else(|| document.day.clone());
    let mut out: Vec<Hit> = Vec::new();
    let mut heading: Option<String> = None;
    let mut open = false; // whether the next line goes on with the last passage
    for (at, line) in document.text.lines().enumerate() {
        if out.len() >= RECALL_PASSAGES_MAX {
            break;
        }
        let (said, is_item) = unmarked(line);
        if said.is_empty() {
            open = false;
            continue;
        }
        let title = said.trim_start_matches('#');
        if !is_item && title.len() < said.len() && title.starts_with(' ') {
            heading = Some(title.trim().to_owned());
            open = false;
            continue;
        }
        for (part, piece) in cut_up(said).into_iter().enumerate() {
            match out.last_mut() {
                Some(last)
                    if open
                        && part == 0
                        && !is_item
                        && last.text.len() + piece.len() < PASSAGE_BYTES_MAX =>
                {
                    last.text.push('\n');
                    last.text.push_str(piece);
                }
                _ => out.push(Hit {
                    document: document.path.clone(),
                    line: at + 1,
                    date: day.clone(),
                    confidence: None,
                    source: None,
                    run: None,
                    heading: heading.clone(),
                    text: piece.to_owned(),
                }),
            }
        }
        open = true;
    }
    for hit in &mut out {
        if let Some((text, source, day)) = apart(&hit.text) {
            (hit.source, hit.date) = (Some(source.to_owned()), day.to_owned());
            hit.text = text.to_owned();
        }
    }
    out
}

/// A long line in pieces, between words where that can be.
fn cut_up(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = line;
    while rest.len() > PASSAGE_BYTES_MAX {
        let most = rest.floor_char_boundary(PASSAGE_BYTES_MAX);
        let end = rest[..most].rfind(' ').filter(|end| *end > most / 2);
        let (piece, behind) = rest.split_at(end.unwrap_or(most));
        out.push(piece);
        rest = behind.trim_start();
    }
    out.push(rest);
    out
}

/// A line of `MEMORY.md` says at its end where it is from and of which day.
fn apart(said: &str) -> Option<(&str, &str, &str)> {
    let (rest, day) = said.strip_suffix(')')?.rsplit_once(", ")?;
    let mut depth = 1; // a source may have parentheses of its own
    let opens = rest.char_indices().rev().find_map(|(at, letter)| {
        match letter {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    let text = rest[..opens].strip_suffix(' ')?;
    is_day(day).then_some((text, &rest[opens + 1..], day))
}

/// What a line of a document says, as it is compared with what was learned: without the mark of a
/// list, a time of day in front, where it is from.
#[must_use]
pub fn line_says(line: &str) -> &str {
    let (said, _) = unmarked(line);
    without_time(apart(said).map_or(said, |(text, ..)| text))
}

/// `09:15 Ann called` without its time.
pub(super) fn without_time(said: &str) -> &str {
    let Some((time, rest)) = said.split_once(' ') else {
        return said;
    };
    let is_time = time.len() == 5
        && time.bytes().enumerate().all(|(at, byte)| match at {
            2 => byte == b':',
            _ => byte.is_ascii_digit(),
        });
    if is_time { rest } else { said }
}

/// `2026-10-05`.
pub(crate) fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
