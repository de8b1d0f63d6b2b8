//! Requests to end this process: Ctrl-C, SIGTERM, and a terminal that goes away (SIGHUP).

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::fail::Fail;
use crate::out::aside;

/// The exit status of what was interrupted, as shells have it: 128 and the signal's number.
pub(crate) const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;
const HUNG_UP: u8 = 129;

/// Requests to end this process, as they come.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// None where whoever started this process has it live on (`nohup`).
    hangup: Option<Signal>,
}

impl Interrupts {
    /// From here on they are noted instead of obeyed.
    pub(crate) fn listen(runtime: &Runtime) -> Result<Self, Fail> {
        let _within = runtime.enter();
        let listen = |kind| signal(kind).map_err(|e| Fail::io("listen to signals", &e));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: match outlives_its_terminal() {
                true => None,
                false => Some(listen(SignalKind::hangup())?),
            },
        })
    }

    /// Waits for one: the exit status that goes with it.
    pub(crate) async fn come(&mut self) -> u8 {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
            _ = hangup => HUNG_UP,
        }
    }

    /// Waits, and says whether one came since the last look.
    pub(crate) fn come_within(&mut self, runtime: &Runtime, pause: Duration) -> Option<u8> {
        runtime.block_on(async {
            tokio::select! {
                biased;
                status = self.come() => Some(status),
                () = tokio::time::sleep(pause) => None,
            }
        })
    }
}

/// Whether SIGHUP is ignored: listening to it would undo that.
#[expect(
    unsafe_code,
    reason = "the standard library doesn't know of dispositions of signals"
)]
fn outlives_its_terminal() -> bool {
    let mut now = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: sigaction(2) reads nothing where it is given nothing, and writes to the one structure
    // that it is given, which is ours and is looked at only where it says that it wrote it.
    unsafe {
        libc::sigaction(libc::SIGHUP, std::ptr::null(), now.as_mut_ptr()) == 0
            && now.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// What keeps a command from waiting on.
pub(crate) enum Called {
    /// Somebody else wants the directory, and may have it.
    Away,
    /// This process is to end, with this exit status.
    ToEnd(u8),
}

/// The first request to end, kept until a command that waits can obey it in order.
pub(crate) struct Ending {
    heard: watch::Receiver<Option<u8>>,
    /// Whether the command has something that is to be ended in order.
    holds: Arc<AtomicBool>,
    listener: JoinHandle<()>,
    /// The command that shows what was begun.
    look: Option<&'static str>,
}

impl Ending {
    /// Listens from here on. Who asks a second time before the first was obeyed ends it at once.
    pub(crate) fn listen(runtime: &Runtime, look: Option<&'static str>) -> Result<Self, Fail> {
        let mut interrupts = Interrupts::listen(runtime)?;
        let (tell, heard) = watch::channel(None);
        let holds = Arc::new(AtomicBool::new(true));
        let held = Arc::clone(&holds);
        let listener = runtime.spawn(async move {
            let mut status = interrupts.come().await;
            if held.load(Ordering::Acquire) {
                let _ = tell.send(Some(status)); // nobody may wait
                status = interrupts.come().await;
            } else {
                say(look, false);
            }
            std::process::exit(i32::from(status));
        });
        Ok(Self {
            heard,
            holds,
            listener,
            look,
        })
    }

    /// While it holds nothing, the first request ends it at once.
    pub(crate) fn holds(&self, something: bool) {
        self.holds.store(something, Ordering::Release);
    }

    /// Waits for the first request: the exit status that goes with it.
    pub(crate) async fn come(&self) -> u8 {
        let mut heard = self.heard.clone();
        let status = heard.wait_for(Option::is_some).await.ok();
        match status.and_then(|status| *status) {
            Some(status) => status,
            None => pending().await,
        }
    }

    /// It is obeyed: others hear the next request.
    pub(crate) fn obeyed(&self, is_daemon: bool) {
        self.listener.abort();
        say(self.look, is_daemon);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Whoever waits no longer hears what becomes of the work.
fn say(look: Option<&str>, is_daemon: bool) {
    match look {
        Some(look) if is_daemon => {
            aside(format!(
                "interrupted: what was begun goes on; `{look}` shows it"
            ));
        }
        Some(look) => aside(format!(
            "interrupted: what was begun is kept, and goes on with `naos up`, or at the next \
             command that gives work; `{look}` shows it"
        )),
        None => {}
    }
}
