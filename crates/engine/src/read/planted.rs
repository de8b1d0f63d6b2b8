//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.

#[cfg(feature = "planted-bugs")]
fn chosen(bug: &str) -> bool {
    static BUG: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    BUG.get_or_init(|| std::env::var("NAOS_PLANTED_BUG").unwrap_or_default()) == bug
}

#[cfg(not(feature = "planted-bugs"))]
const fn chosen(_bug: &str) -> bool {
    false
}

/// Answers a list with whatever the views hold by now.
pub(super) fn list_without_wait() -> bool {
    chosen("list-without-wait")
}

/// What a look through the journal didn't come to isn't there.
pub(super) fn words_left_out() -> bool {
    chosen("words-left-out")
}

/// What runs read of a document stays in their recordings.
pub(super) fn readers_keep_what_they_read() -> bool {
    chosen("readers-keep")
}

/// What is recalled for runs at work stays in their recordings.
pub(super) fn runs_at_work_keep_what_they_recalled() -> bool {
    chosen("recalled-keep")
}
