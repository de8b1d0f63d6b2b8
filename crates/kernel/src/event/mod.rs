//! Events: messages on the bus, with an open type. Publishing is one fact, whoever listens:
//! consumers come with a cursor and take what they want, triggers and waiting steps follow in the
//! cell's own turns.

mod bus;
mod cloud;
mod consumer;
mod dead;
mod delivery;
mod ended;
mod handler;
mod trigger;
mod wait;

use naos_types::command::{self, Reply};
use naos_types::fact::event::{self, Category, Fact, Origin};
use naos_types::spec::{
    Emits, HOOK_BYTES_MAX, HOOK_TOPIC, Kind, OWN_WORD_HELP, Spec, is_own_source, own_word,
};
use naos_types::{Actor, BodyRef, Code, EventId, Name, Refusal, Time};

use crate::turn::{Done, Stop, Turn};

pub use bus::{Bus, Listener, Listeners, SUBSCRIPTIONS_MAX};
pub use cloud::theirs;
pub use consumer::{Consumer, Held, PULL_MAX, Rest};
pub use dead::{Dead, DeadKey};
pub use trigger::{AROUND_MAX, Caught, HOPS_MAX, Trace, TraceKey};
pub use wait::{SIGNALS_MAX, Signals, WAITERS_MAX, WaitKey, Waiters, Waits};

pub(crate) use bus::{room, set_up, subscribed, wake};
pub(crate) use consumer::{due, give_up};
pub(crate) use dead::failed_at;
pub(crate) use delivery::not_delivered;
pub(crate) use ended::plan_ended;
pub(crate) use handler::{Failure, Who, plan_failed, said, task_failed, tell};
pub(crate) use trigger::{first_task, given};
pub(crate) use wait::{await_event, leave, leave_all, waiting};

/// The longest type of an event, in bytes.
pub const TOPIC_BYTES_MAX: usize = 128;
/// The longest data of an event, in bytes.
pub const EVENT_BYTES_MAX: u64 = 256 << 10;
/// The longest source, id, key or other word of an event, in bytes.
pub const WORD_BYTES_MAX: usize = 512;
/// How much of what a stranger said of a failure the event about it tells, in bytes.
pub const ERROR_SAID_BYTES_MAX: usize = 1_024;

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Event) -> Done<Reply> {
    match asked {
        command::Event::Publish {
            topic,
            data,
            origin,
        } => {
            may_publish(by, topic, *data, origin)?;
            // Whoever comes from outside leads nobody on: hops are counted here alone.
            let origin = Origin {
                hops: 0,
                trigger: None,
                asks: None,
                ..origin.clone()
            };
            publish(turn, by, topic, *data, origin).map(Reply::Event)
        }
        command::Event::Pull {
            consumer,
            done,
            limit,
            from,
            filter,
            found,
            upto,
        } => {
            if *by != Actor::System {
                delivery::taken_by_hand(turn, consumer)?;
            }
            let look = consumer::Look {
                from: *from,
                filter,
                found,
                upto: *upto,
            };
            consumer::pull(turn, consumer, done, *limit, &look)
        }
        command::Event::Acknowledge { consumer, events } => {
            consumer::acknowledge(turn, consumer, events).map(Reply::Count)
        }
        command::Event::Return {
            consumer,
            events,
            delay,
        } => consumer::give_back(turn, consumer, events, *delay).map(Reply::Count),
        command::Event::Replay { consumer, event } => dead::replay(turn, by, consumer, *event),
        command::Event::Drop { consumer, event } => dead::forget(turn, by, consumer, *event),
        command::Event::Signal { plan, name, data } => wait::signal(turn, by, *plan, name, *data),
        command::Event::Gone { consumer } => delivery::gone(turn, by, consumer),
    }
}

/// Whether an event can be published by somebody outside, as far as that can be said before it is.
///
/// # Errors
/// Why it can't be.
pub fn may_publish(by: &Actor, topic: &str, data: BodyRef, origin: &Origin) -> Result<(), Refusal> {
    if *by != Actor::System {
        not_ours(topic, origin.source.as_deref())?;
    }
    check(topic, data, origin)
}

/// Whether this can be an event's type: words of letters, digits, `_` and `-` with points between.
pub(crate) fn check_topic(topic: &str) -> Result<(), Refusal> {
    if topic.len() <= TOPIC_BYTES_MAX && naos_types::spec::is_topic(topic) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::BAD_REQUEST,
        format!("{topic:?} can't be the type of an event"),
    )
    .help("use words with points between them, like email.received"))
}

/// Refuses what only naos itself says: that something failed, how a run ended, that a webhook was
/// called. Whoever listens for these takes them for true.
pub(crate) fn not_ours(topic: &str, source: Option<&str>) -> Result<(), Refusal> {
    if crate::planted::is("anybody-poses") {
        return Ok(());
    }
    let what = if let Some(what) = own_word(topic) {
        what
    } else if let Some(source) = source.filter(|source| is_own_source(source)) {
        format!("{source} is where naos's own events come from")
    } else {
        return Ok(());
    };
    Err(Refusal::new(Code::BAD_REQUEST, what).help(OWN_WORD_HELP))
}

/// The same of what a document says by itself, when it is put in. One that an earlier naos took
/// stays as it is.
pub(crate) fn says_its_own(spec: &Spec) -> Result<(), Refusal> {
    if crate::planted::is("documents-pose") {
        return Ok(());
    }
    spec.says()
        .into_iter()
        .try_for_each(|topic| not_ours(topic, None))
}

/// Whether a message is small enough, and what it says about itself can be said.
pub(crate) fn check(topic: &str, data: BodyRef, origin: &Origin) -> Result<(), Refusal> {
    check_topic(topic)?;
    let most = match topic {
        HOOK_TOPIC => HOOK_BYTES_MAX,
        _ => EVENT_BYTES_MAX,
    };
    if data.len > most {
        let what = format!("the data has {} bytes, at most {most}", data.len);
        let help = "write a document, and publish where it stands";
        return Err(Refusal::new(Code::TOO_LARGE, what).help(help));
    }
    let words = [
        ("source", &origin.source),
        ("id", &origin.id),
        ("key", &origin.key),
        ("datacontenttype", &origin.content),
        ("correlation", &origin.correlation),
        ("causation", &origin.causation),
    ];
    for (what, word) in words {
        let Some(word) = word else { continue };
        if word.is_empty() || word.len() > WORD_BYTES_MAX || word.chars().any(char::is_control) {
            let what =
                format!("`{what}` has 1 to {WORD_BYTES_MAX} bytes and no control characters");
            return Err(Refusal::new(Code::BAD_REQUEST, what));
        }
    }
    Ok(())
}

/// The driver that answers events of this type: the subscription that it listens with, and its
/// agent.
pub(crate) fn driver(turn: &Turn<'_>, topic: &str) -> Done<Option<(Name, Name)>> {
    let Some(listeners) = turn.listeners(&())? else {
        return Ok(None);
    };
    let answers = |name: &Name, one: &Listener| {
        let topics = &one.filter.topics;
        one.starts && is_driver(name) && topics.iter().any(|known| known == topic)
    };
    let mut all = listeners.subscriptions.iter();
    let Some(name) = all
        .find(|(name, one)| answers(name, one))
        .map(|(name, _)| name.clone())
    else {
        return Ok(None);
    };
    let spec = subscription(turn, &name)?;
    let agent = spec.and_then(|spec| spec.starts).map(|starts| starts.name);
    Ok(agent.map(|agent| (name, agent)))
}

/// The driver that would answer events of this type, were it not switched off; none where another
/// one answers them.
pub(crate) fn driver_off(turn: &Turn<'_>, topic: &str) -> Done<Option<Name>> {
    let listeners = turn.listeners(&())?;
    let off = listeners.and_then(|listeners| listeners.off.get(topic));
    match off.cloned() {
        Some(off) if driver(turn, topic)?.is_none() => Ok(Some(off)),
        _ => Ok(None),
    }
}

/// The driver that answered events of this type when a run began, and that is deleted since, or
/// answers them no more; none where another one answers them, or where none did. In the same
/// millisecond it counts as having been there: what fails is seen, what nobody does is not.
pub(crate) fn driver_gone(turn: &Turn<'_>, topic: &str, began: Time) -> Done<Option<Name>> {
    let listeners = turn.listeners(&())?;
    let gone = listeners.and_then(|listeners| listeners.gone.get(topic));
    match gone.cloned() {
        Some((gone, until)) if began <= until && driver(turn, topic)?.is_none() => Ok(Some(gone)),
        _ => Ok(None),
    }
}

/// Whether a subscription is how a driver listens.
pub(crate) fn is_driver(name: &Name) -> bool {
    name.as_str().starts_with(naos_types::spec::DRIVER_PREFIX)
}

pub(crate) fn publish(
    turn: &mut Turn<'_>,
    by: &Actor,
    topic: &str,
    data: BodyRef,
    origin: Origin,
) -> Done<EventId> {
    check(topic, data, &origin)?;
    let event = turn.mint.next_id();
    let mut fact = event::Published {
        event,
        topic: topic.to_owned(),
        data,
        by: by.clone(),
        origin: Box::new(origin),
    };
    fact.origin.heard = bus::is_heard(turn, &fact)?;
    turn.emit(fact)?;
    Ok(event)
}

/// What a run or a plan publishes belongs to what it belongs to itself: `root` is the plan or the
/// run, `began` who began it.
pub(crate) fn from_within(turn: &Turn<'_>, root: &str, began: &Actor) -> Done<Origin> {
    if let Actor::Plan(above) = began {
        // A run that is a step belongs to what its plan belongs to.
        let by = crate::plan::known(turn, *above)?.by.clone();
        let mut origin = from_within(turn, &above.to_string(), &by)?;
        origin.causation = Some(root.to_owned());
        return Ok(origin);
    }
    let mut origin = Origin {
        category: Category::Internal,
        correlation: Some(root.to_owned()),
        causation: Some(root.to_owned()),
        ..Origin::default()
    };
    let Actor::Trigger(name, event) = began else {
        origin.hops = crate::task::hops(turn, began)?;
        return Ok(origin);
    };
    let key = TraceKey(*event, name.clone());
    if let Some(trace) = turn.trace(&key)? {
        origin.correlation = Some(trace.correlation.clone());
        origin.hops = trace.hops + 1;
        origin.trigger = Some((name.clone(), *event));
    }
    Ok(origin)
}

/// The same for a call of a run.
pub(crate) fn from_run(turn: &Turn<'_>, run: naos_types::RunId) -> Done<Origin> {
    let task = crate::run::known(turn, run)?.task;
    let task = crate::task::known(turn, task)?;
    let mut origin = match &task.parent {
        Some(parent) => {
            let began = crate::plan::known(turn, parent.plan)?.by.clone();
            from_within(turn, &parent.plan.to_string(), &began)?
        }
        None => from_within(turn, &run.to_string(), &task.by.clone())?,
    };
    if crate::resource::driver::is_way_in(turn, &task.by)? {
        origin.category = Category::Input;
    }
    origin.causation = Some(run.to_string());
    Ok(origin)
}

/// What follows from a fact of this family.
pub(crate) fn react(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Published(f) => {
            bus::set_off(turn, f)?;
            dead::say_missed(turn, f)?;
            crate::plan::heard(turn, f)
        }
        Fact::Replayed(f) => bus::wake(turn, &f.consumer),
        Fact::Signalled(f) => crate::plan::signalled(turn, f.plan),
        _ => Ok(()),
    }
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    match fact {
        Fact::Published(f) => bus::fold_published(turn, f),
        Fact::Subscribed(f) => {
            turn.consumer_mut(&f.consumer)?.cursor = Some(f.after);
            Ok(())
        }
        Fact::Taken(f) => consumer::fold_taken(turn, f),
        Fact::Acknowledged(f) => consumer::fold_acknowledged(turn, f),
        Fact::Returned(f) => consumer::fold_returned(turn, f),
        Fact::Dead(f) => dead::fold_dead(turn, f),
        Fact::Replayed(f) => dead::fold_replayed(turn, f),
        Fact::Dropped(f) => {
            turn.put_dead(DeadKey(f.consumer.clone(), f.event), None);
            Ok(())
        }
        Fact::Triggered(f) => trigger::fold(turn, f),
        Fact::Awaited(f) => wait::fold_awaited(turn, f),
        Fact::Signalled(f) => wait::fold_signalled(turn, f),
    }
}

/// The subscription of this name.
pub(crate) fn subscription(
    turn: &Turn<'_>,
    name: &Name,
) -> Done<Option<naos_types::spec::SubscriptionSpec>> {
    Ok(spec(turn, name)?.and_then(|spec| spec.listens().cloned()))
}

/// What it makes of events itself.
fn emits(turn: &Turn<'_>, name: &Name) -> Done<Vec<Emits>> {
    Ok(spec(turn, name)?.map_or_else(Vec::new, |spec| spec.emits().to_vec()))
}

fn spec<'t>(turn: &'t Turn<'_>, name: &Name) -> Done<Option<&'t Spec>> {
    let key = crate::state::ResourceKey(Kind::Subscription, name.clone());
    Ok(turn.resource(&key)?.map(|found| &found.spec))
}

fn no_consumer(name: &Name) -> Stop {
    let refusal = Refusal::new(Code::NOT_FOUND, format!("there is no consumer {name}"));
    refusal
        .help("`naos events consumers` lists them, `naos events subscribe` makes one")
        .into()
}
