//! What goes wrong, and how often.

use crate::chance::Chance;

/// How often what goes wrong; each seed has its own mixture. Once in so many times; 0 is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// The process dies at some moment, in so many milliseconds.
    pub(crate) crash_every_ms: u64,
    /// The process dies between a step and what comes out of it.
    pub(crate) crash_in_step: u64,
    /// A commit fails.
    pub(crate) commit: u64,
    /// A request, an answer or a guest is lost.
    pub(crate) lost: u64,
    /// A return comes twice.
    pub(crate) twice: u64,
    /// The clock jumps.
    pub(crate) skew: bool,
}

impl Faults {
    pub(crate) fn roll(chance: &mut Chance) -> Self {
        let mut sometimes = |n: u64| if chance.once_in(3) { 0 } else { n };
        Self {
            crash_every_ms: sometimes(2_000_000),
            crash_in_step: sometimes(300),
            commit: sometimes(40),
            lost: sometimes(8),
            twice: sometimes(6),
            skew: sometimes(1) == 1,
        }
    }
}
