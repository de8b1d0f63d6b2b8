//! Drivers: who answers what, and steps that wait for an answer.

use std::sync::Arc;

use naos_kernel::resource::{Breaker, Driver, ERROR_TOPIC};
use naos_kernel::{AnyAggregate, Key};
use naos_types::command::{self, Reply};
use naos_types::effect::Effect;
use naos_types::fact::{Fact, event, plan as plan_facts, resource};
use naos_types::spec::{
    DriverKind, DriverLimits, DriverSpec, Flow, FlowSpec, InstructionSpec, Kind, LimitedDriver,
    Spec, StepDo, UndoablePlan, WaitFor,
};
use naos_types::{Code, DocPath, Name, PlanStatus, Refusal, RunLimits, Span};

use crate::bench::Bench;
use crate::plans::{plan, step, task};
use crate::script::{apply_plan, play_in};

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

pub fn instruct(bench: &mut Bench, needed: bool) -> (Result<Reply, Refusal>, Vec<Fact>) {
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

pub fn ended(facts: &[Fact]) -> Option<PlanStatus> {
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

/// A cell with a driver of mails, which the agent `mail` answers.
#[test]
fn what_one_would_do_that_is_switched_off_is_not_done() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent nobody 1c");
    drive(&mut bench, "post", &["mail.read"]).unwrap();
    let switch = |bench: &mut Bench, on| {
        let (kind, name) = (Kind::Driver, name("post"));
        let enable = command::Resource::Enable { kind, name, on };
        bench.command(enable).0.unwrap();
    };
    // What is under way, before its step comes.
    let mut slow = step(
        "slow",
        &[],
        StepDo::Wait(WaitFor::Time {
            span: Span::secs(9),
        }),
    );
    slow.optional = true;
    let ask = StepDo::Ask {
        kind: "mail.read".to_owned(),
        data: None,
        needed: false,
    };
    let spec = plan(vec![slow, step("ask", &["slow"], ask)]);
    apply_plan(&mut bench, "p", &spec).0.expect("it is sound");
    play_in(&mut bench, "start p");
    switch(&mut bench, false);
    assert_eq!(play_in(&mut bench, "wait 10s; show plan"), "failed");
    let Some(AnyAggregate::Plan(found)) = bench.state.get(&Key::Plan(bench.plan.unwrap())) else {
        panic!("the plan is kept");
    };
    let asked = &found.steps[&name("ask")];
    let problem = asked.problem.as_ref().expect("why");
    assert_eq!(problem.code, Code::DRIVER_OFF);
    assert!(
        problem.note.contains("naos driver enable post"),
        "{problem:?}"
    );
    assert!(asked.ended.is_some(), "it failed at a time");
    // And what would begin.
    let refusal = instruct(&mut bench, false).0.expect_err("it is off");
    assert_eq!(refusal.code, Code::WAITS_FOR);
    assert!(refusal.what.contains("driver post"), "{}", refusal.what);
    switch(&mut bench, true);
    instruct(&mut bench, false).0.expect("it is on");
    // Without it nobody is meant.
    switch(&mut bench, false);
    let (kind, called) = (Kind::Driver, name("post"));
    let delete = command::Resource::Delete { kind, name: called };
    bench.command(delete).0.unwrap();
    play_in(&mut bench, "wait 1s");
    let (said, facts) = instruct(&mut bench, false);
    said.expect("nobody is needed");
    assert_eq!(ended(&facts), Some(PlanStatus::Completed));
}

pub fn switch(bench: &mut Bench, on: bool) {
    let (kind, name) = (Kind::Driver, name("post"));
    let enable = command::Resource::Enable { kind, name, on };
    bench.command(enable).0.expect("it can be switched");
}

fn emits(kind: &str) -> StepDo {
    StepDo::Emit {
        kind: kind.to_owned(),
        data: None,
    }
}

/// What a plan emits is an effect, too: forward, and where it undoes another step.
#[test]
fn what_a_plan_emits_for_one_that_is_off_is_not_done() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent nobody 1c");
    drive(&mut bench, "post", &["mail.read"]).expect("it is the first");
    let slow = || {
        let span = Span::secs(9);
        let mut slow = step("slow", &[], StepDo::Wait(WaitFor::Time { span }));
        slow.optional = true;
        slow
    };
    // Forward, in a run that is under way.
    let forward = plan(vec![slow(), step("say", &["slow"], emits("mail.read"))]);
    apply_plan(&mut bench, "p", &forward)
        .0
        .expect("it is sound");
    play_in(&mut bench, "start p");
    switch(&mut bench, false);
    assert_eq!(play_in(&mut bench, "wait 10s; show plan"), "failed");
    let found = shown(&bench);
    let problem = found.steps[&name("say")].problem.clone().expect("why");
    assert_eq!(problem.code, Code::DRIVER_OFF);
    let start = |bench: &mut Bench, called: &str| {
        let inputs = bench.body(b"{}");
        let (of, name) = (Kind::Plan, name(called));
        bench.command(command::Plan::Start { of, name, inputs })
    };
    let refused = start(&mut bench, "p").0.expect_err("it is off");
    assert_eq!(refused.code, Code::WAITS_FOR);
    assert!(
        refused.help.contains("naos driver enable post"),
        "{refused:?}"
    );
    // It goes on where it failed once the driver is on.
    switch(&mut bench, true);
    let plan = bench.plan.expect("it began");
    bench
        .command(command::Plan::Resume { plan })
        .0
        .expect("it failed");
    assert_eq!(shown(&bench).status(), PlanStatus::Completed);
    // And to undo what was done.
    let mut undo = step("undo-a", &["a"], emits("mail.read"));
    undo.retry = FlowSpec::undo_retry();
    let mut slow = slow();
    slow.after = vec![name("a")];
    let template = "x".to_owned();
    let mut undone = crate::plans::plan(vec![
        step("a", &[], StepDo::Render { template }),
        slow,
        step("c", &["slow"], task("nobody", "x")),
        undo,
    ]);
    undone.output = None;
    let undone = UndoablePlan {
        plan: undone,
        flow: Flow {
            undo: [(name("undo-a"), name("a"))].into(),
            ..Flow::default()
        },
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Plan,
        name: name("q"),
        spec: Spec::Undoable(Box::new(undone)),
    });
    said.expect("it is sound");
    play_in(&mut bench, "start q");
    switch(&mut bench, false);
    play_in(&mut bench, "wait 10s; fail nobody; wait 3600s; wait 3600s");
    let found = shown(&bench);
    assert_eq!(found.status(), PlanStatus::CompensationFailed, "{found:?}");
    let undo = &found.steps[&name("undo-a")];
    let problem = undo.problem.as_ref().expect("why");
    assert_eq!(problem.code, Code::DRIVER_OFF);
    assert!(undo.attempt > 1, "it is tried again as it says");
    assert_eq!(put_aside(&bench), [], "nothing was published");
    // A person lets it be tried again, once the driver is on.
    switch(&mut bench, true);
    let plan = bench.plan.expect("it began");
    bench
        .command(command::Plan::Resume { plan })
        .0
        .expect("it waits for them");
    assert_eq!(shown(&bench).status(), PlanStatus::RolledBack);
}

/// Who took a step's event when the run began may be taken away since: then nobody does it.
#[test]
fn what_a_plan_emits_for_one_that_is_gone_is_not_done() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent nobody 1c");
    drive(&mut bench, "post", &["mail.read", "mail.find"]).expect("it is the first");
    let span = Span::secs(9);
    let slow = step("slow", &[], StepDo::Wait(WaitFor::Time { span }));
    let two = plan(vec![slow, step("say", &["slow"], emits("mail.read"))]);
    apply_plan(&mut bench, "p", &two).0.expect("it is sound");
    let say = |bench: &Bench| shown(bench).steps[&name("say")].problem.clone();
    // It answers less than it did.
    play_in(&mut bench, "start p");
    drive(&mut bench, "post", &["mail.find"]).expect("its own");
    assert_eq!(play_in(&mut bench, "wait 10s; show plan"), "failed");
    let problem = say(&bench).expect("why");
    assert_eq!(problem.code, Code::DRIVER_OFF);
    assert!(problem.note.contains("driver post"), "{problem:?}");
    // What began afterwards never had anybody who takes it.
    play_in(&mut bench, "wait 1s; start p; wait 10s");
    assert_eq!(shown(&bench).status(), PlanStatus::Completed);
    // It is deleted.
    drive(&mut bench, "post", &["mail.read"]).expect("its own");
    play_in(&mut bench, "start p");
    switch(&mut bench, false);
    play_in(&mut bench, "wait 1s");
    let (said, _) = bench.command(command::Resource::Delete {
        kind: Kind::Driver,
        name: name("post"),
    });
    said.expect("nothing waits for it");
    assert_eq!(play_in(&mut bench, "wait 10s; show plan"), "failed");
    assert!(say(&bench).expect("why").note.contains("driver post"));
    // It goes on once somebody is there that answers, whoever it is.
    drive(&mut bench, "other", &["mail.read"]).expect("nobody has it");
    let plan = bench.plan.expect("it began");
    let resume = command::Plan::Resume { plan };
    bench.command(resume).0.expect("it failed");
    assert_eq!(shown(&bench).status(), PlanStatus::Completed);
}

fn shown(bench: &Bench) -> Arc<naos_kernel::plan::Plan> {
    match bench.state.get(&Key::Plan(bench.plan.expect("one began"))) {
        Some(AnyAggregate::Plan(found)) => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_published_for_one_that_is_off_is_kept_for_it() {
    let mut bench = limited(DriverLimits::default());
    switch(&mut bench, false);
    publish(&mut bench, 2);
    assert_eq!(put_aside(&bench), [Code::DRIVER_OFF; 2]);
    let events: Vec<_> = bench
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Event(event::Fact::Dead(f)) => Some(f.event),
            _ => None,
        })
        .collect();
    let consumer = name("driver-post");
    let replay = |bench: &mut Bench, at: usize| {
        let (consumer, event) = (consumer.clone(), events[at]);
        bench.command(command::Event::Replay { consumer, event }).0
    };
    let refused = replay(&mut bench, 0).expect_err("it is off");
    assert_eq!(refused.code, Code::WRONG_STATE);
    assert!(
        refused.help.contains("naos driver enable post"),
        "{refused:?}"
    );
    switch(&mut bench, true);
    assert_eq!(given(&bench), 0, "a person says when");
    replay(&mut bench, 0).expect("it is on");
    assert_eq!(given(&bench), 1);
    replay(&mut bench, 0).expect_err("it was given");
    // Of one that is gone it is said what makes it anew.
    let (kind, called) = (Kind::Driver, name("post"));
    play_in(&mut bench, "finish mail ok");
    let delete = command::Resource::Delete { kind, name: called };
    bench.command(delete).0.expect("nothing waits for it");
    let refused = replay(&mut bench, 1).expect_err("it is gone");
    assert!(refused.help.contains("naos apply"), "{refused:?}");
}

#[test]
fn what_nobody_waits_for_any_more_is_not_asked_again() {
    let mut bench = limited(DriverLimits {
        open_max: 1,
        ..DriverLimits::default()
    });
    publish(&mut bench, 1);
    let Ok(Reply::Plan(plan)) = instruct(&mut bench, true).0 else {
        panic!("it begins");
    };
    switch(&mut bench, false);
    let dead = bench.facts.iter().find_map(|(_, fact)| match fact {
        Fact::Event(event::Fact::Dead(f)) => Some((f.consumer.clone(), f.event)),
        _ => None,
    });
    let (consumer, event) = dead.expect("its question waited");
    play_in(&mut bench, "finish mail ok");
    switch(&mut bench, true);
    let replay = || {
        let consumer = consumer.clone();
        command::Event::Replay { consumer, event }
    };
    let refused = bench.command(replay()).0.expect_err("the step failed");
    assert_eq!(refused.code, Code::WRONG_STATE);
    let again = format!("naos plan resume {plan}");
    assert!(refused.help.contains(&again), "{refused:?}");
    let refused = bench.command(replay()).0.expect_err("it is kept");
    assert_eq!(refused.code, Code::WRONG_STATE);
    let before = given(&bench);
    bench
        .command(command::Plan::Resume { plan })
        .0
        .expect("it failed");
    assert_eq!(given(&bench), before + 1, "it is asked anew");
}

pub fn limited(limits: DriverLimits) -> Bench {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent mail 0c");
    apply_limited(&mut bench, limits, true).expect("it is sound");
    bench
}

fn apply_limited(bench: &mut Bench, limits: DriverLimits, enabled: bool) -> Result<Reply, Refusal> {
    let driver = DriverSpec {
        document: "{}".to_owned(),
        kind: DriverKind::Io,
        agent: name("mail"),
        capabilities: vec!["mail.read".to_owned()],
        enabled,
    };
    let spec = Spec::Limited(Box::new(LimitedDriver { driver, limits }));
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Driver,
        name: name("post"),
        spec,
    });
    said
}

pub fn found(bench: &Bench) -> Arc<Driver> {
    match bench.state.get(&Key::Driver(name("post"))) {
        Some(AnyAggregate::Driver(driver)) => driver,
        other => panic!("{other:?}"),
    }
}

pub fn publish(bench: &mut Bench, times: usize) {
    for _ in 0..times {
        play_in(bench, "publish mail.read");
    }
}

/// How often the driver was given an event so far.
pub fn given(bench: &Bench) -> usize {
    let given = |fact: &Fact| matches!(fact, Fact::Resource(resource::Fact::DriverGiven(_)));
    bench.facts.iter().filter(|(_, fact)| given(fact)).count()
}

pub fn put_aside(bench: &Bench) -> Vec<Code> {
    let facts = bench.facts.iter();
    facts
        .filter_map(|(_, fact)| match fact {
            Fact::Event(event::Fact::Dead(f)) => Some(f.problem.code),
            _ => None,
        })
        .collect()
}

#[test]
fn a_driver_has_no_more_at_once_than_it_may() {
    let mut bench = limited(DriverLimits {
        open_max: 2,
        ..DriverLimits::default()
    });
    publish(&mut bench, 5);
    assert_eq!((given(&bench), found(&bench).open.len()), (2, 2));
    // Waiting takes no time and no alarm: what ends lets the next one follow.
    assert_eq!(bench.wait(Span::secs(3_600)), []);
    let after = play_in(&mut bench, "finish mail ok");
    assert!(after.contains("resource.driver_given"), "{after}");
    assert_eq!((given(&bench), found(&bench).open.len()), (3, 2));
    for _ in 0..4 {
        play_in(&mut bench, "finish mail ok");
    }
    let driver = found(&bench);
    assert_eq!((driver.answered, driver.open.len()), (5, 0));
    assert_eq!(driver.error_percent(), Some(0));
}

#[test]
fn one_that_is_let_go_makes_room() {
    let mut bench = limited(DriverLimits {
        open_max: 1,
        ..DriverLimits::default()
    });
    publish(&mut bench, 2);
    let task = *found(&bench).open.keys().next().expect("it has one");
    let (said, _) = bench.command(command::Task::Cancel { task });
    said.expect("it is open");
    assert_eq!(given(&bench), 2);
    assert_eq!((found(&bench).failed, found(&bench).open.len()), (0, 1));
}

#[test]
fn a_rate_lets_so_many_through_in_its_time() {
    let mut bench = limited(DriverLimits {
        rate: Some((2, Span::secs(60))),
        ..DriverLimits::default()
    });
    publish(&mut bench, 5);
    assert_eq!(given(&bench), 2);
    bench.wait(Span::secs(59));
    assert_eq!(given(&bench), 2);
    bench.wait(Span::secs(1));
    assert_eq!(given(&bench), 4);
    bench.wait(Span::secs(60));
    assert_eq!(given(&bench), 5);
}

#[test]
fn one_that_fails_again_and_again_rests_and_is_tried_with_one() {
    let mut bench = limited(DriverLimits {
        open_max: 2,
        failures_max: 3,
        pause: Span::secs(30),
        ..DriverLimits::default()
    });
    publish(&mut bench, 8);
    for _ in 0..3 {
        play_in(&mut bench, "fail mail");
    }
    assert_eq!(found(&bench).breaker(bench.now), Breaker::Open);
    assert_eq!(given(&bench), 4, "nothing is given to one that rests");
    // What it had before counts no more.
    play_in(&mut bench, "fail mail");
    bench.wait(Span::secs(29));
    assert_eq!(given(&bench), 4);
    bench.wait(Span::secs(1));
    assert_eq!(found(&bench).breaker(bench.now), Breaker::HalfOpen);
    assert_eq!((given(&bench), found(&bench).open.len()), (5, 1));
    // It fails once more: twice as long. Then it answers, and gets all of them.
    play_in(&mut bench, "fail mail");
    bench.wait(Span::secs(59));
    assert_eq!(given(&bench), 5);
    bench.wait(Span::secs(1));
    play_in(&mut bench, "finish mail ok");
    assert_eq!(found(&bench).breaker(bench.now), Breaker::Closed);
    assert_eq!(given(&bench), 8);
    let failed = [Code::AGENT_ERROR; 5];
    assert_eq!(put_aside(&bench), failed, "what waits is not");
    assert_eq!(found(&bench).error_percent(), Some(83));
}

#[test]
fn a_person_ends_a_rest() {
    let mut bench = limited(DriverLimits {
        failures_max: 1,
        ..DriverLimits::default()
    });
    let reset = || command::Resource::ResetDriver { name: name("post") };
    assert_eq!(bench.command(reset()).0, Ok(Reply::Unchanged));
    publish(&mut bench, 1);
    play_in(&mut bench, "fail mail");
    publish(&mut bench, 3);
    assert_eq!(given(&bench), 1);
    assert_eq!(bench.command(reset()).0, Ok(Reply::Done));
    assert_eq!(given(&bench), 4);
    let stranger = command::Resource::ResetDriver { name: name("who") };
    let said = bench.command(stranger).0;
    assert_eq!(said.map_err(|refusal| refusal.code), Err(Code::NOT_FOUND));
}

#[test]
fn a_failure_is_an_event() {
    let mut bench = limited(DriverLimits::default());
    publish(&mut bench, 1);
    play_in(&mut bench, "fail mail");
    let told: Vec<_> = bench
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Event(event::Fact::Published(f)) if f.topic == ERROR_TOPIC => Some(f.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 1);
    let data: serde_json::Value =
        serde_json::from_str(&bench.text(&told[0].data)).expect("it is JSON");
    assert_eq!(data["driver"], "post");
    assert!(
        data["run"].is_string() && data["error"].is_string(),
        "{data}"
    );
    let said = &data["said"];
    assert_eq!(said["by"], "wasm", "{data}");
    assert!(!said["text"].as_str().expect("a text").is_empty(), "{data}");
    assert_eq!(told[0].origin.hops, 1);
    assert_eq!(
        told[0].correlation(),
        data["event"].as_str().expect("an id")
    );
}

#[test]
fn drivers_of_errors_that_fail_end() {
    let mut bench = limited(DriverLimits::default());
    let driver = DriverSpec {
        document: "{}".to_owned(),
        kind: DriverKind::Tool,
        agent: name("nobody"),
        capabilities: vec![ERROR_TOPIC.to_owned()],
        enabled: true,
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Driver,
        name: name("mourner"),
        spec: Spec::Driver(Box::new(driver)),
    });
    said.expect("it waits for its agent");
    publish(&mut bench, 1);
    play_in(&mut bench, "fail mail");
    // Of its own failure it hears nothing.
    assert_eq!(put_aside(&bench), [Code::AGENT_ERROR, Code::NO_AGENT]);
}

#[test]
fn who_gave_up_is_not_answered_later() {
    let mut bench = limited(DriverLimits {
        open_max: 1,
        ..DriverLimits::default()
    });
    publish(&mut bench, 1);
    let (said, _) = instruct(&mut bench, true);
    let Ok(Reply::Plan(plan)) = said else {
        panic!("{said:?}");
    };
    assert_eq!(given(&bench), 1, "the step waits behind the other event");
    let (said, _) = bench.command(command::Plan::Cancel { plan });
    said.expect("it is open");
    play_in(&mut bench, "finish mail ok");
    assert_eq!(given(&bench), 1, "nobody wants the answer any more");
    assert!(found(&bench).open.is_empty());
}

#[test]
fn one_that_is_switched_off_puts_aside_what_waits() {
    let mut bench = limited(DriverLimits {
        open_max: 1,
        ..DriverLimits::default()
    });
    publish(&mut bench, 4);
    let delete = || command::Resource::Delete {
        kind: Kind::Driver,
        name: name("post"),
    };
    let refused = bench.command(delete()).0.expect_err("events wait for it");
    assert_eq!(refused.code, Code::WRONG_STATE);
    assert!(refused.what.contains("3 events wait"), "{refused:?}");
    let (said, _) = bench.command(command::Resource::Enable {
        kind: Kind::Driver,
        name: name("post"),
        on: false,
    });
    said.expect("it is there");
    assert_eq!(put_aside(&bench), [Code::DRIVER_OFF; 3]);
    publish(&mut bench, 1);
    assert_eq!(
        put_aside(&bench),
        [Code::DRIVER_OFF; 4],
        "nor is anything new"
    );
    assert_eq!(bench.command(delete()).0, Ok(Reply::Done));
}

#[test]
fn limits_that_are_none_are_refused() {
    let sound = DriverLimits::default();
    for limits in [
        DriverLimits {
            open_max: 0,
            ..sound
        },
        DriverLimits {
            open_max: 100_000,
            ..sound
        },
        DriverLimits {
            rate: Some((0, Span(1))),
            ..sound
        },
        DriverLimits {
            rate: Some((1, Span(0))),
            ..sound
        },
        DriverLimits {
            failures_max: 0,
            ..sound
        },
        DriverLimits {
            pause: Span(0),
            ..sound
        },
    ] {
        let mut bench = Bench::new();
        let refused = apply_limited(&mut bench, limits, true).expect_err("it isn't sound");
        assert_eq!(refused.code, Code::BAD_DOCUMENT, "{limits:?}");
    }
}

/// What the driver's agent is to do now: its limits, and what it was given.
fn work(bench: &Bench) -> (RunLimits, serde_json::Value) {
    let mut open = bench.open();
    let Some(Effect::Sandbox(sandbox)) = open.pop() else {
        panic!("{open:?}");
    };
    let given = serde_json::from_str(&bench.text(&sandbox.input)).expect("an event");
    (sandbox.grant.limits, given)
}

/// A driver of this document.
fn driver(bench: &mut Bench, document: &str) {
    let driver = DriverSpec {
        document: document.to_owned(),
        kind: DriverKind::Io,
        agent: name("mail"),
        capabilities: vec!["mail.read".to_owned()],
        enabled: true,
    };
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Driver,
        name: name("post"),
        spec: Spec::Driver(Box::new(driver)),
    });
    said.expect("it is sound");
}

#[test]
fn a_run_has_what_the_manifest_of_its_driver_says() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent mail 0c");
    let document = "{\"resource_requirements\": {\"memory\": 8388608, \"timeout\": \"5000ms\"}, \
                    \"config\": {\"box\": \"inbox\"}}";
    driver(&mut bench, document);
    publish(&mut bench, 1);
    let (limits, given) = work(&bench);
    let narrowed = RunLimits {
        memory_bytes_max: 8 << 20,
        wall_max: Span::secs(5),
        ..RunLimits::default()
    };
    assert_eq!(limits, narrowed, "the rest is the agent's own");
    assert_eq!(given["config"], serde_json::json!({"box": "inbox"}));
    play_in(&mut bench, "finish mail ok");
    // A document that people write says otherwise.
    let body = bench.body(b"{\"box\": \"spam\"}");
    let (said, _) = bench.command(command::Document::Write {
        path: DocPath::new("Drivers/post").expect("a path"),
        body,
        expected: None,
    });
    assert!(said.is_ok(), "{said:?}");
    publish(&mut bench, 1);
    assert_eq!(work(&bench).1["config"]["box"], "spam");
    play_in(&mut bench, "finish mail ok");
    // Nobody else's run is narrowed, and more than the agent has is not given.
    play_in(&mut bench, "ask mail x");
    let mut open = bench.open();
    let Some(Effect::Sandbox(sandbox)) = open.pop() else {
        panic!("{open:?}");
    };
    assert_eq!(sandbox.grant.limits, RunLimits::default());
    play_in(&mut bench, "finish mail ok");
    let document = "{\"resource_requirements\": {\"memory\": 1073741824}}";
    driver(&mut bench, document);
    publish(&mut bench, 1);
    assert_eq!(work(&bench).0, RunLimits::default());
}
