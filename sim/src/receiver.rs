//! The strangers that gated calls reach: one honours idempotency keys, one doesn't.

use std::collections::BTreeMap;

/// What one key did at a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// How often a request with it came.
    pub(crate) attempts: u32,
    /// How often something happened.
    pub(crate) effects: u32,
}

/// A stranger.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    pub(crate) honours: bool,
    pub(crate) by_key: BTreeMap<String, Count>,
}

impl Receiver {
    pub(crate) fn new(honours: bool) -> Self {
        Self {
            honours,
            by_key: BTreeMap::new(),
        }
    }

    /// A request arrives; the answer says how often something happened under this key.
    pub(crate) fn arrive(&mut self, key: String) -> Vec<u8> {
        let answer = format!("done {key}").into_bytes();
        let count = self.by_key.entry(key).or_default();
        count.attempts += 1;
        if !self.honours || count.effects == 0 {
            count.effects += 1;
        }
        answer
    }
}
