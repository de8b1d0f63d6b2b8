//! What a decision needs to know and doesn't: records, contents, results of pure computations.

use std::collections::BTreeMap;
use std::sync::Arc;

use naos_types::spec::{Look, Seen};
use naos_types::{BodyRef, Sealed, Time};
use serde_json::Value;

use crate::compute::{self, Limits, Vars};
use crate::route::{RankKey, Ranked};
use crate::state::Key;

/// Something to load or compute before the same decision is asked for again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// An aggregate that isn't loaded.
    Record(Key),
    /// The content of a body.
    Body(BodyRef),
    /// A content to be named and staged.
    Stage(Vec<u8>),
    /// A text to be sealed under the tenant's own key.
    Seal(String),
    /// A value.
    Compute(Compute),
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

/// What to compute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Formula {
    /// A CEL expression.
    Cel(String),
    /// A minijinja template.
    Template(String),
    /// The list of the values of all variables, in order.
    Gather,
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
    /// Values by name.
    Object(Vec<(String, Var)>),
}

/// A computed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// The value; a template gives a string.
    pub value: Value,
    /// The value as a body: the text of a string, else JSON.
    pub body: BodyRef,
}

/// What a need turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A record was loaded into the state (or is known to be absent).
    Loaded,
    /// A body's content; none if it isn't there.
    Body(Option<Vec<u8>>),
    /// A content was staged.
    Staged(BodyRef),
    /// A text was sealed.
    Sealed(Sealed),
    /// A value, or why there is none.
    Computed(Result<Computed, String>),
    /// A ranking; none has to be worked out.
    Ranking(Option<Arc<[Ranked]>>),
    /// Three dates like 2026-10-05; or why the place's calendar can't be read.
    Days(Result<[String; 3], String>),
    /// What a calendar says, or why it can't be read.
    Seen(Result<Seen, String>),
}

/// The answers so far, for one decision.
pub type Answers = BTreeMap<Need, Answer>;

/// The most bytes that one computation may take in.
pub const COMPUTE_INPUT_BYTES_MAX: usize = 16 << 20;

/// The longest value that one computation may give.
pub const COMPUTE_OUTPUT_BYTES_MAX: usize = 8 << 20;
/// The most steps of one computation.
pub const COMPUTE_FUEL_MAX: u64 = 10_000_000;

/// Carries a computation out: `load` gives bodies.
///
/// # Errors
/// A sentence: what was wrong with the expression or its inputs.
pub fn compute_with(
    compute: &Compute,
    load: &mut dyn FnMut(&BodyRef) -> Result<Vec<u8>, String>,
) -> Result<Value, String> {
    let mut left = COMPUTE_INPUT_BYTES_MAX;
    let mut values = Vec::with_capacity(compute.vars.len());
    for (name, var) in &compute.vars {
        values.push((name.clone(), value_of(var, load, &mut left)?));
    }
    if compute.formula == Formula::Gather {
        return Ok(Value::Array(
            values.into_iter().map(|(_, value)| value).collect(),
        ));
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
        Formula::Gather => Ok(Value::Null),
    }
}

fn value_of(
    var: &Var,
    load: &mut dyn FnMut(&BodyRef) -> Result<Vec<u8>, String>,
    left: &mut usize,
) -> Result<Value, String> {
    let mut text = |body: &BodyRef| -> Result<String, String> {
        let bytes = load(body)?;
        *left = left.checked_sub(bytes.len()).ok_or_else(|| {
            format!("the inputs of one expression hold more than {COMPUTE_INPUT_BYTES_MAX} bytes")
        })?;
        String::from_utf8(bytes).map_err(|_| "an input isn't UTF-8 text".to_owned())
    };
    match var {
        Var::Null => Ok(Value::Null),
        Var::Json(json) => serde_json::from_str(json).map_err(|error| error.to_string()),
        Var::Text(body) => text(body).map(Value::String),
        Var::Body(body) => text(body).map(as_value),
        Var::Value(body) => {
            let text = text(body)?;
            Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
        }
        Var::Item(body, index) => match as_value(text(body)?) {
            Value::Array(mut items) if (*index as usize) < items.len() => {
                Ok(items.swap_remove(*index as usize))
            }
            _ => Err(format!("the list has no item {index}")),
        },
        Var::Object(fields) => {
            let mut map = serde_json::Map::new();
            for (name, var) in fields {
                map.insert(name.clone(), value_of(var, load, left)?);
            }
            Ok(Value::Object(map))
        }
    }
}

/// A text that is a JSON array or object counts as one; everything else is text.
fn as_value(text: String) -> Value {
    if text.trim_start().starts_with(['{', '[']) {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    } else {
        Value::String(text)
    }
}

/// The bytes of a value as a body: the text of a string, else JSON.
#[must_use]
pub fn value_bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}
