//! Why an ability did not do what it was asked: the `error` of the WIT, as a Rust error.

use std::fmt;

/// Why an ability did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The manifest does not grant this; the sentence says which line would.
    Denied(String),
    /// The arguments are malformed; the sentence says which and why.
    Invalid(String),
    /// There is no such key or document.
    NotFound,
    /// The document has this version, not the expected one.
    Conflict(u64),
    /// The effect was attempted and nobody knows whether it happened.
    Unknown(String),
    /// Anything else; the sentence says what.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) => write!(f, "not granted: {why}"),
            Self::Invalid(why) => write!(f, "malformed: {why}"),
            Self::NotFound => f.write_str("there is no such key or document"),
            Self::Conflict(version) => {
                write!(
                    f,
                    "the document is at version {version}, not the expected one"
                )
            }
            Self::Unknown(why) => write!(f, "attempted, and nobody knows the outcome: {why}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

/// So that an agent may end a line with `?`: the sentence becomes the run's error.
impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.to_string()
    }
}
