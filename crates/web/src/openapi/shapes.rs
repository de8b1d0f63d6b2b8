//! Shapes of what bodies and answers hold.

use serde_json::{Value, json};

use super::object;

/// What is planned for a task; a new one has a title.
pub(super) fn card(new: bool) -> Value {
    let text = || json!({"type": "string"});
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    let mut fields = json!({
        "to": text(), "then": texts(), "reviewer": text(), "rounds": {"type": "integer"},
        "approve": {}, "unreviewed": {"type": "boolean"},
        "priority": {"enum": naos_types::Priority::ALL}, "due": text(), "labels": texts(),
        "after": texts(), "part_of": text(), "cc": texts(), "attached": texts(),
        "expires": text(), "checks": {"type": "array", "items": {"type": ["string", "object"]}},
    });
    if new {
        fields["title"] = text();
        fields["text"] = text();
    }
    fields
}

/// A driver, and how it does.
pub(super) fn driver() -> Value {
    let text = || json!({"type": "string"});
    let maybe = || json!({"type": ["string", "null"]});
    let number = || json!({"type": "integer", "minimum": 0});
    let states = json!([
        "ready", "working", "resting", "tried", "waiting", "empty", "disabled"
    ]);
    object(
        &[
            "name",
            "status",
            "agent",
            "capabilities",
            "breaker",
            "open",
            "waiting",
        ],
        json!({"kind": text(), "name": text(), "status": {"enum": states},
            "enabled": {"type": "boolean"}, "agent": text(), "type": text(),
            "capabilities": {"type": "array", "items": text()}, "concurrency": number(),
            "rate": {"type": ["object", "null"]}, "open": number(), "waiting": number(),
            "waits_for": maybe(),
            "breaker": {"enum": ["closed", "open", "half_open"]}, "resting_until": maybe(),
            "failures_in_a_row": number(), "failures_max": number(), "answered": number(),
            "failed": number(), "error_percent": {"type": ["integer", "null"]},
            "last": {"type": "array", "items": {"type": "object"}},
            "problem": {"type": ["object", "null"]}, "failed_at": maybe(),
            "version": number(), "spec": {"type": "object"}}),
    )
}
