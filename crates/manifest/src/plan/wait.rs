//! A step that waits: `wait_for: {event | signal | time | until}`.

use naos_types::spec::{StepDo, WaitFor, pattern};

use super::{Sort, Texts};
use crate::amounts;
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Node, Value};

const HELP: &str = "write one of `wait_for: {event: TYPE, where: CONDITION, correlation: ID}`, \
                    `{signal: NAME}`, `{time: 5m}`, `{until: 2026-03-01T08:00:00Z}`";

pub(super) fn read<'t>(
    map: &mut Fields<'t>,
    texts: &mut Texts<'t>,
    findings: &mut Findings,
) -> Option<StepDo> {
    let node = map.node(&["wait_for", "waitFor"], findings)?;
    if !matches!(node.value, Value::Map(_)) {
        let what = format!(
            "`wait_for` is a map that says what for, not {}",
            node.word()
        );
        findings.error_help(
            node.at,
            what,
            meant(node).unwrap_or_else(|| HELP.to_owned()),
        );
        return None;
    }
    let mut own = Fields::of(node, "`wait_for`", findings)?;
    let event = own.node(&["event", "type"], findings);
    let signal = own.node(&["signal"], findings);
    let time = own.node(&["time", "for"], findings);
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
            let what = format!("`until` is a time such as 2026-03-01T08:00:00Z, not {at:?}");
            let help = meant(until);
            findings.push(until.at, naos_types::Code::BAD_TIME, what, help);
        }
        texts.push((Sort::Template, at.clone(), until));
        WaitFor::Until { at }
    } else {
        let span = reader::span(time?, "time", 1_000, findings)?;
        WaitFor::Time { span }
    };
    Some(StepDo::Wait(wait))
}

/// What was probably meant where a length of time stands by itself: a bare number is of seconds.
fn meant(node: &Node) -> Option<String> {
    let (Value::Whole(text) | Value::Number(text) | Value::Text(text)) = &node.value else {
        return None;
    };
    let text = text.trim();
    let is_number = text.parse::<f64>().is_ok();
    let span = if is_number {
        format!("{text}s")
    } else {
        text.to_owned()
    };
    amounts::span(&span)?;
    Some(format!(
        "a step that waits for so long says `wait_for: {{time: {span}}}`"
    ))
}
