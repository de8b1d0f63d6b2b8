//! Why an expression or a template can't be used.

use naos_types::{Code, Refusal};

/// A place in an expression or template, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl Position {
    /// The place of the byte `offset` in `source`.
    #[must_use]
    pub fn of(source: &str, offset: usize) -> Self {
        let mut end = offset.min(source.len());
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        let before = &source[..end];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[start..].chars().count() + 1;
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            line: clip(line),
            column: clip(column),
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why an expression or a template can't be used. All but [`ComputeError::Failed`] and
/// [`ComputeError::Limit`] are found before anything is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComputeError {
    /// It doesn't parse.
    #[error("{what}")]
    Syntax {
        /// Where.
        at: Option<Position>,
        /// What is wrong.
        what: String,
    },
    /// It names something that isn't there.
    #[error("unknown {sort} `{name}`{}", hint(similar.as_ref(), known))]
    Unknown {
        /// Where.
        at: Option<Position>,
        /// What was looked for: a name, field, function, filter …
        sort: &'static str,
        /// What was written.
        name: String,
        /// What was probably meant.
        similar: Option<String>,
        /// What may stand there.
        known: Vec<String>,
    },
    /// Its parts don't fit together.
    #[error("{what}")]
    Type {
        /// Where.
        at: Option<Position>,
        /// What doesn't fit.
        what: String,
    },
    /// It went wrong with these values.
    #[error("{what}")]
    Failed {
        /// Where.
        at: Option<Position>,
        /// What went wrong.
        what: String,
    },
    /// It is too long, too deep or too much work.
    #[error("{what}")]
    Limit {
        /// Which limit.
        what: String,
    },
}

impl ComputeError {
    /// The code to look up.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Limit { .. } => Code::TOO_LARGE,
            _ => Code::BAD_EXPRESSION,
        }
    }

    /// Where it is wrong, where that is known.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Syntax { at, .. }
            | Self::Unknown { at, .. }
            | Self::Type { at, .. }
            | Self::Failed { at, .. } => *at,
            Self::Limit { .. } => None,
        }
    }

    /// What may stand there, where something unknown was named.
    #[must_use]
    pub fn known(&self) -> &[String] {
        match self {
            Self::Unknown { known, .. } => known,
            _ => &[],
        }
    }

    /// Whether it would go wrong with every value: found when the text is checked.
    #[must_use]
    pub const fn is_static(&self) -> bool {
        !matches!(self, Self::Failed { .. } | Self::Limit { .. })
    }

    /// As an answer to who asked.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let what = match self.position() {
            Some(at) => format!("{at}: {self}"),
            None => self.to_string(),
        };
        let refusal = Refusal::new(self.code(), what);
        match self.known() {
            [] => refusal,
            known => refusal.help(format!("known here: {}", known.join(", "))),
        }
    }

    pub(super) fn unknown(
        at: Option<Position>,
        sort: &'static str,
        name: &str,
        known: Vec<String>,
    ) -> Self {
        // Each of the two languages has the other's word for nothing as a mere name.
        let nothing = match name {
            "null" => Some("none".to_owned()),
            "none" | "None" => Some("null".to_owned()),
            _ => None,
        };
        Self::Unknown {
            at,
            sort,
            name: name.into(),
            similar: nothing.or_else(|| similar(name, known.iter().map(String::as_str))),
            known,
        }
    }
}

fn hint(similar: Option<&String>, known: &[String]) -> String {
    const SHOWN: usize = 12;
    match (similar, known) {
        (Some(similar), _) => format!("; did you mean `{similar}`?"),
        (None, []) => "; there is none here".into(),
        (None, known) => {
            let more = if known.len() > SHOWN { " …" } else { "" };
            let shown = &known[..known.len().min(SHOWN)];
            format!("; known here: {}{more}", shown.join(", "))
        }
    }
}

/// The word of `known` that `name` was probably meant to be: at most a third of it differs.
pub(super) fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const COMPARED_CHARS_MAX: usize = 64;
    let typed: Vec<char> = name.chars().take(COMPARED_CHARS_MAX).collect();
    known
        .map(|word| {
            let other: Vec<char> = word.chars().take(COMPARED_CHARS_MAX).collect();
            (distance(&typed, &other), word)
        })
        .filter(|(far, word)| *far <= word.chars().count().max(typed.len()).div_ceil(3))
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| word.to_owned())
}

/// How many letters must change, come, go or swap places.
fn distance(a: &[char], b: &[char]) -> usize {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let mut older: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let change = usize::from(lower(x) != lower(y));
            let mut best = (last[j] + change).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(older[j - 1] + 1);
            }
            row.push(best);
        }
        older = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        for (source, offset, line, column) in [
            ("abc", 0, 1, 1),
            ("abc", 99, 1, 4),
            ("a\nbc", 3, 2, 2),
            ("é = x", 5, 1, 5),
            ("é", 1, 1, 1),
        ] {
            assert_eq!(Position::of(source, offset), Position { line, column });
        }
    }

    #[test]
    fn suggestions() {
        for (typed, known, meant) in [
            ("inptus", &["inputs", "steps"][..], Some("inputs")),
            ("Steps", &["inputs", "steps"], Some("steps")),
            ("xyz", &["inputs", "steps"], None),
            ("", &["inputs"], None),
            (
                "total_ammount",
                &["total", "total_amount"],
                Some("total_amount"),
            ),
        ] {
            let found = similar(typed, known.iter().copied());
            assert_eq!(found.as_deref(), meant, "{typed}");
        }
    }

    #[test]
    fn an_unknown_name_says_what_is_known() {
        let error = ComputeError::unknown(None, "name", "qq", vec!["item".into(), "index".into()]);
        assert_eq!(
            error.to_string(),
            "unknown name `qq`; known here: item, index"
        );
        assert_eq!(error.code(), Code::BAD_EXPRESSION);
        assert_eq!(error.refusal().help, "known here: item, index");
    }
}
