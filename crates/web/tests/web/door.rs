//! Hosts, origins, tokens, sessions, sizes, headers.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, StatusCode};
use naos_store::MemStore;
use serde_json::{Value, json};

use crate::support::{Rig, form, request};

#[tokio::test(flavor = "multi_thread")]
async fn only_our_own_names_are_answered() {
    let rig = Rig::over(Arc::new(MemStore::new(1)), |app| {
        app.hosts(vec!["naos.example.org".into()])
    })
    .await;
    for (host, status) in [
        ("127.0.0.1:4200", 200),
        ("localhost", 200),
        ("[::1]:4200", 200),
        ("naos.example.org", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
    ] {
        let request = Request::get("/healthz")
            .header("host", host)
            .body(Body::empty());
        let got = rig.send(request.unwrap()).await;
        assert_eq!(got.status.as_u16(), status, "{host}");
    }
    let named = |hosts: &[&str]| {
        let request = Request::get("/healthz");
        let request = hosts
            .iter()
            .fold(request, |r, host| r.header("host", *host));
        rig.send(request.body(Body::empty()).unwrap())
    };
    let other = named(&["evil.example"]).await;
    assert_eq!(other.problem(), (403, "N0147".into()));
    assert!(other.text.contains("host name"), "{other:?}");
    for two in [["localhost", "localhost"], ["localhost", "evil.example"]] {
        assert_eq!(
            named(&two).await.problem(),
            (400, "N0102".into()),
            "{two:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_comes_from_our_own_pages() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let cookie = rig.sign_in(&rig.owner).await;
    let send = |origin: Option<&str>, site: Option<&str>| {
        let mut request = Request::post("/agents/hello/run")
            .header("host", "127.0.0.1:4200")
            .header("cookie", &cookie);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        request
            .body(Body::from("input=x&idempotency_key=k"))
            .unwrap()
    };
    for (origin, site, status) in [
        (Some("http://127.0.0.1:4200"), None, 303),
        (None, Some("same-origin"), 303),
        (None, None, 403),
        (Some("null"), None, 403),
        (Some("http://evil.example"), None, 403),
        (Some("http://localhost:4200"), None, 403),
        (Some("http://127.0.0.1:4201"), None, 403),
        (Some("http://127.0.0.1:4200"), Some("cross-site"), 403),
        (Some(""), None, 403),
    ] {
        let got = rig.send(send(origin, site)).await;
        assert_eq!(got.status.as_u16(), status, "{origin:?} {site:?}");
    }
    let foreign = [("origin", "http://evil.example")];
    let body = json!({"agent": "hello", "input": "x"});
    let got = rig
        .send(request(&rig.owner, "POST", "/api/v1/runs", &body, &foreign))
        .await;
    assert_eq!(got.problem(), (403, "N0148".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_an_address_is_refused() {
    let rig = Rig::new().await;
    for name in ["token", "access_token", "api_key", "Token"] {
        let path = format!("/api/v1/status?{name}={}", rig.owner);
        let got = rig.send(request("", "GET", &path, &Value::Null, &[])).await;
        assert_eq!(got.problem(), (400, "N0102".into()), "{name}");
        assert!(!got.text.contains(&rig.owner));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_counted_and_right_ones_go_on() {
    let rig = Rig::new().await;
    let fresh = rig.member("staff").await;
    for tried in 0..12 {
        let wrong = naos_web::new_token(rig.main).0;
        let got = rig.api(&wrong, "GET", "/api/v1/status", Value::Null).await;
        let wanted = if tried < 10 { 401 } else { 429 };
        assert_eq!(got.status.as_u16(), wanted, "{tried}");
    }
    let got = rig.send(form("/sign-in", None, "token=x")).await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    // Who was let in before isn't locked out by somebody else's guesses; nobody new comes in.
    assert_eq!(rig.get("/api/v1/status").await.status, StatusCode::OK);
    let got = rig.api(&fresh, "GET", "/api/v1/status", Value::Null).await;
    assert_eq!(got.problem(), (429, "N0160".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_tenant_makes_no_cell() {
    let rig = Rig::new().await;
    let before = rig.node.store().tenants().unwrap();
    let token = naos_web::new_token(naos_types::TenantId(9 << 90)).0;
    let got = rig.api(&token, "GET", "/api/v1/status", Value::Null).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(rig.node.store().tenants().unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_member_and_by_hand() {
    let rig = Rig::new().await;
    let body = json!({"name": "hery", "role": "staff"});
    let made = rig.post("/api/v1/members", body).await.ok();
    let token = made["token"].as_str().unwrap();
    let one = rig.sign_in(token).await;
    let two = rig.sign_in(token).await;
    assert_ne!(one, two);
    assert_eq!(rig.page(&one, "/").await.status, StatusCode::OK);
    let out = rig.form(&one, "/sign-out", "idempotency_key=k").await;
    assert!(out.headers["set-cookie"].contains("Max-Age=0"));
    assert_eq!(rig.page(&one, "/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(rig.page(&two, "/").await.status, StatusCode::OK);
    let member = made["member"].as_str().unwrap();
    let place = format!("/api/v1/members/{member}");
    let gone = rig.api(&rig.owner, "DELETE", &place, Value::Null).await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(rig.page(&two, "/").await.status, StatusCode::SEE_OTHER);
    let got = rig.api(token, "GET", "/api/v1/status", Value::Null).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_outlive_a_restart_and_what_ended_does_not() {
    let store = MemStore::new(7);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let start = || {
        let (found, into) = (kept.lock().unwrap().clone(), Arc::clone(&kept));
        Rig::over(Arc::new(store.clone()), |app| {
            app.sessions(found, move |bytes| {
                *into.lock().unwrap() = bytes.to_vec();
                Ok(())
            })
        })
    };
    let rig = start().await;
    let owner = rig.owner.clone();
    let body = json!({"name": "hery", "role": "staff"});
    let hery = rig.post("/api/v1/members", body).await.ok();
    let stays = rig.sign_in(&owner).await;
    let left = rig.sign_in(&owner).await;
    let member = rig.sign_in(hery["token"].as_str().unwrap()).await;
    // Signing in again ends what the browser had before.
    let again = form("/sign-in", Some(&stays), &format!("token={owner}&next=/"));
    let again = rig.send(again).await;
    let next = again.headers["set-cookie"].split(';').next().unwrap();
    let (before, stays) = (stays, next.to_owned());
    let out = rig.form(&left, "/sign-out", "idempotency_key=k").await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    let text = String::from_utf8(kept.lock().unwrap().clone()).unwrap();
    for cookie in [&stays, &member] {
        let name = cookie.split_once('=').unwrap().1;
        assert!(!text.contains(name), "a session's name is kept: {text}");
    }
    drop(rig);

    let mut rig = start().await;
    rig.owner = owner;
    let status = async |rig: &Rig, cookie: &str| rig.page(cookie, "/").await.status;
    assert_eq!(status(&rig, &stays).await, StatusCode::OK);
    assert_eq!(status(&rig, &member).await, StatusCode::OK);
    assert_eq!(status(&rig, &left).await, StatusCode::SEE_OTHER);
    assert_eq!(status(&rig, &before).await, StatusCode::SEE_OTHER);
    // The token that began it still has to be good.
    let place = format!("/api/v1/members/{}", hery["member"].as_str().unwrap());
    let gone = rig.api(&rig.owner, "DELETE", &place, Value::Null).await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(status(&rig, &member).await, StatusCode::SEE_OTHER);
    drop(rig);
    let rig = start().await;
    assert_eq!(status(&rig, &member).await, StatusCode::SEE_OTHER);
    assert_eq!(status(&rig, &stays).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_hears_that_it_could_not_be_written() {
    let rig = Rig::over(Arc::new(MemStore::new(7)), |app| {
        app.sessions(b"[{".to_vec(), |_| Err("the disk is gone".into()))
    })
    .await;
    let cookie = rig.sign_in(&rig.owner).await;
    assert_eq!(rig.page(&cookie, "/").await.status, StatusCode::OK);
    let out = rig.form(&cookie, "/sign-out", "idempotency_key=k").await;
    assert_eq!(out.status, StatusCode::SERVICE_UNAVAILABLE, "{out:?}");
    assert_eq!(rig.page(&cookie, "/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_and_headers_are_strict() {
    let rig = Rig::new().await;
    let got = rig
        .send(form(
            "/sign-in",
            None,
            &format!("token={}&next=//evil.example", rig.owner),
        ))
        .await;
    assert_eq!(got.headers["location"], "/");
    let cookie = &got.headers["set-cookie"];
    for word in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains(&rig.owner));
    for path in ["/sign-in", "/healthz", "/api/v1/status", "/nothing"] {
        let got = rig.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(got.headers[name], value, "{path}");
        }
        assert!(
            got.headers["content-security-policy"].contains("default-src 'none'"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_a_limit() {
    let rig = Rig::new().await;
    let body = json!({"text": "x".repeat(17 << 20)});
    let got = rig
        .api(&rig.owner, "PUT", "/api/v1/documents/big.md", body)
        .await;
    assert_eq!(got.problem(), (413, "N0103".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_where_that_is_understood() {
    let rig = Rig::new().await;
    let asked = [("accept-encoding", "gzip")];
    let got = rig
        .send(request("", "GET", "/openapi.json", &Value::Null, &asked))
        .await;
    assert_eq!(got.headers["content-encoding"], "gzip");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_name_in_an_address_is_refused() {
    let rig = Rig::new().await;
    let ask = async |path: &str| {
        let got = rig.send(request(&rig.owner, "GET", path, &Value::Null, &[]));
        got.await
    };
    for (path, names) in [
        ("/api/v1/runs?limt=3", "status, agent, before, limit"),
        (
            "/api/v1/runs?limit=3&agnet=a",
            "status, agent, before, limit",
        ),
        ("/api/v1/status?verbose=1", "nothing can be asked"),
    ] {
        let got = ask(path).await;
        assert_eq!(got.problem(), (400, "N0102".into()), "{path}");
        assert!(got.text.contains(names), "{path}: {}", got.text);
    }
    assert_eq!(ask("/api/v1/runs?limit=3").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_no_object() {
    let rig = Rig::new().await;
    rig.agent("hello").await;
    let list = json!(["hello", "an input"]);
    let key = [("idempotency-key", "list")];
    let got = rig
        .send(request(&rig.owner, "POST", "/api/v1/runs", &list, &key))
        .await;
    assert_eq!(got.problem(), (400, "N0102".into()), "{}", got.text);
}
