//! Blanks comments and literals, byte for byte, so that offsets and lines stay true.

/// The source with every comment, string and character literal turned to spaces.
pub fn code(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'\'' => match char_end(source, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            first if is_word(first) => {
                let word_end = word_end(bytes, at);
                match raw_string_end(bytes, at, word_end) {
                    Some(end) => end,
                    None => {
                        at = word_end;
                        continue;
                    }
                }
            }
            _ => {
                at += 1;
                continue;
            }
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Only whole characters were blanked, so this never replaces anything.
    String::from_utf8_lossy(&out).into_owned()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes[at..].iter().position(|&byte| !is_word(byte));
    rest.map_or(bytes.len(), |length| at + length)
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes[at..].iter().position(|&byte| byte == b'\n');
    rest.map_or(bytes.len(), |length| at + length)
}

fn block_comment_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = at;
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The end of `r"…"`, `r#"…"#` and their `b` and `c` kin, if one starts with this word.
fn raw_string_end(bytes: &[u8], at: usize, word_end: usize) -> Option<usize> {
    let word = &bytes[at..word_end];
    if ![&b"r"[..], b"br", b"cr"].contains(&word) {
        return None;
    }
    let hashes = bytes[word_end..]
        .iter()
        .take_while(|&&byte| byte == b'#')
        .count();
    if bytes.get(word_end + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = word_end + hashes + 1;
    let length = bytes[body..]
        .windows(close.len())
        .position(|window| window == close);
    Some(length.map_or(bytes.len(), |length| body + length + close.len()))
}

/// The end of the character literal that starts at this quote; nothing for a lifetime.
fn char_end(source: &str, quote: usize) -> Option<usize> {
    let rest = &source[quote + 1..];
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        // Past the escaped character, which may itself be a quote.
        chars.next()?;
        let (length, _) = chars.find(|&(_, c)| c == '\'')?;
        return Some(quote + 1 + length + 1);
    }
    match chars.next() {
        Some((length, '\'')) => Some(quote + 1 + length + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    fn check(source: &str, want: &str) {
        let got = code(source);
        assert_eq!(got.len(), source.len(), "offsets move in {source:?}");
        let squeezed: Vec<&str> = got.split_whitespace().collect();
        assert_eq!(squeezed.join(" "), want, "in {source:?}");
    }

    #[test]
    fn literals_and_comments_go() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check(r#"a "b \" c" d"#, "a d");
        check(r###"a r#"b " c"# d"###, "a d");
        check(r##"a br"b" cr#"c"# d"##, "a d");
        check(r"a 'b' '\'' '\u{41}' c", "a c");
        check("a 'é' b", "a b");
        check("/* never closed", "");
        check("\"never closed", "");
    }

    #[test]
    fn lifetimes_and_raw_words_stay() {
        check("<'a, 'static> b", "<'a, 'static> b");
        check("r#fn r#type", "r#fn r#type");
        check("bar\"x\" b", "bar b");
    }
}
