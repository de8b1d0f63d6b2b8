//! What is done once: receivers know a step by a key that its retries don't change, and a step that
//! names a key is done once under it.

use naos_kernel::plan::Plan;
use naos_kernel::{AnyAggregate, Key, key_of, same_of};
use naos_types::command::{self, KEYS_KEPT};
use naos_types::effect::{Call, Effect};
use naos_types::fact::{Fact, plan as plan_facts};
use naos_types::input::{CallEnded, CallOutcome, Input};
use naos_types::spec::{
    DriverKind, DriverLimits, DriverSpec, Endpoint, FanOut, InputSpec, InputType, Kind, PlanSpec,
    RemoteDriver, RetryPolicy, Spec, StepDo, StepSpec, UndoablePlan,
};
use naos_types::{Code, PlanStatus, Role, Span};

use crate::bench::Bench;
use crate::plans::{plan, step, task};
use crate::script::{apply_plan, name, play_in};

fn ask(topic: &str) -> StepDo {
    StepDo::Ask {
        kind: topic.into(),
        data: Some("{\"n\": 1}".into()),
        needed: true,
    }
}

/// A cell with a driver outside, which naos itself asks once only.
fn cell() -> Bench {
    let mut bench = Bench::new();
    let driver = RemoteDriver {
        driver: DriverSpec {
            document: "{}".to_owned(),
            kind: DriverKind::Io,
            agent: RemoteDriver::runs_as(&name("bank")).expect("it is short"),
            capabilities: vec!["bank.pay".to_owned()],
            enabled: true,
        },
        limits: DriverLimits::default(),
        endpoint: Endpoint {
            url: "https://bank.example.org".to_owned(),
            timeout: Span::secs(600),
            retry: RetryPolicy::default(),
            emits: Vec::new(),
        },
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Driver,
        name: name("bank"),
        spec: Spec::Remote(Box::new(driver)),
    });
    said.expect("it is sound");
    play_in(&mut bench, "agent worker 1c; agent undoer 1c");
    bench
}

fn keep(bench: &mut Bench, called: &str, spec: &PlanSpec) {
    apply_plan(bench, called, spec).0.expect("it is sound");
}

fn calls(bench: &Bench) -> Vec<Call> {
    let open = bench.open().into_iter();
    let calls = open.filter_map(|effect| match effect {
        Effect::Call(call) => Some(call),
        _ => None,
    });
    calls.collect()
}

#[track_caller]
fn the_call(bench: &Bench) -> Call {
    match calls(bench).as_slice() {
        [call] => call.clone(),
        other => panic!("{other:?}"),
    }
}

fn comes_back(bench: &mut Bench, call: &Call, outcome: CallOutcome) {
    let (by, attempt) = (call.by, call.attempt);
    let (said, _) = bench.external(Input::CallEnded(CallEnded {
        by,
        attempt,
        outcome,
    }));
    said.expect("what returns is never refused");
}

fn found(bench: &Bench) -> std::sync::Arc<Plan> {
    match bench.state.get(&Key::Plan(bench.plan.expect("a plan"))) {
        Some(AnyAggregate::Plan(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

fn again(attempts: u32) -> RetryPolicy {
    RetryPolicy {
        attempts_max: attempts,
        wait: Span::secs(10),
        jitter_percent: 0,
        ..RetryPolicy::default()
    }
}

fn retried(spec: StepSpec) -> StepSpec {
    StepSpec {
        retry: again(3),
        ..spec
    }
}

#[test]
fn a_step_that_is_tried_again_is_the_same_to_its_receiver() {
    let mut bench = cell();
    keep(
        &mut bench,
        "p",
        &plan(vec![retried(step("pay", &[], ask("bank.pay")))]),
    );
    play_in(&mut bench, "start p");
    let first = the_call(&bench);
    // Nobody knows what became of it, and naos itself asks no more.
    comes_back(&mut bench, &first, CallOutcome::Lost(None));
    assert!(calls(&bench).is_empty());
    bench.wait(Span::secs(10));
    let second = the_call(&bench);
    assert_ne!(key_of(&second), key_of(&first), "it is another run");
    assert_eq!(same_of(&second), same_of(&first), "and the same step");
    // Another run of the plan is another thing.
    let body = bench.body(b"ok");
    comes_back(&mut bench, &second, CallOutcome::Answered(body));
    assert_eq!(found(&bench).status(), PlanStatus::Completed);
    play_in(&mut bench, "start p");
    assert_ne!(same_of(&the_call(&bench)), same_of(&first));
}

#[test]
fn a_step_that_a_person_lets_go_on_is_the_same_to_its_receiver() {
    let mut bench = cell();
    keep(
        &mut bench,
        "p",
        &plan(vec![step("pay", &[], ask("bank.pay"))]),
    );
    play_in(&mut bench, "start p");
    let first = the_call(&bench);
    comes_back(&mut bench, &first, CallOutcome::Lost(None));
    assert_eq!(found(&bench).status(), PlanStatus::Failed);
    play_in(&mut bench, "goon");
    assert_eq!(same_of(&the_call(&bench)), same_of(&first));
}

#[test]
fn each_item_is_its_own_and_stays_the_same() {
    let mut bench = cell();
    let mut each = retried(step("pay", &[], ask("bank.pay")));
    each.for_each = Some(FanOut {
        items: "[1, 2]".into(),
        window: 2,
        partial: false,
    });
    keep(&mut bench, "p", &plan(vec![each]));
    play_in(&mut bench, "start p");
    let mut first = calls(&bench);
    assert_eq!(first.len(), 2);
    assert_ne!(same_of(&first[0]), same_of(&first[1]));
    for call in &first {
        comes_back(&mut bench, call, CallOutcome::Lost(None));
    }
    bench.wait(Span::secs(10));
    let mut second = calls(&bench);
    for all in [&mut first, &mut second] {
        all.sort_by_key(same_of);
    }
    let same = |all: &[Call]| all.iter().map(same_of).collect::<Vec<_>>();
    assert_eq!(same(&first), same(&second));
}

#[test]
fn a_plan_that_is_run_again_as_a_step_is_the_same_to_receivers() {
    let mut bench = cell();
    keep(
        &mut bench,
        "inner",
        &plan(vec![step("pay", &[], ask("bank.pay"))]),
    );
    let run = StepDo::Plan {
        of: Kind::Plan,
        name: name("inner"),
        input: None,
    };
    keep(&mut bench, "p", &plan(vec![retried(step("sub", &[], run))]));
    play_in(&mut bench, "start p");
    let first = the_call(&bench);
    comes_back(&mut bench, &first, CallOutcome::Lost(None));
    bench.wait(Span::secs(10));
    let second = the_call(&bench);
    assert_ne!(key_of(&second), key_of(&first));
    assert_eq!(same_of(&second), same_of(&first));
}

/// An agent asks what it likes: only the same request in the same place is the same.
#[test]
fn an_agents_request_is_the_same_where_it_asks_the_same() {
    let mut bench = cell();
    play_in(&mut bench, "agent caller 1c");
    let spec = plan(vec![retried(step("pay", &[], task("caller", "x")))]);
    keep(&mut bench, "p", &spec);
    let call = "call caller http POST api.example keyed";
    play_in(&mut bench, &format!("start p; {call}"));
    let first = the_call(&bench);
    play_in(
        &mut bench,
        &format!("answered caller; fail caller; wait 10s; {call}"),
    );
    let second = the_call(&bench);
    assert_ne!(key_of(&second), key_of(&first));
    assert_eq!(same_of(&second), same_of(&first));
    play_in(&mut bench, &format!("answered caller; {call}"));
    let next = the_call(&bench);
    assert_ne!(same_of(&next), same_of(&first), "it is its next request");
}

/// Pays an invoice: once for each.
fn invoices() -> PlanSpec {
    let mut pay = step("pay", &[], task("worker", "invoice {{ inputs.id }}"));
    pay.key = Some("invoice-{{ inputs.id }}".into());
    let end = StepDo::Render {
        template: "<{{ pay.output }}>".into(),
    };
    let mut spec = plan(vec![pay, step("end", &["pay"], end)]);
    spec.inputs = vec![InputSpec {
        name: "id".into(),
        kind: InputType::Integer,
        default: None,
    }];
    spec
}

#[test]
fn what_was_done_under_a_key_is_not_done_again() {
    let mut bench = cell();
    keep(&mut bench, "p", &invoices());
    keep(&mut bench, "other", &invoices());
    let played = play_in(
        &mut bench,
        "start p {\"id\":7}; finish worker paid; show plan",
    );
    assert_eq!(played, "completed <paid>");
    let first = bench.plan.expect("a plan");
    let again = play_in(&mut bench, "start p {\"id\":7}");
    assert_eq!(
        again,
        "plan.started plan.step_done(pay) plan.step_done(end) plan.closed(completed)"
    );
    assert_eq!(play_in(&mut bench, "show plan"), "completed <paid>");
    assert_eq!(found(&bench).kept.get(&name("pay")), Some(&first));
    let said = bench.facts.iter().rev().find_map(|(_, fact)| match fact {
        Fact::Plan(plan_facts::Fact::StepDone(f)) if f.at.step == name("pay") => f.from,
        _ => None,
    });
    assert_eq!(said, Some(first), "the journal says who did it");
    // Another invoice is another thing, and so is the same text in another plan.
    for start in ["start p {\"id\":8}", "start other {\"id\":7}"] {
        play_in(&mut bench, start);
        assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
        play_in(&mut bench, "finish worker paid");
    }
    // What is long ago is done again.
    bench.away(KEYS_KEPT);
    play_in(&mut bench, "start p {\"id\":7}");
    assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
}

#[test]
fn what_failed_under_a_key_is_done_by_the_next() {
    let mut bench = cell();
    keep(&mut bench, "p", &invoices());
    let played = play_in(&mut bench, "start p {\"id\":7}; fail worker; show plan");
    assert_eq!(played, "failed");
    play_in(&mut bench, "start p {\"id\":7}");
    assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
    // The one that failed goes on meanwhile, and takes what the other gives.
    let mine = bench.plan;
    let all = bench.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Plan(plan_facts::Fact::Started(f)) => Some(f.plan),
        _ => None,
    });
    bench.plan = all.clone().next();
    play_in(&mut bench, "goon");
    assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
    play_in(&mut bench, "finish worker paid; wait 10s");
    assert_eq!(play_in(&mut bench, "show plan"), "completed <paid>");
    assert_eq!(found(&bench).kept.get(&name("pay")).copied(), mine);
}

#[test]
fn two_at_once_do_it_once() {
    let mut bench = cell();
    let mut spec = invoices();
    // However long it takes, waiting counts for no attempt.
    spec.steps[0].retry = again(2);
    keep(&mut bench, "p", &spec);
    play_in(
        &mut bench,
        "start p {\"id\":7}; wait 5s; start p {\"id\":7}",
    );
    assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
    bench.wait(Span::secs(3_600));
    assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
    let step = found(&bench).steps[&name("pay")].clone();
    let problem = step.problem.expect("it says what it waits for");
    assert_eq!((problem.code, step.attempt), (Code::BUSY, 0));
    assert!(problem.note.contains("the same key"), "{}", problem.note);
    let before = bench.facts.len();
    bench.wait(Span::secs(3_600));
    let looks = bench.facts.len() - before;
    assert!(looks <= 8, "it is looked at more and more rarely: {looks}");
    // The other one fails for good: this one does it.
    play_in(&mut bench, "fail worker; wait 10s; fail worker; wait 600s");
    assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
    play_in(&mut bench, "finish worker paid");
    assert_eq!(play_in(&mut bench, "show plan"), "completed <paid>");
}

#[test]
fn an_item_that_is_there_twice_is_done_once() {
    let mut bench = cell();
    let mut each = step("pay", &[], task("worker", "{{ item }}"));
    each.key = Some("{{ item }}".into());
    each.for_each = Some(FanOut {
        items: "['a', 'b', 'a']".into(),
        window: 3,
        partial: false,
    });
    keep(&mut bench, "p", &plan(vec![each]));
    play_in(&mut bench, "start p");
    let two = "worker attempt 1, worker attempt 1";
    assert_eq!(play_in(&mut bench, "show effects"), two);
    play_in(&mut bench, "finish worker x; finish worker x; wait 10s");
    assert_eq!(found(&bench).status(), PlanStatus::Completed);
    // One of them waited for the other, which is nothing that went wrong.
    let plan = found(&bench);
    let pay = &plan.steps[&name("pay")];
    assert_eq!(
        pay.problem.as_ref().map(|problem| problem.code),
        Some(Code::BUSY)
    );
    assert_eq!(pay.failure(), None);
    assert_eq!(
        play_in(&mut bench, "show plan"),
        "completed [\"x\",\"x\",\"x\"]"
    );
    assert!(
        found(&bench).keys.is_empty(),
        "nothing is kept of what is over"
    );
    // All of it was done before.
    play_in(&mut bench, "start p");
    assert_eq!(
        play_in(&mut bench, "show plan"),
        "completed [\"x\",\"x\",\"x\"]"
    );
}

/// Pays, then fails; paying can be undone.
fn undoable(bench: &mut Bench) {
    let mut pay = step("pay", &[], task("worker", "pay"));
    pay.key = Some("one".into());
    let undo = step("undo-pay", &["pay"], task("undoer", "back"));
    let spec = UndoablePlan {
        plan: plan(vec![
            pay,
            step("more", &["pay"], task("worker", "more")),
            undo,
        ]),
        flow: naos_types::spec::Flow {
            undo: [(name("undo-pay"), name("pay"))].into(),
            ..Default::default()
        },
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Plan,
        name: name("p"),
        spec: Spec::Undoable(Box::new(spec)),
    });
    said.expect("it is sound");
}

#[test]
fn what_was_undone_is_done_again() {
    let mut bench = cell();
    undoable(&mut bench);
    play_in(
        &mut bench,
        "start p; finish worker paid; fail worker; finish undoer back",
    );
    assert_eq!(found(&bench).status(), PlanStatus::RolledBack);
    play_in(&mut bench, "start p");
    assert_eq!(found(&bench).kept.len(), 0);
    assert_eq!(play_in(&mut bench, "show effects"), "worker attempt 1");
}

#[test]
fn what_an_earlier_run_did_is_not_this_ones_to_undo() {
    let mut bench = cell();
    undoable(&mut bench);
    play_in(
        &mut bench,
        "start p; finish worker paid; finish worker more",
    );
    assert_eq!(found(&bench).status(), PlanStatus::Completed);
    play_in(&mut bench, "start p; fail worker");
    assert_eq!(found(&bench).status(), PlanStatus::RolledBack);
    assert_eq!(play_in(&mut bench, "show effects"), "nothing");
    // It stands: the next run doesn't do it either.
    play_in(&mut bench, "start p; finish worker more; show plan");
    assert_eq!(found(&bench).kept.len(), 1);
}

#[test]
fn a_key_that_says_nothing_fails_its_step() {
    let mut bench = cell();
    let mut spec = invoices();
    spec.steps[0].key = Some("{{ '' }}".into());
    keep(&mut bench, "p", &spec);
    play_in(&mut bench, "start p {\"id\":7}");
    let step = found(&bench).steps[&name("pay")].clone();
    assert_eq!(step.problem.map(|p| p.code), Some(Code::BAD_EXPRESSION));
}

#[test]
fn only_what_does_something_has_a_key() {
    let approval = StepDo::Approval {
        title: "may I?".into(),
        body: None,
        role: Role::Staff,
        expires: None,
    };
    let compute = StepDo::Compute { cel: "1".into() };
    for (action, why) in [(approval, "judge"), (compute, "worked out")] {
        let mut only = step("a", &[], action);
        only.key = Some("k".into());
        let (said, _) = apply_plan(&mut Bench::new(), "p", &plan(vec![only]));
        let refusal = said.expect_err("such a key is of no use");
        assert_eq!(refusal.code, Code::BAD_PLAN);
        assert!(refusal.what.contains(why), "{}", refusal.what);
    }
}
