//! `/schedules`.

use naos_engine::read::Reader;
use naos_kernel::ResourceKey;
use naos_kernel::plan::Plan;
use naos_kernel::run::Run;
use naos_kernel::task::Task;
use naos_types::fact::Fact;
use naos_types::fact::schedule::{self, Began};
use naos_types::spec::Missed;
use naos_types::{Refusal, Role, Time, command};

use super::{form_key, rows, see};
use crate::api::v1::lacks::Looking;
use crate::api::v1::schedules::{self, Known};
use crate::door::{Answered, Call};
use crate::error::Fault;
use crate::pages::runs::RunRow;
use crate::pages::schedules::{Last, Schedule, ScheduleRow, Schedules};
use crate::pages::words::{MissedRuns, Overlap, ScheduleState};

/// How many of what it started its page shows.
const RUNS_SHOWN: usize = 10;

pub(crate) async fn list(call: Call) -> Answered {
    let reader = call.reader()?;
    let mut rows = Vec::new();
    let (found, next) = schedules::listed(&call, &reader)?;
    let looking = Looking::new(&reader);
    for known in found {
        rows.push(row(&call, &looking, &known)?);
    }
    let page = Schedules {
        schedules: rows,
        more: next.map(|next| format!("/schedules?before={next}")),
    };
    super::page(&call, &page)
}

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.reader()?;
    let known = schedules::find(&reader, &schedules::named(&call)?)?;
    let (missed, catch_up) = match known.spec.missed {
        Missed::Skip => (MissedRuns::Skip, None),
        Missed::Once => (MissedRuns::Once, None),
        Missed::CatchUp(most) => (MissedRuns::CatchUp, Some(most.into())),
    };
    let overlap = known.spec.starts.overlap().word();
    let (happened, happened_more) = rows::happened(&reader, "schedule.", &subject(&known.key))?;
    let page = Schedule {
        row: row(&call, &Looking::new(&reader), &known)?,
        description: known.spec.description.clone(),
        missed,
        catch_up,
        overlap: Overlap::from_word(overlap).unwrap_or(Overlap::Allow),
        jitter_ms: rows::millis(known.spec.jitter.0),
        until_ms: known.spec.timing.until.map(|until| until.0),
        times_max: known.spec.count.map(u64::from),
        runs: runs(&reader, &known.key, call.now)?,
        happened,
        happened_more,
    };
    super::page(&call, &page)
}

/// What facts about it are called by.
fn subject(key: &ResourceKey) -> String {
    format!("{}/{}", key.0.word(), key.1)
}

/// What it started lately, newest first: what else started the same is none of it.
fn runs(reader: &Reader, key: &ResourceKey, now: Time) -> Result<Vec<RunRow>, Refusal> {
    let mut out = Vec::new();
    for fired in rows::lately(reader, "schedule.fired", &subject(key), RUNS_SHOWN)?.0 {
        let Some(Fact::Schedule(schedule::Fact::Fired(fired))) = fired.fact else {
            continue;
        };
        match fired.began {
            Began::Plan(id) => {
                let plan = reader.find::<Plan>(&id)?;
                out.extend(plan.map(|plan| rows::plan_row(id, &plan, now)));
            }
            Began::Task(id) => {
                let run = reader.find::<Task>(&id)?.and_then(|task| task.run);
                if let Some(id) = run
                    && let Some(run) = reader.find::<Run>(&id)?
                {
                    out.push(rows::run_row(reader, id, &run, now));
                }
            }
            Began::Event(_) | Began::Standup(_) => {}
        }
    }
    Ok(out)
}

fn row(call: &Call, looking: &Looking<'_>, known: &Known) -> Result<ScheduleRow, Fault> {
    let (kind, target) = known.starts();
    let last = known.schedule.last.map(|(at, began)| Last {
        time_ms: at.0,
        href: match began {
            Began::Plan(id) => Some(format!("/plans/{id}")),
            Began::Task(_) | Began::Event(_) | Began::Standup(_) => None,
        },
    });
    let may = call.who()?.role >= Role::Admin;
    let zone = match &known.spec.timing.when {
        naos_types::spec::When::Cron { zone, .. } => zone.clone(),
        _ => String::new(),
    };
    Ok(ScheduleRow {
        name: known.key.1.to_string(),
        state: ScheduleState::from_word(known.word()).unwrap_or(ScheduleState::Ended),
        when: schedules::when(&known.spec),
        zone,
        starts: format!("{kind} {target}"),
        waits_for: schedules::waits_for(looking, known)?,
        next_ms: known.next().iter().map(|at| at.0).collect(),
        last,
        runs: known.schedule.fired,
        missed: known.schedule.missed,
        problem: known.schedule.problem.as_ref().map(|p| p.note.clone()),
        key: may.then(form_key),
    })
}

pub(crate) async fn change(mut call: Call) -> Answered {
    let verb = super::pressed(&mut call)?;
    let named = schedules::named(&call)?;
    let ResourceKey(kind, name) = schedules::find(&call.reader()?, &named)?.key;
    let place = format!("/schedules/{name}");
    let command = match verb.as_str() {
        "pause" => command::Schedule::Pause { kind, name },
        "resume" => command::Schedule::Resume { kind, name },
        _ => command::Schedule::RunNow { kind, name },
    };
    call.ask("", command, Vec::new()).await?;
    Ok(see(&place))
}
