//! Sagas, workflows, batches, plans that wait and plans in plans: each piece of work is done as
//! often
//! as its steps say, what was done is undone and nothing else, and signals are taken in their turn.

use std::collections::BTreeMap;

use naos_types::Span;

use super::effects::times;
use super::{Collected, Findings};
use crate::crashtest::gather::{FlowRow, StepRow};
use crate::crashtest::ledger::{What, Write};

const CHECK: &str = "flows";
/// Agents that work for nothing but these, under no acknowledged write of their own.
const WORKERS: [&str; 9] = [
    "booker", "payer", "shipper", "refunder", "liner", "breaker", "porter-a", "porter-b", "nester",
];
/// How long the step takes that waits for a time.
const NAP: Span = Span(80);
/// What is tried in a workflow whose step fails.
const TRIES: u64 = 3;

/// Whether its runs are counted here.
pub(super) fn works(agent: &str) -> bool {
    WORKERS.contains(&agent)
}

/// Calls that a write makes at the receiver that honours keys: the second one only where what was
/// done is undone.
pub(super) fn calls(write: &Write) -> Option<[String; 2]> {
    match &write.what {
        What::Saga { tag, .. } => Some([format!("{tag}/pay"), format!("{tag}/unbook")]),
        _ => None,
    }
}

/// How often work was done, by who did it and what they were given.
type Work<'c> = BTreeMap<(&'c str, &'c str), usize>;

pub(super) fn check(collected: &Collected<'_>, findings: &mut Findings) {
    let found = collected.found;
    let mut work: Work<'_> = BTreeMap::new();
    for (run, input) in &found.strangers {
        if let Some(row) = found.runs.get(run).filter(|row| works(&row.agent)) {
            // Whoever of a team did it.
            let who = row
                .agent
                .split_once('-')
                .map_or(row.agent.as_str(), |(team, _)| team);
            *work.entry((who, input)).or_default() += 1;
        }
    }
    let mut undone = 0;
    for write in collected.ledger {
        let Some(run) = write.said("run").filter(|_| write.what.starts_steps()) else {
            continue;
        };
        let Some(row) = found.flows.get(run) else {
            continue; // it is told that it isn't there
        };
        let mut told = Told {
            run,
            row,
            work: &mut work,
            findings,
        };
        match &write.what {
            What::Saga { tag, fails } => {
                undone += usize::from(*fails);
                told.saga(tag, *fails);
                reached(collected, write, *fails, findings);
            }
            What::Line { tag } => told.line(tag),
            What::Batch { tasks } => {
                told.ends("completed");
                for task in tasks {
                    told.did("porter", task, 1);
                }
            }
            What::Wait { .. } => told.waited(),
            What::Nest { tag, items } => {
                told.ends("completed");
                told.did("nester", &format!("nest {tag}/sub"), 1);
                for item in items {
                    told.did("nester", &format!("nest {item}"), 1);
                }
                let within = found.flows.values().filter(|row| row.by == run).count();
                told.expect(within == items.len() + 1, || {
                    format!("has {within} runs within for {} items and one", items.len())
                });
            }
            _ => {}
        }
    }
    rest(work, undone, findings);
    signals(collected, findings);
}

/// What one run says about itself, and the work that it asked for.
struct Told<'t, 'c> {
    run: &'t str,
    row: &'t FlowRow,
    work: &'t mut Work<'c>,
    findings: &'t mut Findings,
}

impl<'t> Told<'t, '_> {
    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        let (run, row) = (self.run, self.row);
        let told = || format!("{run} of {} {}", row.name, what());
        self.findings.expect(CHECK, holds, told);
    }

    fn ends(&mut self, status: &str) {
        let row = self.row;
        let found = row.status.as_str();
        self.expect(found == status, || format!("is {found}, not {status}"));
    }

    /// The work was done so often; it is accounted for then.
    fn did(&mut self, who: &str, input: &str, times: usize) {
        let key = self.work.keys().find(|key| **key == (who, input)).copied();
        let found = key
            .and_then(|key| self.work.remove(&key))
            .unwrap_or_default();
        self.expect(found == times, || {
            format!("had {who} do {input:?} {found} times, not {times}")
        });
    }

    fn step(&mut self, name: &str, status: &str, attempts: u64) -> Option<&'t StepRow> {
        let row = self.row;
        let step = row.steps.get(name);
        let right = step.is_some_and(|it| it.status == status && it.attempts == attempts);
        self.expect(right, || {
            format!("has a step {name} that isn't {status} after {attempts} attempts: {step:?}")
        });
        step
    }

    fn saga(&mut self, tag: &str, fails: bool) {
        self.ends(if fails { "rolled_back" } else { "completed" });
        let last = if fails { "failed" } else { "done" };
        self.step("ship", last, 1);
        let mut undone = Vec::new();
        for name in ["pay", "book"] {
            let step = self.step(name, "done", 1);
            let undo = step.and_then(|step| step.undo.as_deref()).cloned();
            let undo = undo.unwrap_or_default();
            let right = (undo.status == "done") == fails && undo.attempts == u64::from(fails);
            self.expect(right, || format!("undid {name} so: {undo:?}"));
            undone.extend(undo.span);
        }
        // The last thing first, and one at a time.
        let in_turn = undone.windows(2).all(|pair| pair[0].1 <= pair[1].0);
        self.expect(in_turn, || {
            format!("undid what it did in this order: {undone:?}")
        });
        let given = |what: &str| {
            self.work
                .keys()
                .find(|(_, input)| input.contains(what))
                .copied()
        };
        for (who, given) in [
            ("booker", given(&format!("\"{tag}/unbook\""))),
            ("payer", given(&format!("\"{tag}/pay\""))),
        ] {
            let input = given.map_or_else(String::new, |(_, input)| input.to_owned());
            self.did(who, &input, 1);
        }
        if fails {
            self.did("shipper", &format!("no list for {tag}"), 1);
        }
    }

    fn line(&mut self, tag: &str) {
        self.ends("partial");
        for (name, status, attempts) in [
            ("one", "done", 1),
            ("two", "done", 1),
            ("three", "failed", TRIES),
            ("four", "done", 1),
        ] {
            self.step(name, status, attempts);
        }
        // The second gets what the first one gave.
        self.did("liner", &format!("one of {tag}"), 2);
        self.did("breaker", &format!("three of {tag}"), TRIES as usize);
        self.did("liner", &format!("four of {tag}"), 1);
    }

    fn waited(&mut self) {
        self.ends("completed");
        for name in ["hold", "paid", "again", "keep"] {
            self.step(name, "done", 1);
        }
        let nap = self.step("nap", "done", 1).and_then(|step| step.span);
        let long = nap.is_some_and(|(began, ended)| ended - began >= NAP);
        self.expect(long, || {
            format!("was to wait for {NAP:?}, and did so: {nap:?}")
        });
        let row = self.row;
        let output = row.output.as_str();
        self.expect(output == "1 and 2", || {
            format!("took the first two signals so: {output:?}")
        });
    }
}

/// What a saga did arrived, and what undoes it only where it was undone; how often anything of it
/// happened is looked at with all other calls.
fn reached(collected: &Collected<'_>, write: &Write, fails: bool, findings: &mut Findings) {
    let hits = times(collected.keyed);
    let Some([pay, unbook]) = calls(write) else {
        return;
    };
    for (call, wanted) in [(pay, true), (unbook, fails)] {
        let arrived = hits.contains_key(call.as_str());
        findings.expect(CHECK, arrived == wanted, || {
            let word = if wanted {
                "never"
            } else {
                "though nothing is undone"
            };
            format!("{call} arrived {word}")
        });
    }
}

/// Whatever nobody asked for, and what has no tag of its own.
fn rest(mut work: Work<'_>, undone: usize, findings: &mut Findings) {
    let mut refunds = 0;
    work.retain(|(who, input), count| {
        let refund = *who == "refunder";
        refunds += if refund { *count } else { 0 };
        // One that doesn't fail ships nothing, as all of these do.
        let ships = *who == "shipper" && input.trim_start().starts_with("{\"calls\"");
        !refund && !ships
    });
    findings.expect(CHECK, refunds == undone, || {
        format!("{undone} sagas were undone, and {refunds} payments")
    });
    for ((who, input), count) in work {
        findings.add(
            CHECK,
            format!("nobody asked {who} for {input:?}, done {count} times"),
        );
    }
}

/// Each signal that somebody was told of is in the journal, once.
fn signals(collected: &Collected<'_>, findings: &mut Findings) {
    let rows = collected.found.audit.iter();
    let kept = rows.filter(|row| row.action == "event.signalled").count();
    let acked = collected.ledger.iter();
    let acked = acked.filter(|w| w.what == What::Signal && w.reply().is_some());
    let acked = acked.count();
    findings.expect(CHECK, kept == acked, || {
        format!("{acked} signals were acknowledged, the journal has {kept}")
    });
}

/// How many runs are steps of others.
pub(super) fn within(collected: &Collected<'_>) -> usize {
    let all = collected.found.flows.values();
    all.filter(|row| row.by.starts_with("plan_")).count()
}

#[cfg(test)]
mod tests {
    use naos_types::Time;
    use serde_json::json;

    use super::super::tests::{hit, journal_of, run, write};
    use super::*;
    use crate::crashtest::checks::Finding;
    use crate::crashtest::gather::Gathered;
    use crate::crashtest::receiver::Hit;

    struct World {
        ledger: Vec<Write>,
        found: Gathered,
        keyed: Vec<Hit>,
    }

    fn step(status: &str, attempts: u64, span: (i64, i64)) -> StepRow {
        let span = (status == "done").then_some((Time(span.0), Time(span.1)));
        StepRow {
            status: status.into(),
            attempts,
            span,
            undo: None,
        }
    }

    fn row(name: &str, status: &str, steps: &[(&str, StepRow)]) -> FlowRow {
        let steps = steps
            .iter()
            .map(|(name, step)| ((*name).into(), step.clone()));
        FlowRow {
            name: name.into(),
            status: status.into(),
            steps: steps.collect(),
            ..FlowRow::default()
        }
    }

    fn undone(at: i64) -> StepRow {
        StepRow {
            undo: Some(Box::new(step("done", 1, (at, at + 1)))),
            ..step("done", 1, (0, 1))
        }
    }

    fn right() -> World {
        let kinds = [
            (
                "s",
                What::Saga {
                    tag: "t1".into(),
                    fails: true,
                },
            ),
            ("l", What::Line { tag: "t2".into() }),
            (
                "b",
                What::Batch {
                    tasks: vec!["batch t3/0".into(), "batch t3/1".into()],
                },
            ),
            ("w", What::Wait { tag: "t4".into() }),
            (
                "n",
                What::Nest {
                    tag: "t5".into(),
                    items: vec!["t5/0".into()],
                },
            ),
        ];
        let begun =
            |(id, what): (&str, What)| write(id, what, json!({"run": format!("plan_{id}")}));
        let mut ledger: Vec<Write> = kinds.into_iter().map(begun).collect();
        ledger.push(write("go", What::Signal, json!({"run": "plan_w"})));
        let done = || step("done", 1, (0, 100));
        let saga = [
            ("book", undone(7)),
            ("pay", undone(5)),
            ("ship", step("failed", 1, (0, 0))),
        ];
        let line = [
            ("one", done()),
            ("two", done()),
            ("three", step("failed", 3, (0, 0))),
            ("four", done()),
        ];
        let waits = ["hold", "paid", "nap", "again", "keep"].map(|name| (name, done()));
        let mut patient = row("patience", "completed", &waits);
        patient.output = "1 and 2".into();
        let mut within = row("inner", "completed", &[]);
        within.by = "plan_n".into();
        let flows = [
            ("plan_s", row("trip", "rolled_back", &saga)),
            ("plan_l", row("line", "partial", &line)),
            ("plan_b", row("team", "completed", &[])),
            ("plan_w", patient),
            ("plan_n", row("outer", "completed", &[])),
            ("plan_n1", within.clone()),
            ("plan_n2", within),
        ];
        let work = [
            ("booker", "{\"body\": \"t1/unbook\"}"),
            ("payer", "{\"body\": \"t1/pay\"}"),
            ("shipper", "no list for t1"),
            ("refunder", "[]"),
            ("liner", "one of t2"),
            ("liner", "one of t2"),
            ("breaker", "three of t2"),
            ("breaker", "three of t2"),
            ("breaker", "three of t2"),
            ("liner", "four of t2"),
            ("porter-a", "batch t3/0"),
            ("porter-b", "batch t3/1"),
            ("nester", "nest t5/sub"),
            ("nester", "nest t5/0"),
        ];
        let mut found = Gathered {
            flows: flows
                .into_iter()
                .map(|(id, row)| (id.into(), row))
                .collect(),
            audit: journal_of(&[("event.signalled", "go", "")]),
            ..Gathered::default()
        };
        for (at, (agent, input)) in work.into_iter().enumerate() {
            let id = format!("run_{at}");
            found.runs.insert(id.clone(), run(agent, "completed", ""));
            found.strangers.push((id, input.into()));
        }
        let keyed = [("t1/pay", "k1"), ("t1/unbook", "k2")];
        let keyed = keyed.map(|(tag, key)| hit(tag, Some(key), true)).into();
        World {
            ledger,
            found,
            keyed,
        }
    }

    fn findings(world: &World) -> Vec<Finding> {
        let mut findings = Findings::default();
        let collected = Collected {
            ledger: &world.ledger,
            found: &world.found,
            keyed: &world.keyed,
            plain: &[],
            asked: &[],
            told: &[],
            thoughts: &[],
        };
        check(&collected, &mut findings);
        findings.0
    }

    fn flow<'w>(world: &'w mut World, run: &str) -> &'w mut FlowRow {
        world.found.flows.get_mut(run).expect("it is there")
    }

    fn stands<'w>(world: &'w mut World, run: &str, step: &str) -> &'w mut StepRow {
        let steps = &mut flow(world, run).steps;
        steps.get_mut(step).expect("it is there")
    }

    /// Breaks the world in one way.
    type Break = fn(&mut World);

    #[test]
    fn what_steps_did_wrongly_is_seen() {
        assert_eq!(findings(&right()), []);
        let cases: &[(&str, Break)] = &[
            ("is completed, not rolled_back", |w| {
                flow(w, "plan_s").status = "completed".into();
            }),
            ("undid pay so", |w| stands(w, "plan_s", "pay").undo = None),
            ("in this order", |w| {
                *stands(w, "plan_s", "book") = undone(4);
            }),
            ("t1/unbook arrived never", |w| drop(w.keyed.pop())),
            ("1 sagas were undone, and 0 payments", |w| {
                drop(w.found.strangers.remove(3));
            }),
            ("had shipper do", |w| drop(w.found.strangers.remove(2))),
            ("three that isn't failed after 3", |w| {
                stands(w, "plan_l", "three").attempts = 4;
            }),
            ("do \"one of t2\" 1 times", |w| {
                drop(w.found.strangers.remove(4));
            }),
            ("do \"batch t3/1\" 0 times", |w| {
                drop(w.found.strangers.remove(11));
            }),
            ("took the first two signals", |w| {
                flow(w, "plan_w").output = "2 and 1".into();
            }),
            ("was to wait for", |w| {
                *stands(w, "plan_w", "nap") = step("done", 1, (0, 79));
            }),
            ("1 signals were acknowledged", |w| w.found.audit.clear()),
            ("has 1 runs within", |w| {
                drop(w.found.flows.remove("plan_n2"));
            }),
            ("nobody asked nester", |w| {
                w.found
                    .runs
                    .insert("run_x".into(), run("nester", "completed", ""));
                w.found.strangers.push(("run_x".into(), "nest t9".into()));
            }),
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
