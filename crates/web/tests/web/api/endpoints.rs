//! Drivers at an address outside: what they are asked, and what they answer at once or later.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use naos_engine::node::Handed;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::plans::apply;
use super::webhooks::{Signer, now, send};
use crate::support::{Came, Rig};

const CRM: &str = "driver: {id: crm, endpoint: \"https://crm.example.org/ask\", \
                   capabilities: [customer.find], timeout: 10m, emit: [\"crm.*\"], \
                   retry: {attempts: 3, wait: 1ms}}\n";
const FIND: &str = "type: instruction\nname: find\ntrigger: {manual: true}\nplan:\n  \
    - {id: ask, action: emit_event, event: {type: customer.find, data: {name: Ada}}}\n  \
    - {id: say, depends_on: [ask], action: emit_event, event: {type: found, \
    data: {who: \"{{ ask.output.name }}\"}}}\n";
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn came(hear: &mut UnboundedReceiver<Came>) -> Came {
    let came = tokio::time::timeout(PATIENCE, hear.recv()).await;
    came.expect("in time").expect("naos is up")
}

/// A naos with the driver, and what signs for it.
async fn outside() -> (Rig, UnboundedReceiver<Came>, Signer) {
    let (rig, hear) = Rig::with_receiver().await;
    let applied = apply(&rig, CRM).await;
    assert_eq!(applied["warnings"], json!([]), "{applied}");
    let signer = Signer::of(&applied["items"][0]["signing"]);
    assert_eq!(signer.address, "/hooks/main/drivers/crm");
    (rig, hear, signer)
}

async fn publish(rig: &Rig) {
    let event = json!({"type": "customer.find", "data": {"name": "Ada"}});
    rig.post("/api/v1/events", event).await.ok();
}

/// The driver, once it is as wanted.
async fn until(rig: &Rig, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = naos_engine::clock::tick() + PATIENCE;
    loop {
        let found = rig.get("/api/v1/drivers/crm").await.ok();
        if wanted(&found) {
            return found;
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
        tokio::task::yield_now().await;
    }
}

/// The data of so many events of a type, the newest first, once they are there.
async fn told(rig: &Rig, topic: &str, count: usize) -> Vec<Value> {
    let end = naos_engine::clock::tick() + PATIENCE;
    loop {
        let found = rig.get(&format!("/api/v1/events?type={topic}")).await.ok();
        let items = found["items"].as_array().expect("a list");
        if items.len() == count {
            return items.iter().map(|event| event["data"].clone()).collect();
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
        tokio::task::yield_now().await;
    }
}

/// What is told of failures.
async fn failures(rig: &Rig, count: usize) -> Vec<Value> {
    told(rig, "error", count).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_is_asked_at_its_address() {
    let (rig, mut hear, signer) = outside().await;
    let found = rig.get("/api/v1/drivers/crm").await.ok();
    assert_eq!(
        (&found["status"], &found["agent"], &found["endpoint"]),
        (
            &json!("ready"),
            &Value::Null,
            &json!("https://crm.example.org/ask")
        ),
        "{found}"
    );
    publish(&rig).await;
    let asked = came(&mut hear).await;
    let event = asked.event();
    assert_eq!(
        (
            &event["specversion"],
            &event["type"],
            &event["data"]["name"]
        ),
        (&json!("1.0"), &json!("customer.find"), &json!("Ada")),
        "{event}"
    );
    assert_eq!(asked.parcel.url, "https://crm.example.org/ask");
    assert_eq!(asked.parcel.secret, signer.secret);
    asked.answer(200, "{\"city\": \"Toamasina\"}");
    let found = until(&rig, |found| found["answered"] == 1).await;
    assert_eq!(found["open"], 0, "{found}");
    let runs = rig.get("/api/v1/runs").await.ok();
    let run = &runs["items"][0];
    assert_eq!(
        (&run["tier"], &run["status"]),
        (&json!("endpoint"), &json!("completed")),
        "{run}"
    );
    let path = format!("/api/v1/runs/{}", run["run"].as_str().unwrap());
    let shown = rig.get(&path).await;
    assert!(shown.text.contains("Toamasina") && shown.text.contains("POST https://crm"));
    // The secret is told once, and stands nowhere.
    let again = apply(&rig, CRM).await;
    assert_eq!(again["items"][0].get("signing"), None, "{again}");
    for path in [
        "/api/v1/resources/secrets",
        "/api/v1/resources/driver/crm",
        "/api/v1/drivers/crm",
        "/api/v1/drivers/crm/secret",
        "/api/v1/audit?last=200",
        &path,
    ] {
        let got = rig.get(path).await;
        assert!(got.status.is_success(), "{path}: {got:?}");
        assert!(!got.text.contains("whsec_"), "{path}: {got:?}");
    }
    // The page says where it is asked, not by which agent.
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/drivers").await.text;
    assert!(page.contains("https://crm.example.org/ask"), "{page}");
    assert!(!page.contains("/agents/driver-crm"), "{page}");
    let page = rig.page(&cookie, "/runs").await.text;
    assert!(page.contains("Endpoint"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_tried_again_under_the_same_key() {
    let (rig, mut hear, _) = outside().await;
    publish(&rig).await;
    let mut keys = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let asked = came(&mut hear).await;
        keys.insert(asked.parcel.key.clone());
        asked.answer(503, "later");
    }
    let asked = came(&mut hear).await;
    keys.insert(asked.parcel.key.clone());
    asked.ends(Handed::Lost("the connection broke".into()));
    assert_eq!(keys.len(), 1, "{keys:?}");
    let found = until(&rig, |found| found["failed"] == 1).await;
    assert_eq!(found["problem"]["code"], "N0231", "{found}");
    let said = found["problem"].to_string();
    assert!(said.contains("the connection broke"), "{found}");
    let words = |text: &str| json!({"by": "endpoint", "text": text});
    let error = failures(&rig, 1).await.remove(0);
    assert_eq!(error["said"], words("the connection broke"), "{error}");
    assert_eq!(
        (&error["driver"], &error["code"], &error["error"]),
        (
            &json!("crm"),
            &json!("N0231"),
            &json!("its endpoint gave no usable answer")
        ),
        "{error}"
    );
    // A refusal isn't tried again, and what is too long is one.
    for (nth, ends) in [
        Handed::Refused("a private network".into()),
        Handed::TooLong("longer than it may be".into()),
        Handed::Answered {
            status: 422,
            wait: None,
            body: b"no such field".to_vec(),
        },
    ]
    .into_iter()
    .enumerate()
    {
        publish(&rig).await;
        came(&mut hear).await.ends(ends);
        until(&rig, |found| found["failed"] == nth + 2).await;
        assert!(hear.try_recv().is_err(), "{nth} was tried again");
    }
    let mut errors = failures(&rig, 4).await;
    // It took the event: nobody says that it was refused.
    let long = "it took the event, and longer than it may be";
    assert_eq!(
        (&errors[1]["error"], &errors[1]["said"]),
        (&json!("its endpoint gave no usable answer"), &words(long)),
        "{}",
        errors[1]
    );
    let error = errors.remove(0);
    let no = "answered 422: no such field";
    assert_eq!(error["said"], words(no), "{error}");
    // Whoever listens can use them.
    let who = json!({"type": "subscription", "name": "tell", "on": "error", "emit":
        {"type": "ops.alarm", "data": {"why": "{{ trigger.data.said.text }}"}}});
    apply(&rig, &who.to_string()).await;
    publish(&rig).await;
    came(&mut hear).await.answer(422, "no such town");
    let alarm = told(&rig, "ops.alarm", 1).await.remove(0);
    assert_eq!(alarm, json!({"why": "answered 422: no such town"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_which_driver_it_waits_for() {
    let (rig, mut hear, _) = outside().await;
    let crm = CRM.replace(
        "timeout: 10m",
        "timeout: 10m, breaker: {failures: 1, pause: 5m}",
    );
    apply(&rig, &crm).await;
    apply(&rig, FIND).await;
    // What is nothing for it is one event's failure, and the driver goes on.
    publish(&rig).await;
    came(&mut hear).await.answer(422, "no such town");
    let found = until(&rig, |found| found["failed"] == 1).await;
    assert_eq!(
        (&found["status"], &found["problem"]["code"]),
        (&json!("ready"), &json!("N0233")),
        "{found}"
    );
    publish(&rig).await;
    came(&mut hear).await.answer(404, "nothing here");
    until(&rig, |found| found["status"] == "resting").await;

    let start = "/api/v1/instructions/find/start";
    let run = rig.post(start, json!({})).await.ok();
    let path = format!("/api/v1/plan-runs/{}", run["run"].as_str().unwrap());
    let waiting = rig.get(&path).await.ok();
    let why = waiting["waits"].as_str().unwrap_or_default().to_owned();
    assert!(why.starts_with("driver crm rests until 20"), "{waiting}");
    let ends = "since it failed again and again: `naos driver show crm` shows why, `naos \
                driver reset crm` lets it be asked at once";
    assert!(why.ends_with(ends), "{waiting}");
    assert_eq!(waiting["steps"][0]["waits"], why, "{waiting}");
    let reset = "/api/v1/drivers/crm/reset";
    rig.post(reset, json!({})).await.ok();
    came(&mut hear).await.answer(200, "{\"name\": \"Ada\"}");
    let ended = rig.get(&format!("{path}?wait_ms=20000")).await.ok();
    assert_eq!(
        (&ended["status"], &ended["waits"]),
        (&json!("completed"), &Value::Null),
        "{ended}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_gets_what_it_answers_later() {
    let (rig, mut hear, signer) = outside().await;
    apply(&rig, FIND).await;
    let run = rig
        .post("/api/v1/instructions/find/start", json!({}))
        .await
        .ok();
    let asked = came(&mut hear).await;
    let id = asked.parcel.key.clone();
    asked.answer(202, "");
    let body = json!({
        "id": id,
        "answer": {"name": "Ada Lovelace"},
        "events": [{"type": "crm.seen", "data": {"at": "noon"}}],
    })
    .to_string();
    let got = signer.call(&rig, "msg_1", now(), &body).await;
    let told = got.ok();
    assert!(told["run"].is_string(), "{told}");
    let path = format!(
        "/api/v1/plan-runs/{}?wait_ms=20000",
        run["run"].as_str().unwrap()
    );
    let ended = rig.get(&path).await.ok();
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(ended["output"], "{\"who\":\"Ada Lovelace\"}", "{ended}");
    let seen = rig.get("/api/v1/events?type=crm.seen").await.ok();
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen}");
    // The same call again is the same answer; another one finds nobody who waits.
    let again = signer.call(&rig, "msg_1", now(), &body).await;
    assert_eq!(again.ok(), told);
    let other = signer.call(&rig, "msg_2", now(), &body).await;
    assert_eq!(other.problem(), (409, "N0230".into()));
    let seen = rig.get("/api/v1/events?type=crm.seen").await.ok();
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_isnt_signed_is_refused() {
    let (rig, mut hear, signer) = outside().await;
    publish(&rig).await;
    let asked = came(&mut hear).await;
    let body = json!({"id": asked.parcel.key, "answer": 1}).to_string();
    asked.answer(202, "");
    let other = Signer {
        secret: format!("whsec_{}", STANDARD.encode([7; 32])),
        address: signer.address.clone(),
    };
    let nobody = Signer {
        secret: signer.secret.clone(),
        address: "/hooks/main/drivers/nobody".into(),
    };
    let elsewhere = Signer {
        secret: signer.secret.clone(),
        address: "/hooks/other/drivers/crm".into(),
    };
    for wrong in [&other, &nobody, &elsewhere] {
        let got = wrong.call(&rig, "msg_1", now(), &body).await;
        assert_eq!(got.problem(), (401, "N0149".into()), "{}", wrong.address);
        assert!(got.text.contains("naos driver secret"), "{got:?}");
    }
    let (address, stamp) = (signer.address.as_str(), now().to_string());
    let mine = signer.signature("msg_1", now(), &body);
    let got = send(&rig, address, "msg_2", &stamp, &mine, &body).await;
    assert_eq!(
        got.problem(),
        (401, "N0149".into()),
        "the id is signed, too"
    );
    let old = signer.call(&rig, "msg_1", now() - 3_600, &body).await;
    assert_eq!(old.problem(), (401, "N0149".into()));
    // Nothing happened so far; after a rotation the old secret signs no more.
    let found = rig.get("/api/v1/drivers/crm").await.ok();
    assert_eq!(found["open"], 1, "{found}");
    let fresh = rig.post("/api/v1/drivers/crm/secret", json!({})).await.ok();
    let fresh = Signer::of(&fresh);
    let got = signer.call(&rig, "msg_1", now(), &body).await;
    assert_eq!(got.problem(), (401, "N0149".into()));
    fresh.call(&rig, "msg_1", now(), &body).await.ok();
    until(&rig, |found| found["answered"] == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_none_are_refused() {
    let (rig, mut hear, signer) = outside().await;
    publish(&rig).await;
    let asked = came(&mut hear).await;
    let id = asked.parcel.key.clone();
    asked.answer(202, "");
    let long = "x".repeat(1 << 20);
    for (nth, (body, status, code)) in [
        (json!({"id": id}), 400, "N0102"),
        (json!({"id": id, "answer": 1, "error": "no"}), 400, "N0102"),
        (json!({"id": id, "answer": 1, "more": 2}), 400, "N0102"),
        (json!({"answer": 1}), 400, "N0102"),
        (json!({"id": "evt_7", "answer": 1}), 409, "N0230"),
        (json!({"id": id, "answer": long}), 413, "N0103"),
        (
            json!({"id": id, "answer": 1, "events": [{"type": "mail.send"}]}),
            403,
            "N0142",
        ),
        (
            json!({"id": id, "answer": 1, "events": vec![json!({"type": "crm.a"}); 33]}),
            413,
            "N0103",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let body = body.to_string();
        let got = signer.call(&rig, &format!("msg_{nth}"), now(), &body).await;
        assert_eq!(got.problem(), (status, code.into()), "{nth}: {body:.80}");
    }
    let found = rig.get("/api/v1/drivers/crm").await.ok();
    assert_eq!(found["open"], 1, "nothing is half done: {found}");
    let no = json!({"id": id, "error": "nobody of that name"}).to_string();
    signer.call(&rig, "msg_99", now(), &no).await.ok();
    let found = until(&rig, |found| found["failed"] == 1).await;
    assert!(found["problem"].to_string().contains("nobody of that name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_no_such_driver_are_refused_with_their_place() {
    let rig = Rig::new().await;
    let ask = "endpoint: \"https://crm.example.org/ask\"";
    for (bad, why) in [
        ("endpoint: \"crm.example.org\"".to_owned(), "https://"),
        (
            "endpoint: \"http://crm.example.org/\"".to_owned(),
            "begins with https://",
        ),
        (
            "endpoint: \"https://me:pw@crm.example.org/\"".to_owned(),
            "without a user or password",
        ),
        (format!("{ask}, agent: somebody"), "one of these"),
        (format!("{ask}, timeout: soon"), "length of time"),
        (format!("{ask}, timeout: 0s"), "seven days"),
        (format!("{ask}, retry: 0"), "from 1 to 20"),
        (format!("{ask}, emit: \"a b\""), "type of events"),
        (
            "agent: somebody, timeout: 5s".to_owned(),
            "goes with an `endpoint`",
        ),
        ("emit: [a.b]".to_owned(), "goes with an `endpoint`"),
    ] {
        let text = format!("driver: {{id: d, capabilities: [a.b], {bad}}}");
        let files = json!([{"name": "d.yaml", "text": text}]);
        let got = rig.post("/api/v1/apply", json!({ "files": files })).await;
        assert_eq!(got.status.as_u16(), 400, "{bad}: {got:?}");
        assert!(got.text.contains(why), "{bad}: {}", got.text);
        assert!(got.text.contains("d.yaml:1"), "{bad}: {}", got.text);
    }
    let made = json!([{"name": "d.yaml", "text": "type: secret\nname: x\n"}]);
    let got = rig.post("/api/v1/apply", json!({ "files": made })).await;
    assert!(got.text.contains("naos makes secrets itself"), "{got:?}");
    for path in ["/api/v1/drivers/crm/secret", "/api/v1/consumers/crm/secret"] {
        let got = rig.get(path).await;
        assert_eq!(got.problem(), (404, "N0121".into()), "{path}");
        let got = rig.post(path, json!({})).await;
        assert_eq!(got.problem(), (404, "N0121".into()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_ask_for_is_not_taken_away_in_silence() {
    let (rig, mut hear, _) = outside().await;
    apply(&rig, FIND).await;
    let run = rig.post("/api/v1/instructions/find/start", json!({})).await;
    let run = run.ok()["run"].take();
    let asked = came(&mut hear).await;
    let needed = format!(
        "for step ask of instruction find ({})",
        run.as_str().unwrap()
    );
    let other = CRM.replace("customer.find", "customer.seek");
    let files = json!([{"name": "f.yaml", "text": other}]);
    let asks = json!({"files": files, "dry_run": true});
    let seen = rig.post("/api/v1/apply", asks).await.ok();
    let what = seen["warnings"][0]["what"].as_str().unwrap();
    let lost = "nobody answers customer.find any more, and open runs need it";
    assert!(what.contains(lost) && what.contains(&needed), "{seen}");
    let off = rig
        .post("/api/v1/drivers/crm/disable", json!({}))
        .await
        .ok();
    let what = off["warnings"][0].as_str().unwrap();
    for part in [
        "driver crm is off, and",
        &needed,
        "`naos driver enable crm`",
    ] {
        assert!(what.contains(part), "{part} in {off}");
    }
    let again = rig.post("/api/v1/drivers/crm/disable", json!({})).await;
    assert_eq!(again.ok()["warnings"], json!([]));
    rig.post("/api/v1/drivers/crm/enable", json!({})).await.ok();
    let place = "/api/v1/resources/driver/crm";
    let gone = rig.api(&rig.owner, "DELETE", place, Value::Null).await.ok();
    let what = gone["warnings"][0].as_str().unwrap();
    assert!(
        what.contains("driver crm is gone") && what.contains(&needed),
        "{gone}"
    );
    drop(asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_the_secret_of_what_is_not_there_is_told_so() {
    let rig = Rig::new().await;
    let beat = FIND.replace("name: find", "name: beat");
    let here = "driver: {id: here, agent: clerk, capabilities: [mail.read]}\n";
    let pulls = "type: subscription\nname: pulls\non: a.b\n";
    apply(&rig, &format!("{beat}---\n{here}---\n{pulls}")).await;
    for (path, what, help) in [
        (
            "drivers/nosuch/secret",
            "there is no driver nosuch",
            "naos driver list",
        ),
        (
            "drivers/here/secret",
            "there is no driver here that is asked at an address",
            "endpoint: https://",
        ),
        (
            "consumers/nosuch/secret",
            "there is no subscription nosuch",
            "naos events consumers",
        ),
        (
            "consumers/pulls/secret",
            "there is no subscription pulls whose events are delivered",
            "deliver: {url",
        ),
        (
            "instructions/nosuch/webhook",
            "there is no instruction nosuch",
            "naos instruction list",
        ),
        (
            "instructions/beat/webhook",
            "there is no instruction beat that a webhook sets off",
            "trigger: {webhook: true}",
        ),
    ] {
        let path = format!("/api/v1/{path}");
        for got in [rig.get(&path).await, rig.post(&path, json!({})).await] {
            assert_eq!(got.problem(), (404, "N0121".into()), "{path}");
            let said = got.json();
            assert_eq!(said["detail"], what, "{path}");
            let told = said["help"].as_str().unwrap();
            assert!(
                told.contains(help) && !told.contains("--rotate"),
                "{path}: {told}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whoever_pulls_takes_is_not_paused() {
    let rig = Rig::new().await;
    apply(&rig, "type: subscription\nname: pulls\non: a.b\n").await;
    for verb in ["pause", "resume"] {
        let path = format!("/api/v1/consumers/pulls/{verb}");
        let got = rig.post(&path, json!({})).await;
        assert_eq!(got.problem().0, 409, "{got:?}");
        let said = got.json();
        let what = said["detail"].as_str().unwrap();
        assert!(what.contains("whoever pulls them sets the pace"), "{what}");
        let help = said["help"].as_str().unwrap();
        assert!(help.contains("naos events unsubscribe pulls"), "{help}");
    }
    // It goes on as before.
    rig.post("/api/v1/events", json!({"type": "a.b", "data": 1}))
        .await
        .ok();
    let taken = rig
        .post("/api/v1/consumers/pulls/pull", json!({}))
        .await
        .ok();
    assert_eq!(taken["events"].as_array().map(Vec::len), Some(1), "{taken}");
}
