//! `xtask/planted.list`: which bug is caught by which test.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;

const LIST: &str = "xtask/planted.list";

/// One row: `bug-name  package  test-filter  [harness]`.
#[derive(Debug, PartialEq)]
pub struct Planted {
    pub bug: String,
    pub package: String,
    /// Part of the test's name, or `=` and its whole name.
    pub filter: String,
    /// The evidence harness that must catch the bug too.
    pub harness: Option<String>,
}

impl Planted {
    /// The test in nextest's filter language.
    pub fn expression(&self) -> String {
        format!("(package(={}) and test({}))", self.package, self.filter)
    }
}

/// Reads the list; an absent, empty or malformed one is an error.
pub fn read(root: &Path) -> anyhow::Result<Vec<Planted>> {
    let text = std::fs::read_to_string(root.join(LIST))
        .with_context(|| format!("could not read {LIST}; it names each planted bug"))?;
    parse(&text)
}

fn parse(text: &str) -> anyhow::Result<Vec<Planted>> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, row) in text
        .lines()
        .enumerate()
        .map(|(at, row)| (at + 1, row.trim()))
    {
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = row.split_whitespace().collect();
        let (words, harness) = match words[..] {
            [bug, package, filter] => ([bug, package, filter], None),
            [bug, package, filter, harness] => ([bug, package, filter], Some(harness)),
            _ => anyhow::bail!("{LIST}:{line}: wants `bug-name package test-filter [harness]`"),
        };
        let [bug, package, filter] = words.map(str::to_owned);
        anyhow::ensure!(
            is_slug(&bug),
            "{LIST}:{line}: {bug:?} is not a name like skip-fsync"
        );
        anyhow::ensure!(
            seen.insert(bug.clone()),
            "{LIST}:{line}: {bug} is listed twice"
        );
        rows.push(Planted {
            bug,
            package,
            filter,
            harness: harness.map(str::to_owned),
        });
    }
    anyhow::ensure!(
        !rows.is_empty(),
        "{LIST} names no bug; a harness nobody tried proves nothing"
    );
    Ok(rows)
}

fn is_slug(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read() {
        let text = "# bugs\n\nskip-fsync  naos-store  log::durable crash\nb naos =a::b\n";
        let rows = parse(text).expect("it is well formed");
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0].expression(),
            "(package(=naos-store) and test(log::durable))"
        );
        assert_eq!(rows[0].harness.as_deref(), Some("crash"));
        assert_eq!(rows[1].expression(), "(package(=naos) and test(=a::b))");
        assert_eq!(rows[1].harness, None);
    }

    #[test]
    fn bad_lists_are_refused() {
        for (text, want) in [
            ("", "names no bug"),
            ("# only words\n", "names no bug"),
            ("a b\n", ":1: wants"),
            ("a b c d e\n", ":1: wants"),
            ("a b c\na b d\n", ":2: a is listed twice"),
            ("A b c\n", ":1: \"A\" is not a name"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(want), "{text:?}: {error}");
        }
    }
}
