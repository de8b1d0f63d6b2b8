//! What a driver failed at: it is put aside for it, and given again as if for the first time.

use std::sync::Arc;

use naos_kernel::event::{Consumer, Dead, DeadKey, HOPS_MAX};
use naos_kernel::resource::ERROR_TOPIC;
use naos_kernel::{AnyAggregate, Key, key_of, same_of};
use naos_types::command::{self, Reply};
use naos_types::fact::{Fact, event};
use naos_types::input::CallOutcome;
use naos_types::spec::DriverLimits;
use naos_types::{Code, EventId, Name, PlanStatus, Refusal, Span};

use crate::bench::Bench;
use crate::drivers::{ended, found, given, instruct, limited, publish, put_aside, switch};
use crate::endpoints::{asked, call, comes_back};
use crate::handlers::{emits, handle};
use crate::script::{name, play_in};

fn consumer(bench: &Bench, called: &str) -> Arc<Consumer> {
    match bench.state.get(&Key::Consumer(name(called))) {
        Some(AnyAggregate::Consumer(consumer)) => consumer,
        other => panic!("{other:?}"),
    }
}

fn kept(bench: &Bench, consumer: &str, event: EventId) -> Option<Arc<Dead>> {
    match bench.state.get(&Key::Dead(DeadKey(name(consumer), event))) {
        Some(AnyAggregate::Dead(dead)) => Some(dead),
        _ => None,
    }
}

/// The facts that say what was put aside, in order.
fn dead(bench: &Bench) -> Vec<event::Dead> {
    let facts = bench.facts.iter();
    let dead = facts.filter_map(|(_, fact)| match fact {
        Fact::Event(event::Fact::Dead(f)) => Some(f.clone()),
        _ => None,
    });
    dead.collect()
}

fn replay(bench: &mut Bench, consumer: Name, event: EventId) -> Result<Reply, Refusal> {
    bench.command(command::Event::Replay { consumer, event }).0
}

/// How many events tell of a failure.
fn told(bench: &Bench) -> usize {
    let is_told = |fact: &Fact| match fact {
        Fact::Event(event::Fact::Published(f)) => f.topic == ERROR_TOPIC,
        _ => false,
    };
    bench.facts.iter().filter(|(_, fact)| is_told(fact)).count()
}

#[test]
fn what_a_driver_failed_at_is_put_aside_and_given_again() {
    let mut bench = limited(DriverLimits::default());
    publish(&mut bench, 1);
    let first = *found(&bench).open.keys().next().expect("it has one");
    play_in(&mut bench, "fail mail");
    let all = dead(&bench);
    let [aside] = &all[..] else {
        panic!("one is put aside: {all:?}");
    };
    assert_eq!(
        (aside.task, aside.attempts, aside.problem.code),
        (Some(first), 1, Code::AGENT_ERROR)
    );
    assert!(aside.problem.said.is_some(), "in its own words, too");
    let counted = |bench: &Bench| {
        let consumer = consumer(bench, "driver-post");
        (consumer.done, consumer.dead)
    };
    assert_eq!(counted(&bench), (0, 1));
    assert_eq!((found(&bench).failed, told(&bench)), (1, 1));
    assert!(found(&bench).caught.is_empty() && found(&bench).open.is_empty());
    // It is given again, as a task of its own, and fails again.
    let (whose, event) = (aside.consumer.clone(), aside.event);
    assert_eq!(replay(&mut bench, whose.clone(), event), Ok(Reply::Done));
    assert_eq!(given(&bench), 2);
    assert!(kept(&bench, "driver-post", event).is_none());
    let second = *found(&bench).open.keys().next().expect("it has it again");
    assert_ne!(first, second);
    replay(&mut bench, whose.clone(), event).expect_err("it is with the driver");
    play_in(&mut bench, "fail mail");
    let again = kept(&bench, "driver-post", event).expect("it is put aside again");
    assert_eq!(again.task, Some(second));
    assert_eq!(counted(&bench), (0, 2));
    // While nobody takes it, it stays.
    switch(&mut bench, false);
    let refused = replay(&mut bench, whose.clone(), event).expect_err("it is off");
    assert_eq!(refused.code, Code::WRONG_STATE);
    switch(&mut bench, true);
    assert_eq!(replay(&mut bench, whose.clone(), event), Ok(Reply::Done));
    play_in(&mut bench, "finish mail ok");
    assert_eq!(
        (consumer(&bench, "driver-post").done, found(&bench).answered),
        (1, 1)
    );
    assert!(kept(&bench, "driver-post", event).is_none());
    assert!(found(&bench).caught.is_empty());
    // Another one is given up.
    publish(&mut bench, 1);
    play_in(&mut bench, "trap mail");
    let event = dead(&bench).pop().expect("it failed").event;
    let drop = command::Event::Drop {
        consumer: whose,
        event,
    };
    assert_eq!(bench.command(drop).0, Ok(Reply::Done));
    assert!(kept(&bench, "driver-post", event).is_none());
}

#[test]
fn what_a_step_waits_for_is_its_own_failure() {
    let mut bench = limited(DriverLimits::default());
    instruct(&mut bench, true).0.expect("its driver is there");
    play_in(&mut bench, "fail mail");
    let facts: Vec<Fact> = bench.facts.iter().map(|(_, fact)| fact.clone()).collect();
    assert_eq!(ended(&facts), Some(PlanStatus::Failed));
    assert_eq!(put_aside(&bench), [], "the step was told");
    assert_eq!(consumer(&bench, "driver-post").done, 1);
    assert!(found(&bench).caught.is_empty());
}

#[test]
fn what_is_cancelled_or_unknown_did_not_fail() {
    let mut bench = limited(DriverLimits::default());
    publish(&mut bench, 1);
    let task = *found(&bench).open.keys().next().expect("it has one");
    bench
        .command(command::Task::Cancel { task })
        .0
        .expect("it is open");
    assert_eq!(put_aside(&bench), [], "a person gave it up");
    assert!(found(&bench).caught.is_empty());
    // What nobody knows waits for a person, with the driver that has it.
    publish(&mut bench, 1);
    play_in(&mut bench, "call mail http POST api.example; lost mail");
    bench.wait(Span::secs(3_600));
    assert_eq!((put_aside(&bench), found(&bench).open.len()), (vec![], 1));
    let event = *found(&bench)
        .caught
        .values()
        .map(|c| &c.event)
        .next()
        .unwrap();
    let whose = name("driver-post");
    let refused = replay(&mut bench, whose, event).expect_err("it isn't put aside");
    assert_eq!(refused.code, Code::NOT_FOUND);
    bench.task = found(&bench).open.keys().next().copied();
    play_in(&mut bench, "resolve undo; fail mail");
    assert_eq!(put_aside(&bench), [Code::AGENT_ERROR], "now it failed");
}

#[test]
fn an_endpoint_that_failed_knows_the_event_again() {
    let (mut bench, run) = asked();
    let first = call(&bench);
    assert_eq!(same_of(&first), key_of(&first));
    for _ in 0..3 {
        let wish = call(&bench);
        comes_back(&mut bench, &wish, CallOutcome::Lost(None));
        bench.wait(Span::secs(60));
    }
    let aside = dead(&bench).pop().expect("its attempts are spent");
    assert_eq!(
        (aside.attempts, aside.problem.code),
        (3, Code::ENDPOINT_FAILED)
    );
    replay(&mut bench, aside.consumer, aside.event).expect("it is there");
    let again = call(&bench);
    assert_eq!(again.attempt, 1);
    assert_ne!(key_of(&again), key_of(&first), "who answers later names it");
    assert_eq!(
        same_of(&again),
        same_of(&first),
        "it is the same all the same"
    );
    // As it is derived from the state, too.
    assert!(!key_of(&again).starts_with(&run.to_string()));
    let body = bench.body(b"{}");
    comes_back(&mut bench, &again, CallOutcome::Answered(body));
    let crm = consumer(&bench, "driver-crm");
    assert_eq!((crm.done, crm.dead), (1, 1));
}

#[test]
fn one_that_is_switched_off_leaves_what_it_failed_at() {
    let mut bench = limited(DriverLimits::default());
    publish(&mut bench, 1);
    switch(&mut bench, false);
    play_in(&mut bench, "fail mail");
    let aside = dead(&bench).pop().expect("it had it");
    assert_eq!(aside.problem.code, Code::AGENT_ERROR);
    let (whose, event) = (aside.consumer, aside.event);
    assert!(kept(&bench, "driver-post", event).is_some());
    let refused = replay(&mut bench, whose.clone(), event).expect_err("it is off");
    assert!(
        refused.help.contains("naos driver enable post"),
        "{refused:?}"
    );
    switch(&mut bench, true);
    replay(&mut bench, whose, event).expect("it is on");
    assert_eq!(given(&bench), 2);
}

#[test]
fn a_circle_of_failures_ends_also_where_one_is_given_again() {
    let mut bench = limited(DriverLimits {
        failures_max: 1_000,
        ..DriverLimits::default()
    });
    handle(
        &mut bench,
        "again",
        ERROR_TOPIC,
        vec![emits("mail.read", None, None)],
    );
    publish(&mut bench, 1);
    let fail = |bench: &mut Bench| {
        let before = given(bench);
        for _ in 0..4 * HOPS_MAX {
            if bench.open().is_empty() {
                return given(bench) - before;
            }
            play_in(bench, "fail mail");
        }
        panic!("it goes on for ever");
    };
    fail(&mut bench);
    let most = HOPS_MAX as usize / 2;
    assert_eq!(given(&bench), most);
    let is_loop = |f: &&event::Dead| f.problem.code == Code::EVENT_LOOP;
    let all = dead(&bench);
    assert_eq!(all.iter().filter(is_loop).count(), 1);
    assert_eq!(all.len(), most + 1);
    // The last one goes around no more than it did; the first one as it did at first.
    let last = all
        .iter()
        .rev()
        .find(|f| f.task.is_some())
        .expect("one failed");
    replay(&mut bench, last.consumer.clone(), last.event).expect("it is there");
    assert_eq!(fail(&mut bench), 0, "the circle ends where it ended");
    let first = &all[0];
    replay(&mut bench, first.consumer.clone(), first.event).expect("it is there");
    assert!(fail(&mut bench) < most);
    assert_eq!(dead(&bench).iter().filter(is_loop).count(), 3);
}
