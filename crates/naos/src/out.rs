//! What is shown: tables on a terminal, aligned text elsewhere, JSON where it was asked for.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};
use serde_json::Value;

/// How wide a terminal is that says nothing, or nought.
const COLUMNS: u16 = 80;
/// How wide a column becomes that others stand behind: one long text moves no other row.
const COLUMN_WIDTH_MAX: u16 = 60;

/// How answers are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    /// Whether standard output is a terminal.
    pub(crate) terminal: bool,
    /// Whether standard error takes colours.
    pub(crate) colour: bool,
    /// Whether standard output does.
    pub(crate) tints: bool,
}

/// How a word stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tint {
    Plain,
    Faint,
    Yellow,
    Red,
}

impl Tint {
    const fn code(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Faint => Some(2),
            Self::Yellow => Some(33),
            Self::Red => Some(31),
        }
    }
}

impl Out {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            json,
            quiet,
            terminal: std::io::stdout().is_terminal(),
            colour: std::io::stderr().is_terminal() && !plain,
            tints: std::io::stdout().is_terminal() && !plain,
        }
    }

    /// Whether a person is there who can be asked something, and answer.
    pub(crate) fn can_ask(&self) -> bool {
        self.terminal && std::io::stdin().is_terminal() && !self.json
    }

    /// A line, whatever was asked for.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        put(clean(text.as_ref()));
    }

    /// A line with a word that stands out on a terminal that takes colours.
    pub(crate) fn tinted(&self, head: &str, word: &str, tint: Tint, tail: &str) {
        let (head, word, tail) = (clean(head), clean(word), clean(tail));
        let word = match tint.code().filter(|_| self.tints) {
            Some(code) => format!("\u{1b}[{code}m{word}\u{1b}[0m"),
            None => word,
        };
        put(format_args!("{head}{word}{tail}"));
    }

    /// A piece of an answer as it comes, cleaned.
    pub(crate) fn piece(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let written = out
            .write_all(clean(text).as_bytes())
            .and_then(|()| out.flush());
        drop(written); // whoever closed the other end heard enough
    }

    /// A piece of what a model writes as it comes, cleaned. A program behind a pipe is given the
    /// answer alone, once it is known: what is written may be no part of it.
    pub(crate) fn thought(&self, text: &str) {
        if self.terminal && !self.json {
            return self.piece(text);
        }
        let _ = std::io::stderr().lock().write_all(clean(text).as_bytes());
    }

    /// An answer as it was given, for the program behind a pipe; cleaned for a terminal.
    pub(crate) fn answer(&self, text: &str) {
        if self.terminal {
            return self.line(text);
        }
        put(text);
    }

    /// A line for people: neither with `--json` nor with `--quiet`.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.json && !self.quiet {
            self.line(text);
        }
    }

    /// Advice beside the answer, on standard error.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            aside(clean(text.as_ref()));
        }
    }

    /// What went wrong, on standard error: whoever wants nothing else said wants that.
    pub(crate) fn wrong(&self, text: impl AsRef<str>) {
        aside(clean(text.as_ref()));
    }

    /// JSON: spread out on a terminal, one line elsewhere.
    pub(crate) fn json(&self, value: &Value) {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        put(text.unwrap_or_default());
    }

    /// Rows under their headings.
    pub(crate) fn table(&self, head: &[&str], rows: &[Vec<String>]) {
        if self.terminal {
            let mut table = Table::new();
            table
                .load_style(UTF8_HORIZONTAL_ONLY)
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_header(head.iter().map(|word| word.to_uppercase()));
            if table.width().is_none_or(|width| width == 0) {
                table.set_width(COLUMNS); // a terminal that doesn't know how wide it is
            }
            for row in rows {
                table.add_row(row.iter().map(|cell| clean(cell)));
            }
            for column in table.column_iter_mut().take(head.len().saturating_sub(1)) {
                let most = Width::Fixed(COLUMN_WIDTH_MAX);
                column.set_constraint(ColumnConstraint::UpperBoundary(most));
            }
            put(table.trim_fmt());
            return;
        }
        for line in aligned(head, rows) {
            self.line(line);
        }
    }
}

/// Whether something of an answer could not be written.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// A line on standard output.
fn put(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        // A reader that went away (`| head`) is no error of ours.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            UNWRITTEN.store(true, Ordering::Relaxed);
        }
    }
}

/// Whether all that was answered could be written.
pub(crate) fn is_written() -> bool {
    let flushed = std::io::stdout().lock().flush();
    let kept = flushed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
    !(kept || UNWRITTEN.load(Ordering::Relaxed))
}

/// A line on standard error, if anybody still listens there.
pub(crate) fn aside(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Columns as wide as their widest cell, two spaces apart, one line a row. A cell that is longer
/// than [`COLUMN_WIDTH_MAX`] is whole, and only what stands behind it in its own row gives way.
fn aligned(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|word| word.to_uppercase()).collect();
    let one_line = |cell: &String| clean(cell).replace(['\n', '\t'], " ");
    let rows: Vec<Vec<String>> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.iter().map(one_line).collect())
        .collect();
    let wide = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .filter(|width| *width <= usize::from(COLUMN_WIDTH_MAX))
            .max()
    };
    let widths: Vec<usize> = (0..head.len())
        .map(|column| wide(column).unwrap_or(0))
        .collect();
    let fill = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(fill).collect()
}

/// Text that can't steer a terminal: control characters become a mark.
pub(crate) fn clean(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if steers(c) { '\u{fffd}' } else { c })
        .collect()
}

/// A cell: text as it is, anything else as JSON.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A problem in one line: what went wrong, and what the failing thing itself said of it.
pub(crate) fn why(problem: &Value) -> String {
    let said: Vec<String> = ["note", "said"].map(|key| cell(&problem[key])).into();
    let said: Vec<&str> = said
        .iter()
        .map(String::as_str)
        .filter(|it| !it.is_empty())
        .collect();
    said.join(": ")
}

/// A number of things: `1 step`, `2 steps`.
pub(crate) fn count<N>(n: N, one: &str, more: &str) -> String
where
    N: std::fmt::Display + PartialEq + From<u8>,
{
    let word = if n == N::from(1) { one } else { more };
    format!("{n} {word}")
}

/// Money in millionths as people read it.
pub(crate) fn money(value: &Value) -> String {
    value.as_u64().map_or(String::new(), |micros| {
        naos_types::Micros(micros).to_string()
    })
}

/// The rows of an answer: `{"items": […]}` or a bare list.
pub(crate) fn items(answer: &Value) -> &[Value] {
    let list = answer.get("items").unwrap_or(answer);
    list.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["a".into(), "longer".into()],
            vec!["bbb".into(), "x\ny".into()],
        ];
        assert_eq!(
            aligned(&["one", "two"], &rows),
            ["ONE  TWO", "a    longer", "bbb  x y"]
        );
    }

    #[test]
    fn a_long_cell_moves_its_own_row_alone() {
        let long = "x".repeat(usize::from(COLUMN_WIDTH_MAX) + 1);
        let rows = vec![
            vec![long.clone(), "1".into()],
            vec!["short".into(), "2".into()],
        ];
        let whole = format!("{long}  1");
        assert_eq!(
            aligned(&["one", "two"], &rows),
            ["ONE    TWO", whole.as_str(), "short  2"]
        );
    }

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, shown) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("\x1b[31mred", "\u{fffd}[31mred"),
            ("a\rb\u{7}", "a\u{fffd}b\u{fffd}"),
            ("\u{202e}gnp.exe", "\u{fffd}gnp.exe"),
        ] {
            assert_eq!(clean(text), shown);
        }
    }
}
