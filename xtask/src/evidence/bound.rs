//! How bad it may still be: the upper end of what n tries with k failures allow, at 95 %.

const BISECTIONS: u32 = 200;
const RISK: f64 = 0.05;

/// Zero failures: the rule of three. Else the exact (Clopper–Pearson) one-sided bound.
pub fn upper95(failures: u64, n: u64) -> f64 {
    if n == 0 || failures >= n {
        return 1.0;
    }
    if failures == 0 {
        return (3.0 / n as f64).min(1.0);
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if at_most(failures, n, middle) > RISK {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The chance of at most `k` failures in `n` tries that fail with chance `p` each.
fn at_most(k: u64, n: u64, p: f64) -> f64 {
    let (ln_fail, ln_pass) = (p.ln(), (-p).ln_1p());
    let mut ln_ways = 0.0_f64;
    let mut sum = 0.0_f64;
    for failures in 0..=k {
        let (failed, passed) = (failures as f64, (n - failures) as f64);
        sum += (ln_ways + failed * ln_fail + passed * ln_pass).exp();
        ln_ways += (passed / (failed + 1.0)).ln();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64) {
        assert!(
            (got - want).abs() < 1e-4 * want.max(1e-3),
            "got {got}, want {want}"
        );
    }

    #[test]
    fn no_failure_is_the_rule_of_three() {
        near(upper95(0, 300), 0.01);
        near(upper95(0, 10_000), 0.0003);
        near(upper95(0, 2), 1.0);
    }

    #[test]
    fn failures_match_the_printed_tables() {
        // Beta quantiles, as any statistics package gives them.
        near(upper95(1, 10), 0.394_163);
        near(upper95(2, 20), 0.282_619);
        near(upper95(5, 100), 0.102_253);
        near(upper95(1, 1_000_000), 4.743_86e-6);
    }

    #[test]
    fn the_bound_covers_what_was_seen() {
        for (failures, n) in [
            (1, 2),
            (1, 1_000),
            (50, 100),
            (99, 100),
            (100_000, 1_000_000),
        ] {
            let bound = upper95(failures, n);
            assert!(
                bound > failures as f64 / n as f64 && bound <= 1.0,
                "{failures} of {n}: {bound}"
            );
            near(at_most(failures, n, bound), RISK);
        }
    }

    #[test]
    fn edges() {
        near(upper95(0, 0), 1.0);
        near(upper95(10, 10), 1.0);
    }
}
