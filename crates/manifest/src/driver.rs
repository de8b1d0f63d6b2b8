//! Drivers: who answers events of some types. Keys that don't belong were found before, by the
//! schema.

use naos_types::Name;
use naos_types::spec::{DriverKind, DriverSpec, is_topic};
use serde_json::Value as Json;

use crate::diagnostic::Findings;
use crate::reader;
use crate::tree::{Node, Value};

/// Reads one. Its events go to the agent that it names, else to the one of its own name.
pub(crate) fn read(
    name: &Name,
    node: &Node,
    document: &Json,
    findings: &mut Findings,
) -> Option<DriverSpec> {
    let before = findings.errors.len();
    let agent = match node.get("agent") {
        Some(agent) => reader::name(agent, "agent", findings)?,
        None => name.clone(),
    };
    let mut capabilities: Vec<String> = Vec::new();
    if let Some(Value::List(items)) = node.get("capabilities").map(|node| &node.value) {
        for item in items {
            let Some(topic) = reader::text(item, "capabilities", findings) else {
                continue;
            };
            if !is_topic(&topic) {
                let help = "name each type of events that it answers, like email.fetch";
                let what = format!("{topic:?} is no type of an event");
                findings.error_help(item.at, what, help);
            } else if !capabilities.contains(&topic) {
                capabilities.push(topic);
            }
        }
    }
    let word = |key: &str| match node.get(key).map(|node| &node.value) {
        Some(Value::Text(word)) => DriverKind::parse(word),
        _ => None,
    };
    let enabled = match node.get("enabled").map(|node| &node.value) {
        Some(Value::Bool(enabled)) => *enabled,
        _ => true,
    };
    let spec = DriverSpec {
        document: document.to_string(),
        kind: word("type")
            .or_else(|| word("driver_type"))
            .unwrap_or_default(),
        agent,
        capabilities,
        enabled,
    };
    if findings.errors.len() == before
        && let Err(what) = spec.check()
    {
        findings.error(node.at, what);
    }
    Some(spec)
}
