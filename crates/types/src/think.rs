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
    /// What its window has no room for of the task and of results.
    #[serde(default, skip_serializing_if = "Cuts::is_empty")]
    pub cuts: Cuts,
    /// What it is told of the skills that it may read.
    #[serde(default)]
    pub skills: Vec<SkillTold>,
    /// What naos tells it beside its prompt, a paragraph each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
    /// When it is asked.
    #[serde(default)]
    pub at: Time,
    /// When the run began that asks: the time that its model is told at the beginning, the same
    /// with
    /// each question, so that what stands behind it stays as it was. None of earlier questions.
    #[serde(default)]
    pub begun: Option<Time>,
    /// The task.
    pub input: BodyRef,
    /// Pictures that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<BodyRef>,
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

/// How much is given of what can't be given whole: where a window has no room for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cuts {
    /// Of the task: so many bytes of its beginning, and of its end.
    pub task: Option<(u64, u64)>,
    /// Of results of calls.
    pub results: Vec<CutResult>,
}

impl Cuts {
    /// Whether all is given whole.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many bytes of a call's result are given; none where all are.
    #[must_use]
    pub fn of(&self, call: u32) -> Option<u64> {
        let found = self.results.iter().find(|cut| cut.call == call);
        found.map(|cut| cut.given)
    }
}

/// A result of which a part is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutResult {
    /// The number of its call in the run, from 0.
    pub call: u32,
    /// How many bytes of its beginning are given.
    pub given: u64,
    /// How many it has.
    pub of: u64,
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

/// Between these stands what somebody else said.
const OUTSIDE: [&str; 2] = ["<from-outside>", "</from-outside>"];

/// What somebody else said stands between marks that say so; marks of its own neither end them nor
/// begin others.
#[must_use]
pub fn from_outside(text: &str) -> String {
    let text = unmarked(text, "from-outside");
    let [begin, end] = OUTSIDE;
    format!("{begin}\n{text}\n{end}")
}

/// So many bytes of the beginning and of the end of a text, and how much is left out between them.
/// Wherever that is, what somebody else said keeps its marks.
#[must_use]
pub fn shortened(text: &str, head: u64, tail: u64) -> String {
    let bytes = |many: u64| usize::try_from(many).unwrap_or(usize::MAX);
    let head = text.floor_char_boundary(bytes(head));
    let begins = text.len().saturating_sub(bytes(tail));
    if begins <= head {
        return text.to_owned();
    }
    let before = &text[..head];
    // A line that isn't whole would read as another's words.
    let rest = &text[text.ceil_char_boundary(begins)..];
    let after = rest.split_once('\n').map_or(rest, |(_, after)| after);
    let gone = text.len() - before.len() - after.len();
    let [begin, end] = OUTSIDE;
    let goes_on = before.rfind(begin) > before.rfind(end);
    let went_on = match (after.find(begin), after.find(end)) {
        (Some(begins), Some(ends)) => ends < begins,
        (begins, ends) => begins.is_none() && ends.is_some(),
    };
    format!(
        "{before}{}\n[left out: {gone} of {} bytes, for want of room]\n{}{after}",
        if goes_on {
            format!("\n{end}")
        } else {
            String::new()
        },
        text.len(),
        if went_on {
            format!("{begin}\n")
        } else {
            String::new()
        },
    )
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

    #[test]
    fn a_text_without_its_middle_keeps_its_marks() {
        let text = format!(
            "Do it.\n{}\n- Ann: well?\n- Ben: no",
            from_outside("a\nb\nc")
        );
        let whole = text.len() as u64;
        assert_eq!(shortened(&text, whole, 0), text);
        assert_eq!(shortened(&text, 10, whole - 10), text);
        let cut = shortened(&text, 6, 16);
        let gone = whole - 6 - 9;
        let mark = format!("[left out: {gone} of {whole} bytes, for want of room]");
        assert_eq!(cut, format!("Do it.\n{mark}\n- Ben: no"));
        // Cut within what somebody else said, at the one side and at the other.
        let cut = shortened(&text, 24, 16);
        let head = "Do it.\n<from-outside>\na\n\n</from-outside>\n[left out: ";
        assert!(cut.starts_with(head), "{cut}");
        let cut = shortened(&text, 6, 42);
        let tail = "]\n<from-outside>\nc\n</from-outside>\n- Ann: well?\n- Ben: no";
        assert!(cut.ends_with(tail), "{cut}");
        // No character is cut in two.
        assert!(shortened("ééé", 1, 0).starts_with("\n[left out: 6 of 6 bytes"));
    }
}
