//! Tasks and runs: who does it, what it may do, how it ends.

use naos_types::effect::Effect;
use naos_types::input::{End, Input, RunEnded};
use naos_types::{NewLog, Span};

use crate::bench::Bench;
use crate::script::{check, play_in};

#[test]
fn a_task_by_name() {
    check(
        "agent worker 5c; ask worker hello",
        "task.opened task.routed(worker) run.started budget.reserved",
    );
    check(
        "agent worker 5c; ask worker hello; finish worker done",
        "run.completed budget.settled task.closed(done)",
    );
    check(
        "agent worker 5c; ask worker hello; finish worker done; show task",
        "done done",
    );
    check(
        "agent worker 0c; ask worker hello",
        "task.opened task.routed(worker) run.started",
    );
}

#[test]
fn nobody_of_that_name() {
    check("ask nobody hello", "N0120 there is no agent nobody");
    check(
        "agent brain 5c model; ask brain hello",
        "N0145 brain works with a model, and no model is connected",
    );
}

#[test]
fn the_broker_chooses_the_cheapest_that_is_sure() {
    let cell = "agent greeter-agent 5c; skill greeter hello {who} => hi {{ who }}";
    check(
        &format!("{cell}; say hello world; show task"),
        "done hi world",
    );
    check(
        "agent worker 5c; say please worker",
        "task.opened task.routed(worker) run.started budget.reserved",
    );
    check(
        "say anything at all",
        "N0145 nobody here can do this without a model",
    );
}

#[test]
fn over_budget_is_refused_before_anything_happens() {
    check(
        "agent worker 12c; budget worker 10c; ask worker hello",
        "N0227 the budget of worker is $0.10 in all, and this may cost $0.12: waiting doesn't help",
    );
    check(
        "agent worker 6c; budget worker 10c; ask worker one; ask worker two",
        "N0143 worker has $0.04 left of $0.10, this may cost $0.06",
    );
    check(
        "agent worker 6c; budget worker 10c; ask worker one; fail worker; ask worker two",
        "task.opened task.routed(worker) run.started budget.reserved",
    );
    check(
        "agent worker 6c; budget worker 10c alert; ask worker one; ask worker two",
        "task.opened task.routed(worker) run.started budget.reserved",
    );
}

#[test]
fn money_is_set_aside_settled_and_given_back() {
    let cell = "agent worker 4c; budget worker 10c; ask worker one";
    check(
        &format!("{cell}; show worker"),
        "$0.00 spent, $0.04 reserved",
    );
    check(
        &format!("{cell}; finish worker x; show worker"),
        "$0.04 spent, $0.00 reserved",
    );
    check(
        &format!("{cell}; fail worker; show worker"),
        "$0.00 spent, $0.00 reserved",
    );
    check(
        &format!("{cell}; finish worker x; reset worker; show worker"),
        "$0.00 spent, $0.00 reserved",
    );
    check(
        "agent worker 5c; budget worker 5c; ask worker one; finish worker x",
        "run.completed budget.settled budget.alerted budget.exhausted task.closed(done)",
    );
    check(
        "agent worker 5c; budget worker 5c daily; ask worker a; finish worker x; \
         wait 86400s; ask worker b; show worker",
        "$0.00 spent, $0.05 reserved",
    );
}

#[test]
fn all_agents_together_have_a_limit_too() {
    let cell = "agent a 6c; agent b 6c; budget * 10c; ask a one";
    check(&format!("{cell}; show *"), "$0.00 spent, $0.06 reserved");
    check(
        &format!("{cell}; ask b two"),
        "N0143 all agents together have $0.04 left of $0.10, this may cost $0.06",
    );
    check(
        &format!("{cell}; finish a x; show *"),
        "$0.06 spent, $0.00 reserved",
    );
    check(
        &format!("{cell}; fail a; ask b two"),
        "task.opened task.routed(b) run.started budget.reserved",
    );
    check(
        &format!("{cell}; cancel run; show *"),
        "$0.00 spent, $0.00 reserved",
    );
    check(
        &format!("{cell}; finish a x; reset *; ask b two"),
        "task.opened task.routed(b) run.started budget.reserved",
    );
    // What was set aside before there was a limit counts in it.
    check(
        "agent a 6c; agent b 6c; ask a one; budget * 10c; ask b two",
        "N0143 all agents together have $0.04 left of $0.10, this may cost $0.06",
    );
    check(
        "agent a 6c; agent b 6c; budget * 10c alert; ask a one; ask b two",
        "task.opened task.routed(b) run.started budget.reserved",
    );
    check(
        &format!("{cell}; budget * none; ask b two"),
        "task.opened task.routed(b) run.started budget.reserved",
    );
    check(
        "agent a 5c; budget * 5c; ask a one; finish a x",
        "run.completed budget.settled budget.alerted budget.exhausted task.closed(done)",
    );
    // The agent's own limit is asked first, and holds as before.
    check(
        "agent a 6c; budget * 100c; budget a 10c; ask a one; ask a two",
        "N0143 a has $0.04 left of $0.10, this may cost $0.06",
    );
}

#[test]
fn money_of_all_counts_on_the_day_it_is_spent() {
    let cell = "agent a 6c; agent b 6c; budget * 10c daily; ask a one; wait 86400s";
    // What is set aside stays so over midnight.
    check(
        &format!("{cell}; ask b two"),
        "N0143 all agents together have $0.04 left of $0.10, this may cost $0.06",
    );
    check(
        &format!("{cell}; finish a x; show *"),
        "$0.06 spent, $0.00 reserved",
    );
    check(
        &format!("{cell}; finish a x; ask b two"),
        "N0143 all agents together have $0.04 left of $0.10, this may cost $0.06",
    );
    check(
        &format!("{cell}; finish a x; wait 86400s; ask b two; show *"),
        "$0.00 spent, $0.06 reserved",
    );
}

#[test]
fn a_stopped_agent_takes_no_work() {
    check(
        "agent worker 5c; stop worker; ask worker hello",
        "N0144 worker is stopped",
    );
    check("agent worker 5c; stop worker; stop worker", "nothing");
    check(
        "agent worker 5c; stop worker; enable worker; ask worker hello",
        "task.opened task.routed(worker) run.started budget.reserved",
    );
    check(
        "agent worker 5c; agent worker 5c",
        "N0130 there is an agent worker already",
    );
    check(
        "agent worker 5c; ask worker x; delete worker",
        "N0131 worker has 1 open run",
    );
    check(
        "agent worker 5c; ask worker x; finish worker y; delete worker",
        "agent.deleted",
    );
}

#[test]
fn a_failed_attempt_is_tried_again_after_a_pause() {
    let cell = "agent worker 5c x3; ask worker hello; fail worker";
    check(
        "agent worker 5c x3; ask worker hello; fail worker",
        "run.failed(again)",
    );
    check(&format!("{cell}; show effects"), "nothing");
    check(&format!("{cell}; wait 9s"), "nothing");
    check(&format!("{cell}; wait 13s"), "run.started");
    check(
        &format!("{cell}; wait 13s; show effects"),
        "worker attempt 2",
    );
    check(
        &format!("{cell}; wait 13s; trap worker; wait 18s; show run"),
        "running attempt 2",
    );
    check(
        &format!("{cell}; wait 13s; trap worker; wait 26s; show run"),
        "running attempt 3",
    );
    check(
        &format!("{cell}; wait 13s; lose worker; wait 26s; fail worker"),
        "run.failed(for good) budget.released task.closed(failed)",
    );
    check(
        "agent worker 5c; ask worker x; fail worker",
        "run.failed(for good) budget.released task.closed(failed)",
    );
    check(
        "agent worker 5c x3; ask worker x; unloadable worker",
        "run.failed(for good) budget.released task.closed(failed)",
    );
}

#[test]
fn a_limit_ends_a_run_for_good() {
    check(
        "agent worker 5c x3; ask worker x; limit worker",
        "run.stopped(N0180) budget.released task.closed(failed)",
    );
}

#[test]
fn gated_calls_are_granted_or_denied() {
    let cell = "agent worker 5c; ask worker x";
    for (call, facts) in [
        ("http GET api.example", "run.called(repeatable)"),
        ("http POST api.example keyed", "run.called(keyed)"),
        ("http POST api.example", "run.called(once)"),
        (
            "http GET evil.example",
            "run.called(repeatable) run.answered",
        ),
        (
            "emit work.done",
            "run.called(keyed) event.published run.answered",
        ),
        ("emit secret", "run.called(keyed) run.answered"),
        ("emit bad..topic", "run.called(keyed) run.answered"),
        ("ask", "run.called(keyed) approval.requested"),
    ] {
        check(&format!("{cell}; call worker {call}"), facts);
    }
    check(
        "agent worker 5c mute; ask worker x; call worker ask",
        "run.called(keyed) run.answered",
    );
}

#[test]
fn a_call_goes_out_once_and_its_answer_goes_in() {
    let cell = "agent worker 5c; ask worker x; call worker http GET api.example";
    check(&format!("{cell}; show effects"), "call 0 attempt 1");
    check(&format!("{cell}; answered worker"), "run.answered");
    check(
        &format!("{cell}; answered worker; show effects"),
        "worker attempt 1",
    );
    check(&format!("{cell}; unsent worker"), "run.answered");
    check(
        &format!("{cell}; answered worker; suspend worker; show effects"),
        "worker attempt 1",
    );
}

#[test]
fn a_person_answers_what_a_guest_asks() {
    let cell = "agent worker 5c; ask worker x; call worker ask";
    check(&format!("{cell}; show run"), "held attempt 1");
    check(&format!("{cell}; show effects"), "nothing");
    check(
        &format!("{cell}; approve"),
        "approval.approved run.answered",
    );
    check(&format!("{cell}; reject; show effects"), "worker attempt 1");
    check(
        &format!("{cell}; cancel run"),
        "run.cancelled budget.released approval.withdrawn task.closed(cancelled)",
    );
    check(
        "agent worker 5c x2; ask worker x; call worker ask; approve; fail worker; wait 13s; \
         call worker ask",
        "run.called(keyed) approval.requested",
    );
}

#[test]
fn an_unknown_outcome_waits_for_a_person() {
    let cell = "agent worker 5c; ask worker x; call worker http POST api.example; lost worker";
    check(cell, "run.left_unknown");
    check(&format!("{cell}; show run"), "unknown attempt 1");
    check(&format!("{cell}; show effects"), "nothing");
    check(&format!("{cell}; resolve retry"), "run.resolved");
    check(
        &format!("{cell}; resolve retry; show effects"),
        "call 0 attempt 2",
    );
    for verdict in ["finish", "undo"] {
        check(
            &format!("{cell}; resolve {verdict}"),
            "run.resolved run.answered",
        );
        check(
            &format!("{cell}; resolve {verdict}; show effects"),
            "worker attempt 1",
        );
    }
    check(&format!("{cell}; cancel task; show task"), "cancelled");
    check(
        "agent worker 5c; ask worker x; resolve retry",
        "N0131 the run is running: there is nothing to resolve this way",
    );
}

#[test]
fn work_from_a_backup_asks_before_it_sends_what_cant_be_repeated() {
    let cell = "agent worker 5c; ask worker x; restore; call worker http POST api.example";
    check(cell, "run.called(once) run.left_unknown");
    check(&format!("{cell}; show effects"), "nothing");
    check(
        &format!("{cell}; resolve retry; show effects"),
        "call 0 attempt 2",
    );
    check(
        &format!("{cell}; resolve retry; answered worker; call worker http POST api.example"),
        "run.called(once) run.left_unknown",
    );
    check(
        &format!("{cell}; resolve finish"),
        "run.resolved run.answered",
    );
    // What carries a key is the same at its receiver, and what only reads may be read again.
    for call in ["http POST api.example keyed", "http GET api.example"] {
        let cell = format!("agent worker 5c; ask worker x; restore; call worker {call}");
        check(&format!("{cell}; show effects"), "call 0 attempt 1");
    }
    // Work that begins afterwards is this cell's own.
    let cell = "agent worker 5c; restore; wait 1s; ask worker x";
    check(
        &format!("{cell}; call worker http POST api.example; show effects"),
        "call 0 attempt 1",
    );
}

#[test]
fn what_cant_be_repeated_isnt_tried_again() {
    check(
        "agent worker 5c x3; ask worker x; call worker http POST api.example; \
         answered worker; fail worker",
        "run.failed(for good) budget.released task.closed(failed)",
    );
    check(
        "agent worker 5c x3; ask worker x; call worker http GET api.example; \
         answered worker; fail worker",
        "run.failed(again)",
    );
}

#[test]
fn a_run_that_diverged_begins_anew_or_ends() {
    let cell = "agent worker 5c; ask worker x; diverge worker";
    check(&format!("{cell}; show run"), "diverged attempt 1");
    check(
        &format!("{cell}; resolve finish"),
        "N0131 the run is diverged: there is nothing to resolve this way",
    );
    check(
        &format!("{cell}; resolve retry"),
        "run.resolved run.started",
    );
    check(
        &format!("{cell}; resolve retry; show effects"),
        "worker attempt 2",
    );
    check(&format!("{cell}; cancel run; show task"), "cancelled");
}

#[test]
fn cancelling() {
    let cell = "agent worker 5c x3; ask worker x";
    check(
        &format!("{cell}; cancel task"),
        "run.cancelled budget.released task.closed(cancelled)",
    );
    check(
        &format!("{cell}; cancel task; cancel task"),
        "N0131 the task is cancelled already",
    );
    check(
        &format!("{cell}; cancel run; cancel run"),
        "N0131 the run is cancelled already",
    );
    check(
        &format!("{cell}; fail worker; cancel task; wait 60s"),
        "nothing",
    );
    check(&format!("{cell}; cancel task; show effects"), "nothing");
}

#[test]
fn a_document_that_somebody_else_changed_fails_the_attempt() {
    let cell = "agent worker 5c; ask worker x";
    check(
        &format!("{cell}; write worker /a 0; show /a"),
        "version 1 /a 0",
    );
    check(
        &format!("{cell}; write worker /a 3"),
        "run.failed(for good) budget.released task.closed(failed)",
    );
}

#[test]
fn what_a_guest_logs_is_kept_with_its_run() {
    let cell = "agent worker 5c; ask worker hello; log 3 40";
    for (then, expected) in [
        (
            "finish worker done",
            "run.logged(1+3) run.completed budget.settled task.closed(done)",
        ),
        (
            "fail worker",
            "run.logged(1+3) run.failed(for good) budget.released task.closed(failed)",
        ),
        (
            "limit worker",
            "run.logged(1+3) run.stopped(N0180) budget.released task.closed(failed)",
        ),
        (
            "call worker ask",
            "run.logged(1+3) run.called(keyed) approval.requested",
        ),
        ("suspend worker", "nothing"),
    ] {
        check(&format!("{cell}; {then}"), expected);
    }
    check(
        &format!("{cell}; call worker emit work.b; log 2 5; finish worker done"),
        "run.logged(4+2) run.completed budget.settled task.closed(done)",
    );
}

/// An attempt that is told twice, the second time after its run was cancelled between two attempts,
/// said its last words already; one that was at work says them.
#[test]
fn last_words_are_those_of_an_attempt_at_work() {
    for (before, expected) in [("trap worker; ", 1), ("", 1)] {
        let mut bench = Bench::new();
        play_in(&mut bench, "agent worker 5c; ask worker hello; log 1 10");
        let run = bench.open().into_iter().find_map(|effect| match effect {
            Effect::Sandbox(wanted) => Some(wanted.run),
            _ => None,
        });
        play_in(&mut bench, &format!("{before}cancel run"));
        let page = bench.body(b"the same, at another time");
        let mut end = RunEnded::bare(run.unwrap(), 1, End::Lost);
        end.log = Some(NewLog {
            page: Some(page),
            lines: 1,
            bytes: 10,
            left_out: 0,
        });
        bench.external(Input::RunEnded(end)).0.unwrap();
        let logged = bench
            .facts
            .iter()
            .filter(|(_, fact)| fact.kind() == "run.logged")
            .count();
        assert_eq!(logged, expected, "{before:?}");
    }
}

#[test]
fn a_log_keeps_its_bounds_whatever_it_is_told() {
    let cell = "agent worker 5c; ask worker hello";
    for (log, then) in [
        ("log 1000 10", "run.logged(1+1000)"),
        ("log 1001 10", "run.logged(1+0, 1001 left out)"),
        ("log 1 262144", "run.logged(1+1)"),
        ("log 1 262145", "run.logged(1+0, 1 left out)"),
        ("log 3 4 2", "run.logged(1+3, 2 left out)"),
        (
            "log 999 1; call worker emit work.b; log 2 1",
            "run.logged(1000+0, 2 left out)",
        ),
    ] {
        check(
            &format!("{cell}; {log}; finish worker done"),
            &format!("{then} run.completed budget.settled task.closed(done)"),
        );
    }
}

#[test]
fn a_run_that_goes_on_reads_the_clock_of_its_beginning() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent worker 5c; ask worker hello");
    let clock = |bench: &Bench| {
        let open = bench.open().into_iter();
        let mut clocks = open.filter_map(|effect| match effect {
            Effect::Sandbox(wanted) => Some((wanted.clock, wanted.deadline)),
            _ => None,
        });
        clocks.next().expect("it is at work")
    };
    let (began, deadline) = clock(&bench);
    play_in(
        &mut bench,
        "wait 5s; call worker http GET api.example; wait 7s; answered worker",
    );
    // Its recording moves the clock as it did; its time to work begins anew with the answer.
    assert_eq!(clock(&bench), (began, deadline + Span::secs(12)));
}
