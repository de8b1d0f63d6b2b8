//! How fast entries are verified on one thread: what an audit spends beside reading the store.
//!
//! Run with `cargo run --release -p naos-ledger --example verify_speed`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use naos_ledger::{Frontier, Hash, entry_bytes, hash_entry, leaf_hash, node_hash};

const ENTRIES: u64 = 1_000_000;
const PAYLOAD_BYTES: usize = 250;
const ROUNDS: usize = 5;
const GOAL_PER_SECOND: f64 = 1e6;

const TENANT: [u8; 16] = *b"a tenant's name.";
const KIND: &str = "approval.decided";

fn main() {
    println!("{ENTRIES} entries of {PAYLOAD_BYTES} B and kind {KIND:?}, best of {ROUNDS} rounds");
    // Different payloads, small enough together to stay in the cache: this measures the hashing.
    let payloads: Vec<Vec<u8>> = (0..=u8::MAX)
        .map(|number| vec![number; PAYLOAD_BYTES])
        .collect();
    let payload = |seq: u64| payloads[seq as usize % payloads.len()].as_slice();
    let leaf = |seq: u64| hash_entry(&TENANT, seq, 1_780_000_000_000, KIND, 1, payload(seq));

    report("hash_entry", || {
        (0..ENTRIES).fold([0; 32], |_, seq| black_box(leaf(seq)).to_bytes());
    });
    let mut bytes = Vec::new();
    report("entry_bytes into one Vec, leaf_hash", || {
        for seq in 0..ENTRIES {
            bytes.clear();
            let payload = payload(seq);
            entry_bytes(
                &TENANT,
                seq,
                1_780_000_000_000,
                KIND,
                1,
                payload,
                &mut bytes,
            );
            black_box(leaf_hash(&bytes));
        }
    });
    report("node_hash", || {
        let mut node = Hash::from_bytes([7; 32]);
        for _ in 0..ENTRIES {
            node = black_box(node_hash(&node, &node));
        }
    });
    let per_second = report("verify: hash_entry, append", || {
        let mut frontier = Frontier::new();
        frontier.append_many((0..ENTRIES).map(leaf));
        black_box(frontier.root());
    });
    let verdict = if per_second >= GOAL_PER_SECOND {
        "met"
    } else {
        "MISSED"
    };
    println!("goal: verify at {GOAL_PER_SECOND:.0} entries/s or more: {verdict}");
}

/// Prints nanoseconds per entry and returns entries per second.
#[expect(
    clippy::disallowed_methods,
    reason = "a stopwatch has to read the clock"
)]
fn report(name: &str, mut round: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed());
    }
    let seconds = best.as_secs_f64() / ENTRIES as f64;
    println!(
        "{name:36} {:6.0} ns/entry {:10.0} entries/s",
        seconds * 1e9,
        1.0 / seconds
    );
    1.0 / seconds
}
