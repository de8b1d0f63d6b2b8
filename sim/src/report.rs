//! What one seed came to.

use std::collections::BTreeMap;

/// What one seed came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Which seed.
    pub seed: u64,
    /// What broke: the check's name and the details. Empty if nothing did.
    pub violations: Vec<String>,
    /// Hash over all that left the shard and all journals.
    pub hash: u64,
    /// How much time went by in it.
    pub simulated_ms: u64,
    /// How often the process died.
    pub crashes: u64,
    /// How many commits were tried.
    pub commits: u64,
    /// How many of them failed.
    pub commit_faults: u64,
    /// How many facts the journals hold in the end.
    pub facts: u64,
    /// How many commands were asked.
    pub commands: u64,
    /// How many requests reached a receiver.
    pub requests: u64,
    /// How often the shard was stepped.
    pub steps: u64,
    /// How often each kind of fact came about.
    pub kinds: BTreeMap<String, u64>,
    /// How often each scenario happened.
    pub met: BTreeMap<&'static str, u64>,
}

impl Report {
    /// A scenario happened.
    pub(crate) fn meet(&mut self, what: &'static str, times: u64) {
        *self.met.entry(what).or_default() += times;
    }
}
