//! Words that must not stand in the tree: hosts of package registries (the tree names a
//! registry, never its address), paths of somebody's machine, and notes to oneself.
//! The words are written in halves here, so that this file passes its own rule.

use super::{Source, Violation};
use crate::tree::Tree;

struct Banned {
    word: &'static str,
    instead: &'static str,
}

const HOST: &str = "say the Rust registry, npm, PyPI or Debian; addresses come from the user's \
                    own configuration";
const PLACE: &str = "a path of one machine; take it relative to the root, or from an argument";
const NOTE: &str = "finish it, or write what is missing into the documents";

const EVERYWHERE: &[Banned] = &[
    Banned {
        word: concat!("crates", ".io"),
        instead: HOST,
    },
    Banned {
        word: concat!("pypi", ".org"),
        instead: HOST,
    },
    Banned {
        word: concat!("python", "hosted.org"),
        instead: HOST,
    },
    Banned {
        word: concat!("registry.", "npmjs"),
        instead: HOST,
    },
    Banned {
        word: concat!("npmjs", ".com"),
        instead: HOST,
    },
    Banned {
        word: concat!("registry.", "yarnpkg"),
        instead: HOST,
    },
    Banned {
        word: concat!("static.", "rust-lang"),
        instead: HOST,
    },
    Banned {
        word: concat!("deb.", "debian.org"),
        instead: HOST,
    },
    Banned {
        word: concat!("proxy.", "golang.org"),
        instead: HOST,
    },
    Banned {
        word: concat!("/wo", "rk/"),
        instead: PLACE,
    },
    Banned {
        word: concat!("/ro", "ot/"),
        instead: PLACE,
    },
    Banned {
        word: concat!("/tmp/bash", "_jobs"),
        instead: PLACE,
    },
];

const IN_CODE: &[Banned] = &[
    Banned {
        word: concat!("TO", "DO"),
        instead: NOTE,
    },
    Banned {
        word: concat!("FIX", "ME"),
        instead: NOTE,
    },
    Banned {
        word: concat!("X", "XX"),
        instead: NOTE,
    },
];

/// Written by a package manager, with its registry's address in it.
const LOCK_FILES: &[&str] = &["Cargo.lock", "package-lock.json"];
/// Code whose business is such notes: the agents that find them, and data.
const NOTES_ALLOWED: &[&str] = &["guest/", "examples/"];

pub fn check(tree: &Tree, sources: &[Source<'_>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.texts() {
        let file = path.rsplit('/').next().unwrap_or(path);
        if LOCK_FILES.contains(&file) {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            violations.extend(find(path, at + 1, line, EVERYWHERE));
        }
    }
    for source in sources {
        if NOTES_ALLOWED
            .iter()
            .any(|folder| source.path.starts_with(folder))
        {
            continue;
        }
        for (at, line) in source.text.lines().enumerate() {
            if !source.is_test(at + 1) {
                violations.extend(find(source.path, at + 1, line, IN_CODE));
            }
        }
    }
    violations
}

fn find(path: &str, line: usize, text: &str, banned: &[Banned]) -> Vec<Violation> {
    let found = banned
        .iter()
        .filter(|banned| stands_alone(text, banned.word));
    found
        .map(|banned| Violation::new(path, line, format!("`{}`: {}", banned.word, banned.instead)))
        .collect()
}

/// The word is there and is not a part of a longer one: `a/b/` holds no absolute `/b/`.
fn stands_alone(text: &str, word: &str) -> bool {
    let is_path = word.starts_with('/');
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let joins = |c: char| c.is_alphanumeric() || c == '_';
        let joins_path = |c: char| joins(c) || "-.~/}".contains(c);
        if is_path {
            !before.is_some_and(joins_path)
        } else {
            !before.is_some_and(joins) && !after.is_some_and(joins)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::{places, sources};
    use super::*;

    fn check_file(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::of(&[(path, text)]);
        places(&check(&tree, &sources::read(&tree)))
    }

    #[test]
    fn hosts_and_places_are_found_in_every_text() {
        for banned in EVERYWHERE {
            let text = format!("fine\nsee {}x for more", banned.word.trim_end_matches('x'));
            let text = if banned.word.ends_with('/') {
                text
            } else {
                text.replace("x for", " for")
            };
            assert_eq!(check_file("a.md", &text), ["a.md:2"], "{}", banned.word);
            assert_eq!(check_file("Cargo.lock", &text), [""; 0]);
        }
    }

    #[test]
    fn notes_are_found_in_production_code_only() {
        for banned in IN_CODE {
            let text = format!("fn a() {{}} // {}: later", banned.word);
            assert_eq!(
                check_file("crates/a/src/b.rs", &text),
                ["crates/a/src/b.rs:1"]
            );
            let test = format!("#[cfg(test)]\nmod t {{\n // {}\n}}", banned.word);
            assert_eq!(check_file("crates/a/src/b.rs", &test), [""; 0]);
            for path in ["guest/a.rs", "examples/a.rs", "tests/a.rs", "docs/a.md"] {
                assert_eq!(check_file(path, &text), [""; 0], "{path}");
            }
        }
    }

    #[test]
    fn parts_of_longer_words_pass() {
        let longer = ["TO", "DOS ", "a", "TO", "DO ", "X", "XXX"].concat();
        assert_eq!(check_file("a.rs", &format!("// {longer}")), [""; 0]);
        let relative = ["home/wo", "rk/x ~/wo", "rk/ ${DIR}/ro", "ot/x"].concat();
        assert_eq!(check_file("a.md", &relative), [""; 0]);
    }
}
