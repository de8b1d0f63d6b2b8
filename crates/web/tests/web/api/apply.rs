//! `/api/v1/apply`, `/resources`.

use serde_json::{Value, json};

use crate::support::Rig;

const SKILL: &str = "type: skill\nname: greet\npatterns: [\"greet {name}\"]\n\
                     handler:\n  template: \"Salama {{ name }}!\"\n";

fn files(text: &str) -> Value {
    json!({"files": [{"name": "a.yaml", "text": text}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_again_changes_nothing() {
    let rig = Rig::new().await;
    let one = rig.post("/api/v1/apply", files(SKILL)).await.ok();
    assert_eq!(
        one["items"],
        json!([{"kind": "skill", "name": "greet", "result": "created"}])
    );
    let two = rig.post("/api/v1/apply", files(SKILL)).await.ok();
    assert_eq!(two["items"][0]["result"], "unchanged");
    assert_eq!(one["seq"], two["seq"]);
    let mut dry = files(&SKILL.replace("Salama", "Manao ahoana"));
    dry["dry_run"] = json!(true);
    assert_eq!(
        rig.post("/api/v1/apply", dry).await.ok()["items"][0]["result"],
        "changed"
    );
    let listed = rig.get("/api/v1/resources/skills").await.ok();
    assert_eq!(listed["items"][0]["version"], 1);
    let run = rig
        .post("/api/v1/runs", json!({"input": "greet Koto"}))
        .await
        .ok();
    assert_eq!(
        (&run["tier"], &run["output"]),
        (&json!("skill"), &json!("Salama Koto!"))
    );
    rig.api(
        &rig.owner,
        "DELETE",
        "/api/v1/resources/skills/greet",
        Value::Null,
    )
    .await
    .ok();
    assert_eq!(
        rig.get("/api/v1/resources/skills/greet").await.problem().0,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_says_where_and_nothing_is_applied() {
    let rig = Rig::new().await;
    let body = json!({"files": [
        {"name": "good.yaml", "text": SKILL},
        {"name": "bad.yaml", "text": "type: skill\nname: x\npattern: [a]\n"},
    ]});
    let got = rig.post("/api/v1/apply", body).await;
    assert_eq!(got.problem().0, 400);
    let found = got.json()["diagnostics"].clone();
    assert_eq!(found[0]["file"], "bad.yaml");
    assert!(
        found.as_array().unwrap().iter().any(|d| d["line"] == 3),
        "{found}"
    );
    assert_eq!(
        rig.get("/api/v1/resources/skills").await.ok()["items"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_look_shows_all_that_is_wrong() {
    let rig = Rig::new().await;
    let text = "agents:\n  a: {template: nosuch}\n  b: {colour: red}\n---\n\
                type: plan\nname: p\nsteps:\n  - {name: n, compute: 1 + 1}\n  \
                - {name: t, when: n.output + \"x\" > 3, task: {agent: b, title: t}}\n  \
                - {name: u, task: {agent: b, title: \"{{ nosuch }}\"}}\n---\n\
                type: skill\nname: [\n---\ntype: agent\nname: c\nsize: 1\n";
    for strict in [false, true] {
        let body = json!({"strict": strict, "files": [
            {"name": "a.yaml", "text": text},
            {"name": "b.yaml", "text": "type: agent\nname: d\nlength: 1\n"},
        ]});
        let got = rig.post("/api/v1/apply", body).await;
        assert_eq!(got.problem().0, 400);
        let json = got.json();
        let found: Vec<(&str, u64)> = json["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["file"].as_str().unwrap(), it["line"].as_u64().unwrap()))
            .collect();
        let (a, b): (Vec<_>, Vec<_>) = found.iter().partition(|(file, _)| *file == "a.yaml");
        let lines: Vec<u64> = a.iter().map(|(_, line)| *line).collect();
        for line in [2, 3, 9, 10, 17] {
            assert!(lines.contains(&line), "line {line}: {json}");
        }
        assert!(lines.is_sorted(), "{json}");
        assert!(lines.iter().any(|line| (12..=14).contains(line)), "{json}");
        assert_eq!(
            b,
            [("b.yaml", 3)],
            "what is missing isn't guessed at: {json}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_waits_or_is_an_error() {
    let rig = Rig::new().await;
    let plan = "type: plan\nname: p\nsteps:\n  - {name: a, task: {agent: nobody, title: t}}\n";
    let warned = rig.post("/api/v1/apply", files(plan)).await.ok();
    let text = warned["warnings"].to_string();
    assert!(text.contains("waiting: agent nobody"), "{text}");
    let started = rig.post("/api/v1/plans/p/start", json!({})).await;
    assert_eq!(started.problem(), (409, "N0133".into()));
    let mut strict = files(plan);
    strict["strict"] = json!(true);
    assert_eq!(rig.post("/api/v1/apply", strict).await.problem().0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_takes_from_its_template_what_it_does_not_say() {
    let rig = Rig::new().await;
    let text = "type: agent\nname: teny\nsource: researcher\n";
    let made = rig.post("/api/v1/apply", files(text)).await.ok();
    assert_eq!(made["items"][0]["result"], "created", "{made}");
    assert_eq!(rig.run("teny", "x").await["status"], "completed");
    let lost = "type: agent\nname: very\nsource: ./very.wasm\n";
    assert_eq!(
        rig.post("/api/v1/apply", files(lost)).await.problem().0,
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_main_tenant_names_programs_of_this_machine() {
    let rig = Rig::new().await;
    let token = rig.tenant("riake").await;
    let program = "mcpServers: {s: {command: python3, args: [x.py]}}\n";
    let own = rig.post("/api/v1/apply", files(program)).await.ok();
    assert_eq!(own["items"][0]["result"], "created", "the main tenant may");
    let keyed = "mcpServers: {s: {url: \"https://a.example\", key: env:NAOS_TOOL_OURS}}\n";
    for (text, expected) in [
        (program, "only the main tenant's servers are programs"),
        (
            keyed,
            "the keys of this tenant begin with env:NAOS_TOOL_TEN_",
        ),
    ] {
        let got = rig.api(&token, "POST", "/api/v1/apply", files(text)).await;
        let said = got.json().to_string();
        assert!(
            !got.status.is_success() && said.contains(expected),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_asks_no_model_with_the_key_of_another() {
    let rig = Rig::new().await;
    let token = rig.tenant("riake").await;
    let model = "type: model\nname: m\nprovider: anthropic\nkey: env:NAOS_MODEL_OURS\n";
    let own = rig.post("/api/v1/apply", files(model)).await.ok();
    assert_eq!(own["items"][0]["result"], "created", "the main tenant may");
    for model in [model, "type: model\nname: m\nprovider: anthropic\n"] {
        let got = rig.api(&token, "POST", "/api/v1/apply", files(model)).await;
        let said = got.json().to_string();
        assert!(!got.status.is_success(), "{said}");
        assert!(
            said.contains("the keys of this tenant begin with env:NAOS_MODEL_TEN_"),
            "{said}"
        );
    }
}
