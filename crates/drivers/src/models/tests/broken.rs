//! Providers that refuse, break off, lie and never end. Each has one outcome.

use super::*;

fn quick() -> Limits {
    Limits {
        idle: Duration::from_secs(10),
        total: Duration::from_secs(20),
        events_max: 500,
        body_bytes_max: 300_000,
        ..Limits::default()
    }
}

impl World {
    async fn fail(&self, format: Format, model: &str, stream: bool) -> Error {
        let mut endpoint = self.endpoint(format);
        endpoint.limits = quick();
        let request = question(format, model, stream);
        match ask(&self.client, &endpoint, &request, &mut |_| {}).await {
            Ok(answer) => panic!("{format:?} {model} stream: {stream}: {answer:?}"),
            Err(error) => error,
        }
    }
}

#[test]
fn refusals_say_what_to_do() {
    run(async {
        let world = World::new().await;
        let after = |seconds| Some(RetryAfter::In(Duration::from_secs(seconds)));
        for format in ALL {
            for stream in [false, true] {
                let case = |model: &str| format!("{format:?} {model} stream: {stream}");
                for model in ["401", "403"] {
                    let error = world.fail(format, model, stream).await;
                    let refused = matches!(error.failure, Failure::Refused { .. });
                    assert!(refused, "{}: {error:?}", case(model));
                    assert_eq!(error.billed, Billed::Nothing, "{}", case(model));
                }
                let error = world.fail(format, "404", stream).await;
                let bad = matches!(error.failure, Failure::BadRequest { .. });
                assert!(bad, "{}: {error:?}", case("404"));
                let error = world.fail(format, "429:7", stream).await;
                let Failure::RateLimited { retry_after, .. } = error.failure else {
                    panic!("{}: {error:?}", case("429"));
                };
                assert_eq!(retry_after, after(7), "{}", case("429"));
                assert_eq!(error.billed, Billed::Nothing, "{}", case("429"));
                let error = world.fail(format, "503:9", stream).await;
                let Failure::Overloaded { retry_after, .. } = error.failure else {
                    panic!("{}: {error:?}", case("503"));
                };
                assert_eq!(retry_after, after(9), "{}", case("503"));
                assert_eq!(error.billed, Billed::Nothing, "{}", case("503"));
                let error = world.fail(format, "500", stream).await;
                let failed = matches!(error.failure, Failure::Overloaded { .. });
                assert!(failed, "{}: {error:?}", case("500"));
                assert_eq!(error.billed, Billed::Nothing, "{}", case("500"));
                let policy = retry::Policy {
                    after_billed: false,
                    ..retry::Policy::default()
                };
                let again = retry::next(&error, 1, &policy, naos_types::Time(0), 0);
                assert!(again.is_some(), "{}: it is asked again", case("500"));
                let error = world.fail(format, "context", stream).await;
                let long = matches!(error.failure, Failure::ContextTooLong { .. });
                assert!(long, "{}: {error:?}", case("context"));
                let error = world.fail(format, "302", stream).await;
                let moved = matches!(error.failure, Failure::BadRequest { .. });
                assert!(moved, "{}: {error:?}", case("302"));
            }
        }
        for format in [Format::OpenAiChat, Format::OpenAiResponses] {
            let error = world.fail(format, "filter", false).await;
            assert!(
                matches!(error.failure, Failure::ContentFiltered { .. }),
                "{error:?}"
            );
            // A 429 that no waiting helps against.
            let error = world.fail(format, "quota", false).await;
            assert!(
                matches!(error.failure, Failure::Refused { .. }),
                "{error:?}"
            );
        }
    });
}

#[test]
fn a_provider_says_when_in_three_ways() {
    run(async {
        let world = World::new().await;
        let when = |error: Error| match error.failure {
            Failure::RateLimited { retry_after, .. } => retry_after,
            failure => panic!("{failure}"),
        };
        let none = when(world.fail(Format::Anthropic, "429", true).await);
        assert_eq!(none, None);
        let date = when(world.fail(Format::Anthropic, "429:date", true).await);
        assert!(matches!(date, Some(RetryAfter::At(_))), "{date:?}");
        let in_body = when(world.fail(Format::Gemini, "429", true).await);
        assert_eq!(in_body, Some(RetryAfter::In(Duration::from_secs(34))));
    });
}

#[test]
fn a_refusal_passes_and_the_call_goes_through() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let policy = retry::Policy::default();
            let mut attempts = 0;
            let answer = loop {
                attempts += 1;
                match world.say(format, "529x2", true).await {
                    Ok(answer) => break answer,
                    Err(error) => {
                        let now = naos_types::Time(0);
                        assert!(retry::next(&error, attempts, &policy, now, 0).is_some());
                    }
                }
            };
            // The server counts them for all of its providers.
            let want = if format == Format::OpenAiChat { 3 } else { 1 };
            assert_eq!(attempts, want, "{format:?}");
            assert_eq!(answer.text(), answer_text());
        }
    });
}

#[test]
fn what_is_no_answer_is_told_apart() {
    run(async {
        let world = World::new().await;
        let broken = |broken| Failure::Broken(broken);
        for format in ALL {
            for stream in [false, true] {
                for (model, want) in [
                    ("html", broken(Broken::Html)),
                    ("half", broken(Broken::HalfJson)),
                    ("cut", broken(Broken::Cut)),
                    (
                        "short",
                        broken(if stream {
                            Broken::Cut
                        } else {
                            Broken::HalfJson
                        }),
                    ),
                ] {
                    let error = world.fail(format, model, stream).await;
                    let case = format!("{format:?} {model} stream: {stream}");
                    assert_eq!(error.failure, want, "{case}");
                    assert_eq!(error.billed, Billed::Maybe, "{case}");
                }
            }
        }
    });
}

#[test]
fn what_never_ends_is_ended() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let error = world.fail(format, "endless", true).await;
            let endless = Failure::Broken(Broken::Endless { events_max: 500 });
            assert_eq!(error.failure, endless, "{format:?}");
            let error = world.fail(format, "endless", false).await;
            let (what, bytes_max) = (Large::Answer, 300_000);
            let large = Failure::TooLarge { what, bytes_max };
            assert_eq!(error.failure, large, "{format:?}");
        }
    });
}

#[test]
fn what_takes_too_long_is_given_up() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let mut endpoint = world.endpoint(format);
            endpoint.limits = quick();
            endpoint.limits.idle = Duration::from_millis(300);
            let total = async |model: &str, stream, total| {
                let mut request = question(format, model, stream);
                request.timeout = Some(Duration::from_millis(total));
                let error = ask(&world.client, &endpoint, &request, &mut |_| {}).await;
                error.unwrap_err()
            };
            let case = format!("{format:?}");
            let timeout = |ms, silent| {
                let after = Duration::from_millis(ms);
                Failure::Timeout { after, silent }
            };
            let error = total("stall", true, 20_000).await;
            assert_eq!(error.failure, timeout(300, true), "{case}");
            assert_eq!(error.billed, Billed::Maybe, "{case}");
            if format == Format::Anthropic {
                assert!(
                    error.usage.is_some_and(|usage| usage.input > 0),
                    "{error:?}"
                );
            }
            let error = total("silent", true, 120).await;
            assert_eq!(error.failure, timeout(120, false), "{case}");
            assert_eq!(error.billed, Billed::Maybe, "{case}");
            let error = total("stall", false, 130).await;
            assert_eq!(error.failure, timeout(130, false), "{case}");
            // Never silent for long, but too slow in all.
            let error = total("slow:40", true, 140).await;
            assert_eq!(error.failure, timeout(140, false), "{case}");
        }
    });
}

#[test]
fn slow_pieces_are_handed_on_as_they_come() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let mut heard = 0;
            let mut each = |delta| heard += usize::from(matches!(delta, Delta::Text(_)));
            let request = question(format, "slow:2", true);
            let endpoint = world.endpoint(format);
            let answer = ask(&world.client, &endpoint, &request, &mut each).await;
            assert_eq!(answer.unwrap().text(), answer_text(), "{format:?}");
            assert_eq!(heard, 8, "{format:?}");
        }
    });
}

#[test]
fn figures_that_cannot_be_are_no_figures() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            for stream in [false, true] {
                for wrong in ["negative", "text", "parts"] {
                    let model = format!("usage:{wrong}");
                    let error = world.fail(format, &model, stream).await;
                    let case = format!("{format:?} {model} stream: {stream}: {error:?}");
                    let usage = matches!(error.failure, Failure::Broken(Broken::Usage(_)));
                    assert!(usage, "{case}");
                    assert_eq!(error.billed, Billed::Maybe, "{case}");
                }
                // Too much is a bill like any other: whoever reckons sees that it is too high.
                let answer = world.say(format, "usage:absurd", stream).await.unwrap();
                let written = answer.usage.map(|usage| usage.output);
                assert_eq!(written, Some(TOKENS_MAX), "{format:?} stream: {stream}");
                // Neither is a request without tokens, nor a word that took none to write.
                for none in ["none", "zeros", "unwritten"] {
                    let model = format!("usage:{none}");
                    let answer = world.say(format, &model, stream).await.unwrap();
                    assert_eq!(answer.usage, None, "{format:?} {none} stream: {stream}");
                    assert_eq!(answer.text(), answer_text());
                }
            }
        }
    });
}

#[test]
fn calls_are_bounded_and_told_apart() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            for stream in [false, true] {
                let case = format!("{format:?} stream: {stream}");
                let mut endpoint = world.endpoint(format);
                endpoint.limits.arguments_bytes_max = 5_000;
                let request = question(format, "args:6000", stream);
                let error = ask(&world.client, &endpoint, &request, &mut |_| {}).await;
                let (what, bytes_max) = (Large::Arguments, 5_000);
                let large = Failure::TooLarge { what, bytes_max };
                assert_eq!(error.unwrap_err().failure, large, "{case}");
                let request = question(format, "args:4000", stream);
                let answer = ask(&world.client, &endpoint, &request, &mut |_| {}).await;
                let answer = answer.unwrap();
                let call = answer.tool_calls().next().unwrap();
                let text = call.arguments.object();
                assert_eq!(text["text"].as_str().unwrap().len(), 4_000, "{case}");

                let twins = world.fail(format, "twins", stream).await;
                assert!(
                    matches!(twins.failure, Failure::Broken(Broken::Shape(_))),
                    "{case}"
                );

                // A model's own mistake is an answer: it is told, and tries again.
                let answer = world.say(format, "args:broken", stream).await.unwrap();
                let call = answer.tool_calls().next().unwrap();
                let unreadable = matches!(call.arguments, Arguments::Unreadable(_));
                assert!(unreadable, "{case}: {call:?}");

                // A call that was cut off was never made.
                let answer = world.say(format, "args:cut", stream).await.unwrap();
                assert_eq!(answer.stop, Stop::Length, "{case}");
                assert_eq!(answer.tool_calls().count(), 0, "{case}");
                assert_eq!(answer.text(), "So:", "{case}");
            }
        }
    });
}

#[test]
fn a_complaint_in_the_middle_ends_the_answer() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let error = world.fail(format, "midway", true).await;
            let failed = matches!(error.failure, Failure::Overloaded { .. });
            assert!(failed, "{format:?}: {error:?}");
            assert_eq!(error.billed, Billed::Maybe, "{format:?}");
            let whole = world.say(format, "wholly", true).await.unwrap();
            assert_eq!(whole.text(), answer_text(), "{format:?}");
        }
    });
}

#[test]
fn a_key_is_never_told() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let mut endpoint = world.endpoint(format);
            let odd = Secret::new("another-secret");
            endpoint.headers.push(("x-route".into(), odd));
            let request = question(format, "leak", true);
            let error = ask(&world.client, &endpoint, &request, &mut |_| {}).await;
            let error = error.unwrap_err();
            let told = format!("{error} {error:?} {endpoint:?}");
            assert!(!told.contains(KEY), "{told}");
            assert!(!told.contains("another-secret"), "{told}");
            assert!(error.to_string().contains("[secret]"), "{error}");
            let sent = world.server.seen().pop().unwrap();
            assert_eq!(sent.header("x-route"), Some("another-secret"));
        }
    });
}

#[test]
fn a_key_that_cannot_be_sent_is_not_shown_either() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let mut endpoint = world.endpoint(format);
            endpoint.key = Some(Secret::new("two\nlines"));
            let request = question(format, "echo", true);
            let error = ask(&world.client, &endpoint, &request, &mut |_| {}).await;
            let error = error.unwrap_err();
            let forbidden = matches!(error.failure, Failure::Forbidden { .. });
            assert!(forbidden, "{format:?}: {error:?}");
            assert!(!format!("{error:?}").contains("lines"), "{error:?}");
        }
        assert_eq!(world.server.count(), 0);
    });
}

#[test]
fn nothing_is_sent_to_where_nothing_may_be_sent() {
    run(async {
        let world = World::new().await;
        let closed = client(Vec::new()).unwrap();
        let endpoint = world.endpoint(Format::Ollama);
        let request = question(Format::Ollama, "echo", true);
        let error = ask(&closed, &endpoint, &request, &mut |_| {})
            .await
            .unwrap_err();
        assert!(
            matches!(error.failure, Failure::Forbidden { .. }),
            "{error:?}"
        );
        assert_eq!(world.server.count(), 0);

        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let open = client(vec![port]).unwrap();
        let endpoint = Endpoint::new(Format::Ollama, format!("http://127.0.0.1:{port}"));
        let error = ask(&open, &endpoint, &request, &mut |_| {})
            .await
            .unwrap_err();
        assert!(
            matches!(error.failure, Failure::Unreachable { .. }),
            "{error:?}"
        );
        assert_eq!(error.billed, Billed::Nothing);
    });
}

#[test]
fn requests_that_cannot_be_are_not_sent() {
    run(async {
        let world = World::new().await;
        let good = || question(Format::OpenAiChat, "echo", false);
        let mut cases = Vec::new();
        for change in [
            |request: &mut Request| request.model.clear(),
            |request: &mut Request| request.model = "two words".into(),
            |request: &mut Request| request.messages.clear(),
            |request: &mut Request| request.messages[0].parts.clear(),
            |request: &mut Request| request.max_output_tokens = 0,
            |request: &mut Request| request.tools = vec![adder(); TOOLS_MAX + 1],
        ] {
            let mut request = good();
            change(&mut request);
            cases.push(request);
        }
        for request in cases {
            let error = world.ask(Format::OpenAiChat, &request).await.unwrap_err();
            assert!(
                matches!(error.failure, Failure::BadRequest { .. }),
                "{error:?}"
            );
        }
        // A name that would lead to another path.
        let mut request = good();
        for model in ["../../v1/files", "a/b", "a?b", "a:generateContent#"] {
            request.model = model.into();
            let error = world.ask(Format::Gemini, &request).await.unwrap_err();
            assert!(
                matches!(error.failure, Failure::BadRequest { .. }),
                "{model}: {error:?}"
            );
        }
        let mut request = good();
        request.stop = vec!["###".into()];
        let error = world
            .ask(Format::OpenAiResponses, &request)
            .await
            .unwrap_err();
        assert!(
            matches!(error.failure, Failure::BadRequest { .. }),
            "{error:?}"
        );
        let mut endpoint = world.endpoint(Format::OpenAiChat);
        endpoint.limits.request_bytes_max = 50;
        let error = ask(&world.client, &endpoint, &good(), &mut |_| {})
            .await
            .unwrap_err();
        let (what, bytes_max) = (Large::Request, 50);
        assert_eq!(error.failure, Failure::TooLarge { what, bytes_max });
        assert_eq!(world.server.count(), 0);
    });
}
