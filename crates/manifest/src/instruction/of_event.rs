//! What is made of an event. JSON may be written as a map or as a text; in either, an event gives
//! values, and writes no keys of its own.

use naos_types::{Code, said_twice};
use serde_json::Value as Json;

use super::{Reading, TEMPLATES, alone, of_json, said, template};
use crate::diagnostic::Findings;
use crate::tree::{Node, Value};

/// Stands before a value that stands outside of quotes. Nobody writes it: it is for private use.
pub(super) const VALUE: char = '\u{f8ff}';

/// A value that is made of an event: no word in it stands for a date. In a text that is JSON, a
/// value outside of quotes keeps its type, and what stands in quotes is a text whatever the event
/// says.
pub(crate) fn of_event(node: &Node, findings: &mut Findings) -> Option<String> {
    let Value::Text(text) = &node.value else {
        return template(node, false, findings);
    };
    let whole = text.trim();
    let made = whole.starts_with("{{") && whole.ends_with("| tojson }}");
    if crate::planted::event_writes_keys() {
        return Some(text.clone());
    }
    if alone(text).is_some() || made || !is_json(text) {
        return Some(said(text));
    }
    match lowered(text) {
        Ok(made) => Some(made),
        Err((what, help)) => {
            findings.push(node.at, Code::BAD_EXPRESSION, what, Some(help.into()));
            None
        }
    }
}

/// The template that a text becomes which is JSON; else what is wrong, and what to do.
fn lowered(text: &str) -> Result<String, (String, &'static str)> {
    let marked = marked(text);
    let parsed = marked.as_ref().and_then(|marked| {
        let parsed = serde_json::from_str::<Json>(marked).ok()?;
        (!text.contains("{%")).then_some((marked, parsed))
    });
    let Some((marked, parsed)) = parsed else {
        let what = "in this JSON, an event could write keys of its own";
        let help = "write it as a map (`{who: \"{{ trigger.data.from }}\"}`), or end each value \
                    with `| tojson`";
        return encoded(text).ok_or_else(|| (what.to_owned(), help));
    };
    if let Some(key) = said_twice(marked.as_bytes()) {
        let help = "one of the two would be lost: take one out";
        return Err((format!("the key {key:?} is there twice"), help));
    }
    if let Some(key) = made_key(&parsed) {
        let what = format!("the key {:?} is made of an event", key.replace(VALUE, ""));
        return Err((what, "name the keys; an event gives their values"));
    }
    let value = of_json(&parsed, Reading::Quoted).map_err(|what| (what, TEMPLATES))?;
    Ok(format!("{{{{ {value} | tojson }}}}"))
}

/// Whether a text can only be meant as JSON, whatever it takes from the event.
fn is_json(text: &str) -> bool {
    let bare = bare(text);
    let bare = bare.trim();
    let closed = bare.ends_with(['}', ']']);
    bare.starts_with('{') || closed && bare.starts_with(['[', VALUE])
}

/// A text with a mark for each value, and without its tags.
fn bare(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, tag)) = rest.split_once('{') {
        out.push_str(before);
        let closes = ["{", "%", "#"]
            .iter()
            .find(|open| tag.starts_with(**open))
            .map(|open| format!("{}}}", open.replace('{', "}")));
        let closed = closes.and_then(|close| tag.split_once(&close));
        let Some((_, after)) = closed else {
            out.push('{');
            rest = tag;
            continue;
        };
        if tag.starts_with('{') {
            out.push(VALUE);
        }
        rest = after;
    }
    out + rest
}

/// A text with each of its values as a text of JSON, marked where it stands outside of quotes.
fn marked(text: &str) -> Option<String> {
    let (mut out, mut rest, mut quoted) = (String::new(), text, false);
    while let Some((before, from)) = rest.split_once("{{") {
        let (inner, after) = from.split_once("}}")?;
        out.push_str(before);
        quoted = is_quoted(before, quoted);
        let value = format!("{{{{ {} }}}}", inner.trim_matches('-').trim());
        if quoted && inner.contains("\\\"") {
            out.push_str(&value); // written as JSON wants it
        } else if quoted {
            let json = Json::String(value).to_string();
            out.push_str(json.trim_matches('"'));
        } else {
            out.push_str(&Json::String(format!("{VALUE}{value}")).to_string());
        }
        rest = after;
    }
    Some(out + rest)
}

/// Whether a piece of JSON ends in quotes, which it began in or not.
fn is_quoted(piece: &str, mut quoted: bool) -> bool {
    let mut escaped = false;
    for c in piece.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    quoted
}

/// A key that isn't written out, at any depth.
pub(super) fn made_key(json: &Json) -> Option<&str> {
    match json {
        Json::Array(items) => items.iter().find_map(made_key),
        Json::Object(fields) => fields.iter().find_map(|(key, value)| {
            let made = key.contains("{{").then_some(key.as_str());
            made.or_else(|| made_key(value))
        }),
        _ => None,
    }
}

/// A text each of whose values is written as JSON, whatever else is in the value; none where one
/// isn't.
fn encoded(text: &str) -> Option<String> {
    let mut parts = text.split("{{");
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (inner, after) = part.split_once("}}")?;
        let dash = |there: bool| if there { "-" } else { "" };
        let (open, close) = (dash(inner.starts_with('-')), dash(inner.ends_with('-')));
        let value = unfiltered(inner.trim_matches('-').trim())?;
        // A filter binds to the last word alone: `a if b else c | tojson` writes `a` as it is.
        out.push_str(&format!("{{{{{open} ({value}) | tojson {close}}}}}{after}"));
    }
    Some(out)
}

/// An expression without the `| tojson` that it ends with; none where it doesn't.
pub(super) fn unfiltered(expression: &str) -> Option<&str> {
    let filter = expression.strip_suffix("tojson")?.trim_end();
    Some(filter.strip_suffix('|')?.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_other_text() {
        for (text, json) in [
            ("{\"a\": 1}", true),
            (" {\"a\": {{ a }}}", true),
            ("{% if a %}{\"a\": 1}{% endif %}", true),
            ("[{{ a }}, 2]", true),
            ("{{ a }}\"b\": 1}", true),
            ("{{ a }} wrote {{ b }}", false),
            ("{% if a %}urgent: {% endif %}{{ a }}", false),
            ("{# note #}{{ a }} wrote", false),
            ("[{{ a }}] hello", false),
            ("[urgent] {{ a }}", false),
            ("plain", false),
            ("", false),
        ] {
            assert_eq!(is_json(text), json, "{text}");
        }
    }

    #[test]
    fn values_keep_their_types_and_texts_stay_texts() {
        for (text, made) in [
            ("{\"n\": {{ a.n }}}", "{\"n\": (a.n)}"),
            ("{\"n\": {{- a.n|tojson -}}}", "{\"n\": (a.n)}"),
            (
                "{\"n\": {{ a if b else c | tojson }}, \"l\": [{{ d }}]}",
                "{\"n\": (a if b else c), \"l\": [(d)]}",
            ),
            ("{\"n\": \"{{ a.n }}\"}", "{\"n\": concat(\"\", (a.n))}"),
            (
                "{\"n\": \"by {{ a[\"n\"] }}\", \"m\": {{ b }}}",
                "{\"n\": concat(\"by \", (a[\"n\"])), \"m\": (b)}",
            ),
            (
                "{\"n\": \"{{ a[\\\"n\\\"] }}\"}",
                "{\"n\": concat(\"\", (a[\"n\"]))}",
            ),
            (
                "{\"say \\\"\": {{ a }}, \"n\": \"\\\\\", \"m\": {{ b }}}",
                "{\"say \\\"\": (a), \"n\": \"\\\\\", \"m\": (b)}",
            ),
        ] {
            let expected = format!("{{{{ {made} | tojson }}}}");
            assert_eq!(lowered(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn with_tags_each_value_says_how_it_is_written() {
        assert_eq!(
            lowered("{\"n\": 1{% if a %}, \"m\": {{- a if b else c|tojson }}{% endif %}}"),
            Ok(
                "{\"n\": 1{% if a %}, \"m\": {{- (a if b else c) | tojson }}{% endif %}}"
                    .to_owned()
            )
        );
        for (text, said) in [
            (
                "{\"n\": 1{% if a %}, \"m\": {{ a }}{% endif %}}",
                "could write keys",
            ),
            ("{\"n\": 1, {{ a }}}", "could write keys"),
            ("{\"n\": 1}{{ a", "could write keys"),
            ("{\"n\": 1, \"n\": {{ a }}}", "\"n\" is there twice"),
            (
                "{\"a\": [{\"{{ a }}\": 1}]}",
                "\"{{ a }}\" is made of an event",
            ),
            ("{ {{ a }}: 1}", "\"{{ a }}\" is made of an event"),
        ] {
            let (what, _) = lowered(text).unwrap_err();
            assert!(what.contains(said), "{text}: {what}");
        }
    }
}
