//! `/schedules`.

use naos_types::command;
use naos_types::fact::schedule::Began;

use super::{form_key, see};
use crate::api::v1::lacks::Looking;
use crate::api::v1::schedules::{self, Known};
use crate::door::{Answered, Call};
use crate::pages::schedules::{Last, ScheduleRow, Schedules};
use crate::pages::words::ScheduleState;

pub(crate) async fn show(call: Call) -> Answered {
    let reader = call.reader()?;
    let may = call.who()?.role >= naos_types::Role::Admin;
    let mut rows = Vec::new();
    let (found, next) = schedules::listed(&call, &reader)?;
    let looking = Looking::new(&reader);
    for known in found {
        let mut row = row(&known);
        row.waits_for = schedules::waits_for(&looking, &known)?;
        row.key = may.then(form_key);
        rows.push(row);
    }
    let page = Schedules {
        schedules: rows,
        more: next.map(|next| format!("/schedules?before={next}")),
    };
    super::page(&call, &page)
}

fn row(known: &Known) -> ScheduleRow {
    let (kind, target) = known.starts();
    let last = known.schedule.last.map(|(at, began)| Last {
        time_ms: at.0,
        href: match began {
            Began::Plan(id) => Some(format!("/plans/{id}")),
            Began::Task(_) | Began::Event(_) | Began::Standup(_) => None,
        },
    });
    let zone = match &known.spec.timing.when {
        naos_types::spec::When::Cron { zone, .. } => zone.clone(),
        _ => String::new(),
    };
    ScheduleRow {
        name: known.key.1.to_string(),
        state: ScheduleState::from_word(known.word()).unwrap_or(ScheduleState::Ended),
        when: schedules::when(&known.spec),
        zone,
        starts: format!("{kind} {target}"),
        waits_for: None,
        next_ms: known.next().iter().map(|at| at.0).collect(),
        last,
        runs: known.schedule.fired,
        missed: known.schedule.missed,
        problem: known.schedule.problem.as_ref().map(|p| p.note.clone()),
        key: None,
    }
}

pub(crate) async fn change(mut call: Call) -> Answered {
    let verb = super::pressed(&mut call)?;
    let name = call.name("name")?;
    let naos_kernel::ResourceKey(kind, name) = schedules::find(&call.reader()?, &name)?.key;
    let command = match verb.as_str() {
        "pause" => command::Schedule::Pause { kind, name },
        "resume" => command::Schedule::Resume { kind, name },
        _ => command::Schedule::RunNow { kind, name },
    };
    call.ask("", command, Vec::new()).await?;
    Ok(see("/schedules"))
}
