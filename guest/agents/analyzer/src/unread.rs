//! Amounts and cells that are not read, told with their lines: a total without them is incomplete,
//! and whoever reads it has to know where to look.

use std::collections::BTreeMap;

use naos_reading::dates::Date;
use naos_reading::table::Table;
use naos_reading::words::shorten;

use crate::payments::Remark;

/// So many of one kind in one file are told one by one.
const NAMED_MAX: usize = 10;
/// So many runs of lines are told where there are more.
const RUNS_MAX: usize = 40;
/// How much of a cell is shown.
const CELL_CHARS_MAX: usize = 40;

/// What stands in a cell where there is no amount.
const NO_AMOUNT: &[&str] = &["-", "--", "\u{2013}", "\u{2014}", "n/a"];

/// An amount that is not read: the line it stands on, and the cell.
#[derive(Debug)]
pub struct Unread {
    /// The line of its row.
    pub line: usize,
    /// The name of its column.
    pub column: String,
    /// What stands there.
    pub cell: String,
    /// The two numbers or days that it may be, where that is why it isn't read.
    pub either: Option<[String; 2]>,
}

impl Unread {
    fn shown(&self) -> String {
        let cell = shorten(&self.cell, CELL_CHARS_MAX);
        match &self.either {
            Some([one, other]) => format!("{cell} ({one}? {other}?)"),
            None => cell,
        }
    }
}

/// Whether a cell that holds no number says that there is none.
#[must_use]
pub fn says_none(cell: &str) -> bool {
    NO_AMOUNT.iter().any(|it| it.eq_ignore_ascii_case(cell))
}

/// What is told about one file's amounts that are not read, column by column.
#[must_use]
pub fn amounts(path: &str, unread: &[Unread]) -> Vec<String> {
    told(path, unread, "amount", "amounts", "not read")
}

/// What is told about one file's days that are not read, column by column.
#[must_use]
pub fn days(path: &str, unread: &[Unread]) -> Vec<String> {
    told(path, unread, "day", "days", "could not be read")
}

fn told(path: &str, unread: &[Unread], one: &str, many: &str, why: &str) -> Vec<String> {
    let mut columns: BTreeMap<&str, Vec<&Unread>> = BTreeMap::new();
    for it in unread {
        columns.entry(&it.column).or_default().push(it);
    }
    let told = |(column, all): (&str, Vec<&Unread>)| {
        if all.len() > NAMED_MAX {
            let lines: Vec<usize> = all.iter().map(|it| it.line).collect();
            let (count, lines) = (lines.len(), runs(&lines));
            return vec![format!(
                "{path}: {count} {many} {why} ({column}): lines {lines}"
            )];
        }
        let named = |it: &&Unread| {
            let (line, cell) = (it.line, it.shown());
            format!("{path}:{line}: {one} {cell} {why} ({column})")
        };
        all.iter().map(named).collect()
    };
    columns.into_iter().flat_map(told).collect()
}

/// What is told about the rows of a file whose payment was not taken as it is written.
#[must_use]
pub fn payments(path: &str, today: Date, remarks: &[(usize, &Remark)]) -> Vec<String> {
    let mut told = Vec::new();
    let (mut ahead, mut part, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for &(line, remark) in remarks {
        match remark {
            Remark::Ahead(day) => ahead.push((line, format!("payment day {day} is after {today}"))),
            Remark::Part => part.push((line, "paid in part, and nothing says how much".to_owned())),
            Remark::Left(rest) => {
                left.push((line, format!("said to be paid, and {rest} of it is left")));
            }
        }
    }
    let many = [
        format!("payment days are after {today}"),
        "are paid in part, and nothing says how much".to_owned(),
        "are said to be paid, and something of them is left".to_owned(),
    ];
    for (all, many) in [ahead, part, left].into_iter().zip(many) {
        if all.len() > NAMED_MAX {
            let lines: Vec<usize> = all.iter().map(|(line, _)| *line).collect();
            let (count, lines) = (lines.len(), runs(&lines));
            told.push(format!(
                "{path}: {count} {many}: taken as owed: lines {lines}"
            ));
            continue;
        }
        let one = |(line, why): &(usize, String)| format!("{path}:{line}: {why}: taken as owed");
        told.extend(all.iter().map(one));
    }
    told
}

/// What is told about rows with another number of cells than the header.
#[must_use]
pub fn rows(path: &str, table: &Table) -> Vec<String> {
    let expected = table.header.len();
    if table.ragged.len() > NAMED_MAX {
        let lines: Vec<usize> = table.ragged.iter().map(|&(line, _)| line).collect();
        let (count, lines) = (lines.len(), runs(&lines));
        return vec![format!(
            "{path}: {count} rows without the header's {expected} cells: lines {lines}"
        )];
    }
    let one = |&(line, cells): &(usize, usize)| {
        format!("{path}:{line}: a row of {cells} cells under a header of {expected}")
    };
    table.ragged.iter().map(one).collect()
}

/// `3-5, 9`: lines that follow each other are one run.
pub fn runs(lines: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &line in lines {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => runs.push((line, line)),
        }
    }
    let more = if runs.len() > RUNS_MAX { ", …" } else { "" };
    let shown = |&(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    let shown: Vec<String> = runs.iter().take(RUNS_MAX).map(shown).collect();
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_named_and_many_are_grouped() {
        let unread = |lines: &[usize]| -> Vec<Unread> {
            let one = |&line: &usize| Unread {
                line,
                column: "net".to_owned(),
                cell: "abc".to_owned(),
                either: None,
            };
            lines.iter().map(one).collect()
        };
        let few = amounts("i.csv", &unread(&[3, 4]));
        let one = |line| format!("i.csv:{line}: amount abc not read (net)");
        assert_eq!(few, [one(3), one(4)]);
        let many = amounts("i.csv", &unread(&[2, 3, 4, 6, 8, 9, 11, 13, 15, 17, 19]));
        let lines = "2-4, 6, 8-9, 11, 13, 15, 17, 19";
        assert_eq!(
            many,
            [format!("i.csv: 11 amounts not read (net): lines {lines}")]
        );
    }
}
