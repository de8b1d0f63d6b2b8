//! What an agent can do, a file per ability: link it, check the grant, answer.
//!
//! Three kinds. *Derived* (`clock`, `random`): computed from the run's seed and last durable
//! time, never recorded. *Recorded* (`log`, `state`, `context`): answered at once, kept in the
//! recording. *Gated* (`http`, `events`, `ask`): seen by strangers, so the host makes them durable
//! before and behind. A refusal is an answer like any other and is recorded, so that a run which
//! starts again under a changed manifest sees what it saw.

mod ask;
mod clock;
mod context;
mod events;
mod http;
mod log;
mod random;
mod state;

pub(crate) use random::Chance;

use crate::bindings::naos::agent::types;
use crate::grants::Grants;
use crate::host::AbilityError;
use crate::run_state::RunState;
use wasmtime::component::Linker;

/// Everything that a component may import, and nothing else.
pub(crate) const IMPORTS: [&str; 9] = [
    "naos:agent/types@0.1.0",
    "naos:agent/log@0.1.0",
    "naos:agent/state@0.1.0",
    "naos:agent/context@0.1.0",
    "naos:agent/http@0.1.0",
    "naos:agent/clock@0.1.0",
    "naos:agent/random@0.1.0",
    "naos:agent/events@0.1.0",
    "naos:agent/ask@0.1.0",
];

/// Abilities without an error in their signature: a missing grant must show at load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Silent {
    pub(crate) log: bool,
    pub(crate) clock: bool,
    pub(crate) random: bool,
}

impl Silent {
    pub(crate) fn note(&mut self, import: &str) {
        match import {
            "naos:agent/log@0.1.0" => self.log = true,
            "naos:agent/clock@0.1.0" => self.clock = true,
            "naos:agent/random@0.1.0" => self.random = true,
            _ => {}
        }
    }

    /// The sentence for the first of them that is imported and not granted.
    pub(crate) fn refusal(self, grants: &Grants) -> Option<String> {
        [
            (self.log && !grants.log, "log lines", "log"),
            (self.clock && !grants.clock, "the clock", "clock"),
            (self.random && !grants.random, "random numbers", "random"),
        ]
        .into_iter()
        .find(|(missing, ..)| *missing)
        .map(|(_, what, key)| grants.switch(what, key))
    }
}

/// Makes every ability known to a linker. What a run may really do is checked at each call.
pub(crate) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    log::link(linker)?;
    state::link(linker)?;
    context::link(linker)?;
    http::link(linker)?;
    clock::link(linker)?;
    random::link(linker)?;
    events::link(linker)?;
    ask::link(linker)?;
    types::add_to_linker::<RunState, wasmtime::component::HasSelf<RunState>>(linker, |run| run)
}

impl types::Host for RunState {}

impl From<AbilityError> for types::Error {
    fn from(error: AbilityError) -> Self {
        match error {
            AbilityError::Denied(why) => types::Error::Denied(why),
            AbilityError::Invalid(why) => types::Error::Invalid(why),
            AbilityError::NotFound => types::Error::NotFound,
            AbilityError::Conflict(version) => types::Error::Conflict(version),
            AbilityError::Unknown(why) => types::Error::Unknown(why),
            AbilityError::Failed(why) => types::Error::Failed(why),
        }
    }
}

fn invalid<T>(why: impl Into<String>) -> Result<T, AbilityError> {
    Err(AbilityError::Invalid(why.into()))
}
