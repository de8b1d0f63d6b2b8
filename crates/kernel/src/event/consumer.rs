//! A consumer: a cursor over the journal, and what is with it and not acknowledged.

use std::collections::{BTreeMap, VecDeque};

use naos_types::command::Reply;
use naos_types::fact::Problem;
use naos_types::fact::event::{self, Again};
use naos_types::spec::{EventFilter, SubscriptionSpec};
use naos_types::{Code, EventId, Name, Refusal, Seq, Span, Time};
use serde::{Deserialize, Serialize};

use super::{Caught, no_consumer, subscription, trigger};
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// The most events that are taken at once.
pub const PULL_MAX: u32 = 1_000;
/// How much that nobody wants is looked at before the cursor is moved over it by a fact of its own.
const MOVE_AFTER: u64 = 20_000;
/// How many are put aside in one turn.
const DEAD_PER_TURN: usize = 64;

/// One event that was given and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which.
    pub event: EventId,
    /// How often it was given.
    pub attempt: u32,
    /// When it is given again.
    pub at: Time,
}

/// Who listens, and how far they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// What comes after this place wasn't looked at yet; none before it began.
    pub cursor: Option<Seq>,
    /// What is with it, by place in the journal.
    pub held: BTreeMap<Seq, Held>,
    /// What is to set something off, oldest first.
    pub pending: VecDeque<Caught>,
    /// How many may be given: the last word of its subscription, for what runs out by itself.
    pub attempts_max: u32,
    /// How many it acknowledged, or that set something off.
    pub done: u64,
    /// How many were put aside.
    pub dead: u64,
    /// Why what is to set something off doesn't yet.
    pub rest: Option<Rest>,
}

/// What events wait for that a driver is to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// A time.
    Until(Time),
    /// That the driver is done with one that it has.
    ForRoom,
}

/// A consumer as it was kept before anything waited.
#[derive(Deserialize)]
struct ConsumerV1 {
    cursor: Option<Seq>,
    held: BTreeMap<Seq, Held>,
    pending: VecDeque<Caught>,
    attempts_max: u32,
    done: u64,
    dead: u64,
}

impl Aggregate for Consumer {
    const KIND: &'static str = "consumer";
    const VERSION: u8 = 2;
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        if version != 1 {
            return None;
        }
        let old: ConsumerV1 = postcard::from_bytes(bytes).ok()?;
        Some(Self {
            cursor: old.cursor,
            held: old.held,
            pending: old.pending,
            attempts_max: old.attempts_max,
            done: old.done,
            dead: old.dead,
            rest: None,
        })
    }
    fn is_open(&self) -> bool {
        self.waits_for_room() || self.due().is_some()
    }
    fn due(&self) -> Option<Time> {
        if !self.pending.is_empty() {
            return match self.rest {
                None => Some(Time(0)),
                Some(Rest::Until(at)) => Some(at),
                Some(Rest::ForRoom) => None,
            };
        }
        let last = self.held.values().filter(|h| self.is_last(h));
        last.map(|held| held.at).min()
    }
}

impl Consumer {
    /// Whether its events wait for a driver that has as many as it takes. No clock wakes it: the
    /// end of one of those does, and after a crash whoever opens the cell.
    pub(crate) fn waits_for_room(&self) -> bool {
        !self.pending.is_empty() && self.rest == Some(Rest::ForRoom)
    }

    /// Whether it isn't given again.
    const fn is_last(&self, held: &Held) -> bool {
        self.attempts_max > 0 && held.attempt >= self.attempts_max
    }

    /// What may be given again by now, in order.
    fn again(&self, now: Time) -> impl Iterator<Item = (Seq, Held)> {
        let early = crate::planted::is("given-again-at-once");
        let held = self.held.iter();
        let held = held.filter(move |(_, held)| (held.at <= now || early) && !self.is_last(held));
        held.map(|(seq, held)| (*seq, *held))
    }
}

/// What somebody found for a consumer in the journal.
pub(super) struct Look<'a> {
    /// Where the consumer stood then.
    pub(super) from: Seq,
    /// What they took it to want.
    pub(super) filter: &'a EventFilter,
    /// What they found behind that place, in order.
    pub(super) found: &'a [(Seq, EventId)],
    /// How far they looked.
    pub(super) upto: Seq,
}

impl Look<'_> {
    /// Whether it can be true of this journal.
    fn is_sound(&self, head: Seq) -> bool {
        let mut last = self.from;
        let rises = self.found.iter().all(|(seq, _)| {
            let rises = *seq > last;
            last = *seq;
            rises
        });
        rises && last <= self.upto && self.upto <= head
    }
}

fn known<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<&'t Consumer> {
    turn.consumer(name)?.ok_or_else(|| no_consumer(name))
}

/// A consumer that comes and takes, and what its subscription says.
fn taker(turn: &Turn<'_>, name: &Name) -> Done<SubscriptionSpec> {
    known(turn, name)?;
    let spec = subscription(turn, name)?.ok_or_else(|| no_consumer(name))?;
    if spec.starts.is_some() || !super::emits(turn, name)?.is_empty() {
        let what = format!("{name} sets something off: naos takes its events itself");
        return Err(Stop::refused(Code::WRONG_STATE, what));
    }
    Ok(spec)
}

pub(super) fn pull(
    turn: &mut Turn<'_>,
    name: &Name,
    done: &[Seq],
    limit: u32,
    look: &Look<'_>,
) -> Done<Reply> {
    let spec = taker(turn, name)?;
    if !look.is_sound(turn.seq) {
        let what = "what was found for the consumer isn't in the journal like that";
        return Err(Stop::refused(Code::BAD_REQUEST, what));
    }
    let done = acknowledge(turn, name, done)?;
    let limit = limit.min(PULL_MAX) as usize;
    let consumer = known(turn, name)?;
    let cursor = consumer.cursor.unwrap_or(0);
    let again: Vec<(Seq, Held)> = consumer.again(turn.now).take(limit).collect();
    let room = (spec.in_flight as usize).saturating_sub(consumer.held.len());
    let room = room.min(limit - again.len());
    let stale = look.from != cursor || *look.filter != spec.filter;
    let (fresh, cursor) = if !stale {
        let fresh = &look.found[..look.found.len().min(room)];
        let all = fresh.len() == look.found.len() || crate::planted::is("cursor-runs-ahead");
        let upto = fresh.last().map_or(cursor, |(seq, _)| *seq);
        (fresh, if all { look.upto } else { upto })
    } else {
        (&[][..], cursor) // somebody else took them meanwhile
    };
    let visible = turn.now + spec.visible;
    let mut given: Vec<(Seq, EventId, u32)> = Vec::with_capacity(again.len() + fresh.len());
    let mut repeated = Vec::with_capacity(again.len());
    for (seq, held) in again {
        let attempt = held.attempt + 1;
        let at = visible + crate::run::pause(turn, &spec.retry, attempt);
        given.push((seq, held.event, attempt));
        repeated.push(Again { seq, attempt, at });
    }
    given.extend(fresh.iter().map(|(seq, event)| (*seq, *event, 1)));
    let far = !stale && cursor - look.from >= MOVE_AFTER;
    let cursor = if given.is_empty() && !far {
        known(turn, name)?.cursor.unwrap_or(0)
    } else {
        let at = visible + crate::run::pause(turn, &spec.retry, 1);
        turn.emit(event::Taken {
            consumer: name.clone(),
            upto: cursor,
            fresh: fresh.to_vec(),
            at,
            again: repeated,
        })?;
        cursor
    };
    given.sort_unstable_by_key(|(seq, ..)| *seq);
    Ok(Reply::Pulled {
        events: given,
        done,
        cursor,
        until: visible,
        again: next_again(known(turn, name)?),
        filter: stale.then(|| Box::new(spec.filter)),
    })
}

/// When the next of what is with it is given again.
fn next_again(consumer: &Consumer) -> Option<Time> {
    let held = consumer.held.values();
    held.filter(|held| !consumer.is_last(held))
        .map(|held| held.at)
        .min()
}

/// Those that are with the consumer are done; others were before, or never came.
pub(super) fn acknowledge(turn: &mut Turn<'_>, name: &Name, events: &[Seq]) -> Done<u32> {
    if events.is_empty() {
        return Ok(0);
    }
    let consumer = known(turn, name)?;
    let mut mine: Vec<Seq> = events.to_vec();
    mine.sort_unstable();
    mine.dedup();
    mine.retain(|seq| consumer.held.contains_key(seq));
    let count = mine.len() as u32;
    if mine.is_empty() || crate::planted::is("ack-forgotten") {
        return Ok(count);
    }
    turn.emit(event::Acknowledged {
        consumer: name.clone(),
        events: mine,
    })?;
    Ok(count)
}

/// The consumer couldn't use them: they come again, or are put aside.
pub(super) fn give_back(
    turn: &mut Turn<'_>,
    name: &Name,
    events: &[Seq],
    delay: Option<Span>,
) -> Done<u32> {
    let spec = taker(turn, name)?;
    let consumer = known(turn, name)?;
    let mut mine: Vec<(Seq, Held)> = events
        .iter()
        .filter_map(|seq| Some((*seq, *consumer.held.get(seq)?)))
        .collect();
    mine.sort_unstable_by_key(|(seq, _)| *seq);
    mine.dedup_by_key(|(seq, _)| *seq);
    if mine.len() > PULL_MAX as usize {
        let what = format!("at most {PULL_MAX} events are given back at once");
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    let count = mine.len() as u32;
    let (last, back): (Vec<_>, Vec<_>) = mine
        .into_iter()
        .partition(|(_, held)| held.attempt >= spec.retry.attempts_max);
    let mut returned = Vec::with_capacity(back.len());
    for (seq, held) in back {
        let wait = delay.unwrap_or_else(|| crate::run::pause(turn, &spec.retry, held.attempt));
        let (attempt, at) = (held.attempt, turn.now + Span(wait.0.max(0)));
        returned.push(Again { seq, attempt, at });
    }
    if !returned.is_empty() {
        turn.emit(event::Returned {
            consumer: name.clone(),
            events: returned,
        })?;
    }
    if last.len() > DEAD_PER_TURN {
        let what = format!("{DEAD_PER_TURN} events at most are put aside at once");
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    for (seq, held) in last {
        put_aside(turn, name, seq, &held)?;
    }
    Ok(count)
}

fn put_aside(turn: &mut Turn<'_>, name: &Name, seq: Seq, held: &Held) -> Done {
    let note = match held.attempt {
        1 => format!("{name} was given it once"),
        times => format!("{name} was given it {times} times"),
    };
    turn.emit(event::Dead {
        consumer: name.clone(),
        event: held.event,
        seq: Some(seq),
        attempts: held.attempt,
        problem: Problem::new(Code::NOT_TAKEN, note),
        task: None,
    })
}

/// Something is to be set off, or what was given for the last time ran out.
pub(crate) fn due(turn: &mut Turn<'_>, name: &Name) -> Done {
    let Some(consumer) = turn.consumer(name)? else {
        return Ok(());
    };
    if !consumer.pending.is_empty() {
        return if trigger::set_off(turn, name)? {
            super::bus::wake(turn, name)
        } else {
            Ok(()) // it waits, and is looked at again when it need not any more
        };
    }
    let now = turn.now;
    let over: Vec<(Seq, Held)> = consumer
        .held
        .iter()
        .filter(|(_, held)| consumer.is_last(held) && held.at <= now)
        .map(|(seq, held)| (*seq, *held))
        .take(DEAD_PER_TURN)
        .collect();
    for (seq, held) in over {
        put_aside(turn, name, seq, &held)?;
    }
    Ok(())
}

/// What was to happen next doesn't: it is put aside.
pub(crate) fn give_up(turn: &mut Turn<'_>, name: &Name, why: &Refusal) -> Done {
    let Some(consumer) = turn.consumer(name)? else {
        return Ok(());
    };
    let problem = Problem::new(why.code, why.what.clone());
    let last = consumer
        .held
        .iter()
        .find(|(_, held)| consumer.is_last(held));
    let (event, seq, attempts) = match (consumer.pending.front(), last) {
        (Some(caught), _) => (caught.event, None, 1),
        (None, Some((seq, held))) => (held.event, Some(*seq), held.attempt),
        (None, None) => return Ok(()),
    };
    turn.emit(event::Dead {
        consumer: name.clone(),
        event,
        seq,
        attempts,
        problem,
        task: None,
    })?;
    super::bus::wake(turn, name)
}

pub(super) fn fold_taken(turn: &mut Turn<'_>, f: &event::Taken) -> Done {
    let attempts_max = subscription(turn, &f.consumer)?.map(|spec| spec.retry.attempts_max);
    let consumer = turn.consumer_mut(&f.consumer)?;
    consumer.cursor = Some(f.upto);
    consumer.attempts_max = attempts_max.unwrap_or(consumer.attempts_max);
    for (seq, event) in &f.fresh {
        let held = Held {
            event: *event,
            attempt: 1,
            at: f.at,
        };
        consumer.held.insert(*seq, held);
    }
    put_again(consumer, &f.again);
    Ok(())
}

fn put_again(consumer: &mut Consumer, events: &[Again]) {
    for again in events {
        if let Some(held) = consumer.held.get_mut(&again.seq) {
            held.attempt = again.attempt;
            held.at = again.at;
        }
    }
}

pub(super) fn fold_acknowledged(turn: &mut Turn<'_>, f: &event::Acknowledged) -> Done {
    let consumer = turn.consumer_mut(&f.consumer)?;
    for seq in &f.events {
        consumer.done += u64::from(consumer.held.remove(seq).is_some());
    }
    Ok(())
}

pub(super) fn fold_returned(turn: &mut Turn<'_>, f: &event::Returned) -> Done {
    put_again(turn.consumer_mut(&f.consumer)?, &f.events);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that were written before anything waited, byte for byte.
    #[test]
    fn what_was_kept_before_is_read() {
        let mut old = vec![1, 7]; // the cursor
        old.push(0); // nothing is with it
        old.push(0); // nothing is to be set off
        old.extend([5, 9, 2]); // attempts, done, dead
        let read = Consumer::lift(1, &old).unwrap();
        let wanted = Consumer {
            cursor: Some(7),
            attempts_max: 5,
            done: 9,
            dead: 2,
            ..Consumer::default()
        };
        assert_eq!(read, wanted);
        assert_eq!(Consumer::lift(3, &old), None);
        let new = postcard::to_stdvec(&wanted).unwrap();
        old.push(0); // it waits for nothing
        assert_eq!(new, old);
    }
}
