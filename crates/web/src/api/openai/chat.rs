//! `POST /v1/chat/completions`.

use axum::response::sse::Event;
use naos_types::spec::ModelUsage;
use naos_types::{Code, RunId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::asked::{Form, Message, Params, Wanted, all_heeded, no_tools, wanted};
use super::streaming::Voice;
use super::{answered, bad, blamed, no_answer};
use crate::door::{Answered, Call};
use crate::error::Fault;

#[derive(Deserialize)]
struct Chat {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    n: Option<u64>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    tools: Option<Vec<Value>>,
    functions: Option<Vec<Value>>,
    response_format: Option<Form>,
    /// The rest.
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

const PARAMS: Params = Params {
    said: "messages",
    form: "response_format",
    bounds: &["max_tokens", "max_completion_tokens"],
};

impl Chat {
    fn wanted(&mut self) -> Result<Wanted, Fault> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(blamed("n", bad("`n` is 1: an agent gives one answer")));
        }
        // How long an answer may be is its agent's to say; what can't be meant is still refused.
        PARAMS.bounded(&[self.max_tokens, self.max_completion_tokens])?;
        no_tools("tools", &self.tools)?;
        no_tools("functions", &self.functions)?;
        all_heeded(&self.more)?;
        wanted(&self.messages, self.response_format.take(), PARAMS)
    }
}

/// `POST /v1/chat/completions`.
pub(crate) async fn chat(call: Call) -> Answered {
    let mut chat: Chat = PARAMS.read(&call)?;
    let wanted = chat.wanted()?;
    let options = chat.stream_options;
    let with_usage = options.is_some_and(|options| options.include_usage);
    let how = (chat.model, chat.stream);
    let voice = |model, run| Chunks {
        model,
        run,
        with_usage,
    };
    answered(call, how, wanted, voice).await
}

fn usage(used: &ModelUsage) -> Value {
    let ModelUsage {
        input,
        cached_input,
        output,
        reasoning,
        ..
    } = used;
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": cached_input},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    })
}

fn head(model: &str, run: RunId, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{run}"),
        "object": object,
        "created": run.made().0 / 1_000,
        "model": model,
    })
}

/// An answer, whole or in chunks.
struct Chunks {
    model: String,
    run: RunId,
    with_usage: bool,
}

fn event(value: &Value) -> Event {
    Event::default().data(value.to_string())
}

impl Chunks {
    fn chunk(&self, delta: Value, finish: Option<&str>) -> Event {
        let mut out = head(&self.model, self.run, "chat.completion.chunk");
        out["choices"] = json!([{
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish,
        }]);
        event(&out)
    }
}

/// After it nothing comes.
fn over() -> Event {
    Event::default().data("[DONE]")
}

impl Voice for Chunks {
    /// There is one message.
    const APART: bool = false;

    fn whole(&self, text: &str, used: &ModelUsage) -> Value {
        let mut out = head(&self.model, self.run, "chat.completion");
        out["choices"] = json!([{
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }]);
        out["usage"] = usage(used);
        out
    }

    fn begin(&mut self) -> Vec<Event> {
        vec![self.chunk(json!({"role": "assistant", "content": ""}), None)]
    }

    fn more(&mut self, text: &str) -> Vec<Event> {
        vec![self.chunk(json!({"content": text}), None)]
    }

    fn apart(&mut self, _told: &str, _whole: bool) -> Vec<Event> {
        Vec::new()
    }

    fn done(&mut self, _said: &str, used: &ModelUsage) -> Vec<Event> {
        let mut events = vec![self.chunk(json!({}), Some("stop"))];
        if self.with_usage {
            let mut last = head(&self.model, self.run, "chat.completion.chunk");
            last["choices"] = json!([]);
            last["usage"] = usage(used);
            events.push(event(&last));
        }
        events.push(over());
        events
    }

    fn failed(&mut self, code: Code, what: &str) -> Vec<Event> {
        vec![event(&no_answer(self.run, code, what)), over()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_does_not_do_is_refused() {
        for (more, why) in [
            (r#""n": 2"#, "`n`"),
            (r#""tools": [{}]"#, "tools"),
            (r#""functions": [{}]"#, "tools"),
            (r#""max_tokens": 0"#, "`max_tokens`"),
            (r#""stop": ["END"]"#, "`stop`"),
            (r#""logprobs": true"#, "`logprobs`"),
            (r#""top_logprobs": 3"#, "`top_logprobs`"),
            (r#""logit_bias": {"50256": -100}"#, "`logit_bias`"),
            (r#""modalities": ["text", "audio"]"#, "`modalities`"),
            (r#""audio": {"voice": "alloy"}"#, "`audio`"),
            (r#""web_search_options": {}"#, "`web_search_options`"),
            (r#""tool_choice": "required""#, "`tool_choice`"),
            (r#""function_call": {"name": "f"}"#, "`function_call`"),
        ] {
            let said = asked(more).unwrap_err();
            assert!(said.contains(why), "{more}: {said}");
        }
    }

    fn asked(more: &str) -> Result<Wanted, String> {
        let messages = r#"[{"role": "user", "content": "x"}]"#;
        let text = format!("{{\"model\": \"m\", \"messages\": {messages}, {more}}}");
        let mut chat: Chat = serde_json::from_str(&text).unwrap();
        chat.wanted().map_err(|fault| fault.refusal.what)
    }

    #[test]
    fn what_changes_no_answer_is_taken() {
        for more in [
            r#""temperature": 0.5, "seed": 7, "user": "u", "reasoning_effort": "low""#,
            r#""stop": null, "logprobs": false, "top_logprobs": 0, "logit_bias": {}"#,
            r#""modalities": ["text"], "tool_choice": "auto", "function_call": "none""#,
        ] {
            assert_eq!(asked(more).unwrap().input, "x", "{more}");
        }
    }
}
