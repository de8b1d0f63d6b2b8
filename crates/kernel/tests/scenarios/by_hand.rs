//! Runs that people pause and let go on, and steps that they skip.

use naos_types::spec::{FanOut, FlowSpec, FlowStep, Kind, PlanSpec, ReviewSpec, StepDo, WaitFor};
use naos_types::{Role, Span};

use crate::plans::{plan, step, task};
use crate::script::{check_flow, check_plan, name};

const CELL: &str = "agent worker 1c; agent other 1c; agent reviewer 1c";

#[track_caller]
fn check(spec: &PlanSpec, script: &str, expected: &str) {
    let script = format!("{CELL}; {script}");
    check_plan(&[("p", spec.clone())], &script, expected);
}

fn render(template: &str) -> StepDo {
    StepDo::Render {
        template: template.into(),
    }
}

/// Two steps of agents, and what they come to.
fn two() -> PlanSpec {
    plan(vec![
        step("one", &[], task("worker", "red")),
        step("two", &["one"], task("other", "blue")),
        step("end", &["two"], render("{{ one.output }} {{ two.output }}")),
    ])
}

#[test]
fn a_paused_run_begins_nothing() {
    let spec = two();
    check(&spec, "start p; pause", "plan.paused");
    check(&spec, "start p; pause; pause", "nothing");
    // What runs ends, and is recorded.
    check(
        &spec,
        "start p; pause; finish red 1",
        "run.completed budget.settled task.closed(done) plan.step_done(one)",
    );
    check(&spec, "start p; pause; show plan", "running");
    check(&spec, "start p; pause; finish red 1; show plan", "held");
    check(
        &spec,
        "start p; pause; finish red 1; goon",
        "plan.resumed plan.step_started(two 1) task.opened task.routed(other) run.started \
         budget.reserved",
    );
    check(
        &spec,
        "start p; pause; finish red 1; goon; finish blue 2; show plan",
        "completed 1 2",
    );
    check(&spec, "start p; pause; goon; goon", "nothing");
    check(
        &spec,
        "start p; finish red 1; finish blue 2; pause",
        "N0131 the run ended already",
    );
}

#[test]
fn a_paused_run_is_cancelled_and_fails() {
    let spec = two();
    check(
        &spec,
        "start p; pause; cancel plan",
        "plan.closed(cancelled) run.cancelled budget.released task.closed(cancelled)",
    );
    check(&spec, "start p; pause; fail worker; show plan", "failed");
    // It is no longer paused once it goes on from its failure.
    check(
        &spec,
        "start p; pause; fail worker; goon; finish red 1; show effects",
        "other attempt 1",
    );
}

#[test]
fn what_comes_due_meanwhile_happens_afterwards() {
    let mut spec = two();
    spec.steps[0].retry.attempts_max = 2;
    spec.steps[0].retry.wait = Span::secs(10);
    check(&spec, "start p; fail worker; pause; wait 60s", "nothing");
    check(
        &spec,
        "start p; fail worker; pause; wait 60s; goon; show effects",
        "worker attempt 1",
    );
    let mut spec = two();
    spec.steps[0].timeout = Some(Span::secs(30));
    check(&spec, "start p; pause; wait 60s; show plan", "running");
    check(
        &spec,
        "start p; pause; wait 60s; goon; wait 0s; show plan",
        "failed",
    );
    let nap = StepDo::Wait(WaitFor::Time {
        span: Span::secs(30),
    });
    let spec = plan(vec![
        step("nap", &[], nap),
        step("end", &["nap"], render("awake")),
    ]);
    check(&spec, "start p; pause; wait 60s; show plan", "held");
    check(
        &spec,
        "start p; pause; wait 60s; goon; wait 0s; show plan",
        "completed awake",
    );
}

#[test]
fn a_paused_run_is_held_whatever_its_steps_wait_for() {
    let waits = |wait: WaitFor| StepDo::Wait(wait);
    let inner = plan(vec![step("work", &[], task("worker", "red"))]);
    let sub = StepDo::Plan {
        of: Kind::Plan,
        name: name("inner"),
        input: Some("{}".into()),
    };
    let mut list = step("each", &[], task("worker", "{{ item }}"));
    list.for_each = Some(FanOut {
        items: "['red']".into(),
        window: 1,
        partial: false,
    });
    list.retry.attempts_max = 2;
    list.retry.wait = Span::secs(60);
    let hold = |action: StepDo| step("hold", &[], action);
    let event = WaitFor::Event {
        topic: "a.b".into(),
        condition: None,
        correlation: None,
    };
    let time = WaitFor::Time {
        span: Span::secs(30),
    };
    let signal = WaitFor::Signal { name: name("go") };
    for (waiting, before) in [
        (hold(waits(time)), ""),
        (hold(waits(event)), ""),
        (hold(waits(signal)), ""),
        (hold(sub), ""),
        (list.clone(), "fail worker; "),
    ] {
        let spec = plan(vec![waiting, step("end", &[], render("end"))]);
        let plans = [("inner", inner.clone()), ("p", spec)];
        let shown = |script: &str, expected: &str| {
            let script = format!("{CELL}; start p; {before}{script}show plan");
            check_plan(&plans, &script, expected);
        };
        shown("", "running");
        shown("pause; ", "held");
        shown("pause; goon; ", "running");
    }
    // An item that an agent works at ends.
    let spec = plan(vec![list]);
    check(&spec, "start p; pause; show plan", "running");
}

#[test]
fn a_saga_that_is_paused_undoes_nothing_until_it_goes_on() {
    let spec = FlowSpec {
        steps: vec![
            FlowStep {
                compensate: Some(name("undo")),
                ..FlowStep::of(name("worker"), name("worker"))
            },
            FlowStep::of(name("other"), name("other")),
        ],
        ..FlowSpec::default()
    };
    let check = |script: &str, expected: &str| {
        let script = format!("{CELL}; agent undo 1c; {script}");
        check_flow(Kind::Saga, &spec, &script, expected);
    };
    let failed = "go saga it red; finish worker 1; pause; fail other";
    check(&format!("{failed}; show effects"), "nothing");
    check(&format!("{failed}; goon; show effects"), "undo attempt 1");
    check(
        &format!("{failed}; goon; finish undo ok; show plan"),
        "rolled_back",
    );
    // Who cancels it wants it undone.
    check(
        "go saga it red; finish worker 1; pause; cancel plan; show effects",
        "undo attempt 1",
    );
    check(
        &format!("{failed}; goon; without undo-worker"),
        "N0131 step undo-worker undoes step worker, and what undoes is not skipped",
    );
}

#[test]
fn a_skipped_step_leaves_nothing_behind() {
    let spec = two();
    check(
        &spec,
        "start p; without one",
        "plan.step_skipped(one) run.cancelled budget.released task.closed(cancelled) \
         plan.step_started(two 1) task.opened task.routed(other) run.started budget.reserved",
    );
    check(
        &spec,
        "start p; without one; show effects",
        "other attempt 1",
    );
    check(
        &spec,
        "start p; without one; finish blue 2; show plan",
        "completed null 2",
    );
    // One that has not begun, and one between two attempts.
    check(
        &spec,
        "start p; without two; finish red 1; show plan",
        "completed 1 null",
    );
    let mut again = two();
    again.steps[0].retry.attempts_max = 2;
    check(
        &again,
        "start p; fail worker; without one; wait 60s; finish blue 2; show plan",
        "completed null 2",
    );
}

#[test]
fn what_can_be_skipped() {
    let spec = two();
    check(&spec, "start p; without two; without two", "nothing");
    check(
        &spec,
        "start p; finish red 1; without one",
        "N0131 step one is done: only what has not ended is skipped",
    );
    check(
        &spec,
        "start p; without three",
        "N0121 there is no step three: there are one, two, end",
    );
    check(
        &spec,
        "start p; cancel plan; without one",
        "N0131 the run ended already",
    );
    check(
        &spec,
        "start p; pause; without one; show effects",
        "nothing",
    );
    check(
        &spec,
        "start p; pause; without one; goon; show effects",
        "other attempt 1",
    );
    let asked = ReviewSpec {
        of: name("one"),
        by: name("reviewer"),
        input: "look".into(),
        rounds_max: 1,
    };
    let reviewed = plan(vec![
        step("one", &[], task("worker", "red")),
        step("look", &["one"], StepDo::Review(asked)),
    ]);
    check(
        &reviewed,
        "start p; without one",
        "N0131 step one can't be skipped while step look is to review it",
    );
    check(
        &reviewed,
        "start p; without look; finish red 1; show plan",
        "completed",
    );
}

#[test]
fn whatever_it_waits_for_is_let_go() {
    let ask = StepDo::Approval {
        title: "may we?".into(),
        body: Some("this".into()),
        role: Role::Staff,
        expires: None,
    };
    let spec = plan(vec![
        step("ask", &[], ask),
        step("end", &["ask"], render("{{ ask.output }}")),
    ]);
    check(
        &spec,
        "start p; without ask",
        "plan.step_skipped(ask) approval.withdrawn plan.step_done(end) \
         plan.closed(completed)",
    );
    let mut each = step("each", &[], task("worker", "{{ item }}"));
    each.for_each = Some(FanOut {
        items: "['red', 'green', 'blue']".into(),
        window: 2,
        partial: false,
    });
    let spec = plan(vec![
        each,
        step("end", &["each"], render("{{ each.output }}")),
    ]);
    check(
        &spec,
        "start p; finish red 1; without each; show plan",
        "completed null",
    );
    check(
        &spec,
        "start p; finish red 1; without each; show effects",
        "nothing",
    );
    let wait = StepDo::Wait(WaitFor::Event {
        topic: "a.b".into(),
        condition: None,
        correlation: None,
    });
    let spec = plan(vec![
        step("wait", &[], wait),
        step("end", &["wait"], render("end")),
    ]);
    check(
        &spec,
        "start p; without wait; publish a.b",
        "event.published",
    );
    check(&spec, "start p; without wait; show plan", "completed end");
}
