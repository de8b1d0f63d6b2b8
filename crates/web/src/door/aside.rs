//! Long reads, off the threads that serve everybody: a list over thousands of records holds up
//! its own caller only.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use naos_types::Code;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::error::Fault;
use crate::planted;
use crate::router::{Least, Row};

/// How many long reads there are at once; more wait for their turn.
pub(crate) const LONG_READS_MAX: usize = 8;
/// How long a long read waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_secs(10);

/// Whether a route reads much: lists and pages do. One thing by its name is a small read, and so
/// is what is open to all; what changes something waits for its cell, not for the disk.
pub(super) fn is_long(row: &Row) -> bool {
    row.method == "GET" && row.least != Least::Open && !row.path.ends_with('}')
}

/// Runs to its end on a thread that may block.
pub(super) async fn aside<F>(places: &Arc<Semaphore>, reading: F) -> Result<F::Output, Fault>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if planted::reads_in_the_way() {
        return Ok(reading.await);
    }
    let place = Arc::clone(places).acquire_owned();
    let Ok(Ok(place)) = tokio::time::timeout(TURN_WAIT_MAX, place).await else {
        return Err(Fault::new(Code::BUSY, "too many long lists are being read"));
    };
    let handle = Handle::current();
    let read = tokio::task::spawn_blocking(move || {
        let _place = place; // until it ends, even if its caller has gone
        handle.block_on(reading)
    });
    let broke = |_| Fault::new(Code::INTERNAL, "reading broke off");
    read.await.map_err(broke)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::router::TABLE;

    #[tokio::test]
    async fn a_long_read_holds_nobody_up() {
        let places = Arc::new(Semaphore::new(1));
        let (go_on, told) = mpsc::channel();
        let long = aside(&places, async move {
            told.recv_timeout(Duration::from_secs(20)) // as a read that takes its time
        });
        // On the only thread there is: it comes to this only while the read is elsewhere.
        let other = async {
            tokio::task::yield_now().await;
            let _ = go_on.send("the others went on");
        };
        let (read, ()) = tokio::join!(long, other);
        assert_eq!(read.unwrap(), Ok("the others went on"));
        assert_eq!(places.available_permits(), 1, "its place is given back");
    }

    #[test]
    fn lists_and_pages_are_long_and_one_thing_is_not() {
        let of = |wanted: bool| {
            let rows = TABLE.iter().filter(move |row| is_long(row) == wanted);
            rows.map(|row| (row.method, row.path)).collect::<Vec<_>>()
        };
        let (long, small) = (of(true), of(false));
        for path in [
            "/api/v1/runs",
            "/api/v1/audit",
            "/api/v1/documents",
            "/api/v1/agents/{name}/log",
            "/api/v1/agents/{name}/recall",
            "/agents/{name}/log",
            "/board",
            "/",
        ] {
            assert!(long.contains(&("GET", path)), "{path}");
        }
        for path in ["/healthz", "/api/v1/agents/{name}", "/api/v1/runs/{id}"] {
            assert!(small.contains(&("GET", path)), "{path}");
        }
        assert!(long.iter().all(|(method, _)| *method == "GET"));
    }
}
