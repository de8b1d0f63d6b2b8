//! Kills a process that commits, at moments it doesn't know, and looks for what it was promised.
#![expect(
    clippy::tests_outside_test_module,
    reason = "a test file is one test module"
)]

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use naos_store::{Append, Entry, InboxRow, Record, SqliteStore, Store};
use naos_types::{BatchId, Digest, Seq, TenantId, Time};

const TEST: &str = "what_was_acknowledged_survives_a_kill";
const CHILD_DIR: &str = "NAOS_STORE_KILL_DIR";
const KILLS: u64 = 18;
const TENANTS: u64 = 3;

fn entry(tenant: u64, seq: Seq) -> Entry {
    Entry {
        seq,
        at: Time(seq as i64),
        kind: Cow::Borrowed("run.finished"),
        version: 1,
        bytes: format!("tenant {tenant} fact {seq}")
            .repeat(1 + seq as usize % 40)
            .into_bytes(),
    }
}

fn answer(tenant: u64, seq: Seq) -> InboxRow {
    InboxRow {
        source: format!("member {tenant}"),
        key: format!("key {seq}"),
        request: Digest([seq as u8; 32]),
        reply: seq.to_le_bytes().to_vec(),
        at: Time(seq as i64),
    }
}

fn append(tenant: u64, expected: Seq, count: u64) -> Append {
    Append {
        tenant: TenantId(u128::from(tenant)),
        expected,
        epoch: 1,
        batch: BatchId(u128::from(expected) + 1),
        entries: (1..=count).map(|n| entry(tenant, expected + n)).collect(),
        bodies: Vec::new(),
        inbox: vec![answer(tenant, expected + count)],
        wake: Some(Time((expected + count) as i64)),
    }
}

/// Commits without end, and says so each time.
fn child(dir: &Path) -> ! {
    let store = SqliteStore::open(dir).expect("a store");
    let tenants: Vec<_> = (1..=TENANTS)
        .map(|n| store.tenant(TenantId(u128::from(n))).expect("a tenant"))
        .collect();
    let mut seqs: Vec<Seq> = tenants
        .iter()
        .map(|t| t.head().expect("a head").seq)
        .collect();
    let mut out = std::io::stdout().lock();
    for round in 0_u64.. {
        let counted = seqs
            .iter()
            .zip(1..)
            .map(|(seq, n)| append(n, *seq, 1 + (round + n) % 3));
        let appends: Vec<_> = counted.collect();
        let results = store.commit(&appends).expect("a commit");
        for (slot, result) in results.into_iter().enumerate() {
            seqs[slot] = result.expect("nobody else writes");
            writeln!(out, "acknowledged {} {}", slot + 1, seqs[slot]).expect("a reader");
            let record = Record {
                kind: Cow::Borrowed("run"),
                id: b"last".to_vec(),
                version: 1,
                seq: seqs[slot],
                open: true,
                bytes: Some(seqs[slot].to_le_bytes().to_vec()),
            };
            tenants[slot].put_records(seqs[slot], vec![record]);
        }
        out.flush().expect("a reader");
    }
    unreachable!("the counter has no end")
}

/// Lets a child run until `lines` were acknowledged and a little longer, and kills it.
fn run_and_kill(dir: &Path, lines: u64, longer_us: u64, acknowledged: &mut HashMap<u64, Seq>) {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([TEST, "--exact", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut note = |line: &str| -> bool {
        let Some(rest) = line.strip_prefix("acknowledged ") else {
            return false;
        };
        // The last line may be cut off where the process died.
        let Some((tenant, seq)) = rest.split_once(' ') else {
            return false;
        };
        let (Ok(tenant), Ok(seq)) = (tenant.parse(), seq.parse()) else {
            return false;
        };
        acknowledged.insert(tenant, seq);
        true
    };
    let mut seen = 0;
    while seen < lines
        && let Some(line) = out.next()
    {
        seen += u64::from(note(&line.expect("a line")));
    }
    assert_eq!(seen, lines, "the child ended by itself");
    let (_never, wait) = mpsc::channel::<()>();
    let _elapsed = wait.recv_timeout(Duration::from_micros(longer_us));
    child.kill().expect("a kill");
    child.wait().expect("an end");
    // What was still in the pipe was acknowledged as well; a line cut off says nothing.
    let mut rest: Vec<String> = out.map_while(Result::ok).collect();
    rest.pop();
    for line in &rest {
        note(line);
    }
}

fn check(dir: &Path, acknowledged: &HashMap<u64, Seq>) {
    let store = SqliteStore::open(dir).expect("a store");
    for (n, seq) in acknowledged {
        let id = TenantId(u128::from(*n));
        let tenant = store.tenant(id).expect("a tenant");
        let head = tenant.head().expect("a head");
        assert!(
            head.seq >= *seq,
            "tenant {n}: {seq} was acknowledged, {} is there",
            head.seq
        );
        assert_eq!(head.wake, Some(Time(head.seq as i64)));
        let entries = tenant.entries(0, usize::MAX).expect("a journal");
        assert_eq!(entries.len() as u64, head.seq);
        for (entry_there, seq) in entries.iter().zip(1..) {
            assert_eq!(*entry_there, entry(*n, seq));
        }
        let row = tenant
            .inbox(&format!("member {n}"), &format!("key {seq}"))
            .expect("an inbox");
        assert_eq!(
            row,
            Some(answer(*n, *seq)),
            "tenant {n}: the answer that came with {seq}"
        );
        let record = tenant.record("run", b"last").expect("a table");
        assert_eq!(record.map_or(0, |record| record.seq), head.records_seq);
        let verified = store.verify(id).expect("a journal");
        assert_eq!((verified.entries, verified.first_bad), (head.seq, None));
    }
    store.close().expect("a clean close");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        child(Path::new(&dir));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut acknowledged = HashMap::new();
    let mut dice = 7_u64;
    for kill in 0..KILLS {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (lines, longer_us) = ((dice >> 33) % 150, (dice >> 13) % 4_000);
        run_and_kill(dir.path(), lines, longer_us, &mut acknowledged);
        // Now and then the next child recovers from several kills.
        if kill % 3 != 1 {
            check(dir.path(), &acknowledged);
        }
    }
}
