//! What can't be right as it is written: told with its places, and counted as it stands. Start at
//! [`find`].

use std::collections::BTreeMap;

use naos_reading::dates::Date;
use naos_reading::decimal::{self, Decimal};
use naos_reading::words::fold;
use serde::Serialize;

use crate::columns::{CITES_MAX, Record, column_key};
use crate::groups::{Kind, party};
use crate::payments;
use crate::roles::Role;

/// More hours than this no day has.
const DAY_HOURS: i128 = 24;
/// Tax and net may differ from their sum by so many hundredths: each of them is rounded.
const ROUNDING_CENTS: i128 = 2;

/// Something that deserves a look.
#[derive(Clone, Debug, Serialize)]
pub struct Doubt {
    /// What it is.
    pub code: &'static str,
    /// The invoice, or the person and the day.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// What stands there.
    pub values: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub currency: String,
    /// Whom it concerns; nobody where it is about a file.
    pub parties: Vec<String>,
    /// So many places there are.
    pub count: usize,
    /// The first of them.
    pub cites: Vec<String>,
}

impl Doubt {
    /// About a file and not about one of its rows: its head is the first of the places.
    pub fn of_file(
        code: &'static str,
        values: Vec<String>,
        (path, head): (&str, usize),
        lines: &[usize],
    ) -> Self {
        let places = std::iter::once(&head).chain(lines).take(CITES_MAX);
        Self {
            code,
            of: String::new(),
            values,
            currency: String::new(),
            parties: Vec::new(),
            count: lines.len() + 1,
            cites: places.map(|line| format!("{path}:{line}")).collect(),
        }
    }

    /// About one row, or a few of one thing.
    fn of_rows(code: &'static str, of: String, values: Vec<String>, rows: &[&Record]) -> Self {
        let mut parties: Vec<String> = rows.iter().map(|row| party(row).to_owned()).collect();
        parties.dedup();
        Self {
            code,
            of,
            values,
            currency: rows[0].text(Role::Currency).to_owned(),
            parties,
            count: rows.len(),
            cites: rows.iter().take(CITES_MAX).map(|row| row.cite()).collect(),
        }
    }
}

/// Everything of one kind of table that can't be right.
#[must_use]
pub fn find(kind: Kind, rows: &[&Record]) -> Vec<Doubt> {
    let mut found = Vec::new();
    match kind {
        Kind::Invoices | Kind::Purchases => {
            for row in rows {
                found.extend(tax(row));
                found.extend(overpaid(row));
                found.extend(due_before(row));
            }
        }
        Kind::Timesheet => {
            found.extend(rows.iter().filter_map(|row| negative(row)));
            found.extend(full_days(rows));
        }
        Kind::Payments | Kind::Table => {}
    }
    found
}

/// What an invoice is known by.
fn known_by(row: &Record) -> String {
    let known = [row.text(Role::Number), party(row)];
    let known = known.into_iter().find(|it| !it.is_empty());
    known.unwrap_or("?").to_owned()
}

fn number(row: &Record, role: Role) -> Option<Decimal> {
    row.number(&column_key("", Some(role)))
}

fn shown(numbers: &[Decimal]) -> Vec<String> {
    numbers.iter().map(ToString::to_string).collect()
}

/// Net and tax that don't come to the total.
fn tax(row: &Record) -> Option<Doubt> {
    let (net, tax) = (number(row, Role::Net)?, number(row, Role::Vat)?);
    let total = number(row, Role::Total)?;
    let gap = net.plus(tax)?.minus(total)?.magnitude();
    let values = shown(&[net, tax, total]);
    let wrong = gap > Decimal::new(ROUNDING_CENTS, 2);
    wrong.then(|| Doubt::of_rows("tax-sum", known_by(row), values, &[row]))
}

/// More was paid than was billed.
fn overpaid(row: &Record) -> Option<Doubt> {
    let received = number(row, Role::Received)?;
    let (_, billed) = payments::billed(row)?;
    let values = shown(&[received, billed]);
    let wrong = received > billed && !billed.is_negative();
    wrong.then(|| Doubt::of_rows("overpaid", known_by(row), values, &[row]))
}

/// It is due before it was written.
fn due_before(row: &Record) -> Option<Doubt> {
    let (due, date) = (row.day(Role::Due)?, row.day(Role::Date)?);
    let values = vec![due.to_string(), date.to_string()];
    (due < date).then(|| Doubt::of_rows("due-before", known_by(row), values, &[row]))
}

/// Who worked, and when.
fn worked(row: &Record) -> String {
    let day = row.day(Role::Date).map(|day| day.to_string());
    let person = row.text(Role::Person).trim().to_owned();
    let told = [person, day.unwrap_or_default()];
    let told: Vec<String> = told.into_iter().filter(|it| !it.is_empty()).collect();
    told.join(", ")
}

fn negative(row: &Record) -> Option<Doubt> {
    let hours = number(row, Role::Hours).filter(|hours| hours.is_negative())?;
    let values = shown(&[hours]);
    Some(Doubt::of_rows(
        "negative-hours",
        worked(row),
        values,
        &[row],
    ))
}

/// Days of a person with more hours than a day has, all rows taken together.
fn full_days(rows: &[&Record]) -> Vec<Doubt> {
    let mut days: BTreeMap<(Date, String), Vec<&Record>> = BTreeMap::new();
    for row in rows {
        let person = fold(row.text(Role::Person).trim());
        if let Some(day) = row.day(Role::Date).filter(|_| !person.is_empty()) {
            days.entry((day, person)).or_default().push(row);
        }
    }
    let full = |rows: &Vec<&Record>| {
        let hours = decimal::sum(rows.iter().filter_map(|row| number(row, Role::Hours)))?;
        let values = shown(&[hours]);
        let wrong = hours > Decimal::new(DAY_HOURS, 0);
        wrong.then(|| Doubt::of_rows("long-day", worked(rows[0]), values, rows))
    };
    days.values().filter_map(full).collect()
}
