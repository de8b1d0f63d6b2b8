//! `clock`: derived. The run's last durable time; it moves when a gated call was answered.

use crate::bindings::naos::agent::clock;
use crate::run_state::RunState;
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    clock::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

impl clock::Host for RunState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.now_ms)
    }
}
