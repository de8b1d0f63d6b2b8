//! An event as a document: what `POST /api/v1/events` publishes.

use naos_types::spec::{OWN_WORD_HELP, is_topic, own_word};
use serde_json::Value as Json;

use crate::diagnostic::{Diagnostics, Findings};
use crate::reader::{self, Fields};
use crate::tree::{Mark, Node};

/// The type of an event that a document publishes; one that is none, or that is naos's own word, is
/// noted.
pub(crate) fn said(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let topic = reader::text(node, key, findings)?;
    if !is_topic(&topic) {
        let help = "use words with points between them, like email.received";
        let what = format!("{topic:?} is no type of an event");
        findings.error_help(node.at, what, help);
    }
    not_own(&topic, node.at, findings);
    Some(topic)
}

/// Notes a type that is naos's own word.
pub(crate) fn not_own(topic: &str, at: Mark, findings: &mut Findings) {
    if let Some(what) = own_word(topic) {
        let what = format!("{what}: whoever hears one takes it for true");
        findings.error_help(at, what, OWN_WORD_HELP);
    }
}

/// A message for the bus.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDoc {
    /// Its own id, where it brings one.
    pub id: Option<String>,
    /// Its type: `email.received`.
    pub kind: String,
    /// `input`, `internal`, `output` or `external`.
    pub category: Option<String>,
    /// When it happened, as it says.
    pub timestamp: Option<String>,
    /// Whose it is, as it says; never trusted as an identity.
    pub user_id: Option<String>,
    /// Where it comes from, as it says.
    pub source: Option<String>,
    /// What connects it to others.
    pub correlation_id: Option<String>,
    /// What it says.
    pub data: Json,
    /// What is said about it.
    pub metadata: Json,
}

/// Reads an event from YAML or JSON.
///
/// # Errors
/// What is wrong with it, with line and column.
pub fn parse_event(label: &str, text: &str) -> Result<EventDoc, Diagnostics> {
    let mut found = Findings::new(label);
    let documents = crate::documents(text, &mut found);
    let event = match &documents[..] {
        [node] => Fields::of(node, "an event", &mut found).map(|mut map| {
            let found = &mut found;
            let categories = ["input", "internal", "output", "external"];
            let event = EventDoc {
                id: map.text(&["id"], found),
                kind: map.need_text(&["type", "kind"], found),
                category: map
                    .word(&["category"], &categories, found)
                    .map(str::to_owned),
                timestamp: map.text(&["timestamp"], found),
                user_id: map.text(&["user_id", "userId"], found),
                source: map.text(&["source"], found),
                correlation_id: map.text(&["correlation_id", "correlationId"], found),
                data: map.json(&["data"], found).unwrap_or(Json::Null),
                metadata: map.json(&["metadata"], found).unwrap_or(Json::Null),
            };
            map.finish(found);
            event
        }),
        _ => {
            if found.errors.is_empty() {
                let at = documents.get(1).map_or(crate::START, |node| node.at);
                found.error(
                    at,
                    format!("one event is expected, not {}", documents.len()),
                );
            }
            None
        }
    };
    match event {
        Some(event) if found.errors.is_empty() => Ok(event),
        _ => Err(crate::sorted(found)),
    }
}
