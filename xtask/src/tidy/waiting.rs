//! Tests are never skipped and never wait for time to pass.

use std::collections::BTreeMap;

use super::{Source, Violation};

/// Lets one polling helper sleep. Stands on the line or the line above, with its reason.
const ALLOW_MARK: &str = "// tidy: allow-sleep (";
/// The only function that may carry the mark, once in a package.
const ALLOWED_IN: &str = "wait_until";

pub fn check(sources: &[Source<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut allowed: BTreeMap<&str, usize> = BTreeMap::new();
    for source in sources {
        for attribute in source.rust.attributes() {
            if attribute.text == "ignore" || attribute.text.starts_with("ignore=") {
                let text = "a skipped test proves nothing; make it quick, or delete it";
                violations.push(Violation::new(source.path, attribute.line, text));
            }
        }
        for path in source.rust.paths() {
            let sleeps = ["sleep", "sleep_until"]
                .iter()
                .any(|word| path.ends_with(&["thread", word]) || path.ends_with(&["time", word]));
            if !sleeps || !source.is_test(path.line) {
                continue;
            }
            if is_allowed(source, path.line) {
                let uses = allowed.entry(package_folder(source.path)).or_default();
                *uses += 1;
                if *uses == 1 {
                    continue;
                }
            }
            let text = format!(
                "a test sleeps; wait for the event itself, or call the package's one \
                 `{ALLOWED_IN}`, which carries `{ALLOW_MARK}reason)`"
            );
            violations.push(Violation::new(source.path, path.line, text));
        }
    }
    violations
}

fn is_allowed(source: &Source<'_>, line: usize) -> bool {
    let marked = |at: usize| {
        let text = at.checked_sub(1).and_then(|at| source.text.lines().nth(at));
        let reason = text
            .and_then(|text| text.split_once(ALLOW_MARK))
            .map(|(_, reason)| reason);
        reason.is_some_and(|reason| reason.trim_end().ends_with(')') && reason.trim().len() > 1)
    };
    let inside = |function: &crate::rust_text::Function| {
        function.name == ALLOWED_IN
            && (function.line..function.line + function.lines).contains(&line)
    };
    (marked(line) || marked(line - 1)) && source.rust.functions().iter().any(inside)
}

/// `crates/web` for all below it, else the first folder.
fn package_folder(path: &str) -> &str {
    let depth = if path.starts_with("crates/") { 2 } else { 1 };
    let end = path
        .match_indices('/')
        .nth(depth - 1)
        .map_or(path.len(), |(at, _)| at);
    &path[..end]
}

#[cfg(test)]
mod tests {
    use super::super::{places, sources};
    use super::*;
    use crate::tree::Tree;

    fn check_files(files: &[(&str, &str)]) -> Vec<String> {
        places(&check(&sources::read(&Tree::of(files))))
    }

    #[test]
    fn skipped_tests_are_found() {
        let source = "#[test]\n#[ignore]\nfn a() {}\n#[test]\n#[ignore = \"slow\"]\nfn b() {}";
        assert_eq!(check_files(&[("a.rs", source)]), ["a.rs:2", "a.rs:5"]);
        assert_eq!(
            check_files(&[("a.rs", "// #[ignore]\nfn ignore() {}")]),
            [""; 0]
        );
    }

    #[test]
    fn sleeping_tests_are_found() {
        for sleep in [
            "std::thread::sleep(d)",
            "thread::sleep(d)",
            "tokio::time::sleep(d).await",
        ] {
            let test = format!("#[test]\nfn a() {{\n  {sleep};\n}}");
            assert_eq!(check_files(&[("a.rs", &test)]), ["a.rs:3"], "{sleep}");
            let plain = format!("fn a() {{\n  {sleep};\n}}");
            assert_eq!(check_files(&[("a.rs", &plain)]), [""; 0], "{sleep}");
            assert_eq!(
                check_files(&[("tests/a.rs", &plain)]),
                ["tests/a.rs:2"],
                "{sleep}"
            );
        }
        let imported = "use std::thread::sleep;\nfn a() { sleep(d); }";
        assert_eq!(check_files(&[("tests/a.rs", imported)]), ["tests/a.rs:1"]);
    }

    #[test]
    fn one_named_helper_may_sleep() {
        let mark = format!("{ALLOW_MARK}the child has no signal)");
        let helper = format!("fn wait_until() {{\n {mark}\n thread::sleep(d);\n}}");
        assert_eq!(check_files(&[("crates/a/tests/x.rs", &helper)]), [""; 0]);
        let other = format!("fn other() {{\n {mark}\n thread::sleep(d);\n}}");
        assert_eq!(
            check_files(&[("crates/a/tests/x.rs", &other)]),
            ["crates/a/tests/x.rs:3"]
        );
        let bare = format!("fn wait_until() {{\n {ALLOW_MARK})\n thread::sleep(d);\n}}");
        assert_eq!(
            check_files(&[("crates/a/tests/x.rs", &bare)]),
            ["crates/a/tests/x.rs:3"]
        );
        let twice = [
            ("crates/a/tests/x.rs", &*helper),
            ("crates/a/tests/y.rs", &helper),
        ];
        assert_eq!(check_files(&twice), ["crates/a/tests/y.rs:3"]);
        let apart = [
            ("crates/a/tests/x.rs", &*helper),
            ("crates/b/tests/y.rs", &helper),
        ];
        assert_eq!(check_files(&apart), [""; 0]);
    }
}
