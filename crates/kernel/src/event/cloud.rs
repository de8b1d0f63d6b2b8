//! An event as CloudEvents 1.0 has it in JSON, for whoever is asked about it outside.

use serde_json::{Map, Value, json};

use super::Caught;

/// Where events come from that say nothing about it.
const HOME: &str = "/naos";

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
        out.extend(more.clone());
    }
    if caught.hops > 0 {
        out.insert("hops".to_owned(), json!(caught.hops));
    }
    Value::Object(out)
}
