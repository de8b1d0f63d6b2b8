//! `/v1` in a stream: what a client takes for the answer is the run's output.

use std::sync::Arc;

use naos_engine::node::{FrameKind, OutsideOutcome};
use naos_types::think::{Thought, ToolCall};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::events::{Stream, Talkers, Writing};
use crate::support::{Rig, request};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

/// `clerk` calls tools, another model stands in for that of `pair`, and `sole` has one model.
pub(super) async fn rig() -> (Rig, UnboundedReceiver<Writing>) {
    let (tell, hear) = unbounded_channel();
    let rig = Rig::minds(Arc::new(Talkers(tell))).await;
    let text = "type: model\nname: careful\nprovider: ollama\n\
                endpoint: http://127.0.0.1:11434\nmodel: m\ncapabilities: [text, tools]\n\
                cost_per_1m_tokens: {input: 1, output: 1}\nfallback: [cheap]\n---\n\
                type: agent\nname: pair\nmodel: careful\nprompt: You help.\n---\n\
                type: agent\nname: sole\nmodel: cheap\nprompt: You help.\n";
    let files = json!({"files": [{"name": "b.yaml", "text": text}]});
    rig.post("/api/v1/apply", files).await.ok();
    (rig, hear)
}

/// An answer that is streamed; `key` makes a request that is sent again the same one.
async fn asked(rig: &Rig, path: &str, agent: &str, key: &str) -> (String, Stream) {
    let body = match path {
        CHAT => json!({"model": agent, "stream": true,
            "messages": [{"role": "user", "content": "x"}]}),
        _ => json!({"model": agent, "stream": true, "input": "x"}),
    };
    let keyed = [("idempotency-key", key)];
    let response = rig
        .raw(request(&rig.owner, "POST", path, &body, &keyed))
        .await;
    let run = response.headers()["x-naos-run"].to_str().unwrap();
    (run.to_owned(), Stream::new(response))
}

/// A model writes that in two pieces.
pub(super) fn write((piece, _): &mut Writing, text: &str) {
    let (first, rest) = text.split_at(text.len() / 2);
    piece(FrameKind::Text, 0, first);
    piece(FrameKind::Text, first.len() as u64, rest);
}

/// It is over.
pub(super) fn end((piece, done): Writing, thought: &Thought) {
    drop(piece);
    done(OutsideOutcome::Answered(
        serde_json::to_vec(thought).unwrap(),
    ));
}

pub(super) fn says(text: &str) -> Thought {
    Thought {
        text: text.to_owned(),
        stop: "end".to_owned(),
        ..Thought::default()
    }
}

fn broken() -> Thought {
    Thought::failed("broken", "it broke off", true)
}

/// What a client makes of a stream to its end: the text, and how it ended.
async fn chatted(mut stream: Stream) -> (String, Value) {
    let (mut text, mut last) = (String::new(), Value::Null);
    loop {
        let (_, _, data) = stream.next().await;
        if data == "[DONE]" {
            return (text, last);
        }
        last = serde_json::from_str(&data).unwrap();
        text += last["choices"][0]["delta"]["content"]
            .as_str()
            .unwrap_or_default();
    }
}

/// What a client makes of a stream to its end: for each item its deltas and its status, and the
/// last event.
async fn responded(mut stream: Stream) -> (Vec<(String, String)>, Value) {
    let mut items = Vec::new();
    for number in 0_u64.. {
        let (_, name, data) = stream.next().await;
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(data["sequence_number"], number, "{data}");
        let at = data["output_index"].as_u64().unwrap_or_default() as usize;
        match &*name {
            "response.output_item.added" => {
                assert_eq!(at, items.len(), "{data}");
                items.push((String::new(), String::new()));
            }
            "response.output_text.delta" => items[at].0 += data["delta"].as_str().unwrap(),
            "response.output_text.done" => assert_eq!(data["text"], items[at].0, "{data}"),
            "response.output_item.done" => {
                let item = &data["item"];
                assert_eq!(item["content"][0]["text"], items[at].0, "{data}");
                items[at].1 = item["status"].as_str().unwrap().to_owned();
            }
            "response.completed" | "response.failed" => {
                let is_done = |(_, status): &(String, String)| !status.is_empty();
                assert!(items.iter().all(is_done), "{items:?}");
                return (items, data["response"].clone());
            }
            _ => {}
        }
    }
    unreachable!("a stream ends");
}

fn item(text: &str, status: &str) -> (String, String) {
    (text.to_owned(), status.to_owned())
}

/// The answer is the one item of the output.
fn assert_output(response: &Value, text: &str) {
    assert_eq!(response["status"], "completed", "{response}");
    assert_eq!(response["output"].as_array().unwrap().len(), 1);
    assert_eq!(response["output"][0]["content"][0]["text"], text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_off_is_no_part_of_a_streamed_answer() {
    let (rig, mut hear) = rig().await;
    let answer = "It is due on Friday.";
    let mut answers = async |path| {
        let (run, stream) = asked(&rig, path, "pair", path).await;
        let mut first = hear.recv().await.unwrap();
        write(&mut first, "It is due on Thurs");
        end(first, &broken());
        let mut second = hear.recv().await.unwrap();
        write(&mut second, answer);
        end(second, &says(answer));
        (run, stream)
    };
    let (run, stream) = answers(CHAT).await;
    let (text, last) = chatted(stream).await;
    assert_eq!(text, answer);
    assert_eq!(last["choices"][0]["finish_reason"], "stop", "{last}");
    let found = rig.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!(found["output"], answer, "{found}");
    // The same request has the same answer.
    let (again, stream) = asked(&rig, CHAT, "pair", CHAT).await;
    assert_eq!((again, chatted(stream).await.0), (run, text));

    let (run, stream) = answers(RESPONSES).await;
    let (items, response) = responded(stream).await;
    let told = [
        item("It is due on Thurs", "incomplete"),
        item(answer, "completed"),
    ];
    assert_eq!(items, told);
    assert_output(&response, answer);
    let (again, stream) = asked(&rig, RESPONSES, "pair", RESPONSES).await;
    assert_eq!(again, run);
    let (items, response) = responded(stream).await;
    assert_eq!(items, [item(answer, "completed")]);
    assert_output(&response, answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_before_a_tool_is_called_is_an_item_of_its_own() {
    let (rig, mut hear) = rig().await;
    // The answer begins as what was said before: it is another one all the same.
    let (before, answer) = ("It is", "It is 2");
    for path in [CHAT, RESPONSES] {
        let (_, stream) = asked(&rig, path, "clerk", path).await;
        let mut first = hear.recv().await.unwrap();
        write(&mut first, before);
        first.0(FrameKind::Call, 0, "\ncalculate ");
        let call = ToolCall {
            id: "call_1".into(),
            name: "calculate".into(),
            arguments: r#"{"expression": "1 + 1"}"#.into(),
        };
        let thought = Thought {
            calls: vec![call],
            stop: "tool_use".into(),
            ..says(before)
        };
        end(first, &thought);
        // This one writes all of its answer at once.
        end(hear.recv().await.unwrap(), &says(answer));
        if path == CHAT {
            assert_eq!(chatted(stream).await.0, answer);
            continue;
        }
        let (items, response) = responded(stream).await;
        let told = [item(before, "completed"), item(answer, "completed")];
        assert_eq!(items, told);
        assert_output(&response, answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_steers_away_from_is_no_answer_and_is_never_called_one() {
    let (rig, mut hear) = rig().await;
    let (before, answer) = ("All bills are", "That of this year is paid.");
    for path in [CHAT, RESPONSES] {
        let (run, mut stream) = asked(&rig, path, "sole", path).await;
        let mut first = hear.recv().await.unwrap();
        write(&mut first, before);
        if path == CHAT {
            // Its one model writes one answer: it is passed on as it is written.
            let mut heard = String::new();
            while heard != before {
                let (_, _, data) = stream.next().await;
                let chunk: Value = serde_json::from_str(&data).unwrap();
                heard += chunk["choices"][0]["delta"]["content"].as_str().unwrap();
            }
        }
        let note = json!({"text": "Only those of this year."});
        rig.post(&format!("/api/v1/runs/{run}/notes"), note)
            .await
            .ok();
        end(first, &says(before));
        let mut second = hear.recv().await.unwrap();
        write(&mut second, answer);
        end(second, &says(answer));
        if path == CHAT {
            let (more, last) = chatted(stream).await;
            assert_eq!(more, "");
            assert_eq!(last["error"]["type"], "server_error", "{last}");
            let said = last["error"]["message"].as_str().unwrap();
            assert!(said.contains(&run), "{said}");
            // Whoever asks again has the answer.
            let (_, stream) = asked(&rig, path, "sole", path).await;
            assert_eq!(chatted(stream).await.0, answer);
            continue;
        }
        let (items, response) = responded(stream).await;
        let told = [item(before, "incomplete"), item(answer, "completed")];
        assert_eq!(items, told);
        assert_output(&response, answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_is_no_fault_of_the_request() {
    let (rig, mut hear) = rig().await;
    let body = json!({"model": "sole", "messages": [{"role": "user", "content": "x"}]});
    let fails = async {
        end(hear.recv().await.unwrap(), &broken());
    };
    let (got, ()) = tokio::join!(rig.post(CHAT, body), fails);
    let error = got.json()["error"].clone();
    assert_eq!(got.status, 422, "{error}");
    assert_eq!(error["type"], "server_error", "{error}");
    for path in [CHAT, RESPONSES] {
        let (_, stream) = asked(&rig, path, "sole", path).await;
        end(hear.recv().await.unwrap(), &broken());
        if path == CHAT {
            let (_, last) = chatted(stream).await;
            assert_eq!(last["error"]["type"], "server_error", "{last}");
            assert_eq!(last["error"]["code"], error["code"], "{last}");
            continue;
        }
        let (items, response) = responded(stream).await;
        assert!(items.is_empty(), "{items:?}");
        assert_eq!(response["error"]["code"], "server_error", "{response}");
        let said = response["error"]["message"].as_str().unwrap();
        assert!(said.contains(error["code"].as_str().unwrap()), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_a_stream_that_breaks_off_is_done_and_no_other_is_added() {
    let (rig, mut hear) = rig().await;
    let (run, stream) = asked(&rig, RESPONSES, "sole", "once").await;
    let mut first = hear.recv().await.unwrap();
    write(&mut first, "It is due on");
    end(first, &broken());
    let (items, response) = responded(stream).await;
    assert_eq!(items, [item("It is due on", "incomplete")]);
    assert_eq!(response["status"], "failed", "{response}");
    // Nothing of it is left for whoever asks again.
    let (again, stream) = asked(&rig, RESPONSES, "sole", "once").await;
    assert_eq!(again, run);
    let (items, response) = responded(stream).await;
    assert!(items.is_empty(), "{items:?}");
    assert_eq!(response["status"], "failed", "{response}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_request_isnt_sent_again_by_itself() {
    let (rig, mut hear) = rig().await;
    let (_, stream) = asked(&rig, RESPONSES, "sole", "once").await;
    end(hear.recv().await.unwrap(), &says("Done."));
    responded(stream).await;
    let body = json!({"model": "sole", "input": "something else"});
    let keyed = [("idempotency-key", "once")];
    let response = rig
        .raw(request(&rig.owner, "POST", RESPONSES, &body, &keyed))
        .await;
    assert_eq!(response.status(), 409);
    assert_eq!(response.headers()["x-should-retry"], "false");
}
