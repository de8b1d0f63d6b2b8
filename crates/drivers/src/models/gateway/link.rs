//! One connection to a gateway: requests, answers and events, each a JSON text of its own.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::super::collect::shape;
use super::super::endpoint::{Endpoint, Limits};
use super::super::error::{Broken, Failure, Large, RetryAfter};
use super::super::stream;
use crate::http::{self, HttpClient, SendError, Upgraded};

/// Bytes that are read of one connection: a gateway tells everybody of all that goes on in it.
const READ_BYTES_MAX: usize = 64 << 20;
/// How long the end of a connection is waited for.
const CLOSE: Duration = Duration::from_millis(250);
/// When a gateway that begins or ends may be asked again.
const RESTARTS: Duration = Duration::from_secs(2);

/// Why a connection is of no more use.
pub(super) struct Trouble {
    pub failure: Failure,
    /// Whether another connection may fare better.
    pub passing: bool,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let passing = false;
        Self { failure, passing }
    }
}

impl Trouble {
    pub const fn passing(failure: Failure) -> Self {
        let passing = true;
        Self { failure, passing }
    }

    pub const fn cut() -> Self {
        Self::passing(Failure::Broken(Broken::Cut))
    }
}

/// What a gateway says.
pub(super) enum Said {
    /// What became of a request.
    Answer {
        id: String,
        outcome: Result<Value, Value>,
    },
    /// Something happened in it.
    Event { name: String, payload: Value },
}

pub(super) struct Link {
    socket: WebSocketStream<Upgraded>,
    limits: Limits,
    deadline: Instant,
    requests: u64,
    read: usize,
    frames: usize,
}

impl Link {
    /// Connects, through the one client that checks every address.
    pub async fn open(
        client: &HttpClient,
        endpoint: &Endpoint,
        limits: Limits,
        deadline: Instant,
    ) -> Result<Self, Trouble> {
        let opening = Self::upgrade(client, endpoint, limits);
        let Ok(stream) = timeout_at(deadline, opening).await else {
            return Err(late(limits).into());
        };
        let most = limits.body_bytes_max;
        let config = WebSocketConfig::default()
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let socket = WebSocketStream::from_raw_socket(stream?, Role::Client, Some(config)).await;
        Ok(Self {
            socket,
            limits,
            deadline,
            requests: 0,
            read: 0,
            frames: 0,
        })
    }

    async fn upgrade(
        client: &HttpClient,
        endpoint: &Endpoint,
        limits: Limits,
    ) -> Result<Upgraded, Trouble> {
        let key = generate_key();
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = http::Request {
            method: "GET".into(),
            url: endpoint.url(""),
            headers: vec![
                header("connection", "Upgrade"),
                header("upgrade", "websocket"),
                header("sec-websocket-version", "13"),
                header("sec-websocket-key", &key),
            ],
            body: Vec::new(),
        };
        let opened = client.open(request, None).await.map_err(unsent)?;
        let status = opened.status();
        if status == 101 {
            let accepted = opened.header("sec-websocket-accept");
            if accepted.as_deref() != Some(derive_accept_key(key.as_bytes()).as_str()) {
                return Err(
                    shape("it accepts another WebSocket than the one it was asked for").into(),
                );
            }
            return opened.upgrade().await.map_err(unsent);
        }
        let head = stream::Body::flowing(opened, limits, Instant::now() + limits.idle);
        let said = refusal_of(status, head, endpoint).await;
        Err(match status {
            401..=403 => Failure::Refused { said }.into(),
            408 | 429 | 500.. => Trouble::passing(Failure::Overloaded {
                retry_after: None,
                said,
            }),
            _ => shape(&format!("it is no gateway of OpenClaw: {said}")).into(),
        })
    }

    /// Asks for something; the answer comes under the id that is given back.
    pub async fn send(&mut self, method: &str, params: Value) -> Result<String, Trouble> {
        self.requests += 1;
        let id = self.requests.to_string();
        let frame = json!({"type": "req", "id": id, "method": method, "params": params});
        let text = frame.to_string();
        if text.len() > self.limits.request_bytes_max {
            return Err(Failure::TooLarge {
                what: Large::Request,
                bytes_max: self.limits.request_bytes_max,
            }
            .into());
        }
        let sent = self.socket.send(Message::text(text));
        match timeout_at(self.deadline, sent).await {
            Ok(Ok(())) => Ok(id),
            Ok(Err(_)) => Err(Trouble::cut()),
            Err(_) => Err(late(self.limits).into()),
        }
    }

    /// The next thing that the gateway says, before the call's time is over and before it has been
    /// silent for too long: it ticks, so one that says nothing isn't there any more.
    pub async fn next(&mut self) -> Result<Said, Trouble> {
        let text = loop {
            let silent = Instant::now() + self.limits.idle;
            let Ok(came) = timeout_at(silent.min(self.deadline), self.socket.next()).await else {
                if Instant::now() >= self.deadline {
                    return Err(late(self.limits).into());
                }
                return Err(Trouble::passing(Failure::Timeout {
                    after: self.limits.idle,
                    silent: true,
                }));
            };
            self.frames += 1;
            if self.frames > self.limits.events_max {
                let events_max = self.limits.events_max;
                return Err(Failure::Broken(Broken::Endless { events_max }).into());
            }
            match came {
                Some(Ok(Message::Text(text))) => break text,
                Some(Ok(Message::Binary(_))) => {
                    return Err(shape("it sends bytes where text is due").into());
                }
                // The library answers pings by itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(why))) => return Err(closed(why.as_ref())),
                Some(Err(SocketError::Capacity(_))) => {
                    return Err(too_large(self.limits.body_bytes_max).into());
                }
                Some(Err(_)) | None => return Err(Trouble::cut()),
            }
        };
        self.read = self.read.saturating_add(text.len());
        if self.read > READ_BYTES_MAX {
            return Err(too_large(READ_BYTES_MAX).into());
        }
        said(text.as_bytes()).map_err(Trouble::from)
    }

    /// What the gateway takes in one request.
    pub fn takes_at_most(&mut self, bytes_max: Option<u64>) {
        let bytes_max = bytes_max.and_then(|most| usize::try_from(most).ok());
        let own = self.limits.request_bytes_max;
        self.limits.request_bytes_max = bytes_max.unwrap_or(own).min(own);
    }

    /// Stops a turn, and says goodbye; nobody waits long for either.
    pub async fn abort(mut self, params: Value) {
        self.deadline = Instant::now() + CLOSE;
        if self.send("chat.abort", params).await.is_ok() {
            while matches!(self.next().await, Ok(Said::Event { .. })) {}
        }
        self.close().await;
    }

    pub async fn close(mut self) {
        let until = Instant::now() + CLOSE;
        let _ = timeout_at(until, self.socket.close(None)).await;
    }

    /// How long the call may still take.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

fn said(bytes: &[u8]) -> Result<Said, Failure> {
    let mut frame = stream::json(bytes)?;
    let text = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    match frame["type"].as_str() {
        Some("res") => {
            let id = text(&frame, "id").ok_or_else(|| shape("an answer names no request"))?;
            let outcome = match frame["ok"].as_bool() {
                Some(true) => Ok(frame["payload"].take()),
                Some(false) => Err(frame["error"].take()),
                None => return Err(shape("an answer says neither yes nor no")),
            };
            Ok(Said::Answer { id, outcome })
        }
        Some("event") => {
            let name = text(&frame, "event").ok_or_else(|| shape("an event has no name"))?;
            let payload = frame["payload"].take();
            Ok(Said::Event { name, payload })
        }
        _ => Err(shape("it sends what is neither an answer nor an event")),
    }
}

fn unsent(error: SendError) -> Trouble {
    let why = error.to_string();
    match error {
        SendError::Refused(_) => Failure::Forbidden { why }.into(),
        SendError::NotSent { .. } => Trouble::passing(Failure::Unreachable { why }),
        SendError::Lost { .. } | SendError::TooLong { .. } => Trouble::cut(),
    }
}

async fn refusal_of(
    status: u16,
    mut body: stream::Body<http::Opened>,
    endpoint: &Endpoint,
) -> String {
    let body = body.beginning(super::super::REFUSAL_BYTES_MAX).await;
    let said = if stream::is_page(&body) {
        "a page for people (HTML)".into()
    } else {
        endpoint.shown(&String::from_utf8_lossy(&body))
    };
    match said.as_str() {
        "" => format!("status {status}"),
        said => format!("status {status}, {said}"),
    }
}

/// A gateway that begins, ends or is too slow for itself may be asked again; one that says why it
/// wants nothing to do with naos has said so in an answer before.
fn closed(why: Option<&CloseFrame>) -> Trouble {
    match why.map(|why| (u16::from(why.code), why.reason.as_str())) {
        Some((1001 | 1012 | 1013, reason)) => {
            let said: String = reason
                .chars()
                .filter(|c| !c.is_control())
                .take(120)
                .collect();
            Trouble::passing(Failure::Overloaded {
                retry_after: Some(RetryAfter::In(RESTARTS)),
                said,
            })
        }
        _ => Trouble::cut(),
    }
}

const fn too_large(bytes_max: usize) -> Failure {
    let what = Large::Answer;
    Failure::TooLarge { what, bytes_max }
}

const fn late(limits: Limits) -> Failure {
    Failure::Timeout {
        after: limits.total,
        silent: false,
    }
}
