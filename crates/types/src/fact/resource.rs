//! A resource was applied; and what a driver, which is one, came to.

use super::Problem;
use crate::spec::{Kind, Spec};
use crate::{Actor, Digest, EventId, Name, TaskId, Time};

/// How a driver came back from an event.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// With an answer.
    Answered,
    /// Without one.
    Failed {
        /// Why.
        problem: Problem,
        /// Until when it is given no more, where this was once too often.
        rests: Option<Time>,
    },
}

facts! {
    "Facts about resources."

    /// It came or changed.
    Applied "resource.applied" as "resource.applied" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// Counted from 1.
        version: u32,
        /// What it says.
        spec: Spec,
        /// SHA-256 of the postcard bytes of `spec`: applying the same again changes nothing.
        digest: Digest,
        /// Who applied it.
        by: Actor,
    }
    /// It is gone.
    Deleted "resource.deleted" as "resource.deleted" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// Who deleted it.
        by: Actor,
    }
    /// A driver was given an event.
    DriverGiven "resource.driver_given" as "resource.driver_given" v 2 lifts DriverGivenV1 1 {
        /// Which.
        driver: Name,
        /// The task that it does for it.
        task: TaskId,
        /// Since when events are counted for its rate.
        window: Time,
        /// The event, which is kept until it is done with; none where it isn't.
        event: Option<EventId>,
    }
    /// A driver is done with an event.
    DriverDone "resource.driver_done" as "resource.driver_done" v 1 {
        /// Which.
        driver: Name,
        /// The task that it did for it.
        task: TaskId,
        /// How it came back.
        came: Came,
    }
    /// Events wait for a driver.
    DriverWaits "resource.driver_waits" as "resource.driver_waits" v 1 {
        /// Which.
        driver: Name,
        /// Until when; none until it is done with one that it has.
        until: Option<Time>,
    }
    /// A pool that scales by itself was looked at.
    PoolScaled "resource.pool_scaled" as "resource.pool_scaled" v 1 {
        /// Which.
        pool: Name,
        /// How many tasks of a batch are open at once from now on.
        size: u32,
        /// How many tasks there were, at work and waiting.
        tasks: u32,
        /// Of how many batches.
        batches: u32,
        /// When it is looked at again; none as long as nothing happens.
        again: Option<Time>,
    }
    /// A person lets a driver that rests be given events at once.
    DriverReset "resource.driver_reset" as "resource.driver_reset" v 1 {
        /// Which.
        driver: Name,
        /// Who.
        by: Actor,
    }
}

/// How a driver was given an event while none was kept for it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DriverGivenV1 {
    /// Which.
    pub driver: Name,
    /// The task that it does for it.
    pub task: TaskId,
    /// Since when events are counted for its rate.
    pub window: Time,
}

impl From<DriverGivenV1> for DriverGiven {
    fn from(old: DriverGivenV1) -> Self {
        let DriverGivenV1 {
            driver,
            task,
            window,
        } = old;
        Self {
            driver,
            task,
            window,
            event: None,
        }
    }
}

impl Fact {
    /// Whose fact it is.
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            Self::Applied(f) => format!("{}/{}", f.kind.word(), f.name),
            Self::Deleted(f) => format!("{}/{}", f.kind.word(), f.name),
            Self::DriverGiven(f) => format!("driver/{}", f.driver),
            Self::DriverDone(f) => format!("driver/{}", f.driver),
            Self::DriverWaits(f) => format!("driver/{}", f.driver),
            Self::DriverReset(f) => format!("driver/{}", f.driver),
            Self::PoolScaled(f) => format!("pool/{}", f.pool),
        }
    }

    /// Who did it, where the fact says so.
    #[must_use]
    pub const fn by(&self) -> Option<&Actor> {
        match self {
            Self::Applied(f) => Some(&f.by),
            Self::Deleted(f) => Some(&f.by),
            Self::DriverReset(f) => Some(&f.by),
            _ => None,
        }
    }

    /// What follows on the audit line.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        match self {
            Self::DriverGiven(f) => Some(f.task.to_string()),
            Self::DriverDone(f) => Some(match &f.came {
                Came::Answered => "answered".to_owned(),
                Came::Failed { problem, rests } => match rests {
                    Some(until) => format!("{}; rests until {}", problem.note, until.rfc3339()),
                    None => problem.note.clone(),
                },
            }),
            Self::DriverWaits(f) => f.until.map(|until| format!("until {}", until.rfc3339())),
            Self::PoolScaled(f) => Some(format!(
                "size {} for {} tasks of {} batches",
                f.size, f.tasks, f.batches
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that were written before an event was kept for its driver, byte for byte.
    #[test]
    fn what_was_given_before_is_read() {
        let mut frozen = vec![1, b'd'];
        frozen.extend([0; 15]);
        frozen.extend([7, 10]); // the task, since the fifth millisecond
        let fact = crate::fact::Fact::decode("resource.driver_given", 1, &frozen).unwrap();
        let wanted = DriverGiven {
            driver: Name::new("d").unwrap(),
            task: TaskId(7),
            window: Time(5),
            event: None,
        };
        assert_eq!(fact, wanted.into());
        frozen.push(0); // none is kept
        assert_eq!(fact.encode(), frozen);
    }
}
