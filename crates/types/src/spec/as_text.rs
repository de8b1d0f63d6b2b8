//! A manifest that grows is JSON text where it is kept in binary: what it was is read.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes it.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Serialize, S: Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return value.serialize(serializer);
    }
    let text = serde_json::to_string(&**value).map_err(S::Error::custom)?;
    text.serialize(serializer)
}

/// Reads it.
///
/// # Errors
/// Those of the deserializer, and a text that isn't what it should be.
pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<T>, D::Error> {
    if deserializer.is_human_readable() {
        return T::deserialize(deserializer).map(Arc::new);
    }
    let text = String::deserialize(deserializer)?;
    serde_json::from_str(&text)
        .map(Arc::new)
        .map_err(D::Error::custom)
}
