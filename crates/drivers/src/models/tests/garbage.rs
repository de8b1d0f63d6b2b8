//! Whatever bytes come back: one error or one answer, and never a panic.

use std::collections::VecDeque;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::formats::{Framing, wire};
use super::super::stream::{Body, Pieces, read};
use super::*;

/// Content that is there already.
struct Ready(VecDeque<Bytes>);

impl Pieces for Ready {
    async fn next(&mut self) -> Result<Option<Bytes>, SendError> {
        Ok(self.0.pop_front())
    }
}

pub fn receive(format: Format, stream: bool, bytes: &[u8], cut: usize) -> Result<Answer, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let limits = Limits::default();
        let deadline = Instant::now() + Duration::from_secs(10);
        let chunks = bytes.chunks(cut.max(1)).map(Bytes::copy_from_slice);
        let ready = Ready(chunks.collect());
        let mut each = |_| {};
        let mut out = Collector::new(limits, 0, &mut each);
        let wire = wire(format).unwrap();
        let read = if stream {
            let body = Body::flowing(ready, limits, deadline);
            read(body, wire, &mut out).await
        } else {
            let mut body = Body::whole(ready, limits, deadline);
            whole(&mut body, wire, &mut out).await
        };
        let endpoint = Endpoint::new(format, "http://127.0.0.1:1");
        conclude(read, out, &endpoint)
    })
}

/// Keys and words that the formats know, so that what is made of them gets far.
const WORDS: &[&str] = &[
    "type",
    "choices",
    "message",
    "delta",
    "content",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "id",
    "index",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "output",
    "response",
    "status",
    "item",
    "output_index",
    "content_block",
    "stop_reason",
    "candidates",
    "parts",
    "text",
    "functionCall",
    "args",
    "usageMetadata",
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtSignature",
    "done",
    "done_reason",
    "eval_count",
    "error",
    "code",
];
const VALUES: &[&str] = &[
    "message_start",
    "content_block_start",
    "content_block_delta",
    "message_delta",
    "message_stop",
    "tool_use",
    "text_delta",
    "input_json_delta",
    "thinking",
    "signature_delta",
    "redacted_thinking",
    "response.created",
    "response.completed",
    "response.output_item.added",
    "response.output_item.done",
    "response.function_call_arguments.delta",
    "function_call",
    "reasoning",
    "completed",
    "stop",
    "STOP",
    "length",
    "{\"a\":",
    "",
    "é",
];

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        (0_u64..200).prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        prop::sample::select(VALUES).prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key = prop::sample::select(WORDS).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
            prop::collection::hash_map(key, inner, 0..6).prop_map(|fields| json!(fields)),
        ]
    })
}

fn framed(format: Format, values: &[serde_json::Value]) -> Vec<u8> {
    let frame = |value| match wire(format).unwrap().framing() {
        Framing::Events => format!("event: x\r\ndata: {value}\n\n"),
        Framing::Lines => format!("{value}\n"),
    };
    values.iter().map(frame).collect::<String>().into_bytes()
}

proptest! {
    #[test]
    fn bytes_of_no_meaning(
        bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 1_usize..64,
    ) {
        for format in ALL {
            for stream in [false, true] {
                let error = receive(format, stream, &bytes, cut);
                prop_assert!(error.is_err(), "{format:?}: {error:?}");
            }
        }
    }

    #[test]
    fn words_in_any_order(
        values in prop::collection::vec(value(), 0..6), cut in 1_usize..64,
    ) {
        for format in ALL {
            let _ = receive(format, true, &framed(format, &values), cut);
            let one = values.first().cloned().unwrap_or_default().to_string();
            let _ = receive(format, false, one.as_bytes(), cut);
        }
    }

    #[test]
    fn a_good_answer_with_a_wrong_byte(at in 0_usize..4_000, byte in any::<u8>()) {
        for (format, stream, good) in super::fixtures::all() {
            let mut bad = good.to_vec();
            let at = at % bad.len();
            bad[at] = byte;
            let _ = receive(format, stream, &bad, 37);
        }
    }

    /// However the network cuts it up, an answer is the same.
    #[test]
    fn where_it_is_cut_makes_no_difference(cut in 1_usize..300) {
        for (format, stream, good) in super::fixtures::all() {
            let want = receive(format, stream, good, usize::MAX).unwrap();
            prop_assert_eq!(receive(format, stream, good, cut).unwrap(), want);
        }
    }

    /// An answer that ends early is none, wherever it ends.
    #[test]
    fn what_ends_early_is_no_answer(at in 0_usize..4_000) {
        for (format, stream, good) in super::fixtures::all() {
            let end = good.len() - good.iter().rev().take_while(|byte| **byte == b'\n').count();
            // Chat completions have said all before they say that they are done.
            let last = match format {
                Format::OpenAiChat | Format::OpenAiCompatible if stream => {
                    let text = String::from_utf8_lossy(good);
                    text.find("\"finish_reason\":\"").unwrap()
                }
                _ => end,
            };
            let early = receive(format, stream, &good[..at % last], 50);
            prop_assert!(early.is_err(), "{format:?} {stream} {at}: {early:?}");
        }
    }
}

#[test]
fn a_server_of_garbage() {
    run(async {
        let world = World::new().await;
        for seed in 0..20 {
            for format in ALL {
                for stream in [false, true] {
                    let model = format!("garbage:{seed}");
                    let error = world.say(format, &model, stream).await.unwrap_err();
                    let broken = matches!(error.failure, Failure::Broken(_));
                    assert!(broken, "{format:?} {seed}: {error:?}");
                }
            }
        }
    });
}

#[test]
fn a_call_that_is_told_of_when_it_is_whole_is_heard_once() {
    let began = r#"{"type": "response.output_item.added", "output_index": 1, "item":
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": ""}}"#;
    let written = r#"{"type": "response.function_call_arguments.delta", "output_index": 1,
        "delta": "{\"text\":\"1 1\"}"}"#;
    let thought = r#"{"type": "response.output_item.done", "output_index": 0, "item":
        {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "g"}}"#;
    let whole = r#"{"type": "response.output_item.done", "output_index": 1, "item":
        {"type": "function_call", "call_id": "call_1", "name": "add",
         "arguments": "{\"text\":\"1 1\"}"}}"#;
    let done = r#"{"type": "response.completed", "response": {"status": "completed",
        "output": [], "usage": {"input_tokens": 5, "output_tokens": 2}}}"#;
    for events in [
        vec![thought, whole, done],
        vec![thought, began, written, whole, done],
    ] {
        let told = events.iter().map(|event| {
            let line = event.replace('\n', " ");
            format!("data: {line}\n\n")
        });
        let told: String = told.collect();
        let answer = receive(Format::OpenAiResponses, true, told.as_bytes(), 7).unwrap();
        let calls = answer.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some((call.id.as_str(), call.arguments.text())),
            _ => None,
        });
        let calls: Vec<_> = calls.collect();
        assert_eq!(calls.len(), 1, "{calls:?}");
        assert_eq!(calls[0].0, "call_1");
        assert_eq!(calls[0].1, "{\"text\":\"1 1\"}");
    }
}
