//! `/api/v1/events`, `/events/stream`, `/live`.

use std::time::Duration;

use axum::body::Body;
use http::Response;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{Rig, request};

/// The events of a stream.
struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    fn new(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// The next event: its id, name and data.
    async fn next(&mut self) -> (Option<u64>, String, String) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| -> Option<String> {
                    let lines = event
                        .lines()
                        .filter_map(|l| l.strip_prefix(&format!("{name}: ")));
                    let lines: Vec<_> = lines.collect();
                    (!lines.is_empty()).then(|| lines.join("\n"))
                };
                if let Some(data) = field("data") {
                    let id = field("id").and_then(|id| id.parse().ok());
                    return (id, field("event").unwrap_or_default(), data);
                }
                continue;
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await;
            let frame = frame
                .expect("an event comes")
                .expect("the stream goes on")
                .unwrap();
            if let Ok(data) = frame.into_data() {
                self.text.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_where_the_last_one_ended() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let open = |headers: &[(&str, &str)], query: &str| {
        let path = format!("/api/v1/events/stream{query}");
        request(&rig.owner, "GET", &path, &Value::Null, headers)
    };
    let mut stream = Stream::new(rig.raw(open(&[], "?after=0")).await);
    let (first, _, data) = stream.next().await;
    assert_eq!(first, Some(1));
    let row: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(row["action"], "user.added");
    drop(stream);
    // What happened in between comes, in order and without a gap.
    let published = rig
        .post("/api/v1/events", json!({"type": "email.received"}))
        .await
        .ok();
    let seq = published["seq"].as_u64().unwrap();
    let mut stream = Stream::new(rig.raw(open(&[("last-event-id", "1")], "?after=0")).await);
    for expected in 2..=seq {
        assert_eq!(stream.next().await.0, Some(expected));
    }
    // Then what happens.
    rig.post(
        "/api/v1/events",
        json!({"type": "weather.data", "data": [1]}),
    )
    .await
    .ok();
    let (id, name, data) = stream.next().await;
    assert_eq!((id, name.as_str()), (Some(seq + 1), "event.published"));
    let row: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(row["subject"], "weather.data");
    let bad = rig.post("/api/v1/events", json!({"type": "no good"})).await;
    assert_eq!(bad.problem(), (400, "N0102".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_its_own_tenant_alone_and_ends_with_its_member() {
    let rig = Rig::new().await;
    let other = rig.tenant("riake").await;
    let path = "/api/v1/events/stream?after=0";
    let theirs = rig
        .raw(request(&other, "GET", path, &Value::Null, &[]))
        .await;
    let mut theirs = Stream::new(theirs);
    let (_, _, data) = theirs.next().await;
    assert!(!data.contains(&rig.main.to_string()));
    let made = rig
        .post("/api/v1/members", json!({"name": "x", "role": "staff"}))
        .await
        .ok();
    let token = made["token"].as_str().unwrap();
    let path = "/api/v1/events/stream";
    let response = rig
        .raw(request(token, "GET", path, &Value::Null, &[]))
        .await;
    let gone = format!("/api/v1/members/{}", made["member"].as_str().unwrap());
    rig.api(&rig.owner, "DELETE", &gone, Value::Null).await.ok();
    let rest = tokio::time::timeout(Duration::from_secs(20), response.into_body().collect());
    let rest = rest.await.expect("the stream ends").unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&rest).contains("user.removed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_what_changes_on_it() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let cookie = rig.sign_in(&rig.owner).await;
    let since = rig.get("/api/v1/status").await.ok()["seq"]
        .as_u64()
        .unwrap();
    let open = |topic: &str| {
        let path = format!("/live?topic={topic}&since={since}");
        request("", "GET", &path, &Value::Null, &[("cookie", &cookie)])
    };
    let mut agents = Stream::new(rig.raw(open("agents")).await);
    let mut home = Stream::new(rig.raw(open("home")).await);
    rig.run("hello", "x").await;
    let (_, name, data) = agents.next().await;
    assert_eq!(name, "part");
    let part: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(part["id"], "agent-hello");
    assert!(
        part["html"]
            .as_str()
            .unwrap()
            .contains("id=\"agent-hello\"")
    );
    let mut feed = Vec::new();
    while !feed
        .iter()
        .any(|(_, data): &(Option<u64>, String)| data.contains("/runs/run_"))
    {
        let (id, name, data) = home.next().await;
        if name == "feed" {
            feed.push((id, data));
        }
    }
    assert!(feed.iter().all(|(id, _)| id.is_some_and(|id| id > since)));
    rig.api(&rig.owner, "DELETE", "/api/v1/agents/hello", Value::Null)
        .await
        .ok();
    loop {
        let (_, name, data) = agents.next().await;
        if name == "gone" {
            assert_eq!(data, "agent-hello");
            break;
        }
    }
    let wrong = rig.send(open("tenant:other")).await;
    assert_eq!(wrong.status, 400);
}
