//! Points in time and spans, in milliseconds.

use serde::{Deserialize, Serialize};

/// A day, in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Time(pub i64);

/// A length of time in milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span(pub i64);

impl Span {
    /// A span of whole seconds.
    #[must_use]
    pub const fn secs(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }
}

impl Time {
    /// The start of the UTC day that holds this time.
    #[must_use]
    pub const fn day_start(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_MS))
    }

    /// The first instant of the UTC month that holds this time.
    #[must_use]
    pub fn month_start(self) -> Self {
        let (year, month, _) = self.date();
        Self(days_from_civil(year, month, 1) * DAY_MS)
    }

    /// Year, month and day in UTC (proleptic Gregorian calendar).
    #[must_use]
    pub const fn date(self) -> (i64, i64, i64) {
        // Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days
        let days = self.0.div_euclid(DAY_MS) + 719_468;
        let era = days.div_euclid(146_097);
        let doe = days.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        (yoe + era * 400 + (month <= 2) as i64, month, day)
    }

    /// `2025-01-15 10:30:01`, in UTC: the form of the audit log.
    #[must_use]
    pub fn audit_text(self) -> String {
        let (year, month, day) = self.date();
        let second = self.0.rem_euclid(DAY_MS) / 1_000;
        let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}")
    }

    /// Reads a time with its offset as RFC 3339 has it, or a date: the midnight in UTC that it
    /// begins with. None for anything else, a day that isn't in the calendar too.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_at_checked(10)? {
            (date, "") => (date, None),
            (date, time) => (date, Some(time)),
        };
        let number = |text: &str| -> Option<i64> {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let part = |text: &str, from: usize, to: usize| number(text.get(from..to)?);
        let (year, month, day) = (part(date, 0, 4)?, part(date, 5, 7)?, part(date, 8, 10)?);
        let dashes = date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-';
        let days = days_from_civil(year, month, day);
        let midnight = Self(days * DAY_MS);
        if !dashes || midnight.date() != (year, month, day) {
            return None;
        }
        let Some(time) = time else {
            return Some(midnight);
        };
        let (hour, minute, second) = (part(time, 1, 3)?, part(time, 4, 6)?, part(time, 7, 9)?);
        let bytes = time.as_bytes();
        let colons = matches!(bytes[0], b'T' | b't' | b' ') && bytes[3] == b':' && bytes[6] == b':';
        if !colons || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut rest = &time[9..];
        let mut millis = 0;
        if let Some(fraction) = rest.strip_prefix('.') {
            let end = fraction.find(|c: char| !c.is_ascii_digit())?;
            let digits: String = fraction[..end]
                .chars()
                .chain("000".chars())
                .take(3)
                .collect();
            millis = number(&digits).filter(|_| end > 0)?;
            rest = &fraction[end..];
        }
        let offset = match rest {
            "Z" | "z" => 0,
            _ => {
                let sign = match rest.as_bytes().first()? {
                    b'+' => 1,
                    b'-' => -1,
                    _ => return None,
                };
                let (hours, minutes) = (part(rest, 1, 3)?, part(rest, 4, 6)?);
                let whole = rest.len() == 6 && rest.as_bytes()[3] == b':';
                if !whole || hours > 23 || minutes > 59 {
                    return None;
                }
                sign * (hours * 60 + minutes)
            }
        };
        let seconds = (hour * 60 + minute - offset) * 60 + second;
        Some(Self(midnight.0 + seconds * 1_000 + millis))
    }

    /// `2025-01-15T10:30:01.250Z` (RFC 3339).
    #[must_use]
    pub fn rfc3339(self) -> String {
        let text = self.audit_text().replace(' ', "T");
        format!("{text}.{:03}Z", self.0.rem_euclid(1_000))
    }
}

const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

impl std::ops::Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl std::ops::Sub for Time {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_736_937_001_000, "2025-01-15T10:30:01.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Time(millis).rfc3339(), text);
            assert_eq!(Time::parse(text), Some(Time(millis)));
        }
        for (text, millis) in [
            ("2025-01-15", 1_736_899_200_000),
            ("2025-01-15T13:30:01+03:00", 1_736_937_001_000),
            ("2025-01-15 05:00:01.5-05:30", 1_736_937_001_500),
        ] {
            assert_eq!(Time::parse(text), Some(Time(millis)), "{text}");
        }
        for text in [
            "",
            "2025",
            "2025-02-29",
            "2025-13-01",
            "2025-01-15T10:30",
            "2025-01-15T10:30:01",
            "2025-01-15T24:00:00Z",
            "2025-01-15T10:30:01.Z",
            "2025-01-15T10:30:01+0300",
            "2025/01/15",
            "tomorrow!!",
            "2025-01-1é",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        assert_eq!(
            Time(1_736_937_001_000).month_start().rfc3339(),
            "2025-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Time(1_736_937_001_000).day_start().rfc3339(),
            "2025-01-15T00:00:00.000Z"
        );
    }
}
