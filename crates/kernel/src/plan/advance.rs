//! One move of a plan: the first thing in the order of its file that can be done now.

use std::collections::BTreeSet;

use litemap::LiteMap;
use naos_types::fact::{Problem, plan};
use naos_types::spec::{Merge, StepSpec};
use naos_types::{Actor, Code, Name, PlanId, PlanStatus, Refusal, StepPath, StepStatus};

use super::{
    Fan, PLAN_OPEN_MAX, Plan, Step, keys, known, nested, outcome, scale, share, start, step_mut,
    undo, vars, wait,
};
use crate::need::Formula;
use crate::turn::{Done, Stop, Turn};

/// The step that [`advance`] would move next fails for good: a plan never waits for what doesn't
/// come.
pub(crate) fn halt(turn: &mut Turn<'_>, id: PlanId, why: &Refusal) -> Done {
    let plan = super::held(turn, id)?;
    if plan.is_closed() || plan.is_paused() {
        return Ok(()); // it is tried again when it is resumed
    }
    let Some((spec, next)) = next_move(turn, &plan, |_| true) else {
        return Err(Stop::broken(format!("plan {id}: {}", why.what)));
    };
    let item = match next {
        Move::Item(index) => Some(index),
        Move::Begin | Move::Again | Move::Gather => None,
    };
    let at = StepPath {
        step: spec.name.clone(),
        item,
    };
    // An item that isn't begun yet would be begun after it failed, and so count twice.
    let fan = plan
        .steps
        .get(&spec.name)
        .and_then(|step| step.fan.as_ref());
    let begun = |index| fan.is_some_and(|fan| fan.open.contains_key(&index));
    if item.is_some_and(|index| !begun(index)) {
        turn.emit(plan::StepStarted {
            plan: id,
            at: at.clone(),
            attempt: 1,
            deadline: None,
            key: None,
        })?;
    }
    let note = format!("step {at} can't go on: {}", why.what);
    let problem = Problem::new(why.code, note);
    outcome::failed_for_good(turn, id, &plan, at, problem)?;
    turn.advance(id);
    Ok(())
}

/// Its next step is given up: it fails. A plan that has none is cancelled.
pub(crate) fn give_up(turn: &mut Turn<'_>, by: &Actor, id: PlanId, why: &Refusal) -> Done {
    let plan = super::held(turn, id)?;
    if next_move(turn, &plan, |_| true).is_some() && !plan.is_paused() {
        return halt(turn, id, why);
    }
    super::cancel(turn, by, id)
}

/// What can be done now.
enum Move {
    /// The step's dependencies are closed.
    Begin,
    /// A pause is over: the next attempt.
    Again,
    /// A fan-out has room for this item.
    Item(u32),
    /// A fan-out has all its items.
    Gather,
}

pub(crate) fn advance(turn: &mut Turn<'_>, id: PlanId) -> Done {
    let plan = super::held(turn, id)?;
    if plan.is_closed()
        || nested::let_go(turn, id, &plan)?
        || nested::keeps_step(turn, id, &plan)?
        || plan.is_paused()
    {
        return Ok(());
    }
    if plan.flow.pool.is_some() {
        scale::look(turn, &plan.name)?;
    }
    let is_full = under_way(&plan) >= PLAN_OPEN_MAX && !crate::planted::is("plan-without-end");
    let limit = scale::limit(turn, &plan)?;
    let fans = || plan.steps.values().filter_map(|step| step.fan.as_ref());
    // A task that is tried again has its place.
    let is_large = |index: &u32| {
        let open = |fan: &super::Fan| fan.open.len();
        let begun = |fan: &super::Fan| fan.open.contains_key(index);
        limit.is_some_and(|limit| fans().map(open).sum::<usize>() >= limit) && !fans().any(begun)
    };
    // whatever of it ends makes room
    let may = |next: &Move| match next {
        Move::Gather => true,
        Move::Item(index) => !is_full && !is_large(index),
        Move::Begin | Move::Again => !is_full,
    };
    if let Some((spec, next)) = next_move(turn, &plan, may) {
        carry_out(turn, id, &plan, spec, next)?;
        turn.advance(id);
        return Ok(());
    }
    if plan.undoing {
        return if plan.undoable.is_empty() {
            undo::undone(turn, id, &plan)
        } else {
            Ok(())
        };
    }
    let closed = |spec: &StepSpec| {
        let step = plan.steps.get(&spec.name);
        step.is_none_or(|step| step.status.is_closed())
    };
    if plan.forward().all(closed) {
        complete(turn, id, &plan)?;
    }
    Ok(())
}

/// The first step in the order of the file that can move, and how; while things are undone, what
/// undoes the last of them.
fn next_move<'p>(
    turn: &Turn<'_>,
    plan: &'p Plan,
    may: impl Fn(&Move) -> bool,
) -> Option<(&'p StepSpec, Move)> {
    let of = |spec: &'p StepSpec| {
        let step = plan.steps.get(&spec.name)?;
        let next = possible(turn, plan, spec, step).filter(&may)?;
        Some((spec, next))
    };
    if plan.undoing {
        let undo = plan.next_undo()?;
        return plan
            .spec
            .steps
            .iter()
            .find(|spec| spec.name == *undo)
            .and_then(of);
    }
    plan.forward().find_map(of)
}

/// All steps are closed.
fn complete(turn: &mut Turn<'_>, id: PlanId, plan: &Plan) -> Done {
    let last = || plan.forward().last().map(|spec| &spec.name);
    let output = plan.spec.output.as_ref().or_else(last);
    let output = output.and_then(|name| vars::given_on(plan, name));
    // Whoever wants one answer, or enough of them, misses none of the others.
    let pool = plan.flow.pool.as_ref();
    let wants_all = pool.is_none_or(|share| share.merge == Merge::All)
        && !(pool.is_none() && crate::planted::is("failed-items-are-silent"));
    let failed = |step: &Step| {
        let items = step.fan.as_ref().map_or(0, |fan| fan.failed);
        match step.status {
            StepStatus::Failed => true,
            StepStatus::Done => wants_all && items > 0,
            _ => false,
        }
    };
    let status = if plan.steps.values().any(failed) {
        PlanStatus::Partial
    } else {
        PlanStatus::Completed
    };
    turn.emit(plan::Closed {
        plan: id,
        name: plan.name.clone(),
        status,
        output,
        problem: None,
    })
}

/// How many steps and items of lists are under way.
fn under_way(plan: &Plan) -> usize {
    let running = |step: &&Step| step.status == StepStatus::Running;
    let count = |step: &Step| step.fan.as_ref().map_or(1, |fan| fan.open.len());
    plan.steps.values().filter(running).map(count).sum()
}

/// Whether nothing is left to do of a step and of what it waits for: one that somebody skipped may
/// be closed before those.
fn is_over(plan: &Plan, name: &Name) -> bool {
    let (mut open, mut seen) = (vec![name], BTreeSet::new());
    while let Some(name) = open.pop() {
        let Some(step) = plan.steps.get(name) else {
            return false;
        };
        if !step.status.is_closed() {
            return false;
        }
        if step.is_skipped_by_hand() && seen.insert(name) {
            let spec = plan.known(name);
            open.extend(spec.iter().flat_map(|spec| &spec.after));
        }
    }
    true
}

fn possible(turn: &Turn<'_>, plan: &Plan, spec: &StepSpec, step: &Step) -> Option<Move> {
    match step.status {
        StepStatus::Pending => {
            let closed = |name| is_over(plan, name);
            spec.after.iter().all(closed).then_some(Move::Begin)
        }
        StepStatus::Waiting => step
            .retry_at
            .is_some_and(|at| at <= turn.now)
            .then_some(Move::Again),
        StepStatus::Running => {
            let fan = step.fan.as_ref()?;
            let due = |at: Option<naos_types::Time>| at.is_some_and(|at| at <= turn.now);
            if plan
                .flow
                .pool
                .as_ref()
                .is_some_and(|share| share::enough(share, fan))
            {
                return Some(Move::Gather);
            }
            if let Some((index, _)) = fan.open.iter().find(|(_, item)| due(item.retry_at)) {
                return Some(Move::Item(*index));
            }
            let window = spec.for_each.as_ref().map_or(1, |f| f.window.max(1)) as usize;
            if fan.next < fan.count && fan.open.len() < window {
                return Some(Move::Item(fan.next));
            }
            (fan.done + fan.failed == fan.count).then_some(Move::Gather)
        }
        _ => None,
    }
}

fn carry_out(turn: &mut Turn<'_>, id: PlanId, plan: &Plan, spec: &StepSpec, next: Move) -> Done {
    let at = |item| StepPath {
        step: spec.name.clone(),
        item,
    };
    match next {
        Move::Begin => {
            if let Some(condition) = &spec.when {
                match condition_met(turn, plan, spec, condition)? {
                    Ok(true) => {}
                    Ok(false) => {
                        let why = "its condition is not met".into();
                        return turn.emit(plan::StepSkipped {
                            plan: id,
                            at: at(None),
                            why,
                            by: None,
                        });
                    }
                    Err(why) => return broken_formula(turn, id, plan, at(None), why),
                }
            }
            match &spec.for_each {
                Some(fan) => expand(turn, id, plan, spec, &fan.items),
                None => start::attempt(turn, id, plan, spec, None),
            }
        }
        Move::Again if spec.for_each.is_some() => {
            let items = spec.for_each.as_ref().map_or("", |fan| fan.items.as_str());
            expand(turn, id, plan, spec, items)
        }
        Move::Again => start::attempt(turn, id, plan, spec, None),
        Move::Item(index) => start::attempt(turn, id, plan, spec, Some(index)),
        Move::Gather => match &plan.flow.pool {
            Some(share) => share::merge(turn, id, plan, spec, share),
            None => outcome::gather(turn, id, plan, spec),
        },
    }
}

/// Whether a condition is met; anything but true or false is an error, never a yes.
fn condition_met(
    turn: &Turn<'_>,
    plan: &Plan,
    spec: &StepSpec,
    condition: &str,
) -> Done<Result<bool, String>> {
    let formula = Formula::Cel(condition.to_owned());
    Ok(
        vars::value(turn, plan, &spec.name, None, formula)?.and_then(|value| {
            value
                .as_bool()
                .ok_or_else(|| "the condition gives neither true nor false".into())
        }),
    )
}

/// Begins a fan-out: its list is computed once and kept.
fn expand(turn: &mut Turn<'_>, id: PlanId, plan: &Plan, spec: &StepSpec, items: &str) -> Done {
    let at = StepPath {
        step: spec.name.clone(),
        item: None,
    };
    let formula = Formula::Cel(items.to_owned());
    let computed = match vars::compute(turn, plan, &spec.name, None, formula)? {
        Ok(computed) => computed,
        Err(why) => return broken_formula(turn, id, plan, at, why),
    };
    let count = match computed.value.as_array() {
        Some(list) if list.len() <= crate::FAN_ITEMS_MAX as usize => list.len() as u32,
        Some(list) => {
            let note = format!(
                "the list of step {} has {} items, at most {}: give it a part of them, or let a \
                 plan run for each part",
                spec.name,
                list.len(),
                crate::FAN_ITEMS_MAX
            );
            let problem = Problem::new(Code::TOO_LARGE, note);
            return outcome::failed_for_good(turn, id, plan, at, problem);
        }
        None => return broken_formula(turn, id, plan, at, "for_each gives no list".into()),
    };
    let attempt = plan
        .steps
        .get(&spec.name)
        .map_or(1, |step| step.attempt + 1);
    turn.emit(plan::StepStarted {
        plan: id,
        at,
        attempt,
        deadline: None,
        key: None,
    })?;
    let first = share::first(turn, plan)?;
    turn.emit(plan::StepExpanded {
        plan: id,
        step: spec.name.clone(),
        items: computed.body,
        count,
        first,
    })
}

pub(super) fn fold_expanded(turn: &mut Turn<'_>, f: &plan::StepExpanded) -> Done {
    let (items, count) = (f.items, f.count);
    let fan = Fan {
        items,
        count,
        next: 0,
        open: LiteMap::new(),
        done: 0,
        failed: 0,
    };
    step_mut(turn, f.plan, &f.step)?.fan = Some(fan);
    share::fold_expanded(turn, f)?;
    keys::fold_expanded(turn, f.plan, &f.step)
}

/// A formula that gave no usable value fails its step for good: it would fail again.
pub(super) fn broken_formula(
    turn: &mut Turn<'_>,
    id: PlanId,
    plan: &Plan,
    at: StepPath,
    why: String,
) -> Done {
    let said = Some(turn.seal(why)?);
    let note = format!("an expression of step {} gave no usable value", at.step);
    let problem = Problem {
        code: Code::BAD_EXPRESSION,
        note,
        said,
    };
    outcome::failed_for_good(turn, id, plan, at, problem)
}

/// Something of the plan is due: a pause is over, or an attempt took too long.
pub(crate) fn due(turn: &mut Turn<'_>, id: PlanId) -> Done {
    let plan = super::held(turn, id)?;
    if plan.is_closed() || plan.is_paused() {
        return Ok(());
    }
    let (before, now) = (&plan, turn.now);
    let late = |deadline: Option<naos_types::Time>| deadline.is_some_and(|at| at <= now);
    if late(plan.deadline) {
        let note = format!("{} took longer than it may", plan.name);
        return fail(turn, id, Problem::new(Code::TIMED_OUT, note));
    }
    let mut over = Vec::new();
    for (name, step) in &plan.steps {
        if late(step.deadline) {
            over.push((
                StepPath {
                    step: name.clone(),
                    item: None,
                },
                step.task,
                step.approval,
            ));
        }
        for (index, item) in step.fan.iter().flat_map(|fan| &fan.open) {
            if late(item.deadline) {
                over.push((
                    StepPath {
                        step: name.clone(),
                        item: Some(*index),
                    },
                    item.task,
                    None,
                ));
            }
        }
    }
    for (at, task, approval) in over {
        let plan = known(turn, id)?;
        if plan.is_closed() || (plan.undoing && !plan.flow.undoes(&at.step)) {
            return Ok(()); // the one before was one too many: what was open is cancelled
        }
        let ended = |step: &Step| step.status.is_closed();
        if plan.steps.get(&at.step).is_some_and(ended) {
            continue; // an item before it failed the list
        }
        if wait::is_clock(plan, &at.step) {
            wait::time_came(turn, id, at)?;
            continue;
        }
        let step = at.step.clone();
        let problem = Problem::new(Code::TIMED_OUT, format!("{at} took longer than it may"));
        outcome::failed(turn, id, at, problem)?;
        // After the failure: what they end in doesn't count for the step any more.
        if let Some(task) = task {
            crate::task::cancel(turn, &Actor::Plan(id), task)?;
        }
        if let Some(approval) = approval {
            crate::approval::withdraw(turn, approval)?;
        }
        nested::look(turn, id, before, &step)?;
    }
    turn.advance(id);
    Ok(())
}

/// Ends the plan because a step failed for good, undone where it can be.
pub(super) fn fail(turn: &mut Turn<'_>, id: PlanId, problem: Problem) -> Done {
    let (by, status) = (Actor::Plan(id), PlanStatus::Failed);
    undo::fail(turn, &by, id, status, Some(problem))
}
