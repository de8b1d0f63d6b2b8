//! Ollama's chat.

use serde_json::{Value, json};

use super::{Head, Vendor, image, list, only, string};
use crate::asked::{Asked, Refusal, Said};
use crate::reply::{Reply, Stop, pieces};

pub struct Ollama;

const KNOWN: &[&str] = &[
    "model",
    "messages",
    "tools",
    "format",
    "options",
    "stream",
    "keep_alive",
    "think",
];

impl Vendor for Ollama {
    fn read(&self, head: &Head<'_>, body: &Value) -> Result<Asked, Refusal> {
        only(body, KNOWN)?;
        let mut asked = Asked {
            model: string(&body["model"]),
            stream: body["stream"] != false,
            wants_usage: true,
            key: head.bearer(),
            ..Asked::default()
        };
        for message in list(body, "messages") {
            let content = string(&message["content"]);
            match message["role"].as_str() {
                Some("system") => asked.system = content,
                Some("tool") => {
                    let id = string(&message["tool_call_id"]);
                    match asked.messages.last_mut() {
                        Some(said) if !said.by_model => said.results.push((id, content)),
                        _ => asked.messages.push(Said {
                            results: vec![(id, content)],
                            ..Said::default()
                        }),
                    }
                }
                Some("user" | "assistant") => {
                    let mut said = Said {
                        by_model: message["role"] == "assistant",
                        texts: vec![content],
                        ..Said::default()
                    };
                    for picture in list(message, "images") {
                        said.images.push(image("image", &string(picture)));
                    }
                    for call in list(message, "tool_calls") {
                        if !call["function"]["arguments"].is_object() {
                            let what = "json: cannot unmarshal string into Go struct field";
                            return Err(Refusal::invalid(what));
                        }
                        said.calls.push(string(&call["id"]));
                    }
                    asked.messages.push(said);
                }
                role => return Err(Refusal::invalid(format!("invalid role: {role:?}"))),
            }
        }
        for tool in list(body, "tools") {
            asked.tools.push(string(&tool["function"]["name"]));
        }
        Ok(asked)
    }

    fn whole(&self, asked: &Asked, reply: &Reply) -> Value {
        let mut message = json!({ "role": "assistant", "content": reply.text });
        if let Some(thought) = &reply.thought {
            message["thinking"] = json!(thought);
        }
        let calls = calls(reply);
        if !calls.is_empty() {
            message["tool_calls"] = Value::from(calls);
        }
        let mut answer = ended(asked, reply);
        answer["message"] = message;
        answer
    }

    fn frames(&self, asked: &Asked, reply: &Reply) -> Vec<String> {
        let line = |message: Value| {
            let line = json!({
                "model": asked.model, "created_at": "2026-11-27T09:00:00.000000001Z",
                "message": message, "done": false,
            });
            format!("{line}\n")
        };
        let mut out = Vec::new();
        for piece in reply.thought.iter().flat_map(|thought| pieces(thought)) {
            out.push(line(
                json!({ "role": "assistant", "content": "", "thinking": piece }),
            ));
        }
        for piece in pieces(&reply.text) {
            out.push(line(json!({ "role": "assistant", "content": piece })));
        }
        for call in calls(reply) {
            out.push(line(
                json!({ "role": "assistant", "content": "", "tool_calls": [call] }),
            ));
        }
        let mut end = ended(asked, reply);
        end["message"] = json!({ "role": "assistant", "content": "" });
        out.push(format!("{end}\n"));
        out
    }

    fn refusal(&self, refusal: &Refusal) -> Value {
        json!({ "error": refusal.message })
    }

    fn interruption(&self, refusal: &Refusal) -> String {
        format!("{}\n", self.refusal(refusal))
    }

    fn stream_type(&self) -> &'static str {
        "application/x-ndjson"
    }
}

fn calls(reply: &Reply) -> Vec<Value> {
    let calls = reply.calls.iter().enumerate().map(|(at, call)| {
        json!({ "id": call.id, "function": {
            "index": at, "name": call.name, "arguments": call.object(),
        }})
    });
    calls.collect()
}

fn ended(asked: &Asked, reply: &Reply) -> Value {
    let word = if reply.stop == Stop::Length {
        "length"
    } else {
        "stop"
    };
    let mut answer = json!({
        "model": asked.model, "created_at": "2026-11-27T09:00:00.000000002Z",
        "done": true, "done_reason": word, "total_duration": 4_883_583_458_u64,
        "load_duration": 1_334_875, "prompt_eval_duration": 342_546_000,
        "eval_duration": 4_535_599_000_u64,
    });
    if let Some(usage) = &reply.usage {
        answer["prompt_eval_count"] = if usage.cached > 0 {
            json!(-1)
        } else {
            usage.input.clone()
        };
        answer["eval_count"] = usage.output.clone();
    }
    answer
}
