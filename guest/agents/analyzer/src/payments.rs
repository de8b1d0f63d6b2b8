//! What is still to be paid of an invoice, by all the columns that tell of it. Amounts weigh more
//! than words: where they leave something, it is owed, whatever else is said.

use std::collections::BTreeMap;

use naos_reading::dates::Date;
use naos_reading::decimal::{Decimal, Point};
use naos_reading::words::fold;

use crate::columns::{Record, column_key};
use crate::days;
use crate::groups::party;
use crate::paid;
use crate::roles::Role;

/// What deserves a word about how a row was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Its payment is dated after the day that is asked about.
    Ahead(Date),
    /// A part of it was paid, and nothing says how much.
    Part,
    /// It says that it is paid, and its amounts say that something is left.
    Left(Decimal),
}

/// What is still to be paid: as a column says, or what was billed less what was paid of it.
#[must_use]
pub fn owed(record: &Record) -> Option<(String, Decimal)> {
    let of = |role: Role| {
        let column = column_key("", Some(role));
        record.number(&column).map(|number| (column, number))
    };
    if let Some(open) = of(Role::Open) {
        return Some(open);
    }
    let (column, billed) = billed(record)?;
    let own = record.number(&column_key("", Some(Role::Received)));
    match own
        .filter(|part| !part.is_zero())
        .or(record.received_elsewhere)
    {
        Some(part) if !part.is_zero() => {
            Some((column_key("", Some(Role::Open)), billed.minus(part)?))
        }
        _ => Some((column, billed)),
    }
}

/// What was billed, and the column that says so: with tax before without.
#[must_use]
pub fn billed(record: &Record) -> Option<(String, Decimal)> {
    let of = |role: Role| {
        let column = column_key("", Some(role));
        record.number(&column).map(|number| (column, number))
    };
    let roles = [Role::Total, Role::Amount, Role::Net];
    roles.into_iter().find_map(of).or_else(|| {
        let mut sums = record.numbers.iter();
        let money = |(name, _): &&(String, Decimal)| record.money.contains(name);
        sums.find(money).cloned()
    })
}

/// Rows of one invoice that say no more than what was paid of it each time are put together: the
/// invoice once, with all that was paid; and what is told of that.
#[must_use]
pub fn together(records: Vec<Record>, today: Date) -> (Vec<Record>, Vec<String>) {
    let received = column_key("", Some(Role::Received));
    let paid = |it: &Record| {
        it.number(&received)
            .filter(|it| !it.is_zero() && !it.is_negative())
    };
    let open = column_key("", Some(Role::Open));
    let mut out: Vec<Record> = Vec::with_capacity(records.len());
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for record in records {
        let number = fold(record.text(Role::Number));
        if number.is_empty() || paid(&record).is_none() || record.number(&open).is_some() {
            out.push(record);
            continue;
        }
        let Some(&at) = places.get(&number) else {
            places.insert(number, out.len());
            out.push(record);
            continue;
        };
        match with(&out[at], &record, &received, today) {
            Some(both) => {
                let first = out[at].line;
                lines
                    .entry(at)
                    .or_insert_with(|| vec![first])
                    .push(record.line);
                out[at] = both;
            }
            None => out.push(record),
        }
    }
    let told = |(at, lines): (usize, Vec<usize>)| {
        let record = &out[at];
        let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
        let number = record.text(Role::Number);
        format!(
            "{}:{}: payments of {number} in rows of their own, taken together: lines {}",
            record.file,
            record.line,
            lines.join(", ")
        )
    };
    let notes = lines.into_iter().map(told).collect();
    (out, notes)
}

/// An invoice with one more payment of it; none where the rows differ in something else, say the
/// very same, or where more would be paid than was billed.
fn with(first: &Record, more: &Record, received: &str, today: Date) -> Option<Record> {
    let rest = |it: &Record| -> Vec<(String, Decimal)> {
        let numbers = it.numbers.iter().filter(|(name, _)| name != received);
        numbers.cloned().collect()
    };
    let same = first.key != more.key
        && rest(first) == rest(more)
        && fold(party(first)) == fold(party(more))
        && first.day(Role::Date) == more.day(Role::Date)
        && first.day(Role::Due) == more.day(Role::Due)
        && !first.cancelled
        && !more.cancelled;
    let sum = first.number(received)?.plus(more.number(received)?)?;
    if !same || sum > billed(first)?.1 {
        return None;
    }
    let mut both = first.clone();
    for (name, number) in &mut both.numbers {
        if name == received {
            *number = sum;
        }
    }
    both.owed = owed(&both);
    if first.settled.is_some() {
        let (settled, remark) = settled(&both, today);
        (both.settled, both.remark) = (Some(settled), remark);
    }
    Some(both)
}

/// Whether nothing of a row is open any more on a day, by any of the columns that tell of payments.
#[must_use]
pub fn settled(record: &Record, today: Date) -> (bool, Option<Remark>) {
    let status = |says: fn(&str) -> bool| {
        let mut cells = record.texts(Role::Status);
        cells.any(says)
    };
    let part = status(paid::is_part) || record.texts(Role::Paid).any(paid::is_part);
    let ahead = record.days(Role::Paid).find(|&day| day > today);
    let remark = ahead.map(Remark::Ahead);
    let settles = |cell: &str| paid::says(cell).is_some_and(|says| says.settled);
    let by_status = status(settles);
    let pays = |cell: &str| paid::says_below_paid(cell).is_some_and(|says| says.settled);
    let by_word = by_status || record.texts(Role::Paid).any(pays);
    let said = by_status && ahead.is_none() || paid_by_day(record, today);
    let owed = record.owed.as_ref().map(|(_, owed)| *owed);
    let nothing = owed.is_some_and(|owed| owed.is_zero() || owed.is_negative());
    // A column for what is left, or one for what was paid of it.
    let open = column_key("", Some(Role::Open));
    let left = record.owed.as_ref().filter(|(column, _)| *column == open);
    match left {
        _ if nothing => (true, None),
        Some((_, left)) if said && by_word && !part => (false, Some(Remark::Left(*left))),
        Some(_) => (false, remark),
        None if part => (false, Some(Remark::Part)),
        None if said => (true, None),
        None => (false, remark),
    }
}

/// Whether what stands where a payment is written down says that there was one.
fn paid_by_day(record: &Record, today: Date) -> bool {
    let is_payment = |cell: &str| match paid::says_below_paid(cell) {
        Some(says) => says.settled,
        None => !cell.is_empty() && !days::is_zero(cell) && !is_amount_of_nothing(cell),
    };
    let mut days = record.days(Role::Paid);
    let all_ahead = days.next().is_some_and(|day| day > today) && days.all(|day| day > today);
    !all_ahead && record.texts(Role::Paid).any(is_payment)
}

fn is_amount_of_nothing(cell: &str) -> bool {
    let number = Decimal::parse(cell, Point::Dot).or_else(|| Decimal::parse(cell, Point::Comma));
    number.is_some_and(|(number, _)| number.is_zero())
}
