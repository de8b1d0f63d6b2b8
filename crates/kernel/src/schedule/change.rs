//! A schedule comes, changes, pauses, goes on, goes.

use naos_types::command::Reply;
use naos_types::fact::resource;
use naos_types::fact::schedule::{Paused, Removed, Resumed, Set};
use naos_types::spec::ScheduleSpec;
use naos_types::{Actor, Code, Refusal, Span};

use super::{Schedule, beat, first_after, known, may_have_a_time, spec, timing};
use crate::state::ResourceKey;
use crate::turn::{Done, Stop, Turn};

/// What follows from a resource that came, changed or went.
pub(crate) fn resource_fact(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    let (kind, name, time, version) = match fact {
        resource::Fact::Applied(f) => (f.kind, &f.name, super::of(&f.spec), f.version),
        resource::Fact::Deleted(f) => (f.kind, &f.name, None, 0),
        _ => return Ok(()),
    };
    if !may_have_a_time(kind) {
        return Ok(());
    }
    let key = ResourceKey(kind, name.clone());
    let before = turn.schedule(&key)?.cloned();
    match (time, before) {
        (Some(spec), before) => set(turn, &key, version, spec, before.as_ref()),
        (None, Some(_)) => turn.emit(Removed { kind, name: key.1 }),
        (None, None) => Ok(()),
    }
}

fn bad(what: String) -> Stop {
    Stop::refused(Code::BAD_TIME, what)
}

fn set(
    turn: &mut Turn<'_>,
    key: &ResourceKey,
    version: u32,
    spec: &ScheduleSpec,
    before: Option<&Schedule>,
) -> Done {
    let id = before.map_or_else(|| turn.mint.next_id(), |before| before.id);
    let since = before.map_or(turn.now, |before| before.since);
    // A time that came and wasn't looked at yet is still due, unless the calendar has it no more.
    let waits = before.and_then(|before| before.next.map(|next| next.at).or(before.waits));
    let after = waits.map_or(turn.now, |at| turn.now.min(at + Span(-1)));
    let name = &key.1;
    let wrong = |what| bad(format!("{} {name}: {what}", key.0.word()));
    let at = first_after(turn, &timing(spec, since), after)?.map_err(wrong)?;
    if at.is_none() && before.is_none() && spec.enabled {
        let what = format!("{} {name} is never due: its times are over", key.0.word());
        let refusal = Refusal::new(Code::BAD_TIME, what);
        return Err(refusal.help("give it a time that is still to come").into());
    }
    let over = before.is_some_and(|before| is_spent(spec, before.fired));
    let waits = spec.enabled && !over && before.is_none_or(|before| !before.paused);
    let mut next = at.filter(|_| waits).map(|at| beat(id, spec, at));
    if let Some(next) = &mut next
        && before.is_some_and(|before| before.waits == Some(next.at))
    {
        next.wake = turn.now; // it waited long enough, or waits again
    }
    turn.emit(Set {
        kind: key.0,
        name: name.clone(),
        version,
        id,
        since,
        next,
    })
}

/// Whether it had all the runs it may have.
pub(super) fn is_spent(spec: &ScheduleSpec, fired: u64) -> bool {
    spec.count.is_some_and(|count| fired >= u64::from(count))
}

pub(super) fn pause(turn: &mut Turn<'_>, by: &Actor, key: &ResourceKey) -> Done<Reply> {
    if known(turn, key)?.paused {
        return Ok(Reply::Unchanged);
    }
    turn.emit(Paused {
        kind: key.0,
        name: key.1.clone(),
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

/// Goes on with the first time that is still to come.
pub(super) fn resume(turn: &mut Turn<'_>, by: &Actor, key: &ResourceKey) -> Done<Reply> {
    let found = known(turn, key)?.clone();
    if !found.paused {
        return Ok(Reply::Unchanged);
    }
    let spec = spec(turn, key)?;
    let at = first_after(turn, &found.timing(&spec), turn.now)?.map_err(bad)?;
    let waits = spec.enabled && !is_spent(&spec, found.fired);
    let next = at.filter(|_| waits).map(|at| beat(found.id, &spec, at));
    turn.emit(Resumed {
        kind: key.0,
        name: key.1.clone(),
        by: by.clone(),
        next,
    })?;
    Ok(Reply::Done)
}
