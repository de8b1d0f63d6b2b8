//! `/api/v1/documents`, and the versions of each.

use std::sync::Arc;

use http::StatusCode;
use naos_store::SqliteStore;
use serde_json::{Value, json};

use crate::support::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn every_version_is_kept_and_compared() {
    let rig = Rig::new().await;
    let path = "notes/a b.md";
    let put = async |text: &str| {
        let place = format!("/api/v1/documents/{}", path.replace(' ', "%20"));
        rig.api(&rig.owner, "PUT", &place, json!({"text": text}))
            .await
            .ok();
    };
    let get = async |what: &str, query: &str| {
        rig.get(&format!("/api/v1/{what}/notes/a%20b.md{query}"))
            .await
    };
    put("one\ntwo\n").await;
    put("one\nthree\n").await;
    rig.api(
        &rig.owner,
        "PUT",
        "/api/v1/documents/other.md",
        json!({"text": "x"}),
    )
    .await
    .ok();
    put("four\n").await;
    let page = get("document-versions", "").await.ok();
    let versions = |page: &Value| -> Vec<Value> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["version"].clone()).collect()
    };
    assert_eq!(versions(&page), [json!(3), json!(2), json!(1)], "{page:#}");
    let first = get("document-versions", "?limit=1").await.ok();
    assert_eq!(versions(&first), [json!(3)]);
    let next = first["next"].as_str().unwrap();
    let rest = get("document-versions", &format!("?before={next}"))
        .await
        .ok();
    assert_eq!(versions(&rest), [json!(2), json!(1)], "{rest:#}");

    let old = get("documents", "?version=1").await.ok();
    assert_eq!(
        (&old["text"], &old["version"]),
        (&json!("one\ntwo\n"), &json!(1))
    );
    assert_eq!(get("documents", "?version=3").await.ok()["text"], "four\n");
    let none = get("documents", "?version=9").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{none:?}");

    let lines = |found: &Value| -> Vec<String> {
        let lines = found["diff"].as_array().unwrap().iter();
        let line = |line: &Value| {
            format!(
                "{}{}",
                line["sign"].as_str().unwrap(),
                line["text"].as_str().unwrap()
            )
        };
        lines.map(line).collect()
    };
    let last = get("document-diff", "").await.ok();
    assert_eq!((&last["from"], &last["to"]), (&json!(2), &json!(3)));
    assert_eq!(lines(&last), ["-one", "-three", "+four"]);
    let both = get("document-diff", "?from=1&to=2").await.ok();
    assert_eq!(lines(&both), [" one", "-two", "+three"]);
    let begun = get("document-diff", "?from=0&to=1").await.ok();
    assert_eq!(lines(&begun), ["+one", "+two"]);

    // Taken away, and written anew: what was before is still there.
    rig.api(
        &rig.owner,
        "DELETE",
        "/api/v1/documents/notes/a%20b.md",
        Value::Null,
    )
    .await
    .ok();
    assert_eq!(get("documents", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get("documents", "?version=3").await.ok()["text"], "four\n");
    let page = get("document-versions", "").await.ok();
    assert_eq!(versions(&page)[..2], [Value::Null, json!(3)], "{page:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_reads_so_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
    let proof = Arc::clone(&store);
    let rig = Rig::over(store, |app| {
        app.verify(move |tenant| proof.verify(tenant).map_err(|e| e.to_string()))
    })
    .await;
    let put = async |path: &str, text: &str| {
        let place = format!("/api/v1/documents/{path}");
        rig.api(&rig.owner, "PUT", &place, json!({"text": text}))
            .await
            .ok();
    };
    let erase = async |asked: Value| {
        let place = "/api/v1/document-erasures/notes/a.md";
        rig.api(&rig.owner, "POST", place, asked).await
    };
    for text in [
        "Ann owes 10",
        "Ann owes 20",
        "Nobody owes",
        "Ann owes 10",
        "All paid",
    ] {
        put("notes/a.md", text).await;
    }
    // What it says now, and what there never was.
    for (asked, status) in [
        (json!({"versions": [5]}), StatusCode::CONFLICT),
        (json!({"versions": [9]}), StatusCode::NOT_FOUND),
        (
            json!({"versions": [1], "before": "2026-01-01"}),
            StatusCode::BAD_REQUEST,
        ),
        (json!({"before": "yesterday"}), StatusCode::BAD_REQUEST),
    ] {
        let refused = erase(asked.clone()).await;
        assert_eq!(refused.status, status, "{asked}: {refused:?}");
    }
    // Another document says the same now: it keeps what it says.
    put("notes/b.md", "Ann owes 10").await;
    let needed = erase(json!({"versions": [1], "everywhere": true})).await;
    assert_eq!(needed.status, StatusCode::CONFLICT, "{needed:?}");
    assert!(needed.text.contains("notes/b.md"), "{needed:?}");
    put("notes/b.md", "Nothing").await;
    // It said the same once: only whoever says so erases that, too.
    let shared = erase(json!({"versions": [1]})).await;
    assert_eq!(shared.status, StatusCode::CONFLICT, "{shared:?}");
    assert!(shared.text.contains("notes/b.md"), "{shared:?}");
    let done = erase(json!({"versions": [1], "everywhere": true}))
        .await
        .ok();
    assert_eq!(
        (&done["erased"], &done["contents"], &done["also"]),
        (&json!([1, 4]), &json!(1), &json!(["notes/b.md"])),
        "{done:#}"
    );
    for version in [1, 4] {
        let place = format!("/api/v1/documents/notes/a.md?version={version}");
        let gone = rig.get(&place).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{gone:?}");
        for said in ["N0124", "was erased"] {
            assert!(gone.text.contains(said), "{said}: {gone:?}");
        }
        let cookie = rig.sign_in(&rig.owner).await;
        let page = rig.page(&cookie, &place.replace("/api/v1", "")).await;
        assert!(page.text.contains("was erased"), "{page:?}");
    }
    let other = rig.get("/api/v1/documents/notes/a.md?version=2").await.ok();
    assert_eq!(other["text"], "Ann owes 20");
    let differs = rig
        .get("/api/v1/document-diff/notes/a.md?from=4&to=5")
        .await;
    assert!(differs.text.contains("was erased"), "{differs:?}");
    let history = rig.get("/api/v1/document-versions/notes/a.md").await.ok();
    let first = &history["items"][0];
    assert_eq!(
        (&first["version"], &first["erased"]),
        (&Value::Null, &json!([1, 4]))
    );
    let gone: Vec<&Value> = history["items"].as_array().unwrap().iter().collect();
    let gone: Vec<&Value> = gone
        .into_iter()
        .filter(|item| item["gone"] == true)
        .map(|item| &item["version"])
        .collect();
    assert_eq!(gone, [&json!(4), &json!(1)], "{history:#}");
    // All the rest before what it says now; then there is nothing left.
    let rest = erase(json!({})).await.ok();
    assert_eq!(rest["erased"], json!([2, 3]), "{rest:#}");
    assert_eq!(erase(json!({})).await.ok()["contents"], 0);
    let now = rig.get("/api/v1/documents/notes/a.md").await.ok();
    assert_eq!(now["text"], "All paid");
    // Who did it stands in the journal, which still verifies.
    let audit = rig.get("/api/v1/audit?action=document.erased").await.ok();
    let rows = audit["items"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{audit:#}");
    let proof = rig.get("/api/v1/audit/verify").await.ok();
    assert_eq!(proof["ok"], true, "{proof:#}");
    // Written again it is there again, wherever it stood.
    put("notes/a.md", "Ann owes 10").await;
    let again = rig.get("/api/v1/documents/notes/a.md?version=1").await.ok();
    assert_eq!(again["text"], "Ann owes 10");
}
