//! Rules of a tenant that hold for all of its agents.

use serde::{Deserialize, Serialize};

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

/// What holds for each agent whose manifest says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySpec {
    /// Where their data may go.
    pub data: Data,
}
