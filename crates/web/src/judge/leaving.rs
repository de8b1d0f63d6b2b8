//! Agents whose data stays in the country, and that name models whose data leaves it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use naos_manifest::Diagnostic;
use naos_types::Name;
use naos_types::command::{self, Command};
use naos_types::spec::{DATA_POLICY, Data, Kind, MindSpec, ModelSpec, Spec};

use super::given::applied;
use super::{Document, Item, fault_in};

/// Each model that an agent names and wouldn't be let ask. `kept` says what is there already; what
/// the documents say of it counts first.
pub(crate) fn leaving<E>(
    documents: &[Document<'_>],
    items: &[Item],
    kept: impl Fn(Kind, &Name) -> Result<Option<Spec>, E>,
) -> Result<Vec<Diagnostic>, E> {
    let here: BTreeMap<(Kind, &Name), &Spec> = applied(items)
        .map(|(_, kind, name, spec)| ((kind, name), spec))
        .collect();
    let spec_of = |kind: Kind, name: &Name| match here.get(&(kind, name)) {
        Some(spec) => Ok(Some(Cow::Borrowed(*spec))),
        None => Ok(kept(kind, name)?.map(Cow::Owned)),
    };
    let policy = match Name::new(DATA_POLICY) {
        Ok(name) => spec_of(Kind::Policy, &name)?,
        Err(_) => None,
    };
    let mut out = Vec::new();
    for item in items {
        let Some(mind) = mind(&item.command) else {
            continue;
        };
        if mind.data(policy.as_deref()) == Data::Leaves {
            continue;
        }
        for name in &mind.models {
            let spec = spec_of(Kind::Model, name)?;
            if spec.as_deref().and_then(Spec::model).is_some_and(leaves) {
                let agent = &item.name;
                let (who, way) = match mind.data {
                    Some(_) => (
                        format!("agent {agent} says that its data stays"),
                        "an owner writes `data: leaves` into the agent",
                    ),
                    // It isn't the agent's manifest that is to be changed then.
                    None => (
                        format!(
                            "the policy of all agents says that data stays (`policies: {{data: \
                             stays}}`), and agent {agent} says nothing else"
                        ),
                        "an owner writes `data: leaves` into the agent, which counts before the \
                         policy, or changes that (`naos get policies data` shows it)",
                    ),
                };
                let what = format!("{who}, and what the model {name} is asked leaves the country");
                let help = format!(
                    "name a model whose data stays (`naos get models` shows which); or {way}"
                );
                out.push(fault_in(documents, item, name.as_str(), what, Some(help)));
            }
        }
    }
    Ok(out)
}

const fn leaves(model: &ModelSpec) -> bool {
    model.leaves_country
}

fn mind(command: &Command) -> Option<&MindSpec> {
    match command {
        Command::Agent(
            command::Agent::Apply { spec, .. } | command::Agent::Create { spec, .. },
        ) => spec.mind.as_deref(),
        _ => None,
    }
}
