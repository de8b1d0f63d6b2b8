//! Sentences with their place: lines are joined where they were only wrapped, and parted at
//! list items, headings, rows of tables and full stops.

use crate::own_words::own_lines;
use crate::page::{Line, Page};
use crate::words::fold;

/// A line shorter than this was ended on purpose when the next one begins like a sentence.
const WRAP_CHARS_MIN: usize = 50;
/// Longest passage that is looked at.
pub const PASSAGE_CHARS_MAX: usize = 2_000;

/// A sentence, a list item or a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// What it says, without list marks.
    pub text: String,
    /// The line it begins on, in the original file.
    pub line: usize,
    /// The heading it stands under.
    pub heading: Option<String>,
    /// It is an item of a list.
    pub item: bool,
    /// It is a task in a list, and whether it is ticked off.
    pub done: Option<bool>,
    /// It is a row of a table: the names of its columns.
    pub columns: Vec<String>,
}

/// What one line is.
enum Kind {
    Blank,
    Heading(String),
    Item { text: String, done: Option<bool> },
    Row(Vec<String>),
    Text(String),
}

/// The passages of a page that its author wrote.
#[must_use]
pub fn read(page: &Page) -> Vec<Passage> {
    let mut reader = Reader::default();
    let mut fenced = false;
    for line in own_lines(&page.lines) {
        if page.markdown && line.text.trim_start().starts_with("```") {
            fenced = !fenced;
            reader.finish();
        } else if !fenced {
            reader.take(line, page.markdown);
        }
    }
    reader.finish();
    reader.passages
}

#[derive(Default)]
struct Reader {
    passages: Vec<Passage>,
    heading: Option<String>,
    columns: Vec<String>,
    open: Vec<(usize, String)>,
    mark: (bool, Option<bool>),
    last_line: usize,
}

impl Reader {
    fn take(&mut self, line: &Line, markdown: bool) {
        let gap = line.number > self.last_line + 1;
        self.last_line = line.number;
        let kind = classify(&line.text, markdown);
        if !matches!(kind, Kind::Row(_)) {
            self.columns.clear();
        }
        match kind {
            Kind::Blank => self.finish(),
            Kind::Heading(text) => {
                self.finish();
                self.heading = Some(text);
            }
            Kind::Item { text, done } => {
                self.finish();
                self.mark = (true, done);
                self.open.push((line.number, text));
            }
            Kind::Row(cells) => {
                self.finish();
                self.row(line.number, cells);
            }
            Kind::Text(text) => {
                if gap && !self.mark.0 || self.ended_on_purpose(&text) {
                    self.finish();
                }
                self.open.push((line.number, text));
            }
        }
    }

    fn ended_on_purpose(&self, next: &str) -> bool {
        let Some((_, last)) = self.open.last() else {
            return false;
        };
        let begins = next
            .chars()
            .next()
            .is_some_and(|first| !first.is_lowercase());
        let ends = last.ends_with(['.', '!', '?', ':', '…']);
        begins
            && (ends
                || last.ends_with(',') && last.chars().count() < 30
                || last.chars().count() < WRAP_CHARS_MIN)
    }

    fn row(&mut self, line: usize, cells: Vec<String>) {
        let ruler =
            |cell: &String| !cell.is_empty() && cell.chars().all(|mark| "-: ".contains(mark));
        if cells.iter().all(ruler) {
            return;
        }
        if self.columns.is_empty() {
            self.columns = cells;
            return;
        }
        let text = cells
            .iter()
            .filter(|cell| !cell.is_empty())
            .cloned()
            .collect::<Vec<_>>();
        self.passages.push(Passage {
            text: text.join(" — "),
            line,
            heading: self.heading.clone(),
            item: true,
            done: None,
            columns: self.columns.clone(),
        });
    }

    fn finish(&mut self) {
        let lines = std::mem::take(&mut self.open);
        let (item, done) = std::mem::take(&mut self.mark);
        for (line, text) in sentences(&lines) {
            self.passages.push(Passage {
                text,
                line,
                heading: self.heading.clone(),
                item,
                done,
                columns: Vec::new(),
            });
        }
    }
}

fn classify(text: &str, markdown: bool) -> Kind {
    let text = text.trim();
    if text.is_empty() || is_rule(text) {
        return Kind::Blank;
    }
    if markdown {
        let heading = text.trim_start_matches('#');
        if heading.len() < text.len() && heading.starts_with([' ', '\t']) {
            return Kind::Heading(plain(heading.trim_matches(['#', ' ', '\t'])));
        }
        if text.starts_with('|') && text.len() > 1 {
            let inside = text.trim_matches('|');
            return Kind::Row(inside.split('|').map(|cell| plain(cell.trim())).collect());
        }
        let bold = text
            .strip_prefix("**")
            .and_then(|rest| rest.strip_suffix("**"));
        if let Some(inside) = bold.filter(|inside| !inside.contains("**")) {
            return Kind::Heading(plain(inside.trim_end_matches(':')));
        }
    }
    match item(text) {
        Some(rest) => {
            let (done, rest) = tick(rest);
            Kind::Item {
                text: plain(rest),
                done,
            }
        }
        None if is_label(text) => Kind::Heading(plain(text.trim_end_matches([':', ' ', '\u{a0}']))),
        None => Kind::Text(plain(text)),
    }
}

fn is_rule(text: &str) -> bool {
    let first = text.chars().next();
    text.len() >= 3
        && matches!(first, Some('-' | '=' | '*' | '_'))
        && text.chars().all(|mark| Some(mark) == first)
}

/// `Décisions :` on a line of its own heads what follows.
fn is_label(text: &str) -> bool {
    text.ends_with(':') && text.split_whitespace().count() <= 4 && !text.contains(['.', ',', '@'])
}

/// What follows the mark of a list item: `- `, `* `, `• `, `1. `, `2) `.
fn item(text: &str) -> Option<&str> {
    for mark in ["- ", "* ", "+ ", "• ", "– ", "— ", "→ "] {
        if let Some(rest) = text.strip_prefix(mark) {
            return Some(rest.trim_start());
        }
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    let marked = (1..=2).contains(&digits) && (rest.starts_with(". ") || rest.starts_with(") "));
    marked.then(|| rest[2..].trim_start())
}

fn tick(text: &str) -> (Option<bool>, &str) {
    for (mark, done) in [("[ ]", false), ("[x]", true), ("[X]", true)] {
        if let Some(rest) = text.strip_prefix(mark) {
            return (Some(done), rest.trim_start());
        }
    }
    (None, text)
}

/// Without the marks of emphasis and code.
fn plain(text: &str) -> String {
    text.replace("**", "")
        .replace("__", "")
        .replace('`', "")
        .trim()
        .to_owned()
}

/// Words with a full stop that end no sentence.
const ABBREVIATIONS: &[&str] = &[
    "m", "mme", "mlle", "mr", "mrs", "ms", "dr", "st", "no", "n", "ex", "p", "cf", "etc", "env",
    "e.g", "i.e", "vs", "approx", "art", "tel", "janv", "fevr", "avr", "juil", "sept", "oct",
    "nov", "dec", "jan", "feb", "mar", "apr", "aug", "sep", "inc", "ltd", "sarl", "jr", "av", "bd",
    "ref", "max", "min", "a.m", "p.m",
];

/// The sentences of a paragraph, each with the line it begins on.
fn sentences(lines: &[(usize, String)]) -> Vec<(usize, String)> {
    let mut text = String::new();
    let mut starts = Vec::new();
    for (number, line) in lines {
        if !text.is_empty() {
            text.push(' ');
        }
        starts.push((text.len(), *number));
        text.push_str(line);
    }
    let line_at = |byte: usize| {
        starts
            .iter()
            .rev()
            .find(|(start, _)| *start <= byte)
            .map_or(0, |&(_, number)| number)
    };
    let mut found = Vec::new();
    let mut from = 0;
    for cut in cuts(&text) {
        let sentence = &text[from..cut];
        let blank = sentence.len() - sentence.trim_start().len();
        let sentence = sentence.trim();
        if sentence.chars().any(char::is_alphanumeric) {
            let line = line_at(from + blank);
            found.push((line, crate::words::shorten(sentence, PASSAGE_CHARS_MAX)));
        }
        from = cut;
    }
    found
}

/// The byte after each end of a sentence; the last is the end of the text.
fn cuts(text: &str) -> Vec<usize> {
    let mut cuts = Vec::new();
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    for (at, &(byte, letter)) in letters.iter().enumerate() {
        if !matches!(letter, '.' | '!' | '?' | '…') {
            continue;
        }
        let mut after = at + 1;
        let closes = |mark: char| matches!(mark, '.' | '!' | '?' | '…' | '"' | '»' | '”' | ')');
        while letters.get(after).is_some_and(|&(_, mark)| closes(mark)) {
            after += 1;
        }
        let parted = letters
            .get(after)
            .is_none_or(|&(_, next)| next.is_whitespace());
        let next = letters[after.min(letters.len())..]
            .iter()
            .find(|(_, it)| !it.is_whitespace());
        let begins = next.is_none_or(|&(_, it)| !it.is_lowercase() && !matches!(it, ')' | '»'));
        let abbreviated = letter == '.' && is_abbreviated(&text[..byte]);
        if parted && (begins || letter == '?') && !abbreviated {
            cuts.push(letters.get(after).map_or(text.len(), |&(byte, _)| byte));
        }
    }
    if cuts.last() != Some(&text.len()) {
        cuts.push(text.len());
    }
    cuts.dedup();
    cuts
}

fn is_abbreviated(before: &str) -> bool {
    let last = before
        .rsplit([' ', '\'', '’', '('])
        .next()
        .unwrap_or_default();
    let single = last.chars().count() == 1 && last.chars().all(char::is_uppercase);
    single || ABBREVIATIONS.contains(&fold(last).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::from_text;

    fn shape(text: &str) -> String {
        let page = from_text("x.md", text, true);
        let show = |passage: &Passage| {
            let heading = passage
                .heading
                .as_deref()
                .map(|it| format!("[{it}]"))
                .unwrap_or_default();
            let mark = match (passage.item, passage.done) {
                (_, Some(true)) => "x ",
                (_, Some(false)) => "o ",
                (true, None) => "- ",
                _ => "",
            };
            format!("{}{heading}{mark}{}", passage.line, passage.text)
        };
        read(&page).iter().map(show).collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn sentences_keep_their_lines() {
        for (text, expected) in [
            ("One. Two?\nThree", "1One. / 1Two? / 2Three"),
            (
                "This sentence is so long that the mail program wrapped\nit here. And more.",
                "1This sentence is so long that the mail program wrapped it here. / 2And more.",
            ),
            (
                "Bonjour Hery,\nNous livrons lundi.",
                "1Bonjour Hery, / 2Nous livrons lundi.",
            ),
            (
                "M. Rabe et Mme. Soa sont là. Oui.",
                "1M. Rabe et Mme. Soa sont là. / 1Oui.",
            ),
            ("Version 1.2 is out. OK", "1Version 1.2 is out. / 1OK"),
            ("Quoi ? oui", "1Quoi ? / 1oui"),
            ("a\n\nb", "1a / 3b"),
            ("> quoted\nb", "2b"),
            ("", ""),
            ("...\n---\n", ""),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn lists_headings_and_tables() {
        for (text, expected) in [
            (
                "## Décisions\n- livrer\n- [ ] Hery: x\n- [x] y",
                "2[Décisions]- livrer / 3[Décisions]o Hery: x / 4[Décisions]x y",
            ),
            (
                "**Questions**\n1. Who?\n2) When?",
                "2[Questions]- Who? / 3[Questions]- When?",
            ),
            ("Décisions :\n- a", "2[Décisions]- a"),
            ("| Quoi | Qui |\n|---|---|\n| a | b |", "3- a — b"),
            ("- one\n  two", "1- one two"),
            ("```\ncode?\n```\nb", "4b"),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }
}
