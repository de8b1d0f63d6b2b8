//! `/approval-rules`: questions that are answered with yes from now on, and those for which that is
//! offered.

use naos_engine::read::Reader;
use naos_kernel::HabitKey;
use naos_kernel::approval::Habit;
use naos_types::command::{self, Reply};
use naos_types::{Code, Refusal, Seq, Span, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMES_MAX, cards};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// How long a rule holds where nothing is said, in days.
pub(crate) const DAYS: u32 = 30;
/// The longest name of a kind of question, in bytes.
const HABIT_BYTES_MAX: usize = 256;

/// The kinds of questions with a rule, or for which one is offered, by name.
pub(crate) fn all(reader: &Reader) -> Result<Vec<(HabitKey, std::sync::Arc<Habit>)>, Refusal> {
    let mut habits = reader.all::<Habit>(NAMES_MAX)?;
    habits.retain(|(_, habit)| habit.offered || habit.rule.is_some());
    Ok(habits)
}

/// Whether the rule of a habit holds now.
pub(crate) fn holds(habit: &Habit, now: Time) -> bool {
    let rule = habit.rule.as_ref();
    rule.is_some_and(|rule| rule.lasts(&habit.stamp, now))
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let one = |(key, habit): &(HabitKey, std::sync::Arc<Habit>)| -> Value {
        let rule = habit.rule.as_ref().map(|rule| {
            json!({
                "by": cards::speaker(&reader, &rule.by),
                "taken": rule.at.rfc3339(),
                "until": rule.until.rfc3339(),
                "answers": rule.answers,
                "holds": holds(habit, call.now),
            })
        });
        json!({
            "question": key.0,
            "same": habit.same,
            "offered": habit.offered,
            "rule": rule,
        })
    };
    let items: Vec<Value> = all(&reader)?.iter().map(one).collect();
    ok(&json!({"items": items, "next": null}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Take {
    pub(crate) question: String,
    pub(crate) days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    question: String,
}

fn checked(question: String) -> Result<String, Fault> {
    if question.len() > HABIT_BYTES_MAX {
        let what = format!("a kind of question has at most {HABIT_BYTES_MAX} bytes");
        return Err(Fault::new(Code::TOO_LARGE, what));
    }
    Ok(question)
}

pub(crate) async fn taken(call: &Call, asked: Take) -> Result<Seq, Fault> {
    let habit = checked(asked.question)?;
    let span = Span::secs(i64::from(asked.days.unwrap_or(DAYS)) * 86_400);
    let take = command::Approval::TakeRule { habit, span };
    Ok(call.ask("", take, Vec::new()).await?.0)
}

pub(crate) async fn take(call: Call) -> Answered {
    let asked: Take = call.json()?;
    let question = asked.question.clone();
    let seq = taken(&call, asked).await?;
    ok(&json!({"question": question, "seq": seq}))
}

pub(crate) async fn ended(call: &Call, question: String) -> Result<(Seq, bool), Fault> {
    let habit = checked(question)?;
    let end = command::Approval::EndRule { habit };
    let (seq, reply) = call.ask("", end, Vec::new()).await?;
    Ok((seq, reply != Reply::Unchanged))
}

pub(crate) async fn end(call: Call) -> Answered {
    let End { question } = call.json()?;
    let (seq, changed) = ended(&call, question.clone()).await?;
    ok(&json!({"question": question, "changed": changed, "seq": seq}))
}
