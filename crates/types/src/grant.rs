//! What an agent may do, and within which limits.

use serde::{Deserialize, Serialize};

use crate::{Micros, Span};

/// The abilities an agent's manifest grants. Everything else is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// Private state that outlives a run.
    pub state: bool,
    /// Path prefixes of documents it may read.
    pub context_read: Vec<String>,
    /// Path prefixes of documents it may write.
    pub context_write: Vec<String>,
    /// Hosts it may send HTTP requests to: `api.example.com`, `*.example.com`.
    pub http_hosts: Vec<String>,
    /// Event types it may publish: `report.ready`, `report.*`.
    pub emit: Vec<String>,
    /// Whether it may ask a person.
    pub ask: bool,
    /// The clock of its run.
    pub clock: bool,
    /// Random numbers of its run.
    pub random: bool,
}

/// The limits of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunLimits {
    /// Instructions, roughly.
    pub fuel_max: u64,
    /// Linear memory in bytes.
    pub memory_bytes_max: u64,
    /// Wall-clock time of one attempt.
    pub wall_max: Span,
    /// Length of the answer in bytes.
    pub output_bytes_max: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            fuel_max: 5_000_000_000,
            memory_bytes_max: 64 << 20,
            wall_max: Span::secs(30),
            output_bytes_max: 1 << 20,
        }
    }
}

/// What the guard allowed one run, as journaled: enough to ask for a fresh permit later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The abilities.
    pub grants: Grants,
    /// The limits.
    pub limits: RunLimits,
    /// The most it may cost.
    pub cost_max: Micros,
}
