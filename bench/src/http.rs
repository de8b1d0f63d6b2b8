//! The API at 64 connections, authenticated, the server on one core and the load on the other:
//! a small GET beside bare axum, a durable POST beside bare axum with a group-commit journal, and
//! a small GET beside the demo's work.

use std::process::Stdio;
use std::time::Duration;

use naos_engine::clock::tick;
use serde_json::{Value, json};

use crate::figures::{Board, Goal, percentile};
use crate::load::{Answered, drive, drive_count, pace, request};
use crate::site::{Server, Site, hold_load, runtime};
use crate::syncs::Watch;

/// How many ask at once.
pub const CONNECTIONS: usize = 64;
const SLICE: Duration = Duration::from_millis(2_500);
const WARM_UP: Duration = Duration::from_millis(500);
/// Requests while syncs are counted.
const COUNTED: usize = 2_048;
/// Between two small GETs beside the demo's work.
const PACE: Duration = Duration::from_millis(5);
const GET_LIMIT: &str = "bare axum, JSON";
const POST_LIMIT: &str = "bare axum, group-commit SQLite";

/// One side of one slice.
pub struct Slice {
    rate: f64,
    p50: f64,
    p95: f64,
    p99: f64,
    /// Microseconds of processor time that the server took for each answer.
    each: f64,
}

/// Alternates ours and the limit `slices` times for each figure.
pub fn run(slices: usize, board: &mut Board) {
    hold_load();
    let runtime = runtime();
    let site = Site::new();
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let bare = Server::bare(scratch.path(), true);
    let ours = site.up(true);
    runtime.block_on(async {
        let made = json!({"name": "bench", "template": "echo"});
        ours.api("POST", "/api/v1/agents", &made).await;
        let get = request("GET", "/api/v1/agents/bench", &ours.token, "");
        let json = request("GET", "/json", "", "");
        let pairs = turns(slices, board, (&ours, &get), (&bare, &json)).await;
        show(
            board,
            "small GET",
            GET_LIMIT,
            Goal::RatioAtLeast(0.3),
            &pairs,
            None,
        );

        let text = "x".repeat(120);
        let body = json!({"type": "bench.event", "data": {"text": text}}).to_string();
        let publish = request("POST", "/api/v1/events", &ours.token, &body);
        let event = request("POST", "/event", "", &body);
        let both = ((&ours, &publish[..]), (&bare, &event[..]));
        let pairs = turns(slices, board, both.0, both.1).await;
        show(
            board,
            "durable POST",
            POST_LIMIT,
            Goal::RatioAtLeast(0.5),
            &pairs,
            syncs(both).await,
        );
    });
    drop(ours);
    drop(bare);
    runtime.block_on(beside_the_demo(slices, board));
}

/// Ours and the limit by turns.
pub async fn turns(
    slices: usize,
    board: &mut Board,
    ours: (&Server, &[u8]),
    limit: (&Server, &[u8]),
) -> Vec<(Slice, Slice)> {
    for (server, request) in [ours, limit] {
        drive(server.port, CONNECTIONS, WARM_UP, request.to_vec()).await;
        server.rest().await;
    }
    let mut pairs = Vec::new();
    for turn in 0..slices {
        let (first, second) = if turn % 2 == 0 {
            (ours, limit)
        } else {
            (limit, ours)
        };
        let first = slice(board, first).await;
        let second = slice(board, second).await;
        pairs.push(if turn % 2 == 0 {
            (first, second)
        } else {
            (second, first)
        });
    }
    pairs
}

/// A server, and what it is asked.
type Side<'s> = (&'s Server, &'s [u8]);

/// How often each makes its files durable for a request.
pub async fn syncs((ours, limit): (Side<'_>, Side<'_>)) -> Option<[Option<f64>; 2]> {
    let counted = async |(server, request): Side<'_>| {
        let watch = Watch::on(server.id())?;
        let done = drive_count(server.port, CONNECTIONS, COUNTED, request.to_vec()).await;
        server.rest().await;
        watch
            .end()
            .map(|calls| calls / done.latencies.len().max(1) as f64)
    };
    Some([counted(ours).await, counted(limit).await])
}

/// A slice ends when the server has nothing left to do: views and files that lag are not lent.
async fn slice(board: &mut Board, (server, request): (&Server, &[u8])) -> Slice {
    let (began, busy) = (tick(), server.busy());
    let Answered {
        latencies,
        failures,
    } = drive(server.port, CONNECTIONS, SLICE, request.to_vec()).await;
    let asked = began.elapsed().as_secs_f64();
    let at_the_end = server.busy();
    server.rest().await;
    let (lag, used) = (server.busy() - at_the_end, server.busy() - busy);
    board.tried(latencies.len() + failures, failures);
    let at = |p| percentile(&latencies, p) * 1e3;
    Slice {
        rate: latencies.len() as f64 / (asked + lag),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        each: used * 1e6 / latencies.len() as f64,
    }
}

/// Writes what came of it down.
pub fn show(
    board: &mut Board,
    what: &str,
    limit: &'static str,
    goal: Goal,
    pairs: &[(Slice, Slice)],
    syncs: Option<[Option<f64>; 2]>,
) {
    let of = |pick: fn(&Slice) -> f64| -> Vec<(f64, f64)> {
        let both = |(ours, limit): &(Slice, Slice)| (pick(ours), pick(limit));
        pairs.iter().map(both).collect()
    };
    let named = |part: &str| format!("{what} × {CONNECTIONS}, {part}");
    board.figure(named("answers"), "/s", limit, goal, &of(|s| s.rate));
    if let Some([ours, limit]) = syncs {
        board.syncs(ours, limit);
    }
    for (part, pick) in [
        ("p50", (|s| s.p50) as fn(&Slice) -> f64),
        ("p95", |s| s.p95),
        ("p99", |s| s.p99),
    ] {
        board.figure(named(part), "ms", limit, Goal::Reported, &of(pick));
    }
    let used: fn(&Slice) -> f64 = |s| s.each;
    let name = named("processor time each");
    board.figure(name, "µs", limit, Goal::Reported, &of(used));
}

/// The demo works in a daemon, held to one core; somebody asks for an agent every few
/// milliseconds. The limit is the same without the demo.
async fn beside_the_demo(rounds: usize, board: &mut Board) {
    let mut slices = Vec::new();
    for _ in 0..rounds.div_ceil(2) {
        let site = Site::empty();
        let server = site.up(true);
        let made = json!({"name": "bench", "template": "echo"});
        server.api("POST", "/api/v1/agents", &made).await;
        let get = request("GET", "/api/v1/agents/bench", &server.token, "");
        let alone_until = tick() + SLICE;
        let alone = pace(server.port, PACE, &get, || tick() >= alone_until).await;
        let mut demo = site
            .naos(&["demo", "--dir", ".", "--yes"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demo starts");
        let mut ended = None;
        let beside = pace(server.port, PACE, &get, || {
            ended = demo.try_wait().expect("a child of ours");
            ended.is_some()
        })
        .await;
        let _ = demo.kill(); // only if the line broke before it ended
        let status = ended.or_else(|| demo.wait().ok());
        let well = status.is_some_and(|status| status.success());
        let path = "/api/v1/plan-runs?brief=true"; // a report is long
        let reports = server.api("GET", path, &Value::Null).await;
        let done = reports["items"][0]["status"] == "completed";
        for all in [&alone, &beside] {
            board.tried(all.latencies.len() + all.failures, all.failures);
        }
        board.tried(1, usize::from(!(well && done)));
        let p95 = |all: &Answered| percentile(&all.latencies, 0.95) * 1e3;
        slices.push((p95(&beside), p95(&alone)));
    }
    let name = "small GET beside the demo, p95";
    board.figure(
        name,
        "ms",
        "the same without the demo",
        Goal::AtMost(10.0),
        &slices,
    );
}
