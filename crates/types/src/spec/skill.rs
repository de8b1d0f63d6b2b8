//! A rule that answers without an agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Micros};

/// How a skill answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handler {
    /// A minijinja template over `text`, `input` and the pattern's captures.
    Template(String),
    /// A CEL expression over `text` and `input`; its value is the answer, as JSON or text.
    Cel(String),
    /// The first key that stands in the text, case-insensitively, gives its value.
    Lookup(BTreeMap<String, String>),
    /// A component, run in the sandbox with no abilities.
    Wasm(Digest),
}

/// What a skill is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillSpec {
    /// What it does, in a sentence.
    pub description: String,
    /// Phrases it answers to. `*` matches anything within, `{name}` captures a word or more.
    pub patterns: Vec<String>,
    /// How it answers.
    pub handler: Handler,
    /// What a call costs.
    #[serde(default)]
    pub cost_per_call: Micros,
}
