//! `/backup`: the whole node as one sealed stream. It is of no use without the node's keys, and
//! those never leave through here.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use http::header;
use naos_store::BackupError;
use naos_types::Code;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::door::{Answered, Call};
use crate::error::Fault;

/// How many pieces may wait for a slow reader.
const PIECES_MAX: usize = 4;
/// How long one may wait: a reader that hangs mustn't hold a tenant's file for ever.
const PIECE_WAIT_MAX: Duration = Duration::from_secs(60);

/// A piece, or why there are no more.
type Piece = Result<Bytes, BackupError>;

/// Gives on what is written, as fast as it is read.
struct Pieces {
    runtime: Handle,
    to: Sender<Piece>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.to.send(Ok(Bytes::copy_from_slice(bytes)));
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(PIECE_WAIT_MAX, sent).await });
        match sent {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_)) => Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "whoever asked for it is gone",
            )),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "whoever asked for it reads no more",
            )),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fault(cause: &BackupError) -> Fault {
    Fault::new(cause.code(), cause.told())
}

/// All tenants at once: only for whoever owns the node.
pub(crate) async fn take(call: Call) -> Answered {
    let app = &call.desk.app;
    let nothing = || Fault::new(Code::NOT_FOUND, "nothing stands at this address");
    if call.who()?.tenant != app.main {
        return Err(nothing());
    }
    let back_up = app.back_up.clone().ok_or_else(nothing)?;
    let busy = |_| Fault::new(Code::BUSY, "another backup is being made");
    let turn = Arc::clone(&call.desk.backing_up)
        .try_acquire_owned()
        .map_err(busy)?;
    let (to, mut pieces) = channel(PIECES_MAX);
    let (runtime, now) = (Handle::current(), call.now);
    tokio::task::spawn_blocking(move || {
        let mut to = Pieces { runtime, to };
        if let Err(cause) = back_up(&mut to, now) {
            tracing::warn!(cause = cause.told(), "a backup broke off");
            // Whoever is gone needn't hear it.
            let _ = to.to.blocking_send(Err(cause));
        }
        drop(turn);
    });
    // What is wrong from the start is answered as an error; later the stream breaks off.
    let first = match pieces.recv().await {
        Some(Ok(first)) => first,
        Some(Err(cause)) => return Err(fault(&cause)),
        None => return Err(Fault::new(Code::INTERNAL, "the backup broke off")),
    };
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    // Asked again after its end, it ends again.
    let body = unfold((Some(first), pieces), next).fuse();
    Ok((kind, Body::from_stream(body)).into_response())
}

type Rest = (Option<Bytes>, Receiver<Piece>);

async fn next((first, mut pieces): Rest) -> Option<(io::Result<Bytes>, Rest)> {
    let piece = match first {
        Some(first) => Ok(first),
        None => pieces.recv().await?.map_err(io::Error::other),
    };
    Some((piece, (None, pieces)))
}
