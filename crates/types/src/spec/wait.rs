//! What a step of a plan waits for.

use serde::{Deserialize, Serialize};

use crate::{Name, Span};

/// What ends the wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// An event that is published meanwhile; its output is the event.
    Event {
        /// Its type: `*` stands for any text.
        topic: String,
        /// A CEL condition over `event` and the names of the step.
        condition: Option<String>,
        /// The conversation it must belong to: a template.
        correlation: Option<String>,
    },
    /// A signal that is sent to this run, now or before; its output is what came with it.
    Signal {
        /// Which.
        name: Name,
    },
    /// So much time.
    Time {
        /// How much.
        span: Span,
    },
    /// A point in time.
    Until {
        /// Which: a template that gives an RFC 3339 time with its offset, or a date.
        at: String,
    },
}
