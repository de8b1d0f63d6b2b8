//! YAML 1.2 (and so JSON) → a tree in which every value knows where it was written.
//!
//! Size, depth and number of nodes are bounded, what an alias repeats counts again, duplicate
//! keys and unknown tags are errors.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::Value as Json;

/// The longest document.
pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// How deep lists and maps may stand within each other.
pub const DEPTH_MAX: usize = 64;
/// The most values in a document, what aliases repeat included.
pub const NODES_MAX: usize = 100_000;

/// A place in a document, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub at: Mark,
    /// What it is.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, as it was written.
    Whole(String),
    /// A number that isn't whole, as it was written.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in its order.
    Map(Vec<Field>),
}

/// A key, where it was written, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub at: Mark,
    /// The value.
    pub node: Node,
}

/// Why a document is no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeError {
    pub at: Mark,
    pub what: String,
    pub too_large: bool,
}

impl Node {
    /// The word for it in a sentence.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Whole(_) => "a whole number",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The items of a list; anything else stands for a list of one.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The value of a key, where this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(fields) => fields.iter().find(|f| f.key == key).map(|f| &f.node),
            _ => None,
        }
    }

    /// As JSON, keys in their order.
    #[must_use]
    pub fn json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            // One of more than 64 bits keeps its digits as a text.
            Value::Whole(text) => match (whole(text), text.parse::<u64>()) {
                (Some(value), _) => Json::from(value),
                (None, Ok(value)) => Json::from(value),
                (None, Err(_)) => Json::String(text.clone()),
            },
            Value::Number(text) => {
                let number = text.parse().ok().and_then(serde_json::Number::from_f64);
                number.map_or_else(|| Json::String(text.clone()), Json::Number)
            }
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::json).collect()),
            Value::Map(fields) => {
                let field = |f: &Field| (f.key.clone(), f.node.json());
                Json::Object(fields.iter().map(field).collect())
            }
        }
    }
}

/// A whole number of YAML's core schema.
pub(crate) fn whole(text: &str) -> Option<i64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok();
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok();
    }
    text.parse().ok()
}

fn mark(marker: &granit_parser::Marker) -> Mark {
    let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Mark {
        line: clip(marker.line()),
        column: clip(marker.col()).saturating_add(1),
    }
}

/// A list or map that isn't closed yet.
struct Open {
    at: Mark,
    anchor: usize,
    is_map: bool,
    items: Vec<Node>,
    fields: Vec<Field>,
    keys: std::collections::HashSet<String>,
    key: Option<(String, Mark)>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    /// By anchor: the value and how many values it holds.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    documents: Vec<Node>,
}

/// The documents of a text, in order; empty ones are left out.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, TreeError> {
    let start = Mark { line: 1, column: 1 };
    if text.len() > DOCUMENT_BYTES_MAX {
        let what = format!("a document has at most {DOCUMENT_BYTES_MAX} bytes");
        return Err(TreeError {
            at: start,
            what,
            too_large: true,
        });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = granit_parser::options! {
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| {
            let at = mark(error.marker());
            let mut what = first_lower(&error.info());
            if let Some(word) = word_at(text, at) {
                what.push_str(&format!(" before `{word}`"));
            }
            wrong(at, what)
        })?;
        builder.event(event, mark(&span.start))?;
    }
    Ok(builder.documents)
}

/// The word that stands there: where reading stopped is easier to find by it. Never more than a
/// word, because what follows it may be anybody's secret.
fn word_at(text: &str, at: Mark) -> Option<String> {
    const WORD_CHARS_MAX: usize = 32;
    let line = text.lines().nth(at.line.checked_sub(1)? as usize)?;
    let rest = line.chars().skip(at.column.saturating_sub(1) as usize);
    let word: String = rest
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        .take(WORD_CHARS_MAX + 1)
        .collect();
    (1..=WORD_CHARS_MAX)
        .contains(&word.chars().count())
        .then_some(word)
}

fn first_lower(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "this is no YAML".into(),
    }
}

fn wrong(at: Mark, what: impl Into<String>) -> TreeError {
    TreeError {
        at,
        what: what.into(),
        too_large: false,
    }
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Mark) -> Result<(), TreeError> {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(text.into_owned(), style, tag.as_deref(), at)?;
                self.close(Node { at, value }, anchor, 1)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(at, anchor, false, tag.as_deref())?;
            }
            Event::MappingStart(_, anchor, tag) => self.begin(at, anchor, true, tag.as_deref())?,
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = if open.is_map {
                    Value::Map(open.fields)
                } else {
                    Value::List(open.items)
                };
                self.close(Node { at: open.at, value }, open.anchor, 1)?;
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err(wrong(at, "an alias can't stand within what it repeats"));
                };
                let (mut node, size) = (node.clone(), *size);
                node.at = at;
                self.close(node, 0, size)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        at: Mark,
        anchor: usize,
        is_map: bool,
        tag: Option<&Tag>,
    ) -> Result<(), TreeError> {
        let plain = tag.is_none_or(|tag| matches!(tag.core_suffix(), Some("map" | "seq")));
        if !plain {
            return Err(wrong(at, "tags (`!…`) aren't used here"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(wrong(at, format!("more than {DEPTH_MAX} levels")));
        }
        self.open.push(Open {
            at,
            anchor,
            is_map,
            items: Vec::new(),
            fields: Vec::new(),
            keys: std::collections::HashSet::new(),
            key: None,
        });
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn close(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), TreeError> {
        self.nodes += size;
        if self.nodes > NODES_MAX {
            let what = format!("more than {NODES_MAX} values, counting what aliases repeat");
            return Err(TreeError {
                at: node.at,
                what,
                too_large: true,
            });
        }
        if anchor > 0 {
            let size = count(&node);
            self.anchors.insert(anchor, (node.clone(), size));
            self.nodes += size;
        }
        let Some(open) = self.open.last_mut() else {
            if !matches!(node.value, Value::Null) {
                self.documents.push(node);
            }
            return Ok(());
        };
        if !open.is_map {
            open.items.push(node);
            return Ok(());
        }
        match open.key.take() {
            None => {
                let at = node.at;
                let key = match node.value {
                    Value::Text(text) | Value::Whole(text) | Value::Number(text) => text,
                    Value::Bool(value) => value.to_string(),
                    Value::Null => return Err(wrong(at, "a key is missing")),
                    _ => return Err(wrong(at, "a key is a word, not a list or map")),
                };
                if !open.keys.insert(key.clone()) {
                    return Err(wrong(at, format!("the key `{key}` stands twice")));
                }
                open.key = Some((key, at));
            }
            Some((key, at)) => open.fields.push(Field { key, at, node }),
        }
        Ok(())
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(fields) => fields.iter().map(|field| 1 + count(&field.node)).sum(),
        _ => 0_usize,
    }
}

fn scalar(
    text: String,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: Mark,
) -> Result<Value, TreeError> {
    let value = match tag {
        None if style == ScalarStyle::Plain => plain(text),
        None => Value::Text(text),
        // `! text` is text
        Some(tag) if tag.core_suffix() == Some("str") || tag.parts() == ("", "!") => {
            Value::Text(text)
        }
        Some(tag) => match (tag.core_suffix(), plain(text)) {
            (Some("int"), value @ Value::Whole(_))
            | (Some("float"), value @ (Value::Whole(_) | Value::Number(_)))
            | (Some("bool"), value @ Value::Bool(_))
            | (Some("null"), value @ Value::Null) => value,
            (Some(_), _) => return Err(wrong(at, "the value isn't what its tag says")),
            (None, _) => return Err(wrong(at, "tags (`!…`) aren't used here")),
        },
    };
    Ok(value)
}

/// YAML's core schema.
fn plain(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let radix = |prefix: &str, fits: fn(u8) -> bool| {
        let rest = text.strip_prefix(prefix);
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(fits))
    };
    let octal = |b: u8| (b'0'..=b'7').contains(&b);
    if digits(unsigned) || radix("0x", |b| b.is_ascii_hexdigit()) || radix("0o", octal) {
        return Value::Whole(text);
    }
    let number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().any(|b| b.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
        && text.parse::<f64>().is_ok_and(f64::is_finite);
    if number {
        Value::Number(text)
    } else {
        Value::Text(text)
    }
}
