//! How long it takes to open a directory again, and to prove a journal. The limit of both is
//! reading the same file from one end to the other.

use std::path::Path;

use naos_engine::clock::tick;
use naos_store::SqliteStore;
use naos_types::TenantId;

use crate::facts;
use crate::figures::{Board, Goal};

const FACTS: usize = 200_000;
const GOAL_PER_S: f64 = 1_000_000.0;
const TENANT: TenantId = TenantId(1_000);
const LIMIT: &str = "reading the tenant's file";

/// Fills a directory once, then opens and proves it `rounds` times.
pub fn run(rounds: usize, board: &mut Board) {
    let dir = tempfile::tempdir().expect("a scratch directory");
    facts::fill(dir.path(), FACTS);
    let (mut opened, mut verified) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let read = read(dir.path());
        let began = tick();
        let store = SqliteStore::open(dir.path()).expect("a store");
        opened.push((began.elapsed().as_secs_f64() * 1e3, read * 1e3));
        let began = tick();
        let proof = store.verify(TENANT).expect("a journal");
        let rate = proof.entries as f64 / began.elapsed().as_secs_f64();
        verified.push((rate, proof.entries as f64 / read));
        board.tried(
            proof.entries as usize,
            usize::from(proof.first_bad.is_some()),
        );
        store.close().expect("a clean end");
    }
    let name = "open a directory of 200,000 facts";
    board.figure(name, "ms", LIMIT, Goal::Reported, &opened);
    let goal = Goal::AtLeast(GOAL_PER_S);
    board.figure("audit verify", "facts/s", LIMIT, goal, &verified);
}

/// Seconds to read the largest file below a directory: the tenant's.
fn read(dir: &Path) -> f64 {
    let files = std::fs::read_dir(dir.join("tenants")).expect("tenants");
    let paths = files.flatten().map(|entry| entry.path());
    let largest = paths.max_by_key(|path| std::fs::metadata(path).map_or(0, |meta| meta.len()));
    let began = tick();
    let bytes = std::fs::read(largest.expect("a tenant's file")).expect("it reads");
    assert!(!bytes.is_empty());
    began.elapsed().as_secs_f64()
}
