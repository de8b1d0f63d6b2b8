//! An agent's manifest.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Digest, Grants, Micros, RunLimits};

use super::RetryPolicy;
use super::mind::{MindSpec, MindSpecV1, as_text};

/// What an agent is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSpec {
    /// What it does, in a sentence.
    pub description: String,
    /// The template it was made from.
    pub template: Option<String>,
    /// The component to run: SHA-256 of its bytes, kept as a body of the tenant or built in.
    pub component: Option<Digest>,
    /// Words and phrases that the broker looks for in a task.
    pub patterns: Vec<String>,
    /// What it may do.
    pub grants: Grants,
    /// Within which limits.
    pub limits: RunLimits,
    /// What a call costs beside what it spends outside.
    pub cost_per_call: Micros,
    /// When a run fails.
    pub retry: RetryPolicy,
    /// The model it wants, where it works with one.
    pub model: Option<String>,
    /// How it works with a model, if it does.
    #[serde(with = "as_text")]
    pub mind: Option<Arc<MindSpec>>,
}

/// What an agent was while the way it works with a model was laid out field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSpecV2 {
    /// What it does, in a sentence.
    pub description: String,
    /// The template it was made from.
    pub template: Option<String>,
    /// The component to run.
    pub component: Option<Digest>,
    /// Words and phrases that the broker looks for in a task.
    pub patterns: Vec<String>,
    /// What it may do.
    pub grants: Grants,
    /// Within which limits.
    pub limits: RunLimits,
    /// What a call costs beside what it spends outside.
    pub cost_per_call: Micros,
    /// When a run fails.
    pub retry: RetryPolicy,
    /// The model it wanted.
    pub model: Option<String>,
    /// How it worked with a model, if it did.
    pub mind: Option<MindSpecV1>,
}

impl From<AgentSpecV2> for AgentSpec {
    fn from(old: AgentSpecV2) -> Self {
        Self {
            description: old.description,
            template: old.template,
            component: old.component,
            patterns: old.patterns,
            grants: old.grants,
            limits: old.limits,
            cost_per_call: old.cost_per_call,
            retry: old.retry,
            model: old.model,
            mind: old.mind.map(|mind| Arc::new(mind.into())),
        }
    }
}

/// What an agent was while none worked with a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSpecV1 {
    /// What it does, in a sentence.
    pub description: String,
    /// The template it was made from.
    pub template: Option<String>,
    /// The component to run.
    pub component: Option<Digest>,
    /// Words and phrases that the broker looks for in a task.
    pub patterns: Vec<String>,
    /// What it may do.
    pub grants: Grants,
    /// Within which limits.
    pub limits: RunLimits,
    /// What a call costs beside what it spends outside.
    pub cost_per_call: Micros,
    /// When a run fails.
    pub retry: RetryPolicy,
    /// The model it wanted.
    pub model: Option<String>,
}

impl From<AgentSpecV1> for AgentSpec {
    fn from(old: AgentSpecV1) -> Self {
        Self {
            description: old.description,
            template: old.template,
            component: old.component,
            patterns: old.patterns,
            grants: old.grants,
            limits: old.limits,
            cost_per_call: old.cost_per_call,
            retry: old.retry,
            model: old.model,
            mind: None,
        }
    }
}
