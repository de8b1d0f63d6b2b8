//! What must always hold. Each has a name; every decision checks those it can touch, in release
//! builds too: a broken one quarantines the cell before anything is journaled.

use naos_types::fact::run::World;
use naos_types::fact::{Fact, budget, resource, review};
use naos_types::spec::{DriverLimits, Kind, OnExceed};
use naos_types::{RunStatus, Spender, StepStatus};

use crate::budget::Budget;
use crate::plan::Plan;
use crate::resource::Driver;
use crate::run::{Pending, Run};
use crate::state::ResourceKey;
use crate::supervisor::Supervisor;
use crate::turn::{Done, Stop, Turn};

/// N1: what is settled and set aside never exceeds the limit, an agent's nor that of all.
#[must_use]
pub fn n1_budget_covers(budget: &Budget) -> bool {
    budget.spec.as_ref().is_none_or(|spec| {
        spec.on_exceed == OnExceed::Alert || budget.spent.plus(budget.reserved) <= spec.limit
    })
}

/// N2: a closed run has nothing set aside.
#[must_use]
pub fn n2_closed_runs_hold_no_money(run: &Run) -> bool {
    !run.status.is_closed() || run.reserved == naos_types::Micros::ZERO
}

/// N3: a completed run has an answer.
#[must_use]
pub fn n3_completed_runs_have_output(run: &Run) -> bool {
    (run.status == RunStatus::Completed) == run.output.is_some()
}

/// N4: a run that waits for a person waits for a call.
#[must_use]
pub fn n4_held_runs_wait_for_a_call(run: &Run) -> bool {
    !matches!(run.status, RunStatus::Held | RunStatus::Unknown) || run.pending.is_some()
}

/// N5: nobody reviews their own work.
#[must_use]
pub fn n5_reviewer_is_not_author(fact: &review::Requested) -> bool {
    fact.author != fact.reviewer || crate::planted::is("author-reviews")
}

/// N6: a closed plan has no step that is under way.
#[must_use]
pub fn n6_closed_plans_are_at_rest(plan: &Plan) -> bool {
    !plan.is_closed()
        || plan
            .steps
            .values()
            .all(|step| !matches!(step.status, StepStatus::Running | StepStatus::Waiting))
}

/// N7: a fan-out never has more items open than its window.
#[must_use]
pub fn n7_fan_out_keeps_its_window(plan: &Plan) -> bool {
    plan.spec.steps.iter().all(|spec| {
        let window = spec
            .for_each
            .as_ref()
            .map_or(u32::MAX, |fan| fan.window.max(1));
        let open = plan
            .steps
            .get(&spec.name)
            .and_then(|step| step.fan.as_ref());
        open.is_none_or(|fan| fan.open.len() <= window as usize)
    })
}

/// N8: nothing is undone before the whole failed, nothing is done after, and one thing at a time:
/// the last one first.
#[must_use]
pub fn n8_undoing_goes_backwards(plan: &Plan) -> bool {
    let moving = |status| matches!(status, StepStatus::Running | StepStatus::Waiting);
    let under_way = plan.steps.iter().filter(|(_, step)| moving(step.status));
    let mut undoing = Vec::new();
    for (name, _) in under_way {
        match plan.flow.undo.get(name) {
            Some(of) => undoing.push(of),
            None if plan.undoing => return false,
            None => {}
        }
    }
    let last = if crate::planted::is("undo-forwards") {
        plan.undoable.first()
    } else {
        plan.undoable.last()
    };
    match undoing[..] {
        [] => true,
        [of] => plan.undoing && last == Some(of),
        _ => false,
    }
}

/// N9: a schedule that waits has one beat, where it waits; one that doesn't has none.
fn n9_one_beat(turn: &Turn<'_>, key: &crate::state::ResourceKey) -> bool {
    crate::schedule::is_whole(turn, key)
}

/// N10: a supervisor never restarts more within its window than it may.
#[must_use]
pub fn n10_restarts_have_an_end(found: &Supervisor) -> bool {
    let last = found.restarts.last();
    last.is_none_or(|last| found.recent(*last) <= found.restarts_max)
}

/// N11: a driver is given no more at once than it may have.
#[must_use]
pub fn n11_drivers_have_room(driver: &Driver, limits: &DriverLimits) -> bool {
    driver.open.len() <= limits.open_max as usize
}

/// N12: a what-if has nothing under way that changes anything.
#[must_use]
pub fn n12_what_ifs_change_nothing(run: &Run) -> bool {
    let changes = |pending: &Pending| pending.world != World::Repeatable;
    !run.is_what_if() || !run.pending.as_ref().is_some_and(changes)
}

/// Names of all invariants, for the documents.
pub const NAMES: &[&str] = &[N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11, N12];

const N1: &str = "N1 budget covers";
const N2: &str = "N2 closed runs hold no money";
const N3: &str = "N3 completed runs have output";
const N4: &str = "N4 held runs wait for a call";
const N5: &str = "N5 reviewer is not author";
const N6: &str = "N6 closed plans are at rest";
const N7: &str = "N7 fan-out keeps its window";
const N8: &str = "N8 undoing goes backwards";
const N9: &str = "N9 one beat";
const N10: &str = "N10 restarts have an end";
const N11: &str = "N11 drivers have room";
const N12: &str = "N12 what-ifs change nothing";

/// The name of the invariant that a reason for a quarantine speaks of.
#[must_use]
pub fn named(why: &str) -> Option<&'static str> {
    NAMES.iter().copied().find(|name| why.starts_with(name))
}

/// Checks what a turn touched.
pub(crate) fn check(turn: &Turn<'_>) -> Done {
    for fact in &turn.facts {
        match fact {
            Fact::Review(review::Fact::Requested(f)) => {
                holds(n5_reviewer_is_not_author(f), N5, &fact.kind())?;
            }
            Fact::Budget(budget::Fact::Reserved(f)) => {
                let own = Spender::Agent(f.agent.clone());
                let covered = |b: Option<&Budget>| b.is_none_or(n1_budget_covers);
                let both = covered(turn.budget(&own)?) && covered(turn.budget(&Spender::All)?);
                holds(both, N1, &fact.kind())?;
            }
            Fact::Resource(resource::Fact::DriverGiven(f)) => {
                let key = ResourceKey(Kind::Driver, f.driver.clone());
                let limits = turn.resource(&key)?.and_then(|found| found.spec.driver());
                if let (Some((_, limits)), Some(driver)) = (limits, turn.driver(&f.driver)?) {
                    holds(n11_drivers_have_room(driver, &limits), N11, &f.driver)?;
                }
            }
            _ => {}
        }
    }
    for (id, run) in &turn.tables.run.edits {
        if let Some(run) = run {
            holds(n2_closed_runs_hold_no_money(run), N2, id)?;
            holds(n3_completed_runs_have_output(run), N3, id)?;
            holds(n4_held_runs_wait_for_a_call(run), N4, id)?;
            holds(n12_what_ifs_change_nothing(run), N12, id)?;
        }
    }
    for (id, plan) in &turn.tables.plan.edits {
        if let Some(plan) = plan {
            holds(n6_closed_plans_are_at_rest(plan), N6, id)?;
            holds(n7_fan_out_keeps_its_window(plan), N7, id)?;
            holds(n8_undoing_goes_backwards(plan), N8, id)?;
        }
    }
    for key in turn.tables.schedule.edits.keys() {
        holds(n9_one_beat(turn, key), N9, &key.1)?;
    }
    for (name, found) in &turn.tables.supervisor.edits {
        if let Some(found) = found {
            holds(n10_restarts_have_an_end(found), N10, name)?;
        }
    }
    Ok(())
}

fn holds(sound: bool, name: &str, of: &dyn std::fmt::Display) -> Done {
    if sound {
        return Ok(());
    }
    Err(Stop::broken(format!("{name}: {of} breaks it")))
}
