//! What goes along with what a step says: an answer that nothing of the plan names would be lost.

use std::collections::BTreeMap;

use naos_types::Name;
use naos_types::spec::StepDo;

use super::uses;
use crate::plan::{Placed, Sort};
use crate::tree::Value;

/// What it is called in the event that it goes along with. A key of its own, so that whoever
/// answered writes none of the others.
const MESSAGE: &str = "message";

/// Lets what steps were answered, where no text names it, go along with the event of the step
/// behind them. One that names no `data` is the rules' to fill; one whose data takes values says
/// itself what it is about.
pub(crate) fn on(steps: &mut [Placed<'_>]) {
    let texts: Vec<String> = steps
        .iter()
        .flat_map(|step| step.texts.iter().map(|(_, source, _)| source.clone()))
        .collect();
    let unnamed: BTreeMap<Name, String> = steps
        .iter()
        .filter(|step| matches!(step.spec.action, StepDo::Ask { .. } | StepDo::Read { .. }))
        .map(|step| {
            let called = step.spec.name.as_str().replace('-', "_");
            (step.spec.name.clone(), called)
        })
        .filter(|(_, called)| !texts.iter().any(|source| uses(source, called)))
        .collect();
    for step in steps {
        let before: Vec<&String> = step
            .spec
            .after
            .iter()
            .filter_map(|name| unnamed.get(name))
            .collect();
        if before.is_empty() || !is_fixed(step) {
            continue;
        }
        let StepDo::Ask {
            data: Some(data), ..
        } = &mut step.spec.action
        else {
            continue;
        };
        let message = match (&before[..], &step.spec.after[..]) {
            ([one], [_]) => format!("{one}.output"),
            _ => {
                let each = before
                    .iter()
                    .map(|called| format!("\"{called}\": {called}.output"));
                format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
            }
        };
        let Some(object) = data.strip_suffix("} | tojson }}") else {
            continue;
        };
        let comma = if object.ends_with('{') { "" } else { ", " };
        *data = format!("{object}{comma}\"{MESSAGE}\": {message}}} | tojson }}}}");
    }
}

/// Whether a step's data is a map that takes no values, and says no message.
fn is_fixed(step: &Placed<'_>) -> bool {
    let StepDo::Ask {
        data: Some(data), ..
    } = &step.spec.action
    else {
        return false;
    };
    let written = step
        .texts
        .iter()
        .find(|(sort, source, _)| matches!(sort, Sort::Template) && source == data);
    let Some((_, _, node)) = written else {
        return true; // a path alone
    };
    let is_map = matches!(node.value, Value::Map(_));
    let json = node.json();
    is_map && json.get(MESSAGE).is_none() && !json.to_string().contains("{{")
}
