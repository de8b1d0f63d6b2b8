//! `/schedules`: what happens at a time, instructions with a time in their trigger too.

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::resource::Resource;
use naos_kernel::schedule::{Book, Schedule};
use naos_manifest::calendar;
use naos_types::command::{self, Reply};
use naos_types::fact::schedule::Began;
use naos_types::spec::{Begins, Kind, Missed, ScheduleSpec, When};
use naos_types::{Code, Name, Refusal, Time};
use serde_json::{Value, json};

use super::lacks::Looking;
use super::{LIMIT, LIMIT_MAX, NAMES_MAX, shapes};
use crate::door::{Answered, Call, ok};
use crate::error::Fault;

/// How many of the next times are told.
pub(crate) const NEXT: usize = 5;

/// A schedule with its resource.
pub(crate) struct Known {
    pub(crate) key: ResourceKey,
    pub(crate) schedule: Schedule,
    pub(crate) spec: ScheduleSpec,
}

impl Known {
    /// Where it stands, in a word.
    pub(crate) const fn word(&self) -> &'static str {
        self.schedule.word(self.spec.enabled)
    }

    /// The next times; none while it waits for none.
    pub(crate) fn next(&self) -> Vec<Time> {
        let Some(next) = self.schedule.next else {
            return Vec::new();
        };
        let left = self.spec.count.map_or(u64::MAX, |count| {
            u64::from(count).saturating_sub(self.schedule.fired)
        });
        let count = NEXT.min(usize::try_from(left).unwrap_or(NEXT));
        let timing = self.schedule.timing(&self.spec);
        let before = Time(next.at.0.saturating_sub(1));
        calendar::upcoming(&timing, before, count).unwrap_or_default()
    }

    /// What it starts: the kind and the name.
    pub(crate) fn starts(&self) -> (&'static str, String) {
        match &self.spec.starts {
            Begins::Run { kind, name, .. } | Begins::Alone { kind, name, .. } => {
                (kind.word(), name.to_string())
            }
            Begins::Event { topic, .. } => ("event", topic.clone()),
            Begins::Standup(spec) => ("standup", told(&spec.to)),
        }
    }
}

/// Who is told how things stand.
fn told(to: &[Name]) -> String {
    let names: Vec<String> = to.iter().map(|name| format!("@{name}")).collect();
    if names.is_empty() {
        "@all".to_owned()
    } else {
        names.join(", ")
    }
}

/// What it waits for, in a few words: what it starts isn't there, or something that this needs.
pub(crate) fn waits_for(looking: &Looking<'_>, known: &Known) -> Result<Option<String>, Refusal> {
    let Some((kind, name, _)) = known.spec.starts.run() else {
        return Ok(None);
    };
    let lacks = looking.lacks(kind, name)?;
    Ok((!lacks.is_empty()).then(|| lacks.join(", ")))
}

/// What it gives wrongly to what it starts, in a few words: each of its times is refused.
pub(crate) fn unfit(looking: &Looking<'_>, known: &Known) -> Result<Option<String>, Refusal> {
    let Some((kind, name, input)) = known.spec.starts.run() else {
        return Ok(None);
    };
    let wrong = looking.given_wrongly(kind, name, input)?;
    Ok(wrong.map(|wrong| format!("{} {name}: {wrong}", kind.word())))
}

/// Why its times have no run as things are, in words that follow its name; none where they have.
pub(crate) fn why_idle(looking: &Looking<'_>, known: &Known) -> Result<Option<String>, Refusal> {
    if let Some(lacks) = waits_for(looking, known)? {
        return Ok(Some(format!("waits for {lacks}")));
    }
    let wrong = unfit(looking, known)?;
    Ok(wrong.map(|wrong| format!("doesn't give what is taken by {wrong}")))
}

/// Those that are asked for in the order of their names, and where there are more.
pub(crate) fn listed(call: &Call, reader: &Reader) -> Result<(Vec<Known>, Option<String>), Fault> {
    let limit = match call.query("limit") {
        Some(_) => call.rows("limit", LIMIT, LIMIT_MAX)?,
        None => NAMES_MAX,
    };
    let before = call.word("before", place)?;
    let found = reader.after::<Schedule>(before.as_ref(), limit)?;
    let mut out = Vec::new();
    for (key, schedule) in found.items {
        out.extend(with_spec(reader, key, &schedule)?);
    }
    let next = found.next;
    let next = next.map(|key| format!("{}/{}", key.0.word(), key.1));
    Ok((out, next))
}

/// What `next` said: `schedule/tick`.
fn place(text: &str) -> Option<ResourceKey> {
    let (kind, name) = text.split_once('/')?;
    Some(ResourceKey(Kind::parse(kind)?, Name::new(name).ok()?))
}

pub(super) fn with_spec(
    reader: &Reader,
    key: ResourceKey,
    schedule: &Schedule,
) -> Result<Option<Known>, Refusal> {
    let found = reader.find::<Resource>(&key)?;
    let spec = found.and_then(|found| naos_kernel::schedule::of(&found.spec).cloned());
    let schedule = schedule.clone();
    Ok(spec.map(|spec| Known {
        key,
        schedule,
        spec,
    }))
}

/// The one that a name means: a schedule, or else an instruction.
pub(crate) fn find(reader: &Reader, name: &Name) -> Result<Known, Refusal> {
    for kind in [Kind::Schedule, Kind::Instruction] {
        let key = ResourceKey(kind, name.clone());
        if let Some(found) = reader.find::<Schedule>(&key)?
            && let Some(known) = with_spec(reader, key, &found)?
        {
            return Ok(known);
        }
    }
    let what = format!("there is no schedule {name}");
    Err(Refusal::new(Code::NOT_FOUND, what).help("`naos get schedules` lists what there is"))
}

/// When, in words that a document takes.
pub(crate) fn when(spec: &ScheduleSpec) -> String {
    match &spec.timing.when {
        When::At(at) => format!("at {}", at.rfc3339()),
        When::Every { every, .. } => format!("every {}", span(every.0)),
        When::Cron { cron, .. } => cron.clone(),
    }
}

/// A length of time in its largest whole unit.
pub(crate) fn span(millis: i64) -> String {
    const UNITS: [(i64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
    ];
    let whole = UNITS.iter().find(|(unit, _)| millis % unit == 0);
    whole.map_or_else(
        || format!("{millis}ms"),
        |(unit, word)| format!("{}{word}", millis / unit),
    )
}

fn shape(reader: &Reader, looking: &Looking<'_>, known: &Known) -> Result<Value, Refusal> {
    let Known {
        key,
        schedule,
        spec,
    } = known;
    let zone = match &spec.timing.when {
        When::Cron { zone, .. } => Some(zone),
        _ => None,
    };
    let missed = match spec.missed {
        Missed::Skip => json!("skip"),
        Missed::Once => json!("once"),
        Missed::CatchUp(most) => json!({"catch-up": most}),
    };
    let (starts, name) = known.starts();
    let since = match &spec.starts {
        Begins::Standup(_) => reader.find::<Book>(key)?.map(|book| book.since),
        _ => None,
    };
    let next: Vec<String> = known.next().iter().map(|at| at.rfc3339()).collect();
    Ok(json!({
        "name": key.1,
        "kind": key.0,
        "status": known.word(),
        "when": when(spec),
        "timezone": zone,
        "next": next,
        "last": schedule.last.map(|(at, _)| at.rfc3339()),
        "last_run": schedule.last.map(|(_, began)| began.to_string()),
        "runs": schedule.fired,
        "missed": schedule.missed,
        "starts": {"kind": starts, "name": name},
        "since": shapes::time(since),
        "waits_for": waits_for(looking, known)?,
        "unfit": unfit(looking, known)?,
        "missed_runs": missed,
        "overlap": spec.starts.overlap(),
        "waits": shapes::time(schedule.waits),
        "jitter_ms": spec.jitter.0,
        "until": shapes::time(spec.timing.until),
        "count": spec.count,
        "description": spec.description,
        "version": schedule.version,
        "problem": shapes::problem(reader, schedule.problem.as_ref()),
    }))
}

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let (found, next) = listed(&call, &reader)?;
    let looking = Looking::new(&reader);
    let shown = found.iter().map(|known| shape(&reader, &looking, known));
    let items: Vec<Value> = shown.collect::<Result<_, _>>()?;
    ok(&json!({"items": items, "next": next}))
}

/// What it is called: documents may call it anything, and it became a name.
pub(crate) fn named(call: &Call) -> Result<Name, Fault> {
    let found = call.name("name");
    if found.is_err() {
        return Name::slug(call.param("name")).map_or(found, Ok);
    }
    found
}

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.reader()?;
    let known = find(&reader, &named(&call)?)?;
    ok(&shape(&reader, &Looking::new(&reader), &known)?)
}

pub(crate) async fn pause(call: Call) -> Answered {
    change(call, |kind, name| command::Schedule::Pause { kind, name }).await
}

pub(crate) async fn resume(call: Call) -> Answered {
    change(call, |kind, name| command::Schedule::Resume { kind, name }).await
}

pub(crate) async fn run_now(call: Call) -> Answered {
    change(call, |kind, name| command::Schedule::RunNow { kind, name }).await
}

async fn change(call: Call, command: impl FnOnce(Kind, Name) -> command::Schedule) -> Answered {
    let reader = call.reader()?;
    let ResourceKey(kind, name) = find(&reader, &named(&call)?)?.key;
    let (seq, reply) = call
        .ask("", command(kind, name.clone()), Vec::new())
        .await?;
    call.desk.app.node.settled(reader.tenant(), seq).await?;
    let known = find(&reader, &name)?;
    let mut shown = shape(&reader, &Looking::new(&reader), &known)?;
    if let Value::Object(members) = &mut shown {
        members.insert("seq".into(), json!(seq));
        members.insert("changed".into(), json!(reply != Reply::Unchanged));
        if let Reply::Began(began) = reply {
            let key = match began {
                Began::Task(_) => "task",
                Began::Plan(_) => "run",
                Began::Event(_) => "event",
                Began::Standup(_) => "standup",
            };
            members.insert("began".into(), json!({key: began.to_string()}));
        }
    }
    ok(&shown)
}

#[cfg(test)]
mod tests {
    #[test]
    fn spans_read_as_they_are_written() {
        for (millis, wanted) in [
            (1_000, "1s"),
            (90_000, "90s"),
            (900_000, "15m"),
            (7_200_000, "2h"),
            (86_400_000, "1d"),
            (1_500, "1500ms"),
        ] {
            assert_eq!(super::span(millis), wanted);
        }
    }
}
