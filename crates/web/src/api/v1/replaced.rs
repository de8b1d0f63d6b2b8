//! What a text that a person is asked about takes the place of: a document that is there, what they
//! rejected before, what they approved before it was worked on again.

use std::collections::BTreeSet;

use naos_engine::read::Reader;
use naos_kernel::approval::Approval;
use naos_kernel::compute::{Limits, Vars, template};
use naos_kernel::document::Document;
use naos_kernel::plan::Plan;
use naos_kernel::task::OnBoard;
use naos_types::fact::approval::Waiting;
use naos_types::spec::{StepDo, StepSpec};
use naos_types::{Actor, ApprovalStatus, BodyRef, DocPath, Name, Refusal, StepStatus};
use serde_json::{Value, json};

use super::approvals::proposal;
use super::what_ifs;

/// What was there.
pub(crate) enum Was {
    /// A document, in this version; 0 where there is none yet.
    Document(DocPath, u64),
    /// What a person rejected.
    Rejected,
    /// What a person approved, before it was worked on again.
    Approved,
}

/// A text, and what it takes the place of.
pub(crate) struct Replaced {
    pub(crate) was: Was,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl Replaced {
    /// Its word, and the document that it is, if it is one.
    pub(crate) fn shape(&self) -> Value {
        let (what, path, version) = match &self.was {
            Was::Document(path, version) => ("document", Some(path), Some(version)),
            Was::Rejected => ("rejected", None, None),
            Was::Approved => ("approved", None, None),
        };
        let (lines, cut) = what_ifs::difference(&self.before, &self.after);
        json!({"what": what, "path": path, "version": version,
            "diff": what_ifs::told(&lines), "cut": cut})
    }
}

/// What a question that waits is about takes the place of; none where it is new.
pub(crate) fn of(reader: &Reader, approval: &Approval) -> Result<Option<Replaced>, Refusal> {
    if approval.status != ApprovalStatus::Pending {
        return Ok(None);
    }
    if let Some(proposed) = proposal(reader, approval)? {
        return Ok(Some(Replaced {
            was: Was::Document(proposed.path, proposed.version),
            before: proposed.before,
            after: proposed.after,
        }));
    }
    let Waiting::Step(plan, at) = &approval.waiting else {
        return Ok(None);
    };
    let Some(plan) = reader.find::<Plan>(plan)? else {
        return Ok(None);
    };
    let found = match written(reader, &plan, &at.step)? {
        Some(found) => Some(found),
        None => match rejected(reader, &plan)? {
            Some(body) => Some((Was::Rejected, body)),
            None => approved(&plan, &at.step).map(|body| (Was::Approved, body)),
        },
    };
    let Some((was, before)) = found else {
        return Ok(None);
    };
    Ok(Some(Replaced {
        was,
        before: reader.shown(&before), // what was decided before may be erased by now
        after: reader.text(&approval.body)?,
    }))
}

/// The document that the next step writes what is approved to, where it is there already and what
/// it is called is known.
fn written(reader: &Reader, plan: &Plan, asks: &Name) -> Result<Option<(Was, BodyRef)>, Refusal> {
    let own = format!("{{{{ {}.output }}}}", asks.as_str().replace('-', "_"));
    let writes = |spec: &StepSpec| match &spec.action {
        StepDo::Document { path, text } if spec.after.contains(asks) => {
            let whole = text.as_ref().is_none_or(|text| text.trim() == own);
            whole.then(|| path.clone())
        }
        _ => None,
    };
    let Some(path) = plan.forward().find_map(writes) else {
        return Ok(None);
    };
    let inputs = serde_json::from_str(&reader.text(&plan.inputs)?).unwrap_or(Value::Null);
    let vars = Vars::new()
        .with("inputs", inputs)
        .with("plan", json!({"name": plan.name}))
        .with("today", &plan.started.rfc3339()[..10]);
    // One that names what steps give isn't known before they gave it.
    let path = template::render(&path, &vars, &Limits::default()).ok();
    let Some(path) = path.and_then(|path| DocPath::new(&path).ok()) else {
        return Ok(None);
    };
    let there = reader.find::<Document>(&path)?;
    Ok(there.map(|there| (Was::Document(path, there.version), there.body)))
}

/// What a person rejected of the task whose work this is, the last time.
fn rejected(reader: &Reader, plan: &Plan) -> Result<Option<BodyRef>, Refusal> {
    let Actor::Task(task) = plan.by else {
        return Ok(None);
    };
    let Some(found) = reader.find::<OnBoard>(&task)? else {
        return Ok(None);
    };
    let made = &found.made;
    let last = made.iter().rposition(|one| one.is_a_persons());
    let before = last.and_then(|at| made[..at].iter().rfind(|one| !one.refuted));
    Ok(before.map(|one| one.body))
}

/// What a person approved before the step that asks, in the form in which they did.
fn approved(plan: &Plan, asks: &Name) -> Option<BodyRef> {
    let (mut open, mut before) = (vec![asks], BTreeSet::new());
    while let Some(name) = open.pop() {
        let spec = plan.known(name);
        let after = spec.into_iter().flat_map(|spec| &spec.after);
        open.extend(after.filter(|name| before.insert(*name)));
    }
    let mut all: Vec<&StepSpec> = plan.forward().collect();
    all.retain(|spec| before.contains(&spec.name) && spec.action.approval().is_some());
    let done = |spec: &StepSpec| {
        let step = plan.steps.get(&spec.name)?;
        let body = step.output.filter(|_| step.status == StepStatus::Done)?;
        Some((step.ended, body))
    };
    let last = all
        .into_iter()
        .filter_map(done)
        .max_by_key(|(ended, _)| *ended);
    last.map(|(_, body)| body)
}
