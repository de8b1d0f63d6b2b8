//! `/runs`.

use std::time::Duration;

use http::StatusCode;
use naos_engine::read::{Awaited, CallsFrom, Reader, RunFilter, settled_run};
use naos_kernel::RUN_LOG_LINES_MAX;
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_types::command::{self, Reply};
use naos_types::fact::run::Verdict;
use naos_types::fact::task::Asks;
use naos_types::spec::Data;
use naos_types::{Code, MessageId, Name, RunId, RunStatus, Seq};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{LIMIT, LIMIT_MAX, WAIT_MS_MAX, shapes, what_ifs};
use crate::door::{Answered, Call, json, ok};
use crate::error::Fault;
use crate::planted;

/// How much of an input makes a title, in characters.
const TITLE_CHARS_MAX: usize = 80;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let status = call.one_of("status", RunStatus::ALL, RunStatus::parse)?;
    let agent = call.query("agent");
    let before = call.word("before", RunId::parse)?;
    let limit = call.rows("limit", LIMIT, LIMIT_MAX)?;
    let listed = reader.runs(&RunFilter { status, agent }, before, limit)?;
    let seq = reader.seq()?;
    let items: Vec<Value> = listed
        .items
        .iter()
        .map(|(id, run)| shapes::run(&reader, *id, run, seq))
        .collect();
    ok(&json!({"items": items, "next": listed.next}))
}

pub(crate) async fn show(call: Call) -> Answered {
    let id: RunId = call.id("id", "run")?;
    let node = &call.desk.app.node;
    let reader = if planted::missing_tenant_filter() {
        Reader::new(node, call.desk.app.main)?
    } else {
        call.reader()?
    };
    let watch = node.watch(reader.tenant());
    let deadline = deadline(call.number("wait_ms", 0, WAIT_MS_MAX)?);
    let seq = reader.seq()?;
    let Awaited { value: run, seq } = settled_run(&reader, id, seq, watch, deadline).await?;
    let mut value = shapes::run(&reader, id, &run, seq);
    let from = call.word("steps_after", |word| word.parse::<CallsFrom>().ok())?;
    let calls = reader.calls(id, &run, from.unwrap_or_default())?;
    if let Value::Object(members) = &mut value {
        members.insert("input".into(), shapes::text(&reader, Some(&run.input)));
        members.insert("component".into(), json!(run.component));
        members.insert("grants".into(), json!(run.grant.grants));
        members.insert("retry_at".into(), shapes::time(run.retry_at));
        let task = reader.find::<Task>(&run.task)?;
        let stays = task.as_ref().and_then(|task| task.stays.as_deref());
        members.insert("data".into(), json!(stays.map(|_| Data::Stays)));
        members.insert("stays_from".into(), json!(stays));
        let title = task.map(|task| reader.sealed(&task.title));
        members.insert("title".into(), json!(title));
        let (correlation, causation) = shapes::conversation_of_run(&reader, id, &run);
        members.insert("correlation".into(), json!(correlation));
        members.insert("causation".into(), json!(causation));
        members.insert("what_ifs".into(), json!(what_ifs::of(&reader, id)?));
        // What the look for it didn't come to stands on the next page, with all that comes behind.
        let steps = calls.rows[..calls.told].iter().map(shapes::call);
        members.insert("steps_detail".into(), Value::Array(steps.collect()));
        let next = calls.next.map(|next| next.to_string());
        members.insert("steps_next".into(), json!(next));
    }
    ok(&value)
}

pub(crate) async fn logs(call: Call) -> Answered {
    let id: RunId = call.id("id", "run")?;
    let reader = call.reader()?;
    let watch = call.desk.app.node.watch(reader.tenant());
    let seq = reader.seq()?;
    let Awaited { value: run, seq } = settled_run(&reader, id, seq, watch, None).await?;
    let number = |name, otherwise| call.number(name, otherwise, u64::from(RUN_LOG_LINES_MAX));
    let log = match (call.query("seq"), call.query("last")) {
        (Some(_), _) => reader.log_of(id, call.number("seq", 0, u64::MAX)?)?,
        (None, Some(_)) => reader.log_last(id, number("last", 0)? as usize)?,
        (None, None) => {
            let after = u32::try_from(number("after", 0)?).unwrap_or(u32::MAX);
            let limit = number("limit", u64::from(RUN_LOG_LINES_MAX))?;
            reader.log(id, after, limit as usize)?
        }
    };
    let items: Vec<Value> = log
        .lines
        .iter()
        .map(|(number, line)| shapes::log_line(id, &run, *number, line))
        .collect();
    let last = log.lines.last().map(|(number, _)| *number);
    let next = last.filter(|last| *last < log.total);
    ok(&json!({
        "items": items,
        "next": next,
        "total": log.total,
        "left_out": log.left_out,
        "status": run.status,
        "seq": seq,
    }))
}

/// Until when to wait; none not to wait at all.
pub(crate) fn deadline(wait_ms: u64) -> Option<Instant> {
    (wait_ms > 0).then(|| {
        let now = Instant::from_std(naos_engine::clock::tick());
        now + Duration::from_millis(wait_ms.min(WAIT_MS_MAX))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    agent: Option<String>,
    input: Value,
    title: Option<String>,
    #[serde(default)]
    wait_ms: u64,
}

/// An input as the agent gets it: a text as it is, anything else as JSON.
pub(crate) fn input_text(input: &Value) -> String {
    match input {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The first line of an input, as a title.
pub(crate) fn title_of(input: &str) -> String {
    let line = input
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("run");
    line.trim().chars().take(TITLE_CHARS_MAX).collect()
}

pub(crate) async fn start(call: Call) -> Answered {
    let asked: Start = call.json()?;
    let agent = asked.agent.as_deref().map(Name::new).transpose();
    let agent = agent.map_err(|e| Fault::new(Code::BAD_NAME, e.to_string()))?;
    let input = input_text(&asked.input);
    let title = asked.title.unwrap_or_else(|| title_of(&input));
    let begun = begin(&call, agent, &title, input).await?;
    let reader = call.reader()?;
    let deadline = deadline(asked.wait_ms);
    let Awaited { value: run, seq } =
        settled_run(&reader, begun.run, begun.seq, begun.watch, deadline).await?;
    let status = if run.status.is_closed() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok(json(status, &shapes::run(&reader, begun.run, &run, seq)))
}

/// A run that has begun.
pub(crate) struct Begun {
    pub(crate) run: RunId,
    pub(crate) seq: Seq,
    pub(crate) watch: tokio::sync::broadcast::Receiver<std::sync::Arc<naos_engine::node::Happened>>,
}

/// Opens a task for an agent, or for whoever the broker finds.
pub(crate) async fn begin(
    call: &Call,
    agent: Option<Name>,
    title: &str,
    input: String,
) -> Result<Begun, Fault> {
    begin_as(call, agent, title, input, (None, Vec::new())).await
}

/// The same, and asks for a form of the answer, a JSON schema, and shows pictures.
pub(crate) async fn begin_as(
    call: &Call,
    agent: Option<Name>,
    title: &str,
    input: String,
    (form, pictures): (Option<String>, Vec<Vec<u8>>),
) -> Result<Begun, Fault> {
    let watch = call.desk.app.node.watch(call.who()?.tenant);
    let (input, body) = call.content(input)?;
    let title = call.seal(title)?;
    let mut bodies = vec![body];
    let open = if form.is_none() && pictures.is_empty() {
        command::Task::Open {
            title,
            input,
            agent,
        }
    } else {
        let (form, more) = call.content_of(form)?;
        bodies.extend(more);
        let mut shown = Vec::with_capacity(pictures.len());
        for picture in pictures {
            let (name, body) = call.content(picture)?;
            shown.push(name);
            bodies.push(body);
        }
        let asks = Asks {
            form,
            pictures: shown,
        };
        command::Task::OpenAs {
            title,
            input,
            agent,
            asks,
        }
    };
    let (seq, reply) = call.ask("", open, bodies).await?;
    match reply {
        Reply::Task { run: Some(run), .. } => Ok(Begun { run, seq, watch }),
        _ => Err(Fault::new(
            Code::INTERNAL,
            "the task was opened without a run",
        )),
    }
}

/// What came of running it once more.
pub(crate) async fn replay(call: Call) -> Answered {
    let id: RunId = call.id("id", "run")?;
    let (node, tenant) = (call.desk.app.node.clone(), call.who()?.tenant);
    let reader = call.reader()?;
    node.settled(tenant, reader.seq()?).await?; // as it ended, not as it was a moment before
    let run = reader.known::<Run>(&id, "run")?;
    let replayed = tokio::task::spawn_blocking(move || node.replay(tenant, id, &run)).await;
    let found = replayed.map_err(|_| Fault::new(Code::INTERNAL, "the replay crashed"))??;
    let differs = found.differs.as_ref().map(|differs| {
        json!({"call": differs.call, "recorded": differs.recorded, "again": differs.again})
    });
    ok(&json!({
        "run": id, "same": differs.is_none(), "calls": found.calls, "ended": found.ended,
        "differs": differs,
    }))
}

pub(crate) async fn cancel(call: Call) -> Answered {
    let run: RunId = call.id("id", "run")?;
    let (seq, _) = call
        .ask("", command::Run::Cancel { run }, Vec::new())
        .await?;
    ok(&json!({"run": run, "seq": seq}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolve {
    verdict: Verdict,
}

pub(crate) async fn resolve(call: Call) -> Answered {
    let run: RunId = call.id("id", "run")?;
    let Resolve { verdict } = call.json()?;
    let command = command::Run::Resolve { run, verdict };
    let (seq, _) = call.ask("", command, Vec::new()).await?;
    ok(&json!({"run": run, "seq": seq}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
}

/// Says something to whoever is at work in a run; acknowledged once it is durable.
pub(crate) async fn steer(call: Call) -> Answered {
    let run: RunId = call.id("id", "run")?;
    let Note { text } = call.json()?;
    let (message, seq) = say(&call, run, text).await?;
    ok(&json!({"run": run, "message": message, "seq": seq}))
}

/// The same for the API and the page.
pub(crate) async fn say(
    call: &Call,
    run: RunId,
    text: String,
) -> Result<(Option<MessageId>, Seq), Fault> {
    let (body, new) = call.content(text)?;
    let steer = command::Run::Steer { run, body };
    let (seq, reply) = call.ask("", steer, vec![new]).await?;
    let message = match reply {
        Reply::Message(message) => Some(message),
        _ => None,
    };
    Ok((message, seq))
}
