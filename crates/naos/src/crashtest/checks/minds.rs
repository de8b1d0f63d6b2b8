//! What the model of agents that think was asked, against what the journal says was answered: an
//! answer that was heard is never asked for again, and none is had that isn't paid for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Collected, Findings};
use crate::crashtest::gather::Row;
use crate::crashtest::ledger::What;
use crate::crashtest::thinker::{Thought, signed};

const CHECK: &str = "minds";
/// Agents that work with a model.
const THINK: [&str; 3] = ["thinker", "writer", "critic"];
/// So many answers of one run may be lost in a row before it fails.
const LOST_MAX: usize = 2;

/// Whether an agent works with a model.
pub(super) fn thinks(agent: &str) -> bool {
    THINK.contains(&agent)
}

/// What the journal says of the answers of one run.
#[derive(Clone, Copy, Default)]
struct Paid {
    good: usize,
    lost: usize,
}

pub(super) fn check(collected: &Collected<'_>, findings: &mut Findings) {
    let found = collected.found;
    let paid = paid(collected);
    let mut by_work: BTreeMap<(&str, &str), Paid> = BTreeMap::new();
    let works = works(collected);
    for (run, row) in found.runs.iter().filter(|(_, row)| thinks(&row.agent)) {
        let own = paid.get(run.as_str()).copied().unwrap_or_default();
        let Some(tag) = works.get(run.as_str()) else {
            findings.add(CHECK, format!("nobody asked for {run} of {}", row.agent));
            continue;
        };
        let sum = by_work.entry((row.agent.as_str(), *tag)).or_default();
        sum.good += own.good;
        sum.lost += own.lost;
        findings.expect(
            CHECK,
            row.status != "failed" || own.lost >= LOST_MAX,
            || {
                format!(
                    "{run} of {} failed, and {} of its answers were lost",
                    row.agent, own.lost
                )
            },
        );
    }
    let mut asked: BTreeMap<(&str, &str), Vec<&Thought>> = BTreeMap::new();
    for thought in collected.thoughts {
        let key = (thought.agent.as_str(), thought.tag.as_str());
        asked.entry(key).or_default().push(thought);
    }
    for ((agent, tag), thoughts) in &asked {
        let sum = by_work.get(&(*agent, *tag)).copied().unwrap_or_default();
        let (count, most) = (thoughts.len(), sum.good + sum.lost);
        findings.expect(CHECK, (sum.good..=most).contains(&count), || {
            format!(
                "{agent} was answered {count} times for {tag}; {} were heard, {} lost",
                sum.good, sum.lost
            )
        });
        heard(collected, (agent, tag), thoughts, findings);
    }
    bills(collected, findings);
}

/// What was heard is the last that was said to that question.
fn heard(
    collected: &Collected<'_>,
    (agent, tag): (&str, &str),
    thoughts: &[&Thought],
    findings: &mut Findings,
) {
    // The first question of a run looks alike in all runs of this work.
    let own = |before: &[u64]| !before.is_empty() || agent == "thinker";
    for thought in thoughts {
        let numbers = thought.before.iter().enumerate();
        for (at, number) in numbers.filter(|(at, _)| own(&thought.before[..*at])) {
            let before = &thought.before[..at];
            let again = thoughts
                .iter()
                .find(|other| other.before == before && other.number > *number);
            if let Some(again) = again {
                let what = format!(
                    "{agent} asked again for {tag} after it heard answer {number}: answer {}",
                    again.number
                );
                findings.add(CHECK, what);
            }
        }
    }
    let outputs = collected
        .found
        .runs
        .values()
        .filter(|row| row.agent == agent);
    let outputs: Vec<&str> = outputs.map(|row| row.output.as_str()).collect();
    for thought in thoughts.iter().filter(|it| own(&it.before)) {
        let signed = signed(thought.number);
        let is_last = outputs.iter().any(|output| output.contains(&signed));
        let again = thoughts
            .iter()
            .find(|other| other.before == thought.before && other.number > thought.number);
        if let (true, Some(again)) = (is_last, again) {
            let what = format!(
                "{agent} ended {tag} with answer {}, and asked again: answer {}",
                thought.number, again.number
            );
            findings.add(CHECK, what);
        }
    }
}

/// Whether a line of a bill is for an answer that nobody heard.
fn is_lost(row: &Row) -> bool {
    row.action == "cost.metered" && row.detail.contains(": 0 in, 0 out")
}

/// How many answers were lost.
pub(in crate::crashtest) fn lost(audit: &[Row]) -> usize {
    audit.iter().filter(|row| is_lost(row)).count()
}

/// How many answers of each run were heard and lost, as its bill says.
fn paid<'c>(collected: &Collected<'c>) -> BTreeMap<&'c str, Paid> {
    let mut paid: BTreeMap<&str, Paid> = BTreeMap::new();
    let rows = collected.found.audit.iter();
    for row in rows.filter(|row| row.action == "cost.metered") {
        let own = paid.entry(row.run.as_deref().unwrap_or("?")).or_default();
        if is_lost(row) {
            own.lost += 1;
        } else {
            own.good += 1;
        }
    }
    paid
}

/// Which piece of work each run is for.
fn works<'c>(collected: &Collected<'c>) -> BTreeMap<&'c str, &'c str> {
    let mut works: BTreeMap<&str, &str> = BTreeMap::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    for write in collected.ledger {
        match &write.what {
            What::Think { tag } => {
                if let Some(run) = write.said("run") {
                    works.insert(run, tag);
                }
            }
            What::Board { tag } => drop(tags.insert(tag)),
            _ => {}
        }
    }
    for (run, input) in &collected.found.strangers {
        let tag = input.split("[[tag:").nth(1);
        let tag = tag.and_then(|rest| rest.split("]]").next());
        if let Some(tag) = tag.and_then(|tag| tags.get(tag)) {
            works.insert(run, tag);
        }
    }
    works
}

/// Nothing is billed that isn't counted.
fn bills(collected: &Collected<'_>, findings: &mut Findings) {
    let mut bills: BTreeMap<&str, u64> = BTreeMap::new();
    for thought in collected.thoughts {
        *bills.entry(&thought.agent).or_default() += thought.micros;
    }
    for (agent, billed) in bills {
        let counted = collected
            .found
            .totals
            .get(agent)
            .copied()
            .unwrap_or_default();
        findings.expect(CHECK, billed <= counted, || {
            format!("{agent} was billed {billed} by its model, and {counted} were counted")
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::crashtest::checks::Finding;
    use crate::crashtest::gather::{Gathered, RunRow};
    use crate::crashtest::ledger::{Stand, Write};

    struct World {
        ledger: Vec<Write>,
        found: Gathered,
        thoughts: Vec<Thought>,
    }

    fn thought(agent: &str, before: &[u64], number: u64) -> Thought {
        Thought {
            agent: agent.into(),
            tag: "t".into(),
            before: before.to_vec(),
            number,
            micros: 100,
        }
    }

    fn metered(run: &str, detail: &str) -> Row {
        Row {
            action: "cost.metered".into(),
            run: Some(run.into()),
            detail: detail.into(),
            ..Row::default()
        }
    }

    /// A run of two answers, the first of which was lost once.
    fn right() -> World {
        let write = Write {
            key: "k".into(),
            what: What::Think { tag: "t".into() },
            method: "POST",
            path: "/runs".into(),
            body: Value::Null,
            stand: Stand::Acked {
                status: 200,
                reply: json!({"run": "r1"}),
            },
            sent: 1,
        };
        let row = RunRow {
            agent: "thinker".into(),
            status: "completed".into(),
            output: "thought of t (n3)".into(),
        };
        let found = Gathered {
            runs: [("r1".into(), row)].into(),
            audit: vec![
                metered("r1", "scripted: 0 in, 0 out, $0.01"),
                metered("r1", "scripted: 90 in, 20 out, $0.01"),
                metered("r1", "scripted: 99 in, 20 out, $0.01"),
            ],
            totals: [("thinker".into(), 10_000)].into(),
            ..Gathered::default()
        };
        World {
            ledger: vec![write],
            found,
            thoughts: vec![
                thought("thinker", &[], 1),
                thought("thinker", &[], 2),
                thought("thinker", &[2], 3),
            ],
        }
    }

    fn findings(world: &World) -> Vec<Finding> {
        let mut findings = Findings::default();
        let World {
            ledger,
            found,
            thoughts,
        } = world;
        let collected = Collected {
            ledger,
            found,
            keyed: &[],
            plain: &[],
            asked: &[],
            told: &[],
            thoughts,
        };
        check(&collected, &mut findings);
        findings.0
    }

    #[test]
    fn what_was_heard_is_asked_and_paid_once() {
        assert_eq!(findings(&right()), []);
        assert_eq!(lost(&right().found.audit), 1);
        type Break = fn(&mut World);
        let cases: [(&str, Break); 8] = [
            ("after it heard answer 1: answer 2", |w| {
                w.thoughts[2].before = vec![1];
            }),
            ("answered 4 times for t; 2 were heard, 1 lost", |w| {
                w.thoughts.push(thought("thinker", &[2], 4));
            }),
            ("ended t with answer 3, and asked again: answer 4", |w| {
                w.thoughts.push(thought("thinker", &[2], 4));
                w.found.audit[0].detail = "scripted: 0 in, 0 out, $0.01".into();
            }),
            ("answered 1 times for t; 2 were heard", |w| {
                w.thoughts.truncate(1);
            }),
            ("300 by its model, and 299 were counted", |w| {
                w.found.totals.insert("thinker".into(), 299);
            }),
            ("failed, and 1 of its answers were lost", |w| {
                w.found.runs.get_mut("r1").expect("it is there").status = "failed".into();
            }),
            ("nobody asked for r1", |w| w.ledger.clear()),
            ("answered 3 times for u; 0 were heard", |w| {
                w.thoughts.iter_mut().for_each(|it| it.tag = "u".into());
            }),
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
