//! `/events`; the streams of them are in `live.rs`, who listens is in `consumers.rs`.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use http::StatusCode;
use naos_engine::node::Ask;
use naos_engine::read::{EVENTS_SCAN_MAX, EventRow};
use naos_engine::shard::{NewBody, SameAs};
use naos_kernel::event::{Bus, Dead, DeadKey, Listeners, may_publish};
use naos_types::command::{self, Reply};
use naos_types::fact::event::{Category, Origin};
use naos_types::spec::{EventFilter, driver_listens};
use naos_types::{BodyRef, Code, Digest, EventId, Name, Refusal, Seq};
use serde_json::{Map, Value, json};

use super::audits::{before, looked};
use super::{LIMIT, LIMIT_MAX};
use crate::cloudevents::{self, Came, Incoming};
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;
use crate::planted;

pub(crate) async fn publish(call: Call) -> Answered {
    match cloudevents::read(&call.headers, &call.body)? {
        Came::One(one) => {
            let (seq, event) = publish_one(&call, "", made(&call, *one)?).await?;
            let said = json!({"event": event, "seq": seq});
            told(&call, said, &[event])
        }
        Came::Many(many) => {
            let events = checked(&call, many)?;
            let parts: Vec<String> = (0..events.len()).map(|at| format!("#{at}")).collect();
            let asked = parts.iter().zip(events);
            let asked = asked.map(|(part, one)| publish_one(&call, part, one));
            let published = join_all(asked).await;
            let (mut events, mut last, mut failed) = (Vec::new(), 0, None);
            for (at, one) in published.into_iter().enumerate() {
                match one {
                    Ok((seq, event)) => {
                        last = last.max(seq);
                        events.push(Some(event));
                    }
                    Err(fault) => {
                        failed = failed.or(Some((at, fault)));
                        events.push(None);
                    }
                }
            }
            if let Some((at, fault)) = failed {
                return Err(in_part(at, fault, &events));
            }
            let events: Vec<EventId> = events.into_iter().flatten().collect();
            told(&call, json!({"events": events, "seq": last}), &events)
        }
    }
}

/// Says of events that they are published, and which of them were put aside at once: a driver
/// would take them that is switched off.
fn told(call: &Call, mut said: Value, events: &[EventId]) -> Answered {
    let reader = call.reader()?;
    let listeners = reader.find::<Listeners>(&())?;
    let off = listeners.iter().flat_map(|found| found.off.values());
    let off: BTreeSet<&Name> = off.collect();
    let mut aside = Vec::new();
    for driver in off {
        let Some(consumer) = driver_listens(driver) else {
            continue; // it never listened
        };
        for event in events {
            let key = DeadKey(consumer.clone(), *event);
            if reader.find::<Dead>(&key)?.is_some() {
                let one = json!({"event": event, "consumer": consumer, "driver": driver});
                aside.push(one);
            }
        }
    }
    if !aside.is_empty() {
        said["put_aside"] = Value::Array(aside);
    }
    Ok(json(StatusCode::CREATED, &said))
}

/// An event that is ready to be published.
struct Made {
    topic: String,
    data: BodyRef,
    origin: Origin,
    bodies: Vec<NewBody>,
    /// Its id and where it comes from, where it says one.
    known_by: Option<(String, Option<String>)>,
    /// What marks it as the same one.
    same: Option<SameAs>,
}

fn made(call: &Call, one: Incoming) -> Result<Made, Fault> {
    let Incoming {
        topic,
        data,
        mut origin,
        more,
    } = one;
    let who = call.who()?;
    let known_by = |origin: &Origin| Some((origin.id.clone()?, origin.source.clone()));
    let known_by = known_by(&origin);
    let same = known_by.as_ref().map(|(id, whose)| {
        let whose = whose.clone();
        let source = whose.unwrap_or_else(|| who.member.to_string());
        let content = cloudevents::canonical(&data, origin.content.as_deref());
        SameAs {
            source: format!("event/{source}"),
            key: id.clone(),
            request: Digest::of(&[topic.as_bytes(), b"\0", &content[..]].concat()),
        }
    });
    let mut bodies = Vec::new();
    let (data, body) = call.content(data)?;
    bodies.push(body);
    if !more.is_empty() {
        let (name, body) = call.content(Value::Object(more).to_string())?;
        origin.more = Some(name);
        bodies.push(body);
    }
    Ok(Made {
        topic,
        data,
        origin,
        bodies,
        known_by,
        same,
    })
}

/// The events of a batch, none of which is refused as far as that is known before one of them is
/// published: a batch is taken as a whole or not at all.
fn checked(call: &Call, many: Vec<Incoming>) -> Result<Vec<Made>, Fault> {
    let (who, reader) = (call.who()?, call.reader()?);
    let mut events: Vec<Made> = Vec::with_capacity(many.len());
    let mut within: BTreeMap<(String, String), (usize, Digest)> = BTreeMap::new();
    for (at, one) in many.into_iter().enumerate() {
        let nth = |fault: Fault| cloudevents::of_batch(at, fault);
        let one = made(call, one).map_err(nth)?;
        if planted::batches_in_part() {
            events.push(one);
            continue;
        }
        may_publish(&who.actor(), &one.topic, one.data, &one.origin)
            .map_err(|refusal| nth(refusal.into()))?;
        if let Some(same) = &one.same {
            reader
                .said_before(same)
                .map_err(|it| nth(Fault::from(it).known_by(|| another(one.known_by.as_ref()))))?;
            let key = (same.source.clone(), same.key.clone());
            let (first, request) = *within.entry(key).or_insert((at, same.request));
            if request != same.request {
                let what = format!("event {} has its id and its source", first + 1);
                let what = format!("{what}, and another type or other data");
                let refusal = Refusal::new(Code::SAME_KEY, what);
                return Err(nth(refusal.help(NEW_ID).into()));
            }
        }
        events.push(one);
    }
    Ok(events)
}

/// What stopped a batch that was sound, and which of it is published all the same.
fn in_part(at: usize, fault: Fault, events: &[Option<EventId>]) -> Fault {
    let mut fault = cloudevents::of_batch(at, fault);
    let count = events.iter().flatten().count();
    let what = &mut fault.refusal.what;
    *what = format!("{what}; {count} of the {} are published", events.len());
    let again = "send the whole batch again: what has the same source and id is the same event";
    let help = &mut fault.refusal.help;
    *help = match help.is_empty() {
        true => again.to_owned(),
        false => format!("{help}; then {again}"),
    };
    fault.with("events", json!(events))
}

/// Publishes one; the same source and id again is the same event.
async fn publish_one(call: &Call, part: &str, one: Made) -> Result<(Seq, EventId), Fault> {
    let Made {
        topic,
        data,
        origin,
        bodies,
        known_by,
        same,
    } = one;
    let who = call.who()?;
    let command = command::Event::Publish {
        topic,
        data,
        origin,
    };
    let (seq, reply) = match same {
        None => call.ask(part, command, bodies).await?,
        same => {
            let ask = Ask {
                tenant: who.tenant,
                actor: who.actor(),
                command: command.into(),
                bodies,
                same,
            };
            let (seq, reply) = call.desk.app.node.ask(ask).await;
            let other = || another(known_by.as_ref());
            (seq, reply.map_err(|it| Fault::from(it).known_by(other))?)
        }
    };
    match reply {
        Reply::Event(event) => Ok((seq, event)),
        _ => Err(Fault::new(Code::INTERNAL, "an event without an id")),
    }
}

const NEW_ID: &str = "an event's id and its source stand for one event: give a new event a new id";

/// What is said of an event whose id and source are those of another one.
fn another(known_by: Option<&(String, Option<String>)>) -> (String, &'static str) {
    let (id, source) = known_by.cloned().unwrap_or_default();
    let of = source.map_or_else(
        || "without a source".to_owned(),
        |source| format!("of the source {source}"),
    );
    let what = format!("the event {id} {of} was published before, with another type or other data");
    (what, NEW_ID)
}

/// What a query asks for.
pub(crate) fn filter(call: &Call) -> Result<EventFilter, Fault> {
    let topics = call.query("type").map(|all| {
        let parts = all.split(',').map(str::trim);
        parts.map(str::to_owned).collect()
    });
    let filter = EventFilter {
        topics: topics.unwrap_or_default(),
        category: call.word("category", Category::parse)?,
        source: call.query("source").map(str::to_owned),
        correlation: call.query("correlation").map(str::to_owned),
    };
    let bad = |what: String| Fault::new(Code::BAD_REQUEST, what);
    filter.check().map_err(bad)?;
    Ok(filter)
}

/// `GET /events`: newest first; those after a place oldest first, and up to where was looked. An
/// answer looks at so much of the journal and no more: `next` goes on.
pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let filter = filter(&call)?;
    let orphans = call.query("orphans").is_some_and(|value| value != "false");
    let scan = call.rows("look", EVENTS_SCAN_MAX, EVENTS_SCAN_MAX)? as u64;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    if call.query("after").is_some() {
        let after = call.number("after", 0, u64::MAX)?;
        let wants = |event: &_| filter.wants(event);
        let (rows, upto) = reader.events_after(after, limit, scan, wants)?;
        let items: Vec<Value> = rows.iter().map(|row| shape(&reader, row)).collect();
        return ok(&json!({"items": items, "upto": upto}));
    }
    let found = reader.events_before(before(&call)?, limit, scan, |event| {
        filter.wants(event) && !(orphans && event.origin.heard)
    })?;
    let items = found.rows.iter().map(|row| shape(&reader, row));
    let items: Vec<Value> = items.collect();
    let looked = looked(&found);
    let next = found.next.filter(|_| !planted::newest_are_all());
    ok(&json!({"items": items, "next": next, "looked": looked}))
}

/// An event as a list shows it: a CloudEvent, and whether anybody listened.
pub(crate) fn shape(reader: &naos_engine::read::Reader, row: &EventRow) -> Value {
    let mut out = cloudevents::event(reader, row);
    let note: Map<String, Value> = [
        ("seq".to_owned(), json!(row.seq)),
        ("event".to_owned(), json!(row.event.event)),
        ("heard".to_owned(), json!(row.event.origin.heard)),
        ("by".to_owned(), json!(row.event.by.to_string())),
    ]
    .into_iter()
    .collect();
    out.extend(note);
    Value::Object(out)
}

/// `GET /events/{id}`: by its id, or by its place in the journal.
pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.reader()?;
    let text = call.param("id");
    let found = match text.parse::<Seq>() {
        Ok(seq) => reader.event_at(seq)?,
        Err(_) => reader.event(call.id("id", "event")?)?,
    };
    let missing = || Fault::new(Code::NOT_FOUND, format!("there is no event {text}"));
    ok(&shape(&reader, &found.ok_or_else(missing)?))
}

/// `GET /events/stats`: how much was published, and how much of it for nobody.
pub(crate) async fn stats(call: Call) -> Answered {
    let reader = call.lists().await?;
    let bus = reader.find::<Bus>(&())?;
    let (published, orphans) = bus.map_or((0, 0), |bus| (bus.published, bus.orphans));
    ok(&json!({"published": published, "orphans": orphans, "seq": reader.seq()?}))
}
