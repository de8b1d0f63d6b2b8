//! What a reviewer said of what a person is asked about, or was; and in which order questions wait.

use std::cmp::Reverse;
use std::sync::Arc;

use naos_engine::read::{ERASED, Reader};
use naos_kernel::approval::Approval;
use naos_kernel::plan::Plan;
use naos_kernel::review::{CHECKS, Review, Verdict};
use naos_kernel::run::Run;
use naos_kernel::task::{OnBoard, Task};
use naos_types::fact::approval::Waiting;
use naos_types::spec::{SeenBefore, StepSpec};
use naos_types::{Actor, ApprovalId, ApprovalStatus, BodyRef, Code, Name, Priority, Refusal, Time};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shapes;

/// The last word of a reviewer, or of the checks before it.
pub(crate) struct Reviewed {
    /// None where what must hold doesn't, so that nobody was asked.
    pub(crate) by: Option<Name>,
    pub(crate) verdict: Verdict,
    round: u32,
    rounds: u32,
    pub(crate) answer: Option<BodyRef>,
    /// Whether a person edited since then what it is about.
    pub(crate) edited: bool,
}

impl Reviewed {
    /// Who found it, in a word.
    pub(crate) fn reviewer(&self) -> &str {
        self.by.as_ref().map_or(CHECKS, Name::as_str)
    }

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
        let reviewer = self.reviewer();
        match self.verdict {
            Verdict::Praised => None,
            Verdict::Refuted if self.by.is_none() => Some(format!(
                "what must hold still doesn't in round {} of {}: they are used up",
                self.round, self.rounds
            )),
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
            "reviewer": self.reviewer(),
            "verdict": self.word(),
            "round": self.round,
            "rounds": self.rounds,
            "why": self.why(),
            "text": shapes::text(reader, self.answer.as_ref()),
            "edited": self.edited,
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
    let edited = edited(reader, plan, before);
    let mut last = None;
    for spec in looks(plan, before) {
        let edited = edited.contains(&&spec.name);
        let Some(asks) = spec.action.review() else {
            continue;
        };
        if let Some(checked) = plan.checked.get(&spec.name).filter(|last| !last.passed) {
            last = Some(Reviewed {
                by: None,
                verdict: Verdict::Refuted,
                round: checked.round,
                rounds: asks.rounds_max,
                answer: Some(checked.evidence),
                edited,
            });
            continue;
        }
        let step = plan.steps.get(&spec.name);
        let Some((step, review)) = step.and_then(|step| Some((step, step.review?))) else {
            continue;
        };
        let Some(found) = reader.find::<Review>(&review)? else {
            continue;
        };
        if let Some((verdict, evidence)) = found.verdict {
            last = Some(Reviewed {
                by: Some(found.reviewer.clone()),
                verdict,
                round: found.round,
                rounds: asks.rounds_max,
                answer: evidence.or(step.output),
                edited,
            });
        }
    }
    Ok(last)
}

/// The reviews of a run of steps, and its checks: those of what a step is given, where one is
/// named.
fn looks<'p>(plan: &'p Plan, before: Option<&Name>) -> Vec<&'p StepSpec> {
    let seen = before.map(|name| plan.spec.seen_before(name));
    let is_meant = |spec: &&StepSpec| {
        let named = |all: &[&StepSpec]| all.iter().any(|one| one.name == spec.name);
        let meant = |seen: &SeenBefore<'_>| named(&seen.reviews) || named(&seen.checks);
        seen.as_ref().is_none_or(meant)
    };
    plan.forward().filter(is_meant).collect()
}

/// What was looked at without a model, the last time.
#[derive(Deserialize)]
pub(crate) struct Report {
    pub(crate) checks: Vec<Looked>,
}

/// One check, and what came of it.
#[derive(serde::Serialize, Deserialize)]
pub(crate) struct Looked {
    pub(crate) name: Option<String>,
    pub(crate) check: String,
    pub(crate) passed: bool,
    pub(crate) found: Option<String>,
    pub(crate) message: Option<String>,
    /// Whether a person edited since then what it looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) edited: bool,
}

impl Looked {
    /// What stands where nobody knows any more what was looked at in a step.
    fn erased(spec: &StepSpec, passed: bool) -> Self {
        Self {
            name: Some(spec.name.to_string()),
            check: ERASED.to_owned(),
            passed,
            found: None,
            message: None,
            edited: false,
        }
    }

    /// What it says, with its name where it has one.
    pub(crate) fn cited(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.check),
            None => self.check.clone(),
        }
    }
}

/// What was looked at without a model in a run of steps, the last time of each, in order; of what a
/// step is given, where one is named.
pub(crate) fn checks(reader: &Reader, plan: &Plan, before: Option<&Name>) -> Vec<Looked> {
    let edited = edited(reader, plan, before);
    let mut out = Vec::new();
    for spec in looks(plan, before) {
        let Some(checked) = plan.checked.get(&spec.name) else {
            continue;
        };
        let text = match reader.text(&checked.evidence) {
            Err(why) if why.code == Code::ERASED => {
                out.push(Looked::erased(spec, checked.passed));
                continue;
            }
            // What can't be read hides nothing else that is shown beside it.
            text => text.unwrap_or_default(),
        };
        let report: Option<Report> = serde_json::from_str(&text).ok();
        out.extend(
            report
                .into_iter()
                .flat_map(|report| report.checks)
                .map(|looked| Looked {
                    edited: edited.contains(&&spec.name),
                    ..looked
                }),
        );
    }
    out
}

/// The steps that looked at what a person edited afterwards, when it was approved: in this
/// question, where one is named.
fn edited<'p>(reader: &Reader, plan: &'p Plan, before: Option<&Name>) -> Vec<&'p Name> {
    let mut out = Vec::new();
    if crate::planted::edited_is_checked() {
        return out;
    }
    let is_meant = |spec: &&StepSpec| before.is_none_or(|name| *name == spec.name);
    for spec in plan.forward().filter(is_meant) {
        let asked = plan.steps.get(&spec.name).and_then(|step| step.approval);
        // What can't be read hides nothing else that is shown beside it.
        let asked = asked.and_then(|id| reader.find::<Approval>(&id).ok().flatten());
        let changed = |asked: Arc<Approval>| asked.edited.is_some_and(|to| to != asked.body);
        if asked.is_some_and(changed) {
            let seen = plan.spec.seen_before(&spec.name);
            out.extend(
                seen.reviews
                    .iter()
                    .chain(&seen.checks)
                    .map(|looked| &looked.name),
            );
        }
    }
    out
}

/// The same of what a question is about.
pub(crate) fn checks_of(reader: &Reader, approval: &Approval) -> Result<Vec<Looked>, Refusal> {
    match asking(reader, approval)? {
        Some((plan, step)) => Ok(checks(reader, &plan, Some(step))),
        None => Ok(Vec::new()),
    }
}

/// Whether an agent made what a question is about, and no other agent looked at it.
pub(crate) fn is_unreviewed(reader: &Reader, approval: &Approval) -> Result<bool, Refusal> {
    let Some((plan, step)) = asking(reader, approval)? else {
        return Ok(false);
    };
    if crate::planted::unreviewed_unmarked() {
        return Ok(false);
    }
    let seen = plan.spec.seen_before(step);
    // One that was skipped said nothing.
    let silent = |spec: &&StepSpec| {
        let step = plan.steps.get(&spec.name);
        step.is_none_or(|step| step.output.is_none())
    };
    Ok(!seen.unreviewed.is_empty() || seen.reviews.iter().any(silent))
}

/// The run of steps that asks, and its step; none where an agent at work asks.
fn asking<'a>(
    reader: &Reader,
    approval: &'a Approval,
) -> Result<Option<(Arc<Plan>, &'a Name)>, Refusal> {
    let Waiting::Step(plan, at) = &approval.waiting else {
        return Ok(None);
    };
    Ok(reader.find::<Plan>(plan)?.map(|plan| (plan, &at.step)))
}

/// What a run of steps asks a person now.
pub(crate) fn asked_now(
    reader: &Reader,
    plan: &Plan,
    now: Time,
) -> Result<Option<(ApprovalId, Arc<Approval>)>, Refusal> {
    for spec in plan.forward() {
        let asked = plan.steps.get(&spec.name).and_then(|step| step.approval);
        let Some(id) = asked else { continue };
        let found = reader.find::<Approval>(&id)?;
        let waits = |found: &Arc<Approval>| found.status_at(now) == ApprovalStatus::Pending;
        if let Some(found) = found.filter(waits) {
            return Ok(Some((id, found)));
        }
    }
    Ok(None)
}

/// What was said of what a question is about.
pub(crate) fn of(reader: &Reader, approval: &Approval) -> Result<Option<Reviewed>, Refusal> {
    match asking(reader, approval)? {
        Some((plan, step)) => in_plan(reader, &plan, Some(step)),
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
pub(crate) fn queue(
    reader: &Reader,
    now: Time,
) -> Result<Vec<(ApprovalId, Arc<Approval>)>, Refusal> {
    let mut all = Vec::new();
    for (id, approval) in reader.open::<Approval>()? {
        if approval.status_at(now) != ApprovalStatus::Pending {
            continue;
        }
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
