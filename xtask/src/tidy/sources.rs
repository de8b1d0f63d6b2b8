//! The Rust files of the tree, read once for all rules, each knowing what in it is test code.

use std::collections::BTreeSet;

use crate::rust_text::RustText;
use crate::tree::Tree;

pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub rust: RustText,
    /// The whole file is test code: by its place, its name, or a `#[cfg(test)] mod` elsewhere.
    pub is_test_file: bool,
}

impl Source<'_> {
    pub fn is_test(&self, line: usize) -> bool {
        self.is_test_file || self.rust.is_test_line(line)
    }
}

pub fn read(tree: &Tree) -> Vec<Source<'_>> {
    let mut sources: Vec<Source<'_>> = tree
        .rust()
        .map(|(path, text)| Source {
            path,
            text,
            rust: RustText::new(text),
            is_test_file: is_test_path(path),
        })
        .collect();
    let declared: BTreeSet<String> = sources.iter().flat_map(test_module_places).collect();
    for source in &mut sources {
        source.is_test_file |= declared.iter().any(|place| lies_in(source.path, place));
    }
    sources
}

/// True for what cargo or our own names make test code.
fn is_test_path(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().unwrap_or_default();
    parts.contains(&"tests")
        || parts.contains(&"benches")
        || file == "tests.rs"
        || file.ends_with("_tests.rs")
}

/// `dir/name` for each module that the file declares for tests only.
fn test_module_places(source: &Source<'_>) -> Vec<String> {
    let stem = source.path.trim_end_matches(".rs");
    let (dir, file) = stem.rsplit_once('/').unwrap_or(("", stem));
    let home = if ["mod", "lib", "main"].contains(&file) {
        dir
    } else {
        stem
    };
    source
        .rust
        .test_modules()
        .iter()
        .map(|name| format!("{home}/{name}"))
        .collect()
}

fn lies_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_files(files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::of(files);
        let sources = read(&tree);
        let tests = sources.iter().filter(|source| source.is_test_file);
        tests.map(|source| source.path.to_owned()).collect()
    }

    #[test]
    fn places_and_names_make_tests() {
        let files = [
            ("crates/a/src/lib.rs", ""),
            ("crates/a/src/tests.rs", ""),
            ("crates/a/tests/x.rs", ""),
            ("tests/api/y.rs", ""),
            ("crates/a/src/latest.rs", ""),
        ];
        let want = [
            "crates/a/src/tests.rs",
            "crates/a/tests/x.rs",
            "tests/api/y.rs",
        ];
        assert_eq!(test_files(&files), want);
    }

    #[test]
    fn a_declared_test_module_takes_its_file_and_folder() {
        let files = [
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod made;"),
            ("crates/a/src/made.rs", ""),
            ("crates/a/src/made/deep.rs", ""),
            ("crates/a/src/made_up.rs", ""),
            ("crates/a/src/b.rs", "#[cfg(test)] mod c;"),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/src/c.rs", ""),
        ];
        let want = [
            "crates/a/src/made.rs",
            "crates/a/src/made/deep.rs",
            "crates/a/src/b/c.rs",
        ];
        assert_eq!(test_files(&files), want);
    }
}
