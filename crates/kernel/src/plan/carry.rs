//! What an event of a step says where the step names no `data`: what the steps before it gave, and
//! of the first one what the run is about.

use naos_types::spec::{Kind, StepSpec};
use naos_types::{BodyRef, Name};

use super::Plan;
use super::start::{Made, Work, made};
use super::vars::identifier;
use crate::event::EVENT_BYTES_MAX;
use crate::turn::Turn;

/// What set an instruction off: the event, or what a person filled in.
const SET_OFF: &str = "(trigger.data if trigger else inputs)";

/// The data of an event that a step publishes.
pub(super) fn data(turn: &Turn<'_>, work: &Work<'_>, template: Option<&str>) -> Made<BodyRef> {
    if template.is_some() {
        return work.body(turn, template);
    }
    if crate::planted::is("nothing-is-carried") {
        return turn.stage(b"{}".to_vec()).map(Ok);
    }
    let template = match work.place {
        Some(_) => "{{ item | tojson }}".to_owned(),
        None => {
            let gives = gives(work.plan, work.spec);
            // What can't be an event isn't read first.
            if let Some(len) = gives.len.filter(|len| *len > EVENT_BYTES_MAX) {
                return Ok(Err(too_long(work.spec, len)));
            }
            format!("{{{{ {} | tojson }}}}", gives.source)
        }
    };
    let made = made!(work.body(turn, Some(&template)));
    if made.len > EVENT_BYTES_MAX {
        return Ok(Err(too_long(work.spec, made.len)));
    }
    Ok(Ok(made))
}

fn too_long(spec: &StepSpec, len: u64) -> String {
    format!(
        "step {} names no `data`, and what comes before it has {len} bytes: an event has at most \
         {EVENT_BYTES_MAX}; name in its `data` what it needs of it",
        spec.name
    )
}

/// An expression, and how long it is where that is known.
struct Gives {
    source: String,
    len: Option<u64>,
}

/// What comes before a step: what the one step gave that it waits for, or of several what each
/// gave, by its name.
fn gives(plan: &Plan, spec: &StepSpec) -> Gives {
    match &spec.after[..] {
        [] => first(plan),
        [one] => given(plan, one),
        several => {
            let each = several.iter().map(|name| {
                let called = serde_json::Value::String(identifier(name));
                format!("{called}: {}", given(plan, name).source)
            });
            let each: Vec<String> = each.collect();
            Gives {
                source: format!("{{{}}}", each.join(", ")),
                len: None,
            }
        }
    }
}

/// What a step gave; where it gave nothing, what came before it.
fn given(plan: &Plan, name: &Name) -> Gives {
    let mut name = name;
    // each goes one step back, and steps don't go in circles
    for _ in 0..=plan.spec.steps.len() {
        if let Some(review) = plan.known(name).and_then(|spec| spec.action.review()) {
            name = review.of;
        }
        let output = plan.steps.get(name).and_then(|step| step.output);
        if let Some(output) = output {
            return Gives {
                source: format!("{}.output", identifier(name)),
                len: Some(output.len),
            };
        }
        match plan.known(name).and_then(|spec| spec.after.last()) {
            Some(before) => name = before,
            None => break,
        }
    }
    first(plan)
}

fn first(plan: &Plan) -> Gives {
    if plan.flow.of == Kind::Instruction {
        return Gives {
            source: SET_OFF.to_owned(),
            len: None,
        };
    }
    Gives {
        source: "inputs".to_owned(),
        len: Some(plan.inputs.len),
    }
}
