//! What a failure of the store is called towards those who asked.

use naos_store::{CommitError, ReadError, error_chain};
use naos_types::{Code, Refusal};

/// Something could not be read.
#[must_use]
pub fn reading(error: &ReadError) -> Refusal {
    let code = match error {
        ReadError::Newer { .. } => Code::NEWER_FORMAT,
        ReadError::Full { .. } => Code::DISK_FULL,
        ReadError::Io { .. } => Code::DISK_FAILED,
        ReadError::BodyErased(_) => Code::ERASED,
        ReadError::Damaged { .. } | ReadError::Erased(_) => Code::DAMAGED,
    };
    Refusal::new(code, error_chain(error))
}

/// Something could not be written; nothing of it was.
#[must_use]
pub fn writing(error: &CommitError) -> Refusal {
    let code = match error {
        CommitError::Full => Code::DISK_FULL,
        CommitError::ReadOnly(_) => Code::READ_ONLY,
        CommitError::Damaged(_) => Code::DAMAGED,
        CommitError::SyncFailed(_) | CommitError::Io(_) => Code::DISK_FAILED,
    };
    Refusal::new(code, error_chain(error))
}

/// Whether the same may succeed when it is tried again, with nothing but time gone by.
pub(crate) fn passes(refusal: &Refusal) -> bool {
    [Code::DISK_FULL, Code::DISK_FAILED, Code::READ_ONLY].contains(&refusal.code)
}
