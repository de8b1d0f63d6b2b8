//! The tool with which an agent says when it wants to be woken, and for what.
//!
//! What it sets is a schedule like any other, which people see, pause and delete. Each agent has a
//! few places for it ([`WAKES_MAX`]), touches no schedule that it didn't set, and is woken once an
//! hour at most.

use naos_types::fact::run::{Ability, World};
use naos_types::input::Answer;
use naos_types::spec::{
    Begins, Kind, Missed, Overlap, ScheduleSpec, Spec, StaysFrom, Timing, When,
};
use naos_types::{Actor, BodyRef, Name, RunId, Span, TaskId, Time};
use serde_json::Value;

use super::think::intend;
use super::{Run, tools};
use crate::state::ResourceKey;
use crate::turn::{Done, Turn};

/// How many schedules of its own an agent has at most.
pub const WAKES_MAX: u64 = 8;
/// The most hours between two times of one of them: a year.
const HOURS_MAX: u64 = 366 * 24;
/// The shortest time between two times of one of them.
const APART_MIN: Span = Span::secs(3_600);
/// The longest text that it leaves for itself, in bytes.
const WORDS_BYTES_MAX: usize = 8 * 1_024;

/// What is asked for.
enum Asked {
    Set(ScheduleSpec),
    Clear,
}

pub(super) fn call(
    turn: &mut Turn<'_>,
    (id, run): (RunId, &Run),
    zone: &str,
    request: BodyRef,
    arguments: &Value,
) -> Done {
    let by = Actor::Agent(run.agent.clone());
    let from = crate::task::stays::of(turn, run.task)?;
    let ready = match read(turn.now, (&run.agent, from.as_ref()), zone, arguments) {
        Ok((name, asked)) => checked(turn, &run.agent, &name, &asked)?.map(|at| (name, asked, at)),
        Err(why) => Err(Answer::Invalid(why)),
    };
    let (name, asked, at) = match ready {
        Ok(ready) => ready,
        Err(given) => return tools::said(turn, id, run, request, given),
    };
    intend(turn, id, run, Ability::Tool, request, World::Repeatable)?;
    let told = match asked {
        Asked::Set(spec) => {
            let spec = Spec::Schedule(Box::new(spec));
            crate::resource::apply(turn, &by, Kind::Schedule, &name, &spec)?;
            let at = at.unwrap_or(turn.now);
            format!("set as {name}: you are woken next at {}", at.rfc3339())
        }
        Asked::Clear => {
            crate::resource::delete(turn, &by, Kind::Schedule, &name)?;
            format!("{name} is gone: you aren't woken for it any more")
        }
    };
    tools::answer_at_once(turn, id, Answer::Text(told))
}

/// What a schedule says that an agent set itself; its others are its operator's.
fn mark(agent: &Name) -> String {
    format!("{agent} set this for itself")
}

/// What follows that where what it was set for has to stay.
const STAYS: &str = ", and its data stays: it comes from what ";
const STAYS_IN: &str = " worked on in ";

/// Whose data a schedule that an agent set itself is about, where that has to stay: what it says of
/// itself goes with it, and nobody but its operator says it otherwise.
pub(crate) fn stays(spec: &ScheduleSpec) -> Option<StaysFrom> {
    let (_, from) = spec.description.split_once(STAYS)?;
    let (agent, task) = from.split_once(STAYS_IN)?;
    Some(StaysFrom {
        agent: Name::new(agent).ok()?,
        task: TaskId::parse(task)?,
    })
}

fn read(
    now: Time,
    (agent, from): (&Name, Option<&StaysFrom>),
    zone: &str,
    arguments: &Value,
) -> Result<(Name, Asked), String> {
    let text = |name: &str| arguments[name].as_str().map(str::trim);
    let place = tools::whole(&arguments["place"]).unwrap_or_default();
    let name = Name::new(&format!("{agent}-wake-{place}")).map_err(|error| error.to_string())?;
    if arguments["cancel"].as_bool() == Some(true) {
        return Ok((name, Asked::Clear));
    }
    let words = text("task").unwrap_or_default();
    if words.is_empty() || words.len() > WORDS_BYTES_MAX {
        let what = format!("`task` says what to do then, in at most {WORDS_BYTES_MAX} bytes");
        return Err(what);
    }
    let every = tools::whole(&arguments["every_hours"]);
    let when = match (text("at"), every, text("cron")) {
        (Some(at), None, None) => When::At(Time::parse(at).ok_or_else(|| {
            format!("`at` is a time with its offset, 2026-12-01T09:00:00+03:00, not {at:?}")
        })?),
        (None, Some(hours), None) => {
            if !(1..=HOURS_MAX).contains(&hours) {
                return Err(format!("`every_hours` is from 1 to {HOURS_MAX}"));
            }
            let every = Span(APART_MIN.0.saturating_mul(hours.cast_signed()));
            When::Every {
                every,
                from: Some(now),
            }
        }
        (None, None, Some(cron)) => {
            // One minute of an hour: no agent wakes itself more often.
            let minute = cron.split_whitespace().next().unwrap_or_default();
            if minute.parse::<u8>().is_err() {
                let what = "`cron` begins with one minute of the hour: \"0 9 * * mon-fri\"";
                return Err(what.to_owned());
            }
            When::Cron {
                cron: cron.to_owned(),
                zone: text("zone").unwrap_or(zone).to_owned(),
            }
        }
        _ => return Err("say one of `at`, `every_hours` and `cron`, or `cancel`".to_owned()),
    };
    let input = format!(
        "You are woken: you set this for yourself at {}.\n\n{words}",
        now.rfc3339()
    );
    let starts = Begins::Run {
        kind: Kind::Agent,
        name: agent.clone(),
        input,
    };
    let spec = ScheduleSpec {
        description: match from {
            Some(from) => format!(
                "{}{STAYS}{}{STAYS_IN}{}",
                mark(agent),
                from.agent,
                from.task
            ),
            None => mark(agent),
        },
        timing: Timing { when, until: None },
        count: None,
        missed: Missed::Once,
        jitter: Span(0),
        starts: starts.with(Overlap::Skip),
        enabled: true,
    };
    Ok((name, Asked::Set(spec)))
}

/// When it is due first; or what stands against it, before anything is decided.
fn checked(
    turn: &Turn<'_>,
    agent: &Name,
    name: &Name,
    asked: &Asked,
) -> Done<Result<Option<Time>, Answer>> {
    let before = turn.resource(&ResourceKey(Kind::Schedule, name.clone()))?;
    let own =
        |spec: &Spec| matches!(spec, Spec::Schedule(s) if s.description.starts_with(&mark(agent)));
    if before.is_some_and(|found| !own(&found.spec)) && !crate::planted::is("wakes-over-others") {
        let what = format!("the schedule {name} is your operator's");
        return Ok(Err(Answer::Denied(what)));
    }
    match asked {
        Asked::Clear if before.is_none() => {
            Ok(Err(Answer::Failed(format!("nothing is set as {name}"))))
        }
        Asked::Clear => Ok(Ok(None)),
        Asked::Set(spec) => Ok(match crate::schedule::first_due(turn, spec)? {
            Ok(Some(at)) => Ok(Some(at)),
            Ok(None) => Err(Answer::Invalid(
                "that time is over, or never comes".to_owned(),
            )),
            Err(why) => Err(Answer::Invalid(why)),
        }),
    }
}
