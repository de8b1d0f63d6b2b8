//! Steps of plans that wait for an event, found by what they wait for; signals that came early.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use naos_types::command::Reply;
use naos_types::fact::event::{self, Published};
use naos_types::spec::like;
use naos_types::{Actor, BodyRef, Code, Name, PlanId, Refusal, StepPath};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// The most steps that wait for the same: each of them is asked when such an event comes.
pub const WAITERS_MAX: usize = 128;
/// The most signals that one run keeps for later.
pub const SIGNALS_MAX: usize = 64;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WaitKey {
    /// Types of events.
    pub topic: String,
    /// The conversation it must belong to.
    pub correlation: Option<String>,
}

/// Who waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiters {
    /// Runs and their steps.
    pub steps: BTreeSet<(PlanId, StepPath)>,
}

impl Aggregate for Waiters {
    const KIND: &'static str = "waiters";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        true
    }
}

/// What a run waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// By step.
    pub steps: BTreeMap<StepPath, WaitKey>,
}

impl Aggregate for Waits {
    const KIND: &'static str = "waits";
    const VERSION: u8 = 1;
}

/// Signals that were sent to a run and not taken yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// What came with them, oldest first.
    pub kept: BTreeMap<Name, VecDeque<BodyRef>>,
}

impl Aggregate for Signals {
    const KIND: &'static str = "signals";
    const VERSION: u8 = 1;
    fn is_open(&self) -> bool {
        !self.kept.is_empty()
    }
}

/// The steps that wait for such an event; their conditions aren't asked yet.
pub(crate) fn waiting(turn: &Turn<'_>, fact: &Published) -> Done<Vec<(PlanId, StepPath)>> {
    let Some(listeners) = turn.listeners(&())? else {
        return Ok(Vec::new());
    };
    if listeners.waits.is_empty() {
        return Ok(Vec::new());
    }
    let exact = listeners.waits.get_key_value(&fact.topic);
    let globs = listeners.waits.iter();
    let globs = globs.filter(|(topic, _)| topic.contains('*') && like(topic, &fact.topic));
    let mut out = Vec::new();
    for (topic, _) in exact.into_iter().chain(globs) {
        for correlation in [None, Some(fact.correlation())] {
            let topic = topic.clone();
            let key = WaitKey { topic, correlation };
            if let Some(found) = turn.waiters(&key)? {
                out.extend(found.steps.iter().cloned());
            }
        }
    }
    Ok(out)
}

/// A step begins to wait. Whether there was room.
pub(crate) fn await_event(
    turn: &mut Turn<'_>,
    plan: PlanId,
    at: &StepPath,
    topic: &str,
    correlation: Option<String>,
) -> Done<bool> {
    let key = WaitKey {
        topic: topic.to_owned(),
        correlation: correlation.clone(),
    };
    let others = turn.waiters(&key)?.map_or(0, |found| found.steps.len());
    if others >= WAITERS_MAX {
        return Ok(false);
    }
    turn.emit(event::Awaited {
        plan,
        at: at.clone(),
        topic: topic.to_owned(),
        correlation,
    })?;
    Ok(true)
}

/// The step waits no longer.
pub(crate) fn leave(turn: &mut Turn<'_>, plan: PlanId, at: &StepPath) -> Done {
    let Some(mut waits) = turn.waits(&plan)?.cloned() else {
        return Ok(());
    };
    if let Some(key) = waits.steps.remove(at) {
        let left = (!waits.steps.is_empty()).then_some(waits);
        turn.put_waits(plan, left);
        forget(turn, plan, at, &key)?;
    }
    Ok(())
}

/// Nothing of the run waits any longer, and no signal is kept for it.
pub(crate) fn leave_all(turn: &mut Turn<'_>, plan: PlanId) -> Done {
    turn.put_signals(plan, None);
    let Some(waits) = turn.waits(&plan)?.cloned() else {
        return Ok(());
    };
    turn.put_waits(plan, None);
    for (at, key) in &waits.steps {
        forget(turn, plan, at, key)?;
    }
    Ok(())
}

fn forget(turn: &mut Turn<'_>, plan: PlanId, at: &StepPath, key: &WaitKey) -> Done {
    if let Some(mut waiters) = turn.waiters(key)?.cloned() {
        waiters.steps.remove(&(plan, at.clone()));
        let left = (!waiters.steps.is_empty()).then_some(waiters);
        turn.put_waiters(key.clone(), left);
    }
    let mut listeners = turn.listeners(&())?.cloned().unwrap_or_default();
    if let Some(count) = listeners.waits.get_mut(&key.topic) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            listeners.waits.remove(&key.topic);
        }
        turn.put_listeners((), Some(listeners));
    }
    Ok(())
}

pub(super) fn fold_awaited(turn: &mut Turn<'_>, f: &event::Awaited) -> Done {
    leave(turn, f.plan, &f.at)?; // an attempt before this one
    let any = crate::planted::is("any-conversation-ends-a-wait");
    let key = WaitKey {
        topic: f.topic.clone(),
        correlation: f.correlation.clone().filter(|_| !any),
    };
    let mut waits = turn.waits(&f.plan)?.cloned().unwrap_or_default();
    waits.steps.insert(f.at.clone(), key.clone());
    turn.put_waits(f.plan, Some(waits));
    let mut waiters = turn.waiters(&key)?.cloned().unwrap_or_default();
    waiters.steps.insert((f.plan, f.at.clone()));
    turn.put_waiters(key, Some(waiters));
    let mut listeners = turn.listeners(&())?.cloned().unwrap_or_default();
    *listeners.waits.entry(f.topic.clone()).or_default() += 1;
    turn.put_listeners((), Some(listeners));
    Ok(())
}

/// Somebody sends a run a signal: a step that waits for it takes it, else it is kept.
pub(super) fn signal(
    turn: &mut Turn<'_>,
    by: &Actor,
    plan: PlanId,
    name: &Name,
    data: BodyRef,
) -> Done<Reply> {
    let found = crate::plan::known(turn, plan)?;
    if found.is_closed() {
        return Err(Stop::refused(Code::WRONG_STATE, "the run ended already"));
    }
    if !crate::plan::takes_signal(found, name) {
        let what = format!("no step of {} waits for a signal {name}", found.name);
        let help = "a step says `wait_for: {signal: NAME}`";
        return Err(Refusal::new(Code::NOT_FOUND, what).help(help).into());
    }
    let kept = turn.signals(&plan)?;
    let many = kept.map_or(0, |kept| kept.kept.values().map(VecDeque::len).sum());
    if many >= SIGNALS_MAX {
        let what = format!("{SIGNALS_MAX} signals wait for this run");
        return Err(Stop::refused(Code::BUSY, what));
    }
    if data.len > super::EVENT_BYTES_MAX {
        let what = format!(
            "the data has {} bytes, at most {}",
            data.len,
            super::EVENT_BYTES_MAX
        );
        return Err(Stop::refused(Code::TOO_LARGE, what));
    }
    turn.emit(event::Signalled {
        plan,
        name: name.clone(),
        data,
        by: by.clone(),
    })?;
    Ok(Reply::Done)
}

pub(super) fn fold_signalled(turn: &mut Turn<'_>, f: &event::Signalled) -> Done {
    let mut signals = turn.signals(&f.plan)?.cloned().unwrap_or_default();
    signals
        .kept
        .entry(f.name.clone())
        .or_default()
        .push_back(f.data);
    turn.put_signals(f.plan, Some(signals));
    Ok(())
}
