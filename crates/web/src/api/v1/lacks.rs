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

/// What is missing so that an agent works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Itself.
    Agent,
    /// Each model that it works with; this is the first of them.
    Model(Name),
}

/// What is missing so that the agent of this name works.
///
/// # Errors
/// A refusal if a record is damaged.
pub(crate) fn lack_of(reader: &Reader, name: &Name) -> Result<Option<Lack>, Refusal> {
    let Some(agent) = reader.find::<Agent>(name)? else {
        return Ok(Some(Lack::Agent));
    };
    let missing = model_missing(reader, &agent)?;
    Ok(missing.map(Lack::Model))
}

/// The first of the models that an agent works with, where none of them is there. Who names none
/// works with the cheapest.
///
/// # Errors
/// A refusal if a record is damaged.
pub(crate) fn model_missing(reader: &Reader, agent: &Agent) -> Result<Option<Name>, Refusal> {
    let named = agent.spec.mind.iter().flat_map(|mind| &mind.models);
    let mut first = None;
    for name in named {
        if is_there(reader, name)? || crate::planted::models_are_there() {
            return Ok(None);
        }
        first = first.or(Some(name));
    }
    Ok(first.cloned())
}

/// All models that an agent names and that aren't there.
///
/// # Errors
/// A refusal if a record is damaged.
pub(crate) fn models_missing(reader: &Reader, agent: &Agent) -> Result<Vec<Name>, Refusal> {
    let mut out = Vec::new();
    let minds = agent.spec.mind.iter();
    for name in minds.flat_map(|mind| mind.models.iter().chain(&mind.recall)) {
        if !out.contains(name) && !is_there(reader, name)? {
            out.push(name.clone());
        }
    }
    Ok(out)
}

/// Whether there is a model of this name.
///
/// # Errors
/// A refusal if a record is damaged.
pub(crate) fn is_there(reader: &Reader, model: &Name) -> Result<bool, Refusal> {
    let key = ResourceKey(Kind::Model, model.clone());
    Ok(reader.find::<Resource>(&key)?.is_some())
}

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
            Some(known) => match &known.lacks {
                None => Answers::Somebody,
                Some(Lack::Agent) => Answers::Without(known.spec.agent.clone()),
                Some(Lack::Model(model)) => Answers::Unmodelled(model.clone()),
            },
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
            match self.works(name)? {
                Some(Lack::Agent) => out.push(called(kind, name)),
                Some(Lack::Model(model)) => out.push(called(Kind::Model, &model)),
                None => {}
            }
            return Ok(out);
        }
        let Some(spec) = self.kept(kind, name)? else {
            out.push(called(kind, name));
            return Ok(out);
        };
        // Without a model a run begins and fails; without all else none begins, said first.
        let mut models = Vec::new();
        for agent in workers(&spec) {
            match self.works(agent)? {
                Some(Lack::Agent) => out.push(called(Kind::Agent, agent)),
                Some(Lack::Model(model)) => models.push(called(Kind::Model, &model)),
                None => {}
            }
        }
        for ((kind, name), _) in run_by(&spec) {
            if self.kept(kind, &name)?.is_none() {
                out.push(called(kind, &name));
            }
        }
        for asked in asked_by(&spec) {
            let answers = self.answers(asked.topic, &|_| false)?;
            let to = match answers {
                Answers::Unmodelled(_) => &mut models,
                _ => &mut out,
            };
            to.extend(asked.lacks(&answers));
        }
        out.append(&mut models);
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

    /// What is missing so that somebody of this name does the work of a step.
    fn works(&self, name: &Name) -> Result<Option<Lack>, Refusal> {
        let skill = ResourceKey(Kind::Skill, name.clone());
        let lack = lack_of(self.reader, name)?;
        if lack == Some(Lack::Agent) && self.reader.find::<Resource>(&skill)?.is_some() {
            return Ok(None);
        }
        Ok(lack)
    }
}
