//! Against a local server that speaks as the providers do, and against bytes of no meaning.

mod broken;
mod fixtures;
mod garbage;
mod words;

use std::sync::{Arc, Mutex};

use naos_modelserver::{Options, Server, Step};
use serde_json::json;

use super::*;

const KEY: &str = "sk-the-key-of-the-tests";
const ALL: [Format; 6] = [
    Format::OpenAiChat,
    Format::OpenAiCompatible,
    Format::OpenAiResponses,
    Format::Anthropic,
    Format::Gemini,
    Format::Ollama,
];

/// A server, and who asks it.
struct World {
    server: Server,
    client: HttpClient,
}

impl World {
    async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    async fn with(script: Vec<Step>) -> Self {
        let options = Options {
            key: None,
            script,
            remembers: true,
            ..Options::default()
        };
        let server = Server::start(options).await.unwrap();
        let client = client(vec![server.port()]).unwrap();
        Self { server, client }
    }

    fn endpoint(&self, format: Format) -> Endpoint {
        let path = match format {
            Format::Gemini => "/v1beta",
            Format::Ollama => "",
            _ => "/v1",
        };
        Endpoint::new(format, self.server.url(path)).with_key(Secret::new(KEY))
    }

    async fn ask(&self, format: Format, request: &Request) -> Result<Answer, Error> {
        ask(&self.client, &self.endpoint(format), request, &mut |_| {}).await
    }

    /// A question to a model that behaves as its name says.
    async fn say(&self, format: Format, model: &str, stream: bool) -> Result<Answer, Error> {
        let request = question(format, model, stream);
        self.ask(format, &request).await
    }
}

fn question(format: Format, model: &str, stream: bool) -> Request {
    Request {
        model: named(format, model),
        messages: vec![Message::user("the quick brown fox jumps over the dog")],
        max_output_tokens: 1_000,
        stream,
        ..Request::default()
    }
}

/// Google's models have neither a colon nor a comma in their names.
fn named(format: Format, model: &str) -> String {
    match format {
        Format::Gemini => model.replace(':', "--").replace(',', "@"),
        _ => model.to_owned(),
    }
}

pub(super) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // Whatever hangs is a failure.
    let limit = Duration::from_secs(60);
    runtime.block_on(async { tokio::time::timeout(limit, test).await.unwrap() });
}

fn adder() -> Tool {
    Tool {
        name: "add".into(),
        description: "Adds two numbers.".into(),
        schema: json!({
            "type": "object", "properties": { "text": { "type": "string" } },
            "required": ["text"],
        }),
    }
}

#[test]
fn all_formats_answer_whole_and_in_pieces() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            for stream in [false, true] {
                let heard = Arc::new(Mutex::new(Vec::new()));
                let pieces = Arc::clone(&heard);
                let mut each = move |delta| pieces.lock().unwrap().push(delta);
                let request = question(format, "echo", stream);
                let endpoint = world.endpoint(format);
                let answer = ask(&world.client, &endpoint, &request, &mut each)
                    .await
                    .unwrap();
                let case = format!("{format:?}, stream: {stream}");
                assert_eq!(
                    answer.text(),
                    "the quick brown fox jumps over the dog",
                    "{case}"
                );
                assert_eq!(answer.stop, Stop::End, "{case}");
                assert_eq!(answer.model.as_deref(), Some("echo"), "{case}");
                let usage = answer.usage.unwrap();
                assert!(usage.input > 10, "{case}: {usage:?}");
                assert_eq!((usage.output, usage.reasoning), (8, 0), "{case}");
                let id = answer.provider_request_id;
                assert_eq!(id.is_some(), format != Format::Ollama, "{case}");

                let heard = heard.lock().unwrap();
                let words: Vec<&str> = heard
                    .iter()
                    .filter_map(|delta| match delta {
                        Delta::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                assert_eq!(words.concat(), answer_text(), "{case}");
                assert_eq!(words.len() > 1, stream, "{case}");
                let told = heard.contains(&Delta::Usage(usage));
                assert!(told, "{case}");
            }
        }
    });
}

fn answer_text() -> &'static str {
    "the quick brown fox jumps over the dog"
}

/// The server refuses a second turn that doesn't bring back what the provider wants back: ids,
/// thoughts, signatures.
#[test]
fn a_tool_is_called_and_its_result_understood() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            for stream in [false, true] {
                let case = format!("{format:?}, stream: {stream}");
                let mut request = question(format, "tools:add,add", stream);
                request.tools = vec![adder()];
                let answer = world.ask(format, &request).await.unwrap();
                assert_eq!(answer.stop, Stop::ToolUse, "{case}");
                let calls: Vec<ToolCall> = answer.tool_calls().cloned().collect();
                let ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
                assert_eq!(ids, ["call_0000", "call_0001"], "{case}");
                assert_eq!(calls[1].name, "add", "{case}");
                let given = json!({ "text": answer_text() });
                assert_eq!(calls[1].arguments.object(), given, "{case}");

                request.messages.push(Message::assistant(answer.parts));
                let results = calls.iter().enumerate().map(|(at, call)| {
                    Part::ToolResult(ToolResult {
                        id: call.id.clone(),
                        name: call.name.clone(),
                        text: format!("result {at}"),
                        is_error: false,
                    })
                });
                request
                    .messages
                    .push(Message::new(Role::User, results.collect()));
                let answer = world.ask(format, &request).await;
                let answer = answer.unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(answer.text(), "result 0 result 1", "{case}");
                assert_eq!(answer.stop, Stop::End, "{case}");
            }
        }
    });
}

/// A model takes over from one of another provider, in the middle of its tools.
#[test]
fn a_conversation_moves_to_another_provider() {
    run(async {
        let world = World::new().await;
        for from in ALL {
            let mut request = question(from, "tools:add", true);
            request.tools = vec![adder()];
            let answer = world.ask(from, &request).await.unwrap();
            let call = answer.tool_calls().next().unwrap().clone();
            request.messages.push(Message::assistant(answer.parts));
            let result = ToolResult {
                id: call.id,
                name: call.name,
                text: "4".into(),
                is_error: true,
            };
            let result = Part::ToolResult(result);
            request
                .messages
                .push(Message::new(Role::User, vec![result]));
            for to in ALL {
                request.model = match to {
                    // Google's server takes a call without its signature only from other models.
                    Format::Gemini => continue,
                    _ => "echo".into(),
                };
                let answer = world.ask(to, &request).await;
                let answer = answer.unwrap_or_else(|error| panic!("{from:?} → {to:?}: {error}"));
                assert!(answer.text().contains('4'), "{from:?} → {to:?}");
            }
        }
    });
}

#[test]
fn pictures_reach_the_model() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let mut request = question(format, "echo", false);
            let image = Image {
                media_type: "image/png".into(),
                bytes: vec![7; 67],
            };
            request.messages[0].parts.push(Part::Image(image.clone()));
            let answer = world.ask(format, &request).await.unwrap();
            let want = match format {
                Format::Ollama => "[image, 67 bytes]",
                _ => "[image/png, 67 bytes]",
            };
            assert!(
                answer.text().ends_with(want),
                "{format:?}: {}",
                answer.text()
            );

            let mut text = request.clone();
            text.messages[0].parts = vec![Part::Image(Image {
                media_type: "text/html".into(),
                ..image
            })];
            let error = world.ask(format, &text).await.unwrap_err();
            assert!(
                matches!(error.failure, Failure::BadRequest { .. }),
                "{format:?}"
            );
            assert_eq!(error.billed, Billed::Nothing, "{format:?}");
        }
    });
}

#[test]
fn reasons_for_stopping_are_told_apart() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            for stream in [false, true] {
                let case = format!("{format:?}, stream: {stream}");
                let length = world.say(format, "length", stream).await.unwrap();
                assert_eq!(length.stop, Stop::Length, "{case}");
                if format == Format::Ollama {
                    continue; // has no words for the others
                }
                let refused = world.say(format, "refuse", stream).await.unwrap();
                let filtered = world.say(format, "filtered", stream).await.unwrap();
                let (for_refused, for_filtered) = match format {
                    Format::Anthropic => (Stop::Refused, Stop::Refused),
                    Format::Gemini => (Stop::Filtered, Stop::Filtered),
                    _ => (Stop::Refused, Stop::Filtered),
                };
                assert_eq!(refused.stop, for_refused, "{case}");
                assert_eq!(refused.text(), "I won't.", "{case}");
                assert_eq!(filtered.stop, for_filtered, "{case}");
                assert_eq!(filtered.text(), "", "{case}");
            }
        }
    });
}

#[test]
fn thoughts_are_kept_apart_from_words() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            for stream in [false, true] {
                let case = format!("{format:?}, stream: {stream}");
                let answer = world.say(format, "reason", stream).await.unwrap();
                assert_eq!(answer.text(), answer_text(), "{case}");
                let thought = answer.parts.iter().find_map(|part| match part {
                    Part::Reasoning(reasoning) => Some(reasoning),
                    _ => None,
                });
                let thought = thought.unwrap_or_else(|| panic!("{case}: no thought"));
                assert_eq!(thought.text, "Let me say that again.", "{case}");
                let sealed = matches!(format, Format::Anthropic | Format::OpenAiResponses);
                assert_eq!(thought.opaque.is_some(), sealed, "{case}");
                let usage = answer.usage.unwrap();
                let told = if format == Format::Ollama { 0 } else { 5 };
                assert_eq!((usage.output, usage.reasoning), (13, told), "{case}");
            }
        }
    });
}

#[test]
fn what_is_marked_is_kept_by_anthropic() {
    run(async {
        let world = World::new().await;
        let mut request = question(Format::Anthropic, "echo", true);
        request.system = Some("You are terse.".into());
        request.cache_prefix = true;
        for _ in 0..5 {
            let mut message = Message::user("more");
            message.cache = true;
            let before = request.messages.len() - 1;
            request.messages.insert(before, message);
        }
        let first = world.ask(Format::Anthropic, &request).await.unwrap();
        let again = world.ask(Format::Anthropic, &request).await.unwrap();
        let (first, again) = (first.usage.unwrap(), again.usage.unwrap());
        assert_eq!(first.input, again.input);
        assert_eq!(
            (first.cache_write, first.cached_input),
            (first.input / 2, 0)
        );
        assert_eq!(
            (again.cache_write, again.cached_input),
            (0, again.input / 2)
        );
        // One mark for the system, and the last three of five messages.
        let body = &world.server.seen()[0].body;
        assert_eq!(body["system"][0]["cache_control"]["type"], "ephemeral");
        let marked: Vec<bool> = body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["content"][0].get("cache_control").is_some())
            .collect();
        assert_eq!(marked, [false, false, true, true, true, false]);
    });
}

#[test]
fn what_changes_stands_behind_what_is_kept() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            let mut request = question(format, "echo", true);
            request.system = Some("You are terse.".into());
            request.occasion = Some("It is noon.".into());
            request.cache_prefix = true;
            request.cache_key = Some("k1".into());
            world.ask(format, &request).await.unwrap();
            let body = world.server.seen().pop().unwrap().body;
            if format == Format::Anthropic {
                let kept = json!({ "type": "ephemeral" });
                assert_eq!(
                    body["system"],
                    json!([
                        { "type": "text", "text": "You are terse.", "cache_control": kept },
                        { "type": "text", "text": "It is noon." },
                    ])
                );
            } else {
                let text = body.to_string();
                assert!(text.contains("You are terse.\\n\\nIt is noon."), "{text}");
            }
            let theirs = matches!(format, Format::OpenAiChat | Format::OpenAiResponses);
            assert_eq!(body["prompt_cache_key"] == "k1", theirs, "{format:?}");
        }
    });
}

#[test]
fn a_script_is_followed() {
    run(async {
        let script = vec![
            Step::call("add", json!({ "text": "1 1" })),
            Step::behave("cut"),
            Step::say("2"),
        ];
        let world = World::with(script).await;
        let format = Format::OpenAiChat;
        let first = world.say(format, "scripted", true).await.unwrap();
        assert_eq!(first.tool_calls().count(), 1);
        let second = world.say(format, "scripted", true).await.unwrap_err();
        assert_eq!(second.failure, Failure::Broken(Broken::Cut));
        let third = world.say(format, "scripted", true).await.unwrap();
        assert_eq!(third.text(), "2");
        let over = world.say(format, "scripted", true).await.unwrap_err();
        assert!(matches!(over.failure, Failure::Overloaded { .. }), "{over}");
        assert_eq!(world.server.count(), 4);
    });
}

/// A call that ended well leaves its connection to the next, streamed or not; one that was broken
/// off doesn't.
#[test]
fn connections_are_used_again() {
    run(async {
        let world = World::new().await;
        for format in ALL {
            for stream in [true, false, true] {
                world.say(format, "echo", stream).await.unwrap();
                world.say(format, "429", stream).await.unwrap_err();
            }
        }
        assert_eq!(world.server.connections(), 1);
        world.say(Format::Ollama, "cut", true).await.unwrap_err();
        world.say(Format::Ollama, "echo", true).await.unwrap();
        assert_eq!(world.server.connections(), 2);
    });
}

/// Many at once leave their connections to the next many.
#[test]
fn connections_of_many_are_used_again() {
    run(async {
        let world = World::new().await;
        for _ in 0..10 {
            let asked = (0..32).map(|_| world.say(Format::OpenAiChat, "echo", true));
            for answer in futures_util::future::join_all(asked).await {
                answer.unwrap();
            }
        }
        assert_eq!(world.server.count(), 320);
        let made = world.server.connections();
        assert!(made <= 40, "{made} connections");
    });
}

#[test]
fn a_declared_model_is_asked_where_it_is() {
    let spec = naos_types::spec::ModelSpec {
        document: String::new(),
        provider: "ollama".into(),
        format: Format::Ollama,
        endpoint: "http://127.0.0.1:11434".into(),
        model: "qwen3:8b".into(),
        can: Vec::new(),
        prices: None,
        context_tokens: Some(32_768),
        output_tokens_max: None,
        image_tokens: None,
        leaves_country: false,
        fallbacks: Vec::new(),
        key: None,
        enabled: true,
        turn: None,
    };
    let endpoint = Endpoint::of(&spec, None);
    assert_eq!(endpoint.url("/api/chat"), "http://127.0.0.1:11434/api/chat");
    assert_eq!(endpoint.context_tokens, Some(32_768));
    assert!(endpoint.key.is_none());
}

/// Whoever calls may run it on any thread.
#[test]
fn asking_can_move_between_threads() {
    fn moves<T: Send>(value: T) -> T {
        value
    }
    let client = client(Vec::new()).unwrap();
    let endpoint = Endpoint::new(Format::Ollama, "http://127.0.0.1:1");
    let request = question(Format::Ollama, "echo", true);
    let mut each = |_| {};
    drop(moves(ask(&client, &endpoint, &request, &mut each)));
}

#[test]
fn a_local_ollama_needs_no_setting_and_other_ports_say_what_to_set() {
    run(async {
        let client = client(Vec::new()).unwrap();
        let refused = async |port: u16| {
            let request = http::Request {
                method: "GET".into(),
                url: format!("http://127.0.0.1:{port}/"),
                ..http::Request::default()
            };
            match client.send(request, None).await {
                Err(SendError::Refused(why)) => Some(why),
                _ => None, // whether anybody listens there is another matter
            }
        };
        assert_eq!(refused(OLLAMA_PORT).await, None);
        let why = refused(OLLAMA_PORT + 1).await.unwrap();
        assert!(why.contains("NAOS_ALLOW_LOOPBACK_PORTS=11435"), "{why}");
    });
}
