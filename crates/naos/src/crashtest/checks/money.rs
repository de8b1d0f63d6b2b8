//! Money: what was set aside and spent, and never over the limit.

use std::collections::{BTreeMap, BTreeSet};

use super::{Collected, Findings};
use crate::crashtest::gather::Row;
use crate::crashtest::ledger::What;

/// What one agent's journal says.
#[derive(Default)]
struct Purse<'r> {
    open: BTreeSet<&'r str>,
    settled: u64,
    /// The most that was spent and set aside at any time.
    highest: u64,
}

pub(super) fn check(collected: &Collected<'_>, findings: &mut Findings) {
    let found = collected.found;
    let mut agents = BTreeMap::new();
    for write in collected.ledger {
        if let What::Agent { name, cost, limit } = &write.what {
            agents.insert(name.as_str(), (*cost, *limit));
        }
    }
    let mut purses: BTreeMap<&str, Purse<'_>> = BTreeMap::new();
    for row in &found.audit {
        if let Some((agent, (cost, _))) = agents.get_key_value(row.subject.as_str()) {
            book(row, *cost, purses.entry(agent).or_default(), findings);
        }
    }
    for (agent, (cost, limit)) in agents {
        let purse = purses.remove(agent).unwrap_or_default();
        findings.expect("money", purse.highest <= limit, || {
            format!(
                "{agent} had {} spent and set aside, its limit is {limit}",
                purse.highest
            )
        });
        findings.expect("money", purse.open.is_empty(), || {
            format!("{agent} still has money set aside for {:?}", purse.open)
        });
        let told = found.money.get(agent).copied().unwrap_or_default();
        findings.expect("money", told.spent == purse.settled && told.reserved == 0, || {
            format!(
                "{agent} spent {} as its journal says, and {} (with {} set aside) as it is told",
                purse.settled, told.spent, told.reserved
            )
        });
        let runs = found.runs.values();
        let runs = runs
            .filter(|run| run.agent == agent && run.status == "completed")
            .count();
        findings.expect("money", purse.settled == cost * runs as u64, || {
            format!(
                "{agent} completed {runs} runs for {cost} each and spent {}",
                purse.settled
            )
        });
    }
}

fn book<'r>(row: &'r Row, cost: u64, purse: &mut Purse<'r>, findings: &mut Findings) {
    let run = row.run.as_deref().unwrap_or("?");
    let right = match row.action.as_str() {
        "cost.reserved" => purse.open.insert(run),
        "cost.recorded" => {
            purse.settled += cost;
            purse.open.remove(run)
        }
        "cost.released" => purse.open.remove(run),
        _ => return,
    };
    let used = purse.settled + cost * purse.open.len() as u64;
    purse.highest = purse.highest.max(used);
    findings.expect("money", right, || {
        format!(
            "seq {}: {} for {run} doesn't follow what came before",
            row.seq, row.action
        )
    });
}
