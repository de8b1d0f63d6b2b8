//! What a gateway says of a turn: in the answer to who waits for it, in the answer to who asked
//! for it, and in the history of its session, which is the turn's own.

use serde_json::Value;

use super::super::answer::{Answer, Stop, Usage};
use super::super::collect::count;
use super::super::endpoint::Endpoint;
use super::super::error::{Broken, Failure, RetryAfter};
use super::super::formats::Complaint;
use super::super::request::Part;
use super::link::Trouble;

/// Characters of the id of a request for admission.
const REQUEST_ID_MAX: usize = 128;

/// What the history of a turn's session says.
pub(super) enum Found {
    /// Nobody ever asked for the turn.
    Nothing,
    /// It is under way.
    Working,
    /// It was asked for, nobody is at it, and there is no answer.
    Idle,
    /// It is done.
    Answered(Outcome),
}

/// What came of a turn, as far as was said.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub text: Option<String>,
    pub usage: Option<Usage>,
    pub model: Option<String>,
    pub stop: Option<String>,
}

impl Outcome {
    /// What is said here, and elsewhere where nothing is said here.
    pub fn or(self, other: Self) -> Self {
        Self {
            text: self.text.or(other.text),
            usage: self.usage.or(other.usage),
            model: self.model.or(other.model),
            stop: self.stop.or(other.stop),
        }
    }

    pub fn answer(self, run: &str) -> Answer {
        let text = self.text.unwrap_or_default();
        Answer {
            parts: (!text.is_empty())
                .then_some(Part::Text(text))
                .into_iter()
                .collect(),
            stop: match self.stop.as_deref() {
                Some("length" | "max_tokens" | "maxTokens") => Stop::Length,
                Some("refusal") => Stop::Refused,
                _ => Stop::End,
            },
            usage: self.usage,
            model: self.model.map(|model| short(&model)),
            provider_request_id: Some(short(run)),
        }
    }
}

/// The payload of `agent.wait` where the turn is done.
pub(super) fn waited(payload: &Value) -> Outcome {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    Outcome {
        text: text("/terminalReply/text").map(str::to_owned),
        usage: None,
        model: text("/terminalReceipt/effective/responseModel")
            .or_else(|| text("/terminalReceipt/effective/model"))
            .map(str::to_owned),
        stop: text("/stopReason").map(str::to_owned),
    }
}

/// The last answer to `agent`: what the turn came to.
pub(super) fn last(payload: &Value) -> Result<Outcome, Failure> {
    let pieces = payload
        .pointer("/result/payloads")
        .and_then(Value::as_array);
    let pieces: Vec<&str> = pieces
        .into_iter()
        .flatten()
        .filter(|piece| piece["isError"] != true && piece["isReasoning"] != true)
        .filter_map(|piece| piece["text"].as_str())
        .collect();
    let meta = payload.pointer("/result/meta/agentMeta");
    let usage = meta.and_then(|meta| meta.get("usage"));
    let model = meta.and_then(|meta| meta["model"].as_str());
    Ok(Outcome {
        text: (!pieces.is_empty()).then(|| pieces.join("\n\n")),
        usage: usage.map(used).transpose()?.flatten(),
        model: model.map(str::to_owned),
        stop: None,
    })
}

/// What `chat.history` gives of the turn's session.
pub(super) fn found(payload: &Value) -> Result<Found, Failure> {
    let list = |pointer: &str| {
        let list = payload.pointer(pointer).and_then(Value::as_array);
        list.map_or(&[][..], Vec::as_slice)
    };
    let (said, waiting) = (list("/messages"), list("/pendingInputs/items"));
    let active = payload.pointer("/sessionInfo/hasActiveRun");
    let active = active.and_then(Value::as_bool);
    let queued = waiting.iter().any(|input| input["state"] == "queued");
    if active == Some(true) || queued {
        return Ok(Found::Working);
    }
    // Gateways of protocol 3 don't say whether somebody is at it.
    let unanswered = match active {
        Some(false) => Found::Idle,
        _ => Found::Working,
    };
    let Some(last) = said.last() else {
        return Ok(if waiting.is_empty() {
            Found::Nothing
        } else {
            unanswered
        });
    };
    // Before it calls a tool it has said something, too, which isn't the end.
    let ended = matches!(
        last["stopReason"].as_str(),
        None | Some("stop" | "end" | "end_turn" | "endTurn" | "length")
    );
    let text = words(last);
    if last["role"] != "assistant" || !ended || text.is_empty() {
        return Ok(unanswered);
    }
    Ok(Found::Answered(Outcome {
        text: Some(text),
        usage: all_used(said, payload["hasMore"] == true)?,
        model: last["model"].as_str().map(str::to_owned),
        stop: last["stopReason"].as_str().map(str::to_owned),
    }))
}

fn words(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| part["type"] == "text");
            let texts: Vec<&str> = texts.filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// What all answers of the session's models used: the session is this turn's alone. None where one
/// of them doesn't say, or not all are there.
fn all_used(said: &[Value], more: bool) -> Result<Option<Usage>, Failure> {
    let mut sum = Usage::default();
    for message in said.iter().filter(|message| message["role"] == "assistant") {
        match used(&message["usage"])? {
            Some(one) if !more => {
                sum.input += one.input;
                sum.cached_input += one.cached_input;
                sum.cache_write += one.cache_write;
                sum.output += one.output;
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(sum))
}

/// Figures of tokens; `input` is what was neither read from a cache nor written to one.
fn used(usage: &Value) -> Result<Option<Usage>, Failure> {
    let field = |name: &str| count(usage.get(name));
    let (Some(fresh), Some(output)) = (field("input")?, field("output")?) else {
        return Ok(None);
    };
    let cached_input = field("cacheRead")?.unwrap_or_default();
    let cache_write = field("cacheWrite")?.unwrap_or_default();
    Ok(Some(Usage {
        input: fresh + cached_input + cache_write,
        cached_input,
        cache_write,
        output,
        reasoning: 0,
    }))
}

/// Why a turn failed, in the words of the gateway.
pub(super) fn failed(payload: &Value, endpoint: &Endpoint) -> Failure {
    let said = ["error", "summary", "stopReason"];
    let said = said.iter().find_map(|name| payload[*name].as_str());
    let complaint = Complaint::new(&[], said);
    complaint.interruption(endpoint.shown(said.unwrap_or("the turn failed, and nobody says why")))
}

/// What a refusal of a request means.
pub(super) fn refused(error: &Value, endpoint: &Endpoint) -> Trouble {
    let text = |pointer: &str| error.pointer(pointer).and_then(Value::as_str);
    let said = endpoint.shown(text("/message").unwrap_or("it doesn't say why"));
    let (code, detail) = (
        text("/code").unwrap_or_default(),
        text("/details/code").unwrap_or_default(),
    );
    if code == "NOT_PAIRED" || detail == "PAIRING_REQUIRED" {
        return unknown_device(text("/details/requestId")).into();
    }
    if detail == "PROTOCOL_MISMATCH" || said.contains("protocol mismatch") {
        let theirs = error.pointer("/details/expectedProtocol");
        return mismatch(theirs.and_then(Value::as_u64)).into();
    }
    let is_about_access = code == "FORBIDDEN"
        || code == "UNAUTHORIZED"
        || detail.starts_with("AUTH_")
        || detail.starts_with("DEVICE_AUTH_")
        || detail == "MISSING_SCOPE"
        || said.starts_with("unauthorized");
    if is_about_access {
        return Failure::Refused { said }.into();
    }
    let wait = error["retryAfterMs"].as_u64();
    let retry_after = wait.map(|ms| RetryAfter::In(std::time::Duration::from_millis(ms)));
    if code == "UNAVAILABLE" || error["retryable"] == true {
        return Trouble::passing(Failure::Overloaded { retry_after, said });
    }
    Complaint::new(&[], Some(&said))
        .known_or(Failure::BadRequest { said })
        .into()
}

fn unknown_device(request: Option<&str>) -> Failure {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let id: Option<String> = request
        .filter(|id| id.len() <= REQUEST_ID_MAX && id.chars().all(plain))
        .map(str::to_owned);
    let how = id.map_or_else(
        || "`openclaw devices list` shows it there".to_owned(),
        |id| format!("let it in there: openclaw devices approve {id}"),
    );
    let why = format!("the gateway doesn't know this naos yet; {how}");
    Failure::Forbidden { why }
}

/// The gateway speaks another protocol.
pub(super) fn mismatch(theirs: Option<u64>) -> Failure {
    let theirs = theirs.map_or_else(|| "another protocol".into(), |n| format!("protocol {n}"));
    Failure::BadRequest {
        said: format!("the gateway speaks {theirs}, naos speaks 3 and 4"),
    }
}

/// The gateway was asked for a turn and doesn't know of it any more.
pub(super) fn lost() -> Failure {
    let what = "the gateway has neither the turn that it took nor an answer to it";
    Failure::Broken(Broken::Shape(what.into()))
}

fn short(text: &str) -> String {
    let clean = text.chars().filter(|c| !c.is_control());
    clean.take(super::NAME_CHARS_MAX).collect()
}
