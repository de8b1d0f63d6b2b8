//! What the sandbox costs: one agent called raw and through [`Sandbox::run`], in turns, with the
//! same component, allocator, fuel and epoch settings.
//!
//! Prints the median per call of both and their ratio. Run it with `--release`.

use naos_sandbox::{
    CancelToken, Config, Document, Entry, Gate, GatedCall, Grants, Host, HostError, Limits,
    LogLevel, Recording, Run, Sandbox, Segment, wrap,
};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentType, InstancePre, Lift, Linker,
};
use wasmtime::{Engine, OptLevel, Store};

/// What the sandbox may cost at most.
const RATIO_MAX: f64 = 1.3;
const ROUNDS: usize = 201;
const CALLS: u32 = 200;
const INPUT: &str = "a line of text, as an agent might get";

fn main() {
    let mut worst = 0.0;
    for (name, log_lines) in [
        ("echo", 0),
        ("echo + 1 log line", 1),
        ("echo + 10 log lines", 10),
    ] {
        let component = agent(log_lines);
        let (raw, sandboxed) = measure(&component);
        let ratio = sandboxed.as_secs_f64() / raw.as_secs_f64();
        if log_lines == 0 {
            worst = ratio;
        }
        println!("{name:20} raw {raw:?}  sandboxed {sandboxed:?}  ratio {ratio:.3}");
    }
    println!(
        "limit {RATIO_MAX}: {}",
        if worst <= RATIO_MAX { "met" } else { "MISSED" }
    );
}

fn agent(log_lines: usize) -> Vec<u8> {
    let import = if log_lines == 0 {
        ""
    } else {
        r#"(import "naos:agent/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#
    };
    let log = "(call $log (i32.const 1) (local.get $ptr) (local.get $len))".repeat(log_lines);
    let text = format!(
        r#"(module {import}
          (memory (export "memory") 1)
          (global $heap (mut i32) (i32.const 64))
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            global.get $heap
            (global.set $heap (i32.and (i32.const -8)
              (i32.add (i32.const 7) (i32.add (global.get $heap) (local.get 3))))))
          (func (export "handle") (param $ptr i32) (param $len i32) (result i32)
            {log}
            (i32.store (i32.const 20) (local.get $ptr))
            (i32.store (i32.const 24) (local.get $len))
            (i32.const 16)))"#
    );
    wrap(&wat::parse_str(text).expect("wat")).expect("wraps")
}

fn measure(component: &[u8]) -> (Duration, Duration) {
    let raw = Raw::new(component);
    let sandbox = Sandbox::new(&Config::default()).expect("sandbox");
    let agent = sandbox.compile(component).expect("compiles");
    let grants = Arc::new(Grants {
        log: true,
        ..Grants::default()
    });
    let sandboxed = || {
        let run = Run {
            input: INPUT.to_owned(),
            grants: Arc::clone(&grants),
            limits: Limits::default(),
            seed: [1; 32],
            started_ms: 0,
            recording: Recording::new(),
            cancel: CancelToken::new(),
        };
        black_box(sandbox.run(&agent, run, Silent));
    };
    let (mut raw_times, mut sandboxed_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw_times.push(timed(|| raw.call()));
        sandboxed_times.push(timed(sandboxed));
    }
    (median(raw_times), median(sandboxed_times))
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is all that this program does"
)]
fn timed(call: impl Fn()) -> Duration {
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed() / CALLS
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[derive(ComponentType, Lift)]
#[expect(dead_code, reason = "only guests make values of it")]
#[component(enum)]
#[repr(u8)]
enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// What somebody would write who calls the component without any of this crate.
struct Raw {
    engine: Engine,
    pre: InstancePre<()>,
    handle: ComponentExportIndex,
}

impl Raw {
    fn new(component: &[u8]) -> Self {
        let mut config = wasmtime::Config::new();
        config
            .consume_fuel(true)
            .epoch_interruption(true)
            .cranelift_opt_level(OptLevel::Speed)
            .cranelift_nan_canonicalization(true)
            .relaxed_simd_deterministic(true)
            .concurrency_support(false);
        let engine = Engine::new(&config).expect("engine");
        let mut linker = Linker::new(&engine);
        let mut log = linker.instance("naos:agent/log@0.1.0").expect("instance");
        log.func_wrap("write", |_, (level, line): (Level, String)| {
            black_box((level, line));
            Ok(())
        })
        .expect("function");
        let component = Component::new(&engine, component).expect("compiles");
        let handle = component.get_export_index(None, "handle").expect("handle");
        let pre = linker.instantiate_pre(&component).expect("links");
        Raw {
            engine,
            pre,
            handle,
        }
    }

    fn call(&self) {
        let mut store = Store::new(&self.engine, ());
        store.set_fuel(Limits::default().fuel_max).expect("fuel");
        store.set_epoch_deadline(1_000_000);
        let instance = self.pre.instantiate(&mut store).expect("instantiates");
        let handle = instance
            .get_typed_func::<(&str,), (Result<String, String>,)>(&mut store, &self.handle)
            .expect("typed");
        black_box(handle.call(&mut store, (INPUT,)).expect("runs").0).expect("echoes");
    }
}

struct Silent;

impl Host for Silent {
    fn log(&mut self, _call: u32, level: LogLevel, line: &str) -> Result<(), HostError> {
        black_box((level, line));
        Ok(())
    }
    fn state_get(&mut self, _: &str) -> Result<Option<Vec<u8>>, HostError> {
        Ok(None)
    }
    fn state_set(&mut self, _: &str, _: &[u8]) -> Result<(), HostError> {
        Ok(())
    }
    fn state_delete(&mut self, _: &str) -> Result<(), HostError> {
        Ok(())
    }
    fn state_keys(&mut self) -> Result<Vec<String>, HostError> {
        Ok(Vec::new())
    }
    fn context_read(&mut self, path: &str) -> Result<Document, HostError> {
        Err(HostError::Failed(format!(
            "{path}: there are no documents here"
        )))
    }
    fn context_write(&mut self, _: &str, _: &str, _: Option<u64>) -> Result<u64, HostError> {
        Ok(1)
    }
    fn context_list(&mut self, _: &str) -> Result<Vec<Entry>, HostError> {
        Ok(Vec::new())
    }
    fn segment(&mut self, _: Segment) -> Result<(), HostError> {
        Ok(())
    }
    fn gated(&mut self, _: &GatedCall, _: Option<Segment>) -> Result<Gate, HostError> {
        Ok(Gate::Suspend)
    }
}
