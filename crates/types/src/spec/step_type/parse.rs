//! Makes of a text that has JSON in it the value: models put words and fences around what they were
//! asked for.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use super::{Field, StepGives, StepType};
use crate::json::{Unread, read_exactly};

pub(super) const TYPE: StepType = StepType {
    word: "parse",
    about: "reads a text, a template, that has JSON in it, with words or a fence around it, as \
            models answer; it fails where there is none",
    output: "the value",
    fields: &[Field {
        word: "text",
        needed: true,
        one_of: &[],
    }],
    says: None,
    does: |given| Ok(StepGives::Value(value(given.need("text")?)?)),
};

/// The text as a whole; else what stands in its first fence; else the first list or object in it.
fn value(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let whole = match kept(text) {
        Ok(value) => return value,
        Err(why) => why,
    };
    if let Some(inside) = fenced(text)
        && let Ok(value) = kept(inside)
    {
        return value;
    }
    let begins = text.match_indices(['{', '[']).map(|(at, _)| at);
    // Each is tried once and read until it breaks: a text of nothing but brackets ends soon.
    let first = begins.take(BEGINNINGS_MAX).find_map(|at| {
        let mut values = Deserializer::from_str(&text[at..]).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        kept(&text[at..at + values.byte_offset()]).ok()
    });
    first.unwrap_or_else(|| Err(format!("there is no JSON in the text: {whole}")))
}

/// The value of a text that is JSON, or what of it would not be kept; else why it is none.
fn kept(text: &str) -> Result<Result<Value, String>, serde_json::Error> {
    match read_exactly(text.as_bytes()) {
        Ok(value) => Ok(Ok(value)),
        Err(Unread::NoJson(why)) => Err(why),
        Err(found) => Ok(Err(format!(
            "in the JSON of the text, {}",
            found.sentence()
        ))),
    }
}

/// The most places at which a value may begin that are tried.
const BEGINNINGS_MAX: usize = 64;

/// What stands in the first fence, without the word after it.
fn fenced(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once("```")?;
    let (_, inside) = behind.split_once('\n')?;
    let (inside, _) = inside.split_once("```")?;
    Some(inside.trim())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_found_in_what_a_model_says() {
        for (text, found) in [
            (" [1, 2] ", json!([1, 2])),
            ("\"a word\"", json!("a word")),
            ("3", json!(3)),
            (
                "Here:\n```json\n{\"a\": 1}\n```\nThat's [all].",
                json!({"a": 1}),
            ),
            ("```\n7\n```", json!(7)),
            ("It is {\"a\": [1]}, as you asked.", json!({"a": [1]})),
            ("A set {1, 2} is [1, 2].", json!([1, 2])),
        ] {
            assert_eq!(value(text), Ok(found), "{text}");
        }
        for (lost, what) in [
            ("{\"a\": 1, \"a\": 2}", "the key \"a\" is there twice"),
            ("```\n[12345678901234567890123]\n```", "more than 64 bits"),
            (
                "It is {\"a\": 12345678901234567890123}.",
                "more than 64 bits",
            ),
        ] {
            let told = value(lost).unwrap_err();
            assert!(told.starts_with("in the JSON of the text, "), "{told}");
            assert!(told.contains(what), "{told}");
        }
        for none in ["", "nothing", "{a: 1}", "{{{{", "```\nno\n```"] {
            let told = value(none).unwrap_err();
            assert!(told.starts_with("there is no JSON in the text"), "{told}");
        }
        assert!(value(&"[".repeat(100_000)).is_err());
    }
}
