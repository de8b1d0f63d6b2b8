//! Fills one tenant's file behind the log: facts with their leaf hashes, records, answers and
//! bodies of many commits in one transaction; signs checkpoints.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use naos_ledger::{Checkpoint, Frontier, Hash, Leaves, Signer, hash_entry, prove_consistency};
use naos_types::{BodyRef, Seq, TenantId, Time};
use rusqlite::{Connection, params};

use super::db::{self, DbError, Mode};
use super::packs::Place;
use super::row::{Answer, Body, Content, Part, Pending};
use super::tenant_file::{self as file, Meta, StoredCheckpoint, TENANT};
use crate::traits::{DAY_MS, INBOX_KEPT_MS, InboxRow, Record};

/// A checkpoint is signed after so many entries …
pub(crate) const CHECKPOINT_ENTRIES: u64 = 1_000;
/// … or this long after the one before, when there are new ones, and at a clean close.
pub(crate) const CHECKPOINT_MS: i64 = 60_000;
/// So many pages in the write-ahead log are brought into the main file (4 MiB).
const WAL_PAGES_MAX: i32 = 1_024;

/// What one transaction fills in.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Arc<Pending>>,
    pub(crate) records: Vec<Record>,
    pub(crate) records_upto: Option<Seq>,
    pub(crate) packed: Vec<(BodyRef, Place)>,
}

/// A tenant's file, open for writing.
pub(crate) struct TenantWriter {
    tenant: TenantId,
    path: PathBuf,
    conn: Connection,
    pub(crate) meta: Meta,
    tree: Tree,
    inbox_day: i64,
    wal_pages: Arc<AtomicI32>,
    unsynced: bool,
}

/// The journal's Merkle tree since the last signed checkpoint.
#[derive(Clone)]
struct Tree {
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
    DbError::Row { table: "checkpoint", key: size.to_string() }
}

impl Tree {
    fn load(
        conn: &Connection,
        tenant: TenantId,
        meta: &Meta,
        signer: &Signer,
    ) -> Result<Self, DbError> {
        let decode = |bytes: &[u8], size: u64| match Frontier::decode(bytes) {
            Ok(frontier) if frontier.size() == size => Ok(frontier),
            _ => Err(DbError::Row { table: "meta", key: "frontier".to_owned() }),
        };
        let frontier = match meta.seq {
            0 => Frontier::new(),
            seq => decode(&meta.frontier, seq)?,
        };
        let Some(last) = file::checkpoints(conn, tenant, None)?.pop() else {
            let leaves = leaves_after(conn, 0)?;
            let signed_frontier = Frontier::new();
            let signed_at = (meta.seq > 0).then_some(meta.at);
            return Ok(Self { frontier, signed: None, signed_frontier, signed_at, leaves });
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
        Ok(Self { frontier, signed, signed_frontier, signed_at, leaves })
    }

    fn add(&mut self, leaf: Hash, at: Time) {
        self.signed_at.get_or_insert(at);
        self.frontier.append(leaf);
        self.leaves.push(leaf);
    }

    fn is_due(&self, at: Time) -> bool {
        let since = self.signed_at.map_or(0, |signed| at.0.saturating_sub(signed.0));
        let new = self.leaves.len() as u64;
        new >= CHECKPOINT_ENTRIES || (new > 0 && since >= CHECKPOINT_MS)
    }

    /// Signs what is there, if it only adds to what was signed before.
    fn sign(
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
        Ok(StoredCheckpoint { size, at, note, frontier: self.frontier.encode() })
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

impl TenantWriter {
    /// Opens a tenant's file, and makes it at the first filling.
    pub(crate) fn open(
        path: &Path,
        tenant: TenantId,
        signer: &Signer,
    ) -> Result<Self, DbError> {
        let new = !path.exists();
        let mut conn = db::open(path, &TENANT, Mode::Normal)?;
        if new && let Some(dir) = path.parent() {
            db::sync_dir(dir)?;
        }
        let wal_pages = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&wal_pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
            told.store(count, Ordering::Relaxed);
            Ok(())
        }))?;
        let meta = file::meta(&conn, tenant)?.unwrap_or_default();
        let tree = Tree::load(&conn, tenant, &meta, signer)?;
        if tree.frontier.size() != tree.signed_frontier.size() + tree.leaves.len() as u64 {
            return Err(DbError::Row { table: "journal", key: meta.seq.to_string() });
        }
        let path = path.to_owned();
        Ok(Self { tenant, path, conn, meta, tree, inbox_day: 0, wal_pages, unsynced: true })
    }

    /// Fills in all of a batch or nothing.
    pub(crate) fn fill(&mut self, batch: &Batch, signer: &Signer) -> Result<(), DbError> {
        let (meta, mut tree, inbox_day) = (self.meta.clone(), self.tree.clone(), self.inbox_day);
        let done = self.fill_in(batch, signer);
        if done.is_err() {
            // An error of the rollback adds nothing: the transaction is gone with the connection.
            let _rolled_back = self.conn.execute_batch("ROLLBACK");
            (self.meta, self.inbox_day) = (meta, inbox_day);
            std::mem::swap(&mut self.tree, &mut tree);
        }
        done?;
        self.unsynced = true;
        if self.wal_pages.load(Ordering::Relaxed) >= WAL_PAGES_MAX {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn fill_in(&mut self, batch: &Batch, signer: &Signer) -> Result<(), DbError> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for row in &batch.rows {
            if row.head.pos <= self.meta.pos {
                continue;
            }
            let content: Content<'_> = row.content();
            for part in &content.parts {
                self.add_part(part)?;
            }
            self.meta.pos = row.head.pos;
        }
        write_records(&self.conn, self.tenant, &batch.records)?;
        if let Some(upto) = batch.records_upto {
            self.meta.records_seq = upto;
        }
        write_packed(&self.conn, self.tenant, &batch.packed)?;
        if self.tree.is_due(self.meta.at) {
            self.sign(signer)?;
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<(), DbError> {
        self.meta.frontier = self.tree.frontier.encode();
        write_meta(&self.conn, self.tenant, &self.meta)?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn add_part(&mut self, part: &Part<'_>) -> Result<(), DbError> {
        if part.expected != self.meta.seq {
            return Err(DbError::Row { table: "journal", key: (self.meta.seq + 1).to_string() });
        }
        let owner = file::owner(self.tenant);
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO journal(seq, at, kind, version, bytes, hash)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (seq, fact) in part.numbered() {
            let (at, kind, version, bytes) = (fact.at, fact.kind, fact.version, fact.bytes);
            let leaf = hash_entry(&owner, seq, at, kind, version, bytes);
            insert.execute(params![seq as i64, at, kind, version, bytes, leaf.as_bytes()])?;
            self.tree.add(leaf, Time(at));
            (self.meta.seq, self.meta.at) = (seq, Time(at));
        }
        drop(insert);
        (self.meta.epoch, self.meta.batch) = (part.epoch, part.batch);
        for body in &part.bodies {
            write_body(&self.conn, self.tenant, body)?;
        }
        for answer in &part.answers {
            self.write_answer(answer)?;
        }
        Ok(())
    }

    fn write_answer(&mut self, answer: &Answer<'_>) -> Result<(), DbError> {
        if super::planted::lost_inbox() {
            return Ok(());
        }
        let row: InboxRow = answer.row();
        let sum = file::inbox_sum(self.tenant, &row).done();
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO inbox(source, key, request, reply, at, sum)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![row.source, row.key, row.request.0, row.reply, row.at.0, sum])?;
        let day = row.at.0.div_euclid(DAY_MS);
        if day > self.inbox_day {
            self.inbox_day = day;
            self.conn
                .prepare_cached("DELETE FROM inbox WHERE at < ?1")?
                .execute([row.at.0 - INBOX_KEPT_MS])?;
        }
        Ok(())
    }

    fn sign(&mut self, signer: &Signer) -> Result<(), DbError> {
        let signed = self.tree.sign(self.tenant, self.meta.at, signer)?;
        let sum = file::checkpoint_sum(self.tenant, &signed).done();
        self.conn
            .prepare_cached(
                "INSERT INTO checkpoint(size, at, note, frontier, sum) VALUES(?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                signed.size as i64,
                signed.at.0,
                signed.note,
                signed.frontier,
                sum
            ])?;
        Ok(())
    }

    /// Signs whatever no checkpoint covers yet: at a clean close.
    pub(crate) fn sign_rest(&mut self, signer: &Signer) -> Result<(), DbError> {
        if self.tree.leaves.is_empty() {
            return Ok(());
        }
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.sign(signer)?;
        self.finish()?;
        self.unsynced = true;
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), DbError> {
        if db::checkpoint(&self.conn, "PASSIVE")? {
            self.unsynced = false;
        }
        Ok(())
    }

    /// Returns when all that was filled in is on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), DbError> {
        if self.unsynced {
            self.checkpoint()?;
        }
        if self.unsynced {
            // A reader held the checkpoint back: the write-ahead log itself will do.
            let mut wal = self.path.as_os_str().to_owned();
            wal.push("-wal");
            std::fs::File::open(wal)?.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Leaves nothing but the main file.
    pub(crate) fn close(self) -> Result<(), DbError> {
        db::checkpoint(&self.conn, "TRUNCATE")?;
        self.conn.close().map_err(|(_, cause)| cause.into())
    }
}

fn write_meta(conn: &Connection, tenant: TenantId, meta: &Meta) -> Result<(), DbError> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO
         meta(id, tenant, seq, epoch, at, pos, batch, records_seq, frontier, sum)
         VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        file::owner(tenant),
        meta.seq as i64,
        meta.epoch as i64,
        meta.at.0,
        meta.pos as i64,
        meta.batch.to_be_bytes(),
        meta.records_seq as i64,
        meta.frontier,
        file::meta_sum(tenant, meta),
    ])?;
    Ok(())
}

fn write_records(conn: &Connection, tenant: TenantId, records: &[Record]) -> Result<(), DbError> {
    let mut put = conn.prepare_cached(
        "INSERT INTO records(kind, id, version, seq, open, bytes, sum)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT(kind, id) DO UPDATE SET version = excluded.version, seq = excluded.seq,
         open = excluded.open, bytes = excluded.bytes, sum = excluded.sum",
    )?;
    let mut delete = conn.prepare_cached("DELETE FROM records WHERE kind = ?1 AND id = ?2")?;
    for record in records {
        let Record { kind, id, version, seq, open, bytes } = record;
        if let Some(bytes) = bytes {
            let sum = file::record_sum(tenant, record, bytes).done();
            put.execute(params![kind, id, version, *seq as i64, open, bytes, sum])?;
        } else {
            delete.execute(params![kind, id])?;
        }
    }
    Ok(())
}

fn write_body(conn: &Connection, tenant: TenantId, body: &Body<'_>) -> Result<(), DbError> {
    let name = body.name();
    let sum = file::body_sum(tenant, &name, body.sealed).done();
    conn.prepare_cached(
        "INSERT OR IGNORE INTO bodies(digest, len, sealed, sum) VALUES(?1, ?2, ?3, ?4)",
    )?
    .execute(params![name.digest.0, name.len as i64, body.sealed, sum])?;
    Ok(())
}

fn write_packed(
    conn: &Connection,
    tenant: TenantId,
    packed: &[(BodyRef, Place)],
) -> Result<(), DbError> {
    let mut insert = conn.prepare_cached(
        "INSERT OR IGNORE INTO packed(digest, len, pack, start, bytes, sum)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (name, place) in packed {
        let sum = file::packed_sum(tenant, name, *place).done();
        let (pack, start, bytes) = (place.pack as i64, place.start as i64, place.bytes as i64);
        insert.execute(params![name.digest.0, name.len as i64, pack, start, bytes, sum])?;
    }
    Ok(())
}
