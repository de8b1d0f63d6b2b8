//! A line of Rust is at most 100 columns; rustfmt does it, except inside literals and comments.

use super::Violation;
use crate::tree::Tree;

const COLUMNS_MAX: usize = 100;

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust() {
        for (at, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX && !is_unbreakable(line) {
                let text = format!("{columns} columns, at most {COLUMNS_MAX}; break the line");
                violations.push(Violation::new(path, at + 1, text));
            }
        }
    }
    violations
}

/// One long word, such as an address or a digest, with at most a comment mark before it.
fn is_unbreakable(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .filter(|word| !["//", "///", "//!"].contains(word));
    words.next().is_some() && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn long_lines_are_found_and_long_words_pass() {
        let long = "x".repeat(101);
        let text = format!(
            "// a {long}\n/// {long}\n    \"{long}\",\n{}\n",
            "é".repeat(100)
        );
        assert_eq!(places(&check(&Tree::of(&[("a.rs", &text)]))), ["a.rs:1"]);
        assert_eq!(places(&check(&Tree::of(&[("a.md", &text)]))), [""; 0]);
    }
}
