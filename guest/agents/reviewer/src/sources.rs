//! The sources as they can be read: mails decoded, everything else as it stands.

use std::collections::BTreeMap;

use naos_reading::findings::shared_words;
use naos_reading::{mail, words};
use serde_json::Value;

use crate::claims::Cite;

/// A sentence may go on for so many lines behind the one that is cited.
const WINDOW_LINES: usize = 3;

/// The texts that a report may cite.
pub struct Sources {
    files: BTreeMap<String, Source>,
}

struct Source {
    lines: Vec<String>,
    /// Lines of decoded mail, by the line they come from.
    decoded: BTreeMap<usize, String>,
    is_table: bool,
}

impl Sources {
    /// Reads `[{"path": …, "text": …}, …]`.
    #[must_use]
    pub fn of(list: &Value) -> Self {
        let mut files = BTreeMap::new();
        for item in list.as_array().into_iter().flatten() {
            let field = |name: &str| item.get(name).and_then(Value::as_str);
            if let (Some(path), Some(text)) = (field("path"), field("text")) {
                files.insert(path.to_owned(), Source::of(path, text));
            }
        }
        Self { files }
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
        let source = self
            .files
            .get(path)
            .ok_or(format!("there is no source {path}"))?;
        let at = line.checked_sub(1).ok_or(format!("{path} has no line 0"))?;
        let raw = source
            .lines
            .get(at)
            .ok_or_else(|| format!("{path} has {} lines, not {line}", source.lines.len()))?;
        if raw.trim().is_empty() {
            return Err(format!("{path}:{line} is blank"));
        }
        let end = (at + WINDOW_LINES).min(source.lines.len());
        let mut text = if source.is_table {
            raw.clone()
        } else {
            source.lines[at..end].join("\n")
        };
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
        let head = cite.line == 1 && self.files.get(&cite.path).is_some_and(|it| it.is_table);
        head || shared_words(said, found) > 0 || shares_number(said, found) || contains(found, said)
    }

    /// The first line of a text (not a table) that holds this amount and a word of the claim.
    #[must_use]
    pub fn who_says(&self, amount: &str, about: &[&str]) -> Option<(String, String)> {
        for (path, source) in self.files.iter().filter(|(_, source)| !source.is_table) {
            let whole = words::fold(&source.lines.join("\n"));
            if !about.iter().any(|word| whole.contains(&words::fold(word))) {
                continue;
            }
            let plain = source
                .lines
                .iter()
                .enumerate()
                .map(|(at, text)| (at + 1, text));
            let decoded = source.decoded.iter().map(|(&line, text)| (line, text));
            for (line, text) in plain.chain(decoded).filter(|(_, it)| !it.starts_with('>')) {
                if amounts(text).iter().any(|found| found == amount) {
                    return Some((format!("{path}:{line}"), text.clone()));
                }
            }
        }
        None
    }
}

impl Source {
    fn of(path: &str, text: &str) -> Self {
        let mut decoded: BTreeMap<usize, String> = BTreeMap::new();
        if path.ends_with(".eml") || path.ends_with(".mbox") || mail::looks_like_mail(text) {
            for page in mail::read(path, text).pages {
                for line in page.lines {
                    let held = decoded.entry(line.number).or_default();
                    held.push_str(&line.text);
                    held.push('\n');
                }
            }
        }
        let is_table = path.ends_with(".csv") || path.ends_with(".tsv");
        let lines = text
            .split('\n')
            .map(|line| line.trim_end_matches('\r').to_owned())
            .collect();
        Self {
            lines,
            decoded,
            is_table,
        }
    }
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

/// Short sentences may hold no word that matters: then they have to stand there as they are.
fn contains(found: &str, said: &str) -> bool {
    let squeeze = |text: &str| -> String {
        words::words(text)
            .into_iter()
            .map(|word| word.folded + " ")
            .collect()
    };
    let said = squeeze(said);
    let first: String = said.split_inclusive(' ').take(2).collect();
    first.len() > 3 && squeeze(found).contains(&first)
}
