//! A task came, found somebody, ended.

use std::sync::Arc;

use crate::spec::{Assignee, Card, as_text};
use crate::{Actor, BodyRef, MemberId, Name, PlanId, Sealed, StepPath, TaskId, TaskStatus, Tier};

use super::Problem;

/// The plan and step that a task is part of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Parent {
    /// The plan's execution.
    pub plan: PlanId,
    /// The step.
    pub at: StepPath,
    /// Which attempt of the step, counted from 1; each round of a review is a new one.
    pub attempt: u32,
}

/// What a model is asked beside the text of its task.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Asks {
    /// The JSON schema of the answer, where there is one.
    pub form: Option<BodyRef>,
    /// Pictures that it is shown with its task.
    pub pictures: Vec<BodyRef>,
}

/// How a task was opened before answers were asked for in a form.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OpenedV1 {
    /// Which.
    pub task: TaskId,
    /// What it is called on the board.
    pub title: Sealed,
    /// What is given.
    pub input: BodyRef,
    /// Who is to do it.
    pub agent: Option<Name>,
    /// The plan it is part of.
    pub parent: Option<Parent>,
    /// Who asked.
    pub by: Actor,
}

impl From<OpenedV1> for Opened {
    fn from(old: OpenedV1) -> Self {
        let OpenedV1 {
            task,
            title,
            input,
            agent,
            parent,
            by,
        } = old;
        Self {
            task,
            title,
            input,
            agent,
            parent,
            by,
            asks: None,
        }
    }
}

/// One candidate that the broker looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Considered {
    /// Its tier.
    pub tier: Tier,
    /// Its name.
    pub target: String,
    /// How well it fits, in ten-thousandths.
    pub confidence: u16,
    /// What it would cost.
    pub estimate: crate::Micros,
    /// Whether the guard would let it.
    pub permitted: bool,
    /// Why this confidence, or why not permitted.
    pub reason: String,
}

facts! {
    "Facts about tasks."

    /// Somebody asked for something.
    Opened "task.opened" as "task.created" v 2 lifts OpenedV1 1 {
        /// Which.
        task: TaskId,
        /// What it is called on the board.
        title: Sealed,
        /// What is given.
        input: BodyRef,
        /// Who is to do it; none lets the broker choose.
        agent: Option<Name>,
        /// The plan it is part of.
        parent: Option<Parent>,
        /// Who asked.
        by: Actor,
        /// What is asked of the answer, and what comes with the input, where there is any of it.
        asks: Option<Box<Asks>>,
    }
    /// The broker chose who does it.
    Routed "task.routed" as "task.routed" v 1 {
        /// Which.
        task: TaskId,
        /// The tier chosen.
        tier: Tier,
        /// The agent or skill chosen.
        target: Name,
        /// How well it fits, in ten-thousandths.
        confidence: u16,
        /// All that were looked at.
        considered: Vec<Considered>,
    }
    /// It moved to another column of the board.
    Moved "task.moved" as "task.moved" v 1 {
        /// Which.
        task: TaskId,
        /// To where.
        status: TaskStatus,
    }
    /// It ended.
    Closed "task.closed" as "task.completed" v 1 {
        /// Which.
        task: TaskId,
        /// Done, failed or cancelled.
        status: TaskStatus,
        /// The result.
        output: Option<BodyRef>,
        /// Why it failed.
        problem: Option<Problem>,
    }
    /// It is on the board, with what is planned for it; or that changed.
    Planned "task.planned" as "task.planned" v 1 {
        /// Which.
        task: TaskId,
        /// All that is planned for it now.
        #[serde(with = "as_text")]
        card: Arc<Card>,
        /// Who planned it.
        by: Actor,
    }
    /// Its work began, as a run of steps.
    Begun "task.begun" as "task.begun" v 1 {
        /// Which.
        task: TaskId,
        /// The run of its steps.
        plan: PlanId,
    }
    /// Somebody else goes on with it.
    Handed "task.handed" as "task.handed_over" v 1 {
        /// Which.
        task: TaskId,
        /// Whose it was.
        from: Option<Assignee>,
        /// Whose it is now.
        to: Assignee,
        /// How often it was handed on by now.
        hands: u32,
        /// Who handed it on.
        by: Actor,
    }
    /// What was made of it stays, whatever becomes of the run of its steps.
    Made "task.made" as "task.made" v 1 {
        /// Which.
        task: TaskId,
        /// The agent that made it, or that refuted it; naos where a person rejected it.
        agent: Name,
        /// What it made, or said.
        body: BodyRef,
        /// Whether it is what a reviewer refuted.
        refuted: bool,
    }
    /// Somebody wants to hear of it, or not any more.
    Followed "task.followed" as "task.followed" v 1 {
        /// Which.
        task: TaskId,
        /// Who.
        member: MemberId,
        /// Whether they hear of it.
        on: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, SubjectId};

    fn body(at: u8) -> BodyRef {
        BodyRef {
            digest: Digest([at; 32]),
            len: 2,
        }
    }

    #[test]
    fn what_was_opened_before_anything_was_asked_of_answers_asks_nothing() {
        let old = OpenedV1 {
            task: TaskId(9),
            title: Sealed::from_parts(SubjectId::TENANT, [0; 12], vec![7]),
            input: body(1),
            agent: None,
            parent: None,
            by: Actor::System,
        };
        // Byte for byte what was written: what came stands at the end.
        let bytes = postcard::to_stdvec(&old).unwrap();
        let fact = crate::fact::Fact::decode("task.opened", 1, &bytes).unwrap();
        assert_eq!(fact, Opened::from(old.clone()).into());
        assert_eq!(fact.encode(), [bytes.as_slice(), &[0]].concat());
        // Each body that it comes with is named, so that no backup lacks one.
        let fact: crate::fact::Fact = Opened {
            asks: Some(Box::new(Asks {
                form: Some(body(2)),
                pictures: vec![body(3), body(4)],
            })),
            ..Opened::from(old)
        }
        .into();
        let again = crate::fact::Fact::decode("task.opened", 2, &fact.encode()).unwrap();
        assert_eq!(again, fact);
        assert_eq!(fact.bodies(), [1, 2, 3, 4].map(body));
    }
}
