//! What a subscription makes of the events that it hears: `emit:`, one or a list of them.

use naos_types::spec::{EMITS_MAX, Emits, SubscriptionSpec, like};

use crate::checks::{Checks, Scope, note};
use crate::diagnostic::Findings;
use crate::event;
use crate::instruction;
use crate::reader::{self, Fields};
use crate::tree::{Node, Value};

pub(super) fn read(
    map: &mut Fields<'_>,
    spec: &SubscriptionSpec,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Vec<Emits> {
    let Some(node) = map.node(&["emit", "emits"], findings) else {
        return Vec::new();
    };
    let items = node.items();
    if items.is_empty() || items.len() > EMITS_MAX {
        let what = format!("`emit` is one event or a list of 1 to {EMITS_MAX}");
        findings.error(node.at, what);
    }
    if spec.starts.is_some() {
        let help = "make a subscription for each";
        findings.error_help(node.at, "it starts something and emits events", help);
    }
    let mut out = Vec::new();
    for item in items {
        let Some(one) = one(item, checks, findings) else {
            continue;
        };
        let topics = &spec.filter.topics;
        let heard = topics.is_empty() || topics.iter().any(|topic| like(topic, &one.kind));
        if heard && one.when.is_none() && spec.condition.is_none() {
            let what = format!("each {} that it emits sets it off again", one.kind);
            let help = "say when to stop: `when: trigger.data.round < 3`";
            findings.warn(item.at, what, help);
        }
        out.push(one);
    }
    out
}

fn one(node: &Node, checks: &dyn Checks, findings: &mut Findings) -> Option<Emits> {
    let (kind, data, when) = match &node.value {
        Value::Map(_) => {
            let mut own = Fields::of(node, "`emit`", findings)?;
            let kind = own.node(&["type", "event"], findings);
            let data = own.node(&["data"], findings);
            let when = own.node(&["when", "if", "condition"], findings);
            own.finish(findings);
            (kind, data, when)
        }
        _ => (Some(node), None, None),
    };
    let Some(kind_node) = kind else {
        findings.error(node.at, "`type` is missing: the event's type");
        return None;
    };
    let kind = event::said(kind_node, "type", findings)?;
    let data = data.and_then(|node| {
        let source = instruction::of_event(node, findings)?;
        note(checks.template(&source, &Scope::Trigger), node, findings);
        Some(source)
    });
    let when = when.and_then(|node| {
        let source = reader::text(node, "when", findings)?;
        note(checks.condition(&source, &Scope::Trigger), node, findings);
        Some(source)
    });
    Some(Emits { kind, data, when })
}
