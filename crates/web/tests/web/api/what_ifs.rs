//! `/api/v1/runs/{id}/what-if`.

use serde_json::{Value, json};

use crate::support::{Got, Rig, request};

async fn what_if(rig: &Rig, of: &str, body: Value) -> Got {
    rig.post(&format!("/api/v1/runs/{of}/what-if"), body).await
}

fn id(run: &Value) -> &str {
    run["run"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_another_way_beside_itself() {
    let rig = Rig::with_models().await;
    let of = rig.run("clerk", "The bill?").await;
    assert_eq!(of["status"], "completed", "{of}");
    assert_eq!(of["cost_micros"], 22_000, "two answers of the dear one");
    let tasks = rig.get("/api/v1/tasks").await.ok();
    let documents = rig.get("/api/v1/documents").await.ok();
    let body = json!({"from": 2, "with": {"model": "cheap"}, "wait_ms": 20_000});
    let path = format!("/api/v1/runs/{}/what-if", id(&of));
    let key = [("idempotency-key", "k-1")];
    let send = || request(&rig.owner, "POST", &path, &body, &key);
    let done = rig.send(send()).await.ok();
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["output"], "The bill of Riake:\ncheap, You help.");
    assert_eq!(done["cost_micros"], 1_100, "one answer of the cheap one");
    let said = &done["what_if"];
    assert_eq!((&said["of"], &said["from"]), (&of["run"], &json!(2)));
    assert_eq!(
        (&said["model"], &said["prompt"]),
        (&json!("cheap"), &Value::Null)
    );
    assert_eq!(
        rig.send(send()).await.ok()["run"],
        done["run"],
        "begun once"
    );
    // The one names the other, and how they differ.
    let original = rig.get(&format!("/api/v1/runs/{}", id(&of))).await.ok();
    assert_eq!(original["what_ifs"], json!([done["run"]]));
    assert_eq!(original["what_if"], Value::Null);
    assert_eq!(original["output"], of["output"]);
    let beside = rig
        .get(&format!("/api/v1/runs/{}/what-if", id(&done)))
        .await
        .ok();
    assert_eq!(
        beside["diff"],
        json!([
            {"sign": " ", "text": "The bill of Riake:"},
            {"sign": "-", "text": "dear, You help."},
            {"sign": "+", "text": "cheap, You help."},
        ])
    );
    assert_eq!(
        (&beside["same"], &beside["own_turns"]),
        (&json!(false), &json!(1))
    );
    let (one, other) = (&beside["original"], &beside["what_if"]);
    assert_eq!((&one["turns"], &other["turns"]), (&json!(2), &json!(2)));
    assert_eq!(one["models"], json!(["dear"]));
    assert_eq!(other["models"], json!(["dear", "cheap"]));
    assert_eq!(
        (&one["cost_micros"], &other["cost_micros"]),
        (&json!(22_000), &json!(1_100))
    );
    // What it goes on from is told with it, as its original asked it.
    let shown = rig.get(&format!("/api/v1/runs/{}", id(&done))).await.ok();
    let steps = shown["steps_detail"].as_array().unwrap();
    let asked: Vec<&Value> = steps.iter().map(|step| &step["request"]).collect();
    assert_eq!(asked[0], "dear", "{asked:?}");
    assert_eq!(asked.last(), Some(&&json!("cheap")), "{asked:?}");
    // Whoever lists tasks or documents sees no trace of it.
    assert_eq!(rig.get("/api/v1/tasks").await.ok()["items"], tasks["items"]);
    assert_eq!(
        rig.get("/api/v1/documents").await.ok()["items"],
        documents["items"]
    );
    let runs = rig.get("/api/v1/runs").await.ok();
    assert_eq!(runs["items"][0]["what_if"]["of"], of["run"], "{runs}");
    // It is replayed as any run is.
    let again = rig
        .get(&format!("/api/v1/runs/{}/replay", id(&done)))
        .await
        .ok();
    assert_eq!((&again["same"], &again["calls"]), (&json!(true), &json!(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_is_done_and_what_the_original_did_is_told_again() {
    let rig = Rig::with_models().await;
    let of = rig.run("clerk", "The bill?").await;
    let documents = rig.get("/api/v1/documents").await.ok();
    let with = |with: Value| json!({"from": 1, "with": with, "wait_ms": 20_000});
    let told = |run: &Value| {
        let path = format!("/api/v1/runs/{}", id(run));
        let rig = &rig;
        async move {
            let shown = rig.get(&path).await.ok();
            let steps = shown["steps_detail"].as_array().unwrap().clone();
            assert_eq!(steps.len(), 4, "{shown}");
            steps[1..3]
                .iter()
                .map(|step| step["answer"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    // The very same call: what it gave then.
    let same = what_if(&rig, id(&of), with(json!({"prompt": "You doubt."})))
        .await
        .ok();
    assert_eq!(same["output"], "The bill of Riake:\ndear, You doubt.");
    let answers = told(&same).await;
    assert!(answers[0].contains("has version 1 now"), "{answers:?}");
    assert_eq!(answers[1], "42");
    // Another one: nothing.
    let both = json!({"prompt": "You doubt.", "model": "cheap"});
    let other = what_if(&rig, id(&of), with(both)).await.ok();
    assert_eq!(other["output"], "The bill of Riake:\ncheap, You doubt.");
    let answers = told(&other).await;
    assert!(answers[0].contains("this is a what-if"), "{answers:?}");
    assert_eq!(answers[1], "42");
    assert_eq!(
        rig.get("/api/v1/documents").await.ok()["items"],
        documents["items"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_no_what_if_says_why() {
    let rig = Rig::with_models().await;
    rig.agent("hello").await;
    let plain = rig.run("hello", "x").await;
    let of = rig.run("clerk", "The bill?").await;
    let model = json!({"model": "cheap"});
    let missing = naos_types::RunId(7).to_string();
    let long = json!({"prompt": "x".repeat(naos_types::spec::PROMPT_BYTES_MAX + 1)});
    for (of, from, with, want) in [
        (missing.as_str(), 1, model.clone(), (404, "N0121")),
        (id(&plain), 1, model.clone(), (409, "N0131")),
        (id(&of), 0, model.clone(), (404, "N0121")),
        (id(&of), 3, model.clone(), (404, "N0121")),
        (id(&of), 2, json!({}), (400, "N0102")),
        (id(&of), 2, json!({"model": "Nobody!"}), (400, "N0101")),
        (id(&of), 2, json!({"model": "nobody"}), (403, "N0145")),
        (id(&of), 2, json!({"prompt": "  "}), (400, "N0102")),
        (id(&of), 2, long, (413, "N0103")),
        (id(&of), 2, json!({"voice": "low"}), (400, "N0102")),
    ] {
        let got = what_if(&rig, of, json!({"from": from, "with": with})).await;
        let want = (want.0, want.1.to_owned());
        assert_eq!(got.problem(), want, "{from} {with:.60}: {got:?}");
    }
    // One that is none stands beside nothing.
    let path = format!("/api/v1/runs/{}/what-if", id(&of));
    assert_eq!(rig.get(&path).await.problem(), (409, "N0131".into()));
    let runs = rig.get("/api/v1/runs").await.ok();
    assert_eq!(runs["items"].as_array().map(Vec::len), Some(2), "{runs}");
}
