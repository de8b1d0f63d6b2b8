//! What a reviewer said of what a person is asked about, or was; and in which order questions wait.

use std::cmp::Reverse;
use std::sync::Arc;

use naos_engine::read::Reader;
use naos_kernel::approval::Approval;
use naos_kernel::plan::Plan;
use naos_kernel::review::{Review, Verdict};
use naos_kernel::run::Run;
use naos_kernel::task::{OnBoard, Task};
use naos_types::fact::approval::Waiting;
use naos_types::spec::StepDo;
use naos_types::{Actor, ApprovalId, BodyRef, Name, Priority, Refusal};
use serde_json::{Value, json};

use super::shapes;

/// The last word of a reviewer.
pub(crate) struct Reviewed {
    pub(crate) reviewer: Name,
    pub(crate) verdict: Verdict,
    round: u32,
    rounds: u32,
    pub(crate) answer: Option<BodyRef>,
}

impl Reviewed {
    /// `praised`, `refuted`, or `none` where the answer holds no verdict.
    pub(crate) const fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Praised => "praised",
            Verdict::Refuted => "refuted",
            Verdict::Abandoned => "none",
        }
    }

    /// Why a person decides; none where no dispute is the reason.
    pub(crate) fn why(&self) -> Option<String> {
        let reviewer = &self.reviewer;
        match self.verdict {
            Verdict::Praised => None,
            Verdict::Refuted => Some(format!(
                "{reviewer} still refutes it in round {} of {}: they are used up",
                self.round, self.rounds
            )),
            Verdict::Abandoned => Some(format!(
                "the answer of {reviewer} holds no verdict that can be read"
            )),
        }
    }

    pub(crate) fn shape(&self, reader: &Reader) -> Value {
        json!({
            "reviewer": self.reviewer,
            "verdict": self.word(),
            "round": self.round,
            "rounds": self.rounds,
            "why": self.why(),
            "text": shapes::text(reader, self.answer.as_ref()),
        })
    }
}

/// The last word of a reviewer in a run of steps: of the step before this one, where one is named.
/// It stays when a person decided.
pub(crate) fn in_plan(
    reader: &Reader,
    plan: &Plan,
    before: Option<&Name>,
) -> Result<Option<Reviewed>, Refusal> {
    let asked = before.and_then(|name| plan.forward().find(|spec| spec.name == *name));
    let mut last = None;
    for spec in plan.forward() {
        let StepDo::Review(asks) = &spec.action else {
            continue;
        };
        let is_meant =
            before.is_none() || asked.is_some_and(|asked| asked.after.contains(&spec.name));
        let step = plan.steps.get(&spec.name).filter(|_| is_meant);
        let Some((step, review)) = step.and_then(|step| Some((step, step.review?))) else {
            continue;
        };
        let Some(found) = reader.find::<Review>(&review)? else {
            continue;
        };
        if let Some((verdict, evidence)) = found.verdict {
            last = Some(Reviewed {
                reviewer: found.reviewer.clone(),
                verdict,
                round: found.round,
                rounds: asks.rounds_max,
                answer: evidence.or(step.output),
            });
        }
    }
    Ok(last)
}

/// What was said of what a question is about.
pub(crate) fn of(reader: &Reader, approval: &Approval) -> Result<Option<Reviewed>, Refusal> {
    let Waiting::Step(plan, at) = &approval.waiting else {
        return Ok(None);
    };
    match reader.find::<Plan>(plan)? {
        Some(plan) => in_plan(reader, &plan, Some(&at.step)),
        None => Ok(None),
    }
}

/// How urgent a question is: as urgent as the task on the board that waits for its answer.
pub(crate) fn priority(reader: &Reader, approval: &Approval) -> Result<Priority, Refusal> {
    let by = match &approval.waiting {
        Waiting::Step(plan, _) => reader.find::<Plan>(plan)?.map(|plan| plan.by.clone()),
        Waiting::Call(run, _) => match reader.find::<Run>(run)? {
            Some(run) => reader.find::<Task>(&run.task)?.map(|task| task.by.clone()),
            None => None,
        },
    };
    let Some(Actor::Task(task)) = by else {
        return Ok(Priority::Normal);
    };
    let found = reader.find::<OnBoard>(&task)?;
    Ok(found.map_or(Priority::Normal, |found| found.card.priority))
}

/// What waits for an answer: the most urgent first, and of those the oldest.
pub(crate) fn queue(reader: &Reader) -> Result<Vec<(ApprovalId, Arc<Approval>)>, Refusal> {
    let mut all = Vec::new();
    for (id, approval) in reader.open::<Approval>()? {
        let urgency = priority(reader, &approval)?;
        let place = Priority::ALL.iter().position(|one| *one == urgency);
        all.push((Reverse(place), approval.asked, id, approval));
    }
    all.sort_by_key(|a| (a.0, a.1, a.2));
    Ok(all
        .into_iter()
        .map(|(_, _, id, found)| (id, found))
        .collect())
}
