//! What agents put on the board for others: parts of the task that they work on, and tasks of their
//! own, where their run is for none.
//!
//! Whatever a model was talked into, it ends: a run makes few, an agent has few of its own open,
//! and tasks and events that lead to each other count.

use std::sync::Arc;

use naos_types::spec::Card;
use naos_types::{Actor, BodyRef, Code, Name, RunId, Sealed, TaskId};

use super::board::{self, ENTRUSTED_MAX, LEVELS_MAX, OWN_OPEN_MAX, on_board, refuse};
use super::known;
use crate::message;
use crate::state::Key;
use crate::turn::{Done, Turn};

/// An agent puts a task on the board for another, as a part of the task that it works on.
pub(crate) fn entrust(
    turn: &mut Turn<'_>,
    by: &Name,
    whole: TaskId,
    (title, brief): (&Sealed, BodyRef),
    card: Card,
) -> Done<TaskId> {
    for_another(by, &card)?;
    if on_board(turn, whole)?.parts.len() >= ENTRUSTED_MAX {
        let what = format!("{whole} has {ENTRUSTED_MAX} parts already: a person makes more");
        return refuse(Code::TOO_LARGE, what);
    }
    let (mut above, mut levels) = (Some(whole), 0);
    while let Some(task) = above {
        levels += 1;
        above = on_board(turn, task)?.card.part_of;
        if levels >= LEVELS_MAX && !crate::planted::is("tasks-without-end") {
            let what = format!("tasks of agents lie at most {LEVELS_MAX} deep within each other");
            return refuse(Code::WRONG_STATE, what);
        }
    }
    let card = Card {
        part_of: Some(whole),
        ..card
    };
    let task = turn.mint.next_id();
    planned(turn, by, task, (title, brief), card)
}

/// The same where its run is for no task: it is the agent's own, and says in whose name that run
/// is. `root` is the run that it was asked in, or its own.
pub(crate) fn by_itself(
    turn: &mut Turn<'_>,
    by: &Name,
    (run, root): (RunId, RunId),
    (title, brief): (&Sealed, BodyRef),
    card: Card,
) -> Done<TaskId> {
    for_another(by, &card)?;
    let most = match crate::planted::is("own-tasks-without-end") {
        true => 2 * ENTRUSTED_MAX,
        false => ENTRUSTED_MAX,
    };
    let ids: Vec<TaskId> = (0..most)
        .map(|number| TaskId::derived(run.0, &format!("own/{number}")))
        .collect();
    turn.load(ids.iter().map(|id| Key::Task(*id)))?;
    let mut free = None;
    for id in ids {
        if turn.task(&id)?.is_none() {
            free = Some(id);
            break;
        }
    }
    let Some(task) = free else {
        let what = format!("the run made {ENTRUSTED_MAX} tasks already: a person makes more");
        return refuse(Code::TOO_LARGE, what);
    };
    if open_of(turn, by)? >= OWN_OPEN_MAX {
        let what = format!(
            "{OWN_OPEN_MAX} tasks that {by} made by itself are open: it makes more when one is done"
        );
        return refuse(Code::TOO_LARGE, what);
    }
    let hops = crate::event::from_run(turn, root)?.hops + 1;
    if hops as usize > LEVELS_MAX && !crate::planted::is("tasks-without-end") {
        let what = "tasks of agents and events led to each other too often: a person goes on";
        return refuse(Code::WRONG_STATE, what);
    }
    let whose = in_whose_name(turn, root)?;
    let made = planned(turn, by, task, (title, brief), Card { hops, ..card })?;
    message::note(
        turn,
        made,
        &format!("{by} made this in {run}, for {whose}."),
    )?;
    Ok(made)
}

fn for_another(by: &Name, card: &Card) -> Done {
    if card.agent() == Some(by) {
        let what = "that would be its own task: it does it itself";
        return refuse(Code::WRONG_STATE, what);
    }
    Ok(())
}

fn planned(
    turn: &mut Turn<'_>,
    by: &Name,
    task: TaskId,
    what: (&Sealed, BodyRef),
    card: Card,
) -> Done<TaskId> {
    let by = Actor::Agent(by.clone());
    board::plan(turn, &by, task, what, &Arc::new(card))?;
    Ok(task)
}

/// How many tasks that an agent made by itself are open.
fn open_of(turn: &Turn<'_>, by: &Name) -> Done<usize> {
    // Open ones are always loaded.
    let by = Actor::Agent(by.clone());
    let tasks = turn.tables.task.iter();
    let tasks = tasks.filter(|(_, task)| {
        task.by == by && task.stands_on_the_board() && !task.status.is_closed()
    });
    let tasks: Vec<TaskId> = tasks.map(|(id, _)| *id).collect();
    turn.load(tasks.iter().map(|task| Key::Card(*task)))?;
    let mut open = 0;
    for task in tasks {
        let is_own = turn
            .card(&task)?
            .is_some_and(|found| found.card.part_of.is_none());
        open += usize::from(is_own);
    }
    Ok(open)
}

/// Who wanted the run, as people read it.
fn in_whose_name(turn: &Turn<'_>, root: RunId) -> Done<String> {
    let task = crate::run::known(turn, root)?.task;
    Ok(match &known(turn, task)?.by {
        Actor::Member(member, _) => {
            let handle = turn.member(member)?.and_then(|found| found.handle.clone());
            handle.map_or_else(|| member.to_string(), |handle| format!("@{handle}"))
        }
        Actor::Schedule(kind, name) => format!("the {} {name}", kind.word()),
        Actor::Trigger(name, _) => format!("the subscription {name}"),
        other => other.to_string(),
    })
}

/// How many tasks that agents made by themselves, and events, led to what somebody's work is for.
pub(crate) fn hops(turn: &Turn<'_>, by: &Actor) -> Done<u32> {
    let Some((task, _)) = crate::run::task_by(turn, by)? else {
        return Ok(0);
    };
    Ok(turn.card(&task)?.map_or(0, |found| found.card.hops))
}
