//! All that belongs to one run while its agent is alive: what abilities and limits work on.

use crate::abilities::Chance;
use crate::grants::Grants;
use crate::host::{
    AbilityError, Gate, GatedAnswer, GatedCall, GatedRequest, Host, HostError, ability_of,
};
use crate::limits::{ANSWER_BYTES_MAX, Limit, Limits};
use crate::recording::{Ability, Diverged, Tape, digest};
use crate::run::CancelToken;
use crate::ticker::Ticks;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use wasmtime::{ResourceLimiter, UpdateDeadline};

/// Why a run ends before its agent returned. Set first, raised as a trap second.
#[derive(Debug)]
pub(crate) enum Stop {
    Limit { limit: Limit, detail: String },
    Suspended,
    Cancelled,
    Diverged(Diverged),
    HostFailed(String),
}

impl Stop {
    pub(crate) fn limit(limit: Limit, detail: String) -> Self {
        Stop::Limit { limit, detail }
    }

    fn encoding(error: &postcard::Error) -> Self {
        Stop::HostFailed(format!(
            "a call cannot be written into the recording: {error}"
        ))
    }

    /// For an ability that has no way to tell its agent of an error.
    pub(crate) fn from_unheard(error: HostError) -> Self {
        match error {
            HostError::Tell(why) => {
                Stop::HostFailed(format!("the host refused what cannot be refused: {why:?}"))
            }
            HostError::Limit(limit, detail) => Stop::limit(limit, detail),
            HostError::Cancelled => Stop::Cancelled,
            HostError::Failed(why) => Stop::HostFailed(why),
        }
    }
}

/// What a gated call's check says: go on, refuse it, or end the run.
pub(crate) type Check = Result<Result<(), AbilityError>, Stop>;

/// Splits a host's answer into what the agent hears and what ends the run.
pub(crate) fn told<T>(answer: Result<T, HostError>) -> Result<Result<T, AbilityError>, Stop> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(HostError::Tell(why)) => Ok(Err(why)),
        Err(other) => Err(Stop::from_unheard(other)),
    }
}

/// The trap that carries a [`Stop`] out of the guest.
#[derive(Debug, thiserror::Error)]
#[error("the run was ended")]
struct Halted;

/// What the run has used of what only the sandbox can count.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) log_lines: usize,
    pub(crate) log_bytes: usize,
    pub(crate) memory_bytes: usize,
    pub(crate) table_elements: usize,
}

pub(crate) struct RunState {
    pub(crate) host: Box<dyn Host>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) limits: Limits,
    pub(crate) usage: Usage,
    pub(crate) chance: Chance,
    pub(crate) now_ms: u64,
    pub(crate) tape: Tape,
    pub(crate) stop: Option<Stop>,
    pub(crate) cancel: CancelToken,
    pub(crate) ticks: Arc<Ticks>,
    /// The tick from which the deadline counts: moved on by what doesn't count.
    pub(crate) deadline_from: u64,
    pub(crate) deadline_ticks: u64,
}

impl RunState {
    /// Remembers why the run ends and makes the trap that ends it.
    pub(crate) fn halt(&mut self, stop: Stop) -> wasmtime::Error {
        self.stop.get_or_insert(stop);
        wasmtime::Error::new(Halted)
    }

    /// One recorded call: from the recording, else answered by `live` and added to it.
    pub(crate) fn recorded<Q, A>(
        &mut self,
        ability: Ability,
        request: &Q,
        live: impl FnOnce(&mut RunState) -> Result<A, Stop>,
    ) -> wasmtime::Result<A>
    where
        Q: Serialize,
        A: Serialize + DeserializeOwned,
    {
        self.try_recorded(ability, request, live)
            .map_err(|stop| self.halt(stop))
    }

    fn try_recorded<Q, A>(
        &mut self,
        ability: Ability,
        request: &Q,
        live: impl FnOnce(&mut RunState) -> Result<A, Stop>,
    ) -> Result<A, Stop>
    where
        Q: Serialize,
        A: Serialize + DeserializeOwned,
    {
        self.enter()?;
        let digest = digest(ability, request).map_err(|error| Stop::encoding(&error))?;
        if let Some(answer) = self.replayed(ability, digest)? {
            return Ok(answer);
        }
        let answer = live(self)?;
        self.record(ability, digest, &answer)?;
        Ok(answer)
    }

    /// One gated call: from the recording, else checked, handed to the host and waited for.
    pub(crate) fn gated<T>(
        &mut self,
        request: GatedRequest,
        check: fn(&RunState, &GatedRequest) -> Check,
        answer: fn(Result<T, AbilityError>) -> GatedAnswer,
    ) -> wasmtime::Result<GatedAnswer> {
        self.try_gated(request, check, answer)
            .map_err(|stop| self.halt(stop))
    }

    fn try_gated<T>(
        &mut self,
        request: GatedRequest,
        check: fn(&RunState, &GatedRequest) -> Check,
        answer: fn(Result<T, AbilityError>) -> GatedAnswer,
    ) -> Result<GatedAnswer, Stop> {
        self.enter()?;
        let mut call = GatedCall {
            index: self.tape.answered(),
            digest: [0; 32],
            request,
        };
        let ability = call.ability();
        call.digest = digest(ability, &call.request).map_err(|error| Stop::encoding(&error))?;
        let replayed: Option<(Option<u64>, GatedAnswer)> = self.replayed(ability, call.digest)?;
        if let Some((now_ms, answer)) = replayed {
            self.now_ms = now_ms.unwrap_or(self.now_ms);
            return Ok(answer);
        }
        if let Err(why) = check(self, &call.request)? {
            // Nobody outside saw it: an answer like any recorded one.
            let refused = (None::<u64>, answer(Err(why)));
            self.record(ability, call.digest, &refused)?;
            return Ok(refused.1);
        }
        self.pass_gate(&call)
    }

    fn pass_gate(&mut self, call: &GatedCall) -> Result<GatedAnswer, Stop> {
        let before = self.tape.close().map_err(|error| Stop::encoding(&error))?;
        let asked_at = self.ticks.count();
        let gate = self.host.gated(call, before);
        // Waiting for others is not the agent's time.
        self.deadline_from += self.ticks.count().saturating_sub(asked_at);
        match gate {
            Ok(Gate::Suspend) => Err(Stop::Suspended),
            Ok(Gate::Answered { answer, now_ms }) if ability_of(&answer) == call.ability() => {
                self.now_ms = now_ms;
                self.tape.pass();
                if answer_bytes(&answer) > self.answer_bytes_max() {
                    return Err(self.answer_too_long(call.ability()));
                }
                Ok(answer)
            }
            Ok(Gate::Answered { answer, .. }) => Err(wrong_kind(&answer)),
            Err(HostError::Tell(why)) => Err(Stop::HostFailed(format!(
                "the host refused a gated call without an outcome: {why:?}"
            ))),
            Err(other) => Err(Stop::from_unheard(other)),
        }
    }

    /// The recording or the host answers with the kind of another ability.
    pub(crate) fn mismatched(&mut self, answer: &GatedAnswer) -> wasmtime::Error {
        self.halt(wrong_kind(answer))
    }

    fn enter(&mut self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let max = self.limits.calls_max;
        if !self.tape.replaying() && self.tape.answered() >= max {
            return Err(Stop::limit(Limit::Calls, format!("more than {max} calls")));
        }
        Ok(())
    }

    fn replayed<A: DeserializeOwned>(
        &mut self,
        ability: Ability,
        digest: [u8; 32],
    ) -> Result<Option<A>, Stop> {
        let index = self.tape.answered();
        let Some(bytes) = self.tape.next(ability, digest).map_err(Stop::Diverged)? else {
            return Ok(None);
        };
        match postcard::from_bytes(bytes) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => Err(Stop::HostFailed(format!(
                "the recorded answer of call {index} ({ability}) cannot be read: {error}"
            ))),
        }
    }

    fn record<A: Serialize>(
        &mut self,
        ability: Ability,
        digest: [u8; 32],
        answer: &A,
    ) -> Result<(), Stop> {
        let bytes = postcard::to_stdvec(answer).map_err(|error| Stop::encoding(&error))?;
        if bytes.len() > self.answer_bytes_max() {
            return Err(self.answer_too_long(ability));
        }
        let full = self.tape.record(ability, digest, bytes);
        match full.map_err(|error| Stop::encoding(&error))? {
            Some(segment) => self.host.segment(segment).map_err(Stop::from_unheard),
            None => Ok(()),
        }
    }

    fn answer_bytes_max(&self) -> usize {
        self.limits.answer_bytes_max.min(ANSWER_BYTES_MAX)
    }

    fn answer_too_long(&self, ability: Ability) -> Stop {
        let max = self.answer_bytes_max();
        Stop::limit(
            Limit::AnswerBytes,
            format!("{ability} answered more than {max} bytes"),
        )
    }

    /// Called at every tick while the guest works.
    pub(crate) fn on_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if self.cancel.is_cancelled() {
            return Err(self.halt(Stop::Cancelled));
        }
        let now = self.ticks.count();
        if self.tape.replaying() {
            self.deadline_from = now;
        }
        if now.saturating_sub(self.deadline_from) > self.deadline_ticks {
            let detail = format!("worked for more than {} ms", self.limits.deadline_ms);
            return Err(self.halt(Stop::limit(Limit::Deadline, detail)));
        }
        Ok(UpdateDeadline::Continue(1))
    }
}

fn wrong_kind(answer: &GatedAnswer) -> Stop {
    Stop::HostFailed(format!(
        "a call was answered with the outcome of {}",
        ability_of(answer)
    ))
}

fn answer_bytes(answer: &GatedAnswer) -> usize {
    match answer {
        GatedAnswer::Http(Ok(response)) => {
            let headers = response.headers.iter();
            let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
            headers + response.body.len()
        }
        GatedAnswer::Emit(Ok(text)) | GatedAnswer::Ask(Ok(text)) => text.len(),
        _ => 0,
    }
}

/// A guest that asks for more than it may have is ended, not told: what it would do with the
/// refusal is its own, but that it was refused must stand in the journal.
impl ResourceLimiter for RunState {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // The module's own bound: the same answer on every machine.
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        let total = self.usage.memory_bytes.saturating_add(more);
        let max = self.limits.memory_bytes_max;
        if total > max {
            let detail = format!("asked for {total} bytes of memory, at most {max}");
            return Err(self.halt(Stop::limit(Limit::MemoryBytes, detail)));
        }
        self.usage.memory_bytes = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Not the guest's doing, and another machine might have had the memory.
        Err(self.halt(Stop::HostFailed(format!(
            "the machine has no memory left: {error:#}"
        ))))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        let total = self.usage.table_elements.saturating_add(more);
        let max = self.limits.table_elements_max;
        if total > max {
            let detail = format!("asked for {total} table elements, at most {max}");
            return Err(self.halt(Stop::limit(Limit::TableElements, detail)));
        }
        self.usage.table_elements = total;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(self.halt(Stop::HostFailed(format!(
            "the machine has no memory left: {error:#}"
        ))))
    }

    fn instances(&self) -> usize {
        self.limits.instances_max
    }

    fn tables(&self) -> usize {
        self.limits.instances_max
    }

    fn memories(&self) -> usize {
        self.limits.instances_max
    }
}
