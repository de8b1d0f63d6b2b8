//! What a step is done under. A receiver outside knows a step by a key that stays the same however
//! often the step is tried. A step that names a key itself (`idempotency_key`) is done once under
//! it: another run of the same plan gets what it gave then.

use naos_types::command::KEYS_KEPT;
use naos_types::effect::{Call, Caller, Driver, Effect};
use naos_types::fact::task::Parent;
use naos_types::fact::{Problem, plan};
use naos_types::spec::STEP_KEY_BYTES_MAX;
use naos_types::{
    Actor, BodyRef, Code, Digest, Name, PlanId, RunId, Span, StepPath, StepStatus, Time,
};
use serde::{Deserialize, Serialize};

use super::start::{Made, Work};
use super::{Plan, Step, nested};
use crate::state::OnceKey;
use crate::table::Aggregate;
use crate::turn::{Done, Turn};

/// How soon it is looked again whether another run is done with the same; later and later, as it
/// takes longer and longer.
const LOOK_AGAIN: (Span, Span) = (Span::secs(1), Span::secs(600));

/// What was done under a key, or is being done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// The run that does it.
    pub plan: PlanId,
    /// As which step.
    pub at: StepPath,
    /// When its last attempt began.
    pub since: Time,
    /// When it was done, and what it gave.
    pub done: Option<(Time, Option<BodyRef>)>,
}

impl Aggregate for Once {
    const KIND: &'static str = "once";
    const VERSION: u8 = 1;
}

/// What another step did under the key of one that is to begin.
enum Before {
    Done(PlanId, Option<BodyRef>),
    UnderWay(PlanId, Time),
}

/// What a step is done under, if it names a key; the inner error is a sentence.
pub(super) fn of(turn: &Turn<'_>, work: &Work<'_>) -> Made<Option<Digest>> {
    let Some(template) = &work.spec.key else {
        return Ok(Ok(None));
    };
    if let Some(key) = work.plan.keys.get(&work.at) {
        return Ok(Ok(Some(*key))); // it is tried again
    }
    let text = super::start::made!(work.text(turn, template));
    let text = text.trim();
    if text.is_empty() || text.len() > STEP_KEY_BYTES_MAX {
        return Ok(Err(format!(
            "an idempotency key has 1 to {STEP_KEY_BYTES_MAX} bytes, and this one has {}",
            text.len()
        )));
    }
    let (of, plan, step) = (work.plan.flow.of, &work.plan.name, &work.spec.name);
    let whole = format!("{}/{plan}/{step}/{text}", of.word());
    Ok(Ok(Some(Digest::of(whole.as_bytes()))))
}

fn before(turn: &Turn<'_>, work: &Work<'_>, key: Digest) -> Done<Option<Before>> {
    let round = work.plan.steps.get(&work.spec.name).map_or(1, |s| s.round);
    let again = work.at.item.is_none() && round > 1; // a reviewer wants it done once more
    let Some(once) = turn.once(&OnceKey(key))?.filter(|_| !again) else {
        return Ok(None);
    };
    if let Some((at, output)) = once.done {
        let known = turn.now < at + KEYS_KEPT;
        return Ok(known.then_some(Before::Done(once.plan, output)));
    }
    if once.plan == work.id && once.at == work.at {
        return Ok(None); // the attempt before this one
    }
    let Some(other) = turn.plan(&once.plan)?.filter(|plan| !plan.is_closed()) else {
        return Ok(None);
    };
    let is_open = is_open(other, &once.at) && other.keys.get(&once.at) == Some(&key);
    Ok(is_open.then_some(Before::UnderWay(once.plan, once.since)))
}

impl Step {
    /// Why it failed, or its last attempt did. That it waited for somebody is nothing that went
    /// wrong with what ended otherwise.
    #[must_use]
    pub fn failure(&self) -> Option<&Problem> {
        let only_waited = |problem: &Problem| {
            let is_well = self.status.is_closed() && self.status != StepStatus::Failed;
            is_well && problem.code == Code::BUSY
        };
        self.problem
            .as_ref()
            .filter(|problem| !only_waited(problem))
    }
}

/// Whether anything is still to come of a step, or of one item of it.
fn is_open(plan: &Plan, at: &StepPath) -> bool {
    let Some(step) = plan.steps.get(&at.step) else {
        return false;
    };
    match (at.item, &step.fan) {
        (Some(index), Some(fan)) => fan.open.contains_key(&index),
        (Some(_), None) => false,
        (None, _) => matches!(step.status, StepStatus::Running | StepStatus::Waiting),
    }
}

/// Does without the step what can be done without: it was done before, or another run is at it.
/// Whether that was so.
pub(super) fn without(turn: &mut Turn<'_>, work: &Work<'_>, key: Digest) -> Done<bool> {
    let Some(before) = before(turn, work, key)? else {
        return Ok(false);
    };
    if crate::planted::is("keys-do-twice") {
        return Ok(false);
    }
    let (plan, at) = (work.id, work.at.clone());
    if at.item.is_some() && !is_open(work.plan, &at) {
        // An item begins before anything can come of it.
        turn.emit(plan::StepStarted {
            plan,
            at: at.clone(),
            attempt: work.attempt,
            deadline: None,
            key: None,
        })?;
    }
    match before {
        Before::Done(from, output) => turn.emit(plan::StepDone {
            plan,
            at,
            output,
            from: Some(from),
        })?,
        Before::UnderWay(other, since) => {
            let (least, most) = LOOK_AGAIN;
            let wait = (turn.now - since).0.clamp(least.0, most.0);
            let note = format!("{other} does the same under the same key: it is waited for");
            turn.emit(plan::StepFailed {
                plan,
                at,
                problem: Problem::new(Code::BUSY, note),
                retry_at: Some(turn.now + Span(wait)),
            })?;
        }
    }
    Ok(true)
}

pub(super) fn fold_started(turn: &mut Turn<'_>, f: &plan::StepStarted) -> Done {
    let Some(key) = f.key else {
        return Ok(());
    };
    let now = turn.now;
    let plan = turn.plan_mut(&f.plan)?;
    plan.keys.insert(f.at.clone(), key);
    plan.kept.remove(&f.at.step);
    let once = Once {
        plan: f.plan,
        at: f.at.clone(),
        since: now,
        done: None,
    };
    turn.put_once(OnceKey(key), Some(once));
    Ok(())
}

/// Keeps what was done under a key, or that an earlier run did it.
pub(super) fn fold_done(turn: &mut Turn<'_>, f: &plan::StepDone) -> Done {
    let now = turn.now;
    if let Some(from) = f.from {
        if f.at.item.is_none() {
            let plan = turn.plan_mut(&f.plan)?;
            plan.kept.insert(f.at.step.clone(), from);
        }
        return crate::task::stays::done_before(turn, f.plan, from);
    }
    let Some(key) = super::known(turn, f.plan)?.keys.get(&f.at).copied() else {
        return Ok(());
    };
    let key = OnceKey(key);
    let mine = |once: &Once| once.plan == f.plan && once.at == f.at;
    if turn.once(&key)?.is_some_and(mine) {
        turn.once_mut(&key)?.done = Some((now, f.output));
    }
    if f.at.item.is_some() {
        turn.plan_mut(&f.plan)?.keys.remove(&f.at);
    }
    Ok(())
}

/// A list is gone through anew: what its items were done under is said anew, too.
pub(super) fn fold_expanded(turn: &mut Turn<'_>, id: PlanId, step: &Name) -> Done {
    let plan = turn.plan_mut(&id)?;
    if !plan.keys.is_empty() {
        plan.keys
            .retain(|at, _| at.step != *step || at.item.is_none());
    }
    Ok(())
}

/// What is undone was not done: the next run does it again.
pub(super) fn forget(turn: &mut Turn<'_>, id: PlanId, step: &Name) -> Done {
    let at = StepPath {
        step: step.clone(),
        item: None,
    };
    let Some(key) = super::known(turn, id)?.keys.get(&at).copied() else {
        return Ok(());
    };
    let key = OnceKey(key);
    let mine = turn.once(&key)?.is_some_and(|once| once.plan == id);
    if mine && !crate::planted::is("undone-counts-as-done") {
        turn.put_once(key, None);
    }
    Ok(())
}

/// What stands for a step, or for one item of it, as long as the same is to be done: its key, else
/// its place in its run. What it is given doesn't change it.
fn stands_for(turn: &Turn<'_>, id: PlanId, at: &StepPath) -> Done<Option<Digest>> {
    let Some(plan) = turn.plan(&id)? else {
        return Ok(None);
    };
    let Some(step) = plan.steps.get(&at.step) else {
        return Ok(None);
    };
    let round = match at.item {
        Some(_) => 1,
        None => step.round,
    };
    if let Some(key) = plan.keys.get(at) {
        let whole = format!("{key}/{round}");
        return Ok(Some(Digest::of(whole.as_bytes())));
    }
    // A run that is a step is the next one where its step is tried again.
    let above = match &plan.by {
        Actor::Plan(above) => match nested::waiting(turn, *above, id)? {
            Some(at) => stands_for(turn, *above, &at)?,
            None => None,
        },
        _ => None,
    };
    let root = above.map_or_else(|| id.to_string(), |above| above.to_string());
    // Lists that are gone through anew count their items anew: an item is its list's.
    let list = match (at.item, &step.fan) {
        (Some(_), Some(fan)) => fan.items.digest.to_string(),
        _ => String::new(),
    };
    let whole = format!("{root}/{at}/{round}/{list}");
    Ok(Some(Digest::of(whole.as_bytes())))
}

/// How many characters of a digest a receiver is told.
const TOLD: usize = 32;

/// A call as its receiver is to know it: by the step that it belongs to, if it belongs to one.
pub(crate) fn told(turn: &Turn<'_>, effect: Effect) -> Done<Effect> {
    let Effect::Call(call) = effect else {
        return Ok(effect);
    };
    let Caller::Run(id, index) = call.by else {
        return Ok(Effect::Call(call));
    };
    if !matches!(call.driver, Driver::Http | Driver::Endpoint)
        || crate::planted::is("retries-change-keys")
    {
        return Ok(Effect::Call(call));
    }
    let same = same(turn, id, index, call.driver)?;
    Ok(Effect::Call(Call { same, ..call }))
}

/// What the endpoint of a driver knows an event by that is given to it again: what it came under
/// first, so that what was done is not done twice.
fn given_again(by: &Actor, (id, index): (RunId, u32), driver: Driver) -> Option<String> {
    let Actor::Trigger(name, event) = by else {
        return None;
    };
    if driver != Driver::Endpoint || crate::planted::is("given-again-is-another") {
        return None;
    }
    let first = RunId::derived(crate::event::first_task(*event, name).0, "run");
    (first != id).then(|| format!("{first}-{index}"))
}

fn same(turn: &Turn<'_>, id: RunId, index: u32, driver: Driver) -> Done<Option<String>> {
    let run = crate::run::known(turn, id)?;
    if run.is_what_if() {
        return Ok(None);
    }
    let task = crate::task::known(turn, run.task)?;
    let Some(Parent { plan, at, .. }) = &task.parent else {
        return Ok(given_again(&task.by, (id, index), driver));
    };
    let Some(step) = stands_for(turn, *plan, at)? else {
        return Ok(None);
    };
    let step = format!("step-{}", &step.to_string()[..TOLD]);
    // Who is asked for a step is asked once; an agent asks what it likes, so that another attempt
    // may ask something else in the same place.
    let asked = run
        .pending
        .as_ref()
        .map(|pending| pending.digest.to_string());
    Ok(Some(match (driver, asked) {
        (Driver::Http, Some(asked)) => format!("{step}-{index}-{}", &asked[..TOLD / 2]),
        _ => step,
    }))
}
