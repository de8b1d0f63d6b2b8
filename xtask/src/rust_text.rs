//! Rust source as the house rules see it: comments and literals blanked, test code marked,
//! `use` trees spread out. A reader for our own formatted code, not a compiler.

mod mask;
mod tokens;

pub use tokens::Token;

/// One file's source, read once. Lines count from 1.
pub struct RustText {
    tokens: Vec<Token>,
    line_starts: Vec<usize>,
    test_ranges: Vec<(usize, usize)>,
}

/// A path as written (`std::fs::read`) or as imported, and where.
#[derive(Debug, PartialEq)]
pub struct PathUse {
    pub line: usize,
    pub segments: Vec<String>,
}

impl PathUse {
    pub fn text(&self) -> String {
        self.segments.join("::")
    }

    pub fn starts_with(&self, prefix: &[&str]) -> bool {
        self.segments.len() >= prefix.len()
            && self
                .segments
                .iter()
                .zip(prefix)
                .all(|(have, want)| have == want)
    }

    pub fn ends_with(&self, suffix: &[&str]) -> bool {
        self.segments.len() >= suffix.len()
            && self
                .segments
                .iter()
                .rev()
                .zip(suffix.iter().rev())
                .all(|(have, want)| have == want)
    }

    pub fn names(&self, word: &str) -> bool {
        self.segments.iter().any(|segment| segment == word)
    }
}

/// A function with a body.
#[derive(Debug, PartialEq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// An outer or inner attribute: its tokens between the brackets, joined without spaces.
pub struct Attribute {
    pub line: usize,
    pub text: String,
    /// The index of the token after its `]`.
    next: usize,
    offset: usize,
    inner: bool,
}

impl Attribute {
    /// Marks an item that exists in tests only.
    fn is_test(&self) -> bool {
        let text = &self.text;
        let path = text.split('(').next().unwrap_or(text);
        if path == "test" || path.ends_with("::test") {
            return true;
        }
        path == "cfg"
            && !text.contains("not(test)")
            && text
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "test")
    }
}

impl RustText {
    pub fn new(source: &str) -> RustText {
        let code = mask::code(source);
        let tokens = tokens::split(&code);
        let mut line_starts = vec![0];
        line_starts.extend(code.match_indices('\n').map(|(offset, _)| offset + 1));
        let mut text = RustText {
            tokens,
            line_starts,
            test_ranges: Vec::new(),
        };
        text.test_ranges = text.find_test_ranges(code.len());
        text
    }

    fn line_at(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset)
    }

    /// True if the line stands inside a `#[test]` or `#[cfg(test)]` item.
    pub fn is_test_line(&self, line: usize) -> bool {
        let start = self
            .line_starts
            .get(line - 1)
            .copied()
            .unwrap_or(usize::MAX);
        let end = self.line_starts.get(line).copied().unwrap_or(usize::MAX);
        self.test_ranges
            .iter()
            .any(|&(from, to)| from < end && to > start)
    }

    pub fn attributes(&self) -> Vec<Attribute> {
        let mut found = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if token.text != "#" {
                continue;
            }
            let inner = self.token(at + 1) == "!";
            let open = if inner { at + 2 } else { at + 1 };
            if self.token(open) != "[" {
                continue;
            }
            let close = self.closing(open);
            let words = self.tokens.get(open + 1..close).unwrap_or_default();
            found.push(Attribute {
                line: self.line_at(token.offset),
                text: words.iter().map(|token| token.text.as_str()).collect(),
                next: close + 1,
                offset: token.offset,
                inner,
            });
        }
        found
    }

    /// Names declared as `#[cfg(test)] mod name;`: their files are test code too.
    pub fn test_modules(&self) -> Vec<String> {
        let tests = self.attributes().into_iter().filter(Attribute::is_test);
        tests
            .filter_map(|attribute| {
                let mut at = self.skip_attributes(attribute.next);
                while self.token(at) == "pub" || self.token(at) == "(" {
                    at = if self.token(at) == "(" {
                        self.closing(at) + 1
                    } else {
                        at + 1
                    };
                }
                let plain = self.token(at) == "mod" && self.token(at + 2) == ";";
                plain.then(|| self.token(at + 1).to_owned())
            })
            .collect()
    }

    /// Every path in the code; a `use` tree is spread into its leaves.
    pub fn paths(&self) -> Vec<PathUse> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let token = &self.tokens[at];
            if token.text == "use" && self.token(at + 1) != "<" {
                at = self.use_tree(at + 1, &[], &mut found);
            } else if token.is_word() {
                let start = at;
                let mut segments = vec![token.text.clone()];
                while self.token(at + 1) == "::" && self.is_word(at + 2) {
                    at += 2;
                    segments.push(self.tokens[at].text.clone());
                }
                at += 1;
                let line = self.line_at(self.tokens[start].offset);
                found.push(PathUse { line, segments });
            } else {
                at += 1;
            }
        }
        found
    }

    /// Reads one `use` tree from token `at`; gives the index after it.
    fn use_tree(&self, at: usize, prefix: &[String], found: &mut Vec<PathUse>) -> usize {
        let mut at = if self.token(at) == "::" { at + 1 } else { at };
        let mut segments = prefix.to_vec();
        let line = self
            .tokens
            .get(at)
            .map_or(1, |token| self.line_at(token.offset));
        loop {
            if self.token(at) == "{" {
                let close = self.closing(at);
                let mut inner = at + 1;
                while inner < close {
                    inner = self.use_tree(inner, &segments, found);
                    if self.token(inner) == "," {
                        inner += 1;
                    }
                }
                return close + 1;
            }
            if !self.is_word(at) && self.token(at) != "*" {
                // Not a tree we know: step over it, so that the reading always ends.
                return at + 1;
            }
            segments.push(self.tokens[at].text.clone());
            at += 1;
            if self.token(at) == "::" {
                at += 1;
                continue;
            }
            if self.token(at) == "as" {
                at += 2;
            }
            found.push(PathUse { line, segments });
            return at;
        }
    }

    pub fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            if self.tokens[at].text != "fn" || !self.is_word(at + 1) {
                continue;
            }
            if let Some((open, close)) = self.body_after(at) {
                let line = self.line_at(self.tokens[at].offset);
                let end = self.tokens.get(close).or(self.tokens.get(open));
                let end = end.map_or(line, |token| self.line_at(token.offset));
                let name = self.tokens[at + 1].text.clone();
                found.push(Function {
                    name,
                    line,
                    lines: end - line + 1,
                });
            }
        }
        found
    }

    /// How many variants each `enum NAME { … }` of the file has, with its line.
    pub fn enums(&self, name: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            if self.tokens[at].text == "enum"
                && self.token(at + 1) == name
                && let Some((open, close)) = self.body_after(at)
            {
                found.push((
                    self.line_at(self.tokens[at].offset),
                    self.items(open, close),
                ));
            }
        }
        found
    }

    /// How many items each `NAME! { … }` of the file holds, with its line: parted by commas, or
    /// each ending in braces.
    pub fn macro_items(&self, name: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            let open = at + 2;
            if self.tokens[at].text == name
                && self.token(at + 1) == "!"
                && ["{", "(", "["].contains(&self.token(open))
            {
                let close = self.closing(open);
                let items = self.items(open, close).max(self.braces(open, close));
                found.push((self.line_at(self.tokens[at].offset), items));
            }
        }
        found
    }

    /// Pairs of braces directly between two brackets.
    fn braces(&self, open: usize, close: usize) -> usize {
        let mut count = 0;
        let mut at = open + 1;
        while at < close {
            if ["{", "(", "["].contains(&self.token(at)) {
                count += usize::from(self.token(at) == "{");
                at = self.closing(at);
            }
            at += 1;
        }
        count
    }

    /// Items between two brackets, counted by their commas (a trailing one is none).
    fn items(&self, open: usize, close: usize) -> usize {
        let mut count = 0;
        let mut pending = false;
        let mut at = open + 1;
        while at < close {
            match self.token(at) {
                "#" if self.token(at + 1) == "[" => at = self.closing(at + 1),
                "," => {
                    count += usize::from(pending);
                    pending = false;
                }
                "{" | "(" | "[" => {
                    pending = true;
                    at = self.closing(at);
                }
                _ => pending = true,
            }
            at += 1;
        }
        count + usize::from(pending)
    }

    /// The braces of the item that starts at token `at`, if it has any before a `;`.
    fn body_after(&self, at: usize) -> Option<(usize, usize)> {
        let mut at = at;
        loop {
            match self.tokens.get(at)?.text.as_str() {
                "{" => return Some((at, self.closing(at))),
                ";" => return None,
                "(" | "[" => at = self.closing(at),
                _ => {}
            }
            at += 1;
        }
    }

    fn find_test_ranges(&self, length: usize) -> Vec<(usize, usize)> {
        let mut ranges = Vec::new();
        for attribute in self
            .attributes()
            .iter()
            .filter(|attribute| attribute.is_test())
        {
            if attribute.inner {
                ranges.push((0, length));
                continue;
            }
            let item = self.skip_attributes(attribute.next);
            let last = match self.body_after(item) {
                Some((_, close)) => close,
                None => (item..self.tokens.len())
                    .find(|&at| self.token(at) == ";")
                    .unwrap_or(self.tokens.len()),
            };
            let end = self
                .tokens
                .get(last)
                .map_or(length, |token| token.offset + 1);
            ranges.push((attribute.offset, end));
        }
        ranges
    }

    fn skip_attributes(&self, at: usize) -> usize {
        let mut at = at;
        while self.token(at) == "#" && self.token(at + 1) == "[" {
            at = self.closing(at + 1) + 1;
        }
        at
    }

    /// The index of the bracket that closes the one at `open`, or past the end.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => {
                    depth -= 1;
                    if depth == 0 {
                        return at;
                    }
                }
                _ => {}
            }
        }
        self.tokens.len()
    }

    fn token(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(Token::is_word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str) -> Vec<String> {
        RustText::new(source)
            .paths()
            .iter()
            .map(PathUse::text)
            .collect()
    }

    #[test]
    fn use_trees_are_spread() {
        let source = "use std::{fs, net::{self, TcpStream}, time as t};\nuse ::a::*;";
        let want = [
            "std::fs",
            "std::net::self",
            "std::net::TcpStream",
            "std::time",
            "a::*",
        ];
        assert_eq!(paths(source), want);
    }

    #[test]
    fn paths_in_code_keep_their_line() {
        let text = RustText::new("let a = 1;\nlet b = std::fs::read::<P>(x)?;");
        let found: Vec<_> = text
            .paths()
            .into_iter()
            .filter(|path| path.names("fs"))
            .collect();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].text()),
            (2, "std::fs::read".to_owned())
        );
    }

    #[test]
    fn words_in_comments_and_literals_are_not_code() {
        let source = "// HashMap\n/* a /* HashMap */ b */ let x = \"HashMap\"; r#\"HashMap\"#; 'H'";
        assert_eq!(paths(source), ["let", "x"]);
    }

    #[test]
    fn lifetimes_do_not_open_a_literal() {
        let source = "fn f<'a>(x: &'a str) -> HashMap { '\\'' ; HashSet }";
        assert!(paths(source).contains(&"HashMap".to_owned()));
        assert!(paths(source).contains(&"HashSet".to_owned()));
    }

    #[test]
    fn broken_code_ends_the_reading() {
        for source in [
            "use a::{b, {",
            "use ;",
            "use",
            "fn f(",
            "#[cfg(test)]",
            "#[",
            "enum Fact",
        ] {
            let text = RustText::new(source);
            let _ = (
                text.paths(),
                text.functions(),
                text.enums("Fact"),
                text.test_modules(),
            );
        }
    }

    #[test]
    fn closing_brackets_alone_are_survived() {
        let text = RustText::new("} ) ] fn f() {}");
        assert_eq!(text.functions().len(), 1);
    }

    #[test]
    fn test_lines_are_marked() {
        let source =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[test]\nfn d() {}\n";
        let text = RustText::new(source);
        let marked: Vec<usize> = (1..=8).filter(|&line| text.is_test_line(line)).collect();
        assert_eq!(marked, [2, 3, 4, 5, 7, 8]);
    }

    #[test]
    fn other_conditions_are_not_tests() {
        for source in [
            "#[cfg(not(test))]\nfn a() {}",
            "#[cfg(feature = \"test\")]\nfn a() {}",
            "#[cfg(unix)]\nfn a() {}",
        ] {
            assert!(!RustText::new(source).is_test_line(2), "{source}");
        }
        for source in [
            "#[cfg(all(test, unix))]\nfn a() {}",
            "#[tokio::test]\nfn a() {}",
        ] {
            assert!(RustText::new(source).is_test_line(2), "{source}");
        }
    }

    #[test]
    fn a_whole_file_can_be_a_test() {
        assert!(RustText::new("#![cfg(test)]\nfn a() {}").is_test_line(2));
    }

    #[test]
    fn test_modules_in_their_own_file_are_named() {
        let source = "#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod made;\nmod real;";
        assert_eq!(RustText::new(source).test_modules(), ["tests", "made"]);
    }

    #[test]
    fn functions_are_measured() {
        let source =
            "fn one() { 1 }\nfn two(a: [u8; 3]) -> u8\nwhere\n{\n  0\n}\ntrait T { fn no(); }";
        let found = RustText::new(source).functions();
        let short: Vec<_> = found
            .iter()
            .map(|f| (f.name.as_str(), f.line, f.lines))
            .collect();
        assert_eq!(short, [("one", 1, 1), ("two", 2, 5)]);
    }

    #[test]
    fn variants_are_counted() {
        let source =
            "pub enum Fact {\n #[a(b, c)]\n Opened { a: u8, b: u8 },\n Closed(u8, u8),\n Gone,\n}";
        assert_eq!(RustText::new(source).enums("Fact"), [(1, 3)]);
        assert_eq!(RustText::new("enum Fact {}").enums("Fact"), [(1, 0)]);
        assert_eq!(
            RustText::new("facts! { A { x: u8 }, B, C }").macro_items("facts"),
            [(1, 3)]
        );
    }
}
