//! `/api/v1/supervisors` and the page that shows them.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::Rig;

/// The tree of the example, as it is shipped.
const TREE: &str = include_str!("../../../../../examples/supervisors/nexus.config.yaml");
/// Longer than any restart of these tests waits.
const PATIENCE: Duration = Duration::from_secs(60);

async fn tree() -> Rig {
    let rig = Rig::new().await;
    // The only template of this node answers with what it is given, as `echo` does.
    let text = TREE.replace("template: echo", "template: researcher");
    let files = json!([{"name": "nexus.config.yaml", "text": text}]);
    let applied = rig
        .post("/api/v1/apply", json!({ "files": files }))
        .await
        .ok();
    assert_eq!(applied["warnings"], json!([]), "{applied}");
    rig
}

async fn agent(rig: &Rig, name: &str) -> String {
    let found = rig.get(&format!("/api/v1/agents/{name}")).await.ok();
    found["status"].as_str().unwrap().to_owned()
}

async fn supervisor(rig: &Rig, name: &str) -> Value {
    rig.get(&format!("/api/v1/supervisors/{name}")).await.ok()
}

/// Waits until a supervisor stands so.
async fn stands(rig: &Rig, name: &str, status: &str) -> Value {
    let until = naos_engine::clock::tick() + PATIENCE;
    loop {
        let found = supervisor(rig, name).await;
        if found["status"] == status {
            return found;
        }
        assert!(naos_engine::clock::tick() < until, "not {status}: {found}");
        tokio::task::yield_now().await;
    }
}

/// An input whose answer is over the limit of the example's processors.
fn too_long() -> String {
    "x".repeat(100)
}

async fn actions(rig: &Rig, action: &str) -> Vec<String> {
    let path = format!("/api/v1/audit?last=1000&action={action}");
    let rows = rig.get(&path).await.ok();
    let rows = rows["items"].as_array().unwrap().iter();
    rows.map(|row| row["subject"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_is_restarted_alone_and_waiting_work_is_done() {
    let rig = tree().await;
    let failed = rig.run("processor-1", &too_long()).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(agent(&rig, "processor-1").await, "failed");
    assert_eq!(agent(&rig, "processor-2").await, "created");
    let waits = json!({"agent": "processor-1", "input": "later", "wait_ms": 0});
    let waits = rig.post("/api/v1/runs", waits).await.json();
    assert_eq!(waits["status"], "queued", "{waits}");
    let listed = rig.get("/api/v1/runs?status=queued").await.ok();
    assert_eq!(listed["items"][0]["run"], waits["run"], "{listed}");
    stands(&rig, "worker-supervisor", "running").await;
    assert_eq!(actions(&rig, "agent.restarted").await, ["processor-1"]);
    let path = format!("/api/v1/runs/{}", waits["run"].as_str().unwrap());
    let until = naos_engine::clock::tick() + PATIENCE;
    while rig.get(&path).await.ok()["status"] != "completed" {
        assert!(naos_engine::clock::tick() < until, "it is done at last");
        tokio::task::yield_now().await;
    }
    assert_eq!(agent(&rig, "processor-1").await, "idle");
    let found = supervisor(&rig, "worker-supervisor").await;
    assert_eq!(
        (&found["restarts"], &found["children"][0]["restarts"]),
        (&json!(1), &json!(1)),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_beneath_one_that_rests_waits_for_it() {
    let rig = Rig::new().await;
    let text = "type: supervisor\nname: boss\nchildren: [late]\n";
    let files = json!([{"name": "s.yaml", "text": text}]);
    rig.post("/api/v1/apply", json!({ "files": files }))
        .await
        .ok();
    let stop = "/api/v1/supervisors/boss/stop";
    rig.post(stop, json!({})).await.ok();
    rig.agent("late").await;
    assert_eq!(agent(&rig, "late").await, "stopped", "a person stopped it");
    let waits = json!({"agent": "late", "input": "later", "wait_ms": 0});
    let waits = rig.post("/api/v1/runs", waits).await.json();
    assert_eq!(waits["status"], "queued", "{waits}");
    let why = "agent late rests since supervisor boss was stopped: `naos supervisor start boss`";
    assert_eq!(waits["waits"], why, "{waits}");
    let start = "/api/v1/supervisors/boss/start";
    rig.post(start, json!({})).await.ok();
    let run = waits["run"].as_str().unwrap();
    let path = format!("/api/v1/runs/{run}?wait_ms=20000");
    assert_eq!(rig.get(&path).await.ok()["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_fails_is_restarted_with_all_its_children() {
    let rig = tree().await;
    let drill = json!({"reason": "a drill"});
    rig.post("/api/v1/supervisors/worker-supervisor/fail", drill.clone())
        .await
        .ok();
    let found = supervisor(&rig, "worker-supervisor").await;
    assert_eq!(found["status"], "failed", "{found}");
    assert_eq!(found["problem"]["said"], "a drill");
    let status = rig.get("/api/v1/status").await.ok();
    assert_eq!(status["stuck"], json!([]), "what is above restarts it");
    assert_eq!(agent(&rig, "processor-3").await, "failed");
    assert_eq!(agent(&rig, "auth-agent").await, "created");
    stands(&rig, "worker-supervisor", "running").await;
    let mut restarted = actions(&rig, "agent.restarted").await;
    restarted.sort();
    assert_eq!(restarted, ["processor-1", "processor-2", "processor-3"]);
    let root = supervisor(&rig, "root-supervisor").await;
    assert_eq!(root["restarts"], 1, "{root}");
    assert_eq!(root["beneath"].as_array().unwrap().len(), 2);
    // At the root a person decides.
    rig.post("/api/v1/supervisors/root-supervisor/fail", drill)
        .await
        .ok();
    assert_eq!(agent(&rig, "data-agent").await, "failed");
    let inbox = rig.get("/api/v1/inbox").await.ok();
    let stuck = inbox["stuck"].as_array().unwrap();
    let told: Vec<_> = stuck
        .iter()
        .map(|one| (&one["what"], &one["name"]))
        .collect();
    let root = (&json!("supervisor.failed"), &json!("root-supervisor"));
    assert_eq!(told, [root], "{inbox}");
    let cookie = rig.sign_in(&rig.owner).await;
    for path in ["/", "/approvals", "/inbox"] {
        let page = rig.page(&cookie, path).await;
        let reset = "naos supervisor reset root-supervisor";
        assert!(page.text.contains(reset), "{path}: {page:?}");
    }
    let page = rig.page(&cookie, "/supervisors").await;
    assert!(
        page.text.contains("/supervisors/root-supervisor/reset"),
        "{page:?}"
    );
    // Each has a page of its own, with what happened to it.
    let link = "href=\"/supervisors/worker-supervisor\"";
    assert!(page.text.contains(link), "{page:?}");
    let page = rig.page(&cookie, "/supervisors/worker-supervisor").await;
    for said in [
        "id=\"supervisor-worker-supervisor\"",
        "href=\"/supervisors/root-supervisor\"",
        "href=\"/agents/processor-1\"",
        "id=\"fact-",
    ] {
        assert!(page.text.contains(said), "{said}: {page:?}");
    }
    assert!(!page.text.contains('⟦'), "{page:?}");
    let root = rig.page(&cookie, "/supervisors/root-supervisor").await;
    assert!(root.text.contains("id=\"supervisor-worker-supervisor\""));
    let lost = rig.page(&cookie, "/supervisors/nobody").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND, "{lost:?}");
    let reset = rig
        .form(
            &cookie,
            "/supervisors/root-supervisor/reset",
            "idempotency_key=k1",
        )
        .await;
    assert_eq!(reset.status, StatusCode::SEE_OTHER, "{reset:?}");
    stands(&rig, "api-supervisor", "running").await;
    stands(&rig, "worker-supervisor", "running").await;
    let again = rig
        .form(
            &cookie,
            "/supervisors/root-supervisor/reset",
            "idempotency_key=k1",
        )
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{again:?}");
    assert_eq!(actions(&rig, "supervisor.reset").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn supervisors_are_made_changed_and_refused() {
    let rig = Rig::new().await;
    rig.agent("ann").await;
    let made = json!({"name": "boss", "strategy": "rest_for_one", "max_restarts": 5,
        "restart_window": 30, "children": ["ann"]});
    rig.post("/api/v1/supervisors", made.clone()).await.ok();
    assert_eq!(
        rig.post("/api/v1/supervisors", made).await.problem(),
        (409, "N0130".into())
    );
    rig.post("/api/v1/supervisors/boss/add", json!({"child": "bob"}))
        .await
        .ok();
    let found = supervisor(&rig, "boss").await;
    assert_eq!(
        (
            &found["strategy"],
            &found["restart_window"],
            &found["max_restarts"]
        ),
        (&json!("rest-for-one"), &json!(30), &json!(5))
    );
    assert_eq!(found["children"][1]["kind"], "missing");
    rig.post("/api/v1/supervisors/boss/stop", json!({}))
        .await
        .ok();
    assert_eq!(agent(&rig, "ann").await, "stopped");
    let found = supervisor(&rig, "boss").await;
    assert_eq!(found["children"][0]["status"], "stopped", "{found}");
    let listed = rig.get("/api/v1/agents").await.ok();
    assert_eq!(listed["items"][0]["stopped_with"], "boss", "{listed}");
    let cookie = rig.sign_in(&rig.owner).await;
    for path in ["/agents", "/supervisors"] {
        let page = rig.page(&cookie, path).await.text;
        assert!(!page.contains("Its last run failed"), "{path}: {page}");
    }
    rig.post("/api/v1/supervisors/boss/start", json!({}))
        .await
        .ok();
    stands(&rig, "boss", "running").await;
    for (path, body, status, code) in [
        ("/api/v1/supervisors", json!({"name": "x"}), 400, "N0105"),
        (
            "/api/v1/supervisors",
            json!({"name": "x", "children": [], "strategy": "one-for-al"}),
            400,
            "N0105",
        ),
        (
            "/api/v1/supervisors",
            json!({"name": "x", "children": ["ann"]}),
            400,
            "N0105",
        ),
        (
            "/api/v1/supervisors/boss/add",
            json!({"child": "boss"}),
            400,
            "N0105",
        ),
        ("/api/v1/supervisors/boss/fail", json!({}), 400, "N0102"),
        (
            "/api/v1/supervisors/boss/fail",
            json!({"reason": " "}),
            400,
            "N0102",
        ),
        ("/api/v1/supervisors/none/start", json!({}), 404, "N0121"),
    ] {
        let got = rig.post(path, body.clone()).await;
        assert_eq!(got.problem(), (status, code.to_owned()), "{path} {body}");
    }
    // A tree is judged over all documents, with what is kept.
    let circle = "supervisors:\n  ann-boss: {children: [boss]}\n";
    let other = "type: supervisor\nname: boss\nchildren: [ann-boss]\n";
    let files = json!([{"name": "a.yaml", "text": circle}, {"name": "b.yaml", "text": other}]);
    let refused = rig.post("/api/v1/apply", json!({ "files": files })).await;
    assert_eq!(refused.problem(), (400, "N0105".into()));
    assert!(refused.text.contains("circle"), "{refused:?}");
    let taken = json!([{"name": "c.yaml", "text": "supervisors: {other: {children: [ann]}}\n"}]);
    let refused = rig.post("/api/v1/apply", json!({ "files": taken })).await;
    assert!(refused.text.contains("two supervisors"), "{refused:?}");
    rig.post("/api/v1/supervisors/boss/remove", json!({"child": "bob"}))
        .await
        .ok();
    let children = supervisor(&rig, "boss").await["children"].take();
    let names: Vec<&Value> = children
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["name"])
        .collect();
    assert_eq!(names, ["ann"], "{children}");
    let waiting =
        json!([{"name": "d.yaml", "text": "supervisors: {late: {children: [nobody]}}\n"}]);
    let applied = rig
        .post("/api/v1/apply", json!({ "files": waiting }))
        .await
        .ok();
    assert_eq!(
        applied["warnings"][0]["what"],
        "supervisor late is waiting: agent nobody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_agent_that_rests_says_for_whom_and_what_to_do() {
    let rig = Rig::new().await;
    let text = "type: supervisor\nname: top\nchildren: [beneath]\n---\ntype: supervisor\n\
                name: beneath\nchildren: [late]\n---\ntype: pool\nname: team\nagents: [late]\n\
                ---\ntype: workflow\nname: line\nsteps: [{name: one, agent: late}]\n";
    rig.agent("late").await;
    let files = json!([{"name": "s.yaml", "text": text}]);
    rig.post("/api/v1/apply", json!({ "files": files }))
        .await
        .ok();
    let drill = json!({"reason": "a drill"});
    rig.post("/api/v1/supervisors/top/fail", drill).await.ok();
    stands(&rig, "beneath", "suspended").await;
    let why = "agent late rests since supervisor top failed: `naos supervisor status top` shows \
               why, `naos supervisor reset top` starts all beneath it anew";
    let started = rig
        .post("/api/v1/workflows/line/start", json!({"input": "x"}))
        .await
        .json();
    let run = started["run"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/plan-runs/{run}");
    let until = naos_engine::clock::tick() + PATIENCE;
    let shown = loop {
        let found = rig.get(&path).await.ok();
        if found["waits"].is_string() {
            break found;
        }
        assert!(
            naos_engine::clock::tick() < until,
            "it says nothing: {found}"
        );
        tokio::task::yield_now().await;
    };
    assert_eq!(shown["status"], "running", "{shown}");
    for said in [&shown["waits"], &shown["steps"][0]["waits"]] {
        assert_eq!(said, why, "{shown}");
    }
    let task = shown["steps"][0]["task"].as_str().unwrap().to_owned();
    let shown = rig.get(&format!("/api/v1/tasks/{task}")).await.ok();
    assert_eq!(shown["waits"], why, "{shown}");
    let batch = json!({"tasks": ["a"]});
    let batch = rig.post("/api/v1/pools/team/submit", batch).await.json();
    let batch = batch["run"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/plan-runs/{batch}");
    while rig.get(&path).await.ok()["waits"] != why {
        assert!(naos_engine::clock::tick() < until, "the batch says nothing");
        tokio::task::yield_now().await;
    }
    // The one beneath rests with it: what is told to do about it is what can be done.
    let refused = rig
        .post("/api/v1/supervisors/beneath/start", json!({}))
        .await;
    let refused = refused.json();
    assert!(
        refused.to_string().contains("naos supervisor reset top"),
        "{refused}"
    );
    rig.post("/api/v1/supervisors/top/reset", json!({}))
        .await
        .ok();
    let path = format!("/api/v1/plan-runs/{run}?wait_ms=20000");
    let done = rig.get(&path).await.ok();
    assert_eq!(
        (&done["status"], &done["waits"]),
        (&json!("completed"), &Value::Null)
    );
}
