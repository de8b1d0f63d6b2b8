//! Answers that are told as they are written. Whoever goes away ends the run, unless the request
//! has a key: then they may come back for it.
//!
//! What a client takes for the answer is the run's output, as the journal has it. A model may write
//! more: before it calls a tool, before it breaks off and another one is asked, before a person
//! says something else. Where an API can say which text is the answer, all of it is told as it is
//! written. Where it can't, only what can be no other text is, and the rest waits for the end.

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
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::resource::Resource;
use naos_kernel::run::Run;
use naos_types::spec::{Kind, ModelUsage};
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
    /// Whether it can tell text apart that turns out to be no part of the answer.
    const APART: bool;
    /// All of the answer at once.
    fn whole(&self, text: &str, used: &ModelUsage) -> Value;
    /// Before anything is written.
    fn begin(&mut self) -> Vec<Event>;
    /// More of the answer.
    fn more(&mut self, text: &str) -> Vec<Event>;
    /// What was told since the last time is no part of the answer. `whole` says whether its model
    /// wrote it to its end.
    fn apart(&mut self, told: &str, whole: bool) -> Vec<Event>;
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
    /// Whether it is told at its end alone.
    held: bool,
    /// What was told of the text that is being written.
    told: String,
    /// Which call that is.
    call: Option<u32>,
    /// Whether it goes before the call of a tool.
    calls: bool,
    /// Whether something was told that is no part of the answer, and can't be told apart.
    lost: bool,
    into: Sender<Event>,
}

/// Whoever listened is gone.
struct Gone;

/// Whether an agent's model writes nothing but the answer, unless a person says something to it
/// meanwhile: it calls no tools, nobody stands in for it, and its answer has no form that it is
/// asked for once more.
fn writes_once(reader: &Reader, run: RunId) -> Option<bool> {
    let run = reader.find::<Run>(&run).ok()??;
    let agent = reader.find::<Agent>(&run.agent).ok()??;
    let Some(mind) = &agent.spec.mind else {
        return Some(true); // a component writes nothing on the way
    };
    let calls = !(mind.tools.is_empty() && mind.others.is_empty() && mind.skills.is_empty());
    let [model] = &mind.models[..] else {
        return Some(false);
    };
    let key = ResourceKey(Kind::Model, model.clone());
    let model = reader.find::<Resource>(&key).ok()??;
    let alone = model.spec.model()?.fallbacks.is_empty();
    Some(alone && !calls && mind.schema.is_none())
}

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
        self.told.push_str(text);
        let events = self.voice.more(text);
        self.send(events).await
    }

    /// What was told so far of what is written is no part of the answer.
    async fn apart(&mut self) -> Result<(), Gone> {
        let told = std::mem::take(&mut self.told);
        let whole = std::mem::take(&mut self.calls);
        if told.is_empty() || crate::planted::streams_what_broke_off() {
            return Ok(());
        }
        if !V::APART {
            self.lost = true;
            return Ok(());
        }
        let events = self.voice.apart(&told, whole);
        self.send(events).await
    }

    /// A piece of what a model writes.
    async fn piece(&mut self, frame: &Frame) -> Result<(), Gone> {
        if self.held || self.lost || frame.text.is_empty() {
            return Ok(());
        }
        let text = frame.kind == FrameKind::Text;
        if self.call != Some(frame.call) || (text && frame.offset == 0) {
            self.apart().await?;
            self.call = Some(frame.call);
        }
        self.calls |= frame.kind == FrameKind::Call;
        // What doesn't follow is told at the end, whole.
        if text && !self.lost && frame.offset == self.told.len() as u64 {
            self.more(&frame.text).await?;
        }
        Ok(())
    }

    async fn end(&mut self, outcome: Result<String, (Code, String)>) -> Result<(), Gone> {
        let follows = matches!(&outcome, Ok(text) if text.starts_with(&self.told) && !self.calls);
        if !follows {
            self.apart().await?;
        }
        let events = match outcome {
            Ok(_) if self.lost => {
                let what = "what was sent is not its answer, as its model was asked again: \
                            its output is the answer";
                self.voice.failed(Code::WRONG_STATE, what)
            }
            Ok(text) => {
                if let Some(rest) = text.get(self.told.len()..) {
                    self.more(rest).await?;
                }
                let used = used(&self.reader, self.run);
                self.voice.done(&text, &used)
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

/// Tells an answer while it is written; one of a `form` at its end, as one that doesn't fit is
/// written once more.
pub(super) fn streamed<V: Voice>(call: Call, started: Started, voice: V, form: bool) -> Response {
    let Started {
        reader,
        begun,
        frames,
    } = started;
    let run = begun.run;
    let (into, mut out) = channel(PIECES_MAX);
    let tells = V::APART || crate::planted::streams_what_broke_off();
    let held = form || !(tells || writes_once(&reader, run).unwrap_or_default());
    let streaming = Streaming {
        voice,
        reader,
        run,
        held,
        told: String::new(),
        call: None,
        calls: false,
        lost: false,
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
