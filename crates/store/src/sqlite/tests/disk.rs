//! What only a directory can do: locks, formats, segments, files that come and go.

use std::fs;
use std::path::Path;

use naos_ledger::{Checkpoint, parse_vkey};
use naos_types::{SubjectId, TenantId, Time};

use super::super::*;
use super::{Disk, scratch};
use crate::contract::{A, B, Rig, append, record};
use crate::traits::{Append, Store, TenantStore};

fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

fn open_error(dir: &Path) -> OpenError {
    match SqliteStore::open(dir) {
        Ok(_) => panic!("it opened"),
        Err(cause) => cause,
    }
}

#[test]
fn a_clean_close_leaves_main_files_only() {
    let disk = Disk::open();
    for seq in 0..5 {
        let appends = [append(A, seq * 40, 40), append(B, seq * 40, 40)];
        assert!(
            disk.get()
                .commit(&appends)
                .unwrap()
                .iter()
                .all(Result::is_ok)
        );
    }
    let tenant = disk.get().tenant(A).unwrap();
    assert_eq!(tenant.entries(0, 3).unwrap().len(), 3);
    disk.get().close().unwrap();
    let left = files(disk.dir.path());
    assert!(
        left.iter()
            .all(|name| !name.contains("-wal") && !name.contains("-shm")),
        "{left:?}"
    );
    let logs = fs::read_dir(disk.dir.path().join("log")).unwrap().count();
    assert_eq!(logs, 1, "{left:?}");
    assert!(
        disk.get().commit(&[append(A, 200, 1)]).is_err(),
        "it is closed"
    );
    drop((tenant, disk.store));
    let store = SqliteStore::open(disk.dir.path()).unwrap();
    assert_eq!(store.tenant(A).unwrap().head().unwrap().seq, 200);
    let verified = store.verify(A).unwrap();
    assert_eq!(
        (verified.entries, verified.first_bad, verified.checkpoints),
        (200, None, 1)
    );
}

#[test]
fn nobody_else_enters_a_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = scratch();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let store = SqliteStore::open(&data).unwrap();
    let mode = fs::metadata(&data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    store.close().unwrap();
}

#[test]
fn a_directory_has_one_owner() {
    let disk = Disk::open();
    let taken = open_error(disk.dir.path());
    assert!(matches!(taken, OpenError::Taken { pid: Some(pid), .. } if pid == std::process::id()));
    disk.get().close().unwrap();
    SqliteStore::open(disk.dir.path()).unwrap();
}

#[test]
fn newer_and_foreign_files_are_refused_by_name() {
    for (file, layout) in [
        ("system.db", &system::SYSTEM),
        ("keys/ring.db", &keys::RING),
    ] {
        let disk = Disk::open();
        disk.get().close().unwrap();
        let conn = db::open(&disk.dir.path().join(file), layout, db::Mode::Normal).unwrap();
        conn.pragma_update(None, "user_version", 9).unwrap();
        drop(conn);
        let newer = open_error(disk.dir.path());
        assert!(
            matches!(
                &newer,
                OpenError::Newer {
                    found: 9,
                    ours: 1,
                    ..
                }
            ),
            "{newer:?}"
        );
    }
    let disk = Disk::open();
    assert!(disk.get().commit(&[append(A, 0, 1)]).unwrap()[0].is_ok());
    disk.get().close().unwrap();
    let path = disk.dir.path().join("tenants").join(format!("{A}.db"));
    let conn = db::open(&path, &tenant_file::TENANT, db::Mode::Normal).unwrap();
    conn.pragma_update(None, "user_version", 2).unwrap();
    drop(conn);
    let store = SqliteStore::open(disk.dir.path()).unwrap();
    let refused = store.tenant(A).map(drop);
    assert!(
        matches!(
            refused,
            Err(ReadError::Newer {
                found: 2,
                ours: 1,
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn permission_is_told_from_other_errors() {
    use std::io::{Error, ErrorKind};
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        let told = OpenError::io(Path::new("data"), Error::from(kind));
        assert!(matches!(told, OpenError::ReadOnly { .. }), "{told:?}");
    }
    let told = OpenError::io(Path::new("data"), Error::from(ErrorKind::NotADirectory));
    assert!(matches!(told, OpenError::Io { .. }), "{told:?}");
}

#[test]
fn what_is_gone_is_missed() {
    type Loss = fn(&Path);
    let losses: [(&str, Loss); 4] = [
        ("a tenant's file", |dir| {
            fs::remove_file(dir.join("tenants").join(format!("{A}.db"))).unwrap();
        }),
        ("the node key", |dir| {
            fs::remove_file(dir.join("keys/node.key")).unwrap();
        }),
        ("a key file's bit", |dir| {
            let mut bytes = fs::read(dir.join("keys/sign.key")).unwrap();
            bytes[3] ^= 4;
            fs::write(dir.join("keys/sign.key"), bytes).unwrap();
        }),
        ("a pack", |dir| {
            fs::remove_file(dir.join("bodies/000001.pack")).unwrap();
        }),
    ];
    for (what, lose) in losses {
        let disk = Disk::open();
        let tenant = disk.get().tenant(A).unwrap();
        let large = tenant.seal_body(&[1; 20_000]).unwrap();
        tenant.put_large(&large).unwrap();
        assert!(disk.get().commit(&[append(A, 0, 3)]).unwrap()[0].is_ok());
        disk.get().close().unwrap();
        lose(disk.dir.path());
        let Ok(store) = SqliteStore::open(disk.dir.path()) else {
            continue;
        };
        let Ok(tenant) = store.tenant(A) else {
            continue;
        };
        assert!(tenant.body(&large.name).is_err(), "{what}");
    }
}

#[test]
fn a_lost_log_is_noticed_after_a_crash() {
    let mut disk = Disk::open();
    for seq in 0..80 {
        assert!(disk.get().commit(&[append(A, seq, 1)]).unwrap()[0].is_ok());
        disk.get().settle();
    }
    disk.get().crash();
    disk.store = None;
    for entry in fs::read_dir(disk.dir.path().join("log")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let lost = open_error(disk.dir.path());
    assert!(matches!(lost, OpenError::Damaged { .. }), "{lost:?}");
}

#[test]
fn segments_come_and_go() {
    let mut disk = Disk::open();
    let mut seq = 0;
    for round in 0..60 {
        let mut wide = append(A, seq, 20);
        wide.entries[0].bytes = vec![round; 9_000];
        assert!(disk.get().commit(&[wide]).unwrap()[0].is_ok());
        seq += 20;
        if round % 20 == 9 {
            disk.get().settle();
        }
        if round % 20 == 15 {
            disk.restart();
        }
    }
    let logs = node_log::segments(&disk.dir.path().join("log")).unwrap();
    assert!(logs.last().unwrap() > &8, "{logs:?}");
    disk.get().close().unwrap();
    assert_eq!(
        node_log::segments(&disk.dir.path().join("log"))
            .unwrap()
            .len(),
        1
    );
    disk.store = Some(SqliteStore::open(disk.dir.path()).unwrap());
    let tenant = disk.get().tenant(A).unwrap();
    let seqs: Vec<_> = tenant
        .entries(0, 9_999)
        .unwrap()
        .iter()
        .map(|e| e.seq)
        .collect();
    assert_eq!(seqs, (1..=seq).collect::<Vec<_>>());
}

#[test]
fn checkpoints_are_signed_and_chain() {
    let disk = Disk::open();
    for round in 0..5 {
        let mut append = append(A, round * 500, 500);
        for entry in &mut append.entries {
            entry.at = Time(1_000 + round as i64);
        }
        assert!(disk.get().commit(&[append]).unwrap()[0].is_ok());
        disk.get().settle();
    }
    // A minute later one more entry is reason enough.
    let mut late = append(A, 2_500, 1);
    late.entries[0].at = Time(1_000 + signed_tree::CHECKPOINT_MS * 2);
    assert!(disk.get().commit(&[late]).unwrap()[0].is_ok());
    disk.get().settle();
    let tenant = disk.get().sqlite_tenant(A).unwrap();
    let stored = tenant.checkpoints(0).unwrap();
    let sizes: Vec<_> = stored.iter().map(|checkpoint| checkpoint.size).collect();
    assert_eq!(sizes, [1_000, 2_000, 2_501]);
    let (key, name) = parse_vkey(&disk.get().vkey()).unwrap();
    for checkpoint in &stored {
        let read = Checkpoint::parse_and_verify(&checkpoint.note, &key, &name).unwrap();
        assert_eq!(
            (read.size, read.origin),
            (checkpoint.size, format!("naos/{A}"))
        );
    }
    assert_eq!(tenant.checkpoints(2_000).unwrap().len(), 1);
    assert_eq!(disk.get().verify(A).unwrap().checkpoints, 3);
}

#[test]
fn a_rewritten_journal_does_not_verify() {
    let disk = Disk::open();
    assert!(disk.get().commit(&[append(A, 0, 1_500)]).unwrap()[0].is_ok());
    disk.get().close().unwrap();
    let path = disk.dir.path().join("tenants").join(format!("{A}.db"));
    let changes = [
        (
            "UPDATE journal SET bytes = x'00' WHERE seq = 700",
            Some(700),
        ),
        ("DELETE FROM journal WHERE seq = 400", Some(400)),
        ("DELETE FROM journal WHERE seq > 100", Some(101)),
        (
            "UPDATE checkpoint SET note = replace(note, 'naos', 'soan')",
            None,
        ),
    ];
    for (sql, first_bad) in changes {
        let copy = scratch();
        let target = copy.path().join("journal.db");
        fs::copy(&path, &target).unwrap();
        let conn = db::open(&target, &tenant_file::TENANT, db::Mode::Normal).unwrap();
        assert!(conn.execute(sql, []).unwrap() > 0, "{sql}");
        drop(conn);
        let verified = verify::verify(&target, A, &disk.get().node.signer, None);
        match first_bad {
            Some(_) => assert_eq!(verified.unwrap().first_bad, first_bad, "{sql}"),
            None => assert!(verified.is_err(), "{sql}"),
        }
    }
}

#[test]
fn a_thousand_tenants_take_few_files() {
    let disk = Disk::open();
    let ids: Vec<_> = (1..=300_u128).map(TenantId).collect();
    for round in 0..2 {
        for chunk in ids.chunks(50) {
            let appends: Vec<_> = chunk.iter().map(|id| append(*id, round, 1)).collect();
            assert!(
                disk.get()
                    .commit(&appends)
                    .unwrap()
                    .iter()
                    .all(Result::is_ok)
            );
        }
        disk.get().settle();
        for id in &ids {
            let tenant = disk.get().tenant(*id).unwrap();
            assert_eq!(tenant.entries(0, 9).unwrap().len() as u64, round + 1);
        }
    }
    let files_of_tenants = filler::WRITERS_COUNT_MAX + readers::READERS_COUNT_MAX;
    let most = 3 * (files_of_tenants + viewer::VIEWS_COUNT_MAX) + 60;
    let open = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open <= most && most < 1_024, "{open} files are open");
    disk.get().close().unwrap();
    assert_eq!(files(&disk.dir.path().join("tenants")).len(), ids.len());
}

#[test]
fn an_erased_tenant_takes_no_more_and_harms_nobody() {
    let mut disk = Disk::open();
    assert!(
        disk.get()
            .commit(&[append(A, 0, 1), append(B, 0, 1)])
            .unwrap()[1]
            .is_ok()
    );
    disk.erase(A, SubjectId::TENANT);
    disk.restart();
    let done = disk
        .get()
        .commit(&[append(A, 1, 1), append(B, 1, 1)])
        .unwrap();
    assert!(done[0].is_err());
    assert_eq!(done[1], Ok(2));
    assert_eq!(
        disk.get().verify(A).unwrap().first_bad,
        None,
        "the chain still verifies"
    );
}

#[test]
fn the_last_batch_is_known() {
    let mut disk = Disk::open();
    assert_eq!(
        disk.get().sqlite_tenant(A).unwrap().last_batch().unwrap(),
        None
    );
    let Append { batch, .. } = append(A, 0, 1);
    assert!(disk.get().commit(&[append(A, 0, 1)]).unwrap()[0].is_ok());
    for _ in 0..2 {
        let tenant = disk.get().sqlite_tenant(A).unwrap();
        assert_eq!(tenant.last_batch().unwrap(), Some(batch));
        tenant.put_records(1, vec![record("task", b"t", 1, Some("x"))]);
        drop(tenant);
        disk.get().settle();
        disk.restart();
    }
}

#[test]
fn nothing_in_the_directory_is_plain() {
    let disk = Disk::open();
    let tenant = disk.get().tenant(A).unwrap();
    let secret = b"Rasoamanarivo";
    let sealed = tenant.seal(SubjectId(7), secret).unwrap();
    let body = tenant.seal_body(secret).unwrap();
    let mut full = append(A, 0, 1);
    full.entries[0].bytes = sealed.bytes;
    full.bodies = vec![body];
    full.entries[0].kind = "message.sent".into();
    assert!(disk.get().commit(&[full]).unwrap()[0].is_ok());
    // Before and after filling: the log must not tell kinds either.
    let scan = |place: &str, needle: &[u8]| {
        let dir = disk.dir.path().join(place);
        let all = fs::read_dir(dir)
            .unwrap()
            .map(|entry| fs::read(entry.unwrap().path()).unwrap());
        all.into_iter()
            .any(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
    };
    assert!(!scan("log", b"message.sent"));
    disk.get().settle();
    for place in ["log", "tenants", "keys"] {
        if place != "keys" {
            assert!(!scan(place, secret), "{place}");
        }
    }
    assert!(
        scan("tenants", b"message.sent"),
        "the search finds what is there"
    );
}
