//! Why there is no answer, and all that whoever asked needs to decide what is next.

use std::time::Duration;

use super::answer::Usage;
pub use crate::http::RetryAfter;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct Error {
    /// What went wrong.
    pub failure: Failure,
    /// Whether the provider may want money for it.
    pub billed: Billed,
    /// What was used before it went wrong, by the provider's own figures.
    pub usage: Option<Usage>,
    /// What the provider knows the call by.
    pub provider_request_id: Option<Box<str>>,
}

/// Whether a provider may want money for a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billed {
    /// Nothing reached it, or it said that it did nothing.
    Nothing,
    /// It may have worked.
    Maybe,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The key is wrong, or there is no money behind it. Trying again is of no use.
    #[error("the provider refuses the key: {said}")]
    Refused {
        /// What the provider said.
        said: String,
    },
    /// Too much was asked in a short time.
    #[error("the provider takes no more for now: {said}")]
    RateLimited {
        /// When it may be asked again, if it said so.
        retry_after: Option<RetryAfter>,
        /// What the provider said.
        said: String,
    },
    /// The provider can't, for now.
    #[error("the provider can't answer for now: {said}")]
    Overloaded {
        /// When it may be asked again, if it said so.
        retry_after: Option<RetryAfter>,
        /// What the provider said.
        said: String,
    },
    /// What was asked is wrong. Trying the same again is of no use.
    #[error("the provider doesn't take the request: {said}")]
    BadRequest {
        /// What is wrong with it.
        said: String,
    },
    /// What was asked doesn't fit into the model's window.
    #[error("the conversation is longer than the model can see: {said}")]
    ContextTooLong {
        /// What the provider said.
        said: String,
    },
    /// The provider doesn't let its model see what was asked.
    #[error("the provider's filter holds the request back: {said}")]
    ContentFiltered {
        /// What the provider said.
        said: String,
    },
    /// naos doesn't send anything to there.
    #[error("{why}")]
    Forbidden {
        /// Why it doesn't.
        why: String,
    },
    /// Nobody was reached; nothing left this machine.
    #[error("{why}")]
    Unreachable {
        /// What went wrong.
        why: String,
    },
    /// It took too long.
    #[error("the answer took longer than {} ms{}", .after.as_millis(), going_on(.silent))]
    Timeout {
        /// How long it was waited for.
        after: Duration,
        /// A stream that began said nothing more.
        silent: bool,
    },
    /// What came back is no answer.
    #[error("what the provider sent is no answer: {0}")]
    Broken(Broken),
    /// There is more of it than is taken.
    #[error("{what} has more than {bytes_max} bytes")]
    TooLarge {
        /// What is too large.
        what: Large,
        /// The limit; 0 if it is the provider's, who didn't name it.
        bytes_max: usize,
    },
}

const fn going_on(silent: &bool) -> &'static str {
    if *silent { " to go on" } else { "" }
}

/// What is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Large {
    /// What is asked.
    Request,
    /// What is answered.
    Answer,
    /// What a tool is to be given.
    Arguments,
}

impl std::fmt::Display for Large {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Request => "the request",
            Self::Answer => "the answer",
            Self::Arguments => "what a tool is to be given",
        })
    }
}

/// How an answer is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A page for people.
    #[error("it is a page for people (HTML); check the endpoint's address")]
    Html,
    /// JSON that ends too early.
    #[error("its JSON ends in the middle")]
    HalfJson,
    /// Something else.
    #[error("it is no JSON")]
    NotJson,
    /// JSON that isn't what the format has.
    #[error("{0}")]
    Shape(String),
    /// Figures that can't be.
    #[error("it says that it used {0}")]
    Usage(String),
    /// The connection or the stream ended before the answer did.
    #[error("it ends in the middle")]
    Cut,
    /// The stream goes on and on.
    #[error("it doesn't end within {events_max} events")]
    Endless {
        /// The limit.
        events_max: usize,
    },
}

impl Error {
    /// A failure for which nobody wants money.
    #[must_use]
    pub const fn free(failure: Failure) -> Self {
        Self {
            failure,
            billed: Billed::Nothing,
            usage: None,
            provider_request_id: None,
        }
    }
}
