//! Steps in a row: workflows and sagas; and what a plan's run says beside its steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{JITTER_PERCENT, Kind, PlanSpec, RetryPolicy, Share};
use crate::{Name, Span};

/// What a step's name becomes where it is undone.
pub const UNDO_PREFIX: &str = "undo-";

/// What happens when a step failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The whole ends.
    #[default]
    Stop,
    /// It goes on without the step: what came before it is passed on.
    Skip,
    /// It is tried again; then the whole ends.
    Retry,
}

impl OnError {
    /// Its words.
    pub const WORDS: &'static [&'static str] = &["stop", "skip", "retry"];

    /// The one that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "stop" => Some(Self::Stop),
            "skip" => Some(Self::Skip),
            "retry" => Some(Self::Retry),
            _ => None,
        }
    }
}

/// One step of a workflow or a saga: an agent's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStep {
    /// Its name, unique among the steps.
    pub name: Name,
    /// Who does it.
    pub agent: Name,
    /// What is given: a template; without one, the output of the step before.
    pub input: Option<String>,
    /// A CEL condition; not met, the step is skipped.
    pub when: Option<String>,
    /// When it fails, where that differs from the others.
    pub on_error: Option<OnError>,
    /// How often it is tried, where that differs from the others.
    pub retry: Option<RetryPolicy>,
    /// The longest one attempt may take.
    pub timeout: Option<Span>,
    /// Who undoes it when a later step fails: gets what the step gave.
    pub compensate: Option<Name>,
}

impl FlowStep {
    /// A step that only says who.
    #[must_use]
    pub const fn of(name: Name, agent: Name) -> Self {
        Self {
            name,
            agent,
            input: None,
            when: None,
            on_error: None,
            retry: None,
            timeout: None,
            compensate: None,
        }
    }
}

/// A workflow or a saga.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// Its steps, one after the other.
    pub steps: Vec<FlowStep>,
    /// When a step fails that says nothing else.
    pub on_error: OnError,
    /// How often a step is tried again where it is.
    pub retry: RetryPolicy,
    /// The longest the whole may take; undoing takes as long as it takes.
    pub timeout: Option<Span>,
    /// The longest one attempt of a step may take that says nothing else.
    pub step_timeout: Option<Span>,
}

impl Default for FlowSpec {
    fn default() -> Self {
        Self {
            description: String::new(),
            steps: Vec::new(),
            on_error: OnError::Stop,
            retry: Self::retry(),
            timeout: None,
            step_timeout: None,
        }
    }
}

impl FlowSpec {
    /// How often and how soon a step is tried again where nothing else is said: three times.
    #[must_use]
    pub const fn retry() -> RetryPolicy {
        RetryPolicy {
            attempts_max: 4,
            wait: Span(1_000),
            factor_tenths: 20,
            wait_max: Span::secs(60),
            jitter_percent: JITTER_PERCENT,
        }
    }

    /// How often and how soon a compensation is tried: three times in all.
    #[must_use]
    pub const fn undo_retry() -> RetryPolicy {
        RetryPolicy {
            attempts_max: 3,
            wait: Span(500),
            factor_tenths: 20,
            wait_max: Span::secs(60),
            jitter_percent: JITTER_PERCENT,
        }
    }
}

/// What a run says beside its steps: what it is a run of, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// A plan, or what was made steps of one.
    pub of: Kind,
    /// The longest the whole may take.
    pub timeout: Option<Span>,
    /// The steps that undo others, and which: they begin when the whole failed.
    pub undo: BTreeMap<Name, Name>,
    /// Whether a step that gave nothing passes on what it was given.
    pub passes: bool,
    /// How the items of its fan-out are shared.
    pub pool: Option<Share>,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            of: Kind::Plan,
            timeout: None,
            undo: BTreeMap::new(),
            passes: false,
            pool: None,
        }
    }
}

impl Flow {
    /// Whether this step undoes another.
    #[must_use]
    pub fn undoes(&self, step: &Name) -> bool {
        self.undo.contains_key(step)
    }

    /// The step that undoes this one.
    #[must_use]
    pub fn undo_of(&self, step: &Name) -> Option<&Name> {
        let mut all = self.undo.iter();
        all.find_map(|(undo, of)| (of == step).then_some(undo))
    }
}

/// A plan that says more than its steps do: how they are undone, how long the whole may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoablePlan {
    /// The steps, those that undo others too.
    pub plan: PlanSpec,
    /// What stands beside them.
    pub flow: Flow,
}
