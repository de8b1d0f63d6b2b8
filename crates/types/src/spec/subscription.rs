//! Who listens to events, and what becomes of those that they hear.

use serde::{Deserialize, Serialize};

use super::{JITTER_PERCENT, Kind, RetryPolicy};
use crate::fact::event::{Category, Published};
use crate::{Name, Span};

/// The most patterns of one filter.
pub const TOPICS_MAX: usize = 32;
/// The longest pattern, source or correlation, in bytes.
pub const PATTERN_BYTES_MAX: usize = 256;
/// The most events that are with one consumer at once.
pub const IN_FLIGHT_MAX: u32 = 10_000;

/// Which events are wanted; what isn't said doesn't matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Their types, of which one must fit: `*` stands for any text. None for all.
    pub topics: Vec<String>,
    /// Their category.
    pub category: Option<Category>,
    /// Where they come from: `*` stands for any text.
    pub source: Option<String>,
    /// The conversation that they belong to.
    pub correlation: Option<String>,
}

impl EventFilter {
    /// Whether an event is wanted.
    #[must_use]
    pub fn wants(&self, event: &Published) -> bool {
        let origin = &event.origin;
        let topic = self.topics.is_empty() || self.topics.iter().any(|t| like(t, &event.topic));
        topic
            && self.category.is_none_or(|wanted| wanted == origin.category)
            && self.source.as_ref().is_none_or(|wanted| {
                let source = origin.source.as_deref();
                source.is_some_and(|source| like(wanted, source))
            })
            && self.correlation.as_ref().is_none_or(|wanted| {
                let said = origin.correlation.as_deref();
                said.map_or_else(|| event.event.to_string() == *wanted, |said| said == wanted)
            })
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.topics.len() > TOPICS_MAX {
            return Err(format!("a filter has at most {TOPICS_MAX} types"));
        }
        self.topics.iter().try_for_each(|topic| pattern(topic))?;
        let texts = self.source.iter().chain(&self.correlation);
        for text in texts {
            let plain = !text.is_empty() && !text.chars().any(char::is_control);
            if !plain || text.len() > PATTERN_BYTES_MAX {
                let what = format!("{text:?} can't be what events are looked for by");
                return Err(what);
            }
        }
        Ok(())
    }
}

/// Whether a text is made as the type of an event is: words of letters, digits, `_` and `-` with
/// points between.
#[must_use]
pub fn is_topic(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let word = |part: &str| !part.is_empty() && part.chars().all(fits);
    text.split('.').all(word)
}

/// Whether a text can stand for types of events: `task.closed`, `task.*`, `*.failed`.
///
/// # Errors
/// A sentence.
pub fn pattern(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*');
    if text.is_empty() || text.len() > PATTERN_BYTES_MAX || !text.chars().all(fits) {
        return Err(format!(
            "{text:?} can't be a type of events: write one like email.received, or a part of it \
             and `*` for the rest, like email.*"
        ));
    }
    Ok(())
}

/// Whether a text fits a pattern in which `*` stands for any text, also for none.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let Some(last) = parts.pop() else {
        return true;
    };
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.len() >= last.len() && left.ends_with(last)
}

/// What an event sets off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starts {
    /// A plan, workflow, saga or agent.
    pub kind: Kind,
    /// Which.
    pub name: Name,
    /// What it is given: a template over `trigger`; without one, a plan gets its data and
    /// everything else the whole event.
    pub input: Option<String>,
}

/// Who listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionSpec {
    /// What it is for, in a sentence.
    pub description: String,
    /// To what.
    pub filter: EventFilter,
    /// A CEL condition over `trigger`, looked at where an event sets something off.
    pub condition: Option<String>,
    /// What an event sets off; none for a consumer that comes and takes them.
    pub starts: Option<Starts>,
    /// Whether a consumer gets what was published before it was there.
    pub from_start: bool,
    /// How long a consumer has for an event before it is given again.
    pub visible: Span,
    /// How often an event is given, and how soon again.
    pub retry: RetryPolicy,
    /// How many events are with a consumer at once.
    pub in_flight: u32,
}

impl Default for SubscriptionSpec {
    fn default() -> Self {
        Self {
            description: String::new(),
            filter: EventFilter::default(),
            condition: None,
            starts: None,
            from_start: false,
            visible: Span::secs(30),
            retry: Self::retry(),
            in_flight: 1_000,
        }
    }
}

impl SubscriptionSpec {
    /// How often and how soon an event is given again where nothing else is said.
    #[must_use]
    pub const fn retry() -> RetryPolicy {
        RetryPolicy {
            attempts_max: 5,
            wait: Span(1_000),
            factor_tenths: 20,
            wait_max: Span::secs(600),
            jitter_percent: JITTER_PERCENT,
        }
    }

    /// What is wrong with it, in a sentence, whoever sent it.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.starts.is_none() && self.condition.is_some() {
            let what = "a `filter` goes with what it starts: who takes events looks for itself";
            return Err(what.into());
        }
        self.check_rest()
    }

    /// The same, but for who may have a condition.
    pub(super) fn check_rest(&self) -> Result<(), String> {
        self.filter.check()?;
        if !(1..=IN_FLIGHT_MAX).contains(&self.in_flight) {
            return Err(format!("`in_flight` is from 1 to {IN_FLIGHT_MAX}"));
        }
        if !(1..=86_400_000).contains(&self.visible.0) {
            return Err("`visible` is from a millisecond to a day".into());
        }
        if !(1..=100).contains(&self.retry.attempts_max) {
            return Err("`retry` is from 1 to 100 attempts".into());
        }
        match &self.starts {
            Some(starts) if !Starts::KINDS.contains(&starts.kind) => {
                Err(format!("an event can't start a {}", starts.kind.word()))
            }
            _ => Ok(()),
        }
    }
}

impl Starts {
    /// What an event may set off.
    pub const KINDS: &'static [Kind] = &[
        Kind::Plan,
        Kind::Workflow,
        Kind::Saga,
        Kind::Agent,
        Kind::Instruction,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("task.*", "task.closed", true),
            ("task.*", "task.closed.late", true),
            ("task.*", "task", false),
            ("task.*", "tasks.closed", false),
            ("*", "", true),
            ("*", "anything.at-all", true),
            ("*.failed", "run.failed", true),
            ("*.failed", "run.failed.twice", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("email.received", "email.received", true),
            ("email.received", "email.receive", false),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
        assert!(pattern("email.*").is_ok() && pattern("").is_err() && pattern("a b").is_err());
    }
}
