//! Tasks, runs and plans of the sample day.

use super::super::approval::{Checked, Evidence};
use super::super::board::{Board, Card, Column};
use super::super::excerpt::Excerpt;
use super::super::inbox::{Inbox, InboxRow};
use super::super::picture::{Drawn, Picture};
use super::super::plan::{FanOut, Item, Moves, Plan, PlanStep};
use super::super::run::{Call, LogLine, Run, RunHead, RunLog, Step};
use super::super::runs::{RunRow, Runs};
use super::super::schedules::{Last, Schedule, ScheduleRow, Schedules};
use super::super::task::{Keys, Made, Said, Task};
use super::super::turns::Turns;
use super::super::what_if::{Beside, Line, Side, WhatIf};
use super::super::words::{
    CallStatus, LogLevel, MissedRuns, Overlap, RunStatus, ScheduleState, Stage, StepStatus,
    TaskStatus, Tier, Verdict, World,
};
use super::{MINUTE_MS, NOW_MS, Text, happened, problem};

pub(crate) fn board(s: Text<'_>) -> Board {
    let card = |id: &str, title: &str, agent: Option<&str>, status, ago: i64, note: &str| Card {
        id: s(id),
        title: s(title),
        href: "/runs/run_0192".to_owned(),
        agent: agent.map(s),
        status,
        changed_ms: NOW_MS - ago * MINUTE_MS,
        note: s(note),
    };
    let column = |stage, cards: Vec<Card>| Column {
        stage,
        total: cards.len() as u64,
        cards,
    };
    use TaskStatus::{Assigned, Blocked, Done, Failed, HumanApproval, InProgress, SquadReview};
    let critic = Some("critic");
    let planner = Some("planner");
    let reader = Some("researcher");
    Board {
        form_key: "key-task".to_owned(),
        columns: vec![
            column(Stage::Inbox, Vec::new()),
            column(
                Stage::Assigned,
                vec![
                    card("t_9", "Plan the week of Riake", planner, Assigned, 2, ""),
                    card(
                        "t_8",
                        "Outline of the billing script",
                        Some("coder"),
                        Assigned,
                        40,
                        "",
                    ),
                ],
            ),
            column(
                Stage::InProgress,
                vec![
                    card("t_7", "Read 62 mails of Riake", reader, InProgress, 14, ""),
                    card(
                        "t_6",
                        "Totals of invoices-2026-q3.csv",
                        reader,
                        InProgress,
                        3,
                        "",
                    ),
                ],
            ),
            column(
                Stage::SquadReview,
                vec![card(
                    "t_5",
                    "Totals per client",
                    critic,
                    SquadReview,
                    1,
                    "by critic",
                )],
            ),
            column(
                Stage::HumanApproval,
                vec![card(
                    "t_4",
                    "Send the weekly report to Riake",
                    planner,
                    HumanApproval,
                    9,
                    "",
                )],
            ),
            column(
                Stage::Done,
                vec![
                    card("t_3", "Publish the price list", planner, Done, 60, ""),
                    card("t_2", "Notes of 8 October", reader, Done, 190, ""),
                    card(
                        "t_1",
                        "Time sheets of September",
                        Some("analyzer"),
                        Done,
                        1_500,
                        "",
                    ),
                ],
            ),
            column(
                Stage::Stuck,
                vec![
                    card(
                        "t_0",
                        "Fetch exchange rates",
                        Some("analyzer"),
                        Failed,
                        31,
                        "no answer",
                    ),
                    card(
                        "t_x",
                        "Refactor billing",
                        None,
                        Blocked,
                        96,
                        "budget of coder is spent",
                    ),
                ],
            ),
        ],
    }
}

pub(crate) fn board_empty() -> Board {
    let column = |stage: &Stage| Column {
        stage: *stage,
        cards: Vec::new(),
        total: 0,
    };
    Board {
        form_key: "key-task".to_owned(),
        columns: Stage::ALL.iter().map(column).collect(),
    }
}

fn row(s: Text<'_>) -> RunRow {
    RunRow {
        id: s("run_0192"),
        name: s("weekly-report"),
        plan: false,
        what_if: false,
        status: RunStatus::Running,
        paused: false,
        tier: Some(Tier::Wasm),
        started_ms: NOW_MS - 3 * MINUTE_MS,
        duration_ms: Some(3_420),
        cost_micros: 4_200,
        about: s("client: Riake, week: 41"),
    }
}

pub(crate) fn some_rows(s: Text<'_>) -> Vec<RunRow> {
    let other = |id: &str, name: &str, status, tier, ago: i64, ms, about: &str| RunRow {
        id: s(id),
        name: s(name),
        plan: false,
        what_if: false,
        status,
        paused: false,
        tier,
        started_ms: NOW_MS - ago * MINUTE_MS,
        duration_ms: ms,
        cost_micros: 0,
        about: s(about),
    };
    let skill = Some(Tier::Skill);
    let wasm = Some(Tier::Wasm);
    let mut rows = vec![
        row(s),
        other(
            "run_0191",
            "analyzer",
            RunStatus::Completed,
            skill,
            5,
            Some(12),
            "total of Q3?",
        ),
        other(
            "run_0190",
            "analyzer",
            RunStatus::Failed,
            wasm,
            31,
            Some(10_004),
            "fetch rates",
        ),
        other(
            "run_0189",
            "coder",
            RunStatus::Refused,
            Some(Tier::Model),
            96,
            None,
            "billing",
        ),
        other(
            "run_0188",
            "weekly-client-report",
            RunStatus::Held,
            None,
            9,
            Some(245_000),
            "",
        ),
        other(
            "run_0187",
            "echo",
            RunStatus::CompensationFailed,
            wasm,
            1_700,
            Some(90),
            "hello",
        ),
    ];
    rows[4].plan = true;
    rows
}

pub(crate) fn runs(s: Text<'_>) -> Runs {
    Runs {
        runs: some_rows(s),
        status: None,
        agent: String::new(),
        newer: Some("/runs?after=run_0192".to_owned()),
        older: Some("/runs?before=run_0187".to_owned()),
    }
}

pub(crate) fn runs_empty() -> Runs {
    Runs {
        runs: Vec::new(),
        status: None,
        agent: String::new(),
        newer: None,
        older: None,
    }
}

pub(crate) fn run(s: Text<'_>) -> Run {
    let step = |number, name: &str, status, tier, calls: Vec<Call>| Step {
        number,
        name: s(name),
        status,
        tier,
        duration_ms: Some(number * 412),
        cost_micros: 1_400,
        fuel: 1_840_000,
        attempts: 1,
        input: Excerpt::new(&s("{\"folder\": \"mails\", \"since\": \"2026-10-02\"}")),
        output: Some(Excerpt::new(&s(
            "{\"decisions\": 2, \"open\": 1, \"deadlines\": 3}",
        ))),
        error: None,
        calls,
        calls_left: 0,
    };
    let call = |target: &str, world, status| Call {
        ability: s("http"),
        target: s(target),
        world,
        status,
        duration_ms: Some(84),
        cost_micros: 0,
        unread: false,
    };
    let line = |ago: i64, level, text: &str, cut| LogLine {
        at_ms: NOW_MS - ago * MINUTE_MS,
        level,
        text: s(text),
        cut,
    };
    let read = call(
        "GET https://api.riake.mg/clients/17",
        World::Repeatable,
        CallStatus::Completed,
    );
    let post = call(
        "POST https://hooks.riake.mg/report",
        World::Keyed,
        CallStatus::Failed,
    );
    let mut failed = step(
        3,
        "tell-client",
        StepStatus::Failed,
        Some(Tier::Wasm),
        vec![post],
    );
    failed.output = None;
    failed.error = Some(problem(s));
    failed.attempts = 2;
    Run {
        head: RunHead {
            row: RunRow {
                status: RunStatus::Failed,
                ..row(s)
            },
            output: None,
            error: Some(problem(s)),
            fuel: 1_840_000,
            task: Some((s("Weekly report of Riake"), "/board".to_owned())),
            approval: None,
            waits: None,
            stays_from: Some(s("payroll")),
        },
        input: Excerpt::new(&s("{\"client\": \"Riake\", \"week\": 41}")),
        steps: vec![
            step(
                1,
                "read-mails",
                StepStatus::Completed,
                Some(Tier::Wasm),
                vec![read],
            ),
            step(
                2,
                "sum-invoices",
                StepStatus::Completed,
                Some(Tier::Skill),
                Vec::new(),
            ),
            failed,
        ],
        log: RunLog {
            earlier: 12,
            lines: vec![
                line(9, LogLevel::Info, "read 62 mails", 0),
                line(8, LogLevel::Warn, "mails/0031.eml has no date", 0),
                line(7, LogLevel::Error, "the hook answers 502", 1_204),
            ],
            left_out: 3,
        },
        what_if: WhatIf {
            beside: Some(beside(s)),
            ..WhatIf::default()
        },
        cancel_key: Some(s("key-cancel")),
        note_key: Some(s("key-note")),
    }
}

fn beside(s: Text<'_>) -> Beside {
    let side = |is_what_if, turns, models: &str, cost_micros| Side {
        is_what_if,
        status: RunStatus::Completed,
        turns,
        models: s(models),
        cost_micros,
    };
    let line = |gone, new, text: &str| Line {
        gone,
        new,
        text: s(text),
    };
    Beside {
        of: s("run_0188"),
        from: 2,
        model: Some(s("cheap")),
        prompt: Some(Excerpt::new(&s("You doubt."))),
        sides: vec![side(false, 3, "dear", 9_200), side(true, 2, "cheap", 300)],
        lines: vec![
            line(false, false, "  The bill of Riake:"),
            line(true, false, "- It is due on Friday."),
            line(false, true, "+ It is due on Monday."),
        ],
        cut: true,
        over: true,
    }
}

pub(crate) fn run_empty() -> Run {
    let s = &str::to_owned;
    let row = RunRow {
        status: RunStatus::Queued,
        tier: None,
        duration_ms: None,
        cost_micros: 0,
        ..row(s)
    };
    Run {
        head: RunHead {
            row,
            output: None,
            error: None,
            fuel: 0,
            task: None,
            approval: None,
            waits: None,
            stays_from: None,
        },
        input: Excerpt::default(),
        steps: Vec::new(),
        log: RunLog::default(),
        what_if: WhatIf::default(),
        cancel_key: None,
        note_key: None,
    }
}

pub(crate) fn plan(s: Text<'_>) -> Plan {
    let step = |number, name: &str, status, agent: &str, waits_for: &[&str]| PlanStep {
        number,
        name: s(name),
        status,
        agent: Some(s(agent)),
        tier: None,
        waits_for: waits_for.iter().map(|name| s(name)).collect(),
        approval: None,
        attempts: 1,
        duration_ms: None,
        cost_micros: 0,
        run: None,
        within: None,
        fan_out: None,
        kept: None,
        input: None,
        output: None,
        error: None,
        waits: None,
    };
    let item = |name: &str, status| Item {
        name: s(name),
        status,
        run: Some(s("run_0193")),
        within: None,
    };
    let mut gather = step(1, "gather", StepStatus::Completed, "researcher", &[]);
    gather.tier = Some(Tier::Wasm);
    gather.duration_ms = Some(2_310);
    gather.cost_micros = 1_800;
    gather.run = Some(s("run_0186"));
    gather.input = Some(Excerpt::new(&s("Everything of this week")));
    gather.output = Some(Excerpt::new(&s("62 mails, 4 notes, 2 exports")));
    let mut read = step(2, "read-each", StepStatus::Running, "researcher", &[]);
    read.waits = Some(s("agent researcher is stopped: `naos start researcher`"));
    read.fan_out = Some(FanOut {
        total: 8,
        done: 5,
        failed: 1,
        window: 3,
        items: vec![
            item("2026-10-02.md", StepStatus::Completed),
            item("014-facture.eml", StepStatus::Completed),
            item("015-re-logo.eml", StepStatus::Failed),
            item("016-fwd-devis.eml", StepStatus::Running),
            item("invoices-2026-q3.csv", StepStatus::Running),
            Item {
                run: None,
                ..item("time-sheets.csv", StepStatus::Waiting)
            },
        ],
    });
    let mut rates = step(3, "fetch-rates", StepStatus::Retrying, "analyzer", &[]);
    rates.attempts = 2;
    rates.error = Some(problem(s));
    let mut held = step(5, "approve", StepStatus::Held, "planner", &[]);
    held.approval = Some(s("apr_7"));
    Plan {
        head: RunHead {
            row: RunRow {
                id: s("run_0188"),
                name: s("weekly-client-report"),
                plan: true,
                what_if: false,
                status: RunStatus::Held,
                duration_ms: Some(245_000),
                ..row(s)
            },
            output: None,
            error: None,
            fuel: 12_400_000,
            task: None,
            approval: Some(s("apr_7")),
            waits: None,
            stays_from: None,
        },
        input: Excerpt::new(&s("{\"client\": \"Riake\"}")),
        moves: Moves {
            id: s("run_0188"),
            ..Moves::default()
        },
        picture: picture(s),
        steps: vec![
            gather,
            read,
            rates,
            step(
                4,
                "review",
                StepStatus::Waiting,
                "critic",
                &["read-each", "fetch-rates"],
            ),
            held,
            step(
                6,
                "send",
                StepStatus::Waiting,
                "planner",
                &["review", "approve"],
            ),
        ],
        turns: Some(Turns {
            key: s("key-turns"),
            paused: false,
            with: None,
            open: vec![s("read-each"), s("review")],
        }),
        cancel_key: Some(s("key-cancel")),
    }
}

pub(crate) fn plan_empty() -> Plan {
    let run = run_empty();
    Plan {
        head: run.head,
        input: run.input,
        moves: Moves::default(),
        picture: Picture::default(),
        steps: Vec::new(),
        turns: None,
        cancel_key: None,
    }
}

/// The steps of [`plan`], drawn.
pub(crate) fn picture(s: Text<'_>) -> Picture {
    use StepStatus::{Completed, Held, Retrying, Running, Waiting};
    let step =
        |number, name: &str, who: &str, status, after: &[usize], time: Option<(u64, u64)>| Drawn {
            name: s(name),
            number: Some(number),
            status: Some(status),
            who: s(who),
            after: after.to_vec(),
            fan: (number == 2).then_some((5, 8)),
            from_ms: time.map(|(from, _)| from),
            took_ms: time.map(|(_, took)| took),
        };
    Picture {
        steps: vec![
            step(1, "gather", "researcher", Completed, &[], Some((0, 2_310))),
            step(
                2,
                "read-each",
                "researcher",
                Running,
                &[0],
                Some((2_310, 242_690)),
            ),
            step(
                3,
                "fetch-rates",
                "analyzer",
                Retrying,
                &[0],
                Some((2_310, 60_000)),
            ),
            step(4, "review", "critic", Waiting, &[1, 2], None),
            step(5, "approve", "planner", Held, &[0], Some((2_400, 242_600))),
            step(6, "send", "planner", Waiting, &[3, 4], None),
        ],
        whole_ms: 245_000,
    }
}

/// One that waits, one that is paused and could not start what it starts.
fn standup(s: Text<'_>) -> ScheduleRow {
    let day = 24 * 60 * MINUTE_MS;
    ScheduleRow {
        name: s("standup"),
        state: ScheduleState::Active,
        when: s("0 9 * * MON-FRI"),
        zone: s("Indian/Antananarivo"),
        starts: s("workflow standup"),
        waits_for: None,
        next_ms: (1..=5).map(|days| NOW_MS + days * day).collect(),
        last: Some(Last {
            time_ms: NOW_MS - day,
            href: Some(s("/plans/plan_0188")),
        }),
        runs: 12,
        missed: 0,
        problem: None,
        key: Some(s("key-standup")),
    }
}

pub(crate) fn schedule(s: Text<'_>) -> Schedule {
    Schedule {
        row: standup(s),
        description: s("Tells the team how things stand."),
        missed: MissedRuns::CatchUp,
        catch_up: Some(3),
        overlap: Overlap::Wait,
        jitter_ms: 30_000,
        until_ms: Some(NOW_MS + 60 * 24 * 60 * MINUTE_MS),
        times_max: Some(100),
        runs: runs(s).runs,
        happened_more: None,
        happened: vec![happened(
            s,
            "schedule.missed",
            "schedule/standup",
            "3 times",
        )],
    }
}

pub(crate) fn schedules(s: Text<'_>) -> Schedules {
    let backup = ScheduleRow {
        name: s("backup"),
        state: ScheduleState::Paused,
        when: s("every 15m"),
        zone: String::new(),
        starts: s("agent ghost"),
        waits_for: Some(s("agent ghost")),
        next_ms: Vec::new(),
        last: None,
        runs: 0,
        missed: 3,
        problem: Some(s("there is no agent ghost")),
        key: Some(s("key-backup")),
    };
    Schedules {
        schedules: vec![standup(s), backup],
        more: None,
    }
}

pub(crate) fn schedules_empty() -> Schedules {
    Schedules {
        schedules: Vec::new(),
        more: None,
    }
}

pub(crate) fn task(s: Text<'_>) -> Task {
    Task {
        id: "task_0192".to_owned(),
        title: s("Write the pricing page"),
        status: TaskStatus::SquadReview,
        note: s("a reviewer refuted it"),
        opened_ms: NOW_MS - 90 * MINUTE_MS,
        planned: vec![("task-to", s("growth")), ("task-reviewer", s("fury"))],
        stays_from: Some(s("payroll")),
        due_ms: Some(NOW_MS + 600 * MINUTE_MS),
        begins_ms: Some(NOW_MS + 4 * MINUTE_MS),
        brief: s("# Write the pricing page\n\nThree plans."),
        output: s("Free, Pro, Agency."),
        evidence: vec![Evidence {
            reviewer: s("fury"),
            verdict: Verdict::Refuted,
            reason: s("The agency plan has no price."),
            citations: Vec::new(),
            edited: false,
        }],
        checks: vec![Checked {
            says: s("bytes < 4000"),
            passed: false,
            edited: false,
            found: s("bytes is 5120"),
        }],
        made: vec![Made {
            by: Some(s("pm")),
            text: s("Two plans."),
            refuted: false,
        }],
        plan: Some("plan_0192".to_owned()),
        links: vec![("task-after", s("task_0191"))],
        said: vec![Said {
            by: s("Hanitra"),
            by_agent: false,
            at_ms: NOW_MS - 12 * MINUTE_MS,
            text: s("@growth, which prices do the others ask?"),
        }],
        older: None,
        keys: Some(Keys {
            say: "key-say".to_owned(),
            hand: "key-hand".to_owned(),
            act: "key-act".to_owned(),
        }),
        can_begin: true,
        again: false,
        can_finish: true,
        can_cancel: true,
        follows: true,
        follow_key: "key-follow".to_owned(),
    }
}

pub(crate) fn inbox(s: Text<'_>) -> Inbox {
    let row = |what: &'static str, text: &str, new: bool| InboxRow {
        what,
        title: s("Write the pricing page"),
        href: "/tasks/task_0192".to_owned(),
        by: s("growth"),
        by_agent: true,
        at_ms: NOW_MS - 12 * MINUTE_MS,
        text: s(text),
        new,
    };
    Inbox {
        handle: Some(s("hanitra")),
        stuck: super::stuck(s),
        rows: vec![
            row("inbox-called", "@hanitra which of the two?", true),
            row("inbox-said", "Two plans are enough.", true),
            row("inbox-ended", "", false),
        ],
        seen: Some(("key-seen".to_owned(), 7)),
    }
}
