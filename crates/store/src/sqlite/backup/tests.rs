//! Backups of a store at work: what comes back, what is found, what stays erased.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use naos_types::{BodyRef, Digest, Sealed, SubjectId, TenantId, Time};
use tempfile::TempDir;

use super::item::{FilePart, Item, Items};
use super::sealed::Sealer;
use super::*;
use crate::contract::{A, B, answer, append, record};
use crate::sqlite::tests::scratch;
use crate::traits::{Append, ReadError, Store};

const BESIDE: &[Beside] = &[
    Beside {
        path: "owner.token",
        before: true,
    },
    Beside {
        path: "components",
        before: false,
    },
];
const LOVA: SubjectId = SubjectId(7);

/// A directory with something of everything, and what a reader may ask of it.
struct Office {
    dir: TempDir,
    store: SqliteStore,
    bodies: Vec<BodyRef>,
    sealed: Vec<Sealed>,
}

fn office() -> Office {
    office_of(8)
}

fn office_of(rounds: u64) -> Office {
    let dir = scratch();
    let store = SqliteStore::open(dir.path()).unwrap();
    let (mut bodies, mut sealed) = (Vec::new(), Vec::new());
    for id in [A, B] {
        let tenant = store.tenant(id).unwrap();
        for round in 0..rounds {
            let small = tenant.seal_body(&vec![round as u8; 3_000]).unwrap();
            let large = tenant.seal_body(&vec![round as u8; 30_000]).unwrap();
            tenant.put_large(&large).unwrap();
            bodies.extend([small.name, large.name]);
            sealed.push(tenant.seal(LOVA, b"a word of Lova's").unwrap());
            let full = Append {
                bodies: vec![small],
                inbox: vec![answer("m", &format!("k{round}"), round as i64)],
                ..append(id, round * 300, 300)
            };
            assert!(store.commit(&[full]).unwrap()[0].is_ok());
            let text = if round % 3 == 0 {
                "open kanary"
            } else {
                "shut kanary"
            };
            tenant.put_records(
                round * 300 + 300,
                vec![record("task", &[round as u8], 1, Some(text))],
            );
        }
    }
    fs::write(dir.path().join("owner.token"), "naos_secret\n").unwrap();
    fs::create_dir_all(dir.path().join("components")).unwrap();
    fs::write(
        dir.path().join("components/a.wasm"),
        vec![3; rounds as usize * 40_000],
    )
    .unwrap();
    fs::write(dir.path().join("components/b.wasm"), []).unwrap();
    Office {
        dir,
        store,
        bodies,
        sealed,
    }
}

impl Office {
    fn back_up(&self) -> Vec<u8> {
        let mut file = Vec::new();
        self.store
            .back_up(&mut file, Time(5), "0.1.0", BESIDE)
            .unwrap();
        file
    }

    fn keys(&self) -> BackupKeys {
        keys_again(&BackupKeys::of(self.dir.path()).unwrap())
    }
}

/// What comes back from the file of keys.
fn keys_again(keys: &BackupKeys) -> BackupKeys {
    BackupKeys::parse(&keys.to_bytes()).unwrap()
}

fn prove(file: &[u8], keys: &BackupKeys) -> Result<Contents, BackupError> {
    prove_backup(&mut &*file, keys)
}

fn restore(file: &[u8], keys: &BackupKeys, dir: &Path) -> Result<Contents, BackupError> {
    restore_backup(&mut &*file, keys, dir, BESIDE)
}

fn in_file(store: &SqliteStore, id: TenantId) -> Vec<String> {
    let tenant = store.tenant(id).unwrap();
    let mut said = vec![format!("{:?}", store.verify(id).unwrap())];
    let entries = tenant.entries(0, 10_000).unwrap();
    said.extend(entries.iter().map(|entry| format!("{entry:?}")));
    let records = tenant.scan("task", &[], None, 100).unwrap();
    said.extend(records.iter().map(|record| format!("{record:?}")));
    for round in 0..8 {
        let answer = tenant.inbox("m", &format!("k{round}")).unwrap();
        said.push(format!("{answer:?}"));
    }
    said
}

#[test]
fn what_is_backed_up_comes_back() {
    let office = office();
    let (file, keys) = (office.back_up(), office.keys());
    let proved = prove(&file, &keys).unwrap();
    assert_eq!((proved.facts, proved.bodies, proved.files), (4_800, 32, 3));
    assert_eq!((proved.keys, proved.erased), (4, 0));
    let elsewhere = scratch();
    let restored = restore(&file, &keys, elsewhere.path()).unwrap();
    assert_eq!(restored, proved);
    let store = SqliteStore::open(elsewhere.path()).unwrap();
    assert_eq!(store.tenants().unwrap(), vec![A, B]);
    for (id, told) in [A, B].into_iter().zip(&proved.tenants) {
        assert_eq!(in_file(&store, id), in_file(&office.store, id));
        let verified = store.verify(id).unwrap();
        assert_eq!((told.seq, told.root), (verified.entries, verified.root));
        assert_eq!(told.checkpoints, verified.checkpoints);
    }
    for (at, name) in office.bodies.iter().enumerate() {
        let id = if at < 16 { A } else { B };
        let there = store.tenant(id).unwrap().body(name).unwrap();
        assert_eq!(there.map(|body| body.len() as u64), Some(name.len), "{at}");
    }
    for name in ["owner.token", "components/a.wasm", "components/b.wasm"] {
        let here = fs::read(office.dir.path().join(name)).unwrap();
        assert_eq!(
            fs::read(elsewhere.path().join(name)).unwrap(),
            here,
            "{name}"
        );
    }
    // Every cell is looked at once, and the journal goes on where it ends.
    assert_eq!(store.due(Time(0)).unwrap().len(), 2);
    assert!(store.commit(&[append(A, 2_400, 5)]).unwrap()[0].is_ok());
    store.close().unwrap();
    drop(store);
    let store = SqliteStore::open(elsewhere.path()).unwrap();
    assert_eq!(store.verify(A).unwrap().entries, 2_405);
    assert_eq!(store.verify(A).unwrap().first_bad, None);
}

/// A fact that names the body it came with.
fn naming(id: TenantId, seq: u64, name: BodyRef) -> Append {
    let mut append = append(id, seq, 1);
    append.entries[0].bytes = [&name.digest.0[..], &name.len.to_be_bytes()].concat();
    append
}

fn named(bytes: &[u8]) -> BodyRef {
    let (digest, len) = bytes.split_at(32);
    BodyRef {
        digest: Digest(digest.try_into().unwrap()),
        len: u64::from_be_bytes(len.try_into().unwrap()),
    }
}

#[test]
fn a_backup_while_commits_go_on_is_a_prefix_with_all_that_was_acknowledged() {
    let dir = scratch();
    let store = SqliteStore::open(dir.path()).unwrap();
    let (acked, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let files = std::thread::scope(|scope| {
        let (store, acked, over) = (&store, &acked, &over);
        scope.spawn(move || {
            let tenant = store.tenant(A).unwrap();
            for seq in 0..30_000_u64 {
                // Most bodies travel with their fact, some stand in a pack before it.
                let size = if seq % 16 == 0 { 17_000 } else { 40 };
                let mut content = vec![1; size];
                content[..8].copy_from_slice(&seq.to_be_bytes());
                let body = tenant.seal_body(&content).unwrap();
                let mut next = naming(A, seq, body.name);
                if size > 16_384 {
                    tenant.put_large(&body).unwrap();
                } else {
                    next.bodies.push(body);
                }
                assert!(store.commit(&[next]).unwrap()[0].is_ok());
                acked.store(seq + 1, Ordering::Release);
                if over.load(Ordering::Acquire) {
                    return;
                }
            }
        });
        while acked.load(Ordering::Acquire) == 0 {
            std::thread::yield_now();
        }
        store.settle(); // the tenant's file is there, and falls behind again
        let made = (0..6).map(|_| {
            let least = acked.load(Ordering::Acquire);
            let mut file = Vec::new();
            let made = store.back_up(&mut file, Time(1), "0.1.0", BESIDE);
            (least, made.map(|_| file))
        });
        let files: Vec<_> = made.collect();
        over.store(true, Ordering::Release);
        files
    });
    let keys = BackupKeys::of(dir.path()).unwrap();
    let own = store.tenant(A).unwrap();
    for (least, file) in files {
        let elsewhere = scratch();
        restore(&file.unwrap(), &keys, elsewhere.path()).unwrap();
        let restored = SqliteStore::open(elsewhere.path()).unwrap();
        let seq = restored.tenant(A).unwrap().head().unwrap().seq;
        assert!(seq >= least, "{least} were acknowledged, {seq} are there");
        let tenant = restored.tenant(A).unwrap();
        for entry in tenant.entries(0, 40_000).unwrap() {
            let name = named(&entry.bytes);
            assert!(
                tenant.body(&name).unwrap().is_some(),
                "the body of {}",
                entry.seq
            );
        }
        let there = own.entries(0, seq as usize).unwrap();
        assert_eq!(tenant.entries(0, 40_000).unwrap(), there);
    }
}

#[test]
fn a_flipped_bit_and_a_missing_end_are_found_anywhere() {
    let office = office_of(1);
    let (file, keys) = (office.back_up(), office.keys());
    let step = file.len() / 29;
    for at in (0..file.len()).step_by(step).chain([file.len() - 1]) {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(prove(&changed, &keys).is_err(), "byte {at}");
        assert!(prove(&file[..at], &keys).is_err(), "cut at {at}");
    }
    for (at, newer) in [(10, false), (11, true)] {
        let mut changed = file.clone();
        changed[at] ^= 4;
        let is_newer = matches!(prove(&changed, &keys), Err(BackupError::Newer { .. }));
        assert_eq!(
            is_newer, newer,
            "byte {at}: no naos has the thousandth format"
        );
    }
    let half = scratch();
    assert!(restore(&file[..file.len() / 2], &keys, half.path()).is_err());
    let keys = keys.to_bytes();
    for at in 0..keys.len() {
        let mut changed = keys.to_vec();
        changed[at] ^= 1 << (at % 8);
        assert!(
            BackupKeys::parse(&changed).is_err(),
            "byte {at} of the keys"
        );
        assert!(BackupKeys::parse(&keys[..at]).is_err(), "keys cut at {at}");
    }
}

#[test]
fn what_was_erased_since_stays_erased() {
    let office = office();
    let file = office.back_up();
    let old = office.keys();
    office.store.destroy(A, LOVA).unwrap();
    office.store.destroy(B, SubjectId::TENANT).unwrap();
    let keys = office.keys();
    let proved = prove(&file, &keys).unwrap();
    assert_eq!((proved.keys, proved.erased), (4, 2));
    let elsewhere = scratch();
    restore(&file, &keys, elsewhere.path()).unwrap();
    let store = SqliteStore::open(elsewhere.path()).unwrap();
    let gone = store.tenant(A).unwrap().open(&office.sealed[0]);
    assert!(matches!(gone, Err(ReadError::Erased(LOVA))), "{gone:?}");
    let there = store.tenant(A).unwrap().body(&office.bodies[0]).unwrap();
    assert!(there.is_some(), "the rest is there");
    let gone = store.tenant(B).unwrap().body(&office.bodies[16]);
    assert!(matches!(gone, Err(ReadError::Erased(_))), "{gone:?}");
    for id in [A, B] {
        assert_eq!(store.verify(id).unwrap().first_bad, None);
    }
    // A backup made after it has nothing to give back either, whatever keys are left.
    let later = office.back_up();
    assert_eq!(prove(&later, &keys).unwrap().erased, 2);
    assert_eq!(
        prove(&later, &old).unwrap().erased,
        0,
        "the old keys are what must go"
    );
}

#[test]
fn keys_of_another_node_or_from_before_are_refused() {
    let office = office();
    let before = office.keys();
    let other = scratch();
    drop(SqliteStore::open(other.path()).unwrap());
    let others = BackupKeys::of(other.path()).unwrap();
    assert!(!others.same_node(&before) && before.same_node(&office.keys()));
    let newcomer = SubjectId(8);
    office
        .store
        .tenant(A)
        .unwrap()
        .seal(newcomer, b"new")
        .unwrap();
    let file = office.back_up();
    assert!(matches!(prove(&file, &others), Err(BackupError::OtherKeys)));
    let missing = prove(&file, &before);
    assert!(
        matches!(missing, Err(BackupError::OldKeys { tenant: A, subject }) if subject == newcomer),
        "{missing:?}"
    );
    let not_one = prove(b"#!/bin/sh\nls\n", &before);
    assert!(matches!(not_one, Err(BackupError::Foreign { .. })));
}

#[test]
fn a_body_that_is_damaged_or_gone_is_no_part_of_a_backup() {
    for damage in [true, false] {
        let office = office();
        office.store.settle();
        let pack = office.dir.path().join("bodies/000001.pack");
        if damage {
            let mut bytes = fs::read(&pack).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&pack, bytes).unwrap();
        } else {
            fs::remove_file(&pack).unwrap();
        }
        let made = office.store.back_up(&mut Vec::new(), Time(1), "0.1.0", &[]);
        assert!(matches!(made, Err(BackupError::Source(_))), "{made:?}");
    }
}

#[test]
fn nothing_can_be_read_without_keys() {
    let office = office();
    let file = office.back_up();
    for canary in ["kanary", "naos_secret", "done m k1", "SQLite format"] {
        let found = file
            .windows(canary.len())
            .any(|part| part == canary.as_bytes());
        assert!(!found, "{canary}");
    }
}

#[test]
fn no_file_lands_outside_its_place() {
    let office = office();
    let keys = office.keys();
    for path in [
        "../x",
        "/tmp/x",
        "components/../x",
        "components/",
        "components/a/b",
        "keys/x",
    ] {
        let mut file = Vec::new();
        let mut items = Items::new(Sealer::begin(&mut file, &keys.node).unwrap());
        items.put(&Item::Start { naos: "x", at: 1 }).unwrap();
        let (offset, bytes) = (0, &b"x"[..]);
        items
            .put(&Item::File(FilePart {
                path,
                offset,
                bytes,
            }))
            .unwrap();
        items.put(&Item::End { items: 2 }).unwrap();
        items.end().unwrap();
        let elsewhere = scratch();
        let refused = restore(&file, &keys, elsewhere.path());
        assert!(
            matches!(refused, Err(BackupError::Damaged { .. })),
            "{path}"
        );
    }
}
