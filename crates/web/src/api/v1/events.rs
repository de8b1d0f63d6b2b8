//! `/events`; the stream of them is in `live.rs`.

use http::StatusCode;
use naos_types::command::{self, Reply};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::door::{Answered, Call, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    #[serde(rename = "type")]
    topic: String,
    #[serde(default)]
    data: Value,
}

pub(crate) async fn publish(call: Call) -> Answered {
    let Publish { topic, data } = call.json()?;
    let (data, body) = call.content(data.to_string())?;
    let command = command::Event::Publish { topic, data };
    let (seq, reply) = call.ask("", command, vec![body]).await?;
    let event = match reply {
        Reply::Event(event) => Some(event),
        _ => None,
    };
    Ok(json(
        StatusCode::CREATED,
        &json!({"event": event, "seq": seq}),
    ))
}
