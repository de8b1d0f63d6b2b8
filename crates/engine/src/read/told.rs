//! What the journal tells of a run's calls: the intent of each, and its outcome.
//!
//! The recording says between which times they stand, and the look begins there: a run may have
//! been made long before it was begun, for its id follows from its task's, and may wait long
//! between two calls. No look reads more than it may; what it didn't come to is said.

use naos_kernel::run::Run;
use naos_store::Entry;
use naos_types::fact::{Fact, budget, run};
use naos_types::input::Piece;
use naos_types::{Micros, Refusal, RunId, Seq, Time};

use super::{Reader, damaged};

/// How many facts are read at once, at most.
const CHUNK: Seq = 512;
/// How many facts behind what came before a call are looked through first.
const NEAR: Seq = 64;
/// What finding a time in the journal counts as.
const TIME_COST: usize = 32;

/// Between which times the facts of a call stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whose call it is: the first ones of a what-if are its original's.
    run: RunId,
    /// Which.
    pub(crate) index: u32,
    /// When what came before it was durable.
    from: Time,
    /// When its answer was; none while it waits for one.
    to: Option<Time>,
}

impl Place {
    /// Of a call whose answer was durable then, wherever before it was asked.
    pub(crate) const fn answered(run: RunId, index: u32, to: Time) -> Self {
        let (from, to) = (Time(i64::MIN), Some(to));
        Self {
            run,
            index,
            from,
            to,
        }
    }
}

/// What the journal tells of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// When it was asked, and what for.
    pub(crate) called: Option<(Time, run::Called)>,
    /// Its outcome.
    pub(crate) answered: Option<Outcome>,
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    seq: Seq,
    /// When it was durable.
    pub(crate) at: Time,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// What was charged for it.
    pub(crate) paid: Option<Micros>,
}

/// What was found, and how far the look came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tellings {
    /// One for each place, in order, as far as it came.
    pub(crate) found: Vec<Told>,
    /// Behind which fact the next look for the one after them goes on, 0 to begin where it stands;
    /// none where all were looked for.
    pub(crate) left: Option<Seq>,
}

impl Reader {
    /// Where the facts of the gated calls of a recording stand, in its order, and those of the
    /// call that is under way.
    pub(crate) fn places(
        &self,
        id: RunId,
        run: &Run,
        pieces: &[Piece],
    ) -> Result<Vec<Place>, Refusal> {
        // Whose each call is, from which one on, and when they began: a what-if first, then what
        // it goes on from.
        let first = |run: &Run| run.fork.as_ref().map_or(0, |fork| fork.calls);
        let mut chain = vec![(id, first(run), run.started)];
        let mut fork = run.fork.clone();
        while let Some(from) = fork {
            let of = self.known::<Run>(&from.of, "run")?;
            chain.push((from.of, first(of.as_ref()), of.started));
            fork = of.fork.clone();
        }
        let mut before = Time(i64::MIN);
        let mut out = Vec::new();
        let mut put = |index: u32, to: Option<Time>, before: Time| {
            let own = chain.iter().find(|(_, first, _)| *first <= index);
            let (run, _, began) = own.copied().unwrap_or((id, 0, run.started));
            let from = before.max(began);
            out.push(Place {
                run,
                index,
                from,
                to,
            });
        };
        for piece in pieces {
            match piece {
                Piece::Segment(_) => {}
                Piece::Notes { at, .. } | Piece::Unfit { at, .. } => before = *at,
                Piece::Answer { index, at, .. } => {
                    put(*index, Some(*at), before);
                    before = *at;
                }
            }
        }
        if let Some(pending) = &run.pending {
            put(pending.index, None, before);
        }
        Ok(out)
    }

    /// What the journal tells of these calls, which stand in its order. At most about so many
    /// facts are read; of the first one only those behind `after`.
    pub(crate) fn told(
        &self,
        places: &[Place],
        after: Seq,
        most: usize,
    ) -> Result<Tellings, Refusal> {
        let mut look = Look {
            reader: self,
            window: Vec::new(),
            left: most,
        };
        let mut out = Tellings::default();
        let mut last: Option<(RunId, Seq)> = None;
        for place in places {
            let begin = match last {
                Some((run, seq)) if run == place.run => seq,
                _ => look.seq_before(place.from)?,
            };
            let first = out.found.is_empty();
            let begin = if first { begin.max(after) } else { begin };
            let mut told = Told::default();
            let left = look.seek(place, begin, &mut told)?;
            // The next look has as much to read for it as this one had for the first.
            let is_cut = !first && look.left == 0 && !told.is_whole(place);
            out.left = left.filter(|_| first).or_else(|| is_cut.then_some(0));
            if out.left.is_some() {
                break;
            }
            last = told.answered.map(|outcome| (place.run, outcome.seq));
            out.found.push(told);
        }
        Ok(out)
    }
}

impl Told {
    fn is_whole(&self, place: &Place) -> bool {
        self.called.is_some() && (self.answered.is_some() || place.to.is_none())
    }
}

/// A look through a journal.
struct Look<'r> {
    reader: &'r Reader,
    /// What was read last, in one piece.
    window: Vec<Entry>,
    /// How many facts it may still read.
    left: usize,
}

impl Look<'_> {
    /// Looks for the facts of a call behind `begin`. Where there is more to be looked through than
    /// it may read: behind which fact to go on.
    fn seek(
        &mut self,
        place: &Place,
        mut begin: Seq,
        told: &mut Told,
    ) -> Result<Option<Seq>, Refusal> {
        let mut scan = Scan {
            place,
            told,
            paid: None,
            is_over: false,
        };
        // Most calls are made soon after what came before, and answered soon.
        begin = self.through(begin, begin + NEAR, &mut scan)?;
        if scan.is_done() {
            return Ok(None);
        }
        let mut end = match place.to {
            Some(to) => self.seq_before(Time(to.0.saturating_add(1)))?,
            None => self.reader.seq()?,
        };
        if let Some(to) = place.to
            && scan.told.answered.is_none()
        {
            // It stands at its time, with what it cost before it; all of that is one commit's.
            let mut at = self.seq_before(to)?.max(begin);
            let enough = self.left / 2;
            while at < end && self.left > enough && scan.told.answered.is_none() {
                let upto = end.min(at + CHUNK);
                let seen = self.through(at, upto, &mut scan)?;
                if seen < upto {
                    break;
                }
                at = seen;
            }
        }
        if let Some(outcome) = scan.told.answered {
            end = outcome.seq - 1;
        }
        // The intent may lie anywhere between: from both ends, further each time.
        let mut step = NEAR;
        while scan.told.called.is_none() && begin < end && self.left > 0 {
            begin = self.through(begin, end.min(begin + step), &mut scan)?;
            let start = begin.max(end.saturating_sub(step));
            if scan.told.called.is_some() || self.through(start, end, &mut scan)? < end {
                break;
            }
            end = start;
            step = (step * 2).min(CHUNK);
        }
        let goes_on = scan.told.called.is_none() && self.left == 0 && begin < end;
        Ok((goes_on && !super::planted::words_left_out()).then_some(begin))
    }

    /// Looks through the facts behind `after` up to `upto`, as far as it may read and until all is
    /// found; the last that was looked at.
    fn through(&mut self, after: Seq, upto: Seq, scan: &mut Scan<'_, '_>) -> Result<Seq, Refusal> {
        let mut at = after;
        while at < upto && !scan.is_done() {
            let count = CHUNK.min(upto - at) as usize;
            match self.ahead(at, count, scan)? {
                Some(seq) => at = seq,
                None => break,
            }
        }
        Ok(at)
    }

    /// Looks through up to `count` facts behind `after`; the last that was looked at, none where
    /// there is no more to read.
    fn ahead(
        &mut self,
        after: Seq,
        count: usize,
        scan: &mut Scan<'_, '_>,
    ) -> Result<Option<Seq>, Refusal> {
        let mut last = None;
        for entry in self.behind(after, count)? {
            last = Some(entry.seq);
            scan.see(entry);
            if scan.is_done() {
                break;
            }
        }
        Ok(last)
    }

    /// Up to `count` facts behind `after`: those that were read last, if they are among them.
    fn behind(&mut self, after: Seq, count: usize) -> Result<&[Entry], Refusal> {
        let held = |window: &[Entry]| {
            let (first, last) = (window.first()?.seq, window.last()?.seq);
            (first <= after + 1 && after < last).then(|| (after + 1 - first) as usize)
        };
        let at = held(&self.window);
        if at.is_none() {
            let count = count.min(self.left);
            self.window = match count {
                0 => Vec::new(),
                count => {
                    let entries = self.reader.store.entries(after, count);
                    entries.map_err(damaged)?
                }
            };
            self.left -= self.window.len().min(self.left);
        }
        let found = &self.window[at.unwrap_or(0)..];
        Ok(&found[..count.min(found.len())])
    }

    /// Behind this fact come those that aren't older than `at`.
    fn seq_before(&mut self, at: Time) -> Result<Seq, Refusal> {
        self.left = self.left.saturating_sub(TIME_COST);
        Ok(self.reader.seq_at(at)?.saturating_sub(1))
    }
}

/// What is looked for, and what was seen of it.
struct Scan<'a, 't> {
    place: &'a Place,
    told: &'t mut Told,
    /// What an answer cost stands before it, in the same commit.
    paid: Option<(Time, Micros)>,
    /// Something was seen that is younger than all that is looked for.
    is_over: bool,
}

impl Scan<'_, '_> {
    fn is_done(&self) -> bool {
        self.is_over || self.told.is_whole(self.place)
    }

    fn see(&mut self, entry: &Entry) {
        if self.place.to.is_some_and(|to| entry.at > to) {
            self.is_over = true;
            return;
        }
        if !matches!(
            &*entry.kind,
            "run.called" | "run.answered" | "budget.metered"
        ) {
            return;
        }
        let Place { run, index, .. } = *self.place;
        match Fact::decode(&entry.kind, entry.version, &entry.bytes) {
            Ok(Fact::Run(run::Fact::Called(fact))) if fact.run == run && fact.index == index => {
                self.told.called = Some((entry.at, fact));
            }
            Ok(Fact::Run(run::Fact::Answered(fact))) if fact.run == run => {
                let paid = self.paid.take().filter(|(at, _)| *at == entry.at);
                // Another attempt's answer has another time.
                if fact.index == index && self.place.to == Some(entry.at) {
                    self.told.answered = Some(Outcome {
                        seq: entry.seq,
                        at: entry.at,
                        attempts: fact.attempts,
                        paid: paid.map(|(_, amount)| amount),
                    });
                }
            }
            Ok(Fact::Budget(budget::Fact::Metered(fact))) if fact.run == run => {
                self.paid = Some((entry.at, fact.amount));
            }
            _ => {}
        }
    }
}
