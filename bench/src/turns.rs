//! Turns of a model, durable and paid for, against a server that answers at once: how many a
//! second at 64 connections, what each takes beside asking the server without naos, and by how
//! much the first byte that it streams comes later at whoever watches the run.

use std::net::TcpListener as StdListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use naos_engine::clock::tick;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::figures::{Board, Goal, percentile};
use crate::http::CONNECTIONS;
use crate::load::{Answered, drive, request};
use crate::site::{Server, Site, runtime};

const SLICE: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_millis(500);
/// How many runs are watched for their first byte in each round.
const WATCHED: usize = 40;
const LIMIT: &str = "the same server, asked without naos";
/// What the server answers, in pieces as OpenAI's chat completions are streamed.
const PIECES: [&str; 3] = [
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"Salama"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":1}}"#,
];
/// The words of an input that the server waits with until somebody watches.
const WAITS: &str = "wait until somebody watches";
/// The largest question that it reads.
const ASKED_BYTES_MAX: usize = 1 << 20;

/// All figures.
pub fn run(rounds: usize, board: &mut Board) {
    let (port, watched, wrote) = model();
    let mut site = Site::new();
    site.ports = vec![port];
    let server = site.up(false);
    runtime().block_on(async {
        let files = json!({"files": [{"name": "bench.yaml", "text": documents(port)}]});
        server.api("POST", "/api/v1/apply", &files).await;
        let body = json!({"agent": "clerk", "input": "Salama", "wait_ms": 60_000});
        let ask = request("POST", "/api/v1/runs", &server.token, &body.to_string());
        let direct = json!({"model": "m", "stream": true, "messages": []}).to_string();
        let direct = request("POST", "/v1/chat/completions", "", &direct);
        drive(server.port, CONNECTIONS, WARM_UP, ask.clone()).await;
        drive(port, CONNECTIONS, WARM_UP, direct.clone()).await;
        let (mut rates, mut times, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let ours = slice(board, &server, ask.clone()).await;
            let limit = drive(port, CONNECTIONS, SLICE, direct.clone()).await;
            let rate = limit.latencies.len() as f64 / SLICE.as_secs_f64();
            let p50 = |all: &Answered| percentile(&all.latencies, 0.5) * 1e3;
            let more = p50(&ours.1) - p50(&limit);
            rates.push((ours.0, rate));
            times.push((more, p50(&limit)));
            let mut later = Vec::new();
            for _ in 0..WATCHED {
                later.push(first_byte(board, &server, (&watched, &wrote)).await);
            }
            later.sort_by(f64::total_cmp);
            firsts.push((
                percentile(&later, 0.5) * 1e3,
                percentile(&later, 0.95) * 1e3,
            ));
        }
        let name = format!("turns of a model × {CONNECTIONS}");
        board.figure(&name, "/s", LIMIT, Goal::AtLeast(1_000.0), &rates);
        let name = format!("a turn × {CONNECTIONS}, p50 beyond the model's own");
        board.figure(&name, "ms", LIMIT, Goal::AtMost(3.0), &times);
        let name = "first streamed byte, added p50";
        board.figure(name, "ms", "its own p95", Goal::AtMost(5.0), &firsts);
        board.note("a turn is a run: task, reservation, answer, settlement and end, all durable");
    });
}

/// A model whose answers cost something, so that each is reserved for and settled.
fn documents(port: u16) -> String {
    format!(
        "type: model\nname: instant\nprovider: openai-compatible\n\
         endpoint: http://127.0.0.1:{port}/v1\nmodel: m\ncapabilities: [text]\n\
         cost_per_1m_tokens: {{input: 1, output: 10}}\n---\n\
         type: agent\nname: clerk\nmodel: instant\nprompt: You greet.\nanswer_tokens: 64\n\
         budget: {{limit: $100000, period: total}}\n"
    )
}

/// A slice ends when the server has nothing left to do.
async fn slice(board: &mut Board, server: &Server, ask: Vec<u8>) -> (f64, Answered) {
    let began = tick();
    let all = drive(server.port, CONNECTIONS, SLICE, ask).await;
    let asked = began.elapsed().as_secs_f64();
    let busy = server.busy();
    server.rest().await;
    let lag = server.busy() - busy;
    board.tried(all.latencies.len() + all.failures, all.failures);
    (all.latencies.len() as f64 / (asked + lag), all)
}

/// Seconds from when the server wrote its first byte until whoever watches the run has it.
async fn first_byte(
    board: &mut Board,
    server: &Server,
    (watched, wrote): (&Notify, &mpsc::Receiver<Instant>),
) -> f64 {
    let body = json!({"agent": "clerk", "input": WAITS, "wait_ms": 0});
    let run = server.api("POST", "/api/v1/runs", &body).await;
    let path = format!(
        "/api/v1/runs/{}/stream",
        run["run"].as_str().unwrap_or_default()
    );
    let mut socket = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .expect("a connection");
    let wanted = request("GET", &path, &server.token, "");
    socket.write_all(&wanted).await.expect("a stream");
    let mut seen = Vec::new();
    // The head of the answer: from now on somebody watches.
    until(&mut socket, &mut seen, "\r\n\r\n").await;
    watched.notify_one();
    until(&mut socket, &mut seen, "Salama").await;
    let arrived = tick();
    let written = wrote.recv_timeout(Duration::from_secs(10));
    let run = format!(
        "/api/v1/runs/{}?wait_ms=20000",
        run["run"].as_str().unwrap_or_default()
    );
    let ended = server.api("GET", &run, &Value::Null).await;
    board.tried(1, usize::from(ended["status"] != "completed"));
    written.map_or(f64::NAN, |at| arrived.duration_since(at).as_secs_f64())
}

async fn until(socket: &mut TcpStream, seen: &mut Vec<u8>, what: &str) {
    while !String::from_utf8_lossy(seen).contains(what) {
        let read = socket.read_buf(seen).await.expect("the stream goes on");
        assert!(
            read > 0,
            "the stream ended: {}",
            String::from_utf8_lossy(seen)
        );
    }
}

/// Starts the server on a thread of its own: its port, how it hears that somebody watches, and
/// when it wrote the first byte of each answer that waited for that.
fn model() -> (u16, std::sync::Arc<Notify>, mpsc::Receiver<Instant>) {
    let listener = StdListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let watched = std::sync::Arc::new(Notify::new());
    let (tell, wrote) = mpsc::channel();
    let waits = std::sync::Arc::clone(&watched);
    std::thread::spawn(move || {
        runtime().block_on(async move {
            listener.set_nonblocking(true).expect("a listener");
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((socket, _)) = listener.accept().await {
                let (waits, tell) = (std::sync::Arc::clone(&waits), tell.clone());
                tokio::runtime::Handle::current().spawn(async move {
                    let _ = answers(socket, &waits, &tell).await; // who hung up wants none
                });
            }
        });
    });
    (port, watched, wrote)
}

/// Answers on one connection until it ends.
async fn answers(
    mut socket: TcpStream,
    waits: &Notify,
    tell: &mpsc::Sender<Instant>,
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut asked = Vec::with_capacity(16 << 10);
    let event = |piece: &str| format!("data: {piece}\n\n");
    let last = format!("{}{}data: [DONE]\n\n", event(PIECES[1]), event(PIECES[2]));
    let first = event(PIECES[0]);
    let length = first.len() + last.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\r\n"
    );
    loop {
        let end = loop {
            if let Some(end) = whole(&asked)? {
                break end;
            }
            if asked.len() > ASKED_BYTES_MAX || socket.read_buf(&mut asked).await? == 0 {
                return Ok(());
            }
        };
        let waited = String::from_utf8_lossy(&asked[..end]).contains(WAITS);
        asked.drain(..end);
        if waited {
            waits.notified().await;
            let _ = tell.send(tick()); // nobody listens where a watcher gave up
            socket
                .write_all(format!("{head}{first}").as_bytes())
                .await?;
            socket.write_all(last.as_bytes()).await?;
        } else {
            socket
                .write_all(format!("{head}{first}{last}").as_bytes())
                .await?;
        }
    }
}

/// Where a request ends that is there whole.
pub fn whole(bytes: &[u8]) -> std::io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(bytes).map_err(std::io::Error::other)?;
    let httparse::Status::Complete(from) = parsed else {
        return Ok(None);
    };
    let named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let length = request.headers.iter().find(named);
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let end = from + length.unwrap_or(0usize);
    Ok((bytes.len() >= end).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_when_they_are_whole() {
        let text = request("POST", "/v1/chat/completions", "", "{}");
        assert_eq!(whole(&text).unwrap(), Some(text.len()));
        assert_eq!(whole(&text[..text.len() - 1]).unwrap(), None);
        assert!(whole(b"no request\r\n\r\n\0").is_err());
    }

    #[test]
    fn what_it_answers_is_json() {
        for piece in PIECES {
            serde_json::from_str::<Value>(piece).expect(piece);
        }
    }
}
