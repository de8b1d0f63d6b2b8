//! A plan began, stepped, ended.

use crate::spec::PlanSpec;
use crate::{Actor, BodyRef, Name, PlanId, PlanStatus, StepPath, Time};

use super::Problem;

facts! {
    "Facts about executions of plans."

    /// It began; it keeps the steps it began with.
    Started "plan.started" as "plan.started" v 1 {
        /// Which.
        plan: PlanId,
        /// Of which plan.
        name: Name,
        /// Which version of it.
        version: u32,
        /// The steps.
        spec: PlanSpec,
        /// Its inputs, as a JSON object.
        inputs: BodyRef,
        /// Who started it.
        by: Actor,
    }
    /// A step's attempt began.
    StepStarted "plan.step_started" as "plan.step_started" v 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// Counted from 1.
        attempt: u32,
        /// When the attempt is given up.
        deadline: Option<Time>,
    }
    /// A step's list is known.
    StepExpanded "plan.step_expanded" as "plan.step_expanded" v 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        step: Name,
        /// The list, as a JSON array.
        items: BodyRef,
        /// Its length.
        count: u32,
    }
    /// A step is done.
    StepDone "plan.step_done" as "plan.step_done" v 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// What it gave.
        output: Option<BodyRef>,
    }
    /// A step's attempt failed.
    StepFailed "plan.step_failed" as "plan.step_failed" v 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// Why.
        problem: Problem,
        /// When it is tried again; none closes it.
        retry_at: Option<Time>,
    }
    /// A step's condition was not met, or a step it needs was skipped or failed.
    StepSkipped "plan.step_skipped" as "plan.step_skipped" v 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// Why.
        why: String,
    }
    /// A step is done again, with what the reviewer said.
    StepReopened "plan.step_reopened" as "plan.step_reopened" v 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// What the reviewer said.
        feedback: BodyRef,
        /// Which round, counted from 1.
        round: u32,
    }
    /// It ended.
    Closed "plan.closed" as "plan.completed" v 1 {
        /// Which.
        plan: PlanId,
        /// Of which plan.
        name: Name,
        /// How.
        status: PlanStatus,
        /// What it gave.
        output: Option<BodyRef>,
        /// Why it failed.
        problem: Option<Problem>,
    }
}
