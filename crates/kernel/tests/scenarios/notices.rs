//! Notices: who is told that something waits for a person, and what becomes of it.

use std::sync::Arc;

use naos_types::command::{self, Reply};
use naos_types::spec::{Assignee, Card, Kind, StepDo, Telling};
use naos_types::{MemberId, Role};

use crate::bench::{Bench, sealed};
use crate::plans::{plan, step};
use crate::script::{check_plan, name};

#[track_caller]
fn check(script: &str, expected: &str) {
    let action = StepDo::Approval {
        title: "publish?".into(),
        body: Some("the text".into()),
        role: Role::Admin,
        expires: None,
    };
    let asks = plan(vec![step("sign", &[], action)]);
    check_plan(&[("asks", asks)], script, expected);
}

#[test]
fn whoever_is_set_up_is_told_in_the_same_commit() {
    check(
        "notice phone; notice desk; start asks",
        "plan.started plan.step_started(sign 1) approval.requested notice.raised notice.raised",
    );
    check(
        "notice phone; start asks; show effects",
        "notice to phone attempt 1",
    );
    check(
        "notice phone run.unknown; start asks; show effects",
        "nothing",
    );
    check(
        "notice phone approval.requested; start asks; answered phone",
        "notice.delivered",
    );
    check("start asks; notice phone; show effects", "nothing");
}

#[test]
fn what_is_not_urgent_is_told_together() {
    let asked = "digest phone 600s; start asks";
    check(
        asked,
        "plan.started plan.step_started(sign 1) approval.requested notice.gathered",
    );
    check(&format!("{asked}; show effects"), "nothing");
    check(&format!("{asked}; wait 599s; show effects"), "nothing");
    check(&format!("{asked}; wait 600s"), "notice.raised");
    check(
        &format!("{asked}; start asks; wait 600s; show effects"),
        "notice to phone attempt 1",
    );
    let told = format!("{asked}; wait 600s; answered phone; start asks");
    check(&format!("{told}; wait 599s; show effects"), "nothing");
    check(&format!("{told}; wait 600s"), "notice.raised");
    check(
        &format!("{asked}; silence phone; wait 600s"),
        "notice.scattered",
    );
}

#[test]
fn what_was_seen_meanwhile_is_not_told() {
    check(
        "digest phone 600s; start asks; approve; wait 600s",
        "notice.scattered",
    );
}

#[test]
fn an_effect_that_nobody_knows_of_is_told() {
    let unknown = "agent poster 1c; notice phone; ask poster x; \
                   call poster http POST api.example; lost poster";
    check(unknown, "run.left_unknown notice.raised");
    check(
        &format!("{unknown}; answered phone; resolve retry; lost poster; show effects"),
        "notice to phone attempt 1",
    );
    check(
        "agent a 1c; notice phone; ask a x; diverge a",
        "run.diverged notice.raised",
    );
}

#[test]
fn what_is_not_taken_is_sent_again_and_then_given_up() {
    let asked = "notice phone; start asks";
    check(&format!("{asked}; lost phone"), "notice.tried");
    check(&format!("{asked}; lost phone; show effects"), "nothing");
    check(
        &format!("{asked}; unsent phone; wait 13s"),
        "notice.repeated",
    );
    check(
        &format!("{asked}; unsent phone; wait 13s; show effects"),
        "notice to phone attempt 2",
    );
    let twice = format!("{asked}; lost phone; wait 13s; lost phone; wait 30s");
    check(&format!("{twice}; answered phone"), "notice.delivered");
    check(&format!("{twice}; lost phone"), "notice.given_up");
    check(
        &format!("{twice}; lost phone; wait 9000s; show effects"),
        "nothing",
    );
    check(&format!("{asked}; refused phone"), "notice.given_up");
}

#[test]
fn nobody_is_told_again_of_what_waits_no_longer() {
    let failed = "notice phone; start asks; lost phone";
    check(&format!("{failed}; approve; wait 13s"), "notice.withdrawn");
    check(
        &format!("{failed}; silence phone; wait 13s"),
        "notice.withdrawn",
    );
    check(
        "notice phone; start asks; silence phone; lost phone",
        "notice.withdrawn",
    );
}

#[test]
fn a_test_is_sent_once_and_takes_an_admin() {
    check("notice phone; try phone", "notice.raised");
    check("notice phone; try phone; lost phone", "notice.given_up");
    check("try phone", "N0121 there is no notice phone");
    check(
        "notice phone; role staff; try phone",
        "N0141 this takes the role admin, yours is staff",
    );
    check(
        "role staff; notice phone",
        "N0141 this takes the role admin, yours is staff",
    );
}

#[test]
fn there_is_a_limit() {
    let eight: Vec<String> = (0..8).map(|n| format!("notice n{n}")).collect();
    let eight = eight.join("; ");
    check(
        &format!("{eight}; notice nine"),
        "N0103 there are 8 notices, and no more are sent for one tenant",
    );
    check(
        &format!("{eight}; notice n3 run.unknown"),
        "resource.applied",
    );
    check(
        &format!("{eight}; silence n3; notice nine"),
        "resource.applied",
    );
}

/// Somebody who is called so.
fn member(bench: &mut Bench, handle: &str) -> MemberId {
    let add = command::Member::Add {
        name: sealed(handle),
        role: Role::Staff,
        handle: Some(name(handle)),
    };
    match bench.command(add).0 {
        Ok(Reply::Member(member)) => member,
        other => panic!("{other:?}"),
    }
}

fn called(bench: &mut Bench, member: MemberId, handle: &str) {
    let handle = Some(name(handle));
    let set = command::Member::SetHandle { member, handle };
    bench.command(set).0.unwrap();
}

/// Whether anybody outside is told that this member has a task.
fn is_told(bench: &mut Bench, member: MemberId) -> bool {
    let card = Card {
        to: Some(Assignee::Member(member)),
        ..Card::default()
    };
    let brief = bench.body(b"# Pricing");
    let plan = command::Task::Plan {
        title: sealed("Pricing"),
        brief,
        card: Arc::new(card),
    };
    let (reply, facts) = bench.command(plan);
    reply.unwrap();
    facts.iter().any(|fact| fact.kind() == "notice.raised")
}

#[test]
fn a_bill_that_is_too_high_is_told() {
    let mut bench = crate::thinking::made(crate::thinking::mind());
    let apply = command::Resource::Apply {
        kind: Kind::Notice,
        name: name("phone"),
        spec: Telling::from(crate::outlets::notice_spec(&[])).into(),
    };
    bench.command(apply).0.unwrap();
    let mut cell = crate::thinking::Cell::over(bench);
    let facts = cell.says(&naos_types::think::Thought {
        usage: Some(naos_types::spec::ModelUsage {
            output: 1_000_000_000,
            ..naos_types::spec::ModelUsage::default()
        }),
        ..crate::thinking::text("The bill.")
    });
    assert!(facts.contains("agent.stopped run.failed"), "{facts}");
    assert!(facts.contains("notice.raised"), "{facts}");
    let bills = cell.bench.facts.iter().filter_map(|(_, fact)| match fact {
        naos_types::fact::Fact::Budget(naos_types::fact::budget::Fact::Metered(f)) => {
            Some(f.billed > f.amount)
        }
        _ => None,
    });
    assert_eq!(bills.collect::<Vec<_>>(), [true], "the journal shows both");
}

#[test]
fn a_notice_stays_with_who_was_called_so() {
    let mut bench = Bench::new();
    let telling = |handle: &str| Telling {
        member: Some(name(handle)),
        ..Telling::from(crate::outlets::notice_spec(&[]))
    };
    let ana = member(&mut bench, "ana");
    for (notice, handle) in [("first", "ana"), ("late", "eva")] {
        let apply = command::Resource::Apply {
            kind: Kind::Notice,
            name: name(notice),
            spec: telling(handle).into(),
        };
        bench.command(apply).0.unwrap();
    }
    assert!(is_told(&mut bench, ana));
    called(&mut bench, ana, "old");
    let other = member(&mut bench, "ana");
    assert!(!is_told(&mut bench, other), "it is for somebody else");
    assert!(is_told(&mut bench, ana), "however she is called");
    // One that was made before they came waits for them.
    let eva = member(&mut bench, "eva");
    assert!(is_told(&mut bench, eva));
    called(&mut bench, eva, "eve");
    assert!(is_told(&mut bench, eva));
}
