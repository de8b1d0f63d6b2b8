//! `POST /v1/responses`: the same in the words of OpenAI's newer API, as far as agents have it: an
//! input, an answer, told at once or as it is written. What a model writes beside the answer is an
//! item of its own. Nothing is kept for a response after it.

use axum::response::sse::Event;
use naos_types::spec::ModelUsage;
use naos_types::{Code, RunId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::asked::{Form, Message, Params, Wanted, all_heeded, no_tools, wanted};
use super::streaming::Voice;
use super::{SERVER_ERROR, answered, bad, blamed};
use crate::door::{Answered, Call};
use crate::error::Fault;

#[derive(Deserialize)]
struct Asked {
    model: String,
    input: Option<Input>,
    instructions: Option<String>,
    #[serde(default)]
    stream: bool,
    max_output_tokens: Option<i64>,
    tools: Option<Vec<Value>>,
    text: Option<Text>,
    previous_response_id: Option<Value>,
    conversation: Option<Value>,
    #[serde(default)]
    background: bool,
    /// The rest.
    #[serde(flatten)]
    more: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<Value>),
}

#[derive(Deserialize)]
struct Text {
    format: Option<Form>,
}

const PARAMS: Params = Params {
    said: "input",
    form: "text.format",
    bounds: &["max_output_tokens"],
};

impl Asked {
    fn wanted(&mut self) -> Result<Wanted, Fault> {
        for (param, given) in [
            ("previous_response_id", &self.previous_response_id),
            ("conversation", &self.conversation),
        ] {
            if given.is_some() {
                let what =
                    "nothing is kept of a response here: give the whole conversation as `input`";
                return Err(blamed(param, bad(what)));
            }
        }
        if self.background {
            let what = "a response is waited for here: `background` is false";
            return Err(blamed("background", bad(what)));
        }
        PARAMS.bounded(&[self.max_output_tokens])?;
        no_tools("tools", &self.tools)?;
        all_heeded(&self.more)?;
        let first = self
            .instructions
            .take()
            .map(|text| Message::new("system", text));
        let mut messages: Vec<Message> = first.into_iter().collect();
        match &self.input {
            None => {
                let what = "`input` is missing: a text, or a list of messages";
                return Err(blamed(PARAMS.said, bad(what)));
            }
            Some(Input::Text(text)) => messages.push(Message::new("user", text.clone())),
            Some(Input::Items(items)) => {
                for item in items {
                    let message = message(item);
                    messages.push(message.map_err(|fault| blamed(PARAMS.said, fault))?);
                }
            }
        }
        let form = self.text.take().and_then(|text| text.format);
        wanted(&messages, form, PARAMS)
    }
}

fn message(item: &Value) -> Result<Message, Fault> {
    let kind = item["type"].as_str().unwrap_or("message");
    if kind != "message" {
        return Err(bad(format!(
            "agents are given messages here, and no {kind}"
        )));
    }
    Message::deserialize(item).map_err(|error| bad(format!("a message of `input`: {error}")))
}

/// `POST /v1/responses`.
pub(crate) async fn responses(call: Call) -> Answered {
    let mut asked: Asked = PARAMS.read(&call)?;
    let instructions = asked.instructions.clone();
    let wanted = asked.wanted()?;
    let how = (asked.model, asked.stream);
    let voice = |model, run| Told {
        model,
        run,
        instructions,
        number: 0,
        index: 0,
        is_open: false,
    };
    answered(call, how, wanted, voice).await
}

/// A response, and how it is told.
struct Told {
    model: String,
    run: RunId,
    /// As they were given.
    instructions: Option<String>,
    /// How many events were told.
    number: u64,
    /// Which item of the output is being told, or would be next.
    index: u64,
    /// Whether it was opened: none is before there is something to tell in it.
    is_open: bool,
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

impl Told {
    fn response(&self, status: &str) -> Value {
        json!({
            "id": format!("resp_{}", self.run),
            "object": "response",
            "created_at": self.run.made().0 / 1_000,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": self.instructions,
            "max_output_tokens": null,
            "metadata": {},
            "model": self.model,
            "output": [],
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "store": false,
            "temperature": null,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": null,
            "truncation": "disabled",
            "usage": null,
        })
    }

    fn item_id(&self) -> String {
        match self.index {
            0 => format!("msg_{}", self.run),
            index => format!("msg_{}_{index}", self.run),
        }
    }

    fn item(&self, status: &str, content: &[Value]) -> Value {
        json!({
            "type": "message", "id": self.item_id(), "status": status, "role": "assistant",
            "content": content,
        })
    }

    fn event(&mut self, kind: &str, mut more: Value) -> Event {
        more["type"] = json!(kind);
        more["sequence_number"] = json!(self.number);
        self.number += 1;
        Event::default().event(kind).data(more.to_string())
    }

    /// An event about the text.
    fn about(&mut self, kind: &str, mut more: Value) -> Event {
        more["item_id"] = json!(self.item_id());
        more["output_index"] = json!(self.index);
        more["content_index"] = json!(0);
        self.event(kind, more)
    }

    /// Opens the item, unless it is open.
    fn opened(&mut self) -> Vec<Event> {
        if std::mem::replace(&mut self.is_open, true) {
            return Vec::new();
        }
        let added = json!({"output_index": self.index, "item": self.item("in_progress", &[])});
        vec![
            self.event("response.output_item.added", added),
            self.about("response.content_part.added", json!({"part": part("")})),
        ]
    }

    /// Closes the item; the next one is another.
    fn closed(&mut self, status: &str, said: &str) -> Vec<Event> {
        let text = json!({"text": said, "logprobs": []});
        let item = self.item(status, &[part(said)]);
        let done = json!({"output_index": self.index, "item": item});
        let mut events = self.opened(); // an answer may be empty
        events.extend([
            self.about("response.output_text.done", text),
            self.about("response.content_part.done", json!({"part": part(said)})),
            self.event("response.output_item.done", done),
        ]);
        self.index += 1;
        self.is_open = false;
        events
    }
}

impl Voice for Told {
    /// Each text is an item.
    const APART: bool = true;

    fn whole(&self, text: &str, used: &ModelUsage) -> Value {
        let ModelUsage {
            input,
            cached_input,
            output,
            reasoning,
            ..
        } = used;
        let mut response = self.response("completed");
        response["output"] = json!([self.item("completed", &[part(text)])]);
        response["usage"] = json!({
            "input_tokens": input,
            "input_tokens_details": {"cached_tokens": cached_input},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": input + output,
        });
        response
    }

    fn begin(&mut self) -> Vec<Event> {
        let response = self.response("in_progress");
        vec![
            self.event("response.created", json!({"response": &response})),
            self.event("response.in_progress", json!({"response": response})),
        ]
    }

    fn more(&mut self, text: &str) -> Vec<Event> {
        let delta = json!({"delta": text, "logprobs": []});
        let mut events = self.opened();
        events.push(self.about("response.output_text.delta", delta));
        events
    }

    fn apart(&mut self, told: &str, whole: bool) -> Vec<Event> {
        let status = if whole { "completed" } else { "incomplete" };
        let mut events = self.closed(status, told);
        if crate::planted::items_ahead_of_text() {
            events.extend(self.opened());
        }
        events
    }

    fn done(&mut self, said: &str, used: &ModelUsage) -> Vec<Event> {
        // The answer alone: clients put all messages of the output together.
        let response = self.whole(said, used);
        let mut events = self.closed("completed", said);
        events.push(self.event("response.completed", json!({"response": response})));
        events
    }

    fn failed(&mut self, code: Code, what: &str) -> Vec<Event> {
        let mut response = self.response("failed");
        let message = format!("{what} (the run is {}, {code})", self.run);
        response["error"] = json!({"code": SERVER_ERROR, "message": message});
        vec![self.event("response.failed", json!({"response": response}))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Wanted, String> {
        let mut asked: Asked = serde_json::from_str(text).map_err(|error| error.to_string())?;
        asked.wanted().map_err(|fault| fault.refusal.what)
    }

    #[test]
    fn an_input_is_a_text_or_messages() {
        let one = of(r#"{"model": "m", "input": "Hello"}"#).unwrap();
        assert_eq!(one.input, "Hello");
        let more = of(r#"{"model": "m", "instructions": "Be short.", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "One?"}]},
            {"type": "message", "role": "assistant", "content": "Two."},
            {"role": "user", "content": "Three?"}]}"#);
        let said = more.unwrap().input;
        let places = ["Be short.", "One?", "Two.", "Three?"].map(|text| said.find(text).unwrap());
        assert!(places.is_sorted(), "{said}");
        for (more, why) in [
            (r#""previous_response_id": "resp_1""#, "nothing is kept"),
            (r#""background": true"#, "`background`"),
            (r#""tools": [{}]"#, "tools"),
            (r#""max_output_tokens": 0"#, "`max_output_tokens`"),
            (r#""prompt": {"id": "pmpt_1"}"#, "`prompt` isn't supported"),
            (r#""top_logprobs": 2"#, "`top_logprobs`"),
            (r#""tool_choice": {"type": "file_search"}"#, "`tool_choice`"),
            (
                r#""include": ["message.output_text.logprobs"]"#,
                "`include`",
            ),
        ] {
            let said = of(&format!(r#"{{"model": "m", "input": "x", {more}}}"#)).unwrap_err();
            assert!(said.contains(why), "{more}: {said}");
        }
        // A stored prompt may stand for the input.
        let stored = of(r#"{"model": "m", "prompt": {"id": "pmpt_1"}}"#).unwrap_err();
        assert!(stored.contains("`prompt`"), "{stored}");
        assert!(of(r#"{"model": "m"}"#).unwrap_err().contains("`input`"));
        let more = r#"{"model": "m", "input": "x", "prompt": null, "truncation": "auto",
            "include": ["reasoning.encrypted_content"], "tool_choice": "auto"}"#;
        assert_eq!(of(more).unwrap().input, "x");
        let called = r#"{"model": "m", "input": [{"type": "function_call_output"}]}"#;
        assert!(of(called).unwrap_err().contains("function_call_output"));
    }
}
