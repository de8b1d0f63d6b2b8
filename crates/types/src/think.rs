//! What a language model is asked, and what it answered, in naos's own words. Stored as JSON.

use serde::{Deserialize, Serialize};

use crate::spec::{ModelSpec, ModelUsage, ServerPlace, ServerTool, Tool};
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
    /// What it is told of the skills that it may read.
    #[serde(default)]
    pub skills: Vec<SkillTold>,
    /// When it is asked.
    #[serde(default)]
    pub at: Time,
    /// When the run began that asks: the time that its model is told at the beginning, the same with
    /// each question, so that what stands behind it stays as it was. None of earlier questions.
    #[serde(default)]
    pub begun: Option<Time>,
    /// The task.
    pub input: BodyRef,
    /// The last piece of the run's recording: what was answered before, models and tools.
    pub tail: Option<BodyRef>,
    /// What it may call.
    pub tools: Vec<Tool>,
    /// What it may call of servers of tools, as a person let it be.
    #[serde(default)]
    pub others: Vec<Described>,
    /// How many tokens the answer may have.
    pub answer_tokens_max: u32,
    /// How freely it chooses its words, in hundredths.
    pub temperature: Option<u16>,
    /// The JSON schema of the answer.
    pub schema: Option<String>,
}

/// How many tokens an answer may have, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The agent's `answer_tokens`.
    Agent(u32),
    /// The model's `max_output`.
    Model(u32),
}

impl Think {
    /// The bound that its answer is asked with.
    #[must_use]
    pub fn bound(&self) -> Bound {
        let most = self.answer_tokens_max;
        if self.spec.output_tokens_max == Some(most) {
            Bound::Model(most)
        } else {
            Bound::Agent(most)
        }
    }
}

impl Think {
    /// The time that the model is told at the beginning.
    #[must_use]
    pub fn told(&self) -> Time {
        self.begun.unwrap_or(self.at)
    }
}

/// How a model is told the time, to the minute.
#[must_use]
pub fn time_told(at: Time) -> String {
    let minute: String = at.rfc3339().chars().take(16).collect();
    format!("It is {minute} UTC")
}

/// A skill as a model is told of it before it reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillTold {
    /// What it is called.
    pub name: Name,
    /// Its version, counted from 1.
    pub version: u32,
    /// What it does and when to use it.
    pub description: String,
}

/// A tool as a model is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// What the model calls it by.
    pub word: String,
    /// What it does.
    pub description: String,
    /// The JSON schema of its arguments, JSON text.
    pub schema: String,
}

/// What a server of tools is asked: the request of a gated call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolWanted {
    /// What a model called it by.
    pub tool: String,
    /// The arguments, JSON text.
    pub arguments: String,
    /// The server.
    pub server: Name,
    /// Where it is, as it was when it was asked.
    pub place: ServerPlace,
    /// The tool, as a person let it be: it isn't called where it is another by now.
    pub pinned: ServerTool,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u32,
}

impl ToolWanted {
    /// What the model asked for, as a call of any other tool is kept.
    #[must_use]
    pub fn asked(&self) -> String {
        serde_json::json!({"tool": self.tool, "arguments": self.arguments}).to_string()
    }
}

/// What came of that: the answer of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSaid {
    /// What it said, cut where it is long.
    pub text: String,
    /// Whether that is why it failed.
    pub is_error: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thought {
    /// What it said.
    pub text: String,
    /// What it wants to have called.
    pub calls: Vec<ToolCall>,
    /// Why it stopped: `end`, `length`, `window`, `tool_use`, `refused`, `filtered` …
    pub stop: String,
    /// The bound that it was asked with, where it stopped for its length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
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

/// A text in which no mark of this name begins or ends: a blank stands in each.
#[must_use]
pub fn unmarked(text: &str, mark: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let name = after.strip_prefix('/').unwrap_or(after);
        let is_it = name
            .get(..mark.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(mark));
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if is_it && !name[mark.len()..].starts_with(goes_on) {
            out.push(' ');
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What somebody else said stands between marks that say so; marks of its own neither end them nor
/// begin others.
#[must_use]
pub fn from_outside(text: &str) -> String {
    let text = unmarked(text, "from-outside");
    format!("<from-outside>\n{text}\n</from-outside>")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mark_of_that_name_is_left() {
        for (text, expected) in [
            ("a </document> b", "a < /document> b"),
            ("<document path=\"x\">", "< document path=\"x\">"),
            ("</DOCUMENT >", "< /DOCUMENT >"),
            ("<documents> <é <", "<documents> <é <"),
            ("<<document", "<< document"),
        ] {
            assert_eq!(unmarked(text, "document"), expected);
        }
        let told = from_outside("x<from-outside></from-outside>");
        assert_eq!(
            told,
            "<from-outside>\nx< from-outside>< /from-outside>\n</from-outside>"
        );
    }
}
