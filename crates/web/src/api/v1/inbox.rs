//! `/inbox`: what whoever asks is to hear of.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::http::header::ACCEPT_LANGUAGE;
use naos_engine::read::Reader;
use naos_kernel::approval::Approval;
use naos_kernel::member::{Inbox, Item};
use naos_kernel::message::Line;
use naos_kernel::task::{OnBoard, Task};
use naos_types::command::{self, Reply};
use naos_types::fact::member::News;
use naos_types::spec::Tongue;
use naos_types::standup::Opened;
use naos_types::{Refusal, TaskId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{approvals, cards, shapes, stuck};
use crate::auth::cookie;
use crate::door::{Answered, Call, ok};
use crate::error::Fault;
use crate::screens::LANGUAGE;
use crate::standup;

/// How much of a message is shown, in characters: the thread has all of it.
const SAID_CHARS_MAX: usize = 280;

/// What whoever asks is to hear of, and of whom it is.
pub(crate) fn of(call: &Call) -> Result<Inbox, Fault> {
    let member = call.who()?.member;
    let found = call.reader()?.find::<Inbox>(&member)?;
    Ok(found.map_or_else(Inbox::default, |found| (*found).clone()))
}

/// What one is about, in people's words: the title of the task or question.
pub(crate) fn title(reader: &Reader, news: &News) -> Result<String, Refusal> {
    if let News::Shown(driver, _) = news {
        return Ok(driver.to_string());
    }
    let sealed = match news {
        News::Delegated(approval) => reader
            .find::<Approval>(approval)?
            .map(|it| it.title.clone()),
        _ => match news.task() {
            Some(task) => reader.find::<Task>(&task)?.map(|it| it.title.clone()),
            None => None,
        },
    };
    Ok(sealed.map_or_else(String::new, |title| reader.sealed(&title)))
}

/// The last lines of the threads that news are from, each read once.
#[derive(Default)]
pub(crate) struct Threads(BTreeMap<TaskId, Vec<Line>>);

impl Threads {
    fn of(&mut self, reader: &Reader, task: TaskId) -> Result<&[Line], Refusal> {
        if let Entry::Vacant(free) = self.0.entry(task) {
            let lines = match reader.find::<OnBoard>(&task)? {
                Some(found) => cards::lines(reader, task, found.messages)?.0,
                None => Vec::new(),
            };
            free.insert(lines);
        }
        Ok(self.0.get(&task).map_or(&[], Vec::as_slice))
    }
}

/// The beginning of what was said, or of what whoever leaves an answer says about it.
pub(crate) fn said(
    reader: &Reader,
    threads: &mut Threads,
    news: &News,
) -> Result<Option<String>, Refusal> {
    if let News::Delegated(approval) = news {
        let found = reader.find::<Approval>(approval)?;
        let left = found.and_then(|found| approvals::left(reader, &found));
        return Ok(left.and_then(|left| match left.gone {
            true => {
                let who = match left.removed {
                    true => format!("a member who was removed ({})", left.to),
                    false => left.name,
                };
                Some(format!(
                    "{who}, to whom the answer was left, is gone or answers no questions any \
                     more: it waits for you, and whoever else may answer"
                ))
            }
            false => left.note.map(|note| shortened(&note)),
        }));
    }
    if let News::Shown(_, body) = news {
        return Ok(Some(shortened(&reader.shown(body))));
    }
    let (News::Called(task, message) | News::Said(task, message)) = news else {
        return Ok(None);
    };
    let lines = threads.of(reader, *task)?;
    let Some(line) = lines.iter().find(|line| line.message == *message) else {
        return Ok(None); // so much was said since
    };
    let Value::String(text) = shapes::text(reader, Some(&line.body)) else {
        return Ok(None);
    };
    Ok(Some(shortened(&text)))
}

fn shortened(text: &str) -> String {
    let mut out: String = text.chars().take(SAID_CHARS_MAX).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

/// The language of whoever asks: as the query says, as they chose, as their header says.
pub(crate) fn tongue(call: &Call) -> Result<Option<Tongue>, Fault> {
    let asked = call.word("language", Tongue::parse)?;
    let chosen = || cookie(&call.headers, LANGUAGE).and_then(Tongue::parse);
    let header = || {
        let value = call.headers.get(ACCEPT_LANGUAGE)?;
        standup::wanted(value.to_str().ok()?)
    };
    Ok(asked.or_else(chosen).or_else(header))
}

/// A stand-up that came by itself, in words.
pub(crate) struct Brought {
    told: Opened,
    /// Of which day it is.
    pub(crate) title: String,
    /// What it tells.
    pub(crate) text: String,
}

/// A stand-up in the reader's language, or else in its own.
pub(crate) fn brought(reader: &Reader, news: &News, tongue: Option<Tongue>) -> Option<Brought> {
    let News::Standup(_, body) = news else {
        return None;
    };
    let told = match reader.standup(body) {
        Ok(told) => told,
        Err(refusal) => {
            tracing::warn!(%refusal, "a stand-up can't be read");
            return None;
        }
    };
    let text = standup::text(&told, tongue.or(told.language).unwrap_or_default());
    let (title, text) = text.split_once('\n').unwrap_or((&text, ""));
    Some(Brought {
        title: title.to_owned(),
        text: text.trim_start().to_owned(),
        told,
    })
}

fn item(
    reader: &Reader,
    threads: &mut Threads,
    item: &Item,
    (seen, tongue): (u32, Option<Tongue>),
) -> Result<Value, Refusal> {
    if let Some(Brought { told, title, text }) = brought(reader, &item.news, tongue) {
        return Ok(json!({
            "number": item.number,
            "what": item.news.word(),
            "subject": item.news.subject(),
            "title": title,
            "status": null,
            "by": cards::speaker(reader, &item.by),
            "at": item.at.rfc3339(),
            "text": text,
            "standup": standup::shape(&told),
            "path": item.news.path(),
            "seen": item.number <= seen,
        }));
    }
    Ok(json!({
        "number": item.number,
        "what": item.news.word(),
        "subject": item.news.subject(),
        "title": title(reader, &item.news)?,
        "status": match &item.news {
            News::Ended(_, status) => Some(status.to_string()),
            _ => None,
        },
        "by": cards::speaker(reader, &item.by),
        "at": item.at.rfc3339(),
        "text": said(reader, threads, &item.news)?,
        "path": item.news.path(),
        "seen": item.number <= seen,
    }))
}

pub(crate) async fn list(call: Call) -> Answered {
    let inbox = of(&call)?;
    let reader = call.reader()?;
    let all = call
        .word("all", |word| (word == "true").then_some(()))?
        .is_some();
    let newest = inbox.items.iter().rev();
    let wanted = newest.filter(|one| all || one.number > inbox.seen);
    let tongue = tongue(&call)?;
    let mut threads = Threads::default();
    let items: Vec<Value> = wanted
        .map(|one| item(&reader, &mut threads, one, (inbox.seen, tongue)))
        .collect::<Result<_, _>>()?;
    ok(&json!({
        "items": items,
        "unseen": inbox.unseen(),
        "upto": inbox.count,
        "stuck": stuck::shown(&reader)?,
        "seq": reader.seq()?,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Seen {
    /// Up to which number; all without it.
    upto: Option<u32>,
}

pub(crate) async fn seen(call: Call) -> Answered {
    let Seen { upto } = call.json()?;
    let upto = upto.unwrap_or(u32::MAX);
    let (seq, reply) = call
        .ask("", command::Member::Saw { upto }, Vec::new())
        .await?;
    ok(&json!({"changed": reply != Reply::Unchanged, "seq": seq}))
}
