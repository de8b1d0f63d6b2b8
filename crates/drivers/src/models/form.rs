//! How the form of an answer reaches a model: as its provider holds it to one, or in words. Nobody
//! relies on it: the answer is compared with the schema whichever way it was asked for.

use serde_json::{Map, Value};

use super::endpoint::Format;
use super::request::OutputSchema;

/// The deepest that a schema nests which a provider holds a model to.
const LEVELS_MAX: usize = 5;
/// The most properties of such a schema.
const PROPERTIES_MAX: usize = 100;
/// The keywords that every provider which holds models to schemas knows.
const KEYWORDS: &[&str] = &[
    "type",
    "title",
    "description",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
];

/// How a form is carried.
#[derive(Clone, Debug, PartialEq)]
pub enum Carried {
    /// In the request's own field for it.
    Field(OutputSchema),
    /// In words, where the provider takes no such field here, or would refuse this schema.
    Words(String),
}

impl Carried {
    /// The way of a format. `keeps` says that the model keeps to forms of JSON, `tools` that it may
    /// call some.
    #[must_use]
    pub fn over(format: Format, keeps: bool, tools: bool, name: &str, schema: Value) -> Self {
        let held = |all_required| keeps && is_held(&schema, all_required);
        let (field, strict) = match format {
            // Theirs refuse what they can't hold a model to only where that is asked for.
            Format::OpenAiChat | Format::OpenAiCompatible | Format::OpenAiResponses => {
                (true, held(true))
            }
            Format::Anthropic => (held(false), true),
            // Beside tools the one refuses a form, and the other's model could call none of them.
            Format::Gemini | Format::Ollama => (!tools, false),
            Format::OpenClaw => (true, false), // says it in words itself
        };
        let form = OutputSchema {
            name: name.to_owned(),
            schema,
            strict,
        };
        if field {
            Self::Field(form)
        } else {
            Self::Words(form.in_words())
        }
    }
}

/// Whether a schema is one that providers hold models to: closed objects, and no keyword that any
/// of them refuses. Some want every property to be required.
fn is_held(schema: &Value, all_required: bool) -> bool {
    let mut properties = 0;
    schema["type"] == "object"
        && schema.get("anyOf").is_none()
        && fits(schema, all_required, 0, &mut properties)
}

fn fits(schema: &Value, all_required: bool, level: usize, properties: &mut usize) -> bool {
    let Some(fields) = schema.as_object() else {
        return false;
    };
    if level > LEVELS_MAX || !fields.keys().all(|key| KEYWORDS.contains(&key.as_str())) {
        return false;
    }
    let is_object = match fields.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => fields.contains_key("properties"),
    };
    if is_object && !is_closed(fields, all_required) {
        return false;
    }
    let mut within = |schema: &Value, deeper: usize| {
        let level = level + deeper;
        fits(schema, all_required, level, properties)
    };
    let defined = fields.get("$defs").and_then(Value::as_object);
    let sound = defined.into_iter().flatten().all(|(_, one)| within(one, 0))
        && fields.get("items").is_none_or(|items| within(items, 1))
        && each(fields.get("anyOf")).all(|one| within(one, 0))
        && named(fields).all(|(_, one)| within(one, 1));
    *properties += named(fields).count();
    sound && *properties <= PROPERTIES_MAX && is_own(fields.get("$ref"))
}

/// Whether an object holds what it names and nothing else.
fn is_closed(fields: &Map<String, Value>, all_required: bool) -> bool {
    let required = |name: &str| each(fields.get("required")).any(|one| one == name);
    let closed = fields.get("additionalProperties") == Some(&Value::Bool(false));
    closed
        && named(fields).count() > 0
        && (!all_required || named(fields).all(|(name, _)| required(name)))
}

/// Whether what is referred to is a definition of the schema itself.
fn is_own(reference: Option<&Value>) -> bool {
    reference.is_none_or(|reference| {
        let path = reference.as_str();
        path.is_some_and(|path| path.starts_with("#/$defs/"))
    })
}

fn named(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let named = fields.get("properties").and_then(Value::as_object);
    named.into_iter().flatten()
}

fn each(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bill(more: Value) -> Value {
        let mut schema = json!({
            "type": "object", "additionalProperties": false, "required": ["total"],
            "properties": { "total": { "type": "integer" } },
        });
        for (key, value) in more.as_object().unwrap() {
            schema[key] = value.clone();
        }
        schema
    }

    #[test]
    fn what_providers_hold_models_to_is_known() {
        let optional = json!({ "properties": {
            "total": { "type": "integer" }, "note": { "type": ["string", "null"] },
        }});
        let nested = |inner: Value| json!({ "properties": { "total": inner } });
        for (more, for_all, for_some) in [
            (json!({}), true, true),
            (optional, false, true),
            (json!({ "additionalProperties": true }), false, false),
            (json!({ "type": "array" }), false, false),
            (json!({ "oneOf": [] }), false, false),
            (
                nested(json!({ "type": "integer", "minimum": 0 })),
                false,
                false,
            ),
            (nested(json!({ "type": "object" })), false, false),
            (nested(bill(json!({}))), true, true),
            (
                nested(json!({ "type": "array", "items": bill(json!({})) })),
                true,
                true,
            ),
            (
                nested(json!({ "$ref": "https://a.example/x" })),
                false,
                false,
            ),
        ] {
            let schema = bill(more);
            assert_eq!(is_held(&schema, true), for_all, "{schema}");
            assert_eq!(is_held(&schema, false), for_some, "{schema}");
        }
        let mut deep = bill(json!({}));
        for _ in 0..LEVELS_MAX {
            deep = bill(nested(deep));
        }
        assert!(!is_held(&deep, false), "it nests too deep");
    }

    #[test]
    fn each_format_carries_it_as_it_can() {
        let (closed, open) = (bill(json!({})), json!({ "type": "object" }));
        for (format, keeps, tools, schema, want) in [
            (Format::OpenAiChat, true, true, &closed, Some(true)),
            (Format::OpenAiChat, true, true, &open, Some(false)),
            (Format::OpenAiCompatible, false, false, &closed, Some(false)),
            (Format::OpenAiResponses, true, false, &closed, Some(true)),
            (Format::Anthropic, true, true, &closed, Some(true)),
            (Format::Anthropic, true, true, &open, None),
            (Format::Anthropic, false, true, &closed, None),
            (Format::Gemini, true, false, &open, Some(false)),
            (Format::Gemini, true, true, &closed, None),
            (Format::Ollama, false, false, &open, Some(false)),
            (Format::Ollama, false, true, &open, None),
        ] {
            let carried = Carried::over(format, keeps, tools, "answer", schema.clone());
            match (carried, want) {
                (Carried::Field(form), Some(strict)) => assert_eq!(form.strict, strict),
                (Carried::Words(words), None) => assert!(words.contains(&schema.to_string())),
                (carried, want) => panic!("{format:?} {schema}: {carried:?}, not {want:?}"),
            }
        }
    }
}
