//! A person was asked.

use crate::{
    Actor, ApprovalId, BodyRef, Digest, MemberId, Name, PlanId, Role, RunId, Sealed, StepPath, Time,
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
    /// Somebody leaves the answer to a member.
    Delegated "approval.delegated" as "approval.delegated" v 1 {
        /// Which.
        approval: ApprovalId,
        /// Who is to answer.
        to: MemberId,
        /// What they should know.
        note: Option<Sealed>,
        /// Who leaves it to them.
        by: Actor,
    }
    /// Questions of one kind were answered with yes so often that a standing rule is offered.
    RuleOffered "approval.rule_offered" as "approval.rule_offered" v 1 {
        /// The kind of question.
        habit: String,
        /// What it would hold for: the versions of what asks.
        stamp: String,
        /// After how many in a row.
        same: u32,
    }
    /// A person took a standing rule: such questions are answered with yes in their name.
    RuleTaken "approval.rule_taken" as "approval.rule_taken" v 1 {
        /// The kind of question.
        habit: String,
        /// What it holds for.
        stamp: String,
        /// Until when.
        until: Time,
        /// Who took it.
        by: Actor,
    }
    /// A person ended a standing rule, or wants none to be offered.
    RuleEnded "approval.rule_ended" as "approval.rule_ended" v 1 {
        /// The kind of question.
        habit: String,
        /// Who ended it.
        by: Actor,
    }
    /// A standing rule answers.
    Ruled "approval.ruled" as "approval.ruled" v 1 {
        /// Which question.
        approval: ApprovalId,
        /// By which rule.
        habit: String,
        /// Who took it.
        by: Actor,
    }
}
