//! One sandboxed call with limits, recording and grants on, beside raw wasmtime with the same
//! component and settings; and a whole run with its commits, beside two records that must be
//! durable.

use std::sync::Arc;
use std::time::Duration;

use naos_engine::clock::tick;
use naos_engine::node::{Ask, Node};
use naos_engine::read::{Reader, settled_run};
use naos_engine::shard::NewBody;
use naos_sandbox::{
    AbilityError, CancelToken, Compiled, Config, Document, Ended, Entry, Gate, GatedCall, Grants,
    Host, HostError, Limits, LogLevel, Recording, Run, Sandbox, Segment,
};
use naos_types::command::{self, Command, Reply};
use naos_types::spec::AgentSpec;
use naos_types::{Actor, Digest, Name, RunStatus, TenantId};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, OptLevel, Store};

use crate::figures::{Board, Goal, percentile};
use crate::{facts, limit};

const ECHO: &[u8] = include_bytes!("../../guest/built/echo.wasm");
const CALLS: usize = 4_000;
const RUNS: usize = 300;
const INPUT_BYTES: usize = 1_024;
const PATIENCE: Duration = Duration::from_secs(30);
const TENANT: TenantId = TenantId(1_000);
/// What [`Limits`] and the sandbox's engine say, for raw wasmtime.
const FUEL: u64 = 10_000_000_000;

/// Alternates ours and the limit `rounds` times.
pub fn run(rounds: usize, board: &mut Board) {
    let input = "x".repeat(INPUT_BYTES);
    let sandbox = Sandbox::new(&Config::default()).expect("a sandbox");
    let echo = sandbox.compile(ECHO).expect("echo compiles");
    let raw = Raw::new();
    let mut calls = Vec::new();
    for round in 0..=rounds {
        let ours = each(CALLS, || ours(&sandbox, &echo, &input));
        let theirs = each(CALLS, || raw.call(&input));
        if round > 0 {
            calls.push((ours, theirs)); // the first one warms both up
        }
    }
    board.tried(rounds * CALLS, 0);
    let limit = "raw wasmtime, InstancePre, same settings";
    let goal = Goal::RatioAtMost(1.3);
    board.figure(
        "a sandboxed call, 1 KB in and out",
        "µs",
        limit,
        goal,
        &calls,
    );
    with_commits(rounds, &input, board);
}

/// Microseconds of each of many.
fn each(count: usize, mut one: impl FnMut()) -> f64 {
    let began = tick();
    for _ in 0..count {
        one();
    }
    began.elapsed().as_secs_f64() * 1e6 / count as f64
}

/// A first run of an agent that may do nothing, with the usual limits.
pub fn plain(input: &str) -> Run {
    Run {
        input: input.to_owned(),
        grants: Arc::new(Grants {
            clock: true,
            ..Grants::default()
        }),
        limits: Limits::default(),
        seed: [7; 32],
        started_ms: 0,
        recording: Recording::new(),
        cancel: CancelToken::new(),
    }
}

fn ours(sandbox: &Sandbox, echo: &Compiled, input: &str) {
    let report = sandbox.run(echo, plain(input), Nobody);
    assert!(matches!(&report.ended, Ended::Completed(out) if out == input));
}

/// The same component in wasmtime alone.
struct Raw {
    engine: Engine,
    pre: InstancePre<()>,
    handle: wasmtime::component::ComponentExportIndex,
}

impl Raw {
    fn new() -> Self {
        let mut config = wasmtime::Config::new();
        config
            .consume_fuel(true)
            .epoch_interruption(true)
            .max_wasm_stack(naos_sandbox::limits::STACK_BYTES_MAX)
            .cranelift_opt_level(OptLevel::Speed)
            .cranelift_nan_canonicalization(true)
            .relaxed_simd_deterministic(true)
            .wasm_component_model(true)
            .concurrency_support(false);
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::new(&engine, ECHO).expect("echo compiles");
        let mut linker = Linker::<()>::new(&engine);
        linker
            .define_unknown_imports_as_traps(&component)
            .expect("echo's imports");
        let handle = component.get_export_index(None, "handle");
        let pre = linker.instantiate_pre(&component).expect("echo links");
        Self {
            engine,
            pre,
            handle: handle.expect("echo has a handle"),
        }
    }

    fn call(&self, input: &str) {
        let mut store = Store::new(&self.engine, ());
        store.set_fuel(FUEL).expect("fuel");
        store.set_epoch_deadline(1_000);
        let instance = self.pre.instantiate(&mut store).expect("an instance");
        let handle = instance
            .get_typed_func::<(&str,), (Result<String, String>,)>(&mut store, &self.handle)
            .expect("its type");
        let (result,) = handle.call(&mut store, (input,)).expect("an answer");
        assert_eq!(result.as_deref(), Ok(input));
    }
}

/// A run from its command to its durable end, one at a time.
fn with_commits(rounds: usize, input: &str, board: &mut Board) {
    let mut pairs = Vec::new();
    for round in 0..rounds {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let (node, store) = facts::node_with(dir.path(), &[ECHO]);
        let runtime = crate::site::runtime();
        let latencies = runtime.block_on(runs(&node, input));
        node.stop();
        drop(node);
        store.close().expect("a clean end");
        let scratch = dir.path().join(format!("limit-{round}"));
        std::fs::create_dir_all(&scratch).expect("a scratch directory");
        let (_, alone) = limit::records(&scratch, 1, RUNS);
        let p50 = |all: &[f64]| percentile(all, 0.5) * 1e6;
        pairs.push((p50(&latencies), 2.0 * p50(&alone)));
        board.tried(RUNS, 0);
    }
    let limit = "two durable records, one after the other";
    let name = "a whole run with its commits, p50";
    board.figure(name, "µs", limit, Goal::Reported, &pairs);
}

async fn runs(node: &Node, input: &str) -> Vec<f64> {
    let name = Name::new("echo").expect("a name");
    let spec = AgentSpec {
        component: Some(Digest::of(ECHO)),
        ..AgentSpec::default()
    };
    let create = command::Agent::Create {
        name: name.clone(),
        spec,
    };
    node.ask(system(create, Vec::new()))
        .await
        .1
        .expect("an agent");
    let reader = Reader::new(node, TENANT).expect("a tenant");
    let mut latencies = Vec::new();
    for _ in 0..=RUNS {
        let began = tick();
        let watch = node.watch(TENANT);
        let body = node.new_body(TENANT, input.into()).expect("a key");
        let open = command::Task::Open {
            title: node.seal(TENANT, "run").expect("a key"),
            input: body.staged.name,
            agent: Some(name.clone()),
        };
        let (seq, reply) = node.ask(system(open, vec![body])).await;
        let Ok(Reply::Task { run: Some(run), .. }) = reply else {
            panic!("no run: {reply:?}");
        };
        let until = tokio::time::Instant::now() + PATIENCE;
        let ended = settled_run(&reader, run, seq, watch, Some(until)).await;
        let ended = ended.expect("it ends");
        assert_eq!(ended.value.status, RunStatus::Completed);
        latencies.push(began.elapsed().as_secs_f64());
    }
    latencies.split_off(1) // the first one finds the component not yet ready
}

fn system(command: impl Into<Command>, bodies: Vec<NewBody>) -> Ask {
    Ask {
        tenant: TENANT,
        actor: Actor::System,
        command: command.into(),
        bodies,
        same: None,
    }
}

/// A host for an agent that asks for nothing.
pub struct Nobody;

fn nobody<T>() -> Result<T, HostError> {
    Err(AbilityError::NotFound.into())
}

impl Host for Nobody {
    fn log(&mut self, _: u32, _: LogLevel, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn state_get(&mut self, _: &str) -> Result<Option<Vec<u8>>, HostError> {
        nobody()
    }
    fn state_set(&mut self, _: &str, _: &[u8]) -> Result<(), HostError> {
        nobody()
    }
    fn state_delete(&mut self, _: &str) -> Result<(), HostError> {
        nobody()
    }
    fn state_keys(&mut self) -> Result<Vec<String>, HostError> {
        nobody()
    }
    fn context_read(&mut self, _: &str) -> Result<Document, HostError> {
        nobody()
    }
    fn context_write(&mut self, _: &str, _: &str, _: Option<u64>) -> Result<u64, HostError> {
        nobody()
    }
    fn context_list(&mut self, _: &str) -> Result<Vec<Entry>, HostError> {
        nobody()
    }
    fn segment(&mut self, _: Segment) -> Result<(), HostError> {
        Ok(())
    }
    fn gated(&mut self, _: &GatedCall, _: Option<Segment>) -> Result<Gate, HostError> {
        nobody()
    }
}
