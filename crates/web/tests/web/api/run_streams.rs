//! `/api/v1/runs/{id}/stream`: whoever comes late has missed nothing.

use naos_engine::node::{FrameKind, OutsideOutcome};
use naos_types::think::{Thought, ToolCall};
use serde_json::{Value, json};

use super::events::Stream;
use super::openai_streams::{end, rig, says, write};
use crate::support::{Rig, request};

async fn listened(rig: &Rig, run: &str) -> Stream {
    let path = format!("/api/v1/runs/{run}/stream");
    Stream::new(
        rig.raw(request(&rig.owner, "GET", &path, &Value::Null, &[]))
            .await,
    )
}

/// What is told to the end: for each call and kind, its text.
async fn told(mut stream: Stream) -> Vec<(u64, String, String)> {
    let mut told: Vec<(u64, String, String)> = Vec::new();
    loop {
        let (_, name, data) = stream.next().await;
        let data: Value = serde_json::from_str(&data).unwrap();
        if name == "end" {
            assert_eq!(data["status"], "completed");
            return told;
        }
        let part = |name: &str| data[name].as_str().unwrap().to_owned();
        let (call, kind, text) = (data["call"].as_u64().unwrap(), part("kind"), part("text"));
        if data["offset"] == 0 {
            told.push((call, kind, text));
            continue;
        }
        let last = told.last_mut().expect("a beginning before what follows");
        assert_eq!((last.0, &last.1), (call, &kind), "{data}");
        assert_eq!(data["offset"], last.2.len() as u64, "{data}");
        last.2.push_str(&text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_is_told_the_answers_that_are_there() {
    let (rig, mut hear) = rig().await;
    let body = json!({"agent": "clerk", "input": "x", "wait_ms": 0});
    let run = rig.post("/api/v1/runs", body).await.json();
    let run = run["run"].as_str().unwrap();
    let early = listened(&rig, run).await;
    let (before, answer) = ("I look first.", "It is 2.");
    let mut first = hear.recv().await.unwrap();
    write(&mut first, before);
    // It is written, and not yet journaled: nobody who comes now can have heard it.
    let (piece, done) = first;
    drop(piece);
    let between = listened(&rig, run).await;
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
    done(OutsideOutcome::Answered(
        serde_json::to_vec(&thought).unwrap(),
    ));
    let mut second = hear.recv().await.unwrap();
    second.0(FrameKind::Text, 0, "It ");
    let late = listened(&rig, run).await;
    second.0(FrameKind::Text, 3, "is 2.");
    end(second, &says(answer));
    // What it wants called was no piece of what it wrote: the journal alone has it.
    let mut early = told(early).await;
    early.retain(|(_, kind, _)| kind == "text");
    let texts: Vec<&str> = early.iter().map(|(_, _, text)| &**text).collect();
    assert_eq!(texts, [before, answer]);
    let called = "\ncalculate {\"expression\": \"1 + 1\"}";
    let after = listened(&rig, run).await;
    for (who, stream) in [("between", between), ("late", late), ("after", after)] {
        let told = told(stream).await;
        let texts: Vec<(&str, &str)> = told
            .iter()
            .map(|(_, kind, text)| (&**kind, &**text))
            .collect();
        let whole = [("text", before), ("call", called), ("text", answer)];
        assert_eq!(texts, whole, "{who}");
        assert_eq!((told[0].0, told[2].0), (early[0].0, early[1].0), "{who}");
    }
}
