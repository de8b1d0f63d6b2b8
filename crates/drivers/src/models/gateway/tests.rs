//! Against a server that speaks as a gateway does, and is broken in all the ways it can be.

use std::time::Duration;

use naos_modelserver::gateway::{Gateway, Way};
use serde_json::json;

use super::super::error::Broken;
use super::super::tests::run;
use super::super::{Answer, Billed, Delta, Error, Failure, Format, Message, OutputSchema, Part};
use super::super::{Stop, Usage, ask, client};
use super::*;

const TOKEN: &str = "the-token-of-the-tests";
const KEY: &str = "ten_1-run_2-0";

/// A gateway, and who asks it.
struct World {
    gateway: Gateway,
    client: HttpClient,
    endpoint: Endpoint,
}

impl World {
    async fn new() -> Self {
        let gateway = Gateway::start(TOKEN).await.unwrap();
        let client = client(vec![gateway.port()]).unwrap();
        let address = gateway.url().replace("ws:", "http:");
        let mut endpoint = Endpoint::new(Format::OpenClaw, address).with_key(Secret::new(TOKEN));
        endpoint.device = Some(Device::new(&[7; DEVICE_BYTES]));
        endpoint.limits.idle = Duration::from_millis(400);
        endpoint.limits.total = Duration::from_secs(20);
        endpoint.limits.events_max = 1_000;
        Self {
            gateway,
            client,
            endpoint,
        }
    }

    async fn that(way: Way) -> Self {
        let world = Self::new().await;
        world.gateway.behaves(way);
        world
    }

    /// Asks, and is gone while the turn is under way.
    async fn crash(&self) {
        let request = question();
        tokio::select! {
            ended = self.ask(&request) => panic!("{ended:?}"),
            () = self.gateway.until(|gateway| gateway.turns().len() == 1) => {}
        }
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Error> {
        ask(&self.client, &self.endpoint, request, &mut |_| {}).await
    }
}

fn question() -> Request {
    Request {
        model: "main".into(),
        system: Some("You help an office.".into()),
        messages: vec![Message::user("Which bill is due?")],
        max_output_tokens: 1_000,
        idempotency_key: Some(KEY.into()),
        ..Request::default()
    }
}

fn again() -> Request {
    let again = true;
    Request {
        again,
        ..question()
    }
}

#[test]
fn a_gateway_does_a_turn_and_says_what_it_used() {
    run(async {
        let world = World::new().await;
        let mut heard = String::new();
        let mut each = |delta| match delta {
            Delta::Text(text) => heard.push_str(&text),
            other => panic!("{other:?}"),
        };
        let (client, endpoint) = (&world.client, &world.endpoint);
        let answer = ask(client, endpoint, &question(), &mut each).await.unwrap();
        assert_eq!(answer.text(), "Which bill is due?");
        assert_eq!(
            heard, "Which bill is due?",
            "its own pieces, and nobody else's"
        );
        assert_eq!(
            (answer.stop, answer.model.as_deref()),
            (Stop::End, Some("echo"))
        );
        let usage = Usage {
            input: 140,
            cached_input: 40,
            output: 7,
            ..Usage::default()
        };
        assert_eq!(answer.usage, Some(usage));
        assert_eq!(answer.provider_request_id.as_deref(), Some(KEY));
        let turns = world.gateway.turns();
        let [turn] = &turns[..] else {
            panic!("{turns:?}")
        };
        assert_eq!((turn.key.as_str(), turn.agent.as_str()), (KEY, "main"));
        assert_eq!(turn.system, "You help an office.");
        assert!(
            turn.session.starts_with("agent:main:naos-"),
            "{}",
            turn.session
        );
        assert!((15..=20).contains(&turn.timeout), "{}", turn.timeout);
        assert_eq!(world.gateway.devices().len(), 1);
    });
}

#[test]
fn an_older_gateway_answers_too() {
    run(async {
        let world = World::that(Way::Speaks(3)).await;
        let answer = world.ask(&question()).await.unwrap();
        assert_eq!(answer.text(), "Which bill is due?");
        assert!(answer.usage.is_some());
    });
}

#[test]
fn what_was_said_before_and_the_form_go_along() {
    let mut request = question();
    let said = Part::Text("I look into it.".into());
    request.messages.push(Message::assistant(vec![said]));
    request.output_schema = Some(OutputSchema {
        name: "answer".into(),
        schema: json!({"type": "object"}),
        strict: false,
    });
    let told = message(&request);
    assert_eq!(
        told,
        "Which bill is due?\n\nSaid before, by another model:\nI look into it.\n\nAnswer with JSON \
         alone, of this JSON schema:\n{\"type\":\"object\"}"
    );
}

#[test]
fn a_lost_connection_asks_for_no_second_turn() {
    run(async {
        let world = World::that(Way::Cuts).await;
        let answer = world.ask(&question()).await.unwrap();
        assert_eq!(answer.text(), "Which bill is due?");
        assert!(answer.usage.is_some(), "the history has its figures");
        assert_eq!(world.gateway.turns().len(), 1);
        assert_eq!(world.gateway.connections(), 2);
    });
}

/// The process ended while the turn was under way: nothing of it is left but the key.
#[test]
fn a_turn_from_before_a_crash_is_waited_for() {
    run(async {
        let world = World::that(Way::Holds).await;
        world.crash().await;
        let (request, asked) = (again(), world.gateway.connections());
        let goes_on = async {
            let gateway = &world.gateway;
            gateway.until(|gateway| gateway.connections() > asked).await;
            gateway.finish();
        };
        let (answer, ()) = tokio::join!(world.ask(&request), goes_on);
        assert_eq!(answer.unwrap().text(), "Which bill is due?");
        assert_eq!((world.gateway.turns().len(), world.gateway.asked()), (1, 1));
    });
}

/// A gateway that began anew knows no key: what it says of the session counts.
#[test]
fn a_gateway_that_began_anew_is_not_asked_anew() {
    run(async {
        let world = World::new().await;
        world.ask(&question()).await.unwrap();
        world.gateway.restarts(false);
        let answer = world.ask(&again()).await.unwrap();
        assert_eq!(answer.text(), "Which bill is due?");
        assert_eq!(answer.usage.unwrap().input, 140);
        assert_eq!((world.gateway.turns().len(), world.gateway.asked()), (1, 1));
    });
    // It takes up what it was at, under another key.
    run(async {
        let world = World::that(Way::Holds).await;
        world.crash().await;
        world.gateway.restarts(false);
        let (request, asked) = (again(), world.gateway.connections());
        let goes_on = async {
            let gateway = &world.gateway;
            gateway.until(|gateway| gateway.connections() > asked).await;
            gateway.finish();
        };
        let (answer, ()) = tokio::join!(world.ask(&request), goes_on);
        assert_eq!(answer.unwrap().text(), "Which bill is due?");
        assert_eq!((world.gateway.turns().len(), world.gateway.asked()), (1, 1));
    });
    // Nobody is at it any more, and there is no answer.
    run(async {
        let world = World::that(Way::Holds).await;
        world.crash().await;
        world.gateway.restarts(true);
        let error = world.ask(&again()).await.unwrap_err();
        assert_eq!((error.failure, error.billed), (said::lost(), Billed::Maybe));
        assert_eq!((world.gateway.turns().len(), world.gateway.asked()), (1, 1));
    });
}

#[test]
fn what_never_arrived_is_asked_once() {
    run(async {
        let world = World::new().await;
        let answer = world.ask(&again()).await.unwrap();
        assert_eq!(answer.text(), "Which bill is due?");
        assert_eq!(world.gateway.asked(), 1);
        let key = "the same gateway, asked for another turn".to_owned();
        let other = Request {
            idempotency_key: Some(key),
            ..question()
        };
        world.ask(&other).await.unwrap();
        let turns = world.gateway.turns();
        assert_eq!(turns.len(), 2);
        assert_ne!(
            turns[0].session, turns[1].session,
            "neither reads the other's"
        );
    });
}

#[test]
fn each_way_of_failing_has_one_sentence() {
    for (way, said, billed) in [
        (
            Way::Pairing,
            "openclaw devices approve req-17",
            Billed::Nothing,
        ),
        (
            Way::Speaks(5),
            "speaks protocol 5, naos speaks 3 and 4",
            Billed::Nothing,
        ),
        (Way::Starting, "gateway starting", Billed::Nothing),
        (Way::Unavailable, "draining", Billed::Nothing),
        (Way::Mute, "longer than 400 ms to go on", Billed::Nothing),
        (
            Way::Page,
            "no gateway of OpenClaw: status 200",
            Billed::Nothing,
        ),
        (Way::Error, "status 503, busy", Billed::Nothing),
        (Way::WrongAccept, "another WebSocket", Billed::Nothing),
        (Way::MuteLater, "the answer took longer than", Billed::Maybe),
        (Way::Half, "its JSON ends in the middle", Billed::Maybe),
        (Way::Odd, "neither an answer nor an event", Billed::Maybe),
        (Way::Bytes, "bytes where text is due", Billed::Maybe),
        (Way::Flood, "doesn't end within 1000 events", Billed::Maybe),
        (Way::Huge, "more than 8388608 bytes", Billed::Maybe),
        (Way::Fails, "Agent run failed", Billed::Maybe),
        (Way::Absurd, "-5 tokens", Billed::Maybe),
    ] {
        run(async {
            let mut world = World::that(way).await;
            world.endpoint.limits.total = Duration::from_millis(1_500);
            let error = world.ask(&question()).await.unwrap_err();
            let told = error.to_string();
            assert!(told.contains(said), "{way:?}: {told}");
            assert_eq!(error.billed, billed, "{way:?}: {told}");
            assert!(world.gateway.turns().len() <= 1, "{way:?}");
        });
    }
}

#[test]
fn figures_that_are_not_there_are_none() {
    run(async {
        let world = World::that(Way::NoFigures).await;
        let answer = world.ask(&question()).await.unwrap();
        assert_eq!(
            (answer.text(), answer.usage),
            ("Which bill is due?".into(), None)
        );
    });
}

#[test]
fn another_token_is_refused_and_never_shown() {
    run(async {
        let mut world = World::new().await;
        world.endpoint.key = Some(Secret::new("wrong-token-of-the-tests"));
        let error = world.ask(&question()).await.unwrap_err();
        let told = error.to_string();
        assert!(matches!(error.failure, Failure::Refused { .. }), "{told}");
        assert!(told.contains("gateway token mismatch"), "{told}");
        assert!(!told.contains("wrong-token"), "{told}");
        // A device that it can't check is none.
        world.endpoint.key = Some(Secret::new(TOKEN));
        world.endpoint.device = None;
        let error = world.ask(&question()).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Refused { .. }), "{error}");
        assert!(world.gateway.devices().is_empty());
    });
}

#[test]
fn a_turn_that_takes_too_long_is_stopped_there() {
    run(async {
        let mut world = World::that(Way::Holds).await;
        world.endpoint.limits.total = Duration::from_millis(700);
        let error = world.ask(&question()).await.unwrap_err();
        let (after, silent) = (world.endpoint.limits.total, false);
        assert_eq!(error.failure, Failure::Timeout { after, silent });
        assert_eq!(error.billed, Billed::Maybe);
        world
            .gateway
            .until(|gateway| gateway.aborted() == [KEY])
            .await;
        assert_eq!(
            world.gateway.turns()[0].timeout,
            1,
            "it is told how long it has"
        );
    });
}

#[test]
fn a_gateway_that_is_away_costs_nothing_unless_it_was_asked_before() {
    run(async {
        let mut world = World::new().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        world.client = client(vec![port]).unwrap();
        world.endpoint.base_url = format!("http://127.0.0.1:{port}");
        let error = world.ask(&question()).await.unwrap_err();
        assert!(
            matches!(error.failure, Failure::Unreachable { .. }),
            "{error}"
        );
        assert_eq!(error.billed, Billed::Nothing);
        world.endpoint.limits.total = Duration::from_millis(1_000);
        let error = world.ask(&again()).await.unwrap_err();
        assert!(
            matches!(error.failure, Failure::Unreachable { .. }),
            "{error}"
        );
        assert_eq!(
            error.billed,
            Billed::Maybe,
            "it may be at work all the same"
        );
        // A port that nobody named isn't reached at all.
        world.client = client(Vec::new()).unwrap();
        let error = world.ask(&question()).await.unwrap_err();
        assert!(
            matches!(error.failure, Failure::Forbidden { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("NAOS_ALLOW_LOOPBACK_PORTS"));
    });
}

#[test]
fn what_a_gateway_cannot_be_asked_is_not_asked() {
    run(async {
        let world = World::new().await;
        let long = "x".repeat(2 << 20);
        let mut nameless = question();
        nameless.idempotency_key = None;
        for (request, said) in [
            (nameless, "under a key only"),
            (
                Request {
                    messages: vec![Message::user(long)],
                    ..question()
                },
                "1048576 bytes",
            ),
            (
                Request {
                    messages: Vec::new(),
                    ..question()
                },
                "no message",
            ),
        ] {
            let error = world.ask(&request).await.unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!((error.billed, world.gateway.asked()), (Billed::Nothing, 0));
        }
    });
}

#[test]
fn histories_say_how_a_turn_stands() {
    let user = json!({"role": "user", "content": "x"});
    let says = |stop: &str, text: &str| {
        let content = json!([{"type": "text", "text": text}]);
        json!({"role": "assistant", "stopReason": stop, "content": content})
    };
    let idle = json!({"hasActiveRun": false});
    for (messages, pending, info, want) in [
        (json!([]), json!([]), idle.clone(), "nothing"),
        (
            json!([]),
            json!([{"state": "queued"}]),
            idle.clone(),
            "working",
        ),
        (
            json!([]),
            json!([{"state": "interrupted"}]),
            idle.clone(),
            "idle",
        ),
        (json!([user]), json!([]), idle.clone(), "idle"),
        (json!([user]), json!([]), json!({}), "working"),
        (
            json!([user]),
            json!([]),
            json!({"hasActiveRun": true}),
            "working",
        ),
        (
            json!([user, says("toolUse", "I look")]),
            json!([]),
            idle.clone(),
            "idle",
        ),
        (
            json!([user, says("error", "")]),
            json!([]),
            idle.clone(),
            "idle",
        ),
        (
            json!([user, says("stop", "done")]),
            json!([]),
            json!({"hasActiveRun": true}),
            "working",
        ),
        (
            json!([user, says("stop", "done")]),
            json!([]),
            idle.clone(),
            "answered",
        ),
        (
            json!([user, says("stop", "done")]),
            json!([]),
            json!({}),
            "answered",
        ),
        (
            json!([user, {"role": "assistant", "content": "done"}]),
            json!([]),
            idle,
            "answered",
        ),
    ] {
        let said = json!({
            "messages": messages, "pendingInputs": {"items": pending}, "sessionInfo": info,
        });
        let found = match said::found(&said).unwrap() {
            Found::Nothing => "nothing",
            Found::Working => "working",
            Found::Idle => "idle",
            Found::Answered(outcome) => {
                assert_eq!(outcome.text.as_deref(), Some("done"));
                "answered"
            }
        };
        assert_eq!(found, want, "{said}");
    }
    let absurd = json!({
        "messages": [{"role": "assistant", "content": "x", "usage": {"input": 1.5, "output": 1}}],
    });
    let found = said::found(&absurd);
    assert!(matches!(found, Err(Failure::Broken(Broken::Usage(_)))));
}
