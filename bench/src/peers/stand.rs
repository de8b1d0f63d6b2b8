//! The peers' servers, each a child of this process, and the programs that measure the others.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use naos_engine::clock::tick;

use crate::load::{Line, request};

/// How long a server may take until it answers.
const READY: Duration = Duration::from_secs(60);

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
pub struct Peer(Child);

impl Peer {
    fn start(command: &mut Command) -> Option<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        quiet.stderr(Stdio::null()).spawn().ok().map(Self)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Politely, so that a server with children of its own ends them too.
        let _ = Command::new("kill").arg(self.id().to_string()).status();
        let until = tick() + Duration::from_secs(10);
        while tick() < until && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Who is there.
pub struct Stand {
    home: PathBuf,
    dir: tempfile::TempDir,
    pub restate: Option<Peer>,
    services: Vec<(&'static str, Peer)>,
    postgres: Option<Peer>,
    nats: Option<Peer>,
    /// Who isn't, and why.
    pub missing: Vec<(&'static str, &'static str)>,
}

/// The request that runs a workflow of Restate's.
pub fn flow() -> Vec<u8> {
    request("POST", "/Bench/run", "", "1")
}

async fn answers(port: u16) -> bool {
    let until = tick() + READY;
    while tick() < until {
        if Line::open(port).await.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
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
        stand
    }

    fn rust(&self) -> PathBuf {
        self.home.join("rust/release/naos-peers")
    }

    fn node24(&self) -> PathBuf {
        self.home.join("node24/node_modules/node/bin/node")
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
        self.restate = Peer::start(&mut server);
        if self.restate.is_none() || !answers(ports::RESTATE_ADMIN).await {
            self.restate = None;
            self.missing
                .push(("Restate", "its server isn't installed or doesn't answer"));
            return;
        }
        let mut typescript = Command::new(self.node24());
        typescript
            .arg("restate.mjs")
            .arg(ports::TYPESCRIPT.to_string())
            .current_dir(self.home.join("node"))
            .env("RESTATE_LOGGING", "ERROR");
        self.service(
            "/Bench/run",
            "Restate's service in TypeScript",
            typescript,
            ports::TYPESCRIPT,
        )
        .await;
        let mut rust = Command::new(self.rust());
        rust.arg("restate-service").arg(ports::RUST.to_string());
        self.service(
            "/BenchRust/run",
            "Restate's service in Rust",
            rust,
            ports::RUST,
        )
        .await;
    }

    async fn service(&mut self, path: &'static str, who: &'static str, mut how: Command, at: u16) {
        let Some(service) = Peer::start(&mut how) else {
            return self.missing.push((who, "it isn't installed"));
        };
        let uri = serde_json::json!({"uri": format!("http://127.0.0.1:{at}")}).to_string();
        let register = request("POST", "/deployments", "", &uri);
        let registered = answers(at).await
            && match Line::open(ports::RESTATE_ADMIN).await {
                Ok(mut line) => {
                    let told = line.ask(&register).await;
                    told.is_ok_and(|answer| (200..300).contains(&answer.status))
                }
                Err(_) => false,
            };
        if registered && answers(ports::RESTATE).await {
            self.services.push((path, service));
        } else {
            self.missing.push((who, "it could not be registered"));
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
            return self.missing.push((WHO, "initdb isn't installed or fails"));
        }
        let mut server = as_postgres(&of_postgres("postgres"));
        server
            .args(["-h", "127.0.0.1", "-p", &ports::POSTGRES.to_string()])
            .arg("-k")
            .arg(&base)
            .arg("-D")
            .arg(&data);
        self.postgres = Peer::start(&mut server);
        if !answers(ports::POSTGRES).await {
            return self.missing.push((WHO, "it doesn't answer"));
        }
        let until = tick() + READY;
        while !self.sql("CREATE DATABASE dbos") && tick() < until {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let schema = std::fs::read_to_string(sources().join("schema.sql")).unwrap_or_default();
        if !self.sql(&schema) {
            self.missing.push((WHO, "the queue's table can't be made"));
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
        self.nats = Peer::start(server.arg("-c").arg(&conf));
        if self.nats.is_none() || !answers(ports::NATS).await {
            self.nats = None;
            self.missing
                .push(("NATS", "it isn't installed or doesn't answer"));
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
            command.arg(sources().join("dbos.py"));
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
        let rate = |script: &str| {
            let mut bench = Command::new(of_postgres("pgbench"));
            bench.args([
                "-h",
                "127.0.0.1",
                "-U",
                "postgres",
                "-n",
                "-j",
                "1",
                "-T",
                "3",
            ]);
            bench.args(["-M", "prepared", "-p", &ports::POSTGRES.to_string()]);
            bench
                .args(["-c", &clients.to_string()])
                .arg("-f")
                .arg(sources().join(script));
            let done = bench.arg("postgres").output().ok()?;
            let text = String::from_utf8_lossy(&done.stdout).into_owned();
            let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        self.sql("TRUNCATE queue");
        let published = rate("enqueue.sql")?;
        Some((published, rate("consume.sql")?))
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}
