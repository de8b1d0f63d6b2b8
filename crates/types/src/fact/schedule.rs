//! Something happens at a time.

use super::Problem;
use crate::spec::Kind;
use crate::{Actor, EventId, Name, PlanId, ScheduleId, TaskId, Time};

/// When it is due the next time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Beat {
    /// The time that its calendar names: a run has its id from it.
    pub at: Time,
    /// When it is looked at: later by the jitter.
    pub wake: Time,
}

/// What was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Began {
    /// A task, and perhaps a run of it.
    Task(TaskId),
    /// A run of a plan, or of what is made steps of one.
    Plan(PlanId),
    /// An event.
    Event(EventId),
    /// Nothing, but so many members were told how things stand; nobody where nothing happened.
    Standup(u32),
}

impl std::fmt::Display for Began {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Task(id) => write!(f, "{id}"),
            Self::Plan(id) => write!(f, "{id}"),
            Self::Event(id) => write!(f, "{id}"),
            Self::Standup(0) => f.write_str("nothing happened"),
            Self::Standup(1) => f.write_str("told 1 member"),
            Self::Standup(members) => write!(f, "told {members} members"),
        }
    }
}

facts! {
    "Facts about schedules: of a resource of this kind and name."

    /// It came or changed.
    Set "schedule.set" as "schedule.set" v 1 {
        /// Of which kind: a schedule, or an instruction with a time in its trigger.
        kind: Kind,
        /// Which.
        name: Name,
        /// Which version of the resource.
        version: u32,
        /// The ids of its runs follow from it.
        id: ScheduleId,
        /// Intervals count from here.
        since: Time,
        /// When it is due.
        next: Option<Beat>,
    }
    /// It started something.
    Fired "schedule.fired" as "schedule.fired" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// The time it was due.
        at: Time,
        /// What.
        began: Began,
        /// Who asked for it out of turn.
        by: Option<Actor>,
        /// When it is due again.
        next: Option<Beat>,
    }
    /// Due times passed without a run.
    Missed "schedule.missed" as "schedule.missed" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// The first of them.
        from: Time,
        /// The last of them.
        to: Time,
        /// How many.
        count: u64,
        /// Why nothing could be started; none where naos was away.
        problem: Option<Problem>,
        /// When it is due again.
        next: Option<Beat>,
    }
    /// Nothing happens until somebody has it go on.
    Paused "schedule.paused" as "schedule.paused" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// Who said so.
        by: Actor,
    }
    /// It goes on; what was due meanwhile is not made up for.
    Resumed "schedule.resumed" as "schedule.resumed" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// Who said so.
        by: Actor,
        /// When it is due.
        next: Option<Beat>,
    }
    /// Nothing will be due any more.
    Ended "schedule.ended" as "schedule.ended" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// Why, where it isn't that all of its times are over.
        problem: Option<Problem>,
    }
    /// Its resource is gone, or has no time any more.
    Removed "schedule.removed" as "schedule.removed" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
    }
    /// It is due, and waits until the run before has ended.
    Waited "schedule.waited" as "schedule.waited" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// The time it was due.
        at: Time,
        /// What still works.
        behind: Began,
    }
    /// The run that it waited for ended.
    Freed "schedule.freed" as "schedule.freed" v 1 {
        /// Of which kind.
        kind: Kind,
        /// Which.
        name: Name,
        /// The time it was due, looked at now.
        next: Beat,
    }
}

impl Fact {
    /// The resource that it is about.
    #[must_use]
    pub const fn of(&self) -> (Kind, &Name) {
        match self {
            Self::Set(f) => (f.kind, &f.name),
            Self::Fired(f) => (f.kind, &f.name),
            Self::Missed(f) => (f.kind, &f.name),
            Self::Paused(f) => (f.kind, &f.name),
            Self::Resumed(f) => (f.kind, &f.name),
            Self::Ended(f) => (f.kind, &f.name),
            Self::Removed(f) => (f.kind, &f.name),
            Self::Waited(f) => (f.kind, &f.name),
            Self::Freed(f) => (f.kind, &f.name),
        }
    }
}
