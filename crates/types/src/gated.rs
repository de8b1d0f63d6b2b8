//! What an agent wants done in the world, and what came of it, as it is sent and recorded.

use serde::{Deserialize, Serialize};

use crate::http::{HttpRequest, HttpResponse};

/// Why an ability did not do what the agent asked: what the agent itself is told.
///
/// The order of the variants is part of the recording's format: append, never reorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AbilityError {
    /// The manifest does not grant this; the sentence says which line would.
    Denied(String),
    /// The arguments are malformed; the sentence says which and why.
    Invalid(String),
    /// There is no such key or document.
    NotFound,
    /// The document has another version than the one expected: this one.
    Conflict(u64),
    /// The effect was attempted and nobody knows whether it happened.
    Unknown(String),
    /// Anything else; the sentence says what.
    Failed(String),
}

/// What a gated call wants to do in the world.
///
/// The order of the variants is part of the request digest: append, never reorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatedRequest {
    /// Send one HTTP request.
    Http(HttpRequest),
    /// Publish an event.
    Emit {
        /// The event's type.
        kind: String,
        /// JSON.
        data: String,
    },
    /// Ask a person.
    Ask {
        /// What is asked.
        question: String,
        /// The possible answers; none: free text.
        options: Vec<String>,
    },
}

/// What came of a gated call. It has the kind of its request.
///
/// The order of the variants is part of the recording's format: append, never reorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatedAnswer {
    /// What the server said.
    Http(Result<HttpResponse, AbilityError>),
    /// The published event's id.
    Emit(Result<String, AbilityError>),
    /// What the person said.
    Ask(Result<String, AbilityError>),
}
