//! A million that sleep: schedules of which none is due, and agents with a beat of 15 minutes for
//! whom nothing waits, of whom one in 45 has its beat while it is looked. They are made in one
//! process; another one opens the directory, as a node does, and is looked at.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use naos_engine::node::{Ask, Node};
use naos_store::Store;
use naos_types::command;
use naos_types::spec::{
    AgentSpec, Begins, Heartbeat, Kind, MindSpec, Missed, ScheduleSpec, Spec, Timing, When,
};
use naos_types::{Actor, Name, Span, TenantId};

use crate::facts::node;
use crate::figures::{Board, Goal};

/// The word by which this binary becomes the sleeping node.
pub const WORD: &str = "sleep-in";
/// How many schedules, and how many agents, a round of 1 stands for.
const SLEEPERS: usize = 1_000_000;
/// Whose the schedules are.
const TENANTS: usize = 100;
/// Whose the agents are: a thousand each, far more than a squad has.
const OFFICES: usize = 1_000;
/// Longer than it takes to make them all and to look at them.
const BEAT: Span = Span::secs(15 * 60);
/// How long the node is looked at, after it came to rest.
const LOOK: Duration = Duration::from_secs(20);
const REST: Duration = Duration::from_secs(3);

fn sleeper() -> Spec {
    Spec::Schedule(Box::new(ScheduleSpec {
        description: String::new(),
        timing: Timing {
            when: When::Every {
                every: BEAT,
                from: None,
            },
            until: None,
        },
        count: None,
        missed: Missed::Skip,
        jitter: Span(0),
        starts: Begins::Event {
            topic: "beat".into(),
            data: "{}".into(),
        },
        enabled: true,
    }))
}

fn schedule(index: usize) -> command::Command {
    let name = Name::slug(&format!("sleeper-{index}")).expect("a name");
    let (kind, spec) = (Kind::Schedule, sleeper());
    command::Resource::Apply { kind, name, spec }.into()
}

/// An agent that looks each 15 minutes at what waits for it.
fn agent(index: usize) -> command::Command {
    let mind = MindSpec {
        prompt: "You answer what waits for you.".into(),
        heartbeat: Some(Heartbeat {
            every: BEAT,
            ..Heartbeat::default()
        }),
        ..MindSpec::default()
    };
    command::Agent::Create {
        name: Name::slug(&format!("sleeper-{index}")).expect("a name"),
        spec: AgentSpec {
            mind: Some(Arc::new(mind)),
            ..AgentSpec::default()
        },
    }
    .into()
}

/// What sleeps: how it is made, and how many tenants share it.
type Sleeper = (fn(usize) -> command::Command, usize);

async fn make(node: &Node, index: usize, each: usize, made: fn(usize) -> command::Command) {
    // One tenant after the other: each cell is opened once.
    let tenant = TenantId(1_000 + (index / each) as u128);
    let command = made(index);
    let ask = || Ask {
        tenant,
        actor: Actor::System,
        command: command::Command::clone(&command),
        bodies: Vec::new(),
        same: None,
    };
    // A cell whose views lag behind asks for patience.
    while let (_, Err(refusal)) = node.ask(ask()).await {
        assert_eq!(refusal.code, naos_types::Code::BUSY, "{refusal}");
    }
}

fn fill(dir: &Path, count: usize, (made, tenants): Sleeper) -> f64 {
    let each = count / tenants;
    let (node, store) = node(dir);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let began = naos_engine::clock::tick();
    let asking = node.clone();
    runtime.block_on(async move {
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..256 {
            let node = asking.clone();
            tasks.spawn(async move {
                for index in (caller..count).step_by(256) {
                    make(&node, index, each, made).await;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("all of them are made");
        }
    });
    store.settle();
    node.stop();
    store.close().expect("a clean end");
    began.elapsed().as_secs_f64()
}

/// The node that sleeps: says its figures and ends.
pub fn sleep_in(dir: &Path) {
    let (node, store) = node(dir);
    let runtime = crate::site::runtime();
    runtime.block_on(async { tokio::time::sleep(REST).await });
    let before = busy();
    runtime.block_on(async { tokio::time::sleep(LOOK).await });
    let share = (busy() - before) / LOOK.as_secs_f64() * 100.0;
    println!("{share} {}", resident());
    node.stop();
    drop(store);
}

/// Seconds of processor time of this process so far.
fn busy() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let main: f64 = text
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0.0);
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let all: f64 = tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum();
    all.max(main) / 1e9
}

/// Resident bytes of this process, in MB.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1_024.0 / 1e6
}

fn look(dir: &Path) -> (f64, f64) {
    let own = std::env::current_exe().expect("our own path");
    let child = Command::new(own)
        .arg(WORD)
        .arg(dir)
        .stderr(Stdio::inherit())
        .output();
    let said = String::from_utf8(child.expect("a child").stdout).unwrap_or_default();
    let mut numbers = said.split_whitespace().filter_map(|word| word.parse().ok());
    let mut number = || numbers.next().expect("the sleeping node says its figures");
    (number(), number())
}

/// The share of a core and the memory, with a million and with few.
pub fn run(rounds: usize, board: &mut Board) {
    let schedules = "the same node with one schedule a tenant";
    asleep(rounds, board, (schedule, TENANTS), "schedules", schedules);
    let agents = "the same node with one agent a tenant";
    asleep(
        rounds,
        board,
        (agent, OFFICES),
        "agents with a beat of 15 minutes",
        agents,
    );
}

fn asleep(rounds: usize, board: &mut Board, sleeper: Sleeper, what: &str, limit: &'static str) {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let (full, empty) = (scratch.path().join("full"), scratch.path().join("empty"));
    for dir in [&full, &empty] {
        std::fs::create_dir_all(dir).expect("a scratch directory");
    }
    let took = fill(&full, SLEEPERS, sleeper);
    let tenants = sleeper.1;
    fill(&empty, tenants, sleeper);
    board.note(format!(
        "{SLEEPERS} {what} of {tenants} tenants made in {took:.0} s"
    ));
    let (mut share, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (ours, theirs) = (look(&full), look(&empty));
        share.push((ours.0, theirs.0.max(0.001)));
        memory.push((ours.1, theirs.1));
        board.tried(SLEEPERS, 0);
    }
    let name = format!("1,000,000 {what} asleep");
    board.figure(name, "% of a core", limit, Goal::AtMost(1.0), &share);
    let name = format!("memory with 1,000,000 {what}");
    board.figure(name, "MB", limit, Goal::AtMost(300.0), &memory);
}
