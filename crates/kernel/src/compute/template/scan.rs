//! The rules that a template must keep beside minijinja's grammar, found on its tokens.
//!
//! - Statements: `if`, `for`, `set NAME = …`, `raw`.
//! - Known filters, tests and functions only.
//! - `~` and `*` nowhere, `+` only directly beside a number: `add`, `mul`, `concat` and `join`
//!   do the same and are metered.
//! - `set` and `for` bind values that are there, or what a filter or function makes of them; a
//!   list or map written out may stand there only when it is made of constants.
//! - Tags, brackets and blocks are bounded, so that the parser can't run out of stack.

use super::super::{ComputeError, Position};
use super::filters::{FILTERS, FUNCTIONS, TESTS};

const TAG_BYTES_MAX: usize = 4_096;
const TAG_TOKENS_MAX: usize = 512;
const BRACKETS_DEPTH_MAX: usize = 12;
const BLOCKS_DEPTH_MAX: usize = 24;
/// `not`, `-`, `if` and their kin nest without brackets.
const NESTING_WORDS_MAX: usize = 24;
const STATEMENTS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor", "set"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'s> {
    Word(&'s str),
    Number,
    Text,
    Sign(&'s str),
}

struct Tag<'s> {
    is_block: bool,
    tokens: Vec<(usize, Token<'s>)>,
}

/// Checks all tags of a template.
pub(super) fn check(source: &str) -> Result<(), ComputeError> {
    let mut depth = 0_usize;
    for tag in tags(source)? {
        match tag.tokens.first() {
            Some((at, Token::Word(word))) if tag.is_block => {
                if !STATEMENTS.contains(word) {
                    let known = STATEMENTS.iter().map(|s| (*s).to_owned()).collect();
                    let at = Some(Position::of(source, *at));
                    return Err(ComputeError::unknown(at, "statement", word, known));
                }
                depth = match *word {
                    "if" | "for" => depth + 1,
                    "endif" | "endfor" => depth.saturating_sub(1),
                    _ => depth,
                };
                if depth > BLOCKS_DEPTH_MAX {
                    let what = format!("more than {BLOCKS_DEPTH_MAX} blocks within each other");
                    return Err(wrong(source, *at, what));
                }
            }
            _ => {}
        }
        operators(source, &tag)?;
        names(source, &tag)?;
        if let Some((_, Token::Word(word @ ("set" | "for")))) = tag.tokens.first() {
            binding(source, &tag, word)?;
        }
    }
    Ok(())
}

/// Where `path` is written in one of the tags.
pub(super) fn place(source: &str, path: &str) -> Option<Position> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    tags(source).ok()?.iter().find_map(|tag| {
        tag.tokens.iter().find_map(|(at, _)| {
            let rest = source[*at..].strip_prefix(path)?;
            let whole = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                && !source[..*at].ends_with(part);
            whole.then(|| Position::of(source, *at))
        })
    })
}

fn wrong(source: &str, at: usize, what: impl Into<String>) -> ComputeError {
    ComputeError::Syntax {
        at: Some(Position::of(source, at)),
        what: what.into(),
    }
}

fn tags(source: &str) -> Result<Vec<Tag<'_>>, ComputeError> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find('{') {
        let start = at + found;
        let rest = &source[start..];
        if let Some(comment) = rest.strip_prefix("{#") {
            let Some(end) = comment.find("#}") else {
                return Err(wrong(
                    source,
                    start,
                    "the comment that begins here has no end",
                ));
            };
            at = start + end + 4;
        } else if rest.starts_with("{{") || rest.starts_with("{%") {
            let is_block = rest.starts_with("{%");
            let (tag, end) = tag(source, start, is_block)?;
            let raw = is_block && matches!(tag.tokens[..], [(_, Token::Word("raw"))]);
            at = end;
            if raw {
                at = after_raw(source, start, end)?;
            } else {
                all.push(tag);
            }
        } else {
            at = start + 1;
        }
    }
    Ok(all)
}

fn after_raw(source: &str, start: usize, mut at: usize) -> Result<usize, ComputeError> {
    while let Some(found) = source[at..].find("{%") {
        let inner = source[at + found + 2..]
            .trim_start_matches(['-', '+'])
            .trim_start();
        if let Some(rest) = inner.strip_prefix("endraw")
            && let Some(end) = rest.find("%}")
        {
            return Ok(source.len() - rest.len() + end + 2);
        }
        at += found + 2;
    }
    Err(wrong(
        source,
        start,
        "the `raw` that begins here has no `endraw`",
    ))
}

fn tag(source: &str, start: usize, is_block: bool) -> Result<(Tag<'_>, usize), ComputeError> {
    let end_sign = if is_block { "%}" } else { "}}" };
    let mut tokens = Vec::new();
    let mut brackets: Vec<char> = Vec::new();
    let mut at = start + 2;
    if source[at..].starts_with(['-', '+']) {
        at += 1;
    }
    loop {
        let rest = &source[at..];
        let Some(first) = rest.chars().next() else {
            return Err(wrong(source, start, "the tag that begins here has no end"));
        };
        let closes = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        if brackets.is_empty() && closes.starts_with(end_sign) {
            let end = source.len() - closes.len() + end_sign.len();
            return Ok((Tag { is_block, tokens }, end));
        }
        if at - start > TAG_BYTES_MAX || tokens.len() > TAG_TOKENS_MAX {
            return Err(wrong(source, start, "this tag is too long"));
        }
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = token(source, at, rest, first)?;
        match first {
            '(' | '[' | '{' => brackets.push(first),
            ')' | ']' | '}' => {
                brackets.pop();
            }
            _ => {}
        }
        if brackets.len() > BRACKETS_DEPTH_MAX {
            return Err(wrong(source, at, "too many brackets within each other"));
        }
        tokens.push((at, token));
        at += length;
    }
}

fn token<'s>(
    source: &str,
    at: usize,
    rest: &'s str,
    first: char,
) -> Result<(Token<'s>, usize), ComputeError> {
    if first == '"' || first == '\'' {
        let mut escaped = false;
        for (index, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == first => return Ok((Token::Text, index + 1)),
                _ => {}
            }
        }
        return Err(wrong(source, at, "the text that begins here has no end"));
    }
    if first.is_ascii_digit() {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        return Ok((Token::Number, rest.find(|c| !part(c)).unwrap_or(rest.len())));
    }
    if first.is_alphabetic() || first == '_' {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
        return Ok((Token::Word(&rest[..length]), length));
    }
    let length = if rest.starts_with("==") || rest.starts_with("!=") {
        2
    } else {
        first.len_utf8()
    };
    Ok((Token::Sign(&rest[..length]), length))
}

fn operators(source: &str, tag: &Tag<'_>) -> Result<(), ComputeError> {
    let mut nesting = 0;
    for (index, (at, token)) in tag.tokens.iter().enumerate() {
        let number = |i: Option<usize>| {
            let found = i.and_then(|i| tag.tokens.get(i));
            matches!(found, Some((_, Token::Number)))
        };
        // the `1` of `x.1` is a field
        let field = index >= 2 && tag.tokens[index - 2].1 == Token::Sign(".");
        let beside = number(Some(index + 1)) || (number(index.checked_sub(1)) && !field);
        match token {
            Token::Sign("~") => {
                let what = "`~` can't stand here: write the texts side by side, or `concat(a, b)`";
                return Err(wrong(source, *at, what));
            }
            Token::Sign("*") => {
                return Err(wrong(
                    source,
                    *at,
                    "`*` can't stand here: write `mul(a, b)`",
                ));
            }
            Token::Sign("+") if !beside => {
                let what = "`+` stands only beside a number: write `add(a, b)`, or `concat(a, b)`";
                return Err(wrong(source, *at, what));
            }
            Token::Sign("-") | Token::Word("not" | "if" | "else") => nesting += 1,
            _ => {}
        }
        if nesting > NESTING_WORDS_MAX {
            return Err(wrong(source, *at, "this tag is too long"));
        }
    }
    Ok(())
}

fn names(source: &str, tag: &Tag<'_>) -> Result<(), ComputeError> {
    let unknown = |at: usize, sort, name: &str, known: &[&str]| {
        let known = known.iter().map(|k| (*k).to_owned()).collect();
        Err(ComputeError::unknown(
            Some(Position::of(source, at)),
            sort,
            name,
            known,
        ))
    };
    for (index, (at, token)) in tag.tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let before = |back: usize| index.checked_sub(back).map(|i| tag.tokens[i].1);
        let called = tag.tokens.get(index + 1).map(|t| t.1) == Some(Token::Sign("("));
        let after_is = before(1) == Some(Token::Word("is"))
            || (before(1) == Some(Token::Word("not")) && before(2) == Some(Token::Word("is")));
        if before(1) == Some(Token::Sign("|")) {
            if !FILTERS.contains(word) {
                return unknown(*at, "filter", word, FILTERS);
            }
            let binds = tag.tokens.first().map(|t| t.1) == Some(Token::Word("set"));
            if *word == "groupby" && binds {
                return Err(wrong(
                    source,
                    *at,
                    "`groupby` stands in `for`, not in `set`",
                ));
            }
        } else if after_is && *word != "not" {
            if !TESTS.contains(word) {
                return unknown(*at, "test", word, TESTS);
            }
        } else if called && before(1) == Some(Token::Sign(".")) {
            if *word != "cycle" && *word != "changed" {
                return unknown(*at, "method", word, &["cycle", "changed"]);
            }
        } else if called && !KEYWORDS.contains(word) && !FUNCTIONS.contains(word) {
            return unknown(*at, "function", word, FUNCTIONS);
        }
    }
    Ok(())
}

/// Words that a bracket may follow.
const KEYWORDS: &[&str] = &[
    "in", "not", "and", "or", "if", "elif", "else", "is", "for", "set",
];

#[derive(Clone, Copy, PartialEq)]
enum Bracket {
    /// A list or map written out.
    Literal,
    /// Around a part of an expression, or a tuple.
    Group,
    /// After a value: a call, an index.
    After,
}

fn binding(source: &str, tag: &Tag<'_>, word: &str) -> Result<(), ComputeError> {
    let separator = if word == "set" {
        Token::Sign("=")
    } else {
        Token::Word("in")
    };
    let start = tag.tokens[0].0;
    let Some(middle) = tag.tokens.iter().position(|(_, token)| *token == separator) else {
        let form = if word == "set" {
            "{% set NAME = … %}"
        } else {
            "{% for NAME in … %}"
        };
        return Err(wrong(
            source,
            start,
            format!("`{word}` is written `{form}`"),
        ));
    };
    if word == "set" && tag.tokens[1..middle].len() != 1 {
        return Err(wrong(source, start, "`set` sets one name"));
    }
    let mut open: Vec<Bracket> = Vec::new();
    let made = "a list or map written out in `set` or `for` holds constants only";
    for (index, (at, token)) in tag.tokens.iter().enumerate().skip(middle + 1) {
        let after_value = match tag.tokens[index - 1].1 {
            Token::Word(word) => !KEYWORDS.contains(&word),
            Token::Text => true,
            Token::Sign(sign) => matches!(sign, ")" | "]" | "}"),
            Token::Number => false,
        };
        match token {
            Token::Sign("[" | "{" | "(") if after_value => open.push(Bracket::After),
            Token::Sign("(") => open.push(Bracket::Group),
            Token::Sign("[" | "{") => open.push(Bracket::Literal),
            Token::Sign("]" | "}" | ")") => {
                open.pop();
            }
            // a tuple
            Token::Sign(",") if matches!(open.last(), None | Some(Bracket::Group)) => {
                return Err(wrong(source, *at, made));
            }
            Token::Word("recursive") if open.is_empty() => {
                return Err(wrong(source, *at, "loops can't be recursive here"));
            }
            Token::Word("true" | "false" | "none" | "True" | "False" | "None") => {}
            Token::Word(_) if open.contains(&Bracket::Literal) => {
                return Err(wrong(source, *at, made));
            }
            _ => {}
        }
    }
    Ok(())
}
