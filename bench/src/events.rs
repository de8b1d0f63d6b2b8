//! Events of 1 KB through the API: published durably, 64 in flight, beside bare axum with a
//! group-commit journal; and taken in batches, each acknowledged with the next, beside bare axum
//! that answers with as many bytes and makes one record durable for each batch.

use std::borrow::Cow;
use std::time::Duration;

use naos_engine::clock::tick;
use serde::Deserialize;
use serde_json::json;

use crate::figures::{Board, Goal};
use crate::http::{self, CONNECTIONS};
use crate::load::{Line, drive_count, request};
use crate::site::{Server, Site, hold_load, runtime};
use crate::syncs::Watch;

/// Bytes of an event's data.
const DATA_BYTES: usize = 1_024;
/// Events of one batch.
const BATCH: usize = 100;
/// Batches of one round.
const BATCHES: usize = 100;
const POST_LIMIT: &str = "bare axum, group-commit SQLite";
const PULL_LIMIT: &str = "bare axum, as many bytes, a record a batch";

/// What a client reads of a batch.
#[derive(Default, Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    events: Vec<Taken<'a>>,
}

#[derive(Deserialize)]
struct Taken<'a> {
    sequence: &'a str,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// Alternates ours and the limit `rounds` times for each figure.
pub fn run(rounds: usize, board: &mut Board) {
    hold_load();
    let runtime = runtime();
    let site = Site::new();
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let bare = Server::bare(scratch.path(), true);
    let ours = site.up(true);
    runtime.block_on(async {
        let text = "x".repeat(DATA_BYTES - 2);
        let body = json!({"type": "bench.event", "data": text}).to_string();
        let publish = request("POST", "/api/v1/events", &ours.token, &body);
        let event = request("POST", "/event", "", &body);
        let both = ((&ours, &publish[..]), (&bare, &event[..]));
        let pairs = http::turns(rounds, board, both.0, both.1).await;
        http::show(
            board,
            "durable event of 1 KB",
            POST_LIMIT,
            Goal::RatioAtLeast(0.5),
            &pairs,
            http::syncs(both).await,
        );

        let made = json!({"name": "bench", "on": "bench.*", "in_flight": 10_000});
        ours.api("POST", "/api/v1/consumers", &made).await;
        let mut rates = Vec::new();
        for _ in 0..rounds {
            drive_count(ours.port, CONNECTIONS, BATCH * BATCHES, publish.clone()).await;
            ours.rest().await;
            let own = taken(board, &ours).await;
            let limit = bare_batches(board, &bare).await;
            rates.push((own, limit));
        }
        let name = format!("events taken and acknowledged, {BATCH} at once");
        board.figure(name, "/s", PULL_LIMIT, Goal::Reported, &rates);
        drive_count(ours.port, CONNECTIONS, BATCH * BATCHES, publish.clone()).await;
        ours.rest().await;
        let events = (BATCH * BATCHES) as f64;
        let own = Watch::on(ours.id());
        taken(board, &ours).await;
        let own = own.and_then(Watch::end).map(|calls| calls / events);
        let limit = Watch::on(bare.id());
        bare_batches(board, &bare).await;
        board.syncs(own, limit.and_then(Watch::end).map(|calls| calls / events));
    });
}

/// Events a second: each batch is acknowledged with the request for the next one.
pub async fn taken(board: &mut Board, server: &Server) -> f64 {
    let mut line = Line::open(server.port).await.expect("a connection");
    let (mut count, mut done) = (0_usize, Vec::new());
    let began = tick();
    loop {
        let body = json!({"max": BATCH, "ack": done}).to_string();
        let pull = request("POST", "/api/v1/consumers/bench/pull", &server.token, &body);
        let answer = line.ask(&pull).await.expect("an answer");
        board.tried(1, usize::from(answer.status != 200));
        let said: Batch<'_> = serde_json::from_slice(&answer.body).unwrap_or_default();
        let whole = said
            .events
            .iter()
            .filter(|e| e.data.len() == DATA_BYTES - 2);
        done = whole
            .filter_map(|e| e.sequence.parse::<u64>().ok())
            .collect();
        board.tried(0, said.events.len() - done.len());
        count += done.len();
        if done.is_empty() {
            break;
        }
    }
    let asked = began.elapsed();
    let at_the_end = server.busy();
    server.rest().await;
    let lag = Duration::from_secs_f64((server.busy() - at_the_end).max(0.0));
    count as f64 / (asked + lag).as_secs_f64()
}

async fn bare_batches(board: &mut Board, server: &Server) -> f64 {
    let mut line = Line::open(server.port).await.expect("a connection");
    let take = request("POST", "/take", "", "{\"ack\": []}");
    let began = tick();
    for _ in 0..BATCHES {
        let answer = line.ask(&take).await.expect("an answer");
        board.tried(1, usize::from(answer.status != 200));
    }
    (BATCH * BATCHES) as f64 / began.elapsed().as_secs_f64()
}
