//! What one run may use, and the name of each bound.
//!
//! [`Limits`] are set per run from the manifest; the constants are the same for everybody.

use std::fmt;

/// Bytes of a component that we look at.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;
/// Bytes of a compiled component.
pub const ARTEFACT_BYTES_MAX: usize = 512 << 20;
/// Native stack of a guest. Fixed per process: it is part of what a compiled component expects.
pub const STACK_BYTES_MAX: usize = 512 << 10;
/// Calls in one segment of a recording.
pub const SEGMENT_CALLS_MAX: usize = 256;
/// A segment closes once its answers reach this.
pub const SEGMENT_BYTES_MAX: usize = 64 << 10;
/// Bytes of a segment that we read: a full one and one answer of the greatest size.
pub const SEGMENT_READ_BYTES_MAX: usize = 64 << 20;
/// Bytes of an answer, whatever [`Limits::answer_bytes_max`] says: a segment must hold it.
pub const ANSWER_BYTES_MAX: usize = SEGMENT_READ_BYTES_MAX / 2;
/// Random bytes in one call.
pub const RANDOM_BYTES_MAX: u32 = 64 << 10;
/// Bytes of a key of the agent's state.
pub const STATE_KEY_BYTES_MAX: usize = 256;
/// Bytes of a document's path.
pub const PATH_BYTES_MAX: usize = 512;
/// Bytes of an event's kind.
pub const EVENT_KIND_BYTES_MAX: usize = 128;
/// Bytes of a question to a person.
pub const QUESTION_BYTES_MAX: usize = 8 << 10;
/// Answers a person may choose from.
pub const OPTIONS_MAX: usize = 32;
/// Bytes of one of them.
pub const OPTION_BYTES_MAX: usize = 256;
/// Bytes of the text of a trap.
pub const TRAP_BYTES_MAX: usize = 1 << 10;

/// What one run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Work, in wasmtime's units: about one per instruction.
    pub fuel_max: u64,
    /// Linear memory of all its modules together.
    pub memory_bytes_max: usize,
    /// Elements of all its tables together.
    pub table_elements_max: usize,
    /// Core modules that the component may instantiate; also bounds its memories and tables.
    pub instances_max: usize,
    /// Wall clock while the agent itself works live: waiting at a gated call and re-execution of
    /// a recording don't count.
    pub deadline_ms: u64,
    /// Bytes of its input.
    pub input_bytes_max: usize,
    /// Bytes of its output or error.
    pub output_bytes_max: usize,
    /// Lines of log.
    pub log_lines_max: usize,
    /// Bytes of log.
    pub log_bytes_max: usize,
    /// Recorded and gated calls.
    pub calls_max: u32,
    /// Bytes of one value of its state; the host bounds the sum.
    pub state_value_bytes_max: usize,
    /// Bytes of a document that it writes.
    pub document_bytes_max: usize,
    /// Bytes of the body of an HTTP request.
    pub http_body_bytes_max: usize,
    /// Bytes of an event's data.
    pub event_bytes_max: usize,
    /// Bytes of an answer that the host gives it.
    pub answer_bytes_max: usize,
}

impl Limits {
    /// Bytes that pass from the agent to the host at once: the greatest of the limits on a
    /// single thing, and some room for what comes with it.
    pub fn call_bytes_max(&self) -> usize {
        const ROOM_BYTES: usize = 64 << 10;
        let bounds = [
            self.output_bytes_max,
            self.log_bytes_max,
            self.state_value_bytes_max,
            self.document_bytes_max,
            self.http_body_bytes_max,
            self.event_bytes_max,
        ];
        bounds
            .into_iter()
            .fold(0, usize::max)
            .saturating_add(ROOM_BYTES)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fuel_max: 10_000_000_000,
            memory_bytes_max: 256 << 20,
            table_elements_max: 100_000,
            instances_max: 64,
            deadline_ms: 30_000,
            input_bytes_max: 4 << 20,
            output_bytes_max: 4 << 20,
            log_lines_max: 10_000,
            log_bytes_max: 1 << 20,
            calls_max: 10_000,
            state_value_bytes_max: 256 << 10,
            document_bytes_max: 1 << 20,
            http_body_bytes_max: 1 << 20,
            event_bytes_max: 256 << 10,
            answer_bytes_max: 16 << 20,
        }
    }
}

/// Which limit ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`Limits::fuel_max`].
    Fuel,
    /// [`Limits::memory_bytes_max`].
    MemoryBytes,
    /// [`Limits::table_elements_max`].
    TableElements,
    /// [`Limits::instances_max`].
    Instances,
    /// [`Limits::deadline_ms`].
    Deadline,
    /// [`STACK_BYTES_MAX`].
    StackBytes,
    /// [`Limits::input_bytes_max`].
    InputBytes,
    /// [`Limits::output_bytes_max`].
    OutputBytes,
    /// [`Limits::log_lines_max`].
    LogLines,
    /// [`Limits::log_bytes_max`].
    LogBytes,
    /// [`Limits::calls_max`].
    Calls,
    /// [`Limits::call_bytes_max`]: the arguments of one call, or the output, are so far beyond
    /// their own limit that they were not even copied.
    CallBytes,
    /// [`Limits::state_value_bytes_max`], or the host's bound on all of an agent's state.
    StateBytes,
    /// [`Limits::document_bytes_max`].
    DocumentBytes,
    /// [`Limits::http_body_bytes_max`].
    HttpBodyBytes,
    /// [`Limits::event_bytes_max`].
    EventBytes,
    /// [`Limits::answer_bytes_max`].
    AnswerBytes,
    /// [`RANDOM_BYTES_MAX`].
    RandomBytes,
}

impl Limit {
    /// Every limit, for lists and tests.
    pub const ALL: [Limit; 18] = [
        Limit::Fuel,
        Limit::MemoryBytes,
        Limit::TableElements,
        Limit::Instances,
        Limit::Deadline,
        Limit::StackBytes,
        Limit::InputBytes,
        Limit::OutputBytes,
        Limit::LogLines,
        Limit::LogBytes,
        Limit::Calls,
        Limit::CallBytes,
        Limit::StateBytes,
        Limit::DocumentBytes,
        Limit::HttpBodyBytes,
        Limit::EventBytes,
        Limit::AnswerBytes,
        Limit::RandomBytes,
    ];

    /// Its name in journals and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Limit::Fuel => "fuel",
            Limit::MemoryBytes => "memory-bytes",
            Limit::TableElements => "table-elements",
            Limit::Instances => "instances",
            Limit::Deadline => "deadline",
            Limit::StackBytes => "stack-bytes",
            Limit::InputBytes => "input-bytes",
            Limit::OutputBytes => "output-bytes",
            Limit::LogLines => "log-lines",
            Limit::LogBytes => "log-bytes",
            Limit::Calls => "calls",
            Limit::CallBytes => "call-bytes",
            Limit::StateBytes => "state-bytes",
            Limit::DocumentBytes => "document-bytes",
            Limit::HttpBodyBytes => "http-body-bytes",
            Limit::EventBytes => "event-bytes",
            Limit::AnswerBytes => "answer-bytes",
            Limit::RandomBytes => "random-bytes",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
