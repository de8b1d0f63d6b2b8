//! How an agent works with a language model.

use serde::{Deserialize, Serialize};

use super::{AGENT_SKILLS_MAX, Check, Data, ModelCan, Spec, Tongue, ToolGrant};
use crate::{DocPath, Micros, Name, Span};

/// The most models of one agent.
pub const MODELS_MAX: usize = 8;
/// The most documents that an agent is shown from the beginning.
pub const SHOWN_MAX: usize = 16;
/// The most grants for tools of servers that an agent has.
pub const OTHERS_MAX: usize = 64;
/// The longest prompt, in bytes.
pub const PROMPT_BYTES_MAX: usize = 64 * 1_024;
/// The most answers of models in one run.
pub const TURNS_MAX: u32 = 100;
/// The most tokens that one answer may have.
pub const ANSWER_TOKENS_MAX: u32 = 128 * 1_024;
/// How many tokens the documents that an agent is shown come to at most where its manifest says
/// nothing, counted at four bytes each.
const SHOWN_TOKENS: u32 = 24_000;
/// The most that a manifest may say there.
pub const SHOWN_TOKENS_MAX: u32 = 1_000_000;
/// How long an attempt of a run takes at most where its manifest says nothing.
pub const MIND_WALL: Span = Span::secs(600);

/// How an agent works with a language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MindSpec {
    /// Who it is, and what holds for all that it does.
    pub prompt: String,
    /// The models that may answer, the preferred one first; the next one is asked when one fails.
    pub models: Vec<Name>,
    /// What a model may call, by name.
    pub tools: Vec<Tool>,
    /// What it may call of servers of tools.
    pub others: Vec<ToolGrant>,
    /// Documents that it is shown at the beginning of each run.
    pub shown: Vec<DocPath>,
    /// The skills that it may read.
    pub skills: Vec<Name>,
    /// How many answers of models a run takes at most.
    pub turns_max: u32,
    /// How many tokens one answer may have, thoughts included.
    pub answer_tokens_max: u32,
    /// How many tokens a run may use in all.
    pub tokens_max: u64,
    /// How freely models choose their words, in hundredths; none leaves it to the provider.
    pub temperature: Option<u16>,
    /// The JSON schema of its answer, as JSON text.
    pub schema: Option<String>,
    /// What a model must be able to do, where none is named: the cheapest that can is asked.
    pub wants: Vec<ModelCan>,
    /// The folder of documents that say who it is and what it remembers: `/agents/jarvis`.
    pub workspace: Option<DocPath>,
    /// How many tokens the documents that it is shown come to at most.
    pub shown_tokens_max: u32,
    /// How sure it must be of what it learned, in hundredths, so that this goes to its `MEMORY.md`
    /// without a person; none leaves it to people.
    pub promote_at: Option<u8>,
    /// When it looks at what waits for it; none looks at once.
    pub heartbeat: Option<Heartbeat>,
    /// The model that is asked what words mean, when it recalls; none asks nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<Name>,
    /// Whether models may be asked whose price nobody knows: no budget holds what they cost.
    pub unpriced: bool,
    /// Whether what its models are asked may leave the country; none leaves it to the policy of
    /// all.
    pub data: Option<Data>,
    /// The most that a run may cost, all of its attempts together.
    pub cost_max: Option<Micros>,
    /// What must hold of what it makes of a task of the board, before anybody is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The language of the people that it works for; none where nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Tongue>,
}

/// When an agent looks at what waits for it. Where nothing waits, nothing happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heartbeat {
    /// How often.
    pub every: Span,
    /// The minutes in which it may, as a cron line; none is always.
    pub active: Option<String>,
    /// The time zone of those.
    pub zone: String,
}

/// How often an agent looks where its manifest doesn't say.
const BEAT: Span = Span::secs(900);
/// The shortest time between two looks.
const BEAT_MIN: Span = Span::secs(60);
/// The longest.
const BEAT_MAX: Span = Span::secs(86_400);

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            every: BEAT,
            active: None,
            zone: "UTC".to_owned(),
        }
    }
}

impl Heartbeat {
    /// What is wrong with it, in a sentence.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if (BEAT_MIN..=BEAT_MAX).contains(&self.every) {
            return Ok(());
        }
        Err("a heartbeat comes every 1m to 1d".into())
    }
}

impl Default for MindSpec {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            models: Vec::new(),
            tools: Vec::new(),
            others: Vec::new(),
            shown: Vec::new(),
            skills: Vec::new(),
            turns_max: 12,
            answer_tokens_max: 4_096,
            tokens_max: 200_000,
            temperature: None,
            schema: None,
            wants: Vec::new(),
            workspace: None,
            shown_tokens_max: SHOWN_TOKENS,
            promote_at: None,
            heartbeat: None,
            recall: None,
            unpriced: false,
            data: None,
            cost_max: None,
            checks: Vec::new(),
            language: None,
        }
    }
}

/// Where it is kept in binary it is JSON text all the same: it grows, and what it was is read.
pub(super) mod as_text {
    use std::sync::Arc;

    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::MindSpec;

    pub(crate) fn serialize<S: Serializer>(
        mind: &Option<Arc<MindSpec>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return mind.as_deref().serialize(serializer);
        }
        let text = mind.as_deref().map(serde_json::to_string).transpose();
        text.map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<MindSpec>>, D::Error> {
        if deserializer.is_human_readable() {
            return Ok(Option::<MindSpec>::deserialize(deserializer)?.map(Arc::new));
        }
        let text = Option::<String>::deserialize(deserializer)?;
        let mind = text.as_deref().map(serde_json::from_str).transpose();
        Ok(mind.map_err(D::Error::custom)?.map(Arc::new))
    }
}

/// How an agent worked with a model while it was laid out field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MindSpecV1 {
    /// Who it is.
    pub prompt: String,
    /// The models that may answer.
    pub models: Vec<Name>,
    /// What a model may call.
    pub tools: Vec<Tool>,
    /// Documents that it is shown.
    pub shown: Vec<DocPath>,
    /// How many answers a run takes at most.
    pub turns_max: u32,
    /// How many tokens one answer may have.
    pub answer_tokens_max: u32,
    /// How many tokens a run may use in all.
    pub tokens_max: u64,
    /// How freely models choose their words.
    pub temperature: Option<u16>,
    /// The JSON schema of its answer.
    pub schema: Option<String>,
}

impl From<MindSpecV1> for MindSpec {
    fn from(old: MindSpecV1) -> Self {
        Self {
            prompt: old.prompt,
            models: old.models,
            tools: old.tools,
            shown: old.shown,
            turns_max: old.turns_max,
            answer_tokens_max: old.answer_tokens_max,
            tokens_max: old.tokens_max,
            temperature: old.temperature,
            schema: old.schema,
            ..Self::default()
        }
    }
}

impl MindSpec {
    /// Where what its models are asked may go: as its manifest says, else as the policy of all
    /// does.
    #[must_use]
    pub fn data(&self, of_all: Option<&Spec>) -> Data {
        let of_all = match of_all {
            Some(Spec::Policy(policy)) => Some(policy.data),
            _ => None,
        };
        self.data.or(of_all).unwrap_or(Data::Leaves)
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=SHOWN_TOKENS_MAX).contains(&self.shown_tokens_max) {
            return Err(format!(
                "the documents that an agent is shown have from 1 to {SHOWN_TOKENS_MAX} tokens"
            ));
        }
        Check::check_all(&self.checks)?;
        if self.models.len() > MODELS_MAX {
            return Err(format!("an agent names at most {MODELS_MAX} models"));
        }
        if self.others.len() > OTHERS_MAX {
            return Err(format!(
                "an agent names at most {OTHERS_MAX} tools of servers; `SERVER.*` names all"
            ));
        }
        if self.skills.len() > AGENT_SKILLS_MAX {
            return Err(format!("an agent has at most {AGENT_SKILLS_MAX} skills"));
        }
        if self.shown.len() > SHOWN_MAX {
            return Err(format!("an agent is shown at most {SHOWN_MAX} documents"));
        }
        if self.prompt.len() > PROMPT_BYTES_MAX {
            return Err(format!("a prompt has at most {PROMPT_BYTES_MAX} bytes"));
        }
        if let Some(beat) = &self.heartbeat {
            beat.check()?;
        }
        if self.cost_max == Some(Micros::ZERO) {
            return Err(
                "a run that may cost nothing asks no model: leave `limits.cost` out".into(),
            );
        }
        if !(1..=TURNS_MAX).contains(&self.turns_max) {
            return Err(format!("a run takes from 1 to {TURNS_MAX} answers"));
        }
        if !(1..=ANSWER_TOKENS_MAX).contains(&self.answer_tokens_max) {
            return Err(format!(
                "an answer has from 1 to {ANSWER_TOKENS_MAX} tokens"
            ));
        }
        Ok(())
    }
}

macro_rules! tools {
    ($($(#[$doc:meta])* $variant:ident $word:literal)*) => {
        /// What naos itself lets a model call. Each needs the agent's grant for it.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Tool { $($(#[$doc])* $variant,)* }

        impl Tool {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What a model calls it by.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

tools! {
    /// Reads a document.
    ContextRead "context_read"
    /// Writes a new version of a document.
    ContextWrite "context_write"
    /// Works out a CEL expression.
    Calculate "calculate"
    /// Publishes an event.
    Emit "emit"
    /// Asks a person, and waits for the answer.
    Ask "ask"
    /// Adds a line to its notes of the day.
    Note "note"
    /// Keeps what it learned.
    Remember "remember"
    /// Says something in a task's thread.
    Say "say"
    /// Puts a task on the board for another agent.
    TaskCreate "task_create"
    /// Gives its task to somebody else.
    HandOver "hand_over"
    /// Sends an HTTP request.
    Http "http"
    /// Looks for what fits in all that it remembers.
    Recall "recall"
    /// Reads a skill that its manifest names.
    SkillRead "skill_read"
    /// Asks another agent, and waits for the answer.
    AskAgent "ask_agent"
    /// Sets when it is woken, and for what.
    Schedule "schedule"
    /// Runs a program of a skill that its manifest names, in the sandbox, and waits for the answer.
    SkillRun "skill_run"
    /// Looks for what fits in the documents that it may read.
    ContextSearch "context_search"
}

impl Tool {
    /// The one of this name; `context.read` is an earlier spelling of `context_read`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.replace(['.', '-'], "_");
        Self::ALL.iter().copied().find(|tool| tool.word() == word)
    }
}
