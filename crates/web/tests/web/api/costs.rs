//! `/api/v1/costs`, `/budgets`, `/broker`.

use serde_json::{Value, json};

use crate::support::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_kept() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let budget = json!({"limit_micros": 100_000, "period": "day"});
    rig.api(&rig.owner, "PUT", "/api/v1/budgets/hello", budget)
        .await
        .ok();
    rig.run("hello", "1").await;
    let costs = rig.get("/api/v1/costs").await.ok();
    assert_eq!(costs["budgets"][0]["spent_micros"], 50_000);
    assert_eq!(costs["budgets"][0]["left_micros"], 50_000);
    assert_eq!(costs["budgets"][0]["action"], "pause");
    assert_eq!(
        costs["agents"][0],
        json!({"agent": "hello", "total_micros": 50_000, "runs": 1})
    );
    rig.run("hello", "2").await;
    let over = rig
        .post("/api/v1/runs", json!({"agent": "hello", "input": "3"}))
        .await;
    assert_eq!(over.problem(), (403, "N0143".into()));
    rig.post("/api/v1/budgets/hello/reset", Value::Null)
        .await
        .ok();
    assert_eq!(rig.run("hello", "3").await["status"], "completed");
    rig.api(&rig.owner, "DELETE", "/api/v1/budgets/hello", Value::Null)
        .await
        .ok();
    assert_eq!(rig.get("/api/v1/costs").await.ok()["budgets"], json!([]));
    let bad = json!({"limit_micros": 1, "period": "day", "alert_percent": 101});
    let bad = rig
        .api(&rig.owner, "PUT", "/api/v1/budgets/hello", bad)
        .await;
    assert_eq!(bad.problem(), (400, "N0102".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_says_who_and_why() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let route = rig
        .post("/api/v1/broker/route", json!({"text": "say salama"}))
        .await
        .ok();
    assert_eq!(route["target"], "hello", "{route}");
    assert_eq!(route["tier"], "wasm");
    assert!(route["confidence"].as_f64().unwrap() >= 0.8);
    assert_eq!(route["considered"][0]["permitted"], true);
    let before = rig.get("/api/v1/status").await.ok()["seq"].clone();
    rig.post("/api/v1/broker/route", json!({"text": "zzz"}))
        .await
        .ok();
    assert_eq!(
        rig.get("/api/v1/status").await.ok()["seq"],
        before,
        "asking appends nothing"
    );
    rig.run("hello", "x").await;
    let stats = rig.get("/api/v1/broker/stats").await.ok();
    assert_eq!(stats["routed"], json!({"skill": 0, "wasm": 1, "model": 0}));
}
