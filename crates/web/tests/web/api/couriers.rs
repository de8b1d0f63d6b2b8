//! Subscriptions whose events are delivered.

use std::time::Duration;

use naos_engine::node::Handed;
use naos_types::Span;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::AbortHandle;

use super::plans::apply;
use crate::support::{Came, Rig};

const SHOP: &str = "type: subscription\nname: shop\non: order.*\n\
    deliver: {url: \"https://shop.example.org/events\"}\nretry: {attempts: 3, wait: 1ms}\n";
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn came(hear: &mut UnboundedReceiver<Came>) -> Came {
    let came = tokio::time::timeout(PATIENCE, hear.recv()).await;
    came.expect("in time").expect("naos is up")
}

/// Couriers at work until the test ends.
struct Working(AbortHandle);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn set_out(rig: &Rig) -> Working {
    let running = rig.couriers.clone().run();
    Working(
        tokio::runtime::Handle::current()
            .spawn(running)
            .abort_handle(),
    )
}

async fn publish(rig: &Rig, n: u64) {
    let event = json!({"type": "order.paid", "data": {"n": n}});
    rig.post("/api/v1/events", event).await.ok();
}

async fn shop(rig: &Rig) -> Value {
    rig.get("/api/v1/consumers/shop").await.ok()
}

/// The subscription, once it is as wanted.
async fn until(rig: &Rig, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = naos_engine::clock::tick() + PATIENCE;
    loop {
        let found = shop(rig).await;
        if wanted(&found) {
            return found;
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_delivered_in_order_and_acknowledged() {
    let (rig, mut hear) = Rig::with_receiver().await;
    let _working = set_out(&rig);
    let applied = apply(&rig, SHOP).await;
    let signing = &applied["items"][0]["signing"];
    assert_eq!(signing["sends_to"], "https://shop.example.org/events");
    for n in 0..5 {
        publish(&rig, n).await;
    }
    for n in 0..5 {
        let found = came(&mut hear).await;
        let event = found.event();
        assert_eq!(
            (&event["specversion"], &event["type"], &event["data"]["n"]),
            (&json!("1.0"), &json!("order.paid"), &json!(n)),
            "{event}"
        );
        assert_eq!(&json!(found.parcel.secret), &signing["secret"]);
        let id = event["eventid"].as_str().unwrap();
        let key = format!("{}-{id}-shop", rig.main);
        assert_eq!(found.parcel.key, key);
        found.answer(204, "");
    }
    let found = until(&rig, |found| found["done"] == 5).await;
    assert_eq!(
        (
            &found["in_flight"],
            &found["dead"],
            &found["deliver"]["state"]
        ),
        (&json!(0), &json!(0), &json!("delivering")),
        "{found}"
    );
    assert_eq!(found["deliver"]["said"]["taken"], true, "{found}");
    assert!(hear.try_recv().is_err(), "one came twice");
    // Nobody else takes them, and the secret stands nowhere.
    let got = rig
        .post("/api/v1/consumers/shop/pull", json!({"max": 1}))
        .await;
    assert_eq!(got.problem(), (409, "N0131".into()));
    for path in [
        "/api/v1/consumers",
        "/api/v1/resources/subscription/shop",
        "/api/v1/consumers/shop/secret",
        "/api/v1/audit?last=200",
    ] {
        let got = rig.get(path).await.text;
        assert!(!got.contains("whsec_"), "{path}: {got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_isnt_taken_comes_again_under_the_same_id_and_is_put_aside() {
    let (rig, mut hear) = Rig::with_receiver().await;
    let _working = set_out(&rig);
    apply(&rig, SHOP).await;
    publish(&rig, 1).await;
    let first = came(&mut hear).await;
    let key = first.parcel.key.clone();
    first.answer(500, "oh");
    let second = came(&mut hear).await;
    assert_eq!(second.parcel.key, key, "it is the same event");
    second.answer(200, "");
    until(&rig, |found| found["done"] == 1).await;
    publish(&rig, 2).await;
    for nth in 0..3 {
        let found = came(&mut hear).await;
        assert_eq!(found.event()["data"]["n"], 2, "{nth}");
        found.ends(Handed::Lost("the connection broke".into()));
    }
    let found = until(&rig, |found| found["dead"] == 1).await;
    let said = &found["deliver"]["said"];
    assert_eq!(said["what"], "the connection broke", "{found}");
    assert_eq!(said["failures"], 3, "{found}");
    assert!(said["failing_since"].is_string(), "{found}");
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/events").await.text;
    assert!(page.contains("the connection broke"), "{page}");
    let dead = rig.get("/api/v1/events/dead").await.ok();
    let event = dead["items"][0]["event"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/consumers/shop/dead/{event}/replay");
    rig.post(&path, json!({})).await.ok();
    let found = came(&mut hear).await;
    assert_eq!(found.event()["data"]["n"], 2);
    found.answer(200, "");
    let found = until(&rig, |found| found["done"] == 2).await;
    assert_eq!(
        found["deliver"]["said"]["failing_since"],
        Value::Null,
        "it is there again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_says_how_long_it_wants_to_be_left_alone() {
    let (rig, mut hear) = Rig::with_receiver().await;
    let _working = set_out(&rig);
    apply(&rig, SHOP).await;
    publish(&rig, 1).await;
    came(&mut hear).await.ends(Handed::Answered {
        status: 429,
        wait: Some(Span::secs(3_600)),
        body: Vec::new(),
    });
    // It waits, and what comes after it doesn't.
    publish(&rig, 2).await;
    let next = came(&mut hear).await;
    assert_eq!(next.event()["data"]["n"], 2);
    next.answer(200, "");
    let found = until(&rig, |found| found["done"] == 1).await;
    assert_eq!(found["in_flight"], 1, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_left_alone_until_a_person_says_so() {
    let (rig, mut hear) = Rig::with_receiver().await;
    let _working = set_out(&rig);
    apply(&rig, SHOP).await;
    publish(&rig, 1).await;
    came(&mut hear).await.answer(410, "");
    let found = until(&rig, |found| found["deliver"]["state"] == "paused").await;
    let why = found["deliver"]["why"].as_str().unwrap();
    assert!(why.contains("answered 410"), "{found}");
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/events").await.text;
    assert!(page.contains("gone for good"), "{page}");
    publish(&rig, 2).await;
    let found = shop(&rig).await;
    assert_eq!(found["done"], 0, "{found}");
    assert!(hear.try_recv().is_err());
    // The page lets it go on; the API does, below.
    let form = "/events/deliveries/shop";
    assert!(
        page.contains(form) && page.contains(r#"value="resume""#),
        "{page}"
    );
    let key = "idempotency_key=01jb0000000000000000000000";
    let wrong = rig.form(&cookie, form, &format!("{key}&do=begin")).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    assert_eq!(shop(&rig).await["deliver"]["state"], "paused");
    let done = rig.form(&cookie, form, &format!("{key}&do=resume")).await;
    assert_eq!(done.status, 303, "{}", done.text);
    // The one that it refused comes again once it is due; the new one at once.
    let next = came(&mut hear).await;
    assert_eq!(next.event()["data"]["n"], 2);
    next.answer(200, "");
    until(&rig, |found| found["done"] == 1).await;
    let page = rig.page(&cookie, "/events").await.text;
    assert!(page.contains(r#"value="pause""#), "{page}");
    let other = rig.form(
        &cookie,
        form,
        "idempotency_key=01jb0000000000000000000001&do=pause",
    );
    assert_eq!(other.await.status, 303);
    let found = shop(&rig).await;
    assert_eq!(found["deliver"]["why"], "a person paused it", "{found}");
    for (verb, state) in [("resume", "delivering"), ("pause", "paused")] {
        let path = format!("/api/v1/consumers/shop/{verb}");
        rig.post(&path, json!({})).await.ok();
        let found = shop(&rig).await;
        assert_eq!(found["deliver"]["state"], state, "{found}");
    }
    let found = shop(&rig).await;
    assert_eq!(found["deliver"]["why"], "a person paused it", "{found}");
    let none = rig.post("/api/v1/consumers/nobody/resume", json!({})).await;
    assert_eq!(none.problem(), (404, "N0121".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_at_the_end_comes_again() {
    let (rig, mut hear) = Rig::with_receiver().await;
    // It was published before anybody was up to deliver it.
    apply(&rig, SHOP).await;
    publish(&rig, 1).await;
    let working = set_out(&rig);
    let first = came(&mut hear).await;
    drop(working);
    drop(first); // nobody hears its answer
    let _working = set_out(&rig);
    publish(&rig, 2).await;
    let next = came(&mut hear).await;
    assert_eq!(next.event()["data"]["n"], 2);
    next.answer(200, "");
    let found = until(&rig, |found| found["done"] == 1).await;
    assert_eq!(found["in_flight"], 1, "the first is still with it: {found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_where_it_says_so() {
    let (rig, mut hear) = Rig::with_receiver().await;
    let text = SHOP.replace("/events\"}", "/events\", at_once: 3}");
    apply(&rig, &text).await;
    for n in 0..3 {
        publish(&rig, n).await;
    }
    let _working = set_out(&rig);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(came(&mut hear).await);
    }
    for one in open {
        one.answer(200, "");
    }
    until(&rig, |found| found["done"] == 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_cannot_be_delivered_are_refused() {
    let rig = Rig::new().await;
    let url = "url: \"https://shop.example.org/\"";
    for (bad, why) in [
        ("deliver: {}".to_owned(), "says no `url`"),
        ("deliver: \"shop\"".to_owned(), "https://"),
        (
            "deliver: {url: \"http://shop.example.org/\"}".to_owned(),
            "begins with https://",
        ),
        (format!("deliver: {{{url}, at_once: 0}}"), "from 1 to 32"),
        (format!("deliver: {{{url}, hooks: 3}}"), "hooks"),
        (format!("deliver: {{{url}}}, visible: 5s"), "at least 45 s"),
        (
            format!("deliver: {{{url}}}, start: {{plan: p}}"),
            "starts something or is delivered",
        ),
    ] {
        let text = format!("subscription: {{name: s, on: a.b, {bad}}}");
        let files = json!([{"name": "s.yaml", "text": text}]);
        let got = rig.post("/api/v1/apply", json!({ "files": files })).await;
        assert_eq!(got.status.as_u16(), 400, "{bad}: {got:?}");
        assert!(got.text.contains(why), "{bad}: {}", got.text);
    }
}
