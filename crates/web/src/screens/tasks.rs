//! `/tasks/{id}`, and the form that makes one.

use naos_engine::read::Reader;
use naos_kernel::plan::Plan;
use naos_kernel::task::{OnBoard, Task};
use naos_types::spec::Assignee;
use naos_types::{Actor, Code, Refusal, Role, TaskId, TaskStatus, command};
use serde::Deserialize;

use super::{evidence, rows};
use crate::api::v1::cards::{self, HandOver, Say, Wish};
use crate::api::v1::{resting, reviewed};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::approval::Evidence;
use crate::pages::task::{Keys, MESSAGE_CHARS_MAX, Made, Said, Task as TaskPage};
use crate::pages::words;

pub(crate) async fn show(call: Call) -> Answered {
    let id: TaskId = call.id("id", "task")?;
    let reader = call.reader()?;
    let task = reader.known::<Task>(&id, "task")?;
    let Some(found) = reader.find::<OnBoard>(&id)? else {
        // The work of a run: its own page says more.
        let run = task.run.map(|run| format!("/runs/{run}"));
        return Ok(super::see(&run.unwrap_or_else(|| "/board".into())));
    };
    let before = call.number(
        "before",
        u64::from(found.messages),
        u64::from(found.messages),
    )?;
    let (said, older) = cards::lines(&reader, id, u32::try_from(before).unwrap_or(u32::MAX))?;
    let status = words::TaskStatus::from_word(task.status.word());
    let plan = match found.plan {
        Some(plan) => reader.find::<Plan>(&plan)?,
        None => None,
    };
    let works = plan
        .as_ref()
        .is_some_and(|plan| !plan.is_closed() && !plan.is_paused());
    let is_open = !task.status.is_closed();
    let goes_on = is_open || task.status == TaskStatus::Failed;
    let again = matches!(task.status, TaskStatus::Failed | TaskStatus::Blocked);
    let text = |body| reader.shown(body);
    let said = said.iter().map(|line| {
        let (by, kind) = rows::actor(&reader, &line.by);
        Said {
            by,
            by_agent: kind == words::ActorKind::Agent,
            at_ms: line.at.0,
            text: text(&line.body),
        }
    });
    let made = found.made.iter().map(|made| Made {
        by: (!made.is_a_persons()).then(|| made.by.to_string()),
        text: text(&made.body),
        refuted: made.refuted,
    });
    let page = TaskPage {
        id: id.to_string(),
        title: reader.sealed(&task.title),
        status: status.unwrap_or(words::TaskStatus::Inbox),
        note: match &task.problem {
            Some(problem) => problem.note.clone(),
            None => resting::said(&reader, resting::task(&reader, id, &task)).unwrap_or_default(),
        },
        opened_ms: task.opened.0,
        planned: planned(&reader, &found),
        stays_from: task.stays.as_ref().map(|from| from.agent.to_string()),
        due_ms: found.card.due.map(|due| due.0),
        begins_ms: cards::begins(&reader, id, &found)?.map(|at| at.0),
        brief: text(&task.input),
        output: task.output.as_ref().map_or_else(String::new, text),
        evidence: match &plan {
            Some(plan) => found_of(&reader, plan)?,
            None => Vec::new(),
        },
        checks: match &plan {
            Some(plan) => evidence::checks(reviewed::checks(&reader, plan, None)),
            None => Vec::new(),
        },
        made: made.collect(),
        plan: found.plan.map(|plan| plan.to_string()),
        links: links(&found),
        said: said.collect(),
        older: older.map(|before| format!("/tasks/{id}?before={before}")),
        keys: goes_on.then(|| Keys {
            say: super::form_key(),
            hand: super::form_key(),
            act: super::form_key(),
        }),
        can_begin: goes_on && !works && found.card.agent().is_some(),
        again: again && found.plan.is_some(),
        can_finish: is_open && found.plan.is_none(),
        can_cancel: is_open,
        follows: found.is_followed_by(call.who()?.member),
        follow_key: super::form_key(),
    };
    super::page(&call, &page)
}

/// What a reviewer found last in a run of steps.
fn found_of(reader: &Reader, plan: &Plan) -> Result<Vec<Evidence>, Refusal> {
    let last = reviewed::in_plan(reader, plan, None)?;
    let found = last.map(|last| {
        let answer = last.answer;
        evidence::of(reader, answer.as_ref(), Some(last))
    });
    Ok(found.unwrap_or_default())
}

/// What is planned, under the names of the locale table.
fn planned(reader: &Reader, found: &OnBoard) -> Vec<(&'static str, String)> {
    let card = &found.card;
    let to = card.to.as_ref().map_or_else(String::new, |to| match to {
        Assignee::Agent(name) => name.to_string(),
        Assignee::Member(member) => rows::actor(reader, &Actor::Member(*member, Role::Staff)).0,
    });
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    let all = [
        ("task-to", to),
        (
            "task-then",
            list(&mut card.then.iter().map(ToString::to_string)),
        ),
        (
            "task-reviewer",
            card.reviewer
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        ),
        (
            "task-approve",
            card.approve
                .map_or_else(String::new, |role| role.word().to_owned()),
        ),
        ("task-priority", card.priority.word().to_owned()),
        ("task-labels", list(&mut card.labels.iter().cloned())),
        (
            "task-cc",
            list(&mut card.cc.iter().map(ToString::to_string)),
        ),
        (
            "task-attached",
            list(&mut card.attached.iter().map(ToString::to_string)),
        ),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn links(found: &OnBoard) -> Vec<(&'static str, String)> {
    let card = &found.card;
    let named = |name: &'static str| move |task: &TaskId| (name, task.to_string());
    card.part_of
        .iter()
        .map(named("task-part-of"))
        .chain(card.after.iter().map(named("task-after")))
        .chain(found.parts.iter().map(named("task-part")))
        .chain(found.unblocks.iter().map(named("task-unblocks")))
        .collect()
}

#[derive(Deserialize)]
struct NewForm {
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    reviewer: String,
    idempotency_key: String,
}

/// The form of the board.
pub(crate) async fn create(mut call: Call) -> Answered {
    let form: NewForm = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let wish = Wish {
        title: Some(form.title),
        text: Some(form.text),
        to: Some(form.to),
        reviewer: Some(form.reviewer),
        ..Wish::default()
    };
    let (_, task) = cards::put(&call, &wish).await?;
    Ok(super::see(&format!("/tasks/{task}")))
}

#[derive(Deserialize)]
struct SayForm {
    text: String,
    idempotency_key: String,
}

pub(crate) async fn say(mut call: Call) -> Answered {
    let form: SayForm = call.form()?;
    if form.text.chars().count() > MESSAGE_CHARS_MAX {
        let what = format!("a message has at most {MESSAGE_CHARS_MAX} characters here");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    call.keyed(&form.idempotency_key)?;
    cards::speak(&call, Say { text: form.text }).await?;
    Ok(back(&call))
}

#[derive(Deserialize)]
struct HandForm {
    to: String,
    #[serde(default)]
    note: String,
    idempotency_key: String,
}

pub(crate) async fn hand_over(mut call: Call) -> Answered {
    let form: HandForm = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let asked = HandOver {
        to: form.to,
        note: Some(form.note),
    };
    cards::hand(&call, asked).await?;
    Ok(back(&call))
}

pub(crate) async fn act(mut call: Call) -> Answered {
    let verb = super::pressed(&mut call)?;
    let (task, _) = cards::on_board(&call)?;
    let asked = match verb.as_str() {
        "begin" => command::Task::Begin { task },
        "done" => command::Task::Finish { task, output: None },
        "cancel" => command::Task::Cancel { task },
        "follow" => command::Task::Follow { task, on: true },
        "mute" => command::Task::Follow { task, on: false },
        _ => {
            let what = "a task begins, is done, is cancelled, followed or muted";
            return Err(Fault::new(Code::BAD_REQUEST, what));
        }
    };
    call.ask("", asked, Vec::new()).await?;
    Ok(back(&call))
}

fn back(call: &Call) -> axum::response::Response {
    super::see(&format!("/tasks/{}", call.param("id")))
}
