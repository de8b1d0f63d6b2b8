//! Tasks of the board: `/tasks` beyond what runs of their own open.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::StatusCode;
use naos_engine::read::Reader;
use naos_kernel::ThreadKey;
use naos_kernel::agent::{Agent, Desk};
use naos_kernel::member::Member;
use naos_kernel::message::{self, Line, Thread, piece_of};
use naos_kernel::plan::Plan;
use naos_kernel::task::{OnBoard, Task};
use naos_types::command::{self, Reply};
use naos_types::fact::agent::Call as Waits;
use naos_types::spec::{Assignee, Card, Check};
use naos_types::{
    Actor, Code, DocPath, MemberId, Name, Priority, Refusal, Role, Seq, TaskId, Time,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{members, reviewed, schedules, shapes};
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;

/// The longest title, in characters.
pub(crate) const TITLE_CHARS_MAX: usize = 200;
/// The longest text of a task, in bytes.
const TEXT_BYTES_MAX: usize = 256 * 1_024;

/// What is planned for a task; what isn't said stays as it is.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wish {
    pub(crate) title: Option<String>,
    pub(crate) text: Option<String>,
    /// An agent's name, a member's id or `@` and the word they are called by; empty is nobody.
    pub(crate) to: Option<String>,
    pub(crate) then: Option<Vec<String>>,
    pub(crate) reviewer: Option<String>,
    pub(crate) rounds: Option<u32>,
    /// `true`, or the least role of whoever is asked.
    pub(crate) approve: Option<Value>,
    pub(crate) unreviewed: Option<bool>,
    pub(crate) priority: Option<String>,
    pub(crate) due: Option<String>,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) after: Option<Vec<String>>,
    pub(crate) part_of: Option<String>,
    pub(crate) cc: Option<Vec<String>>,
    pub(crate) attached: Option<Vec<String>>,
    /// How long a person may take to answer: `30m`, `12h`, `2d`; empty is without end.
    pub(crate) expires: Option<String>,
    /// What must hold of the result: expressions, or `{name, check, message}`.
    pub(crate) checks: Option<Vec<Value>>,
}

fn bad(what: impl Into<String>) -> Fault {
    Fault::new(Code::BAD_REQUEST, what)
}

/// The word by which an agent or somebody is called, with or without its `@`.
pub(crate) fn name(text: &str) -> Result<Name, Fault> {
    let plain = text.trim().trim_start_matches('@').to_ascii_lowercase();
    Name::new(&plain).map_err(|e| Fault::new(Code::BAD_NAME, format!("{text:?}: {e}")))
}

fn names(texts: &[String]) -> Result<Vec<Name>, Fault> {
    texts.iter().map(|text| name(text)).collect()
}

fn task_id(text: &str) -> Result<TaskId, Fault> {
    TaskId::parse(text).ok_or_else(|| bad(format!("{text:?} is no id of a task")))
}

/// Whose a word says that a task is.
pub(crate) fn assignee(reader: &Reader, text: &str) -> Result<Option<Assignee>, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with('@')
        && let Ok(member) = members::one(reader, text)
    {
        return Ok(Some(Assignee::Member(member)));
    }
    if let Some(member) = MemberId::parse(text) {
        return Ok(Some(Assignee::Member(member)));
    }
    if text.starts_with("mem_") {
        let what = format!("there is no member {text}");
        return Err(Fault::from(
            Refusal::new(Code::NOT_FOUND, what).help("`naos member list` shows them"),
        ));
    }
    let agent = name(text)?;
    if text.starts_with('@') && reader.find::<Agent>(&agent)?.is_none() {
        let what = format!("nobody is called @{agent}: neither a member nor an agent");
        let refusal = Refusal::new(Code::NOT_FOUND, what);
        return Err(Fault::from(refusal.help(
            "`naos member list` and `naos get agents` show who is there",
        )));
    }
    Ok(Some(Assignee::Agent(agent)))
}

fn role(value: &Value) -> Result<Option<Role>, Fault> {
    match value {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::Bool(true) => Ok(Some(Role::Staff)),
        Value::String(word) => {
            let may = [Role::Staff, Role::Admin, Role::Owner];
            let found = may.into_iter().find(|role| role.word() == word);
            let none = || {
                bad(format!(
                    "`approve` is true, staff, admin or owner, not {word:?}"
                ))
            };
            found.ok_or_else(none).map(Some)
        }
        _ => Err(bad("`approve` is true, staff, admin or owner")),
    }
}

impl Wish {
    /// What is planned after it.
    pub(crate) fn over(&self, reader: &Reader, card: &Card) -> Result<Card, Fault> {
        let mut card = card.clone();
        if let Some(to) = &self.to {
            card.to = assignee(reader, to)?;
        }
        if let Some(then) = &self.then {
            card.then = names(then)?;
        }
        if let Some(reviewer) = &self.reviewer {
            card.reviewer = match reviewer.trim() {
                "" => None,
                reviewer => Some(name(reviewer)?),
            };
        }
        if let Some(approve) = &self.approve {
            card.approve = role(approve)?;
        }
        if let Some(word) = &self.priority {
            let known = || {
                bad(format!(
                    "`priority` is low, normal, high or urgent, not {word:?}"
                ))
            };
            card.priority = Priority::parse(word).ok_or_else(known)?;
        }
        if let Some(due) = &self.due {
            card.due = match due.trim() {
                "" => None,
                due => Some(Time::parse(due).ok_or_else(|| {
                    bad(format!("`due` is a date such as 2026-12-01, not {due:?}"))
                })?),
            };
        }
        if let Some(labels) = &self.labels {
            card.labels = labels.iter().map(|label| label.trim().to_owned()).collect();
        }
        if let Some(after) = &self.after {
            card.after = after
                .iter()
                .map(|id| task_id(id))
                .collect::<Result<_, _>>()?;
        }
        if let Some(whole) = &self.part_of {
            card.part_of = match whole.trim() {
                "" => None,
                whole => Some(task_id(whole)?),
            };
        }
        if let Some(cc) = &self.cc {
            card.cc = names(cc)?.into_iter().collect();
        }
        if let Some(attached) = &self.attached {
            let path = |text: &String| DocPath::new(text).map_err(bad);
            card.attached = attached.iter().map(path).collect::<Result<_, _>>()?;
        }
        if let Some(expires) = &self.expires {
            card.expires = match expires.trim() {
                "" => None,
                text => Some(naos_manifest::length_of_time(text).ok_or_else(|| {
                    bad(format!(
                        "`expires` is a time such as 12h or 2d, not {text:?}"
                    ))
                })?),
            };
        }
        if let Some(checks) = &self.checks {
            let read = checks.iter().map(Check::read);
            card.checks = read.collect::<Result<_, _>>().map_err(bad)?;
        }
        card.rounds_max = self.rounds.unwrap_or(card.rounds_max);
        card.unreviewed = self.unreviewed.unwrap_or(card.unreviewed);
        card.check().map_err(bad)?;
        Ok(card)
    }
}

/// Puts a task on the board.
pub(crate) async fn put(call: &Call, wish: &Wish) -> Result<(Seq, TaskId), Fault> {
    let title = wish.title.as_deref().unwrap_or_default();
    if let Some(odd) = title.chars().find(|c| c.is_control() && !c.is_whitespace()) {
        let what = format!(
            "a title has no control characters, this one has {}: leave it out",
            odd.escape_unicode()
        );
        return Err(bad(what));
    }
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    match title.chars().count() {
        0 => return Err(bad("a task has a `title`")),
        chars if chars > TITLE_CHARS_MAX => {
            let what = format!("a title has at most {TITLE_CHARS_MAX} characters, not {chars}");
            return Err(Fault::new(Code::TOO_LARGE, what));
        }
        _ => {}
    }
    let text = wish.text.as_deref().unwrap_or_default().trim();
    if text.len() > TEXT_BYTES_MAX {
        let what = format!(
            "the text of a task has at most {TEXT_BYTES_MAX} bytes, this one has {}",
            text.len()
        );
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    let card = Arc::new(wish.over(&call.reader()?, &Card::default())?);
    let (brief, body) = call.content(format!("# {title}\n\n{text}"))?;
    let plan = command::Task::Plan {
        title: call.seal(&title)?,
        brief,
        card,
    };
    match call.ask("", plan, vec![body]).await? {
        (seq, Reply::Task { task, .. }) => Ok((seq, task)),
        _ => Err(Fault::new(
            Code::INTERNAL,
            "a task was planned without an id",
        )),
    }
}

pub(crate) async fn create(call: Call) -> Answered {
    let wish: Wish = call.json()?;
    let (seq, task) = put(&call, &wish).await?;
    call.desk.app.node.settled(call.who()?.tenant, seq).await?;
    let reader = call.reader()?;
    let mut made = json!({"task": task, "seq": seq});
    if let Some(found) = reader.find::<OnBoard>(&task)? {
        made["begins"] = shapes::time(begins(&reader, task, &found)?);
    }
    Ok(json(StatusCode::CREATED, &made))
}

/// When the agent whose it is looks at it; none where it doesn't wait for one.
pub(crate) fn begins(
    reader: &Reader,
    task: TaskId,
    found: &OnBoard,
) -> Result<Option<Time>, Refusal> {
    let Some(name) = found.card.agent() else {
        return Ok(None);
    };
    let desk = reader.find::<Desk>(name)?;
    let waits = desk.filter(|desk| desk.calls.contains(&Waits::Task(task)));
    Ok(waits.and_then(|desk| desk.at))
}

/// The task on the board that the path names.
pub(crate) fn on_board(call: &Call) -> Result<(TaskId, Arc<OnBoard>), Fault> {
    let task: TaskId = call.id("id", "task")?;
    let reader = call.reader()?;
    reader.known::<Task>(&task, "task")?;
    let found = reader.find::<OnBoard>(&task)?;
    let none = || {
        let what = format!("{task} is no task of the board: it is the work of a run");
        Fault::new(Code::WRONG_STATE, what)
    };
    Ok((task, found.ok_or_else(none)?))
}

pub(crate) async fn change(call: Call) -> Answered {
    let wish: Wish = call.json()?;
    if wish.title.is_some() || wish.text.is_some() {
        let refusal = Refusal::new(Code::BAD_REQUEST, "what is to be done stays as it was said")
            .help("say what changed in its thread: POST …/messages");
        return Err(refusal.into());
    }
    let (task, found) = on_board(&call)?;
    let card = Arc::new(wish.over(&call.reader()?, &found.card)?);
    let (seq, reply) = call
        .ask("", command::Task::Change { task, card }, Vec::new())
        .await?;
    ok(&json!({"task": task, "changed": reply != Reply::Unchanged, "seq": seq}))
}

pub(crate) async fn begin(call: Call) -> Answered {
    let (task, _) = on_board(&call)?;
    let (seq, _) = call
        .ask("", command::Task::Begin { task }, Vec::new())
        .await?;
    ok(&json!({"task": task, "seq": seq}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOver {
    pub(crate) to: String,
    pub(crate) note: Option<String>,
}

pub(crate) async fn hand(call: &Call, asked: HandOver) -> Result<(Seq, TaskId), Fault> {
    let (task, _) = on_board(call)?;
    let to =
        assignee(&call.reader()?, &asked.to)?.ok_or_else(|| bad("`to` is an agent or a member"))?;
    let note = asked.note.filter(|note| !note.trim().is_empty());
    let (note, bodies) = call.content_of(note)?;
    let (seq, _) = call
        .ask("", command::Task::Hand { task, to, note }, bodies)
        .await?;
    Ok((seq, task))
}

pub(crate) async fn hand_over(call: Call) -> Answered {
    let asked: HandOver = call.json()?;
    let to = asked.to.clone();
    let (seq, task) = hand(&call, asked).await?;
    ok(&json!({"task": task, "to": to, "seq": seq}))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Finish {
    output: Option<String>,
}

pub(crate) async fn finish(call: Call) -> Answered {
    let asked: Finish = call.json()?;
    let (task, _) = on_board(&call)?;
    let (output, bodies) = call.content_of(asked.output)?;
    let (seq, _) = call
        .ask("", command::Task::Finish { task, output }, bodies)
        .await?;
    ok(&json!({"task": task, "seq": seq}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Follow {
    on: bool,
}

pub(crate) async fn follow(call: Call) -> Answered {
    let Follow { on } = call.json()?;
    let (task, _) = on_board(&call)?;
    let follow = command::Task::Follow { task, on };
    let (seq, reply) = call.ask("", follow, Vec::new()).await?;
    let changed = reply != Reply::Unchanged;
    ok(&json!({"task": task, "follows": on, "changed": changed, "seq": seq}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Say {
    pub(crate) text: String,
}

/// Says something; answers with the message, the agents that it calls, the people who find it in
/// their inbox because it calls them or because they follow the task, those outside who see nothing
/// of the board, and the words that call nobody.
pub(crate) async fn speak(call: &Call, asked: Say) -> Result<(Seq, Value), Fault> {
    let (task, found) = on_board(call)?;
    let reader = call.reader()?;
    let (mut calls, mut called, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for name in found.called(&asked.text) {
        if reader.find::<Agent>(&name)?.is_some() {
            calls.push(name.clone());
        }
        match members::one(&reader, name.as_str()) {
            Ok(member) => called.push(member),
            Err(_) if !calls.contains(&name) => unknown.push(name),
            Err(_) => {}
        }
    }
    if message::called(&asked.text).1 {
        called.extend(found.followers());
    }
    let (mut tells, mut outside) = (Vec::new(), Vec::new());
    let mut heard = BTreeSet::from([call.who()?.member]);
    for id in called.iter().copied().chain(found.followers()) {
        let Some(member) = reader.find::<Member>(&id)?.filter(|_| heard.insert(id)) else {
            continue;
        };
        let name = match &member.handle {
            Some(handle) => handle.to_string(),
            None => reader.sealed(&member.name),
        };
        if member.role > Role::External {
            tells.push(name);
        } else if called.contains(&id) {
            outside.push(name);
        }
    }
    let (body, content) = call.content(asked.text)?;
    let say = command::Message::Say { task, body };
    let (seq, reply) = call.ask("", say, vec![content]).await?;
    let message = match reply {
        Reply::Message(message) => Some(message),
        _ => None,
    };
    let said = json!({"task": task, "message": message, "calls": calls, "tells": tells,
        "outside": outside, "unknown": unknown, "seq": seq});
    Ok((seq, said))
}

pub(crate) async fn say(call: Call) -> Answered {
    let asked: Say = call.json()?;
    let (_, said) = speak(&call, asked).await?;
    Ok(json(StatusCode::CREATED, &said))
}

/// Who that is, as people call them.
pub(crate) fn speaker(reader: &Reader, by: &Actor) -> String {
    match by {
        Actor::Agent(name) => name.to_string(),
        Actor::Member(id, _) => members::called(reader, id),
        _ => "naos".into(),
    }
}

/// The newest messages of a thread before one place, at most two pieces of it, in order; and where
/// those before them end.
pub(crate) fn lines(
    reader: &Reader,
    task: TaskId,
    upto: u32,
) -> Result<(Vec<Line>, Option<u32>), Refusal> {
    let Some(last) = upto.checked_sub(1) else {
        return Ok((Vec::new(), None));
    };
    let first = piece_of(last).saturating_sub(1);
    let mut out = Vec::new();
    for piece in first..=piece_of(last) {
        if let Some(thread) = reader.find::<Thread>(&ThreadKey(task, piece))? {
            out.extend(thread.lines.iter().cloned());
        }
    }
    let begins = first * naos_kernel::message::LINES_PER_PIECE;
    out.truncate((upto - begins) as usize);
    Ok((out, (begins > 0).then_some(begins)))
}

fn line(reader: &Reader, line: &Line) -> Value {
    json!({
        "message": line.message,
        "by": speaker(reader, &line.by),
        "at": line.at.rfc3339(),
        "calls": line.to,
        "text": shapes::text(reader, Some(&line.body)),
    })
}

pub(crate) async fn messages(call: Call) -> Answered {
    let (task, found) = on_board(&call)?;
    let reader = call.reader()?;
    let all = u64::from(found.messages);
    let upto = call.number("before", all, all)?;
    let (found, next) = lines(&reader, task, u32::try_from(upto).unwrap_or(u32::MAX))?;
    let items: Vec<Value> = found.iter().map(|one| line(&reader, one)).collect();
    ok(&json!({"items": items, "next": next}))
}

/// What the board knows about a task, in the same words that plan one.
pub(crate) fn shown(
    reader: &Reader,
    task: TaskId,
    found: &OnBoard,
    now: Time,
) -> Result<Value, Refusal> {
    let card = &found.card;
    let to = card.to.as_ref().map(|to| match to {
        Assignee::Agent(name) => name.to_string(),
        Assignee::Member(member) => speaker(reader, &Actor::Member(*member, Role::Staff)),
    });
    let (said, before) = lines(reader, task, found.messages)?;
    let plan = match &found.plan {
        Some(plan) => reader.find::<Plan>(plan)?,
        None => None,
    };
    let (review, checked) = match &plan {
        Some(plan) => (
            reviewed::in_plan(reader, plan, None)?.map(|last| last.shape(reader)),
            reviewed::checks(reader, plan, None),
        ),
        None => (None, Vec::new()),
    };
    let asked = match &plan {
        Some(plan) => reviewed::asked_now(reader, plan, now)?,
        None => None,
    };
    let asks = asked.map(
        |(id, asked)| json!({"approval": id, "text": shapes::text(reader, Some(&asked.body))}),
    );
    let made = found.made.iter().map(|made| {
        // No agent is whoever rejected it: a person.
        let by = (!made.is_a_persons()).then_some(&made.by);
        json!({"by": by, "refuted": made.refuted,
            "text": shapes::text(reader, Some(&made.body))})
    });
    Ok(json!({
        "to": to,
        "then": card.then,
        "reviewer": card.reviewer,
        "rounds": card.rounds_max,
        "approve": card.approve.map(Role::word),
        "unreviewed": card.unreviewed,
        "checks": card.checks.iter().map(Check::shown).collect::<Vec<_>>(),
        "checked": checked,
        "priority": card.priority,
        "due": card.due.map(Time::rfc3339),
        "labels": card.labels,
        "after": card.after,
        "unblocks": found.unblocks,
        "part_of": card.part_of,
        "parts": found.parts,
        "cc": card.cc,
        "attached": card.attached,
        "plan": found.plan,
        "begins": shapes::time(begins(reader, task, found)?),
        "hands": found.hands,
        "made": made.collect::<Vec<_>>(),
        "review": review,
        "asks": asks,
        "expires": card.expires.map(|span| schedules::span(span.0)),
        "messages": said.iter().map(|one| line(reader, one)).collect::<Vec<_>>(),
        "messages_before": before,
    }))
}
