//! Files that are gone, cut or changed: named at the start or by the proof, never passed over.

use std::fs;

use super::super::*;
use super::{Disk, scratch};
use crate::contract::{A, B, Rig, append};
use crate::traits::{Append, CommitError, Store};

/// A journal whose fact names a large content, closed.
fn with_a_pack() -> Disk {
    use naos_types::fact::{Fact, event};
    let disk = Disk::open();
    let tenant = disk.get().tenant(A).unwrap();
    let body = tenant.seal_body(&[7; 40_000]).unwrap();
    tenant.put_large(&body).unwrap();
    let fact = Fact::from(event::Published {
        event: naos_types::EventId(1),
        topic: "a.b".into(),
        data: body.name,
        by: naos_types::Actor::System,
        origin: Box::default(),
    });
    let mut names = append(A, 0, 1);
    names.entries[0].kind = fact.kind().into();
    names.entries[0].version = fact.version();
    names.entries[0].bytes = fact.encode();
    let appends: [Append; 1] = [names];
    assert!(disk.get().commit(&appends).unwrap()[0].is_ok());
    assert_eq!(disk.get().verify(A).unwrap().first_bad, None);
    disk.get().close().unwrap();
    disk
}

fn refused(disk: &mut Disk) -> String {
    disk.store = None;
    match SqliteStore::open(disk.dir.path()) {
        Ok(_) => panic!("it opened"),
        Err(cause) => {
            assert!(matches!(cause, OpenError::Damaged { .. }), "{cause:?}");
            cause.to_string()
        }
    }
}

#[test]
fn a_pack_that_is_gone_or_cut_is_named_at_the_start() {
    let mut disk = with_a_pack();
    let path = disk.dir.path().join("bodies/000001.pack");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(refused(&mut disk).contains("000001.pack"));
    fs::remove_file(&path).unwrap();
    assert!(refused(&mut disk).contains("000001.pack"));
    fs::write(&path, &whole).unwrap();
    SqliteStore::open(disk.dir.path()).unwrap();
}

#[test]
fn the_proof_reads_what_facts_name() {
    let mut disk = with_a_pack();
    let path = disk.dir.path().join("bodies/000001.pack");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20_000] ^= 1;
    fs::write(&path, &bytes).unwrap();
    disk.restart();
    let found = disk.get().verify(A).unwrap();
    assert_eq!((found.entries, found.first_bad), (1, Some(1)), "{found:?}");
    assert!(found.fault.unwrap().contains("body"));
    fs::remove_file(&path).unwrap();
    assert_eq!(disk.get().verify(A).unwrap().first_bad, Some(1));
}

#[test]
fn a_lost_ring_is_never_made_anew() {
    let mut disk = with_a_pack();
    let path = disk.dir.path().join("keys/ring.db");
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(refused(&mut disk).contains("ring.db"));
    assert!(!path.exists());
    fs::write(&path, b"").unwrap();
    assert!(refused(&mut disk).contains("ring.db"));
    for byte in (100..whole.len()).step_by(97) {
        let mut flipped = whole.clone();
        flipped[byte] ^= 4;
        fs::write(&path, &flipped).unwrap();
        assert!(refused(&mut disk).contains("ring.db"), "byte {byte}");
    }
    fs::write(&path, &whole).unwrap();
    let store = SqliteStore::open(disk.dir.path()).unwrap();
    assert_eq!(store.verify(A).unwrap().first_bad, None);
}

#[test]
fn no_space_for_an_index_is_a_full_disk() {
    let dir = scratch();
    let plan = faults::watch(dir.path());
    let store = SqliteStore::open(dir.path()).unwrap();
    assert!(store.commit(&[append(A, 0, 3)]).unwrap()[0].is_ok());
    store.close().unwrap();
    drop(store);
    plan.fail(0, faults::Fault::Full, true);
    let Err(full) = SqliteStore::open(dir.path()) else {
        panic!("it opened");
    };
    assert!(matches!(full, OpenError::Full { .. }), "{full:?}");
    plan.heal();
    let store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.tenant(A).unwrap().head().unwrap().seq, 3);
}

/// A real file system, a small one; where nobody may mount one, the test before is all there is.
#[test]
fn a_real_full_disk_is_called_so_and_comes_back() {
    let dir = scratch();
    let small = dir.path().join("small");
    fs::create_dir(&small).unwrap();
    let mount = |words: &[&str]| {
        let done = std::process::Command::new(words[0])
            .args(&words[1..])
            .arg(&small)
            .output();
        done.is_ok_and(|done| done.status.success())
    };
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs"]) {
        return;
    }
    let data = small.join("data");
    let store = SqliteStore::open(&data).unwrap();
    assert!(store.commit(&[append(A, 0, 3)]).unwrap()[0].is_ok());
    let junk = small.join("junk");
    let fill = || {
        let mut file = fs::File::create(&junk).unwrap();
        while std::io::Write::write_all(&mut file, &[1; 4_096]).is_ok() {}
        while std::io::Write::write_all(&mut file, &[1; 1]).is_ok() {}
    };
    let before = store.writable();
    fill();
    let meanwhile = store.writable();
    fs::remove_file(&junk).unwrap();
    let after = store.writable();
    store.close().unwrap();
    drop(store);
    fill();
    let full = SqliteStore::open(&data).err();
    fs::remove_file(&junk).unwrap();
    let back = SqliteStore::open(&data).map(|store| store.tenant(A).unwrap().head().unwrap().seq);
    assert!(mount(&["umount", "-l"]));
    assert!(matches!(full, Some(OpenError::Full { .. })), "{full:?}");
    assert!(matches!(meanwhile, Err(CommitError::Full)), "{meanwhile:?}");
    assert!(before.is_ok() && after.is_ok(), "{before:?} {after:?}");
    assert_eq!(back.unwrap(), 3);
}

#[test]
fn lives_that_end_anyhow_and_do_nothing_lose_nothing() {
    for seed in 0..6_u64 {
        let mut disk = Disk::open();
        let mut chance = seed;
        let (mut heads, mut story) = ([(A, 0), (B, 0)], String::new());
        for _ in 0..60 {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            match (chance >> 33) % 8 {
                which @ 0..4 => {
                    let (tenant, head) = &mut heads[usize::from(which % 2 == 1)];
                    let done = disk.get().commit(&[append(*tenant, *head, 3)]).unwrap();
                    assert!(done[0].is_ok(), "seed {seed}: {story}: {done:?}");
                    *head += 3;
                    story.push('w');
                }
                4 => {
                    disk.get().settle();
                    story.push('f');
                }
                5 | 6 => {
                    disk.get().crash();
                    story.push('k');
                    reopen(&mut disk, &story);
                }
                _ => {
                    disk.get().close().unwrap();
                    story.push('c');
                    reopen(&mut disk, &story);
                }
            }
            for (tenant, head) in heads {
                let there = disk.get().tenant(tenant).unwrap().head().unwrap().seq;
                assert_eq!(there, head, "seed {seed}: {story}");
            }
        }
        for (tenant, head) in heads {
            let found = disk.get().verify(tenant).unwrap();
            assert_eq!(
                (found.entries, found.first_bad),
                (head, None),
                "seed {seed}"
            );
        }
    }
}

fn reopen(disk: &mut Disk, story: &str) {
    disk.store = None;
    let store = SqliteStore::open(disk.dir.path());
    disk.store = Some(store.unwrap_or_else(|cause| panic!("{story}: {cause}")));
}
