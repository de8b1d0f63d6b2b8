//! Answers that are told as they are written. Whoever goes away ends the run, unless the request
//! has a key: then they may come back for it.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::poll_fn;
use http::HeaderValue;
use naos_engine::node::{Frame, FrameKind};
use naos_engine::read::Reader;
use naos_types::spec::ModelUsage;
use naos_types::{Code, RunId, command};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc::{Sender, channel};

use super::{Started, ended, named, used};
use crate::api::v1::runs::Begun;
use crate::door::Call;
use crate::live::Pieces;

/// How often a silent stream says that it is there.
const BEAT: Duration = Duration::from_secs(15);
/// How many pieces wait for a slow reader.
const PIECES_MAX: usize = 256;

/// How an answer is told, in the words of an API.
pub(super) trait Voice: Send + Sync + 'static {
    /// All of the answer at once.
    fn whole(&self, text: &str, used: &ModelUsage) -> Value;
    /// Before anything is written.
    fn begin(&mut self) -> Vec<Event>;
    /// More of the answer.
    fn more(&mut self, text: &str) -> Vec<Event>;
    /// All of it was told.
    fn done(&mut self, said: &str, used: &ModelUsage) -> Vec<Event>;
    /// There is none.
    fn failed(&mut self, code: Code, what: &str) -> Vec<Event>;
}

/// What a streamed answer is made of.
struct Streaming<V> {
    voice: V,
    reader: Reader,
    run: RunId,
    /// Whether it is told whole, at its end: what doesn't fit its form is written once more.
    whole: bool,
    /// What was told of the last call's text.
    told: String,
    /// Which call that is.
    call: Option<u32>,
    /// All that was told.
    said: String,
    into: Sender<Event>,
}

/// Whoever listened is gone.
struct Gone;

impl<V: Voice> Streaming<V> {
    async fn send(&self, events: Vec<Event>) -> Result<(), Gone> {
        for event in events {
            self.into.send(event).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    async fn more(&mut self, text: &str) -> Result<(), Gone> {
        if text.is_empty() {
            return Ok(());
        }
        self.said.push_str(text);
        let events = self.voice.more(text);
        self.send(events).await
    }

    /// A piece of what a model writes.
    async fn piece(&mut self, frame: &Frame) -> Result<(), Gone> {
        if frame.kind != FrameKind::Text || frame.text.is_empty() || self.whole {
            return Ok(());
        }
        if self.call != Some(frame.call) || frame.offset == 0 {
            let began = self.call.is_some() && !self.told.is_empty();
            self.call = Some(frame.call);
            self.told.clear();
            if began {
                self.more("\n\n").await?;
            }
        }
        // What doesn't follow is told at the end, whole.
        if frame.offset == self.told.len() as u64 {
            self.told.push_str(&frame.text);
            self.more(&frame.text).await?;
        }
        Ok(())
    }

    async fn end(&mut self, outcome: Result<String, (Code, String)>) -> Result<(), Gone> {
        let events = match outcome {
            Ok(text) => {
                match text.strip_prefix(self.told.as_str()) {
                    Some(rest) => self.more(rest).await?,
                    None => self.more(&format!("\n\n{text}")).await?,
                }
                let used = used(&self.reader, self.run);
                self.voice.done(&self.said, &used)
            }
            Err((code, what)) => self.voice.failed(code, &what),
        };
        self.send(events).await
    }

    /// Tells pieces as they come, until the run is over.
    async fn run(mut self, begun: Begun, frames: Receiver<Arc<Frame>>) -> Result<(), Gone> {
        let events = self.voice.begin();
        self.send(events).await?;
        let reader = self.reader.clone();
        let run = self.run;
        let mut pieces = Pieces { run, frames };
        let mut over = Box::pin(ended(&reader, begun));
        loop {
            tokio::select! {
                biased;
                frame = pieces.next() => self.piece(&frame).await?,
                outcome = &mut over => {
                    for frame in pieces.left() {
                        self.piece(&frame).await?;
                    }
                    return self.end(outcome).await;
                }
            }
        }
    }
}

/// Ends a run whose answer nobody listens to any more.
struct Listened {
    /// Whoever asked for it; none once it was told to its end.
    call: Option<Call>,
    run: RunId,
}

impl Listened {
    fn send_end(&mut self) {
        self.call = None;
    }
}

impl Drop for Listened {
    fn drop(&mut self) {
        let run = self.run;
        let Some(call) = self.call.take().filter(|call| call.key.is_none()) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // One that is over meanwhile is none the worse for it.
                let cancel = command::Run::Cancel { run };
                let _ = call.ask("", cancel, Vec::new()).await;
            });
        }
    }
}

/// Tells an answer while it is written.
pub(super) fn streamed(call: Call, started: Started, voice: impl Voice, whole: bool) -> Response {
    let Started {
        reader,
        begun,
        frames,
    } = started;
    let run = begun.run;
    let (into, mut out) = channel(PIECES_MAX);
    let streaming = Streaming {
        voice,
        reader,
        run,
        whole,
        told: String::new(),
        call: None,
        said: String::new(),
        into,
    };
    let mut listened = Listened {
        call: Some(call),
        run,
    };
    let mut work = Some(Box::pin(streaming.run(begun, frames)));
    let events = poll_fn(move |context| {
        if let Some(going) = &mut work
            && going.as_mut().poll(context).is_ready()
        {
            work = None;
            listened.send_end();
        }
        let event = out.poll_recv(context);
        event.map(|event| event.map(Ok::<_, Infallible>))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(BEAT))
        .into_response();
    named(&mut response, run);
    let quiet = HeaderValue::from_static("no");
    response.headers_mut().insert("x-accel-buffering", quiet);
    response
}
