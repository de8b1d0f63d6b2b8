//! What facts take away is gone from the disk, and whoever asks hears by whom it went.

use std::fs;
use std::path::Path;

use naos_types::fact::{Fact, document};
use naos_types::{Actor, BodyRef, DocPath, StagedBody, Time};

use super::super::*;
use super::Disk;
use crate::contract::{A, B, Rig, append, erasing};
use crate::traits::{Append, Entry, Store};

/// A fact that names a content.
fn written(body: BodyRef) -> Entry {
    let fact = Fact::from(document::Written {
        path: DocPath::new("a.md").unwrap(),
        version: 1,
        body,
        run: None,
        by: Actor::System,
    });
    Entry {
        kind: fact.kind().into(),
        version: fact.version(),
        bytes: fact.encode(),
        ..crate::contract::entry(1)
    }
}

fn commit(disk: &Disk, append: Append) {
    assert!(disk.get().commit(&[append]).unwrap()[0].is_ok());
}

/// How many files of a directory hold these bytes.
fn holding(dir: &Path, bytes: &[u8]) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += holding(&path, bytes);
        } else {
            let all = fs::read(&path).unwrap_or_default();
            count += usize::from(all.windows(bytes.len()).any(|part| part == bytes));
        }
    }
    count
}

fn segments(disk: &Disk) -> Vec<u64> {
    super::super::node_log::segments(&disk.dir.path().join("log")).unwrap()
}

/// Two contents of A, a small one and one in a pack, and one of B.
fn with_contents() -> (Disk, StagedBody, StagedBody) {
    let disk = Disk::open();
    let tenant = disk.get().tenant(A).unwrap();
    let small = tenant.seal_body(&[5; 9_000]).unwrap();
    let large = tenant.seal_body(&[7; 40_000]).unwrap();
    tenant.put_large(&large).unwrap();
    let first = Append {
        entries: vec![written(small.name)],
        bodies: vec![small.clone()],
        ..append(A, 0, 0)
    };
    commit(&disk, first);
    let mut second = written(large.name);
    second.seq = 2;
    commit(
        &disk,
        Append {
            entries: vec![second],
            ..append(A, 1, 0)
        },
    );
    commit(&disk, append(B, 0, 3));
    (disk, small, large)
}

#[test]
fn what_is_erased_is_gone_from_the_disk() {
    let (mut disk, small, large) = with_contents();
    disk.get().settle();
    let (piece, other) = (&small.sealed[40..104], &large.sealed[40..104]);
    assert!(holding(disk.dir.path(), piece) > 0);
    assert!(holding(disk.dir.path(), other) > 0);
    let before = segments(&disk)[0]; // behind it stands the next one, with nothing in it
    let erased = Append {
        entries: vec![erasing(3, &[small.name, large.name])],
        ..append(A, 2, 0)
    };
    commit(&disk, erased);
    disk.get().settle();
    // Logs go a moment later, on another thread.
    let is_there = |disk: &Disk| {
        let dir = disk.dir.path();
        let log = segments(disk).contains(&before);
        log || holding(dir, piece) + holding(dir, other) > 0
    };
    for at in 0.. {
        if !is_there(&disk) {
            break;
        }
        assert!(at < 500, "it stays: {:?}", segments(&disk));
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    assert_eq!(disk.get().verify(A).unwrap().first_bad, None);
    commit(&disk, append(A, 3, 1));
    disk.restart();
    assert_eq!(disk.get().verify(A).unwrap().first_bad, None);
    assert_eq!(disk.get().verify(B).unwrap().entries, 3);
    let tenant = disk.get().tenant(A).unwrap();
    assert!(tenant.body(&small.name).is_err() && tenant.body(&large.name).is_err());
    assert_eq!(tenant.head().unwrap().seq, 4);
}

#[test]
fn a_content_that_went_without_a_word_is_named() {
    let (mut disk, small, _) = with_contents();
    disk.get().close().unwrap();
    let path = disk.get().node.tenant_path(A);
    let conn = db::open(&path, &tenant_file::TENANT, db::Mode::Normal).unwrap();
    let sum = tenant_file::body_sum(A, &small.name, &[]).done();
    conn.execute(
        "UPDATE bodies SET sealed = x'', sum = ?1 WHERE digest = ?2",
        rusqlite::params![sum, small.name.digest.0],
    )
    .unwrap();
    drop(conn);
    disk.store = None;
    disk.store = Some(SqliteStore::open(disk.dir.path()).unwrap());
    let found = disk.get().verify(A).unwrap();
    assert_eq!(found.first_bad, Some(1), "{found:?}");
    let fault = found.fault.unwrap();
    assert!(fault.contains("no entry says so"), "{fault}");
}

#[test]
fn a_backup_holds_nothing_of_what_was_erased() {
    let (disk, small, large) = with_contents();
    let erased = Append {
        entries: vec![erasing(3, &[small.name, large.name])],
        ..append(A, 2, 0)
    };
    commit(&disk, erased);
    let mut file = Vec::new();
    let keys = BackupKeys::of(disk.dir.path()).unwrap();
    disk.get()
        .back_up(&mut file, Time(5), "0.1.0", &[])
        .unwrap();
    prove_backup(&mut &*file, &keys).unwrap();
    let elsewhere = super::scratch();
    restore_backup(&mut &*file, &keys, elsewhere.path(), &[]).unwrap();
    let store = SqliteStore::open(elsewhere.path()).unwrap();
    assert_eq!(store.verify(A).unwrap().first_bad, None);
    let tenant = store.tenant(A).unwrap();
    for name in [small.name, large.name] {
        let read = tenant.body(&name);
        assert!(
            matches!(read, Err(crate::traits::ReadError::BodyErased(_))),
            "{read:?}"
        );
    }
}
