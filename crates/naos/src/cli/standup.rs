//! `naos standup`

use serde_json::Value;

use super::{Context, Ended};
use crate::out::{Out, Tint, cell, items, money};
use crate::session::api;

/// Tells what everybody did, does, will do and is stuck at.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos standup                     # the last 24 hours\n  \
    naos standup --hours 72          # after a weekend\n  \
    naos standup --markdown > standup.md"
)]
pub(crate) struct Standup {
    /// How many hours it looks back: 1 to 744.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=744))]
    hours: u32,
    /// As Markdown, to be kept or sent.
    #[arg(long)]
    markdown: bool,
}

/// What is told of somebody, and how.
const PARTS: [(&str, &str, Tint); 5] = [
    ("done", "done", Tint::Plain),
    ("doing", "doing", Tint::Plain),
    ("stuck", "stuck", Tint::Yellow),
    ("failed", "failed", Tint::Red),
    ("next", "next", Tint::Faint),
];

pub(crate) fn go(context: &Context, standup: &Standup) -> Ended {
    let out = &context.out;
    let path = format!("/standup?hours={}", standup.hours);
    let answer = context.session()?.get(api(&path))?;
    if out.json {
        out.json(&answer);
    } else if standup.markdown {
        markdown(out, &answer);
    } else {
        show(out, &answer);
    }
    Ok(0)
}

fn show(out: &Out, answer: &Value) {
    out.line(format!("Since {}", cell(&answer["since"])));
    for one in items(answer) {
        out.line("");
        out.line(format!("{}{}", cell(&one["who"]), worked(one)));
        for (key, word, tint) in PARTS {
            for task in listed(&one[key]) {
                out.tinted(
                    "  ",
                    &format!("{word:<7}"),
                    tint,
                    &format!(" {}", said(task)),
                );
            }
        }
        if let Some(counts) = of_plans(one) {
            out.line(format!("  {counts}"));
        }
    }
    let nobodys = listed(&answer["nobodys"]);
    let waits = listed(&answer["waits"]);
    out.line("");
    for task in nobodys {
        out.line(format!("nobody's {}", said(task)));
    }
    for question in waits {
        let (title, id) = (cell(&question["title"]), cell(&question["approval"]));
        out.line(format!("waits    {title}  {id}"));
    }
    out.line(totals(answer));
}

fn markdown(out: &Out, answer: &Value) {
    let until = cell(&answer["until"]);
    let day = until.split('T').next().unwrap_or_default().to_owned();
    out.line(format!("# Stand-up of {day}\n"));
    for one in items(answer) {
        out.line(format!("## {}{}\n", plain(&cell(&one["who"])), worked(one)));
        for (key, word, _) in PARTS {
            for task in listed(&one[key]) {
                out.line(format!("- **{word}** {}", told(task, plain)));
            }
        }
        if let Some(counts) = of_plans(one) {
            out.line(format!("- {counts}"));
        }
        out.line("");
    }
    let nobodys = listed(&answer["nobodys"]);
    let waits = listed(&answer["waits"]);
    if !nobodys.is_empty() || !waits.is_empty() {
        out.line("## Waits for people\n");
        for task in nobodys {
            out.line(format!("- nobody's: {}", told(task, plain)));
        }
        for question in waits {
            let (title, id) = (cell(&question["title"]), cell(&question["approval"]));
            out.line(format!("- {} ({id})", plain(&title)));
        }
        out.line("");
    }
    out.line(totals(answer));
}

fn listed(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// How many tasks of plans somebody has or had; none where there are none.
fn of_plans(one: &Value) -> Option<String> {
    let words = ["done", "failed", "doing", "waiting"];
    let counts = words.iter().filter_map(|word| {
        let count = one["of_plans"][*word].as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {word}"))
    });
    let counts: Vec<String> = counts.collect();
    (!counts.is_empty()).then(|| format!("tasks of plans: {}", counts.join(", ")))
}

/// How much somebody worked, behind their name.
fn worked(one: &Value) -> String {
    match one["runs"].as_u64() {
        Some(runs @ 1..) => {
            let word = if runs == 1 { "run" } else { "runs" };
            let failed = match one["failed_runs"].as_u64() {
                Some(failed @ 1..) => format!(", {failed} failed"),
                _ => String::new(),
            };
            format!(" · {runs} {word}{failed}, {}", money(&one["cost_micros"]))
        }
        _ => String::new(),
    }
}

fn said(task: &Value) -> String {
    told(task, str::to_owned)
}

/// A task with why it is where it is; people's words as `written`.
fn told(task: &Value, written: fn(&str) -> String) -> String {
    let title = written(&cell(&task["title"]));
    let mut out = format!("{title}  {}", cell(&task["task"]));
    let why = match &task["why"] {
        Value::Object(problem) => cell(&problem["note"]),
        why => cell(why),
    };
    if !why.is_empty() {
        out.push_str(": ");
        out.push_str(&written(&why.replace('\n', " ")));
    }
    out
}

/// People's words in Markdown: one line, and nothing of it is a mark.
fn plain(text: &str) -> String {
    const MARKS: &str = "\\`*_[]<>#|~!&";
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if MARKS.contains(c) {
            out.push('\\');
        }
        let breaks = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        out.push(if breaks { ' ' } else { c });
    }
    out
}

fn totals(answer: &Value) -> String {
    let totals = &answer["totals"];
    format!(
        "{} done, {} failed, {} stuck; {}, {} of them failed, {}",
        cell(&totals["done"]),
        cell(&totals["failed"]),
        cell(&totals["stuck"]),
        crate::out::count(totals["runs"].as_u64().unwrap_or_default(), "run", "runs"),
        cell(&totals["failed_runs"]),
        money(&totals["cost_micros"]),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_of_people_are_no_marks() {
        let title = "[pay](https://evil.example)\n# **now** <b> `x` a_b";
        let task = json!({"title": title, "task": "task_1", "why": "![x](y)\n- z"});
        let expected = "\\[pay\\](https://evil.example) \\# \\*\\*now\\*\\* \\<b\\> \\`x\\` a\\_b  \
                        task_1: \\!\\[x\\](y) - z";
        assert_eq!(told(&task, plain), expected);
    }
}
