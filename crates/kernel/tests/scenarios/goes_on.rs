//! How tasks of the board go on: handed over, blocked and begun again, tried again after a failure.

use std::collections::BTreeSet;

use naos_kernel::message::CALLS_MAX;
use naos_types::command;
use naos_types::fact::{Fact, agent};
use naos_types::spec::{Assignee, Card};
use naos_types::{Code, Name, Priority, Refusal, Role, Span, TaskId, TaskStatus, Time};

use crate::bench::Bench;
use crate::board::{
    agent_of, beats, card, given, go, made, name, put, result, say, status, thread,
};
use crate::script::play_in;

pub fn cell() -> Bench {
    let mut bench = Bench::new();
    play_in(
        &mut bench,
        "agent pm 1c; agent dev 1c; agent critic 1c; agent fury 1c",
    );
    bench
}

pub fn hand(bench: &mut Bench, task: TaskId, to: &str) -> Result<(), Refusal> {
    let to = Assignee::Agent(name(to));
    let hand = command::Task::Hand {
        task,
        to,
        note: None,
    };
    bench.command(hand).0.map(drop)
}

fn begin(bench: &mut Bench, task: TaskId) -> Result<(), Refusal> {
    bench.command(command::Task::Begin { task }).0.map(drop)
}

/// The agents that have a run.
fn at_work(bench: &Bench) -> BTreeSet<Name> {
    let of = |effect| match effect {
        naos_types::effect::Effect::Sandbox(wanted) => Some(wanted.agent),
        _ => None,
    };
    bench.open().into_iter().filter_map(of).collect()
}

/// What pm makes, critic looks at.
fn reviewed() -> Card {
    Card {
        reviewer: Some(name("critic")),
        ..card("pm")
    }
}

fn row() -> Card {
    Card {
        then: vec![name("dev"), name("critic")],
        ..card("pm")
    }
}

#[test]
fn whoever_is_handed_a_task_does_what_is_left_of_it() {
    let mut bench = cell();
    let task = put(&mut bench, row());
    go(&mut bench);
    play_in(&mut bench, "finish pm the spec");
    hand(&mut bench, task, "fury").unwrap();
    go(&mut bench);
    // Dev's part is fury's now; pm's work stays, and critic still comes after.
    assert!(given(&bench, "fury").ends_with(&made("pm", "the spec")));
    play_in(&mut bench, "finish fury a page");
    let asked = given(&bench, "critic");
    assert!(asked.contains(&made("pm", "the spec")), "{asked}");
    assert!(asked.ends_with(&made("fury", "a page")), "{asked}");
    play_in(&mut bench, "finish critic a better page");
    assert_eq!(status(&bench, task), TaskStatus::Done);
    assert_eq!(result(&bench, task), "a better page");
}

#[test]
fn what_a_person_would_have_approved_is_mended_by_somebody_else() {
    let mut bench = cell();
    let planned = Card {
        approve: Some(Role::Staff),
        ..reviewed()
    };
    let task = put(&mut bench, planned);
    go(&mut bench);
    play_in(
        &mut bench,
        r#"finish pm a page; finish critic {"verdict": "praise"}"#,
    );
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    hand(&mut bench, task, "dev").unwrap();
    go(&mut bench);
    assert!(given(&bench, "dev").ends_with(&made("pm", "a page")));
    play_in(
        &mut bench,
        r#"finish dev a fine page; finish critic {"verdict": "praise"}"#,
    );
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    play_in(&mut bench, "approve");
    assert_eq!(result(&bench, task), "a fine page");
}

#[test]
fn whoever_goes_on_sees_what_was_refuted() {
    let mut bench = cell();
    let task = put(&mut bench, reviewed());
    go(&mut bench);
    let refute =
        r#"finish pm a page; finish critic {"verdict": "refute", "evidence": ["no price"]}"#;
    play_in(&mut bench, refute);
    hand(&mut bench, task, "dev").unwrap();
    go(&mut bench);
    let asked = given(&bench, "dev");
    assert!(asked.contains(&made("pm", "a page")), "{asked}");
    assert!(
        asked.contains("# What critic refuted in that\n\n<from-outside>\n{")
            && asked.contains("no price")
    );
}

#[test]
fn a_budget_that_is_too_small_blocks_the_task_and_says_what_raises_it() {
    let mut bench = cell();
    play_in(&mut bench, "agent weaver 12c; budget weaver 10c");
    let row = Card {
        then: vec![name("weaver")],
        ..card("pm")
    };
    let task = put(&mut bench, row);
    go(&mut bench);
    play_in(&mut bench, "finish pm the spec");
    assert_eq!(status(&bench, task), TaskStatus::Blocked);
    let said = thread(&bench, task).join("\n");
    for part in [
        "It can't go on (N0227)",
        "`naos cost set`",
        "`answer_tokens`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_stopped_agent_in_the_row_blocks_the_task_until_somebody_lets_it_go_on() {
    let mut bench = cell();
    let task = put(&mut bench, row());
    go(&mut bench);
    play_in(&mut bench, "stop dev; finish pm the spec");
    assert_eq!(status(&bench, task), TaskStatus::Blocked);
    let said = thread(&bench, task).join("\n");
    assert!(
        said.contains("It can't go on (N0144): dev is stopped"),
        "{said}"
    );
    assert!(at_work(&bench).is_empty());
    let why = begin(&mut bench, task).expect_err("dev is stopped");
    assert_eq!(
        (why.code, why.what.as_str()),
        (Code::AGENT_STOPPED, "dev is stopped")
    );
    play_in(&mut bench, "enable dev");
    begin(&mut bench, task).unwrap();
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    // Pm isn't asked again.
    assert_eq!(at_work(&bench), BTreeSet::from([name("dev")]));
    play_in(&mut bench, "finish dev a page; finish critic a better page");
    assert_eq!(result(&bench, task), "a better page");
    // It may be handed over as well, or cancelled.
    for way in ["hand", "cancel"] {
        let task = put(&mut bench, row());
        go(&mut bench);
        play_in(&mut bench, "stop dev; finish pm the spec");
        if way == "cancel" {
            bench.command(command::Task::Cancel { task }).0.unwrap();
            assert_eq!(status(&bench, task), TaskStatus::Cancelled);
        } else {
            hand(&mut bench, task, "fury").unwrap();
            go(&mut bench);
            play_in(
                &mut bench,
                "finish fury a page; finish critic fine; enable dev",
            );
            assert_eq!(result(&bench, task), "fine");
        }
    }
}

#[test]
fn what_failed_is_tried_again_where_it_failed() {
    let mut bench = cell();
    let task = put(&mut bench, row());
    go(&mut bench);
    play_in(&mut bench, "finish pm the spec; fail dev");
    assert_eq!(status(&bench, task), TaskStatus::Failed);
    begin(&mut bench, task).unwrap();
    assert_eq!(status(&bench, task), TaskStatus::InProgress);
    assert!(given(&bench, "dev").contains("the spec"));
    play_in(&mut bench, "finish dev a page; finish critic fine");
    assert_eq!(status(&bench, task), TaskStatus::Done);
    assert_eq!(
        begin(&mut bench, task).expect_err("done").code,
        Code::WRONG_STATE
    );
    // By somebody else as well.
    let task = put(&mut bench, row());
    go(&mut bench);
    play_in(&mut bench, "finish pm the spec; fail dev");
    hand(&mut bench, task, "fury").unwrap();
    go(&mut bench);
    assert!(given(&bench, "fury").contains(&made("pm", "the spec")));
}

#[test]
fn a_reviewer_without_a_verdict_is_asked_again_in_every_round_and_then_a_person_decides() {
    let mut bench = cell();
    let task = put(&mut bench, reviewed());
    go(&mut bench);
    let vague = "finish critic hmm; wait 60s";
    play_in(&mut bench, &format!("finish pm a page; {vague}"));
    let refute = r#"finish critic {"verdict": "refute", "evidence": ["no price"]}"#;
    play_in(
        &mut bench,
        &format!("{refute}; finish pm a page of prices; {vague}"),
    );
    assert_eq!(
        status(&bench, task),
        TaskStatus::SquadReview,
        "asked again in the second round"
    );
    play_in(&mut bench, vague);
    assert_eq!(status(&bench, task), TaskStatus::HumanApproval);
    play_in(&mut bench, "approve");
    assert_eq!(result(&bench, task), "a page of prices");
}

#[test]
fn what_waits_for_a_cancelled_task_says_so_and_may_begin_without() {
    let mut bench = cell();
    let first = put(&mut bench, card("pm"));
    let waits = Card {
        after: vec![first],
        ..card("dev")
    };
    let second = put(&mut bench, waits.clone());
    bench
        .command(command::Task::Cancel { task: first })
        .0
        .unwrap();
    let said = thread(&bench, second).join("\n");
    assert!(
        said.contains("is cancelled, and this task waits for it"),
        "{said}"
    );
    let change = |card: Card| command::Task::Change {
        task: second,
        card: card.into(),
    };
    let more = Card {
        after: vec![first, TaskId(7)],
        ..waits
    };
    let (reply, _) = bench.command(change(more));
    assert!(
        reply
            .expect_err("nobody planned that one")
            .what
            .contains("there is no task")
    );
    bench.command(change(card("dev"))).0.unwrap();
    assert_eq!(status(&bench, second), TaskStatus::Assigned);
    go(&mut bench);
    assert_eq!(status(&bench, second), TaskStatus::InProgress);
}

#[test]
fn an_agent_with_tasks_is_not_deleted() {
    let mut bench = cell();
    let task = put(&mut bench, card("pm"));
    let delete = command::Agent::Delete { name: name("pm") };
    let why = bench.command(delete.clone()).0.expect_err("it has a task");
    assert!(why.what.starts_with("1 task waits for pm"), "{}", why.what);
    hand(&mut bench, task, "dev").unwrap();
    bench.command(delete).0.unwrap();
    // One that waits for another is its, too.
    let waits = Card {
        after: vec![task],
        ..card("fury")
    };
    let later = put(&mut bench, waits);
    let delete = command::Agent::Delete { name: name("fury") };
    let why = bench.command(delete.clone()).0.expect_err("a task is its");
    assert!(
        why.what.starts_with("1 task waits for fury"),
        "{}",
        why.what
    );
    hand(&mut bench, later, "critic").unwrap();
    bench.command(delete).0.unwrap();
    play_in(&mut bench, "wait 0s; finish dev done");
    assert_eq!(status(&bench, later), TaskStatus::Assigned);
}

#[test]
fn an_urgent_task_pulls_no_other_along_outside_the_hours() {
    let mut bench = Bench::new();
    beats(&mut bench, "jarvis", Some("* 9-16 * * *"));
    let day = Time(bench.now.0.div_euclid(86_400_000) * 86_400_000 + 86_400_000);
    bench.wait(Span(day.0 - bench.now.0 + 22 * 3_600_000));
    let normal = put(&mut bench, card("jarvis"));
    let urgent = put(
        &mut bench,
        Card {
            priority: Priority::Urgent,
            ..card("jarvis")
        },
    );
    go(&mut bench);
    assert_ne!(
        status(&bench, urgent),
        TaskStatus::Assigned,
        "it was looked at"
    );
    assert_eq!(status(&bench, normal), TaskStatus::Assigned);
    bench.wait(Span::secs(10 * 3_600));
    assert_eq!(status(&bench, normal), TaskStatus::Assigned, "08:00");
    bench.wait(Span::secs(2 * 3_600));
    assert_ne!(status(&bench, normal), TaskStatus::Assigned, "10:00");
}

/// How often agents spoke, and what was said, when all that are called call `all`.
fn talk(bench: &mut Bench, task: TaskId, all: &str) -> (usize, String) {
    let mut answers = 0;
    for _ in 0..8 * CALLS_MAX {
        go(bench);
        let Some(agent) = at_work(bench).into_iter().next() else {
            break;
        };
        play_in(bench, &format!("finish {agent} no, {all}"));
        answers += 1;
    }
    (answers, thread(bench, task).join("\n"))
}

#[test]
fn a_talk_of_many_ends_and_says_so_once() {
    let mut bench = cell();
    let task = put(&mut bench, Card::default());
    let all = "@pm @dev @critic @fury";
    for round in 1..=2 {
        say(&mut bench, task, all);
        let (answers, said) = talk(&mut bench, task, all);
        assert!(
            (CALLS_MAX..=CALLS_MAX + 4).contains(&answers),
            "{answers} answers"
        );
        let ended = said.matches("nobody is called any more").count();
        assert_eq!(ended, round, "{said}");
    }
    let calls = |fact: &Fact| matches!(fact, Fact::Agent(agent::Fact::Called(_)));
    assert!(say(&mut bench, task, "@dev").iter().any(calls));
    assert_eq!(agent_of("dev"), Some(Assignee::Agent(name("dev"))));
}
