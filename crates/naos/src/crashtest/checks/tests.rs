use serde_json::json;

use super::*;
use crate::crashtest::door::Answer;
use crate::crashtest::gather::{RunRow, Spent};

/// A small world in which everything is right.
struct World {
    ledger: Vec<Write>,
    found: Gathered,
    keyed: Vec<Hit>,
    plain: Vec<Hit>,
    asked: Vec<Hit>,
    told: Vec<Hit>,
    thoughts: Vec<Thought>,
}

pub(super) fn write(key: &str, what: What, reply: Value) -> Write {
    Write {
        key: key.into(),
        what,
        method: "POST",
        path: "/x".into(),
        body: Value::Null,
        stand: Stand::Acked { status: 200, reply },
        sent: 1,
    }
}

pub(super) fn hit(tag: &str, key: Option<&str>, effect: bool) -> Hit {
    Hit {
        tag: tag.into(),
        key: key.map(str::to_owned),
        effect,
    }
}

pub(super) fn run(agent: &str, status: &str, output: &str) -> RunRow {
    RunRow {
        agent: agent.into(),
        status: status.into(),
        output: output.into(),
    }
}

pub(super) fn journal_of(rows: &[(&str, &str, &str)]) -> Vec<Row> {
    let row = |(at, (action, subject, run)): (usize, &(&str, &str, &str))| Row {
        seq: at as u64 + 1,
        action: (*action).into(),
        subject: (*subject).into(),
        run: (!run.is_empty()).then(|| (*run).into()),
        detail: String::new(),
    };
    rows.iter().enumerate().map(row).collect()
}

fn right() -> World {
    let courier = What::Courier {
        tag: "t".into(),
        keyed: vec![true, false],
    };
    let agent = What::Agent {
        name: "s".into(),
        cost: 10,
        limit: 25,
    };
    let document = What::Document {
        path: "n.md".into(),
    };
    let decide = What::Decide {
        approval: "a1".into(),
        approve: true,
    };
    let plan = What::Plan {
        tag: "p".into(),
        items: 1,
    };
    let ledger = vec![
        write(
            "echo",
            What::Echo,
            json!({"run": "r1", "task": "t1", "agent": "echo", "seq": 2}),
        ),
        write("courier", courier, json!({"run": "r2", "seq": 4})),
        write("agent", agent, json!({"name": "s", "version": 1, "seq": 5})),
        write(
            "spend",
            What::Spend { agent: "s".into() },
            json!({"run": "r3", "seq": 7}),
        ),
        write(
            "document",
            document,
            json!({"path": "n.md", "version": 1, "seq": 10}),
        ),
        write(
            "plan",
            plan,
            json!({"run": "p1", "name": "crash", "seq": 11}),
        ),
        write("decide", decide, json!({"approval": "a1", "seq": 16})),
        write(
            "event",
            What::Event { topic: "e".into() },
            json!({"event": "e1", "seq": 18}),
        ),
        write(
            "ask",
            What::Ask { tag: "q".into() },
            json!({"event": "e2", "seq": 21}),
        ),
    ];
    let audit = journal_of(&[
        ("agent.started", "r1", "r1"),
        ("agent.completed", "r1", "r1"),
        ("agent.started", "r2", "r2"),
        ("agent.completed", "r2", "r2"),
        ("agent.created", "s", ""),
        ("cost.reserved", "s", "r3"),
        ("agent.started", "r3", "r3"),
        ("agent.completed", "r3", "r3"),
        ("cost.recorded", "s", "r3"),
        ("document.updated", "n.md", ""),
        ("plan.started", "crash", ""),
        ("agent.started", "r4", "r4"),
        ("agent.completed", "r4", "r4"),
        ("agent.started", "r5", "r5"),
        ("agent.completed", "r5", "r5"),
        ("approval.approved", "a1", ""),
        ("document.updated", "plans/p.md", ""),
        ("event.published", "e", ""),
        ("event.published", ASK_TOPIC, ""),
        ("agent.started", "r6", "r6"),
        ("agent.completed", "r6", "r6"),
    ]);
    let runs = [
        ("r1", run("echo", "completed", "x")),
        (
            "r2",
            run("courier", "completed", r#"[{"status":200},{"status":200}]"#),
        ),
        ("r3", run("s", "completed", "x")),
        ("r4", run("echo", "completed", "x")),
        ("r5", run("echo", "completed", "x")),
        ("r6", run("driver-outside", "completed", "did q")),
    ];
    let again = ledger.iter().map(|write| {
        let body = write.reply().cloned().unwrap_or_default();
        (write.clone(), Some(Answer { status: 200, body }))
    });
    let found = Gathered {
        runs: runs.into_iter().map(|(id, row)| (id.into(), row)).collect(),
        plans: [("p1".into(), "completed".into())].into(),
        flows: BTreeMap::new(),
        supervised: BTreeMap::new(),
        approvals: [("a1".into(), "approved".into())].into(),
        audit,
        totals: BTreeMap::new(),
        boards: Vec::new(),
        money: [(
            "s".into(),
            Spent {
                limit: 25,
                reserved: 0,
                spent: 10,
            },
        )]
        .into(),
        agents: ["s".into()].into(),
        documents: [("n.md".into(), 1)].into(),
        strangers: vec![
            ("r4".into(), "item p/0".into()),
            ("r5".into(), "draft of p".into()),
            ("r6".into(), r#"{"id": "e2", "data": {"tag": "q"}}"#.into()),
        ],
        verified: (true, 21, String::new()),
        again: again.collect(),
    };
    let keyed = vec![hit("t/0", Some("k1"), true), hit("t/0", Some("k1"), false)];
    World {
        ledger,
        found,
        keyed,
        plain: vec![hit("t/1", None, true)],
        asked: vec![
            hit("q", Some("k9"), false),
            hit("q", Some("k9"), true),
            hit("q", Some("k9"), false),
        ],
        told: Vec::new(),
        thoughts: Vec::new(),
    }
}

impl World {
    fn findings(&self) -> Vec<Finding> {
        let Self {
            ledger,
            found,
            keyed,
            plain,
            asked,
            told,
            thoughts,
        } = self;
        all(&Collected {
            ledger,
            found,
            keyed,
            plain,
            asked,
            told,
            thoughts,
        })
    }

    fn status(&mut self, run: &str, status: &str) {
        self.found.runs.get_mut(run).expect("it is there").status = status.into();
    }

    fn stand(&mut self, key: &str, stand: Stand) {
        let found = self.ledger.iter_mut().find(|write| write.key == key);
        found.expect("it is there").stand = stand;
    }

    fn renumber(&mut self) {
        for (at, row) in self.found.audit.iter_mut().enumerate() {
            row.seq = at as u64 + 1;
        }
    }

    fn push(&mut self, action: &str, subject: &str, run: &str) {
        self.found
            .audit
            .extend(journal_of(&[(action, subject, run)]));
        self.renumber();
        self.found.verified.1 += 1;
    }
}

fn no(code: Code) -> Stand {
    Stand::Refused {
        status: 409,
        reply: json!({"code": code.to_string()}),
    }
}

#[test]
fn nothing_is_wrong_where_everything_is_right() {
    assert_eq!(right().findings(), []);
    let mut world = right();
    world.stand("spend", no(Code::OVER_BUDGET));
    world
        .found
        .strangers
        .push(("r3".into(), "what a refused write left".into()));
    assert_eq!(world.findings(), []);
}

/// Breaks the world in one way.
type Break = fn(&mut World);

#[test]
fn everything_that_is_wrong_is_seen() {
    let cases: &[(&str, &str, Break)] = &[
        ("journal", "seq 3 stands where 2", |w| {
            drop(w.found.audit.remove(1));
        }),
        ("journal", "audit verify: bad", |w| {
            w.found.verified = (false, 21, "bad".into());
        }),
        ("journal", "covers 17 entries", |w| w.found.verified.1 = 17),
        ("answered", "echo was never answered", |w| {
            w.stand("echo", Stand::Open);
        }),
        ("answered", "echo was refused", |w| {
            w.stand("echo", no(Code::OVER_BUDGET));
        }),
        ("answered", "spend was refused", |w| {
            w.stand("spend", no(Code::NO_AGENT));
        }),
        ("acknowledged", "echo: run is not there", |w| {
            drop(w.found.runs.remove("r1"));
        }),
        ("acknowledged", "plan: plan is not", |w| {
            drop(w.found.plans.remove("p1"));
        }),
        ("acknowledged", "agent: agent is not", |w| {
            w.found.agents.clear();
        }),
        ("acknowledged", "document: document", |w| {
            w.found.documents.clear();
        }),
        ("acknowledged", "version 2 after 1", |w| {
            w.found.documents.insert("n.md".into(), 2);
        }),
        ("acknowledged", "decide: decide is", |w| {
            w.found.approvals.insert("a1".into(), "rejected".into());
        }),
        ("acknowledged", "event: event is not", |w| {
            w.found.audit[17].subject = "f".into();
        }),
        ("acknowledged", "relies on seq Some(21)", |w| {
            drop(w.found.audit.pop());
        }),
        ("same answer", "echo: first", |w| w.found.again[0].1 = None),
        ("same answer", "asked again 200", |w| {
            w.found.again[0].1.as_mut().expect("there").body["run"] = json!("r9");
        }),
        ("once", "agent.completed r1 is recorded 2", |w| {
            w.push("agent.completed", "r1", "r1");
        }),
        ("once", "document.updated n.md is", |w| {
            w.push("document.updated", "n.md", "");
        }),
        ("once", "event.published crash.ask is", |w| {
            w.push("event.published", ASK_TOPIC, "");
        }),
        ("once", "event.published e is", |w| {
            w.push("event.published", "e", "");
        }),
        ("once", "says completed: true", |w| w.status("r1", "failed")),
        ("once", "does \"once c1\" again", |w| {
            w.found.strangers.push(("r9".into(), "once c1".into()));
        }),
        ("plans", "was run 2 times", |w| {
            w.found.strangers.push(w.found.strangers[0].clone());
        }),
        ("plans", "never ran", |w| drop(w.found.strangers.remove(1))),
        ("plans", "2 plans were started", |w| {
            w.push("plan.started", "crash", "");
        }),
        ("plans", "document is there: true", |w| {
            w.found.plans.insert("p1".into(), "failed".into());
        }),
        ("ended", "r1 of echo is running", |w| {
            w.status("r1", "running");
        }),
        ("ended", "p1 is held", |w| {
            drop(w.found.plans.insert("p1".into(), "held".into()));
        }),
        ("ended", "a1 still waits", |w| {
            w.found.approvals.insert("a1".into(), "pending".into());
        }),
    ];
    for (check, what, breaks) in cases {
        let mut world = right();
        breaks(&mut world);
        let findings = world.findings();
        let seen = findings
            .iter()
            .any(|it| it.check == *check && it.what.contains(what));
        assert!(seen, "{check} {what}: {findings:?}");
    }
}

#[test]
fn money_that_is_wrong_is_seen() {
    let cases: &[(&str, Break)] = &[
        ("its limit is 25", |w| {
            for run in ["r6", "r7"] {
                w.push("cost.reserved", "s", run);
            }
        }),
        ("still has money set aside", |w| {
            w.push("cost.reserved", "s", "r6");
        }),
        ("doesn't follow", |w| w.push("cost.recorded", "s", "r3")),
        ("as it is told", |w| {
            w.found.money.get_mut("s").expect("there").spent = 20;
        }),
        ("with 10 set aside", |w| {
            w.found.money.get_mut("s").expect("there").reserved = 10;
        }),
        ("completed 0 runs", |w| w.status("r3", "running")),
    ];
    for (what, breaks) in cases {
        let mut world = right();
        breaks(&mut world);
        let findings = world.findings();
        let seen = findings
            .iter()
            .any(|it| it.check == "money" && it.what.contains(what));
        assert!(seen, "{what}: {findings:?}");
    }
}

#[test]
fn effects_that_are_wrong_are_seen() {
    let cases: &[(&str, Break)] = &[
        ("took effect 2 times", |w| {
            w.keyed.push(hit("t/0", Some("k2"), true));
        }),
        ("lost its key", |w| w.keyed.push(hit("t/0", None, true))),
        ("stands for", |w| {
            w.keyed.push(hit("u/0", Some("k1"), false));
        }),
        ("nobody asked for u/0", |w| {
            w.keyed.push(hit("u/0", Some("k3"), true));
        }),
        ("key that nobody honours", |w| {
            w.plain[0].key = Some("k".into());
        }),
        ("a person allowed 0", |w| {
            w.plain.push(hit("t/1", None, true));
        }),
        ("arrived None times", |w| w.plain.clear()),
        ("made 1 of 2 calls", |w| {
            w.found.runs.get_mut("r2").expect("there").output = r#"[{"status":200}]"#.into();
        }),
        ("arrived Some(1) times", |w| {
            let output = r#"[{"status":200},{"error":"unknown"}]"#;
            w.found.runs.get_mut("r2").expect("there").output = output.into();
        }),
    ];
    for (what, breaks) in cases {
        let mut world = right();
        breaks(&mut world);
        let findings = world.findings();
        let seen = findings
            .iter()
            .any(|it| it.check == "effects" && it.what.contains(what));
        assert!(seen, "{what}: {findings:?}");
    }
}

#[test]
fn events_at_an_endpoint_that_went_wrong_are_seen() {
    let cases: &[(&str, Break)] = &[
        ("q took effect 2 times, under the keys", |w| {
            w.asked.push(hit("q", Some("k10"), true));
        }),
        ("q took effect 1 times, under the keys", |w| {
            w.asked.push(hit("q", Some("k10"), false));
        }),
        ("q lost its key", |w| w.asked.push(hit("q", None, false))),
        ("k9 stands for", |w| {
            w.asked.push(hit("z", Some("k9"), false));
        }),
        ("nobody published z", |w| {
            w.asked.push(hit("z", Some("k10"), true));
        }),
        ("never heard of it", |w| w.asked.clear()),
        ("q has 0 runs", |w| drop(w.found.strangers.pop())),
        ("q has 2 runs", |w| {
            let row = run("driver-outside", "completed", "did q");
            w.found.runs.insert("r7".into(), row);
            let again = r#"{"id": "e3", "data": {"tag": "q"}}"#;
            w.found.strangers.push(("r7".into(), again.into()));
        }),
        ("its endpoint said \"did q\"", |w| {
            w.found.runs.get_mut("r6").expect("there").output = "did p".into();
        }),
    ];
    for (what, breaks) in cases {
        let mut world = right();
        breaks(&mut world);
        let findings = world.findings();
        let seen = findings
            .iter()
            .any(|it| it.check == "endpoint" && it.what.contains(what));
        assert!(seen, "{what}: {findings:?}");
    }
    // It may be asked more than once, and not be left half way.
    let mut world = right();
    for _ in 0..3 {
        world.push("agent.failed", "r6", "r6");
        world.push("agent.started", "r6", "r6");
    }
    assert_eq!(world.findings(), []);
    world.status("r6", "failed");
    let seen = world.findings();
    assert!(seen.iter().any(|it| it.check == "ended"), "{seen:?}");
}

#[test]
fn every_timer_rings_once() {
    for (attempts, right_count) in [(2, false), (3, true), (4, false)] {
        let mut world = right();
        let reply = json!({"run": "r9", "seq": 18});
        world.ledger.push(write("flaky", What::Flaky, reply));
        world
            .found
            .runs
            .insert("r9".into(), run("flaky", "failed", ""));
        for _ in 0..attempts {
            world.push("agent.started", "r9", "r9");
            world.push("agent.failed", "r9", "r9");
        }
        let seen = world
            .findings()
            .iter()
            .filter(|it| it.check == "once")
            .count();
        assert_eq!(seen == 0, right_count, "{attempts} attempts");
    }
}

#[test]
fn what_a_person_decided_is_no_failure() {
    let mut world = right();
    let resolve = What::Resolve {
        run: "r2".into(),
        verdict: "retry",
    };
    world.push("agent.resolved", "r2", "r2");
    world
        .ledger
        .push(write("resolve", resolve, json!({"run": "r2", "seq": 19})));
    world.plain.push(hit("t/1", None, true));
    let output = r#"[{"status":200},{"error":"a person decided"}]"#;
    world.found.runs.get_mut("r2").expect("there").output = output.into();
    assert_eq!(world.findings(), []);
    let Some(unknown) = world.found.runs.get_mut("r2") else {
        return;
    };
    *unknown = run("courier", "unknown", "");
    world
        .found
        .audit
        .retain(|row| (row.action.as_str(), row.subject.as_str()) != ("agent.completed", "r2"));
    world.renumber();
    for write in &mut world.ledger {
        let Stand::Acked { reply, .. } = &mut write.stand else {
            continue;
        };
        reply["seq"] = json!(1);
    }
    world.found.again.clear();
    assert_eq!(world.findings(), []);
    let (found, ledger) = (&world.found, world.ledger.as_slice());
    let (keyed, plain) = (world.keyed.as_slice(), world.plain.as_slice());
    let asked = world.asked.as_slice();
    let counted = count(&Collected {
        ledger,
        found,
        keyed,
        plain,
        asked,
        told: &[],
        thoughts: &[],
    });
    let expected = Effects {
        attempts: 2,
        effects: 1,
        plain_hits: 2,
        plain_again: 1,
        unknown: 1,
        resolved: 1,
        endpoint_attempts: 3,
        endpoint_effects: 1,
    };
    assert_eq!(counted, expected);
}
