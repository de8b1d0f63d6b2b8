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
    Opened "task.opened" as "task.created" v 1 {
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
