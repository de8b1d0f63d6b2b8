//! An instruction: a plan, and what sets it off.

use serde::{Deserialize, Serialize};

use super::{PlanSpec, ScheduleSpec, SubscriptionSpec};

/// What the subscription of an instruction is called, before its name.
pub const INSTRUCTION_PREFIX: &str = "instruction-";

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
}
