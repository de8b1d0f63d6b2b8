//! What-ifs: a run goes another way from one of its turns on, pays for that alone, and does nothing
//! that anybody could notice.

use naos_kernel::run::{FORKS_MAX, Run};
use naos_kernel::{AnyAggregate, Key};
use naos_types::command::{self, Reply};
use naos_types::effect::{Driver, Effect};
use naos_types::fact::Fact;
use naos_types::fact::run::{self, Ability};
use naos_types::input::CallOutcome;
use naos_types::spec::{AgentSpec, PROMPT_BYTES_MAX, RetryPolicy};
use naos_types::{BodyRef, Code, Name, Refusal, RunId, RunStatus, Span, TaskStatus};

use crate::thinking::{Cell, calls, kinds, made, mind, name, text, trouble};

pub type Begun = (Result<Reply, Refusal>, Vec<Fact>);

/// What is wanted otherwise.
#[derive(Clone, Copy, Default)]
pub struct With<'a> {
    pub model: Option<&'a str>,
    pub prompt: Option<&'a str>,
}

pub const SECOND: With<'_> = With {
    model: Some("second"),
    prompt: None,
};

/// The pieces of a run's recording, and what each of its models' calls asked.
fn recording(cell: &Cell, of: RunId) -> (Vec<BodyRef>, Vec<BodyRef>) {
    let (mut pieces, mut asked) = (Vec::new(), Vec::new());
    for (_, fact) in &cell.bench.facts {
        match fact {
            Fact::Run(run::Fact::Answered(f)) if f.run == of => pieces.push(f.answer),
            Fact::Run(run::Fact::Recorded(f)) if f.run == of => pieces.push(f.segment),
            Fact::Run(run::Fact::Called(f)) if f.run == of && f.ability == Ability::Model => {
                asked.push(f.request);
            }
            _ => {}
        }
    }
    (pieces, asked)
}

pub fn what_if(cell: &mut Cell, of: RunId, from: u32, with: With<'_>) -> Begun {
    let (pieces, asked) = recording(cell, of);
    let nth = (from as usize).wrapping_sub(1);
    let prompt = with.prompt.map(|text| cell.bench.body(text.as_bytes()));
    cell.bench.command(command::Run::Fork {
        run: of,
        from,
        model: with.model.map(name),
        prompt,
        asked: asked.get(nth).copied(),
        pieces,
    })
}

/// The cell with its what-if at work.
pub fn begun(cell: &mut Cell, from: u32, with: With<'_>) -> String {
    let of = cell.run;
    let (reply, facts) = what_if(cell, of, from, with);
    let Ok(Reply::Run(run)) = reply else {
        panic!("{reply:?}")
    };
    cell.run = run;
    kinds(&facts)
}

fn at(cell: &Cell, id: RunId) -> Run {
    match cell.bench.state.get(&Key::Run(id)) {
        Some(AnyAggregate::Run(run)) => (*run).clone(),
        other => panic!("{other:?}"),
    }
}

fn task_of(cell: &Cell, id: RunId) -> naos_kernel::task::Task {
    match cell.bench.state.get(&Key::Task(at(cell, id).task)) {
        Some(AnyAggregate::Task(task)) => (*task).clone(),
        other => panic!("{other:?}"),
    }
}

fn agent(cell: &Cell) -> naos_kernel::agent::Agent {
    match cell.bench.state.get(&Key::Agent(name("brain"))) {
        Some(AnyAggregate::Agent(agent)) => (*agent).clone(),
        other => panic!("{other:?}"),
    }
}

/// A run of two turns that published an event and worked something out.
fn original() -> Cell {
    let mut cell = Cell::over(made(mind()));
    cell.says(&calls(&[
        ("emit", r#"{"type": "note.made", "data": {"x": 1, "y": 2}}"#),
        ("calculate", r#"{"expression": "2 + 40"}"#),
    ]));
    cell.says(&text("The bill."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!(cell.money(), (400, 0));
    cell
}

fn published(cell: &Cell) -> usize {
    let is = |(_, fact): &&(_, Fact)| fact.kind() == "event.published";
    cell.bench.facts.iter().filter(is).count()
}

#[test]
fn what_was_before_is_taken_from_the_journal_and_never_paid_again() {
    let mut cell = original();
    let of = cell.run;
    let (task, before) = (task_of(&cell, of), agent(&cell));
    let tail = {
        let (_, asked) = recording(&cell, of);
        let think: naos_types::think::Think =
            serde_json::from_slice(&cell.bench.bodies[&asked[1]]).unwrap();
        think.tail
    };
    assert_eq!(
        begun(&mut cell, 2, SECOND),
        "run.started budget.reserved run.called"
    );
    let (index, think) = cell.asked().expect("the other model is asked");
    assert_eq!((index, think.model), (3, name("second")));
    assert_eq!(think.prompt, "You help.");
    assert_eq!((think.tail, tail.is_some()), (tail, true));
    assert_eq!(
        cell.says(&text("Another bill.")),
        "budget.metered budget.settled run.answered run.completed"
    );
    assert_eq!(cell.money(), (600, 0), "one answer, not two");
    let run = cell.run();
    assert_eq!((run.status, run.cost.0), (RunStatus::Completed, 200));
    assert_eq!(cell.bench.text(&run.output.unwrap()), "Another bill.");
    let fork = run.fork.expect("it is a what-if");
    assert_eq!((fork.of, fork.from, fork.turns), (of, 2, 1));
    // Nothing else heard of it.
    assert_eq!(task_of(&cell, of), task);
    assert_eq!(task.status, TaskStatus::Done);
    let after = agent(&cell);
    assert_eq!(after, before, "it says nothing about how its agent does");
    match cell.bench.state.get(&Key::Forks(of)) {
        Some(AnyAggregate::Forks(forks)) => assert_eq!(forks.runs, [cell.run]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_prompt_is_what_the_same_model_is_asked_with() {
    let mut cell = original();
    let with = With {
        model: None,
        prompt: Some("You doubt."),
    };
    begun(&mut cell, 1, with);
    let (index, think) = cell.asked().unwrap();
    assert_eq!((index, think.model, think.tail), (0, name("first"), None));
    assert_eq!(think.prompt, "You doubt.");
    // Nobody stands in for it: the answer would be somebody else's.
    cell.says(&trouble(false));
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::MODEL_FAILED)));
    assert_eq!(cell.money(), (400, 0));
}

#[test]
fn nothing_of_a_what_if_acts() {
    let mut cell = original();
    begun(&mut cell, 2, SECOND);
    let acting = [
        ("emit", r#"{"type": "note.made", "data": {"x": 9}}"#),
        ("ask", r#"{"question": "May I?"}"#),
        ("context_write", r#"{"path": "notes/b.md", "text": "x"}"#),
        ("note", r#"{"text": "x"}"#),
        (
            "remember",
            r#"{"fact": "x", "source": "y", "confidence": 1}"#,
        ),
        ("say", r#"{"text": "x"}"#),
        (
            "task_create",
            r#"{"title": "x", "text": "y", "to": "brain"}"#,
        ),
        ("hand_over", r#"{"to": "brain", "note": "x"}"#),
        (
            "http",
            r#"{"url": "https://api.example.com/a", "method": "DELETE"}"#,
        ),
        (
            "http",
            r#"{"url": "https://api.example.com/a", "body": "{}"}"#,
        ),
    ];
    let facts = cell.says(&calls(&acting));
    let none = "run.called run.answered ".repeat(acting.len());
    assert_eq!(
        facts,
        format!("budget.metered budget.settled run.answered {none}budget.reserved run.called")
    );
    let results = cell.results();
    let told = &results[results.len() - acting.len()..];
    for (told, (tool, _)) in told.iter().zip(acting) {
        assert!(told.contains("this is a what-if"), "{tool}: {told}");
    }
    assert_eq!(published(&cell), 1, "the original's");
    // What it read is read, and what the original did is told as it was told then.
    let reading = [
        ("calculate", r#"{"expression": "20 + 1"}"#),
        ("emit", r#"{"data":{"y":2,"x":1},"type":"note.made"}"#),
        ("http", r#"{"url": "https://api.example.com/rate"}"#),
    ];
    cell.says(&calls(&reading));
    let results = cell.results();
    let [sum, event] = &results[results.len() - 2..] else {
        panic!("{results:?}")
    };
    assert!(sum.contains("21"), "{sum}");
    assert!(
        event.contains("evt_") && !event.contains("what-if"),
        "{event}"
    );
    assert_eq!(published(&cell), 1);
    let open = cell.bench.open();
    let [Effect::Call(call)] = &open[..] else {
        panic!("{open:?}")
    };
    assert_eq!(call.driver, Driver::Http, "it may look");
    let by = call.by;
    let unreadable = cell.bench.body(b"?");
    cell.call_ends(by, CallOutcome::Answered(unreadable));
    cell.says(&text("Done."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
}

#[test]
fn what_would_have_failed_is_no_failure_of_its_agent() {
    let mut cell = original();
    let watched =
        crate::supervisors::supervise(&mut cell.bench, "watch", "one-for-one", "3/60s", &["brain"]);
    watched.0.unwrap();
    let before = agent(&cell);
    begun(&mut cell, 2, SECOND);
    assert_eq!(
        cell.says(&trouble(true)),
        "budget.metered budget.settled run.answered run.failed"
    );
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::MODEL_FAILED)));
    assert_eq!(agent(&cell), before);
    // One that is given up pays for what is under way, and closes nothing either.
    let of = cell.run().fork.unwrap().of;
    cell.run = of;
    begun(&mut cell, 2, SECOND);
    let cancel = command::Run::Cancel { run: cell.run };
    let (reply, facts) = cell.bench.command(cancel);
    reply.unwrap();
    assert_eq!(kinds(&facts), "run.cancelled budget.settled");
    assert_eq!(task_of(&cell, of).status, TaskStatus::Done);
}

#[test]
fn what_fails_is_tried_again_from_the_same_turn() {
    let mut bench = made(mind());
    let AnyAggregate::Agent(found) = bench.state.get(&Key::Agent(name("brain"))).unwrap() else {
        panic!("it is an agent")
    };
    let spec = AgentSpec {
        retry: RetryPolicy {
            attempts_max: 2,
            wait: Span::secs(1),
            ..found.spec.retry.clone()
        },
        ..found.spec.clone()
    };
    let apply = command::Agent::Apply {
        name: name("brain"),
        spec,
    };
    bench.command(apply).0.unwrap();
    let mut cell = Cell::over(bench);
    cell.says(&calls(&[("calculate", r#"{"expression": "2 + 40"}"#)]));
    cell.says(&text("The bill."));
    begun(&mut cell, 2, SECOND);
    cell.says(&text(" "));
    assert!(cell.run().retry_at.is_some(), "{:?}", cell.status());
    cell.bench.wait(Span::secs(5));
    let (index, think) = cell.asked().expect("it is asked again");
    assert_eq!((index, think.model), (2, name("second")));
    assert!(think.tail.is_some(), "it goes on from all that was said");
    cell.says(&text("Another bill."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!(cell.money(), (800, 0));
}

#[test]
fn a_what_if_has_what_ifs() {
    let mut cell = original();
    begun(&mut cell, 2, SECOND);
    cell.says(&calls(&[("calculate", r#"{"expression": "1 + 1"}"#)]));
    cell.says(&text("Two."));
    let of = cell.run;
    let fork = cell.run().fork.unwrap();
    let (own, asked) = recording(&cell, of);
    let (before, _) = recording(&cell, fork.of);
    let pieces: Vec<BodyRef> = before[..3].iter().copied().chain(own).collect();
    let (reply, _) = cell.bench.command(command::Run::Fork {
        run: of,
        from: 3,
        model: Some(name("first")),
        prompt: None,
        asked: Some(asked[1]),
        pieces,
    });
    let Ok(Reply::Run(run)) = reply else {
        panic!("{reply:?}")
    };
    cell.run = run;
    assert_eq!(cell.asked().unwrap().0, 5);
    cell.says(&text("Three."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!(cell.money(), (400 + 400 + 200, 0));
}

#[test]
fn what_can_be_no_what_if_is_refused_before_anything_happens() {
    let mut cell = original();
    let of = cell.run;
    let long = "x".repeat(PROMPT_BYTES_MAX + 1);
    let prompt = |text| With {
        model: None,
        prompt: Some(text),
    };
    let nobody = With {
        model: Some("nobody"),
        prompt: None,
    };
    let facts = cell.bench.facts.len();
    for (of, from, with, code, said) in [
        (RunId(1), 1, SECOND, Code::NOT_FOUND, "there is no run"),
        (of, 0, SECOND, Code::NOT_FOUND, "the run has 2"),
        (of, 3, SECOND, Code::NOT_FOUND, "the run has 2"),
        (of, 2, nobody, Code::NO_MODEL, "no model nobody"),
        (
            of,
            2,
            With::default(),
            Code::BAD_REQUEST,
            "nothing is to be",
        ),
        (of, 2, prompt(" \n"), Code::BAD_REQUEST, "says nothing"),
        (of, 2, prompt(&long), Code::TOO_LARGE, "at most"),
    ] {
        let refused = what_if(&mut cell, of, from, with).0.unwrap_err();
        assert_eq!(refused.code, code, "{}", refused.what);
        assert!(refused.what.contains(said), "{}", refused.what);
    }
    // Another recording isn't the run's, whoever brings it.
    let (mut pieces, asked) = recording(&cell, of);
    let other = cell.bench.body(b"something else");
    for (asked, pieces) in [
        (Some(asked[0]), pieces.clone()),
        (Some(other), pieces.clone()),
        (Some(asked[1]), Vec::new()),
        (Some(asked[1]), {
            pieces.swap(0, 1);
            pieces
        }),
    ] {
        let fork = command::Run::Fork {
            run: of,
            from: 2,
            model: Some(name("second")),
            prompt: None,
            asked,
            pieces,
        };
        let refused = cell.bench.command(fork).0.unwrap_err();
        assert_eq!(refused.code, Code::STALE_VERSION, "{}", refused.what);
    }
    // Nor is one that can't be read any more.
    let lost = recording(&cell, of).0[1];
    let kept = cell.bench.bodies.remove(&lost).unwrap();
    let refused = what_if(&mut cell, of, 2, SECOND).0.unwrap_err();
    assert_eq!(refused.code, Code::DAMAGED, "{}", refused.what);
    cell.bench.bodies.insert(lost, kept);
    assert_eq!(cell.bench.facts.len(), facts, "nothing happened");
    // An open one may still say anything.
    begun(&mut cell, 2, SECOND);
    let open = cell.run;
    let refused = what_if(&mut cell, open, 1, SECOND).0.unwrap_err();
    assert_eq!(refused.code, Code::WRONG_STATE, "{}", refused.what);
    // Nobody who was stopped is asked what would have been.
    let stop = command::Agent::Stop {
        name: name("brain"),
    };
    cell.bench.command(stop).0.unwrap();
    let refused = what_if(&mut cell, of, 2, SECOND).0.unwrap_err();
    assert_eq!(refused.code, Code::AGENT_STOPPED, "{}", refused.what);
}

#[test]
fn a_what_if_is_never_begun_that_there_is_no_money_for() {
    let mut cell = original();
    crate::thinking::limited(&mut cell.bench, 450);
    let of = cell.run;
    let refused = what_if(&mut cell, of, 2, SECOND).0.unwrap_err();
    assert_eq!(refused.code, Code::BUDGET_TOO_SMALL, "{}", refused.what);
}

#[test]
fn a_run_has_so_many_what_ifs_and_no_more() {
    let mut cell = original();
    let of = cell.run;
    for _ in 0..FORKS_MAX {
        cell.run = of;
        begun(&mut cell, 2, SECOND);
        cell.says(&text("Another bill."));
    }
    let refused = what_if(&mut cell, of, 2, SECOND).0.unwrap_err();
    assert_eq!(refused.code, Code::TOO_LARGE, "{}", refused.what);
}

#[test]
fn a_run_without_a_model_has_no_turns() {
    let mut cell = original();
    let skill = "answers";
    let spec = naos_types::spec::SkillSpec {
        description: "a rule".into(),
        patterns: vec!["add {a} {b}".into()],
        handler: naos_types::spec::Handler::Template("{{ a }}".into()),
        cost_per_call: naos_types::Micros::ZERO,
    };
    let apply = command::Resource::Apply {
        kind: naos_types::spec::Kind::Skill,
        name: Name::new(skill).unwrap(),
        spec: naos_types::spec::Spec::Skill(spec),
    };
    cell.bench.command(apply).0.unwrap();
    let input = cell.bench.body(b"add 1 2");
    let (reply, _) = cell.bench.command(command::Task::Open {
        title: crate::bench::sealed("add"),
        input,
        agent: Some(name(skill)),
    });
    let Ok(Reply::Task { run: Some(run), .. }) = reply else {
        panic!("{reply:?}")
    };
    let refused = what_if(&mut cell, run, 1, SECOND).0.unwrap_err();
    assert_eq!(refused.code, Code::WRONG_STATE);
    assert!(refused.what.contains("no turns"), "{}", refused.what);
}

#[test]
fn a_run_that_was_kept_before_there_were_what_ifs_is_none() {
    let cell = original();
    let run = AnyAggregate::Run(std::sync::Arc::new(cell.run()));
    let bytes = run.encode();
    assert_eq!(run.version(), 5);
    // That it is none stands at the end, and that nothing was said to it, nor heard, behind that.
    let (before, last) = bytes.split_at(bytes.len() - 3);
    assert_eq!(last, [0; 3]);
    assert_eq!(AnyAggregate::decode("run", 3, before), Some(run.clone()));
    let kept = &bytes[..bytes.len() - 2];
    assert_eq!(AnyAggregate::decode("run", 4, kept), Some(run.clone()));
    assert_eq!(AnyAggregate::decode("run", 5, &bytes), Some(run));
}
