//! A no, with its reason and what to do about it.

use serde::{Deserialize, Serialize};

use crate::Code;

/// What sort of no it is; decides the exit status and the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The request itself is malformed: exit 2, HTTP 400.
    Malformed,
    /// There is no such thing (or it isn't yours to know): exit 1, HTTP 404.
    NotFound,
    /// It stands in another state than the request supposes: exit 1, HTTP 409.
    Conflict,
    /// The guard says no: exit 3, HTTP 403.
    Forbidden,
    /// It waits for a person: exit 4, HTTP 202.
    Held,
    /// A queue is full, try again: exit 1, HTTP 429.
    Busy,
    /// This cell is quarantined or the disk is full: exit 1, HTTP 503.
    Unavailable,
}

impl RefusalKind {
    /// The exit status of the command.
    #[must_use]
    pub const fn exit(self) -> u8 {
        match self {
            Self::Malformed => 2,
            Self::NotFound | Self::Conflict | Self::Busy | Self::Unavailable => 1,
            Self::Forbidden => 3,
            Self::Held => 4,
        }
    }

    /// The status over HTTP (RFC 9110).
    #[must_use]
    pub const fn http(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Forbidden => 403,
            Self::Held => 202,
            Self::Busy => 429,
            Self::Unavailable => 503,
        }
    }
}

/// Why something was not done. Nothing happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what}")]
pub struct Refusal {
    /// What to look up.
    pub code: Code,
    /// What sort of no.
    pub kind: RefusalKind,
    /// One sentence: what was wrong. Lower case, no full stop.
    pub what: String,
    /// One sentence: what to do.
    pub help: String,
}

impl Refusal {
    /// A refusal under `code`, whose sort and help stand in the list of codes.
    #[must_use]
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        let entry = code.entry();
        Self {
            code,
            kind: entry.kind,
            what: what.into(),
            help: entry.help.into(),
        }
    }

    /// The same with its own advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}
