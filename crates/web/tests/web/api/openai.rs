//! `/v1`: what its clients are refused, in words that they read.

use serde_json::{Value, json};

use crate::support::{Rig, request};

fn error(got: &crate::support::Got, status: u16, kind: &str) -> Value {
    assert_eq!(got.status, status, "{}", got.text);
    let error = got.json()["error"].clone();
    assert_eq!(error["type"], kind, "{error}");
    assert!(!error["message"].as_str().unwrap().is_empty(), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_the_shape_that_such_clients_read() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let chat = "/v1/chat/completions";
    let asks = |more: Value| {
        let mut body = json!({"model": "clerk", "messages": [{"role": "user", "content": "x"}]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };

    let nobody = rig
        .send(request("", "GET", "/v1/models", &Value::Null, &[]))
        .await;
    error(&nobody, 401, "authentication_error");
    assert_eq!(nobody.headers["www-authenticate"], "Bearer");
    let wrong = rig.api("wrong", "POST", chat, asks(json!({}))).await;
    error(&wrong, 401, "authentication_error");
    for path in ["/v1/embeddings", "/v1/models/nobody"] {
        error(&rig.get(path).await, 404, "invalid_request_error");
    }
    error(&rig.get(chat).await, 405, "invalid_request_error");
    let long = "x".repeat(16 << 20);
    let long = rig.post(chat, asks(json!({"user": long}))).await;
    error(&long, 413, "invalid_request_error");
    for field in ["max_tokens", "max_completion_tokens"] {
        let error = error(
            &rig.post(chat, asks(json!({field: -1}))).await,
            400,
            "invalid_request_error",
        );
        assert!(
            error["message"].as_str().unwrap().contains(field),
            "{error}"
        );
        assert_eq!(error["param"], field, "{error}");
    }
    // What would make the answer another one isn't dropped in silence.
    let responses = "/v1/responses";
    let stored = json!({"model": "clerk", "input": "x", "prompt": {"id": "pmpt_1"}});
    for (path, body, param) in [
        (chat, asks(json!({"stop": ["END"]})), "stop"),
        (
            chat,
            asks(json!({"tool_choice": "required"})),
            "tool_choice",
        ),
        (responses, stored, "prompt"),
    ] {
        let error = error(&rig.post(path, body).await, 400, "invalid_request_error");
        assert_eq!(error["param"], param, "{error}");
        assert!(
            error["message"].as_str().unwrap().contains(param),
            "{error}"
        );
    }
    // Wherever one parameter is to blame, it is named.
    let own = |more: Value| {
        let mut body = json!({"model": "clerk", "input": "x"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let said = |content: Value| json!([{"role": "user", "content": content}]);
    let fetched = json!([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]);
    let grammar = json!({"type": "grammar"});
    for (path, body, param) in [
        (chat, json!({"messages": said(json!("x"))}), "model"),
        (chat, json!({"model": "clerk"}), "messages"),
        (chat, asks(json!({"messages": "x"})), "messages"),
        (chat, asks(json!({"model": 7})), "model"),
        (chat, asks(json!({"stream": "yes"})), "stream"),
        (chat, asks(json!({"messages": []})), "messages"),
        (
            chat,
            asks(json!({"messages": said(json!(" "))})),
            "messages",
        ),
        (chat, asks(json!({"messages": said(fetched)})), "messages"),
        (chat, asks(json!({"n": 2})), "n"),
        (chat, asks(json!({"tools": [{}]})), "tools"),
        (chat, asks(json!({"functions": [{}]})), "functions"),
        (
            chat,
            asks(json!({"response_format": grammar})),
            "response_format",
        ),
        // The form of an answer that a component gives is its own.
        (
            chat,
            asks(json!({"response_format": {"type": "json_object"}})),
            "response_format",
        ),
        (responses, json!({"model": "clerk"}), "input"),
        (responses, json!({"input": "x"}), "model"),
        (responses, own(json!({"input": []})), "input"),
        (
            responses,
            own(json!({"input": [{"type": "function_call_output"}]})),
            "input",
        ),
        (
            responses,
            own(json!({"max_output_tokens": 0})),
            "max_output_tokens",
        ),
        (responses, own(json!({"tools": [{}]})), "tools"),
        (responses, own(json!({"tools": 7})), "tools"),
        (responses, own(json!({"background": true})), "background"),
        (
            responses,
            own(json!({"conversation": "conv_1"})),
            "conversation",
        ),
        (
            responses,
            own(json!({"previous_response_id": "resp_1"})),
            "previous_response_id",
        ),
        (
            responses,
            own(json!({"text": {"format": grammar}})),
            "text.format",
        ),
    ] {
        let error = error(&rig.post(path, body).await, 400, "invalid_request_error");
        assert_eq!(error["param"], param, "{error}");
    }
    for body in [
        asks(json!({"model": "nobody"})),
        asks(json!({"model": "no name"})),
    ] {
        let error = error(&rig.post(chat, body).await, 404, "invalid_request_error");
        assert_eq!(error["param"], "model", "{error}");
    }
    let echoed = rig.post(responses, own(json!({"instructions": "Be short."})));
    let echoed = echoed.await;
    assert_eq!(echoed.status, 200, "{}", echoed.text);
    assert_eq!(echoed.json()["instructions"], "Be short.");
    let done = rig.post(chat, asks(json!({"max_tokens": 100}))).await;
    assert_eq!(done.status, 200, "{}", done.text);

    // Elsewhere they stay what they are.
    let other = rig
        .send(request("", "GET", "/api/v1/status", &Value::Null, &[]))
        .await;
    assert_eq!(other.problem().0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_was_made_when_its_agent_was_whatever_it_did_since() {
    let rig = Rig::new().await;
    rig.agent("clerk").await;
    let models = async || -> Vec<(String, i64)> {
        let all = rig.get("/v1/models").await.ok();
        let data = all["data"].as_array().unwrap().iter();
        let one = |model: &Value| {
            let made = model["created"].as_i64().unwrap();
            (model["id"].as_str().unwrap().to_owned(), made)
        };
        data.map(one).collect()
    };
    let before = models().await;
    let made = before.iter().find(|(name, _)| name == "clerk").unwrap().1;
    assert!(before.iter().all(|(_, made)| *made > 0), "{before:?}");
    let messages = json!([{"role": "user", "content": "x"}]);
    let asked = json!({"model": "clerk", "messages": messages});
    rig.post("/v1/chat/completions", asked).await.ok();
    assert_eq!(models().await, before);
    let one = rig.get("/v1/models/clerk").await.ok();
    assert_eq!(one["created"], made);
}
