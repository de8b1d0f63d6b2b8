//! How often somebody may fail to prove who they are, wherever they come from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use naos_types::Time;

use crate::app::lock;

/// How many wrong tokens a peer may show in a window.
pub(crate) const TRIES_MAX: u32 = 10;
/// How long a window is.
pub(crate) const TRIES_WINDOW_MS: i64 = 60_000;
/// How many peers are remembered.
const PEERS_MAX: usize = 10_000;

/// Where a request comes from; none inside the process.
pub(crate) type Peer = Option<IpAddr>;

/// Who failed how often since when.
#[derive(Default)]
pub(crate) struct Tries(Mutex<BTreeMap<Peer, (Time, u32)>>);

impl Tries {
    /// Whether this peer has failed too often.
    pub(crate) fn exhausted(&self, peer: Peer, now: Time) -> bool {
        let tries = lock(&self.0);
        tries
            .get(&peer)
            .is_some_and(|(since, count)| (now - *since).0 < TRIES_WINDOW_MS && *count >= TRIES_MAX)
    }

    /// One more failure.
    pub(crate) fn failed(&self, peer: Peer, now: Time) {
        let mut tries = lock(&self.0);
        if tries.len() >= PEERS_MAX && !tries.contains_key(&peer) {
            tries.retain(|_, (since, _)| (now - *since).0 < TRIES_WINDOW_MS);
            if tries.len() >= PEERS_MAX {
                tries.pop_first();
            }
        }
        let entry = tries.entry(peer).or_insert((now, 0));
        if (now - entry.0).0 >= TRIES_WINDOW_MS {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_a_minute_and_no_more_for_each_peer() {
        let tries = Tries::default();
        let here = Some("127.0.0.1".parse().unwrap());
        for _ in 0..TRIES_MAX {
            assert!(!tries.exhausted(here, Time(5)));
            tries.failed(here, Time(5));
        }
        assert!(tries.exhausted(here, Time(5)));
        assert!(!tries.exhausted(None, Time(5)));
        assert!(!tries.exhausted(here, Time(5 + TRIES_WINDOW_MS)));
        tries.failed(here, Time(5 + TRIES_WINDOW_MS));
        assert!(!tries.exhausted(here, Time(6 + TRIES_WINDOW_MS)));
    }
}
