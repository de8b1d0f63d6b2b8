//! What an expression computes with: borrowed from the values given wherever it can be.

use std::cmp::Ordering;
use std::rc::Rc;

use serde_json::Value as Json;

#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    /// Within [`WHOLE_MIN`] and [`WHOLE_MAX`]: what JSON is read as without losing a digit.
    Int(i128),
    Double(f64),
    Text(Text<'a>),
    List(List<'a>),
    Map(Map<'a>),
}

#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Given(&'a str),
    Made(Rc<str>),
}

#[derive(Clone, Debug)]
pub(super) enum List<'a> {
    Given(&'a [Json]),
    Made(Rc<Vec<Value<'a>>>),
}

#[derive(Clone, Debug)]
pub(super) enum Map<'a> {
    Given(&'a serde_json::Map<String, Json>),
    Made(Rc<Vec<(Text<'a>, Value<'a>)>>),
}

impl Text<'_> {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Given(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'a> List<'a> {
    pub fn len(&self) -> usize {
        match self {
            Self::Given(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Given(items) => items.get(index).map(Value::given),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'a> Map<'a> {
    pub fn len(&self) -> usize {
        match self {
            Self::Given(fields) => fields.len(),
            Self::Made(fields) => fields.len(),
        }
    }

    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        match self {
            Self::Given(fields) => fields.get(key).map(Value::given),
            Self::Made(fields) => {
                let found = fields.iter().find(|(name, _)| name.as_str() == key);
                found.map(|(_, value)| value.clone())
            }
        }
    }

    pub fn keys(&self) -> Vec<Value<'a>> {
        match self {
            Self::Given(fields) => {
                let key = |name: &'a String| Value::Text(Text::Given(name));
                fields.keys().map(key).collect()
            }
            Self::Made(fields) => {
                let key = |(name, _): &(Text<'a>, _)| Value::Text(name.clone());
                fields.iter().map(key).collect()
            }
        }
    }
}

impl<'a> Value<'a> {
    /// A value that lives as long as the evaluation.
    pub fn given(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::number(number),
            Json::String(text) => Self::Text(Text::Given(text)),
            Json::Array(items) => Self::List(List::Given(items)),
            Json::Object(fields) => Self::Map(Map::Given(fields)),
        }
    }

    /// A value that was made on the way.
    pub fn made(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::number(&number),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::list(items.into_iter().map(Self::made).collect()),
            Json::Object(fields) => {
                let field =
                    |(name, value): (String, Json)| (Text::Made(name.into()), Self::made(value));
                Self::Map(Map::Made(Rc::new(fields.into_iter().map(field).collect())))
            }
        }
    }

    fn number(number: &serde_json::Number) -> Self {
        match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Self::Int(whole.into()),
            (None, Some(whole)) if !crate::planted::is("large-items-are-doubles") => {
                Self::Int(whole.into())
            }
            _ => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    pub fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::Made(Rc::new(items)))
    }

    /// The word for it in a sentence.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Double(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// As a number with a fraction, where it is a number.
    pub fn as_double(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "as every JSON reader does")]
            Self::Int(value) => Some(*value as f64),
            Self::Double(value) => Some(*value),
            _ => None,
        }
    }

    /// How much is in it, itself included; counts no further than `most`.
    pub fn weight(&self, most: u64) -> u64 {
        let mut seen = 0;
        self.weigh(most, &mut seen);
        seen
    }

    fn weigh(&self, most: u64, seen: &mut u64) {
        *seen += 1;
        match self {
            Self::Text(text) => *seen += text_weight(text.as_str()),
            Self::List(items) => {
                for item in items.iter() {
                    item.weigh(most, seen);
                    if *seen >= most {
                        return;
                    }
                }
            }
            Self::Map(fields) => {
                for key in fields.keys() {
                    let Value::Text(key) = &key else { continue };
                    *seen += text_weight(key.as_str());
                    if let Some(value) = fields.get(key.as_str()) {
                        value.weigh(most, seen);
                    }
                    if *seen >= most {
                        return;
                    }
                }
            }
            _ => {}
        }
    }

    /// Numbers are equal across their types, lists and maps part by part.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a.as_str() == b.as_str(),
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(&b))
            }
            (Self::Map(a), Self::Map(b)) => {
                let same = |key: Value<'_>| {
                    let Value::Text(key) = key else { return false };
                    let pair = (a.get(key.as_str()), b.get(key.as_str()));
                    matches!(pair, (Some(a), Some(b)) if a.equals(&b))
                };
                a.len() == b.len() && a.keys().into_iter().all(same)
            }
            _ => self.order(other) == Some(Ordering::Equal) && self.as_double().is_some(),
        }
    }

    /// Which comes first, where they can be compared.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Double(b)) => order_mixed(*a, *b),
            (Self::Double(a), Self::Int(b)) => order_mixed(*b, *a).map(Ordering::reverse),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => Some(a.as_str().cmp(b.as_str())),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// As JSON; `None` where it grows over `bytes_left` or a number has no JSON.
    pub fn json(&self, bytes_left: &mut usize) -> Option<Json> {
        let mut cost = |bytes: usize| {
            *bytes_left = bytes_left.checked_sub(bytes)?;
            Some(())
        };
        Some(match self {
            Self::Null => {
                cost(4)?;
                Json::Null
            }
            Self::Bool(value) => {
                cost(5)?;
                Json::Bool(*value)
            }
            Self::Int(value) => {
                cost(8)?;
                match i64::try_from(*value) {
                    Ok(value) => Json::from(value),
                    Err(_) => Json::from(u64::try_from(*value).ok()?),
                }
            }
            Self::Double(value) => {
                cost(8)?;
                Json::Number(serde_json::Number::from_f64(*value)?)
            }
            Self::Text(text) => {
                cost(text.as_str().len() + 2)?;
                Json::String(text.as_str().into())
            }
            Self::List(items) => {
                cost(2 + items.len())?;
                let all: Option<Vec<Json>> = items.iter().map(|i| i.json(bytes_left)).collect();
                Json::Array(all?)
            }
            Self::Map(fields) => {
                let mut all = serde_json::Map::new();
                for key in fields.keys() {
                    let Value::Text(key) = key else { continue };
                    let key = key.as_str();
                    *bytes_left = bytes_left.checked_sub(key.len() + 4)?;
                    all.insert(key.into(), fields.get(key)?.json(bytes_left)?);
                }
                Json::Object(all)
            }
        })
    }
}

/// The least whole number.
const WHOLE_MIN: i128 = i64::MIN as i128;
/// The largest whole number.
const WHOLE_MAX: i128 = u64::MAX as i128;

/// A whole number, unless it is larger than any may be.
pub(super) fn whole<'a>(number: Option<i128>) -> Option<Value<'a>> {
    let fits = |number: &i128| (WHOLE_MIN..=WHOLE_MAX).contains(number);
    number.filter(fits).map(Value::Int)
}

/// One step for each started 64 bytes.
pub(super) fn text_weight(text: &str) -> u64 {
    text.len() as u64 / 64
}

/// Exact even where the whole number has no double.
fn order_mixed(whole: i128, double: f64) -> Option<Ordering> {
    const EDGE: f64 = 18_446_744_073_709_551_616.0;
    if double.is_nan() {
        None
    } else if double >= EDGE {
        Some(Ordering::Less)
    } else if double < -EDGE {
        Some(Ordering::Greater)
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "between the edges it fits")]
        let floor = double.floor() as i128;
        Some(whole.cmp(&floor).then(if double.fract() == 0.0 {
            Ordering::Equal
        } else {
            Ordering::Less
        }))
    }
}
