//! Figures, money and times as a language writes them. Times come in as UTC milliseconds.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Locale;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Older (or further away) than this, a date says more than a distance.
const RELATIVE_MS_MAX: i64 = 7 * DAY_MS;
const MICROS_PER_UNIT: u64 = 1_000_000;
const MICROS_PER_CENT: u64 = 10_000;
/// Fewer decimals than this are never shown for money.
const MONEY_DECIMALS_MIN: usize = 2;

impl Locale {
    /// A whole number with its thousands apart.
    pub fn number(self, n: i64) -> String {
        let digits = self.grouped(n.unsigned_abs());
        if n < 0 {
            format!("−{digits}")
        } else {
            digits
        }
    }

    /// A count with its thousands apart.
    pub fn count_of(self, n: u64) -> String {
        self.grouped(n)
    }

    /// Millionths of a currency unit: two decimals from one unit on, below as many as it needs.
    pub fn money(self, micros: i64, currency: &str) -> Cow<'static, str> {
        let mut amount = micros.unsigned_abs();
        if amount >= MICROS_PER_UNIT {
            amount = (amount + MICROS_PER_CENT / 2) / MICROS_PER_CENT * MICROS_PER_CENT;
        }
        let whole = self.grouped(amount / MICROS_PER_UNIT);
        let mut decimals = format!("{:06}", amount % MICROS_PER_UNIT);
        while decimals.len() > MONEY_DECIMALS_MIN && decimals.ends_with('0') {
            decimals.pop();
        }
        let sign = if micros < 0 { "−" } else { "" };
        let amount = format!("{whole}{}{decimals}", self.0.decimal);
        let unit = match currency {
            "USD" => "$",
            "EUR" => "€",
            "MGA" => "Ar",
            other => other,
        };
        let key = if unit.chars().count() == 1 {
            "money"
        } else {
            "money-code"
        };
        self.values(key, &[("sign", sign), ("unit", unit), ("amount", &amount)])
    }

    /// A moment to the minute, in UTC and saying so.
    pub fn date_time(self, time_ms: i64) -> Cow<'static, str> {
        self.moment("date-time", time_ms)
    }

    /// The time of day alone, in UTC and saying so.
    pub fn clock(self, time_ms: i64) -> Cow<'static, str> {
        self.moment("clock", time_ms)
    }

    /// The day alone.
    pub fn date(self, time_ms: i64) -> Cow<'static, str> {
        self.moment("date", time_ms)
    }

    /// How long ago or how far ahead; the moment itself where that is more than a week.
    pub fn relative(self, time_ms: i64, now_ms: i64) -> Cow<'static, str> {
        let ahead = time_ms > now_ms;
        let distance = time_ms.saturating_sub(now_ms).saturating_abs();
        let (key, unit_ms) = match distance {
            d if d < MINUTE_MS => {
                let is_soon = ahead && d >= SECOND_MS;
                return self.t(if is_soon { "time-soon" } else { "time-now" });
            }
            d if d < HOUR_MS => (
                if ahead {
                    "time-minutes-ahead"
                } else {
                    "time-minutes"
                },
                MINUTE_MS,
            ),
            d if d < DAY_MS => (
                if ahead {
                    "time-hours-ahead"
                } else {
                    "time-hours"
                },
                HOUR_MS,
            ),
            d if d < RELATIVE_MS_MAX => (
                if ahead {
                    "time-days-ahead"
                } else {
                    "time-days"
                },
                DAY_MS,
            ),
            _ => return self.date_time(time_ms),
        };
        self.count(key, (distance / unit_ms).unsigned_abs())
    }

    /// A length of time with two figures that matter.
    pub fn duration(self, duration_ms: u64) -> Cow<'static, str> {
        const SECOND: u64 = 1_000;
        const MINUTE: u64 = 60 * SECOND;
        const HOUR: u64 = 60 * MINUTE;
        match duration_ms {
            ms if ms < SECOND => self.value("duration-ms", &ms.to_string()),
            ms if ms < MINUTE => {
                let tenths = ms / (SECOND / 10);
                let text = format!("{}{}{}", tenths / 10, self.0.decimal, tenths % 10);
                self.value("duration-s", &text)
            }
            ms if ms < HOUR => self.values(
                "duration-min",
                &[
                    ("min", &(ms / MINUTE).to_string()),
                    ("s", &format!("{:02}", ms % MINUTE / SECOND)),
                ],
            ),
            ms => self.values(
                "duration-h",
                &[
                    ("h", &self.grouped(ms / HOUR)),
                    ("min", &format!("{:02}", ms % HOUR / MINUTE)),
                ],
            ),
        }
    }

    fn moment(self, key: &str, time_ms: i64) -> Cow<'static, str> {
        let Ok(stamp) = Timestamp::from_millisecond(time_ms) else {
            return self.t("time-unknown");
        };
        let utc = stamp.to_zoned(TimeZone::UTC);
        let two = |n: i8| format!("{n:02}");
        self.values(
            key,
            &[
                ("year", &format!("{:04}", utc.year())),
                ("month", &two(utc.month())),
                ("day", &two(utc.day())),
                ("hour", &two(utc.hour())),
                ("minute", &two(utc.minute())),
            ],
        )
    }

    fn grouped(self, n: u64) -> String {
        let digits = n.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3 * self.0.group.len());
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                out.push_str(&self.0.group);
            }
            out.push(digit);
        }
        out
    }
}

/// The moment for a `datetime` attribute: whole seconds, `Z`. Empty where there is no such time.
pub fn utc_rfc3339(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms)
        .map(|stamp| stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

/// The moment as an audit line has it: `2025-01-15 10:30:01`, in UTC.
pub fn audit_stamp(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms)
        .map(|stamp| stamp.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}
