//! Lists and sums of a whole node: what views say is what records say, at once.

use std::sync::Arc;

use naos_engine::node::{Ask, Components, Node, Outside, OutsideOutcome, Parts};
use naos_engine::read::{Lists, PlanFilter, Reader, RunFilter};
use naos_kernel::plan::Plan;
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_sandbox::{Compiler, Config, Sandbox};
use naos_store::{MemStore, SqliteStore, Store};
use naos_types::command::{self, Reply};
use naos_types::effect::Call;
use naos_types::spec::AgentSpec;
use naos_types::{Actor, Digest, Name, RunId, RunStatus, Seq, TaskStatus, TenantId, Time};

const ECHO: &[u8] = include_bytes!("../../../guest/built/echo.wasm");
const TENANT: TenantId = TenantId(7);
const DAY_MS: i64 = 86_400_000;

struct Nowhere;

impl Outside for Nowhere {
    fn begin(&self, _: &Call, _: String, _: Vec<u8>, done: Box<dyn FnOnce(OutsideOutcome) + Send>) {
        done(OutsideOutcome::NotSent("there is no outside here".into()));
    }
}

fn node(store: Arc<dyn Store>) -> Node {
    let sandbox = Arc::new(Sandbox::new(&Config::default()).unwrap());
    let components = Components::new(
        Arc::clone(&sandbox),
        &[ECHO],
        std::env::temp_dir(),
        None,
        Compiler::InProcess,
    );
    Node::start(Parts {
        store,
        sandbox,
        components: Arc::new(components),
        outside: Arc::new(Nowhere),
        embedder: Arc::new(naos_kernel::recall::Grams),
        shards: 1,
        pool: 2,
    })
    .unwrap()
}

async fn ask(
    node: &Node,
    command: impl Into<command::Command>,
    bodies: Vec<naos_engine::shard::NewBody>,
) -> (Seq, Reply) {
    let (tenant, actor, command) = (TENANT, Actor::System, command.into());
    let same = None;
    let ask = Ask {
        tenant,
        actor,
        command,
        bodies,
        same,
    };
    let (seq, result) = node.ask(ask).await;
    (seq, result.unwrap())
}

async fn open(node: &Node, agent: &str, text: &str) -> (Seq, RunId) {
    let body = node.new_body(TENANT, text.into()).unwrap();
    let open = command::Task::Open {
        title: node.seal(TENANT, "say it again").unwrap(),
        input: body.staged.name,
        agent: Some(Name::new(agent).unwrap()),
    };
    match ask(node, open, vec![body]).await {
        (seq, Reply::Task { run: Some(run), .. }) => (seq, run),
        (_, other) => panic!("{other:?}"),
    }
}

async fn agents(node: &Node) {
    for (name, fuel) in [("echo", None), ("tired", Some(1))] {
        let mut spec = AgentSpec {
            component: Some(Digest::of(ECHO)),
            ..AgentSpec::default()
        };
        if let Some(fuel) = fuel {
            spec.limits.fuel_max = fuel; // its runs fail
        }
        let name = Name::new(name).unwrap();
        ask(node, command::Agent::Create { name, spec }, vec![]).await;
    }
}

fn ids<T: naos_engine::read::Kept>(listed: naos_engine::read::Listed<T>) -> Vec<T::Id> {
    listed.items.into_iter().map(|(id, _)| id).collect()
}

/// Both answer alike, whatever is asked.
fn compare(views: &Lists, records: &Lists) {
    assert!(views.has_views() && !records.has_views());
    for agent in [None, Some("echo"), Some("tired"), Some("nobody")] {
        for status in RunStatus::ALL.iter().copied().map(Some).chain([None]) {
            let filter = RunFilter { status, agent };
            let list = |lists: &Lists| ids::<Run>(lists.runs(&filter, None, 99).unwrap());
            assert_eq!(list(views), list(records), "{filter:?}");
        }
    }
    for status in TaskStatus::ALL.iter().copied().map(Some).chain([None]) {
        let list = |lists: &Lists| ids::<Task>(lists.tasks(status, None, 99).unwrap());
        assert_eq!(list(views), list(records), "{status:?}");
    }
    let plans = |lists: &Lists| ids::<Plan>(lists.plans(&PlanFilter::default(), None, 9).unwrap());
    assert_eq!(plans(views), plans(records));
    assert_eq!(views.task_counts().unwrap(), records.task_counts().unwrap());
    let board = |lists: &Lists| {
        let standing = lists.tasks_by_status(3).unwrap();
        let row = |(status, s): (TaskStatus, naos_engine::read::Standing)| {
            let newest: Vec<_> = s.newest.into_iter().map(|(id, _)| id).collect();
            (status, s.count, newest)
        };
        standing.into_iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(board(views), board(records));
    let today = naos_engine::clock::now().day_start();
    for since in [today, Time(today.0 - DAY_MS), Time(today.0 + DAY_MS)] {
        let sums = |lists: &Lists| lists.spending(since).unwrap();
        assert_eq!(sums(views), sums(records));
    }
    assert_eq!(
        views.spending_ever().unwrap(),
        records.spending_ever().unwrap()
    );
}

async fn views_say_what_records_say(store: Arc<dyn Store>) {
    let node = node(store);
    agents(&node).await;
    let reader = Reader::new(&node, TENANT).unwrap();
    let mut runs = Vec::new();
    for n in 0..20 {
        let agent = if n % 3 == 0 { "tired" } else { "echo" };
        let watch = node.watch(TENANT);
        let (seq, run) = open(&node, agent, &format!("hello {n}")).await;
        runs.push(run);
        // Nothing is waited for but the list: what was just written is in it.
        let lists = reader.lists(seq).await.unwrap();
        let listed = ids::<Run>(lists.runs(&RunFilter::default(), None, 99).unwrap());
        assert_eq!(listed.len(), runs.len(), "after {seq}");
        assert!(listed.contains(&run));
        let deadline = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
        let deadline = Some(tokio::time::Instant::from_std(deadline));
        naos_engine::read::settled_run(&reader, run, seq, watch, deadline)
            .await
            .unwrap();
    }
    let lists = reader.lists(reader.seq().unwrap()).await.unwrap();
    let failed = RunFilter {
        status: Some(RunStatus::Failed),
        agent: Some("tired"),
    };
    assert_eq!(lists.runs(&failed, None, 99).unwrap().items.len(), 7);
    compare(&lists, &Lists::from_records(&reader));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_say_what_records_say_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    views_say_what_records_say(Arc::new(SqliteStore::open(dir.path()).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_say_what_records_say_in_memory() {
    views_say_what_records_say(Arc::new(MemStore::new(3))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_never_lack_what_was_just_written() {
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(dir.path()).unwrap());
    let node = node(store);
    agents(&node).await;
    let reader = Reader::new(&node, TENANT).unwrap();
    for n in 0..30 {
        let (seq, run) = open(&node, "echo", &format!("hello {n}")).await;
        let lists = reader.lists(seq).await.unwrap();
        let newest = lists.runs(&RunFilter::default(), None, 99).unwrap();
        assert!(newest.items.iter().any(|(id, _)| *id == run), "run {n}");
    }
    node.stop();
}
