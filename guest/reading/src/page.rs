//! A text with what is known about it: who wrote it, when, and where each line really stands.

use crate::dates::Date;
use crate::people::Person;

/// One line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// 1-based line in the ORIGINAL file, also where the text was decoded from a mail.
    pub number: usize,
    /// The readable text.
    pub text: String,
}

/// A mail's text or a note.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The file, as citations name it.
    pub path: String,
    /// Who wrote it, where that is known.
    pub author: Option<Person>,
    /// To whom it was written.
    pub readers: Vec<Person>,
    /// When it was written: what "Friday" is counted from.
    pub date: Option<Date>,
    /// What it is about, where it says so.
    pub subject: Option<String>,
    /// Its lines, in order.
    pub lines: Vec<Line>,
    /// Headings and lists mean what they mean in Markdown.
    pub markdown: bool,
    /// A machine wrote it to many, or as an automatic answer.
    pub automatic: bool,
    /// A mail's identifier.
    pub message: Option<String>,
    /// The identifier of the mail that it replies to.
    pub replies: Option<String>,
    /// What binds it to other mails: identifiers of messages and the bare subject.
    pub thread: Vec<String>,
    /// When it was written, in milliseconds since 1970; 0 where that isn't known.
    pub written_ms: i64,
    /// It stands within the mail of somebody else.
    pub quoted: bool,
}

/// A piece of a text or a note as a page; its file has so many lines in front of it.
#[must_use]
pub fn from_piece(path: &str, text: &str, markdown: bool, lines_before: usize) -> Page {
    let mut page = from_text(path, text, markdown);
    for line in &mut page.lines {
        line.number += lines_before;
    }
    page
}

/// A plain text or a note as a page.
#[must_use]
pub fn from_text(path: &str, text: &str, markdown: bool) -> Page {
    let text = crate::charsets::undeclared(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let number = |(at, text): (usize, &str)| Line {
        number: at + 1,
        text: text.to_owned(),
    };
    let lines: Vec<Line> = text.lines().enumerate().map(number).collect();
    let date = date_of(path, &lines);
    Page {
        path: path.to_owned(),
        date,
        lines,
        markdown,
        ..Page::default()
    }
}

/// How many lines at the top may say from which day a note is.
const DATE_LINES: usize = 12;

/// A note's day: in its name (`2026-10-09-standup.md`), else the first full date at its top.
fn date_of(path: &str, lines: &[Line]) -> Option<Date> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let in_name = (0..name.len()).find_map(|at| name.get(at..).and_then(Date::parse_iso));
    let on_top = || {
        lines.iter().take(DATE_LINES).find_map(|line| {
            let words = crate::words::words(&line.text);
            let header = line.text.starts_with('#') || line.text.to_lowercase().contains("date");
            crate::dates::find(&line.text, &words, None)
                .into_iter()
                .find_map(|phrase| phrase.date.filter(|_| header))
        })
    };
    in_name.or_else(on_top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_dated_by_its_name_or_its_head() {
        for (path, text, expected) in [
            ("notes/2026-10-05-standup.md", "hello", Some("2026-10-05")),
            (
                "a.md",
                "# Réunion du 5 octobre 2026\n\nhello",
                Some("2026-10-05"),
            ),
            ("a.md", "Date: 2026-10-05\nhello", Some("2026-10-05")),
            ("a.md", "due 2026-10-05", None),
            ("a.md", "", None),
        ] {
            let date = from_text(path, text, true)
                .date
                .map(|date| date.to_string());
            assert_eq!(date.as_deref(), expected, "{path} {text}");
        }
    }
}
