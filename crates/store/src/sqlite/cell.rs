//! One tenant in memory: where its journal stands, and what is durable in the log but not yet in
//! its file. Readers put the two together, so that everything durable is visible at once.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use naos_types::{BodyRef, Seq, TenantId, Time};

use super::packs::Place;
use super::row::Pending;
use super::tenant_file::Meta;
use super::tenant_writer::Batch;
use super::unviewed::Unviewed;
use crate::crypto::Key;
use crate::traits::{Entry, InboxRow, ReadError, Record};

/// The most that one transaction fills in, so that readers of the file needn't wait for long.
const BATCH_BYTES_MAX: usize = 8 * 1_024 * 1_024;

pub(crate) type RecordKey = (Cow<'static, str>, Vec<u8>);

pub(crate) struct Cell {
    pub(crate) id: TenantId,
    pub(crate) path: PathBuf,
    state: Mutex<State>,
}

/// All of it is durable, except records, which are derived.
#[derive(Default)]
pub(crate) struct State {
    /// The journal's head: the file's, and what is pending on top.
    pub(crate) seq: Seq,
    pub(crate) epoch: u64,
    pub(crate) at: Time,
    pub(crate) batch: u128,
    pub(crate) records_seq: Seq,
    /// The last row of the log that the file holds.
    pub(crate) file_pos: u64,
    /// Whether there is a file.
    pub(crate) exists: bool,
    /// Why the file can't be used any more; the neighbours go on.
    pub(crate) fault: Option<String>,
    /// Whether it waits in the filler's queue.
    pub(crate) queued: bool,
    /// Seals rows of one segment of the log.
    pub(crate) row_key: Option<(u64, Arc<Key>)>,
    /// What views lack of it.
    pub(crate) unviewed: Unviewed,
    pending: VecDeque<Arc<Pending>>,
    answers: HashMap<(String, String), (u64, InboxRow)>,
    bodies: HashMap<BodyRef, (u64, Vec<u8>)>,
    packed: HashMap<BodyRef, Place>,
    /// What was taken away, and by which row of the log.
    erased: HashMap<BodyRef, u64>,
    records: BTreeMap<RecordKey, (u64, Record)>,
    /// Counts what was put, to know what was filled in.
    puts: u64,
    filled_puts: u64,
}

/// How far a cell had come at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pos: u64,
    puts: u64,
}

/// What was taken to be filled in.
pub(crate) struct Taken {
    pub(crate) batch: Batch,
    puts: u64,
}

impl Cell {
    pub(crate) fn new(id: TenantId, path: PathBuf, meta: Option<Meta>) -> Self {
        let exists = meta.is_some();
        let meta = meta.unwrap_or_default();
        let state = State {
            seq: meta.seq,
            epoch: meta.epoch,
            at: meta.at,
            batch: meta.batch,
            records_seq: meta.records_seq,
            file_pos: meta.pos,
            exists,
            ..State::default()
        };
        Self {
            id,
            path,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole before the lock is given back or a panic could happen.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state for a reader: an error if the file is known to be damaged.
    pub(crate) fn read(&self) -> Result<MutexGuard<'_, State>, ReadError> {
        let state = self.lock();
        match &state.fault {
            None => Ok(state),
            Some(what) => Err(ReadError::Damaged { what: what.clone() }),
        }
    }
}

impl State {
    /// A row of the log is durable.
    pub(crate) fn push(&mut self, row: Arc<Pending>) {
        let content = row.content();
        self.unviewed.add(self.seq, &row, &content);
        for part in &content.parts {
            (self.epoch, self.batch) = (part.epoch, part.batch);
            if let Some(fact) = part.facts.last() {
                self.at = Time(fact.at);
            }
            for answer in &part.answers {
                let key = (answer.source.to_owned(), answer.key.to_owned());
                self.answers.insert(key, (row.head.pos, answer.row()));
            }
            for body in &part.bodies {
                self.bodies
                    .insert(body.name(), (row.head.pos, body.sealed.to_vec()));
            }
            for name in part.erased() {
                if super::planted::erased_is_read() {
                    continue;
                }
                self.bodies.remove(&name);
                self.packed.remove(&name);
                self.erased.insert(name, row.head.pos);
            }
        }
        self.seq = row.head.last;
        drop(content);
        self.pending.push_back(row);
    }

    pub(crate) fn put_records(&mut self, upto: Seq, records: Vec<Record>) {
        self.puts += 1;
        for record in records {
            let key = (record.kind.clone(), record.id.clone());
            self.records.insert(key, (self.puts, record));
        }
        self.records_seq = upto;
    }

    pub(crate) fn put_packed(&mut self, name: BodyRef, place: Place) {
        self.packed.insert(name, place);
    }

    /// Where the file's journal ends: what is pending comes after it.
    pub(crate) fn file_seq(&self) -> Seq {
        let next = self.pending.front();
        next.map_or(self.seq, |row| row.head.first - 1)
    }

    pub(crate) fn has_work(&self) -> bool {
        self.fault.is_none()
            && (!self.pending.is_empty() || self.puts > self.filled_puts || !self.packed.is_empty())
    }

    /// All that lags behind, or the oldest part of it if that is a lot.
    pub(crate) fn take(&self) -> Taken {
        let mut batch = Batch {
            erases: !self.erased.is_empty(),
            ..Batch::default()
        };
        let mut bytes = 0;
        for row in &self.pending {
            if bytes > BATCH_BYTES_MAX {
                // Records may stand for facts that come later: they wait for the last part.
                return Taken {
                    batch,
                    puts: self.filled_puts,
                };
            }
            bytes += row.plain.len();
            batch.rows.push(Arc::clone(row));
        }
        batch.packed = self
            .packed
            .iter()
            .map(|(name, place)| (*name, *place))
            .collect();
        if self.puts > self.filled_puts {
            batch.records = self
                .records
                .values()
                .map(|(_, record)| record.clone())
                .collect();
            batch.records_upto = Some(self.records_seq);
        }
        Taken {
            batch,
            puts: self.puts,
        }
    }

    /// What was taken stands in the file. Returns how many facts and bytes left.
    pub(crate) fn filled(&mut self, taken: &Taken) -> (u64, usize) {
        let (mut facts, mut bytes) = (0, 0);
        self.exists = true;
        if let Some(last) = taken.batch.rows.last() {
            self.file_pos = self.file_pos.max(last.head.pos);
        }
        while let Some(row) = self.pending.front()
            && row.head.pos <= self.file_pos
        {
            facts += row.facts();
            bytes += row.plain.len();
            self.pending.pop_front();
        }
        let pos = self.file_pos;
        self.answers.retain(|_, (at, _)| *at > pos);
        self.bodies.retain(|_, (at, _)| *at > pos);
        self.erased.retain(|_, at| *at > pos);
        for (name, _) in &taken.batch.packed {
            self.packed.remove(name);
        }
        if taken.puts > self.filled_puts {
            self.filled_puts = taken.puts;
            self.records.retain(|_, (put, _)| *put > taken.puts);
        }
        (facts, bytes)
    }

    /// What is to be filled in by now.
    pub(crate) fn mark(&self) -> Mark {
        let pos = self
            .pending
            .back()
            .map_or(self.file_pos, |row| row.head.pos);
        Mark {
            pos,
            puts: self.puts,
        }
    }

    /// Whether the file holds all that was there at a mark, or never will.
    pub(crate) fn reached(&self, mark: Mark) -> bool {
        let filled = self.file_pos >= mark.pos && self.filled_puts >= mark.puts;
        self.fault.is_some() || (filled && self.packed.is_empty())
    }

    pub(crate) fn pending_facts(&self) -> (u64, usize) {
        let facts = self.pending.iter().map(|row| row.facts()).sum();
        (facts, self.pending.iter().map(|row| row.plain.len()).sum())
    }

    /// The first seq that is not in the file yet.
    pub(crate) fn first_pending(&self) -> Seq {
        self.pending
            .front()
            .map_or(self.seq + 1, |row| row.head.first)
    }

    /// The pending facts from `first` to `last`.
    pub(crate) fn pending_entries(&self, first: Seq, last: Seq, out: &mut Vec<Entry>) {
        let from = self.pending.partition_point(|row| row.head.last < first);
        for row in self.pending.range(from..) {
            if row.head.first > last {
                return;
            }
            for part in &row.content().parts {
                let wanted = part
                    .numbered()
                    .filter(|(seq, _)| (first..=last).contains(seq));
                out.extend(wanted.map(|(seq, fact)| fact.entry(seq)));
            }
        }
    }

    pub(crate) fn answer(&self, source: &str, key: &str) -> Option<InboxRow> {
        if self.answers.is_empty() {
            return None;
        }
        let key = (source.to_owned(), key.to_owned());
        self.answers.get(&key).map(|(_, row)| row.clone())
    }

    pub(crate) fn body(&self, name: &BodyRef) -> Option<Vec<u8>> {
        self.bodies.get(name).map(|(_, sealed)| sealed.clone())
    }

    /// Whether it was taken away by what the file doesn't hold yet, and not brought again since.
    pub(crate) fn is_erased(&self, name: &BodyRef) -> bool {
        let again = self.bodies.contains_key(name) || self.packed.contains_key(name);
        !again && self.erased.contains_key(name)
    }

    pub(crate) fn packed(&self, name: &BodyRef) -> Option<Place> {
        self.packed.get(name).copied()
    }

    pub(crate) fn record(&self, kind: &str, id: &[u8]) -> Option<Record> {
        if self.records.is_empty() {
            return None;
        }
        let key = (Cow::Owned(kind.to_owned()), id.to_vec());
        self.records.get(&key).map(|(_, record)| record.clone())
    }

    /// Pending records, deleted ones too.
    pub(crate) fn records(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let records = self.records.values().map(|(_, record)| record);
        records.filter(|record| wanted(record)).cloned().collect()
    }
}

/// Lays pending records over those of the file. If both have one the later one counts: the file
/// may have been filled since the pending ones were looked at.
pub(crate) fn overlay(file: Vec<Record>, pending: Vec<Record>) -> BTreeMap<RecordKey, Record> {
    let key = |record: &Record| (record.kind.clone(), record.id.clone());
    let mut rows: BTreeMap<_, _> = file.into_iter().map(|row| (key(&row), row)).collect();
    for record in pending {
        let key = key(&record);
        if rows.get(&key).is_none_or(|row| row.seq <= record.seq) {
            rows.insert(key, record);
        }
    }
    rows
}
