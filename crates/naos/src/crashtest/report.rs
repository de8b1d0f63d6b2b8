//! What the crash test says: progress, a table, and one line of JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::checks::Finding;
use super::round::Outcome;
use crate::out::Out;

/// How many findings of one check are shown.
const SHOWN_MAX: usize = 5;

/// How many lines of progress there are at most without a terminal.
const LINES_MAX: u64 = 10;

/// A bar on a terminal, now and then a line elsewhere.
pub(super) struct Progress<'o> {
    bar: ProgressBar,
    lines: Option<(&'o Out, u64)>,
}

impl<'o> Progress<'o> {
    pub(super) fn new(kills: u64, out: &'o Out) -> Self {
        if out.json || out.quiet || !out.terminal {
            let every = kills.div_ceil(LINES_MAX).max(1);
            let lines = (!out.json && !out.quiet).then_some((out, every));
            let bar = ProgressBar::hidden();
            return Self { bar, lines };
        }
        let bar = ProgressBar::new(kills);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} kills, {msg} {eta}") {
            bar.set_style(style);
        }
        Self { bar, lines: None }
    }

    /// Another kill, and how many writes of this round were acknowledged.
    pub(super) fn kill(&self, kills: u64, acked: usize) {
        self.bar.set_position(kills);
        self.bar.set_message(format!("{acked} writes acknowledged"));
        if let Some((out, every)) = self.lines
            && kills.is_multiple_of(every)
        {
            out.say(format!("{kills} kills, {acked} writes acknowledged"));
        }
    }

    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

/// All rounds together.
#[derive(Debug, Default)]
pub(super) struct Total {
    pub(super) rounds: u64,
    pub(super) kills: u64,
    pub(super) findings: Vec<Finding>,
    /// Where the round that broke a promise lies.
    pub(super) kept: Option<PathBuf>,
    seed: u64,
    first_failure: Option<u64>,
    recoveries: Vec<u64>,
    counts: BTreeMap<&'static str, u64>,
}

impl Total {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.rounds += 1;
        self.kills += outcome.kills;
        let effects = outcome.effects;
        for (name, count) in [
            ("asked", outcome.asked),
            ("acked", outcome.acked),
            ("repeated", outcome.repeated),
            ("refused", outcome.refused),
            ("facts", outcome.facts),
            ("runs", outcome.runs),
            ("plans", outcome.plans),
            ("approvals", outcome.approvals),
            ("board_tasks", outcome.boards),
            ("model_answers", outcome.thoughts),
            ("model_answers_lost", outcome.lost),
            ("ruled", outcome.ruled),
            ("gathered", outcome.gathered),
            ("digests", outcome.digests),
            ("attempts", effects.attempts),
            ("effects", effects.effects),
            ("plain_hits", effects.plain_hits),
            ("plain_again", effects.plain_again),
            ("unknown", effects.unknown),
            ("resolved", effects.resolved),
            ("endpoint_attempts", effects.endpoint_attempts),
            ("endpoint_effects", effects.endpoint_effects),
            ("backups", usize::try_from(outcome.backups).unwrap_or(0)),
            ("sagas_undone", outcome.undone),
            ("batches", outcome.batches),
            ("plans_that_waited", outcome.waits),
            ("plans_in_plans", outcome.nests),
            ("schedule_times", outcome.beats),
            ("restarts", outcome.restarts),
            ("supervisors_failed", outcome.drills),
        ] {
            *self.counts.entry(name).or_default() += count as u64;
        }
        self.recoveries.extend(outcome.recoveries);
        if !outcome.findings.is_empty() {
            self.first_failure.get_or_insert(self.kills.max(1));
        }
        self.findings.extend(outcome.findings);
    }

    fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }

    fn json(&self, took: Duration) -> Value {
        let mut extra = serde_json::Map::new();
        extra.extend(
            self.counts
                .iter()
                .map(|(name, count)| ((*name).to_owned(), json!(count))),
        );
        extra.insert("rounds".into(), json!(self.rounds));
        extra.insert(
            "recoveries_ms_p50".into(),
            json!(percentile(&self.recoveries, 50)),
        );
        extra.insert(
            "recoveries_ms_p99".into(),
            json!(percentile(&self.recoveries, 99)),
        );
        extra.insert("seconds".into(), json!(took.as_secs()));
        let by_check: BTreeMap<&str, usize> = self.by_check();
        if !by_check.is_empty() {
            extra.insert("findings".into(), json!(by_check));
        }
        json!({
            "n": self.kills,
            "failures": self.findings.len(),
            "seed_from": self.seed,
            "seed_to": self.seed + self.rounds.saturating_sub(1),
            "first_failure": self.first_failure,
            "extra": extra,
        })
    }

    fn by_check(&self) -> BTreeMap<&'static str, usize> {
        let mut by_check = BTreeMap::new();
        for finding in &self.findings {
            *by_check.entry(finding.check).or_default() += 1;
        }
        by_check
    }

    /// Findings on standard error, the table or the JSON on standard output.
    pub(super) fn show(&self, out: &Out, took: Duration) {
        for (check, count) in self.by_check() {
            out.note(format!("{check}: {count}"));
            let own = self
                .findings
                .iter()
                .filter(|finding| finding.check == check);
            for finding in own.take(SHOWN_MAX) {
                out.note(format!("  {}", finding.what));
            }
        }
        if let Some(kept) = &self.kept {
            out.note(format!("everything is kept in {}", kept.display()));
        }
        if out.json {
            out.line(self.json(took).to_string());
            return;
        }
        let rows = self
            .rows(took)
            .into_iter()
            .map(|(what, found)| vec![what.to_owned(), found]);
        out.table(&["what", "found"], &rows.collect::<Vec<_>>());
    }

    fn rows(&self, took: Duration) -> Vec<(&'static str, String)> {
        let n = |name: &str| self.count(name).to_string();
        let percentile = |share| percentile(&self.recoveries, share).unwrap_or_default();
        vec![
            ("kills", self.kills.to_string()),
            ("promises broken", self.findings.len().to_string()),
            (
                "writes acknowledged",
                format!("{} of {}", n("acked"), n("asked")),
            ),
            ("writes repeated after a crash", n("repeated")),
            ("writes refused", n("refused")),
            (
                "runs, plans, approvals",
                format!("{}, {}, {}", n("runs"), n("plans"), n("approvals")),
            ),
            (
                "sagas undone, batches",
                format!("{}, {}", n("sagas_undone"), n("batches")),
            ),
            (
                "plans that waited, plans in plans",
                format!("{}, {}", n("plans_that_waited"), n("plans_in_plans")),
            ),
            ("times of a schedule", n("schedule_times")),
            (
                "restarts",
                format!(
                    "{} of agents, {} supervisors failed",
                    n("restarts"),
                    n("supervisors_failed")
                ),
            ),
            (
                "tasks of the board",
                format!(
                    "{}, {} questions answered by rules",
                    n("board_tasks"),
                    n("ruled")
                ),
            ),
            (
                "answers of a model",
                format!("{}, {} lost", n("model_answers"), n("model_answers_lost")),
            ),
            (
                "notices",
                format!("{} gathered, {} digests", n("gathered"), n("digests")),
            ),
            ("facts", n("facts")),
            (
                "calls with a key",
                format!("{} attempts, {} effects", n("attempts"), n("effects")),
            ),
            (
                "calls without a key",
                format!(
                    "{} made, {} again as a person said",
                    n("plain_hits"),
                    n("plain_again")
                ),
            ),
            (
                "events at an endpoint",
                format!(
                    "{} attempts, {} effects",
                    n("endpoint_attempts"),
                    n("endpoint_effects")
                ),
            ),
            (
                "outcomes nobody knows",
                format!(
                    "{} left to a person, {} decided",
                    n("unknown"),
                    n("resolved")
                ),
            ),
            ("backups restored", n("backups")),
            (
                "start to first answer",
                format!("{} ms (p99 {} ms)", percentile(50), percentile(99)),
            ),
            ("time", format!("{} s", took.as_secs())),
        ]
    }
}

/// The value that so many out of a hundred are at most.
fn percentile(values: &[u64], share: usize) -> Option<u64> {
    let mut values = values.to_vec();
    values.sort_unstable();
    let at = (values.len() * share).div_ceil(100).saturating_sub(1);
    values.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&values, 50), Some(50));
        assert_eq!(percentile(&values, 99), Some(99));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn the_json_is_what_evidence_is_made_of() {
        let mut total = Total::new(7);
        total.add(Outcome {
            kills: 50,
            acked: 9,
            recoveries: vec![3, 5],
            ..Outcome::default()
        });
        let healthy = total.json(Duration::from_secs(2));
        assert_eq!(
            (&healthy["n"], &healthy["failures"]),
            (&json!(50), &json!(0))
        );
        assert_eq!(
            (&healthy["seed_from"], &healthy["seed_to"]),
            (&json!(7), &json!(7))
        );
        assert!(healthy["first_failure"].is_null());
        let finding = Finding {
            check: "once",
            what: "twice".into(),
        };
        total.add(Outcome {
            kills: 30,
            acked: 1,
            findings: vec![finding],
            ..Outcome::default()
        });
        let broken = total.json(Duration::from_secs(2));
        assert_eq!((&broken["n"], &broken["failures"]), (&json!(80), &json!(1)));
        assert_eq!(
            (&broken["first_failure"], &broken["seed_to"]),
            (&json!(80), &json!(8))
        );
        assert_eq!(broken["extra"]["acked"], 10);
        assert_eq!(broken["extra"]["recoveries_ms_p50"], 3);
        assert_eq!(broken["extra"]["findings"]["once"], 1);
    }
}
