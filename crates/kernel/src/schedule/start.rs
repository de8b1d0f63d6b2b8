//! What a schedule starts. Another kind that can be started is one more arm here.

use naos_types::fact::Problem;
use naos_types::fact::event::{Category, Origin};
use naos_types::fact::schedule::Began;
use naos_types::spec::{Begins, Kind};
use naos_types::{Actor, Code, Name, PlanId, TaskId};

use crate::state::ResourceKey;
use crate::task::Wanted;
use crate::turn::{Done, Stop, Turn};

/// Starts it, or says why it can't be started now. `run` is what its id follows from.
pub(super) fn begin(
    turn: &mut Turn<'_>,
    key: &ResourceKey,
    starts: &Begins,
    run: Option<u128>,
) -> Done<Result<Began, Problem>> {
    let before = turn.facts.len();
    let by = Actor::Schedule(key.0, key.1.clone());
    match attempt(turn, &by, key, starts, run) {
        Ok(began) => Ok(Ok(began)),
        Err(Stop::Refused(refusal)) if turn.facts.len() == before => {
            Ok(Err(Problem::new(refusal.code, refusal.what)))
        }
        Err(Stop::Refused(refusal)) => Err(Stop::broken(format!(
            "a schedule was refused in the middle of what it started: {}",
            refusal.what
        ))),
        Err(stop) => Err(stop),
    }
}

fn attempt(
    turn: &mut Turn<'_>,
    by: &Actor,
    key: &ResourceKey,
    starts: &Begins,
    run: Option<u128>,
) -> Done<Began> {
    if let Begins::Event { topic, data } = starts {
        let data = turn.stage(data.clone().into_bytes())?;
        let origin = Origin {
            category: Category::Internal,
            ..Origin::default()
        };
        let event = crate::event::publish(turn, by, topic, data, origin)?;
        return Ok(Began::Event(event));
    }
    if let Begins::Standup(spec) = starts {
        return super::standup::tell(turn, key, spec).map(Began::Standup);
    }
    let Some((kind, name, input)) = starts.run() else {
        return Err(Stop::broken("a schedule that starts nothing".into()));
    };
    match kind {
        Kind::Agent => {
            let task = run.map(|parent| TaskId::derived(parent, "fired"));
            task_of(turn, by, name, input, task)
        }
        Kind::Plan | Kind::Instruction | Kind::Workflow | Kind::Saga | Kind::Pool => {
            let plan = run.map(|parent| PlanId::derived(parent, "fired"));
            plan_of(turn, by, (kind, name), input, plan)
        }
        kind => {
            let what = format!("{} {name} can't be run by this version yet", kind.word());
            Err(Stop::refused(Code::WRONG_STATE, what))
        }
    }
}

fn plan_of(
    turn: &mut Turn<'_>,
    by: &Actor,
    (kind, name): (Kind, &Name),
    input: &str,
    plan: Option<PlanId>,
) -> Done<Began> {
    if let Some(plan) = plan
        && turn.plan(&plan)?.is_some()
    {
        return Ok(Began::Plan(plan)); // it was started before
    }
    let inputs = turn.stage(input.to_owned().into_bytes())?;
    let started = match kind {
        Kind::Pool => crate::plan::submit_due(turn, by, name, inputs, plan),
        _ => crate::plan::start_due(turn, by, (kind, name), inputs, plan),
    };
    started.map(Began::Plan)
}

fn task_of(
    turn: &mut Turn<'_>,
    by: &Actor,
    agent: &Name,
    input: &str,
    task: Option<TaskId>,
) -> Done<Began> {
    let task = match task {
        Some(task) if turn.task(&task)?.is_some() => return Ok(Began::Task(task)),
        Some(task) => task,
        None => turn.mint.next_id(),
    };
    let title = turn.seal(format!("scheduled: {agent}"))?;
    let wanted = Wanted {
        task,
        title,
        input: turn.stage(input.to_owned().into_bytes())?,
        agent: Some(agent.clone()),
        parent: None,
        by: by.clone(),
    };
    crate::task::open(turn, wanted)?;
    Ok(Began::Task(task))
}
