//! Which bodies a fact names: they are stored before it.

use super::{
    Fact, approval, budget, document, member, message, notice, plan, review, run, task, tenant,
};
use crate::BodyRef;

/// Families with facts that name bodies.
const FAMILIES: [&str; 11] = [
    "task", "run", "plan", "review", "approval", "budget", "document", "event", "message",
    "notice", "member",
];

/// The only fact that takes contents away.
const ERASING: &str = "document.erased";

impl Fact {
    /// Whether facts of this stored kind take contents away.
    #[must_use]
    pub fn erases(kind: &str) -> bool {
        kind == ERASING
    }

    /// The contents that it takes away: whoever names one of them, before it or behind it, reads
    /// that it was erased, unless it is written again.
    #[must_use]
    pub fn erased(&self) -> &[BodyRef] {
        match self {
            Self::Document(document::Fact::Erased(f)) => &f.bodies,
            _ => &[],
        }
    }

    /// Whether a fact of this stored kind may name bodies: others needn't be decoded to know.
    #[must_use]
    pub fn names_bodies(kind: &str) -> bool {
        let family = kind.split_once('.').map_or(kind, |(family, _)| family);
        FAMILIES.contains(&family)
    }

    /// The bodies that it names.
    #[must_use]
    pub fn bodies(&self) -> Vec<BodyRef> {
        if let Self::Tenant(tenant::Fact::Quarantined(f)) = self {
            return f.kept.into_iter().chain(f.bodies.iter().copied()).collect();
        }
        if let Self::Run(run::Fact::Started(f)) = self
            && let Some(fork) = &f.fork
        {
            let first = [
                Some(f.input),
                fork.prompt,
                Some(fork.asked),
                fork.tail,
                fork.answer,
            ];
            let acted = fork.acted.iter().map(|(_, piece)| *piece);
            let rest = fork.recalled.iter().copied().chain(acted);
            return first.into_iter().flatten().chain(rest).collect();
        }
        if let Self::Task(task::Fact::Opened(f)) = self
            && let Some(asks) = &f.asks
        {
            let first = [Some(f.input), asks.form].into_iter().flatten();
            return first.chain(asks.pictures.iter().copied()).collect();
        }
        let pair = match self {
            Self::Task(task::Fact::Opened(f)) => [Some(f.input), None],
            Self::Task(task::Fact::Closed(f)) => [f.output, None],
            Self::Task(task::Fact::Made(f)) => [Some(f.body), None],
            Self::Run(run::Fact::Started(f)) => [Some(f.input), None],
            Self::Run(run::Fact::Recorded(f)) => [Some(f.segment), None],
            Self::Run(run::Fact::Logged(f)) => [f.page, None],
            Self::Run(run::Fact::Called(f)) => [Some(f.request), None],
            Self::Run(run::Fact::Answered(f)) => [Some(f.answer), None],
            Self::Run(run::Fact::Completed(f)) => [Some(f.output), None],
            Self::Plan(plan::Fact::Started(f)) => [Some(f.inputs), None],
            Self::Plan(plan::Fact::StepExpanded(f)) => [Some(f.items), None],
            Self::Plan(plan::Fact::StepDone(f)) => [f.output, None],
            Self::Plan(plan::Fact::StepReopened(f)) => [Some(f.feedback), None],
            Self::Plan(plan::Fact::Closed(f)) => [f.output, None],
            Self::Review(review::Fact::Checked(f)) => [Some(f.evidence), None],
            Self::Review(review::Fact::Praised(f)) => [Some(f.evidence), None],
            Self::Review(review::Fact::Refuted(f)) => [Some(f.evidence), None],
            Self::Approval(approval::Fact::Requested(f)) => [Some(f.body), f.evidence],
            Self::Approval(approval::Fact::Approved(f)) => [f.edited, None],
            Self::Budget(budget::Fact::Metered(f)) => [f.answer, None],
            Self::Document(document::Fact::Written(f)) => [Some(f.body), None],
            Self::Member(member::Fact::Told(f)) => [f.news.body(), None],
            Self::Message(message::Fact::Said(f)) => [Some(f.body), None],
            Self::Message(message::Fact::Steered(f)) => [Some(f.body), None],
            Self::Notice(notice::Fact::Raised(f)) => [Some(f.request), None],
            Self::Notice(notice::Fact::Delivered(f)) => [Some(f.answer), None],
            Self::Event(fact) => fact.contents(),
            _ => [None, None],
        };
        let bodies: Vec<BodyRef> = pair.into_iter().flatten().collect();
        debug_assert!(bodies.is_empty() || Self::names_bodies(self.kind()));
        bodies
    }
}
