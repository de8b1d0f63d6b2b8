//! A step that waits: `wait_for: {event | signal | time | until}`.

use naos_types::spec::{StepDo, WaitFor, pattern};

use super::{Sort, Texts};
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::Value;

const HELP: &str = "write one of `wait_for: {event: TYPE, where: CONDITION, correlation: ID}`, \
                    `{signal: NAME}`, `{time: 5m}`, `{until: 2026-03-01T08:00:00Z}`";

pub(super) fn read<'t>(
    map: &mut Fields<'t>,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&["wait_for", "waitFor"], findings)?;
    if !matches!(node.value, Value::Map(_)) {
        findings.error_help(node.at, "`wait_for` says what for", HELP);
        return None;
    }
    let mut own = Fields::of(node, "`wait_for`", findings)?;
    let event = own.node(&["event", "type"], findings);
    let signal = own.node(&["signal"], findings);
    let time = own.span(&["time", "for"], 1_000, findings);
    let until = own.node(&["until", "at"], findings);
    let condition = own.node(&["where", "when", "filter"], findings);
    let correlation = own.node(&["correlation", "correlation_id"], findings);
    own.finish(findings);
    let several = [
        event.is_some(),
        signal.is_some(),
        time.is_some(),
        until.is_some(),
    ];
    if several.iter().filter(|there| **there).count() != 1 {
        findings.error_help(node.at, "a step waits for one thing", HELP);
        return None;
    }
    if let Some(other) = condition.or(correlation).filter(|_| event.is_none()) {
        findings.error(other.at, "`where` and `correlation` say which `event`");
    }
    let wait = if let Some(event) = event {
        let topic = reader::text(event, "event", findings)?;
        if let Err(what) = pattern(&topic) {
            findings.error(event.at, what);
        }
        let condition = condition.and_then(|node| {
            let source = reader::text(node, "where", findings)?;
            texts.push((Sort::Where, source.clone(), node));
            Some(source)
        });
        let correlation = correlation.and_then(|node| {
            let source = reader::text(node, "correlation", findings)?;
            texts.push((Sort::Template, source.clone(), node));
            Some(source)
        });
        WaitFor::Event {
            topic,
            condition,
            correlation,
        }
    } else if let Some(signal) = signal {
        let name = reader::name(signal, "signal", findings)?;
        WaitFor::Signal { name }
    } else if let Some(until) = until {
        let at = reader::text(until, "until", findings)?;
        let plain = !at.contains("{{") && !at.contains("{%");
        if plain && naos_types::Time::parse(at.trim()).is_none() {
            let what = format!("{at:?} is no time like 2026-03-01T08:00:00Z");
            findings.push(until.at, naos_types::Code::BAD_TIME, what, None);
        }
        texts.push((Sort::Template, at.clone(), until));
        WaitFor::Until { at }
    } else {
        WaitFor::Time { span: time? }
    };
    Some(StepDo::Wait(wait))
}
