//! Whether a schedule of five fields (minute, hour, day, month, day of the week) is one, and
//! whether the day it names can come.

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const NICKNAMES: &[&str] = &[
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@hourly",
];

/// Says what is wrong with a schedule.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let text = text.trim();
    if NICKNAMES.contains(&text) {
        return Ok(());
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return Err(format!(
            "a schedule has five fields (minute hour day month weekday), this one {}",
            fields.len()
        ));
    };
    field("minute", minute, 0, 59, &[], 0)?;
    field("hour", hour, 0, 23, &[], 0)?;
    let days = field("day", day, 1, 31, &[], 0)?;
    let months = field("month", month, 1, 12, MONTHS, 1)?;
    field("weekday", weekday, 0, 7, DAYS, 0)?;
    let longest = |month: &u32| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let first = days.iter().min().copied().unwrap_or(1);
    let comes = !matches!(weekday, "*" | "?") || months.iter().any(|month| first <= longest(month));
    if comes {
        return Ok(());
    }
    let named = months.iter().filter_map(|m| MONTHS.get(*m as usize - 1));
    let named: Vec<&str> = named.copied().collect();
    let named = match &named[..] {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        one => one.concat(),
    };
    Err(format!("there is no day {first} in {named}"))
}

/// The numbers that a field names.
fn field(
    what: &str,
    text: &str,
    least: u32,
    most: u32,
    words: &[&str],
    words_from: u32,
) -> Result<Vec<u32>, String> {
    let number = |text: &str| {
        let word = words
            .iter()
            .position(|word| word.eq_ignore_ascii_case(text));
        let word = word.and_then(|index| u32::try_from(index).ok());
        let found = word
            .map(|index| index + words_from)
            .or_else(|| text.parse().ok());
        found
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| format!("the {what} is from {least} to {most}, not {text:?}"))
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: usize = step
            .parse()
            .ok()
            .filter(|step| *step > 0)
            .ok_or_else(|| format!("the {what} can't go in steps of {step:?}"))?;
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None if range == "*" || range == "?" => (least, most),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        // Sunday ends a week as well as it begins one.
        let to = if most == 7 && to == 0 && from > 0 {
            7
        } else {
            to
        };
        if from > to {
            return Err(format!("the {what} ends before it begins: {range}"));
        }
        all.extend((from..=to).step_by(step));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn schedules() {
        for (text, expected) in [
            ("0 9 * * MON-FRI", Ok(())),
            ("*/15 0-6,22 1 jan,JUL *", Ok(())),
            ("@daily", Ok(())),
            ("0 0 29 2 *", Ok(())),
            ("0 0 31 2 *", Err("there is no day 31 in FEB")),
            ("0 0 31 4,6 *", Err("there is no day 31 in APR or JUN")),
            (
                "0 0 31 2,4,6 *",
                Err("there is no day 31 in FEB, APR or JUN"),
            ),
            ("0 0 30,31 2 *", Err("there is no day 30 in FEB")),
            ("0 0 31 2 MON", Ok(())),
            ("0 0 31 2 ?", Err("there is no day 31 in FEB")),
            ("0 9 * * FRI-SUN", Ok(())),
            (
                "0 9 * *",
                Err("a schedule has five fields (minute hour day month weekday), this one 4"),
            ),
            ("60 9 * * *", Err("the minute is from 0 to 59, not \"60\"")),
            (
                "0 9 * * FOO",
                Err("the weekday is from 0 to 7, not \"FOO\""),
            ),
            ("0 9-5 * * *", Err("the hour ends before it begins: 9-5")),
            ("*/0 * * * *", Err("the minute can't go in steps of \"0\"")),
            (
                "",
                Err("a schedule has five fields (minute hour day month weekday), this one 0"),
            ),
        ] {
            assert_eq!(check(text), expected.map_err(String::from), "{text}");
        }
    }
}
