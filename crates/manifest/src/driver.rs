//! Drivers: who answers events of some types. Keys that don't belong were found before, by the
//! schema.

mod config;
mod does;

use std::sync::Arc;

use naos_types::spec::{
    DriverKind, DriverLimits, DriverSpec, Endpoint, LimitedDriver, Native, NativeDriver,
    RemoteDriver, Spec, is_topic,
};
use naos_types::{Name, Span};
use serde_json::{Value as Json, json};

use crate::agent::{MEMORY_BYTES, WALL_MS_MAX};
use crate::diagnostic::Findings;
use crate::event;
use crate::tree::{Node, Value};
use crate::{amounts, reader};

pub use config::driver_config_faults;
pub(crate) use does::mind;

/// Reads one. Its events go to the agent or the endpoint that it names, to naos itself where it is
/// built in, else to the agent of its own name.
pub(crate) fn read(
    name: &Name,
    node: &Node,
    document: &Json,
    findings: &mut Findings,
) -> Option<Spec> {
    let before = findings.errors.len();
    let endpoint = endpoint(node, findings);
    let native = does::native(node, findings);
    let own = endpoint.is_some() || native.is_some();
    let agent = agent(name, node, own, findings)?;
    let mut capabilities = capabilities(node, findings);
    if let Some(native) = native.filter(|_| node.get("capabilities").is_none()) {
        capabilities.extend(native.topics().iter().map(|topic| (*topic).to_owned()));
    }
    let enabled = match node.get("enabled").map(|node| &node.value) {
        Some(Value::Bool(enabled)) => *enabled,
        _ => true,
    };
    if capabilities.is_empty() && findings.errors.len() == before {
        let at = node.get("capabilities").map_or(node.at, |node| node.at);
        let what = format!("driver {name} answers nothing: it has no `capabilities`");
        let help = "name each type of events that it answers, like email.fetch";
        findings.warn(at, what, help);
    }
    let kind =
        does::kind(node).unwrap_or_else(|| native.map_or_else(DriverKind::default, Native::kind));
    config::check(name, node, findings);
    does::idle(node, kind, endpoint.is_some(), native, findings);
    let mut document = document.clone();
    bounds(node, &mut document, findings);
    let spec = DriverSpec {
        document: document.to_string(),
        kind,
        agent,
        capabilities,
        enabled,
    };
    let limits = limits(node);
    let sound = spec.check().and_then(|()| limits.check());
    let sound = match &endpoint {
        Some(endpoint) => sound.and_then(|()| endpoint.check()),
        None => sound,
    };
    if findings.errors.len() == before
        && let Err(what) = sound
    {
        findings.error(node.at, what);
    }
    if let Some(native) = native {
        let granted = does::granted(native, node, findings);
        let driver = NativeDriver {
            driver: spec,
            limits,
            native,
            reads: granted.context_read,
            writes: granted.context_write,
        };
        if findings.errors.len() == before
            && let Err(what) = driver.check()
        {
            findings.error(node.at, what);
        }
        return Some(Spec::Native(Arc::new(driver)));
    }
    Some(match endpoint {
        Some(endpoint) => Spec::Remote(Box::new(RemoteDriver {
            driver: spec,
            limits,
            endpoint,
        })),
        None => Spec::Limited(Box::new(LimitedDriver {
            driver: spec,
            limits,
        })),
    })
}

/// What its runs may have at most: in bytes and milliseconds, whatever they were written in.
fn bounds(node: &Node, document: &mut Json, findings: &mut Findings) {
    let Some(needs) = node.get("resource_requirements") else {
        return;
    };
    for (key, unit) in [("memory", 1), ("memory_mb", 1 << 20)] {
        let Some(found) = needs.get(key) else {
            continue;
        };
        let bytes = match &found.value {
            Value::Whole(text) => text.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)),
            Value::Text(text) => amounts::bytes(text),
            _ => None,
        };
        match bytes.filter(|bytes| (MEMORY_BYTES.0..=MEMORY_BYTES.1).contains(bytes)) {
            Some(bytes) => document["resource_requirements"]["memory"] = json!(bytes),
            None => {
                let what = format!("`{key}` is from 1MB to 4GB, written like 512MB");
                findings.error(found.at, what);
            }
        }
    }
    for key in ["timeout", "timeout_seconds"] {
        let Some(found) = needs.get(key) else {
            continue;
        };
        // one that is no length of time was found before
        let span = reader::span(found, key, 1_000, &mut Findings::new(""));
        match span {
            Some(span) if (1..=WALL_MS_MAX).contains(&span.0) => {
                document["resource_requirements"]["timeout"] = json!(format!("{}ms", span.0));
            }
            Some(_) => findings.error(found.at, format!("`{key}` is from 1ms to 1d")),
            None => {}
        }
    }
    let said = |key: &str| needs.get(key).filter(|node| node.value != Value::Null);
    if let Some(gpu) = said("requires_gpu").filter(|node| node.value == Value::Bool(true)) {
        let help = "an agent that asks a service over HTTP is one";
        findings.warn(gpu.at, "no component reaches a GPU here", help);
    }
    if let Some(vars) = said("environment_vars") {
        let help = "write them as `config`: each event brings it";
        findings.warn(vars.at, "a component has no environment variables", help);
    }
}

/// Who its runs are of: an agent, or the driver itself where it is asked at an address or built in.
fn agent(name: &Name, node: &Node, own: bool, findings: &mut Findings) -> Option<Name> {
    match node.get("agent") {
        Some(agent) if own => {
            let help = "make a driver of each, with other `capabilities`";
            let what = "a driver has an `agent`, an `endpoint` or is `builtin`, one of these";
            findings.error_help(agent.at, what, help);
            None
        }
        Some(agent) => reader::name(agent, "agent", findings),
        None if own => {
            let runs_as = RemoteDriver::runs_as(name);
            if runs_as.is_none() {
                let what = format!("the name {name} is too long for a driver");
                findings.error(node.at, what);
            }
            runs_as
        }
        None => Some(name.clone()),
    }
}

fn capabilities(node: &Node, findings: &mut Findings) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let Some(Value::List(items)) = node.get("capabilities").map(|node| &node.value) else {
        return out;
    };
    for item in items {
        let Some(topic) = reader::text(item, "capabilities", findings) else {
            continue;
        };
        if !is_topic(&topic) {
            let help = "name each type of events that it answers, like email.fetch";
            let what = format!("{topic:?} is no type of an event");
            findings.error_help(item.at, what, help);
        } else if !out.contains(&topic) {
            out.push(topic);
        }
    }
    out
}

/// Where it is asked, where it isn't an agent.
fn endpoint(node: &Node, findings: &mut Findings) -> Option<Endpoint> {
    let either = |keys: [&str; 2]| keys.into_iter().find_map(|key| node.get(key));
    let own = ["timeout", "retry", "emit", "emits"];
    let Some(url) = either(["endpoint", "url"]) else {
        for (key, node) in own.iter().filter_map(|key| Some((key, node.get(key)?))) {
            let help = match *key {
                "emit" | "emits" => "what an agent may publish stands in its own `grants`",
                _ => "an agent has its own",
            };
            let what = format!("`{key}` goes with an `endpoint`, and this driver has none");
            findings.error_help(node.at, what, help);
        }
        return None;
    };
    let mut endpoint = Endpoint {
        url: reader::text(url, "endpoint", findings).unwrap_or_default(),
        timeout: Endpoint::TIMEOUT,
        retry: Endpoint::retry(),
        emits: Vec::new(),
    };
    // What can't be read as a length of time was found before.
    let timeout = node.get("timeout");
    let timeout =
        timeout.and_then(|node| reader::span(node, "timeout", 1_000, &mut Findings::new("")));
    endpoint.timeout = timeout.unwrap_or(endpoint.timeout);
    if let Some(retry) = node.get("retry") {
        endpoint.retry = crate::agent::retry(retry, findings);
    }
    let items = match either(["emit", "emits"]) {
        Some(node) => node.items(),
        None => &[],
    };
    for item in items {
        let topic = reader::text(item, "emit", findings);
        if let Some(topic) = &topic {
            event::not_own(topic, item.at, findings);
        }
        endpoint.emits.extend(topic);
    }
    Some(endpoint)
}

/// How much it is asked for; what isn't said is what drivers have. What can't be read was found
/// before.
fn limits(node: &Node) -> DriverLimits {
    let mut limits = DriverLimits::default();
    let span = |node: &Node, key| reader::span(node, key, 1_000, &mut Findings::new(""));
    let whole = |node: Option<&Node>| match node.map(|node| &node.value) {
        Some(Value::Whole(text)) => text.parse::<u32>().ok(),
        _ => None,
    };
    let needs = node.get("resource_requirements");
    let at_once = [
        node.get("concurrency"),
        node.get("max_concurrent"),
        needs.and_then(|needs| needs.get("max_concurrent")),
    ];
    if let Some(open_max) = at_once.into_iter().find_map(whole) {
        limits.open_max = open_max;
    }
    if let Some(rate) = node.get("rate") {
        let per = rate.get("per").map(|per| span(per, "per"));
        let per = per.unwrap_or(Some(Span::secs(1)));
        limits.rate = whole(rate.get("calls")).zip(per);
    }
    if let Some(breaker) = node.get("breaker") {
        limits.failures_max = whole(breaker.get("failures")).unwrap_or(limits.failures_max);
        let pause = breaker.get("pause");
        let pause = pause.and_then(|pause| span(pause, "pause"));
        limits.pause = pause.unwrap_or(limits.pause);
    }
    limits
}
