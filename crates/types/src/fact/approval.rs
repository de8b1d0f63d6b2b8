//! A person was asked.

use crate::{
    Actor, ApprovalId, BodyRef, Digest, Name, PlanId, Role, RunId, Sealed, StepPath, Time,
};

/// What waits for the answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// A step of a plan.
    Step(PlanId, StepPath),
    /// A call of a run.
    Call(RunId, u32),
}

facts! {
    "Facts about approvals."

    /// A person is asked.
    Requested "approval.requested" as "approval.requested" v 1 {
        /// Which.
        approval: ApprovalId,
        /// The question.
        title: Sealed,
        /// What it is about.
        body: BodyRef,
        /// The answers to choose from; empty means yes or no.
        options: Vec<String>,
        /// What waits for it.
        waiting: Waiting,
        /// Whose work it is.
        author: Option<Name>,
        /// What the reviewer said last.
        evidence: Option<BodyRef>,
        /// Whether the reviewer still refuted it: a person decides a dispute.
        disputed: bool,
        /// The least role that may answer.
        role: Role,
        /// When nobody need answer any more.
        expires_at: Option<Time>,
    }
    /// Yes.
    Approved "approval.approved" as "approval.approved" v 1 {
        /// Which.
        approval: ApprovalId,
        /// Who.
        by: Actor,
        /// What was approved: the digest that was shown.
        body: Digest,
        /// What they said, or the answer they gave.
        comment: Option<Sealed>,
        /// What they changed it into.
        edited: Option<BodyRef>,
    }
    /// No.
    Rejected "approval.rejected" as "approval.rejected" v 1 {
        /// Which.
        approval: ApprovalId,
        /// Who.
        by: Actor,
        /// Why.
        comment: Option<Sealed>,
    }
    /// Nobody answered in time.
    Expired "approval.expired" as "approval.expired" v 1 {
        /// Which.
        approval: ApprovalId,
    }
    /// What waited for it ended otherwise.
    Withdrawn "approval.withdrawn" as "approval.withdrawn" v 1 {
        /// Which.
        approval: ApprovalId,
    }
}
