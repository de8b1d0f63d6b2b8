//! Steps in a row: workflows and sagas; and what a plan's run says beside its steps.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// What it is done under: a template. Done once under the same text, it isn't done again.
    pub key: Option<String>,
}

/// As it is written in JSON.
#[derive(Serialize, Deserialize)]
struct Said<'a> {
    name: Cow<'a, Name>,
    agent: Cow<'a, Name>,
    input: Cow<'a, Option<String>>,
    when: Cow<'a, Option<String>>,
    on_error: Option<OnError>,
    retry: Cow<'a, Option<RetryPolicy>>,
    timeout: Option<Span>,
    compensate: Cow<'a, Option<Name>>,
    #[serde(default, skip_serializing_if = "is_none")]
    idempotency_key: Cow<'a, Option<String>>,
}

fn is_none(key: &Option<String>) -> bool {
    key.is_none()
}

/// As it is laid out in bytes: as it was before there were keys, where there is none.
#[derive(Serialize, Deserialize)]
struct Laid<'a> {
    name: Cow<'a, Name>,
    agent: Cow<'a, Name>,
    input: Cow<'a, Option<String>>,
    when: Cow<'a, Option<String>>,
    on_error: Option<OnError>,
    retry: Cow<'a, Option<RetryPolicy>>,
    timeout: Option<Span>,
    undone: Undone<'a>,
}

/// Who undoes it, and its key: the first two are the bytes of nobody and somebody.
#[derive(Serialize, Deserialize)]
enum Undone<'a> {
    Never,
    By(Cow<'a, Name>),
    Keyed(Cow<'a, str>),
    KeyedBy(Cow<'a, str>, Cow<'a, Name>),
}

impl Serialize for FlowStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let said = Said {
                name: Cow::Borrowed(&self.name),
                agent: Cow::Borrowed(&self.agent),
                input: Cow::Borrowed(&self.input),
                when: Cow::Borrowed(&self.when),
                on_error: self.on_error,
                retry: Cow::Borrowed(&self.retry),
                timeout: self.timeout,
                compensate: Cow::Borrowed(&self.compensate),
                idempotency_key: Cow::Borrowed(&self.key),
            };
            return said.serialize(serializer);
        }
        let undone = match (&self.key, &self.compensate) {
            (None, None) => Undone::Never,
            (None, Some(by)) => Undone::By(Cow::Borrowed(by)),
            (Some(key), None) => Undone::Keyed(Cow::Borrowed(key)),
            (Some(key), Some(by)) => Undone::KeyedBy(Cow::Borrowed(key), Cow::Borrowed(by)),
        };
        let laid = Laid {
            name: Cow::Borrowed(&self.name),
            agent: Cow::Borrowed(&self.agent),
            input: Cow::Borrowed(&self.input),
            when: Cow::Borrowed(&self.when),
            on_error: self.on_error,
            retry: Cow::Borrowed(&self.retry),
            timeout: self.timeout,
            undone,
        };
        laid.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FlowStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let said = Said::deserialize(deserializer)?;
            return Ok(Self {
                name: said.name.into_owned(),
                agent: said.agent.into_owned(),
                input: said.input.into_owned(),
                when: said.when.into_owned(),
                on_error: said.on_error,
                retry: said.retry.into_owned(),
                timeout: said.timeout,
                compensate: said.compensate.into_owned(),
                key: said.idempotency_key.into_owned(),
            });
        }
        let laid = Laid::deserialize(deserializer)?;
        let (key, compensate) = match laid.undone {
            Undone::Never => (None, None),
            Undone::By(by) => (None, Some(by.into_owned())),
            Undone::Keyed(key) => (Some(key.into_owned()), None),
            Undone::KeyedBy(key, by) => (Some(key.into_owned()), Some(by.into_owned())),
        };
        Ok(Self {
            name: laid.name.into_owned(),
            agent: laid.agent.into_owned(),
            input: laid.input.into_owned(),
            when: laid.when.into_owned(),
            on_error: laid.on_error,
            retry: laid.retry.into_owned(),
            timeout: laid.timeout,
            compensate,
            key,
        })
    }
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
            key: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A step as it was laid out before there were keys.
    #[derive(Serialize, Deserialize)]
    struct Before {
        name: Name,
        agent: Name,
        input: Option<String>,
        when: Option<String>,
        on_error: Option<OnError>,
        retry: Option<RetryPolicy>,
        timeout: Option<Span>,
        compensate: Option<Name>,
    }

    fn with(compensate: Option<&str>, key: Option<&str>) -> FlowStep {
        FlowStep {
            input: Some("{{ input }}".into()),
            on_error: Some(OnError::Skip),
            timeout: Some(Span::secs(9)),
            compensate: compensate.map(|name| Name::new(name).unwrap()),
            key: key.map(str::to_owned),
            ..FlowStep::of(Name::new("pay").unwrap(), Name::new("payer").unwrap())
        }
    }

    #[test]
    fn a_step_without_a_key_is_laid_out_as_it_was() {
        for compensate in [None, Some("refunder")] {
            let step = with(compensate, None);
            let before = Before {
                name: step.name.clone(),
                agent: step.agent.clone(),
                input: step.input.clone(),
                when: None,
                on_error: step.on_error,
                retry: None,
                timeout: step.timeout,
                compensate: step.compensate.clone(),
            };
            let bytes = postcard::to_stdvec(&before).unwrap();
            assert_eq!(postcard::to_stdvec(&step).unwrap(), bytes);
            assert_eq!(postcard::from_bytes::<FlowStep>(&bytes).unwrap(), step);
            let json = serde_json::to_value(&before).unwrap();
            assert_eq!(serde_json::to_value(&step).unwrap(), json);
            assert_eq!(serde_json::from_value::<FlowStep>(json).unwrap(), step);
        }
    }

    #[test]
    fn the_key_of_a_step_is_read_back() {
        for compensate in [None, Some("refunder")] {
            let step = with(compensate, Some("invoice-{{ input }}"));
            let bytes = postcard::to_stdvec(&step).unwrap();
            assert_eq!(postcard::from_bytes::<FlowStep>(&bytes).unwrap(), step);
            let json = serde_json::to_string(&step).unwrap();
            assert_eq!(serde_json::from_str::<FlowStep>(&json).unwrap(), step);
        }
    }
}
