//! `nexus.config.yaml`, in both spellings, and what is wrong with it.

mod common;

use common::{applied, bad, good};
use naos_manifest::RecallEmbedder;
use naos_types::spec::{Handler, Kind, OnExceed};
use naos_types::{Micros, Period, Span};

const FULL: &str = "\
project: demo
version: 1.0
agents:
  reader:
    template: researcher
    autoStart: false
    description: reads
    patterns: [read notes]
    wasm: {fuel: 20000000, memoryPages: 256}
    execution: {timeoutSeconds: 10}
    cost: {budget: $10/day, alertAt: 0.5, action: warn}
    grants: {state: true, context: {read: [/notes]}, http: {hosts: [api.example.com]}, clock: true}
    axis: {auid: 'axis:x'}
    env: {A: b}
  caller:
    source: agents/caller.wasm
    sandbox: {memory_limit: 32MB, cpu_timeout: 5s, network: restricted, allowed_hosts: [a.b], \
    filesystem: readonly}
  short: analyzer
skills:
  total:
    patterns: ['total of {what}']
    handler: {template: 'x {{ what }}'}
    costPerCall: $0.001
  add:
    patterns: add
    handler: skills/sum.wasm
cost:
  budget: $50/month
  budgets:
    caller: {limit: 1000, period: day, onExceed: hold}
    short: {daily: 250}
  models:
    gpt: {inputCostPer1k: 0.01, outputCostPer1k: 0.03}
supervisors:
  top: {strategy: one_for_one, children: [reader], window_secs: 60}
sagas:
  pay: {steps: [{name: a, agent: reader, compensate: caller}], timeout: 300}
workflows:
  flow: {steps: [reader, caller], onError: skip, retryDelay: 5}
pools:
  crew: {agent: reader, size: 3, strategy: least-busy, autoScale: {enabled: true}}
broker:
  enabled: true
  preferences: {preferLocal: true, maxLLMCost: 500, confidenceThreshold: .85}
  cache: {enabled: true, ttl: 1h}
network:
  dashboard: {host: 127.0.0.1, port: 4300, cors: false}
  timeout: 30000
logging: {level: debug, format: json, auditRetention: 90}
trust: {provider: axis, minimumTier: T3, tierOrder: ascending}
edge: {provider: cloudflare, accountId: x}
database: {path: data/nexus.db, walMode: true}
wasm: {defaultFuel: 1000000, enableSIMD: true}
audit: {retention_days: 90, export_format: json}
recall: {model: models/potion, cosineMin: 0.4}
";

#[test]
fn both_spellings_are_read() {
    let applied = applied("nexus.config.yaml", FULL).unwrap();
    assert_eq!(applied.warnings, []);
    let project = applied.project.as_ref().unwrap();
    assert_eq!(project.name.as_deref(), Some("demo"));
    assert_eq!(project.version.as_deref(), Some("1.0"));
    assert_eq!(project.dashboard.port, Some(4300));
    assert_eq!(project.broker.confidence_min, Some(8_500));
    assert_eq!(project.broker.model_cost_max, Some(Micros(5_000_000)));
    assert_eq!(project.logging.audit_retention_days, Some(90));
    let recall = project.recall.as_ref().unwrap();
    assert_eq!(recall.embedder, RecallEmbedder::Model);
    assert_eq!(recall.model.as_deref(), Some("models/potion"));
    assert_eq!((recall.cosine_min, recall.is_wrong), (Some(4_000), false));
    let reader = &applied.agents[0].1;
    assert!(!reader.auto_start);
    assert_eq!(reader.spec.template.as_deref(), Some("researcher"));
    assert_eq!(reader.spec.limits.fuel_max, 20_000_000);
    assert_eq!(reader.spec.limits.memory_bytes_max, 16 << 20);
    assert_eq!(reader.spec.limits.wall_max, Span::secs(10));
    assert!(reader.spec.grants.state && reader.spec.grants.clock && !reader.spec.grants.ask);
    assert_eq!(reader.spec.grants.context_read, ["/notes"]);
    assert_eq!(reader.spec.grants.http_hosts, ["api.example.com"]);
    let caller = &applied.agents[1].1;
    assert_eq!(caller.source.as_deref(), Some("agents/caller.wasm"));
    assert_eq!(caller.spec.template, None);
    assert_eq!(caller.spec.grants.http_hosts, ["a.b"]);
    assert_eq!(caller.spec.grants.context_read, ["/"]);
    assert_eq!(caller.spec.limits.memory_bytes_max, 32 << 20);
    assert_eq!(
        applied.agents[2].1.spec.template.as_deref(),
        Some("analyzer")
    );
    let total = &applied.skills[0].1.spec;
    assert_eq!(total.cost_per_call, Micros(1_000));
    assert_eq!(total.handler, Handler::Template("x {{ what }}".into()));
    let add = &applied.skills[1].1;
    assert_eq!(add.source.as_deref(), Some("skills/sum.wasm"));
    let budget = |name: &str| {
        let found = applied
            .budgets
            .iter()
            .find(|(agent, _)| agent.as_str() == name);
        found
            .map(|(_, b)| (b.limit.0, b.period, b.on_exceed, b.alert_percent))
            .unwrap()
    };
    assert_eq!(
        budget("reader"),
        (10_000_000, Period::Day, OnExceed::Alert, 50)
    );
    assert_eq!(
        budget("caller"),
        (10_000_000, Period::Day, OnExceed::Hold, 80)
    );
    assert_eq!(
        budget("short"),
        (2_500_000, Period::Day, OnExceed::Pause, 80)
    );
    let overall = applied.overall_budget.as_ref().unwrap();
    assert_eq!(
        (overall.limit.0, overall.period),
        (50_000_000, Period::Month)
    );
    let kinds: Vec<Kind> = applied.kept.iter().map(|kept| kept.kind).collect();
    assert_eq!(kinds, [Kind::Model]);
    assert_eq!(applied.supervisors[0].1.window, Span::secs(60));
    assert_eq!(applied.pools.len(), 1);
    let flows: Vec<Kind> = applied.flows.iter().map(|(kind, _, _)| *kind).collect();
    assert_eq!(flows, [Kind::Saga, Kind::Workflow]);
}

#[test]
fn mistakes_have_a_place_and_a_suggestion() {
    let name = "nexus.config.yaml";
    for (text, expected) in [
        (
            "project: x\nversion: 1\nagnets:\n  a: {}\n",
            "nexus.config.yaml:3:1: unknown key `agnets`; did you mean `agents`?",
        ),
        (
            "agents:\n  a:\n    templte: echo\n",
            "nexus.config.yaml:3:5: unknown key `templte`; did you mean `template`?",
        ),
        (
            "agents:\n  Bad Name: {template: echo}\n",
            "nexus.config.yaml:2:3: \"Bad Name\": a name is made of a-z, 0-9 and -, beginning \
             with a \
             letter: 'B' can't stand here; `bad-name` would be one",
        ),
        (
            "agents: [a]\n",
            "nexus.config.yaml:1:9: `agents` is a map by name, not a list",
        ),
        ("agents:\n  a:\n", "nexus.config.yaml:2:3: `a` says nothing"),
        (
            "agents:\n  a: {autoStart: maybe}\n",
            "nexus.config.yaml:2:18: `auto_start` is true or false, not text",
        ),
        (
            "agents:\n  a: {autoStart: true, auto_start: false}\n",
            "nexus.config.yaml:2:24: `autoStart` and `auto_start` say the same; keep one",
        ),
        (
            "agents:\n  a: {cost: {budget: a lot}}\n",
            "nexus.config.yaml:2:22: `budget` is money such as $10/day, or a number of cents",
        ),
        (
            "agents:\n  a: {wasm: {memoryPages: 1}}\n",
            "nexus.config.yaml:2:27: `memory_pages` is from 16 to 65536",
        ),
        (
            "agents:\n  a: {execution: {memoryLimit: 12 parsecs}}\n",
            "nexus.config.yaml:2:32: `memory_limit` is a size such as 256MB",
        ),
        (
            "agents:\n  a: {sandbox: {network: closed}}\n",
            "nexus.config.yaml:2:26: `network` can't be \"closed\"; known here: none, restricted, \
             open",
        ),
        (
            "cost:\n  budgets:\n    a: {limit: 5, period: fortnight}\n",
            "nexus.config.yaml:3:27: `period` can't be \"fortnight\"; known here: day, month, \
             total",
        ),
        (
            "supervisors:\n  s: {strategy: one-for-al, children: []}\n",
            "nexus.config.yaml:2:17: `strategy` can't be \"one-for-al\"; did you mean \
             `one-for-all`?",
        ),
        (
            "supervisors:\n  s: {maxRestart: 3, children: [a]}\n",
            "nexus.config.yaml:2:7: unknown key `maxRestart`; did you mean `max_restarts`?",
        ),
        (
            "pools:\n  p: {size: 0}\n",
            "nexus.config.yaml:2:13: `size` is from 1 to 1024",
        ),
        (
            "skills:\n  s: {patterns: [a], handler: x.wasm}\n",
            "nexus.config.yaml:2:31: the component x.wasm can't be read: no such file",
        ),
        (
            "skills:\n  s: {patterns: [a], handler: {template: '{{ nosuch }}'}}\n",
            "nexus.config.yaml:2:45: unknown name `nosuch`",
        ),
        (
            "skills:\n  s: {patterns: ['a {b}'], handler: {cel: scope}}\n",
            "nexus.config.yaml:2:43: [\"b\"]",
        ),
        (
            "skills:\n  s: {handler: {cel: a, lookup: {a: b}}}\n",
            "nexus.config.yaml:2:6: a skill has 1 to 64 `patterns`\n\
             nexus.config.yaml:2:16: a handler is one thing; keep one of `template`, `cel`, \
             `lookup` and `wasm`",
        ),
        (
            "logging: {level: loud}\n",
            "nexus.config.yaml:1:18: `level` can't be \"loud\"; known here: error, warn, info, \
             debug, trace",
        ),
        (
            "network: {dashboard: {port: 70000}}\n",
            "nexus.config.yaml:1:29: `port` is from 0 to 65535",
        ),
        (
            "broker: {confidenceThreshold: 85}\n",
            "nexus.config.yaml:1:31: a confidence is from 0 to 1, with at most four decimals",
        ),
        (
            "recall: {embedder: modell}\n",
            "nexus.config.yaml:1:20: `embedder` can't be \"modell\"; did you mean `model`?",
        ),
        (
            "recall: {embedder: model}\n",
            "nexus.config.yaml:1:9: `recall` goes by a model, and doesn't say where it is; \
             its folder beside this file, such as model: models/potion-base-8M",
        ),
        (
            "recall: {model: a, cosine_min: 2}\n",
            "nexus.config.yaml:1:32: `cosine_min` is from 0 to 1, with at most four decimals",
        ),
        ("a: b: c\n", "nexus.config.yaml:1:5: "),
        (
            "project: x\nproject: y\n",
            "nexus.config.yaml:2:1: the key `project` stands twice",
        ),
        ("agents:\n\ta: {}\n", "nexus.config.yaml:2:1: "),
        ("project: !py/object x\n", "nexus.config.yaml:1:10: "),
    ] {
        let found = bad(name, text);
        if expected.ends_with(": ") {
            assert!(found.starts_with("nexus.config.yaml:"), "{found}");
        } else {
            assert_eq!(found, expected, "{text}");
        }
    }
}

#[test]
fn a_wrong_section_isnt_taken_for_one_that_says_nothing() {
    let none = naos_manifest::NoFiles;
    for (text, wrong) in [
        ("recall: {embedder: letters, model: models/potion}\n", false),
        ("recall: {}\nlogging: {level: loud}\n", false),
        ("recall: {embedder: modell}\n", true),
        ("recall: {mdoel: models/potion}\n", true),
        ("recall: [model]\n", true),
    ] {
        let name = "nexus.config.yaml";
        let (read, _) = naos_manifest::parse_all(name, text, &none, &naos_manifest::NoChecks);
        let recall = read.project.unwrap().recall.unwrap();
        assert_eq!(recall.is_wrong, wrong, "{text}");
        assert_eq!(recall.embedder, RecallEmbedder::Letters, "{text}");
    }
}

#[test]
fn supervisors_make_a_tree() {
    let chain: String = (0..11)
        .map(|i| format!("  s{i}: {{children: [s{}]}}\n", i + 1))
        .collect();
    for (text, expected) in [
        (
            "  a: {children: [b]}\n  b: {children: [c, {name: a}]}\n",
            "f:2:3: the supervisors go in a circle: a → b → a",
        ),
        (
            "  a: {children: [a]}\n",
            "f:2:3: the supervisors go in a circle: a → a",
        ),
        (
            "  a: {children: [c]}\n  b: {children: [c]}\n",
            "f:3:3: c has two supervisors: a and b",
        ),
        (&chain, "f:12:3: more than 10 levels of supervisors"),
    ] {
        let found = bad("f", &format!("supervisors:\n{text}"));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn warnings_are_no_errors() {
    let warned = |text: &str| -> Vec<String> {
        good(text)
            .warnings
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(
        warned("trust: {provider: axis, minimumTier: T3}"),
        [
            "f.yaml:1:8: `trust` names tiers without saying which is the best; T5 is taken as the \
             best; \
          write `tier_order: descending` where T1 is"
        ]
    );
    assert_eq!(warned("agents: {a: {wasm: {fuel: 1000}}}").len(), 1);
    assert_eq!(
        warned("agents: {a: {cost_per_call: $0.05, budget: {limit: $0.01, period: day}}}"),
        [
            "f.yaml:1:13: a run reserves $0.05, the budget is $0.01: none will begin; raise the \
             budget, or lower `cost_per_call`"
        ]
    );
    assert_eq!(
        warned("mcpServers: {Big_Files: {url: 'https://files.example/mcp'}}"),
        [
            "f.yaml:1:25: the server \"Big_Files\" is called big-files here; agents name its tools \
             by that name"
        ]
    );
    assert_eq!(
        warned("agents: {a: {capabilities: {network: true}}}").len(),
        1
    );
    assert_eq!(
        warned("cost: {budgets: {a: {daily: 1, monthly: 2}}}").len(),
        1
    );
    assert_eq!(
        warned("cost: {budgets: {a: {limit: 1, onExceed: throttle}}}").len(),
        1
    );
}

#[test]
fn kinds_are_found_by_shape() {
    for (text, expected) in [
        ("type: agent\nname: a\ntemplate: echo", "agent a"),
        (
            "agent: {name: a, template: echo, cost: $1/day}",
            "agent a, budget a",
        ),
        (
            "name: s\npatterns: [x]\nhandler: {lookup: {a: 1}}",
            "skill s",
        ),
        (
            "type: skill\nid: s\npatterns: [x]\nhandler: {cel: '1'}",
            "skill s",
        ),
        (
            "skills: [{name: s, patterns: [x], handler: {cel: '1'}}]",
            "skill s",
        ),
        ("type: budget\nagent: a\nlimit: $1/month", "budget a"),
        (
            "type: schedule\nname: s\nschedule: '0 9 * * *'\nagent: a",
            "schedule s",
        ),
        ("name: a b\nsteps: [{name: x, task: y}]", "plan a-b"),
        ("condition: a > 1\naction: deny\nname: P", "policy p"),
        ("lesson: {name: l, anything: [goes]}", "lesson l"),
        (
            "type: agent\nname: a\n---\ntype: agent\nname: b\n",
            "agent a, agent b",
        ),
        (
            "[{type: agent, name: a}, {type: agent, name: b}]",
            "agent a, agent b",
        ),
        (
            "{\"type\": \"agent\", \"name\": \"a\", \"patterns\": [\"\\u00e9\"]}",
            "agent a",
        ),
        (
            "&x {type: agent, name: a, env: &e {k: v}, metadata: *e}",
            "agent a",
        ),
    ] {
        let applied = good(text);
        let mut found: Vec<String> = Vec::new();
        found.extend(
            applied
                .agents
                .iter()
                .map(|(name, _)| format!("agent {name}")),
        );
        found.extend(
            applied
                .skills
                .iter()
                .map(|(name, _)| format!("skill {name}")),
        );
        found.extend(applied.plans.iter().map(|(name, _)| format!("plan {name}")));
        found.extend(
            applied
                .budgets
                .iter()
                .map(|(name, _)| format!("budget {name}")),
        );
        let schedules = applied.schedules.iter();
        found.extend(schedules.map(|(name, _)| format!("schedule {name}")));
        found.extend(
            applied
                .kept
                .iter()
                .map(|kept| format!("{} {}", kept.kind.word(), kept.name)),
        );
        assert_eq!(found.join(", "), expected, "{text}");
    }
}

#[test]
fn what_has_no_kind_is_told_what_there_is() {
    for (text, expected) in [
        (
            "type: agnet\nname: a",
            "f:1:7: no kind is called \"agnet\"; did you mean `agent`?",
        ),
        (
            "agnets: {a: {}}",
            "f:1:1: unknown key `agnets`; did you mean `agents`?",
        ),
        ("type: agent", "f:1:1: this agent has no `name`"),
        (
            "hello",
            "f:1:1: a document is a map, not text; say `type: KIND`",
        ),
        ("", "f:1:1: the document is empty"),
        ("# only a remark\n", "f:1:1: the document is empty"),
        (
            "xylophone: 1",
            "f:1:1: this is no document that naos knows; say `type: KIND`",
        ),
        (
            "name: x\ncondition: a\naction: blok",
            "f:3:9: `action` can't be \"blok\"",
        ),
        (
            "trigger: {schedule: 0 0 31 2 *}\nplan: [{emit: a}]\nname: x",
            "f:1:21: there is no day 31 in FEB",
        ),
        (
            "name: i\ntrigger: {event: e}\nplan: [{id: a, emit: x, depends_on: [b]}]",
            "f:3:38: there is no step `b`; did you mean `a`?",
        ),
        (
            "name: i\ntrigger: {event: e}\nplan: [{id: a}]",
            "f:3:8: a step of an instruction has `emit`, or `action` and `event`",
        ),
        (
            "condition: nosuch > 1\naction: deny\nname: p",
            "f:1:12: unknown name `nosuch`",
        ),
        (
            "type: agent\nname: a\n---\ntype: agent\nname: a",
            "f:1:1: agent a is there twice",
        ),
        (
            "m: {provider: x, cost_per_1k_tokens: {input: free}}",
            "f:1:46: the price for input is a number with at most nine decimals",
        ),
    ] {
        let found = bad("f", text);
        assert!(found.starts_with(expected), "{text}\n{found}");
    }
}

/// Two spellings of the same.
#[test]
fn every_alias_says_the_same() {
    for (ours, theirs) in [
        ("project: a\nagents: {}", "name: a\nagents: {}"),
        ("project: {name: a}", "project: a"),
        (
            "agents: {a: {auto_start: false}}",
            "agents: {a: {autoStart: false}}",
        ),
        (
            "agents: {a: {cost_per_call: $1}}",
            "agents: {a: {costPerCall: 100}}",
        ),
        (
            "agents: {a: {source: x.wasm}}",
            "agents: {a: {component: x.wasm}}",
        ),
        ("agents: {a: {template: echo}}", "agents: {a: echo}"),
        (
            "agents: {a: {limits: {memory: 16MB}}}",
            "agents: {a: {wasm: {memoryPages: 256}}}",
        ),
        (
            "agents: {a: {limits: {memory: 16MB}}}",
            "agents: {a: {wasm: {memory_pages: 256}}}",
        ),
        (
            "agents: {a: {limits: {memory: 16MB}}}",
            "agents: {a: {execution: {memoryLimit: 16MB}}}",
        ),
        (
            "agents: {a: {limits: {memory: 16MB}}}",
            "agents: {a: {sandbox: {memory_limit: 16MiB}}}",
        ),
        (
            "agents: {a: {limits: {timeout: 5s}}}",
            "agents: {a: {execution: {timeoutSeconds: 5}}}",
        ),
        (
            "agents: {a: {limits: {timeout: 5s}}}",
            "agents: {a: {execution: {timeout_seconds: 5}}}",
        ),
        (
            "agents: {a: {limits: {timeout: 5s}}}",
            "agents: {a: {sandbox: {cpu_timeout: 5s}}}",
        ),
        (
            "agents: {a: {limits: {fuel: 50000000}}}",
            "agents: {a: {wasm: {fuel: 50000000}}}",
        ),
        (
            "agents: {a: {grants: {http_hosts: [x.y]}}}",
            "agents: {a: {grants: {httpHosts: x.y}}}",
        ),
        (
            "agents: {a: {grants: {http_hosts: [x.y]}}}",
            "agents: {a: {grants: {http: [x.y]}}}",
        ),
        (
            "agents: {a: {grants: {http_hosts: [x.y]}}}",
            "agents: {a: {grants: {http: {hosts: [x.y]}}}}",
        ),
        (
            "agents: {a: {grants: {http_hosts: [x.y]}}}",
            "agents: {a: {capabilities: {network: [x.y]}}}",
        ),
        (
            "agents: {a: {grants: {http_hosts: [x.y]}}}",
            "agents: {a: {sandbox: {network: restricted, allowed_hosts: [x.y]}}}",
        ),
        (
            "agents: {a: {grants: {context_read: [/]}}}",
            "agents: {a: {sandbox: {filesystem: readonly}}}",
        ),
        (
            "agents: {a: {grants: {context_read: [/]}}}",
            "agents: {a: {capabilities: {fileRead: true}}}",
        ),
        (
            "agents: {a: {grants: {context_read: [/x]}}}",
            "agents: {a: {capabilities: {fileRead: [/x]}}}",
        ),
        (
            "agents: {a: {grants: {context_write: [/x]}}}",
            "agents: {a: {capabilities: {file_write: /x}}}",
        ),
        (
            "agents: {a: {grants: {context_read: [/x]}}}",
            "agents: {a: {grants: {context: {read: /x}}}}",
        ),
        (
            "agents: {a: {grants: {context_write: [/x]}}}",
            "agents: {a: {grants: {contextWrite: /x}}}",
        ),
        (
            "agents: {a: {cost: $10/day}}",
            "agents: {a: {cost: {budget: 10.00, period: day}}}",
        ),
        (
            "agents: {a: {cost: $10/day}}",
            "agents: {a: {budget: 1000}}",
        ),
        (
            "agents: {a: {retry: {attempts: 3}}}",
            "agents: {a: {retry: {maxAttempts: 3}}}",
        ),
        (
            "cost: {budgets: {a: $10/day}}",
            "cost: {budgets: {a: {limit: 1000, period: daily}}}",
        ),
        (
            "cost: {budgets: {a: $10/day}}",
            "cost: {budgets: {a: {daily: 1000}}}",
        ),
        (
            "cost: {budgets: {a: $10/day}}",
            "budgets: {a: {limit: 1000, onExceed: pause, alertAt: 80}}",
        ),
        (
            "cost: {budgets: {a: $10/month}}",
            "cost: {budgets: {a: {monthly: 1000}}}",
        ),
        ("cost: $10/day", "cost: {budget: $10/day}"),
        ("cost: $10/day", "cost: {global: {daily: 1000}}"),
        ("cost: $10/day", "cost: {default_budget: $10/day}"),
        (
            "cost: {budget: $1/day, on_exceed: alert}",
            "cost: {budget: $1/day, enforcement: soft}",
        ),
        (
            "cost: {budget: $1/day, on_exceed: alert}",
            "cost: {budget: $1/day, hard_limit: false}",
        ),
        (
            "cost: {budget: $1/day, alert_at: 80}",
            "cost: {budget: $1/day, alert_threshold: 0.8}",
        ),
        (
            "broker: {confidence_threshold: 0.9}",
            "broker: {confidenceThreshold: .90}",
        ),
        (
            "broker: {prefer_local: true}",
            "broker: {preferences: {preferLocal: true}}",
        ),
        (
            "broker: {prefer_local: true}",
            "broker: {routing: {preferSkill: true}}",
        ),
        (
            "broker: {max_llm_cost: 500}",
            "broker: {preferences: {maxLLMCost: $5}}",
        ),
        (
            "broker: {fallback_model: m}",
            "broker: {routing: {llmModel: m}}",
        ),
        ("broker: {cache: true}", "broker: {cache: {enabled: true}}"),
        (
            "logging: {audit_retention: 9}",
            "logging: {auditRetention: 9}",
        ),
        (
            "supervisors: {s: {children: [a], max_restarts: 1}}",
            "supervisors: {s: {children: [a], maxRestarts: 1}}",
        ),
        (
            "supervisors: {s: {children: [a], restart_window: 9}}",
            "supervisors: {s: {children: [a], window_secs: 9}}",
        ),
        (
            "supervisors: {s: {children: [a], strategy: one-for-one}}",
            "supervisors: {s: {children: [a], strategy: one_for_one}}",
        ),
        (
            "workflows: {w: {steps: [a], on_error: skip}}",
            "workflows: {w: {steps: [a], onError: skip}}",
        ),
        (
            "pools: {p: {agent: a, min_size: 1}}",
            "pools: {p: {agent: a, minSize: 1}}",
        ),
        (
            "trust: {minimum_tier: T3, tier_order: ascending}",
            "trust: {minimumTier: T3, tierOrder: ascending}",
        ),
        ("edge: {account_id: x}", "edge: {accountId: x}"),
        ("database: {wal_mode: true}", "database: {walMode: true}"),
        ("wasm: {enable_simd: true}", "wasm: {enableSIMD: true}"),
        ("audit: {retention_days: 9}", "audit: {retentionDays: 9}"),
        (
            "skills: {s: {patterns: [a], handler: {cel: '1'}, cost_per_call: 1}}",
            "skills: {s: {patterns: a, handler: {expression: '1'}, costPerCall: $0.01}}",
        ),
    ] {
        let mut pair = [good(ours), good(theirs)];
        for applied in &mut pair {
            applied.warnings.clear();
            for (_, agent) in &mut applied.agents {
                agent.source = agent.source.take().filter(|source| source.contains('.'));
            }
        }
        assert_eq!(pair[0], pair[1], "{ours} / {theirs}");
    }
}
