//! What an agent learned, as its document has it: a line of JSON for each thing.

use std::fmt;

use serde_json::Value;

/// Why a line isn't taken, and where that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// Counted from 1.
    pub(crate) line: usize,
    column: usize,
    pub(crate) why: String,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, why } = self;
        write!(f, "line {line}, column {column}: {why}")
    }
}

/// Every line that says something, with its number: what it says, or why nothing can be read there.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str, Result<Value, Unfit>)> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| (at + 1, line, read(at + 1, line)))
}

fn read(number: usize, line: &str) -> Result<Value, Unfit> {
    let unfit = |column: usize, why: String| Unfit {
        line: number,
        column,
        why,
    };
    let one: Value = serde_json::from_str(line).map_err(|error| {
        let end = line.floor_char_boundary(error.column().saturating_sub(1));
        let said = error.to_string();
        // It counts the lines of its own text, which is this one.
        let why = said.split(" at line ").next().unwrap_or_default();
        unfit(line[..end].chars().count() + 1, why.to_owned())
    })?;
    if one["fact"].is_string() {
        Ok(one)
    } else {
        Err(unfit(1, "it holds no `fact`".to_owned()))
    }
}

/// What is wrong with what an agent learned.
pub(crate) fn unfit(text: &str) -> Option<Unfit> {
    lines(text).find_map(|(number, line, read)| match read {
        Ok(one) => unsure(number, line, &one),
        Err(unfit) => Some(unfit),
    })
}

/// What is wrong with how sure it is; nothing where it doesn't say so.
fn unsure(number: usize, line: &str, one: &Value) -> Option<Unfit> {
    let sure = one.get("confidence")?;
    let fits = sure
        .as_f64()
        .is_some_and(|sure| (0.0..=1.0).contains(&sure));
    if fits {
        return None;
    }
    let before = line.find("\"confidence\"").map_or("", |from| &line[..from]);
    Some(Unfit {
        line: number,
        column: before.chars().count() + 1,
        why: format!("`confidence` is a number from 0 to 1, not {sure}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_says_how_sure_it_is_or_nothing() {
        let line = |sure: &str| format!("{{\"fact\": \"x\"}}\n{{\"fact\": \"y\"{sure}}}\n");
        for (sure, expected) in [
            ("", None),
            (", \"confidence\": 0", None),
            (", \"confidence\": 1.0", None),
            (", \"confidence\": 9", Some("line 2, column 15")),
            (", \"confidence\": -0.1", Some("not -0.1")),
            (", \"confidence\": \"high\"", Some("not \"high\"")),
        ] {
            let found = unfit(&line(sure)).map(|unfit| unfit.to_string());
            match expected {
                None => assert_eq!(found, None, "{sure}"),
                Some(part) => assert!(
                    found.clone().is_some_and(|why| why.contains(part)),
                    "{found:?}"
                ),
            }
        }
    }

    #[test]
    fn what_was_learned_is_checked_line_by_line() {
        let found = |text: &str| unfit(text).map(|unfit| unfit.to_string());
        assert_eq!(found("{\"fact\": \"a\"}\n\n{\"fact\": \"b\"}\n"), None);
        for (text, expected) in [
            (
                "{\"fact\": \"a\"}\n\nnothing",
                "line 3, column 2: expected ident",
            ),
            (
                "{\"fact\": \"é\" 1}",
                "line 1, column 14: expected `,` or `}`",
            ),
            ("{\"text\": 1}", "line 1, column 1: it holds no `fact`"),
            ("{\"fact\": 1}", "line 1, column 1: it holds no `fact`"),
            ("[]", "line 1, column 1: it holds no `fact`"),
        ] {
            assert_eq!(found(text).as_deref(), Some(expected), "{text}");
        }
    }
}
