//! A quarantined cell: what its owner sees of it and does about it, and what nobody else sees.

use std::sync::Arc;

use http::StatusCode;
use naos_engine::node::Ask;
use naos_engine::shard::SameAs;
use naos_store::{MemStore, Store};
use naos_types::{Actor, Digest, MemberId, Name, Role, command};
use serde_json::{Value, json};

use crate::support::Rig;

const PLAN: &str = "type: plan\nname: hello\nsteps:\n  - {name: say, render: hi}\n";

async fn quarantined() -> (Rig, MemStore) {
    let store = MemStore::new(7);
    let rig = Rig::over(Arc::new(store.clone()), |app| app).await;
    let files = json!([{"name": "p.yaml", "text": PLAN}]);
    rig.post("/api/v1/apply", json!({"files": files}))
        .await
        .ok();
    let refusal = start(&rig, &store, true).await.unwrap_err();
    assert_eq!(refusal.code, naos_types::Code::QUARANTINED);
    (rig, store)
}

/// Starts the plan; the content that its start makes panics once.
async fn start(
    rig: &Rig,
    store: &MemStore,
    poisoned: bool,
) -> Result<command::Reply, naos_types::Refusal> {
    let body = rig.node.new_body(rig.main, b"{}".to_vec()).unwrap();
    store
        .tenant(rig.main)
        .unwrap()
        .put_large(&body.staged)
        .unwrap();
    let (name, inputs) = (Name::new("hello").unwrap(), body.staged.name);
    let ask = Ask {
        tenant: rig.main,
        actor: Actor::Member(MemberId(5), Role::Staff),
        command: command::Plan::Start {
            of: naos_types::spec::Kind::Plan,
            name,
            inputs,
        }
        .into(),
        bodies: Vec::new(),
        same: Some(SameAs {
            source: "somebody".into(),
            key: "key-1".into(),
            request: Digest::of(b"start"),
        }),
    };
    store.poison(poisoned.then_some(rig.main));
    rig.node.ask(ask).await.1
}

fn address(rig: &Rig, rest: &str) -> String {
    format!("/api/v1/cells/{}{rest}", rig.main)
}

#[tokio::test(flavor = "multi_thread")]
async fn its_owner_sees_why_and_gives_the_input_up() {
    let (rig, store) = quarantined().await;
    let refused = rig.post("/api/v1/events", json!({"type": "a.b"})).await;
    assert_eq!(refused.problem(), (503, "N0170".into()));
    let listed = rig.get("/api/v1/cells").await.ok();
    let cell = &listed["items"][0];
    assert_eq!(cell, &rig.get(&address(&rig, "")).await.ok());
    assert_eq!(cell["tenant"], rig.main.to_string());
    assert_eq!(cell["why"], "a rule panicked: a made-up panic");
    assert_eq!(cell["rule"], Value::Null);
    assert_eq!(cell["refused"], 1);
    let input = &cell["input"];
    assert_eq!(
        (&input["kind"], &input["state"]),
        (&json!("command"), &json!("kept"))
    );
    assert_eq!(
        (&input["source"], &input["key"]),
        (&json!("somebody"), &json!("key-1"))
    );
    assert!(input["about"].as_str().unwrap().contains("plan"), "{input}");

    for reason in [
        json!({}),
        json!({"reason": " "}),
        json!({"reason": "x".repeat(1_001)}),
    ] {
        let got = rig.post(&address(&rig, "/skip"), reason).await;
        assert_eq!(got.problem(), (400, "N0102".into()));
    }
    let reason = json!({"reason": "nobody needs it"});
    let done = rig.post(&address(&rig, "/skip"), reason.clone()).await.ok();
    assert_eq!(done["done"], "skipped");
    assert_eq!(rig.get("/api/v1/cells").await.ok()["items"], json!([]));
    let again = start(&rig, &store, false).await.unwrap_err();
    assert_eq!(again.code, naos_types::Code::SKIPPED);
    let audit = rig.get("/api/v1/audit?action=tenant.").await.ok();
    let lines: Vec<String> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["action"], row["subject"], row["detail"]))
        .collect();
    assert!(lines[0].contains("tenant.quarantined"), "{lines:?}");
    assert!(lines[1].contains("nobody needs it"), "{lines:?}");
    let twice = rig.post(&address(&rig, "/skip"), reason).await;
    assert_eq!(twice.problem(), (409, "N0131".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_owner_has_the_input_tried_again() {
    let (rig, store) = quarantined().await;
    let done = rig.post(&address(&rig, "/restore"), json!({})).await.ok();
    assert_eq!(done["done"], "restored");
    let first = start(&rig, &store, false).await;
    assert!(matches!(first, Ok(command::Reply::Plan(_))), "{first:?}");
    let plans = rig.get("/api/v1/plan-runs").await.ok();
    assert_eq!(plans["items"].as_array().unwrap().len(), 1);
    assert_eq!(rig.get(&address(&rig, "")).await.ok()["quarantined"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_sees_or_mends_it() {
    let (store, rig) = {
        let store = MemStore::new(7);
        let rig = Rig::over(Arc::new(store.clone()), |app| app).await;
        (store, rig)
    };
    let other = rig.tenant("riake").await;
    let admin = rig.member("admin").await;
    let files = json!([{"name": "p.yaml", "text": PLAN}]);
    rig.post("/api/v1/apply", json!({"files": files}))
        .await
        .ok();
    start(&rig, &store, true).await.unwrap_err();
    let listed = rig.api(&other, "GET", "/api/v1/cells", Value::Null).await;
    assert_eq!(listed.ok()["items"], json!([]));
    for (method, rest, body) in [
        ("GET", "", Value::Null),
        ("POST", "/skip", json!({"reason": "x"})),
        ("POST", "/restore", json!({})),
    ] {
        let got = rig
            .api(&other, method, &address(&rig, rest), body.clone())
            .await;
        assert_eq!(got.problem(), (404, "N0121".into()), "{method} {rest}");
        let got = rig.api(&admin, method, &address(&rig, rest), body).await;
        let expected = if method == "GET" {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(got.status, expected, "{method} {rest}");
    }
    let seen = rig.get("/api/v1/cells").await.ok();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_so_in_both_languages() {
    let (rig, _store) = quarantined().await;
    rig.node.flush(rig.main).await;
    let cookie = rig.sign_in(&rig.owner).await;
    for (language, words) in [("en", "is quarantined"), ("fr", "en quarantaine")] {
        let cookie = format!("{cookie}; naos_lang={language}");
        for page in ["/", "/audit", "/board"] {
            let got = rig.page(&cookie, page).await;
            assert_eq!(got.status, StatusCode::OK);
            assert!(got.text.contains(words), "{language} {page}");
        }
    }
    rig.post(&address(&rig, "/restore"), json!({})).await.ok();
    rig.node.flush(rig.main).await;
    assert!(
        !rig.page(&cookie, "/")
            .await
            .text
            .contains("id=\"quarantined\"")
    );
}
