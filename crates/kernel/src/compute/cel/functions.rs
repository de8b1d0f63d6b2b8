//! The functions an expression may call: their names, what they take and give. A method's
//! receiver is the first argument.

use super::super::Type;

/// A function's name, what it takes and what it gives.
pub(super) struct Function {
    pub name: &'static str,
    pub takes: &'static [Takes],
    /// How many of `takes` may be left out.
    pub optional: usize,
    pub gives: Gives,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Any,
    Text,
    Whole,
    Number,
    List,
    Map,
    /// Text, a list or a map.
    Sized,
    /// One list, or any number of numbers.
    Numbers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Bool,
    Text,
    Whole,
    Number,
    /// What the list holds.
    Item,
    /// The list itself.
    Same,
    Texts,
    Anything,
    Things,
}

macro_rules! functions {
    ($($name:literal ($($takes:ident)*) $optional:literal $gives:ident;)*) => {
        pub(super) const FUNCTIONS: &[Function] = &[$(Function {
            name: $name, takes: &[$(Takes::$takes),*], optional: $optional, gives: Gives::$gives,
        }),*];
    };
}

functions! {
    "size" (Sized) 0 Whole;
    "sum" (Numbers) 0 Number;
    "avg" (Numbers) 0 Number;
    "min" (Numbers) 0 Item;
    "max" (Numbers) 0 Item;
    "abs" (Number) 0 Number;
    "round" (Number Whole) 1 Number;
    "floor" (Number) 0 Whole;
    "ceil" (Number) 0 Whole;
    "contains" (Text Text) 0 Bool;
    "startsWith" (Text Text) 0 Bool;
    "endsWith" (Text Text) 0 Bool;
    "matches" (Text Text) 0 Bool;
    "lowerAscii" (Text) 0 Text;
    "upperAscii" (Text) 0 Text;
    "trim" (Text) 0 Text;
    "replace" (Text Text Text) 0 Text;
    "split" (Text Text) 0 Texts;
    "join" (List Text) 1 Text;
    "substring" (Text Whole Whole) 1 Text;
    "distinct" (List) 0 Same;
    "sort" (List) 0 Same;
    "slice" (List Whole Whole) 0 Same;
    "flatten" (List) 0 Things;
    "keys" (Map) 0 Texts;
    "string" (Any) 0 Text;
    "int" (Any) 0 Whole;
    "double" (Any) 0 Number;
    "json" (Text) 0 Anything;
    "dyn" (Any) 0 Anything;
}

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

impl Takes {
    pub fn fits(self, kind: &Type) -> bool {
        match self {
            Self::Any => true,
            Self::Text => kind.may_be(&Type::Text),
            Self::Whole | Self::Number => kind.may_be(&Type::Number),
            Self::List => kind.may_be(&Type::list()),
            Self::Map => kind.may_be(&Type::map()),
            Self::Sized => [Type::Text, Type::list(), Type::map()]
                .iter()
                .any(|t| kind.may_be(t)),
            Self::Numbers => kind.may_be(&Type::list()) || kind.may_be(&Type::Number),
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Text => "text",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Sized => "text, a list or a map",
            Self::Numbers => "a list of numbers",
        }
    }
}

impl Gives {
    pub fn kind(self, first: Option<&Type>) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Text => Type::Text,
            Self::Whole => Type::Int,
            Self::Number => Type::Number,
            Self::Item => match first {
                Some(Type::List(item)) => (**item).clone(),
                Some(Type::Int | Type::Number) => Type::Number,
                _ => Type::Any,
            },
            Self::Same => first.cloned().unwrap_or(Type::Any),
            Self::Texts => Type::List(Box::new(Type::Text)),
            Self::Things => Type::list(),
            Self::Anything => Type::Any,
        }
    }
}
