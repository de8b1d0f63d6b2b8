//! How often and how soon what failed is tried again.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Span;

/// How much chance adds to a pause where nothing is said, in percent of it.
pub const JITTER_PERCENT: u32 = 25;
/// The most that chance may add, in percent.
pub const JITTER_PERCENT_MAX: u32 = 100;
/// In bytes the factor and the chance share a number: the chance stands above this many bits.
const FACTOR_BITS: u32 = 16;
const FACTOR_MAX: u32 = (1 << FACTOR_BITS) - 1;

/// How often and how soon a failed step is tried again: `wait × factor^(attempt − 1)`, at most
/// `wait_max`, with up to `jitter_percent` of it added by chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many attempts in all, the first one included.
    pub attempts_max: u32,
    /// The pause before the second attempt.
    pub wait: Span,
    /// What each further pause is multiplied by, in tenths: 20 doubles.
    pub factor_tenths: u32,
    /// The longest pause.
    pub wait_max: Span,
    /// How much chance adds to a pause at most, in percent of it: [`JITTER_PERCENT`] where nothing
    /// is said, at most [`JITTER_PERCENT_MAX`].
    pub jitter_percent: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 1,
            wait: Span(500),
            factor_tenths: 20,
            wait_max: Span::secs(60),
            jitter_percent: JITTER_PERCENT,
        }
    }
}

/// As it is written in JSON.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Said {
    attempts_max: u32,
    wait: Span,
    factor_tenths: u32,
    wait_max: Span,
    #[serde(skip_serializing_if = "is_usual")]
    jitter_percent: u32,
}

const fn is_usual(jitter: &u32) -> bool {
    *jitter == JITTER_PERCENT
}

impl Default for Said {
    fn default() -> Self {
        RetryPolicy::default().into()
    }
}

impl From<RetryPolicy> for Said {
    fn from(policy: RetryPolicy) -> Self {
        let RetryPolicy {
            attempts_max,
            wait,
            factor_tenths,
            wait_max,
            jitter_percent,
        } = policy;
        Self {
            attempts_max,
            wait,
            factor_tenths,
            wait_max,
            jitter_percent,
        }
    }
}

/// As it is laid out in bytes: as it was while the chance was always the usual one, which is 0
/// above the factor; any other stands there and one more.
#[derive(Serialize, Deserialize)]
struct Laid {
    attempts_max: u32,
    wait: Span,
    factor: u32,
    wait_max: Span,
}

impl Serialize for RetryPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return Said::from(self.clone()).serialize(serializer);
        }
        let chance = match self.jitter_percent {
            JITTER_PERCENT => 0,
            other => other.min(JITTER_PERCENT_MAX) + 1,
        };
        let laid = Laid {
            attempts_max: self.attempts_max,
            wait: self.wait,
            factor: self.factor_tenths.min(FACTOR_MAX) | (chance << FACTOR_BITS),
            wait_max: self.wait_max,
        };
        laid.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RetryPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let said = Said::deserialize(deserializer)?;
            return Ok(Self {
                attempts_max: said.attempts_max,
                wait: said.wait,
                factor_tenths: said.factor_tenths,
                wait_max: said.wait_max,
                jitter_percent: said.jitter_percent.min(JITTER_PERCENT_MAX),
            });
        }
        let laid = Laid::deserialize(deserializer)?;
        let chance = (laid.factor >> FACTOR_BITS).checked_sub(1);
        Ok(Self {
            attempts_max: laid.attempts_max,
            wait: laid.wait,
            factor_tenths: laid.factor & FACTOR_MAX,
            wait_max: laid.wait_max,
            jitter_percent: chance.map_or(JITTER_PERCENT, |it| it.min(JITTER_PERCENT_MAX)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(jitter_percent: u32) -> RetryPolicy {
        RetryPolicy {
            attempts_max: 3,
            factor_tenths: 100,
            jitter_percent,
            ..RetryPolicy::default()
        }
    }

    /// What was written before there was anything to say about chance.
    #[test]
    fn the_usual_is_laid_out_as_it_was() {
        let before = (3_u32, Span(500), 100_u32, Span::secs(60));
        let bytes = postcard::to_stdvec(&before).unwrap();
        assert_eq!(postcard::to_stdvec(&with(JITTER_PERCENT)).unwrap(), bytes);
        let read: RetryPolicy = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read, with(JITTER_PERCENT));
        let json = serde_json::to_value(with(JITTER_PERCENT)).unwrap();
        assert_eq!(json.get("jitter_percent"), None);
        assert_eq!(
            serde_json::from_str::<RetryPolicy>("{}").unwrap(),
            RetryPolicy::default()
        );
    }

    #[test]
    fn any_other_is_read_back() {
        for percent in [0, 1, 24, 26, 100] {
            let policy = with(percent);
            let bytes = postcard::to_stdvec(&policy).unwrap();
            assert_eq!(
                postcard::from_bytes::<RetryPolicy>(&bytes),
                Ok(policy.clone())
            );
            let json = serde_json::to_string(&policy).unwrap();
            assert_eq!(serde_json::from_str::<RetryPolicy>(&json).unwrap(), policy);
        }
    }
}
