//! Steps that run another plan.

use naos_kernel::{AnyAggregate, Key};
use naos_types::fact::{Fact, plan as plan_facts};
use naos_types::spec::{FanOut, InputSpec, InputType, Kind, PlanSpec, StepDo};
use naos_types::{Actor, Span};

use crate::bench::Bench;
use crate::plans::{plan, step, task};
use crate::script::{apply_plan, check_plan, name, play_in};

const CELL: &str = "agent worker 1c; agent other 1c";

fn run(inner: &str, input: Option<&str>) -> StepDo {
    StepDo::Plan {
        of: Kind::Plan,
        name: name(inner),
        input: input.map(str::to_owned),
    }
}

fn render(template: &str) -> StepDo {
    StepDo::Render {
        template: template.into(),
    }
}

/// Does one thing for somebody.
fn inner() -> PlanSpec {
    let mut spec = plan(vec![
        step("work", &[], task("worker", "for {{ inputs.who }}")),
        step("say", &["work"], render("{{ work.output }}!")),
    ]);
    spec.inputs = vec![InputSpec {
        name: "who".into(),
        kind: InputType::String,
        default: None,
    }];
    spec
}

fn outer() -> PlanSpec {
    let mut spec = plan(vec![
        step(
            "sub",
            &[],
            run("inner", Some("{\"who\": \"{{ inputs.who }}\"}")),
        ),
        step("end", &["sub"], render("<{{ sub.output }}>")),
    ]);
    spec.inputs = inner().inputs;
    spec
}

#[track_caller]
fn check_with(outer: &PlanSpec, inner: &PlanSpec, script: &str, expected: &str) {
    let plans = [("inner", inner.clone()), ("p", outer.clone())];
    check_plan(&plans, &format!("{CELL}; {script}"), expected);
}

#[track_caller]
fn check(script: &str, expected: &str) {
    check_with(&outer(), &inner(), script, expected);
}

const START: &str = "start p {\"who\":\"ana\"}";

/// What the run of a plan cost.
pub fn paid(bench: &Bench) -> String {
    match bench.state.get(&Key::Plan(bench.plan.expect("a plan"))) {
        Some(AnyAggregate::Plan(plan)) => plan.cost.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_step_runs_a_plan_and_takes_its_output() {
    check(
        START,
        "plan.started plan.step_started(sub 1) plan.started plan.step_started(work 1) \
         task.opened task.routed(worker) run.started budget.reserved",
    );
    check(
        &format!("{START}; finish ana done"),
        "run.completed budget.settled task.closed(done) plan.step_done(work) \
         plan.step_done(say) plan.closed(completed) plan.step_done(sub) \
         plan.step_done(end) plan.closed(completed)",
    );
    check(
        &format!("{START}; finish ana done; show plan"),
        "completed <done!>",
    );
    // It costs what the work of its steps does.
    check(&format!("{START}; finish ana done; show paid"), "$0.01");
    // Without a template a plan gets what it takes of what there is.
    let mut bare = outer();
    bare.steps[0].action = run("inner", None);
    check_with(
        &bare,
        &inner(),
        &format!("{START}; finish ana done; show plan"),
        "completed <done!>",
    );
}

#[test]
fn what_a_step_gave_is_of_the_type_that_the_input_says() {
    let mut sum = plan(vec![step(
        "sum",
        &[],
        StepDo::Compute {
            cel: "inputs.n + 1".into(),
        },
    )]);
    let input = |kind| InputSpec {
        name: "n".into(),
        kind,
        default: None,
    };
    sum.inputs = vec![input(InputType::Number)];
    // As documents write `inputs: {n: "{{ steps.given.output.n }}"}`.
    let outer = |given: StepDo, of: &str| {
        let inputs = format!("{{{{ {{\"n\": (steps.given.output{of})}} | tojson }}}}");
        plan(vec![
            step("given", &[], given),
            step("sub", &["given"], run("inner", Some(&inputs))),
        ])
    };
    let computed = StepDo::Compute {
        cel: "{'n': 41}".into(),
    };
    for (given, of, expected) in [
        (computed, ".n", "completed 42"),
        (render("{\"n\": 41}"), ".n", "completed 42"),
        // Nothing but a text says so.
        (render("41"), "", "completed 42"),
        (render("many"), "", "failed"),
    ] {
        let outer = outer(given, of);
        check_with(&outer, &sum, "start p; show plan", expected);
    }
    // Whoever starts it says what it is.
    let plans = [("p", sum.clone())];
    check_plan(
        &plans,
        "start p {\"n\":\"41\"}",
        "N0102 the input n must be a number",
    );
    let mut said = sum;
    said.inputs = vec![input(InputType::String)];
    said.steps[0].action = render("<{{ inputs.n }}>");
    let computed = StepDo::Compute { cel: "41".into() };
    check_with(
        &outer(computed, ""),
        &said,
        "start p; show plan",
        "completed <41>",
    );
}

#[test]
fn what_fails_within_fails_the_step() {
    check(&format!("{START}; fail worker; show plan"), "failed");
    let mut again = outer();
    again.steps[0].retry.attempts_max = 2;
    again.steps[0].retry.wait = Span::secs(5);
    let script = format!("{START}; fail worker; wait 60s");
    check_with(
        &again,
        &inner(),
        &format!("{script}; show effects"),
        "worker attempt 1",
    );
    check_with(
        &again,
        &inner(),
        &format!("{script}; finish ana done; show plan"),
        "completed <done!>",
    );
    let mut optional = outer();
    optional.steps[0].optional = true;
    check_with(
        &optional,
        &inner(),
        &format!("{START}; fail worker; show plan"),
        "partial <null>",
    );
    // One that isn't there is waited for where it begins, and fails where it is gone by then.
    check_plan(
        &[("p", outer())],
        &format!("{CELL}; {START}"),
        "N0133 waiting: plan inner, which step sub asks for",
    );
    let mut wrong = outer();
    wrong.steps[0].action = run("inner", Some("{\"who\": [7]}"));
    check_with(&wrong, &inner(), &format!("{START}; show plan"), "failed");
}

#[test]
fn nobody_works_for_a_step_that_is_let_go() {
    check(
        &format!("{START}; cancel plan"),
        "plan.closed(cancelled) plan.closed(cancelled) run.cancelled budget.released \
         task.closed(cancelled)",
    );
    check(&format!("{START}; cancel plan; show effects"), "nothing");
    let mut late = outer();
    late.steps[0].timeout = Some(Span::secs(5));
    check_with(
        &late,
        &inner(),
        &format!("{START}; wait 6s; show plan"),
        "failed",
    );
    check_with(
        &late,
        &inner(),
        &format!("{START}; wait 6s; show effects"),
        "nothing",
    );
    check(&format!("{START}; without sub; show effects"), "nothing");
    check(
        &format!("{START}; without sub; show plan"),
        "completed <null>",
    );
    // What else of the plan fails lets it go, too.
    let mut beside = outer();
    beside.steps.push(step("beside", &[], task("other", "x")));
    check_with(
        &beside,
        &inner(),
        &format!("{START}; fail other; show effects"),
        "nothing",
    );
}

/// A cell with both plans, and the run within that is open.
fn begun(script: &str) -> Bench {
    let mut bench = Bench::new();
    for (called, spec) in [("inner", inner()), ("p", outer())] {
        apply_plan(&mut bench, called, &spec)
            .0
            .expect("it is sound");
    }
    play_in(&mut bench, &format!("{CELL}; {script}"));
    bench
}

fn within(bench: &Bench) -> naos_types::PlanId {
    let mut all = bench.facts.iter().rev();
    let found = all.find_map(|(_, fact)| match fact {
        Fact::Plan(plan_facts::Fact::Started(f)) if matches!(f.by, Actor::Plan(_)) => Some(f.plan),
        _ => None,
    });
    found.expect("a run within")
}

#[test]
fn who_cancels_the_run_within_fails_the_step() {
    let mut bench = begun(START);
    let outer = bench.plan;
    bench.plan = Some(within(&bench));
    play_in(&mut bench, "cancel plan");
    // It can't go on by itself: nobody waits for it.
    let refused = play_in(&mut bench, "goon");
    assert!(refused.starts_with("N0131"), "{refused}");
    bench.plan = outer;
    assert_eq!(play_in(&mut bench, "show plan"), "failed");
    assert_eq!(
        play_in(&mut bench, "goon; finish ana done; show plan"),
        "completed <done!>"
    );
}

#[test]
fn a_paused_run_within_holds_its_step_up() {
    let mut bench = begun(START);
    let outer = bench.plan;
    bench.plan = Some(within(&bench));
    play_in(&mut bench, "pause; finish ana done");
    assert_eq!(play_in(&mut bench, "show plan"), "held");
    bench.plan = outer;
    assert_eq!(play_in(&mut bench, "show plan"), "running");
    assert_eq!(play_in(&mut bench, "cancel plan; show plan"), "cancelled");
    bench.plan = Some(within(&bench));
    assert_eq!(play_in(&mut bench, "show plan"), "cancelled");
}

#[test]
fn each_item_of_a_list_has_a_run_of_its_own() {
    let mut each = step("each", &[], run("inner", Some("{\"who\": \"{{ item }}\"}")));
    each.for_each = Some(FanOut {
        items: "['red', 'green', 'blue']".into(),
        window: 2,
        partial: true,
    });
    let spec = plan(vec![each]);
    let check = |script: &str, expected: &str| {
        check_with(&spec, &inner(), &format!("start p; {script}"), expected);
    };
    check("show effects", "worker attempt 1, worker attempt 1");
    check(
        "finish green g; fail red; finish blue b; show plan",
        "partial [null,\"g!\",\"b!\"]",
    );
    check("cancel plan; show effects", "nothing");
}

#[test]
fn plans_that_run_each_other_end() {
    let mut bench = Bench::new();
    for (called, other) in [("one", "two"), ("two", "one")] {
        let spec = plan(vec![step("sub", &[], run(other, Some("{}")))]);
        apply_plan(&mut bench, called, &spec)
            .0
            .expect("it is sound");
    }
    play_in(&mut bench, "start one");
    assert_eq!(play_in(&mut bench, "show plan"), "failed");
    let started = |(_, fact): &&(naos_types::Time, Fact)| fact.kind() == "plan.started";
    assert_eq!(bench.facts.iter().filter(started).count(), 8);
    let note = bench.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Plan(plan_facts::Fact::StepFailed(f)) => Some(f.problem.note.clone()),
        _ => None,
    });
    let chain = "one → two → one → two → one → two → one → two → one";
    assert_eq!(note, Some(format!("8 plans run each other: {chain}")));
}
