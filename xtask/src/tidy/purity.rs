//! The kernel and its words are pure: no clock, no dice, no files, no network, no runtime, and
//! no map whose order differs from run to run. Tests may do as they like.

use super::{Source, Violation};
use crate::rust_text::PathUse;

const PURE: &[&str] = &[
    "crates/kernel/src/",
    "crates/types/src/",
    "crates/ledger/src/",
];

/// (what is forbidden, what to do instead)
const FORBIDDEN: &[(Forbidden, &str)] = &[
    (Forbidden::Word("SystemTime"), "take `now` from the context"),
    (Forbidden::Word("Instant"), "take `now` from the context"),
    (
        Forbidden::Prefix(&["std", "fs"]),
        "ask for what is needed; the engine reads it",
    ),
    (
        Forbidden::Prefix(&["std", "net"]),
        "return an effect; the engine carries it out",
    ),
    (
        Forbidden::Prefix(&["std", "env"]),
        "take it as typed configuration",
    ),
    (
        Forbidden::Prefix(&["std", "process"]),
        "return an effect; the engine carries it out",
    ),
    (
        Forbidden::Prefix(&["std", "thread"]),
        "return; the engine owns all threads",
    ),
    (
        Forbidden::Prefix(&["rand"]),
        "derive it from the context's seed",
    ),
    (
        Forbidden::Prefix(&["getrandom"]),
        "derive it from the context's seed",
    ),
    (
        Forbidden::Prefix(&["tokio"]),
        "stay synchronous; the engine waits",
    ),
    (
        Forbidden::Word("HashMap"),
        "use BTreeMap, whose order is the same in every run",
    ),
    (
        Forbidden::Word("HashSet"),
        "use BTreeSet, whose order is the same in every run",
    ),
];

enum Forbidden {
    /// A segment of any path.
    Word(&'static str),
    /// The first segments of a path.
    Prefix(&'static [&'static str]),
}

impl Forbidden {
    fn matches(&self, path: &PathUse) -> bool {
        match self {
            Forbidden::Word(word) => path.names(word),
            // A lone word (a local called `rand`) is no crate.
            Forbidden::Prefix(prefix) => path.segments.len() > 1 && path.starts_with(prefix),
        }
    }
}

pub fn check(sources: &[Source<'_>]) -> Vec<Violation> {
    let pure = |source: &&Source<'_>| PURE.iter().any(|folder| source.path.starts_with(folder));
    let mut violations = Vec::new();
    for source in sources
        .iter()
        .filter(pure)
        .filter(|source| !source.is_test_file)
    {
        for path in source.rust.paths() {
            let broken = FORBIDDEN
                .iter()
                .find(|(forbidden, _)| forbidden.matches(&path));
            if let Some((_, instead)) = broken
                && !source.is_test(path.line)
            {
                let text = format!("{} in a pure crate; {instead}", path.text());
                violations.push(Violation::new(source.path, path.line, text));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::{places, sources};
    use super::*;
    use crate::tree::Tree;

    fn count(path: &str, source: &str) -> usize {
        check(&sources::read(&Tree::of(&[(path, source)]))).len()
    }

    #[test]
    fn impure_words_are_found() {
        for source in [
            "use std::collections::HashMap;",
            "use std::{collections::{BTreeMap, HashSet}};",
            "use std::time::{Duration, Instant};",
            "fn f() { std::time::SystemTime::now(); }",
            "fn f() { std::fs::read(p); }",
            "use std::{fs};",
            "use tokio::sync::mpsc;",
            "fn f() { rand::random(); }",
            "fn f() { std::env::var(n); }",
        ] {
            assert_eq!(count("crates/kernel/src/a.rs", source), 1, "{source}");
            assert_eq!(count("crates/types/src/a.rs", source), 1, "{source}");
            assert_eq!(count("crates/engine/src/a.rs", source), 0, "{source}");
        }
    }

    #[test]
    fn pure_words_pass() {
        for source in [
            "use std::collections::{BTreeMap, BTreeSet};\nuse std::time::Duration;",
            "// a HashMap would do\nfn f(rand: u8) { \"tokio::spawn\"; }",
            "#[cfg(test)]\nmod tests {\n use std::collections::HashMap;\n}",
        ] {
            assert_eq!(count("crates/kernel/src/a.rs", source), 0, "{source}");
        }
    }

    #[test]
    fn the_place_is_named() {
        let tree = Tree::of(&[("crates/kernel/src/a.rs", "fn f() {\n\n  HashMap::new();\n}")]);
        assert_eq!(
            places(&check(&sources::read(&tree))),
            ["crates/kernel/src/a.rs:3"]
        );
    }
}
