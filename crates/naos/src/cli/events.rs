//! `naos events emit|list|tail|stats|consumers|subscribe|unsubscribe|pull|ack|nack|secret|pause|
//! resume|dead`

mod dead;

use std::time::Duration;

use naos_engine::read::ERASED;
use naos_types::spec::DRIVER_PREFIX;
use naos_types::{Unread, read_exactly};
use serde_json::{Map, Value, json};

use super::look::{self, Far};
use super::{Context, Ended, Following, given, name};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{Session, api, part};

const POLL_MS: u64 = 250;
/// Events that are asked for at once.
const PAGE_MAX: usize = 200;
/// How many are listed unless somebody says.
const LISTED: u32 = 50;
/// How one looks on by hand.
const LIST: &str = "naos events list";
/// How long one request waits for events.
const WAIT_MS_MAX: u64 = 20_000;

/// Publishes events, shows them, and takes them for a consumer.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    naos events emit email.received --data '{\"from\": \"ana\"}'\n  \
    naos events emit @event.json\n  \
    naos events tail --type 'email.*' --follow\n  \
    naos events subscribe mailer --type 'email.*'\n  \
    naos events pull mailer --max 10\n  naos events ack mailer 41 42\n  \
    naos events subscribe crm --type 'order.*' --deliver https://crm.example.org/events\n  \
    naos events dead list")]
pub(crate) struct Events {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Publishes one.
    #[command(visible_alias = "publish")]
    Emit(Emit),
    /// Lists them, newest first.
    List(List),
    /// Shows one.
    Show {
        /// Its id, or its place in the journal.
        event: String,
    },
    /// Shows the last ones, and those that come.
    Tail(Tail),
    /// Says how many were published, and how many of them for nobody.
    #[command(visible_alias = "status")]
    Stats,
    /// Lists who listens.
    Consumers,
    /// Lets somebody listen who takes events with `pull`.
    Subscribe(Subscribe),
    /// Lets them listen no longer.
    Unsubscribe {
        /// Who.
        consumer: String,
    },
    /// Takes events for a consumer; what isn't acknowledged comes again.
    Pull(Pull),
    /// Is done with events: they never come again.
    Ack {
        /// Whose.
        consumer: String,
        /// Their places in the journal: `sequence`.
        #[arg(required = true)]
        events: Vec<u64>,
    },
    /// Gives events back: they come again later.
    Nack {
        /// Whose.
        consumer: String,
        /// Their places in the journal: `sequence`.
        #[arg(required = true)]
        events: Vec<u64>,
        /// In how many seconds, a day at the most; as the subscription says unless given.
        #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
        delay: Option<f64>,
    },
    /// Says where the events of a subscription are delivered.
    Secret {
        /// Whose.
        consumer: String,
        /// Signs what is delivered with a new secret, and shows it.
        #[arg(long)]
        rotate: bool,
    },
    /// Delivers no more events; they wait. Whoever pulls theirs sets the pace, and is not paused.
    Pause {
        /// Whose.
        consumer: String,
    },
    /// Delivers events again, also to a receiver that said that it is gone.
    Resume {
        /// Whose.
        consumer: String,
    },
    /// Shows what was put aside, and has it given again.
    Dead(dead::Dead),
}

#[derive(clap::Args)]
struct Emit {
    /// Its type: email.received. Or the whole event in JSON: @FILE, or - for standard input.
    #[arg(value_name = "TYPE|@FILE|-")]
    topic: String,
    /// What it says: JSON, @FILE, or - for standard input.
    #[arg(long, short, value_name = "JSON|@FILE|-")]
    data: Option<String>,
    /// Where it comes from.
    #[arg(long)]
    source: Option<String>,
    /// What it is about.
    #[arg(long)]
    subject: Option<String>,
    /// Its id there: the same source and id again is the same event.
    #[arg(long)]
    id: Option<String>,
    /// The conversation that it belongs to.
    #[arg(long)]
    correlation: Option<String>,
    /// What caused it.
    #[arg(long)]
    causation: Option<String>,
    /// input, internal, output or external.
    #[arg(long)]
    category: Option<String>,
    /// What it is ordered by: CloudEvents' partitionkey.
    #[arg(long)]
    key: Option<String>,
}

/// Which events.
#[derive(Default, clap::Args)]
struct Which {
    /// Only these types: `*` stands for any text; as often as needed.
    #[arg(long = "type", value_name = "TYPE")]
    topics: Vec<String>,
    /// Only those from there: `*` stands for any text.
    #[arg(long)]
    source: Option<String>,
    /// Only this category.
    #[arg(long)]
    category: Option<String>,
    /// Only those of this conversation.
    #[arg(long)]
    correlation: Option<String>,
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    which: Which,
    /// Only those that nobody listened to.
    #[arg(long)]
    orphans: bool,
    /// At most so many.
    #[arg(long, default_value_t = LISTED)]
    limit: u32,
    /// Those before this place in the journal.
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
}

#[derive(clap::Args)]
struct Tail {
    #[command(flatten)]
    which: Which,
    /// Goes on as more come.
    #[arg(long, short)]
    follow: bool,
    /// Those after this place in the journal, oldest first.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// So many of the last.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    tail: u32,
}

#[derive(clap::Args)]
struct Subscribe {
    /// What it is called.
    consumer: String,
    #[command(flatten)]
    which: Which,
    /// Also what was published before.
    #[arg(long)]
    from_start: bool,
    /// How long a consumer has for an event before it comes again: 30s.
    #[arg(long, value_name = "TIME")]
    visible: Option<String>,
    /// How often an event is given at most.
    #[arg(long, value_name = "N")]
    attempts: Option<u32>,
    /// How many events are with it at once.
    #[arg(long, value_name = "N")]
    in_flight: Option<u32>,
    /// Delivers them to this address, signed, instead of waiting for `pull`.
    #[arg(long, value_name = "URL")]
    deliver: Option<String>,
}

#[derive(clap::Args)]
struct Pull {
    /// For whom.
    consumer: String,
    /// At most so many.
    #[arg(long, default_value_t = 1)]
    max: u32,
    /// Waits so many seconds for the first.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Is done with them at once: they never come again, whatever becomes of them here.
    #[arg(long)]
    ack: bool,
}

pub(crate) fn go(context: &Context, events: &Events) -> Ended {
    match &events.what {
        None => list(context, &List::default()),
        Some(What::Emit(asked)) => emit(context, asked),
        Some(What::List(asked)) => list(context, asked),
        Some(What::Show { event }) => show(context, event),
        Some(What::Tail(asked)) => tail(context, asked),
        Some(What::Stats) => stats(context),
        Some(What::Consumers) => consumers(context),
        Some(What::Subscribe(asked)) => subscribe(context, asked),
        Some(What::Unsubscribe { consumer }) => unsubscribe(context, consumer),
        Some(What::Pull(asked)) => pull(context, asked),
        Some(What::Ack { consumer, events }) => {
            let body = json!({"events": events});
            settle(context, consumer, "ack", &body, "acknowledged")
        }
        Some(What::Nack {
            consumer,
            events,
            delay,
        }) => {
            let mut body = json!({"events": events});
            if let Some(seconds) = delay {
                if !seconds.is_finite() {
                    let what = format!("--delay: {seconds} is no number of seconds");
                    return Err(Fail::usage(what).help("for example: --delay 60"));
                }
                body["delay_ms"] = json!((seconds * 1_000.0) as i64); // too many are very many
            }
            settle(context, consumer, "nack", &body, "returned")
        }
        Some(What::Secret { consumer, rotate }) => {
            super::driver::secret(context, "consumers", consumer, *rotate)
        }
        Some(What::Pause { consumer }) => deliver(context, consumer, false),
        Some(What::Resume { consumer }) => deliver(context, consumer, true),
        Some(What::Dead(asked)) => dead::go(context, asked),
    }
}

fn emit(context: &Context, asked: &Emit) -> Ended {
    let whole = asked.topic == "-" || asked.topic.starts_with('@');
    let mut body = if whole {
        written(&asked.topic)?
    } else {
        Map::from_iter([("type".to_owned(), json!(asked.topic))])
    };
    if let Some(data) = &asked.data {
        let data = exactly(&given(data)?, |error| {
            let what = format!("the data is no JSON: {error}");
            Fail::usage(what).help("quote a text: --data '\"hello\"'")
        })?;
        body.insert("data".into(), data);
    }
    for (key, value) in [
        ("source", &asked.source),
        ("subject", &asked.subject),
        ("id", &asked.id),
        ("correlation", &asked.correlation),
        ("causation", &asked.causation),
        ("category", &asked.category),
        ("key", &asked.key),
    ] {
        if let Some(value) = value {
            body.insert(key.into(), json!(value));
        }
    }
    let mut session = context.fresh_session()?;
    let answer = session.post(api("/events"), &Value::Object(body))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.answer(&cell(&answer["event"]));
        for one in answer["put_aside"].as_array().into_iter().flatten() {
            let (driver, event) = (cell(&one["driver"]), cell(&one["event"]));
            context.out.note(format!(
                "Driver {driver}, which would take it, is switched off: it is put aside. `naos \
                 driver enable {driver}`, then `naos events dead replay {event}` gives it."
            ));
        }
    }
    Ok(0)
}

/// JSON of which nothing is lost on the way.
pub(super) fn exactly(
    json: &str,
    no_json: impl FnOnce(serde_json::Error) -> Fail,
) -> Result<Value, Fail> {
    read_exactly(json.as_bytes()).map_err(|found| match found {
        Unread::NoJson(error) => no_json(error),
        found => Fail::usage(found.to_string()).help(found.help().unwrap_or_default()),
    })
}

/// An event as a file has it: the short form, or CloudEvents in JSON.
fn written(from: &str) -> Result<Map<String, Value>, Fail> {
    let help = "the short form is {\"type\": \"email.received\", \"data\": {…}}";
    let no_json = |error| Fail::usage(format!("{from} is no JSON: {error}")).help(help);
    match exactly(&given(from)?, no_json)? {
        Value::Object(event) => Ok(event),
        _ => Err(Fail::usage(format!("{from} is no event: an event is a JSON object")).help(help)),
    }
}

impl Which {
    fn query(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.topics.is_empty() {
            out.push(format!("type={}", part(&self.topics.join(","))));
        }
        for (key, value) in [
            ("source", &self.source),
            ("category", &self.category),
            ("correlation", &self.correlation),
        ] {
            out.extend(value.iter().map(|value| format!("{key}={}", part(value))));
        }
        out
    }
}

impl Default for List {
    fn default() -> Self {
        Self {
            which: Which::default(),
            orphans: false,
            limit: LISTED,
            before: None,
        }
    }
}

impl List {
    fn query(&self) -> Vec<String> {
        let mut query = self.which.query();
        if self.orphans {
            query.push("orphans=true".into());
        }
        query
    }
}

/// Events before a place, newest first, in as many questions as it takes.
fn before(
    context: &Context,
    session: &mut Session,
    which: &[String],
    asks: (u32, Option<u64>, Far),
) -> Result<Value, Fail> {
    let (wanted, from, far) = asks;
    let asks = (wanted as usize, from, far);
    look::back(&context.out, asks, |limit, before| {
        let mut query = which.to_vec();
        query.push(format!("limit={limit}"));
        query.extend(before.map(|before| format!("before={before}")));
        session.get(api(&format!("/events?{}", query.join("&"))))
    })
}

fn list(context: &Context, asked: &List) -> Ended {
    let mut session = context.session()?;
    let which = asked.query();
    let asks = (asked.limit, asked.before, Far::Found);
    let answer = before(context, &mut session, &which, asks)?;
    let stats = session.get(api("/events/stats"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = items(&answer)
        .iter()
        .map(|event| {
            let nobody = event["heard"] == false;
            let note = if nobody { "nobody listens" } else { "" };
            let mut row: Vec<String> = ["seq", "time", "type", "source", "correlationid"]
                .iter()
                .map(|key| cell(&event[*key]))
                .collect();
            row.push(note.to_owned());
            row
        })
        .collect();
    if rows.is_empty() {
        context.out.say(match which.is_empty() {
            true => "There are no events.",
            false => "There are no such events.",
        });
    } else {
        let head = ["seq", "time", "type", "source", "correlation", ""];
        context.out.table(&head, &rows);
    }
    say_stats(&context.out, &stats);
    let wanted = asked.limit as usize;
    match answer["next"].as_u64() {
        Some(next) if rows.len() >= wanted => {
            context
                .out
                .note(format!("There may be more: --before {next}"));
        }
        _ => look::tell_cut(&context.out, &answer, wanted, LIST),
    }
    Ok(0)
}

fn say_stats(out: &Out, stats: &Value) {
    let (published, orphans) = (cell(&stats["published"]), cell(&stats["orphans"]));
    out.note(format!(
        "{published} published in all, {orphans} of them while nobody listened."
    ));
}

fn show(context: &Context, event: &str) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api(&format!("/events/{}", part(event))))?;
    drop(session);
    context.out.json(&answer);
    Ok(0)
}

fn stats(context: &Context) -> Ended {
    let mut session = context.session()?;
    let answer = session.get(api("/events/stats"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        let (published, orphans) = (cell(&answer["published"]), cell(&answer["orphans"]));
        context.out.line(format!("published  {published}"));
        context.out.line(format!("orphans    {orphans}"));
    }
    Ok(0)
}

fn tail(context: &Context, asked: &Tail) -> Ended {
    let out = &context.out;
    let mut session = context.session()?;
    let which = asked.which.query();
    let ask = |more: String| {
        let mut query = which.clone();
        query.push(more);
        api(&format!("/events?{}", query.join("&")))
    };
    let mut seen = match asked.after {
        Some(after) => after,
        None => {
            let status = session.get(api("/events/stats"))?;
            let far = match (asked.tail, asked.follow) {
                (0, _) | (_, true) => Far::Near,
                _ => Far::Found,
            };
            let wanted = asked.tail.min(500);
            let answer = match wanted {
                0 => Value::Null,
                _ => before(context, &mut session, &which, (wanted, None, far))?,
            };
            items(&answer).iter().rev().for_each(|one| tell(out, one));
            look::tell_cut(out, &answer, wanted as usize, LIST);
            let last = items(&answer).first().and_then(|one| one["seq"].as_u64());
            last.unwrap_or(0).max(status["seq"].as_u64().unwrap_or(0))
        }
    };
    let mut following = Following::default();
    loop {
        let answer = session.get(ask(format!("after={seen}&limit={PAGE_MAX}")))?;
        items(&answer).iter().for_each(|one| tell(out, one));
        let looked = answer["upto"].as_u64().unwrap_or(seen);
        let more = looked > seen;
        seen = seen.max(looked);
        if more {
            continue;
        }
        if !asked.follow {
            return Ok(0);
        }
        following.pause(out, &mut session, Duration::from_millis(POLL_MS))?;
    }
}

fn tell(out: &Out, event: &Value) {
    if out.json {
        return out.json(event);
    }
    let (seq, topic) = (cell(&event["seq"]), cell(&event["type"]));
    let time = cell(&event["time"]).replace('T', " ");
    let time = time.get(..19).unwrap_or(&time);
    let data = match &event["data"] {
        Value::Null if event["dataerased"] == true => ERASED.to_owned(),
        Value::Null => String::new(),
        data => crate::out::clean(&data.to_string()),
    };
    out.line(format!("[{time}] {seq} {topic} {data}"));
}

/// `emit a, b`: what a handler makes of events.
fn emitted(emits: &Value) -> String {
    let kinds = emits.as_array().into_iter().flatten();
    let kinds: Vec<String> = kinds.map(|one| cell(&one["kind"])).collect();
    match &kinds[..] {
        [] => String::new(),
        kinds => format!("emit {}", kinds.join(", ")),
    }
}

/// The driver that listens as this.
fn driver(listens: &str) -> String {
    let name = listens.strip_prefix(DRIVER_PREFIX).unwrap_or(listens);
    format!("driver {name}")
}

fn consumers(context: &Context) -> Ended {
    const COLUMNS: [&str; 5] = ["cursor", "behind", "in_flight", "done", "dead"];
    let mut session = context.session()?;
    let answer = session.get(api("/consumers"))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let row = |one: &Value| {
        let topics = one["filter"]["topics"].as_array();
        let topics: Vec<String> = topics.into_iter().flatten().map(cell).collect();
        let starts = &one["starts"];
        let starts = match starts {
            Value::Null if one["deliver"].is_null() => emitted(&one["emits"]),
            Value::Null => sends(&one["deliver"]),
            // A driver that no agent does the work of works under the name of what it listens with.
            _ if starts["name"] == one["name"] => driver(&cell(&one["name"])),
            _ => format!("{} {}", cell(&starts["kind"]), cell(&starts["name"])),
        };
        let wanted = if topics.is_empty() {
            "*".to_owned()
        } else {
            topics.join(", ")
        };
        let mut row = vec![cell(&one["name"]), wanted, starts];
        row.extend(COLUMNS.iter().map(|key| match *key {
            "behind" => behind(one),
            key => cell(&one[key]),
        }));
        row
    };
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        context.out.say("Nobody listens to events.");
        return Ok(0);
    }
    let head: Vec<&str> = ["name", "on", "to"].into_iter().chain(COLUMNS).collect();
    context.out.table(&head, &rows);
    for one in items(&answer) {
        if let Some(why) = one["behind_why"].as_str() {
            context.out.note(format!("{}: {why}", cell(&one["name"])));
        }
    }
    Ok(0)
}

/// How many events somebody hasn't taken; `-` where none was found yet and not all was looked at.
fn behind(one: &Value) -> String {
    match (one["behind_more"] == true, &one["behind"]) {
        (true, count) if *count == 0 => "-".to_owned(),
        (true, count) => format!("{}+", cell(count)),
        (false, count) => cell(count),
    }
}

/// Where events of one are delivered, and why they aren't.
fn sends(deliver: &Value) -> String {
    let Some(url) = deliver["url"].as_str() else {
        return String::new();
    };
    if let Some(why) = deliver["why"].as_str() {
        return format!("{url} (paused: {why})");
    }
    match deliver["said"]["what"].as_str() {
        Some(said) if deliver["said"]["taken"] == false => format!("{url} ({said})"),
        _ => url.to_owned(),
    }
}

/// Delivers events of one again, or no more.
fn deliver(context: &Context, consumer: &str, on: bool) -> Ended {
    let consumer = name(consumer)?;
    let verb = if on { "resume" } else { "pause" };
    let mut session = context.session()?;
    let answer = session.post(api(&format!("/consumers/{consumer}/{verb}")), &json!({}))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else if on {
        context
            .out
            .say(format!("Events of {consumer} are delivered."));
    } else {
        context.out.say(format!("Events of {consumer} wait."));
    }
    Ok(0)
}

fn subscribe(context: &Context, asked: &Subscribe) -> Ended {
    let consumer = name(&asked.consumer)?;
    let which = &asked.which;
    let mut body = json!({"name": consumer});
    if !which.topics.is_empty() {
        body["on"] = json!(which.topics);
    }
    for (key, value) in [
        ("source", &which.source),
        ("category", &which.category),
        ("correlation", &which.correlation),
        ("visible", &asked.visible),
    ] {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    if let Some(url) = &asked.deliver {
        body["deliver"] = json!({"url": url});
    }
    if asked.from_start {
        body["from"] = json!("start");
    }
    if let Some(attempts) = asked.attempts {
        body["retry"] = json!({"attempts": attempts, "wait": "1s", "factor": 2, "max": "10m"});
    }
    if let Some(many) = asked.in_flight {
        body["in_flight"] = json!(many);
    }
    let mut session = context.fresh_session()?;
    let answer = session.post(api("/consumers"), &body)?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        match &answer["signing"] {
            Value::Null => {
                let text = format!("{consumer} listens: naos events pull {consumer}");
                context.out.say(text);
            }
            signing => {
                let line = super::driver::signing_line(signing);
                context.out.line(format!("{consumer}: {line}"));
            }
        }
    }
    Ok(0)
}

fn unsubscribe(context: &Context, consumer: &str) -> Ended {
    let consumer = name(consumer)?;
    let mut session = context.session()?;
    let answer = session.delete(api(&format!("/consumers/{consumer}")))?;
    drop(session);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.say(format!("{consumer} listens no longer."));
    }
    Ok(0)
}

fn pull(context: &Context, asked: &Pull) -> Ended {
    let consumer = name(&asked.consumer)?;
    let mut session = context.fresh_session()?;
    let path = api(&format!("/consumers/{consumer}/pull"));
    let mut left = asked.wait.saturating_mul(1_000);
    let answer = loop {
        let wait = left.min(WAIT_MS_MAX);
        left -= wait;
        let body = json!({"max": asked.max, "wait_ms": wait});
        let answer = session.post(&path, &body)?;
        let empty = answer["events"].as_array().is_none_or(Vec::is_empty);
        if !empty || left == 0 {
            break answer;
        }
    };
    let events = answer["events"].as_array().cloned().unwrap_or_default();
    if context.out.json {
        context.out.json(&answer);
    } else if events.is_empty() {
        context.out.say("There are no events for it.");
    } else {
        events
            .iter()
            .for_each(|event| tell_given(&context.out, event));
    }
    if asked.ack && !events.is_empty() {
        let done: Vec<u64> = events.iter().filter_map(place).collect();
        let path = api(&format!("/consumers/{consumer}/ack"));
        session.post(path, &json!({"events": done}))?;
    }
    Ok(0)
}

fn place(event: &Value) -> Option<u64> {
    event["sequence"].as_str()?.parse().ok()
}

fn tell_given(out: &Out, event: &Value) {
    let mut shown = event.clone();
    shown["seq"] = shown["sequence"].clone();
    tell(out, &shown);
}

fn settle(context: &Context, consumer: &str, verb: &str, body: &Value, word: &str) -> Ended {
    let consumer = name(consumer)?;
    let mut session = context.session()?;
    let answer = session.post(api(&format!("/consumers/{consumer}/{verb}")), body)?;
    drop(session);
    let asked = items_of(&body["events"]);
    let done = answer[word].as_u64().unwrap_or(0);
    if context.out.json {
        context.out.json(&answer);
    } else {
        context.out.say(format!("{done} of {asked} {word}."));
    }
    Ok(u8::from(done < asked))
}

fn items_of(list: &Value) -> u64 {
    list.as_array().map_or(0, |list| list.len() as u64)
}
