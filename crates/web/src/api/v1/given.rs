//! What a step of a plan was given, as its templates gave it. A run keeps it where it was handed
//! over: in the task that the step opened, the question that it asks, the run that it began.

use naos_engine::read::Reader;
use naos_kernel::approval::Approval;
use naos_kernel::plan::{Plan, Step};
use naos_kernel::task::Task;
use naos_types::spec::{StepDo, StepSpec};
use naos_types::{BodyRef, PlanId};
use serde_json::Value;

/// What stands where a text can't be read.
const UNREADABLE: &str = "[unreadable]";

/// The text of it; none where the step takes nothing, or nothing was handed over yet. A step for
/// each item of a list was given the list.
pub(crate) fn text(
    reader: &Reader,
    (id, plan): (PlanId, &Plan),
    spec: &StepSpec,
    step: &Step,
) -> Option<String> {
    let read = |body: &BodyRef| reader.text(body).unwrap_or_else(|_| UNREADABLE.into());
    if let Some(fan) = &step.fan {
        return Some(read(&fan.items));
    }
    let of_task = || {
        let task = reader.find::<Task>(&step.task?).ok().flatten()?;
        Some(read(&task.input))
    };
    match &spec.action {
        StepDo::Task { .. } | StepDo::Review(_) | StepDo::CheckedReview(_) => of_task(),
        // A driver is given the event; what the step says is its data.
        StepDo::Ask { .. } => {
            let event = of_task().or_else(|| step.output.as_ref().map(read));
            event.map(|event| data_of(&event).unwrap_or(event))
        }
        StepDo::Emit { .. } | StepDo::Document { .. } => step.output.as_ref().map(read),
        StepDo::Approval { .. } | StepDo::UnreviewedApproval(_) => {
            let asked = reader.find::<Approval>(&step.approval?).ok().flatten()?;
            Some(read(&asked.body))
        }
        StepDo::Plan { .. } => {
            let run = plan.nested(id, &spec.name, None)?;
            let run = reader.find::<Plan>(&run).ok().flatten()?;
            Some(read(&run.inputs))
        }
        StepDo::Compute { .. }
        | StepDo::Render { .. }
        | StepDo::Read { .. }
        | StepDo::Wait(_)
        | StepDo::Typed(_) => None,
    }
}

/// The data of an event that a driver was given.
fn data_of(event: &str) -> Option<String> {
    let event: Value = serde_json::from_str(event).ok()?;
    let is_event = event.get("type").is_some() && event.get("id").is_some();
    is_event.then(|| event.get("data").map(Value::to_string))?
}
