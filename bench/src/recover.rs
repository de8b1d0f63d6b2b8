//! 10,000 plans in flight at a SIGKILL: how long from the next start until the first step of them
//! goes on, seen from outside: the first call that arrives. The limit is the start of the same
//! binary with nothing to take up.

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use naos_engine::clock::tick;
use serde_json::{Value, json};

use crate::figures::{Board, Goal};
use crate::load::{Line, drive_count, request};
use crate::site::{Site, runtime};

const OPEN_PLANS: usize = 10_000;
const CONNECTIONS: usize = 64;
const PATIENCE: Duration = Duration::from_secs(60);
const LIMIT: &str = "the same start with nothing open";

/// Opens the plans once, then kills and starts `rounds` times.
pub fn run(rounds: usize, board: &mut Board) {
    let runtime = runtime();
    let (port, calls) = silent_receiver();
    let mut site = Site::new();
    site.ports.push(port);
    let idle = Site::new();
    drop(idle.up(false));
    let mut slices = Vec::new();
    let mut server = site.up(false);
    let open = runtime.block_on(async {
        let grants = json!({"http_hosts": [format!("127.0.0.1:{port}")]});
        let spec = json!({"grants": grants});
        let agent = json!({"name": "courier", "template": "courier", "spec": spec});
        server.api("POST", "/api/v1/agents", &agent).await;
        let url = format!("http://127.0.0.1:{port}/");
        let call = json!({"method": "POST", "url": url, "key": true, "body": "hello"});
        let steps = json!([
            {"name": "one", "compute": "1 + 1"},
            {"name": "two", "depends_on": ["one"], "task": {"agent": "courier", "title": "letter",
             "input": json!({"calls": [call]}).to_string()}},
            {"name": "three", "depends_on": ["two"], "compute": "2 + 2"},
        ]);
        let plan = json!({"type": "plan", "name": "letters", "steps": steps}).to_string();
        let files = json!({"files": [{"name": "letters.json", "text": plan}]});
        server.api("POST", "/api/v1/apply", &files).await;
        let body = json!({"inputs": {}}).to_string();
        let start = request("POST", "/api/v1/plans/letters/start", &server.token, &body);
        drive_count(server.port, CONNECTIONS, OPEN_PLANS, start).await
    });
    board.tried(open.latencies.len() + open.failures, open.failures);
    for _ in 0..rounds {
        server.kill();
        while calls.try_recv().is_ok() {} // of the life before
        let began = tick();
        server = site.up(false);
        let arrived = calls.recv_timeout(PATIENCE).ok();
        let took = arrived.map(|at| at.duration_since(began).as_secs_f64() * 1e3);
        board.tried(1, usize::from(took.is_none()));
        let nothing_open = tick();
        let other = idle.up(false);
        let health = request("GET", "/healthz", "", "");
        let answer = runtime.block_on(async { Line::open(other.port).await?.ask(&health).await });
        assert!(answer.is_ok(), "an idle naos answers");
        let limit = nothing_open.elapsed().as_secs_f64() * 1e3;
        drop(other);
        slices.extend(took.map(|took| (took, limit)));
    }
    let there = runtime.block_on(server.api("GET", "/api/v1/status", &Value::Null));
    board.note(format!(
        "runs of their steps by status in the end: {}",
        there["runs"]
    ));
    let name = "10,000 plans in flight, start to first resumed step";
    board.figure(name, "ms", LIMIT, Goal::AtMost(500.0), &slices);
}

/// Takes every call and answers none; tells when each arrived.
fn silent_receiver() -> (u16, Receiver<Instant>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    let (tell, hear) = channel();
    let take = move || {
        let mut held = Vec::new(); // a closed connection would be an answer
        for caller in listener.incoming().flatten() {
            let _ = tell.send(tick());
            held.push(caller);
        }
    };
    std::thread::Builder::new()
        .name("receiver".into())
        .spawn(take)
        .expect("a thread");
    (port, hear)
}
