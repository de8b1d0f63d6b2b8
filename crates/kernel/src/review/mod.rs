//! Reviews: another agent refutes or praises, before a person is asked.

use naos_types::fact::review::Fact;
use naos_types::{BodyRef, Name, PlanId, ReviewId, TaskId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::table::Aggregate;
use crate::turn::{Done, Turn};

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// It is good.
    Praised,
    /// Something is wrong.
    Refuted,
    /// It said neither.
    Abandoned,
}

/// One review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// In which plan.
    pub plan: PlanId,
    /// The step that reviews.
    pub step: Name,
    /// The step whose result it is.
    pub of: Name,
    /// Who made it.
    pub author: Name,
    /// Who looks.
    pub reviewer: Name,
    /// The reviewer's task.
    pub task: TaskId,
    /// Counted from 1.
    pub round: u32,
    /// What they said, once they did.
    pub verdict: Option<(Verdict, Option<BodyRef>)>,
}

impl Aggregate for Review {
    const KIND: &'static str = "review";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        self.verdict.is_none()
    }
}

/// The verdict in a reviewer's answer: JSON with `verdict: praise | refute`, fenced as models like
/// it or not. Whoever refutes shows evidence; a refutation without any is no verdict.
pub(crate) fn read_verdict(answer: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(answer);
    let value: Value = serde_json::from_str(unfenced(&text)).unwrap_or_default();
    match value.get("verdict").and_then(Value::as_str) {
        Some("praise" | "praised") => Verdict::Praised,
        Some("refute" | "refuted") if shows_evidence(&value) => Verdict::Refuted,
        _ => Verdict::Abandoned,
    }
}

/// What stands between the marks of a block of code, where that is all there is.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let within = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"));
    match within.and_then(|within| within.split_once(char::is_whitespace)) {
        Some((_, inner)) => inner.trim(),
        None => text,
    }
}

fn shows_evidence(value: &Value) -> bool {
    let shown = ["evidence", "findings", "reason", "why"]
        .iter()
        .filter_map(|key| value.get(key));
    crate::planted::is("refutes-without-evidence")
        || shown.into_iter().any(|shown| match shown {
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(items) => items.iter().any(|item| match item {
                Value::String(text) => !text.trim().is_empty(),
                other => !other.is_null(),
            }),
            Value::Object(fields) => !fields.is_empty(),
            _ => false,
        })
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Requested(f) => {
            let review = Review {
                plan: f.plan,
                step: f.step.clone(),
                of: f.of.clone(),
                author: f.author.clone(),
                reviewer: f.reviewer.clone(),
                task: f.task,
                round: f.round,
                verdict: None,
            };
            turn.put_review(f.review, Some(review));
            crate::plan::step_mut(turn, f.plan, &f.step)?.review = Some(f.review);
        }
        Fact::Praised(f) => {
            speak(turn, f.review, Verdict::Praised, f.evidence)?;
        }
        Fact::Refuted(f) => {
            speak(turn, f.review, Verdict::Refuted, f.evidence)?;
        }
        Fact::Abandoned(f) => {
            let review = turn.review_mut(&f.review)?;
            review.verdict = Some((Verdict::Abandoned, None));
            let (plan, step) = (review.plan, review.step.clone());
            crate::plan::step_mut(turn, plan, &step)?.disputed = true;
        }
    }
    Ok(())
}

/// The reviewer spoke: the step is in dispute as long as the last word is no praise.
fn speak(turn: &mut Turn<'_>, id: ReviewId, verdict: Verdict, evidence: BodyRef) -> Done {
    let review = turn.review_mut(&id)?;
    review.verdict = Some((verdict, Some(evidence)));
    let (plan, step) = (review.plan, review.step.clone());
    crate::plan::step_mut(turn, plan, &step)?.disputed = verdict == Verdict::Refuted;
    Ok(())
}
