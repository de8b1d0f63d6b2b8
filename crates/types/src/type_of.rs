//! What is known about a value before it is there.

use crate::spec::InputType;

/// What is known about a value before it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Nothing.
    Any,
    /// It is null.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number, whole or not.
    Number,
    /// Text.
    Text,
    /// What is written: a text, or the list or map that it is the JSON of.
    Written,
    /// A list of these.
    List(Box<Type>),
    /// A map from text to these.
    Map(Box<Type>),
    /// A map with exactly these fields.
    Object(Vec<(String, Type)>),
}

impl Type {
    /// A list of anything.
    #[must_use]
    pub fn list() -> Self {
        Self::List(Box::new(Self::Any))
    }

    /// A map of anything.
    #[must_use]
    pub fn map() -> Self {
        Self::Map(Box::new(Self::Any))
    }

    /// The word for it in a sentence.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Number => "a number",
            Self::Text => "text",
            Self::Written => "text, a list or a map",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Object(_) => "a map",
        }
    }

    /// Whether a value of this type can be one of `other`.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        use Type::{Any, Int, List, Map, Number, Object, Text, Written};
        match (self, other) {
            (Any, _) | (_, Any) | (Int | Number, Int | Number) => true,
            (Written, Text | List(_) | Map(_) | Object(_))
            | (Text | List(_) | Map(_) | Object(_), Written) => true,
            (List(a), List(b)) | (Map(a), Map(b)) => a.may_be(b),
            (Map(_) | Object(_), Map(_) | Object(_)) => true,
            (a, b) => a == b,
        }
    }

    /// The narrowest type that holds both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        use Type::{Any, Int, List, Map, Number, Object};
        match (self, other) {
            (a, b) if a == b => a,
            (Int | Number, Int | Number) => Number,
            (List(a), List(b)) => List(Box::new(a.join(*b))),
            (Map(_) | Object(_), Map(_) | Object(_)) => Map(Box::new(Any)),
            _ => Any,
        }
    }

    /// What the type of a plan's input says.
    #[must_use]
    pub fn of_input(kind: InputType) -> Self {
        match kind {
            InputType::Any => Self::Any,
            InputType::String => Self::Text,
            InputType::Number => Self::Number,
            InputType::Boolean => Self::Bool,
            InputType::List => Self::list(),
            InputType::Object => Self::map(),
            InputType::Integer => Self::Int,
        }
    }
}
