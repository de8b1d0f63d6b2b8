//! The events that are naos's own word, and what documents say: whoever listens for these takes
//! them for true, so nobody else publishes them, neither from outside nor in a document.

use super::{Begins, ENDED_PREFIX, HOOK_TOPIC, PlanSpec, Spec};
use crate::PlanStatus;

/// The type of the events that tell of a failure.
pub const ERROR_TOPIC: &str = "error";

/// What to do about a type that is naos's own word.
pub const OWN_WORD_HELP: &str = "use a type and a source of your own, like order.paid from /shop";

/// Why nobody but naos publishes events of this type: that something failed, how a run ended, that
/// a webhook was called. None where anybody may.
#[must_use]
pub fn own_word(topic: &str) -> Option<String> {
    let ended = topic.strip_prefix(ENDED_PREFIX).and_then(PlanStatus::parse);
    let ended = ended.is_some_and(|it| !matches!(it, PlanStatus::Running | PlanStatus::Held));
    let own = ended || topic == ERROR_TOPIC || topic == HOOK_TOPIC;
    own.then(|| format!("events of type {topic} are naos's own word"))
}

impl Spec {
    /// The steps that it has of its own, and what they take.
    #[must_use]
    pub fn plan(&self) -> Option<&PlanSpec> {
        match self {
            Self::Plan(plan) => Some(plan),
            Self::Undoable(spec) => Some(&spec.plan),
            Self::Instruction(spec) => Some(&spec.plan),
            _ => None,
        }
    }

    /// The types of the events that it publishes, as far as they are written in it.
    #[must_use]
    pub fn says(&self) -> Vec<&str> {
        let steps = self.plan().into_iter().flat_map(|plan| &plan.steps);
        let steps = steps.filter_map(|step| step.action.says());
        let made = self.emits().iter().map(|one| one.kind.as_str());
        let timed = match self {
            Self::Schedule(spec) => match &spec.starts {
                Begins::Event { topic, .. } => Some(topic.as_str()),
                _ => None,
            },
            _ => None,
        };
        steps.chain(made).chain(timed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_naos_says() {
        for (topic, own) in [
            ("error", true),
            ("webhook.received", true),
            ("plan.completed", true),
            ("plan.failed", true),
            ("plan.compensation_failed", true),
            ("plan.running", false),
            ("plan.upgraded", false),
            ("error.seen", false),
            ("task.done", false),
            ("task.create", false),
        ] {
            assert_eq!(own_word(topic).is_some(), own, "{topic}");
        }
    }
}
