//! What the endpoint of a driver saw of the events that it was to answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::effects::{keys, times};
use super::{Collected, Findings};
use crate::crashtest::ledger::What;
use crate::crashtest::receiver::answer_to;

/// What runs of the driver outside are called.
pub(super) const RUNS_AS: &str = "driver-outside";
const CHECK: &str = "endpoint";

/// Each event that was acknowledged was asked under one key, as often as it took, was done once,
/// and its answer is that of its one run.
pub(super) fn check(collected: &Collected<'_>, findings: &mut Findings) {
    keys(CHECK, collected.asked, findings);
    let (hits, runs) = (times(collected.asked), runs(collected));
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for write in collected.ledger {
        let What::Ask { tag } = &write.what else {
            continue;
        };
        known.insert(tag);
        if write.reply().is_none() {
            continue;
        }
        let arrived = hits.get(tag.as_str()).copied().unwrap_or_default();
        findings.expect(CHECK, arrived > 0, || {
            format!("{tag} was acknowledged, and its endpoint never heard of it")
        });
        let own = runs.get(tag).map(Vec::as_slice).unwrap_or_default();
        let [run] = own else {
            findings.add(CHECK, format!("{tag} has {} runs: {own:?}", own.len()));
            continue;
        };
        let row = collected.found.runs.get(*run);
        let wanted = answer_to(tag);
        let right = row.is_some_and(|row| row.status != "completed" || row.output == wanted);
        findings.expect(CHECK, right, || {
            let said = row.map(|row| row.output.as_str());
            format!("{run} ended with {said:?}, and its endpoint said {wanted:?}")
        });
    }
    let strangers = hits.keys().copied().chain(runs.keys().map(String::as_str));
    for tag in strangers.filter(|tag| !known.contains(tag)) {
        findings.add(CHECK, format!("nobody published {tag}"));
    }
}

/// Runs of the driver, by what their event asks for.
fn runs<'c>(collected: &Collected<'c>) -> BTreeMap<String, Vec<&'c str>> {
    let mut runs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let found = collected.found;
    for (run, input) in &found.strangers {
        let own = found.runs.get(run).is_some_and(|row| row.agent == RUNS_AS);
        if own {
            let event: Value = serde_json::from_str(input).unwrap_or_default();
            let tag = event["data"]["tag"].as_str().unwrap_or("?").to_owned();
            runs.entry(tag).or_default().push(run);
        }
    }
    runs
}
