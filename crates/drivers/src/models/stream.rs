//! Reads what a provider sends: in one piece or in many, within limits and in time.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, unfold};
use serde_json::Value;
use sse_stream::SseByteStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::collect::Collector;
use super::endpoint::Limits;
use super::error::{Broken, Failure, Large};
use super::formats::{Fault, Flow, Framing, Wire};
use crate::http::{Opened, SendError};

/// How long the end of a connection is waited for after the end of an answer, so that it can be
/// used again.
const REST_MS: u64 = 250;
/// Pieces of the connection that are read behind the end of an answer.
const REST_PIECES: usize = 4;
/// What ends a stream of chat completions.
const DONE: &str = "[DONE]";

/// Whatever content comes from.
pub trait Pieces: Send {
    /// The next piece; none at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, SendError>> + Send;
}

impl Pieces for Opened {
    async fn next(&mut self) -> Result<Option<Bytes>, SendError> {
        self.chunk().await
    }
}

/// Content under its limits.
pub struct Body<P> {
    pieces: P,
    limits: Limits,
    deadline: Instant,
    idle: Option<Duration>,
    read: usize,
}

/// A failure on its way through a stream of bytes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Carried(Failure);

impl<P: Pieces> Body<P> {
    /// Content that comes in one piece may keep silent for as long as it takes.
    pub const fn whole(pieces: P, limits: Limits, deadline: Instant) -> Self {
        Self {
            pieces,
            limits,
            deadline,
            idle: None,
            read: 0,
        }
    }

    /// Content that comes in many.
    pub const fn flowing(pieces: P, limits: Limits, deadline: Instant) -> Self {
        let mut body = Self::whole(pieces, limits, deadline);
        body.idle = Some(limits.idle);
        body
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let silent = self.idle;
        let next = async {
            match silent {
                Some(idle) => match timeout(idle, self.pieces.next()).await {
                    Ok(next) => Ok(next),
                    Err(_) => Err(Failure::Timeout {
                        after: idle,
                        silent: true,
                    }),
                },
                None => Ok(self.pieces.next().await),
            }
        };
        let Ok(next) = timeout_at(self.deadline, next).await else {
            return Err(Failure::Timeout {
                after: self.limits.total,
                silent: false,
            });
        };
        let chunk = next?.map_err(|_| Failure::Broken(Broken::Cut))?;
        let bytes_max = self.limits.body_bytes_max;
        if let Some(chunk) = &chunk {
            self.read = self.read.saturating_add(chunk.len());
            if self.read > bytes_max {
                return Err(Failure::TooLarge {
                    what: Large::Answer,
                    bytes_max,
                });
            }
        }
        Ok(chunk)
    }

    /// All of it.
    pub async fn all(&mut self) -> Result<Vec<u8>, Failure> {
        let mut all = Vec::new();
        while let Some(chunk) = self.next().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    /// As much of its beginning as is of use, whatever becomes of the rest.
    pub async fn beginning(&mut self, bytes_max: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < bytes_max {
            match self.next().await {
                Ok(Some(chunk)) => all.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        all.truncate(bytes_max);
        all
    }
}

/// Reads an answer that comes in many pieces.
pub async fn read<P: Pieces>(
    body: Body<P>,
    wire: &dyn Wire,
    out: &mut Collector<'_>,
) -> Result<(), Fault> {
    let events_max = body.limits.events_max;
    let bytes = pin!(bytes(body));
    let flow = match wire.framing() {
        Framing::Events => follow(events(bytes), events_max, wire, out).await?,
        Framing::Lines => follow(lines(bytes), events_max, wire, out).await?,
    };
    match flow {
        Flow::Done => Ok(()),
        // Not every server says that it is done; one that said why it stopped is.
        Flow::More if out.has_stopped() && !wire.says_when_done() => Ok(()),
        Flow::More => Err(Failure::Broken(Broken::Cut).into()),
    }
}

async fn follow(
    texts: impl Stream<Item = Result<String, Failure>> + Send,
    events_max: usize,
    wire: &dyn Wire,
    out: &mut Collector<'_>,
) -> Result<Flow, Fault> {
    let mut texts = pin!(texts);
    let mut events = 0;
    while let Some(text) = texts.next().await {
        let text = text?;
        let text = text.trim();
        events += 1;
        if events > events_max {
            return Err(Failure::Broken(Broken::Endless { events_max }).into());
        }
        if text.is_empty() {
            continue;
        }
        if text == DONE || wire.piece(&json(text.as_bytes())?, out)? == Flow::Done {
            // To its end, if that is near.
            for _ in 0..REST_PIECES {
                let rest = timeout(Duration::from_millis(REST_MS), texts.next()).await;
                if !matches!(rest, Ok(Some(Ok(_)))) {
                    break;
                }
            }
            return Ok(Flow::Done);
        }
    }
    Ok(Flow::More)
}

fn bytes<P: Pieces>(body: Body<P>) -> impl Stream<Item = Result<Bytes, Carried>> + Send {
    unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(body))),
            Ok(None) => None,
            Err(failure) => Some((Err(Carried(failure)), None)),
        }
    })
}

fn events(
    bytes: impl Stream<Item = Result<Bytes, Carried>> + Unpin + Send,
) -> impl Stream<Item = Result<String, Failure>> + Send {
    SseByteStream::new(bytes).map(|event| match event {
        Ok(event) => Ok(event.data.unwrap_or_default()),
        Err(sse_stream::Error::Body(error)) => match error.downcast::<Carried>() {
            Ok(carried) => Err(carried.0),
            Err(_) => Err(Failure::Broken(Broken::Cut)),
        },
        Err(_) => Err(Failure::Broken(Broken::NotJson)),
    })
}

fn lines(
    bytes: impl Stream<Item = Result<Bytes, Carried>> + Unpin + Send,
) -> impl Stream<Item = Result<String, Failure>> + Send {
    unfold(Some((bytes, Vec::new())), |state| async move {
        let (mut bytes, mut held) = state?;
        let mut looked_at = 0; // each byte once, however small the pieces are
        loop {
            let end = held[looked_at..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let rest = held.split_off(looked_at + end + 1);
                let line = std::mem::replace(&mut held, rest);
                return Some((text(line), Some((bytes, held))));
            }
            looked_at = held.len();
            match bytes.next().await {
                Some(Ok(chunk)) => held.extend_from_slice(&chunk),
                Some(Err(carried)) => return Some((Err(carried.0), None)),
                // A last line needs no end.
                None if held.is_empty() => return None,
                None => return Some((text(held), None)),
            }
        }
    })
}

fn text(line: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(line).map_err(|_| Failure::Broken(Broken::NotJson))
}

/// JSON, or how it fails to be some.
pub fn json(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::Broken(if is_page(bytes) {
            Broken::Html
        } else if error.is_eof() {
            Broken::HalfJson
        } else {
            Broken::NotJson
        })
    })
}

/// Whether it begins as a page for people does.
pub fn is_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}
