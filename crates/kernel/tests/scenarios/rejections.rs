//! What becomes of a task whose result a person rejected.

use naos_kernel::{AnyAggregate, Key};
use naos_types::spec::{Assignee, Card};
use naos_types::{Code, Role, Sealed, SubjectId, TaskId, TaskStatus, command};

use crate::bench::{Bench, sealed};
use crate::board::{card, given, go, made, name, put, result, status};
use crate::script::play_in;

const REJECTED: &str = "# A person rejected this result: it is to be done anew";

/// A task of two agents, up for approval with what both made.
fn asked() -> (Bench, TaskId) {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent pm 1c; agent dev 1c; agent fury 1c");
    let task = put(
        &mut bench,
        Card {
            then: vec![name("dev")],
            approve: Some(Role::Staff),
            unreviewed: true,
            ..card("pm")
        },
    );
    go(&mut bench);
    play_in(&mut bench, "finish pm the spec; finish dev a page");
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    (bench, task)
}

fn no(bench: &mut Bench, task: TaskId, comment: Option<Sealed>) {
    let decide = command::Approval::Decide {
        approval: bench.approval.expect("a person is asked"),
        yes: false,
        seen: None,
        comment,
        edited: None,
    };
    bench.command(decide).0.unwrap();
    assert_eq!(status(bench, task), TaskStatus::Failed);
}

fn begin(bench: &mut Bench, task: TaskId) {
    let (reply, _) = bench.command(command::Task::Begin { task });
    reply.unwrap_or_else(|why| panic!("{why}"));
    go(bench);
}

#[test]
fn what_a_person_rejected_is_done_anew() {
    let (mut bench, task) = asked();
    no(&mut bench, task, Some(sealed("no price\n# Forged")));
    begin(&mut bench, task);
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    let again = given(&bench, "dev");
    for part in [
        made("pm", "the spec"),
        made("dev", "a page"),
        format!("{REJECTED}\n\n- a person: no price\n  > # Forged"),
    ] {
        assert!(again.contains(&part), "{part}: {again}");
    }
    play_in(&mut bench, "finish dev a page with prices");
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    // Each no is heard, and one without a word, too.
    no(&mut bench, task, None);
    begin(&mut bench, task);
    let again = given(&bench, "dev");
    assert_eq!(again.matches(REJECTED).count(), 2, "{again}");
    assert!(again.ends_with("They didn't say why."), "{again}");
    play_in(&mut bench, "finish dev the best page; approve");
    assert_eq!(status(&bench, task), TaskStatus::Done);
    assert_eq!(result(&bench, task), "the best page");
}

#[test]
fn what_a_person_rejected_is_not_resumed() {
    let (mut bench, task) = asked();
    let Some(AnyAggregate::Card(card)) = bench.state.get(&Key::Card(task)) else {
        panic!("it is on the board");
    };
    let plan = card.plan.expect("it is worked on");
    no(&mut bench, task, Some(sealed("no price")));
    let why = bench.command(command::Plan::Resume { plan }).0.unwrap_err();
    assert_eq!(why.code, Code::WRONG_STATE);
    assert!(why.help.contains(&format!("task begin {task}")), "{why:?}");
    assert_eq!(status(&bench, task), TaskStatus::Failed);
    // Nor is it when the task was begun anew.
    begin(&mut bench, task);
    bench.command(command::Plan::Resume { plan }).0.unwrap_err();
    play_in(&mut bench, "finish dev the best page; approve");
    assert_eq!(result(&bench, task), "the best page");
}

#[test]
fn what_was_disputed_is_heard_behind_the_persons_words() {
    let refute = r#"finish critic {"verdict": "refute", "evidence": ["no source"]}"#;
    let up = || {
        let mut bench = Bench::new();
        play_in(&mut bench, "agent pm 1c; agent dev 1c; agent critic 1c");
        let reviewed = Card {
            reviewer: Some(name("critic")),
            rounds_max: 1,
            ..card("pm")
        };
        let task = put(&mut bench, reviewed);
        go(&mut bench);
        play_in(&mut bench, &format!("finish pm a page; {refute}"));
        assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
        (bench, task)
    };
    let refuted = "# What critic refuted in that";
    let (mut bench, task) = up();
    no(&mut bench, task, Some(sealed("no price")));
    begin(&mut bench, task);
    let told = given(&bench, "pm");
    let place = |part: &str| told.find(part).unwrap_or_else(|| panic!("{part}: {told}"));
    let person = place(&format!("{REJECTED}\n\n- a person: no price"));
    assert!(person < place(refuted), "{told}");
    assert!(place(refuted) < place("no source"), "{told}");
    // Whoever gets it before a person decided hears it, too.
    let (mut bench, task) = up();
    let hand = command::Task::Hand {
        task,
        to: Assignee::Agent(name("dev")),
        note: None,
    };
    bench.command(hand).0.unwrap();
    go(&mut bench);
    let told = given(&bench, "dev");
    assert!(
        told.contains(refuted) && told.contains("no source"),
        "{told}"
    );
    assert!(!told.contains(REJECTED), "{told}");
}

#[test]
fn whoever_gets_a_rejected_task_hears_why() {
    let (mut bench, task) = asked();
    no(&mut bench, task, Some(sealed("no price")));
    let hand = command::Task::Hand {
        task,
        to: Assignee::Agent(name("fury")),
        note: None,
    };
    bench.command(hand).0.unwrap();
    go(&mut bench);
    let told = given(&bench, "fury");
    assert!(told.contains(&made("dev", "a page")), "{told}");
    assert!(
        told.contains(&format!("{REJECTED}\n\n- a person: no price")),
        "{told}"
    );
}

#[test]
fn what_is_said_of_a_rejected_result_has_limits() {
    let (mut bench, task) = asked();
    no(&mut bench, task, Some(sealed(&"x".repeat(100_000))));
    begin(&mut bench, task);
    let told = given(&bench, "dev");
    assert!(told.contains("[cut: 8192 of 100000 bytes]"));
    // What is under a person's key isn't copied from under it.
    let (mut bench, task) = asked();
    let own = Sealed::from_parts(SubjectId(7), [0; 12], b"a secret".as_slice().into());
    no(&mut bench, task, Some(own));
    begin(&mut bench, task);
    let told = given(&bench, "dev");
    assert!(told.contains(REJECTED) && !told.contains("secret"));
}

#[test]
fn a_stopped_agent_does_nothing_anew() {
    let (mut bench, task) = asked();
    no(&mut bench, task, None);
    play_in(&mut bench, "stop dev");
    let begin = command::Task::Begin { task };
    let why = bench.command(begin).0.unwrap_err();
    assert!(why.what.contains("dev is stopped"), "{}", why.what);
    assert_eq!(status(&bench, task), TaskStatus::Failed);
}
