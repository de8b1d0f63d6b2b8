//! Models that are named, and aren't there.

use naos_manifest::Diagnostic;
use naos_types::Name;
use naos_types::command::{self, Command};
use naos_types::spec::{Kind, MindSpec};

use super::{Document, Item, fault_naming, names_of};

/// Who names a model, and for what.
enum Named<'s> {
    /// An agent works with these, the first of them that answers.
    Works(&'s Name, &'s MindSpec),
    /// These stand in for a model.
    StandIn(&'s Name, &'s [Name]),
}

fn named(item: &Item) -> Option<Named<'_>> {
    match &item.command {
        Command::Agent(
            command::Agent::Apply { name, spec } | command::Agent::Create { name, spec },
        ) => Some(Named::Works(name, spec.mind.as_deref()?)),
        Command::Resource(command::Resource::Apply { name, spec, .. }) => {
            Some(Named::StandIn(name, &spec.model()?.fallbacks))
        }
        _ => None,
    }
}

/// A warning for each model that an agent or another model names and that isn't there: neither in
/// the documents nor, as `there` knows, anywhere else. Who names none, or `any`, misses none.
pub(crate) fn unmodelled<E>(
    documents: &[Document<'_>],
    items: &[Item],
    mut there: impl FnMut(&Name) -> Result<bool, E>,
) -> Result<Vec<Diagnostic>, E> {
    let mut known = names_of(items, |kind| kind == Kind::Model);
    let mut missing = |all: &[Name]| -> Result<Vec<Name>, E> {
        let mut out = Vec::new();
        for model in all {
            if known.contains(model) || out.contains(model) {
                continue;
            }
            if there(model)? {
                known.insert(model.clone());
            } else {
                out.push(model.clone());
            }
        }
        Ok(out)
    };
    let mut out = Vec::new();
    for item in items {
        let mut told = Vec::new();
        match named(item) {
            None => continue,
            Some(Named::Works(agent, mind)) => {
                let gone = missing(&mind.models)?;
                let waits = gone.len() == mind.models.len();
                for model in gone {
                    let what = match waits {
                        true => format!("agent {agent} is waiting: model {model}"),
                        false => format!("agent {agent} names the model {model}, {NONE}"),
                    };
                    told.push((model, what));
                }
                for model in missing(mind.recall.as_slice())? {
                    let what = format!("agent {agent} recalls by the model {model}, {NONE}");
                    told.push((model, what));
                }
            }
            Some(Named::StandIn(of, fallbacks)) => {
                for model in missing(fallbacks)? {
                    let what = format!("{model} is to stand in for the model {of}, {NONE}");
                    told.push((model, what));
                }
            }
        }
        for (model, what) in told {
            let help = format!(
                "apply a model {model}, or name another: `naos get models` shows those there are"
            );
            let named = (Some(Kind::Model), model.as_str());
            out.push(fault_naming(documents, item, named, what, Some(help)));
        }
    }
    Ok(out)
}

/// That a model isn't there, behind who names it.
const NONE: &str = "and there is none";
