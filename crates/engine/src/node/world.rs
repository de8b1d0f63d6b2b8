//! Carries wishes out: components on a bounded pool of threads, gated calls through the outside.
//! Every wish that is taken ends with a return to its cell, one way or another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak, mpsc};
use std::thread::JoinHandle;

use naos_kernel::Order;
use naos_sandbox::{CancelToken, Sandbox};
use naos_types::effect::{Call, Caller, Driver, Effect, EffectId, Sandbox as Wanted};
use naos_types::fact::member::News;
use naos_types::fact::notice::About;
use naos_types::fact::run::World as RunWorld;
use naos_types::input::{CallEnded, CallOutcome, Input};
use naos_types::spec::{Gathered, Letter, ServerPlace};
use naos_types::standup::Opened;
use naos_types::think::{Think, Thought, ToolWanted};
use naos_types::{BodyRef, Refusal, RunId, Sealed, Span, TenantId, Time};

use super::endpoint::{Back, Handed, Parcel};
use super::recalling::{Embedded, Embedding, Kept, Vectors};
use super::watch::{Frame, FrameKind};
use super::{Inner, Node, Parts, lock};
use crate::read::Reader;
use crate::shard::{Envelope, Incoming, Leaves};

/// Stack of a thread that runs components: the guest's own beside the host's.
pub(super) const POOL_STACK_BYTES: usize = 4 << 20;
/// How much later than everybody else components get a processor, on the scale of nice(2).
const NICENESS: i32 = 10;

/// What became of a call in the outside.
#[derive(Debug)]
pub enum OutsideOutcome {
    /// The receiver answered: the sandbox's encoding of what the guest gets.
    Answered(Vec<u8>),
    /// It certainly did not happen.
    NotSent(String),
    /// Nobody knows.
    Lost(String),
    /// It did not happen, and another attempt would not help.
    Refused(String),
    /// The receiver works, and this very request is nothing for it.
    Unfit(String),
    /// The receiver took it, and says later what came of it.
    Later,
    /// The receiver took nothing, and wants to be left alone for so long.
    Busy(String, Span),
}

/// A letter on its way out.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Whose.
    pub tenant: TenantId,
    /// The idempotency key: the same for every attempt.
    pub key: String,
    /// What is to be said, and to whom.
    pub letter: Letter,
    /// The question, opened, where it is to be told.
    pub title: Option<String>,
    /// What is told together, each with its title.
    pub together: Vec<(Gathered, Option<String>)>,
    /// How much more there was.
    pub more: u32,
    /// The stand-up that it brings, opened.
    pub standup: Option<Opened>,
}

/// What carries gated calls out, one at a time or many.
pub trait Outside: Send + Sync {
    /// Begins a call and returns at once; `done` is called exactly once, from anywhere. `request`
    /// is the sandbox's encoding of what the guest wants, `key` the idempotency key.
    fn begin(&self, call: &Call, key: String, request: Vec<u8>, done: Done);

    /// What is left to other processes, where these may have the data next.
    fn leaves(&self) -> Option<Leaves> {
        None
    }

    /// The node ends, and waits no longer: a model that isn't asked right now, as it is only to be
    /// asked again later, is given back at once ([`OutsideOutcome::Busy`]).
    fn ends(&self) {}

    /// Begins to ask a model and returns at once; `done` as in [`Self::begin`]. What it answers is
    /// a [`Thought`] in JSON; `piece` hears pieces of it before.
    fn think(&self, posed: Posed, piece: Piecewise, done: Done) {
        drop((posed, piece));
        done(OutsideOutcome::NotSent("no driver asks models".into()));
    }

    /// Begins to ask a model for vectors and returns at once; `done` as in [`Self::begin`].
    fn embed(&self, asked: Embedding, done: Vectors) {
        drop(asked);
        done(Embedded {
            why: Some("no driver asks for vectors".into()),
            ..Embedded::default()
        });
    }

    /// Begins to call a tool of a server and returns at once; `done` as in [`Self::begin`]. What
    /// it answers is a [`naos_types::think::ToolSaid`] in JSON.
    fn tool(&self, called: Called, world: RunWorld, done: Done) {
        drop((called, world));
        done(OutsideOutcome::NotSent(
            "no driver calls servers of tools".into(),
        ));
    }

    /// Begins to look at a server's tools and returns at once; `done` as in [`Self::begin`]. What
    /// it answers is a list of [`naos_types::spec::ServerTool`] in JSON.
    fn look(&self, tenant: TenantId, place: ServerPlace, done: Done) {
        drop((tenant, place));
        done(OutsideOutcome::NotSent(
            "no driver asks servers of tools".into(),
        ));
    }

    /// Begins to deliver a letter and returns at once; `done` as in [`Self::begin`].
    fn post(&self, posted: Posted, done: Done) {
        drop(posted);
        done(OutsideOutcome::NotSent("no driver delivers letters".into()));
    }

    /// Begins to hand a signed request over and returns at once; `back` as `done` in
    /// [`Self::begin`].
    fn hand(&self, parcel: Parcel, back: Back) {
        drop(parcel);
        back(Handed::NotSent("no driver hands anything over".into()));
    }
}

/// A tool of a server that is called.
#[derive(Clone, Debug)]
pub struct Called {
    /// Whose.
    pub tenant: TenantId,
    /// The idempotency key.
    pub key: String,
    /// What is called.
    pub wanted: ToolWanted,
}

/// What a model is asked, with all that was said before.
#[derive(Clone, Debug)]
pub struct Posed {
    /// Whose.
    pub tenant: TenantId,
    /// The idempotency key.
    pub key: String,
    /// Which model, and how it is asked.
    pub think: Think,
    /// What it is shown, a title and a text each.
    pub shown: Vec<(String, String)>,
    /// When the run that asks is over, whatever has been said by then; none for none.
    pub until: Option<Time>,
    /// The task.
    pub input: String,
    /// Pictures that came with it.
    pub pictures: Vec<Vec<u8>>,
    /// What people said before any model answered.
    pub notes: Vec<String>,
    /// What was said before, oldest first.
    pub before: Vec<Exchange>,
}

/// An answer of a model, and what came of the calls that it asked for.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The answer.
    pub thought: Thought,
    /// A result for each of its calls, and whether it is an error.
    pub results: Vec<(String, bool)>,
    /// Pictures among the results, in their order.
    pub pictures: Vec<Vec<u8>>,
    /// What people said behind all of that, before a model was asked again.
    pub notes: Vec<String>,
}

/// Hears pieces of an answer: what each is part of, where it begins, and what it says.
pub type Piecewise = Box<dyn FnMut(FrameKind, u64, &str) + Send>;

/// Hears what became of a call, exactly once.
pub type Done = Box<dyn FnOnce(OutsideOutcome) + Send>;

/// Where a resumed run goes on: the link with the answer, and the run's new clock.
pub(super) type Resume = (Option<BodyRef>, Time);

/// A component at work.
struct Live {
    attempt: u32,
    cancel: CancelToken,
    /// The guest waits here for the answer of its gated call.
    waiting: Option<mpsc::Sender<Resume>>,
}

pub(super) struct Job {
    pub(super) tenant: TenantId,
    pub(super) wanted: Box<Wanted>,
    pub(super) cancel: CancelToken,
}

/// How long [`World::gather`] waits at the most.
const GATHER: std::time::Duration = std::time::Duration::from_micros(500);
/// How many jobs each thread has to have before it, so that it isn't idle meanwhile.
const BACKLOG: usize = 8;

pub(super) struct World {
    node: Weak<Inner>,
    outside: Arc<dyn Outside>,
    pub(super) sandbox: Arc<Sandbox>,
    live: Mutex<BTreeMap<(TenantId, RunId), Live>>,
    queue: Mutex<Option<VecDeque<Job>>>,
    wake: Condvar,
    /// Told when few jobs are left, or a thread waits.
    short: Condvar,
    pool: usize,
    /// Vectors that were asked for before.
    pub(super) vectors: Mutex<Kept>,
    /// How many calls are under way outside that are paid, or may be done once only.
    calls: AtomicUsize,
    /// How many others are, which may be done again.
    others: AtomicUsize,
    /// How many threads of the sandbox wait for an answer.
    held: AtomicUsize,
}

/// A thread of the sandbox while it waits for an answer.
pub(super) struct Holds<'a>(&'a AtomicUsize);

impl Drop for Holds<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A call under way until its answer came back or can't come any more, and whether it is paid or
/// may be done once only.
struct Out(Node, bool);

impl Out {
    fn of(node: &Node, call: &Call) -> Self {
        let out = Self(
            node.clone(),
            call.asks_model() || call.world == RunWorld::Once,
        );
        out.count().fetch_add(1, Ordering::AcqRel);
        out
    }

    fn count(&self) -> &AtomicUsize {
        let world = &self.0.0.world;
        if self.1 { &world.calls } else { &world.others }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.count().fetch_sub(1, Ordering::AcqRel);
    }
}

impl World {
    pub(super) fn new(parts: &Parts, pool: usize, node: Weak<Inner>) -> Self {
        Self {
            node,
            outside: Arc::clone(&parts.outside),
            sandbox: Arc::clone(&parts.sandbox),
            live: Mutex::default(),
            queue: Mutex::new(Some(VecDeque::new())),
            wake: Condvar::new(),
            short: Condvar::new(),
            pool,
            vectors: Mutex::default(),
            calls: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
        }
    }

    /// How many calls are under way outside that are paid, or may be done once only.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    /// How many others are, which may be done again.
    pub(super) fn others(&self) -> usize {
        self.others.load(Ordering::Acquire)
    }

    pub(super) fn outside(&self) -> &Arc<dyn Outside> {
        &self.outside
    }

    pub(super) fn start(&self) -> std::io::Result<Vec<JoinHandle<()>>> {
        let start_one = |index: usize| {
            let node = self.node.clone();
            std::thread::Builder::new()
                .name(format!("wasm-{index}"))
                .stack_size(POOL_STACK_BYTES)
                .spawn(move || {
                    give_way();
                    if let Some(inner) = node.upgrade() {
                        let node = Node(inner);
                        node.0.world.work(&node);
                    }
                })
        };
        (0..self.pool).map(start_one).collect()
    }

    fn work(&self, node: &Node) {
        while let Some(job) = self.next() {
            let (tenant, run, attempt) = (job.tenant, job.wanted.run, job.wanted.attempt);
            super::host::run(node, job, |tell| {
                // Not live any more before anybody hears of the end: what is wished for next
                // starts anew instead of being taken for this one. A later attempt may be at work
                // already, where this one was cancelled: that one stays.
                let mut live = lock(&self.live);
                let own = live.get(&(tenant, run)).map(|found| found.attempt);
                if own == Some(attempt) {
                    live.remove(&(tenant, run));
                }
                drop(live);
                send_return(node, tenant, tell, Some(EffectId::Sandbox(run, attempt)));
            });
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            match queue.as_mut()?.pop_front() {
                Some(job) => {
                    if queue.as_ref().map_or(0, VecDeque::len) + 1 == self.backlog() {
                        self.short.notify_all();
                    }
                    return Some(job);
                }
                None => {
                    queue = self
                        .wake
                        .wait(queue)
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                }
            }
        }
    }

    /// The thread that asks waits from now on, until what comes back is dropped.
    pub(super) fn holds(&self) -> Holds<'_> {
        self.held.fetch_add(1, Ordering::AcqRel);
        self.short.notify_all();
        Holds(&self.held)
    }

    /// Waits a moment so that more comes together, as long as nothing that could go on waits for
    /// it: every thread of the sandbox is at work and has more to do. Each commit, and each thread
    /// that is woken, takes time from them.
    pub(super) fn gather(&self) {
        let all_work = |queue: &mut Option<VecDeque<Job>>| {
            let jobs = queue.as_ref().map_or(0, VecDeque::len);
            jobs >= self.backlog() && self.held.load(Ordering::Acquire) == 0
        };
        let queue = lock(&self.queue);
        drop(self.short.wait_timeout_while(queue, GATHER, all_work));
    }

    /// How many jobs have to wait so that no thread is idle soon.
    const fn backlog(&self) -> usize {
        BACKLOG * self.pool
    }

    pub(super) fn stop(&self) {
        *lock(&self.queue) = None;
        self.wake.notify_all();
        self.short.notify_all();
        for live in lock(&self.live).values() {
            live.cancel.cancel();
        }
    }

    pub(super) fn execute(&self, tenant: TenantId, order: Order) {
        let Order { permit, effect } = order;
        if !permit.spend(effect.id()) {
            tracing::error!(effect = ?effect.id(), "an effect without a permit of its own");
            return;
        }
        match effect {
            Effect::Sandbox(wanted) => self.sandbox_wanted(tenant, wanted),
            Effect::Call(call) => self.call(tenant, &call),
            Effect::Cancel(run) => {
                if let Some(live) = lock(&self.live).get_mut(&(tenant, run)) {
                    live.cancel.cancel();
                    live.waiting = None;
                }
                if let Some(inner) = self.node.upgrade() {
                    let node = Node(inner);
                    node.send(tenant, Incoming::Wake(tenant));
                }
            }
        }
    }

    /// Starts a component, or lets one that waits for its answer go on.
    fn sandbox_wanted(&self, tenant: TenantId, wanted: Box<Wanted>) {
        let mut live = lock(&self.live);
        if let Some(found) = live.get_mut(&(tenant, wanted.run))
            && found.attempt == wanted.attempt
        {
            if let Some(waiting) = found.waiting.take() {
                let _ = waiting.send((wanted.tail, wanted.clock));
            }
            return; // it is at work: the same wish told twice
        }
        let cancel = CancelToken::new();
        let entry = Live {
            attempt: wanted.attempt,
            cancel: cancel.clone(),
            waiting: None,
        };
        live.insert((tenant, wanted.run), entry);
        drop(live);
        if let Some(queue) = lock(&self.queue).as_mut() {
            queue.push_back(Job {
                tenant,
                wanted,
                cancel,
            });
            self.wake.notify_one();
        }
    }

    /// The guest is about to make a gated call: its answer comes through this channel.
    pub(super) fn will_wait(
        &self,
        tenant: TenantId,
        run: RunId,
    ) -> (mpsc::Receiver<Resume>, Holds<'_>) {
        let (tell, hear) = mpsc::channel();
        if let Some(live) = lock(&self.live).get_mut(&(tenant, run)) {
            live.waiting = Some(tell);
        }
        (hear, self.holds())
    }

    /// The guest waits no longer: whether its answer came in this very moment.
    pub(super) fn wait_over(&self, tenant: TenantId, run: RunId) {
        if let Some(live) = lock(&self.live).get_mut(&(tenant, run)) {
            live.waiting = None;
        }
    }

    fn call(&self, tenant: TenantId, call: &Call) {
        let Some(inner) = self.node.upgrade() else {
            return;
        };
        let node = Node(inner);
        let (by, attempt) = (call.by, call.attempt);
        let back = node.clone();
        let once = Out::of(&node, call);
        let done: Done = Box::new(move |outcome: OutsideOutcome| {
            let told = |why: &str, of: &dyn Fn(Sealed) -> CallOutcome| {
                let sealed = back.seal(tenant, why);
                (sealed.map_or(CallOutcome::Lost(None), of), Vec::new())
            };
            let outcome = match outcome {
                OutsideOutcome::Answered(bytes) => match back.new_body(tenant, bytes) {
                    Ok(body) => {
                        let name = body.staged.name;
                        (CallOutcome::Answered(name), vec![body])
                    }
                    Err(_) => (CallOutcome::Lost(None), Vec::new()),
                },
                OutsideOutcome::NotSent(why) => told(&why, &CallOutcome::NotSent),
                OutsideOutcome::Refused(why) => told(&why, &CallOutcome::Refused),
                OutsideOutcome::Unfit(why) => told(&why, &CallOutcome::Unfit),
                OutsideOutcome::Later => (CallOutcome::Later, Vec::new()),
                OutsideOutcome::Busy(why, wait) => {
                    told(&why, &|sealed| CallOutcome::Busy(sealed, wait))
                }
                OutsideOutcome::Lost(why) => told(&why, &|sealed| CallOutcome::Lost(Some(sealed))),
            };
            let (outcome, bodies) = outcome;
            let input = Input::CallEnded(CallEnded {
                by,
                attempt,
                outcome,
            });
            let ends = Some(EffectId::Call(by, attempt));
            send_return(&back, tenant, (input, bodies), ends);
            drop(once);
        });
        let request = match node.body(tenant, &call.request) {
            Ok(request) => request,
            Err(refusal) => return done(OutsideOutcome::NotSent(refusal.what)),
        };
        let key = format!("{tenant}-{}", naos_kernel::key_of(call));
        match call.driver {
            Driver::Http => {
                let same = format!("{tenant}-{}", naos_kernel::same_of(call));
                self.outside.begin(call, same, request, done);
            }
            Driver::Endpoint => node.enquire(tenant, call, key, &request, done),
            Driver::Model => match super::thinking::posed(&node, tenant, (key, by), &request) {
                Ok(posed) => self.outside.think(posed, told(&node, tenant, by), done),
                Err(why) => done(OutsideOutcome::Refused(why)),
            },
            Driver::Recall => super::recalling::begin(&node, tenant, (key, by), &request, done),
            Driver::Server => match serde_json::from_slice(&request) {
                Ok(wanted) => {
                    let called = Called {
                        tenant,
                        key,
                        wanted,
                    };
                    self.outside.tool(called, call.world, done);
                }
                Err(error) => done(OutsideOutcome::NotSent(error.to_string())),
            },
            Driver::Webhook => match Letter::read(&request) {
                Ok((letter, together, more)) => {
                    let standup = match brought(&node, tenant, &letter.about) {
                        Ok(standup) => standup,
                        Err(refusal) => return done(OutsideOutcome::NotSent(refusal.what)),
                    };
                    let opened = |title: &Sealed| node.read(tenant, title);
                    let title = letter.title.as_ref().map(opened);
                    let together = together.into_iter().map(|one| {
                        let title = one.title.as_ref().map(opened);
                        (one, title)
                    });
                    let together = together.collect();
                    self.outside.post(
                        Posted {
                            tenant,
                            key,
                            letter,
                            title,
                            together,
                            more,
                            standup,
                        },
                        done,
                    );
                }
                Err(_) => done(OutsideOutcome::Refused("the letter doesn't parse".into())),
            },
        }
    }
}

/// The stand-up that a letter tells of.
fn brought(node: &Node, tenant: TenantId, about: &About) -> Result<Option<Opened>, Refusal> {
    match about {
        About::News(_, _, News::Standup(_, body)) => {
            Reader::new(node, tenant)?.standup(body).map(Some)
        }
        _ => Ok(None),
    }
}

pub(super) type Return = (Input, Vec<crate::shard::NewBody>);

/// Whoever asks for something is answered before components go on: on Linux a thread has a
/// niceness of its own, and taking more of it is always allowed.
pub(super) fn give_way() {
    if let Err(cause) = rustix::process::nice(NICENESS) {
        tracing::debug!(%cause, "components have the same priority as answers");
    }
}

fn send_return(node: &Node, tenant: TenantId, told: Return, ends: Option<EffectId>) {
    let (input, bodies) = told;
    let envelope = Envelope {
        tenant,
        input,
        bodies,
        same: None,
        ticket: None,
        ends,
    };
    node.send(tenant, Incoming::For(Box::new(envelope)));
}

/// Tells pieces of an answer to whoever listens, until it isn't written any more.
fn told(node: &Node, tenant: TenantId, by: Caller) -> Piecewise {
    let writing = Writing {
        node: Arc::downgrade(&node.0),
        tenant,
        by,
    };
    Box::new(move |kind, offset, text| {
        let writing = &writing;
        if let (Some(node), Caller::Run(run, call)) = (writing.node.upgrade(), writing.by) {
            let text = text.to_owned();
            node.frames.announce(
                writing.tenant,
                Frame {
                    run,
                    call,
                    offset,
                    kind,
                    text,
                },
            );
        }
    })
}

/// An answer that is being written.
struct Writing {
    node: Weak<Inner>,
    tenant: TenantId,
    by: Caller,
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let (Some(node), Caller::Run(run, call)) = (self.node.upgrade(), self.by) {
            node.frames.over(self.tenant, run, call);
        }
    }
}
