//! A whole node over a store in memory, with real components.

use std::sync::Arc;

use naos_engine::node::{Ask, Components, Node, Outside, OutsideOutcome, Parts};
use naos_kernel::{AnyAggregate, Key};
use naos_sandbox::{Compiler, Config, Sandbox};
use naos_store::{MemStore, Store};
use naos_types::command::{self, Reply};
use naos_types::effect::Call;
use naos_types::spec::AgentSpec;
use naos_types::{Actor, Digest, Name, RunId, RunStatus, TenantId};

const ECHO: &[u8] = include_bytes!("../../../guest/built/echo.wasm");
const TENANT: TenantId = TenantId(7);

struct Nowhere;

impl Outside for Nowhere {
    fn begin(&self, _: &Call, _: String, _: Vec<u8>, done: Box<dyn FnOnce(OutsideOutcome) + Send>) {
        done(OutsideOutcome::NotSent("there is no outside here".into()));
    }
}

fn node(store: &MemStore) -> Node {
    let sandbox = Arc::new(Sandbox::new(&Config::default()).unwrap());
    let components = Components::new(
        Arc::clone(&sandbox),
        &[ECHO],
        std::env::temp_dir(),
        None,
        Compiler::InProcess,
    );
    Node::start(Parts {
        store: Arc::new(store.clone()),
        sandbox,
        components: Arc::new(components),
        outside: Arc::new(Nowhere),
        shards: 1,
        pool: 2,
    })
    .unwrap()
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
    let body = node.new_body(TENANT, text.into()).unwrap();
    let title = node.seal(TENANT, "say it again").unwrap();
    let input = body.staged.name;
    let agent = Some(Name::new("echo").unwrap());
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
    match node.ask(ask).await.1.unwrap() {
        Reply::Task { run: Some(run), .. } => run,
        other => panic!("{other:?}"),
    }
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
