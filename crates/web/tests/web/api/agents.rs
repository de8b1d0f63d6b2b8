//! `/api/v1/agents`, `/templates`, `/components`.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{ECHO, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn agents_come_and_go() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let twice = rig.post("/api/v1/agents", json!({"name": "hello"})).await;
    assert_eq!(twice.problem(), (409, "N0130".into()));
    let listed = rig.get("/api/v1/agents").await.ok();
    let agent = &listed["items"][0];
    assert_eq!(agent["name"], "hello");
    assert_eq!(agent["template"], "researcher");
    assert_eq!(agent["status"], "created");
    assert_eq!(agent["version"], 1);
    let stopped = rig
        .post("/api/v1/agents/hello/stop", Value::Null)
        .await
        .ok();
    assert_eq!(stopped["changed"], true);
    assert_eq!(
        rig.get("/api/v1/agents/hello").await.ok()["status"],
        "stopped"
    );
    rig.post("/api/v1/agents/hello/start", Value::Null)
        .await
        .ok();
    let gone = rig
        .api(&rig.owner, "DELETE", "/api/v1/agents/hello", Value::Null)
        .await;
    let seq = gone.ok()["seq"].as_u64().unwrap();
    assert!(seq > 0);
    assert_eq!(
        rig.get("/api/v1/agents/hello").await.problem(),
        (404, "N0120".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_is_made_from_must_be_there() {
    let rig = Rig::new().await;
    for (body, status, code) in [
        (json!({"name": "x", "template": "wat"}), 400, "N0104"),
        (json!({"name": "X"}), 400, "N0101"),
        (
            json!({"name": "x", "component": "00".repeat(32)}),
            400,
            "N0107",
        ),
        (json!({"name": "x", "component": "zz"}), 400, "N0102"),
        (json!({"nome": "x"}), 400, "N0102"),
        (json!([]), 400, "N0102"),
    ] {
        let got = rig.post("/api/v1/agents", body.clone()).await;
        assert_eq!(got.problem(), (status, code.to_owned()), "{body}");
    }
    let templates = rig.get("/api/v1/templates").await.ok();
    assert_eq!(templates["items"][0]["name"], "researcher");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_judged_before_it_is_kept() {
    let rig = Rig::new().await;
    let send = |bytes: &'static [u8]| {
        Request::post("/api/v1/components")
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", rig.owner))
            .body(Body::from(bytes))
            .unwrap()
    };
    let bad = rig.send(send(b"\0asm nonsense")).await;
    assert_eq!(bad.problem(), (400, "N0107".into()));
    let kept = rig.send(send(ECHO)).await.ok();
    let component = kept["component"].as_str().unwrap();
    let body = json!({"name": "mine", "component": component});
    rig.post("/api/v1/agents", body).await.ok();
    assert_eq!(rig.run("mine", "salama").await["status"], "completed");
}
