//! Why something failed, as journaled.

use serde::{Deserialize, Serialize};

use crate::{Code, Sealed};

/// A failure: its code, naos's own words in clear, other people's words sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What to look up.
    pub code: Code,
    /// naos's own sentence, without content of people or agents.
    pub note: String,
    /// What the agent or the outside said.
    pub said: Option<Sealed>,
}

impl Problem {
    /// A problem in naos's own words.
    #[must_use]
    pub fn new(code: Code, note: impl Into<String>) -> Self {
        Self {
            code,
            note: note.into(),
            said: None,
        }
    }
}
