//! `/api/v1/events`, `/events/stream`, `/live`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Response;
use http_body_util::BodyExt;
use naos_engine::node::{Done, FrameKind, Outside, OutsideOutcome, Piecewise, Posed};
use naos_types::effect::Call;
use naos_types::think::Thought;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{Rig, request};

/// The events of a stream.
pub(super) struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    pub(super) fn new(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// The next event: its id, name and data.
    pub(super) async fn next(&mut self) -> (Option<u64>, String, String) {
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

/// What a model begins to write, and what ends it.
pub(super) type Writing = (Piecewise, Done);

/// Models whose answers the test writes.
pub(super) struct Talkers(pub(super) mpsc::UnboundedSender<Writing>);

impl Outside for Talkers {
    fn begin(&self, _call: &Call, _key: String, _request: Vec<u8>, done: Done) {
        done(OutsideOutcome::NotSent("nobody calls in this test".into()));
    }

    fn think(&self, _posed: Posed, piece: Piecewise, done: Done) {
        let _ = self.0.send((piece, done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_shows_what_agents_are_saying() {
    let (tell, mut hear) = mpsc::unbounded_channel();
    let rig = Rig::minds(Arc::new(Talkers(tell))).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let begun = json!({"agent": "clerk", "input": "The bill?", "wait_ms": 0});
    let begun = rig.post("/api/v1/runs", begun).await.json();
    let run = begun["run"].as_str().unwrap().to_owned();
    let (mut piece, done) = hear.recv().await.unwrap();
    let first = "The <b>bill</b> of Riake ";
    piece(FrameKind::Text, 0, first);
    // Without a script the page shows how it stands, and nothing that it says is markup.
    let page = rig.page(&cookie, "/").await.text;
    assert!(page.contains(&format!("id=\"saying-{run}\"")), "{page}");
    assert!(
        page.contains("&#60;b&#62;bill&#60;/b&#62; of Riake"),
        "{page}"
    );
    // With one it is told, and never more than the last words.
    let open = request(
        "",
        "GET",
        "/live?topic=home",
        &Value::Null,
        &[("cookie", &cookie)],
    );
    let mut home = Stream::new(rig.raw(open).await);
    piece(
        FrameKind::Text,
        first.len() as u64,
        &"is due on Friday ".repeat(100),
    );
    let part = loop {
        let (id, name, data) = home.next().await;
        if name == "part" && data.contains("saying-run_") && data.contains("Friday") {
            assert_eq!(id, None, "it is no fact");
            break serde_json::from_str::<Value>(&data).unwrap();
        }
    };
    assert_eq!(part["id"], format!("saying-{run}"));
    let html = part["html"].as_str().unwrap();
    assert!(html.contains("… ") && html.len() < 400, "{html}");
    assert!(!html.contains("Riake"), "the end of it: {html}");
    drop(piece);
    let thought = Thought {
        text: "On Friday.".into(),
        stop: "end".into(),
        ..Thought::default()
    };
    done(OutsideOutcome::Answered(
        serde_json::to_vec(&thought).unwrap(),
    ));
    loop {
        let (_, name, data) = home.next().await;
        if name == "feed" && data.contains(&run) {
            break;
        }
    }
    let page = rig.page(&cookie, "/").await.text;
    assert!(!page.contains("due on Friday"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_shows_the_beginning_of_what_was_said() {
    let rig = Rig::new().await;
    let cookie = rig.sign_in(&rig.owner).await;
    let task = rig.post("/api/v1/tasks", json!({"title": "Prices"})).await;
    let task = task.json()["task"].as_str().unwrap().to_owned();
    let words = format!("Ten  euros,\n<i>or</i> eleven. {}", "More. ".repeat(100));
    let place = format!("/api/v1/tasks/{task}/messages");
    rig.post(&place, json!({"text": words})).await.ok();
    let page = rig.page(&cookie, "/").await.text;
    let shown = "<p class=\"detail\">Ten euros, &#60;i&#62;or&#60;/i&#62; eleven. More.";
    assert!(page.contains(shown), "{page}");
    assert!(page.contains(" …</p>"), "{page}");
    assert!(
        page.matches("More.").count() < 60,
        "only its beginning: {page}"
    );
    let theirs = rig.member("external").await;
    let refused = rig.api(&theirs, "GET", &place, Value::Null).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let cookie = rig.sign_in(&theirs).await;
    let page = rig.page(&cookie, "/").await;
    assert!(!page.text.contains("Ten euros"), "{page:?}");
}

/// An answer looks at so much of the journal: what it doesn't come to is said, and is found by
/// whoever goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_looked_at_is_not_said_to_be_nothing() {
    let rig = Rig::new().await;
    let cookie = rig.sign_in(&rig.owner).await;
    rig.agent("early").await;
    let publish = async |topic: &str| {
        let body = json!({"type": topic, "correlation": "c"});
        rig.post("/api/v1/events", body).await.ok()["seq"]
            .as_u64()
            .unwrap()
    };
    let first = publish("ew.x").await;
    let mut head = first;
    for _ in 0..60 {
        head = publish("other.thing").await;
    }
    let mut before = String::new();
    let mut parts = 0;
    let found = loop {
        parts += 1;
        assert!(parts < 20);
        let path = format!("/api/v1/events?type=ew.x&look=10{before}");
        let answer = rig.get(&path).await.ok();
        let (from, to) = (&answer["looked"]["from"], &answer["looked"]["to"]);
        if parts == 1 {
            assert_eq!((from, to), (&json!(head - 9), &json!(head)), "{answer}");
        }
        if let Some(found) = answer["items"].as_array().unwrap().first() {
            break found.clone();
        }
        assert_eq!(from, &answer["next"], "{answer}");
        let next = answer["next"].as_u64().expect("there is more before");
        before = format!("&before={next}");
    };
    assert_eq!(found["seq"], first);
    assert!(parts > 5, "{parts}");
    // The journal by an agent, from both ends.
    let last = rig
        .get("/api/v1/audit?agent=early&last=5&look=10")
        .await
        .ok();
    assert_eq!(last["items"], json!([]), "{last}");
    let next = last["next"].as_u64().expect("there is more before");
    let path = format!("/api/v1/audit?agent=early&last=5&before={next}");
    let last = rig.get(&path).await.ok();
    assert_eq!(last["items"][0]["action"], "agent.created", "{last}");
    assert_eq!(last["next"], Value::Null, "{last}");
    let path = format!("/api/v1/audit?action=event&after={first}&limit=1&look=10");
    let after = rig.get(&path).await.ok();
    assert_eq!(after["upto"], after["next"], "{after}");
    let path = format!("/api/v1/audit?agent=early&after={first}&look=10");
    let after = rig.get(&path).await.ok();
    assert_eq!(
        (&after["items"], &after["upto"]),
        (&json!([]), &json!(first + 10))
    );
    assert_eq!(after["next"], first + 10, "{after}");
    // Pages say how far they looked, and offer to look on.
    for (path, none) in [
        ("/events?type=ew.x&look=10", "No event matches"),
        ("/audit?who=early&look=10", "No entry matches"),
    ] {
        let page = rig.page(&cookie, path).await.text;
        assert!(!page.contains(none), "{path}: {page}");
        let said = format!("entries {} to {head} of the journal", head - 9);
        assert!(page.contains(&said), "{path}: {said}: {page}");
        assert!(page.contains("Look on"), "{path}: {page}");
    }
    let page = rig.page(&cookie, "/events?type=nosuch").await.text;
    assert!(page.contains("No event matches"), "{page}");
}
