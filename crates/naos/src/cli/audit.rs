//! `naos audit [--last N]`, `audit verify`, `audit tail`, `audit search`, `audit export`

use std::path::PathBuf;
use std::time::Duration;

use naos_types::{DAY_MS, Span};
use serde_json::{Value, json};

use super::look::{self, Far};
use super::{Context, Ended, Following, name};
use crate::fail::Fail;
use crate::out::{Out, cell, items};
use crate::session::{Session, api, part};

/// Entries that are asked for at once.
const PAGE_MAX: usize = 1_000;
const POLL_MS: u64 = 500;

/// Shows what happened, oldest first; `verify` proves that nothing of it was changed.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  naos audit --last 20\n  naos audit --action agent.failed\n  \
    naos audit --agent reader --json\n  naos audit search invoice\n  \
    naos audit export --format csv --output audit.csv --days 30\n  \
    naos audit verify\n  naos audit tail"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Args)]
struct Shown {
    /// So many of the newest entries; 20, or all of them with --days.
    #[arg(long, visible_alias = "limit", value_name = "N")]
    last: Option<u64>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    written: Written,
}

/// Which entries are meant.
#[derive(clap::Args)]
struct Which {
    /// Only this action, or those that begin so: agent.completed, cost.recorded …
    #[arg(long)]
    action: Option<String>,
    /// Only this agent.
    #[arg(long)]
    agent: Option<String>,
    /// Only entries whose line holds this text, in small or large letters.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Only of so many days, counted back from now.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,
}

/// How the entries are written, and where to.
#[derive(clap::Args)]
struct Written {
    /// How they are written: text, json or csv.
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json", "csv"])]
    format: Option<String>,
    /// Writes them into this file, which must not be there yet.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
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
    /// Shows the entries whose line holds a text, in small or large letters.
    Search {
        /// The text.
        text: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Writes all entries, or those that are meant, as JSON unless --format says else.
    Export {
        #[command(flatten)]
        shown: Shown,
    },
}

pub(crate) fn go(context: &Context, audit: &Audit) -> Ended {
    match &audit.what {
        Some(What::Verify { all }) => verify(context, *all),
        Some(What::Tail { n }) => tail(context, *n),
        Some(What::Search { text, shown }) => {
            let last = shown.last.unwrap_or(LAST);
            last_of(context, shown, &[text.as_str()], last, None)
        }
        Some(What::Export { shown }) => {
            let last = shown.last.unwrap_or(u64::MAX);
            last_of(context, shown, &[], last, Some("json"))
        }
        None => {
            // A time says how many are meant.
            let all = audit.shown.which.days.is_some();
            let last = audit
                .shown
                .last
                .unwrap_or(if all { u64::MAX } else { LAST });
            last_of(context, &audit.shown, &[], last, None)
        }
    }
}

/// How many entries are shown where nothing says how many.
const LAST: u64 = 20;

fn last_of(
    context: &Context,
    shown: &Shown,
    texts: &[&str],
    last: u64,
    format: Option<&str>,
) -> Ended {
    let Which {
        action,
        agent,
        filter,
        days,
    } = &shown.which;
    let mut query = String::new();
    if let Some(action) = action {
        query += &format!("&action={}", part(action));
    }
    if let Some(agent) = agent {
        query += &format!("&agent={}", name(agent)?);
    }
    let texts: Vec<String> = texts
        .iter()
        .copied()
        .chain(filter.as_deref())
        .map(lower)
        .collect();
    // What a line holds is known once it is read: all are, and the newest of those are shown.
    let asked = if texts.is_empty() { last } else { u64::MAX };
    let mut session = context.session()?;
    let mut rows = newest(&context.out, &mut session, asked, &query)?;
    drop(session);
    within(&mut rows, *days);
    rows.retain(|row| {
        let line = lower(row["line"].as_str().unwrap_or_default());
        texts.iter().all(|text| line.contains(text))
    });
    let last = usize::try_from(last).unwrap_or(usize::MAX);
    rows.drain(..rows.len().saturating_sub(last));
    write(context, &shown.written, format, &rows)
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// Leaves out what is older than so many days.
fn within(rows: &mut Vec<Value>, days: Option<u32>) {
    let Some(days) = days else { return };
    let since = naos_engine::clock::now() + Span(-i64::from(days) * DAY_MS);
    let since = since.rfc3339();
    rows.retain(|row| {
        row["time"]
            .as_str()
            .is_some_and(|time| time >= since.as_str())
    });
}

/// Writes entries where they were asked for, and how.
fn write(context: &Context, written: &Written, format: Option<&str>, rows: &[Value]) -> Ended {
    let said = written.format.as_deref().or(format);
    let format = match said {
        Some(format) => format,
        None if context.out.json => "json",
        None => "text",
    };
    let all = json!({"items": rows, "next": null});
    let text = match format {
        "json" => format!("{}\n", super::shown(&all)),
        "csv" => csv(rows),
        _ => rows.iter().map(|row| cell(&row["line"]) + "\n").collect(),
    };
    let Some(path) = &written.output else {
        match format {
            "text" => return list(context, rows),
            "json" => context.out.json(&all),
            _ => context.out.piece(&text),
        }
        return Ok(0);
    };
    super::export::put(path, &text, false)?;
    let entries = crate::out::count(rows.len(), "entry", "entries");
    if context.out.json {
        context
            .out
            .json(&json!({"file": path, "format": format, "entries": rows.len()}));
    }
    context
        .out
        .say(format!("Wrote {entries} to {}.", path.display()));
    Ok(0)
}

/// The columns of a table for other programs.
const COLUMNS: [&str; 6] = ["seq", "time", "action", "subject", "run", "line"];

/// Entries as RFC 4180 has tables, with the line ends of this system. What a program that
/// calculates would take for a formula is text.
fn csv(rows: &[Value]) -> String {
    let mut out = COLUMNS.join(",") + "\n";
    for row in rows {
        let cells = COLUMNS.iter().map(|column| quoted(&cell(&row[*column])));
        out += &(cells.collect::<Vec<_>>().join(",") + "\n");
    }
    out
}

fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    if guard.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
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
    let mut rows = newest(&context.out, &mut session, last, &filter)?;
    drop(session);
    within(&mut rows, days);
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
pub(super) fn newest(
    out: &Out,
    session: &mut Session,
    last: u64,
    filter: &str,
) -> Result<Vec<Value>, Fail> {
    let wanted = usize::try_from(last).unwrap_or(usize::MAX);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let mut found = look::back(out, (wanted, None, Far::All), |limit, before| {
        let before = before.map_or_else(String::new, |before| format!("&before={before}"));
        let path = format!("/audit?last={}{before}{filter}", limit.min(PAGE_MAX));
        let mut answer = session.get(api(&path))?;
        if let Some(rows) = answer["items"].as_array_mut() {
            rows.reverse();
        }
        Ok(answer)
    })?;
    let mut rows = match found["items"].take() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    };
    rows.reverse();
    Ok(rows)
}

/// The place of the newest entry.
pub(super) fn head(session: &mut Session) -> Result<u64, Fail> {
    let newest = session.get(api("/audit?last=1"))?;
    let seq = items(&newest).first().and_then(|row| row["seq"].as_u64());
    Ok(seq.unwrap_or(0))
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
    let mut seen = head(&mut session)?;
    let mut rows = newest(&context.out, &mut session, n, "")?;
    let mut following = Following::default();
    loop {
        seen = show(&context.out, &rows).unwrap_or(seen);
        following.pause(&context.out, &mut session, Duration::from_millis(POLL_MS))?;
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
