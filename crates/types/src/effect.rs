//! What is to be done in the world, as plain data: journaled intents, carried out by the engine.

use serde::{Deserialize, Serialize};

use crate::fact::run::World;
use crate::{BodyRef, Digest, Grant, Name, NoticeId, RunId, Time};

/// One wish. Its identity is also its idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Run a component.
    Sandbox(Box<Sandbox>),
    /// Carry out a call through a driver.
    Call(Call),
    /// Stop what is running for this run.
    Cancel(RunId),
}

/// Run a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// For which run.
    pub run: RunId,
    /// Which attempt, counted from 1.
    pub attempt: u32,
    /// Who.
    pub agent: Name,
    /// What.
    pub component: Digest,
    /// What is given.
    pub input: BodyRef,
    /// What clock and dice derive from.
    pub seed: Digest,
    /// The last durable time of the run: what its clock says.
    pub clock: Time,
    /// When the attempt is lost.
    pub deadline: Time,
    /// What the guard allowed.
    pub grant: Grant,
    /// The last segment of its recording: a chain, each naming the one before.
    pub tail: Option<BodyRef>,
}

/// What a call is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Caller {
    /// A gated call of a run: which run, which call of it.
    Run(RunId, u32),
    /// A notice that something waits.
    Notice(NoticeId),
}

/// What carries a call out. A new one is a word here, never another effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Driver {
    /// What a guest asked for, as it was asked.
    Http,
    /// A signed letter.
    Webhook,
    /// An event, signed, to a driver's endpoint.
    Endpoint,
    /// What a language model is asked.
    Model,
    /// What a server of tools is asked.
    Server,
    /// What a model is asked that puts texts into one space.
    Recall,
}

/// Carry out a call through a driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// What for.
    pub by: Caller,
    /// The agent that calls, or the notice's name.
    pub who: Name,
    /// What carries it out.
    pub driver: Driver,
    /// The request.
    pub request: BodyRef,
    /// What may be done if the outcome is lost.
    pub world: World,
    /// How often it is tried, this time included.
    pub attempt: u32,
    /// What its receiver knows it by, where that outlives the run: the step that it belongs to.
    pub same: Option<String>,
}

impl Call {
    /// Whether a model is asked, which may have to be paid whether or not anybody hears its answer.
    #[must_use]
    pub const fn asks_model(&self) -> bool {
        matches!(self.driver, Driver::Model | Driver::Recall)
    }

    /// What it is called: the same for every attempt.
    #[must_use]
    pub fn key(&self) -> String {
        match self.by {
            Caller::Run(run, index) => format!("{run}-{index}"),
            Caller::Notice(notice) => notice.to_string(),
        }
    }
}

/// What identifies an effect in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EffectId {
    /// A component at work.
    Sandbox(RunId, u32),
    /// A call on its way, and which attempt it is.
    Call(Caller, u32),
    /// A wish that something stop.
    Cancel(RunId),
}

impl Effect {
    /// What identifies it.
    #[must_use]
    pub const fn id(&self) -> EffectId {
        match self {
            Self::Sandbox(s) => EffectId::Sandbox(s.run, s.attempt),
            Self::Call(c) => EffectId::Call(c.by, c.attempt),
            Self::Cancel(run) => EffectId::Cancel(*run),
        }
    }
}
