//! Tasks of the board: planned, begun, passed on, looked at, approved, handed over, talked about.

use std::collections::BTreeSet;
use std::sync::Arc;

use naos_kernel::message::{HOPS_MAX, QUIET};
use naos_kernel::{AnyAggregate, Key, ThreadKey};
use naos_types::command::{self, Reply};
use naos_types::effect::Effect;
use naos_types::fact::{Fact, agent, message};
use naos_types::spec::{AgentSpec, Assignee, Card, Heartbeat, MindSpec};
use naos_types::{
    Actor, Code, Grants, MemberId, Name, Priority, Refusal, Role, Span, TaskId, TaskStatus, Time,
};

use crate::bench::{Bench, sealed};
use crate::script::play_in;

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn agent_of(text: &str) -> Option<Assignee> {
    Some(Assignee::Agent(name(text)))
}

fn cell() -> Bench {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent pm 1c; agent dev 1c; agent critic 1c");
    bench
}

pub fn card(to: &str) -> Card {
    Card {
        to: agent_of(to),
        ..Card::default()
    }
}

fn ask(bench: &mut Bench, card: Card) -> Result<TaskId, Refusal> {
    let brief = bench.body(b"# Pricing\n\nThree plans.");
    let plan = command::Task::Plan {
        title: sealed("Pricing"),
        brief,
        card: Arc::new(card),
    };
    match bench.command(plan).0? {
        Reply::Task { task, .. } => Ok(task),
        other => panic!("{other:?}"),
    }
}

pub fn put(bench: &mut Bench, card: Card) -> TaskId {
    ask(bench, card).unwrap_or_else(|why| panic!("{why}"))
}

pub fn status(bench: &Bench, task: TaskId) -> TaskStatus {
    match bench.state.get(&Key::Task(task)) {
        Some(AnyAggregate::Task(task)) => task.status,
        other => panic!("{other:?}"),
    }
}

pub fn result(bench: &Bench, task: TaskId) -> String {
    match bench.state.get(&Key::Task(task)) {
        Some(AnyAggregate::Task(task)) => task.output.map_or_else(String::new, |o| bench.text(&o)),
        other => panic!("{other:?}"),
    }
}

/// What was said: who, and what.
pub fn thread(bench: &Bench, task: TaskId) -> Vec<String> {
    let Some(AnyAggregate::Thread(thread)) = bench.state.get(&Key::Thread(ThreadKey(task, 0)))
    else {
        return Vec::new();
    };
    let said = |line: &naos_kernel::message::Line| {
        let by = match &line.by {
            Actor::Member(..) => "person".to_owned(),
            other => other.to_string(),
        };
        format!("{by}: {}", bench.text(&line.body))
    };
    thread.lines.iter().map(said).collect()
}

pub fn say(bench: &mut Bench, task: TaskId, text: &str) -> Vec<Fact> {
    let body = bench.body(text.as_bytes());
    let (reply, facts) = bench.command(command::Message::Say { task, body });
    reply.unwrap_or_else(|why| panic!("{why}"));
    facts
}

/// Lets what is due now happen.
pub fn go(bench: &mut Bench) -> Vec<Fact> {
    bench.wait(Span(0))
}

/// What the agent's run was given.
pub fn given(bench: &Bench, agent: &str) -> String {
    let effects = bench.open().into_iter();
    let input = effects.filter_map(|effect| match effect {
        Effect::Sandbox(wanted) if wanted.agent == name(agent) => Some(wanted.input),
        _ => None,
    });
    let inputs: Vec<_> = input.collect();
    assert_eq!(inputs.len(), 1, "{agent} has one run");
    bench.text(&inputs[0])
}

/// How somebody is told what another agent made.
pub fn made(by: &str, what: &str) -> String {
    format!("# What {by} made of it\n\n<from-outside>\n{what}\n</from-outside>")
}

#[test]
fn a_task_goes_through_work_review_and_approval() {
    let mut bench = cell();
    let task = put(
        &mut bench,
        Card {
            then: vec![name("dev")],
            reviewer: Some(name("critic")),
            approve: Some(Role::Staff),
            ..card("pm")
        },
    );
    assert_eq!(status(&bench, task), TaskStatus::Assigned);
    go(&mut bench);
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    assert_eq!(given(&bench, "pm"), "# Pricing\n\nThree plans.");
    play_in(&mut bench, "finish pm the spec");
    assert!(given(&bench, "dev").ends_with(&made("pm", "the spec")));
    play_in(&mut bench, "finish dev a page");
    assert_eq!(status(&bench, task), TaskStatus::SquadReview);
    assert!(
        given(&bench, "critic").contains("# The result, made by dev\n\n<from-outside>\na page\n")
    );
    play_in(
        &mut bench,
        r#"finish critic {"verdict": "refute", "evidence": ["no price"]}"#,
    );
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    let again = given(&bench, "dev");
    assert!(
        again.contains("# What critic refuted") && again.contains("no price"),
        "{again}"
    );
    play_in(&mut bench, "finish dev a page with prices");
    play_in(&mut bench, r#"finish critic {"verdict": "praise"}"#);
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    play_in(&mut bench, "approve a better page");
    assert_eq!(status(&bench, task), TaskStatus::Done);
    assert_eq!(result(&bench, task), "a better page");
}

#[test]
fn what_is_disputed_to_the_end_is_a_persons() {
    let mut bench = cell();
    let of = |bench: &mut Bench, rounds_max| {
        let card = Card {
            reviewer: Some(name("critic")),
            rounds_max,
            ..card("pm")
        };
        let task = put(bench, card);
        go(bench);
        task
    };
    let task = of(&mut bench, 1);
    play_in(&mut bench, "finish pm a page");
    play_in(
        &mut bench,
        r#"finish critic {"verdict": "refute", "evidence": ["no"]}"#,
    );
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    play_in(&mut bench, "reject");
    assert_eq!(status(&bench, task), TaskStatus::Failed);
    // Without a dispute nobody is asked.
    let task = of(&mut bench, 1);
    play_in(
        &mut bench,
        r#"finish pm a page; finish critic {"verdict": "praise"}"#,
    );
    assert_eq!(status(&bench, task), TaskStatus::Done);
    assert_eq!(result(&bench, task), "a page");
}

#[test]
fn a_refutation_shows_evidence() {
    let mut bench = cell();
    let task = put(
        &mut bench,
        Card {
            reviewer: Some(name("critic")),
            ..card("pm")
        },
    );
    go(&mut bench);
    play_in(&mut bench, "finish pm a page");
    // It is no verdict, and the reviewer is asked once more.
    play_in(
        &mut bench,
        r#"finish critic {"verdict": "refute"}; wait 1s"#,
    );
    assert_eq!(status(&bench, task), TaskStatus::SquadReview);
    play_in(
        &mut bench,
        "finish critic ```json\n{\"verdict\": \"praise\"}\n```",
    );
    assert_eq!(status(&bench, task), TaskStatus::Done);
}

#[test]
fn a_verdict_may_stand_among_words() {
    let mut bench = cell();
    let reviewed = Card {
        reviewer: Some(name("critic")),
        ..card("pm")
    };
    let task = put(&mut bench, reviewed);
    go(&mut bench);
    play_in(&mut bench, "finish pm a page");
    let said = r#"finish critic I looked at it: {"verdict": "praise"}"#;
    play_in(&mut bench, said);
    assert_eq!(status(&bench, task), TaskStatus::Done);
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let mut bench = cell();
    let refused = |bench: &mut Bench, card| {
        let why = ask(bench, card).expect_err("refused");
        (why.code, why.what)
    };
    let (code, what) = refused(&mut bench, card("nobody"));
    assert_eq!(
        (code, what.as_str()),
        (Code::NO_AGENT, "there is no agent nobody")
    );
    let own = Card {
        reviewer: Some(name("pm")),
        ..card("pm")
    };
    assert!(refused(&mut bench, own).1.contains("own work"));
    let unseen = Card {
        approve: Some(Role::Staff),
        ..card("pm")
    };
    assert!(refused(&mut bench, unseen).1.contains("name a reviewer"));
    let lost = Card {
        after: vec![TaskId(9)],
        ..card("pm")
    };
    assert_eq!(refused(&mut bench, lost).0, Code::NOT_FOUND);
    let nobody = Card {
        to: Some(Assignee::Member(MemberId(99))),
        ..Card::default()
    };
    assert_eq!(refused(&mut bench, nobody).0, Code::NOT_FOUND);
    assert!(
        !bench
            .facts
            .iter()
            .any(|(_, fact)| matches!(fact, Fact::Task(_)))
    );
}

#[test]
fn a_task_begins_when_those_before_it_are_done() {
    let mut bench = cell();
    let first = put(&mut bench, card("pm"));
    let second = put(
        &mut bench,
        Card {
            after: vec![first],
            ..card("dev")
        },
    );
    go(&mut bench);
    assert_eq!(status(&bench, second), TaskStatus::Blocked);
    let (reply, _) = bench.command(command::Task::Begin { task: second });
    assert!(
        reply
            .expect_err("it waits")
            .what
            .starts_with("it waits for task_")
    );
    play_in(&mut bench, "finish pm done; wait 0s");
    assert_eq!(status(&bench, second), TaskStatus::InProgress);
    play_in(&mut bench, "finish dev done");
    assert_eq!(status(&bench, second), TaskStatus::Done);
}

/// Changes what is planned for a task.
fn change(bench: &mut Bench, task: TaskId, card: Card) -> Result<Reply, Refusal> {
    let card = Arc::new(card);
    bench.command(command::Task::Change { task, card }).0
}

#[test]
fn what_a_task_waits_for_and_is_a_part_of_can_change() {
    let mut bench = cell();
    let [first, second, third] = ["pm", "dev", "critic"].map(|to| {
        let to = Card {
            due: Some(Time(9)),
            ..card(to)
        };
        put(&mut bench, to)
    });
    let after = |to: &str, tasks: &[TaskId]| Card {
        after: tasks.to_vec(),
        ..card(to)
    };
    change(&mut bench, second, after("dev", &[first])).unwrap();
    assert_eq!(status(&bench, second), TaskStatus::Blocked);
    change(&mut bench, third, after("critic", &[second])).unwrap();
    for (task, waits, why) in [
        (first, third, "neither would ever begin"),
        (second, third, "neither would ever begin"),
        (first, first, ""),
    ] {
        let why_not = change(&mut bench, task, after("pm", &[waits])).unwrap_err();
        assert!(why_not.what.contains(why), "{}", why_not.what);
    }
    let part = |to: &str, whole: Option<TaskId>| Card {
        part_of: whole,
        ..card(to)
    };
    change(&mut bench, first, part("pm", Some(third))).unwrap();
    let circle = change(&mut bench, third, part("critic", Some(first))).unwrap_err();
    assert!(circle.what.contains("a part of it"), "{}", circle.what);
    let parts = |bench: &Bench, task| match bench.state.get(&Key::Card(task)) {
        Some(AnyAggregate::Card(card)) => card.parts.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(parts(&bench, third), [first]);
    change(&mut bench, first, part("pm", Some(second))).unwrap();
    assert_eq!(
        (parts(&bench, third), parts(&bench, second)),
        (vec![], vec![first])
    );
    change(&mut bench, second, card("dev")).unwrap();
    go(&mut bench);
    assert_eq!(status(&bench, second), TaskStatus::InProgress);
    let late = change(&mut bench, second, after("dev", &[first])).unwrap_err();
    assert!(late.what.contains("has begun"), "{}", late.what);
}

#[test]
fn somebody_else_goes_on_where_it_stands() {
    let mut bench = cell();
    let task = put(&mut bench, card("pm"));
    go(&mut bench);
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    let note = bench.body(b"the numbers are in notes/prices.md");
    let hand = command::Task::Hand {
        task,
        to: Assignee::Agent(name("dev")),
        note: Some(note),
    };
    let (reply, facts) = bench.command(hand.clone());
    reply.unwrap();
    let kinds: Vec<&str> = facts.iter().map(Fact::kind).collect();
    assert!(
        kinds.contains(&"run.cancelled") && kinds.contains(&"agent.called"),
        "{kinds:?}"
    );
    assert_eq!(
        status(&bench, task),
        TaskStatus::Assigned,
        "the end of the old work isn't its"
    );
    go(&mut bench);
    assert!(given(&bench, "dev").contains("a person: the numbers are in notes/prices.md"));
    let (again, _) = bench.command(hand);
    assert_eq!(again.expect_err("it is dev's").code, Code::WRONG_STATE);
    play_in(&mut bench, "finish dev three plans");
    assert_eq!(result(&bench, task), "three plans");
}

#[test]
fn a_person_does_a_task() {
    let mut bench = cell();
    play_in(&mut bench, "member");
    let member = bench.member.expect("a member");
    let task = put(
        &mut bench,
        Card {
            to: Some(Assignee::Member(member)),
            ..Card::default()
        },
    );
    assert_eq!(status(&bench, task), TaskStatus::Assigned);
    let output = Some(bench.body(b"signed"));
    let finish = command::Task::Finish { task, output };
    bench.command(finish.clone()).0.unwrap();
    assert_eq!(status(&bench, task), TaskStatus::Done);
    assert_eq!(
        bench.command(finish).0.expect_err("done").code,
        Code::WRONG_STATE
    );
}

#[test]
fn a_persons_task_takes_no_reviewer() {
    let mut bench = cell();
    play_in(&mut bench, "member");
    let hers = Assignee::Member(bench.member.expect("a member"));
    let reviewer = Some(name("critic"));
    let both = Card {
        to: Some(hers.clone()),
        reviewer: reviewer.clone(),
        ..Card::default()
    };
    let why = ask(&mut bench, both.clone()).expect_err("refused");
    assert_eq!(why.code, Code::BAD_REQUEST);
    assert!(why.what.contains("has no reviewer"), "{}", why.what);

    // Nor does one become a person's with its reviewer.
    let of_pm = Card {
        reviewer,
        ..card("pm")
    };
    let task = put(&mut bench, of_pm);
    let change = |card: Card| command::Task::Change {
        task,
        card: Arc::new(card),
    };
    let why = bench.command(change(both.clone())).0.expect_err("refused");
    assert_eq!(why.code, Code::BAD_REQUEST);
    // What is handed to one keeps it, and what else is planned for it can be changed.
    let hand = command::Task::Hand {
        task,
        to: hers,
        note: None,
    };
    bench.command(hand).0.unwrap();
    let urgent = Card {
        priority: Priority::Urgent,
        ..both
    };
    bench.command(change(urgent)).0.unwrap();
    assert_eq!(status(&bench, task), TaskStatus::Assigned);
}

#[test]
fn what_a_person_did_is_approved_by_whom_it_takes() {
    let mut bench = cell();
    let task = put(
        &mut bench,
        Card {
            approve: Some(Role::Admin),
            unreviewed: true,
            ..Card::default()
        },
    );
    let finish = command::Task::Finish { task, output: None };
    bench.role = Role::Staff;
    assert_eq!(
        bench.command(finish.clone()).0.expect_err("no").code,
        Code::NOT_ALLOWED
    );
    bench.role = Role::Admin;
    bench.command(finish).0.unwrap();
    assert_eq!(status(&bench, task), TaskStatus::Done);
}

#[test]
fn a_cancelled_task_leaves_nothing_under_way() {
    let mut bench = cell();
    let task = put(&mut bench, card("pm"));
    go(&mut bench);
    bench.command(command::Task::Cancel { task }).0.unwrap();
    assert_eq!(status(&bench, task), TaskStatus::Cancelled);
    assert!(
        bench
            .open()
            .iter()
            .all(|effect| { matches!(effect, Effect::Cancel(_)) })
    );
    // One that hasn't begun, and whose agent would look at it later.
    let task = put(&mut bench, card("pm"));
    bench.command(command::Task::Cancel { task }).0.unwrap();
    let facts = go(&mut bench);
    let kinds: Vec<&str> = facts.iter().map(Fact::kind).collect();
    assert_eq!(kinds, ["agent.woke"], "nothing begins");
}

#[test]
fn who_is_called_answers_in_the_thread() {
    let mut bench = cell();
    let task = put(&mut bench, Card::default());
    say(&mut bench, task, "@dev what does it cost? @ghost @dev");
    go(&mut bench);
    let asked = given(&bench, "dev");
    assert!(
        asked.contains("a person: @dev what does it cost?"),
        "{asked}"
    );
    play_in(
        &mut bench,
        "finish dev Ten. @critic, is that right?; wait 0s",
    );
    assert!(given(&bench, "critic").contains("dev: Ten. @critic"));
    play_in(&mut bench, &format!("finish critic {QUIET}"));
    let said = thread(&bench, task);
    assert_eq!(
        said,
        [
            "person: @dev what does it cost? @ghost @dev",
            "agent:dev: Ten. @critic, is that right?",
        ]
    );
    assert_eq!(status(&bench, task), TaskStatus::Inbox);
}

#[test]
fn agents_that_call_each_other_stop() {
    let mut bench = cell();
    let task = put(&mut bench, Card::default());
    say(&mut bench, task, "@dev and @critic never agree");
    // Only one of them begins, so that the chain is one.
    let mut answers = 0;
    for _ in 0..4 * HOPS_MAX {
        go(&mut bench);
        for (agent, other) in [("dev", "critic"), ("critic", "dev")] {
            let busy = bench.open().iter().any(|effect| match effect {
                Effect::Sandbox(wanted) => wanted.agent == name(agent),
                _ => false,
            });
            if busy {
                play_in(&mut bench, &format!("finish {agent} no, @{other}"));
                answers += 1;
            }
        }
    }
    assert!(
        (HOPS_MAX..=2 * HOPS_MAX + 2).contains(&answers),
        "{answers} answers"
    );
    let said = thread(&bench, task).join("\n");
    assert!(said.contains("nobody is called any more"), "{said}");
    // A person begins anew.
    let facts = say(&mut bench, task, "@dev once more");
    let calls = |fact: &Fact| matches!(fact, Fact::Agent(agent::Fact::Called(_)));
    assert!(facts.iter().any(calls));
}

#[test]
fn what_is_said_has_limits() {
    let mut bench = cell();
    let task = put(&mut bench, Card::default());
    for (text, code) in [
        ("  ".to_owned(), Code::BAD_REQUEST),
        ("x".repeat(16_385), Code::TOO_LARGE),
    ] {
        let body = bench.body(text.as_bytes());
        let (reply, facts) = bench.command(command::Message::Say { task, body });
        assert_eq!(reply.expect_err("refused").code, code);
        assert!(facts.is_empty());
    }
    for number in 0..130 {
        say(&mut bench, task, &format!("message {number}"));
    }
    let piece = |at| bench.state.get(&Key::Thread(ThreadKey(task, at)));
    let lines = |at| match piece(at) {
        Some(AnyAggregate::Thread(thread)) => thread.lines.len(),
        _ => 0,
    };
    assert_eq!([lines(0), lines(1), lines(2), lines(3)], [64, 64, 2, 0]);
}

#[test]
fn whoever_is_to_hear_of_it_does() {
    let mut bench = cell();
    put(
        &mut bench,
        Card {
            cc: BTreeSet::from([name("critic")]),
            ..card("pm")
        },
    );
    go(&mut bench);
    play_in(&mut bench, "finish pm three plans; wait 0s");
    let heard = given(&bench, "critic");
    assert!(
        heard.contains("# What came of it\n\n<from-outside>\nthree plans\n</from-outside>"),
        "{heard}"
    );
    assert!(heard.contains("naos: The task is done."), "{heard}");
}

/// An agent that works with a component, and looks every quarter of an hour.
pub fn beats(bench: &mut Bench, agent: &str, active: Option<&str>) {
    let create = command::Agent::Create {
        name: name(agent),
        spec: AgentSpec {
            component: None,
            grants: Grants::default(),
            mind: Some(Arc::new(MindSpec {
                models: vec![name("first")],
                heartbeat: Some(Heartbeat {
                    active: active.map(str::to_owned),
                    ..Heartbeat::default()
                }),
                ..MindSpec::default()
            })),
            ..AgentSpec::default()
        },
    };
    bench.command(create).0.unwrap();
}

fn wakes(facts: &[Fact]) -> usize {
    let woke = |fact: &&Fact| matches!(fact, Fact::Agent(agent::Fact::Woke(_)));
    facts.iter().filter(woke).count()
}

#[test]
fn a_heartbeat_without_work_is_nothing() {
    let mut bench = Bench::new();
    beats(&mut bench, "jarvis", None);
    let before = bench.facts.len();
    assert!(bench.wait(Span::secs(86_400)).is_empty());
    assert_eq!(bench.facts.len(), before, "no row");
    assert!(
        bench.state.get(&Key::Desk(name("jarvis"))).is_none(),
        "nothing that could wake"
    );
}

#[test]
fn what_came_between_two_beats_is_looked_at_once() {
    let mut bench = Bench::new();
    beats(&mut bench, "jarvis", None);
    bench.wait(Span::secs(61));
    let task = put(&mut bench, Card::default());
    for text in ["@jarvis one", "@jarvis two", "@jarvis three"] {
        say(&mut bench, task, text);
    }
    let beat = Time(1_772_352_000_000).0.div_euclid(900_000) * 900_000 + 900_000;
    let early = bench.wait(Span(beat - bench.now.0 - 1));
    assert_eq!(wakes(&early), 0);
    assert_eq!(
        wakes(&bench.wait(Span(1))),
        1,
        "all that was said is one look"
    );
    assert_eq!(wakes(&bench.wait(Span::secs(86_400))), 0);
}

#[test]
fn missed_beats_are_one() {
    let mut bench = Bench::new();
    beats(&mut bench, "jarvis", None);
    put(&mut bench, card("jarvis"));
    assert_eq!(wakes(&bench.away(Span::secs(7 * 86_400))), 1);
}

#[test]
fn urgent_work_and_people_do_not_wait_for_a_beat() {
    let mut bench = Bench::new();
    beats(&mut bench, "jarvis", None);
    put(&mut bench, card("jarvis"));
    assert_eq!(wakes(&go(&mut bench)), 0);
    let urgent = Card {
        priority: Priority::Urgent,
        ..card("jarvis")
    };
    put(&mut bench, urgent);
    assert_eq!(
        wakes(&go(&mut bench)),
        1,
        "and it takes what waits beside it"
    );
    put(&mut bench, card("jarvis"));
    let (reply, facts) = bench.command(command::Agent::Wake {
        name: name("jarvis"),
    });
    reply.unwrap();
    assert_eq!(wakes(&facts), 1);
}

#[test]
fn a_stopped_agent_looks_when_it_is_enabled() {
    let mut bench = cell();
    play_in(&mut bench, "stop pm");
    let task = put(&mut bench, card("pm"));
    assert_eq!(wakes(&bench.wait(Span::secs(86_400))), 0);
    assert_eq!(status(&bench, task), TaskStatus::Assigned);
    play_in(&mut bench, "enable pm");
    assert_eq!(wakes(&go(&mut bench)), 1);
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
}

#[test]
fn what_cannot_begin_is_blocked_and_says_why() {
    let mut bench = Bench::new();
    beats(&mut bench, "jarvis", None);
    let task = put(&mut bench, card("jarvis"));
    bench.wait(Span::secs(900));
    // No model is there: a person may connect one.
    assert_eq!(status(&bench, task), TaskStatus::Blocked);
    let said = thread(&bench, task).join("\n");
    assert!(said.contains("It can't go on (N0145)"), "{said}");
    let jarvis = name("jarvis");
    let gone = bench.command(command::Agent::Delete { name: jarvis }).0;
    let refused = gone.unwrap_err().what;
    assert!(refused.starts_with("1 task waits for jarvis"), "{refused}");
}

#[test]
fn a_message_names_whom_it_calls() {
    let mut bench = cell();
    let task = put(
        &mut bench,
        Card {
            reviewer: Some(name("critic")),
            ..card("pm")
        },
    );
    let facts = say(&mut bench, task, "@all have a look");
    let said = facts.iter().find_map(|fact| match fact {
        Fact::Message(message::Fact::Said(f)) => Some(f.to.clone()),
        _ => None,
    });
    assert_eq!(said.unwrap(), [name("pm"), name("critic")]);
}

#[test]
fn what_a_member_leaves_is_nobodys_again() {
    for removed in [true, false] {
        let mut bench = cell();
        let add = command::Member::Add {
            name: sealed("Ana"),
            role: Role::Staff,
            handle: Some(name("ana")),
        };
        let Ok(Reply::Member(member)) = bench.command(add).0 else {
            panic!("a member");
        };
        let hers = Card {
            to: Some(Assignee::Member(member)),
            ..Card::default()
        };
        let (open, done) = (put(&mut bench, hers.clone()), put(&mut bench, hers));
        let others = put(&mut bench, card("pm"));
        let finish = command::Task::Finish {
            task: done,
            output: None,
        };
        bench.command(finish).0.unwrap();
        let (leaves, why): (command::Command, _) = match removed {
            true => (
                command::Member::Remove { member }.into(),
                "is no member any more",
            ),
            false => {
                let role = Role::External;
                let change = command::Member::ChangeRole { member, role };
                (change.into(), "works on no tasks any more")
            }
        };
        bench.command(leaves).0.unwrap();
        assert_eq!(status(&bench, open), TaskStatus::Inbox);
        let said = thread(&bench, open).pop().unwrap();
        assert!(said.contains(&format!("@ana's, who {why}")), "{said}");
        assert_eq!(status(&bench, done), TaskStatus::Done);
        assert_eq!(status(&bench, others), TaskStatus::Assigned);
        assert_eq!(thread(&bench, others), Vec::<String>::new());
    }
}
