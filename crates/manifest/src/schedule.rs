//! Schedules: what happens at a time; and the times in the triggers of instructions.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use naos_types::spec::{
    Begins, CATCH_UP, CATCH_UP_MAX, Kind, Missed, Overlap, ScheduleSpec, StandupSpec, Timing,
    Tongue, When,
};
use naos_types::{Code, Name, Span, Time};
use serde_json::Value as Json;

use crate::START;
use crate::calendar;
use crate::diagnostic::Findings;
use crate::reader::{self, Fields};
use crate::tree::{Mark, Node, Value};

/// What can be started: the key and the kind.
const STARTED: &[(&str, Kind)] = &[
    ("agent", Kind::Agent),
    ("plan", Kind::Plan),
    ("workflow", Kind::Workflow),
    ("saga", Kind::Saga),
    ("pool", Kind::Pool),
    ("instruction", Kind::Instruction),
];
const STARTS_HELP: &str = "write one of `agent: NAME`, `plan: NAME`, `workflow: NAME`, \
`saga: NAME`, `pool: NAME`, `event: TYPE`, `standup: true`";
const TIMES_HELP: &str = "write one of `at: 2026-12-24T18:00`, `every: 15m`, \
`cron: \"0 9 * * MON-FRI\"`";

/// A map of them by name, or a list in which each has its `name`.
pub(crate) fn all(node: &Node, findings: &mut Findings) -> Vec<(Name, ScheduleDoc)> {
    let entries = reader::entries("schedules", node, findings);
    let read = entries
        .into_iter()
        .filter_map(|(key, node)| one(key, node, findings));
    read.collect()
}

/// One; `key` is its name where it stands in a map.
pub(crate) fn one(
    key: Option<&str>,
    node: &Node,
    findings: &mut Findings,
) -> Option<(Name, ScheduleDoc)> {
    let before = findings.errors.len();
    let mut map = Fields::of(node, "a schedule", findings)?;
    map.skip(&["type"]);
    let name = reader::called("schedule", key, &mut map, findings);
    let description = map.text(&["description"], findings).unwrap_or_default();
    let enabled = map.bool(&["enabled"], findings).unwrap_or(true);
    let starts = starts(&mut map, findings);
    let (read, is_timed) = times(&mut map, findings);
    map.finish(findings);
    if !is_timed {
        findings.error_help(node.at, "this schedule has no time", TIMES_HELP);
    }
    let read = read?;
    read.tell_idle_zone(findings);
    let starts = starts?;
    if let Some(at) = read.overlap_at
        && starts.run().is_none()
    {
        let help = "`overlap` goes with what runs: an agent, a plan, a workflow, a saga, a pool";
        let what = match starts {
            Begins::Standup(_) => "a stand-up is over once it is told",
            _ => "an event works no longer once it is published",
        };
        findings.error_help(at, what, help);
    }
    let placed = read.of(description, enabled, starts);
    if findings.errors.len() == before {
        sound(&placed, findings);
    }
    Some((name?, placed))
}

/// When an instruction happens by itself, if its trigger says so; other keys of the trigger are
/// judged elsewhere.
pub(crate) fn of_instruction(
    name: &Name,
    node: &Node,
    findings: &mut Findings,
) -> Option<ScheduleDoc> {
    let trigger = node.get("trigger")?;
    let Value::Map(_) = &trigger.value else {
        return None;
    };
    let before = findings.errors.len();
    let mut map = Fields::of(trigger, "`trigger`", findings)?;
    let read = times(&mut map, findings).0?;
    // "Today" is a day somewhere.
    let said = node.json().to_string();
    if !["yesterday", "today", "tomorrow"]
        .iter()
        .any(|day| said.contains(day))
    {
        read.tell_idle_zone(findings);
    }
    let enabled = match node.get("enabled").map(|node| &node.value) {
        Some(Value::Bool(enabled)) => *enabled,
        _ => true,
    };
    let starts = Begins::Run {
        kind: Kind::Instruction,
        name: name.clone(),
        input: "{}".into(),
    };
    let placed = read.of(String::new(), enabled, starts);
    if findings.errors.len() == before {
        sound(&placed, findings);
    }
    Some(placed)
}

fn sound(placed: &ScheduleDoc, findings: &mut Findings) {
    if let Err(what) = placed.spec.check() {
        findings.push(placed.at, Code::BAD_TIME, what, None);
    }
}

/// A schedule, and where its time stands in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleDoc {
    /// What it says.
    pub spec: ScheduleSpec,
    /// Where.
    pub at: Mark,
}

/// What is said about times.
struct Times {
    at: Mark,
    timing: Timing,
    count: Option<u32>,
    missed: Missed,
    jitter: Span,
    overlap: Overlap,
    overlap_at: Option<Mark>,
    /// A zone that changes nothing.
    idle_zone: Option<Mark>,
}

impl Times {
    fn of(self, description: String, enabled: bool, starts: Begins) -> ScheduleDoc {
        let spec = ScheduleSpec {
            description,
            timing: self.timing,
            count: self.count,
            missed: self.missed,
            jitter: self.jitter,
            starts: starts.with(self.overlap),
            enabled,
        };
        ScheduleDoc { spec, at: self.at }
    }

    fn tell_idle_zone(&self, findings: &mut Findings) {
        if let Some(at) = self.idle_zone {
            let what =
                "`timezone` does nothing beside `every`: its times are as far apart anywhere";
            let help = "leave it out, or name a time of the day: `cron: \"0 9 * * *\"`";
            findings.warn(at, what, help);
        }
    }
}

/// The zone that is named, and its name: UTC where none is.
fn zone(map: &mut Fields<'_>, findings: &mut Findings) -> (TimeZone, String) {
    let utc = || (TimeZone::UTC, calendar::UTC.to_owned());
    let Some(node) = map.node(&["timezone", "zone", "tz"], findings) else {
        return utc();
    };
    let Some(name) = reader::text(node, "timezone", findings) else {
        return utc();
    };
    match calendar::zone(&name) {
        Ok(zone) => {
            let name = zone.iana_name().unwrap_or(&name).to_owned();
            (zone, name)
        }
        Err(what) => {
            let help = calendar::similar_zone(&name).map_or_else(
                || "write one such as Indian/Antananarivo, Europe/Paris or UTC".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            findings.push(node.at, Code::BAD_TIME, what, Some(help));
            utc()
        }
    }
}

/// The time that is named, and whether one is: what can't be read was noted.
fn times(map: &mut Fields<'_>, findings: &mut Findings) -> (Option<Times>, bool) {
    let (zone, zone_name) = zone(map, findings);
    let zone_at = map.node(&["timezone", "zone", "tz"], findings);
    let at = map.node(&["at"], findings);
    let every = map.said(&["every", "interval"], findings);
    let cron = map.node(&["cron", "schedule"], findings);
    let from = map.node(&["from", "start"], findings);
    let until = map.node(&["until", "end"], findings);
    let count = map.whole(&["count"], (1, i64::from(u32::MAX)), findings);
    let missed = map.node(&["missed", "missed_runs", "missedRuns"], findings);
    let jitter = map.node(&["jitter"], findings);
    let overlap = map.node(&["overlap"], findings);
    let rules: Vec<&str> = Overlap::ALL.iter().map(|(word, _)| *word).collect();
    let mut when = None;
    if let Some(node) = at {
        let read = time(node, "at", &zone, findings).map(When::At);
        when = when.or(read.map(|read| (node.at, read)));
    }
    if let Some((key, node)) = every {
        let every = reader::span(node, key, 1_000, findings);
        let from = from.and_then(|node| time(node, "from", &zone, findings));
        let read = every.map(|every| When::Every { every, from });
        when = when.or(read.map(|read| (node.at, read)));
    } else if let Some(node) = from {
        findings.error(node.at, "`from` goes with `every`");
    }
    if let Some(node) = cron {
        let zone = zone_name;
        let read = line(node, findings).map(|cron| When::Cron { cron, zone });
        when = when.or(read.map(|read| (node.at, read)));
    }
    let named = [at, every.map(|(_, node)| node), cron];
    let named: Vec<&Node> = named.into_iter().flatten().collect();
    if let [_, second, ..] = named[..] {
        findings.error_help(second.at, "one schedule has one kind of time", TIMES_HELP);
    }
    // Where the clock stands matters to a time that is written as it shows.
    let is_idle = every.is_some() && named.len() == 1 && from.is_none() && until.is_none();
    let idle_zone = zone_at.filter(|_| is_idle).map(|node| node.at);
    let until = until.and_then(|node| time(node, "until", &zone, findings));
    let missed = missed.map_or_else(Missed::default, |node| policy(node, findings));
    let jitter = jitter.and_then(|node| reader::span(node, "jitter", 1_000, findings));
    let read = when.map(|(at, when)| Times {
        at,
        timing: Timing { when, until },
        count: count.and_then(|count| u32::try_from(count).ok()),
        missed,
        jitter: jitter.unwrap_or(Span(0)),
        overlap: overlap
            .and_then(|node| reader::word(node, "overlap", &rules, findings))
            .and_then(Overlap::parse)
            .unwrap_or_default(),
        overlap_at: overlap.map(|node| node.at),
        idle_zone,
    });
    (read, !named.is_empty())
}

fn line(node: &Node, findings: &mut Findings) -> Option<String> {
    let text = reader::text(node, "cron", findings)?;
    let text = text.trim().to_owned();
    if let Err(what) = crate::cron::check(&text).and_then(|()| calendar::parse(&text).map(drop)) {
        findings.push(node.at, Code::BAD_TIME, what, None);
        return None;
    }
    Some(text)
}

/// `2026-12-24T18:00` on the clocks of the zone, or with an offset of its own.
fn time(node: &Node, key: &str, zone: &TimeZone, findings: &mut Findings) -> Option<Time> {
    let text = reader::text(node, key, findings)?;
    let text = text.trim();
    let own = text.parse::<Timestamp>().ok();
    let own = own.or_else(|| text.parse::<Zoned>().ok().map(|zoned| zoned.timestamp()));
    if let Some(at) = own {
        return Some(Time(at.as_millisecond()));
    }
    let Ok(shown) = text.parse::<DateTime>() else {
        let what = format!("`{key}` is a time such as 2026-12-24T18:00, not {text:?}");
        findings.push(node.at, Code::BAD_TIME, what, None);
        return None;
    };
    let at = calendar::moment(zone, shown)?;
    if !calendar::exists(zone, shown) {
        let then = zone.to_datetime(at);
        let what = format!("there is no {shown} on the clocks there: it is taken as {then}");
        findings.warn(node.at, what, "the clocks are set forward over it");
    }
    Some(Time(at.as_millisecond()))
}

/// `skip`, `once`, `catch-up`, or `catch-up` with its limit.
fn policy(node: &Node, findings: &mut Findings) -> Missed {
    const WORDS: &[&str] = &["skip", "once", "catch-up"];
    let of = |word: &str, limit: u32| match word {
        "skip" => Missed::Skip,
        "catch-up" => Missed::CatchUp(limit),
        _ => Missed::Once,
    };
    if !matches!(node.value, Value::Map(_)) {
        let word = reader::word(node, "missed", WORDS, findings);
        return of(word.unwrap_or("once"), CATCH_UP);
    }
    let Some(mut map) = Fields::of(node, "`missed`", findings) else {
        return Missed::default();
    };
    let limits = (1, i64::from(CATCH_UP_MAX));
    let word = map.word(&["policy"], WORDS, findings);
    let own = map.whole(&["catch-up", "catch_up", "catchUp"], limits, findings);
    let limit = map.whole(&["limit", "max"], limits, findings).or(own);
    map.finish(findings);
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    let word = word.unwrap_or(if limit.is_some() { "catch-up" } else { "once" });
    if limit.is_some() && word != "catch-up" {
        findings.error(node.at, "a limit goes with `catch-up`");
    }
    of(word, limit.unwrap_or(CATCH_UP))
}

fn starts(map: &mut Fields<'_>, findings: &mut Findings) -> Option<Begins> {
    let errors = findings.errors.len();
    let input = map.node(&["input", "inputs", "tasks", "data"], findings);
    let mut found: Vec<(Mark, Begins)> = Vec::new();
    for (key, kind) in STARTED {
        if let Some(node) = map.node(&[key], findings)
            && let Some(text) = reader::text(node, key, findings)
        {
            let name = match kind {
                Kind::Agent => reader::name_text(&text, node.at, findings),
                _ => Name::slug(&text),
            };
            let Some(name) = name else {
                findings.error(node.at, format!("{text:?} can't be made a name"));
                continue;
            };
            let kind = *kind;
            let input = given(kind, input, findings);
            found.push((node.at, Begins::Run { kind, name, input }));
        }
    }
    if let Some(node) = map.node(&["event", "emit"], findings) {
        found.extend(event(node, input, findings).map(|event| (node.at, event)));
    }
    if let Some(node) = map.node(&["standup", "stand_up", "stand-up"], findings) {
        found.extend(standup(node, findings).map(|spec| (node.at, Begins::Standup(spec))));
    }
    if let [_, (second, _), ..] = &found[..] {
        findings.error_help(*second, "a schedule starts one thing", STARTS_HELP);
    }
    if found.is_empty() && findings.errors.len() == errors {
        findings.error_help(map.at, "this schedule starts nothing", STARTS_HELP);
    }
    found.into_iter().next().map(|(_, starts)| starts)
}

/// `standup: true`, or `standup: {to: [ana], language: fr}`.
fn standup(node: &Node, findings: &mut Findings) -> Option<StandupSpec> {
    const HELP: &str = "write `standup: true`, or `standup: {to: [ana, soa], language: fr}`";
    match &node.value {
        Value::Bool(true) => Some(StandupSpec::default()),
        Value::Map(_) => {
            let mut map = Fields::of(node, "`standup`", findings)?;
            let named = map.node(&["to", "for"], findings);
            let codes: Vec<&str> = Tongue::ALL.iter().map(|(code, _)| *code).collect();
            let language = map.word(&["language", "lang"], &codes, findings);
            map.finish(findings);
            let mut to = Vec::new();
            for item in named.map_or(&[][..], Node::items) {
                let text = reader::text(item, "to", findings);
                let text = text.as_deref().map(|text| text.trim_start_matches('@'));
                let name = text.and_then(|text| reader::name_text(text, item.at, findings));
                to.extend(name);
            }
            to.sort();
            to.dedup();
            let language = language.and_then(Tongue::parse);
            Some(StandupSpec { to, language })
        }
        _ => {
            let what = format!("`standup` says who is told, not {}", node.word());
            findings.error_help(node.at, what, HELP);
            None
        }
    }
}

/// What is given to what is started.
fn given(kind: Kind, node: Option<&Node>, findings: &mut Findings) -> String {
    let json = node.map_or(Json::Null, Node::json);
    match (kind, json) {
        (Kind::Plan | Kind::Instruction, Json::Null) => "{}".into(),
        (Kind::Plan | Kind::Instruction, Json::Object(map)) => Json::Object(map).to_string(),
        (Kind::Pool, Json::Array(list)) => Json::Array(list).to_string(),
        (Kind::Plan | Kind::Instruction, _) => {
            wrong(node, "the inputs of a plan are a map", findings)
        }
        (Kind::Pool, Json::Null) => {
            findings.error(START, "a pool gets `tasks`, a list");
            String::new()
        }
        (Kind::Pool, _) => wrong(node, "the tasks of a pool are a list", findings),
        (_, Json::Null) => String::new(),
        (_, Json::String(text)) => text,
        (_, other) => other.to_string(),
    }
}

fn wrong(node: Option<&Node>, what: &str, findings: &mut Findings) -> String {
    findings.error(node.map_or(START, |node| node.at), what);
    String::new()
}

/// `event: email.fetch`, or `event: {type: email.fetch, data: {…}}`.
fn event(node: &Node, input: Option<&Node>, findings: &mut Findings) -> Option<Begins> {
    let (topic, data) = match &node.value {
        Value::Map(_) => {
            let mut map = Fields::of(node, "`event`", findings)?;
            let kind = map.node(&["type", "kind"], findings);
            let data = map.node(&["data"], findings).or(input);
            map.finish(findings);
            let Some(kind) = kind else {
                findings.error(node.at, "`type` is missing in `event`");
                return None;
            };
            (crate::event::said(kind, "type", findings)?, data)
        }
        _ => (crate::event::said(node, "event", findings)?, input),
    };
    let data = data.map_or_else(|| "{}".to_owned(), |node| node.json().to_string());
    Some(Begins::Event { topic, data })
}
