//! Budgets: reserve, settle, release.

use naos_types::command::{self, Reply};
use naos_types::fact::budget::{self, Fact};
use naos_types::spec::BudgetSpec;
use naos_types::{Actor, Micros, Name, Period, Spender, Time};
use serde::{Deserialize, Serialize};

use crate::table::Aggregate;
use crate::turn::{Done, Turn};

/// What an agent, or all of them together, spent and may spend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The limit, where there is one.
    pub spec: Option<BudgetSpec>,
    /// The window that `spent` belongs to.
    pub window: Time,
    /// Settled in this window.
    pub spent: Micros,
    /// Set aside for runs that are open.
    pub reserved: Micros,
    /// Settled ever.
    pub total: Micros,
    /// Whether the alert of this window was given.
    pub alerted: bool,
    /// Whether the window has nothing left.
    pub exhausted: bool,
}

impl Aggregate for Budget {
    const KIND: &'static str = "budget";
    const VERSION: u8 = 1;
}

impl Budget {
    /// The window that holds `now`.
    #[must_use]
    pub fn window_at(&self, now: Time) -> Time {
        self.spec
            .as_ref()
            .map_or(Period::Total, |spec| spec.period)
            .window(now)
    }

    fn set_aside(&mut self, amount: Micros, window: Time) {
        self.roll(window);
        self.reserved = self.reserved.plus(amount);
    }

    fn roll(&mut self, window: Time) {
        if window != self.window {
            self.window = window;
            self.spent = Micros::ZERO;
            self.alerted = false;
            self.exhausted = false;
        }
    }
}

pub(crate) fn command(turn: &mut Turn<'_>, by: &Actor, asked: &command::Budget) -> Done<Reply> {
    match asked {
        command::Budget::Set { agent, spec } => {
            if turn
                .budget(agent)?
                .is_some_and(|budget| budget.spec == *spec)
            {
                return Ok(Reply::Unchanged);
            }
            turn.emit(budget::Set {
                agent: agent.clone(),
                spec: spec.clone(),
                by: by.clone(),
            })?;
        }
        command::Budget::Reset { agent } => {
            turn.emit(budget::Reset {
                agent: agent.clone(),
                by: by.clone(),
            })?;
        }
    }
    Ok(Reply::Done)
}

fn edit<'t>(turn: &'t mut Turn<'_>, agent: &Spender) -> Done<&'t mut Budget> {
    if turn.budget(agent)?.is_none() {
        turn.put_budget(agent.clone(), Some(Budget::default()));
    }
    turn.budget_mut(agent)
}

pub(crate) fn fold(turn: &mut Turn<'_>, fact: &Fact) -> Done {
    let now = turn.now;
    match fact {
        Fact::Set(f) => {
            let budget = edit(turn, &f.agent)?;
            budget.spec.clone_from(&f.spec);
            let window = budget.window_at(now);
            budget.roll(window);
            budget.alerted = false;
            budget.exhausted = false;
        }
        Fact::Reserved(f) => {
            edit(turn, &owner(&f.agent))?.set_aside(f.amount, f.window);
            if !crate::planted::is("no-reserve-of-all") {
                let all = edit(turn, &Spender::All)?;
                all.set_aside(f.amount, all.window_at(now));
            }
            let run = turn.run_mut(&f.run)?;
            run.reserved = run.reserved.plus(f.amount);
            run.window = f.window;
        }
        Fact::Settled(f) => {
            let (reserved, window) = take_reserve(turn, f.run)?;
            // What a run cost is what was settled for it, however it ends: nothing else says so.
            let run = turn.run_mut(&f.run)?;
            run.cost = run.cost.plus(f.amount);
            // A what-if stands beside the run of a plan that it is about.
            if run.fork.is_none() {
                let task = run.task;
                crate::plan::fold_cost(turn, task, f.amount)?;
            }
            let budget = edit(turn, &owner(&f.agent))?;
            budget.reserved = budget.reserved.minus(reserved);
            budget.total = budget.total.plus(f.amount);
            if window == budget.window {
                budget.spent = budget.spent.plus(f.amount);
            }
            // A run keeps the window of its agent's limit only: for all of them, money counts
            // when it is spent.
            let all = edit(turn, &Spender::All)?;
            all.roll(all.window_at(now));
            all.reserved = all.reserved.minus(reserved);
            all.total = all.total.plus(f.amount);
            all.spent = all.spent.plus(f.amount);
        }
        Fact::Metered(f) => crate::run::fold_metered(turn, f)?,
        Fact::Released(f) => {
            let (reserved, _) = take_reserve(turn, f.run)?;
            for whose in [owner(&f.agent), Spender::All] {
                let budget = edit(turn, &whose)?;
                budget.reserved = budget.reserved.minus(reserved);
            }
        }
        Fact::Alerted(f) => edit(turn, &f.agent)?.alerted = true,
        Fact::Exhausted(f) => edit(turn, &f.agent)?.exhausted = true,
        Fact::Reset(f) => {
            let budget = edit(turn, &f.agent)?;
            budget.spent = Micros::ZERO;
            budget.alerted = false;
            budget.exhausted = false;
        }
    }
    Ok(())
}

fn owner(agent: &Name) -> Spender {
    Spender::Agent(agent.clone())
}

/// What a run has set aside; from now on nothing.
fn take_reserve(turn: &mut Turn<'_>, run: naos_types::RunId) -> Done<(Micros, Time)> {
    let run = turn.run_mut(&run)?;
    Ok((std::mem::take(&mut run.reserved), run.window))
}
