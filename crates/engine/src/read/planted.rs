//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.

/// Answers a list with whatever the views hold by now.
#[cfg(feature = "planted-bugs")]
pub(super) fn list_without_wait() -> bool {
    static AWAKE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *AWAKE.get_or_init(|| {
        std::env::var("NAOS_PLANTED_BUG").is_ok_and(|bug| bug == "list-without-wait")
    })
}

#[cfg(not(feature = "planted-bugs"))]
pub(super) const fn list_without_wait() -> bool {
    false
}
