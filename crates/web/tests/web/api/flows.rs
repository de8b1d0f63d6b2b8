//! `/api/v1/workflows`, `/api/v1/sagas`, `/api/v1/pools` and what people do about their runs.

use std::time::Duration;

use http::StatusCode;
use naos_engine::clock;
use serde_json::{Value, json};

use crate::support::Rig;

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An expression that fails when it is evaluated, not when it is read.
const BOOM: &str = "1 / (size(input) - size(input)) > 0";

async fn with_agents(names: &[&str]) -> Rig {
    let rig = Rig::new().await;
    for name in names {
        rig.agent(name).await;
    }
    rig
}

async fn start(rig: &Rig, kind: &str, name: &str, input: &str) -> Value {
    let body = json!({"input": input, "wait_ms": 20_000});
    rig.post(&format!("/api/v1/{kind}/{name}/start"), body)
        .await
        .ok()
}

async fn apply(rig: &Rig, text: &str) -> Value {
    let files = json!([{"name": "f.yaml", "text": text}]);
    rig.post("/api/v1/apply", json!({ "files": files }))
        .await
        .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_made_step_by_step_and_passes_data_on() {
    let rig = with_agents(&["one", "two"]).await;
    let made = rig
        .post("/api/v1/workflows", json!({"name": "line"}))
        .await
        .ok();
    assert_eq!(
        (&made["kind"], &made["version"]),
        (&json!("workflow"), &json!(1))
    );
    let absent = json!({"name": "nobody"});
    rig.post("/api/v1/workflows", json!({"name": "other"}))
        .await
        .ok();
    let added = rig.post("/api/v1/workflows/other/steps", absent).await.ok();
    let warning = added["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("nobody") && warning.contains("naos create"),
        "{warning}"
    );
    let pool = json!({"name": "crew", "agents": ["one", "somebody"]});
    let pool = rig.post("/api/v1/pools", pool).await.ok();
    assert_eq!(pool["warnings"].as_array().unwrap().len(), 1, "{pool}");
    let empty = rig.post("/api/v1/workflows/line/start", json!({})).await;
    assert_eq!(empty.problem(), (409, "N0131".into()));
    for step in [
        json!({"name": "one"}),
        json!({"name": "second", "agent": "two", "input": "<{{one.output}}>"}),
    ] {
        rig.post("/api/v1/workflows/line/steps", step).await.ok();
    }
    let run = start(&rig, "workflows", "line", "tsara").await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(
        (&run["kind"], &run["name"]),
        (&json!("workflow"), &json!("line"))
    );
    assert!(run["output"].as_str().unwrap().contains("<"), "{run}");
    let names: Vec<&Value> = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["name"])
        .collect();
    assert_eq!(names, ["one", "second"]);
    let kept = rig.get("/api/v1/resources/workflow/line").await.ok();
    assert_eq!(kept["spec"]["steps"][1]["agent"], "two");
    // Runs are told apart by what they are runs of.
    for (query, count) in [("kind=workflow", 1), ("kind=saga", 0), ("name=line", 1)] {
        let found = rig.get(&format!("/api/v1/plan-runs?{query}")).await.ok();
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_its_place() {
    let rig = with_agents(&["one"]).await;
    rig.post("/api/v1/sagas", json!({"name": "trip"}))
        .await
        .ok();
    rig.post("/api/v1/sagas/trip/steps", json!({"name": "one"}))
        .await
        .ok();
    for (path, body, status, code) in [
        ("/api/v1/sagas", json!({"name": "trip"}), 409, "N0130"),
        ("/api/v1/sagas", json!({"name": "Bad Name"}), 400, "N0105"),
        (
            "/api/v1/sagas",
            json!({"name": "x", "nosuch": 1}),
            400,
            "N0105",
        ),
        (
            "/api/v1/sagas/trip/steps",
            json!({"name": "one"}),
            400,
            "N0105",
        ),
        (
            "/api/v1/sagas/trip/steps",
            json!({"name": "x", "input": "{{ later.output }}"}),
            400,
            "N0105",
        ),
        ("/api/v1/sagas/trip/steps", json!({}), 400, "N0105"),
        (
            "/api/v1/sagas/none/steps",
            json!({"name": "x"}),
            404,
            "N0121",
        ),
        ("/api/v1/workflows/trip/start", json!({}), 404, "N0121"),
    ] {
        let got = rig.post(path, body.clone()).await;
        assert_eq!(got.problem(), (status, code.to_owned()), "{path} {body}");
    }
    let kept = rig.get("/api/v1/resources/saga/trip").await.ok();
    assert_eq!(
        (
            &kept["version"],
            kept["spec"]["steps"].as_array().unwrap().len()
        ),
        (&json!(2), 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_undoes_what_it_did() {
    let rig = with_agents(&["book", "pay", "unbook", "unpay"]).await;
    apply(
        &rig,
        &format!(
            "sagas:\n  trip:\n    steps:\n      - {{name: book, compensate: unbook}}\n      \
             - {{name: pay, compensate: unpay}}\n      \
             - {{name: boom, agent: book, when: \"{BOOM}\"}}\n"
        ),
    )
    .await;
    let run = start(&rig, "sagas", "trip", "x").await;
    assert_eq!(run["status"], "rolled_back", "{run}");
    let steps = run["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3, "what undoes a step is shown with it");
    for at in [0, 1] {
        assert_eq!(steps[at]["compensation"]["status"], "done", "{run}");
    }
    let audit = rig
        .get("/api/v1/audit?last=500&action=agent.started")
        .await
        .ok();
    let ran: Vec<&str> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["subject"].as_str().unwrap())
        .collect();
    assert_eq!(ran, ["book", "pay", "unpay", "unbook"]);
    let id = run["run"].as_str().unwrap();
    for (verb, body) in [
        ("resume", json!({})),
        ("resolve", json!({"done": true, "step": 2})),
    ] {
        let got = rig
            .post(&format!("/api/v1/plan-runs/{id}/{verb}"), body)
            .await;
        assert_eq!(got.problem(), (409, "N0131".into()), "{verb}");
    }
    for step in [json!(9), json!("nosuch")] {
        let body = json!({"done": true, "step": step});
        let got = rig
            .post(&format!("/api/v1/plan-runs/{id}/resolve"), body)
            .await;
        assert_eq!(got.problem(), (404, "N0121".into()));
    }
    let got = rig
        .post(&format!("/api/v1/plan-runs/{id}/reset"), json!({}))
        .await;
    assert_eq!(got.status, StatusCode::OK, "what ended stays as it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compensation_that_fails_waits_and_is_resolved() {
    let rig = with_agents(&["book", "unbook"]).await;
    apply(
        &rig,
        &format!(
            "sagas:\n  trip:\n    steps:\n      - {{name: book, compensate: unbook}}\n      \
             - {{name: boom, agent: book, when: \"{BOOM}\"}}\n"
        ),
    )
    .await;
    // Whoever is stopped can't undo anything.
    rig.post("/api/v1/agents/unbook/stop", Value::Null)
        .await
        .ok();
    let run = start(&rig, "sagas", "trip", "x").await;
    assert_eq!(run["status"], "compensation_failed", "{run}");
    assert_eq!(run["steps"][0]["compensation"]["attempts"], 3, "{run}");
    let listed = rig
        .get("/api/v1/plan-runs?status=compensation_failed")
        .await
        .ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let id = run["run"].as_str().unwrap();
    let page = rig.sign_in(&rig.owner).await;
    let shown = rig.page(&page, &format!("/plans/{id}")).await;
    assert!(shown.text.contains("undo-book"), "{shown:?}");
    let resolve = format!("naos saga resolve {id} --step 1");
    for path in ["approvals", "inbox", "status"] {
        let stuck = rig.get(&format!("/api/v1/{path}")).await.ok()["stuck"].take();
        assert_eq!(
            stuck[0]["what"], "plan.compensation_failed",
            "{path}: {stuck}"
        );
        assert_eq!(
            (&stuck[0]["step"], &stuck[0]["name"]),
            (&json!("book"), &json!("trip"))
        );
        let ways = stuck[0]["ways"].as_array().unwrap();
        assert!(ways.contains(&json!(resolve)), "{stuck}");
    }
    for path in ["/", "/approvals", "/inbox"] {
        let shown = rig.page(&page, path).await;
        assert!(shown.text.contains(&resolve), "{path}: {shown:?}");
        assert!(shown.text.contains(&format!("/plans/{id}")), "{path}");
    }
    let body = json!({"done": true, "step": 1});
    let got = rig
        .post(&format!("/api/v1/plan-runs/{id}/resolve"), body)
        .await
        .ok();
    assert_eq!(got["kind"], "saga");
    let end = rig
        .get(&format!("/api/v1/plan-runs/{id}?wait_ms=20000"))
        .await
        .ok();
    assert_eq!(end["status"], "rolled_back", "{end}");
    assert_eq!(rig.get("/api/v1/status").await.ok()["stuck"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_undone_says_since_when() {
    let rig = with_agents(&["book"]).await;
    // Whoever is to undo it has no fuel: each of its three tasks fails, with pauses between them.
    apply(
        &rig,
        &format!(
            "agents:\n  unbook:\n    template: researcher\n    limits: {{fuel: 1}}\n\
             sagas:\n  trip:\n    steps:\n      - {{name: book, compensate: unbook}}\n      \
             - {{name: boom, agent: book, when: \"{BOOM}\"}}\n"
        ),
    )
    .await;
    let run = start(&rig, "sagas", "trip", "x").await;
    assert_eq!(run["status"], "compensation_failed", "{run}");
    let id = run["run"].as_str().unwrap();
    let since = async || {
        let stuck = rig.get("/api/v1/inbox").await.ok()["stuck"].take();
        stuck[0]["since"].as_str().unwrap().to_owned()
    };
    // Since its last attempt failed, not since the first began.
    let undoing = &run["steps"][0]["compensation"];
    assert_eq!(undoing["attempts"], 3, "{run}");
    let failed = since().await;
    let began = undoing["started"].as_str().unwrap();
    assert!(*failed > *began, "{failed}, and it began at {began}");
    let page = rig.sign_in(&rig.owner).await;
    for path in ["/", "/approvals", "/inbox"] {
        let shown = rig.page(&page, path).await;
        let time = format!("<time datetime=\"{}Z\"", &failed[..19]); // to the second
        assert!(shown.text.contains(&time), "{path}: {time}: {shown:?}");
    }
    // Tried again in vain it is since then.
    let again = clock::now().rfc3339();
    let place = format!("/api/v1/plan-runs/{id}");
    let body = json!({"done": false, "step": 1});
    rig.post(&format!("{place}/resolve"), body).await.ok();
    let until = clock::tick() + PATIENCE;
    loop {
        let found = rig.get(&place).await.ok();
        let attempts = &found["steps"][0]["compensation"]["attempts"];
        if found["status"] == "compensation_failed" && *attempts == 6 {
            break;
        }
        assert!(clock::tick() < until, "{found}");
        tokio::task::yield_now().await;
    }
    let failed = since().await;
    assert!(
        failed >= again,
        "{failed}, and it was tried from {again} on"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_open_runs_need_is_not_taken_away_in_silence() {
    let rig = with_agents(&["book", "unbook", "teller"]).await;
    apply(
        &rig,
        "type: plan\nname: trip\nsteps:\n  \
         - {name: book, task: {agent: book, title: Book, input: x}, compensate: unbook}\n  \
         - {name: sure, approval: {title: Sure, body: x}}\n  \
         - {name: tell, task: {agent: teller, title: Tell, input: x}}\n",
    )
    .await;
    let wait = json!({"wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/trip/start", wait).await.ok();
    assert_eq!(run["status"], "held", "{run}");
    let id = run["run"].as_str().unwrap();
    let delete = async |place: &str| {
        let place = format!("/api/v1/{place}");
        let gone = rig.api(&rig.owner, "DELETE", &place, Value::Null).await;
        gone.ok()["warnings"].take()
    };
    let said = |what: &str, name: &str| {
        format!(
            "agent {name} is gone, and open runs need it {what} of plan trip ({id}); until `naos \
             create {name} --template …` makes it again such a step fails, and what can't be \
             undone waits for a person"
        )
    };
    let named = |name: &str| still_named("agent", name, "plan trip", "create");
    let undo = said("to undo step book", "unbook");
    assert_eq!(
        delete("agents/unbook").await,
        json!([undo, named("unbook")])
    );
    let step = said("for step tell", "teller");
    assert_eq!(
        delete("resources/agent/teller").await,
        json!([step, named("teller")])
    );
    // Its step is done.
    assert_eq!(delete("agents/book").await, json!([named("book")]));
    rig.agent("unbook").await;
    let cancel = format!("/api/v1/plan-runs/{id}/cancel");
    rig.post(&cancel, json!({})).await.ok();
    let ended = format!("/api/v1/plan-runs/{id}?wait_ms=20000");
    assert_eq!(rig.get(&ended).await.ok()["status"], "rolled_back");
    assert_eq!(delete("agents/unbook").await, json!([named("unbook")]));
}

/// What is said of something that is gone and that others still name.
fn still_named(kind: &str, name: &str, by: &str, verb: &str) -> String {
    let again = match verb {
        "create" => format!("`naos create {name} --template …`"),
        verb => format!("`naos {verb} -f FILE`"),
    };
    format!(
        "{kind} {name} is gone, and is still named by {by}: until {again} makes it again they do \
         without it, or what needs it there fails"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_name_is_not_taken_away_in_silence() {
    let rig = with_agents(&["one", "two"]).await;
    let text = "models:\n  small: {provider: ollama}\n  \
         big: {provider: ollama, fallback: [small]}\n---\n\
         type: agent\nname: clerk\nmodel: big\nprompt: You help.\n---\n\
         type: saga\nname: trip\nsteps:\n  \
         - {name: book, agent: two, compensate: one}\n---\n\
         type: pool\nname: desk\nagents: [one, two]\n---\n\
         type: supervisor\nname: watch\nchildren: [one]\n---\n\
         type: supervisor\nname: top\nchildren: [watch]\n";
    apply(&rig, text).await;
    for (place, kind, name, by) in [
        (
            "agents/one",
            "agent",
            "one",
            "pool desk, saga trip, supervisor watch",
        ),
        (
            "resources/agent/two",
            "agent",
            "two",
            "pool desk, saga trip",
        ),
        (
            "resources/supervisor/watch",
            "supervisor",
            "watch",
            "supervisor top",
        ),
        ("resources/model/small", "model", "small", "model big"),
        ("resources/model/big", "model", "big", "agent clerk"),
    ] {
        let place = format!("/api/v1/{place}");
        let gone = rig
            .api(&rig.owner, "DELETE", &place, Value::Null)
            .await
            .ok();
        let verb = if kind == "agent" { "create" } else { "apply" };
        let said = still_named(kind, name, by, verb);
        assert_eq!(gone["warnings"], json!([said]), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_documents_call_otherwise_is_found_by_that_name() {
    let rig = Rig::new().await;
    let none = rig.get("/api/v1/resources/plan/plan_123").await;
    assert_eq!(none.problem(), (404, "N0121".into()));
    let node = "{action: {type: a.b}, status: completed}";
    apply(
        &rig,
        &format!("id: plan_123\ndag: {{nodes: {{n1: {node}}}}}\n"),
    )
    .await;
    let found = rig.get("/api/v1/resources/plan/plan_123").await.ok();
    assert_eq!(found["name"], "plan-123");
    // It tells of another run: why it doesn't start is said.
    let told = rig.post("/api/v1/plans/plan-123/start", json!({})).await;
    assert!(
        told.text.contains("tells how far another run is"),
        "{}",
        told.text
    );
    apply(
        &rig,
        "id: plan_123\ndag: {nodes: {n1: {action: {type: a.b}}}}\n",
    )
    .await;
    rig.post("/api/v1/plans/plan-123/start", json!({}))
        .await
        .ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_shares_a_batch_and_merges_its_answers() {
    let rig = with_agents(&["ann", "bob"]).await;
    let pool = json!({"name": "team", "agent": "ann", "size": 2});
    rig.post("/api/v1/pools", pool.clone()).await.ok();
    assert_eq!(
        rig.post("/api/v1/pools", pool).await.problem(),
        (409, "N0130".into())
    );
    rig.post("/api/v1/pools/team/add", json!({"agent": "bob"}))
        .await
        .ok();
    rig.post("/api/v1/pools/team/scale", json!({"size": 3}))
        .await
        .ok();
    let tasks: Vec<String> = (0..5).map(|n| format!("task {n}")).collect();
    let submit = |merge: &str| json!({"tasks": tasks, "merge": merge, "wait_ms": 20_000});
    let path = "/api/v1/pools/team/submit";
    let none = |merge: &str| json!({"tasks": [], "merge": merge, "wait_ms": 20_000});
    let empty = rig.post(path, none("all")).await.ok();
    assert_eq!(
        (&empty["status"], &empty["output"]),
        (&json!("completed"), &json!([]))
    );
    for merge in ["first", "majority", "quorum"] {
        let refused = rig.post(path, none(merge)).await;
        assert_eq!(refused.problem(), (400, "N0102".into()), "{merge}");
    }
    let all = rig.post(path, submit("all")).await.ok();
    assert_eq!(all["status"], "completed", "{all}");
    let given = all["output"].as_array().unwrap();
    assert_eq!(given.len(), 5);
    for (task, answer) in tasks.iter().zip(given) {
        assert!(answer.as_str().unwrap().contains(task), "{all}");
    }
    let audit = rig
        .get("/api/v1/audit?last=500&action=agent.completed")
        .await
        .ok();
    let by = |who: &str| {
        let rows = audit["items"].as_array().unwrap().iter();
        rows.filter(|row| row["subject"] == who).count()
    };
    assert_eq!((by("ann"), by("bob")), (3, 2));
    let first = rig.post(path, submit("first")).await.ok();
    assert!(
        first["output"].as_str().unwrap().contains("task"),
        "{first}"
    );
    let none = rig.post(path, submit("majority")).await.ok();
    assert_eq!(none["status"], "failed", "{none}");
    for (path, body, status, code) in [
        (path, json!({"tasks": [], "merge": "most"}), 400, "N0102"),
        (path, json!({"tasks": ["a"], "quorum": 0}), 400, "N0102"),
        (path, json!({}), 400, "N0102"),
        (
            "/api/v1/pools/none/submit",
            json!({"tasks": []}),
            404,
            "N0121",
        ),
        ("/api/v1/pools/team/scale", json!({"size": 0}), 400, "N0105"),
    ] {
        let got = rig.post(path, body.clone()).await;
        assert_eq!(got.problem(), (status, code.to_owned()), "{path} {body}");
    }
    rig.post("/api/v1/pools/team/drain", json!({})).await.ok();
    assert_eq!(
        rig.post(path, submit("all")).await.problem(),
        (409, "N0131".into())
    );
    rig.post("/api/v1/pools/team/start", json!({})).await.ok();
    assert_eq!(rig.post(path, submit("all")).await.status, StatusCode::OK);
}
