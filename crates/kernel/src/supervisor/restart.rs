//! A child failed: who is restarted, when, and what follows when there were too many restarts.

use std::collections::BTreeMap;

use naos_types::fact::notice::About;
use naos_types::fact::supervisor::{self, Cause};
use naos_types::fact::{Problem, agent};
use naos_types::spec::{OnExceed, Restart, SupervisorSpec};
use naos_types::{Actor, Code, Name, RunId, RunStatus, Spender, Tier};

use super::rest::RUNS_PER_TURN_MAX;
use super::{Standing, Wanted, go_on, known, load, parent, rest, restarted};
use crate::turn::{Done, Turn};

/// The most children that one turn restarts.
const CHILDREN_PER_TURN_MAX: usize = 64;

/// A run failed for good: if somebody watches its agent, they hear it.
pub(crate) fn run_failed(turn: &mut Turn<'_>, id: RunId, code: Code) -> Done {
    let unheard = code == Code::LOST && crate::planted::is("lost-leases-unheard");
    let elsewhere = [Code::OVER_BUDGET, Code::BUDGET_TOO_SMALL, Code::SKIPPED];
    if elsewhere.contains(&code) || unheard {
        return Ok(()); // nothing of the agent's doing
    }
    let run = crate::run::known(turn, id)?;
    if run.tier == Tier::Skill {
        return Ok(()); // a rule, which nothing restarts
    }
    if run.is_what_if() && !crate::planted::is("what-ifs-fail-agents") {
        return Ok(()); // it would have
    }
    let child = run.agent.clone();
    let Some(by) = turn.watch(&child)?.map(|watch| watch.by.clone()) else {
        return Ok(());
    };
    // A supervisor of the same name is meant.
    if turn.supervisor(&child)?.is_some() {
        return Ok(());
    }
    let Some(agent) = turn.agent(&child)? else {
        return Ok(());
    };
    if agent.stopped || agent.down || spent(turn, &child)? {
        return Ok(());
    }
    child_failed(turn, &by, &child, Cause::Run(id, code))
}

/// Whether its budget has nothing left: `budget_exceeded` is no failure, and no restart ends it.
fn spent(turn: &Turn<'_>, agent: &Name) -> Done<bool> {
    if crate::planted::is("budget-restarts") {
        return Ok(false);
    }
    for whose in [Spender::Agent(agent.clone()), Spender::All] {
        let Some(budget) = turn.budget(&whose)? else {
            continue;
        };
        let fresh = budget.window_at(turn.now) != budget.window;
        let over = budget.spec.as_ref().is_some_and(|spec| {
            spec.on_exceed != OnExceed::Alert && !fresh && budget.spent >= spec.limit
        });
        if over {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who is restarted when this one fails.
pub(super) fn affected(spec: &SupervisorSpec, child: &Name) -> Vec<Name> {
    match spec.strategy {
        Restart::OneForOne => vec![child.clone()],
        Restart::OneForAll => spec.children.clone(),
        Restart::RestForOne if crate::planted::is("rest-for-none") => vec![child.clone()],
        Restart::RestForOne => {
            let from = spec.children.iter().position(|name| name == child);
            spec.children[from.unwrap_or(0)..].to_vec()
        }
    }
}

fn child_failed(turn: &mut Turn<'_>, name: &Name, child: &Name, cause: Cause) -> Done {
    let Some(found) = turn.supervisor(name)? else {
        return Ok(());
    };
    if found.standing != Standing::Running {
        return Ok(()); // whoever lets it watch again restarts all its children
    }
    let spec = crate::resource::supervisor(turn, name)?.clone();
    let recent = known(turn, name)?.recent(turn.now);
    let may = recent < spec.max_restarts || crate::planted::is("restart-without-end");
    let (restart, restart_at) = if may {
        let wait = crate::run::pause(turn, &spec.back_off(), recent + 1);
        (affected(&spec, child), Some(turn.now + wait))
    } else {
        (Vec::new(), None)
    };
    turn.emit(supervisor::ChildFailed {
        supervisor: name.clone(),
        child: child.clone(),
        cause,
        restart,
        restart_at,
    })?;
    if may {
        return rest::spread(turn, name);
    }
    let window = spec.window.0 / 1_000;
    let restarts = if recent == 1 { "restart" } else { "restarts" };
    let note = format!("{child} failed, after {recent} {restarts} within {window} seconds");
    let problem = Problem::new(Code::RESTARTS_USED_UP, note);
    give_up(turn, name, problem, None)
}

/// It fails itself: all beneath it rests, and what watches it hears it, or a person.
pub(super) fn give_up(
    turn: &mut Turn<'_>,
    name: &Name,
    problem: Problem,
    by: Option<Actor>,
) -> Done {
    let parent = parent(turn, name)?;
    turn.emit(supervisor::Failed {
        supervisor: name.clone(),
        parent: parent.clone(),
        problem,
        by,
    })?;
    rest::spread(turn, name)?;
    match parent {
        Some(parent) => child_failed(turn, &parent, name, Cause::Supervisor),
        None => {
            let about = About::GaveUp(name.clone(), turn.now);
            crate::notice::announce(turn, about, None)
        }
    }
}

/// Something is to be done by itself: what its parent wants, or a restart whose time has come.
pub(crate) fn due(turn: &mut Turn<'_>, name: &Name) -> Done {
    let Some(found) = turn.supervisor(name)? else {
        return Ok(());
    };
    let supervisor = name.clone();
    match found.wanted {
        Some((Wanted::Rest, _)) => {
            turn.emit(supervisor::Suspended { supervisor })?;
            return rest::spread(turn, name);
        }
        Some((Wanted::Start, _)) => {
            let by = None;
            turn.emit(supervisor::Started { supervisor, by })?;
        }
        None => {}
    }
    rest::set_work_aside(turn, name)?;
    restart(turn, name)
}

/// Restarts the children whose time has come, some of them: the rest in a turn of its own.
pub(super) fn restart(turn: &mut Turn<'_>, name: &Name) -> Done {
    let found = known(turn, name)?;
    if found.standing != Standing::Running {
        return Ok(());
    }
    let now = turn.now;
    let children = found.children.iter();
    let due: Vec<Name> = children
        .filter(|child| child.restart_at.is_some_and(|at| at <= now))
        .map(|child| child.name.clone())
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    load(turn, due.iter())?;
    let mut waiting = waiting(turn, &due);
    let mut left = RUNS_PER_TURN_MAX;
    for (count, child) in due.iter().enumerate() {
        if count == CHILDREN_PER_TURN_MAX {
            go_on(turn, name);
            return Ok(());
        }
        if turn.supervisor(child)?.is_some() {
            turn.emit(restarted(name, child))?;
            go_on(turn, child);
            continue;
        }
        let mut runs = waiting.remove(child).unwrap_or_default();
        let all = runs.len() <= left;
        if all {
            up(turn, name, child)?;
        } else {
            runs.truncate(left);
        }
        left -= runs.len();
        if !crate::planted::is("restart-loses-work") {
            for run in runs {
                crate::run::again(turn, run)?;
            }
        }
        if !all {
            go_on(turn, name);
            return Ok(());
        }
    }
    Ok(())
}

/// The runs that wait for these agents, oldest first.
fn waiting(turn: &Turn<'_>, agents: &[Name]) -> BTreeMap<Name, Vec<RunId>> {
    let agents = agents.iter().map(|agent| (agent.clone(), Vec::new()));
    let mut out: BTreeMap<Name, Vec<RunId>> = agents.collect();
    let queued = turn.tables.run.iter();
    for (id, run) in queued.filter(|(_, run)| run.status == RunStatus::Queued) {
        if let Some(runs) = out.get_mut(&run.agent) {
            runs.push(*id);
        }
    }
    for runs in out.values_mut() {
        runs.sort_unstable();
    }
    out
}

/// An agent takes work again.
fn up(turn: &mut Turn<'_>, name: &Name, child: &Name) -> Done {
    if turn.agent(child)?.is_some() && spent(turn, child)? {
        return turn.emit(supervisor::ChildLeft {
            supervisor: name.clone(),
            child: child.clone(),
        });
    }
    turn.emit(restarted(name, child))?;
    if turn.agent(child)?.is_some() {
        turn.emit(agent::Restarted {
            name: child.clone(),
            supervisor: name.clone(),
        })?;
    }
    Ok(())
}
