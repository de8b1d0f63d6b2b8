//! An agent came, changed, stopped.

use crate::spec::{AgentSpec, AgentSpecV1, AgentSpecV2};
use crate::{Actor, MessageId, Name, RunId, Sealed, TaskId, Time};

/// One change of an agent's private state.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StateWrite {
    /// Which key.
    pub key: String,
    /// The new value; none deletes it.
    pub value: Option<Sealed<Vec<u8>>>,
}

/// Why an agent is called.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// A task is its.
    Task(TaskId),
    /// It was spoken to in a task's thread.
    Thread(TaskId, MessageId),
}

facts! {
    "Facts about agents."

    /// An agent came.
    Created "agent.created" as "agent.created" v 3 lifts CreatedV1 1 lifts CreatedV2 2 {
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
    Changed "agent.changed" as "agent.changed" v 3 lifts ChangedV1 1 lifts ChangedV2 2 {
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
    /// Something waits for it: it wakes then.
    Called "agent.called" as "agent.alerted" v 1 {
        /// Who.
        name: Name,
        /// What waits.
        call: Call,
        /// When it wakes: at once, or at its next heartbeat.
        at: Time,
    }
    /// It woke, and takes what waited.
    Woke "agent.woke" as "agent.heartbeat" v 1 {
        /// Who.
        name: Name,
        /// What it takes.
        calls: Vec<Call>,
        /// When it wakes for the rest.
        next: Option<Time>,
    }
}

/// How an agent came while none worked with a model, and one beneath a supervisor that rests
/// worked all the same.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CreatedV1 {
    /// Who.
    pub name: Name,
    /// What it is.
    pub spec: AgentSpecV1,
    /// Who made it.
    pub by: Actor,
}

impl From<CreatedV1> for Created {
    fn from(old: CreatedV1) -> Self {
        let CreatedV1 { name, spec, by } = old;
        Self {
            name,
            spec: spec.into(),
            by,
            down: false,
        }
    }
}

/// How a manifest changed while no agent worked with a model.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChangedV1 {
    /// Who.
    pub name: Name,
    /// What it is now.
    pub spec: AgentSpecV1,
    /// Counted from 1 at its creation.
    pub version: u32,
    /// Who changed it.
    pub by: Actor,
}

impl From<ChangedV1> for Changed {
    fn from(old: ChangedV1) -> Self {
        Self {
            name: old.name,
            spec: old.spec.into(),
            version: old.version,
            by: old.by,
        }
    }
}

/// How an agent came while the way it works with a model was laid out field by field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CreatedV2 {
    /// Who.
    pub name: Name,
    /// What it is.
    pub spec: AgentSpecV2,
    /// Who made it.
    pub by: Actor,
    /// Whether its supervisor rested, and it with it.
    pub down: bool,
}

impl From<CreatedV2> for Created {
    fn from(old: CreatedV2) -> Self {
        Self {
            name: old.name,
            spec: old.spec.into(),
            by: old.by,
            down: old.down,
        }
    }
}

/// How a manifest changed then.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChangedV2 {
    /// Who.
    pub name: Name,
    /// What it is now.
    pub spec: AgentSpecV2,
    /// Counted from 1 at its creation.
    pub version: u32,
    /// Who changed it.
    pub by: Actor,
}

impl From<ChangedV2> for Changed {
    fn from(old: ChangedV2) -> Self {
        Self {
            name: old.name,
            spec: old.spec.into(),
            version: old.version,
            by: old.by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Fact as Any;
    use crate::spec::MindSpecV1;

    #[test]
    fn who_came_before_works_without_a_model() {
        let spec = AgentSpecV1 {
            description: "reads".into(),
            model: Some("m".into()),
            ..AgentSpecV1::default()
        };
        let old = CreatedV1 {
            name: Name::new("reader").unwrap(),
            spec: spec.clone(),
            by: Actor::System,
        };
        let bytes = postcard::to_stdvec(&old).unwrap();
        let fact = Any::decode("agent.created", 1, &bytes).unwrap();
        assert_eq!((&fact, fact.version()), (&Created::from(old).into(), 3));
        let old = ChangedV1 {
            name: Name::new("reader").unwrap(),
            spec,
            version: 3,
            by: Actor::System,
        };
        let bytes = postcard::to_stdvec(&old).unwrap();
        let fact = Any::decode("agent.changed", 1, &bytes).unwrap();
        let Any::Agent(Fact::Changed(changed)) = fact else {
            panic!("{fact:?}")
        };
        assert_eq!((changed.version, changed.spec.mind), (3, None));
        assert_eq!(changed.spec.description, "reads");
    }

    #[test]
    fn who_worked_with_a_model_before_does_so_still() {
        let mind = MindSpecV1 {
            prompt: "You answer.".into(),
            models: vec![Name::new("fast").unwrap()],
            turns_max: 3,
            answer_tokens_max: 9,
            ..MindSpecV1::default()
        };
        let spec = AgentSpecV2 {
            description: "answers".into(),
            mind: Some(mind.clone()),
            ..AgentSpecV2::default()
        };
        let old = CreatedV2 {
            name: Name::new("clerk").unwrap(),
            spec,
            by: Actor::System,
            down: true,
        };
        let bytes = postcard::to_stdvec(&old).unwrap();
        let fact = Any::decode("agent.created", 2, &bytes).unwrap();
        assert_eq!(fact, Created::from(old).into());
        let Any::Agent(Fact::Created(created)) = &fact else {
            panic!("{fact:?}")
        };
        let now = created.spec.mind.as_deref().unwrap();
        assert_eq!((&now.prompt, now.turns_max), (&mind.prompt, 3));
        let again = Any::decode("agent.created", 3, &fact.encode()).unwrap();
        assert_eq!(again, fact, "what is written is read");
    }

    /// It is text within binary, so that a later naos adds to it and an earlier text is read.
    #[test]
    fn a_mind_is_kept_as_text() {
        let mind = crate::spec::MindSpec {
            prompt: "You answer.".into(),
            ..crate::spec::MindSpec::default()
        };
        let spec = AgentSpec {
            mind: Some(mind.clone().into()),
            ..AgentSpec::default()
        };
        let bytes = postcard::to_stdvec(&spec).unwrap();
        let text = serde_json::to_string(&mind).unwrap();
        assert!(
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        );
        let less = r#"{"prompt":"You answer."}"#;
        let mut end = postcard::to_stdvec(&Some(less)).unwrap();
        let mut start = postcard::to_stdvec(&AgentSpec::default()).unwrap();
        assert_eq!(start.pop(), Some(0), "no mind");
        start.append(&mut end);
        assert_eq!(postcard::from_bytes::<AgentSpec>(&start).unwrap(), spec);
    }
}
