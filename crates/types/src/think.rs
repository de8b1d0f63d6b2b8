//! What a language model is asked, and what it answered, in naos's own words. Stored as JSON.

use serde::{Deserialize, Serialize};

use crate::spec::{ModelSpec, ModelUsage, Tool};
use crate::{BodyRef, Name, Time};

/// What is asked: the request of a gated call. What was said before is named, not repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Think {
    /// Which model.
    pub model: Name,
    /// How it is reached, as it was when it was asked.
    pub spec: ModelSpec,
    /// Who the agent is.
    pub prompt: String,
    /// What it is shown beside its task, oldest wish first: a title each, and the text.
    pub shown: Vec<(String, BodyRef)>,
    /// How many bytes of each it is shown; all of it where nothing is said.
    #[serde(default)]
    pub given: Vec<u64>,
    /// What it isn't shown, or not whole, and why.
    #[serde(default)]
    pub left_out: Vec<(String, String)>,
    /// When it is asked.
    #[serde(default)]
    pub at: Time,
    /// The task.
    pub input: BodyRef,
    /// The last piece of the run's recording: what was answered before, models and tools.
    pub tail: Option<BodyRef>,
    /// What it may call.
    pub tools: Vec<Tool>,
    /// How many tokens the answer may have.
    pub answer_tokens_max: u32,
    /// How freely it chooses its words, in hundredths.
    pub temperature: Option<u16>,
    /// The JSON schema of the answer.
    pub schema: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thought {
    /// What it said.
    pub text: String,
    /// What it wants to have called.
    pub calls: Vec<ToolCall>,
    /// Why it stopped: `end`, `length`, `tool_use`, `refused`, `filtered` …
    pub stop: String,
    /// What the provider says that it used.
    pub usage: Option<ModelUsage>,
    /// The model, as it named itself.
    pub model: Option<String>,
    /// What the provider knows the call by.
    pub request: Option<String>,
    /// What the provider wants back unchanged in the next call, in the driver's own encoding.
    pub opaque: Option<String>,
    /// Why there is no answer.
    pub trouble: Option<Trouble>,
}

/// Where an agent's workspace keeps what it learned, a JSON object a line.
pub const FACTS: &str = "memory/facts.jsonl";
/// What stands at the beginning of a new `MEMORY.md`.
pub const MEMORY_HEAD: &str = "# What holds\n\n";

/// How something learned stands in `MEMORY.md`; it is forgotten by this line.
#[must_use]
pub fn memory_line(fact: &str, source: &str, timestamp: &str) -> String {
    let day: String = timestamp.chars().take(10).collect();
    format!("- {fact} ({source}, {day})")
}

impl Thought {
    /// There is no answer; `billed` says whether the provider may want money for it.
    #[must_use]
    pub fn failed(kind: &str, said: impl Into<String>, billed: bool) -> Self {
        let trouble = Trouble {
            kind: kind.to_owned(),
            said: said.into(),
            billed,
        };
        Self {
            trouble: Some(trouble),
            ..Self::default()
        }
    }
}

/// What a model wants to have called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What its result is told apart by.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// What it is given: JSON text, as the model wrote it.
    pub arguments: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// A word for the kind: `auth`, `rate_limited`, `unreachable` …
    pub kind: String,
    /// A sentence.
    pub said: String,
    /// Whether the provider may want money for it.
    pub billed: bool,
}
