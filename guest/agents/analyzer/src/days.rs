//! Days in cells: in figures, in words, as a spreadsheet counts them; and what stands where a day
//! should and is none.

use naos_reading::dates::{self, Date};
use naos_reading::words::words;

/// A longer text is no day.
const WORDED_DAY_BYTES_MAX: usize = 30;
/// What a spreadsheet counts days from: its day 1 is the first of January 1900, and it takes 1900
/// for a leap year.
const COUNTED_FROM: (i32, u32, u32) = (1899, 12, 30);
/// The counts that are taken for days, from 2000 to 2050: others are amounts.
const COUNTS: std::ops::RangeInclusive<i64> = 36_526..=55_152;
/// Before this year nothing was ever paid: a program wrote down that there is no day.
const YEAR_MIN: i32 = 1901;

/// A day: in figures, or in words that are nothing else ("1 oct. 2026").
#[must_use]
pub fn day(cell: &str, month_first: bool) -> Option<Date> {
    if let Some(day) = Date::parse_numeric(cell, month_first) {
        return Some(day);
    }
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let letters = cell.bytes().any(|byte| byte.is_ascii_alphabetic());
    if !letters || !(5..=6).contains(&digits) || cell.len() > WORDED_DAY_BYTES_MAX {
        return None;
    }
    let spaced = cell.replace('-', " ");
    let words = words(&spaced);
    let found = dates::find(&spaced, &words, None);
    let whole = |it: &&dates::Phrase| it.first == 0 && it.next == words.len();
    found.first().filter(whole)?.date
}

/// The day that a spreadsheet counted ("45962"), with or without a time of day behind it.
#[must_use]
pub fn counted(cell: &str) -> Option<Date> {
    let cell = cell.trim();
    let (count, time) = cell.split_once(['.', ',']).unwrap_or((cell, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if count.len() != 5 || !digits(count) || !digits(time) {
        return None;
    }
    let count = count.parse().ok().filter(|it| COUNTS.contains(it))?;
    let (year, month, day) = COUNTED_FROM;
    Date::new(year, month, day)?.plus_days(count)
}

/// Whether a cell says in figures that there is no day: `00/00/0000`, or the first day that a
/// program knows.
#[must_use]
pub fn is_zero(cell: &str) -> bool {
    let mut digits = cell.chars().filter(char::is_ascii_digit).peekable();
    let all_zeros = digits.peek().is_some() && digits.all(|it| it == '0');
    let figures = cell.chars().all(|it| !it.is_alphabetic());
    let beginning = |day: Date| {
        let unix = Date::from_days(0) == Some(day);
        day.year < YEAR_MIN || unix
    };
    let first = || parts(cell).is_some_and(|parts| parts.contains(&"1900") && !is_real(cell));
    figures && all_zeros || day(cell, false).is_some_and(beginning) || first()
}

fn is_real(cell: &str) -> bool {
    day(cell, false).is_some()
}

/// The three figures of what is written like a day, whether there is such a day or not.
fn parts(cell: &str) -> Option<[&str; 3]> {
    let cell = cell.trim();
    let cell = cell.split_once([' ', 'T']).map_or(cell, |(day, _)| day);
    let parts: Vec<&str> = cell.split(['/', '.', '-']).collect();
    let parts: [&str; 3] = parts.try_into().ok()?;
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    parts.iter().all(digits).then_some(parts)
}

/// Whether a cell is written like a day, whether there is such a day or not.
#[must_use]
pub fn is_like_one(cell: &str) -> bool {
    parts(cell).is_some_and(|parts| {
        let short = |part: &str| part.len() <= 2;
        match parts.map(str::len) {
            [4, ..] => short(parts[1]) && short(parts[2]),
            [.., 2 | 4] => short(parts[0]) && short(parts[1]),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheets_count_is_a_day() {
        for (cell, expected) in [
            ("45962", Some("2025-11-01")),
            ("46296", Some("2026-10-01")),
            ("46296.5", Some("2026-10-01")),
            ("46296,75", Some("2026-10-01")),
            (" 46296 ", Some("2026-10-01")),
            ("36526", Some("2000-01-01")),
            ("55152", Some("2050-12-30")),
            ("36525", None),
            ("120", None),
            ("99999", None),
            ("046296", None),
            ("46 296", None),
            ("-46296", None),
            ("46296 Ar", None),
            ("", None),
        ] {
            let day = counted(cell).map(|day| day.to_string());
            assert_eq!(day.as_deref(), expected, "{cell}");
        }
    }

    #[test]
    fn no_day_and_impossible_days_are_told_apart() {
        for (cell, zero, like) in [
            ("00/00/0000", true, true),
            ("0000-00-00", true, true),
            ("0000-00-00 00:00:00", true, true),
            ("00/01/1900", true, true),
            ("01/01/1900", true, true),
            ("1899-12-30", true, true),
            ("01/01/0001", true, true),
            ("1970-01-01", true, true),
            ("0", true, false),
            ("31/09/2026", false, true),
            ("2026-09-31", false, true),
            ("31.9.26", false, true),
            ("2026-10-01", false, true),
            ("1.234.567", false, false),
            ("30 jours", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_zero(cell), is_like_one(cell)), (zero, like), "{cell}");
        }
    }
}
