//! Money: 64 callers race for one budget over HTTP, while the daemon is killed, prices change and
//! the model fails, breaks off or says nothing of what it used. What the model bills at its end may
//! never be more than the limit, and naos may never count less than what was billed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use naos_engine::clock::tick;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::figures::{Board, Goal};
use crate::http::CONNECTIONS;
use crate::listen::{Answers, Asked, DONE, Said, Then, event, head, listen, say};
use crate::load::{Line, request};
use crate::site::{Server, Site, runtime};

/// Calls of the model in each round.
const CALLS: u64 = 20_000;
/// How much the limit grows each time it is used up, in millionths of a dollar.
const STEP_MICROS: u64 = 250_000;
/// Between two kills.
const LIFE: Duration = Duration::from_millis(2_500);
/// Between two looks at a budget that is used up.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest that all callers may be told no before the round is given up.
const STUCK_MAX: Duration = Duration::from_secs(60);
/// What the model says that it read and wrote.
const TOKENS: (u64, u64) = (40, 3);

/// A model with its bill.
#[derive(Default)]
struct Bill {
    /// How often it was asked, refusals included.
    asked: AtomicU64,
    /// How often it billed something.
    calls: AtomicU64,
    /// Picodollars: tokens times the price of a million of them in micros.
    billed: AtomicU64,
    /// Calls that were billed and not answered as they should be.
    spoilt: AtomicU64,
    /// Prices by the name of the model, in micros a million tokens: read, and written.
    prices: Mutex<BTreeMap<String, (u64, u64)>>,
}

impl Bill {
    fn micros(&self) -> f64 {
        self.billed.load(Ordering::SeqCst) as f64 / 1e6
    }

    /// One more call for a model that somebody pays for.
    fn add(&self, asked: &str) -> u64 {
        let named = serde_json::from_str::<Value>(asked).unwrap_or_default();
        let name = named["model"].as_str().unwrap_or_default();
        let prices = self.prices.lock().expect("nobody panics with it");
        let (read, wrote) = prices.get(name).copied().unwrap_or_default();
        let cost = TOKENS.0 * read + TOKENS.1 * wrote;
        self.billed.fetch_add(cost, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst)
    }
}

/// All figures: each round has its own daemon, model and budget.
pub fn run(rounds: usize, board: &mut Board) {
    let mut over = Vec::new();
    let mut under = Vec::new();
    let mut kills = 0;
    let (mut calls, mut spoilt) = (0, 0);
    for _ in 0..rounds {
        let round = runtime().block_on(round());
        kills += round.kills;
        calls += round.calls;
        spoilt += round.spoilt;
        let bad = usize::from(round.billed > round.limit || round.counted < round.billed);
        board.tried(usize::try_from(round.calls).unwrap_or(usize::MAX), bad);
        over.push(((round.billed - round.limit).max(0.0), round.limit));
        under.push(((round.billed - round.counted).max(0.0), round.counted));
    }
    let name = format!("billed beyond the limit, {CONNECTIONS} callers");
    board.figure(name, "µ$", "the limit", Goal::AtMost(0.0), &over);
    let name = "billed beyond what was counted";
    board.figure(name, "µ$", "what was counted", Goal::AtMost(0.0), &under);
    board.note(format!(
        "{calls} calls, {spoilt} of them spoilt, {kills} kills, a new price after each"
    ));
}

/// What came of a round; amounts in millionths of a dollar.
struct Round {
    calls: u64,
    spoilt: u64,
    kills: u64,
    billed: f64,
    counted: f64,
    limit: f64,
}

async fn round() -> Round {
    let bill = Arc::new(Bill::default());
    let mut site = Site::new();
    site.ports = vec![listen(&bill)];
    let port = Arc::new(AtomicU16::new(0));
    let mut server = site.up(false);
    port.store(server.port, Ordering::SeqCst);
    price(&server, &bill, site.ports[0], 0).await;
    let (mut kills, mut steps) = (0, 1);
    limit(&server, steps).await;
    let body = json!({"agent": "clerk", "input": "Salama", "wait_ms": 20_000}).to_string();
    let ask: Arc<[u8]> = request("POST", "/api/v1/runs", &server.token, &body).into();
    let callers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (port, ask, bill) = (Arc::clone(&port), Arc::clone(&ask), Arc::clone(&bill));
            tokio::runtime::Handle::current().spawn(async move { call(&port, &ask, &bill).await })
        })
        .collect();
    let mut last = (0, tick());
    let mut born = tick();
    while bill.calls.load(Ordering::SeqCst) < CALLS {
        tokio::time::sleep(PAUSE).await;
        let calls = bill.calls.load(Ordering::SeqCst);
        if calls != last.0 {
            last = (calls, tick());
        } else if last.1.elapsed() > PAUSE * 10 {
            // All that could be afforded was asked: more is allowed, never less.
            assert!(
                last.1.elapsed() < STUCK_MAX,
                "nobody goes on at {calls} calls"
            );
            steps += 1;
            limit(&server, steps).await;
        }
        if born.elapsed() > LIFE {
            port.store(0, Ordering::SeqCst);
            server.kill();
            kills += 1;
            server = site.up(false);
            price(&server, &bill, site.ports[0], kills).await;
            port.store(server.port, Ordering::SeqCst);
            born = tick();
        }
    }
    for caller in callers {
        let _ = caller.await; // a caller that broke asked less
    }
    settled(&server).await;
    let costs = server.api("GET", "/api/v1/costs", &Value::Null).await;
    let budget = &costs["budgets"][0];
    let amount = |key: &str| budget[key].as_f64().unwrap_or(f64::NAN);
    Round {
        calls: bill.calls.load(Ordering::SeqCst),
        spoilt: bill.spoilt.load(Ordering::SeqCst),
        kills,
        billed: bill.micros(),
        counted: amount("spent_micros"),
        limit: amount("limit_micros"),
    }
}

/// Waits until nothing is set aside any more.
async fn settled(server: &Server) {
    let until = tick() + STUCK_MAX;
    loop {
        let costs = server.api("GET", "/api/v1/costs", &Value::Null).await;
        if costs["budgets"][0]["reserved_micros"] == 0 {
            return;
        }
        assert!(tick() < until, "something stays set aside: {costs}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks again and again, wherever the daemon is by now.
async fn call(port: &AtomicU16, ask: &[u8], bill: &Bill) {
    while bill.calls.load(Ordering::SeqCst) < CALLS {
        let Ok(mut line) = Line::open(port.load(Ordering::SeqCst)).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        while bill.calls.load(Ordering::SeqCst) < CALLS {
            match line.ask(ask).await {
                Ok(answer) if answer.status < 300 && !refused(&answer.body) => {}
                Ok(_) => tokio::time::sleep(PAUSE).await, // the budget is used up for now
                Err(_) => break,
            }
        }
    }
}

/// Whether a run was not begun, or failed, for want of money.
fn refused(body: &[u8]) -> bool {
    let run: Value = serde_json::from_slice(body).unwrap_or_default();
    run["status"] != "completed"
}

async fn limit(server: &Server, steps: u64) {
    let body = json!({"limit_micros": STEP_MICROS * steps, "period": "total", "action": "pause"});
    server.api("PUT", "/api/v1/budgets/clerk", &body).await;
}

/// The model under a new name, whose price is known by it.
async fn price(server: &Server, bill: &Bill, port: u16, version: u64) {
    let name = format!("m{version}");
    let (read, wrote) = (1 + version % 3, 10 + 5 * (version % 4));
    let prices = (read * 1_000_000, wrote * 1_000_000);
    bill.prices
        .lock()
        .expect("nobody panics with it")
        .insert(name.clone(), prices);
    let text = format!(
        "type: model\nname: instant\nprovider: openai-compatible\n\
         endpoint: http://127.0.0.1:{port}/v1\nmodel: {name}\ncapabilities: [text]\n\
         cost_per_1m_tokens: {{input: {read}, output: {wrote}}}\n---\n\
         type: agent\nname: clerk\nmodel: instant\nprompt: You greet.\nanswer_tokens: 64\n"
    );
    let files = json!({"files": [{"name": "bench.yaml", "text": text}]});
    server.api("POST", "/api/v1/apply", &files).await;
}

impl Answers for Bill {
    /// Of a hundred calls four are refused, two are hung up on, two break off in the middle, and
    /// two say nothing of what they used. All but the refused are billed.
    async fn answer(&self, asked: &Asked<'_>, socket: &mut TcpStream) -> Said {
        let count = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if count.is_multiple_of(25) {
            return say(socket, "500 Oh", "application/json", "{}").await;
        }
        let number = self.add(asked.body);
        let (read, wrote) = TOKENS;
        let used = json!({"prompt_tokens": read, "completion_tokens": wrote});
        let used = event(&json!({"choices": [], "usage": used}).to_string());
        let delta = json!({"role": "assistant", "content": "Salama"});
        let first = event(&json!({"choices": [{"index": 0, "delta": delta}]}).to_string());
        let stop = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
        let stop = event(&json!({"choices": [stop]}).to_string());
        let manner = number % 100;
        let used = if matches!(manner, 40 | 90) { "" } else { &used };
        let answer = format!("{first}{stop}{used}{DONE}");
        if matches!(manner, 10 | 30 | 40 | 60 | 80 | 90) {
            self.spoilt.fetch_add(1, Ordering::SeqCst);
        }
        match manner {
            10 | 60 => {}
            30 | 80 => {
                let head = head("200 OK", "text/event-stream", answer.len());
                socket.write_all((head + &first).as_bytes()).await?;
            }
            _ => return say(socket, "200 OK", "text/event-stream", &answer).await,
        }
        Ok(Then::HangUp)
    }
}
