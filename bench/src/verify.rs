//! How long it takes to open a directory again, and to prove a journal.

use naos_store::SqliteStore;
use naos_types::TenantId;

use crate::facts;

const FACTS: usize = 100_000;
const GOAL_PER_S: f64 = 1_000_000.0;
const TENANT: TenantId = TenantId(1_000);

/// Prints both figures. The goal of the proof is a number, not a peer.
pub fn run() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    facts::fill(dir.path(), FACTS);
    let began = naos_engine::clock::tick();
    let store = SqliteStore::open(dir.path()).expect("a store");
    let opened = began.elapsed().as_secs_f64();
    println!(
        "{:<44} {:>12.1} ms",
        "open a directory of 100,000 facts",
        opened * 1e3
    );
    let began = naos_engine::clock::tick();
    let verified = store.verify(TENANT).expect("a journal");
    let took = began.elapsed().as_secs_f64();
    assert!(
        verified.first_bad.is_none(),
        "a journal of our own doesn't verify"
    );
    let rate = verified.entries as f64 / took;
    crate::show("audit verify", rate, GOAL_PER_S, 1.0, false, "facts/s");
    store.close().expect("a clean end");
}
