//! What is wrong with a document, and where.

use naos_types::Code;

use crate::places::StepPlaces;
use crate::tree::Mark;

/// No more are collected from one document.
pub const DIAGNOSTICS_MAX: usize = 50;

/// One thing that is wrong (or, as a warning, odd).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the caller calls it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
    /// The code to look up.
    pub code: Code,
}

impl std::fmt::Display for Diagnostic {
    /// `nexus.config.yaml:14:1: unknown key `agnets`; did you mean `agents`?`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            file,
            line,
            column,
            what,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {what}")?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a document, in the order of its lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Diagnostics(pub Vec<Diagnostic>);

fn lines(all: &[Diagnostic]) -> String {
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Collects what is found while a document is read.
#[derive(Debug)]
pub(crate) struct Findings {
    file: String,
    pub errors: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
    /// Where steps name what they run or ask for.
    pub places: StepPlaces,
}

impl Findings {
    pub fn new(file: &str) -> Self {
        Self {
            file: file.into(),
            errors: Vec::new(),
            warnings: Vec::new(),
            places: StepPlaces::new(),
        }
    }

    /// What the file is called.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Adds what was found in a file within this one.
    pub fn take(&mut self, other: Self) {
        let room = DIAGNOSTICS_MAX.saturating_sub(self.errors.len());
        self.errors.extend(other.errors.into_iter().take(room));
        let room = DIAGNOSTICS_MAX.saturating_sub(self.warnings.len());
        self.warnings.extend(other.warnings.into_iter().take(room));
    }

    fn diagnostic(&self, at: Mark, code: Code, what: String, help: Option<String>) -> Diagnostic {
        let file = self.file.clone();
        Diagnostic {
            file,
            line: at.line,
            column: at.column,
            what,
            help,
            code,
        }
    }

    pub fn error(&mut self, at: Mark, what: impl Into<String>) {
        self.push(at, Code::BAD_DOCUMENT, what.into(), None);
    }

    pub fn error_help(&mut self, at: Mark, what: impl Into<String>, help: impl Into<String>) {
        self.push(at, Code::BAD_DOCUMENT, what.into(), Some(help.into()));
    }

    pub fn push(&mut self, at: Mark, code: Code, what: String, help: Option<String>) {
        if self.errors.len() < DIAGNOSTICS_MAX {
            let found = self.diagnostic(at, code, what, help);
            if !self.errors.contains(&found) {
                self.errors.push(found);
            }
        }
    }

    pub fn warn(&mut self, at: Mark, what: impl Into<String>, help: impl Into<String>) {
        if self.warnings.len() < DIAGNOSTICS_MAX {
            let help = Some(help.into());
            let found = self.diagnostic(at, Code::BAD_DOCUMENT, what.into(), help);
            self.warnings.push(found);
        }
    }
}

/// The word of `known` that `typed` was probably meant to be.
pub(crate) fn similar<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const COMPARED_BYTES_MAX: usize = 128;
    if typed.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
    let wanted = plain(typed);
    known
        .into_iter()
        .map(|word| (strsim::osa_distance(&wanted, &plain(word)), word))
        .filter(|(far, word)| *far <= word.len().max(typed.len()).div_ceil(3))
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| word)
}

/// `did you mean …?`, or all that is known.
pub(crate) fn meant(typed: &str, known: &[&str]) -> String {
    const SHOWN_MAX: usize = 24;
    match similar(typed, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => {
            let mut seen = std::collections::BTreeSet::new();
            let known: Vec<&str> = known
                .iter()
                .copied()
                .filter(|word| seen.insert(*word))
                .collect();
            let more = if known.len() > SHOWN_MAX { " …" } else { "" };
            let shown = known[..known.len().min(SHOWN_MAX)].join(", ");
            format!("known here: {shown}{more}")
        }
    }
}
