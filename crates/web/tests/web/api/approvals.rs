//! `/api/v1/approvals`, `/plans`, `/plan-runs`.

use std::time::Duration;

use naos_engine::clock;
use serde_json::{Value, json};

use crate::support::Rig;

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

const PLAN: &str = "type: plan\nname: letter\ninputs:\n  - {name: to, type: string}\noutput: out\n\
    steps:\n  - {name: draft, render: \"Dear {{ inputs.to }}\"}\n  \
    - {name: ask, approval: {title: \"Send it?\", body: \"{{ draft.output }}\"}}\n  \
    - {name: out, render: \"sent: {{ ask.output }}\"}\n";

async fn held(rig: &Rig) -> (String, Value) {
    held_for(rig, "staff").await
}

/// A plan that waits for somebody of at least this role, and its question.
pub(super) async fn held_for(rig: &Rig, role: &str) -> (String, Value) {
    let plan = PLAN.replace(
        "title: \"Send it?\"",
        &format!("role: {role}, title: \"Send it?\""),
    );
    rig.post(
        "/api/v1/apply",
        json!({"files": [{"name": "p.yaml", "text": plan}]}),
    )
    .await
    .ok();
    let body = json!({"inputs": {"to": "Rabe"}, "wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/letter/start", body).await.ok();
    assert_eq!(run["status"], "held", "{run}");
    let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
    let id = waiting["items"][0]["approval"].as_str().unwrap();
    let asked = rig.get(&format!("/api/v1/approvals/{id}")).await.ok();
    (run["run"].as_str().unwrap().to_owned(), asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_waits_for_a_person_and_goes_on() {
    let rig = Rig::new().await;
    let (plan, asked) = held(&rig).await;
    assert_eq!(asked["body"], "Dear Rabe");
    assert_eq!(asked["title"], "Send it?");
    let place = format!(
        "/api/v1/approvals/{}/decide",
        asked["approval"].as_str().unwrap()
    );
    let stale = json!({"approve": true, "seen": "00".repeat(32)});
    assert_eq!(
        rig.post(&place, stale).await.problem(),
        (409, "N0132".into())
    );
    // A text goes with a yes: with a no it would be lost.
    let lost = json!({"approve": false, "seen": asked["seen"], "edited": "Dear Rabe, later"});
    let refused = rig.post(&place, lost).await;
    assert_eq!(refused.problem(), (400, "N0102".into()));
    assert!(
        refused.text.contains("a text goes with a yes"),
        "{refused:?}"
    );
    let status = format!("/api/v1/approvals/{}", asked["approval"].as_str().unwrap());
    assert_eq!(rig.get(&status).await.ok()["status"], "pending");
    for (edited, status) in [("  ".to_owned(), 400), ("x".repeat(1_048_577), 413)] {
        let changed = json!({"approve": true, "seen": asked["seen"], "edited": edited});
        assert_eq!(rig.post(&place, changed).await.problem().0, status);
    }
    let staff = rig.member("staff").await;
    let yes = json!({"approve": true, "seen": asked["seen"], "comment": "tsara"});
    let done = rig.api(&staff, "POST", &place, yes.clone()).await.ok();
    assert_eq!(done["plan"], plan);
    assert_eq!(rig.post(&place, yes).await.problem(), (409, "N0131".into()));
    // What somebody wrote too late isn't lost: they are given it back.
    let late = json!({"approve": true, "seen": asked["seen"], "edited": "Dear Rabe, late"});
    let refused = rig.post(&place, late).await;
    assert!(
        refused.text.contains("\"edited\":\"Dear Rabe, late\""),
        "{}",
        refused.text
    );
    assert_eq!(refused.problem(), (409, "N0131".into()));
    let ended = rig
        .get(&format!("/api/v1/plan-runs/{plan}?wait_ms=20000"))
        .await
        .ok();
    assert_eq!(ended["status"], "completed", "{ended}");
    assert!(
        ended["output"].as_str().unwrap().contains("Dear Rabe"),
        "{ended}"
    );
    assert_eq!(ended["steps"][1]["name"], "ask");
    let listed = rig.get("/api/v1/plan-runs?status=completed").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let answered = rig.get("/api/v1/approvals?status=approved").await.ok();
    assert_eq!(answered["items"][0]["comment"], "tsara");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_ends_it_and_a_cancelled_plan_asks_nobody() {
    let rig = Rig::new().await;
    let (plan, asked) = held(&rig).await;
    let place = format!(
        "/api/v1/approvals/{}/decide",
        asked["approval"].as_str().unwrap()
    );
    rig.post(&place, json!({"approve": false, "comment": "tsia"}))
        .await
        .ok();
    let ended = rig
        .get(&format!("/api/v1/plan-runs/{plan}?wait_ms=20000"))
        .await
        .ok();
    assert_eq!(ended["status"], "failed", "{ended}");
    let (plan, asked) = held(&rig).await;
    rig.post(&format!("/api/v1/plan-runs/{plan}/cancel"), Value::Null)
        .await
        .ok();
    let place = format!("/api/v1/approvals/{}", asked["approval"].as_str().unwrap());
    assert_eq!(rig.get(&place).await.ok()["status"], "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_five_times_is_offered_and_taken_by_a_person() {
    let rig = Rig::new().await;
    let staff = rig.member("staff").await;
    let rules = || async { rig.get("/api/v1/approval-rules").await.ok()["items"].clone() };
    for round in 0..5 {
        assert_eq!(rules().await, json!([]), "after {round}");
        let (plan, asked) = held(&rig).await;
        let id = asked["approval"].as_str().unwrap();
        let yes = json!({"approve": true, "seen": asked["seen"]});
        rig.post(&format!("/api/v1/approvals/{id}/decide"), yes)
            .await
            .ok();
        rig.get(&format!("/api/v1/plan-runs/{plan}?wait_ms=20000"))
            .await
            .ok();
    }
    let offered = rules().await;
    assert_eq!(offered[0]["question"], "letter/ask");
    assert_eq!(offered[0]["offered"], true);
    assert_eq!(offered[0]["rule"], Value::Null, "none is taken by itself");
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/approvals").await.text;
    assert!(page.contains("value=\"take\""), "{page}");
    let take = json!({"question": "letter/ask", "days": 7});
    let low = rig
        .api(&staff, "POST", "/api/v1/approval-rules/take", take.clone())
        .await;
    assert_eq!(low.problem().0, 403);
    rig.post("/api/v1/approval-rules/take", take.clone())
        .await
        .ok();
    let start = json!({"inputs": {"to": "Rabe"}, "wait_ms": 20_000});
    let run = rig
        .post("/api/v1/plans/letter/start", start.clone())
        .await
        .ok();
    assert_eq!(run["status"], "completed", "{run}");
    let taken = rules().await;
    assert_eq!(taken[0]["rule"]["answers"], 1);
    assert_eq!(taken[0]["rule"]["holds"], true);
    let audit = rig.get("/api/v1/audit?last=20").await.ok().to_string();
    assert!(audit.contains("approval.ruled"), "{audit}");
    let other = PLAN.replace("Dear", "Dearest");
    let files = json!({"files": [{"name": "p.yaml", "text": other}]});
    rig.post("/api/v1/apply", files).await.ok();
    let lapsed = rules().await;
    assert_eq!(lapsed[0]["rule"]["holds"], false, "{lapsed}");
    let why = "plan letter changed since";
    let said = lapsed[0]["rule"]["lapsed"].as_str().unwrap();
    assert!(said.starts_with(why), "{lapsed}");
    let page = rig.page(&cookie, "/approvals").await.text;
    assert!(page.contains(why), "{page}");
    let end = json!({"question": "letter/ask"});
    let first = rig
        .api(&staff, "POST", "/api/v1/approval-rules/end", end.clone())
        .await
        .ok();
    assert_eq!(first["changed"], true, "{first}");
    // The second hears who ended it, and when: it ends nothing.
    let again = rig.post("/api/v1/approval-rules/end", end).await.ok();
    assert_eq!(again["changed"], false, "{again}");
    assert_eq!(again["ended"], first["ended"], "{again}");
    assert_eq!(again["ended"]["by"], "staff", "{again}");
    let run = rig.post("/api/v1/plans/letter/start", start).await.ok();
    assert_eq!(run["status"], "held", "a person is asked again: {run}");
    let again = rig.post("/api/v1/approval-rules/take", take).await;
    assert_eq!(again.problem(), (409, "N0131".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_says_in_what_its_agent_changed() {
    let rig = Rig::with_models().await;
    let wish = json!({"title": "A bill", "to": "clerk", "approve": true, "unreviewed": true});
    for _ in 0..5 {
        rig.post("/api/v1/tasks", wish.clone()).await.json();
        let until = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
        let asked = loop {
            let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
            if let Some(id) = waiting["items"][0]["approval"].as_str() {
                break rig.get(&format!("/api/v1/approvals/{id}")).await.ok();
            }
            assert!(naos_engine::clock::tick() < until, "{waiting}");
            tokio::task::yield_now().await;
        };
        let place = format!(
            "/api/v1/approvals/{}/decide",
            asked["approval"].as_str().unwrap()
        );
        let yes = json!({"approve": true, "seen": asked["seen"]});
        rig.post(&place, yes).await.ok();
    }
    let take = json!({"question": "task/clerk/unreviewed", "days": 7});
    rig.post("/api/v1/approval-rules/take", take).await.ok();
    let rule = || async { rig.get("/api/v1/approval-rules").await.ok()["items"][0]["rule"].take() };
    assert_eq!(rule().await["lapsed"], Value::Null);
    let apply = |text: &str| json!({"files": [{"name": "a.yaml", "text": text}]});
    let model = "type: model\nname: dear\nprovider: ollama\nendpoint: http://127.0.0.1:11434\n\
                 model: m\ncapabilities: [text, tools]\n\
                 cost_per_1m_tokens: {input: 7, output: 7}\n";
    let agent = "type: agent\nname: clerk\nmodel: dear\nprompt: You are bold.\n\
                 tools: [context_write, calculate]\ngrants: {context_write: [notes/**]}\n";
    for (text, why) in [
        (model, "agent clerk changed since: model dear"),
        (agent, "agent clerk changed since"),
    ] {
        rig.post("/api/v1/apply", apply(text)).await.ok();
        let lapsed = rule().await;
        assert_eq!(lapsed["holds"], false, "{lapsed}");
        let said = lapsed["lapsed"].as_str().unwrap_or_default();
        assert!(said.starts_with(why), "{why}: {lapsed}");
    }
}

/// What waits for an answer, once it is so many things.
async fn waiting(rig: &Rig, count: usize) -> Vec<Value> {
    let until = clock::tick() + PATIENCE;
    loop {
        let found = rig.get("/api/v1/approvals?status=pending").await.ok();
        let items = found["items"].as_array().unwrap();
        if items.len() == count {
            return items.clone();
        }
        assert!(clock::tick() < until, "{found}");
        tokio::task::yield_now().await;
    }
}

fn titles(items: &[Value]) -> Vec<&str> {
    let each = items.iter();
    each.map(|item| item["title"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_urgent_is_asked_first_and_of_those_the_oldest() {
    let rig = Rig::with_models().await;
    let all = ["low", "normal", "urgent", "high", "normal", "urgent"];
    let clerks = (0..all.len())
        .map(|at| format!("type: agent\nname: clerk-{at}\nmodel: dear\nprompt: You help.\n"));
    let text = clerks.collect::<Vec<_>>().join("---\n");
    let files = json!({"files": [{"name": "clerks.yaml", "text": text}]});
    rig.post("/api/v1/apply", files).await.ok();
    for (at, priority) in all.iter().enumerate() {
        let wish = json!({"title": format!("Bill {at}"), "to": format!("clerk-{at}"),
            "priority": priority, "approve": true, "unreviewed": true});
        rig.post("/api/v1/tasks", wish).await.json();
        waiting(&rig, at + 1).await;
    }
    let order = ["Bill 2", "Bill 5", "Bill 3", "Bill 1", "Bill 4", "Bill 0"];
    assert_eq!(titles(&waiting(&rig, all.len()).await), order);
    let place = "/api/v1/approvals?status=pending&limit=4";
    let first = rig.get(place).await.ok();
    assert_eq!(titles(first["items"].as_array().unwrap()), order[..4]);
    let next = first["next"].as_str().unwrap();
    let rest = rig.get(&format!("{place}&before={next}")).await.ok();
    assert_eq!(titles(rest["items"].as_array().unwrap()), order[4..]);
    assert_eq!(rest["next"], Value::Null);
    // Pages have the same order.
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/approvals").await.text;
    let places: Vec<usize> = order.iter().map(|one| page.find(one).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_in_time_expires_and_ends_its_plan() {
    let rig = Rig::new().await;
    let plan = PLAN.replace("title: \"Send it?\"", "expires: 2s, title: \"Send it?\"");
    let files = json!({"files": [{"name": "p.yaml", "text": plan}]});
    rig.post("/api/v1/apply", files).await.ok();
    let body = json!({"inputs": {"to": "Rabe"}, "wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/letter/start", body).await.ok();
    assert_eq!(run["status"], "held", "{run}");
    let asked = waiting(&rig, 1).await.remove(0);
    let (since, until) = (asked["asked"].as_str(), asked["expires"].as_str());
    assert!(since < until, "{asked}");
    let place = format!("/api/v1/plan-runs/{}", run["run"].as_str().unwrap());
    let patience = clock::tick() + PATIENCE;
    let ended = loop {
        let found = rig.get(&place).await.ok();
        if found["status"] != "held" {
            break found;
        }
        assert!(clock::tick() < patience, "{found}");
        tokio::task::yield_now().await;
    };
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(ended["steps"][1]["problem"]["code"], "N0191", "{ended}");
    assert!(ended["ended"].as_str() >= until, "{ended} before {until:?}");
    waiting(&rig, 0).await;
    let place = format!("/api/v1/approvals/{}", asked["approval"].as_str().unwrap());
    let shown = rig.get(&place).await.ok();
    assert_eq!(shown["status"], "expired", "{shown}");
    let late = json!({"approve": true, "seen": shown["seen"], "edited": "Dear Rabe, late"});
    let refused = rig.post(&format!("{place}/decide"), late).await;
    assert!(refused.text.contains("Dear Rabe, late"), "{refused:?}");
    assert_eq!(refused.problem(), (409, "N0131".into()));
}

/// Plans of which each waits for an answer about what an agent or a formula made.
async fn asked(rig: &Rig, steps: &str, inputs: &[&str]) -> Vec<Value> {
    let text =
        format!("type: plan\nname: bill\ninputs:\n  - {{name: to, type: string}}\nsteps:\n{steps}");
    let files = json!({"files": [{"name": "bill.yaml", "text": text}]});
    rig.post("/api/v1/apply", files).await.ok();
    for to in inputs {
        let body = json!({"inputs": {"to": to}, "wait_ms": 20_000});
        let run = rig.post("/api/v1/plans/bill/start", body).await.ok();
        assert_eq!(run["status"], "held", "{run}");
    }
    let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
    let items = waiting["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), inputs.len(), "{waiting:#}");
    items
}

const PAY: &str = "  - {name: bill, render: \"Pay {{ inputs.to }}\"}\n  \
    - {name: ask, approval: \"Bill of {{ inputs.to }}?\"}\n";

#[tokio::test(flavor = "multi_thread")]
async fn several_questions_are_answered_as_they_were_seen() {
    let rig = Rig::new().await;
    let items = asked(&rig, PAY, &["Ann", "Bema", "Cid"]).await;
    let place = "/api/v1/approvals/decide";
    for none in [
        json!([]),
        json!(vec![
            &json!({"approval": items[0]["approval"],
        "seen": items[0]["seen"]});
            51
        ]),
    ] {
        let refused = rig
            .post(place, json!({"approve": true, "items": none}))
            .await;
        assert_eq!(refused.status, http::StatusCode::BAD_REQUEST, "{refused:?}");
    }
    let seen = |item: &Value, seen: &Value| json!({"approval": item["approval"], "seen": seen});
    let all = json!([
        seen(&items[0], &items[0]["seen"]),
        seen(&items[1], &json!("00".repeat(32))),
        seen(&items[2], &items[2]["seen"]),
    ]);
    let body = json!({"approve": true, "comment": "tsara", "items": all});
    let headers = [("idempotency-key", "one")];
    let ask = || {
        rig.send(crate::support::request(
            &rig.owner, "POST", place, &body, &headers,
        ))
    };
    let came = ask().await.ok();
    assert_eq!(
        (&came["decided"], &came["left"]),
        (&json!(2), &json!(1)),
        "{came:#}"
    );
    let left = &came["items"][1];
    assert_eq!(
        (&left["decided"], &left["code"]),
        (&json!(false), &json!("N0132"))
    );
    assert_eq!(ask().await.ok(), came, "the same, sent again");
    let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
    let still: Vec<&Value> = waiting["items"].as_array().unwrap().iter().collect();
    assert_eq!(still.len(), 1, "{waiting:#}");
    assert_eq!(still[0]["approval"], items[1]["approval"]);
    // Whoever may not answer decides nothing; who may, the one that is left.
    let plain = json!({"approve": false, "items": [seen(&items[1], &items[1]["seen"])]});
    let external = rig.member("external").await;
    let refused = rig.api(&external, "POST", place, plain.clone()).await;
    assert_eq!(refused.status, http::StatusCode::FORBIDDEN, "{refused:?}");
    let came = rig.post(place, plain).await.ok();
    assert_eq!(came["decided"], 1, "{came:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_reviewed_is_said_to_whoever_approves() {
    let rig = Rig::new().await;
    rig.agent("writer").await;
    let steps = "  - {name: draft, agent: writer, input: \"Dear {{ inputs.to }}\"}\n  \
                 - {name: ask, approval: Send it?}\n";
    let item = asked(&rig, steps, &["Rabe"]).await.remove(0);
    assert_eq!(item["unreviewed"], true, "{item:#}");
    let cookie = rig.sign_in(&rig.owner).await;
    let id = item["approval"].as_str().unwrap();
    let page = rig.page(&cookie, &format!("/approvals/{id}")).await;
    let said = "no other agent looked at what writer made";
    assert!(page.text.contains(said), "{}", page.text);
    assert!(
        rig.page(&cookie, "/approvals")
            .await
            .text
            .contains("Not reviewed")
    );
    // What no agent made is nobody's to review.
    let (_, made) = held(&rig).await;
    let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
    let all = waiting["items"].as_array().unwrap();
    let unreviewed = all.iter().filter(|one| one["unreviewed"] == true).count();
    assert_eq!((all.len(), unreviewed), (2, 1), "{waiting:#} {made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_text_takes_the_place_of_is_shown() {
    let rig = Rig::new().await;
    let text = json!({"text": "Dear Rabe,\nall is well.\n"});
    rig.api(&rig.owner, "PUT", "/api/v1/documents/letters/Rabe.md", text)
        .await
        .ok();
    let steps = "  - {name: draft, render: \"Dear {{ inputs.to }},\\nall is lost.\\n\"}\n  \
                 - {name: ask, approval: Send it?}\n  \
                 - {name: keep, document: {path: \"letters/{{ inputs.to }}.md\"}}\n";
    let all = asked(&rig, steps, &["Rabe", "Soa"]).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let list = rig.page(&cookie, "/approvals").await.text;
    assert!(
        list.contains("What differs from /letters/Rabe.md"),
        "{list}"
    );
    assert!(list.contains("- all is well.\n+ all is lost."), "{list}");
    let mut told = Vec::new();
    for item in &all {
        let place = format!("/api/v1/approvals/{}", item["approval"].as_str().unwrap());
        told.push(rig.get(&place).await.ok()["replaces"].clone());
    }
    told.sort_by_key(Value::is_null);
    assert!(told[1].is_null(), "what is new takes no place: {told:#?}");
    assert_eq!(told[0]["what"], "document");
    assert_eq!(told[0]["path"], "/letters/Rabe.md");
    let lines: Vec<String> = told[0]["diff"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            format!(
                "{}{}",
                line["sign"].as_str().unwrap(),
                line["text"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(lines, [" Dear Rabe,", "-all is well.", "+all is lost."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_questions_are_chosen_on_the_page() {
    let rig = Rig::new().await;
    let items = asked(&rig, PAY, &["Ann", "Bema", "Cid"]).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/approvals").await.text;
    for item in &items {
        let value = format!(
            "value=\"{} {}\"",
            item["approval"].as_str().unwrap(),
            item["seen"].as_str().unwrap()
        );
        assert!(page.contains(&value), "{value}: {page}");
    }
    assert!(page.contains("<pre>Pay Ann</pre>"), "{page}");
    let chosen =
        |item: &Value, seen: &str| format!("&chosen={}+{seen}", item["approval"].as_str().unwrap());
    let first = chosen(&items[0], items[0]["seen"].as_str().unwrap());
    let changed = chosen(&items[1], &"00".repeat(32));
    let body = format!("decision=approve&comment=eny&idempotency_key=k1{first}{changed}");
    let told = rig.form(&cookie, "/approvals", &body).await;
    assert_eq!(told.status, http::StatusCode::OK, "{told:?}");
    let left = format!(
        "<a href=\"/approvals/{}\">{}</a>: what you saw",
        items[1]["approval"].as_str().unwrap(),
        items[1]["title"].as_str().unwrap()
    );
    assert!(told.text.contains(&left), "{left}: {}", told.text);
    let waiting = rig.get("/api/v1/approvals?status=pending").await.ok();
    assert_eq!(waiting["items"].as_array().unwrap().len(), 2, "{waiting:#}");
    // Who chose nothing, or can't say what they saw, decides nothing.
    for unseen in ["", "&chosen=", "&chosen=x+y"] {
        let body = format!("decision=approve&comment=&idempotency_key=k2{unseen}");
        let refused = rig.form(&cookie, "/approvals", &body).await;
        assert_eq!(refused.status, http::StatusCode::BAD_REQUEST, "{unseen}");
    }
    let french = rig
        .page(&format!("{cookie}; naos_lang=fr"), "/approvals")
        .await;
    assert!(
        french.text.contains("Approuver la sélection"),
        "{}",
        french.text
    );
}
