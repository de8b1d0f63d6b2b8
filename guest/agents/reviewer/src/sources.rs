//! The sources as they can be read: mails decoded, everything else as it stands.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use naos_reading::strands::shared_words;
use naos_reading::{charsets, mail, table, words};
use serde_json::Value;

use crate::claims::Cite;

/// A sentence may go on for so many lines behind the one that is cited.
const WINDOW_LINES: usize = 3;

/// The texts that a report may cite.
pub struct Sources {
    /// A long file comes in pieces.
    files: BTreeMap<String, Vec<Source>>,
    /// Files that there are and that were not handed over.
    unread: BTreeSet<String>,
}

struct Source {
    /// How many lines of the file are in front of this piece.
    before: usize,
    lines: Vec<String>,
    /// Lines of decoded mail, by the line they come from.
    decoded: BTreeMap<usize, String>,
    /// The rows of a table, by the line that each begins on: a cell may go on for many lines.
    rows: BTreeMap<usize, String>,
    /// The line of a table's header.
    head: usize,
    is_table: bool,
    /// What is asked again for every amount: see [`Source::folded`] and [`Source::amounts`].
    folded: OnceCell<String>,
    amounts: OnceCell<BTreeMap<String, usize>>,
}

impl Sources {
    /// Reads `[{"path": …, "text": …, "line": …}, …]`, and the paths of all files there are: more
    /// than these where they are too much for one reviewer.
    #[must_use]
    pub fn of(list: &Value, all: &Value) -> Self {
        let mut files: BTreeMap<String, Vec<Source>> = BTreeMap::new();
        for item in list.as_array().into_iter().flatten() {
            let field = |name: &str| item.get(name).and_then(Value::as_str);
            if let (Some(path), Some(text)) = (field("path"), field("text")) {
                let line = item.get("line").and_then(Value::as_u64).unwrap_or(1);
                let before = usize::try_from(line).unwrap_or(1).saturating_sub(1);
                let pieces = files.entry(path.to_owned()).or_default();
                pieces.push(Source::of(path, text, before));
            }
        }
        let all = all.as_array().into_iter().flatten();
        let unread = all.filter_map(Value::as_str).map(str::to_owned).collect();
        Self { files, unread }
    }

    /// Whether a place is in a file, or a piece of one, that was not handed over.
    #[must_use]
    pub fn is_unread(&self, cite: &Cite) -> bool {
        let at = cite.line.saturating_sub(1);
        let pieces = self.files.get(&cite.path).map_or(&[][..], Vec::as_slice);
        self.unread.contains(&cite.path) && !pieces.iter().any(|piece| piece.holds(at))
    }

    /// The paths that can't be told by their letters from what stands around them.
    #[must_use]
    pub fn odd_paths(&self) -> Vec<&str> {
        let odd = |it: char| it.is_whitespace() || matches!(it, '(' | ')' | ',');
        let all = self.files.keys().chain(&self.unread).map(String::as_str);
        let mut all: Vec<&str> = all.filter(|path| path.contains(odd)).collect();
        all.sort_by_key(|path| usize::MAX - path.len());
        all.dedup();
        all
    }

    /// Nothing was handed over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What stands at a place.
    ///
    /// # Errors
    /// A sentence when there is no such file or line, or nothing stands there.
    pub fn look(&self, path: &str, line: usize) -> Result<String, String> {
        let pieces = self
            .files
            .get(path)
            .ok_or(format!("there is no source {path}"))?;
        let at = line.checked_sub(1).ok_or(format!("{path} has no line 0"))?;
        let source = pieces.iter().find(|piece| piece.holds(at)).ok_or_else(|| {
            let lines = pieces.iter().map(Source::end).max().unwrap_or_default();
            format!("{path} has {lines} lines, not {line}")
        })?;
        let at = at - source.before;
        let end = (at + WINDOW_LINES).min(source.lines.len());
        let (raw, mut text) = match source.row(line) {
            Some(row) => (row, row.to_owned()),
            None if source.is_table => (source.lines[at].as_str(), source.lines[at].clone()),
            None => (source.lines[at].as_str(), source.lines[at..end].join("\n")),
        };
        if raw.trim().is_empty() {
            return Err(format!("{path}:{line} is blank"));
        }
        let window = source.decoded.range(line..line + WINDOW_LINES);
        for (_, decoded) in window {
            text.push('\n');
            text.push_str(decoded);
        }
        Ok(text)
    }

    /// Whether what stands at a place has to do with what is said: words that matter, a number,
    /// or the head of a table for a sum over its column.
    #[must_use]
    pub fn supports(&self, found: &str, cite: &Cite, said: &str) -> bool {
        let mut pieces = self.files.get(&cite.path).into_iter().flatten();
        let head = pieces.any(|it| it.is_table && cite.line <= it.head());
        head || shared_words(said, found) > 0
            || shares_number(said, found)
            || names_a_cell(said, found)
            || contains(found, said)
            || quotations(said).iter().any(|it| is_quoted(found, it))
    }

    /// The first place in a text (not a table) that holds this amount and a word of the claim.
    #[must_use]
    pub fn who_says(&self, amount: &str, about: &[&str]) -> Option<String> {
        let pieces = self
            .files
            .iter()
            .flat_map(|(path, pieces)| pieces.iter().map(move |piece| (path, piece)));
        for (path, source) in pieces.filter(|(_, source)| !source.is_table) {
            let Some(&line) = source.amounts().get(amount) else {
                continue;
            };
            let folded = source.folded();
            if about.iter().any(|word| folded.contains(&words::fold(word))) {
                return Some(format!("{path}:{line}"));
            }
        }
        None
    }
}

impl Source {
    /// The number of the last line; a table's may end as an old Macintosh ended them.
    fn end(&self) -> usize {
        let last = self.rows.last_key_value().map_or(0, |(&line, _)| line);
        last.max(self.before + self.lines.len())
    }

    /// The line on which a table names its columns: what stands above it are titles.
    fn head(&self) -> usize {
        if self.before == 0 { self.head } else { 0 }
    }

    /// All of it, folded.
    fn folded(&self) -> &str {
        self.folded
            .get_or_init(|| words::fold(&self.lines.join("\n")))
    }

    /// Each amount that it holds outside of quoted mails, and the first line that does.
    fn amounts(&self) -> &BTreeMap<String, usize> {
        self.amounts.get_or_init(|| {
            let plain = self.lines.iter().enumerate();
            let plain = plain.map(|(at, text)| (self.before + at + 1, text));
            let decoded = self.decoded.iter().map(|(&line, text)| (line, text));
            let mut first = BTreeMap::new();
            for (line, text) in plain.chain(decoded).filter(|(_, it)| !it.starts_with('>')) {
                for amount in amounts(text) {
                    first.entry(amount).or_insert(line);
                }
            }
            first
        })
    }

    /// The row that holds a line.
    fn row(&self, line: usize) -> Option<&str> {
        let mut rows = self.rows.range(..=line);
        rows.next_back().map(|(_, row)| row.as_str())
    }

    fn holds(&self, at: usize) -> bool {
        (self.before..self.end()).contains(&at)
    }

    fn of(path: &str, text: &str, before: usize) -> Self {
        let mut decoded: BTreeMap<usize, String> = BTreeMap::new();
        if path.ends_with(".eml") || path.ends_with(".mbox") || mail::looks_like_mail(text) {
            for page in mail::read(path, text, before).pages {
                for line in page.lines {
                    let held = decoded.entry(line.number).or_default();
                    held.push_str(&line.text);
                    held.push('\n');
                }
            }
        }
        let is_table = path.ends_with(".csv") || path.ends_with(".tsv");
        let rows = match is_table {
            true => table::rows(text),
            false => Vec::new(),
        };
        let head = head_of(&rows);
        // What stands in one cell is no part of a number in the next one.
        let row = |row: table::Row| (before + row.line, row.cells.join("\n"));
        let rows = rows.into_iter().map(row).collect();
        // What stands behind the last line end is no line: it is the first one of the next piece.
        let text = charsets::undeclared(text);
        let lines = text
            .strip_suffix('\n')
            .unwrap_or(&text)
            .split('\n')
            .map(|line| line.trim_end_matches('\r').to_owned())
            .collect();
        Self {
            before,
            lines,
            decoded,
            rows,
            head,
            is_table,
            folded: OnceCell::new(),
            amounts: OnceCell::new(),
        }
    }
}

/// The line of a table's header. Where what looks like one holds figures it is a title as wide, and
/// the first row of words behind it is the header.
fn head_of(rows: &[table::Row]) -> usize {
    let Some(at) = table::header_at(rows) else {
        return 1;
    };
    let digits = |row: &table::Row| {
        let mut cells = row.cells.iter();
        cells.any(|cell| cell.contains(|it: char| it.is_ascii_digit()))
    };
    let words = |row: &&table::Row| {
        let filled = row.cells.iter().filter(|cell| !cell.is_empty()).count();
        filled > 1 && !digits(row)
    };
    let mut near = rows.iter().take(table::TITLES_MAX).skip(at);
    let named = near.find(words).filter(|_| digits(&rows[at]));
    named.unwrap_or(&rows[at]).line
}

/// The whole amounts of a text without their grouping: `4 200 000 Ar` is `4200000`.
#[must_use]
pub fn amounts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut digits = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next_is_digit = letters.peek().is_some_and(char::is_ascii_digit);
        match letter {
            '0'..='9' => digits.push(letter),
            ' ' | '\u{a0}' | '\u{202f}' if !digits.is_empty() && next_is_digit => {}
            ',' | '.' if !digits.is_empty() && next_is_digit => digits.push(letter),
            _ => found.extend(whole(&mut digits)),
        }
    }
    found.extend(whole(&mut digits));
    found
}

/// Without grouping and without a fraction of zeros.
fn whole(digits: &mut String) -> Option<String> {
    let text = std::mem::take(digits);
    let (head, tail) = match text.rfind([',', '.']) {
        // Three digits behind the last sign group thousands, one or two are a fraction.
        Some(at) if text.len() - at - 1 < 3 => (text[..at].to_owned(), text[at + 1..].to_owned()),
        _ => (text, String::new()),
    };
    let head: String = head.chars().filter(char::is_ascii_digit).collect();
    let head = head.trim_start_matches('0');
    let tail = tail.trim_end_matches('0');
    let number = if tail.is_empty() {
        head.to_owned()
    } else {
        format!("{head}.{tail}")
    };
    (!number.is_empty()).then_some(number)
}

fn shares_number(said: &str, found: &str) -> bool {
    let found = amounts(found);
    amounts(said)
        .iter()
        .any(|number| number.len() > 1 && found.contains(number))
}

/// Whether a claim names what stands alone in a cell, as the number of an invoice does ("F-2").
fn names_a_cell(said: &str, found: &str) -> bool {
    let apart = |it: Option<char>| it.is_none_or(|it| !it.is_alphanumeric());
    let stands = |cell: &str| {
        let mut places = said.match_indices(cell);
        places.any(|(at, _)| {
            let (before, behind) = (&said[..at], &said[at + cell.len()..]);
            apart(before.chars().next_back()) && apart(behind.chars().next())
        })
    };
    let named = |cell: &&str| cell.len() > 1 && cell.contains(|it: char| it.is_ascii_digit());
    found.lines().map(str::trim).filter(named).any(stands)
}

/// The words of a text, one behind the other.
fn squeezed(text: &str) -> String {
    let words = words::words(text).into_iter();
    words.map(|word| word.folded + " ").collect()
}

/// Short sentences may hold no word that matters: then they have to stand there as they are.
fn contains(found: &str, said: &str) -> bool {
    let said = squeezed(said);
    let first: String = said.split_inclusive(' ').take(2).collect();
    first.len() > 3 && squeezed(found).contains(&first)
}

/// What a claim may quote: what stands in « », else the sentence itself, with and without who said
/// it behind, and without what a report puts in front of it: a day in bold, or its own words and a
/// colon. A question and its answer are two of them.
fn quotations(said: &str) -> Vec<&str> {
    let marked = said.split_once('«').and_then(|(_, it)| it.rsplit_once('»'));
    if let Some((inside, _)) = marked {
        return vec![inside];
    }
    let mut found = Vec::new();
    for part in said.split(" → ") {
        let bare = part.split_once("** — ").map_or(part, |(_, it)| it);
        let led = bare.split_once(": ").map_or(bare, |(_, it)| it);
        let without_who = |it| str::rsplit_once(it, " — ").map_or(it, |(it, _)| it);
        found.extend([bare, without_who(bare), led, without_who(led)]);
    }
    found
}

/// Word by word, or letter by letter where there is no word in it.
fn is_quoted(found: &str, quotation: &str) -> bool {
    let (words, quotation) = (squeezed(quotation), quotation.trim());
    if words.is_empty() {
        return !quotation.is_empty() && found.contains(quotation);
    }
    format!(" {}", squeezed(found)).contains(&format!(" {words}"))
}
