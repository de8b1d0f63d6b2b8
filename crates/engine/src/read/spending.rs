//! Who spent what and how often, summed over runs.

use std::collections::BTreeMap;

use naos_kernel::run::Run;
use naos_types::{Micros, Name, Refusal, RunId, RunStatus, Tier, Time};

use super::Reader;

/// How many runs a sum looks at, newest first.
pub const RUNS_COUNTED_MAX: usize = 20_000;

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
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.failed += u64::from(run.status == RunStatus::Failed);
        self.cost = self.cost.plus(run.cost);
    }
}

/// Sums over the runs since some time.
#[derive(Clone, Debug, Default)]
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
    /// Whether older runs than [`RUNS_COUNTED_MAX`] are missing.
    pub more: bool,
}

impl Reader {
    /// Sums over the runs that began at or after `since`.
    ///
    /// # Errors
    /// A refusal if a record is damaged.
    pub fn spending(&self, since: Time) -> Result<Spending, Refusal> {
        let mut out = Spending::default();
        let mut seen = 0;
        // Ids begin with their time: the first one that is too old ends the look.
        let counted = self.newest::<Run>(None, 1, |id: &RunId, run| {
            let began = Time((id.0 >> 80) as i64);
            if began < since {
                return true;
            }
            seen += 1;
            out.all.add(run);
            out.agents.entry(run.agent.clone()).or_default().add(run);
            out.tiers.entry(run.tier).or_default().add(run);
            out.days.entry(began.day_start()).or_default().add(run);
            *out.statuses.entry(run.status).or_default() += 1;
            false
        })?;
        out.more = counted.items.is_empty() && counted.next.is_some();
        Ok(out)
    }
}
