//! Where facts, records, bodies and keys are kept: the node log, one file per tenant, the key
//! ring; and the same in memory.
//!
//! I make appends durable with one sync, show at once what is durable, seal and open texts, and
//! check every byte I read. I am the only home of SQL.
//! I never decide what a fact means, never read a clock, and never answer with a row whose
//! checksum doesn't match.
//!
//! Start at [`Store`] and [`TenantStore`] (the contract), then [`SqliteStore`] (what a node uses)
//! and [`MemStore`] (what the simulator uses).

mod traits;

mod crypto;

mod erased;

mod mem;

mod sqlite;

mod views;

mod register;

mod vital;

#[cfg(test)]
mod contract;

pub use mem::{CommitFault, MemStore};
pub use register::{REGISTER, StoredRecord};
pub use sqlite::{
    BackupError, BackupKeys, Beside, CloseError, Contents, DestroyError, OpenError, SqliteStore,
    SqliteTenant, StoredCheckpoint, TenantContents, Verified, error_chain, prove_backup,
    restore_backup,
};
pub use traits::{
    Append, BODY_INLINE_BYTES_MAX, BadAppend, CommitError, ENTRY_BYTES_MAX, Entry, Head, InboxRow,
    ReadError, Record, Stale, Store, TenantStore, ViewsLag,
};
pub use views::{ModelSpent, PlanFilter, RunFilter, Spent, Viewed, Views};
pub use vital::vital;
