//! How many facts a second are made durable, sealed, hashed and filled in, beside what SQLite
//! itself does with the same callers in the same run: `commit_speed [DIR] [FACTS] [ROUNDS]`.
//!
//! 64 callers wait for each fact before they send the next. One thread commits all that is
//! queued. The clock stops when everything stands in the tenants' files.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::borrow::Cow;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Instant;

use naos_store::{Append, Entry, SqliteStore, Store};
use naos_types::{BatchId, TenantId, Time};
use tokio::sync::oneshot;

const CALLERS: usize = 64;
const FACT_BYTES: usize = 250;
/// What one commit takes at most.
const COMMIT_FACTS_MAX: usize = 512;

type Request = (usize, Vec<u8>, oneshot::Sender<()>);

/// Sends `facts` in all from 64 tasks on one thread.
fn drive(facts: usize, requests: &mpsc::Sender<Request>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let tasks = tokio::task::LocalSet::new();
    let left = Rc::new(Cell::new(facts));
    for caller in 0..CALLERS {
        let (requests, left) = (requests.clone(), Rc::clone(&left));
        tasks.spawn_local(async move {
            while left.get() > 0 {
                left.set(left.get() - 1);
                let (done, wait) = oneshot::channel();
                requests
                    .send((caller, vec![caller as u8; FACT_BYTES], done))
                    .expect("a taker");
                wait.await.expect("an answer");
            }
        });
    }
    runtime.block_on(tasks);
}

/// All that is queued, waiting for the first.
fn gather(requests: &mpsc::Receiver<Request>, into: &mut Vec<Request>) -> bool {
    let Ok(first) = requests.recv() else {
        return false;
    };
    into.push(first);
    while into.len() < COMMIT_FACTS_MAX
        && let Ok(next) = requests.try_recv()
    {
        into.push(next);
    }
    true
}

/// The limit: rows of the same size in one table, one commit for all that is queued.
fn limit(path: &Path, facts: usize) -> f64 {
    let conn = rusqlite::Connection::open(path).expect("a file");
    conn.pragma_update(None, "journal_mode", "WAL")
        .expect("WAL");
    conn.pragma_update(None, "synchronous", "FULL")
        .expect("FULL");
    conn.execute_batch(
        "CREATE TABLE step(id INTEGER PRIMARY KEY, wf INTEGER NOT NULL, n INTEGER NOT NULL,
         out BLOB NOT NULL); CREATE UNIQUE INDEX step_wf ON step(wf, n);",
    )
    .expect("a table");
    let (sender, receiver) = mpsc::channel();
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut count, mut queued) = (0_i64, Vec::new());
            while gather(&receiver, &mut queued) {
                conn.execute_batch("BEGIN IMMEDIATE")
                    .expect("a transaction");
                let mut insert = conn
                    .prepare_cached("INSERT INTO step(wf,n,out) VALUES(?1,?2,?3)")
                    .expect("a statement");
                for (_, bytes, _) in &queued {
                    count += 1;
                    insert.execute((count, 1, bytes)).expect("a row");
                }
                conn.execute_batch("COMMIT").expect("a commit");
                for (.., done) in queued.drain(..) {
                    let _gone = done.send(());
                }
            }
        });
        drive(facts, &sender);
        drop(sender);
    });
    facts as f64 / started.elapsed().as_secs_f64()
}

fn commit_all(store: &SqliteStore, seqs: &mut [u64], tenants: usize, queued: &mut Vec<Request>) {
    let mut appends: Vec<Append> = Vec::new();
    let mut index = vec![usize::MAX; tenants];
    let mut acks = Vec::with_capacity(queued.len());
    for (caller, bytes, done) in queued.drain(..) {
        let tenant = caller % tenants;
        if index[tenant] == usize::MAX {
            index[tenant] = appends.len();
            appends.push(Append {
                tenant: TenantId(tenant as u128 + 1),
                expected: seqs[tenant],
                epoch: 1,
                batch: BatchId(1),
                entries: Vec::new(),
                bodies: Vec::new(),
                inbox: Vec::new(),
                wake: None,
            });
        }
        seqs[tenant] += 1;
        appends[index[tenant]].entries.push(Entry {
            seq: seqs[tenant],
            at: Time(seqs[tenant] as i64),
            kind: Cow::Borrowed("run.finished"),
            version: 1,
            bytes,
        });
        acks.push(done);
    }
    let results = store.commit(&appends).expect("a commit");
    assert!(results.iter().all(Result::is_ok), "nobody else writes");
    for done in acks {
        let _gone = done.send(());
    }
}

/// Facts a second until they are acknowledged, and until they stand in files; and a commit's.
fn naos(dir: &Path, facts: usize, tenants: usize) -> (f64, f64, f64) {
    let store = SqliteStore::open(dir).expect("a store");
    let (sender, receiver) = mpsc::channel();
    let started = Instant::now();
    let mut commits = 0_u64;
    std::thread::scope(|scope| {
        let (store, commits) = (&store, &mut commits);
        scope.spawn(move || {
            let (mut seqs, mut queued) = (vec![0; tenants], Vec::new());
            while gather(&receiver, &mut queued) {
                *commits += 1;
                commit_all(store, &mut seqs, tenants, &mut queued);
            }
        });
        drive(facts, &sender);
        drop(sender);
    });
    let acknowledged = facts as f64 / started.elapsed().as_secs_f64();
    store.settle();
    let settled = facts as f64 / started.elapsed().as_secs_f64();
    let began = Instant::now();
    let verified = store.verify(TenantId(1)).expect("a journal");
    let rate = verified.entries as f64 / began.elapsed().as_secs_f64();
    assert_eq!(verified.first_bad, None);
    if tenants == 1 {
        println!("  verify: {rate:.0} entries/s of {}", verified.entries);
    }
    store.close().expect("a clean close");
    (acknowledged, settled, facts as f64 / commits as f64)
}

fn main() {
    let mut args = std::env::args().skip(1);
    let base = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let facts: usize = args
        .next()
        .map_or(200_000, |text| text.parse().expect("a number"));
    let rounds: usize = args
        .next()
        .map_or(3, |text| text.parse().expect("a number"));
    for round in 1..=rounds {
        let dir = base.join(format!("commit-speed-{}-{round}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory");
        let limit = limit(&dir.join("limit.db"), facts);
        println!("round {round}: limit {limit:.0} facts/s");
        for (name, tenants) in [("one tenant x 64", 1), ("64 tenants x 1", CALLERS)] {
            let (acknowledged, settled, batch) = naos(&dir.join(name), facts, tenants);
            let ratio = settled / limit;
            println!(
                "  {name}: {settled:.0} facts/s filled in ({ratio:.2} of the limit), \
                 {acknowledged:.0} acknowledged, {batch:.1} a commit"
            );
        }
        std::fs::remove_dir_all(&dir).expect("its own directory");
    }
}
