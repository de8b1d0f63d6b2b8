//! People: what they are asked and who may answer.

use naos_types::command;
use naos_types::spec::{PlanSpec, StepDo};
use naos_types::{Role, Span};

use crate::plans::{plan, step};
use crate::script::{apply_plan, by_agent, check_plan};

/// Signs, then ends.
pub fn asks(expires: Option<Span>) -> PlanSpec {
    let action = StepDo::Approval {
        title: "publish?".into(),
        body: Some("the text".into()),
        role: Role::Admin,
        expires,
    };
    let sign = step("sign", &[], action);
    plan(vec![
        sign,
        step(
            "end",
            &["sign"],
            StepDo::Render {
                template: "{{ sign.output }}".into(),
            },
        ),
    ])
}

#[track_caller]
fn check(script: &str, expected: &str) {
    let plans = [
        ("asks", asks(None)),
        ("hurries", asks(Some(Span::secs(60)))),
    ];
    check_plan(&plans, script, expected);
}

#[test]
fn yes_no_and_edited() {
    check(
        "start asks; approve",
        "approval.approved plan.step_done(sign) plan.step_done(end) \
         plan.closed(completed)",
    );
    check("start asks; approve; show plan", "completed the text");
    check(
        "start asks; approve other words; show plan",
        "completed other words",
    );
    check(
        "start asks; reject",
        "approval.rejected plan.step_failed(sign N0190 for good) plan.closed(failed)",
    );
    check("start asks; show plan", "held");
}

#[test]
fn what_cannot_be_read_is_not_approved() {
    let digest = naos_types::Digest::of(b"the text");
    let no = format!(
        "N0174 what is to be approved can't be read: content {digest} isn't stored, or was erased"
    );
    check("start asks; forget contents; approve", &no);
    check("start asks; forget contents; reject; show plan", "failed");
}

#[test]
fn nobody_answers_in_time() {
    check("start hurries; wait 59s", "nothing");
    check(
        "start hurries; wait 60s",
        "approval.expired plan.step_failed(sign N0191 for good) plan.closed(failed)",
    );
    check("start asks; wait 900000s", "nothing");
}

#[test]
fn a_plan_that_ends_takes_its_question_back() {
    check(
        "start asks; cancel plan",
        "plan.closed(cancelled) approval.withdrawn",
    );
    check(
        "start asks; cancel plan; approve",
        "N0131 it was withdrawn before",
    );
}

#[test]
fn who_may_answer_what() {
    check(
        "start asks; role staff; approve",
        "N0141 this takes the role admin, yours is staff",
    );
    check(
        "start asks; role admin; approve; show plan",
        "completed the text",
    );
    check(
        "start asks; approve stale",
        "N0132 what you saw isn't what waits any more",
    );
    check(
        "start asks; approve; approve",
        "N0131 it was approved before",
    );
}

#[test]
fn an_agent_never_answers() {
    let mut bench = crate::bench::Bench::new();
    let (reply, _) = apply_plan(&mut bench, "asks", &asks(None));
    assert!(reply.is_ok());
    let inputs = bench.body(b"{}");
    let name = crate::script::name("asks");
    let of = naos_types::spec::Kind::Plan;
    let (_, facts) = bench.command(command::Plan::Start { of, name, inputs });
    let approval = facts.iter().find_map(|fact| match fact {
        naos_types::fact::Fact::Approval(naos_types::fact::approval::Fact::Requested(f)) => {
            Some(f.approval)
        }
        _ => None,
    });
    let approval = approval.expect("somebody is asked");
    let command = command::Approval::Decide {
        approval,
        yes: true,
        seen: None,
        comment: None,
        edited: None,
    };
    let (reply, facts) = by_agent(&mut bench, "worker", command);
    assert_eq!(
        reply.expect_err("refused").code,
        naos_types::Code::NOT_ALLOWED
    );
    assert!(facts.is_empty());
}

#[test]
fn an_approval_that_takes_too_long_is_asked_again() {
    let mut spec = asks(None);
    spec.steps[0].timeout = Some(Span::secs(30));
    spec.steps[0].retry.attempts_max = 2;
    spec.steps[0].retry.wait = Span::secs(1);
    let plans = [("slow", spec)];
    check_plan(
        &plans,
        "start slow; wait 30s",
        "plan.step_failed(sign N0192 again) approval.withdrawn",
    );
    check_plan(
        &plans,
        "start slow; wait 32s; approve; show plan",
        "completed the text",
    );
    check_plan(&plans, "start slow; wait 90s; show plan", "failed");
}

/// So often in a row: then a rule is offered.
fn five(first: &str) -> String {
    format!("{first}{}", "start asks; approve; ".repeat(5))
}

#[test]
fn a_rule_is_offered_after_five_and_never_taken_by_itself() {
    let four = "start asks; approve; ".repeat(4);
    check(
        &format!("{four}start asks; approve"),
        "approval.approved approval.rule_offered plan.step_done(sign) \
         plan.step_done(end) plan.closed(completed)",
    );
    check(&format!("{}start asks; show plan", five("")), "held");
    check(
        &format!("{four}take asks/sign 86400s"),
        "N0131 no rule is offered for asks/sign",
    );
    for other in ["reject", "approve other words"] {
        let broken = format!("{four}start asks; {other}; start asks; approve");
        check(
            &format!("{broken}; take asks/sign 86400s"),
            "N0131 no rule is offered for asks/sign",
        );
    }
    check(
        "take asks/sign 86400s",
        "N0121 no question of the kind \"asks/sign\" was answered yet",
    );
}

#[test]
fn a_rule_that_was_taken_answers_and_ends() {
    let taken = format!("{}take asks/sign 86400s", five("owner; "));
    let nobodys = format!("{}take asks/sign 86400s", five(""));
    check(&format!("{nobodys}; start asks; show plan"), "held");
    check(&taken, "approval.rule_taken");
    check(
        &format!("{taken}; start asks"),
        "plan.started plan.step_started(sign 1) approval.requested approval.ruled \
         approval.approved plan.step_done(sign) plan.step_done(end) plan.closed(completed)",
    );
    check(
        &format!("{taken}; wait 86400s; start asks; show plan"),
        "held",
    );
    check(
        &format!("{taken}; end asks/sign; start asks; show plan"),
        "held",
    );
    check(
        &format!("{}take asks/sign 7776001s", five("")),
        "N0102 a rule holds for a day to 90 days",
    );
}

#[test]
fn a_rule_holds_for_what_asked_then() {
    let taken = format!("{}take asks/sign 86400s", five("owner; "));
    check(
        &format!("{taken}; change asks; start asks; show plan"),
        "held",
    );
}

#[test]
fn after_a_rule_that_lapsed_the_next_is_offered() {
    let taken = format!("{}take asks/sign 86400s", five("owner; "));
    let offered = "approval.approved approval.rule_offered plan.step_done(sign) \
                   plan.step_done(end) plan.closed(completed)";
    check(
        &format!("{taken}; wait 86400s; start asks; approve"),
        offered,
    );
    let four = "start asks; approve; ".repeat(4);
    check(
        &format!("{taken}; change asks; {four}start asks; approve"),
        offered,
    );
    check(
        &format!("{taken}; wait 86400s; start asks; approve; take asks/sign 86400s; start asks"),
        "plan.started plan.step_started(sign 1) approval.requested approval.ruled \
         approval.approved plan.step_done(sign) plan.step_done(end) plan.closed(completed)",
    );
}
