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
