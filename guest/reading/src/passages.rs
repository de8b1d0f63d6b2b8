//! Sentences with their place: lines are joined where they were only wrapped, and parted at
//! list items, headings, rows of tables and full stops.

use crate::language;
use crate::own_words::own_lines;
use crate::page::{Line, Page};
use crate::words::{fold, words};

/// A line shorter than this was ended on purpose when the next one begins like a sentence.
const WRAP_CHARS_MIN: usize = 50;
/// A longer line was wrapped by nobody, so that the next one begins anew; a mail's line may be as
/// long as the second.
const WRAP_CHARS_MAX: usize = 200;
const LINE_CHARS_MAX: usize = 998;
/// The longest passage: a longer sentence is read in parts.
pub const PASSAGE_CHARS_MAX: usize = 2_000;
/// How far from its end a part is looked through for a place to cut it at.
const CUT_CHARS_MAX: usize = 500;
/// So many words stand in two parts, where a sentence is cut between two words.
const WORDS_AGAIN: usize = 8;

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
    /// The cells of that row.
    pub cells: Vec<String>,
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
                if gap && !self.mark.0 || self.ended_on_purpose(&text) || self.is_long() {
                    self.finish();
                }
                self.open.push((line.number, text));
            }
        }
    }

    /// Whether the last line is longer than a line of a text that was wrapped.
    fn is_long(&self) -> bool {
        let last = self.open.last();
        last.is_some_and(|(_, last)| last.chars().nth(LINE_CHARS_MAX).is_some())
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
                || begins_anew(last, next)
                || last.ends_with(',') && last.chars().count() < 30
                || !(WRAP_CHARS_MIN..=WRAP_CHARS_MAX).contains(&last.chars().count()))
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
            cells,
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
                cells: Vec::new(),
            });
        }
    }
}

/// Whether a line begins a sentence although the last one ends without a mark: with a small word in
/// capitals, behind a word that isn't small.
fn begins_anew(last: &str, next: &str) -> bool {
    let first = words(next).into_iter().next();
    let before = last.split_whitespace().next_back().unwrap_or_default();
    let goes_on = before.ends_with([',', '-', '(', '/']);
    let before = words(before).pop();
    first.is_some_and(|it| language::is_small_word(&it.folded))
        && !goes_on
        && before.is_none_or(|it| !SMALL_ENDS.contains(&it.folded.as_str()))
}

/// Words that no sentence ends with.
const SMALL_ENDS: &[&str] = &[
    "le", "la", "les", "l", "d", "de", "du", "des", "et", "ou", "a", "au", "aux", "en", "pour",
    "avec", "dans", "par", "sur", "chez", "un", "une", "the", "of", "to", "and", "or", "for",
    "with", "by", "from", "in", "at", "an", "ny", "sy", "amin", "fa", "dia", "i",
];

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
        for (at, part) in parts(sentence) {
            if part.chars().any(char::is_alphanumeric) {
                let inside = part.len() - part.trim_start().len();
                found.push((line_at(from + blank + at + inside), part.trim().to_owned()));
            }
        }
        from = cut;
    }
    found
}

/// A sentence in parts that are short enough to be looked at, each with its first byte: cut before
/// a word that begins like a sentence, behind a comma, or between two words. There the next part
/// begins with the last words again, so that no phrase is cut in two unseen.
fn parts(sentence: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some((most, _)) = sentence[from..].char_indices().nth(PASSAGE_CHARS_MAX) {
        let part = &sentence[from..from + most];
        let (cut, next) = part_end(part);
        parts.push((from, &part[..cut]));
        from += next;
    }
    parts.push((from, &sentence[from..]));
    parts
}

/// Where a part that is as long as it may be ends, and where the next one begins.
fn part_end(part: &str) -> (usize, usize) {
    let first = part.char_indices().rev().nth(CUT_CHARS_MAX - 1);
    let first = first.map_or(0, |(at, _)| at);
    let (mut anew, mut comma, mut blanks) = (None, None, Vec::new());
    let mut before = 'x';
    for (at, letter) in part[first..].char_indices() {
        let at = first + at;
        let begins = before.is_whitespace() && !letter.is_whitespace();
        if begins && letter.is_uppercase() {
            anew = Some(at);
        } else if matches!(before, ',' | ';' | ':') && letter.is_whitespace() {
            comma = Some(at);
        }
        if begins {
            blanks.push(at);
        }
        before = letter;
    }
    let again = blanks.len().saturating_sub(WORDS_AGAIN + 1);
    match (anew.or(comma), blanks.last()) {
        (Some(at), _) => (at, at),
        (None, Some(&last)) => (last, blanks[again]),
        (None, None) => (part.len(), part.len()),
    }
}

/// The byte after each end of a sentence; the last is the end of the text.
fn cuts(text: &str) -> Vec<usize> {
    let mut cuts = Vec::new();
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let mut after = 0;
    for (at, &(byte, letter)) in letters.iter().enumerate() {
        if !matches!(letter, '.' | '!' | '?' | '…') {
            continue;
        }
        let closes = |mark: char| matches!(mark, '.' | '!' | '?' | '…' | '"' | '»' | '”' | ')');
        after = after.max(at + 1);
        while letters.get(after).is_some_and(|&(_, mark)| closes(mark)) {
            after += 1;
        }
        let parted = letters
            .get(after)
            .is_none_or(|&(_, next)| next.is_whitespace());
        if !parted {
            continue;
        }
        let next = letters[after.min(letters.len())..]
            .iter()
            .find(|(_, it)| !it.is_whitespace());
        let begins = next.is_none_or(|&(_, it)| !it.is_lowercase() && !matches!(it, ')' | '»'));
        let abbreviated = || letter == '.' && is_abbreviated(&text[..byte]);
        if (begins || letter == '?') && !abbreviated() {
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
                "Nous avons décidé de livrer le 15 décembre 2026 au plus tard\nQui part ?",
                "1Nous avons décidé de livrer le 15 décembre 2026 au plus tard / 2Qui part ?",
            ),
            (
                "This letter is to be sent from the office of our partners in\nLa Rochelle",
                "1This letter is to be sent from the office of our partners in La Rochelle",
            ),
            (
                "This letter is to be sent from the office to the two brothers and\nWe",
                "1This letter is to be sent from the office to the two brothers and We",
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
    fn nothing_behind_a_long_line_is_lost() {
        for filler in ["word ", "mot é ", "日", "a, ", "a.b", "!"] {
            for bytes in [1_980, 2_000, 10_000, 200_000] {
                let long: String = filler.repeat(bytes / filler.len());
                for (between, last) in [
                    ("\n", "We agreed."),
                    ("\n", "we agreed."),
                    (" ", "We agreed."),
                    ("\n\n", "we agreed"),
                ] {
                    let text = format!("{long}{between}{last}\nBye.");
                    let page = from_text("x.md", &text, false);
                    let found = read(&page);
                    let mut holds = found.iter().filter(|it| it.text.contains(last));
                    let it = holds.next().unwrap_or_else(|| {
                        panic!("lost behind {bytes} bytes of {filler:?}: {last}")
                    });
                    assert!(it.text.chars().count() <= PASSAGE_CHARS_MAX);
                    let line = 1 + between.matches('\n').count();
                    let own_line = it.text == last;
                    assert!(own_line || it.line == 1, "{} {}", it.line, it.text.len());
                    assert!(!own_line || it.line == line, "{} of {line}", it.line);
                    let letters = |text: &str| -> String {
                        text.chars().filter(|it| it.is_alphanumeric()).collect()
                    };
                    let all: String = found.iter().map(|it| letters(&it.text)).collect();
                    assert!(all.len() >= letters(&text).len(), "{filler:?} {bytes}");
                }
            }
        }
    }

    #[test]
    fn a_long_sentence_is_cut_where_another_could_begin() {
        let words = "and so on ".repeat(190);
        for (text, expected) in [
            (format!("{words}We agreed to it {words}"), "We agreed to it"),
            (
                format!("{words}so, we agreed to it {words}"),
                "we agreed to it",
            ),
        ] {
            let found = parts(&text);
            assert!(found[1].1.trim().starts_with(expected), "{}", found[1].1);
        }
        // Where nothing begins, no phrase is cut in two.
        let mut text = "and so on ".repeat(199);
        text.push_str("some we agreed to it ");
        for more in 0..20 {
            let text = format!("{}{text}{}", "x".repeat(more), "and so on ".repeat(500));
            let found = parts(&text);
            assert!(found.iter().any(|(_, it)| it.contains("we agreed to it")));
            assert!(found.iter().all(|(at, it)| text[*at..].starts_with(it)));
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
