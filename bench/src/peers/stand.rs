//! The peers' servers, each a child of this process, and the programs that measure the others.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use naos_engine::clock::tick;

use crate::load::{Line, request};

/// How long a server may take until it answers.
const READY: Duration = Duration::from_secs(60);

/// How long a script of PostgreSQL's runs.
pub const QUEUE_SECONDS: usize = 3;

/// Where they listen; Restate's own are fixed in its defaults.
pub mod ports {
    pub const RESTATE: u16 = 8_080;
    pub const RESTATE_ADMIN: u16 = 9_070;
    pub const TYPESCRIPT: u16 = 9_180;
    pub const RUST: u16 = 9_182;
    pub const POSTGRES: u16 = 5_544;
    pub const NATS: u16 = 4_333;
}

/// A child that ends with us.
pub struct Peer {
    child: Child,
    log: PathBuf,
}

impl Peer {
    /// Starts one; what it says goes to `log`.
    fn start(command: &mut Command, log: PathBuf) -> Result<Self, String> {
        let said = File::create(&log).and_then(|file| Ok((file.try_clone()?, file)));
        let (stdout, stderr) =
            said.map_err(|why| format!("there is no room for its log: {why}"))?;
        let command = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        match command.spawn() {
            Ok(child) => Ok(Self { child, log }),
            Err(why) if why.kind() == ErrorKind::NotFound => Err("it isn't installed".into()),
            Err(why) => Err(format!("it can't be started: {why}")),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it takes connections.
    async fn answers(&mut self, port: u16) -> Result<(), String> {
        let until = tick() + READY;
        while tick() < until {
            // Another one may listen there, in its place.
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.complaint(&format!("it ended by itself ({status})")));
            }
            if Line::open(port).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(self.complaint(&format!("it doesn't answer at {port}")))
    }

    /// What is wrong, and the last that it said itself.
    fn complaint(&self, what: &str) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        match last {
            Some(last) => format!("{what}; it said: {:.200}", last.trim()),
            None => what.to_owned(),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Politely, so that a server with children of its own ends them too.
        let _ = Command::new("kill").arg(self.id().to_string()).status();
        let until = tick() + Duration::from_secs(10);
        while tick() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who is there.
pub struct Stand {
    home: PathBuf,
    pub restate: Option<Peer>,
    services: Vec<(&'static str, Peer)>,
    postgres: Option<Peer>,
    nats: Option<Peer>,
    /// Who isn't, and why.
    pub missing: Vec<(&'static str, String)>,
    /// Dropped last: the others write there.
    dir: tempfile::TempDir,
}

/// Asks until the answer is a yes.
async fn accepted(port: u16, ask: &[u8]) -> Result<(), String> {
    let (until, mut why) = (tick() + READY, String::new());
    while tick() < until {
        let told = match Line::open(port).await {
            Ok(mut line) => tokio::time::timeout(READY, line.ask(ask)).await,
            Err(error) => Ok(Err(error)),
        };
        why = match told {
            Ok(Ok(answer)) if (200..300).contains(&answer.status) => return Ok(()),
            Ok(Ok(answer)) => format!("it was answered {}", answer.status),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "nobody answered in time".into(),
        };
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(why)
}

/// A program of PostgreSQL, which Debian keeps beside the path.
fn of_postgres(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let found = versions
        .flatten()
        .map(|entry| entry.path().join("bin").join(name));
    let found = found.filter(|path| path.exists()).max();
    found.unwrap_or_else(|| name.into())
}

/// PostgreSQL refuses to be root.
fn as_postgres(program: &Path) -> Command {
    let root = std::fs::read_to_string("/proc/self/status").is_ok_and(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("Uid:"));
        line.and_then(|line| line.split_whitespace().next()) == Some("0")
    });
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn ran(command: &mut Command) -> bool {
    let done = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    done.status().is_ok_and(|status| status.success())
}

impl Stand {
    /// Starts all that are installed.
    pub async fn up(home: &Path) -> Self {
        let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        let mut stand = Self {
            home,
            dir: tempfile::tempdir().expect("a scratch directory"),
            restate: None,
            services: Vec::new(),
            postgres: None,
            nats: None,
            missing: Vec::new(),
        };
        stand.restate_up().await;
        stand.postgres_up().await;
        stand.nats_up().await;
        let libraries = stand.programs(1);
        for (who, _) in libraries.into_iter().filter(|(_, how)| how.is_none()) {
            stand.missing.push((who, "it isn't installed".into()));
        }
        stand
    }

    fn rust(&self) -> PathBuf {
        self.home.join("rust/release/naos-peers")
    }

    fn node24(&self) -> PathBuf {
        self.home.join("node24/node_modules/node/bin/node")
    }

    /// Starts a server and waits until it takes connections.
    async fn server(&self, name: &str, mut how: Command, port: u16) -> Result<Peer, String> {
        let log = self.dir.path().join(format!("{name}.log"));
        let mut peer = Peer::start(&mut how, log)?;
        let answers = peer.answers(port).await;
        answers.map(|()| peer).map_err(|why| self.told(&why))
    }

    /// What is wrong as a report may say it: where things lie on this machine is no part of it.
    pub fn told(&self, why: &str) -> String {
        let home = self.home.to_string_lossy();
        let dir = self.dir.path().to_string_lossy();
        let sources = sources();
        let told = why.replace(&*home, "peers").replace(&*dir, "scratch");
        told.replace(&*sources.to_string_lossy(), "bench/peers")
    }

    async fn restate_up(&mut self) {
        let binary = self
            .home
            .join("node/node_modules/@restatedev/restate-server-linux-x64/bin/restate-server");
        let mut server = Command::new(binary);
        server
            .args(["--bind-ip", "127.0.0.1", "--node-name", "bench"])
            .current_dir(self.dir.path())
            .env("RESTATE_BASE_DIR", self.dir.path().join("restate"));
        match self.server("restate", server, ports::RESTATE_ADMIN).await {
            Ok(peer) => self.restate = Some(peer),
            Err(why) => return self.missing.push(("Restate", why)),
        }
        let mut typescript = Command::new(self.node24());
        typescript
            .arg("restate.mjs")
            .arg(ports::TYPESCRIPT.to_string())
            .current_dir(self.home.join("node"))
            .env("RESTATE_LOGGING", "ERROR");
        let who = "Restate's service in TypeScript";
        self.service("/Bench/run", who, typescript, ports::TYPESCRIPT)
            .await;
        let mut rust = Command::new(self.rust());
        rust.arg("restate-service").arg(ports::RUST.to_string());
        let who = "Restate's service in Rust";
        self.service("/BenchRust/run", who, rust, ports::RUST).await;
    }

    async fn service(&mut self, path: &'static str, who: &'static str, how: Command, at: u16) {
        let log = path.replace('/', "-");
        let service = match self.server(&log, how, at).await {
            Ok(service) => service,
            Err(why) => return self.missing.push((who, why)),
        };
        let uri = serde_json::json!({"uri": format!("http://127.0.0.1:{at}")}).to_string();
        let register = request("POST", "/deployments", "", &uri);
        let run = request("POST", path, "", "1");
        // Its ports are open before it can do anything: both are asked until they can.
        let served = match accepted(ports::RESTATE_ADMIN, &register).await {
            Ok(()) => accepted(ports::RESTATE, &run).await,
            Err(why) => Err(format!("it could not be registered: {why}")),
        };
        match served {
            Ok(()) => self.services.push((path, service)),
            Err(why) => {
                let why = self.told(&service.complaint(&why));
                self.missing.push((who, why));
            }
        }
    }

    async fn postgres_up(&mut self) {
        const WHO: &str = "PostgreSQL";
        let base = self.dir.path().join("postgres");
        let made = std::fs::create_dir_all(&base).is_ok();
        // Its own user has to reach it.
        ran(Command::new("chmod").arg("711").arg(self.dir.path()));
        ran(Command::new("chown").arg("postgres").arg(&base));
        let data = base.join("data");
        let mut init = as_postgres(&of_postgres("initdb"));
        init.args(["-A", "trust", "-U", "postgres", "-D"])
            .arg(&data);
        if !made || !ran(&mut init) {
            let why = "initdb isn't installed or fails";
            return self.missing.push((WHO, why.into()));
        }
        let mut server = as_postgres(&of_postgres("postgres"));
        server
            .args(["-h", "127.0.0.1", "-p", &ports::POSTGRES.to_string()])
            .arg("-k")
            .arg(&base)
            .arg("-D")
            .arg(&data);
        match self.server("postgres-log", server, ports::POSTGRES).await {
            Ok(peer) => self.postgres = Some(peer),
            Err(why) => return self.missing.push((WHO, why)),
        }
        let until = tick() + READY;
        while !self.sql("CREATE DATABASE dbos") && tick() < until {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let schema = std::fs::read_to_string(sources().join("schema.sql")).unwrap_or_default();
        if !self.sql(&schema) {
            let why = "the queue's table can't be made";
            self.missing.push((WHO, why.into()));
        }
    }

    fn sql(&self, text: &str) -> bool {
        let mut psql = Command::new("psql");
        psql.args(["-q", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres"]);
        ran(psql.args(["-p", &ports::POSTGRES.to_string(), "-c", text]))
    }

    async fn nats_up(&mut self) {
        let conf = self.dir.path().join("nats.conf");
        let store = self.dir.path().join("nats");
        let text = format!(
            "listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: \"{}\"\n \
             sync_interval: always\n}}\n",
            ports::NATS,
            store.display()
        );
        std::fs::write(&conf, text).expect("a scratch file");
        let mut server = Command::new(self.home.join("nats/nats-server"));
        server.arg("-c").arg(&conf);
        match self.server("nats-log", server, ports::NATS).await {
            Ok(peer) => self.nats = Some(peer),
            Err(why) => self.missing.push(("NATS", why)),
        }
        if self.nats.is_some() && !self.rust().exists() {
            let why = "its client isn't installed (install.sh builds it)";
            self.missing.push(("NATS", why.into()));
        }
    }

    /// Whether Restate has this service.
    pub fn serves(&self, path: &str) -> bool {
        self.services.iter().any(|(own, _)| *own == path)
    }

    /// Peers that are libraries: a program each, which says how fast it was.
    pub fn programs(&self, at_once: usize) -> Vec<(&'static str, Option<Command>)> {
        let few = at_once == 1;
        let number = |alone: usize, many: usize| if few { alone } else { many }.to_string();
        let at_once = at_once.to_string();
        let scratch = |name: &str| {
            let path = self.dir.path().join(name);
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", path.display()));
            }
            path
        };
        let python = self.home.join("python/bin/python");
        let dbos = python.exists().then(|| {
            let file = scratch("dbos.sqlite");
            let mut command = Command::new(&python);
            command.arg(sources().join("dbos_python.py"));
            command.arg(format!("sqlite:///{}", file.display()));
            command.arg(number(150, 300)).arg(&at_once);
            command
        });
        let ready = self.postgres.is_some() && self.node24().exists();
        let typescript = ready.then(|| {
            let url = format!("postgresql://postgres@127.0.0.1:{}/dbos", ports::POSTGRES);
            let mut command = Command::new(self.node24());
            command
                .arg("dbos.mjs")
                .arg(url)
                .arg(number(200, 1_500))
                .arg(&at_once);
            command.current_dir(self.home.join("node"));
            command
        });
        let durare = self.rust().exists().then(|| {
            let mut command = Command::new(self.rust());
            command.arg("durare").arg(scratch("durare.sqlite"));
            command.arg(number(500, 2_000)).arg(&at_once);
            command
        });
        vec![
            ("DBOS Python, SQLite", dbos),
            ("DBOS TypeScript, PostgreSQL", typescript),
            ("durare, SQLite FULL", durare),
        ]
    }

    /// The client of NATS.
    pub fn nats(&self, count: usize, at_once: usize) -> Option<Command> {
        if self.nats.is_none() || !self.rust().exists() {
            return None;
        }
        let mut command = Command::new(self.rust());
        let words = [ports::NATS as usize, count, at_once].map(|word| word.to_string());
        command.arg("nats").args(words);
        Some(command)
    }

    /// Events a second into a queue of PostgreSQL and out of it, one a commit.
    pub fn queue(&self, clients: usize) -> Option<(f64, f64)> {
        self.postgres.as_ref()?;
        self.sql("TRUNCATE queue");
        let published = self.rate(clients, "enqueue.sql")?;
        Some((published, self.rate(clients, "consume.sql")?))
    }

    /// How many commits a second a script of PostgreSQL's makes, in [`QUEUE_SECONDS`].
    pub fn rate(&self, clients: usize, script: &str) -> Option<f64> {
        let mut bench = Command::new(of_postgres("pgbench"));
        bench.args(["-h", "127.0.0.1", "-U", "postgres", "-n", "-j", "1"]);
        bench.args(["-T", &QUEUE_SECONDS.to_string()]);
        bench.args(["-M", "prepared", "-p", &ports::POSTGRES.to_string()]);
        bench
            .args(["-c", &clients.to_string()])
            .arg("-f")
            .arg(sources().join(script));
        let done = bench.arg("postgres").output().ok()?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    }

    pub fn nats_id(&self) -> Option<u32> {
        self.nats.as_ref().map(Peer::id)
    }

    pub fn postgres_id(&self) -> Option<u32> {
        self.postgres.as_ref().map(Peer::id)
    }

    /// The server that keeps what a program of [`Self::programs`] does, where it is one.
    pub fn server_of(&self, who: &str) -> Option<u32> {
        self.postgres_id().filter(|_| who.contains("PostgreSQL"))
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_there_is_left_out_with_the_reason() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let log = || dir.path().join("log");
        let none = Peer::start(&mut Command::new(dir.path().join("none")), log());
        assert_eq!(none.err().as_deref(), Some("it isn't installed"));
        let mut ends = Command::new("sh");
        ends.args(["-c", "echo first; echo its port is taken; exit 3"]);
        let mut ends = Peer::start(&mut ends, log()).expect("it starts");
        // Somebody else answers there: that says nothing about this one.
        let other = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let _ = ends.child.wait();
        let port = other.local_addr().expect("a port").port();
        let answers = crate::site::runtime().block_on(ends.answers(port));
        let why = answers.expect_err("it ended");
        let named = why.contains("ended by itself") && why.ends_with("its port is taken");
        assert!(named, "{why}");
    }
}
