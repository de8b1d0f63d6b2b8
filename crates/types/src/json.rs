//! JSON that says each key once.

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
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_slice(json);
    // It stops at the key, or where the text is no JSON.
    let _ = Once(&mut found).deserialize(&mut reader);
    found
}

/// Reads a value and keeps nothing but the key that it stops at.
struct Once<'f>(&'f mut Option<String>);

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
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
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
                *self.0 = Some(key);
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
    /// It is no JSON.
    #[error(transparent)]
    NoJson(#[from] serde_json::Error),
}

/// What JSON says, in one reading, where no object in it says a key twice.
///
/// # Errors
/// The first key that is said twice, or why it is no JSON.
pub fn read_once(json: &[u8]) -> Result<Value, Unread> {
    let mut twice = None;
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = Whole(&mut twice).deserialize(&mut reader);
    match (twice, read) {
        (Some(key), _) => Err(Unread::Twice(key)),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(value)) => {
            reader.end()?;
            Ok(value)
        }
    }
}

/// Reads a value, unless it stops at a key.
struct Whole<'f>(&'f mut Option<String>);

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
                    *self.0 = Some(entry.key().clone());
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
}
