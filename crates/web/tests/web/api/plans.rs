//! `/api/v1/plan-runs`: what people do about runs that are under way.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{Got, Rig};

pub async fn apply(rig: &Rig, text: &str) -> Value {
    let files = json!([{"name": "f.yaml", "text": text}]);
    rig.post("/api/v1/apply", json!({ "files": files }))
        .await
        .ok()
}

const ASK: &str = "type: plan\nname: ask\nsteps:\n  \
    - {name: sign, approval: {title: Send it, body: the letter}}\n  \
    - {name: again, approval: {title: Really, body: the letter}}\n  \
    - {name: end, render: \"{{ sign.output }} {{ again.output }}\"}\n";

async fn held(rig: &Rig) -> (String, String) {
    apply(rig, ASK).await;
    let wait = json!({"wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/ask/start", wait).await.ok();
    assert_eq!(
        (&run["status"], &run["paused"]),
        (&json!("held"), &Value::Null),
        "{run}"
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&run["run"]), text(&run["steps"][0]["approval"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_paused_and_goes_on() {
    let rig = Rig::new().await;
    let (run, approval) = held(&rig).await;
    let place = format!("/api/v1/plan-runs/{run}");
    let paused = rig.post(&format!("{place}/pause"), json!({})).await.ok();
    assert!(paused["paused"].is_string(), "{paused}");
    // Twice is once.
    let again = rig.post(&format!("{place}/pause"), json!({})).await.ok();
    assert_eq!(again["paused"], paused["paused"]);
    rig.post(
        &format!("/api/v1/approvals/{approval}/decide"),
        json!({"approve": true}),
    )
    .await
    .ok();
    let found = rig.get(&format!("{place}?wait_ms=20000")).await.ok();
    assert_eq!(found["steps"][0]["status"], "done", "{found}");
    assert_eq!(found["steps"][1]["status"], "pending", "{found}");
    assert_eq!(found["status"], "held", "{found}");
    rig.post(&format!("{place}/resume"), json!({})).await.ok();
    let skipped = rig
        .post(&format!("{place}/skip"), json!({"step": 2}))
        .await
        .ok();
    assert_eq!(skipped["steps"][1]["status"], "skipped", "{skipped}");
    let ended = rig.get(&format!("{place}?wait_ms=20000")).await.ok();
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(ended["output"], "the letter null", "{ended}");
    let audit = rig.get("/api/v1/audit?last=50").await.ok().to_string();
    for word in ["plan.paused", "plan.resumed", "plan.step_skipped"] {
        assert!(audit.contains(word), "{word}: {audit}");
    }
    for (verb, body, expected) in [
        ("pause", json!({}), (409, "N0131")),
        ("skip", json!({"step": "end"}), (409, "N0131")),
        ("skip", json!({"step": "nothing"}), (404, "N0121")),
        ("skip", json!({"step": 4}), (404, "N0121")),
        ("skip", json!({}), (400, "N0102")),
    ] {
        let got = rig.post(&format!("{place}/{verb}"), body).await.problem();
        assert_eq!((got.0, got.1.as_str()), expected, "{verb}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_run_pauses_it() {
    let rig = Rig::new().await;
    let (run, _) = held(&rig).await;
    let cookie = rig.sign_in(&rig.owner).await;
    let place = format!("/plans/{run}");
    let page = rig.page(&cookie, &place).await;
    assert!(page.text.contains("value=\"pause\""), "{}", page.text);
    for (form, shows) in [
        ("do=pause&idempotency_key=one", "value=\"resume\""),
        ("do=skip&step=sign&idempotency_key=two", "value=\"resume\""),
        ("do=resume&idempotency_key=three", "value=\"pause\""),
    ] {
        let got = rig.form(&cookie, &place, form).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{form}: {got:?}");
        let page = rig.page(&cookie, &place).await;
        assert!(page.text.contains(shows), "{form}: {}", page.text);
    }
    let found = rig.get(&format!("/api/v1/plan-runs/{run}")).await.ok();
    assert_eq!(found["steps"][0]["status"], "skipped", "{found}");
    for form in [
        "do=leap&idempotency_key=four",
        "do=skip&idempotency_key=five",
        "do=pause",
    ] {
        let got = rig.form(&cookie, &place, form).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{form}: {got:?}");
    }
}

const INNER: &str = "type: plan\nname: greet\ninputs: [{name: who, type: string}]\nsteps:\n  \
    - {name: say, render: \"Salama {{ inputs.who }}\"}\n";
const OUTER: &str = "type: plan\nname: greet-all\ninputs: [{name: people, type: list}]\nsteps:\n  \
    - {name: each, for_each: inputs.people, plan: greet, inputs: {who: \"{{ item }}\"}}\n  \
    - {name: one, plan: {name: greet, inputs: \"{\\\"who\\\": \\\"all\\\"}\"}}\n  \
    - {name: end, render: \"{{ each.output | join(', ') }}; {{ one.output }}\"}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_runs_another_for_each_item() {
    let rig = Rig::new().await;
    let applied = apply(&rig, OUTER).await;
    let warning = &applied["warnings"][0]["what"];
    assert_eq!(
        warning, "plan greet-all is waiting: plan greet",
        "{applied}"
    );
    let inputs = json!({"inputs": {"people": ["ana", "hery"]}, "wait_ms": 20_000});
    let early = rig
        .post("/api/v1/plans/greet-all/start", inputs.clone())
        .await;
    assert_eq!(early.problem(), (409, "N0133".into()));
    apply(&rig, INNER).await;
    assert_eq!(apply(&rig, OUTER).await["warnings"], json!([]));
    let run = rig.post("/api/v1/plans/greet-all/start", inputs).await.ok();
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(
        run["output"], "Salama ana, Salama hery; Salama all",
        "{run}"
    );
    let within = run["steps"][1]["plan_run"].as_str().unwrap();
    let found = rig.get(&format!("/api/v1/plan-runs/{within}")).await.ok();
    assert_eq!(
        (&found["name"], &found["by"]),
        (&json!("greet"), &run["run"]),
        "{found}"
    );
    assert_eq!(found["correlation"], run["run"], "{found}");
    // What an item lacks is said, and what the plan takes.
    let inputs = json!({"inputs": {"people": ["ana", null]}, "wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/greet-all/start", inputs).await;
    assert_eq!(run.json()["status"], "failed", "{run:?}");
    for part in [
        "the input who is missing: null is given",
        "it takes: who (string)",
    ] {
        assert!(run.text.contains(part), "{part} in {run:?}");
    }
}

const GIVEN: &str = "type: plan\nname: given\ninputs: [{name: who, type: string}]\nsteps:\n  \
    - {name: work, agent: echo, input: \"for {{ inputs.who }}\"}\n  \
    - {name: tell, emit: {type: work.done, data: {who: \"{{ inputs.who }}\"}}}\n  \
    - {name: keep, document: {path: Given, text: \"kept for {{ inputs.who }}\"}}\n  \
    - {name: sum, compute: 1 + 1}\n  \
    - {name: sub, plan: greet, inputs: {who: \"{{ inputs.who }}\"}}\n  \
    - {name: each, for_each: \"[1, 2]\", compute: item}\n  \
    - {name: sign, approval: {title: Sign, body: \"signed by {{ inputs.who }}\"}}\n  \
    - {name: end, agent: echo, input: x}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_step_shows_what_it_was_given() {
    let rig = Rig::new().await;
    rig.agent("echo").await;
    apply(&rig, INNER).await;
    apply(&rig, GIVEN).await;
    let asked = json!({"inputs": {"who": "ana"}, "wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/given/start", asked).await.ok();
    assert_eq!(run["status"], "held", "{run}");
    let inputs = run["steps"].as_array().unwrap();
    let inputs: Vec<&Value> = inputs.iter().map(|step| &step["input"]).collect();
    let who = "{\"who\": \"ana\"}";
    let expected = [
        json!("for ana"),
        json!(who),
        json!("kept for ana"),
        Value::Null,
        json!("{\"who\":\"ana\"}"),
        json!("[1,2]"),
        json!("signed by ana"),
        Value::Null,
    ];
    for (at, (found, wanted)) in inputs.iter().zip(&expected).enumerate() {
        let read = |value: &Value| {
            let text = value.as_str().unwrap_or_default();
            serde_json::from_str::<Value>(text).unwrap_or_else(|_| value.clone())
        };
        assert_eq!(read(found), read(wanted), "step {at}: {run}");
    }
    let cookie = rig.sign_in(&rig.owner).await;
    let place = format!("/plans/{}", run["run"].as_str().unwrap());
    let page = rig.page(&cookie, &place).await;
    for text in [
        "for ana",
        "kept for ana",
        "signed by ana",
        "id=\"plan-in-1\"",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    // A list of runs says it beside what each step gave.
    let all = rig.get("/api/v1/plan-runs").await.ok();
    let runs = all["items"].as_array().unwrap();
    let given = runs.iter().find(|item| item["run"] == run["run"]).unwrap();
    assert_eq!(given["steps"][0]["input"], "for ana", "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_stays_one_for_the_plan_within() {
    let rig = Rig::new().await;
    rig.agent("echo").await;
    let inner = "type: plan\nname: add\ninputs: [{name: n, type: number}, {name: any}]\nsteps:\n  \
        - {name: sum, compute: \"inputs.n + inputs.any\"}\n";
    apply(&rig, inner).await;
    let outer = "type: plan\nname: top\nsteps:\n  \
        - {name: x, compute: \"{'n': 40}\"}\n  \
        - {name: said, task: {agent: echo, title: Say, input: \"1\"}}\n  \
        - {name: sub, plan: add, \
           inputs: {n: \"{{said.output}}\", any: \"{{steps.x.output.n}}\"}}\n";
    apply(&rig, outer).await;
    let wait = json!({"wait_ms": 20_000});
    let run = rig.post("/api/v1/plans/top/start", wait).await.ok();
    assert_eq!(
        (&run["status"], &run["output"]),
        (&json!("completed"), &json!("41")),
        "{run}"
    );
}

/// A request whose body is no value of ours.
async fn sent(rig: &Rig, path: &str, body: &str) -> Got {
    let request = Request::post(path)
        .header("host", "127.0.0.1:4200")
        .header("authorization", format!("Bearer {}", rig.owner));
    rig.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_inputs_and_signals_is_lost() {
    let rig = Rig::new().await;
    let plan = "type: plan\nname: p\ninputs: [{name: who}]\nsteps:\n  \
        - {name: w, wait_for: {signal: go}}\n  \
        - {name: end, render: \"{{ inputs.who }} {{ w.output }}\"}\n";
    apply(&rig, plan).await;
    let flow = "type: workflow\nname: f\nsteps: [{name: a, agent: nobody}]\n";
    apply(&rig, flow).await;
    let start = "/api/v1/plans/p/start";
    let kept = sent(&rig, start, r#"{"inputs": {"who": 12345678901234567890}}"#).await;
    let run = kept.ok()["run"].as_str().unwrap().to_owned();
    let signal = format!("/api/v1/plan-runs/{run}/signal");
    for (path, body, why) in [
        (
            start,
            r#"{"inputs": {"who": "y", "who": "z"}}"#,
            "the key \\\"who\\\" is there twice",
        ),
        (
            start,
            r#"{"inputs": {"who": [18446744073709551616]}}"#,
            "a text keeps its digits",
        ),
        (
            "/api/v1/workflows/f/start",
            r#"{"input": {"who": 18446744073709551616}}"#,
            "a text keeps its digits",
        ),
        (
            &*signal,
            r#"{"name": "go", "data": {"a": 1, "a": 2}}"#,
            "the key \\\"a\\\" is there twice",
        ),
        (
            &*signal,
            r#"{"name": "go", "data": 18446744073709551616}"#,
            "a text keeps its digits",
        ),
    ] {
        let got = sent(&rig, path, body).await;
        assert_eq!(got.problem(), (400, "N0102".into()), "{body}: {got:?}");
        assert!(got.text.contains(why), "{body}: {got:?}");
    }
    sent(
        &rig,
        &signal,
        r#"{"name": "go", "data": 18446744073709551615}"#,
    )
    .await
    .ok();
    let run = once(&rig, &run, |run| run["status"] == "completed").await;
    assert_eq!(
        run["output"], "12345678901234567890 18446744073709551615",
        "{run}"
    );
}

/// The run, once it is as it is waited for.
async fn once(rig: &Rig, run: &str, is: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/plan-runs/{run}");
    let looking = async {
        loop {
            let found = rig.get(&path).await.ok();
            if is(&found) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    let wait = std::time::Duration::from_secs(20);
    tokio::time::timeout(wait, looking).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_goes_down_to_the_run_within() {
    let rig = Rig::new().await;
    apply(&rig, ASK).await;
    apply(
        &rig,
        "type: plan\nname: over\nsteps:\n  - {name: sub, plan: ask}\n",
    )
    .await;
    let run = rig.post("/api/v1/plans/over/start", json!({})).await.ok();
    let run = run["run"].as_str().unwrap();
    let begun = once(&rig, run, |run| run["steps"][0]["plan_run"].is_string()).await;
    let within = begun["steps"][0]["plan_run"].as_str().unwrap();
    let place = |run: &str, verb: &str| format!("/api/v1/plan-runs/{run}/{verb}");
    rig.post(&place(run, "pause"), json!({})).await.ok();
    let rests = once(&rig, within, |run| run["paused"].is_string()).await;
    assert_eq!(rests["paused_with"], run);
    // Whoever lists runs sees it too, as what it is: it waits for whoever paused it.
    let listed = rig
        .get("/api/v1/plan-runs?name=over&status=held")
        .await
        .ok();
    let listed = &listed["items"][0];
    assert_eq!(listed["run"], run, "{listed}");
    assert!(listed["paused"].is_string(), "{listed}");
    let refused = rig.post(&place(within, "resume"), json!({})).await;
    assert_eq!(refused.problem(), (409, "N0131".into()));
    let cookie = rig.sign_in(&rig.owner).await;
    for list in ["/runs", "/flows", "/flows/plan/over"] {
        let page = rig.page(&cookie, list).await;
        assert!(
            page.text.contains(">paused</span>"),
            "{list}: {}",
            page.text
        );
    }
    let page = rig.page(&cookie, &format!("/plans/{run}")).await;
    assert!(page.text.contains(">paused</span>"), "{}", page.text);
    let link = format!("<a href=\"/plans/{within}\">sub</a>");
    assert!(page.text.contains(&link), "{}", page.text);
    let page = rig.page(&cookie, &format!("/plans/{within}")).await;
    let above = format!("It is paused with <a href=\"/plans/{run}\">");
    assert!(page.text.contains(&above), "{}", page.text);
    rig.post(&place(run, "resume"), json!({})).await.ok();
    once(&rig, within, |run| run["paused"].is_null()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_run_each_other_are_refused() {
    let rig = Rig::new().await;
    let of = |name: &str, other: &str| {
        format!("type: plan\nname: {name}\nsteps:\n  - {{name: sub, plan: {other}}}\n")
    };
    let refused = |got: crate::support::Got, way: &str| {
        assert_eq!(got.problem(), (400, "N0105".into()));
        let diagnostic = &got.json()["diagnostics"][0];
        let what = format!("plans run each other in a circle: {way}");
        assert_eq!(
            (&diagnostic["what"], &diagnostic["code"]),
            (&json!(what), &json!("N0109"))
        );
    };
    let send = |texts: &[String]| {
        let files: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| json!({"name": format!("{at}.yaml"), "text": text}))
            .collect();
        json!({ "files": files })
    };
    let all = send(&[of("one", "two"), of("two", "three"), of("three", "one")]);
    let got = rig.post("/api/v1/apply", all).await;
    refused(got, "one → two → three → one");
    let got = rig.post("/api/v1/apply", send(&[of("one", "one")])).await;
    refused(got, "one → one");
    // With what is kept, too.
    apply(&rig, &of("one", "two")).await;
    let got = rig.post("/api/v1/apply", send(&[of("two", "one")])).await;
    refused(got, "two → one → two");
}
