//! `/api/v1/status`, `/top`, `/documents`, `/tasks`, `/metrics`, `/healthz`.

use serde_json::{Value, json};

use crate::support::{Rig, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_glance() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let run = rig.run("hello", "x").await;
    let status = rig.get("/api/v1/status").await.ok();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["tenants"], 1);
    assert_eq!(status["agents"][0]["name"], "hello");
    assert_eq!(status["runs"], json!({"completed": 1}));
    assert_eq!(status["journal"]["seq"], status["seq"]);
    assert_eq!(status["disk_bytes"], 0);
    let top = rig.get("/api/v1/top").await.ok();
    let tenant = rig.main.to_string();
    let cells = top["items"].as_array().unwrap();
    let mine = cells
        .iter()
        .find(|cell| cell["tenant"] == tenant.as_str())
        .unwrap();
    assert_eq!(mine["durable_lag"], 0);
    let task = format!("/api/v1/tasks/{}", run["task"].as_str().unwrap());
    let task = rig.get(&task).await.ok();
    assert_eq!(
        (&task["status"], &task["input"]),
        (&json!("done"), &json!("x"))
    );
    let listed = rig.get("/api/v1/tasks?status=done").await.ok();
    assert_eq!(listed["items"][0]["task"], run["task"]);
    let metrics = rig.get("/metrics").await;
    for line in [
        "naos_http_requests_total{method=\"POST\",route=\"/api/v1/agents\",status=\"201\"} 1",
        "naos_effects_running 0",
    ] {
        assert!(metrics.text.contains(line), "{line} in {}", metrics.text);
    }
    let health = rig
        .send(request("", "GET", "/healthz", &Value::Null, &[]))
        .await;
    assert_eq!(health.ok(), json!({"status": "ok"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_have_versions() {
    let rig = Rig::new().await;
    let place = "/api/v1/documents/reports/2026-w41.md";
    let put = |body: Value| rig.api(&rig.owner, "PUT", place, body);
    assert_eq!(
        put(json!({"text": "one", "expected": 0})).await.ok()["version"],
        1
    );
    assert_eq!(
        put(json!({"text": "two", "expected": 1})).await.ok()["version"],
        2
    );
    let stale = put(json!({"text": "three", "expected": 1})).await;
    assert_eq!(stale.problem(), (409, "N0132".into()));
    let seen = rig.get(place).await.ok();
    assert_eq!(
        (&seen["text"], &seen["version"]),
        (&json!("two"), &json!(2))
    );
    let listed = rig.get("/api/v1/documents?prefix=reports/").await.ok();
    assert_eq!(listed["items"][0]["path"], "/reports/2026-w41.md");
    assert_eq!(
        rig.get("/api/v1/documents?prefix=x").await.ok()["items"],
        json!([])
    );
    let bad = rig
        .api(
            &rig.owner,
            "PUT",
            "/api/v1/documents/a//b",
            json!({"text": ""}),
        )
        .await;
    assert_eq!(bad.problem().0, 400);
    rig.api(&rig.owner, "DELETE", place, Value::Null).await.ok();
    assert_eq!(rig.get(place).await.problem(), (404, "N0121".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_shows_what_was_written_before_it() {
    let rig = Rig::new().await;
    for index in 0..20 {
        let name = format!("a-{index}");
        let made = rig
            .post("/api/v1/agents", json!({ "name": name }))
            .await
            .ok();
        let seq = made["seq"].to_string();
        let path = format!("/api/v1/agents/{name}");
        let seen = request(
            &rig.owner,
            "GET",
            &path,
            &Value::Null,
            &[("naos-seq", &seq)],
        );
        assert_eq!(rig.send(seen).await.ok()["name"], name);
    }
    let bad = request(
        &rig.owner,
        "GET",
        "/api/v1/agents",
        &Value::Null,
        &[("naos-seq", "x")],
    );
    assert_eq!(rig.send(bad).await.problem(), (400, "N0102".into()));
    let ahead = |seq: u64| {
        let seq = seq.to_string();
        let headers = [("naos-seq", seq.as_str())];
        rig.send(request(
            &rig.owner,
            "GET",
            "/api/v1/agents",
            &Value::Null,
            &headers,
        ))
    };
    let head = rig.node.head(rig.main).unwrap();
    let never = ahead(99_999_999).await;
    assert_eq!(never.problem(), (400, "N0102".into()));
    assert!(never.text.contains(&format!("than {head}")), "{never:?}");
    // What comes while it waits is shown.
    let (soon, ()) = tokio::join!(ahead(head + 1), rig.agent("late"));
    assert!(soon.ok().to_string().contains("late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_at_least_one_line_and_at_most_its_limit() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    rig.run("hello", "x").await;
    for list in ["runs", "tasks", "plan-runs", "approvals", "notices"] {
        for (limit, status) in [
            ("0", 400),
            ("-1", 400),
            ("x", 400),
            ("1", 200),
            ("500", 200),
            ("100000", 400),
        ] {
            let got = rig.get(&format!("/api/v1/{list}?limit={limit}")).await;
            assert_eq!(got.status.as_u16(), status, "{list} {limit}: {got:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_no_good_health() {
    let store = std::sync::Arc::new(naos_store::MemStore::new(7));
    let rig = Rig::over(
        std::sync::Arc::<naos_store::MemStore>::clone(&store),
        |app| app,
    )
    .await;
    let health = || rig.send(request("", "GET", "/healthz", &Value::Null, &[]));
    assert_eq!(health().await.ok(), json!({"status": "ok"}));
    store.set_full(true);
    let refused = rig.post("/api/v1/agents", json!({"name": "a"})).await;
    assert_eq!(refused.problem(), (503, "N0171".into()));
    let ill = health().await;
    assert_eq!(ill.status.as_u16(), 503);
    assert_eq!(
        (&ill.json()["status"], &ill.json()["code"]),
        (&json!("degraded"), &json!("N0171"))
    );
    // Nobody has to write something first.
    store.set_full(false);
    assert_eq!(health().await.ok(), json!({"status": "ok"}));
}
