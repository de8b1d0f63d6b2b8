//! Bugs put in on purpose (feature `planted-bugs`): each harness proves that it would notice.
//! Without the feature every question here is a constant "no".

#[cfg(feature = "planted-bugs")]
fn chosen(bug: &str) -> bool {
    static BUG: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    BUG.get_or_init(|| std::env::var("NAOS_PLANTED_BUG").unwrap_or_default()) == bug
}

#[cfg(not(feature = "planted-bugs"))]
const fn chosen(_bug: &str) -> bool {
    false
}

/// Acknowledges a commit before it is executed.
pub(crate) fn ack_before_sync() -> bool {
    chosen("ack-before-sync")
}

/// A thread without which nothing works ends, and nobody notices.
pub(crate) fn survives_its_threads() -> bool {
    chosen("survives-its-threads")
}

/// Believes every row and page.
pub(crate) fn skip_checksum() -> bool {
    chosen("skip-checksum")
}

/// Skips the first row of the log after what a tenant's file holds.
pub(crate) fn replay_off_by_one() -> bool {
    chosen("replay-off-by-one")
}

/// Forgets what files hold that a killed process filled in.
pub(crate) fn replay_unnoted() -> bool {
    chosen("replay-unnoted")
}

/// Leaves the data directory as its umask made it.
pub(crate) fn open_to_all() -> bool {
    chosen("open-to-all")
}

/// Leaves bodies in pack files out of a backup.
pub(crate) fn backup_without_packs() -> bool {
    chosen("backup-without-packs")
}

/// Copies tenants' files before what is acknowledged stands in them.
pub(crate) fn backup_unsettled() -> bool {
    chosen("backup-unsettled")
}

/// Takes a disk without space for one that lost something.
pub(crate) fn full_is_damage() -> bool {
    chosen("full-is-damage")
}

/// Proves journals without the contents that their facts name.
pub(crate) fn bodies_unproved() -> bool {
    chosen("bodies-unproved")
}

/// Makes a new key ring where the old one is gone.
pub(crate) fn new_ring() -> bool {
    chosen("new-ring")
}

/// Journals an erasure and takes nothing away.
pub(crate) fn erased_is_read() -> bool {
    chosen("erased-is-read")
}

/// Takes a content away that a crash brings back out of its pack.
pub(crate) fn packs_keep_the_erased() -> bool {
    chosen("packs-keep-the-erased")
}

/// Proves journals and asks nobody who took a content away.
pub(crate) fn erased_unsaid() -> bool {
    chosen("erased-unsaid")
}

/// Never writes what was replied to a command.
pub(crate) fn lost_inbox() -> bool {
    chosen("lost-inbox")
}

/// Folds a batch into views without its last fact.
pub(crate) fn view_skips_last() -> bool {
    chosen("view-skips-last")
}

/// Proves journals and reads no page of what stands beside them.
pub(crate) fn journal_alone() -> bool {
    chosen("journal-alone")
}
