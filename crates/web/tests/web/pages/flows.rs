//! `/flows`, `/pools` and what people do on the page of a run, with real data.

use http::StatusCode;
use serde_json::{Value, json};

use super::hidden;
use crate::support::Rig;

/// An expression that fails when it is evaluated, not when it is read.
const BOOM: &str = "1 / (size(input) - size(input)) > 0";

async fn apply(rig: &Rig, text: &str) {
    let files = json!([{"name": "f.yaml", "text": text}]);
    rig.post("/api/v1/apply", json!({ "files": files }))
        .await
        .ok();
}

/// The run that a form's answer leads to, once it is over.
async fn over(rig: &Rig, place: &str) -> Value {
    let id = place.strip_prefix("/plans/").expect("a run of a plan");
    rig.get(&format!("/api/v1/plan-runs/{id}?wait_ms=20000"))
        .await
        .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_undoes_a_step_is_no_step_of_its_own() {
    let rig = Rig::new().await;
    let undo = |step: &str| format!("compensate: {{emit: undo.{step}}}");
    let (a, b) = (undo("a"), undo("b"));
    let plan = format!(
        "type: plan\nname: pl\nsteps:\n  - {{name: a, render: x, {a}}}\n  \
         - {{name: b, render: y, {b}}}\n  - {{name: c, render: z}}\n"
    );
    apply(&rig, &plan).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let list = rig.page(&cookie, "/flows").await;
    assert!(list.text.contains("3 steps"), "{}", list.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_begins_with_what_runs() {
    let rig = Rig::new().await;
    let plan = "type: plan\nname: many\ninputs:\n  \
        - {name: people, type: list}\n  - {name: n, type: integer}\n  \
        - {name: loud, type: boolean}\n  - {name: more, type: object}\n  \
        - {name: who, type: string}\n  - {name: any}\n  \
        - {name: title, type: string, default: the meeting}\n  \
        - {name: days, type: list, default: [1, 2]}\nsteps:\n  \
        - {name: end, render: \"{{ inputs.title }} {{ inputs.n }} {{ inputs.days }}\"}\n";
    apply(&rig, plan).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/flows/plan/many").await.text;
    let (_, rest) = page.split_once("<textarea id=\"input\"").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let (begun, _) = rest.split_once("</textarea>").unwrap();
    let begun = begun.replace("&#34;", "\"");
    let read: Value = serde_json::from_str(&begun).unwrap();
    let wanted = json!({
        "people": [], "n": 0, "loud": false, "more": {}, "who": "", "any": "",
        "title": "the meeting", "days": [1, 2],
    });
    assert_eq!(read, wanted);
    let key = hidden(&page, "idempotency_key");
    let typed: String = begun.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let body = format!("idempotency_key={key}&input={typed}");
    let sent = rig.form(&cookie, "/flows/plan/many/run", &body).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
    let run = over(&rig, &sent.headers["location"]).await;
    assert_eq!(run["output"], "the meeting 0 [1,2]", "{run}");
    let twice = "%7B%22n%22%3A1%2C%22n%22%3A2%7D";
    let page = rig.page(&cookie, "/flows/plan/many").await.text;
    let key = hidden(&page, "idempotency_key");
    let body = format!("idempotency_key={key}&input={twice}");
    let sent = rig.form(&cookie, "/flows/plan/many/run", &body).await;
    assert_eq!(sent.status, StatusCode::BAD_REQUEST, "{sent:?}");
    assert!(sent.text.contains("is there twice"), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_drawn_runs_from_its_page_and_shows_how_long_each_step_took() {
    let rig = Rig::new().await;
    rig.agent("echo").await;
    let plan = "type: plan\nname: greet\ninputs: [{name: who, type: string}]\nsteps:\n  \
        - {name: say, task: {agent: echo, title: Say, input: \"Hello {{ inputs.who }}\"}}\n  \
        - {name: twice, after: [say], render: \"{{ say.output }} {{ say.output }}\"}\n  \
        - {name: each, after: [say], for_each: {items: \"[1, 2, 3]\", window: 2}, \
           task: {agent: echo, title: Each, input: \"{{ item }}\"}}\n  \
        - {name: both, after: [twice, each], render: done}\n";
    apply(&rig, plan).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let list = rig.page(&cookie, "/flows").await;
    assert!(list.text.contains("/flows/plan/greet"), "{}", list.text);
    let page = rig.page(&cookie, "/flows/plan/greet").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.text.contains("class=\"dag\""), "{}", page.text);
    assert_eq!(page.text.matches("<g class=\"calm\">").count(), 4);
    let key = hidden(&page.text, "idempotency_key");
    let body = format!("idempotency_key={key}&input=%7B%22who%22%3A%22Soa%22%7D");
    let one = rig.form(&cookie, "/flows/plan/greet/run", &body).await;
    let two = rig.form(&cookie, "/flows/plan/greet/run", &body).await;
    assert_eq!(one.status, StatusCode::SEE_OTHER, "{one:?}");
    assert_eq!(one.headers["location"], two.headers["location"]);
    let place = one.headers["location"].clone();
    let run = over(&rig, &place).await;
    assert_eq!(run["status"], "completed", "{run}");
    let shown = rig.page(&cookie, &place).await.text;
    for part in [
        "id=\"plan-picture\"",
        "3/3",
        "class=\"times\"",
        "✓",
        "after say",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert_eq!(shown.matches("<a href=\"#plan-step-").count(), 4);
    let page = rig.page(&cookie, "/flows/plan/greet").await;
    assert!(page.text.contains(&place), "its runs stand on its page");
    let wrong = format!("idempotency_key={key}2&input=x");
    let wrong = rig.form(&cookie, "/flows/plan/greet/run", &wrong).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{wrong:?}");
    for lost in ["/flows/plan/nobody", "/flows/agent/echo", "/flows/x/y"] {
        let got = rig.page(&cookie, lost).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_goes_on_and_what_was_not_undone_is_decided() {
    let rig = Rig::new().await;
    for agent in ["echo", "undoer"] {
        rig.agent(agent).await;
    }
    let text = format!(
        "workflows:\n  line:\n    steps:\n      \
         - {{name: a, agent: echo}}\n      \
         - {{name: b, agent: echo, when: \"{BOOM}\"}}\n\
         sagas:\n  trip:\n    steps:\n      \
         - {{name: book, agent: echo, compensate: undoer}}\n      \
         - {{name: pay, agent: echo, when: \"{BOOM}\"}}\n"
    );
    // Whoever is stopped can't undo anything.
    rig.post("/api/v1/agents/undoer/stop", Value::Null)
        .await
        .ok();
    apply(&rig, &text).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let mut places = Vec::new();
    for path in ["/flows/workflow/line", "/flows/saga/trip"] {
        let page = rig.page(&cookie, path).await;
        let key = hidden(&page.text, "idempotency_key");
        let body = format!("idempotency_key={key}&input=x");
        let got = rig.form(&cookie, &format!("{path}/run"), &body).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{got:?}");
        places.push(got.headers["location"].clone());
    }
    let failed = over(&rig, &places[0]).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    let page = rig.page(&cookie, &places[0]).await.text;
    assert!(page.contains("value=\"resume\""), "{page}");
    let key = hidden(page.split("plan-moves").nth(1).unwrap(), "idempotency_key");
    let body = format!("idempotency_key={key}&do=resume");
    let got = rig.form(&cookie, &places[0], &body).await;
    assert_eq!(got.headers["location"], places[0]);
    let again = over(&rig, &places[0]).await;
    assert_eq!(again["status"], "failed", "{again}");
    let audit = rig.get("/api/v1/audit?last=100&action=plan.resumed").await;
    assert_eq!(audit.ok()["items"].as_array().unwrap().len(), 1);
    let wrong = rig
        .form(&cookie, &places[0], "idempotency_key=w&do=dance")
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    // A person says that it is undone.
    let held = over(&rig, &places[1]).await;
    assert_eq!(held["status"], "compensation_failed", "{held}");
    let page = rig.page(&cookie, &places[1]).await.text;
    assert!(page.contains("book could not be undone."), "{page}");
    for verb in ["undone", "retry", "reset"] {
        assert!(
            page.contains(&format!("value=\"{verb}\"")),
            "{verb} in {page}"
        );
    }
    // What it would refuse isn't offered.
    assert!(
        !page.contains("value=\"pause\"") && !page.contains("/cancel\""),
        "{page}"
    );
    let body = "idempotency_key=undone&do=undone";
    rig.form(&cookie, &places[1], body).await;
    let done = over(&rig, &places[1]).await;
    assert_eq!(done["status"], "rolled_back", "{done}");
    assert_eq!(done["steps"][0]["compensation"]["by_hand"], true, "{done}");
    let page = rig.page(&cookie, &places[1]).await.text;
    assert!(page.contains("Resolved by hand"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_is_given_work_scaled_and_drained_on_its_page() {
    let rig = Rig::new().await;
    rig.agent("echo").await;
    apply(&rig, "type: pool\nname: team\nagents: [echo]\nsize: 2\n").await;
    let cookie = rig.sign_in(&rig.owner).await;
    let list = rig.page(&cookie, "/pools").await.text;
    assert!(list.contains("id=\"pool-team\""), "{list}");
    let page = rig.page(&cookie, "/pools/team").await.text;
    let key = hidden(&page, "idempotency_key");
    let body = format!("idempotency_key={key}&input=one%0Atwo%0A%0Athree");
    let got = rig.form(&cookie, "/pools/team/submit", &body).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{got:?}");
    let batch = over(&rig, &got.headers["location"]).await;
    assert_eq!(batch["steps"][0]["fan"]["count"], 3, "{batch}");
    for (body, kept) in [
        ("idempotency_key=p1&do=scale&size=5", json!([5, false])),
        ("idempotency_key=p2&do=drain&size=5", json!([5, true])),
        ("idempotency_key=p3&do=start", json!([5, false])),
    ] {
        let got = rig.form(&cookie, "/pools/team", body).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{body}: {got:?}");
        let spec = &rig.get("/api/v1/resources/pool/team").await.ok()["spec"];
        assert_eq!(json!([spec["size"], spec["draining"]]), kept, "{body}");
    }
    let page = rig.page(&cookie, "/pools/team").await.text;
    assert!(page.contains(&got.headers["location"]), "{page}");
    for wrong in ["do=scale", "do=scale&size=0", "do=dance"] {
        let body = format!("idempotency_key=w{}&{wrong}", wrong.len());
        let got = rig.form(&cookie, "/pools/team", &body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{wrong}: {got:?}");
    }
    // Who may not change it sees no form for that, and is refused.
    let staff = rig.member("staff").await;
    let theirs = rig.sign_in(&staff).await;
    let page = rig.page(&theirs, "/pools/team").await.text;
    assert!(!page.contains("value=\"scale\""), "{page}");
    let got = rig
        .form(&theirs, "/pools/team", "idempotency_key=s&do=drain")
        .await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "{got:?}");
}
