//! The node log: the point where a commit happens. One sync makes all tenants' appends durable.
//!
//! Rows go into numbered segments. A segment that is full gives way to the next one, which was
//! made ready beforehand, and is deleted once every tenant's file holds its rows on disk. So the
//! write-ahead log of a segment is written once, from front to end, into blocks that exist
//! already: a sync then has nothing to tell the file system but the bytes.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use naos_types::TenantId;
use rusqlite::{Connection, params};

use super::db::{self, DbError, Layout, Mode};
use super::row::{Pending, RowHead};
use crate::crypto::Key;

pub(crate) static SEGMENT: Layout = Layout {
    name: "log segment",
    format: 1,
    schema: "CREATE TABLE log(
        pos INTEGER PRIMARY KEY,
        tenant BLOB NOT NULL,
        first_seq INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        batch BLOB NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;",
};

/// A segment ends when its write-ahead log has so many pages (32 MiB; tests want to see the end).
pub(crate) const SEGMENT_PAGES_MAX: i32 = if cfg!(test) { 32 } else { 8_192 };
/// What is written ahead of the log's end: blocks that exist make a sync cheap.
const AHEAD_BYTES: u64 = if cfg!(test) {
    128 * 1_024
} else {
    8 * 1_024 * 1_024
};
/// The head of a write-ahead log.
const WAL_HEAD_BYTES: u64 = 32;
/// A page of the write-ahead log with its header.
const FRAME_BYTES: u64 = 4_096 + 24;

/// One file of the log, open for appending.
pub(crate) struct Segment {
    pub(crate) number: u64,
    path: PathBuf,
    conn: Connection,
    /// Pages in the write-ahead log, told by SQLite at each commit.
    pages: Arc<AtomicI32>,
    wal: Option<fs::File>,
    /// How far the write-ahead log's blocks exist.
    ahead: u64,
    pub(crate) rows: u64,
    /// The last row of each tenant in here.
    pub(crate) touched: HashMap<TenantId, u64>,
}

/// A segment that only waits to be deleted.
pub(crate) struct Retired {
    pub(crate) touched: HashMap<TenantId, u64>,
    /// Whether it is overwritten before it is deleted.
    pub(crate) shreds: bool,
    path: PathBuf,
    /// Kept open: closing would copy everything into the main file for nothing.
    _conn: Connection,
}

fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:06}.db"))
}

/// The segments of a directory by number, oldest first.
pub(crate) fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number: Option<u64> = name
            .to_str()
            .and_then(|name| name.strip_suffix(".db")?.parse().ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}

fn remove(path: &Path) -> io::Result<()> {
    // The main file first: rows without it are never looked at, it without rows would be a gap.
    fs::remove_file(path)?;
    if let Some(dir) = path.parent() {
        db::sync_dir(dir)?;
    }
    for suffix in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    Ok(())
}

impl Segment {
    /// Opens or makes a segment.
    pub(crate) fn open(dir: &Path, number: u64) -> Result<Self, DbError> {
        let path = segment_path(dir, number);
        let new = !path.exists();
        let mut conn = db::open(&path, &SEGMENT, Mode::Full)?;
        if new {
            // The tables go into the main file: should the write-ahead log break at its very
            // front, this still is a segment, and what it lacks is missed.
            db::checkpoint(&conn, "TRUNCATE")?;
        }
        db::sync_dir(dir)?;
        let pages = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
            told.store(count, Ordering::Relaxed);
            Ok(())
        }))?;
        let (rows, touched) = (0, HashMap::new());
        Ok(Self {
            number,
            path,
            conn,
            pages,
            wal: None,
            ahead: 0,
            rows,
            touched,
        })
    }

    /// Whether the write-ahead log goes on behind the place where SQLite stopped believing it.
    ///
    /// A crash leaves at most one commit behind that place, the one that was never acknowledged:
    /// the next began only when it was on the disk. So a second one says that rows are lost.
    pub(crate) fn end_is_damaged(&self) -> Result<bool, DbError> {
        let mut name = self.path.as_os_str().to_owned();
        name.push("-wal");
        let file = match fs::File::open(name) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(cause) => return Err(cause.into()),
        };
        let sql = "PRAGMA wal_checkpoint(NOOP)";
        let believed: i64 = self.conn.query_row(sql, [], |row| row.get(1))?;
        Ok(commits_after(&file, believed.max(0) as u64)? > 1)
    }

    /// All rows in order, sealed; a start's row is empty.
    pub(crate) fn rows(
        &mut self,
        mut each: impl FnMut(RowHead, Vec<u8>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        let mut select = self.conn.prepare(
            "SELECT pos, tenant, first_seq, last_seq, epoch, batch, bytes FROM log ORDER BY pos",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let int = |column: usize| db::unsigned(row.get(column)?, "log");
            let bits = |column: usize| -> Result<u128, DbError> {
                let bytes = row
                    .get_ref(column)?
                    .as_blob()
                    .map_err(rusqlite::Error::from)?;
                Ok(u128::from_be_bytes(db::fixed(bytes, "log")?))
            };
            let head = RowHead {
                pos: int(0)?,
                tenant: TenantId(bits(1)?),
                first: int(2)?,
                last: int(3)?,
                epoch: int(4)?,
                batch: bits(5)?,
            };
            let sealed: Vec<u8> = row.get(6)?;
            self.rows += 1;
            if !sealed.is_empty() {
                self.touched.insert(head.tenant, head.pos);
            }
            each(head, sealed)?;
        }
        Ok(())
    }

    /// Makes the blocks exist that the next commits write to. A courtesy: its errors are not
    /// errors of a commit, which asks for space itself.
    pub(crate) fn write_ahead(&mut self) {
        let written = u64::try_from(self.pages.load(Ordering::Relaxed)).unwrap_or(0) * FRAME_BYTES;
        if written + AHEAD_BYTES / 4 < self.ahead {
            return;
        }
        if let Err(cause) = self.extend(written) {
            tracing::debug!(%cause, "could not lay out the log's blocks ahead");
            self.ahead = u64::MAX; // as it is, then
        }
    }

    fn extend(&mut self, written: u64) -> io::Result<()> {
        let file = match &mut self.wal {
            Some(file) => file,
            none => {
                let mut name = self.path.as_os_str().to_owned();
                name.push("-wal");
                none.insert(fs::OpenOptions::new().write(true).open(name)?)
            }
        };
        let end = file.seek(SeekFrom::End(0))?;
        let target = written + AHEAD_BYTES;
        // Zeros are no frame: a reader of the log stops there. Only what lies beyond the file's
        // end is written, and only while no commit runs.
        let zeros = vec![0_u8; 256 * 1_024];
        let mut at = end.max(written);
        while at < target {
            let len = zeros.len().min((target - at) as usize);
            file.write_all_at(&zeros[..len], at)?;
            at += len as u64;
        }
        file.flush()?;
        self.ahead = target;
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= SEGMENT_PAGES_MAX
    }

    /// Starts a transaction and inserts all rows.
    pub(crate) fn insert<'a>(
        &self,
        rows: impl Iterator<Item = (&'a Pending, &'a Key)>,
    ) -> Result<(), DbError> {
        if self.conn.is_autocommit() {
            self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        }
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO log(pos, tenant, first_seq, last_seq, epoch, batch, bytes)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for (row, key) in rows {
            let head = &row.head;
            let nonce = crate::crypto::random_nonce();
            let sealed = key.seal_joined(nonce, &head.aad(), &row.plain);
            insert.execute(params![
                head.pos as i64,
                head.tenant.0.to_be_bytes(),
                head.first as i64,
                head.last as i64,
                head.epoch as i64,
                head.batch.to_be_bytes(),
                sealed,
            ])?;
        }
        Ok(())
    }

    /// A row that is nobody's: a log with no row at all is one that was closed, or lost.
    pub(crate) fn insert_start(&mut self, pos: u64) -> Result<(), DbError> {
        self.conn.execute(
            "INSERT INTO log(pos, tenant, first_seq, last_seq, epoch, batch, bytes)
             VALUES(?1, zeroblob(16), 1, 0, 0, zeroblob(16), x'')",
            [pos as i64],
        )?;
        self.rows += 1;
        Ok(())
    }

    /// The commit point: returns when the rows are on the disk.
    pub(crate) fn commit(&self) -> Result<(), DbError> {
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    pub(crate) fn rollback(&self) -> Result<(), DbError> {
        if !self.conn.is_autocommit() {
            self.conn.prepare_cached("ROLLBACK")?.execute([])?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: Option<u32>) {
        let count = pages.unwrap_or(0xffff_fffe);
        let sql = format!("PRAGMA max_page_count = {count}");
        let set: u32 = self.conn.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(set, count, "the file is larger already");
    }

    /// Only its rows still matter, until every file has them.
    pub(crate) fn retire(self) -> Retired {
        Retired {
            touched: self.touched,
            shreds: false,
            path: self.path,
            _conn: self.conn,
        }
    }

    /// For a clean close of a segment without rows: nothing but the main file stays.
    pub(crate) fn close(self) -> Result<(), DbError> {
        db::checkpoint(&self.conn, "TRUNCATE")?;
        self.conn.close().map_err(|(_, cause)| cause)?;
        Ok(())
    }
}

impl Retired {
    pub(crate) fn delete(self) -> io::Result<()> {
        if !self.shreds {
            return remove(&self.path);
        }
        // The names go first: a crash in between must not leave a segment of zeros.
        let mut wal = self.path.as_os_str().to_owned();
        wal.push("-wal");
        let files = [self.path.as_os_str(), &wal].map(|path| open_to_write(path.as_ref()));
        remove(&self.path)?;
        for file in files {
            if let Some(file) = file? {
                db::overwrite(&file, 0, file.metadata()?.len())?;
                file.sync_data()?;
            }
        }
        Ok(())
    }
}

/// A file that is there.
fn open_to_write(path: &Path) -> io::Result<Option<fs::File>> {
    match fs::OpenOptions::new().write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// How many commits of this write-ahead log follow its first `frames` pages.
fn commits_after(file: &fs::File, frames: u64) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let mut head = [0; WAL_HEAD_BYTES as usize];
    if len < WAL_HEAD_BYTES {
        return Ok(0);
    }
    file.read_exact_at(&mut head, 0)?;
    let is_log = head[..3] == [0x37, 0x7f, 0x06];
    let mut salts: Option<[u8; 8]> = is_log.then(|| head[16..24].try_into().expect("8 bytes"));
    let (mut at, mut commits) = (WAL_HEAD_BYTES + frames * FRAME_BYTES, 0);
    let mut frame = [0; 24];
    while at + FRAME_BYTES <= len {
        file.read_exact_at(&mut frame, at)?;
        at += FRAME_BYTES;
        // Without the head the first page says which log this is.
        let own = *salts.get_or_insert_with(|| frame[8..16].try_into().expect("8 bytes"));
        let is_commit = frame[4..8] != [0; 4];
        commits += u64::from(is_commit && frame[8..16] == own);
    }
    Ok(commits)
}

/// What seals a tenant's rows in one segment: a fresh key per segment keeps the number of
/// random nonces under one key small.
pub(crate) fn row_key(own: &Key, segment: u64) -> Key {
    let mut purpose = *b"naos log v1 ........";
    purpose[12..].copy_from_slice(&segment.to_be_bytes());
    Key::new(own.derive(&purpose))
}
