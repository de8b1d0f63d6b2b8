//! `naos up`

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use naos_engine::node::Happened;
use naos_types::fact::{Fact, plan};
use naos_types::{Code, PlanStatus};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Context, Ended};
use crate::daemon::Daemon;
use crate::descriptors;
use crate::fail::Fail;
use crate::handover::Queue;
use crate::interrupts::Interrupts;
use crate::office;
use crate::out::Out;
use crate::project::Project;
use crate::session::{self, Session};
use crate::sync;
use crate::wire::{BuildError, Machine};

const PORT: u16 = 4200;
/// How long a daemon that says it is up may already be dying.
const DYING_MAX: Duration = Duration::from_secs(1);
/// How long the end waits for answers that are paid: less than what whoever starts services gives.
const FINISH_MAX: Duration = Duration::from_secs(25);

/// Runs naos in the foreground until Ctrl-C: agents, API and page. Other commands talk to it.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  naos up\n  naos up --port 0                  # any free port\n  \
    naos up --host 0.0.0.0 --behind-proxy --allow-host naos.example.org"
)]
pub(crate) struct Up {
    /// The port; 0 for any free one.
    #[arg(long, short, env = "NEXUS_DASH_PORT")]
    port: Option<u16>,
    /// The address to listen on.
    #[arg(long, env = "NEXUS_DASH_HOST")]
    host: Option<IpAddr>,
    /// Says that something in front of naos speaks TLS: needed for any other address than this
    /// machine's own.
    #[arg(long)]
    behind_proxy: bool,
    /// A name that naos answers to beside localhost, as often as needed.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Opens the page.
    #[arg(long)]
    open: bool,
}

pub(crate) fn go(context: &Context, up: &Up, page: bool) -> Ended {
    let project = context.project()?;
    let address = address(&project, up)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Fail::io("start", &e))?;
    let machine = claim(&project, &runtime, &up.allow_host)?;
    let serve = |_| serve(context, up, page, &project, &runtime, &machine, address);
    let ended = machine.recall.load().and_then(serve);
    Daemon::withdraw(&project.data);
    machine.close();
    ended
}

/// Flags before environment before configuration before defaults.
fn address(project: &Project, up: &Up) -> Result<SocketAddr, Fail> {
    let (mut host, mut port) = (None, None);
    if let Some(config) = &project.config {
        let document = sync::document(config, project.label(config))?;
        // What is wrong with the rest of it is said when it is applied.
        if let Ok(read) = naos_manifest::parse_document(
            &document.label,
            &document.text,
            &naos_manifest::NoFiles,
            &naos_manifest::NoChecks,
        ) && let Some(settings) = read.project
        {
            (host, port) = (settings.dashboard.host, settings.dashboard.port);
        }
    }
    let host = match (up.host, host.as_deref()) {
        (Some(host), _) => host,
        (None, None | Some("localhost")) => IpAddr::from([127, 0, 0, 1]),
        (None, Some(text)) => text.parse().map_err(|_| {
            Fail::usage(format!(
                "the configuration's dashboard.host {text:?} is no address"
            ))
            .help("for example 127.0.0.1")
        })?,
    };
    if host == IpAddr::V6(std::net::Ipv6Addr::LOCALHOST) {
        let what = "commands reach the daemon at 127.0.0.1, so it can't listen on ::1 alone";
        return Err(Fail::usage(what).help("leave --host out"));
    }
    let proxied = up.behind_proxy && host.is_unspecified();
    if !(host.is_loopback() || proxied) {
        let what = format!("{host} can be reached from elsewhere, and naos itself speaks no TLS");
        return Err(Fail::usage(what).help(
            "leave --host out, or put a proxy with TLS in front and say --host 0.0.0.0 \
             --behind-proxy",
        ));
    }
    Ok(SocketAddr::new(host, up.port.or(port).unwrap_or(PORT)))
}

/// Opens the data. A short-lived command lets go of it soon; another daemon doesn't.
fn claim(project: &Project, runtime: &Runtime, hosts: &[String]) -> Result<Machine, Fail> {
    let mut queue = Queue::new(&project.data);
    loop {
        match Machine::build(project, runtime, hosts.to_vec(), Vec::new(), None) {
            Ok(machine) => return Ok(machine),
            Err(BuildError::Failed(fail)) => return Err(fail),
            Err(BuildError::Taken(pid)) => {
                // One that was killed may hold the directory for a moment longer.
                let is_up = Daemon::of(&project.data).is_some() && queue.waited() >= DYING_MAX;
                if is_up || !queue.wait(runtime, pid) {
                    return Err(session::taken(project, pid));
                }
            }
        }
    }
}

fn serve(
    context: &Context,
    up: &Up,
    page: bool,
    project: &Project,
    runtime: &Runtime,
    machine: &Machine,
    address: SocketAddr,
) -> Ended {
    let listener = TcpListener::bind(address).map_err(|e| binding(address, &e))?;
    let address = listener.local_addr().map_err(|e| Fail::io("listen", &e))?;
    machine.begin()?;
    let mut interrupts = Interrupts::listen(runtime)?;
    let router = machine.router.clone();
    let admission = naos_web::Admission {
        connections_max: descriptors::room_for_connections(),
        ..naos_web::Admission::default()
    };
    let serving = runtime.spawn(naos_web::serve_within(
        router,
        listener,
        admission,
        async move {
            interrupts.come().await;
        },
    ));
    let daemon = Daemon {
        pid: std::process::id(),
        port: address.port(),
        token_path: project.owner_token(),
        loopback_ports: machine.loopback_ports.clone(),
    };
    daemon
        .announce(&project.data)
        .map_err(|e| Fail::io("say where this daemon is, in data/daemon.json", &e))?;
    crate::desktop::watch(runtime, machine.node(), machine.main);
    let couriers = runtime.spawn(machine.couriers.clone().run());
    let reports = runtime.spawn(write_reports(
        project.clone(),
        machine.node().watch(machine.main),
    ));
    welcome(&context.out, project, machine, address, page || up.open);
    if up.open {
        open_page(&context.out, address);
    }
    // The daemon's own files are applied through its own door, as every command's are.
    let applied = Session::open(project, None)
        .and_then(|mut session| sync::if_changed(&mut session, &context.out));
    match applied {
        Ok(unread) => sync::say_unread(&unread),
        Err(fail) => {
            fail.show(context.out.json, context.out.colour);
            context
                .out
                .note("The project's files were not applied; what is there goes on.");
        }
    }
    let served = runtime.block_on(serving);
    couriers.abort();
    reports.abort();
    machine.finish(runtime, FINISH_MAX, Duration::ZERO);
    match served {
        Ok(Ok(())) => {
            context.out.note("Stopped; what was acknowledged is kept.");
            Ok(0)
        }
        Ok(Err(error)) => Err(Fail::io("serve", &error)),
        Err(_) => Err(Fail::new(Code::INTERNAL, "serving ended with a panic")),
    }
}

/// Writes what was approved on the page where people look for it, as `naos approve` does: at the
/// end of each plan, and what ended before.
async fn write_reports(project: Project, mut happened: Receiver<Arc<Happened>>) {
    let Some(home) = office::home(&project) else {
        return;
    };
    loop {
        let (project, home) = (project.clone(), home.clone());
        let write = move || {
            let mut session = Session::open(&project, None)?;
            office::deliver::deliver(&mut session, &home)
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(delivered)) => {
                for path in delivered.written {
                    tracing::info!(path = %path.display(), "a report was written");
                }
            }
            Ok(Err(fail)) => tracing::warn!(why = fail.what, "the reports were not written"),
            Err(_) => return,
        }
        loop {
            match happened.recv().await {
                Ok(news) if news.facts.iter().any(|(_, _, fact)| completes(fact)) => break,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break, // one of them may have been an end
                Err(RecvError::Closed) => return,
            }
        }
    }
}

fn completes(fact: &Fact) -> bool {
    let Fact::Plan(plan::Fact::Closed(f)) = fact else {
        return false;
    };
    // Partial: an agent failed on a part of it, which the report names.
    matches!(f.status, PlanStatus::Completed | PlanStatus::Partial)
}

fn binding(address: SocketAddr, error: &std::io::Error) -> Fail {
    let fail = Fail::io(format!("listen on {address}"), error);
    match error.kind() {
        ErrorKind::AddrInUse => fail.help("another program has the port: choose one with --port"),
        ErrorKind::PermissionDenied => {
            fail.help("ports below 1024 are the system's: choose another")
        }
        _ => fail,
    }
}

fn welcome(out: &Out, project: &Project, machine: &Machine, address: SocketAddr, page: bool) {
    let url = url(address);
    if out.json {
        let token = project.owner_token();
        out.json(&json!({"url": url, "pid": std::process::id(), "token_path": token}));
        return;
    }
    out.say(format!("naos is up at {url} (Ctrl-C stops it)"));
    if machine.created || page {
        let token = project.owner_token();
        out.say(format!("Sign in with the token in {}", token.display()));
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{}:{}", own_host(address), address.port())
}

/// How this machine itself reaches the address.
fn own_host(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() => "127.0.0.1".into(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        ip => ip.to_string(),
    }
}

fn open_page(out: &Out, address: SocketAddr) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let opened = std::process::Command::new(opener)
        .arg(url(address))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    if opened.is_err() {
        out.note(format!("Open {} in a browser.", url(address)));
    }
}
