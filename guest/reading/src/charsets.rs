//! What isn't UTF-8. Such a text comes byte by byte, each as a letter from U+0000 to U+00FF, and is
//! read in the character set that it names; where it names none, or Latin-1 or ASCII, as
//! windows-1252, as the encoding standard of the web has it. A text that holds any other letter was
//! UTF-8 and stays as it is.

use std::borrow::Cow;

/// What windows-1252 has in the place of Latin-1's control characters, from 0x80.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(letter: char) -> char {
    let at = u32::from(letter).checked_sub(0x80);
    let at = at.and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| WINDOWS_1252.get(at).copied())
        .unwrap_or(letter)
}

/// Letters that are bytes, and at least one that isn't ASCII.
fn is_bytes(text: &str) -> bool {
    !text.is_ascii() && text.chars().all(|letter| letter <= '\u{ff}')
}

/// A text that names no character set: a table, a note.
#[must_use]
pub fn undeclared(text: &str) -> Cow<'_, str> {
    let is_control = |letter: char| ('\u{80}'..='\u{9f}').contains(&letter);
    if text.contains(is_control) && is_bytes(text) {
        Cow::Owned(text.chars().map(windows_1252).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A part of a mail that names a character set (`""`: none). In one mailbox some mails are UTF-8
/// and others aren't: bytes that are UTF-8 are read as that.
#[cfg(feature = "mail")]
#[must_use]
pub fn declared<'t>(text: &'t str, charset: &str) -> Cow<'t, str> {
    if !is_bytes(text) {
        return Cow::Borrowed(text);
    }
    let bytes = text.chars().filter_map(|letter| u8::try_from(letter).ok());
    Cow::Owned(decoded(bytes.collect(), charset))
}

/// Bytes in a character set, unless they are UTF-8.
#[cfg(feature = "mail")]
#[must_use]
pub fn decoded(bytes: Vec<u8>, charset: &str) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(why) => why.into_bytes(),
    };
    match decoder(charset) {
        Some(decoder) => decoder(&bytes),
        None => bytes
            .into_iter()
            .map(|byte| windows_1252(char::from(byte)))
            .collect(),
    }
}

/// Whether a character set has a name that is known.
#[cfg(feature = "mail")]
#[must_use]
pub fn is_known(charset: &str) -> bool {
    let utf8 = ["", "utf-8", "utf8"];
    decoder(charset).is_some() || utf8.iter().any(|it| it.eq_ignore_ascii_case(charset))
}

/// Two bytes for each letter are never 8-bit text.
#[cfg(feature = "mail")]
fn decoder(charset: &str) -> Option<mail_parser::decoders::charsets::DecoderFnc> {
    let charset = charset.trim();
    let wide = charset
        .get(..4)
        .is_some_and(|it| it.eq_ignore_ascii_case("utf-"));
    let named = (!wide && !charset.is_empty()).then_some(charset)?;
    mail_parser::decoders::charsets::map::charset_decoder(named.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_bytes(bytes: &[u8]) -> String {
        bytes.iter().copied().map(char::from).collect()
    }

    #[test]
    fn a_text_without_a_name_is_windows_1252() {
        for (text, expected) in [
            (as_bytes(b"5 000,00 \x80"), "5 000,00 €"),
            (
                as_bytes(b"l\x92\x9cuvre \x93d\xe9cid\xe9e\x94\x85"),
                "l’œuvre “décidée”…",
            ),
            ("d\u{e9}cid\u{e9}".to_owned(), "décidé"),
            ("€ \u{92}".to_owned(), "€ \u{92}"),
            ("plain".to_owned(), "plain"),
        ] {
            assert_eq!(undeclared(&text), expected);
        }
    }

    #[cfg(feature = "mail")]
    #[test]
    fn a_named_character_set_is_applied() {
        for (bytes, charset, expected) in [
            (&b"\x80 \x9c"[..], "iso-8859-1", "€ œ"),
            (b"\x80 \x9c", "US-ASCII", "€ œ"),
            (b"\x80 \x9c", "", "€ œ"),
            (b"\x80 \x9c", "x-nobody", "€ œ"),
            (b"\x80 \x9c", "utf-8", "€ œ"),
            (
                b"\xa4 \xa6\xa8 \xb4\xb8 \xbc\xbd \xbe",
                "ISO-8859-15",
                "€ Šš Žž Œœ Ÿ",
            ),
            (b"\x80 \x8a\x9a", "windows-1250", "€ Šš"),
            (b"\xf0\xd2\xc9\xd7\xc5\xd4", "koi8-r", "Привет"),
            (b"\xcf\xf0\xe8\xe2\xe5\xf2", "windows-1251", "Привет"),
            ("décidé €".as_bytes(), "iso-8859-15", "décidé €"),
        ] {
            assert_eq!(declared(&as_bytes(bytes), charset), expected, "{charset}");
        }
        assert!(is_known("UTF-8") && is_known("l9") && !is_known("x-nobody"));
    }
}
