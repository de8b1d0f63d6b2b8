//! Ends of runs as events: what they set off, and who waits for them.

use naos_types::fact::{Fact, event, plan as plan_facts};
use naos_types::spec::{InputSpec, InputType, StepDo, SubscriptionSpec};

use crate::bench::Bench;
use crate::events::{
    closed, deaths, event_wait, keep, kinds, start, starts, subscribe, taker, waits,
};
use crate::plans::{plan, step};

/// The events that tell of ends of runs: type, source, hops.
fn ends(facts: &[Fact]) -> Vec<String> {
    let told = facts.iter().filter_map(|fact| match fact {
        Fact::Event(event::Fact::Published(f)) => {
            let source = f.origin.source.clone().unwrap_or_default();
            Some(format!("{} {source} {}", f.topic, f.origin.hops))
        }
        _ => None,
    });
    told.collect()
}

fn after(source: &str, topic: &str, what: &str) -> SubscriptionSpec {
    let mut spec = starts(topic, what);
    spec.filter.source = Some(source.to_owned());
    spec
}

#[test]
fn the_end_of_a_run_sets_off_another() {
    let mut bench = Bench::new();
    let render = |template: &str| StepDo::Render {
        template: template.into(),
    };
    let first = plan(vec![step("say", &[], render("salama"))]);
    let mut second = plan(vec![step(
        "hear",
        &[],
        render("{{ trigger.data.name }}: {{ inputs.output }}"),
    )]);
    second.inputs = vec![InputSpec {
        name: "output".into(),
        kind: InputType::String,
        default: None,
    }];
    keep(&mut bench, "first", first);
    keep(&mut bench, "second", second);
    // Nobody asks by name: who takes all there are doesn't make it an event.
    subscribe(&mut bench, "all", taker("*"));
    start(&mut bench, "first");
    let before = bench.facts.len();
    subscribe(
        &mut bench,
        "next",
        after("/plans/first", "plan.completed", "second"),
    );
    start(&mut bench, "first");
    let facts: Vec<Fact> = bench.facts[before..]
        .iter()
        .map(|(_, f)| f.clone())
        .collect();
    assert_eq!(
        ends(&facts),
        [
            "plan.completed /plans/first 0",
            "plan.completed /plans/second 1"
        ]
    );
    let told: Vec<String> = ends(
        &bench
            .facts
            .iter()
            .map(|(_, f)| f.clone())
            .collect::<Vec<_>>(),
    );
    assert_eq!(told.len(), 2, "nothing was told before: {told:?}");
    let outputs: Vec<String> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Plan(plan_facts::Fact::Closed(f)) => f.output.map(|body| bench.text(&body)),
            _ => None,
        })
        .collect();
    assert_eq!(outputs, ["salama", "first: salama"]);
}

#[test]
fn how_a_run_ended_is_told_and_a_circle_ends() {
    let mut bench = Bench::new();
    let fails = plan(vec![step(
        "boom",
        &[],
        StepDo::Compute {
            cel: "1 / (1 - 1)".into(),
        },
    )]);
    keep(&mut bench, "fails", fails);
    subscribe(
        &mut bench,
        "again",
        after("/plans/fails", "plan.failed", "fails"),
    );
    subscribe(
        &mut bench,
        "never",
        after("/plans/fails", "plan.completed", "fails"),
    );
    start(&mut bench, "fails");
    let facts: Vec<Fact> = bench.facts.iter().map(|(_, f)| f.clone()).collect();
    assert_eq!(closed(&facts), 17, "sixteen events led to each other");
    let dead = deaths(&facts);
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert!(dead[0].contains("again → again"), "{dead:?}");
}

#[test]
fn a_step_waits_for_the_end_of_a_run() {
    let mut bench = Bench::new();
    keep(
        &mut bench,
        "other",
        plan(vec![step(
            "say",
            &[],
            StepDo::Render {
                template: "x".into(),
            },
        )]),
    );
    let wait = event_wait("plan.*", Some("event.source == '/plans/other'"), None);
    keep(&mut bench, "waits", waits(wait));
    start(&mut bench, "waits");
    let before = bench.facts.len();
    start(&mut bench, "other");
    let facts: Vec<Fact> = bench.facts[before..]
        .iter()
        .map(|(_, f)| f.clone())
        .collect();
    assert_eq!(closed(&facts), 2, "{:?}", kinds(&facts));
}
