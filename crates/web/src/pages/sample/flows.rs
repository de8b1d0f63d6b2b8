//! Plans, sagas, instructions, pools and drivers of the sample agency.

use super::super::agents::LastRun;
use super::super::drivers::{Answer, Driver, DriverRow, Drivers};
use super::super::flows::{Flow, FlowRow, Flows};
use super::super::pools::{Pool, PoolRow, Pools};
use super::super::runs::RunRow;
use super::super::words::{Breaker, DriverState, FlowKind, PoolState, RunStatus};
use super::{MINUTE_MS, NOW_MS, Text, work};

fn row(s: Text<'_>, kind: FlowKind, name: &str, last: Option<RunStatus>) -> FlowRow {
    FlowRow {
        kind,
        name: s(name),
        description: s("What one does each morning."),
        steps: 3,
        last: last.map(|status| LastRun {
            id: s("plan_0188"),
            status,
            paused: false,
            time_ms: NOW_MS - 9 * MINUTE_MS,
        }),
    }
}

/// One of each kind.
pub(in super::super) fn flows(s: Text<'_>) -> Flows {
    let not_undone = Some(RunStatus::CompensationFailed);
    Flows {
        rows: vec![
            row(
                s,
                FlowKind::Plan,
                "weekly-client-report",
                Some(RunStatus::Held),
            ),
            row(s, FlowKind::Workflow, "digest", None),
            row(s, FlowKind::Saga, "trip", not_undone),
            row(
                s,
                FlowKind::Instruction,
                "weather-note",
                Some(RunStatus::Completed),
            ),
        ],
        more: 2,
    }
}

/// Nothing runs as steps.
pub(in super::super) fn flows_empty() -> Flows {
    Flows {
        rows: Vec::new(),
        more: 0,
    }
}

fn runs(s: Text<'_>) -> Vec<RunRow> {
    vec![RunRow {
        id: s("plan_0188"),
        name: s("weather-note"),
        plan: true,
        what_if: false,
        status: RunStatus::Completed,
        paused: false,
        tier: None,
        started_ms: NOW_MS - 9 * MINUTE_MS,
        duration_ms: Some(2_310),
        cost_micros: 0,
        about: String::new(),
    }]
}

/// An instruction that a schedule sets off.
pub(in super::super) fn flow(s: Text<'_>) -> Flow {
    let mut picture = work::picture(s);
    picture.whole_ms = 0;
    for step in &mut picture.steps {
        (step.number, step.status, step.fan) = (None, None, None);
        (step.from_ms, step.took_ms) = (None, None);
    }
    Flow {
        row: row(s, FlowKind::Instruction, "weather-note", None),
        version: 3,
        picture,
        inputs: vec![(s("place"), s("string"))],
        begin: "{\"place\": \"\"}".to_owned(),
        kept: false,
        enabled: Some(true),
        run_key: Some(s("key-run")),
        enable_key: Some(s("key-enable")),
        runs: runs(s),
        older: Some("/flows/instruction/weather-note?before=plan_0188".to_owned()),
        newer: None,
    }
}

fn pool_row(s: Text<'_>, name: &str, state: PoolState) -> PoolRow {
    PoolRow {
        name: s(name),
        state,
        agents: vec![s("reader"), s("helper")],
        size: 8,
        why: None,
        least: 1,
        most: 16,
        auto_scale: state == PoolState::Running,
        strategy: s("round-robin"),
        merge: s("all"),
        batches: 1,
        working: 6,
        key: Some(s("key-pool")),
    }
}

/// One at work, one that ends what it has.
pub(in super::super) fn pools(s: Text<'_>) -> Pools {
    Pools {
        pools: vec![
            pool_row(s, "team", PoolState::Running),
            pool_row(s, "night", PoolState::Draining),
        ],
    }
}

/// No pool.
pub(in super::super) fn pools_empty() -> Pools {
    Pools { pools: Vec::new() }
}

/// One with a batch.
pub(in super::super) fn pool(s: Text<'_>) -> Pool {
    Pool {
        row: pool_row(s, "team", PoolState::Ready),
        description: s("Answers what clients ask."),
        submit_key: Some(s("key-submit")),
        runs: runs(s),
        older: None,
        newer: None,
    }
}

fn driver_row(s: Text<'_>, name: &str, state: DriverState) -> DriverRow {
    DriverRow {
        name: s(name),
        state,
        kind: "tool",
        agent: (name != "chat").then(|| s(name)),
        builtin: None,
        endpoint: (name == "chat").then(|| s("https://chat.example.org/ask")),
        answers: vec![s("weather.get"), s("weather.forecast")],
        open: 2,
        open_max: 4,
        waiting: 0,
        rate: None,
        error_percent: None,
        last: Vec::new(),
        resting_ms: None,
        problem: None,
        enabled: state != DriverState::Disabled,
        key: Some(s("key-driver")),
    }
}

/// One that rests, one that has work, one that is given none.
pub(in super::super) fn drivers(s: Text<'_>) -> Drivers {
    Drivers {
        drivers: vec![
            weather(s),
            driver_row(s, "mail", DriverState::Working),
            driver_row(s, "chat", DriverState::Disabled),
        ],
    }
}

fn weather(s: Text<'_>) -> DriverRow {
    DriverRow {
        waiting: 17,
        rate: Some((60, 60_000)),
        error_percent: Some(25),
        last: vec![(true, 40), (true, 80), (true, 60), (false, 10_004)],
        resting_ms: Some(NOW_MS + MINUTE_MS),
        problem: Some(s("the agent answered with an error")),
        ..driver_row(s, "weather", DriverState::Resting)
    }
}

/// The one that rests.
pub(in super::super) fn driver(s: Text<'_>) -> Driver {
    let row = weather(s);
    let answers = row.last.iter().rev();
    Driver {
        version: 3,
        breaker: Breaker::Open,
        in_a_row: 5,
        failures_max: 5,
        pause_ms: 30_000,
        answered: 318,
        failed: 7,
        failed_ms: Some(NOW_MS - MINUTE_MS),
        timeout_ms: Some(300_000),
        attempts: Some(5),
        answers: answers
            .map(|(well, took)| Answer {
                time_ms: NOW_MS - MINUTE_MS,
                took_ms: *took,
                well: *well,
            })
            .collect(),
        manifest: s("{\"api_version\": 1, \"id\": \"weather\"}"),
        row,
    }
}

/// Nobody answers anything.
pub(in super::super) fn drivers_empty() -> Drivers {
    Drivers {
        drivers: Vec::new(),
    }
}
