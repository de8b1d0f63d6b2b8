//! A running node: shards on their threads, one commit thread, a bounded pool for components, and
//! the outside. A [`Node`] is a handle; clones are handles of the same node.

mod commits;
mod endpoint;
mod fork;
mod guest_log;
mod host;
mod recalling;
mod recorded;
mod replay;
mod sandboxes;
mod shards;
mod thinking;
mod watch;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use naos_kernel::recall::Embedder;
use naos_sandbox::Sandbox;
use naos_store::{Store, TenantStore, Viewed};
use naos_types::command::{Command, Reply};
use naos_types::input::Input;
use naos_types::{Actor, BodyRef, Code, Refusal, Sealed, Seq, SubjectId, TenantId, Time};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;

use crate::refusals::{reading, writing};
use crate::shard::{CellReport, Envelope, Incoming, NewBody, SameAs, Ticket};

pub use crate::shard::Leaves;
pub use endpoint::{Back, Handed, Parcel};
pub use fork::{Ground, Turns};
pub use recalling::{Embedded, Embedding, VECTORS_BYTES_MAX, Vectors};
pub(crate) use recorded::unreadable;
pub use replay::{Differs, Replay};
pub use sandboxes::{Components, LoadError};
pub use watch::{Frame, FrameKind, Happened, Watch};
pub use world::{Called, Done, Exchange, Outside, OutsideOutcome, Piecewise, Posed, Posted};

/// A cell whose views are further behind takes no more commands from outside until they have
/// caught up; outcomes and timers always.
pub const VIEWS_LAG_MS_MAX: i64 = 1_000;
/// How long a command waits for that before it is refused as busy.
const VIEWS_WAIT_MAX: Duration = Duration::from_secs(1);
/// What came back is decided between one report and the next: two that show nothing say so.
const QUIET_REPORTS: u32 = 2;
/// How long a cell may take to decide what came back before the node stops.
const SETTLES_MAX: Duration = Duration::from_secs(2);

/// What a node is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What runs components.
    pub sandbox: Arc<Sandbox>,
    /// The components.
    pub components: Arc<Components>,
    /// What carries gated calls out.
    pub outside: Arc<dyn Outside>,
    /// What puts texts into one space, where agents recall.
    pub embedder: Arc<dyn Embedder>,
    /// How many threads decide; 0 for one less than there are cores.
    pub shards: usize,
    /// How many components run at once; 0 for as many as there are cores.
    pub pool: usize,
}

/// A handle of a running node.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    components: Arc<Components>,
    embedder: Arc<dyn Embedder>,
    lanes: Vec<mpsc::Sender<shards::ToShard>>,
    waiting: Mutex<BTreeMap<Ticket, oneshot::Sender<Answer>>>,
    tickets: AtomicU64,
    watch: Watch<Happened>,
    frames: watch::Written,
    /// Why the last commit failed; none if it didn't.
    refusing: Mutex<Option<Refusal>>,
    world: world::World,
    /// When it took its data over.
    began: Time,
    stopping: AtomicBool,
    /// Whether what is due stays where it is.
    resting: AtomicBool,
    /// Those that decide and commit.
    deciders: Mutex<Vec<JoinHandle<()>>>,
    /// Those that run components; they wait for the deciders.
    workers: Mutex<Vec<JoinHandle<()>>>,
}

/// What a cell answered, and the seq it relies on.
pub type Answer = (Seq, Result<Reply, Refusal>);

/// A command on its way in.
#[derive(Debug)]
pub struct Ask {
    /// Whose cell.
    pub tenant: TenantId,
    /// Who asks.
    pub actor: Actor,
    /// What.
    pub command: Command,
    /// The bodies that it names.
    pub bodies: Vec<NewBody>,
    /// What marks it as the same one, sent again.
    pub same: Option<SameAs>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What these locks guard is whole between any two statements; a panic elsewhere leaves it so.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    /// Starts threads and takes up what is outstanding: only cells that have something to do are
    /// opened.
    ///
    /// # Errors
    /// If a thread can't be started or the store can't say what is due.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        let node = Self::open(parts)?;
        node.begin()?;
        Ok(node)
    }

    /// Starts threads, and leaves all work where it is until [`Node::begin`] or the first command:
    /// whoever only reads changes nothing.
    ///
    /// # Errors
    /// If a thread can't be started.
    pub fn open(parts: Parts) -> Result<Self, StartError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = if parts.shards == 0 {
            cores.saturating_sub(1).max(1)
        } else {
            parts.shards
        };
        let pool = if parts.pool == 0 { cores } else { parts.pool };
        let (lanes, ends): (Vec<_>, Vec<_>) = (0..count).map(|_| mpsc::channel()).unzip();
        let (commit_lane, commit_end) = mpsc::channel();
        let inner = Arc::new_cyclic(|weak: &std::sync::Weak<Inner>| Inner {
            store: Arc::clone(&parts.store),
            components: Arc::clone(&parts.components),
            embedder: Arc::clone(&parts.embedder),
            lanes,
            waiting: Mutex::default(),
            tickets: AtomicU64::new(1),
            watch: Watch::default(),
            frames: watch::Written::default(),
            refusing: Mutex::default(),
            world: world::World::new(&parts, pool, weak.clone()),
            began: crate::clock::now(),
            stopping: AtomicBool::new(false),
            resting: AtomicBool::new(!naos_kernel::planted::is("reading-works")),
            deciders: Mutex::default(),
            workers: Mutex::default(),
        });
        let node = Self(inner);
        let mut deciders = vec![commits::start(node.clone(), commit_end)?];
        for (index, end) in ends.into_iter().enumerate() {
            deciders.push(shards::start(
                node.clone(),
                index,
                end,
                commit_lane.clone(),
            )?);
        }
        lock(&node.0.deciders).extend(deciders);
        lock(&node.0.workers).extend(node.0.world.start()?);
        if !node.rests() {
            node.wake_due()?; // a planted bug
        }
        Ok(node)
    }

    /// Takes up what is outstanding, once.
    ///
    /// # Errors
    /// If the store can't say what is due.
    pub fn begin(&self) -> Result<(), StartError> {
        // Every command comes by here: only the first one writes.
        if !self.rests() || !self.0.resting.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        self.wake_due()
    }

    fn wake_due(&self) -> Result<(), StartError> {
        let due = self.0.store.due(crate::clock::now());
        for (tenant, _) in due.map_err(StartError::Store)? {
            self.send(tenant, Incoming::Wake(tenant));
        }
        Ok(())
    }

    /// Whether what is due stays where it is.
    pub(crate) fn rests(&self) -> bool {
        self.0.resting.load(Ordering::SeqCst)
    }

    /// Where everything is kept.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The components.
    #[must_use]
    pub fn components(&self) -> &Arc<Components> {
        &self.0.components
    }

    /// What puts texts into one space, where agents recall.
    #[must_use]
    pub fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.0.embedder
    }

    /// The door to one tenant's rows.
    ///
    /// # Errors
    /// A refusal that says what is wrong with its file.
    pub fn tenant(&self, id: TenantId) -> Result<Arc<dyn TenantStore>, Refusal> {
        self.0.store.tenant(id).map_err(|e| reading(&e))
    }

    /// What happens from now on, as it becomes durable.
    #[must_use]
    pub fn watch(&self, tenant: TenantId) -> tokio::sync::broadcast::Receiver<Arc<Happened>> {
        self.0.watch.subscribe(tenant)
    }

    /// Pieces of answers of models, as they are written: provisional, and whoever is slow misses
    /// some.
    #[must_use]
    pub fn frames(&self, tenant: TenantId) -> tokio::sync::broadcast::Receiver<Arc<Frame>> {
        self.0.frames.subscribe(tenant)
    }

    /// The same of one run, and before them what was written of its answer until now.
    #[must_use]
    pub fn frames_of(
        &self,
        tenant: TenantId,
        run: naos_types::RunId,
    ) -> (
        Vec<Arc<Frame>>,
        tokio::sync::broadcast::Receiver<Arc<Frame>>,
    ) {
        self.0.frames.of(tenant, run)
    }

    /// The last words of what a model writes right now in a run, in one line; none where it writes
    /// nothing.
    #[must_use]
    pub fn last_words(&self, tenant: TenantId, run: naos_types::RunId) -> Option<String> {
        self.0.frames.last_words(tenant, run)
    }

    /// Names and seals a content; large ones are written here already.
    ///
    /// # Errors
    /// A refusal if the key ring can't be read.
    pub fn new_body(&self, tenant: TenantId, plain: Vec<u8>) -> Result<NewBody, Refusal> {
        let store = self.tenant(tenant)?;
        let staged = store.seal_body(&plain);
        let staged = staged.map_err(|e| reading(&e))?;
        let stored = staged.sealed.len() > naos_store::BODY_INLINE_BYTES_MAX;
        if stored {
            store.put_large(&staged).map_err(|e| writing(&e))?;
        }
        Ok(NewBody {
            staged,
            plain: plain.into(),
            stored,
        })
    }

    /// Seals a text under the tenant's own key.
    ///
    /// # Errors
    /// A refusal if the key ring can't be read.
    pub fn seal(&self, tenant: TenantId, text: &str) -> Result<Sealed, Refusal> {
        let sealed = self
            .tenant(tenant)?
            .seal(SubjectId::TENANT, text.as_bytes());
        sealed.map_err(|e| reading(&e))
    }

    /// Reads a body.
    ///
    /// # Errors
    /// A refusal if it isn't there or doesn't match its name.
    pub fn body(&self, tenant: TenantId, name: &BodyRef) -> Result<Vec<u8>, Refusal> {
        content(self.tenant(tenant)?.body(name))
    }

    /// Opens a sealed text; an erased one reads so.
    #[must_use]
    pub fn read(&self, tenant: TenantId, sealed: &Sealed) -> String {
        let opened = self.tenant(tenant).ok().map(|store| store.open(sealed));
        match opened {
            Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Some(Err(naos_store::ReadError::Erased(_))) => "[erased]".into(),
            _ => "[unreadable]".into(),
        }
    }

    /// Gives a command to its cell and waits until what follows from it is durable.
    ///
    /// # Errors
    /// The cell's refusal, that its views lag behind too far, or that the node is stopping.
    pub async fn ask(&self, ask: Ask) -> (Seq, Result<Reply, Refusal>) {
        let Ask {
            tenant,
            actor,
            command,
            bodies,
            same,
        } = ask;
        if let Err(busy) = self.admit(tenant).await {
            return (0, Err(busy));
        }
        if let Err(error) = self.begin() {
            return (0, Err(Refusal::new(Code::DISK_FAILED, error.to_string())));
        }
        let (ticket, answer) = self.ticket();
        let envelope = Envelope {
            tenant,
            input: Input::Command { actor, command },
            bodies,
            same,
            ticket: Some(ticket),
            ends: None,
        };
        self.send(tenant, Incoming::For(Box::new(envelope)));
        self.wait(ticket, answer).await
    }

    /// Lets a command in, a little later if views lag behind.
    async fn admit(&self, tenant: TenantId) -> Result<(), Refusal> {
        let Ok(store) = self.tenant(tenant) else {
            return Ok(()); // the cell itself says what is wrong with its file
        };
        if !is_late(store.viewed(), crate::clock::now) {
            return Ok(());
        }
        let head = store.head().map_or(0, |head| head.seq);
        let waited = tokio::task::spawn_blocking(move || store.await_views(head, VIEWS_WAIT_MAX));
        match waited.await {
            Ok(viewed) if is_late(viewed, crate::clock::now) => {
                let what = "lists lag behind by over a second: nothing new is taken until then";
                Err(Refusal::new(Code::BUSY, what).help("try again in a second"))
            }
            _ => Ok(()),
        }
    }

    /// Waits until everything that this cell decided so far is durable.
    pub async fn flush(&self, tenant: TenantId) -> Seq {
        let (ticket, answer) = self.ticket();
        self.send_flush(tenant, ticket);
        self.wait(ticket, answer).await.0
    }

    /// The same, for threads that may wait.
    pub(crate) fn flush_blocking(&self, tenant: TenantId) {
        let _holds = self.0.world.holds();
        let (ticket, answer) = self.ticket();
        self.send_flush(tenant, ticket);
        let _ = self.wait_blocking(ticket, answer);
    }

    fn send_flush(&self, tenant: TenantId, ticket: Ticket) {
        let begin = !self.rests();
        let flush = Incoming::Flush {
            tenant,
            ticket,
            begin,
        };
        self.send(tenant, flush);
    }

    /// Makes sure that records read from now on are at least as new as `seq`.
    ///
    /// # Errors
    /// A refusal if the tenant's file can't be read.
    pub async fn settled(&self, tenant: TenantId, seq: Seq) -> Result<(), Refusal> {
        let head = self.tenant(tenant)?.head();
        let head = head.map_err(|e| reading(&e))?;
        if head.records_seq < seq {
            self.flush(tenant).await;
        }
        Ok(())
    }

    /// Waits until a cell has come to this seq; whoever asks says for how long.
    ///
    /// # Errors
    /// A refusal if its file can't be read, or when the node stops.
    pub async fn reached(&self, tenant: TenantId, seq: Seq) -> Result<(), Refusal> {
        let mut watch = self.watch(tenant);
        while self.head(tenant)? < seq {
            // Whatever was heard or missed, the store says how far the cell is.
            if let Err(RecvError::Closed) = watch.recv().await {
                return Err(Refusal::new(Code::STOPPING, "naos is stopping"));
            }
        }
        Ok(())
    }

    /// Whether anything can be made durable. Waits for the disk where the last commit failed:
    /// perhaps nobody has asked for another one since.
    ///
    /// # Errors
    /// Why not.
    pub fn writes(&self) -> Result<(), Refusal> {
        let mut refusing = lock(&self.0.refusing);
        if refusing.is_some() {
            self.0.store.writable().map_err(|e| writing(&e))?;
            *refusing = None;
        }
        Ok(())
    }

    /// How far a cell is: its last durable seq.
    ///
    /// # Errors
    /// A refusal if its file can't be read.
    pub fn head(&self, tenant: TenantId) -> Result<Seq, Refusal> {
        let head = self.tenant(tenant)?.head();
        Ok(head.map_err(|e| reading(&e))?.seq)
    }

    fn ticket(&self) -> (Ticket, oneshot::Receiver<Answer>) {
        let ticket = self.0.tickets.fetch_add(1, Ordering::Relaxed);
        let (tell, answer) = oneshot::channel();
        lock(&self.0.waiting).insert(ticket, tell);
        (ticket, answer)
    }

    async fn wait(&self, ticket: Ticket, answer: oneshot::Receiver<Answer>) -> Answer {
        self.forget_if_stopping(ticket);
        let stopping = || (0, Err(Refusal::new(Code::STOPPING, "naos is stopping")));
        answer.await.unwrap_or_else(|_| stopping())
    }

    /// The same, for threads that may wait.
    fn wait_blocking(&self, ticket: Ticket, answer: oneshot::Receiver<Answer>) -> Option<Answer> {
        self.forget_if_stopping(ticket);
        answer.blocking_recv().ok()
    }

    /// Nobody may be left to answer: whoever asks while the node stops doesn't wait for it. Those
    /// who asked before hear it from [`Node::stop`].
    fn forget_if_stopping(&self, ticket: Ticket) {
        let unaware = naos_kernel::planted::is("wait-for-the-stopped");
        if self.0.stopping.load(Ordering::Acquire) && !unaware {
            lock(&self.0.waiting).remove(&ticket);
        }
    }

    fn lane(&self, tenant: TenantId) -> usize {
        let mixed = (tenant.0 ^ (tenant.0 >> 64)) as u64;
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % self.0.lanes.len()
    }

    pub(crate) fn send(&self, tenant: TenantId, input: Incoming) {
        // A lane that is gone belongs to a node that stopped: whoever waits hears so.
        let _ = self.0.lanes[self.lane(tenant)].send(shards::ToShard::Input(input));
    }

    /// Reports of all open cells.
    #[must_use]
    pub fn reports(&self) -> Vec<(TenantId, CellReport)> {
        let mut out = Vec::new();
        for lane in &self.0.lanes {
            let (tell, hear) = mpsc::channel();
            if lane.send(shards::ToShard::Report(tell)).is_ok() {
                out.extend(hear.recv().unwrap_or_default());
            }
        }
        out
    }

    /// Before [`Node::stop`]: no run asks a model any more, and what was asked outside and is paid,
    /// or may be done once only, is waited for, `most` at the longest: its answer is kept, and not
    /// paid for twice. What may be done again is waited for, too, `others` at the longest. `pauses`
    /// is told how many answers are out, pauses, and says whether to wait on. Gives how many of
    /// those that are paid, or may be done once only, are still out.
    pub fn finish(
        &self,
        most: Duration,
        others: Duration,
        mut pauses: impl FnMut(usize) -> bool,
    ) -> usize {
        if naos_kernel::planted::is("ends-unheard") {
            return 0;
        }
        let began = crate::clock::tick();
        let mut back = began;
        for lane in &self.0.lanes {
            let _ = lane.send(shards::ToShard::Input(Incoming::Ending));
        }
        let mut quiet = 0;
        while quiet < QUIET_REPORTS {
            let all = self.reports();
            let (out, again) = (self.0.world.calls(), self.0.world.others());
            let again = if began.elapsed() < others { again } else { 0 };
            if out + again == 0 && all.iter().all(|(_, cell)| cell.is_settled()) {
                quiet += 1;
                continue;
            }
            quiet = 0;
            if out + again > 0 {
                back = crate::clock::tick();
            }
            // A cell that can't decide what came back says so at the next start.
            let is_over = began.elapsed() >= most || back.elapsed() >= SETTLES_MAX.min(most);
            if is_over || !pauses(out + again) {
                self.0.world.outside().ends();
                pauses(out + again); // it gives back what isn't under way, and so costs nothing
                return self.0.world.calls();
            }
        }
        0
    }

    /// Stops: nothing new begins, what was acknowledged is durable, components end at once and go
    /// on at the next start.
    pub fn stop(&self) {
        if self.0.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        self.0.world.stop();
        for lane in &self.0.lanes {
            let _ = lane.send(shards::ToShard::Stop);
        }
        join(&self.0.deciders);
        // Nobody answers any more: components that wait for a decision end without it.
        lock(&self.0.waiting).clear();
        join(&self.0.workers);
        self.0.store.settle();
    }

    fn tell(&self, ticket: Ticket, answer: Answer) {
        if let Some(waiting) = lock(&self.0.waiting).remove(&ticket) {
            let _ = waiting.send(answer);
        }
    }
}

/// What was read of a body.
pub(crate) fn content(
    found: Result<Option<Vec<u8>>, naos_store::ReadError>,
) -> Result<Vec<u8>, Refusal> {
    found
        .map_err(|e| reading(&e))?
        .ok_or_else(|| Refusal::new(Code::NOT_FOUND, "there is no such content"))
}

fn join(threads: &Mutex<Vec<JoinHandle<()>>>) {
    for thread in std::mem::take(&mut *lock(threads)) {
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}

/// Whether views are too far behind for more to come in.
fn is_late(viewed: Viewed, now: impl Fn() -> Time) -> bool {
    let late = |since: Time| (now() - since).0 > VIEWS_LAG_MS_MAX;
    viewed.since.is_some_and(late)
}

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A thread.
    #[error("could not start a thread")]
    Thread(#[from] std::io::Error),
    /// The store.
    #[error("could not read what is due")]
    Store(#[source] naos_store::ReadError),
}
