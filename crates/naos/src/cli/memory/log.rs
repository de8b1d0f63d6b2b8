//! `naos memory log`: what an agent did on a day, a line for each thing, as the journal has it.

use naos_kernel::recall;
use naos_types::{Code, DAY_MS, Name, Span, Time};
use serde_json::{Value, json};

use super::{Context, Ended, name};
use crate::fail::Fail;
use crate::out::{cell, items};
use crate::session::{Session, api, part};

/// How many days back logs are exported, today included: as far as notes are recalled.
const DAYS_MAX: i64 = recall::RECALL_DAYS_MAX;

#[derive(clap::Args)]
pub(super) struct Log {
    /// Whose.
    agent: String,
    /// The day, in UTC; today unless said.
    #[arg(long, value_name = "DATE")]
    day: Option<String>,
}

/// A day of an agent: its date, the first day of the journal, and its lines.
fn day(session: &mut Session, agent: &Name, day: &str) -> Result<(Value, Vec<Value>), Fail> {
    let (mut lines, mut after) = (Vec::new(), String::new());
    loop {
        let place = format!("/agents/{agent}/log?day={}{after}", part(day));
        let mut page = session.get(api(&place))?;
        lines.extend(items(&page).iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", part(next)),
            None => {
                page["items"] = Value::Null;
                return Ok((page, lines));
            }
        }
    }
}

/// JSON Lines.
fn lines(all: &[Value]) -> String {
    all.iter().map(|line| format!("{line}\n")).collect()
}

pub(super) fn go(context: &Context, asked: &Log) -> Ended {
    let agent = name(&asked.agent)?;
    let mut session = context.session()?;
    let wanted = asked.day.as_deref().unwrap_or_default();
    let (page, all) = day(&mut session, &agent, wanted)?;
    drop(session);
    let out = &context.out;
    let date = cell(&page["day"]);
    if out.json {
        out.json(&json!({"agent": agent, "day": date, "items": all, "next": null}));
        return Ok(0);
    }
    if all.is_empty() {
        out.say(format!("{agent} did nothing on {date}."));
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    out.table(&["time", "what", "", "run"], &rows);
    Ok(0)
}

fn row(line: &Value) -> Vec<String> {
    let words = |key: &str| {
        let text = line[key].as_str().unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let kind = line["kind"].as_str().unwrap_or_default();
    let mut text = match kind {
        "run_started" => words("task"),
        "run_ended" => {
            let cost = crate::out::money(&line["cost_micros"]);
            format!("{} {} {cost}", words("status"), words("code"))
        }
        "attempt_failed" => words("code"),
        "learned" => words("fact"),
        "tool" => words("name"),
        "document_written" => format!("{} version {}", words("path"), cell(&line["version"])),
        "handed_over" => format!("{} to {}", words("task"), words("to")),
        "asked" => format!("{}: {}", words("whom"), words("text")),
        _ => words("text"),
    };
    if line["ok"] == false {
        text.push_str(" (failed)");
    }
    let time: String = words("time").chars().skip(11).take(8).collect();
    let run = match &line["run"] {
        Value::Null => String::new(),
        run => cell(run),
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    vec![time, kind.replace('_', " "), text, run]
}

/// The logs of an agent's days as files, newest first: `memory/2026-10-05.jsonl`. A day on which it
/// did nothing has none.
pub(super) fn days(session: &mut Session, agent: &Name) -> Result<Vec<(String, String)>, Fail> {
    let mut out = Vec::new();
    let mut at: Option<Time> = None;
    for _ in 0..DAYS_MAX {
        let wanted = at.map(recall::day).unwrap_or_default();
        let (page, all) = day(session, agent, &wanted)?;
        let date = cell(&page["day"]);
        if !all.is_empty() {
            out.push((format!("memory/{date}.jsonl"), lines(&all)));
        }
        if page["began"].as_str().is_none_or(|began| *began >= *date) {
            break;
        }
        let today = Time::parse(&date).ok_or_else(|| {
            Fail::new(
                Code::INTERNAL,
                format!("the log of {agent} is of no day: {date}"),
            )
        })?;
        at = Some(today + Span(-DAY_MS));
    }
    Ok(out)
}

/// Whether a file of a workspace is such a log, and nobody's own.
pub(super) fn is_log(within: &str, text: &str) -> bool {
    let day = within.trim_start_matches('/').strip_prefix("memory/");
    let day = day.and_then(|name| name.strip_suffix(".jsonl"));
    let is_line = |line: &str| {
        let read: Value = serde_json::from_str(line).unwrap_or_default();
        read["time"].is_string() && read["kind"].is_string() && !read["run"].is_boolean()
    };
    day.is_some_and(|day| day.len() == 10 && Time::parse(day).is_some())
        && !text.trim().is_empty()
        && text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .all(is_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_naos_wrote_is_told_from_what_is_somebodys_own() {
        let line = r#"{"time":"2026-10-05T09:00:00Z","run":null,"kind":"tool","name":"x"}"#;
        assert!(is_log(
            "/memory/2026-10-05.jsonl",
            &format!("{line}\n{line}\n")
        ));
        for (path, text) in [
            ("/memory/facts.jsonl", line),
            ("/memory/2026-10-05.md", line),
            ("/memory/2026-13-05.jsonl", line),
            ("/memory/2026-10-05.jsonl", ""),
            ("/memory/2026-10-05.jsonl", r#"{"role":"user","text":"hi"}"#),
        ] {
            assert!(!is_log(path, text), "{path} {text}");
        }
    }
}
