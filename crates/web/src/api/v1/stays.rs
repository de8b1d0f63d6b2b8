//! Documents beside what holds. What a document says is compared with what it said when it was last
//! applied: only what it says otherwise is made. What somebody made by command since stays, until
//! the document itself says something else.

use std::collections::BTreeMap;

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::budget::Budget;
use naos_kernel::resource::{Resource, digest, is_on, stays_off};
use naos_manifest::{Diagnostic, says};
use naos_types::command::{self, Command};
use naos_types::spec::{Kind, Spec};
use naos_types::{Code, Digest};
use serde::Serialize;

use crate::error::Fault;
use crate::judge::{Document, Item, fault_in};

/// What an item says, what holds of it, and what was said of it when it was last applied.
pub(super) struct Beside {
    /// What the document says.
    pub(super) said: Digest,
    kept: Option<Digest>,
    before: Option<Digest>,
}

impl Beside {
    /// What applying it does, or would do.
    pub(super) fn word(&self) -> &'static str {
        match self.kept {
            None => "created",
            Some(kept) if kept == self.said => "unchanged",
            Some(_) => "changed",
        }
    }

    /// Whether the document says what it said before: nothing is made of it.
    pub(super) fn stays(&self) -> bool {
        self.before == Some(self.said) && !crate::planted::files_undo_commands()
    }

    /// How what holds came to be something that no version of the document said.
    fn otherwise(&self) -> Option<&'static str> {
        let before = self.before?;
        match self.kept {
            None => Some("deleted"),
            Some(kept) if kept != before && kept != self.said => Some("changed"),
            Some(_) => None,
        }
    }

    /// What somebody is told who made it otherwise, or whose document says it otherwise.
    pub(super) fn told(
        &self,
        documents: &[Document<'_>],
        item: &Item,
        is_made: bool,
    ) -> Option<Diagnostic> {
        let became = self.otherwise()?;
        let (kind, name) = (item.kind.word(), &item.name);
        let (what, help) = if is_made {
            let what = format!(
                "{kind} {name} was {became} by command since its document was applied: what the \
                 document says takes that place"
            );
            (what, "set it by command again if that was meant to stay")
        } else {
            let what = format!(
                "{kind} {name} was {became} by command since its document was applied, and stays \
                 so: the document says otherwise"
            );
            let help = "write into the document what is to hold; `naos apply` makes it what the \
                document says now";
            (what, help)
        };
        Some(fault_in(documents, item, name, what, Some(help.to_owned())))
    }
}

/// Leaves off what somebody switched off, paused or lets run empty, where no document says that it
/// is to work; for each item what is to be said about it, if it stays off.
pub(super) fn leave_off(
    reader: &Reader,
    documents: &[Document<'_>],
    items: &mut [Item],
) -> Result<Vec<Option<Diagnostic>>, Fault> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        out.push(match left_off(reader, documents, item)? {
            None => None,
            Some(command) => {
                let (kind, name) = (item.kind.word(), &item.name);
                let what = format!(
                    "{kind} {name} stays off, as it was: the document doesn't say `enabled`"
                );
                let help = format!("`{command}` lets it work again");
                Some(fault_in(documents, item, name, what, Some(help)))
            }
        });
    }
    Ok(out)
}

/// The command that lets it work again, if it stays off.
fn left_off(
    reader: &Reader,
    documents: &[Document<'_>],
    item: &mut Item,
) -> Result<Option<String>, Fault> {
    let Command::Resource(command::Resource::Apply { kind, name, spec }) = &mut item.command else {
        return Ok(None);
    };
    let Some(found) = reader.find::<Resource>(&ResourceKey(*kind, name.clone()))? else {
        return Ok(None);
    };
    if is_on(&found.spec) != Some(false) || crate::planted::files_undo_commands() {
        return Ok(None);
    }
    let text = documents.iter().find(|one| one.name == item.file);
    if text.is_some_and(|one| says(one.text, *kind, name.as_str(), "enabled")) {
        return Ok(None);
    }
    stays_off(&found.spec, spec);
    let still = is_on(spec) == Some(false);
    Ok(still.then(|| match kind {
        Kind::Pool => format!("naos pool start {name}"),
        Kind::Subscription => format!("naos events resume {name}"),
        Kind::Driver => format!("naos driver enable {name}"),
        Kind::Tool => format!("naos tools enable {name}"),
        _ => format!("naos instruction enable {name}"),
    }))
}

/// What each item is beside what holds; `before` is by kind and name.
pub(super) fn beside(
    reader: &Reader,
    items: &[Item],
    before: &BTreeMap<String, Digest>,
) -> Result<Vec<Beside>, Fault> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let (said, kept) = digests(reader, item)?;
        let key = format!("{}/{}", item.kind.word(), item.name);
        let before = before.get(&key).copied();
        out.push(Beside { said, kept, before });
    }
    Ok(out)
}

/// What a document says and what holds, so that the same has the same digest.
fn digests(reader: &Reader, item: &Item) -> Result<(Digest, Option<Digest>), Fault> {
    Ok(match &item.command {
        Command::Agent(command::Agent::Apply { name, spec }) => {
            let found = reader.find::<Agent>(name)?;
            let kept = found.map(|agent| of(&agent.spec)).transpose()?;
            (of(spec)?, kept)
        }
        Command::Resource(command::Resource::Apply { kind, name, spec }) => {
            let found = reader.find::<Resource>(&ResourceKey(*kind, name.clone()))?;
            let kept = found.map(|found| match &found.spec {
                Spec::Server(_) => digest(&by_document(&found.spec)),
                _ => found.digest,
            });
            (digest(&by_document(spec)), kept)
        }
        Command::Budget(command::Budget::Set { agent, spec }) => {
            let found = reader.find::<Budget>(agent)?;
            let kept = found.filter(|found| found.spec.is_some());
            let kept = kept.map(|found| of(&found.spec)).transpose()?;
            (of(spec)?, kept)
        }
        other => (of(other)?, None),
    })
}

/// What of a resource a document says: which tools of a server may be called, a person does.
fn by_document(spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    if let Spec::Server(server) = &mut spec {
        std::sync::Arc::make_mut(server).tools.clear();
    }
    spec
}

fn of(spec: &impl Serialize) -> Result<Digest, Fault> {
    let bytes = serde_json::to_vec(spec);
    let bytes = bytes.map_err(|error| Fault::new(Code::INTERNAL, error.to_string()))?;
    Ok(Digest::of(&bytes))
}
