//! When the whole fails: what was done is undone, last things first, by steps of the same machine;
//! and what people do about runs that failed.

use naos_types::command::Reply;
use naos_types::fact::notice::About;
use naos_types::fact::{Problem, plan};
use naos_types::{Actor, Code, Name, PlanId, PlanStatus, Refusal, StepPath, StepStatus};

use super::{Plan, close, known, put_to_rest};
use crate::turn::{Done, Stop, Turn};

/// Lets what was done be undone, if anything is said about how; else ends with `status`.
pub(super) fn fail(
    turn: &mut Turn<'_>,
    by: &Actor,
    id: PlanId,
    status: PlanStatus,
    problem: Option<Problem>,
) -> Done {
    let plan = super::held(turn, id)?;
    if plan.flow.undo.is_empty() {
        return close(turn, by, id, status, problem);
    }
    super::outcome::keep_begun_lists(turn, id, &plan)?;
    turn.emit(plan::UndoBegan {
        plan: id,
        name: plan.name.clone(),
        problem,
        by: by.clone(),
    })?;
    super::outcome::leave_open_work(turn, by, id, &plan)?;
    turn.advance(id);
    Ok(())
}

/// Somebody doesn't want it any more.
pub(super) fn cancel(turn: &mut Turn<'_>, by: &Actor, id: PlanId) -> Done {
    let plan = known(turn, id)?;
    if plan.undoing {
        let verbs = super::by_hand::verbs(plan.flow.of);
        let what = format!("it is being undone: `naos {verbs} reset` gives that up");
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    fail(turn, by, id, PlanStatus::Cancelled, None)
}

/// All that can be undone is.
pub(super) fn undone(turn: &mut Turn<'_>, id: PlanId, plan: &Plan) -> Done {
    turn.emit(plan::Closed {
        plan: id,
        name: plan.name.clone(),
        status: PlanStatus::RolledBack,
        output: None,
        problem: plan.problem.clone(),
    })
}

/// A step that undoes another failed for good: somebody must know.
pub(crate) fn announce(turn: &mut Turn<'_>, fact: &plan::StepFailed) -> Done {
    let plan = known(turn, fact.plan)?;
    let Some((name, step)) = plan.not_undone() else {
        return Ok(());
    };
    let place = plan.spec.steps.iter().position(|spec| spec.name == *name);
    let place = place.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(0);
    let about = About::NotUndone(fact.plan, place, step.attempt);
    crate::notice::announce(turn, about, None)
}

/// A person says about a step that could not be undone that it is by now, or lets it be tried
/// again.
pub(super) fn decide(
    turn: &mut Turn<'_>,
    by: &Actor,
    id: PlanId,
    step: Option<&Name>,
    done: bool,
) -> Done<Reply> {
    let plan = known(turn, id)?;
    let Some((undo, _)) = plan.not_undone() else {
        let what = match plan.status() {
            PlanStatus::CompensationFailed => {
                format!("{id} was given up as it stood: what was not undone stays so")
            }
            other => format!("{id} is {other}: nothing of it failed to be undone"),
        };
        return Err(Stop::refused(Code::WRONG_STATE, what));
    };
    let undo = undo.clone();
    let of = plan.flow.undo.get(&undo);
    if let Some(step) = step
        && *step != undo
        && Some(step) != of
    {
        let of = of.map_or("", |name| name.as_str());
        let what = format!("step {step} is not what waits: {of} could not be undone");
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    turn.emit(plan::UndoDecided {
        plan: id,
        at: StepPath {
            step: undo,
            item: None,
        },
        done,
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

/// Goes on where it failed, or failed to be undone; what is done stays done.
pub(crate) fn resume(turn: &mut Turn<'_>, by: &Actor, id: PlanId) -> Done<Reply> {
    let plan = known(turn, id)?;
    if let Some(above) = plan.paused_with {
        let what = format!("{id} is paused with {above}, of which it is a step");
        let help = format!("resume {above}: both go on");
        return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
    }
    if plan.paused.is_some() {
        let (name, by) = (plan.name.clone(), by.clone());
        turn.emit(plan::Resumed { plan: id, name, by })?;
        return Ok(Reply::Done);
    }
    match plan.status() {
        PlanStatus::Running | PlanStatus::Held => Ok(Reply::Unchanged),
        PlanStatus::CompensationFailed if !plan.is_closed() => decide(turn, by, id, None, false),
        PlanStatus::Failed | PlanStatus::Cancelled if !plan.undoing => {
            if let Actor::Plan(above) = plan.by {
                let what = format!("{id} was a step of {above}, which waits for it no more");
                let help = format!("resume {above}: it runs the step again");
                return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
            }
            let name = plan.name.clone();
            if let Actor::Task(task) = plan.by
                && crate::task::rejected(turn, id)?.is_some()
                && !crate::planted::is("rejected-is-resumed")
            {
                let what = format!(
                    "a person rejected what came of {id}: they would be asked about the very \
                     same again"
                );
                let help = format!("`naos task begin {task}` lets it be done anew");
                return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
            }
            turn.emit(plan::Resumed {
                plan: id,
                name,
                by: by.clone(),
            })?;
            Ok(Reply::Done)
        }
        PlanStatus::CompensationFailed => {
            let what = format!("{id} was given up as it stood: what was not undone stays so");
            Err(Stop::refused(Code::WRONG_STATE, what))
        }
        other => {
            let what = format!(
                "{id} is {other}: only what is paused, failed, was cancelled or could not be \
                 undone goes on"
            );
            Err(Stop::refused(Code::WRONG_STATE, what))
        }
    }
}

/// The command that lets a run go on as [`resume`] does, or the one above it that it was a step of;
/// none where none does.
pub(crate) fn goes_on(turn: &Turn<'_>, id: PlanId) -> Done<Option<String>> {
    let plan = known(turn, id)?;
    if let Actor::Plan(above) = plan.by
        && plan.is_closed()
    {
        return goes_on(turn, above);
    }
    let goes_on = match plan.status() {
        PlanStatus::CompensationFailed => !plan.is_closed(),
        PlanStatus::Failed | PlanStatus::Cancelled => !plan.undoing,
        _ => false,
    };
    let verbs = super::by_hand::verbs(plan.flow.of);
    Ok(goes_on.then(|| format!("naos {verbs} resume {id}")))
}

/// Gives it up as it stands.
pub(super) fn reset(turn: &mut Turn<'_>, by: &Actor, id: PlanId) -> Done<Reply> {
    let plan = known(turn, id)?;
    if plan.is_closed() {
        return Ok(Reply::Unchanged);
    }
    let (status, problem) = if plan.undoing {
        (PlanStatus::CompensationFailed, plan.problem.clone())
    } else {
        (PlanStatus::Cancelled, None)
    };
    close(turn, by, id, status, problem)?;
    Ok(Reply::Done)
}

pub(super) fn fold_began(turn: &mut Turn<'_>, f: &plan::UndoBegan) -> Done {
    let now = turn.now;
    let plan = turn.plan_mut(&f.plan)?;
    plan.undoing = true;
    plan.problem.clone_from(&f.problem);
    plan.deadline = None;
    if f.problem.is_none() {
        (plan.paused, plan.paused_with) = (None, None); // who cancels it wants it undone
    }
    let (flow, steps) = (&plan.flow, plan.steps.iter_mut());
    for (_, step) in steps.filter(|(name, step)| !flow.undoes(name) && !step.status.is_closed()) {
        put_to_rest(step, now);
    }
    Ok(())
}

pub(super) fn fold_decided(turn: &mut Turn<'_>, f: &plan::UndoDecided) -> Done {
    let now = turn.now;
    let step = super::step_mut(turn, f.plan, &f.at.step)?;
    if f.done {
        step.status = StepStatus::Done;
        step.ended = Some(now);
        return fold_step_done(turn, f.plan, &f.at.step);
    }
    step.begin_anew();
    Ok(())
}

pub(super) fn fold_resumed(turn: &mut Turn<'_>, f: &plan::Resumed) -> Done {
    let now = turn.now;
    let plan = turn.plan_mut(&f.plan)?;
    if plan.paused.take().is_some() {
        plan.paused_with = None;
        return Ok(());
    }
    (plan.ended, plan.ended_at) = (None, None);
    plan.problem = None;
    plan.deadline = plan.flow.timeout.map(|timeout| now + timeout);
    let repeats = crate::planted::is("resume-repeats");
    for step in plan.steps.values_mut() {
        let failed = matches!(step.status, StepStatus::Failed | StepStatus::Cancelled);
        if failed || repeats {
            step.begin_anew();
        }
    }
    Ok(())
}

/// Keeps in which order things were done, and what is left to undo.
pub(super) fn fold_step_done(turn: &mut Turn<'_>, id: PlanId, name: &Name) -> Done {
    let plan = turn.plan_mut(&id)?;
    if plan.flow.undo.is_empty() {
        return Ok(());
    }
    let Some(of) = plan.flow.undo.get(name).cloned() else {
        // What an earlier run did is that one's to undo.
        let mine = !plan.kept.contains_key(name);
        if mine && plan.flow.undo_of(name).is_some() {
            plan.undoable.push(name.clone());
        }
        return Ok(());
    };
    plan.undoable.retain(|done| *done != of);
    super::keys::forget(turn, id, &of)
}
