//! What steps ask for by an event, and nobody would answer.

use std::collections::BTreeSet;

use naos_manifest::Diagnostic;
use naos_types::Name;
use naos_types::command::{self, Command};
use naos_types::spec::{Kind, Spec, StepDo};

use super::{Document, Item, fault_of_step};

/// Who answers events of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// No driver does.
    Nobody,
    /// One does.
    Somebody,
    /// One would, whose agent isn't there.
    Without(Name),
    /// One would, whose agent works with this model, which isn't there.
    Unmodelled(Name),
    /// This driver would, and is switched off.
    Off(Name),
}

/// What a step asks for, or says to whoever takes it.
pub(crate) struct Asked<'s> {
    /// The type of its event.
    pub(crate) topic: &'s str,
    /// Whether the step can't do without an answer.
    pub(crate) needed: bool,
    /// Whether the step waits for an answer; else its event is published for whoever takes it.
    pub(crate) waits: bool,
    /// The step.
    pub(crate) step: &'s Name,
}

impl Asked<'_> {
    /// What a run waits for, as refusals call it; none where it has all that it needs.
    pub(crate) fn lacks(&self, answers: &Answers) -> Option<String> {
        match answers {
            Answers::Nobody if self.needed => Some(format!("a driver that answers {}", self.topic)),
            Answers::Without(agent) if self.waits => Some(format!(
                "agent {agent}, whose driver answers {}",
                self.topic
            )),
            Answers::Unmodelled(model) if self.waits => Some(format!(
                "model {model}, with which {} is answered",
                self.topic
            )),
            Answers::Off(driver) => Some(format!(
                "driver {driver}, which answers {} and is switched off",
                self.topic
            )),
            Answers::Nobody | Answers::Somebody | Answers::Without(_) | Answers::Unmodelled(_) => {
                None
            }
        }
    }
}

/// What the steps of something ask drivers for, or say to them.
pub(crate) fn asked_by(spec: &Spec) -> impl Iterator<Item = Asked<'_>> {
    let steps = spec.plan().into_iter().flat_map(|plan| &plan.steps);
    steps.filter_map(|step| {
        let asks = match &step.action {
            StepDo::Ask { needed, .. } => Some(*needed),
            _ => None,
        };
        Some(Asked {
            topic: step.action.publishes()?,
            needed: asks == Some(true),
            waits: asks.is_some(),
            step: &step.name,
        })
    })
}

/// The drivers of documents.
fn drivers_of(items: &[Item]) -> Vec<(&Name, &Spec)> {
    let all = items.iter().filter_map(|item| match &item.command {
        Command::Resource(command::Resource::Apply { kind, name, spec }) => {
            (*kind == Kind::Driver).then_some((name, spec))
        }
        _ => None,
    });
    all.collect()
}

/// Whether one of them answers events of a type.
fn is_answered(drivers: &[(&Name, &Spec)], topic: &str) -> bool {
    let mut all = drivers.iter().filter_map(|(_, spec)| spec.driver());
    all.any(|(driver, _)| driver.answers().iter().any(|one| one == topic))
}

/// A warning for each step that undoes another by an event which a driver answers: of the
/// documents, or as `kept` says, one that is there. Nobody waits for that answer, so what wasn't
/// undone counts as undone.
pub(crate) fn unheard<E>(
    documents: &[Document<'_>],
    items: &[Item],
    mut kept: impl FnMut(&str, &dyn Fn(&Name) -> bool) -> Result<Answers, E>,
) -> Result<Vec<Diagnostic>, E> {
    let drivers = drivers_of(items);
    let is_replaced = |name: &Name| drivers.iter().any(|(known, _)| *known == name);
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply { kind, name, spec }) = &item.command else {
            continue;
        };
        let Spec::Undoable(undoable) = spec else {
            continue;
        };
        for step in &undoable.plan.steps {
            let (Some(of), StepDo::Emit { kind: topic, .. }) =
                (undoable.flow.undo.get(&step.name), &step.action)
            else {
                continue;
            };
            let is_answered = is_answered(&drivers, topic)
                || matches!(
                    kept(topic, &is_replaced)?,
                    Answers::Somebody | Answers::Without(_)
                );
            if !is_answered {
                continue;
            }
            let what = format!(
                "{} {name}: step {of} counts as undone once {topic} is published, whatever the \
                 driver that answers it says",
                kind.word()
            );
            let help = format!(
                "to wait for its answer, undo it by an instruction whose step asks for {topic}: \
                 `compensate: {{instruction: NAME}}`"
            );
            let (says, named) = ((what, Some(help)), (None, topic.as_str()));
            out.push(fault_of_step(documents, item, Some(of), named, says));
        }
    }
    Ok(out)
}

/// A warning for each type of event that a step needs answered and nobody answers: neither a
/// driver of the documents nor, as `kept` says, one that is there and isn't replaced by them. An
/// agent that a driver of the documents lacks is told with the driver.
pub(crate) fn unanswered<E>(
    documents: &[Document<'_>],
    items: &[Item],
    mut kept: impl FnMut(&str, &dyn Fn(&Name) -> bool) -> Result<Answers, E>,
) -> Result<Vec<Diagnostic>, E> {
    let drivers = drivers_of(items);
    let here = |topic: &str| is_answered(&drivers, topic);
    let off_here = |topic: &str| {
        let mut all = drivers.iter();
        let off = all.find(|(_, spec)| {
            let driver = spec.driver().map(|(driver, _)| driver);
            driver.is_some_and(|driver| driver.capabilities.iter().any(|one| one == topic))
        });
        off.map_or(Answers::Nobody, |(name, _)| Answers::Off((*name).clone()))
    };
    let is_replaced = |name: &Name| drivers.iter().any(|(known, _)| *known == name);
    let mut out = Vec::new();
    for item in items {
        let Command::Resource(command::Resource::Apply { kind, name, spec }) = &item.command else {
            continue;
        };
        let mut told = BTreeSet::new();
        for asked in asked_by(spec) {
            if here(asked.topic) || told.contains(asked.topic) {
                continue;
            }
            let answers = match kept(asked.topic, &is_replaced)? {
                Answers::Nobody => off_here(asked.topic), // no document of them is on
                answers => answers,
            };
            let Some(lacks) = asked.lacks(&answers) else {
                continue;
            };
            told.insert(asked.topic);
            let what = format!(
                "{} {name} is waiting: {lacks}, which step {} asks for",
                kind.word(),
                asked.step
            );
            let help = match &answers {
                Answers::Without(agent) => format!("`naos create {agent} --template …` makes it"),
                Answers::Off(driver) => format!("`naos driver enable {driver}` switches it on"),
                Answers::Unmodelled(model) => format!("apply a model {model}"),
                _ => format!(
                    "apply a driver with `capabilities: [{}]`: `naos driver list` shows those \
                     there are",
                    asked.topic
                ),
            };
            let (says, named) = ((what, Some(help)), (None, asked.topic));
            out.push(fault_of_step(
                documents,
                item,
                Some(asked.step),
                named,
                says,
            ));
        }
    }
    Ok(out)
}
