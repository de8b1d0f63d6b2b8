//! A pool's batch: who gets the next task, when there are answers enough, and what they come to.

use std::collections::BTreeMap;

use naos_types::fact::{Problem, plan};
use naos_types::spec::{Merge, Share, StepSpec, Strategy};
use naos_types::{Actor, BodyRef, Code, Name, PlanId, Refusal, StepPath, TaskId};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Fan, ITEMS_PER_CHUNK, Plan, advance, outcome};
use crate::need::{Compute, Formula, Var};
use crate::state::{ItemsKey, Key};
use crate::table::Aggregate;
use crate::turn::{Done, Stop, Turn};

/// Whose turn is next in a pool that gives its tasks to one agent after the other: the order goes
/// on from batch to batch, or single tasks would all be the first one's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turns {
    /// The place among the pool's agents, counted from 0.
    pub next: u32,
}

impl Aggregate for Turns {
    const KIND: &'static str = "turns";
    const VERSION: u8 = 1;
}

/// How many agents take turns.
fn rotates(plan: &Plan) -> Option<u32> {
    let share = plan.flow.pool.as_ref()?;
    let count = u32::try_from(share.agents.len()).ok()?;
    (share.strategy == Strategy::RoundRobin && count > 0).then_some(count)
}

/// Whose turn is first in a batch.
pub(super) fn first(turn: &Turn<'_>, plan: &Plan) -> Done<u32> {
    let Some(count) = rotates(plan).filter(|_| !crate::planted::is("first-is-always-first")) else {
        return Ok(0);
    };
    let turns = turn.turns(&plan.name)?;
    Ok(turns.map_or(0, |turns| turns.next % count)) // it may have had more agents then
}

/// The turns that a batch takes.
pub(super) fn fold_expanded(turn: &mut Turn<'_>, f: &plan::StepExpanded) -> Done {
    let plan = turn.plan_mut(&f.plan)?;
    plan.first = f.first;
    let Some(count) = rotates(plan) else {
        return Ok(());
    };
    let pool = plan.name.clone();
    let next = (f.first + f.count % count) % count;
    turn.put_turns(pool, Some(Turns { next }));
    Ok(())
}

/// Who gets this item, at this place in the turns; an attempt after a failure goes to another, if
/// there is one.
pub(super) fn agent(
    turn: &Turn<'_>,
    (id, place): (PlanId, usize),
    share: &Share,
    index: u32,
    attempt: u32,
) -> Done<Option<Name>> {
    let count = share.agents.len();
    if count == 0 {
        return Ok(None);
    }
    let again = attempt.saturating_sub(1) as usize;
    let place = match share.strategy {
        Strategy::RoundRobin => place + again,
        Strategy::Random => {
            let bits = TaskId::derived(id.0, &format!("share/{index}")).0;
            (bits % count as u128) as usize + again
        }
        Strategy::LeastBusy => return least_busy(turn, share),
    };
    Ok(share.agents.get(place % count).cloned())
}

/// The agent with the fewest open runs, the first of them in the pool's order.
fn least_busy(turn: &Turn<'_>, share: &Share) -> Done<Option<Name>> {
    turn.load(share.agents.iter().cloned().map(Key::Agent))?;
    let mut best: Option<(u32, &Name)> = None;
    for name in &share.agents {
        let open = turn.agent(name)?.map_or(u32::MAX, |agent| agent.open_runs);
        if best.is_none_or(|(least, _)| open < least) {
            best = Some((open, name));
        }
    }
    Ok(best.map(|(_, name)| name.clone()))
}

/// Refuses to take an agent out of a pool while an open batch of it shares its tasks among it.
pub(crate) fn works_for_none(turn: &Turn<'_>, pool: &Name, agent: &Name) -> Done {
    let shares = |plan: &Plan| {
        let share = plan.flow.pool.as_ref();
        share.is_some_and(|share| share.agents.contains(agent))
    };
    let mut all = turn.tables.plan.iter();
    let open = all.find(|(_, plan)| !plan.is_closed() && plan.name == *pool && shares(plan));
    let Some((batch, _)) = open.filter(|_| !crate::planted::is("pool-drops-workers")) else {
        return Ok(());
    };
    let what = format!("{agent} has work of {pool}: a batch is open");
    let help = format!(
        "wait for the end of {batch}, or `naos pool drain {pool}` first: then what is open ends \
         with those it began with"
    );
    Err(Refusal::new(Code::WRONG_STATE, what).help(help).into())
}

/// Refuses a batch that has fewer tasks than there must be answers: it could only fail. What isn't
/// a list fails when it is begun.
pub(super) fn may_be_merged(turn: &Turn<'_>, share: &Share, tasks: BodyRef) -> Done {
    let bytes = turn.body(tasks)?.unwrap_or_default();
    let Ok(tasks) = serde_json::from_slice::<Vec<IgnoredAny>>(bytes) else {
        return Ok(());
    };
    let count = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
    // More than half of none are none: there is still an answer to be given.
    let least = match share.merge {
        Merge::Majority => 1,
        _ => share.enough(count).unwrap_or(0),
    };
    if count >= least || crate::planted::is("batch-of-nothing-fails") {
        return Ok(());
    }
    let word = share.merge.word();
    let refusal = if count == 0 {
        let what = format!("the batch has no tasks, and `merge: {word}` takes at least one answer");
        Refusal::new(Code::BAD_REQUEST, what)
            .help("give it tasks; `merge: all` gives an empty list for none")
    } else {
        let what = format!("the batch has fewer tasks ({count}) than its quorum ({least})");
        Refusal::new(Code::BAD_REQUEST, what).help("give it more tasks, or a smaller `quorum`")
    };
    Err(refusal.into())
}

/// Whether the answers are enough, though items may be open.
pub(super) fn enough(share: &Share, fan: &Fan) -> bool {
    let wanted = share.enough(fan.count);
    wanted.is_some_and(|wanted| fan.done > 0 && fan.done >= wanted)
}

/// What the answers come to; what isn't waited for is cancelled.
pub(super) fn merge(
    turn: &mut Turn<'_>,
    id: PlanId,
    plan: &Plan,
    spec: &StepSpec,
    share: &Share,
) -> Done {
    let at = StepPath {
        step: spec.name.clone(),
        item: None,
    };
    let step = plan.steps.get(&spec.name);
    let Some(fan) = step.and_then(|step| step.fan.as_ref()) else {
        return Err(Stop::broken(format!("step {} has no list", spec.name)));
    };
    let given = answers(turn, id, spec, fan.count)?;
    let output = match come_to(share, fan, &given) {
        Ok(output) => output,
        Err(why) => {
            let problem = Problem::new(Code::STEP_FAILED, why);
            return outcome::failed_for_good(turn, id, plan, at, problem);
        }
    };
    let output = match output {
        Come::One(body) => body,
        Come::List(all) => {
            let vars = all.into_iter().map(|var| (String::new(), var));
            let (formula, vars) = (Formula::Gather, vars.collect());
            match turn.compute(Compute { formula, vars })? {
                Ok(computed) => computed.body,
                Err(why) => return advance::broken_formula(turn, id, plan, at, why),
            }
        }
    };
    turn.emit(plan::StepDone::by_itself(id, at, Some(output)))?;
    for task in fan.open.values().filter_map(|item| item.task) {
        crate::task::cancel(turn, &Actor::Plan(id), task)?;
    }
    Ok(())
}

/// Every item's answer, in the order of the list; none for one that failed or isn't there.
fn answers(turn: &Turn<'_>, id: PlanId, spec: &StepSpec, count: u32) -> Done<Vec<Option<BodyRef>>> {
    let key = |chunk| ItemsKey {
        plan: id,
        step: spec.name.clone(),
        chunk,
    };
    let chunks = 0..count.div_ceil(ITEMS_PER_CHUNK);
    turn.load(chunks.clone().map(key).map(Key::Items))?;
    let mut out = vec![None; count as usize];
    for chunk in chunks {
        let Some(items) = turn.items(&key(chunk))? else {
            continue; // none of it is closed
        };
        for (index, output) in items.before(count) {
            out[index as usize] = output;
        }
    }
    Ok(out)
}

enum Come {
    One(BodyRef),
    List(Vec<Var>),
}

/// The answer, or the sentence why there is none.
fn come_to(share: &Share, fan: &Fan, given: &[Option<BodyRef>]) -> Result<Come, String> {
    if fan.count > 0 && fan.failed == fan.count {
        return Err("every task of its batch failed".into());
    }
    let there = || given.iter().flatten().copied();
    match share.merge {
        Merge::All => {
            let all = given.iter().map(|body| body.map_or(Var::Null, Var::Body));
            Ok(Come::List(all.collect()))
        }
        Merge::First => {
            let first = there().next().map(Come::One);
            first.ok_or_else(|| "there is no answer".into())
        }
        Merge::Majority => majority(given).map(Come::One),
        Merge::Quorum => {
            let wanted = share.enough(fan.count).unwrap_or_default();
            if fan.done >= wanted {
                return Ok(Come::List(there().map(Var::Body).collect()));
            }
            let (done, count) = (fan.done, fan.count);
            Err(format!(
                "{done} of {count} tasks are done, and it takes {wanted}"
            ))
        }
    }
}

/// What more than half of the tasks gave, not of those that gave anything.
fn majority(given: &[Option<BodyRef>]) -> Result<BodyRef, String> {
    let mut votes: BTreeMap<BodyRef, usize> = BTreeMap::new();
    for body in given.iter().flatten() {
        *votes.entry(*body).or_default() += 1;
    }
    let of = if crate::planted::is("majority-of-answers") {
        given.iter().flatten().count()
    } else {
        given.len()
    };
    let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
    match most.filter(|(_, votes)| votes * 2 > of) {
        Some((body, _)) => Ok(body),
        None => Err("no answer was given by more than half".into()),
    }
}
