//! Children: the real `naos` in a scratch project, and the bare server. Each may be held to one
//! core, so that the load has the other.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::bare;
use crate::load::{Answer, Line, request};

/// The core of whoever is measured; the load has the next one.
pub const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";
/// The `naos` to measure, where whoever starts the benchmark has built it.
const BINARY_VARIABLE: &str = "NAOS_BENCH_BINARY";
/// The bug that is awake in the `naos` to measure, where the harness itself is tried.
const PLANTED_VARIABLE: &str = "NAOS_PLANTED_BUG";
/// A server is at rest when it used no processor time for so long.
const REST: Duration = Duration::from_millis(60);

/// Holds this process, the load, to its core. On a machine with one core nothing is held.
pub fn hold_load() {
    let pid = std::process::id().to_string();
    if cores() > 1 {
        let held = Command::new("taskset")
            .args(["-cp", LOAD_CORE, &pid])
            .output();
        held.expect("taskset, of util-linux");
    }
}

fn cores() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("processor"))
        .count()
}

/// A command that may be held to the servers' core.
fn command(program: &Path, held: bool) -> Command {
    if held && cores() > 1 {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(program);
        return command;
    }
    Command::new(program)
}

/// A runtime for the load: one thread, this one.
pub fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// A process that is killed when nobody needs it any more.
pub struct Server {
    child: Child,
    pub port: u16,
    pub token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // one that ended already needs none
        let _ = self.child.wait();
    }
}

impl Server {
    /// The bare server with its journal in `dir`.
    pub fn bare(dir: &Path, held: bool) -> Self {
        let own = std::env::current_exe().expect("our own path");
        let mut command = command(&own, held);
        command.arg(bare::WORD).arg(dir);
        let (child, line) = started(command);
        let port = line.trim().parse().expect("the bare server says its port");
        let token = String::new();
        Self { child, port, token }
    }

    /// SIGKILL: no chance to say goodbye.
    pub fn kill(self) {
        drop(self);
    }

    /// SIGTERM, and waits for the end.
    pub fn end(mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").arg(&pid).status();
        assert!(asked.is_ok_and(|status| status.success()), "kill {pid}");
        let _ = self.child.wait();
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Seconds of processor time so far.
    pub fn busy(&self) -> f64 {
        let ticks = stat(self.child.id(), 13) + stat(self.child.id(), 14);
        ticks / 100.0 // USER_HZ, on every Linux there is
    }

    /// Resident bytes, in MB: all, and those that no file backs.
    pub fn resident(&self) -> (f64, f64) {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let read = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
            kib.unwrap_or(0.0) * 1_024.0 / 1e6
        };
        (read("VmRSS:"), read("RssAnon:"))
    }

    /// Waits until the server has nothing left to do.
    pub async fn rest(&self) {
        let mut before = self.busy();
        loop {
            tokio::time::sleep(REST).await;
            let now = self.busy();
            if now <= before {
                return;
            }
            before = now;
        }
    }

    /// One request of the API, which has to succeed.
    pub async fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let wanted = request(method, path, &self.token, &body);
        let Answer { status, body } = match Line::open(self.port).await {
            Ok(mut line) => line.ask(&wanted).await.expect("an answer"),
            Err(error) => panic!("no connection: {error}"),
        };
        let text = String::from_utf8_lossy(&body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {text}"
        );
        serde_json::from_slice(&body).unwrap_or_default()
    }
}

/// Field `index` of `/proc/PID/stat`, counted from the program's name.
fn stat(pid: u32, index: usize) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = rest.split_whitespace().nth(index - 2);
    field.and_then(|field| field.parse().ok()).unwrap_or(0.0)
}

fn started(mut command: Command) -> (Child, String) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let mut line = String::new();
    let said = child.stdout.take().expect("a pipe");
    let _ = BufReader::new(said).read_line(&mut line); // an empty line is seen by who parses it
    (child, line)
}

/// A scratch project and the binary that works in it.
pub struct Site {
    binary: PathBuf,
    dir: tempfile::TempDir,
    /// Ports on this machine that agents may reach.
    pub ports: Vec<u16>,
    /// Other variables of the binary.
    pub variables: Vec<(String, String)>,
}

impl Site {
    /// An empty folder, whose data is kept in `data`.
    pub fn empty() -> Self {
        Self {
            binary: binary(),
            dir: tempfile::tempdir().expect("a scratch directory"),
            ports: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// A project as `naos init` makes it.
    pub fn new() -> Self {
        let site = Self::empty();
        let made = site.naos(&["init", "."]).output().expect("naos starts");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        site
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command of the binary in this project.
    pub fn naos(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        self.shape(&mut command, words);
        command
    }

    fn shape(&self, command: &mut Command, words: &[&str]) {
        let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
        let settings = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            let ours = name.starts_with("NAOS") || name.starts_with("NEXUS");
            ours && name != PLANTED_VARIABLE
        });
        for name in settings {
            command.env_remove(name);
        }
        command
            .args(words)
            .current_dir(self.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("NAOS_ALLOW_LOOPBACK_PORTS", ports.join(","));
    }

    /// `naos up`, ready to answer.
    pub fn up(&self, held: bool) -> Server {
        let mut command = command(&self.binary, held);
        self.shape(
            &mut command,
            &["up", "--port", "0", "--json", "--data-dir", "data"],
        );
        let (child, line) = started(command);
        let said: Value = serde_json::from_str(&line).expect("naos says where it is");
        let url = said["url"].as_str().unwrap_or_default();
        let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let token = said["token_path"].as_str().unwrap_or_default();
        let token = std::fs::read_to_string(self.path().join(token)).unwrap_or_default();
        Server {
            child,
            port: port.expect("naos says its port"),
            token: token.trim().to_owned(),
        }
    }
}

/// The release binary beside this one, built if it is older than its sources.
fn binary() -> PathBuf {
    static BINARY: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BINARY
        .get_or_init(|| {
            if let Some(given) = std::env::var_os(BINARY_VARIABLE) {
                return given.into();
            }
            let own = std::env::current_exe().expect("our own path");
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let built = Command::new(cargo)
                .args([
                    "build",
                    "--quiet",
                    "--locked",
                    "--release",
                    "--package",
                    "naos",
                ])
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
                .status();
            assert!(
                built.is_ok_and(|status| status.success()),
                "naos doesn't build"
            );
            own.with_file_name("naos")
        })
        .clone()
}
