//! Who acts, and what they may.

use serde::{Deserialize, Serialize};

use crate::spec::Kind;
use crate::{EventId, MemberId, MessageId, Name, PlanId, RunId, TaskId};

/// What a member may do; each role may do all that the ones after it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees what is assigned to them.
    External,
    /// Works: tasks, runs, approvals.
    Staff,
    /// Changes agents, plans, budgets.
    Admin,
    /// Everything, members too.
    Owner,
}

impl Role {
    /// The word in files and answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Staff => "staff",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// naos itself: recovery, timers, reactions.
    System,
    /// A person or machine, with the role it had then.
    Member(MemberId, Role),
    /// An agent, inside a run.
    Agent(Name),
    /// A plan, in one of its steps.
    Plan(PlanId),
    /// A subscription, set off by this event.
    Trigger(Name, EventId),
    /// A schedule, or an instruction whose time has come.
    Schedule(Kind, Name),
    /// A task of the board, whose work this is.
    Task(TaskId),
    /// A message that called an agent.
    Message(MessageId),
    /// A run, in the call with which it asks another agent.
    Call(RunId, u32),
}

impl Actor {
    /// Whether a task that it opens stands on the board: the work of a task there, and what an
    /// agent is asked meanwhile, doesn't.
    #[must_use]
    pub const fn opens_on_the_board(&self) -> bool {
        !matches!(self, Self::Task(_) | Self::Message(_) | Self::Call(..))
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Member(id, role) => write!(f, "{}:{id}", role.word()),
            Self::Agent(name) => write!(f, "agent:{name}"),
            Self::Plan(id) => write!(f, "{id}"),
            Self::Trigger(name, _) => write!(f, "subscription:{name}"),
            Self::Schedule(kind, name) => write!(f, "{}:{name}", kind.word()),
            Self::Task(task) => write!(f, "{task}"),
            Self::Message(message) => write!(f, "{message}"),
            Self::Call(run, _) => write!(f, "{run}"),
        }
    }
}
