//! JSON that says each key once.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

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
        }
        let deep = "[".repeat(100_000);
        assert_eq!(said_twice(deep.as_bytes()), None);
    }
}
