//! Tasks of the board: none is done without a review and somebody's yes, no question is lost or
//! answered twice, rules answer only while they hold, and what people are to hear of is told once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Collected, Findings};
use crate::crashtest::gather::{Gathered, Row};
use crate::crashtest::ledger::What;
use crate::crashtest::round::BOSS;

const CHECK: &str = "board";

pub(super) fn check(collected: &Collected<'_>, findings: &mut Findings) {
    tasks(collected, findings);
    questions(collected, findings);
    rules(&collected.found.audit, findings);
    told(collected, findings);
}

fn tasks(collected: &Collected<'_>, findings: &mut Findings) {
    let found = collected.found;
    let mut ends: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in found
        .audit
        .iter()
        .filter(|row| row.action == "task.completed")
    {
        ends.entry(&row.subject).or_default().push(&row.detail);
    }
    for write in collected.ledger {
        let (What::Board { tag }, Some(task)) = (&write.what, write.said("task")) else {
            continue;
        };
        let own = ends.get(task).map(Vec::as_slice).unwrap_or_default();
        let [end] = own else {
            findings.add(
                CHECK,
                format!("{task} for {tag} ended {} times: {own:?}", own.len()),
            );
            continue;
        };
        let works: Vec<_> = found.boards.iter().filter(|it| it.task == task).collect();
        let [work] = &works[..] else {
            findings.add(CHECK, format!("{task} for {tag} has {} works", works.len()));
            continue;
        };
        let said = |status: &str| {
            let status_of = |asked: &String| found.approvals.get(asked);
            let status_of = work.approval.as_ref().and_then(status_of);
            status_of.is_some_and(|found| found == status)
        };
        findings.expect(
            CHECK,
            *end != "done" || work.reviewed && said("approved"),
            || format!("{task} for {tag} is done, and its work says {work:?}"),
        );
        findings.expect(CHECK, *end == "done" || !said("approved"), || {
            format!("{task} for {tag} was approved, and is {end}")
        });
    }
}

/// Each question that was asked is there, and was answered once.
fn questions(collected: &Collected<'_>, findings: &mut Findings) {
    let found = collected.found;
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &found.audit {
        match row.action.as_str() {
            "approval.requested" => {
                let is_there = found.approvals.contains_key(&row.subject);
                findings.expect("approvals", is_there, || {
                    format!("{} was asked at seq {}, and is lost", row.subject, row.seq)
                });
                answers.entry(&row.subject).or_default();
            }
            "approval.approved" | "approval.rejected" => {
                *answers.entry(&row.subject).or_default() += 1;
            }
            _ => {}
        }
    }
    let mut acked: BTreeMap<&str, usize> = BTreeMap::new();
    for write in collected.ledger {
        if let (What::Decide { approval, .. }, true) = (&write.what, write.reply().is_some()) {
            *acked.entry(approval).or_default() += 1;
        }
    }
    for (approval, count) in answers {
        let acked = acked.get(approval).copied().unwrap_or_default();
        findings.expect("approvals", count <= 1 && acked <= count, || {
            format!("{approval} was answered {count} times, {acked} people heard that it was them")
        });
    }
}

/// A rule answers from when somebody takes it until somebody ends it.
fn rules(audit: &[Row], findings: &mut Findings) {
    let mut held: BTreeSet<&str> = BTreeSet::new();
    for row in audit {
        match row.action.as_str() {
            "approval.rule_taken" => drop(held.insert(&row.subject)),
            "approval.rule_ended" => drop(held.remove(row.subject.as_str())),
            "approval.ruled" => {
                findings.expect("approvals", held.contains(row.detail.as_str()), || {
                    let Row {
                        seq,
                        subject,
                        detail,
                        ..
                    } = row;
                    format!("seq {seq}: {subject} was answered by the rule {detail}: none holds")
                });
            }
            _ => {}
        }
    }
}

/// What a person is to hear of was gathered once, and told at most once.
fn told(collected: &Collected<'_>, findings: &mut Findings) {
    let Gathered { audit, .. } = collected.found;
    let mut news: BTreeMap<&str, usize> = BTreeMap::new();
    let told = |row: &&Row| row.action == "user.told" && row.detail.starts_with("task.ended");
    for row in audit.iter().filter(told) {
        *news.entry(&row.subject).or_default() += 1;
    }
    for (task, count) in &news {
        findings.expect("notices", *count == 1, || {
            format!("the end of {task} is told {count} times")
        });
    }
    let gathered =
        |row: &&Row| row.action == "notice.gathered" && row.detail.starts_with("task.ended until");
    let gathered = audit.iter().filter(gathered).count();
    findings.expect("notices", gathered == news.len(), || {
        format!(
            "{} ends are to be told, {gathered} were gathered",
            news.len()
        )
    });
    let mut items: BTreeMap<String, usize> = BTreeMap::new();
    let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
    for hit in collected.told {
        let Some(key) = &hit.key else {
            findings.add("notices", "a notice came without its id");
            continue;
        };
        if !hit.effect {
            continue; // the same once more
        }
        *keys.entry(key).or_default() += 1;
        let event: Value = serde_json::from_str(&hit.tag).unwrap_or_default();
        for item in event["data"]["items"].as_array().into_iter().flatten() {
            let task = item["id"].as_str().unwrap_or("?").to_owned();
            *items.entry(task).or_default() += 1;
        }
    }
    for (item, count) in items {
        let known = news.contains_key(item.as_str());
        findings.expect("notices", count == 1 && known, || {
            format!("{item} was told {count} times, and is to be told: {known}")
        });
    }
    let raised = audit
        .iter()
        .filter(|row| row.action == "notice.raised" && row.subject == BOSS)
        .count();
    findings.expect("notices", keys.len() == raised, || {
        format!("{raised} notices were raised, {} came", keys.len())
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crashtest::checks::Finding;
    use crate::crashtest::checks::tests::write;
    use crate::crashtest::gather::Board;
    use crate::crashtest::ledger::Write;
    use crate::crashtest::receiver::Hit;

    struct World {
        ledger: Vec<Write>,
        found: Gathered,
        told: Vec<Hit>,
    }

    fn row(action: &str, subject: &str, detail: &str) -> Row {
        Row {
            action: action.into(),
            subject: subject.into(),
            detail: detail.into(),
            ..Row::default()
        }
    }

    fn right() -> World {
        let decide = |approve| What::Decide {
            approval: "a1".into(),
            approve,
        };
        let work = Board {
            task: "task_1".into(),
            reviewed: true,
            approval: Some("a1".into()),
        };
        let digest = json!({"data": {"items": [{"id": "task_1"}]}});
        let hit = |effect| Hit {
            tag: digest.to_string(),
            key: Some("k".into()),
            effect,
        };
        World {
            ledger: vec![
                write(
                    "board",
                    What::Board { tag: "t".into() },
                    json!({"task": "task_1"}),
                ),
                write("decide", decide(true), json!({"approval": "a1"})),
            ],
            found: Gathered {
                boards: vec![work],
                approvals: ["a1", "a2"].map(|id| (id.into(), "approved".into())).into(),
                audit: vec![
                    row("approval.requested", "a1", ""),
                    row("approval.approved", "a1", ""),
                    row("task.completed", "task_1", "done"),
                    row("user.told", "task_1", "task.ended to mem_1"),
                    row("notice.gathered", BOSS, "task.ended until 2026-11-28"),
                    row("notice.raised", BOSS, "digest"),
                    row("approval.rule_taken", "crash/approve", ""),
                    row("approval.requested", "a2", ""),
                    row("approval.ruled", "a2", "crash/approve"),
                    row("approval.approved", "a2", ""),
                    row("approval.rule_ended", "crash/approve", ""),
                ],
                ..Gathered::default()
            },
            told: vec![hit(true), hit(false)],
        }
    }

    fn findings(world: &World) -> Vec<Finding> {
        let mut findings = Findings::default();
        let World {
            ledger,
            found,
            told,
        } = world;
        let collected = Collected {
            ledger,
            found,
            keyed: &[],
            plain: &[],
            asked: &[],
            told,
            thoughts: &[],
        };
        check(&collected, &mut findings);
        findings.0
    }

    #[test]
    fn what_ends_without_a_review_a_yes_or_a_word_is_seen() {
        assert_eq!(findings(&right()), []);
        type Break = fn(&mut World);
        let cases: [(&str, Break); 14] = [
            ("is done, and its work says", |w| {
                w.found.boards[0].reviewed = false;
            }),
            ("is done, and its work says", |w| {
                w.found.boards[0].approval = None;
            }),
            ("was approved, and is failed", |w| {
                w.found.audit[2].detail = "failed".into();
            }),
            ("ended 0 times", |w| drop(w.found.audit.remove(2))),
            ("has 0 works", |w| w.found.boards.clear()),
            ("was asked at seq 0, and is lost", |w| {
                drop(w.found.approvals.remove("a1"));
            }),
            ("a1 was answered 2 times", |w| {
                w.found.audit.push(row("approval.rejected", "a1", ""));
            }),
            ("a1 was answered 1 times, 2 people", |w| {
                let again = write("deputy", w.ledger[1].what.clone(), json!({}));
                w.ledger.push(again);
            }),
            ("the rule crash/approve: none holds", |w| {
                drop(w.found.audit.remove(6));
            }),
            ("is told 2 times", |w| {
                let told = w.found.audit[3].clone();
                w.found.audit.push(told);
            }),
            ("1 ends are to be told, 0 were gathered", |w| {
                drop(w.found.audit.remove(4));
            }),
            ("task_1 was told 2 times", |w| {
                w.told[1].effect = true;
            }),
            ("a notice came without its id", |w| w.told[0].key = None),
            ("1 notices were raised, 0 came", |w| w.told.clear()),
        ];
        for (what, breaks) in cases {
            let mut world = right();
            breaks(&mut world);
            let found = findings(&world);
            assert!(
                found.iter().any(|it| it.what.contains(what)),
                "{what}: {found:?}"
            );
        }
    }
}
