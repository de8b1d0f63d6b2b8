//! A plan began, stepped, ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::spec::{Flow, PlanSpec};
use crate::{Actor, BodyRef, Digest, Name, PlanId, PlanStatus, StepPath, Time};

use super::Problem;

facts! {
    "Facts about executions of plans."

    /// It began; it keeps the steps it began with.
    Started "plan.started" as "plan.started" v 2 lifts StartedV1 1 {
        /// Which.
        plan: PlanId,
        /// Of which plan.
        name: Name,
        /// Which version of it.
        version: u32,
        /// The steps.
        spec: Arc<PlanSpec>,
        /// Its inputs: a plan's as a JSON object, anything else's as they were given.
        inputs: BodyRef,
        /// Who started it.
        by: Actor,
        /// What it is a run of, and how it ends.
        flow: Flow,
    }
    /// A step's attempt began.
    StepStarted "plan.step_started" as "plan.step_started" v 2 lifts StepStartedV1 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// Counted from 1.
        attempt: u32,
        /// When the attempt is given up.
        deadline: Option<Time>,
        /// What it is done under: the plan, the step and its key; none where it has none.
        key: Option<Digest>,
    }
    /// A step's list is known.
    StepExpanded "plan.step_expanded" as "plan.step_expanded" v 2 lifts StepExpandedV1 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        step: Name,
        /// The list, as a JSON array.
        items: BodyRef,
        /// Its length.
        count: u32,
        /// Whose turn is first among a pool's agents, counted from 0.
        first: u32,
    }
    /// A step is done.
    StepDone "plan.step_done" as "plan.step_done" v 2 lifts StepDoneV1 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// What it gave.
        output: Option<BodyRef>,
        /// The run that did it before under the same key; none where this one did.
        from: Option<PlanId>,
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
    /// A step's condition was not met, or somebody lets the run go on without it.
    StepSkipped "plan.step_skipped" as "plan.step_skipped" v 2 lifts StepSkippedV1 1 {
        /// Which.
        plan: PlanId,
        /// Which step.
        at: StepPath,
        /// Why.
        why: String,
        /// Who skips it; none where its condition was not met.
        by: Option<Actor>,
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
    /// It failed or isn't wanted any more, and what was done is being undone, last things first.
    UndoBegan "plan.undo_began" as "plan.undo_began" v 1 {
        /// Which.
        plan: PlanId,
        /// Of which plan.
        name: Name,
        /// Why it failed; none where somebody cancelled it.
        problem: Option<Problem>,
        /// Who lets it be undone.
        by: Actor,
    }
    /// A person decided about a step that could not be undone.
    UndoDecided "plan.undo_decided" as "plan.undo_decided" v 1 {
        /// Which.
        plan: PlanId,
        /// The step that undoes.
        at: StepPath,
        /// Whether it is undone by now; if not, it is tried again.
        done: bool,
        /// Who.
        by: Actor,
    }
    /// It begins nothing more until it is resumed; what runs ends.
    Paused "plan.paused" as "plan.paused" v 1 {
        /// Which.
        plan: PlanId,
        /// Of which plan.
        name: Name,
        /// Who.
        by: Actor,
    }
    /// It was paused, or ended without reaching its end, and goes on from where it was.
    Resumed "plan.resumed" as "plan.resumed" v 1 {
        /// Which.
        plan: PlanId,
        /// Of which plan.
        name: Name,
        /// Who.
        by: Actor,
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

/// How a run began while there were plans only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedV1 {
    /// Which.
    pub plan: PlanId,
    /// Of which plan.
    pub name: Name,
    /// Which version of it.
    pub version: u32,
    /// The steps.
    pub spec: PlanSpec,
    /// Its inputs, as a JSON object.
    pub inputs: BodyRef,
    /// Who started it.
    pub by: Actor,
}

impl From<StartedV1> for Started {
    fn from(old: StartedV1) -> Self {
        let StartedV1 {
            plan,
            name,
            version,
            spec,
            inputs,
            by,
        } = old;
        Self {
            plan,
            name,
            version,
            spec: spec.into(),
            inputs,
            by,
            flow: Flow::default(),
        }
    }
}

/// How an attempt began before steps had keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStartedV1 {
    /// Which.
    pub plan: PlanId,
    /// Which step.
    pub at: StepPath,
    /// Counted from 1.
    pub attempt: u32,
    /// When the attempt is given up.
    pub deadline: Option<Time>,
}

impl From<StepStartedV1> for StepStarted {
    fn from(old: StepStartedV1) -> Self {
        Self {
            plan: old.plan,
            at: old.at,
            attempt: old.attempt,
            deadline: old.deadline,
            key: None,
        }
    }
}

/// How a list was known while each batch of a pool began with its first agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepExpandedV1 {
    /// Which.
    pub plan: PlanId,
    /// Which step.
    pub step: Name,
    /// The list, as a JSON array.
    pub items: BodyRef,
    /// Its length.
    pub count: u32,
}

impl From<StepExpandedV1> for StepExpanded {
    fn from(old: StepExpandedV1) -> Self {
        Self {
            plan: old.plan,
            step: old.step,
            items: old.items,
            count: old.count,
            first: 0,
        }
    }
}

/// How a step was done before steps had keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDoneV1 {
    /// Which.
    pub plan: PlanId,
    /// Which step.
    pub at: StepPath,
    /// What it gave.
    pub output: Option<BodyRef>,
}

impl From<StepDoneV1> for StepDone {
    fn from(old: StepDoneV1) -> Self {
        Self::by_itself(old.plan, old.at, old.output)
    }
}

impl StepDone {
    /// A step that the run did itself.
    #[must_use]
    pub const fn by_itself(plan: PlanId, at: StepPath, output: Option<BodyRef>) -> Self {
        let from = None;
        Self {
            plan,
            at,
            output,
            from,
        }
    }
}

/// How a step was skipped while nobody could do it by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSkippedV1 {
    /// Which.
    pub plan: PlanId,
    /// Which step.
    pub at: StepPath,
    /// Why.
    pub why: String,
}

impl From<StepSkippedV1> for StepSkipped {
    fn from(old: StepSkippedV1) -> Self {
        let StepSkippedV1 { plan, at, why } = old;
        let by = None;
        Self { plan, at, why, by }
    }
}

impl Fact {
    /// The run that it is about.
    #[must_use]
    pub const fn plan(&self) -> PlanId {
        match self {
            Self::Started(f) => f.plan,
            Self::StepStarted(f) => f.plan,
            Self::StepExpanded(f) => f.plan,
            Self::StepDone(f) => f.plan,
            Self::StepFailed(f) => f.plan,
            Self::StepSkipped(f) => f.plan,
            Self::StepReopened(f) => f.plan,
            Self::UndoBegan(f) => f.plan,
            Self::UndoDecided(f) => f.plan,
            Self::Paused(f) => f.plan,
            Self::Resumed(f) => f.plan,
            Self::Closed(f) => f.plan,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    /// The bytes that were written before there were workflows, byte for byte.
    #[test]
    fn what_began_as_a_plan_is_one() {
        let old = StartedV1 {
            plan: PlanId(7),
            name: Name::new("weekly").unwrap(),
            version: 3,
            spec: PlanSpec {
                description: "a plan".into(),
                inputs: Vec::new(),
                steps: Vec::new(),
                output: None,
            },
            inputs: BodyRef {
                digest: Digest([1; 32]),
                len: 2,
            },
            by: Actor::System,
        };
        let bytes = postcard::to_stdvec(&old).unwrap();
        let mut frozen = vec![0; 15];
        frozen.extend([7, 6]);
        frozen.extend(b"weekly");
        frozen.push(3);
        frozen.push(6);
        frozen.extend(b"a plan");
        frozen.extend([0, 0, 0]);
        frozen.extend([1; 32]);
        frozen.push(2);
        frozen.push(0);
        assert_eq!(bytes, frozen);
        let fact = crate::fact::Fact::decode("plan.started", 1, &frozen).unwrap();
        assert_eq!(fact, Started::from(old).into());
        assert_eq!(fact.version(), 2);
        let again = fact.encode();
        let read = crate::fact::Fact::decode("plan.started", 2, &again).unwrap();
        assert_eq!(read, fact);
    }

    #[test]
    fn what_was_skipped_before_was_skipped_by_nobody() {
        let at = StepPath {
            step: Name::new("say").unwrap(),
            item: None,
        };
        let old = StepSkippedV1 {
            plan: PlanId(7),
            at,
            why: "no".into(),
        };
        let mut frozen = vec![0; 15];
        frozen.extend([7, 3]);
        frozen.extend(b"say");
        frozen.extend([0, 2]);
        frozen.extend(b"no");
        assert_eq!(postcard::to_stdvec(&old).unwrap(), frozen);
        let fact = crate::fact::Fact::decode("plan.step_skipped", 1, &frozen).unwrap();
        assert_eq!(fact, StepSkipped::from(old).into());
        let again = crate::fact::Fact::decode("plan.step_skipped", 2, &fact.encode()).unwrap();
        assert_eq!(again, fact);
    }

    #[test]
    fn what_was_done_before_there_were_keys_had_none() {
        let at = StepPath {
            step: Name::new("say").unwrap(),
            item: Some(2),
        };
        let plan = PlanId(7);
        let began = StepStartedV1 {
            plan,
            at: at.clone(),
            attempt: 1,
            deadline: None,
        };
        let output = None;
        let done = StepDoneV1 { plan, at, output };
        let mut frozen = vec![0; 15];
        frozen.extend([7, 3]);
        frozen.extend(b"say");
        frozen.extend([1, 2]);
        let began_then = [&frozen[..], &[1, 0]].concat();
        let done_then = [&frozen[..], &[0]].concat();
        assert_eq!(postcard::to_stdvec(&began).unwrap(), began_then);
        assert_eq!(postcard::to_stdvec(&done).unwrap(), done_then);
        for (kind, bytes, now) in [
            (
                "plan.step_started",
                began_then,
                crate::fact::Fact::from(StepStarted::from(began)),
            ),
            ("plan.step_done", done_then, StepDone::from(done).into()),
        ] {
            let fact = crate::fact::Fact::decode(kind, 1, &bytes).unwrap();
            assert_eq!(fact, now);
            let again = crate::fact::Fact::decode(kind, 2, &fact.encode()).unwrap();
            assert_eq!(again, fact);
        }
    }
}
