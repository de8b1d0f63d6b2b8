//! What a plan takes.

use naos_types::spec::{InputSpec, InputType};
use serde_json::Value as Json;

use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Node, Value};

const INPUTS_MAX: usize = 100;

pub(crate) fn read(node: &Node, findings: &mut Findings) -> Vec<InputSpec> {
    let mut all: Vec<InputSpec> = Vec::new();
    match &node.value {
        Value::List(items) => {
            for item in items {
                if let Value::Text(name) = &item.value {
                    let (name, kind) = (name.clone(), InputType::Any);
                    all.push(InputSpec {
                        name,
                        kind,
                        default: None,
                    });
                } else if let Some(mut map) = Fields::of(item, "an input", findings) {
                    let name = map.need_text(&["name"], findings);
                    all.push(input(name, &mut map, findings));
                    map.finish(findings);
                }
            }
        }
        Value::Map(fields) => {
            for field in fields {
                match &field.node.value {
                    Value::Map(_) => {
                        let Some(mut map) = Fields::of(&field.node, "an input", findings) else {
                            continue;
                        };
                        all.push(input(field.key.clone(), &mut map, findings));
                        map.finish(findings);
                    }
                    Value::Null => all.push(InputSpec {
                        name: field.key.clone(),
                        kind: InputType::Any,
                        default: None,
                    }),
                    // `inputs: {client: string}`
                    _ => all.push(InputSpec {
                        name: field.key.clone(),
                        kind: input_type(&field.node, findings),
                        default: None,
                    }),
                }
            }
        }
        _ => findings.error(
            node.at,
            format!("`inputs` is a list or a map, not {}", node.word()),
        ),
    }
    if all.len() > INPUTS_MAX {
        findings.error(node.at, format!("a plan has at most {INPUTS_MAX} inputs"));
    }
    for (index, input) in all.iter().enumerate() {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let letter = input
            .name
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !letter || !input.name.chars().all(part) {
            let what = format!("{:?} is no name of an input", input.name);
            findings.error_help(node.at, what, "use letters, digits and _");
        }
        if all[..index].iter().any(|other| other.name == input.name) {
            findings.error(node.at, format!("two inputs are called {}", input.name));
        }
    }
    all
}

fn input(name: String, map: &mut Fields<'_>, findings: &mut Findings) -> InputSpec {
    let kind = map.node(&["type"], findings);
    let kind = kind.map_or(InputType::Any, |node| input_type(node, findings));
    let default = match map.node(&["default"], findings) {
        Some(node) => Some((node.at, node.json())),
        None if map.has("default") => Some((map.at, Json::Null)), // as it is written
        None => None,
    };
    match &default {
        Some((at, Json::Null)) if !kind.fits(&Json::Null) => {
            let what = format!(
                "the default of {name} is null, and it must be {}",
                kind.called()
            );
            let help = "leave `default` out where it must be given, or `type` where null will do";
            findings.error_help(*at, what, help);
        }
        Some((at, value)) if !kind.fits(value) => {
            findings.error(*at, format!("the default of {name} isn't of its type"));
        }
        _ => {}
    }
    map.skip(&["description"]);
    let default = default.map(|(_, value)| kind.plain(value).to_string());
    InputSpec {
        name,
        kind,
        default,
    }
}

fn input_type(node: &Node, findings: &mut Findings) -> InputType {
    const WORDS: &[&str] = &[
        "any", "string", "text", "number", "integer", "boolean", "bool", "list", "array", "object",
        "map",
    ];
    match reader::word(node, "type", WORDS, findings) {
        Some("string" | "text") => InputType::String,
        Some("number") => InputType::Number,
        Some("integer") => InputType::Integer,
        Some("boolean" | "bool") => InputType::Boolean,
        Some("list" | "array") => InputType::List,
        Some("object" | "map") => InputType::Object,
        _ => InputType::Any,
    }
}
