//! Benchmarks: ratios taken in one run against a named limit of this machine.
//!
//! `cargo run --release -p naos-bench -- facts`    synced facts per second, in process
//! `cargo run --release -p naos-bench -- verify`   opening a directory, proving a journal
//! Prints one line a figure: ours, the limit's, the ratio, and the goal beside it. Never asserts:
//! a miss is printed as a miss.

mod facts;
mod limit;
mod verify;

fn main() {
    let what = std::env::args().nth(1).unwrap_or_else(|| "all".into());
    let all = what == "all";
    let mut known = all;
    if all || what == "facts" {
        facts::run();
        known = true;
    }
    if all || what == "verify" {
        verify::run();
        known = true;
    }
    if !known {
        eprintln!("there is no benchmark {what}: facts, verify, all");
        std::process::exit(2);
    }
}

/// One figure: higher ratios are better unless `at_most`.
pub fn show(name: &str, ours: f64, limit: f64, goal: f64, at_most: bool, unit: &str) {
    let ratio = ours / limit;
    let met = if at_most {
        ratio <= goal
    } else {
        ratio >= goal
    };
    let (sign, word) = (
        if at_most { "≤" } else { "≥" },
        if met { "met" } else { "MISSED" },
    );
    println!(
        "{name:<44} {ours:>12.1} {unit:<8} limit {limit:>12.1}  ratio {ratio:>6.2} \
         ({sign} {goal}: {word})"
    );
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
