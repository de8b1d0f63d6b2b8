//! Functions and types with their first and last line.

use serde::Serialize;

use crate::FUNCTION_LINES_MAX;
use crate::languages::{Kind, Language, Line};

/// A function, a type, a module.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// `function`, `type` and so on.
    pub kind: &'static str,
    /// What it is called.
    pub name: String,
    /// The line it begins on.
    pub line: usize,
    /// The line it ends on.
    pub end: usize,
    /// How many lines it has.
    pub lines: usize,
    /// `file:line`.
    pub cite: String,
}

impl Item {
    /// Whether a line is inside.
    #[must_use]
    pub fn holds(&self, line: usize) -> bool {
        (self.line..=self.end).contains(&line)
    }

    /// Whether it is a function that is too long.
    #[must_use]
    pub fn is_long_function(&self) -> bool {
        self.kind == "function" && self.lines > FUNCTION_LINES_MAX
    }
}

/// Words that may stand before the word that introduces something.
const BEFORE: &[&str] = &[
    "pub",
    "pub(crate)",
    "pub(super)",
    "async",
    "unsafe",
    "const",
    "extern",
    "export",
    "default",
    "static",
    "public",
    "private",
    "protected",
    "internal",
    "abstract",
    "final",
    "override",
    "virtual",
    "sealed",
    "data",
    "open",
    "inline",
    "typedef",
    "create",
    "CREATE",
    "or",
    "OR",
    "replace",
    "REPLACE",
    "declare",
    "partial",
    "suspend",
];
/// Words before brackets that call or branch and define nothing.
const NO_FUNCTION: &[&str] = &[
    "if", "for", "while", "switch", "return", "else", "catch", "sizeof", "match", "loop", "do",
    "new", "throw", "assert", "foreach", "using", "lock",
];

/// All functions and types of a file, in order.
#[must_use]
pub fn read(path: &str, lines: &[Line<'_>], language: &Language) -> Vec<Item> {
    let mut items = Vec::new();
    for (at, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.kind == Kind::Code)
    {
        let found = introduced(line.text, language)
            .or_else(|| bound(line.text))
            .or_else(|| {
                let bare = language.bare_functions.then(|| bare(line.text)).flatten()?;
                Some(("function", bare))
            });
        let Some((kind, name)) = found else { continue };
        let end = if language.indented {
            end_by_indent(lines, at)
        } else {
            end_by_braces(lines, at)
        };
        items.push(Item {
            kind,
            name,
            line: line.number,
            end,
            lines: end + 1 - line.number,
            cite: format!("{path}:{}", line.number),
        });
    }
    items
}

/// `pub async fn name(`, `class Name`.
fn introduced(text: &str, language: &Language) -> Option<(&'static str, String)> {
    let mut words = text.split_whitespace().peekable();
    while words.peek().is_some_and(|word| BEFORE.contains(word)) {
        words.next();
    }
    let word = words.next()?;
    let known = language
        .words
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word));
    let &(_, kind) = known?;
    let rest: String = words.collect::<Vec<_>>().join(" ");
    let rest = receiver_off(&rest);
    let name: String = if kind == "implementation" {
        rest.split(['{', '\n'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    } else {
        rest.chars()
            .take_while(|&it| it.is_alphanumeric() || matches!(it, '_' | '$' | '.' | '?'))
            .collect()
    };
    (!name.is_empty()).then_some((kind, name))
}

/// Go writes the receiver before the name: `func (s *Shop) Open()`.
fn receiver_off(rest: &str) -> &str {
    match rest.strip_prefix('(') {
        Some(inside) => inside
            .split_once(')')
            .map_or(rest, |(_, name)| name.trim_start()),
        None => rest,
    }
}

/// `const name = (…) =>`, `name = function (`, `name() {` of a shell.
fn bound(text: &str) -> Option<(&'static str, String)> {
    let text = text
        .trim()
        .trim_start_matches("export ")
        .trim_start_matches("default ");
    let shell = text.split_once("() {").map(|(name, _)| name);
    let arrow = || {
        let (left, right) = text.split_once('=')?;
        let right = right.trim_start();
        let function = right.starts_with("function")
            || (right.starts_with('(') || right.starts_with("async")) && right.contains("=>");
        let name = left
            .trim()
            .trim_start_matches("const ")
            .trim_start_matches("let ");
        let name = name.split(':').next().unwrap_or_default();
        function.then(|| name.trim().trim_start_matches("var "))
    };
    let name = shell.or_else(arrow)?.trim();
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|it| it.is_alphanumeric() || matches!(it, '_' | '$' | '.' | '-'));
    plain.then(|| ("function", name.to_owned()))
}

/// `static int name(int a) {`: two words, brackets, no semicolon.
fn bare(text: &str) -> Option<String> {
    let bare = text.trim();
    let (before, after) = bare.split_once('(')?;
    let opens = after.ends_with('{') || after.ends_with(')') || after.ends_with(',');
    let words: Vec<&str> = before.split_whitespace().collect();
    let name = words.last()?.trim_start_matches(['*', '&']);
    let plain = name
        .chars()
        .all(|it| it.is_alphanumeric() || matches!(it, '_' | ':' | '~'));
    let defines = words.len() >= 2
        && !words.iter().any(|word| NO_FUNCTION.contains(word))
        && !before.contains(['=', '.', '"', '#']);
    (opens && plain && defines && !name.is_empty()).then(|| name.to_owned())
}

/// The line of the brace that closes the first one opened; a `;` first means there is no body.
fn end_by_braces(lines: &[Line<'_>], from: usize) -> usize {
    let mut depth = 0_i64;
    let mut opened = false;
    for line in lines[from..].iter().filter(|line| line.kind == Kind::Code) {
        for letter in without_strings(line.text) {
            match letter {
                '{' => {
                    depth += 1;
                    opened = true;
                }
                '}' => depth -= 1,
                ';' if !opened => return line.number,
                _ => {}
            }
            if opened && depth <= 0 {
                return line.number;
            }
        }
    }
    if opened {
        lines.last().map_or(1, |line| line.number)
    } else {
        lines[from].number
    }
}

/// Braces in strings and letters open nothing.
fn without_strings(text: &str) -> impl Iterator<Item = char> {
    let mut quote = None;
    let mut escaped = false;
    let letters: Vec<char> = text.chars().collect();
    let brace = |at: usize| letters.get(at + 1).is_some() && letters.get(at + 2) == Some(&'\'');
    let mut kept = Vec::new();
    let mut skip = 0;
    for (at, &letter) in letters.iter().enumerate() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' => quote = Some('"'),
            None if letter == '\'' && brace(at) => skip = 2,
            None => kept.push(letter),
        }
    }
    kept.into_iter()
}

fn end_by_indent(lines: &[Line<'_>], from: usize) -> usize {
    let indent = |line: &Line<'_>| line.text.len() - line.text.trim_start().len();
    let own = indent(&lines[from]);
    let mut end = lines[from].number;
    for line in lines[from + 1..]
        .iter()
        .filter(|line| line.kind != Kind::Blank)
    {
        if indent(line) <= own && line.kind == Kind::Code {
            let closes = matches!(line.text.trim(), "end" | ")" | "):");
            return if closes { line.number } else { end };
        }
        end = line.number;
    }
    end
}
