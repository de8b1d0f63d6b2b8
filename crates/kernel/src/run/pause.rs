//! How long what failed rests before it is tried again.

use naos_types::Span;
use naos_types::spec::RetryPolicy;

use crate::turn::Turn;

/// The pause before an attempt, `failed` of which came to nothing: grows by the policy's factor,
/// and chance adds as much as the policy lets it. The facts keep what came of it.
pub(crate) fn pause(turn: &mut Turn<'_>, policy: &RetryPolicy, failed: u32) -> Span {
    // Drawn where nothing is added, too: what else is drawn stays as it is.
    let chance = (turn.mint.next_bits() & 0xffff) as i64;
    of(policy, failed, chance)
}

/// The same for a draw from 0 to 65,535.
fn of(policy: &RetryPolicy, failed: u32, chance: i64) -> Span {
    let mut wait = policy.wait.0.max(0);
    for _ in 1..failed.min(32) {
        wait = (wait.saturating_mul(i64::from(policy.factor_tenths)) / 10).min(policy.wait_max.0);
    }
    let wait = wait.min(policy.wait_max.0);
    let percent = match crate::planted::is("jitter-ignored") {
        true => naos_types::spec::JITTER_PERCENT,
        false => policy.jitter_percent,
    };
    let most = wait.saturating_mul(i64::from(percent)) / 100;
    Span(wait.saturating_add(most.saturating_mul(chance) / 0xffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_adds_as_much_as_the_policy_lets_it() {
        for (jitter_percent, failed, chance, wanted) in [
            (25, 1, 0, 1_000),
            (25, 1, 0xffff, 1_250),
            (25, 2, 0xffff, 2_500),
            (0, 1, 0xffff, 1_000),
            (0, 3, 0xffff, 4_000),
            (100, 1, 0xffff, 2_000),
            (50, 9, 0xffff, 7_500),
        ] {
            let policy = RetryPolicy {
                wait: Span(1_000),
                factor_tenths: 20,
                wait_max: Span(5_000),
                jitter_percent,
                ..RetryPolicy::default()
            };
            let found = of(&policy, failed, chance).0;
            assert_eq!(found, wanted, "{jitter_percent} % after {failed}");
        }
    }
}
