//! A whole node over a store in memory, with real components.

use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;

use naos_engine::node::{Ask, Components, Node, Outside, OutsideOutcome, Parts};
use naos_engine::shard::CellReport;
use naos_kernel::{AnyAggregate, Key};
use naos_sandbox::{Compiler, Config, Sandbox};
use naos_store::{MemStore, Store};
use naos_types::command::{self, Reply};
use naos_types::effect::Call;
use naos_types::spec::AgentSpec;
use naos_types::{Actor, Code, Digest, Grants, Name, Refusal, RunId, RunStatus, TenantId};

const ECHO: &[u8] = include_bytes!("../../../guest/built/echo.wasm");
const COURIER: &[u8] = include_bytes!("../../../guest/built/courier.wasm");
/// How long a node may take to stop.
const STOP_WAIT: Duration = Duration::from_secs(30);
const TENANT: TenantId = TenantId(7);

struct Nowhere;

impl Outside for Nowhere {
    fn begin(&self, _: &Call, _: String, _: Vec<u8>, done: Box<dyn FnOnce(OutsideOutcome) + Send>) {
        done(OutsideOutcome::Refused("there is no outside here".into()));
    }
}

/// Compiled once for all tests.
static COMPILED: LazyLock<(Arc<Sandbox>, Arc<Components>)> = LazyLock::new(|| {
    let sandbox = Arc::new(Sandbox::new(&Config::default()).unwrap());
    let built_in: &[&[u8]] = &[ECHO, COURIER];
    let dir = std::env::temp_dir();
    let components = Components::new(
        Arc::clone(&sandbox),
        built_in,
        dir,
        None,
        Compiler::InProcess,
    );
    (sandbox, Arc::new(components))
});

fn node(store: &MemStore) -> Node {
    Node::start(parts(store)).unwrap()
}

fn parts(store: &MemStore) -> Parts {
    #[cfg(feature = "planted-bugs")]
    naos_kernel::planted::set(&std::env::var("NAOS_PLANTED_BUG").unwrap_or_default());
    let (sandbox, components) = COMPILED.clone();
    Parts {
        store: Arc::new(store.clone()),
        sandbox,
        components,
        outside: Arc::new(Nowhere),
        embedder: Arc::new(naos_kernel::recall::Grams),
        shards: 1,
        pool: 2,
    }
}

async fn ask(node: &Node, command: impl Into<command::Command>) -> Reply {
    let (tenant, actor, command) = (TENANT, Actor::System, command.into());
    let (_, result) = node
        .ask(Ask {
            tenant,
            actor,
            command,
            bodies: Vec::new(),
            same: None,
        })
        .await;
    result.unwrap()
}

async fn open(node: &Node, text: &str) -> RunId {
    match task(node, Some("echo"), text).await.unwrap() {
        Reply::Task { run: Some(run), .. } => run,
        other => panic!("{other:?}"),
    }
}

async fn task(node: &Node, agent: Option<&str>, text: &str) -> Result<Reply, Refusal> {
    let body = node.new_body(TENANT, text.into()).unwrap();
    let title = node.seal(TENANT, "say it again").unwrap();
    let input = body.staged.name;
    let agent = agent.map(|agent| Name::new(agent).unwrap());
    let command = command::Task::Open {
        title,
        input,
        agent,
    }
    .into();
    let ask = Ask {
        tenant: TENANT,
        actor: Actor::System,
        command,
        bodies: vec![body],
        same: None,
    };
    node.ask(ask).await.1
}

async fn closed(node: &Node, run: RunId) -> Arc<naos_kernel::run::Run> {
    loop {
        let mut watch = node.watch(TENANT);
        node.flush(TENANT).await;
        let key = Key::Run(run);
        let record = node
            .tenant(TENANT)
            .unwrap()
            .record(key.kind(), &key.id())
            .unwrap()
            .unwrap();
        let bytes = record.bytes.unwrap();
        match AnyAggregate::decode(&record.kind, record.version, &bytes).unwrap() {
            AnyAggregate::Run(run) if run.status.is_closed() => return run,
            _ => {
                let wait = std::time::Duration::from_secs(20);
                tokio::time::timeout(wait, watch.recv())
                    .await
                    .unwrap()
                    .unwrap();
            }
        }
    }
}

fn courier() -> AgentSpec {
    let http_hosts = vec!["127.0.0.1:9".into()];
    AgentSpec {
        component: Some(Digest::of(COURIER)),
        grants: Grants {
            http_hosts,
            ..Grants::default()
        },
        ..AgentSpec::default()
    }
}

fn spec() -> AgentSpec {
    AgentSpec {
        component: Some(Digest::of(ECHO)),
        ..AgentSpec::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_answers_and_its_answer_is_kept() {
    let store = MemStore::new(1);
    let first = node(&store);
    let name = Name::new("echo").unwrap();
    ask(&first, command::Agent::Create { name, spec: spec() }).await;
    let mut runs = Vec::new();
    for n in 0..20 {
        runs.push((
            open(&first, &format!("hello {n}")).await,
            format!("hello {n}"),
        ));
    }
    for (run, text) in &runs {
        let run = closed(&first, *run).await;
        assert_eq!(run.status, RunStatus::Completed, "{run:?}");
        assert_eq!(
            first.body(TENANT, &run.output.unwrap()).unwrap(),
            text.as_bytes()
        );
    }
    first.stop();
    store.crash();
    let second = node(&store);
    for (run, text) in &runs {
        let run = closed(&second, *run).await;
        assert_eq!(
            second.body(TENANT, &run.output.unwrap()).unwrap(),
            text.as_bytes()
        );
    }
    second.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_goes_on_where_it_was() {
    let store = MemStore::new(2);
    let first = node(&store);
    let name = Name::new("echo").unwrap();
    ask(&first, command::Agent::Create { name, spec: spec() }).await;
    let run = open(&first, "in the middle").await;
    first.stop(); // perhaps before the component began, perhaps after it ended
    store.crash();
    let second = node(&store);
    let run = closed(&second, run).await;
    assert_eq!(run.status, RunStatus::Completed);
    second.stop();
    assert!(store.tenants().unwrap().contains(&TENANT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_rests_leaves_work_where_it_is() {
    let store = MemStore::new(4);
    let first = node(&store);
    let (name, spec) = (Name::new("courier").unwrap(), courier());
    ask(&first, command::Agent::Create { name, spec }).await;
    // Many calls, so that some are still to come when the node stops.
    let call = r#"{"url": "http://127.0.0.1:9/", "key": true}"#;
    let calls = format!(r#"{{"calls": [{}]}}"#, vec![call; 500].join(","));
    let begun = task(&first, Some("courier"), &calls).await.unwrap();
    let Reply::Task { run: Some(run), .. } = begun else {
        panic!("{begun:?}");
    };
    first.stop();
    store.crash();

    let resting = Node::open(parts(&store)).unwrap();
    let seq = resting.tenant(TENANT).unwrap().head().unwrap().seq;
    for _ in 0..100 {
        assert!(resting.reports().is_empty(), "a cell was opened");
    }
    // Whoever reads waits for its records, which takes an open cell: it only lies there.
    assert_eq!(resting.flush(TENANT).await, seq);
    let reports = resting.reports();
    let asleep: Vec<bool> = reports.iter().map(|(_, report)| report.asleep).collect();
    assert_eq!(asleep, [true]);
    // Whoever only read waits for nothing in the end, whatever came back before.
    let report = reports[0].1.clone();
    let came = CellReport {
        returns: 1,
        ..report
    };
    assert!(came.is_settled());
    let awake = CellReport {
        asleep: false,
        ..came
    };
    assert!(!awake.is_settled());
    assert_eq!(resting.tenant(TENANT).unwrap().head().unwrap().seq, seq);
    // Whoever gives it something to do wakes the rest, too.
    let name = Name::new("echo").unwrap();
    ask(
        &resting,
        command::Agent::Create {
            name,
            spec: self::spec(),
        },
    )
    .await;
    closed(&resting, run).await;
    assert!(stopped(resting));
}

/// Stops a node on a thread of its own, as a deadlock would hold the test up.
fn stopped(node: Node) -> bool {
    let (tell, hear) = mpsc::channel();
    std::thread::spawn(move || {
        node.stop();
        tell.send(()).unwrap();
    });
    hear.recv_timeout(STOP_WAIT).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_that_wait_for_a_decision_hold_no_stop_up() {
    let call = r#"{"url": "http://127.0.0.1:9/", "key": true}"#;
    let calls = format!(r#"{{"calls": [{}]}}"#, vec![call; 500].join(","));
    let store = MemStore::new(3);
    let (name, spec) = (Name::new("courier").unwrap(), courier());
    let mut running = node(&store);
    ask(&running, command::Agent::Create { name, spec }).await;
    for _ in 0..2 {
        task(&running, Some("courier"), &calls).await.unwrap();
    }
    for round in 0..20 {
        // The calls of the runs go on: the stop falls between any two steps of one.
        let mut watch = running.watch(TENANT);
        for _ in 0..=round % 3 {
            tokio::time::timeout(STOP_WAIT, watch.recv())
                .await
                .unwrap()
                .unwrap();
        }
        assert!(stopped(running), "round {round}");
        running = node(&store);
    }
    assert!(stopped(running.clone()));
    // Who asks a node that has stopped isn't left waiting either.
    let asked = tokio::time::timeout(STOP_WAIT, running.flush(TENANT));
    assert_eq!(asked.await, Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_with_many_to_choose_from_decides_after_a_restart_too() {
    let store = MemStore::new(4);
    let first = node(&store);
    for n in 0..200 {
        let name = Name::new(&format!("echo-{n}")).unwrap();
        let spec = AgentSpec {
            patterns: vec![format!("say number {n} again")],
            ..spec()
        };
        ask(&first, command::Agent::Create { name, spec }).await;
    }
    first.stop();
    let second = node(&store);
    let reply = task(&second, None, "say number 150 again").await;
    assert!(
        matches!(reply, Ok(Reply::Task { run: Some(_), .. })),
        "{reply:?}"
    );
    let nobody = task(&second, None, "xyzzy").await.unwrap_err();
    assert_eq!(nobody.code, Code::NO_MODEL, "{nobody:?}");
    second.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_looks_at_more_agents_than_a_decision_has_rounds() {
    let store = MemStore::new(3);
    let first = node(&store);
    for n in 0..150 {
        let name = Name::new(&format!("helper-{n}")).unwrap();
        ask(&first, command::Agent::Create { name, spec: spec() }).await;
    }
    first.stop();
    store.crash();
    // Nothing of them is loaded now.
    let second = node(&store);
    let body = second
        .new_body(TENANT, b"helper-77, please".to_vec())
        .unwrap();
    let route = || Ask {
        tenant: TENANT,
        actor: Actor::System,
        command: command::Task::Route {
            input: body.staged.name,
        }
        .into(),
        bodies: vec![body.clone()],
        same: None,
    };
    let (_, reply) = second.ask(route()).await;
    let Ok(Reply::Routed { considered, cached }) = reply else {
        panic!("{reply:?}")
    };
    assert!(!cached && !considered.is_empty());
    let (_, again) = second.ask(route()).await;
    let cached = true;
    assert_eq!(again, Ok(Reply::Routed { considered, cached }));
    let (_, report) = second.reports().remove(0);
    assert_eq!((report.routes.hits, report.routes.misses), (1, 1));
    second.stop();
}
