//! A subscription: who listens to which events, and what becomes of them.

mod emits;

use naos_types::fact::event::Category;
use naos_types::spec::{
    DELIVER_AT_ONCE_MAX, Deliver, DeliveredSubscription, Emits, EventFilter, HandlerSpec,
    IN_FLIGHT_MAX, Kind, NoticeSpec, Spec, Starts, SubscriptionSpec, pattern,
};
use naos_types::{Name, Span};

use crate::agent;
use crate::checks::{Checks, Scope, note};
use crate::diagnostic::Findings;
use crate::instruction::of_event;
use crate::reader::{self, Fields};
use crate::tree::{Node, Value};

/// A map of them by name, or a list in which each has its `name`.
pub(crate) fn all(node: &Node, checks: &dyn Checks, findings: &mut Findings) -> Vec<(Name, Spec)> {
    let entries = reader::entries("subscriptions", node, findings);
    let read = entries
        .into_iter()
        .filter_map(|(key, node)| one(key, node, checks, findings));
    read.collect()
}

/// One; `key` is its name where it stands in a map.
pub(crate) fn one(
    key: Option<&str>,
    node: &Node,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<(Name, Spec)> {
    let mut map = Fields::of(node, "a subscription", findings)?;
    map.skip(&["type"]);
    let called = map.node(&["name", "id"], findings);
    let name = match (key, called) {
        (Some(key), _) => reader::name_text(key, node.at, findings),
        (None, Some(called)) => reader::name(called, "name", findings),
        (None, None) => {
            findings.error(node.at, "this subscription has no `name`");
            None
        }
    };
    let before = findings.errors.len();
    let deliver = deliver(&mut map, findings);
    let subscription = fields(&mut map, deliver.is_some(), checks, findings);
    let emits = emits::read(&mut map, &subscription, checks, findings);
    map.finish(findings);
    let (sound, spec) = match deliver {
        Some(_) if !emits.is_empty() => {
            let what = "a subscription is delivered or emits events, and not both";
            (
                Err(what.to_owned()),
                Spec::subscription(subscription, emits),
            )
        }
        Some(deliver) => {
            let delivered = DeliveredSubscription {
                subscription,
                deliver,
            };
            (delivered.check(), Spec::Delivered(Box::new(delivered)))
        }
        None => {
            let sound = check(&subscription, &emits);
            (sound, Spec::subscription(subscription, emits))
        }
    };
    if findings.errors.len() == before
        && let Err(what) = sound
    {
        findings.error(node.at, what);
    }
    Some((name?, spec))
}

fn check(spec: &SubscriptionSpec, emits: &[Emits]) -> Result<(), String> {
    if emits.is_empty() {
        return spec.check();
    }
    let (listens, emits) = (spec.clone(), emits.to_vec());
    HandlerSpec { listens, emits }.check()
}

/// Where its events are delivered: `deliver: {url: https://…}`, or the address alone.
fn deliver(map: &mut Fields<'_>, findings: &mut Findings) -> Option<Deliver> {
    let node = map.node(&["deliver"], findings)?;
    let mut deliver = Deliver {
        url: String::new(),
        at_once: 1,
        paused: None,
    };
    if let Value::Text(url) = &node.value {
        deliver.url.clone_from(url);
        return Some(deliver);
    }
    let mut own = Fields::of(node, "`deliver`", findings)?;
    if let Some(url) = own.text(&["url", "endpoint", "webhook"], findings) {
        deliver.url = url;
    }
    let most = (1, i64::from(DELIVER_AT_ONCE_MAX));
    if let Some(many) = own.whole(&["at_once", "atOnce", "concurrency"], most, findings) {
        deliver.at_once = u32::try_from(many).unwrap_or(1);
    }
    own.finish(findings);
    if deliver.url.is_empty() {
        let help = "write `deliver: {url: https://…}`";
        findings.error_help(node.at, "`deliver` says no `url`", help);
    }
    Some(deliver)
}

fn fields(
    map: &mut Fields<'_>,
    delivered: bool,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> SubscriptionSpec {
    let words: Vec<&str> = Category::ALL.iter().map(|(word, _)| *word).collect();
    let mut spec = SubscriptionSpec {
        description: map.text(&["description"], findings).unwrap_or_default(),
        filter: EventFilter {
            topics: topics(map, findings),
            category: map
                .word(&["category"], &words, findings)
                .and_then(Category::parse),
            source: map.text(&["source"], findings),
            correlation: map.text(&["correlation", "correlation_id"], findings),
        },
        from_start: map.word(&["from"], &["now", "start"], findings) == Some("start"),
        starts: starts(map, checks, findings),
        ..SubscriptionSpec::default()
    };
    if let Some(node) = map.node(&["filter", "condition", "where"], findings)
        && let Some(source) = reader::text(node, "filter", findings)
    {
        note(checks.condition(&source, &Scope::Trigger), node, findings);
        spec.condition = Some(source);
    }
    if delivered {
        // A receiver may be away for hours, and a request takes as long as it may.
        spec.retry = NoticeSpec::retry();
        spec.visible = Span::secs(60);
    }
    if let Some(visible) = map.span(&["visible", "visibility_timeout"], 1_000, findings) {
        spec.visible = visible;
    }
    if let Some(node) = map.node(&["retry"], findings) {
        spec.retry = agent::retry(node, findings);
    }
    let most = (1, i64::from(IN_FLIGHT_MAX));
    if let Some(many) = map.whole(&["in_flight", "inFlight"], most, findings) {
        spec.in_flight = u32::try_from(many).unwrap_or(IN_FLIGHT_MAX);
    }
    spec
}

fn topics(map: &mut Fields<'_>, findings: &mut Findings) -> Vec<String> {
    let Some(node) = map.node(&["on", "event", "events", "types"], findings) else {
        return Vec::new();
    };
    let items = node.items();
    let mut out = Vec::new();
    for item in items {
        let Some(text) = reader::text(item, "on", findings) else {
            continue;
        };
        match pattern(&text) {
            Ok(()) => out.push(text),
            Err(what) => findings.error(item.at, what),
        }
    }
    out
}

/// What it starts: `start: {plan: NAME, input: …}`, or `plan: NAME` and `input` beside it.
fn starts(map: &mut Fields<'_>, checks: &dyn Checks, findings: &mut Findings) -> Option<Starts> {
    let Some(node) = map.node(&["start", "starts"], findings) else {
        return started(map, checks, findings);
    };
    let mut own = Fields::of(node, "`start`", findings)?;
    let starts = started(&mut own, checks, findings);
    own.finish(findings);
    if starts.is_none() {
        let help = "write `start: {plan: NAME}`, or workflow, saga, agent";
        findings.error_help(node.at, "`start` says nothing that can be started", help);
    }
    starts
}

fn started(map: &mut Fields<'_>, checks: &dyn Checks, findings: &mut Findings) -> Option<Starts> {
    let mut found = None;
    for kind in Starts::KINDS {
        let word = kind.word();
        let Some(node) = map.node(&[word], findings) else {
            continue;
        };
        if found.is_some() {
            findings.error_help(node.at, "one event starts one thing", "make a second one");
        }
        let name = match kind {
            // what a plan is called is made a name where it is applied
            Kind::Plan | Kind::Workflow | Kind::Saga => {
                let text = reader::text(node, word, findings);
                text.and_then(|text| {
                    let name = Name::slug(&text);
                    if name.is_none() {
                        findings.error(node.at, format!("{text:?} can't be made a name"));
                    }
                    name
                })
            }
            _ => reader::name(node, word, findings),
        };
        found = name.map(|name| (*kind, name)).or(found);
    }
    let input = map.node(&["input", "inputs"], findings).and_then(|node| {
        let source = of_event(node, findings)?;
        note(checks.template(&source, &Scope::Trigger), node, findings);
        if found.is_none() {
            findings.error(node.at, "`input` is for what it starts; it starts nothing");
        }
        Some(source)
    });
    let (kind, name) = found?;
    Some(Starts { kind, name, input })
}
