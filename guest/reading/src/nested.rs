//! JSON that carries the answers of other agents: as objects, or as text that holds JSON,
//! because a plan hands answers on as text.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The value itself, or the JSON inside of a text.
#[must_use]
pub fn unpacked(value: &Value) -> Value {
    match value {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        other => other.clone(),
    }
}

/// One or many answers of another agent, read as `T`; what isn't one is left out and counted.
#[must_use]
pub fn many<T: DeserializeOwned>(value: Option<&Value>) -> (Vec<T>, usize) {
    let items = match value.map(unpacked) {
        None | Some(Value::Null) => return (Vec::new(), 0),
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
    };
    let all = items.len();
    let read: Vec<T> = items
        .iter()
        .filter_map(|item| serde_json::from_value(unpacked(item)).ok())
        .collect();
    let lost = all - read.len();
    (read, lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_come_as_objects_or_as_text() {
        for (value, expected) in [
            (json!([{"a": 1}, "{\"a\": 2}"]), (2, 0)),
            (json!("[{\"a\": 1}]"), (1, 0)),
            (json!({"a": 1}), (1, 0)),
            (json!(null), (0, 0)),
            (json!([7]), (0, 1)),
        ] {
            let (read, lost) = many::<std::collections::BTreeMap<String, u8>>(Some(&value));
            assert_eq!((read.len(), lost), expected, "{value}");
        }
    }
}
