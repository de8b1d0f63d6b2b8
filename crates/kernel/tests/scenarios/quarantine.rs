//! A cell that broke at an input: whoever waits for that input hears that it is given up.

use naos_types::Span;
use naos_types::spec::{PlanSpec, StepDo};

use crate::plans::{plan, step, task};
use crate::script::{check, check_plan};

const CELL: &str = "agent worker 5c; ask worker x";

#[test]
fn what_is_skipped_is_lost_to_nobody() {
    let stopped = "run.stopped(N0178) budget.released task.closed(failed)";
    for (script, facts) in [
        ("broke command", "tenant.skipped"),
        (
            "call worker http POST api.example; broke answer worker",
            "tenant.skipped run.left_unknown",
        ),
        (
            "call worker http GET api.example; broke answer worker",
            "tenant.skipped run.left_unknown",
        ),
        ("broke end worker", &format!("tenant.skipped {stopped}")),
        ("broke call worker", &format!("tenant.skipped {stopped}")),
        ("broke due-run worker", &format!("tenant.skipped {stopped}")),
    ] {
        check(&format!("{CELL}; {script}; skip"), facts);
        check(&format!("{CELL}; {script}; resume"), "tenant.resumed");
    }
}

fn asks() -> PlanSpec {
    let action = StepDo::Approval {
        title: "publish?".into(),
        body: Some("the text".into()),
        role: naos_types::Role::Admin,
        expires: Some(Span::secs(60)),
    };
    let work = step("work", &["sign"], task("worker", "x"));
    plan(vec![step("sign", &[], action), work])
}

#[track_caller]
fn check_asks(script: &str, expected: &str) {
    let script = format!("agent worker 5c; start asks; {script}");
    check_plan(&[("asks", asks())], &script, expected);
}

#[test]
fn a_plan_that_is_skipped_ends() {
    check_asks("broke plan; skip; show plan", "cancelled");
    check_asks("broke due-plan; skip; show plan", "cancelled");
    check_asks("broke plan; resume; show plan", "held");
}

#[test]
fn a_question_that_is_skipped_does_not_expire() {
    check_asks("broke due-approval; skip; wait 900s", "nothing");
    check_asks(
        "broke due-approval; skip; wait 900s; approve; show plan",
        "running",
    );
}

#[test]
fn only_what_is_quarantined_is_mended() {
    let well = "N0131 this tenant's cell isn't quarantined: there is nothing to mend";
    check(&format!("{CELL}; skip"), well);
    check(&format!("{CELL}; resume"), well);
    check(&format!("{CELL}; broke command; skip; resume"), well);
    check(
        &format!("{CELL}; broke command; role admin; skip"),
        "N0141 this takes the role owner, yours is admin",
    );
}
