//! Anthropic's messages.

use serde_json::{Value, json};

use super::{Head, Vendor, event, image, list, only, string};
use crate::asked::{Asked, Kind, Refusal, Said};
use crate::reply::{Reply, Stop, cuts, pieces};

pub struct Anthropic;

const KNOWN: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "system",
    "tools",
    "tool_choice",
    "temperature",
    "stop_sequences",
    "stream",
    "output_config",
    "thinking",
];
const SIGNATURE: &str = "EqQBCgsigned";

impl Vendor for Anthropic {
    fn read(&self, head: &Head<'_>, body: &Value) -> Result<Asked, Refusal> {
        if head.header("anthropic-version") != Some("2023-06-01") {
            return Err(Refusal::invalid("anthropic-version: header is required"));
        }
        only(body, KNOWN)?;
        if body["max_tokens"].as_u64().is_none_or(|most| most == 0) {
            return Err(Refusal::invalid("max_tokens: Field required"));
        }
        let mut asked = Asked {
            model: string(&body["model"]),
            stream: body["stream"] == true,
            wants_usage: true,
            key: head.header("x-api-key").map(str::to_owned),
            marks: marks(body),
            ..Asked::default()
        };
        if asked.marks > 4 {
            return Err(Refusal::invalid(
                "A maximum of 4 blocks with cache_control may be provided.",
            ));
        }
        for block in list(body, "system") {
            asked.system += block["text"].as_str().unwrap_or_default();
        }
        let mut thought = false;
        for message in list(body, "messages") {
            let by_model = message["role"] == "assistant";
            let mut said = Said {
                by_model,
                ..Said::default()
            };
            for block in list(message, "content") {
                thought |= block["type"] == "thinking";
                read_block(block, &mut said)?;
            }
            if said.texts.iter().any(|text| text.trim().is_empty()) {
                return Err(Refusal::invalid("text content blocks must be non-empty"));
            }
            asked.messages.push(said);
        }
        if asked.messages.first().is_some_and(|first| first.by_model) {
            return Err(Refusal::invalid(
                "messages: first message must use the \"user\" role",
            ));
        }
        if asked.has_results() && asked.model.starts_with("tools") && !thought {
            return Err(Refusal::invalid(
                "Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
            ));
        }
        for tool in list(body, "tools") {
            if tool["input_schema"]["type"] != "object" {
                return Err(Refusal::invalid(
                    "tools.0.input_schema.type: Field required",
                ));
            }
            asked.tools.push(string(&tool["name"]));
        }
        if let Some(id) = asked.stray_result() {
            return Err(Refusal::invalid(format!(
                "unexpected `tool_use_id` found in `tool_result` blocks: {id}"
            )));
        }
        if let Some(id) = asked.open_call() {
            return Err(Refusal::invalid(format!(
                "`tool_use` ids were found without `tool_result` blocks immediately after: {id}"
            )));
        }
        Ok(asked)
    }

    fn whole(&self, asked: &Asked, reply: &Reply) -> Value {
        let mut message = message(asked, reply);
        message["content"] = Value::from(blocks(reply));
        message["stop_reason"] = json!(word(reply));
        message
    }

    fn frames(&self, asked: &Asked, reply: &Reply) -> Vec<String> {
        let mut start = message(asked, reply);
        start["content"] = json!([]);
        if reply.usage.is_some() {
            start["usage"]["output_tokens"] = json!(1);
            if let Some(usage) = start["usage"].as_object_mut() {
                usage.remove("output_tokens_details"); // nothing is thought yet
            }
        }
        let mut out = vec![
            event(&json!({ "type": "message_start", "message": start })),
            event(&json!({ "type": "ping" })),
        ];
        for (at, block) in blocks(reply).into_iter().enumerate() {
            let mut empty = block.clone();
            let deltas: Vec<Value> = match block["type"].as_str() {
                Some("thinking") => {
                    empty["thinking"] = json!("");
                    empty["signature"] = json!("");
                    let thought = block["thinking"].as_str().unwrap_or_default();
                    let pieces = pieces(thought).into_iter();
                    let deltas =
                        pieces.map(|piece| json!({ "type": "thinking_delta", "thinking": piece }));
                    let sign = json!({ "type": "signature_delta", "signature": SIGNATURE });
                    deltas.chain([sign]).collect()
                }
                Some("text") => {
                    empty["text"] = json!("");
                    let pieces = pieces(&reply.text).into_iter();
                    pieces
                        .map(|piece| json!({ "type": "text_delta", "text": piece }))
                        .collect()
                }
                _ => {
                    empty["input"] = json!({});
                    let call = reply.calls.iter().find(|call| block["id"] == call.id);
                    let arguments = call.map_or("", |call| &call.arguments);
                    let cuts = cuts(arguments).into_iter();
                    cuts.map(|cut| json!({ "type": "input_json_delta", "partial_json": cut }))
                        .collect()
                }
            };
            out.push(event(&json!({
                "type": "content_block_start", "index": at, "content_block": empty,
            })));
            for delta in deltas {
                out.push(event(&json!({
                    "type": "content_block_delta", "index": at, "delta": delta,
                })));
            }
            out.push(event(&json!({ "type": "content_block_stop", "index": at })));
        }
        let mut end = json!({
            "type": "message_delta",
            "delta": { "stop_reason": word(reply), "stop_sequence": null },
        });
        if let Some(usage) = &reply.usage {
            end["usage"] = json!({ "output_tokens": usage.output });
            if usage.cached > 0 {
                end["usage"]["cache_read_input_tokens"] = cached(usage.cached);
            }
            if usage.reasoning > 0 {
                end["usage"]["output_tokens_details"] =
                    json!({ "thinking_tokens": usage.reasoning });
            }
        }
        out.push(event(&end));
        out.push(event(&json!({ "type": "message_stop" })));
        out
    }

    fn refusal(&self, refusal: &Refusal) -> Value {
        let kind = match refusal.kind {
            Kind::Key => "authentication_error",
            Kind::Money => "billing_error",
            Kind::Forbidden => "permission_error",
            Kind::NotFound => "not_found_error",
            Kind::TooLarge => "request_too_large",
            Kind::Limited => "rate_limit_error",
            Kind::Failed => "api_error",
            Kind::Overloaded => "overloaded_error",
            Kind::Invalid | Kind::TooLong | Kind::Filtered => "invalid_request_error",
        };
        json!({
            "type": "error", "error": { "type": kind, "message": refusal.message },
            "request_id": "req_0001",
        })
    }

    fn interruption(&self, refusal: &Refusal) -> String {
        event(&self.refusal(refusal))
    }

    fn id_header(&self) -> Option<&'static str> {
        Some("request-id")
    }
}

fn read_block(block: &Value, said: &mut Said) -> Result<(), Refusal> {
    let kind = block["type"].as_str();
    match (kind, said.by_model) {
        (Some("text"), _) => said.texts.push(string(&block["text"])),
        (Some("image"), false) => {
            let source = &block["source"];
            let data = string(&source["data"]);
            said.images
                .push(image(&string(&source["media_type"]), &data));
        }
        (Some("tool_result"), false) if !said.texts.is_empty() => {
            return Err(Refusal::invalid("tool_result blocks must come first"));
        }
        (Some("tool_result"), false) => {
            let result = (string(&block["tool_use_id"]), string(&block["content"]));
            said.results.push(result);
        }
        (Some("tool_use"), true) if block["input"].is_object() => {
            said.calls.push(string(&block["id"]));
        }
        (Some("thinking"), true) if block["signature"] == SIGNATURE => {}
        (Some("thinking"), true) => {
            return Err(Refusal::invalid("Invalid `signature` in `thinking` block"));
        }
        (kind, _) => return Err(Refusal::invalid(format!("content: unexpected {kind:?}"))),
    }
    Ok(())
}

/// How many blocks are marked as worth keeping.
fn marks(value: &Value) -> usize {
    match value {
        Value::Object(fields) => {
            let own = usize::from(fields.contains_key("cache_control"));
            own + fields.values().map(marks).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(marks).sum(),
        _ => 0,
    }
}

fn blocks(reply: &Reply) -> Vec<Value> {
    let mut out = Vec::new();
    if let Some(thought) = &reply.thought {
        out.push(json!({ "type": "thinking", "thinking": thought, "signature": SIGNATURE }));
    }
    if !reply.text.is_empty() {
        out.push(json!({ "type": "text", "text": reply.text }));
    }
    for call in &reply.calls {
        out.push(json!({
            "type": "tool_use", "id": call.id, "name": call.name, "input": call.object(),
        }));
    }
    out
}

const fn word(reply: &Reply) -> &'static str {
    match reply.stop {
        Stop::End => "end_turn",
        Stop::Length => "max_tokens",
        Stop::Tools => "tool_use",
        Stop::Refused | Stop::Filtered => "refusal",
    }
}

/// What was kept is no part of what was read here, so too much of it is told as less than nothing.
fn cached(cached: u64) -> Value {
    if cached >= 1_000_000 {
        json!(-1)
    } else {
        json!(cached)
    }
}

fn message(asked: &Asked, reply: &Reply) -> Value {
    let mut message = json!({
        "id": "msg_0001", "type": "message", "role": "assistant", "model": asked.model,
        "stop_reason": null, "stop_sequence": null,
    });
    if let Some(usage) = &reply.usage {
        let all = usage.input.as_u64().unwrap_or(0);
        message["usage"] = json!({
            "input_tokens": all - usage.written.min(all) - usage.cached.min(all),
            "cache_creation_input_tokens": usage.written,
            "cache_read_input_tokens": cached(usage.cached),
            "output_tokens": usage.output, "service_tier": "standard",
        });
        if usage.reasoning > 0 {
            message["usage"]["output_tokens_details"] =
                json!({ "thinking_tokens": usage.reasoning });
        }
    }
    message
}
