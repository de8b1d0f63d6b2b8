//! How long the real binary takes from its start to its first answer with 100 tenants on disk,
//! and how much memory it keeps at rest. The limit is a bare server that opens one database.

use naos_engine::clock::tick;
use serde_json::{Value, json};

use crate::figures::{Board, Goal};
use crate::load::{Line, request};
use crate::site::{Server, Site, runtime};

const TENANTS: usize = 100;
const LIMIT: &str = "bare axum with one SQLite file";

/// Starts both `rounds` times.
pub fn run(rounds: usize, board: &mut Board) {
    let runtime = runtime();
    let site = Site::new();
    let scratch = tempfile::tempdir().expect("a scratch directory");
    runtime.block_on(fill(&site));
    let (mut started, mut resident, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (bare, theirs) =
            first_answer(&runtime, || Server::bare(scratch.path(), false), "/json");
        let (naos, ours) = first_answer(&runtime, || site.up(false), "/api/v1/agents/bench");
        board.tried(2, 0);
        runtime.block_on(naos.rest());
        if round == 0 {
            continue; // what was read from the disk for the first time is no figure of ours
        }
        started.push((ours * 1e3, theirs * 1e3));
        let (all, anonymous) = naos.resident();
        let (bare_all, bare_anonymous) = bare.resident();
        resident.push((all, bare_all));
        own.push((anonymous, bare_anonymous));
    }
    let named = |what: &str| format!("{what}, {TENANTS} tenants on disk");
    let goal = Goal::AtMost(100.0);
    board.figure(named("start to first answer"), "ms", LIMIT, goal, &started);
    let goal = Goal::AtMost(50.0);
    board.figure(named("resident at rest"), "MB", LIMIT, goal, &resident);
    let name = named("of it without a file behind it");
    board.figure(name, "MB", LIMIT, Goal::Reported, &own);
}

/// Tenants with an owner, an agent and something in their journal each.
async fn fill(site: &Site) {
    let mut server = site.up(false);
    let agent = json!({"name": "bench", "template": "echo"});
    server.api("POST", "/api/v1/agents", &agent).await;
    let owner = server.token.clone();
    for tenant in 0..TENANTS - 1 {
        let slug = json!({"slug": format!("client-{tenant}")});
        server.token.clone_from(&owner);
        let made = server.api("POST", "/api/v1/tenants", &slug).await;
        server.token = made["token"].as_str().expect("a token").to_owned();
        server.api("POST", "/api/v1/agents", &agent).await;
        let run = json!({"agent": "bench", "input": "hello", "wait_ms": 20_000});
        let done: Value = server.api("POST", "/api/v1/runs", &run).await;
        assert_eq!(done["status"], "completed", "{done}");
    }
    server.rest().await;
    server.end();
}

/// A server that answered, and the seconds from its start until it did.
fn first_answer(
    runtime: &tokio::runtime::Runtime,
    start: impl FnOnce() -> Server,
    path: &str,
) -> (Server, f64) {
    let began = tick();
    let server = start();
    let wanted = request("GET", path, &server.token, "");
    let answer = runtime.block_on(async { Line::open(server.port).await?.ask(&wanted).await });
    let took = began.elapsed().as_secs_f64();
    assert_eq!(answer.map(|answer| answer.status).ok(), Some(200), "{path}");
    (server, took)
}
