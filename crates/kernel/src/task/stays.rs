//! Where material comes from that must not leave the country.
//!
//! An agent's data may have to stay, and what is made of it has to stay, too. So the mark goes on
//! from the work of such an agent to whatever it is a part of (its plan, the task on the board, the
//! question that somebody waits for), and from there to all that is opened from then on. It is
//! never taken away again: what an agent may later doesn't change what was made before.

use naos_types::fact::task::{Opened, Parent};
use naos_types::spec::{Spec, StaysFrom};
use naos_types::{Actor, Name, PlanId, RunId, TaskId};

use crate::state::ResourceKey;
use crate::turn::{Done, Turn};

/// What a task would be made from that has to stay, if somebody opened it now.
pub(crate) fn source(
    turn: &Turn<'_>,
    by: &Actor,
    parent: Option<&Parent>,
) -> Done<Option<StaysFrom>> {
    if crate::planted::is("results-leave") {
        return Ok(None);
    }
    let above = match parent {
        Some(parent) => in_plan(turn, parent.plan)?,
        None => None,
    };
    match above {
        Some(from) => Ok(Some(from)),
        None => given_by(turn, by),
    }
}

/// What somebody who opens a task has that has to stay.
fn given_by(turn: &Turn<'_>, by: &Actor) -> Done<Option<StaysFrom>> {
    match by {
        Actor::Plan(plan) => in_plan(turn, *plan),
        Actor::Task(task) => of(turn, *task),
        Actor::Message(message) => match turn.message(message)? {
            Some(message) => of(turn, message.task),
            None => Ok(None),
        },
        Actor::Call(run, _) => of_run(turn, *run),
        Actor::Schedule(kind, name) => {
            let found = turn.resource(&ResourceKey(*kind, name.clone()))?;
            Ok(match found.map(|found| &found.spec) {
                Some(Spec::Schedule(spec)) => crate::run::wake_stays(spec),
                _ => None,
            })
        }
        _ => Ok(None),
    }
}

fn in_plan(turn: &Turn<'_>, id: PlanId) -> Done<Option<StaysFrom>> {
    let Some(plan) = turn.plan(&id)? else {
        return Ok(None);
    };
    match &plan.stays {
        Some(from) => Ok(Some(StaysFrom::clone(from))),
        None => given_by(turn, &plan.by),
    }
}

/// What a task has that has to stay. Who works for one of the board, or answers in its thread,
/// hears what is said there meanwhile; what a plan does meanwhile, none of its steps hears.
pub(crate) fn of(turn: &Turn<'_>, task: TaskId) -> Done<Option<StaysFrom>> {
    let Some(found) = turn.task(&task)? else {
        return Ok(None);
    };
    match (&found.stays, &found.by) {
        (Some(from), _) => Ok(Some(StaysFrom::clone(from))),
        (None, by @ (Actor::Task(_) | Actor::Message(_)))
            if !crate::planted::is("results-leave") =>
        {
            given_by(turn, by)
        }
        _ => Ok(None),
    }
}

/// The same of the task that a run is for.
pub(crate) fn of_run(turn: &Turn<'_>, run: RunId) -> Done<Option<StaysFrom>> {
    match turn.run(&run)? {
        Some(run) => of(turn, run.task),
        None => Ok(None),
    }
}

/// A task is opened: it stays where what it is made from has to.
pub(super) fn opened(turn: &mut Turn<'_>, f: &Opened) -> Done {
    match source(turn, &f.by, f.parent.as_ref())? {
        Some(from) => mark(turn, f.task, &from),
        None => Ok(()),
    }
}

/// An agent works on a task, or did: it stays where the agent's data has to.
pub(crate) fn worked(turn: &mut Turn<'_>, agent: &Name, task: TaskId) -> Done {
    let Some(mind) = crate::run::mind(turn, agent)? else {
        return Ok(());
    };
    if !crate::run::stays(turn, &mind)? {
        return Ok(());
    }
    let agent = agent.clone();
    mark(turn, task, &StaysFrom { agent, task })
}

/// A step of a run of a plan was done by an earlier one.
pub(crate) fn done_before(turn: &mut Turn<'_>, plan: PlanId, earlier: PlanId) -> Done {
    match in_plan(turn, earlier)? {
        Some(from) => mark_plan(turn, plan, &from),
        None => Ok(()),
    }
}

/// A task stays from now on, and with it all that gets what comes of it.
pub(super) fn mark(turn: &mut Turn<'_>, task: TaskId, from: &StaysFrom) -> Done {
    let Some(found) = turn.task(&task)?.filter(|found| found.stays.is_none()) else {
        return Ok(()); // what it is for is marked with it
    };
    let (by, parent) = (found.by.clone(), found.parent.clone());
    turn.task_mut(&task)?.stays = Some(Box::new(from.clone()));
    if let Some(parent) = parent {
        mark_plan(turn, parent.plan, from)?;
    }
    mark_giver(turn, &by, from)
}

fn mark_plan(turn: &mut Turn<'_>, id: PlanId, from: &StaysFrom) -> Done {
    let Some(plan) = turn.plan(&id)?.filter(|plan| plan.stays.is_none()) else {
        return Ok(());
    };
    let by = plan.by.clone();
    turn.plan_mut(&id)?.stays = Some(Box::new(from.clone()));
    mark_giver(turn, &by, from)
}

/// Whoever opened it gets what comes of it.
fn mark_giver(turn: &mut Turn<'_>, by: &Actor, from: &StaysFrom) -> Done {
    let task = match by {
        Actor::Plan(plan) => return mark_plan(turn, *plan, from),
        Actor::Task(task) => Some(*task),
        Actor::Message(message) => turn.message(message)?.map(|message| message.task),
        Actor::Call(run, _) => turn.run(run)?.map(|run| run.task),
        _ => None,
    };
    match task {
        Some(task) => mark(turn, task, from),
        None => Ok(()),
    }
}
