//! JSON schemas: whether what was made fits one. What a schema refers to stands in it, and its
//! patterns take linear time.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::{PatternOptions, Validator};
use serde_json::Value as Json;

/// The longest schema that a result is compared with, in bytes.
pub const SCHEMA_BYTES_MAX: usize = 16 * 1_024;
/// The longest text that is compared with a schema, in bytes: each part of the one is compared
/// with each of the other at worst.
pub const FITTED_BYTES_MAX: usize = 64 * 1_024;
/// The most references in a schema.
const REFERENCES_MAX: usize = 32;
/// How often they are followed at most: what they lead to counts again each time.
const WAYS_MAX: usize = 1_000;
/// The whole of a schema, as a reference names it.
const WHOLE: &str = "#";
/// The most faults that are told.
const FAULTS_MAX: usize = 5;

/// What compares with a schema.
///
/// # Errors
/// Why it is none.
pub(crate) fn validator(schema: &Json) -> Result<Validator, String> {
    if references(schema) > REFERENCES_MAX {
        return Err(format!("it has more than {REFERENCES_MAX} references"));
    }
    let offline = jsonschema::options().offline();
    offline
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| match error.instance_path().to_string() {
            path if path.is_empty() => error.to_string(),
            path => format!("{path}: {error}"),
        })
}

/// What doesn't fit, the first few, each with where it stands.
pub(crate) fn faults(validator: &Validator, given: &Json) -> Vec<String> {
    let faults = validator.iter_errors(given).take(FAULTS_MAX);
    faults
        .map(|fault| match fault.instance_path().to_string() {
            path if path.is_empty() => fault.to_string(),
            path => format!("{path}: {fault}"),
        })
        .collect()
}

/// Why a text is no JSON schema that a result can be compared with; none where it is one.
#[must_use]
pub fn unsound(schema: &str) -> Option<String> {
    if schema.len() > SCHEMA_BYTES_MAX {
        return Some(format!("a schema has at most {SCHEMA_BYTES_MAX} bytes"));
    }
    let read: Result<Json, _> = serde_json::from_str(schema);
    match read {
        Ok(schema @ (Json::Object(_) | Json::Bool(_))) => validator(&schema).err(),
        Ok(_) => Some("a JSON schema is an object".into()),
        Err(error) => Some(format!("it is no JSON: {error}")),
    }
}

/// What of a text doesn't fit a schema: a list of sentences, empty where all of it does.
///
/// # Errors
/// Why they can't be compared: the text is no JSON, or the schema none.
pub fn misfits(schema: &str, text: &str) -> Result<Json, String> {
    if text.len() > FITTED_BYTES_MAX {
        return Err(format!(
            "it has {} bytes, and at most {FITTED_BYTES_MAX} are compared with a schema",
            text.len()
        ));
    }
    let given: Json =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let schema: Json =
        serde_json::from_str(schema).map_err(|error| format!("the schema is no JSON: {error}"))?;
    let validator = validator(&schema).map_err(|why| format!("the schema is none: {why}"))?;
    Ok(faults(&validator, &given).into())
}

/// How many references a schema has; more than any bound where following them has none.
fn references(schema: &Json) -> usize {
    let mut all = Vec::new();
    named_in(schema, &mut all);
    if all.len() > REFERENCES_MAX {
        return all.len();
    }
    let led = led(schema);
    let mut ways = 0;
    count_ways(&led, WHOLE, &mut vec![WHOLE], &mut ways);
    if ways > WAYS_MAX || winds(&led) && !crate::planted::is("schemas-wind") {
        return usize::MAX;
    }
    all.len()
}

/// What each part of a schema refers to, by what refers to the part.
type Led<'s> = BTreeMap<&'s str, Vec<&'s str>>;

fn named_in<'s>(part: &'s Json, found: &mut Vec<&'s str>) {
    match part {
        Json::Array(items) => items.iter().for_each(|item| named_in(item, found)),
        Json::Object(fields) => fields.iter().for_each(|field| named_by(field, found)),
        _ => {}
    }
}

fn named_by<'s>((key, value): (&String, &'s Json), found: &mut Vec<&'s str>) {
    match value {
        Json::String(to) if key.to_lowercase().ends_with("ref") => found.push(to),
        other => named_in(other, found),
    }
}

fn led(schema: &Json) -> Led<'_> {
    let mut all = BTreeMap::new();
    let mut open = vec![WHOLE];
    while let Some(at) = open.pop() {
        if all.contains_key(at) {
            continue;
        }
        let mut found = Vec::new();
        match (at, schema) {
            // Definitions count where something refers to them.
            (WHOLE, Json::Object(fields)) => fields
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "$defs" | "definitions"))
                .for_each(|field| named_by(field, &mut found)),
            // What isn't found where it says is taken for all of it.
            _ => {
                let part = at.strip_prefix('#').and_then(|place| schema.pointer(place));
                named_in(part.unwrap_or(schema), &mut found);
            }
        }
        open.extend(&found);
        all.insert(at, found);
    }
    all
}

/// How often references are followed from here, each way by itself, no circle twice.
fn count_ways<'s>(led: &Led<'s>, at: &'s str, on: &mut Vec<&'s str>, ways: &mut usize) {
    for to in led.get(at).into_iter().flatten().copied() {
        *ways += 1;
        if *ways > WAYS_MAX {
            return;
        }
        if !on.contains(&to) {
            on.push(to);
            count_ways(led, to, on, ways);
            on.pop();
        }
    }
}

/// Whether parts lead back to themselves in more ways than one: each step down into what is given
/// may then double what is to be looked at.
fn winds(led: &Led<'_>) -> bool {
    let reached = |from: &str| {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = led.get(from).into_iter().flatten().copied().collect();
        while let Some(at) = open.pop() {
            if found.insert(at) {
                open.extend(led.get(at).into_iter().flatten());
            }
        }
        found
    };
    let all: BTreeMap<&str, BTreeSet<&str>> = led.keys().map(|at| (*at, reached(at))).collect();
    let leads = |from: &str, to: &str| all.get(from).is_some_and(|found| found.contains(to));
    led.keys().any(|at| {
        let circle: Vec<&&str> = led
            .keys()
            .filter(|other| leads(at, other) && leads(other, at))
            .collect();
        let inside = circle.iter().flat_map(|one| led.get(**one)).flatten();
        inside.filter(|to| circle.contains(to)).count() > circle.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: &str = r#"{"type":"object","required":["total"],
        "properties":{"total":{"type":"integer","minimum":0}}}"#;

    #[test]
    fn what_fits_and_what_does_not() {
        assert_eq!(unsound(TOTAL), None);
        assert_eq!(misfits(TOTAL, r#"{"total": 3}"#), Ok(Json::Array(vec![])));
        let found = misfits(TOTAL, r#"{"total": -1}"#).unwrap().to_string();
        assert!(found.contains("/total") && found.contains("-1"), "{found}");
        let none = misfits(TOTAL, "Total: 3").unwrap_err();
        assert!(none.contains("no JSON"), "{none}");
        let long = "x".repeat(FITTED_BYTES_MAX + 1);
        assert!(misfits(TOTAL, &long).unwrap_err().contains("65536"));
    }

    #[test]
    fn what_is_no_schema_is_said() {
        for (schema, expected) in [
            ("nothing", "no JSON"),
            ("[]", "an object"),
            (r#"{"type":"letter"}"#, "letter"),
        ] {
            let why = unsound(schema).expect(expected);
            assert!(why.contains(expected), "{schema}: {why}");
        }
        let refs = vec![r##"{"$ref":"#/a"}"##; REFERENCES_MAX + 1].join(",");
        let why = unsound(&format!(r#"{{"allOf":[{refs}]}}"#));
        assert!(why.is_some_and(|why| why.contains("references")));
    }
}
