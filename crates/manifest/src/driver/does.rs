//! Who does a driver's work where its manifest says so itself: naos, or an agent that works with a
//! model; and what a manifest says that changes nothing.

use naos_types::spec::{BudgetSpec, DriverKind, Native, OnExceed, Tool, ToolGrant};
use naos_types::{Grants, Micros, Period};

use crate::agent::{self, AgentDoc};
use crate::checks::Checks;
use crate::diagnostic::{Findings, meant};
use crate::reader::{self, Fields};
use crate::tree::{Field, Node, Value};

/// What says that an agent works with a model.
const MIND: &[&str] = &["model", "models", "system_prompt", "systemPrompt", "prompt"];
/// What else such an agent's manifest may say.
const MORE: &[&str] = &[
    "tools",
    "skills",
    "context",
    "documents",
    "limits",
    "cost",
    "budget",
    "temperature",
    "turns",
    "max_turns",
    "maxTurns",
    "answer_tokens",
    "max_tokens",
    "maxTokens",
    "tokens",
    "run_tokens",
    "context_tokens",
    "shown_tokens",
    "output_schema",
    "schema",
];
/// What such an agent may spend where its manifest says nothing: whoever publishes an event of its
/// types lets it work.
const BUDGET: BudgetSpec = BudgetSpec {
    limit: Micros(1_000_000),
    period: Period::Day,
    on_exceed: OnExceed::Pause,
    alert_percent: 80,
};

fn said<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|found| found.value != Value::Null)
}

/// Of which kind its document says that it is.
pub(super) fn kind(node: &Node) -> Option<DriverKind> {
    let word = |key: &str| match said(node, key).map(|node| &node.value) {
        Some(Value::Text(word)) => DriverKind::parse(word),
        _ => None,
    };
    word("type").or_else(|| word("driver_type"))
}

/// What naos itself does in place of an agent.
pub(super) fn native(node: &Node, findings: &mut Findings) -> Option<Native> {
    let keys = ["builtin", "built_in", "builtIn"];
    let found = keys.iter().find_map(|key| said(node, key))?;
    let word = reader::text(found, "builtin", findings)?;
    if said(node, "endpoint")
        .or_else(|| said(node, "url"))
        .is_some()
    {
        let what = "a driver has an `agent`, an `endpoint` or is `builtin`, one of these";
        let help = "make a driver of each, with other `capabilities`";
        findings.error_help(found.at, what, help);
        return None;
    }
    let native = Native::parse(&word);
    if native.is_none() {
        let known: Vec<&str> = Native::ALL.iter().map(|(word, _)| *word).collect();
        let help = meant(&word, &known);
        findings.error_help(found.at, format!("nothing is built in as {word:?}"), help);
    }
    native
}

/// The documents that a driver may read and write that is built in.
pub(super) fn granted(native: Native, node: &Node, findings: &mut Findings) -> Grants {
    let mut grants = Grants::default();
    if let Value::Map(fields) = &node.value {
        let own: Vec<Field> = fields
            .iter()
            .filter(|field| field.key == "grants")
            .cloned()
            .collect();
        let only = Node {
            at: node.at,
            value: Value::Map(own),
        };
        if let Some(mut map) = Fields::of(&only, "a driver", findings) {
            grants = agent::grants(&mut map, findings);
        }
    }
    let at = said(node, "grants").map_or(node.at, |found| found.at);
    let (given, key) = match native {
        Native::ContextRead => (!grants.context_read.is_empty(), "context_read"),
        Native::ContextWrite => (!grants.context_write.is_empty(), "context_write"),
        Native::Notify | Native::Echo => (true, ""),
    };
    if !given {
        let what = format!("the driver does nothing: it is granted no documents (`{key}`)");
        let help = format!("write `grants: {{{key}: [Tasks/]}}`, as agents' manifests do");
        findings.warn(at, what, help);
    }
    let used = Grants {
        context_read: match native {
            Native::ContextRead => grants.context_read.clone(),
            _ => Vec::new(),
        },
        context_write: match native {
            Native::ContextWrite => grants.context_write.clone(),
            _ => Vec::new(),
        },
        ..Grants::default()
    };
    if used != grants {
        let what = format!("`grants` has more than `builtin: {}` uses", native.word());
        findings.warn(at, what, "leave out what changes nothing");
    }
    used
}

/// The agent that does the work of a driver of type `agent`, where its manifest says how it works
/// with a model: by the rules of `agents.NAME`.
pub(crate) fn mind(node: &Node, checks: &dyn Checks, findings: &mut Findings) -> Option<AgentDoc> {
    let by_other = ["agent", "endpoint", "url", "builtin", "built_in", "builtIn"];
    let works = MIND.iter().any(|key| said(node, key).is_some());
    if kind(node) != Some(DriverKind::Agent)
        || !works
        || by_other.iter().any(|key| said(node, key).is_some())
    {
        return None;
    }
    let Value::Map(fields) = &node.value else {
        return None;
    };
    let is_its = |key: &str| {
        MIND.contains(&key) || MORE.contains(&key) || matches!(key, "grants" | "description")
    };
    let mut own: Vec<Field> = fields
        .iter()
        .filter(|field| is_its(&field.key) && field.node.value != Value::Null)
        .cloned()
        .collect();
    for field in own.iter_mut().filter(|field| field.key == "tools") {
        known_tools(&mut field.node, findings);
    }
    // Without a model the cheapest that there is.
    if !own
        .iter()
        .any(|field| matches!(field.key.as_str(), "model" | "models"))
    {
        own.push(Field {
            key: "model".to_owned(),
            at: node.at,
            node: Node {
                at: node.at,
                value: Value::Text("any".to_owned()),
            },
        });
    }
    let only = Node {
        at: node.at,
        value: Value::Map(own),
    };
    let mut doc = agent::read(&only, checks, findings)?;
    doc.budget.get_or_insert(BUDGET);
    let needs = said(node, "resource_requirements");
    let timeout = needs.and_then(|needs| {
        let found = said(needs, "timeout").or_else(|| said(needs, "timeout_seconds"))?;
        // one that is no length of time was found before
        reader::span(found, "timeout", 1_000, &mut Findings::new(""))
    });
    if let Some(span) = timeout {
        doc.spec.limits.wall_max = span;
    }
    Some(doc)
}

/// Leaves out the tools that there aren't, and says which.
fn known_tools(node: &mut Node, findings: &mut Findings) {
    if let Value::Text(_) = &node.value {
        node.value = Value::List(vec![node.clone()]);
    }
    let Value::List(items) = &mut node.value else {
        return;
    };
    items.retain(|item| {
        let Value::Text(word) = &item.value else {
            return true; // whoever reads it says what is wrong
        };
        let known =
            Tool::parse(word).is_some() || word.contains('.') && ToolGrant::parse(word).is_some();
        if !known {
            let what = format!("there is no tool {word}: the driver's agent does without");
            let help = "name one of naos's own, or SERVER.TOOL of a server of tools";
            findings.warn(item.at, what, help);
        }
        known
    });
}

/// Says by name what changes nothing in this manifest.
pub(super) fn idle(
    node: &Node,
    kind: DriverKind,
    outside: bool,
    native: Option<Native>,
    findings: &mut Findings,
) {
    let agent = said(node, "agent").is_some();
    let works = MIND.iter().any(|key| said(node, key).is_some());
    let thinks = kind == DriverKind::Agent && works && !agent && !outside && native.is_none();
    let why = if thinks {
        None
    } else if agent {
        Some("its agent's own manifest says how that works")
    } else if outside {
        Some("who is asked at an address works as it likes")
    } else if native.is_some() {
        Some("what is built in works with no model")
    } else if kind != DriverKind::Agent {
        Some("only a driver with `type: agent` works with a model")
    } else {
        Some("its agent says it: write `model` or `system_prompt`, and this one is that agent")
    };
    let grants = native.is_none().then_some("grants");
    for key in MIND.iter().chain(MORE).copied().chain(grants) {
        if let (Some(found), Some(why)) = (said(node, key), why) {
            findings.warn(found.at, format!("`{key}` changes nothing here"), why);
        }
    }
    if let Some(found) = said(node, "dependencies").filter(|found| !found.items().is_empty()) {
        let what = "`dependencies` changes nothing: it is kept as it is written";
        let help = "a driver that isn't there yet is waited for, whoever names it";
        findings.warn(found.at, what, help);
    }
    if native.is_some()
        && let Some(found) = said(node, "config")
    {
        let why = "what is built in has nothing to set up";
        findings.warn(found.at, "`config` changes nothing here", why);
    }
    let own = outside || native.is_some();
    let Some(needs) = said(node, "resource_requirements") else {
        return;
    };
    for (key, used) in [
        ("memory", !own && !thinks),
        ("memory_mb", !own && !thinks),
        ("timeout", !own),
        ("timeout_seconds", !own),
    ] {
        if let Some(found) = said(needs, key).filter(|_| !used) {
            let why = match (native.is_some(), outside) {
                (true, _) => "what is built in answers at once",
                (_, true) => "write `timeout` beside `endpoint`",
                _ => "an agent that works with a model has no component",
            };
            findings.warn(found.at, format!("`{key}` changes nothing here"), why);
        }
    }
}
