//! OpenAI's chat completions.

use serde_json::{Value, json};

use super::{Head, Vendor, data, data_image, list, only, string};
use crate::asked::{Asked, Kind, Refusal, Said};
use crate::reply::{Reply, Stop, cuts, pieces};

pub struct OpenAiChat;

const KNOWN: &[&str] = &[
    "model",
    "messages",
    "tools",
    "tool_choice",
    "response_format",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "stop",
    "stream",
    "prompt_cache_key",
    "stream_options",
];

impl Vendor for OpenAiChat {
    fn read(&self, head: &Head<'_>, body: &Value) -> Result<Asked, Refusal> {
        only(body, KNOWN)?;
        let mut asked = Asked {
            model: string(&body["model"]),
            stream: body["stream"] == true,
            wants_usage: body["stream_options"]["include_usage"] == true,
            key: head.bearer(),
            ..Asked::default()
        };
        for message in list(body, "messages") {
            match message["role"].as_str() {
                Some("system" | "developer") => asked.system = string(&message["content"]),
                Some("tool") => {
                    let id = string(&message["tool_call_id"]);
                    let result = (id, string(&message["content"]));
                    match asked.messages.last_mut() {
                        Some(said) if !said.by_model && !said.results.is_empty() => {
                            said.results.push(result);
                        }
                        _ => asked.messages.push(Said {
                            results: vec![result],
                            ..Said::default()
                        }),
                    }
                }
                Some("user") => {
                    let said = said(&message["content"])?;
                    match asked.messages.last_mut() {
                        Some(last) if !last.by_model => {
                            last.texts.extend(said.texts);
                            last.images.extend(said.images);
                        }
                        _ => asked.messages.push(said),
                    }
                }
                Some("assistant") => {
                    let mut said = said(&message["content"])?;
                    said.by_model = true;
                    for call in list(message, "tool_calls") {
                        if !call["function"]["arguments"].is_string() {
                            return Err(Refusal::invalid("arguments: expected a string"));
                        }
                        said.calls.push(string(&call["id"]));
                    }
                    asked.messages.push(said);
                }
                role => return Err(Refusal::invalid(format!("Invalid role {role:?}."))),
            }
        }
        for tool in list(body, "tools") {
            if tool["type"] != "function" {
                return Err(Refusal::invalid(
                    "Missing required parameter: 'tools[0].type'.",
                ));
            }
            asked.tools.push(string(&tool["function"]["name"]));
        }
        if let Some(id) = asked.open_call() {
            return Err(Refusal::invalid(format!(
                "An assistant message with 'tool_calls' must be followed by tool messages \
                 responding to each 'tool_call_id'. Missing: {id}"
            )));
        }
        Ok(asked)
    }

    fn whole(&self, asked: &Asked, reply: &Reply) -> Value {
        let calls: Vec<Value> = reply
            .calls
            .iter()
            .map(|call| {
                json!({ "id": call.id, "type": "function", "function": {
                    "name": call.name, "arguments": call.arguments,
                }})
            })
            .collect();
        let refuses = reply.stop == Stop::Refused;
        let text = (!reply.text.is_empty()).then_some(&reply.text);
        let mut message = json!({
            "role": "assistant",
            "content": text.filter(|_| !refuses),
            "refusal": text.filter(|_| refuses),
            "annotations": [],
        });
        if !calls.is_empty() {
            message["tool_calls"] = Value::from(calls);
        }
        if let Some(thought) = &reply.thought {
            message["reasoning_content"] = json!(thought);
        }
        let mut answer = json!({
            "id": "chatcmpl-0001", "object": "chat.completion", "created": 1_764_000_000,
            "model": asked.model, "service_tier": "default", "system_fingerprint": "fp_0001",
            "choices": [{
                "index": 0, "message": message, "logprobs": null, "finish_reason": word(reply),
            }],
        });
        if reply.usage.is_some() {
            answer["usage"] = usage(reply);
        }
        answer
    }

    fn frames(&self, asked: &Asked, reply: &Reply) -> Vec<String> {
        let chunk = |choices: Value, usage: Value| {
            let mut chunk = json!({
                "id": "chatcmpl-0001", "object": "chat.completion.chunk",
                "created": 1_764_000_000, "model": asked.model, "service_tier": "default",
                "system_fingerprint": "fp_0001", "choices": choices,
            });
            if asked.wants_usage {
                chunk["usage"] = usage;
            }
            data(&chunk)
        };
        let delta = |delta: Value, reason: Option<&str>| {
            let choice = json!({ "index": 0, "delta": delta, "logprobs": null,
                "finish_reason": reason });
            chunk(json!([choice]), Value::Null)
        };
        let mut out = vec![delta(json!({ "role": "assistant", "content": "" }), None)];
        for piece in reply.thought.iter().flat_map(|thought| pieces(thought)) {
            out.push(delta(json!({ "reasoning_content": piece }), None));
        }
        let refuses = reply.stop == Stop::Refused;
        let key = if refuses { "refusal" } else { "content" };
        for piece in pieces(&reply.text) {
            out.push(delta(json!({ key: piece }), None));
        }
        for (index, call) in reply.calls.iter().enumerate() {
            out.push(delta(
                json!({ "tool_calls": [{
                    "index": index, "id": call.id, "type": "function",
                    "function": { "name": call.name, "arguments": "" },
                }]}),
                None,
            ));
            for piece in cuts(&call.arguments) {
                let more = json!({ "index": index, "function": { "arguments": piece } });
                out.push(delta(json!({ "tool_calls": [more] }), None));
            }
        }
        out.push(delta(json!({}), Some(word(reply))));
        if asked.wants_usage && reply.usage.is_some() {
            out.push(chunk(json!([]), usage(reply)));
        }
        out.push("data: [DONE]\n\n".to_owned());
        out
    }

    fn refusal(&self, refusal: &Refusal) -> Value {
        error(refusal)
    }

    fn id_header(&self) -> Option<&'static str> {
        Some("x-request-id")
    }
}

/// The body of a refusal, for both of OpenAI's formats.
pub fn error(refusal: &Refusal) -> Value {
    let (kind, code) = match refusal.kind {
        Kind::Key => ("invalid_request_error", Some("invalid_api_key")),
        Kind::Money => ("insufficient_quota", Some("insufficient_quota")),
        Kind::Forbidden => ("permission_error", None),
        Kind::NotFound => ("invalid_request_error", Some("model_not_found")),
        Kind::Limited => ("requests", Some("rate_limit_exceeded")),
        Kind::Failed => ("server_error", None),
        Kind::Overloaded => ("overloaded", None),
        Kind::TooLong => ("invalid_request_error", Some("context_length_exceeded")),
        Kind::Filtered => ("invalid_request_error", Some("content_filter")),
        Kind::Invalid | Kind::TooLarge => ("invalid_request_error", None),
    };
    json!({ "error": {
        "message": refusal.message, "type": kind, "param": null, "code": code,
    }})
}

fn said(content: &Value) -> Result<Said, Refusal> {
    let mut said = Said::default();
    match content {
        Value::Null => {}
        Value::String(text) => said.texts.push(text.clone()),
        Value::Array(parts) => {
            for part in parts {
                match part["type"].as_str() {
                    Some("text") => said.texts.push(string(&part["text"])),
                    Some("image_url") => {
                        let url = string(&part["image_url"]["url"]);
                        said.images.push(data_image(&url)?);
                    }
                    kind => return Err(Refusal::invalid(format!("Invalid part {kind:?}."))),
                }
            }
        }
        _ => return Err(Refusal::invalid("Invalid type for 'content'.")),
    }
    Ok(said)
}

const fn word(reply: &Reply) -> &'static str {
    match reply.stop {
        Stop::End | Stop::Refused => "stop",
        Stop::Length => "length",
        Stop::Tools => "tool_calls",
        Stop::Filtered => "content_filter",
    }
}

fn usage(reply: &Reply) -> Value {
    let Some(usage) = &reply.usage else {
        return Value::Null;
    };
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": { "cached_tokens": usage.cached, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}
