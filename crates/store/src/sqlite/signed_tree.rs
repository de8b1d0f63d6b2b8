//! A journal's Merkle tree on its way from one signed checkpoint to the next: the frontier, and
//! the leaves that no checkpoint covers, which is all that a proof of consistency asks for.

use naos_ledger::{Checkpoint, Frontier, Hash, Leaves, Signer, prove_consistency};
use naos_types::{TenantId, Time};
use rusqlite::Connection;

use super::db::{self, DbError};
use super::tenant_file::{self as file, Meta, StoredCheckpoint};

/// A checkpoint is signed after so many entries …
pub(crate) const CHECKPOINT_ENTRIES: u64 = 1_000;
/// … or this long after the one before, when there are new ones, and at a clean close.
pub(crate) const CHECKPOINT_MS: i64 = 60_000;

/// The journal's Merkle tree since the last signed checkpoint.
#[derive(Clone)]
pub(crate) struct Tree {
    frontier: Frontier,
    signed: Option<Checkpoint>,
    signed_frontier: Frontier,
    /// The time of the last signed entry, or of the first one.
    signed_at: Option<Time>,
    /// Leaves that no checkpoint covers.
    leaves: Vec<Hash>,
}

/// The tree as far as a consistency proof from the signed size on needs it.
struct Bridge<'a>(&'a Tree);

#[derive(Debug, thiserror::Error)]
#[error("the proof asks for a subtree that isn't kept")]
struct NotKept;

impl Leaves for Bridge<'_> {
    type Error = NotKept;

    fn size(&self) -> u64 {
        self.0.frontier.size()
    }

    fn leaf(&self, index: u64) -> Result<Hash, NotKept> {
        self.subtree(0, index)
    }

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, NotKept> {
        let (first, signed) = (index << level, self.0.signed_frontier.size());
        if let Some(skip) = first.checked_sub(signed) {
            let mut subtree = Frontier::new();
            let range = skip as usize..(skip + (1 << level)) as usize;
            subtree.append_many(self.0.leaves.get(range).ok_or(NotKept)?.iter().copied());
            return Ok(subtree.root());
        }
        // Left of the signed size a proof names the largest perfect subtrees, which are kept.
        let mut at = 0;
        let bits = (0..u64::BITS).rev().filter(|bit| signed >> bit & 1 == 1);
        for (bit, hash) in bits.zip(self.0.signed_frontier.subtrees()) {
            if (at, bit) == (first, level) {
                return Ok(*hash);
            }
            at += 1 << bit;
        }
        Err(NotKept)
    }
}

/// What the journal's checkpoints are of, for ever.
pub(crate) fn origin(tenant: TenantId) -> String {
    format!("{}/{tenant}", super::keys::SIGNER_NAME)
}

fn checkpoint_fault(size: u64) -> DbError {
    DbError::Row {
        table: "checkpoint",
        key: size.to_string(),
    }
}

impl Tree {
    pub(crate) fn load(
        conn: &Connection,
        tenant: TenantId,
        meta: &Meta,
        signer: &Signer,
    ) -> Result<Self, DbError> {
        let decode = |bytes: &[u8], size: u64| match Frontier::decode(bytes) {
            Ok(frontier) if frontier.size() == size => Ok(frontier),
            _ => Err(DbError::Row {
                table: "meta",
                key: "frontier".to_owned(),
            }),
        };
        let frontier = match meta.seq {
            0 => Frontier::new(),
            seq => decode(&meta.frontier, seq)?,
        };
        let Some(last) = file::checkpoints(conn, tenant, None)?.pop() else {
            let leaves = leaves_after(conn, 0)?;
            let signed_frontier = Frontier::new();
            let signed_at = (meta.seq > 0).then_some(meta.at);
            return Ok(Self {
                frontier,
                signed: None,
                signed_frontier,
                signed_at,
                leaves,
            });
        };
        let key = signer.verifying_key();
        let signed = Checkpoint::parse_and_verify(&last.note, &key, signer.name())
            .ok()
            .filter(|checkpoint| checkpoint.origin == origin(tenant))
            .filter(|checkpoint| checkpoint.size == last.size)
            .ok_or_else(|| checkpoint_fault(last.size))?;
        let signed_frontier = decode(&last.frontier, last.size)?;
        let leaves = leaves_after(conn, last.size)?;
        let (signed, signed_at) = (Some(signed), Some(last.at));
        Ok(Self {
            frontier,
            signed,
            signed_frontier,
            signed_at,
            leaves,
        })
    }

    pub(crate) fn add(&mut self, leaf: Hash, at: Time) {
        self.signed_at.get_or_insert(at);
        self.frontier.append(leaf);
        self.leaves.push(leaf);
    }

    /// The frontier as stored.
    pub(crate) fn encode(&self) -> Vec<u8> {
        self.frontier.encode()
    }

    /// Whether a checkpoint covers all there is.
    pub(crate) fn is_signed(&self) -> bool {
        self.leaves.is_empty()
    }

    pub(crate) fn is_due(&self, at: Time) -> bool {
        let since = self
            .signed_at
            .map_or(0, |signed| at.0.saturating_sub(signed.0));
        let new = self.leaves.len() as u64;
        new >= CHECKPOINT_ENTRIES || (new > 0 && since >= CHECKPOINT_MS)
    }

    /// Signs what is there, if it only adds to what was signed before.
    pub(crate) fn sign(
        &mut self,
        tenant: TenantId,
        at: Time,
        signer: &Signer,
    ) -> Result<StoredCheckpoint, DbError> {
        let size = self.frontier.size();
        let new = Checkpoint::new(origin(tenant), self.frontier.head());
        let proof = prove_consistency(&Bridge(self), self.signed_frontier.size(), size)
            .map_err(|_| checkpoint_fault(size))?;
        let note = signer
            .next(self.signed.as_ref(), &new, &proof)
            .map_err(|_| checkpoint_fault(size))?;
        self.signed = Some(new);
        self.signed_frontier = self.frontier.clone();
        self.signed_at = Some(at);
        self.leaves.clear();
        Ok(StoredCheckpoint {
            size,
            at,
            note,
            frontier: self.frontier.encode(),
        })
    }
}

fn leaves_after(conn: &Connection, size: u64) -> Result<Vec<Hash>, DbError> {
    let mut select = conn.prepare("SELECT hash FROM journal WHERE seq > ?1 ORDER BY seq")?;
    let mut rows = select.query([size as i64])?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        let hash = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        leaves.push(Hash::from_bytes(db::fixed(hash, "journal")?));
    }
    Ok(leaves)
}
