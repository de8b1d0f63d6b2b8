//! One call of an agent, from its input to how it ended.

use crate::abilities::Chance;
use crate::grants::Grants;
use crate::host::Host;
use crate::limits::{Limit, Limits, STACK_BYTES_MAX, TRAP_BYTES_MAX};
use crate::recording::{Diverged, Recording, Segment, Tape};
use crate::run_state::{RunState, Stop, Usage};
use crate::sandbox::{Compiled, Sandbox};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::{Engine, Store, Trap};

/// Ends a run from outside. Clones end the same run.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that nobody has used yet.
    pub fn new() -> Self {
        CancelToken::default()
    }

    /// Asks the run to end: at its next call, at the latest after one tick of work. A host that
    /// blocks in a gated call has to look itself.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one run starts from. The same values and component give the same run.
#[derive(Debug, Clone)]
pub struct Run {
    /// What the agent is given.
    pub input: String,
    /// What it may do.
    pub grants: Arc<Grants>,
    /// What it may use.
    pub limits: Limits,
    /// From which its random numbers come; journaled, never used for two runs.
    pub seed: [u8; 32],
    /// When the run's start became durable, in milliseconds since 1970.
    pub started_ms: u64,
    /// What it asked and was told before; empty for a run that starts for the first time.
    pub recording: Recording,
    /// Ends it from outside.
    pub cancel: CancelToken,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The agent returned its output.
    Completed(String),
    /// The agent returned an error.
    Failed(String),
    /// The agent broke; what was allocated for it is gone.
    Trapped {
        /// What the machine says.
        message: String,
    },
    /// A limit was reached.
    Stopped {
        /// Which.
        limit: Limit,
        /// How many calls were answered before.
        at_call: u32,
        /// One sentence.
        detail: String,
    },
    /// A gated call takes longer: run again when the recording has its answer.
    Suspended {
        /// Index of that call.
        at_call: u32,
    },
    /// The run asked something else than its recording says. Nothing new was done.
    Diverged {
        /// Index of the call.
        index: u32,
        /// What the recording says.
        recorded: String,
        /// What the agent did instead.
        asked: String,
    },
    /// Somebody cancelled it.
    Cancelled,
    /// The component needs what the manifest does not grant; it was not started.
    Refused(String),
    /// The host could not do its part. Not the agent's fault; it may be run again.
    HostFailed(String),
}

/// How a run ended and what it used.
#[derive(Debug)]
pub struct Report<H> {
    /// How it ended.
    pub ended: Ended,
    /// Calls answered, those of the recording included.
    pub calls: u32,
    /// Fuel used since the start of the run, re-execution included.
    pub fuel_used: u64,
    /// Linear memory it had in the end.
    pub memory_bytes: usize,
    /// The last piece of the recording, if it isn't empty: keep it with the run's end.
    pub segment: Option<Segment>,
    /// The host, back again.
    pub host: H,
}

impl Sandbox {
    /// Runs an agent on this thread until it ends, one way or another.
    ///
    /// Blocks; the thread needs [`STACK_BYTES_MAX`] of stack for the guest beside its own.
    pub fn run<H: Host>(&self, agent: &Compiled, run: Run, host: H) -> Report<H> {
        let Run {
            input,
            grants,
            limits,
            seed,
            started_ms,
            recording,
            cancel,
        } = run;
        let running = self.ticker.ticks.running();
        let (fuel_max, call_bytes_max) = (limits.fuel_max, limits.call_bytes_max());
        let ticks = Arc::clone(&self.ticker.ticks);
        let state = RunState {
            host: Box::new(host),
            grants,
            usage: Usage::default(),
            chance: Chance::new(seed),
            now_ms: started_ms,
            tape: Tape::new(recording),
            stop: None,
            cancel,
            deadline_from: ticks.count(),
            deadline_ticks: limits.deadline_ms.div_ceil(self.tick_ms),
            ticks,
            limits,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().on_tick());
        // Bounds what is copied out of the guest at once, lists that name the same bytes again
        // and again included: checked by wasmtime before it copies.
        store.set_hostcall_fuel(call_bytes_max);
        let ended = match store.set_fuel(fuel_max) {
            Ok(()) => self.start(agent, &mut store, &input),
            Err(error) => Ended::HostFailed(format!("setting the fuel of a run: {error:#}")),
        };
        let fuel_used = fuel_max.saturating_sub(store.get_fuel().unwrap_or(0));
        drop(running);
        finish(store.into_data(), ended, fuel_used)
    }

    fn start(&self, agent: &Compiled, store: &mut Store<RunState>, input: &str) -> Ended {
        if !Engine::same(&self.engine, agent.pre().engine()) {
            return Ended::HostFailed("the component was compiled for another sandbox".to_owned());
        }
        let state = store.data();
        if let Some(refusal) = agent.silent().refusal(&state.grants) {
            return Ended::Refused(refusal);
        }
        let max = state.limits.input_bytes_max;
        if input.len() > max {
            let detail = format!("an input of {} bytes, at most {max}", input.len());
            return Ended::Stopped {
                limit: Limit::InputBytes,
                at_call: 0,
                detail,
            };
        }
        if state.cancel.is_cancelled() {
            return Ended::Cancelled;
        }
        match call(agent, store, input) {
            Ok(ended) => ended,
            Err(error) => why(&error, store.data_mut()),
        }
    }
}

fn call(agent: &Compiled, store: &mut Store<RunState>, input: &str) -> wasmtime::Result<Ended> {
    let instance = agent.pre().instantiate(&mut *store)?;
    let handle = instance
        .get_typed_func::<(&str,), (Result<String, String>,)>(&mut *store, agent.handle())?;
    let (result,) = handle.call(&mut *store, (input,))?;
    let (Ok(text) | Err(text)) = &result;
    let max = store.data().limits.output_bytes_max;
    if text.len() > max {
        let detail = format!("an output of {} bytes, at most {max}", text.len());
        let at_call = store.data().tape.answered();
        return Ok(Ended::Stopped {
            limit: Limit::OutputBytes,
            at_call,
            detail,
        });
    }
    let end = match result {
        Ok(output) => Ended::Completed(output),
        Err(message) => Ended::Failed(message),
    };
    Ok(match store.data().tape.left_over("the end of the run") {
        Some(diverged) => diverged.into(),
        None => end,
    })
}

/// What a failed call means. What we set ourselves comes first, then what wasmtime says.
fn why(error: &wasmtime::Error, state: &mut RunState) -> Ended {
    let at_call = state.tape.answered();
    let stopped = |limit, detail: String| Ended::Stopped {
        limit,
        at_call,
        detail,
    };
    match state.stop.take() {
        Some(Stop::Limit { limit, detail }) => return stopped(limit, detail),
        Some(Stop::Suspended) => return Ended::Suspended { at_call },
        Some(Stop::Cancelled) => return Ended::Cancelled,
        Some(Stop::Diverged(diverged)) => return diverged.into(),
        Some(Stop::HostFailed(message)) => return Ended::HostFailed(message),
        None => {}
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            let max = state.limits.fuel_max;
            return stopped(Limit::Fuel, format!("used all of its {max} units of fuel"));
        }
        Some(Trap::StackOverflow) => {
            let detail = format!("used all of its {STACK_BYTES_MAX} bytes of stack");
            return stopped(Limit::StackBytes, detail);
        }
        _ => {}
    }
    let mut message = format!("{error:#}");
    // These two have no type of their own that we could ask for; the tests hold their words.
    if message.contains("fuel allocated for hostcalls has been exhausted") {
        let max = state.limits.call_bytes_max();
        let detail = format!("an argument of a call or the output has more than {max} bytes");
        return stopped(Limit::CallBytes, detail);
    }
    if message.contains("resource limit exceeded") {
        return stopped(Limit::Instances, message);
    }
    truncate(&mut message, TRAP_BYTES_MAX);
    match state.tape.left_over(&message) {
        Some(diverged) => diverged.into(),
        None => Ended::Trapped { message },
    }
}

impl From<Diverged> for Ended {
    fn from(
        Diverged {
            index,
            recorded,
            asked,
        }: Diverged,
    ) -> Self {
        Ended::Diverged {
            index,
            recorded,
            asked,
        }
    }
}

fn truncate(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let mut end = bytes_max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

fn finish<H: Host>(mut state: RunState, ended: Ended, fuel_used: u64) -> Report<H> {
    let (ended, segment) = match state.tape.close() {
        Ok(segment) => (ended, segment),
        Err(error) => {
            let message = format!("the end of the recording cannot be written: {error}");
            (Ended::HostFailed(message), None)
        }
    };
    let host: Box<dyn Any> = state.host;
    let host = host
        .downcast::<H>()
        .expect("run() put exactly this host in");
    Report {
        ended,
        calls: state.tape.answered(),
        fuel_used,
        memory_bytes: state.usage.memory_bytes,
        segment,
        host: *host,
    }
}
