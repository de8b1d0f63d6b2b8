//! What users notice is a note in changes/, named `YYYY-MM-DD-slug.md`, and says something.

use super::Violation;
use crate::tree::Tree;

const README: &str = "changes/README.md";

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != README) {
        let Some(name) = file.path.strip_prefix("changes/") else {
            continue;
        };
        if !is_well_named(name) {
            let text = "a note is named YYYY-MM-DD-what-changed.md, with a real date";
            violations.push(Violation::new(&file.path, 0, text));
        }
        if file.text().is_none_or(|text| text.trim().is_empty()) {
            let text = "an empty note; say what users notice, and what they should do";
            violations.push(Violation::new(&file.path, 0, text));
        }
    }
    violations
}

fn is_well_named(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".md") else {
        return false;
    };
    let mut parts = stem.splitn(4, '-');
    let mut number = |digits: usize, from: u32, to: u32| {
        parts.next().is_some_and(|part| {
            part.len() == digits
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && part
                    .parse()
                    .is_ok_and(|number: u32| (from..=to).contains(&number))
        })
    };
    let dated = number(4, 2000, 2999) && number(2, 1, 12) && number(2, 1, 31);
    let slug = parts.next().unwrap_or_default();
    let words = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    dated && !slug.is_empty() && !slug.starts_with('-') && slug.bytes().all(words)
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn names_are_dates_and_words() {
        for (name, good) in [
            ("2026-11-21-first-release.md", true),
            ("2026-02-03-a1.md", true),
            ("2026-11-21.md", false),
            ("2026-11-21-.md", false),
            ("2026-13-01-x.md", false),
            ("2026-1-01-x.md", false),
            ("2026-11-32-x.md", false),
            ("2026-11-21-Big.md", false),
            ("2026-11-21-x.txt", false),
            ("+026-11-21-x.md", false),
            ("deep/2026-11-21-x.md", false),
        ] {
            assert_eq!(is_well_named(name), good, "{name}");
        }
    }

    #[test]
    fn empty_notes_are_found() {
        let tree = Tree::of(&[
            ("changes/README.md", ""),
            ("changes/2026-11-21-a.md", " \n"),
            ("changes/2026-11-21-b.md", "Words."),
            ("docs/x.md", ""),
        ]);
        assert_eq!(places(&check(&tree)), ["changes/2026-11-21-a.md:0"]);
    }
}
