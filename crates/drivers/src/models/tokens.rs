//! An upper bound of the tokens that a request is read as, without its tokenizer.
//!
//! A tokenizer that works on bytes (GPT-2's byte-level BPE and all that descend from it: its base
//! vocabulary is the 256 bytes, and merging only makes tokens fewer; Radford et al. 2019, section
//! 2.2, after Sennrich et al. 2016) makes at most one token of each byte. One that works on
//! characters and falls back to bytes (SentencePiece with `byte_fallback`, as Llama and Gemma
//! have it) does so too, with one more for the space that it sets before a text. So bytes are a
//! safe bound, three to five times above what English text takes. It doesn't hold for a
//! tokenizer that rewrites its text first (NFKC makes 33 bytes of U+FDFA's three); none of the
//! providers whose formats are here says that theirs does.

use super::request::{Message, Part, Request};

/// What stands around a message: its role and its marks.
const MESSAGE_TOKENS: u64 = 32;
/// What stands around a tool, beside its words.
const TOOL_TOKENS: u64 = 64;
/// What a provider says to a model that has tools or a form to keep to, without being asked.
const HIDDEN_TOKENS: u64 = 2_048;

/// The most tokens that a text is read as.
#[must_use]
pub fn of_text(text: &str) -> u64 {
    text.len() as u64 + 1
}

/// The most tokens that a request is read as; `image_tokens` is the most that a picture is.
#[must_use]
pub fn of_request(request: &Request, image_tokens: u64) -> u64 {
    let mut tokens = MESSAGE_TOKENS + request.all_system().as_deref().map_or(0, of_text);
    for message in &request.messages {
        tokens = tokens.saturating_add(of_message(message, image_tokens));
    }
    for tool in &request.tools {
        let schema = of_text(&tool.schema.to_string());
        let words = of_text(&tool.name) + of_text(&tool.description);
        tokens = tokens.saturating_add(TOOL_TOKENS + words + schema);
    }
    if let Some(form) = &request.output_schema {
        tokens = tokens.saturating_add(of_text(&form.name) + of_text(&form.schema.to_string()));
    }
    if !request.tools.is_empty() || request.output_schema.is_some() {
        tokens = tokens.saturating_add(HIDDEN_TOKENS);
    }
    tokens
}

fn of_message(message: &Message, image_tokens: u64) -> u64 {
    let opaque =
        |value: Option<&serde_json::Value>| value.map_or(0, |value| of_text(&value.to_string()));
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => of_text(text),
        Part::Image(_) => image_tokens,
        // What is hidden in a sealed thought was written before; its bytes are more than its
        // tokens were.
        Part::Reasoning(thought) => of_text(&thought.text) + opaque(thought.opaque.as_ref()),
        Part::ToolCall(call) => {
            let arguments = of_text(&call.arguments.text());
            let known = of_text(&call.id) + of_text(&call.name) + opaque(call.opaque.as_ref());
            MESSAGE_TOKENS + known + arguments
        }
        Part::ToolResult(result) => {
            MESSAGE_TOKENS + of_text(&result.id) + of_text(&result.name) + of_text(&result.text)
        }
    });
    parts.fold(MESSAGE_TOKENS, u64::saturating_add)
}
