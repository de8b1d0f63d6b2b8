//! How long something took, as people write it into a sheet of hours: `7h30`, `3:30`, `45 min`.

use crate::decimal::Decimal;
use crate::words::fold;

const HOURS: &[&str] = &[
    "h", "hr", "hrs", "hour", "hours", "heure", "heures", "ora", "adiny",
];
const MINUTES: &[&str] = &[
    "m", "mn", "min", "mins", "minute", "minutes", "minitra", "minitro",
];
/// Words between hours and minutes.
const AND: &[&str] = &["et", "and", "sy", "a", "ny"];
const HALF: &[&str] = &["demi", "demie", "half", "sasany"];
/// A longer cell is no duration.
const BYTES_MAX: usize = 40;
/// Most digits of its hours, or of its minutes alone.
const DIGITS_MAX: usize = 5;

/// The hours that a cell says in hours and minutes; none where it is a plain number, or where it
/// isn't certain how many minutes it says (`1h5`, `7:75`).
#[must_use]
pub fn parse(cell: &str) -> Option<Decimal> {
    if cell.len() > BYTES_MAX || !cell.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let folded = fold(cell.trim());
    let (text, sign) = match folded.strip_prefix(['-', '−']) {
        Some(rest) => (rest.trim_start(), -1),
        None => (folded.as_str(), 1),
    };
    let parts = parts(text)?;
    let parts: Vec<&str> = parts.into_iter().filter(|it| !AND.contains(it)).collect();
    let hours = |word: &str| HOURS.contains(&word);
    let minutes = |word: &str| MINUTES.contains(&word);
    let of_an_hour = |text: &str| number(text).filter(|&it| text.len() <= 2 && it < 60);
    let two_digits = |text: &str| of_an_hour(text).filter(|_| text.len() == 2);
    let (whole, rest) = match *parts.as_slice() {
        [whole, ":", rest] | [whole, ":", rest, ":", "00"] => (number(whole)?, two_digits(rest)?),
        [whole, ":", rest, unit] if hours(unit) => (number(whole)?, two_digits(rest)?),
        [whole, unit] if hours(unit) => (number(whole)?, 0),
        [unit, whole] if hours(unit) => (number(whole)?, 0),
        [whole, unit, rest] if hours(unit) && HALF.contains(&rest) => (number(whole)?, 30),
        [whole, unit, rest] if hours(unit) => (number(whole)?, two_digits(rest)?),
        [whole, unit, rest, small] if hours(unit) && minutes(small) => {
            (number(whole)?, of_an_hour(rest)?)
        }
        [rest, unit] if minutes(unit) => (0, number(rest)?),
        _ => return None,
    };
    Decimal::minutes(whole * 60 + rest).times(sign)
}

fn number(text: &str) -> Option<u32> {
    let digits = text.len() <= DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Runs of digits, runs of letters and colons; none where anything else stands between them.
fn parts(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let like = |letter: char| match first {
            _ if first.is_ascii_digit() => letter.is_ascii_digit(),
            _ => letter.is_alphabetic(),
        };
        let length = match first {
            ':' => 1,
            _ if like(first) => rest.find(|letter| !like(letter)).unwrap_or(rest.len()),
            // `30 min.`
            '.' if rest.len() == 1 => 0,
            _ if first.is_whitespace() => 0,
            _ => return None,
        };
        if length > 0 {
            parts.push(&rest[..length]);
        }
        rest = &rest[length.max(first.len_utf8())..];
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_minutes_as_people_write_them() {
        for (cell, expected) in [
            ("7h30", Some("7.50")),
            ("7 h 30", Some("7.50")),
            ("7\u{a0}h\u{a0}30", Some("7.50")),
            ("7H30", Some("7.50")),
            ("3:30", Some("3.50")),
            ("03:30:00", Some("3.50")),
            ("3:30 h", Some("3.50")),
            ("7h", Some("7.00")),
            ("7 heures", Some("7.00")),
            ("1 hour", Some("1.00")),
            ("7 heures et demie", Some("7.50")),
            ("2 heures et 15 minutes", Some("2.25")),
            ("1h05", Some("1.08")),
            ("1h 5m", Some("1.08")),
            ("45min", Some("0.75")),
            ("45 mn", Some("0.75")),
            ("30 min.", Some("0.50")),
            ("90 minutes", Some("1.50")),
            ("7 ora sy 30 minitra", Some("7.50")),
            ("7 ora sy sasany", Some("7.50")),
            ("adiny 7 sy sasany", None),
            ("adiny 7", Some("7.00")),
            ("-1h30", Some("-1.50")),
            ("40:00", Some("40.00")),
            ("1h5", None),
            ("7:75", None),
            ("7h75", None),
            ("3:5", None),
            ("3:30:20", None),
            ("7,5 h", None),
            ("7.5", None),
            ("7", None),
            ("9h-17h", None),
            ("h", None),
            ("2 j", None),
            ("", None),
            ("99999999h", None),
        ] {
            let read = parse(cell).map(|hours| hours.to_string());
            assert_eq!(read.as_deref(), expected, "{cell}");
        }
    }
}
