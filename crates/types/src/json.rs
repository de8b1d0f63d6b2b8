//! JSON that says each key once, and no number that nobody could keep.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// The first key that an object in this JSON says twice, at any depth. None where each is said
/// once, and where the text is no JSON before one is: whoever reads it says so.
#[must_use]
pub fn said_twice(json: &[u8]) -> Option<String> {
    seen_in(json).twice
}

/// What of this JSON whoever reads it would not keep: a key that is there twice, or a whole number
/// that doesn't fit. None where all is kept, and where the text is no JSON before that: whoever
/// reads it says so.
#[must_use]
pub fn unkept(json: &[u8]) -> Option<Unread> {
    let seen = seen_in(json);
    match seen.twice {
        Some(key) => Some(Unread::Twice(key)),
        None => seen.large_number(json).map(Unread::Large),
    }
}

fn seen_in(json: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let mut reader = serde_json::Deserializer::from_slice(json);
    // It stops at the key, or where the text is no JSON.
    let _ = Once(&mut seen).deserialize(&mut reader);
    seen
}

/// What reading JSON comes upon.
#[derive(Default)]
struct Seen {
    /// The first key that an object says twice.
    twice: Option<String>,
    /// Whether a number is so far from zero that it may be a whole one that doesn't fit.
    is_far: bool,
}

impl Seen {
    /// Whole numbers that fit come as such: what comes as any other number may have lost digits.
    fn number(&mut self, number: f64) {
        const FAR: f64 = 9_223_372_036_854_775_808.0;
        self.is_far |= number.abs() >= FAR;
    }

    /// The first whole number in this JSON that doesn't fit.
    fn large_number(&self, json: &[u8]) -> Option<String> {
        self.is_far.then(|| large_number(json)).flatten()
    }
}

/// Reads a value and keeps nothing but what it came upon.
struct Once<'f>(&'f mut Seen);

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.number(number);
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Once(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = pairs.next_key::<String>()? {
            if keys.contains(&key) {
                self.0.twice = Some(key);
                return Err(A::Error::custom("a key is said twice"));
            }
            keys.insert(key);
            pairs.next_value_seed(Once(&mut *self.0))?;
        }
        Ok(())
    }
}

/// Why JSON isn't read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// An object in it says this key twice.
    #[error("the key {0:?} is there twice")]
    Twice(String),
    /// A whole number in it has more digits than whoever reads it would keep.
    #[error("{0} is a whole number of more than 64 bits")]
    Large(String),
    /// It is no JSON.
    #[error(transparent)]
    NoJson(#[from] serde_json::Error),
}

impl Unread {
    /// What whoever wrote it can do, where it is JSON.
    #[must_use]
    pub const fn help(&self) -> Option<&'static str> {
        match self {
            Self::Twice(_) => Some("one of the two would be lost: take one out"),
            Self::Large(_) => Some("write it in quotes: a text keeps its digits"),
            Self::NoJson(_) => None,
        }
    }

    /// What is wrong and what to do about it, for where there is one text for both.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.help() {
            Some(help) => format!("{self}; {help}"),
            None => self.to_string(),
        }
    }
}

/// What JSON says, in one reading, where no object in it says a key twice.
///
/// # Errors
/// The first key that is said twice, or why it is no JSON.
pub fn read_once(json: &[u8]) -> Result<Value, Unread> {
    read(json).map(|(value, _)| value)
}

fn read(json: &[u8]) -> Result<(Value, Seen), Unread> {
    let mut seen = Seen::default();
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = Whole(&mut seen).deserialize(&mut reader);
    match (seen.twice.take(), read) {
        (Some(key), _) => Err(Unread::Twice(key)),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(value)) => {
            reader.end()?;
            Ok((value, seen))
        }
    }
}

/// Reads a value, unless it stops at a key.
struct Whole<'f>(&'f mut Seen);

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        self.0.number(value);
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Whole(&mut *self.0))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = pairs.next_key::<String>()? {
            match object.entry(key) {
                Entry::Occupied(entry) => {
                    self.0.twice = Some(entry.key().clone());
                    return Err(A::Error::custom("a key is said twice"));
                }
                Entry::Vacant(entry) => {
                    entry.insert(pairs.next_value_seed(Whole(&mut *self.0))?);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

/// The same where every whole number keeps its digits, too: one that doesn't fit is read as about
/// as much.
///
/// # Errors
/// As [`read_once`]; the first such number.
pub fn read_exactly(json: &[u8]) -> Result<Value, Unread> {
    let (value, seen) = read(json)?;
    match seen.large_number(json) {
        Some(number) => Err(Unread::Large(number)),
        None => Ok(value),
    }
}

/// The first whole number in this JSON that doesn't fit.
#[must_use]
pub fn large_number(json: &[u8]) -> Option<String> {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let (mut at, mut quoted) = (0, false);
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'0'..=b'9' | b'-' if !quoted => {
                let rest = &json[at..];
                let end = rest.iter().position(|byte| !is_part(byte));
                let number = &rest[..end.unwrap_or(rest.len())];
                at += number.len();
                let text = std::str::from_utf8(number).unwrap_or_default();
                let is_whole = !text.contains(['.', 'e', 'E']);
                if is_whole && text.parse::<i64>().is_err() && text.parse::<u64>().is_err() {
                    return Some(text.to_owned());
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// A value as it is compared with another one: keys in their order, and a number however it is
/// written (`150`, `150.0` and `1.5e2` are one).
#[must_use]
pub fn plain(mut value: Value) -> Value {
    value.sort_all_objects();
    plain_numbers(&mut value);
    value
}

fn plain_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            // Above this a number with a point says no single whole number.
            const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
            let whole = number.as_f64().filter(|_| number.is_f64());
            if let Some(whole) = whole.filter(|f| f.fract() == 0.0 && f.abs() <= EXACT_MAX) {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole, and fits")]
                let whole = whole as i64;
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_numbers),
        Value::Object(fields) => fields.values_mut().for_each(plain_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_said_once() {
        for (json, twice) in [
            (r#"{"a": 1, "b": {"a": [1, null, true, "a", -2.5]}}"#, None),
            (r#"{"a": 1, "b": 2, "a": 3}"#, Some("a")),
            (r#"{"a": 1, "\u0061": 2}"#, Some("a")),
            (r#"[{"n": {"x": 1, "x": 1}}]"#, Some("x")),
            ("[1, 2, 2]", None),
            ("\"a\"", None),
            ("no JSON", None),
            (r#"{"a": 1, "a"#, None),
            ("", None),
        ] {
            assert_eq!(said_twice(json.as_bytes()).as_deref(), twice, "{json}");
            match (read_once(json.as_bytes()), twice) {
                (Err(Unread::Twice(key)), twice) => assert_eq!(Some(&*key), twice, "{json}"),
                (read, None) => {
                    let plain = serde_json::from_str::<Value>(json);
                    assert_eq!(read.ok(), plain.ok(), "{json}");
                }
                (read, twice) => panic!("{json}: {read:?}, not {twice:?}"),
            }
        }
        let deep = "[".repeat(100_000);
        assert_eq!(said_twice(deep.as_bytes()), None);
        assert!(matches!(read_once(deep.as_bytes()), Err(Unread::NoJson(_))));
        // What stands behind a value is no part of it.
        assert!(matches!(read_once(b"{} {}"), Err(Unread::NoJson(_))));
        let numbers = "[0, -1, 18446744073709551615, 1.5, -0.0, 1e300, 10.0]";
        let plain = serde_json::from_str::<Value>(numbers).unwrap();
        let read = read_once(numbers.as_bytes()).unwrap();
        assert_eq!(read.to_string(), plain.to_string());
    }

    #[test]
    fn whole_numbers_keep_their_digits() {
        for (json, large) in [
            (
                "[18446744073709551615, -9223372036854775808, 1e30, 0.1, -0]",
                None,
            ),
            (
                "{\"a\": \"12345678901234567890123\", \"b\\\\\\\"99999999999999999999\": 1}",
                None,
            ),
            (
                "{\"a\": [1, 12345678901234567890123]}",
                Some("12345678901234567890123"),
            ),
            ("-9223372036854775809", Some("-9223372036854775809")),
            ("18446744073709551616", Some("18446744073709551616")),
        ] {
            let lost = match unkept(json.as_bytes()) {
                Some(Unread::Large(number)) => Some(number),
                _ => None,
            };
            assert_eq!(lost.as_deref(), large, "{json}");
            match (read_exactly(json.as_bytes()), large) {
                (Ok(_), None) => {}
                (Err(Unread::Large(found)), Some(large)) => assert_eq!(found, large),
                (read, large) => panic!("{json}: {read:?}, not {large:?}"),
            }
        }
    }

    #[test]
    fn a_number_is_one_however_it_is_written() {
        let read = |json: &str| plain(serde_json::from_str(json).unwrap()).to_string();
        for (one, other, same) in [
            (
                "{\"a\": 150, \"b\": [1]}",
                "{\"b\": [1.0], \"a\": 1.5e2}",
                true,
            ),
            ("[-0.0, 150.00]", "[0, 15e1]", true),
            ("0.5", "5e-1", true),
            ("1e30", "1000000000000000000000000000000.0", true),
            ("150", "150.5", false),
            ("150", "\"150\"", false),
            ("9007199254740993", "9007199254740992", false),
        ] {
            assert_eq!(read(one) == read(other), same, "{one} {other}");
        }
    }
}
