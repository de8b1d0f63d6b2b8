//! A disk that fails at the i-th call, for every i, until no fault fires any more.

use std::path::Path;

use super::super::faults::{self, Fault, Plan};
use super::super::*;
use super::scratch;
use crate::contract::{A, B, append, record};
use crate::traits::{CommitError, Store};

/// What a run of the scenario was told.
#[derive(Default)]
struct Told {
    /// Acknowledged seqs of A and B.
    acknowledged: [u64; 2],
    /// Whether a commit ended in doubt.
    in_doubt: bool,
}

const COMMITS: u64 = 4;

/// Commits, records, a body, a segment's end and a clean close; as far as it goes.
fn scenario(dir: &Path) -> Told {
    let mut told = Told::default();
    let Ok(store) = SqliteStore::open(dir) else {
        return told;
    };
    for round in 0..COMMITS {
        let next = |slot: usize| told.acknowledged[slot];
        let appends = [append(A, next(0), 2), append(B, next(1), 30)];
        match store.commit(&appends) {
            Ok(results) => {
                for (slot, result) in results.iter().enumerate() {
                    if let Ok(seq) = result {
                        assert_eq!(*seq, appends[slot].last());
                        told.acknowledged[slot] = *seq;
                    }
                }
            }
            Err(CommitError::SyncFailed(_)) => {
                told.in_doubt = true;
                let again = store.commit(&appends);
                assert!(
                    matches!(again, Err(CommitError::SyncFailed(_))),
                    "{again:?}"
                );
                break;
            }
            Err(_nothing_was_written) => {}
        }
        if let Ok(tenant) = store.tenant(A) {
            let seq = told.acknowledged[0];
            tenant.put_records(seq, vec![record("task", b"t", seq, Some("open"))]);
            if round == 2
                && let Ok(large) = tenant.seal_body(&[1; 20_000])
            {
                let _may_fail = tenant.put_large(&large);
            }
        }
        if round % 2 == 1 {
            store.settle();
        }
    }
    let _may_fail = store.close();
    told
}

/// After a healthy restart all that was acknowledged is there, once and in order.
fn check(dir: &Path, told: &Told, what: &str) {
    let store = SqliteStore::open(dir).unwrap_or_else(|cause| panic!("{what}: {cause:?}"));
    for (id, acknowledged) in [A, B].into_iter().zip(told.acknowledged) {
        let tenant = store.tenant(id).unwrap();
        let head = tenant.head().unwrap();
        let more = head.seq - acknowledged;
        assert!(
            more == 0 || told.in_doubt,
            "{what}: {more} more than acknowledged"
        );
        let seqs: Vec<_> = tenant
            .entries(0, 9_999)
            .unwrap()
            .iter()
            .map(|e| e.seq)
            .collect();
        assert_eq!(seqs, (1..=head.seq).collect::<Vec<_>>(), "{what}");
        let verified = store.verify(id).unwrap();
        assert_eq!(
            (verified.entries, verified.first_bad),
            (head.seq, None),
            "{what}"
        );
        assert_eq!(
            store.commit(&[append(id, head.seq, 1)]).unwrap(),
            [Ok(head.seq + 1)]
        );
    }
    store.close().unwrap();
}

fn sweep(fault: Fault, stays: bool) {
    let mut fired = 0;
    for at in 0.. {
        let dir = scratch();
        let plan: &Plan = faults::watch(dir.path());
        plan.fail(at, fault, stays);
        let told = scenario(dir.path());
        plan.heal();
        check(
            dir.path(),
            &told,
            &format!("{fault:?} at call {at}, stays {stays}"),
        );
        if !plan.fired() {
            break;
        }
        fired += 1;
    }
    assert!(fired > 60, "only {fired} calls were seen");
}

#[test]
fn one_failing_call_anywhere() {
    sweep(Fault::Io, false);
}

#[test]
fn all_calls_fail_from_somewhere_on() {
    sweep(Fault::Io, true);
}

#[test]
fn one_call_finds_no_space() {
    sweep(Fault::Full, false);
}

#[test]
fn no_space_from_somewhere_on() {
    sweep(Fault::Full, true);
}

#[test]
fn a_full_log_says_so_and_goes_on_when_there_is_space() {
    let dir = scratch();
    let store = SqliteStore::open(dir.path()).unwrap();
    let limit = |pages| {
        locked(&store.node.log)
            .as_ref()
            .unwrap()
            .segment
            .limit_pages(pages);
    };
    assert_eq!(store.commit(&[append(A, 0, 1)]).unwrap(), [Ok(1)]);
    limit(Some(4));
    let refused = store.commit(&[append(A, 1, 4_000), append(B, 0, 1)]);
    assert!(matches!(refused, Err(CommitError::Full)), "{refused:?}");
    for id in [A, B] {
        assert!(
            store.tenant(id).unwrap().head().unwrap().seq <= 1,
            "nothing was written"
        );
    }
    limit(None);
    assert_eq!(
        store
            .commit(&[append(A, 1, 4_000), append(B, 0, 1)])
            .unwrap(),
        [Ok(4_001), Ok(1)]
    );
}
