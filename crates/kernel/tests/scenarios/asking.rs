//! Agents that ask each other and wait, and that set when they are woken.

use naos_kernel::run::WAKES_MAX;
use naos_kernel::{AnyAggregate, Key};
use naos_types::fact::{Fact, approval, run};
use naos_types::input::{Answer, CallOutcome, Link, Piece};
use naos_types::spec::{Begins, Kind, Missed, ScheduleSpec, Spec, Timing, When};
use naos_types::{Code, RunId, RunStatus, Sealed, Span, SubjectId, Time, command};
use serde_json::json;

use crate::bench::{Bench, sealed};
use crate::board::name;
use crate::colleagues::{calls, minds, says};
use crate::thinking::{cell_with, mind};

/// Somebody wants something of an agent.
pub fn submit(bench: &mut Bench, agent: &str) -> RunId {
    let input = bench.body(b"Do it.");
    let open = command::Task::Open {
        title: crate::bench::sealed("do it"),
        input,
        agent: Some(name(agent)),
    };
    let (reply, facts) = bench.command(open);
    reply.unwrap();
    started(&facts).expect("a run begins")
}

fn started(facts: &[Fact]) -> Option<RunId> {
    facts.iter().find_map(|fact| match fact {
        Fact::Run(run::Fact::Started(f)) => Some(f.run),
        _ => None,
    })
}

fn of(bench: &Bench, id: RunId) -> RunStatus {
    match bench.state.get(&Key::Run(id)) {
        Some(AnyAggregate::Run(run)) => run.status,
        _ => ended(bench, id),
    }
}

/// How a run ended that isn't kept at hand.
fn ended(bench: &Bench, id: RunId) -> RunStatus {
    let mut ends = bench.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Run(run::Fact::Completed(f)) if f.run == id => Some(RunStatus::Completed),
        Fact::Run(run::Fact::Failed(f)) if f.run == id => Some(RunStatus::Failed),
        Fact::Run(run::Fact::Stopped(f)) if f.run == id => Some(RunStatus::Failed),
        Fact::Run(run::Fact::Cancelled(f)) if f.run == id => Some(RunStatus::Cancelled),
        _ => None,
    });
    ends.next_back().expect("it ended")
}

/// What the last tool of a run gave.
pub fn given(bench: &Bench, id: RunId) -> Answer {
    let mut answers = bench.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Run(run::Fact::Answered(f)) if f.run == id => Some(f.answer),
        _ => None,
    });
    let last = answers.next_back().expect("something was answered");
    let link: Link = postcard::from_bytes(&bench.bodies[&last]).unwrap();
    match link.piece {
        Piece::Answer { answer, .. } => answer,
        other => panic!("{other:?}"),
    }
}

fn asks(bench: &mut Bench, from: &str, to: &str) -> Vec<Fact> {
    let asked = json!({"to": to, "question": "What does it cost?"});
    calls(bench, from, "ask_agent", asked)
}

#[test]
fn an_agent_asks_another_and_goes_on_with_the_answer() {
    let mut bench = minds(&["a", "b"]);
    let run = submit(&mut bench, "a");
    let facts = asks(&mut bench, "a", "b");
    let other = started(&facts).expect("b works");
    assert_eq!(of(&bench, run), RunStatus::Running);
    says(&mut bench, "b", "12 Ariary");
    assert_eq!(of(&bench, other), RunStatus::Completed);
    assert_eq!(given(&bench, run), Answer::Text("12 Ariary".into()));
    says(&mut bench, "a", "It costs 12 Ariary.");
    assert_eq!(of(&bench, run), RunStatus::Completed);
}

#[test]
fn what_an_asked_agent_can_not_answer_is_said() {
    let mut bench = minds(&["a", "b"]);
    let run = submit(&mut bench, "a");
    let other = started(&asks(&mut bench, "a", "b")).unwrap();
    let cancel = command::Run::Cancel { run: other };
    bench.command(cancel).0.unwrap();
    assert_eq!(
        given(&bench, run),
        Answer::Failed("the question is cancelled".into())
    );
    let stop = command::Agent::Stop { name: name("b") };
    bench.command(stop).0.unwrap();
    asks(&mut bench, "a", "b");
    let refused = given(&bench, run);
    assert!(matches!(refused, Answer::Denied(_)), "{refused:?}");
    for (to, why) in [
        ("c", "there is no agent c"),
        ("a", "it would ask itself"),
        ("Nobody", "`to`: "),
    ] {
        asks(&mut bench, "a", to);
        let Answer::Denied(said) = given(&bench, run) else {
            panic!("{to} is asked");
        };
        assert!(said.starts_with(why), "{said}");
    }
    assert_eq!(of(&bench, run), RunStatus::Running);
}

#[test]
fn nobody_waits_in_a_circle() {
    let mut bench = minds(&["a", "b", "c", "d", "e", "f"]);
    submit(&mut bench, "a");
    asks(&mut bench, "a", "b");
    let second = started(&asks(&mut bench, "b", "c")).unwrap();
    assert_eq!(started(&asks(&mut bench, "c", "a")), None);
    assert_eq!(
        given(&bench, second),
        Answer::Denied("a waits for an answer itself: it can't be asked".into())
    );
    asks(&mut bench, "c", "d");
    let last = started(&asks(&mut bench, "d", "e")).expect("the fourth");
    assert_eq!(started(&asks(&mut bench, "e", "f")), None);
    let Answer::Denied(why) = given(&bench, last) else {
        panic!("it is asked");
    };
    assert!(why.starts_with("4 agents wait"), "{why}");
}

#[test]
fn what_nobody_waits_for_any_more_is_cancelled() {
    let mut bench = minds(&["a", "b"]);
    let run = submit(&mut bench, "a");
    let other = started(&asks(&mut bench, "a", "b")).unwrap();
    bench.command(command::Run::Cancel { run }).0.unwrap();
    assert_eq!(of(&bench, run), RunStatus::Cancelled);
    assert_eq!(of(&bench, other), RunStatus::Cancelled);
}

#[test]
fn waiting_for_others_is_no_time_of_its_own() {
    for tool in ["ask", "ask_agent"] {
        let mut bench = minds(&["a"]);
        // The one that may ask people.
        let (run, who) = match tool {
            "ask" => (submit(&mut bench, "brain"), "brain"),
            _ => (submit(&mut bench, "a"), "a"),
        };
        if tool == "ask_agent" {
            asks(&mut bench, "a", "brain");
        }
        let facts = calls(&mut bench, "brain", "ask", json!({"question": "Send it?"}));
        bench.approval = facts.iter().find_map(|fact| match fact {
            Fact::Approval(approval::Fact::Requested(f)) => Some(f.approval),
            _ => None,
        });
        bench.wait(Span::secs(7 * 3_600));
        let approved = crate::script::play_in(&mut bench, "approve");
        assert!(approved.contains("approval.approved"), "{approved}");
        if tool == "ask_agent" {
            says(&mut bench, "brain", "yes");
        }
        says(&mut bench, who, "Done.");
        assert_eq!(of(&bench, run), RunStatus::Completed, "{tool}");
    }
}

#[test]
fn what_passes_while_nobody_has_its_data_is_no_time_of_its_own() {
    let night = Span::secs(7 * 3_600);
    let mut cell = cell_with(mind(), &[]);
    // Nobody had it meanwhile: whoever takes it over takes the answer for lost.
    cell.bench.wait(night);
    cell.ended(CallOutcome::Lost(None));
    assert!(cell.asked().is_some(), "{:?}", cell.status());
    cell.says(&crate::thinking::text("The bill."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    // An answer that takes so long is its own time.
    let mut cell = cell_with(mind(), &[]);
    cell.bench.wait(night);
    let calls = [("calculate", r#"{"expression": "1"}"#)];
    cell.says(&crate::thinking::calls(&calls));
    assert_eq!(cell.status(), (RunStatus::Failed, Some(Code::LIMIT_WALL)));
}

/// What an agent that asks a person hears of their answer.
fn heard(options: &[&str], yes: bool, chosen: Option<&str>, comment: Sealed) -> String {
    let mut cell = cell_with(mind(), &[]);
    let question = json!({"question": "Which?", "options": options});
    let asks = crate::thinking::calls(&[("ask", &question.to_string())]);
    cell.says(&asks);
    let approval = cell.bench.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Approval(approval::Fact::Requested(f)) => Some(f.approval),
        _ => None,
    });
    let decide = command::Approval::Decide {
        approval: approval.expect("a person is asked"),
        yes,
        seen: None,
        comment: Some(comment),
        edited: chosen.map(|text| cell.bench.body(text.as_bytes())),
    };
    cell.bench.command(decide).0.unwrap();
    cell.results()[1].clone()
}

#[test]
fn what_a_person_says_with_their_answer_is_heard() {
    let why = || sealed("the red one is sold out");
    for (options, yes, chosen, told) in [
        (&[][..], true, None, "Text(\"yes"),
        (&[][..], false, None, "a person said no"),
        (&["red", "blue"][..], true, Some("blue"), "Text(\"blue"),
    ] {
        let heard = heard(options, yes, chosen, why());
        assert!(heard.contains(told), "{heard}");
        let said = "The person who answered says: the red one is sold out";
        assert!(heard.contains(said), "{heard}");
    }
    let long = heard(&[], false, None, sealed(&"x".repeat(100_000)));
    assert!(
        long.contains("[cut: 8192 of 100000 bytes]"),
        "{} bytes",
        long.len()
    );
    // What is under a person's key isn't copied from under it.
    let own = Sealed::from_parts(SubjectId(7), [0; 12], b"a secret".as_slice().into());
    let heard = heard(&[], true, None, own);
    assert!(!heard.contains("secret"), "{heard}");
}

fn wakes(bench: &mut Bench, arguments: serde_json::Value) -> Answer {
    let run = submit(bench, "a");
    calls(bench, "a", "schedule", arguments);
    let given = given(bench, run);
    says(bench, "a", "Done.");
    given
}

#[test]
fn an_agent_sets_when_it_is_woken() {
    let mut bench = minds(&["a"]);
    let at = (bench.now + Span::secs(7_200)).rfc3339();
    let set = json!({"place": 1, "task": "Look at the mail.", "at": at});
    let answer = wakes(&mut bench, set);
    let told = format!("set as a-wake-1: you are woken next at {at}");
    assert_eq!(answer, Answer::Text(told));
    assert_eq!(started(&bench.wait(Span::secs(7_100))), None);
    started(&bench.wait(Span::secs(200))).expect("it is woken");
    says(&mut bench, "a", "Nothing new.");
    assert_eq!(started(&bench.wait(Span::secs(90_000))), None, "once");

    // Some models write 2.0.
    let every = json!({"place": 2.0, "task": "Look again.", "every_hours": 3.0});
    assert!(matches!(wakes(&mut bench, every), Answer::Text(_)));
    for _ in 0..3 {
        started(&bench.wait(Span::secs(3 * 3_600))).expect("it is woken again");
        says(&mut bench, "a", "Nothing new.");
    }
    let cancel = json!({"place": 2, "cancel": true});
    assert!(matches!(wakes(&mut bench, cancel.clone()), Answer::Text(_)));
    assert_eq!(started(&bench.wait(Span::secs(90_000))), None, "no more");
    assert!(matches!(wakes(&mut bench, cancel), Answer::Failed(_)));
}

#[test]
fn what_is_no_time_wakes_nobody() {
    let mut bench = minds(&["a"]);
    for (arguments, why) in [
        (
            json!({"place": 0, "task": "x", "every_hours": 1}),
            "/place: 0 is less than the minimum of 1",
        ),
        (
            json!({"place": WAKES_MAX + 1, "task": "x", "every_hours": 1}),
            "/place: 9 is greater than the maximum of 8",
        ),
        (
            json!({"place": "1", "task": "x", "every_hours": 1}),
            "/place: \"1\" is not of type \"integer\"",
        ),
        (
            json!({"place": 1, "task": "x", "every_hours": 1, "zone": 3}),
            "/zone: 3 is not of type",
        ),
        (json!({"place": 1, "every_hours": 1}), "`task` says"),
        (json!({"place": 1, "task": "x"}), "say one of"),
        (
            json!({"place": 1, "task": "x", "every_hours": 1, "cron": "0 9 * * *"}),
            "say one of",
        ),
        (
            json!({"place": 1, "task": "x", "every_hours": 0}),
            "/every_hours: 0 is less than the minimum of 1",
        ),
        (
            json!({"place": 1, "task": "x", "every_hours": u64::MAX}),
            "`every_hours` is from",
        ),
        (
            json!({"place": 1, "task": "x", "at": "tomorrow"}),
            "`at` is a time",
        ),
        (
            json!({"place": 1, "task": "x", "at": "1999-01-01T00:00:00Z"}),
            "that time is over",
        ),
        (
            json!({"place": 1, "task": "x", "cron": "* 9 * * *"}),
            "`cron` begins with one minute",
        ),
        (
            json!({"place": 1, "task": "x", "cron": "0 9 * * *", "zone": "Mars/Olympus"}),
            "there is no time zone",
        ),
    ] {
        let Answer::Invalid(said) = wakes(&mut bench, arguments.clone()) else {
            panic!("{arguments} is taken");
        };
        assert!(said.contains(why), "{said}");
    }
    let set = bench
        .facts
        .iter()
        .any(|(_, fact)| fact.kind().starts_with("schedule."));
    assert!(!set, "nothing is set");
}

#[test]
fn schedules_of_people_are_not_an_agents_to_change() {
    let mut bench = minds(&["a"]);
    let spec = ScheduleSpec {
        description: "every day".into(),
        timing: Timing {
            when: When::Every {
                every: Span::secs(86_400),
                from: Some(Time(0)),
            },
            until: None,
        },
        count: None,
        missed: Missed::Skip,
        jitter: Span(0),
        starts: Begins::Run {
            kind: Kind::Agent,
            name: name("a"),
            input: "report".into(),
        },
        enabled: true,
    };
    let apply = command::Resource::Apply {
        kind: Kind::Schedule,
        name: name("a-wake-1"),
        spec: Spec::Schedule(Box::new(spec)),
    };
    bench.command(apply).0.unwrap();
    for arguments in [
        json!({"place": 1, "cancel": true}),
        json!({"place": 1, "task": "other", "every_hours": 1}),
    ] {
        let answer = wakes(&mut bench, arguments);
        let why = "the schedule a-wake-1 is your operator's";
        assert_eq!(answer, Answer::Denied(why.into()));
    }
}
