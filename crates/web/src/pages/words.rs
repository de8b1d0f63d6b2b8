//! The closed vocabularies that pages show: each value with its machine word, its message key
//! and the colour that belongs to it.

/// A colour with a meaning. The text always says the same, for those who don't see colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to notice.
    #[default]
    Calm,
    /// At work now.
    Live,
    /// Up to a person.
    Human,
    /// Went well.
    Good,
    /// Needs a look.
    Warn,
    /// Went wrong.
    Bad,
}

impl Tone {
    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Calm => "calm",
            Tone::Live => "on",
            Tone::Human => "human",
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        }
    }
}

/// A value of a closed vocabulary.
pub trait Word: Copy {
    /// Its key in the locale table.
    fn key(&self) -> String;
    /// Its colour.
    fn tone(&self) -> Tone;
}

impl<W: Word> Word for &W {
    fn key(&self) -> String {
        (**self).key()
    }

    fn tone(&self) -> Tone {
        (**self).tone()
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident $prefix:literal {
        $($variant:ident $word:literal $tone:ident $about:literal,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = $about] $variant,)* }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The machine's word for it.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The value of a machine's word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl Word for $name {
            fn key(&self) -> String {
                format!("{}-{}", $prefix, self.word().replace('_', "-"))
            }

            fn tone(&self) -> Tone {
                match self { $($name::$variant => Tone::$tone,)* }
            }
        }
    )*

        /// The key of every value of every vocabulary.
        #[cfg(test)]
        pub(super) fn all_keys() -> Vec<String> {
            let mut keys = Vec::new();
            $(keys.extend($name::ALL.iter().map(Word::key));)*
            keys
        }
    };
}

words! {
    /// Where a run or a plan stands.
    RunStatus "run" {
        Queued "queued" Calm "Accepted, not begun.",
        Running "running" Live "At work.",
        Completed "completed" Good "Done.",
        Partial "partial" Warn "Done in part.",
        Failed "failed" Bad "Ended with an error.",
        RolledBack "rolled_back" Warn "Failed, and what was done is undone.",
        CompensationFailed "compensation_failed" Bad "Failed, and undoing failed too.",
        Held "held" Human "Waits for an approval.",
        Refused "refused" Bad "Not permitted.",
        Cancelled "cancelled" Calm "Ended by a person.",
        Diverged "diverged" Bad "A replay asked something else; up to a person.",
        Unknown "unknown" Warn "The outcome is unknown; up to a person.",
    }
    /// Where a step stands.
    StepStatus "step" {
        Waiting "waiting" Calm "For the steps before it.",
        Running "running" Live "At work.",
        Retrying "retrying" Warn "Failed, and will be tried again.",
        Held "held" Human "Waits for a person.",
        Completed "completed" Good "Done.",
        Skipped "skipped" Calm "Its condition was not met.",
        Failed "failed" Bad "Ended with an error.",
        Undone "undone" Warn "Done, then undone.",
        ByHand "by_hand" Warn "Failed; a person did it.",
        Refused "refused" Bad "Not permitted.",
        Cancelled "cancelled" Calm "Ended by a person.",
        Unknown "unknown" Warn "The outcome is unknown.",
    }
    /// What an agent does now.
    AgentState "agent" {
        Created "created" Calm "Never run.",
        Idle "idle" Calm "Ready.",
        Running "running" Live "At work.",
        Stopped "stopped" Calm "Takes no work.",
        Failed "failed" Bad "Its last run failed.",
        BudgetExceeded "budget_exceeded" Warn "Its budget is spent.",
    }
    /// What a supervisor does now.
    SupervisorState "supervisor" {
        Running "running" Good "Watches its children.",
        Restarting "restarting" Warn "A child waits for its restart.",
        Suspended "suspended" Calm "Rests because what watches it does.",
        Stopped "stopped" Calm "Out of work until a person starts it.",
        Failed "failed" Bad "Too many restarts.",
    }
    /// Where a task stands.
    TaskStatus "task" {
        Inbox "inbox" Calm "Nobody's yet.",
        Assigned "assigned" Calm "Somebody's, not begun.",
        InProgress "in_progress" Live "At work.",
        SquadReview "squad_review" Live "A second agent looks.",
        HumanApproval "human_approval" Human "A person decides.",
        Done "done" Good "Done.",
        Failed "failed" Bad "Ended with an error.",
        Blocked "blocked" Warn "Cannot go on.",
        Cancelled "cancelled" Calm "Ended by a person.",
    }
    /// A column of the board.
    Stage "stage" {
        Inbox "inbox" Calm "Nobody's yet.",
        Assigned "assigned" Calm "Somebody's, not begun.",
        InProgress "in_progress" Live "At work.",
        SquadReview "squad_review" Live "A second agent looks.",
        HumanApproval "human_approval" Human "A person decides.",
        Done "done" Good "Done.",
        Stuck "stuck" Bad "Failed, blocked or cancelled.",
    }
    /// What answered: a rule, code in the sandbox, or a language model.
    Tier "tier" {
        Skill "skill" Good "A rule.",
        Wasm "wasm" Live "Code in the sandbox.",
        Model "model" Human "A language model.",
        Endpoint "endpoint" Live "A service outside.",
    }
    /// What a call to the outside does when it is repeated.
    World "world" {
        Repeatable "repeatable" Calm "Nothing changes.",
        Keyed "keyed" Calm "The receiver knows the key.",
        Once "once" Warn "It would happen twice.",
    }
    /// How a gated call ended.
    CallStatus "call" {
        Pending "pending" Live "No answer yet.",
        Completed "completed" Good "Answered.",
        Failed "failed" Bad "Answered with an error.",
        Refused "refused" Bad "Not permitted.",
        Unknown "unknown" Warn "Nobody knows; up to a person.",
    }
    /// How loud a line of log is.
    LogLevel "level" {
        Debug "debug" Calm "For whoever works on the agent.",
        Info "info" Calm "Normal progress.",
        Warn "warn" Warn "Worth a look.",
        Error "error" Bad "Something went wrong.",
    }
    /// What a reviewer found.
    Verdict "verdict" {
        Praised "praised" Good "It holds.",
        Refuted "refuted" Bad "It doesn't, and here is why.",
        Unread "unread" Warn "The answer holds no verdict.",
    }
    /// How an approval stands.
    ApprovalStatus "approval" {
        Pending "pending" Human "Waits.",
        Approved "approved" Good "Yes.",
        Rejected "rejected" Bad "No.",
        Expired "expired" Warn "Nobody answered in time.",
    }
    /// Where a schedule stands.
    ScheduleState "schedule" {
        Active "active" Live "Waits for its time.",
        Waiting "waiting" Live "Waits until the run before has ended.",
        Paused "paused" Warn "Paused by a person.",
        Ended "ended" Calm "Its times are over.",
        Disabled "disabled" Calm "Its document says so.",
    }
    /// What becomes of times that passed without a run.
    MissedRuns "missed-runs" {
        Skip "skip" Calm "They are recorded.",
        Once "once" Calm "One run stands for all of them.",
        CatchUp "catch-up" Calm "Each has its run, the last ones if there are too many.",
    }
    /// What becomes of a time at which the run before it still works.
    Overlap "overlap" {
        Allow "allow" Calm "Both work.",
        Skip "skip" Calm "It has no run.",
        Wait "wait" Calm "Its run begins when the other one has ended.",
    }
    /// Whether a driver is given events.
    Breaker "breaker" {
        Closed "closed" Good "As many as it may have.",
        HalfOpen "half_open" Warn "It rested, and is given one.",
        Open "open" Bad "It rests.",
    }
    /// What runs as steps.
    FlowKind "flow" {
        Plan "plan" Calm "Steps that wait for each other.",
        Workflow "workflow" Calm "Steps in a row.",
        Saga "saga" Calm "Steps in a row that undo themselves.",
        Instruction "instruction" Calm "A plan of events, and what sets it off.",
    }
    /// Where a pool stands.
    PoolState "pool" {
        Ready "ready" Calm "Takes work.",
        Running "running" Live "At work.",
        Draining "draining" Warn "Takes no more work; what is open ends.",
        Drained "drained" Calm "Takes no more work; nothing is open.",
    }
    /// Where a driver stands.
    DriverState "driver" {
        Ready "ready" Calm "Waits for events.",
        Working "working" Live "Has some.",
        Resting "resting" Bad "Failed too often; events wait.",
        Tried "tried" Warn "Rested, and is given one.",
        Waiting "waiting" Warn "Its agent, or the model that this works with, isn't there.",
        Empty "empty" Warn "Answers no type of event.",
        Disabled "disabled" Calm "Is given none.",
    }
    /// What a budget counts over.
    Period "period" {
        Run "run" Calm "One run.",
        Hour "hour" Calm "An hour.",
        Day "day" Calm "A day, UTC.",
        Week "week" Calm "A week.",
        Month "month" Calm "A month, UTC.",
        Total "total" Calm "For good.",
    }
    /// What happens at a budget's limit.
    BudgetAction "budget-action" {
        Pause "pause" Warn "The agent pauses.",
        Throttle "throttle" Warn "The agent slows down.",
        Alert "alert" Calm "Somebody is told.",
        Warn "warn" Calm "It is noted.",
        Stop "stop" Bad "The agent stops.",
    }
    /// Who did something.
    ActorKind "actor" {
        Person "person" Human "A person.",
        Agent "agent" Live "An agent.",
        System "system" Calm "naos itself.",
    }
    /// What a signed-in person may do.
    Role "role" {
        Owner "owner" Calm "Everything.",
        Admin "admin" Calm "Everything but the bill.",
        Staff "staff" Calm "Work and approve.",
        External "external" Calm "See what is theirs.",
    }
}
