//! The one door between an agent and the rest of naos.

use crate::limits::Limit;
use crate::recording::{Ability, Segment};
use serde::{Deserialize, Serialize};
use std::any::Any;

pub use naos_types::LogLevel;
pub use naos_types::gated::{AbilityError, GatedAnswer, GatedRequest};
pub use naos_types::http::{HttpRequest, HttpResponse};

/// Why the host could not answer, and what the sandbox does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// Tell the agent; the run goes on and the answer is recorded.
    Tell(AbilityError),
    /// The agent passed a limit that the host keeps; the run ends as stopped.
    Limit(Limit, String),
    /// The run was cancelled while the host worked.
    Cancelled,
    /// The host itself failed; nothing is recorded and the run may be tried again.
    Failed(String),
}

impl From<AbilityError> for HostError {
    fn from(error: AbilityError) -> Self {
        HostError::Tell(error)
    }
}

/// One version of one shared document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Where it lies.
    pub path: String,
    /// Which version this is.
    pub version: u64,
    /// What it says.
    pub text: String,
}

/// One line of a listing of shared documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it lies.
    pub path: String,
    /// The newest version.
    pub version: u64,
    /// Bytes of its text.
    pub size: u64,
}

/// Which ability gives this kind of answer.
pub fn ability_of(answer: &GatedAnswer) -> Ability {
    match answer {
        GatedAnswer::Http(_) => Ability::Http,
        GatedAnswer::Emit(_) => Ability::Events,
        GatedAnswer::Ask(_) => Ability::Ask,
    }
}

/// A gated call on its way into the world.
///
/// `(run, index)` names the effect: it is the idempotency key, the same after every restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatedCall {
    /// Its place among all calls of the run.
    pub index: u32,
    /// SHA-256 over ability and request.
    pub digest: [u8; 32],
    /// What it wants.
    pub request: GatedRequest,
}

impl GatedCall {
    /// Which ability is used.
    pub fn ability(&self) -> Ability {
        match self.request {
            GatedRequest::Http(_) => Ability::Http,
            GatedRequest::Emit { .. } => Ability::Events,
            GatedRequest::Ask { .. } => Ability::Ask,
        }
    }
}

/// How a gated call went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// The outcome is durable: the agent goes on.
    Answered {
        /// What came of it.
        answer: GatedAnswer,
        /// When the outcome became durable, in milliseconds since 1970: the run's new clock.
        now_ms: u64,
    },
    /// It takes longer: drop the instance; the run starts again once the answer is recorded.
    Suspend,
}

/// What the sandbox needs from naos during one run. Implemented by the engine.
///
/// Every call is made on the thread that runs the agent and may block it, so recorded calls must
/// be quick. Nothing here is called for what the recording already answers.
pub trait Host: Any + Send {
    /// One line of log, free of control characters, and in which call of the run it was written.
    fn log(&mut self, call: u32, level: LogLevel, line: &str) -> Result<(), HostError>;
    /// Reads the agent's private state.
    fn state_get(&mut self, key: &str) -> Result<Option<Vec<u8>>, HostError>;
    /// Changes the agent's private state; the host keeps the sum of all values in its limit.
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), HostError>;
    /// Removes a key, if it is there.
    fn state_delete(&mut self, key: &str) -> Result<(), HostError>;
    /// All keys. The sandbox sorts them.
    fn state_keys(&mut self) -> Result<Vec<String>, HostError>;
    /// The newest version of a document.
    fn context_read(&mut self, path: &str) -> Result<Document, HostError>;
    /// Writes a new version and returns its number.
    fn context_write(
        &mut self,
        path: &str,
        text: &str,
        expected: Option<u64>,
    ) -> Result<u64, HostError>;
    /// The documents beneath a prefix. The sandbox sorts them and drops what is not granted.
    fn context_list(&mut self, prefix: &str) -> Result<Vec<Entry>, HostError>;
    /// A piece of the recording is full: keep it. Its calls count as staged, not yet as durable.
    fn segment(&mut self, segment: Segment) -> Result<(), HostError>;
    /// Makes the piece of recording before the call and its intent durable, acts, makes the
    /// outcome durable, and only then returns. The answer is the host's to keep (see
    /// [`crate::Recording::push_answer`]); it is in no segment.
    fn gated(&mut self, call: &GatedCall, before: Option<Segment>) -> Result<Gate, HostError>;
}
