//! What waits for an agent, and when it looks: at its next heartbeat, or at once where it has none.
//!
//! A heartbeat at which nothing waits is no row and no wake-up: the next one is worked out when
//! something comes.

use naos_types::command::Reply;
use naos_types::fact::agent::{self, Call};
use naos_types::spec::{Heartbeat, Look, Timing, When};
use naos_types::{Code, Name, Priority, Span, Time};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// The most things that wait for one agent.
pub const CALLS_MAX: usize = 256;
/// How many of them it takes in one turn.
const WAKE_MAX: usize = 8;
/// How far apart agents look, as long as that fits.
const STAGGER: Span = Span::secs(120);

/// What waits for one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// In the order it came.
    pub calls: Vec<Call>,
    /// When it wakes for them; none while it is stopped.
    pub at: Option<Time>,
    /// When it woke last.
    pub woke: Option<Time>,
}

impl Aggregate for Desk {
    const KIND: &'static str = "desk";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        self.at.is_some()
    }
    fn due(&self) -> Option<Time> {
        self.at
    }
}

impl Desk {
    /// Whether it waits there already. An agent reads the whole thread, so one look answers all
    /// that was said in it.
    fn has(&self, call: &Call) -> bool {
        self.calls.iter().any(|known| match (known, call) {
            (Call::Thread(known, _), Call::Thread(task, _)) => known == task,
            (known, call) => known == call,
        })
    }
}

/// Puts something on an agent's desk.
pub(crate) fn call(turn: &mut Turn<'_>, name: &Name, call: Call, urgent: bool) -> Done {
    let desk = turn.desk(name)?.cloned().unwrap_or_default();
    if desk.has(&call) && !urgent {
        return Ok(());
    }
    if desk.calls.len() >= CALLS_MAX {
        let what = format!("{CALLS_MAX} things wait for {name}: that is enough");
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    let next = if urgent {
        turn.now
    } else {
        next_beat(turn, name)?
    };
    let at = desk.at.map_or(next, |at| at.min(next));
    turn.emit(agent::Called {
        name: name.clone(),
        call,
        at,
    })
}

/// A person doesn't wait for its heartbeat.
pub(super) fn wake_now(turn: &mut Turn<'_>, name: &Name) -> Done<Reply> {
    if super::known(turn, name)?.stopped {
        return Err(Stop::refused(
            Code::AGENT_STOPPED,
            format!("{name} is stopped"),
        ));
    }
    let desk = turn.desk(name)?.cloned().unwrap_or_default();
    if desk.calls.is_empty() {
        return Ok(Reply::Unchanged);
    }
    take(turn, name, &desk, false)?;
    Ok(Reply::Done)
}

/// Its heartbeat came.
pub(crate) fn due(turn: &mut Turn<'_>, name: &Name) -> Done {
    let desk = turn.desk(name)?.cloned().unwrap_or_default();
    if desk.at.is_none_or(|at| at > turn.now) {
        return Ok(());
    }
    let rests = rests(turn, name)? && !crate::planted::is("works-at-night");
    take(turn, name, &desk, rests)
}

/// Whether its hours are over: only what is urgent is looked at.
fn rests(turn: &Turn<'_>, name: &Name) -> Done<bool> {
    let mind = crate::run::mind(turn, name)?;
    let beat = mind.as_ref().and_then(|mind| mind.heartbeat.as_ref());
    let Some((beat, cron)) = beat.and_then(|beat| Some((beat, beat.active.as_ref()?))) else {
        return Ok(false);
    };
    let opens = opens(turn, cron, &beat.zone, turn.now)?;
    Ok(opens.is_some_and(|opens| opens > turn.now))
}

fn is_urgent(turn: &Turn<'_>, call: &Call) -> Done<bool> {
    let (Call::Task(task) | Call::Thread(task, _)) = call;
    let found = turn.card(task)?;
    Ok(found.is_some_and(|found| found.card.priority == Priority::Urgent))
}

fn take(turn: &mut Turn<'_>, name: &Name, desk: &Desk, only_urgent: bool) -> Done {
    let (mut calls, mut later) = (Vec::new(), None);
    for call in &desk.calls {
        if only_urgent && !is_urgent(turn, call)? {
            later.get_or_insert(next_beat(turn, name)?);
        } else if calls.len() < WAKE_MAX {
            calls.push(call.clone());
        } else {
            later = Some(turn.now);
            break;
        }
    }
    turn.emit(agent::Woke {
        name: name.clone(),
        calls: calls.clone(),
        next: later,
    })?;
    for call in calls {
        match call {
            Call::Task(task) => crate::task::taken(turn, task, name)?,
            Call::Thread(task, message) => crate::message::taken(turn, task, message, name)?,
        }
    }
    Ok(())
}

/// When an agent looks next.
fn next_beat(turn: &Turn<'_>, name: &Name) -> Done<Time> {
    let mind = crate::run::mind(turn, name)?;
    let Some(beat) = mind.as_ref().and_then(|mind| mind.heartbeat.as_ref()) else {
        return Ok(turn.now);
    };
    let head = turn.head(&())?;
    let (place, all) = head.map_or((0, 1), |head| {
        let place = head.agents.iter().position(|known| known == name);
        (place.unwrap_or(0), head.agents.len())
    });
    let mut at = after(beat, offset(beat.every, place, all), turn.now);
    let Some(cron) = &beat.active else {
        return Ok(at);
    };
    // Its hours may begin between two beats: the first beat in them is looked for.
    for _ in 0..ACTIVE_LOOKS_MAX {
        let Some(opens) = opens(turn, cron, &beat.zone, at)? else {
            return Ok(at); // a calendar that can't be read keeps nobody from work
        };
        if opens <= at {
            return Ok(at);
        }
        at = after(beat, offset(beat.every, place, all), Time(opens.0 - 1));
    }
    Ok(at)
}

/// How often the beginning of its hours and the next beat are compared.
const ACTIVE_LOOKS_MAX: usize = 3;

/// The first minute of its hours that isn't over before `at`.
fn opens(turn: &Turn<'_>, cron: &str, zone: &str, at: Time) -> Done<Option<Time>> {
    let minute = Time(at.0 - at.0.rem_euclid(60_000));
    let timing = Timing {
        when: When::Cron {
            cron: cron.to_owned(),
            zone: zone.to_owned(),
        },
        until: None,
    };
    let after = Time(minute.0 - 1);
    let asked = Look {
        timing,
        after,
        upto: after,
        last: 0,
    };
    Ok(crate::schedule::look(turn, asked)?
        .ok()
        .and_then(|seen| seen.next))
}

/// How long after the whole an agent looks: two minutes apart where that fits into the time between
/// two beats, spread evenly over it else.
fn offset(every: Span, place: usize, all: usize) -> Span {
    let (place, all) = (place as i64, all.max(1) as i64);
    if all * STAGGER.0 <= every.0 {
        Span(place * STAGGER.0)
    } else {
        Span(every.0 / all * place)
    }
}

/// The first beat after a time.
fn after(beat: &Heartbeat, offset: Span, now: Time) -> Time {
    let every = beat.every.0.max(1);
    let since = now.0 - offset.0;
    Time((since.div_euclid(every) + 1) * every + offset.0)
}

/// Nothing: a heartbeat is worked out when something comes.
pub(super) fn fold_created(turn: &mut Turn<'_>, name: &Name) {
    if crate::planted::is("beats-for-nothing") {
        let at = Some(turn.now + Span::secs(900));
        let desk = Desk {
            at,
            ..Desk::default()
        };
        turn.put_desk(name.clone(), Some(desk));
    }
}

pub(super) fn fold_called(turn: &mut Turn<'_>, f: &agent::Called) -> Done {
    let stopped = turn.agent(&f.name)?.is_some_and(|agent| agent.stopped);
    let mut desk = turn.desk(&f.name)?.cloned().unwrap_or_default();
    if !desk.has(&f.call) {
        desk.calls.push(f.call.clone());
    }
    desk.at = (!stopped).then_some(f.at);
    turn.put_desk(f.name.clone(), Some(desk));
    Ok(())
}

pub(super) fn fold_woke(turn: &mut Turn<'_>, f: &agent::Woke) -> Done {
    let now = turn.now;
    let desk = turn.desk_mut(&f.name)?;
    desk.calls.retain(|call| !f.calls.contains(call));
    desk.at = f.next;
    desk.woke = Some(now);
    Ok(())
}

/// It takes no work, or takes work again: what waits for it waits on, or is looked at.
pub(super) fn fold_stopped(turn: &mut Turn<'_>, name: &Name, stopped: bool) -> Done {
    let now = turn.now;
    let Some(desk) = turn.desk(name)? else {
        return Ok(());
    };
    if desk.calls.is_empty() {
        return Ok(());
    }
    turn.desk_mut(name)?.at = (!stopped).then_some(now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_staggered() {
        let every = Span::secs(900);
        assert_eq!(offset(every, 0, 7), Span(0));
        assert_eq!(offset(every, 6, 7), Span::secs(720));
        // Beyond seven they are spread evenly.
        assert_eq!(offset(every, 1, 10), Span::secs(90));
        assert_eq!(offset(every, 9, 10), Span::secs(810));
        assert_eq!(offset(every, 99, 100), Span::secs(891));
        let beat = Heartbeat::default();
        let minute = 60_000;
        for (now, offset, next) in [(0, 0, 15), (14, 0, 15), (15, 0, 30), (1, 2, 2), (2, 2, 17)] {
            let next_at = after(&beat, Span(offset * minute), Time(now * minute));
            assert_eq!(next_at, Time(next * minute), "{now} {offset}");
        }
    }
}
