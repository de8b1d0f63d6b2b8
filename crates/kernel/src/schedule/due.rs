//! The time has come: what is due begins, once; what is late is judged by its schedule.

use naos_types::command::Reply;
use naos_types::fact::Problem;
use naos_types::fact::schedule::{Began, Ended, Fired, Freed, Missed, Waited};
use naos_types::spec::{Look, Missed as Policy, Overlap, ScheduleSpec, Seen};
use naos_types::{Actor, Code, Refusal, ScheduleId, Span, Time};

use super::change::is_spent;
use super::{Schedule, beat, first_after, known, look, spec, start};
use crate::state::{BeatKey, ResourceKey};
use crate::turn::{Done, Turn};

/// What becomes of the time that a schedule waited for, and of those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It has its run.
    Fire { next: Option<Time> },
    /// It and those up to `to` have none.
    Miss {
        to: Time,
        count: u64,
        next: Option<Time>,
    },
}

/// A beat was reached. One that its schedule doesn't wait for any more is nothing.
pub(crate) fn due(turn: &mut Turn<'_>, beat: &BeatKey) -> Done {
    let BeatKey(wake, key) = beat;
    let Some(found) = turn.schedule(key)?.cloned() else {
        return Ok(());
    };
    let waits = found
        .next
        .filter(|next| next.wake == *wake && next.wake <= turn.now);
    let Some(next) = waits else {
        return Ok(());
    };
    let spec = spec(turn, key)?;
    match judge(turn, &found, &spec, next.at)? {
        Ok(Verdict::Fire { next: then }) => match working(turn, &found, &spec)? {
            Some(behind) => beside(turn, key, &found, &spec, (next.at, behind), then),
            None => fire(turn, key, &found, &spec, next.at, then),
        },
        Ok(Verdict::Miss {
            to,
            count,
            next: then,
        }) => {
            turn.emit(Missed {
                kind: key.0,
                name: key.1.clone(),
                from: next.at,
                to,
                count,
                problem: None,
                next: then.map(|at| super::beat(found.id, &spec, at)),
            })?;
            end_if_over(turn, key, then)
        }
        // The calendar can't be read any more: its zone is gone, say.
        Err(why) => turn.emit(Ended {
            kind: key.0,
            name: key.1.clone(),
            problem: Some(Problem::new(Code::BAD_TIME, why)),
        }),
    }
}

/// What is late beyond its grace is missed; the schedule says how many of those have a run.
fn judge(
    turn: &Turn<'_>,
    found: &Schedule,
    spec: &ScheduleSpec,
    at: Time,
) -> Done<Result<Verdict, String>> {
    let timing = found.timing(spec);
    let then = match first_after(turn, &timing, at)? {
        Ok(then) => then,
        Err(why) => return Ok(Err(why)),
    };
    let on_time = Ok(Verdict::Fire {
        next: skipping(turn, &timing, then)?,
    });
    if found.waits == Some(at) {
        return Ok(on_time); // it was, and waited for the run before
    }
    let grace = ScheduleSpec::grace(then.map(|then| then - at));
    let surely = turn.now + Span(-spec.jitter.0);
    let late = surely + Span(-grace.0);
    if at > late {
        return Ok(on_time);
    }
    let asked = Look {
        timing,
        after: at,
        upto: late,
        last: spec.missed.kept().saturating_add(1),
    };
    let seen = match look(turn, asked)? {
        Ok(seen) => seen,
        Err(why) => return Ok(Err(why)),
    };
    let kept = match (spec.missed, seen.next) {
        // One that is due right now stands for those before it.
        (Policy::Once, Some(next)) if next <= surely => 0,
        (policy, _) => policy.kept(),
    };
    Ok(miss(at, &seen, u64::from(kept)).map_or(on_time, Ok))
}

/// What it started last and still works, where nothing may work beside it.
fn working(turn: &Turn<'_>, found: &Schedule, spec: &ScheduleSpec) -> Done<Option<Began>> {
    if spec.starts.overlap() == Overlap::Allow || crate::planted::is("runs-overlap") {
        return Ok(None);
    }
    let Some((_, began)) = found.last else {
        return Ok(None);
    };
    let works = match began {
        Began::Plan(id) => turn.plan(&id)?.is_some_and(|plan| !plan.is_closed()),
        Began::Task(id) => turn.task(&id)?.is_some_and(|task| !task.status.is_closed()),
        Began::Event(_) | Began::Standup(_) => false,
    };
    Ok(works.then_some(began))
}

/// The run before still works: this time has none, or waits.
fn beside(
    turn: &mut Turn<'_>,
    key: &ResourceKey,
    found: &Schedule,
    spec: &ScheduleSpec,
    (at, behind): (Time, Began),
    then: Option<Time>,
) -> Done {
    if spec.starts.overlap() == Overlap::Wait {
        return turn.emit(Waited {
            kind: key.0,
            name: key.1.clone(),
            at,
            behind,
        });
    }
    let problem = still_running(behind);
    let next = then.map(|at| beat(found.id, spec, at));
    record(turn, key, at, Err(problem), None, next)?;
    end_if_over(turn, key, then)
}

fn still_running(behind: Began) -> Problem {
    Problem::new(Code::STILL_RUNNING, format!("{behind} still works"))
}

/// A run ended that a schedule began: the time that waits for it is looked at.
pub(crate) fn ended(turn: &mut Turn<'_>, by: &Actor, ended: Began) -> Done {
    let Actor::Schedule(kind, name) = by else {
        return Ok(());
    };
    let key = ResourceKey(*kind, name.clone());
    let Some(found) = turn.schedule(&key)? else {
        return Ok(()); // it is gone by now
    };
    let waits = found.waits.filter(|_| found.next.is_none());
    let (Some(at), Some((_, last))) = (waits, found.last) else {
        return Ok(());
    };
    if last != ended || crate::planted::is("waits-for-ever") {
        return Ok(());
    }
    let (name, wake) = (name.clone(), turn.now);
    turn.emit(Freed {
        kind: *kind,
        name,
        next: super::Next { at, wake },
    })
}

/// Those that have no run, if there are more than are kept.
fn miss(at: Time, seen: &Seen, kept: u64) -> Option<Verdict> {
    let count = (seen.count + 1)
        .checked_sub(kept)
        .filter(|count| *count > 0)?;
    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
    let first_kept = seen.last.len().checked_sub(kept);
    let next = match kept {
        0 => seen.next,
        _ => first_kept.and_then(|index| seen.last.get(index)).copied(),
    };
    let last = first_kept.and_then(|index| index.checked_sub(1));
    let to = last.and_then(|index| seen.last.get(index)).copied();
    Some(Verdict::Miss {
        to: to.unwrap_or(at),
        count,
        next,
    })
}

/// The planted bug `schedule-skips-a-beat`: the one after next is waited for.
fn skipping(
    turn: &Turn<'_>,
    timing: &naos_types::spec::Timing,
    then: Option<Time>,
) -> Done<Option<Time>> {
    match then {
        Some(then) if crate::planted::is("schedule-skips-a-beat") => {
            Ok(first_after(turn, timing, then)?.unwrap_or(None))
        }
        then => Ok(then),
    }
}

/// The same schedule and time give the same id: a second firing would be the same run.
fn run_of(id: ScheduleId, at: Time) -> u128 {
    let millis = at.0.max(0).unsigned_abs();
    (u128::from(millis) << 80) | (id.0 & ((1 << 80) - 1))
}

fn fire(
    turn: &mut Turn<'_>,
    key: &ResourceKey,
    found: &Schedule,
    spec: &ScheduleSpec,
    at: Time,
    then: Option<Time>,
) -> Done {
    let twice = crate::planted::is("schedule-fires-twice");
    let again = twice && found.last.is_none_or(|(last, _)| last != at);
    let run = (!twice).then(|| run_of(found.id, at));
    let begun = start::begin(turn, key, &spec.starts, run)?;
    let spent = begun.is_ok() && is_spent(spec, found.fired + 1);
    let then = then.filter(|_| !spent);
    let mut next = then.map(|at| beat(found.id, spec, at));
    if again {
        let wake = turn.now + Span(1);
        next = Some(super::Next { at, wake });
    }
    record(turn, key, at, begun, None, next)?;
    end_if_over(turn, key, next.map(|next| next.at))
}

fn record(
    turn: &mut Turn<'_>,
    key: &ResourceKey,
    at: Time,
    begun: Result<Began, Problem>,
    by: Option<Actor>,
    next: Option<super::Next>,
) -> Done {
    let (kind, name) = (key.0, key.1.clone());
    match begun {
        Ok(began) => turn.emit(Fired {
            kind,
            name,
            at,
            began,
            by,
            next,
        }),
        Err(problem) => turn.emit(Missed {
            kind,
            name,
            from: at,
            to: at,
            count: 1,
            problem: Some(problem),
            next,
        }),
    }
}

fn end_if_over(turn: &mut Turn<'_>, key: &ResourceKey, then: Option<Time>) -> Done {
    if then.is_some() {
        return Ok(());
    }
    turn.emit(Ended {
        kind: key.0,
        name: key.1.clone(),
        problem: None,
    })
}

/// Starts what it starts, whatever the calendar says; what it waits for stays.
pub(super) fn run_now(turn: &mut Turn<'_>, by: &Actor, key: &ResourceKey) -> Done<Reply> {
    let found = known(turn, key)?.clone();
    let spec = spec(turn, key)?;
    if let Some(behind) = working(turn, &found, &spec)? {
        let what = format!("{behind} still works, and none may work beside it");
        let refusal = Refusal::new(Code::STILL_RUNNING, what);
        return Err(refusal.help("wait until it ended, or cancel it").into());
    }
    let began = match start::begin(turn, key, &spec.starts, None)? {
        Ok(began) => began,
        Err(problem) => {
            return Err(crate::turn::Stop::refused(problem.code, problem.note));
        }
    };
    record(turn, key, turn.now, Ok(began), Some(by.clone()), found.next)?;
    Ok(Reply::Began(began))
}

/// A beat at which a rule broke is given up: its time is missed, and the schedule goes on.
pub(crate) fn give_up(turn: &mut Turn<'_>, beat: &BeatKey, problem: Problem) -> Done {
    let BeatKey(wake, key) = beat;
    let Some(found) = turn.schedule(key)?.cloned() else {
        return Ok(());
    };
    let Some(next) = found.next.filter(|next| next.wake == *wake) else {
        return Ok(());
    };
    let spec = spec(turn, key)?;
    let then = first_after(turn, &found.timing(&spec), next.at)?.unwrap_or(None);
    let beat = then.map(|at| super::beat(found.id, &spec, at));
    record(turn, key, next.at, Err(problem), None, beat)?;
    end_if_over(turn, key, then)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of those from 0 on are missed: counted, last one, next one.
    fn missed(count: u64, kept: u64) -> Option<(u64, i64, Option<i64>)> {
        let last = (1..=count.cast_signed()).rev().take(kept as usize + 1);
        let mut last: Vec<Time> = last.map(Time).collect();
        last.reverse();
        let seen = Seen {
            count,
            last,
            next: Some(Time(count.cast_signed() + 1)),
        };
        match miss(Time(0), &seen, kept)? {
            Verdict::Miss { to, count, next } => Some((count, to.0, next.map(|at| at.0))),
            Verdict::Fire { .. } => None,
        }
    }

    #[test]
    fn what_is_kept_is_the_last() {
        for (count, kept, wanted) in [
            (0, 0, Some((1, 0, Some(1)))),
            (0, 1, None),
            (3, 0, Some((4, 3, Some(4)))),
            (3, 1, Some((3, 2, Some(3)))),
            (3, 2, Some((2, 1, Some(2)))),
            (3, 3, Some((1, 0, Some(1)))),
            (3, 4, None),
            (3, 100, None),
        ] {
            assert_eq!(missed(count, kept), wanted, "{count} {kept}");
        }
    }
}
