//! What the web floor is made of.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use naos_engine::node::Node;
use naos_store::{BackupError, Verified};
use naos_types::spec::AgentSpec;
use naos_types::{Digest, TenantId, Time};
use tokio::sync::Semaphore;

use crate::api::v1::consumers::Places;
use crate::auth::{Members, Sessions, Tries};
use crate::couriers::Rounds;
use crate::door::aside::LONG_READS_MAX;
use crate::metrics::Metrics;

/// Proves a tenant's journal.
pub type Verify = Arc<dyn Fn(TenantId) -> Result<Verified, String> + Send + Sync>;

/// Writes a backup of the whole node, begun at the given time.
pub type BackUp = Arc<dyn Fn(&mut dyn Write, Time) -> Result<(), BackupError> + Send + Sync>;

/// Keeps sessions for the next process, whole or not at all. After an error nothing older is kept
/// either, if that can be helped.
pub type KeepSessions = Arc<dyn Fn(&[u8]) -> Result<(), String> + Send + Sync>;

/// Something an agent can be made from.
#[derive(Clone, Debug)]
pub struct Template {
    /// What it is called.
    pub name: String,
    /// What it makes, in a sentence.
    pub description: String,
    /// The component that its agents run.
    pub component: Digest,
    /// What a new agent is, where nothing else is said.
    pub spec: AgentSpec,
}

/// The variable of a model's key that this process lacks; none where it lacks nothing for it.
pub type LacksKey = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What the web floor is given: see [`App::new`] for what may be left out.
#[derive(Clone)]
pub struct App {
    /// The node.
    pub node: Node,
    /// The project's main tenant: its owner sees and makes the others.
    pub main: TenantId,
    /// What agents can be made from.
    pub templates: Vec<Template>,
    /// Proves a journal.
    pub verify: Verify,
    /// Writes a backup; none where the store makes none.
    pub back_up: Option<BackUp>,
    /// Further names that this node answers to, beside localhost: `naos.example.org`, with
    /// `:port` where it isn't the usual one.
    pub hosts: Vec<String>,
    /// Where the owner finds the first token, as the door says it.
    pub token_file: String,
    /// The tenants' currency, an ISO 4217 code.
    pub currency: String,
    /// naos's own version.
    pub version: &'static str,
    /// How many bytes the data directory takes.
    pub disk_bytes: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// The variable that a handle of a model's key (`env:NAME`) stands for, where the process
    /// hasn't it; never its value.
    pub lacks_key: LacksKey,
    /// The sessions that the process before kept, and what keeps them for the next one; none where
    /// they end with the process.
    pub sessions: Option<(Vec<u8>, KeepSessions)>,
}

impl App {
    /// An app with no templates, no other hosts, and a journal that can't be proved.
    #[must_use]
    pub fn new(node: Node, main: TenantId) -> Self {
        Self {
            node,
            main,
            templates: Vec::new(),
            verify: Arc::new(|_| Err("this store keeps no proof".into())),
            back_up: None,
            hosts: Vec::new(),
            token_file: "data/owner.token".into(),
            currency: "USD".into(),
            version: env!("CARGO_PKG_VERSION"),
            disk_bytes: Arc::new(|| 0),
            lacks_key: Arc::new(|_| None),
            sessions: None,
        }
    }

    /// The same with these templates.
    #[must_use]
    pub fn templates(mut self, templates: Vec<Template>) -> Self {
        self.templates = templates;
        self
    }

    /// The same with this proof.
    #[must_use]
    pub fn verify(
        mut self,
        verify: impl Fn(TenantId) -> Result<Verified, String> + Send + Sync + 'static,
    ) -> Self {
        self.verify = Arc::new(verify);
        self
    }

    /// The same with backups.
    #[must_use]
    pub fn back_up(
        mut self,
        back_up: impl Fn(&mut dyn Write, Time) -> Result<(), BackupError> + Send + Sync + 'static,
    ) -> Self {
        self.back_up = Some(Arc::new(back_up));
        self
    }

    /// The same, answering to these names too.
    #[must_use]
    pub fn hosts(mut self, hosts: Vec<String>) -> Self {
        self.hosts = hosts;
        self
    }

    /// The same, naming this file at the door.
    #[must_use]
    pub fn token_file(mut self, path: impl Into<String>) -> Self {
        self.token_file = path.into();
        self
    }

    /// The same with this measure of the disk.
    #[must_use]
    pub fn disk_bytes(mut self, measure: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.disk_bytes = Arc::new(measure);
        self
    }

    /// The same, telling which key it lacks.
    #[must_use]
    pub fn lacks_key(
        mut self,
        lacks: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.lacks_key = Arc::new(lacks);
        self
    }

    /// The same with the sessions that were kept, which go on, and what keeps them from now on.
    #[must_use]
    pub fn sessions(
        mut self,
        found: Vec<u8>,
        keep: impl Fn(&[u8]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.sessions = Some((found, Arc::new(keep)));
        self
    }
}

/// The app and what it remembers between requests; of it sessions alone outlive the process.
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) members: Members,
    pub(crate) sessions: Sessions,
    pub(crate) tries: Tries,
    pub(crate) metrics: Metrics,
    /// What tokens of requests with an idempotency key derive from: the same request, the same
    /// token, while the process lives.
    pub(crate) secret: [u8; 32],
    /// Places for reads that may take long.
    pub(crate) reads: Arc<Semaphore>,
    /// Whoever makes a backup: one at a time.
    pub(crate) backing_up: Arc<Semaphore>,
    /// How many live streams each tenant has open.
    pub(crate) streams: Mutex<BTreeMap<TenantId, Arc<AtomicUsize>>>,
    /// Where consumers of events stood last.
    pub(crate) places: Places,
    /// Who delivers events.
    pub(crate) couriers: Rounds,
}

impl Desk {
    pub(crate) fn new(mut app: App) -> Arc<Self> {
        let sessions = Sessions::new(app.sessions.take());
        let members = Members::new(app.node.clone(), app.main);
        Arc::new(Self {
            app,
            members,
            sessions,
            tries: Tries::default(),
            metrics: Metrics::default(),
            secret: naos_engine::chance::secret(),
            reads: Arc::new(Semaphore::new(LONG_READS_MAX)),
            backing_up: Arc::new(Semaphore::new(1)),
            streams: Mutex::default(),
            places: Places::default(),
            couriers: Rounds::default(),
        })
    }

    /// What a variable of the process begins with that this tenant may name: variables belong to
    /// the process, so that each tenant but the main one, which may name all, has its own.
    pub(crate) fn own_prefix(&self, tenant: TenantId, prefix: &str) -> Option<String> {
        let own = || format!("{prefix}{}_", tenant.to_string().to_uppercase());
        (tenant != self.app.main).then(own)
    }

    pub(crate) fn template(&self, name: &str) -> Option<&Template> {
        self.app.templates.iter().find(|t| t.name == name)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is whole between any two statements; a panic elsewhere leaves it so.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
