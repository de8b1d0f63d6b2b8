//! A router on a socket.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;

/// How long open connections may go on after the end was asked for: live streams have no end of
/// their own.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// Serves until `shutdown` comes, and then lets requests that are under way end.
///
/// # Errors
/// If the socket can't be used.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (ended, hear) = tokio::sync::oneshot::channel();
    let until = async move {
        shutdown.await;
        let _ = ended.send(());
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(until);
    let drained = async move {
        let _ = hear.await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        result = async { serving.await } => result,
        () = drained => Ok(()),
    }
}
