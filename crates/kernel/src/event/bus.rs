//! Who listens: what publishing must know, and nothing of what becomes of a message.

use std::collections::BTreeMap;

use naos_types::fact::event::{self, Published};
use naos_types::fact::resource;
use naos_types::spec::{EventFilter, Kind};
use naos_types::{Code, Name, Time};
use serde::{Deserialize, Serialize};

use super::{Caught, Consumer, dead, handler, wait};
use crate::resource::driver;
use crate::state::Key;
use crate::table::{Aggregate, lengthened};
use crate::turn::{Done, Input, Stop, Turn};

/// The most subscriptions of a tenant: every message is compared with all of them.
pub const SUBSCRIPTIONS_MAX: usize = 256;

/// For how many types of events it is kept who answered them once.
const GONE_MAX: usize = 1_024;

/// How much was published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bus {
    /// All events.
    pub published: u64,
    /// Those that nobody listened to.
    pub orphans: u64,
}

impl Aggregate for Bus {
    const KIND: &'static str = "bus";
    const VERSION: u8 = 1;
}

/// One subscription, as far as publishing sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// What it wants.
    pub filter: EventFilter,
    /// Whether it sets something off: then messages are handed to it.
    pub starts: bool,
}

/// Who listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listeners {
    /// By name.
    pub subscriptions: BTreeMap<Name, Listener>,
    /// How many steps wait for each type.
    pub waits: BTreeMap<String, u32>,
    /// Which driver would answer each type, were it not switched off.
    pub off: BTreeMap<String, Name>,
    /// Which driver answered each type until when, where none does any more: runs that began
    /// before count on it.
    pub gone: BTreeMap<String, (Name, Time)>,
}

impl Listeners {
    /// Keeps that a driver answers these types no more, and of as many as are kept the latest.
    fn goes(&mut self, driver: &Name, topics: impl Iterator<Item = String>, now: Time) {
        let gone = topics.map(|topic| (topic, (driver.clone(), now)));
        self.gone.extend(gone);
        while self.gone.len() > GONE_MAX {
            let first = self.gone.iter().min_by_key(|(_, (_, at))| *at);
            let Some(first) = first.map(|(topic, _)| topic.clone()) else {
                return;
            };
            self.gone.remove(&first);
        }
    }

    /// Puts in how one listens now, or that it doesn't any more.
    fn put(&mut self, name: &Name, listener: Option<Listener>, now: Time) {
        let topics = |one: &Option<Listener>| match one {
            Some(one) => one.filter.topics.clone(),
            None => Vec::new(),
        };
        let now_heard = topics(&listener);
        let before = match listener {
            Some(listener) => self.subscriptions.insert(name.clone(), listener),
            None => self.subscriptions.remove(name),
        };
        let Some(driver) = driver::of(name) else {
            return;
        };
        let lost = topics(&before).into_iter();
        self.goes(
            &driver,
            lost.filter(|topic| !now_heard.contains(topic)),
            now,
        );
        self.gone.retain(|topic, _| !now_heard.contains(topic));
    }
}

impl Aggregate for Listeners {
    const KIND: &'static str = "listeners";
    const VERSION: u8 = 3;
    fn is_open(&self) -> bool {
        true // every message is compared with it
    }
    fn lift(version: u8, bytes: &[u8]) -> Option<Self> {
        match version {
            1 => lengthened(bytes, 2),
            2 => lengthened(bytes, 1),
            _ => None,
        }
    }
}

/// Whether anybody wants this message.
pub(super) fn is_heard(turn: &Turn<'_>, fact: &Published) -> Done<bool> {
    let Some(listeners) = turn.listeners(&())? else {
        return Ok(false);
    };
    let mut all = listeners.subscriptions.iter();
    Ok(all.any(|(name, one)| wants(name, one, fact))
        || !wait::waiting(turn, fact)?.is_empty()
        || misses(turn, fact)?.is_some())
}

/// The subscription of the driver that this message would be given to, were it not switched off.
pub(super) fn misses(turn: &Turn<'_>, fact: &Published) -> Done<Option<Name>> {
    let Some(driver) = super::driver_off(turn, &fact.topic)? else {
        return Ok(None);
    };
    let name = driver::listens(&driver)?;
    let is_lost = crate::planted::is("events-for-who-is-off-are-lost");
    Ok((!is_lost && !handler::is_own_failure(&name, fact)).then_some(name))
}

fn wants(name: &Name, one: &Listener, fact: &Published) -> bool {
    one.filter.wants(fact) && !handler::is_own_failure(name, fact)
}

/// Those that are set off by this message.
pub(super) fn triggers(turn: &Turn<'_>, fact: &Published) -> Done<Vec<Name>> {
    let Some(listeners) = turn.listeners(&())? else {
        return Ok(Vec::new());
    };
    let all = listeners.subscriptions.iter();
    let mine = all.filter(|(name, one)| one.starts && wants(name, one, fact));
    Ok(mine.map(|(name, _)| name.clone()).collect())
}

pub(super) fn fold_published(turn: &mut Turn<'_>, fact: &Published) -> Done {
    let mut bus = turn.bus(&())?.cloned().unwrap_or_default();
    bus.published += 1;
    bus.orphans += u64::from(!fact.origin.heard);
    turn.put_bus((), Some(bus));
    if !fact.origin.heard {
        return Ok(());
    }
    let now = turn.now;
    for name in triggers(turn, fact)? {
        let caught = Caught::of(fact, now);
        turn.consumer_mut(&name)?.pending.push_back(caught);
    }
    match misses(turn, fact)? {
        Some(name) => dead::fold_missed(turn, name, fact),
        None => Ok(()),
    }
}

/// Lets what was handed to triggers happen in turns of their own.
pub(super) fn set_off(turn: &mut Turn<'_>, fact: &Published) -> Done {
    if !fact.origin.heard {
        return Ok(());
    }
    for name in triggers(turn, fact)? {
        wake(turn, &name)?;
    }
    Ok(())
}

/// Has a consumer look at what it has to do.
pub(crate) fn wake(turn: &mut Turn<'_>, name: &Name) -> Done {
    let pending = turn.consumer(name)?.is_some_and(|c| !c.pending.is_empty());
    let next = Input::Due(Key::Consumer(name.clone()));
    if pending && !turn.next.contains(&next) {
        turn.next.push_back(next);
    }
    Ok(())
}

/// Refuses one subscription too many.
pub(crate) fn room(turn: &Turn<'_>, name: &Name) -> Done {
    let Some(listeners) = turn.listeners(&())? else {
        return Ok(());
    };
    let known = &listeners.subscriptions;
    if known.contains_key(name) || known.len() < SUBSCRIPTIONS_MAX {
        return Ok(());
    }
    let what = format!("there are {SUBSCRIPTIONS_MAX} subscriptions, and no more in one tenant");
    Err(Stop::refused(Code::TOO_LARGE, what))
}

/// Keeps which types of events a driver would answer that is switched off.
fn switched_off(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    let (name, would) = match fact {
        resource::Fact::Applied(f) if f.kind == Kind::Driver => {
            let driver = f.spec.driver().map(|(driver, _)| driver);
            let off = driver.filter(|driver| !driver.enabled);
            (&f.name, off.map_or(&[][..], |driver| &driver.capabilities))
        }
        resource::Fact::Deleted(f) if f.kind == Kind::Driver => (&f.name, &[][..]),
        _ => return Ok(()),
    };
    let known = turn.listeners(&())?;
    let is_known = known.is_some_and(|known| known.off.values().any(|driver| driver == name));
    if would.is_empty() && !is_known {
        return Ok(());
    }
    let mut listeners = known.cloned().unwrap_or_default();
    let mine = listeners.off.iter().filter(|(_, driver)| *driver == name);
    let lost: Vec<String> = mine
        .map(|(topic, _)| topic.clone())
        .filter(|topic| !would.contains(topic))
        .collect();
    listeners.off.retain(|_, driver| driver != name);
    listeners.goes(name, lost.into_iter(), turn.now);
    let would = would.iter().map(|topic| (topic.clone(), name.clone()));
    listeners.off.extend(would);
    turn.put_listeners((), Some(listeners));
    Ok(())
}

/// Keeps the list of who listens. What else listens (an instruction with a trigger, say) gives
/// what it wants here.
pub(crate) fn set_up(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    switched_off(turn, fact)?;
    let (name, listener) = match fact {
        resource::Fact::Applied(f) => match &f.spec {
            spec if f.kind == Kind::Subscription => {
                let Some(listens) = spec.listens() else {
                    return Ok(());
                };
                let starts = listens.starts.is_some() || !spec.emits().is_empty();
                let filter = listens.filter.clone();
                (&f.name, Some(Listener { filter, starts }))
            }
            _ => return Ok(()),
        },
        resource::Fact::Deleted(f) if f.kind == Kind::Subscription => (&f.name, None),
        _ => return Ok(()),
    };
    let mut listeners = turn.listeners(&())?.cloned().unwrap_or_default();
    let is_there = listener.is_some();
    listeners.put(name, listener, turn.now);
    if !is_there {
        turn.put_consumer(name.clone(), None);
    } else if turn.consumer(name)?.is_none() {
        turn.put_consumer(name.clone(), Some(Consumer::default()));
    }
    turn.put_listeners((), Some(listeners));
    Ok(())
}

/// A subscription that is new begins here, or at the start of the journal.
pub(crate) fn subscribed(turn: &mut Turn<'_>, fact: &resource::Fact) -> Done {
    let resource::Fact::Applied(f) = fact else {
        return Ok(());
    };
    let Some(spec) = f.spec.listens() else {
        return Ok(());
    };
    let begun = turn.consumer(&f.name)?.is_none_or(|c| c.cursor.is_some());
    if begun {
        return Ok(());
    }
    let here = turn.seq + turn.facts.len() as u64;
    let after = if spec.from_start { 0 } else { here };
    turn.emit(event::Subscribed {
        consumer: f.name.clone(),
        after,
    })
}
