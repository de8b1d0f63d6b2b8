//! What providers say instead of an answer, and what it means for whoever asked.

use super::super::error::{Billed, Error, Failure, Large, RetryAfter};

/// A complaint, as it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// All words that say what kind it is (`type`, `code`, `status`).
    pub words: Vec<String>,
    /// The sentence.
    pub message: String,
    /// When to come again, if that stands in it.
    pub retry_after: Option<RetryAfter>,
}

const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "maximum context length",
    "prompt is too long",
    "exceeds the maximum number of tokens",
    "exceeds the available context size",
    "context window",
    "input is too long",
];
const FILTERED: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "invalid_prompt",
    "responsibleaipolicyviolation",
];
const NO_MONEY: &[&str] = &[
    "insufficient_quota",
    "billing_error",
    "billing_not_active",
    "credit balance is too low",
];
const BAD_KEY: &[&str] = &[
    "authentication_error",
    "permission_error",
    "invalid_api_key",
    "api_key_invalid",
    "unauthenticated",
    "permission_denied",
    "api key not valid",
];
const LIMITED: &[&str] = &[
    "rate_limit_error",
    "rate_limit_exceeded",
    "resource_exhausted",
    "too_many_requests",
];
const OVERLOADED: &[&str] = &["overloaded_error", "overloaded", "unavailable"];
const FAILED: &[&str] = &[
    "server_error",
    "api_error",
    "internal",
    "internal_server_error",
    "timeout_error",
    "deadline_exceeded",
];

impl Complaint {
    pub fn new(words: &[Option<&str>], message: Option<&str>) -> Self {
        let words = words.iter().flatten().filter(|word| !word.is_empty());
        Self {
            words: words.map(|word| word.to_lowercase()).collect(),
            message: message.unwrap_or_default().to_owned(),
            retry_after: None,
        }
    }

    /// What it means as the whole answer with this status. `said` is what may be shown of it.
    pub fn refusal(&self, status: u16, retry_after: Option<RetryAfter>, said: String) -> Error {
        let retry_after = retry_after.or(self.retry_after);
        if let Some(known) = self.known(&said) {
            return Error::free(known);
        }
        let failure = match status {
            401..=403 => Failure::Refused { said },
            413 => Failure::TooLarge {
                what: Large::Request,
                bytes_max: 0,
            },
            429 => Failure::RateLimited { retry_after, said },
            408 | 500.. => Failure::Overloaded { retry_after, said },
            300..=399 => Failure::BadRequest {
                said: format!("it answered {status}, another address; {said}"),
            },
            _ => Failure::BadRequest { said },
        };
        // Whoever answers with the status of an error has told the end of it, and gave no answer
        // that could be paid: only a call whose end nobody heard counts as its worst case.
        let mut error = Error::free(failure);
        if crate::planted::is("errors-cost-the-worst-case") && status >= 500 {
            error.billed = Billed::Maybe;
        }
        error
    }

    /// What it means in the middle of an answer.
    pub fn interruption(&self, said: String) -> Failure {
        if let Some(known) = self.known(&said) {
            return known;
        }
        let retry_after = self.retry_after;
        if self.has(LIMITED) {
            Failure::RateLimited { retry_after, said }
        } else if self.has(OVERLOADED) || self.has(FAILED) || self.words.is_empty() {
            Failure::Overloaded { retry_after, said }
        } else {
            Failure::BadRequest { said }
        }
    }

    /// What its words tell, or else what it is taken for.
    pub fn known_or(&self, other: Failure) -> Failure {
        self.known(&self.message).unwrap_or(other)
    }

    /// What its words alone tell, whatever the status.
    fn known(&self, said: &str) -> Option<Failure> {
        let said = said.to_owned();
        if self.has(TOO_LONG) {
            Some(Failure::ContextTooLong { said })
        } else if self.has(FILTERED) {
            Some(Failure::ContentFiltered { said })
        } else if self.has(NO_MONEY) || self.has(BAD_KEY) {
            Some(Failure::Refused { said })
        } else {
            None
        }
    }

    fn has(&self, known: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        known.iter().any(|known| {
            let phrase = known.contains(' ') && message.contains(known);
            phrase || self.words.iter().any(|word| word == known)
        })
    }
}
