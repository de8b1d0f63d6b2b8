//! The page of one event, and what was put aside with what it says.

use http::StatusCode;
use serde_json::json;

use super::hidden;
use crate::support::Rig;

/// Refuses what isn't granted to it: any event is one that it fails at.
const READER: &str = "driver: {id: reader, builtin: context.read, grants: {context_read: [Mail/]}}";

async fn apply(rig: &Rig, text: &str) {
    let files = json!({"files": [{"name": "d.yaml", "text": text}]});
    rig.post("/api/v1/apply", files).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_a_page_with_all_that_it_says() {
    let rig = Rig::new().await;
    apply(&rig, "type: subscription\nname: taker\non: order.*\n").await;
    let tells = "type: subscription\nname: teller\non: order.*\nemit: {type: told}\n";
    apply(&rig, tells).await;
    let long = "é".repeat(9_000);
    let event = json!({
        "specversion": "1.0", "id": "o-7", "source": "/shop", "type": "order.paid",
        "correlationid": "talk-9", "causationid": "o-6", "subject": "s-1",
        "data": {"a": long, "z": "the very last"},
    });
    let asked = crate::support::request(
        &rig.owner,
        "POST",
        "/api/v1/events",
        &event,
        &[("content-type", "application/cloudevents+json")],
    );
    let published = rig.send(asked).await.ok();
    let id = published["event"].as_str().unwrap();
    rig.post("/api/v1/consumers/taker/pull", json!({"max": 1}))
        .await
        .ok();
    let cookie = rig.sign_in(&rig.member("staff").await).await;
    let list = rig.page(&cookie, "/events").await;
    let place = format!("/events/{id}");
    assert!(list.text.contains(&format!("href=\"{place}\"")), "{list:?}");
    let page = rig.page(&cookie, &place).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    for said in [
        "order.paid",
        "/shop",
        "href=\"/events?correlation=talk-9\"",
        "s-1",
        "The beginning only, of 18,",
        "naos events show evt_",
        "It has it, and is not done with it.",
        "It made of it, in events: 1",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("the very last"), "it is cut");
    assert!(page.text.matches('é').count() > 8_000, "at 16 KiB");
    // What it became names it as its cause.
    let made = rig.get("/api/v1/events?type=told").await.ok();
    let made = made["items"][0]["event"].as_str().unwrap();
    let page = rig.page(&cookie, &format!("/events/{made}")).await;
    assert!(page.text.contains(&format!("href=\"{place}\"")), "{page:?}");
    // Neither a stranger nor the next tenant sees it.
    let next = rig.tenant("next").await;
    let next = rig.sign_in(&next).await;
    for (cookie, wanted) in [
        (next, StatusCode::NOT_FOUND),
        (
            rig.sign_in(&rig.member("external").await).await,
            StatusCode::FORBIDDEN,
        ),
    ] {
        let got = rig.page(&cookie, &place).await;
        assert_eq!(got.status, wanted, "{got:?}");
        assert!(!got.text.contains("order.paid"), "{got:?}");
    }
    let lost = rig.page(&cookie, "/events/evt_nothing").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_driver_failed_at_is_decided_with_what_it_says() {
    let rig = Rig::new().await;
    apply(&rig, READER).await;
    let event = json!({"type": "context.read", "data": {"path": "/Salaries/All"}});
    let published = rig.post("/api/v1/events", event).await.ok();
    let id = published["event"].as_str().unwrap();
    let dead = rig.get("/api/v1/events/dead").await.ok();
    let one = &dead["items"][0];
    assert_eq!(
        (&one["consumer"], &one["event"], &one["problem"]["code"]),
        (&json!("driver-reader"), &json!(id), &json!("N0233")),
        "{dead}"
    );
    let run = one["run"].as_str().expect("what failed at it");
    assert_eq!(one["acted"], false, "{one}");
    let consumers = rig.get("/api/v1/consumers").await.ok();
    let own = &consumers["items"][0];
    assert_eq!((&own["done"], &own["dead"]), (&json!(0), &json!(1)));
    let cookie = rig.sign_in(&rig.owner).await;
    let place = format!("/events/{id}");
    for page in ["/events", &place] {
        let got = rig.page(&cookie, page).await;
        assert_eq!(got.status, StatusCode::OK, "{got:?}");
        for said in [
            "Salaries/All",
            "the driver can&#39;t do what the event asks for",
            "naos explain N0233",
            "Given once",
            &format!("href=\"/runs/{run}\""),
            &format!("href=\"{place}\""),
        ] {
            let shown = page == "/events" || !said.contains("href=\"/events");
            assert!(got.text.contains(said) || !shown, "{said}: {}", got.text);
        }
    }
    // It is granted now, and given again from its own page.
    let may = READER.replace("Mail/", "Salaries/");
    apply(&rig, &may).await;
    let page = rig.page(&cookie, &place).await;
    let key = hidden(&page.text, "idempotency_key");
    let body = format!("idempotency_key={key}&consumer=driver-reader&event={id}&action=replay");
    let done = rig.form(&cookie, "/events/dead", &body).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    let dead = rig.get("/api/v1/events/dead").await.ok();
    assert_eq!(dead["items"], json!([]), "{dead}");
    let consumers = rig.get("/api/v1/consumers").await.ok();
    assert_eq!(consumers["items"][0]["done"], 1, "{consumers}");
}
