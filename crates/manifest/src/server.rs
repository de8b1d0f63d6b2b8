//! Servers of tools (`type: mcp_server`): a program or an address. Keys that don't belong were
//! found before, by the schema.

use naos_types::spec::{ServerPlace, ServerSpec, TOOL_TIMEOUT_MS};
use serde_json::Value as Json;

use crate::diagnostic::Findings;
use crate::reader;
use crate::tree::{Node, Value};

/// Reads one. An address without `https://` names where a server is kept, not where it answers: the
/// document is kept as it is.
pub(crate) fn read(node: &Node, json: &mut Json, findings: &mut Findings) -> Option<ServerSpec> {
    let before = findings.errors.len();
    let text = |name: &str, findings: &mut Findings| {
        let node = node.get(name).filter(|node| node.value != Value::Null)?;
        reader::text(node, name, findings)
    };
    let texts = |name: &str| -> Vec<String> {
        let items = json
            .get(name)
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let command = text("command", findings);
    let url = text("url", findings);
    let place = match (command, url) {
        (Some(_), Some(_)) => {
            let what = "a server is a program (`command`) or at an address (`url`), not both";
            findings.error(node.at, what);
            return None;
        }
        (Some(command), None) => ServerPlace::Program {
            command: [vec![command], texts("args")].concat(),
            env: env(node, findings),
        },
        (None, Some(url)) if url.starts_with("https://") || url.starts_with("http://") => {
            ServerPlace::Address {
                url,
                key: text("key", findings),
            }
        }
        _ => return None,
    };
    let timeout = node.get("timeout").filter(|node| node.value != Value::Null);
    let timeout_ms = match timeout {
        Some(node) => reader::span(node, "timeout", 1_000, findings)
            .and_then(|span| u32::try_from(span.0).ok())
            .unwrap_or(0),
        None => TOOL_TIMEOUT_MS,
    };
    let enabled = json.get("enabled").and_then(Json::as_bool).unwrap_or(true);
    if let Some(fields) = json.as_object_mut() {
        // Values may be secrets that somebody wrote down all the same: they aren't kept here.
        fields.remove("env");
        fields.remove("key");
    }
    let spec = ServerSpec {
        document: json.to_string(),
        place,
        tools: Vec::new(),
        timeout_ms,
        enabled,
    };
    if findings.errors.len() > before {
        return None;
    }
    if let Err(what) = spec.check() {
        findings.error(node.at, what);
        return None;
    }
    Some(spec)
}

fn env(node: &Node, findings: &mut Findings) -> Vec<(String, String)> {
    let Some(node) = node.get("env").filter(|node| node.value != Value::Null) else {
        return Vec::new();
    };
    let Value::Map(fields) = &node.value else {
        findings.error(node.at, "`env` is a map of variables");
        return Vec::new();
    };
    let each = fields.iter().filter_map(|field| {
        let value = reader::text(&field.node, "env", findings)?;
        Some((field.key.clone(), value))
    });
    each.collect()
}
