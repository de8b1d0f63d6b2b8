//! Which argument is wrong: a place in a request that a command built itself says nothing to
//! whoever typed the command.

use serde_json::{Map, Value, json};

use crate::link::Ask;

/// What naos calls the body of a request.
const REQUEST: &str = "the request";

/// Keys of requests whose argument is called otherwise.
const CALLED: &[(&str, &str)] = &[
    ("name", "the name"),
    ("agents", "--agent"),
    ("on", "--type"),
    ("retry", "--attempts"),
    ("from", "--from-start"),
];

/// Puts the argument in the place of each place in the request.
pub(crate) fn name_arguments(ask: &Ask, problem: &mut Value) {
    let Some(found) = problem["diagnostics"].as_array_mut() else {
        return;
    };
    let Ok(Value::Object(body)) = serde_json::from_slice(&ask.body) else {
        return;
    };
    for one in found.iter_mut().filter(|one| one["file"] == REQUEST) {
        let Value::Object(members) = one else {
            continue;
        };
        let column = members.get("column").and_then(Value::as_u64).unwrap_or(1);
        members.remove("line");
        members.remove("column");
        match argument(&body, column) {
            Some(argument) => members.insert("file".into(), json!(argument)),
            None => members.remove("file"),
        };
    }
}

/// The argument that stands there, as this very body is written: one line, nothing between.
fn argument(body: &Map<String, Value>, column: u64) -> Option<String> {
    let long = |text: &str| text.chars().count() as u64;
    let mut at = 2; // behind the brace
    for (key, value) in body {
        let start = at + long(&json!(key).to_string()) + 1;
        let end = start + long(&value.to_string());
        if (at..end).contains(&column) {
            let called = CALLED.iter().find(|(known, _)| known == key);
            let called = called.map_or_else(
                || format!("--{}", key.replace('_', "-")),
                |(_, called)| (*called).to_owned(),
            );
            // Within a text, characters are counted as they were typed.
            return Some(match column.saturating_sub(start) {
                inside @ 1.. if value.is_string() => {
                    format!("{called}, character {}", inside + 1)
                }
                _ => called,
            });
        }
        at = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_request_is_an_argument() {
        let body = json!({
            "name": "s2", "agent": "ü", "input": "a\"b {{ foo", "step_timeout": "x",
            "on": ["a b"], "retries": 5,
        });
        let text = body.to_string();
        let place = |what: &str| {
            let at = text.find(what).unwrap();
            text[..at].chars().count() as u64 + 1
        };
        let input = place("\"a\\\"b");
        for (column, wanted) in [
            (place("\"s2\""), Some("the name")),
            (place("\"ü\""), Some("--agent")),
            (input, Some("--input")),
            (input + 4, Some("--input, character 5")),
            (place("\"x\""), Some("--step-timeout")),
            (place("\"a b\""), Some("--type")),
            (place("5}"), Some("--retries")),
            (1, None),
            (900, None),
        ] {
            let found = argument(body.as_object().unwrap(), column);
            assert_eq!(found.as_deref(), wanted, "{column}");
        }
    }

    #[test]
    fn places_in_files_stay() {
        let ask = Ask {
            method: "POST",
            path: "/api/v1/workflows".into(),
            body: br#"{"name":"w","timeout":"x"}"#.to_vec(),
            media: "application/json",
            key: String::new(),
        };
        let file = json!({"file": "a.yaml", "line": 3, "column": 1, "what": "unknown key"});
        let mut problem = json!({"diagnostics": [
            file,
            {"file": "the request", "line": 1, "column": 23, "what": "no time"},
            {"file": "the request", "line": 1, "column": 1, "what": "too little"},
        ]});
        name_arguments(&ask, &mut problem);
        assert_eq!(
            problem["diagnostics"],
            json!([
                file,
                {"file": "--timeout", "what": "no time"},
                {"what": "too little"},
            ])
        );
    }
}
