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
    let made = &one["items"][0];
    assert_eq!(
        (&made["kind"], &made["name"], &made["result"]),
        (&json!("skill"), &json!("greet"), &json!("created"))
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

/// What each item came to, and what an answer says of it for the next time.
fn results(answer: &Value) -> (Vec<(&str, &str)>, Value) {
    let (mut out, mut said) = (Vec::new(), json!({}));
    for item in answer["items"].as_array().unwrap() {
        let text = |key: &str| item[key].as_str().unwrap();
        out.push((text("name"), text("result")));
        said[format!("{}/{}", text("kind"), text("name"))] = item["digest"].clone();
    }
    (out, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_switched_off_is_not_switched_on_by_a_document_that_says_nothing_of_it() {
    let rig = Rig::new().await;
    rig.agent("worker").await;
    let documents = |more: &str| {
        json!({"files": [
            {"name": "i.yaml", "text": format!("type: instruction\nname: hi\n{more}plan:\n  \
                - {{id: a, emit: {{type: x.y}}}}\n")},
            {"name": "p.yaml", "text": "type: pool\nname: hands\nagents: [worker]\n"},
            {"name": "s.yaml", "text": "type: subscription\nname: out\non: x.y\n\
                deliver: \"https://example.org/hook\"\n"},
        ]})
    };
    let apply = async |more: &str| rig.post("/api/v1/apply", documents(more)).await.ok();
    apply("").await;
    for off in [
        "/api/v1/instructions/hi/disable",
        "/api/v1/pools/hands/drain",
        "/api/v1/consumers/out/pause",
    ] {
        rig.post(off, json!({})).await.ok();
    }
    let on = async || {
        let hi = rig.get("/api/v1/resources/instruction").await.ok();
        let hands = rig.get("/api/v1/resources/pool").await.ok();
        let out = rig.get("/api/v1/consumers/out").await.ok();
        (
            hi["items"][0]["spec"]["enabled"].clone(),
            hands["items"][0]["spec"]["draining"].clone(),
            out["deliver"]["state"].clone(),
        )
    };
    let off = (json!(false), json!(true), json!("paused"));
    assert_eq!(on().await, off);
    let again = apply("description: Says hello.\n").await;
    assert_eq!(on().await, off, "{again}");
    let told = again["warnings"].to_string();
    for command in [
        "naos instruction enable hi",
        "naos pool start hands",
        "naos events resume out",
    ] {
        assert!(told.contains(command), "{command}: {told}");
    }
    // A document that speaks of it is obeyed.
    apply("enabled: true\n").await;
    assert_eq!(on().await.0, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_by_command_holds_until_its_document_says_otherwise() {
    let rig = Rig::new().await;
    let text = |reader: u64, prompt: &str| {
        format!(
            "agents:\n  reader:\n    template: researcher\n    budget: ${reader}/day\n  \
             writer:\n    template: researcher\n    description: {prompt}\n  \
             third:\n    template: researcher\n"
        )
    };
    let apply = async |text: String, before: &Value, anew: bool| {
        let mut body = files(&text);
        (body["before"], body["anew"]) = (before.clone(), json!(anew));
        rig.post("/api/v1/apply", body).await.ok()
    };
    let limit = async || {
        let costs = rig.get("/api/v1/costs").await.ok();
        costs["budgets"][0]["limit_micros"].clone()
    };
    let first = apply(text(10, "Writes."), &json!({}), false).await;
    let (made, said) = results(&first);
    assert!(
        made.iter().all(|(_, result)| *result == "created"),
        "{made:?}"
    );
    // An operator sets a limit and deletes an agent, both by command.
    let budget = json!({"limit_micros": 2_000_000, "period": "day"});
    rig.api(&rig.owner, "PUT", "/api/v1/budgets/reader", budget)
        .await
        .ok();
    let place = "/api/v1/agents/third";
    rig.api(&rig.owner, "DELETE", place, Value::Null).await.ok();
    // Something else in the same file changed: theirs hold, and they are named.
    let second = apply(text(10, "Writes letters."), &said, false).await;
    let (made, again) = results(&second);
    let mut other = made;
    other.retain(|(_, result)| *result != "unchanged");
    other.sort_unstable();
    assert_eq!(
        other,
        [("reader", "kept"), ("third", "kept"), ("writer", "changed")],
        "{second}"
    );
    assert_eq!(limit().await, 2_000_000);
    assert_eq!(rig.get(place).await.problem().0, 404);
    for item in second["items"].as_array().unwrap() {
        let told = item["contradicts"]["what"].as_str();
        match item["result"].as_str().unwrap() {
            "kept" => assert!(told.unwrap().contains("by command"), "{item}"),
            _ => assert_eq!(told, None, "{item}"),
        }
    }
    assert_eq!(
        second["warnings"],
        json!([]),
        "whoever applies them says it once"
    );
    // The very document says something else: that holds, and whoever set it is told.
    let third = apply(text(5, "Writes letters."), &again, false).await;
    assert_eq!(limit().await, 5_000_000);
    let warning = third["warnings"][0]["what"].as_str().unwrap();
    assert!(
        warning.contains("budget reader was changed by command"),
        "{third}"
    );
    assert_eq!(rig.get(place).await.problem().0, 404, "not this one");
    // Who wants it as the files say gets it so, and is told what that undid.
    let (_, said) = results(&third);
    let fourth = apply(text(5, "Writes letters."), &said, true).await;
    let warning = fourth["warnings"][0]["what"].as_str().unwrap();
    assert!(warning.contains("agent third was deleted"), "{fourth}");
    rig.get(place).await.ok();
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

/// A plan that takes a text, and maybe a whole number.
const GREET: &str = "type: plan\nname: greet\ninputs: {who: string, n: {type: integer, \
    default: 1}}\nsteps:\n  - {name: say, render: \"Hello {{ inputs.who }}\"}\n";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_starts_a_plan_gives_it_what_it_takes() {
    let rig = Rig::new().await;
    let outer = |step: &str| format!("type: plan\nname: outer\nsteps:\n  - {{name: s, {step}}}\n");
    let timed =
        |input: &str| format!("type: schedule\nname: night\nevery: 1d\nplan: greet\n{input}");
    let heard = |input: &str| {
        format!("type: subscription\nname: post\non: a.b\nstart: {{plan: greet{input}}}\n")
    };
    let missing = "the input who is missing";
    let unknown = "the plan takes no input whom";
    let cases = [
        (timed(""), missing),
        (timed("input: {who: 5}\n"), "the input who must be a string"),
        (
            timed("input: {who: ana, n: 1.5}\n"),
            "the input n must be an integer",
        ),
        (timed("input: {who: ana, whom: b}\n"), unknown),
        (timed("input: {who: ana, n: 2.0}\n"), ""),
        (heard(", input: {}"), missing),
        (
            heard(", input: {whom: \"{{ trigger.data.who }}\"}"),
            missing,
        ),
        (heard(", input: {who: \"{{ trigger.data.who }}\"}"), ""),
        (heard(""), ""),
        (outer("plan: greet"), missing),
        (outer("plan: greet, inputs: {whom: x}"), unknown),
        (
            outer("plan: greet, inputs: {who: x, n: many}"),
            "must be an integer",
        ),
        (
            outer("plan: greet, inputs: {who: 5, n: \"{{ plan.name }}\"}"),
            "",
        ),
        (outer("plan: greet, inputs: '[1]'"), "is no JSON object"),
        (outer("plan: greet, for_each: '[{\"who\": 1}]'"), ""),
    ];
    let alone = "type: instruction\nname: beat\ntrigger: {every: 1d}\ninputs: {who: string}\n\
                 plan:\n  - emit: a.b\n";
    let cases = cases.into_iter().chain([(alone.to_owned(), missing)]);
    rig.post("/api/v1/apply", files(GREET)).await.ok();
    for (text, wrong) in cases {
        // Known from the documents, or from what is there.
        for all in [format!("{GREET}---\n{text}"), text.clone()] {
            let asked = json!({"files": [{"name": "a.yaml", "text": all}], "dry_run": true});
            let answer = rig.post("/api/v1/apply", asked).await;
            if wrong.is_empty() {
                assert_eq!(answer.ok()["warnings"], json!([]), "{all}");
                continue;
            }
            let found = answer.json()["diagnostics"].to_string();
            assert!(found.contains(wrong), "{all}: {found}");
            assert!(
                found.contains("give a JSON object with the inputs"),
                "{found}"
            );
        }
    }
    // What isn't there is waited for, and judged once it is.
    let absent = "type: schedule\nname: other\nevery: 1d\nplan: nobody\ninput: {a: 1}\n";
    let warned = rig.post("/api/v1/apply", files(absent)).await.ok();
    assert_eq!(
        warned["warnings"][0]["what"],
        "schedule other is waiting: plan nobody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_a_plan_that_takes_something_else_now_is_named() {
    let rig = Rig::new().await;
    let night = "type: schedule\nname: night\nevery: 1s\nplan: greet\ninput: {who: ana}\n";
    let outer = "type: plan\nname: outer\nsteps:\n  - {name: s, plan: greet, inputs: {who: x}}\n";
    let all = format!("{GREET}---\n{night}---\n{outer}");
    let applied = rig.post("/api/v1/apply", files(&all)).await.ok();
    assert_eq!(applied["warnings"], json!([]));
    let changed = GREET.replace("who", "whom");
    let applied = rig.post("/api/v1/apply", files(&changed)).await.ok();
    let said: Vec<&str> = applied["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    let wrong = "the input whom is missing, the plan takes no input who";
    assert_eq!(
        said,
        [
            format!("schedule night doesn't give plan greet what it takes: {wrong}"),
            format!("step s of plan outer doesn't give plan greet what it takes: {wrong}"),
        ]
    );
    // It has no runs by now, and that is told where one looks.
    let end = naos_engine::clock::tick() + std::time::Duration::from_secs(20);
    loop {
        let shown = rig.get("/api/v1/schedules/night").await.ok();
        assert_eq!(shown["unfit"], format!("plan greet: {wrong}"), "{shown}");
        if shown["missed"] != 0 {
            break;
        }
        assert!(naos_engine::clock::tick() < end, "{shown}");
        tokio::task::yield_now().await;
    }
    for path in ["inbox", "status"] {
        let stuck = rig.get(&format!("/api/v1/{path}")).await.ok()["stuck"].take();
        assert_eq!(stuck[0]["what"], "schedule.missed", "{path}: {stuck}");
        let says = stuck[0]["says"].as_str().unwrap();
        let wanted = format!("schedule night doesn't give what is taken by plan greet: {wrong}: ");
        assert!(says.starts_with(&wanted), "{path}: {says}");
    }
    rig.post("/api/v1/apply", files(GREET)).await.ok();
    let shown = rig.get("/api/v1/schedules/night").await.ok();
    assert_eq!(shown["unfit"], Value::Null, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_sets_itself_off_is_named_with_who_begins_it() {
    let rig = Rig::new().await;
    let listens = "type: subscription\nname: again\non: a.b\nstart: {plan: loop-on}\n";
    let plan = "type: plan\nname: loop-on\nsteps:\n  - {name: say, emit: a.b}\n";
    let of = async |text: &str| {
        let applied = rig.post("/api/v1/apply", files(text)).await.ok();
        applied["warnings"].to_string()
    };
    let both = of(&format!("{listens}---\n{plan}")).await;
    let what = "subscription again may set itself off: again → loop-on → again";
    assert!(both.contains(what), "{both}");
    let alone = of(plan).await;
    let what = "plan loop-on may set itself off: again → loop-on → again";
    assert!(alone.contains(what), "{alone}");
    let ended = listens.replace("start:", "filter: trigger.data.n < 3\nstart:");
    of(&ended).await;
    assert_eq!(of(plan).await, "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_sets_itself_off_through_a_plan_within_a_plan_is_named() {
    let rig = Rig::new().await;
    let hear = "type: subscription\nname: hear\non: a.b\nstart: {plan: outer}\n";
    let outer = "type: plan\nname: outer\nsteps:\n  - {name: sub, plan: inner}\n";
    let inner = "type: plan\nname: inner\nsteps:\n  - {name: say, emit: a.b}\n";
    let of = async |text: &str| {
        let applied = rig.post("/api/v1/apply", files(text)).await.ok();
        applied["warnings"].to_string()
    };
    let way = "may set itself off: hear → outer → inner → hear";
    let all = of(&format!("{hear}---\n{outer}---\n{inner}")).await;
    assert!(all.contains(&format!("subscription hear {way}")), "{all}");
    // Whichever of them is applied alone.
    for (text, what) in [
        (hear, "subscription hear"),
        (outer, "plan outer"),
        (inner, "plan inner"),
    ] {
        let alone = of(text).await;
        assert!(alone.contains(&format!("{what} {way}")), "{what}: {alone}");
    }
    // How what is within ends is told, too.
    let ends = hear.replace("on: a.b", "on: plan.completed\nsource: /plans/inner");
    let told = of(&ends).await;
    assert!(told.contains(&format!("subscription hear {way}")), "{told}");
    of(hear).await;
    let ended = outer.replace("plan: inner", "plan: inner, when: trigger.data.n < 3");
    assert_eq!(of(&ended).await, "[]");
    assert_eq!(of(inner).await, "[]");
}

/// What is said of this document, with its place.
fn told(found: &Value) -> Vec<(String, u64, u64)> {
    let one = |it: &Value| {
        (
            it["what"].as_str().unwrap().to_owned(),
            it["line"].as_u64().unwrap(),
            it["column"].as_u64().unwrap(),
        )
    };
    found.as_array().unwrap().iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_is_that_of_the_very_step() {
    let rig = Rig::new().await;
    let plan = |name: &str, steps: &[&str]| {
        let steps: String = steps.iter().map(|one| format!("  - {{{one}}}\n")).collect();
        format!("type: plan\nname: {name}\nsteps:\n{steps}")
    };
    let refused = async |text: &str| {
        let mut asked = files(text);
        asked["dry_run"] = json!(true);
        let answer = rig.post("/api/v1/apply", asked).await;
        told(&answer.json()["diagnostics"])
    };
    rig.post("/api/v1/apply", files(GREET)).await.ok();
    // The first step gives the plan what it takes.
    let steps = [
        "name: one, plan: greet, inputs: {who: a}",
        "name: two, plan: {name: greet, inputs: {whom: b}}",
    ];
    let wrong = "step two of plan outer doesn't give plan greet what it takes: the input who is \
                 missing, the plan takes no input whom";
    let found = refused(&plan("outer", &steps)).await;
    assert_eq!(found, [(wrong.to_owned(), 5, 30)]);
    // A word is a plan's name in one step only.
    let circle = format!(
        "{}---\n{}",
        plan("a", &["name: one, render: b", "name: two, plan: b"]),
        plan("b", &["name: one, plan: a"])
    );
    let wrong = "plans run each other in a circle: a → b → a";
    assert_eq!(refused(&circle).await, [(wrong.to_owned(), 5, 23)]);
    let warned = async |text: &str| {
        let applied = rig.post("/api/v1/apply", files(text)).await.ok();
        told(&applied["warnings"])
    };
    let missing = plan("outer", &["name: one, plan: gone", "name: two, plan: gone"]);
    let what = "plan outer is waiting: plan gone".to_owned();
    assert_eq!(
        warned(&missing).await,
        [(what.clone(), 4, 23), (what, 5, 23)]
    );
    let called_alike = plan(
        "mixed",
        &[
            "name: one, plan: greet, inputs: {who: a}",
            "name: two, agent: greet",
        ],
    );
    let what = "plan mixed is waiting: agent greet".to_owned();
    assert_eq!(warned(&called_alike).await, [(what, 5, 24)]);
    // Only the second of these needs an answer.
    let asks = "type: instruction\nname: ask\ntrigger: manual\nplan:\n  \
                - {id: tell, emit: mail.list}\n  - {id: fetch, emit: mail.list}\n  \
                - {id: keep, emit: {type: context.write, path: /x, \
                data: \"{{ fetch.output }}\"}}\n";
    let what = "instruction ask is waiting: a driver that answers mail.list, which step fetch \
                asks for";
    assert_eq!(warned(asks).await, [(what.to_owned(), 6, 23)]);
}

/// A model that isn't there is told wherever somebody names it; one that is `any` is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_named_and_missing_is_told() {
    let rig = Rig::with_models().await;
    let text = "type: agent\nname: lone\nmodel: gpt-4.1\nprompt: p\n---\n\
                type: agent\nname: some\nmodels: [gone, dear]\nrecall: lost\nprompt: p\n---\n\
                type: agent\nname: whoever\nmodel: any\ncapabilities: [text]\nprompt: p\n---\n\
                type: model\nname: first\nprovider: ollama\nendpoint: http://127.0.0.1:11434\n\
                model: m\nfallback: [cheap, nosuch]\n---\n\
                driver: {id: post_tool, agent: lone, capabilities: [mail.read]}\n---\n\
                type: instruction\nname: morning\ntrigger: {every: 1h}\nplan:\n  \
                - {id: fetch, emit: {type: mail.read}}\n  \
                - {id: tell, emit: {type: note.send, data: {text: \"{{ fetch.output.x }}\"}}}\n";
    let mut strict = files(text);
    strict["strict"] = json!(true);
    let refused = rig.post("/api/v1/apply", strict).await;
    assert_eq!(refused.problem().0, 400, "{refused:?}");
    let applied = rig.post("/api/v1/apply", files(text)).await.ok();
    let warnings = applied["warnings"].as_array().unwrap();
    let mut told: Vec<(&str, u64)> = warnings
        .iter()
        .map(|it| (it["what"].as_str().unwrap(), it["line"].as_u64().unwrap()))
        .collect();
    told.sort_by_key(|(_, line)| *line);
    told.retain(|(what, _)| what.contains("model"));
    assert_eq!(
        told,
        [
            ("agent lone is waiting: model gpt-4-1", 3),
            ("agent some names the model gone, and there is none", 8),
            ("agent some recalls by the model lost, and there is none", 9),
            (
                "nosuch is to stand in for the model first, and there is none",
                23
            ),
        ]
    );
    let help = warnings[0]["help"].as_str().unwrap();
    assert!(help.contains("apply a model"), "{applied}");
    // Whoever works with it says so, and whoever needs them.
    let agents = rig.get("/api/v1/agents").await.ok();
    let agents = agents["items"].as_array().unwrap();
    let one = |name: &str| agents.iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(one("lone")["waits_for"], "model gpt-4-1");
    assert_eq!(one("some")["waits_for"], Value::Null);
    assert_eq!(one("some")["lacks_models"], json!(["gone", "lost"]));
    assert_eq!(one("whoever")["lacks_models"], json!([]));
    let driver = rig.get("/api/v1/drivers/post-tool").await.ok();
    assert_eq!(driver["status"], "waiting", "{driver}");
    assert_eq!(driver["waits_for"], "model gpt-4-1", "{driver}");
    let waits = async || {
        let found = rig.get("/api/v1/schedules/morning").await.ok();
        found["waits_for"].clone()
    };
    let lacks = "model gpt-4-1, with which mail.read is answered";
    assert_eq!(waits().await, lacks);
    let again = files(&text[text.rfind("type: instruction").unwrap()..]);
    let warned = rig.post("/api/v1/apply", again).await.ok()["warnings"].to_string();
    assert!(warned.contains(lacks), "{warned}");
    // Once it is there nobody waits.
    let model = "type: model\nname: gpt-4.1\nprovider: ollama\nmodel: m\n\
                 endpoint: http://127.0.0.1:11434\n";
    rig.post("/api/v1/apply", files(model)).await.ok();
    assert_eq!(waits().await, Value::Null);
    let driver = rig.get("/api/v1/drivers/post-tool").await.ok();
    assert_eq!(driver["status"], "ready", "{driver}");
}

/// Names that are words are refused before anything is made, and what has one keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_that_is_called_by_a_word() {
    let rig = Rig::with_models().await;
    let model = "provider: ollama\nmodel: m\nendpoint: http://127.0.0.1:11434\n";
    for (text, says) in [
        (
            "type: agent\nname: none\nmodel: dear\nprompt: p\n".to_owned(),
            "stands for nobody",
        ),
        (
            "type: agent\nname: all\nmodel: dear\nprompt: p\n".to_owned(),
            "calls everybody",
        ),
        (
            "type: agent\nname: naos\nmodel: dear\nprompt: p\n".to_owned(),
            "naos itself",
        ),
        (format!("type: model\nname: any\n{model}"), "the cheapest"),
    ] {
        let both = format!("type: agent\nname: before\nmodel: dear\nprompt: p\n---\n{text}");
        let refused = rig.post("/api/v1/apply", files(&both)).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        let found = refused.json()["diagnostics"][0].clone();
        assert_eq!(
            (&found["code"], &found["line"]),
            (&json!("N0101"), &json!(7)),
            "{found}"
        );
        assert!(found["what"].as_str().unwrap().contains(says), "{found}");
        let made = rig.get("/api/v1/agents/before").await;
        assert_eq!(made.status, 404, "nothing was made: {made:?}");
    }
}

/// Of policies only that of data is in force, and whoever applies another hears it.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_nothing_enforces_says_so() {
    let rig = Rig::new().await;
    let policy = "type: policy\nname: deny-all\ncondition: \"true\"\naction: deny\n\
                  applies_to: [\"*\"]\n";
    for strict in [false, true] {
        let mut asked = files(policy);
        asked["strict"] = json!(strict);
        let applied = rig.post("/api/v1/apply", asked).await.ok();
        let warnings = applied["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{applied}");
        assert_eq!(
            warnings[0]["what"],
            "this policy is kept, and nothing enforces it yet"
        );
        assert!(
            warnings[0]["help"]
                .as_str()
                .unwrap()
                .contains("only `data`"),
            "{applied}"
        );
    }
    let applied = rig
        .post("/api/v1/apply", files("policies: {data: stays}\n"))
        .await
        .ok();
    assert_eq!(applied["warnings"], json!([]), "{applied}");
}
