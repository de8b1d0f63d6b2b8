//! Supervisors of the sample day.

use super::super::supervisors::{Child, Standing, Supervisor, Supervisors, Watcher};
use super::super::words::{AgentState, SupervisorState};
use super::{DAY_MS, NOW_MS, Text, happened};

fn agent(s: Text<'_>, name: &str, state: AgentState, restarts: u64) -> Child {
    Child {
        name: s(name),
        standing: Standing::Agent(state),
        restarts,
    }
}

fn watches(s: Text<'_>, name: &str, state: SupervisorState, children: Vec<Child>) -> Supervisor {
    Supervisor {
        name: s(name),
        state,
        strategy: s("one-for-one"),
        restarts: 0,
        restarts_max: 3,
        window_ms: 60_000,
        problem: None,
        reset_key: None,
        children,
    }
}

fn beneath(found: Supervisor, restarts: u64) -> Child {
    Child {
        name: found.name.clone(),
        standing: Standing::Supervisor(Box::new(found)),
        restarts,
    }
}

/// One whose agent failed twice within a minute.
fn worker(s: Text<'_>) -> Supervisor {
    Supervisor {
        restarts: 2,
        problem: Some(s("processor-1 failed")),
        reset_key: Some(s("key-reset")),
        ..watches(
            s,
            "worker-supervisor",
            SupervisorState::Restarting,
            vec![
                agent(s, "processor-1", AgentState::Failed, 2),
                agent(s, "processor-2", AgentState::Running, 0),
            ],
        )
    }
}

/// A tree in which an agent failed twice within a minute.
pub(crate) fn supervisors(s: Text<'_>) -> Supervisors {
    let api = watches(
        s,
        "api-supervisor",
        SupervisorState::Running,
        vec![
            agent(s, "auth-agent", AgentState::Idle, 0),
            Child {
                name: s("data-agent"),
                standing: Standing::Missing,
                restarts: 0,
            },
        ],
    );
    let worker = worker(s);
    let children = vec![beneath(api, 0), beneath(worker, 1)];
    Supervisors {
        roots: vec![watches(
            s,
            "root-supervisor",
            SupervisorState::Running,
            children,
        )],
    }
}

/// One of it on its own page.
pub(crate) fn supervisor(s: Text<'_>) -> Watcher {
    Watcher {
        tree: worker(s),
        description: s("Restarts whoever reads the mails."),
        parent: Some(s("root-supervisor")),
        since_ms: NOW_MS - DAY_MS,
        restarted: 12,
        happened_more: None,
        happened: vec![happened(
            s,
            "supervisor.failed",
            "worker-supervisor",
            "too many restarts",
        )],
    }
}

/// Nobody watches anybody.
pub(crate) fn supervisors_empty() -> Supervisors {
    Supervisors { roots: Vec::new() }
}
