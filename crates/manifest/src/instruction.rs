//! Instructions: a plan of events, and what sets it off. The steps are lowered to those of a plan;
//! keys that don't belong were found before, by the schema.

mod carry;
mod of_event;

use naos_types::spec::{
    ENDED_PREFIX, EventFilter, HOOK_TOPIC, InstructionSpec, Kind, PlanSpec, Starts, StepDo,
    SubscriptionSpec, hook_of, pattern, runs_of,
};
use naos_types::{Code, DocPath, Name, PlanStatus, Span};
use serde_json::Value as Json;

use crate::checks::{Checks, Scope, note};
use crate::diagnostic::Findings;
use crate::places;
use crate::plan::{self, Placed, STEPS_MAX, Sort, Texts};
use crate::plan_check;
use crate::reader::{self, Fields};
use crate::soundness;
use crate::tree::{Mark, Node, Value};

pub(crate) use carry::on as carry;
pub(crate) use of_event::{in_place, of_event, of_values};

/// How long a step waits for a driver's answer where it says nothing.
pub(crate) const ANSWER_WAIT: Span = Span::secs(15 * 60);
/// Words that stand for days in the data of events.
const DAYS: &[&str] = &["yesterday", "today", "tomorrow"];
/// Where "today" is, unless the trigger says so.
const UTC: &str = "UTC";
/// What is kept where a step says nothing of what: what set it off, that is all there is.
const SET_OFF: &str = "{{ (trigger.data if trigger else inputs) | tojson }}";
const TEMPLATES: &str = "a text in an event's data takes values as {{ … }}, and no other tags";

/// Reads what an instruction does and listens to; none where it is too broken to say.
pub(crate) fn read(
    name: &Name,
    node: &Node,
    document: &Json,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<InstructionSpec> {
    let before = findings.errors.len();
    let inputs = node.get("inputs");
    let inputs = inputs.map_or_else(Vec::new, |node| plan::inputs::read(node, findings));
    let mut read = plan::Read {
        inputs: findings.errors.len() == before,
        ..plan::Read::default()
    };
    let Some(Value::List(items)) = node.get("plan").map(|node| &node.value) else {
        return None; // the schema has said so
    };
    if items.is_empty() || items.len() > STEPS_MAX {
        let at = node.get("plan").map_or(node.at, |node| node.at);
        findings.error(at, format!("an instruction has 1 to {STEPS_MAX} steps"));
    }
    // Where no step names another one they come one after the other, as they are written.
    let named = ["depends_on", "dependencies", "after"];
    let in_order = !items
        .iter()
        .any(|item| named.iter().any(|key| item.get(key).is_some()));
    let mut steps: Vec<Placed<'_>> = Vec::with_capacity(items.len());
    for item in items {
        let taken: Vec<Name> = steps.iter().map(|step| step.spec.name.clone()).collect();
        let previous = taken.last().filter(|_| in_order).cloned();
        let placed = step(item, previous, &taken, findings);
        steps.extend(placed.or_else(|| read.without(item, &["id", "name"])));
    }
    need_answers(&mut steps);
    read.judge((&steps, &inputs, None), checks, findings);
    carry(&mut steps);
    if findings.errors.len() == before {
        soundness::check(&steps, |_| false, checks, findings);
    }
    places::keep(Kind::Instruction, name, &steps, findings);
    let text = |key: &str| match node.get(key).map(|node| &node.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let trigger = node.get("trigger");
    let listens = trigger.and_then(|trigger| listens(name, trigger, checks, findings));
    if listens.is_none() && findings.errors.len() == before {
        if read.inputs && inputs.is_empty() {
            with_nothing(
                &steps,
                "context.write says no `data`, and no event sets this off that brings some",
                "write `data: {content: \"…\"}`, or take what it needs as `inputs`",
                findings,
            );
        }
        without_event(&steps, findings);
    }
    let zone = trigger
        .and_then(|trigger| {
            ["timezone", "zone", "tz"]
                .iter()
                .find_map(|key| trigger.get(key))
        })
        .and_then(|node| match &node.value {
            Value::Text(zone) => Some(zone.clone()),
            _ => None,
        });
    let enabled = match node.get("enabled").map(|node| &node.value) {
        Some(Value::Bool(enabled)) => *enabled,
        _ => true,
    };
    Some(InstructionSpec {
        document: document.to_string(),
        plan: PlanSpec {
            description: text("description").unwrap_or_default(),
            inputs,
            steps: steps.into_iter().map(|step| step.spec).collect(),
            output: None,
        },
        zone: zone.unwrap_or_else(|| UTC.to_owned()),
        listens,
        schedule: None, // whoever reads its time adds it
        enabled,
    })
}

/// How a run can end that sets an instruction off.
const ENDS: &[&str] = &[
    "completed",
    "partial",
    "failed",
    "rolled_back",
    "compensated",
    "compensation_failed",
    "cancelled",
    "ended",
];
/// What names a time.
const TIMES: &[&str] = &["schedule", "cron", "interval", "every", "at"];
/// What such a run can be a run of.
const ENDING: &[Kind] = &[
    Kind::Plan,
    Kind::Workflow,
    Kind::Saga,
    Kind::Pool,
    Kind::Instruction,
];

/// `trigger: {event: TYPE, filter: CONDITION}`, `{webhook: true}`, `{plan: NAME, on: completed}`.
fn listens(
    name: &Name,
    trigger: &Node,
    checks: &dyn Checks,
    findings: &mut Findings,
) -> Option<SubscriptionSpec> {
    let said = match trigger.get("type").map(|node| &node.value) {
        Some(Value::Text(word)) => word.as_str(),
        _ => "",
    };
    let event = trigger.get("event");
    let webhook = match trigger.get("webhook") {
        None => (said == "webhook").then_some(trigger),
        Some(node) => match &node.value {
            Value::Null | Value::Bool(true) => Some(node),
            Value::Bool(false) => None,
            _ => {
                let help = "write `webhook: true`: `naos apply` says its address and its secret";
                let what = "a webhook's address follows from the instruction's name";
                findings.error_help(node.at, what, help);
                None
            }
        },
    };
    let ending = ENDING.iter().find_map(|kind| {
        let node = trigger.get(kind.word())?;
        Some((*kind, node))
    });
    let there = |word: &&str| trigger.get(word).is_some();
    let mut things: Vec<&str> = Vec::new();
    things.extend(TIMES.iter().copied().find(there));
    things.extend(event.map(|_| "event"));
    things.extend(webhook.map(|_| "webhook"));
    things.extend(ENDING.iter().map(|kind| kind.word()).filter(there));
    if let [first, second, ..] = things[..] {
        let what = format!("one thing sets an instruction off, not `{first}` and `{second}`");
        let help = "make a second instruction, or let the first one emit an event";
        findings.error_help(trigger.at, what, help);
        return None;
    }
    if let Some(on) = trigger.get("on").filter(|_| ending.is_none()) {
        findings.error(on.at, "`on` says how a `plan` ends that sets it off");
    }
    let filter = if let Some(node) = event {
        let topic = reader::text(node, "event", findings)?;
        if let Err(what) = pattern(&topic) {
            findings.error(node.at, what);
            return None;
        }
        EventFilter {
            topics: vec![topic],
            ..EventFilter::default()
        }
    } else if webhook.is_some() {
        EventFilter {
            topics: vec![HOOK_TOPIC.to_owned()],
            source: Some(hook_of(name)),
            ..EventFilter::default()
        }
    } else {
        let (kind, node) = ending?;
        let of = reader::text(node, kind.word(), findings)?;
        let of = reader::made_name(&of, node.at, findings)?;
        EventFilter {
            topics: ends(trigger, findings),
            source: Some(runs_of(kind, &of)),
            ..EventFilter::default()
        }
    };
    let condition = ["filter", "condition", "where"]
        .iter()
        .find_map(|key| trigger.get(key))
        .and_then(|node| {
            let source = reader::text(node, "filter", findings)?;
            note(checks.condition(&source, &Scope::Trigger), node, findings);
            Some(source)
        });
    Some(SubscriptionSpec {
        description: format!("what sets instruction {name} off"),
        filter,
        condition,
        starts: Some(Starts {
            kind: Kind::Instruction,
            name: name.clone(),
            input: None,
        }),
        ..SubscriptionSpec::default()
    })
}

/// How the run ends that sets it off: completed, unless `on` says else.
fn ends(trigger: &Node, findings: &mut Findings) -> Vec<String> {
    fn topic(word: &str) -> String {
        match word {
            "ended" => format!("{ENDED_PREFIX}*"),
            word => {
                let status: &str = PlanStatus::said(word).map_or(word, |status| status.word());
                format!("{ENDED_PREFIX}{status}")
            }
        }
    }
    let Some(node) = trigger.get("on") else {
        return vec![topic("completed")];
    };
    let items = node.items();
    let mut out = Vec::new();
    for item in items {
        let word = reader::word(item, "on", ENDS, findings);
        let topic = word.map(topic);
        out.extend(topic.filter(|topic| !out.contains(topic)));
    }
    if items.is_empty() {
        findings.error(node.at, "`on` names no end");
    }
    out
}

fn step<'t>(
    node: &'t Node,
    previous: Option<Name>,
    taken: &[Name],
    findings: &mut Findings,
) -> Option<Placed<'t>> {
    let mut map = Fields::of(node, "a step", findings)?;
    let mut own = Fields::of(node, "a step", findings)?;
    let does = emits(&mut own, findings)?;
    let name_node = map.node(&["id", "name"], findings);
    let name = match name_node {
        Some(node) => plan::own_name(node, "id", findings)?,
        None => free_name(&does.kind, taken)?,
    };
    let (after, after_at) = plan::after(&mut map, previous, findings);
    let mut texts: Texts<'t> = Vec::new();
    let when = map.node(&["condition", "when"], findings).and_then(|node| {
        let source = reader::text(node, "condition", findings)?;
        texts.push((Sort::Condition, source.clone(), node));
        Some(source)
    });
    let retry_node = map.node(&["retry"], findings);
    let retry = |node| crate::agent::retry(node, findings);
    let retry = retry_node.map_or_else(Default::default, retry);
    let timeout = reader::timeout(&mut map, 1_000, findings);
    let said_at = does.at;
    let key = plan::key(&mut map, &mut texts, findings);
    let action = does.lower(&mut texts, findings)?;
    if let Some(node) = retry_node {
        plan::idle_retry(node.at, &retry, &action, findings);
    }
    let asks = matches!(action, StepDo::Ask { .. });
    let spec = naos_types::spec::StepSpec {
        name,
        after,
        when,
        action,
        for_each: None,
        retry,
        timeout: timeout.or(asks.then_some(ANSWER_WAIT)),
        optional: false,
        key: key.as_ref().map(|(key, _)| key.clone()),
    };
    if let Some((_, at)) = key {
        plan::keyed(&spec, false, at, findings);
    }
    Some(Placed {
        spec,
        at: name_node.map_or(node.at, |node| node.at),
        after_at,
        of_at: if asks { said_at } else { node.at },
        texts,
    })
}

/// A step without a name is called after the event that it emits.
fn free_name(kind: &str, taken: &[Name]) -> Option<Name> {
    let base = kind.replace(['.', '_'], "-").to_ascii_lowercase();
    let numbered = (2..=STEPS_MAX).map(|n| format!("{base}-{n}"));
    let mut names = [base.clone(), format!("emit-{base}")]
        .into_iter()
        .chain(numbered)
        .filter_map(|name| Name::slug(&name));
    let free = |name: &Name| !taken.contains(name) && !plan_check::TAKEN.contains(&name.as_str());
    names.find(free)
}

/// What a step emits.
pub(crate) struct Emits<'t> {
    pub(crate) at: Mark,
    kind: String,
    data: Option<&'t Node>,
    path: Option<&'t Node>,
}

/// `action: emit_event` with its `event`, or `emit` in short.
fn emits<'t>(map: &mut Fields<'t>, findings: &mut Findings) -> Option<Emits<'t>> {
    if let Some(action) = map.node(&["action"], findings)
        && !matches!(&action.value, Value::Text(word) if word == "emit_event")
    {
        let help = "write `action: emit_event` and `event: {type: …}`, or `emit: {type: …}`";
        findings.error_help(action.at, "a step of an instruction emits an event", help);
        return None;
    }
    let Some(found) = map.node(&["event", "emit"], findings) else {
        let what = "a step of an instruction has `emit`, or `action` and `event`";
        findings.error(map.at, what);
        return None;
    };
    Emits::of(found, findings)
}

impl<'t> Emits<'t> {
    /// An event as it is written in a step: its type, or a map with it.
    pub(crate) fn of(found: &'t Node, findings: &mut Findings) -> Option<Self> {
        let part = |key: &str| found.get(key);
        let kind = match &found.value {
            Value::Text(_) => found,
            _ => part("type")?, // the schema wants one
        };
        let text = crate::event::said(kind, "type", findings)?;
        Some(Self {
            at: kind.at,
            kind: text,
            data: part("data"),
            path: part("path").or_else(|| part("data")?.get("path")),
        })
    }

    /// Documents are read and written here; everything else is a driver's.
    pub(crate) fn lower(self, texts: &mut Texts<'t>, findings: &mut Findings) -> Option<StepDo> {
        match self.kind.as_str() {
            "context.read" => {
                let path = self.document(texts, findings)?;
                Some(StepDo::Read { path })
            }
            "context.write" => {
                let path = self.document(texts, findings)?;
                let content = self.data.and_then(|data| {
                    let keys = ["content", "text", "value", "data"];
                    keys.iter()
                        .find_map(|key| data.get(key))
                        .or(match data.get("path") {
                            Some(_) => None, // it only says where
                            None => Some(data),
                        })
                });
                let text = match content {
                    Some(node) => {
                        let text = written(node, true, findings)?;
                        texts.push((Sort::Template, text.clone(), node));
                        text
                    }
                    None => SET_OFF.to_owned(),
                };
                let text = Some(text);
                Some(StepDo::Document { path, text })
            }
            _ => {
                let mut data = None;
                if let Some(node) = self.data {
                    let template = template(node, true, findings)?;
                    texts.push((Sort::Template, template.clone(), node));
                    data = Some(template);
                } else if let Some(node) = self.path {
                    let path = reader::text(node, "path", findings)?;
                    let literal = Json::String(path);
                    data = Some(format!("{{{{ {{\"path\": {literal}}} | tojson }}}}"));
                }
                Some(StepDo::Ask {
                    kind: self.kind,
                    data,
                    needed: false,
                })
            }
        }
    }

    fn document(&self, texts: &mut Texts<'t>, findings: &mut Findings) -> Option<String> {
        let Some(node) = self.path else {
            let help = "write `path: /Tasks/Active`";
            let what = format!("{} says no `path`", self.kind);
            findings.error_help(self.at, what, help);
            return None;
        };
        let path = reader::text(node, "path", findings)?;
        if path.contains("{{") {
            texts.push((Sort::Template, path.clone(), node));
        } else if let Err(what) = DocPath::new(&path) {
            findings.error(node.at, what);
        }
        if self.kind == "context.write" {
            plan::no_soul(&path, node.at, findings);
        }
        Some(path)
    }
}

/// A text as it is, with its templates; anything else as JSON, that of a single value too.
fn written(node: &Node, days: bool, findings: &mut Findings) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(in_place(&said(text))),
        _ => template(node, days, findings),
    }
}

/// A text as it is; one that is a value and nothing else as that value.
fn said(text: &str) -> String {
    let value =
        |value| format!("{{% set it = ({value}) %}}{{{{ it if it is string else it | tojson }}}}");
    alone(text).map_or_else(|| text.to_owned(), value)
}

/// The one value that a text consists of.
fn alone(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner.trim_matches('-').trim())
}

/// A template that gives a value as JSON, what stands in it with its type. With `days` a whole text
/// such as "today" is a date.
pub(crate) fn template(node: &Node, days: bool, findings: &mut Findings) -> Option<String> {
    let reading = if days { Reading::Days } else { Reading::Plain };
    let json = node.json();
    if let Some(key) = of_event::made_key(&json) {
        let what = format!("the key {key:?} stays as it is written: only values are templates");
        findings.warn(node.at, what, "name the keys; templates give their values");
    }
    match of_json(&json, reading) {
        Ok(value) => Some(format!("{{{{ {value} | tojson }}}}")),
        Err(what) => {
            findings.push(node.at, Code::BAD_EXPRESSION, what, Some(TEMPLATES.into()));
            None
        }
    }
}

/// How texts in a value are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// A text that is one value and nothing else is that value.
    Plain,
    /// So it is, and a whole text such as "today" is a date.
    Days,
    /// A text stays one, but for a value that is marked.
    Quoted,
}

fn of_json(value: &Json, reading: Reading) -> Result<String, String> {
    Ok(match value {
        Json::Null => "none".to_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => of_text(text, reading)?,
        Json::Array(items) => {
            let items: Result<Vec<String>, String> =
                items.iter().map(|one| of_json(one, reading)).collect();
            format!("[{}]", items?.join(", "))
        }
        Json::Object(fields) => {
            let fields: Result<Vec<String>, String> = fields
                .iter()
                .map(|(key, value)| {
                    let key = Json::String(key.clone());
                    Ok(format!("{key}: {}", of_json(value, reading)?))
                })
                .collect();
            format!("{{{}}}", fields?.join(", "))
        }
    })
}

fn of_text(text: &str, reading: Reading) -> Result<String, String> {
    if reading == Reading::Days && DAYS.contains(&text) {
        return Ok(format!("days.{text}"));
    }
    if reading == Reading::Quoted
        && let Some(value) = text.strip_prefix(of_event::VALUE).and_then(alone)
    {
        return Ok(format!(
            "({})",
            of_event::unfiltered(value).unwrap_or(value)
        ));
    }
    if text.contains("{%") || text.contains("{#") {
        return Err(format!("{text:?} has a tag that can't stand here"));
    }
    let literal = |text: &str| Json::String(text.to_owned()).to_string();
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("{{") {
        let Some((inner, after)) = from.split_once("}}") else {
            return Err(format!("{text:?} opens {{{{ and never closes it"));
        };
        if !before.is_empty() {
            parts.push(literal(before));
        }
        parts.push(format!("({})", inner.trim_matches('-').trim()));
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(literal(rest));
    }
    Ok(match &parts[..] {
        [one] if reading == Reading::Quoted && one.starts_with('(') => {
            format!("concat(\"\", {one})")
        }
        [one] => one.clone(),
        // Written side by side, what a value holds would be read as JSON.
        more => format!("concat({})", more.join(", ")),
    })
}

/// A step whose answer another one uses needs one.
pub(crate) fn need_answers(steps: &mut [Placed<'_>]) {
    let used: Vec<bool> = steps
        .iter()
        .map(|step| {
            let called = step.spec.name.as_str().replace('-', "_");
            let mut sources = steps
                .iter()
                .flat_map(|other| other.texts.iter().map(|(_, source, _)| source));
            sources.any(|source| uses(source, &called))
        })
        .collect();
    for (step, used) in steps.iter_mut().zip(used) {
        if let StepDo::Ask { needed, .. } = &mut step.spec.action {
            *needed = used;
        }
    }
}

/// Says which texts ask for the event that set it off, where no event does.
fn without_event(steps: &[Placed<'_>], findings: &mut Findings) {
    let texts = steps.iter().flat_map(|step| &step.texts);
    for (_, _, node) in texts.filter(|(_, source, _)| asks_trigger(source)) {
        let what = "no event sets this off: `trigger` is null, and has no fields";
        let help = "write `trigger: {event: TYPE}`, or take what it needs as `inputs`";
        findings.warn(node.at, what, help);
    }
}

/// Says which steps keep what set them off, where nothing does that says anything.
pub(crate) fn with_nothing(steps: &[Placed<'_>], what: &str, help: &str, findings: &mut Findings) {
    for step in steps {
        let StepDo::Document { text, .. } = &step.spec.action else {
            continue;
        };
        if text.as_deref() == Some(SET_OFF) {
            findings.error_help(step.of_at, what, help);
        }
    }
}

/// Whether a text speaks of a part of the event that set it off.
fn asks_trigger(source: &str) -> bool {
    const TRIGGER: &str = "trigger";
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    source.match_indices(TRIGGER).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        let after = &source[at + TRIGGER.len()..];
        !before.is_some_and(part) && after.starts_with(['.', '['])
    })
}

/// Whether a text speaks of a step's output.
fn uses(source: &str, called: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    source.match_indices(called).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        let after = &source[at + called.len()..];
        !before.is_some_and(part) && after.trim_start().starts_with(".output")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_expressions() {
        for (text, expected) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("yesterday", "days.yesterday"),
            ("not today", "\"not today\""),
            ("{{ a.output }}", "(a.output)"),
            (
                "say {{a}} and {{ b }}!",
                "concat(\"say \", (a), \" and \", (b), \"!\")",
            ),
            ("a \"quote\"\n", "\"a \\\"quote\\\"\\n\""),
        ] {
            assert_eq!(
                of_text(text, Reading::Days).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        for text in ["{% if a %}", "{# note #}", "{{ a"] {
            assert!(of_text(text, Reading::Days).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_in_quotes_stays_one() {
        for (text, expected) in [
            ("{{ a.n }}", "concat(\"\", (a.n))"),
            ("{{ a }}{{ b }}", "concat((a), (b))"),
            ("plain", "\"plain\""),
        ] {
            assert_eq!(of_text(text, Reading::Quoted).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn who_asks_for_the_event_is_found() {
        for (source, asks) in [
            ("{{ trigger.data.place }}", true),
            ("concat((trigger[\"data\"]))", true),
            ("{{ inputs.trigger.data }} {{ my_trigger.data }}", false),
            ("trigger == null", false),
        ] {
            assert_eq!(asks_trigger(source), asks, "{source}");
        }
    }

    #[test]
    fn what_is_used_is_needed() {
        for (source, used) in [
            ("{{ a.output }}", true),
            ("steps.a.output == 1", true),
            ("{{ ba.output }} {{ a_b.output }}", false),
            ("a.status == 'done'", false),
        ] {
            assert_eq!(uses(source, "a"), used, "{source}");
        }
    }
}
