//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.

#[cfg(feature = "planted-bugs")]
fn chosen(bug: &str) -> bool {
    static AWAKE: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let awake = AWAKE.get_or_init(|| std::env::var("NAOS_PLANTED_BUG").ok());
    awake.as_deref() == Some(bug)
}

#[cfg(not(feature = "planted-bugs"))]
const fn chosen(_bug: &str) -> bool {
    false
}

/// A run that starts again on its recording says again what it logged.
pub(crate) fn log_again() -> bool {
    chosen("log-again")
}

/// A component writes what an agent remembers, where its grants cover that.
pub(crate) fn writes_memories() -> bool {
    chosen("components-write-memories")
}
