//! What people do about a run that is under way: it pauses, or goes on without a step.

use naos_types::command::Reply;
use naos_types::fact::plan;
use naos_types::spec::{Kind, StepDo};
use naos_types::{Actor, Code, Name, PlanId, Refusal, StepPath, StepStatus};

use super::{Plan, Step, known, outcome, put_to_rest, step_mut};
use crate::turn::{Done, Stop, Turn};

impl Step {
    /// Whether a person said that it is done, after it had failed for good: what undoes a step
    /// gives something whenever it ends well.
    #[must_use]
    pub fn by_hand(&self) -> bool {
        self.status == StepStatus::Done && self.problem.is_some() && self.output.is_none()
    }
}

/// The command with the verbs for a run of this kind.
pub(super) const fn verbs(of: Kind) -> &'static str {
    match of {
        Kind::Saga | Kind::Workflow => of.word(),
        _ => Kind::Plan.word(),
    }
}

/// It begins nothing more; what runs ends, and is recorded.
pub(super) fn pause(turn: &mut Turn<'_>, by: &Actor, id: PlanId) -> Done<Reply> {
    let plan = known(turn, id)?;
    if plan.is_closed() {
        return Err(Stop::refused(Code::WRONG_STATE, "the run ended already"));
    }
    // One that is paused with the run above is paused by itself from now on.
    if plan.paused.is_some() && plan.paused_with.is_none() {
        return Ok(Reply::Unchanged);
    }
    let (name, by) = (plan.name.clone(), by.clone());
    turn.emit(plan::Paused { plan: id, name, by })?;
    Ok(Reply::Done)
}

pub(super) fn fold_paused(turn: &mut Turn<'_>, f: &plan::Paused) -> Done {
    let now = turn.now;
    let plan = turn.plan_mut(&f.plan)?;
    plan.paused = plan.paused.or(Some(now));
    plan.paused_with = match f.by {
        Actor::Plan(above) => Some(above),
        _ => None,
    };
    Ok(())
}

/// Goes on without a step that has not ended, as after a condition that isn't met.
pub(super) fn skip(turn: &mut Turn<'_>, by: &Actor, id: PlanId, name: &Name) -> Done<Reply> {
    let plan = super::held(turn, id)?;
    if plan.is_closed() {
        return Err(Stop::refused(Code::WRONG_STATE, "the run ended already"));
    }
    let Some(step) = plan.steps.get(name) else {
        let known: Vec<&str> = plan.forward().map(|spec| spec.name.as_str()).collect();
        let what = format!("there is no step {name}: there are {}", known.join(", "));
        return Err(Stop::refused(Code::NOT_FOUND, what));
    };
    if step.status == StepStatus::Skipped {
        return Ok(Reply::Unchanged);
    }
    if let Some(of) = plan.flow.undo.get(name) {
        let what = format!("step {name} undoes step {of}, and what undoes is not skipped");
        let verbs = verbs(plan.flow.of);
        let help = format!("say that it is undone: naos {verbs} resolve");
        return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
    }
    if step.status.is_closed() {
        let what = format!(
            "step {name} is {}: only what has not ended is skipped",
            step.status
        );
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    if let Some(review) = reviewed_by(&plan, name) {
        let what = format!("step {name} can't be skipped while step {review} is to review it");
        let help = format!("skip {review} first");
        return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
    }
    turn.emit(plan::StepSkipped {
        plan: id,
        at: StepPath {
            step: name.clone(),
            item: None,
        },
        why: "somebody skipped it".into(),
        by: Some(by.clone()),
    })?;
    // After the fact: what it ends in doesn't count for the step any more.
    if !crate::planted::is("skipped-works-on") {
        outcome::leave_step(turn, by, (id, &plan), name, step)?;
    }
    Ok(Reply::Done)
}

/// The review of this step that has not ended.
fn reviewed_by<'p>(plan: &'p Plan, step: &Name) -> Option<&'p Name> {
    let reviews = |action: &StepDo| action.review().is_some_and(|asked| asked.of == step);
    let open = |name: &Name| plan.steps.get(name).is_some_and(|s| !s.status.is_closed());
    let mut all = plan.spec.steps.iter();
    all.find(|spec| reviews(&spec.action) && open(&spec.name))
        .map(|spec| &spec.name)
}

pub(super) fn fold_skipped(turn: &mut Turn<'_>, f: &plan::StepSkipped) -> Done {
    let now = turn.now;
    let step = step_mut(turn, f.plan, &f.at.step)?;
    if f.by.is_some() {
        put_to_rest(step, now);
        (step.output, step.ended) = (None, Some(now));
    }
    step.status = StepStatus::Skipped;
    Ok(())
}
