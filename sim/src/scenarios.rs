//! What a seed meets beside the workload and its faults. Rolled from a stream of its own, so that
//! a new scenario leaves the seeds without it as they were.

use crate::chance::Chance;

/// What may happen, by the name under which it is counted: a run of many seeds in which one of
/// these never happened has proved nothing about it.
pub const NAMES: &[&str] = &["notice raised", "notice refused", "notice repeated"];

/// Which scenarios a seed has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scenarios {
    /// Tenants have somebody outside told of what waits.
    pub(crate) notices: bool,
}

impl Scenarios {
    pub(crate) fn roll(chance: &mut Chance) -> Self {
        Self {
            notices: chance.once_in(2),
        }
    }
}
