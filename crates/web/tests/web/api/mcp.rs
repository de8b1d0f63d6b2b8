//! `/mcp`: the protocol in its old way and its new one, and that a tool is no second way in.

use serde_json::{Map, Value, json};

use crate::support::{Got, Rig, request};

const OLD: &str = "2025-11-25";
const NEW: &str = "2026-07-28";
const BOTH: &str = "application/json, text/event-stream";

/// A message as it is, with these headers beside the usual ones.
async fn raw(rig: &Rig, token: &str, body: &Value, headers: &[(&str, &str)]) -> Got {
    let mut all = vec![("accept", BOTH), ("content-type", "application/json")];
    all.extend_from_slice(headers);
    rig.send(request(token, "POST", "/mcp", body, &all)).await
}

fn message(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// As a client that has initialized asks.
async fn old(rig: &Rig, token: &str, method: &str, params: Value) -> Value {
    let version = ("mcp-protocol-version", OLD);
    let got = raw(rig, token, &message(method, &params), &[version]).await;
    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(got.headers["content-type"], "application/json");
    got.json()
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": NEW,
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// As a client of the version without sessions asks.
async fn new(rig: &Rig, token: &str, method: &str, mut params: Value) -> Got {
    params["_meta"] = meta();
    let name = params.get("name").or_else(|| params.get("uri"));
    let name = name.and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut headers = vec![("mcp-protocol-version", NEW), ("mcp-method", method)];
    if !name.is_empty() {
        headers.push(("mcp-name", &name));
    }
    raw(rig, token, &message(method, &params), &headers).await
}

/// What a tool gives, whether it went well.
async fn call(rig: &Rig, token: &str, tool: &str, arguments: Value) -> (bool, Value) {
    let params = json!({"name": tool, "arguments": arguments});
    let got = new(rig, token, "tools/call", params).await;
    assert_eq!(got.status, 200, "{got:?}");
    let result = got.json()["result"].clone();
    assert_eq!(result["resultType"], "complete", "{result}");
    assert_eq!(result["content"].as_array().unwrap().len(), 1, "{result}");
    assert_eq!(result["content"][0]["type"], "text");
    let text = result["content"][0]["text"].as_str().unwrap();
    if result["isError"] == true {
        assert_eq!(result.get("structuredContent"), None, "{result}");
        return (false, json!(text));
    }
    let told: Value = serde_json::from_str(text).unwrap();
    assert_eq!(told, result["structuredContent"], "the text is the same");
    (true, told)
}

/// What a tool gives that the owner uses well; it is what the tool says that it gives.
async fn used(rig: &Rig, tool: &str, arguments: Value) -> Value {
    let (well, told) = call(rig, &rig.owner, tool, arguments).await;
    assert!(well, "{tool}: {told}");
    let listed = tools(rig, &rig.owner).await;
    let schema = jsonschema::validator_for(&listed[tool]["outputSchema"]).unwrap();
    let wrong = schema.iter_errors(&told).map(|e| e.to_string());
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{tool}: {wrong:?}: {told}");
    told
}

async fn refused(rig: &Rig, token: &str, tool: &str, arguments: Value) -> String {
    let (well, told) = call(rig, token, tool, arguments).await;
    assert!(!well, "{tool}: {told}");
    told.as_str().unwrap().to_owned()
}

/// The tools of somebody, by name.
async fn tools(rig: &Rig, token: &str) -> Map<String, Value> {
    let got = new(rig, token, "tools/list", json!({})).await.ok();
    let all = got["result"]["tools"].as_array().unwrap().clone();
    let named = |tool: Value| (tool["name"].as_str().unwrap().to_owned(), tool);
    all.into_iter().map(named).collect()
}

fn error(got: &Got, status: u16, code: i64) -> Value {
    assert_eq!(got.status, status, "{got:?}");
    let answer = got.json();
    assert_eq!(answer["jsonrpc"], "2.0");
    assert_eq!(answer["error"]["code"], code, "{answer}");
    answer["error"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_spoken_in_the_old_way() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    for (asked, spoken) in [
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        // Who knows none of ours is told the last that begins this way.
        ("1999-01-01", "2025-11-25"),
    ] {
        let hello = json!({"protocolVersion": asked, "capabilities": {},
            "clientInfo": {"name": "a test", "version": "1"}});
        let got = raw(&rig, &rig.owner, &message("initialize", &hello), &[]).await;
        assert!(!got.headers.contains_key("mcp-session-id"), "{got:?}");
        let mut answer = got.ok();
        let about = answer["result"]["instructions"].take();
        assert!(about.as_str().unwrap().contains("runs_start"), "{about}");
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            answer,
            json!({"jsonrpc": "2.0", "id": 1, "result": {
                "protocolVersion": spoken,
                "capabilities": {"completions": {}, "prompts": {}, "resources": {}, "tools": {}},
                "serverInfo": {"name": "naos", "title": "naos", "version": version},
                "instructions": null,
            }})
        );
    }
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let got = raw(&rig, &rig.owner, &ready, &[("mcp-protocol-version", OLD)]).await;
    assert_eq!((got.status.as_u16(), got.text.as_str()), (202, ""));
    let ping = old(&rig, &rig.owner, "ping", json!({})).await;
    assert_eq!(ping, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));

    let listed = old(&rig, &rig.owner, "tools/list", json!({})).await;
    let listed = &listed["result"];
    // What is of the new way only isn't there.
    for name in ["resultType", "ttlMs", "cacheScope"] {
        assert_eq!(listed.get(name), None, "{name}");
    }
    let first = &listed["tools"][0];
    assert_eq!(first["name"], "whoami");
    assert_eq!(
        first["inputSchema"],
        json!({"type": "object", "properties": {}, "required": [],
            "additionalProperties": false})
    );
    let params = json!({"name": "agents_list", "arguments": {}});
    let called = old(&rig, &rig.owner, "tools/call", params).await;
    assert_eq!(called["result"]["isError"], false, "{called}");
    let api = rig.get("/api/v1/agents").await.ok();
    assert_eq!(called["result"]["structuredContent"], api);

    let closed = rig
        .send(request(&rig.owner, "GET", "/mcp", &Value::Null, &[]))
        .await;
    error(&closed, 405, -32_601);
    assert_eq!(closed.headers["allow"], "POST");
    let ended = rig.api(&rig.owner, "DELETE", "/mcp", Value::Null).await;
    error(&ended, 405, -32_601);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_spoken_in_the_new_way() {
    let rig = Rig::new().await;
    let found = new(&rig, &rig.owner, "server/discover", json!({}))
        .await
        .ok();
    let found = &found["result"];
    let versions = json!(["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]);
    assert_eq!(found["supportedVersions"], versions, "{found}");
    assert_eq!(
        found["capabilities"],
        json!({"completions": {}, "prompts": {}, "resources": {}, "tools": {}})
    );
    let listed = new(&rig, &rig.owner, "tools/list", json!({})).await.ok();
    let listed = &listed["result"];
    assert_eq!(listed["resultType"], "complete");
    assert_eq!(listed["ttlMs"], 0);
    assert_eq!(listed["cacheScope"], "private");

    // Headers say what the message says.
    let mut params = json!({"name": "whoami", "arguments": {}});
    params["_meta"] = meta();
    let asked = message("tools/call", &params);
    let version = ("mcp-protocol-version", NEW);
    let (method, name) = (("mcp-method", "tools/call"), ("mcp-name", "whoami"));
    let owner = &rig.owner;
    let well = raw(&rig, owner, &asked, &[version, method, name]).await;
    assert_eq!(well.ok()["result"]["isError"], false);
    for wrong in [
        &[version, method, ("mcp-name", "status")][..],
        &[version, ("mcp-method", "tools/list"), name],
        &[version, method],
        &[version],
        &[("mcp-protocol-version", OLD), method, name],
        &[],
    ] {
        let got = raw(&rig, owner, &asked, wrong).await;
        error(&got, 400, -32_020);
    }
    let mut future = asked.clone();
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let version = ("mcp-protocol-version", "2099-01-01");
    let got = raw(&rig, owner, &future, &[version, method, name]).await;
    let data = &error(&got, 400, -32_022)["data"];
    assert_eq!(data["supported"], versions, "{data}");
    assert_eq!(data["requested"], "2099-01-01");
    // What was of sessions only isn't there any more.
    for method in [
        "ping",
        "initialize",
        "logging/setLevel",
        "resources/subscribe",
    ] {
        let got = new(&rig, owner, method, json!({})).await;
        let gone = error(&got, 404, -32_601);
        assert!(gone["message"].as_str().unwrap().contains(method), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_do_what_the_api_does() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let me = used(&rig, "whoami", json!({})).await;
    assert_eq!(
        (&me["name"], &me["role"], &me["tenant"]),
        (
            &json!("owner"),
            &json!("owner"),
            &json!(rig.main.to_string())
        )
    );
    let done = used(
        &rig,
        "runs_start",
        json!({"agent": "clerk", "input": "Hello"}),
    )
    .await;
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["output"], "Hello");
    let run = done["run"].as_str().unwrap();
    let got = used(&rig, "runs_get", json!({ "run": run })).await;
    let api = rig.get(&format!("/api/v1/runs/{run}")).await.ok();
    assert_eq!(got, api);
    let task = used(&rig, "tasks_get", json!({"task": done["task"]})).await;
    assert_eq!(
        (&task["input"], &task["output"], &task["status"]),
        (&json!("Hello"), &json!("Hello"), &json!("done"))
    );
    let logs = used(&rig, "runs_logs", json!({ "run": run })).await;
    assert_eq!(logs["items"], json!([]));

    // Not waited for, and waited for later; anything that isn't text is given as JSON.
    let begun = json!({"agent": "clerk", "input": {"a": 1}, "title": "A number"});
    let begun = used(&rig, "tasks_open", begun).await;
    let waited = json!({"run": begun["run"], "wait_ms": 20_000});
    let waited = used(&rig, "runs_get", waited).await;
    assert_eq!(waited["output"], r#"{"a":1}"#);
    assert_eq!(waited["title"], "A number");

    // A page at a time, newest first.
    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = json!({"limit": 1, "cursor": cursor, "status": "completed"});
        let page = used(&rig, "runs_list", page).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        seen.push(page["items"][0]["run"].clone());
        cursor = page["next"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, [begun["run"].clone(), done["run"].clone()]);
    let tasks = used(&rig, "tasks_list", json!({"status": "done"})).await;
    assert_eq!(tasks["items"].as_array().unwrap().len(), 2);

    let long = "x".repeat(1_000);
    used(&rig, "runs_start", json!({"agent": "clerk", "input": long})).await;
    let last = used(&rig, "runs_list", json!({"limit": 1})).await;
    let told = last["items"][0]["output"].as_str().unwrap();
    assert_eq!(told, format!("{}…", "x".repeat(400)));

    let again = refused(&rig, &rig.owner, "runs_cancel", json!({ "run": run })).await;
    assert!(again.contains("[N01"), "{again}");
    for (tool, given) in [
        ("status", json!({})),
        ("agents_get", json!({"agent": "clerk"})),
        ("agents_stop", json!({"agent": "clerk"})),
        ("agents_start", json!({"agent": "clerk"})),
        ("broker_route", json!({"text": "say hello"})),
        ("costs", json!({})),
        ("approvals_list", json!({})),
    ] {
        used(&rig, tool, given).await;
    }
    let missing = refused(&rig, &rig.owner, "agents_get", json!({"agent": "nobody"})).await;
    assert_eq!(
        missing,
        "there is no agent nobody (`naos get agents` lists them, `naos create NAME --template T` \
         makes one) [N0120]"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_tools_and_resources() {
    let rig = Rig::new().await;
    for path in ["notes/a b.md", "notes/c.txt", "other.json"] {
        let written = json!({"path": path, "text": format!("in {path}")});
        let written = used(&rig, "documents_write", written).await;
        assert_eq!(written["version"], 1, "{written}");
    }
    let read = used(&rig, "documents_read", json!({"path": "notes/a b.md"})).await;
    assert_eq!(read["text"], "in notes/a b.md");
    assert_eq!(read["path"], "/notes/a b.md");
    let page = json!({"prefix": "notes/", "limit": 1});
    let page = used(&rig, "documents_list", page).await;
    assert_eq!(page["items"][0]["path"], "/notes/a b.md");
    assert_eq!(page["next"], "/notes/a b.md");
    let rest = json!({"prefix": "notes/", "limit": 1, "cursor": page["next"]});
    let rest = used(&rig, "documents_list", rest).await;
    assert_eq!(rest["items"][0]["path"], "/notes/c.txt");
    assert_eq!(rest["next"], Value::Null);
    let stale = json!({"path": "other.json", "text": "x", "expected": 7});
    let stale = refused(&rig, &rig.owner, "documents_write", stale).await;
    assert!(stale.contains("has version 1, not 7"), "{stale}");

    let listed = new(&rig, &rig.owner, "resources/list", json!({}))
        .await
        .ok();
    assert_eq!(
        listed["result"]["resources"],
        json!([
            {"uri": "naos://documents/notes/a%20b.md", "name": "notes/a b.md",
                "mimeType": "text/markdown", "size": 15},
            {"uri": "naos://documents/notes/c.txt", "name": "notes/c.txt",
                "mimeType": "text/plain", "size": 14},
            {"uri": "naos://documents/other.json", "name": "other.json",
                "mimeType": "application/json", "size": 13},
        ])
    );
    let uri = json!({"uri": "naos://documents/notes/a%20b.md"});
    let read = old(&rig, &rig.owner, "resources/read", uri).await;
    assert_eq!(
        read["result"],
        json!({"contents": [{"uri": "naos://documents/notes/a%20b.md",
            "mimeType": "text/markdown", "text": "in notes/a b.md"}]})
    );
    let kinds = old(&rig, &rig.owner, "resources/templates/list", json!({})).await;
    let kinds = &kinds["result"]["resourceTemplates"];
    assert_eq!(kinds[0]["uriTemplate"], "naos://documents/{+path}");
    for gone in [
        "naos://documents/gone.md",
        "naos://documents/../agents",
        "file:///etc/passwd",
    ] {
        let got = new(&rig, &rig.owner, "resources/read", json!({ "uri": gone })).await;
        let error = error(&got, 200, -32_602);
        assert_eq!(error["data"]["uri"], gone);
        let got = old(&rig, &rig.owner, "resources/read", json!({ "uri": gone })).await;
        assert_eq!(got["error"]["code"], -32_002, "{got}");
    }
    used(&rig, "documents_delete", json!({"path": "other.json"})).await;
    let gone = json!({"path": "other.json"});
    let gone = refused(&rig, &rig.owner, "documents_read", gone).await;
    assert!(
        gone.contains("[N0120]") || gone.contains("no document"),
        "{gone}"
    );
    // A path that leads elsewhere is none.
    let away = json!({"path": "../agents/clerk"});
    let away = refused(&rig, &rig.owner, "documents_delete", away).await;
    assert!(away.contains("none of its parts"), "{away}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_begin_and_paths_are_completed() {
    let rig = Rig::new().await;
    let owner = rig.owner.clone();
    let listed = new(&rig, &owner, "prompts/list", json!({})).await.ok();
    let listed = listed["result"]["prompts"].as_array().unwrap().clone();
    let names = listed.iter().map(|prompt| prompt["name"].as_str().unwrap());
    assert!(names.eq(["waiting", "delegate", "day"]), "{listed:?}");
    assert_eq!(
        listed[1],
        json!({"name": "delegate", "title": "Have something done",
            "description": "Finds who can do a task, and gives it to them.",
            "arguments": [{"name": "task", "required": true,
                "description": "What is to be done, in your own words."}]})
    );
    let known = tools(&rig, &owner).await;
    for prompt in &listed {
        let given = match prompt["arguments"].is_null() {
            true => json!({"name": prompt["name"]}),
            false => json!({"name": prompt["name"], "arguments": {"task": "Pay Riake."}}),
        };
        let said = old(&rig, &owner, "prompts/get", given.clone()).await;
        let said = &said["result"];
        assert_eq!(said["description"], prompt["description"], "{said}");
        assert_eq!(said["messages"].as_array().unwrap().len(), 1);
        assert_eq!(said["messages"][0]["role"], "user");
        let text = said["messages"][0]["content"]["text"].as_str().unwrap();
        assert_eq!(text.ends_with("Pay Riake."), given["arguments"].is_object());
        // What it tells to use is there.
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        let named: Vec<&str> = words.filter(|word| word.contains('_')).collect();
        assert!(named.len() > 1, "{text}");
        for name in named {
            assert!(known.contains_key(name), "{name}");
        }
    }
    for (wrong, why) in [
        (json!({"name": "nothing"}), "there is no prompt \"nothing\""),
        (json!({"name": "delegate"}), "delegate needs \"task\""),
        (
            json!({"name": "day", "arguments": {"x": "y"}}),
            "day doesn't know \"x\"",
        ),
    ] {
        let error = old(&rig, &owner, "prompts/get", wrong).await["error"].clone();
        assert_eq!(error["code"], -32_602, "{error}");
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }

    for path in ["notes/a.md", "notes/b.md", "other.md"] {
        used(&rig, "documents_write", json!({"path": path, "text": "x"})).await;
    }
    let complete = |uri: &str| {
        json!({"ref": {"type": "ref/resource", "uri": uri},
            "argument": {"name": "path", "value": "not"}})
    };
    let document = complete("naos://documents/{+path}");
    let found = old(&rig, &owner, "completion/complete", document.clone()).await;
    assert_eq!(
        found["result"]["completion"],
        json!({"values": ["notes/a.md", "notes/b.md"], "hasMore": false})
    );
    let other = rig.tenant("riake").await;
    let found = old(&rig, &other, "completion/complete", document).await;
    assert_eq!(found["result"]["completion"]["values"], json!([]));
    let lost = complete("naos://else/{x}");
    let lost = old(&rig, &owner, "completion/complete", lost).await;
    assert_eq!(lost["error"]["code"], -32_602, "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_told_and_proved() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    rig.run("clerk", "Hello").await;
    let api = rig.get("/api/v1/audit?last=3").await.ok();
    let last = used(&rig, "audit_last", json!({"limit": 3})).await;
    assert_eq!(last, api);
    let mut seqs = Vec::new();
    let mut after = json!(0);
    while !after.is_null() {
        let page = used(&rig, "audit_list", json!({"after": after, "limit": 2})).await;
        let items = page["items"].as_array().unwrap();
        seqs.extend(items.iter().map(|row| row["seq"].as_u64().unwrap()));
        after = page["next"].clone();
    }
    let head = rig.get("/api/v1/status").await.ok()["seq"]
        .as_u64()
        .unwrap();
    assert_eq!(seqs.last(), Some(&head));
    assert!(seqs.is_sorted(), "{seqs:?}");
    // What was done here stands there as done by whoever did it.
    let acted = json!({"agent": "clerk"});
    used(&rig, "agents_stop", acted).await;
    let last = used(&rig, "audit_last", json!({"limit": 1})).await;
    let who = used(&rig, "whoami", json!({})).await;
    let actor = last["items"][0]["actor"].as_str().unwrap();
    assert!(actor.contains(who["member"].as_str().unwrap()), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_under_the_same_key_is_done_once() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let given = json!({"agent": "clerk", "input": "Once", "idempotency_key": "k-1"});
    let first = used(&rig, "runs_start", given.clone()).await;
    let again = used(&rig, "runs_start", given).await;
    assert_eq!(first["run"], again["run"]);
    let other = json!({"agent": "clerk", "input": "Twice", "idempotency_key": "k-1"});
    let other = refused(&rig, &rig.owner, "runs_start", other).await;
    assert!(other.contains("[N01"), "{other}");
    // It is the API's very key.
    let headers = [("idempotency-key", "k-1")];
    let same = json!({"agent": "clerk", "input": "Once"});
    let same = request(&rig.owner, "POST", "/api/v1/runs", &same, &headers);
    assert_eq!(rig.send(same).await.ok()["run"], first["run"]);
    let runs = used(&rig, "runs_list", json!({})).await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
    let bad = json!({"agent": "clerk", "input": "x", "idempotency_key": "a b"});
    let bad = refused(&rig, &rig.owner, "runs_start", bad).await;
    assert!(bad.contains("visible ASCII"), "{bad}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_hears_how_a_run_goes() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let params = json!({"name": "runs_start", "arguments": {"agent": "clerk", "input": "Hello"},
        "_meta": {"progressToken": "p-1"}});
    let version = ("mcp-protocol-version", OLD);
    let got = raw(
        &rig,
        &rig.owner,
        &message("tools/call", &params),
        &[version],
    )
    .await;
    assert_eq!(got.headers["content-type"], "text/event-stream");
    let events = got
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"));
    let events = events.filter(|data| !data.trim().is_empty());
    let events: Vec<Value> = events.map(|e| serde_json::from_str(e).unwrap()).collect();
    let (last, heard) = events.split_last().unwrap();
    assert_eq!(
        last["result"]["structuredContent"]["output"], "Hello",
        "{last}"
    );
    let run = last["result"]["structuredContent"]["run"].as_str().unwrap();
    assert!(!heard.is_empty());
    let mut before = 0.0;
    for heard in heard {
        assert_eq!(heard["method"], "notifications/progress", "{heard}");
        assert_eq!(heard["params"]["progressToken"], "p-1");
        let now = heard["params"]["progress"].as_f64().unwrap();
        assert!(now > before, "{heard}");
        before = now;
        assert!(heard["params"]["message"].as_str().unwrap().contains(run));
    }
}

const PLAN: &str = "type: plan\nname: letter\nsteps:\n  - {name: ask, approval: {title: \"Send \
    it?\", body: \"Dear Rabe\"}}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_about_what_they_saw() {
    let rig = Rig::new().await;
    let files = json!({"files": [{"name": "p.yaml", "text": PLAN}]});
    rig.post("/api/v1/apply", files).await.ok();
    let held = json!({"wait_ms": 20_000});
    let held = rig.post("/api/v1/plans/letter/start", held).await.ok();
    assert_eq!(held["status"], "held", "{held}");
    let waiting = used(&rig, "approvals_list", json!({"status": "pending"})).await;
    let id = &waiting["items"][0]["approval"];
    let asked = used(&rig, "approvals_get", json!({ "approval": id })).await;
    assert_eq!(
        (&asked["title"], &asked["body"]),
        (&json!("Send it?"), &json!("Dear Rabe"))
    );

    let decide = |seen: &Value| json!({"approval": id, "approve": true, "seen": seen});
    let external = rig.member("external").await;
    let no = refused(&rig, &external, "approvals_decide", decide(&asked["seen"])).await;
    assert_eq!(
        no,
        "this takes the role staff, yours is external (ask an owner) [N0141]"
    );
    let unseen = json!({"approval": id, "approve": true});
    let unseen = refused(&rig, &rig.owner, "approvals_decide", unseen).await;
    assert!(unseen.contains("needs \"seen\""), "{unseen}");
    let stale = decide(&json!("00".repeat(32)));
    let stale = refused(&rig, &rig.owner, "approvals_decide", stale).await;
    assert!(stale.contains("[N0132]"), "{stale}");
    let waiting = used(&rig, "approvals_get", json!({ "approval": id })).await;
    assert_eq!(waiting["status"], "pending");

    let done = used(&rig, "approvals_decide", decide(&asked["seen"])).await;
    assert_eq!(done["plan"], held["run"], "{done}");
    let twice = refused(&rig, &rig.owner, "approvals_decide", decide(&asked["seen"])).await;
    assert!(twice.contains("[N0131]"), "{twice}");
    let plan = format!(
        "/api/v1/plan-runs/{}?wait_ms=20000",
        held["run"].as_str().unwrap()
    );
    assert_eq!(rig.get(&plan).await.ok()["status"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_for_whom_the_api_is() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let external = rig.member("external").await;
    assert!(tools(&rig, &external).await.keys().eq(["whoami"]));
    let staff = rig.member("staff").await;
    let theirs = tools(&rig, &staff).await;
    let admin = rig.member("admin").await;
    let mut more = tools(&rig, &admin).await;
    more.retain(|name, _| !theirs.contains_key(name));
    assert!(more.keys().eq(["agents_stop", "agents_start"]), "{more:?}");

    // What isn't listed isn't done either.
    for (token, role) in [(&staff, "staff"), (&external, "external")] {
        let stop = json!({"agent": "clerk"});
        let said = refused(&rig, token, "agents_stop", stop).await;
        let why = format!("this takes the role admin, yours is {role}");
        assert!(said.contains(&why) && said.contains("[N0141]"), "{said}");
    }
    let no = json!({"agent": "clerk", "input": "x"});
    let no = refused(&rig, &external, "runs_start", no).await;
    assert!(no.contains("[N0141]"), "{no}");
    let got = new(&rig, &external, "resources/list", json!({})).await;
    assert_eq!(error(&got, 200, -32_000)["data"]["code"], "N0141");
    let clerk = rig.get("/api/v1/agents/clerk").await.ok();
    assert_ne!(clerk["status"], "stopped", "{clerk}");
    assert_eq!(rig.get("/api/v1/runs").await.ok()["items"], json!([]));
    let (well, _) = call(&rig, &admin, "agents_stop", json!({"agent": "clerk"})).await;
    assert!(well);

    // Hints are true to it: what only reads is asked for as reading.
    for (name, tool) in theirs.iter().chain(&more) {
        let hints = &tool["annotations"];
        let begins = name.ends_with("_list") || name.ends_with("_get") || name.starts_with("audit");
        assert!(!begins || hints["readOnlyHint"] == true, "{name}: {hints}");
        let reads = hints["readOnlyHint"] == true;
        assert!(
            !reads || hints["destructiveHint"] == false,
            "{name}: {hints}"
        );
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_and_does_nothing() {
    let rig = Rig::new().await;
    let canary = "kanarilahy";
    rig.agent(canary).await;
    let run = rig.run(canary, canary).await;
    let document = json!({"path": format!("{canary}.md"), "text": canary});
    used(&rig, "documents_write", document).await;
    let other = rig.tenant("riake").await;
    for tool in tools(&rig, &other).await.keys() {
        let given = match tool.as_str() {
            "runs_get" | "runs_logs" | "runs_cancel" => json!({"run": run["run"]}),
            "tasks_get" | "tasks_cancel" => json!({"task": run["task"]}),
            "tasks_say" => json!({"task": run["task"], "text": "x"}),
            "tasks_hand_over" => json!({"task": run["task"], "to": "nobody"}),
            "agents_get" | "agents_stop" | "agents_start" => json!({ "agent": canary }),
            "documents_read" | "documents_delete" => json!({"path": format!("{canary}.md")}),
            "runs_start" => json!({"agent": canary, "input": "x"}),
            "audit_verify" | "tasks_open" | "tasks_create" | "approvals_get"
            | "approvals_decide" | "documents_write" => continue,
            "broker_route" => json!({"text": "say it"}),
            "documents_search" => json!({ "query": canary }),
            _ => json!({}),
        };
        let open = ["broker_route", "documents_search"].contains(&tool.as_str());
        let named = !given.as_object().unwrap().is_empty() && !open;
        let (well, told) = call(&rig, &other, tool, given).await;
        assert_eq!(well, !named, "{tool}: {told}");
        // A sentence may repeat the name that was asked for; nothing else may.
        let said = told.to_string().matches(canary).count();
        assert!(said <= usize::from(named) * 3, "{tool}: {told}");
    }
    let uri = json!({"uri": format!("naos://documents/{canary}.md")});
    let got = new(&rig, &other, "resources/read", uri).await;
    error(&got, 200, -32_602);
    let listed = new(&rig, &other, "resources/list", json!({})).await.ok();
    assert_eq!(listed["result"]["resources"], json!([]));
    let own = used(&rig, "runs_get", json!({"run": run["run"]})).await;
    assert_eq!(own["output"], canary);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_once_and_clearly() {
    let rig = Rig::new().await;
    let owner = rig.owner.clone();
    let version = ("mcp-protocol-version", OLD);
    let text = |body: &'static str| {
        let mut half = request(&owner, "POST", "/mcp", &Value::Null, &[("accept", BOTH)]);
        *half.body_mut() = axum::body::Body::from(body);
        half.headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        rig.send(half)
    };
    let half = error(&text(r#"{"jsonrpc": "2.0", "id": 1, "#).await, 400, -32_700);
    assert!(
        half["message"]
            .as_str()
            .unwrap()
            .contains("isn't whole JSON"),
        "{half}"
    );
    error(&text("").await, 400, -32_700);
    error(&text("7").await, 400, -32_600);
    let many = error(&text("[]").await, 400, -32_600);
    assert!(
        many["message"].as_str().unwrap().contains("one by one"),
        "{many}"
    );
    error(&text(r#"{"id": 1, "method": "ping"}"#).await, 400, -32_600);
    error(&text(r#"{"jsonrpc": "2.0", "id": 1}"#).await, 400, -32_600);

    let long = json!({"x": "x".repeat(4 << 20)});
    let long = raw(&rig, &owner, &message("ping", &long), &[version]).await;
    error(&long, 413, -32_600);
    let ping = message("ping", &json!({}));
    let plain = [
        ("accept", "text/plain"),
        ("content-type", "application/json"),
    ];
    let plain = rig
        .send(request(&owner, "POST", "/mcp", &ping, &plain))
        .await;
    error(&plain, 406, -32_600);
    let plain = [("accept", BOTH), ("content-type", "text/plain")];
    let plain = rig
        .send(request(&owner, "POST", "/mcp", &ping, &plain))
        .await;
    error(&plain, 415, -32_600);
    let got = raw(
        &rig,
        &owner,
        &ping,
        &[("mcp-protocol-version", "1999-01-01")],
    )
    .await;
    error(&got, 400, -32_600);
    let got = raw(&rig, "", &ping, &[version]).await;
    assert_eq!(error(&got, 401, -32_000)["data"]["code"], "N0140");
    assert_eq!(got.headers["www-authenticate"], "Bearer");
    let foreign = [version, ("origin", "https://evil.example")];
    error(&raw(&rig, &owner, &ping, &foreign).await, 403, -32_000);
    let own = [version, ("origin", "http://127.0.0.1:4200")];
    assert_eq!(raw(&rig, &owner, &ping, &own).await.status, 200);
    error(&rig.post("/mcp/else", json!({})).await, 404, -32_601);
    let asked = rig.post("/mcp?token=x", ping.clone()).await;
    error(&asked, 400, -32_600);

    let lost = old(&rig, &owner, "no/such", json!({})).await;
    assert_eq!(lost["error"]["code"], -32_601, "{lost}");
    let odd = old(&rig, &owner, "initialize", json!({})).await;
    assert_eq!(odd["error"]["code"], -32_602, "{odd}");
    let odd = old(&rig, &owner, "tools/call", json!({"arguments": {}})).await;
    assert_eq!(odd["error"]["code"], -32_602, "{odd}");
    let odd = old(&rig, &owner, "tools/call", json!({"name": "nothing"})).await;
    assert_eq!(
        odd["error"],
        json!({"code": -32_602, "message": "there is no tool \"nothing\"; tools/list names them"})
    );
    let odd = old(&rig, &owner, "resources/list", json!({"cursor": "a/../b"})).await;
    assert_eq!(odd["error"]["code"], -32_602, "{odd}");
    let more = json!({"run": "x", "more": 1});
    let more = refused(&rig, &owner, "runs_get", more).await;
    assert_eq!(
        more,
        "runs_get doesn't know \"more\": it takes run, wait_ms, steps_after"
    );
    let none = refused(&rig, &owner, "runs_get", json!({"run": "x"})).await;
    assert!(none.contains("there is no run x"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_back_ends_what_was_done_with_it() {
    let rig = Rig::new().await;
    let made = json!({"name": "Soa", "role": "staff"});
    let made = rig.post("/api/v1/members", made).await.ok();
    let token = made["token"].as_str().unwrap();
    let (well, _) = call(&rig, token, "agents_list", json!({})).await;
    assert!(well);
    let place = format!("/api/v1/members/{}", made["member"].as_str().unwrap());
    rig.api(&rig.owner, "DELETE", &place, Value::Null)
        .await
        .ok();
    let got = new(&rig, token, "tools/list", json!({})).await;
    error(&got, 401, -32_000);
}
