//! The table of routes as OpenAPI 3.1. Paths, methods, roles and parameters come from the table
//! itself; bodies and answers stand here, by route.

mod shapes;

use naos_types::spec::{Merge, OnError, Restart, Strategy};
use serde_json::{Map, Value, json};

use crate::api::v1::approvals::BATCH_MAX;
use crate::api::v1::{LIMIT, LIMIT_MAX};
use crate::router::{Face, Least, Row, TABLE};
use shapes::{card, driver};

/// The whole document.
pub(crate) fn document(version: &str) -> Value {
    let mut paths = Map::new();
    for row in TABLE.iter().filter(|row| row.face == Face::Api) {
        let path = row.path.replace("{*", "{");
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = entry {
            methods.insert(row.method.to_ascii_lowercase(), operation(row));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "naos",
            "version": version,
            "description": "Every write answers with `seq`; a read with `Naos-Seq: N` waits until \
                it shows at least that. Errors are application/problem+json with a `code` that \
                `naos explain` explains.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas(),
        },
    })
}

fn operation(row: &Row) -> Value {
    let mut parameters: Vec<Value> = names_in(row.path)
        .map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": {"type": "string"},
            })
        })
        .collect();
    let query = query_of(row);
    // Without a limit schedules are told in larger parts.
    let pages = query.iter().any(|(name, _)| *name == "before");
    let pages = pages && row.path != "/api/v1/schedules";
    parameters.extend(
        query
            .iter()
            .map(|(name, kind)| json!({"name": name, "in": "query", "schema": {"type": kind}}))
            .map(|parameter| described(parameter, pages)),
    );
    if row.method == "GET" {
        parameters.push(json!({
            "name": "Naos-Seq", "in": "header", "schema": {"type": "integer", "minimum": 0},
            "description": "The answer shows at least this. What isn't there within a second is \
                refused with N0160, which names what there is.",
        }));
    } else {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header",
            "schema": {"type": "string", "maxLength": crate::door::KEY_BYTES_MAX},
        }));
    }
    let (kind, schema) = answer_of(row);
    let mut operation = json!({
        "operationId": operation_id(row),
        "summary": row.about,
        "parameters": parameters,
        "responses": {
            "2XX": {"description": "It is done.", "content": {kind: {"schema": schema}}},
            "default": {
                "description": "It is not done; nothing happened.",
                "content": {"application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                }},
            },
        },
    });
    if let Value::Object(members) = &mut operation {
        if let Least::Role(role) = row.least {
            members.insert("security".into(), json!([{"token": []}]));
            members.insert("x-least-role".into(), json!(role.word()));
        }
        if let Some(body) = body_of(row) {
            members.insert("requestBody".into(), body);
        }
    }
    operation
}

/// How a list is read page by page.
fn described(mut parameter: Value, pages: bool) -> Value {
    let about = match parameter["name"].as_str() {
        Some("limit") if pages => {
            parameter["schema"]["minimum"] = json!(1);
            parameter["schema"]["default"] = json!(LIMIT);
            format!("At most {LIMIT_MAX}; more is refused.")
        }
        Some("before") => "What `next` of the answer before said.".to_owned(),
        Some("steps_after") => "What `steps_next` of the answer before said.".to_owned(),
        Some("brief") => "Without the texts of inputs and outputs.".to_owned(),
        _ => return parameter,
    };
    parameter["description"] = json!(about);
    parameter
}

fn names_in(path: &str) -> impl Iterator<Item = &str> {
    let parts = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    parts.map(|name| name.trim_start_matches('*'))
}

fn operation_id(row: &Row) -> String {
    let words = row
        .path
        .split(['/', '-', '{', '}', '*', '.'])
        .filter(|word| !word.is_empty() && !matches!(*word, "api" | "v1"));
    let words: Vec<_> = words.collect();
    format!("{}_{}", row.method.to_ascii_lowercase(), words.join("_"))
}

/// What may stand in the query of a route of the API: names and types.
pub(crate) fn query_of(row: &Row) -> &'static [(&'static str, &'static str)] {
    const PAGED: &[(&str, &str)] = &[
        ("status", "string"),
        ("before", "string"),
        ("limit", "integer"),
    ];
    match (row.method, row.path) {
        ("GET", "/api/v1/runs") => &[
            ("status", "string"),
            ("agent", "string"),
            ("before", "string"),
            ("limit", "integer"),
        ],
        ("GET", "/api/v1/plan-runs") => &[
            ("status", "string"),
            ("name", "string"),
            ("kind", "string"),
            ("before", "string"),
            ("limit", "integer"),
            ("brief", "boolean"),
        ],
        ("GET", "/api/v1/approvals" | "/api/v1/notices") => PAGED,
        ("GET", "/api/v1/tasks") => &[
            ("status", "string"),
            ("label", "string"),
            ("agent", "string"),
            ("priority", "string"),
            ("due", "string"),
            ("before", "string"),
            ("limit", "integer"),
        ],
        ("GET", "/api/v1/tasks/{id}/messages") => &[("before", "integer")],
        ("GET", "/api/v1/runs/{id}") => &[("wait_ms", "integer"), ("steps_after", "string")],
        ("GET", "/api/v1/plan-runs/{id}") => &[("wait_ms", "integer"), ("brief", "boolean")],
        ("GET", "/api/v1/runs/{id}/logs") => &[
            ("after", "integer"),
            ("limit", "integer"),
            ("last", "integer"),
            ("seq", "integer"),
        ],
        ("GET", "/api/v1/audit/verify") => &[("all", "boolean")],
        ("GET", "/api/v1/inbox") => &[("all", "boolean"), ("language", "string")],
        ("GET", "/api/v1/standup") => &[("hours", "integer")],
        ("GET", "/api/v1/agents/{name}/recall") => &[("query", "string"), ("limit", "integer")],
        ("GET", "/api/v1/audit") => &[
            ("last", "integer"),
            ("before", "integer"),
            ("look", "integer"),
            ("after", "integer"),
            ("limit", "integer"),
            ("action", "string"),
            ("agent", "string"),
            ("who", "string"),
        ],
        ("GET", "/api/v1/agents/{name}/log") => &[
            ("day", "string"),
            ("after", "integer"),
            ("limit", "integer"),
        ],
        ("GET", "/api/v1/documents") => &[
            ("prefix", "string"),
            ("after", "string"),
            ("limit", "integer"),
        ],
        ("GET", "/api/v1/document-search") => &[
            ("query", "string"),
            ("prefix", "string"),
            ("limit", "integer"),
        ],
        ("GET", "/api/v1/documents/{*path}") => &[("version", "integer")],
        ("GET", "/api/v1/document-versions/{*path}") => {
            &[("before", "integer"), ("limit", "integer")]
        }
        ("GET", "/api/v1/document-diff/{*path}") => &[("from", "integer"), ("to", "integer")],
        ("GET", "/api/v1/schedules") => &[("before", "string"), ("limit", "integer")],
        ("GET", "/api/v1/events/stream") => &[("after", "integer")],
        ("GET", "/api/v1/events") => &[
            ("type", "string"),
            ("source", "string"),
            ("category", "string"),
            ("correlation", "string"),
            ("orphans", "boolean"),
            ("look", "integer"),
            ("after", "integer"),
            ("before", "string"),
            ("limit", "integer"),
        ],
        ("GET", "/api/v1/events/tail") => &[
            ("type", "string"),
            ("source", "string"),
            ("category", "string"),
            ("correlation", "string"),
            ("after", "integer"),
        ],
        ("GET", "/api/v1/events/dead") => &[
            ("consumer", "string"),
            ("before", "string"),
            ("limit", "integer"),
        ],
        _ => &[],
    }
}

fn object(required: &[&str], members: Value) -> Value {
    json!({
        "type": "object",
        "required": required,
        "properties": members,
        "additionalProperties": false,
    })
}

fn body_of(row: &Row) -> Option<Value> {
    let text = || json!({"type": "string"});
    let schema = match (row.method, row.path) {
        ("POST", "/api/v1/agents") => object(
            &["name"],
            json!({"name": text(), "template": text(), "component": text(),
                "spec": {"type": "object"}}),
        ),
        ("POST", "/api/v1/runs") => object(
            &["input"],
            json!({"agent": text(), "input": {}, "title": text(),
                "wait_ms": {"type": "integer"}}),
        ),
        ("POST", "/api/v1/runs/{id}/what-if") => object(
            &["from", "with"],
            json!({"from": {"type": "integer"}, "wait_ms": {"type": "integer"},
                "with": object(&[], json!({"model": text(), "prompt": text()}))}),
        ),
        ("POST", "/api/v1/runs/{id}/resolve") => object(
            &["verdict"],
            json!({"verdict": {"enum": ["finish", "undo", "retry"]}}),
        ),
        ("POST", "/api/v1/plans/{name}/start" | "/api/v1/instructions/{name}/start") => object(
            &[],
            json!({"inputs": {"type": "object"}, "wait_ms": {"type": "integer"}}),
        ),
        ("POST", "/api/v1/tool-servers/{name}/approve") => object(
            &["seen"],
            json!({"seen": text(), "tools": {"type": "array", "items": text()}}),
        ),
        ("POST", "/api/v1/tool-servers/{name}/withdraw") => object(
            &["tools"],
            json!({"tools": {"type": "array", "items": text(), "minItems": 1}}),
        ),
        ("POST", "/api/v1/tasks") => object(&["title"], card(true)),
        ("POST", "/api/v1/tasks/{id}") => object(&[], card(false)),
        ("POST", "/api/v1/tasks/{id}/hand-over") => {
            object(&["to"], json!({"to": text(), "note": text()}))
        }
        ("POST", "/api/v1/tasks/{id}/follow") => {
            object(&["on"], json!({"on": {"type": "boolean"}}))
        }
        ("POST", "/api/v1/inbox/seen") => object(&[], json!({"upto": {"type": "integer"}})),
        ("POST", "/api/v1/approvals/{id}/delegate") => {
            object(&["to"], json!({"to": text(), "note": text()}))
        }
        ("POST", "/api/v1/approval-rules/take") => object(
            &["question"],
            json!({"question": text(), "days": {"type": "integer"}}),
        ),
        ("POST", "/api/v1/approval-rules/end") => {
            object(&["question"], json!({"question": text()}))
        }
        ("POST", "/api/v1/members/{id}/handle") => {
            object(&["handle"], json!({"handle": {"type": ["string", "null"]}}))
        }
        ("POST", "/api/v1/tasks/{id}/done") => object(&[], json!({"output": text()})),
        ("POST", "/api/v1/tasks/{id}/messages" | "/api/v1/runs/{id}/notes") => {
            object(&["text"], json!({"text": text()}))
        }
        ("POST", "/api/v1/approvals/decide") => object(
            &["approve", "items"],
            json!({"approve": {"type": "boolean"}, "comment": text(),
                "items": {"type": "array", "minItems": 1, "maxItems": BATCH_MAX, "items": object(
                    &["approval", "seen"], json!({"approval": text(), "seen": text()}))}}),
        ),
        ("POST", "/api/v1/approvals/{id}/decide") => object(
            &["approve"],
            json!({"approve": {"type": "boolean"}, "comment": text(), "seen": text(),
                "edited": text()}),
        ),
        ("POST", "/api/v1/apply") => object(
            &["files"],
            json!({
                "files": {"type": "array", "items":
                    object(&["name", "text"], json!({"name": text(), "text": text()}))},
                "strict": {"type": "boolean"},
                "dry_run": {"type": "boolean"},
                "before": {"type": "object", "additionalProperties": text()},
                "anew": {"type": "boolean"},
            }),
        ),
        ("PUT", "/api/v1/budgets/{agent}") => object(
            &["limit_micros", "period"],
            json!({
                "limit_micros": {"type": "integer", "minimum": 0},
                "period": {"enum": ["day", "month", "total"]},
                "action": {"enum": ["pause", "hold", "alert"]},
                "alert_percent": {"type": "integer", "minimum": 0, "maximum": 100},
            }),
        ),
        ("POST", "/api/v1/broker/route") => object(&["text"], json!({"text": text()})),
        ("PUT", "/api/v1/documents/{*path}") => object(
            &[],
            json!({"text": text(), "base64": text(),
                "expected": {"type": ["integer", "null"], "minimum": 0}}),
        ),
        ("POST", "/api/v1/agents/{name}/erasures") => object(
            &["says"],
            json!({"says": {"type": "array", "items": text()}}),
        ),
        ("POST", "/api/v1/document-erasures/{*path}") => object(
            &[],
            json!({
                "versions": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                "before": text(),
                "everywhere": {"type": "boolean"},
            }),
        ),
        ("POST", "/api/v1/events") => return Some(events_body()),
        ("POST", "/hooks/{tenant}/{name}") => {
            return Some(json!({"required": true, "content": {"*/*": {}}}));
        }
        ("POST", "/api/v1/members") => object(
            &["name", "role"],
            json!({"name": text(), "role": {"$ref": "#/components/schemas/Role"},
                "handle": text()}),
        ),
        ("POST", "/api/v1/members/{id}/role") => object(
            &["role"],
            json!({"role": {"$ref": "#/components/schemas/Role"}}),
        ),
        ("POST", "/api/v1/tenants") => object(&["slug"], json!({"slug": text(), "title": text()})),
        ("POST", "/api/v1/components") => {
            return Some(json!({"required": true, "content": {"application/wasm": {}}}));
        }
        _ => flow_body_of(row).or_else(|| bus_body_of(row))?,
    };
    Some(json!({"required": true, "content": {"application/json": {"schema": schema}}}))
}

/// Workflows, sagas, pools and their runs. A length of time is `30s`, or a number of seconds.
fn flow_body_of(row: &Row) -> Option<Value> {
    let text = || json!({"type": "string"});
    let number = || json!({"type": "integer", "minimum": 0});
    let span = || json!({"type": ["string", "integer"]});
    let on_error = || json!({"enum": OnError::WORDS});
    let merge = || json!({"enum": Merge::WORDS});
    let schema = match (row.method, row.path) {
        ("POST", "/api/v1/workflows") => object(
            &["name"],
            json!({"name": text(), "description": text(), "timeout": span(),
                "step_timeout": span(), "on_error": on_error(), "retries": number(),
                "retry_delay": text()}),
        ),
        ("POST", "/api/v1/sagas") => object(
            &["name"],
            json!({"name": text(), "description": text(), "timeout": span(),
                "step_timeout": span()}),
        ),
        ("POST", "/api/v1/workflows/{name}/steps") => object(
            &["name"],
            json!({"name": text(), "agent": text(), "input": {}, "condition": text(),
                "timeout": span(), "retries": number(), "on_error": on_error()}),
        ),
        ("POST", "/api/v1/sagas/{name}/steps") => object(
            &["name"],
            json!({"name": text(), "agent": text(), "input": {}, "condition": text(),
                "timeout": span(), "retries": number(), "compensate": text()}),
        ),
        ("POST", "/api/v1/workflows/{name}/start" | "/api/v1/sagas/{name}/start") => {
            object(&[], json!({"input": {}, "wait_ms": number()}))
        }
        ("POST", "/api/v1/plan-runs/{id}/resolve") => object(
            &["done"],
            json!({"step": {"type": ["string", "integer"]}, "done": {"type": "boolean"}}),
        ),
        ("POST", "/api/v1/plan-runs/{id}/skip") => {
            object(&["step"], json!({"step": {"type": ["string", "integer"]}}))
        }
        ("POST", "/api/v1/pools") => object(
            &["name"],
            json!({"name": text(), "description": text(), "agents": {"type": "array"},
                "size": number(), "min_size": number(), "max_size": number(), "auto_scale": {},
                "strategy": {"enum": Strategy::WORDS}, "merge": merge(), "quorum": number()}),
        ),
        ("POST", "/api/v1/pools/{name}/submit") => object(
            &["tasks"],
            json!({"tasks": {"type": "array"}, "merge": merge(), "quorum": number(),
                "wait_ms": number()}),
        ),
        ("POST", "/api/v1/pools/{name}/add" | "/api/v1/pools/{name}/remove") => {
            object(&["agent"], json!({"agent": text()}))
        }
        ("POST", "/api/v1/supervisors") => object(
            &["name", "children"],
            json!({"name": text(), "description": text(), "strategy": {"enum": Restart::WORDS},
                "max_restarts": number(), "restart_window": span(),
                "children": {"type": "array"}}),
        ),
        ("POST", "/api/v1/supervisors/{name}/add" | "/api/v1/supervisors/{name}/remove") => {
            object(&["child"], json!({"child": text()}))
        }
        ("POST", "/api/v1/supervisors/{name}/fail") => {
            object(&["reason"], json!({"reason": text()}))
        }
        ("POST", "/api/v1/pools/{name}/scale") => object(
            &[],
            json!({"size": number(), "min_size": number(), "max_size": number(),
                "auto_scale": {"type": "boolean"}, "quorum": number()}),
        ),
        _ => return None,
    };
    Some(schema)
}

/// An event: as CloudEvents has it in JSON, one or many, or the short form.
fn events_body() -> Value {
    let text = || json!({"type": "string"});
    let category = json!({"enum": ["input", "internal", "output", "external"]});
    let short = object(
        &["type"],
        json!({"type": text(), "data": {}, "id": text(), "source": text(), "subject": text(),
            "category": category, "correlation": text(), "causation": text(), "key": text(),
            "time": text(), "metadata": {}, "user_id": text()}),
    );
    let whole = json!({
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {"specversion": {"const": "1.0"}, "id": text(), "source": text(),
            "type": text(), "subject": text(), "time": text(), "datacontenttype": text(),
            "correlationid": text(), "causationid": text(), "partitionkey": text(), "data": {},
            "data_base64": text()},
    });
    json!({"required": true, "content": {
        "application/json": {"schema": short},
        "application/cloudevents+json": {"schema": whole},
        "application/cloudevents-batch+json": {"schema": {"type": "array", "items": whole}},
    }})
}

/// Who listens to events.
fn bus_body_of(row: &Row) -> Option<Value> {
    let text = || json!({"type": "string"});
    let number = || json!({"type": "integer", "minimum": 0});
    let places = || json!({"type": "array", "items": {"type": "integer"}});
    let schema = match (row.method, row.path) {
        ("POST", "/api/v1/consumers") => object(
            &["name"],
            json!({"name": text(), "description": text(), "on": {}, "category": text(),
                "source": text(), "correlation": text(), "filter": text(), "from": text(),
                "plan": text(), "workflow": text(), "saga": text(), "agent": text(),
                "input": {}, "visible": {}, "retry": {}, "in_flight": number(),
                "deliver": {"type": "object", "required": ["url"],
                    "properties": {"url": text(), "at_once": number()}}}),
        ),
        ("POST", "/hooks/{tenant}/drivers/{name}") => object(
            &["id"],
            json!({"id": text(), "answer": {}, "error": text(), "events": {
                "type": "array",
                "items": {"type": "object", "required": ["type"],
                    "properties": {"type": text(), "data": {}}},
            }}),
        ),
        ("POST", "/api/v1/consumers/{name}/pull") => object(
            &[],
            json!({"max": number(), "wait_ms": number(), "ack": places()}),
        ),
        ("POST", "/api/v1/consumers/{name}/ack") => {
            object(&["events"], json!({"events": places()}))
        }
        ("POST", "/api/v1/consumers/{name}/nack") => object(
            &["events"],
            json!({"events": places(), "delay_ms": number()}),
        ),
        ("POST", "/api/v1/plan-runs/{id}/signal") => {
            object(&["name"], json!({"name": text(), "data": {}}))
        }
        _ => return None,
    };
    Some(schema)
}

fn answer_of(row: &Row) -> (&'static str, Value) {
    let named = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let list = |name: &str| {
        json!({
            "type": "object",
            "required": ["items"],
            "properties": {"items": {"type": "array", "items": named(name)}, "next": {}},
        })
    };
    let schema = match (row.method, row.path) {
        (_, "/metrics") => return ("text/plain", json!({"type": "string"})),
        (_, "/api/v1/backup") => {
            let bytes = json!({"type": "string", "format": "binary"});
            return ("application/octet-stream", bytes);
        }
        (_, "/api/v1/events/stream" | "/api/v1/events/tail" | "/api/v1/runs/{id}/stream") => {
            return ("text/event-stream", json!({"type": "string"}));
        }
        ("GET", "/api/v1/agents") => list("Agent"),
        ("GET", "/api/v1/agents/{name}") => named("Agent"),
        ("GET", "/api/v1/agents/{name}/recall") => named("Recalled"),
        ("GET", "/api/v1/runs") => list("Run"),
        ("GET", "/api/v1/runs/{id}") | ("POST", "/api/v1/runs" | "/api/v1/runs/{id}/what-if") => {
            named("Run")
        }
        ("GET", "/api/v1/runs/{id}/what-if") => named("Beside"),
        ("GET", "/api/v1/runs/{id}/logs") => json!({
            "type": "object",
            "required": ["items", "total", "left_out", "status"],
            "properties": {
                "items": {"type": "array", "items": named("LogLine")},
                "next": {"type": ["integer", "null"]},
                "total": {"type": "integer"},
                "left_out": {"type": "integer"},
                "status": {"type": "string"},
                "seq": {"type": "integer"},
            },
        }),
        (_, "/api/v1/drivers/{name}/secret" | "/api/v1/consumers/{name}/secret") => json!({
            "type": "object",
            "required": ["sends_to", "seq"],
            "properties": {
                "sends_to": {"type": ["string", "null"]},
                "address": {"type": "string"},
                "secret": {"type": "string"},
                "seq": {"type": "integer"},
            },
        }),
        (_, "/api/v1/instructions/{name}/webhook") => json!({
            "type": "object",
            "required": ["address", "seq"],
            "properties": {
                "address": {"type": "string"},
                "secret": {"type": "string"},
                "seq": {"type": "integer"},
            },
        }),
        ("GET", "/api/v1/tasks") => list("Task"),
        ("GET", "/api/v1/tasks/{id}") => named("Task"),
        ("GET", "/api/v1/plan-runs") => list("PlanRun"),
        ("GET", "/api/v1/plan-runs/{id}") => named("PlanRun"),
        ("POST", path) if runs_a_plan(path) => named("PlanRun"),
        ("GET", "/api/v1/approvals") => list("Approval"),
        ("GET", "/api/v1/approvals/{id}") => named("Approval"),
        ("POST", "/api/v1/approvals/decide") => named("Answers"),
        ("GET", "/api/v1/schedules") => list("Schedule"),
        ("GET", "/api/v1/schedules/{name}") => named("Schedule"),
        ("POST", path) if path.starts_with("/api/v1/schedules/") => named("Schedule"),
        ("GET", "/api/v1/drivers") => list("Driver"),
        ("GET", "/api/v1/drivers/{name}") => named("Driver"),
        ("GET", "/api/v1/notices") => list("Notice"),
        ("POST", "/api/v1/notices/{name}/test") => named("Notice"),
        ("GET", "/api/v1/audit") => list("AuditRow"),
        ("GET", "/api/v1/audit/verify") => named("Proof"),
        ("GET", "/api/v1/documents") => list("Document"),
        (_, "/api/v1/documents/{*path}") => named("Document"),
        ("GET", "/api/v1/me") => named("Me"),
        ("GET", "/api/v1/costs") => named("Costs"),
        ("GET", "/api/v1/status") => named("Status"),
        ("POST", "/api/v1/broker/route") => named("Route"),
        ("GET", _) => json!({"type": "object"}),
        _ => named("Written"),
    };
    ("application/json", schema)
}

/// What a route of the API answers with, whole: nothing in it is said elsewhere.
pub(crate) fn answer_alone(row: &Row) -> Value {
    let (_, mut schema) = answer_of(row);
    inline(&mut schema, &schemas());
    schema
}

fn inline(schema: &mut Value, all: &Value) {
    let named = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next());
    if let Some(found) = named.map(|name| all[name].clone()) {
        *schema = found;
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(|value| inline(value, all)),
        Value::Array(items) => items.iter_mut().for_each(|value| inline(value, all)),
        _ => {}
    }
}

/// Whether what is posted there answers with a run of a plan.
fn runs_a_plan(path: &str) -> bool {
    let of_flows = ["/plans/", "/workflows/", "/sagas/"];
    let starts = path.ends_with("/start") && of_flows.iter().any(|part| path.contains(part));
    let about = path.contains("/plan-runs/");
    let about = about && !path.ends_with("/cancel") && !path.ends_with("/signal");
    starts || about || path.ends_with("/submit")
}

fn schemas() -> Value {
    let text = || json!({"type": "string"});
    let maybe = || json!({"type": ["string", "null"]});
    let number = || json!({"type": "integer"});
    let of = |required: &[&str], properties: Value| {
        let kind = "object";
        json!({"type": kind, "required": required, "properties": properties})
    };
    json!({
        "Role": {"enum": ["external", "staff", "admin", "owner"]},
        "Problem": of(
            &["type", "title", "status", "detail", "code", "help"],
            json!({"type": text(), "title": text(), "status": number(), "detail": text(),
                "code": {"type": "string", "pattern": "^N[0-9]{4}$"}, "help": text()}),
        ),
        "Written": of(&[], json!({"seq": number()})),
        "Agent": of(
            &["name", "status", "tier", "runs", "failed", "version"],
            json!({"name": text(), "template": maybe(), "status": text(), "waits_for": maybe(),
                "lacks_models": {"type": "array", "items": text()},
                "tier": text(),
                "runs": number(), "failed": number(), "version": number(),
                "description": text(), "component": maybe(), "last_run": maybe(),
                "budget": {"type": ["object", "null"]}}),
        ),
        "Run": of(
            &["run", "task", "agent", "status", "tier", "output", "cost_micros", "steps", "seq"],
            json!({"run": text(), "task": text(), "agent": text(), "status": text(),
                "tier": text(), "output": maybe(), "cost_micros": number(), "steps": number(),
                "problem": {"type": ["object", "null"]}, "input": text(),
                "steps_detail": {"type": "array", "items": {"type": "object"}},
                "steps_next": maybe(), "waits": maybe(),
                "what_if": {"type": ["object", "null"]},
                "what_ifs": {"type": "array", "items": text()},
                "seq": number()}),
        ),
        "Beside": of(
            &["run", "of", "from", "with", "original", "what_if", "own_turns", "same", "diff",
                "cut"],
            json!({"run": text(), "of": text(), "from": number(), "with": {"type": "object"},
                "original": {"type": "object"}, "what_if": {"type": "object"},
                "own_turns": number(), "same": {"type": "boolean"},
                "diff": {"type": "array", "items": {"type": "object"}},
                "cut": {"type": "boolean"}}),
        ),
        "LogLine": of(
            &["number", "time", "run", "agent", "attempt", "call", "level", "text", "cut_bytes"],
            json!({"number": number(), "time": text(), "run": text(), "agent": text(),
                "attempt": number(), "call": number(),
                "level": {"enum": ["debug", "info", "warn", "error"]}, "text": text(),
                "cut_bytes": number()}),
        ),
        "Task": of(
            &["task", "title", "status"],
            json!({"task": text(), "title": text(), "status": text(), "agent": maybe(),
                "tier": maybe(), "run": maybe(), "plan": maybe(), "step": maybe(),
                "priority": text(), "due": maybe(),
                "labels": {"type": "array", "items": text()}, "waits": maybe()}),
        ),
        "PlanRun": of(
            &["run", "kind", "name", "status", "output", "steps", "seq"],
            json!({"run": text(), "kind": text(), "name": text(), "status": text(), "output": {},
                "paused": maybe(), "paused_with": maybe(), "waits": maybe(),
                "correlation": text(),
                "causation": maybe(), "cost_micros": number(),
                "steps": {"type": "array", "items": {"type": "object"}}, "seq": number()}),
        ),
        "Approval": of(
            &["approval", "title", "status", "seen"],
            json!({"approval": text(), "title": text(), "status": text(), "seen": text(),
                "plan": maybe(), "run": maybe(), "step": maybe(), "body": text()}),
        ),
        "Answers": of(
            &["decided", "left", "items"],
            json!({"decided": number(), "left": number(), "items": {"type": "array", "items": of(
                &["approval", "decided"],
                json!({"approval": text(), "decided": {"type": "boolean"}, "plan": maybe(),
                    "run": maybe(), "seq": number(), "code": text(), "what": text(),
                    "help": text()}))}}),
        ),
        "Schedule": of(
            &["name", "kind", "status", "when", "next", "runs", "missed", "starts"],
            json!({"name": text(), "kind": {"enum": ["schedule", "instruction"]},
                "status": {"enum": ["active", "waiting", "paused", "ended", "disabled"]},
                "when": text(), "timezone": maybe(),
                "next": {"type": "array", "items": text()}, "last": maybe(),
                "last_run": maybe(), "runs": number(), "missed": number(),
                "starts": {"type": "object"}, "waits_for": maybe(), "unfit": maybe(),
                "missed_runs": {},
                "jitter_ms": number(),
                "overlap": {"enum": ["allow", "skip", "wait"]}, "waits": maybe(),
                "until": maybe(), "count": {"type": ["integer", "null"]},
                "description": text(), "version": number(),
                "problem": {"type": ["object", "null"]}, "seq": number()}),
        ),
        "Document": of(
            &["path"],
            json!({"path": text(), "version": {"type": ["integer", "null"]}, "bytes": number(),
                "time": text(), "by": text(), "run": maybe(), "text": text(),
                "media_type": text(), "base64": text(), "seq": number()}),
        ),
        "Me": of(
            &["member", "name", "role", "tenant"],
            json!({"member": text(), "name": text(), "tenant": text(),
                "role": {"enum": ["external", "staff", "admin", "owner"]}}),
        ),
        "Proof": of(
            &["ok", "entries", "root", "checkpoints", "first_bad"],
            json!({"ok": {"type": "boolean"}, "entries": number(), "root": text(),
                "checkpoints": number(), "first_bad": {"type": ["integer", "null"]},
                "fault": maybe(), "others": number(),
                "damaged": {"type": "array", "items": {"type": "object"}}}),
        ),
        "Costs": of(
            &["budgets", "agents"],
            json!({"budgets": {"type": "array", "items": {"type": "object"}},
                "agents": {"type": "array", "items": {"type": "object"}},
                "models": {"type": ["array", "null"], "items": {"type": "object"}}}),
        ),
        "Recalled": of(
            &["items", "fit", "passages", "documents", "left_out", "by"],
            json!({"items": {"type": "array", "items": {"type": "object"}}, "fit": number(),
                "passages": number(), "documents": number(), "left_out": number(),
                "by": text(), "by_letters": maybe(), "next": {}, "seq": number()}),
        ),
        "Status": of(
            &["version", "tenant", "agents", "runs", "journal", "seq"],
            json!({"version": text(), "tenant": text(), "tenants": number(),
                "agents": {"type": "array", "items": {"type": "object"}},
                "runs": {"type": "object"}, "journal": {"type": "object"},
                "dead_letters": {"type": "object"}, "recall": text(),
                "disk_bytes": {"type": ["integer", "null"]}, "seq": number()}),
        ),
        "Route": of(
            &["tier", "target", "permitted", "considered"],
            json!({"tier": maybe(), "target": maybe(), "confidence": {"type": ["number", "null"]},
                "permitted": {"type": "boolean"}, "cached": {"type": "boolean"},
                "considered": {"type": "array", "items": {"type": "object"}}}),
        ),
        "Driver": driver(),
        "Notice": of(
            &["notice", "to", "what", "status", "attempts", "raised"],
            json!({"notice": text(), "to": text(), "what": text(), "about": maybe(),
                "status": {"enum": ["pending", "delivered", "given_up", "withdrawn"]},
                "attempts": number(), "raised": text(), "ended": maybe(), "retry_at": maybe(),
                "problem": {"type": ["object", "null"]}, "answer": maybe(), "seq": number()}),
        ),
        "AuditRow": of(
            &["seq", "time", "tenant", "action", "subject", "actor", "run", "detail", "hash"],
            json!({"seq": number(), "time": text(), "tenant": text(), "action": text(),
                "subject": text(), "actor": text(), "run": maybe(), "detail": maybe(),
                "hash": text(), "line": text()}),
        ),
    })
}
