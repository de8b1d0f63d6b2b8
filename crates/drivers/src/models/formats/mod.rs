//! The formats, one file each. Adding one is a file here and a line in [`wire`].

mod anthropic;
mod complaint;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub use complaint::Complaint;

use super::collect::Collector;
use super::endpoint::{Endpoint, Format, Secret};
use super::error::Failure;
use super::request::{Image, Request};

/// How a stream is cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events, with JSON as data.
    Events,
    /// A JSON value in each line.
    Lines,
}

/// Whether more of a stream is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It goes on.
    More,
    /// That was the last of it.
    Done,
}

/// What to send, without what every format has.
pub struct Call {
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

/// Why a piece of an answer is none.
pub enum Fault {
    /// It isn't what the format has, or goes over a limit.
    Failure(Failure),
    /// The provider complains instead of answering.
    Complaint(Complaint),
}

impl Fault {
    /// What it means for whoever asked.
    pub fn failure(self, endpoint: &Endpoint) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Complaint(complaint) => {
                complaint.interruption(endpoint.shown(&complaint.message))
            }
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// One format.
pub trait Wire: Send + Sync {
    /// A request in this format's words.
    fn call(&self, endpoint: &Endpoint, request: &Request) -> Result<Call, Failure>;

    /// How streams are cut into pieces.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// Whether a stream that says no more, though it said why the model stopped, is cut.
    fn says_when_done(&self) -> bool {
        true
    }

    /// An answer that came in one piece.
    fn whole(&self, value: &Value, out: &mut Collector<'_>) -> Result<(), Fault>;

    /// One piece of a stream.
    fn piece(&self, value: &Value, out: &mut Collector<'_>) -> Result<Flow, Fault>;

    /// What the body of a refusal says.
    fn complaint(&self, value: &Value) -> Option<Complaint>;
}

/// The format of an endpoint that takes one request for one answer; an engine takes more.
pub fn wire(format: Format) -> Option<&'static dyn Wire> {
    Some(match format {
        Format::OpenAiChat => &openai_chat::OpenAiChat { compatible: false },
        Format::OpenAiCompatible => &openai_chat::OpenAiChat { compatible: true },
        Format::OpenAiResponses => &openai_responses::OpenAiResponses,
        Format::Anthropic => &anthropic::Anthropic,
        Format::Gemini => &gemini::Gemini,
        Format::Ollama => &ollama::Ollama,
        Format::OpenClaw => return None,
    })
}

pub fn bearer(endpoint: &Endpoint) -> Vec<(&'static str, String)> {
    let key = endpoint.key.as_ref().map(Secret::reveal);
    key.map(|key| ("authorization", format!("Bearer {key}")))
        .into_iter()
        .collect()
}

fn base64(image: &Image) -> String {
    STANDARD.encode(&image.bytes)
}

fn data_url(image: &Image) -> String {
    format!("data:{};base64,{}", image.media_type, base64(image))
}

/// Sets a field if there is something to set it to.
fn set(fields: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Value::Object(fields), Some(value)) = (fields, value) {
        fields.insert(name.to_owned(), value.into());
    }
}

fn list(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then_some(Value::Array(values))
}

/// `0.7`, not `0.699999988079071`.
fn number(number: f32) -> Value {
    let text = number.to_string();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}
