//! Bugs put in on purpose (feature `planted-bugs`): the tests prove that they would notice.

/// Each connection to a gateway asks for a turn of its own.
#[cfg(feature = "planted-bugs")]
pub(crate) fn gateway_asks_anew() -> bool {
    std::env::var("NAOS_PLANTED_BUG").is_ok_and(|bug| bug == "gateway-asks-anew")
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn gateway_asks_anew() -> bool {
    false
}

/// What a server declares of its tools' answers isn't looked at.
#[cfg(feature = "planted-bugs")]
pub(crate) fn answers_unpinned() -> bool {
    std::env::var("NAOS_PLANTED_BUG").is_ok_and(|bug| bug == "answers-unpinned")
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn answers_unpinned() -> bool {
    false
}

/// What a provider answers with the status of an error counts as if it had been lost.
#[cfg(feature = "planted-bugs")]
pub(crate) fn errors_cost_the_worst_case() -> bool {
    std::env::var("NAOS_PLANTED_BUG").is_ok_and(|bug| bug == "errors-cost-the-worst-case")
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn errors_cost_the_worst_case() -> bool {
    false
}

/// A program's answer that is too long is dropped, and nobody hears of it.
#[cfg(feature = "planted-bugs")]
pub(crate) fn long_answers_unheard() -> bool {
    std::env::var("NAOS_PLANTED_BUG").is_ok_and(|bug| bug == "long-answers-unheard")
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn long_answers_unheard() -> bool {
    false
}
