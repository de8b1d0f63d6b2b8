//! Another agent looked at a result.

use crate::{BodyRef, Name, PlanId, ReviewId, TaskId};

facts! {
    "Facts about reviews."

    /// A result is to be looked at.
    Requested "review.requested" as "review.requested" v 1 {
        /// Which.
        review: ReviewId,
        /// In which plan.
        plan: PlanId,
        /// The step that reviews.
        step: Name,
        /// The step whose result it is.
        of: Name,
        /// Who made it.
        author: Name,
        /// Who looks; never the author.
        reviewer: Name,
        /// The reviewer's task.
        task: TaskId,
        /// Counted from 1.
        round: u32,
    }
    /// What must hold of a result was looked at without a model, before the reviewer is asked.
    Checked "review.checked" as "review.checked" v 1 {
        /// In which plan.
        plan: PlanId,
        /// The step that looks.
        step: Name,
        /// The step whose result it is.
        of: Name,
        /// Who made it.
        author: Name,
        /// Counted from 1.
        round: u32,
        /// Whether all of it holds.
        passed: bool,
        /// What was looked at and what was found.
        evidence: BodyRef,
    }
    /// The reviewer found it good.
    Praised "review.praised" as "review.praised" v 1 {
        /// Which.
        review: ReviewId,
        /// Who.
        reviewer: Name,
        /// What they say.
        evidence: BodyRef,
    }
    /// The reviewer found something wrong.
    Refuted "review.refuted" as "review.refuted" v 1 {
        /// Which.
        review: ReviewId,
        /// Who.
        reviewer: Name,
        /// What they say.
        evidence: BodyRef,
    }
    /// It gave no verdict.
    Abandoned "review.abandoned" as "review.abandoned" v 1 {
        /// Which.
        review: ReviewId,
        /// Who.
        reviewer: Name,
    }
}
