//! `/api/v1/documents`, and the versions of each.

use http::StatusCode;
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
