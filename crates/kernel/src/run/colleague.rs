//! The tool with which an agent asks another one and waits for the answer.
//!
//! What is asked is a task of the other agent, which pays for it out of its own budget. Nobody
//! waits in a circle: an agent that waits for an answer itself isn't asked, and questions within
//! questions have an end ([`ASKED_DEEP_MAX`]).

use naos_types::fact::run::{Ability, World};
use naos_types::fact::task;
use naos_types::input::Answer;
use naos_types::{Actor, BodyRef, Name, RunId, TaskId, TaskStatus};
use serde_json::Value;

use super::think::intend;
use super::tools::{self, TOOL_RESULT_BYTES_MAX, cut};
use super::{Run, calls, known};
use crate::task::Wanted;
use crate::turn::{Done, Stop, Turn};

/// How many agents wait for each other's answers in a row at most.
pub const ASKED_DEEP_MAX: usize = 4;

pub(super) fn call(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    request: BodyRef,
    arguments: &Value,
) -> Done {
    let text = |name: &str| arguments[name].as_str().unwrap_or_default().trim();
    let (to, question) = (text("to"), text("question"));
    let to = match Name::new(to.trim_start_matches('@')) {
        Ok(_) if question.is_empty() => Err("there is no `question`".to_owned()),
        Ok(to) => may_ask(turn, id, &to)?.map(|()| to),
        Err(error) => Err(format!("`to`: {error}")),
    };
    let to = match to {
        Ok(to) => to,
        Err(why) => return tools::said(turn, id, run, request, Answer::Denied(why)),
    };
    let asker = &run.agent;
    let title = format!("{asker} asks {to}");
    let input = format!(
        "{asker} asks you, and waits for your answer:\n\n{}\n\nYour answer goes back to {asker} as \
         you write it, and to nobody else.",
        crate::task::marked(question)
    );
    asks(turn, (id, run), request, to, (title, input))
}

/// Opens a task of somebody's, and waits for its end.
pub(super) fn asks(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    request: BodyRef,
    to: Name,
    (title, input): (String, String),
) -> Done {
    let input = turn.stage(input.into_bytes())?;
    let title = turn.seal(title)?;
    intend(turn, id, run, Ability::Colleague, request, World::Keyed)?;
    let facts = turn.facts.len();
    let opened = crate::task::open(
        turn,
        Wanted {
            task: asked(id, run.attempt, run.calls),
            title,
            input,
            agent: Some(to),
            parent: None,
            by: Actor::Call(id, run.calls),
        },
    );
    match opened {
        // A rule refuses before it decides anything.
        Err(Stop::Refused(why)) if turn.facts.len() == facts => {
            tools::answer_at_once(turn, id, Answer::Denied(why.what))
        }
        done => done,
    }
}

/// What the question of a call is called: another attempt asks anew.
fn asked(run: RunId, attempt: u32, index: u32) -> TaskId {
    TaskId::derived(run.0, &format!("colleague/{attempt}/{index}"))
}

/// Whether this run may ask that agent, or why not.
fn may_ask(turn: &Turn<'_>, id: RunId, to: &Name) -> Done<Result<(), String>> {
    if turn.agent(to)?.is_none() {
        return Ok(Err(format!("there is no agent {to}")));
    }
    let (mut at, mut waiting) = (id, Vec::new());
    loop {
        let run = known(turn, at)?;
        waiting.push(run.agent.clone());
        match crate::task::known(turn, run.task)?.by {
            Actor::Call(before, _) => at = before,
            _ => break,
        }
    }
    if crate::planted::is("asked-in-circles") {
        return Ok(Ok(()));
    }
    Ok(match waiting.iter().position(|agent| agent == to) {
        Some(0) => Err("it would ask itself".to_owned()),
        Some(_) => Err(format!(
            "{to} waits for an answer itself: it can't be asked"
        )),
        None if waiting.len() > ASKED_DEEP_MAX => Err(format!(
            "{ASKED_DEEP_MAX} agents wait for each other already: answer with what is known"
        )),
        None => Ok(()),
    })
}

/// A task ended: whoever asked for it and still waits is answered.
pub(crate) fn answered(turn: &mut Turn<'_>, by: &Actor, f: &task::Closed) -> Done {
    let Actor::Call(id, index) = by else {
        return Ok(());
    };
    let run = known(turn, *id)?;
    let waits = run
        .pending
        .as_ref()
        .is_some_and(|pending| pending.index == *index && pending.ability == Ability::Colleague);
    if !waits || run.status.is_closed() || asked(*id, run.attempt, *index) != f.task {
        return Ok(()); // it doesn't wait any more
    }
    let given = match (f.status, f.output) {
        (TaskStatus::Done, Some(output)) => match turn.body(output)? {
            Some(bytes) => {
                Answer::Text(cut(&String::from_utf8_lossy(bytes), TOOL_RESULT_BYTES_MAX))
            }
            None => Answer::Failed("its answer can't be read".into()),
        },
        _ => {
            let why = f.problem.as_ref().map(|problem| problem.note.clone());
            Answer::Failed(why.unwrap_or_else(|| format!("the question is {}", f.status)))
        }
    };
    calls::answer(turn, *id, given)?;
    super::go_on(turn, *id)
}

/// A run ended: what it asked for is wanted by nobody any more.
pub(crate) fn unasked(turn: &mut Turn<'_>, id: RunId) -> Done {
    let run = known(turn, id)?;
    let task = asked(id, run.attempt, run.calls);
    match turn.tables.task.get(&task) {
        Ok(Some(_)) => crate::task::cancel(turn, &Actor::System, task),
        // One that isn't loaded isn't open: open ones always are.
        Ok(None) | Err(_) => Ok(()),
    }
}
