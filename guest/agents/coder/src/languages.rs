//! The languages, as data: how comments look and what opens a function or a type.

use naos_reading::SourceFile;

/// The name of what isn't recognised.
pub const UNKNOWN: &str = "unknown";

/// How a language looks.
#[derive(Debug)]
pub struct Language {
    /// What it is called.
    pub name: &'static str,
    endings: &'static [&'static str],
    line_comments: &'static [&'static str],
    block_comment: Option<(&'static str, &'static str)>,
    /// Words that introduce a function, a type and so on.
    pub words: &'static [(&'static str, &'static str)],
    /// Blocks end where the indentation does.
    pub indented: bool,
    /// Functions without an introducing word: `int main(void) {`.
    pub bare_functions: bool,
    /// What gives it away in a text without a name.
    signs: &'static [&'static str],
}

const C_BLOCK: Option<(&str, &str)> = Some(("/*", "*/"));
const SLASHES: &[&str] = &["//"];
const HASH: &[&str] = &["#"];

const fn language(name: &'static str, endings: &'static [&'static str]) -> Language {
    Language {
        name,
        endings,
        line_comments: SLASHES,
        block_comment: C_BLOCK,
        words: &[],
        indented: false,
        bare_functions: false,
        signs: &[],
    }
}

/// All languages I know; the last is for everything else.
pub const LANGUAGES: &[Language] = &[
    Language {
        words: &[
            ("fn", "function"),
            ("struct", "type"),
            ("enum", "type"),
            ("trait", "type"),
            ("type", "type"),
            ("impl", "implementation"),
            ("mod", "module"),
            ("macro_rules!", "macro"),
        ],
        signs: &["fn ", "impl ", "let mut ", "use std::"],
        ..language("Rust", &["rs"])
    },
    Language {
        line_comments: HASH,
        block_comment: None,
        words: &[("def", "function"), ("class", "type")],
        indented: true,
        signs: &["def ", "import ", "elif ", "self."],
        ..language("Python", &["py", "pyi"])
    },
    Language {
        words: &[
            ("function", "function"),
            ("function*", "function"),
            ("class", "type"),
            ("interface", "type"),
            ("enum", "type"),
            ("type", "type"),
            ("namespace", "module"),
        ],
        signs: &["function ", "const ", "=> ", "export ", "interface "],
        ..language(
            "JavaScript or TypeScript",
            &["js", "mjs", "cjs", "jsx", "ts", "tsx", "mts"],
        )
    },
    Language {
        words: &[("func", "function"), ("type", "type")],
        signs: &["func ", "package ", ":= "],
        ..language("Go", &["go"])
    },
    Language {
        words: &[
            ("class", "type"),
            ("interface", "type"),
            ("enum", "type"),
            ("record", "type"),
            ("fun", "function"),
            ("object", "type"),
            ("struct", "type"),
        ],
        bare_functions: true,
        signs: &["public class", "private ", "System.out", "fun "],
        ..language("Java, Kotlin or C#", &["java", "kt", "cs", "scala"])
    },
    Language {
        words: &[
            ("struct", "type"),
            ("enum", "type"),
            ("union", "type"),
            ("class", "type"),
            ("namespace", "module"),
        ],
        bare_functions: true,
        signs: &["#include", "int main", "void "],
        ..language("C or C++", &["c", "h", "cc", "cpp", "cxx", "hpp", "hh"])
    },
    Language {
        line_comments: HASH,
        block_comment: None,
        words: &[("def", "function"), ("class", "type"), ("module", "module")],
        indented: true,
        signs: &["puts ", "require ", "\nend\n"],
        ..language("Ruby", &["rb"])
    },
    Language {
        line_comments: &["//", "#"],
        words: &[
            ("function", "function"),
            ("class", "type"),
            ("interface", "type"),
            ("trait", "type"),
        ],
        signs: &["<?php", "$this->"],
        ..language("PHP", &["php"])
    },
    Language {
        line_comments: HASH,
        block_comment: None,
        words: &[("function", "function")],
        signs: &[
            "#!/bin/sh",
            "#!/bin/bash",
            "#!/usr/bin/env bash",
            "fi\n",
            "esac",
        ],
        ..language("Shell", &["sh", "bash"])
    },
    Language {
        line_comments: &["--"],
        words: &[
            ("function", "function"),
            ("table", "type"),
            ("view", "type"),
            ("procedure", "function"),
        ],
        signs: &["SELECT ", "CREATE TABLE", "INSERT INTO"],
        ..language("SQL", &["sql"])
    },
    Language {
        line_comments: &["//", "#"],
        words: &[
            ("fn", "function"),
            ("function", "function"),
            ("def", "function"),
            ("func", "function"),
            ("class", "type"),
            ("struct", "type"),
            ("interface", "type"),
        ],
        ..language(UNKNOWN, &[])
    },
];

/// The language of a file: by the ending of its name, else by what gives it away.
#[must_use]
pub fn of(file: &SourceFile) -> &'static Language {
    let ending = file.ending();
    let by_name = LANGUAGES
        .iter()
        .find(|it| it.endings.contains(&ending.as_str()));
    let signs = |it: &Language| {
        it.signs
            .iter()
            .filter(|sign| file.text.contains(**sign))
            .count()
    };
    let by_signs = || {
        let best = LANGUAGES.iter().rev().max_by_key(|it| signs(it))?;
        (signs(best) > 0).then_some(best)
    };
    by_name
        .or_else(by_signs)
        .unwrap_or(&LANGUAGES[LANGUAGES.len() - 1])
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Does something.
    Code,
    /// Says something.
    Comment,
    /// Nothing.
    Blank,
}

/// One line.
#[derive(Debug)]
pub struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// As written.
    pub text: &'a str,
    /// What it is.
    pub kind: Kind,
}

/// Tells code from comments and blanks. Strings that hold comment marks are not recognised:
/// the line is still code, which is all that is asked.
#[must_use]
pub fn classify<'a>(text: &'a str, language: &Language) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let mut inside_block = false;
    for (at, text) in text.lines().enumerate() {
        let bare = text.trim();
        let kind = match language.block_comment {
            _ if bare.is_empty() => Kind::Blank,
            Some((_, close)) if inside_block => {
                inside_block = !bare.contains(close);
                Kind::Comment
            }
            Some((open, close)) if bare.starts_with(open) => {
                inside_block = !bare[open.len()..].contains(close);
                Kind::Comment
            }
            _ => {
                let directive = bare.starts_with("#[") || bare.starts_with("#include");
                let comment = language
                    .line_comments
                    .iter()
                    .any(|mark| bare.starts_with(mark));
                if comment && !directive {
                    Kind::Comment
                } else {
                    Kind::Code
                }
            }
        };
        lines.push(Line {
            number: at + 1,
            text,
            kind,
        });
    }
    lines
}
