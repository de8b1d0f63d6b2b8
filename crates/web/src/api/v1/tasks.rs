//! `/tasks`.

use naos_engine::read::{LIST_SCAN_MAX, Reader};
use naos_kernel::task::{OnBoard, Task};
use naos_types::command;
use naos_types::spec::Card;
use naos_types::{Name, Priority, TaskId, TaskStatus, Time};
use serde_json::{Value, json};

use super::{LIMIT, LIMIT_MAX, cards, shapes};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// Which tasks a list is asked for, beside where they stand.
struct Wanted {
    label: Option<String>,
    agent: Option<Name>,
    priority: Option<Priority>,
    due: Option<Time>,
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, Fault> {
        Ok(Self {
            label: call.query("label").map(|label| label.trim().to_owned()),
            agent: call.query("agent").map(cards::name).transpose()?,
            priority: call.word("priority", Priority::parse)?,
            due: call.word("due", Time::parse)?,
        })
    }

    fn fits(&self, task: &Task, card: Option<&Card>) -> bool {
        let is_theirs = |name: &Name| task.target.as_ref() == Some(name);
        if !self.agent.as_ref().is_none_or(is_theirs) {
            return false;
        }
        let of_card = |fits: &dyn Fn(&Card) -> bool| card.is_some_and(fits);
        let label = |label: &String| of_card(&|card| card.labels.contains(label));
        let priority = |wanted: &Priority| of_card(&|card| card.priority == *wanted);
        let due = |by: &Time| of_card(&|card| card.due.is_some_and(|due| due <= *by));
        self.label.as_ref().is_none_or(label)
            && self.priority.as_ref().is_none_or(priority)
            && self.due.as_ref().is_none_or(due)
    }
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let status = call.one_of("status", TaskStatus::ALL, TaskStatus::parse)?;
    let wanted = Wanted::of(&call)?;
    let mut at = call.word("before", TaskId::parse)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    let (mut items, mut seen) = (Vec::new(), 0);
    let next = 'all: loop {
        let listed = reader.tasks(status, at, limit + 1)?;
        for (id, task) in &listed.items {
            let found = reader.find::<OnBoard>(id)?;
            if wanted.fits(task, found.as_ref().map(|found| &*found.card)) {
                if items.len() == limit {
                    break 'all at;
                }
                items.push(row(&reader, *id, task, found.as_deref()));
            }
            at = Some(*id);
        }
        seen += listed.items.len().max(1);
        if listed.next.is_none() || seen >= LIST_SCAN_MAX {
            break listed.next;
        }
        at = listed.next;
    };
    ok(&json!({"items": items, "next": next}))
}

/// A task as a list tells of it.
fn row(reader: &Reader, id: TaskId, task: &Task, found: Option<&OnBoard>) -> Value {
    let mut row = shapes::task(reader, id, task);
    if let Some(card) = found.map(|found| &found.card) {
        row["priority"] = json!(card.priority);
        row["due"] = shapes::time(card.due);
        row["labels"] = json!(card.labels);
    }
    row
}

pub(crate) async fn show(call: Call) -> Answered {
    let id: TaskId = call.id("id", "task")?;
    let reader = call.reader()?;
    let task = reader.known::<Task>(&id, "task")?;
    let mut value = shapes::task(&reader, id, &task);
    if let Some(found) = reader.find::<OnBoard>(&id)?
        && let (Value::Object(members), Value::Object(more)) =
            (&mut value, cards::shown(&reader, id, &found, call.now)?)
    {
        members.extend(more);
    }
    if let Value::Object(members) = &mut value {
        members.insert("input".into(), shapes::text(&reader, Some(&task.input)));
        members.insert("output".into(), shapes::text(&reader, task.output.as_ref()));
        members.insert("seq".into(), json!(reader.seq()?));
    }
    ok(&value)
}

pub(crate) async fn cancel(call: Call) -> Answered {
    let task: TaskId = call.id("id", "task")?;
    let (seq, _) = call
        .ask("", command::Task::Cancel { task }, Vec::new())
        .await?;
    ok(&json!({"task": task, "seq": seq}))
}
