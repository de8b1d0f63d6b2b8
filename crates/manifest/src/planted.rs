//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.
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

/// A plan is taken whatever its runs come to.
pub(crate) fn plans_unplayed() -> bool {
    chosen("plans-unplayed")
}

/// Nobody is told of a question about what no agent looked at.
pub(crate) fn unreviewed_unsaid() -> bool {
    chosen("unreviewed-unsaid")
}

/// A driver's configuration is taken whatever its schema says.
pub(crate) fn any_config() -> bool {
    chosen("any-config")
}

/// What an event says is written into JSON as it is.
pub(crate) fn event_writes_keys() -> bool {
    chosen("event-writes-keys")
}

/// So is what a step of a plan takes, where it is told what another plan gets, or publishes.
pub(crate) fn inputs_write_keys() -> bool {
    chosen("inputs-write-keys")
}

/// So it is in a text that only its reader takes for JSON.
pub(crate) fn texts_write_keys() -> bool {
    chosen("texts-write-keys")
}
