//! Reviews: another agent refutes or praises, before a person is asked; and before it what must
//! hold is looked at without a model.

mod checks;

use naos_types::fact::review::Fact;
use naos_types::{BodyRef, Name, PlanId, ReviewId, TaskId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::Checked;
use crate::table::Aggregate;
use crate::turn::{Done, Turn};

pub use checks::{CHECKS, unsound};
pub(crate) use checks::{Looked, look};

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

/// What a reviewer is to answer, as the JSON schema that a model keeps to where it can.
pub const VERDICT_SCHEMA: &str = concat!(
    r#"{"type":"object","properties":{"verdict":{"type":"string","enum":["praise","refute"]},"#,
    r#""evidence":{"type":"array","items":{"type":"string"}}},"#,
    r#""required":["verdict","evidence"],"additionalProperties":false}"#
);
/// How many beginnings of a JSON object are tried in an answer without a fence, from its end.
const BEGINNINGS_MAX: usize = 64;

/// The verdict in a reviewer's answer: JSON with `verdict: praise | refute`, alone, in the last
/// fenced block, or bare in the words around it. Whoever refutes shows evidence; a refutation
/// without any is no verdict.
pub(crate) fn read_verdict(answer: &[u8]) -> Verdict {
    let value = said(&String::from_utf8_lossy(answer)).unwrap_or_default();
    match value.get("verdict").and_then(Value::as_str) {
        Some("praise" | "praised") => Verdict::Praised,
        Some("refute" | "refuted") if shows_evidence(&value) => Verdict::Refuted,
        _ => Verdict::Abandoned,
    }
}

/// The object with a verdict in a reviewer's answer; none where it holds none. The last counts, and
/// where there are fences what stands in them.
#[must_use]
pub fn said(answer: &str) -> Option<Value> {
    let object = |text: &str| {
        let value: Option<Value> = serde_json::from_str(text.trim()).ok();
        value.filter(|value| value.get("verdict").is_some())
    };
    let whole = object(answer);
    if whole.is_some() || crate::planted::is("verdicts-alone-only") {
        return whole;
    }
    if answer.contains("```") {
        let blocks: Vec<&str> = answer.split("```").skip(1).step_by(2).collect();
        let found = blocks.iter().rev().find_map(|block| {
            let inner = block.split_once(char::is_whitespace);
            object(block).or_else(|| object(inner?.1))
        });
        if found.is_some() {
            return found;
        }
    }
    let beginnings = answer.rmatch_indices('{').take(BEGINNINGS_MAX);
    let found = beginnings.filter_map(|(at, _)| {
        let mut read = serde_json::Deserializer::from_str(&answer[at..]).into_iter::<Value>();
        let value = read.next()?.ok()?;
        value.get("verdict").is_some().then_some(value)
    });
    found.into_iter().next()
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
        Fact::Checked(f) => {
            let checked = Checked {
                round: f.round,
                passed: f.passed,
                evidence: f.evidence,
            };
            let plan = turn.plan_mut(&f.plan)?;
            plan.checked.insert(f.step.clone(), checked);
            crate::plan::step_mut(turn, f.plan, &f.step)?.disputed = !f.passed;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_read_however_models_write_it() {
        let refuted = r#"{"verdict": "refute", "evidence": ["line 3 says 4"]}"#;
        let fenced = format!("I looked at it.\n\n```json\n{refuted}\n```\nThat is all.");
        let two =
            format!("```json\n{{\"verdict\": \"praise\"}}\n```\nNo:\n```json\n{refuted}\n```");
        for (answer, expected) in [
            (r#"{"verdict": "praise"}"#, Verdict::Praised),
            ("```json\n{\"verdict\": \"praise\"}\n```", Verdict::Praised),
            ("```{\"verdict\": \"praise\"}```", Verdict::Praised),
            (&fenced, Verdict::Refuted),
            (&two, Verdict::Refuted),
            (
                &format!("My verdict: {refuted} (see there)"),
                Verdict::Refuted,
            ),
            ("It is fine, {really}.", Verdict::Abandoned),
            (r#"{"verdict": "refute"}"#, Verdict::Abandoned),
            (
                r#"{"verdict": "maybe", "evidence": ["x"]}"#,
                Verdict::Abandoned,
            ),
            ("", Verdict::Abandoned),
        ] {
            assert_eq!(read_verdict(answer.as_bytes()), expected, "{answer}");
        }
        let schema: Value = serde_json::from_str(VERDICT_SCHEMA).unwrap();
        assert_eq!(schema["required"][0], "verdict");
    }
}
