//! `nexus.config.yaml`: the top-level keys, in both generations of their spelling.

mod sections;

use std::sync::Arc;

use naos_types::spec::{BudgetSpec, Kind};
use naos_types::{Micros, Name};
use serde_json::Value as Json;

use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::schema::{self, Key};
use crate::tree::{Node, Value};
use crate::{
    Applied, Reading, agent, amounts, budget, flow, kept, notice, pool, result_checks, schedule,
    skill, supervision,
};

/// The settings of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectConfig {
    /// Its name.
    pub name: Option<String>,
    /// Its version, as it was written.
    pub version: Option<String>,
    /// How the broker chooses.
    pub broker: BrokerConfig,
    /// Where the page is served.
    pub dashboard: DashboardConfig,
    /// What is logged.
    pub logging: LoggingConfig,
    /// How agents recall; none where nothing is said.
    pub recall: Option<RecallConfig>,
    /// Sections that this version checks and keeps: name and JSON.
    pub kept: Vec<(String, Json)>,
}

/// How the broker chooses; what isn't said is up to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Whether it is used at all.
    pub enabled: Option<bool>,
    /// Whether skills and agents go before models.
    pub prefer_local: Option<bool>,
    /// The least confidence, in ten-thousandths.
    pub confidence_min: Option<u16>,
    /// The most one model call may cost.
    pub model_cost_max: Option<Micros>,
    /// The model for what nobody else can do.
    pub fallback_model: Option<String>,
    /// Whether routes are remembered.
    pub cache: Option<bool>,
}

/// Where the page is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DashboardConfig {
    /// The address to listen on.
    pub host: Option<String>,
    /// The port; 0 is any.
    pub port: Option<u16>,
    /// Origins that may ask from elsewhere.
    pub cors: Vec<String>,
}

/// How agents recall: by what texts are put into one space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecallConfig {
    /// By what.
    pub embedder: RecallEmbedder,
    /// The folder of a model, as it was written.
    pub model: Option<String>,
    /// The least cosine at which texts have to do with each other, in ten-thousandths.
    pub cosine_min: Option<u16>,
    /// Whether something in it is wrong: whoever goes by it must not take it for less than it says.
    pub is_wrong: bool,
}

/// What puts texts into one space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecallEmbedder {
    /// The letters of words.
    #[default]
    Letters,
    /// A model on this machine.
    Model,
}

/// What is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggingConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Option<String>,
    /// `text` or `json`.
    pub format: Option<String>,
    /// Where to: `stderr`, `stdout` or a file.
    pub output: Option<String>,
    /// For how many days bodies are kept (the journal's hashes stay).
    pub audit_retention_days: Option<u32>,
}

/// The sections that are lists of resources which are read alike.
const SECTIONS: &[(&str, Kind)] = &[
    ("supervisors", Kind::Supervisor),
    ("sagas", Kind::Saga),
    ("workflows", Kind::Workflow),
    ("pools", Kind::Pool),
    ("policies", Kind::Policy),
    ("instructions", Kind::Instruction),
    ("drivers", Kind::Driver),
    ("models", Kind::Model),
    ("tools", Kind::Tool),
    ("mcpServers", Kind::Tool),
    ("mcp_servers", Kind::Tool),
    ("schedules", Kind::Schedule),
    ("uis", Kind::Ui),
    ("lessons", Kind::Lesson),
];

/// Whether a top-level key makes a document a project's configuration.
pub(crate) fn is_section(key: &str) -> bool {
    const OTHERS: &[&str] = &[
        "project",
        "agents",
        "skills",
        "plans",
        "budgets",
        "cost",
        "trust",
        "broker",
        "edge",
        "database",
        "logging",
        "wasm",
        "network",
        "audit",
        "notices",
        "subscriptions",
        "recall",
    ];
    OTHERS.contains(&key) || SECTIONS.iter().any(|(section, _)| *section == key)
}

pub(crate) fn read(node: &Node, reading: &Reading<'_>, out: &mut Applied, found: &mut Findings) {
    let Some(mut map) = Fields::of(node, "a configuration", found) else {
        return;
    };
    let mut project = ProjectConfig {
        name: name(&mut map, found),
        version: map.text(&["version"], found),
        ..ProjectConfig::default()
    };
    // What holds for whoever of them says nothing of it.
    let squad = result_checks::of_agents(&mut map, reading.checks, found).unwrap_or_default();
    each(
        &mut map,
        &["agents"],
        out,
        found,
        |name, node, out, found| {
            if let Some(mut doc) = agent::read(node, reading.checks, found) {
                if let Some(mind) = doc.spec.mind.as_mut().map(Arc::make_mut)
                    && node.get("checks").is_none()
                {
                    mind.checks.clone_from(&squad);
                }
                if let Some(budget) = doc.budget.take() {
                    out.budgets.push((name.clone(), budget));
                }
                out.agents.push((name, doc));
            }
        },
    );
    skills(&mut map, reading, out, found);
    each(
        &mut map,
        &["plans"],
        out,
        found,
        |name, node, out, found| {
            if let Some(mut map) = Fields::of(node, "a plan", found) {
                crate::plan::keep(name, &mut map, reading.checks, out, found);
                map.skip(&["name"]);
                map.finish(found);
            }
        },
    );
    each(
        &mut map,
        &["budgets"],
        out,
        found,
        |name, node, out, found| {
            out.budgets
                .extend(budget::read(node, found).map(|budget| (name, budget)));
        },
    );
    cost(&mut map, out, found);
    if let Some(node) = map.node(&["notices"], found) {
        out.notices.extend(notice::all(node, found));
    }
    if let Some(node) = map.node(&["subscriptions"], found) {
        let read = crate::subscription::all(node, reading.checks, found);
        out.subscriptions.extend(read);
    }
    for (section, kind) in SECTIONS {
        if let Some(node) = map.node(&[section], found) {
            if flow::is_flow(*kind) {
                let read = flow::all(*kind, node, reading.checks, found);
                out.flows.extend(read);
                continue;
            }
            if *kind == Kind::Pool {
                out.pools.extend(pool::all(node, found));
                continue;
            }
            if *kind == Kind::Schedule {
                out.schedules.extend(schedule::all(node, found));
                continue;
            }
            if *kind == Kind::Supervisor {
                out.supervisors.extend(supervision::all(node, found));
                continue;
            }
            out.kept
                .extend(kept::all(*kind, node, reading.checks, found));
        }
    }
    project.broker = broker(&mut map, &mut project.kept, found);
    settings(&mut map, &mut project, found);
    map.finish(found);
    out.project = Some(project);
}

fn name(map: &mut Fields<'_>, found: &mut Findings) -> Option<String> {
    let node = map.node(&["project", "name"], found)?;
    if !matches!(node.value, Value::Map(_)) {
        return reader::text(node, "project", found);
    }
    let mut own = Fields::of(node, "`project`", found)?;
    let name = own.text(&["name"], found);
    own.skip(&["version", "description"]);
    own.finish(found);
    name
}

/// Each entry of a map of names.
fn each(
    map: &mut Fields<'_>,
    names: &[&'static str],
    out: &mut Applied,
    found: &mut Findings,
    mut take: impl FnMut(Name, &Node, &mut Applied, &mut Findings),
) {
    let Some(node) = map.node(names, found) else {
        return;
    };
    match &node.value {
        Value::Map(fields) => {
            for field in fields {
                if let Some(name) = reader::name_text(&field.key, field.at, found) {
                    if field.node.value == Value::Null {
                        let what = format!("`{name}` says nothing");
                        found.error(field.at, what);
                        continue;
                    }
                    take(name, &field.node, out, found);
                }
            }
        }
        _ => {
            let what = format!("`{}` is a map by name, not {}", names[0], node.word());
            found.error(node.at, what);
        }
    }
}

/// A map by name, or a list in which each has its `name`.
fn skills(map: &mut Fields<'_>, reading: &Reading<'_>, out: &mut Applied, found: &mut Findings) {
    let list = |node: &Node| matches!(node.value, Value::List(_));
    let mut peek = None;
    if map.has("skills") {
        peek = map.node(&["skills"], found);
    }
    if let Some(node) = peek.filter(|node| list(node)) {
        let Value::List(items) = &node.value else {
            return;
        };
        for item in items {
            let Some(mut own) = Fields::of(item, "a skill", found) else {
                continue;
            };
            let name = own.name(&["name", "id"], found);
            let doc = skill::fields(&mut own, reading.files, reading.checks, found);
            own.finish(found);
            match (name, doc) {
                (Some(name), Some(doc)) => out.skills.push((name, doc)),
                (None, Some(_)) => found.error(item.at, "a skill has a `name`"),
                _ => {}
            }
        }
        return;
    }
    each(map, &["skills"], out, found, |name, node, out, found| {
        let Some(mut own) = Fields::of(node, "a skill", found) else {
            return;
        };
        own.skip(&["name"]);
        let doc = skill::fields(&mut own, reading.files, reading.checks, found);
        own.finish(found);
        out.skills.extend(doc.map(|doc| (name, doc)));
    });
}

fn cost(map: &mut Fields<'_>, out: &mut Applied, found: &mut Findings) {
    let Some(node) = map.node(&["cost"], found) else {
        return;
    };
    if !matches!(node.value, Value::Map(_)) {
        out.overall_budget = budget::read(node, found);
        return;
    }
    let Some(mut own) = Fields::of(node, "`cost`", found) else {
        return;
    };
    each(
        &mut own,
        &["budgets"],
        out,
        found,
        |name, node, out, found| {
            out.budgets
                .extend(budget::read(node, found).map(|budget| (name, budget)));
        },
    );
    let global = own.node(&["global", "default_budget", "defaultBudget"], found);
    let global = global.and_then(|node| budget::read(node, found));
    if let Some(node) = own.node(&["alerts"], found) {
        schema::read(node, "alerts", sections::ALERTS, found);
    }
    if let Some(node) = own.node(&["models"], found) {
        match &node.value {
            Value::Map(fields) => {
                let one = |field: &crate::tree::Field, found: &mut Findings| {
                    kept::model_prices(&field.key, &field.node, found)
                };
                for field in fields {
                    out.kept.extend(one(field, found));
                }
            }
            _ => found.error(node.at, format!("`models` is a map, not {}", node.word())),
        }
    }
    let overall: Option<BudgetSpec> = budget::fields(&mut own, found);
    own.finish(found);
    out.overall_budget = overall.or(global);
}

fn broker(
    map: &mut Fields<'_>,
    keep: &mut Vec<(String, Json)>,
    found: &mut Findings,
) -> BrokerConfig {
    let mut out = BrokerConfig::default();
    let Some(node) = map.node(&["broker"], found) else {
        return out;
    };
    let Some(mut own) = Fields::of(node, "`broker`", found) else {
        return out;
    };
    out.enabled = own.bool(&["enabled"], found);
    broker_keys(&mut own, &mut out, found);
    for section in ["preferences", "routing"] {
        if let Some(node) = own.node(&[section], found)
            && let Some(mut inner) = Fields::of(node, section, found)
        {
            broker_keys(&mut inner, &mut out, found);
            inner.finish(found);
        }
    }
    if let Some(node) = own.node(&["cache"], found) {
        match &node.value {
            Value::Bool(on) => out.cache = Some(*on),
            _ => {
                if let Some(mut cache) = Fields::of(node, "`cache`", found) {
                    out.cache = cache.bool(&["enabled"], found);
                    if let Some(ttl) = cache.span(&["ttl"], 1_000, found) {
                        keep.push(("broker.cache.ttl_ms".into(), Json::from(ttl.0)));
                    }
                    cache.finish(found);
                }
            }
        }
    }
    own.finish(found);
    out
}

fn broker_keys(map: &mut Fields<'_>, out: &mut BrokerConfig, found: &mut Findings) {
    let names = ["prefer_local", "preferLocal", "prefer_skill", "preferSkill"];
    out.prefer_local = map.bool(&names, found).or(out.prefer_local);
    let names = ["confidence_threshold", "confidenceThreshold"];
    let confidence = portion(map, &names, "a confidence", found);
    out.confidence_min = confidence.or(out.confidence_min);
    let names = ["max_llm_cost", "maxLLMCost", "maxLlmCost"];
    out.model_cost_max = map.money_or_cents(&names, found).or(out.model_cost_max);
    let names = ["fallback_model", "fallbackModel", "llm_model", "llmModel"];
    out.fallback_model = map
        .text(&names, found)
        .or_else(|| out.fallback_model.take());
    map.skip(&[
        "llm_as_last_resort",
        "llmAsLastResort",
        "llm_provider",
        "llmProvider",
    ]);
}

/// A part of one, in ten-thousandths.
fn portion(
    map: &mut Fields<'_>,
    names: &[&'static str],
    called: &str,
    found: &mut Findings,
) -> Option<u16> {
    let node = map.node(names, found)?;
    let parts = match &node.value {
        Value::Whole(text) | Value::Number(text) => amounts::decimal(text, 4),
        _ => None,
    };
    let parts = parts.and_then(|parts| u16::try_from(parts).ok());
    let parts = parts.filter(|parts| *parts <= 10_000);
    if parts.is_none() {
        let what = format!("{called} is from 0 to 1, with at most four decimals");
        found.error(node.at, what);
    }
    parts
}

fn recall(node: &Node, found: &mut Findings) -> RecallConfig {
    let before = found.errors.len();
    let mut out = RecallConfig::default();
    if let Some(mut own) = Fields::of(node, "`recall`", found) {
        let named = own.word(&["embedder"], &["letters", "model"], found);
        out.model = own.text(&["model"], found);
        out.model = out.model.filter(|folder| !folder.trim().is_empty());
        out.embedder = match (named, &out.model) {
            (Some("model"), _) | (None, Some(_)) => RecallEmbedder::Model,
            _ => RecallEmbedder::Letters,
        };
        out.cosine_min = portion(
            &mut own,
            &["cosine_min", "cosineMin"],
            "`cosine_min`",
            found,
        );
        own.finish(found);
        if out.embedder == RecallEmbedder::Model && out.model.is_none() {
            found.error_help(
                node.at,
                "`recall` goes by a model, and doesn't say where it is",
                "its folder beside this file, such as model: models/potion-base-8M",
            );
        }
    }
    out.is_wrong = found.errors.len() > before;
    out
}

fn settings(map: &mut Fields<'_>, project: &mut ProjectConfig, found: &mut Findings) {
    if let Some(node) = map.node(&["network"], found)
        && let Some(mut own) = Fields::of(node, "`network`", found)
    {
        if let Some(node) = own.node(&["dashboard"], found) {
            project.dashboard = dashboard(node, found);
        }
        for (names, unit) in [(["timeout"], 1), (["timeout_ms"], 1)] {
            if let Some(span) = own.span(&names, unit, found) {
                project
                    .kept
                    .push(("network.timeout_ms".into(), Json::from(span.0)));
            }
        }
        if let Some(retries) = own.whole(&["retries"], (0, 20), found) {
            project
                .kept
                .push(("network.retries".into(), Json::from(retries)));
        }
        own.finish(found);
    }
    if let Some(node) = map.node(&["logging"], found)
        && let Some(mut own) = Fields::of(node, "`logging`", found)
    {
        let levels = ["error", "warn", "info", "debug", "trace"];
        let word = |word: Option<&str>| word.map(str::to_owned);
        project.logging.level = word(own.word(&["level"], &levels, found));
        project.logging.format = word(own.word(&["format"], &["text", "json", "pretty"], found));
        project.logging.output = own.text(&["output"], found);
        let names = ["audit_retention", "auditRetention"];
        let days = own.whole(&names, (1, 36_500), found);
        project.logging.audit_retention_days = days.and_then(|days| u32::try_from(days).ok());
        own.finish(found);
    }
    if let Some(node) = map.node(&["recall"], found) {
        project.recall = Some(recall(node, found));
    }
    let sections: [(&'static str, &[Key]); 5] = [
        ("trust", sections::TRUST),
        ("edge", sections::EDGE),
        ("database", sections::DATABASE),
        ("wasm", sections::WASM),
        ("audit", sections::AUDIT),
    ];
    for (section, keys) in sections {
        if let Some(node) = map.node(&[section], found) {
            let json = schema::object(node, section, keys, found);
            if section == "trust" {
                tiers(node, &json, found);
            }
            project.kept.push((section.to_owned(), json));
        }
    }
}

fn dashboard(node: &Node, found: &mut Findings) -> DashboardConfig {
    let mut out = DashboardConfig::default();
    let Some(mut own) = Fields::of(node, "`dashboard`", found) else {
        return out;
    };
    out.host = own.text(&["host"], found);
    let port = own.whole(&["port"], (0, 65_535), found);
    out.port = port.and_then(|port| u16::try_from(port).ok());
    match own.node(&["cors"], found) {
        Some(Node {
            value: Value::Bool(_),
            ..
        })
        | None => {}
        Some(_) => out.cors = own.texts(&["cors"], found).unwrap_or_default(),
    }
    own.finish(found);
    out
}

/// The two meanings of T1 must not be mixed up in silence.
fn tiers(node: &Node, json: &Json, found: &mut Findings) {
    let named = ["requirements", "minimum_tier", "gates", "policies"];
    let names_tiers = named.iter().any(|key| json.get(key).is_some());
    if names_tiers && json.get("tier_order").is_none() {
        let help = "T5 is taken as the best; write `tier_order: descending` where T1 is";
        found.warn(
            node.at,
            "`trust` names tiers without saying which is the best",
            help,
        );
    }
}
