//! OpenAI's responses.

use serde_json::{Value, json};

use super::openai_chat::error;
use super::{Head, Vendor, data_image, event, list, only, string};
use crate::asked::{Asked, Kind, Refusal, Said};
use crate::reply::{Reply, Stop, cuts, pieces};

pub struct OpenAiResponses;

const KNOWN: &[&str] = &[
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "text",
    "max_output_tokens",
    "temperature",
    "store",
    "include",
    "stream",
    "prompt_cache_key",
];
/// What stands for a thought that only the provider can read.
const SEALED: &str = "gAAAAABsealed";

impl Vendor for OpenAiResponses {
    fn read(&self, head: &Head<'_>, body: &Value) -> Result<Asked, Refusal> {
        only(body, KNOWN)?;
        let mut asked = Asked {
            model: string(&body["model"]),
            stream: body["stream"] == true,
            system: string(&body["instructions"]),
            wants_usage: true,
            key: head.bearer(),
            ..Asked::default()
        };
        let mut thought = false;
        for item in list(body, "input") {
            let role = item["role"].as_str();
            let by_model = match item["type"].as_str() {
                Some("message") => role == Some("assistant"),
                Some("function_call") => true,
                Some("function_call_output") => false,
                Some("reasoning") => {
                    if item["encrypted_content"] != SEALED || item["id"] != "rs_0001" {
                        return Err(Refusal::invalid("The encrypted content is not verifiable."));
                    }
                    thought = true;
                    continue;
                }
                kind => return Err(Refusal::invalid(format!("Invalid item {kind:?}."))),
            };
            if asked
                .messages
                .last()
                .is_none_or(|last| last.by_model != by_model)
            {
                asked.messages.push(Said {
                    by_model,
                    ..Said::default()
                });
            }
            let Some(said) = asked.messages.last_mut() else {
                continue;
            };
            match item["type"].as_str() {
                Some("function_call") => said.calls.push(string(&item["call_id"])),
                Some("function_call_output") => {
                    let result = (string(&item["call_id"]), string(&item["output"]));
                    said.results.push(result);
                }
                _ => content(item, by_model, said)?,
            }
        }
        if asked.has_results() && asked.model.starts_with("tools") && !thought {
            return Err(Refusal::invalid(
                "An item of type 'function_call' was provided without its required 'reasoning' \
                 item.",
            ));
        }
        for tool in list(body, "tools") {
            asked.tools.push(string(&tool["name"]));
        }
        if let Some(id) = asked.stray_result() {
            let message = format!("No tool call found for function call output with call_id {id}.");
            return Err(Refusal::invalid(message));
        }
        if let Some(id) = asked.open_call() {
            let message = format!("No tool output found for function call {id}.");
            return Err(Refusal::invalid(message));
        }
        Ok(asked)
    }

    fn whole(&self, asked: &Asked, reply: &Reply) -> Value {
        response(asked, reply, state(reply), items(reply))
    }

    fn frames(&self, asked: &Asked, reply: &Reply) -> Vec<String> {
        let mut number = 0;
        let mut out = Vec::new();
        let mut tell = |mut value: Value| {
            value["sequence_number"] = json!(number);
            number += 1;
            out.push(event(&value));
        };
        let beginning = response(asked, reply, "in_progress", Vec::new());
        tell(json!({ "type": "response.created", "response": beginning }));
        for (at, item) in items(reply).into_iter().enumerate() {
            let mut empty = item.clone();
            let id = item["id"].clone();
            match item["type"].as_str() {
                Some("message") => empty["content"] = json!([]),
                Some("function_call") => empty["arguments"] = json!(""),
                _ => empty["summary"] = json!([]),
            }
            tell(json!({
                "type": "response.output_item.added", "output_index": at, "item": empty,
            }));
            let mut deltas = |kind: &str, texts: Vec<&str>, place: &str| {
                for text in texts {
                    let mut delta = json!({
                        "type": kind, "item_id": id, "output_index": at, "delta": text,
                    });
                    if !place.is_empty() {
                        delta[place] = json!(0);
                    }
                    tell(delta);
                }
            };
            match item["type"].as_str() {
                Some("message") => {
                    let refuses = reply.stop == Stop::Refused;
                    let kind = if refuses { "refusal" } else { "output_text" };
                    let kind = format!("response.{kind}.delta");
                    deltas(&kind, pieces(&reply.text), "content_index");
                }
                Some("function_call") => {
                    let arguments = item["arguments"].as_str().unwrap_or_default();
                    let kind = "response.function_call_arguments.delta";
                    deltas(kind, cuts(arguments), "");
                }
                _ => {
                    let thought = reply.thought.as_deref().unwrap_or_default();
                    let kind = "response.reasoning_summary_text.delta";
                    deltas(kind, pieces(thought), "summary_index");
                }
            }
            tell(json!({
                "type": "response.output_item.done", "output_index": at, "item": item,
            }));
        }
        let state = state(reply);
        let whole = response(asked, reply, state, items(reply));
        tell(json!({ "type": format!("response.{state}"), "response": whole }));
        out
    }

    fn refusal(&self, refusal: &Refusal) -> Value {
        error(refusal)
    }

    fn interruption(&self, refusal: &Refusal) -> String {
        let code = match refusal.kind {
            Kind::Limited => "rate_limit_exceeded",
            _ => "server_error",
        };
        event(&json!({
            "type": "error", "code": code, "message": refusal.message, "param": null,
            "sequence_number": 99,
        }))
    }

    fn id_header(&self) -> Option<&'static str> {
        Some("x-request-id")
    }
}

fn content(item: &Value, by_model: bool, said: &mut Said) -> Result<(), Refusal> {
    let own = if by_model {
        "output_text"
    } else {
        "input_text"
    };
    for part in list(item, "content") {
        match part["type"].as_str() {
            Some(kind) if kind == own => said.texts.push(string(&part["text"])),
            Some("input_image") if !by_model => {
                said.images.push(data_image(&string(&part["image_url"]))?);
            }
            kind => return Err(Refusal::invalid(format!("Invalid part {kind:?}."))),
        }
    }
    Ok(())
}

fn items(reply: &Reply) -> Vec<Value> {
    let mut out = Vec::new();
    if let Some(thought) = &reply.thought {
        out.push(json!({
            "id": "rs_0001", "type": "reasoning", "encrypted_content": SEALED,
            "summary": [{ "type": "summary_text", "text": thought }],
        }));
    }
    if !reply.text.is_empty() {
        let part = if reply.stop == Stop::Refused {
            json!({ "type": "refusal", "refusal": reply.text })
        } else {
            json!({ "type": "output_text", "text": reply.text, "annotations": [] })
        };
        out.push(json!({
            "id": "msg_0001", "type": "message", "status": "completed", "role": "assistant",
            "content": [part],
        }));
    }
    for (at, call) in reply.calls.iter().enumerate() {
        out.push(json!({
            "id": format!("fc_{at:04}"), "type": "function_call", "status": "completed",
            "call_id": call.id, "name": call.name, "arguments": call.arguments,
        }));
    }
    out
}

const fn state(reply: &Reply) -> &'static str {
    match reply.stop {
        Stop::Length | Stop::Filtered => "incomplete",
        _ => "completed",
    }
}

fn response(asked: &Asked, reply: &Reply, state: &str, output: Vec<Value>) -> Value {
    let reason = match reply.stop {
        Stop::Length => Some("max_output_tokens"),
        Stop::Filtered => Some("content_filter"),
        _ => None,
    };
    let reason = reason.filter(|_| state == "incomplete");
    let usage = reply.usage.as_ref().filter(|_| state != "in_progress");
    json!({
        "id": "resp_0001", "object": "response", "created_at": 1_764_000_000, "status": state,
        "error": null, "incomplete_details": reason.map(|reason| json!({ "reason": reason })),
        "instructions": asked.system, "model": asked.model, "output": output,
        "parallel_tool_calls": true, "store": false,
        "usage": usage.map(|usage| json!({
            "input_tokens": usage.input,
            "input_tokens_details": { "cached_tokens": usage.cached },
            "output_tokens": usage.output,
            "output_tokens_details": { "reasoning_tokens": usage.reasoning },
            "total_tokens": usage.total(),
        })),
    })
}
