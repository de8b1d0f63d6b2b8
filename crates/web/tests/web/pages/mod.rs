//! The pages' addresses, with real data.

mod events;
mod flows;
mod timeline;
mod what_ifs;

use http::StatusCode;
use serde_json::json;

use crate::support::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_shows_what_is_there() {
    let rig = Rig::new().await;
    let cookie = rig.sign_in(&rig.owner).await;
    for path in [
        "/",
        "/board",
        "/agents",
        "/runs",
        "/approvals",
        "/audit",
        "/costs",
        "/documents",
    ] {
        let got = rig.page(&cookie, path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {got:?}");
        assert!(!got.text.contains('⟦'), "{path}");
    }
    rig.agent("hello").await;
    let run = rig.run("hello", "salama tompoko").await;
    let id = run["run"].as_str().unwrap();
    let text = json!({"text": "# Tatitra\n\nVoir mails/1.eml:3 et notes.md:2.\n"});
    rig.api(&rig.owner, "PUT", "/api/v1/documents/r.md", text)
        .await
        .ok();
    let note = json!({"text": "a\nthe second line\n"});
    rig.api(&rig.owner, "PUT", "/api/v1/documents/notes.md", note)
        .await
        .ok();
    let run_page = format!("/runs/{id}");
    for (path, words) in [
        ("/", &["hello", "agents"][..]),
        ("/board", &["salama tompoko"][..]),
        ("/agents", &["agent-hello", "researcher"][..]),
        ("/agents/hello", &["idempotency_key", "clock", id][..]),
        ("/runs", &[id, "salama tompoko"][..]),
        ("/runs?status=failed", &["<form"][..]),
        (&run_page, &["salama tompoko", "step-1", "$0.05"][..]),
        ("/audit", &["agent.created", "cost.recorded", "$0.05"][..]),
        ("/audit?who=hello&action=agent.", &["agent.completed"][..]),
        ("/costs", &["$0.05", "hello"][..]),
        (
            "/documents/r.md",
            &["Tatitra", "the second line", "/documents/notes.md"][..],
        ),
    ] {
        let got = rig.page(&cookie, path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {got:?}");
        for word in words {
            assert!(got.text.contains(word), "{word} on {path}: {}", got.text);
        }
        assert!(!got.text.contains('⟦'), "{path}");
    }
    let lost = rig.page(&cookie, "/agents/nobody").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
    assert!(lost.text.contains("N0120"));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_listed_with_their_versions_and_what_changed() {
    let rig = Rig::new().await;
    let staff = rig.member("staff").await;
    let put = async |path: &str, text: &str| {
        let place = format!("/api/v1/documents/{path}");
        let put = rig.api(&staff, "PUT", &place, json!({"text": text})).await;
        assert_eq!(put.status, StatusCode::OK, "{path}: {put:?}");
    };
    put("bills/a%20b.md", "Two plans.\n").await;
    put("bills/a%20b.md", "Three plans.\n").await;
    for at in 0..50 {
        put(&format!("notes/{at:02}.md"), "seen").await;
    }
    let cookie = rig.sign_in(&staff).await;
    let page = async |path: &str| {
        let got = rig.page(&cookie, path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {got:?}");
        assert!(!got.text.contains('⟦'), "{path}");
        got.text
    };
    let first = page("/documents").await;
    for said in [
        "href=\"/documents/bills/a%20b.md\"",
        "href=\"/document-versions/bills/a%20b.md\"",
        "2 versions",
        "13 bytes",
        ">staff</span>",
        "notes/48.md",
    ] {
        assert!(first.contains(said), "{said}: {first}");
    }
    assert!(!first.contains("notes/49.md"), "the second part: {first}");
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = page(&next).await;
    assert!(second.contains("notes/49.md"), "{second}");
    assert!(!second.contains("rel=\"next\""), "{second}");
    let bills = page("/documents?prefix=bills/").await;
    assert!(!bills.contains("notes/"), "{bills}");
    let none = page("/documents?prefix=letters/").await;
    assert!(none.contains("class=\"blank\""), "{none}");
    let found = page("/documents?query=plan&prefix=bills/").await;
    assert!(found.contains("bills/a b.md:1"), "{found}");
    let unfound = page("/documents?query=elephants&prefix=bills/").await;
    assert!(unfound.contains("Nothing fits in 1 document"), "{unfound}");

    let shown = page("/documents/bills/a%20b.md").await;
    let versions = "/document-versions/bills/a%20b.md";
    assert!(shown.contains(versions), "{shown}");
    let history = page(versions).await;
    for said in [
        "?version=1",
        "?version=2",
        "href=\"/document-diff/bills/a%20b.md?to=2\"",
    ] {
        assert!(history.contains(said), "{said}: {history}");
    }
    let differs = page("/document-diff/bills/a%20b.md?to=2").await;
    for said in ["<del>- Two plans.</del>", "<ins>+ Three plans.</ins>"] {
        assert!(differs.contains(said), "{said}: {differs}");
    }
    // What was taken away is listed no more, and what became of it is still there.
    let gone = "/api/v1/documents/bills/a%20b.md";
    let gone = rig.api(&staff, "DELETE", gone, json!(null)).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    assert!(!page("/documents").await.contains("bills/"));
    let history = page(versions).await;
    assert!(history.contains("Taken away") && history.contains("?version=2"));
    let never = rig.page(&cookie, "/document-versions/never.md").await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
}

/// The value of a hidden field.
pub fn hidden(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = html
        .split_once(&start)
        .unwrap_or_else(|| panic!("{name} in {html}"))
        .1;
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_act_once() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/agents/hello").await;
    let key = hidden(&page.text, "idempotency_key");
    let body = format!("input=salama&idempotency_key={key}");
    let one = rig.form(&cookie, "/agents/hello/run", &body).await;
    let two = rig.form(&cookie, "/agents/hello/run", &body).await;
    assert_eq!(one.status, StatusCode::SEE_OTHER);
    assert_eq!(one.headers["location"], two.headers["location"]);
    assert!(
        rig.page(&cookie, &one.headers["location"])
            .await
            .text
            .contains("salama")
    );
    // Another text under the same key isn't the same request: it isn't dropped in silence.
    let other = body.replace("salama", "other");
    let other = rig.form(&cookie, "/agents/hello/run", &other).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{other:?}");
    let keyless = rig.form(&cookie, "/agents/hello/run", "input=x").await;
    assert_eq!(keyless.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_on_the_page() {
    let rig = Rig::new().await;
    let plan = "type: plan\nname: ask\nsteps:\n  - {name: a, approval: {title: Send it, \
                body: \"the letter\"}}\n";
    rig.post(
        "/api/v1/apply",
        json!({"files": [{"name": "p.yaml", "text": plan}]}),
    )
    .await
    .ok();
    let started = rig
        .post("/api/v1/plans/ask/start", json!({"wait_ms": 20_000}))
        .await
        .ok();
    let (plan, approval) = (
        started["run"].as_str().unwrap(),
        started["steps"][0]["approval"].as_str().unwrap(),
    );
    let cookie = rig.sign_in(&rig.owner).await;
    assert!(rig.page(&cookie, "/").await.text.contains("Send it"));
    let place = format!("/approvals/{approval}");
    let page = rig.page(&cookie, &place).await;
    assert!(page.text.contains("the letter"), "{}", page.text);
    let (seen, key) = (hidden(&page.text, "seen"), "k1");
    // Who can't say what they saw is asked to look again, and nothing is approved.
    for unseen in ["", "&seen=", "&seen=00", "&seen=x"] {
        let body = format!("decision=approve&idempotency_key=k0{unseen}");
        let refused = rig.form(&cookie, &place, &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{unseen}");
        assert!(refused.text.contains("look at what waits"), "{refused:?}");
    }
    let other = format!(
        "decision=approve&idempotency_key=k0&seen={}",
        "00".repeat(32)
    );
    let refused = rig.form(&cookie, &place, &other).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let body = format!("decision=approve&comment=eny&seen={seen}&idempotency_key={key}");
    let done = rig.form(&cookie, &place, &body).await;
    assert_eq!(done.headers["location"], place, "{done:?}");
    let page = rig.page(&cookie, &place).await;
    assert!(page.text.contains("eny") && !page.text.contains("name=\"decision\""));
    let plan_page = rig.page(&cookie, &format!("/plans/{plan}")).await;
    assert_eq!(plan_page.status, StatusCode::OK);
    let led = rig.page(&cookie, &format!("/runs/{plan}")).await;
    assert_eq!(led.headers["location"], format!("/plans/{plan}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_chosen_and_kept() {
    let rig = Rig::new().await;
    let got = rig.form("x=1", "/language", "lang=fr&next=/sign-in").await;
    assert_eq!(got.headers["location"], "/sign-in");
    assert!(got.headers["set-cookie"].starts_with("naos_lang=fr;"));
    let page = rig.page("naos_lang=fr", "/sign-in").await;
    assert!(page.text.contains("<html lang=\"fr\""), "{}", page.text);
    let style = page.text.split("href=\"/assets/").nth(2).unwrap();
    let style = style.split('"').next().unwrap();
    let css = rig.page("", &format!("/assets/{style}")).await;
    assert!(
        css.headers["cache-control"].contains("immutable"),
        "{css:?}"
    );
    assert_eq!(
        rig.page("", "/assets/nothing.css").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_stays_at_the_door() {
    let rig = Rig::new().await;
    let wrong = naos_web::new_token(rig.main).0;
    let got = rig
        .form("x=1", "/sign-in", &format!("token={wrong}&next=/runs"))
        .await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert!(got.text.contains("role=\"alert\"") && !got.text.contains(&wrong));
    let led = rig.page("", "/runs?status=held").await;
    assert_eq!(
        led.headers["location"],
        "/sign-in?next=%2Fruns%3Fstatus%3Dheld"
    );
}
