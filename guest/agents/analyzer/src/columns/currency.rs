//! Which currency the amounts of each row are in: its column's, or the one in its cells. A row that
//! names none is one of the others only where these name a single one, and then it is told.

use std::collections::BTreeSet;
use std::rc::Rc;

use naos_reading::decimal;
use naos_reading::table::Row;

use super::{Whole, column_key, is_currency};
use crate::doubts::Doubt;
use crate::names;
use crate::roles::Role;
use crate::unread::{self, runs};

/// What all rows come to.
#[derive(Default)]
pub struct Currencies {
    /// Of each row that was asked about; empty where none is known.
    pub rows: Vec<String>,
    /// What is told of rows that name none.
    pub note: Option<String>,
    /// What is told of rows that name several.
    pub doubt: Option<Doubt>,
}

impl Whole<'_> {
    /// The currency of each of these rows.
    pub(super) fn currencies(&self, rows: &[usize], money: &[bool]) -> Currencies {
        let named: Vec<BTreeSet<String>> = rows
            .iter()
            .map(|&at| self.named(&self.table.rows[at]))
            .collect();
        let known: BTreeSet<&String> = named.iter().filter(|it| it.len() == 1).flatten().collect();
        let of_names = self.of_names(money);
        let only = known.first().filter(|_| known.len() == 1);
        let silent = of_names.as_ref().or(only.copied());
        let has_amount = |row: &Row| {
            let mut cells = row.cells.iter().enumerate();
            cells.any(|(at, cell)| money[at] && self.read(at, cell).is_some())
        };
        let (mut none, mut several) = (Vec::new(), Vec::new());
        let mut found = Currencies::default();
        for (named, &at) in named.iter().zip(rows) {
            let row = &self.table.rows[at];
            let one = match named.len() {
                0 => silent,
                1 => named.first(),
                _ => None,
            };
            found.rows.push(one.cloned().unwrap_or_default());
            match named.len() {
                0 if has_amount(row) => none.push(row.line),
                2.. => several.push((row.line, named)),
                _ => {}
            }
        }
        if !none.is_empty() && of_names.is_none() && !known.is_empty() {
            let (path, count, lines) = (self.path, none.len(), runs(&none));
            let how = match only {
                Some(only) => format!("taken as {only}"),
                None => "counted apart, for the others name several".to_owned(),
            };
            found.note = Some(format!(
                "{path}: {count} {} no currency: {how}: lines {lines}",
                if count == 1 { "row names" } else { "rows name" }
            ));
        }
        if let Some((_, first)) = several.first() {
            let names: Vec<&str> = first.iter().map(String::as_str).collect();
            let places: Vec<usize> = several.iter().map(|(line, _)| *line).collect();
            let values = vec![names.join(", ")];
            found.doubt = Some(Doubt::of_file(
                "two-currencies",
                values,
                self.head(),
                &places,
            ));
        }
        found
    }

    /// The currency of each column, where their names speak of several.
    pub(super) fn units(&self, money: &[bool]) -> Rc<[(String, String)]> {
        let columns = (0..money.len()).filter(|&at| money[at]);
        let unit = |at: usize| {
            let name = &self.table.header[at];
            Some((column_key(name, self.roles[at]), names::currency(name)?))
        };
        let units: Vec<(String, String)> = columns.filter_map(unit).collect();
        match units.iter().any(|(_, unit)| *unit != units[0].1) {
            true => units.into(),
            false => Rc::default(),
        }
    }

    /// The one that the columns' names speak of.
    fn of_names(&self, money: &[bool]) -> Option<String> {
        let columns = (0..money.len()).filter(|&at| money[at]);
        let mut names = columns.filter_map(|at| names::currency(&self.table.header[at]));
        let first = names.next()?;
        names.all(|it| it == first).then_some(first)
    }

    /// Every currency that a row names.
    fn named(&self, row: &Row) -> BTreeSet<String> {
        let cells = row.cells.iter().enumerate();
        let one = |(at, cell): (usize, &String)| match self.roles[at] {
            Some(Role::Currency) if unread::says_none(cell) || cell.is_empty() => None,
            Some(Role::Currency) => {
                let code = decimal::currency_named(cell);
                Some(code.unwrap_or_else(|| cell.trim().to_owned()))
            }
            _ if !self.counted[at] => None,
            _ => self
                .written
                .read(at, cell)?
                .1
                .filter(|unit| is_currency(unit)),
        };
        cells.filter_map(one).collect()
    }
}
