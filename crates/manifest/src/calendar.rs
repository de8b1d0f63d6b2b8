//! When something is due. Pure functions of a timing and a time: the zones are bundled, so that
//! every machine says the same.
//!
//! Where the clocks of a zone jump: a time that doesn't exist is the first moment after the jump,
//! one that exists twice is the first of the two, so that each has one run. A line whose hour is
//! `*` goes by what the clock shows, both times.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use naos_types::Time;
use naos_types::spec::{BEATS_PER_LOOK_MAX, Look, Seen, Timing, When};

/// The zone where nothing is said.
pub const UTC: &str = "UTC";

/// The time zone of this name.
///
/// # Errors
/// A sentence, if there is none.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("there is no time zone {name:?}"))
}

/// The zone that a name was probably meant to be.
#[must_use]
pub fn similar_zone(name: &str) -> Option<String> {
    let all: Vec<String> = jiff::tz::db()
        .available()
        .map(|zone| zone.to_string())
        .collect();
    crate::diagnostic::similar(name, all.iter().map(String::as_str)).map(str::to_owned)
}

/// The due times after one time and up to another: how many, the last ones, and the next.
///
/// # Errors
/// A sentence, if its line or its zone can't be read.
pub fn look(asked: &Look) -> Result<Seen, String> {
    let Look {
        timing,
        after,
        upto,
        last,
    } = asked;
    match &timing.when {
        When::Every { every, from } => {
            let beat = Interval {
                every: every.0.max(1),
                from: from.unwrap_or_default().0,
            };
            Ok(beat.look(timing.until, *after, *upto, *last))
        }
        _ => walk(timing, *after, *upto, *last),
    }
}

/// The next due times.
///
/// # Errors
/// A sentence, if its line or its zone can't be read.
pub fn upcoming(timing: &Timing, after: Time, count: usize) -> Result<Vec<Time>, String> {
    let mut calendar = Calendar::of(timing)?;
    let mut out = Vec::with_capacity(count);
    let mut at = after;
    while out.len() < count {
        let Some(next) = calendar.after(at) else {
            break;
        };
        out.push(next);
        at = next;
    }
    Ok(out)
}

/// Yesterday, today and tomorrow at a time, as the calendar of a zone has them: like 2026-10-05.
///
/// # Errors
/// A sentence, if there is no such zone, or no such day.
pub fn days(name: &str, at: Time) -> Result<[String; 3], String> {
    let moment = Timestamp::from_millisecond(at.0).map_err(|error| error.to_string())?;
    let today = moment.to_zoned(zone(name)?).date();
    let yesterday = today.yesterday().map_err(|error| error.to_string())?;
    let tomorrow = today.tomorrow().map_err(|error| error.to_string())?;
    Ok([yesterday, today, tomorrow].map(|day| day.to_string()))
}

fn walk(timing: &Timing, after: Time, upto: Time, last: u32) -> Result<Seen, String> {
    let mut calendar = Calendar::of(timing)?;
    let mut seen = Seen::default();
    let last = usize::try_from(last).unwrap_or(usize::MAX);
    let mut at = after;
    loop {
        let next = calendar.after(at);
        let Some(time) = next.filter(|time| *time <= upto && seen.count < BEATS_PER_LOOK_MAX)
        else {
            seen.next = next;
            return Ok(seen);
        };
        seen.count += 1;
        if last > 0 {
            if seen.last.len() == last {
                seen.last.remove(0);
            }
            seen.last.push(time);
        }
        at = time;
    }
}

/// Times that are the same span apart; reckoned, not walked through.
struct Interval {
    every: i64,
    from: i64,
}

impl Interval {
    fn at(&self, index: i64) -> Option<i64> {
        self.every
            .checked_mul(index)
            .and_then(|span| span.checked_add(self.from))
    }

    /// The index of the first one after a time.
    fn first_after(&self, after: Time) -> i64 {
        let past = after.0.saturating_sub(self.from);
        if past < 0 { 0 } else { past / self.every + 1 }
    }

    fn look(&self, until: Option<Time>, after: Time, upto: Time, last: u32) -> Seen {
        let exists = |index: &i64| {
            let at = self.at(*index);
            at.is_some_and(|at| until.is_none_or(|until| at <= until.0))
        };
        let first = self.first_after(after);
        let end = until.map_or(upto, |until| until.min(upto));
        let beyond = self.first_after(end).max(first);
        let count = beyond - first;
        let named = count.min(i64::from(last));
        let last = (beyond - named..beyond).filter_map(|index| self.at(index));
        Seen {
            count: count.unsigned_abs(),
            last: last.map(Time).collect(),
            next: Some(beyond)
                .filter(exists)
                .and_then(|index| self.at(index))
                .map(Time),
        }
    }
}

/// One timing, ready to be asked.
struct Calendar {
    until: Option<Time>,
    times: Times,
}

enum Times {
    At(Time),
    Every(Interval),
    Line(Box<Line>),
}

/// A line of cron in a zone.
struct Line {
    cron: Cron,
    zone: TimeZone,
    /// Whether it goes by what the clock shows, as often as it shows it.
    hourly: bool,
}

impl Calendar {
    fn of(timing: &Timing) -> Result<Self, String> {
        let times = match &timing.when {
            When::At(at) => Times::At(*at),
            When::Every { every, from } => Times::Every(Interval {
                every: every.0.max(1),
                from: from.unwrap_or_default().0,
            }),
            When::Cron { cron, zone } => Times::Line(Box::new(Line::of(cron, zone)?)),
        };
        let until = timing.until;
        Ok(Self { until, times })
    }

    fn after(&mut self, after: Time) -> Option<Time> {
        let next = match &self.times {
            Times::At(at) => Some(*at).filter(|at| *at > after),
            Times::Every(beat) => beat.at(beat.first_after(after)).map(Time),
            Times::Line(line) => line.after(after),
        };
        next.filter(|next| self.until.is_none_or(|until| *next <= until))
    }
}

/// A line in the words that croner has.
pub(crate) fn parse(text: &str) -> Result<Cron, String> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .sloppy_ranges(true)
        .build();
    let line = text.trim().replace('?', "*");
    let wrong = |error| format!("{text:?} is no time: {error}");
    parser.parse(&line).map_err(wrong)
}

impl Line {
    fn of(text: &str, name: &str) -> Result<Self, String> {
        let cron = parse(text)?;
        let hour = text.split_whitespace().nth(1);
        let hourly = text.trim() == "@hourly" || hour == Some("*");
        let zone = zone(name)?;
        Ok(Self { cron, zone, hourly })
    }

    fn after(&self, after: Time) -> Option<Time> {
        let start = Timestamp::from_millisecond(after.0).ok()?;
        if self.hourly {
            let start = start.to_zoned(self.zone.clone());
            let next = self.cron.find_next_occurrence(&start, false).ok()?;
            return Some(Time(next.timestamp().as_millisecond()));
        }
        // The clock on the wall, without a zone; then when it shows that, which for times that
        // don't exist or exist twice may be a time that is past.
        let mut shown = self.zone.to_datetime(start);
        loop {
            shown = self.cron.find_next_occurrence(&shown, false).ok()?;
            let at = moment(&self.zone, shown)?;
            if at > start {
                return Some(Time(at.as_millisecond()));
            }
        }
    }
}

/// When the clock first shows this; when it doesn't, the first moment at which it shows more.
pub(crate) fn moment(zone: &TimeZone, shown: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(shown).ok()
        }
        AmbiguousOffset::Gap { before, .. } => {
            let past = before.to_timestamp(shown).ok()?;
            let beyond = past.checked_add(SignedDuration::from_secs(1)).ok()?;
            zone.preceding(beyond).next().map(|jump| jump.timestamp())
        }
    }
}

/// Whether a clock in this zone ever shows this.
pub(crate) fn exists(zone: &TimeZone, shown: DateTime) -> bool {
    let offset = zone.to_ambiguous_timestamp(shown).offset();
    !matches!(offset, AmbiguousOffset::Gap { .. })
}
