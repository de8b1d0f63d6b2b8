//! Agents and costs of the sample day.

use super::super::agent::{Ability, Agent, Bounds};
use super::super::agent_log::{AgentLog, Did};
use super::super::agents::{AgentRow, Agents, LastRun};
use super::super::costs::{
    AgentCost, Budget, BudgetRow, Costs, DayCost, ModelCost, TierCost, Totals,
};
use super::super::words::{AgentState, BudgetAction, Period, RunStatus, Tier};
use super::work::some_rows;
use super::{DAY_MS, MINUTE_MS, NOW_MS, Text};

fn budget(limit_micros: i64, spent_micros: i64, reserved_micros: i64) -> Budget {
    Budget {
        limit_micros,
        spent_micros,
        reserved_micros,
        period: Period::Day,
    }
}

fn agent_row(s: Text<'_>, name: &str, state: AgentState) -> AgentRow {
    AgentRow {
        name: s(name),
        template: s(name),
        state,
        tier: Some(Tier::Wasm),
        runs: 412,
        failed: 0,
        last_run: Some(LastRun {
            id: s("run_0192"),
            status: RunStatus::Completed,
            paused: false,
            time_ms: NOW_MS - 3 * MINUTE_MS,
        }),
        budget: None,
    }
}

pub(crate) fn agents(s: Text<'_>) -> Agents {
    let researcher = AgentRow {
        failed: 3,
        budget: Some(budget(10_000_000, 8_200_000, 250_000)),
        ..agent_row(s, "researcher", AgentState::Running)
    };
    let analyzer = AgentRow {
        tier: Some(Tier::Skill),
        budget: Some(budget(5_000_000, 1_120_000, 0)),
        ..agent_row(s, "analyzer", AgentState::Running)
    };
    let coder = AgentRow {
        tier: Some(Tier::Model),
        budget: Some(budget(10_000_000, 10_000_000, 0)),
        last_run: Some(LastRun {
            id: s("run_0189"),
            status: RunStatus::Refused,
            paused: false,
            time_ms: NOW_MS - 96 * MINUTE_MS,
        }),
        ..agent_row(s, "coder", AgentState::BudgetExceeded)
    };
    let fresh = AgentRow {
        tier: None,
        runs: 0,
        last_run: None,
        template: s("custom"),
        ..agent_row(s, "translator", AgentState::Created)
    };
    Agents {
        agents: vec![
            analyzer,
            coder,
            agent_row(s, "critic", AgentState::Idle),
            agent_row(s, "planner", AgentState::Failed),
            researcher,
            fresh,
        ],
    }
}

pub(crate) fn agents_empty() -> Agents {
    Agents { agents: Vec::new() }
}

pub(crate) fn agent(s: Text<'_>) -> Agent {
    let ability = |name: &str, scope: &str| Ability {
        name: s(name),
        scope: s(scope),
    };
    Agent {
        row: agents(s).agents.remove(4),
        description: s("Reads mails and notes, and pulls out decisions and deadlines."),
        digest: s("sha256:9f2c4be17a03d5568e1f0a7c44b2d9e03c5a7718f6e0249bd1835ce2a9470bf6"),
        created_ms: NOW_MS - 12 * DAY_MS,
        abilities: vec![
            ability("context", "read mails/, notes/; write reports/"),
            ability("http", "api.meteo.mg, api.riake.mg"),
            ability("log", ""),
        ],
        bounds: Some(Bounds {
            models: vec![s("home"), s("fast")],
            stays: true,
            is_unpriced: true,
            run_micros_max: Some(500_000),
        }),
        runs: some_rows(s),
        run_key: Some(s("key-run")),
    }
}

pub(crate) fn agent_log(s: Text<'_>) -> AgentLog {
    let did = |ago, key, text: &str, failed| Did {
        at_ms: NOW_MS - ago * MINUTE_MS,
        key,
        text: s(text),
        failed,
        run: Some(s("run_0192")),
    };
    AgentLog {
        agent: s("researcher"),
        day: s("2026-10-05"),
        lines: vec![
            did(9, "did-started", "", false),
            did(8, "did-tool", "http", true),
            did(7, "did-note", "The roofer comes on Monday", false),
            did(6, "did-ended", "completed, $0.01", false),
        ],
        rest: Some("/agents/researcher/log?day=2026-10-05&after=9".to_owned()),
        newer: None,
        older: Some("/agents/researcher/log?day=2026-10-04".to_owned()),
    }
}

pub(crate) fn costs(s: Text<'_>) -> Costs {
    let row = |agent: &str, budget, action| BudgetRow {
        agent: (agent != "*").then(|| s(agent)),
        budget,
        action,
    };
    let agent = |agent: &str, runs, micros| AgentCost {
        agent: s(agent),
        has_page: true,
        runs,
        micros,
    };
    let tier = |tier, calls, micros| TierCost {
        tier,
        calls,
        micros,
    };
    let spent = [
        12, 31, 8, 0, 0, 44, 27, 19, 33, 52, 0, 3, 61, 38, 22, 47, 9, 0, 28, 41, 32,
    ];
    Costs {
        totals: Totals {
            today_micros: 3_184_200,
            month_micros: 50_420_000,
            reserved_micros: 250_000,
            avoided_micros: Some(411_730_000),
            avoided_calls: 18_204,
        },
        budgets: vec![
            row(
                "*",
                budget(30_000_000, 19_320_000, 250_000),
                BudgetAction::Pause,
            ),
            row(
                "researcher",
                budget(10_000_000, 8_200_000, 250_000),
                BudgetAction::Pause,
            ),
            row(
                "analyzer",
                budget(5_000_000, 1_120_000, 0),
                BudgetAction::Alert,
            ),
            row(
                "coder",
                budget(10_000_000, 10_000_000, 0),
                BudgetAction::Stop,
            ),
        ],
        agents: vec![
            agent("coder", 96, 31_200_000),
            agent("researcher", 1_412, 14_020_000),
            agent("analyzer", 16_730, 5_200_000),
        ],
        tiers: vec![
            tier(Tier::Skill, 14_880, 0),
            tier(Tier::Wasm, 3_324, 4_020_000),
            tier(Tier::Model, 34, 46_400_000),
        ],
        models: Some(vec![
            ModelCost {
                model: s("deep"),
                answers: 96,
                input: 1_204_000,
                cached: 830_400,
                output: 88_120,
                micros: 31_200_000,
                incidents: 2,
                is_unpriced: false,
            },
            ModelCost {
                model: s("fast"),
                answers: 2_210,
                input: 9_031_000,
                cached: 0,
                output: 402_000,
                micros: 15_200_000,
                incidents: 0,
                is_unpriced: false,
            },
        ]),
        days: (0..21)
            .map(|day| DayCost {
                day_ms: NOW_MS - (20 - day) * DAY_MS,
                micros: spent[usize::try_from(day).unwrap_or_default()] * 100_000,
            })
            .collect(),
    }
}

pub(crate) fn costs_empty() -> Costs {
    Costs {
        totals: Totals::default(),
        budgets: Vec::new(),
        agents: Vec::new(),
        tiers: Vec::new(),
        models: Some(Vec::new()),
        days: Vec::new(),
    }
}
