//! What rests: children of a supervisor that failed, or that are about to be restarted. Their
//! tasks wait, and what can be done again of their work waits with them.

use std::collections::BTreeMap;

use naos_types::effect::Effect;
use naos_types::fact::supervisor::{self, Cause};
use naos_types::{Name, RunId, RunStatus, Time};

use super::{Standing, Wanted, go_on, known, load};
use crate::run::Run;
use crate::turn::{Done, Turn};

/// The most runs that one turn sets aside or lets begin again.
pub(super) const RUNS_PER_TURN_MAX: usize = 128;

/// Whether whoever comes by this name takes no work, for what watches it rests.
pub(crate) fn rests(turn: &Turn<'_>, name: &Name) -> Done<bool> {
    let Some(by) = turn.watch(name)?.map(|watch| watch.by.clone()) else {
        return Ok(false);
    };
    let rests = turn.supervisor(&by)?;
    let rests = rests.is_some_and(|found| found.standing != Standing::Running);
    Ok(rests && !crate::planted::is("newcomer-works"))
}

/// Sets a run aside if its agent takes no work; whether it did.
pub(crate) fn waits(turn: &mut Turn<'_>, id: RunId) -> Done<bool> {
    let Some(run) = turn.run(&id)? else {
        return Ok(false);
    };
    let agent = run.agent.clone();
    if !turn.agent(&agent)?.is_some_and(|agent| agent.down) {
        return Ok(false);
    }
    let Some(supervisor) = turn.watch(&agent)?.map(|watch| watch.by.clone()) else {
        return Ok(false);
    };
    turn.emit(supervisor::SetAside {
        supervisor,
        agent,
        runs: vec![id],
    })?;
    Ok(true)
}

/// Whether another attempt of it does no harm. One that waits for an answer from outside, or did
/// what can't be done twice, goes on with what it has.
const fn can_begin_again(run: &Run) -> bool {
    matches!(run.status, RunStatus::Running) && run.pending.is_none() && !run.once_done
}

/// Sets the work of children aside that rest, some of it: the rest in a turn of its own.
pub(super) fn set_work_aside(turn: &mut Turn<'_>, name: &Name) -> Done {
    let now = turn.now;
    // Whoever is being restarted begins its work again in this very moment, piece by piece.
    let children = known(turn, name)?.children.iter();
    let children: Vec<Name> = children
        .filter(|child| child.restart_at.is_none_or(|at| at > now))
        .map(|child| child.name.clone())
        .collect();
    load(turn, children.iter())?;
    let mut at_work: BTreeMap<Name, Vec<RunId>> = BTreeMap::new();
    for child in children {
        if turn.agent(&child)?.is_some_and(|agent| agent.down) {
            at_work.insert(child, Vec::new());
        }
    }
    if at_work.is_empty() {
        return Ok(());
    }
    let open = turn.tables.run.iter();
    for (id, run) in open.filter(|(_, run)| can_begin_again(run)) {
        if let Some(runs) = at_work.get_mut(&run.agent) {
            runs.push(*id);
        }
    }
    let mut left = RUNS_PER_TURN_MAX;
    for (agent, mut runs) in at_work {
        runs.sort_unstable();
        let more = runs.len() > left;
        runs.truncate(left);
        left -= runs.len();
        if !runs.is_empty() {
            turn.emit(supervisor::SetAside {
                supervisor: name.clone(),
                agent,
                runs: runs.clone(),
            })?;
        }
        for run in runs {
            crate::guard::order(turn, Effect::Cancel(run));
        }
        if more {
            go_on(turn, name);
            break;
        }
    }
    Ok(())
}

pub(super) fn set_aside(turn: &mut Turn<'_>, f: &supervisor::SetAside) -> Done {
    for id in &f.runs {
        let run = turn.run_mut(id)?;
        run.status = RunStatus::Queued;
        if run.retry_at.take().is_none() {
            run.restarts += 1; // else the attempt that comes is the one its own policy gives it
        }
    }
    Ok(())
}

pub(super) fn child_failed(turn: &mut Turn<'_>, f: &supervisor::ChildFailed) -> Done {
    load(turn, f.restart.iter().chain([&f.child]))?;
    let now = turn.now;
    let found = turn.supervisor_mut(&f.supervisor)?;
    let window = found.window;
    found.restarts.retain(|at| now.0 - at.0 < window.0);
    if f.restart_at.is_some() {
        found.restarts.push(now);
        found.restarted += 1;
    }
    for child in &mut found.children {
        if child.name == f.child {
            child.failures += 1;
            child.failed = Some(now);
        }
        if f.restart.contains(&child.name) {
            child.restart_at = f.restart_at;
        }
    }
    if matches!(f.cause, Cause::Run(..)) {
        down(turn, &f.child, now)?;
    }
    for child in &f.restart {
        down(turn, child, now)?;
    }
    Ok(())
}

/// It rests, and all its children.
pub(super) fn all(turn: &mut Turn<'_>, name: &Name, standing: Standing) -> Done {
    let now = turn.now;
    let found = turn.supervisor_mut(name)?;
    found.standing = standing;
    found.since = now;
    found.wanted = None;
    for child in &mut found.children {
        child.restart_at = None;
    }
    let children: Vec<Name> = found.children.iter().map(|c| c.name.clone()).collect();
    load(turn, children.iter())?;
    for child in &children {
        down(turn, child, now)?;
    }
    Ok(())
}

/// A child takes no work any more; one that isn't there yet takes none anyway.
fn down(turn: &mut Turn<'_>, child: &Name, now: Time) -> Done {
    if let Some(beneath) = turn.supervisor(child)? {
        let runs = beneath.standing == Standing::Running;
        turn.supervisor_mut(child)?.wanted = runs.then_some((Wanted::Rest, now));
    } else if turn.agent(child)?.is_some() {
        turn.agent_mut(child)?.down = true;
    }
    Ok(())
}

/// Lets the supervisors among the children rest, each in a turn of its own.
pub(super) fn spread(turn: &mut Turn<'_>, name: &Name) -> Done {
    let children = known(turn, name)?.children.iter();
    let children: Vec<Name> = children.map(|c| c.name.clone()).collect();
    for child in children {
        let wanted = turn.supervisor(&child)?.is_some_and(|s| s.wanted.is_some());
        if wanted {
            go_on(turn, &child);
        }
    }
    set_work_aside(turn, name)
}
