//! What is known about each column, for whoever looks at the table itself.

use naos_reading::dates::Date;
use naos_reading::decimal;
use naos_reading::words::fold;

use super::{CITES_MAX, Column, Type, Whole, filled};

impl Whole<'_> {
    pub(super) fn column(&self, at: usize) -> Column {
        let cells: Vec<(&str, usize)> = filled(self.table, at).collect();
        let kind = self.types[at];
        let mut distinct: Vec<String> = cells.iter().map(|(cell, _)| fold(cell)).collect();
        distinct.sort();
        distinct.dedup();
        let mut column = Column {
            name: self.table.header[at].clone(),
            role: self.roles[at],
            kind,
            filled: cells.len(),
            missing: self.table.rows.len() - cells.len(),
            distinct: distinct.len(),
            total: None,
            min: None,
            max: None,
            mean: None,
            odd: Vec::new(),
            formats: Vec::new(),
        };
        match kind {
            Type::Number => self.numbers(at, &cells, &mut column),
            Type::Date => self.days(at, &cells, &mut column),
            _ => {}
        }
        column
    }

    fn numbers(&self, at: usize, cells: &[(&str, usize)], column: &mut Column) {
        let mut numbers = Vec::new();
        for (cell, line) in cells {
            match self.read(at, cell) {
                Some((number, _)) => numbers.push(number),
                None if column.odd.len() < CITES_MAX => {
                    column.odd.push(format!("{}:{line}", self.path));
                }
                None => {}
            }
        }
        numbers.sort();
        column.min = numbers.first().map(ToString::to_string);
        column.max = numbers.last().map(ToString::to_string);
        if self.is_measure(at) && !numbers.is_empty() {
            let total = decimal::sum(numbers.iter().copied());
            column.mean = total
                .and_then(|total| total.over(numbers.len()))
                .map(|it| it.to_string());
            column.total = total.map(|it| it.to_string());
        }
    }

    fn days(&self, at: usize, cells: &[(&str, usize)], column: &mut Column) {
        let mut days = Vec::new();
        let (mut iso, mut local) = (false, false);
        for (cell, line) in cells {
            match self.day(at, cell) {
                Some(day) => {
                    days.push(day);
                    let is_iso = Date::parse_iso(cell).is_some();
                    iso |= is_iso;
                    local |= !is_iso;
                }
                None if column.odd.len() < CITES_MAX => {
                    column.odd.push(format!("{}:{line}", self.path));
                }
                None => {}
            }
        }
        column.min = days.iter().min().map(ToString::to_string);
        column.max = days.iter().max().map(ToString::to_string);
        if iso && local {
            column.formats = vec!["YYYY-MM-DD", self.orders[at].shown()];
        }
    }
}
