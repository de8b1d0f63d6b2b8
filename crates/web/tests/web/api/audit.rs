//! `/api/v1/audit`.

use std::sync::Arc;

use naos_store::SqliteStore;
use serde_json::Value;

use crate::support::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn lines_read_as_the_log_does() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    rig.run("hello", "x").await;
    let rows = rig.get("/api/v1/audit?last=100").await.ok()["items"].clone();
    let rows = rows.as_array().unwrap();
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row["seq"], index + 1, "oldest first, without a gap");
        assert_eq!(row["hash"].as_str().unwrap().len(), 64);
    }
    let lines: Vec<String> = rows
        .iter()
        .map(|row| row["line"].as_str().unwrap()[22..].to_owned())
        .collect();
    for line in [
        "agent.created hello",
        "agent.started hello",
        "agent.completed hello",
    ] {
        assert!(lines.iter().any(|l| l == line), "{line} in {lines:?}");
    }
    assert!(
        lines.iter().any(|l| l == "cost.recorded hello $0.05"),
        "{lines:?}"
    );
    let few = rig.get("/api/v1/audit?last=2").await.ok();
    assert_eq!(few["items"].as_array().unwrap()[..], rows[rows.len() - 2..]);
    let after = rig.get("/api/v1/audit?after=1&limit=2").await.ok();
    assert_eq!(after["items"].as_array().unwrap()[..], rows[1..3]);
    assert_eq!(after["next"], 3);
    let some = rig
        .get("/api/v1/audit?agent=hello&action=agent.c")
        .await
        .ok();
    let actions = some["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action"].clone());
    assert_eq!(
        actions.collect::<Vec<Value>>(),
        ["agent.created", "agent.completed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_on_disk_is_proved() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
    let proof = Arc::clone(&store);
    let rig = Rig::over(store, |app| {
        app.verify(move |tenant| proof.verify(tenant).map_err(|e| e.to_string()))
    })
    .await;
    rig.agent("hello").await;
    let run = rig.run("hello", "x").await;
    let found = rig.get("/api/v1/audit/verify").await.ok();
    assert_eq!(found["ok"], true, "{found}");
    assert_eq!(found["first_bad"], Value::Null);
    assert!(found["entries"].as_u64().unwrap() >= run["seq"].as_u64().unwrap());
    let listed = rig.get("/api/v1/runs").await.ok();
    assert_eq!(listed["items"][0]["run"], run["run"]);
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig
        .form(&cookie, "/audit/verify", "idempotency_key=k")
        .await;
    assert!(
        page.text.contains(found["root"].as_str().unwrap()),
        "{page:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_nothing_has_is_refused() {
    let rig = Rig::new().await;
    for (action, known) in [
        ("task.closd", "task.completed"),
        ("tsk", "review, "),
        ("agent.*", "agent.completed"),
    ] {
        let path = format!("/api/v1/audit?action={action}");
        let refused = rig.get(&path).await;
        assert_eq!(refused.problem(), (400, "N0102".to_owned()), "{action}");
        let refused = refused.json();
        let help = refused["help"].as_str().unwrap();
        assert!(help.contains(known), "{action}: {help}");
    }
}
