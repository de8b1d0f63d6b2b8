//! The beats of a cell: schedules that wait, in the order of their times. They are rows; a cell
//! keeps the next few in memory and reads on when those are through, so that a million of them
//! cost no more than one.

use std::collections::BTreeSet;

use naos_kernel::{BeatKey, Input, Key, State};
use naos_store::{ReadError, TenantStore};
use naos_types::Time;

use super::cell::{Cell, Queued};

/// How many of the next beats a cell keeps in memory.
pub const BEATS_KEPT_MAX: usize = 256;
/// How many beats of a cell are queued at once: half of its turns are left to others.
pub(super) const BEATS_PER_STEP_MAX: usize = super::TURNS_PER_STEP_MAX / 2;

/// The kind of their records.
const KIND: &str = <naos_kernel::schedule::Beat as naos_kernel::Aggregate>::KIND;

/// The next beats of a cell.
#[derive(Debug, Default)]
pub(super) struct Beats {
    next: BTreeSet<BeatKey>,
    /// All beats up to this one are among the next.
    known: Option<BeatKey>,
    /// Whether there are none behind that.
    whole: bool,
}

impl Beats {
    /// The earliest time at which there may be one.
    pub(super) fn next_due(&self) -> Option<Time> {
        match (self.next.first(), &self.known) {
            (Some(first), _) => Some(first.0),
            (None, _) if self.whole => None,
            (None, Some(known)) => Some(known.0),
            (None, None) => Some(Time(i64::MIN)),
        }
    }

    /// A beat came or went.
    pub(super) fn note(&mut self, beat: &BeatKey, there: bool) {
        if !there {
            self.next.remove(beat);
            return;
        }
        let behind = self.known.as_ref().is_none_or(|known| beat > known);
        if behind && !self.whole {
            return; // it is read with those around it
        }
        self.next.insert(beat.clone());
        if self.next.len() > BEATS_KEPT_MAX {
            self.next.pop_last();
            self.known = self.next.last().cloned();
            self.whole = false;
        }
    }

    /// Reads on where it knows nothing more: rows, and what is newer here than they are.
    pub(super) fn read_on(
        &mut self,
        state: &State,
        store: &dyn TenantStore,
    ) -> Result<(), ReadError> {
        while self.next.is_empty() && !self.whole {
            let after = self
                .known
                .as_ref()
                .map(|known| Key::Beat(known.clone()).id());
            let rows = store.scan(KIND, b"", after.as_deref(), BEATS_KEPT_MAX)?;
            let last = rows.last().map(|row| row.id.clone());
            let more = rows.len() == BEATS_KEPT_MAX;
            let parse = |id: &[u8]| match Key::parse(KIND, id) {
                Some(Key::Beat(beat)) => Some(beat),
                _ => None,
            };
            let end = last.filter(|_| more).and_then(|id| parse(&id));
            let mut found: BTreeSet<BeatKey> =
                rows.iter().filter_map(|row| parse(&row.id)).collect();
            let here = state.beats_after(self.known.as_ref());
            let within = |beat: &BeatKey| end.as_ref().is_none_or(|end| beat <= end);
            for (beat, there) in here.take_while(|(beat, _)| within(beat)) {
                if there {
                    found.insert(beat.clone());
                } else {
                    found.remove(beat);
                }
            }
            self.known = end.or_else(|| found.last().cloned()).or(self.known.take());
            self.whole = !more;
            if found.len() > BEATS_KEPT_MAX {
                found = found.into_iter().take(BEATS_KEPT_MAX).collect();
                self.known = found.last().cloned();
                self.whole = false;
            }
            self.next = found;
        }
        Ok(())
    }
}

impl Cell {
    /// Makes sure that it knows its next beat; where it can't be read the cell waits.
    pub(super) fn read_beats(&mut self, now: Time) {
        let store = std::sync::Arc::clone(&self.store);
        if let Err(error) = self.beats.read_on(&self.state, store.as_ref()) {
            tracing::warn!(tenant = %self.id, %error, "the next schedules can't be read");
            self.wait_from(now);
        }
    }

    /// Queues the beats that are due, in order; none while commands wait behind those before.
    pub(super) fn queue_beats(&mut self, now: Time) {
        for _ in 0..self.beats_at_once() {
            self.read_beats(now);
            let Some(beat) = self
                .beats
                .next
                .first()
                .filter(|beat| beat.0 <= now)
                .cloned()
            else {
                return;
            };
            self.beats.next.remove(&beat);
            self.returns
                .push_back(Queued::Own(Input::Due(Key::Beat(beat))));
        }
    }

    /// How many beats are queued now. What each of them lets follow takes turns, too.
    fn beats_at_once(&self) -> usize {
        if naos_kernel::planted::is("beats-without-bound") {
            return usize::MAX;
        }
        if self.commands_wait && !naos_kernel::planted::is("beats-before-commands") {
            return 0;
        }
        let own = |queued: &&Queued| matches!(queued, Queued::Own(Input::Due(Key::Beat(_))));
        let left = self.returns.iter().filter(own).count();
        BEATS_PER_STEP_MAX.saturating_sub(left)
    }
}

#[cfg(test)]
mod tests {
    use naos_kernel::{AnyAggregate, ResourceKey, schedule::Beat};
    use naos_store::{MemStore, Record, Store};
    use naos_types::spec::Kind;
    use naos_types::{Name, TenantId};

    use super::*;

    fn beat(at: i64) -> BeatKey {
        let name = Name::slug(&format!("s{at}")).unwrap();
        BeatKey(Time(at), ResourceKey(Kind::Schedule, name))
    }

    fn record(at: i64) -> Record {
        Record {
            kind: KIND.into(),
            id: Key::Beat(beat(at)).id(),
            version: 1,
            seq: 0,
            open: false,
            bytes: Some(AnyAggregate::Beat(Beat { at: Time(at) }.into()).encode()),
        }
    }

    fn take(beats: &mut Beats, state: &State, store: &dyn TenantStore) -> Option<i64> {
        beats.read_on(state, store).unwrap();
        beats.next.pop_first().map(|beat| beat.0.0)
    }

    #[test]
    fn they_come_in_order_and_few_are_kept() {
        let store = MemStore::new(1).tenant(TenantId(1)).unwrap();
        let count = 3 * BEATS_KEPT_MAX as i64 + 7;
        store.put_records(0, (-5..count).map(record).collect());
        let (mut beats, state) = (Beats::default(), State::new());
        assert_eq!(beats.next_due(), Some(Time(i64::MIN)), "nobody looked yet");
        for at in -5..count {
            assert_eq!(take(&mut beats, &state, store.as_ref()), Some(at));
            assert!(beats.next.len() < BEATS_KEPT_MAX);
        }
        assert_eq!(take(&mut beats, &state, store.as_ref()), None);
        assert_eq!(beats.next_due(), None);
    }

    #[test]
    fn what_is_newer_here_counts() {
        let store = MemStore::new(1).tenant(TenantId(1)).unwrap();
        store.put_records(0, vec![record(10), record(20), record(30)]);
        let (mut beats, mut state) = (Beats::default(), State::new());
        let there = AnyAggregate::Beat(Beat { at: Time(15) }.into());
        state.load(Key::Beat(beat(15)), Some(there)).unwrap();
        state.load(Key::Beat(beat(20)), None).unwrap();
        assert_eq!(take(&mut beats, &state, store.as_ref()), Some(10));
        beats.note(&beat(5), true); // earlier than all that is known
        beats.note(&beat(40), true);
        beats.note(&beat(30), false);
        for wanted in [Some(5), Some(15), Some(40), None] {
            assert_eq!(take(&mut beats, &state, store.as_ref()), wanted);
        }
    }

    #[test]
    fn many_new_ones_push_the_last_out() {
        let store = MemStore::new(1).tenant(TenantId(1)).unwrap();
        let (mut beats, mut state) = (Beats::default(), State::new());
        beats.read_on(&state, store.as_ref()).unwrap();
        let count = 2 * BEATS_KEPT_MAX as i64;
        for at in (0..count).rev() {
            let there = AnyAggregate::Beat(Beat { at: Time(at) }.into());
            state.load(Key::Beat(beat(at)), Some(there)).unwrap();
            beats.note(&beat(at), true);
            assert!(beats.next.len() <= BEATS_KEPT_MAX);
        }
        for at in 0..count {
            assert_eq!(take(&mut beats, &state, store.as_ref()), Some(at));
            beats.note(&beat(at), false);
            state.load(Key::Beat(beat(at)), None).unwrap();
        }
        assert_eq!(take(&mut beats, &state, store.as_ref()), None);
    }
}
