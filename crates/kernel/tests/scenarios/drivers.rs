//! Drivers: who answers what, and steps that wait for an answer.

use naos_types::command::{self, Reply};
use naos_types::fact::{Fact, plan as plan_facts};
use naos_types::spec::{DriverKind, DriverSpec, InstructionSpec, Kind, Spec, StepDo};
use naos_types::{Code, Name, PlanStatus, Refusal};

use crate::bench::Bench;
use crate::plans::{plan, step};

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn drive(bench: &mut Bench, driver: &str, topics: &[&str]) -> Result<Reply, Refusal> {
    let spec = DriverSpec {
        document: "{}".to_owned(),
        kind: DriverKind::Tool,
        agent: name("nobody"),
        capabilities: topics.iter().map(|&topic| topic.to_owned()).collect(),
        enabled: true,
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Driver,
        name: name(driver),
        spec: Spec::Driver(Box::new(spec)),
    });
    said
}

fn instruct(bench: &mut Bench, needed: bool) -> (Result<Reply, Refusal>, Vec<Fact>) {
    let ask = StepDo::Ask {
        kind: "mail.read".to_owned(),
        data: None,
        needed,
    };
    let spec = InstructionSpec {
        document: "{}".to_owned(),
        plan: plan(vec![step("ask", &[], ask)]),
        zone: "UTC".to_owned(),
        listens: None,
        schedule: None,
        enabled: true,
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Instruction,
        name: name("post"),
        spec: Spec::Instruction(Box::new(spec)),
    });
    said.expect("it is sound");
    let inputs = bench.body(b"{}");
    bench.command(command::Plan::Start {
        of: Kind::Instruction,
        name: name("post"),
        inputs,
    })
}

fn ended(facts: &[Fact]) -> Option<PlanStatus> {
    facts.iter().find_map(|fact| match fact {
        Fact::Plan(plan_facts::Fact::Closed(f)) => Some(f.status),
        _ => None,
    })
}

#[test]
fn one_driver_answers_a_type() {
    let mut bench = Bench::new();
    drive(&mut bench, "a", &["x.get", "y.get"]).expect("it is the first");
    let refused = drive(&mut bench, "b", &["z.get", "y.get"]).expect_err("y has one");
    assert_eq!(refused.code, Code::EXISTS);
    assert!(refused.what.contains("driver a"), "{refused:?}");
    // The same one may change, and what it gave up is free.
    drive(&mut bench, "a", &["x.get"]).expect("its own");
    drive(&mut bench, "b", &["z.get", "y.get"]).expect("nobody has them");
    let (said, _) = bench.command(command::Resource::Delete {
        kind: Kind::Subscription,
        name: name("driver-a"),
    });
    assert_eq!(said.map_err(|refusal| refusal.code), Err(Code::BAD_NAME));
}

#[test]
fn what_is_needed_waits_for_a_driver_and_the_rest_goes_on() {
    let mut bench = Bench::new();
    let (said, facts) = instruct(&mut bench, false);
    assert!(said.is_ok(), "{said:?}");
    assert_eq!(ended(&facts), Some(PlanStatus::Completed));
    let (said, _) = instruct(&mut bench, true);
    assert_eq!(said.map_err(|refusal| refusal.code), Err(Code::WAITS_FOR));
    // A driver whose agent isn't there is no better than none.
    drive(&mut bench, "mail", &["mail.read"]).expect("it is the first");
    let (said, _) = instruct(&mut bench, true);
    let refused = said.expect_err("its agent is missing");
    assert_eq!(refused.code, Code::WAITS_FOR);
    assert!(refused.what.contains("agent nobody"), "{refused:?}");
}
