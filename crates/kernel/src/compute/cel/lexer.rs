//! Text → tokens.

use super::super::{ComputeError, Position};

/// A token and the byte where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub at: usize,
    pub kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Word(String),
    Int(u64),
    Double(f64),
    Text(String),
    Sign(&'static str),
    End,
}

impl std::fmt::Display for TokenKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => write!(f, "`{word}`"),
            Self::Int(_) | Self::Double(_) => f.write_str("a number"),
            Self::Text(_) => f.write_str("a text"),
            Self::Sign(sign) => write!(f, "`{sign}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Longer ones first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ",", ".",
    "(", ")", "[", "]", "{", "}",
];

pub(super) fn tokens(source: &str) -> Result<Vec<Token>, ComputeError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(prefix) = text_prefix(rest) {
            let (text, length) = text(source, at, prefix)?;
            out.push(Token {
                at,
                kind: TokenKind::Text(text),
            });
            at += length;
        } else if first.is_ascii_alphabetic() || first == '_' {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
            out.push(Token {
                at,
                kind: TokenKind::Word(rest[..length].into()),
            });
            at += length;
        } else if first.is_ascii_digit() {
            let (kind, length) = number(source, at)?;
            out.push(Token { at, kind });
            at += length;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            out.push(Token {
                at,
                kind: TokenKind::Sign(sign),
            });
            at += sign.len();
        } else {
            return Err(syntax(source, at, stray(first)));
        }
    }
    out.push(Token {
        at,
        kind: TokenKind::End,
    });
    Ok(out)
}

fn stray(c: char) -> String {
    match c {
        '=' => "`=` can't stand here; equal is written `==`".into(),
        '&' => "`&` can't stand here; and is written `&&`".into(),
        '|' => "`|` can't stand here; or is written `||`".into(),
        '“' | '”' | '‘' | '’' => "text stands in straight quotes: \"…\" or '…'".into(),
        other => format!("{other:?} can't stand here"),
    }
}

pub(super) fn syntax(source: &str, at: usize, what: impl Into<String>) -> ComputeError {
    ComputeError::Syntax {
        at: Some(Position::of(source, at)),
        what: what.into(),
    }
}

/// What stands before the first quote of a text: `""`, `"r"` or `"b"`.
fn text_prefix(rest: &str) -> Option<&str> {
    let letters = rest.len() - rest.trim_start_matches(['r', 'R', 'b', 'B']).len();
    let quoted = letters <= 2 && rest[letters..].starts_with(['"', '\'']);
    quoted.then(|| &rest[..letters])
}

fn text(source: &str, at: usize, prefix: &str) -> Result<(String, usize), ComputeError> {
    if prefix.contains(['b', 'B']) {
        return Err(syntax(source, at, "bytes aren't supported, only text"));
    }
    let raw = !prefix.is_empty();
    let body = &source[at + prefix.len()..];
    let quote = &body[..1];
    let triple = quote.repeat(3);
    let fence = if body.starts_with(&triple) {
        triple.as_str()
    } else {
        quote
    };
    let mut out = String::new();
    let mut rest = &body[fence.len()..];
    loop {
        if let Some(after) = rest.strip_prefix(fence) {
            return Ok((out, prefix.len() + body.len() - after.len()));
        }
        let mut chars = rest.chars();
        match chars.next() {
            None => return Err(syntax(source, at, "the text that begins here has no end")),
            Some('\n') if fence.len() == 1 => {
                return Err(syntax(source, at, "the text that begins here has no end"));
            }
            Some('\\') if !raw => {
                let here = source.len() - rest.len();
                let (c, length) = escape(&rest[1..])
                    .ok_or_else(|| syntax(source, here, "no such escape in a text"))?;
                out.push(c);
                rest = &rest[1 + length..];
            }
            Some(c) => {
                out.push(c);
                rest = chars.as_str();
            }
        }
    }
}

/// The character that an escape stands for, and how long the escape is without its backslash.
fn escape(rest: &str) -> Option<(char, usize)> {
    let code = |skip: usize, digits: usize, radix: u32| {
        let text = rest.get(skip..skip + digits)?;
        let clean = text.chars().all(|c| c.is_digit(radix));
        let value = u32::from_str_radix(text, radix).ok()?;
        clean
            .then(|| char::from_u32(value))
            .flatten()
            .map(|c| (c, skip + digits))
    };
    let plain = |c: char| Some((c, 1));
    match rest.chars().next()? {
        'n' => plain('\n'),
        't' => plain('\t'),
        'r' => plain('\r'),
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'v' => plain('\u{b}'),
        c @ ('\\' | '\'' | '"' | '`' | '?') => plain(c),
        'x' | 'X' => code(1, 2, 16),
        'u' => code(1, 4, 16),
        'U' => code(1, 8, 16),
        '0'..='3' => code(0, 3, 8),
        _ => None,
    }
}

fn number(source: &str, at: usize) -> Result<(TokenKind, usize), ComputeError> {
    let rest = &source[at..];
    let digits = |text: &str, radix: u32| text.chars().take_while(|c| c.is_digit(radix)).count();
    let too_large = || syntax(source, at, "a number that is too large");
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let length = digits(hex, 16);
        let value = u64::from_str_radix(&hex[..length], 16).map_err(|_| too_large())?;
        return after_number(source, at, 2 + length, TokenKind::Int(value));
    }
    let mut length = digits(rest, 10);
    let mut whole = true;
    if rest[length..].starts_with('.') && digits(&rest[length + 1..], 10) > 0 {
        length += 1 + digits(&rest[length + 1..], 10);
        whole = false;
    }
    if rest[length..].starts_with(['e', 'E']) {
        let after = &rest[length + 1..];
        let sign = usize::from(after.starts_with(['+', '-']));
        let exponent = digits(&after[sign..], 10);
        if exponent > 0 {
            length += 1 + sign + exponent;
            whole = false;
        }
    }
    let kind = if whole {
        TokenKind::Int(rest[..length].parse().map_err(|_| too_large())?)
    } else {
        let value: f64 = rest[..length].parse().map_err(|_| too_large())?;
        TokenKind::Double(value)
    };
    after_number(source, at, length, kind)
}

/// `1u` is read as `1`; a letter elsewhere directly after a number is a slip.
fn after_number(
    source: &str,
    at: usize,
    length: usize,
    kind: TokenKind,
) -> Result<(TokenKind, usize), ComputeError> {
    let rest = &source[at + length..];
    let unsigned = matches!(kind, TokenKind::Int(_)) && rest.starts_with(['u', 'U']);
    let length = length + usize::from(unsigned);
    if source[at + length..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        let what = "a letter can't follow a number directly";
        return Err(syntax(source, at + length, what));
    }
    Ok((kind, length))
}
