//! What strangers saw of gated calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Collected, Findings, flows, resolutions};
use crate::crashtest::ledger::{Stand, What};
use crate::crashtest::receiver::Hit;

/// What is published about effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::crashtest) struct Effects {
    /// Requests at the receiver that honours keys.
    pub(in crate::crashtest) attempts: usize,
    /// What happened there.
    pub(in crate::crashtest) effects: usize,
    /// Requests at the receiver that doesn't.
    pub(in crate::crashtest) plain_hits: usize,
    /// Of these, the ones that a person asked for again.
    pub(in crate::crashtest) plain_again: usize,
    /// Runs left with an unknown outcome.
    pub(in crate::crashtest) unknown: usize,
    /// Times that a person decided about one.
    pub(in crate::crashtest) resolved: usize,
    /// Requests at the endpoint of the driver outside.
    pub(in crate::crashtest) endpoint_attempts: usize,
    /// What happened there.
    pub(in crate::crashtest) endpoint_effects: usize,
}

/// Counts what is published.
pub(in crate::crashtest) fn count(collected: &Collected<'_>) -> Effects {
    let tags: BTreeSet<&str> = collected.plain.iter().map(|hit| hit.tag.as_str()).collect();
    let unknown = collected
        .found
        .runs
        .values()
        .filter(|run| run.status == "unknown");
    Effects {
        attempts: collected.keyed.len(),
        effects: collected.keyed.iter().filter(|hit| hit.effect).count(),
        plain_hits: collected.plain.len(),
        plain_again: collected.plain.len() - tags.len(),
        unknown: unknown.count(),
        resolved: resolutions(&collected.found.audit).values().sum(),
        endpoint_attempts: collected.asked.len(),
        endpoint_effects: collected.asked.iter().filter(|hit| hit.effect).count(),
    }
}

pub(super) fn check(collected: &Collected<'_>, findings: &mut Findings) {
    keys("effects", collected.keyed, findings);
    for hit in collected.plain.iter().filter(|hit| hit.key.is_some()) {
        findings.add(
            "effects",
            format!("{} carries a key that nobody honours", hit.tag),
        );
    }
    let (keyed, plain) = (times(collected.keyed), times(collected.plain));
    let resolved = resolutions(&collected.found.audit);
    let retried = retries(collected);
    let of_sagas = collected.ledger.iter().filter_map(flows::calls);
    let mut known: BTreeSet<String> = of_sagas.flatten().collect();
    for write in collected.ledger {
        let What::Courier { tag, keyed: calls } = &write.what else {
            continue;
        };
        known.extend((0..calls.len()).map(|index| format!("{tag}/{index}")));
        let Some(run) = write.said("run") else {
            continue;
        };
        let Some(row) = collected.found.runs.get(run) else {
            continue;
        };
        let doubled: usize = (0..calls.len())
            .filter_map(|index| plain.get(format!("{tag}/{index}").as_str()))
            .map(|hits| hits - 1)
            .sum();
        let allowed = retried.get(run).copied().unwrap_or_default();
        findings.expect("effects", doubled <= allowed, || {
            format!("{run} repeated {doubled} calls without a key; a person allowed {allowed}")
        });
        if row.status != "completed" {
            continue; // unknown, and listed so
        }
        let answers: Vec<Value> = serde_json::from_str(&row.output).unwrap_or_default();
        findings.expect("effects", answers.len() == calls.len(), || {
            format!(
                "{run} made {} of {} calls: {}",
                answers.len(),
                calls.len(),
                row.output
            )
        });
        for (index, answer) in answers.iter().enumerate() {
            let tag = format!("{tag}/{index}");
            let hits = keyed.get(tag.as_str()).or_else(|| plain.get(tag.as_str()));
            let arrived = hits.is_some() && answer["status"] == 200;
            let decided = resolved.contains_key(run) && answer["error"].is_string();
            findings.expect("effects", arrived || decided, || {
                format!("{run} says {answer} of call {tag}, and it arrived {hits:?} times")
            });
        }
    }
    for tag in keyed
        .keys()
        .chain(plain.keys())
        .filter(|tag| !known.contains(**tag))
    {
        findings.add("effects", format!("nobody asked for {tag}"));
    }
}

/// One key a call, one call a key, one effect a key.
pub(super) fn keys(check: &'static str, hits: &[Hit], findings: &mut Findings) {
    let mut by_tag: BTreeMap<&str, (BTreeSet<&str>, u32)> = BTreeMap::new();
    let mut by_key: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for hit in hits {
        let Some(key) = &hit.key else {
            findings.add(check, format!("{} lost its key on the way", hit.tag));
            continue;
        };
        let (keys, effects) = by_tag.entry(&hit.tag).or_default();
        keys.insert(key);
        *effects += u32::from(hit.effect);
        by_key.entry(key).or_default().insert(&hit.tag);
    }
    for (tag, (keys, effects)) in by_tag {
        findings.expect(check, keys.len() == 1 && effects == 1, || {
            format!("{tag} took effect {effects} times, under the keys {keys:?}")
        });
    }
    for (key, tags) in by_key {
        findings.expect(check, tags.len() == 1, || {
            format!("{key} stands for {tags:?}")
        });
    }
}

pub(super) fn times(hits: &[Hit]) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    for hit in hits {
        *times.entry(hit.tag.as_str()).or_default() += 1;
    }
    times
}

/// How often a person asked for a call of unknown outcome to be tried again, by run. A decision
/// whose answer was a refusal may still have been taken: it counts as allowed.
fn retries<'c>(collected: &Collected<'c>) -> BTreeMap<&'c str, usize> {
    let mut retries = BTreeMap::new();
    for write in collected.ledger {
        if let What::Resolve {
            run,
            verdict: "retry",
        } = &write.what
            && !matches!(write.stand, Stand::Refused { .. })
        {
            *retries.entry(run.as_str()).or_default() += 1;
        }
    }
    retries
}
