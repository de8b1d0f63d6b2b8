//! Durable workflows of three native steps, started and known to be done: in process beside the
//! limit, which makes four records durable one after the other for each; the same over HTTP; and
//! what one costs when the tenant has finished many.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use naos_engine::clock::tick;
use naos_engine::node::{Ask, Node};
use naos_engine::shard::NewBody;
use naos_store::Store;
use naos_types::command::{Command, Plan, Reply, Resource};
use naos_types::fact::{Fact, plan};
use naos_types::spec::{Kind, PlanSpec, RetryPolicy, Spec, StepDo, StepSpec};
use naos_types::{Actor, Name, PlanId, PlanStatus, TenantId};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;

use crate::facts::node;
use crate::figures::{Board, Goal, percentile};
use crate::http::{self, CONNECTIONS};
use crate::limit;
use crate::load::request;
use crate::site::{Server, Site, hold_load, runtime};
use crate::syncs::Watch;

/// Whose everything is.
pub const TENANT: TenantId = TenantId(1_000);
const FLOWS: usize = 10_000;
const ALONE: usize = 500;
/// Of the limit: started, and one for each step.
pub const RECORDS_EACH: usize = 4;
/// How many a tenant has finished at most in the long run, and of how many the cost is taken.
const FINISHED: usize = 1_000_000;
const PART: usize = 1_000;
/// How many parts stand for one point of what is plotted.
const POINT: usize = 5;
/// How many are run while syncs are counted.
const COUNTED: usize = 512;
const LIMIT: &str = "a journal in SQLite, one sync for all";
const HTTP_LIMIT: &str = "bare axum, one record, group-commit SQLite";

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// Each step gives on what the one before it gave, and a little more.
fn three_steps() -> PlanSpec {
    let step = |called: &str, after: &[&str], what: &str| StepSpec {
        name: name(called),
        after: after.iter().map(|before| name(before)).collect(),
        when: None,
        action: StepDo::Compute { cel: what.into() },
        for_each: None,
        retry: RetryPolicy::default(),
        timeout: None,
        optional: false,
        key: None,
    };
    PlanSpec {
        description: "three native steps".into(),
        inputs: Vec::new(),
        steps: vec![
            step("one", &[], "1 + 1"),
            step("two", &["one"], "steps.one.output + 1"),
            step("three", &["two"], "steps.two.output + 1"),
        ],
        output: None,
    }
}

/// Who waits for the end of which run; ends that were heard before anybody waited.
#[derive(Default)]
struct Ends {
    waiting: BTreeMap<PlanId, oneshot::Sender<PlanStatus>>,
    early: BTreeMap<PlanId, PlanStatus>,
}

/// Tells those who wait as soon as an end is durable.
async fn listen(node: Node, ends: Arc<Mutex<Ends>>) {
    let mut watch = node.watch(TENANT);
    loop {
        match watch.recv().await {
            Ok(happened) => {
                let mut ends = ends.lock().expect("nobody panicked");
                for (_, _, fact) in &happened.facts {
                    let Fact::Plan(plan::Fact::Closed(closed)) = fact else {
                        continue;
                    };
                    match ends.waiting.remove(&closed.plan) {
                        Some(tell) => drop(tell.send(closed.status)),
                        None => drop(ends.early.insert(closed.plan, closed.status)),
                    }
                }
            }
            Err(RecvError::Lagged(_)) => panic!("the benchmark is too slow to listen"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Asks the rules for something, which has to be acknowledged.
pub async fn ask(node: &Node, command: impl Into<Command>, bodies: Vec<NewBody>) -> Reply {
    let ask = Ask {
        tenant: TENANT,
        actor: Actor::System,
        command: command.into(),
        bodies,
        same: None,
    };
    node.ask(ask).await.1.expect("an acknowledgement")
}

/// Seconds from asking for a run until its end is durable; none if it ended otherwise.
async fn one(node: &Node, ends: &Mutex<Ends>) -> Option<f64> {
    let began = tick();
    let body = node.new_body(TENANT, b"{}".to_vec()).expect("a key");
    let start = Plan::Start {
        of: Kind::Plan,
        name: name("three"),
        inputs: body.staged.name,
    };
    let Reply::Plan(id) = ask(node, start, vec![body]).await else {
        return None;
    };
    let (tell, told) = oneshot::channel();
    let early = {
        let mut ends = ends.lock().expect("nobody panicked");
        let early = ends.early.remove(&id);
        if early.is_none() {
            ends.waiting.insert(id, tell);
        }
        early
    };
    let status = match early {
        Some(status) => status,
        None => told.await.ok()?,
    };
    (status == PlanStatus::Completed).then(|| began.elapsed().as_secs_f64())
}

/// `callers` at once, `parts` times `count` in all: the rate of each part until everything caught
/// up, each one's latency, and how many failed.
fn ours(callers: usize, count: usize, parts: usize) -> (Vec<f64>, Vec<f64>, usize) {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let (node, store) = node(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let ends = Arc::new(Mutex::new(Ends::default()));
    let apply = Resource::Apply {
        kind: Kind::Plan,
        name: name("three"),
        spec: Spec::Plan(three_steps()),
    };
    runtime.block_on(ask(&node, apply, Vec::new()));
    let listener = runtime.spawn(listen(node.clone(), Arc::clone(&ends)));
    // Listening before anything happens.
    runtime.block_on(tokio::task::yield_now());
    let (mut rates, mut latencies, mut failed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..parts {
        let began = tick();
        let done = runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..callers {
                let (node, ends) = (node.clone(), Arc::clone(&ends));
                tasks.spawn(async move {
                    let mut each = Vec::new();
                    for _ in 0..count / callers {
                        each.push(one(&node, &ends).await);
                    }
                    each
                });
            }
            tasks.join_all().await.concat()
        });
        store.settle();
        rates.push(done.len() as f64 / began.elapsed().as_secs_f64());
        failed += done.iter().filter(|took| took.is_none()).count();
        latencies.extend(done.into_iter().flatten());
    }
    listener.abort();
    drop(runtime);
    node.stop();
    store.close().expect("a clean end");
    (rates, latencies, failed)
}

/// All figures.
pub fn run(rounds: usize, board: &mut Board) {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let (mut many, mut alone) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let dir = scratch.path().join(round.to_string());
        std::fs::create_dir_all(&dir).expect("a scratch directory");
        let (records, _) = limit::records(&dir, CONNECTIONS, FLOWS * RECORDS_EACH);
        let (rates, _, failed) = ours(CONNECTIONS, FLOWS, 1);
        board.tried(FLOWS, failed);
        many.push((rates[0], records / RECORDS_EACH as f64));
        let (_, theirs) = limit::records(&dir, 1, ALONE * RECORDS_EACH);
        let (_, latencies, failed) = ours(1, ALONE, 1);
        board.tried(ALONE, failed);
        let p50 = |values: &[f64]| percentile(values, 0.5) * 1e6;
        alone.push((p50(&latencies), RECORDS_EACH as f64 * p50(&theirs)));
    }
    let goal = Goal::RatioAtLeast(0.25);
    board.figure("workflows of 3 native steps × 64", "/s", LIMIT, goal, &many);
    let [own, limit] = syncs(scratch.path(), CONNECTIONS);
    board.syncs(own, limit);
    let goal = Goal::RatioAtMost(2.0);
    board.figure("one workflow at a time, p50", "µs", LIMIT, goal, &alone);
    let [own, limit] = syncs(scratch.path(), 1);
    board.syncs(own, limit);

    grown(board);
    over_http(rounds, board);
}

/// What one costs from a thousand to a million that are finished, as points of five thousand each.
fn grown(board: &mut Board) {
    let (rates, _, failed) = ours(CONNECTIONS, PART, FINISHED / PART);
    board.tried(FINISHED, failed);
    let costs: Vec<f64> = rates.iter().map(|rate| 1e6 / rate).collect();
    let after_the_first = costs.get(1..).unwrap_or_default();
    let points = after_the_first.chunks(POINT).enumerate().map(|(at, part)| {
        let finished = PART * (1 + at * POINT);
        (finished, part.iter().sum::<f64>() / part.len() as f64)
    });
    let points: Vec<(usize, f64)> = points.collect();
    let growth = match (points.first(), points.last()) {
        (Some((_, first)), Some((_, last))) => vec![(*last, *first)],
        _ => Vec::new(),
    };
    let figure = format!("cost of a workflow after {FINISHED} finished");
    let goal = Goal::RatioAtMost(1.3);
    let limit = "the same after 1,000";
    board.figure(figure, "µs", limit, goal, &growth);
    let short = |(finished, cost): &(usize, f64)| json!([finished, (cost * 10.0).round() / 10.0]);
    let points: Vec<Value> = points.iter().map(short).collect();
    board.more("cost_by_finished", Value::Array(points));
}

/// How often files are made durable for each of so many workflows, ours and the limit's.
fn syncs(dir: &Path, callers: usize) -> [Option<f64>; 2] {
    let each = |calls: f64| calls / COUNTED as f64;
    let counted = |work: &mut dyn FnMut()| {
        let watch = Watch::own()?;
        work();
        watch.end().map(each)
    };
    let own = counted(&mut || drop(ours(callers, COUNTED, 1)));
    let limit = counted(&mut || drop(limit::records(dir, callers, COUNTED * RECORDS_EACH)));
    [own, limit]
}

/// Lets a server have the plan of three steps.
pub async fn apply(naos: &Server) {
    let steps = json!([
        {"name": "one", "compute": "1 + 1"},
        {"name": "two", "depends_on": ["one"], "compute": "steps.one.output + 1"},
        {"name": "three", "depends_on": ["two"], "compute": "steps.two.output + 1"},
    ]);
    let plan = json!({"type": "plan", "name": "three", "steps": steps}).to_string();
    let files = json!({"files": [{"name": "three.json", "text": plan}]});
    naos.api("POST", "/api/v1/apply", &files).await;
}

/// The request that runs it and is answered at its end.
pub fn start(naos: &Server) -> Vec<u8> {
    let start = json!({"inputs": {}, "wait_ms": 10_000}).to_string();
    request("POST", "/api/v1/plans/three/start", &naos.token, &start)
}

fn over_http(rounds: usize, board: &mut Board) {
    hold_load();
    let runtime = runtime();
    let site = Site::new();
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let bare = Server::bare(scratch.path(), true);
    let ours = site.up(true);
    runtime.block_on(async {
        apply(&ours).await;
        let start = start(&ours);
        let event = request("POST", "/event", "", "{}");
        let both = ((&ours, &start[..]), (&bare, &event[..]));
        let pairs = http::turns(rounds, board, both.0, both.1).await;
        let what = "workflow of 3 native steps over HTTP, answered at its end";
        http::show(
            board,
            what,
            HTTP_LIMIT,
            Goal::Reported,
            &pairs,
            http::syncs(both).await,
        );
    });
}
