//! Couriers: naos itself takes the events of a subscription that says where they are to go, and
//! delivers them. A courier is a consumer like all others: what it took is durable before it is
//! sent, it is acknowledged only once its receiver took it, and what comes again has the same id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use naos_engine::node::{Ask, Handed, Parcel};
use naos_engine::read::{EventRow, Reader};
use naos_kernel::ResourceKey;
use naos_kernel::resource::Resource;
use naos_kernel::tenant::Slug;
use naos_types::command::{self, Reply};
use naos_types::fact::{Fact, event};
use naos_types::spec::{Deliver, Kind};
use naos_types::{Actor, Code, Name, Refusal, Seq, Span, TenantId, Time};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::api::v1::NAMES_MAX;
use crate::api::v1::consumers::{Asks, take, wait};
use crate::app::{Desk, lock};
use crate::cloudevents;
use crate::error::Fault;
use crate::planted;
use crate::setup::SYSTEM;

/// Bytes of a receiver's answer that are read: nobody uses it, but it says what went wrong.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The pause after something went wrong here; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a courier waits for events before it looks whether it is still wanted.
const IDLE_MAX: Duration = Duration::from_secs(3_600);
/// The longest that a receiver may put an event off.
const WAIT_MAX: Span = Span::secs(86_400);
/// How many events of all tenants are on their way at once.
const DELIVERIES_MAX: usize = 256;
/// The receiver is gone for good and says so.
const GONE: u16 = 410;

/// Whose events, and of which subscription.
type Route = (TenantId, Name);

/// What a receiver said last.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) at: Time,
    pub(crate) text: String,
    /// Whether it took the event.
    pub(crate) taken: bool,
    /// Since when it took none, and how often it was asked since; nothing where it took the last.
    pub(crate) failing: Option<(Time, u64)>,
}

/// Which tenants are to be looked at, and what receivers said; nothing relies on the latter.
pub(crate) struct Rounds {
    wanted: Mutex<BTreeSet<TenantId>>,
    wake: Notify,
    said: Mutex<BTreeMap<Route, Said>>,
    places: Semaphore,
}

impl Default for Rounds {
    fn default() -> Self {
        Self {
            wanted: Mutex::default(),
            wake: Notify::new(),
            said: Mutex::default(),
            places: Semaphore::new(DELIVERIES_MAX),
        }
    }
}

impl Rounds {
    /// A subscription of this tenant may have come, or may be delivered again.
    pub(crate) fn look_at(&self, tenant: TenantId) {
        lock(&self.wanted).insert(tenant);
        self.wake.notify_one();
    }

    /// What a subscription's receiver said last, since naos is up.
    pub(crate) fn said(&self, tenant: TenantId, name: &Name) -> Option<Said> {
        lock(&self.said).get(&(tenant, name.clone())).cloned()
    }

    fn heard(&self, route: &Route, text: String, taken: bool) {
        let at = naos_engine::clock::now();
        let mut all = lock(&self.said);
        let before = all.get(route).and_then(|said| said.failing);
        let (since, count) = before.unwrap_or((at, 0));
        let failing = (!taken).then_some((since, count + 1));
        let said = Said {
            at,
            text,
            taken,
            failing,
        };
        all.insert(route.clone(), said);
    }
}

/// Delivers events while it runs.
#[derive(Clone)]
pub struct Couriers(pub(crate) Arc<Desk>);

impl Couriers {
    /// Delivers until it is dropped; what is under way then is sent again at the next start.
    pub async fn run(self) {
        let desk = self.0;
        let mut at_work: Vec<(Id, Route)> = Vec::new();
        let mut rounds = JoinSet::new();
        let mut wanted = tenants(&desk);
        loop {
            for tenant in std::mem::take(&mut wanted) {
                let routes = routes(&desk, tenant).unwrap_or_else(|refusal| {
                    tracing::warn!(%tenant, %refusal, "subscriptions can't be read");
                    Vec::new()
                });
                for route in routes {
                    if at_work.iter().all(|(_, known)| *known != route) {
                        let working = rounds.spawn(deliver_all(Arc::clone(&desk), route.clone()));
                        at_work.push((working.id(), route));
                    }
                }
            }
            tokio::select! {
                () = desk.couriers.wake.notified() => {
                    wanted = std::mem::take(&mut *lock(&desk.couriers.wanted));
                    for tenant in &wanted {
                        desk.app.node.flush(*tenant).await; // what was just written is read
                    }
                }
                Some(ended) = rounds.join_next_with_id() => {
                    let id = match &ended {
                        Ok((id, ())) => *id,
                        Err(error) => {
                            tracing::error!(%error, "a courier broke off");
                            error.id()
                        }
                    };
                    let found = at_work.iter().position(|(known, _)| *known == id);
                    let route = found.map(|at| at_work.swap_remove(at).1);
                    // Somebody may have resumed it in this very moment.
                    wanted.extend(route.filter(|_| ended.is_ok()).map(|(tenant, _)| tenant));
                }
            }
        }
    }
}

fn tenants(desk: &Desk) -> BTreeSet<TenantId> {
    let found =
        Reader::new(&desk.app.node, SYSTEM).and_then(|reader| reader.all::<Slug>(usize::MAX));
    match found {
        Ok(all) => all.iter().map(|(_, slug)| slug.tenant).collect(),
        Err(refusal) => {
            tracing::warn!(%refusal, "tenants can't be read: nothing is delivered yet");
            BTreeSet::new()
        }
    }
}

/// The subscriptions of a tenant whose events are to be delivered by now.
fn routes(desk: &Desk, tenant: TenantId) -> Result<Vec<Route>, Refusal> {
    let reader = Reader::new(&desk.app.node, tenant)?;
    let found = reader.resources(Kind::Subscription, NAMES_MAX)?;
    let delivered = found.iter().filter(|(_, kept)| {
        let deliver = kept.spec.deliver();
        deliver.is_some_and(|deliver| deliver.paused.is_none())
    });
    Ok(delivered.map(|(key, _)| (tenant, key.1.clone())).collect())
}

/// Whether a courier goes on.
enum Next {
    Again,
    Over,
}

/// One courier at work.
async fn deliver_all(desk: Arc<Desk>, route: Route) {
    let mut done = Vec::new();
    let mut pause = PAUSE;
    loop {
        match deliver_some(&desk, &route, &mut done).await {
            Ok(Next::Over) => return,
            Ok(Next::Again) => pause = PAUSE,
            Err(fault) if fault.refusal.code == Code::STOPPING => return,
            Err(fault) => {
                let what = fault.refusal.what.clone();
                tracing::debug!(subscription = %route.1, what, "nothing can be delivered now");
                desk.couriers.heard(&route, what, false);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Takes what there is, and hands it over; `done` is what is still to be acknowledged.
async fn deliver_some(desk: &Desk, route: &Route, done: &mut Vec<Seq>) -> Result<Next, Fault> {
    let (tenant, name) = route;
    let reader = Reader::new(&desk.app.node, *tenant)?;
    let own = Own {
        desk,
        tenant: *tenant,
    };
    let key = ResourceKey(Kind::Subscription, name.clone());
    let found = reader.find::<Resource>(&key)?;
    let deliver = found.as_ref().and_then(|found| found.spec.deliver());
    let Some(deliver) = deliver.filter(|deliver| deliver.paused.is_none()) else {
        own.acknowledge(name, done).await?;
        return Ok(Next::Over);
    };
    let secret = desk.app.node.secret(*tenant, name)?;
    let mut watch = desk.app.node.watch(*tenant);
    let mut acks = done.clone();
    let how = (&mut 0, deliver.at_once);
    let taken = take(&own, desk, &reader, name, &mut acks, how).await?;
    done.clear();
    if taken.events.is_empty() {
        if taken.more {
            tokio::task::yield_now().await;
        } else {
            let changed = AtomicBool::new(false);
            let filter = found.as_ref().and_then(|found| found.spec.listens());
            let filter = filter.map(|spec| &spec.filter);
            let concerns = |fact: &Fact| match fact {
                Fact::Event(event::Fact::Published(f)) => filter.is_some_and(|one| one.wants(f)),
                Fact::Event(event::Fact::Replayed(f)) => f.consumer == *name,
                Fact::Resource(fact) => {
                    let mine = fact.about() == format!("{}/{name}", Kind::Subscription.word());
                    changed.fetch_or(mine, Ordering::Relaxed);
                    mine
                }
                _ => false,
            };
            wait(&mut watch, far(), taken.again, concerns).await;
            if changed.load(Ordering::Relaxed) {
                desk.app.node.flush(*tenant).await; // what it says by now is read
            }
        }
        return Ok(Next::Again);
    }
    let mut gone = false;
    let sent = taken.events.iter().map(|(seq, ..)| {
        let (reader, secret) = (&reader, &secret);
        async move { (*seq, hand(desk, route, reader, deliver, secret, *seq).await) }
    });
    for (seq, fate) in futures_util::future::join_all(sent).await {
        match fate? {
            Fate::Taken => done.push(seq),
            Fate::Gone => gone = true,
            Fate::NotTaken(_) if planted::acknowledged_unsent() => done.push(seq),
            Fate::NotTaken(delay) => {
                let (consumer, events) = (name.clone(), vec![seq]);
                let back = command::Event::Return {
                    consumer,
                    events,
                    delay,
                };
                own.put("", back).await?;
            }
        }
    }
    if !gone {
        return Ok(Next::Again); // what is done is said with the next look
    }
    own.acknowledge(name, done).await?;
    let consumer = name.clone();
    own.put("", command::Event::Gone { consumer }).await?;
    desk.app.node.flush(*tenant).await;
    Ok(Next::Over)
}

fn far() -> Instant {
    Instant::from_std(naos_engine::clock::tick() + IDLE_MAX)
}

/// What became of one event.
enum Fate {
    Taken,
    /// It comes again, no sooner than its receiver said.
    NotTaken(Option<Span>),
    Gone,
}

async fn hand(
    desk: &Desk,
    route: &Route,
    reader: &Reader,
    deliver: &Deliver,
    secret: &str,
    seq: Seq,
) -> Result<Fate, Fault> {
    let Some(row) = reader.event_at(seq)? else {
        return Ok(Fate::Taken); // a newer naos wrote it: nothing to say
    };
    let stopping = || Fault::new(Code::STOPPING, "naos is stopping");
    let _place = desk
        .couriers
        .places
        .acquire()
        .await
        .map_err(|_| stopping())?;
    let (tell, hear) = oneshot::channel();
    let parcel = parcel(route, reader, deliver, secret, &row);
    let back = Box::new(move |handed: Handed| drop(tell.send(handed)));
    desk.app.node.hand(parcel, back);
    let handed = hear.await.map_err(|_| stopping())?;
    let sentence = handed.sentence();
    let fate = match handed {
        Handed::Answered {
            status: 200..=299, ..
        }
        | Handed::TooLong(_) => Fate::Taken,
        Handed::Answered { status: GONE, .. } => Fate::Gone,
        Handed::Answered { wait, .. } => {
            Fate::NotTaken(wait.map(|wait| Span(wait.0.clamp(0, WAIT_MAX.0))))
        }
        _ => Fate::NotTaken(None),
    };
    let taken = matches!(fate, Fate::Taken);
    desk.couriers.heard(route, sentence, taken);
    Ok(fate)
}

fn parcel(
    (tenant, name): &Route,
    reader: &Reader,
    deliver: &Deliver,
    secret: &str,
    row: &EventRow,
) -> Parcel {
    let event = serde_json::Value::Object(cloudevents::event(reader, row));
    Parcel {
        url: deliver.url.clone(),
        key: format!("{tenant}-{}-{name}", row.event.event),
        same: None,
        secret: secret.to_owned(),
        body: event.to_string().into_bytes(),
        answer_bytes_max: ANSWER_BYTES_MAX,
        timeout: None,
    }
}

/// The courier asks its cell.
struct Own<'d> {
    desk: &'d Desk,
    tenant: TenantId,
}

impl Own<'_> {
    async fn acknowledge(&self, name: &Name, done: &mut Vec<Seq>) -> Result<(), Fault> {
        if done.is_empty() {
            return Ok(());
        }
        let (consumer, events) = (name.clone(), done.clone());
        let ack = command::Event::Acknowledge { consumer, events };
        match self.put("", ack).await {
            // Somebody took the subscription away meanwhile, and what it had with it.
            Err(fault) if fault.refusal.code != Code::NOT_FOUND => return Err(fault),
            _ => done.clear(),
        }
        Ok(())
    }
}

impl Asks for Own<'_> {
    async fn put(&self, _part: &str, command: command::Event) -> Result<(Seq, Reply), Fault> {
        let ask = Ask {
            tenant: self.tenant,
            actor: Actor::System,
            command: command.into(),
            bodies: Vec::new(),
            same: None,
        };
        let (seq, reply) = self.desk.app.node.ask(ask).await;
        Ok((seq, reply?))
    }
}
