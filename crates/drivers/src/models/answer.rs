//! What a model answered, and the pieces in which it comes.

pub use naos_types::spec::ModelUsage as Usage;

use super::request::{Part, ToolCall};

/// The most tokens that count for one call: far more than any model takes or writes. What says
/// more is taken for as much, which is a bill above all that was set aside.
pub const TOKENS_MAX: u64 = 1_000_000_000_000;

/// What a model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Text, reasoning and calls, in the order in which they came.
    pub parts: Vec<Part>,
    /// Why it stopped.
    pub stop: Stop,
    /// The provider's own figures; none if it gave none.
    pub usage: Option<Usage>,
    /// The model, as it named itself.
    pub model: Option<String>,
    /// What the provider knows the call by.
    pub provider_request_id: Option<String>,
}

impl Answer {
    /// All its words.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// What it wants to have done.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It has said all.
    End,
    /// It may write no more.
    Length,
    /// Its window is full, by its provider's own word; most say only that it may write no more.
    Window,
    /// It waits for its tools.
    ToolUse,
    /// It doesn't want to.
    Refused,
    /// Its provider held back what it wrote, or didn't let it see what it was asked.
    Filtered,
    /// It rests and goes on if it is given its own answer.
    Paused,
    /// Its provider says why, in a word that naos doesn't know.
    Other(String),
}

/// A piece of an answer, before the answer is there. Provisional: only an [`Answer`] counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More words.
    Text(String),
    /// More thoughts.
    Reasoning(String),
    /// More of a call.
    ToolCall {
        /// Which of the answer's calls, from 0.
        index: usize,
        /// The tool.
        name: String,
        /// More of its arguments.
        arguments: String,
    },
    /// What was used so far.
    Usage(Usage),
}
