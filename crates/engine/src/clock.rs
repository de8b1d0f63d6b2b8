//! The only place that knows what time it is.

use naos_types::Time;

/// What time it is, in UTC.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Time(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}

/// A point on a clock that never jumps: for measuring how long something took.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn tick() -> std::time::Instant {
    std::time::Instant::now()
}
