//! What a task waits for, and what it is a part of, where that changes: none waits for itself,
//! however many lie between, and none is a part of itself.

use std::collections::BTreeSet;

use naos_types::spec::Card;
use naos_types::{Code, TaskId, TaskStatus};

use super::board::{LINKS_MAX, on_board, refuse};
use super::known;
use crate::state::Key;
use crate::turn::{Done, Turn};

/// How many tasks are looked at for a circle.
const LOOKED_AT_MAX: usize = 1_000;

/// Whether another task can be waited for.
pub(super) fn may_wait_for(turn: &Turn<'_>, other: TaskId) -> Done {
    let status = known(turn, other)?.status;
    if status.is_closed() && status != TaskStatus::Done {
        let what = format!("{other} is {status}: what waits for it never begins");
        return refuse(Code::WRONG_STATE, what);
    }
    if on_board(turn, other)?.unblocks.len() >= LINKS_MAX {
        let what = format!("{LINKS_MAX} tasks wait for {other} already");
        return refuse(Code::TOO_LARGE, what);
    }
    Ok(())
}

/// Whether another part fits into a task.
pub(super) fn may_have_part(turn: &Turn<'_>, whole: TaskId) -> Done {
    if on_board(turn, whole)?.parts.len() >= LINKS_MAX {
        let what = format!("{whole} has {LINKS_MAX} parts already");
        return refuse(Code::TOO_LARGE, what);
    }
    Ok(())
}

/// What is new about a task's links can be.
pub(super) fn changed(turn: &Turn<'_>, task: TaskId, was: &Card, card: &Card) -> Done {
    for other in card.after.iter().filter(|other| !was.after.contains(other)) {
        may_wait_for(turn, *other)?;
        let waits = |card: &Card| card.after.clone();
        if leads(turn, *other, task, waits)? && !crate::planted::is("waits-in-a-circle") {
            let what = format!("{other} waits for {task} already: neither would ever begin");
            return refuse(Code::WRONG_STATE, what);
        }
    }
    if let Some(whole) = card.part_of.filter(|_| was.part_of != card.part_of) {
        may_have_part(turn, whole)?;
        let above = |card: &Card| card.part_of.into_iter().collect();
        if leads(turn, whole, task, above)? {
            let what = format!("{whole} is {task}, or a part of it: it can't be its part too");
            return refuse(Code::WRONG_STATE, what);
        }
    }
    Ok(())
}

/// Whether one task leads to another, step by step.
fn leads(
    turn: &Turn<'_>,
    from: TaskId,
    to: TaskId,
    next: impl Fn(&Card) -> Vec<TaskId>,
) -> Done<bool> {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(task) = open.pop() {
        if task == to {
            return Ok(true);
        }
        if !seen.insert(task) {
            continue;
        }
        if seen.len() > LOOKED_AT_MAX {
            let what = format!("more than {LOOKED_AT_MAX} tasks hang together there");
            return refuse(Code::TOO_LARGE, what);
        }
        let further = next(&on_board(turn, task)?.card);
        turn.load(further.iter().map(|task| Key::Task(*task)))?;
        open.extend(further);
    }
    Ok(false)
}
