//! What people would run instead, side by side: the same workflow of three steps, the same events
//! of 1 KB. Everybody runs once a round, so that ratios are taken inside one. `bench/peers`
//! installs them; whoever isn't there is left out, and said to be.

mod stand;

use std::path::{Path, PathBuf};
use std::process::Command;
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
use stand::{Stand, ports};

/// Where `bench/peers/install.sh` put them.
const HOME_VARIABLE: &str = "NAOS_BENCH_PEERS";
const SLICE: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_secs(1);
/// Workflows while syncs are counted.
const COUNTED: usize = 500;
const LIMIT_RECORDS: usize = 40_000;
const EVENTS: usize = 10_000;

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
        for at_once in [1, CONNECTIONS] {
            let own = syncs(naos.id(), plans::start(&naos), naos.port, at_once).await;
            board.note(format!("naos: {} a workflow × {at_once}", fdatasyncs(own)));
            if let Some(restate) = &stand.restate {
                let theirs = syncs(restate.id(), stand::flow(), ports::RESTATE, at_once).await;
                board.note(format!(
                    "Restate: {} a workflow × {at_once}",
                    fdatasyncs(theirs)
                ));
            }
        }
    });
    rates(board, &many);
    let name = "one workflow at a time over HTTP, p50";
    for who in ["Restate, TypeScript", "Restate, Rust"] {
        let pairs = pairs(&alone, who, |speed| speed.p50_ms);
        board.figure(name, "ms", who, Goal::RatioAtMost(0.25), &pairs);
    }
    published(board, &events);
}

fn fdatasyncs(count: Option<f64>) -> String {
    count.map_or("fdatasyncs not counted (no strace)".into(), |count| {
        format!("{count:.2} fdatasyncs")
    })
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
    for (who, path) in [
        ("Restate, TypeScript", "/Bench/run"),
        ("Restate, Rust", "/BenchRust/run"),
    ] {
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
    let (text, complaint) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    let figures = text.lines().rev().find(|line| line.starts_with('{'));
    figures
        .and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(|| {
            let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
            format!("{}; {:.200}", done.status, last.unwrap_or("without a word"))
        })
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
    let text = "x".repeat(1_022);
    let body = json!({"type": "bench.event", "data": text}).to_string();
    let publish = request("POST", "/api/v1/events", &naos.token, &body);
    let began = tick();
    let done = drive_count(naos.port, CONNECTIONS, EVENTS, publish).await;
    let took = began.elapsed().as_secs_f64();
    let at_the_end = naos.busy();
    naos.rest().await;
    board.tried(done.latencies.len() + done.failures, done.failures);
    let own = Flow {
        published: done.latencies.len() as f64 / (took + naos.busy() - at_the_end),
        taken: events::taken(board, naos).await,
    };
    let mut all = vec![("naos", Some(own))];
    let who = "NATS JetStream, sync_interval: always";
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
    all.push(("PostgreSQL, SKIP LOCKED", postgres));
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

fn rates(board: &mut Board, rounds: &[Measured]) {
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
    }
}

fn published(board: &mut Board, rounds: &[Vec<(&'static str, Option<Flow>)>]) {
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
    for (peer, publish, take) in [
        ("NATS JetStream, sync_interval: always", 4.0, 5.0),
        ("PostgreSQL, SKIP LOCKED", 1.0, 3.0),
    ] {
        let (sent, taken) = (
            pairs(peer, |flow| flow.published),
            pairs(peer, |flow| flow.taken),
        );
        let name = "events of 1 KB published × 64";
        board.figure(name, "/s", peer, Goal::RatioAtLeast(publish), &sent);
        let name = "events of 1 KB taken and acknowledged";
        board.figure(name, "/s", peer, Goal::RatioAtLeast(take), &taken);
    }
}

/// Calls of fdatasync and fsync by a process while it runs workflows, for each of them.
async fn syncs(pid: u32, ask: Vec<u8>, port: u16, at_once: usize) -> Option<f64> {
    let dir = tempfile::tempdir().ok()?;
    let table = dir.path().join("calls");
    let mut watch = Command::new("strace")
        .args(["-f", "-c", "-e", "trace=fdatasync,fsync", "-p"])
        .arg(pid.to_string())
        .arg("-o")
        .arg(&table)
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    // It watches when it says so in the process's own status.
    let status = format!("/proc/{pid}/status");
    let until = tick() + Duration::from_secs(10);
    while tick() < until {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        if text.lines().any(|line| {
            line.strip_prefix("TracerPid:")
                .is_some_and(|by| by.trim() != "0")
        }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let done = drive_count(port, at_once, COUNTED, ask).await;
    let asked = Command::new("kill")
        .args(["-INT", &watch.id().to_string()])
        .status();
    let _ = watch.wait();
    asked.ok()?;
    let text = std::fs::read_to_string(&table).ok()?;
    let calls = text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let own = matches!(words.last(), Some(&"fdatasync" | &"fsync"));
        own.then(|| words.get(3)?.parse::<f64>().ok()).flatten()
    });
    Some(calls.sum::<f64>() / done.latencies.len().max(1) as f64)
}
