//! Events: those facts of the journal that are messages.

use naos_store::Entry;
use naos_types::fact::event::{self, Published};
use naos_types::fact::{DecodeError, Fact};
use naos_types::{Code, EventId, Refusal, Seq, Time};

use super::{Reader, damaged};

/// How many facts are looked at for events before a list answers with what it has.
pub const EVENTS_SCAN_MAX: u64 = 50_000;
/// How many facts are read at once.
const CHUNK: u64 = 512;
/// How many are read first at least: where most facts are wanted, those are all.
const FIRST_CHUNK: usize = 16;
/// How the fact is called.
const KIND: &str = "event.published";

/// One event and its place.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its place in the journal.
    pub seq: Seq,
    /// When it was published.
    pub at: Time,
    /// What the journal says.
    pub event: Published,
}

/// What a look through the journal found, and how far back it went.
#[derive(Clone, Debug)]
pub struct Looked<T> {
    /// What was found.
    pub rows: Vec<T>,
    /// Where to go on, if there may be more: before this place.
    pub next: Option<Seq>,
    /// The newest entry that was looked at; nought where there was none.
    pub newest: Seq,
}

impl<T> Looked<T> {
    /// The entries between which it looked, where it ended before `limit` were found and before
    /// the beginning of the journal: whoever says that there are no more says too much.
    #[must_use]
    pub fn cut(&self, limit: usize) -> Option<(Seq, Seq)> {
        let from = self.next.filter(|_| self.rows.len() < limit);
        from.map(|from| (from, self.newest))
    }
}

fn row(entry: &Entry) -> Result<Option<EventRow>, Refusal> {
    if entry.kind != KIND {
        return Ok(None);
    }
    match Fact::decode(&entry.kind, entry.version, &entry.bytes) {
        Ok(Fact::Event(event::Fact::Published(event))) => Ok(Some(EventRow {
            seq: entry.seq,
            at: entry.at,
            event,
        })),
        Ok(_) => Ok(None),
        Err(DecodeError::Unknown { .. }) => Ok(None), // a newer naos wrote it
        Err(error) => Err(Refusal::new(Code::DAMAGED, error.to_string())),
    }
}

impl Reader {
    /// Up to `limit` events that are wanted, after `after`, oldest first; and up to where the
    /// journal was looked at, at most `scan` facts of it.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn events_after(
        &self,
        after: Seq,
        limit: usize,
        scan: u64,
        wants: impl Fn(&Published) -> bool,
    ) -> Result<(Vec<EventRow>, Seq), Refusal> {
        let (mut out, mut at) = (Vec::new(), after);
        let mut chunk = limit.clamp(FIRST_CHUNK, CHUNK as usize);
        while out.len() < limit && at - after < scan {
            let left = usize::try_from(scan - (at - after)).unwrap_or(usize::MAX);
            let entries = self.store.entries(at, chunk.min(left)).map_err(damaged)?;
            chunk = CHUNK as usize;
            if entries.is_empty() {
                break;
            }
            for entry in &entries {
                at = entry.seq;
                if let Some(row) = row(entry)?.filter(|row| wants(&row.event)) {
                    out.push(row);
                    if out.len() == limit {
                        break;
                    }
                }
            }
        }
        Ok((out, at))
    }

    /// Up to `limit` events that are wanted and stand before `before`, newest first, among `scan`
    /// facts.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn events_before(
        &self,
        before: Option<Seq>,
        limit: usize,
        scan: u64,
        wants: impl Fn(&Published) -> bool,
    ) -> Result<Looked<EventRow>, Refusal> {
        let mut rows = Vec::new();
        let (next, newest) = self.backwards(before, scan, |entry| {
            if let Some(row) = row(entry)?.filter(|row| wants(&row.event)) {
                if rows.len() == limit {
                    return Ok(Some(entry.seq + 1));
                }
                rows.push(row);
            }
            Ok(None)
        })?;
        Ok(Looked { rows, next, newest })
    }

    /// Looks at what stands before `before`, newest first, until `look` says from where to go on;
    /// else from where `scan` facts ended it, if that is not the beginning of the journal. With it,
    /// the newest that it looked at.
    pub(super) fn backwards(
        &self,
        before: Option<Seq>,
        scan: u64,
        mut look: impl FnMut(&Entry) -> Result<Option<Seq>, Refusal>,
    ) -> Result<(Option<Seq>, Seq), Refusal> {
        let head = self.seq()?;
        let mut end = before.map_or(head, |before| before.saturating_sub(1).min(head));
        let (from, mut chunk) = (end, FIRST_CHUNK as u64);
        while end > 0 && from - end < scan {
            let count = chunk.min(end).min(scan - (from - end));
            chunk = (chunk * 2).min(CHUNK);
            let entries = self.store.entries(end - count, count as usize);
            for entry in entries.map_err(damaged)?.iter().rev() {
                if let Some(next) = look(entry)? {
                    return Ok((Some(next), from));
                }
            }
            end -= count;
        }
        Ok(((end > 0).then_some(end + 1), from))
    }

    /// The event at a place.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn event_at(&self, seq: Seq) -> Result<Option<EventRow>, Refusal> {
        let Some(before) = seq.checked_sub(1) else {
            return Ok(None);
        };
        let entries = self.store.entries(before, 1).map_err(damaged)?;
        let found = entries.first().filter(|entry| entry.seq == seq);
        found.map_or(Ok(None), row)
    }

    /// An event by its id, which begins with the time at which it was published.
    ///
    /// # Errors
    /// A refusal if the journal is damaged.
    pub fn event(&self, id: EventId) -> Result<Option<EventRow>, Refusal> {
        let first = self.seq_at(id.made())?.saturating_sub(1);
        let mut at = first;
        loop {
            let entries = self.store.entries(at, CHUNK as usize).map_err(damaged)?;
            for entry in &entries {
                if entry.at > id.made() {
                    return Ok(None);
                }
                if let Some(row) = row(entry)?.filter(|row| row.event.event == id) {
                    return Ok(Some(row));
                }
            }
            match entries.last() {
                Some(last) => at = last.seq,
                None => return Ok(None),
            }
        }
    }
}
