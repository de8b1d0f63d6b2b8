//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.

/// Whether this bug is awake.
#[cfg(feature = "planted-bugs")]
pub(crate) fn is(bug: &str) -> bool {
    std::env::var("NAOS_PLANTED_BUG").is_ok_and(|chosen| chosen == bug)
}

/// Whether this bug is awake.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is(_bug: &str) -> bool {
    false
}
