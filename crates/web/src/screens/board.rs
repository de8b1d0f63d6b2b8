//! `/board`.

use naos_engine::read::{Lists, Reader};
use naos_kernel::task::Task;
use naos_types::{Refusal, TaskId, TaskStatus};

use crate::door::{Answered, Call};
use crate::pages::board::{Board, COLUMN_CARDS_MAX, Card, Column};
use crate::pages::words::{self, Stage};

pub(crate) async fn show(call: Call) -> Answered {
    let columns = columns(&call.lists().await?)?;
    let form_key = super::form_key();
    super::page(&call, &Board { columns, form_key })
}

const fn stage(status: TaskStatus) -> Stage {
    match status {
        TaskStatus::Inbox => Stage::Inbox,
        TaskStatus::Assigned => Stage::Assigned,
        TaskStatus::InProgress => Stage::InProgress,
        TaskStatus::SquadReview => Stage::SquadReview,
        TaskStatus::HumanApproval => Stage::HumanApproval,
        TaskStatus::Done => Stage::Done,
        TaskStatus::Failed | TaskStatus::Blocked | TaskStatus::Cancelled => Stage::Stuck,
    }
}

/// The columns as they stand.
pub(super) fn columns(lists: &Lists) -> Result<Vec<Column>, Refusal> {
    let mut standing = lists.tasks_by_status(COLUMN_CARDS_MAX)?;
    let column = |of: &Stage| {
        let (mut total, mut newest) = (0, Vec::new());
        for status in TaskStatus::ALL
            .iter()
            .filter(|status| stage(**status) == *of)
        {
            let here = standing.remove(status).unwrap_or_default();
            total += here.count;
            newest.extend(here.newest);
        }
        newest.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let cards = newest.iter().take(COLUMN_CARDS_MAX);
        Column {
            stage: *of,
            cards: cards.map(|(id, task)| card(lists, *id, task)).collect(),
            total,
        }
    };
    Ok(Stage::ALL.iter().map(column).collect())
}

fn card(reader: &Reader, id: TaskId, task: &Task) -> Card {
    let href = match (&task.run, &task.parent) {
        (Some(run), _) => format!("/runs/{run}"),
        (None, Some(parent)) => format!("/plans/{}", parent.plan),
        (None, None) => format!("/tasks/{id}"),
    };
    let status = words::TaskStatus::from_word(task.status.word());
    Card {
        id: id.to_string(),
        title: reader.sealed(&task.title),
        href,
        agent: task.target.as_ref().map(ToString::to_string),
        status: status.unwrap_or(words::TaskStatus::Inbox),
        changed_ms: task.ended.unwrap_or(task.opened).0,
        note: task
            .problem
            .as_ref()
            .map_or_else(String::new, |p| p.note.clone()),
    }
}
