//! What a run that is open still needs of what is kept beside it, and anybody may take away.

use naos_types::Name;
use naos_types::spec::{Kind, StepDo, StepSpec};

use super::Plan;

/// What may be taken away.
#[derive(Clone, Copy, Debug)]
pub enum Needed<'n> {
    /// An agent or a skill of this name.
    Worker(&'n Name),
    /// A plan, a workflow, a saga or an instruction of this name.
    Plan(Kind, &'n Name),
    /// Who answers events of these types.
    Answers(&'n [String]),
}

/// What a run needs something for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use<'p> {
    /// This step is still to be done.
    Step(&'p Name),
    /// This step is still to be undone, if the run fails or is cancelled.
    Undo(&'p Name),
}

impl Needed<'_> {
    fn is_for(self, spec: &StepSpec) -> bool {
        match (self, &spec.action) {
            (Self::Worker(name), StepDo::Task { agent, .. }) => agent.as_ref() == Some(name),
            (Self::Plan(kind, name), StepDo::Plan { of, name: run, .. }) => {
                *of == kind && run == name
            }
            (Self::Answers(topics), does) => {
                let taken = does.publishes();
                taken.is_some_and(|kind| topics.iter().any(|topic| topic == kind))
            }
            (Self::Worker(name), does) => {
                does.review().is_some_and(|review| review.by == Some(name))
            }
            _ => false,
        }
    }
}

impl Plan {
    /// The first step that is to be undone with it, should it come to that; else the first that is
    /// to be done with it. None where nothing of the run needs it any more.
    #[must_use]
    pub fn needs(&self, what: Needed<'_>) -> Option<Use<'_>> {
        if self.is_closed() {
            return None;
        }
        let takes = |name: &Name| self.known(name).is_some_and(|spec| what.is_for(spec));
        let mut undo = self.flow.undo.iter();
        let undone = undo.find(|&(undo, of)| {
            let comes = self.undoable.contains(of) || self.is_to_be_done(of);
            comes && takes(undo) && !crate::planted::is("undoing-needs-nobody")
        });
        if let Some((_, of)) = undone {
            return Some(Use::Undo(of));
        }
        let shared = match (what, &self.flow.pool) {
            (Needed::Worker(name), Some(share)) => share.agents.contains(name),
            _ => false,
        };
        let mut forward = self.forward().map(|spec| &spec.name);
        let step = forward.find(|&name| self.is_to_be_done(name) && (shared || takes(name)));
        step.map(Use::Step)
    }

    /// Whether a step of an open run may still have work: it has not ended, or whoever reviews it
    /// may send it back.
    fn is_to_be_done(&self, name: &Name) -> bool {
        let open = |name: &Name| self.steps.get(name).is_some_and(|s| !s.status.is_closed());
        let reviews =
            |spec: &StepSpec| spec.action.review().is_some_and(|review| review.of == name);
        let mut all = self.spec.steps.iter();
        !self.undoing && (open(name) || all.any(|spec| reviews(spec) && open(&spec.name)))
    }
}
