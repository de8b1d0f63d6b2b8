//! Finds the phrases that name a day in a sentence, and resolves them.

use super::names::{self, Meaning};
use super::{Date, full_year};
use crate::words::{Word, begins_with};

/// How far back a day without a year may lie before the next year is meant.
const LOOK_BACK_DAYS: i64 = 183;

/// A day as a sentence names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// First word of the phrase.
    pub first: usize,
    /// The word after the last one.
    pub next: usize,
    /// As written.
    pub text: String,
    /// The day meant, where it could be resolved.
    pub date: Option<Date>,
    /// The phrase says that the day is gone ("last Friday").
    pub past: bool,
}

/// What a reader found at one word.
struct Hit {
    length: usize,
    date: Option<Date>,
}

type Reader = fn(&[Word<'_>], usize, Option<Date>) -> Option<Hit>;

/// The readers, most specific first: the first that reads something wins.
const READERS: &[Reader] = &[
    numeric,
    weekday_and_more,
    day_then_month,
    month_then_day,
    end_of_month,
    relative,
    within,
    weekday_and_number,
    weekday,
    bare_day,
];

/// All phrases of a sentence that name a day, in order.
#[must_use]
pub fn find(sentence: &str, words: &[Word<'_>], today: Option<Date>) -> Vec<Phrase> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some(hit) = READERS.iter().find_map(|read| read(words, at, today)) else {
            at += 1;
            continue;
        };
        let next = at + hit.length;
        let text = sentence[words[at].start..words[next - 1].end].to_owned();
        let gone = |at: usize| {
            words
                .get(at)
                .is_some_and(|word| names::PAST.contains(&word.folded.as_str()))
                // `vendredi dernier délai`
                && words
                    .get(at + 1)
                    .is_none_or(|word| !names::LAST_OF.contains(&word.folded.as_str()))
        };
        let adjoins = words
            .get(next)
            .is_some_and(|after| sentence[words[next - 1].end..after.start].trim().is_empty());
        let past = adjoins && gone(next) || at > 0 && gone(at - 1);
        found.push(Phrase {
            first: at,
            next,
            text,
            date: hit.date,
            past,
        });
        at = next;
    }
    found
}

fn hit(length: usize, date: Option<Date>) -> Option<Hit> {
    Some(Hit { length, date })
}

/// `2026-10-09`, `09/10/2026`, `9.10.26`, `09/10` after a word that announces a day.
fn numeric(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    const BEFORE_SHORT: &[&str] = &[
        "le", "on", "by", "before", "avant", "pour", "au", "du", "ny", "due", "d", "until",
    ];
    let word = words[at].text;
    if !word.starts_with(|first: char| first.is_ascii_digit())
        || word.contains(':') && word.len() < 12
    {
        return None;
    }
    if let Some(date) = Date::parse_numeric(word, false) {
        return hit(1, Some(date));
    }
    let announced = at > 0
        && (BEFORE_SHORT.contains(&words[at - 1].folded.as_str())
            || names::weekday(&words[at - 1].folded).is_some());
    let (day, month) = word.split_once('/')?;
    let (day, month) = (day.parse().ok()?, month.parse().ok()?);
    Date::new(2024, month, day).filter(|_| announced)?;
    hit(1, nearest(month, day, today))
}

/// `vendredi 9 octobre`, `Friday, October 9th`, `Friday 09/10`: the day's name adds nothing.
fn weekday_and_more(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    names::weekday(&words[at].folded)?;
    let filler = |word: &Word<'_>| matches!(word.folded.as_str(), "le" | "the" | "ny" | "faha");
    let skip = usize::from(words.get(at + 1).is_some_and(filler));
    let from = at + 1 + skip;
    if from >= words.len() {
        return None;
    }
    let rest = [numeric as Reader, day_then_month, month_then_day]
        .into_iter()
        .find_map(|read| read(words, from, today))?;
    hit(rest.length + 1 + skip, rest.date)
}

/// The number of a day in its month: `9`, `9th`, `1er`.
pub(crate) fn day_number(folded: &str) -> Option<u32> {
    let digits = folded.strip_prefix("faha").unwrap_or(folded);
    let digits = ["st", "nd", "rd", "th", "er"]
        .into_iter()
        .find_map(|ending| digits.strip_suffix(ending))
        .unwrap_or(digits);
    let short = (1..=2).contains(&digits.len());
    digits
        .parse()
        .ok()
        .filter(|day| short && (1..=31).contains(day))
}

fn year_at(words: &[Word<'_>], at: usize) -> Option<i32> {
    let word = words.get(at)?;
    full_year(word.text).filter(|year| word.text.len() == 4 && (1990..=2100).contains(year))
}

/// `9 octobre 2026`, `1er mars`, `faha-9 Oktobra`, `9th of October`.
fn day_then_month(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    let faha = usize::from(words[at].folded == "faha");
    let day = day_number(&words.get(at + faha)?.folded)?;
    let filler = |at: usize| {
        let is = |at: usize, wanted: &[&str]| {
            let word = words.get(at).map(|word| word.folded.as_str());
            word.is_some_and(|word| wanted.contains(&word))
        };
        match is(at, &["of", "ny"]) {
            true if is(at + 1, &["volana"]) => 2,
            here => usize::from(here),
        }
    };
    let skip = filler(at + faha + 1);
    let month_at = at + faha + 1 + skip;
    let month = names::month(&words.get(month_at)?.folded)?;
    let length = month_at + 1 - at;
    match year_at(words, month_at + 1) {
        Some(year) => hit(length + 1, Some(Date::new(year, month, day)?)),
        None => hit(length, nearest(month, day, today)),
    }
}

/// `October 9th, 2026`, `Oct 9`.
fn month_then_day(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    let month = names::month(&words[at].folded)?;
    let filler = |word: &Word<'_>| word.folded == "the";
    let skip = usize::from(words.get(at + 1).is_some_and(filler));
    let day = day_number(&words.get(at + 1 + skip)?.folded)?;
    match year_at(words, at + 2 + skip) {
        Some(year) => hit(3 + skip, Some(Date::new(year, month, day)?)),
        None => hit(2 + skip, nearest(month, day, today)),
    }
}

/// `fin octobre`, `end of October 2026`, `faran'ny Oktobra`.
fn end_of_month(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    let ends = names::END_OF
        .iter()
        .find(|ends| begins_with(&words[at..], ends))?;
    let month_at = at + ends.split(' ').count();
    let month = names::month(&words.get(month_at)?.folded)?;
    let length = month_at + 1 - at;
    match year_at(words, month_at + 1) {
        Some(year) => hit(length + 1, Date::new(year, month, 1).map(Date::month_end)),
        None => hit(length, nearest(month, 28, today).map(Date::month_end)),
    }
}

fn relative(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    let here = &words[at..];
    let (phrase, meaning) = names::RELATIVE
        .iter()
        .find(|(phrase, _)| begins_with(here, phrase))?;
    let date = today.and_then(|today| match *meaning {
        Meaning::Days(days) => today.plus_days(days),
        Meaning::WeekEnd(weeks) => today.plus_days((4 - today.weekday()).max(0) + 7 * weeks),
        Meaning::MonthEnd(months) => {
            let month = today.month as i32 - 1 + months;
            let year = today.year + month.div_euclid(12);
            Date::new(year, month.rem_euclid(12) as u32 + 1, 1).map(Date::month_end)
        }
        Meaning::Vague => None,
    });
    hit(phrase.split(' ').count(), date)
}

/// `in 3 days`, `sous 48h`, `afaka 3 andro`.
fn within(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    if !names::WITHIN.contains(&words[at].folded.as_str()) {
        return None;
    }
    let skip = usize::from(words[at].folded == "anatin");
    let count = &words.get(at + 1 + skip)?.folded;
    let later = |days: i64| today.and_then(|today| today.plus_days(days));
    if let Some(hours) = count
        .strip_suffix('h')
        .and_then(|hours| hours.parse::<i64>().ok())
    {
        return (24..=240)
            .contains(&hours)
            .then(|| hit(2, later(hours / 24)))?;
    }
    let count: i64 = count
        .parse()
        .ok()
        .filter(|count| (1..=366).contains(count))?;
    let unit = &words.get(at + 2 + skip)?.folded;
    let (_, days) = names::UNITS.iter().find(|(name, _)| name == unit)?;
    hit(3 + skip, later(count * days))
}

/// `lundi 19`, `Monday the 19th`: the next such day that is a Monday.
fn weekday_and_number(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    const HOURS: &[&str] = &["h", "heures", "am", "pm", "o"];
    let wanted = names::weekday(&words[at].folded)?;
    let skip = usize::from(words.get(at + 1).is_some_and(|word| word.folded == "the"));
    let day = day_number(&words.get(at + 1 + skip)?.folded)?;
    let of_time = words.get(at + 2 + skip);
    if of_time.is_some_and(|word| HOURS.contains(&word.folded.as_str())) {
        return None;
    }
    let mut ahead = (0..WEEKDAY_AHEAD_DAYS).filter_map(|days| today?.plus_days(days));
    let date = ahead.find(|date| date.day == day && date.weekday() == wanted)?;
    hit(2 + skip, Some(date))
}

/// How far ahead a Monday the 19th is looked for.
const WEEKDAY_AHEAD_DAYS: i64 = 62;

/// `avant le 15`, `by the 15th`: the next day of that number, where nothing else is counted.
fn bare_day(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    const BEFORE: &[&str] = &[
        "avant", "pour", "tard", "ici", "du", "dus", "due", "dues", "expire", "rendre", "livrer",
        "remettre", "envoyer", "payer", "by", "before", "until", "on",
    ];
    let back = |back: usize| Some(words[at.checked_sub(back)?].folded.as_str());
    let announced = matches!(back(1)?, "le" | "the") && BEFORE.contains(&back(2)?);
    let day = day_number(&words[at].folded).filter(|_| announced)?;
    let ordinal = words[at].folded.ends_with(|it: char| it.is_alphabetic());
    let goes_on = words
        .get(at + 1)
        .is_some_and(|word| !BEHIND_BARE.contains(&word.folded.as_str()));
    // `avant le 15 rue Foch`, `by the 5 of us`.
    if goes_on && !ordinal {
        return None;
    }
    let mut ahead = (0..WEEKDAY_AHEAD_DAYS).filter_map(|days| today?.plus_days(days));
    hit(1, Some(ahead.find(|date| date.day == day)?))
}

/// What may follow a day that is only a number.
#[rustfmt::skip]
const BEHIND_BARE: &[&str] = &[
    "au", "a", "et", "ou", "pour", "afin", "si", "svp", "stp", "merci", "inclus", "dernier", "mais",
    "and", "or", "at", "please", "if", "so", "latest", "but", "to",
];

/// `Friday`, `vendredi prochain`, `Zoma`: the next one after the reference day.
fn weekday(words: &[Word<'_>], at: usize, today: Option<Date>) -> Option<Hit> {
    let folded = words[at].folded.as_str();
    let wanted = names::weekday(folded)?;
    if names::SHORT_WEEKDAYS.contains(&folded) {
        let announced = at > 0 && matches!(words[at - 1].folded.as_str(), "by" | "on" | "due");
        if !announced {
            return None;
        }
    }
    let follows = |wanted: &str| words.get(at + 1).is_some_and(|word| word.folded == wanted);
    let next = follows("prochain") || follows("ambony") || follows("izao");
    let date = today.and_then(|today| {
        let ahead = (wanted - today.weekday() - 1).rem_euclid(7) + 1;
        today.plus_days(ahead)
    });
    hit(1 + usize::from(next), date)
}

/// A day without a year: the one nearest to the reference day, rather ahead than behind.
fn nearest(month: u32, day: u32, today: Option<Date>) -> Option<Date> {
    let today = today?;
    (-1..=1)
        .filter_map(|years| Date::new(today.year + years, month, day))
        .find(|date| date.to_days() >= today.to_days() - LOOK_BACK_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    /// The reference day is Wednesday, 2026-10-07.
    fn read(sentence: &str) -> String {
        let found = find(sentence, &words(sentence), Date::new(2026, 10, 7));
        let show = |phrase: &Phrase| {
            let date = phrase.date.map_or("-".to_owned(), |date| date.to_string());
            format!(
                "{}={date}{}",
                phrase.text,
                if phrase.past { " past" } else { "" }
            )
        };
        found.iter().map(show).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn days_in_three_languages() {
        for (sentence, expected) in [
            ("due on Friday", "Friday=2026-10-09"),
            ("d'ici vendredi prochain", "vendredi prochain=2026-10-09"),
            ("alohan'ny Zoma", "Zoma=2026-10-09"),
            ("mercredi", "mercredi=2026-10-14"),
            ("vendredi dernier", "vendredi=2026-10-09 past"),
            ("avant le 9 octobre 2026", "9 octobre 2026=2026-10-09"),
            ("vendredi 9 octobre", "vendredi 9 octobre=2026-10-09"),
            (
                "Friday, October 9th, 2026",
                "Friday, October 9th, 2026=2026-10-09",
            ),
            ("le 1er mars", "1er mars=2027-03-01"),
            ("ny 16 Oktobra 2026", "16 Oktobra 2026=2026-10-16"),
            ("faha-9 Oktobra", "faha-9 Oktobra=2026-10-09"),
            ("by the 9th of October", "9th of October=2026-10-09"),
            ("le 15/10", "15/10=2026-10-15"),
            ("3/4 of it", ""),
            ("pour le 15/10/2026", "15/10/2026=2026-10-15"),
            ("2026-10-30", "2026-10-30=2026-10-30"),
            ("fin octobre", "fin octobre=2026-10-31"),
            ("end of the month", "end of the month=2026-10-31"),
            ("faran'ny volana", "faran'ny volana=2026-10-31"),
            ("fin de semaine", "fin de semaine=2026-10-09"),
            ("demain", "demain=2026-10-08"),
            ("aujourd'hui", "aujourd'hui=2026-10-07"),
            ("rahampitso", "rahampitso=2026-10-08"),
            ("la semaine prochaine", "la semaine prochaine=-"),
            ("dans 3 jours", "dans 3 jours=2026-10-10"),
            ("sous 48h", "sous 48h=2026-10-09"),
            ("we may ship in March", ""),
            ("31 février", "31 février=-"),
        ] {
            assert_eq!(read(sentence), expected, "{sentence}");
        }
    }

    #[test]
    fn without_a_reference_day_the_phrase_is_kept() {
        let sentence = "The report is due on Friday.";
        let found = find(sentence, &words(sentence), None);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].text.as_str(), found[0].date), ("Friday", None));
    }
}
