//! What drivers and instructions listen with: a subscription of its own, kept in step with them;
//! and the secret of an instruction's webhook, which goes with it.

use naos_types::spec::{DRIVER_PREFIX, INSTRUCTION_PREFIX, Kind, Spec, SubscriptionSpec};
use naos_types::{Actor, Code, Name, Refusal};

use super::{apply, delete};
use crate::state::ResourceKey;
use crate::turn::{Done, Stop, Turn};

const PREFIXES: &[(Kind, &str)] = &[
    (Kind::Driver, DRIVER_PREFIX),
    (Kind::Instruction, INSTRUCTION_PREFIX),
];

fn prefix(kind: Kind) -> Option<&'static str> {
    let found = PREFIXES.iter().find(|(known, _)| *known == kind);
    found.map(|(_, prefix)| *prefix)
}

/// Whether a resource belongs to another one, which makes it and takes it away.
#[must_use]
pub fn is_derived(kind: Kind, name: &Name) -> bool {
    owner(kind, name).is_some()
}

/// The kind that a resource belongs to, and what its name begins with.
fn owner(kind: Kind, name: &Name) -> Option<(Kind, &'static str)> {
    let mut all = PREFIXES.iter().filter(|_| kind == Kind::Subscription);
    let found = all.find(|(_, prefix)| name.as_str().starts_with(prefix));
    found.copied()
}

/// Names of subscriptions that belong to something else, and names that leave no room for one.
pub(super) fn check_name(kind: Kind, name: &Name) -> Done {
    if let Some((of, prefix)) = owner(kind, name) {
        let what = format!(
            "subscriptions called {prefix}… belong to the {}",
            of.plural()
        );
        let refusal = Refusal::new(Code::BAD_NAME, what);
        let whose = &name.as_str()[prefix.len()..];
        let help = format!("change {} {whose}, or take another name", of.word());
        return Err(refusal.help(help).into());
    }
    called(kind, name).map(drop)
}

fn called(kind: Kind, name: &Name) -> Done<Option<Name>> {
    let Some(prefix) = prefix(kind) else {
        return Ok(None);
    };
    let found = Name::new(&format!("{prefix}{name}")).map_err(|_| {
        let what = format!("the name {name} is too long for a {}", kind.word());
        Stop::refused(Code::BAD_NAME, what)
    })?;
    Ok(Some(found))
}

fn listening(spec: &Spec) -> Option<SubscriptionSpec> {
    match spec {
        Spec::Driver(_) | Spec::Limited(_) | Spec::Remote(_) | Spec::Native(_) => {
            spec.driver()?.0.listens()
        }
        Spec::Instruction(spec) => spec.listening().cloned(),
        _ => None,
    }
}

/// A webhook's secret belongs to an instruction that such a webhook sets off.
pub(super) fn check_called(turn: &Turn<'_>, kind: Kind, name: &Name) -> Done {
    if kind == Kind::Secret {
        return signs(turn, name);
    }
    if kind != Kind::Webhook {
        return Ok(());
    }
    signed(turn, Kind::Instruction, name)
}

/// Refuses a secret of what signs nothing.
fn signed(turn: &Turn<'_>, kind: Kind, name: &Name) -> Done {
    let found = turn.resource(&ResourceKey(kind, name.clone()))?;
    match signs_nothing(kind, name, found.map(|found| &found.spec)) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// Why nothing is signed for the driver, subscription or instruction of this name, and what to do;
/// none where something is. `found` is what it says, where it is there.
#[must_use]
pub fn signs_nothing(kind: Kind, name: &Name, found: Option<&Spec>) -> Option<Refusal> {
    let signs = match found {
        Some(Spec::Instruction(spec)) => spec.is_called(),
        Some(spec) => goes_outside(spec),
        None => false,
    };
    if signs {
        return None;
    }
    let word = kind.word();
    let (only, help, list) = match kind {
        Kind::Driver => (
            "that is asked at an address",
            "a driver says `endpoint: https://…`",
            "`naos driver list` lists those there are",
        ),
        Kind::Instruction => (
            "that a webhook sets off",
            "an instruction says `trigger: {webhook: true}`",
            "`naos instruction list` lists those there are",
        ),
        _ => (
            "whose events are delivered",
            "a subscription says `deliver: {url: https://…}`",
            "`naos events consumers` lists those there are",
        ),
    };
    let refusal = match found {
        None => Refusal::new(Code::NOT_FOUND, format!("there is no {word} {name}")).help(list),
        Some(_) => {
            let what = format!("there is no {word} {name} {only}");
            Refusal::new(Code::NOT_FOUND, what).help(help)
        }
    };
    Some(refusal)
}

/// A secret belongs to a subscription: that of a driver with an endpoint, or one whose events are
/// delivered.
fn signs(turn: &Turn<'_>, name: &Name) -> Done {
    let (kind, own) = match super::driver::of(name) {
        Some(driver) => (Kind::Driver, driver),
        None => (Kind::Subscription, name.clone()),
    };
    signed(turn, kind, &own)
}

fn goes_outside(spec: &Spec) -> bool {
    spec.endpoint().is_some() || spec.deliver().is_some()
}

/// The secret of what speaks to nobody outside any more goes.
fn forget_own_secret(
    turn: &mut Turn<'_>,
    by: &Actor,
    kind: Kind,
    name: &Name,
    spec: Option<&Spec>,
) -> Done {
    let own = match kind {
        Kind::Driver => naos_types::spec::RemoteDriver::runs_as(name),
        Kind::Subscription if super::driver::of(name).is_none() => Some(name.clone()),
        _ => None,
    };
    let Some(own) = own.filter(|_| !spec.is_some_and(goes_outside)) else {
        return Ok(());
    };
    forget(turn, by, Kind::Secret, &own)
}

fn forget(turn: &mut Turn<'_>, by: &Actor, kind: Kind, name: &Name) -> Done {
    if turn.resource(&ResourceKey(kind, name.clone()))?.is_some() {
        delete(turn, by, kind, name)?;
    }
    Ok(())
}

/// A secret that nothing is signed with any more goes.
fn forget_secret(turn: &mut Turn<'_>, by: &Actor, name: &Name, spec: Option<&Spec>) -> Done {
    if matches!(spec, Some(Spec::Instruction(spec)) if spec.is_called()) {
        return Ok(());
    }
    forget(turn, by, Kind::Webhook, name)
}

/// Lets the subscription be what the resource says by now; none takes it away.
pub(super) fn follow(
    turn: &mut Turn<'_>,
    by: &Actor,
    kind: Kind,
    name: &Name,
    spec: Option<&Spec>,
) -> Done {
    forget_own_secret(turn, by, kind, name, spec)?;
    let Some(own) = called(kind, name)? else {
        return Ok(());
    };
    if kind == Kind::Instruction {
        forget_secret(turn, by, name, spec)?;
    }
    match spec.and_then(listening) {
        Some(listens) => {
            if kind == Kind::Driver {
                alone(turn, &own, &listens)?;
                runs_alone(turn, &own, spec)?;
            }
            crate::event::room(turn, &own)?;
            let spec = Spec::Subscription(Box::new(listens));
            apply(turn, by, Kind::Subscription, &own, &spec)?;
        }
        None => {
            let key = ResourceKey(Kind::Subscription, own.clone());
            if turn.resource(&key)?.is_none() || drains(turn, by, name, &own, spec)? {
                return Ok(());
            }
            delete(turn, by, Kind::Subscription, &own)?;
        }
    }
    Ok(())
}

/// Events that wait for a driver are lost to nobody: one that is given no more hears nothing new,
/// and puts them aside one after the other; one with such events stays.
fn drains(
    turn: &mut Turn<'_>,
    by: &Actor,
    name: &Name,
    own: &Name,
    spec: Option<&Spec>,
) -> Done<bool> {
    let waiting = turn.consumer(own)?.map_or(0, |found| found.pending.len());
    if waiting == 0 || !own.as_str().starts_with(DRIVER_PREFIX) {
        return Ok(false);
    }
    if spec.is_none() {
        let what = match waiting {
            1 => format!("1 event waits for driver {name}"),
            waiting => format!("{waiting} events wait for driver {name}"),
        };
        let refusal = Refusal::new(Code::WRONG_STATE, what);
        let help = format!("`naos driver disable {name}` puts them aside, then take it away");
        return Err(refusal.help(help).into());
    }
    let Some(mut silent) = crate::event::subscription(turn, own)? else {
        return Ok(false);
    };
    silent.filter.topics = vec![NO_TOPIC.to_owned()];
    let silent = Spec::Subscription(Box::new(silent));
    apply(turn, by, Kind::Subscription, own, &silent)?;
    Ok(true)
}

/// Runs of a driver outside go by the name of its subscription, and no agent may have it.
fn runs_alone(turn: &Turn<'_>, own: &Name, spec: Option<&Spec>) -> Done {
    let outside = spec.and_then(Spec::endpoint).is_some();
    if !outside || turn.agent(own)?.is_none() {
        return Ok(());
    }
    let what = format!("an agent is called {own}, as runs of this driver would be");
    let refusal = Refusal::new(Code::EXISTS, what);
    Err(refusal
        .help("give the driver or the agent another name")
        .into())
}

/// What no event is called.
const NO_TOPIC: &str = ".";

/// Each type of events has one driver at most.
fn alone(turn: &Turn<'_>, own: &Name, listens: &SubscriptionSpec) -> Done {
    for topic in &listens.filter.topics {
        if let Some((other, _)) = crate::event::driver(turn, topic)?
            && other != *own
            && !crate::planted::is("two-answers")
        {
            let other = &other.as_str()[DRIVER_PREFIX.len()..];
            let what = format!("{topic} is answered by driver {other} already");
            let refusal = Refusal::new(Code::EXISTS, what);
            let help = format!("take it out of one of the two, or naos driver disable {other}");
            return Err(refusal.help(help).into());
        }
    }
    Ok(())
}
