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
    Created "agent.created" as "agent.created" v 2 lifts CreatedV1 1 {
        /// Who.
        name: Name,
        /// What it is.
        spec: AgentSpec,
        /// Who made it.
        by: Actor,
        /// Whether its supervisor rests, and it with it.
        down: bool,
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

/// How an agent came while one beneath a supervisor that rests worked all the same.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CreatedV1 {
    /// Who.
    pub name: Name,
    /// What it is.
    pub spec: AgentSpec,
    /// Who made it.
    pub by: Actor,
}

impl From<CreatedV1> for Created {
    fn from(old: CreatedV1) -> Self {
        let CreatedV1 { name, spec, by } = old;
        Self {
            name,
            spec,
            by,
            down: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Fact as Any;

    /// The bytes that were written before: all that there is now, but for the end.
    #[test]
    fn who_came_before_works() {
        let old = CreatedV1 {
            name: Name::new("reader").unwrap(),
            spec: AgentSpec::default(),
            by: Actor::System,
        };
        let bytes = postcard::to_stdvec(&old).unwrap();
        let fact = Any::decode("agent.created", 1, &bytes).unwrap();
        assert_eq!(fact, Created::from(old).into());
        let (end, before) = {
            let now = fact.encode();
            (now[now.len() - 1], now[..now.len() - 1].to_vec())
        };
        assert_eq!((end, before), (0, bytes));
        assert_eq!(fact.version(), 2);
    }
}
