//! Fills one tenant's file behind the log: facts with their leaf hashes, records, answers and
//! bodies of many commits in one transaction; signs checkpoints.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use naos_ledger::{Signer, hash_entry};
use naos_types::{BodyRef, DAY_MS, Seq, TenantId, Time};
use rusqlite::{Connection, params};

use super::db::{self, DbError, Mode};
use super::packs::Place;
use super::row::{Answer, Body, Content, Part, Pending};
use super::signed_tree::Tree;
use super::tenant_file::{self as file, Meta, StoredCheckpoint, TENANT};
use crate::traits::{INBOX_KEPT_MS, InboxRow, Record};

/// So many pages in the write-ahead log are brought into the main file (16 MiB): each time syncs.
const WAL_PAGES_MAX: i32 = 4_096;

pub(crate) const INSERT_FACT: &str = "INSERT INTO journal(seq, at, kind, version, bytes, hash)
     VALUES(?1, ?2, ?3, ?4, ?5, ?6)";

/// What one transaction fills in.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Arc<Pending>>,
    pub(crate) records: Vec<Record>,
    pub(crate) records_upto: Option<Seq>,
    pub(crate) packed: Vec<(BodyRef, Place)>,
    /// Whether any of it takes contents away.
    pub(crate) erases: bool,
}

impl Batch {
    /// The contents that its facts take away.
    pub(crate) fn erased(&self) -> Vec<BodyRef> {
        if !self.erases {
            return Vec::new();
        }
        self.rows.iter().flat_map(|row| row.erased()).collect()
    }
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
    /// Whether freed pages are overwritten.
    overwrites: bool,
}

impl TenantWriter {
    /// Opens a tenant's file, and makes it at the first filling.
    pub(crate) fn open(path: &Path, tenant: TenantId, signer: &Signer) -> Result<Self, DbError> {
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
        let path = path.to_owned();
        Ok(Self {
            tenant,
            path,
            conn,
            meta,
            tree,
            inbox_day: 0,
            wal_pages,
            unsynced: true,
            overwrites: false,
        })
    }

    /// Fills in all of a batch or nothing.
    pub(crate) fn fill(&mut self, batch: &Batch, signer: &Signer) -> Result<(), DbError> {
        let (meta, mut tree, inbox_day) = (self.meta.clone(), self.tree.clone(), self.inbox_day);
        // Freed pages are overwritten only where something is taken away: it costs writes.
        self.overwrites(batch.erases)?;
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

    fn overwrites(&mut self, on: bool) -> Result<(), DbError> {
        if std::mem::replace(&mut self.overwrites, on) != on {
            self.conn.pragma_update(None, "secure_delete", on)?;
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
        self.meta.frontier = self.tree.encode();
        write_meta(&self.conn, self.tenant, &self.meta)?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn add_part(&mut self, part: &Part<'_>) -> Result<(), DbError> {
        if part.expected != self.meta.seq {
            return Err(DbError::Row {
                table: "journal",
                key: (self.meta.seq + 1).to_string(),
            });
        }
        let owner = file::owner(self.tenant);
        let mut insert = self.conn.prepare_cached(INSERT_FACT)?;
        for (seq, fact) in part.numbered() {
            let (at, kind, version, bytes) = (fact.at, fact.kind, fact.version, fact.bytes);
            let leaf = hash_entry(&owner, seq, at, kind, version, bytes);
            insert.execute(params![
                seq as i64,
                at,
                kind,
                version,
                bytes,
                leaf.as_bytes()
            ])?;
            self.tree.add(leaf, Time(at));
            (self.meta.seq, self.meta.at) = (seq, Time(at));
        }
        drop(insert);
        (self.meta.epoch, self.meta.batch) = (part.epoch, part.batch);
        for body in &part.bodies {
            write_body(&self.conn, self.tenant, body)?;
        }
        for name in part.erased() {
            erase_body(&self.conn, self.tenant, &name)?;
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
        write_answer(&self.conn, self.tenant, &row)?;
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
        write_checkpoint(&self.conn, self.tenant, &signed)
    }

    /// Signs whatever no checkpoint covers yet: at a clean close.
    pub(crate) fn sign_rest(&mut self, signer: &Signer) -> Result<(), DbError> {
        if self.tree.is_signed() {
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

    /// Leaves nothing in the write-ahead log: pages there have what was taken away since. False
    /// while a reader holds some back.
    pub(crate) fn shred(&mut self) -> Result<bool, DbError> {
        // Only where no reader is in the way: that way nobody waits for one.
        let done =
            db::checkpoint(&self.conn, "PASSIVE")? && db::checkpoint(&self.conn, "TRUNCATE")?;
        self.unsynced &= !done;
        Ok(done)
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

pub(crate) fn write_answer(
    conn: &Connection,
    tenant: TenantId,
    row: &InboxRow,
) -> Result<(), DbError> {
    let sum = file::inbox_sum(tenant, row).done();
    conn.prepare_cached(
        "INSERT OR REPLACE INTO inbox(source, key, request, reply, at, sum)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        row.source,
        row.key,
        row.request.0,
        row.reply,
        row.at.0,
        sum
    ])?;
    Ok(())
}

pub(crate) fn write_checkpoint(
    conn: &Connection,
    tenant: TenantId,
    signed: &StoredCheckpoint,
) -> Result<(), DbError> {
    let sum = file::checkpoint_sum(tenant, signed).done();
    conn.prepare_cached(
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

pub(crate) fn write_meta(conn: &Connection, tenant: TenantId, meta: &Meta) -> Result<(), DbError> {
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

pub(crate) fn write_records(
    conn: &Connection,
    tenant: TenantId,
    records: &[Record],
) -> Result<(), DbError> {
    let mut put = conn.prepare_cached(
        "INSERT INTO records(kind, id, version, seq, open, bytes, sum)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT(kind, id) DO UPDATE SET version = excluded.version, seq = excluded.seq,
         open = excluded.open, bytes = excluded.bytes, sum = excluded.sum",
    )?;
    let mut delete = conn.prepare_cached("DELETE FROM records WHERE kind = ?1 AND id = ?2")?;
    for record in records {
        let Record {
            kind,
            id,
            version,
            seq,
            open,
            bytes,
        } = record;
        if let Some(bytes) = bytes {
            let sum = file::record_sum(tenant, record, bytes).done();
            put.execute(params![kind, id, version, *seq as i64, open, bytes, sum])?;
        } else {
            delete.execute(params![kind, id])?;
        }
    }
    Ok(())
}

pub(crate) fn write_body(
    conn: &Connection,
    tenant: TenantId,
    body: &Body<'_>,
) -> Result<(), DbError> {
    let name = body.name();
    let sum = file::body_sum(tenant, &name, body.sealed).done();
    // Over one that was taken away it is written again.
    conn.prepare_cached(
        "INSERT INTO bodies(digest, len, sealed, sum) VALUES(?1, ?2, ?3, ?4)
         ON CONFLICT(digest) DO UPDATE SET sealed = excluded.sealed, sum = excluded.sum
         WHERE length(bodies.sealed) = 0",
    )?
    .execute(params![name.digest.0, name.len as i64, body.sealed, sum])?;
    Ok(())
}

/// Takes a content away, small or large. Its name stays with nothing behind it, so that whoever
/// reads it hears that it was erased, and not that it was lost.
fn erase_body(conn: &Connection, tenant: TenantId, name: &BodyRef) -> Result<(), DbError> {
    if super::planted::erased_is_read() {
        return Ok(());
    }
    let sum = file::body_sum(tenant, name, &[]).done();
    conn.prepare_cached(
        "INSERT INTO bodies(digest, len, sealed, sum) VALUES(?1, ?2, x'', ?3)
         ON CONFLICT(digest) DO UPDATE SET sealed = excluded.sealed, sum = excluded.sum",
    )?
    .execute(params![name.digest.0, name.len as i64, sum])?;
    conn.prepare_cached("DELETE FROM packed WHERE digest = ?1")?
        .execute([name.digest.0])?;
    Ok(())
}

pub(crate) fn write_packed(
    conn: &Connection,
    tenant: TenantId,
    packed: &[(BodyRef, Place)],
) -> Result<(), DbError> {
    let mut insert = conn.prepare_cached(
        "INSERT OR IGNORE INTO packed(digest, len, pack, start, bytes, sum)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut again =
        conn.prepare_cached("DELETE FROM bodies WHERE digest = ?1 AND length(sealed) = 0")?;
    for (name, place) in packed {
        again.execute([name.digest.0])?;
        let sum = file::packed_sum(tenant, name, *place).done();
        let (pack, start, bytes) = (place.pack as i64, place.start as i64, place.bytes as i64);
        insert.execute(params![
            name.digest.0,
            name.len as i64,
            pack,
            start,
            bytes,
            sum
        ])?;
    }
    Ok(())
}
