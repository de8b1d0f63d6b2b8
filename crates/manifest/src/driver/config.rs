//! A driver's configuration: `config_schema` is a JSON Schema, and what `config` says fits it.

use jsonschema::{PatternOptions, Validator};
use naos_types::Name;
use naos_types::spec::DRIVER_DOCUMENTS;
use serde_json::{Value as Json, json};

use crate::diagnostic::Findings;
use crate::tree::{Node, Value};

/// The most faults that are told of one configuration.
const FAULTS_MAX: usize = 10;
/// The longest schema, and the longest configuration: each part of the one is compared with each
/// of the other at worst.
const BYTES_MAX: usize = 16 << 10;
/// The most references in a schema: what they lead to counts again each time.
const REFS_MAX: usize = 32;

/// The validator of a schema: what it refers to stands in it, and its patterns take linear time.
fn validator(schema: &Json) -> Result<Validator, (String, String)> {
    let large = |what: String| Err((String::new(), what));
    if schema.to_string().len() > BYTES_MAX {
        return large(format!("it has more than {BYTES_MAX} bytes"));
    }
    if references(schema) > REFS_MAX {
        return large(format!("it has more than {REFS_MAX} references"));
    }
    let offline = jsonschema::options().offline();
    let built = offline
        .with_pattern_options(PatternOptions::regex())
        .build(schema);
    built.map_err(|error| (error.instance_path().to_string(), error.to_string()))
}

/// What a configuration says that its schema doesn't allow, each with where it stands; what is
/// wrong with the schema itself.
#[must_use]
pub fn driver_config_faults(schema: &Json, config: &Json) -> Vec<String> {
    match validator(schema) {
        Ok(validator) => faults(&validator, config)
            .into_iter()
            .map(|(path, what)| said(&path, &what))
            .collect(),
        Err((path, what)) => vec![format!("`config_schema`{}", said(&path, &what))],
    }
}

fn references(schema: &Json) -> usize {
    match schema {
        Json::Array(items) => items.iter().map(references).sum(),
        Json::Object(fields) => {
            let own = fields
                .keys()
                .filter(|key| key.to_lowercase().ends_with("ref"));
            own.count() + fields.values().map(references).sum::<usize>()
        }
        _ => 0,
    }
}

fn faults(validator: &Validator, config: &Json) -> Vec<(String, String)> {
    if config.to_string().len() > BYTES_MAX {
        let what = format!("it has more than {BYTES_MAX} bytes");
        return vec![(String::new(), what)];
    }
    let all = validator.iter_errors(config).take(FAULTS_MAX);
    all.map(|error| (error.instance_path().to_string(), error.to_string()))
        .collect()
}

fn said(path: &str, what: &str) -> String {
    match path {
        "" => format!(": {what}"),
        path => format!(" at {path}: {what}"),
    }
}

/// Where a path leads, as far as it does.
fn place<'n>(node: &'n Node, path: &str) -> &'n Node {
    let mut at = node;
    for part in path.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let next = match &at.value {
            Value::List(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
            _ => at.get(&part),
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// Looks at both, as far as they are there.
pub(super) fn check(name: &Name, node: &Node, findings: &mut Findings) {
    let (schema, config) = (node.get("config_schema"), node.get("config"));
    let Some(schema) = schema.filter(|_| !crate::planted::any_config()) else {
        return;
    };
    if !matches!(schema.value, Value::Map(_)) {
        let what = format!("`config_schema` is a map, not {}", schema.word());
        findings.error(schema.at, what);
        return;
    }
    let validator = match validator(&schema.json()) {
        Ok(validator) => validator,
        Err((path, what)) => {
            let what = format!("`config_schema` is no JSON Schema{}", said(&path, &what));
            let help = "what it refers to stands in it, and patterns look neither ahead nor behind";
            findings.error_help(place(schema, &path).at, what, help);
            return;
        }
    };
    let Some(config) = config else {
        if let Some((_, what)) = faults(&validator, &json!({})).into_iter().next() {
            let what = format!("driver {name} waits for its configuration: {what}");
            let help =
                format!("give it `config:`, or write the document {DRIVER_DOCUMENTS}/{name}");
            findings.warn(schema.at, what, help);
        }
        return;
    };
    for (path, what) in faults(&validator, &config.json()) {
        let what = format!("`config`{}", said(&path, &what));
        let help = "its `config_schema` says what it may be";
        findings.error_help(place(config, &path).at, what, help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_say_where() {
        let schema = json!({
            "type": "object", "required": ["units"],
            "properties": {
                "units": {"enum": ["c", "f"]}, "days": {"type": "integer", "maximum": 9},
            },
        });
        for (config, said) in [
            (json!({"units": "c", "days": 3}), None),
            (
                json!({"units": "k"}),
                Some(" at /units: \"k\" is not one of"),
            ),
            (
                json!({"units": "c", "days": 12}),
                Some(" at /days: 12 is greater than"),
            ),
            (json!({}), Some(": \"units\" is a required property")),
        ] {
            let found = driver_config_faults(&schema, &config);
            match said {
                None => assert_eq!(found, Vec::<String>::new(), "{config}"),
                Some(said) => assert!(found[0].starts_with(said), "{config}: {found:?}"),
            }
        }
        // Nothing outside is asked, and nothing takes for ever.
        for schema in [
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"type": "object", "properties": {"a": {"pattern": "(?=a)b"}}}),
            json!({"type": "nothing"}),
            json!({"allOf": vec![json!({"$ref": "#/$defs/a"}); 33], "$defs": {"a": {}}}),
            json!({"description": "x".repeat(BYTES_MAX)}),
        ] {
            let found = driver_config_faults(&schema, &json!({}));
            assert!(
                found[0].starts_with("`config_schema`"),
                "{schema}: {found:?}"
            );
        }
        let long = json!({"a": "x".repeat(BYTES_MAX)});
        let found = driver_config_faults(&json!({}), &long);
        assert!(found[0].contains("more than"), "{found:?}");
    }

    #[test]
    fn a_schema_that_is_its_own_part_ends() {
        let deep = (0..60).fold(json!({}), |inner, _| json!({ "a": inner }));
        for schema in [
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"$ref": "#/$defs/a", "$defs": {
                "a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]},
            }}),
            json!({"properties": {"a": {"$ref": "#"}}, "additionalProperties": false}),
        ] {
            // Whatever it says, it says so.
            let found = driver_config_faults(&schema, &deep);
            assert!(found.len() <= FAULTS_MAX, "{schema}: {found:?}");
        }
    }
}
