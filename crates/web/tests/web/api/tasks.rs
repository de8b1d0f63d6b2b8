//! `/api/v1/tasks`: tasks of the board, over HTTP and on their pages.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::pages::hidden;
use crate::support::Rig;

/// How long an agent may take.
const WORK_MAX: Duration = Duration::from_secs(30);

/// The task, once it is as it should be.
async fn until(rig: &Rig, task: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let began = naos_engine::clock::tick();
    loop {
        let found = rig.get(&format!("/api/v1/tasks/{task}")).await.ok();
        if fits(&found) {
            return found;
        }
        assert!(began.elapsed() < WORK_MAX, "{found:#}");
        tokio::task::yield_now().await;
    }
}

async fn done(rig: &Rig, task: &str) -> Value {
    until(rig, task, |found| found["status"] == "done").await
}

async fn create(rig: &Rig, wish: Value) -> String {
    let made = rig.post("/api/v1/tasks", wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    // Lists are in the order of time, and what is made in the same millisecond has none.
    let made_at = naos_engine::clock::now();
    while naos_engine::clock::now() == made_at {
        tokio::task::yield_now().await;
    }
    made.json()["task"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_planned_done_and_talked_about() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    rig.agent("writer").await;
    let first = create(
        &rig,
        json!({"title": "Ask Ann", "text": "When?", "to": "clerk", "then": ["writer"],
            "labels": ["office"], "due": "2026-12-01"}),
    )
    .await;
    let second = create(
        &rig,
        json!({"title": "Tell Bema", "to": "@writer", "after": [first], "part_of": first}),
    )
    .await;
    let found = done(&rig, &first).await;
    assert_eq!(found["input"], "# Ask Ann\n\nWhen?");
    let output = found["output"].as_str().unwrap();
    assert!(output.contains("# What clerk made of it"), "{output}");
    assert_eq!(found["due"], "2026-12-01T00:00:00.000Z");
    assert_eq!(found["parts"], json!([second]));
    done(&rig, &second).await;
    let place = format!("/api/v1/tasks/{second}/messages");
    let said = rig
        .post(&place, json!({"text": "@clerk thanks, @nobody"}))
        .await;
    assert_eq!(said.status, StatusCode::CREATED);
    let said = said.json();
    assert_eq!(
        (&said["calls"], &said["unknown"]),
        (&json!(["clerk"]), &json!(["nobody"]))
    );
    let answered = |found: &Value| found["messages"].as_array().unwrap().len() == 2;
    let found = until(&rig, &second, answered).await;
    assert_eq!(found["messages"][1]["by"], "clerk", "{found:#}");
    let listed = rig.get(&place).await.ok();
    assert_eq!(listed["items"], found["messages"]);
    // The board holds the tasks; the work of their runs isn't beside them.
    let all = rig.get("/api/v1/tasks").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_twice_is_one_task() {
    let rig = Rig::new().await;
    let ask = || {
        let headers = [("idempotency-key", "one")];
        let body = json!({"title": "Call Ann"});
        rig.send(crate::support::request(
            &rig.owner,
            "POST",
            "/api/v1/tasks",
            &body,
            &headers,
        ))
    };
    let (one, two) = (ask().await.json(), ask().await.json());
    assert_eq!(one["task"], two["task"], "{one} {two}");
    assert_eq!(
        rig.get("/api/v1/tasks").await.ok()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_no_task_and_says_nothing_in_it() {
    let rig = Rig::new().await;
    let task = create(&rig, json!({"title": "kanarilahy", "text": "kanarilahy"})).await;
    let other = rig.tenant("riake").await;
    let all = rig
        .api(&other, "GET", "/api/v1/tasks", Value::Null)
        .await
        .ok();
    assert_eq!(all["items"], json!([]));
    for (method, path, body) in [
        ("GET", "", Value::Null),
        ("GET", "/messages", Value::Null),
        ("POST", "", json!({"priority": "high"})),
        ("POST", "/messages", json!({"text": "hello"})),
        ("POST", "/hand-over", json!({"to": "clerk"})),
        ("POST", "/begin", json!({})),
        ("POST", "/done", json!({})),
        ("POST", "/cancel", json!({})),
    ] {
        let path = format!("/api/v1/tasks/{task}{path}");
        let got = rig.api(&other, method, &path, body).await;
        assert_eq!(got.problem().0, 404, "{method} {path}: {got:?}");
        assert!(!got.text.contains("kanarilahy"), "{got:?}");
    }
    // A part of somebody else's task is no task here either.
    let part = json!({"title": "x", "part_of": task});
    let got = rig.api(&other, "POST", "/api/v1/tasks", part).await;
    assert_eq!(got.problem().0, 404, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_and_nothing_is_planned() {
    let rig = Rig::new().await;
    let task = create(&rig, json!({"title": "Call Ann"})).await;
    for (wish, said) in [
        (json!({}), "has a `title`"),
        (json!({"title": "x".repeat(201)}), "at most 200 characters"),
        (
            json!({"title": "x", "priority": "soon"}),
            "low, normal, high or urgent",
        ),
        (
            json!({"title": "x", "due": "2026-02-31"}),
            "`due` is a date",
        ),
        (
            json!({"title": "x", "approve": "external"}),
            "staff, admin or owner",
        ),
        (json!({"title": "x", "approve": true}), "name a reviewer"),
        (json!({"title": "x", "rounds": 0}), "1 to 10 rounds"),
        (json!({"title": "x", "to": "No Name"}), "No Name"),
        (json!({"title": "x", "to": "ghost"}), "no agent ghost"),
        (
            json!({"title": "x", "attached": ["notes/none.md"]}),
            "no document",
        ),
        (json!({"title": "x", "color": "red"}), "unknown field"),
        (json!({"title": "x", "text": "y".repeat(300_000)}), "bytes"),
    ] {
        let got = rig.post("/api/v1/tasks", wish.clone()).await;
        assert!(got.status.is_client_error(), "{wish}: {got:?}");
        assert!(got.text.contains(said), "{wish}: {}", got.text);
    }
    let all = rig.get("/api/v1/tasks").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    let renamed = json!({"title": "Other"});
    let got = rig.post(&format!("/api/v1/tasks/{task}"), renamed).await;
    assert_eq!(got.problem().0, 400, "{got:?}");
    // Neither has the work of a run a thread.
    rig.agent("clerk").await;
    let run = rig.run("clerk", "hello").await;
    let inner = run["task"].as_str().unwrap();
    let got = rig
        .post(
            &format!("/api/v1/tasks/{inner}/messages"),
            json!({"text": "x"}),
        )
        .await;
    assert_eq!(got.problem().0, 409, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_plans_a_task_shows_it_and_lets_people_act() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let cookie = rig.sign_in(&rig.owner).await;
    let board = rig.page(&cookie, "/board").await;
    let key = hidden(&board.text, "idempotency_key");
    let body = format!("idempotency_key={key}&title=Call+%3Cb%3EAnn&text=Soon&to=&reviewer=");
    let made = rig.form(&cookie, "/tasks", &body).await;
    let again = rig.form(&cookie, "/tasks", &body).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{made:?}");
    assert_eq!(made.headers["location"], again.headers["location"]);
    let place = made.headers["location"].clone();
    let page = rig.page(&cookie, &place).await;
    assert!(page.text.contains("Call &#60;b&#62;Ann"), "{}", page.text);
    assert!(rig.page(&cookie, "/board").await.text.contains(&place));
    let say = |text: &str| format!("idempotency_key={text}key0000000&text={text}");
    let said = rig
        .form(&cookie, &format!("{place}/messages"), &say("hello"))
        .await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{said:?}");
    let hand = "idempotency_key=handkey000000&to=clerk&note=go+on";
    let handed = rig.form(&cookie, &format!("{place}/hand-over"), hand).await;
    assert_eq!(handed.status, StatusCode::SEE_OTHER, "{handed:?}");
    let id = place.strip_prefix("/tasks/").unwrap();
    let found = done(&rig, id).await;
    assert!(
        found["output"].as_str().unwrap().contains("go on"),
        "{found:#}"
    );
    let page = rig.page(&cookie, &place).await;
    assert!(page.text.contains("hello") && !page.text.contains("value=\"cancel\""));
    // What is over is neither cancelled nor done again.
    let act = "idempotency_key=actkey0000000&do=cancel";
    assert_eq!(
        rig.form(&cookie, &place, act).await.status,
        StatusCode::CONFLICT
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_replayed_and_one_that_is_not_there_is_not() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let run = rig.run("clerk", "hello").await;
    let before = rig.get("/api/v1/status").await.ok()["journal"]["seq"].clone();
    let place = format!("/api/v1/runs/{}/replay", run["run"].as_str().unwrap());
    let again = rig.get(&place).await.ok();
    assert_eq!(
        (&again["same"], &again["ended"], &again["differs"]),
        (&json!(true), &json!("completed"), &Value::Null)
    );
    assert_eq!(
        rig.get("/api/v1/status").await.ok()["journal"]["seq"],
        before
    );
    let other = rig.tenant("riake").await;
    let theirs = rig.api(&other, "GET", &place, Value::Null).await;
    assert_eq!(theirs.problem().0, 404, "{theirs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_up_says_who_did_what() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let first = create(&rig, json!({"title": "Ask Ann", "to": "clerk"})).await;
    done(&rig, &first).await;
    let members = rig.get("/api/v1/members").await.ok();
    let me = members["items"][0]["member"].as_str().unwrap();
    let mine = create(&rig, json!({"title": "Call Soa", "to": me})).await;
    let waits = create(
        &rig,
        json!({"title": "Tell Bema", "to": "clerk", "after": [mine]}),
    )
    .await;
    create(&rig, json!({"title": "Somebody should"})).await;
    let told = rig.get("/api/v1/standup").await.ok();
    let clerk = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["who"] == "clerk")
        .unwrap_or_else(|| panic!("{told:#}"));
    assert_eq!(clerk["done"][0]["title"], "Ask Ann", "{clerk:#}");
    assert_eq!(clerk["done"].as_array().unwrap().len(), 1);
    assert_eq!(clerk["stuck"][0]["task"], waits);
    assert_eq!(clerk["stuck"][0]["why"], format!("it waits for {mine}"));
    assert_eq!(clerk["runs"], 1);
    let person = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["kind"] == "member");
    assert_eq!(person.unwrap()["next"][0]["title"], "Call Soa");
    assert_eq!(told["nobodys"][0]["title"], "Somebody should");
    assert_eq!(told["totals"]["done"], 1);
    let short = rig.get("/api/v1/standup?hours=1").await.ok();
    assert_eq!(short["totals"]["done"], 1, "{short:#}");
    let far = rig.get("/api/v1/standup?hours=745").await;
    assert_eq!(far.problem(), (400, "N0102".into()));
    assert!(far.text.contains("at most 744"), "{}", far.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_found_by_what_is_planned_and_depend_on_others_later() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let first = json!({"title": "One", "labels": ["office", "tax"], "priority": "high",
        "due": "2026-12-01"});
    let first = create(&rig, first).await;
    let second = json!({"title": "Two", "labels": ["tax"], "due": "2026-12-09"});
    let second = create(&rig, second).await;
    let third = create(&rig, json!({"title": "Three"})).await;
    let found = async |query: &str| -> Vec<String> {
        let page = rig.get(&format!("/api/v1/tasks?{query}")).await.ok();
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["title"].as_str().unwrap().to_owned())
            .collect()
    };
    for (query, expected) in [
        ("", &["Three", "Two", "One"][..]),
        ("label=tax", &["Two", "One"]),
        ("label=tax&limit=1", &["Two"]),
        ("priority=high", &["One"]),
        ("due=2026-12-05", &["One"]),
        ("label=tax&due=2026-12-09", &["Two", "One"]),
        ("label=none", &[]),
        ("agent=clerk", &[]),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }
    let page = rig.get("/api/v1/tasks?label=tax&limit=1").await.ok();
    assert_eq!(
        page["items"][0]["due"], "2026-12-09T00:00:00.000Z",
        "{page}"
    );
    let next = page["next"].as_str().unwrap();
    assert_eq!(found(&format!("label=tax&before={next}")).await, ["One"]);
    let wrong = rig.get("/api/v1/tasks?priority=soon").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{wrong:?}");

    let change =
        async |task: &str, wish: Value| rig.post(&format!("/api/v1/tasks/{task}"), wish).await;
    change(&third, json!({"after": [first], "part_of": second}))
        .await
        .ok();
    let shown = rig.get(&format!("/api/v1/tasks/{third}")).await.ok();
    assert_eq!(
        (&shown["after"], &shown["part_of"]),
        (&json!([first]), &json!(second))
    );
    assert_eq!(shown["status"], "blocked");
    let circle = change(&first, json!({"after": [third]})).await;
    assert_eq!(circle.status, StatusCode::CONFLICT, "{circle:?}");
    change(&third, json!({"after": [], "part_of": ""}))
        .await
        .ok();
    let shown = rig.get(&format!("/api/v1/tasks/{third}")).await.ok();
    assert_eq!(
        (&shown["after"], &shown["part_of"]),
        (&json!([]), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_task_shows_what_its_reviewer_found() {
    let rig = Rig::with_models().await;
    let fury = "type: agent\nname: fury\nmodel: dear\n\
                prompt: '{\"verdict\": \"refute\", \"evidence\": [\"It has no price.\"]}'\n\
                tools: [context_write, calculate]\ngrants: {context_write: [notes/**]}\n";
    let files = json!({"files": [{"name": "fury.yaml", "text": fury}]});
    rig.post("/api/v1/apply", files).await.ok();
    let wish = json!({"title": "Prices", "text": "Find out.", "to": "clerk",
        "reviewer": "fury", "rounds": 1, "approve": true});
    let task = create(&rig, wish).await;
    let found = until(&rig, &task, |found| !found["review"].is_null()).await;
    assert_eq!(found["review"]["verdict"], "refuted", "{found:#}");
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, &format!("/tasks/{task}")).await.text;
    let review = page.split("id=\"review-h\"").nth(1).unwrap_or_default();
    let review = review.split("</section>").next().unwrap_or_default();
    for said in ["It has no price.", "fury", "Refuted"] {
        assert!(review.contains(said), "{said}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_hold_of_a_result_is_looked_at_first() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    rig.agent("fury").await;
    for (check, said) in [
        (json!("size(output"), "the check size(output"),
        (json!({"schema": {"type": "letter"}}), "letter"),
        (json!({"check": "true", "cheque": 1}), "no `cheque`"),
    ] {
        let wish = json!({"title": "Ask Ann", "to": "clerk", "checks": [check]});
        let refused = rig.post("/api/v1/tasks", wish).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let checks = json!([{"name": "short", "check": "bytes < 9", "message": "Say less."},
        "text.contains(\"Ask\")"]);
    let task = create(
        &rig,
        json!({"title": "Ask Ann when", "to": "clerk", "reviewer": "fury", "rounds": 1,
            "checks": checks}),
    )
    .await;
    let found = until(&rig, &task, |found| found["status"] == "human_approval").await;
    assert_eq!(found["checks"], checks);
    let review = &found["review"];
    assert_eq!(
        (&review["reviewer"], &review["verdict"]),
        (&json!("checks"), &json!("refuted")),
        "{found:#}"
    );
    let checked = &found["checked"];
    assert_eq!(
        (&checked[0]["passed"], &checked[1]["passed"]),
        (&json!(false), &json!(true))
    );
    let told = checked[0]["found"].as_str().unwrap();
    assert!(told.starts_with("bytes is "), "{told}");
    // Its reviewer was never asked.
    let runs = rig.get("/api/v1/runs").await.ok();
    let agents = runs["items"].as_array().unwrap().iter();
    assert!(
        agents.clone().all(|run| run["agent"] == "clerk"),
        "{runs:#}"
    );
    let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
    let asked = waiting["items"][0]["approval"].as_str().unwrap();
    let asked = rig.get(&format!("/api/v1/approvals/{asked}")).await.ok();
    assert_eq!(&asked["checked"], checked, "{asked:#}");
    assert_eq!(asked["disputed"], true);
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, &format!("/tasks/{task}")).await;
    for part in [
        "Checked without a model",
        "short (bytes &lt; 9)",
        "Say less.",
    ] {
        let plain = page.text.replace("&#60;", "&lt;");
        assert!(plain.contains(part), "{part}: {}", page.text);
    }
    // What a person edits then is not what was looked at.
    let edit = json!({"approve": true, "seen": asked["seen"], "edited": "Call Ann."});
    let id = asked["approval"].as_str().unwrap();
    rig.post(&format!("/api/v1/approvals/{id}/decide"), edit)
        .await
        .ok();
    let found = until(&rig, &task, |found| found["status"] == "done").await;
    for check in found["checked"].as_array().unwrap() {
        assert_eq!(check["edited"], true, "{found:#}");
    }
    assert_eq!(found["review"]["edited"], true, "{found:#}");
    let page = rig.page(&cookie, &format!("/tasks/{task}")).await.text;
    let marks = page.matches("(before a person edited it)").count();
    assert_eq!(marks, 3, "the review and both checks: {page}");
}
