//! What a decision needs to know and doesn't: records, contents, results of pure computations.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_types::spec::{Look, Seen};
use naos_types::{BodyRef, DocPath, Sealed, Time, Unread};
use serde_json::{Map, Value};

use crate::compute::{self, Limits, Vars};
use crate::document::Document;
use crate::plan::Inputs;
use crate::recall::{self, Embedder, Grams, Recall};
use crate::route::{RankKey, Ranked};
use crate::state::Key;

/// Something to load or compute before the same decision is asked for again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// An aggregate that isn't loaded.
    Record(Key),
    /// The documents whose paths begin with one of these, as the records have them.
    Documents(Vec<String>),
    /// The documents that say one of these, as the records have them.
    Saying(Vec<BodyRef>),
    /// The content of a body.
    Body(BodyRef),
    /// A content to be named and staged.
    Stage(Vec<u8>),
    /// A text to be sealed under the tenant's own key.
    Seal(String),
    /// What a text says that is sealed under the tenant's own key.
    Unseal(Sealed),
    /// A value, and a content that holds it.
    Compute(Compute),
    /// A value alone: nothing is kept of it.
    Value(Compute),
    /// A ranking that was learned before, if it is remembered: it is always the same one.
    Ranking(RankKey),
    /// Yesterday, today and tomorrow at a time, on the calendar of a place.
    Days(String, Time),
    /// What a calendar says; the same for ever, but for a zone whose law changes.
    Look(Look),
}

/// A pure computation over bodies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Compute {
    /// What to compute.
    pub formula: Formula,
    /// What its names stand for.
    pub vars: Vec<(String, Var)>,
}

impl Compute {
    /// The content that is given as it is: the expression is but its name, and no other is made
    /// of it.
    #[must_use]
    pub fn given(&self) -> Option<BodyRef> {
        match self.named()? {
            Var::Body(body) => Some(*body),
            _ => None,
        }
    }

    /// What an expression stands for that is but a name.
    fn named(&self) -> Option<&Var> {
        let Formula::Cel(source) = &self.formula else {
            return None;
        };
        let source = source.trim();
        // A step may be called like a word of the language.
        let is_word = matches!(source, "true" | "false" | "null" | "in");
        let mut vars = self.vars.iter();
        let (_, var) = vars.find(|(name, _)| name == source && !is_word)?;
        Some(var)
    }
}

/// What to compute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Formula {
    /// A CEL expression.
    Cel(String),
    /// A minijinja template.
    Template(String),
    /// The list of the values of all variables, in order.
    Gather,
    /// What stands in documents that fits a query.
    Recall(Recall),
    /// The inputs of a run of a plan.
    Inputs(Inputs),
    /// What of the first variable, a text, doesn't fit a JSON schema: a list of sentences.
    Fits(String),
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Var {
    /// Nothing.
    Null,
    /// A JSON text, known here.
    Json(String),
    /// A body: its JSON value, or its text where it is no JSON.
    Body(BodyRef),
    /// A body: its JSON value, numbers and texts in quotes too, or its text where it is no JSON.
    Value(BodyRef),
    /// A body as text, whatever it holds.
    Text(BodyRef),
    /// One item of a body that holds a JSON array.
    Item(BodyRef, u32),
    /// Some fields of a body that holds a JSON object.
    Fields(BodyRef, Vec<String>),
    /// The same to be given on: they count as nothing, and what is no object has none.
    Taken(BodyRef, Vec<String>),
    /// Values by name.
    Object(Vec<(String, Var)>),
}

/// A computed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// The value; a template gives a string. Each round of a decision asks for it again.
    pub value: Arc<Value>,
    /// The value as a body: the text of a string, else JSON.
    pub body: BodyRef,
}

/// What a need turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A record was loaded into the state (or is known to be absent).
    Loaded,
    /// The documents, in the order of their paths, at most [`DOCUMENTS_LISTED_MAX`]; and whether
    /// there are more.
    Documents(Vec<(DocPath, Document)>, bool),
    /// A body's content; none if it isn't there.
    Body(Option<Vec<u8>>),
    /// A content was staged.
    Staged(BodyRef),
    /// A text was sealed.
    Sealed(Sealed),
    /// What a text says; none if it can't be read.
    Unsealed(Option<String>),
    /// A value, or why there is none.
    Computed(Result<Computed, String>),
    /// A value alone, or why there is none.
    Value(Result<Arc<Value>, String>),
    /// A ranking; none has to be worked out.
    Ranking(Option<Arc<[Ranked]>>),
    /// Three dates like 2026-10-05; or why the place's calendar can't be read.
    Days(Result<[String; 3], String>),
    /// What a calendar says, or why it can't be read.
    Seen(Result<Seen, String>),
}

/// The answers so far, for one decision.
pub type Answers = BTreeMap<Need, Answer>;

/// The most documents that one answer lists.
pub const DOCUMENTS_LISTED_MAX: usize = 10_000;

/// The most bytes that one computation may take in: of an item and of fields they alone count.
pub const COMPUTE_INPUT_BYTES_MAX: usize = 16 << 20;

/// The longest value that one computation may give.
pub const COMPUTE_OUTPUT_BYTES_MAX: usize = 16 << 20;
/// The most steps of one computation.
pub const COMPUTE_FUEL_MAX: u64 = 10_000_000;

/// Gives the contents that a computation names.
pub trait Contents {
    /// The bytes of a body.
    ///
    /// # Errors
    /// A sentence: why there are none.
    fn bytes(&mut self, body: &BodyRef) -> Result<Vec<u8>, String>;

    /// The value of a body. Many computations want the same one, or parts of it, so whoever can
    /// keeps it.
    ///
    /// # Errors
    /// A sentence: why there is none.
    fn value(&mut self, body: &BodyRef) -> Result<Arc<Value>, String> {
        text_of(self.bytes(body)?).and_then(as_value).map(Arc::new)
    }

    /// What puts texts into one space, where that is asked for: the letters of their words, unless
    /// whoever carries the computation out has something that knows what they mean.
    fn embedder(&self) -> &dyn Embedder {
        &Grams
    }
}

impl<F: FnMut(&BodyRef) -> Result<Vec<u8>, String>> Contents for F {
    fn bytes(&mut self, body: &BodyRef) -> Result<Vec<u8>, String> {
        self(body)
    }
}

/// Carries a computation out.
///
/// # Errors
/// A sentence: what was wrong with the expression or its inputs.
pub fn compute_with(compute: &Compute, contents: &mut dyn Contents) -> Result<Value, String> {
    let mut left = COMPUTE_INPUT_BYTES_MAX;
    if let Formula::Recall(asked) = &compute.formula {
        return recalled(asked, contents, &mut left);
    }
    if let Formula::Inputs(inputs) = &compute.formula {
        return inputs.read(&contents.bytes(&inputs.given)?);
    }
    if let Some(var) = compute.named() {
        return value_of(var, contents, &mut left);
    }
    let mut values = Vec::with_capacity(compute.vars.len());
    for (name, var) in &compute.vars {
        values.push((name.clone(), value_of(var, contents, &mut left)?));
    }
    if compute.formula == Formula::Gather {
        return Ok(Value::Array(
            values.into_iter().map(|(_, value)| value).collect(),
        ));
    }
    if let Formula::Fits(schema) = &compute.formula {
        let text = values.first().and_then(|(_, value)| value.as_str());
        return compute::schema::misfits(schema, text.unwrap_or_default());
    }
    let limits = Limits {
        fuel_max: COMPUTE_FUEL_MAX,
        output_bytes_max: COMPUTE_OUTPUT_BYTES_MAX,
    };
    let vars: Vars = values.into_iter().collect();
    match &compute.formula {
        Formula::Cel(source) => {
            compute::cel::evaluate(source, &vars, &limits).map_err(|error| error.to_string())
        }
        Formula::Template(source) => compute::template::render(source, &vars, &limits)
            .map(Value::String)
            .map_err(|error| error.to_string()),
        Formula::Gather | Formula::Recall(_) | Formula::Inputs(_) | Formula::Fits(_) => {
            Ok(Value::Null)
        }
    }
}

/// What fits a query. A document that isn't UTF-8 is read as far as it is.
fn recalled(
    asked: &Recall,
    contents: &mut dyn Contents,
    left: &mut usize,
) -> Result<Value, String> {
    let mut documents = Vec::with_capacity(asked.places.len());
    for place in &asked.places {
        let bytes = contents.bytes(&place.body)?;
        spend(bytes.len(), left)?;
        documents.push(recall::Document {
            path: place.path.clone(),
            day: place.day.clone(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        });
    }
    let (query, most) = (&asked.query, asked.hits_max);
    let found = recall::search(&documents, query, most, contents.embedder());
    serde_json::to_value(found).map_err(|error| error.to_string())
}

fn value_of(var: &Var, contents: &mut dyn Contents, left: &mut usize) -> Result<Value, String> {
    match var {
        Var::Null => Ok(Value::Null),
        Var::Json(json) => serde_json::from_str(json).map_err(|error| error.to_string()),
        Var::Text(body) => {
            let bytes = contents.bytes(body)?;
            spend(bytes.len(), left)?;
            text_of(bytes).map(Value::String)
        }
        Var::Body(body) => whole(body, contents, left),
        Var::Value(body) => match whole(body, contents, left)? {
            // A number, a truth, a text in quotes; a number that would lose digits stays a text.
            Value::String(text) => {
                let read = compute::read_exactly(text.as_bytes());
                Ok(read.unwrap_or(Value::String(text)))
            }
            value => Ok(value),
        },
        Var::Item(body, index) => match &*contents.value(body)? {
            Value::Array(items) if (*index as usize) < items.len() => {
                taken(&items[*index as usize], left)
            }
            _ => Err(format!("the list has no item {index}")),
        },
        Var::Fields(body, names) => match &*contents.value(body)? {
            Value::Object(all) => fields_of(all, names, |value| taken(value, left)),
            other => taken(other, left),
        },
        Var::Taken(body, names) => match &*contents.value(body)? {
            Value::Object(all) => fields_of(all, names, |value| Ok(value.clone())),
            _ => Ok(Value::Object(Map::new())),
        },
        Var::Object(fields) => {
            let mut map = Map::new();
            for (name, var) in fields {
                map.insert(name.clone(), value_of(var, contents, left)?);
            }
            Ok(Value::Object(map))
        }
    }
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "an input isn't UTF-8 text".to_owned())
}

/// The value of a body, all of which counts.
fn whole(body: &BodyRef, contents: &mut dyn Contents, left: &mut usize) -> Result<Value, String> {
    spend(usize::try_from(body.len).unwrap_or(usize::MAX), left)?;
    contents.value(body).map(Arc::unwrap_or_clone)
}

/// Those of these fields that an object has.
fn fields_of(
    all: &Map<String, Value>,
    names: &[String],
    mut each: impl FnMut(&Value) -> Result<Value, String>,
) -> Result<Value, String> {
    let mut fields = Map::new();
    for name in names {
        if let Some(value) = all.get(name) {
            fields.insert(name.clone(), each(value)?);
        }
    }
    Ok(Value::Object(fields))
}

/// A part of a value, which alone counts.
fn taken(part: &Value, left: &mut usize) -> Result<Value, String> {
    spend(bytes_of(part), left)?;
    Ok(part.clone())
}

fn spend(bytes: usize, left: &mut usize) -> Result<(), String> {
    *left = left.checked_sub(bytes).ok_or_else(|| {
        format!("the inputs of one expression hold more than {COMPUTE_INPUT_BYTES_MAX} bytes")
    })?;
    Ok(())
}

/// About how long a value is as JSON.
fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| bytes_of(item) + 1).sum::<usize>() + 2,
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| name.len() + 4 + bytes_of(value);
            fields.iter().map(field).sum::<usize>() + 2
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

/// A text that is a JSON array or object counts as one; everything else is text.
///
/// # Errors
/// A sentence: what of the JSON would be lost, a key that is there twice or digits of a number.
pub fn as_value(text: String) -> Result<Value, String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Ok(Value::String(text));
    }
    match compute::read_exactly(text.as_bytes()) {
        Ok(value) => Ok(value),
        Err(Unread::NoJson(_)) => Ok(Value::String(text)),
        Err(found) => Err(format!("in what is read as JSON, {}", found.sentence())),
    }
}

/// The bytes of a value as a body: the text of a string, else JSON.
#[must_use]
pub fn value_bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        // What is read from JSON, or made of it, always writes; `to_string` would format it.
        other => serde_json::to_vec(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use naos_types::Digest;
    use serde_json::json;

    use super::*;

    const BODY: BodyRef = BodyRef {
        digest: Digest([3; 32]),
        len: 1,
    };
    /// One that is longer than a computation may take in.
    const LONG: BodyRef = BodyRef {
        digest: Digest([4; 32]),
        len: COMPUTE_INPUT_BYTES_MAX as u64 + 1,
    };

    fn come_to(source: &str, var: Var, content: &str) -> Result<Value, String> {
        let compute = Compute {
            formula: Formula::Cel(source.to_owned()),
            vars: vec![("it".to_owned(), var)],
        };
        let mut load = |_: &BodyRef| Ok(content.as_bytes().to_vec());
        compute_with(&compute, &mut load)
    }

    #[test]
    fn a_part_of_a_large_content_counts_alone() {
        let long = "x".repeat(COMPUTE_INPUT_BYTES_MAX);
        let list = format!(r#"["{long}", 7]"#);
        assert_eq!(come_to("it", Var::Item(BODY, 1), &list), Ok(7.into()));
        let object = format!(r#"{{"long": "{long}", "short": 8}}"#);
        let fields = |name: &str| Var::Fields(BODY, vec![name.to_owned()]);
        assert_eq!(come_to("it.short", fields("short"), &object), Ok(8.into()));
        for refused in [
            come_to("size(it)", Var::Item(BODY, 0), &list),
            come_to("size(it.long)", fields("long"), &object),
            come_to("size(it)", Var::Body(LONG), &list),
            come_to("size(it)", Var::Value(LONG), &list),
            come_to("size(it)", Var::Text(BODY), &list),
        ] {
            let why = refused.expect_err("too much");
            assert!(why.contains("more than"), "{why}");
        }
    }

    #[test]
    fn what_is_given_on_counts_as_nothing() {
        let long = "x".repeat(COMPUTE_INPUT_BYTES_MAX / 2);
        let object = format!(r#"{{"a": "{long}", "b": 1, "c": "{long}", "d": 2}}"#);
        let names = ["d", "a", "c", "e"].map(str::to_owned).to_vec();
        let vars = Var::Taken(BODY, names.clone());
        let found = come_to("it.d", vars, &object);
        assert_eq!(found, Ok(2.into()));
        let found = come_to("size(it)", Var::Taken(BODY, names.clone()), &object);
        assert_eq!(found, Ok(3.into()));
        for text in ["no object", "[1]", ""] {
            let vars = Var::Taken(BODY, names.clone());
            assert_eq!(come_to("size(it)", vars, text), Ok(0.into()), "{text}");
        }
    }

    #[test]
    fn a_value_is_what_its_text_says() {
        for (text, body, value) in [
            ("7", json!("7"), json!(7)),
            ("\"a\"", json!("\"a\""), json!("a")),
            ("true", json!("true"), json!(true)),
            ("a b", json!("a b"), json!("a b")),
            (" [1, 2]", json!([1, 2]), json!([1, 2])),
            ("{\"a\": 1", json!("{\"a\": 1"), json!("{\"a\": 1")),
        ] {
            assert_eq!(come_to("it", Var::Body(BODY), text), Ok(body), "{text}");
            assert_eq!(come_to("it", Var::Value(BODY), text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        for (source, var, content) in [
            ("it", Var::Item(BODY, 2), "[1, 2]"),
            ("it", Var::Item(BODY, 0), "text"),
            (
                "it.b",
                Var::Fields(BODY, vec!["b".to_owned()]),
                "{\"a\": 1}",
            ),
            ("it.b", Var::Fields(BODY, vec!["b".to_owned()]), "text"),
        ] {
            assert!(
                come_to(source, var, content).is_err(),
                "{source} of {content}"
            );
        }
    }
}
