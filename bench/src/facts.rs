//! Synced facts per second, through the whole machine in process: the rules, sealing, the journal,
//! its tree, records and tenant files. A round ends when all of it has caught up.

use std::sync::Arc;

use naos_engine::node::{Ask, Components, Node, Outside, OutsideOutcome, Parts};
use naos_sandbox::{Compiler, Config, Sandbox};
use naos_store::{SqliteStore, Store};
use naos_types::command::Message;
use naos_types::effect::Call;
use naos_types::{Actor, TenantId};

use crate::figures::{Board, Goal, percentile};
use crate::limit;
use crate::syncs::Watch;

const FACTS: usize = 40_000;
const ALONE: usize = 1_000;
/// With its frame a fact of about 200 bytes, like the limit's records.
const TEXT_BYTES: usize = 120;

struct Nowhere;

impl Outside for Nowhere {
    fn begin(&self, _: &Call, _: String, _: Vec<u8>, done: Box<dyn FnOnce(OutsideOutcome) + Send>) {
        done(OutsideOutcome::NotSent("no outside in a benchmark".into()));
    }
}

/// A node over SQLite in `dir` that runs nothing.
pub fn node(dir: &std::path::Path) -> (Node, Arc<SqliteStore>) {
    node_with(dir, &[])
}

/// The same with components.
pub fn node_with(dir: &std::path::Path, built_in: &[&'static [u8]]) -> (Node, Arc<SqliteStore>) {
    node_on(dir, built_in, 1)
}

/// The same with so many threads for components.
pub fn node_on(
    dir: &std::path::Path,
    built_in: &[&'static [u8]],
    pool: usize,
) -> (Node, Arc<SqliteStore>) {
    let store = Arc::new(SqliteStore::open(dir).expect("a store"));
    let sandbox = Arc::new(Sandbox::new(&Config::default()).expect("a sandbox"));
    let scratch = dir.join("components");
    let components = Components::new(
        Arc::clone(&sandbox),
        built_in,
        scratch,
        None,
        Compiler::InProcess,
    );
    let node = Node::start(Parts {
        store: Arc::clone(&store) as Arc<dyn Store>,
        sandbox,
        components: Arc::new(components),
        outside: Arc::new(Nowhere),
        embedder: Arc::new(naos_kernel::recall::Grams),
        shards: 1,
        pool,
    })
    .expect("a node");
    (node, store)
}

async fn post(node: &Node, tenant: TenantId) -> f64 {
    let began = naos_engine::clock::tick();
    let text = node.seal(tenant, &"x".repeat(TEXT_BYTES)).expect("a key");
    let command = Message::Post { task: None, text }.into();
    let ask = Ask {
        tenant,
        actor: Actor::System,
        command,
        bodies: Vec::new(),
        same: None,
    };
    node.ask(ask).await.1.expect("an acknowledgement");
    began.elapsed().as_secs_f64()
}

/// `callers` at once, spread over `tenants`: facts per second until everything caught up, and each
/// one's latency.
fn ours(callers: usize, tenants: usize, count: usize) -> (f64, Vec<f64>) {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let (node, store) = node(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let warm = node.clone();
    runtime.block_on(async move {
        for tenant in 0..tenants {
            post(&warm, TenantId(1_000 + tenant as u128)).await;
        }
    });
    let began = naos_engine::clock::tick();
    let asking = node.clone();
    let latencies = runtime.block_on(async move {
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..callers {
            let node = asking.clone();
            tasks.spawn(async move {
                let tenant = TenantId(1_000 + (caller % tenants) as u128);
                let mut latencies = Vec::new();
                for _ in 0..count / callers {
                    latencies.push(post(&node, tenant).await);
                }
                latencies
            });
        }
        tasks.join_all().await.concat()
    });
    store.settle();
    let rate = latencies.len() as f64 / began.elapsed().as_secs_f64();
    node.stop();
    store.close().expect("a clean end");
    (rate, latencies)
}

/// Fills a directory with facts of one tenant and closes it.
pub fn fill(dir: &std::path::Path, count: usize) {
    let (node, store) = node(dir);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let asking = node.clone();
    runtime.block_on(async move {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let node = asking.clone();
            tasks.spawn(async move {
                for _ in 0..count / 64 {
                    post(&node, TenantId(1_000)).await;
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    });
    store.settle();
    node.stop();
    store.close().expect("a clean end");
}

/// The three figures, ours and the limit by turns.
pub fn run(rounds: usize, board: &mut Board) {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let mut one = Vec::new();
    let mut many = Vec::new();
    let mut alone = Vec::new();
    for round in 0..rounds {
        let dir = scratch.path().join(round.to_string());
        std::fs::create_dir_all(&dir).expect("a scratch directory");
        let (limit, _) = limit::records(&dir, 64, FACTS);
        one.push((ours(64, 1, FACTS).0, limit));
        many.push((ours(64, 64, FACTS).0, limit));
        let (_, theirs) = limit::records(&dir, 1, ALONE);
        let (_, latencies) = ours(1, 1, ALONE);
        let p50 = |values: &[f64]| percentile(values, 0.5) * 1e6;
        alone.push((p50(&latencies), p50(&theirs)));
        board.tried(2 * FACTS + ALONE, 0);
    }
    let limit = "a journal in SQLite, one sync for all";
    let goal = Goal::RatioAtLeast(0.5);
    board.figure("facts, 1 tenant × 64 in flight", "/s", limit, goal, &one);
    syncs(board, scratch.path(), (64, 1, FACTS));
    let goal = Goal::RatioAtLeast(0.4);
    board.figure("facts, 64 tenants × 1 in flight", "/s", limit, goal, &many);
    syncs(board, scratch.path(), (64, 64, FACTS));
    let goal = Goal::RatioAtMost(1.2);
    board.figure("one fact at a time, p50", "µs", limit, goal, &alone);
    syncs(board, scratch.path(), (1, 1, ALONE));
}

/// How often files are made durable for each fact, ours and the limit's.
fn syncs(
    board: &mut Board,
    dir: &std::path::Path,
    (callers, tenants, count): (usize, usize, usize),
) {
    let counted = |work: &mut dyn FnMut()| {
        let watch = Watch::own()?;
        work();
        watch.end().map(|calls| calls / count as f64)
    };
    let own = counted(&mut || drop(ours(callers, tenants, count)));
    let limit = counted(&mut || drop(limit::records(dir, callers, count)));
    board.syncs(own, limit);
}
