//! Takes requests and sends answers, in whichever manner is wanted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::asked::{Asked, Kind, Refusal};
use crate::behaviour::{After, Behaviour, Manner, Status};
use crate::embeddings;
use crate::reply::Reply;
use crate::script::Step;
use crate::vendors::{Head, Vendor, vendor};
use crate::{Options, Seen};

/// Bytes of a request.
const REQUEST_BYTES_MAX: usize = 64 << 20;
/// Requests that are remembered.
const SEEN_MAX: usize = 10_000;
/// Bytes of an answer of no meaning.
const GARBAGE_BYTES: usize = 4_096;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// What a server knows.
#[derive(Debug)]
pub struct State {
    key: Option<String>,
    remembers: bool,
    script: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<Seen>>,
    count: AtomicU64,
    connections: AtomicU64,
    /// How often each model was asked.
    asked: Mutex<HashMap<String, u32>>,
    /// What was asked to be kept.
    kept: Mutex<HashSet<String>>,
}

impl State {
    pub fn new(options: Options) -> Self {
        Self {
            key: options.key,
            remembers: options.remembers,
            script: Mutex::new(options.script.into()),
            seen: Mutex::default(),
            count: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            asked: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until the listener fails; connections end with it.
pub async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        state.connections.fetch_add(1, Ordering::Relaxed);
        connections.spawn(connection(stream, Arc::clone(&state)));
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { answer(request, &state).await }
    });
    let http = hyper::server::conn::http1::Builder::new();
    // It ends in an error where an answer is broken on purpose.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    state: &State,
) -> Result<Response<Body>, std::io::Error> {
    state.count.fetch_add(1, Ordering::Relaxed);
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let body = Limited::new(request.into_body(), REQUEST_BYTES_MAX);
    let body = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if state.remembers {
        let mut seen = lock(&state.seen);
        if seen.len() < SEEN_MAX {
            seen.push(Seen {
                path: path.clone(),
                headers: headers.clone(),
                body: value.clone(),
            });
        }
    }
    if path == embeddings::PATH {
        let bearer = Head {
            path: &path,
            headers: &headers,
        }
        .bearer();
        let (status, said) = match &state.key {
            Some(key) if bearer.as_ref() != Some(key) => (401, Value::Null),
            _ => embeddings::answer(&value),
        };
        return Ok(plain(
            status,
            "application/json",
            said.to_string().into_bytes(),
        ));
    }
    let Some(vendor) = vendor(&path) else {
        return Ok(plain(404, "text/plain", "404 page not found".into()));
    };
    let head = Head {
        path: &path,
        headers: &headers,
    };
    let asked = vendor.read(&head, &value).and_then(|mut asked| {
        asked.bytes = body.len() as u64;
        let wrong_key = state.key.is_some() && state.key != asked.key;
        if wrong_key {
            Err(Refusal::of_status(401))
        } else {
            Ok(asked)
        }
    });
    match asked {
        Ok(asked) => behave(vendor, &asked, state).await,
        Err(refusal) => Ok(refuse(vendor, &refusal, None)),
    }
}

async fn behave(
    vendor: &'static dyn Vendor,
    asked: &Asked,
    state: &State,
) -> Result<Response<Body>, std::io::Error> {
    let mut behaviour = Behaviour::parse(&asked.model);
    let mut step = None;
    if behaviour == Behaviour::Scripted {
        step = lock(&state.script).pop_front();
        if let Some(model) = step.as_ref().and_then(|step| step.behave.as_ref()) {
            behaviour = Behaviour::parse(model);
        }
    }
    if let Some(response) = refusal(vendor, asked, state, &behaviour) {
        return Ok(response);
    }
    let manner = match behaviour {
        Behaviour::Manner(manner) => manner,
        _ => Manner::Plain,
    };
    let Some(mut reply) = Reply::of(&behaviour, asked, step.as_ref()) else {
        let mut ended = Refusal::of_status(500);
        ended.message = "the script has ended".into();
        return Ok(refuse(vendor, &ended, None));
    };
    keep(asked, state, &mut reply);
    send(vendor, asked, &reply, manner).await
}

/// The refusals that a model's name asks for.
fn refusal(
    vendor: &'static dyn Vendor,
    asked: &Asked,
    state: &State,
    behaviour: &Behaviour,
) -> Option<Response<Body>> {
    let refused = |status, kind, message: &str| {
        let refusal = Refusal {
            status,
            kind,
            message: message.to_owned(),
        };
        Some(refuse(vendor, &refusal, None))
    };
    match behaviour {
        Behaviour::Status(Status {
            status,
            times,
            after,
        }) => {
            let mut all = lock(&state.asked);
            let count = all.entry(asked.model.clone()).or_default();
            *count += 1;
            let over = times.is_some_and(|times| *count > times);
            (!over).then(|| refuse(vendor, &Refusal::of_status(*status), *after))
        }
        Behaviour::Context => refused(400, Kind::TooLong, "prompt is too long: 9 > 8 maximum"),
        Behaviour::Filter => refused(400, Kind::Filtered, "The prompt was filtered."),
        Behaviour::Quota => refused(429, Kind::Money, "You exceeded your current quota."),
        Behaviour::Leak => {
            let key = asked.key.as_deref().unwrap_or_default();
            refused(401, Kind::Key, &format!("The key {key} is not valid."))
        }
        _ => None,
    }
}

/// What was marked is kept at first, and found from then on.
fn keep(asked: &Asked, state: &State, reply: &mut Reply) {
    let Some(usage) = reply.usage.as_mut().filter(|_| asked.marks > 0) else {
        return;
    };
    let half = usage.input.as_u64().unwrap_or(0) / 2;
    if lock(&state.kept).insert(asked.system.clone()) {
        usage.written = half;
    } else {
        usage.cached = half;
    }
}

async fn send(
    vendor: &'static dyn Vendor,
    asked: &Asked,
    reply: &Reply,
    manner: Manner,
) -> Result<Response<Body>, std::io::Error> {
    match manner {
        Manner::Silent => std::future::pending().await,
        Manner::Html => {
            let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
            return Ok(plain(200, "text/html; charset=utf-8", page.into()));
        }
        Manner::Garbage(seed) => {
            let kind = if asked.stream {
                vendor.stream_type()
            } else {
                "application/json"
            };
            return Ok(plain(200, kind, garbage(seed)));
        }
        _ => {}
    }
    let mut response = if asked.stream && manner != Manner::Wholly {
        let mut frames = vendor.frames(asked, reply);
        if manner == Manner::Half {
            let at = frames.len() / 2;
            frames.truncate(at + 1);
            let cut = frames[at].floor_char_boundary(frames[at].len() / 2);
            frames[at].truncate(cut);
            frames[at] += "\n\n";
        }
        streamed(vendor, frames, manner)
    } else {
        let text = vendor.whole(asked, reply).to_string();
        whole(text, manner)
    };
    if let Some(name) = vendor.id_header() {
        let value = http::HeaderValue::from_static("req_0001");
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

fn whole(text: String, manner: Manner) -> Response<Body> {
    let half = text.floor_char_boundary(text.len() / 2);
    let kind = "application/json";
    match manner {
        Manner::Half | Manner::Short => plain(200, kind, text.as_bytes()[..half].to_vec()),
        Manner::Plain | Manner::Wholly | Manner::Midway => plain(200, kind, text.into_bytes()),
        _ => {
            let halves = vec![text[..half].to_owned(), text[half..].to_owned()];
            paced(kind, halves, manner)
        }
    }
}

fn streamed(
    vendor: &'static dyn Vendor,
    mut frames: Vec<String>,
    manner: Manner,
) -> Response<Body> {
    let kind = vendor.stream_type();
    if manner == Manner::Midway {
        frames.truncate(frames.len() / 2);
        frames.push(vendor.interruption(&Refusal::of_status(529)));
    }
    if manner == Manner::Short {
        frames.truncate(frames.len() / 2);
    }
    paced(kind, frames, manner)
}

/// Pieces, one by one.
fn paced(kind: &'static str, pieces: Vec<String>, manner: Manner) -> Response<Body> {
    let half = pieces.len().div_ceil(2);
    let pause = match manner {
        Manner::Slow(pause) => Some(pause),
        _ => None,
    };
    let body = stream::unfold((0_usize, pieces), move |(at, pieces)| async move {
        let is_over = at >= half;
        match manner {
            Manner::Stall if is_over => std::future::pending().await,
            Manner::Cut if is_over => {
                let cut = std::io::Error::other("cut on purpose");
                return Some((Err(cut), (at, pieces)));
            }
            // The piece in the middle again and again.
            Manner::Endless if is_over => {
                let again = pieces[half - 1].clone().into_bytes();
                return Some((Ok(Frame::data(Bytes::from(again))), (at, pieces)));
            }
            _ => {}
        }
        let piece = pieces.get(at)?.clone().into_bytes();
        if let Some(pause) = pause {
            tick(pause).await;
        }
        Some((Ok(Frame::data(Bytes::from(piece))), (at + 1, pieces)))
    });
    // An error ends the connection.
    let body = StreamBody::new(body.boxed());
    let mut response = Response::new(BodyExt::boxed_unsync(body));
    let value = http::HeaderValue::from_static(kind);
    response.headers_mut().insert("content-type", value);
    response
}

async fn tick(pause: Duration) {
    let mut ticks = tokio::time::interval(pause.max(Duration::from_millis(1)));
    ticks.tick().await; // the first comes at once
    ticks.tick().await;
}

fn refuse(vendor: &dyn Vendor, refusal: &Refusal, after: Option<After>) -> Response<Body> {
    let body = vendor.refusal(refusal);
    // Google has a status of its own for some.
    let status = body["error"]["code"]
        .as_u64()
        .and_then(|code| u16::try_from(code).ok());
    let status = status.unwrap_or(refusal.status);
    let mut response = plain(status, "application/json", body.to_string().into_bytes());
    let after = after.map(|after| match after {
        After::Seconds(seconds) => seconds.to_string(),
        After::Date => date(),
    });
    if let Some(value) = after.and_then(|after| http::HeaderValue::from_str(&after).ok()) {
        response.headers_mut().insert("retry-after", value);
    }
    response
}

/// Two seconds from now.
#[expect(
    clippy::disallowed_methods,
    reason = "a server for tests tells the true date, as providers do"
)]
fn date() -> String {
    httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(2))
}

fn plain(status: u16, kind: &'static str, body: Vec<u8>) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never: Infallible| match never {});
    let mut response = Response::new(BodyExt::boxed_unsync(body));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let value = http::HeaderValue::from_static(kind);
    response.headers_mut().insert("content-type", value);
    response
}

/// Bytes of no meaning, the same for the same seed (xorshift).
fn garbage(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..GARBAGE_BYTES).map(|_| next()).collect()
}
