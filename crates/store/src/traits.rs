use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use naos_types::{BatchId, BodyRef, Digest, Sealed, Seq, StagedBody, SubjectId, TenantId, Time};

use crate::views::{Viewed, Views};

/// The largest body that travels with an append; larger ones go through
/// [`TenantStore::put_large`].
pub const BODY_INLINE_BYTES_MAX: usize = 16 * 1_024;
/// What sealing adds to a body: nonce and tag.
pub(crate) const SEAL_BYTES: usize = 12 + 16;
/// The largest fact. What is longer is a body, named by its fact.
pub const ENTRY_BYTES_MAX: usize = 1_024 * 1_024;
/// How long an answer is kept for whoever repeats a command.
pub(crate) const INBOX_KEPT_MS: i64 = naos_types::command::KEYS_KEPT.0;

/// One fact as stored: `bytes` is what the journal hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its position; 1 is the first.
    pub seq: Seq,
    /// The cell's time when it was decided.
    pub at: Time,
    /// `family.past`.
    pub kind: Cow<'static, str>,
    /// Version of the layout of `bytes`.
    pub version: u8,
    /// postcard of the fact.
    pub bytes: Vec<u8>,
}

/// One command that was carried out: the same `(source, key)` again gets the same reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Who sent it: a member, an agent, another cell.
    pub source: String,
    /// The idempotency key they chose.
    pub key: String,
    /// Digest of the request: the same key for another request is an error.
    pub request: Digest,
    /// What was replied, as the engine encodes it.
    pub reply: Vec<u8>,
    /// When; kept seven days.
    pub at: Time,
}

/// What one cell adds in one commit; all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Whose journal.
    pub tenant: TenantId,
    /// The last seq before this append; anything else in the store makes it stale.
    pub expected: Seq,
    /// The owner's epoch; a smaller one than the store has seen is stale.
    pub epoch: u64,
    /// Known before it is written, to settle an ambiguous commit.
    pub batch: BatchId,
    /// The facts, `expected + 1` onwards without a gap. May be empty if `inbox` isn't.
    pub entries: Vec<Entry>,
    /// The bodies that the facts name and that aren't stored yet (at most 16 KiB each; larger
    /// ones go through [`TenantStore::put_large`] before).
    pub bodies: Vec<StagedBody>,
    /// The commands it answers.
    pub inbox: Vec<InboxRow>,
    /// The earliest time at which this cell has something to do; none: nothing by itself.
    pub wake: Option<Time>,
}

/// Somebody else wrote this journal in the meantime; nothing of the append was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal of {tenant} stands at {found}, not at {expected}")]
pub struct Stale {
    /// Whose journal.
    pub tenant: TenantId,
    /// What the append supposed.
    pub expected: Seq,
    /// What is there.
    pub found: Seq,
}

/// An append that no store takes: whoever built it has a bug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the append to {tenant} after {expected} {fault}: build it otherwise")]
pub struct BadAppend {
    /// Whose journal.
    pub tenant: TenantId,
    /// Where it was to begin.
    pub expected: Seq,
    /// What is wrong with it.
    pub fault: &'static str,
}

impl Append {
    /// The last seq after this append.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.expected + self.entries.len() as u64
    }

    /// Checks what every store relies on.
    ///
    /// # Errors
    /// [`BadAppend`] at a gap in its seqs, and when a fact or a body is too large.
    pub fn check(&self) -> Result<(), BadAppend> {
        let fault = if (self.expected + 1..)
            .zip(&self.entries)
            .any(|(seq, e)| e.seq != seq)
        {
            "has a gap"
        } else if self.entries.iter().any(|e| e.bytes.len() > ENTRY_BYTES_MAX) {
            "has a fact above 1 MiB"
        } else if self
            .bodies
            .iter()
            .any(|b| b.sealed.len() > BODY_INLINE_BYTES_MAX + SEAL_BYTES)
        {
            "has a body above 16 KiB"
        } else {
            return Ok(());
        };
        let (tenant, expected) = (self.tenant, self.expected);
        Err(BadAppend {
            tenant,
            expected,
            fault,
        })
    }
}

/// Why nothing of a whole commit was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// No space: stop acknowledging, say so, try again later. Nothing was written.
    #[error("the disk is full")]
    Full,
    /// It may not be written: somebody else's, or mounted to be read only. Nothing was written.
    #[error("the data directory can't be written")]
    ReadOnly(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What it is to be sealed with doesn't match its checksum. Nothing was written.
    #[error("what the journal is sealed with is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The sync failed: what is on disk is unknown. The process must end; never retry.
    #[error("could not sync the journal: what is on disk is unknown, naos must end")]
    SyncFailed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else, a [`BadAppend`] too; nothing was written.
    #[error("could not write the journal")]
    Io(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A checksum, a key or an order doesn't match: say what and where.
    #[error("{what} is damaged")]
    Damaged {
        /// What and where.
        what: String,
    },
    /// A newer naos wrote it.
    #[error("{what} has format {found}, this naos reads up to {ours}")]
    Newer {
        /// Which file.
        what: String,
        /// Its format.
        found: u32,
        /// The newest that is understood here.
        ours: u32,
    },
    /// No space: even reading takes some where a file has to be opened first.
    #[error("the disk is full: there is no room to open {what}")]
    Full {
        /// What.
        what: String,
    },
    /// The key was destroyed: the text is erased.
    #[error("the key of subject {0:?} is destroyed")]
    Erased(SubjectId),
    /// A fact took the content away, on purpose.
    #[error("content {0} was erased: nobody can read it any more")]
    BodyErased(Digest),
    /// Anything else.
    #[error("could not read {what}")]
    Io {
        /// What.
        what: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// One aggregate as stored behind the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `task`, `run` …
    pub kind: Cow<'static, str>,
    /// Its key within the kind, in an order-preserving encoding.
    pub id: Vec<u8>,
    /// Version of the layout of `bytes`.
    pub version: u8,
    /// The journal's seq it was taken at.
    pub seq: Seq,
    /// Whether something is still to happen to it: open ones are loaded at start.
    pub open: bool,
    /// postcard of the aggregate; none deletes the row.
    pub bytes: Option<Vec<u8>>,
}

/// Where one tenant's journal stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The last durable seq.
    pub seq: Seq,
    /// The largest epoch seen.
    pub epoch: u64,
    /// Records hold the state as of this seq; what follows is replayed.
    pub records_seq: Seq,
    /// The time of the last fact.
    pub at: Time,
    /// What the cell asked to be woken for.
    pub wake: Option<Time>,
}

/// How far views are behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewsLag {
    /// How many facts they lack.
    pub facts: u64,
    /// The time of the oldest of them; those of views that are being made don't count.
    pub since: Option<Time>,
    /// How many tenants' views are being made or can't be written: their lists come from records.
    pub away: u64,
}

/// All cells of one node.
pub trait Store: Send + Sync {
    /// Makes appends durable with one sync; a stale one doesn't fail its neighbours.
    ///
    /// # Errors
    /// [`CommitError`]: then nothing of any append was written, except after a failed sync.
    fn commit(&self, appends: &[Append]) -> Result<Vec<Result<Seq, Stale>>, CommitError>;

    /// Whether a commit could find room: something is written and taken away again. Of use where
    /// the last one failed and nobody asks for another.
    ///
    /// # Errors
    /// [`CommitError`] says why not.
    fn writable(&self) -> Result<(), CommitError>;

    /// The door to one tenant's rows; made at its first use.
    ///
    /// # Errors
    /// [`ReadError`] if its file can't be opened or isn't sound.
    fn tenant(&self, id: TenantId) -> Result<Arc<dyn TenantStore>, ReadError>;

    /// All tenants that have a journal.
    ///
    /// # Errors
    /// [`ReadError`] if the directory can't be read.
    fn tenants(&self) -> Result<Vec<TenantId>, ReadError>;

    /// The cells whose wake time is at or before `now`, earliest first. A cell with open work
    /// names it in [`Append::wake`], so that a start finds it here and opens no other.
    ///
    /// # Errors
    /// [`ReadError`] if the table can't be read.
    fn due(&self, now: Time) -> Result<Vec<(TenantId, Time)>, ReadError>;

    /// Waits until everything that was committed so far stands in tenant files and views too.
    fn settle(&self);

    /// How many committed facts are not yet in tenant files and views.
    fn lag(&self) -> u64;

    /// How far views are behind.
    fn views_lag(&self) -> ViewsLag;
}

/// One tenant's rows. Everything durable is visible at once, wherever it stands by now.
pub trait TenantStore: Send + Sync {
    /// Whose.
    fn id(&self) -> TenantId;

    /// Where its journal stands.
    ///
    /// # Errors
    /// [`ReadError`].
    fn head(&self) -> Result<Head, ReadError>;

    /// Up to `limit` facts after `after`, in order, without a gap.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] at a gap or a wrong checksum.
    fn entries(&self, after: Seq, limit: usize) -> Result<Vec<Entry>, ReadError>;

    /// One record.
    ///
    /// # Errors
    /// [`ReadError`].
    fn record(&self, kind: &str, id: &[u8]) -> Result<Option<Record>, ReadError>;

    /// All records that are open.
    ///
    /// # Errors
    /// [`ReadError`].
    fn open_records(&self) -> Result<Vec<Record>, ReadError>;

    /// The records of a kind whose id begins with `prefix`, in the order of their ids, after
    /// `after`, at most `limit`.
    ///
    /// # Errors
    /// [`ReadError`].
    fn scan(
        &self,
        kind: &str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError>;

    /// The records of a kind from the largest id down, below `before`, at most `limit`. Most ids
    /// begin with their time: this is newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    fn scan_back(
        &self,
        kind: &str,
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError>;

    /// Hands over the aggregates that changed, as of `upto`, which must be durable. Written
    /// behind, together with the journal up to there, in one transaction; visible at once.
    fn put_records(&self, upto: Seq, records: Vec<Record>);

    /// The lists and sums, as far as [`Self::viewed`] says; none unless [`Self::await_views`] had
    /// them brought up, and while they are away: whoever asks reads records then.
    fn views(&self) -> Option<Arc<Views>>;

    /// How far the views go.
    fn viewed(&self) -> Viewed;

    /// Has the views brought up to date, and waits at most so long until they hold `seq`; not for
    /// views that are being made.
    fn await_views(&self, seq: Seq, wait: Duration) -> Viewed;

    /// What was replied to a command.
    ///
    /// # Errors
    /// [`ReadError`].
    fn inbox(&self, source: &str, key: &str) -> Result<Option<InboxRow>, ReadError>;

    /// Names and seals a body. Nothing is written: the next append carries it (up to 16 KiB), or
    /// [`Self::put_large`].
    ///
    /// # Errors
    /// [`ReadError`] if the key ring can't be read.
    fn seal_body(&self, plain: &[u8]) -> Result<StagedBody, ReadError>;

    /// Writes and syncs a body that is too large for a commit. Naming it is up to a later fact.
    ///
    /// # Errors
    /// [`CommitError`].
    fn put_large(&self, body: &StagedBody) -> Result<(), CommitError>;

    /// A body's content; none if no durable append or `put_large` brought it.
    ///
    /// # Errors
    /// [`ReadError::BodyErased`] once a durable fact took it away, until it is brought again;
    /// [`ReadError::Damaged`] if the content doesn't match its name.
    fn body(&self, name: &BodyRef) -> Result<Option<Vec<u8>>, ReadError>;

    /// What [`Self::body`] says of each of them, in their order.
    fn bodies(&self, names: &[BodyRef]) -> Vec<Result<Option<Vec<u8>>, ReadError>> {
        names.iter().map(|name| self.body(name)).collect()
    }

    /// Whether a durable fact took a body away and nothing brought it again; what it says isn't
    /// read.
    ///
    /// # Errors
    /// [`ReadError`].
    fn is_erased(&self, name: &BodyRef) -> Result<bool, ReadError>;

    /// Seals a text for a fact.
    ///
    /// # Errors
    /// [`ReadError`] if the key ring can't be read or the subject was erased.
    fn seal(&self, subject: SubjectId, plain: &[u8]) -> Result<Sealed, ReadError>;

    /// Opens a sealed text.
    ///
    /// # Errors
    /// [`ReadError::Erased`], or [`ReadError::Damaged`].
    fn open(&self, sealed: &Sealed) -> Result<Vec<u8>, ReadError>;
}
