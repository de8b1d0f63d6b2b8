//! `naos-sim`: plays seeds and says which broke what.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use naos_sim::{Report, SCENARIOS, run};

/// As in the product; a quarter of the time went into the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "naos-sim --seeds N [--from S] [--json] [--kinds] | --seed X [--trace] [--json]

  --seeds N   plays N seeds (default 100)
  --from S    the first of them (default 0)
  --seed X    plays one seed
  --trace     prints what happens in it
  --twice K   plays every K-th seed twice and compares the bytes
  --kinds     counts the facts by their kind
  --json      closes with one line of JSON";

/// From so many seeds on, a scenario that never happened fails the run.
const ENOUGH_SEEDS: u64 = 100;

/// What is asked for.
#[derive(Default)]
struct Asked {
    seeds: Option<u64>,
    from: u64,
    seed: Option<u64>,
    trace: bool,
    twice: Option<u64>,
    kinds: bool,
    json: bool,
}

/// The sum over all seeds.
#[derive(Default)]
struct Sum {
    played: u64,
    failures: u64,
    first_failure: Option<u64>,
    simulated_ms: u64,
    crashes: u64,
    commits: u64,
    commit_faults: u64,
    facts: u64,
    commands: u64,
    requests: u64,
    steps: u64,
    kinds: BTreeMap<String, u64>,
    met: BTreeMap<&'static str, u64>,
}

fn main() -> ExitCode {
    let asked = match read_arguments(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("naos-sim: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // A planted bug that was seen is caught: the seeds after it would say nothing more.
    #[cfg(feature = "planted-bugs")]
    let until_failure = std::env::var("NAOS_PLANTED_BUG")
        .inspect(|bug| naos_kernel::planted::set(bug))
        .is_ok();
    #[cfg(not(feature = "planted-bugs"))]
    let until_failure = false;
    let (from, to) = match asked.seed {
        Some(seed) => (seed, seed.saturating_add(1)),
        None => (
            asked.from,
            asked.from.saturating_add(asked.seeds.unwrap_or(100)),
        ),
    };
    let mut sum = Sum::default();
    let next = AtomicU64::new(from);
    let (told, reports) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        // A seed is a world of its own: as many are played at once as there are processors.
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (told, next, asked) = (told.clone(), &next, &asked);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= to || told.send(play(seed, asked)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(told);
        for report in reports {
            sum.add(&report);
            tell(&report, &sum, to - from);
            if until_failure && sum.failures > 0 {
                next.store(to, Ordering::Relaxed);
            }
        }
    });
    sum.close(&asked, from, to);
    let missed = sum.missed();
    if !missed.is_empty() {
        eprintln!(
            "naos-sim: never happened in {} seeds: {}",
            sum.played,
            missed.join(", ")
        );
    }
    if sum.failures == 0 && missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read_arguments(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked::default();
    while let Some(word) = words.next() {
        let mut number = || {
            let given = words
                .next()
                .ok_or_else(|| format!("{word} needs a number"))?;
            given
                .parse::<u64>()
                .map_err(|_| format!("{word} needs a number, not {given:?}"))
        };
        match word.as_str() {
            "--seeds" => asked.seeds = Some(number()?),
            "--from" => asked.from = number()?,
            "--seed" => asked.seed = Some(number()?),
            "--trace" => asked.trace = true,
            "--twice" => asked.twice = Some(number()?.max(1)),
            "--kinds" => asked.kinds = true,
            "--json" => asked.json = true,
            _ => return Err(format!("there is no option {word:?}")),
        }
    }
    Ok(asked)
}

impl Asked {
    /// Whether this seed is played twice.
    fn again(&self, seed: u64) -> bool {
        self.twice.is_some_and(|each| seed.is_multiple_of(each))
    }
}

fn play(seed: u64, asked: &Asked) -> Report {
    let mut report = run(seed, asked.trace);
    if asked.again(seed) && run(seed, false) != report {
        report
            .violations
            .push("a seed gives the same bytes: played twice, it differed".into());
    }
    report
}

fn tell(report: &Report, sum: &Sum, count: u64) {
    let seed = report.seed;
    if !report.violations.is_empty() {
        eprintln!("seed {seed} failed; replay it with: naos-sim --seed {seed} --trace");
        for violation in &report.violations {
            eprintln!("  {violation}");
        }
    }
    if std::io::stderr().is_terminal() && sum.played.is_multiple_of(10) {
        eprint!("\r{} of {count} seeds, {} failed", sum.played, sum.failures);
        let _ = std::io::stderr().flush();
    }
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.played += 1;
        if !report.violations.is_empty() {
            self.failures += 1;
            let first = self
                .first_failure
                .map_or(report.seed, |seed| seed.min(report.seed));
            self.first_failure = Some(first);
        }
        self.simulated_ms += report.simulated_ms;
        self.crashes += report.crashes;
        self.commits += report.commits;
        self.commit_faults += report.commit_faults;
        self.facts += report.facts;
        self.commands += report.commands;
        self.requests += report.requests;
        self.steps += report.steps;
        for (kind, count) in &report.kinds {
            *self.kinds.entry(kind.clone()).or_default() += count;
        }
        for (name, count) in &report.met {
            *self.met.entry(name).or_default() += count;
        }
    }

    /// What never happened, where there were enough seeds for all of it.
    fn missed(&self) -> Vec<&'static str> {
        let happened = |name: &str| self.met.get(name).is_some_and(|count| *count > 0);
        let enough = self.played >= ENOUGH_SEEDS;
        let names = SCENARIOS.iter().filter(|name| enough && !happened(name));
        names.copied().collect()
    }

    fn close(&self, asked: &Asked, from: u64, to: u64) {
        if asked.kinds {
            for (kind, count) in &self.kinds {
                println!("{count:>9} {kind}");
            }
        }
        let hours = self.simulated_ms as f64 / 3_600_000.0;
        if asked.json {
            let line = serde_json::json!({
                "n": self.played,
                "failures": self.failures,
                "seed_from": from,
                "seed_to": to.saturating_sub(1),
                // After how many tries, and not which seed.
                "first_failure": self.first_failure.map(|seed| seed - from + 1),
                "extra": {
                    "simulated_hours": (hours * 10.0).round() / 10.0,
                    "played_twice": (from..to).filter(|seed| asked.again(*seed)).count(),
                    "crashes": self.crashes,
                    "commits": self.commits,
                    "commit_faults": self.commit_faults,
                    "facts": self.facts,
                    "commands": self.commands,
                    "requests": self.requests,
                    "steps": self.steps,
                    "scenarios": self.met,
                },
            });
            println!("{line}");
        } else {
            println!(
                "{} seeds, {} failed: {hours:.1} simulated hours, {} crashes, {} commits \
                 ({} failed), {} facts",
                self.played,
                self.failures,
                self.crashes,
                self.commits,
                self.commit_faults,
                self.facts
            );
            for name in SCENARIOS {
                println!("{:>9} {name}", self.met.get(name).unwrap_or(&0));
            }
        }
    }
}
