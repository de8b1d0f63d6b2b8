//! Typed reading of a tree: keys with their aliases, "did you mean", types and ranges. What is
//! wrong is noted and reading goes on, so that one look shows all of it.

use naos_types::{Code, Micros, NAME_BYTES_MAX, Name, Span};
use serde_json::Value as Json;

use crate::amounts;
use crate::diagnostic::{Findings, meant};
use crate::tree::{Field, Mark, Node, Value, whole};

/// A map whose keys are being read.
pub(crate) struct Fields<'t> {
    pub at: Mark,
    fields: &'t [Field],
    taken: Vec<bool>,
    known: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    /// The fields of a map; anything else is noted.
    pub fn of(node: &'t Node, what: &str, findings: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::Map(fields) => Some(Self {
                at: node.at,
                fields,
                taken: vec![false; fields.len()],
                known: Vec::new(),
            }),
            _ => {
                findings.error(node.at, format!("{what} is a map, not {}", node.word()));
                None
            }
        }
    }

    /// The value of a key; `names` are its spellings, the one we write first.
    pub fn node(&mut self, names: &[&'static str], findings: &mut Findings) -> Option<&'t Node> {
        self.said(names, findings).map(|(_, node)| node)
    }

    /// The same with the name that it stands under.
    pub fn said(
        &mut self,
        names: &[&'static str],
        findings: &mut Findings,
    ) -> Option<(&'t str, &'t Node)> {
        self.known.extend(names);
        let mut found: Option<&'t Field> = None;
        for (index, field) in self.fields.iter().enumerate() {
            if !names.contains(&field.key.as_str()) {
                continue;
            }
            self.taken[index] = true;
            if let Some(first) = found {
                let (a, b) = (&first.key, &field.key);
                findings.error_help(
                    field.at,
                    format!("`{a}` and `{b}` say the same"),
                    "keep one",
                );
                continue;
            }
            found = Some(field);
        }
        let Field { key, node, .. } = found?;
        (node.value != Value::Null).then_some((key.as_str(), node))
    }

    /// Whether a key is there; it isn't taken.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.key == name)
    }

    /// Lets keys stand that are kept elsewhere.
    pub fn skip(&mut self, names: &[&'static str]) {
        self.known.extend(names);
        for (index, field) in self.fields.iter().enumerate() {
            self.taken[index] |= names.contains(&field.key.as_str());
        }
    }

    /// Notes every key that nobody asked for.
    pub fn finish(self, findings: &mut Findings) {
        for (field, taken) in self.fields.iter().zip(&self.taken) {
            if !taken {
                let help = meant(&field.key, &self.known);
                findings.error_help(field.at, format!("unknown key `{}`", field.key), help);
            }
        }
    }

    /// Text, or a number or truth value as it was written.
    pub fn text(&mut self, names: &[&'static str], findings: &mut Findings) -> Option<String> {
        let node = self.node(names, findings)?;
        text(node, names[0], findings)
    }

    /// Text that must be there.
    pub fn need_text(&mut self, names: &[&'static str], findings: &mut Findings) -> String {
        let before = findings.errors.len();
        self.text(names, findings).unwrap_or_else(|| {
            if findings.errors.len() == before {
                findings.error(self.at, format!("`{}` is missing", names[0]));
            }
            String::new()
        })
    }

    /// A name.
    pub fn name(&mut self, names: &[&'static str], findings: &mut Findings) -> Option<Name> {
        let node = self.node(names, findings)?;
        name(node, names[0], findings)
    }

    /// A truth value.
    pub fn bool(&mut self, names: &[&'static str], findings: &mut Findings) -> Option<bool> {
        let node = self.node(names, findings)?;
        match &node.value {
            Value::Bool(value) => Some(*value),
            _ => {
                let what = format!("`{}` is true or false, not {}", names[0], node.word());
                findings.error(node.at, what);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn whole(
        &mut self,
        names: &[&'static str],
        (least, most): (i64, i64),
        findings: &mut Findings,
    ) -> Option<i64> {
        let node = self.node(names, findings)?;
        let value = match &node.value {
            Value::Whole(text) => whole(text),
            _ => {
                let what = format!("`{}` is a whole number, not {}", names[0], node.word());
                findings.error(node.at, what);
                return None;
            }
        };
        let fits = value.filter(|value| (least..=most).contains(value));
        if fits.is_none() {
            let what = format!("`{}` is from {least} to {most}", names[0]);
            findings.error(node.at, what);
        }
        fits
    }

    /// The items of a list; anything else is a list of one.
    pub fn items(&mut self, names: &[&'static str], findings: &mut Findings) -> &'t [Node] {
        match self.node(names, findings) {
            Some(node) => node.items(),
            None => &[],
        }
    }

    /// A list of texts; one text is a list of one.
    pub fn texts(
        &mut self,
        names: &[&'static str],
        findings: &mut Findings,
    ) -> Option<Vec<String>> {
        let node = self.node(names, findings)?;
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Text(_) => std::slice::from_ref(node),
            _ => {
                let what = format!("`{}` is a list of texts, not {}", names[0], node.word());
                findings.error(node.at, what);
                return None;
            }
        };
        Some(
            items
                .iter()
                .filter_map(|item| text(item, names[0], findings))
                .collect(),
        )
    }

    /// A length of time: `30s`, or a number of `unit` milliseconds.
    pub fn span(
        &mut self,
        names: &[&'static str],
        unit: i64,
        findings: &mut Findings,
    ) -> Option<Span> {
        let node = self.node(names, findings)?;
        span(node, names[0], unit, findings)
    }

    /// A number of bytes: `256MB`.
    pub fn bytes(&mut self, names: &[&'static str], findings: &mut Findings) -> Option<u64> {
        let node = self.node(names, findings)?;
        let found = match &node.value {
            Value::Whole(text) | Value::Text(text) => amounts::bytes(text),
            _ => None,
        };
        if found.is_none() {
            let what = format!("`{}` is a size such as 256MB", names[0]);
            findings.error(node.at, what);
        }
        found
    }

    /// Money: `$0.05`, `0.05`, or a whole number of cents.
    pub fn money_or_cents(
        &mut self,
        names: &[&'static str],
        findings: &mut Findings,
    ) -> Option<Micros> {
        let node = self.node(names, findings)?;
        money_or_cents(node, names[0], findings)
    }

    /// One of some words; `_` and `-` are the same.
    pub fn word(
        &mut self,
        names: &[&'static str],
        words: &[&'static str],
        findings: &mut Findings,
    ) -> Option<&'static str> {
        let node = self.node(names, findings)?;
        word(node, names[0], words, findings)
    }

    /// Any value, as JSON.
    pub fn json(&mut self, names: &[&'static str], findings: &mut Findings) -> Option<Json> {
        self.node(names, findings).map(Node::json)
    }
}

/// What a map holds by name, or a list without: each with its key, if it has one.
pub(crate) fn entries<'t>(
    word: &str,
    node: &'t Node,
    findings: &mut Findings,
) -> Vec<(Option<&'t str>, &'t Node)> {
    match &node.value {
        Value::Map(fields) => fields
            .iter()
            .map(|field| (Some(field.key.as_str()), &field.node))
            .collect(),
        Value::List(items) => items.iter().map(|item| (None, item)).collect(),
        _ => {
            let what = format!("`{word}` is a map or a list, not {}", node.word());
            findings.error(node.at, what);
            Vec::new()
        }
    }
}

/// What a document is called, made a name: the key that it stands under, its `id`, its `name`.
pub(crate) fn called(
    word: &str,
    key: Option<&str>,
    map: &mut Fields<'_>,
    findings: &mut Findings,
) -> Option<Name> {
    let id = map.text(&["id"], findings);
    let name = map.text(&["name"], findings);
    let Some(text) = key.map(str::to_owned).or(id).or(name) else {
        findings.error(map.at, format!("this {word} has no `name`"));
        return None;
    };
    own_made_name(&text, map.at, findings)
}

/// The name that a title makes of what is called so, which is told where letters were made plain.
pub(crate) fn own_made_name(text: &str, at: Mark, findings: &mut Findings) -> Option<Name> {
    let name = made_name(text, at, findings)?;
    made_plain(text, &name, at, findings);
    Some(name)
}

/// Notes what something is called whose name was written with letters that names don't have.
pub(crate) fn made_plain(text: &str, name: &Name, at: Mark, findings: &mut Findings) {
    if text.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        let what = format!("{text:?} is called {name} here: names have a-z, 0-9 and - alone");
        findings.warn(at, what, "an `id` gives it another name");
    }
}

/// The name that a title makes; one that would be cut is noted, as two could be cut alike.
pub(crate) fn made_name(text: &str, at: Mark, findings: &mut Findings) -> Option<Name> {
    let made = Name::slug(text);
    let is_cut = text.len() > NAME_BYTES_MAX
        && made.as_ref().is_some_and(|made| {
            let kept = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            kept(text) > kept(made.as_str())
        });
    if is_cut {
        let what = format!("{text:?} is too long for a name: at most {NAME_BYTES_MAX} characters");
        findings.error_help(at, what, "give it a short `id`");
        return None;
    }
    if made.is_none() {
        findings.error(at, format!("{text:?} can't be made a name"));
    }
    made
}

/// The `steps` of `what`, which has 1 to `count_max` of them.
pub(crate) fn steps<'t>(
    map: &mut Fields<'t>,
    what: &str,
    count_max: usize,
    findings: &mut Findings,
) -> Option<&'t [Node]> {
    let Some(node) = map.node(&["steps"], findings) else {
        findings.error(map.at, "`steps` is missing");
        return None;
    };
    let Value::List(items) = &node.value else {
        findings.error(node.at, format!("`steps` is a list, not {}", node.word()));
        return None;
    };
    if items.is_empty() || items.len() > count_max {
        findings.error(node.at, format!("{what} has 1 to {count_max} steps"));
        return None;
    }
    Some(items)
}

pub(crate) fn text(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    match &node.value {
        Value::Text(text) | Value::Whole(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        _ => {
            findings.error(node.at, format!("`{key}` is text, not {}", node.word()));
            None
        }
    }
}

/// Money as text or with a point, or a whole number of cents.
pub(crate) fn money_or_cents(node: &Node, key: &str, findings: &mut Findings) -> Option<Micros> {
    let found = match &node.value {
        Value::Whole(text) => amounts::decimal(text, 4).map(Micros),
        Value::Number(text) | Value::Text(text) => amounts::money(text),
        _ => None,
    };
    if found.is_none() {
        let what = format!("`{key}` is money such as $0.05, or a number of cents");
        findings.error(node.at, what);
    }
    found
}

pub(crate) fn name(node: &Node, key: &str, findings: &mut Findings) -> Option<Name> {
    let text = text(node, key, findings)?;
    name_text(&text, node.at, findings)
}

/// A name as it was written; what is no name is noted with the nearest one.
pub(crate) fn name_text(text: &str, at: Mark, findings: &mut Findings) -> Option<Name> {
    match Name::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            let help = Name::slug(text).map(|near| format!("`{near}` would be one"));
            findings.push(at, Code::BAD_NAME, format!("{text:?}: {error}"), help);
            None
        }
    }
}

/// The longest length of time, in days.
const DAYS_MAX: i64 = 366;

fn is_short_enough(millis: i64) -> bool {
    const DAY_MS: i64 = 24 * 3_600 * 1_000;
    (0..=DAYS_MAX * DAY_MS).contains(&millis)
}

/// A length of time as documents write it: `30m`, `12h`, `2d`, at most 366 days.
#[must_use]
pub fn length_of_time(text: &str) -> Option<Span> {
    let millis = amounts::span(text)?;
    is_short_enough(millis).then_some(Span(millis))
}

pub(crate) fn span(node: &Node, key: &str, unit: i64, findings: &mut Findings) -> Option<Span> {
    let found = match &node.value {
        Value::Whole(text) => whole(text).and_then(|n| n.checked_mul(unit)),
        Value::Number(text) | Value::Text(text) => amounts::span(text),
        _ => None,
    };
    let fits = found.filter(|millis| is_short_enough(*millis));
    if fits.is_none() {
        let what = match found {
            Some(1..) => format!("`{key}` is at most {DAYS_MAX}d"),
            _ => format!("`{key}` is a length of time such as 500ms, 30s, 5m, 2h or 1d"),
        };
        let help = match &node.value {
            Value::Text(text) | Value::Number(text) => without_unit(text),
            _ => None,
        };
        findings.push(node.at, Code::BAD_TIME, what, help);
    }
    fits.map(Span)
}

/// What to do about a number that leaves out what it counts.
fn without_unit(text: &str) -> Option<String> {
    let text = text.trim();
    let with = format!("{text}s");
    amounts::span(&with)?;
    Some(format!("{text} needs its unit: {with}, {text}m or {text}h"))
}

/// How long a step or all of them may take: longer than nothing.
pub(crate) fn timeout(map: &mut Fields<'_>, unit: i64, findings: &mut Findings) -> Option<Span> {
    let node = map.node(&["timeout"], findings)?;
    let found = span(node, "timeout", unit, findings)?;
    if found.0 > 0 {
        return Some(found);
    }
    let what = "a `timeout` of nothing is over before anything began: give it a length of time \
                such as 30s, or leave it out";
    findings.push(node.at, Code::BAD_TIME, what.to_owned(), None);
    None
}

pub(crate) fn word(
    node: &Node,
    key: &str,
    words: &[&'static str],
    findings: &mut Findings,
) -> Option<&'static str> {
    let written = text(node, key, findings)?;
    let plain = written.replace('_', "-");
    let found = words
        .iter()
        .find(|word| word.replace('_', "-").eq_ignore_ascii_case(&plain));
    if found.is_none() {
        let what = format!("`{key}` can't be {written:?}");
        findings.error_help(node.at, what, meant(&written, words));
    }
    found.copied()
}
