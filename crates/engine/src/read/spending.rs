//! Who spent what and how often, summed over runs.

use std::collections::BTreeMap;

use naos_kernel::run::Run;
use naos_store::Spent;
use naos_types::{Micros, Name, Refusal, RunId, RunStatus, Tier, Time};

use super::Reader;

/// How often, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many runs.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
    /// What they cost.
    pub cost: Micros,
}

impl Sum {
    fn add(&mut self, row: &Spent) {
        self.runs += row.runs;
        if row.status == RunStatus::Failed {
            self.failed += row.runs;
        }
        self.cost = self.cost.plus(row.cost);
    }
}

/// Sums over the runs since some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// All of them.
    pub all: Sum,
    /// By agent or skill.
    pub agents: BTreeMap<Name, Sum>,
    /// By tier.
    pub tiers: BTreeMap<Tier, Sum>,
    /// By the UTC day that they began on.
    pub days: BTreeMap<Time, Sum>,
    /// By status.
    pub statuses: BTreeMap<RunStatus, u64>,
    /// Whether older runs are missing: records count the newest
    /// [`LIST_SCAN_MAX`](super::LIST_SCAN_MAX) only.
    pub more: bool,
}

impl Spending {
    pub(super) fn add(&mut self, row: &Spent) {
        self.all.add(row);
        self.agents.entry(row.agent.clone()).or_default().add(row);
        self.tiers.entry(row.tier).or_default().add(row);
        *self.statuses.entry(row.status).or_default() += row.runs;
        if let Some(day) = row.day {
            self.days.entry(day).or_default().add(row);
        }
    }
}

impl Spending {
    /// How many runs answered without a model.
    #[must_use]
    pub fn without_model(&self) -> u64 {
        let without = [Tier::Skill, Tier::Wasm].map(|tier| self.tiers.get(&tier));
        without.into_iter().flatten().map(|sum| sum.runs).sum()
    }

    /// About what models would have cost for these: as much for each as the runs with a model cost
    /// on average. None where no such run cost anything.
    #[must_use]
    pub fn avoided(&self) -> Option<Micros> {
        let model = self.tiers.get(&Tier::Model)?;
        let runs = u128::from(model.runs);
        let all = u128::from(model.cost.0) * u128::from(self.without_model());
        let cost = all
            .checked_div(runs)
            .filter(|_| model.cost > Micros::ZERO)?;
        Some(Micros(cost.try_into().unwrap_or(u64::MAX)))
    }
}

impl Reader {
    /// The sums while there are no views.
    pub(super) fn spending_from_records(&self, since: Time) -> Result<Spending, Refusal> {
        let mut out = Spending::default();
        // Ids begin with their time: the first one that is too old ends the look.
        let counted = self.newest::<Run>(None, 1, |id: &RunId, run| {
            let began = Time((id.0 >> 80) as i64);
            if began < since {
                return true;
            }
            out.add(&Spent {
                day: Some(began.day_start()),
                agent: run.agent.clone(),
                tier: run.tier,
                status: run.status,
                runs: 1,
                cost: run.cost,
            });
            false
        })?;
        out.more = counted.items.is_empty() && counted.next.is_some();
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_models_were_not_asked_costs_what_they_cost_on_average() {
        let mut spending = Spending::default();
        let mut ran = |tier: Tier, runs: u64, cost: u64| {
            let sum = Sum {
                runs,
                failed: 0,
                cost: Micros(cost),
            };
            spending.tiers.insert(tier, sum);
            (spending.without_model(), spending.avoided())
        };
        assert_eq!(ran(Tier::Skill, 7, 0), (7, None), "nobody asked a model");
        assert_eq!(ran(Tier::Wasm, 2, 0), (9, None));
        assert_eq!(
            ran(Tier::Model, 4, 0),
            (9, None),
            "models that cost nothing"
        );
        assert_eq!(ran(Tier::Model, 4, 10), (9, Some(Micros(22))));
    }
}
