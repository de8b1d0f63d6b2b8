//! Workflows and sagas: what is passed on, what is undone and in which order, and what people do
//! about runs that failed.

use naos_kernel::plan::{Needed, Use};
use naos_kernel::{AnyAggregate, Key};
use naos_types::spec::{Flow, FlowSpec, FlowStep, Kind, OnError, UndoablePlan};
use naos_types::{Code, Span};

use crate::bench::Bench;
use crate::script::{apply_flow, check_flow, name, play_in};

const CELL: &str = "agent one 1c; agent two 1c; agent three 1c; agent undo-one 1c; \
                    agent undo-two 1c; agent undo-three 1c";

fn step(called: &str) -> FlowStep {
    FlowStep::of(name(called), name(called))
}

fn workflow(steps: Vec<FlowStep>) -> FlowSpec {
    FlowSpec {
        steps,
        ..FlowSpec::default()
    }
}

/// Three steps; what undoes `one` is the agent `undo-one`.
fn trip() -> FlowSpec {
    let undoable = |called: &str| FlowStep {
        compensate: Some(name(&format!("undo-{called}"))),
        ..step(called)
    };
    workflow(vec![undoable("one"), undoable("two"), step("three")])
}

#[track_caller]
fn check(spec: &FlowSpec, script: &str, expected: &str) {
    check_flow(Kind::Workflow, spec, &format!("{CELL}; {script}"), expected);
}

#[track_caller]
fn check_saga(spec: &FlowSpec, script: &str, expected: &str) {
    check_flow(Kind::Saga, spec, &format!("{CELL}; {script}"), expected);
}

#[test]
fn each_gets_what_the_one_before_gave() {
    let spec = workflow(vec![step("one"), step("two")]);
    check(
        &spec,
        "go workflow it red; finish red green; finish green blue; show plan",
        "completed blue",
    );
    let mut spec = workflow(vec![step("one"), step("two")]);
    spec.steps[1].input = Some("{{ input }}, {{one.output}}".into());
    check(
        &spec,
        "go workflow it red; finish one green; finish red, x; show plan",
        "completed x",
    );
}

#[test]
fn a_step_that_is_left_out_passes_on_what_it_got() {
    let mut spec = workflow(vec![step("one"), step("two"), step("three")]);
    spec.steps[1].on_error = Some(OnError::Skip);
    let begun = "go workflow it red; finish one green; fail two";
    check(
        &spec,
        begun,
        "run.failed(for good) budget.released task.closed(failed) \
         plan.step_failed(two N0186 for good) plan.step_started(three 1) task.opened \
         task.routed(three) run.started budget.reserved",
    );
    check(
        &spec,
        &format!("{begun}; finish green blue; show plan"),
        "partial blue",
    );
    spec.steps[1] = step("two");
    spec.steps[1].when = Some("one.output == \'go\'".into());
    let begun = "go workflow it red; finish one green";
    check(
        &spec,
        &format!("{begun}; finish green blue; show plan"),
        "completed blue",
    );
    spec.steps[0].when = Some("input == \'go\'".into());
    spec.steps[2].when = spec.steps[0].when.clone();
    spec.steps[1].when = spec.steps[0].when.clone();
    check(&spec, "go workflow it red; show plan", "completed red");
}

#[test]
fn a_step_is_tried_again_where_it_is_said() {
    let mut spec = workflow(vec![step("one"), step("two")]);
    spec.on_error = OnError::Retry;
    spec.retry.attempts_max = 2;
    spec.retry.wait = Span::secs(10);
    let begun = "go workflow it red; fail one; wait 13s";
    check(
        &spec,
        &format!("{begun}; finish red x; finish x y; show plan"),
        "completed y",
    );
    check(&spec, &format!("{begun}; fail one; show plan"), "failed");
    spec.steps[0].on_error = Some(OnError::Stop);
    check(&spec, "go workflow it red; fail one; show plan", "failed");
}

#[test]
fn a_saga_rolls_back_in_reverse() {
    let begun = "go saga it x; finish one 1; finish two 2; fail three";
    check_saga(
        &trip(),
        begun,
        "run.failed(for good) budget.released task.closed(failed) \
         plan.step_failed(three N0186 for good) plan.undo_began(N0186) \
         plan.step_started(undo-two 1) task.opened task.routed(undo-two) run.started \
         budget.reserved",
    );
    // what undoes a step gets what it gave
    check_saga(
        &trip(),
        &format!("{begun}; finish 2 u2; finish 1 u1"),
        "run.completed budget.settled task.closed(done) plan.step_done(undo-one) \
         plan.closed(rolled_back)",
    );
    check_saga(
        &trip(),
        "go saga it x; finish one 1; fail two; finish 1 u1; show plan",
        "rolled_back",
    );
    check_saga(&trip(), "go saga it x; fail one; show plan", "rolled_back");
    check_saga(
        &trip(),
        "go saga it x; finish one 1; finish two 2; finish three 3; show plan",
        "completed 3",
    );
}

#[test]
fn a_condition_that_fails_is_a_failed_step() {
    let mut spec = trip();
    spec.steps[2].when = Some("1 / (size(steps.two.output) - 1) > 0".into());
    check_saga(
        &spec,
        "go saga it x; finish one 1; finish two 2",
        "run.completed budget.settled task.closed(done) plan.step_done(two) \
         plan.step_failed(three N0106 for good) plan.undo_began(N0106) \
         plan.step_started(undo-two 1) task.opened task.routed(undo-two) run.started \
         budget.reserved",
    );
}

/// The saga in which `undo-two` fails three times.
const STUCK: &str = "go saga it x; finish one 1; finish two 2; fail three; fail undo-two; \
                     wait 3s; fail undo-two; wait 3s; fail undo-two";

#[test]
fn what_cannot_be_undone_waits_for_a_person() {
    let trip = trip();
    check_saga(
        &trip,
        "go saga it x; finish one 1; finish two 2; fail three; fail undo-two",
        "run.failed(for good) budget.released task.closed(failed) \
         plan.step_failed(undo-two N0186 again)",
    );
    check_saga(&trip, &format!("{STUCK}; show plan"), "compensation_failed");
    check_saga(&trip, &format!("{STUCK}; show effects"), "nothing");
    check_saga(&trip, &format!("{STUCK}; wait 9999s"), "nothing");
    check_saga(
        &trip,
        &format!("{STUCK}; undone"),
        "plan.undo_decided(undo-two done) plan.step_started(undo-one 1) task.opened \
         task.routed(undo-one) run.started budget.reserved",
    );
    check_saga(
        &trip,
        &format!("{STUCK}; undone two; finish undo-one ok; show plan"),
        "rolled_back",
    );
    check_saga(
        &trip,
        &format!("{STUCK}; redo two"),
        "plan.undo_decided(undo-two again) plan.step_started(undo-two 4) task.opened \
         task.routed(undo-two) run.started budget.reserved",
    );
    // it is tried three times again
    check_saga(
        &trip,
        &format!("{STUCK}; goon; fail undo-two; wait 3s; finish undo-two ok; show effects"),
        "undo-one attempt 1",
    );
    check_saga(
        &trip,
        &format!("{STUCK}; undone one"),
        "N0131 step one is not what waits: two could not be undone",
    );
    check_saga(
        &trip,
        "go saga it x; undone",
        "N0131 plan is running: nothing of it failed to be undone",
    );
    check_saga(
        &trip,
        &format!("{STUCK}; abandon; show plan"),
        "compensation_failed",
    );
    check_saga(&trip, &format!("{STUCK}; abandon; abandon"), "nothing");
    // To let it go on is to have it tried again, while that is undecided.
    let again = |verb: &str| {
        let mut bench = Bench::new();
        let (applied, _) = apply_flow(&mut bench, Kind::Saga, "it", &trip);
        applied.expect("it is sound");
        play_in(&mut bench, &format!("{CELL}; {STUCK}; {verb}"))
    };
    assert_eq!(again("goon"), again("redo"));
    check_saga(
        &trip,
        &format!("{STUCK}; abandon; goon"),
        "N0131 plan was given up as it stood: what was not undone stays so",
    );
}

/// However what undoes a step ends without doing it: its code stops with a trap, its fuel runs out,
/// its attempt is lost, or its component can't be loaded.
#[test]
fn what_undoes_may_break_in_any_way() {
    for broke in ["trap", "limit", "lose", "unloadable"] {
        let begun = format!(
            "notice phone plan.compensation_failed; go saga it x; finish one 1; finish two 2; \
             fail three; {broke} undo-two"
        );
        let check = |script: &str, expected: &str| {
            check_saga(&trip(), &format!("{begun}; {script}"), expected);
        };
        check("wait 3s; show effects", "undo-two attempt 1");
        check(
            "wait 3s; finish 2 u2; finish 1 u1; show plan",
            "rolled_back",
        );
        let spent = format!("wait 3s; {broke} undo-two; wait 3s; {broke} undo-two");
        check(&format!("{spent}; show plan"), "compensation_failed");
        check(
            &format!("{spent}; wait 9999s; show plan"),
            "compensation_failed",
        );
        // Nobody goes on to what was done before it, and a person is told.
        check(
            &format!("{spent}; show effects"),
            "notice to phone attempt 1",
        );
        check(
            &format!("{spent}; unsent phone; undone two; finish undo-one ok; show plan"),
            "rolled_back",
        );
        check(
            &format!("{spent}; unsent phone; redo two; {broke} undo-two; show plan"),
            "running",
        );
    }
}

/// What a saga still needs an agent for, once it has come so far.
fn needs(script: &str, agent: &str) -> String {
    let mut bench = Bench::new();
    let (applied, _) = apply_flow(&mut bench, Kind::Saga, "it", &trip());
    applied.expect("it is sound");
    play_in(&mut bench, &format!("{CELL}; {script}"));
    let Some(AnyAggregate::Plan(plan)) = bench.state.get(&Key::Plan(bench.plan.expect("it began")))
    else {
        panic!("no plan");
    };
    match plan.needs(Needed::Worker(&name(agent))) {
        Some(Use::Step(step)) => format!("does {step}"),
        Some(Use::Undo(step)) => format!("undoes {step}"),
        None => String::new(),
    }
}

#[test]
fn what_an_open_run_needs_is_known() {
    let (begun, one) = ("go saga it x", "go saga it x; finish one 1");
    let (undoing, done) = (format!("{one}; fail two"), format!("{one}; finish two 2"));
    let undone = format!("{undoing}; finish undo-one ok");
    for (script, agent, expected) in [
        (begun, "one", "does one"),
        (begun, "three", "does three"),
        (begun, "undo-one", "undoes one"),
        (begun, "undo-two", "undoes two"),
        (begun, "undo-three", ""),
        (one, "one", ""),
        (one, "two", "does two"),
        (one, "undo-one", "undoes one"),
        (undoing.as_str(), "three", ""),
        (undoing.as_str(), "undo-one", "undoes one"),
        (undoing.as_str(), "undo-two", ""),
        (STUCK, "undo-two", "undoes two"),
        (done.as_str(), "undo-two", "undoes two"),
        (undone.as_str(), "undo-one", ""),
    ] {
        assert_eq!(needs(script, agent), expected, "{agent} after {script:?}");
    }
}

#[test]
fn somebody_is_told_of_what_cannot_be_undone() {
    let told = format!("notice phone plan.compensation_failed; {STUCK}");
    check_saga(
        &trip(),
        &told,
        "run.failed(for good) budget.released task.closed(failed) \
         plan.step_failed(undo-two N0186 for good) notice.raised",
    );
    check_saga(
        &trip(),
        &format!("{told}; undone; unsent phone; wait 15s; show effects"),
        "undo-one attempt 1",
    );
}

#[test]
fn a_cancelled_saga_undoes_what_it_did() {
    let begun = "go saga it x; finish one 1; cancel plan";
    check_saga(
        &trip(),
        begun,
        "plan.undo_began(cancelled) run.cancelled budget.released task.closed(cancelled) \
         plan.step_started(undo-one 1) task.opened task.routed(undo-one) run.started \
         budget.reserved",
    );
    check_saga(
        &trip(),
        &format!("{begun}; finish undo-one ok; show plan"),
        "rolled_back",
    );
    check_saga(
        &trip(),
        &format!("{begun}; cancel plan"),
        "N0131 it is being undone: `naos saga reset` gives that up",
    );
    check_saga(
        &trip(),
        &format!("{begun}; abandon; show effects"),
        "nothing",
    );
}

#[test]
fn the_whole_may_take_so_long() {
    let mut spec = trip();
    spec.timeout = Some(Span::secs(10));
    check_saga(
        &spec,
        "go saga it x; finish one 1; wait 10s",
        "plan.undo_began(N0192) run.cancelled budget.released task.closed(cancelled) \
         plan.step_started(undo-one 1) task.opened task.routed(undo-one) run.started \
         budget.reserved",
    );
    // undoing takes as long as it takes
    check_saga(
        &spec,
        "go saga it x; finish one 1; wait 99s; finish undo-one ok; show plan",
        "rolled_back",
    );
}

#[test]
fn a_workflow_goes_on_where_it_failed() {
    let spec = workflow(vec![step("one"), step("two")]);
    let failed = "go workflow it red; finish one green; fail two";
    check(&spec, &format!("{failed}; show plan"), "failed");
    check(
        &spec,
        &format!("{failed}; goon"),
        "plan.resumed plan.step_started(two 2) task.opened task.routed(two) run.started \
         budget.reserved",
    );
    check(
        &spec,
        &format!("{failed}; goon; finish green x; show plan"),
        "completed x",
    );
    check(
        &spec,
        &format!("{failed}; goon; fail two; goon; show effects"),
        "two attempt 1",
    );
    check(&spec, "go workflow it red; goon", "nothing");
    check(
        &spec,
        "go workflow it red; cancel plan; goon; finish one 1; finish two 2; show plan",
        "completed 2",
    );
    check(
        &spec,
        "go workflow it red; finish one 1; finish two 2; goon",
        "N0131 plan is completed: only what is paused, failed, was cancelled or could not be \
         undone goes on",
    );
    check(&spec, "go workflow it red; abandon; show plan", "cancelled");
}

#[test]
fn flows_that_dont_fit_together() {
    let refused = |kind, spec: &FlowSpec, expected: &str| {
        let (reply, facts) = apply_flow(&mut Bench::new(), kind, "it", spec);
        let refusal = reply.expect_err("it is refused");
        assert_eq!(
            (refusal.code, refusal.what.as_str()),
            (Code::BAD_PLAN, expected)
        );
        assert!(facts.is_empty());
    };
    let twice = workflow(vec![step("one"), step("one")]);
    refused(Kind::Workflow, &twice, "two steps are called one");
    let mut taken = trip();
    taken.steps.push(step("undo-two"));
    refused(
        Kind::Saga,
        &taken,
        "a step can\'t be called undo-two: so is what undoes two",
    );
    let mut long = trip();
    long.steps[0].name = name(&"a".repeat(62));
    let expected = format!(
        "the name of step {} is too long for one that can be undone",
        long.steps[0].name
    );
    refused(Kind::Saga, &long, &expected);
    check_flow(
        Kind::Workflow,
        &workflow(Vec::new()),
        "go workflow it x",
        "N0131 the workflow it has no steps yet",
    );
    check(
        &workflow(vec![step("stranger")]),
        "go workflow it x",
        "N0133 waiting: agent stranger, which step stranger asks for",
    );
    check(
        &workflow(vec![step("one")]),
        "go saga it x",
        "N0121 there is no saga it",
    );
}

/// A plan's steps run side by side; they are undone one by one, in the order in which they ended.
#[test]
fn a_plan_undoes_in_the_order_in_which_things_ended() {
    let mut plan = crate::plans::plan(vec![
        crate::plans::step("a", &[], crate::plans::task("one", "red")),
        crate::plans::step("b", &[], crate::plans::task("two", "green")),
        crate::plans::step("c", &["a", "b"], crate::plans::task("three", "blue")),
        crate::plans::step("undo-a", &["a"], crate::plans::task("undo-one", "x")),
        crate::plans::step("undo-b", &["b"], crate::plans::task("undo-two", "y")),
    ]);
    plan.output = None;
    let undo = [("undo-a", "a"), ("undo-b", "b")].map(|(undo, of)| (name(undo), name(of)));
    let flow = Flow {
        undo: undo.into_iter().collect(),
        ..Flow::default()
    };
    let spec = UndoablePlan { plan, flow };
    let check = |script: &str, expected: &str| {
        crate::script::check_undoable(&spec, &format!("{CELL}; {script}"), expected);
    };
    check(
        "start it; finish two 2; finish one 1; fail three; show effects",
        "undo-one attempt 1",
    );
    check(
        "start it; finish one 1; finish two 2; fail three; show effects",
        "undo-two attempt 1",
    );
    // What was under way when the other failed is not done.
    check(
        "start it; finish one 1; fail two; show effects",
        "undo-one attempt 1",
    );
    check("start it; fail two; show plan", "rolled_back");
    check(
        "start it; finish one 1; finish two 2; finish three 3; show plan",
        "completed 3",
    );
}

/// What some items of a list did is undone, though another of them failed.
#[test]
fn a_list_is_undone_as_far_as_it_came() {
    let mut each = crate::plans::step("a", &[], crate::plans::task("one", "{{ item }}"));
    each.for_each = Some(naos_types::spec::FanOut {
        items: "['x', 'y', 'z', 'w']".into(),
        window: 2,
        partial: false,
    });
    let done = "{{ a.output | join('+') }}";
    let mut plan = crate::plans::plan(vec![
        each,
        crate::plans::step("undo-a", &["a"], crate::plans::task("undo-one", done)),
    ]);
    plan.output = None;
    let flow = Flow {
        undo: [(name("undo-a"), name("a"))].into_iter().collect(),
        ..Flow::default()
    };
    let spec = UndoablePlan { plan, flow };
    let check = |script: &str, expected: &str| {
        crate::script::check_undoable(&spec, &format!("{CELL}; {script}"), expected);
    };
    check(
        "start it; finish x 1; finish y 2; fail z; show effects",
        "undo-one attempt 1",
    );
    check(
        "start it; finish x 1; finish y 2; fail z; finish 1+2 gone; show plan",
        "rolled_back",
    );
    check(
        "start it; finish y 2; cancel plan; show effects",
        "undo-one attempt 1",
    );
    // Nothing was done that could be undone.
    check("start it; fail x; show plan", "rolled_back");
}
