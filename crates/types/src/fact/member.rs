//! A person or machine came or went.

use crate::{
    Actor, ApprovalId, BodyRef, Digest, MemberId, MessageId, Name, Role, Sealed, TaskId,
    TaskStatus, Time, TokenId,
};

/// What somebody is to hear of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// They were called by name in the thread of a task.
    Called(TaskId, MessageId),
    /// Something was said in the thread of a task that they follow.
    Said(TaskId, MessageId),
    /// A task is theirs now.
    Assigned(TaskId),
    /// A task that they follow ended.
    Ended(TaskId, TaskStatus),
    /// Somebody leaves the answer to a question to them.
    Delegated(ApprovalId),
    /// How things stand: of which schedule, and the [`Standup`](crate::standup::Standup).
    Standup(Name, BodyRef),
    /// What a driver that is a way to people answered: which driver, and its words.
    Shown(Name, BodyRef),
}

impl News {
    /// The word in files and answers.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Called(..) => "mention",
            Self::Said(..) => "message",
            Self::Assigned(_) => "task.assigned",
            Self::Ended(..) => "task.ended",
            Self::Delegated(_) => "approval.delegated",
            Self::Standup(..) => "standup",
            Self::Shown(..) => "notification",
        }
    }

    /// The task that it is about.
    #[must_use]
    pub const fn task(&self) -> Option<TaskId> {
        match self {
            Self::Called(task, _)
            | Self::Said(task, _)
            | Self::Assigned(task)
            | Self::Ended(task, _) => Some(*task),
            Self::Delegated(_) | Self::Standup(..) | Self::Shown(..) => None,
        }
    }

    /// The content that it names.
    #[must_use]
    pub const fn body(&self) -> Option<BodyRef> {
        match self {
            Self::Standup(_, body) | Self::Shown(_, body) => Some(*body),
            _ => None,
        }
    }

    /// The id of what it is about.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Delegated(approval) => approval.to_string(),
            Self::Standup(name, _) | Self::Shown(name, _) => name.to_string(),
            Self::Called(task, _)
            | Self::Said(task, _)
            | Self::Assigned(task)
            | Self::Ended(task, _) => task.to_string(),
        }
    }

    /// Where the page shows it.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Delegated(approval) => format!("/approvals/{approval}"),
            Self::Standup(..) | Self::Shown(..) => "/inbox".into(),
            Self::Called(task, _)
            | Self::Said(task, _)
            | Self::Assigned(task)
            | Self::Ended(task, _) => format!("/tasks/{task}"),
        }
    }
}

facts! {
    "Facts about members."

    /// Somebody came.
    Added "member.added" as "user.added" v 1 {
        /// Who.
        member: MemberId,
        /// What they are called.
        name: Sealed,
        /// What they may do.
        role: Role,
        /// Who let them in.
        by: Actor,
    }
    /// They may do something else now.
    RoleChanged "member.role_changed" as "user.role_changed" v 1 {
        /// Who.
        member: MemberId,
        /// What they may do.
        role: Role,
        /// Who changed it.
        by: Actor,
    }
    /// They are gone, their tokens too.
    Removed "member.removed" as "user.removed" v 1 {
        /// Who.
        member: MemberId,
        /// Who removed them.
        by: Actor,
    }
    /// They got a token; only its hash is kept.
    TokenIssued "member.token_issued" as "user.token_issued" v 1 {
        /// Who.
        member: MemberId,
        /// Which.
        token: TokenId,
        /// SHA-256 of the secret.
        hash: Digest,
        /// When it ends.
        expires_at: Option<Time>,
    }
    /// A token is worth nothing any more.
    TokenRevoked "member.token_revoked" as "user.token_revoked" v 1 {
        /// Who.
        member: MemberId,
        /// Which.
        token: TokenId,
        /// Who revoked it.
        by: Actor,
    }
    /// By this they are called in threads: `@ana`.
    HandleSet "member.handle_set" as "user.handle_set" v 1 {
        /// Who.
        member: MemberId,
        /// The word; none takes it away.
        handle: Option<Name>,
        /// Who gave it.
        by: Actor,
    }
    /// Some are to hear of something: it lies in their inbox.
    Told "member.told" as "user.told" v 1 {
        /// Who, in order.
        to: Vec<MemberId>,
        /// Of what.
        news: News,
        /// Who did it.
        by: Actor,
    }
    /// They saw what lies in their inbox.
    Saw "member.saw" as "user.saw" v 1 {
        /// Who.
        member: MemberId,
        /// Up to which number.
        upto: u32,
    }
}
