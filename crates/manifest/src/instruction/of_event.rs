//! What is made of values that somebody else gives: an event's, a plan's inputs, what a step gave.
//! JSON may be written as a map or as a text; in either, what is taken gives values, and writes no
//! keys of its own.

use naos_types::{Code, said_twice};
use serde_json::Value as Json;

use super::{Reading, TEMPLATES, alone, of_json, said, template};
use crate::diagnostic::Findings;
use crate::tree::{Node, Value};

/// Stands before a value that stands outside of quotes. Nobody writes it: it is for private use.
pub(super) const VALUE: char = '\u{f8ff}';

/// Who gives the values, and how one of them is taken.
#[derive(Clone, Copy)]
struct Giver {
    who: &'static str,
    such_as: &'static str,
}

const EVENT: Giver = Giver {
    who: "an event",
    such_as: "trigger.data.from",
};
const INPUT: Giver = Giver {
    who: "what is filled in",
    such_as: "inputs.who",
};

/// A value that is made of an event: no word in it stands for a date. In a text that is JSON, a
/// value outside of quotes keeps its type, and what stands in quotes is a text whatever the event
/// says.
pub(crate) fn of_event(node: &Node, findings: &mut Findings) -> Option<String> {
    let Value::Text(text) = &node.value else {
        return template(node, false, findings);
    };
    if crate::planted::event_writes_keys() {
        return Some(text.clone());
    }
    if !is_lowered(text) {
        return Some(said(text));
    }
    found(lowered(text, EVENT), node, findings)
}

/// The same of a text in a step of a plan. One that is a value and nothing else stays as it is.
pub(crate) fn of_values(text: &str, node: &Node, findings: &mut Findings) -> Option<String> {
    if !is_lowered(text) || crate::planted::inputs_write_keys() {
        return Some(text.to_owned());
    }
    found(lowered(text, INPUT), node, findings)
}

/// A text that is JSON only in the eyes of whoever reads it: an agent's input, what a step renders.
/// What it takes in quotes is a text whatever it holds; all else stays as it is written.
pub(crate) fn in_place(text: &str) -> String {
    placed(text).unwrap_or_else(|| text.to_owned())
}

fn placed(text: &str) -> Option<String> {
    let parsed = serde_json::from_str::<Json>(&marked(text)?).ok()?;
    let is_whole = matches!(parsed, Json::Object(_) | Json::Array(_));
    if !is_whole || ["{%", "{#"].iter().any(|tag| text.contains(tag)) {
        return None;
    }
    if crate::planted::texts_write_keys() {
        return None;
    }
    let (mut out, mut rest, mut quoted) = (String::new(), text, false);
    while let Some((before, from)) = rest.split_once("{{") {
        let (inner, after) = from.split_once("}}")?;
        out.push_str(before);
        quoted = is_quoted(before, quoted);
        // Whoever writes it as JSON has seen to it.
        let seen_to = ["tojson", IN_JSON].iter().any(|by| inner.contains(by));
        if quoted && !seen_to {
            let dash = |there: bool| if there { "-" } else { "" };
            let (open, close) = (dash(inner.starts_with('-')), dash(inner.ends_with('-')));
            let value = inner.trim_matches('-').trim();
            out.push_str(&format!("{{{{{open} ({value}) | {IN_JSON} {close}}}}}"));
        } else {
            out.push_str(&format!("{{{{{inner}}}}}"));
        }
        rest = after;
    }
    Some(out + rest)
}

/// The filter that writes a text as it stands between the quotes of JSON.
const IN_JSON: &str = "in_json";

/// Whether a text is JSON that takes values, and more than one value alone.
fn is_lowered(text: &str) -> bool {
    let whole = text.trim();
    let made = whole.starts_with("{{") && whole.ends_with("| tojson }}");
    alone(text).is_none() && !made && is_json(text)
}

fn found(
    made: Result<String, (String, String)>,
    node: &Node,
    findings: &mut Findings,
) -> Option<String> {
    match made {
        Ok(made) => Some(made),
        Err((what, help)) => {
            findings.push(node.at, Code::BAD_EXPRESSION, what, Some(help));
            None
        }
    }
}

/// The template that a text becomes which is JSON; else what is wrong, and what to do.
fn lowered(text: &str, giver: Giver) -> Result<String, (String, String)> {
    let Giver { who, such_as } = giver;
    let marked = marked(text);
    let parsed = marked.as_ref().and_then(|marked| {
        let parsed = serde_json::from_str::<Json>(marked).ok()?;
        (!text.contains("{%")).then_some((marked, parsed))
    });
    let Some((marked, parsed)) = parsed else {
        let what = format!("in this JSON, {who} could write keys of its own");
        let help = format!(
            "write it as a map (`{{who: \"{{{{ {such_as} }}}}\"}}`), or end each value with \
             `| tojson`"
        );
        return encoded(text).ok_or((what, help));
    };
    if let Some(key) = said_twice(marked.as_bytes()) {
        let help = "one of the two would be lost: take one out";
        return Err((format!("the key {key:?} is there twice"), help.to_owned()));
    }
    if let Some(key) = made_key(&parsed) {
        let what = format!("the key {:?} is made of {who}", key.replace(VALUE, ""));
        return Err((what, format!("name the keys; {who} gives their values")));
    }
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let value = of_json(&parsed, Reading::Quoted).map_err(|what| (what, TEMPLATES.to_owned()))?;
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
            assert_eq!(lowered(text, EVENT), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_stands_in_quotes_is_a_text_where_it_is_written() {
        for (text, made) in [
            (
                "{\"a\": \"{{ x }}\",\n \"b\": [{{ y }}, \"{{- z.n -}}!\"]}",
                "{\"a\": \"{{ (x) | in_json }}\",\n \"b\": [{{ y }}, \
                 \"{{- (z.n) | in_json -}}!\"]}",
            ),
            (
                "[\"{{ x | upper }}{{ y | tojson | trim }}\"]",
                "[\"{{ (x | upper) | in_json }}{{ y | tojson | trim }}\"]",
            ),
        ] {
            assert_eq!(in_place(text), made, "{text}");
            assert_eq!(in_place(made), made, "{text}");
        }
        for same in [
            "say \"{{ x }}\"",
            "{who}: \"{{ x }}\"",
            "{{ x }}",
            "{\"a\": \"b\"}",
            "{\"a\": \"{{ x }}\"{% if y %}, \"b\": 1{% endif %}}",
            "\"{{ x }}\"",
        ] {
            assert_eq!(in_place(same), same);
        }
    }

    #[test]
    fn with_tags_each_value_says_how_it_is_written() {
        assert_eq!(
            lowered(
                "{\"n\": 1{% if a %}, \"m\": {{- a if b else c|tojson }}{% endif %}}",
                EVENT
            ),
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
            let (what, _) = lowered(text, EVENT).unwrap_err();
            assert!(what.contains(said), "{text}: {what}");
        }
    }
}
