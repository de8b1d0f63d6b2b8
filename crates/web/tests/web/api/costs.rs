//! `/api/v1/costs`, `/budgets`, `/broker`.

use serde_json::{Value, json};

use crate::support::{Rig, request};

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
async fn a_budget_of_nobody_says_so() {
    let rig = Rig::new().await;
    let set = |name: &str| {
        let budget = json!({"limit_micros": 1_000_000, "period": "day"});
        let place = format!("/api/v1/budgets/{name}");
        let (owner, rig) = (&rig.owner, &rig);
        async move { rig.api(owner, "PUT", &place, budget).await.ok()["exists"].clone() }
    };
    assert_eq!(set("ghost").await, false);
    assert_eq!(set("*").await, true);
    let shown = || async {
        let costs = rig.get("/api/v1/costs").await.ok();
        let budgets = costs["budgets"].as_array().unwrap().clone();
        let ghost = budgets.iter().find(|b| b["agent"] == "ghost").unwrap();
        ghost["exists"].clone()
    };
    assert_eq!(shown().await, false);
    rig.agent("ghost").await;
    assert_eq!(shown().await, true);
    assert_eq!(set("ghost").await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_agents_together_have_a_budget() {
    let rig = Rig::new().await;
    for agent in ["one", "two"] {
        rig.agent(agent).await;
    }
    let file = "cost:\n  global:\n    limit: 9 # cents\n    period: day\n    onExceed: pause\n";
    let files = json!({"files": [{"name": "nexus.config.yaml", "text": file}]});
    let applied = rig.post("/api/v1/apply", files).await.ok();
    let made = &applied["items"][0];
    assert_eq!(
        (&made["kind"], &made["name"], &made["result"]),
        (&json!("budget"), &json!("*"), &json!("created"))
    );
    rig.run("one", "1").await;
    let costs = rig.get("/api/v1/costs").await.ok();
    assert_eq!(costs["budgets"][0]["agent"], "*");
    assert_eq!(costs["budgets"][0]["spent_micros"], 50_000);
    assert_eq!(costs["budgets"][0]["left_micros"], 40_000);
    assert_eq!(costs["agents"].as_array().map(Vec::len), Some(1), "{costs}");
    let over = rig
        .post("/api/v1/runs", json!({"agent": "two", "input": "2"}))
        .await;
    assert_eq!(over.problem(), (403, "N0143".into()));
    assert!(over.text.contains("all agents together"), "{over:?}");
    let session = rig.sign_in(&rig.owner).await;
    let page = rig.page(&session, "/costs").await;
    assert!(page.text.contains("All agents together"), "{page:?}");
    let budget = json!({"limit_micros": 100_000, "period": "day"});
    rig.api(&rig.owner, "PUT", "/api/v1/budgets/*", budget)
        .await
        .ok();
    assert_eq!(rig.run("two", "2").await["status"], "completed");
    let agents = rig.get("/api/v1/agents").await.ok();
    assert_eq!(agents["items"][0]["status"], "budget_exceeded", "{agents}");
    rig.post("/api/v1/budgets/*/reset", Value::Null).await.ok();
    assert_eq!(rig.run("one", "3").await["status"], "completed");
    rig.api(&rig.owner, "DELETE", "/api/v1/budgets/*", Value::Null)
        .await
        .ok();
    assert_eq!(rig.get("/api/v1/costs").await.ok()["budgets"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_again_keeps_its_first_seq() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let stop = || {
        let (path, key) = ("/api/v1/agents/hello/stop", [("idempotency-key", "once")]);
        request(&rig.owner, "POST", path, &json!({}), &key)
    };
    let first = rig.send(stop()).await.ok();
    rig.agent("other").await;
    assert_eq!(rig.send(stop()).await.ok()["seq"], first["seq"]);
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
