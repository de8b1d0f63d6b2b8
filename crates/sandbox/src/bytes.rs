//! Byte strings in recordings, written and read at once instead of byte by byte.
//!
//! The encoding is the one that postcard gives a `Vec<u8>` anyway; only the time differs.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// For `#[serde(with = "crate::bytes")]`.
pub(crate) fn serialize<S: Serializer, B: AsRef<[u8]>>(
    bytes: &B,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes.as_ref())
}

/// For `#[serde(with = "crate::bytes")]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_byte_buf(BytesVisitor)
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    // Formats without byte strings write a list.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

/// Bytes inside of another type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bytes(#[serde(with = "crate::bytes")] pub(crate) Vec<u8>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_a_list() {
        for bytes in [vec![], vec![1], vec![0; 300]] {
            let list = postcard::to_stdvec(&bytes).expect("encodes");
            assert_eq!(
                postcard::to_stdvec(&Bytes(bytes.clone())).expect("encodes"),
                list
            );
            assert_eq!(
                postcard::from_bytes::<Bytes>(&list).expect("decodes"),
                Bytes(bytes.clone())
            );
            let json = serde_json::to_string(&Bytes(bytes.clone())).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Bytes>(&json).expect("JSON"),
                Bytes(bytes)
            );
        }
    }
}
