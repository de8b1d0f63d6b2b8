//! Anthropic's messages.

use serde_json::{Value, json};

use super::super::answer::{Stop, Usage};
use super::super::collect::{Collector, count, shape};
use super::super::endpoint::{Endpoint, Secret};
use super::super::error::Failure;
use super::super::request::{Message, Part, Request, Role};
use super::{Call, Complaint, Fault, Flow, Wire, base64, items, list, number, set, text};

/// The version of the format, which all calls name.
const VERSION: &str = "2023-06-01";
/// Marks of what is worth keeping, in one request.
const MARKS_MAX: usize = 4;

pub struct Anthropic;

impl Wire for Anthropic {
    fn call(&self, endpoint: &Endpoint, request: &Request) -> Result<Call, Failure> {
        let mut body = json!({
            "model": request.model, "max_tokens": request.max_output_tokens,
        });
        let mut tools: Vec<Value> = request
            .tools
            .iter()
            .map(|tool| {
                json!({
                    "name": tool.name, "description": tool.description,
                    "input_schema": tool.schema,
                })
            })
            .collect();
        let mut system = Vec::new();
        if let Some(text) = &request.system {
            let mut block = json!({ "type": "text", "text": text });
            set(&mut block, "cache_control", request.cache_prefix.then(mark));
            system.push(block);
        } else if let Some(last) = tools.last_mut() {
            set(last, "cache_control", request.cache_prefix.then(mark));
        }
        // Behind the mark: what is kept there is found by the next conversation, too.
        let occasion = request.occasion.as_ref();
        system.extend(occasion.map(|text| json!({ "type": "text", "text": text })));
        set(&mut body, "system", list(system));
        set(&mut body, "tools", list(tools));
        set(&mut body, "messages", Some(messages(request)));
        set(&mut body, "temperature", request.temperature.map(number));
        let stop = request.stop.iter().cloned().map(Value::from).collect();
        set(&mut body, "stop_sequences", list(stop));
        let form = request
            .output_schema
            .as_ref()
            .map(|form| json!({ "format": { "type": "json_schema", "schema": form.schema } }));
        set(&mut body, "output_config", form);
        set(&mut body, "stream", request.stream.then_some(true));
        let mut headers = vec![("anthropic-version", VERSION.to_owned())];
        let key = endpoint.key.as_ref().map(Secret::reveal);
        headers.extend(key.map(|key| ("x-api-key", key.to_owned())));
        Ok(Call {
            path: "/messages".into(),
            headers,
            body,
        })
    }

    fn whole(&self, value: &Value, out: &mut Collector<'_>) -> Result<(), Fault> {
        if let Some(complaint) = self.complaint(value) {
            return Err(Fault::Complaint(complaint));
        }
        out.is_known_by(text(value, "/id"));
        out.names_itself(text(value, "/model"));
        if value
            .get("content")
            .is_none_or(|content| !content.is_array())
        {
            return Err(shape("it has no content").into());
        }
        for block in items(value, "/content") {
            match text(block, "/type") {
                Some("text") => out.text(text(block, "/text").unwrap_or_default())?,
                Some("tool_use") => {
                    let (id, name) = (text(block, "/id"), text(block, "/name"));
                    out.whole_call(id, name, block.get("input"), None)?;
                }
                Some("thinking") => {
                    out.reasoning(text(block, "/thinking").unwrap_or_default())?;
                    out.opaque(signed(text(block, "/signature").unwrap_or_default()))?;
                }
                Some("redacted_thinking") => out.opaque(block.clone())?,
                _ => {}
            }
        }
        stops(text(value, "/stop_reason"), out);
        used(value.get("usage"), out)?;
        Ok(())
    }

    fn piece(&self, value: &Value, out: &mut Collector<'_>) -> Result<Flow, Fault> {
        let at = value.get("index").and_then(Value::as_u64).unwrap_or(0);
        match text(value, "/type") {
            Some("message_start") => {
                out.is_known_by(text(value, "/message/id"));
                out.names_itself(text(value, "/message/model"));
                let usage = value.pointer("/message/usage");
                used(usage, out)?;
                let read = usage.is_some_and(|usage| usage.get("input_tokens").is_some());
                out.tells(read, false);
            }
            Some("content_block_start") => {
                let block = value.get("content_block").unwrap_or(&Value::Null);
                match text(block, "/type") {
                    Some("text") => out.text(text(block, "/text").unwrap_or_default())?,
                    Some("tool_use") => {
                        out.call(at, text(block, "/id"), text(block, "/name"), "")?;
                    }
                    Some("redacted_thinking") => out.opaque(block.clone())?,
                    _ => {}
                }
            }
            Some("content_block_delta") => {
                let delta = value.get("delta").unwrap_or(&Value::Null);
                let piece = |pointer| text(delta, pointer).unwrap_or_default();
                match text(delta, "/type") {
                    Some("text_delta") => out.text(piece("/text"))?,
                    Some("input_json_delta") => {
                        out.call(at, None, None, piece("/partial_json"))?;
                    }
                    Some("thinking_delta") => out.reasoning(piece("/thinking"))?,
                    Some("signature_delta") => out.opaque(signed(piece("/signature")))?,
                    _ => {}
                }
            }
            Some("message_delta") => {
                stops(text(value, "/delta/stop_reason"), out);
                let usage = value.get("usage");
                used(usage, out)?;
                let told = |name| usage.is_some_and(|usage| usage.get(name).is_some());
                if told("output_tokens") {
                    out.tells(out.read_is_told() || told("input_tokens"), true);
                }
            }
            Some("message_stop") => return Ok(Flow::Done),
            Some("error") => {
                let complaint = self.complaint(value).unwrap_or_default();
                return Err(Fault::Complaint(complaint));
            }
            Some(_) => {} // `ping`, and what is yet to come
            None => return Err(shape("an event has no type").into()),
        }
        Ok(Flow::More)
    }

    fn complaint(&self, value: &Value) -> Option<Complaint> {
        let error = value.get("error").filter(|error| !error.is_null())?;
        let message = error.as_str().or_else(|| text(error, "/message"));
        Some(Complaint::new(&[text(error, "/type")], message))
    }
}

fn mark() -> Value {
    json!({ "type": "ephemeral" })
}

fn signed(signature: &str) -> Value {
    json!({ "type": "thinking", "signature": signature })
}

fn messages(request: &Request) -> Vec<Value> {
    let marks = MARKS_MAX - usize::from(request.cache_prefix);
    let wanted = request
        .messages
        .iter()
        .filter(|message| message.cache)
        .count();
    // The last ones are those that the next call finds.
    let mut skipped = wanted.saturating_sub(marks);
    let messages = request.messages.iter().filter_map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut content = content(message);
        if message.cache && skipped > 0 {
            skipped -= 1;
        } else if message.cache {
            // A thought can't be marked.
            let markable = |block: &&mut Value| block["type"] != "thinking";
            if let Some(last) = content.iter_mut().rev().find(markable) {
                set(last, "cache_control", Some(mark()));
            }
        }
        // All that a model of another provider said may have been its thoughts.
        let is_empty = content.is_empty();
        (!is_empty).then(|| json!({ "role": role, "content": content }))
    });
    messages.collect()
}

/// What tools said comes first, as the format wants it.
fn content(message: &Message) -> Vec<Value> {
    let is_result = |part: &&Part| matches!(part, Part::ToolResult(_));
    let results = message.parts.iter().filter(is_result);
    let others = message.parts.iter().filter(|part| !is_result(part));
    results.chain(others).filter_map(block).collect()
}

fn block(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text(text) if text.trim().is_empty() => return None, // is refused
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Image(image) => json!({ "type": "image", "source": {
            "type": "base64", "media_type": image.media_type, "data": base64(image),
        }}),
        Part::ToolCall(call) => json!({
            "type": "tool_use", "id": call.id, "name": call.name,
            "input": call.arguments.object(),
        }),
        Part::ToolResult(result) => {
            let mut block = json!({
                "type": "tool_result", "tool_use_id": result.id, "content": result.text,
            });
            set(&mut block, "is_error", result.is_error.then_some(true));
            block
        }
        Part::Reasoning(reasoning) => {
            let opaque = reasoning.opaque.as_ref()?;
            match text(opaque, "/type")? {
                "thinking" => json!({
                    "type": "thinking", "thinking": reasoning.text,
                    "signature": opaque["signature"],
                }),
                "redacted_thinking" => opaque.clone(),
                _ => return None,
            }
        }
    })
}

fn stops(reason: Option<&str>, out: &mut Collector<'_>) {
    let stop = match reason {
        None => return,
        Some("end_turn" | "stop_sequence") => Stop::End,
        Some("max_tokens") => Stop::Length,
        Some("model_context_window_exceeded") => Stop::Window,
        Some("tool_use") => Stop::ToolUse,
        Some("pause_turn") => Stop::Paused,
        Some("refusal") => Stop::Refused,
        Some(other) => Stop::Other(other.to_owned()),
    };
    out.stops(stop);
}

/// What is read is told in three parts, and what a stream says last may name only some figures:
/// the others stand as they were.
fn used(usage: Option<&Value>, out: &mut Collector<'_>) -> Result<(), Failure> {
    let Some(usage) = usage.filter(|usage| !usage.is_null()) else {
        return Ok(());
    };
    let before = out.usage().unwrap_or_default();
    let fresh = before.input - before.cached_input - before.cache_write;
    let fresh = count(usage.get("input_tokens"))?.unwrap_or(fresh);
    let read = count(usage.get("cache_read_input_tokens"))?.unwrap_or(before.cached_input);
    let kept = count(usage.get("cache_creation_input_tokens"))?.unwrap_or(before.cache_write);
    let output = count(usage.get("output_tokens"))?.unwrap_or(before.output);
    let thought = count(usage.pointer("/output_tokens_details/thinking_tokens"))?;
    out.used(Usage {
        input: fresh + read + kept,
        cached_input: read,
        cache_write: kept,
        output,
        reasoning: thought.unwrap_or(before.reasoning),
    })
}
