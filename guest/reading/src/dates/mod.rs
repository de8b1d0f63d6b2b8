//! Days of the calendar, and the phrases that name them in three languages.
//!
//! [`Date`] is plain arithmetic; [`find`] reads a sentence. A phrase that needs a reference day
//! ("Friday") is resolved against it, or kept as it stands when there is none.

mod names;
mod phrases;

pub(crate) use phrases::day_number;
pub use phrases::{Phrase, find};

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Of a day without leap seconds, as POSIX counts them.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// One day of the Gregorian calendar, years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// A day that exists, or none.
    #[must_use]
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// Reads `2026-10-09`, also with a time behind it.
    #[must_use]
    pub fn parse_iso(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = text.as_bytes();
        let dashed = bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let ends = bytes.get(10).is_none_or(|next| !next.is_ascii_digit());
        if !dashed || !ends || !text.is_char_boundary(10) {
            return None;
        }
        let year = text.get(..4)?.parse().ok()?;
        Self::new(
            year,
            text.get(5..7)?.parse().ok()?,
            text.get(8..10)?.parse().ok()?,
        )
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn to_days(self) -> i64 {
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468
    }

    /// The day so many days after 1970-01-01.
    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        if days.unsigned_abs() > 5_000_000 {
            return None;
        }
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let day = days.rem_euclid(146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = u32::try_from((shifted + 2) % 12 + 1).ok()?;
        let day = u32::try_from(day_of_year - (153 * shifted + 2) / 5 + 1).ok()?;
        let year = i32::try_from(year + era * 400).ok()? + i32::from(month <= 2);
        Self::new(year, month, day)
    }

    /// So many days later (or earlier).
    #[must_use]
    pub fn plus_days(self, days: i64) -> Option<Self> {
        Self::from_days(self.to_days() + days)
    }

    /// 0 for Monday to 6 for Sunday.
    #[must_use]
    pub fn weekday(self) -> i64 {
        (self.to_days() + 3).rem_euclid(7)
    }

    /// The last day of this month.
    #[must_use]
    pub fn month_end(self) -> Self {
        Self {
            day: days_in(self.year, self.month),
            ..self
        }
    }

    /// Reads a cell: ISO, or day/month/year with `/`, `.` or `-`; month first where only that
    /// makes a date, or where `month_first` says so.
    #[must_use]
    pub fn parse_numeric(text: &str, month_first: bool) -> Option<Self> {
        if !text
            .trim_start()
            .starts_with(|first: char| first.is_ascii_digit())
        {
            return None;
        }
        if let Some(date) = Self::parse_iso(text) {
            return Some(date);
        }
        let text = text.trim();
        let text = text.split_once([' ', 'T']).map_or(text, |(day, _)| day);
        let mark = ['/', '.', '-']
            .into_iter()
            .find(|&mark| text.contains(mark))?;
        let parts: Vec<&str> = text.split(mark).collect();
        let digits = |part: &&str| {
            (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if parts.len() != 3 || !parts.iter().all(digits) {
            return None;
        }
        let number = |at: usize| parts[at].parse::<u32>().ok();
        if parts[0].len() == 4 {
            return Self::new(i32::try_from(number(0)?).ok()?, number(1)?, number(2)?);
        }
        let year = full_year(parts[2])?;
        let (first, second) = (number(0)?, number(1)?);
        let day_first = || Self::new(year, second, first);
        let month_first_reading = || Self::new(year, first, second);
        if month_first {
            month_first_reading().or_else(day_first)
        } else {
            day_first().or_else(month_first_reading)
        }
    }
}

/// A year of four digits, or of two in this century.
fn full_year(text: &str) -> Option<i32> {
    match text.len() {
        4 => text.parse().ok(),
        2 => text.parse::<i32>().ok().map(|year| 2000 + year),
        _ => None,
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let malformed = || serde::de::Error::custom(format!("`{text}` is no date like 2026-10-09"));
        Self::parse_iso(&text).ok_or_else(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for days in (-700_000..800_000).step_by(97) {
            let date = Date::from_days(days).expect("within the calendar");
            assert_eq!(date.to_days(), days, "{date}");
        }
        assert_eq!(Date::new(1970, 1, 1).map(Date::to_days), Some(0));
        assert_eq!(Date::new(2026, 10, 9).map(Date::weekday), Some(4));
    }

    #[test]
    fn only_days_that_exist() {
        for (year, month, day, exists) in [
            (2024, 2, 29, true),
            (2026, 2, 29, false),
            (2000, 2, 29, true),
            (1900, 2, 29, false),
            (2026, 4, 31, false),
            (2026, 13, 1, false),
            (0, 1, 1, false),
            (2026, 1, 0, false),
        ] {
            assert_eq!(
                Date::new(year, month, day).is_some(),
                exists,
                "{year}-{month}-{day}"
            );
        }
    }

    #[test]
    fn cells_with_dates() {
        for (cell, month_first, expected) in [
            ("2026-10-09", false, Some("2026-10-09")),
            ("2026-10-09T12:00:00Z", false, Some("2026-10-09")),
            ("09/10/2026", false, Some("2026-10-09")),
            ("09/10/2026", true, Some("2026-09-10")),
            ("10/13/2026", false, Some("2026-10-13")),
            ("9.10.26", false, Some("2026-10-09")),
            ("2026/10/09", false, Some("2026-10-09")),
            ("31/02/2026", false, None),
            ("12,50", false, None),
            ("1.5.3.2", false, None),
            ("", false, None),
            ("2026-10-091", false, None),
        ] {
            let read = Date::parse_numeric(cell, month_first).map(|date| date.to_string());
            assert_eq!(read.as_deref(), expected, "{cell}");
        }
    }
}
