//! I read tables (CSV as offices export them) and say what is in them: types, sums with and
//! without copies, gaps, copies, near copies, outliers, what is overdue; each cited as
//! `file:line`. Money is summed exactly, never in floating point. I work by rules, without a
//! model, and change no figure: what looks wrong is shown, not mended.
//! I import the derived clock only, for "overdue" where the input names no day.
//! Start at [`handle`].

mod checks;
mod columns;
mod days;
mod doubts;
mod groups;
mod names;
mod numbers;
mod paid;
mod payments;
mod receipts;
mod roles;
mod twice;
mod unread;
mod vocabulary;

use naos_agent::{clock, limits};
use naos_reading::dates::Date;
use naos_reading::input::Input;
use serde::Serialize;

use columns::{FileReport, Sheet};
use groups::{Group, Question};

naos_agent::export!(handle);

/// Endings of files that hold no table.
const NO_TABLE: &[&str] = &[
    "eml", "mbox", "md", "txt", "pdf", "json", "png", "jpg", "docx", "xlsx",
];
/// What a raw text is called in citations.
const UNNAMED: &str = naos_reading::input::UNNAMED;

/// What I answer.
#[derive(Debug, Serialize)]
struct Answer {
    summary: String,
    today: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<(Date, Date)>,
    files: Vec<FileReport>,
    groups: Vec<Group>,
    notes: Vec<String>,
}

/// Reads the tables handed over and answers with JSON.
///
/// # Errors
/// A sentence when the input or the answer is too large, or `today` is no day.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let input = Input::parse(input)?;
    let mut notes = input.notes.clone();
    if input.files.is_empty() {
        notes.push("nothing to read: hand over text, or JSON with `files` or `text`".to_owned());
    }
    let question = question(&input)?;
    let mut all: Vec<Result<Sheet, String>> = Vec::new();
    for file in &input.files {
        if file.path != UNNAMED && NO_TABLE.contains(&file.ending().as_str()) {
            all.push(Err(format!("{}: not read: no table", file.path)));
            continue;
        }
        all.push(columns::read(file, question.today));
    }
    // Payments first: they say what is paid of the invoices.
    let mut read: Vec<&mut Sheet> = all.iter_mut().filter_map(|it| it.as_mut().ok()).collect();
    let (settled, told) = receipts::settle(&mut read, question.today);
    let mut sheets: Vec<Sheet> = Vec::new();
    for sheet in all {
        match sheet {
            Ok(mut sheet) => {
                notes.append(&mut sheet.notes);
                notes.extend(groups::untold(&sheet));
                notes.extend(groups::remarks(&sheet, question.today));
                sheets.push(sheet);
            }
            Err(note) => notes.push(note),
        }
    }
    notes.extend(told);
    if notes.len() > NOTES_MAX {
        let more = notes.len() - NOTES_MAX;
        notes.truncate(NOTES_MAX);
        notes.push(format!("{more} more remarks about tables, not listed"));
    }
    let groups = groups::gather(&sheets, settled, &question);
    let files: Vec<FileReport> = sheets.into_iter().map(|sheet| sheet.report).collect();
    let summary = summary(&files, &groups);
    let Question {
        today,
        client,
        period,
    } = question;
    let answer = Answer {
        summary,
        today,
        client,
        period,
        files,
        groups,
        notes,
    };
    let text = serde_json::to_string(&answer)
        .map_err(|why| format!("could not write the answer as JSON: {why}"))?;
    limits::output(text)
}

fn question(input: &Input) -> Result<Question, String> {
    let day = |name: &str, text: &str| {
        let malformed = || format!("`{name}` is `{text}`: write a day like 2026-10-09");
        Date::parse_iso(text).ok_or_else(malformed)
    };
    let today = match input.word("today") {
        Some(text) => day("today", text)?,
        None => Date::from_days(clock::today_days()).ok_or("the clock is out of the calendar")?,
    };
    let mut period = None;
    if let Some(span) = input.rest.get("period") {
        let end = |name: &str| {
            span.get(name)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        period = Some((
            day("period.from", end("from"))?,
            day("period.to", end("to"))?,
        ));
    }
    let named = input.word("client");
    let client = named
        .filter(|client| !client.trim().is_empty())
        .map(str::to_owned);
    Ok(Question {
        today,
        client,
        period,
    })
}

fn summary(files: &[FileReport], groups: &[Group]) -> String {
    if files.is_empty() {
        return "no table: I read comma-separated values with a header and rows".to_owned();
    }
    let rows: usize = files.iter().map(FileReport::rows).sum();
    let mut parts = vec![format!("{} file(s), {rows} rows", files.len())];
    for group in groups {
        for sum in group.totals() {
            let currency = sum
                .currency
                .as_deref()
                .map(|it| format!(" {it}"))
                .unwrap_or_default();
            let copies = if sum.with_duplicates == sum.without_duplicates {
                String::new()
            } else {
                format!(" ({} with duplicates)", sum.with_duplicates)
            };
            let without = match sum.unread {
                0 => String::new(),
                unread => format!(" (incomplete, amounts not read: {unread})"),
            };
            parts.push(format!(
                "{} {}{currency}{copies}{without}",
                sum.column, sum.without_duplicates
            ));
        }
        for doubt in &group.doubts {
            parts.push(format!("{} at {}", doubt.code, doubt.cites.join(", ")));
        }
        for duplicate in &group.duplicates {
            parts.push(format!(
                "duplicate {} at {}",
                duplicate.key,
                duplicate.cites.join(", ")
            ));
        }
        for conflict in &group.conflicts {
            let (number, places) = (&conflict.number, conflict.cites.join(", "));
            parts.push(format!("several invoices under {number} at {places}"));
        }
        let near = group
            .near_duplicates
            .iter()
            .map(|it| format!("near duplicates at {}", it.cites.join(", ")));
        parts.extend(near);
        parts.extend(
            group
                .outliers
                .iter()
                .map(|it| format!("outlier at {}", it.cite)),
        );
        if let Some(overdue) = group.overdue().filter(|overdue| overdue.count > 0) {
            parts.push(format!("{} overdue", overdue.count));
        }
    }
    let more = parts.len().saturating_sub(SUMMARY_PARTS_MAX);
    parts.truncate(SUMMARY_PARTS_MAX);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join("; ")
}

/// A table of many rows may deserve a remark for each: the answer stays short, and says so.
const NOTES_MAX: usize = 500;
/// A summary is read by people.
const SUMMARY_PARTS_MAX: usize = 20;
