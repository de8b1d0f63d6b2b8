//! Money: set aside before, settled after, never over the limit.

use naos_types::fact::budget;
use naos_types::spec::OnExceed;
use naos_types::{Code, Micros, Name, Period, Refusal, RunId, Spender, Tier};

use crate::turn::{Done, Turn};

/// Refuses what could go over the agent's limit or that of all. Asked before anything is
/// journaled. What never fits is told first: whoever waits for the rest would wait in vain.
pub(crate) fn affordable(turn: &Turn<'_>, agent: &Name, worst: Micros) -> Done {
    fits(turn, agent, worst, Counted::All)
}

/// The same for who can wait: what is set aside for answers under way isn't spent, and most of it
/// comes free again.
pub(crate) fn affordable_later(turn: &Turn<'_>, agent: &Name, worst: Micros) -> Done {
    let counted = if crate::planted::is("reserved-is-spent") {
        Counted::All
    } else {
        Counted::Spent
    };
    fits(turn, agent, worst, counted)
}

/// What isn't there any more.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Counted {
    /// What is spent.
    Spent,
    /// That, and what is set aside.
    All,
}

fn fits(turn: &Turn<'_>, agent: &Name, worst: Micros, counted: Counted) -> Done {
    let both = [Spender::Agent(agent.clone()), Spender::All];
    for whose in &both {
        ever_within(turn, whose, worst)?;
    }
    for whose in &both {
        within(turn, whose, worst, counted)?;
    }
    Ok(())
}

/// Refuses what is dearer than the whole limit, whatever is left of it.
fn ever_within(turn: &Turn<'_>, whose: &Spender, worst: Micros) -> Done {
    let spec = turn.budget(whose)?.and_then(|budget| budget.spec.as_ref());
    let Some(spec) = spec.filter(|spec| worst > spec.limit) else {
        return Ok(());
    };
    if spec.on_exceed == OnExceed::Alert
        || crate::planted::is("limit-unheeded")
        || crate::planted::is("dear-calls-wait")
    {
        return Ok(());
    }
    let who = match whose {
        Spender::Agent(agent) => format!("the budget of {agent} is"),
        Spender::All => "the budget of all agents together is".to_owned(),
    };
    let what = format!(
        "{who} {} in all, and this may cost {worst}: waiting doesn't help",
        spec.limit
    );
    Err(Refusal::new(Code::BUDGET_TOO_SMALL, what).into())
}

fn within(turn: &Turn<'_>, whose: &Spender, worst: Micros, counted: Counted) -> Done {
    let Some(budget) = turn.budget(whose)? else {
        return Ok(());
    };
    let Some(spec) = &budget.spec else {
        return Ok(());
    };
    let fresh = budget.window_at(turn.now) != budget.window;
    let spent = if fresh { Micros::ZERO } else { budget.spent };
    let used = match counted {
        Counted::Spent => spent,
        Counted::All => spent.plus(budget.reserved),
    };
    let over = used.plus(worst) > spec.limit || spent >= spec.limit;
    if !over || spec.on_exceed == OnExceed::Alert || crate::planted::is("limit-unheeded") {
        return Ok(());
    }
    let left = spec.limit.minus(used);
    let who = match whose {
        Spender::Agent(agent) => format!("{agent} has"),
        Spender::All => "all agents together have".to_owned(),
    };
    // What costs nothing waits as well once all is spent.
    let what = if worst == Micros::ZERO {
        format!(
            "{who} nothing left of {}: all work waits, free work too",
            spec.limit
        )
    } else {
        format!("{who} {left} left of {}, this may cost {worst}", spec.limit)
    };
    Err(Refusal::new(Code::OVER_BUDGET, what).into())
}

/// Sets the worst case of a run aside, in the commit that journals its intent.
pub(crate) fn reserve(turn: &mut Turn<'_>, agent: &Name, run: RunId, worst: Micros) -> Done {
    if worst == Micros::ZERO || crate::planted::is("no-reserve") {
        return Ok(());
    }
    let now = turn.now;
    let window = match turn.budget(&Spender::Agent(agent.clone()))? {
        Some(budget) => budget.window_at(now),
        None => Period::Total.window(now),
    };
    turn.emit(budget::Reserved {
        agent: agent.clone(),
        run,
        amount: worst,
        window,
    })
}

/// Settles what a run cost and tells when a share of the limit is reached.
pub(crate) fn settle(
    turn: &mut Turn<'_>,
    agent: &Name,
    run: RunId,
    reserved: Micros,
    cost: Micros,
    tier: Tier,
) -> Done {
    if cost > Micros::ZERO {
        turn.emit(budget::Settled {
            agent: agent.clone(),
            run,
            amount: cost,
            tier,
        })?;
    } else if reserved > Micros::ZERO {
        turn.emit(budget::Released {
            agent: agent.clone(),
            run,
        })?;
    } else {
        return Ok(());
    }
    tell(turn, &Spender::Agent(agent.clone()))?;
    tell(turn, &Spender::All)
}

/// Says once in a window that much of a limit is used, and that all of it is.
fn tell(turn: &mut Turn<'_>, whose: &Spender) -> Done {
    let Some(budget) = turn.budget(whose)?.cloned() else {
        return Ok(());
    };
    let Some(spec) = &budget.spec else {
        return Ok(());
    };
    let used = budget.spent.plus(budget.reserved);
    let alert = Micros(spec.limit.0 / 100 * u64::from(spec.alert_percent));
    if used >= alert && !budget.alerted && spec.alert_percent > 0 {
        turn.emit(budget::Alerted {
            agent: whose.clone(),
            used,
            limit: spec.limit,
        })?;
    }
    if budget.spent >= spec.limit && !budget.exhausted && spec.on_exceed == OnExceed::Pause {
        let window = budget.window;
        turn.emit(budget::Exhausted {
            agent: whose.clone(),
            window,
        })?;
    }
    Ok(())
}
