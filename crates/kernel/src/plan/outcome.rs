//! What an attempt of a step came to.

use naos_types::fact::task::Parent;
use naos_types::fact::{Problem, plan, review, task};
use naos_types::spec::{Reviewing, StepSpec};
use naos_types::{
    Actor, ApprovalId, ApprovalStatus, BodyRef, Code, Name, PlanId, PlanStatus, StepPath,
    StepStatus, TaskId, TaskStatus,
};

use super::{Fan, ITEMS_PER_CHUNK, Plan, Step, advance, held, nested};
use crate::approval::Approval;
use crate::need::{Compute, Formula, Var};
use crate::review::{Verdict, read_verdict};
use crate::state::{ItemsKey, Key};
use crate::turn::{Done, Stop, Turn};

/// Whether the step (or its item) still waits for this attempt.
fn waits(plan: &Plan, at: &StepPath, attempt: u32) -> bool {
    let Some(step) = plan.steps.get(&at.step) else {
        return false;
    };
    match (at.item, &step.fan) {
        (Some(index), Some(fan)) => fan
            .open
            .get(&index)
            .is_some_and(|item| item.attempt == attempt && item.retry_at.is_none()),
        _ => step.status == StepStatus::Running && step.attempt == attempt,
    }
}

/// A step's task ended.
pub(crate) fn task_closed(turn: &mut Turn<'_>, parent: &Parent, closed: &task::Closed) -> Done {
    let plan = held(turn, parent.plan)?;
    if plan.is_closed() || !waits(&plan, &parent.at, parent.attempt) {
        return Ok(());
    }
    let (id, at) = (parent.plan, parent.at.clone());
    let spec = plan.spec_of(&at.step)?;
    if let (Some(asked), TaskStatus::Done, Some(answer)) =
        (spec.action.review(), closed.status, closed.output)
    {
        return reviewed(turn, id, &plan, spec, asked, answer);
    }
    match closed.status {
        TaskStatus::Done => turn.emit(plan::StepDone::by_itself(id, at, closed.output)),
        _ => {
            let cancelled = || Problem::new(Code::STEP_FAILED, "its task was cancelled");
            let problem = closed.problem.clone().unwrap_or_else(cancelled);
            failed(turn, id, at, problem)
        }
    }
}

/// The reviewer spoke: go on, mend, or let a person decide the dispute.
fn reviewed(
    turn: &mut Turn<'_>,
    id: PlanId,
    plan: &Plan,
    spec: &StepSpec,
    asked: Reviewing<'_>,
    evidence: BodyRef,
) -> Done {
    let step = plan.steps.get(&spec.name);
    let Some(review) = step.and_then(|step| step.review) else {
        return Err(Stop::broken(format!("step {} has no review", spec.name)));
    };
    let verdict = match turn.body(evidence)? {
        Some(answer) => read_verdict(answer),
        None => return Err(Stop::broken("a reviewer's answer isn't stored".into())),
    };
    let at = StepPath {
        step: spec.name.clone(),
        item: None,
    };
    let Some(reviewer) = asked.by.cloned() else {
        return Err(Stop::broken(format!("step {} has no reviewer", spec.name)));
    };
    match verdict {
        Verdict::Praised => {
            turn.emit(review::Praised {
                review,
                reviewer,
                evidence,
            })?;
            turn.emit(plan::StepDone::by_itself(id, at, Some(evidence)))
        }
        Verdict::Refuted => {
            turn.emit(review::Refuted {
                review,
                reviewer,
                evidence,
            })?;
            refuted(turn, (id, plan), at, asked, evidence)
        }
        Verdict::Abandoned => {
            turn.emit(review::Abandoned { review, reviewer })?;
            if asked_in_vain(plan, spec) {
                return turn.emit(plan::StepDone::by_itself(id, at, Some(evidence)));
            }
            let note = "the reviewer's answer holds no verdict: praise or refute".to_owned();
            failed(turn, id, at, Problem::new(Code::STEP_FAILED, note))
        }
    }
}

/// It isn't good as it is: its author mends it with the evidence at hand, and after the last round
/// a person decides.
pub(super) fn refuted(
    turn: &mut Turn<'_>,
    (id, plan): (PlanId, &Plan),
    at: StepPath,
    asked: Reviewing<'_>,
    evidence: BodyRef,
) -> Done {
    let round = plan.steps.get(asked.of).map_or(1, |step| step.round);
    if round < asked.rounds_max.max(1) {
        let at = StepPath {
            step: asked.of.clone(),
            item: None,
        };
        let (feedback, round) = (evidence, round + 1);
        return turn.emit(plan::StepReopened {
            plan: id,
            at,
            feedback,
            round,
        });
    }
    turn.emit(plan::StepDone::by_itself(id, at, Some(evidence)))
}

/// Whether the reviewer was asked as often as it may be, and a person is asked next: they decide.
fn asked_in_vain(plan: &Plan, spec: &StepSpec) -> bool {
    let last = plan
        .steps
        .get(&spec.name)
        .is_none_or(|step| step.attempt - step.forgiven >= spec.retry.attempts_max);
    let asks =
        |next: &StepSpec| next.action.approval().is_some() && next.after.contains(&spec.name);
    last && plan.forward().any(asks)
}

/// A person answered, or nobody did.
pub(crate) fn approval_decided(
    turn: &mut Turn<'_>,
    id: PlanId,
    at: &StepPath,
    approval: ApprovalId,
    found: &Approval,
) -> Done {
    let plan = held(turn, id)?;
    let waits = plan
        .steps
        .get(&at.step)
        .is_some_and(|step| step.status == StepStatus::Waiting && step.approval == Some(approval));
    if plan.is_closed() || !waits {
        return Ok(());
    }
    let problem = match found.status {
        ApprovalStatus::Approved => {
            let output = Some(found.edited.unwrap_or(found.body));
            return turn.emit(plan::StepDone::by_itself(id, at.clone(), output));
        }
        ApprovalStatus::Expired => Problem::new(Code::EXPIRED, "nobody answered in time"),
        _ => Problem {
            said: found.comment.clone(),
            ..Problem::new(Code::REJECTED, "a person said no")
        },
    };
    failed_for_good(turn, id, &plan, at.clone(), problem)
}

/// What a person may change, so that the same step succeeds.
const CHANGEABLE: [Code; 8] = [
    Code::NO_AGENT,
    Code::AGENT_STOPPED,
    Code::OVER_BUDGET,
    Code::BUDGET_TOO_SMALL,
    Code::NO_MODEL,
    Code::OVER_WINDOW,
    Code::NO_SECRET,
    Code::DATA_STAYS,
];

/// An attempt failed: the next one after a pause, or none.
pub(super) fn failed(turn: &mut Turn<'_>, id: PlanId, at: StepPath, problem: Problem) -> Done {
    let plan = held(turn, id)?;
    if let Actor::Task(task) = plan.by
        && CHANGEABLE.contains(&problem.code)
        && !crate::planted::is("stopped-agents-fail-tasks")
    {
        return hold(turn, (id, &plan), at, problem, task);
    }
    let spec = plan.spec_of(&at.step)?.clone();
    let step = plan.steps.get(&at.step);
    let attempt = match (at.item, step.and_then(|step| step.fan.as_ref())) {
        (Some(index), Some(fan)) => fan.open.get(&index).map_or(1, |item| item.attempt),
        _ => step.map_or(1, |step| step.attempt),
    };
    let forgiven = match at.item {
        Some(_) => 0,
        None if crate::planted::is("resumed-has-no-tries-left") => 0,
        None => step.map_or(0, |step| step.forgiven),
    };
    let attempt = attempt.saturating_sub(forgiven);
    if attempt >= spec.retry.attempts_max {
        return failed_for_good(turn, id, &plan, at, problem);
    }
    let wait = crate::run::pause(turn, &spec.retry, attempt);
    let retry_at = Some(turn.now + wait);
    turn.emit(plan::StepFailed {
        plan: id,
        at,
        problem,
        retry_at,
    })
}

/// The work of a task waits for a person: its step is tried again when they let it go on.
fn hold(
    turn: &mut Turn<'_>,
    (id, plan): (PlanId, &Plan),
    at: StepPath,
    problem: Problem,
    task: TaskId,
) -> Done {
    let retry_at = Some(turn.now);
    turn.emit(plan::StepFailed {
        plan: id,
        at,
        problem: problem.clone(),
        retry_at,
    })?;
    if plan.paused.is_none() {
        let (name, by) = (plan.name.clone(), Actor::System);
        turn.emit(plan::Paused { plan: id, name, by })?;
    }
    crate::task::held(turn, task, &problem)
}

/// The steps of a task's work that are under way wait for a person, whoever is at them.
pub(crate) fn hold_open(turn: &mut Turn<'_>, id: PlanId, task: TaskId, why: &Problem) -> Done {
    let plan = held(turn, id)?;
    let open = plan.steps.iter();
    let open = open.filter(|(_, step)| step.status == StepStatus::Running && step.task.is_some());
    for (name, step) in open {
        let at = StepPath {
            step: name.clone(),
            item: None,
        };
        hold(turn, (id, &plan), at, why.clone(), task)?;
        leave_step(turn, &Actor::System, (id, &plan), name, step)?;
    }
    Ok(())
}

pub(super) fn failed_for_good(
    turn: &mut Turn<'_>,
    id: PlanId,
    plan: &Plan,
    at: StepPath,
    problem: Problem,
) -> Done {
    let spec = plan.spec_of(&at.step)?;
    let partial = spec.for_each.as_ref().is_some_and(|fan| fan.partial);
    // What can't be undone waits for a person: nothing else ends because of it.
    let undoes = plan.flow.undoes(&at.step);
    let one_of_all = at.item.is_some() && !partial && !undoes;
    let goes_on = undoes || spec.optional || at.item.is_some() && partial;
    let (step, why) = (at.step.clone(), problem.clone());
    turn.emit(plan::StepFailed {
        plan: id,
        at,
        problem,
        retry_at: None,
    })?;
    match goes_on {
        false => advance::fail(turn, id, why),
        true if one_of_all && !crate::planted::is("optional-lists-are-partial") => {
            list_failed(turn, id, step, why)
        }
        true => Ok(()),
    }
}

/// A list that is to be whole fails with its first item that does, and the run goes on without it.
/// Where it can be undone, it is done as far as it came.
fn list_failed(turn: &mut Turn<'_>, id: PlanId, name: Name, problem: Problem) -> Done {
    let plan = held(turn, id)?;
    let spec = plan.spec_of(&name)?;
    let Some(step) = plan.steps.get(&name) else {
        return Err(Stop::broken(format!("{id} has no step {name}")));
    };
    if !keep_begun_list(turn, id, &plan, spec)? {
        turn.emit(plan::StepFailed {
            plan: id,
            at: StepPath {
                step: name.clone(),
                item: None,
            },
            problem,
            retry_at: None,
        })?;
    }
    // After the fact: what they end in doesn't count for the step any more.
    leave_step(turn, &Actor::Plan(id), (id, &plan), &name, step)
}

/// All items of a fan-out are closed: their outputs, in the order of the list, are the step's.
pub(super) fn gather(turn: &mut Turn<'_>, id: PlanId, plan: &Plan, spec: &StepSpec) -> Done {
    let at = StepPath {
        step: spec.name.clone(),
        item: None,
    };
    let Some(fan) = plan
        .steps
        .get(&spec.name)
        .and_then(|step| step.fan.as_ref())
    else {
        return Err(Stop::broken(format!("step {} has no list", spec.name)));
    };
    if fan.count > 0 && fan.failed == fan.count {
        let problem = Problem::new(Code::STEP_FAILED, "every item of its list failed");
        return failed_for_good(turn, id, plan, at, problem);
    }
    match outputs(turn, id, spec, fan)? {
        Ok(output) => turn.emit(plan::StepDone::by_itself(id, at, Some(output))),
        Err(why) => advance::broken_formula(turn, id, plan, at, why),
    }
}

/// What the items that ended gave, as far as the list was gone through, in its order.
fn outputs(
    turn: &mut Turn<'_>,
    id: PlanId,
    spec: &StepSpec,
    fan: &Fan,
) -> Done<Result<BodyRef, String>> {
    let mut vars = Vec::with_capacity(fan.next as usize);
    let chunks = 0..fan.next.div_ceil(ITEMS_PER_CHUNK);
    let key = |chunk| ItemsKey {
        plan: id,
        step: spec.name.clone(),
        chunk,
    };
    turn.load(chunks.clone().map(key).map(Key::Items))?;
    // What was computed keeps its type, as it does without a list.
    let known = if spec.action.keeps_type() {
        Var::Value
    } else {
        Var::Body
    };
    for chunk in chunks {
        let Some(items) = turn.items(&key(chunk))? else {
            if fan.open.is_empty() {
                return Err(Stop::broken(format!("step {} lacks outputs", spec.name)));
            }
            continue; // none of it ended yet
        };
        for (_, output) in items.before(fan.next) {
            vars.push((String::new(), output.map_or(Var::Null, known)));
        }
    }
    let computed = turn.compute(Compute {
        formula: Formula::Gather,
        vars,
    })?;
    Ok(computed.map(|computed| computed.body))
}

/// What some items of lists did is done though their step failed or is wanted no more: where such a
/// step can be undone, it is done as far as it came.
pub(super) fn keep_begun_lists(turn: &mut Turn<'_>, id: PlanId, plan: &Plan) -> Done {
    for spec in plan.forward() {
        keep_begun_list(turn, id, plan, spec)?;
    }
    Ok(())
}

impl Plan {
    /// How a step ended, as it is shown: a list that is to be whole and was kept as far as it came,
    /// to be undone, isn't done.
    #[must_use]
    pub fn shown_status(&self, name: &Name) -> Option<StepStatus> {
        let step = self.steps.get(name)?;
        let whole = self.known(name).and_then(|spec| spec.for_each.as_ref());
        let fan = step
            .fan
            .as_ref()
            .filter(|fan| step.status == StepStatus::Done && fan.done < fan.count);
        Some(
            match fan.filter(|_| whole.is_some_and(|each| !each.partial)) {
                Some(fan) if fan.failed > 0 => StepStatus::Failed,
                Some(_) => StepStatus::Cancelled,
                None => step.status,
            },
        )
    }
}

/// The same for one step; whether it is done now.
fn keep_begun_list(turn: &mut Turn<'_>, id: PlanId, plan: &Plan, spec: &StepSpec) -> Done<bool> {
    let step = plan.steps.get(&spec.name);
    let fan = step
        .filter(|step| step.status == StepStatus::Running)
        .and_then(|step| step.fan.as_ref())
        .filter(|fan| fan.done > 0);
    let Some(fan) = fan.filter(|_| plan.flow.undo_of(&spec.name).is_some()) else {
        return Ok(false);
    };
    if crate::planted::is("half-lists-stay-done") {
        return Ok(false);
    }
    let at = StepPath {
        step: spec.name.clone(),
        item: None,
    };
    let output = outputs(turn, id, spec, fan)?.ok();
    turn.emit(plan::StepDone::by_itself(id, at, output))?;
    Ok(true)
}

/// Ends a plan: what is open of it is cancelled, what waits for a person is withdrawn.
pub(crate) fn close(
    turn: &mut Turn<'_>,
    by: &Actor,
    id: PlanId,
    status: PlanStatus,
    problem: Option<Problem>,
) -> Done {
    let plan = held(turn, id)?;
    let name = plan.name.clone();
    turn.emit(plan::Closed {
        plan: id,
        name,
        status,
        output: None,
        problem,
    })?;
    leave_open_work(turn, by, id, &plan)
}

/// Cancels what was open of a plan as it was before, and withdraws what waits for a person.
pub(super) fn leave_open_work(turn: &mut Turn<'_>, by: &Actor, id: PlanId, plan: &Plan) -> Done {
    let open = plan.steps.iter();
    for (name, step) in open.filter(|(_, step)| !step.status.is_closed()) {
        leave_step(turn, by, (id, plan), name, step)?;
    }
    Ok(())
}

/// The same for one step.
pub(super) fn leave_step(
    turn: &mut Turn<'_>,
    by: &Actor,
    (id, plan): (PlanId, &Plan),
    name: &Name,
    step: &Step,
) -> Done {
    nested::look(turn, id, plan, name)?;
    if let Some(approval) = step.approval {
        crate::approval::withdraw(turn, approval)?;
    }
    let items = step.fan.iter().flat_map(|fan| fan.open.values());
    for task in items.filter_map(|item| item.task).chain(step.task) {
        crate::task::cancel(turn, by, task)?;
    }
    Ok(())
}
