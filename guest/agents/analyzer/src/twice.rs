//! Rows that are there again, and numbers that stand for several invoices. What is said again is
//! not counted again; what is said otherwise under the same number is shown and counted.

use std::collections::{BTreeMap, BTreeSet};

use naos_reading::dates::Date;
use naos_reading::decimal::Decimal;
use naos_reading::words::fold;
use serde::Serialize;

use crate::columns::Record;
use crate::groups::{Kind, PLACES_MAX, is_none, party};
use crate::roles::Role;

/// So many numbers with rows of several amounts, and most of a file's, make its rows the items
/// of invoices.
const ITEMS_MIN: usize = 3;
/// Shorter numbers begin anew each year.
const YEARLY_DIGITS_MAX: usize = 4;

/// With so many invoices of one number a row is held against, at most.
const VARIANTS_MAX: usize = 50;

/// The places of rows that are not counted again.
pub type Repeated = BTreeSet<String>;

/// Rows that are there more than once.
#[derive(Debug, Serialize)]
pub struct Duplicate {
    /// The number, or the whole row where there is no number.
    pub key: String,
    /// Every cell is the same, not only the number.
    pub same_row: bool,
    /// Their amounts differ by rounding only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rounded: bool,
    #[serde(flatten)]
    shown: Shown,
    /// The places, the first one first.
    pub cites: Vec<String>,
    /// So many more places are not named.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

/// What is shown of a row.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(skip_serializing_if = "String::is_empty")]
    party: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    currency: String,
}

/// One number under which there are several invoices: of other clients, amounts or days.
#[derive(Debug, Serialize)]
pub struct Conflict {
    /// The number.
    pub number: String,
    /// What stands under it, each once.
    invoices: Vec<Shown>,
    /// The place of each of them.
    pub cites: Vec<String>,
}

/// What [`find`] found.
#[derive(Default)]
pub struct Twice {
    /// Rows that are there more than once.
    pub duplicates: Vec<Duplicate>,
    /// Numbers that stand for several invoices.
    pub conflicts: Vec<Conflict>,
    /// What is not counted again.
    pub repeated: Repeated,
}

/// How rows are held against each other.
struct Eye<'a> {
    kind: Kind,
    measure: Option<&'a str>,
    /// The files whose rows are the items of invoices.
    items: BTreeSet<&'a str>,
}

/// Everything that is there more than once, and every number that stands for several invoices.
#[must_use]
pub fn find(kind: Kind, rows: &[&Record], measure: Option<&str>) -> Twice {
    let mut eye = Eye {
        kind,
        measure,
        items: BTreeSet::new(),
    };
    eye.items = eye.files_of_items(rows);
    let mut seen: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for row in rows {
        seen.entry(eye.key(row)).or_default().push(row);
    }
    let mut twice = Twice::default();
    for rows in seen.values().filter(|rows| rows.len() > 1) {
        let mut variants: Vec<Vec<&Record>> = Vec::new();
        for row in rows {
            let mut known = variants.iter().map(|all| all[0]);
            match known.position(|first| eye.is_one_invoice(first, row)) {
                Some(at) => variants[at].push(row),
                None if variants.len() < VARIANTS_MAX => variants.push(vec![row]),
                None => {} // what stands in front of so many is no number of an invoice
            }
        }
        for variant in &variants {
            eye.repeated(variant, &mut twice);
        }
        if variants.len() > 1 && eye.is_billed() {
            twice.conflicts.push(Conflict {
                number: rows[0].text(Role::Number).to_owned(),
                invoices: variants.iter().map(|it| eye.shown(it[0])).collect(),
                cites: variants.iter().map(|it| it[0].cite()).collect(),
            });
        }
    }
    let by_place = |left: &[String], right: &[String]| left.cmp(right);
    let duplicates = &mut twice.duplicates;
    duplicates.sort_by(|left, right| by_place(&left.cites, &right.cites));
    let conflicts = &mut twice.conflicts;
    conflicts.sort_by(|left, right| by_place(&left.cites, &right.cites));
    twice
}

impl Eye<'_> {
    fn is_billed(&self) -> bool {
        matches!(self.kind, Kind::Invoices | Kind::Purchases)
    }

    /// In a time sheet a number is a ticket's or an order's, on which many work; of an invoice
    /// there may be many payments.
    fn number<'r>(&self, row: &'r Record) -> &'r str {
        match self.kind {
            Kind::Timesheet | Kind::Payments => "",
            _ => row.text(Role::Number),
        }
    }

    /// Rows of one key may be the same. Suppliers count on their own; we use each number once.
    fn key(&self, row: &Record) -> String {
        let number = fold(self.number(row));
        if number.is_empty() {
            return row.key.clone();
        }
        let party = match self.kind {
            Kind::Invoices => String::new(),
            _ => fold(party(row)),
        };
        let digits = number.bytes().all(|it| it.is_ascii_digit());
        let yearly = self.is_billed() && digits && number.len() <= YEARLY_DIGITS_MAX;
        let year = row.day(Role::Date).filter(|_| yearly);
        let year = year.map_or_else(String::new, |day| day.year.to_string());
        format!("{party}\u{1e}{number}\u{1e}{year}")
    }

    /// Whether two rows of one key say the same of it.
    fn is_same(&self, left: &Record, right: &Record) -> bool {
        let day = |row: &Record| row.day(Role::Date);
        if left.key == right.key {
            return true;
        }
        if !self.is_billed() {
            let number = |row: &Record| self.measure.and_then(|name| row.number(name));
            return number(left) == number(right) && day(left) == day(right);
        }
        // What one of them doesn't say, it doesn't say otherwise.
        let days = day(left).zip(day(right));
        let currencies = [left, right].map(|row| row.text(Role::Currency));
        let currency = currencies[0] == currencies[1] || currencies.contains(&"");
        let mut both = billed(left).filter_map(|(name, it)| Some((it, right.number(name)?)));
        let parties = fold(party(left)) == fold(party(right));
        parties
            && currency
            && days.is_none_or(|(one, two)| one == two)
            && both.all(|(one, two)| one == two || is_rounded(one, two))
    }

    fn is_item(&self, row: &Record) -> bool {
        self.items.contains(row.file.as_str())
    }

    /// Whether two rows of one key are of the same invoice: its items are.
    fn is_one_invoice(&self, left: &Record, right: &Record) -> bool {
        let items = self.is_item(left) && left.file == right.file;
        items && fold(party(left)) == fold(party(right)) || self.is_same(left, right)
    }

    /// The rows of one invoice that are there again; two of its items may cost the same.
    fn repeated(&self, rows: &[&Record], twice: &mut Twice) {
        // An item is the same where all its cells are, any other row is as the first one that is.
        let mut items: BTreeMap<&str, usize> = BTreeMap::new();
        let mut kept: Vec<Vec<&Record>> = Vec::new();
        for &row in rows {
            let known = match self.is_item(row) {
                true => items.get(row.key.as_str()).copied(),
                false => {
                    (0..kept.len().min(VARIANTS_MAX)).find(|&at| self.is_same(kept[at][0], row))
                }
            };
            let at = known.unwrap_or(kept.len());
            items.entry(&row.key).or_insert(at);
            if known.is_some() {
                twice.repeated.insert(row.cite());
                kept[at].push(row);
            } else {
                kept.push(vec![row]);
            }
        }
        for all in kept.iter().filter(|all| all.len() > 1) {
            let first = all[0];
            let number = self.number(first);
            let key = match self.kind {
                Kind::Timesheet => worked(first),
                _ if number.is_empty() => first.key.replace('\u{1f}', " · "),
                _ => number.to_owned(),
            };
            twice.duplicates.push(Duplicate {
                key,
                same_row: all.iter().all(|row| row.key == first.key),
                rounded: self.is_billed()
                    && all.iter().any(|row| {
                        let mut sums = billed(first);
                        sums.any(|(name, it)| row.number(name).is_some_and(|other| other != it))
                    }),
                shown: self.shown(first),
                cites: all.iter().take(PLACES_MAX).map(|row| row.cite()).collect(),
                more: all.len().saturating_sub(PLACES_MAX),
            });
        }
    }

    fn shown(&self, row: &Record) -> Shown {
        let measured = self.measure.and_then(|name| row.number(name));
        let amount = measured.or_else(|| billed(row).next().map(|(_, amount)| amount));
        Shown {
            party: party(row).to_owned(),
            date: row.day(Role::Date),
            amount: amount.map(|it| it.to_string()),
            currency: row.text(Role::Currency).to_owned(),
        }
    }

    /// The files in which most numbers stand in front of rows with several amounts.
    fn files_of_items<'r>(&self, rows: &[&'r Record]) -> BTreeSet<&'r str> {
        let mut files: BTreeMap<&str, BTreeMap<(String, String), Vec<&Record>>> = BTreeMap::new();
        let numbered = |row: &&&Record| self.is_billed() && !row.text(Role::Number).is_empty();
        for row in rows.iter().filter(numbered) {
            let key = (fold(row.text(Role::Number)), fold(party(row)));
            let numbers = files.entry(row.file.as_str()).or_default();
            numbers.entry(key).or_default().push(row);
        }
        let many = |rows: &&Vec<&Record>| rows.iter().any(|row| !self.is_same(rows[0], row));
        let items = |(file, numbers): (&'r str, BTreeMap<_, Vec<&Record>>)| {
            let count = numbers.values().filter(many).count();
            (count >= ITEMS_MIN && count * 2 > numbers.len()).then_some(file)
        };
        files.into_iter().filter_map(items).collect()
    }
}

/// Whether one of two amounts is the other one without its fraction, rounded.
fn is_rounded(one: Decimal, two: Decimal) -> bool {
    let whole = |it: Decimal| it.trimmed(0).scale() == 0;
    let half = Decimal::new(5, 1);
    let near = one.minus(two).is_some_and(|gap| gap.magnitude() <= half);
    near && whole(one) != whole(two)
}

/// The amounts that were billed: none of what was paid of them.
fn billed(row: &Record) -> impl Iterator<Item = (&str, Decimal)> {
    let paid = |name: &str| matches!(name, "open" | "received");
    let money = row
        .numbers
        .iter()
        .filter(|(name, _)| row.money.contains(name));
    money
        .filter(move |(name, _)| !paid(name))
        .map(|(name, it)| (name.as_str(), *it))
}

/// What a row of a time sheet is known by: its day, who worked, and for what.
fn worked(row: &Record) -> String {
    let day = row.day(Role::Date).map(|day| day.to_string());
    let texts = [Role::Person, Role::Project].map(|role| row.text(role).to_owned());
    let told = day.into_iter().chain(texts).filter(|it| !it.is_empty());
    told.collect::<Vec<String>>().join(", ")
}
