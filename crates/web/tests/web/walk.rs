//! Every row of the table, as nobody, as another tenant, as too low a role.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Request, StatusCode};
use naos_types::{ApprovalId, MemberId, PlanId, Role, RunId, TaskId};
use naos_web::{Face, Least, Row, TABLE};
use serde_json::{Value, json};

use crate::support::{Rig, form, request};

/// A path of a row with ids that could be.
fn path(row: &Row) -> String {
    let id = match row.path {
        p if p.contains("/runs/") => RunId(7).to_string(),
        p if p.contains("/tasks/") => TaskId(7).to_string(),
        p if p.contains("/plan-runs/") || p.contains("/plans/") => PlanId(7).to_string(),
        p if p.contains("/approvals/") => ApprovalId(7).to_string(),
        p if p.contains("/cells/") => naos_types::TenantId(7).to_string(),
        p if p.contains("/members/") => MemberId(7).to_string(),
        p if p.contains("/events/") => naos_types::EventId(7).to_string(),
        _ => String::new(),
    };
    row.path
        .replace("{id}", &id)
        .replace("{name}", "somebody")
        .replace("{agent}", "somebody")
        .replace("{kind}", "plans")
        .replace("{event}", &naos_types::EventId(7).to_string())
        .replace("{*path}", "a/b.md")
}

fn as_page(row: &Row, cookie: Option<&str>) -> Request<Body> {
    if row.method == "GET" {
        let mut request = Request::get(path(row)).header("host", "localhost");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        return request.body(Body::empty()).unwrap();
    }
    let seen = "00".repeat(32);
    let event = naos_types::EventId(7);
    let filled = format!(
        "idempotency_key=k&input=x&decision=approve&seen={seen}&consumer=somebody&event={event}\
         &action=replay"
    );
    form(&path(row), cookie, &filled)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_in() {
    let rig = Rig::new().await;
    for row in TABLE {
        let Least::Role(_) = row.least else { continue };
        let name = format!("{} {}", row.method, row.path);
        if row.face == Face::Api {
            let got = rig
                .send(request("", row.method, &path(row), &Value::Null, &[]))
                .await;
            if row.path.starts_with("/v1/") {
                // As its clients read it; a problem elsewhere.
                assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{name}");
                assert_eq!(got.json()["error"]["code"], "N0140", "{name}: {got:?}");
            } else if row.path == "/mcp" {
                assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{name}");
                let code = &got.json()["error"]["data"]["code"];
                assert_eq!(code, "N0140", "{name}: {got:?}");
                assert_eq!(got.headers["www-authenticate"], "Bearer");
            } else {
                assert_eq!(got.problem(), (401, "N0140".into()), "{name}");
            }
            let wrong = naos_web::new_token(rig.main).0;
            let got = rig
                .send(request(&wrong, row.method, &path(row), &Value::Null, &[]))
                .await;
            // After ten wrong ones nobody new is let in at all.
            assert!(matches!(got.status.as_u16(), 401 | 429), "{name}: {got:?}");
            let cookie = rig_cookie_alone(row, "naos_session=x");
            assert_eq!(
                rig.send(cookie).await.status,
                StatusCode::UNAUTHORIZED,
                "{name}"
            );
            continue;
        }
        let got = rig.send(as_page(row, None)).await;
        if row.method == "GET" {
            assert_eq!(got.status, StatusCode::SEE_OTHER, "{name}");
            assert!(got.headers["location"].starts_with("/sign-in"), "{name}");
        } else {
            assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{name}");
        }
    }
}

fn rig_cookie_alone(row: &Row, cookie: &str) -> Request<Body> {
    request(
        "",
        row.method,
        &path(row),
        &Value::Null,
        &[("cookie", cookie)],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn too_low_a_role_is_refused() {
    let rig = Rig::new().await;
    let tokens = [
        (Role::External, rig.member("external").await),
        (Role::Staff, rig.member("staff").await),
        (Role::Admin, rig.member("admin").await),
    ];
    for (role, token) in &tokens {
        let cookie = rig.sign_in(token).await;
        for row in TABLE {
            let Least::Role(least) = row.least else {
                continue;
            };
            if *role >= least {
                continue;
            }
            let name = format!("{} {} as {}", row.method, row.path, role.word());
            let got = match row.face {
                Face::Api => {
                    rig.send(request(token, row.method, &path(row), &Value::Null, &[]))
                        .await
                }
                Face::Page => rig.send(as_page(row, Some(&cookie))).await,
            };
            assert_eq!(got.status, StatusCode::FORBIDDEN, "{name}: {got:?}");
            assert!(got.text.contains("N0141"), "{name}");
        }
    }
}

/// What the main tenant has, by its addresses; `canary` stands in all of it.
async fn filled(rig: &Rig, canary: &str) -> Vec<String> {
    rig.agent(canary).await;
    let run = rig.run(canary, canary).await;
    let put = rig
        .api(
            &rig.owner,
            "PUT",
            &format!("/api/v1/documents/{canary}.md"),
            json!({"text": canary}),
        )
        .await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let plan = format!(
        "type: plan\nname: {canary}\nsteps:\n  - {{name: ask, approval: {{title: {canary}, \
         body: {canary}}}}}\n"
    );
    // The rig has no outside: what was raised can't be delivered, and is listed all the same.
    let notice =
        format!("type: notice\nname: {canary}\nwebhook: https://{canary}.example/\nretry: 1\n");
    let watch = format!("type: supervisor\nname: {canary}\nchildren: [{canary}-agent]\n");
    let files = json!([
        {"name": "n.yaml", "text": notice}, {"name": "p.yaml", "text": plan},
        {"name": "s.yaml", "text": watch},
    ]);
    rig.post("/api/v1/apply", json!({"files": files}))
        .await
        .ok();
    let started = rig
        .post(
            &format!("/api/v1/plans/{canary}/start"),
            json!({"wait_ms": 20_000}),
        )
        .await
        .ok();
    assert_eq!(started["status"], "held", "{started}");
    let approval = started["steps"][0]["approval"].as_str().unwrap();
    rig.post(
        "/api/v1/events",
        json!({"type": canary, "data": {"x": canary}}),
    )
    .await
    .ok();
    let budget = json!({"limit_micros": 1_000_000, "period": "day"});
    rig.api(
        &rig.owner,
        "PUT",
        &format!("/api/v1/budgets/{canary}"),
        budget,
    )
    .await
    .ok();
    let member = rig
        .post("/api/v1/members", json!({"name": canary, "role": "staff"}))
        .await
        .ok();
    vec![
        format!("/api/v1/agents/{canary}"),
        format!("/api/v1/runs/{}", run["run"].as_str().unwrap()),
        format!("/api/v1/tasks/{}", run["task"].as_str().unwrap()),
        format!("/api/v1/plan-runs/{}", started["run"].as_str().unwrap()),
        format!("/api/v1/approvals/{approval}"),
        format!("/api/v1/supervisors/{canary}"),
        format!("/api/v1/resources/plans/{canary}"),
        format!("/api/v1/resources/notices/{canary}"),
        format!("/api/v1/documents/{canary}.md"),
        format!("/agents/{canary}"),
        format!("/runs/{}", run["run"].as_str().unwrap()),
        format!("/plans/{}", started["run"].as_str().unwrap()),
        format!("/approvals/{approval}"),
        format!("/supervisors/{canary}"),
        format!("/documents/{canary}.md"),
        format!("/document-versions/{canary}.md"),
        format!("/document-diff/{canary}.md"),
        format!("/api/v1/members/{}", member["member"].as_str().unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_and_changes_nothing() {
    let rig = Rig::new().await;
    let canary = "kanarilahy";
    let places = filled(&rig, canary).await;
    let other = rig.tenant("riake").await;
    let cookie = rig.sign_in(&other).await;
    // What is there for its own tenant isn't for another.
    for place in places.iter().filter(|place| !place.contains("/members/")) {
        let (own, theirs) = if place.starts_with("/api/") {
            (
                rig.get(place).await,
                rig.api(&other, "GET", place, Value::Null).await,
            )
        } else {
            let own = rig.sign_in(&rig.owner).await;
            (rig.page(&own, place).await, rig.page(&cookie, place).await)
        };
        assert_eq!(own.status, StatusCode::OK, "{place}: {own:?}");
        assert!(own.text.contains(canary), "{place}: {own:?}");
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{place}: {theirs:?}");
        let said = theirs.text.replace(place.as_str(), "");
        let told = said.matches(canary).count();
        // A sentence may repeat the name that was asked for; nothing else may.
        assert!(told <= 1, "{place}: {theirs:?}");
    }
    // No list and no page of theirs shows any of it.
    for row in TABLE
        .iter()
        .filter(|row| row.method == "GET" && !row.path.contains('{'))
    {
        let endless = ["/stream", "/tail", "/live"];
        if endless.iter().any(|end| row.path.ends_with(end)) {
            continue;
        }
        let got = match row.face {
            Face::Api => rig.api(&other, "GET", row.path, Value::Null).await,
            Face::Page => rig.page(&cookie, row.path).await,
        };
        assert!(!got.text.contains(canary), "{}: {got:?}", row.path);
    }
    // Nothing of theirs changes it.
    let before = rig.get("/api/v1/status").await.ok()["journal"]["seq"].clone();
    let bases: BTreeSet<&String> = places.iter().collect();
    for place in bases.iter().filter(|place| place.starts_with("/api/")) {
        for (method, tail, body) in [
            ("DELETE", "", Value::Null),
            ("POST", "/cancel", Value::Null),
            ("POST", "/stop", Value::Null),
            ("POST", "/test", Value::Null),
            ("POST", "/decide", json!({"approve": true})),
            ("POST", "/resolve", json!({"verdict": "retry"})),
            ("POST", "/resume", Value::Null),
            ("POST", "/pause", Value::Null),
            ("POST", "/skip", json!({"step": "ask"})),
            ("POST", "/reset", Value::Null),
            ("POST", "/role", json!({"role": "owner"})),
        ] {
            let got = rig
                .api(&other, method, &format!("{place}{tail}"), body)
                .await;
            let gone = matches!(got.status.as_u16(), 404 | 405);
            assert!(gone, "{method} {place}{tail}: {got:?}");
        }
    }
    let after = rig.get("/api/v1/status").await.ok()["journal"]["seq"].clone();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_holds_every_route_and_nothing_else() {
    let rig = Rig::new().await;
    let document = rig
        .send(request("", "GET", "/openapi.json", &Value::Null, &[]))
        .await
        .ok();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            let names = operation["parameters"].as_array().unwrap();
            for name in path
                .split('/')
                .filter_map(|p| p.strip_prefix('{')?.strip_suffix('}'))
            {
                assert!(names.iter().any(|p| p["name"] == name), "{path}: {name}");
            }
        }
    }
    let api = TABLE.iter().filter(|row| row.face == Face::Api);
    let table: BTreeSet<_> = api
        .map(|row| (row.method.to_owned(), row.path.replace("{*", "{")))
        .collect();
    assert_eq!(described, table);
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
