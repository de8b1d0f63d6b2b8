//! Schedules: what happens at a time. The calendar is reckoned outside ([`Need::Look`]), for zones
//! are files; the facts keep what it said, so that replaying asks no calendar.
//!
//! A schedule that sleeps is no state: it and its beat are records, the beat's key begins with its
//! time, and whoever drives the cell reads the next ones in order.
//!
//! [`Need::Look`]: crate::Need::Look

mod change;
mod due;
mod standup;
mod start;

use naos_types::command::{self, Reply};
use naos_types::fact::Problem;
use naos_types::fact::schedule::{self, Beat as Next, Began, Fact};
use naos_types::spec::{Kind, Look, ScheduleSpec, Seen, Spec, Timing, When};
use naos_types::{Actor, Code, ScheduleId, Span, Time};
use serde::{Deserialize, Serialize};

use crate::need::{Answer, Need};
use crate::resource::Resource;
use crate::state::{BeatKey, ResourceKey};
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

pub(crate) use change::resource_fact;
pub(crate) use due::{due, ended, give_up};
pub use standup::{
    BOOK_AGENTS_MAX, BOOK_TASKS_MAX, Book, STANDUP_ASKED_MAX, STANDUP_OPEN_MAX, STANDUPS_MAX,
};
pub(crate) use standup::{note, room, set_up};

/// How one resource with a time stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The ids of what it starts follow from it.
    pub id: ScheduleId,
    /// The version of the resource that it was set from.
    pub version: u32,
    /// Intervals count from here.
    pub since: Time,
    /// When it is due.
    pub next: Option<Next>,
    /// What was started last, for which time.
    pub last: Option<(Time, Began)>,
    /// How many due times had their run.
    pub fired: u64,
    /// How many had none.
    pub missed: u64,
    /// Whether somebody paused it.
    pub paused: bool,
    /// Why nothing was started the last time.
    pub problem: Option<Problem>,
    /// The time that was due and whose run waits for the end of the one before.
    pub waits: Option<Time>,
}

impl Aggregate for Schedule {
    const KIND: &'static str = "schedule";
    const VERSION: u8 = 2;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == 1).then(|| lengthened(bytes, 1))?
    }
}

impl Schedule {
    /// Where it stands, in a word.
    #[must_use]
    pub const fn word(&self, enabled: bool) -> &'static str {
        match (enabled, self.paused, &self.next) {
            (false, ..) => "disabled",
            (_, true, _) => "paused",
            (..) if self.waits.is_some() => "waiting",
            (_, _, Some(_)) => "active",
            (_, _, None) => "ended",
        }
    }

    /// Its calendar, with what its document leaves open.
    #[must_use]
    pub fn timing(&self, spec: &ScheduleSpec) -> Timing {
        timing(spec, self.since)
    }
}

/// Where a schedule stands among those that wait: the key says all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// The time that the calendar names.
    pub at: Time,
}

/// No alarm in memory is set for it: the engine reads the next ones from the records.
impl Aggregate for Beat {
    const KIND: &'static str = "beat";
    const VERSION: u8 = 1;
}

/// What a resource says about times, if it does.
#[must_use]
pub const fn of(spec: &Spec) -> Option<&ScheduleSpec> {
    match spec {
        Spec::Schedule(spec) => Some(spec),
        Spec::Instruction(spec) => spec.schedule.as_ref(),
        _ => None,
    }
}

fn timing(spec: &ScheduleSpec, since: Time) -> Timing {
    let mut timing = spec.timing.clone();
    if let When::Every { from, .. } = &mut timing.when {
        from.get_or_insert(since);
    }
    timing
}

/// What the calendar says, or why it can't be read.
pub(crate) fn look(turn: &Turn<'_>, look: Look) -> Done<Result<Seen, String>> {
    let need = Need::Look(look);
    match turn.answers.get(&need) {
        Some(Answer::Seen(seen)) => Ok(seen.clone()),
        _ => Err(Stop::Needs(vec![need])),
    }
}

/// The first due time after another.
fn first_after(
    turn: &Turn<'_>,
    timing: &Timing,
    after: Time,
) -> Done<Result<Option<Time>, String>> {
    let asked = Look {
        timing: timing.clone(),
        after,
        upto: after,
        last: 0,
    };
    Ok(look(turn, asked)?.map(|seen| seen.next))
}

/// When a schedule that was applied now would be due first, or why its calendar can't be read.
pub(crate) fn first_due(
    turn: &Turn<'_>,
    spec: &ScheduleSpec,
) -> Done<Result<Option<Time>, String>> {
    first_after(turn, &timing(spec, turn.now), turn.now)
}

/// When it is looked at: the jitter is always the same for the same time.
fn beat(id: ScheduleId, spec: &ScheduleSpec, at: Time) -> Next {
    let bits = naos_types::derived_bits(id.0, &format!("jitter/{}", at.0));
    let low = (bits & u128::from(u32::MAX)) as i64;
    let span = spec.jitter.0.saturating_add(1).max(1);
    Next {
        at,
        wake: at + Span(low % span),
    }
}

fn known<'t>(turn: &'t Turn<'_>, key: &ResourceKey) -> Done<&'t Schedule> {
    turn.schedule(key)?.ok_or_else(|| {
        let what = format!("there is no {} {} with a time", key.0.word(), key.1);
        Stop::refused(Code::NOT_FOUND, what)
    })
}

/// What its resource says.
fn spec(turn: &Turn<'_>, key: &ResourceKey) -> Done<ScheduleSpec> {
    let found: Option<&Resource> = turn.resource(key)?;
    let spec = found.and_then(|found| of(&found.spec));
    spec.cloned()
        .ok_or_else(|| Stop::broken(format!("{} {} has no time", key.0.word(), key.1)))
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Schedule) -> Done<Reply> {
    match asked {
        command::Schedule::Pause { kind, name } => {
            change::pause(turn, by, &ResourceKey(*kind, name.clone()))
        }
        command::Schedule::Resume { kind, name } => {
            change::resume(turn, by, &ResourceKey(*kind, name.clone()))
        }
        command::Schedule::RunNow { kind, name } => {
            due::run_now(turn, by, &ResourceKey(*kind, name.clone()))
        }
    }
}

/// Whether there is one beat, and where it should be: checked for all that a turn touched.
pub(crate) fn is_whole(turn: &Turn<'_>, key: &ResourceKey) -> bool {
    let Some(found) = turn.tables.schedule.edits.get(key) else {
        return true;
    };
    let wanted = found.as_ref().and_then(|found| found.next);
    let mut there = Vec::new();
    for (beat, edit) in &turn.tables.beat.edits {
        if beat.1 == *key && edit.is_some() {
            there.push(beat.0);
        }
    }
    match (wanted, &there[..]) {
        (Some(next), [only]) => next.wake == *only,
        (None, []) => true,
        // A turn that leaves its time as it was leaves the beat alone.
        (Some(_), []) => !turn.tables.beat.edits.keys().any(|beat| beat.1 == *key),
        _ => false,
    }
}

/// Moves the beat from where it was to where it will be.
fn set_next(turn: &mut Turn<'_>, key: &ResourceKey, next: Option<Next>) -> Done {
    let schedule = turn.schedule_mut(key)?;
    let before = std::mem::replace(&mut schedule.next, next);
    if before == next {
        return Ok(());
    }
    if let Some(before) = before {
        turn.put_beat(BeatKey(before.wake, key.clone()), None);
    }
    if let Some(next) = next {
        let beat = Beat { at: next.at };
        turn.put_beat(BeatKey(next.wake, key.clone()), Some(beat));
    }
    Ok(())
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let (kind, name) = fact.of();
    let key = ResourceKey(kind, name.clone());
    match fact {
        Fact::Set(f) => return fold_set(turn, &key, f),
        Fact::Fired(f) => {
            let schedule = turn.schedule_mut(&key)?;
            schedule.last = Some((f.at, f.began));
            schedule.problem = None;
            if f.by.is_none() {
                schedule.fired += 1;
                schedule.waits = None;
            }
            standup::told(turn, &key, f);
            return set_next(turn, &key, f.next);
        }
        Fact::Missed(f) => {
            let schedule = turn.schedule_mut(&key)?;
            schedule.missed += f.count;
            schedule.waits = None;
            if f.problem.is_some() {
                schedule.problem.clone_from(&f.problem);
            }
            return set_next(turn, &key, f.next);
        }
        Fact::Paused(_) => {
            let schedule = turn.schedule_mut(&key)?;
            (schedule.paused, schedule.waits) = (true, None);
        }
        Fact::Waited(f) => turn.schedule_mut(&key)?.waits = Some(f.at),
        Fact::Freed(f) => return set_next(turn, &key, Some(f.next)),
        Fact::Resumed(f) => {
            turn.schedule_mut(&key)?.paused = false;
            return set_next(turn, &key, f.next);
        }
        Fact::Ended(f) => {
            if f.problem.is_some() {
                let problem = f.problem.clone();
                turn.schedule_mut(&key)?.problem = problem;
            }
        }
        Fact::Removed(_) => {
            set_next(turn, &key, None)?;
            turn.put_schedule(key, None);
            return Ok(());
        }
    }
    // Paused and ended ones wait for nothing, and some for no time.
    set_next(turn, &key, None)
}

fn fold_set(turn: &mut Turn<'_>, key: &ResourceKey, fact: &schedule::Set) -> Done {
    match turn.schedule(key)? {
        Some(_) => {
            let schedule = turn.schedule_mut(key)?;
            schedule.version = fact.version;
            schedule.problem = None;
            schedule.waits = schedule
                .waits
                .filter(|waits| fact.next.is_some_and(|next| next.at == *waits));
        }
        None => {
            let schedule = Schedule {
                id: fact.id,
                version: fact.version,
                since: fact.since,
                next: None,
                last: None,
                fired: 0,
                missed: 0,
                paused: false,
                problem: None,
                waits: None,
            };
            turn.put_schedule(key.clone(), Some(schedule));
        }
    }
    set_next(turn, key, fact.next)
}

/// A kind that can have a time.
pub(crate) const fn may_have_a_time(kind: Kind) -> bool {
    matches!(kind, Kind::Schedule | Kind::Instruction)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that were written before a run could wait for another: one less.
    #[test]
    fn what_was_kept_before_is_read() {
        let wanted = Schedule {
            id: ScheduleId(7),
            version: 3,
            since: Time(5),
            next: None,
            last: None,
            fired: 9,
            missed: 2,
            paused: true,
            problem: None,
            waits: None,
        };
        let bytes = postcard::to_stdvec(&wanted).unwrap();
        let before = &bytes[..bytes.len() - 1];
        assert_eq!(Schedule::lift(1, before), Some(wanted));
        assert_eq!(Schedule::lift(3, before), None);
    }
}
