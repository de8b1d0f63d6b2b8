//! OpenAI's responses. Nothing is kept there: each call brings all of the conversation.

use serde_json::{Value, json};

use super::super::answer::{Stop, Usage};
use super::super::collect::{Collector, count, shape};
use super::super::endpoint::Endpoint;
use super::super::error::Failure;
use super::super::request::{Message, Part, Request, Role};
use super::openai_chat;
use super::{Call, Complaint, Fault, Flow, Wire, bearer, data_url, items, list, number, set, text};

pub struct OpenAiResponses;

impl Wire for OpenAiResponses {
    fn call(&self, endpoint: &Endpoint, request: &Request) -> Result<Call, Failure> {
        if !request.stop.is_empty() {
            let said = "responses know no texts to stop at; ask for chat completions".into();
            return Err(Failure::BadRequest { said });
        }
        let mut input = Vec::new();
        for message in &request.messages {
            say(message, &mut input);
        }
        let mut body = json!({ "model": request.model, "input": input, "store": false });
        set(&mut body, "instructions", request.all_system());
        set(&mut body, "prompt_cache_key", request.cache_key.clone());
        set(
            &mut body,
            "max_output_tokens",
            Some(request.max_output_tokens),
        );
        set(&mut body, "temperature", request.temperature.map(number));
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function", "name": tool.name, "description": tool.description,
                "parameters": tool.schema, "strict": false,
            })
        });
        set(&mut body, "tools", list(tools.collect()));
        let sealed = request
            .reasons
            .then(|| json!(["reasoning.encrypted_content"]));
        set(&mut body, "include", sealed);
        let form = request.output_schema.as_ref().map(|form| {
            json!({ "format": {
                "type": "json_schema", "name": form.name, "schema": form.schema,
                "strict": form.strict,
            }})
        });
        set(&mut body, "text", form);
        set(&mut body, "stream", request.stream.then_some(true));
        Ok(Call {
            path: "/responses".into(),
            headers: bearer(endpoint),
            body,
        })
    }

    fn whole(&self, value: &Value, out: &mut Collector<'_>) -> Result<(), Fault> {
        out.is_known_by(text(value, "/id"));
        out.names_itself(text(value, "/model"));
        used(value.get("usage"), out)?;
        if let Some(complaint) = self.complaint(value) {
            return Err(Fault::Complaint(complaint));
        }
        if value.get("output").is_none_or(|output| !output.is_array()) {
            return Err(shape("it has no output").into());
        }
        for item in items(value, "/output") {
            said(item, out)?;
        }
        ends(value, out)?;
        Ok(())
    }

    fn piece(&self, value: &Value, out: &mut Collector<'_>) -> Result<Flow, Fault> {
        let Some(kind) = text(value, "/type") else {
            return match self.complaint(value) {
                Some(complaint) => Err(Fault::Complaint(complaint)),
                None => Err(shape("an event has no type").into()),
            };
        };
        let delta = text(value, "/delta").unwrap_or_default();
        let at = value.get("output_index").and_then(Value::as_u64);
        match kind {
            "response.created" | "response.in_progress" => {
                out.is_known_by(text(value, "/response/id"));
                out.names_itself(text(value, "/response/model"));
            }
            "response.output_text.delta" => out.text(delta)?,
            "response.refusal.delta" => {
                out.text(delta)?;
                out.stops(Stop::Refused);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                out.reasoning(delta)?;
            }
            "response.output_item.added" if text(value, "/item/type") == Some("function_call") => {
                let (id, name) = (text(value, "/item/call_id"), text(value, "/item/name"));
                out.call(at.unwrap_or_else(|| out.new_key()), id, name, "")?;
            }
            "response.function_call_arguments.delta" => {
                let key = at.or_else(|| out.last_key());
                out.call(key.unwrap_or(0), None, None, delta)?;
            }
            "response.output_item.done" if text(value, "/item/type") == Some("reasoning") => {
                out.opaque(value["item"].clone())?;
            }
            // Some tell of a call when it is whole, and not when it begins.
            "response.output_item.done"
                if text(value, "/item/type") == Some("function_call")
                    && !out.has_call(text(value, "/item/call_id")) =>
            {
                said(&value["item"], out)?;
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let response = value.get("response").unwrap_or(&Value::Null);
                if out.is_empty() {
                    self.whole(response, out)?;
                } else {
                    used(response.get("usage"), out)?;
                    if let Some(complaint) = self.complaint(response) {
                        return Err(Fault::Complaint(complaint));
                    }
                    ends(response, out)?;
                }
                return Ok(Flow::Done);
            }
            "error" => {
                let words = [text(value, "/code"), text(value, "/error/code")];
                let message = text(value, "/message").or_else(|| text(value, "/error/message"));
                return Err(Fault::Complaint(Complaint::new(&words, message)));
            }
            _ => {}
        }
        Ok(Flow::More)
    }

    fn complaint(&self, value: &Value) -> Option<Complaint> {
        openai_chat::complaint(value)
    }
}

fn say(message: &Message, out: &mut Vec<Value>) {
    let mut content: Vec<Value> = Vec::new();
    let (role, kind) = match message.role {
        Role::User => ("user", "input_text"),
        Role::Assistant => ("assistant", "output_text"),
    };
    let flush = |content: &mut Vec<Value>, out: &mut Vec<Value>| {
        if let Some(content) = list(std::mem::take(content)) {
            out.push(json!({ "type": "message", "role": role, "content": content }));
        }
    };
    for part in &message.parts {
        let item = match part {
            Part::Text(text) => {
                content.push(json!({ "type": kind, "text": text }));
                continue;
            }
            Part::Image(image) => {
                content.push(json!({ "type": "input_image", "image_url": data_url(image) }));
                continue;
            }
            Part::ToolCall(call) => json!({
                "type": "function_call", "call_id": call.id, "name": call.name,
                "arguments": call.arguments.text(),
            }),
            Part::ToolResult(result) => {
                let output = if result.is_error {
                    format!("Error: {}", result.text)
                } else {
                    result.text.clone()
                };
                json!({ "type": "function_call_output", "call_id": result.id, "output": output })
            }
            Part::Reasoning(reasoning) => match &reasoning.opaque {
                // Nothing is stored there: what isn't sealed in it would be looked for in vain.
                Some(item)
                    if item["type"] == "reasoning" && item["encrypted_content"].is_string() =>
                {
                    item.clone()
                }
                _ => continue,
            },
        };
        flush(&mut content, out);
        out.push(item);
    }
    flush(&mut content, out);
}

fn said(item: &Value, out: &mut Collector<'_>) -> Result<(), Failure> {
    match text(item, "/type") {
        Some("message") => {
            for part in items(item, "/content") {
                out.text(text(part, "/text").unwrap_or_default())?;
                if let Some(refusal) = text(part, "/refusal") {
                    out.text(refusal)?;
                    out.stops(Stop::Refused);
                }
            }
        }
        Some("function_call") => {
            let (id, name) = (text(item, "/call_id"), text(item, "/name"));
            out.whole_call(id, name, item.get("arguments"), None)?;
        }
        Some("reasoning") => {
            for part in items(item, "/summary")
                .iter()
                .chain(items(item, "/content"))
            {
                out.reasoning(text(part, "/text").unwrap_or_default())?;
            }
            out.opaque(item.clone())?;
        }
        _ => {}
    }
    Ok(())
}

fn ends(response: &Value, out: &mut Collector<'_>) -> Result<(), Failure> {
    let reason = text(response, "/incomplete_details/reason");
    let stop = match (text(response, "/status"), reason) {
        (Some("incomplete"), Some("max_output_tokens")) => Stop::Length,
        (Some("incomplete"), Some("content_filter")) => Stop::Filtered,
        (Some("incomplete"), Some(other)) => Stop::Other(other.to_owned()),
        (Some("completed"), _) if out.has_stopped() => return Ok(()),
        (Some("completed"), _) => Stop::End,
        (status, _) => {
            let status = status.unwrap_or("none at all").to_owned();
            return Err(shape(&format!("its status is {status}")));
        }
    };
    out.stops(stop);
    Ok(())
}

fn used(usage: Option<&Value>, out: &mut Collector<'_>) -> Result<(), Failure> {
    let Some(usage) = usage.filter(|usage| !usage.is_null()) else {
        return Ok(());
    };
    let (Some(input), Some(output)) = (
        count(usage.get("input_tokens"))?,
        count(usage.get("output_tokens"))?,
    ) else {
        return Ok(());
    };
    let detail = |pointer| count(usage.pointer(pointer)).map(Option::unwrap_or_default);
    out.used(Usage {
        input,
        cached_input: detail("/input_tokens_details/cached_tokens")?,
        cache_write: 0,
        output,
        reasoning: detail("/output_tokens_details/reasoning_tokens")?,
    })
}
