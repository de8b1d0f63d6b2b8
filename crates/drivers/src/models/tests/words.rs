//! What is sent, in each provider's words.

use expect_test::{Expect, expect};

use super::*;

/// A request with all that one can have.
fn full() -> Request {
    let call = ToolCall {
        id: "call_0000".into(),
        name: "add".into(),
        arguments: Arguments::parse("{\"text\":\"1 1\"}"),
        opaque: Some(json!({ "type": "thought_signature", "signature": "c2lnbmVk" })),
    };
    let result = ToolResult {
        id: "call_0000".into(),
        name: "add".into(),
        text: "2".into(),
        is_error: false,
    };
    Request {
        model: "m".into(),
        system: Some("Be terse.".into()),
        messages: vec![
            Message::user("1 + 1?"),
            Message::assistant(vec![Part::ToolCall(call)]),
            Message::new(
                Role::User,
                vec![Part::ToolResult(result), Part::Text("Well?".into())],
            ),
        ],
        tools: vec![Tool {
            name: "add".into(),
            description: "Adds.".into(),
            schema: json!({ "type": "object" }),
        }],
        output_schema: Some(OutputSchema {
            name: "sum".into(),
            schema: json!({ "type": "integer" }),
            strict: true,
        }),
        max_output_tokens: 64,
        temperature: Some(0.7),
        stop: vec!["###".into()],
        stream: true,
        idempotency_key: Some("run-1".into()),
        ..Request::default()
    }
}

fn check(format: Format, change: impl Fn(&mut Request, &mut Endpoint), want: &Expect) {
    run(async {
        let world = World::new().await;
        let mut request = full();
        let mut endpoint = world.endpoint(format);
        change(&mut request, &mut endpoint);
        let answer = ask(&world.client, &endpoint, &request, &mut |_| {}).await;
        let text = answer.unwrap().text();
        assert!(text.contains("Well?"), "{text}");
        let seen = world.server.seen().pop().unwrap();
        let own = [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "anthropic-version",
        ];
        let headers = seen.headers.iter().filter(|(name, _)| {
            own.contains(&name.as_str()) || name == "content-type" || name == "idempotency-key"
        });
        let mut headers: Vec<String> = headers.map(|(n, v)| format!("{n}: {v}\n")).collect();
        headers.sort();
        let body = serde_json::to_string_pretty(&seen.body).unwrap();
        want.assert_eq(&format!("{}\n{}{body}\n", seen.path, headers.concat()));
    });
}

#[test]
fn chat_completions() {
    check(
        Format::OpenAiChat,
        |_, _| {},
        &expect![[r####"
        /v1/chat/completions
        authorization: Bearer sk-the-key-of-the-tests
        content-type: application/json
        idempotency-key: run-1
        {
          "model": "m",
          "messages": [
            {
              "role": "system",
              "content": "Be terse."
            },
            {
              "role": "user",
              "content": "1 + 1?"
            },
            {
              "role": "assistant",
              "content": null,
              "tool_calls": [
                {
                  "id": "call_0000",
                  "type": "function",
                  "function": {
                    "name": "add",
                    "arguments": "{\"text\":\"1 1\"}"
                  }
                }
              ]
            },
            {
              "role": "tool",
              "tool_call_id": "call_0000",
              "content": "2"
            },
            {
              "role": "user",
              "content": "Well?"
            }
          ],
          "max_completion_tokens": 64,
          "temperature": 0.7,
          "stop": [
            "###"
          ],
          "tools": [
            {
              "type": "function",
              "function": {
                "name": "add",
                "description": "Adds.",
                "parameters": {
                  "type": "object"
                }
              }
            }
          ],
          "response_format": {
            "type": "json_schema",
            "json_schema": {
              "name": "sum",
              "schema": {
                "type": "integer"
              },
              "strict": true
            }
          },
          "stream": true,
          "stream_options": {
            "include_usage": true
          }
        }
    "####]],
    );
}

#[test]
fn chat_completions_elsewhere() {
    let change = |request: &mut Request, endpoint: &mut Endpoint| {
        request.tools.clear();
        request.output_schema = None;
        request.stream = false;
        request.idempotency_key = None;
        endpoint.key = None;
        endpoint.base_url += "/";
    };
    check(
        Format::OpenAiCompatible,
        change,
        &expect![[r####"
        /v1/chat/completions
        content-type: application/json
        {
          "model": "m",
          "messages": [
            {
              "role": "system",
              "content": "Be terse."
            },
            {
              "role": "user",
              "content": "1 + 1?"
            },
            {
              "role": "assistant",
              "content": null,
              "tool_calls": [
                {
                  "id": "call_0000",
                  "type": "function",
                  "function": {
                    "name": "add",
                    "arguments": "{\"text\":\"1 1\"}"
                  }
                }
              ]
            },
            {
              "role": "tool",
              "tool_call_id": "call_0000",
              "content": "2"
            },
            {
              "role": "user",
              "content": "Well?"
            }
          ],
          "max_tokens": 64,
          "temperature": 0.7,
          "stop": [
            "###"
          ]
        }
    "####]],
    );
}

#[test]
fn responses() {
    let change = |request: &mut Request, _: &mut Endpoint| request.stop.clear();
    check(
        Format::OpenAiResponses,
        change,
        &expect![[r#"
        /v1/responses
        authorization: Bearer sk-the-key-of-the-tests
        content-type: application/json
        idempotency-key: run-1
        {
          "model": "m",
          "input": [
            {
              "type": "message",
              "role": "user",
              "content": [
                {
                  "type": "input_text",
                  "text": "1 + 1?"
                }
              ]
            },
            {
              "type": "function_call",
              "call_id": "call_0000",
              "name": "add",
              "arguments": "{\"text\":\"1 1\"}"
            },
            {
              "type": "function_call_output",
              "call_id": "call_0000",
              "output": "2"
            },
            {
              "type": "message",
              "role": "user",
              "content": [
                {
                  "type": "input_text",
                  "text": "Well?"
                }
              ]
            }
          ],
          "store": false,
          "instructions": "Be terse.",
          "max_output_tokens": 64,
          "temperature": 0.7,
          "tools": [
            {
              "type": "function",
              "name": "add",
              "description": "Adds.",
              "parameters": {
                "type": "object"
              },
              "strict": false
            }
          ],
          "text": {
            "format": {
              "type": "json_schema",
              "name": "sum",
              "schema": {
                "type": "integer"
              },
              "strict": true
            }
          },
          "stream": true
        }
    "#]],
    );
}

#[test]
fn messages() {
    check(
        Format::Anthropic,
        |_, _| {},
        &expect![[r####"
        /v1/messages
        anthropic-version: 2023-06-01
        content-type: application/json
        idempotency-key: run-1
        x-api-key: sk-the-key-of-the-tests
        {
          "model": "m",
          "max_tokens": 64,
          "system": [
            {
              "type": "text",
              "text": "Be terse."
            }
          ],
          "tools": [
            {
              "name": "add",
              "description": "Adds.",
              "input_schema": {
                "type": "object"
              }
            }
          ],
          "messages": [
            {
              "role": "user",
              "content": [
                {
                  "type": "text",
                  "text": "1 + 1?"
                }
              ]
            },
            {
              "role": "assistant",
              "content": [
                {
                  "type": "tool_use",
                  "id": "call_0000",
                  "name": "add",
                  "input": {
                    "text": "1 1"
                  }
                }
              ]
            },
            {
              "role": "user",
              "content": [
                {
                  "type": "tool_result",
                  "tool_use_id": "call_0000",
                  "content": "2"
                },
                {
                  "type": "text",
                  "text": "Well?"
                }
              ]
            }
          ],
          "temperature": 0.7,
          "stop_sequences": [
            "###"
          ],
          "output_config": {
            "format": {
              "type": "json_schema",
              "schema": {
                "type": "integer"
              }
            }
          },
          "stream": true
        }
    "####]],
    );
}

#[test]
fn contents() {
    check(
        Format::Gemini,
        |_, _| {},
        &expect![[r####"
        /v1beta/models/m:streamGenerateContent?alt=sse
        content-type: application/json
        idempotency-key: run-1
        x-goog-api-key: sk-the-key-of-the-tests
        {
          "contents": [
            {
              "role": "user",
              "parts": [
                {
                  "text": "1 + 1?"
                }
              ]
            },
            {
              "role": "model",
              "parts": [
                {
                  "functionCall": {
                    "id": "call_0000",
                    "name": "add",
                    "args": {
                      "text": "1 1"
                    }
                  },
                  "thoughtSignature": "c2lnbmVk"
                }
              ]
            },
            {
              "role": "user",
              "parts": [
                {
                  "functionResponse": {
                    "id": "call_0000",
                    "name": "add",
                    "response": {
                      "output": "2"
                    }
                  }
                },
                {
                  "text": "Well?"
                }
              ]
            }
          ],
          "systemInstruction": {
            "parts": [
              {
                "text": "Be terse."
              }
            ]
          },
          "tools": [
            {
              "functionDeclarations": [
                {
                  "name": "add",
                  "description": "Adds.",
                  "parametersJsonSchema": {
                    "type": "object"
                  }
                }
              ]
            }
          ],
          "generationConfig": {
            "maxOutputTokens": 64,
            "temperature": 0.7,
            "stopSequences": [
              "###"
            ],
            "responseMimeType": "application/json",
            "responseJsonSchema": {
              "type": "integer"
            }
          }
        }
    "####]],
    );
}

#[test]
fn chat_at_home() {
    let change = |_: &mut Request, endpoint: &mut Endpoint| {
        endpoint.key = None;
        endpoint.context_tokens = Some(32_768);
    };
    check(
        Format::Ollama,
        change,
        &expect![[r####"
        /api/chat
        content-type: application/json
        idempotency-key: run-1
        {
          "model": "m",
          "messages": [
            {
              "role": "system",
              "content": "Be terse."
            },
            {
              "role": "user",
              "content": "1 + 1?"
            },
            {
              "role": "assistant",
              "content": "",
              "tool_calls": [
                {
                  "id": "call_0000",
                  "function": {
                    "name": "add",
                    "arguments": {
                      "text": "1 1"
                    }
                  }
                }
              ]
            },
            {
              "role": "tool",
              "content": "2",
              "tool_name": "add",
              "tool_call_id": "call_0000"
            },
            {
              "role": "user",
              "content": "Well?"
            }
          ],
          "stream": true,
          "options": {
            "num_predict": 64,
            "temperature": 0.7,
            "num_ctx": 32768,
            "stop": [
              "###"
            ]
          },
          "tools": [
            {
              "type": "function",
              "function": {
                "name": "add",
                "description": "Adds.",
                "parameters": {
                  "type": "object"
                }
              }
            }
          ],
          "format": {
            "type": "integer"
          }
        }
    "####]],
    );
}

/// From its third generation on Google's models refuse a call without a signature; one that
/// another model made has none.
#[test]
fn a_call_of_another_model_is_marked_as_such() {
    run(async {
        let world = World::new().await;
        let mut request = full();
        request.messages[1] = Message::assistant(vec![Part::ToolCall(ToolCall {
            id: "call_0000".into(),
            name: "add".into(),
            arguments: Arguments::parse(""),
            opaque: None,
        })]);
        for (model, want) in [
            ("gemini-3.1-pro", json!("skip_thought_signature_validator")),
            ("gemini-2.5-flash", json!(null)),
        ] {
            request.model = model.into();
            let _ = world.ask(Format::Gemini, &request).await;
            let body = world.server.seen().pop().unwrap().body;
            assert_eq!(
                body["contents"][1]["parts"][0]["thoughtSignature"], want,
                "{model}"
            );
        }
    });
}

#[test]
fn a_thought_is_given_back_sealed_or_not_at_all() {
    run(async {
        let world = World::new().await;
        let mut request = full();
        request.stop.clear();
        let thought = |sealed: serde_json::Value| {
            Part::Reasoning(Reasoning {
                text: String::new(),
                opaque: Some(json!({
                    "id": "rs_1", "type": "reasoning", "summary": [],
                    "encrypted_content": sealed,
                })),
            })
        };
        for (reasons, sealed) in [
            (true, json!("gAAA")),
            (true, json!(null)),
            (false, json!("g")),
        ] {
            request.reasons = reasons;
            let mut asked = request.clone();
            asked.messages[1].parts.insert(0, thought(sealed.clone()));
            // The server of the tests knows what it sealed itself.
            let _ = world.ask(Format::OpenAiResponses, &asked).await;
            let body = world.server.seen().pop().unwrap().body;
            let include = match reasons {
                true => json!(["reasoning.encrypted_content"]),
                false => json!(null),
            };
            assert_eq!(
                (&body["store"], &body["include"]),
                (&json!(false), &include)
            );
            let input = body["input"].as_array().unwrap();
            let given = input.iter().any(|item| item["type"] == "reasoning");
            assert_eq!(given, sealed.is_string(), "{body}");
        }
    });
}
