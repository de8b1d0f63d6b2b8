//! `/api/v1/events` and `/api/v1/consumers`: CloudEvents in and out, taken and acknowledged.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{Got, Rig};

/// A request with a body that is sent as it is.
async fn send(rig: &Rig, headers: &[(&str, &str)], body: &str) -> Got {
    let mut request = Request::post("/api/v1/events")
        .header("host", "127.0.0.1:4200")
        .header("authorization", format!("Bearer {}", rig.owner));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    rig.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

async fn subscribe(rig: &Rig, body: Value) {
    let made = rig.post("/api/v1/consumers", body).await;
    assert_eq!(made.status, 201, "{made:?}");
}

async fn pull(rig: &Rig, consumer: &str, body: Value) -> Value {
    let path = format!("/api/v1/consumers/{consumer}/pull");
    rig.post(&path, body).await.ok()
}

fn places(pulled: &Value) -> Vec<u64> {
    let events = pulled["events"].as_array().unwrap().iter();
    let place = |event: &Value| event["sequence"].as_str().unwrap().parse().unwrap();
    events.map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_goes_out_as_it_was() {
    let rig = Rig::new().await;
    subscribe(&rig, json!({"name": "all"})).await;
    let structured = json!({
        "specversion": "1.0", "id": "1", "source": "/s", "type": "a.one", "subject": "Ana",
        "correlationid": "c-1", "partitionkey": "k", "colour": "red", "category": "external",
        "data": {"n": 1},
    });
    let kind = ("content-type", "application/cloudevents+json");
    assert_eq!(
        send(&rig, &[kind], &structured.to_string()).await.status,
        201
    );
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "2"),
        ("ce-source", "/s"),
        ("ce-type", "a.two"),
        ("content-type", "text/plain"),
    ];
    assert_eq!(send(&rig, &binary, "hello").await.status, 201);
    let batch = json!([
        {"specversion": "1.0", "id": "3", "source": "/s", "type": "a.three"},
        {"specversion": "1.0", "id": "4", "source": "/s", "type": "a.four",
         "datacontenttype": "x/y", "data_base64": "AAH/"},
        {"specversion": "1.0", "id": "5", "source": "/s", "type": "a.five", "data_base64": "AAH/"},
    ]);
    let many = ("content-type", "application/cloudevents-batch+json");
    let sent = send(&rig, &[many], &batch.to_string()).await.ok();
    assert_eq!(sent["events"].as_array().unwrap().len(), 3);
    let pulled = pull(&rig, "all", json!({"max": 10})).await;
    let events = pulled["events"].as_array().unwrap();
    let types: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["a.one", "a.two", "a.three", "a.four", "a.five"]);
    for (key, value) in structured.as_object().unwrap() {
        assert_eq!(&events[0][key], value, "{key}");
    }
    assert_eq!(
        (&events[1]["data"], &events[1]["datacontenttype"]),
        (&json!("hello"), &json!("text/plain"))
    );
    for event in &events[3..] {
        assert_eq!(event["data_base64"], "AAH/", "{event}");
    }
    assert!(
        events
            .iter()
            .all(|event| event["attempt"] == 1 && event["specversion"] == "1.0")
    );
    let found = rig
        .get(&format!(
            "/api/v1/events/{}",
            sent["events"][0].as_str().unwrap()
        ))
        .await;
    assert_eq!(found.ok()["type"], "a.three");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_publisher_calls_like_ours_is_its_own() {
    let rig = Rig::new().await;
    subscribe(&rig, json!({"name": "all"})).await;
    let kind = ("content-type", "application/cloudevents+json");
    for id in ["1", "2"] {
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/s", "type": "a.b", "sequence": "7",
            "eventid": "evt_of_theirs", "hops": 99, "attempt": 5, "seq": "1", "heard": "false",
            "data": 1,
        });
        assert_eq!(send(&rig, &[kind], &event.to_string()).await.status, 201);
    }
    let pulled = pull(&rig, "all", json!({"max": 10})).await;
    let event = &pulled["events"][0];
    for (word, said) in [
        ("theirsequence", json!("7")),
        ("theireventid", json!("evt_of_theirs")),
        ("theirhops", json!(99)),
        ("hops", Value::Null),
        ("seq", Value::Null),
        ("attempt", json!(1)),
    ] {
        assert_eq!(event[word], said, "{word}: {event}");
    }
    let listed = rig.get("/api/v1/events?type=a.b").await.ok();
    let newest = &listed["items"][0];
    assert_eq!(newest["eventid"], newest["event"], "{newest}");
    assert_eq!(newest["heard"], true, "{newest}");
    // What is acknowledged is what was pulled.
    let places = places(&pulled);
    assert!(places[0] < places[1], "{places:?}");
    let ack = rig.post("/api/v1/consumers/all/ack", json!({"events": places}));
    assert_eq!(ack.await.ok()["acknowledged"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_source_and_id_is_the_same_event() {
    let rig = Rig::new().await;
    let event = json!({"type": "a.b", "source": "/s", "id": "1", "data": 1});
    let first = rig.post("/api/v1/events", event.clone()).await.ok();
    let again = rig.post("/api/v1/events", event).await.ok();
    assert_eq!(first, again);
    let other = json!({"type": "a.b", "source": "/s", "id": "1", "data": 2});
    let got = rig.post("/api/v1/events", other).await;
    assert_eq!(got.problem(), (409, "N0134".into()));
    for part in [
        "the event 1 of the source /s was published before",
        "a new id",
    ] {
        assert!(got.text.contains(part), "{part} in {got:?}");
    }
    let elsewhere = json!({"type": "a.b", "source": "/t", "id": "1", "data": 2});
    assert_ne!(
        rig.post("/api/v1/events", elsewhere).await.ok()["event"],
        first["event"]
    );
    assert_eq!(rig.get("/api/v1/events/stats").await.ok()["published"], 2);
    // JSON is the same value however it is written, and however the event comes.
    let kind = ("content-type", "application/cloudevents+json");
    let whole = |data: &str| {
        format!(
            "{{\"specversion\": \"1.0\", \"id\": \"9\", \"source\": \"/s\", \"type\": \"a.b\", \
             \"data\": {data}}}"
        )
    };
    let event = whole(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#);
    let first = send(&rig, &[kind], &event).await.ok()["event"].take();
    let turned = whole(r#"{"b":{"d":3,"c":2},"a":1}"#);
    assert_eq!(send(&rig, &[kind], &turned).await.ok()["event"], first);
    let ce = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "9"),
        ("ce-source", "/s"),
        ("ce-type", "a.b"),
    ];
    let binary = send(&rig, &ce, "{ \"b\": {\"d\": 3, \"c\": 2},\n \"a\": 1 }");
    assert_eq!(binary.await.ok()["event"], first);
    let other = send(&rig, &ce, r#"{"a": 2, "b": {"c": 2, "d": 3}}"#).await;
    assert_eq!(other.problem(), (409, "N0134".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_keep_their_types() {
    let rig = Rig::new().await;
    let kind = ("content-type", "application/cloudevents+json");
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "/s", "type": "a.b", "subject": "7",
        "size": 7, "cold": true, "name": "7",
    });
    assert_eq!(send(&rig, &[kind], &event.to_string()).await.status, 201);
    let listed = rig.get("/api/v1/events?type=a.b").await.ok();
    let listed = &listed["items"][0];
    for word in ["subject", "size", "cold", "name"] {
        assert_eq!(listed[word], event[word], "{word}: {listed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_never_comes_again() {
    let rig = Rig::new().await;
    let body = json!({"name": "mailer", "on": "email.*", "visible": "1ms",
        "retry": {"attempts": 3, "wait": "1ms", "max": "1ms"}});
    subscribe(&rig, body).await;
    for n in 0..5 {
        let topic = if n == 2 {
            "weather.data"
        } else {
            "email.received"
        };
        rig.post("/api/v1/events", json!({"type": topic, "data": n}))
            .await
            .ok();
    }
    let first = pull(&rig, "mailer", json!({"max": 2})).await;
    let taken = places(&first);
    assert_eq!(taken.len(), 2);
    // One is acknowledged with the next pull; the other comes again, with a higher count.
    let mut second = pull(
        &rig,
        "mailer",
        json!({"max": 10, "ack": [taken[0]], "wait_ms": 20_000}),
    )
    .await;
    assert_eq!(second["acknowledged"], 1);
    let mut seen = places(&second);
    while !seen.contains(&taken[1]) || seen.len() < 3 {
        second = pull(&rig, "mailer", json!({"max": 10, "wait_ms": 20_000})).await;
        seen.extend(places(&second));
    }
    assert!(!seen.contains(&taken[0]), "{seen:?}");
    let path = "/api/v1/consumers/mailer/ack";
    seen.sort_unstable();
    seen.dedup();
    let done = rig.post(path, json!({"events": seen})).await.ok();
    assert_eq!(done["acknowledged"], seen.len());
    let shown = rig.get("/api/v1/consumers/mailer").await.ok();
    assert_eq!(
        (&shown["done"], &shown["in_flight"]),
        (&json!(4), &json!(0))
    );
    let none = pull(&rig, "mailer", json!({"max": 10})).await;
    assert_eq!(none["events"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_waits_hears_at_once() {
    let rig = Rig::new().await;
    subscribe(&rig, json!({"name": "mailer", "on": "email.*"})).await;
    let waiting = pull(&rig, "mailer", json!({"wait_ms": 30_000}));
    let publishing = async {
        rig.post("/api/v1/events", json!({"type": "weather.data"}))
            .await
            .ok();
        rig.post("/api/v1/events", json!({"type": "email.received"}))
            .await
            .ok()
    };
    let both = async { tokio::join!(waiting, publishing) };
    let (pulled, _) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .unwrap();
    assert_eq!(pulled["events"][0]["type"], "email.received");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_aside_is_shown_and_given_again() {
    let rig = Rig::new().await;
    let body = json!({"name": "mailer", "on": "email.*", "retry": {"attempts": 1}});
    subscribe(&rig, body).await;
    let sent = rig
        .post(
            "/api/v1/events",
            json!({"type": "email.received", "data": 7}),
        )
        .await
        .ok();
    let taken = places(&pull(&rig, "mailer", json!({})).await);
    let path = "/api/v1/consumers/mailer/nack";
    assert_eq!(
        rig.post(path, json!({"events": taken})).await.ok()["returned"],
        1
    );
    let dead = rig.get("/api/v1/events/dead").await.ok();
    assert_eq!(dead["items"][0]["event"], sent["event"]);
    let status = rig.get("/api/v1/status").await.ok();
    let one = json!({"count": 1, "more": false, "consumers": {"mailer": 1}, "gone": []});
    assert_eq!(status["dead_letters"], one, "{status}");
    // What is put aside once more after a replay is one all the same.
    let again = format!(
        "/api/v1/consumers/mailer/dead/{}/replay",
        sent["event"].as_str().unwrap()
    );
    rig.post(&again, json!({})).await.ok();
    let taken = places(&pull(&rig, "mailer", json!({})).await);
    rig.post(path, json!({"events": taken})).await.ok();
    let shown = rig.get("/api/v1/consumers/mailer").await.ok();
    assert_eq!(shown["dead"], 1, "{shown}");
    let one = format!(
        "/api/v1/consumers/mailer/dead/{}",
        sent["event"].as_str().unwrap()
    );
    let shown = rig.get(&one).await.ok();
    assert_eq!(shown["cloudevent"]["data"], 7);
    assert_eq!(shown["problem"]["code"], "N0196");
    let body = json!({"name": "other", "on": "email.*", "retry": {"attempts": 1}});
    subscribe(&rig, body).await;
    rig.post("/api/v1/events", json!({"type": "email.received"}))
        .await
        .ok();
    let two = places(&pull(&rig, "other", json!({})).await);
    let path = "/api/v1/consumers/other/nack";
    rig.post(path, json!({"events": two})).await.ok();
    let first = rig.get("/api/v1/events/dead?limit=1").await.ok();
    assert_eq!(first["items"][0]["consumer"], "other", "{first}");
    let next = first["next"].as_str().unwrap().replace('/', "%2F");
    let path = format!("/api/v1/events/dead?limit=1&before={next}");
    let second = rig.get(&path).await.ok();
    assert_eq!(second["items"][0]["event"], sent["event"], "{second}");
    assert_eq!(second["next"], Value::Null);
    let odd = rig.get("/api/v1/events/dead?before=x").await;
    assert_eq!(odd.problem(), (400, "N0102".into()));
    rig.post(&format!("{one}/replay"), Value::Null).await.ok();
    assert_eq!(places(&pull(&rig, "mailer", json!({})).await), taken);
    assert_eq!(rig.get(&one).await.problem(), (404, "N0121".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_becomes_others_and_a_failure_is_one() {
    let rig = Rig::new().await;
    let data = json!({"of": "{{ trigger.data.n }}", "who": "a {{ trigger.data.who }}"});
    let emit = json!([{"type": "far", "when": "trigger.data.n > 3", "data": data}, "seen"]);
    let body = json!({"name": "sort", "on": "mail", "emit": emit});
    subscribe(&rig, body).await;
    subscribe(&rig, json!({"name": "all"})).await;
    let who = "say \"yes\"";
    let sent = json!({"type": "mail", "data": {"n": 5, "who": who}});
    let sent = rig.post("/api/v1/events", sent).await.ok();
    rig.post("/api/v1/events", json!({"type": "mail", "data": {}}))
        .await
        .ok();
    let pulled = pull(&rig, "all", json!({"max": 10, "wait_ms": 20_000})).await;
    let mut events = pulled["events"].as_array().unwrap().clone();
    while events.len() < 5 {
        let more = pull(&rig, "all", json!({"max": 10, "wait_ms": 20_000})).await;
        events.extend(more["events"].as_array().unwrap().iter().cloned());
    }
    let of = |topic: &str| events.iter().find(|event| event["type"] == topic).unwrap();
    let far = of("far");
    assert_eq!(far["data"], json!({"of": 5, "who": format!("a {who}")}));
    assert_eq!(far["causationid"], sent["event"]);
    assert_eq!(far["correlationid"], sent["event"]);
    assert_eq!(far["hops"], 1);
    assert_eq!(of("seen")["data"], json!({}));
    let error = &of("error")["data"];
    assert_eq!(
        (&error["handler"], &error["code"]),
        (&json!("sort"), &json!("N0106"))
    );
    let shown = rig.get("/api/v1/consumers/sort").await.ok();
    assert_eq!(shown["emits"][0]["kind"], "far");
    assert_eq!((&shown["done"], &shown["dead"]), (&json!(1), &json!(1)));
    let kept = rig.get("/api/v1/resources/subscriptions/sort").await.ok();
    assert_eq!(kept["spec"]["emit"][1]["kind"], "seen", "{kept}");
    let pages = rig.sign_in(&rig.owner).await;
    let page = rig.page(&pages, "/events").await;
    assert!(page.text.contains("emit far, seen"), "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_orphans_and_bad_requests() {
    let rig = Rig::new().await;
    subscribe(&rig, json!({"name": "mailer", "on": ["email.*", "*.sent"]})).await;
    for topic in ["email.received", "fax.sent", "weather.data"] {
        let body = json!({"type": topic, "correlation": "c", "source": "/here/x"});
        rig.post("/api/v1/events", body).await.ok();
    }
    let types = async |query: &str| -> Vec<String> {
        let got = rig.get(&format!("/api/v1/events{query}")).await.ok();
        let items = got["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|e| e["type"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(types("?orphans=true").await, ["weather.data"]);
    assert_eq!(
        types("?type=email.*,fax.*").await,
        ["fax.sent", "email.received"]
    );
    assert_eq!(
        types("?correlation=c&source=/here/*&limit=1").await,
        ["weather.data"]
    );
    assert_eq!(
        types("?after=0&limit=2").await,
        ["email.received", "fax.sent"]
    );
    let stats = rig.get("/api/v1/events/stats").await.ok();
    assert_eq!(
        (&stats["published"], &stats["orphans"]),
        (&json!(3), &json!(1))
    );
    for (path, body, expected) in [
        (
            "events",
            json!({"type": "a", "data": "x".repeat(300_000)}),
            (413, "N0103"),
        ),
        (
            "consumers",
            json!({"name": "x", "on": "a b"}),
            (400, "N0105"),
        ),
        ("consumers", json!({"name": "mailer"}), (409, "N0130")),
        ("consumers/mailer/pull", json!({"max": 0}), (400, "N0102")),
        ("consumers/nobody/pull", json!({}), (404, "N0121")),
        (
            "consumers/mailer/ack",
            json!({"events": "x"}),
            (400, "N0102"),
        ),
    ] {
        let got = rig.post(&format!("/api/v1/{path}"), body).await;
        assert_eq!(got.problem(), (expected.0, expected.1.to_owned()), "{path}");
    }
    let other = rig.tenant("riake").await;
    let theirs = rig
        .api(&other, "GET", "/api/v1/events", Value::Null)
        .await
        .ok();
    assert_eq!(theirs["items"], json!([]), "{theirs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_sets_off_and_what_waits_for_one() {
    let rig = Rig::new().await;
    let text = "\
type: plan
name: answer
inputs: [{name: who, type: string}]
steps:
  - name: paid
    wait_for: {event: order.paid, where: event.data.n > 1, correlation: '{{ trigger.correlation }}'}
  - {name: look, wait_for: {signal: looked}}
  - {name: say, render: '{{ inputs.who }} {{ paid.output.data.n }} {{ look.output }}'}
---
type: subscription
name: orders
on: order.placed
filter: trigger.data.who != 'nobody'
start: {plan: answer}
";
    let apply = json!({"files": [{"name": "f.yaml", "text": text}], "strict": true});
    rig.post("/api/v1/apply", apply).await.ok();
    for who in ["nobody", "ana"] {
        let body = json!({"type": "order.placed", "correlation": "o1", "data": {"who": who}});
        rig.post("/api/v1/events", body).await.ok();
    }
    let runs = rig.get("/api/v1/plan-runs?name=answer").await.ok();
    let runs = runs["items"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(runs[0]["correlation"], "o1");
    assert!(runs[0]["causation"].as_str().unwrap().starts_with("evt_"));
    let run = runs[0]["run"].as_str().unwrap().to_owned();
    for (correlation, n) in [("o2", 5), ("o1", 1), ("o1", 4)] {
        let body = json!({"type": "order.paid", "correlation": correlation, "data": {"n": n}});
        rig.post("/api/v1/events", body).await.ok();
    }
    let signal = format!("/api/v1/plan-runs/{run}/signal");
    rig.post(&signal, json!({"name": "looked", "data": "well"}))
        .await
        .ok();
    let shown = rig
        .get(&format!("/api/v1/plan-runs/{run}?wait_ms=20000"))
        .await
        .ok();
    assert_eq!(
        (&shown["status"], &shown["output"]),
        (&json!("completed"), &json!("ana 4 well"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_gives_values_and_no_inputs_of_its_own() {
    let rig = Rig::new().await;
    let text = "\
type: plan
name: greet
inputs:
  - {name: who, type: string}
  - {name: n, type: number}
  - {name: role, type: string, default: guest}
steps:
  - {name: say, render: '{{ inputs.role }} {{ inputs.n + 1 }} {{ inputs.who }}'}
---
type: subscription
name: as-text
on: came.text
start: {plan: greet, input: '{\"who\": \"{{ trigger.data.who }}\", \"n\": {{ trigger.data.n }}}'}
---
type: subscription
name: as-map
on: came.map
start: {plan: greet, input: {who: '{{ trigger.data.who }}', n: '{{ trigger.data.n }}'}}
";
    let apply = json!({"files": [{"name": "f.yaml", "text": text}], "strict": true});
    rig.post("/api/v1/apply", apply).await.ok();
    let who = "x\", \"role\": \"chief";
    for topic in ["came.text", "came.map"] {
        let body = json!({"type": topic, "data": {"who": who, "n": 3}});
        rig.post("/api/v1/events", body).await.ok();
    }
    let runs = rig.get("/api/v1/plan-runs?name=greet").await.ok();
    let runs = runs["items"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{runs:?}");
    for run in runs {
        let run = run["run"].as_str().unwrap();
        let path = format!("/api/v1/plan-runs/{run}?wait_ms=20000");
        let shown = rig.get(&path).await.ok();
        assert_eq!(shown["output"], format!("guest 4 {who}"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_far_behind_is_found_under_one_key() {
    let rig = Rig::new().await;
    let many = ("content-type", "application/cloudevents-batch+json");
    for batch in 0..5 {
        let one = |at: u32| {
            json!({
                "specversion": "1.0", "id": format!("{batch}-{at}"), "source": "/s",
                "type": "other.thing",
            })
        };
        let all: Vec<Value> = (0..1_000).map(one).collect();
        let sent = send(&rig, &[many], &Value::Array(all).to_string()).await;
        assert!(sent.status.is_success(), "{sent:?}");
    }
    let wanted = json!({"type": "wanted.thing"}).to_string();
    let sent = send(&rig, &[("content-type", "application/json")], &wanted).await;
    assert_eq!(sent.status, 201);
    subscribe(
        &rig,
        json!({"name": "late", "on": "wanted.*", "from": "start"}),
    )
    .await;
    // A command sends a key with each request: what it asks the cell for on the way is many things.
    for key in ["k-1", "k-1", "k-2"] {
        let request = Request::post("/api/v1/consumers/late/pull")
            .header("host", "127.0.0.1:4200")
            .header("authorization", format!("Bearer {}", rig.owner))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let request = request.body(Body::from(r#"{"max": 1}"#)).unwrap();
        let pulled = tokio::time::timeout(Duration::from_secs(30), rig.send(request)).await;
        let pulled = pulled.expect("it comes to an end").ok();
        let found = usize::from(key == "k-1");
        assert_eq!(places(&pulled).len(), found, "{key}: {pulled}");
    }
    // Whoever never took any is told the true number, however far behind it stands.
    let seen = json!({"name": "never", "on": "wanted.*", "from": "start"});
    subscribe(&rig, seen).await;
    let never = rig.get("/api/v1/consumers/never").await.ok();
    let told = (
        &never["behind"],
        &never["behind_more"],
        &never["behind_why"],
    );
    assert_eq!(told, (&json!(1), &json!(false), &Value::Null), "{never}");
}

/// Whatever is wrong with one event of a batch is found before any of it is published.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_as_a_whole_or_not_at_all() {
    let rig = Rig::new().await;
    let event = |id: &str, topic: &str, data: Value| {
        let mut event = json!({"specversion": "1.0", "source": "/s", "id": id, "type": topic});
        event["data"] = data;
        event
    };
    let many = ("content-type", "application/cloudevents-batch+json");
    let batch = async |events: Value| send(&rig, &[many], &events.to_string()).await;
    let published = async || rig.get("/api/v1/events/stats").await.ok()["published"].take();
    let before = event("before", "a.b", json!(1));
    let first = batch(json!([before])).await.ok();
    assert_eq!(published().await, 1);
    let large = json!("x".repeat(300_000));
    let mut nameless = event("c2", "a.b", json!(1));
    nameless["id"] = json!("");
    let start = event("c1", "a.b", json!(1));
    for (second, status, why) in [
        (
            event("c1", "a.b", json!(2)),
            409,
            "event 1 has its id and its source",
        ),
        (event("before", "a.b", json!(2)), 409, "published before"),
        (
            event("c2", "b b", json!(1)),
            400,
            "can't be the type of an event",
        ),
        (event("c2", "plan.completed", json!(1)), 400, ""),
        (event("c2", "a.b", large), 413, "bytes"),
        (nameless, 400, "`id` is empty"),
        (json!(7), 400, "an event is a JSON object"),
    ] {
        let got = batch(json!([start, second, event("c3", "a.b", json!(1))])).await;
        assert_eq!(got.problem().0, status, "{got:?}");
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        let place = "event 2 of the batch: ";
        assert!(
            detail.starts_with(place) && detail.contains(why),
            "{why}: {detail}"
        );
        assert_eq!(published().await, 1, "{detail}");
    }
    let twice = format!("[{start}, {{\"id\": \"c2\", \"id\": \"c4\"}}]");
    let got = send(&rig, &[many], &twice).await;
    assert!(
        got.text.contains("event 2 of the batch: the key"),
        "{got:?}"
    );
    // The same event twice, and one that is there: each is what it was.
    let again = batch(json!([start, start, before])).await.ok();
    let events = again["events"].as_array().unwrap();
    assert_eq!((&events[0], &events[2]), (&events[1], &first["events"][0]));
    assert_eq!(published().await, 2);
}

/// Nothing that an event says is lost unseen, and nothing is read as something else.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_read_as_it_is_written() {
    let rig = Rig::new().await;
    let kind = ("content-type", "application/cloudevents+json");
    let whole = |more: &str| {
        format!("{{\"specversion\": \"1.0\", \"type\": \"a.b\", \"source\": \"/s\", {more}}}")
    };
    let plain = |more: &str| format!("{{\"type\": \"a.b\", {more}}}");
    for (body, why) in [
        (
            whole(r#""id": "1", "type": "c.d""#),
            "the key \\\"type\\\" is there twice",
        ),
        (
            plain(r#""data": {"a": {"b": 1, "b": 2}}"#),
            "the key \\\"b\\\" is there twice",
        ),
        (whole(r#""id": 7"#), "`id` is text, not 7"),
        (plain(r#""id": 7, "source": "/s""#), "`id` is text, not 7"),
        (plain(r#""source": true"#), "`source` is text, not true"),
        (
            plain(r#""data": [12345678901234567890123]"#),
            "12345678901234567890123 is a whole",
        ),
    ] {
        let headers = if body.contains("specversion") {
            &[kind][..]
        } else {
            &[]
        };
        let got = send(&rig, headers, &body).await;
        assert_eq!(got.problem().0, 400, "{body}: {got:?}");
        assert!(got.text.contains(why), "{body}: {got:?}");
    }
    let binary = |source: &'static str| {
        [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "7"),
            ("ce-source", source),
            ("ce-type", "a.b"),
        ]
    };
    let got = send(&rig, &binary("/s"), r#"{"a": 1, "a": 2}"#).await;
    assert!(got.text.contains("is there twice"), "{got:?}");
    for twice in [("ce-id", "8"), ("ce-type", "a.b"), ("ce-own", "x")] {
        let headers = [&binary("/s")[..], &[twice, ("ce-own", "y")]].concat();
        let got = send(&rig, &headers, "1").await;
        assert_eq!(got.problem().0, 400, "{twice:?}: {got:?}");
        let why = format!("the header {} is there twice", twice.0);
        assert!(got.text.contains(&why), "{got:?}");
    }
    for source in ["urn:x:1", "https://a.example/b?c#d", "mail", "a%20b"] {
        assert_eq!(
            send(&rig, &binary(source), "1").await.status,
            201,
            "{source}"
        );
    }
    // A number is the same one however it is written.
    let mut known = Vec::new();
    for data in ["150", "150.0", "1.5e2", "{\"a\": 150}", "{\"a\":15e1}"] {
        let id = if data.starts_with('{') { "n2" } else { "n1" };
        let event = plain(&format!(
            "\"id\": \"{id}\", \"source\": \"/s\", \"data\": {data}"
        ));
        known.push(send(&rig, &[], &event).await.ok()["event"].take());
    }
    assert!(known[0] == known[1] && known[1] == known[2], "{known:?}");
    assert!(known[3] == known[4] && known[2] != known[3], "{known:?}");
    let other = plain(r#""id": "n1", "source": "/s", "data": 150.5"#);
    assert_eq!(
        send(&rig, &[], &other).await.problem(),
        (409, "N0134".into())
    );
}

/// A value that is nothing but an expression is as strict as a text that holds one.
#[tokio::test(flavor = "multi_thread")]
async fn what_isnt_there_is_sent_to_nobody() {
    let rig = Rig::new().await;
    let text = "\
type: plan
name: tell
inputs: [{name: o, type: map}]
steps:
  - name: tell
    emit:
      type: told
      data: {amount: '{{ inputs.o.amount }}', note: '{{ inputs.o.note }}'}
---
type: subscription
name: sort
on: mail
emit: [{type: sorted, data: {n: '{{ trigger.data.n }}'}}]
---
type: subscription
name: begin
on: mail
start: {plan: tell, input: {o: '{{ trigger.data.o }}'}}
";
    super::plans::apply(&rig, text).await;
    let run = async |o: Value| {
        let asked = json!({"inputs": {"o": o}, "wait_ms": 20_000});
        rig.post("/api/v1/plans/tell/start", asked).await.ok()
    };
    let failed = run(json!({"amout": 1, "note": null})).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(failed.to_string().contains("N0106"), "{failed}");
    for (amount, told) in [(json!(1), json!(1)), (Value::Null, Value::Null)] {
        let done = run(json!({"amount": amount, "note": null})).await;
        assert_eq!(done["status"], "completed", "{done}");
        let events = rig.get("/api/v1/events?type=told&limit=1").await.ok();
        let data = &events["items"][0]["data"];
        assert_eq!(*data, json!({"amount": told, "note": null}), "{events}");
    }
    let mail = json!({"type": "mail", "data": {"m": 1}});
    rig.post("/api/v1/events", mail).await.ok();
    for consumer in ["sort", "begin"] {
        let mut shown = Value::Null;
        for _ in 0..200 {
            shown = rig.get(&format!("/api/v1/consumers/{consumer}")).await.ok();
            if shown["dead"] != 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(shown["dead"], 1, "{shown}");
    }
    for topic in ["sorted", "told"] {
        let events = rig.get(&format!("/api/v1/events?type={topic}")).await.ok();
        let count = if topic == "told" { 2 } else { 0 };
        assert_eq!(events["items"].as_array().unwrap().len(), count, "{events}");
    }
}
