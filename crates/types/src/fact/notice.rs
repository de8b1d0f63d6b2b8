//! Somebody outside is told that something waits for a person.

use super::Problem;
use super::member::News;
use crate::{ApprovalId, BodyRef, MemberId, Name, NoticeId, PlanId, RunId, Sealed, Time};

/// What is announced: a notice's id follows from it, so that it is announced once.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A person is asked.
    Approval(ApprovalId),
    /// Nobody knows whether a call of a run happened: which attempt of the run, which call, how
    /// often a person let it be tried again before.
    Unknown(RunId, u32, u32, u32),
    /// This attempt of a run asked something else than its recording says.
    Diverged(RunId, u32),
    /// Nothing: somebody tries whether notices arrive.
    Test,
    /// A run could not be undone: which step failed to, counted among its steps; after how many
    /// attempts.
    NotUndone(PlanId, u32, u32),
    /// A supervisor that nobody watches failed, and when.
    GaveUp(Name, Time),
    /// A member is to hear of something: whose inbox, under which number, what.
    News(MemberId, u32, News),
    /// Several things together: of which notice, and when they began to be gathered.
    Digest(Name, Time),
    /// A provider bills more for an answer of a run than was set aside: its agent is stopped.
    Overbilled(RunId),
}

impl About {
    /// What happened, as receivers see it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::News(_, _, news) => news.word(),
            Self::Digest(..) => "notice.digest",
            Self::Approval(_) => "approval.requested",
            Self::Unknown(..) => "run.unknown",
            Self::Diverged(..) => "run.diverged",
            Self::Test => "notice.test",
            Self::NotUndone(..) => "plan.compensation_failed",
            Self::GaveUp(..) => "supervisor.failed",
            Self::Overbilled(_) => "model.overbilled",
        }
    }

    /// The id of what is announced.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::Approval(approval) => Some(approval.to_string()),
            Self::Unknown(run, ..) | Self::Diverged(run, _) | Self::Overbilled(run) => {
                Some(run.to_string())
            }
            Self::NotUndone(plan, ..) => Some(plan.to_string()),
            Self::GaveUp(name, _) => Some(name.to_string()),
            Self::News(_, _, news) => Some(news.subject()),
            Self::Digest(name, _) => Some(name.to_string()),
            Self::Test => None,
        }
    }

    /// Where the page shows it.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Approval(approval) => format!("/approvals/{approval}"),
            Self::Unknown(run, ..) | Self::Diverged(run, _) | Self::Overbilled(run) => {
                format!("/runs/{run}")
            }
            Self::NotUndone(plan, ..) => format!("/plans/{plan}"),
            Self::GaveUp(..) => "/supervisors".into(),
            Self::Test => "/approvals".into(),
            Self::News(_, _, news) => news.path(),
            Self::Digest(..) => "/inbox".into(),
        }
    }
}

facts! {
    "Facts about notices."

    /// It is on its way.
    Raised "notice.raised" as "notice.raised" v 1 {
        /// Which.
        notice: NoticeId,
        /// To whom: the name of the resource.
        to: Name,
        /// What it announces.
        about: About,
        /// What is sent: a letter.
        request: BodyRef,
    }
    /// An attempt failed; there will be another.
    Tried "notice.tried" as "notice.tried" v 1 {
        /// Which.
        notice: NoticeId,
        /// To whom.
        to: Name,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Why.
        problem: Problem,
        /// When it is tried again.
        retry_at: Time,
    }
    /// The next attempt is on its way.
    Repeated "notice.repeated" as "notice.repeated" v 1 {
        /// Which.
        notice: NoticeId,
        /// To whom.
        to: Name,
        /// Which attempt.
        attempt: u32,
    }
    /// The receiver took it.
    Delivered "notice.delivered" as "notice.delivered" v 1 {
        /// Which.
        notice: NoticeId,
        /// To whom.
        to: Name,
        /// At which attempt.
        attempt: u32,
        /// What the receiver said, cut short.
        answer: BodyRef,
    }
    /// No more attempts: nobody was told.
    GivenUp "notice.given_up" as "notice.given_up" v 1 {
        /// Which.
        notice: NoticeId,
        /// To whom.
        to: Name,
        /// How many attempts there were.
        attempts: u32,
        /// Why the last one failed.
        problem: Problem,
    }
    /// What it announces waits no longer, or its receiver was taken away.
    Withdrawn "notice.withdrawn" as "notice.withdrawn" v 1 {
        /// Which.
        notice: NoticeId,
        /// To whom.
        to: Name,
    }
    /// It is told later, together with what else comes meanwhile.
    Gathered "notice.gathered" as "notice.gathered" v 1 {
        /// To whom.
        to: Name,
        /// What.
        about: About,
        /// The question or the task, where it is to be told.
        title: Option<Sealed>,
        /// When all is told that was gathered since the first.
        until: Time,
    }
    /// Nothing of what was gathered is to be told any more: it was seen, or nobody is told.
    Scattered "notice.scattered" as "notice.scattered" v 1 {
        /// To whom it would have been told.
        to: Name,
    }
}
