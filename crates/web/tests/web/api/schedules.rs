//! `/api/v1/schedules`: in parts, and with runs that wait for each other.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::Rig;

async fn apply(rig: &Rig, text: &str) -> Value {
    let files = json!([{"name": "s.yaml", "text": text}]);
    let body = json!({ "files": files });
    rig.post("/api/v1/apply", body).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_listed_in_parts() {
    let rig = Rig::new().await;
    for name in ["a", "b", "c"] {
        let text = format!("type: schedule\nname: {name}\nevery: 1d\nevent: a.b\n");
        apply(&rig, &text).await;
    }
    let names = |listed: &Value| -> Vec<String> {
        let items = listed["items"].as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = rig.get("/api/v1/schedules?limit=2").await.ok();
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["next"], "schedule/b");
    let rest = "/api/v1/schedules?limit=2&before=schedule/b";
    let rest = rig.get(rest).await.ok();
    assert_eq!(
        (names(&rest), &rest["next"]),
        (vec!["c".into()], &Value::Null)
    );
    let all = rig.get("/api/v1/schedules").await.ok();
    assert_eq!((names(&all).len(), &all["next"]), (3, &Value::Null));
    let bad = rig.get("/api/v1/schedules?before=b").await;
    assert_eq!(bad.problem(), (400, "N0102".into()));
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/schedules?limit=2").await;
    let link = "href=\"/schedules?before=schedule/b\"";
    assert!(page.text.contains(link), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_has_a_page_with_its_last_runs() {
    let rig = Rig::new().await;
    let plan = "type: plan\nname: sweep\nsteps:\n  - {name: a, render: x}\n";
    apply(&rig, plan).await;
    let text = "type: schedule\nname: night\ndescription: Sweeps the office.\nevery: 1d\n\
                plan: sweep\nmissed: {catch-up: 3}\n";
    apply(&rig, text).await;
    let ran = rig
        .post("/api/v1/schedules/night/run", json!({}))
        .await
        .ok();
    let run = ran["began"]["run"].as_str().unwrap().to_owned();
    let cookie = rig.sign_in(&rig.owner).await;
    let list = rig.page(&cookie, "/schedules").await;
    assert!(list.text.contains("href=\"/schedules/night\""), "{list:?}");
    let page = rig.page(&cookie, "/schedules/night").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    for said in [
        "Sweeps the office.",
        "every 1d",
        "class=\"next\"",
        "Each has its run; At most 3",
        "Both work",
        "value=\"pause\"",
        "id=\"fact-",
        &format!("id=\"run-{run}\""),
    ] {
        assert!(page.text.contains(said), "{said}: {page:?}");
    }
    assert!(!page.text.contains('⟦'), "{page:?}");
    // Its buttons stand there, too, and lead back to it.
    let paused = rig
        .form(&cookie, "/schedules/night", "idempotency_key=p&do=pause")
        .await;
    assert_eq!(paused.headers["location"], "/schedules/night", "{paused:?}");
    let page = rig.page(&cookie, "/schedules/night").await;
    assert!(page.text.contains("value=\"resume\""), "{page:?}");
    let lost = rig.page(&cookie, "/schedules/nobody").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND, "{lost:?}");
    // Programs get JSON at the API, as ever.
    let shown = rig.get("/api/v1/schedules/night").await.ok();
    assert_eq!(shown["status"], "paused", "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_schedule_starts_and_isnt_there_is_told() {
    let rig = Rig::new().await;
    let text = "type: schedule\nname: night\nevery: 1d\nplan: sweep\n";
    let applied = apply(&rig, text).await;
    let warning = &applied["warnings"][0];
    assert_eq!(
        warning["what"], "schedule night is waiting: plan sweep",
        "{applied}"
    );
    assert_eq!(
        (&warning["line"], &warning["column"]),
        (&json!(4), &json!(7))
    );
    let listed = rig.get("/api/v1/schedules").await.ok();
    assert_eq!(listed["items"][0]["waits_for"], "plan sweep", "{listed}");
    let cookie = rig.sign_in(&rig.owner).await;
    let page = rig.page(&cookie, "/schedules").await;
    assert!(page.text.contains("Waits for plan sweep"), "{page:?}");
    let plan = "type: plan\nname: sweep\nsteps:\n  - {name: a, render: x}\n";
    apply(&rig, plan).await;
    assert_eq!(apply(&rig, text).await["warnings"], json!([]));
    let shown = rig.get("/api/v1/schedules/night").await.ok();
    assert_eq!(shown["waits_for"], Value::Null, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_started_is_not_taken_away_in_silence() {
    let rig = Rig::new().await;
    let text = "type: plan\nname: sweep\nsteps:\n  - {name: a, render: x}\n---\n\
                type: plan\nname: house\nsteps:\n  - {name: all, plan: sweep}\n---\n\
                type: schedule\nname: night\nevery: 1d\nplan: sweep\n---\n\
                type: schedule\nname: noon\nevery: 1d\nplan: house\n---\n\
                type: subscription\nname: mail\non: mail.came\nstart: {plan: sweep}\n";
    apply(&rig, text).await;
    let delete = async |place: &str| {
        let place = format!("/api/v1/resources/{place}");
        let gone = rig.api(&rig.owner, "DELETE", &place, Value::Null).await;
        gone.ok()["warnings"].take()
    };
    let said = "plan sweep is gone, and is still started by schedule night, subscription mail, \
                plan house: until `naos apply -f FILE` makes it again nothing begins there";
    assert_eq!(delete("plan/sweep").await, json!([said]));
    assert_eq!(delete("schedule/noon").await, json!([]));
    assert_eq!(delete("plan/house").await, json!([]));
    // What an instruction listens with goes with it.
    let heard = "type: instruction\nname: chain-b\ntrigger: {event: mail.came}\nplan:\n  \
                 - {id: a, emit: {type: note.send}}\n";
    apply(&rig, heard).await;
    assert_eq!(delete("instruction/chain-b").await, json!([]));
}

/// Its second step uses what its first one gets from a driver; nobody need answer the second.
const MORNING: &str = "type: instruction\nname: morning\ntrigger: {every: 1s}\nplan:\n  \
    - {id: fetch, emit: {type: mail.list}}\n  \
    - {id: tell, emit: {type: note.send, data: {text: \"{{ fetch.output.first }}\"}}}\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_steps_of_a_timed_instruction_lack_is_told() {
    let rig = Rig::new().await;
    let applied = apply(&rig, MORNING).await;
    let warnings = applied["warnings"].as_array().unwrap();
    let [warning] = &warnings[..] else {
        panic!("{applied}");
    };
    assert_eq!(
        warning["what"],
        "instruction morning is waiting: a driver that answers mail.list, which step fetch asks \
         for"
    );
    assert_eq!(
        (&warning["line"], &warning["column"]),
        (&json!(5), &json!(30))
    );
    let help = warning["help"].as_str().unwrap();
    assert!(help.contains("capabilities: [mail.list]"), "{help}");
    let strict = json!({"files": [{"name": "s.yaml", "text": MORNING}], "strict": true});
    assert_eq!(rig.post("/api/v1/apply", strict).await.problem().0, 400);
    // Its missed times are told wherever one looks for what waits.
    let missed = until(&rig, "morning", |found| found["missed"] != 0).await;
    assert_eq!(missed["waits_for"], "a driver that answers mail.list");
    for path in ["inbox", "status", "approvals"] {
        let stuck = rig.get(&format!("/api/v1/{path}")).await.ok()["stuck"].take();
        assert_eq!(stuck[0]["what"], "schedule.missed", "{path}: {stuck}");
        let says = stuck[0]["says"].as_str().unwrap();
        let wanted = "instruction morning waits for a driver that answers mail.list: ";
        assert!(says.starts_with(wanted), "{path}: {says}");
    }
    let cookie = rig.sign_in(&rig.owner).await;
    for path in ["/", "/inbox", "/schedules"] {
        let page = rig.page(&cookie, path).await;
        let told = page.text.contains("a driver that answers mail.list");
        assert!(told, "{path}: {}", page.text);
    }
    // A driver whose agent isn't there answers nothing.
    let driver = "driver: {id: mail_tool, agent: post, capabilities: [mail.list]}\n";
    apply(&rig, driver).await;
    let warned = apply(&rig, MORNING).await["warnings"].to_string();
    let lacks = "agent post, whose driver answers mail.list";
    assert!(warned.contains(lacks), "{warned}");
    let shown = rig.get("/api/v1/schedules/morning").await.ok();
    assert_eq!(shown["waits_for"], lacks, "{shown}");
    apply(&rig, "type: agent\nname: post\nsource: researcher\n").await;
    assert_eq!(apply(&rig, MORNING).await["warnings"], json!([]));
    let shown = rig.get("/api/v1/schedules/morning").await.ok();
    assert_eq!(shown["waits_for"], Value::Null, "{shown}");
    assert_eq!(rig.get("/api/v1/status").await.ok()["stuck"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_beside_the_instruction_answers_it() {
    let rig = Rig::new().await;
    let all = "type: agent\nname: post\nsource: researcher\n---\n\
               driver: {id: mail_tool, agent: post, capabilities: [mail.list]}\n---\n";
    let applied = apply(&rig, &format!("{all}{MORNING}")).await;
    assert_eq!(applied["warnings"], json!([]), "{applied}");
    // What it answered before the documents changed it counts no more.
    let other = "driver: {id: mail_tool, agent: post, capabilities: [mail.read]}\n---\n";
    let warned = apply(&rig, &format!("{other}{MORNING}")).await["warnings"].to_string();
    assert!(
        warned.contains("a driver that answers mail.list"),
        "{warned}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_timed_plan_lacks_is_told() {
    let rig = Rig::new().await;
    let text = "type: plan\nname: sweep\nsteps:\n  \
                - {name: a, task: {agent: ghost, title: t}}\n  - {name: b, saga: trip}\n---\n\
                type: schedule\nname: night\nevery: 1d\nplan: sweep\n";
    apply(&rig, text).await;
    let shown = rig.get("/api/v1/schedules/night").await.ok();
    assert_eq!(shown["waits_for"], "agent ghost, saga trip", "{shown}");
}

/// The schedule, once it is as wanted.
async fn until(rig: &Rig, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
    loop {
        let path = format!("/api/v1/schedules/{name}");
        let found = rig.get(&path).await.ok();
        if wanted(&found) {
            return found;
        }
        assert!(naos_engine::clock::tick() < end, "{found}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_the_one_before_it_or_is_skipped() {
    let rig = Rig::new().await;
    let plan = "type: plan\nname: ask\nsteps:\n  \
                - {name: sign, approval: {title: Send it, body: the letter}}\n---\n";
    let each = |overlap: &str| {
        format!("type: schedule\nname: {overlap}\nevery: 1s\nplan: ask\noverlap: {overlap}\n")
    };
    apply(
        &rig,
        &format!("{plan}{}---\n{}", each("wait"), each("skip")),
    )
    .await;
    let waits = until(&rig, "wait", |found| found["status"] == "waiting").await;
    assert_eq!(waits["runs"], 1, "{waits}");
    assert!(waits["waits"].is_string(), "{waits}");
    let skips = until(&rig, "skip", |found| found["missed"] != 0).await;
    assert_eq!(skips["problem"]["code"], "N0204", "{skips}");
    assert_eq!(skips["runs"], 1, "{skips}");
    let now = rig.post("/api/v1/schedules/wait/run", Value::Null).await;
    assert_eq!(now.problem(), (409, "N0204".into()));
    let run = waits["last_run"].as_str().unwrap();
    let found = rig.get(&format!("/api/v1/plan-runs/{run}")).await.ok();
    assert_eq!(found["by"], "schedule:wait", "{found}");
    let cancel = format!("/api/v1/plan-runs/{run}/cancel");
    rig.post(&cancel, Value::Null).await.ok();
    until(&rig, "wait", |found| found["runs"] == 2).await;
}
