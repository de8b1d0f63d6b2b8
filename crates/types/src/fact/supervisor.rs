//! An agent failed, and whoever watches it did something about it.

use super::Problem;
use crate::{Actor, Code, Name, RunId, Time};

/// What made a child fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A run of it failed for good, and why.
    Run(RunId, Code),
    /// It is a supervisor, and it failed itself.
    Supervisor,
}

facts! {
    "Facts about supervisors."

    /// A child failed.
    ChildFailed "supervisor.child_failed" as "supervisor.child_failed" v 1 {
        /// Whose child.
        supervisor: Name,
        /// Which.
        child: Name,
        /// What made it fail.
        cause: Cause,
        /// Who is restarted for it, in order; nobody where there were too many restarts.
        restart: Vec<Name>,
        /// When.
        restart_at: Option<Time>,
    }
    /// Runs wait until their agent is restarted.
    SetAside "supervisor.set_aside" as "supervisor.set_aside" v 1 {
        /// Whose child the agent is.
        supervisor: Name,
        /// Which agent.
        agent: Name,
        /// Which runs.
        runs: Vec<RunId>,
    }
    /// A child is restarted: an agent takes work again, a supervisor starts all of its own.
    ChildRestarted "supervisor.child_restarted" as "supervisor.child_restart" v 1 {
        /// Whose child.
        supervisor: Name,
        /// Which.
        child: Name,
    }
    /// A child isn't restarted: its budget has nothing left, and no restart would change that.
    ChildLeft "supervisor.child_left" as "supervisor.child_left" v 1 {
        /// Whose child.
        supervisor: Name,
        /// Which.
        child: Name,
    }
    /// There were too many restarts, or a person let it fail: all beneath it rests.
    Failed "supervisor.failed" as "supervisor.failed" v 1 {
        /// Which.
        supervisor: Name,
        /// Who is to restart it; without anybody, a person does.
        parent: Option<Name>,
        /// Why.
        problem: Problem,
        /// The person who let it fail.
        by: Option<Actor>,
    }
    /// It rests because its parent does, or is about to restart it.
    Suspended "supervisor.suspended" as "supervisor.suspended" v 1 {
        /// Which.
        supervisor: Name,
    }
    /// A person took it and all beneath it out of work.
    Stopped "supervisor.stopped" as "supervisor.stopped" v 1 {
        /// Which.
        supervisor: Name,
        /// Who.
        by: Actor,
    }
    /// It starts all its children.
    Started "supervisor.started" as "supervisor.started" v 1 {
        /// Which.
        supervisor: Name,
        /// The person who started it; none where its parent did.
        by: Option<Actor>,
    }
    /// A person forgets its restarts; one that failed starts all its children.
    Reset "supervisor.reset" as "supervisor.reset" v 1 {
        /// Which.
        supervisor: Name,
        /// Who.
        by: Actor,
    }
}
