//! What happened, as a hash (two runs of one seed must give the same) and as lines for people.

use std::hash::Hasher;

use naos_types::Time;

/// A running hash over all that left the shard, and its lines where somebody reads them.
pub(crate) struct Trace {
    hash: std::collections::hash_map::DefaultHasher,
    spoken: bool,
}

impl Trace {
    pub(crate) fn new(spoken: bool) -> Self {
        let hash = std::collections::hash_map::DefaultHasher::new();
        Self { hash, spoken }
    }

    /// Takes bytes into the hash.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.hash.write(bytes);
    }

    /// Takes a number into the hash.
    pub(crate) fn number(&mut self, number: u64) {
        self.hash.write_u64(number);
    }

    /// Prints a line to the error output, if somebody reads.
    pub(crate) fn say(&self, at: Time, line: impl FnOnce() -> String) {
        if self.spoken {
            eprintln!("{} {}", &at.rfc3339()[11..23], line());
        }
    }

    pub(crate) fn value(&self) -> u64 {
        self.hash.finish()
    }
}
