//! `/api/v1/members`, `/tenants`.

use serde_json::{Value, json};

use crate::support::{Rig, request};

#[tokio::test(flavor = "multi_thread")]
async fn members_come_change_and_go() {
    let rig = Rig::new().await;
    let body = json!({"name": "Hanitra", "role": "staff"});
    let made = rig.post("/api/v1/members", body).await.ok();
    let (id, token) = (
        made["member"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    let make = json!({"name": "x"});
    let low = rig.api(token, "POST", "/api/v1/agents", make.clone()).await;
    assert_eq!(low.problem(), (403, "N0141".into()));
    let role = format!("/api/v1/members/{id}/role");
    rig.post(&role, json!({"role": "admin"})).await.ok();
    rig.api(token, "POST", "/api/v1/agents", make).await.ok();
    let listed = rig.get("/api/v1/members").await.ok().to_string();
    assert!(
        listed.contains("Hanitra") && !listed.contains(token),
        "{listed}"
    );
    rig.api(
        &rig.owner,
        "DELETE",
        &format!("/api/v1/members/{id}"),
        Value::Null,
    )
    .await
    .ok();
    let gone = rig.api(token, "GET", "/api/v1/status", Value::Null).await;
    assert_eq!(gone.problem(), (401, "N0140".into()));
    for name in [" ", "naos", "Naos ", "Ana\n# naos", "Ana\u{2028}Rabe"] {
        let body = json!({"name": name, "role": "staff"});
        let bad = rig.post("/api/v1/members", body).await;
        assert_eq!(bad.problem(), (400, "N0102".into()), "{name:?}");
    }
    for handle in ["all", "naos"] {
        let body = json!({"name": "Ana", "role": "staff", "handle": handle});
        let bad = rig.post("/api/v1/members", body).await;
        assert_eq!(bad.problem(), (409, "N0130".into()), "{handle}");
    }
    let bad = rig.post("/api/v1/agents", json!({"name": "naos"})).await;
    assert_eq!(bad.problem(), (400, "N0101".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    let rig = Rig::new().await;
    let listed = rig.get("/api/v1/members").await.ok();
    let id = listed["items"][0]["member"].as_str().unwrap();
    let place = format!("/api/v1/members/{id}");
    let role = format!("{place}/role");
    let remove = || rig.api(&rig.owner, "DELETE", &place, Value::Null);
    let staff = json!({"role": "staff"});
    assert_eq!(remove().await.problem(), (409, "N0138".into()));
    let demoted = rig.post(&role, staff.clone()).await;
    assert_eq!(demoted.problem(), (409, "N0138".into()));
    let heir = rig.member("owner").await;
    rig.post(&role, staff).await.ok();
    rig.api(&heir, "DELETE", &place, Value::Null).await.ok();
    let listed = rig.api(&heir, "GET", "/api/v1/members", Value::Null).await;
    assert_eq!(listed.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_gives_one_member_and_one_token() {
    let rig = Rig::new().await;
    let key = [("idempotency-key", "m-1")];
    let body = json!({"name": "Hery", "role": "staff"});
    let send = || request(&rig.owner, "POST", "/api/v1/members", &body, &key);
    let one = rig.send(send()).await.ok();
    let two = rig.send(send()).await.ok();
    assert_eq!(one["member"], two["member"]);
    assert_eq!(one["token"], two["token"]);
    let members = rig.get("/api/v1/members").await.ok();
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
    let token = two["token"].as_str().unwrap();
    rig.api(token, "GET", "/api/v1/status", Value::Null)
        .await
        .ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_made_by_the_main_ones_owner_alone() {
    let rig = Rig::new().await;
    let key = [("idempotency-key", "t-1")];
    let body = json!({"slug": "riake", "title": "Riake"});
    let send = || request(&rig.owner, "POST", "/api/v1/tenants", &body, &key);
    let one = rig.send(send()).await.ok();
    let two = rig.send(send()).await.ok();
    assert_eq!(one["tenant"], two["tenant"]);
    assert_eq!(one["token"], two["token"]);
    let taken = rig.post("/api/v1/tenants", json!({"slug": "riake"})).await;
    assert_eq!(taken.problem(), (409, "N0130".into()));
    let other = [("idempotency-key", "t-2")];
    let again = request(&rig.owner, "POST", "/api/v1/tenants", &body, &other);
    assert_eq!(rig.send(again).await.problem(), (409, "N0130".into()));
    let owner = one["token"].as_str().unwrap();
    assert_eq!(
        rig.api(owner, "GET", "/api/v1/agents", Value::Null)
            .await
            .ok()["items"],
        json!([])
    );
    for (method, path) in [
        ("GET", "/api/v1/tenants"),
        ("POST", "/api/v1/tenants"),
        ("GET", "/metrics"),
    ] {
        let got = rig.api(owner, method, path, json!({"slug": "x"})).await;
        assert_eq!(got.problem(), (404, "N0121".into()), "{path}");
    }
    let slugs = rig.get("/api/v1/tenants").await.ok();
    assert_eq!(slugs["items"].as_array().unwrap().len(), 2);
}
