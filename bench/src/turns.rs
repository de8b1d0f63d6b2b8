//! Turns of a model, durable and paid for, against a server that answers at once: how many a
//! second at 64 connections, what each takes beside asking the server without naos, and by how
//! much the first byte that it streams comes later at whoever watches the run.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use naos_engine::clock::tick;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::figures::{Board, Goal, percentile};
use crate::http::CONNECTIONS;
use crate::limit;
use crate::listen::{Answers, Asked, DONE, Said, Then, event, head, listen};
use crate::load::{Answered, drive, drive_count, request};
use crate::site::{Server, Site, runtime};
use crate::syncs::Watch;

const SLICE: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_millis(500);
/// How many runs are watched for their first byte in each round.
const WATCHED: usize = 40;
/// Turns while syncs are counted.
const COUNTED: usize = 512;
/// Records whose durability says how fast the disk is.
const RECORDS: usize = 500;
const LIMIT: &str = "the same server, asked without naos";
const DISK: &str = "one durable record on this disk, p50";
/// What the server answers, in pieces as OpenAI's chat completions are streamed.
const PIECES: [&str; 3] = [
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"Salama"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":1}}"#,
];
/// The words of an input that the server waits with until somebody watches.
const WAITS: &str = "wait until somebody watches";

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
        let (mut alone, mut used) = (Vec::new(), Vec::new());
        let p50 = |all: &Answered| percentile(&all.latencies, 0.5) * 1e3;
        for _ in 0..rounds {
            let ours = slice(board, &server, ask.clone(), CONNECTIONS).await;
            let limit = drive(port, CONNECTIONS, SLICE, direct.clone()).await;
            let rate = limit.latencies.len() as f64 / SLICE.as_secs_f64();
            let more = p50(&ours.1) - p50(&limit);
            rates.push((ours.0, rate));
            let busy = server.busy();
            let one = slice(board, &server, ask.clone(), 1).await;
            let each = (server.busy() - busy) * 1e3 / one.1.latencies.len().max(1) as f64;
            let limit = drive(port, 1, SLICE, direct.clone()).await;
            let record = record().await;
            alone.push((p50(&one.1) - p50(&limit), record));
            used.push((each, record));
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
        let each = syncs(&server, &ask, CONNECTIONS).await;
        board.syncs(each, Some(0.0)); // the model keeps nothing
        let name = "a turn alone, p50 beyond the model's own";
        board.figure(name, "ms", DISK, Goal::Reported, &alone);
        let each = syncs(&server, &ask, 1).await;
        board.syncs(each, Some(1.0));
        let name = "a turn alone, processor time (prompt, guard, settlement and all)";
        board.figure(name, "ms", DISK, Goal::Reported, &used);
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
async fn slice(
    board: &mut Board,
    server: &Server,
    ask: Vec<u8>,
    at_once: usize,
) -> (f64, Answered) {
    let began = tick();
    let all = drive(server.port, at_once, SLICE, ask).await;
    let asked = began.elapsed().as_secs_f64();
    let busy = server.busy();
    server.rest().await;
    let lag = server.busy() - busy;
    board.tried(all.latencies.len() + all.failures, all.failures);
    (all.latencies.len() as f64 / (asked + lag), all)
}

/// Milliseconds until one record is durable on this disk, with nothing around it: p50.
async fn record() -> f64 {
    let dir = tempfile::tempdir().expect("a scratch directory");
    // It has a runtime of its own, and this thread has one already.
    let measured = std::thread::scope(|scope| {
        let records = scope.spawn(|| limit::records(dir.path(), 1, RECORDS));
        records.join()
    });
    percentile(&measured.expect("the disk is measured").1, 0.5) * 1e3
}

/// How often files are made durable for a turn.
async fn syncs(server: &Server, ask: &[u8], at_once: usize) -> Option<f64> {
    let watch = Watch::on(server.id())?;
    let done = drive_count(server.port, at_once, COUNTED, ask.to_vec()).await;
    server.rest().await;
    let turns = done.latencies.len().max(1) as f64;
    watch.end().map(|calls| calls / turns)
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

/// Starts the server: its port, how it hears that somebody watches, and when it wrote the first
/// byte of each answer that waited for that.
fn model() -> (u16, Arc<Notify>, mpsc::Receiver<Instant>) {
    let watched = Arc::new(Notify::new());
    let (tell, wrote) = mpsc::channel();
    let first = event(PIECES[0]);
    let last = format!("{}{}{DONE}", event(PIECES[1]), event(PIECES[2]));
    let head = head("200 OK", "text/event-stream", first.len() + last.len());
    let model = Model {
        watched: Arc::clone(&watched),
        tell,
        first: head + &first,
        last,
    };
    (listen(&Arc::new(model)), watched, wrote)
}

/// A model that answers at once, or when somebody watches.
struct Model {
    watched: Arc<Notify>,
    tell: mpsc::Sender<Instant>,
    first: String,
    last: String,
}

impl Answers for Model {
    async fn answer(&self, asked: &Asked<'_>, socket: &mut TcpStream) -> Said {
        let Self { first, last, .. } = self;
        if asked.body.contains(WAITS) {
            self.watched.notified().await;
            let _ = self.tell.send(tick()); // nobody listens where a watcher gave up
            socket.write_all(first.as_bytes()).await?;
            socket.write_all(last.as_bytes()).await?;
        } else {
            socket
                .write_all(format!("{first}{last}").as_bytes())
                .await?;
        }
        Ok(Then::Stay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_answers_is_json() {
        for piece in PIECES {
            serde_json::from_str::<Value>(piece).expect(piece);
        }
    }
}
