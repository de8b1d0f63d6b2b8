//! The live page beside the job: the same router on a socket, on a thread of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::thread::JoinHandle;

use naos_web::Router;
use tokio::sync::oneshot;

use crate::daemon::Daemon;
use crate::fail::Fail;
use crate::project::Project;

/// A page that is served until it is dropped.
pub(crate) struct Page {
    port: u16,
    project: Project,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    /// Serves on `port`, or on any free one where that is taken.
    pub(crate) fn serve(project: &Project, router: Router, port: u16) -> Result<Self, Fail> {
        let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = bind(port)
            .or_else(|_| bind(0))
            .map_err(|e| Fail::io("open a port", &e))?;
        let port = listener
            .local_addr()
            .map_err(|e| Fail::io("open a port", &e))?
            .port();
        let (stop, stopped) = oneshot::channel();
        let runtime = crate::session::runtime()?;
        let serving = move || {
            let until = async move {
                let _ = stopped.await;
            };
            if let Err(error) = runtime.block_on(naos_web::serve(router, listener, until)) {
                tracing::error!(%error, "the page is not served any more");
            }
        };
        let thread = std::thread::Builder::new()
            .name("page".into())
            .spawn(serving);
        let thread = thread.map_err(|e| Fail::io("start a thread", &e))?;
        let pid = std::process::id();
        let daemon = Daemon {
            pid,
            port,
            token_path: project.owner_token(),
            loopback_ports: crate::wire::local_services()?,
        };
        daemon
            .announce(&project.data)
            .map_err(|e| Fail::io("write data/daemon.json", &e))?;
        let (project, stop, thread) = (project.clone(), Some(stop), Some(thread));
        Ok(Self {
            port,
            project,
            stop,
            thread,
        })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        Daemon::withdraw(&self.project.data);
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
