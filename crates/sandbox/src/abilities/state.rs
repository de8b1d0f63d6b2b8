//! `state`: recorded. Small private state of an agent that outlives a run.

use super::invalid;
use crate::bindings::naos::agent::{state, types};
use crate::bytes::Bytes;
use crate::host::AbilityError;
use crate::limits::{Limit, STATE_KEY_BYTES_MAX};
use crate::recording::Ability;
use crate::run_state::{RunState, Stop, told};
use serde::Serialize;
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    state::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

/// What is digested. Append, never reorder.
#[derive(Serialize)]
enum Request<'a> {
    Get {
        key: &'a str,
    },
    Set {
        key: &'a str,
        #[serde(serialize_with = "crate::bytes::serialize")]
        value: &'a [u8],
    },
    Delete {
        key: &'a str,
    },
    Keys,
}

impl state::Host for RunState {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, types::Error>> {
        let request = Request::Get { key: &key };
        let answer = self.recorded(Ability::State, &request, |run| match check(run, &key) {
            Err(refused) => Ok(Err(refused)),
            Ok(()) => {
                told(run.host.state_get(&key)).map(|answer| answer.map(|value| value.map(Bytes)))
            }
        })?;
        Ok(answer
            .map(|value: Option<Bytes>| value.map(|bytes| bytes.0))
            .map_err(Into::into))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), types::Error>> {
        let request = Request::Set {
            key: &key,
            value: &value,
        };
        let answer = self.recorded(Ability::State, &request, |run| {
            let max = run.limits.state_value_bytes_max;
            match check(run, &key) {
                Err(refused) => Ok(Err(refused)),
                Ok(()) if value.len() > max => {
                    let detail = format!("a value of {} bytes, at most {max}", value.len());
                    Err(Stop::limit(Limit::StateBytes, detail))
                }
                Ok(()) => told(run.host.state_set(&key, &value)),
            }
        })?;
        Ok(answer.map_err(Into::into))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), types::Error>> {
        let request = Request::Delete { key: &key };
        let answer = self.recorded(Ability::State, &request, |run| match check(run, &key) {
            Err(refused) => Ok(Err(refused)),
            Ok(()) => told(run.host.state_delete(&key)),
        })?;
        Ok(answer.map_err(Into::into))
    }

    fn keys(&mut self) -> wasmtime::Result<Result<Vec<String>, types::Error>> {
        let answer = self.recorded(Ability::State, &Request::Keys, |run| match granted(run) {
            Err(refused) => Ok(Err(refused)),
            Ok(()) => told(run.host.state_keys()).map(|answer| {
                answer.map(|mut keys| {
                    keys.sort_unstable();
                    keys
                })
            }),
        })?;
        Ok(answer.map_err(Into::into))
    }
}

fn granted(run: &RunState) -> Result<(), AbilityError> {
    if run.grants.state {
        return Ok(());
    }
    Err(AbilityError::Denied(
        run.grants.switch("private state", "state"),
    ))
}

fn check(run: &RunState, key: &str) -> Result<(), AbilityError> {
    granted(run)?;
    if key.is_empty() {
        return invalid("a key of the state must not be empty");
    }
    if key.len() > STATE_KEY_BYTES_MAX {
        return invalid(format!(
            "a key of the state has at most {STATE_KEY_BYTES_MAX} bytes"
        ));
    }
    if key.chars().any(char::is_control) {
        return invalid("a key of the state must not contain control characters");
    }
    Ok(())
}
