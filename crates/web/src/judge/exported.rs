//! What `naos export` wrote: resources as they are kept, not as people write them. It is read as it
//! stands; whether it is sound the cell says, as of any other command.

use std::collections::BTreeMap;

use naos_types::command::{self, Command};
use naos_types::spec::{AgentSpec, BudgetSpec, Kind, Spec};
use naos_types::{Name, Spender};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, Item, apply};
use naos_manifest::Diagnostic;

/// The form that this version writes, and the only one that it reads.
const FORM: u32 = 1;
/// The member by which such a document is known.
const KNOWN_BY: &str = "naos_export";

/// All resources of a tenant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exported {
    naos_export: u32,
    /// By which version of naos it was written.
    #[serde(default)]
    version: String,
    items: Vec<One>,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    kind: String,
    name: String,
    /// An agent that takes no work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stopped: bool,
    spec: Value,
}

impl One {
    pub(crate) fn of(kind: Kind, name: String, spec: Value) -> Self {
        Self {
            kind: kind.word().to_owned(),
            name,
            stopped: false,
            spec,
        }
    }

    fn command(&self, kind: Kind) -> Result<Command, String> {
        Ok(match kind {
            Kind::Agent => command::Agent::Apply {
                name: self.named()?,
                spec: read::<AgentSpec>(&self.spec)?,
            }
            .into(),
            Kind::Budget => {
                let agent: Spender = self.name.parse().map_err(|_| self.nameless())?;
                let spec = Some(read::<BudgetSpec>(&self.spec)?);
                command::Budget::Set { agent, spec }.into()
            }
            kind => match read::<Spec>(&self.spec)? {
                // A secret comes from nowhere but the node that signs with it.
                Spec::Webhook(_) => return Err("a secret can't be imported".into()),
                spec => apply(kind, &self.named()?, spec),
            },
        })
    }

    fn named(&self) -> Result<Name, String> {
        Name::new(&self.name).map_err(|_| self.nameless())
    }

    fn nameless(&self) -> String {
        format!("{:?} is no name", self.name)
    }
}

fn read<T: DeserializeOwned>(spec: &Value) -> Result<T, String> {
    serde_json::from_value(spec.clone())
        .map_err(|error| format!("its `spec` can't be read: {error}"))
}

impl Exported {
    pub(crate) fn of(items: Vec<One>) -> Self {
        Self {
            naos_export: FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            items,
        }
    }
}

/// Whether a document says that it is an export.
pub(crate) fn is_one(document: &Document<'_>) -> bool {
    let text = document.text.trim_start();
    text.starts_with('{') && text.contains(KNOWN_BY)
}

/// What an export makes, or what is wrong with it; nothing where the document is none.
pub(super) fn items(document: &Document<'_>) -> Option<Result<Vec<Item>, Vec<Diagnostic>>> {
    if !is_one(document) {
        return None;
    }
    let value: Value = serde_json::from_str(document.text).ok()?;
    value.get(KNOWN_BY)?;
    Some(made(document, value))
}

fn made(document: &Document<'_>, value: Value) -> Result<Vec<Item>, Vec<Diagnostic>> {
    if value[KNOWN_BY] != FORM {
        let what = format!(
            "the export has the form {}, this naos reads {FORM}",
            value[KNOWN_BY]
        );
        let help = "take the version of naos that wrote it, or a newer one".to_owned();
        return Err(vec![document.fault(KNOWN_BY, what, Some(help))]);
    }
    let exported: Exported = serde_json::from_value(value).map_err(|error| {
        let what = format!("this is no export: {error}");
        let help = "`naos export` writes one anew".to_owned();
        vec![document.fault(KNOWN_BY, what, Some(help))]
    })?;
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for one in exported.items {
        let known = Kind::parse(&one.kind);
        let known = known.ok_or_else(|| format!("there is no kind {}", one.kind));
        match known.and_then(|kind| Ok((kind, one.command(kind)?))) {
            Ok((kind, command)) => items.push(Item {
                kind,
                name: one.name,
                file: document.name.to_owned(),
                command,
                stopped: one.stopped,
                time: None,
                steps: BTreeMap::new(),
            }),
            Err(what) => {
                let what = format!("{} {}: {what}", one.kind, one.name);
                errors.push(document.fault(&one.name, what, None));
            }
        }
    }
    if errors.is_empty() {
        Ok(items)
    } else {
        Err(errors)
    }
}
