//! How a task goes on: begun by hand, tried again after it was blocked or failed, handed to
//! somebody else. What was made stays, and only what is left is done.

use std::collections::BTreeSet;

use naos_types::command::Reply;
use naos_types::fact::agent::Call;
use naos_types::fact::{Problem, task};
use naos_types::spec::{Assignee, Card, StepDo, StepSpec};
use naos_types::{
    Actor, BodyRef, Code, Name, PlanId, Refusal, RunId, StepStatus, TaskId, TaskStatus,
};

use super::board::{
    HANDS_MAX, OnBoard, assigned, checked, move_to, on_board, open_card, ready, refuse, start,
    waits_for, works,
};
use super::{Task, known};
use crate::plan::Plan;
use crate::review::{CHECKS, Verdict};
use crate::state::Key;
use crate::turn::{Done, Stop, Turn};
use crate::{message, run};

/// A task on the board that is open, or failed and may be tried again.
fn unfinished(turn: &Turn<'_>, task: TaskId) -> Done<OnBoard> {
    if known(turn, task)?.status == TaskStatus::Failed {
        return on_board(turn, task).cloned();
    }
    open_card(turn, task)
}

/// Whether an agent can be asked, or why not; whether a stopped one counts.
pub(super) fn takes_work(turn: &Turn<'_>, name: &Name, now: bool) -> Done<Result<(), Refusal>> {
    let Some(agent) = turn.agent(name)? else {
        let is_skill = crate::resource::skill(turn, name)?.is_some();
        let none = || Refusal::new(Code::NO_AGENT, format!("there is no agent {name}"));
        return Ok(is_skill
            .then_some(())
            .ok_or_else(|| none().help("hand the task over: naos task hand-over TASK AGENT")));
    };
    if now && agent.stopped {
        let why = Refusal::new(Code::AGENT_STOPPED, format!("{name} is stopped"));
        let help = format!("let it work: naos start {name}; or hand the task over");
        return Ok(Err(why.help(help)));
    }
    Ok(Ok(()))
}

/// Who does the next of what is left to do.
fn next_agent(turn: &Turn<'_>, found: &OnBoard) -> Done<Option<Name>> {
    let plan = match found.plan {
        Some(plan) => turn.plan(&plan)?,
        None => None,
    };
    let Some(plan) = plan else {
        return Ok(found.card.agent().cloned());
    };
    let left = plan.forward().find(|spec| {
        let step = plan.steps.get(&spec.name);
        !step.is_some_and(|step| matches!(step.status, StepStatus::Done | StepStatus::Skipped))
    });
    Ok(left.and_then(|spec| match &spec.action {
        StepDo::Task { agent, .. } => agent.clone(),
        does => does.review().and_then(|review| review.by.cloned()),
    }))
}

/// Somebody doesn't wait for a heartbeat; what was blocked or failed goes on where it stood. What a
/// person rejected is done anew: they would be asked about the very same again.
pub(super) fn begin(turn: &mut Turn<'_>, by: &Actor, task: TaskId) -> Done<Reply> {
    let found = unfinished(turn, task)?;
    if let Some(other) = waits_for(turn, &found.card)? {
        return refuse(Code::WRONG_STATE, format!("it waits for {other}"));
    }
    if let Some(plan) = found.plan
        && rejected(turn, plan)?.is_some()
        && !crate::planted::is("rejected-is-asked-again")
    {
        return do_anew(turn, task, plan);
    }
    if let Some(name) = next_agent(turn, &found)? {
        takes_work(turn, &name, true)?.map_err(|why| Stop::Refused(Box::new(why)))?;
    }
    let Some(plan) = found.plan else {
        start(turn, task, &found)?;
        return Ok(Reply::Done);
    };
    let stood = crate::plan::known(turn, plan)?;
    if !stood.is_closed() && stood.paused.is_none() {
        return refuse(Code::WRONG_STATE, "its work has begun already");
    }
    crate::plan::resume(turn, by, plan)
}

/// The work that a person rejected begins once more: its last agent is shown what it made and what
/// they said.
fn do_anew(turn: &mut Turn<'_>, task: TaskId, plan: PlanId) -> Done<Reply> {
    keep_what_was_made(turn, task, plan)?;
    let found = on_board(turn, task)?.clone();
    if let Some(name) = found.card.agent() {
        takes_work(turn, name, true)?.map_err(|why| Stop::Refused(Box::new(why)))?;
    }
    move_to(turn, task, TaskStatus::InProgress)?;
    start(turn, task, &found)?;
    Ok(Reply::Done)
}

/// Why the work of a task failed, where a person rejected what came of it.
pub(crate) fn rejected(turn: &Turn<'_>, plan: PlanId) -> Done<Option<Problem>> {
    let plan = crate::plan::known(turn, plan)?;
    let asks = |spec: &&StepSpec| spec.action.approval().is_some();
    let asked = plan.forward().filter(asks);
    let asked = asked.filter_map(|spec| plan.steps.get(&spec.name));
    let mut failed = asked.filter(|step| step.status == StepStatus::Failed);
    let why = failed.find_map(|step| step.problem.clone());
    Ok(why.filter(|why| why.code == Code::REJECTED))
}

/// The run of its steps goes on: the task is open again.
pub(crate) fn plan_resumed(turn: &mut Turn<'_>, id: PlanId) -> Done {
    let Some(task) = task_of(turn, id)? else {
        return Ok(());
    };
    match known(turn, task)?.status {
        TaskStatus::Blocked | TaskStatus::Failed => move_to(turn, task, TaskStatus::InProgress),
        _ => Ok(()),
    }
}

/// The task whose work a run of steps is.
pub(super) fn task_of(turn: &Turn<'_>, id: PlanId) -> Done<Option<TaskId>> {
    let Actor::Task(task) = crate::plan::known(turn, id)?.by else {
        return Ok(None);
    };
    Ok((on_board(turn, task)?.plan == Some(id)).then_some(task))
}

/// A step can't begin, or can't go on, for want of what a person may change: nothing is lost, the
/// task waits for them.
pub(crate) fn held(turn: &mut Turn<'_>, task: TaskId, problem: &Problem) -> Done {
    move_to(turn, task, TaskStatus::Blocked)?;
    // Beginning again alone helps nobody whose budget is used up, or too small.
    let first = match problem.code {
        Code::OVER_BUDGET | Code::BUDGET_TOO_SMALL => {
            format!("First {}. ", problem.code.entry().help)
        }
        _ => String::new(),
    };
    let words = format!(
        "It can't go on ({}): {}. {first}What was made of it stays; `naos task begin {task}` goes \
         on, `naos task hand-over` gives it to somebody else.",
        problem.code, problem.note
    );
    if problem.code == Code::HANDED_ROUND {
        return message::warn(turn, task, &words);
    }
    message::note(turn, task, &words)
}

/// The open run in which an agent is at a task of the board: a step of its work.
pub(crate) fn run_of(turn: &Turn<'_>, found: &OnBoard, name: &Name) -> Done<Option<RunId>> {
    let Some(plan) = found.plan else {
        return Ok(None);
    };
    let Some(plan) = turn.plan(&plan)? else {
        return Ok(None);
    };
    let tasks = plan.steps.values().filter(|step| !step.status.is_closed());
    let tasks: Vec<TaskId> = tasks.filter_map(|step| step.task).collect();
    turn.load(tasks.iter().map(|task| Key::Task(*task)))?;
    for task in tasks {
        if let Some(run) = known(turn, task)?.run
            && turn.run(&run)?.is_some_and(|run| run::at_work(run, name))
        {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// Whose turn it is in a task: of those whom it was given to, one after the other, the first who
/// isn't done with it.
fn turn_of(turn: &Turn<'_>, found: &OnBoard) -> Done<Option<Name>> {
    let first = || found.card.agent().cloned();
    let plan = match found.plan {
        Some(plan) => turn.plan(&plan)?,
        None => None,
    };
    let Some(plan) = plan else {
        return Ok(first());
    };
    let mut open = plan.forward().filter_map(|spec| {
        let step = plan.steps.get(&spec.name)?;
        match &spec.action {
            StepDo::Task { agent, .. } if step.status != StepStatus::Done => agent.clone(),
            _ => None,
        }
    });
    Ok(open.next().or_else(first))
}

/// How many open tasks are an agent's: those on its desk, and those that can't go on.
pub(crate) fn given_to(turn: &Turn<'_>, name: &Name) -> Done<usize> {
    let desk = turn.desk(name)?.map(|desk| desk.calls.clone());
    let calls = desk.unwrap_or_default().into_iter();
    let called = calls.filter_map(|call| match call {
        Call::Task(task) => Some(task),
        _ => None,
    });
    let is_blocked = |task: &Task| task.status == TaskStatus::Blocked;
    let open = turn.tables.task.iter();
    let blocked = open.filter(|(_, task)| is_blocked(task)).map(|(id, _)| *id);
    let blocked = blocked.filter(|_| !crate::planted::is("blocked-orphaned"));
    let all: BTreeSet<TaskId> = called.chain(blocked).collect();
    turn.load(all.iter().map(|task| Key::Card(*task)))?;
    let mut given = 0;
    for task in all {
        let Some(found) = turn.card(&task)? else {
            continue; // a step's, which its plan waits for
        };
        let is_its = turn_of(turn, found)?.as_ref() == Some(name);
        given += usize::from(is_its && !known(turn, task)?.status.is_closed());
    }
    Ok(given)
}

/// The task, where it may be given to somebody else.
pub(crate) fn may_hand(turn: &Turn<'_>, by: &Actor, task: TaskId, to: &Assignee) -> Done<OnBoard> {
    let found = unfinished(turn, task)?;
    if found.card.to.as_ref() == Some(to) {
        return refuse(Code::WRONG_STATE, format!("it is {to}'s already"));
    }
    let by_agent = matches!(by, Actor::Agent(_));
    if by_agent && found.hands >= HANDS_MAX && !crate::planted::is("handed-in-circles") {
        let what = format!("it was handed on {HANDS_MAX} times: a person decides whose it is");
        return refuse(Code::WRONG_STATE, what);
    }
    let mut card = Card::clone(&found.card);
    card.give(to.clone());
    checked(turn, &card)?;
    Ok(found)
}

/// Whether agents would hand a task on once too often.
pub(crate) fn goes_round(turn: &Turn<'_>, task: TaskId, to: &Assignee) -> Done<bool> {
    let found = on_board(turn, task)?;
    let again = found.card.to.as_ref() != Some(to);
    let planted =
        crate::planted::is("handed-in-circles") || crate::planted::is("circles-end-as-done");
    Ok(again && found.hands >= HANDS_MAX && !planted)
}

/// Agents handed a task on so often that a person decides whose it is: nothing of it goes on until
/// then, and who follows it hears why.
pub(crate) fn ask_whose(turn: &mut Turn<'_>, task: TaskId) -> Done {
    let note = format!("agents handed it on {HANDS_MAX} times: a person decides whose it is");
    let problem = Problem::new(Code::HANDED_ROUND, note);
    match on_board(turn, task)?.plan {
        Some(plan) => crate::plan::hold_open(turn, plan, task, &problem),
        None => held(turn, task, &problem),
    }
}

/// Somebody else goes on with it.
pub(crate) fn hand(
    turn: &mut Turn<'_>,
    by: &Actor,
    task: TaskId,
    to: &Assignee,
    note: Option<BodyRef>,
) -> Done<Reply> {
    let found = may_hand(turn, by, task, to)?;
    let by_agent = matches!(by, Actor::Agent(_));
    let open = works(turn, &found)?.then_some(found.plan).flatten();
    if let Some(plan) = found.plan {
        keep_what_was_made(turn, task, plan)?;
    }
    turn.emit(task::Handed {
        task,
        from: found.card.to.clone(),
        to: to.clone(),
        hands: if by_agent { found.hands + 1 } else { 0 },
        by: by.clone(),
    })?;
    if let Some(plan) = open {
        crate::plan::cancel(turn, by, plan)?;
    }
    assigned(turn, by, task, found.card.to.as_ref())?;
    if let Some(note) = note {
        message::say(turn, by, task, note, 0)?;
    }
    ready(turn, task)?;
    Ok(Reply::Done)
}

/// Whoever goes on sees what was made, and does what is left: the step that was under way is
/// theirs.
fn keep_what_was_made(turn: &mut Turn<'_>, task: TaskId, plan: PlanId) -> Done {
    let no = rejected(turn, plan)?;
    let plan = crate::plan::held(turn, plan)?;
    let reviewer = on_board(turn, task)?.card.reviewer.clone();
    for spec in plan.forward() {
        let (
            StepDo::Task {
                agent: Some(agent), ..
            },
            Some(step),
        ) = (&spec.action, plan.steps.get(&spec.name))
        else {
            continue;
        };
        let Some(body) = step.output else {
            continue;
        };
        let agent = agent.clone();
        turn.emit(task::Made {
            task,
            agent,
            body,
            refuted: false,
        })?;
        let refuted = step.feedback.filter(|_| step.status != StepStatus::Done);
        let by_checks = plan
            .checked
            .values()
            .any(|checked| Some(checked.evidence) == refuted);
        let by = match by_checks {
            true => Some(Name::new(CHECKS).map_err(|e| Stop::broken(e.to_string()))?),
            false => reviewer.clone(),
        };
        if let (Some(body), Some(agent)) = (refuted, by) {
            turn.emit(task::Made {
                task,
                agent,
                body,
                refuted: true,
            })?;
        }
    }
    if let Some(no) = no.filter(|_| !crate::planted::is("rejections-unheard")) {
        let words = match &no.said {
            Some(said) => turn.unseal(said)?.unwrap_or_default().to_owned(),
            None => String::new(),
        };
        let body = turn.stage(words.into_bytes())?;
        turn.emit(task::Made {
            task,
            agent: Name::new(message::SELF).map_err(|e| Stop::broken(e.to_string()))?,
            body,
            refuted: true,
        })?;
    }
    // The person's words come first: they decided.
    if let Some((agent, body)) = disputed(turn, &plan)? {
        turn.emit(task::Made {
            task,
            agent,
            body,
            refuted: true,
        })?;
    }
    Ok(())
}

/// What a reviewer still refuted when a person was asked, and who that is.
fn disputed(turn: &Turn<'_>, plan: &Plan) -> Done<Option<(Name, BodyRef)>> {
    if crate::planted::is("disputes-unheard") {
        return Ok(None);
    }
    let looks = plan.steps.values().filter(|s| s.status == StepStatus::Done);
    for review in looks.filter_map(|step| step.review) {
        if let Some(found) = turn.review(&review)?
            && let Some((Verdict::Refuted, Some(body))) = &found.verdict
        {
            return Ok(Some((found.reviewer.clone(), *body)));
        }
    }
    Ok(None)
}
