//! Live streams: what becomes durable, as it does. A stream reads the journal from a seq on and
//! is woken by the node, so that a slow or a new listener misses nothing and nothing is queued
//! for it.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use http::{HeaderValue, header};
use naos_engine::node::{Frame, Happened};
use naos_engine::read::{AuditFilter, AuditRow, EventRow, Reader};
use naos_kernel::run::Run;
use naos_types::fact::run::Ability;
use naos_types::fact::{Fact, event};
use naos_types::spec::EventFilter;
use naos_types::{Code, RunId, RunStatus, Seq};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::api::v1::{events, shapes};
use crate::app::{Desk, lock};
use crate::auth::Who;
use crate::cloudevents;
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::Topic;
use crate::pages::topic::EVENT_SAID;
use crate::planted;
use crate::screens::live::Painter;

/// How many streams a tenant may have open.
pub(crate) const STREAMS_MAX: usize = 256;
/// How many facts are read at once.
const CHUNK: usize = 256;
/// How often a silent stream says that it is there, and looks whether its reader still may.
const BEAT: Duration = Duration::from_secs(15);

/// Counts a stream while it is open.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(desk: &Desk, who: &Who) -> Result<Self, Fault> {
        let count = Arc::clone(lock(&desk.streams).entry(who.tenant).or_default());
        if count.fetch_add(1, Ordering::AcqRel) >= STREAMS_MAX {
            count.fetch_sub(1, Ordering::AcqRel);
            let what = format!("{STREAMS_MAX} live streams are open");
            return Err(Fault::new(Code::BUSY, what));
        }
        Ok(Self(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a batch of facts becomes for this listener.
enum Paint {
    /// Each fact is a line of JSON.
    Rows,
    /// Each event that is wanted is a CloudEvent.
    Events(Box<EventFilter>),
    /// Facts are changes of a page.
    Page(Box<Painter>),
    /// Facts only say when a run is over.
    Run,
}

/// Pieces of the answers of one run, as a model writes them.
pub(crate) struct Pieces {
    pub(crate) run: RunId,
    pub(crate) frames: Receiver<Arc<Frame>>,
}

impl Pieces {
    /// The next piece of this run; pending for ever once there can be none.
    pub(crate) async fn next(&mut self) -> Arc<Frame> {
        loop {
            match self.frames.recv().await {
                Ok(frame) if frame.run == self.run => return frame,
                // Whoever is slow misses some: an offset that doesn't follow says so.
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// What is there already.
    pub(crate) fn left(&mut self) -> Vec<Arc<Frame>> {
        let mut out = Vec::new();
        while let Ok(frame) = self.frames.try_recv() {
            if frame.run == self.run {
                out.push(frame);
            }
        }
        out
    }
}

/// What was written in a run before its listener came: that of answers that are there already
/// stands in the journal.
#[derive(Default)]
struct Earlier {
    /// The last call that was told from the journal; no piece of it or of those before it follows.
    told: Option<u32>,
    /// The first call of which a beginning was heard: nothing from it on is told from the journal.
    heard: Option<u32>,
    /// The answer that was being written at the first look, if one was. It may have been written
    /// before there was anything to hear, and journaled only after the look.
    waits: Option<u32>,
    looked: bool,
    /// Nothing more can have been missed.
    over: bool,
}

impl Earlier {
    /// Whether a piece is yet to be told.
    fn hears(&mut self, frame: &Frame) -> bool {
        if Some(frame.call) <= self.told {
            return false;
        }
        if frame.offset == 0 {
            self.heard.get_or_insert(frame.call);
        }
        true
    }

    /// What is to be told of the answers that there are.
    fn look(&mut self, run: &Run, written: Vec<Frame>) -> Vec<Frame> {
        let waits = run
            .pending
            .as_ref()
            .filter(|one| one.ability == Ability::Model);
        let waits = waits.map(|one| one.index);
        if !self.looked {
            self.waits = waits;
        }
        self.looked = true;
        self.over = self.heard.is_some() || waits.is_none() || waits != self.waits;
        let mut missed = written;
        missed.retain(|frame| {
            Some(frame.call) > self.told && self.heard.is_none_or(|heard| frame.call < heard)
        });
        self.told = missed.last().map(|frame| frame.call).max(self.told);
        missed
    }
}

/// How long passes at least between two times that a page is told what models say right now.
const PACE: Duration = Duration::from_millis(400);

/// The runs in which models write, for a page that shows their last words.
struct Saying {
    frames: Receiver<Arc<Frame>>,
    runs: BTreeSet<RunId>,
    next: Instant,
}

impl Saying {
    fn new(frames: Receiver<Arc<Frame>>) -> Self {
        Self {
            frames,
            runs: BTreeSet::new(),
            next: Instant::now(),
        }
    }

    /// Those in which something was written since the last time; pending for ever once there can be
    /// none. What is gathered stays where this is dropped.
    async fn next(&mut self) -> BTreeSet<RunId> {
        loop {
            let frame = if self.runs.is_empty() {
                self.frames.recv().await
            } else {
                match tokio::time::timeout_at(self.next, self.frames.recv()).await {
                    Ok(frame) => frame,
                    Err(_) => {
                        self.next = Instant::now() + PACE;
                        return std::mem::take(&mut self.runs);
                    }
                }
            };
            match frame {
                Ok(frame) => drop(self.runs.insert(frame.run)),
                // Whoever missed some is told the words that there are by then.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// A piece as it is told.
fn piece(frame: &Frame) -> Event {
    let data = json!({
        "call": frame.call,
        "kind": frame.kind.word(),
        "offset": frame.offset,
        "text": frame.text,
    });
    Event::default().event(EVENT_SAID).data(data.to_string())
}

/// What a listener waits for.
enum Heard {
    Piece(Arc<Frame>),
    Words(BTreeSet<RunId>),
    Facts,
    End,
}

struct Listener {
    desk: Arc<Desk>,
    who: Who,
    reader: Reader,
    watch: Receiver<Arc<Happened>>,
    at: Seq,
    ready: VecDeque<Event>,
    paint: Paint,
    pieces: Option<Pieces>,
    earlier: Earlier,
    saying: Option<Saying>,
    over: bool,
    _open: Open,
}

impl Listener {
    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let (rows, _) = self
                .reader
                .audit_after(self.at, CHUNK, CHUNK as u64, &AuditFilter::default())
                .ok()?;
            if let Some(last) = rows.last() {
                self.at = last.seq;
                self.paint(&rows).await?;
                continue;
            }
            let pieces = async {
                match &mut self.pieces {
                    Some(pieces) => pieces.next().await,
                    None => std::future::pending().await,
                }
            };
            let words = async {
                match &mut self.saying {
                    Some(saying) => saying.next().await,
                    None => std::future::pending().await,
                }
            };
            // Pieces first: what was written stands before the fact that says it is over.
            let heard = async {
                tokio::select! {
                    biased;
                    frame = pieces => Heard::Piece(frame),
                    runs = words => Heard::Words(runs),
                    told = self.watch.recv() => match told {
                        Ok(_) | Err(RecvError::Lagged(_)) => Heard::Facts,
                        Err(RecvError::Closed) => Heard::End,
                    },
                }
            };
            match tokio::time::timeout(BEAT, heard).await {
                Ok(Heard::Piece(frame)) => self.hear(&frame),
                Ok(Heard::Words(runs)) => {
                    if let Paint::Page(painter) = &self.paint {
                        let told = painter.saying(&self.reader, &runs).ok()?;
                        self.ready.extend(told);
                    }
                }
                Ok(Heard::Facts) => {}
                Ok(Heard::End) => return None,
                Err(_) => {
                    self.still().await?;
                    self.ready.push_back(Event::default().comment("here"));
                }
            }
        }
    }

    /// A piece is told, unless it was told already.
    fn hear(&mut self, frame: &Frame) {
        if self.earlier.hears(frame) {
            self.ready.push_back(piece(frame));
        }
    }

    async fn still(&self) -> Option<()> {
        let now = naos_engine::clock::now();
        self.desk.members.still(&self.who, now).await.then_some(())
    }

    async fn paint(&mut self, rows: &[AuditRow]) -> Option<()> {
        self.still().await?;
        match &mut self.paint {
            Paint::Rows => {
                let event = |row: &AuditRow| {
                    Event::default()
                        .id(row.seq.to_string())
                        .event(row.action.clone())
                        .data(shapes::audit(&self.reader, row).to_string())
                };
                self.ready.extend(rows.iter().map(event));
            }
            Paint::Events(filter) => {
                for row in rows {
                    if let Some(Fact::Event(event::Fact::Published(fact))) = &row.fact
                        && filter.wants(fact)
                    {
                        let (seq, at) = (row.seq, row.at);
                        let event = fact.clone();
                        let told = EventRow { seq, at, event };
                        let text = Value::Object(cloudevents::event(&self.reader, &told));
                        let told = Event::default().id(seq.to_string()).event(&fact.topic);
                        self.ready.push_back(told.data(text.to_string()));
                    }
                }
            }
            Paint::Page(painter) => {
                // What a page shows must be as new as the facts that are told.
                let lists = self.reader.lists(self.at).await.ok()?;
                self.ready.extend(painter.paint(&lists, rows).ok()?);
            }
            Paint::Run => {
                let run = self.pieces.as_ref()?.run;
                if rows.iter().any(|row| row.run == Some(run)) {
                    self.ended(run).await?;
                }
            }
        }
        Some(())
    }

    /// Says that a run is over, or waits for a person, if so. The run is read as new as the facts
    /// that were told of it: no later one would say that it is over.
    async fn ended(&mut self, run: RunId) -> Option<()> {
        let node = &self.desk.app.node;
        node.settled(self.who.tenant, self.at).await.ok()?;
        let found = self.reader.find::<Run>(&run).ok()??;
        if !self.earlier.over && !planted::answers_untold() {
            let written = self.reader.written(run, &found).ok()?;
            // They come before all that was heard.
            for frame in self.earlier.look(&found, written).iter().rev() {
                self.ready.push_front(piece(frame));
            }
        }
        if matches!(found.status, RunStatus::Queued | RunStatus::Running) {
            return Some(());
        }
        for frame in self.pieces.as_mut().map(Pieces::left).unwrap_or_default() {
            self.hear(&frame);
        }
        let data = json!({"status": found.status});
        self.ready
            .push_back(Event::default().event("end").data(data.to_string()));
        self.over = true;
        Some(())
    }
}

/// After which seq to begin: where the last connection ended, else as asked, else now.
fn begin(call: &Call, asked: &str, reader: &Reader) -> Result<Seq, Fault> {
    let head = reader.seq()?;
    let last = call
        .headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let asked = match call.query(asked) {
        Some(_) => Some(call.number(asked, 0, u64::MAX)?),
        None => None,
    };
    Ok(last.or(asked).unwrap_or(head).min(head))
}

async fn respond(
    call: &Call,
    reader: Reader,
    at: Seq,
    paint: Paint,
    run: Option<RunId>,
) -> Answered {
    let who = call.who()?.clone();
    let open = Open::new(&call.desk, &who)?;
    // Who comes late is told what was written before, and then what follows.
    let (before, pieces) = match run {
        Some(run) => {
            let (before, frames) = call.desk.app.node.frames_of(who.tenant, run);
            (before, Some(Pieces { run, frames }))
        }
        None => (Vec::new(), None),
    };
    let shows_words = matches!(&paint, Paint::Page(painter) if painter.shows_words());
    let saying = shows_words.then(|| Saying::new(call.desk.app.node.frames(who.tenant)));
    let mut listener = Listener {
        desk: Arc::clone(&call.desk),
        watch: call.desk.app.node.watch(who.tenant),
        who,
        reader,
        at,
        ready: VecDeque::new(),
        paint,
        pieces,
        earlier: Earlier::default(),
        saying,
        over: false,
        _open: open,
    };
    for frame in &before {
        listener.hear(frame);
    }
    if let (Paint::Run, Some(run)) = (&listener.paint, run) {
        let _ = listener.ended(run).await; // it may be over already
    }
    let events = unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let mut response: Response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(BEAT))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// `GET /api/v1/events/stream`: the journal as a stream; `id` is the seq.
pub(crate) async fn stream(call: Call) -> Answered {
    let reader = call.reader()?;
    let at = begin(&call, "after", &reader)?;
    respond(&call, reader, at, Paint::Rows, None).await
}

/// `GET /api/v1/events/tail`: the events that are wanted, each as a CloudEvent; `id` is the seq.
pub(crate) async fn tail(call: Call) -> Answered {
    let filter = events::filter(&call)?;
    let reader = call.reader()?;
    let at = begin(&call, "after", &reader)?;
    respond(&call, reader, at, Paint::Events(Box::new(filter)), None).await
}

/// `GET /live?topic=…&since=…`: what changes on a page.
pub(crate) async fn page(call: Call) -> Answered {
    let topic: Topic = call.query("topic").unwrap_or_default().parse().map_err(
        |e: crate::pages::topic::UnknownTopic| Fault::new(Code::BAD_REQUEST, e.to_string()),
    )?;
    let reader = call.reader()?;
    let at = begin(&call, "since", &reader)?;
    let run = match &topic {
        Topic::Run(run) => RunId::parse(run),
        _ => None,
    };
    let painter = Painter::new(&call, topic)?;
    respond(&call, reader, at, Paint::Page(Box::new(painter)), run).await
}

/// `GET /api/v1/runs/{id}/stream`: what a model writes in this run, as it writes it, and when the
/// run is over. Whoever comes late is told the answers that there are first, each as one piece.
/// Only `end` is certain: a piece that was missed stands in the run's output.
pub(crate) async fn run(call: Call) -> Answered {
    let id: RunId = call.id("id", "run")?;
    let reader = call.reader()?;
    reader.known::<Run>(&id, "run")?;
    let at = reader.seq()?;
    respond(&call, reader, at, Paint::Run, Some(id)).await
}
