//! What people would run instead, side by side: the same workflow of three steps, the same events
//! of 1 KB. Everybody runs once a round, so that ratios are taken inside one. `bench/peers`
//! installs them; whoever isn't there is left out, and said to be.

mod stand;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use naos_engine::clock::tick;
use serde_json::{Value, json};

use crate::events;
use crate::figures::{Board, Goal, percentile};
use crate::http::CONNECTIONS;
use crate::limit;
use crate::load::{drive, drive_count, request};
use crate::plans;
use crate::site::{Server, Site, runtime};
use crate::syncs::{self, Watch};
use stand::{Stand, ports};

/// Where `bench/peers/install.sh` put them.
const HOME_VARIABLE: &str = "NAOS_BENCH_PEERS";
const SLICE: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_secs(1);
/// Workflows while syncs are counted.
const COUNTED: usize = 500;
const LIMIT_RECORDS: usize = 40_000;
const EVENTS: usize = 10_000;
/// Restate's services, and where each is asked.
const RESTATE: [(&str, &str); 2] = [
    ("Restate, TypeScript", "/Bench/run"),
    ("Restate, Rust", "/BenchRust/run"),
];
const NATS: &str = "NATS JetStream, sync_interval: always";
const POSTGRES: &str = "PostgreSQL, SKIP LOCKED";

/// One workflow after the other, or many at once: how many a second, and how long one takes.
#[derive(Clone, Copy, Debug)]
struct Speed {
    rate: f64,
    p50_ms: f64,
}

/// A peer that is measured over HTTP or as a program of its own; none is not installed.
type Measured = Vec<(&'static str, Option<Speed>)>;

fn home() -> PathBuf {
    std::env::var_os(HOME_VARIABLE).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers"),
        PathBuf::from,
    )
}

/// All figures.
pub fn run(rounds: usize, board: &mut Board) {
    let home = home();
    let runtime = runtime();
    let stand = runtime.block_on(Stand::up(&home));
    for (who, why) in &stand.missing {
        board.note(format!("{who} is left out: {why}"));
    }
    let site = Site::new();
    let naos = site.up(false);
    let (mut many, mut alone, mut events) = (Vec::new(), Vec::new(), Vec::new());
    runtime.block_on(async {
        plans::apply(&naos).await;
        let listens = json!({"name": "bench", "on": "bench.*", "in_flight": 10_000});
        naos.api("POST", "/api/v1/consumers", &listens).await;
        for _ in 0..rounds {
            many.push(flows(board, &naos, &stand, CONNECTIONS).await);
            alone.push(flows(board, &naos, &stand, 1).await);
            events.push(queues(board, &naos, &stand).await);
        }
    });
    let counted = [1, CONNECTIONS].map(|at_once| runtime.block_on(kept(&naos, &stand, at_once)));
    rates(board, &many, &counted[1]);
    let name = "one workflow at a time over HTTP, p50";
    for who in ["Restate, TypeScript", "Restate, Rust"] {
        let pairs = pairs(&alone, who, |speed| speed.p50_ms);
        board.figure(name, "ms", who, Goal::RatioAtMost(0.25), &pairs);
        counted[0].show(board, who);
    }
    let counted = runtime.block_on(queued(&naos, &stand));
    published(board, &events, &counted);
}

/// How often somebody makes files durable for one of what is counted; none that couldn't be.
#[derive(Default)]
struct Syncs(BTreeMap<&'static str, f64>);

impl Syncs {
    fn put(&mut self, who: &'static str, calls: Option<f64>, count: usize) {
        self.0
            .extend(calls.map(|calls| (who, calls / count.max(1) as f64)));
    }

    /// Beside the last figure, which is ours and theirs.
    fn show(&self, board: &mut Board, who: &str) {
        let of = |who: &str| self.0.get(who).copied();
        board.syncs(of("naos"), of(who));
    }
}

/// Everybody runs workflows once more while syncs are counted.
async fn kept(naos: &Server, stand: &Stand, at_once: usize) -> Syncs {
    let mut syncs = Syncs::default();
    let watched = async |pid: u32, port: u16, ask: Vec<u8>| {
        let watch = Watch::on(pid)?;
        let done = drive_count(port, at_once, COUNTED, ask).await;
        watch
            .end()
            .map(|calls| calls / done.latencies.len().max(1) as f64)
    };
    let own = watched(naos.id(), naos.port, plans::start(naos)).await;
    syncs.put("naos", own, 1);
    if let Some(restate) = &stand.restate {
        for (who, path) in RESTATE {
            if stand.serves(path) {
                let ask = request("POST", path, "", "1");
                let theirs = watched(restate.id(), ports::RESTATE, ask).await;
                syncs.put(who, theirs, 1);
            }
        }
    }
    let dir = tempfile::tempdir().expect("a scratch directory");
    let limit = || {
        let watch = Watch::own()?;
        limit::records(dir.path(), at_once, COUNTED * plans::RECORDS_EACH);
        watch.end()
    };
    let limit = std::thread::scope(|scope| scope.spawn(limit).join());
    syncs.put("limit", limit.expect("the limit is counted"), COUNTED);
    for (who, command) in stand.programs(at_once) {
        let Some(command) = command else { continue };
        // What keeps its records in a server lets that one make them durable.
        let server = stand.server_of(who).map(Watch::on);
        let Some((done, calls)) = syncs::of(&command) else {
            continue;
        };
        let Some(count) = figures_of(&done).and_then(|said| said["all"].as_u64()) else {
            continue;
        };
        let calls = match server {
            Some(watch) => watch.and_then(Watch::end),
            None => Some(calls),
        };
        syncs.put(who, calls, count as usize);
    }
    syncs
}

/// The same of events that are published and taken.
async fn queued(naos: &Server, stand: &Stand) -> [Syncs; 2] {
    let [mut sent, mut taken] = [Syncs::default(), Syncs::default()];
    let watch = Watch::on(naos.id());
    drive_count(naos.port, CONNECTIONS, EVENTS, publish(naos)).await;
    naos.rest().await;
    sent.put("naos", watch.and_then(Watch::end), EVENTS);
    let watch = Watch::on(naos.id());
    events::taken(&mut Board::default(), naos).await;
    taken.put("naos", watch.and_then(Watch::end), EVENTS);
    // Theirs publish and take in one go.
    if let (Some(pid), Some(mut command)) = (stand.nats_id(), stand.nats(EVENTS, CONNECTIONS)) {
        let watch = Watch::on(pid);
        if said(&mut command).is_ok() {
            sent.put(NATS, watch.and_then(Watch::end), EVENTS);
        }
    }
    if let Some(pid) = stand.postgres_id() {
        for (syncs, script) in [(&mut sent, "enqueue.sql"), (&mut taken, "consume.sql")] {
            let watch = Watch::on(pid);
            let rate = stand.rate(CONNECTIONS, script);
            let count = rate.unwrap_or_default() * stand::QUEUE_SECONDS as f64;
            let calls = watch.and_then(Watch::end).filter(|_| count >= 1.0);
            syncs.put(POSTGRES, calls, count as usize);
        }
    }
    [sent, taken]
}

/// The request that publishes an event of 1 KB.
fn publish(naos: &Server) -> Vec<u8> {
    let text = "x".repeat(1_022);
    let body = json!({"type": "bench.event", "data": text}).to_string();
    request("POST", "/api/v1/events", &naos.token, &body)
}

/// Everybody once.
async fn flows(board: &mut Board, naos: &Server, stand: &Stand, at_once: usize) -> Measured {
    let mut all = vec![
        ("limit", Some(bound(at_once))),
        (
            "naos",
            over_http(board, naos.port, plans::start(naos), at_once, Some(naos)).await,
        ),
    ];
    for (who, path) in RESTATE {
        let speed = if stand.serves(path) {
            let ask = request("POST", path, "", "1");
            over_http(board, ports::RESTATE, ask, at_once, None).await
        } else {
            None
        };
        all.push((who, speed));
    }
    for (who, command) in stand.programs(at_once) {
        let speed = command.and_then(|command| {
            let said = program(board, stand, who, command)?;
            Some(Speed {
                rate: said["rate"].as_f64()?,
                p50_ms: said["p50_ms"].as_f64()?,
            })
        });
        all.push((who, speed));
    }
    all
}

/// The limit: four records in a row, each made durable before the next.
fn bound(at_once: usize) -> Speed {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let count = if at_once == 1 {
        LIMIT_RECORDS / 20
    } else {
        LIMIT_RECORDS
    };
    // It has a runtime of its own, and this thread has one already.
    let measured = std::thread::scope(|scope| {
        let records = scope.spawn(|| limit::records(dir.path(), at_once, count));
        records.join()
    });
    let (rate, latencies) = measured.expect("the limit is measured");
    Speed {
        rate: rate / plans::RECORDS_EACH as f64,
        p50_ms: percentile(&latencies, 0.5) * 1e3 * plans::RECORDS_EACH as f64,
    }
}

/// Ours ends when views and files have caught up.
async fn over_http(
    board: &mut Board,
    port: u16,
    ask: Vec<u8>,
    at_once: usize,
    ours: Option<&Server>,
) -> Option<Speed> {
    drive(port, at_once, WARM_UP, ask.clone()).await;
    if let Some(naos) = ours {
        naos.rest().await;
    }
    let began = tick();
    let done = drive(port, at_once, SLICE, ask).await;
    let mut took = began.elapsed().as_secs_f64();
    if let Some(naos) = ours {
        let at_the_end = naos.busy();
        naos.rest().await;
        took += naos.busy() - at_the_end;
    }
    board.tried(done.latencies.len() + done.failures, done.failures);
    (!done.latencies.is_empty()).then(|| Speed {
        rate: done.latencies.len() as f64 / took,
        p50_ms: percentile(&done.latencies, 0.5) * 1e3,
    })
}

/// What a program says of itself on its last line; why it says nothing stands in the report.
fn program(board: &mut Board, stand: &Stand, who: &str, mut command: Command) -> Option<Value> {
    let said = said(&mut command);
    board.tried(1, usize::from(said.is_err()));
    if let Err(why) = &said {
        board.note(format!("{who} gave no figure: {}", stand.told(why)));
    }
    said.ok()
}

fn said(command: &mut Command) -> Result<Value, String> {
    let done = command.output().map_err(|why| why.to_string())?;
    figures_of(&done).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&done.stderr);
        let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
        format!("{}; {:.200}", done.status, last.unwrap_or("without a word"))
    })
}

/// The figures that a program says on its last line.
fn figures_of(done: &Output) -> Option<Value> {
    let text = String::from_utf8_lossy(&done.stdout);
    let line = text.lines().rev().find(|line| line.starts_with('{'))?;
    serde_json::from_str(line).ok()
}

/// Events a second, published and taken.
#[derive(Clone, Copy, Debug)]
struct Flow {
    published: f64,
    taken: f64,
}

async fn queues(
    board: &mut Board,
    naos: &Server,
    stand: &Stand,
) -> Vec<(&'static str, Option<Flow>)> {
    let began = tick();
    let done = drive_count(naos.port, CONNECTIONS, EVENTS, publish(naos)).await;
    let took = began.elapsed().as_secs_f64();
    let at_the_end = naos.busy();
    naos.rest().await;
    board.tried(done.latencies.len() + done.failures, done.failures);
    let own = Flow {
        published: done.latencies.len() as f64 / (took + naos.busy() - at_the_end),
        taken: events::taken(board, naos).await,
    };
    let mut all = vec![("naos", Some(own))];
    let who = NATS;
    let nats = stand.nats(EVENTS, CONNECTIONS).and_then(|command| {
        let said = program(board, stand, who, command)?;
        Some(Flow {
            published: said["published"].as_f64()?,
            taken: said["taken"].as_f64()?,
        })
    });
    all.push((who, nats));
    let postgres = stand
        .queue(CONNECTIONS)
        .map(|(published, taken)| Flow { published, taken });
    all.push((POSTGRES, postgres));
    all
}

fn pairs(rounds: &[Measured], peer: &str, pick: fn(&Speed) -> f64) -> Vec<(f64, f64)> {
    let of = |round: &Measured, who: &str| {
        let found = round.iter().find(|(name, _)| *name == who);
        found.and_then(|(_, speed)| speed.as_ref().map(pick))
    };
    let both = rounds
        .iter()
        .map(|round| Some((of(round, "naos")?, of(round, peer)?)));
    both.flatten().collect()
}

fn rates(board: &mut Board, rounds: &[Measured], counted: &Syncs) {
    let name = "workflows of 3 steps over HTTP × 64";
    for (peer, goal) in [
        ("limit", Goal::Reported),
        ("Restate, TypeScript", Goal::RatioAtLeast(8.0)),
        ("Restate, Rust", Goal::RatioAtLeast(8.0)),
        ("DBOS Python, SQLite", Goal::RatioAtLeast(50.0)),
        ("DBOS TypeScript, PostgreSQL", Goal::RatioAtLeast(20.0)),
        ("durare, SQLite FULL", Goal::RatioAtLeast(10.0)),
    ] {
        let pairs = pairs(rounds, peer, |speed| speed.rate);
        board.figure(name, "/s", peer, goal, &pairs);
        counted.show(board, peer);
    }
}

fn published(
    board: &mut Board,
    rounds: &[Vec<(&'static str, Option<Flow>)>],
    counted: &[Syncs; 2],
) {
    let pairs = |peer: &str, pick: fn(&Flow) -> f64| -> Vec<(f64, f64)> {
        let of = |round: &Vec<(&'static str, Option<Flow>)>, who: &str| {
            let found = round.iter().find(|(name, _)| *name == who);
            found.and_then(|(_, flow)| flow.as_ref().map(pick))
        };
        let both = rounds
            .iter()
            .map(|round| Some((of(round, "naos")?, of(round, peer)?)));
        both.flatten().collect()
    };
    for (peer, publish, take) in [(NATS, 4.0, 5.0), (POSTGRES, 1.0, 3.0)] {
        let (sent, taken) = (
            pairs(peer, |flow| flow.published),
            pairs(peer, |flow| flow.taken),
        );
        let name = "events of 1 KB published × 64";
        board.figure(name, "/s", peer, Goal::RatioAtLeast(publish), &sent);
        counted[0].show(board, peer);
        let name = "events of 1 KB taken and acknowledged";
        board.figure(name, "/s", peer, Goal::RatioAtLeast(take), &taken);
        counted[1].show(board, peer);
    }
}
