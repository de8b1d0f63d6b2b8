//! Lengths of time, sizes and money as people write them. Exact: no floating point.

use naos_types::{Micros, Period};

/// A decimal number times 10^`places`, as a whole number; digits beyond are an error.
pub(crate) fn decimal(text: &str, places: u32) -> Option<u64> {
    let text = text.trim();
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((text, exponent)) => (text, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.replace('_', "");
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(&whole) || !digits(part) {
        return None;
    }
    let shift = i32::try_from(places).ok()?.checked_add(exponent)?;
    let all = format!("{whole}{}", part);
    let scale = shift.checked_sub(i32::try_from(part.len()).ok()?)?;
    let all = all.trim_start_matches('0');
    if all.is_empty() {
        return Some(0);
    }
    if scale >= 0 {
        let factor = 10_u64.checked_pow(u32::try_from(scale).ok()?)?;
        return all.parse::<u64>().ok()?.checked_mul(factor);
    }
    let cut = all.len().checked_sub(scale.unsigned_abs() as usize);
    let (kept, lost) = all.split_at(cut.unwrap_or(0));
    let lost = if cut.is_none() { all } else { lost };
    if lost.bytes().any(|b| b != b'0') {
        return None;
    }
    if kept.is_empty() {
        Some(0)
    } else {
        kept.parse().ok()
    }
}

/// `$10`, `10.50`, `10 USD`.
pub(crate) fn money(text: &str) -> Option<Micros> {
    let text = text.trim();
    let text = text.strip_prefix('$').unwrap_or(text);
    let text = text.strip_suffix("USD").unwrap_or(text);
    let text = text.strip_suffix('$').unwrap_or(text);
    decimal(&text.replace(',', ""), 6).map(Micros)
}

/// `$10/day`, `10.00 per month`, `$5`.
pub(crate) fn budget(text: &str) -> Option<(Micros, Option<Period>)> {
    let (amount, period) = match text.split_once('/').or_else(|| text.split_once(" per ")) {
        Some((amount, period)) => (amount, Some(self::period(period.trim())?)),
        None => (text, None),
    };
    Some((money(amount)?, period))
}

/// `day`, `daily`, `month` …
pub(crate) fn period(word: &str) -> Option<Period> {
    Some(match word.to_lowercase().as_str() {
        "day" | "daily" | "d" => Period::Day,
        "month" | "monthly" | "mo" => Period::Month,
        "total" | "ever" | "all" => Period::Total,
        _ => return None,
    })
}

/// `500ms`, `30s`, `1h30m`, `1.5h`: milliseconds.
pub(crate) fn span(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total = 0_i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let after = &rest[number..];
        let unit_end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (factor, places) = match after[..unit_end].trim() {
            "ms" => (1, 0),
            "s" | "sec" | "second" | "seconds" => (1, 3),
            "m" | "min" | "minute" | "minutes" => (60, 3),
            "h" | "hour" | "hours" => (3_600, 3),
            "d" | "day" | "days" => (86_400, 3),
            "w" | "week" | "weeks" => (604_800, 3),
            _ => return None,
        };
        let amount = i64::try_from(decimal(&rest[..number], places)?).ok()?;
        total = total.checked_add(amount.checked_mul(factor)?)?;
        rest = &after[unit_end..];
    }
    Some(total)
}

/// `256MB`, `64 KiB`, `1048576`. `MB` and `MiB` are the same: 1,048,576 bytes.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let factor = match text[end..].trim().to_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1_u64 << 30,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, places, expected) in [
            ("10", 6, Some(10_000_000)),
            ("0.015", 9, Some(15_000_000)),
            ("0.075", 9, Some(75_000_000)),
            ("3e-05", 9, Some(30_000)),
            ("1.5e2", 0, Some(150)),
            ("0.0000001", 6, None),
            ("0.10000000", 6, Some(100_000)),
            ("1_000", 0, Some(1_000)),
            (".5", 1, Some(5)),
            ("0", 6, Some(0)),
            ("", 6, None),
            (".", 6, None),
            ("-1", 6, None),
            ("99999999999999999999", 0, None),
            ("1e99999999999", 0, None),
            ("1e-2147483648", 0, None),
        ] {
            assert_eq!(decimal(text, places), expected, "{text}");
        }
    }

    #[test]
    fn money_and_budgets() {
        for (text, expected) in [
            ("$10/day", Some((10_000_000, Some(Period::Day)))),
            (
                "$1,250.50 per month",
                Some((1_250_500_000, Some(Period::Month))),
            ),
            ("10 USD", Some((10_000_000, None))),
            ("5$/total", Some((5_000_000, Some(Period::Total)))),
            ("$10/fortnight", None),
            ("ten", None),
            ("€10", None),
        ] {
            let found = budget(text).map(|(amount, period)| (amount.0, period));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn spans_and_sizes() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("2 days", Some(172_800_000)),
            ("5", None),
            ("s", None),
            ("", None),
            ("-5s", None),
            ("999999999999999999d", None),
        ] {
            assert_eq!(span(text), expected, "{text}");
        }
        for (text, expected) in [
            ("256MB", Some(256 << 20)),
            ("64 KiB", Some(64 << 10)),
            ("17", Some(17)),
            ("1.5MB", None),
            ("12 parsecs", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
