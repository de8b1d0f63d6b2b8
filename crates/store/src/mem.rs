//! A store in memory: the simulator's disk. Deterministic, with a crash and failing commits on
//! demand; what a crash may lose of the real store, it loses here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use naos_types::{BodyRef, DAY_MS, Digest, Seq, StagedBody, SubjectId, TenantId, Time};
use zeroize::Zeroizing;

use crate::crypto::{Key, NONCE_BYTES, TenantKeys};
use crate::erased;
use crate::traits::{
    Append, CommitError, Entry, Head, INBOX_KEPT_MS, InboxRow, ReadError, Record, Stale, Store,
    TenantStore, ViewsLag,
};
use crate::views::Views;

#[path = "mem_tenant.rs"]
mod tenant;

use tenant::MemTenant;

/// How far tenant files may lag behind before the oldest are filled without being asked.
const QUEUE_ITEMS_MAX: usize = 65_536;

/// How the next commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// No space; nothing is written.
    Full,
    /// Nothing is written, the commit after it works.
    Io,
    /// The sync fails; what was written is there after [`MemStore::crash`] or isn't.
    SyncFailed {
        /// Whether it reached the disk all the same.
        written: bool,
    },
}

/// All cells, in memory. Clones are handles of one store.
#[derive(Clone)]
pub struct MemStore(Arc<Mutex<Node>>);

#[derive(Default)]
struct Node {
    seed: u64,
    nonces: u64,
    cells: BTreeMap<TenantId, Cell>,
    queue: VecDeque<(TenantId, Fill)>,
    faults: VecDeque<CommitFault>,
    broken: bool,
    /// There is no space: nothing is written.
    full: bool,
    /// Whose next content makes its reader or writer panic.
    poisoned: Option<TenantId>,
}

type RecordKey = (Cow<'static, str>, Vec<u8>);

#[derive(Default)]
struct Cell {
    head: Head,
    entries: Vec<Entry>,
    inbox: BTreeMap<(String, String), InboxRow>,
    /// The day on which old answers went last.
    inbox_day: i64,
    bodies: BTreeMap<BodyRef, Vec<u8>>,
    /// What readers see.
    records: BTreeMap<RecordKey, Record>,
    /// What a crash leaves.
    filled: BTreeMap<RecordKey, Record>,
    filled_seq: Seq,
    erased: BTreeSet<SubjectId>,
    keys: BTreeMap<SubjectId, Arc<Key>>,
    own: Option<Arc<TenantKeys>>,
    /// Lists and sums, and how far they go: folded when somebody asks.
    views: Option<Arc<Views>>,
    viewed: Seq,
}

/// What stands in the log and not yet in a tenant file.
enum Fill {
    Facts(u64),
    Records(Seq, Vec<Record>),
}

fn write(map: &mut BTreeMap<RecordKey, Record>, records: Vec<Record>) {
    for record in records {
        let key = (record.kind.clone(), record.id.clone());
        if record.bytes.is_some() {
            map.insert(key, record);
        } else {
            map.remove(&key);
        }
    }
}

impl Cell {
    /// Keeps a content that isn't there, or was taken away.
    fn put_body(&mut self, body: &StagedBody) {
        let there = self.bodies.entry(body.name).or_default();
        if there.is_empty() {
            there.clone_from(&body.sealed);
        }
    }
}

impl Node {
    fn cell(&mut self, id: TenantId) -> &mut Cell {
        self.cells.entry(id).or_default()
    }

    fn nonce(&mut self) -> [u8; NONCE_BYTES] {
        self.nonces += 1;
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&self.nonces.to_be_bytes());
        nonce
    }

    fn key(&mut self, tenant: TenantId, subject: SubjectId) -> Result<Arc<Key>, ReadError> {
        let seed = self.seed;
        let cell = self.cell(tenant);
        if cell.erased.contains(&subject) {
            return Err(ReadError::Erased(subject));
        }
        let make = || {
            let bytes = [
                &seed.to_be_bytes()[..],
                &tenant.0.to_be_bytes(),
                &subject.0.to_be_bytes(),
            ];
            Arc::new(Key::new(Zeroizing::new(Digest::of(&bytes.concat()).0)))
        };
        Ok(Arc::clone(cell.keys.entry(subject).or_insert_with(make)))
    }

    fn tenant_keys(&mut self, tenant: TenantId) -> Result<Arc<TenantKeys>, ReadError> {
        let key = self.key(tenant, SubjectId::TENANT)?;
        let make = || Arc::new(TenantKeys::new(key));
        Ok(Arc::clone(self.cell(tenant).own.get_or_insert_with(make)))
    }

    fn append(&mut self, append: &Append) -> Result<Seq, Stale> {
        let cell = self.cell(append.tenant);
        if append.expected != cell.head.seq || append.epoch < cell.head.epoch {
            let (tenant, expected) = (append.tenant, append.expected);
            return Err(Stale {
                tenant,
                expected,
                found: cell.head.seq,
            });
        }
        if let Some(last) = append.entries.last() {
            cell.head.at = last.at;
        }
        cell.head.seq = append.last();
        cell.head.epoch = append.epoch;
        cell.head.wake = append.wake;
        cell.entries.extend_from_slice(&append.entries);
        for body in &append.bodies {
            cell.put_body(body);
        }
        let facts = append.entries.iter();
        for name in erased::by(facts.map(|e| (&*e.kind, e.version, &e.bytes[..]))) {
            cell.bodies.insert(name, Vec::new());
        }
        for row in &append.inbox {
            cell.inbox
                .insert((row.source.clone(), row.key.clone()), row.clone());
        }
        let newest = append.inbox.iter().map(|row| row.at.0).max();
        if let Some(newest) = newest
            && newest.div_euclid(DAY_MS) > cell.inbox_day
        {
            cell.inbox_day = newest.div_euclid(DAY_MS);
            cell.inbox
                .retain(|_, row| row.at.0 >= newest - INBOX_KEPT_MS);
        }
        let facts = append.entries.len() as u64;
        self.queue.push_back((append.tenant, Fill::Facts(facts)));
        Ok(append.last())
    }

    fn fill(&mut self, items: usize) {
        for _ in 0..items {
            let Some((tenant, fill)) = self.queue.pop_front() else {
                return;
            };
            if let Fill::Records(upto, records) = fill {
                let cell = self.cell(tenant);
                write(&mut cell.filled, records);
                cell.filled_seq = upto;
            }
        }
    }

    fn trim(&mut self) {
        self.fill(self.queue.len().saturating_sub(QUEUE_ITEMS_MAX));
    }
}

impl MemStore {
    /// An empty store; the same seed makes the same keys and nonces.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Node {
            seed,
            ..Node::default()
        })))
    }

    fn node(&self) -> MutexGuard<'_, Node> {
        // A panic of a caller leaves the node between two whole steps, never within one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process dies and starts again: journals stay, records fall back to what was filled.
    pub fn crash(&self) {
        let mut node = self.node();
        node.queue.clear();
        node.faults.clear();
        node.broken = false;
        for cell in node.cells.values_mut() {
            cell.records = cell.filled.clone();
            cell.head.records_seq = cell.filled_seq;
            (cell.views, cell.viewed) = (None, 0);
        }
    }

    /// Brings the oldest `items` of what lags behind into the tenant files.
    pub fn fill(&self, items: usize) {
        self.node().fill(items);
    }

    /// How many items [`Self::fill`] would find.
    #[must_use]
    pub fn unfilled(&self) -> usize {
        self.node().queue.len()
    }

    /// Makes the next commit fail; called twice, the next two.
    pub fn fail_next_commit(&self, fault: CommitFault) {
        self.node().faults.push_back(fault);
    }

    /// Takes away all space, or gives it back.
    pub fn set_full(&self, full: bool) {
        self.node().full = full;
    }

    /// Lets whoever next seals or reads a content of this tenant panic; none takes that back. Says
    /// whether it was still to happen.
    pub fn poison(&self, tenant: Option<TenantId>) -> bool {
        std::mem::replace(&mut self.node().poisoned, tenant).is_some()
    }

    /// The panic that [`Self::poison`] asked for; without a word on standard error.
    fn swallow_poison(&self, tenant: TenantId) {
        let mut node = self.node();
        if node.poisoned == Some(tenant) {
            node.poisoned = None;
            drop(node);
            std::panic::resume_unwind(Box::new("a made-up panic"));
        }
    }

    /// Destroys a subject's key: what it sealed is erased.
    pub fn destroy(&self, tenant: TenantId, subject: SubjectId) {
        let mut node = self.node();
        let cell = node.cell(tenant);
        cell.erased.insert(subject);
        cell.keys.remove(&subject);
        if subject == SubjectId::TENANT {
            cell.own = None;
        }
    }
}

impl Store for MemStore {
    fn commit(&self, appends: &[Append]) -> Result<Vec<Result<Seq, Stale>>, CommitError> {
        let mut node = self.node();
        if node.broken {
            return Err(CommitError::SyncFailed("an earlier sync failed".into()));
        }
        for append in appends {
            append
                .check()
                .map_err(|bad| CommitError::Io(Box::new(bad)))?;
        }
        if node.full {
            return Err(CommitError::Full);
        }
        match node.faults.pop_front() {
            None => {}
            Some(CommitFault::Full) => return Err(CommitError::Full),
            Some(CommitFault::Io) => return Err(CommitError::Io("a made-up fault".into())),
            Some(CommitFault::SyncFailed { written }) => {
                node.broken = true;
                if written {
                    for append in appends {
                        let _doubtful = node.append(append);
                    }
                }
                return Err(CommitError::SyncFailed("a made-up fault".into()));
            }
        }
        let done = appends.iter().map(|append| node.append(append)).collect();
        node.trim();
        Ok(done)
    }

    fn writable(&self) -> Result<(), CommitError> {
        let node = self.node();
        if node.broken {
            return Err(CommitError::SyncFailed("an earlier sync failed".into()));
        }
        if node.full {
            return Err(CommitError::Full);
        }
        Ok(())
    }

    fn tenant(&self, id: TenantId) -> Result<Arc<dyn TenantStore>, ReadError> {
        Ok(Arc::new(MemTenant {
            id,
            store: self.clone(),
        }))
    }

    fn tenants(&self) -> Result<Vec<TenantId>, ReadError> {
        let node = self.node();
        let with_journal = node.cells.iter().filter(|(_, cell)| cell.head.seq > 0);
        Ok(with_journal.map(|(id, _)| *id).collect())
    }

    fn due(&self, now: Time) -> Result<Vec<(TenantId, Time)>, ReadError> {
        let node = self.node();
        let wakes = node
            .cells
            .iter()
            .filter_map(|(id, cell)| Some((*id, cell.head.wake?)));
        let mut due: Vec<_> = wakes.filter(|(_, at)| *at <= now).collect();
        due.sort_by_key(|(id, at)| (*at, *id));
        Ok(due)
    }

    fn settle(&self) {
        self.node().fill(usize::MAX);
    }

    fn lag(&self) -> u64 {
        let node = self.node();
        let facts = node.queue.iter().map(|(_, fill)| match fill {
            Fill::Facts(count) => *count,
            Fill::Records(..) => 0,
        });
        facts.sum()
    }

    fn views_lag(&self) -> ViewsLag {
        ViewsLag::default()
    }
}

#[cfg(test)]
#[path = "mem_tests.rs"]
mod tests;
