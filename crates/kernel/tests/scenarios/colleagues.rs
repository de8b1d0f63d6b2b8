//! Agents that work together by their tools, and that are shown what people corrected.

use std::sync::Arc;

use naos_kernel::run::CORRECTIONS_MAX;
use naos_kernel::task::{ENTRUSTED_MAX, HANDS_MAX, LEVELS_MAX, OWN_OPEN_MAX};
use naos_kernel::{AnyAggregate, Key};
use naos_types::command;
use naos_types::effect::{Driver, Effect};
use naos_types::fact::{Fact, approval};
use naos_types::input::{CallEnded, CallOutcome, Input};
use naos_types::spec::{AgentSpec, Card, Kind, MindSpec, Starts, SubscriptionSpec};
use naos_types::think::{Thought, ToolCall};
use naos_types::{DocPath, Priority, Role, Span, TaskStatus, Time};
use serde_json::json;

use crate::bench::{Bench, sealed};
use crate::board::{card, go, name, put, say, status};
use crate::events::{filter, publish, subscribe};
use crate::script::play_in;

/// A cell with agents that work with a model, and that may all that tools let them.
pub fn minds(names: &[&str]) -> Bench {
    let mut bench = crate::thinking::made(crate::thinking::mind());
    for agent in names {
        let create = command::Agent::Create {
            name: name(agent),
            spec: AgentSpec {
                mind: Some(Arc::new(crate::thinking::mind())),
                ..AgentSpec::default()
            },
        };
        bench.command(create).0.unwrap();
    }
    bench
}

/// What the agent's model says, and nothing more.
pub fn says(bench: &mut Bench, agent: &str, text: &str) {
    let thought = Thought {
        text: text.into(),
        stop: "end".into(),
        ..Thought::default()
    };
    for fact in thinks(bench, agent, &thought) {
        if let Fact::Approval(approval::Fact::Requested(f)) = fact {
            bench.approval = Some(f.approval);
        }
    }
}

/// What an agent's model wants to have called.
pub fn calls(
    bench: &mut Bench,
    agent: &str,
    tool: &str,
    arguments: serde_json::Value,
) -> Vec<Fact> {
    let thought = Thought {
        calls: vec![ToolCall {
            id: "c".into(),
            name: tool.into(),
            arguments: arguments.to_string(),
        }],
        stop: "tool_use".into(),
        ..Thought::default()
    };
    thinks(bench, agent, &thought)
}

/// The agent's model answers: the one of its last run.
fn thinks(bench: &mut Bench, agent: &str, thought: &Thought) -> Vec<Fact> {
    let asked = bench.open().into_iter().filter_map(|effect| match effect {
        Effect::Call(call) if call.driver == Driver::Model && call.who == name(agent) => Some(call),
        _ => None,
    });
    let asked = asked
        .last()
        .unwrap_or_else(|| panic!("{agent} asks no model"));
    let body = bench.body(&serde_json::to_vec(thought).unwrap());
    let end = CallEnded {
        by: asked.by,
        attempt: asked.attempt,
        outcome: CallOutcome::Answered(body),
    };
    let (reply, facts) = bench.external(Input::CallEnded(end));
    reply.unwrap();
    facts
}

pub fn kinds(facts: &[Fact]) -> Vec<&str> {
    facts.iter().map(Fact::kind).collect()
}

#[test]
fn agents_hand_a_task_on_so_often_and_no_more() {
    let mut bench = minds(&["ping", "pong"]);
    let task = put(&mut bench, card("ping"));
    let mut both = ["ping", "pong"].into_iter().cycle().peekable();
    for _ in 0..HANDS_MAX {
        go(&mut bench);
        let (from, to) = (both.next().unwrap(), *both.peek().unwrap());
        let facts = calls(
            &mut bench,
            from,
            "hand_over",
            json!({"to": to, "note": "yours"}),
        );
        assert!(
            kinds(&facts).contains(&"task.handed"),
            "{:?}",
            kinds(&facts)
        );
    }
    go(&mut bench);
    let (from, to) = (both.next().unwrap(), *both.peek().unwrap());
    let facts = calls(
        &mut bench,
        from,
        "hand_over",
        json!({"to": to, "note": "yours"}),
    );
    assert!(
        !kinds(&facts).contains(&"task.handed"),
        "a person decides now"
    );
    // It waits for one, and its thread says why.
    assert_eq!(status(&bench, task), TaskStatus::Blocked);
    for kind in ["task.moved", "message.said", "run.cancelled"] {
        assert!(kinds(&facts).contains(&kind), "{kind}: {:?}", kinds(&facts));
    }
    let said = facts.iter().find_map(|fact| match fact {
        Fact::Message(naos_types::fact::message::Fact::Said(f)) => Some(bench.text(&f.body)),
        _ => None,
    });
    assert!(
        said.unwrap()
            .contains("(N0207): agents handed it on 8 times")
    );
    // They let it go on where it stands, and whoever has it does it.
    bench.command(command::Task::Begin { task }).0.unwrap();
    go(&mut bench);
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    says(&mut bench, from, "Done.");
    assert_eq!(status(&bench, task), TaskStatus::Done);
}

#[test]
fn tasks_of_agents_lie_so_deep_and_no_deeper() {
    let mut bench = minds(&["a", "b"]);
    let mut both = ["a", "b"].into_iter().cycle().peekable();
    put(&mut bench, card("a"));
    let mut made = 0;
    for _ in 0..2 * LEVELS_MAX {
        bench.wait(Span(1)); // what comes later has the greater id
        let (from, to) = (both.next().unwrap(), *both.peek().unwrap());
        let asked = json!({"title": "more", "text": "of it", "to": to});
        if !kinds(&calls(&mut bench, from, "task_create", asked)).contains(&"task.planned") {
            break;
        }
        made += 1;
    }
    assert_eq!(made, LEVELS_MAX - 1, "the first one is a level, too");
}

#[test]
fn an_agent_makes_so_many_parts_for_others() {
    let mut bench = minds(&["a", "b"]);
    put(&mut bench, card("a"));
    go(&mut bench);
    let own = json!({"title": "x", "text": "y", "to": "a"});
    let facts = calls(&mut bench, "a", "task_create", own);
    assert!(
        !kinds(&facts).contains(&"task.planned"),
        "its own work is no task for others"
    );
    let mut made = 0;
    for number in 0..2 * ENTRUSTED_MAX {
        let asked = json!({"title": format!("part {number}"), "text": "y", "to": "b"});
        let facts = calls(&mut bench, "a", "task_create", asked);
        if !kinds(&facts).contains(&"task.planned") {
            break;
        }
        made += 1;
    }
    assert_eq!(made, ENTRUSTED_MAX);
}

#[test]
fn an_agent_speaks_where_it_has_to_do_with_the_task() {
    let mut bench = minds(&["a", "b"]);
    let other = put(&mut bench, card("b"));
    put(&mut bench, card("a"));
    go(&mut bench);
    let there = json!({"text": "obey me, @b", "task": other.to_string()});
    let facts = calls(&mut bench, "a", "say", there);
    assert!(
        !kinds(&facts).contains(&"message.said"),
        "{:?}",
        kinds(&facts)
    );
    let facts = calls(&mut bench, "a", "say", json!({"text": "I begin."}));
    assert!(
        kinds(&facts).contains(&"message.said"),
        "{:?}",
        kinds(&facts)
    );
    // Whoever looks at a task has no right to give it away.
    let facts = calls(
        &mut bench,
        "a",
        "hand_over",
        json!({"to": "b", "note": "yours"}),
    );
    assert!(kinds(&facts).contains(&"task.handed"));
    let mut bench = minds(&["a", "b"]);
    let task = put(&mut bench, card("b"));
    say(&mut bench, task, "@a look");
    go(&mut bench);
    let facts = calls(
        &mut bench,
        "a",
        "hand_over",
        json!({"to": "a", "note": "mine"}),
    );
    assert!(!kinds(&facts).contains(&"task.handed"));
}

#[test]
fn what_people_correct_is_shown_to_its_author() {
    let mut bench = crate::thinking::made(crate::thinking::mind());
    let folder = DocPath::new("agents/writer").unwrap();
    let create = command::Agent::Create {
        name: name("writer"),
        spec: AgentSpec {
            mind: Some(Arc::new(MindSpec {
                workspace: Some(folder),
                ..crate::thinking::mind()
            })),
            grants: naos_types::Grants {
                ask: true,
                ..naos_types::Grants::default()
            },
            ..AgentSpec::default()
        },
    };
    bench.command(create).0.unwrap();
    let path = DocPath::new("agents/writer/CORRECTIONS.md").unwrap();
    let kept = |bench: &Bench| match bench.state.get(&Key::Document(path.clone())) {
        Some(AnyAggregate::Document(document)) => bench.text(&document.body),
        _ => String::new(),
    };
    for number in 0..=CORRECTIONS_MAX {
        put(
            &mut bench,
            Card {
                approve: Some(Role::Staff),
                unreviewed: true,
                ..card("writer")
            },
        );
        bench.wait(Span(1));
        says(&mut bench, "writer", &format!("draft {number}"));
        let facts = match number {
            0 => play_in(&mut bench, "approve"),
            _ => play_in(&mut bench, &format!("approve better {number}")),
        };
        assert!(facts.contains("approval.approved"), "{facts}");
        assert_eq!(
            kept(&bench).is_empty(),
            number == 0,
            "only what was changed"
        );
    }
    let all = kept(&bench);
    let last = format!("> draft {CORRECTIONS_MAX}\n\nA person made it:\n\n> better");
    assert!(all.contains(&last), "{all}");
    assert_eq!(all.matches("You wrote:").count(), CORRECTIONS_MAX);
    put(&mut bench, card("writer"));
    bench.wait(Span(1));
    let shown = bench.open().into_iter().find_map(|effect| match effect {
        Effect::Call(call) if call.driver == Driver::Model => {
            let think: naos_types::think::Think =
                serde_json::from_slice(&bench.bodies[&call.request]).unwrap();
            Some(think.shown)
        }
        _ => None,
    });
    assert_eq!(shown.unwrap()[0].0, path.to_string());
    // What a person answers to its question corrects nothing that it made.
    let facts = calls(
        &mut bench,
        "writer",
        "ask",
        json!({"question": "Which year?"}),
    );
    bench.approval = facts.iter().find_map(|fact| match fact {
        Fact::Approval(approval::Fact::Requested(f)) => Some(f.approval),
        _ => None,
    });
    let facts = play_in(&mut bench, "approve 2026");
    assert!(facts.contains("approval.approved"), "{facts}");
    assert_eq!(kept(&bench), all);
}

#[test]
fn an_agent_hands_its_task_to_a_person() {
    let mut bench = minds(&["a"]);
    let (said, _) = bench.command(command::Member::Add {
        name: sealed("Tojo"),
        role: Role::Staff,
        handle: Some(name("tojo")),
    });
    said.expect("nobody is called so");
    let task = put(&mut bench, card("a"));
    go(&mut bench);
    let part = json!({"title": "ring her", "text": "in the morning", "to": "@tojo"});
    let facts = calls(&mut bench, "a", "task_create", part);
    assert!(
        kinds(&facts).contains(&"task.planned"),
        "{:?}",
        kinds(&facts)
    );
    assert!(
        kinds(&facts).contains(&"member.told"),
        "{:?}",
        kinds(&facts)
    );
    let yours = json!({"to": "tojo", "note": "she wants a person"});
    let facts = calls(&mut bench, "a", "hand_over", yours);
    assert!(
        kinds(&facts).contains(&"task.handed"),
        "{:?}",
        kinds(&facts)
    );
    assert_eq!(status(&bench, task), TaskStatus::Assigned, "it is Tojo's");
}

/// A run of an agent that a person asked for: it is for no task of the board.
fn asked(bench: &mut Bench, agent: &str) {
    let input = bench.body(b"Look after the bills.");
    let open = command::Task::Open {
        title: sealed("bills"),
        input,
        agent: Some(name(agent)),
    };
    bench.command(open).0.unwrap();
}

/// What was planned among these facts.
fn planned(facts: &[Fact]) -> Option<naos_types::fact::task::Planned> {
    facts.iter().find_map(|fact| match fact {
        Fact::Task(naos_types::fact::task::Fact::Planned(f)) => Some(f.clone()),
        _ => None,
    })
}

fn more(number: usize, to: &str) -> serde_json::Value {
    json!({"title": format!("bill {number}"), "text": "pay it", "to": to})
}

#[test]
fn a_run_for_no_task_makes_so_many_of_its_own() {
    let mut bench = minds(&["a", "b"]);
    let mut made = 0;
    for run in 0..3 {
        bench.wait(Span(1)); // what comes later has the greater id
        asked(&mut bench, "a");
        for number in 0..=ENTRUSTED_MAX {
            let facts = calls(&mut bench, "a", "task_create", more(number + 10 * run, "b"));
            let Some(f) = planned(&facts) else { break };
            assert_eq!((f.card.part_of, f.card.hops), (None, 1));
            assert_eq!(f.by, naos_types::Actor::Agent(name("a")));
            made += 1;
        }
        let most = (run + 1) * ENTRUSTED_MAX;
        assert_eq!(
            made,
            most.min(OWN_OPEN_MAX),
            "each run some, an agent not all of them"
        );
    }
}

#[test]
fn what_an_agent_may_say_of_a_task() {
    let mut bench = minds(&["a", "b", "c"]);
    asked(&mut bench, "a");
    for wrong in [
        json!({"priority": "urgent"}),
        json!({"priority": "soon"}),
        json!({"due": "tomorrow"}),
        json!({"labels": [""]}),
        json!({"reviewer": "a"}),
        json!({"to": "a"}),
    ] {
        let mut given = more(0, "b");
        for (key, value) in wrong.as_object().unwrap() {
            given[key] = value.clone();
        }
        let facts = calls(&mut bench, "a", "task_create", given);
        assert!(planned(&facts).is_none(), "{wrong}");
    }
    let mut given = more(1, "c");
    given["priority"] = "high".into();
    given["due"] = "2027-01-15".into();
    given["labels"] = json!(["bills", " late "]);
    let facts = calls(&mut bench, "a", "task_create", given);
    let f = planned(&facts).expect("it is planned");
    assert_eq!(f.card.priority, Priority::High);
    assert_eq!(f.card.due, Time::parse("2027-01-15"));
    let labels: Vec<&str> = f.card.labels.iter().map(String::as_str).collect();
    assert_eq!(labels, ["bills", "late"]);
    // Its thread says in whose name it was made.
    let said = crate::board::thread(&bench, f.task);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("system: a made this in run_"),
        "{said:?}"
    );
    assert!(said[0].contains(", for mem_"), "{said:?}");
    // A part of what is urgent may be urgent.
    let task = put(
        &mut bench,
        Card {
            priority: Priority::Urgent,
            ..card("b")
        },
    );
    go(&mut bench);
    let mut given = more(2, "a");
    given["priority"] = "urgent".into();
    let facts = calls(&mut bench, "b", "task_create", given);
    let f = planned(&facts).expect("it is planned");
    assert_eq!(
        (f.card.part_of, f.card.priority),
        (Some(task), Priority::Urgent)
    );
}

#[test]
fn whoever_is_asked_in_a_task_makes_parts_of_it() {
    let mut bench = minds(&["a", "b", "c"]);
    let task = put(&mut bench, card("a"));
    go(&mut bench);
    let question = json!({"to": "b", "question": "What is late?"});
    calls(&mut bench, "a", "ask_agent", question);
    let facts = calls(&mut bench, "b", "task_create", more(1, "c"));
    let f = planned(&facts).expect("it is planned");
    assert_eq!(f.card.part_of, Some(task));
}

#[test]
fn tasks_and_events_that_lead_to_each_other_end() {
    let mut bench = minds(&["x"]); // beside brain, which publishes notes
    let listens = SubscriptionSpec {
        filter: filter("note.*"),
        starts: Some(Starts {
            kind: Kind::Agent,
            name: name("x"),
            input: None,
        }),
        ..SubscriptionSpec::default()
    };
    subscribe(&mut bench, "notes", listens);
    publish(&mut bench, "note.made", "{}");
    let mut made = 0;
    for number in 0..2 * LEVELS_MAX {
        let facts = calls(&mut bench, "x", "task_create", more(number, "brain"));
        says(&mut bench, "x", "Given on.");
        if planned(&facts).is_none() {
            break;
        }
        made += 1;
        go(&mut bench);
        let note = json!({"type": "note.made", "data": {"n": number}});
        calls(&mut bench, "brain", "emit", note);
        says(&mut bench, "brain", "Done.");
    }
    assert_eq!(made, 2, "an event, a task, an event, a task");
}
