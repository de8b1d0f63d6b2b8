//! A router on a socket: how long a request's head may take and how large it may be, how many
//! connections there are at once, and an end that lets answers finish.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use naos_types::Code;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::Service;

use crate::planted;

/// How long a request's head may take to arrive, and how long a kept connection may be silent.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(15);
/// The largest head of a request: its line and its headers.
pub const HEAD_BYTES_MAX: usize = 32 << 10;
/// How many headers a request may have.
pub const HEADERS_MAX: usize = 100;
/// How many connections there are at once, unless the process may have fewer files.
pub const CONNECTIONS_MAX: usize = 4_096;
/// How long open connections may go on after the end was asked for: live streams have no end of
/// their own.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// How long to wait when the system has no more files to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many callers that were told to come again are waited for, so that they can read it.
const FAREWELLS_MAX: usize = 64;
const FAREWELL_WAIT_MAX: Duration = Duration::from_secs(1);

/// What a server takes from strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// How long a request's head may take to arrive, and how long a kept connection may be silent.
    pub head_wait_max: Duration,
    /// How many connections there are at once.
    pub connections_max: usize,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            head_wait_max: HEAD_WAIT_MAX,
            connections_max: CONNECTIONS_MAX,
        }
    }
}

/// Serves until `shutdown` comes, and then lets requests that are under way end.
///
/// # Errors
/// If the socket can't be used.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    serve_within(router, listener, Admission::default(), shutdown).await
}

/// The same, taking so much and no more from strangers.
///
/// # Errors
/// If the socket can't be used.
pub async fn serve_within(
    router: Router,
    listener: TcpListener,
    admission: Admission,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut server = Server::new(router, admission);
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.admit(stream, peer),
                Err(error) => server.not_accepted(&error).await,
            },
            // Ended ones are taken away, so that the set holds only those that are open.
            Some(_) = server.open.join_next() => {}
            Some(_) = server.farewells.join_next() => {}
        }
    }
    drop(listener);
    server.drain().await;
    Ok(())
}

struct Server {
    router: Router,
    http: http1::Builder,
    places: Arc<Semaphore>,
    open: JoinSet<()>,
    farewells: JoinSet<()>,
    graceful: GracefulShutdown,
}

impl Server {
    fn new(router: Router, admission: Admission) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .max_header_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .header_read_timeout((!planted::slow_heads()).then_some(admission.head_wait_max));
        let places = if planted::connections_without_end() {
            Semaphore::MAX_PERMITS
        } else {
            admission.connections_max
        };
        Self {
            // Once for all: a router without its state makes itself ready at every request.
            router: router.with_state(()),
            http,
            places: Arc::new(Semaphore::new(places)),
            open: JoinSet::new(),
            farewells: JoinSet::new(),
            graceful: GracefulShutdown::new(),
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true); // answers and live events are small and don't wait
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return self.turn_away(stream);
        };
        let (http, router) = (self.http.clone(), self.router.clone());
        let watcher = self.graceful.watcher();
        self.open
            .spawn(hold(stream, peer, http, router, watcher, place));
    }

    /// Says that there are too many, as far as that goes at once.
    fn turn_away(&mut self, stream: TcpStream) {
        if self.farewells.len() < FAREWELLS_MAX {
            self.farewells.spawn(async move {
                let _ = tokio::time::timeout(FAREWELL_WAIT_MAX, farewell(stream)).await;
            });
        }
    }

    async fn not_accepted(&self, error: &std::io::Error) {
        use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        // A caller that went away again is no reason to pause.
        if !matches!(
            error.kind(),
            ConnectionAborted | ConnectionRefused | ConnectionReset
        ) {
            tracing::error!(%error, "no connection can be taken now; naos goes on trying");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    async fn drain(self) {
        let Self {
            mut open, graceful, ..
        } = self;
        let ended = async {
            graceful.shutdown().await;
            while open.join_next().await.is_some() {}
        };
        // What is open after that is dropped with its task.
        let _ = tokio::time::timeout(DRAIN_MAX, ended).await;
    }
}

/// One connection, from its first request to its end.
async fn hold(
    stream: TcpStream,
    peer: SocketAddr,
    http: http1::Builder,
    router: Router,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = router.clone().call(request.map(Body::new));
        async move { Ok::<Response, Infallible>(answering.await.unwrap_or_else(|e| match e {})) }
    });
    let connection = http.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        // Callers break off all the time; only who looks for it wants to know.
        tracing::debug!(%peer, %error, "a connection broke off");
    }
}

/// What a caller beyond the limit reads.
fn full() -> String {
    let entry = Code::BUSY.entry();
    let body = json!({
        "type": format!("urn:naos:error:{}", entry.code),
        "title": entry.title,
        "status": 503,
        "detail": "there are too many connections",
        "code": entry.code,
        "help": entry.help,
    })
    .to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         retry-after: 1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Tells a caller to come again, and waits until it has hung up: a socket that is closed with
/// something unread in it takes back what was said.
async fn farewell(mut stream: TcpStream) -> std::io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(full().as_bytes()).await?;
    stream.shutdown().await?;
    let mut unread = [0; 1 << 10];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
