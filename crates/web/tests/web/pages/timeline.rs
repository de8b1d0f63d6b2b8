//! A run, call by call.

use http::StatusCode;
use naos_types::RunId;
use serde_json::json;

use crate::support::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn each_call_opens_with_what_was_shown_and_said() {
    let rig = Rig::with_models().await;
    let cookie = rig.sign_in(&rig.owner).await;
    let of = rig.run("clerk", "The bill?").await;
    let path = format!("/runs/{}", of["run"].as_str().unwrap());
    let run = rig.page(&cookie, &path).await.text;
    let line = format!("{path}/timeline");
    assert!(run.contains(&format!("href=\"{line}\"")), "{run}");
    let first = rig.page(&cookie, &line).await.text;
    assert!(first.contains("<code>dear</code>"), "{first}");
    assert!(first.contains("<code>context_write</code>"), "{first}");
    assert!(!first.contains("rel=\"prev\""), "{first}");
    assert!(
        first.contains(&format!("href=\"{line}?at=1\" rel=\"next\"")),
        "{first}"
    );
    let second = rig.page(&cookie, &format!("{line}?at=1")).await.text;
    assert!(second.contains("context_write {"), "{second}");
    assert!(
        second.contains(&format!("href=\"{line}?at=0\" rel=\"prev\"")),
        "{second}"
    );
    let mut at = 1;
    let last = loop {
        let page = rig.page(&cookie, &format!("{line}?at={at}")).await.text;
        if !page.contains("rel=\"next\"") {
            break page;
        }
        at += 1;
        assert!(at < 10, "it has an end");
    };
    assert!(last.contains("dear, You help."), "{last}");
    let beyond = rig.page(&cookie, &format!("{line}?at={}", at + 1)).await;
    assert_eq!(beyond.status, StatusCode::NOT_FOUND, "{beyond:?}");
    let nobodys = format!("/runs/{}/timeline", RunId(7));
    let none = rig.page(&cookie, &nobodys).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_called_nothing_says_so() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let cookie = rig.sign_in(&rig.owner).await;
    let run = rig.run("hello", "x").await;
    let path = format!("/runs/{}/timeline", run["run"].as_str().unwrap());
    let page = rig.page(&cookie, &path).await;
    assert!(page.text.contains("made no call"), "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_models_cost_stands_with_the_money() {
    let rig = Rig::with_models().await;
    rig.run("clerk", "The bill?").await;
    let costs = rig.get("/api/v1/costs").await.ok();
    let dear = &costs["models"][0];
    assert_eq!(
        (&dear["model"], &dear["answers"], &dear["total_micros"]),
        (&json!("dear"), &json!(2), &json!(22_000)),
        "{costs}"
    );
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/costs").await.text;
    assert!(page.contains("<th scope=\"row\">dear</th>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_no_room_in_the_window_stands_beside_what_was_shown() {
    let rig = Rig::with_models().await;
    let cookie = rig.sign_in(&rig.owner).await;
    let text = "type: model\nname: small\nprovider: ollama\nmodel: m\ncontext_size: 5000\n\
                endpoint: http://127.0.0.1:11434\n---\n\
                type: agent\nname: reader\nmodel: small\nprompt: You help.\n\
                workspace: agents/reader\ntools: [context_write, calculate]\n\
                grants: {context_write: [notes/**]}\n";
    let files = json!({"files": [{"name": "b.yaml", "text": text}]});
    rig.post("/api/v1/apply", files).await.ok();
    let place = |name: &str| format!("/api/v1/documents/agents/reader/{name}");
    for name in ["SOUL.md", "MEMORY.md"] {
        let body = json!({"text": "x".repeat(12_000)});
        rig.api(&rig.owner, "PUT", &place(name), body).await.ok();
    }
    let of = rig.run("reader", "The bill?").await;
    let line = format!("/runs/{}/timeline", of["run"].as_str().unwrap());
    let page = rig.page(&cookie, &line).await.text;
    for said in [
        "<code>/agents/reader/SOUL.md</code> <span class=\"soft\">a part of it",
        "of 12000 bytes, no room: the window is 5000 tokens",
        "<code>/agents/reader/MEMORY.md</code> <span class=\"soft\">no room",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}
