//! An event as CloudEvents 1.0 has it in JSON, for whoever is asked about it outside.

use serde_json::{Map, Value, json};

use super::Caught;

/// Where events come from that say nothing about it.
const HOME: &str = "/naos";

/// What naos itself says of an event, whoever gets it and however.
const OURS: [&str; 14] = [
    "attempt",
    "by",
    "causationid",
    "config",
    "correlationid",
    "data",
    "data_base64",
    "dataerased",
    "event",
    "eventid",
    "heard",
    "hops",
    "seq",
    "sequence",
];

/// What the publisher said of an event beside what every event says. What it calls like one of
/// naos's own is its own all the same, under another name: a consumer acknowledges by `sequence`.
pub fn theirs(more: Map<String, Value>) -> Map<String, Value> {
    if crate::planted::is("their-word-for-ours") {
        return more;
    }
    let mut out = Map::with_capacity(more.len());
    let (ours, others): (Vec<_>, Vec<_>) = more
        .into_iter()
        .partition(|(name, _)| OURS.contains(&name.as_str()));
    out.extend(others);
    // From one naos to the next the last word counts.
    let named = ours
        .into_iter()
        .map(|(name, value)| (format!("their{name}"), value));
    out.extend(named);
    out
}

/// The event; `seen` is what conditions and templates see of it.
pub(super) fn structured(caught: &Caught, seen: &Value) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    put("specversion", json!("1.0"));
    put("id", json!(caught.event));
    put("source", json!(caught.source.as_deref().unwrap_or(HOME)));
    put("type", json!(caught.topic));
    put("time", json!(caught.at.rfc3339()));
    put("datacontenttype", json!("application/json"));
    put("category", json!(caught.category.word()));
    put("correlationid", json!(caught.correlation));
    let led = caught.trigger.as_ref().map(|(_, event)| event);
    put("causationid", json!(led));
    put("eventid", json!(caught.event));
    put("data", seen["data"].clone());
    // An attribute is text: what the driver's manifest sets is JSON within.
    let config = seen.get("config").filter(|config| !config.is_null());
    put("config", json!(config.map(Value::to_string)));
    if let Value::Object(more) = &seen["about"] {
        out.extend(theirs(more.clone()));
    }
    if caught.hops > 0 {
        out.insert("hops".to_owned(), json!(caught.hops));
    }
    Value::Object(out)
}
