//! Layouts of earlier releases: records that were written before a run could be undone, before it
//! could be paused, before it could be with the run that it is a step of, before steps had keys,
//! and before results were checked.

use std::collections::BTreeMap;

use naos_types::fact::Problem;
use naos_types::spec::{Flow, PlanSpec};
use naos_types::{
    Actor, ApprovalId, BodyRef, Micros, Name, PlanStatus, ReviewId, StepStatus, TaskId, Time,
};
use serde::{Deserialize, Serialize};

use super::{Fan, Plan, Step};
use crate::table::lengthened;

/// A step, version 1.
#[derive(Serialize, Deserialize)]
struct StepV1 {
    status: StepStatus,
    attempt: u32,
    output: Option<BodyRef>,
    task: Option<TaskId>,
    approval: Option<ApprovalId>,
    review: Option<ReviewId>,
    retry_at: Option<Time>,
    deadline: Option<Time>,
    fan: Option<Fan>,
    feedback: Option<BodyRef>,
    round: u32,
    disputed: bool,
    problem: Option<Problem>,
    started: Option<Time>,
    ended: Option<Time>,
}

/// A run, version 1.
#[derive(Serialize, Deserialize)]
struct PlanV1 {
    name: Name,
    version: u32,
    spec: PlanSpec,
    inputs: BodyRef,
    started: Time,
    ended: Option<PlanStatus>,
    steps: BTreeMap<Name, StepV1>,
    output: Option<BodyRef>,
    by: Actor,
    problem: Option<Problem>,
    ended_at: Option<Time>,
}

/// A run, version 2.
#[derive(Serialize, Deserialize)]
struct PlanV2 {
    name: Name,
    version: u32,
    spec: PlanSpec,
    inputs: BodyRef,
    started: Time,
    ended: Option<PlanStatus>,
    steps: BTreeMap<Name, Step>,
    output: Option<BodyRef>,
    by: Actor,
    problem: Option<Problem>,
    ended_at: Option<Time>,
    flow: Flow,
    deadline: Option<Time>,
    undoable: Vec<Name>,
    undoing: bool,
}

impl From<PlanV2> for Plan {
    fn from(old: PlanV2) -> Self {
        Self {
            name: old.name,
            version: old.version,
            spec: old.spec.into(),
            inputs: old.inputs,
            started: old.started,
            ended: old.ended,
            steps: old.steps,
            output: old.output,
            by: old.by,
            problem: old.problem,
            ended_at: old.ended_at,
            flow: old.flow,
            deadline: old.deadline,
            undoable: old.undoable,
            undoing: old.undoing,
            paused: None,
            paused_with: None,
            keys: BTreeMap::new(),
            kept: BTreeMap::new(),
            checked: BTreeMap::new(),
            stays: None,
            cost: Micros::ZERO,
            first: 0,
        }
    }
}

impl From<StepV1> for Step {
    fn from(old: StepV1) -> Self {
        Self {
            status: old.status,
            attempt: old.attempt,
            output: old.output,
            task: old.task,
            approval: old.approval,
            review: old.review,
            retry_at: old.retry_at,
            deadline: old.deadline,
            fan: old.fan,
            feedback: old.feedback,
            round: old.round,
            disputed: old.disputed,
            problem: old.problem,
            started: old.started,
            ended: old.ended,
            forgiven: 0,
        }
    }
}

/// What a record of an earlier layout says.
pub(super) fn lift(version: u8, bytes: &[u8]) -> Option<Plan> {
    match version {
        1 => lift_first(bytes),
        2 => postcard::from_bytes::<PlanV2>(bytes).ok().map(Plan::from),
        3 => lengthened(bytes, 7), // what it is paused with
        // What its steps are done under, what was done before, and what was checked.
        4 => lengthened(bytes, 6),
        5 => lengthened(bytes, 3), // whose data stays
        6 => lengthened(bytes, 2), // what it cost, and whose turn was first
        _ => None,
    }
}

fn lift_first(bytes: &[u8]) -> Option<Plan> {
    let old: PlanV1 = postcard::from_bytes(bytes).ok()?;
    let steps = old.steps.into_iter();
    Some(Plan {
        name: old.name,
        version: old.version,
        spec: old.spec.into(),
        inputs: old.inputs,
        started: old.started,
        ended: old.ended,
        steps: steps.map(|(name, step)| (name, step.into())).collect(),
        output: old.output,
        by: old.by,
        problem: old.problem,
        ended_at: old.ended_at,
        flow: Flow::default(),
        deadline: None,
        undoable: Vec::new(),
        undoing: false,
        paused: None,
        paused_with: None,
        keys: BTreeMap::new(),
        kept: BTreeMap::new(),
        checked: BTreeMap::new(),
        stays: None,
        cost: Micros::ZERO,
        first: 0,
    })
}

#[cfg(test)]
mod tests {
    use naos_types::Digest;

    use super::*;
    use crate::state::AnyAggregate;

    #[test]
    fn a_run_of_an_earlier_release_goes_on() {
        let name = |text: &str| Name::new(text).expect("a name");
        let body = BodyRef {
            digest: Digest([2; 32]),
            len: 5,
        };
        let step = StepV1 {
            status: StepStatus::Running,
            attempt: 2,
            output: None,
            task: Some(TaskId(9)),
            approval: None,
            review: None,
            retry_at: None,
            deadline: Some(Time(77)),
            fan: None,
            feedback: None,
            round: 1,
            disputed: false,
            problem: None,
            started: Some(Time(5)),
            ended: None,
        };
        let old = PlanV1 {
            name: name("weekly"),
            version: 4,
            spec: PlanSpec {
                description: String::new(),
                inputs: Vec::new(),
                steps: Vec::new(),
                output: None,
            },
            inputs: body,
            started: Time(4),
            ended: None,
            steps: BTreeMap::from([(name("a"), step)]),
            output: None,
            by: Actor::System,
            problem: None,
            ended_at: None,
        };
        let bytes = postcard::to_stdvec(&old).expect("it encodes");
        let found = AnyAggregate::decode("plan", 1, &bytes);
        let Some(AnyAggregate::Plan(plan)) = found else {
            panic!("a record of version 1 is read: {found:?}");
        };
        assert_eq!((plan.version, plan.flow.clone()), (4, Flow::default()));
        let step = &plan.steps[&name("a")];
        assert_eq!(
            (step.attempt, step.task, step.deadline),
            (2, Some(TaskId(9)), Some(Time(77)))
        );
        assert!(AnyAggregate::decode("plan", 7, &bytes).is_none());
        // All that the ones between had is kept, and what they lacked stands at the end.
        let now = postcard::to_stdvec(&*plan).expect("it encodes");
        for (version, lacked) in [(5, 1), (4, 4), (3, 5), (2, 6)] {
            let (before, end) = now.split_at(now.len() - lacked);
            let Some(AnyAggregate::Plan(again)) = AnyAggregate::decode("plan", version, before)
            else {
                panic!("a record of version {version} is read");
            };
            assert_eq!((&again, end), (&plan, &[0; 6][..lacked]));
        }
    }
}
