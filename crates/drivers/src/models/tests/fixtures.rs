//! The providers' documented answers.

use super::super::formats::wire;
use super::garbage::receive;
use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name)).as_slice()
    };
}

/// Good answers: the format, whether it is a stream, and what is sent.
pub fn all() -> [(Format, bool, &'static [u8]); 12] {
    let (chat, chunks) = (fixture!("openai_chat.json"), fixture!("openai_chat.sse"));
    [
        (Format::OpenAiChat, false, chat),
        (Format::OpenAiChat, true, chunks),
        (Format::OpenAiCompatible, false, chat),
        (Format::OpenAiCompatible, true, chunks),
        (
            Format::OpenAiResponses,
            false,
            fixture!("openai_responses.json"),
        ),
        (
            Format::OpenAiResponses,
            true,
            fixture!("openai_responses.sse"),
        ),
        (Format::Anthropic, false, fixture!("anthropic.json")),
        (Format::Anthropic, true, fixture!("anthropic.sse")),
        (Format::Gemini, false, fixture!("gemini.json")),
        (Format::Gemini, true, fixture!("gemini.sse")),
        (Format::Ollama, false, fixture!("ollama.json")),
        (Format::Ollama, true, fixture!("ollama.ndjson")),
    ]
}

/// All of them say the same, so all are understood alike.
#[test]
fn documented_answers_are_understood() {
    for (format, stream, bytes) in all() {
        let case = format!("{format:?} stream: {stream}");
        let answer = receive(format, stream, bytes, usize::MAX).unwrap();
        let chat = matches!(format, Format::OpenAiChat | Format::OpenAiCompatible);
        let ollama = format == Format::Ollama;
        assert_eq!(answer.text(), "Let me look.", "{case}");
        assert_eq!(answer.stop, Stop::ToolUse, "{case}");
        let usage = Usage {
            input: 1_117,
            cached_input: match format {
                Format::Anthropic => 824,
                Format::Ollama => 0,
                _ => 1_024,
            },
            cache_write: if format == Format::Anthropic { 200 } else { 0 },
            output: 46,
            reasoning: if ollama { 0 } else { 20 },
        };
        assert_eq!(answer.usage, Some(usage), "{case}");

        let call = answer.tool_calls().next().unwrap();
        assert_eq!(call.name, "weather", "{case}");
        assert_eq!(
            call.arguments.object(),
            json!({ "city": "Antananarivo" }),
            "{case}"
        );
        let id = match format {
            Format::Anthropic => "toolu_01A09q90",
            Format::Gemini => "8f2b1a3c",
            Format::Ollama => "call_0", // gives none
            _ => "call_9xT",
        };
        assert_eq!(call.id, id, "{case}");
        assert_eq!(call.opaque.is_some(), format == Format::Gemini, "{case}");

        let thought = answer.parts.iter().find_map(|part| match part {
            Part::Reasoning(reasoning) => Some(reasoning.clone()),
            _ => None,
        });
        assert_eq!(thought.is_none(), chat, "{case}");
        if let Some(thought) = thought {
            assert_eq!(thought.text, "The weather is asked for.", "{case}");
            let opaque = match format {
                Format::Anthropic => {
                    Some(json!({ "type": "thinking", "signature": "EqQBCgIYAhIM" }))
                }
                Format::OpenAiResponses => Some(json!({
                    "id": "rs_68af4031", "type": "reasoning",
                    "encrypted_content": "gAAAAABopaque",
                    "summary": [{ "type": "summary_text", "text": "The weather is asked for." }],
                })),
                _ => None,
            };
            assert_eq!(thought.opaque, opaque, "{case}");
        }
        let (model, id) = match format {
            Format::Anthropic => ("claude-opus-4-8", Some("msg_01XFDUDYJ")),
            Format::Gemini => ("gemini-3-pro-preview", Some("mAitaLmkHPPlz7IP")),
            Format::Ollama => ("qwen3:8b", None),
            Format::OpenAiResponses => ("gpt-5.2-2025-12-11", Some("resp_68af4030")),
            _ => ("gpt-5.2-2025-12-11", Some("chatcmpl-Ca1b2")),
        };
        assert_eq!(answer.model.as_deref(), Some(model), "{case}");
        assert_eq!(answer.provider_request_id.as_deref(), id, "{case}");
    }
}

#[test]
fn a_full_window_is_told_apart_from_an_answer_that_is_too_long() {
    let said = String::from_utf8_lossy(fixture!("anthropic.json"));
    for (word, stop) in [
        ("max_tokens", Stop::Length),
        ("model_context_window_exceeded", Stop::Window),
    ] {
        let said = said.replace(
            r#""stop_reason": "tool_use""#,
            &format!(r#""stop_reason": "{word}""#),
        );
        let answer = receive(Format::Anthropic, false, said.as_bytes(), usize::MAX).unwrap();
        assert_eq!(answer.stop, stop, "{word}");
    }
}

#[test]
fn parts_of_the_figures_are_no_figures() {
    let whole = String::from_utf8_lossy(fixture!("anthropic.sse"));
    let read =
        r#""input_tokens":93,"cache_creation_input_tokens":200,"cache_read_input_tokens":824,"#;
    let [begins, ends] = [r#""output_tokens":2,"#, r#""output_tokens":46,"#];
    let all = Some((1_117, 46));
    for (left_out, told) in [
        (&[][..], all),
        (&[begins], all),
        (&[read, begins], None),
        (&[ends], None),
    ] {
        let mut said = whole.to_string();
        for part in left_out {
            assert!(said.contains(part), "{part}");
            said = said.replace(part, "");
        }
        let answer = receive(Format::Anthropic, true, said.as_bytes(), usize::MAX).unwrap();
        let used = answer.usage.map(|usage| (usage.input, usage.output));
        assert_eq!(used, told, "{left_out:?}");
    }
    // What is told at last of what was read stands for what was not told at first.
    let late = whole.replacen(read, "", 1);
    let answer = receive(Format::Anthropic, true, late.as_bytes(), usize::MAX).unwrap();
    assert_eq!(answer.usage.map(|usage| usage.input), Some(1_117));
}

#[test]
fn documented_refusals_are_understood() {
    let said = |format, status, bytes: &[u8]| {
        let value = serde_json::from_slice(bytes).unwrap();
        let complaint = wire(format).unwrap().complaint(&value).unwrap();
        let said = complaint.message.clone();
        complaint.refusal(status, None, said).to_string()
    };
    let openai = said(Format::OpenAiChat, 400, fixture!("openai_error.json"));
    assert!(
        openai.starts_with("the conversation is longer than the model can see"),
        "{openai}"
    );
    assert_eq!(
        said(Format::Anthropic, 529, fixture!("anthropic_error.json")),
        "the provider can't answer for now: Overloaded"
    );
    assert_eq!(
        said(Format::Gemini, 400, fixture!("gemini_error.json")),
        "the provider refuses the key: API key not valid. Please pass a valid API key."
    );
    assert_eq!(
        said(Format::Ollama, 404, fixture!("ollama_error.json")),
        "the provider doesn't take the request: model 'qwen3:8b' not found"
    );
}

/// Whoever leaves reasoning out of what was completed has it in the total.
#[test]
fn reasoning_that_is_counted_apart_is_counted() {
    let body = json!({
        "id": "x", "model": "grok", "choices": [{
            "index": 0, "message": { "role": "assistant", "content": "4" },
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 42,
            "completion_tokens_details": { "reasoning_tokens": 30 },
        },
    });
    let bytes = body.to_string();
    let answer = receive(Format::OpenAiCompatible, false, bytes.as_bytes(), 9).unwrap();
    let usage = answer.usage.unwrap();
    assert_eq!((usage.output, usage.reasoning), (32, 30));
}
