//! Language models: one call, in whichever format its provider speaks.
//!
//! [`ask`] sends a [`Request`] to an [`Endpoint`], hands on the pieces of the answer as they come
//! and gives back all of it. It sends once: whether and when to send again is
//! [`retry::next`]'s to say and the caller's to do. What a call may cost and did cost is
//! reckoned in [`price`].

mod answer;
mod collect;
mod embed;
mod endpoint;
mod error;
mod form;
mod formats;
mod gateway;
pub mod price;
mod request;
pub mod retry;
mod stream;
pub mod tokens;

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

pub use answer::{Answer, Delta, Stop, TOKENS_MAX, Usage};
pub use collect::{CALLS_MAX, Each};
pub use embed::{DIMENSIONS_MAX, Embedded, embed};
pub use endpoint::{Endpoint, Format, Limits, SAID_CHARS_MAX, Secret, TOTAL_MS_MAX};
pub use error::{Billed, Broken, Error, Failure, Large, RetryAfter};
pub use form::Carried;
pub use gateway::{DEVICE_BYTES, Device};
pub use request::{
    Arguments, IMAGE_BYTES_MAX, Image, MESSAGES_MAX, Message, OutputSchema, Part, Reasoning,
    Request, Role, TOOLS_MAX, Tool, ToolCall, ToolResult,
};

use crate::http::{self, ClientError, HttpClient, Opened, SendError, Settings};
use collect::Collector;
use formats::{Call, Complaint, Fault, Wire, wire};
use stream::Body;

/// Idle connections of one provider that are kept.
const IDLE_MAX: usize = 64;
/// Bytes of a refusal that are read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// The port of this machine that a local Ollama listens on: a model of it needs no key, and nothing
/// that whoever starts naos says.
pub const OLLAMA_PORT: u16 = 11_434;

/// An HTTP client that waits as long as models may take, and keeps its connections to the few
/// hosts where they are. Beside the open internet it reaches these ports of this machine, and
/// [`OLLAMA_PORT`].
///
/// # Errors
/// [`ClientError`] if TLS can't be set up.
pub fn client(mut allow_loopback_ports: Vec<u16>) -> Result<HttpClient, ClientError> {
    allow_loopback_ports.push(OLLAMA_PORT);
    let settings = Settings {
        allow_loopback_ports,
        timeout: Duration::from_millis(TOTAL_MS_MAX),
        ..Settings::default()
    };
    HttpClient::keeping(settings, IDLE_MAX)
}

/// Asks a model once. Pieces go to `each` as they come; only the answer counts.
///
/// # Errors
/// [`Error`] says what went wrong and whether the provider may want money for it.
pub async fn ask(
    client: &HttpClient,
    endpoint: &Endpoint,
    request: &Request,
    each: Each<'_>,
) -> Result<Answer, Error> {
    let Some(wire) = wire(endpoint.format) else {
        return gateway::ask(client, endpoint, request, each).await;
    };
    let sent = send(client, endpoint, request, wire).await?;
    let mut out = Collector::new(sent.limits, request.calls(), each);
    out.is_known_by(sent.id.as_deref());
    let read = match sent.kind {
        Kind::Flowing => {
            let body = Body::flowing(sent.opened, sent.limits, sent.deadline);
            stream::read(body, wire, &mut out).await
        }
        Kind::Whole => {
            let mut body = Body::whole(sent.opened, sent.limits, sent.deadline);
            whole(&mut body, wire, &mut out).await
        }
        Kind::Page => Err(Failure::Broken(Broken::Html).into()),
    };
    conclude(read, out, endpoint)
}

/// An answer at its head.
struct Sent {
    opened: Opened,
    limits: Limits,
    deadline: Instant,
    kind: Kind,
    /// What the provider knows the call by, if its head says so.
    id: Option<String>,
}

/// What a head says about what is behind it.
enum Kind {
    Whole,
    Flowing,
    Page,
}

async fn send(
    client: &HttpClient,
    endpoint: &Endpoint,
    request: &Request,
    wire: &dyn Wire,
) -> Result<Sent, Error> {
    let mut limits = endpoint.limits;
    let most = Duration::from_millis(TOTAL_MS_MAX);
    limits.total = request.timeout.unwrap_or(most).min(limits.total).min(most);
    let deadline = Instant::now() + limits.total;
    let http = prepared(endpoint, request, wire, &limits).map_err(Error::free)?;
    let key = request.idempotency_key.clone();
    let (opened, id) = open(client, endpoint, wire, (http, key), (limits, deadline)).await?;
    let content = opened.header("content-type").unwrap_or_default();
    let kind = match content.split(';').next().unwrap_or_default().trim() {
        "text/html" => Kind::Page,
        // Some give all of it at once though asked for a stream.
        "application/json" => Kind::Whole,
        _ if request.stream => Kind::Flowing,
        _ => Kind::Whole,
    };
    Ok(Sent {
        opened,
        limits,
        deadline,
        kind,
        id,
    })
}

/// The head of an answer that is one, and what the provider knows the call by.
async fn open(
    client: &HttpClient,
    endpoint: &Endpoint,
    wire: &dyn Wire,
    (http, key): (http::Request, Option<String>),
    (limits, deadline): (Limits, Instant),
) -> Result<(Opened, Option<String>), Error> {
    let Ok(opened) = timeout_at(deadline, client.open(http, key)).await else {
        let (after, silent) = (limits.total, false);
        return Err(Error {
            billed: Billed::Maybe,
            ..Error::free(Failure::Timeout { after, silent })
        });
    };
    let opened = opened.map_err(unsent)?;
    let id = ["request-id", "x-request-id"]
        .into_iter()
        .find_map(|name| opened.header(name))
        .map(|id| endpoint.shown(&id));
    if opened.status() != 200 {
        return Err(refused(opened, endpoint, wire, limits, deadline, id).await);
    }
    Ok((opened, id))
}

/// The request as it is sent.
fn prepared(
    endpoint: &Endpoint,
    request: &Request,
    wire: &dyn Wire,
    limits: &Limits,
) -> Result<http::Request, Failure> {
    if let Some(said) = request.fault() {
        return Err(Failure::BadRequest { said });
    }
    let call = wire.call(endpoint, request)?;
    written(endpoint, call, request.idempotency_key.as_deref(), limits)
}

/// The same of what a format says.
fn written(
    endpoint: &Endpoint,
    call: Call,
    key: Option<&str>,
    limits: &Limits,
) -> Result<http::Request, Failure> {
    let body = call.body.to_string().into_bytes();
    if body.len() > limits.request_bytes_max {
        return Err(Failure::TooLarge {
            what: Large::Request,
            bytes_max: limits.request_bytes_max,
        });
    }
    let own = call.headers.into_iter();
    let mut headers: Vec<(String, String)> =
        own.map(|(name, value)| (name.to_owned(), value)).collect();
    headers.push(("content-type".into(), "application/json".into()));
    let given = endpoint.headers.iter();
    headers.extend(given.map(|(name, value)| (name.clone(), value.reveal().to_owned())));
    if let Some(key) = key {
        headers.push(("idempotency-key".into(), key.to_owned()));
    }
    Ok(http::Request {
        method: "POST".into(),
        url: endpoint.url(&call.path),
        headers,
        body,
    })
}

fn unsent(error: SendError) -> Error {
    let why = error.to_string();
    match error {
        SendError::Refused(_) => Error::free(Failure::Forbidden { why }),
        SendError::NotSent { .. } => Error::free(Failure::Unreachable { why }),
        SendError::Lost { .. } | SendError::TooLong { .. } => Error {
            billed: Billed::Maybe,
            ..Error::free(Failure::Broken(Broken::Cut))
        },
    }
}

/// What an answer with another status than 200 means.
async fn refused(
    opened: Opened,
    endpoint: &Endpoint,
    wire: &dyn Wire,
    limits: Limits,
    deadline: Instant,
    id: Option<String>,
) -> Error {
    let status = opened.status();
    let in_ms = opened.header("retry-after-ms");
    let retry_after = in_ms.as_deref().and_then(RetryAfter::parse_ms).or_else(|| {
        let text = opened.header("retry-after")?;
        RetryAfter::parse(&text)
    });
    let mut body = Body::flowing(opened, limits, deadline);
    let body = body.beginning(REFUSAL_BYTES_MAX).await;
    let found = stream::json(&body).ok();
    let complaint = found.as_ref().and_then(|value| wire.complaint(value));
    let complaint = complaint.unwrap_or_else(|| Complaint {
        message: if stream::is_page(&body) {
            "a page for people (HTML)".into()
        } else {
            String::from_utf8_lossy(&body).into_owned()
        },
        ..Complaint::default()
    });
    let said = endpoint.shown(&complaint.message);
    let said = match said.as_str() {
        "" => format!("status {status}"),
        said => format!("status {status}, {said}"),
    };
    let mut error = complaint.refusal(status, retry_after, said);
    error.provider_request_id = id.map(String::into_boxed_str);
    error
}

async fn whole<P: stream::Pieces>(
    body: &mut Body<P>,
    wire: &dyn Wire,
    out: &mut Collector<'_>,
) -> Result<(), Fault> {
    let bytes = body.all().await?;
    let value = stream::json(&bytes)?;
    wire.whole(&value, out)
}

/// The answer, or why there is none, though the provider has begun to work.
fn conclude(
    read: Result<(), Fault>,
    out: Collector<'_>,
    endpoint: &Endpoint,
) -> Result<Answer, Error> {
    let (usage, provider_request_id) = (out.usage(), out.request_id());
    let failure = match read {
        Ok(()) => match out.finish() {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        },
        Err(fault) => fault.failure(endpoint),
    };
    Err(Error {
        failure,
        billed: Billed::Maybe,
        usage,
        provider_request_id: provider_request_id.map(String::into_boxed_str),
    })
}
