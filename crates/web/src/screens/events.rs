//! `/events`: the bus, and what was put aside.

use naos_engine::read::{EVENTS_SCAN_MAX, EventRow as Row, Reader};
use naos_kernel::event::{Bus, Consumer, Dead};
use naos_types::command;
use naos_types::spec::{Kind, Paused};
use naos_types::{Code, EventId, Name, Role};
use serde::Deserialize;

use super::escape;
use crate::api::v1::NAMES_MAX;
use crate::api::v1::audits::before;
use crate::api::v1::consumers::switch;
use crate::api::v1::events::filter;
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::PAGE_ROWS_MAX;
use crate::pages::events::{ConsumerRow, DeadRow, EventRow, Events};

/// How much of an event's data is shown.
const DATA_CHARS_MAX: usize = 160;
/// How many of those that were put aside are shown.
const DEAD_SHOWN: usize = 50;

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
        dead: dead(&reader)?,
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

fn dead(reader: &Reader) -> Result<Vec<DeadRow>, Fault> {
    let listed = reader.newest::<Dead>(None, DEAD_SHOWN, |_, _| true)?;
    let row = |(key, dead): &(naos_kernel::event::DeadKey, std::sync::Arc<Dead>)| DeadRow {
        consumer: key.0.to_string(),
        event: key.1.to_string(),
        attempts: u64::from(dead.attempts),
        time_ms: dead.at.0,
        why: super::rows::told(reader, &dead.problem).sentence,
        form_key: Some(super::form_key()),
    };
    let mut rows: Vec<DeadRow> = listed.items.iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.time_ms));
    Ok(rows)
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
