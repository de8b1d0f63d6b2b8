//! `/api/v1/runs`.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Rig, request};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_made_runs_and_its_run_is_there() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let run = rig.run("hello", "bonjour").await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(run["agent"], "hello");
    assert_eq!(run["tier"], "wasm");
    assert_eq!(run["cost_micros"], 50_000);
    assert!(run["output"].as_str().unwrap().contains("bonjour"), "{run}");
    let id = run["run"].as_str().unwrap();
    let seen = rig.get(&format!("/api/v1/runs/{id}")).await.ok();
    assert_eq!(seen["input"], "bonjour");
    assert_eq!(seen["output"], run["output"]);
    assert!(seen["steps_detail"].is_array());
    let agent = rig.get("/api/v1/agents/hello").await.ok();
    assert_eq!(agent["runs"], 1);
    assert_eq!(agent["status"], "idle");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_run_are_read_from_a_place_on() {
    let rig = Rig::with_models().await;
    let run = rig.run("clerk", "The bill?").await;
    let path = format!("/api/v1/runs/{}", run["run"].as_str().unwrap());
    let all = rig.get(&path).await.ok();
    assert_eq!(all["steps_next"], Value::Null, "{all}");
    let steps = all["steps_detail"].as_array().unwrap();
    assert!(steps.len() > 1, "{all}");
    for (after, left) in [(0, steps.len()), (1, steps.len() - 1), (99, 0)] {
        let rest = rig.get(&format!("{path}?steps_after={after}")).await.ok();
        assert_eq!(rest["steps_detail"], json!(steps[steps.len() - left..]));
        assert_eq!(rest["steps_next"], Value::Null);
    }
    for odd in ["x", "1.", "-1", "1.2.3"] {
        let refused = rig.get(&format!("{path}?steps_after={odd}")).await;
        assert_eq!(refused.problem(), (400, "N0102".into()), "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_acts_once_and_gets_the_same_answer() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let body = json!({"agent": "hello", "input": "x", "wait_ms": 20_000});
    let key = [("idempotency-key", "k-1")];
    let send = || request(&rig.owner, "POST", "/api/v1/runs", &body, &key);
    let one = rig.send(send()).await.ok();
    let two = rig.send(send()).await.ok();
    assert_eq!(one["run"], two["run"]);
    assert_eq!(one["output"], two["output"]);
    assert_eq!(
        rig.get("/api/v1/runs").await.ok()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let other = json!({"agent": "hello", "input": "y"});
    let clash = rig
        .send(request(&rig.owner, "POST", "/api/v1/runs", &other, &key))
        .await;
    assert_eq!(clash.problem(), (409, "N0134".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_carry_code_and_status() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let stopped = rig.post("/api/v1/agents/hello/stop", Value::Null).await;
    assert_eq!(stopped.status, StatusCode::OK);
    let run = |agent: &str| json!({"agent": agent, "input": "x"});
    for (body, status, code) in [
        (run("nobody"), 404, "N0120"),
        (run("Bad Name"), 400, "N0101"),
        (run("hello"), 403, "N0144"),
        (json!({"agent": "hello"}), 400, "N0102"),
        (json!({"input": "x", "wat": 1}), 400, "N0102"),
        (json!({"input": "zzz qqq"}), 403, "N0145"),
    ] {
        let got = rig.post("/api/v1/runs", body.clone()).await;
        assert_eq!(got.problem(), (status, code.to_owned()), "{body}");
    }
    for (path, status, code) in [
        ("/api/v1/runs/run_x", 404, "N0121"),
        ("/api/v1/runs?status=wat", 400, "N0102"),
        ("/api/v1/agents/hello2", 404, "N0120"),
        ("/api/v1/nothing", 404, "N0121"),
        ("/api/v1/resources/wat", 404, "N0121"),
    ] {
        assert_eq!(
            rig.get(path).await.problem(),
            (status, code.to_owned()),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_back_in_pages() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let mut made = Vec::new();
    for input in ["1", "2", "3"] {
        made.push(rig.run("hello", input).await["run"].clone());
    }
    made.sort_by(|a, b| b.as_str().cmp(&a.as_str()));
    let first = rig.get("/api/v1/runs?limit=2").await.ok();
    let ids = |page: &Value| -> Vec<Value> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["run"].clone())
            .collect()
    };
    assert_eq!(ids(&first), made[..2]);
    let next = first["next"].as_str().unwrap();
    let rest = rig
        .get(&format!("/api/v1/runs?limit=2&before={next}"))
        .await
        .ok();
    assert_eq!(ids(&rest), made[2..]);
    assert_eq!(rest["next"], Value::Null);
    for path in ["runs?limit=501", "tasks?limit=999999", "audit?last=1000000"] {
        let cut = rig.get(&format!("/api/v1/{path}")).await;
        assert_eq!(cut.problem(), (400, "N0102".into()), "{path}");
    }
    rig.get("/api/v1/runs?limit=500").await.ok();
    let none = rig.get("/api/v1/runs?status=failed").await.ok();
    assert_eq!(none["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_logs_is_there_with_its_run() {
    const CUSTOM: &[u8] = include_bytes!("../../../../../guest/built/custom.wasm");
    let rig = Rig::new().await;
    let kept = rig.node.components().keep(CUSTOM).unwrap();
    let spec = json!({"name": "mine", "component": kept});
    assert_eq!(
        rig.post("/api/v1/agents", spec).await.status,
        StatusCode::CREATED
    );
    let run = rig.run("mine", "three small words").await;
    assert_eq!(run["status"], "completed", "{run}");
    let id = run["run"].as_str().unwrap();
    let path = format!("/api/v1/runs/{id}/logs");
    let logs = rig.get(&path).await.ok();
    let items = logs["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{logs}");
    assert_eq!(
        (&items[0]["level"], &items[0]["text"], &items[0]["agent"]),
        (&json!("info"), &json!("read 3 words"), &json!("mine"))
    );
    assert_eq!(
        (&logs["total"], &logs["left_out"], &logs["next"]),
        (&json!(1), &json!(0), &Value::Null)
    );
    for (query, expected) in [
        ("?after=1", 0),
        ("?limit=0", 0),
        ("?last=5", 1),
        ("?last=0", 0),
    ] {
        let found = rig.get(&format!("{path}{query}")).await.ok();
        let count = found["items"].as_array().unwrap().len();
        assert_eq!(count, expected, "{query}: {found}");
    }
    // By the entry of the journal that tells of it.
    let audit = rig.get("/api/v1/audit?action=agent.logged").await.ok();
    let row = &audit["items"][0];
    assert_eq!(
        (&row["subject"], &row["detail"]),
        (&json!("mine"), &json!("1 line"))
    );
    assert!(!audit.to_string().contains("three"), "text is in no fact");
    let seq = row["seq"].as_u64().unwrap();
    let found = rig.get(&format!("{path}?seq={seq}")).await.ok();
    assert_eq!(found["items"], logs["items"]);
    let other = rig.get(&format!("{path}?seq={}", seq - 1)).await;
    assert_eq!(other.problem(), (404, "N0121".into()));

    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, &format!("/runs/{id}")).await;
    assert!(page.text.contains("<code>read 3 words</code>"), "{page:?}");

    let stranger = rig.tenant("other").await;
    for path in [path.clone(), format!("{path}?seq={seq}")] {
        let got = rig.api(&stranger, "GET", &path, Value::Null).await;
        assert_eq!(got.problem(), (404, "N0121".into()), "{path}");
        assert!(!got.text.contains("words"));
    }
}
