//! Supervisors and schedules: who failed is restarted and works again, nobody's work is lost by
//! that, and each time that was due had its one run.

use std::collections::{BTreeMap, BTreeSet};

use naos_types::{Span, Time};

use super::{Collected, Findings};
use crate::crashtest::gather::{Gathered, Row};
use crate::crashtest::ledger::What;
use crate::crashtest::weaver::{BELL, FRAGILE, KEEPER, STURDY, TICK, TOP};

/// The pause between two times of the schedule.
const EVERY: Span = Span::secs(1);

/// Whether a supervisor may let a run of this agent begin anew.
pub(super) fn is_watched(agent: &str) -> bool {
    [FRAGILE, STURDY].contains(&agent)
}

pub(super) fn check(collected: &Collected<'_>, findings: &mut Findings) {
    restarts(&collected.found.audit, findings);
    drills(collected, findings);
    for (name, status) in &collected.found.supervised {
        let rests = ["failed", "restarting", "suspended", "stopped"].contains(&status.as_str());
        findings.expect("supervisors", !rests, || format!("{name} is {status}"));
    }
    times(collected.found, findings);
}

/// Whoever is to be restarted is, unless what watches it fails itself.
fn restarts(audit: &[Row], findings: &mut Findings) {
    let beneath = |supervisor: &str| match supervisor {
        KEEPER => vec![FRAGILE, STURDY],
        TOP => vec![KEEPER],
        _ => Vec::new(),
    };
    let mut owed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in audit {
        let by = row.subject.as_str();
        let owes = owed.entry(by).or_default();
        match row.action.as_str() {
            "supervisor.child_failed" | "supervisor.started" | "supervisor.reset" => {
                owes.extend(beneath(by));
            }
            "supervisor.failed" | "supervisor.suspended" | "supervisor.stopped" => owes.clear(),
            "supervisor.child_restart" => {
                let paid = owes.remove(row.detail.as_str());
                findings.expect("supervisors", paid, || {
                    format!(
                        "seq {}: {by} restarts {}, which didn't fail",
                        row.seq, row.detail
                    )
                });
            }
            _ => {}
        }
    }
    for (by, owes) in owed.iter().filter(|(_, owes)| !owes.is_empty()) {
        findings.add("supervisors", format!("{by} never restarted {owes:?}"));
    }
}

/// Each drill that somebody was told of let its supervisor fail, once.
fn drills(collected: &Collected<'_>, findings: &mut Findings) {
    let rows = collected.found.audit.iter();
    let failed = rows.filter(|row| row.action == "supervisor.failed").count();
    let acked = collected.ledger.iter();
    let acked = acked.filter(|write| write.what == What::Drill && write.reply().is_some());
    let acked = acked.count();
    findings.expect("supervisors", failed == acked, || {
        format!("{acked} drills were acknowledged, {failed} supervisors failed")
    });
}

/// The times of the schedule, one after the other, each with one run.
fn times(found: &Gathered, findings: &mut Findings) {
    let of = format!("schedule/{TICK}");
    let (mut next, mut fired): (Option<Time>, usize) = (None, 0);
    for row in found.audit.iter().filter(|row| row.subject == of) {
        let time = |after: &str| {
            let (_, time) = row.detail.split_once(after)?;
            Time::parse(time)
        };
        match row.action.as_str() {
            "schedule.set" => next = next.or(time("next ")),
            "schedule.fired" => {
                let at = time(" for ");
                findings.expect("schedule", at.is_some() && at == next, || {
                    format!(
                        "seq {}: {} has a run, it waits for {next:?}",
                        row.seq, row.detail
                    )
                });
                next = at.map(|at| at + EVERY);
                fired += 1;
            }
            "schedule.missed" => findings.add("schedule", format!("missed: {}", row.detail)),
            _ => {}
        }
    }
    let runs = found.runs.values().filter(|run| run.agent == BELL).count();
    findings.expect("schedule", runs == fired, || {
        format!("{fired} times were due, {runs} runs began")
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{journal_of, run, write};
    use super::*;
    use crate::crashtest::checks::Finding;
    use crate::crashtest::ledger::Write;

    fn right() -> (Vec<Write>, Gathered) {
        let mut found = Gathered {
            audit: journal_of(&[
                ("schedule.set", "schedule/tick", ""),
                ("supervisor.child_failed", KEEPER, ""),
                ("supervisor.child_restart", KEEPER, ""),
                ("supervisor.child_restart", KEEPER, ""),
                ("schedule.fired", "schedule/tick", ""),
                ("supervisor.failed", KEEPER, ""),
                ("supervisor.child_failed", TOP, ""),
                ("supervisor.child_restart", TOP, ""),
                ("supervisor.started", KEEPER, ""),
                ("supervisor.child_restart", KEEPER, ""),
                ("supervisor.child_restart", KEEPER, ""),
                ("schedule.fired", "schedule/tick", ""),
            ]),
            supervised: [KEEPER, TOP]
                .map(|name| (name.into(), "running".into()))
                .into(),
            ..Gathered::default()
        };
        for (seq, detail) in [
            (1, "next 2026-03-01T08:00:00Z"),
            (2, FRAGILE),
            (3, FRAGILE),
            (4, STURDY),
            (5, "task_1 for 2026-03-01T08:00:00Z"),
            (7, KEEPER),
            (8, KEEPER),
            (10, FRAGILE),
            (11, STURDY),
            (12, "task_2 for 2026-03-01T08:00:01Z"),
        ] {
            found.audit[seq - 1].detail = detail.into();
        }
        for id in ["r1", "r2"] {
            found.runs.insert(id.into(), run(BELL, "completed", "ding"));
        }
        (
            vec![write("d", What::Drill, json!({"name": KEEPER}))],
            found,
        )
    }

    fn findings((ledger, found): &(Vec<Write>, Gathered)) -> Vec<Finding> {
        let mut findings = Findings::default();
        let collected = Collected {
            ledger,
            found,
            keyed: &[],
            plain: &[],
            asked: &[],
            told: &[],
            thoughts: &[],
        };
        check(&collected, &mut findings);
        findings.0
    }

    /// Breaks the world in one way.
    type Break = fn(&mut (Vec<Write>, Gathered));

    #[test]
    fn restarts_and_times_that_went_wrong_are_seen() {
        assert_eq!(findings(&right()), []);
        let cases: &[(&str, Break)] = &[
            ("keeper never restarted {\"sturdy\"}", |w| {
                drop(w.1.audit.remove(10));
            }),
            ("top restarts keeper, which didn't fail", |w| {
                drop(w.1.audit.remove(6));
            }),
            ("keeper is failed", |w| {
                w.1.supervised.insert(KEEPER.into(), "failed".into());
            }),
            ("1 drills were acknowledged, 0", |w| {
                drop(w.1.audit.remove(5));
            }),
            ("has a run, it waits for", |w| drop(w.1.audit.remove(4))),
            ("has a run, it waits for", |w| {
                let again = w.1.audit[11].clone();
                w.1.audit.push(again);
            }),
            ("2 times were due, 1 runs", |w| drop(w.1.runs.remove("r1"))),
        ];
        for (what, breaks) in cases {
            let mut world = right();
            breaks(&mut world);
            let seen = findings(&world);
            assert!(
                seen.iter().any(|it| it.what.contains(what)),
                "{what}: {seen:?}"
            );
        }
    }
}
