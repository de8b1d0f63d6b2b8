//! Opening one database: format, pragmas, and what SQLite's errors mean here.
#![expect(unsafe_code, reason = "reserving bytes in a page has no safe call")]

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use sha2::{Digest, Sha256};

use super::vfs;
use crate::traits::{CommitError, ReadError};

/// `naos` in the file's header.
const APPLICATION_ID: i32 = 0x6e61_6f73;
/// The oldest SQLite without the write-ahead log's reset race.
pub(crate) const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// How long a connection waits for another one's lock on the same file.
const BUSY_MS: i32 = 10_000;

/// One kind of file: its name in errors, its format, its tables.
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) format: u32,
    pub(crate) schema: &'static str,
}

/// How a file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each commit is synced.
    Full,
    /// Synced at checkpoints; the log holds what a power cut takes.
    Normal,
    /// The same, for what can be made again: its making isn't waited for.
    Derived,
    /// Only reads.
    Reader,
    /// Each commit is synced, what is deleted is overwritten, no write-ahead log keeps it.
    Secret,
}

/// Why a database could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DbError {
    #[error("it has format {found}, this naos reads up to {ours}")]
    Newer { found: u32, ours: u32 },
    #[error("it is no {wanted} of naos")]
    Foreign { wanted: &'static str },
    #[error("its making was cut short")]
    Unfinished,
    #[error("{0} is missing or empty, and what is stored here is sealed with its keys")]
    Gone(String),
    /// By the checksum that SQLite keeps of each page.
    #[error("a page doesn't match its checksum")]
    Checksum,
    #[error("SQLite reported an error")]
    Sqlite(#[source] rusqlite::Error),
    #[error("a row doesn't match its checksum")]
    Row { table: &'static str, key: String },
    /// Beside its journal, which is proved for itself.
    #[error("a page of its records or lists is not what was written; its journal is")]
    Page(String),
    #[error("its key was destroyed")]
    Erased(naos_types::SubjectId),
    #[error("the file system reported an error")]
    Io(#[from] std::io::Error),
}

impl From<rusqlite::Error> for DbError {
    fn from(cause: rusqlite::Error) -> Self {
        match cause.sqlite_error() {
            Some(said) if said.extended_code == ffi::SQLITE_IOERR_DATA => Self::Checksum,
            _ => Self::Sqlite(cause),
        }
    }
}

/// What a failure means for whoever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Full,
    /// Not ours to write.
    ReadOnly,
    Damaged,
    /// The file system no longer knows what is on the disk.
    SyncFailed,
    Other,
}

impl DbError {
    pub(crate) fn meaning(&self) -> Meaning {
        match self {
            Self::Foreign { .. }
            | Self::Unfinished
            | Self::Gone(_)
            | Self::Row { .. }
            | Self::Checksum
            | Self::Page(_) => Meaning::Damaged,
            Self::Newer { .. } | Self::Erased(_) => Meaning::Other,
            Self::Io(cause) => io_meaning(cause),
            Self::Sqlite(cause) => sqlite_meaning(cause),
        }
    }

    /// Names the file; the rest says what and why.
    pub(crate) fn reading(self, what: &str) -> ReadError {
        match self {
            Self::Newer { found, ours } => ReadError::Newer {
                what: what.to_owned(),
                found,
                ours,
            },
            Self::Row { table, key } => ReadError::Damaged {
                what: format!("{what}, table {table}, row {key}"),
            },
            Self::Page(ref said) => ReadError::Damaged {
                what: format!("{what} ({self}: {said})"),
            },
            Self::Erased(subject) => ReadError::Erased(subject),
            other if other.meaning() == Meaning::Damaged => ReadError::Damaged {
                what: format!("{what} ({})", chain(&other)),
            },
            other if other.meaning() == Meaning::Full => ReadError::Full {
                what: what.to_owned(),
            },
            other => ReadError::Io {
                what: what.to_owned(),
                cause: Box::new(other),
            },
        }
    }

    /// For a write of which nothing was done.
    pub(crate) fn writing(self) -> CommitError {
        match self.meaning() {
            Meaning::Full => CommitError::Full,
            Meaning::SyncFailed => CommitError::SyncFailed(Box::new(self)),
            Meaning::ReadOnly => CommitError::ReadOnly(Box::new(self)),
            Meaning::Damaged => CommitError::Damaged(Box::new(self)),
            Meaning::Other => CommitError::Io(Box::new(self)),
        }
    }
}

/// What the file system's word means here.
pub(crate) fn io_meaning(cause: &std::io::Error) -> Meaning {
    use std::io::ErrorKind;
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Meaning::Full
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Meaning::ReadOnly,
        _ => Meaning::Other,
    }
}

fn sqlite_meaning(cause: &rusqlite::Error) -> Meaning {
    let rusqlite::Error::SqliteFailure(failure, _) = cause else {
        // A column of another type than the schema's: nothing of ours wrote that.
        return match cause {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::InvalidColumnType(..) => Meaning::Damaged,
            _ => Meaning::Other,
        };
    };
    match (failure.code, failure.extended_code) {
        (ErrorCode::DiskFull, _) => Meaning::Full,
        (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Meaning::ReadOnly,
        (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => Meaning::SyncFailed,
        (_, ffi::SQLITE_IOERR_CORRUPTFS) => Meaning::Damaged,
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Meaning::Damaged,
        _ => Meaning::Other,
    }
}

/// An error and its causes in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Opens a file, and makes it first if it isn't there and the mode writes.
pub(crate) fn open(path: &Path, layout: &Layout, mode: Mode) -> Result<Connection, DbError> {
    vfs::register();
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if mode != Mode::Reader {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let conn = Connection::open_with_flags_and_vfs(path, flags, vfs::VFS_NAME)?;
    if mode == Mode::Reader {
        spare(&conn);
    }
    harden(&conn)?;
    let format: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format > layout.format {
        return Err(DbError::Newer {
            found: format,
            ours: layout.format,
        });
    }
    if format == 0 {
        // Every file of ours says its format from its first transaction on.
        let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
        if pages > 0 && has_tables(&conn)? {
            return Err(DbError::Foreign {
                wanted: layout.name,
            });
        }
        if mode == Mode::Reader {
            return Err(DbError::Unfinished);
        }
        create(&conn, layout, mode)?;
    }
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != APPLICATION_ID {
        return Err(DbError::Foreign {
            wanted: layout.name,
        });
    }
    match mode {
        Mode::Full | Mode::Secret => conn.pragma_update(None, "synchronous", "FULL")?,
        Mode::Normal | Mode::Derived => conn.pragma_update(None, "synchronous", "NORMAL")?,
        Mode::Reader => conn.pragma_update(None, "query_only", true)?,
    }
    if mode == Mode::Secret {
        conn.pragma_update(None, "secure_delete", true)?;
    }
    // Checkpoints are asked for where their errors are seen.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(conn)
}

/// A connection for reading takes little at rest: there is one for each tenant that was looked at,
/// and SQLite sets 120 KB aside for each unless told otherwise ("lookaside", which makes preparing
/// a statement faster; these prepare theirs once). One that can't be told is larger and no worse.
fn spare(conn: &Connection) {
    const SLOT_BYTES: std::ffi::c_int = 512;
    const SLOTS: std::ffi::c_int = 32;
    let none = std::ptr::null_mut::<std::ffi::c_void>();
    // SAFETY: the connection is open and was not used yet, as this call wants it; without a buffer
    // SQLite takes its own, of this size.
    unsafe {
        let what = ffi::SQLITE_DBCONFIG_LOOKASIDE;
        ffi::sqlite3_db_config(conn.handle(), what, none, SLOT_BYTES, SLOTS);
    }
}

fn harden(conn: &Connection) -> Result<(), DbError> {
    conn.busy_timeout(std::time::Duration::from_millis(BUSY_MS as u64))?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn has_tables(conn: &Connection) -> Result<bool, DbError> {
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    Ok(tables > 0)
}

fn create(conn: &Connection, layout: &Layout, mode: Mode) -> Result<(), DbError> {
    conn.pragma_update(None, "page_size", vfs::PAGE_BYTES as i64)?;
    let mut reserve = vfs::STAMP_BYTES as std::ffi::c_int;
    // SAFETY: the connection is open, and the argument is the integer that this call takes.
    let rc = unsafe {
        let argument = (&raw mut reserve).cast();
        let op = ffi::SQLITE_FCNTL_RESERVE_BYTES;
        ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), op, argument)
    };
    if rc != ffi::SQLITE_OK {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(rc), None).into());
    }
    let journal = if mode == Mode::Secret {
        "DELETE"
    } else {
        "WAL"
    };
    conn.pragma_update(None, "journal_mode", journal)?;
    let synced = if mode == Mode::Derived { "OFF" } else { "FULL" };
    conn.pragma_update(None, "synchronous", synced)?;
    let Layout { format, schema, .. } = layout;
    conn.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {format};
         {schema}
         COMMIT;"
    ))?;
    Ok(())
}

/// Brings the write-ahead log into the main file and syncs it. False if a reader held some back.
pub(crate) fn checkpoint(conn: &Connection, how: &str) -> Result<bool, DbError> {
    let sql = format!("PRAGMA wal_checkpoint({how})");
    let (busy, frames, done): (i64, i64, i64) =
        conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(busy == 0 && frames == done)
}

/// Writes zeros over a part of a file.
pub(crate) fn overwrite(file: &std::fs::File, start: u64, bytes: u64) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    const ZEROS: &[u8] = &[0; 64 * 1_024];
    let mut done = 0;
    while done < bytes {
        let len = (bytes - done).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..len as usize], start + done)?;
        done += len;
    }
    Ok(())
}

/// Makes new names in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// What [`Row`] checksums hold.
pub(crate) const SUM_BYTES: usize = 8;

/// The checksum of one row: the first bytes of SHA-256 over the table, the owner and each column,
/// lengths first.
pub(crate) struct Sum(Sha256);

impl Sum {
    pub(crate) fn of(table: &str, owner: &[u8; 16]) -> Self {
        let mut hash = Sha256::new();
        hash.update(owner);
        Self(hash).bytes(table.as_bytes())
    }

    #[must_use]
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    #[must_use]
    pub(crate) fn int(mut self, value: i64) -> Self {
        self.0.update(value.to_le_bytes());
        self
    }

    pub(crate) fn done(self) -> [u8; SUM_BYTES] {
        let mut sum = [0; SUM_BYTES];
        sum.copy_from_slice(&self.0.finalize()[..SUM_BYTES]);
        sum
    }

    /// The row is what was written, or its error.
    pub(crate) fn check(
        self,
        stored: &[u8],
        table: &'static str,
        key: impl FnOnce() -> String,
    ) -> Result<(), DbError> {
        if super::planted::skip_checksum() || self.done() == stored {
            Ok(())
        } else {
            Err(DbError::Row { table, key: key() })
        }
    }
}

/// The first column that is a seq, a size or a place: never negative, never above 2^63.
pub(crate) fn unsigned(value: i64, table: &'static str) -> Result<u64, DbError> {
    u64::try_from(value).map_err(|_| DbError::Row {
        table,
        key: value.to_string(),
    })
}

/// A column of exactly so many bytes.
pub(crate) fn fixed<const N: usize>(bytes: &[u8], table: &'static str) -> Result<[u8; N], DbError> {
    bytes.try_into().map_err(|_| DbError::Row {
        table,
        key: format!("of {} bytes", bytes.len()),
    })
}
