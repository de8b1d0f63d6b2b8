//! A day at an agency, for the tests and the gallery. Every text goes through `s`, so that a
//! test can poison all of them at once.

mod bus;
mod documents;
mod flows;
mod money;
mod timeline;
mod watch;
mod work;

use super::approval::{Answer, Approval, Attached, Checked, Decision, Evidence, LeftTo};
use super::approvals::{ApprovalRow, Approvals, Choice, RuleRow, StuckRow, Told, Untold};
use super::audit::{Audit, AuditRow, Verified};
use super::document::{Citation, Document};
use super::error::ErrorPage;
use super::home::{Counters, Doing, FeedRow, Home, Saying, Waiting, Working};
use super::run::Problem;
use super::sign_in::SignIn;
use super::words::{ActorKind, ApprovalStatus, Tier, Verdict};
use super::{Role, Shell, User};

pub(super) use bus::{event, events, events_empty};
pub(super) use documents::{document_diff, documents, documents_found, history};
pub(super) use flows::{
    driver, drivers, drivers_empty, flow, flows, flows_empty, pool, pools, pools_empty,
};
pub(super) use money::{agent, agent_log, agents, agents_empty, costs, costs_empty};
pub(super) use timeline::timeline;
pub(super) use watch::{supervisor, supervisors, supervisors_empty};
pub(super) use work::{
    board, board_empty, inbox, plan, plan_empty, run, run_empty, runs, runs_empty, schedule,
    schedules, schedules_empty, task,
};

/// 2026-10-09 14:03 UTC.
pub(super) const NOW_MS: i64 = 1_791_554_580_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What every text of a sample goes through.
pub(super) type Text<'a> = &'a dyn Fn(&str) -> String;

/// The frame around the samples.
pub(super) fn shell(s: Text<'_>) -> Shell {
    Shell {
        tenant: s("Riake"),
        user: Some(User {
            name: s("Hanitra"),
            role: Role::Owner,
        }),
        currency: "USD".to_owned(),
        seq: 4_211,
        now_ms: NOW_MS,
        waiting: 2,
        unseen: 3,
        quarantined: true,
        path: s("/"),
        idempotency_key: s("key-frame"),
    }
}

/// Something that happened a minute ago.
fn happened(s: Text<'_>, kind: &str, subject: &str, detail: &str) -> FeedRow {
    FeedRow {
        seq: 4_100,
        time_ms: NOW_MS - MINUTE_MS,
        kind: s(kind),
        subject: s(subject),
        href: None,
        actor: s("naos"),
        actor_kind: ActorKind::System,
        detail: s(detail),
        tier: None,
        cost_micros: None,
    }
}

/// A busy afternoon.
pub(super) fn home(s: Text<'_>) -> Home {
    let row = |seq: u64, ago: i64, kind: &str, subject: &str, actor: &str, detail: &str| FeedRow {
        seq,
        time_ms: NOW_MS - ago * MINUTE_MS,
        kind: s(kind),
        subject: s(subject),
        href: Some("/runs/run_0192".to_owned()),
        actor: s(actor),
        actor_kind: if actor == "Hanitra" {
            ActorKind::Person
        } else {
            ActorKind::Agent
        },
        detail: s(detail),
        tier: None,
        cost_micros: None,
    };
    let mut feed = vec![
        row(
            4_211,
            3,
            "run.completed",
            "weekly-report",
            "writer",
            "Report of week 41, 3 pages",
        ),
        row(
            4_208,
            5,
            "review.refuted",
            "Invoice totals",
            "critic",
            "Invoice 2026-117 counts twice",
        ),
        row(
            4_206,
            9,
            "approval.requested",
            "Send the weekly report",
            "planner",
            "",
        ),
        row(
            4_199,
            14,
            "task.started",
            "Read 62 mails of Riake",
            "researcher",
            "",
        ),
        row(
            4_190,
            31,
            "step.failed",
            "fetch-rates",
            "analyzer",
            "rates.example.mg did not answer",
        ),
        row(
            4_184,
            48,
            "approval.approved",
            "Publish the price list",
            "Hanitra",
            "Good, send it.",
        ),
        row(
            4_170,
            96,
            "budget.exceeded",
            "coder",
            "naos",
            "10.00 of 10.00 for today",
        ),
        row(
            4_161,
            190,
            "document.written",
            "notes/2026-10-08.md",
            "researcher",
            "",
        ),
    ];
    feed[0].tier = Some(Tier::Wasm);
    feed[0].cost_micros = Some(4_200);
    feed[1].tier = Some(Tier::Skill);
    feed[6].actor_kind = ActorKind::System;
    feed[7].href = None;
    Home {
        waiting: Waiting {
            approvals: waiting(s).split_off(1),
            stuck: stuck(s),
        },
        counters: Counters {
            agents_running: 3,
            agents: 6,
            tasks_open: 14,
            runs_today: 1_284,
            failed_today: 2,
            spent_micros: 3_184_200,
            avoided_micros: Some(41_730_000),
        },
        working: Working {
            now: vec![
                Doing {
                    agent: s("researcher"),
                    run: s("run_0193"),
                    step: s("Read 62 mails of Riake"),
                    since_ms: NOW_MS - 14 * MINUTE_MS,
                    tier: Some(Tier::Wasm),
                    saying: Saying {
                        run: s("run_0193"),
                        words: None,
                    },
                },
                Doing {
                    agent: s("analyzer"),
                    run: s("run_0194"),
                    step: s("invoices-2026-q3.csv"),
                    since_ms: NOW_MS - 2 * MINUTE_MS,
                    tier: Some(Tier::Skill),
                    saying: Saying {
                        run: s("run_0194"),
                        words: None,
                    },
                },
                Doing {
                    agent: s("critic"),
                    run: s("run_0195"),
                    step: s("Review: totals per client"),
                    since_ms: NOW_MS - 20_000,
                    tier: None,
                    saying: Saying {
                        run: s("run_0195"),
                        words: Some(s("… the sum of July isn't that of the mails")),
                    },
                },
            ],
        },
        feed,
        older: Some("/?before=4161".to_owned()),
    }
}

/// As many rows as the first page has, each different.
pub(super) fn home_full() -> Home {
    let mut page = home(&str::to_owned);
    let some = page.feed.clone();
    page.feed = (0_u64..30)
        .map(|index| {
            let row = &some[usize::try_from(index).unwrap_or_default() % some.len()];
            FeedRow {
                seq: 4_211 - index * 3,
                time_ms: row.time_ms - i64::try_from(index * index).unwrap_or_default() * 7_919,
                subject: format!("{} {}", row.subject, index * 37 % 101),
                href: Some(format!("/runs/run_0{:03}", 192 - index)),
                ..row.clone()
            }
        })
        .collect();
    page
}

/// The first minute.
pub(super) fn home_empty() -> Home {
    Home {
        waiting: Waiting {
            approvals: Vec::new(),
            stuck: Vec::new(),
        },
        counters: Counters::default(),
        working: Working { now: Vec::new() },
        feed: Vec::new(),
        older: None,
    }
}

fn waiting(s: Text<'_>) -> Vec<ApprovalRow> {
    vec![
        ApprovalRow {
            id: s("apr_7"),
            title: s("Send the weekly report to Riake"),
            asked_by: s("planner"),
            asked_ms: NOW_MS - 9 * MINUTE_MS,
            status: ApprovalStatus::Pending,
            decided_by: String::new(),
            expires_ms: Some(NOW_MS + 47 * 60 * MINUTE_MS),
            urgent: false,
            reviewed: None,
            unreviewed: false,
            gone: true,
            choice: Some(Choice {
                seen: "5e".repeat(32),
                text: s("- All is well.\n+ Two invoices are overdue."),
                replaces: Some(("batch-document", s("/reports/2026-w41.md"))),
            }),
        },
        ApprovalRow {
            id: s("apr_8"),
            title: s("Spend up to 2.00 more today on coder"),
            asked_by: s("coder"),
            asked_ms: NOW_MS - 96 * MINUTE_MS,
            status: ApprovalStatus::Pending,
            decided_by: String::new(),
            expires_ms: None,
            urgent: false,
            reviewed: None,
            unreviewed: true,
            gone: false,
            choice: None,
        },
    ]
}

/// A saga that could not be undone, a supervisor that gave up, and a schedule without runs.
fn stuck(s: Text<'_>) -> Vec<StuckRow> {
    vec![
        StuckRow {
            what: "stuck-supervisor",
            name: s("root"),
            href: "/supervisors".to_owned(),
            since_ms: NOW_MS - 3 * MINUTE_MS,
            said: s("coder failed, after 3 restarts within 60 seconds"),
            way: s("naos supervisor reset root"),
        },
        StuckRow {
            what: "stuck-undo",
            name: s("trip: book"),
            href: "/plans/plan_9".to_owned(),
            since_ms: NOW_MS - 40 * MINUTE_MS,
            said: String::new(),
            way: s("naos saga resolve plan_9 --step 1"),
        },
        StuckRow {
            what: "stuck-schedule",
            name: s("morning: a driver that answers email.list"),
            href: "/schedules".to_owned(),
            since_ms: NOW_MS - 90 * MINUTE_MS,
            said: s("waiting: a driver that answers email.list, which step fetch asks for"),
            way: s("naos schedule pause morning"),
        },
    ]
}

/// Two wait, three are decided.
pub(super) fn approvals(s: Text<'_>) -> Approvals {
    let decided = |id: &str, title: &str, ago: i64, status| ApprovalRow {
        id: s(id),
        title: s(title),
        asked_by: s("planner"),
        asked_ms: NOW_MS - ago * MINUTE_MS,
        status,
        decided_by: s("Hanitra"),
        expires_ms: None,
        urgent: false,
        reviewed: Some(("review".into(), Verdict::Refuted)),
        unreviewed: false,
        gone: false,
        choice: None,
    };
    Approvals {
        untold: vec![Untold {
            to: s("phone"),
            said: s("answered 500"),
        }],
        stuck: stuck(s),
        told: Some(Told {
            decided: 2,
            left: vec![(
                s("apr_9"),
                s("Pay the bill"),
                s("what you saw isn't what waits any more"),
            )],
        }),
        batch_key: Some(s("key-batch")),
        waiting: waiting(s),
        decided: vec![
            decided(
                "apr_5",
                "Publish the price list",
                60,
                ApprovalStatus::Approved,
            ),
            decided(
                "apr_4",
                "Write to 312 customers",
                1_500,
                ApprovalStatus::Rejected,
            ),
            decided(
                "apr_2",
                "Delete old drafts",
                20_000,
                ApprovalStatus::Expired,
            ),
        ],
        older: Some("/approvals?before=apr_2".to_owned()),
        rules: vec![
            RuleRow {
                question: s("letter/ask"),
                same: 6,
                rule: None,
                lapsed: None,
                key: "key-rule".to_owned(),
                can_take: true,
            },
            RuleRow {
                question: s("weekly/sign"),
                same: 9,
                rule: Some((s("Hanitra"), NOW_MS + DAY_MS, 4)),
                lapsed: Some(s("agent growth changed since: its manifest")),
                key: "key-rule-2".to_owned(),
                can_take: true,
            },
        ],
    }
}

/// Nothing ever needed a person.
pub(super) fn approvals_empty() -> Approvals {
    Approvals {
        untold: Vec::new(),
        stuck: Vec::new(),
        told: None,
        batch_key: None,
        waiting: Vec::new(),
        decided: Vec::new(),
        older: None,
        rules: Vec::new(),
    }
}

fn citations(s: Text<'_>) -> Vec<Citation> {
    vec![
        Citation {
            file: s("mails/014-facture.eml"),
            line: 22,
            quote: s("Facture 2026-117, 1 250 000 Ar, échéance le 30 septembre"),
            href: Some("/documents/mails/014-facture.eml".to_owned()),
        },
        Citation {
            file: s("notes/2026-10-02.md"),
            line: 14,
            quote: s("Decision: the new logo goes live on 1 November."),
            href: None,
        },
        Citation {
            file: s("invoices-2026-q3.csv"),
            line: 208,
            quote: String::new(),
            href: None,
        },
    ]
}

const REPORT: &str = "# Weekly report, Riake, week 41

Two invoices are overdue; **one of them counts twice** in the export.

## Money

| Invoice | Due | Amount |
|---|---|--:|
| 2026-117 (mails/014-facture.eml:22) | 2026-09-30 | 1 250 000 Ar |
| 2026-121 | 2026-10-05 | 480 000 Ar |
| Total | | 1 730 000 Ar |

Invoice 2026-117 stands in two lines of the export (invoices-2026-q3.csv:208).

## Decisions

1. The new logo goes live on 1 November (notes/2026-10-02.md:14).
2. Weekly calls move to Tuesday.

> Open: who translates the price list into Malagasy?

- [x] time sheets read
- [ ] budget for Q4, see `plan-q4.md`
";

/// The question of the week.
pub(super) fn approval(s: Text<'_>) -> Approval {
    Approval {
        row: waiting(s).remove(0),
        effect: s("The report goes to rado@riake.mg as a mail with one attachment."),
        reason: s("Mails to people outside need a person (policy external-mail)."),
        run: Some(s("run_0188")),
        cost_micros_max: Some(12_000),
        evidence: vec![
            Evidence {
                reviewer: s("critic"),
                verdict: Verdict::Refuted,
                reason: s("The first draft counted invoice 2026-117 twice."),
                citations: citations(s).into_iter().take(1).collect(),
                edited: true,
            },
            Evidence {
                reviewer: s("critic"),
                verdict: Verdict::Praised,
                reason: s("All totals agree with the export, every statement has its source."),
                citations: citations(s).into_iter().skip(1).take(1).collect(),
                edited: false,
            },
        ],
        checks: vec![
            Checked {
                says: s("short (size(output) < 4000)"),
                passed: true,
                edited: true,
                found: String::new(),
            },
            Checked {
                says: s("output.contains(\"Total\")"),
                passed: false,
                edited: false,
                found: s("it is false. Say what it comes to"),
            },
        ],
        document: Some(Attached {
            title: s("reports/2026-w41.md"),
            href: "/documents/reports/2026-w41.md".to_owned(),
            markdown: s(REPORT),
            citations: citations(s),
        }),
        answer: Answer {
            seen: "5e".repeat(32),
            approval: s("apr_7"),
            decision: None,
            form_key: Some(s("key-decide")),
            text: Some(s("# Weekly report\n\nAll is well.")),
            asks: false,
            options: Vec::new(),
            left_to: Some(LeftTo {
                name: s("Soa"),
                note: s("You know the client."),
                gone: true,
            }),
            leave_key: Some(s("key-leave")),
        },
    }
}

/// The same, answered.
pub(super) fn approval_decided(s: Text<'_>) -> Approval {
    let mut page = approval(s);
    page.row.status = ApprovalStatus::Approved;
    page.row.decided_by = s("Hanitra");
    page.answer.form_key = None;
    page.answer.decision = Some(Decision {
        status: ApprovalStatus::Approved,
        by: s("Hanitra"),
        time_ms: NOW_MS - MINUTE_MS,
        comment: s("Good. Next week with the Q4 budget, please."),
        ruled: false,
    });
    page
}

/// As little as a question can be.
pub(super) fn approval_empty() -> Approval {
    Approval {
        effect: String::new(),
        reason: String::new(),
        run: None,
        cost_micros_max: None,
        evidence: Vec::new(),
        checks: Vec::new(),
        document: None,
        ..approval(&str::to_owned)
    }
}

/// The report as a document.
pub(super) fn document(s: Text<'_>) -> Document {
    Document {
        path: s("reports/2026-w41.md"),
        title: s("Weekly report, week 41"),
        version: 2,
        written_ms: NOW_MS - 3 * MINUTE_MS,
        written_by: s("writer"),
        run: Some(s("run_0192")),
        picture: false,
        markdown: s(REPORT),
        citations: citations(s),
    }
}

/// Twelve lines of the journal, verified.
pub(super) fn audit(s: Text<'_>) -> Audit {
    let row = |back: u64, action: &str, subject: &str, actor: &str, detail: &str| AuditRow {
        seq: 4_211 - back,
        time_ms: 1_791_554_400_000 - i64::try_from(back).unwrap_or_default() * 17_000,
        action: s(action),
        subject: s(subject),
        actor: s(actor),
        detail: s(detail),
        run: back.is_multiple_of(2).then(|| s("run_0192")),
        hash: s("9f2c4be17a03d5568e1f0a7c44b2d9e03c5a7718f6e0249bd1835ce2a9470bf6"),
    };
    Audit {
        rows: vec![
            row(0, "run.completed", "weekly-report", "writer", "$0.0042"),
            row(1, "cost.recorded", "writer", "naos", "$0.0042"),
            row(2, "document.written", "reports/2026-w41.md", "writer", ""),
            row(
                3,
                "review.refuted",
                "reports/2026-w41.md",
                "critic",
                "counts twice",
            ),
            row(4, "approval.requested", "apr_7", "planner", ""),
            row(5, "agent.started", "critic", "naos", ""),
            row(6, "step.failed", "fetch-rates", "analyzer", "N0142"),
            row(7, "agent.completed", "researcher", "naos", ""),
            row(8, "cost.recorded", "researcher", "naos", "$0.05"),
            row(9, "agent.started", "researcher", "naos", ""),
            row(10, "agent.created", "researcher", "Hanitra", ""),
            row(11, "resource.applied", "agency/report.yaml", "Hanitra", ""),
        ],
        action: String::new(),
        who: String::new(),
        looked: None,
        newer: None,
        older: Some("/audit?before=4200".to_owned()),
        verify_key: Some(s("key-verify")),
        verified: Some(Verified {
            first_bad: None,
            entries: 4_211,
            root: s("3be1c0a9d4417f6d2b85e9006cc1f7a2905bd3e84417ac0f6625d08b9e13f7aa"),
            checkpoints: 5,
            duration_ms: 4,
        }),
    }
}

/// Nothing to show, nothing to verify.
pub(super) fn audit_empty() -> Audit {
    Audit {
        rows: Vec::new(),
        older: None,
        verify_key: None,
        verified: None,
        ..audit(&str::to_owned)
    }
}

/// The door.
pub(super) fn sign_in(s: Text<'_>) -> SignIn {
    SignIn {
        problem: None,
        next: "/board".to_owned(),
        token_file: s("data/keys/owner-token"),
        form_key: s("key-sign-in"),
    }
}

/// A run that isn't there.
pub(super) fn error(s: Text<'_>) -> ErrorPage {
    ErrorPage {
        status: 404,
        problem: problem(s),
        back: "/runs".to_owned(),
    }
}

fn problem(s: Text<'_>) -> Problem {
    Problem {
        code: s("N0142"),
        sentence: s("The receiver hooks.riake.mg did not answer within 10 s."),
        advice: s("The call is keyed, so it will be tried again with the same key."),
    }
}
