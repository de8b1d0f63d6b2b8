//! The money of a tenant, counted anew from its facts.

use std::collections::BTreeMap;

use naos_types::fact::{Fact, budget, run};
use naos_types::{Micros, Name, Period, RunId, Spender, Time};

use crate::journal::ensure;

/// One agent's money, or that of all together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purse {
    limit: Option<Micros>,
    period: Option<Period>,
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

    fn roll(&mut self, window: Time) {
        if self.window != window {
            (self.window, self.spent) = (window, Micros::ZERO);
            self.older = Micros::ZERO;
        }
    }

    fn reserve(&mut self, whose: &Spender, run: RunId, amount: Micros) -> Result<(), String> {
        let before = self.reserved.insert(run, (amount, self.window));
        ensure(before.is_none(), || format!("{run} reserves twice"))?;
        let used = self.spent.plus(self.set_aside());
        ensure(self.limit.is_none_or(|limit| used <= limit), || {
            format!("{whose} has {used} in use of {:?}", self.limit)
        })
    }

    /// Takes back what `run` set aside: how much, and in which window.
    fn take_back(&mut self, run: RunId) -> Result<(Micros, Time), String> {
        let reserved = self.reserved.remove(&run);
        reserved.ok_or_else(|| format!("{run} takes back what it never set aside"))
    }

    fn spend(&mut self, whose: &Spender, amount: Micros, now: bool) -> Result<(), String> {
        self.total = self.total.plus(amount);
        if now {
            self.spent = self.spent.plus(amount);
        }
        let most = self.limit.map(|limit| limit.max(self.older));
        ensure(most.is_none_or(|most| self.spent <= most), || {
            format!("{whose} spent {} of {:?}", self.spent, self.limit)
        })
    }
}

/// All agents' money.
#[derive(Debug, Default)]
pub(crate) struct Money {
    pub(crate) purses: BTreeMap<Spender, Purse>,
    costs: BTreeMap<RunId, Micros>,
}

impl Money {
    pub(crate) fn take(&mut self, fact: &Fact, at: Time) -> Result<(), String> {
        match fact {
            Fact::Budget(fact) => self.budget(fact, at),
            Fact::Run(run::Fact::Completed(f)) => {
                self.costs.insert(f.run, f.cost);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The purse of all, in the window that holds `at`.
    fn all(&mut self, at: Time) -> &mut Purse {
        let purse = self.purses.entry(Spender::All).or_default();
        let window = purse.period.unwrap_or(Period::Total).window(at);
        if purse.window != window {
            purse.roll(window);
            // It counts when it is spent: what was set aside before may be above a limit that was
            // lowered since.
            purse.older = purse.set_aside();
        }
        purse
    }

    fn of(&mut self, agent: &Name) -> (Spender, &mut Purse) {
        let whose = Spender::Agent(agent.clone());
        let purse = self.purses.entry(whose.clone()).or_default();
        (whose, purse)
    }

    fn budget(&mut self, fact: &budget::Fact, at: Time) -> Result<(), String> {
        match fact {
            budget::Fact::Set(f) => {
                let purse = self.purses.entry(f.agent.clone()).or_default();
                purse.limit = f.spec.as_ref().map(|spec| spec.limit);
                purse.period = f.spec.as_ref().map(|spec| spec.period);
                purse.older = purse.spent.plus(purse.set_aside());
            }
            budget::Fact::Reserved(f) => {
                let (whose, purse) = self.of(&f.agent);
                purse.roll(f.window);
                purse.reserve(&whose, f.run, f.amount)?;
                self.all(at).reserve(&Spender::All, f.run, f.amount)?;
            }
            budget::Fact::Settled(f) => {
                let cost = self.costs.get(&f.run).copied();
                ensure(cost == Some(f.amount), || {
                    format!("{} settles {}", f.run, f.amount)
                })?;
                let (whose, purse) = self.of(&f.agent);
                let (amount, window) = purse.take_back(f.run)?;
                ensure(f.amount <= amount, || {
                    format!("{} settles {} of {amount}", f.run, f.amount)
                })?;
                purse.spend(&whose, f.amount, window == purse.window)?;
                let all = self.all(at);
                all.take_back(f.run)?;
                all.spend(&Spender::All, f.amount, true)?;
            }
            // Each answer of a model costs what is settled beside it.
            budget::Fact::Metered(f) => {
                self.costs.insert(f.run, f.amount);
            }
            budget::Fact::Released(f) => {
                self.of(&f.agent).1.take_back(f.run)?;
                self.all(at).take_back(f.run)?;
            }
            budget::Fact::Reset(f) => {
                self.purses.entry(f.agent.clone()).or_default().spent = Micros::ZERO;
            }
            budget::Fact::Alerted(_) | budget::Fact::Exhausted(_) => {}
        }
        Ok(())
    }
}
