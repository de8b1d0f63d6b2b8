//! `/tasks`.

use naos_kernel::task::{OnBoard, Task};
use naos_types::command;
use naos_types::{TaskId, TaskStatus};
use serde_json::{Value, json};

use super::{LIMIT, LIMIT_MAX, cards, shapes};
use crate::door::{Answered, Call, ok};

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let status = call.word("status", TaskStatus::parse)?;
    let before = call.word("before", TaskId::parse)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    let listed = reader.tasks(status, before, limit)?;
    let items: Vec<Value> = listed
        .items
        .iter()
        .map(|(id, task)| shapes::task(&reader, *id, task))
        .collect();
    ok(&json!({"items": items, "next": listed.next}))
}

pub(crate) async fn show(call: Call) -> Answered {
    let id: TaskId = call.id("id", "task")?;
    let reader = call.reader()?;
    let task = reader.known::<Task>(&id, "task")?;
    let mut value = shapes::task(&reader, id, &task);
    if let Some(found) = reader.find::<OnBoard>(&id)?
        && let (Value::Object(members), Value::Object(more)) =
            (&mut value, cards::shown(&reader, id, &found)?)
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
