//! Bit rot: whatever bit of whatever database flips, an answer stays or becomes an error.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use naos_types::{BodyRef, TenantId};

use super::super::*;
use super::scratch;
use crate::contract::{A, B, answer, append, record};
use crate::traits::{Append, Store, TenantStore};

/// How many damages one run tries; each opens the store anew.
const DAMAGES: u64 = 150;

struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

struct Asked {
    bodies: Vec<BodyRef>,
}

/// A directory with something in every table.
fn fill(dir: &Path) -> Asked {
    let store = SqliteStore::open(dir).unwrap();
    let mut bodies = Vec::new();
    for id in [A, B] {
        let tenant = store.tenant(id).unwrap();
        for round in 0..20_u64 {
            let seq = round * 60;
            let small = tenant.seal_body(&vec![round as u8; 3_000]).unwrap();
            bodies.push(small.name);
            let inbox = vec![answer("m", &format!("k{round}"), seq as i64)];
            let full = Append {
                bodies: vec![small],
                inbox,
                ..append(id, seq, 60)
            };
            assert!(store.commit(&[full]).unwrap()[0].is_ok());
            let rows = (0..30_u8).map(|n| {
                let text = if n % 3 == 0 { "open" } else { "shut" };
                record("task", &[round as u8, n], seq, Some(text))
            });
            tenant.put_records(seq + 60, rows.collect());
        }
        let large = tenant.seal_body(&[9; 30_000]).unwrap();
        tenant.put_large(&large).unwrap();
        bodies.push(large.name);
    }
    store.close().unwrap();
    Asked { bodies }
}

fn say<T: Debug, E>(answer: Result<T, E>) -> Option<String> {
    answer.ok().map(|answer| format!("{answer:?}"))
}

/// Everything that can be asked; none where the answer is an error.
fn ask(dir: &Path, asked: &Asked) -> Vec<Option<String>> {
    let Ok(store) = SqliteStore::open(dir) else {
        return Vec::new();
    };
    let mut answers = vec![say(store.tenants())];
    for id in [A, B] {
        let Ok(tenant) = store.tenant(id) else {
            continue;
        };
        let mut ask = |answer| answers.push(Some(format!("{id}")).and(answer));
        ask(say(tenant.head()));
        for after in [0, 17, 500, 1_180] {
            ask(say(tenant.entries(after, 90)));
        }
        for n in 0..12 {
            ask(say(tenant.record("task", &[n, n * 2])));
            ask(say(tenant.inbox("m", &format!("k{n}"))));
        }
        ask(say(tenant.record("task", b"none")));
        ask(say(tenant.inbox("m", "none")));
        ask(say(tenant.open_records()));
        ask(say(tenant.scan("task", &[3], None, 50)));
        for name in &asked.bodies {
            ask(say(tenant.body(name)));
        }
        let verified = store
            .verify(id)
            .ok()
            .filter(|verified| verified.first_bad.is_none());
        ask(verified.map(|verified| format!("{verified:?}")));
    }
    store.crash();
    answers
}

fn databases(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.join("system.db"), dir.join("keys/ring.db")];
    for sub in ["log", "tenants"] {
        for entry in fs::read_dir(dir.join(sub)).unwrap() {
            found.push(entry.unwrap().path());
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn flipped_bits_and_zeroed_pages_never_change_an_answer() {
    let good = scratch();
    let asked = fill(good.path());
    let (mut dice, mut errors) = (Dice(42), 0_u64);
    let copies = scratch();
    let untouched = copies.path().join("untouched");
    copy(good.path(), &untouched);
    let expected = ask(&untouched, &asked);
    assert!(expected.len() > 80 && expected.iter().all(Option::is_some));
    let files = databases(good.path());
    for round in 0..DAMAGES {
        let dir = copies.path().join(round.to_string());
        copy(good.path(), &dir);
        let file = &files[dice.next(files.len() as u64) as usize];
        let path = dir.join(file.strip_prefix(good.path()).unwrap());
        let mut bytes = fs::read(&path).unwrap();
        let page = dice.next(bytes.len() as u64 / 4_096) as usize * 4_096;
        if round % 5 == 4 {
            bytes[page..page + 4_096].fill(0);
        } else {
            // Half of them at the front of a page, where the tree's pointers are.
            let within = dice.next(if round % 2 == 0 { 4_096 } else { 128 }) as usize;
            bytes[page + within] ^= 1 << dice.next(8);
        }
        fs::write(&path, bytes).unwrap();
        let answers = ask(&dir, &asked);
        errors += u64::from(answers.len() < expected.len() || answers.contains(&None));
        check(
            &answers,
            &expected,
            &format!("round {round}, {}, page {page}", path.display()),
        );
        fs::remove_dir_all(&dir).unwrap();
    }
    assert!(errors > DAMAGES / 4, "{errors} damages were noticed at all");
}

/// The same answers in the same order, or errors. A tenant that can't be opened is left out.
fn check(answers: &[Option<String>], expected: &[Option<String>], what: &str) {
    let per_tenant = (expected.len() - 1) / 2;
    let starts: &[usize] = match answers.len() {
        0 => &[],
        1 => &[0],
        full if full == expected.len() => &[0],
        _ => &[0, per_tenant],
    };
    let fits = |start: usize| {
        let head = answers[0].is_none() || answers[0] == expected[0];
        let rest = answers.iter().skip(1).zip(&expected[1 + start..]);
        head && rest
            .into_iter()
            .all(|(answer, expected)| answer.is_none() || answer == expected)
    };
    let wrong = !starts.is_empty() && !starts.iter().any(|start| fits(*start));
    if wrong {
        let differ = answers
            .iter()
            .zip(expected)
            .find(|(a, e)| a.is_some() && a != e);
        panic!("another answer after {what}: {differ:?}");
    }
}

#[test]
fn a_log_that_breaks_in_the_middle_is_an_error() {
    let dir = scratch();
    let store = SqliteStore::open(dir.path()).unwrap();
    for seq in 0..10 {
        assert!(store.commit(&[append(A, seq, 1)]).unwrap()[0].is_ok());
    }
    store.settle();
    let copies = scratch();
    let wal = "log/000001.db-wal";
    let len = fs::read(dir.path().join(wal)).unwrap().len();
    let (mut broken, mut whole) = (0, 0);
    // Every frame's head, salts and content in turn, and the log's own head.
    for at in (0..len.min(32 + 16 * 4_120)).step_by(515) {
        let copied = copies.path().join(at.to_string());
        copy(dir.path(), &copied);
        let mut bytes = fs::read(copied.join(wal)).unwrap();
        bytes[at] ^= 0x10;
        fs::write(copied.join(wal), bytes).unwrap();
        match SqliteStore::open(&copied) {
            Ok(store) => {
                match store.tenant(A).and_then(|tenant| tenant.head()) {
                    Ok(head) => {
                        assert_eq!(head.seq, 10, "byte {at}: the tenant's file has them all");
                        whole += 1;
                    }
                    Err(cause) => {
                        assert!(
                            matches!(cause, ReadError::Damaged { .. }),
                            "byte {at}: {cause}"
                        );
                        broken += 1;
                    }
                }
                store.crash();
            }
            Err(OpenError::Damaged { .. }) => broken += 1,
            Err(other) => panic!("byte {at}: {other:?}"),
        }
        fs::remove_dir_all(&copied).unwrap();
    }
    assert!(broken > 20 && whole > 0, "{broken} broken, {whole} whole");
}

#[test]
fn a_row_that_moved_or_changed_is_an_error() {
    let dir = scratch();
    fill(dir.path());
    let path = dir.path().join("tenants").join(format!("{A}.db"));
    type IsNoticed = fn(&dyn TenantStore) -> bool;
    let reads: [(&str, IsNoticed); 6] = [
        ("UPDATE journal SET at = at + 1 WHERE seq = 7", |t| {
            t.entries(0, 50).is_err()
        }),
        ("UPDATE journal SET seq = 70000 WHERE seq = 8", |t| {
            t.entries(7, 50).is_err()
        }),
        (
            "UPDATE records SET open = 1 - open WHERE id = x'0303'",
            |t| t.record("task", &[3, 3]).is_err(),
        ),
        ("UPDATE inbox SET reply = x'00' WHERE key = 'k3'", |t| {
            t.inbox("m", "k3").is_err()
        }),
        ("UPDATE bodies SET sealed = x'00'", |t| {
            t.body(&t.seal_body(&[3; 3_000]).unwrap().name).is_err()
        }),
        ("UPDATE packed SET start = start + 1", |t| {
            t.body(&t.seal_body(&[9; 30_000]).unwrap().name).is_err()
        }),
    ];
    for (sql, is_noticed) in reads {
        let conn = db::open(&path, &tenant_file::TENANT, db::Mode::Normal).unwrap();
        assert!(conn.execute(sql, []).unwrap() > 0, "{sql}");
        drop(conn);
        let store = SqliteStore::open(dir.path()).unwrap();
        assert!(is_noticed(&*store.tenant(A).unwrap()), "{sql}");
        let untouched: TenantId = B;
        assert_eq!(
            store
                .tenant(untouched)
                .unwrap()
                .entries(0, 9_999)
                .unwrap()
                .len(),
            1_200
        );
        store.crash();
    }
}

#[test]
fn a_file_of_another_tenant_is_refused() {
    let dir = scratch();
    fill(dir.path());
    let path = |id: TenantId| dir.path().join("tenants").join(format!("{id}.db"));
    fs::copy(path(B), path(A)).unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    assert!(matches!(
        store.tenant(A).map(drop),
        Err(ReadError::Damaged { .. })
    ));
    assert!(store.tenant(B).is_ok());
    // Its appends are stale, its neighbours' are not.
    let done = store
        .commit(&[append(A, 1_200, 1), append(B, 1_200, 1)])
        .unwrap();
    assert!(done[0].is_err());
    assert_eq!(done[1], Ok(1_201));
}

#[test]
fn the_proof_reads_every_page() {
    let good = scratch();
    fill(good.path());
    let file = format!("tenants/{A}.db");
    let bytes = fs::read(good.path().join(&file)).unwrap();
    let copied = scratch();
    let conn = db::open(
        &good.path().join(&file),
        &tenant_file::TENANT,
        db::Mode::Normal,
    )
    .unwrap();
    let unused: u32 = conn
        .query_row("PRAGMA freelist_count", [], |row| row.get(0))
        .unwrap();
    drop(conn);
    let mut unnoticed = Vec::new();
    for page in 1..bytes.len() / 4_096 {
        let dir = copied.path().join(page.to_string());
        copy(good.path(), &dir);
        let mut damaged = bytes.clone();
        damaged[page * 4_096 + 2_000] ^= 4;
        fs::write(dir.join(&file), damaged).unwrap();
        let noticed = match SqliteStore::open(&dir) {
            Ok(store) => {
                let proof = store.verify(A);
                let other = store.verify(B).unwrap();
                assert_eq!(other.first_bad, None, "page {page}");
                store.crash();
                proof.is_err() || proof.is_ok_and(|proof| proof.first_bad.is_some())
            }
            Err(_) => true,
        };
        if !noticed {
            unnoticed.push(page);
        }
        fs::remove_dir_all(&dir).unwrap();
    }
    assert!(
        unnoticed.len() <= unused as usize,
        "{unnoticed:?} of {unused} unused"
    );
}
