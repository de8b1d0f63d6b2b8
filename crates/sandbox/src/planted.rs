//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.

/// A run that starts again on its recording says again what it logged.
#[cfg(feature = "planted-bugs")]
pub(crate) fn log_again() -> bool {
    static AWAKE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *AWAKE.get_or_init(|| std::env::var("NAOS_PLANTED_BUG").is_ok_and(|bug| bug == "log-again"))
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn log_again() -> bool {
    false
}
