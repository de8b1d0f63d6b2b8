//! `/api/v1/drivers` and the page of drivers.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::Rig;

const DRIVER: &str = "driver: {id: post_tool, agent: post, capabilities: [mail.read], \
                      concurrency: 2, rate: {calls: 100, per: 1m}, \
                      breaker: {failures: 2, pause: 1h}}";

async fn apply(rig: &Rig, text: &str) -> crate::support::Got {
    let files = json!([{"name": "d.yaml", "text": text}]);
    rig.post("/api/v1/apply", json!({ "files": files })).await
}

async fn publish(rig: &Rig, data: Value) {
    rig.post("/api/v1/events", json!({"type": "mail.read", "data": data}))
        .await
        .ok();
}

/// The driver, once it is as wanted.
async fn until(rig: &Rig, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
    loop {
        let found = rig.get("/api/v1/drivers/post-tool").await.ok();
        if wanted(&found) {
            return found;
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_says_how_it_does_and_rests_when_it_fails() {
    let rig = Rig::new().await;
    apply(&rig, DRIVER).await.ok();
    let found = rig.get("/api/v1/drivers/post_tool").await.ok();
    assert_eq!(found["status"], "waiting", "{found}");
    assert_eq!(found["concurrency"], 2, "{found}");
    assert_eq!(found["rate"], json!({"calls": 100, "per_ms": 60_000}));
    assert_eq!(found["spec"]["breaker"]["pause"], "1h");
    // It answers with what it is given: a long event is over its limit.
    apply(
        &rig,
        "type: agent\nname: post\ntemplate: researcher\nlimits: {output: 512}\n",
    )
    .await
    .ok();
    publish(&rig, json!({"n": 1})).await;
    let found = until(&rig, |found| found["answered"] == 1).await;
    assert_eq!(
        (&found["status"], &found["error_percent"]),
        (&json!("ready"), &json!(0))
    );
    for _ in 0..2 {
        publish(&rig, json!({"long": "x".repeat(2_000)})).await;
    }
    let found = until(&rig, |found| found["failed"] == 2).await;
    assert_eq!(
        (&found["status"], &found["breaker"]),
        (&json!("resting"), &json!("open"))
    );
    assert!(found["resting_until"].is_string() && found["problem"]["note"].is_string());
    assert_eq!(found["last"].as_array().map(Vec::len), Some(3), "{found}");
    publish(&rig, json!({"n": 2})).await;
    let found = until(&rig, |found| found["waiting"] == 1).await;
    assert_eq!(found["open"], 0, "{found}");

    // The page says the same, and ends its rest.
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/drivers").await.text;
    assert!(
        page.contains("id=\"driver-post-tool\"") && page.contains("Resting"),
        "{page}"
    );
    assert!(page.contains("href=\"/drivers/post-tool\""), "{page}");
    let page = rig.page(&cookie, "/drivers/post-tool").await.text;
    for said in [
        "id=\"driver-post-tool\"",
        "Open: it rests",
        "mail.read",
        "capabilities",
        "value=\"reset\"",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains('⟦'), "{page}");
    let lost = rig.page(&cookie, "/drivers/nobody").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND, "{lost:?}");
    let got = rig
        .form(&cookie, "/drivers/post-tool", "idempotency_key=a&do=reset")
        .await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{got:?}");
    assert_eq!(got.headers["location"], "/drivers/post-tool");
    let found = until(&rig, |found| found["answered"] == 2).await;
    assert_eq!(found["breaker"], "closed", "{found}");
    for (verb, word) in [("disable", "disabled"), ("enable", "ready")] {
        let body = format!("idempotency_key={verb}&do={verb}");
        rig.form(&cookie, "/drivers/post-tool", &body).await;
        let found = rig.get("/api/v1/drivers/post-tool").await.ok();
        assert_eq!(found["status"], word);
    }
    let none = rig.get("/api/v1/drivers/nobody").await;
    assert_eq!(none.problem(), (404, "N0121".into()));
    let none = rig.post("/api/v1/drivers/nobody/reset", Value::Null).await;
    assert_eq!(none.problem(), (404, "N0121".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_are_none_are_refused_with_their_place() {
    let rig = Rig::new().await;
    for (bad, why) in [
        ("concurrency: 0", "from 1 to 256"),
        ("concurrency: many", "whole number"),
        ("rate: {per: 1m}", "calls"),
        ("rate: {calls: 5, per: soon}", "length of time"),
        ("rate: {calls: 5, per: 0s}", "at most a day"),
        ("breaker: {failures: 0}", "from 1 to 1000"),
        ("breaker: {pause: 2d}", "at most a day"),
        ("braker: {failures: 1}", "breaker"),
        (
            "resource_requirements: {memroy: 64MB}",
            "did you mean `memory`",
        ),
        ("resource_requirements: {memory: lots}", "from 1MB to 4GB"),
        ("resource_requirements: {memory: 1KB}", "from 1MB to 4GB"),
        ("resource_requirements: {timeout: 2d}", "from 1ms to 1d"),
        ("resource_requirements: {timeout: soon}", "length of time"),
        ("config_schema: text", "`config_schema` is a map"),
        (
            "config_schema: {type: nothing}",
            "`config_schema` is no JSON Schema at /type",
        ),
        (
            "config_schema: {$ref: \"https://example.com/s\"}",
            "no JSON Schema",
        ),
        ("config: 7", "`config` is a map"),
    ] {
        let text = format!("driver: {{id: d, capabilities: [a.b], {bad}}}");
        let got = apply(&rig, &text).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{bad}: {got:?}");
        assert!(got.text.contains(why), "{bad}: {}", got.text);
    }
}

/// What the agent was given the last time.
async fn given(rig: &Rig) -> Value {
    let runs = rig.get("/api/v1/runs?limit=1").await.ok();
    let run = runs["items"][0]["run"].as_str().unwrap();
    let run = rig.get(&format!("/api/v1/runs/{run}")).await.ok();
    serde_json::from_str(run["input"].as_str().unwrap()).unwrap()
}

const SET_UP: &str = "\
driver:
  id: post_tool
  agent: post
  capabilities: [mail.read]
  config_schema:
    type: object
    required: [box]
    properties: {box: {type: string}, most: {type: integer, maximum: 9}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_checked_and_handed_over() {
    let rig = Rig::new().await;
    let agent = "type: agent\nname: post\ntemplate: researcher\n";
    apply(&rig, agent).await.ok();
    let applied = apply(&rig, SET_UP).await.ok();
    let warned = applied["warnings"][0]["what"].as_str().unwrap();
    assert_eq!(
        warned,
        "driver post-tool waits for its configuration: \"box\" is a required property"
    );
    for (config, said) in [
        (
            "{most: 3}",
            "d.yaml:9:11: `config`: \"box\" is a required property",
        ),
        (
            "{box: in, most: 10}",
            "d.yaml:9:27: `config` at /most: 10 is greater than",
        ),
        (
            "{box: 7}",
            "d.yaml:9:17: `config` at /box: 7 is not of type",
        ),
    ] {
        let got = apply(&rig, &format!("{SET_UP}  config: {config}\n")).await;
        assert_eq!(got.problem(), (400, "N0105".into()), "{config}");
        assert!(
            got.text.contains(&said.replace('"', "\\\"")),
            "{config}: {}",
            got.text
        );
    }
    let fits = format!("{SET_UP}  config: {{box: in, most: 3}}\n");
    assert_eq!(apply(&rig, &fits).await.ok()["warnings"], json!([]));
    publish(&rig, json!({"n": 1})).await;
    until(&rig, |found| found["answered"] == 1).await;
    assert_eq!(given(&rig).await["config"], json!({"box": "in", "most": 3}));
    // What people write says otherwise, and is looked at when the driver is applied again.
    let path = "/api/v1/documents/Drivers/post-tool";
    let write = async |text: &str| {
        let body = json!({ "text": text });
        rig.api(&rig.owner, "PUT", path, body).await.ok();
    };
    write("{\"box\": \"spam\"}").await;
    publish(&rig, json!({"n": 2})).await;
    until(&rig, |found| found["answered"] == 2).await;
    assert_eq!(given(&rig).await["config"], json!({"box": "spam"}));
    write("{\"most\": 1}").await;
    let got = apply(&rig, &fits).await;
    assert_eq!(got.problem().0, 400);
    assert!(
        got.text
            .contains("document /Drivers/post-tool is no configuration"),
        "{}",
        got.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_driver_needs_is_all_that_its_runs_have() {
    let rig = Rig::new().await;
    let agent = "type: agent\nname: post\ntemplate: researcher\n---\n";
    let small = "driver: {id: post_tool, agent: post, capabilities: [mail.read], \
                 resource_requirements: {memory_mb: 1}}";
    apply(&rig, &format!("{agent}{small}")).await.ok();
    publish(&rig, json!({"n": 1})).await;
    let found = until(&rig, |found| found["failed"] == 1).await;
    assert_eq!(found["problem"]["code"], "N0181", "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_nothing_is_not_ready() {
    let rig = Rig::new().await;
    apply(&rig, "type: agent\nname: mute\ntemplate: researcher\n")
        .await
        .ok();
    apply(&rig, "driver: {id: mute, type: io}").await.ok();
    let found = rig.get("/api/v1/drivers/mute").await.ok();
    assert_eq!(found["status"], "empty", "{found}");
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/drivers").await.text;
    assert!(page.contains("Answers nothing"), "{page}");
    apply(
        &rig,
        "driver: {id: mute, type: io, capabilities: [mail.read]}",
    )
    .await
    .ok();
    let found = rig.get("/api/v1/drivers/mute").await.ok();
    assert_eq!(found["status"], "ready", "{found}");
}

/// What is done is undone by an event, which a driver that is built in takes.
const UNDONE: &str = "driver: {id: undoer, builtin: echo, capabilities: [u.undo]}\n---\n\
    type: plan\nname: p\nsteps:\n  \
    - {name: a, render: done, compensate: {emit: {type: u.undo, data: {s: a}}}}\n  \
    - {name: w, wait_for: {signal: go}}\n  \
    - {name: c, when: \"size(a.output) > 0\", fail: stop}\n";

/// The run, once it is as wanted.
async fn ended(rig: &Rig, run: &str, wanted: &str) -> Value {
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
    loop {
        let found = rig.get(&format!("/api/v1/plan-runs/{run}")).await.ok();
        if found["status"] == wanted {
            return found;
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_emits_to_undo_waits_for_a_driver_that_is_off() {
    let rig = Rig::new().await;
    let applied = apply(&rig, UNDONE).await.ok();
    // What undoes it is done before its driver said anything.
    let warned = applied["warnings"].to_string();
    assert!(
        warned.contains("step a counts as undone once u.undo is published"),
        "{applied}"
    );
    assert!(
        warned.contains("compensate: {instruction: NAME}"),
        "{applied}"
    );
    // Where no driver answers it, an event is all that there is.
    let unanswered = UNDONE
        .replace("u.undo, data", "u.told, data")
        .replace("name: p", "name: q");
    let applied = apply(&rig, &unanswered).await.ok();
    assert!(
        !applied["warnings"].to_string().contains("counts as undone"),
        "{applied}"
    );
    let start = async || rig.post("/api/v1/plans/p/start", json!({})).await;
    let switch = async |verb: &str| {
        let place = format!("/api/v1/drivers/undoer/{verb}");
        rig.post(&place, json!({})).await.ok()
    };
    let run = start().await.ok()["run"].as_str().unwrap().to_owned();
    let off = switch("disable").await;
    let warning = off["warnings"][0].as_str().unwrap();
    let needed = format!("to undo step a of plan p ({run})");
    assert!(warning.contains(&needed), "{off}");
    assert!(warning.contains("naos driver enable undoer"), "{off}");
    let refused = start().await;
    assert_eq!(refused.problem(), (409, "N0133".into()));
    assert!(
        refused.text.contains("naos driver enable undoer"),
        "{refused:?}"
    );
    // What is there and off isn't said to be missing, where its document says so beside the plan.
    let applied = apply(&rig, UNDONE).await.ok();
    let helps = applied["warnings"].to_string();
    assert!(helps.contains("naos driver enable undoer"), "{applied}");
    assert!(!helps.contains("apply a driver"), "{applied}");
    let signal = format!("/api/v1/plan-runs/{run}/signal");
    rig.post(&signal, json!({"name": "go"})).await.ok();
    let found = ended(&rig, &run, "compensation_failed").await;
    let text = found.to_string();
    assert!(
        text.contains("N0198") && text.contains("plan resume"),
        "{found}"
    );
    switch("enable").await;
    let resume = format!("/api/v1/plan-runs/{run}/resume");
    rig.post(&resume, json!({})).await.ok();
    ended(&rig, &run, "rolled_back").await;
    let undoer = rig.get("/api/v1/drivers/undoer").await.ok();
    assert_eq!(undoer["answered"], 1, "{undoer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_emits_to_undo_fails_where_its_driver_is_deleted() {
    let rig = Rig::new().await;
    apply(&rig, UNDONE).await.ok();
    let started = rig.post("/api/v1/plans/p/start", json!({})).await.ok();
    let run = started["run"].as_str().unwrap().to_owned();
    let place = "/api/v1/resources/driver/undoer";
    let gone = rig.api(&rig.owner, "DELETE", place, Value::Null).await.ok();
    let needed = format!("to undo step a of plan p ({run})");
    assert!(gone["warnings"].to_string().contains(&needed), "{gone}");
    let signal = format!("/api/v1/plan-runs/{run}/signal");
    rig.post(&signal, json!({"name": "go"})).await.ok();
    let found = ended(&rig, &run, "compensation_failed").await;
    let undo = &found["steps"][0]["compensation"];
    assert_eq!(undo["status"], "failed", "{found}");
    let why = undo["problem"]["note"].as_str().unwrap();
    assert!(why.contains("driver undoer"), "{found}");
    apply(&rig, UNDONE).await.ok();
    let resume = format!("/api/v1/plan-runs/{run}/resume");
    rig.post(&resume, json!({})).await.ok();
    ended(&rig, &run, "rolled_back").await;
    let undoer = rig.get("/api/v1/drivers/undoer").await.ok();
    assert_eq!(undoer["answered"], 1, "{undoer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_switches_a_driver_off_is_told_how_much_waits() {
    let rig = Rig::new().await;
    let slow = "driver: {id: post_tool, builtin: echo, capabilities: [mail.read], \
                rate: {calls: 1, per: 1h}}";
    apply(&rig, slow).await.ok();
    for n in 0..3 {
        publish(&rig, json!({ "n": n })).await;
    }
    until(&rig, |found| found["waiting"] == 2).await;
    let switch = async |verb: &str| {
        let place = format!("/api/v1/drivers/post-tool/{verb}");
        rig.post(&place, json!({})).await.ok()
    };
    let off = switch("disable").await;
    assert_eq!(off["put_aside"], 2, "{off}");
    until(&rig, |found| found["waiting"] == 0).await;
    assert_eq!(switch("disable").await["put_aside"], 0, "nothing waits now");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_while_a_driver_is_off_is_kept_for_it() {
    let rig = Rig::new().await;
    let driver = "driver: {id: post_tool, builtin: echo, capabilities: [mail.read]}";
    apply(&rig, driver).await.ok();
    let switch = async |verb: &str| {
        let place = format!("/api/v1/drivers/post-tool/{verb}");
        rig.post(&place, json!({})).await.ok();
    };
    switch("disable").await;
    let event = json!({"type": "mail.read", "data": 1});
    let said = rig.post("/api/v1/events", event).await.ok();
    let event = said["event"].as_str().unwrap();
    let aside = json!([{"event": event, "consumer": "driver-post-tool", "driver": "post-tool"}]);
    assert_eq!(said["put_aside"], aside, "{said}");
    let dead = rig.get("/api/v1/events/dead").await.ok();
    let one = &dead["items"][0];
    assert_eq!(
        (&one["event"], &one["gone"], &one["off"]),
        (&json!(event), &json!(false), &json!(true)),
        "{dead}"
    );
    assert_eq!(one["problem"]["code"], "N0198", "{dead}");
    let stats = rig.get("/api/v1/events/stats").await.ok();
    assert_eq!(stats["orphans"], 0, "{stats}");
    let replay = format!("/api/v1/consumers/driver-post-tool/dead/{event}/replay");
    let refused = rig.post(&replay, json!({})).await;
    assert_eq!(refused.problem(), (409, "N0131".into()));
    assert!(
        refused.text.contains("naos driver enable post-tool"),
        "{refused:?}"
    );
    switch("enable").await;
    rig.post(&replay, json!({})).await.ok();
    until(&rig, |found| found["answered"] == 1).await;
    let dead = rig.get("/api/v1/events/dead").await.ok();
    assert_eq!(dead["items"], json!([]), "it was given");
}
