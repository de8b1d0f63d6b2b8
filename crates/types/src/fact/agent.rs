//! An agent came, changed, stopped.

use crate::spec::AgentSpec;
use crate::{Actor, Name, RunId, Sealed};

/// One change of an agent's private state.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StateWrite {
    /// Which key.
    pub key: String,
    /// The new value; none deletes it.
    pub value: Option<Sealed<Vec<u8>>>,
}

facts! {
    "Facts about agents."

    /// An agent came.
    Created "agent.created" as "agent.created" v 1 {
        /// Who.
        name: Name,
        /// What it is.
        spec: AgentSpec,
        /// Who made it.
        by: Actor,
    }
    /// Its manifest changed.
    Changed "agent.changed" as "agent.changed" v 1 {
        /// Who.
        name: Name,
        /// What it is now.
        spec: AgentSpec,
        /// Counted from 1 at its creation.
        version: u32,
        /// Who changed it.
        by: Actor,
    }
    /// It takes no work until it is enabled.
    Stopped "agent.stopped" as "agent.stopped" v 1 {
        /// Who.
        name: Name,
        /// Who stopped it.
        by: Actor,
    }
    /// It takes work again.
    Enabled "agent.enabled" as "agent.enabled" v 1 {
        /// Who.
        name: Name,
        /// Who enabled it.
        by: Actor,
    }
    /// Its supervisor restarted it: it takes work again.
    Restarted "agent.restarted" as "agent.restarted" v 1 {
        /// Who.
        name: Name,
        /// Which supervisor.
        supervisor: Name,
    }
    /// It is gone; its runs and their outputs stay.
    Deleted "agent.deleted" as "agent.deleted" v 1 {
        /// Who.
        name: Name,
    }
    /// A run that completed changed the agent's private state.
    Remembered "agent.remembered" as "agent.remembered" v 1 {
        /// Who.
        name: Name,
        /// In which run.
        run: RunId,
        /// What.
        writes: Vec<StateWrite>,
    }
}
