//! The tools with which agents work together: they speak in the threads of tasks, put tasks on the
//! board for others, and hand their own over.
//!
//! Each is bounded, so that no agent keeps the others busy for ever: answers in a row
//! ([`crate::message::HOPS_MAX`]), tasks within tasks and beside them ([`crate::task::by_itself`]),
//! hand-overs of one task.

use std::sync::Arc;

use naos_types::fact::run::{Ability, World};
use naos_types::fact::task;
use naos_types::input::Answer;
use naos_types::spec::{Assignee, Card, StaysFrom, Tool};
use naos_types::{Actor, BodyRef, DocPath, Name, Priority, RunId, TaskId, Time};
use serde_json::Value;

use super::think::intend;
use super::{Run, tools};
use crate::turn::{Done, Stop, Turn};

/// The task on the board that a run is for, and how many answers of agents led to it.
fn task_of(turn: &Turn<'_>, run: &Run) -> Done<Option<(TaskId, u32)>> {
    task_by(turn, &crate::task::known(turn, run.task)?.by)
}

/// The same of a run whose task somebody wants done.
pub(crate) fn task_by(turn: &Turn<'_>, by: &Actor) -> Done<Option<(TaskId, u32)>> {
    Ok(match by {
        Actor::Task(task) => Some((*task, 0)),
        Actor::Message(message) => turn.message(message)?.map(|found| (found.task, found.hops)),
        _ => None,
    })
}

/// The run in which the first one asked, where agents wait for each other's answers, and the task
/// on the board that it is for.
fn root_of(turn: &Turn<'_>, run: RunId) -> Done<(RunId, Option<TaskId>)> {
    let mut at = run;
    loop {
        let task = super::known(turn, at)?.task;
        match &crate::task::known(turn, task)?.by {
            Actor::Call(before, _) => at = *before,
            by => return Ok((at, task_by(turn, by)?.map(|(task, _)| task))),
        }
    }
}

/// What is to be said of a new task beside whose it is: what a person could leave to an agent.
fn wished(
    turn: &Turn<'_>,
    whole: Option<TaskId>,
    to: Assignee,
    arguments: &Value,
) -> Done<Result<Card, String>> {
    let mut card = Card {
        to: Some(to),
        ..Card::default()
    };
    if let Some(word) = arguments["priority"].as_str() {
        let Some(priority) = Priority::parse(word) else {
            return Ok(Err(format!("`priority` can't be {word:?}")));
        };
        card.priority = priority;
    }
    // It would wake whoever rests.
    let above = match whole {
        Some(whole) => turn.card(&whole)?.map(|found| found.card.priority),
        None => None,
    };
    if card.priority == Priority::Urgent
        && above != Some(Priority::Urgent)
        && !crate::planted::is("agents-make-urgent")
    {
        let why = "only a part of an urgent task is urgent: `high` is the most, or `ask` a person";
        return Ok(Err(why.to_owned()));
    }
    if let Some(text) = arguments["due"].as_str() {
        let Some(due) = Time::parse(text.trim()) else {
            let why = format!(
                "`due` is a date or a time with its offset, 2026-12-01T17:00:00+03:00, not {text:?}"
            );
            return Ok(Err(why));
        };
        card.due = Some(due);
    }
    let labels = arguments["labels"].as_array().into_iter().flatten();
    let labels = labels.filter_map(|label| label.as_str().map(|label| label.trim().to_owned()));
    card.labels = labels.collect();
    Ok(card.check().map(|()| card))
}

/// The documents that are attached to the task that a run is for.
pub(super) fn attached(turn: &Turn<'_>, run: &Run) -> Done<Vec<DocPath>> {
    let Some((task, _)) = task_of(turn, run)? else {
        return Ok(Vec::new());
    };
    let found = turn.card(&task)?;
    Ok(found.map_or_else(Vec::new, |found| found.card.attached.clone()))
}

pub(super) fn call(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    request: BodyRef,
    tool: Tool,
    arguments: &Value,
) -> Done {
    let text = |name: &str| {
        arguments[name]
            .as_str()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let own = task_of(turn, run)?;
    let stays = crate::task::stays::of(turn, run.task)?;
    let by = Actor::Agent(run.agent.clone());
    let ready = match tool {
        Tool::Say => speaks(turn, run, own, &text("task"))?.map(Asked::Say),
        Tool::TaskCreate => {
            let (root, whole) = root_of(turn, id)?;
            let card = match called(turn, &text("to"))? {
                Ok(to) => wished(turn, whole, to, arguments)?.map(|card| Card {
                    stays: stays.clone(),
                    ..card
                }),
                Err(why) => Err(why),
            };
            card.map(|card| Asked::Create(whole, root, Box::new(card)))
        }
        _ => match (hands(turn, run, own)?, called(turn, &text("to"))?) {
            (Ok(task), Ok(to)) if crate::task::goes_round(turn, task, &to)? => {
                let why = "it was handed on too often: a person decides whose it is".to_owned();
                tools::said(turn, id, run, request, Answer::Denied(why))?;
                return crate::task::ask_whose(turn, task); // ends this run, too
            }
            (Ok(task), Ok(to)) => handable(turn, &by, task, to)?,
            (Err(why), _) | (_, Err(why)) => Err(why),
        },
    };
    let asked = match ready {
        Ok(asked) => asked,
        Err(why) => return tools::said(turn, id, run, request, Answer::Denied(why)),
    };
    let (words, title) = (
        text(if tool == Tool::HandOver {
            "note"
        } else {
            "text"
        }),
        text("title"),
    );
    let words = match (&asked, title.is_empty()) {
        (Asked::Create(..), true) => {
            let why = "a task has a `title`".to_owned();
            return tools::said(turn, id, run, request, Answer::Invalid(why));
        }
        // A title is a line: what stands behind it are its maker's words.
        (Asked::Create(..), false) => {
            let title: Vec<&str> = title.split_whitespace().collect();
            format!("# {}\n\n{words}", title.join(" "))
        }
        _ => words,
    };
    let body = turn.stage(words.into_bytes())?;
    intend(turn, id, run, Ability::Tool, request, World::Repeatable)?;
    // Answered before it is done: a task that is handed over ends the run that hands it over.
    let facts = turn.facts.len();
    let (done, answer) = match &asked {
        Asked::Say((task, hops)) => (
            crate::message::say(turn, &by, *task, body, hops + 1)
                .and_then(|_| heard_there(turn, &by, *task, stays)),
            "said".to_owned(),
        ),
        Asked::Create(whole, root, card) => {
            let title = turn.seal(title)?;
            let (name, card) = (&run.agent, Card::clone(card));
            let what = (&title, body);
            let done = match whole {
                Some(whole) => crate::task::entrust(turn, name, *whole, what, card),
                None => crate::task::by_itself(turn, name, (id, *root), what, card),
            };
            let to = text("to");
            match done {
                Ok(task) => (Ok(()), format!("{to} has it: {task}")),
                Err(stop) => (Err(stop), String::new()),
            }
        }
        Asked::Hand(task, to) => {
            let answer = format!("{} goes on with it", text("to"));
            tools::answer_at_once(turn, id, Answer::Text(answer))?;
            return crate::task::hand(turn, &by, *task, to, Some(body)).map(drop);
        }
    };
    match done {
        Ok(()) => tools::answer_at_once(turn, id, Answer::Text(answer)),
        // A rule refuses before it decides anything.
        Err(Stop::Refused(why)) if turn.facts.len() == facts => {
            tools::answer_at_once(turn, id, Answer::Denied(why.what))
        }
        Err(stop) => Err(stop),
    }
}

/// A task in whose thread something is said that has to stay stays from then on.
fn heard_there(turn: &mut Turn<'_>, by: &Actor, task: TaskId, stays: Option<StaysFrom>) -> Done {
    if stays.is_none() || crate::task::stays::of(turn, task)?.is_some() {
        return Ok(());
    }
    let card = Card::clone(&crate::task::on_board(turn, task)?.card);
    turn.emit(task::Planned {
        task,
        card: Arc::new(Card { stays, ..card }),
        by: by.clone(),
    })
}

/// What is asked for, once it is known that it may be.
enum Asked {
    Say((TaskId, u32)),
    /// A part of a task, or one of its own; and the run that it was asked in.
    Create(Option<TaskId>, RunId, Box<Card>),
    Hand(TaskId, Assignee),
}

/// The hand-over, where nothing stands against it.
fn handable(
    turn: &Turn<'_>,
    by: &Actor,
    task: TaskId,
    to: Assignee,
) -> Done<Result<Asked, String>> {
    match crate::task::may_hand(turn, by, task, &to) {
        Ok(_) => Ok(Ok(Asked::Hand(task, to))),
        Err(Stop::Refused(why)) => Ok(Err(why.what)),
        Err(stop) => Err(stop),
    }
}

/// Who is called so: an agent, or a person by their handle.
fn called(turn: &Turn<'_>, text: &str) -> Done<Result<Assignee, String>> {
    let name = match Name::new(text.trim_start_matches('@')) {
        Ok(name) => name,
        Err(error) => return Ok(Err(format!("`to`: {error}"))),
    };
    Ok(Ok(match crate::member::who(turn, &name) {
        Some(member) if turn.agent(&name)?.is_none() => Assignee::Member(member),
        _ => Assignee::Agent(name),
    }))
}

/// The task in whose thread it may speak: its own, or one that it has to do with.
fn speaks(
    turn: &Turn<'_>,
    run: &Run,
    own: Option<(TaskId, u32)>,
    task: &str,
) -> Done<Result<(TaskId, u32), String>> {
    if task.is_empty() {
        return Ok(own.ok_or_else(|| "this run is for no task: name one".to_owned()));
    }
    let Some(task) = TaskId::parse(task) else {
        return Ok(Err(format!("{task:?} is no id of a task")));
    };
    let hops = own.map_or(0, |(_, hops)| hops);
    let is_its = own.is_some_and(|(own, _)| own == task)
        || turn
            .card(&task)?
            .is_some_and(|card| card.agents().contains(&run.agent))
        || crate::planted::is("speaks-anywhere");
    // A task that isn't its and one that isn't there look alike.
    let none = || format!("{} has nothing to do with {task}", run.agent);
    Ok(is_its.then_some((task, hops)).ok_or_else(none))
}

/// The task that it may hand over: the one whose agent it is.
fn hands(turn: &Turn<'_>, run: &Run, own: Option<(TaskId, u32)>) -> Done<Result<TaskId, String>> {
    let Some((task, _)) = own else {
        return Ok(Err(
            "this run is for no task: there is nothing to hand over".into(),
        ));
    };
    let is_its = turn
        .card(&task)?
        .is_some_and(|card| card.card.agent() == Some(&run.agent))
        && matches!(crate::task::known(turn, run.task)?.by, Actor::Task(_));
    let none = || format!("the task isn't {}'s to hand over", run.agent);
    Ok(is_its.then_some(task).ok_or_else(none))
}
