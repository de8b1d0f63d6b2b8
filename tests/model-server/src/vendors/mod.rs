//! The providers, one file each.

mod anthropic;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;

use serde_json::Value;

use crate::asked::{Asked, Refusal};
use crate::reply::Reply;

/// What comes with a body.
pub struct Head<'h> {
    pub path: &'h str,
    pub headers: &'h [(String, String)],
}

impl Head<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name)?;
        Some(&found.1)
    }

    pub fn bearer(&self) -> Option<String> {
        let key = self.header("authorization")?.strip_prefix("Bearer ")?;
        Some(key.to_owned())
    }
}

/// How a provider speaks.
pub trait Vendor: Send + Sync {
    /// What is asked, or why the provider would refuse it.
    fn read(&self, head: &Head<'_>, body: &Value) -> Result<Asked, Refusal>;
    /// An answer in one piece.
    fn whole(&self, asked: &Asked, reply: &Reply) -> Value;
    /// An answer in pieces, each as it stands on the wire.
    fn frames(&self, asked: &Asked, reply: &Reply) -> Vec<String>;
    /// The body of a refusal.
    fn refusal(&self, refusal: &Refusal) -> Value;
    /// A complaint in the middle of a stream.
    fn interruption(&self, refusal: &Refusal) -> String {
        data(&self.refusal(refusal))
    }
    /// The media type of a stream.
    fn stream_type(&self) -> &'static str {
        "text/event-stream"
    }
    /// The header under which a request's id is told.
    fn id_header(&self) -> Option<&'static str> {
        None
    }
}

/// The provider that answers at a path.
pub fn vendor(path: &str) -> Option<&'static dyn Vendor> {
    let path = path.split('?').next().unwrap_or(path);
    match path {
        "/v1/chat/completions" => Some(&openai_chat::OpenAiChat),
        "/v1/responses" => Some(&openai_responses::OpenAiResponses),
        "/v1/messages" => Some(&anthropic::Anthropic),
        "/api/chat" => Some(&ollama::Ollama),
        _ if path.starts_with("/v1beta/models/") => Some(&gemini::Gemini),
        _ => None,
    }
}

/// An event without a name.
fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event with one.
fn event(value: &Value) -> String {
    let name = value["type"].as_str().unwrap_or("message");
    format!("event: {name}\ndata: {value}\n\n")
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Keys that the provider doesn't know are refused, as it does.
fn only(body: &Value, known: &[&str]) -> Result<(), Refusal> {
    let Some(fields) = body.as_object() else {
        return Err(Refusal::invalid("The body is not a JSON object."));
    };
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::invalid(format!(
            "{key}: Extra inputs are not permitted"
        ))),
        None => Ok(()),
    }
}

fn list<'v>(body: &'v Value, key: &str) -> &'v [Value] {
    body[key].as_array().map_or(&[], Vec::as_slice)
}

/// `image/png, 67 bytes`, from base64.
fn image(media_type: &str, base64: &str) -> String {
    let padding = base64
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'=')
        .count();
    let bytes = (base64.len() / 4 * 3).saturating_sub(padding);
    format!("{media_type}, {bytes} bytes")
}

fn data_image(url: &str) -> Result<String, Refusal> {
    let parts = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    let (media_type, base64) = parts.ok_or_else(|| Refusal::invalid("Invalid image URL."))?;
    Ok(image(media_type, base64))
}
