//! What would have been, on the page of a run.

use http::StatusCode;
use naos_types::RunId;

use super::hidden;
use crate::support::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_begins_one_and_its_page_shows_both() {
    let rig = Rig::with_models().await;
    let cookie = rig.sign_in(&rig.owner).await;
    let of = rig.run("clerk", "The bill?").await;
    let path = format!("/runs/{}", of["run"].as_str().unwrap());
    let page = rig.page(&cookie, &path).await.text;
    assert!(page.contains("<option>cheap</option>"), "{page}");
    assert!(page.contains("max=\"2\""), "{page}");
    let key = hidden(&page, "idempotency_key");
    let filled = format!("idempotency_key={key}&from=2&model=cheap&prompt=You+doubt.");
    let to = format!("{path}/what-if");
    let begun = rig.form(&cookie, &to, &filled).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{begun:?}");
    let own = begun.headers["location"].clone();
    let again = rig.form(&cookie, &to, &filled).await;
    assert_eq!(again.headers["location"], own, "begun once");
    let wait = format!("/api/v1{own}?wait_ms=20000");
    assert_eq!(rig.get(&wait).await.ok()["status"], "completed");
    let shown = rig.page(&cookie, &own).await.text;
    for said in [
        path.as_str(),
        "<del>- dear, You help.</del>",
        "<ins>+ cheap, You doubt.</ins>",
        "<pre tabindex=\"0\">You doubt.</pre>",
        "$0.022",
        "$0.0011",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let back = rig.page(&cookie, &path).await.text;
    assert!(back.contains(&format!("href=\"{own}\"")), "{back}");
    // As it was is no change, and a page says so.
    let key = hidden(&back, "idempotency_key");
    let same = format!("idempotency_key={key}&from=2&model=&prompt=+");
    let refused = rig.form(&cookie, &to, &same).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert!(refused.text.contains("N0102"), "{}", refused.text);
    let lost = format!("/runs/{}/what-if", RunId(7));
    let refused = rig.form(&cookie, &lost, &filled.replace(&key, "k")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_turns_has_no_form() {
    let rig = Rig::with_models().await;
    rig.agent("hello").await;
    let cookie = rig.sign_in(&rig.owner).await;
    let run = rig.run("hello", "x").await;
    let path = format!("/runs/{}", run["run"].as_str().unwrap());
    let page = rig.page(&cookie, &path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("what-if"), "{}", page.text);
}
