//! What was put aside: given too often, or of no use to what it was to set off.

use naos_types::command::Reply;
use naos_types::fact::Problem;
use naos_types::fact::event;
use naos_types::{Actor, Code, EventId, Name, Refusal, Seq, Time};
use serde::{Deserialize, Serialize};

use super::{Caught, Held, trigger};
use crate::table::Aggregate;
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
}

impl Aggregate for Dead {
    const KIND: &'static str = "dead";
    const VERSION: u8 = 1;
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
    known(turn, &DeadKey(consumer.clone(), event))?;
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

pub(super) fn fold_dead(turn: &mut Turn<'_>, f: &event::Dead) -> Done {
    let at = turn.now;
    let consumer = turn.consumer_mut(&f.consumer)?;
    let caught = match f.seq {
        Some(seq) => {
            consumer.held.remove(&seq);
            None
        }
        None => consumer.pending.pop_front().map(Box::new),
    };
    consumer.dead += 1;
    let dead = Dead {
        seq: f.seq,
        caught,
        attempts: f.attempts,
        at,
        problem: f.problem.clone(),
    };
    turn.put_dead(DeadKey(f.consumer.clone(), f.event), Some(dead));
    Ok(())
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
        let trigger = None; // whoever is named next has gone around again
        consumer.pending.push_back(Caught {
            hops,
            trigger,
            ..*caught
        });
    }
    Ok(())
}
