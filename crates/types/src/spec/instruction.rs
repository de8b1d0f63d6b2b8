//! An instruction: a plan, and what sets it off.

use serde::{Deserialize, Serialize};

use super::{Kind, PlanSpec, ScheduleSpec, SubscriptionSpec};
use crate::{Name, Sealed};

/// What the subscription of an instruction is called, before its name.
pub const INSTRUCTION_PREFIX: &str = "instruction-";

/// The type of the event that a call of a webhook becomes.
pub const HOOK_TOPIC: &str = "webhook.received";
/// The largest body of such a call.
pub const HOOK_BYTES_MAX: u64 = 1 << 20;
/// What the types of events begin with that tell of the end of a run of a plan: its status follows.
pub const ENDED_PREFIX: &str = "plan.";

/// Where an event comes from that tells of a run of this plan, workflow or whatever it is.
#[must_use]
pub fn runs_of(kind: Kind, name: &Name) -> String {
    format!("/{}/{name}", kind.plural())
}

/// Where an event comes from that is a call of this instruction's webhook.
#[must_use]
pub fn hook_of(instruction: &Name) -> String {
    format!("/hooks/{instruction}")
}

/// Whether events of naos's own come from there: from [runs](runs_of) or [webhooks](hook_of).
#[must_use]
pub fn is_own_source(source: &str) -> bool {
    let flows = [
        Kind::Plan,
        Kind::Workflow,
        Kind::Saga,
        Kind::Pool,
        Kind::Instruction,
    ];
    let mut own = flows.into_iter().map(Kind::plural).chain(["hooks"]);
    let Some((first, _)) = source
        .strip_prefix('/')
        .and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    own.any(|one| one == first)
}

/// The webhook of an instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSpec {
    /// What signs its calls, as people write it: `whsec_…`.
    pub secret: Sealed,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionSpec {
    /// The document, JSON.
    pub document: String,
    /// What it does.
    pub plan: PlanSpec,
    /// The time zone in which it is today: `Indian/Antananarivo`.
    pub zone: String,
    /// Which events set it off.
    pub listens: Option<SubscriptionSpec>,
    /// When it happens by itself.
    pub schedule: Option<ScheduleSpec>,
    /// Whether anything does; people may run it anyway.
    pub enabled: bool,
}

impl InstructionSpec {
    /// How it listens.
    #[must_use]
    pub fn listening(&self) -> Option<&SubscriptionSpec> {
        self.listens.as_ref().filter(|_| self.enabled)
    }

    /// Whether calls of its webhook set it off.
    #[must_use]
    pub fn is_called(&self) -> bool {
        let topics = self.listens.as_ref().map(|listens| &listens.filter.topics);
        topics.is_some_and(|topics| topics.iter().any(|topic| topic == HOOK_TOPIC))
    }
}
