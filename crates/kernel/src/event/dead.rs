//! What was put aside: given too often, or of no use to what it was to set off.

use naos_types::command::Reply;
use naos_types::fact::Problem;
use naos_types::fact::event::{self, Published};
use naos_types::fact::task::Parent;
use naos_types::{Actor, Code, EventId, Name, Refusal, Seq, TaskId, Time};
use serde::{Deserialize, Serialize};

use super::{Caught, Held, bus, trigger};
use crate::resource::driver::{self, Lacks};
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Stop, Turn};

/// Whose, and which event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeadKey(pub Name, pub EventId);

/// One event that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Its place in the journal, where it was taken.
    pub seq: Option<Seq>,
    /// What was to be set off by it.
    pub caught: Option<Box<Caught>>,
    /// How often it was given.
    pub attempts: u32,
    /// When it was put aside.
    pub at: Time,
    /// Why.
    pub problem: Problem,
    /// The task that a driver failed at; none where nothing was begun.
    pub task: Option<TaskId>,
}

impl Aggregate for Dead {
    const KIND: &'static str = "dead";
    const VERSION: u8 = 2;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 1), // nothing was begun
            _ => None,
        }
    }
}

fn known<'t>(turn: &'t Turn<'_>, key: &DeadKey) -> Done<&'t Dead> {
    turn.dead(key)?.ok_or_else(|| {
        let what = format!("no event {} of {} was put aside", key.1, key.0);
        let help = "`naos events dead list` shows what was";
        Stop::from(Refusal::new(Code::NOT_FOUND, what).help(help))
    })
}

/// Gives it again, as if for the first time.
pub(super) fn replay(
    turn: &mut Turn<'_>,
    by: &Actor,
    consumer: &Name,
    event: EventId,
) -> Done<Reply> {
    let dead = known(turn, &DeadKey(consumer.clone(), event))?;
    let asker = dead.caught.as_ref().and_then(|caught| caught.asks.clone());
    if let Some(driver) = driver::of(consumer) {
        let drop = format!("`naos events dead drop {event} --consumer {consumer}` gives it up");
        let lacks = driver::lacks(turn, &driver)?;
        if let Some(asker) = asker
            && !crate::plan::still_asks(turn, &asker)?
            && !crate::planted::is("answers-for-nobody-are-asked-for")
        {
            return Err(over(turn, &asker, lacks, drop)?);
        }
        if let Some(Lacks { what, mends }) = lacks {
            let help = format!("{mends}, then it can be given; {drop}");
            return Err(Refusal::new(Code::WRONG_STATE, what).help(help).into());
        }
    }
    if turn.consumer(consumer)?.is_none() {
        let what = format!("there is no consumer {consumer} that it could be given to");
        let help = format!(
            "`naos events dead drop {event} --consumer {consumer}` gives it up, \
             `naos events subscribe {consumer}` makes somebody who gets it"
        );
        return Err(Refusal::new(Code::NOT_FOUND, what).help(help).into());
    }
    turn.emit(event::Replayed {
        consumer: consumer.clone(),
        event,
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

/// Why what a step asked isn't asked again: it waits for the answer no more.
fn over(turn: &Turn<'_>, asker: &Parent, lacks: Option<Lacks>, drop: String) -> Done<Stop> {
    let (plan, at) = (asker.plan, &asker.at);
    let what = format!("step {at} of {plan} asked it, and waits for the answer no more");
    let first = lacks.map_or_else(String::new, |lacks| format!("{}; ", lacks.mends));
    let again = match crate::plan::goes_on(turn, plan)? {
        Some(command) => format!("{first}`{command}` asks anew; "),
        None => String::new(),
    };
    let help = format!("{again}{drop}");
    Ok(Refusal::new(Code::WRONG_STATE, what).help(help).into())
}

/// Gives it up.
pub(super) fn forget(
    turn: &mut Turn<'_>,
    by: &Actor,
    consumer: &Name,
    event: EventId,
) -> Done<Reply> {
    known(turn, &DeadKey(consumer.clone(), event))?;
    turn.emit(event::Dropped {
        consumer: consumer.clone(),
        event,
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

/// What a driver failed at is put aside for it, unless a step waits for the answer: that one was
/// told. Whoever gives it again does so knowingly: what is unknown never ends by itself.
pub(crate) fn failed_at(
    turn: &mut Turn<'_>,
    driver: &Name,
    task: TaskId,
    problem: &Problem,
) -> Done {
    let found = turn.driver(driver)?;
    let caught = found.and_then(|found| found.caught.get(&task));
    let Some(event) = caught.filter(|caught| caught.asks.is_none()) else {
        return Ok(());
    };
    let event = event.event;
    if crate::planted::is("failed-events-are-done") {
        return Ok(());
    }
    let attempts = match crate::task::known(turn, task)?.run {
        Some(run) => crate::run::known(turn, run)?.attempt,
        None => 1,
    };
    turn.emit(event::Dead {
        consumer: driver::listens(driver)?,
        event,
        seq: None,
        attempts,
        problem: problem.clone(),
        task: Some(task),
    })
}

/// It counted as done when it began.
fn fold_failed_at(turn: &mut Turn<'_>, f: &event::Dead, task: TaskId) -> Done {
    let caught = match driver::of(&f.consumer) {
        Some(driver) if turn.driver(&driver)?.is_some() => {
            turn.driver_mut(&driver)?.caught.remove(&task)
        }
        _ => None,
    };
    if turn.consumer(&f.consumer)?.is_some() {
        let consumer = turn.consumer_mut(&f.consumer)?;
        consumer.done = consumer.done.saturating_sub(1);
        consumer.dead += 1;
    }
    let dead = Dead {
        seq: None,
        caught: caught.map(Box::new),
        attempts: f.attempts,
        at: turn.now,
        problem: f.problem.clone(),
        task: f.task,
    };
    turn.put_dead(DeadKey(f.consumer.clone(), f.event), Some(dead));
    Ok(())
}

pub(super) fn fold_dead(turn: &mut Turn<'_>, f: &event::Dead) -> Done {
    if let Some(task) = f.task {
        return fold_failed_at(turn, f, task);
    }
    let at = turn.now;
    let key = DeadKey(f.consumer.clone(), f.event);
    // Who is switched off was never handed it.
    let missed = turn.dead(&key)?.and_then(|dead| dead.caught.clone());
    let is_there = missed.is_none() || turn.consumer(&f.consumer)?.is_some();
    let mut caught = missed;
    if is_there {
        let consumer = turn.consumer_mut(&f.consumer)?;
        match f.seq {
            Some(seq) => {
                consumer.held.remove(&seq);
            }
            None if caught.is_none() => caught = consumer.pending.pop_front().map(Box::new),
            None => {}
        }
        consumer.dead += 1;
    }
    let dead = Dead {
        seq: f.seq,
        caught,
        attempts: f.attempts,
        at,
        problem: f.problem.clone(),
        task: None,
    };
    turn.put_dead(key, Some(dead));
    Ok(())
}

/// What a driver would be given that is switched off is put aside for it as it is published.
pub(super) fn fold_missed(turn: &mut Turn<'_>, consumer: Name, f: &Published) -> Done {
    let dead = Dead {
        seq: None,
        caught: Some(Box::new(Caught::of(f, turn.now))),
        attempts: 0,
        at: turn.now,
        problem: given_none(&consumer),
        task: None,
    };
    turn.put_dead(DeadKey(consumer, f.event), Some(dead));
    Ok(())
}

fn given_none(consumer: &Name) -> Problem {
    let who = driver::of(consumer).unwrap_or_else(|| consumer.clone());
    Problem::new(Code::DRIVER_OFF, driver::is_off(&who))
}

/// Says of whom it was put aside. Nobody is told of a failure: a person switched it off.
pub(super) fn say_missed(turn: &mut Turn<'_>, f: &Published) -> Done {
    let Some(consumer) = bus::misses(turn, f)? else {
        return Ok(());
    };
    turn.emit(event::Dead {
        problem: given_none(&consumer),
        consumer,
        event: f.event,
        seq: None,
        attempts: 0,
        task: None,
    })
}

pub(super) fn fold_replayed(turn: &mut Turn<'_>, f: &event::Replayed) -> Done {
    let key = DeadKey(f.consumer.clone(), f.event);
    let dead = turn.dead(&key)?.cloned();
    let now = turn.now;
    turn.put_dead(key, None);
    let Some(dead) = dead else {
        return Ok(());
    };
    let hops = match &dead.caught {
        Some(caught) if dead.problem.code == Code::EVENT_LOOP => {
            trigger::once_around(turn, &f.consumer, caught)?
        }
        Some(caught) => caught.hops,
        None => 0,
    };
    let consumer = turn.consumer_mut(&f.consumer)?;
    if let Some(seq) = dead.seq {
        let held = Held {
            event: f.event,
            attempt: 0,
            at: now,
        };
        consumer.held.insert(seq, held);
    }
    if let Some(caught) = dead.caught {
        // Of what was begun it is known where it came from, so that a circle ends where it did.
        // Else whoever is named next has gone around again.
        let trigger = match dead.task {
            Some(_) => caught.trigger.clone(),
            None => None,
        };
        consumer.pending.push_back(Caught {
            hops,
            trigger,
            ..*caught
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that were written before what a driver failed at was put aside, byte for byte.
    #[test]
    fn what_was_kept_before_is_read() {
        let problem = Problem::new(Code::NOT_TAKEN, "given too often");
        let mut old = vec![1, 9, 0, 3, 10]; // at place 9, nothing to set off, three times, when
        old.extend(postcard::to_stdvec(&problem).unwrap());
        let wanted = Dead {
            seq: Some(9),
            caught: None,
            attempts: 3,
            at: Time(5),
            problem,
            task: None,
        };
        assert_eq!(Dead::lift(1, &old), Some(wanted.clone()));
        assert_eq!(Dead::lift(3, &old), None);
        old.push(0); // nothing was begun
        assert_eq!(postcard::to_stdvec(&wanted).unwrap(), old);
    }
}
