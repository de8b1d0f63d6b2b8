//! A pool of 1,000 tasks for components, from its submission until its end is durable, beside the
//! raw sandbox that does the same calls on as many threads: with an agent that gives back what it
//! is given, so that everything around it is all there is; and with one that works.

use naos_engine::clock::tick;
use naos_engine::node::Node;
use naos_sandbox::{Compiled, Config, Ended, Sandbox};
use naos_store::Store;
use naos_types::command::{self, Reply};
use naos_types::fact::{Fact, plan};
use naos_types::spec::{AgentSpec, Kind, Merge, PoolSpec, Spec};
use naos_types::{Digest, Grants, Name, PlanStatus};
use serde_json::Value;

use crate::call::{Nobody, plain};
use crate::facts;
use crate::figures::{Board, Goal};
use crate::plans::{TENANT, ask};
use crate::syncs::Watch;

const ECHO: &[u8] = include_bytes!("../../guest/built/echo.wasm");
const ANALYZER: &[u8] = include_bytes!("../../guest/built/analyzer.wasm");
const TASKS: usize = 1_000;
/// How many of them are open at once.
const OPEN: u32 = 64;
/// Rows of the table that the analyzer reads.
const ROWS: usize = 500;

/// All figures.
pub fn run(rounds: usize, board: &mut Board) {
    let sandbox = Sandbox::new(&Config::default()).expect("a sandbox");
    let small = "x".repeat(1_024);
    // A thousand analyses together are more than one answer may be: there they have to agree.
    for (what, name, component, input, merge) in [
        ("echo of 1 KB", "echo", ECHO, small, Merge::All),
        (
            "analysis of 500 rows",
            "analyzer",
            ANALYZER,
            table(),
            Merge::Majority,
        ),
    ] {
        let compiled = sandbox.compile(component).expect("it compiles");
        let mut rates = Vec::new();
        for round in 0..=rounds {
            let raw = raw(&sandbox, &compiled, &input);
            let own = pool(board, name, component, &input, merge);
            if round > 0 {
                rates.push((own, raw)); // the first one warms both up
            }
        }
        let figure = format!("a pool of {TASKS} tasks, {what}");
        let limit = "the raw sandbox on as many threads";
        board.figure(figure, "/s", limit, Goal::RatioAtLeast(0.6), &rates);
        let watch = Watch::own();
        pool(board, name, component, &input, merge);
        let syncs = watch.and_then(Watch::end);
        board.syncs(syncs.map(|calls| calls / TASKS as f64), Some(0.0)); // it keeps nothing
    }
}

fn table() -> String {
    let mut text = String::from("date,client,hours,rate,amount\n");
    for row in 0..ROWS {
        let (day, hours) = (row % 28 + 1, row % 7 + 1);
        let client = ["Riake", "Vola", "Tsena"][row % 3];
        let amount = hours * 45;
        text.push_str(&format!(
            "2026-09-{day:02},{client},{hours},45.00,{amount}.00\n"
        ));
    }
    text
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Calls a second, without a journal.
fn raw(sandbox: &Sandbox, compiled: &Compiled, input: &str) -> f64 {
    let began = tick();
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                for _ in 0..TASKS / threads() {
                    let ended = sandbox.run(compiled, plain(input), Nobody).ended;
                    assert!(matches!(ended, Ended::Completed(_)), "{ended:?}");
                }
            });
        }
    });
    (TASKS / threads() * threads()) as f64 / began.elapsed().as_secs_f64()
}

/// Tasks a second, from the submission until views and files caught up with the end.
fn pool(
    board: &mut Board,
    agent: &str,
    component: &'static [u8],
    input: &str,
    merge: Merge,
) -> f64 {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let (node, store) = facts::node_on(dir.path(), &[component], threads());
    let runtime = crate::site::runtime();
    let (took, well) = runtime.block_on(async {
        prepare(&node, agent, component).await;
        // The first run finds the component not yet ready.
        assert!(submit(&node, input, 1, merge).await, "a first run");
        let began = tick();
        let well = submit(&node, input, TASKS, merge).await;
        (began, well)
    });
    store.settle();
    let seconds = took.elapsed().as_secs_f64();
    board.tried(TASKS, if well { 0 } else { TASKS });
    node.stop();
    drop(node);
    store.close().expect("a clean end");
    TASKS as f64 / seconds
}

async fn prepare(node: &Node, agent: &str, component: &[u8]) {
    let name = Name::new(agent).expect("a name");
    let create = command::Agent::Create {
        name: name.clone(),
        spec: AgentSpec {
            component: Some(Digest::of(component)),
            grants: Grants {
                clock: true,
                ..Grants::default()
            },
            ..AgentSpec::default()
        },
    };
    ask(node, create, Vec::new()).await;
    let apply = command::Resource::Apply {
        kind: Kind::Pool,
        name: Name::new("many").expect("a name"),
        spec: Spec::Pool(PoolSpec {
            agents: vec![name],
            size: OPEN,
            ..PoolSpec::default()
        }),
    };
    ask(node, apply, Vec::new()).await;
}

/// Whether a batch of so many tasks ended well.
async fn submit(node: &Node, input: &str, tasks: usize, merge: Merge) -> bool {
    let mut watch = node.watch(TENANT);
    let all = Value::Array(vec![Value::String(input.to_owned()); tasks]).to_string();
    let body = node.new_body(TENANT, all.into_bytes()).expect("a key");
    let submit = command::Plan::Submit {
        name: Name::new("many").expect("a name"),
        inputs: body.staged.name,
        merge: Some(merge),
        quorum: None,
    };
    let Reply::Plan(batch) = ask(node, submit, vec![body]).await else {
        return false;
    };
    while let Ok(happened) = watch.recv().await {
        for (_, _, fact) in &happened.facts {
            if let Fact::Plan(plan::Fact::Closed(closed)) = fact
                && closed.plan == batch
            {
                return closed.status == PlanStatus::Completed;
            }
        }
    }
    false
}
