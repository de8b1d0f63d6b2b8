//! Chat completions: OpenAI's, and those of whoever speaks like it.

use serde_json::{Value, json};

use super::super::answer::{Stop, Usage};
use super::super::collect::{Collector, count, shape};
use super::super::endpoint::Endpoint;
use super::super::error::Failure;
use super::super::request::{Message, Part, Request, Role};
use super::{Call, Complaint, Fault, Flow, Wire, bearer, data_url, items, list, number, set, text};

pub struct OpenAiChat {
    /// Not OpenAI itself.
    pub compatible: bool,
}

impl Wire for OpenAiChat {
    fn call(&self, endpoint: &Endpoint, request: &Request) -> Result<Call, Failure> {
        let mut messages = Vec::new();
        if let Some(system) = request.all_system() {
            messages.push(json!({ "role": "system", "content": system }));
        }
        for message in &request.messages {
            say(message, &mut messages);
        }
        let mut body = json!({ "model": request.model, "messages": messages });
        let most = if self.compatible {
            "max_tokens"
        } else {
            "max_completion_tokens"
        };
        set(&mut body, most, Some(request.max_output_tokens));
        set(&mut body, "temperature", request.temperature.map(number));
        let stop = request.stop.iter().cloned().map(Value::from).collect();
        set(&mut body, "stop", list(stop));
        set(&mut body, "tools", list(tools(request)));
        let form = request.output_schema.as_ref().map(|form| {
            json!({ "type": "json_schema", "json_schema": {
                "name": form.name, "schema": form.schema, "strict": form.strict,
            }})
        });
        set(&mut body, "response_format", form);
        if !self.compatible {
            set(&mut body, "prompt_cache_key", request.cache_key.clone());
        }
        if request.stream {
            set(&mut body, "stream", Some(true));
            set(
                &mut body,
                "stream_options",
                Some(json!({ "include_usage": true })),
            );
        }
        Ok(Call {
            path: "/chat/completions".into(),
            headers: bearer(endpoint),
            body,
        })
    }

    fn says_when_done(&self) -> bool {
        false // Not every server that speaks so sends the mark at the end.
    }

    fn whole(&self, value: &Value, out: &mut Collector<'_>) -> Result<(), Fault> {
        if let Some(complaint) = self.complaint(value) {
            return Err(Fault::Complaint(complaint));
        }
        out.is_known_by(text(value, "/id"));
        out.names_itself(text(value, "/model"));
        let Some(message) = value.pointer("/choices/0/message") else {
            return Err(shape("it has no choice with a message").into());
        };
        said(message, out)?;
        for call in items(message, "/tool_calls") {
            let (id, name) = (text(call, "/id"), text(call, "/function/name"));
            out.whole_call(id, name, call.pointer("/function/arguments"), None)?;
        }
        stops(text(value, "/choices/0/finish_reason"), out);
        used(value.get("usage"), out)?;
        Ok(())
    }

    fn piece(&self, value: &Value, out: &mut Collector<'_>) -> Result<Flow, Fault> {
        if let Some(complaint) = self.complaint(value) {
            return Err(Fault::Complaint(complaint));
        }
        out.is_known_by(text(value, "/id"));
        out.names_itself(text(value, "/model"));
        if let Some(delta) = value.pointer("/choices/0/delta") {
            said(delta, out)?;
            for call in items(delta, "/tool_calls") {
                let (id, name) = (text(call, "/id"), text(call, "/function/name"));
                let key = match (call.get("index").and_then(Value::as_u64), id) {
                    (Some(index), _) => index,
                    (None, Some(_)) => out.new_key(),
                    (None, None) => out.last_key().unwrap_or(0),
                };
                let piece = text(call, "/function/arguments").unwrap_or_default();
                out.call(key, id, name, piece)?;
            }
        }
        stops(text(value, "/choices/0/finish_reason"), out);
        used(value.get("usage"), out)?;
        Ok(Flow::More)
    }

    fn complaint(&self, value: &Value) -> Option<Complaint> {
        complaint(value)
    }
}

/// `{"error": {"message", "type", "code"}}`, or a sentence in its place.
pub fn complaint(value: &Value) -> Option<Complaint> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    let words = [text(error, "/type"), text(error, "/code")];
    let message = error.as_str().or_else(|| text(error, "/message"));
    Some(Complaint::new(&words, message))
}

fn say(message: &Message, out: &mut Vec<Value>) {
    for part in &message.parts {
        if let Part::ToolResult(result) = part {
            let content = if result.is_error {
                format!("Error: {}", result.text)
            } else {
                result.text.clone()
            };
            out.push(json!({ "role": "tool", "tool_call_id": result.id, "content": content }));
        }
    }
    match message.role {
        Role::User => {
            let content = content(message);
            if !content.is_null() {
                out.push(json!({ "role": "user", "content": content }));
            }
        }
        Role::Assistant => {
            let calls = message.parts.iter().filter_map(|part| match part {
                Part::ToolCall(call) => Some(json!({
                    "id": call.id, "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments.text() },
                })),
                _ => None,
            });
            let calls = list(calls.collect());
            let words = message.text();
            let words = (!words.is_empty() || calls.is_none()).then_some(words);
            let mut own = json!({ "role": "assistant", "content": words });
            set(&mut own, "tool_calls", calls);
            out.push(own);
        }
    }
}

/// A text where there is only one, else a list.
fn content(message: &Message) -> Value {
    let parts: Vec<Value> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(json!({ "type": "text", "text": text })),
            Part::Image(image) => {
                Some(json!({ "type": "image_url", "image_url": { "url": data_url(image) } }))
            }
            _ => None,
        })
        .collect();
    match parts.as_slice() {
        [] => Value::Null,
        [one] if one["type"] == "text" => one["text"].clone(),
        _ => Value::Array(parts),
    }
}

fn tools(request: &Request) -> Vec<Value> {
    let tools = request.tools.iter().map(|tool| {
        json!({ "type": "function", "function": {
            "name": tool.name, "description": tool.description, "parameters": tool.schema,
        }})
    });
    tools.collect()
}

fn said(message: &Value, out: &mut Collector<'_>) -> Result<(), Failure> {
    // Whoever shows its reasoning does so under one of these names.
    let thought = text(message, "/reasoning_content").or_else(|| text(message, "/reasoning"));
    out.reasoning(thought.unwrap_or_default())?;
    match message.get("content") {
        Some(Value::String(words)) => out.text(words)?,
        Some(Value::Array(parts)) => {
            for part in parts {
                out.text(text(part, "/text").unwrap_or_default())?;
            }
        }
        _ => {}
    }
    if let Some(refusal) = text(message, "/refusal").filter(|words| !words.is_empty()) {
        out.text(refusal)?;
        out.stops(Stop::Refused);
    }
    Ok(())
}

fn stops(reason: Option<&str>, out: &mut Collector<'_>) {
    let stop = match reason {
        None | Some("") => return,
        // A refusal that was said before is why.
        Some("stop") if out.has_stopped() => return,
        Some("stop") => Stop::End,
        Some("length") => Stop::Length,
        Some("tool_calls" | "function_call") => Stop::ToolUse,
        Some("content_filter") => Stop::Filtered,
        Some(other) => Stop::Other(other.to_owned()),
    };
    out.stops(stop);
}

fn used(usage: Option<&Value>, out: &mut Collector<'_>) -> Result<(), Failure> {
    let Some(usage) = usage.filter(|usage| !usage.is_null()) else {
        return Ok(());
    };
    let (Some(input), Some(written)) = (
        count(usage.get("prompt_tokens"))?,
        count(usage.get("completion_tokens"))?,
    ) else {
        return Ok(());
    };
    // Some leave reasoning out of what was completed; the total has it.
    let total = count(usage.get("total_tokens"))?.unwrap_or(0);
    let output = written.max(total.saturating_sub(input));
    let detail = |pointer| count(usage.pointer(pointer)).map(Option::unwrap_or_default);
    out.used(Usage {
        input,
        cached_input: detail("/prompt_tokens_details/cached_tokens")?,
        cache_write: 0,
        output,
        reasoning: detail("/completion_tokens_details/reasoning_tokens")?,
    })
}
