use super::*;
use crate::contract::{A, Rig, append, contract_tests, record};

impl Rig for MemStore {
    fn open() -> Self {
        Self::new(7)
    }
    fn store(&self) -> &dyn Store {
        self
    }
    fn restart(&mut self) {
        self.crash();
    }
    fn erase(&self, tenant: TenantId, subject: SubjectId) {
        self.destroy(tenant, subject);
    }
}

contract_tests!(MemStore);

#[test]
fn faults_come_in_turn() {
    let store = MemStore::new(1);
    for fault in [CommitFault::Full, CommitFault::Io] {
        store.fail_next_commit(fault);
    }
    assert!(matches!(
        store.commit(&[append(A, 0, 1)]),
        Err(CommitError::Full)
    ));
    assert!(matches!(
        store.commit(&[append(A, 0, 1)]),
        Err(CommitError::Io(_))
    ));
    assert_eq!(store.commit(&[append(A, 0, 1)]).unwrap(), [Ok(1)]);
}

#[test]
fn a_failed_sync_ends_it_and_leaves_doubt() {
    for written in [false, true] {
        let store = MemStore::new(1);
        store.fail_next_commit(CommitFault::SyncFailed { written });
        for _ in 0..2 {
            let refused = store.commit(&[append(A, 0, 1)]);
            assert!(
                matches!(refused, Err(CommitError::SyncFailed(_))),
                "{refused:?}"
            );
        }
        store.crash();
        let seq = store.tenant(A).unwrap().head().unwrap().seq;
        assert_eq!(seq, u64::from(written));
        assert_eq!(store.commit(&[append(A, seq, 1)]).unwrap(), [Ok(seq + 1)]);
    }
}

#[test]
fn a_crash_loses_records_that_lag() {
    let store = MemStore::new(1);
    let tenant = store.tenant(A).unwrap();
    assert_eq!(store.commit(&[append(A, 0, 5)]).unwrap(), [Ok(5)]);
    tenant.put_records(2, vec![record("task", b"t", 2, Some("two"))]);
    tenant.put_records(4, vec![record("task", b"t", 4, Some("four"))]);
    assert_eq!((store.lag(), store.unfilled()), (5, 3));
    store.fill(2);
    assert_eq!(tenant.head().unwrap().records_seq, 4);
    store.crash();
    assert_eq!(tenant.head().unwrap().records_seq, 2);
    assert_eq!(tenant.record("task", b"t").unwrap().unwrap().seq, 2);
    assert_eq!(tenant.entries(0, 9).unwrap().len(), 5);
}

#[test]
fn one_seed_one_sealing() {
    let seal = |seed| {
        let tenant = MemStore::new(seed).tenant(A).unwrap();
        (
            tenant.seal(SubjectId(1), b"x").unwrap(),
            tenant.seal_body(b"y").unwrap(),
        )
    };
    assert_eq!(seal(3), seal(3));
    assert_ne!(seal(3).0, seal(4).0);
}
