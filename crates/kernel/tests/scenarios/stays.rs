//! Data that stays: what is made of it stays, too, whoever it is given to.

use std::sync::Arc;

use naos_kernel::{AnyAggregate, Key};
use naos_types::command;
use naos_types::effect::{Driver, Effect};
use naos_types::fact::{Fact, plan as plan_facts, run};
use naos_types::input::Answer;
use naos_types::spec::{AgentSpec, Card, Data, Kind, StaysFrom};
use naos_types::think::Think;
use naos_types::{Code, Name, RunId, Span, TaskId, TaskStatus};
use serde_json::json;

use crate::asking::{given, submit};
use crate::bench::Bench;
use crate::board::{agent_of, card, go, name, put, say, status, thread};
use crate::colleagues::{calls, kinds, says};
use crate::plans::{plan, step, task};
use crate::script::apply_plan;
use crate::thinking_bounds::{abroad, keeps};

/// Who may ask which models: `payroll` says that its data stays, the others say nothing.
const AGENTS: [(&str, &[&str], Option<Data>); 4] = [
    ("payroll", &["first"], Some(Data::Stays)),
    ("far", &["abroad"], None),
    ("near", &["first"], None),
    ("either", &["abroad", "first"], None),
];

fn hired((agent, models, data): (&str, &[&str], Option<Data>)) -> command::Agent {
    command::Agent::Apply {
        name: name(agent),
        spec: AgentSpec {
            mind: Some(Arc::new(keeps(models, data))),
            ..AgentSpec::default()
        },
    }
}

fn cell() -> Bench {
    let mut bench = abroad(keeps(&["first"], None));
    for agent in AGENTS {
        bench.command(hired(agent)).0.unwrap();
    }
    bench
}

/// The model that an agent's run asks now.
fn asks(bench: &Bench, agent: &str) -> Option<Name> {
    let open = bench.open().into_iter();
    let asked = open.filter_map(|effect| match effect {
        Effect::Call(call) if call.driver == Driver::Model && call.who == name(agent) => Some(call),
        _ => None,
    });
    let think = asked.last().map(|call| &bench.bodies[&call.request])?;
    let think: Think = serde_json::from_slice(think).unwrap();
    Some(think.model)
}

/// From whose work a task has what stays.
fn stays(bench: &Bench, task: TaskId) -> Option<Name> {
    match bench.state.get(&Key::Task(task)) {
        Some(AnyAggregate::Task(task)) => {
            let from = task.stays.as_deref();
            from.map(|StaysFrom { agent, .. }| agent.clone())
        }
        other => panic!("{other:?}"),
    }
}

/// Why a run failed.
fn failed(bench: &Bench, id: RunId) -> Option<(Code, String)> {
    bench.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Run(run::Fact::Failed(f)) if f.run == id => {
            Some((f.problem.code, f.problem.note.clone()))
        }
        _ => None,
    })
}

/// The task waits for a person, and its thread says why.
#[track_caller]
fn is_held(bench: &Bench, task: TaskId) {
    assert_eq!(status(bench, task), TaskStatus::Blocked);
    let said = thread(bench, task).join("\n");
    for words in ["N0224", "leaves the country", "payroll worked on"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(asks(bench, "far"), None);
}

/// Begins a plan with a step for each agent, one behind the other.
fn in_order(bench: &mut Bench, agents: [&str; 2]) {
    let steps = vec![
        step("one", &[], task(agents[0], "Do it.")),
        step("two", &["one"], task(agents[1], "{{ one.output }}")),
    ];
    apply_plan(bench, "both", &plan(steps)).0.unwrap();
    let inputs = bench.body(b"{}");
    let start = command::Plan::Start {
        of: Kind::Plan,
        name: name("both"),
        inputs,
    };
    bench.command(start).0.unwrap();
}

#[test]
fn a_step_behind_work_that_stays_stays() {
    let mut bench = cell();
    in_order(&mut bench, ["payroll", "far"]);
    says(&mut bench, "payroll", "Rakoto earns 7.");
    assert_eq!(asks(&bench, "far"), None);
    let why = bench.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Plan(plan_facts::Fact::StepFailed(f)) => Some(f.problem.clone()),
        _ => None,
    });
    let why = why.expect("its step fails");
    assert_eq!(why.code, Code::DATA_STAYS);
    assert!(why.note.contains("payroll worked on"), "{}", why.note);
    // One that has another model asks that.
    let mut bench = cell();
    in_order(&mut bench, ["payroll", "either"]);
    says(&mut bench, "payroll", "Rakoto earns 7.");
    assert_eq!(asks(&bench, "either"), Some(name("first")));
    // What comes before doesn't have it.
    let mut bench = cell();
    in_order(&mut bench, ["far", "payroll"]);
    assert_eq!(asks(&bench, "far"), Some(name("abroad")));
    says(&mut bench, "far", "Who earns what?");
    assert_eq!(asks(&bench, "payroll"), Some(name("first")));
}

#[test]
fn whoever_reviews_what_stays_has_a_model_that_stays() {
    let mut bench = cell();
    let reviewer = |agent: &str| Card {
        reviewer: Some(name(agent)),
        ..card("payroll")
    };
    let held = put(&mut bench, reviewer("far"));
    go(&mut bench);
    says(&mut bench, "payroll", "Rakoto earns 7.");
    is_held(&bench, held);
    let task = put(&mut bench, reviewer("either"));
    go(&mut bench);
    says(&mut bench, "payroll", "Rakoto earns 7.");
    assert_eq!(asks(&bench, "either"), Some(name("first")));
    assert_eq!(stays(&bench, task), Some(name("payroll")));
}

#[test]
fn whoever_goes_on_with_what_stays_has_a_model_that_stays() {
    let mut bench = cell();
    let then = Card {
        then: vec![name("far")],
        ..card("payroll")
    };
    let task = put(&mut bench, then);
    go(&mut bench);
    says(&mut bench, "payroll", "Rakoto earns 7.");
    is_held(&bench, task);
    // What its agent may from now on doesn't change what was made before.
    let let_go = hired(("payroll", &["first"], Some(Data::Leaves)));
    bench.command(let_go).0.unwrap();
    bench.command(command::Task::Begin { task }).0.unwrap();
    go(&mut bench);
    is_held(&bench, task);
    // Somebody else can.
    let hand = command::Task::Hand {
        task,
        to: agent_of("near").unwrap(),
        note: None,
    };
    bench.command(hand).0.unwrap();
    go(&mut bench);
    assert_eq!(asks(&bench, "near"), Some(name("first")));
    says(&mut bench, "near", "Done.");
    assert_eq!(status(&bench, task), TaskStatus::Done);
}

#[test]
fn what_stays_is_handed_over_to_no_model_abroad() {
    let mut bench = cell();
    let task = put(&mut bench, card("payroll"));
    go(&mut bench);
    let yours = json!({"to": "far", "note": "Rakoto earns 7."});
    calls(&mut bench, "payroll", "hand_over", yours);
    go(&mut bench);
    is_held(&bench, task);
    // Nor does one answer in its thread.
    say(&mut bench, task, "@far what do you think?");
    go(&mut bench);
    assert_eq!(asks(&bench, "far"), None);
    let said = thread(&bench, task).join("\n");
    assert!(said.contains("far can't answer (N0224)"), "{said}");
}

#[test]
fn a_question_about_what_stays_is_asked_of_no_model_abroad() {
    let mut bench = cell();
    let run = submit(&mut bench, "payroll");
    let asked = |to: &str| json!({"to": to, "question": "Rakoto earns 7: is that much?"});
    calls(&mut bench, "payroll", "ask_agent", asked("far"));
    assert_eq!(asks(&bench, "far"), None);
    match given(&bench, run) {
        Answer::Denied(why) => assert!(why.contains("payroll worked on"), "{why}"),
        other => panic!("{other:?}"),
    }
    calls(&mut bench, "payroll", "ask_agent", asked("either"));
    assert_eq!(asks(&bench, "either"), Some(name("first")));
    // Nor by whom it was asked.
    calls(&mut bench, "either", "ask_agent", asked("far"));
    assert_eq!(asks(&bench, "far"), None);
}

#[test]
fn whoever_is_answered_what_stays_asks_no_model_abroad_any_more() {
    let asked = json!({"to": "payroll", "question": "What does Rakoto earn?"});
    let mut bench = cell();
    let run = submit(&mut bench, "far");
    assert_eq!(asks(&bench, "far"), Some(name("abroad")));
    calls(&mut bench, "far", "ask_agent", asked.clone());
    says(&mut bench, "payroll", "Rakoto earns 7.");
    assert_eq!(asks(&bench, "far"), None);
    let (code, note) = failed(&bench, run).expect("it can't go on");
    assert_eq!(code, Code::DATA_STAYS);
    assert!(note.contains("payroll worked on"), "{note}");
    let mut bench = cell();
    submit(&mut bench, "either");
    assert_eq!(asks(&bench, "either"), Some(name("abroad")));
    calls(&mut bench, "either", "ask_agent", asked);
    says(&mut bench, "payroll", "Rakoto earns 7.");
    assert_eq!(asks(&bench, "either"), Some(name("first")));
}

#[test]
fn whoever_wakes_itself_for_what_stays_asks_no_model_abroad_then() {
    let mut bench = cell();
    submit(&mut bench, "either");
    let asked = json!({"to": "payroll", "question": "What does Rakoto earn?"});
    calls(&mut bench, "either", "ask_agent", asked);
    says(&mut bench, "payroll", "Rakoto earns 7.");
    let at = (bench.now + Span::secs(7_200)).rfc3339();
    for task in ["Pay Rakoto 7.", "Pay him."] {
        // The second one takes the place of the first, which is its own all the same.
        let wake = json!({"place": 1, "task": task, "at": at});
        calls(&mut bench, "either", "schedule", wake);
    }
    says(&mut bench, "either", "Done.");
    assert_eq!(asks(&bench, "either"), None);
    bench.wait(Span::secs(7_300));
    assert_eq!(asks(&bench, "either"), Some(name("first")));
}

#[test]
fn what_an_agent_has_that_stays_stays_where_it_says_it() {
    // In the thread of another task.
    let mut bench = cell();
    let reviewed = Card {
        reviewer: Some(name("payroll")),
        ..card("far")
    };
    let task = put(&mut bench, reviewed);
    submit(&mut bench, "payroll");
    let there = json!({"text": "Rakoto earns 7.", "task": task.to_string()});
    let facts = calls(&mut bench, "payroll", "say", there);
    assert!(
        kinds(&facts).contains(&"message.said"),
        "{:?}",
        kinds(&facts)
    );
    assert_eq!(stays(&bench, task), Some(name("payroll")));
    go(&mut bench);
    is_held(&bench, task);
    // In a task that it makes for another.
    let mut bench = cell();
    submit(&mut bench, "payroll");
    let asked = json!({"title": "Look at it", "text": "Rakoto earns 7.", "to": "far"});
    let facts = calls(&mut bench, "payroll", "task_create", asked);
    let made = facts.iter().find_map(|fact| match fact {
        Fact::Task(naos_types::fact::task::Fact::Planned(f)) => Some(f.task),
        _ => None,
    });
    go(&mut bench);
    is_held(&bench, made.expect("a task is made"));
}
