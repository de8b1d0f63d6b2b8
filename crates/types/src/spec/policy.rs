//! Rules of a tenant that hold for all of its agents.

use serde::{Deserialize, Serialize};

use crate::{Name, TaskId};

/// What the policy of data is called: there is one.
pub const DATA_POLICY: &str = "data";

/// Whether what a model is asked may leave the country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// Models are asked whose data stays, and no others.
    Stays,
    /// Any model is asked.
    Leaves,
}

impl Data {
    /// The words for it.
    pub const WORDS: &'static [&'static str] = &["stays", "leaves"];

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "stays" => Some(Self::Stays),
            "leaves" => Some(Self::Leaves),
            _ => None,
        }
    }
}

/// The work that material comes from which must not leave the country: what is made of that
/// material must not either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaysFrom {
    /// The agent whose data stays.
    pub agent: Name,
    /// The task that it worked on.
    pub task: TaskId,
}

impl std::fmt::Display for StaysFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.agent, self.task)
    }
}

/// What holds for each agent whose manifest says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySpec {
    /// Where their data may go.
    pub data: Data,
}
