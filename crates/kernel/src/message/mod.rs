//! What people and agents say to each other, in the threads of tasks. Who is called by name wakes.

use naos_types::command::{self, Reply};
use naos_types::fact::agent::Call;
use naos_types::fact::message::{self, Fact};
use naos_types::fact::task;
use naos_types::{
    Actor, BodyRef, Code, MessageId, Name, Priority, Refusal, RunId, TaskId, TaskStatus, Time,
};
use serde::{Deserialize, Serialize};

use crate::agent::desk;
use crate::state::{Key, ThreadKey};
use crate::table::Aggregate;
use crate::task::{OnBoard, Wanted, on_board};
use crate::turn::{Done, Stop, Turn};

/// The longest message, in bytes.
pub const MESSAGE_BYTES_MAX: u64 = 16 * 1_024;
/// How many answers of agents may lead from one to the next before nobody is called any more.
pub const HOPS_MAX: u32 = 8;
/// How often agents call others in a thread, after a person spoke, before nobody is called any
/// more.
pub const CALLS_MAX: usize = 24;
/// How many messages one piece of a thread holds.
pub const LINES_PER_PIECE: u32 = 64;
/// The most agents that one message calls.
pub const CALLED_MAX: usize = 16;
/// Who says it calls everybody who has to do with a task.
pub const ALL: &str = "all";
/// What naos itself is called, where it says something: nobody else is called so.
pub const SELF: &str = "naos";
/// What an agent says that has nothing to say.
pub const QUIET: &str = "HEARTBEAT_OK";
/// Beside that it may say so many characters that nobody hears.
const QUIET_CHARS_MAX: usize = 300;

/// One message of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which.
    pub message: MessageId,
    /// What it says.
    pub body: BodyRef,
    /// When it was said.
    pub at: Time,
    /// Who said it.
    pub by: Actor,
    /// The agents that it called.
    pub to: Vec<Name>,
}

/// A piece of a thread, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its messages.
    pub lines: Vec<Line>,
}

impl Aggregate for Thread {
    const KIND: &'static str = "thread";
    const VERSION: u8 = 1;
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// In whose thread.
    pub task: TaskId,
    /// How many answers of agents led to it.
    pub hops: u32,
}

impl Aggregate for Message {
    const KIND: &'static str = "message";
    const VERSION: u8 = 1;
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Message) -> Done<Reply> {
    match asked {
        command::Message::Say { task, body } => say(turn, by, *task, *body, 0).map(Reply::Message),
        command::Message::Post { task, text } => {
            if let Some(task) = task {
                crate::task::known(turn, *task)?;
            }
            let message = turn.mint.next_id();
            turn.emit(message::Posted {
                message,
                task: *task,
                text: text.clone(),
                by: by.clone(),
            })?;
            Ok(Reply::Message(message))
        }
    }
}

/// The words of a text that call somebody: `@jarvis`; whether it calls all.
#[must_use]
pub fn called(text: &str) -> (Vec<Name>, bool) {
    let (mut out, mut all) = (Vec::new(), false);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let begins = c == '@' && !before.is_alphanumeric() && before != '@';
        before = c;
        if !begins {
            continue;
        }
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let word = rest[..end.unwrap_or(rest.len())].to_ascii_lowercase();
        let word = word.trim_end_matches('-');
        if word == ALL {
            all = true;
        } else if let Ok(name) = Name::new(word)
            && !out.contains(&name)
        {
            out.push(name);
        }
    }
    (out, all)
}

/// What an agent said that others should hear; none where it has nothing to say.
#[must_use]
pub fn heard(answer: &str) -> Option<&str> {
    let text = answer.trim();
    let rest = text
        .strip_prefix(QUIET)
        .or_else(|| text.strip_suffix(QUIET));
    match rest.map(str::trim) {
        Some(rest) if rest.chars().count() <= QUIET_CHARS_MAX => None,
        Some(rest) => Some(rest),
        None if text.is_empty() => None,
        None => Some(text),
    }
}

/// Says something in a task's thread, and calls who is named there.
pub(crate) fn say(
    turn: &mut Turn<'_>,
    by: &Actor,
    task: TaskId,
    body: BodyRef,
    hops: u32,
) -> Done<MessageId> {
    let found = on_board(turn, task)?.clone();
    let text = sound(turn, body)?;
    let (names, all) = called(&text);
    let to = found.with_all(names.clone(), all);
    turn.load(to.iter().cloned().map(Key::Agent))?;
    let mut there = Vec::new();
    for name in to {
        if turn.agent(&name)?.is_some() && *by != Actor::Agent(name.clone()) {
            there.push(name);
        }
    }
    there.truncate(CALLED_MAX);
    let wanted = there.len();
    if matches!(by, Actor::Agent(_)) {
        let too_deep = hops >= HOPS_MAX && !crate::planted::is("talks-for-ever");
        let room = CALLS_MAX.saturating_sub(found.calls as usize);
        if too_deep {
            there.clear();
        } else if !crate::planted::is("all-talk-at-once") {
            there.truncate(room);
        }
    }
    let ends = there.len() < wanted;
    let message = posted(turn, by, &found, (task, body, hops), there)?;
    crate::member::said(turn, by, &found, (task, message), (&names, all))?;
    if ends && !found.hushed {
        let words = if hops >= HOPS_MAX {
            format!("{HOPS_MAX} answers led from one to the next")
        } else {
            format!("agents called each other {CALLS_MAX} times")
        };
        let words = format!("{words}: nobody is called any more until a person says something.");
        let body = turn.stage(words.into_bytes())?;
        let last = (task, body, HOPS_MAX + 1);
        posted(turn, &Actor::System, &found, last, Vec::new())?;
    }
    Ok(message)
}

fn posted(
    turn: &mut Turn<'_>,
    by: &Actor,
    found: &OnBoard,
    (task, body, hops): (TaskId, BodyRef, u32),
    to: Vec<Name>,
) -> Done<MessageId> {
    let message = turn.mint.next_id();
    turn.emit(message::Said {
        message,
        task,
        body,
        to: to.clone(),
        hops,
        by: by.clone(),
    })?;
    let urgent = found.card.priority == Priority::Urgent;
    for name in &to {
        if matches!(by, Actor::Member(..))
            && let Some(run) = crate::task::run_of(turn, found, name)?
            && crate::run::has_room(turn, run)?
            && !crate::planted::is("called-beside-its-run")
        {
            // It is at this very task: it hears it there, and no second run is paid for.
            steered(turn, by, (message, body), (run, name))?;
            continue;
        }
        desk::call(turn, name, Call::Thread(task, message), urgent)?;
    }
    Ok(message)
}

/// A person's word to whoever is at work in a run.
pub(crate) fn steered(
    turn: &mut Turn<'_>,
    by: &Actor,
    (message, body): (MessageId, BodyRef),
    (run, agent): (RunId, &Name),
) -> Done {
    turn.emit(message::Steered {
        message,
        run,
        agent: agent.clone(),
        body,
        by: by.clone(),
    })
}

/// A message as somebody may say it: not too long, and not blank.
pub(crate) fn sound(turn: &Turn<'_>, body: BodyRef) -> Done<String> {
    if body.len > MESSAGE_BYTES_MAX {
        let what = format!(
            "a message has at most {MESSAGE_BYTES_MAX} bytes, this one has {}",
            body.len
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    let Some(bytes) = turn.body(body)? else {
        return Err(Stop::refused(Code::DAMAGED, "the message can't be read"));
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    if text.trim().is_empty() {
        return Err(Stop::refused(Code::BAD_REQUEST, "the message says nothing"));
    }
    Ok(text)
}

/// naos itself says something: nobody is called.
pub(crate) fn note(turn: &mut Turn<'_>, task: TaskId, words: &str) -> Done {
    let body = turn.stage(words.as_bytes().to_vec())?;
    let found = on_board(turn, task)?.clone();
    posted(turn, &Actor::System, &found, (task, body, 0), Vec::new()).map(drop)
}

/// The same, for all who follow the task: it waits for one of them.
pub(crate) fn warn(turn: &mut Turn<'_>, task: TaskId, words: &str) -> Done {
    let body = turn.stage(words.as_bytes().to_vec())?;
    let found = on_board(turn, task)?.clone();
    let message = posted(turn, &Actor::System, &found, (task, body, 0), Vec::new())?;
    crate::member::said(turn, &Actor::System, &found, (task, message), (&[], false))
}

/// A task ended, and some are to hear of it.
pub(crate) fn ended(turn: &mut Turn<'_>, found: &OnBoard, f: &task::Closed) -> Done {
    let words = match &f.problem {
        Some(problem) => format!("The task is {}: {}", f.status, problem.note),
        None => format!("The task is {}.", f.status),
    };
    let body = turn.stage(words.into_bytes())?;
    let to = found.card.cc.iter().cloned().collect();
    posted(turn, &Actor::System, found, (f.task, body, 0), to).map(drop)
}

/// The agent woke, and was spoken to: it is asked for its answer.
pub(crate) fn taken(turn: &mut Turn<'_>, task: TaskId, message: MessageId, name: &Name) -> Done {
    let asked = crate::task::composed(turn, task)?;
    let output = match turn.task(&task)?.and_then(|task| task.output) {
        Some(output) => crate::task::text(turn, output)?.unwrap_or_default(),
        None => String::new(),
    };
    let output = match output.as_str() {
        "" => String::new(),
        text => {
            let end = text.floor_char_boundary(SHOWN_BYTES_MAX);
            format!(
                "\n\n# What came of it\n\n{}",
                crate::task::marked(&text[..end])
            )
        }
    };
    let input = format!(
        "{asked}{output}\n\n# What is asked of you\n\nYou are {name}, and were called \
         in the thread of this task. Your answer is posted there: `@name` calls another agent. \
         Where nothing is left to say, answer {QUIET}."
    );
    let input = turn.stage(input.into_bytes())?;
    let title = turn.seal(format!("{name} answers"))?;
    let opened = crate::task::open(
        turn,
        Wanted {
            task: TaskId::derived(message.0, &format!("answer/{name}")),
            title,
            input,
            agent: Some(name.clone()),
            parent: None,
            by: Actor::Message(message),
        },
    );
    match opened {
        Err(Stop::Refused(why)) => {
            let Refusal { code, what, .. } = *why;
            note(turn, task, &format!("{name} can't answer ({code}): {what}"))
        }
        done => done,
    }
}

/// The most bytes of a result that a called agent is shown.
const SHOWN_BYTES_MAX: usize = 20_000;

/// A called agent answered, or could not.
pub(crate) fn answered(turn: &mut Turn<'_>, by: &Actor, f: &task::Closed) -> Done {
    let Actor::Message(message) = by else {
        return Ok(());
    };
    let Some(Message { task, hops }) = turn.message(message)?.cloned() else {
        return Err(Stop::broken(format!("no message {message}")));
    };
    let Some(name) = crate::task::known(turn, f.task)?.target.clone() else {
        return Ok(());
    };
    match (f.status, f.output) {
        (TaskStatus::Done, Some(output)) => {
            let bytes = turn.body(output)?.unwrap_or_default();
            let text = String::from_utf8_lossy(bytes).into_owned();
            let Some(words) = heard(&text) else {
                return Ok(());
            };
            let most = usize::try_from(MESSAGE_BYTES_MAX).unwrap_or(usize::MAX);
            let end = words.floor_char_boundary(most);
            let body = turn.stage(words.as_bytes()[..end].to_vec())?;
            say(turn, &Actor::Agent(name), task, body, hops + 1).map(drop)
        }
        (TaskStatus::Failed, _) => {
            let why = f
                .problem
                .as_ref()
                .map_or("it failed", |problem| &problem.note);
            note(turn, task, &format!("{name} gave no answer: {why}"))
        }
        _ => Ok(()),
    }
}

/// The last messages of a thread, in order.
pub(crate) fn last(turn: &Turn<'_>, task: TaskId) -> Done<Vec<Line>> {
    let all = turn.card(&task)?.map_or(0, |found| found.messages);
    let pieces = piece_of(all.saturating_sub(1)).saturating_sub(1)..=piece_of(all);
    turn.load(
        pieces
            .clone()
            .map(|piece| Key::Thread(ThreadKey(task, piece))),
    )?;
    let mut out = Vec::new();
    for piece in pieces {
        if let Some(thread) = turn.thread(&ThreadKey(task, piece))? {
            out.extend(thread.lines.iter().cloned());
        }
    }
    Ok(out)
}

/// The piece that a message stands in, counted from 0 both.
#[must_use]
pub const fn piece_of(message: u32) -> u32 {
    message / LINES_PER_PIECE
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let f = match fact {
        Fact::Said(f) => f,
        Fact::Posted(_) => return Ok(()), // it stands in no thread
        Fact::Steered(f) => return crate::run::fold_steered(turn, f),
    };
    let found = turn.card_mut(&f.task)?;
    let key = ThreadKey(f.task, piece_of(found.messages));
    found.messages += 1;
    match &f.by {
        Actor::Agent(_) => found.calls += u32::try_from(f.to.len()).unwrap_or(u32::MAX),
        Actor::Member(member, _) => {
            (found.calls, found.hushed) = (0, false);
            found.follow.entry(*member).or_insert(true); // who speaks hears the answer
        }
        // naos said that the talk ended: once is enough.
        _ => found.hushed |= f.hops > HOPS_MAX,
    }
    if turn.thread(&key)?.is_none() {
        turn.put_thread(key.clone(), Some(Thread::default()));
    }
    let line = Line {
        message: f.message,
        body: f.body,
        at: turn.now,
        by: f.by.clone(),
        to: f.to.clone(),
    };
    turn.thread_mut(&key)?.lines.push(line);
    let (task, hops) = (f.task, f.hops);
    turn.put_message(f.message, Some(Message { task, hops }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_called() {
        for (text, expected, all) in [
            ("@jarvis look at this", "jarvis", false),
            (
                "thanks, @Fury and @growth-2. @fury!",
                "fury growth-2",
                false,
            ),
            ("write to ana@riake.mg", "", false),
            ("@all: done", "", true),
            ("@@jarvis @ @9 (@dev)", "dev", false),
        ] {
            let (names, every) = called(text);
            let names: Vec<&str> = names.iter().map(Name::as_str).collect();
            assert_eq!((names.join(" ").as_str(), every), (expected, all), "{text}");
        }
    }

    #[test]
    fn what_nobody_hears() {
        let long = "x".repeat(QUIET_CHARS_MAX + 1);
        for (answer, expected) in [
            ("HEARTBEAT_OK", None),
            ("All is well.\n\nHEARTBEAT_OK ", None),
            ("  ", None),
            ("The price is 3.", Some("The price is 3.")),
            (&format!("HEARTBEAT_OK {long}"), Some(long.as_str())),
            (
                "say HEARTBEAT_OK and go on",
                Some("say HEARTBEAT_OK and go on"),
            ),
        ] {
            assert_eq!(heard(answer), expected, "{answer}");
        }
    }
}
