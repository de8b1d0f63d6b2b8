//! A backup: one sealed file with everything but keys, and the keys in a file of their own.
//!
//! ```text
//! office.naos       journals, records, answers, bodies, plain files; sealed as a whole
//! office.naos.keys  node.key, sign.key, the key ring; nobody else's to read
//! ```
//! The file is of no use without the keys. Whoever keeps one file of keys and replaces it at each
//! backup can restore every older backup with it, and what was erased since stays erased: a key
//! that the ring has destroyed by then opens nothing.
//!
//! Rows are copied, not pages: what was deleted isn't carried along, each row is checked on its
//! way out, and the restored directory is laid out anew. Views have no place in it.

mod sealed;

mod item;

mod keys_file;

mod take;

mod check;

mod restore;

#[cfg(test)]
mod tests;

use std::io::{Read, Write};
use std::path::Path;

use naos_ledger::Hash;
use naos_types::{Code, Seq, SubjectId, TenantId, Time};

pub use self::keys_file::BackupKeys;
use super::SqliteStore;
use super::db::{self, DbError, Meaning};
use crate::traits::{ReadError, Store};

/// The newest format of a backup that is written, and the newest one that is read.
pub const BACKUP_FORMAT: u32 = 1;

/// A file, or a folder of files, of the data directory that isn't the store's own and belongs in
/// a backup.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// Its path in the data directory.
    pub path: &'static str,
    /// Whether it is copied before journals are: then whatever it holds is in them already.
    /// Otherwise after them: then whatever they name is there already.
    pub before: bool,
}

/// What a backup holds of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantContents {
    /// Whose.
    pub tenant: TenantId,
    /// Where its journal stands.
    pub seq: Seq,
    /// The time of its last fact.
    pub at: Time,
    /// The Merkle tree hash over its journal.
    pub root: Hash,
    /// How many signed checkpoints agree with it.
    pub checkpoints: u64,
    /// How many aggregates.
    pub records: u64,
    /// How many answers to whoever repeats a command.
    pub answers: u64,
    /// How many bodies.
    pub bodies: u64,
}

/// What a backup holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The naos that made it.
    pub naos: String,
    /// When it was begun.
    pub at: Time,
    /// Each tenant, by id.
    pub tenants: Vec<TenantContents>,
    /// Facts of all journals.
    pub facts: u64,
    /// Bodies of all tenants.
    pub bodies: u64,
    /// Bytes of all that, before it is sealed.
    pub bytes: u64,
    /// Files beside the store.
    pub files: u64,
    /// Keys that were known when it was made.
    pub keys: u64,
    /// Of these, the ones that are destroyed by now.
    pub erased: u64,
}

/// Why there is no backup, or why it can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something of the store can't be read.
    #[error("could not read what is to be backed up")]
    Source(#[source] ReadError),
    /// A tenant's file lacks what is durable in the log.
    #[error("the file of {tenant} is behind its journal: make room on the disk and try again")]
    Behind {
        /// Whose.
        tenant: TenantId,
    },
    /// The bytes aren't what was written.
    #[error("the backup is damaged: {what}")]
    Damaged {
        /// What is wrong, and where.
        what: String,
    },
    /// Another kind of file.
    #[error("this is no {what}")]
    Foreign {
        /// What it should be.
        what: &'static str,
    },
    /// A newer naos wrote it.
    #[error("it has format {found}, this naos reads up to {ours}")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest that is understood here.
        ours: u32,
    },
    /// The keys are another node's.
    #[error("the keys belong to another node than the backup")]
    OtherKeys,
    /// The keys are older than the backup.
    #[error(
        "the keys are older than the backup: they lack that of subject {subject:?} of {tenant}"
    )]
    OldKeys {
        /// Whose.
        tenant: TenantId,
        /// For whom.
        subject: SubjectId,
    },
    /// The restored rows aren't what the backup says.
    #[error("what was restored of {tenant} is not what was backed up: {fault}")]
    NotTheSame {
        /// Whose.
        tenant: TenantId,
        /// What is wrong.
        fault: String,
    },
    /// Anything else.
    #[error("could not use {what}")]
    Io {
        /// What.
        what: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl BackupError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    pub(crate) fn io(what: impl Into<String>, cause: std::io::Error) -> Self {
        Self::Io {
            what: what.into(),
            cause: Box::new(cause),
        }
    }

    /// A file of the directory that is being restored.
    pub(crate) fn making(path: &Path, cause: DbError) -> Self {
        let what = path.display().to_string();
        Self::Io {
            what,
            cause: cause.into(),
        }
    }

    /// What it is called, and what `naos explain` says about it.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Source(ReadError::Full { .. }) => Code::DISK_FULL,
            Self::Io { cause, .. } if is_full(cause.as_ref()) => Code::DISK_FULL,
            Self::Source(ReadError::Io { .. }) | Self::Io { .. } => Code::READ_ONLY,
            Self::Source(_) | Self::Damaged { .. } | Self::NotTheSame { .. } => Code::DAMAGED,
            Self::Behind { .. } => Code::DISK_FULL,
            Self::Foreign { .. } => Code::NOT_A_BACKUP,
            Self::Newer { .. } => Code::NEWER_FORMAT,
            Self::OtherKeys | Self::OldKeys { .. } => Code::OTHER_KEYS,
        }
    }

    /// The error and its causes in one line.
    #[must_use]
    pub fn told(&self) -> String {
        db::chain(self)
    }
}

/// Whether a disk had no room for it.
fn is_full(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let meaning = match cause.downcast_ref::<DbError>() {
        Some(cause) => Some(cause.meaning()),
        None => cause.downcast_ref().map(db::io_meaning),
    };
    meaning == Some(Meaning::Full)
}

impl SqliteStore {
    /// Writes a backup of everything that is acknowledged by now, and perhaps of more. Commits go
    /// on meanwhile; one tenant's file is open at a time. `now` is when it was begun.
    ///
    /// # Errors
    /// [`BackupError`]: then what was written is no backup, and every reader says so.
    pub fn back_up(
        &self,
        to: &mut dyn Write,
        now: Time,
        naos: &str,
        beside: &[Beside],
    ) -> Result<Contents, BackupError> {
        let tenants = self.tenants().map_err(BackupError::Source)?;
        take::take(&self.node, &tenants, to, &take::About { now, naos, beside })
    }
}

/// Proves a backup without restoring it: every byte is opened, every journal hashed again and
/// compared with what was signed, every body compared with its name.
///
/// # Errors
/// [`BackupError`] says what is wrong with it.
pub fn prove_backup(from: &mut dyn Read, keys: &BackupKeys) -> Result<Contents, BackupError> {
    check::read(from, keys, |_| Ok(()))
}

/// Lays a data directory out from a backup, in `dir`, which is empty. It is proved twice: each
/// item on its way in, and each journal as it stands in its file afterwards.
///
/// # Errors
/// [`BackupError`]: then what stands in `dir` is of no use.
pub fn restore_backup(
    from: &mut dyn Read,
    keys: &BackupKeys,
    dir: &Path,
    beside: &[Beside],
) -> Result<Contents, BackupError> {
    restore::restore(from, keys, dir, beside)
}
