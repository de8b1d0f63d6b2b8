//! `/runs`.

use naos_engine::read::{CallView, CallsFrom, Lists, PlanFilter, Reader, RunFilter};
use naos_kernel::run::Run;
use naos_types::command;
use naos_types::fact::run::World;
use naos_types::{LogLevel as Level, PlanId, PlanStatus, Refusal, RunId, RunStatus, Time};
use serde::Deserialize;

use super::{escape, rows};
use crate::api::v1::runs::say;
use crate::api::v1::shapes;
use crate::door::{Answered, Call};
use crate::pages::PAGE_ROWS_MAX;
use crate::pages::run::{Call as CallRow, LogLine, Run as RunPage, RunLog, Step};
use crate::pages::runs::{RunRow, Runs};
use crate::pages::words;

/// How many lines of a run's log its page shows.
const LINES_SHOWN: usize = 200;
/// How many calls of a run its page shows.
const CALLS_SHOWN: usize = 200;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.lists().await?;
    let status = call.word("status", words::RunStatus::from_word)?;
    let wanted = status.and_then(|status| RunStatus::parse(status.word()));
    let agent = call.query("agent").unwrap_or_default().to_owned();
    let before = call.word("before", RunId::parse)?;
    let fits = RunFilter {
        status: wanted,
        agent: Some(&*agent).filter(|agent| !agent.is_empty()),
    };
    let found = reader.runs(&fits, before, PAGE_ROWS_MAX)?;
    let mut runs: Vec<RunRow> = found
        .items
        .iter()
        .map(|(id, run)| rows::run_row(&reader, *id, run, call.now))
        .collect();
    plans_among(
        &reader,
        &mut runs,
        before,
        found.next.is_some(),
        status,
        &agent,
        call.now,
    )?;
    let filter = format!(
        "status={}&agent={}",
        status.map_or("", words::RunStatus::word),
        escape(&agent)
    );
    let page = Runs {
        runs,
        status,
        agent,
        newer: before.map(|_| format!("/runs?{filter}")),
        older: found
            .next
            .map(|next| format!("/runs?{filter}&before={next}")),
    };
    super::page(&call, &page)
}

/// Runs of plans that began in the time of this page stand among the others.
fn plans_among(
    reader: &Lists,
    runs: &mut Vec<RunRow>,
    before: Option<RunId>,
    more: bool,
    status: Option<words::RunStatus>,
    name: &str,
    now: Time,
) -> Result<(), Refusal> {
    let from = if more {
        // Pages end by the order of ids, whatever began when.
        let last = runs.last().and_then(|row| RunId::parse(&row.id));
        last.map_or(0, |id| shapes::made(id.0).0)
    } else {
        0
    };
    let before = before.map(|id| PlanId(id.0));
    let status = match status.map(|status| PlanStatus::parse(status.word())) {
        Some(None) => return Ok(()), // no plan ever stands so
        other => other.flatten(),
    };
    let fits = PlanFilter {
        status,
        name: Some(name).filter(|name| !name.is_empty()),
        kind: None,
    };
    let plans = reader.plans(&fits, before, PAGE_ROWS_MAX)?;
    let here = plans.items.iter().filter(|(_, p)| p.started.0 >= from);
    runs.extend(here.map(|(id, plan)| rows::plan_row(*id, plan, now)));
    runs.sort_by_key(|row| std::cmp::Reverse(row.started_ms));
    Ok(())
}

pub(crate) async fn show(call: Call) -> Answered {
    if PlanId::parse(call.param("id")).is_some() {
        return Ok(super::see(&format!("/plans/{}", call.param("id"))));
    }
    let id: RunId = call.id("id", "run")?;
    let reader = call.reader()?;
    let run = reader.known::<Run>(&id, "run")?;
    let page = RunPage {
        head: rows::run_head(&reader, id, &run, call.now)?,
        input: rows::excerpt(&reader, &run.input),
        steps: vec![step(&reader, id, &run, call.now)?],
        log: log(&reader, id)?,
        what_if: super::what_ifs::of(&reader, id, &run)?,
        cancel_key: (!run.status.is_closed()).then(super::form_key),
        note_key: hears(&run).then(super::form_key),
    };
    super::page(&call, &page)
}

/// Whether whoever is at work in it can be told something.
fn hears(run: &Run) -> bool {
    !run.status.is_closed() && run.is_by_model() && !run.is_what_if()
}

/// A run of an agent is one step: what went in and out, and its calls.
pub(super) fn step(reader: &Reader, id: RunId, run: &Run, now: Time) -> Result<Step, Refusal> {
    let row = rows::run_row(reader, id, run, now);
    let status = match run.status {
        RunStatus::Queued => words::StepStatus::Waiting,
        RunStatus::Running if run.retry_at.is_some() => words::StepStatus::Retrying,
        other => words::StepStatus::from_word(other.word()).unwrap_or(match other {
            RunStatus::Partial => words::StepStatus::Completed,
            RunStatus::RolledBack => words::StepStatus::Undone,
            RunStatus::Diverged => words::StepStatus::Unknown,
            _ => words::StepStatus::Failed,
        }),
    };
    let calls = reader.calls(id, run, CallsFrom::default())?;
    let shown = calls.rows.iter().take(CALLS_SHOWN);
    let shown: Vec<CallRow> = shown.map(|call| call_row(run, call)).collect();
    Ok(Step {
        number: 1,
        name: row.name,
        status,
        tier: row.tier,
        duration_ms: row.duration_ms,
        cost_micros: row.cost_micros,
        fuel: run.fuel,
        attempts: u64::from(run.attempt),
        input: rows::excerpt(reader, &run.input),
        output: run.output.as_ref().map(|body| rows::excerpt(reader, body)),
        error: run
            .problem
            .as_ref()
            .map(|problem| rows::told(reader, problem)),
        calls_left: (calls.total - shown.len()) as u64,
        calls: shown,
    })
}

/// The newest lines of a run's log.
pub(super) fn log(reader: &Reader, id: RunId) -> Result<RunLog, Refusal> {
    let log = reader.log_last(id, LINES_SHOWN)?;
    let first = log.lines.first().map_or(1, |(number, _)| *number);
    let lines = log.lines.into_iter().map(|(_, line)| LogLine {
        at_ms: line.at.0,
        level: match line.level {
            Level::Debug => words::LogLevel::Debug,
            Level::Info => words::LogLevel::Info,
            Level::Warn => words::LogLevel::Warn,
            Level::Error => words::LogLevel::Error,
        },
        text: line.text,
        cut: u64::from(line.cut),
    });
    Ok(RunLog {
        earlier: u64::from(first - 1),
        lines: lines.collect(),
        left_out: u64::from(log.left_out),
    })
}

pub(super) fn call_row(run: &Run, call: &CallView) -> CallRow {
    let unknown = run.status == RunStatus::Unknown && call.status == "pending";
    let status = match call.status {
        _ if unknown => words::CallStatus::Unknown,
        "pending" => words::CallStatus::Pending,
        "refused" => words::CallStatus::Refused,
        "failed" => words::CallStatus::Failed,
        _ => words::CallStatus::Completed,
    };
    let duration = match (call.asked, call.answered) {
        (Some(asked), Some(answered)) => Some(rows::millis((answered - asked).0)),
        _ => None,
    };
    CallRow {
        ability: call.ability.clone(),
        target: if call.request.is_empty() {
            call.answer.clone()
        } else {
            call.request.clone()
        },
        world: match call.world {
            Some(World::Keyed) => words::World::Keyed,
            Some(World::Once) => words::World::Once,
            Some(World::Repeatable) | None => words::World::Repeatable,
        },
        status,
        duration_ms: duration,
        cost_micros: rows::micros(call.paid.unwrap_or_default()),
        unread: call.unread,
    }
}

#[derive(Deserialize)]
struct Key {
    idempotency_key: String,
}

/// Cancels a run, or a run of a plan: their pages share the form.
pub(crate) async fn cancel(mut call: Call) -> Answered {
    let form: Key = call.form()?;
    call.keyed(&form.idempotency_key)?;
    if let Some(plan) = PlanId::parse(call.param("id")) {
        call.ask("", command::Plan::Cancel { plan }, Vec::new())
            .await?;
        return Ok(super::see(&format!("/plans/{plan}")));
    }
    let run: RunId = call.id("id", "run")?;
    call.ask("", command::Run::Cancel { run }, Vec::new())
        .await?;
    Ok(super::see(&format!("/runs/{run}")))
}

#[derive(Deserialize)]
struct Note {
    text: String,
    idempotency_key: String,
}

/// Says something to whoever is at work in a run.
pub(crate) async fn steer(mut call: Call) -> Answered {
    let form: Note = call.form()?;
    call.keyed(&form.idempotency_key)?;
    let run: RunId = call.id("id", "run")?;
    say(&call, run, form.text).await?;
    Ok(super::see(&format!("/runs/{run}")))
}
