//! `/hooks/{tenant}/{name}`: signed calls that set instructions off.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::Sha256;

use super::plans::apply;
use crate::support::{Got, Rig};

const CALLED: &str = "type: instruction\nname: on-payment\ntrigger: {webhook: true}\n\
    inputs: [{name: total, type: number, default: 0}]\nplan:\n  \
    - emit: {type: context.write, path: /paid, data: {content: \"{{ inputs.total }}\"}}\n";

/// What signs calls.
pub struct Signer {
    pub address: String,
    pub secret: String,
}

impl Signer {
    pub fn of(told: &Value) -> Self {
        let text = |key: &str| {
            told[key]
                .as_str()
                .unwrap_or_else(|| panic!("{told}"))
                .to_owned()
        };
        Self {
            address: text("address"),
            secret: text("secret"),
        }
    }

    pub fn signature(&self, id: &str, at: i64, body: &str) -> String {
        let secret = self.secret.strip_prefix("whsec_").unwrap();
        let secret = STANDARD.decode(secret).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    pub async fn call(&self, rig: &Rig, id: &str, at: i64, body: &str) -> Got {
        let signature = self.signature(id, at, body);
        send(rig, &self.address, id, &at.to_string(), &signature, body).await
    }
}

pub async fn send(
    rig: &Rig,
    address: &str,
    id: &str,
    at: &str,
    signature: &str,
    body: &str,
) -> Got {
    let request = Request::post(address)
        .header("host", "127.0.0.1:4200")
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature);
    rig.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

pub fn now() -> i64 {
    naos_engine::clock::now().0 / 1_000
}

/// An instruction, and whoever calls it.
async fn called(rig: &Rig) -> Signer {
    let applied = apply(rig, CALLED).await;
    assert_eq!(applied["warnings"], json!([]), "{applied}");
    Signer::of(&applied["items"][0]["webhook"])
}

/// How many runs of the instruction there are, once this many are.
async fn runs(rig: &Rig) -> usize {
    let found = rig.get("/api/v1/plan-runs?kind=instruction").await.ok();
    found["items"].as_array().unwrap().len()
}

/// Waits until the journal says that an event set a run off.
async fn set_off(rig: &Rig, event: &str) {
    let deadline = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
    loop {
        let lines = rig
            .get("/api/v1/audit?last=200&action=event.triggered")
            .await
            .ok();
        if lines.to_string().contains(event) {
            return;
        }
        assert!(
            naos_engine::clock::tick() < deadline,
            "{event} set nothing off: {lines}"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_call_sets_an_instruction_off() {
    let rig = Rig::new().await;
    let signer = called(&rig).await;
    assert_eq!(signer.address, "/hooks/main/on-payment");
    let got = signer.call(&rig, "msg_1", now(), "{\"total\": 12}").await;
    assert_eq!(got.status.as_u16(), 202, "{got:?}");
    let event = got.ok()["event"].as_str().unwrap().to_owned();
    set_off(&rig, &event).await;
    assert_eq!(runs(&rig).await, 1);
    let found = rig.get(&format!("/api/v1/events/{event}")).await.ok();
    assert_eq!(
        (&found["type"], &found["source"], &found["data"]["total"]),
        (
            &json!("webhook.received"),
            &json!("/hooks/on-payment"),
            &json!(12)
        ),
        "{found}"
    );
    // The secret is told once: not when it is applied again, and in no list.
    let again = apply(&rig, CALLED).await;
    assert_eq!(again["items"][0].get("webhook"), None, "{again}");
    for path in [
        "/api/v1/resources/webhooks",
        "/api/v1/resources/instruction/on-payment",
        "/api/v1/instructions/on-payment/webhook",
        "/api/v1/audit?last=100",
    ] {
        let got = rig.get(path).await;
        assert!(got.status.is_success(), "{path}: {got:?}");
        assert!(!got.text.contains("whsec_"), "{path}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_isnt_signed_is_refused() {
    let rig = Rig::new().await;
    let signer = called(&rig).await;
    let (at, body) = (now(), "{\"total\": 1}");
    let good = signer.signature("msg_1", at, body);
    let other = Signer {
        secret: format!("whsec_{}", STANDARD.encode([7; 32])),
        address: signer.address.clone(),
    };
    let stamp = at.to_string();
    for (address, id, stamp, signature, body) in [
        (
            signer.address.as_str(),
            "msg_1",
            stamp.as_str(),
            other.signature("msg_1", at, body),
            body,
        ),
        (
            signer.address.as_str(),
            "msg_2",
            stamp.as_str(),
            good.clone(),
            body,
        ),
        (
            signer.address.as_str(),
            "msg_1",
            stamp.as_str(),
            good.clone(),
            "{\"total\": 2}",
        ),
        (
            signer.address.as_str(),
            "msg_1",
            stamp.as_str(),
            good.replace("v1,", "v1a,"),
            body,
        ),
        (
            signer.address.as_str(),
            "msg_1",
            stamp.as_str(),
            "v1,AAAA".into(),
            body,
        ),
        (signer.address.as_str(), "msg_1", "soon", good.clone(), body),
        (
            "/hooks/main/nothing",
            "msg_1",
            stamp.as_str(),
            good.clone(),
            body,
        ),
        (
            "/hooks/nobody/on-payment",
            "msg_1",
            stamp.as_str(),
            good.clone(),
            body,
        ),
        (
            "/hooks/main/No%20Name",
            "msg_1",
            stamp.as_str(),
            good.clone(),
            body,
        ),
    ] {
        let got = send(&rig, address, id, stamp, &signature, body).await;
        assert_eq!(
            got.problem(),
            (401, "N0149".into()),
            "{address} {id} {signature}"
        );
    }
    let bare = Request::post(signer.address.as_str())
        .header("host", "127.0.0.1:4200")
        .body(Body::from(body))
        .unwrap();
    assert_eq!(rig.send(bare).await.problem(), (401, "N0149".into()));
    let events = rig.get("/api/v1/events?type=webhook.*").await.ok();
    assert_eq!(events["items"], json!([]));
    // One of several signatures is enough: so a sender changes its secret.
    let both = format!("{} {good}", other.signature("msg_1", at, body));
    let got = send(&rig, &signer.address, "msg_1", &stamp, &both, body).await;
    assert_eq!(got.status.as_u16(), 202, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_call_is_refused() {
    let rig = Rig::new().await;
    let signer = called(&rig).await;
    for off in [-301, 3_600, i64::MIN / 2] {
        let at = now().saturating_add(off);
        let got = signer.call(&rig, "msg_1", at, "{}").await;
        assert_eq!(got.problem(), (401, "N0149".into()), "{off}");
        assert!(got.text.contains("signed"), "{got:?}");
    }
    let got = signer.call(&rig, "msg_1", now() - 200, "{}").await;
    assert_eq!(got.status.as_u16(), 202, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_again_is_the_same() {
    let rig = Rig::new().await;
    let signer = called(&rig).await;
    let first = signer
        .call(&rig, "msg_1", now(), "{\"total\": 1}")
        .await
        .ok();
    // A sender that tries again signs anew.
    let again = signer
        .call(&rig, "msg_1", now() - 1, "{\"total\": 1}")
        .await
        .ok();
    assert_eq!(again["event"], first["event"]);
    let other = signer.call(&rig, "msg_1", now(), "{\"total\": 2}").await;
    assert_eq!(other.problem(), (409, "N0134".into()));
    assert!(
        other.text.contains("webhook-id msg_1 came before"),
        "{other:?}"
    );
    // A number is the same one however it is written, and a key that is there twice is none.
    let written = signer.call(&rig, "msg_1", now(), "{\"total\": 1e0}").await;
    assert_eq!(written.ok()["event"], first["event"]);
    let twice = "{\"total\": 500, \"total\": 5}";
    let twice = signer.call(&rig, "msg_2", now(), twice).await;
    assert_eq!(twice.problem(), (400, "N0102".into()));
    assert!(twice.text.contains("is there twice"), "{twice:?}");
    let large = "{\"total\": 123456789012345678901234567890}";
    let large = signer.call(&rig, "msg_3", now(), large).await;
    assert_eq!(large.problem(), (400, "N0102".into()));
    assert!(large.text.contains("a text keeps its digits"), "{large:?}");
    set_off(&rig, first["event"].as_str().unwrap()).await;
    assert_eq!(runs(&rig).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_changed_and_goes_with_its_instruction() {
    let rig = Rig::new().await;
    let old = called(&rig).await;
    let place = "/api/v1/instructions/on-payment/webhook";
    let fresh = Signer::of(&rig.post(place, json!({})).await.ok());
    assert_ne!(fresh.secret, old.secret);
    let got = old.call(&rig, "msg_1", now(), "{}").await;
    assert_eq!(got.problem(), (401, "N0149".into()));
    let got = fresh.call(&rig, "msg_1", now(), "{}").await;
    assert_eq!(got.status.as_u16(), 202, "{got:?}");
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    let got = fresh.call(&rig, "msg_2", now(), &long).await;
    assert_eq!(got.problem(), (413, "N0103".into()));
    let long = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    let got = fresh.call(&rig, "msg_2", now(), &long).await;
    assert_eq!(got.status.as_u16(), 202, "{got:?}");
    let got = fresh.call(&rig, "msg_3", now(), "no json").await;
    assert_eq!(got.problem(), (400, "N0102".into()));
    rig.post("/api/v1/instructions/on-payment/disable", json!({}))
        .await
        .ok();
    let got = fresh.call(&rig, "msg_4", now(), "{}").await;
    assert_eq!(got.problem(), (409, "N0131".into()));
    let other = CALLED.replace("webhook: true", "manual: true");
    apply(&rig, &other).await;
    assert_eq!(rig.get(place).await.problem(), (404, "N0121".into()));
    let got = rig.post(place, json!({})).await;
    assert_eq!(got.problem(), (404, "N0121".into()));
    let got = fresh.call(&rig, "msg_5", now(), "{}").await;
    assert_eq!(got.problem(), (401, "N0149".into()));
}
