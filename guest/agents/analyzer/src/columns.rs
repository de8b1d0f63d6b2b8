//! One file: its columns with types, figures and gaps, and its rows as typed records.

mod currency;
mod figures;
mod heads;
mod order;

use std::rc::Rc;

use naos_reading::SourceFile;
use naos_reading::dates::Date;
use naos_reading::decimal::{Decimal, Point};
use naos_reading::table::{self, Row, Table};
use naos_reading::words::{fold, shorten};
use serde::Serialize;

use crate::days::{self, day};
use crate::doubts::Doubt;
use crate::groups::Kind;
use crate::names;
use crate::numbers::{Number, Numbers};
use crate::paid;
use crate::payments::{self, Remark};
use crate::receipts;
use crate::roles::{self, Role};
use crate::unread::{self, Unread};
use order::{Order, Proofs};

/// Of ten cells that are filled so many must be of a kind to make the column of that kind.
const OF_TEN_MIN: usize = 8;
/// So many are enough where the column's name, or a currency in its cells, says what it holds.
const OF_TEN_NAMED_MIN: usize = 5;
/// So many places are named where there may be many.
pub const CITES_MAX: usize = 8;

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Nothing in it.
    Empty,
    /// Numbers.
    Number,
    /// Days.
    Date,
    /// Yes and no.
    Boolean,
    /// Anything else.
    Text,
}

/// What is known about a column.
#[derive(Debug, Serialize)]
pub struct Column {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(rename = "type")]
    kind: Type,
    filled: usize,
    missing: usize,
    distinct: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<String>,
    /// Places of cells that are not of the column's type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    odd: Vec<String>,
    /// Two ways of writing days in one column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<&'static str>,
}

/// What is known about a file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    file: String,
    /// Where its columns are named, where that isn't its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    header_line: Option<usize>,
    delimiter: String,
    decimal: &'static str,
    bom: bool,
    rows: usize,
    blank_rows: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ragged: Vec<Ragged>,
    columns: Vec<Column>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

impl FileReport {
    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Where its columns are named.
    #[must_use]
    pub fn header_line(&self) -> usize {
        self.header_line.unwrap_or(1)
    }
}

#[derive(Debug, Serialize)]
struct Ragged {
    cite: String,
    cells: usize,
    expected: usize,
}

/// One row, typed.
#[derive(Clone, Debug)]
pub struct Record {
    /// The file's path.
    pub file: String,
    /// The line it begins on.
    pub line: usize,
    /// All cells, folded: two rows with the same are the same.
    pub key: String,
    cells: Vec<(Role, String)>,
    /// Its numbers: role or column name, and value.
    pub numbers: Vec<(String, Decimal)>,
    /// Which of these columns hold money, in the whole table.
    pub money: Rc<[String]>,
    /// The columns whose names say something else than their role does, and these names.
    pub labels: Rc<[(String, String)]>,
    /// The columns whose names speak of a currency, where they speak of several.
    pub units: Rc<[(String, String)]>,
    /// The columns of amounts and hours in which it has a cell that is not read.
    pub unread: Vec<String>,
    /// It counts no more: neither billed nor owed.
    pub cancelled: bool,
    /// Whether nothing is open any more; none where no column of the table tells.
    pub settled: Option<bool>,
    /// What deserves a word about how that was taken.
    pub remark: Option<Remark>,
    /// What was paid of it as a table of payments says.
    pub received_elsewhere: Option<Decimal>,
    /// What is still to be paid, and the column that says so: what is open, else with tax before
    /// without.
    pub owed: Option<(String, Decimal)>,
    days: Vec<(Role, Date)>,
}

impl Record {
    /// What a column is called, where that says something else than its role does.
    #[must_use]
    pub fn label(&self, column: &str) -> Option<&str> {
        let mut labels = self.labels.iter().filter(|(name, _)| name == column);
        labels.next().map(|(_, label)| label.as_str())
    }
    /// The currency of a column: its own where the table's columns have several, else the row's.
    #[must_use]
    pub fn currency(&self, column: &str) -> &str {
        let mut units = self.units.iter().filter(|(name, _)| name == column);
        let unit = units.next().map(|(_, unit)| unit.as_str());
        unit.unwrap_or_else(|| self.text(Role::Currency))
    }
    /// Whether its table has a column of a role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.cells.iter().any(|(at, _)| *at == role)
    }
    /// Writes a text into a role that has none yet.
    pub fn set_text(&mut self, role: Role, text: &str) {
        self.cells.retain(|(at, _)| *at != role);
        self.cells.push((role, text.to_owned()));
    }
    /// Takes the day of one role for that of another too.
    pub fn take_day(&mut self, from: Role, role: Role) {
        let day = self.day(from);
        self.days.extend(day.map(|day| (role, day)));
    }
    /// The text of a role's cell; empty where there is none.
    #[must_use]
    pub fn text(&self, role: Role) -> &str {
        self.cells
            .iter()
            .find(|(at, _)| *at == role)
            .map_or("", |(_, text)| text)
    }
    /// Every text of a role that a table may have more than once.
    pub fn texts(&self, role: Role) -> impl Iterator<Item = &str> {
        let cells = self.cells.iter().filter(move |(at, _)| *at == role);
        cells.map(|(_, text)| text.trim())
    }
    /// The day in a role's cell.
    #[must_use]
    pub fn day(&self, role: Role) -> Option<Date> {
        self.days
            .iter()
            .find(|(at, _)| *at == role)
            .map(|&(_, day)| day)
    }
    /// Every day of a role that a table may have more than once.
    pub fn days(&self, role: Role) -> impl Iterator<Item = Date> {
        let days = self.days.iter().filter(move |(at, _)| *at == role);
        days.map(|&(_, day)| day)
    }
    /// The number in a column.
    #[must_use]
    pub fn number(&self, column: &str) -> Option<Decimal> {
        self.numbers
            .iter()
            .find(|(at, _)| at == column)
            .map(|&(_, number)| number)
    }
    /// `file:line`.
    #[must_use]
    pub fn cite(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// A file, read.
pub struct Sheet {
    /// For the answer.
    pub report: FileReport,
    /// Its rows.
    pub records: Vec<Record>,
    /// What it is about.
    pub kind: Kind,
    /// It may hold payments, if another table knows the invoices that it names.
    pub may_be_payments: bool,
    /// What can't be right in it.
    pub doubts: Vec<Doubt>,
    /// What of it is not read, and what was malformed.
    pub notes: Vec<String>,
}

/// Reads a file, with what is paid on a day; a sentence where it holds no table.
///
/// # Errors
/// Says why it is no table.
pub fn read(file: &SourceFile, today: Date) -> Result<Sheet, String> {
    if file.text.contains('\0') {
        return Err(format!("{}: not read: not text", file.path));
    }
    let mut table = table::read(&file.text);
    if let Some(below) = heads::below_titles(&file.text, &table) {
        table = below;
    }
    let again = heads::again(&mut table);
    if table.header.is_empty() {
        return Err(format!("{}: empty", file.path));
    }
    if table.rows.is_empty() {
        return Err(format!(
            "{}:{}: a header and no rows",
            file.path, table.header_line
        ));
    }
    let numbers = Numbers::of(&table);
    let roles = roles::assign(&table, &numbers);
    let types: Vec<Type> = (0..table.header.len())
        .map(|at| type_of(&table, at, &numbers, roles[at]))
        .collect();
    let holds_days = |at: usize| roles[at].is_some_and(Role::is_day) || types[at] == Type::Date;
    let (orders, proofs): (Vec<Order>, Vec<Proofs>) =
        order::orders(&table, holds_days).into_iter().unzip();
    let mut whole = Whole {
        path: &file.path,
        table: &table,
        written: &numbers,
        types: &types,
        roles: &roles,
        orders: &orders,
        money: Rc::default(),
        labels: Rc::default(),
        units: Rc::default(),
        counted: Vec::new(),
        tells_paid: false,
        today,
    };
    let money: Vec<bool> = (0..table.header.len())
        .map(|at| whole.is_money(at))
        .collect();
    whole.money = (0..table.header.len())
        .filter(|&at| money[at])
        .map(|at| column_key(&table.header[at], roles[at]))
        .collect();
    whole.labels = whole.labels();
    whole.units = whole.units(&money);
    whole.tells_paid = whole.tells_paid();
    let is_hours = |at: usize| roles[at] == Some(Role::Hours) && whole.is_measure(at);
    let counted = (0..table.header.len()).map(|at| money[at] || is_hours(at));
    whole.counted = counted.collect();
    let malformed: Vec<String> = table
        .notes
        .iter()
        .map(|(line, why)| format!("{}:{line}: {why}", file.path))
        .collect();
    let mut notes = malformed.clone();
    notes.extend(
        again
            .iter()
            .map(|line| format!("{}:{line}: the header again: not counted", file.path)),
    );
    notes.extend(unread::rows(&file.path, &table));
    let uncounted: Vec<Option<String>> = (0..table.header.len())
        .map(|at| whole.uncounted(at))
        .collect();
    let told: Vec<bool> = (0..table.header.len())
        .map(|at| whole.counted[at] || uncounted[at].is_some())
        .collect();
    let silent = uncounted.iter().all(Option::is_none);
    notes.extend(uncounted.into_iter().flatten());
    let amounts = unread::amounts(&file.path, &whole.unread(&told));
    let known: Vec<Role> = roles.iter().copied().flatten().collect();
    let (kind, may_be_payments) = receipts::kind_of(&file.path, &table, &roles, &known);
    let silent = silent && amounts.is_empty() && !money.contains(&true);
    let prices = whole.without_totals(&money);
    let silent = silent && prices.is_none();
    notes.extend(prices);
    if silent && kind == Kind::Table {
        notes.push(not_known(&file.path, &table));
    }
    notes.extend(amounts);
    notes.extend(unread::days(&file.path, &whole.unread_days()));
    let (sums, rows): (Vec<usize>, Vec<usize>) =
        (0..table.rows.len()).partition(|&at| whole.is_sum(at));
    notes.extend(sums.iter().map(|&at| {
        let line = table.rows[at].line;
        format!("{}:{line}: a row of totals: not counted", file.path)
    }));
    let currencies = whole.currencies(&rows, &money);
    notes.extend(currencies.note);
    let mut doubts = whole.mixed_days(&proofs);
    doubts.extend(currencies.doubt);
    let records = rows.into_iter().zip(currencies.rows);
    let mut records = records.map(|(at, it)| whole.record(at, it)).collect();
    if matches!(kind, Kind::Invoices | Kind::Purchases) {
        let (invoices, together) = payments::together(records, today);
        records = invoices;
        notes.extend(together);
    }
    let columns = (0..table.header.len()).map(|at| whole.column(at)).collect();
    let report = FileReport {
        file: file.path.clone(),
        header_line: Some(table.header_line).filter(|&line| line != 1),
        delimiter: match table.delimiter {
            Some('\t') => "tab".to_owned(),
            other => other.unwrap_or(',').to_string(),
        },
        decimal: if numbers.point() == Point::Comma {
            ","
        } else {
            "."
        },
        bom: file.text.starts_with('\u{feff}'),
        rows: table.rows.len(),
        blank_rows: table.blank.len(),
        ragged: ragged(&file.path, &table),
        columns,
        notes: malformed,
    };
    Ok(Sheet {
        report,
        records,
        notes,
        kind,
        may_be_payments,
        doubts,
    })
}

fn ragged(path: &str, table: &Table) -> Vec<Ragged> {
    let row = |&(line, cells): &(usize, usize)| Ragged {
        cite: format!("{path}:{line}"),
        cells,
        expected: table.header.len(),
    };
    table.ragged.iter().take(CITES_MAX).map(row).collect()
}

fn filled(table: &Table, at: usize) -> impl Iterator<Item = (&str, usize)> {
    table
        .rows
        .iter()
        .map(move |row| (row.cells[at].as_str(), row.line))
        .filter(|(cell, _)| !cell.is_empty())
}

const BOOLEANS: &[&str] = &[
    "yes", "no", "oui", "non", "true", "false", "eny", "tsia", "vrai", "faux",
];

/// Whether a column is one of amounts or hours by its name alone.
fn names_amounts(table: &Table, at: usize, role: Option<Role>) -> bool {
    match role {
        Some(role) => role.is_money() || role == Role::Hours,
        None => names::names_money(&table.header[at]),
    }
}

/// Nothing of a table is counted whose columns say neither money nor whose hours they are: that is
/// told, and not left to be missed.
fn not_known(path: &str, table: &Table) -> String {
    let (line, rows) = (table.header_line, table.rows.len());
    let heads = table.header.join(", ");
    let heads = shorten(&heads, HEADS_CHARS_MAX);
    format!(
        "{path}:{line}: {rows} rows not counted: its columns name no amounts, and no hours of \
         persons ({heads})"
    )
}

/// How much of a table's head is told.
const HEADS_CHARS_MAX: usize = 80;

/// A currency, and no unit of another kind.
fn is_currency(unit: &str) -> bool {
    !matches!(unit, "h" | "%")
}

fn type_of(table: &Table, at: usize, written: &Numbers, role: Option<Role>) -> Type {
    let (mut all, mut numbers, mut days, mut booleans) = (0, 0, 0, 0);
    let mut amounts = names_amounts(table, at, role);
    let counts_days = role.is_some_and(Role::is_day);
    for (cell, _) in filled(table, at).filter(|(cell, _)| !unread::says_none(cell)) {
        all += 1;
        numbers += usize::from(written.holds_one(at, cell));
        let unit = written.read(at, cell).and_then(|(_, unit)| unit);
        amounts |= unit.is_some_and(|unit| is_currency(&unit));
        let counted = || counts_days && days::counted(cell).is_some();
        days += usize::from(day(cell, false).is_some() || counted());
        booleans += usize::from(cell.len() <= 5 && BOOLEANS.contains(&fold(cell).as_str()));
    }
    let mostly = |count: usize| count * 10 >= all * OF_TEN_MIN;
    let enough = if amounts {
        OF_TEN_NAMED_MIN
    } else {
        OF_TEN_MIN
    };
    match () {
        () if all == 0 => Type::Empty,
        () if mostly(days) => Type::Date,
        () if mostly(booleans) => Type::Boolean,
        () if numbers * 10 >= all * enough => Type::Number,
        () => Type::Text,
    }
}

struct Whole<'a> {
    path: &'a str,
    table: &'a Table,
    written: &'a Numbers,
    types: &'a [Type],
    roles: &'a [Option<Role>],
    orders: &'a [Order],
    money: Rc<[String]>,
    labels: Rc<[(String, String)]>,
    units: Rc<[(String, String)]>,
    /// Whether a column holds amounts or hours: what isn't read in it is told.
    counted: Vec<bool>,
    /// Whether a column says what is paid.
    tells_paid: bool,
    today: Date,
}

impl Whole<'_> {
    /// Numbers that name something are not summed.
    fn is_measure(&self, at: usize) -> bool {
        let names = matches!(
            self.roles[at],
            Some(Role::Number | Role::Client | Role::Project | Role::Currency | Role::Price)
        );
        let is_day = self.roles[at].is_some_and(Role::is_day);
        self.types[at] == Type::Number && !names && !is_day
    }

    /// The number in a cell; a share of a hundred is no amount and no time.
    fn read(&self, at: usize, cell: &str) -> Option<Number> {
        let number = self.written.read(at, cell)?;
        let share = number.1.as_deref() == Some("%");
        let counts = self.roles[at].is_some_and(|it| it.is_money() || it == Role::Hours);
        (!(share && counts)).then_some(number)
    }

    /// Whether a cell where amounts belong that were paid says which share of it was.
    fn is_share(&self, at: usize, cell: &str) -> bool {
        self.roles[at] == Some(Role::Received) && paid::percent(cell).is_some()
    }

    /// Totals are named as they are where nothing says that tax is in them.
    fn labels(&self) -> Rc<[(String, String)]> {
        let taxed = [Role::Net, Role::Vat].map(|role| self.roles.contains(&Some(role)));
        let total = |at: &usize| self.roles[*at] == Some(Role::Total);
        let bare = (0..self.roles.len()).filter(total);
        let bare = bare.filter(|&at| !names::says_gross(&self.table.header[at]));
        let label = |at: usize| {
            let name = self.table.header[at].clone();
            (column_key(&name, Some(Role::Total)), name)
        };
        match taxed.contains(&true) {
            true => Rc::default(),
            false => bare.map(label).collect(),
        }
    }

    /// What is told of a table whose only amounts are prices of one of many.
    fn without_totals(&self, money: &[bool]) -> Option<String> {
        let price = |at: &usize| {
            let name = &self.table.header[*at];
            let named = names::names_money(name) || names::is_price(name);
            self.roles[*at] == Some(Role::Price) && named && self.types[*at] == Type::Number
        };
        let at = (0..self.roles.len()).find(price)?;
        let (path, line) = (self.path, self.table.header_line);
        let column = &self.table.header[at];
        (!money.contains(&true)).then(|| {
            format!("{path}:{line}: column {column} not counted: prices or rates, and no totals")
        })
    }

    /// Where the columns are named.
    fn head(&self) -> (&str, usize) {
        (self.path, self.table.header_line)
    }

    /// What is told of columns in which days are written in two orders.
    fn mixed_days(&self, proofs: &[Proofs]) -> Vec<Doubt> {
        let mixed = |at: &usize| {
            let role = self.roles[*at].is_some_and(Role::is_day);
            role && self.orders[*at] == Order::Mixed
        };
        let doubt = |at: usize| {
            let all = filled(self.table, at);
            let either = all
                .filter(|(cell, _)| order::either(cell).is_some())
                .count();
            let values = vec![self.table.header[at].clone(), either.to_string()];
            let lines = [proofs[at].day_first, proofs[at].month_first];
            let lines: Vec<usize> = lines.into_iter().flatten().collect();
            Doubt::of_file("mixed-days", values, self.head(), &lines)
        };
        (0..self.roles.len()).filter(mixed).map(doubt).collect()
    }

    /// An amount says so: by its name, by a currency in its cells, or by a fraction beside a column
    /// of currencies. Every other number is a count or a measure.
    fn is_money(&self, at: usize) -> bool {
        if !self.is_measure(at) || self.roles[at] == Some(Role::Hours) {
            return false;
        }
        let role = self.roles[at].is_some_and(Role::is_money);
        let cells = || filled(self.table, at).filter_map(|(cell, _)| self.written.read(at, cell));
        let currency =
            |(_, currency): (Decimal, Option<String>)| currency.is_some_and(|it| is_currency(&it));
        let beside = self.roles.contains(&Some(Role::Currency));
        role || names::names_money(&self.table.header[at])
            || cells().any(currency)
            || beside && cells().any(|(number, _)| number.scale() > 0)
    }

    /// Whether a cell of a column of amounts isn't read as one.
    fn is_unread(&self, at: usize, cell: &str) -> bool {
        let nothing = cell.is_empty() || unread::says_none(cell);
        !nothing && self.read(at, cell).is_none() && !self.is_share(at, cell)
    }

    /// Whether a cell of any column that is summed may be one number or another.
    fn is_ambiguous(&self, at: usize, cell: &str) -> bool {
        self.is_measure(at) && self.written.ambiguous(at, cell).is_some()
    }

    /// Every cell that isn't read in the columns of amounts that are told of, and every one that
    /// may be two numbers.
    fn unread(&self, told: &[bool]) -> Vec<Unread> {
        let cells = self.table.rows.iter().flat_map(|row| {
            let cells = row.cells.iter().enumerate();
            cells.map(move |(at, cell)| (row.line, at, cell))
        });
        cells
            .filter(|&(_, at, cell)| {
                told[at] && self.is_unread(at, cell) || self.is_ambiguous(at, cell)
            })
            .map(|(line, at, cell)| Unread {
                line,
                column: self.table.header[at].clone(),
                cell: cell.clone(),
                either: self
                    .written
                    .ambiguous(at, cell)
                    .map(|it| it.map(|number| number.to_string())),
            })
            .collect()
    }

    /// What is told of a column that is one of amounts by its name, and mostly holds what isn't
    /// read as one. Words alone are none, nor are codes where only a part of the name speaks of
    /// money.
    fn uncounted(&self, at: usize) -> Option<String> {
        let (role, column) = (self.roles[at], &self.table.header[at]);
        let hours = role == Some(Role::Hours) && !self.roles.contains(&Some(Role::Person));
        if self.types[at] != Type::Text || hours || !names_amounts(self.table, at, role) {
            return None;
        }
        let all: Vec<&str> = filled(self.table, at).map(|(cell, _)| cell).collect();
        let is_bad = |cell: &&&str| !self.written.holds_one(at, cell);
        let (count, of) = (all.iter().filter(is_bad).count(), all.len());
        let looks_like_one = |cell: &&str| match role {
            Some(_) => cell.contains(|it: char| it.is_ascii_digit()),
            None => cell.starts_with(|it: char| it.is_ascii_digit() || it == '-'),
        };
        if !all.iter().any(looks_like_one) {
            return None;
        }
        let (path, line) = (self.path, self.table.header_line);
        let why = format!("{count} of its {of} cells are no amounts");
        Some(format!("{path}:{line}: column {column} not counted: {why}"))
    }

    /// The day in a cell; where days belong, also as a spreadsheet counts them.
    fn day(&self, at: usize, cell: &str) -> Option<Date> {
        let order = self.orders[at];
        let either = || order == Order::Mixed && order::either(cell).is_some();
        let read = day(cell, order == Order::MonthFirst).filter(|_| !either());
        if !self.roles[at].is_some_and(Role::is_day) {
            return read;
        }
        let read = read.or_else(|| days::counted(cell));
        read.filter(|_| !days::is_zero(cell))
    }

    /// Every cell that isn't read where days belong: none where nobody paid, but when something is
    /// due has to be there.
    fn unread_days(&self) -> Vec<Unread> {
        let is_unread = |at: usize, cell: &str| {
            let wanted = match self.roles[at] {
                Some(Role::Due) => !cell.is_empty() && !unread::says_none(cell),
                Some(Role::Paid) => days::is_like_one(cell) && !days::is_zero(cell),
                Some(Role::Date) => days::is_like_one(cell),
                _ => false,
            };
            wanted && self.day(at, cell).is_none()
        };
        let cells = self.table.rows.iter().flat_map(|row| {
            let cells = row.cells.iter().enumerate();
            cells.map(move |(at, cell)| (row.line, at, cell))
        });
        cells
            .filter(|(_, at, cell)| is_unread(*at, cell))
            .map(|(line, at, cell)| Unread {
                line,
                column: self.table.header[at].clone(),
                cell: cell.clone(),
                either: order::either(cell).map(|it| it.map(|day| day.to_string())),
            })
            .collect()
    }

    /// Whether a row sums up the others: it says so, and names neither a number nor a day.
    fn is_sum(&self, at: usize) -> bool {
        let row = &self.table.rows[at];
        let mut cells = row.cells.iter().zip(self.roles);
        let named = |(cell, role): (&String, &Option<Role>)| {
            let names = matches!(role, Some(Role::Number | Role::Date | Role::Due));
            names && !cell.is_empty() && !names::says_sum(cell)
        };
        !cells.any(named) && row.cells.iter().any(|cell| names::says_sum(cell))
    }

    fn record(&self, at: usize, currency: String) -> Record {
        let row = &self.table.rows[at];
        let credit = self.is_credit(row);
        let mut unread = Vec::new();
        let (mut cells, mut numbers, mut days) = (Vec::new(), Vec::new(), Vec::new());
        for (at, cell) in row.cells.iter().enumerate() {
            if let Some(role) = self.roles[at].filter(|it| *it != Role::Currency) {
                let told = if self.is_share(at, cell) {
                    Role::Paid
                } else {
                    role
                };
                cells.push((told, cell.clone()));
                if let Some(day) = self.day(at, cell) {
                    days.push((role, day));
                }
            }
            if self.counted[at] && self.is_unread(at, cell) || self.is_ambiguous(at, cell) {
                unread.push(column_key(&self.table.header[at], self.roles[at]));
            }
            let number = || self.read(at, cell);
            if let Some((number, _)) = self.is_measure(at).then(number).flatten() {
                let key = column_key(&self.table.header[at], self.roles[at]);
                // Some offices write down what they give back without a sign.
                let given = credit && self.money.contains(&key) && !number.is_negative();
                let back = || Decimal::new(0, 0).minus(number);
                numbers.push((key, given.then(back).flatten().unwrap_or(number)));
            }
        }
        let key = row
            .cells
            .iter()
            .map(|cell| fold(cell))
            .collect::<Vec<_>>()
            .join("\u{1f}");
        cells.push((Role::Currency, currency));
        let mut record = Record {
            file: self.path.to_owned(),
            line: row.line,
            key,
            cells,
            numbers,
            money: Rc::clone(&self.money),
            labels: Rc::clone(&self.labels),
            units: Rc::clone(&self.units),
            unread,
            cancelled: self.is_cancelled(row),
            settled: None,
            remark: None,
            received_elsewhere: None,
            owed: None,
            days,
        };
        record.owed = payments::owed(&record);
        if self.tells_paid {
            let (settled, remark) = payments::settled(&record, self.today);
            (record.settled, record.remark) = (Some(settled), remark);
        }
        record
    }

    /// Whether a row is a credit note: a whole cell says so, of its status or of a column that is
    /// for nothing else.
    fn is_credit(&self, row: &Row) -> bool {
        let mut cells = row.cells.iter().zip(self.roles);
        cells.any(|(cell, role)| {
            matches!(role, None | Some(Role::Status)) && paid::is_credit_alone(cell)
        })
    }

    /// Whether a row counts no more: its status, a whole cell or a column for it alone says so.
    fn is_cancelled(&self, row: &Row) -> bool {
        let says = |(at, cell): (usize, &String)| {
            let asked = || paid::is_cancelled(&self.table.header[at]);
            let yes = || match paid::says(cell) {
                Some(says) => says.settled,
                None => self.day(at, cell).is_some(),
            };
            match self.roles[at] {
                Some(Role::Status | Role::Paid) => paid::is_cancelled(cell),
                None if asked() && yes() => true,
                _ => paid::is_cancelled_alone(cell),
            }
        };
        row.cells.iter().enumerate().any(says)
    }

    /// An empty column for payments says that nothing is paid; a status has to speak of payments.
    fn tells_paid(&self) -> bool {
        let tells = |(at, role): (usize, &Option<Role>)| match role {
            Some(Role::Paid | Role::Received | Role::Open) => true,
            Some(Role::Status) => {
                let told = |cell| paid::says(cell).is_some() && !paid::is_cancelled(cell);
                filled(self.table, at).any(|(cell, _)| told(cell))
            }
            _ => false,
        };
        self.roles.iter().enumerate().any(tells)
    }
}

/// Columns of one role are one column, however they are called.
pub fn column_key(name: &str, role: Option<Role>) -> String {
    let named = |role: Role| serde_json::to_value(role).ok()?.as_str().map(str::to_owned);
    role.and_then(named).unwrap_or_else(|| fold(name))
}
