//! What deserves a look: rows that may be the same, numbers far from all others, what is
//! overdue, days that are too long.

use std::collections::{BTreeMap, BTreeSet};

use naos_reading::dates::Date;
use naos_reading::decimal::{self, Decimal};
use naos_reading::words::fold;
use serde::Serialize;

use crate::columns::Record;
use crate::groups::{self, ITEMS_MAX, Kind, PLACES_MAX, Sum, is_none, party, totals};
use crate::payments::Remark;
use crate::roles::Role;
use crate::unread;

/// Fewer numbers say nothing about what is usual.
const SAMPLE_MIN: usize = 8;
/// A number is far out when it is more than so many times the span of the middle half away
/// from it (Tukey's outer fence) …
const FENCE_SPANS: i128 = 3;
/// … and more than 3.5 / 0.6745 median deviations away from the median, as tenths.
const DEVIATIONS_TENTHS: i128 = 52;
/// More hours than this in one day of one person are worth a question.
const DAY_HOURS_MAX: i128 = 12;

/// Two rows that may be the same under another number.
#[derive(Debug, Serialize)]
pub struct Near {
    numbers: Vec<String>,
    party: String,
    date: Date,
    amount: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
    /// The places.
    pub cites: Vec<String>,
    /// So many more places are not named.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

/// A number far from all others.
#[derive(Debug, Serialize)]
pub struct Outlier {
    column: String,
    value: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    party: String,
    median: String,
    limit: String,
    /// Its place.
    pub cite: String,
}

/// What should have been paid.
#[derive(Debug, Serialize)]
pub struct Overdue {
    as_at: Date,
    /// How many.
    pub count: usize,
    /// How many more are past their day in tables that don't say what is paid.
    #[serde(skip_serializing_if = "is_none")]
    untold: usize,
    /// How many more are not paid and due on a day that could not be read.
    #[serde(skip_serializing_if = "is_none")]
    undated_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    undated: Vec<Undated>,
    totals: Vec<Sum>,
    /// What is owed: each row counts once, by the best of its columns.
    owed: Vec<Owed>,
    items: Vec<Late>,
}

/// A sum of what is owed.
#[derive(Debug, Serialize)]
struct Owed {
    /// The column that says so.
    of: String,
    /// What it is called, where that says something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    amount: String,
}

/// An invoice that isn't paid, and nobody can tell when it is due.
#[derive(Debug, Serialize)]
struct Undated {
    number: String,
    party: String,
    /// What stands where its day should; empty where nothing does.
    day: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owed: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
    cite: String,
}

#[derive(Debug, Serialize)]
struct Late {
    number: String,
    party: String,
    due: Date,
    days_late: i64,
    amounts: BTreeMap<String, String>,
    /// What is owed, and the column that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    owed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// A part of it was paid, and nothing says how much.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    part: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
    cite: String,
}

/// A person's day with too many hours.
#[derive(Debug, Serialize)]
pub struct LongDay {
    person: String,
    date: Date,
    hours: String,
    /// The first of its places.
    cites: Vec<String>,
}

/// The same party, day and amount under another number.
#[must_use]
pub fn near_duplicates(kind: Kind, rows: &[&Record], measure: Option<&str>) -> Vec<Near> {
    let Some(measure) = measure.filter(|_| matches!(kind, Kind::Invoices | Kind::Purchases)) else {
        return Vec::new();
    };
    let mut alike: BTreeMap<(String, Date, String, &str), Vec<&Record>> = BTreeMap::new();
    for row in rows {
        let (Some(date), Some(amount)) = (row.day(Role::Date), row.number(measure)) else {
            continue;
        };
        if party(row).is_empty() || row.text(Role::Number).is_empty() || amount.is_zero() {
            continue;
        }
        let amount = amount.trimmed(0).to_string();
        let key = (fold(party(row)), date, amount, row.text(Role::Currency));
        alike.entry(key).or_default().push(row);
    }
    let near =
        |((_, date, _, currency), rows): ((String, Date, String, &str), Vec<&Record>)| Near {
            numbers: rows
                .iter()
                .take(PLACES_MAX)
                .map(|row| row.text(Role::Number).to_owned())
                .collect(),
            party: party(rows[0]).to_owned(),
            date,
            amount: rows[0]
                .number(measure)
                .map_or_else(String::new, |it| it.to_string()),
            currency: currency.to_owned(),
            cites: rows.iter().take(PLACES_MAX).map(|row| row.cite()).collect(),
            more: rows.len().saturating_sub(PLACES_MAX),
        };
    alike
        .into_iter()
        .filter(|(_, rows)| rows.len() > 1)
        .map(near)
        .collect()
}

/// Numbers of a column that are far from all others in their currency, by two robust measures.
#[must_use]
pub fn outliers(rows: &[&Record], measure: Option<&str>) -> Vec<Outlier> {
    let Some(measure) = measure else {
        return Vec::new();
    };
    let mut by_currency: BTreeMap<&str, Vec<(Decimal, &Record)>> = BTreeMap::new();
    for row in rows {
        if let Some(number) = row.number(measure) {
            by_currency
                .entry(row.text(Role::Currency))
                .or_default()
                .push((number, row));
        }
    }
    let mut found = Vec::new();
    for (currency, mut numbers) in by_currency {
        numbers.sort_by_key(|(number, _)| *number);
        let sorted: Vec<Decimal> = numbers.iter().map(|(number, _)| *number).collect();
        let Some(fence) = Fence::around(&sorted) else {
            continue;
        };
        for (number, row) in numbers {
            let Some(limit) = fence.broken_by(number) else {
                continue;
            };
            found.push(Outlier {
                column: measure.to_owned(),
                value: number.to_string(),
                currency: currency.to_owned(),
                number: row.text(Role::Number).to_owned(),
                party: party(row).to_owned(),
                median: fence.median.to_string(),
                limit: limit.to_string(),
                cite: row.cite(),
            });
        }
    }
    found
}

struct Fence {
    median: Decimal,
    deviation: Decimal,
    low: Decimal,
    high: Decimal,
}

impl Fence {
    fn around(sorted: &[Decimal]) -> Option<Self> {
        if sorted.len() < SAMPLE_MIN {
            return None;
        }
        let median = decimal::median(sorted)?;
        let (lower, upper) = (
            &sorted[..sorted.len() / 2],
            &sorted[sorted.len().div_ceil(2)..],
        );
        let (first, third) = (decimal::median(lower)?, decimal::median(upper)?);
        let reach = third.minus(first)?.times(FENCE_SPANS)?;
        let mut away: Vec<Decimal> = sorted
            .iter()
            .filter_map(|number| number.minus(median))
            .map(Decimal::magnitude)
            .collect();
        away.sort();
        let deviation = decimal::median(&away)?;
        // Where most numbers are the same there is no usual distance to measure by.
        let measurable = !reach.is_zero() && !deviation.is_zero();
        measurable.then_some(Self {
            median,
            deviation,
            low: first.minus(reach)?,
            high: third.plus(reach)?,
        })
    }

    /// The limit that a number breaks, if it is far out by both measures.
    fn broken_by(&self, number: Decimal) -> Option<Decimal> {
        let away = number.minus(self.median)?.magnitude();
        let far = away.times(10)? > self.deviation.times(DEVIATIONS_TENTHS)?;
        let limit = if number > self.high {
            self.high
        } else {
            self.low
        };
        (far && (number > self.high || number < self.low)).then_some(limit)
    }
}

/// What was due before the reference day and isn't paid. None where the tables don't say when
/// something is due or whether it is paid; a table that doesn't tell is left out beside others.
#[must_use]
pub fn overdue(rows: &[&Record], measure: Option<&str>, today: Date) -> Option<Overdue> {
    let undated = |row: &&Record| row.has(Role::Due) && row.day(Role::Due).is_none();
    let tells =
        |row: &&&Record| row.settled.is_some() && (row.day(Role::Due).is_some() || undated(row));
    measure.filter(|_| rows.iter().any(|row| tells(&row)))?;
    let past = |row: &&Record| row.day(Role::Due).is_some_and(|due| due < today);
    let past: Vec<&Record> = rows.iter().copied().filter(past).collect();
    let untold = past.iter().filter(|row| row.settled.is_none()).count();
    let mut late = past;
    late.retain(|row| row.settled == Some(false));
    let item = |row: &&Record| {
        let due = row.day(Role::Due)?;
        let owed = row.owed.as_ref();
        Some(Late {
            number: row.text(Role::Number).to_owned(),
            party: party(row).to_owned(),
            due,
            days_late: today.to_days() - due.to_days(),
            amounts: row
                .numbers
                .iter()
                .map(|(name, it)| (name.clone(), it.to_string()))
                .collect(),
            owed: owed.map(|(_, owed)| owed.to_string()),
            of: owed.map(|(column, _)| column.clone()),
            part: row.remark == Some(Remark::Part),
            currency: row.text(Role::Currency).to_owned(),
            cite: row.cite(),
        })
    };
    let open = |row: &&Record| row.settled == Some(false) && undated(row);
    let open: Vec<&Record> = rows.iter().copied().filter(open).collect();
    let without = |row: &&Record| Undated {
        number: row.text(Role::Number).to_owned(),
        party: party(row).to_owned(),
        day: Some(row.text(Role::Due))
            .filter(|day| !unread::says_none(day))
            .unwrap_or_default()
            .to_owned(),
        owed: row.owed.as_ref().map(|(_, owed)| owed.to_string()),
        currency: row.text(Role::Currency).to_owned(),
        cite: row.cite(),
    };
    let mut items: Vec<Late> = late.iter().filter_map(item).collect();
    items.sort_by_key(|late| (late.due, late.cite.clone()));
    items.truncate(ITEMS_MAX);
    Some(Overdue {
        as_at: today,
        count: late.len(),
        untold,
        undated_count: open.len(),
        undated: open.iter().take(ITEMS_MAX).map(without).collect(),
        totals: totals(&late, &BTreeSet::new()),
        owed: owed(&late),
        items,
    })
}

/// What is owed in each currency, by the column that says so.
fn owed(late: &[&Record]) -> Vec<Owed> {
    let mut sums: BTreeMap<(&str, &str), Vec<Decimal>> = BTreeMap::new();
    for row in late {
        if let Some((column, owed)) = &row.owed {
            let key = (row.text(Role::Currency), column.as_str());
            sums.entry(key).or_default().push(*owed);
        }
    }
    let label = |of: &str, currency: &str| {
        let mine = |row: &&&Record| {
            let column = row.owed.as_ref().map(|(column, _)| column.as_str());
            column == Some(of) && row.text(Role::Currency) == currency
        };
        groups::label(&late.iter().filter(mine).map(|row| row.label(of)).collect())
    };
    let sum = |((currency, of), owed): ((&str, &str), Vec<Decimal>)| {
        Some(Owed {
            label: label(of, currency),
            of: of.to_owned(),
            currency: Some(currency.to_owned()).filter(|it| !it.is_empty()),
            amount: decimal::sum(owed)?.widened(2).to_string(),
        })
    };
    sums.into_iter().filter_map(sum).collect()
}

/// Days on which a person's hours come to more than [`DAY_HOURS_MAX`].
#[must_use]
pub fn long_days(rows: &[&Record]) -> Vec<LongDay> {
    let mut days: BTreeMap<(Date, String), Vec<&Record>> = BTreeMap::new();
    for row in rows {
        if let Some(day) = row.day(Role::Date) {
            days.entry((day, fold(row.text(Role::Person))))
                .or_default()
                .push(row);
        }
    }
    let long = |((date, _), rows): ((Date, String), Vec<&Record>)| {
        let hours = decimal::sum(rows.iter().filter_map(|row| row.number("hours")))?;
        (hours > Decimal::new(DAY_HOURS_MAX, 0)).then(|| LongDay {
            person: rows[0].text(Role::Person).to_owned(),
            date,
            hours: hours.widened(2).to_string(),
            cites: rows.iter().take(PLACES_MAX).map(|row| row.cite()).collect(),
        })
    };
    days.into_iter().filter_map(long).collect()
}
