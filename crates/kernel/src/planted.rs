//! Bugs put in on purpose (feature `planted-bugs`): each harness proves that it would notice.
//! Without the feature every question here is a constant "no".

#[cfg(feature = "planted-bugs")]
static CHOSEN: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Wakes one bug, or several with commas between, once and for the whole process: rules read no
/// environment, their caller does.
#[cfg(feature = "planted-bugs")]
pub fn set(bug: &str) {
    let _ = CHOSEN.set(bug.to_owned());
}

/// Whether this bug is awake.
#[cfg(feature = "planted-bugs")]
#[must_use]
pub fn is(bug: &str) -> bool {
    CHOSEN
        .get()
        .is_some_and(|chosen| chosen.split(',').any(|one| one == bug))
}

/// Whether this bug is awake.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
pub const fn is(_bug: &str) -> bool {
    false
}
