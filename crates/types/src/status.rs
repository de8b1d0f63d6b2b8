//! Where things stand. The words are those of the command and the API.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $word:literal)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in answers and tables.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The status that this word names.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    )*};
}

impl PlanStatus {
    /// The status that somebody names: what is rolled back is `compensated`, too.
    #[must_use]
    pub fn said(word: &str) -> Option<Self> {
        match word {
            "compensated" => Some(Self::RolledBack),
            word => Self::parse(word),
        }
    }
}

words! {
    /// Who answered: the cheapest that could.
    Tier {
        /// A rule: template, expression or table.
        Skill "skill"
        /// Code in the sandbox.
        Wasm "wasm"
        /// A language model.
        Model "model"
        /// A service at an address outside.
        Endpoint "endpoint"
    }
    /// An agent.
    AgentStatus {
        /// Never ran.
        Created "created"
        /// Ready.
        Idle "idle"
        /// At least one run is open.
        Running "running"
        /// Takes no work until started.
        Stopped "stopped"
        /// Its last run failed for good.
        Failed "failed"
        /// Its budget's window has nothing left.
        BudgetExceeded "budget_exceeded"
    }
    /// A task.
    TaskStatus {
        /// Came in, nobody has it.
        Inbox "inbox"
        /// Somebody has it.
        Assigned "assigned"
        /// A run is open.
        InProgress "in_progress"
        /// Another agent looks at the result.
        SquadReview "squad_review"
        /// A person is asked.
        HumanApproval "human_approval"
        /// The result is accepted.
        Done "done"
        /// Nobody could do it.
        Failed "failed"
        /// Waits for something outside.
        Blocked "blocked"
        /// Not wanted any more.
        Cancelled "cancelled"
    }
    /// How urgent a task is.
    Priority {
        /// When there is nothing else.
        Low "low"
        /// In its turn.
        Normal "normal"
        /// Before the others.
        High "high"
        /// At once.
        Urgent "urgent"
    }
    /// A run.
    RunStatus {
        /// Journaled, not begun.
        Queued "queued"
        /// Begun.
        Running "running"
        /// Gave its answer.
        Completed "completed"
        /// Gave some of its answer.
        Partial "partial"
        /// Gave no answer.
        Failed "failed"
        /// Undone.
        RolledBack "rolled_back"
        /// Could not be undone.
        CompensationFailed "compensation_failed"
        /// Waits for a person.
        Held "held"
        /// The guard said no.
        Refused "refused"
        /// Not wanted any more.
        Cancelled "cancelled"
        /// Asked something else than its recording says.
        Diverged "diverged"
        /// An effect may or may not have happened.
        Unknown "unknown"
    }
    /// A plan's execution; the same words as a run's.
    PlanStatus {
        /// Steps are open.
        Running "running"
        /// All steps are done.
        Completed "completed"
        /// Some steps failed, the plan allows it.
        Partial "partial"
        /// A step failed for good.
        Failed "failed"
        /// Undone.
        RolledBack "rolled_back"
        /// Could not be undone.
        CompensationFailed "compensation_failed"
        /// Waits for a person.
        Held "held"
        /// Not wanted any more.
        Cancelled "cancelled"
    }
    /// One step of a plan.
    StepStatus {
        /// Its dependencies are not done.
        Pending "pending"
        /// Begun.
        Running "running"
        /// Waits for a person, a time or a retry.
        Waiting "waiting"
        /// Done.
        Done "done"
        /// Its condition was not met.
        Skipped "skipped"
        /// Failed for good.
        Failed "failed"
        /// The plan was cancelled.
        Cancelled "cancelled"
    }
    /// A question to a person.
    ApprovalStatus {
        /// Nobody answered yet.
        Pending "pending"
        /// Yes.
        Approved "approved"
        /// No.
        Rejected "rejected"
        /// Nobody answered in time.
        Expired "expired"
        /// The question fell away.
        Withdrawn "withdrawn"
    }
    /// A supervisor.
    SupervisorStatus {
        /// Watches its children.
        Running "running"
        /// A child waits for its restart.
        Restarting "restarting"
        /// Rests because what watches it does.
        Suspended "suspended"
        /// Out of work until a person starts it.
        Stopped "stopped"
        /// Too many restarts: what watches it restarts it, or a person does.
        Failed "failed"
    }
    /// A notice to somebody outside.
    NoticeStatus {
        /// On its way, or between two attempts.
        Pending "pending"
        /// The receiver took it.
        Delivered "delivered"
        /// There were too many attempts, or it can't be sent at all.
        GivenUp "given_up"
        /// What it announces waits no longer.
        Withdrawn "withdrawn"
    }
}

impl RunStatus {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        !matches!(
            self,
            Self::Queued | Self::Running | Self::Held | Self::Unknown | Self::Diverged
        )
    }
}

impl NoticeStatus {
    /// Whether it is still to be delivered.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending)
    }
}

impl TaskStatus {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

impl StepStatus {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Skipped | Self::Failed | Self::Cancelled
        )
    }
}
