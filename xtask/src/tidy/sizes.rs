//! The largest files and functions, always shown, so that the next one is seen coming; a file
//! has an upper bound.

use super::{Source, Violation};
use crate::tree::Tree;

const FILE_LINES_MAX: usize = 800;
const SHOWN: usize = 10;

pub fn check(tree: &Tree) -> Vec<Violation> {
    let long = tree
        .rust()
        .filter(|(_, text)| text.lines().count() > FILE_LINES_MAX);
    long.map(|(path, text)| {
        let lines = text.lines().count();
        let text = format!("{lines} lines, at most {FILE_LINES_MAX}; cut it by what it does");
        Violation::new(path, 0, text)
    })
    .collect()
}

/// Lines of production code: those that are not test code.
pub fn largest_files(tree: &Tree) -> String {
    let sources = super::sources::read(tree);
    let mut files: Vec<(usize, &str)> = sources
        .iter()
        .filter(|source| !source.is_test_file)
        .map(|source| {
            let lines = source.text.lines().count();
            let tests = (1..=lines)
                .filter(|&line| source.rust.is_test_line(line))
                .count();
            (lines - tests, source.path)
        })
        .collect();
    files.sort_unstable_by(|a, b| b.cmp(a));
    table(
        files
            .into_iter()
            .map(|(lines, path)| (lines, path.to_owned())),
    )
}

pub fn largest_functions(sources: &[Source<'_>]) -> String {
    let mut functions: Vec<(usize, String)> = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test_file) {
        let found = source.rust.functions();
        let real = found
            .into_iter()
            .filter(|function| !source.rust.is_test_line(function.line));
        functions.extend(real.map(|function| {
            let place = format!("{}:{} {}", source.path, function.line, function.name);
            (function.lines, place)
        }));
    }
    functions.sort_unstable_by(|a, b| b.cmp(a));
    table(functions.into_iter())
}

fn table(rows: impl Iterator<Item = (usize, String)>) -> String {
    let rows = rows.take(SHOWN);
    rows.map(|(lines, place)| format!("{lines:>6}  {place}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{places, sources};
    use super::*;

    #[test]
    fn a_file_has_an_upper_bound() {
        let (fits, too_long) = ("x\n".repeat(800), "x\n".repeat(801));
        let tree = Tree::of(&[("a.rs", &fits), ("b.rs", &too_long), ("c.md", &too_long)]);
        assert_eq!(places(&check(&tree)), ["b.rs:0"]);
    }

    #[test]
    fn the_largest_come_first_and_tests_do_not_count() {
        let tree = Tree::of(&[
            ("a.rs", "fn one() {\n}\n#[cfg(test)]\nmod t {\n\n\n\n}\n"),
            ("b.rs", "fn two() {\n\n\n}\n"),
            ("tests/c.rs", "fn three() {\n\n\n\n\n\n}\n"),
        ]);
        assert_eq!(largest_files(&tree), "     4  b.rs\n     2  a.rs\n");
        let functions = largest_functions(&sources::read(&tree));
        assert_eq!(functions, "     4  b.rs:1 two\n     2  a.rs:1 one\n");
    }

    #[test]
    fn ten_are_shown() {
        let files: Vec<(String, String)> = (0..12)
            .map(|at| (format!("{at}.rs"), "x\n".repeat(at)))
            .collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(p, t)| (p.as_str(), t.as_str()))
            .collect();
        assert_eq!(largest_files(&Tree::of(&files)).lines().count(), 10);
    }
}
