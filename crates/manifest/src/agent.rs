//! An agent's manifest, in both spellings.

use std::sync::Arc;

use naos_types::spec::{
    AgentSpec, BudgetSpec, JITTER_PERCENT, JITTER_PERCENT_MAX, OnExceed, RetryPolicy,
};
use naos_types::{Grants, Micros, RunLimits, Span};
use serde_json::Value as Json;

use crate::checks::Checks;
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Mark, Node, Value};
use crate::{budget, mind};

/// What an agent's manifest says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentDoc {
    /// The agent; its component isn't resolved yet.
    pub spec: AgentSpec,
    /// The path of a `.wasm` file, or the name of a template.
    pub source: Option<String>,
    /// Whether it takes work at once; true unless it says otherwise.
    pub auto_start: bool,
    /// The spending limit that stands in the manifest itself.
    pub budget: Option<BudgetSpec>,
    /// Keys that this version keeps and doesn't use (`env`, `metadata`, `axis` …).
    pub kept: Vec<(String, Json)>,
}

pub(crate) const MEMORY_BYTES: (u64, u64) = (1 << 20, 4 << 30);
const PAGE_BYTES: u64 = 64 << 10;
pub(crate) const WALL_MS_MAX: i64 = 24 * 3_600 * 1_000;
/// Below this, hardly any real component finishes.
const FUEL_LOW: i64 = 10_000_000;

pub(crate) fn read(node: &Node, checks: &dyn Checks, findings: &mut Findings) -> Option<AgentDoc> {
    if let Value::Text(source) = &node.value {
        // `agents: {reader: researcher}`
        let source = Some(source.clone());
        return Some(finish(AgentDoc {
            source,
            auto_start: true,
            ..AgentDoc::default()
        }));
    }
    let mut map = Fields::of(node, "an agent", findings)?;
    let doc = fields(&mut map, checks, findings);
    map.finish(findings);
    Some(doc)
}

/// The keys of an agent; `type`, `name` and their kin are the caller's.
pub(crate) fn fields(
    map: &mut Fields<'_>,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> AgentDoc {
    let template = map.text(&["template"], findings);
    let source = map.text(&["source", "component", "wasm_file"], findings);
    let mut spec = AgentSpec {
        description: map.text(&["description"], findings).unwrap_or_default(),
        template: template.clone(),
        patterns: map.texts(&["patterns"], findings).unwrap_or_default(),
        ..AgentSpec::default()
    };
    if let Some(price) = map.money_or_cents(&["cost_per_call", "costPerCall"], findings) {
        spec.cost_per_call = price;
    }
    let mind = source.is_none() && template.is_none();
    let mind = mind && mind::KEYS.iter().any(|key| map.has(key));
    if mind {
        spec.mind = mind::read(map, checks, findings).map(Arc::new);
        spec.model = spec
            .mind
            .as_ref()
            .and_then(|mind| mind.models.first().map(ToString::to_string));
    } else {
        spec.model = map.text(&["model"], findings);
    }
    let auto_start = map
        .bool(&["auto_start", "autoStart"], findings)
        .unwrap_or(true);
    if let Some(node) = map.node(&["retry"], findings) {
        spec.retry = retry(node, findings);
    }
    spec.grants = grants(map, findings);
    let most = limits(map, &mut spec.limits, findings);
    cost(most, &mut spec, findings);
    sandbox(map, &mut spec, findings);
    let budget = map.node(&["cost", "budget"], findings);
    let budget = budget.and_then(|node| budget::read(node, findings));
    if let Some(budget) = &budget {
        suffices(budget, spec.cost_per_call, map.at, findings);
    }
    let mut kept = Vec::new();
    let own: &[&str] = if spec.mind.is_some() {
        &["tools", "system_prompt"]
    } else {
        &[]
    };
    for key in [
        "axis",
        "env",
        "metadata",
        "secrets",
        "tools",
        "system_prompt",
        "memory",
        "heartbeat",
    ] {
        if !own.contains(&key)
            && let Some(value) = map.json(&[key], findings)
        {
            kept.push((key.to_owned(), value));
        }
    }
    finish(AgentDoc {
        spec,
        source: source.or(template),
        auto_start,
        budget,
        kept,
    })
}

/// A source that is no file is a template.
fn finish(mut doc: AgentDoc) -> AgentDoc {
    let file = |source: &String| source.contains(['/', '.']);
    if doc.spec.template.is_none() {
        doc.spec.template = doc.source.clone().filter(|source| !file(source));
    }
    doc
}

/// Each run reserves what a call costs: a budget below it lets none begin.
fn suffices(budget: &BudgetSpec, each: Micros, at: Mark, findings: &mut Findings) {
    if budget.limit < each && budget.on_exceed != OnExceed::Alert {
        let what = format!(
            "a run reserves {}, the budget is {}: none will begin",
            each, budget.limit
        );
        findings.warn(at, what, "raise the budget, or lower `cost_per_call`");
    }
}

pub(crate) fn retry(node: &Node, findings: &mut Findings) -> RetryPolicy {
    const ATTEMPTS: (i64, i64) = (1, 20);
    let mut retry = RetryPolicy::default();
    let attempts = |n: i64| u32::try_from(n).unwrap_or(1);
    if let Value::Whole(text) = &node.value {
        match crate::tree::whole(text).filter(|n| (ATTEMPTS.0..=ATTEMPTS.1).contains(n)) {
            Some(n) => retry.attempts_max = attempts(n),
            None => findings.error(node.at, "`retry` is from 1 to 20 attempts"),
        }
        return retry;
    }
    let Some(mut map) = Fields::of(node, "`retry`", findings) else {
        return retry;
    };
    let names = ["attempts", "attempts_max", "maxAttempts", "max_attempts"];
    retry.attempts_max = map.whole(&names, ATTEMPTS, findings).map_or(3, attempts);
    if let Some(wait) = map.span(&["wait", "delay", "retryDelay"], 1, findings) {
        retry.wait = wait;
    }
    if let Some(longest) = map.span(&["max", "wait_max", "maxDelay"], 1, findings) {
        retry.wait_max = longest;
    }
    if let Some(node) = map.node(&["factor", "backoff"], findings) {
        let text = match &node.value {
            Value::Whole(text) | Value::Number(text) => text.as_str(),
            _ => "",
        };
        match crate::amounts::decimal(text, 1).filter(|tenths| (10..=100).contains(tenths)) {
            Some(tenths) => retry.factor_tenths = u32::try_from(tenths).unwrap_or(20),
            None => findings.error(
                node.at,
                "`factor` is from 1 to 10, with at most one decimal",
            ),
        }
    }
    if let Some(node) = map.node(&["jitter"], findings) {
        match jitter(node) {
            Some(percent) => retry.jitter_percent = percent,
            None => findings.error_help(
                node.at,
                "`jitter` is how much chance adds to a pause: from 0% to 100%",
                "write `jitter: 10%`, or `jitter: 0` for pauses that are always the same",
            ),
        }
    }
    map.finish(findings);
    retry
}

/// `25%`, `0.25`; true is the usual, false none.
fn jitter(node: &Node) -> Option<u32> {
    let percent = match &node.value {
        Value::Bool(usual) => u64::from(JITTER_PERCENT) * u64::from(*usual),
        Value::Whole(text) | Value::Number(text) => crate::amounts::decimal(text, 2)?,
        Value::Text(text) => crate::amounts::decimal(text.strip_suffix('%')?, 0)?,
        _ => return None,
    };
    let percent = u32::try_from(percent).ok()?;
    (percent <= JITTER_PERCENT_MAX).then_some(percent)
}

pub(crate) fn grants(map: &mut Fields<'_>, findings: &mut Findings) -> Grants {
    let mut grants = Grants::default();
    let Some(node) = map.node(&["grants"], findings) else {
        return grants;
    };
    let Some(mut map) = Fields::of(node, "`grants`", findings) else {
        return grants;
    };
    grants.state = map.bool(&["state"], findings).unwrap_or_default();
    grants.ask = map.bool(&["ask"], findings).unwrap_or_default();
    grants.clock = map.bool(&["clock"], findings).unwrap_or_default();
    grants.random = map.bool(&["random"], findings).unwrap_or_default();
    grants.emit = map.texts(&["emit"], findings).unwrap_or_default();
    let emit = map.node(&["emit"], findings);
    for item in emit.map_or(&[][..], Node::items) {
        if let Value::Text(topic) = &item.value {
            crate::event::not_own(topic, item.at, findings);
        }
    }
    let list = |found: Option<Vec<String>>| found.unwrap_or_default();
    grants.context_read = list(map.texts(&["context_read", "contextRead"], findings));
    grants.context_write = list(map.texts(&["context_write", "contextWrite"], findings));
    grants.http_hosts = list(map.texts(&["http_hosts", "httpHosts"], findings));
    if let Some(node) = map.node(&["context"], findings)
        && let Some(mut context) = Fields::of(node, "`context`", findings)
    {
        grants
            .context_read
            .extend(list(context.texts(&["read"], findings)));
        grants
            .context_write
            .extend(list(context.texts(&["write"], findings)));
        context.finish(findings);
    }
    if let Some(node) = map.node(&["http"], findings) {
        match &node.value {
            Value::Map(_) => {
                if let Some(mut http) = Fields::of(node, "`http`", findings) {
                    grants
                        .http_hosts
                        .extend(list(http.texts(&["hosts"], findings)));
                    http.finish(findings);
                }
            }
            Value::List(items) => {
                let hosts = items
                    .iter()
                    .filter_map(|item| reader::text(item, "http", findings));
                grants.http_hosts.extend(hosts.collect::<Vec<_>>());
            }
            _ => findings.error(node.at, "`http` is a list of hosts"),
        }
    }
    map.finish(findings);
    grants
}

/// The limits of a run; what it may cost is given back with its place.
fn limits(
    map: &mut Fields<'_>,
    limits: &mut RunLimits,
    findings: &mut Findings,
) -> Option<(Micros, Mark)> {
    let mut most = None;
    if let Some(node) = map.node(&["limits"], findings)
        && let Some(mut own) = Fields::of(node, "`limits`", findings)
    {
        fuel(&mut own, &["fuel"], limits, findings);
        let found = own.bytes(&["memory"], findings);
        memory(found, &own, limits, findings);
        let found = own.span(&["timeout", "wall"], 1, findings);
        wall(found, &own, limits, findings);
        match own.bytes(&["output"], findings) {
            Some(output) if (1..=64 << 20).contains(&output) => limits.output_bytes_max = output,
            Some(_) => findings.error(own.at, "`output` is at most 64MB"),
            None => {}
        }
        if let Some(node) = own.node(&["cost"], findings) {
            let cost = reader::money_or_cents(node, "cost", findings);
            most = cost.map(|cost| (cost, node.at));
        }
        own.finish(findings);
    }
    if let Some(node) = map.node(&["wasm"], findings)
        && let Some(mut wasm) = Fields::of(node, "`wasm`", findings)
    {
        fuel(&mut wasm, &["fuel"], limits, findings);
        let pages = wasm.whole(&["memory_pages", "memoryPages"], (16, 65_536), findings);
        let found = pages.map(|pages| pages.unsigned_abs() * PAGE_BYTES);
        memory(found, &wasm, limits, findings);
        wasm.finish(findings);
    }
    if let Some(node) = map.node(&["execution"], findings)
        && let Some(mut execution) = Fields::of(node, "`execution`", findings)
    {
        let found = execution.bytes(&["memory_limit", "memoryLimit"], findings);
        memory(found, &execution, limits, findings);
        let found = execution.span(&["timeout_seconds", "timeoutSeconds"], 1_000, findings);
        wall(found, &execution, limits, findings);
        execution.finish(findings);
    }
    most
}

/// What a run may cost bounds what its models are asked: a component's price stands beforehand.
fn cost(most: Option<(Micros, Mark)>, spec: &mut AgentSpec, findings: &mut Findings) {
    let Some((most, at)) = most else { return };
    match &mut spec.mind {
        Some(mind) => Arc::make_mut(mind).cost_max = Some(most),
        None => {
            let what = "`limits.cost` bounds a run that works with a model";
            let help = "what a run of a component costs is its `cost_per_call`";
            findings.error_help(at, what, help);
        }
    }
    if most == Micros::ZERO {
        let what = "a run that may cost nothing asks no model: leave `limits.cost` out";
        findings.error(at, what);
    }
}

fn fuel(
    map: &mut Fields<'_>,
    names: &[&'static str],
    limits: &mut RunLimits,
    findings: &mut Findings,
) {
    let Some(fuel) = map.whole(names, (1, i64::MAX), findings) else {
        return;
    };
    if fuel < FUEL_LOW {
        let usual = RunLimits::default().fuel_max;
        let help = format!("few components finish within it; the usual limit is {usual}");
        findings.warn(map.at, format!("`fuel` is only {fuel} instructions"), help);
    }
    limits.fuel_max = fuel.unsigned_abs();
}

fn memory(found: Option<u64>, map: &Fields<'_>, limits: &mut RunLimits, findings: &mut Findings) {
    match found {
        Some(bytes) if (MEMORY_BYTES.0..=MEMORY_BYTES.1).contains(&bytes) => {
            limits.memory_bytes_max = bytes;
        }
        Some(_) => findings.error(map.at, "the memory limit is from 1MB to 4GB"),
        None => {}
    }
}

fn wall(found: Option<Span>, map: &Fields<'_>, limits: &mut RunLimits, findings: &mut Findings) {
    match found {
        Some(span) if (1..=WALL_MS_MAX).contains(&span.0) => limits.wall_max = span,
        Some(_) => findings.error(map.at, "the time limit is from 1ms to 1d"),
        None => {}
    }
}

/// `sandbox` and `capabilities`: the older spellings of grants and limits.
fn sandbox(map: &mut Fields<'_>, spec: &mut AgentSpec, findings: &mut Findings) {
    if let Some(node) = map.node(&["sandbox"], findings)
        && let Some(mut own) = Fields::of(node, "`sandbox`", findings)
    {
        let found = own.bytes(&["memory_limit", "memoryLimit"], findings);
        memory(found, &own, &mut spec.limits, findings);
        let found = own.span(&["cpu_timeout", "cpuTimeout"], 1_000, findings);
        wall(found, &own, &mut spec.limits, findings);
        let hosts = own.texts(&["allowed_hosts", "allowedHosts"], findings);
        let network = own.word(&["network"], &["none", "restricted", "open"], findings);
        network_grant(network, hosts, node, spec, findings);
        match own.word(
            &["filesystem"],
            &["none", "readonly", "readwrite"],
            findings,
        ) {
            Some("readonly") => all_documents(spec, true, false),
            Some("readwrite") => all_documents(spec, true, true),
            _ => {}
        }
        own.skip(&["blocked_ports", "tls_verify", "rate_limit", "burst_limit"]);
        own.finish(findings);
    }
    if let Some(node) = map.node(&["capabilities"], findings) {
        capabilities(node, spec, findings);
    }
}

/// A map of what it may reach; a list is what it is asked for, as drivers have it.
fn capabilities(node: &Node, spec: &mut AgentSpec, findings: &mut Findings) {
    if let Value::List(items) = &node.value {
        let words = items
            .iter()
            .filter_map(|item| reader::text(item, "capabilities", findings));
        spec.patterns.extend(
            words
                .map(|word| word.replace(['.', '_'], " "))
                .collect::<Vec<_>>(),
        );
        return;
    }
    let Some(mut own) = Fields::of(node, "`capabilities`", findings) else {
        return;
    };
    match own
        .node(&["network"], findings)
        .map(|node| (&node.value, node))
    {
        Some((Value::Bool(open), node)) => {
            let network = if *open { "open" } else { "none" };
            network_grant(Some(network), None, node, spec, findings);
        }
        Some((_, node)) => {
            let hosts = node.items();
            let hosts = hosts
                .iter()
                .filter_map(|item| reader::text(item, "network", findings));
            spec.grants.http_hosts.extend(hosts.collect::<Vec<_>>());
        }
        None => {}
    }
    for (names, write) in [
        (["file_read", "fileRead"], false),
        (["file_write", "fileWrite"], true),
    ] {
        match own.node(&names, findings).map(|node| (&node.value, node)) {
            Some((Value::Bool(true), _)) => all_documents(spec, !write, write),
            Some((Value::Bool(false), _)) | None => {}
            Some((_, node)) => {
                let items = node.items();
                let paths = items
                    .iter()
                    .filter_map(|item| reader::text(item, names[0], findings));
                let paths: Vec<String> = paths.collect();
                if write {
                    spec.grants.context_write.extend(paths);
                } else {
                    spec.grants.context_read.extend(paths);
                }
            }
        }
    }
    own.skip(&["env"]);
    own.finish(findings);
}

fn all_documents(spec: &mut AgentSpec, read: bool, write: bool) {
    if read {
        spec.grants.context_read.push("/".into());
    }
    if write {
        spec.grants.context_write.push("/".into());
    }
}

fn network_grant(
    network: Option<&str>,
    hosts: Option<Vec<String>>,
    node: &Node,
    spec: &mut AgentSpec,
    findings: &mut Findings,
) {
    match network {
        Some("none") => spec.grants.http_hosts.clear(),
        Some("open") => {
            let help = "name the hosts it needs in `grants.http_hosts`";
            findings.warn(node.at, "the agent may reach every host", help);
            spec.grants.http_hosts.push("*".into());
        }
        _ => spec.grants.http_hosts.extend(hosts.unwrap_or_default()),
    }
}
