//! What the machine can do at most: a journal in SQLite, one writer thread, one sync for all that
//! is queued; records of 200 bytes, nothing else. The denominator of durable figures.

use std::path::Path;
use std::sync::mpsc;

use tokio::sync::oneshot;

/// Bytes for the journal, and who hears that they are durable.
pub type Request = (Vec<u8>, oneshot::Sender<()>);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS step(id INTEGER PRIMARY KEY, wf INTEGER NOT NULL, \
    n INTEGER NOT NULL, out BLOB NOT NULL); \
    CREATE UNIQUE INDEX IF NOT EXISTS step_wf ON step(wf, n);";

/// The journal and its thread, which ends when every sender is gone.
pub fn journal(path: &Path) -> (mpsc::Sender<Request>, std::thread::JoinHandle<()>) {
    let connection = rusqlite::Connection::open(path).expect("a scratch database");
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .expect("WAL");
    connection
        .pragma_update(None, "synchronous", "FULL")
        .expect("FULL");
    connection.execute_batch(SCHEMA).expect("the schema");
    let (lane, end) = mpsc::channel::<Request>();
    let thread = std::thread::spawn(move || {
        let mut records = 0_i64;
        let mut waiting = Vec::new();
        while let Ok(first) = end.recv() {
            connection.execute_batch("BEGIN IMMEDIATE").expect("begin");
            {
                let sql = "INSERT INTO step(wf, n, out) VALUES (?1, ?2, ?3)";
                let mut insert = connection.prepare_cached(sql).expect("the statement");
                let mut next = Some(first);
                while let Some((bytes, told)) = next {
                    records += 1;
                    insert.execute((records, 0, bytes)).expect("an insert");
                    waiting.push(told);
                    next = if waiting.len() < 4_096 {
                        end.try_recv().ok()
                    } else {
                        None
                    };
                }
            }
            connection.execute_batch("COMMIT").expect("commit");
            for told in waiting.drain(..) {
                let _ = told.send(());
            }
        }
    });
    (lane, thread)
}

/// `callers` at once, `count` records in all, each waiting for its own durability: records per
/// second, and the latency of each in seconds.
pub fn records(dir: &Path, callers: usize, count: usize) -> (f64, Vec<f64>) {
    let scratch = tempfile::tempdir_in(dir).expect("a scratch directory"); // each has its own
    let (lane, thread) = journal(&scratch.path().join("limit.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let began = naos_engine::clock::tick();
    let latencies = runtime.block_on(async move {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..callers {
            let lane = lane.clone();
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                for _ in 0..count / callers {
                    let began = naos_engine::clock::tick();
                    let (tell, told) = oneshot::channel();
                    lane.send((vec![5; 200], tell)).expect("the journal runs");
                    told.await.expect("an acknowledgement");
                    latencies.push(began.elapsed().as_secs_f64());
                }
                latencies
            });
        }
        drop(lane);
        tasks.join_all().await.concat()
    });
    let rate = latencies.len() as f64 / began.elapsed().as_secs_f64();
    thread.join().expect("the journal ends");
    (rate, latencies)
}
