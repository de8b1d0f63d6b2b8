//! Ollama's own chat: models on one's own machine, with no key.

use serde_json::{Value, json};

use super::super::answer::{Stop, Usage};
use super::super::collect::{Collector, count, shape};
use super::super::endpoint::Endpoint;
use super::super::error::Failure;
use super::super::request::{Message, Part, Request, Role};
use super::{Call, Complaint, Fault, Flow, Framing, Wire, base64, bearer, items, list, number};
use super::{set, text};

pub struct Ollama;

impl Wire for Ollama {
    fn call(&self, endpoint: &Endpoint, request: &Request) -> Result<Call, Failure> {
        let mut messages = Vec::new();
        if let Some(system) = request.all_system() {
            messages.push(json!({ "role": "system", "content": system }));
        }
        for message in &request.messages {
            say(message, &mut messages);
        }
        let mut how = json!({ "num_predict": request.max_output_tokens });
        set(&mut how, "temperature", request.temperature.map(number));
        set(&mut how, "num_ctx", endpoint.context_tokens);
        let stop = request.stop.iter().cloned().map(Value::from).collect();
        set(&mut how, "stop", list(stop));
        // Unless told otherwise it streams.
        let mut body = json!({
            "model": request.model, "messages": messages, "stream": request.stream,
            "options": how,
        });
        let tools = request.tools.iter().map(|tool| {
            json!({ "type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.schema,
            }})
        });
        set(&mut body, "tools", list(tools.collect()));
        let form = request.output_schema.as_ref();
        set(&mut body, "format", form.map(|form| form.schema.clone()));
        Ok(Call {
            path: "/api/chat".into(),
            headers: bearer(endpoint),
            body,
        })
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn whole(&self, value: &Value, out: &mut Collector<'_>) -> Result<(), Fault> {
        match self.piece(value, out)? {
            Flow::Done => Ok(()),
            Flow::More => Err(shape("it isn't done").into()),
        }
    }

    fn piece(&self, value: &Value, out: &mut Collector<'_>) -> Result<Flow, Fault> {
        if let Some(complaint) = self.complaint(value) {
            return Err(Fault::Complaint(complaint));
        }
        let Some(message) = value.get("message") else {
            return Err(shape("it has no message").into());
        };
        out.names_itself(text(value, "/model"));
        out.reasoning(text(message, "/thinking").unwrap_or_default())?;
        out.text(text(message, "/content").unwrap_or_default())?;
        for call in items(message, "/tool_calls") {
            let (id, name) = (text(call, "/id"), text(call, "/function/name"));
            out.whole_call(id, name, call.pointer("/function/arguments"), None)?;
        }
        if value.get("done").and_then(Value::as_bool) != Some(true) {
            return Ok(Flow::More);
        }
        out.stops(match text(value, "/done_reason") {
            None | Some("stop" | "") => Stop::End,
            Some("length") => Stop::Length,
            Some(other) => Stop::Other(other.to_owned()),
        });
        let read = count(value.get("prompt_eval_count"))?;
        let written = count(value.get("eval_count"))?;
        if read.is_some() || written.is_some() {
            out.used(Usage {
                input: read.unwrap_or_default(), // left out where all of it was kept
                output: written.unwrap_or_default(),
                ..Usage::default()
            })?;
        }
        Ok(Flow::Done)
    }

    fn complaint(&self, value: &Value) -> Option<Complaint> {
        let error = value.get("error").filter(|error| !error.is_null())?;
        let message = error.as_str().or_else(|| text(error, "/message"));
        Some(Complaint::new(&[], message))
    }
}

fn say(message: &Message, out: &mut Vec<Value>) {
    for part in &message.parts {
        if let Part::ToolResult(result) = part {
            let content = if result.is_error {
                format!("Error: {}", result.text)
            } else {
                result.text.clone()
            };
            out.push(json!({
                "role": "tool", "content": content, "tool_name": result.name,
                "tool_call_id": result.id,
            }));
        }
    }
    let (mut images, mut calls, mut thought) = (Vec::new(), Vec::new(), String::new());
    for part in &message.parts {
        match part {
            Part::Image(image) => images.push(Value::from(base64(image))),
            Part::ToolCall(call) => calls.push(json!({
                "id": call.id,
                "function": { "name": call.name, "arguments": call.arguments.object() },
            })),
            // Its thoughts have nothing else to be given back.
            Part::Reasoning(reasoning) if reasoning.opaque.is_none() => {
                thought.push_str(&reasoning.text);
            }
            _ => {}
        }
    }
    let words = message.text();
    if words.is_empty() && images.is_empty() && calls.is_empty() {
        return;
    }
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let mut own = json!({ "role": role, "content": words });
    set(&mut own, "images", list(images));
    set(&mut own, "tool_calls", list(calls));
    set(
        &mut own,
        "thinking",
        (!thought.is_empty()).then_some(thought),
    );
    out.push(own);
}
