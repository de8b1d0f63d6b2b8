//! Google's contents.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::answer::{Stop, Usage};
use super::super::collect::{Collector, count, shape};
use super::super::endpoint::{Endpoint, Secret};
use super::super::error::{Failure, RetryAfter};
use super::super::request::{Message, Part, Request, Role, ToolCall};
use super::{Call, Complaint, Fault, Flow, Wire, base64, items, list, number, set, text};

/// What stands for the signature of a call that another model made.
const FOREIGN: &str = "skip_thought_signature_validator";

pub struct Gemini;

impl Wire for Gemini {
    fn call(&self, endpoint: &Endpoint, request: &Request) -> Result<Call, Failure> {
        let model = request.model.trim_start_matches("models/");
        // The name becomes a part of the path.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._@".contains(c);
        if !model.chars().all(plain) || model.contains("..") {
            let said = format!("{model:?} is no name of a model here");
            return Err(Failure::BadRequest { said });
        }
        let contents: Vec<Value> = request
            .messages
            .iter()
            .map(|message| say(message, wants_signatures(model)))
            .collect();
        let mut body = json!({ "contents": contents });
        let system = request.all_system();
        let system = system.map(|system| json!({ "parts": [{ "text": system }] }));
        set(&mut body, "systemInstruction", system);
        let tools = request.tools.iter().map(|tool| {
            json!({
                "name": tool.name, "description": tool.description,
                "parametersJsonSchema": tool.schema,
            })
        });
        let tools = list(tools.collect());
        let tools = tools.map(|tools| json!([{ "functionDeclarations": tools }]));
        set(&mut body, "tools", tools);
        let mut how = json!({ "maxOutputTokens": request.max_output_tokens });
        set(&mut how, "temperature", request.temperature.map(number));
        let stop = request.stop.iter().cloned().map(Value::from).collect();
        set(&mut how, "stopSequences", list(stop));
        if let Some(form) = &request.output_schema {
            set(&mut how, "responseMimeType", Some("application/json"));
            set(&mut how, "responseJsonSchema", Some(form.schema.clone()));
        }
        set(&mut body, "generationConfig", Some(how));
        let what = if request.stream {
            "streamGenerateContent?alt=sse"
        } else {
            "generateContent"
        };
        let key = endpoint.key.as_ref().map(Secret::reveal);
        Ok(Call {
            path: format!("/models/{model}:{what}"),
            headers: key
                .map(|key| ("x-goog-api-key", key.to_owned()))
                .into_iter()
                .collect(),
            body,
        })
    }

    fn says_when_done(&self) -> bool {
        false // The last piece says why it stopped, and nothing follows it.
    }

    fn whole(&self, value: &Value, out: &mut Collector<'_>) -> Result<(), Fault> {
        self.piece(value, out)?;
        if !out.has_stopped() {
            return Err(shape("it has no candidate that has ended").into());
        }
        Ok(())
    }

    fn piece(&self, value: &Value, out: &mut Collector<'_>) -> Result<Flow, Fault> {
        if let Some(complaint) = self.complaint(value) {
            return Err(Fault::Complaint(complaint));
        }
        out.is_known_by(text(value, "/responseId"));
        out.names_itself(text(value, "/modelVersion"));
        used(value.get("usageMetadata"), out)?;
        if text(value, "/promptFeedback/blockReason").is_some() {
            out.stops(Stop::Filtered);
        }
        for part in items(value, "/candidates/0/content/parts") {
            let signature = text(part, "/thoughtSignature").map(signed);
            if let Some(call) = part.get("functionCall") {
                let (id, name) = (text(call, "/id"), text(call, "/name"));
                out.whole_call(id, name, call.get("args"), signature)?;
                continue;
            }
            let words = text(part, "/text").unwrap_or_default();
            if part.get("thought").and_then(Value::as_bool) == Some(true) {
                out.reasoning(words)?;
            } else {
                out.text(words)?;
            }
            if let Some(signature) = signature {
                out.opaque(signature)?;
            }
        }
        let stop = match text(value, "/candidates/0/finishReason") {
            None | Some("FINISH_REASON_UNSPECIFIED") => return Ok(Flow::More),
            Some("STOP") => Stop::End,
            Some("MAX_TOKENS") => Stop::Length,
            Some(
                "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE",
            ) => Stop::Filtered,
            Some(other) => Stop::Other(other.to_owned()),
        };
        out.stops(stop);
        Ok(Flow::More)
    }

    fn complaint(&self, value: &Value) -> Option<Complaint> {
        // A stream that fails at once may answer with a list.
        let value = value.get(0).unwrap_or(value);
        let error = value.get("error").filter(|error| !error.is_null())?;
        let details = items(error, "/details");
        let reason = details.iter().find_map(|detail| text(detail, "/reason"));
        let words = [text(error, "/status"), reason];
        let message = error.as_str().or_else(|| text(error, "/message"));
        let mut complaint = Complaint::new(&words, message);
        let wait = details
            .iter()
            .find_map(|detail| text(detail, "/retryDelay"));
        complaint.retry_after = wait.and_then(seconds);
        Some(complaint)
    }
}

/// `"34s"`, `"1.5s"`.
fn seconds(text: &str) -> Option<RetryAfter> {
    let seconds = text.strip_suffix('s')?.parse::<f64>().ok()?;
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    Some(RetryAfter::In(wait))
}

fn signed(signature: &str) -> Value {
    json!({ "type": "thought_signature", "signature": signature })
}

fn signature(opaque: Option<&Value>) -> Option<&str> {
    let opaque = opaque.filter(|opaque| opaque["type"] == "thought_signature")?;
    text(opaque, "/signature")
}

/// From the third generation on a call without its signature is refused.
fn wants_signatures(model: &str) -> bool {
    let generation = model.strip_prefix("gemini-").map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap_or(0)
    });
    generation.is_some_and(|generation| generation >= 3)
}

fn say(message: &Message, wants_signatures: bool) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "model",
    };
    let mut is_first = true;
    let mut parts = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text(text) => parts.push(json!({ "text": text })),
            Part::Image(image) => parts.push(json!({ "inlineData": {
                "mimeType": image.media_type, "data": base64(image),
            }})),
            Part::ToolCall(call) => {
                parts.push(called(call, is_first && wants_signatures));
                is_first = false;
            }
            Part::ToolResult(result) => {
                let key = if result.is_error { "error" } else { "output" };
                parts.push(json!({ "functionResponse": {
                    "id": result.id, "name": result.name, "response": { key: result.text },
                }}));
            }
            Part::Reasoning(reasoning) => {
                if let Some(signature) = signature(reasoning.opaque.as_ref()) {
                    let mut part = json!({ "text": reasoning.text });
                    let is_thought = !reasoning.text.is_empty();
                    set(&mut part, "thought", is_thought.then_some(true));
                    set(&mut part, "thoughtSignature", Some(signature));
                    parts.push(part);
                }
            }
        }
    }
    if parts.is_empty() {
        parts.push(json!({ "text": "" }));
    }
    json!({ "role": role, "parts": parts })
}

fn called(call: &ToolCall, must_be_signed: bool) -> Value {
    let mut part = json!({ "functionCall": {
        "id": call.id, "name": call.name, "args": call.arguments.object(),
    }});
    let own = signature(call.opaque.as_ref());
    let signature = own.or_else(|| must_be_signed.then_some(FOREIGN));
    set(&mut part, "thoughtSignature", signature);
    part
}

fn used(usage: Option<&Value>, out: &mut Collector<'_>) -> Result<(), Failure> {
    let Some(usage) = usage.filter(|usage| !usage.is_null()) else {
        return Ok(());
    };
    let figure = |name| count(usage.get(name)).map(Option::unwrap_or_default);
    let Some(prompt) = count(usage.get("promptTokenCount"))? else {
        return Ok(());
    };
    let thoughts = figure("thoughtsTokenCount")?;
    out.used(Usage {
        input: prompt + figure("toolUsePromptTokenCount")?,
        cached_input: figure("cachedContentTokenCount")?,
        cache_write: 0,
        output: figure("candidatesTokenCount")? + thoughts,
        reasoning: thoughts,
    })
}
