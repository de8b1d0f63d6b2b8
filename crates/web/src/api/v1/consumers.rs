//! `/consumers`: who listens to events, takes them and is done with them; and what was put aside.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use naos_engine::node::Happened;
use naos_engine::read::{EVENTS_SCAN_MAX, EventRow, Listed, Reader};
use naos_kernel::ResourceKey;
use naos_kernel::event::{Consumer, Dead, DeadKey, PULL_MAX};
use naos_kernel::plan::Plan;
use naos_kernel::resource::Resource;
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_types::command::{self, Reply};
use naos_types::fact::Fact;
use naos_types::spec::{Deliver, EventFilter, Kind, Paused, Spec, driver_of};
use naos_types::{BodyRef, Code, EventId, Name, Refusal, RunId, Seq, Span, TaskId, TenantId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::applies::refused;
use super::flows::{LABEL, document, made};
use super::rules::Rules;
use super::{LIMIT, LIMIT_MAX, NAMES_MAX, WAIT_MS_MAX, endpoints, shapes};
use crate::app::{Desk, lock};
use crate::cloudevents;
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;

/// How much of the journal one look for events reads.
const LOOK_MAX: u64 = 4_096;
/// How many events that a consumer hasn't taken are counted.
const BEHIND_MAX: usize = 1_000;
/// How much of what was put aside is counted.
const DEAD_COUNTED_MAX: usize = 500;
/// How much of it is put in order for a list.
const DEAD_ORDERED_MAX: usize = 2_000;
/// How often somebody else may have taken what was found before we give up.
const TRIES_MAX: usize = 8;
/// The longest that whoever gives events back puts them off.
const RETURN_DELAY_MAX: Span = Span::secs(86_400);

/// Where a consumer stood last, and how far was looked for it in vain. Nothing relies on it: what
/// isn't true any more is said so by the cell.
#[derive(Clone, Debug, Default)]
struct Place {
    cursor: Seq,
    filter: EventFilter,
    looked: Seq,
}

/// The places of all consumers.
#[derive(Default)]
pub(crate) struct Places(Mutex<BTreeMap<(TenantId, Name), Place>>);

impl Places {
    fn of(&self, tenant: TenantId, name: &Name) -> Option<Place> {
        lock(&self.0).get(&(tenant, name.clone())).cloned()
    }

    fn keep(&self, tenant: TenantId, name: &Name, place: Place) {
        lock(&self.0).insert((tenant, name.clone()), place);
    }

    fn forget(&self, tenant: TenantId, name: &Name) {
        lock(&self.0).remove(&(tenant, name.clone()));
    }
}

fn kept(reader: &Reader, name: &Name) -> Result<Arc<Resource>, Fault> {
    let key = ResourceKey(Kind::Subscription, name.clone());
    reader.find::<Resource>(&key)?.ok_or_else(|| missing(name))
}

fn missing(name: &Name) -> Fault {
    let what = format!("there is no consumer {name}");
    let help = "`naos events consumers` lists them, `naos events subscribe` makes one";
    naos_types::Refusal::new(Code::NOT_FOUND, what)
        .help(help)
        .into()
}

fn shape(
    call: &Call,
    reader: &Reader,
    name: &Name,
    kept: &Spec,
    consumer: &Consumer,
) -> Result<Option<Value>, Fault> {
    let (Some(spec), emits) = (kept.listens(), kept.emits()) else {
        return Ok(None);
    };
    let held = consumer.held.len();
    let is_set_off = spec.starts.is_some() || !emits.is_empty();
    let (behind, more) = if is_set_off {
        (consumer.pending.len(), false)
    } else {
        behind(call, reader, name, &spec.filter, consumer)?
    };
    Ok(Some(json!({
        "deliver": kept.deliver().map(|deliver| delivery(call, name, deliver)),
        "name": name,
        "filter": spec.filter,
        "condition": spec.condition,
        "starts": spec.starts,
        "emits": emits,
        "cursor": consumer.cursor,
        "behind": behind,
        "behind_more": more,
        "behind_why": more.then(|| why_more(behind, consumer)),
        "in_flight": held,
        "done": consumer.done,
        "dead": put_aside(reader, name)?,
        "visible_ms": spec.visible.0,
        "attempts": spec.retry.attempts_max,
    })))
}

/// How many events a consumer hasn't taken, and whether there may be more. How far was looked for
/// one in vain is kept: whoever looks again goes on there.
fn behind(
    call: &Call,
    reader: &Reader,
    name: &Name,
    filter: &EventFilter,
    consumer: &Consumer,
) -> Result<(usize, bool), Fault> {
    let (tenant, cursor) = (reader.tenant(), consumer.cursor.unwrap_or(0));
    let place = call.desk.places.of(tenant, name);
    let place = place.filter(|place| place.cursor == cursor && place.filter == *filter);
    let after = place.map_or(cursor, |place| place.looked.max(cursor));
    let wants = |event: &_| filter.wants(event);
    let (rows, upto) = reader.events_after(after, BEHIND_MAX, EVENTS_SCAN_MAX, wants)?;
    if rows.is_empty() && upto > after {
        let place = Place {
            cursor,
            filter: filter.clone(),
            looked: upto,
        };
        call.desk.places.keep(tenant, name, place);
    }
    Ok((rows.len(), upto < reader.seq()?))
}

/// Why there may be more than are counted.
fn why_more(behind: usize, consumer: &Consumer) -> String {
    if behind >= BEHIND_MAX {
        return format!("the first {BEHIND_MAX} are counted");
    }
    let touched = consumer.done > 0 || consumer.dead > 0 || !consumer.held.is_empty();
    let never = if touched { "" } else { "it never took any; " };
    format!(
        "{never}{EVENTS_SCAN_MAX} entries of the journal were looked through for them, and there \
         are more: look again"
    )
}

/// Where events go, whether they do, and what their receiver said last.
fn delivery(call: &Call, name: &Name, deliver: &Deliver) -> Value {
    let tenant = call.who.as_ref().map(|who| who.tenant);
    let said = tenant.and_then(|tenant| call.desk.couriers.said(tenant, name));
    let said = said.map(|said| {
        json!({
            "at": said.at.rfc3339(),
            "what": said.text,
            "taken": said.taken,
            "failing_since": shapes::time(said.failing.map(|(since, _)| since)),
            "failures": said.failing.map_or(0, |(_, count)| count),
        })
    });
    json!({
        "url": deliver.url,
        "at_once": deliver.at_once,
        "state": if deliver.paused.is_some() { "paused" } else { "delivering" },
        "why": deliver.paused.map(Paused::sentence),
        "said": said,
    })
}

pub(crate) async fn pause(call: Call) -> Answered {
    deliver(call, false).await
}

pub(crate) async fn resume(call: Call) -> Answered {
    deliver(call, true).await
}

async fn deliver(call: Call, on: bool) -> Answered {
    let name = call.name("name")?;
    let seq = switch(&call, name.clone(), on).await?;
    ok(&json!({"name": name, "delivering": on, "seq": seq}))
}

/// Lets events of a subscription be delivered, or no more.
pub(crate) async fn switch(call: &Call, name: Name, on: bool) -> Result<Seq, Fault> {
    let kind = Kind::Subscription;
    let command = command::Resource::Enable { kind, name, on };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    let tenant = call.who()?.tenant;
    call.desk.app.node.flush(tenant).await;
    call.desk.couriers.look_at(tenant);
    Ok(seq)
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let mut items = Vec::new();
    for (key, found) in reader.resources(Kind::Subscription, NAMES_MAX)? {
        if let Some(consumer) = reader.find::<Consumer>(&key.1)? {
            items.extend(shape(&call, &reader, &key.1, &found.spec, &consumer)?);
        }
    }
    ok(&json!({"items": items, "next": null}))
}

pub(crate) async fn show(call: Call) -> Answered {
    let name = call.name("name")?;
    let reader = call.lists().await?;
    let consumer = reader.find::<Consumer>(&name)?;
    let consumer = consumer.ok_or_else(|| missing(&name))?;
    let kept = kept(&reader, &name)?;
    let shown = shape(&call, &reader, &name, &kept.spec, &consumer)?;
    ok(&shown.ok_or_else(|| missing(&name))?)
}

/// Makes a consumer, or what an event sets off.
pub(crate) async fn create(call: Call) -> Answered {
    let read = naos_manifest::parse_subscription(LABEL, document(&call)?, &Rules);
    let (name, spec) = read.map_err(|found| refused(&found.0))?;
    let signs = spec.deliver().is_some();
    let mut told = made(&call, Kind::Subscription, name.clone(), spec).await?;
    if signs {
        if let Some(signing) = endpoints::made(&call, "-signing", &name).await? {
            told["signing"] = signing;
        }
        call.desk.couriers.look_at(call.who()?.tenant);
    }
    Ok(json(StatusCode::CREATED, &told))
}

pub(crate) async fn delete(call: Call) -> Answered {
    let name = call.name("name")?;
    let tenant = call.who()?.tenant;
    call.desk.places.forget(tenant, &name);
    let kind = Kind::Subscription;
    let command = command::Resource::Delete {
        kind,
        name: name.clone(),
    };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"name": name, "seq": seq}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pull {
    #[serde(default = "one")]
    max: u32,
    #[serde(default)]
    wait_ms: u64,
    #[serde(default)]
    ack: Vec<Seq>,
}

const fn one() -> u32 {
    1
}

/// What a consumer took.
pub(crate) struct Taken {
    seq: Seq,
    pub(crate) events: Vec<(Seq, EventId, u32)>,
    /// What was read of the journal for it: most of the events.
    found: Vec<EventRow>,
    done: u32,
    until: Time,
    pub(crate) again: Option<Time>,
    /// Whether there is more of the journal to look at.
    pub(crate) more: bool,
}

/// Takes events for a consumer, and acknowledges what it is done with in the same commit.
pub(crate) async fn pull(call: Call) -> Answered {
    let name = call.name("name")?;
    let asked: Pull = call.json()?;
    check_pull(&asked)?;
    let reader = call.reader()?;
    let tenant = reader.tenant();
    let mut watch = call.desk.app.node.watch(tenant);
    let until = Instant::now() + Duration::from_millis(asked.wait_ms.min(WAIT_MS_MAX));
    let mut acks = asked.ack.clone();
    let (mut done, mut asks) = (0, 0);
    let taken = loop {
        let how = (&mut asks, asked.max);
        let mut taken = take(&call, &call.desk, &reader, &name, &mut acks, how).await?;
        done += taken.done;
        taken.done = done;
        if taken.more && taken.events.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        if !taken.events.is_empty() || Instant::now() >= until {
            break taken;
        }
        let any = |fact: &Fact| matches!(fact, Fact::Event(_));
        if !wait(&mut watch, until, taken.again, any).await {
            break taken;
        }
    };
    let shown = Pulled {
        events: given(&reader, &taken)?,
        acknowledged: taken.done,
        until: taken.until.rfc3339(),
        seq: taken.seq,
    };
    ok(&shown)
}

/// What a consumer is told that it took. It may be long, and is written as it stands.
#[derive(Serialize)]
struct Pulled {
    events: Vec<Value>,
    acknowledged: u32,
    until: String,
    seq: Seq,
}

fn check_pull(asked: &Pull) -> Result<(), Fault> {
    if asked.max == 0 || asked.max > PULL_MAX {
        let what = format!("`max` is from 1 to {PULL_MAX}");
        return Err(Fault::new(Code::BAD_REQUEST, what));
    }
    check_seqs(&asked.ack)
}

fn check_seqs(seqs: &[Seq]) -> Result<(), Fault> {
    if seqs.len() <= PULL_MAX as usize {
        return Ok(());
    }
    let what = format!("{} events, at most {PULL_MAX} at once", seqs.len());
    Err(Fault::new(Code::TOO_LARGE, what))
}

/// The events as their consumer gets them.
fn given(reader: &Reader, taken: &Taken) -> Result<Vec<Value>, Fault> {
    let mut rows = Vec::with_capacity(taken.events.len());
    for (seq, _, attempt) in &taken.events {
        let row = match taken.found.binary_search_by_key(seq, |row| row.seq) {
            Ok(at) => Some(Cow::Borrowed(&taken.found[at])),
            Err(_) => reader.event_at(*seq)?.map(Cow::Owned),
        };
        rows.extend(row.map(|row| (row, *attempt)));
    }
    let names: Vec<BodyRef> = rows.iter().map(|(row, _)| row.event.data).collect();
    let each = rows.into_iter().zip(reader.all_bytes(&names));
    let shown = each.map(|((row, attempt), data)| {
        let mut out = cloudevents::with_data(reader, &row, data.ok());
        out.insert("attempt".into(), json!(attempt));
        Value::Object(out)
    });
    Ok(shown.collect())
}

/// Whoever takes events asks a cell, as who they are.
pub(crate) trait Asks: Sync {
    /// Asks and waits until the answer is durable; `part` tells the commands of one request apart.
    fn put(
        &self,
        part: &str,
        command: command::Event,
    ) -> impl Future<Output = Result<(Seq, Reply), Fault>> + Send;
}

impl Asks for Call {
    async fn put(&self, part: &str, command: command::Event) -> Result<(Seq, Reply), Fault> {
        self.ask(part, command, Vec::new()).await
    }
}

/// Asks the cell once with what there is, and again if somebody else was faster. `asked` counts the
/// commands of one request: each is its own, or the second would be answered as the first was.
pub(crate) async fn take(
    asks: &impl Asks,
    desk: &Desk,
    reader: &Reader,
    name: &Name,
    acks: &mut Vec<Seq>,
    (asked, max): (&mut u32, u32),
) -> Result<Taken, Fault> {
    let (places, tenant) = (&desk.places, reader.tenant());
    let mut taken = None;
    for _ in 0..TRIES_MAX {
        let place = places.of(tenant, name);
        let (from, wants) = match &place {
            Some(place) => (place.cursor, place.filter.clone()),
            None => (Seq::MAX, EventFilter::default()), // nobody knows yet: the cell says
        };
        let (found, upto) = match &place {
            Some(place) => look(reader, place, max)?,
            None => (Vec::new(), from),
        };
        let rows: Vec<(Seq, EventId)> = found.iter().map(|r| (r.seq, r.event.event)).collect();
        let limit = if place.is_some() { max } else { 0 };
        let command = command::Event::Pull {
            consumer: name.clone(),
            done: std::mem::take(acks),
            limit,
            from: if place.is_some() { from } else { 0 },
            filter: wants.clone(),
            found: rows,
            upto: if place.is_some() { upto } else { 0 },
        };
        let part = format!("#{asked}");
        *asked += 1;
        let (seq, reply) = asks.put(&part, command).await?;
        let Reply::Pulled {
            events,
            done,
            cursor,
            until,
            again,
            filter,
        } = reply
        else {
            return Err(Fault::new(
                Code::INTERNAL,
                "a consumer that took nothing at all",
            ));
        };
        let stale = filter.is_some();
        let kept = Place {
            cursor,
            filter: filter.map_or(wants, |filter| *filter),
            // what was found and left is found again
            looked: if stale || !found.is_empty() {
                cursor
            } else {
                upto
            },
        };
        places.keep(tenant, name, kept);
        let before: u32 = taken.as_ref().map_or(0, |taken: &Taken| taken.done);
        let retry = events.is_empty() && (stale || place.is_none());
        taken = Some(Taken {
            seq,
            events,
            done: before + done,
            until,
            again,
            more: found.is_empty() && upto < reader.seq()?,
            found,
        });
        if !retry {
            break;
        }
    }
    taken.ok_or_else(|| Fault::new(Code::BUSY, "others take this consumer's events"))
}

fn look(reader: &Reader, place: &Place, max: u32) -> Result<(Vec<EventRow>, Seq), Fault> {
    let after = place.looked.max(place.cursor);
    let wants = |event: &_| place.filter.wants(event);
    Ok(reader.events_after(after, max as usize, LOOK_MAX, wants)?)
}

/// Waits until something happened that concerns whoever waits, or something is due again; false at
/// the end of the time.
pub(crate) async fn wait(
    watch: &mut Receiver<Arc<Happened>>,
    until: Instant,
    again: Option<Time>,
    concerns: impl Fn(&Fact) -> bool,
) -> bool {
    let due = again.map(|at| {
        let left = (at - naos_engine::clock::now()).0.max(0);
        Instant::now() + Duration::from_millis(left.unsigned_abs())
    });
    let end = due.map_or(until, |due| due.min(until));
    let published = async {
        loop {
            match watch.recv().await {
                Ok(happened) => {
                    let mut facts = happened.facts.iter();
                    if facts.any(|(_, _, fact)| concerns(fact)) {
                        return true;
                    }
                }
                Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    };
    match tokio::time::timeout_at(end, published).await {
        Ok(goes_on) => goes_on,
        Err(_) => end < until,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ack {
    events: Vec<Seq>,
}

pub(crate) async fn ack(call: Call) -> Answered {
    let consumer = call.name("name")?;
    let Ack { events } = call.json()?;
    check_seqs(&events)?;
    let command = command::Event::Acknowledge { consumer, events };
    counted(&call, command, "acknowledged").await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nack {
    events: Vec<Seq>,
    delay_ms: Option<i64>,
}

pub(crate) async fn nack(call: Call) -> Answered {
    let consumer = call.name("name")?;
    let Nack { events, delay_ms } = call.json()?;
    check_seqs(&events)?;
    if let Some(ms) = delay_ms.filter(|ms| !(0..=RETURN_DELAY_MAX.0).contains(ms)) {
        let what = format!("`delay_ms` is {ms}, which is no delay that events come again after");
        let most = RETURN_DELAY_MAX.0;
        let help = format!("it is from 0 to {most}: a day at the most");
        return Err(Refusal::new(Code::BAD_REQUEST, what).help(help).into());
    }
    let delay = delay_ms.map(Span);
    let command = command::Event::Return {
        consumer,
        events,
        delay,
    };
    counted(&call, command, "returned").await
}

async fn counted(call: &Call, command: command::Event, word: &str) -> Answered {
    let (seq, reply) = call.ask("", command, Vec::new()).await?;
    let count = match reply {
        Reply::Count(count) => count,
        _ => 0,
    };
    ok(&json!({word: count, "seq": seq}))
}

fn dead_shape(reader: &Reader, key: &DeadKey, dead: &Dead) -> Result<Value, Fault> {
    let mut out = json!({
        "consumer": key.0,
        "gone": is_gone(reader, &key.0),
        "event": key.1,
        "attempts": dead.attempts,
        "at": dead.at.rfc3339(),
        "problem": shapes::problem(reader, Some(&dead.problem)),
    });
    // What was to set something off was handed over by itself, without its place.
    let seq = match dead.seq {
        Some(seq) => Some(seq),
        None => reader.event(key.1)?.map(|row| row.seq),
    };
    if let Some(seq) = seq {
        out["seq"] = json!(seq);
    }
    if is_driver_on(reader, &key.0)? == Some(false) {
        out["off"] = json!(true);
    }
    if let Some(task) = dead.task {
        out["task"] = json!(task);
        if let Some((id, run)) = failed(reader, task)? {
            out["run"] = json!(id);
            // Whoever has it given again has that done again.
            out["acted"] = json!(run.may_have_acted());
        }
    }
    let asker = dead.caught.as_ref().and_then(|caught| caught.asks.clone());
    if let Some(asker) = asker.filter(|_| driver_of(&key.0).is_some())
        && let Some(plan) = reader.find::<Plan>(&asker.plan)?
        && !plan.still_asks(&asker)
    {
        out["over"] = json!(asker.plan); // nobody waits for the answer
    }
    Ok(out)
}

/// The run that failed at an event.
pub(crate) fn failed(reader: &Reader, task: TaskId) -> Result<Option<(RunId, Arc<Run>)>, Refusal> {
    let run = reader.find::<Task>(&task)?.and_then(|task| task.run);
    let Some(id) = run else {
        return Ok(None);
    };
    Ok(reader.find::<Run>(&id)?.map(|run| (id, run)))
}

/// Whether the driver that a consumer belongs to is switched on; none where it belongs to none.
fn is_driver_on(reader: &Reader, consumer: &Name) -> Result<Option<bool>, Refusal> {
    let Some(driver) = driver_of(consumer) else {
        return Ok(None);
    };
    let found = reader.find::<Resource>(&ResourceKey(Kind::Driver, driver))?;
    let driver = found.as_ref().and_then(|found| found.spec.driver());
    Ok(driver.map(|(driver, _)| driver.enabled))
}

/// Whether a consumer is there no more: what was put aside for it can't be given again. A driver
/// that is switched off only rests.
fn is_gone(reader: &Reader, consumer: &Name) -> bool {
    matches!(reader.find::<Consumer>(consumer), Ok(None))
        && matches!(is_driver_on(reader, consumer), Ok(None))
}

/// How many events are put aside for one consumer now; no more than so many are counted.
fn put_aside(reader: &Reader, consumer: &Name) -> Result<usize, Fault> {
    let first = DeadKey(consumer.clone(), EventId(0));
    let listed = reader.after::<Dead>(Some(&first), DEAD_COUNTED_MAX)?;
    let own = listed
        .items
        .iter()
        .take_while(|(key, _)| key.0 == *consumer);
    Ok(own.count())
}

/// How many events were put aside, of each consumer, and which of these are there no more; `more`
/// where there are more than are counted.
pub(super) fn dead_letters(reader: &Reader) -> Result<Value, Fault> {
    let listed = reader.after::<Dead>(None, DEAD_COUNTED_MAX)?;
    let mut of: BTreeMap<&Name, u64> = BTreeMap::new();
    for (DeadKey(consumer, _), _) in &listed.items {
        *of.entry(consumer).or_default() += 1;
    }
    let gone: Vec<&&Name> = of.keys().filter(|name| is_gone(reader, name)).collect();
    let (count, more) = (listed.items.len(), listed.next.is_some());
    Ok(json!({"count": count, "more": more, "consumers": of, "gone": gone}))
}

/// What was put aside last first, whoever it was for, and where the list goes on; behind so many
/// as are put in order, consumer by consumer.
fn newest_dead(
    reader: &Reader,
    before: Option<&DeadKey>,
    limit: usize,
    fits: impl Fn(&DeadKey, &Dead) -> bool,
) -> Result<Listed<Dead>, Fault> {
    let mut all = reader.newest::<Dead>(None, DEAD_ORDERED_MAX, &fits)?;
    if all.next.is_some() {
        return Ok(reader.newest::<Dead>(before, limit, fits)?);
    }
    // An event's id begins with its time; so its place is known when it is there no more.
    let place = |key: &DeadKey| (key.1, key.0.clone());
    all.items
        .retain(|(key, _)| before.is_none_or(|before| place(key) < place(before)));
    all.items.sort_by_key(|(key, _)| Reverse(place(key)));
    let more = all.items.len() > limit;
    all.items.truncate(limit);
    let last = all.items.last().filter(|_| more);
    all.next = last.map(|(key, _)| key.clone());
    Ok(all)
}

/// `GET /events/dead`: what was put aside, the newest events first.
pub(crate) async fn dead(call: Call) -> Answered {
    let reader = call.lists().await?;
    let wanted = call.query("consumer");
    let before = call.word("before", place_of)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    let fits = |key: &DeadKey, _: &Dead| wanted.is_none_or(|name| key.0.as_str() == name);
    let listed = newest_dead(&reader, before.as_ref(), limit, fits)?;
    let shown = listed.items.iter();
    let items = shown
        .map(|(key, dead)| dead_shape(&reader, key, dead))
        .collect::<Result<Vec<Value>, Fault>>()?;
    let next = listed.next.map(|key| format!("{}/{}", key.0, key.1));
    ok(&json!({"items": items, "more": next.is_some(), "next": next}))
}

/// Where a list of what was put aside goes on: `consumer/event`.
fn place_of(word: &str) -> Option<DeadKey> {
    let (consumer, event) = word.rsplit_once('/')?;
    Some(DeadKey(Name::new(consumer).ok()?, EventId::parse(event)?))
}

fn dead_key(call: &Call) -> Result<DeadKey, Fault> {
    Ok(DeadKey(call.name("name")?, call.id("event", "event")?))
}

/// One that was put aside, with the event itself.
pub(crate) async fn dead_one(call: Call) -> Answered {
    let key = dead_key(&call)?;
    let reader = call.lists().await?;
    let missing = || {
        let what = format!("no event {} of {} was put aside", key.1, key.0);
        Fault::new(Code::NOT_FOUND, what)
    };
    let dead = reader.find::<Dead>(&key)?.ok_or_else(missing)?;
    let mut out = dead_shape(&reader, &key, &dead)?;
    let row = reader.event(key.1)?;
    out["cloudevent"] = row.map_or(Value::Null, |row| {
        Value::Object(cloudevents::event(&reader, &row))
    });
    ok(&out)
}

pub(crate) async fn replay(call: Call) -> Answered {
    let DeadKey(consumer, event) = dead_key(&call)?;
    let command = command::Event::Replay {
        consumer: consumer.clone(),
        event,
    };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"consumer": consumer, "event": event, "seq": seq}))
}

pub(crate) async fn drop_dead(call: Call) -> Answered {
    let DeadKey(consumer, event) = dead_key(&call)?;
    let command = command::Event::Drop {
        consumer: consumer.clone(),
        event,
    };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"consumer": consumer, "event": event, "seq": seq}))
}
