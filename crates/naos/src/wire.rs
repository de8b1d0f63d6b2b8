//! Builds the machine: store, sandbox, components, outside, node, router. The only place where
//! all floors meet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use naos_drivers::http::{HttpClient, LOOPBACK_VARIABLE, Settings};
use naos_engine::node::{Components, Node, Parts};
use naos_sandbox::{Cache, Compiler, Config, Sandbox};
use naos_store::{Beside, OpenError, SqliteStore};
use naos_types::{Code, TenantId};
use naos_web::{App, Couriers, Router, setup};
use tokio::runtime::Runtime;

use crate::daemon::write_secret;
use crate::embedder::Chosen;
use crate::fail::Fail;
use crate::handover::Guest;
use crate::interrupts::Interrupts;
use crate::out::aside;
use crate::project::Project;
use crate::templates;

const CACHE_KEY_BYTES: usize = 32;
/// How often it is looked whether the answers are there that are waited for in the end.
const FINISH_LOOKS: Duration = Duration::from_millis(10);
/// When it is said that they are waited for.
const FINISH_SAID: Duration = Duration::from_secs(1);

/// What belongs in a backup beside the store: who may come in, as the journals have it, and the
/// components that journals name.
pub(crate) const BESIDE: &[Beside] = &[
    Beside {
        path: "owner.token",
        before: true,
    },
    Beside {
        path: "tokens",
        before: true,
    },
    Beside {
        path: "components",
        before: false,
    },
];

/// A node with everything around it, in this process.
pub(crate) struct Machine {
    store: Arc<SqliteStore>,
    node: Node,
    /// The main tenant.
    pub(crate) main: TenantId,
    /// Everything that can be asked.
    pub(crate) router: Router,
    /// Who delivers events while naos is up.
    pub(crate) couriers: Couriers,
    /// By what agents recall.
    pub(crate) recall: Chosen,
    /// Services of this machine that agents may reach.
    pub(crate) loopback_ports: Vec<u16>,
    /// Whether the main tenant was made just now.
    pub(crate) created: bool,
}

/// Why a machine could not be built.
pub(crate) enum BuildError {
    /// Another process has the directory.
    Taken(Option<u32>),
    /// Anything else.
    Failed(Fail),
}

/// The room that a start takes: most of it is the part of the log that is written next.
const START_ROOM_MIB: u32 = 20;

impl From<Fail> for BuildError {
    fn from(fail: Fail) -> Self {
        Self::Failed(fail)
    }
}

impl Machine {
    /// Opens the project's data, or makes it, and starts the node; work stays where it is until
    /// [`Machine::begin`] or the first command. Agents may reach services of this machine at these
    /// ports, and at those that the environment names. A `guest` has the data only until others
    /// want it.
    pub(crate) fn build(
        project: &Project,
        runtime: &Runtime,
        hosts: Vec<String>,
        mut loopback_ports: Vec<u16>,
        guest: Option<&Guest>,
    ) -> Result<Self, BuildError> {
        let data = &project.data;
        loopback_ports.extend(local_services()?);
        fs::create_dir_all(data)
            .map_err(|e| Fail::io(format!("make the directory {}", data.display()), &e))?;
        let store = Arc::new(SqliteStore::open(data).map_err(opening)?);
        let recall = Chosen::of(project);
        let reach = (loopback_ports.as_slice(), guest);
        let started = start(project, runtime, (&store, &recall), hosts, reach);
        match started {
            Ok((node, (router, couriers), created, main)) => Ok(Self {
                loopback_ports,
                store,
                node,
                main,
                router,
                couriers,
                recall,
                created,
            }),
            Err(fail) => {
                close(&store);
                Err(fail.into())
            }
        }
    }

    /// The node.
    pub(crate) const fn node(&self) -> &Node {
        &self.node
    }

    /// Lets the node take up what is outstanding.
    pub(crate) fn begin(&self) -> Result<(), Fail> {
        self.node
            .begin()
            .map_err(|e| Fail::new(Code::INTERNAL, e.to_string()).because(&e))
    }

    /// Before the end: waits for answers that are paid, and says so where that takes long; `others`
    /// at the longest for those that can be asked for again. Who asks for the end meanwhile gets it
    /// at once: the exit status, if somebody did.
    pub(crate) fn finish(&self, runtime: &Runtime, most: Duration, others: Duration) -> Option<u8> {
        let Ok(mut interrupts) = Interrupts::listen(runtime) else {
            return None; // nobody could end the wait
        };
        let mut asked = None;
        let (began, mut is_said) = (naos_engine::clock::tick(), false);
        let out = self.node.finish(most, others, |out| {
            if out > 0 && !is_said && began.elapsed() >= FINISH_SAID {
                aside(format!("{} waited for; Ctrl-C ends without", answers(out)));
                is_said = true;
            }
            asked = asked.or(interrupts.come_within(runtime, FINISH_LOOKS));
            asked.is_none()
        });
        if out > 0 {
            aside(format!(
                "{} given up, and may be paid for nothing",
                answers(out)
            ));
        }
        asked
    }

    /// Stops the node and closes the store: what was acknowledged is durable, what runs goes on
    /// at the next start, and only main files remain.
    pub(crate) fn close(self) {
        let Self {
            store,
            node,
            router,
            couriers,
            ..
        } = self;
        drop((router, couriers));
        node.stop();
        drop(node);
        close(&store);
    }
}

/// Answers that agents asked for, in words.
fn answers(count: usize) -> String {
    match count {
        1 => "1 answer that an agent asked for is".to_owned(),
        many => format!("{many} answers that agents asked for are"),
    }
}

fn close(store: &SqliteStore) {
    if let Err(error) = store.close() {
        // Nothing is lost: the next start reads from the log what files lack.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the data was not closed cleanly"
        );
    }
}

fn start(
    project: &Project,
    runtime: &Runtime,
    (store, recall): (&Arc<SqliteStore>, &Chosen),
    hosts: Vec<String>,
    (loopback_ports, guest): (&[u16], Option<&Guest>),
) -> Result<(Node, (Router, Couriers), bool, TenantId), Fail> {
    let broken = |what: String| Fail::new(Code::INTERNAL, what);
    let sandbox = Sandbox::new(&Config::default()).map_err(|e| broken(e.to_string()))?;
    let sandbox = Arc::new(sandbox);
    let components = Arc::new(components(project, &sandbox)?);
    let settings = Settings {
        allow_loopback_ports: loopback_ports.to_vec(),
        ..Settings::default()
    };
    let client = HttpClient::new(settings).map_err(|e| broken(e.to_string()))?;
    let models = naos_drivers::models::client(loopback_ports.to_vec());
    let models = models.map_err(|e| broken(e.to_string()))?;
    let (data, guest, handle) = (&project.data, guest.cloned(), runtime.handle().clone());
    let outside = crate::outside::Wired::new(client, models, data, guest, handle);
    let node = Node::open(Parts {
        store: Arc::clone(store) as Arc<dyn naos_store::Store>,
        sandbox,
        components,
        outside: Arc::new(outside),
        embedder: recall.embedder(),
        shards: 0,
        pool: 0,
    })
    .map_err(|e| broken(e.to_string()).because(&e))?;
    let found = runtime.block_on(first_start(project, &node));
    match found {
        Ok((main, created)) => {
            let web = naos_web::router_with_couriers(app(project, &node, store, main, hosts));
            Ok((node, web, created, main))
        }
        Err(fail) => {
            node.stop();
            Err(fail)
        }
    }
}

/// Ports on this machine that agents may reach where their manifests say so, too: services that
/// whoever starts naos names. Without them, requests go to the open internet only.
pub(crate) fn local_services() -> Result<Vec<u16>, Fail> {
    let Some(ports) = std::env::var_os(LOOPBACK_VARIABLE) else {
        return Ok(Vec::new());
    };
    let ports = ports.to_string_lossy().into_owned();
    let named = ports
        .split(',')
        .map(str::trim)
        .filter(|port| !port.is_empty());
    named
        .map(|port| {
            port.parse::<u16>().map_err(|_| {
                Fail::usage(format!(
                    "{LOOPBACK_VARIABLE} names {port:?}, which is no port"
                ))
                .help("write ports with commas between them, like 8080,9000")
            })
        })
        .collect()
}

/// The main tenant, its owner and the owner's token.
async fn first_start(project: &Project, node: &Node) -> Result<(TenantId, bool), Fail> {
    let found = setup::ensure_main(node).await?;
    let path = project.owner_token();
    let token = match found.owner_token {
        Some(token) => token,
        None if path.exists() => return Ok((found.tenant, found.created)),
        // Whoever has the directory owns it: a lost token is replaced by a new one.
        None => setup::new_owner_token(node, found.tenant).await?,
    };
    write_secret(&path, format!("{token}\n").as_bytes())
        .map_err(|e| Fail::io(format!("write {}", path.display()), &e))?;
    Ok((found.tenant, found.created))
}

fn app(
    project: &Project,
    node: &Node,
    store: &Arc<SqliteStore>,
    main: TenantId,
    hosts: Vec<String>,
) -> App {
    let proved = Arc::clone(store);
    let (copied, data) = (Arc::clone(store), project.data.clone());
    let kept = sessions_path(project);
    let sessions = kept_sessions(&kept);
    App::new(node.clone(), main)
        .templates(templates::offered())
        .hosts(hosts)
        .lacks_key(crate::outside::lacks_key)
        // Whoever sees the page before signing in learns nothing about the machine.
        .token_file(project.label(&project.owner_token()))
        .verify(move |tenant| proved.verify(tenant).map_err(|error| error.to_string()))
        .back_up(move |to, now| {
            let naos = env!("CARGO_PKG_VERSION");
            copied.back_up(to, now, naos, BESIDE).map(drop)
        })
        .disk_bytes(move || bytes_of(&data))
        .sessions(sessions, move |bytes| keep_sessions(&kept, bytes))
}

/// Where sessions of people at pages stand between two daemons. It is part of no backup: what ended
/// since must not begin again with it.
fn sessions_path(project: &Project) -> PathBuf {
    project.data.join("keys").join("sessions.json")
}

/// The sessions that the daemon before kept; without them people sign in again.
fn kept_sessions(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            tracing::warn!(%error, "kept sessions can't be read: people sign in again");
        }
        Vec::new()
    })
}

/// What can't be kept takes away what was kept before: who signed out since must not come back.
fn keep_sessions(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let settle = || match path.parent() {
        // The name is durable only with its folder.
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    };
    let Err(error) = write_secret(path, bytes).and_then(|()| settle()) else {
        return Ok(());
    };
    tracing::warn!(%error, "sessions are not kept: people sign in again after a restart");
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| settle()),
    };
    removed.map_err(|error| format!("can't write or remove {}: {error}", path.display()))
}

/// Bytes of all files in a directory and below.
fn bytes_of(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_of(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0, // gone in the meantime
    };
    entries.flatten().map(size).sum()
}

fn components(project: &Project, sandbox: &Arc<Sandbox>) -> Result<Components, Fail> {
    let built_in: Vec<&'static [u8]> = templates::components().map(|(_, bytes)| bytes).collect();
    let key = cache_key(&project.data.join("keys").join("cache.key"))?;
    let cache = Cache::new(project.data.join("cache"), key);
    let own = std::env::current_exe()
        .map_err(|e| Fail::io("find the program itself, which compiles components", &e))?;
    Ok(Components::new(
        Arc::clone(sandbox),
        &built_in,
        project.data.join("components"),
        Some(cache),
        Compiler::in_child(own),
    ))
}

/// What authenticates compiled components on disk. A new one makes them as good as none.
fn cache_key(path: &Path) -> Result<[u8; CACHE_KEY_BYTES], Fail> {
    match fs::read(path) {
        Ok(bytes) => {
            if let Ok(key) = bytes.try_into() {
                return Ok(key);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Fail::io(format!("read {}", path.display()), &error)),
    }
    let key = naos_engine::chance::secret();
    write_secret(path, &key).map_err(|e| Fail::io(format!("write {}", path.display()), &e))?;
    Ok(key)
}

pub(crate) fn opening(error: OpenError) -> BuildError {
    let code = match &error {
        OpenError::Taken { pid, .. } => return BuildError::Taken(*pid),
        OpenError::ReadOnly { .. } => Code::READ_ONLY,
        OpenError::Full { .. } => {
            return Fail::new(Code::DISK_FULL, error.to_string())
                .help(format!(
                    "make room, {START_ROOM_MIB} MiB are enough, and do it again"
                ))
                .into();
        }
        OpenError::Newer { .. } => Code::NEWER_FORMAT,
        OpenError::OldSqlite { .. } => Code::OLD_SQLITE,
        OpenError::Damaged { .. } => Code::DAMAGED,
        OpenError::Io { .. } => {
            return Fail::new(Code::DISK_FAILED, error.to_string())
                .because(&error)
                .into();
        }
    };
    Fail::new(code, error.to_string()).because(&error).into()
}
