//! `/`.

use naos_engine::read::{AUDIT_SCAN_MAX, AuditFilter, Lists, Reader, RunFilter};
use naos_kernel::agent::Agent;
use naos_kernel::approval::Approval;
use naos_kernel::task::Task;
use naos_types::{Refusal, RunId, RunStatus, Seq, Time};

use super::rows;
use crate::api::v1::NAMES_MAX;
use crate::door::{Answered, Call};
use crate::pages::home::{Counters, Doing, FEED_ROWS_MAX, FeedRow, Home, Saying, Waiting, Working};

/// How many facts are looked at for a page of the feed.
const FACTS_MAX: usize = 4 * FEED_ROWS_MAX;
/// How many who are at work are shown.
pub(super) const WORKING_MAX: usize = 20;

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.lists().await?;
    let before = match call.query("before") {
        Some(_) => Some(call.number("before", 0, Seq::MAX)?),
        None => None,
    };
    let all = AuditFilter::default();
    let facts = reader
        .audit_last(before, FACTS_MAX, AUDIT_SCAN_MAX, &all)?
        .rows;
    let rows = facts
        .iter()
        .rev()
        .filter_map(|row| rows::feed_row(&reader, row));
    let feed: Vec<FeedRow> = rows.take(FEED_ROWS_MAX).collect();
    let last = feed
        .last()
        .map(|row| row.seq)
        .or(facts.first().map(|row| row.seq));
    let page = Home {
        waiting: waiting(&reader)?,
        counters: counters(&reader, call.now)?,
        working: working(&reader)?,
        older: last
            .filter(|seq| *seq > 1)
            .map(|seq| format!("/?before={seq}")),
        feed,
    };
    super::page(&call, &page)
}

/// What waits for a person, oldest first.
pub(super) fn waiting(reader: &Reader) -> Result<Waiting, Refusal> {
    let open = reader.open::<Approval>()?;
    let rows = open
        .iter()
        .map(|(id, approval)| rows::approval_row(reader, *id, approval));
    Ok(Waiting {
        approvals: rows.collect(),
        stuck: rows::stuck(reader)?,
    })
}

pub(super) fn counters(reader: &Lists, now: Time) -> Result<Counters, Refusal> {
    let agents = reader.all::<Agent>(NAMES_MAX)?;
    let today = reader.spending(now.day_start())?;
    let all = today.all;
    let tasks = reader.task_counts()?;
    let open = tasks.iter().filter(|(status, _)| !status.is_closed());
    Ok(Counters {
        agents_running: agents
            .iter()
            .filter(|(_, agent)| agent.open_runs > 0)
            .count() as u64,
        agents: agents.len() as u64,
        tasks_open: open.map(|(_, count)| count).sum(),
        runs_today: all.runs,
        failed_today: all.failed,
        spent_micros: rows::micros(all.cost),
        avoided_micros: today.avoided().map(rows::micros),
    })
}

pub(super) fn working(reader: &Lists) -> Result<Working, Refusal> {
    let mut now = Vec::new();
    let running = RunFilter {
        status: Some(RunStatus::Running),
        agent: None,
    };
    for (id, run) in reader.runs(&running, None, WORKING_MAX)?.items {
        let task = reader.find::<Task>(&run.task)?;
        now.push(Doing {
            agent: run.agent.to_string(),
            run: id.to_string(),
            step: task.map_or_else(String::new, |task| reader.sealed(&task.title)),
            since_ms: run.started.0,
            tier: Some(rows::tier(run.tier)),
            saying: saying(reader, id),
        });
    }
    Ok(Working { now })
}

/// What the model of a run says right now.
pub(super) fn saying(reader: &Reader, run: RunId) -> Saying {
    Saying {
        run: run.to_string(),
        words: reader.last_words(run),
    }
}
