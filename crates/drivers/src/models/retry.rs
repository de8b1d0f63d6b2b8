//! Whether a call that failed is worth another attempt, and when. Pure: the time and the die are
//! the caller's, and so is the waiting.

use std::time::Duration;

use naos_types::Time;

use super::error::{Billed, Broken, Error, Failure, RetryAfter};

/// How often, and how patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all.
    pub attempts_max: u32,
    /// The longest wait after the first attempt; it doubles with each.
    pub first: Duration,
    /// The longest wait that naos chooses.
    pub wait_max: Duration,
    /// The longest wait that a provider may ask for. Beyond it another model is the better
    /// choice.
    pub retry_after_max: Duration,
    /// Also after a call that the provider may want money for: each attempt then is paid for.
    pub after_billed: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            first: Duration::from_millis(500),
            wait_max: Duration::from_secs(20),
            retry_after_max: Duration::from_secs(60),
            after_billed: true,
        }
    }
}

/// How long to wait before the next attempt; none if there is no use in one. `attempt` counts
/// from 1, and any number is a throw of the die.
#[must_use]
pub fn next(
    error: &Error,
    attempt: u32,
    policy: &Policy,
    now: Time,
    dice: u64,
) -> Option<Duration> {
    if attempt >= policy.attempts_max || !is_passing(&error.failure) {
        return None;
    }
    if error.billed == Billed::Maybe && !policy.after_billed {
        return None;
    }
    let doublings = attempt.saturating_sub(1).min(20);
    let most = policy
        .first
        .saturating_mul(1 << doublings)
        .min(policy.wait_max);
    match asked(&error.failure) {
        // Not all at once: whoever was refused with us was told the same.
        Some(asked) => {
            let asked = asked.wait(now);
            (asked <= policy.retry_after_max).then(|| asked + part(policy.first, dice))
        }
        // Between half of it and all of it.
        None => Some(most / 2 + part(most / 2, dice)),
    }
}

fn part(whole: Duration, dice: u64) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX - 1);
    Duration::from_millis(dice % (millis.saturating_add(1)))
}

const fn asked(failure: &Failure) -> Option<RetryAfter> {
    match failure {
        Failure::RateLimited { retry_after, .. } | Failure::Overloaded { retry_after, .. } => {
            *retry_after
        }
        _ => None,
    }
}

/// Whether it may go well another time.
const fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::RateLimited { .. }
        | Failure::Overloaded { .. }
        | Failure::Unreachable { .. }
        | Failure::Timeout { .. } => true,
        Failure::Broken(broken) => !matches!(broken, Broken::Usage(_) | Broken::Endless { .. }),
        Failure::Refused { .. }
        | Failure::BadRequest { .. }
        | Failure::ContextTooLong { .. }
        | Failure::ContentFiltered { .. }
        | Failure::Forbidden { .. }
        | Failure::TooLarge { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_000_000);

    fn limited(retry_after: Option<RetryAfter>) -> Failure {
        let said = String::new();
        Failure::RateLimited { retry_after, said }
    }

    fn wait(failure: Failure, attempt: u32, dice: u64) -> Option<u128> {
        let wait = next(
            &Error::free(failure),
            attempt,
            &Policy::default(),
            NOW,
            dice,
        );
        wait.map(|wait| wait.as_millis())
    }

    #[test]
    fn waits_double_and_are_spread() {
        let unreachable = || Failure::Unreachable { why: String::new() };
        assert_eq!(wait(unreachable(), 1, 0), Some(250));
        assert_eq!(wait(unreachable(), 1, 250), Some(500));
        assert_eq!(wait(unreachable(), 1, 251), Some(250));
        assert_eq!(wait(unreachable(), 3, 0), Some(1_000));
        assert_eq!(wait(unreachable(), 3, 1_000), Some(2_000));
        assert_eq!(wait(unreachable(), 4, 0), None, "the last attempt");
        let patient = Policy {
            attempts_max: u32::MAX,
            ..Policy::default()
        };
        let error = Error::free(unreachable());
        let late = next(&error, u32::MAX - 1, &patient, NOW, u64::MAX).unwrap();
        assert!(late <= patient.wait_max);
    }

    #[test]
    fn a_provider_is_asked_again_when_it_says() {
        let seconds = RetryAfter::parse(" 7 ");
        assert_eq!(wait(limited(seconds), 1, 0), Some(7_000));
        assert_eq!(wait(limited(seconds), 1, 500), Some(7_500));
        // 12 seconds behind NOW, which is 1,000 seconds after 1970 began
        let date = RetryAfter::parse("Thu, 01 Jan 1970 00:16:52 GMT");
        assert_eq!(wait(limited(date), 1, 0), Some(12_000));
        let past = RetryAfter::parse("Thu, 01 Jan 1970 00:16:00 GMT");
        assert_eq!(wait(limited(past), 1, 0), Some(0));
        assert_eq!(
            wait(limited(RetryAfter::parse("61")), 1, 0),
            None,
            "too long"
        );
        assert_eq!(
            wait(limited(RetryAfter::parse_ms("1500")), 1, 0),
            Some(1_500)
        );
        for nonsense in ["", "soon", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(RetryAfter::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        let said = String::new;
        for failure in [
            Failure::Refused { said: said() },
            Failure::BadRequest { said: said() },
            Failure::ContextTooLong { said: said() },
            Failure::ContentFiltered { said: said() },
            Failure::Forbidden { why: said() },
            Failure::Broken(Broken::Usage(said())),
            Failure::Broken(Broken::Endless { events_max: 1 }),
        ] {
            assert_eq!(wait(failure.clone(), 1, 0), None, "{failure}");
        }
    }

    #[test]
    fn nobody_pays_twice_unless_they_said_so() {
        let error = Error {
            billed: Billed::Maybe,
            ..Error::free(Failure::Broken(Broken::Cut))
        };
        let mut policy = Policy::default();
        assert!(next(&error, 1, &policy, NOW, 0).is_some());
        policy.after_billed = false;
        assert_eq!(next(&error, 1, &policy, NOW, 0), None);
    }
}
