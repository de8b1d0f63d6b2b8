//! `/board`.

use naos_engine::read::Reader;
use naos_kernel::task::Task;
use naos_types::{Refusal, TaskId, TaskStatus};

use crate::door::{Answered, Call};
use crate::pages::board::{Board, COLUMN_CARDS_MAX, Card, Column};
use crate::pages::words::{self, Stage};

/// How many tasks are looked at, newest first; the board is about the present.
const TASKS_MAX: usize = 2_000;

pub(crate) async fn show(call: Call) -> Answered {
    let columns = columns(&call.reader()?)?;
    super::page(&call, &Board { columns })
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
pub(super) fn columns(reader: &Reader) -> Result<Vec<Column>, Refusal> {
    let newest = reader.newest::<Task>(None, TASKS_MAX, |_, _| true)?;
    let mut columns: Vec<Column> = Stage::ALL
        .iter()
        .map(|stage| Column {
            stage: *stage,
            cards: Vec::new(),
            total: 0,
        })
        .collect();
    for (id, task) in newest.items {
        let of = stage(task.status);
        let Some(column) = columns.iter_mut().find(|column| column.stage == of) else {
            continue;
        };
        column.total += 1;
        if column.cards.len() < COLUMN_CARDS_MAX {
            column.cards.push(card(reader, id, &task));
        }
    }
    Ok(columns)
}

fn card(reader: &Reader, id: TaskId, task: &Task) -> Card {
    let href = match (&task.run, &task.parent) {
        (Some(run), _) => format!("/runs/{run}"),
        (None, Some(parent)) => format!("/plans/{}", parent.plan),
        (None, None) => "/board".to_owned(),
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
