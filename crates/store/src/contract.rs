//! What every store promises, as one suite. A store joins with [`contract_tests`].

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use naos_types::fact::{Fact, document};
use naos_types::{
    Actor, BatchId, BodyRef, Digest, DocPath, Sealed, Seq, SubjectId, TenantId, Time,
};

use crate::traits::{
    Append, BODY_INLINE_BYTES_MAX, CommitError, ENTRY_BYTES_MAX, Entry, InboxRow, ReadError,
    Record, Stale, Store, TenantStore, ViewsLag,
};
use crate::views::Views;
use crate::views::naive::{self, Chance, Naive};

/// One kind of store under test.
pub(crate) trait Rig {
    fn open() -> Self;
    fn store(&self) -> &dyn Store;
    /// The process ends without a word and starts again.
    fn restart(&mut self);
    fn erase(&self, tenant: TenantId, subject: SubjectId);
}

/// Makes a `#[test]` of every promise.
macro_rules! contract_tests {
    ($rig:ty: $($case:ident)*) => {$(
        #[test]
        fn $case() {
            $crate::contract::$case(&mut <$rig as $crate::contract::Rig>::open());
        }
    )*};
    ($rig:ty) => {
        $crate::contract::contract_tests! { $rig:
            facts_come_back_in_order stale_appends_spare_their_neighbours an_old_epoch_is_stale
            one_commit_may_hold_several_appends_of_a_tenant what_is_durable_is_visible
            bad_appends_are_refused_whole empty_appends_carry_an_answer answers_are_kept_by_source
            old_answers_go_after_seven_days records_change_and_go records_are_scanned_in_order
            open_records_are_found records_lag_and_the_journal_replays small_bodies_come_along
            large_bodies_come_before erased_bodies_stay_erased
            texts_open_for_their_owner erased_texts_stay_erased
            wakes_are_due_in_order tenants_are_strangers a_restart_keeps_everything
            views_say_what_the_journal_says views_hold_what_was_waited_for
        }
    };
}
pub(crate) use contract_tests;

pub(crate) const A: TenantId = TenantId(0xa << 100);
pub(crate) const B: TenantId = TenantId(0xb << 100);

pub(crate) fn entry(seq: Seq) -> Entry {
    Entry {
        seq,
        at: Time(1_750_000_000_000 + seq as i64),
        kind: Cow::Borrowed("task.opened"),
        version: 1,
        bytes: format!("fact {seq}").into_bytes(),
    }
}

/// An append of `count` facts after `expected`.
pub(crate) fn append(tenant: TenantId, expected: Seq, count: u64) -> Append {
    Append {
        tenant,
        expected,
        epoch: 1,
        batch: BatchId(u128::from(expected) + 1),
        entries: (1..=count).map(|n| entry(expected + n)).collect(),
        bodies: vec![],
        inbox: vec![],
        wake: None,
    }
}

pub(crate) fn answer(source: &str, key: &str, at: i64) -> InboxRow {
    InboxRow {
        source: source.to_owned(),
        key: key.to_owned(),
        request: Digest::of(key.as_bytes()),
        reply: format!("done {source} {key}").into_bytes(),
        at: Time(at),
    }
}

pub(crate) fn record(kind: &'static str, id: &[u8], seq: Seq, text: Option<&str>) -> Record {
    Record {
        kind: Cow::Borrowed(kind),
        id: id.to_vec(),
        version: 1,
        seq,
        open: text.is_some_and(|text| text.starts_with("open")),
        bytes: text.map(|text| text.as_bytes().to_vec()),
    }
}

fn commit_one(store: &dyn Store, append: Append) -> Result<Seq, Stale> {
    store.commit(&[append]).unwrap().pop().unwrap()
}

fn seqs(tenant: &dyn TenantStore, after: Seq, limit: usize) -> Vec<Seq> {
    tenant
        .entries(after, limit)
        .unwrap()
        .iter()
        .map(|entry| entry.seq)
        .collect()
}

pub(crate) fn facts_come_back_in_order(rig: &mut impl Rig) {
    let store = rig.store();
    assert_eq!(commit_one(store, append(A, 0, 3)), Ok(3));
    assert_eq!(commit_one(store, append(A, 3, 1)), Ok(4));
    let tenant = store.tenant(A).unwrap();
    for settled in [false, true] {
        assert_eq!(
            tenant.entries(0, 10).unwrap(),
            (1..=4).map(entry).collect::<Vec<_>>()
        );
        assert_eq!(seqs(&*tenant, 1, 2), [2, 3], "{settled}");
        assert_eq!(seqs(&*tenant, 4, 9), [0; 0], "{settled}");
        assert_eq!(seqs(&*tenant, 99, 9), [0; 0], "{settled}");
        assert_eq!(seqs(&*tenant, 0, 0), [0; 0], "{settled}");
        let head = tenant.head().unwrap();
        assert_eq!((head.seq, head.epoch, head.at), (4, 1, entry(4).at));
        store.settle();
        assert_eq!(store.lag(), 0);
    }
}

pub(crate) fn stale_appends_spare_their_neighbours(rig: &mut impl Rig) {
    let store = rig.store();
    commit_one(store, append(A, 0, 2)).unwrap();
    let done = store
        .commit(&[append(A, 1, 1), append(B, 0, 1), append(A, 2, 1)])
        .unwrap();
    assert_eq!(
        done,
        [
            Err(Stale {
                tenant: A,
                expected: 1,
                found: 2
            }),
            Ok(1),
            Ok(3)
        ]
    );
    assert_eq!(seqs(&*store.tenant(A).unwrap(), 0, 9), [1, 2, 3]);
    assert_eq!(seqs(&*store.tenant(B).unwrap(), 0, 9), [1]);
    let ahead = commit_one(store, append(B, 7, 1));
    assert_eq!(
        ahead,
        Err(Stale {
            tenant: B,
            expected: 7,
            found: 1
        })
    );
}

pub(crate) fn an_old_epoch_is_stale(rig: &mut impl Rig) {
    let store = rig.store();
    commit_one(
        store,
        Append {
            epoch: 5,
            ..append(A, 0, 1)
        },
    )
    .unwrap();
    let old = commit_one(
        store,
        Append {
            epoch: 4,
            ..append(A, 1, 1)
        },
    );
    assert_eq!(
        old,
        Err(Stale {
            tenant: A,
            expected: 1,
            found: 1
        })
    );
    assert_eq!(
        commit_one(
            store,
            Append {
                epoch: 5,
                ..append(A, 1, 1)
            }
        ),
        Ok(2)
    );
    assert_eq!(
        commit_one(
            store,
            Append {
                epoch: 9,
                ..append(A, 2, 1)
            }
        ),
        Ok(3)
    );
    assert_eq!(store.tenant(A).unwrap().head().unwrap().epoch, 9);
}

pub(crate) fn one_commit_may_hold_several_appends_of_a_tenant(rig: &mut impl Rig) {
    let store = rig.store();
    let appends = [
        append(A, 0, 2),
        append(B, 0, 1),
        append(A, 2, 2),
        append(A, 2, 1),
    ];
    let done = store.commit(&appends).unwrap();
    assert_eq!(
        done,
        [
            Ok(2),
            Ok(1),
            Ok(4),
            Err(Stale {
                tenant: A,
                expected: 2,
                found: 4
            })
        ]
    );
    assert_eq!(seqs(&*store.tenant(A).unwrap(), 0, 9), [1, 2, 3, 4]);
}

pub(crate) fn what_is_durable_is_visible(rig: &mut impl Rig) {
    let store = rig.store();
    let tenant = store.tenant(A).unwrap();
    for seq in 0..200 {
        commit_one(store, append(A, seq, 1)).unwrap();
        assert_eq!(tenant.head().unwrap().seq, seq + 1);
        assert_eq!(
            seqs(&*tenant, seq.saturating_sub(2), 9).last(),
            Some(&(seq + 1))
        );
        if seq % 50 == 7 {
            store.settle();
        }
    }
    assert_eq!(seqs(&*tenant, 0, 500), (1..=200).collect::<Vec<_>>());
}

pub(crate) fn bad_appends_are_refused_whole(rig: &mut impl Rig) {
    let store = rig.store();
    let gap = Append {
        entries: vec![entry(1), entry(3)],
        ..append(A, 0, 0)
    };
    let mut huge = append(A, 0, 1);
    huge.entries[0].bytes = vec![0; ENTRY_BYTES_MAX + 1];
    let mut fat = append(A, 0, 1);
    fat.bodies = vec![store.tenant(A).unwrap().seal_body(&[0; 16_385]).unwrap()];
    for bad in [gap, huge, fat] {
        let refused = store.commit(&[append(B, 0, 1), bad]);
        assert!(matches!(refused, Err(CommitError::Io(_))), "{refused:?}");
    }
    assert_eq!(store.tenant(B).unwrap().head().unwrap().seq, 0);
    commit_one(store, append(B, 0, 1)).unwrap();
}

pub(crate) fn empty_appends_carry_an_answer(rig: &mut impl Rig) {
    commit_one(rig.store(), append(A, 0, 1)).unwrap();
    let only_answer = Append {
        inbox: vec![answer("m", "k", 5)],
        ..append(A, 1, 0)
    };
    assert_eq!(commit_one(rig.store(), only_answer), Ok(1));
    rig.restart();
    let tenant = rig.store().tenant(A).unwrap();
    assert_eq!(tenant.head().unwrap().seq, 1);
    assert_eq!(tenant.inbox("m", "k").unwrap(), Some(answer("m", "k", 5)));
}

pub(crate) fn answers_are_kept_by_source(rig: &mut impl Rig) {
    let rows = vec![
        answer("lova", "k1", 5),
        answer("soa", "k1", 6),
        answer("lova", "k2", 7),
    ];
    commit_one(
        rig.store(),
        Append {
            inbox: rows.clone(),
            ..append(A, 0, 1)
        },
    )
    .unwrap();
    for restarts in 0..2 {
        let tenant = rig.store().tenant(A).unwrap();
        for row in &rows {
            assert_eq!(
                tenant.inbox(&row.source, &row.key).unwrap().as_ref(),
                Some(row)
            );
        }
        assert_eq!(tenant.inbox("soa", "k2").unwrap(), None, "{restarts}");
        rig.store().settle();
        rig.restart();
    }
}

pub(crate) fn old_answers_go_after_seven_days(rig: &mut impl Rig) {
    const DAY: i64 = 86_400_000;
    let store = rig.store();
    let tenant = store.tenant(A).unwrap();
    let at = |seq: Seq, at: i64, key: &str| {
        let mut append = append(A, seq, 1);
        append.entries[0].at = Time(at);
        append.inbox = vec![answer("m", key, at)];
        commit_one(store, append).unwrap();
        store.settle();
    };
    at(0, 100 * DAY, "old");
    at(1, 106 * DAY, "middle");
    assert!(tenant.inbox("m", "old").unwrap().is_some());
    at(2, 108 * DAY, "new");
    assert_eq!(tenant.inbox("m", "old").unwrap(), None);
    assert!(tenant.inbox("m", "middle").unwrap().is_some());
}

pub(crate) fn records_change_and_go(rig: &mut impl Rig) {
    let store = rig.store();
    commit_one(store, append(A, 0, 3)).unwrap();
    let tenant = store.tenant(A).unwrap();
    for (seq, text) in [(1, Some("open 1")), (2, Some("closed")), (3, None)] {
        tenant.put_records(seq, vec![record("task", b"t1", seq, text)]);
        let expected = text.map(|_| record("task", b"t1", seq, text));
        assert_eq!(tenant.record("task", b"t1").unwrap(), expected);
        store.settle();
        assert_eq!(tenant.record("task", b"t1").unwrap(), expected);
        assert_eq!(tenant.head().unwrap().records_seq, seq);
    }
    assert_eq!(tenant.record("run", b"t1").unwrap(), None);
}

pub(crate) fn records_are_scanned_in_order(rig: &mut impl Rig) {
    let store = rig.store();
    commit_one(store, append(A, 0, 1)).unwrap();
    let tenant = store.tenant(A).unwrap();
    let ids: [&[u8]; 6] = [b"a/1", b"a/2", b"a/3", b"a", b"b/1", b"\xff\xff"];
    for (half, settle) in [(&ids[..3], true), (&ids[3..], false)] {
        let row = |id: &&[u8]| record("task", id, 1, Some("x"));
        tenant.put_records(1, half.iter().map(row).collect());
        tenant.put_records(1, vec![record("tasks", b"a/9", 1, Some("x"))]);
        if settle {
            store.settle();
        }
    }
    tenant.put_records(1, vec![record("task", b"a/2", 1, None)]);
    let scan = |prefix: &[u8], after: Option<&[u8]>, limit| -> Vec<Vec<u8>> {
        let rows = tenant.scan("task", prefix, after, limit).unwrap();
        rows.into_iter().map(|row| row.id).collect()
    };
    let back = |before: Option<&[u8]>, limit| -> Vec<Vec<u8>> {
        let rows = tenant.scan_back("task", before, limit).unwrap();
        rows.into_iter().map(|row| row.id).collect()
    };
    for _ in 0..2 {
        assert_eq!(scan(b"a/", None, 9), [b"a/1", b"a/3"]);
        assert_eq!(scan(b"a", None, 2), [&b"a"[..], b"a/1"]);
        assert_eq!(scan(b"a", Some(b"a/1"), 9), [b"a/3"]);
        assert_eq!(scan(b"a", Some(b"A"), 1), [b"a"]);
        assert_eq!(scan(b"\xff", None, 9), [b"\xff\xff"]);
        assert_eq!(scan(b"", None, 9).len(), 5);
        assert_eq!(scan(b"", Some(b"zzz"), 9), [b"\xff\xff"]);
        assert_eq!(scan(b"c", None, 9), Vec::<Vec<u8>>::new());
        assert_eq!(back(None, 2), [&b"\xff\xff"[..], b"b/1"]);
        assert_eq!(back(Some(b"a/3"), 9), [&b"a/1"[..], b"a"]);
        assert_eq!(back(Some(b"a"), 9), Vec::<Vec<u8>>::new());
        store.settle();
    }
}

pub(crate) fn open_records_are_found(rig: &mut impl Rig) {
    let store = rig.store();
    commit_one(store, append(A, 0, 2)).unwrap();
    let tenant = store.tenant(A).unwrap();
    let open = |tenant: &dyn TenantStore| -> Vec<Vec<u8>> {
        tenant
            .open_records()
            .unwrap()
            .into_iter()
            .map(|row| row.id)
            .collect()
    };
    let rows = [(&b"1"[..], "open"), (b"2", "shut"), (b"3", "open")];
    let rows = rows
        .iter()
        .map(|(id, text)| record("run", id, 1, Some(text)));
    tenant.put_records(1, rows.collect());
    assert_eq!(open(&*tenant), [b"1", b"3"]);
    store.settle();
    assert_eq!(open(&*tenant), [b"1", b"3"]);
    let rows = [
        record("run", b"1", 2, Some("shut")),
        record("run", b"3", 2, None),
    ];
    tenant.put_records(2, rows.to_vec());
    tenant.put_records(2, vec![record("agent", b"0", 2, Some("open"))]);
    assert_eq!(open(&*tenant), [b"0"]);
    store.settle();
    assert_eq!(open(&*tenant), [b"0"]);
}

pub(crate) fn records_lag_and_the_journal_replays(rig: &mut impl Rig) {
    commit_one(rig.store(), append(A, 0, 5)).unwrap();
    let tenant = rig.store().tenant(A).unwrap();
    tenant.put_records(2, vec![record("task", b"t", 2, Some("two"))]);
    rig.store().settle();
    tenant.put_records(4, vec![record("task", b"t", 4, Some("four"))]);
    drop(tenant);
    rig.restart();
    let tenant = rig.store().tenant(A).unwrap();
    let head = tenant.head().unwrap();
    let kept = tenant.record("task", b"t").unwrap().unwrap();
    // The last ones may have been filled or not: they say which, and the journal has the rest.
    assert!(
        head.records_seq == kept.seq && [2, 4].contains(&kept.seq),
        "{head:?} {kept:?}"
    );
    let tail = tenant.entries(head.records_seq, 9).unwrap();
    assert_eq!(tail.last().map(|entry| entry.seq), Some(5));
    assert_eq!(tail.len() as u64, 5 - head.records_seq);
}

pub(crate) fn small_bodies_come_along(rig: &mut impl Rig) {
    let tenant = rig.store().tenant(A).unwrap();
    let texts = [vec![], b"hello".to_vec(), vec![7; BODY_INLINE_BYTES_MAX]];
    let staged: Vec<_> = texts
        .iter()
        .map(|text| tenant.seal_body(text).unwrap())
        .collect();
    assert_eq!(
        tenant.body(&staged[1].name).unwrap(),
        None,
        "sealing writes nothing"
    );
    let both = Append {
        bodies: staged.clone(),
        ..append(A, 0, 1)
    };
    commit_one(rig.store(), both).unwrap();
    let again = tenant.seal_body(b"hello").unwrap();
    assert_eq!(again.name, staged[1].name, "a name is of the content");
    commit_one(
        rig.store(),
        Append {
            bodies: vec![again],
            ..append(A, 1, 1)
        },
    )
    .unwrap();
    for _ in 0..3 {
        let tenant = rig.store().tenant(A).unwrap();
        for (body, text) in staged.iter().zip(&texts) {
            assert_eq!(tenant.body(&body.name).unwrap().as_ref(), Some(text));
        }
        assert_eq!(
            tenant
                .body(&tenant.seal_body(b"other").unwrap().name)
                .unwrap(),
            None
        );
        rig.store().settle();
        rig.restart();
    }
}

pub(crate) fn large_bodies_come_before(rig: &mut impl Rig) {
    let tenant = rig.store().tenant(A).unwrap();
    let texts: Vec<_> = (0..4_u8)
        .map(|n| vec![n; 20_000 * (usize::from(n) + 1)])
        .collect();
    let staged: Vec<_> = texts
        .iter()
        .map(|text| tenant.seal_body(text).unwrap())
        .collect();
    for body in &staged {
        tenant.put_large(body).unwrap();
        tenant.put_large(body).unwrap();
    }
    commit_one(rig.store(), append(A, 0, 1)).unwrap();
    for _ in 0..3 {
        let tenant = rig.store().tenant(A).unwrap();
        for (body, text) in staged.iter().zip(&texts) {
            assert_eq!(tenant.body(&body.name).unwrap().as_ref(), Some(text));
        }
        assert_eq!(
            rig.store()
                .tenant(B)
                .unwrap()
                .body(&staged[0].name)
                .unwrap(),
            None
        );
        rig.store().settle();
        rig.restart();
    }
}

/// A fact that takes contents away.
pub(crate) fn erasing(seq: Seq, bodies: &[BodyRef]) -> Entry {
    let fact = Fact::from(document::Erased {
        path: DocPath::new("a.md").unwrap(),
        versions: vec![1],
        runs: Vec::new(),
        bodies: bodies.to_vec(),
        by: Actor::System,
    });
    Entry {
        kind: Cow::Borrowed(fact.kind()),
        version: fact.version(),
        bytes: fact.encode(),
        ..entry(seq)
    }
}

pub(crate) fn erased_bodies_stay_erased(rig: &mut impl Rig) {
    let tenant = rig.store().tenant(A).unwrap();
    let small = tenant.seal_body(b"small").unwrap();
    let large = tenant.seal_body(&[7; 50_000]).unwrap();
    let other = tenant.seal_body(b"other").unwrap();
    let (small_name, large_name) = (small.name, large.name);
    tenant.put_large(&large).unwrap();
    let written = Append {
        bodies: vec![small, other.clone()],
        ..append(A, 0, 1)
    };
    commit_one(rig.store(), written).unwrap();
    let erasing = Append {
        entries: vec![erasing(2, &[small_name, large_name])],
        ..append(A, 1, 0)
    };
    commit_one(rig.store(), erasing).unwrap();
    for restarts in 0..3 {
        let tenant = rig.store().tenant(A).unwrap();
        for name in [small_name, large_name] {
            let read = tenant.body(&name);
            assert!(
                matches!(read, Err(ReadError::BodyErased(digest)) if digest == name.digest),
                "{restarts}: {read:?}"
            );
            assert!(tenant.is_erased(&name).unwrap(), "{restarts}");
        }
        assert!(!tenant.is_erased(&other.name).unwrap(), "{restarts}");
        let there = tenant.body(&other.name).unwrap();
        assert_eq!(there.as_deref(), Some(&b"other"[..]));
        if restarts == 1 {
            rig.store().settle();
        }
        rig.restart();
    }
    // Whoever writes the same again means it.
    let tenant = rig.store().tenant(A).unwrap();
    tenant
        .put_large(&tenant.seal_body(&[7; 50_000]).unwrap())
        .unwrap();
    let again = Append {
        bodies: vec![tenant.seal_body(b"small").unwrap()],
        ..append(A, 2, 1)
    };
    commit_one(rig.store(), again).unwrap();
    for restarts in 0..2 {
        let tenant = rig.store().tenant(A).unwrap();
        let read = tenant.body(&small_name).unwrap();
        assert_eq!(read.as_deref(), Some(&b"small"[..]), "{restarts}");
        let read = tenant.body(&large_name).unwrap();
        assert_eq!(read, Some(vec![7; 50_000]), "{restarts}");
        for name in [small_name, large_name] {
            assert!(!tenant.is_erased(&name).unwrap(), "{restarts}");
        }
        rig.store().settle();
        rig.restart();
    }
}

pub(crate) fn texts_open_for_their_owner(rig: &mut impl Rig) {
    let person = SubjectId(42);
    let tenant = rig.store().tenant(A).unwrap();
    let sealed = tenant.seal(person, b"a name").unwrap();
    let own = tenant.seal(SubjectId::TENANT, b"").unwrap();
    assert_ne!(
        tenant.seal(person, b"a name").unwrap(),
        sealed,
        "never the same twice"
    );
    rig.restart();
    let tenant = rig.store().tenant(A).unwrap();
    assert_eq!(tenant.open(&sealed).unwrap(), b"a name");
    assert_eq!(tenant.open(&own).unwrap(), b"");
    let stranger = rig.store().tenant(B).unwrap();
    assert!(matches!(
        stranger.open(&sealed),
        Err(ReadError::Damaged { .. })
    ));
    let mut bad = sealed.bytes.clone();
    bad[0] ^= 1;
    let bad = Sealed::from_parts(person, sealed.nonce, bad);
    assert!(matches!(tenant.open(&bad), Err(ReadError::Damaged { .. })));
}

pub(crate) fn erased_texts_stay_erased(rig: &mut impl Rig) {
    let person = SubjectId(42);
    let tenant = rig.store().tenant(A).unwrap();
    let sealed = tenant.seal(person, b"a name").unwrap();
    let other = tenant.seal(SubjectId(43), b"other").unwrap();
    rig.erase(A, person);
    for _ in 0..2 {
        let tenant = rig.store().tenant(A).unwrap();
        assert!(matches!(tenant.open(&sealed), Err(ReadError::Erased(s)) if s == person));
        assert!(matches!(
            tenant.seal(person, b"x"),
            Err(ReadError::Erased(_))
        ));
        assert_eq!(tenant.open(&other).unwrap(), b"other");
        rig.restart();
    }
}

pub(crate) fn wakes_are_due_in_order(rig: &mut impl Rig) {
    let wake = |tenant, seq, at: Option<i64>| Append {
        wake: at.map(Time),
        ..append(tenant, seq, 1)
    };
    let c = TenantId(7);
    let first = [
        wake(A, 0, Some(500)),
        wake(B, 0, Some(300)),
        wake(c, 0, None),
    ];
    assert!(
        rig.store()
            .commit(&first)
            .unwrap()
            .iter()
            .all(Result::is_ok)
    );
    for _ in 0..3 {
        let due = |now| rig.store().due(Time(now)).unwrap();
        assert_eq!(due(299), []);
        assert_eq!(due(300), [(B, Time(300))]);
        assert_eq!(due(900), [(B, Time(300)), (A, Time(500))]);
        assert_eq!(
            rig.store().tenant(A).unwrap().head().unwrap().wake,
            Some(Time(500))
        );
        rig.restart();
        rig.store().settle();
    }
    commit_one(rig.store(), wake(B, 1, None)).unwrap();
    commit_one(rig.store(), wake(A, 1, Some(100))).unwrap();
    for _ in 0..2 {
        assert_eq!(rig.store().due(Time(900)).unwrap(), [(A, Time(100))]);
        rig.restart();
    }
}

pub(crate) fn tenants_are_strangers(rig: &mut impl Rig) {
    let store = rig.store();
    let full = Append {
        inbox: vec![answer("m", "k", 1)],
        ..append(A, 0, 1)
    };
    commit_one(store, full).unwrap();
    store
        .tenant(A)
        .unwrap()
        .put_records(1, vec![record("task", b"t", 1, Some("open"))]);
    for _ in 0..2 {
        let stranger = store.tenant(B).unwrap();
        assert_eq!(stranger.id(), B);
        assert_eq!(stranger.entries(0, 9).unwrap(), []);
        assert_eq!(stranger.inbox("m", "k").unwrap(), None);
        assert_eq!(stranger.record("task", b"t").unwrap(), None);
        assert_eq!(stranger.open_records().unwrap(), []);
        assert_eq!(store.tenants().unwrap(), [A], "a look makes no journal");
        store.settle();
    }
}

pub(crate) fn a_restart_keeps_everything(rig: &mut impl Rig) {
    let mut expected = 0;
    for round in 0..4 {
        let appends: Vec<_> = [A, B].iter().map(|t| append(*t, expected, 10)).collect();
        assert_eq!(
            rig.store().commit(&appends).unwrap(),
            [Ok(expected + 10), Ok(expected + 10)]
        );
        expected += 10;
        if round % 2 == 0 {
            rig.store().settle();
        }
        rig.restart();
        assert_eq!(rig.store().tenants().unwrap(), [A, B]);
        for id in [A, B] {
            let tenant = rig.store().tenant(id).unwrap();
            assert_eq!(seqs(&*tenant, 0, 99), (1..=expected).collect::<Vec<_>>());
            assert_eq!(tenant.head().unwrap().seq, expected);
        }
    }
}

fn tell(store: &dyn Store, tenant: TenantId, facts: &[Fact]) -> Seq {
    let expected = store.tenant(tenant).unwrap().head().unwrap().seq;
    let append = Append {
        entries: naive::entries(expected + 1, facts),
        ..append(tenant, expected, 0)
    };
    commit_one(store, append).unwrap()
}

/// The views, at least as of `seq`.
fn views(store: &dyn Store, tenant: TenantId, seq: Seq) -> Arc<Views> {
    let tenant = store.tenant(tenant).unwrap();
    let viewed = tenant.await_views(seq, Duration::from_secs(60));
    assert!(viewed.seq >= seq && !viewed.away, "{viewed:?} at {seq}");
    tenant.views().unwrap()
}

pub(crate) fn views_say_what_the_journal_says(rig: &mut impl Rig) {
    let mut chance = Chance(17);
    let facts = naive::history(&mut chance, 400);
    let mut told = [0, 0];
    while told.iter().any(|count| *count < facts.len()) {
        for (slot, id) in [A, B].into_iter().enumerate() {
            let count = (1 + chance.below(60)).min(facts.len() - told[slot]);
            tell(rig.store(), id, &facts[told[slot]..told[slot] + count]);
            told[slot] += count;
            match chance.below(6) {
                0 => rig.restart(),
                1 => rig.store().settle(),
                2 | 3 => {
                    let seq = told[slot] as u64;
                    let now = Naive::of(&facts[..told[slot]]);
                    now.check(&views(rig.store(), id, seq), "on the way");
                }
                _ => {}
            }
        }
    }
    rig.store().settle();
    for restarted in [false, true] {
        for id in [A, B] {
            let views = views(rig.store(), id, facts.len() as u64);
            let what = if restarted {
                "after a restart"
            } else {
                "at the end"
            };
            Naive::of(&facts).check(&views, what);
        }
        rig.restart();
    }
}

pub(crate) fn views_hold_what_was_waited_for(rig: &mut impl Rig) {
    let store = rig.store();
    for n in 0..50 {
        let seq = tell(store, A, &[naive::opened(n, 1_000 + n as i64)]);
        let views = views(store, A, seq);
        assert_eq!(views.tasks(None, None, 99).unwrap().len() as u128, n + 1);
    }
    store.settle();
    assert_eq!(store.lag(), 0);
    assert_eq!(store.views_lag(), ViewsLag::default());
    assert_eq!(store.tenant(A).unwrap().viewed().seq, 50);
    let nobody = store.tenant(B).unwrap();
    assert_eq!(nobody.await_views(0, Duration::ZERO).seq, 0);
}
