//! Proving a journal: every leaf hashed again, the tree built again, and compared with what was
//! stored and signed. One thread reads, another hashes.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use naos_ledger::{Checkpoint, Frontier, Hash, Signer, hash_entry};
use naos_types::fact::Fact;
use naos_types::{Seq, TenantId};
use rusqlite::Connection;

use super::contents::Said;
use super::db::{self, DbError, Mode};
use super::signed_tree::origin;
use super::tenant_file::{self as file, Meta, StoredCheckpoint, TENANT};

/// How many rows go from one thread to the other at once.
const CHUNK_ROWS: usize = 1_024;
/// How many such pieces may wait.
const CHUNKS_COUNT_MAX: usize = 8;

/// What a journal turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries are sound, from the first on.
    pub entries: u64,
    /// The Merkle tree hash over them.
    pub root: Hash,
    /// How many signed checkpoints agree with them.
    pub checkpoints: u64,
    /// The first entry (or the size of the first checkpoint) that isn't what was written.
    pub first_bad: Option<Seq>,
    /// What is wrong there.
    pub fault: Option<String>,
}

/// Rows as read, in one piece of memory.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    rows: Vec<RawRow>,
}

struct RawRow {
    seq: i64,
    at: i64,
    version: u8,
    kind_len: usize,
    bytes_len: usize,
    hash: [u8; 32],
}

/// What the hashing thread comes to.
struct Rebuilt {
    frontier: Frontier,
    checkpoints: u64,
    bad: Option<(Seq, String)>,
}

/// Proves the journal in a file; `names` hears of each content that a sound entry names or takes
/// away.
pub(crate) fn verify(
    path: &Path,
    tenant: TenantId,
    signer: &Signer,
    names: Option<SyncSender<Said>>,
) -> Result<Verified, DbError> {
    let conn = db::open(path, &TENANT, Mode::Reader)?;
    // One state of the file, whatever is filled in meanwhile.
    conn.execute_batch("BEGIN")?;
    let meta = file::meta(&conn, tenant)?.unwrap_or_default();
    let signed = file::checkpoints(&conn, tenant, Some(0))?;
    let (rebuilt, read) = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(CHUNKS_COUNT_MAX);
        let signed = &signed;
        let hashing = scope.spawn(move || rebuild(&receiver, tenant, signed, signer, names));
        let read = read_rows(&conn, &sender);
        drop(sender);
        (hashing.join(), read)
    });
    let rebuilt = rebuilt.expect("hashing has no way to panic");
    Ok(conclude(rebuilt, read, &meta, &signed))
}

/// Reads every page of a file beside its journal, which is proved by itself: what stands there has
/// only the checksums of its pages.
pub(crate) fn pages(path: &Path) -> Result<(), DbError> {
    let conn = db::open(path, &TENANT, Mode::Reader)?;
    match first_fault(&conn) {
        Ok(None) => Ok(()),
        Ok(Some(said)) => Err(DbError::Page(said)),
        Err(cause) => {
            let cause = DbError::from(cause);
            if cause.meaning() == db::Meaning::Damaged {
                return Err(DbError::Page(db::chain(&cause)));
            }
            Err(cause)
        }
    }
}

/// Reads every page of a file, its journal's too.
pub(crate) fn sound(path: &Path) -> Result<(), DbError> {
    pages(path)?;
    let conn = db::open(path, &TENANT, Mode::Reader)?;
    let said: String = conn.query_row("PRAGMA quick_check(journal)", [], |row| row.get(0))?;
    if said == "ok" {
        Ok(())
    } else {
        Err(DbError::Page(said))
    }
}

fn first_fault(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let mut select =
        conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'journal'")?;
    let tables: Vec<String> = select
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in tables {
        let ask = format!("PRAGMA quick_check(\"{table}\")");
        let said: String = conn.query_row(&ask, [], |row| row.get(0))?;
        if said != "ok" {
            return Ok(Some(said));
        }
    }
    Ok(None)
}

fn read_rows(conn: &Connection, sender: &SyncSender<Chunk>) -> Result<(), DbError> {
    let mut select =
        conn.prepare("SELECT seq, at, kind, version, bytes, hash FROM journal ORDER BY seq")?;
    let mut rows = select.query([])?;
    let mut chunk = Chunk::default();
    while let Some(row) = rows.next()? {
        let kind = row.get_ref(2)?.as_bytes().map_err(rusqlite::Error::from)?;
        let bytes = row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?;
        let hash = row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?;
        chunk.bytes.extend_from_slice(kind);
        chunk.bytes.extend_from_slice(bytes);
        chunk.rows.push(RawRow {
            seq: row.get(0)?,
            at: row.get(1)?,
            version: row.get(3)?,
            kind_len: kind.len(),
            bytes_len: bytes.len(),
            hash: db::fixed(hash, "journal")?,
        });
        if chunk.rows.len() == CHUNK_ROWS {
            let full = std::mem::take(&mut chunk);
            if sender.send(full).is_err() {
                return Ok(()); // the other side has seen enough
            }
        }
    }
    let _seen_enough = sender.send(chunk);
    Ok(())
}

fn rebuild(
    chunks: &Receiver<Chunk>,
    tenant: TenantId,
    signed: &[StoredCheckpoint],
    signer: &Signer,
    names: Option<SyncSender<Said>>,
) -> Rebuilt {
    let owner = file::owner(tenant);
    let mut frontier = Frontier::new();
    let mut next_signed = signed.iter().peekable();
    let mut checkpoints = 0;
    while let Ok(chunk) = chunks.recv() {
        let mut rest = &chunk.bytes[..];
        for row in &chunk.rows {
            let (kind, after) = rest.split_at(row.kind_len);
            let (bytes, after) = after.split_at(row.bytes_len);
            rest = after;
            let seq = frontier.size() + 1;
            let kind = std::str::from_utf8(kind).ok();
            let leaf = kind.map(|kind| hash_entry(&owner, seq, row.at, kind, row.version, bytes));
            if row.seq != seq as i64 || leaf.is_none_or(|leaf| *leaf.as_bytes() != row.hash) {
                let bad = Some((seq, "the entry is not what was written".to_owned()));
                return Rebuilt {
                    frontier,
                    checkpoints,
                    bad,
                };
            }
            frontier.append(Hash::from_bytes(row.hash));
            if let (Some(names), Some(kind)) = (&names, kind) {
                name_bodies(seq, kind, row.version, bytes, names);
            }
            while let Some(checkpoint) = next_signed.next_if(|next| next.size <= seq) {
                if let Err(fault) = agrees(checkpoint, tenant, &frontier, signer) {
                    let bad = Some((checkpoint.size, fault));
                    return Rebuilt {
                        frontier,
                        checkpoints,
                        bad,
                    };
                }
                checkpoints += 1;
            }
        }
    }
    Rebuilt {
        frontier,
        checkpoints,
        bad: None,
    }
}

fn name_bodies(seq: Seq, kind: &str, version: u8, bytes: &[u8], names: &SyncSender<Said>) {
    if !Fact::names_bodies(kind) {
        return;
    }
    // What this naos doesn't know stops its cell; it names nothing that is known.
    let Ok(fact) = Fact::decode(kind, version, bytes) else {
        return;
    };
    for name in fact.bodies() {
        // Whoever reads contents has perhaps seen enough.
        let _ = names.send(Said::Names(seq, name));
    }
    if !fact.erased().is_empty() {
        let _ = names.send(Said::Erases(fact.erased().to_vec()));
    }
}

pub(crate) fn agrees(
    stored: &StoredCheckpoint,
    tenant: TenantId,
    frontier: &Frontier,
    signer: &Signer,
) -> Result<(), String> {
    let key = signer.verifying_key();
    let checkpoint = Checkpoint::parse_and_verify(&stored.note, &key, signer.name())
        .map_err(|cause| format!("a checkpoint is not ours: {cause}"))?;
    if checkpoint.origin != origin(tenant) || checkpoint.head() != frontier.head() {
        return Err("the journal is not what a checkpoint was signed for".to_owned());
    }
    Ok(())
}

fn conclude(
    rebuilt: Rebuilt,
    read: Result<(), DbError>,
    meta: &Meta,
    signed: &[StoredCheckpoint],
) -> Verified {
    let Rebuilt {
        frontier,
        checkpoints,
        mut bad,
    } = rebuilt;
    let entries = frontier.size();
    let frontier_differs = entries > 0 && frontier.encode() != meta.frontier;
    if bad.is_some() {
        // The first finding is the one to look at.
    } else if let Err(cause) = read {
        bad = Some((entries + 1, db::chain(&cause)));
    } else if entries != meta.seq {
        let fault = format!(
            "the journal has {entries} entries, {} were written",
            meta.seq
        );
        bad = Some((entries + 1, fault));
    } else if frontier_differs {
        bad = Some((entries, "the stored tree is not the journal's".to_owned()));
    } else if checkpoints != signed.len() as u64 {
        let fault = "a checkpoint covers more than there is".to_owned();
        bad = Some((entries + 1, fault));
    }
    let (first_bad, fault) = bad.unzip();
    Verified {
        entries,
        root: frontier.root(),
        checkpoints,
        first_bad,
        fault,
    }
}
