//! Steps that run another plan. Each attempt is a run of its own, whose id follows from the step:
//! neither keeps where the other is. A run that is a step lives while its step waits for it: it
//! looks for that itself, in a turn of its own, so that what is let go ends after a crash, too.

use naos_types::fact::{Problem, plan};
use naos_types::spec::{Kind, StepDo};
use naos_types::{
    Actor, BodyRef, Code, Micros, Name, PlanId, PlanStatus, StepPath, StepStatus, TaskId,
};

use super::start::{Made, Work, attempt_path, made};
use super::{Plan, known, outcome, steps_of, undo};
use crate::need::{Compute, Formula, Var};
use crate::state::Key;
use crate::turn::{Done, Stop, Turn};

/// How many plans run each other, the first one counted.
pub const PLAN_DEPTH_MAX: usize = 8;

impl Plan {
    /// The run that the last attempt of a step, or of one item of its list, began.
    #[must_use]
    pub fn nested(&self, id: PlanId, step: &Name, item: Option<u32>) -> Option<PlanId> {
        let spec = self.known(step)?;
        let StepDo::Plan { .. } = spec.action else {
            return None;
        };
        let found = self.steps.get(step)?;
        let attempt = match item {
            Some(index) => found.fan.as_ref()?.open.get(&index)?.attempt,
            None if spec.for_each.is_some() => return None,
            None => found.attempt,
        };
        let at = StepPath {
            step: step.clone(),
            item,
        };
        (attempt > 0).then(|| PlanId::derived(id.0, &attempt_path(&at, found.round, attempt)))
    }

    /// The steps and items that wait for a run, and for which.
    fn waits_for(&self, id: PlanId) -> impl Iterator<Item = (StepPath, PlanId)> {
        let running = self.steps.iter();
        let running = running.filter(|(_, step)| step.status == StepStatus::Running);
        let items = running.flat_map(|(name, step)| {
            let open = step.fan.iter().flat_map(|fan| &fan.open);
            let open = open.filter(|(_, item)| item.retry_at.is_none());
            let items = open.map(|(index, _)| Some(*index));
            items.chain([None]).map(move |item| (name, item))
        });
        items.filter_map(move |(name, item)| {
            let run = self.nested(id, name, item)?;
            let step = name.clone();
            Some((StepPath { step, item }, run))
        })
    }
}

/// The plans above one, itself last.
fn path(turn: &Turn<'_>, plan: &Plan) -> Done<Vec<Name>> {
    let mut names = vec![plan.name.clone()];
    let mut by = plan.by.clone();
    while let Actor::Plan(above) = by
        && names.len() <= PLAN_DEPTH_MAX
    {
        let found = known(turn, above)?;
        names.push(found.name.clone());
        by = found.by.clone();
    }
    names.reverse();
    Ok(names)
}

/// What a run cost is told by the run of a plan that it is a step of, and by those above it.
pub(crate) fn fold_cost(turn: &mut Turn<'_>, task: TaskId, cost: Micros) -> Done {
    if cost == Micros::ZERO || crate::planted::is("plans-cost-nothing") {
        return Ok(());
    }
    let parent = turn.task(&task)?.and_then(|task| task.parent.as_ref());
    let mut next = parent.map(|parent| parent.plan);
    for _ in 0..PLAN_DEPTH_MAX {
        let Some(id) = next.take() else { break };
        if turn.plan(&id)?.is_none() {
            break;
        }
        let plan = turn.plan_mut(&id)?;
        plan.cost = plan.cost.plus(cost);
        if let Actor::Plan(above) = plan.by {
            next = Some(above);
        }
    }
    Ok(())
}

pub(super) fn begin(
    turn: &mut Turn<'_>,
    work: &Work<'_>,
    of: Kind,
    name: &Name,
    input: Option<&str>,
) -> Made<()> {
    let mut above = path(turn, work.plan)?;
    if above.len() >= PLAN_DEPTH_MAX {
        above.push(name.clone());
        let names: Vec<&str> = above.iter().map(Name::as_str).collect();
        let note = format!(
            "{PLAN_DEPTH_MAX} plans run each other: {}",
            names.join(" → ")
        );
        let problem = Problem::new(Code::PLANS_TOO_DEEP, note);
        outcome::failed_for_good(turn, work.id, work.plan, work.at.clone(), problem)?;
        return Ok(Ok(()));
    }
    let input = made!(inputs(turn, work, of, name, input));
    let id = PlanId::derived(work.id.0, &work.path());
    let by = Actor::Plan(work.id);
    let begun = steps_of(turn, of, name)
        .and_then(|what| super::begin(turn, &by, name, what, input, Some(id)));
    match begun {
        Ok(_) => {}
        Err(Stop::Refused(refusal)) => {
            let problem = Problem::new(refusal.code, refusal.what);
            outcome::failed(turn, work.id, work.at.clone(), problem)?;
        }
        Err(stop) => return Err(stop),
    }
    Ok(Ok(()))
}

/// What it is given: without a template, a plan gets what it takes of what there is.
fn inputs(
    turn: &Turn<'_>,
    work: &Work<'_>,
    of: Kind,
    name: &Name,
    template: Option<&str>,
) -> Made<BodyRef> {
    let given = made!(work.body(turn, template));
    if template.is_some() || !matches!(of, Kind::Plan | Kind::Instruction) {
        return Ok(Ok(given));
    }
    let (spec, ..) = match steps_of(turn, of, name) {
        Ok(found) => found,
        Err(Stop::Refused(_)) => return Ok(Ok(given)), // beginning it says what is missing
        Err(stop) => return Err(stop),
    };
    let names = spec.inputs.iter().map(|input| input.name.clone());
    let made = turn.compute(Compute {
        formula: Formula::Cel("it".into()),
        vars: vec![("it".to_owned(), Var::Taken(given, names.collect()))],
    })?;
    Ok(made.map(|computed| computed.body))
}

/// A run ended: if it is a step of another one, that goes on.
pub(crate) fn nested_closed(turn: &mut Turn<'_>, f: &plan::Closed) -> Done {
    let plan = known(turn, f.plan)?;
    let Actor::Plan(above) = plan.by else {
        return Ok(());
    };
    let name = plan.name.clone();
    let Some(at) = waiting(turn, above, f.plan)? else {
        return Ok(());
    };
    if matches!(f.status, PlanStatus::Completed | PlanStatus::Partial) {
        return turn.emit(plan::StepDone::by_itself(above, at, f.output));
    }
    let mut problem = Problem::new(Code::STEP_FAILED, format!("{name} is {}", f.status));
    if let Some(why) = &f.problem {
        problem.code = why.code;
        problem.note = format!("{}: {}", problem.note, why.note);
        problem.said.clone_from(&why.said);
    }
    outcome::failed(turn, above, at, problem)
}

/// The step of `above` that waits for this run.
pub(super) fn waiting(turn: &Turn<'_>, above: PlanId, run: PlanId) -> Done<Option<StepPath>> {
    let Some(plan) = turn.plan(&above)?.filter(|plan| !plan.is_closed()) else {
        return Ok(None);
    };
    let mut all = plan.waits_for(above);
    Ok(all.find(|(_, found)| *found == run).map(|(at, _)| at))
}

/// Ends a run that is a step for which nobody waits any more. Whether it did.
pub(super) fn let_go(turn: &mut Turn<'_>, id: PlanId, plan: &Plan) -> Done<bool> {
    let Actor::Plan(above) = plan.by else {
        return Ok(false);
    };
    let goes_on = plan.undoing || crate::planted::is("nested-goes-on");
    if goes_on || waiting(turn, above, id)?.is_some() {
        return Ok(false);
    }
    undo::fail(turn, &Actor::Plan(above), id, PlanStatus::Cancelled, None)?;
    Ok(true)
}

/// A run that is a step is paused while the one above is, and goes on with it, unless somebody
/// paused it itself. Whether anything changed.
pub(super) fn keeps_step(turn: &mut Turn<'_>, id: PlanId, plan: &Plan) -> Done<bool> {
    let Actor::Plan(above) = plan.by else {
        return Ok(false);
    };
    let found = turn.plan(&above)?;
    let rests = found.is_some_and(|above| !above.is_closed() && above.is_paused());
    let rests = rests && !crate::planted::is("pause-stays-above");
    let (name, by) = (plan.name.clone(), Actor::Plan(above));
    match (plan.paused, plan.paused_with) {
        (None, _) if rests => turn.emit(plan::Paused { plan: id, name, by })?,
        (Some(_), Some(_)) if !rests => turn.emit(plan::Resumed { plan: id, name, by })?,
        (Some(_), None) if !rests && crate::planted::is("resume-wakes-all") => {
            turn.emit(plan::Resumed { plan: id, name, by })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The runs that its steps wait for look whether they keep step with it.
pub(crate) fn pauses_too(turn: &mut Turn<'_>, id: PlanId) -> Done {
    let runs = known(turn, id)?.waits_for(id).map(|(_, run)| run);
    let runs: Vec<PlanId> = runs.collect();
    turn.load(runs.iter().copied().map(Key::Plan))?;
    for run in runs {
        if turn.plan(&run)?.is_some_and(|plan| !plan.is_closed()) {
            turn.advance(run);
        }
    }
    Ok(())
}

/// What a step, or one item of it, ran as it was before is looked at: nobody may wait for it.
pub(super) fn look(turn: &mut Turn<'_>, id: PlanId, plan: &Plan, name: &Name) -> Done {
    let open = plan.steps.get(name).and_then(|step| step.fan.as_ref());
    let open = open.iter().flat_map(|fan| fan.open.keys());
    let items = open.map(|index| Some(*index)).chain([None]);
    let runs: Vec<PlanId> = items
        .filter_map(|item| plan.nested(id, name, item))
        .collect();
    turn.load(runs.iter().copied().map(Key::Plan))?;
    for run in runs {
        if turn.plan(&run)?.is_some_and(|plan| !plan.is_closed()) {
            turn.advance(run);
        }
    }
    Ok(())
}
