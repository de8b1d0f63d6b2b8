//! `naos audit [--last N]`, `audit verify`, `audit tail`

use std::time::Duration;

use naos_types::{DAY_MS, Span};
use serde_json::{Value, json};

use super::{Context, Ended, NOTHING_MORE, name};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{Session, api, part};

/// Entries that are asked for at once.
const PAGE_MAX: u64 = 1_000;
const POLL_MS: u64 = 500;

/// Shows what happened, oldest first; `verify` proves that nothing of it was changed.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  naos audit --last 20\n  naos audit --action agent.failed\n  \
    naos audit --agent reader --json\n  naos audit verify\n  naos audit tail"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Args)]
struct Shown {
    /// So many of the newest entries.
    #[arg(long, visible_alias = "limit", value_name = "N", default_value_t = 20)]
    last: u64,
    /// Only this action: agent.completed, cost.recorded …
    #[arg(long)]
    action: Option<String>,
    /// Only this agent.
    #[arg(long)]
    agent: Option<String>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Hashes the whole journal again and compares it with what was signed.
    Verify {
        /// The journals of all tenants; only whoever owns the node may.
        #[arg(long)]
        all: bool,
    },
    /// Shows the newest entries and goes on as more happens.
    Tail {
        /// So many of the newest entries first.
        #[arg(short, default_value_t = 20)]
        n: u64,
    },
}

pub(crate) fn go(context: &Context, audit: &Audit) -> Ended {
    match &audit.what {
        Some(What::Verify { all }) => verify(context, *all),
        Some(What::Tail { n }) => tail(context, *n),
        None => last(context, &audit.shown),
    }
}

fn last(context: &Context, shown: &Shown) -> Ended {
    let mut filter = String::new();
    if let Some(action) = &shown.action {
        filter += &format!("&action={}", part(action));
    }
    if let Some(agent) = &shown.agent {
        filter += &format!("&agent={}", name(agent)?);
    }
    let mut session = context.session()?;
    let rows = newest(&mut session, shown.last, &filter)?;
    drop(session);
    list(context, &rows)
}

/// What the actions of money begin with.
const COSTS: &str = "cost.";

/// The newest entries about money.
pub(crate) fn costs(context: &Context, agent: Option<&str>, days: Option<u32>, last: u64) -> Ended {
    let mut filter = format!("&action={}", part(COSTS));
    if let Some(agent) = agent {
        filter += &format!("&agent={}", name(agent)?);
    }
    let mut session = context.session()?;
    let mut rows = newest(&mut session, last, &filter)?;
    drop(session);
    if let Some(days) = days {
        let since = naos_engine::clock::now() + Span(-i64::from(days) * DAY_MS);
        let since = since.rfc3339();
        rows.retain(|row| {
            row["time"]
                .as_str()
                .is_some_and(|time| time >= since.as_str())
        });
    }
    list(context, &rows)
}

fn list(context: &Context, rows: &[Value]) -> Ended {
    if context.out.json {
        context.out.json(&json!({"items": rows, "next": null}));
        return Ok(0);
    }
    for row in rows {
        context.out.line(cell(&row["line"]));
    }
    Ok(0)
}

/// The newest `last` entries, oldest first, in as many questions as it takes.
fn newest(session: &mut Session, last: u64, filter: &str) -> Result<Vec<Value>, Fail> {
    if last <= PAGE_MAX {
        let answer = session.get(api(&format!("/audit?last={last}{filter}")))?;
        return Ok(items(&answer).to_vec());
    }
    let head = session.get(api("/audit?last=1"))?;
    let head = items(&head)
        .first()
        .and_then(|row| row["seq"].as_u64())
        .unwrap_or(0);
    // Entries are numbered without gaps; a filter leaves some out, so it starts at the first.
    let mut after = if filter.is_empty() {
        head.saturating_sub(last)
    } else {
        0
    };
    let mut rows = Vec::new();
    loop {
        let path = format!("/audit?after={after}&limit={PAGE_MAX}{filter}");
        let answer = session.get(api(&path))?;
        let found = items(&answer);
        rows.extend_from_slice(found);
        let next = found.last().and_then(|row| row["seq"].as_u64());
        match next {
            Some(seq) if seq > after && seq < head => after = seq,
            _ => break,
        }
    }
    let surplus = rows
        .len()
        .saturating_sub(usize::try_from(last).unwrap_or(usize::MAX));
    rows.drain(..surplus);
    Ok(rows)
}

/// What is wrong with the files of others, a line each.
pub(super) fn damaged(answer: &Value) -> Vec<String> {
    let each = answer["damaged"].as_array().into_iter().flatten();
    each.map(|item| {
        let place = match item["first_bad"].as_u64() {
            Some(seq) => format!(", from entry {seq} on"),
            None => String::new(),
        };
        format!("{}{place}: {}", cell(&item["tenant"]), cell(&item["fault"]))
    })
    .collect()
}

fn verify(context: &Context, all: bool) -> Ended {
    let mut session = context.session()?;
    let query = if all { "?all=true" } else { "" };
    let answer = session.get(api(&format!("/audit/verify{query}")))?;
    drop(session);
    let ok = answer["ok"] == true;
    let out = &context.out;
    if out.json {
        out.json(&answer);
    } else if ok {
        out.line(format!(
            "The journal is whole: {} entries, {} checkpoints, root {}",
            cell(&answer["entries"]),
            cell(&answer["checkpoints"]),
            cell(&answer["root"])
        ));
    }
    if ok {
        return Ok(0);
    }
    let others = damaged(&answer);
    if answer["first_bad"].is_null() && answer["fault"].is_null() && !others.is_empty() {
        let what = format!(
            "another journal is not what was written: {}",
            others.join("; ")
        );
        return Err(Fail::new(naos_types::Code::DAMAGED, what));
    }
    let at = match answer["first_bad"].as_u64() {
        Some(seq) => format!("the first bad entry is {seq}"),
        None => "its end or a checkpoint doesn't match".into(),
    };
    let fault = match answer["fault"].as_str() {
        Some(fault) => format!(" ({fault})"),
        None => String::new(),
    };
    Err(Fail::new(
        naos_types::Code::DAMAGED,
        format!("the journal is not what was written: {at}{fault}"),
    ))
}

fn tail(context: &Context, n: u64) -> Ended {
    let mut session = context.session()?;
    let mut rows = newest(&mut session, n, "")?;
    let mut seen = 0;
    loop {
        seen = show(&context.out, &rows).unwrap_or(seen);
        if session.daemon().is_none() {
            context.out.note(NOTHING_MORE);
            return Ok(0);
        }
        session.pause(Duration::from_millis(POLL_MS));
        let answer = session.get(api(&format!("/audit?after={seen}&limit={PAGE_MAX}")))?;
        rows = items(&answer).to_vec();
    }
}

fn show(out: &Out, rows: &[Value]) -> Option<u64> {
    for row in rows {
        if out.json {
            out.json(row);
        } else {
            out.line(cell(&row["line"]));
        }
    }
    rows.last()?["seq"].as_u64()
}
