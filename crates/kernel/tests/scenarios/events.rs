//! The bus: who hears what, how often, and what it sets off; a consumer against its model.

use std::collections::BTreeMap;

use naos_types::command::{self, Reply};
use naos_types::fact::event::{self, Again, Began, Origin};
use naos_types::fact::{Fact, plan as plan_facts};
use naos_types::spec::{
    EventFilter, Kind, PlanSpec, RetryPolicy, Spec, Starts, StepDo, SubscriptionSpec, WaitFor,
};
use naos_types::{Code, EventId, Name, PlanId, Refusal, Seq, Span, Time};
use proptest::prelude::*;

use crate::bench::Bench;
use crate::plans::{plan, step};

pub fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub fn filter(topic: &str) -> EventFilter {
    EventFilter {
        topics: vec![topic.to_owned()],
        ..EventFilter::default()
    }
}

pub fn subscribe(bench: &mut Bench, who: &str, spec: SubscriptionSpec) {
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Subscription,
        name: name(who),
        spec: Spec::Subscription(Box::new(spec)),
    });
    assert!(said.is_ok(), "{said:?}");
}

/// Listens and takes by itself.
pub fn taker(topic: &str) -> SubscriptionSpec {
    SubscriptionSpec {
        filter: filter(topic),
        visible: Span(1_000),
        retry: RetryPolicy {
            attempts_max: 3,
            wait: Span(100),
            factor_tenths: 20,
            wait_max: Span(400),
            ..RetryPolicy::default()
        },
        in_flight: 4,
        ..SubscriptionSpec::default()
    }
}

pub fn starts(topic: &str, what: &str) -> SubscriptionSpec {
    SubscriptionSpec {
        filter: filter(topic),
        starts: Some(Starts {
            kind: Kind::Plan,
            name: name(what),
            input: None,
        }),
        ..SubscriptionSpec::default()
    }
}

pub fn keep(bench: &mut Bench, called: &str, spec: PlanSpec) {
    let (said, _) = bench.command(command::Resource::Apply {
        kind: Kind::Plan,
        name: name(called),
        spec: Spec::Plan(spec),
    });
    assert!(said.is_ok(), "{said:?}");
}

fn publish_as(bench: &mut Bench, topic: &str, data: &str, origin: Origin) -> (EventId, Vec<Fact>) {
    let data = bench.body(data.as_bytes());
    let topic = topic.to_owned();
    let (said, facts) = bench.command(command::Event::Publish {
        topic,
        data,
        origin,
    });
    let Ok(Reply::Event(event)) = said else {
        panic!("it isn't published: {said:?}");
    };
    (event, facts)
}

pub fn publish(bench: &mut Bench, topic: &str, data: &str) -> (EventId, Vec<Fact>) {
    publish_as(bench, topic, data, Origin::default())
}

pub fn kinds(facts: &[Fact]) -> Vec<&'static str> {
    facts.iter().map(Fact::kind).collect()
}

/// All events of the journal with their places.
pub fn journal(bench: &Bench) -> Vec<(Seq, event::Published)> {
    let facts = (1..).zip(&bench.facts);
    facts
        .filter_map(|(seq, (_, fact))| match fact {
            Fact::Event(event::Fact::Published(f)) => Some((seq, f.clone())),
            _ => None,
        })
        .collect()
}

/// What whoever looks for a consumer knows of it.
#[derive(Default)]
struct Finder {
    cursor: Seq,
    filter: EventFilter,
}

type Given = Vec<(Seq, EventId, u32)>;

impl Finder {
    /// Looks and takes; what the cell says about the place is believed, and asked again.
    fn pull(&mut self, bench: &mut Bench, who: &str, limit: u32) -> (Given, Vec<Fact>) {
        for _ in 0..3 {
            let head = bench.facts.len() as u64;
            let found = journal(bench);
            let found = found
                .iter()
                .filter(|(seq, f)| *seq > self.cursor && self.filter.wants(f));
            let found: Vec<_> = found.map(|(seq, f)| (*seq, f.event)).collect();
            let found: Vec<_> = found.into_iter().take(limit as usize).collect();
            let upto = match found.last() {
                Some((seq, _)) if found.len() == limit as usize => *seq,
                _ => head.max(self.cursor),
            };
            let (said, facts) = bench.command(command::Event::Pull {
                consumer: name(who),
                done: Vec::new(),
                limit,
                from: self.cursor,
                filter: self.filter.clone(),
                found,
                upto,
            });
            let Ok(Reply::Pulled {
                events,
                cursor,
                filter,
                ..
            }) = said
            else {
                panic!("nothing can be taken: {said:?}");
            };
            self.cursor = cursor;
            match filter {
                Some(wanted) if events.is_empty() => self.filter = *wanted,
                _ => return (events, facts),
            }
        }
        panic!("the cell never agrees on where the consumer stands");
    }
}

fn acknowledge(bench: &mut Bench, who: &str, events: &[Seq]) -> u32 {
    let (said, _) = bench.command(command::Event::Acknowledge {
        consumer: name(who),
        events: events.to_vec(),
    });
    match said {
        Ok(Reply::Count(count)) => count,
        other => panic!("nothing can be acknowledged: {other:?}"),
    }
}

fn refused(said: Result<Reply, Refusal>) -> (Code, String) {
    let refusal = said.expect_err("it is refused");
    (refusal.code, refusal.what)
}

#[test]
fn a_consumer_hears_what_it_wants_from_then_on() {
    let mut bench = Bench::new();
    publish(&mut bench, "email.received", "1");
    subscribe(&mut bench, "mailer", taker("email.*"));
    publish(&mut bench, "weather.data", "2");
    let (wanted, _) = publish(&mut bench, "email.received", "3");
    let mut finder = Finder::default();
    let (given, facts) = finder.pull(&mut bench, "mailer", 10);
    assert_eq!(kinds(&facts), ["event.taken"]);
    assert_eq!(
        given.iter().map(|(_, e, n)| (*e, *n)).collect::<Vec<_>>(),
        [(wanted, 1)]
    );
    let (given, facts) = finder.pull(&mut bench, "mailer", 10);
    assert_eq!(
        (given.len(), facts.len()),
        (0, 0),
        "it is with the consumer"
    );
    let place = given_place(&bench, wanted);
    assert_eq!(acknowledge(&mut bench, "mailer", &[place]), 1);
    bench.wait(Span(60_000));
    assert_eq!(
        finder.pull(&mut bench, "mailer", 10).0,
        [],
        "what is done never comes again"
    );
}

fn given_place(bench: &Bench, event: EventId) -> Seq {
    let all = journal(bench);
    let found = all.iter().find(|(_, f)| f.event == event);
    found.expect("it was published").0
}

#[test]
fn what_is_not_taken_comes_again_and_is_then_put_aside() {
    let mut bench = Bench::new();
    subscribe(&mut bench, "mailer", taker("email.*"));
    let (event, _) = publish(&mut bench, "email.received", "1");
    let mut finder = Finder::default();
    for attempt in 1..=3 {
        let (given, _) = finder.pull(&mut bench, "mailer", 10);
        assert_eq!(given.iter().map(|g| g.2).collect::<Vec<_>>(), [attempt]);
        assert_eq!(finder.pull(&mut bench, "mailer", 10).0, [], "not at once");
        if attempt < 3 {
            bench.wait(Span(2_000));
        }
    }
    assert_eq!(kinds(&bench.wait(Span(2_000))), ["event.dead"]);
    assert_eq!(finder.pull(&mut bench, "mailer", 10).0, []);
    let again = command::Event::Replay {
        consumer: name("mailer"),
        event,
    };
    let (said, _) = bench.command(again.clone());
    assert_eq!(said, Ok(Reply::Done));
    let (given, _) = finder.pull(&mut bench, "mailer", 10);
    assert_eq!(
        given.iter().map(|g| (g.1, g.2)).collect::<Vec<_>>(),
        [(event, 1)]
    );
    assert_eq!(refused(bench.command(again).0).0, Code::NOT_FOUND);
}

#[test]
fn nobody_hears_an_orphan_and_it_is_counted() {
    let mut bench = Bench::new();
    subscribe(&mut bench, "mailer", taker("email.*"));
    publish(&mut bench, "email.received", "1");
    publish(&mut bench, "weather.data", "1");
    let bus = bench
        .state
        .all()
        .into_iter()
        .find_map(|(_, any)| match any {
            naos_kernel::AnyAggregate::Bus(bus) => Some(bus),
            _ => None,
        });
    let bus = bus.expect("something was published");
    assert_eq!((bus.published, bus.orphans), (2, 1));
}

#[test]
fn what_isnt_sound_is_refused() {
    let mut bench = Bench::new();
    let long = "x".repeat(600);
    let data = bench.body(b"{}");
    let mut said = |origin: Origin, topic: &str| {
        let topic = topic.to_owned();
        refused(
            bench
                .command(command::Event::Publish {
                    topic,
                    data,
                    origin,
                })
                .0,
        )
    };
    let source = Origin {
        source: Some(long),
        ..Origin::default()
    };
    assert_eq!(said(source, "a.b").0, Code::BAD_REQUEST);
    assert_eq!(said(Origin::default(), "a..b").0, Code::BAD_REQUEST);
    let mut large = data;
    large.len = naos_kernel::event::EVENT_BYTES_MAX + 1;
    let publish = command::Event::Publish {
        topic: "a.b".into(),
        data: large,
        origin: Origin::default(),
    };
    let (code, what) = refused(bench.command(publish).0);
    assert_eq!(
        (code, what.contains("262144")),
        (Code::TOO_LARGE, true),
        "{what}"
    );
    let pull = |from, found, upto| command::Event::Pull {
        consumer: name("mailer"),
        done: Vec::new(),
        limit: 1,
        from,
        filter: filter("email.*"),
        found,
        upto,
    };
    assert_eq!(
        refused(bench.command(pull(0, Vec::new(), 0)).0).0,
        Code::NOT_FOUND
    );
    subscribe(&mut bench, "mailer", taker("email.*"));
    let beyond = pull(0, vec![(99, EventId(1))], 99);
    assert_eq!(refused(bench.command(beyond).0).0, Code::BAD_REQUEST);
}

#[test]
fn a_source_that_keeps_its_id_is_not_this_cells_concern_but_hops_are() {
    let mut bench = Bench::new();
    let said = Origin {
        hops: 9,
        trigger: Some((name("me"), EventId(1))),
        ..Origin::default()
    };
    let (_, facts) = publish_as(&mut bench, "a.b", "1", said);
    let [Fact::Event(event::Fact::Published(f))] = &facts[..] else {
        panic!("one fact: {facts:?}");
    };
    assert_eq!(
        (f.origin.hops, &f.origin.trigger),
        (0, &None),
        "nobody says so from outside"
    );
}

pub fn emits(topic: &str) -> StepDo {
    StepDo::Emit {
        kind: topic.to_owned(),
        data: Some("{\"n\": \"{{ trigger.data.n }}\"}".into()),
    }
}

pub fn deaths(facts: &[Fact]) -> Vec<String> {
    let notes = facts.iter().filter_map(|fact| match fact {
        Fact::Event(event::Fact::Dead(f)) => Some(format!("{} {}", f.problem.code, f.problem.note)),
        _ => None,
    });
    notes.collect()
}

#[test]
fn an_event_sets_a_plan_off_once_and_is_its_trigger() {
    let mut bench = Bench::new();
    keep(
        &mut bench,
        "tell",
        plan(vec![step("say", &[], emits("told"))]),
    );
    let mut spec = starts("alert.*", "tell");
    spec.condition = Some("trigger.data.n > 3".into());
    subscribe(&mut bench, "alerts", spec);
    let (_, facts) = publish(&mut bench, "alert.high", "{\"n\": 2}");
    assert_eq!(
        kinds(&facts),
        ["event.published", "event.triggered"],
        "its condition isn't met"
    );
    let (event, facts) = publish(&mut bench, "alert.high", "{\"n\": 5}");
    let begun = facts
        .iter()
        .filter(|fact| fact.kind() == "plan.started")
        .count();
    let set_off = facts.iter().filter_map(|fact| match fact {
        Fact::Event(event::Fact::Triggered(f)) => Some((f.event, f.began)),
        _ => None,
    });
    let set_off: Vec<_> = set_off.collect();
    assert_eq!((begun, set_off.len()), (1, 1));
    assert!(matches!(set_off[0], (e, Began::Plan(_)) if e == event));
    let told = journal(&bench).pop().expect("the plan published").1;
    assert_eq!(bench.text(&told.data), "{\"n\": \"5\"}");
    assert_eq!(told.origin.hops, 1);
    assert_eq!(
        told.correlation(),
        event.to_string(),
        "it belongs to what set it off"
    );
    assert_eq!(told.causation(), Some(event.to_string()));
    bench.wait(Span(60_000));
    let begun = bench
        .facts
        .iter()
        .filter(|(_, fact)| fact.kind() == "plan.started");
    assert_eq!(begun.count(), 1);
}

#[test]
fn what_cannot_be_set_off_is_put_aside_and_given_again() {
    let mut bench = Bench::new();
    subscribe(&mut bench, "alerts", starts("alert.*", "tell"));
    let (event, facts) = publish(&mut bench, "alert.high", "{\"n\": 1}");
    assert_eq!(deaths(&facts), ["N0121 there is no plan tell"]);
    keep(
        &mut bench,
        "tell",
        plan(vec![step("say", &[], emits("told"))]),
    );
    let (said, facts) = bench.command(command::Event::Replay {
        consumer: name("alerts"),
        event,
    });
    assert_eq!(said, Ok(Reply::Done));
    assert!(
        kinds(&facts).contains(&"plan.started"),
        "{:?}",
        kinds(&facts)
    );
    let mut wrong = starts("other", "tell");
    wrong.condition = Some("trigger.data.n".into());
    subscribe(&mut bench, "wrong", wrong);
    let (_, facts) = publish(&mut bench, "other", "{\"n\": 1}");
    assert_eq!(
        deaths(&facts),
        ["N0106 an expression of wrong gave no usable value"]
    );
}

#[test]
fn events_that_set_each_other_off_end_and_the_circle_is_named() {
    let mut bench = Bench::new();
    keep(
        &mut bench,
        "there",
        plan(vec![step("say", &[], emits("pong"))]),
    );
    keep(
        &mut bench,
        "back",
        plan(vec![step("say", &[], emits("ping"))]),
    );
    subscribe(&mut bench, "first", starts("ping", "there"));
    subscribe(&mut bench, "second", starts("pong", "back"));
    publish(&mut bench, "ping", "{\"n\": 1}");
    let facts: Vec<Fact> = bench.facts.iter().map(|(_, fact)| fact.clone()).collect();
    let begun = facts
        .iter()
        .filter(|fact| fact.kind() == "plan.started")
        .count();
    assert_eq!(begun, 16);
    let all = "N0195 16 events led to each other: first → plan there → second → plan back → \
               first";
    assert_eq!(deaths(&facts), [all]);
}

pub fn waits(wait: WaitFor) -> PlanSpec {
    let say = StepDo::Render {
        template: "{{ hold.output }}".into(),
    };
    let mut hold = step("hold", &[], StepDo::Wait(wait));
    hold.timeout = None;
    plan(vec![hold, step("say", &["hold"], say)])
}

pub fn event_wait(topic: &str, condition: Option<&str>, correlation: Option<&str>) -> WaitFor {
    WaitFor::Event {
        topic: topic.to_owned(),
        condition: condition.map(str::to_owned),
        correlation: correlation.map(str::to_owned),
    }
}

pub fn start(bench: &mut Bench, called: &str) -> PlanId {
    let inputs = bench.body(b"{}");
    let (said, _) = bench.command(command::Plan::Start {
        of: Kind::Plan,
        name: name(called),
        inputs,
    });
    match said {
        Ok(Reply::Plan(plan)) => plan,
        other => panic!("it doesn't start: {other:?}"),
    }
}

pub fn closed(facts: &[Fact]) -> usize {
    let over = |fact: &&Fact| matches!(fact, Fact::Plan(plan_facts::Fact::Closed(_)));
    facts.iter().filter(over).count()
}

#[test]
fn a_step_waits_for_an_event() {
    let mut bench = Bench::new();
    let condition = Some("event.data.n > 3");
    keep(
        &mut bench,
        "p",
        waits(event_wait("alert.*", condition, None)),
    );
    publish(&mut bench, "alert.high", "{\"n\": 9}");
    start(&mut bench, "p");
    let (_, facts) = publish(&mut bench, "weather.data", "{\"n\": 9}");
    assert_eq!(closed(&facts), 0, "another type");
    let (_, facts) = publish(&mut bench, "alert.high", "{\"n\": 1}");
    assert_eq!(closed(&facts), 0, "its condition isn't met");
    let (_, facts) = publish(&mut bench, "alert.high", "{\"n\": 5}");
    assert_eq!(closed(&facts), 1);
    let (_, facts) = publish(&mut bench, "alert.high", "{\"n\": 6}");
    assert_eq!(kinds(&facts), ["event.published"], "nobody waits any more");
    let f = journal(&bench).pop().expect("it was published").1;
    assert!(!f.origin.heard);
}

#[test]
fn a_step_waits_for_an_event_of_its_conversation() {
    let mut bench = Bench::new();
    let mine = Some("order-{{ plan.name }}");
    keep(&mut bench, "p", waits(event_wait("paid", None, mine)));
    start(&mut bench, "p");
    let of = |correlation: &str| Origin {
        correlation: Some(correlation.to_owned()),
        ..Origin::default()
    };
    let (_, facts) = publish_as(&mut bench, "paid", "1", of("order-q"));
    assert_eq!(closed(&facts), 0);
    let (_, facts) = publish_as(&mut bench, "paid", "1", of("order-p"));
    assert_eq!(closed(&facts), 1);
}

#[test]
fn who_waits_too_long_fails_and_is_forgotten() {
    let mut bench = Bench::new();
    let mut spec = waits(event_wait("paid", None, None));
    spec.steps[0].timeout = Some(Span(1_000));
    keep(&mut bench, "p", spec);
    start(&mut bench, "p");
    let facts = bench.wait(Span(5_000));
    assert_eq!(closed(&facts), 1);
    let (_, facts) = publish(&mut bench, "paid", "1");
    assert_eq!(kinds(&facts), ["event.published"]);
    let run = start(&mut bench, "p");
    let (said, _) = bench.command(command::Plan::Cancel { plan: run });
    assert_eq!(said, Ok(Reply::Done));
    let (_, facts) = publish(&mut bench, "paid", "1");
    assert_eq!(kinds(&facts), ["event.published"]);
}

fn signal(bench: &mut Bench, plan: PlanId, signal: &str) -> (Result<Reply, Refusal>, Vec<Fact>) {
    let data = bench.body(b"\"yes\"");
    bench.command(command::Event::Signal {
        plan,
        name: name(signal),
        data,
    })
}

#[test]
fn a_signal_is_taken_now_or_later() {
    let mut bench = Bench::new();
    let go = || WaitFor::Signal { name: name("go") };
    keep(&mut bench, "p", waits(go()));
    let run = start(&mut bench, "p");
    let (code, what) = refused(signal(&mut bench, run, "stop").0);
    assert_eq!(
        (code, what.as_str()),
        (Code::NOT_FOUND, "no step of p waits for a signal stop")
    );
    let (_, facts) = signal(&mut bench, run, "go");
    assert_eq!(closed(&facts), 1);
    assert_eq!(
        refused(signal(&mut bench, run, "go").0).0,
        Code::WRONG_STATE
    );
    // One that comes before the step is kept for it.
    let mut late = waits(go());
    let nap = WaitFor::Time { span: Span(1_000) };
    late.steps[0].after = vec![name("nap")];
    late.steps.insert(0, step("nap", &[], StepDo::Wait(nap)));
    keep(&mut bench, "late", late);
    let run = start(&mut bench, "late");
    let (_, facts) = signal(&mut bench, run, "go");
    assert_eq!(kinds(&facts), ["event.signalled"]);
    assert_eq!(closed(&bench.wait(Span(1_000))), 1);
}

#[test]
fn a_step_waits_for_a_time() {
    let mut bench = Bench::new();
    keep(&mut bench, "p", waits(WaitFor::Time { span: Span(60_000) }));
    start(&mut bench, "p");
    assert_eq!(closed(&bench.wait(Span(59_999))), 0);
    assert_eq!(closed(&bench.wait(Span(1))), 1);
    let at = (bench.now + Span(5_000)).rfc3339();
    keep(&mut bench, "q", waits(WaitFor::Until { at }));
    start(&mut bench, "q");
    assert_eq!(closed(&bench.wait(Span(4_999))), 0);
    assert_eq!(closed(&bench.wait(Span(1))), 1);
    let at = "{{ plan.name }} o'clock".into();
    keep(&mut bench, "r", waits(WaitFor::Until { at }));
    start(&mut bench, "r");
    let last = bench.facts.iter().rev().find_map(|(_, fact)| match fact {
        Fact::Plan(plan_facts::Fact::Closed(f)) => Some(f.status),
        _ => None,
    });
    assert_eq!(last, Some(naos_types::PlanStatus::Failed));
}

/// Something that may be done to a consumer.
#[derive(Clone, Debug)]
enum Act {
    Publish(bool),
    Pull(u32),
    Ack(usize),
    Nack(usize, Option<i64>),
    Wait(i64),
    Replay(usize),
    Forget(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => any::<bool>().prop_map(Act::Publish),
        4 => (1_u32..6).prop_map(Act::Pull),
        3 => (0_usize..8).prop_map(Act::Ack),
        2 => (0_usize..8, proptest::option::of(0_i64..500)).prop_map(|(n, d)| Act::Nack(n, d)),
        2 => (0_i64..2_500).prop_map(Act::Wait),
        1 => (0_usize..4).prop_map(Act::Replay),
        1 => (0_usize..4).prop_map(Act::Forget),
    ];
    proptest::collection::vec(act, 1..60)
}

/// What must be true of one event that the consumer wants.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    New,
    Held { attempt: u32, at: Time },
    Done,
    Dead,
    Gone,
}

/// The consumer as it should be.
#[derive(Default)]
struct Model {
    events: BTreeMap<Seq, (EventId, Stands)>,
}

impl Model {
    fn held(&self) -> Vec<Seq> {
        let held = self.events.iter();
        let held = held.filter(|(_, (_, s))| matches!(s, Stands::Held { .. }));
        held.map(|(seq, _)| *seq).collect()
    }

    fn dead(&self) -> Vec<(Seq, EventId)> {
        let dead = self.events.iter().filter(|(_, (_, s))| *s == Stands::Dead);
        dead.map(|(seq, (event, _))| (*seq, *event)).collect()
    }

    /// What is to be given now: what is due again first, then what is new.
    fn due(&self, now: Time, limit: usize, room: usize) -> Vec<(Seq, u32)> {
        let again = self
            .events
            .iter()
            .filter_map(|(seq, (_, stands))| match stands {
                Stands::Held { attempt, at } if *attempt < 3 && *at <= now => {
                    Some((*seq, attempt + 1))
                }
                _ => None,
            });
        let mut out: Vec<(Seq, u32)> = again.take(limit).collect();
        let fresh = self.events.iter().filter(|(_, (_, s))| *s == Stands::New);
        let room = room
            .saturating_sub(self.held().len())
            .min(limit - out.len());
        out.extend(fresh.take(room).map(|(seq, _)| (*seq, 1)));
        out.sort_unstable();
        out
    }

    /// What facts say about times and ends is looked at, and must be within its bounds.
    fn learn(&mut self, facts: &[Fact], now: Time, visible: i64) {
        let mut set = |again: &Again, least: i64| {
            let pause = (again.at - now).0 - least;
            assert!((0..=500).contains(&pause), "{again:?} waits {pause} ms");
            let (attempt, at) = (again.attempt, again.at);
            self.events.get_mut(&again.seq).expect("known").1 = Stands::Held { attempt, at };
        };
        for fact in facts {
            let Fact::Event(fact) = fact else { continue };
            match fact {
                event::Fact::Taken(f) => {
                    let fresh = f.fresh.iter().map(|(seq, _)| Again {
                        seq: *seq,
                        attempt: 1,
                        at: f.at,
                    });
                    fresh.for_each(|again| set(&again, visible));
                    f.again.iter().for_each(|again| set(again, visible));
                }
                event::Fact::Returned(f) => f.events.iter().for_each(|again| set(again, 0)),
                _ => {}
            }
        }
        for fact in facts {
            if let Fact::Event(event::Fact::Dead(f)) = fact {
                let seq = f.seq.expect("it was taken");
                self.events.get_mut(&seq).expect("known").1 = Stands::Dead;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Whatever is published, taken, acknowledged, given back, put aside and replayed, in whatever
    /// order: the consumer is given exactly what its model says, when it says so.
    #[test]
    fn a_consumer_is_its_model(acts in acts()) {
        let mut bench = Bench::new();
        let spec = taker("email.*");
        let (room, visible) = (spec.in_flight as usize, spec.visible.0);
        subscribe(&mut bench, "mailer", spec);
        let (mut model, mut finder) = (Model::default(), Finder::default());
        for act in acts {
            match act {
                Act::Publish(wanted) => {
                    let topic = if wanted { "email.received" } else { "weather.data" };
                    let (event, _) = publish(&mut bench, topic, "1");
                    if wanted {
                        let seq = given_place(&bench, event);
                        model.events.insert(seq, (event, Stands::New));
                    }
                }
                Act::Pull(limit) => {
                    let expected = model.due(bench.now, limit as usize, room);
                    let (given, facts) = finder.pull(&mut bench, "mailer", limit);
                    let given: Vec<(Seq, u32)> = given.iter().map(|g| (g.0, g.2)).collect();
                    prop_assert_eq!(given, expected);
                    model.learn(&facts, bench.now, visible);
                }
                Act::Ack(nth) => {
                    let held = model.held();
                    let seq = held.get(nth).copied().unwrap_or(9_999);
                    let known = held.contains(&seq);
                    let done = acknowledge(&mut bench, "mailer", &[seq]);
                    prop_assert_eq!(done, u32::from(known));
                    if known {
                        model.events.get_mut(&seq).expect("known").1 = Stands::Done;
                    }
                }
                Act::Nack(nth, delay) => {
                    let held = model.held();
                    let Some(seq) = held.get(nth).copied() else { continue };
                    let (said, facts) = bench.command(command::Event::Return {
                        consumer: name("mailer"),
                        events: vec![seq],
                        delay: delay.map(Span),
                    });
                    prop_assert_eq!(said, Ok(Reply::Count(1)));
                    model.learn(&facts, bench.now, visible);
                }
                Act::Wait(ms) => {
                    let facts = bench.wait(Span(ms));
                    model.learn(&facts, bench.now, visible);
                    let now = bench.now;
                    let late = model.events.values().any(|(_, stands)| {
                        matches!(stands, Stands::Held { attempt: 3, at } if *at <= now)
                    });
                    prop_assert!(!late, "what ran out for the last time is put aside");
                }
                Act::Replay(nth) => {
                    let Some((seq, event)) = model.dead().get(nth).copied() else { continue };
                    let consumer = name("mailer");
                    let (said, _) = bench.command(command::Event::Replay { consumer, event });
                    prop_assert_eq!(said, Ok(Reply::Done));
                    let again = Stands::Held { attempt: 0, at: bench.now };
                    model.events.get_mut(&seq).expect("known").1 = again;
                }
                Act::Forget(nth) => {
                    let Some((seq, event)) = model.dead().get(nth).copied() else { continue };
                    let consumer = name("mailer");
                    let (said, _) = bench.command(command::Event::Drop { consumer, event });
                    prop_assert_eq!(said, Ok(Reply::Done));
                    model.events.get_mut(&seq).expect("known").1 = Stands::Gone;
                }
            }
        }
    }
}
