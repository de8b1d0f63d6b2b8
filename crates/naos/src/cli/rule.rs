//! `naos rule list|take|end`

use serde_json::{Value, json};

use super::{Context, Ended};
use crate::out::{cell, count, items};
use crate::session::api;

/// Standing rules: questions that are answered with yes from now on.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos rule list\n  naos rule take letter/ask --days 30\n  \
    naos rule end letter/ask\n\n\
    After five questions of one kind in a row that people answered with a plain yes, a rule is \
    offered, and never taken by itself. It holds for the versions of plan and agent that asked \
    then, for 90 days and 200 answers at most, as long as whoever took it may answer; what a \
    reviewer refutes is a person's still."
)]
pub(crate) struct Rule {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Lists rules, and those that are offered.
    List,
    /// Takes a rule that is offered.
    Take {
        /// The kind of question, as the list shows it.
        question: String,
        /// For how many days.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=90))]
        days: u32,
    },
    /// Ends a rule; where it is only offered, it isn't offered again before something changes.
    End {
        /// The kind of question.
        question: String,
    },
}

pub(crate) fn go(context: &Context, rule: &Rule) -> Ended {
    let out = &context.out;
    let (answer, sentence) = match &rule.what {
        What::List => return list(context),
        What::Take { question, days } => {
            let body = json!({"question": question, "days": days});
            let answer = context
                .session()?
                .post(api("/approval-rules/take"), &body)?;
            let words = "such questions are answered with yes in your name";
            let days = count(*days, "day", "days");
            (answer, format!("For {days} {words}: {question}"))
        }
        What::End { question } => {
            let body = json!({"question": question});
            let answer = context.session()?.post(api("/approval-rules/end"), &body)?;
            let sentence = over(question, &answer);
            (answer, sentence)
        }
    };
    if out.json {
        out.json(&answer);
    }
    out.say(sentence);
    Ok(0)
}

/// What ending a rule did: where it had ended before, nothing.
fn over(question: &str, answer: &Value) -> String {
    match (&answer["changed"], &answer["ended"]) {
        (Value::Bool(false), Value::Null) => {
            format!("No rule was taken for {question}, and none is offered: nothing to end.")
        }
        (Value::Bool(false), ended) => format!(
            "The rule for {question} has ended already: {} ended it at {}.",
            cell(&ended["by"]),
            cell(&ended["time"])
        ),
        _ => format!("A person is asked again: {question}"),
    }
}

fn list(context: &Context) -> Ended {
    let answer = context.session()?.get(api("/approval-rules"))?;
    if context.out.json {
        context.out.json(&answer);
        return Ok(0);
    }
    let row = |item: &Value| {
        let rule = &item["rule"];
        let stands = match (&item["offered"], &rule["holds"]) {
            (_, Value::Bool(true)) => "holds".to_owned(),
            (Value::Bool(true), _) => "offered".to_owned(),
            _ => format!("over: {}", cell(&rule["lapsed"])),
        };
        vec![
            cell(&item["question"]),
            stands,
            cell(&item["same"]),
            cell(&rule["by"]),
            cell(&rule["until"]),
            cell(&rule["answers"]),
        ]
    };
    let rows: Vec<Vec<String>> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        context.out.say("No rule is offered, and none was taken.");
        return Ok(0);
    }
    let head = ["question", "rule", "in a row", "by", "until", "answers"];
    context.out.table(&head, &rows);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_had_ended_says_by_whom_and_when() {
        let by = json!({"by": "Ana", "time": "2026-11-29T08:00:00Z"});
        for (answer, expected) in [
            (
                json!({"changed": true, "ended": by}),
                "A person is asked again: letter/ask",
            ),
            (
                json!({"changed": false, "ended": by}),
                "The rule for letter/ask has ended already: Ana ended it at 2026-11-29T08:00:00Z.",
            ),
            (
                json!({"changed": false, "ended": null}),
                "No rule was taken for letter/ask, and none is offered: nothing to end.",
            ),
        ] {
            assert_eq!(over("letter/ask", &answer), expected);
        }
    }
}
