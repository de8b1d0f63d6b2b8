//! The money of a tenant, counted anew from its facts.

use std::collections::BTreeMap;

use naos_types::fact::{Fact, budget, run};
use naos_types::{Micros, Name, RunId, Time};

use crate::journal::ensure;

/// One agent's money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purse {
    limit: Option<Micros>,
    /// What may be spent though it is above the limit: it was set aside before that was set.
    older: Micros,
    window: Time,
    pub(crate) spent: Micros,
    pub(crate) reserved: BTreeMap<RunId, (Micros, Time)>,
    pub(crate) total: Micros,
}

impl Purse {
    pub(crate) fn set_aside(&self) -> Micros {
        self.reserved
            .values()
            .fold(Micros::ZERO, |sum, (amount, _)| sum.plus(*amount))
    }
}

/// All agents' money.
#[derive(Debug, Default)]
pub(crate) struct Money {
    pub(crate) purses: BTreeMap<Name, Purse>,
    costs: BTreeMap<RunId, Micros>,
}

impl Money {
    pub(crate) fn take(&mut self, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Budget(fact) => self.budget(fact),
            Fact::Run(run::Fact::Completed(f)) => {
                self.costs.insert(f.run, f.cost);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn budget(&mut self, fact: &budget::Fact) -> Result<(), String> {
        match fact {
            budget::Fact::Set(f) => {
                let purse = self.purses.entry(f.agent.clone()).or_default();
                purse.limit = f.spec.as_ref().map(|spec| spec.limit);
                purse.older = purse.spent.plus(purse.set_aside());
            }
            budget::Fact::Reserved(f) => {
                let purse = self.purses.entry(f.agent.clone()).or_default();
                if purse.window != f.window {
                    (purse.window, purse.spent) = (f.window, Micros::ZERO);
                    purse.older = Micros::ZERO;
                }
                let before = purse.reserved.insert(f.run, (f.amount, f.window));
                ensure(before.is_none(), || format!("{} reserves twice", f.run))?;
                let used = purse.spent.plus(purse.set_aside());
                ensure(purse.limit.is_none_or(|limit| used <= limit), || {
                    format!("{} has {used} in use of {:?}", f.agent, purse.limit)
                })?;
            }
            budget::Fact::Settled(f) => {
                let cost = self.costs.get(&f.run).copied();
                ensure(cost == Some(f.amount), || {
                    format!("{} settles {}", f.run, f.amount)
                })?;
                let purse = self.purses.entry(f.agent.clone()).or_default();
                let reserved = purse.reserved.remove(&f.run);
                ensure(
                    reserved.is_some_and(|(amount, _)| f.amount <= amount),
                    || format!("{} settles {} of {reserved:?}", f.run, f.amount),
                )?;
                purse.total = purse.total.plus(f.amount);
                if reserved.is_some_and(|(_, window)| window == purse.window) {
                    purse.spent = purse.spent.plus(f.amount);
                }
                let most = purse.limit.map(|limit| limit.max(purse.older));
                ensure(most.is_none_or(|most| purse.spent <= most), || {
                    format!("{} spent {} of {:?}", f.agent, purse.spent, purse.limit)
                })?;
            }
            budget::Fact::Released(f) => {
                let purse = self.purses.entry(f.agent.clone()).or_default();
                let reserved = purse.reserved.remove(&f.run);
                ensure(reserved.is_some(), || format!("{} releases nothing", f.run))?;
            }
            budget::Fact::Reset(f) => {
                self.purses.entry(f.agent.clone()).or_default().spent = Micros::ZERO;
            }
            budget::Fact::Alerted(_) | budget::Fact::Exhausted(_) => {}
        }
        Ok(())
    }
}
