//! `/events`: the bus, and what was put aside.

use naos_engine::read::{EVENTS_SCAN_MAX, EventRow as Row, Reader};
use naos_kernel::event::{Bus, Consumer, Dead, DeadKey, Trace, TraceKey};
use naos_kernel::task::Task;
use naos_types::command;
use naos_types::fact::event::Began;
use naos_types::spec::{Kind, Paused};
use naos_types::{Code, EventId, Name, PlanId, Refusal, Role, RunId, Seq, TaskId};
use serde::Deserialize;

use super::escape;
use crate::api::v1::NAMES_MAX;
use crate::api::v1::audits::before;
use crate::api::v1::consumers::{failed, switch};
use crate::api::v1::events::filter;
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::PAGE_ROWS_MAX;
use crate::pages::events::{ConsumerRow, DeadRow, Event, EventRow, Events, GotRow, Linked};
use crate::pages::excerpt::Excerpt;

/// How much of an event's data is shown.
const DATA_CHARS_MAX: usize = 160;
/// How many of those that were put aside are shown.
const DEAD_SHOWN: usize = 50;
/// How much of the data of each of them; its own page has more.
const DEAD_DATA_BYTES_MAX: usize = 1_024;

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.lists().await?;
    let wanted = filter(&call)?;
    let before = before(&call)?;
    let scan = call.rows("look", EVENTS_SCAN_MAX, EVENTS_SCAN_MAX)? as u64;
    let wants = |event: &_| wanted.wants(event);
    let found = reader.events_before(before, PAGE_ROWS_MAX, scan, wants)?;
    let bus = reader.find::<Bus>(&())?;
    let said = |name: &str| call.query(name).unwrap_or_default().to_owned();
    let [topic, source] = ["type", "source"].map(said);
    let [category, correlation] = ["category", "correlation"].map(said);
    let query = format!(
        "type={}&source={}&category={}&correlation={}",
        escape(&topic),
        escape(&source),
        escape(&category),
        escape(&correlation)
    );
    let page = Events {
        looked: found.cut(PAGE_ROWS_MAX),
        rows: found.rows.iter().map(|row| event(&reader, row)).collect(),
        published: bus.as_ref().map_or(0, |bus| bus.published),
        orphans: bus.as_ref().map_or(0, |bus| bus.orphans),
        consumers: consumers(&call, &reader)?,
        dead: all_dead(&reader)?,
        newer: before.map(|_| format!("/events?{query}")),
        older: found
            .next
            .map(|seq| format!("/events?{query}&before={seq}")),
        topic,
        source,
        category,
        correlation,
    };
    super::page(&call, &page)
}

fn event(reader: &Reader, row: &Row) -> EventRow {
    let origin = &row.event.origin;
    let data = reader.text(&row.event.data).unwrap_or_default();
    let mut shown: String = data.chars().take(DATA_CHARS_MAX).collect();
    if shown.len() < data.len() {
        shown.push('…');
    }
    let by = || super::rows::actor(reader, &row.event.by).0;
    EventRow {
        event: row.event.event.to_string(),
        seq: row.seq,
        time_ms: row.at.0,
        topic: row.event.topic.clone(),
        source: origin.source.clone().unwrap_or_else(by),
        correlation: row.event.correlation(),
        data: shown,
        gone: reader.is_erased(&row.event.data),
        heard: origin.heard,
    }
}

fn consumers(call: &Call, reader: &Reader) -> Result<Vec<ConsumerRow>, Fault> {
    let may = call.who()?.role >= Role::Admin;
    let mut out = Vec::new();
    for (key, found) in reader.resources(Kind::Subscription, NAMES_MAX)? {
        let (Some(spec), Some(consumer)) = (found.spec.listens(), reader.find::<Consumer>(&key.1)?)
        else {
            continue;
        };
        let starts = spec.starts.as_ref();
        let starts = starts.map(|starts| format!("{} {}", starts.kind.word(), starts.name));
        let emits = found.spec.emits().iter();
        let emits: Vec<&str> = emits.map(|one| one.kind.as_str()).collect();
        let emits = (!emits.is_empty()).then(|| format!("emit {}", emits.join(", ")));
        let deliver = found.spec.deliver();
        let said = call.desk.couriers.said(reader.tenant(), &key.1);
        let said = said.filter(|said| deliver.is_some() && !said.taken);
        let topics = &spec.filter.topics;
        out.push(ConsumerRow {
            name: key.1.to_string(),
            on: if topics.is_empty() {
                "*".into()
            } else {
                topics.join(", ")
            },
            starts: starts.or(emits).unwrap_or_default(),
            sends_to: deliver.map_or_else(String::new, |deliver| deliver.url.clone()),
            paused: deliver
                .and_then(|deliver| deliver.paused)
                .map(|why| match why {
                    Paused::ByHand => "delivery-paused",
                    Paused::Gone => "delivery-gone",
                }),
            said: said.map(|said| said.text),
            key: (may && deliver.is_some()).then(super::form_key),
            in_flight: (consumer.held.len() + consumer.pending.len()) as u64,
            done: consumer.done,
        });
    }
    Ok(out)
}

fn all_dead(reader: &Reader) -> Result<Vec<DeadRow>, Fault> {
    let listed = reader.newest::<Dead>(None, DEAD_SHOWN, |_, _| true)?;
    let rows = listed.items.iter().map(|(key, found)| {
        let mut row = dead(reader, key, found)?;
        let of = at(reader, key.1, found.seq)?;
        row.data = of.as_ref().map(|of| {
            let data = reader.shown(&of.event.data);
            Excerpt::upto(&data, DEAD_DATA_BYTES_MAX)
        });
        row.topic = of.map_or_else(String::new, |of| of.event.topic);
        Ok(row)
    });
    let mut rows = rows.collect::<Result<Vec<DeadRow>, Fault>>()?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.time_ms));
    Ok(rows)
}

/// An event, at its place where that is known.
fn at(reader: &Reader, event: EventId, seq: Option<Seq>) -> Result<Option<Row>, Refusal> {
    match seq {
        Some(seq) => reader.event_at(seq),
        None => reader.event(event),
    }
}

fn dead(reader: &Reader, key: &DeadKey, dead: &Dead) -> Result<DeadRow, Fault> {
    let failed = match dead.task {
        Some(task) => failed(reader, task)?,
        None => None,
    };
    Ok(DeadRow {
        consumer: key.0.to_string(),
        event: key.1.to_string(),
        topic: String::new(),
        data: None,
        acted: failed.as_ref().is_some_and(|(_, run)| run.may_have_acted()),
        run: failed.map(|(id, _)| id.to_string()),
        attempts: u64::from(dead.attempts),
        time_ms: dead.at.0,
        why: super::rows::told(reader, &dead.problem),
        form_key: Some(super::form_key()),
    })
}

/// `/events/{id}`: one event, by its id or its place.
pub(crate) async fn one(call: Call) -> Answered {
    let reader = call.lists().await?;
    let text = call.param("id");
    let found = match text.parse::<Seq>() {
        Ok(seq) => reader.event_at(seq)?,
        Err(_) => reader.event(call.id("id", "event")?)?,
    };
    let missing = || Fault::new(Code::NOT_FOUND, format!("there is no event {text}"));
    let row = found.ok_or_else(missing)?;
    let (id, origin) = (row.event.event, &row.event.origin);
    let aside = |key: &DeadKey, _: &Dead| key.1 == id;
    let aside = reader.newest::<Dead>(None, DEAD_SHOWN, aside)?.items;
    let rows = aside.iter().map(|(key, found)| dead(&reader, key, found));
    let page = Event {
        id: id.to_string(),
        seq: row.seq,
        time_ms: row.at.0,
        topic: row.event.topic.clone(),
        category: origin.category.word(),
        source: origin.source.clone(),
        by: super::rows::actor(&reader, &row.event.by).0,
        correlation: row.event.correlation(),
        causation: row.event.causation().map(linked),
        content: origin.content.clone(),
        heard: origin.heard,
        gone: reader.is_erased(&row.event.data),
        data: super::rows::excerpt(&reader, &row.event.data),
        about: origin.more.map(|more| super::rows::excerpt(&reader, &more)),
        got: got(&reader, &row)?,
        dead: rows.collect::<Result<Vec<DeadRow>, Fault>>()?,
    };
    super::page(&call, &page)
}

/// What an id stands for, and its page; anything else is what somebody outside calls it.
fn linked(text: String) -> Linked {
    let folder = [
        ("/events", EventId::parse(&text).is_some()),
        ("/runs", RunId::parse(&text).is_some()),
        ("/plans", PlanId::parse(&text).is_some()),
        ("/tasks", TaskId::parse(&text).is_some()),
    ];
    let found = folder.iter().find(|(_, fits)| *fits);
    let href = found.map(|(folder, _)| format!("{folder}/{text}"));
    Linked { text, href }
}

/// Who got an event, as far as that is kept: what was acknowledged is not.
fn got(reader: &Reader, row: &Row) -> Result<Vec<GotRow>, Fault> {
    let event = row.event.event;
    let mut out = Vec::new();
    for (key, _) in reader.resources(Kind::Subscription, NAMES_MAX)? {
        let mut say = |what, began| {
            out.push(GotRow {
                consumer: key.1.to_string(),
                what,
                began,
            });
        };
        if let Some(trace) = reader.find::<Trace>(&TraceKey(event, key.1.clone()))? {
            match trace.began {
                Began::Plan(plan) => say("event-got-began", Some(linked(plan.to_string()))),
                Began::Task(task) => {
                    let run = reader.find::<Task>(&task)?.and_then(|task| task.run);
                    let of = run.map_or_else(|| task.to_string(), |run| run.to_string());
                    say("event-got-began", Some(linked(of)));
                }
                Began::Events(count) => {
                    let text = count.to_string();
                    say("event-got-events", Some(Linked { text, href: None }));
                }
                Began::Nothing => {}
            }
        }
        let Some(consumer) = reader.find::<Consumer>(&key.1)? else {
            continue;
        };
        if consumer.pending.iter().any(|one| one.event == event) {
            say("event-got-waits", None);
        }
        if consumer.held.contains_key(&row.seq) {
            say("event-got-held", None);
        }
    }
    Ok(out)
}

/// Lets a receiver have its events, or no more.
pub(crate) async fn deliver(mut call: Call) -> Answered {
    let verb = super::pressed(&mut call)?;
    let on = match verb.as_str() {
        "resume" => true,
        "pause" => false,
        _ => return Err(Fault::new(Code::BAD_REQUEST, "the form doesn't parse")),
    };
    let name = call.name("name")?;
    switch(&call, name, on).await?;
    Ok(super::see("/events"))
}

#[derive(Deserialize)]
struct Decide {
    idempotency_key: String,
    consumer: Name,
    event: EventId,
    action: String,
}

/// Has what was put aside given again, or gives it up.
pub(crate) async fn decide(mut call: Call) -> Answered {
    let form: Decide = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let Decide {
        consumer, event, ..
    } = form;
    let command = match form.action.as_str() {
        "replay" => command::Event::Replay { consumer, event },
        "drop" => command::Event::Drop { consumer, event },
        _ => return Err(Fault::new(Code::BAD_REQUEST, "the form doesn't parse")),
    };
    call.ask("", command, Vec::new()).await?;
    Ok(super::see("/events"))
}
