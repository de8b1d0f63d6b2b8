//! `Retry-After`, as receivers say it: RFC 9110, section 10.2.3.

use std::time::Duration;

use naos_types::Time;

/// When somebody may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So much later.
    In(Duration),
    /// At this time.
    At(Time),
}

impl RetryAfter {
    /// What a `Retry-After` header says: seconds, or a date of HTTP.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Self::In(Duration::from_secs(seconds)));
        }
        let at = httpdate::parse_http_date(text).ok()?;
        let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Self::At(Time(i64::try_from(since.as_millis()).ok()?)))
    }

    /// What a `Retry-After-Ms` header says.
    #[must_use]
    pub fn parse_ms(text: &str) -> Option<Self> {
        let ms = text.trim().parse::<u64>().ok()?;
        Some(Self::In(Duration::from_millis(ms)))
    }

    /// How long it is until then.
    #[must_use]
    pub fn wait(self, now: Time) -> Duration {
        match self {
            Self::In(wait) => wait,
            Self::At(at) => {
                let ms = at.0.saturating_sub(now.0);
                Duration::from_millis(u64::try_from(ms).unwrap_or(0))
            }
        }
    }
}
