//! `naos logs [AGENT|RUN]`

use std::time::Duration;

use naos_types::RunId;
use serde_json::Value;

use super::{Context, Ended, Following, audit, name};
use crate::fail::Fail;
use crate::out::{Out, Tint, cell, items};
use crate::session::{Session, api};

const POLL_MS: u64 = 500;
/// Entries or lines that are asked for at once.
const PAGE_MAX: u32 = 200;
/// What the journal calls lines that were logged.
const LOGGED: &str = "agent.logged";

/// Shows what agents logged, and what happened to them; of a run, what it logged.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos logs reader\n  naos logs reader --tail 100\n  \
    naos logs run_01kaa…\n  naos logs --follow"
)]
pub(crate) struct Logs {
    /// Which agent, or which run; all agents unless named.
    #[arg(value_name = "AGENT|RUN")]
    whose: Option<String>,
    /// Goes on as more happens; of a run, until it is over.
    #[arg(long, short)]
    follow: bool,
    /// So many of the newest entries; of a run, so many of its newest lines.
    #[arg(long, value_name = "N", default_value_t = 20)]
    tail: u32,
}

pub(crate) fn go(context: &Context, logs: &Logs) -> Ended {
    match logs.whose.as_deref().and_then(RunId::parse) {
        Some(run) => of_run(context, logs, run),
        None => of_agent(context, logs),
    }
}

fn of_run(context: &Context, logs: &Logs, run: RunId) -> Ended {
    let out = &context.out;
    let mut session = context.session()?;
    let path = api(&format!("/runs/{run}/logs"));
    // The newest says where to go on, also to who wants none of those before.
    let mut answer = session.get(format!("{path}?last={}", logs.tail.max(1)))?;
    let mut is_old = logs.tail == 0;
    let (mut seen, mut following) = (0, Following::default());
    loop {
        for line in items(&answer) {
            seen = line["number"].as_u64().unwrap_or(seen);
            if !is_old {
                show_line(out, line);
            }
        }
        is_old = false;
        let over = cell(&answer["status"]);
        let over = naos_types::RunStatus::parse(&over).is_none_or(|status| status.is_closed());
        let more = answer["next"].is_u64();
        if !more && (over || !logs.follow) {
            break;
        }
        if !more {
            following.pause(out, &mut session, Duration::from_millis(POLL_MS))?;
        }
        answer = session.get(format!("{path}?after={seen}&limit={PAGE_MAX}"))?;
    }
    if answer["total"] == 0 {
        out.note("It logged nothing.");
    }
    if let Some(left_out @ 1..) = answer["left_out"].as_u64() {
        let left_out = crate::out::count(left_out, "line", "lines");
        out.note(format!("{left_out} left out: the log of a run is full."));
    }
    Ok(0)
}

fn of_agent(context: &Context, logs: &Logs) -> Ended {
    let out = &context.out;
    let filter = match &logs.whose {
        Some(agent) => format!("&agent={}", name(agent)?),
        None => String::new(),
    };
    let mut session = context.session()?;
    if let Some(agent) = &logs.whose {
        session.get(api(&format!("/agents/{agent}")))?; // there has to be one
    }
    let mut seen = audit::head(&mut session)?;
    let rows = audit::newest(out, &mut session, u64::from(logs.tail), &filter)?;
    seen = show(out, &mut session, &rows)?.max(seen);
    let mut following = Following::default();
    if !logs.follow {
        return Ok(0);
    }
    loop {
        following.pause(out, &mut session, Duration::from_millis(POLL_MS))?;
        let answer = session.get(api(&format!(
            "/audit?after={seen}&limit={PAGE_MAX}{filter}"
        )))?;
        show(out, &mut session, items(&answer))?;
        // What it looked at in vain isn't looked at again.
        seen = answer["upto"].as_u64().unwrap_or(seen).max(seen);
    }
}

/// Shows entries, with the lines that they tell of, and says which was the last.
fn show(out: &Out, session: &mut Session, rows: &[Value]) -> Result<u64, Fail> {
    let mut seen = 0;
    for row in rows {
        seen = row["seq"].as_u64().unwrap_or(seen);
        if row["action"] == LOGGED {
            let path = api(&format!("/runs/{}/logs?seq={seen}", cell(&row["run"])));
            let answer = session.get(path)?;
            items(&answer).iter().for_each(|line| show_line(out, line));
            if cell(&row["detail"]).contains("left out") && !out.json {
                out.line(cell(&row["line"]));
            }
        } else if out.json {
            out.json(row);
        } else {
            out.line(cell(&row["line"]));
        }
    }
    Ok(seen)
}

/// `[2026-01-15 10:30:01] reader warn no date in mails/0031.eml`, in UTC like the audit log.
fn show_line(out: &Out, line: &Value) {
    if out.json {
        return out.json(line);
    }
    let level = cell(&line["level"]);
    let tint = match level.as_str() {
        "error" => Tint::Red,
        "warn" => Tint::Yellow,
        "debug" => Tint::Faint,
        _ => Tint::Plain,
    };
    let cut = match line["cut_bytes"].as_u64() {
        Some(cut @ 1..) => format!(" … {cut} bytes left out"),
        _ => String::new(),
    };
    let time = cell(&line["time"]);
    let time = time.replace('T', " ");
    let time = time.get(..19).unwrap_or(&time);
    let head = format!("[{time}] {} ", cell(&line["agent"]));
    let text = format!(" {}{cut}", cell(&line["text"]));
    out.tinted(&head, &level, tint, &text);
}
