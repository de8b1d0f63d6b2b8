//! What documents that this version keeps may hold: a table of keys with their spellings, and a
//! walk that checks a tree against it and gives JSON in one spelling.

use serde_json::{Map, Value as Json};

use crate::diagnostic::{Findings, meant};
use crate::reader;
use crate::tree::{Node, Value, whole};

/// What may stand somewhere.
#[derive(Debug)]
pub(crate) enum Shape {
    Any,
    Text,
    Bool,
    Whole(i64, i64),
    /// A length of time; a bare number is seconds.
    Span,
    Words(&'static [&'static str]),
    /// A list of texts, or one.
    Texts,
    /// A name, or something a name can be made of.
    Name,
    List(&'static Shape),
    /// Any keys.
    Map(&'static Shape),
    Object(&'static [Key]),
    /// A map is read by the second, anything else by the first.
    Or(&'static Shape, &'static Shape),
    /// When something happens: five fields as in cron.
    Cron,
}

/// A key, its spellings (the one we write first), what it holds and whether it must be there.
#[derive(Debug)]
pub(crate) struct Key {
    pub names: &'static [&'static str],
    pub shape: Shape,
    pub needed: bool,
}

/// `keys! { "a" | "b": Text, need "c": Bool }`.
macro_rules! keys {
    ($($(@$need:ident)? $name:literal $(| $alias:literal)* : $shape:expr),* $(,)?) => {
        &[$($crate::schema::Key {
            names: &[$name $(, $alias)*],
            shape: $shape,
            needed: keys!(@need $($need)?),
        }),*]
    };
    (@need need) => { true };
    (@need) => { false };
}
pub(crate) use keys;

/// The value in one spelling; what doesn't fit is noted.
pub(crate) fn read(node: &Node, key: &str, shape: &Shape, findings: &mut Findings) -> Json {
    match shape {
        Shape::Any => node.json(),
        Shape::Text => reader::text(node, key, findings).map_or(Json::Null, Json::String),
        Shape::Name => {
            let text = reader::text(node, key, findings).unwrap_or_default();
            match naos_types::Name::slug(&text) {
                Some(name) => Json::String(name.as_str().into()),
                None => {
                    findings.error(node.at, format!("{text:?} can't be made a name"));
                    Json::Null
                }
            }
        }
        Shape::Words(words) => {
            let word = reader::word(node, key, words, findings);
            word.map_or(Json::Null, |word| Json::String(word.into()))
        }
        Shape::Span => {
            let span = reader::span(node, key, 1_000, findings);
            span.map_or(Json::Null, |_| node.json())
        }
        Shape::Cron => {
            if let Some(text) = reader::text(node, key, findings)
                && let Err(what) = crate::cron::check(&text)
            {
                findings.push(node.at, naos_types::Code::BAD_TIME, what, None);
            }
            node.json()
        }
        Shape::Bool if matches!(node.value, Value::Bool(_)) => node.json(),
        Shape::Whole(least, most) => {
            let fits = match &node.value {
                Value::Whole(text) => whole(text).is_some_and(|n| (*least..=*most).contains(&n)),
                _ => false,
            };
            if !fits {
                let what = format!("`{key}` is a whole number from {least} to {most}");
                findings.error(node.at, what);
            }
            node.json()
        }
        Shape::Or(_, map) if matches!(node.value, Value::Map(_)) => read(node, key, map, findings),
        Shape::Or(other, _) => read(node, key, other, findings),
        Shape::Texts => list(node, key, &Shape::Text, true, findings),
        Shape::List(item) => list(node, key, item, false, findings),
        Shape::Map(item) => map(node, key, item, findings),
        Shape::Object(keys) => object(node, key, keys, findings),
        Shape::Bool => {
            let what = format!("`{key}` is true or false, not {}", node.word());
            findings.error(node.at, what);
            Json::Null
        }
    }
}

fn list(node: &Node, key: &str, item: &Shape, one: bool, findings: &mut Findings) -> Json {
    match &node.value {
        Value::List(items) => Json::Array(
            items
                .iter()
                .map(|node| read(node, key, item, findings))
                .collect(),
        ),
        Value::Text(_) if one => Json::Array(vec![read(node, key, item, findings)]),
        _ => {
            findings.error(node.at, format!("`{key}` is a list, not {}", node.word()));
            Json::Null
        }
    }
}

fn map(node: &Node, key: &str, item: &Shape, findings: &mut Findings) -> Json {
    let Value::Map(fields) = &node.value else {
        findings.error(node.at, format!("`{key}` is a map, not {}", node.word()));
        return Json::Null;
    };
    let mut out = Map::new();
    for field in fields {
        out.insert(
            field.key.clone(),
            read(&field.node, &field.key, item, findings),
        );
    }
    Json::Object(out)
}

/// A map with known keys.
pub(crate) fn object(node: &Node, key: &str, keys: &[Key], findings: &mut Findings) -> Json {
    let Value::Map(fields) = &node.value else {
        findings.error(node.at, format!("`{key}` is a map, not {}", node.word()));
        return Json::Null;
    };
    let mut out = Map::new();
    for field in fields {
        let found = keys
            .iter()
            .find(|key| key.names.contains(&field.key.as_str()));
        let Some(known) = found else {
            let all: Vec<&str> = keys
                .iter()
                .flat_map(|key| key.names.iter().copied())
                .collect();
            let help = meant(&field.key, &all);
            findings.error_help(field.at, format!("unknown key `{}`", field.key), help);
            continue;
        };
        let name = known.names[0];
        if out.contains_key(name) {
            let what = format!("`{}` says the same as a key before it", field.key);
            findings.error_help(field.at, what, "keep one");
            continue;
        }
        if field.node.value != Value::Null {
            out.insert(
                name.to_owned(),
                read(&field.node, &field.key, &known.shape, findings),
            );
        }
    }
    for needed in keys
        .iter()
        .filter(|key| key.needed && !out.contains_key(key.names[0]))
    {
        findings.error(
            node.at,
            format!("`{}` is missing in `{key}`", needed.names[0]),
        );
    }
    Json::Object(out)
}
