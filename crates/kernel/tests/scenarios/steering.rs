//! What people say to whoever is at work in a run: durable, heard with the next turn, never lost.

use naos_types::command::{self, Reply};
use naos_types::fact::{Fact, message, run};
use naos_types::input::{CallOutcome, Link, Piece};
use naos_types::spec::{MindSpec, Tool};
use naos_types::think::Think;
use naos_types::{Actor, BodyRef, Code, Refusal, RunId, RunStatus, TaskStatus};

use crate::bench::Bench;
use crate::board::{card, go, name, put, say, status};
use crate::colleagues::{minds, says};
use crate::thinking::{Cell, calls, kinds, made, mind, text, trouble};
use crate::what_ifs::{SECOND, begun};

fn steer(bench: &mut Bench, run: RunId, words: &str) -> (Result<Reply, Refusal>, String) {
    let body = bench.body(words.as_bytes());
    let (reply, facts) = bench.command(command::Run::Steer { run, body });
    (reply, kinds(&facts))
}

/// What people said, as the recording that a question goes on from has it, in order; the number of
/// answers before each.
fn heard(bench: &Bench, think: &Think) -> Vec<(usize, String)> {
    let (mut at, mut pieces): (Option<BodyRef>, Vec<Piece>) = (think.tail, Vec::new());
    while let Some(name) = at {
        let link: Link = postcard::from_bytes(&bench.bodies[&name]).unwrap();
        at = link.before;
        pieces.insert(0, link.piece);
    }
    let mut out = Vec::new();
    for (before, piece) in pieces.iter().enumerate() {
        if let Piece::Notes { said, .. } = piece {
            out.extend(said.iter().map(|(_, words)| (before, words.clone())));
        }
    }
    out
}

#[test]
fn what_a_person_says_is_heard_with_the_next_turn_behind_all_results() {
    let mut cell = Cell::over(made(mind()));
    let (reply, facts) = steer(&mut cell.bench, cell.run, "Only this year.");
    assert!(matches!(reply, Ok(Reply::Message(_))), "{reply:?}");
    assert_eq!(facts, "message.steered");
    assert_eq!(
        heard(&cell.bench, &cell.asked().unwrap().1),
        [],
        "it was asked before"
    );
    let facts = cell.says(&calls(&[
        ("calculate", r#"{"expression": "1"}"#),
        ("calculate", r#"{"expression": "2"}"#),
    ]));
    assert!(
        facts.ends_with("run.recorded budget.reserved run.called"),
        "{facts}"
    );
    let (_, think) = cell.asked().unwrap();
    // The answer, both results, then the note.
    assert_eq!(
        heard(&cell.bench, &think),
        [(3, "Only this year.".to_owned())]
    );
    assert_eq!(think.tail, cell.run().tail);
    cell.says(&text("Done."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    // Once it is over nobody hears anything.
    let (reply, facts) = steer(&mut cell.bench, cell.run, "And that?");
    let refusal = reply.unwrap_err();
    assert_eq!((refusal.code, facts.as_str()), (Code::WRONG_STATE, ""));
    assert!(refusal.what.contains("completed"), "{}", refusal.what);
}

#[test]
fn an_answer_that_was_under_way_is_not_the_last_word() {
    let mut cell = Cell::over(made(mind()));
    steer(&mut cell.bench, cell.run, "In French.").0.unwrap();
    cell.says(&text("The bill."));
    assert_eq!(cell.status().0, RunStatus::Running, "it is asked once more");
    let (_, think) = cell.asked().unwrap();
    assert_eq!(heard(&cell.bench, &think), [(1, "In French.".to_owned())]);
    // The answer to the note fails: what it said before isn't taken for it.
    cell.says(&trouble(false));
    assert_eq!(cell.status().0, RunStatus::Running);
    assert_eq!(cell.asked().unwrap().1.model, name("second"));
    cell.says(&text("La facture."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!(cell.bench.text(&cell.run().output.unwrap()), "La facture.");
}

#[test]
fn a_what_if_of_the_turn_that_a_note_opened_asks_anew() {
    let mut cell = Cell::over(made(mind()));
    steer(&mut cell.bench, cell.run, "In French.").0.unwrap();
    cell.says(&text("The bill."));
    cell.says(&text("La facture."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    // The answer before the note isn't what the second turn came to.
    assert_eq!(
        begun(&mut cell, 2, SECOND),
        "run.started budget.reserved run.called"
    );
    let (_, think) = cell.asked().expect("the other model is asked");
    assert_eq!(think.model, name("second"));
    assert_eq!(heard(&cell.bench, &think), [(1, "In French.".to_owned())]);
    cell.says(&text("Une facture."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!(cell.bench.text(&cell.run().output.unwrap()), "Une facture.");
    assert_eq!(cell.money(), (600, 0), "one answer more was paid");
}

#[test]
fn another_attempt_hears_it_again() {
    let mut cell = Cell::over(made(mind()));
    steer(&mut cell.bench, cell.run, "In French.").0.unwrap();
    // Lost: it is asked anew, and hears what was said meanwhile.
    cell.ended(CallOutcome::Lost(None));
    let (_, think) = cell.asked().unwrap();
    assert_eq!(heard(&cell.bench, &think).len(), 1);
    cell.ended(CallOutcome::Lost(None));
    assert_eq!(cell.status().0, RunStatus::Failed);
    let told = |facts: &[(naos_types::Time, Fact)]| {
        let steered = facts
            .iter()
            .filter(|(_, fact)| matches!(fact, Fact::Message(message::Fact::Steered(_))));
        steered.count()
    };
    assert_eq!(
        told(&cell.bench.facts),
        1,
        "it is said once, however often it is heard"
    );
}

#[test]
fn it_is_refused_where_nobody_would_hear_it() {
    let mut cell = Cell::over(made(mind()));
    let (reply, _) = steer(&mut cell.bench, cell.run, "  ");
    assert_eq!(reply.unwrap_err().code, Code::BAD_REQUEST);
    let (reply, _) = steer(&mut cell.bench, RunId(7), "x");
    assert_eq!(reply.unwrap_err().code, Code::NOT_FOUND);
    for _ in 0..naos_kernel::run::NOTES_MAX {
        steer(&mut cell.bench, cell.run, "x").0.unwrap();
    }
    let (reply, _) = steer(&mut cell.bench, cell.run, "x");
    assert_eq!(reply.unwrap_err().code, Code::TOO_LARGE);
}

#[test]
fn where_no_more_may_be_asked_the_answer_stands() {
    let mut cell = Cell::over(made(MindSpec {
        turns_max: 1,
        tools: vec![Tool::Calculate],
        ..mind()
    }));
    steer(&mut cell.bench, cell.run, "In French.").0.unwrap();
    cell.says(&text("The bill."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
}

#[test]
fn who_is_called_while_at_the_task_hears_it_there_and_no_second_run_begins() {
    let mut bench = minds(&["ping", "pong"]);
    let task = put(&mut bench, card("ping"));
    go(&mut bench);
    let runs = |bench: &Bench| {
        let began = bench
            .facts
            .iter()
            .filter(|(_, fact)| matches!(fact, Fact::Run(run::Fact::Started(_))));
        began.count()
    };
    assert_eq!(runs(&bench), 1);
    let facts = say(
        &mut bench,
        task,
        "@ping only this year; @pong what do you think?",
    );
    go(&mut bench);
    let steered = facts.iter().find_map(|fact| match fact {
        Fact::Message(message::Fact::Steered(f)) => Some(f.clone()),
        _ => None,
    });
    let steered = steered.expect("its run hears it");
    assert_eq!(steered.agent, name("ping"));
    assert!(matches!(steered.by, Actor::Member(..)));
    assert_eq!(runs(&bench), 2, "the other one answers in a run of its own");
    says(&mut bench, "ping", "All bills.");
    assert_eq!(
        status(&bench, task),
        TaskStatus::InProgress,
        "it heard something meanwhile"
    );
    says(&mut bench, "ping", "The bills of this year.");
    assert_eq!(status(&bench, task), TaskStatus::Done);
}

#[test]
fn a_run_took_as_long_as_it_was_at_work_however_it_ends() {
    for cancels in [true, false] {
        let mut cell = Cell::over(made(mind()));
        cell.bench.now = cell.bench.now + naos_types::Span(1_500);
        if cancels {
            let cancel = command::Run::Cancel { run: cell.run };
            cell.bench.command(cancel).0.unwrap();
        } else {
            cell.says(&naos_types::think::Thought {
                stop: "refused".into(),
                ..text("No.")
            });
        }
        let run = cell.run();
        assert!(run.status.is_closed(), "{}", run.status);
        assert_eq!(run.took, run.ended.unwrap() - run.started, "{}", run.status);
        assert!(run.took >= naos_types::Span(1_500), "{}", run.status);
    }
}

#[test]
fn what_a_run_cost_is_what_was_settled_for_it_however_it_ends() {
    // Cancelled in the middle of an answer: that counts as the worst case.
    let mut cell = Cell::over(made(mind()));
    cell.says(&calls(&[("calculate", r#"{"expression": "1"}"#)]));
    let cancel = command::Run::Cancel { run: cell.run };
    cell.bench.command(cancel).0.unwrap();
    let (spent, reserved) = cell.money();
    assert!(spent > 200 && reserved == 0);
    assert_eq!(cell.run().cost.0, spent);
    // Failed, and tried again from the start: both attempts were paid.
    let retry = naos_types::spec::RetryPolicy {
        attempts_max: 2,
        ..naos_types::spec::RetryPolicy::default()
    };
    let mut bench = made(mind());
    let apply = command::Agent::Apply {
        name: name("brain"),
        spec: naos_types::spec::AgentSpec {
            mind: Some(std::sync::Arc::new(mind())),
            retry,
            ..naos_types::spec::AgentSpec::default()
        },
    };
    bench.command(apply).0.unwrap();
    let mut cell = Cell::over(bench);
    cell.says(&naos_types::think::Thought {
        stop: "refused".into(),
        ..text("No.")
    });
    assert_eq!(cell.run().cost.0, 200);
    cell.bench.wait(naos_types::Span::secs(600));
    cell.says(&text("The bill."));
    assert_eq!(cell.status(), (RunStatus::Completed, None));
    assert_eq!((cell.run().cost.0, cell.money()), (400, (400, 0)));
}
