//! What a benchmark found: figures beside the limits of the same run.

use serde_json::{Value, json};

/// What we want of a figure. A miss is printed as a miss, never asserted.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Ours is at least so many times the limit.
    RatioAtLeast(f64),
    /// Ours is at most so many times the limit.
    RatioAtMost(f64),
    /// Ours is at most this.
    AtMost(f64),
    /// Ours is at least this.
    AtLeast(f64),
    /// Only reported.
    Reported,
}

impl Goal {
    fn met(self, ours: f64, ratio: f64) -> Option<bool> {
        match self {
            Self::RatioAtLeast(goal) => Some(ratio >= goal),
            Self::RatioAtMost(goal) => Some(ratio <= goal),
            Self::AtMost(goal) => Some(ours <= goal),
            Self::AtLeast(goal) => Some(ours >= goal),
            Self::Reported => None,
        }
    }

    fn words(self) -> String {
        match self {
            Self::RatioAtLeast(goal) => format!("ratio ≥ {goal}"),
            Self::RatioAtMost(goal) => format!("ratio ≤ {goal}"),
            Self::AtMost(goal) => format!("≤ {goal}"),
            Self::AtLeast(goal) => format!("≥ {goal}"),
            Self::Reported => "reported".to_owned(),
        }
    }
}

/// One figure: ours and the limit's, from slices that took turns.
#[derive(Clone, Debug)]
pub struct Figure {
    name: String,
    unit: &'static str,
    ours: f64,
    limit: f64,
    /// Lowest and highest ratio of all slices.
    range: (f64, f64),
    limit_name: &'static str,
    goal: Goal,
    /// How often each made its files durable for one of what is counted, where that was counted.
    syncs: Option<[Option<f64>; 2]>,
}

/// All figures of a run, and what they rest on.
#[derive(Debug, Default)]
pub struct Board {
    figures: Vec<Figure>,
    /// How often something was tried: requests, calls, starts.
    n: u64,
    /// How often it didn't answer as it should.
    failures: u64,
    notes: Vec<String>,
    /// First and last seed, where chance is drawn from some.
    seeds: Option<(u64, u64)>,
    /// After how many tries the first failure was seen.
    first_failure: Option<u64>,
    /// What else is published, by name.
    more: serde_json::Map<String, Value>,
}

impl Board {
    /// The slice with the median ratio stands for all.
    pub fn figure(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        limit_name: &'static str,
        goal: Goal,
        slices: &[(f64, f64)],
    ) {
        let mut sorted = slices.to_vec();
        sorted.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
            return;
        };
        let (ours, limit) = sorted[sorted.len() / 2];
        let figure = Figure {
            name: name.into(),
            unit,
            ours,
            limit,
            range: (first.0 / first.1, last.0 / last.1),
            limit_name,
            goal,
            syncs: None,
        };
        println!("{}", figure.line());
        self.figures.push(figure);
    }

    /// The calls of fdatasync and fsync for each of what the last figure counts, ours and the
    /// limit's; none that couldn't be counted.
    pub fn syncs(&mut self, ours: Option<f64>, limit: Option<f64>) {
        let Some(figure) = self.figures.last_mut() else {
            return;
        };
        let said = |count: Option<f64>| count.map_or_else(|| "?".to_owned(), rounded);
        println!("  fdatasyncs each: {} beside {}", said(ours), said(limit));
        figure.syncs = Some([ours, limit]);
    }

    /// So many more were tried, and so many of them failed.
    pub fn tried(&mut self, n: usize, failures: usize) {
        self.n += n as u64;
        self.failures += failures as u64;
        if failures > 0 {
            self.first_failure.get_or_insert(self.n);
        }
    }

    /// What chance was drawn from.
    pub const fn seeds(&mut self, first: u64, last: u64) {
        self.seeds = Some((first, last));
    }

    /// Something else that is published.
    pub fn more(&mut self, name: &str, value: Value) {
        println!("  {name}: {value}");
        self.more.insert(name.to_owned(), value);
    }

    /// Something a reader of the figures has to know.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        println!("  note: {note}");
        self.notes.push(note);
    }

    /// The last line: what `cargo xtask evidence` reads.
    pub fn report(&self) -> Value {
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        let mut extra = self.more.clone();
        extra.insert("figures".into(), json!(figures));
        extra.insert("notes".into(), json!(self.notes));
        json!({
            "n": self.n,
            "failures": self.failures,
            "seed_from": self.seeds.map(|(first, _)| first),
            "seed_to": self.seeds.map(|(_, last)| last),
            "first_failure": self.first_failure,
            "extra": extra,
        })
    }
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.ours / self.limit
    }

    fn line(&self) -> String {
        let word = match self.goal.met(self.ours, self.ratio()) {
            Some(true) => ": met",
            Some(false) => ": MISSED",
            None => "",
        };
        format!(
            "{:<46} {:>11} {:<7} limit {:>11} ratio {:>7.3} [{:.2}–{:.2}] ({}{word}) beside {}",
            self.name,
            rounded(self.ours),
            self.unit,
            rounded(self.limit),
            self.ratio(),
            self.range.0,
            self.range.1,
            self.goal.words(),
            self.limit_name,
        )
    }

    fn json(&self) -> Value {
        let short = |value: f64| (value * 1_000.0).round() / 1_000.0;
        json!({
            "name": self.name,
            "ours": short(self.ours),
            "unit": self.unit,
            "limit": short(self.limit),
            "limit_name": self.limit_name,
            "ratio": short(self.ratio()),
            "ratio_range": [short(self.range.0), short(self.range.1)],
            "goal": self.goal.words(),
            "met": self.goal.met(self.ours, self.ratio()),
            "fdatasyncs": self.syncs.map(|both| both.map(|count| count.map(short))),
        })
    }
}

fn rounded(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.3}"),
        10.0..1_000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The value at share `p` of a sorted copy.
#[must_use]
pub fn percentile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * p).round() as usize)
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_slice_stands_for_all_and_a_miss_is_said() {
        let mut board = Board::default();
        let slices = [(9.0, 10.0), (1.0, 10.0), (4.0, 10.0)];
        board.figure("x", "/s", "the limit", Goal::RatioAtLeast(0.5), &slices);
        board.tried(3, 1);
        let report = board.report();
        let figure = &report["extra"]["figures"][0];
        assert_eq!(figure["ratio"], 0.4);
        assert_eq!(figure["ratio_range"], json!([0.1, 0.9]));
        assert_eq!(figure["met"], false);
        assert_eq!((&report["n"], &report["failures"]), (&json!(3), &json!(1)));
        assert_eq!(report["first_failure"], 3);
        assert!(report["seed_from"].is_null());
        board.seeds(1, 9);
        board.more("blocked", json!(0));
        let report = board.report();
        assert_eq!(
            (&report["seed_to"], &report["extra"]["blocked"]),
            (&json!(9), &json!(0))
        );
    }

    #[test]
    fn goals() {
        for (goal, met) in [
            (Goal::RatioAtLeast(0.5), Some(true)),
            (Goal::RatioAtMost(0.5), Some(true)),
            (Goal::AtMost(4.9), Some(false)),
            (Goal::AtLeast(5.0), Some(true)),
            (Goal::Reported, None),
        ] {
            assert_eq!(goal.met(5.0, 0.5), met, "{goal:?}");
        }
    }

    #[test]
    fn percentiles_of_few_and_none() {
        assert_eq!(percentile(&[], 0.5), 0.0);
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 0.99), 3.0);
    }
}
