//! Files of one kind, taken together: copies, sums with and without them, by party and period.

use std::collections::{BTreeMap, BTreeSet};

use naos_reading::dates::Date;
use naos_reading::decimal::{self, Decimal};
use naos_reading::words::fold;
use serde::Serialize;

use crate::checks::{self, LongDay, Near, Outlier, Overdue};
use crate::columns::{CITES_MAX, Record, Sheet};
use crate::doubts::{self, Doubt};
use crate::payments::Remark;
use crate::receipts::Settled;
use crate::roles::Role;
use crate::twice::{self, Conflict, Duplicate, Repeated, Twice};
use crate::unread;

/// Most items of one list in the answer.
pub const ITEMS_MAX: usize = 100;
/// Most places of one item: the rest is counted.
pub const PLACES_MAX: usize = 50;

/// What a table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What we bill.
    Invoices,
    /// What we are billed.
    Purchases,
    /// What was paid of either.
    Payments,
    /// Who worked how long.
    Timesheet,
    /// Anything else.
    Table,
}

/// What is asked for beyond everything.
#[derive(Clone, Debug)]
pub struct Question {
    /// The reference day for what is overdue.
    pub today: Date,
    /// One client to look at separately.
    pub client: Option<String>,
    /// A span of days to look at separately.
    pub period: Option<(Date, Date)>,
}

/// The sum of one column in one currency.
#[derive(Debug, Serialize)]
pub struct Sum {
    /// The column.
    pub column: String,
    /// The currency, where the table has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// It is an amount of money: every other number is a count or a measure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub money: bool,
    /// What the column is called, where it doesn't say what its role is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// Every row counts.
    pub with_duplicates: String,
    /// A row that is there twice counts once.
    pub without_duplicates: String,
    /// So many amounts are missing in it: their cells could not be read.
    #[serde(skip_serializing_if = "is_none")]
    pub unread: usize,
    /// The files that have a number in it.
    files: Vec<String>,
}

/// Whether there is none of it.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
pub const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// One way to look at the rows: all, one client, a period, or both.
#[derive(Debug, Serialize)]
pub struct Scope {
    name: &'static str,
    rows: usize,
    /// The files that have a row here.
    files: Vec<String>,
    /// How many more are cancelled: they count nowhere.
    #[serde(skip_serializing_if = "is_none")]
    cancelled: usize,
    totals: Vec<Sum>,
    /// Rows without a day that are counted for all that.
    #[serde(skip_serializing_if = "Option::is_none")]
    undated: Option<Undated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overdue: Option<Overdue>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    people: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    projects: BTreeMap<String, String>,
}

/// Rows that don't say when.
#[derive(Debug, Serialize)]
struct Undated {
    count: usize,
    hours: String,
    cites: Vec<String>,
}

/// A client or supplier and what they come to.
#[derive(Debug, Serialize)]
struct Party {
    name: String,
    rows: usize,
    totals: Vec<Sum>,
}

/// An invoice that is cancelled.
#[derive(Debug, Serialize)]
struct Cancelled {
    #[serde(skip_serializing_if = "String::is_empty")]
    number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    party: String,
    cite: String,
}

/// Cells that are empty and should not be.
#[derive(Debug, Serialize)]
struct Missing {
    column: &'static str,
    count: usize,
    cites: Vec<String>,
}

/// Everything about the files of one kind.
#[derive(Debug, Serialize)]
pub struct Group {
    /// What they are about.
    pub kind: Kind,
    files: Vec<String>,
    rows: usize,
    /// The column that is judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    measure: Option<String>,
    scopes: Vec<Scope>,
    /// What is cancelled, and counts nowhere else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cancelled: Vec<Cancelled>,
    /// Rows that are there more than once.
    pub duplicates: Vec<Duplicate>,
    /// Numbers that stand for several invoices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Rows that may be the same under another number.
    pub near_duplicates: Vec<Near>,
    /// Numbers far from all others.
    pub outliers: Vec<Outlier>,
    /// How many more of a list there are than it holds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    more: BTreeMap<&'static str, usize>,
    missing: Vec<Missing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    long_days: Vec<LongDay>,
    /// What can't be right as it is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// What came of the payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<Settled>,
    parties: Vec<Party>,
}

impl Group {
    /// The overdue amounts of all rows.
    #[must_use]
    pub fn overdue(&self) -> Option<&Overdue> {
        self.scopes.first().and_then(|scope| scope.overdue.as_ref())
    }
    /// The sums over all rows.
    #[must_use]
    pub fn totals(&self) -> &[Sum] {
        self.scopes.first().map_or(&[], |scope| &scope.totals)
    }
}

/// Puts files of one kind together; tables without a known kind stay alone.
#[must_use]
pub fn gather(sheets: &[Sheet], settled: Option<Settled>, question: &Question) -> Vec<Group> {
    let mut kinds: BTreeMap<(Kind, usize), Vec<&Sheet>> = BTreeMap::new();
    for (at, sheet) in sheets.iter().enumerate() {
        let kind = sheet.kind;
        let alone = if kind == Kind::Table { at } else { 0 };
        kinds.entry((kind, alone)).or_default().push(sheet);
    }
    let mut groups: Vec<Group> = kinds
        .into_iter()
        .map(|((kind, _), sheets)| group(kind, &sheets, question))
        .collect();
    let payments = groups.iter_mut().find(|it| it.kind == Kind::Payments);
    if let Some(payments) = payments {
        payments.settled = settled;
    }
    groups
}

/// What a table is about, by what its columns are for.
pub fn kind_of(roles: &[Role]) -> Kind {
    let has = |role: Role| roles.contains(&role);
    let money = [Role::Net, Role::Total, Role::Amount, Role::Open]
        .map(has)
        .contains(&true);
    let tells = [Role::Paid, Role::Status, Role::Received, Role::Open]
        .map(has)
        .contains(&true);
    match () {
        () if has(Role::Hours) && has(Role::Person) => Kind::Timesheet,
        () if has(Role::Supplier) && money => Kind::Purchases,
        () if has(Role::Number) && money => Kind::Invoices,
        () if has(Role::Due) && money && (has(Role::Client) || tells) => Kind::Invoices,
        () => Kind::Table,
    }
}

/// What is said of invoices that are due some day where nothing says which of them are paid.
#[must_use]
pub fn untold(sheet: &Sheet) -> Option<String> {
    let owes = matches!(sheet.kind, Kind::Invoices | Kind::Purchases);
    let mut rows = sheet.records.iter();
    let due = rows.find(|row| row.settled.is_none() && row.day(Role::Due).is_some())?;
    let why = "no column says what is paid; overdue invoices can't be told";
    owes.then(|| format!("{}: {why}", due.file))
}

/// What is said of the invoices whose payment was not taken as it is written.
#[must_use]
pub fn remarks(sheet: &Sheet, today: Date) -> Vec<String> {
    if !matches!(sheet.kind, Kind::Invoices | Kind::Purchases) {
        return Vec::new();
    }
    let remark = |row: &'_ Record| row.remark.clone().map(|it| (row.line, it));
    let remarks: Vec<(usize, Remark)> = sheet.records.iter().filter_map(remark).collect();
    let remarks: Vec<(usize, &Remark)> = remarks.iter().map(|(line, it)| (*line, it)).collect();
    let path = sheet.records.first().map_or("", |row| &row.file);
    unread::payments(path, today, &remarks)
}

/// The party a row is about: a client or a supplier.
#[must_use]
pub fn party(record: &Record) -> &str {
    let client = record.text(Role::Client);
    if client.is_empty() {
        record.text(Role::Supplier)
    } else {
        client
    }
}

fn group(kind: Kind, sheets: &[&Sheet], question: &Question) -> Group {
    let billed = matches!(kind, Kind::Invoices | Kind::Purchases | Kind::Payments);
    let rows = sheets.iter().flat_map(|sheet| &sheet.records);
    let (void, rows): (Vec<&Record>, Vec<&Record>) = rows.partition(|row| billed && row.cancelled);
    let measure = measure(kind, &rows);
    let Twice {
        mut duplicates,
        mut conflicts,
        repeated,
    } = twice::find(kind, &rows, measure.as_deref());
    let once: Vec<&Record> = rows
        .iter()
        .copied()
        .filter(|row| !repeated.contains(&row.cite()))
        .collect();
    let scope = |name, keep: &dyn Fn(&Record) -> bool| {
        let rows: Vec<&Record> = rows.iter().copied().filter(|row| keep(row)).collect();
        let named = measure.as_deref();
        Scope {
            cancelled: void.iter().filter(|row| keep(row)).count(),
            ..look(name, kind, &rows, &repeated, named, question.today)
        }
    };
    let ours = |row: &Record| {
        question
            .client
            .as_ref()
            .is_some_and(|client| fold(party(row)) == fold(client))
    };
    let within = |row: &Record| {
        // Hours that don't say when were worked for all that: they are counted, and told.
        if kind == Kind::Timesheet && row.day(Role::Date).is_none() {
            return true;
        }
        let span = question.period.zip(row.day(Role::Date));
        span.is_some_and(|((from, to), day)| (from..=to).contains(&day))
    };
    let mut scopes = vec![scope("all", &|_| true)];
    if question.client.is_some() && kind != Kind::Purchases {
        scopes.push(scope("client", &ours));
    }
    if question.period.is_some() {
        scopes.push(scope("period", &within));
    }
    if question.client.is_some() && question.period.is_some() && kind != Kind::Purchases {
        scopes.push(scope("client in period", &|row| ours(row) && within(row)));
    }
    let named = measure.as_deref();
    let mut near_duplicates = checks::near_duplicates(kind, &once, named);
    let mut outliers = checks::outliers(&once, named);
    let mut long_days = match kind {
        Kind::Timesheet => checks::long_days(&once),
        _ => Vec::new(),
    };
    let mut doubts: Vec<Doubt> = sheets.iter().flat_map(|it| it.doubts.clone()).collect();
    doubts.extend(doubts::find(kind, &once));
    let mut parties = parties(kind, &rows, &repeated);
    let more = [
        ("duplicates", cut(&mut duplicates)),
        ("conflicts", cut(&mut conflicts)),
        ("near_duplicates", cut(&mut near_duplicates)),
        ("outliers", cut(&mut outliers)),
        ("long_days", cut(&mut long_days)),
        ("doubts", cut(&mut doubts)),
        ("parties", cut(&mut parties)),
    ];
    Group {
        kind,
        files: sheets
            .iter()
            .filter_map(|sheet| sheet.records.first())
            .map(|row| row.file.clone())
            .collect(),
        rows: rows.len(),
        scopes,
        near_duplicates,
        outliers,
        cancelled: void.iter().take(ITEMS_MAX).map(cancelled).collect(),
        more: more.into_iter().filter(|(_, count)| *count > 0).collect(),
        missing: missing(&rows),
        long_days,
        doubts,
        settled: None,
        parties,
        duplicates,
        conflicts,
        measure,
    }
}

fn cancelled(row: &&Record) -> Cancelled {
    Cancelled {
        number: row.text(Role::Number).to_owned(),
        party: party(row).to_owned(),
        cite: row.cite(),
    }
}

/// Keeps so many items of a list as the answer holds; says how many more there were.
fn cut<T>(items: &mut Vec<T>) -> usize {
    let more = items.len().saturating_sub(ITEMS_MAX);
    items.truncate(ITEMS_MAX);
    more
}

/// The column by which rows are judged: net before total before amount before the first number.
fn measure(kind: Kind, rows: &[&Record]) -> Option<String> {
    let order: &[&str] = match kind {
        Kind::Timesheet => &["hours"],
        Kind::Payments => &["received"],
        _ => &["net", "amount", "total"],
    };
    let has = |column: &str| rows.iter().any(|row| row.number(column).is_some());
    let known = order
        .iter()
        .find(|column| has(column))
        .map(|&column| column.to_owned());
    known.or_else(|| {
        rows.iter()
            .find_map(|row| row.numbers.first())
            .map(|(name, _)| name.clone())
    })
}

fn look(
    name: &'static str,
    kind: Kind,
    rows: &[&Record],
    repeated: &Repeated,
    measure: Option<&str>,
    today: Date,
) -> Scope {
    let once: Vec<&Record> = rows
        .iter()
        .copied()
        .filter(|row| !repeated.contains(&row.cite()))
        .collect();
    let hours = |role: Role| -> BTreeMap<String, String> {
        if kind == Kind::Timesheet {
            by(&once, role, "hours")
        } else {
            BTreeMap::new()
        }
    };
    let mut files: Vec<String> = rows.iter().map(|row| row.file.clone()).collect();
    files.dedup();
    Scope {
        name,
        rows: rows.len(),
        files,
        cancelled: 0,
        totals: totals(rows, repeated),
        undated: undated(kind, &once),
        overdue: checks::overdue(&once, measure, today),
        people: hours(Role::Person),
        projects: hours(Role::Project),
    }
}

/// The rows of a time sheet that don't say when, and their hours.
fn undated(kind: Kind, rows: &[&Record]) -> Option<Undated> {
    let without = |row: &&&Record| {
        let hours = row.number("hours").is_some_and(|hours| !hours.is_zero());
        kind == Kind::Timesheet && hours && row.day(Role::Date).is_none()
    };
    let rows: Vec<&Record> = rows.iter().filter(without).copied().collect();
    let hours = decimal::sum(rows.iter().filter_map(|row| row.number("hours")))?;
    (!rows.is_empty()).then(|| Undated {
        count: rows.len(),
        hours: hours.to_string(),
        cites: rows.iter().take(CITES_MAX).map(|row| row.cite()).collect(),
    })
}

/// The sum of each name, however its letters are written; empty where none of its cells is read.
fn by(rows: &[&Record], role: Role, column: &str) -> BTreeMap<String, String> {
    let mut sums: BTreeMap<String, Named<'_>> = BTreeMap::new();
    for row in rows {
        let named = sums.entry(fold(row.text(role).trim())).or_default();
        named.spelled(row.text(role).trim());
        if let Some(number) = row.number(column) {
            named.sum = Some(match named.sum {
                Some(sum) => sum.plus(number).unwrap_or(sum),
                None => number,
            });
        }
    }
    let shown = |sum: Decimal| sum.widened(2).to_string();
    sums.into_values()
        .filter(|named| !named.name.is_empty())
        .take(ITEMS_MAX)
        .map(|named| {
            (
                named.name.to_owned(),
                named.sum.map(shown).unwrap_or_default(),
            )
        })
        .collect()
}

/// One name in one of its spellings.
#[derive(Default)]
struct Named<'r> {
    name: &'r str,
    sum: Option<Decimal>,
}

impl<'r> Named<'r> {
    /// The first one counts, but for one that is not in capitals.
    fn spelled(&mut self, name: &'r str) {
        let shouted = |name: &str| !name.chars().any(char::is_lowercase);
        if self.name.is_empty() || shouted(self.name) && !shouted(name) {
            self.name = name;
        }
    }
}

/// The numbers of one column in one currency.
#[derive(Default)]
struct Counted<'r> {
    all: Vec<Decimal>,
    once: Vec<Decimal>,
    files: Vec<&'r str>,
}

/// The sums of every numeric column, for each currency.
#[must_use]
pub fn totals(rows: &[&Record], repeated: &Repeated) -> Vec<Sum> {
    let mut columns: Vec<&str> = Vec::new();
    let mut money: BTreeSet<&str> = BTreeSet::new();
    let mut sums: BTreeMap<(usize, &str), Counted<'_>> = BTreeMap::new();
    let mut unread: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut labels: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    for row in rows {
        let counted = repeated.is_empty() || !repeated.contains(&row.cite());
        money.extend(row.money.iter().map(String::as_str));
        for name in row.unread.iter().filter(|_| counted) {
            *unread.entry((name, row.currency(name))).or_default() += 1;
        }
        for (name, number) in &row.numbers {
            let at = columns.iter().position(|it| it == name).unwrap_or_else(|| {
                columns.push(name);
                columns.len() - 1
            });
            let sum = sums.entry((at, row.currency(name))).or_default();
            sum.all.push(*number);
            labels.entry(name).or_default().insert(row.label(name));
            if sum.files.last() != Some(&row.file.as_str()) {
                sum.files.push(&row.file);
            }
            if counted {
                sum.once.push(*number);
            }
        }
    }
    let shown = |numbers: Vec<Decimal>| {
        decimal::sum(numbers).map_or("too large".to_owned(), |sum| sum.to_string())
    };
    let sum = |((at, currency), counted): ((usize, &str), Counted<'_>)| Sum {
        column: columns[at].to_owned(),
        currency: Some(currency.to_owned()).filter(|it| !it.is_empty()),
        money: money.contains(columns[at]),
        label: labels.get(columns[at]).and_then(label),
        with_duplicates: shown(counted.all),
        without_duplicates: shown(counted.once),
        unread: unread
            .get(&(columns[at], currency))
            .copied()
            .unwrap_or_default(),
        files: counted.files.into_iter().map(str::to_owned).collect(),
    };
    sums.into_iter().map(sum).collect()
}

/// What a column is called in all tables; where they call it several names, its role's.
pub fn label(names: &BTreeSet<Option<&str>>) -> Option<String> {
    let first = names.iter().flatten().next()?;
    let same = |name: &Option<&str>| name.is_some_and(|name| fold(name) == fold(first));
    let known = if names.iter().all(same) {
        first
    } else {
        "total"
    };
    Some(known.to_owned())
}

fn parties(kind: Kind, rows: &[&Record], repeated: &Repeated) -> Vec<Party> {
    if kind == Kind::Table {
        return Vec::new();
    }
    let mut all: BTreeMap<String, (Named<'_>, Vec<&Record>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| !party(row).is_empty()) {
        let (named, rows) = all.entry(fold(party(row).trim())).or_default();
        named.spelled(party(row).trim());
        rows.push(row);
    }
    all.into_values()
        .map(|(named, rows)| Party {
            name: named.name.to_owned(),
            rows: rows.len(),
            totals: totals(&rows, repeated),
        })
        .collect()
}

/// Roles whose cells must not be empty, where the table has the column at all.
const NEEDED: &[(Role, &str)] = &[
    (Role::Number, "number"),
    (Role::Date, "date"),
    (Role::Client, "client"),
    (Role::Supplier, "supplier"),
    (Role::Net, "net"),
    (Role::Total, "total"),
    (Role::Amount, "amount"),
    (Role::Currency, "currency"),
    (Role::Due, "due"),
    (Role::Person, "person"),
    (Role::Hours, "hours"),
];

fn missing(rows: &[&Record]) -> Vec<Missing> {
    let gaps = |&(role, column): &(Role, &'static str)| {
        let there = rows.iter().any(|row| !row.text(role).is_empty());
        let empty: Vec<&&Record> = rows
            .iter()
            .filter(|row| there && row.text(role).is_empty())
            .collect();
        let cites = empty.iter().take(CITES_MAX).map(|row| row.cite()).collect();
        (!empty.is_empty()).then_some(Missing {
            column,
            count: empty.len(),
            cites,
        })
    };
    NEEDED.iter().filter_map(gaps).collect()
}
