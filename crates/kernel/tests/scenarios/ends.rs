//! Ends of runs as events: what they set off, and who waits for them.

use naos_kernel::event::AROUND_MAX;
use naos_types::command;
use naos_types::fact::{Fact, event, plan as plan_facts};
use naos_types::spec::{
    Begins, Emits, InputSpec, InputType, Kind, Missed, ScheduleSpec, Spec, StepDo,
    SubscriptionSpec, Timing, When,
};
use naos_types::{Span, Time};

use crate::bench::Bench;
use crate::events::{
    closed, deaths, emits, event_wait, keep, kinds, publish, start, starts, subscribe, taker, waits,
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
    assert!(dead[0].contains("again → plan fails → again"), "{dead:?}");
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

#[test]
fn a_plan_that_sets_itself_off_twice_is_no_storm() {
    let mut bench = Bench::new();
    let twice = plan(vec![
        step("one", &[], emits("go")),
        step("two", &[], emits("go")),
    ]);
    keep(&mut bench, "twice", twice);
    subscribe(&mut bench, "again", starts("go", "twice"));
    publish(&mut bench, "go", "{\"n\": 1}");
    let facts: Vec<Fact> = bench.facts.iter().map(|(_, f)| f.clone()).collect();
    let begun = 1 + usize::try_from(AROUND_MAX).expect("it is small");
    assert_eq!(closed(&facts), begun, "each could have led to two more");
    let dead = deaths(&facts);
    assert_eq!(dead.len(), 1 + 2 * begun - begun, "nothing of it is lost");
    let named = "N0195 one event led back to where it was 100 times: again → plan twice → again";
    assert!(dead.iter().any(|one| one == named), "{:?}", dead.last());
}

#[test]
fn nobody_else_says_what_naos_says() {
    let mut bench = Bench::new();
    let mut said = |topic: &str, source: Option<&str>| {
        let data = bench.body(b"{}");
        let asked = command::Event::Publish {
            topic: topic.to_owned(),
            data,
            origin: event::Origin {
                source: source.map(str::to_owned),
                ..event::Origin::default()
            },
        };
        let (said, facts) = bench.command(asked);
        assert_eq!(said.is_err(), facts.is_empty(), "{topic}: {facts:?}");
        said.map(drop).map_err(|refusal| refusal.what)
    };
    for topic in [
        "error",
        "plan.completed",
        "plan.compensation_failed",
        "webhook.received",
    ] {
        let what = format!("events of type {topic} are naos's own word");
        assert_eq!(said(topic, None), Err(what));
    }
    for source in ["/plans/first", "/sagas/order", "/hooks/beat"] {
        let what = format!("{source} is where naos's own events come from");
        assert_eq!(said("order.paid", Some(source)), Err(what));
    }
    for (topic, source) in [
        ("plan.upgraded", "/shop"),
        ("error.seen", "/planets/mars"),
        ("task.done", "plans"),
    ] {
        assert_eq!(said(topic, Some(source)), Ok(()), "{topic} from {source}");
    }
}

/// What a document says by itself is judged as what comes from outside is, whoever puts it in.
#[test]
fn no_document_says_what_naos_says() {
    let mut bench = Bench::new();
    let made = |topic: &str| Emits {
        kind: topic.to_owned(),
        data: None,
        when: None,
    };
    let says = |topic: &str| {
        let timing = Timing {
            when: When::At(Time(4_000_000_000_000)),
            until: None,
        };
        let asks = StepDo::Ask {
            kind: topic.to_owned(),
            data: None,
            needed: false,
        };
        let timed = ScheduleSpec {
            description: String::new(),
            timing,
            count: None,
            missed: Missed::Skip,
            jitter: Span(0),
            starts: Begins::Event {
                topic: topic.to_owned(),
                data: "{}".into(),
            },
            enabled: true,
        };
        let step = |action| plan(vec![step("say", &[], action)]);
        [
            (Kind::Plan, Spec::Plan(step(emits(topic)))),
            (Kind::Plan, Spec::Plan(step(asks))),
            (Kind::Schedule, Spec::Schedule(Box::new(timed))),
            (
                Kind::Subscription,
                Spec::subscription(taker("far"), vec![made("near"), made(topic)]),
            ),
        ]
    };
    for (topic, own) in [
        ("error", true),
        ("plan.completed", true),
        ("webhook.received", true),
        ("order.paid", false),
        ("task.create", false),
    ] {
        for (kind, spec) in says(topic) {
            let shown = format!("{kind:?} {topic}");
            let name = naos_types::Name::new("one").expect("it is a name");
            let asked = command::Resource::Apply { kind, name, spec };
            let (said, _) = bench.command(asked);
            let said = said.map(drop).map_err(|refusal| refusal.what);
            let what = format!("events of type {topic} are naos's own word");
            let expected = if own { Err(what) } else { Ok(()) };
            assert_eq!(said, expected, "{shown}");
        }
    }
}

#[test]
fn an_event_that_lacks_what_is_asked_for_is_passed_over() {
    let mut bench = Bench::new();
    let large = event_wait("paid", Some("event.data.total > 10"), None);
    keep(&mut bench, "hold", waits(large));
    start(&mut bench, "hold");
    for odd in ["{}", "{\"total\": \"eleven\"}", "[]", "{\"total\": 9}"] {
        let (_, facts) = publish(&mut bench, "paid", odd);
        assert_eq!(kinds(&facts), ["event.published"], "{odd}");
    }
    let (_, facts) = publish(&mut bench, "paid", "{\"total\": 11}");
    assert_eq!(closed(&facts), 1, "it waited on");
}
