//! Money as whole numbers.

use serde::{Deserialize, Serialize};

/// Millionths of the tenant's currency unit (US dollars unless set): $1 is 1,000,000.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Micros(pub u64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole cents.
    #[must_use]
    pub const fn cents(cents: u64) -> Self {
        Self(cents.saturating_mul(10_000))
    }

    /// The sum; stays at the largest amount instead of wrapping.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, never below zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The price of `units` at `per_million` for a million of them, rounded up.
    #[must_use]
    pub fn per_million(per_million: Self, units: u64) -> Self {
        let exact = u128::from(per_million.0) * u128::from(units);
        Self(u64::try_from(exact.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

impl std::fmt::Display for Micros {
    /// `$0.05`, `$0.000125`: at least two decimals, at most six.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let digits = format!("{part:06}");
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "${whole}.{}", &digits[..kept])
    }
}

/// How long a budget lasts before it is full again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From 00:00 to 24:00 UTC.
    Day,
    /// From the first of the month, 00:00 UTC.
    Month,
    /// Never full again.
    Total,
}

impl Period {
    /// The start of the window of this period that holds `now`.
    #[must_use]
    pub fn window(self, now: crate::Time) -> crate::Time {
        match self {
            Self::Day => now.day_start(),
            Self::Month => now.month_start(),
            Self::Total => crate::Time(0),
        }
    }

    /// When the window that holds `now` ends; none where it never does.
    #[must_use]
    pub fn ends(self, now: crate::Time) -> Option<crate::Time> {
        let days = |days: i64| crate::Span(days * crate::DAY_MS);
        match self {
            Self::Day => Some(now.day_start() + days(1)),
            Self::Month => Some((now.month_start() + days(31)).month_start()),
            Self::Total => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_where_the_next_begins() {
        let at = |text: &str| crate::Time::parse(text).unwrap();
        for (period, now, ends) in [
            (
                Period::Day,
                "2026-11-29T10:00:00Z",
                Some("2026-11-30T00:00:00Z"),
            ),
            (
                Period::Day,
                "2026-12-31T00:00:00Z",
                Some("2027-01-01T00:00:00Z"),
            ),
            (
                Period::Month,
                "2026-02-28T23:59:59Z",
                Some("2026-03-01T00:00:00Z"),
            ),
            (
                Period::Month,
                "2026-12-01T00:00:00Z",
                Some("2027-01-01T00:00:00Z"),
            ),
            (Period::Total, "2026-12-01T00:00:00Z", None),
        ] {
            assert_eq!(period.ends(at(now)), ends.map(at), "{period:?} {now}");
        }
    }

    #[test]
    fn money_reads_as_money() {
        for (micros, text) in [
            (0, "$0.00"),
            (50_000, "$0.05"),
            (125, "$0.000125"),
            (10_100_000, "$10.10"),
        ] {
            assert_eq!(Micros(micros).to_string(), text);
        }
        assert_eq!(Micros::per_million(Micros(3), 1), Micros(1), "rounds up");
        assert_eq!(Micros::per_million(Micros(3), 1_000_000), Micros(3));
    }
}
