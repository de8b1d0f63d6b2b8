//! Drivers at an address outside, subscriptions that are delivered, and what signs for both.

use naos_kernel::event::ERROR_SAID_BYTES_MAX;
use naos_kernel::resource::{Breaker, ERROR_TOPIC, Resource};
use naos_kernel::{AnyAggregate, Key, ResourceKey, key_of};
use naos_types::command::{self, Reply};
use naos_types::effect::{Call, Caller, Driver, Effect};
use naos_types::fact::run::World;
use naos_types::fact::{Fact, event, resource, run};
use naos_types::input::{CallEnded, CallOutcome, Input};
use naos_types::spec::{
    Deliver, DeliveredSubscription, DriverKind, DriverLimits, DriverSpec, Endpoint, Enquiry, Kind,
    Paused, RemoteDriver, RetryPolicy, Spec, SubscriptionSpec, WebhookSpec,
};
use naos_types::{Actor, Code, Name, Refusal, RunId, RunStatus, Sealed, Span, SubjectId};

use crate::bench::{Bench, sealed};
use crate::script::{name, play_in};

const TIMEOUT: Span = Span::secs(600);

fn remote(called: &str, topic: &str) -> RemoteDriver {
    RemoteDriver {
        driver: DriverSpec {
            document: "{}".to_owned(),
            kind: DriverKind::Io,
            agent: RemoteDriver::runs_as(&name(called)).expect("it is short"),
            capabilities: vec![topic.to_owned()],
            enabled: true,
        },
        limits: DriverLimits::default(),
        endpoint: Endpoint {
            url: "https://crm.example.org/ask".to_owned(),
            timeout: TIMEOUT,
            retry: RetryPolicy {
                attempts_max: 3,
                wait: Span::secs(10),
                factor_tenths: 10,
                wait_max: Span::secs(10),
                ..RetryPolicy::default()
            },
            emits: vec!["crm.*".to_owned()],
        },
    }
}

fn apply(bench: &mut Bench, kind: Kind, called: &str, spec: Spec) -> Result<Reply, Refusal> {
    let name = name(called);
    bench
        .command(command::Resource::Apply { kind, name, spec })
        .0
}

/// A cell with a driver outside that was asked once.
pub fn asked() -> (Bench, RunId) {
    let mut bench = Bench::new();
    let spec = Spec::Remote(Box::new(remote("crm", "customer.find")));
    apply(&mut bench, Kind::Driver, "crm", spec).expect("it is sound");
    play_in(&mut bench, "publish customer.find");
    let run = run_of(&call(&bench));
    (bench, run)
}

fn calls(bench: &Bench) -> Vec<Call> {
    let open = bench.open();
    let calls = open.into_iter().filter_map(|effect| match effect {
        Effect::Call(call) => Some(call),
        _ => None,
    });
    calls.collect()
}

/// The one call that is under way.
#[track_caller]
pub fn call(bench: &Bench) -> Call {
    match calls(bench).as_slice() {
        [call] => call.clone(),
        other => panic!("{other:?}"),
    }
}

fn run_of(call: &Call) -> RunId {
    match call.by {
        Caller::Run(run, 0) => run,
        other => panic!("{other:?}"),
    }
}

pub fn comes_back(bench: &mut Bench, call: &Call, outcome: CallOutcome) -> Vec<&'static str> {
    let (by, attempt) = (call.by, call.attempt);
    let (said, facts) = bench.external(Input::CallEnded(CallEnded {
        by,
        attempt,
        outcome,
    }));
    said.expect("what returns is never refused");
    facts.iter().map(Fact::kind).collect()
}

fn answers(
    bench: &mut Bench,
    driver: &str,
    run: RunId,
    said: Result<&str, &str>,
    events: &[&str],
) -> Result<Reply, Refusal> {
    let data = bench.body(b"{}");
    let answer = match said {
        Ok(text) => Ok(bench.body(text.as_bytes())),
        Err(why) => Err(sealed(why)),
    };
    let events = events.iter().map(|topic| ((*topic).to_owned(), data));
    let events = events.collect();
    let name = name(driver);
    let command = command::Resource::DriverAnswers {
        name,
        run,
        answer,
        events,
    };
    bench.command_by(Actor::System, command).0
}

fn found(bench: &Bench, run: RunId) -> std::sync::Arc<naos_kernel::run::Run> {
    match bench.state.get(&Key::Run(run)) {
        Some(AnyAggregate::Run(run)) => run,
        other => panic!("{other:?}"),
    }
}

fn driver(bench: &Bench) -> std::sync::Arc<naos_kernel::resource::Driver> {
    match bench.state.get(&Key::Driver(name("crm"))) {
        Some(AnyAggregate::Driver(driver)) => driver,
        other => panic!("{other:?}"),
    }
}

fn code(said: Result<Reply, Refusal>) -> Code {
    said.expect_err("it is refused").code
}

#[test]
fn an_event_is_one_call_and_what_comes_back_is_the_answer() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    assert_eq!(
        (wish.driver, wish.world, wish.attempt, wish.who.as_str()),
        (Driver::Endpoint, World::Keyed, 1, "driver-crm")
    );
    let enquiry: Enquiry = postcard::from_bytes(&bench.bodies[&wish.request]).expect("an enquiry");
    assert_eq!(enquiry.url, "https://crm.example.org/ask");
    let event: serde_json::Value =
        serde_json::from_str(&bench.text(&enquiry.event)).expect("it is JSON");
    assert_eq!(
        (&event["specversion"], &event["type"], &event["data"]),
        (
            &serde_json::json!("1.0"),
            &serde_json::json!("customer.find"),
            &serde_json::json!({})
        ),
        "{event}"
    );
    assert!(event["id"].is_string() && event["source"].is_string());
    assert_eq!(driver(&bench).open.len(), 1);
    let body = bench.body(b"{\"name\": \"Ada\"}");
    let facts = comes_back(&mut bench, &wish, CallOutcome::Answered(body));
    assert_eq!(
        facts,
        [
            "run.answered",
            "run.completed",
            "task.closed",
            "resource.driver_done"
        ]
    );
    assert_eq!(found(&bench, run).output, Some(body));
    assert_eq!((driver(&bench).answered, driver(&bench).open.len()), (1, 0));
    // The same once more changes nothing.
    assert_eq!(
        comes_back(&mut bench, &wish, CallOutcome::Answered(body)),
        [""; 0]
    );
}

#[test]
fn it_is_asked_again_under_the_same_key() {
    let (mut bench, run) = asked();
    let first = call(&bench);
    let busy = CallOutcome::Busy(sealed("answered 503"), Span::secs(60));
    assert_eq!(comes_back(&mut bench, &first, busy), ["run.failed"]);
    assert_eq!(calls(&bench), [], "the pause isn't over");
    // The receiver wants to be left alone for longer than the policy says.
    assert_eq!(bench.wait(Span::secs(59)), []);
    bench.wait(Span::secs(1));
    let second = call(&bench);
    assert_eq!(second.attempt, 2);
    assert_eq!(
        key_of(&second),
        key_of(&first),
        "another key is another event"
    );
    // What comes late of the first says nothing about the second, unless it is an answer.
    assert_eq!(
        comes_back(&mut bench, &first, CallOutcome::Lost(None)),
        [""; 0]
    );
    comes_back(&mut bench, &second, CallOutcome::Lost(None));
    assert_eq!(
        comes_back(&mut bench, &second, CallOutcome::Lost(None)),
        [""; 0],
        "it failed before"
    );
    bench.wait(Span::secs(13));
    let third = call(&bench);
    let unsent = CallOutcome::NotSent(sealed("no connection"));
    let facts = comes_back(&mut bench, &third, unsent);
    assert_eq!(facts[0], "run.failed");
    assert_eq!(found(&bench, run).status, RunStatus::Failed);
    assert_eq!((driver(&bench).failed, calls(&bench).len()), (1, 0));
    let told = bench.facts.iter().any(|(_, fact)| {
        matches!(fact, Fact::Event(event::Fact::Published(f)) if f.topic == ERROR_TOPIC)
    });
    assert!(told, "a failure is an event");
}

/// The events that tell of failures.
fn told(bench: &Bench) -> Vec<serde_json::Value> {
    let all = bench.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Event(event::Fact::Published(f)) if f.topic == ERROR_TOPIC => Some(f.data),
        _ => None,
    });
    let all = all.map(|data| serde_json::from_str(&bench.text(&data)).expect("it is JSON"));
    all.collect()
}

#[test]
fn a_failure_is_told_in_the_words_of_the_endpoint() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    let no = "answered 422: \"no\" such field";
    comes_back(&mut bench, &wish, CallOutcome::Unfit(sealed(no)));
    let all = told(&bench);
    assert_eq!(all.len(), 1, "{all:?}");
    let said = serde_json::json!({"by": "endpoint", "text": no});
    assert_eq!(all[0]["said"], said, "{all:?}");
    assert_eq!(all[0]["run"], run.to_string());
    assert_eq!(all[0]["code"], "N0233");
    // What naos itself says of it has nothing of a stranger's in it.
    assert_eq!(all[0]["error"], "its endpoint has no use for this event");
}

#[test]
fn a_failure_is_told_in_no_more_words_than_fit() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    comes_back(&mut bench, &wish, CallOutcome::Later);
    let long = "é".repeat(ERROR_SAID_BYTES_MAX);
    answers(&mut bench, "crm", run, Err(&format!("x{long}")), &[]).expect("it is waited for");
    let all = told(&bench);
    let text = all[0]["said"]["text"].as_str().expect("a text");
    let kept = text.strip_suffix('…').expect("it says that there is more");
    assert_eq!(kept.len(), ERROR_SAID_BYTES_MAX - 1, "no letter is cut");
    assert!(format!("x{long}").starts_with(kept));
}

#[test]
fn what_a_persons_key_seals_is_copied_nowhere() {
    let nothing = serde_json::json!({"by": null, "text": ""});
    let of_a_person = Sealed::from_parts(SubjectId(7), [0; 12], b"call 034 00 000 07".to_vec());
    let (mut bench, _) = asked();
    let wish = call(&bench);
    comes_back(&mut bench, &wish, CallOutcome::Refused(of_a_person));
    assert_eq!(told(&bench)[0]["said"], nothing);
    // Who said nothing is not quoted.
    let (mut bench, _) = asked();
    for _ in 0..3 {
        let wish = call(&bench);
        comes_back(&mut bench, &wish, CallOutcome::Lost(None));
        bench.wait(Span::secs(30));
    }
    assert_eq!(told(&bench)[0]["said"], nothing);
}

#[test]
fn an_answer_counts_whichever_attempt_it_is_of() {
    let (mut bench, run) = asked();
    let first = call(&bench);
    comes_back(&mut bench, &first, CallOutcome::Lost(None));
    let body = bench.body(b"after all");
    comes_back(&mut bench, &first, CallOutcome::Answered(body));
    assert_eq!(found(&bench, run).status, RunStatus::Completed);
    assert_eq!(
        bench.wait(Span::secs(3_600)),
        [],
        "nothing is tried any more"
    );
}

#[test]
fn a_refusal_is_final() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    comes_back(
        &mut bench,
        &wish,
        CallOutcome::Refused(sealed("answered 404")),
    );
    let run = found(&bench, run);
    assert_eq!(run.status, RunStatus::Failed);
    let problem = run.problem.as_ref().expect("it says why");
    assert_eq!(problem.code, Code::ENDPOINT_FAILED);
}

#[test]
fn what_one_publishes_lets_a_driver_rest_for_nobody() {
    let (mut bench, first) = asked();
    let most = DriverLimits::default().failures_max;
    let mut run = first;
    for _ in 0..=most {
        let wish = call(&bench);
        run = run_of(&wish);
        comes_back(
            &mut bench,
            &wish,
            CallOutcome::Unfit(sealed("answered 422")),
        );
        assert_eq!(driver(&bench).breaker(bench.now), Breaker::Closed);
        play_in(&mut bench, "publish customer.find");
    }
    let failed = found(&bench, run);
    let problem = failed.problem.as_ref().expect("it says why");
    assert_eq!(problem.code, Code::EVENT_UNFIT);
    assert_eq!(driver(&bench).failed, u64::from(most) + 1);

    // Whatever else goes wrong lets it rest; that it has an opinion on an event ends the rest.
    for _ in 1..most {
        let wish = call(&bench);
        comes_back(
            &mut bench,
            &wish,
            CallOutcome::Refused(sealed("answered 404")),
        );
        play_in(&mut bench, "publish customer.find");
    }
    let wish = call(&bench);
    comes_back(
        &mut bench,
        &wish,
        CallOutcome::Refused(sealed("answered 404")),
    );
    assert_eq!(driver(&bench).breaker(bench.now), Breaker::Open);
    play_in(&mut bench, "publish customer.find");
    assert_eq!(calls(&bench), [], "it rests");
    bench.wait(Span::secs(600));
    let wish = call(&bench);
    comes_back(
        &mut bench,
        &wish,
        CallOutcome::Unfit(sealed("answered 422")),
    );
    assert_eq!(driver(&bench).breaker(bench.now), Breaker::Closed);
}

#[test]
fn it_may_answer_later_once() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    assert_eq!(
        comes_back(&mut bench, &wish, CallOutcome::Later),
        ["run.answered"]
    );
    assert_eq!(calls(&bench), [], "nothing is under way meanwhile");
    assert_eq!(found(&bench, run).status, RunStatus::Running);
    let stranger = answers(&mut bench, "crm", RunId(7), Ok("x"), &[]);
    assert_eq!(code(stranger), Code::ANSWER_UNASKED);
    let other = answers(&mut bench, "other", run, Ok("x"), &[]);
    assert_eq!(code(other), Code::ANSWER_UNASKED);
    let said = answers(&mut bench, "crm", run, Ok("{\"name\": \"Ada\"}"), &[]);
    assert_eq!(said, Ok(Reply::Done));
    let output = found(&bench, run).output.expect("an answer");
    assert_eq!(bench.text(&output), "{\"name\": \"Ada\"}");
    let again = answers(&mut bench, "crm", run, Ok("something else"), &[]);
    assert_eq!(code(again), Code::ANSWER_UNASKED);
}

#[test]
fn it_may_say_later_that_it_cannot() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    comes_back(&mut bench, &wish, CallOutcome::Later);
    answers(&mut bench, "crm", run, Err("no such customer"), &[]).expect("it is waited for");
    let run = found(&bench, run);
    assert_eq!(run.status, RunStatus::Failed, "and isn't asked again");
    assert_eq!(
        run.problem.as_ref().map(|problem| problem.code),
        Some(Code::AGENT_ERROR)
    );
}

#[test]
fn it_may_answer_faster_than_it_says_so() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    answers(&mut bench, "crm", run, Ok("quick"), &[]).expect("it is waited for");
    assert_eq!(comes_back(&mut bench, &wish, CallOutcome::Later), [""; 0]);
    assert_eq!(found(&bench, run).status, RunStatus::Completed);
}

#[test]
fn who_says_nothing_later_is_waited_for_no_longer_than_it_may_take() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    comes_back(&mut bench, &wish, CallOutcome::Later);
    assert_eq!(bench.wait(Span(TIMEOUT.0 - 1)), []);
    bench.wait(Span(1));
    let ended = found(&bench, run);
    assert_eq!(ended.status, RunStatus::Failed);
    assert_eq!(
        ended.problem.as_ref().map(|problem| problem.code),
        Some(Code::TIMED_OUT)
    );
    let late = answers(&mut bench, "crm", run, Ok("too late"), &[]);
    assert_eq!(code(late), Code::ANSWER_UNASKED);
}

#[test]
fn it_publishes_what_it_may() {
    let (mut bench, run) = asked();
    let more = answers(&mut bench, "crm", run, Ok("x"), &["crm.seen", "mail.send"]);
    assert_eq!(code(more), Code::NOT_GRANTED);
    assert_eq!(
        found(&bench, run).status,
        RunStatus::Running,
        "nothing is half done"
    );
    answers(&mut bench, "crm", run, Ok("x"), &["crm.seen"]).expect("it may");
    let said: Vec<_> = bench
        .facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Event(event::Fact::Published(f)) if f.topic == "crm.seen" => Some(f),
            _ => None,
        })
        .collect();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].origin.hops, 1);
    assert_eq!(said[0].origin.causation, Some(run.to_string()));
}

#[test]
fn who_is_cancelled_is_not_answered() {
    let (mut bench, run) = asked();
    let (said, _) = bench.command(command::Run::Cancel { run });
    said.expect("it is open");
    assert_eq!(calls(&bench), []);
    let late = answers(&mut bench, "crm", run, Ok("x"), &[]);
    assert_eq!(code(late), Code::ANSWER_UNASKED);
    assert_eq!(driver(&bench).failed, 0);
}

#[test]
fn a_driver_that_is_gone_is_not_asked_again() {
    let (mut bench, run) = asked();
    let wish = call(&bench);
    comes_back(&mut bench, &wish, CallOutcome::Lost(None));
    let (said, _) = bench.command(command::Resource::Delete {
        kind: Kind::Driver,
        name: name("crm"),
    });
    said.expect("no event waits for it");
    bench.wait(Span::secs(60));
    assert_eq!(found(&bench, run).status, RunStatus::Failed);
    assert_eq!(calls(&bench), []);
}

#[test]
fn drivers_that_are_none_are_refused() {
    type Change = fn(&mut RemoteDriver);
    let changes: [Change; 6] = [
        |remote| remote.endpoint.url = "http://crm.example.org/".into(),
        |remote| remote.endpoint.url = "crm".into(),
        |remote| remote.endpoint.timeout = Span(0),
        |remote| remote.endpoint.retry.attempts_max = 0,
        |remote| remote.endpoint.retry.attempts_max = 1_000,
        |remote| remote.endpoint.emits = vec!["a b".into()],
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut spec = remote("crm", "customer.find");
        change(&mut spec);
        let mut bench = Bench::new();
        let said = apply(
            &mut bench,
            Kind::Driver,
            "crm",
            Spec::Remote(Box::new(spec)),
        );
        assert_eq!(code(said), Code::BAD_DOCUMENT, "change {at}");
    }
}

#[test]
fn no_agent_has_the_name_of_its_runs() {
    let mut bench = Bench::new();
    play_in(&mut bench, "agent driver-crm 0c");
    let spec = Spec::Remote(Box::new(remote("crm", "customer.find")));
    let said = apply(&mut bench, Kind::Driver, "crm", spec);
    assert_eq!(code(said), Code::EXISTS);
}

fn delivered(url: &str) -> Spec {
    Spec::Delivered(Box::new(DeliveredSubscription {
        subscription: SubscriptionSpec {
            visible: Span::secs(60),
            ..crate::events::taker("order.*")
        },
        deliver: Deliver {
            url: url.to_owned(),
            at_once: 1,
            paused: None,
        },
    }))
}

fn paused(bench: &Bench) -> Option<Paused> {
    let key = Key::Resource(ResourceKey(Kind::Subscription, name("shop")));
    match bench.state.get(&key) {
        Some(AnyAggregate::Resource(found)) => found.spec.deliver().expect("it is").paused,
        other => panic!("{other:?}"),
    }
}

fn resource_of(bench: &Bench, kind: Kind, called: &str) -> Option<std::sync::Arc<Resource>> {
    match bench
        .state
        .get(&Key::Resource(ResourceKey(kind, name(called))))
    {
        Some(AnyAggregate::Resource(found)) => Some(found),
        _ => None,
    }
}

fn pull(consumer: Name) -> command::Event {
    command::Event::Pull {
        consumer,
        done: Vec::new(),
        limit: 1,
        from: 0,
        filter: naos_types::spec::EventFilter::default(),
        found: Vec::new(),
        upto: 0,
    }
}

#[test]
fn what_is_delivered_is_taken_by_nobody_else() {
    let mut bench = Bench::new();
    let spec = delivered("https://shop.example.org/");
    apply(&mut bench, Kind::Subscription, "shop", spec).expect("it is sound");
    let by_hand = bench.command(pull(name("shop"))).0;
    assert_eq!(code(by_hand), Code::WRONG_STATE);
    let (own, _) = bench.command_by(Actor::System, pull(name("shop")));
    assert!(own.is_ok(), "{own:?}");
    let other = crate::events::taker("order.*");
    crate::events::subscribe(&mut bench, "other", other);
    assert!(bench.command(pull(name("other"))).0.is_ok());
}

#[test]
fn a_receiver_that_is_gone_pauses_its_subscription() {
    let mut bench = Bench::new();
    let shop = "https://shop.example.org/";
    apply(&mut bench, Kind::Subscription, "shop", delivered(shop)).expect("it is sound");
    let gone = || command::Event::Gone {
        consumer: name("shop"),
    };
    let (said, facts) = bench.command_by(Actor::System, gone());
    assert_eq!(said, Ok(Reply::Version(2)));
    assert_eq!(paused(&bench), Some(Paused::Gone));
    let applied = matches!(&facts[..], [Fact::Resource(resource::Fact::Applied(_))]);
    assert!(applied, "{facts:?}");
    assert_eq!(
        bench.command_by(Actor::System, gone()).0,
        Ok(Reply::Unchanged)
    );
    let enable = |on| command::Resource::Enable {
        kind: Kind::Subscription,
        name: name("shop"),
        on,
    };
    bench.command(enable(true)).0.expect("it is there");
    assert_eq!(paused(&bench), None);
    bench.command(enable(false)).0.expect("it is there");
    assert_eq!(paused(&bench), Some(Paused::ByHand));
    // What is applied anew is delivered anew.
    apply(&mut bench, Kind::Subscription, "shop", delivered(shop)).expect("it is sound");
    assert_eq!(paused(&bench), None);
    let none = command::Event::Gone {
        consumer: name("nobody"),
    };
    assert_eq!(
        code(bench.command_by(Actor::System, none).0),
        Code::NOT_FOUND
    );
}

#[test]
fn subscriptions_that_cannot_be_delivered_are_refused() {
    type Change = fn(&mut DeliveredSubscription);
    let changes: [Change; 5] = [
        |spec| spec.deliver.url = "http://shop.example.org/".into(),
        |spec| spec.deliver.at_once = 0,
        |spec| spec.deliver.at_once = 1_000,
        |spec| spec.subscription.visible = Span::secs(10),
        |spec| spec.subscription = crate::events::starts("order.*", "a-plan"),
    ];
    for (at, change) in changes.iter().enumerate() {
        let Spec::Delivered(mut spec) = delivered("https://shop.example.org/") else {
            panic!("it is delivered");
        };
        change(&mut spec);
        let mut bench = Bench::new();
        let said = apply(
            &mut bench,
            Kind::Subscription,
            "shop",
            Spec::Delivered(spec),
        );
        assert_eq!(code(said), Code::BAD_DOCUMENT, "change {at}");
    }
}

#[test]
fn a_secret_goes_with_what_it_signs_for() {
    let mut bench = Bench::new();
    let secret = || {
        Spec::Webhook(WebhookSpec {
            secret: sealed("whsec_c2VjcmV0"),
        })
    };
    for nobody in ["driver-crm", "shop"] {
        let said = apply(&mut bench, Kind::Secret, nobody, secret());
        assert_eq!(code(said), Code::NOT_FOUND, "{nobody}");
    }
    let outside = || Spec::Remote(Box::new(remote("crm", "customer.find")));
    apply(&mut bench, Kind::Driver, "crm", outside()).expect("it is sound");
    apply(&mut bench, Kind::Secret, "driver-crm", secret()).expect("it goes outside");
    // Out of force it keeps its secret.
    for on in [false, true] {
        let (said, _) = bench.command(command::Resource::Enable {
            kind: Kind::Driver,
            name: name("crm"),
            on,
        });
        said.expect("it is there");
        assert!(resource_of(&bench, Kind::Secret, "driver-crm").is_some());
    }
    let inside = DriverSpec {
        agent: name("somebody"),
        ..remote("crm", "customer.find").driver
    };
    let inside = Spec::Driver(Box::new(inside));
    apply(&mut bench, Kind::Driver, "crm", inside).expect("it waits for its agent");
    assert!(resource_of(&bench, Kind::Secret, "driver-crm").is_none());
    let spec = delivered("https://shop.example.org/");
    apply(&mut bench, Kind::Subscription, "shop", spec).expect("it is sound");
    apply(&mut bench, Kind::Secret, "shop", secret()).expect("it goes outside");
    let (said, _) = bench.command(command::Resource::Delete {
        kind: Kind::Subscription,
        name: name("shop"),
    });
    said.expect("it is there");
    assert!(resource_of(&bench, Kind::Secret, "shop").is_none());
}

#[test]
fn tries_stand_in_the_journal_and_cost_nothing() {
    let (mut bench, run) = asked();
    for _ in 0..3 {
        let wish = call(&bench);
        comes_back(&mut bench, &wish, CallOutcome::Lost(None));
        bench.wait(Span::secs(30));
    }
    let facts = bench.facts.iter();
    let tries = facts.filter(
        |(_, fact)| matches!(fact, Fact::Run(run::Fact::Called(f)) if f.run == run && f.index == 0),
    );
    assert_eq!(tries.count(), 3);
    let money = bench
        .facts
        .iter()
        .any(|(_, fact)| matches!(fact, Fact::Budget(_)));
    assert!(!money, "nobody pays for it");
}

#[test]
fn only_what_is_delivered_is_paused() {
    let mut bench = Bench::new();
    crate::events::subscribe(&mut bench, "pulls", crate::events::taker("order.*"));
    crate::events::subscribe(&mut bench, "begins", crate::events::starts("order.*", "p"));
    let crm = Spec::Remote(Box::new(remote("crm", "customer.find")));
    apply(&mut bench, Kind::Driver, "crm", crm).expect("it is sound");
    for (who, why, then) in [
        (
            "pulls",
            "whoever pulls them sets the pace",
            "naos events unsubscribe pulls",
        ),
        (
            "begins",
            "they set something off",
            "naos events unsubscribe begins",
        ),
        (
            "driver-crm",
            "driver crm answers them",
            "naos driver disable crm",
        ),
    ] {
        for on in [false, true] {
            let (said, facts) = bench.command(command::Resource::Enable {
                kind: Kind::Subscription,
                name: name(who),
                on,
            });
            let refusal = said.expect_err("nothing is delivered");
            assert_eq!(refusal.code, Code::WRONG_STATE, "{refusal:?}");
            assert!(refusal.what.ends_with(why), "{refusal:?}");
            assert!(refusal.help.contains(then), "{refusal:?}");
            assert!(facts.is_empty(), "{facts:?}");
        }
    }
}
