//! Google's contents.

use serde_json::{Value, json};

use super::{Head, Vendor, data, image, list, only, string};
use crate::asked::{Asked, Kind, Refusal, Said};
use crate::reply::{Reply, Stop, pieces};

pub struct Gemini;

const KNOWN: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
];
const SIGNATURE: &str = "c2lnbmVk";

impl Vendor for Gemini {
    fn read(&self, head: &Head<'_>, body: &Value) -> Result<Asked, Refusal> {
        only(body, KNOWN)?;
        let name = head.path.trim_start_matches("/v1beta/models/");
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        let (model, what) = name.rsplit_once(':').unwrap_or((name, ""));
        let stream = match (what, query) {
            ("generateContent", _) => false,
            ("streamGenerateContent", "alt=sse") => true,
            _ => return Err(Refusal::invalid("There is no such method.")),
        };
        let mut asked = Asked {
            // Its names have neither colon nor comma, so others stand for them.
            model: model.replace("--", ":").replace('@', ","),
            stream,
            wants_usage: true,
            key: head.header("x-goog-api-key").map(str::to_owned),
            ..Asked::default()
        };
        for part in list(&body["systemInstruction"], "parts") {
            asked.system += part["text"].as_str().unwrap_or_default();
        }
        for content in list(body, "contents") {
            let mut said = Said {
                by_model: content["role"] == "model",
                ..Said::default()
            };
            for part in list(content, "parts") {
                read_part(part, &mut said)?;
            }
            asked.messages.push(said);
        }
        for tool in list(body, "tools") {
            for declared in list(tool, "functionDeclarations") {
                asked.tools.push(string(&declared["name"]));
            }
        }
        if let Some(id) = asked.stray_result().or_else(|| asked.open_call()) {
            return Err(Refusal::invalid(format!(
                "Please ensure that the number of function response parts is equal to the number \
                 of function call parts of the function call turn. ({id})"
            )));
        }
        Ok(asked)
    }

    fn whole(&self, asked: &Asked, reply: &Reply) -> Value {
        chunk(asked, reply, parts(reply), true)
    }

    fn frames(&self, asked: &Asked, reply: &Reply) -> Vec<String> {
        let mut out = Vec::new();
        for part in parts(reply) {
            let words = part["text"].as_str().unwrap_or_default().to_owned();
            if part.get("functionCall").is_some() || words.is_empty() {
                out.push(data(&chunk(asked, reply, vec![part], false)));
                continue;
            }
            for piece in pieces(&words) {
                let mut small = part.clone();
                small["text"] = json!(piece);
                out.push(data(&chunk(asked, reply, vec![small], false)));
            }
        }
        let end = json!({ "text": "" });
        out.push(data(&chunk(asked, reply, vec![end], true)));
        out
    }

    fn refusal(&self, refusal: &Refusal) -> Value {
        let (status, word) = match refusal.kind {
            Kind::Key => (400, "INVALID_ARGUMENT"),
            Kind::Money | Kind::Limited => (429, "RESOURCE_EXHAUSTED"),
            Kind::Forbidden => (403, "PERMISSION_DENIED"),
            Kind::NotFound => (404, "NOT_FOUND"),
            Kind::Failed => (500, "INTERNAL"),
            Kind::Overloaded => (503, "UNAVAILABLE"),
            _ => (refusal.status, "INVALID_ARGUMENT"),
        };
        let mut error = json!({ "code": status, "message": refusal.message, "status": word });
        match refusal.kind {
            Kind::Key => {
                error["details"] = json!([{
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID", "domain": "googleapis.com",
                }]);
            }
            Kind::Limited => {
                error["details"] = json!([
                    { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [] },
                    { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s" },
                ]);
            }
            _ => {}
        }
        json!({ "error": error })
    }
}

fn read_part(part: &Value, said: &mut Said) -> Result<(), Refusal> {
    if let Some(call) = part.get("functionCall") {
        let is_first = said.calls.is_empty();
        if is_first && part["thoughtSignature"] != SIGNATURE {
            return Err(Refusal::invalid(format!(
                "Function call is missing a thought_signature in functionCall parts: {}",
                call["name"]
            )));
        }
        if !call["args"].is_object() {
            return Err(Refusal::invalid("args: expected an object"));
        }
        said.calls.push(string(&call["id"]));
    } else if let Some(result) = part.get("functionResponse") {
        let response = &result["response"];
        let text = response["output"]
            .as_str()
            .or_else(|| response["error"].as_str());
        let text = text.unwrap_or_default().to_owned();
        said.results.push((string(&result["id"]), text));
    } else if let Some(inline) = part.get("inlineData") {
        let data = string(&inline["data"]);
        said.images.push(image(&string(&inline["mimeType"]), &data));
    } else if part["thought"] != true {
        let text = string(&part["text"]);
        if !text.is_empty() {
            said.texts.push(text);
        }
    }
    Ok(())
}

fn parts(reply: &Reply) -> Vec<Value> {
    let mut out = Vec::new();
    if let Some(thought) = &reply.thought {
        out.push(json!({ "text": thought, "thought": true }));
    }
    if !reply.text.is_empty() {
        out.push(json!({ "text": reply.text }));
    }
    for (at, call) in reply.calls.iter().enumerate() {
        let mut part = json!({ "functionCall": {
            "id": call.id, "name": call.name, "args": call.object(),
        }});
        if at == 0 {
            part["thoughtSignature"] = json!(SIGNATURE); // the first of a turn only
        }
        out.push(part);
    }
    out
}

fn chunk(asked: &Asked, reply: &Reply, parts: Vec<Value>, is_last: bool) -> Value {
    let word = match reply.stop {
        Stop::End | Stop::Tools => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Refused | Stop::Filtered => "SAFETY",
    };
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if is_last {
        candidate["finishReason"] = json!(word);
    }
    let mut chunk = json!({
        "candidates": [candidate], "modelVersion": asked.model, "responseId": "resp-0001",
    });
    if let Some(usage) = &reply.usage {
        let written = usage.output.as_u64().map_or_else(
            || usage.output.clone(),
            |output| json!(output - usage.reasoning.min(output)),
        );
        chunk["usageMetadata"] = json!({
            "promptTokenCount": usage.input, "totalTokenCount": usage.total(),
        });
        if is_last {
            let told = &mut chunk["usageMetadata"];
            told["candidatesTokenCount"] = written;
            if usage.reasoning > 0 {
                told["thoughtsTokenCount"] = json!(usage.reasoning);
            }
            if usage.cached > 0 {
                told["cachedContentTokenCount"] = json!(usage.cached);
            }
        }
    }
    chunk
}
