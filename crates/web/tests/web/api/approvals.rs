//! `/api/v1/approvals`, `/plans`, `/plan-runs`.

use serde_json::{Value, json};

use crate::support::Rig;

const PLAN: &str = "type: plan\nname: letter\ninputs:\n  - {name: to, type: string}\noutput: out\n\
    steps:\n  - {name: draft, render: \"Dear {{ inputs.to }}\"}\n  \
    - {name: ask, approval: {title: \"Send it?\", body: \"{{ draft.output }}\"}}\n  \
    - {name: out, render: \"sent: {{ ask.output }}\"}\n";

async fn held(rig: &Rig) -> (String, Value) {
    rig.post(
        "/api/v1/apply",
        json!({"files": [{"name": "p.yaml", "text": PLAN}]}),
    )
    .await
    .ok();
    let body = json!({"inputs": {"to": "Rabe"}, "wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/letter/start", body).await.ok();
    assert_eq!(run["status"], "held", "{run}");
    let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
    let id = waiting["items"][0]["approval"].as_str().unwrap();
    let asked = rig.get(&format!("/api/v1/approvals/{id}")).await.ok();
    (run["run"].as_str().unwrap().to_owned(), asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_waits_for_a_person_and_goes_on() {
    let rig = Rig::new().await;
    let (plan, asked) = held(&rig).await;
    assert_eq!(asked["body"], "Dear Rabe");
    assert_eq!(asked["title"], "Send it?");
    let place = format!(
        "/api/v1/approvals/{}/decide",
        asked["approval"].as_str().unwrap()
    );
    let stale = json!({"approve": true, "seen": "00".repeat(32)});
    assert_eq!(
        rig.post(&place, stale).await.problem(),
        (409, "N0132".into())
    );
    for (edited, status) in [("  ".to_owned(), 400), ("x".repeat(1_048_577), 413)] {
        let changed = json!({"approve": true, "seen": asked["seen"], "edited": edited});
        assert_eq!(rig.post(&place, changed).await.problem().0, status);
    }
    let staff = rig.member("staff").await;
    let yes = json!({"approve": true, "seen": asked["seen"], "comment": "tsara"});
    let done = rig.api(&staff, "POST", &place, yes.clone()).await.ok();
    assert_eq!(done["plan"], plan);
    assert_eq!(rig.post(&place, yes).await.problem(), (409, "N0131".into()));
    let ended = rig
        .get(&format!("/api/v1/plan-runs/{plan}?wait_ms=20000"))
        .await
        .ok();
    assert_eq!(ended["status"], "completed", "{ended}");
    assert!(
        ended["output"].as_str().unwrap().contains("Dear Rabe"),
        "{ended}"
    );
    assert_eq!(ended["steps"][1]["name"], "ask");
    let listed = rig.get("/api/v1/plan-runs?status=completed").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let answered = rig.get("/api/v1/approvals?status=approved").await.ok();
    assert_eq!(answered["items"][0]["comment"], "tsara");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_ends_it_and_a_cancelled_plan_asks_nobody() {
    let rig = Rig::new().await;
    let (plan, asked) = held(&rig).await;
    let place = format!(
        "/api/v1/approvals/{}/decide",
        asked["approval"].as_str().unwrap()
    );
    rig.post(&place, json!({"approve": false, "comment": "tsia"}))
        .await
        .ok();
    let ended = rig
        .get(&format!("/api/v1/plan-runs/{plan}?wait_ms=20000"))
        .await
        .ok();
    assert_eq!(ended["status"], "failed", "{ended}");
    let (plan, asked) = held(&rig).await;
    rig.post(&format!("/api/v1/plan-runs/{plan}/cancel"), Value::Null)
        .await
        .ok();
    let place = format!("/api/v1/approvals/{}", asked["approval"].as_str().unwrap());
    assert_eq!(rig.get(&place).await.ok()["status"], "withdrawn");
}
