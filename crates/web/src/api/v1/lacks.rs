//! What something that can be run needs and isn't there: until it is, a run of it is refused.

use std::cell::OnceCell;

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::agent::Agent;
use naos_kernel::resource::Resource;
use naos_types::spec::{Kind, Spec};
use naos_types::{Name, Refusal};

use super::drivers::{self, Known};
use crate::judge::{Answers, asked_by, given_wrongly, run_by, workers};

/// Looks what things need; drivers are read once, where anything asks for one.
pub(crate) struct Looking<'r> {
    reader: &'r Reader,
    drivers: OnceCell<Vec<Known>>,
}

impl<'r> Looking<'r> {
    pub(crate) const fn new(reader: &'r Reader) -> Self {
        Self {
            reader,
            drivers: OnceCell::new(),
        }
    }

    /// Who answers events of a type, among the drivers that aren't `left` out.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub(crate) fn answers(
        &self,
        topic: &str,
        left: &dyn Fn(&Name) -> bool,
    ) -> Result<Answers, Refusal> {
        if self.drivers.get().is_none() {
            let _ = self.drivers.set(drivers::all(self.reader)?);
        }
        let all = || {
            let all = self.drivers.get().into_iter().flatten();
            all.filter(|known| !left(&known.name))
        };
        let names = |topics: &[String]| topics.iter().any(|one| one == topic);
        let off = || all().find(|known| names(&known.spec.capabilities));
        Ok(match all().find(|known| names(known.spec.answers())) {
            None => off().map_or(Answers::Nobody, |known| Answers::Off(known.name.clone())),
            Some(known) if known.has_agent => Answers::Somebody,
            Some(known) => Answers::Without(known.spec.agent.clone()),
        })
    }

    /// A few words for each thing that `kind` `name` needs and isn't there; itself, where it isn't.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub(crate) fn lacks(&self, kind: Kind, name: &Name) -> Result<Vec<String>, Refusal> {
        let called = |kind: Kind, name: &Name| format!("{} {name}", kind.word());
        let mut out = Vec::new();
        if kind == Kind::Agent {
            if !self.works(name)? {
                out.push(called(kind, name));
            }
            return Ok(out);
        }
        let Some(spec) = self.kept(kind, name)? else {
            out.push(called(kind, name));
            return Ok(out);
        };
        for agent in workers(&spec) {
            if !self.works(agent)? {
                out.push(called(Kind::Agent, agent));
            }
        }
        for ((kind, name), _) in run_by(&spec) {
            if self.kept(kind, &name)?.is_none() {
                out.push(called(kind, &name));
            }
        }
        for asked in asked_by(&spec) {
            out.extend(asked.lacks(&self.answers(asked.topic, &|_| false)?));
        }
        let mut told = std::collections::BTreeSet::new();
        out.retain(|one| told.insert(one.clone()));
        Ok(out)
    }

    /// What is wrong with inputs that are given to `kind` `name`; none where they fit, and where it
    /// isn't there.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub(crate) fn given_wrongly(
        &self,
        kind: Kind,
        name: &Name,
        input: &str,
    ) -> Result<Option<String>, Refusal> {
        let found = self.kept(kind, name)?;
        Ok(found.and_then(|to| given_wrongly(input, &to)))
    }

    fn kept(&self, kind: Kind, name: &Name) -> Result<Option<Spec>, Refusal> {
        let key = ResourceKey(kind, name.clone());
        let found = self.reader.find::<Resource>(&key)?;
        Ok(found.map(|found| found.spec.clone()))
    }

    /// Whether there is somebody of this name who does the work of a step.
    fn works(&self, name: &Name) -> Result<bool, Refusal> {
        let skill = ResourceKey(Kind::Skill, name.clone());
        Ok(self.reader.find::<Agent>(name)?.is_some()
            || self.reader.find::<Resource>(&skill)?.is_some())
    }
}
